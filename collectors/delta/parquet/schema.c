/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "collectors/delta/parquet/parts.h"

enum { REQUIRED, OPTIONAL, REPEATED };
enum { PATH_SHOWN = 90 }; /* bytes of a column's path in messages */

enum converted {
	CONVERTED_UTF8,
	CONVERTED_MAP,
	CONVERTED_MAP_KEY_VALUE,
	CONVERTED_LIST,
	CONVERTED_ENUM,
	CONVERTED_DECIMAL,
	CONVERTED_DATE,
	CONVERTED_TIME_MILLIS,
	CONVERTED_TIME_MICROS,
	CONVERTED_TIMESTAMP_MILLIS,
	CONVERTED_TIMESTAMP_MICROS,
	CONVERTED_UINT_8,
	CONVERTED_INT_8 = 15,
	CONVERTED_INT_64 = 18,
	CONVERTED_JSON,
	CONVERTED_BSON
};

struct builder {
	struct parquet *file;
	const struct parquet_element *elements;
	size_t nelements, at;
	struct buf path;
	struct err *err;
};

/* Levels and depth where a node stands. */
struct place {
	struct parquet_node *parent;
	int def, rep, depth;
};

static struct parquet_node *build(struct builder *builder, struct place place);

static struct parquet_node *fail(struct builder *builder, const char *what)
{
	(void)err_set(builder->err, ERR_FORMAT, 0, "%s: offset %lld: schema element %zu: %s",
		builder->file->name, (long long)builder->file->data_end, builder->at, what);
	return NULL;
}

static bool is_group(const struct parquet_element *element)
{
	return !element->has_type;
}

/* What older writers say by converted type, said as the newer logical type. */
static void modernize(struct parquet_element *e)
{
	if (e->logical != LOGICAL_NONE || !e->has_converted)
		return;
	switch (e->converted) {
	case CONVERTED_UTF8: e->logical = LOGICAL_STRING; break;
	case CONVERTED_MAP:
	case CONVERTED_MAP_KEY_VALUE: e->logical = LOGICAL_MAP; break;
	case CONVERTED_LIST: e->logical = LOGICAL_LIST; break;
	case CONVERTED_ENUM: e->logical = LOGICAL_ENUM; break;
	case CONVERTED_DECIMAL: e->logical = LOGICAL_DECIMAL; break;
	case CONVERTED_DATE: e->logical = LOGICAL_DATE; break;
	case CONVERTED_TIME_MILLIS:
	case CONVERTED_TIME_MICROS:
		e->logical = LOGICAL_TIME;
		e->unit = e->converted == CONVERTED_TIME_MILLIS ? PARQUET_MILLIS : PARQUET_MICROS;
		e->is_utc = true;
		break;
	case CONVERTED_TIMESTAMP_MILLIS:
	case CONVERTED_TIMESTAMP_MICROS:
		e->logical = LOGICAL_TIMESTAMP;
		e->unit = e->converted == CONVERTED_TIMESTAMP_MILLIS ? PARQUET_MILLIS
								     : PARQUET_MICROS;
		e->is_utc = true;
		break;
	case CONVERTED_JSON: e->logical = LOGICAL_JSON; break;
	case CONVERTED_BSON: e->logical = LOGICAL_BSON; break;
	default:
		if (e->converted < CONVERTED_UINT_8 || e->converted > CONVERTED_INT_64)
			break;
		e->logical = LOGICAL_INTEGER;
		e->is_signed = e->converted >= CONVERTED_INT_8;
		e->bits = 8 << (e->converted - (e->is_signed ? CONVERTED_INT_8 : CONVERTED_UINT_8));
	}
}

static void integer_kind(struct parquet_node *node, const struct parquet_element *e)
{
	node->in = PARQUET_IN_INTS;
	node->kind = PARQUET_INT;
	node->bits = e->type == PARQUET_INT32 ? 32 : 64;
	switch (e->logical) {
	case LOGICAL_INTEGER:
		node->kind = e->is_signed ? PARQUET_INT : PARQUET_UINT;
		if (e->bits == 8 || e->bits == 16)
			node->bits = e->bits;
		break;
	case LOGICAL_DATE:
		if (e->type == PARQUET_INT32)
			node->kind = PARQUET_DATE;
		break;
	case LOGICAL_TIME:
		node->kind = PARQUET_TIME;
		break;
	case LOGICAL_TIMESTAMP:
		if (e->type == PARQUET_INT64)
			node->kind = PARQUET_TIMESTAMP;
		break;
	case LOGICAL_DECIMAL:
		node->kind = PARQUET_DECIMAL;
		break;
	default:
		break;
	}
}

static void bytes_kind(struct parquet_node *node, const struct parquet_element *e)
{
	node->in = PARQUET_IN_TEXTS;
	node->kind = PARQUET_BYTES;
	switch (e->logical) {
	case LOGICAL_STRING:
	case LOGICAL_ENUM:
	case LOGICAL_JSON:
		node->kind = PARQUET_STRING;
		break;
	case LOGICAL_DECIMAL:
		if (e->precision < 1 || e->precision > 38)
			break;
		node->kind = PARQUET_DECIMAL;
		node->in = e->precision <= 18 ? PARQUET_IN_INTS : PARQUET_IN_WIDES;
		break;
	case LOGICAL_UUID:
		if (e->type == PARQUET_FIXED && e->width == 16)
			node->kind = PARQUET_UUID;
		break;
	case LOGICAL_FLOAT16:
		if (e->type != PARQUET_FIXED || e->width != 2)
			break;
		node->kind = PARQUET_REAL;
		node->in = PARQUET_IN_REALS;
		break;
	default:
		break;
	}
}

static void leaf_kind(struct parquet_node *node, const struct parquet_element *e)
{
	node->physical = (enum parquet_physical)e->type;
	node->width = e->width;
	node->precision = e->precision;
	node->scale = e->scale;
	node->unit = e->unit;
	node->is_utc = e->is_utc;
	switch (node->physical) {
	case PARQUET_BOOLEAN:
		node->kind = PARQUET_BOOL;
		node->in = PARQUET_IN_BOOLS;
		break;
	case PARQUET_INT32:
	case PARQUET_INT64:
		integer_kind(node, e);
		break;
	case PARQUET_INT96:
		node->kind = PARQUET_TIMESTAMP;
		node->in = PARQUET_IN_INTS;
		node->unit = PARQUET_MICROS;
		node->is_utc = true;
		break;
	case PARQUET_FLOAT:
	case PARQUET_DOUBLE:
		node->kind = PARQUET_REAL;
		node->in = PARQUET_IN_REALS;
		break;
	case PARQUET_BYTE_ARRAY:
	case PARQUET_FIXED:
		bytes_kind(node, e);
		break;
	}
}

static bool add_leaf(struct builder *builder, struct parquet_node *node,
	const struct parquet_element *element, struct place place)
{
	struct parquet *file = builder->file;

	if (element->type < PARQUET_BOOLEAN || element->type > PARQUET_FIXED ||
		(element->type == PARQUET_FIXED &&
			(element->width < 1 || element->width > PARQUET_PAGE_MAX)))
		return fail(builder, "no such physical type") != NULL;
	leaf_kind(node, element);
	node->max_rep = (int16_t)place.rep;
	node->column = (int32_t)file->nleaves;
	file->leaves[file->nleaves++] = (struct parquet_leaf){
		.node = node,
		.path = arena_text(&file->arena, buf_text(&builder->path)).bytes,
	};
	return true;
}

static struct parquet_node *new_node(struct builder *builder,
	const struct parquet_element *element, const struct place *place)
{
	struct parquet_node *node = ARENA_NEW(&builder->file->arena, struct parquet_node);

	node->name = element->name;
	node->field_id = element->field_id;
	node->parent = place->parent;
	node->column = -1;
	node->def_present = (int16_t)place->def;
	node->index = (int32_t)builder->file->nnodes++;
	return node;
}

static bool set_children(struct builder *builder, struct parquet_node *node, size_t count,
	struct place place)
{
	struct parquet_node **children = ARENA_ARRAY(&builder->file->arena, struct parquet_node *,
		count);

	node->children = (const struct parquet_node *const *)children;
	for (size_t i = 0; i < count; i++) {
		children[i] = build(builder, place);
		if (!children[i])
			return false;
		children[i]->place = (int32_t)i;
		node->nchildren++;
	}
	return true;
}

/* Whether the repeated group in a list is itself the element, as writers before the rule had it. */
static bool is_element(const struct builder *builder, const struct parquet_element *list,
	const struct parquet_element *repeated)
{
	size_t inner = (size_t)(repeated - builder->elements) + 1;

	if (!is_group(repeated) || repeated->nchildren != 1)
		return true;
	if (inner < builder->nelements && builder->elements[inner].repetition == REPEATED)
		return true;
	if (text_is(repeated->name, "array"))
		return true;
	return repeated->name.len == list->name.len + 6 &&
		text_starts(repeated->name, list->name) && text_ends(repeated->name, TEXT("_tuple"));
}

static struct parquet_node *node_of(struct builder *builder, const struct parquet_element *element,
	struct place place);

/* A list or map's entries; builder stands at the repeated element. */
static bool add_entries(struct builder *builder, struct parquet_node *node,
	const struct parquet_element *element, struct place place)
{
	const struct parquet_element *repeated = &builder->elements[builder->at];
	struct place inside = { node, place.def + 1, place.rep + 1, place.depth + 1 };
	size_t path_len = builder->path.len;
	struct parquet_node **only;
	bool good;

	node->def_entry = (int16_t)inside.def;
	node->rep_entry = (int16_t)inside.rep;
	if (node->kind == PARQUET_LIST && is_element(builder, element, repeated)) {
		only = ARENA_ARRAY(&builder->file->arena, struct parquet_node *, 1);
		builder->at++;
		only[0] = node_of(builder, repeated, inside);
		node->children = (const struct parquet_node *const *)only;
		node->nchildren = only[0] ? 1 : 0;
		return only[0] != NULL;
	}
	builder->at++;
	(void)buf_add_char(&builder->path, '.');
	(void)utf8_clean(&builder->path, repeated->name, UTF8_ONE_LINE);
	good = set_children(builder, node, (size_t)repeated->nchildren, inside);
	buf_cut(&builder->path, path_len);
	return good;
}

/*
 * The annotation counts only if the shape beneath is the one it promises. A key is to be required,
 * but writers made it optional, too, and mean a map all the same.
 */
static enum parquet_kind group_kind(const struct builder *builder,
	const struct parquet_element *element)
{
	const struct parquet_element *repeated = &builder->elements[builder->at];

	if (element->nchildren != 1 || builder->at >= builder->nelements ||
		repeated->repetition != REPEATED)
		return PARQUET_STRUCT;
	if (element->logical == LOGICAL_LIST)
		return PARQUET_LIST;
	if (element->logical == LOGICAL_MAP && is_group(repeated) &&
		(repeated->nchildren == 1 || repeated->nchildren == 2) &&
		builder->at + 1 < builder->nelements && repeated[1].repetition != REPEATED)
		return PARQUET_MAP;
	return PARQUET_STRUCT;
}

/* The element itself, whatever its repetition; builder stands behind it. */
static struct parquet_node *node_of(struct builder *builder, const struct parquet_element *element,
	struct place place)
{
	struct parquet_node *node;
	size_t path_len = builder->path.len;
	struct place inside;
	bool good;

	if (place.depth > PARQUET_DEPTH_MAX)
		return fail(builder, "nested too deeply");
	if (element->repetition == OPTIONAL)
		place.def++;
	node = new_node(builder, element, &place);
	node->is_optional = element->repetition == OPTIONAL;
	if (path_len > 0)
		(void)buf_add_char(&builder->path, '.');
	if (place.depth > 0)
		(void)utf8_clean(&builder->path, element->name, UTF8_ONE_LINE);
	inside = (struct place){ node, place.def, place.rep, place.depth + 1 };
	if (!is_group(element)) {
		good = add_leaf(builder, node, element, place);
	} else {
		node->kind = place.depth == 0 ? PARQUET_STRUCT : group_kind(builder, element);
		good = node->kind == PARQUET_STRUCT
			? set_children(builder, node, (size_t)element->nchildren, inside)
			: add_entries(builder, node, element, place);
	}
	buf_cut(&builder->path, path_len);
	return good ? node : NULL;
}

/* The next element and all beneath it; a bare repeated one becomes a list that is always there. */
static struct parquet_node *build(struct builder *builder, struct place place)
{
	const struct parquet_element *element;
	struct parquet_element once;
	struct parquet_node *list;
	struct parquet_node **only;

	if (builder->at >= builder->nelements)
		return fail(builder, "fewer elements than the groups say");
	element = &builder->elements[builder->at++];
	if (element->repetition != REPEATED)
		return node_of(builder, element, place);
	list = new_node(builder, element, &place);
	list->kind = PARQUET_LIST;
	list->def_entry = (int16_t)(place.def + 1);
	list->rep_entry = (int16_t)(place.rep + 1);
	once = *element;
	only = ARENA_ARRAY(&builder->file->arena, struct parquet_node *, 1);
	only[0] = node_of(builder, &once,
		(struct place){ list, place.def + 1, place.rep + 1, place.depth + 1 });
	list->children = (const struct parquet_node *const *)only;
	list->nchildren = only[0] ? 1 : 0;
	return only[0] ? list : NULL;
}

bool parquet_schema_build(struct parquet *file, struct parquet_element *elements,
	size_t nelements, struct err *err)
{
	struct builder builder = {
		.file = file,
		.elements = elements,
		.nelements = nelements,
		.err = err,
	};
	bool good;

	for (size_t i = 0; i < nelements; i++)
		modernize(&elements[i]);
	if (nelements == 0 || !is_group(&elements[0]))
		return fail(&builder, "no root") != NULL;
	elements[0].repetition = REQUIRED;
	buf_init(&builder.path, PATH_SHOWN);
	file->leaves = NEW_ARRAY(struct parquet_leaf, nelements);
	builder.at = 1;
	file->root = node_of(&builder, &elements[0], (struct place){ NULL, 0, 0, 0 });
	good = file->root != NULL;
	if (good && builder.at != nelements)
		good = fail(&builder, "more elements than the groups say") != NULL;
	buf_done(&builder.path);
	return good;
}

const struct parquet_node *parquet_node_by_id(const struct parquet_node *group, int32_t id)
{
	for (size_t i = 0; group && i < group->nchildren; i++)
		if (group->children[i]->field_id == id)
			return group->children[i];
	return NULL;
}

/*
 * Cuts the name of a child off the path; false if the path does not begin with it. A name is the
 * file's and may hold any byte, NUL too, behind which the path has nothing.
 */
static bool take_name(const char **path, struct text name)
{
	if (strnlen(*path, name.len) < name.len || memcmp(*path, name.bytes, name.len) != 0 ||
		((*path)[name.len] != '.' && (*path)[name.len] != '\0'))
		return false;
	*path += name.len + ((*path)[name.len] == '.');
	return true;
}

/* The child a path's first part means: by name, so that a name may hold a dot; else by place. */
static const struct parquet_node *child_by_path(const struct parquet_node *from, const char **path)
{
	size_t part;

	for (size_t i = 0; from->kind == PARQUET_STRUCT && i < from->nchildren; i++)
		if (from->children[i]->name.len > 0 && take_name(path, from->children[i]->name))
			return from->children[i];
	if (from->kind != PARQUET_LIST && from->kind != PARQUET_MAP)
		return NULL;
	part = strcspn(*path, ".");
	if (from->kind == PARQUET_MAP && strncmp(*path, "key", part) != 0) {
		*path += part + ((*path)[part] == '.');
		return from->nchildren > 1 ? from->children[1] : NULL;
	}
	*path += part + ((*path)[part] == '.');
	return from->children[0];
}

const struct parquet_node *parquet_node_find(const struct parquet_node *from, const char *path)
{
	while (from && *path)
		from = child_by_path(from, &path);
	return from;
}
