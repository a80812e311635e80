/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/delta/condition.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "collectors/delta/parts.h"

enum { SHAPE_MAX = 4 << 20, GONE_MAX = 1024 };

static void add_copy(json_t *shape, const char *key, const json_t *value)
{
	if (value)
		(void)json_object_set_new(shape, key, json_deep_copy(value));
}

static void add_text(json_t *shape, const char *key, struct text text)
{
	if (text.bytes)
		(void)json_object_set_new(shape, key, json_stringn(text.bytes, text.len));
}

/* JSON escapes what could move a cursor; what is shown of it is cleaned where it is shown. */
static struct text shape_of(const struct delta_snapshot *snapshot,
	const struct delta_detail *detail, struct arena *arena)
{
	const json_t *protocol = delta_snapshot_protocol(snapshot);
	struct text text = TEXT_NONE;
	json_t *shape = json_object();
	char *dump;

	add_text(shape, "id", detail->id);
	add_text(shape, "name", detail->name);
	add_text(shape, "description", detail->description);
	(void)json_object_set_new(shape, "schema", delta_snapshot_schema(snapshot));
	add_copy(shape, "partition_columns", delta_snapshot_partitions(snapshot));
	add_copy(shape, "properties", delta_snapshot_properties(snapshot));
	add_copy(shape, "reader_features", json_object_get(protocol, "readerFeatures"));
	add_copy(shape, "writer_features", json_object_get(protocol, "writerFeatures"));
	add_copy(shape, "notes", delta_snapshot_notes(snapshot));
	dump = json_dumps(shape, JSON_COMPACT | JSON_ENSURE_ASCII);
	if (dump && strlen(dump) <= SHAPE_MAX)
		text = arena_text(arena, text_of(dump));
	free(dump);
	json_decref(shape);
	return text;
}

static bool has_column(const json_t *columns, struct text name, const char *key)
{
	size_t i;
	json_t *column;

	json_array_foreach((json_t *)columns, i, column) {
		const char *text = json_string_value(key ? json_object_get(column, key) : column);

		if (text && text_cmp(text_of(text), name) == 0)
			return true;
	}
	return false;
}

/* Rows of the files whose partition says true. Unknown when one of them tells no rows. */
static int64_t flagged_rows(const struct delta_snapshot *snapshot, struct text flag)
{
	struct delta_walk walk = { 0 };
	struct delta_entry entry;
	struct buf last;
	bool set_aside = false;
	int64_t rows = 0;
	char key[256];

	if (!flag.bytes || flag.len >= sizeof key ||
		!has_column(delta_snapshot_partitions(snapshot), flag, NULL))
		return FACT_UNKNOWN;
	memcpy(key, flag.bytes, flag.len);
	key[flag.len] = '\0';
	buf_init(&last, 1 << 20);
	while (delta_walk_next(snapshot, &walk, &entry)) {
		if (text_cmp(entry.partition_values, (struct text){ last.bytes, last.len }) != 0) {
			json_t *values = delta_partition_values(snapshot, entry.partition_values);
			const char *value = json_string_value(json_object_get(values, key));

			set_aside = value && text_cmp(text_of(value), TEXT("true")) == 0;
			json_decref(values);
			buf_reset(&last);
			(void)buf_add(&last, entry.partition_values);
		}
		if (!set_aside)
			continue;
		if (entry.rows == FACT_UNKNOWN) {
			rows = FACT_UNKNOWN;
			break;
		}
		if (__builtin_add_overflow(rows, entry.rows, &rows)) {
			rows = FACT_UNKNOWN;
			break;
		}
	}
	delta_walk_done(&walk);
	buf_done(&last);
	return rows;
}

static int64_t rescued_rows(const struct delta_snapshot *snapshot,
	const struct delta_detail *detail, struct text column)
{
	json_t *schema;
	bool has;

	if (!column.bytes || detail->null_count == FACT_UNKNOWN ||
		detail->records == FACT_UNKNOWN || detail->null_count > detail->records)
		return FACT_UNKNOWN;
	schema = delta_snapshot_schema(snapshot);
	has = has_column(schema, column, "name");
	json_decref(schema);
	return has ? detail->records - detail->null_count : FACT_UNKNOWN;
}

static uint64_t hash_more(uint64_t hash, struct text text)
{
	return (hash ^ text_hash(text)) * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

static uint64_t table_hash(const struct fact_table *table)
{
	const int64_t numbers[] = {
#define X(member, column, about) table->member,
		FACT_TABLE_NUMBERS(X)
#undef X
	};
	uint64_t hash = text_hash((struct text){ (const char *)numbers, sizeof numbers });

	return hash_more(hash_more(hash, table->shape), table->problem) | 1;
}

static void tell_table(struct delta_condition *condition, const struct delta_condition_look *look,
	struct fact_table *table, struct fact_batch *batch)
{
	uint64_t hash = table_hash(table);
	struct fact *fact;

	if (hash == condition->told_table)
		return;
	condition->told_table = hash;
	table->table = arena_text(&batch->arena, look->name);
	table->path = arena_text(&batch->arena, look->path);
	fact = fact_batch_fact(batch, FACT_TABLE, look->now_ms);
	fact->u.table = *table;
}

static void tell_state(struct delta_condition *condition, const struct delta_condition_look *look,
	struct fact_batch *batch)
{
	const struct delta_snapshot *snapshot = condition->snapshot;
	const struct delta_horizon *horizon = &condition->horizon;
	struct fact_table table;
	struct delta_detail detail;

	fact_table_unknown(&table);
	delta_snapshot_detail(snapshot, &detail);
	table.version = detail.version;
	table.timestamp_ms = detail.timestamp_ms;
	table.files = detail.files;
	table.bytes = detail.bytes;
	table.rows = detail.rows;
	table.records = detail.records;
	table.tombstones = detail.tombstones;
	table.files_without_stats = detail.files_without_stats;
	table.small_files = detail.small_files;
	table.small_bytes = detail.small_bytes;
	table.deletion_vectors = detail.deletion_vectors;
	table.deleted_rows = detail.deleted_rows;
	table.partitions = detail.partitions;
	table.min_reader = detail.min_reader;
	table.min_writer = detail.min_writer;
	table.checkpoint = detail.newest_checkpoint;
	table.earliest = detail.earliest_version;
	table.first_listed = horizon->first_listed;
	table.first_restorable = horizon->first_restorable;
	table.newest_looked = horizon->newest_looked;
	table.newest_gone = horizon->newest_gone;
	table.rescued = rescued_rows(snapshot, &detail, look->rescued);
	table.flagged = flagged_rows(snapshot, look->flag);
	table.shape = shape_of(snapshot, &detail, &batch->arena);
	tell_table(condition, look, &table, batch);
}

static struct text clean_copy(struct arena *arena, struct text text)
{
	struct text clean = TEXT_NONE;
	struct buf buf;

	if (!text.bytes)
		return clean;
	buf_init(&buf, GONE_MAX);
	(void)utf8_clean(&buf, text, UTF8_ONE_LINE);
	clean = arena_text(arena, (struct text){ buf.bytes, buf.len });
	buf_done(&buf);
	return clean;
}

static uint64_t standing_hash(const struct fact_standing *standing, struct text gone)
{
	const int64_t numbers[] = { standing->version, standing->standing, standing->until_ms,
		standing->by_log, standing->files_old, standing->files_gone,
		standing->files_unlooked };

	return hash_more(text_hash((struct text){ (const char *)numbers, sizeof numbers }), gone);
}

/* What was told in this look and the one before; both ascend by version. */
struct telling {
	const struct delta_condition *condition;
	const struct delta_condition_look *look;
	struct fact_batch *batch;
	struct delta_told *told;
	size_t n, old;
	struct text path, name; /* in the batch; NONE = not needed yet */
};

/* Unless it was told like this before. */
static void tell_standing(struct telling *telling, struct fact_standing standing, struct text gone)
{
	const struct delta_condition *condition = telling->condition;
	struct arena *arena = &telling->batch->arena;
	struct delta_told now = { standing.version, standing_hash(&standing, gone) };

	telling->told[telling->n++] = now;
	while (telling->old < condition->ntold &&
		condition->told[telling->old].version < now.version)
		telling->old++;
	if (telling->old < condition->ntold &&
		condition->told[telling->old].version == now.version &&
		condition->told[telling->old].hash == now.hash)
		return;
	if (!telling->path.bytes) {
		telling->path = arena_text(arena, telling->look->path);
		telling->name = arena_text(arena, telling->look->name);
	}
	standing.path = telling->path;
	standing.table = telling->name;
	standing.gone = clean_copy(arena, gone);
	fact_batch_fact(telling->batch, FACT_STANDING, telling->look->now_ms)->u.standing = standing;
}

/* Between two versions that are listed: their commits were taken away. */
static void tell_gone(struct telling *telling, int64_t from, int64_t to)
{
	for (int64_t version = from; version < to; version++)
		tell_standing(telling, (struct fact_standing){ .version = version,
			.standing = STANDING_GONE, .until_ms = FACT_UNKNOWN, .by_log = true,
			.files_old = FACT_UNKNOWN, .files_gone = FACT_UNKNOWN,
			.files_unlooked = FACT_UNKNOWN }, TEXT_NONE);
}

/* Those below the first that is listed are told by its number, not one by one. */
static void tell_standings(struct delta_condition *condition,
	const struct delta_condition_look *look, struct fact_batch *batch)
{
	const struct delta_horizon *horizon = &condition->horizon;
	size_t n = horizon->n < DELTA_STANDINGS_MAX ? horizon->n : DELTA_STANDINGS_MAX;
	const struct delta_horizon_row *rows = horizon->rows + (horizon->n - n);
	int64_t range = n > 0 ? rows[n - 1].version - rows[0].version + 1 : 0;
	bool is_gone_told = range <= DELTA_STANDINGS_MAX;
	struct telling telling = { .condition = condition, .look = look, .batch = batch,
		.told = NEW_ARRAY(struct delta_told, (is_gone_told ? (size_t)range : n) + 1) };

	for (size_t i = 0; i < n; i++) {
		const struct delta_horizon_row *row = &rows[i];

		if (i > 0 && is_gone_told)
			tell_gone(&telling, rows[i - 1].version + 1, row->version);
		tell_standing(&telling, (struct fact_standing){
			.version = row->version,
			.standing = row->standing,
			.until_ms = row->until_ms,
			.by_log = row->by_log,
			.files_old = row->files_old,
			.files_gone = row->files_gone,
			.files_unlooked = row->files_unlooked,
		}, row->gone);
	}
	free(condition->told);
	condition->told = telling.told;
	condition->ntold = telling.n;
}

static bool advance(struct delta_condition *condition, const struct delta_condition_look *look,
	struct err *err)
{
	struct delta_at at = DELTA_NEWEST;
	struct err gone = ERR_INIT;
	bool changed, ok;
	char *path;

	if (condition->snapshot) {
		if (delta_snapshot_advance(condition->snapshot, &changed, &gone))
			return true;
		delta_condition_drop(condition);
		condition->told_table = 0; /* it may be another table, which nobody told of */
		if (gone.kind == ERR_CANCELED) {
			*err = gone;
			return false;
		}
	}
	at.lifetimes = true;
	at.null_count_column = look->rescued;
	at.progress = look->progress;
	path = text_dup(look->path);
	ok = delta_snapshot_open(path, &at, &condition->snapshot, err);
	free(path);
	return ok;
}

bool delta_condition_look(struct delta_condition *condition,
	const struct delta_condition_look *look, struct fact_batch *batch)
{
	const struct delta_looks looks = {
		.now_ms = look->now_ms,
		.old_max = look->looks_max,
		.newest_max = look->looks_max / 10,
		.progress = look->progress,
	};
	struct err err = ERR_INIT;

	if (!advance(condition, look, &err)) {
		struct fact_table table;

		if (err.kind == ERR_CANCELED)
			return false;
		if (err.kind == ERR_ABSENT)
			return true; /* dropped, or being made: not a trouble */
		fact_table_unknown(&table);
		table.problem = clean_copy(&batch->arena, text_of(err.text));
		tell_table(condition, look, &table, batch);
		return true;
	}
	if (!delta_horizon_read(&condition->horizon, condition->snapshot, &looks, &err))
		return false;
	tell_state(condition, look, batch);
	tell_standings(condition, look, batch);
	if (delta_condition_bytes(condition) > look->keep_bytes)
		delta_condition_drop(condition);
	return true;
}

int64_t delta_condition_bytes(const struct delta_condition *condition)
{
	struct delta_detail detail;

	if (!condition->snapshot)
		return 0;
	delta_snapshot_detail(condition->snapshot, &detail);
	return detail.state_bytes + delta_horizon_bytes(&condition->horizon) +
		(int64_t)(condition->ntold * sizeof *condition->told);
}

void delta_condition_drop(struct delta_condition *condition)
{
	delta_snapshot_free(condition->snapshot);
	condition->snapshot = NULL;
	delta_horizon_done(&condition->horizon);
	FREE(&condition->told);
	condition->ntold = 0;
}
