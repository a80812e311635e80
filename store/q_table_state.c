/* SPDX-License-Identifier: Apache-2.0 */
#include "store/q_table_state.h"

#include "base/clock.h"
#include "base/mem.h"
#include "store/table_fields.h"

static bool newest_upkeep(struct reader *reader, int64_t tbl, struct text operation,
	int64_t *at_ms, struct err *err)
{
	sqlite3_stmt *stmt;
	bool row;
	int64_t at;

	if (!reader_query(reader, Q_TABLE_UPKEEP, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, tbl);
	sqlite3_bind_int64(stmt, 2, reader->n);
	sql_bind_text(stmt, 3, operation);
	if (!sql_step(stmt, &row, err))
		return false;
	at = row ? sql_int(stmt, 0) : FACT_UNKNOWN;
	sqlite3_reset(stmt);
	if (at != FACT_UNKNOWN && (*at_ms == TIME_UNKNOWN || at > *at_ms))
		*at_ms = at;
	return true;
}

static bool state_newest(struct reader *reader, struct arena *arena, int64_t tbl,
	struct fact_table *state, int64_t *at_ms, int64_t *shape, struct err *err)
{
	sqlite3_stmt *stmt;
	bool row;

	fact_table_unknown(state);
	*at_ms = TIME_UNKNOWN;
	*shape = FACT_UNKNOWN;
	if (!reader_query(reader, Q_TABLE_STATE, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, tbl);
	sqlite3_bind_int64(stmt, 2, reader->n);
	if (!sql_step(stmt, &row, err))
		return false;
	if (row) {
#define X(member, column, about) state->member = sql_int(stmt, STATE_AT_##member);
		FACT_TABLE_NUMBERS(X)
#undef X
		*shape = sql_int(stmt, STATE_SHAPE);
		state->problem = sql_text_copy(stmt, STATE_PROBLEM, arena);
		*at_ms = sql_int(stmt, STATE_PROBLEM + 1);
	}
	sqlite3_reset(stmt);
	return true;
}

bool table_state_fill(struct reader *reader, struct arena *arena, int64_t tbl, bool shape,
	struct table_row *row, struct err *err)
{
	sqlite3_stmt *stmt;
	int64_t id;
	bool there;

	row->optimized_at_ms = row->vacuumed_at_ms = TIME_UNKNOWN;
	if (!state_newest(reader, arena, tbl, &row->state, &row->state_at_ms, &id, err) ||
		!newest_upkeep(reader, tbl, TEXT("OPTIMIZE"), &row->optimized_at_ms, err) ||
		!newest_upkeep(reader, tbl, TEXT("VACUUM START"), &row->vacuumed_at_ms, err) ||
		!newest_upkeep(reader, tbl, TEXT("VACUUM END"), &row->vacuumed_at_ms, err))
		return false;
	if (!shape || id == FACT_UNKNOWN)
		return true;
	if (!reader_query(reader, Q_TABLE_SHAPE, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, id);
	if (!sql_step(stmt, &there, err))
		return false;
	if (there)
		row->state.shape = sql_text_copy(stmt, 0, arena);
	sqlite3_reset(stmt);
	return true;
}

static int64_t before(int64_t after, int64_t added, int64_t removed)
{
	if (after == FACT_UNKNOWN || added == FACT_UNKNOWN || removed == FACT_UNKNOWN)
		return FACT_UNKNOWN;
	return after - added + removed;
}

/* Nine rows of ten went and as many came back, in one commit that changed data. */
static bool restates(const struct fact_version *version, int64_t rows_before)
{
	return version->data_change && rows_before != FACT_UNKNOWN && rows_before > 0 &&
		version->rows_removed != FACT_UNKNOWN && version->rows_added != FACT_UNKNOWN &&
		version->rows_removed >= rows_before - rows_before / 10 &&
		version->rows_added >= rows_before - rows_before / 10;
}

struct count { /* what the table held with version */
	int64_t version, rows, files, bytes;
};

/* To what it held before this commit; unknown from a gap in the versions on. */
static void step_back(struct count *count, const struct fact_version *commit)
{
	count->rows = before(count->rows, commit->rows_added, commit->rows_removed);
	count->files = before(count->files, commit->files_added, commit->files_removed);
	count->bytes = before(count->bytes, commit->bytes_added, commit->bytes_removed);
	count->version = commit->version - 1;
}

static void meet(struct count *count, int64_t version)
{
	if (count->version != version)
		*count = (struct count){ version, FACT_UNKNOWN, FACT_UNKNOWN, FACT_UNKNOWN };
}

/* From the state's version down to the newest one of a list. */
static bool count_down_to(struct reader *reader, int64_t tbl, int64_t version, struct count *count,
	struct err *err)
{
	sqlite3_stmt *stmt;
	bool row, ok;

	if (!reader_query(reader, Q_VERSIONS_BACK, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, tbl);
	sqlite3_bind_int64(stmt, 2, version);
	sqlite3_bind_int64(stmt, 3, count->version);
	sqlite3_bind_int64(stmt, 4, reader->n);
	while ((ok = sql_step(stmt, &row, err)) && row) {
		const struct fact_version commit = {
			.version = sqlite3_column_int64(stmt, 0),
			.rows_added = sql_int(stmt, 1),
			.rows_removed = sql_int(stmt, 2),
			.files_added = sql_int(stmt, 3),
			.files_removed = sql_int(stmt, 4),
			.bytes_added = sql_int(stmt, 5),
			.bytes_removed = sql_int(stmt, 6),
		};

		meet(count, commit.version);
		step_back(count, &commit);
	}
	sqlite3_reset(stmt);
	return ok;
}

/* Back from the state through commits that follow each other without a gap. */
static bool count_back(struct reader *reader, int64_t tbl, const struct fact_table *state,
	struct version_rows *rows, struct err *err)
{
	struct count count = { state->version, state->rows, state->files, state->bytes };

	if (state->version != FACT_UNKNOWN && state->version > rows->rows[0].fact.version &&
		!count_down_to(reader, tbl, rows->rows[0].fact.version, &count, err))
		return false;
	for (size_t i = 0; i < rows->n; i++) {
		struct version_row *row = &rows->rows[i];
		const struct fact_version *fact = &row->fact;

		if (fact->version == state->version)
			count = (struct count){ state->version, state->rows, state->files, state->bytes };
		meet(&count, fact->version);
		row->rows_after = count.rows;
		row->files_after = count.files;
		row->bytes_after = count.bytes;
		step_back(&count, fact);
		row->restates = restates(fact, count.rows);
	}
	return true;
}

static void standing_of_row(
	sqlite3_stmt *stmt, struct arena *arena, struct fact_standing *standing)
{
	*standing = (struct fact_standing){
		.version = sqlite3_column_int64(stmt, 0),
		.standing = (enum version_standing)sqlite3_column_int(stmt, 1),
		.until_ms = sql_int(stmt, 2),
		.by_log = sqlite3_column_int(stmt, 3) != 0,
		.files_old = sql_int(stmt, 4),
		.files_gone = sql_int(stmt, 5),
		.files_unlooked = sql_int(stmt, 6),
		.gone = sql_text_copy(stmt, 7, arena),
	};
	if (standing->standing > STANDING_GONE)
		standing->standing = STANDING_UNKNOWN;
}

bool standings_fill(struct reader *reader, struct arena *arena, int64_t tbl,
	struct version_rows *rows, struct err *err)
{
	struct fact_table state;
	sqlite3_stmt *stmt;
	int64_t at_ms, shape;
	size_t i = 0;
	bool row, ok;

	if (rows->n == 0)
		return true;
	if (!state_newest(reader, arena, tbl, &state, &at_ms, &shape, err) ||
		!count_back(reader, tbl, &state, rows, err) ||
		!reader_query(reader, Q_STANDINGS, &stmt, err))
		return false;
	for (size_t k = 0; k < rows->n; k++)
		rows->rows[k].standing = (struct fact_standing){
			.version = rows->rows[k].fact.version,
			.standing = state.first_listed != FACT_UNKNOWN &&
					rows->rows[k].fact.version < state.first_listed
				? STANDING_GONE
				: STANDING_UNKNOWN,
			.until_ms = FACT_UNKNOWN,
			.files_old = FACT_UNKNOWN,
			.files_gone = FACT_UNKNOWN,
			.files_unlooked = FACT_UNKNOWN,
		};
	sqlite3_bind_int64(stmt, 1, tbl);
	sqlite3_bind_int64(stmt, 2, rows->rows[0].fact.version);
	sqlite3_bind_int64(stmt, 3, reader->n);
	/* Both descend; the first row of a version is its newest. */
	while ((ok = sql_step(stmt, &row, err)) && row && i < rows->n) {
		int64_t version = sqlite3_column_int64(stmt, 0);

		while (i < rows->n && rows->rows[i].fact.version > version)
			i++;
		if (i == rows->n || rows->rows[i].fact.version < version)
			continue;
		if (rows->rows[i].standing.standing == STANDING_UNKNOWN)
			standing_of_row(stmt, arena, &rows->rows[i].standing);
		i++;
	}
	sqlite3_reset(stmt);
	return ok;
}
