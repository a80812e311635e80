/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_LAG_WALK_H
#define STORE_LAG_WALK_H

#include "store/internal.h"
#include "store/lag_pack.h"

/*
 * A walk through the rows of one series, from the newest back. The statement gives at, batch, key, x
 * of lag_change, newest first; it is borrowed, bound, and reset at the end. One thread.
 */
#define LAG_WALK_SQL                                                                               \
	"SELECT at, batch, key, x FROM lag_change WHERE series = ?1 AND batch <= ?2"               \
	" ORDER BY at DESC, batch DESC, key DESC"

struct lag_walk_row {
	int64_t at, batch;
	struct text x; /* in the walk's arena */
};

struct lag_walk {
	sqlite3_stmt *stmt;
	struct arena arena;
	struct lag_state state; /* after the newest row, or before the one undone last */
	int64_t at, batch;      /* of the newest row */
	int64_t since_key;      /* rows since the keyframe, as found at the beginning */
	struct lag_walk_row *rows; /* between the newest and its keyframe, newest first */
	size_t nrows, room, next;
	bool ended;
};

void lag_walk_init(struct lag_walk *walk);
void lag_walk_done(struct lag_walk *walk);
/* The newest state; *there_out false: the series has no row. May be begun again on another. */
bool lag_walk_begin(
	struct lag_walk *walk, sqlite3_stmt *stmt, int64_t series, int64_t n, bool *there_out,
	struct err *err);
/* The row that made the state, to be undone next; *there_out false: there is none. */
bool lag_walk_peek(
	struct lag_walk *walk, struct lag_walk_row *row_out, bool *there_out, struct err *err);
/*
 * Undoes the row that was peeked at: the state is now what was seen until row.at - head.gap_ms.
 */
bool lag_walk_undo(struct lag_walk *walk, struct lag_row_head *head_out, struct err *err);
void lag_walk_end(struct lag_walk *walk); /* gives the statement back */

#endif
