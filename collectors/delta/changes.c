/* SPDX-License-Identifier: Apache-2.0 */
/* What a commit's metaData and protocol changed, in sentences for people. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "collectors/delta/parts.h"
#include "collectors/delta/schema.h"

enum { SENTENCES_MAX = 64, SENTENCE_MAX = 512, VALUE_MAX = 120, RENAME_PAIRS_MAX = 1000 * 1000 };

struct sentences {
	json_t *array;
	size_t left_out;
};

static void say(struct sentences *sentences, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void say(struct sentences *sentences, const char *fmt, ...)
{
	struct buf dirty;
	struct buf clean;
	va_list args;

	if (json_array_size(sentences->array) >= SENTENCES_MAX) {
		sentences->left_out++;
		return;
	}
	buf_init(&dirty, 2 * SENTENCE_MAX);
	buf_init(&clean, SENTENCE_MAX);
	va_start(args, fmt);
	(void)buf_vaddf(&dirty, fmt, args);
	va_end(args);
	(void)utf8_clean(&clean, buf_text(&dirty), UTF8_ONE_LINE); /* cut if it must be */
	(void)json_array_append_new(sentences->array, json_stringn(clean.bytes, clean.len));
	buf_done(&dirty);
	buf_done(&clean);
}

/* The other schema's column that is this one under another name. */
static const struct delta_column *renamed(const struct delta_column *column,
	const struct delta_schema *other, const struct delta_schema *own)
{
	if (column->id == FACT_UNKNOWN || own->n * other->n > RENAME_PAIRS_MAX)
		return NULL;
	for (size_t i = 0; i < other->n; i++)
		if (other->columns[i]->id == column->id &&
			!text_eq(other->columns[i]->path, column->path))
			return other->columns[i];
	return NULL;
}

static bool has_path(const struct delta_schema *schema, struct text path)
{
	size_t low = 0;
	size_t high = schema->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = text_cmp(schema->columns[middle]->path, path);

		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static void say_gone(struct sentences *sentences, const struct delta_column *column,
	const struct delta_schema *old, const struct delta_schema *new)
{
	const struct delta_column *now = renamed(column, new, old);

	if (column->parent && !has_path(new, column->parent->path))
		return; /* said by its parent */
	if (now && !has_path(old, now->path))
		say(sentences, "column %s renamed to %s", column->path.bytes, now->path.bytes);
	else
		say(sentences, "column %s removed (%s)", column->path.bytes, column->type);
}

static void say_new(struct sentences *sentences, const struct delta_column *column,
	const struct delta_schema *old, const struct delta_schema *new)
{
	const struct delta_column *before = renamed(column, old, new);

	if (column->parent && !has_path(old, column->parent->path))
		return;
	if (before && !has_path(new, before->path))
		return; /* said as renamed */
	say(sentences, "column %s added (%s)", column->path.bytes, column->type);
}

static void say_changed(struct sentences *sentences, const struct delta_column *old,
	const struct delta_column *new)
{
	if (strcmp(old->type, new->type) != 0)
		say(sentences, "column %s changed type from %s to %s", new->path.bytes, old->type,
			new->type);
	if (old->nullable && !new->nullable)
		say(sentences, "column %s may no longer be null", new->path.bytes);
	if (!old->nullable && new->nullable)
		say(sentences, "column %s may now be null", new->path.bytes);
}

/* Both lists are sorted by path. */
static void compare_schemas(struct sentences *sentences, const struct delta_schema *old,
	const struct delta_schema *new)
{
	size_t i = 0;
	size_t j = 0;

	while (i < old->n || j < new->n) {
		int order = i == old->n ? 1
			: j == new->n   ? -1
					: text_cmp(old->columns[i]->path, new->columns[j]->path);

		if (order < 0) {
			say_gone(sentences, old->columns[i++], old, new);
		} else if (order > 0) {
			say_new(sentences, new->columns[j++], old, new);
		} else {
			say_changed(sentences, old->columns[i++], new->columns[j++]);
		}
	}
}

static struct text value_of(struct arena *arena, const json_t *value)
{
	return text_sub(delta_json_text(arena, value), 0, VALUE_MAX);
}

static void compare_properties(struct sentences *sentences, struct arena *arena, json_t *old,
	json_t *new)
{
	const char *name;
	json_t *value;

	json_object_foreach(new, name, value) {
		struct text now = value_of(arena, value);
		struct text before = value_of(arena, json_object_get(old, name));

		if (json_equal(value, json_object_get(old, name)))
			continue;
		if (before.bytes)
			say(sentences, "property %s changed from %.*s to %.*s", name,
				TEXT_ARG(before), TEXT_ARG(now));
		else
			say(sentences, "property %s set to %.*s", name, TEXT_ARG(now));
	}
	json_object_foreach(old, name, value) {
		struct text before = value_of(arena, value);

		if (!json_object_get(new, name))
			say(sentences, "property %s unset (was %.*s)", name, TEXT_ARG(before));
	}
}

/* A list of names as "a, b" or "none". */
static struct text names_of(struct arena *arena, const json_t *array)
{
	struct buf buf;
	struct text names;
	const json_t *item;
	size_t i;

	buf_init(&buf, VALUE_MAX);
	json_array_foreach(array, i, item)
		if (json_is_string(item))
			(void)buf_addf(&buf, "%s%s", buf.len ? ", " : "", json_string_value(item));
	if (buf.len == 0)
		(void)buf_add_str(&buf, "none");
	names = arena_text(arena, buf_text(&buf));
	buf_done(&buf);
	return names;
}

static void say_created(struct sentences *sentences, struct arena *arena, const json_t *metadata)
{
	struct delta_schema schema = delta_schema_of(arena, metadata);
	const json_t *partitions = json_object_get(metadata, "partitionColumns");
	json_t *properties = json_object_get(metadata, "configuration");

	if (schema.n == 0)
		say(sentences, "table created without columns");
	else
		say(sentences, "table created with %zu column%s", schema.top,
			schema.top == 1 ? "" : "s");
	if (json_array_size(partitions) > 0)
		say(sentences, "partitioned by %.*s", TEXT_ARG(names_of(arena, partitions)));
	compare_properties(sentences, arena, NULL, properties);
}

static bool same(const json_t *a, const json_t *b)
{
	return a == b || json_equal(a, b); /* both absent is the same, too */
}

static void compare_metadata(struct sentences *sentences, struct arena *arena, const json_t *old,
	const json_t *new)
{
	static const char *const told[] = { "name", "description" };
	struct text old_partitions = names_of(arena, json_object_get(old, "partitionColumns"));
	struct text new_partitions = names_of(arena, json_object_get(new, "partitionColumns"));
	struct delta_schema old_schema;
	struct delta_schema new_schema;

	if (!same(json_object_get(old, "id"), json_object_get(new, "id")))
		say(sentences, "table replaced: it has a new id");
	if (!same(json_object_get(old, "schemaString"), json_object_get(new, "schemaString"))) {
		old_schema = delta_schema_of(arena, old);
		new_schema = delta_schema_of(arena, new);
		if (old_schema.cut || new_schema.cut)
			say(sentences, "schema changed; it has too many columns to compare");
		else
			compare_schemas(sentences, &old_schema, &new_schema);
	}
	if (!text_eq(old_partitions, new_partitions))
		say(sentences, "partitioned by %.*s (was %.*s)", TEXT_ARG(new_partitions),
			TEXT_ARG(old_partitions));
	compare_properties(sentences, arena, json_object_get(old, "configuration"),
		json_object_get(new, "configuration"));
	for (size_t i = 0; i < 2; i++) {
		struct text now = value_of(arena, json_object_get(new, told[i]));

		if (!text_eq(value_of(arena, json_object_get(old, told[i])), now))
			say(sentences, "table %s is now \"%.*s\"", told[i], TEXT_ARG(now));
	}
}

static bool has_name(const json_t *array, const json_t *name)
{
	const json_t *item;
	size_t i;

	json_array_foreach(array, i, item)
		if (json_equal(item, name))
			return true;
	return false;
}

static void compare_features(struct sentences *sentences, const json_t *old, const json_t *new)
{
	static const char *const lists[] = { "writerFeatures", "readerFeatures" };
	const json_t *item;
	size_t i;

	for (size_t list = 0; list < 2; list++) {
		const json_t *before = json_object_get(old, lists[list]);
		const json_t *now = json_object_get(new, lists[list]);

		json_array_foreach(now, i, item)
			if (json_is_string(item) && !has_name(before, item) &&
				!(list == 1 && has_name(json_object_get(new, lists[0]), item)))
				say(sentences, "feature %s added", json_string_value(item));
		json_array_foreach(before, i, item)
			if (json_is_string(item) && !has_name(now, item) &&
				!(list == 1 && has_name(json_object_get(old, lists[0]), item)))
				say(sentences, "feature %s dropped", json_string_value(item));
	}
}

static void compare_protocols(struct sentences *sentences, const json_t *old, const json_t *new)
{
	int64_t was[2] = { delta_json_integer(json_object_get(old, "minReaderVersion")),
		delta_json_integer(json_object_get(old, "minWriterVersion")) };
	int64_t now[2] = { delta_json_integer(json_object_get(new, "minReaderVersion")),
		delta_json_integer(json_object_get(new, "minWriterVersion")) };

	if (was[0] != now[0] || was[1] != now[1])
		say(sentences, "protocol %s from reader %lld, writer %lld to reader %lld, writer %lld",
			now[0] >= was[0] && now[1] >= was[1] ? "upgraded" : "downgraded",
			(long long)was[0], (long long)was[1], (long long)now[0], (long long)now[1]);
	compare_features(sentences, old, new);
}

struct text delta_changes(struct arena *arena, const json_t *old_metadata,
	const json_t *new_metadata, const json_t *old_protocol, const json_t *new_protocol,
	bool created)
{
	struct sentences sentences = { json_array(), 0 };
	struct text text = TEXT_NONE;

	if (new_metadata && created)
		say_created(&sentences, arena, new_metadata);
	else if (new_metadata && old_metadata)
		compare_metadata(&sentences, arena, old_metadata, new_metadata);
	if (new_protocol && old_protocol)
		compare_protocols(&sentences, old_protocol, new_protocol);
	if (sentences.left_out > 0)
		(void)json_array_append_new(sentences.array,
			json_sprintf("and %zu more changes", sentences.left_out));
	if (json_array_size(sentences.array) > 0)
		text = delta_json_text(arena, sentences.array);
	json_decref(sentences.array);
	return text;
}
