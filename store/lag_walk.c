/* SPDX-License-Identifier: Apache-2.0 */
#include "store/lag_walk.h"

#include <string.h>

#include "base/mem.h"

static bool damaged(struct err *err)
{
	return err_set(err, ERR_STORE, 0, "the store is damaged: a row of lag cannot be read");
}

void lag_walk_init(struct lag_walk *walk)
{
	*walk = (struct lag_walk){ 0 };
	lag_state_init(&walk->state);
}

void lag_walk_done(struct lag_walk *walk)
{
	lag_state_done(&walk->state);
	arena_free(&walk->arena);
	FREE(&walk->rows);
	walk->nrows = walk->room = 0;
}

void lag_walk_end(struct lag_walk *walk)
{
	if (walk->stmt)
		sqlite3_reset(walk->stmt);
	walk->stmt = NULL;
	walk->ended = true;
}

static void keep(struct lag_walk *walk, struct lag_walk_row row)
{
	if (walk->nrows == walk->room) {
		walk->room = walk->room ? walk->room * 2 : 64;
		walk->rows = mem_resize(walk->rows, walk->room, sizeof *walk->rows);
	}
	row.x = arena_text(&walk->arena, row.x);
	walk->rows[walk->nrows++] = row;
}

/* The next row of the statement, in the order newest first; x is the statement's. */
static bool take(struct lag_walk *walk, struct lag_walk_row *row, bool *key, bool *there,
	struct err *err)
{
	if (!sql_step(walk->stmt, there, err))
		return false;
	if (!*there)
		return true;
	row->at = sqlite3_column_int64(walk->stmt, 0);
	row->batch = sqlite3_column_int64(walk->stmt, 1);
	*key = sqlite3_column_int(walk->stmt, 2) != 0;
	row->x = sql_text(walk->stmt, 3);
	return true;
}

bool lag_walk_begin(struct lag_walk *walk, sqlite3_stmt *stmt, int64_t series, int64_t n,
	bool *there_out, struct err *err)
{
	struct lag_walk_row row;
	struct lag_row_head head;
	bool there = true, key = false;

	arena_reset(&walk->arena);
	lag_state_clear(&walk->state);
	walk->stmt = stmt;
	walk->nrows = walk->next = 0;
	walk->ended = false;
	walk->at = walk->batch = 0;
	*there_out = false;
	sqlite3_bind_int64(stmt, 1, series);
	sqlite3_bind_int64(stmt, 2, n);
	for (;;) {
		if (!take(walk, &row, &key, &there, err))
			return false;
		if (!there)
			break;
		if (!*there_out) {
			walk->at = row.at;
			walk->batch = row.batch;
		}
		*there_out = true;
		if (key) {
			if (!lag_unpack(row.x, &walk->state, &head))
				return damaged(err);
			break;
		}
		keep(walk, row);
	}
	walk->ended = !there;
	walk->since_key = (int64_t)walk->nrows;
	for (size_t i = walk->nrows; i-- > 0;) {
		if (!lag_unpack(walk->rows[i].x, &walk->state, &head))
			return damaged(err);
	}
	return true;
}

/* The next row that is no keyframe, into rows[0]. */
static bool below(struct lag_walk *walk, struct err *err)
{
	struct lag_walk_row row;
	bool there = true, key = true;

	while (there && key) {
		if (!take(walk, &row, &key, &there, err))
			return false;
	}
	walk->nrows = walk->next = 0;
	walk->ended = !there;
	if (there) {
		arena_reset(&walk->arena);
		keep(walk, row);
	}
	return true;
}

bool lag_walk_peek(
	struct lag_walk *walk, struct lag_walk_row *row_out, bool *there_out, struct err *err)
{
	if (walk->next >= walk->nrows && !walk->ended && !below(walk, err))
		return false;
	*there_out = walk->next < walk->nrows;
	if (*there_out)
		*row_out = walk->rows[walk->next];
	return true;
}

bool lag_walk_undo(struct lag_walk *walk, struct lag_row_head *head_out, struct err *err)
{
	if (!lag_undo(walk->rows[walk->next++].x, &walk->state, head_out))
		return damaged(err);
	return true;
}
