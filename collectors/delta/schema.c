/* SPDX-License-Identifier: Apache-2.0 */
/* metaData.schemaString as a flat list of columns. */
#include "collectors/delta/schema.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "collectors/delta/parts.h"

/* What a hostile schema may make of one column. */
enum { NESTING_MAX = 64, PATH_BYTES_MAX = 2048, NAME_BYTES_MAX = 256 };

struct walk {
	struct arena *arena;
	struct delta_schema *schema;
	int depth;
};

static void walk_fields(struct walk *walk, const json_t *fields, const struct delta_column *parent,
	const char *prefix);

static const char *walk_type(struct walk *walk, const json_t *type,
	const struct delta_column *parent, const char *prefix);

/* The type in words; the fields of structs in it are walked under prefix. */
static const char *walk_nested(struct walk *walk, const json_t *type,
	const struct delta_column *parent, const char *prefix)
{
	const char *kind;

	if (json_is_string(type))
		return arena_printf(walk->arena, "%.*s", NAME_BYTES_MAX, json_string_value(type));
	kind = json_string_value(json_object_get(type, "type"));
	if (!kind)
		return "unknown";
	if (strcmp(kind, "struct") == 0)
		walk_fields(walk, json_object_get(type, "fields"), parent, prefix);
	if (strcmp(kind, "array") == 0)
		return arena_printf(walk->arena, "array of %s",
			walk_type(walk, json_object_get(type, "elementType"), parent, prefix));
	if (strcmp(kind, "map") == 0)
		return arena_printf(walk->arena, "map of %s to %s",
			walk_type(walk, json_object_get(type, "keyType"), parent,
				arena_printf(walk->arena, "%skey.", prefix)),
			walk_type(walk, json_object_get(type, "valueType"), parent, prefix));
	return arena_printf(walk->arena, "%.*s", NAME_BYTES_MAX, kind);
}

static const char *walk_type(struct walk *walk, const json_t *type,
	const struct delta_column *parent, const char *prefix)
{
	const char *words = "deeply nested";

	if (walk->depth >= NESTING_MAX)
		return words;
	walk->depth++;
	words = walk_nested(walk, type, parent, prefix);
	walk->depth--;
	return words;
}

static struct delta_column *add_column(struct walk *walk)
{
	struct delta_schema *schema = walk->schema;

	if (schema->n == schema->room) {
		schema->room = schema->room ? schema->room * 2 : 32;
		schema->columns =
			mem_resize(schema->columns, schema->room, sizeof(struct delta_column *));
	}
	schema->columns[schema->n] = ARENA_NEW(walk->arena, struct delta_column);
	return schema->columns[schema->n++];
}

static void walk_fields(struct walk *walk, const json_t *fields, const struct delta_column *parent,
	const char *prefix)
{
	const json_t *field;
	size_t i;

	json_array_foreach(fields, i, field) {
		const char *name = json_string_value(json_object_get(field, "name"));
		struct delta_column *column;

		if (walk->schema->n >= DELTA_COLUMNS_MAX) {
			walk->schema->cut = true;
			return;
		}
		column = add_column(walk);
		column->parent = parent;
		walk->schema->top += !parent;
		column->path =
			text_of(arena_printf(walk->arena, "%.*s%.*s", PATH_BYTES_MAX, prefix,
				NAME_BYTES_MAX, name ? name : "?"));
		column->nullable = !json_is_false(json_object_get(field, "nullable"));
		column->id = delta_json_integer(json_object_get(
			json_object_get(field, "metadata"), "delta.columnMapping.id"));
		column->type = walk_type(walk, json_object_get(field, "type"), column,
			arena_printf(walk->arena, "%s.", column->path.bytes));
	}
}

static int compare_columns(const void *left, const void *right)
{
	const struct delta_column *const *a = left;
	const struct delta_column *const *b = right;

	return text_cmp((*a)->path, (*b)->path);
}

struct delta_schema delta_schema_of(struct arena *arena, const json_t *metadata)
{
	struct delta_schema schema = { 0 };
	struct walk walk = { arena, &schema, 0 };
	const json_t *text = json_object_get(metadata, "schemaString");
	struct delta_column **columns;
	json_t *root;

	root = delta_json((struct text){ json_string_value(text), json_string_length(text) });
	if (!root)
		return schema;
	walk_fields(&walk, json_object_get(root, "fields"), NULL, "");
	json_decref(root);
	if (schema.n == 0)
		return schema;
	/* Into the arena, so that the whole goes at once. */
	columns = ARENA_ARRAY(arena, struct delta_column *, schema.n);
	memcpy(columns, schema.columns, schema.n * sizeof(struct delta_column *));
	free(schema.columns);
	schema.columns = columns;
	qsort(schema.columns, schema.n, sizeof(struct delta_column *), compare_columns);
	return schema;
}
