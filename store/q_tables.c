/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/q_table_state.h"
#include "store/reader_internal.h"

enum { TABLES_MAX = 10000, VERSIONS_MAX = 100000 };
#define DAY_MS INT64_C(86400000)

static bool newest_version(
	struct reader *reader, struct arena *arena, int64_t tbl, struct table_row *row, struct err *err)
{
	sqlite3_stmt *stmt;
	bool there;

	if (!reader_query(reader, Q_VERSION_NEWEST, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, tbl);
	sqlite3_bind_int64(stmt, 2, reader->n);
	if (!sql_step(stmt, &there, err))
		return false;
	if (!there)
		return true;
	row->version = sqlite3_column_int64(stmt, 0);
	row->timestamp_ms = sql_int(stmt, 1);
	row->operation = sql_text_copy(stmt, 2, arena);
	row->engine = sql_text_copy(stmt, 3, arena);
	row->user_name = sql_text_copy(stmt, 4, arena);
	row->files_added = sql_int(stmt, 5);
	row->files_removed = sql_int(stmt, 6);
	row->rows_added = sql_int(stmt, 7);
	row->rows_removed = sql_int(stmt, 8);
	row->problem = sql_text_copy(stmt, 9, arena);
	sqlite3_reset(stmt);
	return true;
}

/* A log that does not begin at 0 has been cleaned up: what came before stands in its checkpoint. */
static bool oldest_version(
	struct reader *reader, struct arena *arena, int64_t tbl, struct table_row *row, struct err *err)
{
	sqlite3_stmt *stmt;
	bool there;

	if (!reader_query(reader, Q_VERSION_OLDEST, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, tbl);
	sqlite3_bind_int64(stmt, 2, reader->n);
	if (!sql_step(stmt, &there, err))
		return false;
	if (!there)
		return true;
	row->first_version = sqlite3_column_int64(stmt, 0);
	if (!row->problem.bytes)
		row->problem = sql_text_copy(stmt, 1, arena);
	sqlite3_reset(stmt);
	if (!row->problem.bytes && row->first_version == 1)
		row->problem = TEXT("needs a checkpoint: version 0 is not listed");
	else if (!row->problem.bytes && row->first_version > 1)
		row->problem = text_of(arena_printf(arena,
			"needs a checkpoint: versions 0 to %lld are not listed",
			(long long)row->first_version - 1));
	return true;
}

static bool count_versions(
	struct reader *reader, int64_t tbl, struct table_row *row, struct err *err)
{
	sqlite3_stmt *stmt;
	bool there;

	if (!reader_query(reader, Q_VERSION_COUNT, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, tbl);
	sqlite3_bind_int64(stmt, 2, reader->n);
	sqlite3_bind_int64(stmt, 3, reader->seen_at == TIME_UNKNOWN ? 0 : reader->seen_at - DAY_MS);
	if (!sql_step(stmt, &there, err))
		return false;
	row->versions = sqlite3_column_int64(stmt, 0);
	row->commits_24h = sqlite3_column_int64(stmt, 1);
	sqlite3_reset(stmt);
	return true;
}

/* stmt: a row of Q_TABLES or Q_TABLE. */
static bool fill_table(struct names *names, sqlite3_stmt *stmt, bool shape, struct table_row *row,
	struct err *err)
{
	struct arena *arena = names->arena;
	struct reader *reader = names->reader;
	int64_t tbl = sqlite3_column_int64(stmt, 0);

	*row = (struct table_row){
		.path = sql_text_copy(stmt, 1, arena),
		.table = sql_text_copy(stmt, 2, arena),
		.version = FACT_UNKNOWN,
		.timestamp_ms = TIME_UNKNOWN,
		.first_version = FACT_UNKNOWN,
		.files_added = FACT_UNKNOWN,
		.files_removed = FACT_UNKNOWN,
		.rows_added = FACT_UNKNOWN,
		.rows_removed = FACT_UNKNOWN,
	};
	return names_source(names, sqlite3_column_int64(stmt, 3), &row->source, err) &&
		newest_version(reader, arena, tbl, row, err) &&
		oldest_version(reader, arena, tbl, row, err) &&
		count_versions(reader, tbl, row, err) &&
		table_state_fill(reader, arena, tbl, shape, row, err);
}

static bool add_table(
	struct names *names, sqlite3_stmt *stmt, struct table_rows *out, size_t *room, struct err *err)
{
	struct table_row row;

	if (!fill_table(names, stmt, false, &row, err))
		return false;
	if (out->n == *room) {
		struct table_row *old = out->rows;

		*room = *room ? *room * 2 : 16;
		out->rows = ARENA_ARRAY(names->arena, struct table_row, *room);
		if (out->n > 0)
			memcpy(out->rows, old, out->n * sizeof *old);
	}
	out->rows[out->n++] = row;
	return true;
}

bool tables_list(
	struct reader *reader, struct arena *arena, struct table_rows *out, struct err *err)
{
	struct names names = names_of(reader, arena);
	struct table_rows rows = { 0 };
	sqlite3_stmt *stmt;
	size_t room = 0;
	bool row, ok;

	if (!reader_query(reader, Q_TABLES, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, reader->n);
	while ((ok = sql_step(stmt, &row, err)) && row) {
		if (rows.n == TABLES_MAX) {
			rows.more = true;
			break;
		}
		if (!(ok = add_table(&names, stmt, &rows, &room, err)))
			break;
	}
	sqlite3_reset(stmt);
	if (ok)
		*out = rows;
	return ok;
}

/* By path, else by name if only one table has it. */
static bool find_table(struct reader *reader, struct text table, int64_t *tbl_out, struct err *err)
{
	sqlite3_stmt *stmt;
	struct buf paths;
	int64_t tbl = 0;
	size_t n = 0;
	bool row, ok;

	while (table.len > 1 && table.bytes[table.len - 1] == '/')
		table.len--;
	if (!reader_query(reader, Q_TABLE_BY_PATH, &stmt, err))
		return false;
	sql_bind_text(stmt, 1, table);
	sqlite3_bind_int64(stmt, 2, reader->n);
	if (!sql_step(stmt, &row, err))
		return false;
	if (row) {
		*tbl_out = sqlite3_column_int64(stmt, 0);
		sqlite3_reset(stmt);
		return true;
	}
	if (!reader_query(reader, Q_TABLES_BY_NAME, &stmt, err))
		return false;
	sql_bind_text(stmt, 1, table);
	sqlite3_bind_int64(stmt, 2, reader->n);
	buf_init(&paths, 160);
	while ((ok = sql_step(stmt, &row, err)) && row) {
		tbl = sqlite3_column_int64(stmt, 0);
		if (n++ > 0)
			buf_add_str(&paths, ", ");
		buf_add(&paths, sql_text(stmt, 1));
	}
	if (ok && n > 1)
		ok = err_set(err, ERR_ABSENT, 0, "several tables have this name, give the path: %s",
			paths.bytes);
	if (ok && n == 0) {
		buf_reset(&paths);
		buf_add(&paths, table);
		ok = err_set(err, ERR_ABSENT, 0, "no table '%s' in the store", paths.bytes);
	}
	buf_done(&paths);
	if (ok)
		*tbl_out = tbl;
	return ok;
}

bool table_find(struct reader *reader, struct arena *arena, struct text table,
	struct table_row *out, struct err *err)
{
	struct names names = names_of(reader, arena);
	sqlite3_stmt *stmt;
	int64_t tbl;
	bool row, ok;

	if (!find_table(reader, table, &tbl, err) || !reader_query(reader, Q_TABLE, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, tbl);
	ok = sql_step(stmt, &row, err);
	if (ok && row)
		ok = fill_table(&names, stmt, true, out, err);
	sqlite3_reset(stmt);
	return ok;
}

static void fill_version(sqlite3_stmt *stmt, struct arena *arena, struct fact_version *fact)
{
	struct text *texts[] = { &fact->operation, &fact->user_id, &fact->user_name, &fact->engine,
		&fact->isolation_level, &fact->user_metadata, &fact->parameters, &fact->metrics,
		&fact->job, &fact->notebook, &fact->cluster_id };
	int64_t *numbers[] = { &fact->files_added, &fact->files_removed, &fact->bytes_added,
		&fact->bytes_removed, &fact->rows_added, &fact->rows_removed, &fact->dv_added };
	int64_t blind;

	fact->version = sqlite3_column_int64(stmt, 0);
	fact->timestamp_ms = sql_int(stmt, 2);
	fact->commit_info_ms = sql_int(stmt, 3);
	fact->in_commit_timestamp = sqlite3_column_int(stmt, 4) != 0;
	fact->table_id = sql_text_copy(stmt, 5, arena);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		*texts[i] = sql_text_copy(stmt, 6 + (int)i, arena);
	fact->read_version = sql_int(stmt, 17);
	blind = sql_int(stmt, 18);
	fact->is_blind_append = (int8_t)(blind == FACT_UNKNOWN ? -1 : blind != 0);
	fact->update_id = sql_text_copy(stmt, 19, arena);
	fact->pipeline_id = sql_text_copy(stmt, 20, arena);
	fact->epoch_id = sql_text_copy(stmt, 21, arena);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		*numbers[i] = sql_int(stmt, 22 + (int)i);
	fact->data_change = sqlite3_column_int(stmt, 29) != 0;
	fact->changes = sql_text_copy(stmt, 30, arena);
	fact->problem = sql_text_copy(stmt, 31, arena);
	fact->table = sql_text_copy(stmt, 32, arena);
	fact->path = sql_text_copy(stmt, 33, arena);
}

static void grow_versions(
	struct version_rows *rows, size_t *room, size_t limit, struct arena *arena)
{
	struct version_row *old = rows->rows;

	*room = *room ? *room * 2 : 64;
	if (*room > limit)
		*room = limit;
	rows->rows = ARENA_ARRAY(arena, struct version_row, *room);
	if (rows->n > 0)
		memcpy(rows->rows, old, rows->n * sizeof *old);
}

bool versions_list(struct reader *reader, struct arena *arena, struct text table, int64_t before,
	size_t limit, struct version_rows *out, struct err *err)
{
	struct names names = names_of(reader, arena);
	struct version_rows rows = { 0 };
	sqlite3_stmt *stmt;
	size_t room = 0;
	int64_t tbl;
	bool row, ok;

	limit = limit < 1 ? 1 : limit > VERSIONS_MAX ? VERSIONS_MAX : limit;
	if (!find_table(reader, table, &tbl, err) || !reader_query(reader, Q_VERSIONS, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, tbl);
	sqlite3_bind_int64(stmt, 2, before);
	sqlite3_bind_int64(stmt, 3, reader->n);
	while ((ok = sql_step(stmt, &row, err)) && row) {
		struct version_row *version;

		if (rows.n == limit) {
			rows.more = true;
			break;
		}
		if (rows.n == room)
			grow_versions(&rows, &room, limit, arena);
		version = &rows.rows[rows.n++];
		fill_version(stmt, arena, &version->fact);
		if (!(ok = names_seen_at(&names, sqlite3_column_int64(stmt, 1),
			      &version->seen_at_ms, err)))
			break;
	}
	sqlite3_reset(stmt);
	ok = ok && standings_fill(reader, arena, tbl, &rows, err) &&
		completeness_fill(&names, tbl, &rows, err);
	if (ok)
		*out = rows;
	return ok;
}
