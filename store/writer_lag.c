/* SPDX-License-Identifier: Apache-2.0 */
#include "store/writer_lag.h"

#include <string.h>

#include "base/mem.h"
#include "store/lag_internal.h"
#include "store/writer.h"

/*
 * A keyframe every so many rows: reading begins at one, so this many are read at most. A series that
 * a cluster's whole sweeps have not named for GHOST_MS is gone, whoever forgot to say so.
 */
enum { KEY_ROWS = 32, GHOST_MS = 10 * 60 * 1000 };

static const struct {
	size_t at;
	const char *sql;
} statements[] = {
#define STATEMENT(name, sql) { offsetof(struct lag_writer, name), sql }
	STATEMENT(walk, LAG_WALK_SQL),
	STATEMENT(sweeps_last, LAG_SWEEPS_SQL),
	STATEMENT(series_add,
		"INSERT INTO series (kind, cluster, topic, reader, source, batch)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6)"),
	STATEMENT(change_add, "INSERT INTO lag_change (series, at, batch, key, x)"
			      " VALUES (?1, ?2, ?3, ?4, ?5)"),
	STATEMENT(sweep_add,
		"INSERT OR REPLACE INTO sweep (source, at, batch, cluster, took_ms, brokers,"
		" brokers_down, topics, partitions, groups, unread, problem, missed)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"),
	STATEMENT(minute_add, "INSERT OR REPLACE INTO topic_minute (series, minute, batch, x)"
			      " VALUES (?1, ?2, ?3, ?4)"),
	STATEMENT(table_add, "INSERT OR IGNORE INTO topic_tbl (series, tbl, batch, first_at)"
			     " VALUES (?1, ?2, ?3, ?4)"),
	STATEMENT(connector_last,
		"SELECT gone, sink, state, worst, tasks, tasks_failed, worker, trace, consumer, topics"
		" FROM connector WHERE connect = ?1 AND connector = ?2"
		" ORDER BY at DESC, batch DESC LIMIT 1"),
	STATEMENT(connector_add,
		"INSERT OR REPLACE INTO connector (connect, connector, at, batch, source, gone, sink,"
		" state, worst, tasks, tasks_failed, worker, trace, consumer, topics)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)"),
#undef STATEMENT
};

static sqlite3_stmt **statement(struct lag_writer *lag, size_t i)
{
	return (sqlite3_stmt **)(void *)((char *)lag + statements[i].at);
}

/* ---- series, by their four keys ---- */

static size_t hash_of(const struct lag_series *series)
{
	uint64_t hash = (uint64_t)series->kind;

	hash = (hash ^ (uint64_t)series->cluster) * UINT64_C(0x9e3779b97f4a7c15);
	hash = (hash ^ hash >> 29 ^ (uint64_t)series->topic) * UINT64_C(0xbf58476d1ce4e5b9);
	hash = (hash ^ hash >> 31 ^ (uint64_t)series->reader) * UINT64_C(0x94d049bb133111eb);
	return (size_t)(hash ^ hash >> 32);
}

static bool same(const struct lag_series *a, const struct lag_series *b)
{
	return a->kind == b->kind && a->cluster == b->cluster && a->topic == b->topic &&
		a->reader == b->reader;
}

static size_t slot_of(const struct lag_writer *lag, const struct lag_series *key)
{
	size_t at = hash_of(key) & (lag->room - 1);

	while (lag->slots[at] && !same(lag->slots[at], key))
		at = (at + 1) & (lag->room - 1);
	return at;
}

static struct lag_series *series_new(struct lag_writer *lag, const struct lag_series *key)
{
	struct lag_series *series = NEW(struct lag_series);

	*series = *key;
	lag_state_init(&series->state);
	series->confirmed_at = series->named_at = series->minute_told = FACT_UNKNOWN;
	if (lag->nseries * 2 >= lag->room) {
		struct lag_series **old = lag->slots;
		size_t room = lag->room;

		lag->room = room ? room * 2 : 256;
		lag->slots = NEW_ARRAY(struct lag_series *, lag->room);
		for (size_t i = 0; i < room; i++) {
			if (old[i])
				lag->slots[slot_of(lag, old[i])] = old[i];
		}
		free(old);
	}
	lag->slots[slot_of(lag, series)] = series;
	lag->nseries++;
	return series;
}

static bool load_series(struct lag_writer *lag, struct err *err)
{
	static const char sql[] = "SELECT id, kind, cluster, topic, reader, source FROM series";
	sqlite3_stmt *stmt = NULL;
	bool row = true, ok = sql_prepare(lag->db, sql, &stmt, err);

	while (ok && (ok = sql_step(stmt, &row, err)) && row) {
		struct lag_series key = {
			.id = sqlite3_column_int64(stmt, 0),
			.kind = sqlite3_column_int64(stmt, 1),
			.cluster = sqlite3_column_int64(stmt, 2),
			.topic = sqlite3_column_int64(stmt, 3),
			.reader = sqlite3_column_int64(stmt, 4),
			.source = sqlite3_column_int64(stmt, 5),
		};

		(void)series_new(lag, &key);
	}
	sqlite3_finalize(stmt);
	return ok;
}

/* Until when the store says that a series was seen; asked once a source, after a start. */
static bool seen_before(struct lag_writer *lag, struct lag_series *series, struct err *err)
{
	struct lag_sweeps *sweeps = NULL;

	if (series->kind == SERIES_READER + READER_EVENTLOG)
		return true;
	for (size_t i = 0; i < lag->nsweeps; i++) {
		if (lag->sweeps[i]->source == series->source)
			sweeps = lag->sweeps[i];
	}
	if (!sweeps) {
		sweeps = ARENA_NEW(&lag->arena, struct lag_sweeps);
		if (!lag_sweeps_load(
			    lag->sweeps_last, series->source, INT64_MAX, &lag->arena, sweeps, err))
			return false;
		lag->sweeps = mem_resize(lag->sweeps, lag->nsweeps + 1, sizeof(struct lag_sweeps *));
		lag->sweeps[lag->nsweeps++] = sweeps;
	}
	series->confirmed_at = lag_sweeps_seen(sweeps, series->id);
	return true;
}

/* The newest state as the store has it: read when a series is first told after a start. */
static bool load_state(struct lag_writer *lag, struct lag_series *series, struct err *err)
{
	bool there;

	if (series->loaded)
		return true;
	if (!lag_walk_begin(&lag->walked, lag->walk, series->id, INT64_MAX, &there, err))
		return false;
	lag_state_copy(&series->state, &lag->walked.state);
	series->has_row = there;
	series->at = lag->walked.at;
	series->rows = lag->walked.since_key;
	lag_walk_end(&lag->walked);
	series->loaded = true;
	return seen_before(lag, series, err);
}

struct lag_series *lag_series_find(
	struct writer *writer, struct writer_source *source, struct lag_series key, struct err *err)
{
	struct lag_writer *lag = writer->lag;
	struct lag_series *series = lag->room ? lag->slots[slot_of(lag, &key)] : NULL;

	if (!series) {
		const int64_t values[] = { key.kind, key.cluster, key.topic, key.reader, source->id,
			writer->n };

		for (size_t i = 0; i < ARRAY_LEN(values); i++)
			sqlite3_bind_int64(lag->series_add, (int)i + 1, values[i]);
		if (!sql_run(lag->series_add, err))
			return NULL;
		key.id = sqlite3_last_insert_rowid(lag->db);
		key.source = source->id;
		series = series_new(lag, &key);
		series->loaded = true;
	}
	return load_state(lag, series, err) ? series : NULL;
}

/* ---- rows ---- */

static bool put_row(struct writer *writer, struct lag_series *series, int64_t at, bool key,
	struct text x, struct err *err)
{
	sqlite3_stmt *add = writer->lag->change_add;

	sqlite3_bind_int64(add, 1, series->id);
	sqlite3_bind_int64(add, 2, at);
	sqlite3_bind_int64(add, 3, writer->n);
	sqlite3_bind_int(add, 4, key);
	sql_bind_blob(add, 5, x);
	return sql_run(add, err);
}

/* lag->next is what the series is now. */
static bool put_state(struct writer *writer, struct lag_series *series, int64_t at, bool *new_out,
	struct err *err)
{
	struct lag_writer *lag = writer->lag;
	int64_t seen_until = series->at;

	*new_out = false;
	series->named_at = at;
	if (series->has_row && at <= series->at) {
		if (series->kind == SERIES_READER + READER_EVENTLOG && at < series->at)
			return true;
		at = series->at + 1;
	}
	if (series->has_row && lag_state_equal(&series->state, &lag->next)) {
		series->confirmed_at = at > series->confirmed_at ? at : series->confirmed_at;
		return true;
	}
	if (series->confirmed_at != FACT_UNKNOWN && series->confirmed_at > seen_until)
		seen_until = series->confirmed_at;
	buf_reset(&lag->x);
	lag_pack(&lag->x, series->has_row && at > seen_until ? at - seen_until : 0,
		series->has_row ? &series->state : NULL, &lag->next);
	if (!put_row(writer, series, at, false, buf_text(&lag->x), err))
		return false;
	lag_state_copy(&series->state, &lag->next);
	if (++series->rows >= KEY_ROWS) {
		buf_reset(&lag->x);
		lag_pack(&lag->x, 0, NULL, &series->state);
		if (!put_row(writer, series, at, true, buf_text(&lag->x), err))
			return false;
		series->rows = 0;
	}
	series->has_row = true;
	series->at = series->confirmed_at = at;
	*new_out = true;
	return true;
}

static bool dim(struct writer *writer, struct text text, int64_t *id, struct err *err)
{
	return dims_id(writer->dims, text, id, err);
}

static bool put_marks(struct writer *writer, struct writer_source *source, const struct fact *fact,
	bool *new_out, struct err *err)
{
	const struct fact_marks *marks = &fact->u.marks;
	struct lag_writer *lag = writer->lag;
	struct lag_series key = { .kind = SERIES_MARKS };
	struct lag_state *next = &lag->next;
	struct lag_series *series;

	if (!dim(writer, marks->cluster, &key.cluster, err) ||
		!dim(writer, marks->topic, &key.topic, err) ||
		!(series = lag_series_find(writer, source, key, err)))
		return false;
	lag_state_clear(next);
	next->heads[MARK_GONE] = marks->gone;
	next->heads[MARK_RETENTION_MS] = lag_value(marks->retention_ms);
	next->heads[MARK_RETENTION_BYTES] = lag_value(marks->retention_bytes);
	next->heads[MARK_COMPACTED] = marks->compacted;
	for (size_t i = 0; !marks->gone && i < marks->nmarks; i++) {
		const struct fact_mark *mark = &marks->marks[i];
		int64_t high = lag_value(mark->high), low = lag_value(mark->low);
		size_t at = (size_t)mark->partition;

		if (!lag_state_set(next, mark->partition, MARK_LEADER, mark->leader))
			continue; /* no cluster has such a partition */
		if (high == LAG_NONE) { /* not read this time: what was read before, marked */
			high = lag_state_get(&series->state, at, MARK_HIGH);
			(void)lag_state_set(next, mark->partition, MARK_UNREAD, 1);
		}
		if (low == LAG_NONE)
			low = lag_state_get(&series->state, at, MARK_LOW);
		(void)lag_state_set(next, mark->partition, MARK_HIGH, high);
		(void)lag_state_set(next, mark->partition, MARK_LOW, low);
	}
	return put_state(writer, series, fact->happened_at_ms, new_out, err);
}

static bool put_position(struct writer *writer, struct writer_source *source,
	const struct fact *fact, bool *new_out, struct err *err)
{
	const struct fact_position *position = &fact->u.position;
	struct lag_series key = { .kind = SERIES_READER + (int64_t)position->kind };
	struct lag_state *next = &writer->lag->next;
	struct lag_series *series;
	int64_t state, query;

	if (!dim(writer, position->cluster, &key.cluster, err) ||
		!dim(writer, position->topic, &key.topic, err) ||
		!dim(writer, position->reader, &key.reader, err) ||
		!dim(writer, position->state, &state, err) ||
		!dim(writer, position->query_id, &query, err) ||
		!(series = lag_series_find(writer, source, key, err)))
		return false;
	lag_state_clear(next);
	next->heads[PLACE_GONE] = position->gone;
	next->heads[PLACE_STATE] = state;
	next->heads[PLACE_MEMBERS] = lag_value(position->members);
	next->heads[PLACE_BATCH_STARTED] = lag_value(position->batch_started_ms);
	next->heads[PLACE_OF_DELTA] = position->of_delta;
	next->heads[PLACE_FILES] = lag_value(position->behind_files);
	next->heads[PLACE_BYTES] = lag_value(position->behind_bytes);
	next->heads[PLACE_RECORDS] = lag_value(position->behind_records);
	next->heads[PLACE_SECONDS] = lag_value(position->behind_seconds);
	next->heads[PLACE_QUERY] = query;
	for (size_t i = 0; !position->gone && i < position->nplaces; i++) {
		const struct fact_place *place = &position->places[i];

		if (!lag_state_set(next, place->partition, PLACE_PROCESSED, lag_value(place->processed)))
			continue;
		(void)lag_state_set(next, place->partition, PLACE_STARTED, lag_value(place->started));
		(void)lag_state_set(next, place->partition, PLACE_COMMITTED,
			lag_value(place->committed_at_ms));
		if (place->part != 0)
			(void)lag_state_set(next, place->partition, PLACE_PART, lag_value(place->part));
	}
	return put_state(writer, series, fact->happened_at_ms, new_out, err);
}

static int by_id(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

/* Series of the swept cluster that this sweep did not name, packed into lag->x; false: none. */
static bool missed(struct lag_writer *lag, int64_t source, int64_t cluster, int64_t from, int64_t at)
{
	int64_t *ids = NEW_ARRAY(int64_t, lag->nseries + 1);
	size_t n = 0, named = 0;

	for (size_t i = 0; i < lag->room; i++) {
		const struct lag_series *series = lag->slots[i];

		if (!series || series->source != source || series->cluster != cluster ||
			series->kind == SERIES_TABLES ||
			(series->loaded && series->state.heads[0] == 1)) /* gone: neither kind is told */
			continue;
		if (series->named_at >= from && series->named_at <= at)
			named++;
		else
			ids[n++] = series->id;
	}
	buf_reset(&lag->x);
	if (n > 0) {
		qsort(ids, n, sizeof *ids, by_id);
		lag_missed_pack(&lag->x, ids, n, named == 0);
	}
	free(ids);
	return n > 0;
}

static bool put_sweep(struct writer *writer, struct writer_source *source, int64_t at,
	const struct fact_sweep *sweep, struct err *err)
{
	const int64_t values[] = { sweep->took_ms, sweep->brokers, sweep->brokers_down, sweep->topics,
		sweep->partitions, sweep->groups, sweep->unread };
	bool whole = sweep->unread <= 0 && !sweep->problem.bytes;
	int64_t took = sweep->took_ms;
	struct lag_writer *lag = writer->lag;
	sqlite3_stmt *add = lag->sweep_add;
	int64_t cluster;

	if (!dim(writer, sweep->cluster, &cluster, err))
		return false;
	sqlite3_bind_int64(add, 1, source->id);
	sqlite3_bind_int64(add, 2, at);
	sqlite3_bind_int64(add, 3, writer->n);
	sql_bind_id(add, 4, cluster);
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		sql_bind_int(add, (int)i + 5, values[i]);
	sql_bind_text(add, 12, sweep->problem);
	sql_bind_blob(add, 13,
		cluster && !whole && missed(lag, source->id, cluster, at - (took > 0 ? took : 0), at) ?
			buf_text(&lag->x) : TEXT_NONE);
	if (!sql_run(add, err))
		return false;
	if (cluster && whole) {
		lag->whole_cluster = cluster;
		lag->whole_at = at;
	}
	return true;
}

/* ---- connectors ---- */

static bool same_connector(sqlite3_stmt *last, const struct fact_connector *connector)
{
	const int64_t numbers[] = { connector->gone, connector->sink, connector->state,
		connector->worst, connector->tasks, connector->tasks_failed };
	const struct text texts[] = { connector->worker, connector->trace, connector->group,
		connector->topics };
	bool equal = true;

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		equal = equal && sql_int(last, (int)i) == numbers[i];
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		equal = equal && text_eq(sql_text(last, (int)(i + ARRAY_LEN(numbers))), texts[i]);
	return equal;
}

static bool put_connector(struct writer *writer, struct writer_source *source,
	const struct fact *fact, bool *new_out, struct err *err)
{
	const struct fact_connector *connector = &fact->u.connector;
	struct lag_writer *lag = writer->lag;
	sqlite3_stmt *last = lag->connector_last, *add = lag->connector_add;
	int64_t connect, name;
	bool row, known;

	if (!dim(writer, connector->connect, &connect, err) ||
		!dim(writer, connector->connector, &name, err))
		return false;
	sqlite3_bind_int64(last, 1, connect);
	sqlite3_bind_int64(last, 2, name);
	if (!sql_step(last, &row, err))
		return false;
	known = row && same_connector(last, connector);
	sqlite3_reset(last);
	lag->looked = fact->happened_at_ms;
	if (known)
		return true;
	const int64_t values[] = { connect, name, fact->happened_at_ms, writer->n, source->id,
		connector->gone, connector->sink, connector->state, connector->worst, connector->tasks,
		connector->tasks_failed };
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		sql_bind_int(add, (int)i + 1, values[i]);
	sql_bind_text(add, 12, connector->worker);
	sql_bind_text(add, 13, connector->trace);
	sql_bind_text(add, 14, connector->group);
	sql_bind_text(add, 15, connector->topics);
	*new_out = true;
	return sql_run(add, err);
}

static bool sweep_end(struct writer *writer, struct writer_source *source, struct err *err)
{
	const struct fact *fact = writer->lag->sweep;

	writer->lag->sweep = NULL;
	return !fact || put_sweep(writer, source, fact->happened_at_ms, &fact->u.sweep, err);
}

bool lag_writer_fact(struct writer *writer, struct writer_source *source, const struct fact *fact,
	bool *new_out, struct err *err)
{
	struct lag_writer *lag = writer->lag;

	*new_out = false;
	switch (fact->kind) {
	case FACT_SWEEP:
		*new_out = true;
		if (!sweep_end(writer, source, err))
			return false;
		lag->sweep = fact; /* what it could not see is known when the batch has ended */
		return true;
	case FACT_MARKS:
		lag->looked = fact->happened_at_ms;
		return put_marks(writer, source, fact, new_out, err);
	case FACT_POSITION:
		lag->looked = fact->happened_at_ms;
		return put_position(writer, source, fact, new_out, err);
	case FACT_TOPIC_TABLE:
		return lag_topic_table(writer, source, fact, new_out, err);
	case FACT_CONNECTOR:
		return put_connector(writer, source, fact, new_out, err);
	case FACT_EVENT:
	case FACT_VERSION:
	case FACT_HEALTH:
	case FACT_UNDECODABLE:
	case FACT_TABLE:
	case FACT_STANDING:
	case FACT_EDGE:
	case FACT_KIND_COUNT:
		break;
	}
	return true;
}

/* What whole sweeps of a cluster do not name any more is gone. */
static bool drop_ghosts(struct writer *writer, struct writer_source *source, struct err *err)
{
	struct lag_writer *lag = writer->lag;
	bool known;

	for (size_t i = 0; i < lag->room; i++) {
		struct lag_series *series = lag->slots[i];

		if (!series || series->source != source->id || series->cluster != lag->whole_cluster ||
			series->kind == SERIES_TABLES || series->kind == SERIES_READER + READER_EVENTLOG ||
			series->kind == SERIES_READER + READER_CHECKPOINT)
			continue;
		if (series->named_at == FACT_UNKNOWN)
			series->named_at = lag->whole_at;
		if (lag->whole_at - series->named_at < GHOST_MS)
			continue;
		if (!load_state(lag, series, err))
			return false;
		if (series->state.heads[0] == 1) /* gone: the first head of either kind */
			continue;
		lag_state_clear(&lag->next);
		lag->next.heads[0] = 1;
		if (!put_state(writer, series, lag->whole_at, &known, err))
			return false;
	}
	return true;
}

bool lag_writer_end(struct writer *writer, struct writer_source *source, struct err *err)
{
	struct lag_writer *lag = writer->lag;
	bool swept = lag->sweep != NULL;
	bool ok = lag_topic_end(writer, err) && sweep_end(writer, source, err);

	if (ok && lag->whole_cluster)
		ok = drop_ghosts(writer, source, err);
	if (ok && lag->looked != FACT_UNKNOWN && !swept) {
		const struct fact_sweep none = { .took_ms = FACT_UNKNOWN, .brokers = FACT_UNKNOWN,
			.brokers_down = FACT_UNKNOWN, .topics = FACT_UNKNOWN,
			.partitions = FACT_UNKNOWN, .groups = FACT_UNKNOWN };

		ok = put_sweep(writer, source, lag->looked, &none, err);
	}
	lag->looked = FACT_UNKNOWN;
	lag->whole_cluster = 0;
	return ok;
}

bool lag_writer_open(sqlite3 *db, struct lag_writer **lag_out, struct err *err)
{
	struct lag_writer *lag = NEW(struct lag_writer);

	lag->db = db;
	lag->looked = FACT_UNKNOWN;
	lag_state_init(&lag->next);
	lag_walk_init(&lag->walked);
	buf_init(&lag->x, LAG_ROW_MAX);
	for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
		if (!sql_prepare(db, statements[i].sql, statement(lag, i), err))
			goto fail;
	}
	if (!load_series(lag, err))
		goto fail;
	*lag_out = lag;
	return true;
fail:
	lag_writer_close(lag);
	return false;
}

void lag_writer_close(struct lag_writer *lag)
{
	if (!lag)
		return;
	for (size_t i = 0; i < ARRAY_LEN(statements); i++)
		sqlite3_finalize(*statement(lag, i));
	for (size_t i = 0; i < lag->room; i++) {
		if (!lag->slots[i])
			continue;
		lag_state_done(&lag->slots[i]->state);
		free(lag->slots[i]->told);
		free(lag->slots[i]);
	}
	lag_state_done(&lag->next);
	lag_walk_done(&lag->walked);
	buf_done(&lag->x);
	arena_free(&lag->arena);
	free(lag->sweeps);
	free(lag->slots);
	free(lag->rows);
	free(lag);
}
