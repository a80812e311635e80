/* SPDX-License-Identifier: Apache-2.0 */
/* Actions out of commits: a projection scanner for what there are millions of, jansson for the rest. */
#include "collectors/delta/action.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "collectors/delta/scan.h"

#define STATS_HEAD "{\"numRecords\":"

static const struct {
	const char *name;
	enum delta_action_kind kind;
} kinds[] = {
	{ "add", DELTA_ACTION_ADD },
	{ "remove", DELTA_ACTION_REMOVE },
	{ "commitInfo", DELTA_ACTION_INFO },
	{ "metaData", DELTA_ACTION_METADATA },
	{ "protocol", DELTA_ACTION_PROTOCOL },
	{ "txn", DELTA_ACTION_TXN },
	{ "domainMetadata", DELTA_ACTION_DOMAIN },
	{ "checkpointMetadata", DELTA_ACTION_CHECKPOINT },
	{ "sidecar", DELTA_ACTION_SIDECAR },
};

enum delta_action_kind delta_action_kind_of(struct text name)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (text_is(name, kinds[i].name))
			return kinds[i].kind;
	return DELTA_ACTION_OTHER;
}

struct delta_action delta_action_none(enum delta_action_kind kind)
{
	return (struct delta_action){
		.kind = kind,
		.in_commit_ms = FACT_UNKNOWN,
		.number = FACT_UNKNOWN,
		.entry = {
			.tombstone = kind == DELTA_ACTION_REMOVE,
			.size = FACT_UNKNOWN,
			.records = FACT_UNKNOWN,
			.rows = FACT_UNKNOWN,
			.modified_ms = FACT_UNKNOWN,
			.null_count = FACT_UNKNOWN,
			.since = FACT_UNKNOWN,
			.deleted_ms = FACT_UNKNOWN,
			.dv = { .offset = FACT_UNKNOWN, .size = FACT_UNKNOWN,
				.cardinality = FACT_UNKNOWN },
		},
	};
}

static void set_rows(struct delta_action *action)
{
	struct delta_entry *entry = &action->entry;

	entry->rows = entry->records;
	if (!entry->dv.storage || entry->records == FACT_UNKNOWN)
		return;
	if (entry->dv.cardinality < 0 || entry->dv.cardinality > entry->records)
		entry->rows = FACT_UNKNOWN; /* FACT_UNKNOWN is below 0, too */
	else
		entry->rows -= entry->dv.cardinality;
}

/* ---- stats ---- */

struct stats {
	int64_t records, null_count;
};

static int64_t count_of(const json_t *value)
{
	int64_t count = delta_json_integer(value);

	return count < 0 ? FACT_UNKNOWN : count;
}

/* The same by jansson: for stats of another form than engines write. */
static void stats_general(struct text stats, struct text column, int64_t *records_out,
	int64_t *null_count_out)
{
	json_t *json = delta_json(stats);
	char name[256];

	*records_out = count_of(json_object_get(json, "numRecords"));
	if (column.bytes && column.len < sizeof name) {
		memcpy(name, column.bytes, column.len);
		name[column.len] = '\0';
		*null_count_out =
			count_of(json_object_get(json_object_get(json, "nullCount"), name));
	}
	json_decref(json);
}

static const char *null_count_member(const struct scan *scan, struct text key, const char *p,
	void *to)
{
	return text_eq(key, scan->column) ? lex_integer(p, to)
					  : lex_skip_value(p, scan->end, SCAN_DEPTH);
}

static const char *stats_member(const struct scan *scan, struct text key, const char *p, void *to)
{
	struct stats *stats = to;

	if (text_is(key, "numRecords"))
		return lex_integer(p, &stats->records);
	if (scan->column.bytes && text_is(key, "nullCount"))
		return scan_object(scan, p, null_count_member, &stats->null_count);
	return lex_skip_value(p, scan->end, SCAN_DEPTH);
}

static bool stats_scan(struct text text, struct text column, struct stats *stats)
{
	const struct scan scan = { .end = text.bytes + text.len, .column = column };

	return text.len >= 2 && scan.end[-1] == '}' &&
		scan_object(&scan, text.bytes, stats_member, stats) == scan.end;
}

/* A count at that place, within the text; NULL = none. */
static const char *leading_number(struct text text, size_t at, int64_t *out)
{
	size_t end = at;

	while (end < text.len && lex_is_digit(text.bytes[end]))
		end++;
	if (end == text.len || end - at > LEX_DIGITS_MAX || (text.bytes[at] == '0' && end - at > 1) ||
		!text_to_i64(text_sub(text, at, end - at), out))
		return NULL;
	return text.bytes + end;
}

void delta_stats_read(struct text stats, struct text column, int64_t *records_out,
	int64_t *null_count_out)
{
	struct stats read = { FACT_UNKNOWN, FACT_UNKNOWN };
	const char *behind;

	*records_out = *null_count_out = FACT_UNKNOWN;
	if (!stats.bytes)
		return;
	/* As nearly all begin, where more is not asked for. */
	if (!column.bytes && stats.len > sizeof STATS_HEAD && text_starts(stats, TEXT(STATS_HEAD))) {
		behind = leading_number(stats, sizeof STATS_HEAD - 1, records_out);
		if (behind && (*behind == ',' || *behind == '}'))
			return;
		*records_out = FACT_UNKNOWN;
	}
	if (stats_scan(stats, column, &read) && read.records >= 0) {
		*records_out = read.records;
		*null_count_out = read.null_count;
	} else {
		stats_general(stats, column, records_out, null_count_out);
	}
	if (*null_count_out < 0)
		*null_count_out = FACT_UNKNOWN;
}

/* ---- the scanner ---- */

static const char *scan_flag(const struct scan *scan, const char *p, bool *out)
{
	*out = *p == 't';
	return *p == 't' || *p == 'f' || *p == 'n' ? lex_skip_word(p, scan->end) : NULL;
}

/*
 * What nearly all stats begin with, so that their bulk is passed without being looked into. Stats
 * that a column's null count is wanted of, or that begin otherwise, are read as a whole.
 */
static const char *scan_stats(const struct scan *scan, const char *p, struct delta_action *action)
{
	static const char head[] = "\"{\\\"numRecords\\\":";
	struct text stats;
	int64_t records;
	const char *behind;

	if (*p == '"' && !scan->column.bytes &&
		lex_word(p, scan->end, head, sizeof head - 1) == p + sizeof head - 1) {
		behind = lex_integer(p + sizeof head - 1, &records);
		if (behind && records >= 0 && (*behind == ',' || *behind == '}')) {
			action->entry.records = records;
			return lex_skip_quoted(behind, scan->end);
		}
	}
	if (*p != '"' && *p != 'n')
		return NULL; /* an object rather than text: the general reader knows */
	p = scan_string(scan, p, &stats);
	if (p)
		delta_stats_read(stats, scan->column, &action->entry.records,
			&action->entry.null_count);
	return p;
}

struct vector {
	struct text storage;
	struct delta_dv *dv;
};

static const char *vector_member(const struct scan *scan, struct text key, const char *p, void *to)
{
	struct vector *vector = to;

	if (text_is(key, "storageType"))
		return scan_string(scan, p, &vector->storage);
	if (text_is(key, "pathOrInlineDv"))
		return scan_string(scan, p, &vector->dv->path);
	if (text_is(key, "offset"))
		return scan_number(scan, p, &vector->dv->offset);
	if (text_is(key, "sizeInBytes"))
		return scan_number(scan, p, &vector->dv->size);
	if (text_is(key, "cardinality"))
		return scan_number(scan, p, &vector->dv->cardinality);
	return lex_skip_value(p, scan->end, SCAN_DEPTH);
}

static const char *scan_vector(const struct scan *scan, const char *p, struct delta_dv *dv)
{
	struct vector vector = { TEXT_NONE, dv };

	if (*p == 'n')
		return lex_word(p, scan->end, "null", 4);
	p = scan_object(scan, p, vector_member, &vector);
	if (!p || vector.storage.len != 1 || !dv->path.bytes)
		return NULL;
	dv->storage = vector.storage.bytes[0];
	return p;
}

static const char *scan_values(const struct scan *scan, const char *p, struct text *out)
{
	const char *start = p;

	if (*p == 'n')
		return lex_word(p, scan->end, "null", 4);
	if (*p != '{')
		return NULL;
	p = lex_skip_value(p, scan->end, 2);
	if (p)
		*out = (struct text){ start, (size_t)(p - start) };
	return p;
}

/* Of a key whose length is the word's. */
static inline bool same(struct text key, const char *word)
{
	return memcmp(key.bytes, word, strlen(word)) == 0;
}

/* One member of add or remove. Lengths first: most keys differ in them. */
static const char *file_member(const struct scan *scan, struct text key, const char *p, void *to)
{
	struct delta_action *action = to;
	struct delta_entry *entry = &action->entry;

	switch (key.len) {
	case 4:
		if (same(key, "path"))
			return scan_string(scan, p, &entry->path);
		if (same(key, "size"))
			return scan_number(scan, p, &entry->size);
		break;
	case 5:
		if (same(key, "stats"))
			return scan_stats(scan, p, action);
		break;
	case 10:
		if (same(key, "dataChange"))
			return scan_flag(scan, p, &action->data_change);
		break;
	case 14:
		if (same(key, "deletionVector"))
			return scan_vector(scan, p, &entry->dv);
		break;
	case 15:
		if (same(key, "partitionValues"))
			return scan_values(scan, p, &entry->partition_values);
		break;
	case 16:
		if (same(key, "modificationTime"))
			return scan_number(scan, p, &entry->modified_ms);
		break;
	case 17:
		if (same(key, "deletionTimestamp"))
			return scan_number(scan, p, &entry->deleted_ms);
		break;
	default:
		break;
	}
	return lex_skip_value(p, scan->end, SCAN_DEPTH);
}

static const char *scan_file(const struct scan *scan, const char *p, struct delta_action *action)
{
	p = scan_object(scan, p, file_member, action);
	if (!p || action->entry.path.len == 0)
		return NULL;
	set_rows(action);
	return p;
}

static const char *info_member(const struct scan *scan, struct text key, const char *p, void *to)
{
	struct delta_action *action = to;

	return text_is(key, "inCommitTimestamp") ? scan_number(scan, p, &action->in_commit_ms)
						 : lex_skip_value(p, scan->end, SCAN_DEPTH);
}

static const char *txn_member(const struct scan *scan, struct text key, const char *p, void *to)
{
	struct delta_action *action = to;

	if (text_is(key, "appId"))
		return scan_string(scan, p, &action->name);
	if (text_is(key, "version"))
		return scan_number(scan, p, &action->number);
	return lex_skip_value(p, scan->end, SCAN_DEPTH);
}

bool delta_action_scan(struct arena *arena, struct text line, struct text column,
	struct delta_action *out)
{
	struct scan scan = { line.bytes + line.len, arena, column };
	const char *p = line.bytes;
	struct text key;

	if (line.len < 2 || *p != '{' || scan.end[-1] != '}')
		return false;
	p = lex_key(lex_blank(p + 1), scan.end, &key);
	if (!p)
		return false;
	*out = delta_action_none(delta_action_kind_of(key));
	switch (out->kind) {
	case DELTA_ACTION_ADD:
	case DELTA_ACTION_REMOVE:
		p = scan_file(&scan, p, out);
		break;
	case DELTA_ACTION_INFO:
		p = scan_object(&scan, p, info_member, out);
		break;
	case DELTA_ACTION_TXN:
		p = scan_object(&scan, p, txn_member, out);
		if (!out->name.bytes)
			return false;
		break;
	case DELTA_ACTION_OTHER:
		p = lex_skip_value(p, scan.end, SCAN_DEPTH);
		break;
	default: /* few of them, and more in them */
		return false;
	}
	if (!p || p == scan.end)
		return false;
	p = lex_blank(p);
	return *p == '}' && p + 1 == scan.end;
}

/* ---- the general reader ---- */

static struct text text_member(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return (struct text){ json_string_value(value), json_string_length(value) };
}

static bool read_vector(const json_t *vector, struct delta_dv *dv, const char **reason_out)
{
	struct text storage = text_member(vector, "storageType");

	if (!json_is_object(vector))
		return true;
	dv->path = text_member(vector, "pathOrInlineDv");
	if (storage.len != 1 || !dv->path.bytes) {
		*reason_out = "a deletion vector lacks its storageType or pathOrInlineDv";
		return false;
	}
	dv->storage = storage.bytes[0];
	dv->offset = delta_json_integer(json_object_get(vector, "offset"));
	dv->size = delta_json_integer(json_object_get(vector, "sizeInBytes"));
	dv->cardinality = delta_json_integer(json_object_get(vector, "cardinality"));
	return true;
}

static bool read_file(struct arena *arena, const json_t *file, struct text column,
	struct delta_action *out, const char **reason_out)
{
	struct delta_entry *entry = &out->entry;
	const json_t *stats = json_object_get(file, "stats");

	entry->path = text_member(file, "path");
	entry->size = delta_json_integer(json_object_get(file, "size"));
	entry->modified_ms = delta_json_integer(json_object_get(file, "modificationTime"));
	entry->deleted_ms = delta_json_integer(json_object_get(file, "deletionTimestamp"));
	out->data_change = json_is_true(json_object_get(file, "dataChange"));
	if (json_is_object(json_object_get(file, "partitionValues")))
		entry->partition_values =
			delta_json_text(arena, json_object_get(file, "partitionValues"));
	if (json_is_string(stats) || json_is_object(stats))
		delta_stats_read(delta_json_text(arena, stats), column, &entry->records,
			&entry->null_count);
	if (entry->path.len == 0) {
		*reason_out = "a file action lacks its path";
		return false;
	}
	if (!read_vector(json_object_get(file, "deletionVector"), &entry->dv, reason_out))
		return false;
	set_rows(out);
	return true;
}

bool delta_action_read(struct arena *arena, const char *name, const json_t *value,
	struct text column, struct delta_action *out, const char **reason_out)
{
	*out = delta_action_none(delta_action_kind_of(text_of(name)));
	if (out->kind != DELTA_ACTION_OTHER && !json_is_object(value)) {
		*reason_out = "one of its actions is no object";
		return false;
	}
	out->json = value;
	switch (out->kind) {
	case DELTA_ACTION_ADD:
	case DELTA_ACTION_REMOVE:
		return read_file(arena, value, column, out, reason_out);
	case DELTA_ACTION_INFO:
		out->in_commit_ms =
			delta_json_integer(json_object_get(value, "inCommitTimestamp"));
		return true;
	case DELTA_ACTION_TXN:
		out->name = text_member(value, "appId");
		out->number = delta_json_integer(json_object_get(value, "version"));
		*reason_out = "a txn lacks its appId";
		return out->name.bytes != NULL;
	case DELTA_ACTION_DOMAIN:
		out->name = text_member(value, "domain");
		out->value = text_member(value, "configuration");
		out->removed = json_is_true(json_object_get(value, "removed"));
		*reason_out = "a domainMetadata lacks its domain";
		return out->name.bytes != NULL;
	case DELTA_ACTION_SIDECAR:
		out->name = text_member(value, "path");
		*reason_out = "a sidecar lacks its path";
		return out->name.len > 0;
	default:
		return true;
	}
}
