/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/delta/report.h"

#include <stdlib.h>

#include "base/utf8.h"
#include "collectors/delta/parts.h"

static json_t *number(int64_t value)
{
	return value == FACT_UNKNOWN ? json_null() : json_integer(value);
}

static json_t *text_json(struct text text)
{
	json_t *json = text.bytes ? json_stringn(text.bytes, text.len) : json_null();

	return json ? json : json_null();
}

static json_t *copy_or(const json_t *json, json_t *otherwise)
{
	json_t *copy = json ? json_deep_copy(json) : NULL;

	if (!copy)
		return otherwise;
	json_decref(otherwise);
	return copy;
}

static void add_dump(struct buf *out, json_t *json)
{
	char *dump = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);

	(void)buf_add_str(out, dump ? dump : "null");
	free(dump);
	json_decref(json);
}

static json_t *features(const json_t *protocol, const char *key)
{
	const json_t *list = json_object_get(protocol, key);

	return copy_or(json_is_array(list) ? list : NULL, json_array());
}

static json_t *protocol_json(const struct delta_snapshot *snapshot,
	const struct delta_detail *detail)
{
	const json_t *protocol = delta_snapshot_protocol(snapshot);

	return json_pack("{so so so so}", "min_reader", number(detail->min_reader), "min_writer",
		number(detail->min_writer), "reader_features", features(protocol, "readerFeatures"),
		"writer_features", features(protocol, "writerFeatures"));
}

void delta_report_detail(const struct delta_snapshot *snapshot, struct text name, struct buf *out)
{
	struct delta_detail detail;
	json_t *json;

	delta_snapshot_detail(snapshot, &detail);
	json = json_pack("{so so so so so so so so so so so so so so}", "table", text_json(name),
		"path", text_json(detail.path), "version", number(detail.version), "timestamp_ms",
		number(detail.timestamp_ms), "files", number(detail.files), "bytes",
		number(detail.bytes), "rows", number(detail.rows), "tombstones",
		number(detail.tombstones), "partition_columns",
		copy_or(delta_snapshot_partitions(snapshot), json_array()), "schema",
		delta_snapshot_schema(snapshot), "properties",
		copy_or(delta_snapshot_properties(snapshot), json_object()), "protocol",
		protocol_json(snapshot, &detail), "small_files", number(detail.small_files),
		"earliest_restorable_version", number(detail.earliest_version));
	/* What the contract does not ask for. */
	(void)json_object_set_new(json, "id", text_json(detail.id));
	(void)json_object_set_new(json, "name", text_json(detail.name));
	(void)json_object_set_new(json, "description", text_json(detail.description));
	(void)json_object_set_new(json, "created_ms", number(detail.created_ms));
	(void)json_object_set_new(
		json, "in_commit_timestamp", json_boolean(detail.in_commit_timestamp));
	(void)json_object_set_new(json, "newest_version", number(detail.newest_version));
	(void)json_object_set_new(json, "newest_checkpoint",
		detail.newest_checkpoint < 0 ? json_null() : json_integer(detail.newest_checkpoint));
	(void)json_object_set_new(json, "partitions", number(detail.partitions));
	(void)json_object_set_new(json, "small_file_bytes", json_integer(DELTA_SMALL_FILE));
	(void)json_object_set_new(
		json, "files_without_stats", number(detail.files_without_stats));
	(void)json_object_set_new(json, "deletion_vectors", number(detail.deletion_vectors));
	(void)json_object_set_new(json, "deleted_rows", number(detail.deleted_rows));
	(void)json_object_set_new(
		json, "txns", copy_or(delta_snapshot_txns(snapshot), json_object()));
	(void)json_object_set_new(
		json, "domains", copy_or(delta_snapshot_domains(snapshot), json_object()));
	(void)json_object_set_new(
		json, "notes", copy_or(delta_snapshot_notes(snapshot), json_array()));
	add_dump(out, json);
}

void delta_report_diff(const struct delta_diff *diff, struct text name, struct text path,
	struct buf *out)
{
	json_t *json = json_pack("{so so so so so so so so so so so so}", "table", text_json(name),
		"path", text_json(path), "from", number(diff->from), "to", number(diff->to),
		"files_added", number(diff->files_added), "files_removed",
		number(diff->files_removed), "bytes_added", number(diff->bytes_added),
		"bytes_removed", number(diff->bytes_removed), "rows_added",
		number(diff->rows_added), "rows_removed", number(diff->rows_removed),
		"deletion_vectors_changed", number(diff->dv_changed), "changes",
		copy_or(diff->changes, json_array()));

	add_dump(out, json);
}

/* Versions are asked for in descending order, as the facts ascend; *at: 0 to the facts' number. */
static const struct fact_version *fact_of(const struct fact_batch *facts, int64_t version, size_t *at)
{
	while (*at > 0) {
		const struct fact *fact = &facts->facts[*at - 1];

		if (fact->kind == FACT_VERSION && fact->u.version.version <= version)
			return fact->u.version.version == version ? &fact->u.version : NULL;
		(*at)--;
	}
	return NULL;
}

static void add_number(struct buf *out, const char *key, int64_t value)
{
	if (value == FACT_UNKNOWN)
		(void)buf_addf(out, ",\"%s\":null", key);
	else
		(void)buf_addf(out, ",\"%s\":%lld", key, (long long)value);
}

static bool is_plain(struct text text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.bytes[i] == '"' || text.bytes[i] == '\\' || (unsigned char)text.bytes[i] < 0x20)
			return false;
	return text.bytes && utf8_is_valid(text);
}

static void add_text(struct buf *out, const char *key, struct text text)
{
	(void)buf_addf(out, ",\"%s\":", key);
	if (is_plain(text)) /* as nearly always */
		(void)buf_addf(out, "\"%.*s\"", TEXT_ARG(text));
	else
		add_dump(out, text_json(text));
}

/* By hand: there are as many as the log has commits. */
static void add_version(struct buf *out, const struct delta_horizon_row *row,
	const struct fact_version *fact)
{
	static const struct fact_version none = { .rows_added = FACT_UNKNOWN,
		.rows_removed = FACT_UNKNOWN, .files_added = FACT_UNKNOWN,
		.files_removed = FACT_UNKNOWN, .bytes_added = FACT_UNKNOWN,
		.bytes_removed = FACT_UNKNOWN };
	const struct fact_version *v = fact ? fact : &none;
	bool is_unlimited = row->standing == STANDING_CURRENT ||
		(row->standing == STANDING_RESTORABLE && row->until_ms == FACT_UNKNOWN);

	(void)buf_addf(out, "{\"version\":%lld", (long long)row->version);
	add_number(out, "timestamp_ms", fact ? v->timestamp_ms : row->timestamp_ms);
	add_text(out, "operation", v->operation);
	add_text(out, "engine", v->engine);
	add_text(out, "user_name", v->user_name);
	add_number(out, "files_added", v->files_added);
	add_number(out, "files_removed", v->files_removed);
	add_number(out, "rows_added", v->rows_added);
	add_number(out, "rows_removed", v->rows_removed);
	add_number(out, "bytes_added", v->bytes_added);
	add_number(out, "bytes_removed", v->bytes_removed);
	add_text(out, "standing", text_of(version_standing_name(row->standing)));
	add_number(out, "restorable_until_ms", row->until_ms);
	add_text(out, "limited_by", is_unlimited ? TEXT_NONE
				: row->by_log        ? TEXT("log")
						     : TEXT("files"));
	add_number(out, "files_old", row->files_old);
	add_number(out, "files_gone", row->files_gone);
	add_number(out, "files_unlooked", row->files_unlooked);
	add_text(out, "gone_example", row->gone);
	(void)buf_add_char(out, '}');
}

void delta_report_history(const struct delta_snapshot *snapshot, const struct delta_horizon *horizon,
	const struct fact_batch *facts, struct text name, struct buf *out)
{
	struct delta_detail detail;
	size_t at = facts->nfacts;

	delta_snapshot_detail(snapshot, &detail);
	(void)buf_add_str(out, "{\"table\":");
	add_dump(out, text_json(name));
	add_text(out, "path", detail.path);
	add_number(out, "first_listed_version", horizon->first_listed);
	add_number(out, "first_restorable_version", horizon->first_restorable);
	add_number(out, "newest_looked_for", horizon->newest_looked);
	add_number(out, "newest_gone", horizon->newest_gone);
	(void)buf_add_str(out, ",\"versions\":[");
	for (size_t i = horizon->n; i-- > 0;) {
		add_version(out, &horizon->rows[i], fact_of(facts, horizon->rows[i].version, &at));
		if (i > 0)
			(void)buf_add_char(out, ',');
	}
	(void)buf_add_str(out, "]}");
}

void delta_report_file(const struct delta_snapshot *snapshot, struct delta_file_lines *lines,
	const struct delta_entry *entry, struct buf *out)
{
	if (!lines->values || entry->partition_values.bytes != lines->logged.bytes ||
		entry->partition_values.len != lines->logged.len) {
		json_t *values = delta_partition_values(snapshot, entry->partition_values);

		free(lines->values);
		lines->values = json_dumps(values, JSON_COMPACT);
		lines->logged = entry->partition_values;
		json_decref(values);
	}
	(void)buf_add_str(out, "{\"path\":");
	delta_json_add_text(out, entry->path);
	add_number(out, "size", entry->size);
	(void)buf_add_str(out, ",\"partition_values\":");
	(void)buf_add_str(out, lines->values ? lines->values : "{}");
	add_number(out, "rows", entry->rows);
	if (entry->dv.storage) {
		(void)buf_addf(out, ",\"deletion_vector\":{\"storage\":\"%c\",\"path\":",
			entry->dv.storage >= ' ' && entry->dv.storage < 0x7f &&
					entry->dv.storage != '"' && entry->dv.storage != '\\'
				? entry->dv.storage
				: '?');
		delta_json_add_text(out, entry->dv.path);
		add_number(out, "offset", entry->dv.offset);
		add_number(out, "cardinality", entry->dv.cardinality);
		(void)buf_add_char(out, '}');
	} else {
		(void)buf_add_str(out, ",\"deletion_vector\":null");
	}
	add_number(out, "modification_time_ms", entry->modified_ms);
	(void)buf_add_char(out, '}');
}

void delta_file_lines_done(struct delta_file_lines *lines)
{
	free(lines->values);
	*lines = (struct delta_file_lines){ 0 };
}

void delta_report_names(const json_t *array, struct buf *out)
{
	const json_t *item;
	size_t i;

	json_array_foreach(array, i, item) {
		if (i > 0)
			(void)buf_add_str(out, ", ");
		(void)utf8_clean(out, (struct text){ json_string_value(item),
			json_string_length(item) }, UTF8_ONE_LINE);
	}
}
