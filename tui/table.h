/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_TABLE_H
#define TUI_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/action.h"
#include "tui/line.h"

/*
 * The list widget: columns as data; sort, filter, marks, scroll, selection that survives reloads.
 * Rows belong to the view (its arena); the table keeps an order over them. UI thread.
 */
enum column_flags {
	COLUMN_RIGHT = 1,    /* figures */
	COLUMN_DESCENDING = 2, /* first press of sort: largest first */
	COLUMN_NO_SORT = 4,
	COLUMN_NO_EXPORT = 8, /* strips and sparklines stay out of CSV */
	/*
	 * Names and paths: too long a text loses its head, for the end tells more; where all are short
	 * the column is narrower than its min_width.
	 */
	COLUMN_TAIL = 16,
	COLUMN_HIDDEN = 32 /* not drawn in this form; it filters and exports as ever */
};

struct column {
	const char *name;  /* for :sort, CSV head and filter "name:text" */
	const char *title; /* column head; units here */
	const char *about; /* one sentence for help */
	int min_width, max_width; /* cells; what is left over goes to columns in order of `grow` */
	int grow;          /* share of spare width; 0 = none beyond its content up to max_width */
	int rank;          /* 0 = always shown; higher ones go first when the screen is narrow */
	unsigned flags;
	void (*format)(const void *row, const struct look *look, struct line *line);
	int (*compare)(const void *a, const void *b); /* ascending; NULL: by formatted text */
};

struct table {
	const struct column *columns;
	size_t ncolumns;
	const void *rows;      /* array of row_size */
	size_t nrows, row_size;
	/* Stable name of a row, so that selection and marks survive a reload. */
	struct text (*key)(const void *row);
	bool is_window;        /* rows are some of many more: a place among them tells nothing */
	const char *empty;     /* sentence shown when there is no row at all */
	/* the rest is the table's own */
	struct table_state *state;
};

void table_init(struct table *table);
void table_done(struct table *table);
/* Rows have changed: reorders, refilters, finds the selection again by key. */
void table_set_rows(struct table *table, const void *rows, size_t n, const struct look *look);
/* Filter language: words must all match (case folded); "name:word" looks in one column; a word
 * that begins with "!" must not match. inverse: rows that do not match (/!). */
void table_set_filter(struct table *table, struct text filter, bool inverse,
	const struct look *look);
/* Whether the filter lets it through; a row of the table's kind, not only of its rows. */
bool table_wants(const struct table *table, const void *row);
bool table_sort(struct table *table, struct text column, bool descending, const struct look *look);
const void *table_selected(const struct table *table); /* NULL when empty */
bool table_select_key(struct table *table, struct text key);
/* The same, with so many rows before it above it on screen, as far as there are. */
bool table_show_key(struct table *table, struct text key, size_t above);
size_t table_shown(const struct table *table); /* rows that pass the filter */
const void *table_row(const struct table *table, size_t shown_index);
bool table_is_marked(const struct table *table, const void *row);
size_t table_marked(const struct table *table, const void **rows_out, size_t room);
/*
 * Where the cursor is, for the frame: "3/120"; "3/12 of 4 000" while a filter hides rows. NONE while
 * all rows are in sight.
 */
struct text table_position(const struct table *table, const struct look *look);
/*
 * Handles movement, sort, mark, filter actions; REPLY_IGNORED for the rest. Pages are as large as
 * the table was last drawn; page_rows is for one that never was.
 */
enum reply table_act(struct table *table, enum action action, int page_rows);
void table_draw(const struct table *table, struct canvas *canvas, struct rect rect,
	const struct look *look, bool focused);
/* What of the table, as it was drawn last, is at a place on the screen. */
enum table_hit_kind { TABLE_HIT_NONE, TABLE_HIT_HEAD, TABLE_HIT_ROW };
struct table_hit {
	enum table_hit_kind kind;
	size_t index; /* HEAD: a column that sorts; ROW: shown index */
};
struct table_hit table_hit(const struct table *table, int row, int col);
/* Sorts by a column; the column it is sorted by already is turned round. */
void table_sort_by(struct table *table, size_t column, const struct look *look);
size_t table_place(const struct table *table); /* shown index of the selected row */
/*
 * All rows that pass the filter, in order: RFC 4180 with a head line; raw numbers, not "1.2 GB". A
 * cell that a spreadsheet would take for a formula begins with a quote (').
 */
void table_csv(const struct table *table, const struct look *look, struct buf *out);

#endif
