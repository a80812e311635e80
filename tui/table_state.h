/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_TABLE_STATE_H
#define TUI_TABLE_STATE_H

#include "base/arena.h"
#include "base/buf.h"
#include "tui/filter.h"
#include "tui/table.h"

/* What the table widget's own files share; nobody else includes it. */
enum { TABLE_COLUMNS_MAX = 32, TABLE_FILTER_MAX = 512, TABLE_KEY_MAX = 1024 };

struct table_state {
	size_t *order; /* shown position -> index into rows */
	size_t shown, room;
	size_t selected; /* shown position; 0 when nothing is shown */
	size_t top;      /* shown position of the first row on screen, as far as known */
	size_t page;     /* rows of the last drawing; 0 = never drawn */
	struct rect drawn; /* where that was, head included */
	int place[TABLE_COLUMNS_MAX], width[TABLE_COLUMNS_MAX]; /* of its columns; width 0 = not shown */
	struct buf key;  /* of the selected row */
	bool has_key;
	int sort; /* column; -1 = the order the view gave */
	bool descending;
	struct buf filter_text;
	struct filter filter; /* borrows from filter_text */
	bool inverse;
	char **marks; /* keys, owned */
	size_t nmarks;
	int content[TABLE_COLUMNS_MAX]; /* cells the widest text of each column takes */
	struct look look;               /* of the last rows, with the arena below */
	struct arena scratch;
};

const void *table_at(const struct table *table, size_t index); /* index into rows */
size_t table_ncolumns(const struct table *table);              /* at most TABLE_COLUMNS_MAX */

#endif
