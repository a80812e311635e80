/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/mem.h"
#include "store/lag_internal.h"
#include "store/q_dump.h"

/*
 * Lag as it is kept: a line whenever a topic's watermarks or a reader's places changed, with all
 * that was then known of them. What stood between two lines is as the first of them says.
 */
enum { MINUTE_MS = 60 * 1000 };

static bool damaged(struct dump *dump, const char *what)
{
	return err_set(dump->err, ERR_STORE, 0, "the store is damaged: %s cannot be read", what);
}

static bool fill_sweep(struct dump *dump, sqlite3_stmt *stmt)
{
	static const char *const names[] = { "happened_at_ms", "took_ms", "brokers", "brokers_down",
		"topics", "partitions", "groups", "unread" };

	dump_begin(dump, FACT_SWEEP);
	dump_text(dump, "cluster", sql_text(stmt, 0));
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		dump_int(dump, names[i], sql_int(stmt, (int)i + 1));
	dump_text(dump, "problem", sql_text(stmt, (int)ARRAY_LEN(names) + 1));
	return dump_end(dump);
}

bool dump_sweeps(struct dump *dump)
{
	return dump_query(dump, Q_DUMP_SWEEPS, fill_sweep);
}

/* ---- series: watermarks and places ---- */

/* Of a row of DUMP_SERIES, in an arena. */
struct series {
	int64_t id, kind;
	struct text cluster, topic, reader;
};

static void put_value(struct dump *dump, const char *name, int64_t value)
{
	dump_int(dump, name, lag_fact(value));
}

/* fields: names of those that are told of each partition. */
static void put_cells(struct dump *dump, const char *list, const struct lag_state *state,
	const char *const *fields, size_t nfields)
{
	dump_list(dump, list);
	for (size_t p = 0; p < state->n; p++) {
		bool told = false;

		for (size_t f = 0; f < LAG_FIELDS; f++)
			told = told || lag_state_get(state, p, f) != LAG_NONE;
		if (!told)
			continue;
		dump_item(dump);
		dump_int(dump, "partition", (int64_t)p);
		for (size_t f = 0; f < nfields; f++)
			put_value(dump, fields[f], lag_state_get(state, p, f));
		dump_item_end(dump);
	}
	dump_list_end(dump);
}

static bool put_marks(
	struct dump *dump, const struct series *series, int64_t at, const struct lag_state *state)
{
	static const char *const fields[] = { [MARK_HIGH] = "high", [MARK_LOW] = "low",
		[MARK_LEADER] = "leader", [MARK_UNREAD] = "unread" };

	dump_begin(dump, FACT_MARKS);
	dump_text(dump, "cluster", series->cluster);
	dump_text(dump, "topic", series->topic);
	dump_int(dump, "happened_at_ms", at);
	dump_flag(dump, "gone", state->heads[MARK_GONE] == 1);
	put_value(dump, "retention_ms", state->heads[MARK_RETENTION_MS]);
	put_value(dump, "retention_bytes", state->heads[MARK_RETENTION_BYTES]);
	if (state->heads[MARK_COMPACTED] >= 0)
		dump_int(dump, "compacted", state->heads[MARK_COMPACTED]);
	put_cells(dump, "partitions", state, fields, ARRAY_LEN(fields));
	return dump_end(dump);
}

static int64_t dim_of(int64_t head)
{
	return head > 0 ? head : 0;
}

static bool put_position(
	struct dump *dump, const struct series *series, int64_t at, const struct lag_state *state)
{
	static const char *const fields[] = { [PLACE_PROCESSED] = "processed",
		[PLACE_STARTED] = "started", [PLACE_COMMITTED] = "committed_at_ms" };
	const int64_t *heads = state->heads;

	dump_begin(dump, FACT_POSITION);
	dump_text(dump, "witness",
		text_of(reader_kind_name((enum reader_kind)(series->kind - SERIES_READER))));
	dump_text(dump, "reader", series->reader);
	dump_text(dump, "cluster", series->cluster);
	dump_text(dump, "topic", series->topic);
	dump_int(dump, "happened_at_ms", at);
	dump_flag(dump, "gone", heads[PLACE_GONE] == 1);
	if (!dump_dim(dump, "query_id", dim_of(heads[PLACE_QUERY])) ||
		!dump_dim(dump, "state", dim_of(heads[PLACE_STATE])))
		return false;
	put_value(dump, "members", heads[PLACE_MEMBERS]);
	put_value(dump, "batch_started_ms", heads[PLACE_BATCH_STARTED]);
	dump_flag(dump, "of_delta", heads[PLACE_OF_DELTA] == 1);
	put_value(dump, "behind_files", heads[PLACE_FILES]);
	put_value(dump, "behind_bytes", heads[PLACE_BYTES]);
	put_value(dump, "behind_records", heads[PLACE_RECORDS]);
	put_value(dump, "behind_seconds", heads[PLACE_SECONDS]);
	put_cells(dump, "places", state, fields, ARRAY_LEN(fields));
	return dump_end(dump);
}

/* Oldest first. A keyframe repeats the row before it, unless that one is past its days. */
static bool dump_changes(struct dump *dump, const struct series *series, struct lag_state *state)
{
	sqlite3_stmt *stmt;
	bool row, ok, any = false;

	if (!reader_query(dump->names->reader, Q_DUMP_LAG, &stmt, dump->err))
		return false;
	sqlite3_bind_int64(stmt, 1, series->id);
	sqlite3_bind_int64(stmt, 2, dump->names->reader->n);
	lag_state_clear(state);
	while ((ok = sql_step(stmt, &row, dump->err)) && row) {
		int64_t at = sqlite3_column_int64(stmt, 0);
		struct lag_row_head head;

		if (any && sqlite3_column_int(stmt, 1) != 0)
			continue;
		any = true;
		if (!lag_unpack(sql_text(stmt, 2), state, &head))
			ok = damaged(dump, "a row of lag");
		else
			ok = series->kind == SERIES_MARKS ? put_marks(dump, series, at, state)
							  : put_position(dump, series, at, state);
		if (!ok)
			break;
		dump_names_reset(dump);
	}
	sqlite3_reset(stmt);
	return ok;
}

/* ---- source tables inside topics ---- */

struct named_entry {
	struct text table;
	const struct topic_entry *entry;
};

static int by_table(const void *left, const void *right)
{
	const struct named_entry *a = left, *b = right;

	return text_cmp(a->table, b->table);
}

static bool put_entry(struct dump *dump, const struct series *series, int64_t minute,
	const struct topic_minute *told, const struct named_entry *named)
{
	static const char *const names[] = { [TOPIC_COUNTED] = "counted", [TOPIC_BYTES] = "bytes",
		[TOPIC_CREATES] = "creates", [TOPIC_UPDATES] = "updates",
		[TOPIC_DELETES] = "deletes", [TOPIC_READS] = "reads",
		[TOPIC_TOMBSTONES] = "tombstones", [TOPIC_DELAY_SUM] = "delay_sum_ms",
		[TOPIC_DELAY_MAX] = "delay_max_ms", [TOPIC_DELAYS] = "delays" };
	const int64_t *numbers = named->entry->numbers;

	dump_begin(dump, FACT_TOPIC_TABLE);
	dump_text(dump, "cluster", series->cluster);
	dump_text(dump, "topic", series->topic);
	dump_text(dump, "table", named->table);
	dump_int(dump, "happened_at_ms", minute * MINUTE_MS);
	if (told->minutes > 1)
		dump_int(dump, "minutes", told->minutes);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		dump_int(dump, names[i], numbers[i]);
	if (numbers[TOPIC_LAST] > 0)
		dump_int(dump, "last_at_ms", minute * MINUTE_MS + numbers[TOPIC_LAST]);
	dump_int(dump, "seen", told->seen);
	dump_int(dump, "sampled", told->sampled);
	dump_flag(dump, "snapshot", numbers[TOPIC_SNAPSHOT] != 0);
	return dump_end(dump);
}

/* By name: ids differ from store to store. */
static bool put_minute(struct dump *dump, const struct series *series, int64_t minute,
	const struct topic_minute *told, struct arena *arena)
{
	struct named_entry *named = ARENA_ARRAY(arena, struct named_entry, told->n + 1);

	dump_names_reset(dump);
	for (size_t i = 0; i < told->n; i++) {
		named[i].entry = &told->entries[i];
		if (!names_text(dump->names, told->entries[i].tbl, &named[i].table, dump->err))
			return false;
	}
	if (told->n > 1)
		qsort(named, told->n, sizeof *named, by_table);
	for (size_t i = 0; i < told->n; i++) {
		if (!put_entry(dump, series, minute, told, &named[i]))
			return false;
	}
	return true;
}

/* A minute is told again as it fills: the newest telling of each table counts. */
static bool dump_minutes(struct dump *dump, const struct series *series, struct arena *arena)
{
	struct topic_minute whole = { 0 };
	sqlite3_stmt *stmt;
	int64_t at = FACT_UNKNOWN;
	bool row, ok;

	if (!reader_query(dump->names->reader, Q_TOPIC_MINUTES, &stmt, dump->err))
		return false;
	sqlite3_bind_int64(stmt, 1, series->id);
	sqlite3_bind_int64(stmt, 2, INT64_MIN);
	sqlite3_bind_int64(stmt, 3, dump->names->reader->n);
	while ((ok = sql_step(stmt, &row, dump->err)) && row) {
		int64_t minute = sqlite3_column_int64(stmt, 0);
		struct topic_minute told = { 0 };

		if (minute != at) {
			if (!(ok = put_minute(dump, series, at, &whole, arena)))
				break;
			arena_reset(arena);
			whole = (struct topic_minute){ 0 };
			at = minute;
		}
		if (!topic_unpack(sql_text(stmt, 1), arena, &told)) {
			ok = damaged(dump, "a minute of a topic");
			break;
		}
		whole = topic_merge(&whole, &told, arena);
	}
	sqlite3_reset(stmt);
	return ok && put_minute(dump, series, at, &whole, arena);
}

/* ---- all series of some kinds ---- */

static bool dump_series(struct dump *dump, int64_t first_kind, int64_t last_kind)
{
	struct arena minutes = { 0 }, names = { 0 };
	struct lag_state state;
	sqlite3_stmt *stmt;
	bool row, ok;

	if (!reader_query(dump->names->reader, Q_DUMP_SERIES, &stmt, dump->err))
		return false;
	sqlite3_bind_int64(stmt, 1, dump->names->reader->n);
	sqlite3_bind_int64(stmt, 2, first_kind);
	sqlite3_bind_int64(stmt, 3, last_kind);
	lag_state_init(&state);
	while ((ok = sql_step(stmt, &row, dump->err)) && row) {
		const struct series series = { sqlite3_column_int64(stmt, 0),
			sqlite3_column_int64(stmt, 1), sql_text_copy(stmt, 2, &names),
			sql_text_copy(stmt, 3, &names), sql_text_copy(stmt, 4, &names) };

		ok = series.kind == SERIES_TABLES ? dump_minutes(dump, &series, &minutes)
						  : dump_changes(dump, &series, &state);
		if (!ok)
			break;
		arena_reset(&names);
	}
	sqlite3_reset(stmt);
	lag_state_done(&state);
	arena_free(&minutes);
	arena_free(&names);
	return ok;
}

bool dump_marks(struct dump *dump)
{
	return dump_series(dump, SERIES_MARKS, SERIES_MARKS);
}

bool dump_topic_tables(struct dump *dump)
{
	return dump_series(dump, SERIES_TABLES, SERIES_TABLES);
}

bool dump_positions(struct dump *dump)
{
	return dump_series(dump, SERIES_READER, INT64_MAX);
}

/* ---- connectors ---- */

static bool fill_connector(struct dump *dump, sqlite3_stmt *stmt)
{
	static const char *const texts[] = { "worker", "trace", "group", "topics" };

	dump_begin(dump, FACT_CONNECTOR);
	dump_text(dump, "connect", sql_text(stmt, 0));
	dump_text(dump, "connector", sql_text(stmt, 1));
	dump_int(dump, "happened_at_ms", sql_int(stmt, 2));
	dump_flag(dump, "gone", sqlite3_column_int(stmt, 3) != 0);
	dump_flag(dump, "sink", sqlite3_column_int(stmt, 4) != 0);
	dump_text(dump, "state", text_of(connector_state_name(
		(enum connector_state)sqlite3_column_int(stmt, 5))));
	dump_text(dump, "worst", text_of(connector_state_name(
		(enum connector_state)sqlite3_column_int(stmt, 6))));
	dump_int(dump, "tasks", sql_int(stmt, 7));
	dump_int(dump, "tasks_failed", sql_int(stmt, 8));
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		dump_text(dump, texts[i], sql_text(stmt, (int)i + 9));
	return dump_end(dump);
}

bool dump_connectors(struct dump *dump)
{
	return dump_query(dump, Q_DUMP_CONNECTORS, fill_connector);
}
