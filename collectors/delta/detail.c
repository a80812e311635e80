/* SPDX-License-Identifier: Apache-2.0 */
/* What a snapshot says. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "collectors/delta/table_state.h"

enum { TYPE_DEPTH_MAX = 40, TYPE_BYTES_MAX = 64 << 10 };

static struct text text_member(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return (struct text){ json_string_value(value), json_string_length(value) };
}

/* Sums of hostile numbers wrap: below 0 they tell so themselves. */
static int64_t known(int64_t sum, int64_t unknown)
{
	return unknown == 0 && sum >= 0 ? sum : FACT_UNKNOWN;
}

static int64_t rows_of(const struct delta_sums *sums)
{
	return known((int64_t)((uint64_t)sums->records - (uint64_t)sums->hidden),
		sums->no_records + sums->no_hidden);
}

/* 0 where 0.json is there, else the oldest complete checkpoint that the commits go on from. */
static int64_t earliest(const struct delta_log *log)
{
	int64_t first = log->ncommits ? log->commits[0] : 0;

	if (log->ncommits && first == 0)
		return 0;
	for (size_t i = 0; i < log->ncheckpoints; i++)
		if (log->checkpoints[i] >= first - 1)
			return log->checkpoints[i];
	return FACT_UNKNOWN;
}

void delta_snapshot_detail(const struct delta_snapshot *snapshot, struct delta_detail *out)
{
	const struct delta_sums *sums = &snapshot->state.sums;
	const struct delta_log *log = &snapshot->log;
	const json_t *metadata = snapshot->metadata;

	*out = (struct delta_detail){
		.path = text_of(snapshot->path),
		.id = text_member(metadata, "id"),
		.name = text_member(metadata, "name"),
		.description = text_member(metadata, "description"),
		.provider = text_member(json_object_get(metadata, "format"), "provider"),
		.version = snapshot->version,
		.timestamp_ms = snapshot->timestamp_ms,
		.in_commit_timestamp = snapshot->in_commit_timestamp,
		.created_ms = delta_json_integer(json_object_get(metadata, "createdTime")),
		.newest_version = log->ncommits ? log->commits[log->ncommits - 1] : -1,
		.earliest_version = earliest(log),
		.checkpoint = snapshot->checkpoint,
		.newest_checkpoint = -1,
		.files = sums->files,
		.bytes = known(sums->bytes, sums->no_size),
		.rows = rows_of(sums),
		.tombstones = sums->tombstones,
		.records = known(sums->records, sums->no_records),
		.files_without_stats = sums->no_records,
		.deletion_vectors = sums->vectors,
		.deleted_rows = known(sums->hidden, sums->no_hidden),
		.small_files = sums->small_files,
		.small_bytes = sums->small_bytes,
		.partitions = snapshot->state.partitions_used,
		.null_count = known(sums->null_count, sums->no_null_count),
		.min_reader = delta_json_integer(
			json_object_get(snapshot->protocol, "minReaderVersion")),
		.min_writer = delta_json_integer(
			json_object_get(snapshot->protocol, "minWriterVersion")),
		.state_bytes = (int64_t)(delta_state_bytes(&snapshot->state) +
			snapshot->spans_room * sizeof *snapshot->spans +
			snapshot->span_texts.bytes),
	};
	for (size_t i = 0; i < log->ncheckpoints; i++) {
		if (log->checkpoints[i] > out->newest_version)
			out->newest_version = log->checkpoints[i];
		if (log->checkpoints[i] <= snapshot->version)
			out->newest_checkpoint = log->checkpoints[i];
	}
}

const json_t *delta_snapshot_metadata(const struct delta_snapshot *snapshot)
{
	return snapshot->metadata;
}

const json_t *delta_snapshot_protocol(const struct delta_snapshot *snapshot)
{
	return snapshot->protocol;
}

const json_t *delta_snapshot_txns(const struct delta_snapshot *snapshot)
{
	return snapshot->txns;
}

const json_t *delta_snapshot_domains(const struct delta_snapshot *snapshot)
{
	return snapshot->domains;
}

const json_t *delta_snapshot_notes(const struct delta_snapshot *snapshot)
{
	return snapshot->notes;
}

const json_t *delta_snapshot_properties(const struct delta_snapshot *snapshot)
{
	const json_t *value = json_object_get(snapshot->metadata, "configuration");

	return json_is_object(value) ? value : NULL;
}

const json_t *delta_snapshot_partitions(const struct delta_snapshot *snapshot)
{
	const json_t *value = json_object_get(snapshot->metadata, "partitionColumns");

	return json_is_array(value) ? value : NULL;
}

/* As SQL people write types: array<long>, struct<a:string,b:map<string,long>>. */
static void add_type(struct buf *buf, const json_t *type, int depth)
{
	const char *kind = json_string_value(json_object_get(type, "type"));
	const json_t *field;
	size_t i;

	if (json_is_string(type)) {
		(void)buf_add_str(buf, json_string_value(type));
	} else if (!kind || depth > TYPE_DEPTH_MAX) {
		(void)buf_add_str(buf, kind ? kind : "?");
	} else if (strcmp(kind, "array") == 0) {
		(void)buf_add_str(buf, "array<");
		add_type(buf, json_object_get(type, "elementType"), depth + 1);
		(void)buf_add_char(buf, '>');
	} else if (strcmp(kind, "map") == 0) {
		(void)buf_add_str(buf, "map<");
		add_type(buf, json_object_get(type, "keyType"), depth + 1);
		(void)buf_add_char(buf, ',');
		add_type(buf, json_object_get(type, "valueType"), depth + 1);
		(void)buf_add_char(buf, '>');
	} else if (strcmp(kind, "struct") == 0) {
		(void)buf_add_str(buf, "struct<");
		json_array_foreach(json_object_get(type, "fields"), i, field) {
			const char *name = json_string_value(json_object_get(field, "name"));

			(void)buf_addf(buf, "%s%s:", i ? "," : "", name ? name : "?");
			add_type(buf, json_object_get(field, "type"), depth + 1);
		}
		(void)buf_add_char(buf, '>');
	} else {
		(void)buf_add_str(buf, kind);
	}
}

json_t *delta_snapshot_schema(const struct delta_snapshot *snapshot)
{
	json_t *schema = delta_json(text_member(snapshot->metadata, "schemaString"));
	json_t *array = json_array();
	const json_t *field;
	struct buf type;
	size_t i;

	buf_init(&type, TYPE_BYTES_MAX);
	json_array_foreach(json_object_get(schema, "fields"), i, field) {
		const json_t *name = json_object_get(field, "name");
		json_t *text;

		buf_reset(&type);
		add_type(&type, json_object_get(field, "type"), 0);
		text = json_stringn(type.bytes, type.len);
		(void)json_array_append_new(array,
			json_pack("{sO? so sb}", "name", json_is_string(name) ? name : NULL, "type",
				text ? text : json_string("?"), "nullable",
				!json_is_false(json_object_get(field, "nullable"))));
	}
	buf_done(&type);
	json_decref(schema);
	return array;
}

int64_t delta_snapshot_duration(const struct delta_snapshot *snapshot, const char *property,
	int64_t fallback_ms)
{
	struct text text = delta_property(snapshot->metadata, property);
	int64_t ms;

	return text.bytes && delta_interval(text, &ms) ? ms : fallback_ms;
}

/* ---- files ---- */

bool delta_walk_next(const struct delta_snapshot *snapshot, struct delta_walk *walk,
	struct delta_entry *out)
{
	if (walk->arena.bytes > 0)
		arena_reset(&walk->arena);
	return delta_state_next(
		&snapshot->state, walk->tombstones, &walk->at, &walk->arena, out);
}

void delta_walk_done(struct delta_walk *walk)
{
	arena_free(&walk->arena);
	walk->at = 0;
}
