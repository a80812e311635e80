/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/clock.h"
#include "store/reader_internal.h"

enum { SOURCES_MAX = 1000, UNDECODABLE_MAX = 10000 };

static bool bind_source(struct reader *reader, enum query query, int64_t source, int64_t third,
	sqlite3_stmt **stmt, struct err *err)
{
	if (!reader_query(reader, query, stmt, err))
		return false;
	sqlite3_bind_int64(*stmt, 1, source);
	sqlite3_bind_int64(*stmt, 2, reader->n);
	if (query == Q_HEALTH_OTHER || query == Q_HEALTH_SINCE)
		sqlite3_bind_int64(*stmt, 3, third);
	return true;
}

static bool fill_counts(struct names *names, int64_t source, struct source_row *row,
	bool *there_out, struct err *err)
{
	sqlite3_stmt *stmt;
	int64_t batch;
	bool there;

	if (!bind_source(names->reader, Q_SOURCE_COUNT, source, 0, &stmt, err) ||
		!sql_step(stmt, &there, err))
		return false;
	if (!there)
		return true;
	*there_out = true;
	row->facts = sqlite3_column_int64(stmt, 0);
	row->undecodable = sqlite3_column_int64(stmt, 1);
	row->fallback = sqlite3_column_int64(stmt, 2);
	row->read_bytes = sqlite3_column_int64(stmt, 3);
	row->last_fact_at_ms = sql_int(stmt, 4);
	batch = sql_int(stmt, 5);
	sqlite3_reset(stmt);
	return batch == FACT_UNKNOWN || names_seen_at(names, batch, &row->last_seen_at_ms, err);
}

/* Since when: the first report behind the newest one of another state. */
static bool fill_since(struct reader *reader, int64_t source, struct source_row *row,
	struct err *err)
{
	sqlite3_stmt *stmt;
	int64_t other = INT64_MIN;
	bool there;

	if (!bind_source(reader, Q_HEALTH_OTHER, source, row->state, &stmt, err) ||
		!sql_step(stmt, &there, err))
		return false;
	if (there)
		other = sqlite3_column_int64(stmt, 0);
	sqlite3_reset(stmt);
	if (!bind_source(reader, Q_HEALTH_SINCE, source, other, &stmt, err) ||
		!sql_step(stmt, &there, err))
		return false;
	if (there)
		row->state_since_ms = sqlite3_column_int64(stmt, 0);
	sqlite3_reset(stmt);
	return true;
}

static bool fill_health(struct reader *reader, struct arena *arena, int64_t source,
	struct source_row *row, bool *there_out, struct err *err)
{
	sqlite3_stmt *stmt;
	bool there;

	if (!bind_source(reader, Q_HEALTH_NEWEST, source, 0, &stmt, err) ||
		!sql_step(stmt, &there, err))
		return false;
	if (!there)
		return true;
	*there_out = true;
	row->last_health_at_ms = sqlite3_column_int64(stmt, 0);
	row->state = (enum health_state)sqlite3_column_int(stmt, 1);
	row->text = sql_text_copy(stmt, 2, arena);
	row->detail = sql_text_copy(stmt, 3, arena);
	row->behind = sql_int(stmt, 4);
	sqlite3_reset(stmt);
	if (row->state > HEALTH_FAILED)
		row->state = HEALTH_FAILED;
	return fill_since(reader, source, row, err);
}

bool sources_list(
	struct reader *reader, struct arena *arena, struct source_rows *out, struct err *err)
{
	struct names names = names_of(reader, arena);
	struct source_rows rows = { .rows = ARENA_ARRAY(arena, struct source_row, SOURCES_MAX) };
	sqlite3_stmt *stmt;
	bool there, ok;

	if (!reader_query(reader, Q_SOURCES, &stmt, err))
		return false;
	while ((ok = sql_step(stmt, &there, err)) && there) {
		int64_t source = sqlite3_column_int64(stmt, 0);
		struct source_row *row = &rows.rows[rows.n];
		bool known = false;

		if (rows.n == SOURCES_MAX) {
			rows.more = true;
			break;
		}
		*row = (struct source_row){
			.source = sql_text_copy(stmt, 1, arena),
			.state = HEALTH_WAITING,
			.state_since_ms = TIME_UNKNOWN,
			.last_health_at_ms = TIME_UNKNOWN,
			.last_fact_at_ms = TIME_UNKNOWN,
			.last_seen_at_ms = TIME_UNKNOWN,
			.behind = FACT_UNKNOWN,
		};
		ok = fill_counts(&names, source, row, &known, err) &&
			fill_health(reader, arena, source, row, &known, err);
		if (!ok)
			break;
		rows.n += known; /* else it came after the snapshot */
	}
	sqlite3_reset(stmt);
	if (ok)
		*out = rows;
	return ok;
}

static bool find_source(struct reader *reader, struct text name, int64_t *out, struct err *err)
{
	sqlite3_stmt *stmt;
	bool row;

	if (!reader_query(reader, Q_SOURCE_ID, &stmt, err))
		return false;
	sql_bind_text(stmt, 1, name);
	if (!sql_step(stmt, &row, err))
		return false;
	*out = row ? sqlite3_column_int64(stmt, 0) : -1;
	sqlite3_reset(stmt);
	return true;
}

bool undecodable_list(struct reader *reader, struct arena *arena, struct text source, size_t limit,
	struct undecodable_rows *out, struct err *err)
{
	struct names names = names_of(reader, arena);
	struct undecodable_rows rows = { 0 };
	sqlite3_stmt *stmt;
	int64_t wanted = 0;
	bool there, ok;

	limit = limit < 1 ? 1 : limit > UNDECODABLE_MAX ? UNDECODABLE_MAX : limit;
	rows.rows = ARENA_ARRAY(arena, struct undecodable_row, limit);
	if ((source.bytes && !find_source(reader, source, &wanted, err)) ||
		!reader_query(reader, Q_UNDECODABLES, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, INT64_MAX);
	sqlite3_bind_int64(stmt, 2, reader->n);
	sqlite3_bind_int64(stmt, 3, wanted);
	while ((ok = sql_step(stmt, &there, err)) && there) {
		struct undecodable_row *row = &rows.rows[rows.n];

		if (rows.n == limit) {
			rows.more = true;
			break;
		}
		rows.n++;
		row->place = sql_text_copy(stmt, 1, arena);
		row->reason = sql_text_copy(stmt, 3, arena);
		row->bytes = sql_text_copy(stmt, 4, arena);
		row->length = sql_int(stmt, 5);
		ok = names_source(&names, sqlite3_column_int64(stmt, 0), &row->source, err) &&
			names_seen_at(&names, sqlite3_column_int64(stmt, 2), &row->seen_at_ms, err);
		if (!ok)
			break;
	}
	sqlite3_reset(stmt);
	if (ok)
		*out = rows;
	return ok;
}
