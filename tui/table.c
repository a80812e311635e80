/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tui/table_state.h"

/* Widths of columns come from this many rows and those on screen: loads stay quick. */
enum { MEASURED_ROWS = 500 };

void table_init(struct table *table)
{
	struct table_state *state = NEW(struct table_state);

	state->sort = -1;
	buf_init(&state->key, TABLE_KEY_MAX);
	buf_init(&state->filter_text, TABLE_FILTER_MAX);
	table->state = state;
}

void table_done(struct table *table)
{
	struct table_state *state = table->state;

	if (!state)
		return;
	for (size_t i = 0; i < state->nmarks; i++)
		free(state->marks[i]);
	free(state->marks);
	free(state->order);
	buf_done(&state->key);
	buf_done(&state->filter_text);
	arena_free(&state->scratch);
	FREE(&table->state);
}

const void *table_at(const struct table *table, size_t index)
{
	return (const char *)table->rows + index * table->row_size;
}

size_t table_ncolumns(const struct table *table)
{
	return table->ncolumns < TABLE_COLUMNS_MAX ? table->ncolumns : TABLE_COLUMNS_MAX;
}

static struct text cell_text(struct table_state *state, const struct column *column,
	const void *row)
{
	struct line line;

	line_init(&line, &state->scratch);
	column->format(row, &state->look, &line);
	return line_text(&line);
}

static void measure(struct table *table)
{
	struct table_state *state = table->state;
	size_t n = table->nrows < MEASURED_ROWS ? table->nrows : MEASURED_ROWS;

	memset(state->content, 0, sizeof state->content);
	for (size_t i = 0; i < n; i++) {
		arena_reset(&state->scratch);
		for (size_t c = 0; c < table_ncolumns(table); c++) {
			struct line line;
			int width;

			line_init(&line, &state->scratch);
			table->columns[c].format(table_at(table, i), &state->look, &line);
			width = (int)line_width(&line);
			if (width > state->content[c])
				state->content[c] = width;
		}
	}
	arena_reset(&state->scratch);
}

bool table_wants(const struct table *table, const void *row)
{
	struct table_state *state = table->state;
	struct text cells[TABLE_COLUMNS_MAX];
	size_t n = table_ncolumns(table);
	bool matches;

	if (state->filter.n == 0)
		return true;
	arena_reset(&state->scratch);
	for (size_t i = 0; i < n; i++)
		cells[i] = cell_text(state, &table->columns[i], row);
	matches = filter_matches(&state->filter, cells, n);
	return matches != state->inverse;
}

struct sorting {
	const struct table *table;
	const struct column *column;
	const struct text *texts; /* by index into rows; NULL where the column compares rows */
	bool descending;
};

static int compare_rows(const void *left, const void *right, void *context)
{
	const struct sorting *sorting = context;
	size_t a = *(const size_t *)left;
	size_t b = *(const size_t *)right;
	int order;

	if (sorting->texts)
		order = text_cmp(sorting->texts[a], sorting->texts[b]);
	else
		order = sorting->column->compare(table_at(sorting->table, a),
			table_at(sorting->table, b));
	if (order != 0)
		return (order < 0) == sorting->descending ? 1 : -1;
	return (a > b) - (a < b);
}

static void sort_order(struct table *table)
{
	struct table_state *state = table->state;
	struct sorting sorting = { .table = table, .descending = state->descending };

	if (state->sort < 0) {
		for (size_t i = 0; state->descending && i < state->shown / 2; i++) {
			size_t other = state->shown - 1 - i;
			size_t kept = state->order[i];

			state->order[i] = state->order[other];
			state->order[other] = kept;
		}
		return;
	}
	sorting.column = &table->columns[state->sort];
	if (!sorting.column->compare) {
		struct text *texts;

		arena_reset(&state->scratch);
		texts = ARENA_ARRAY(&state->scratch, struct text, table->nrows + 1);
		for (size_t i = 0; i < state->shown; i++)
			texts[state->order[i]] = cell_text(state, sorting.column,
				table_at(table, state->order[i]));
		sorting.texts = texts;
	}
	if (state->shown > 1)
		qsort_r(state->order, state->shown, sizeof *state->order, compare_rows, &sorting);
	arena_reset(&state->scratch);
}

/* Keeps the key of the row under the cursor, so that it can be found after a reload. */
static void remember(struct table *table)
{
	struct table_state *state = table->state;
	const void *row = table_selected(table);

	buf_reset(&state->key);
	state->has_key = row && table->key;
	if (state->has_key)
		(void)buf_add(&state->key, table->key(row)); /* cut: compared cut as well */
}

static bool select_key(struct table *table, struct text key)
{
	struct table_state *state = table->state;

	key = text_sub(key, 0, TABLE_KEY_MAX);
	for (size_t i = 0; table->key && i < state->shown; i++) {
		if (text_eq(text_sub(table->key(table_row(table, i)), 0, TABLE_KEY_MAX), key)) {
			state->selected = i;
			return true;
		}
	}
	return false;
}

/* Builds the order anew: filter, sort, and the cursor back on its row or where that row was. */
static void rebuild(struct table *table)
{
	struct table_state *state = table->state;
	size_t place = state->selected - (state->top < state->selected ? state->top : state->selected);

	if (table->nrows > state->room) {
		state->order = mem_resize(state->order, table->nrows, sizeof *state->order);
		state->room = table->nrows;
	}
	state->shown = 0;
	for (size_t i = 0; i < table->nrows; i++) {
		if (table_wants(table, table_at(table, i)))
			state->order[state->shown++] = i;
	}
	sort_order(table);
	if (!state->has_key || !select_key(table, buf_text(&state->key))) {
		if (state->selected >= state->shown)
			state->selected = state->shown ? state->shown - 1 : 0;
	}
	/* The row under the cursor stays where the eye has it. */
	state->top = state->selected > place ? state->selected - place : 0;
	remember(table);
}

static void keep_look(struct table_state *state, const struct look *look)
{
	state->look = *look;
	state->look.arena = &state->scratch;
}

void table_set_rows(struct table *table, const void *rows, size_t n, const struct look *look)
{
	keep_look(table->state, look);
	table->rows = rows;
	table->nrows = rows ? n : 0;
	measure(table);
	rebuild(table);
}

void table_set_filter(struct table *table, struct text filter, bool inverse,
	const struct look *look)
{
	struct table_state *state = table->state;
	const char *names[TABLE_COLUMNS_MAX];
	size_t n = table_ncolumns(table);

	keep_look(state, look);
	for (size_t i = 0; i < n; i++)
		names[i] = table->columns[i].name;
	buf_reset(&state->filter_text);
	(void)buf_add(&state->filter_text, filter); /* cut: the prompt holds no more either */
	state->inverse = inverse;
	filter_parse(&state->filter, buf_text(&state->filter_text), names, n);
	rebuild(table);
}

bool table_sort(struct table *table, struct text column, bool descending, const struct look *look)
{
	for (size_t i = 0; i < table_ncolumns(table); i++) {
		if (!text_is(column, table->columns[i].name) ||
			(table->columns[i].flags & COLUMN_NO_SORT))
			continue;
		keep_look(table->state, look);
		table->state->sort = (int)i;
		table->state->descending = descending;
		rebuild(table);
		return true;
	}
	return false;
}

void table_sort_by(struct table *table, size_t column, const struct look *look)
{
	struct table_state *state = table->state;

	if (column >= table_ncolumns(table) || (table->columns[column].flags & COLUMN_NO_SORT))
		return;
	keep_look(state, look);
	state->descending = state->sort == (int)column
		? !state->descending
		: (table->columns[column].flags & COLUMN_DESCENDING) != 0;
	state->sort = (int)column;
	rebuild(table);
}

size_t table_place(const struct table *table)
{
	return table->state->selected;
}

const void *table_selected(const struct table *table)
{
	return table_row(table, table->state->selected);
}

bool table_select_key(struct table *table, struct text key)
{
	if (!select_key(table, key))
		return false;
	remember(table);
	return true;
}

bool table_show_key(struct table *table, struct text key, size_t above)
{
	struct table_state *state = table->state;

	if (!table_select_key(table, key))
		return false;
	state->top = state->selected > above ? state->selected - above : 0;
	return true;
}

size_t table_shown(const struct table *table)
{
	return table->state->shown;
}

const void *table_row(const struct table *table, size_t shown_index)
{
	if (shown_index >= table->state->shown)
		return NULL;
	return table_at(table, table->state->order[shown_index]);
}

static size_t find_mark(const struct table *table, const void *row)
{
	const struct table_state *state = table->state;
	struct text key;

	if (!table->key || state->nmarks == 0)
		return state->nmarks;
	key = table->key(row);
	for (size_t i = 0; i < state->nmarks; i++) {
		if (text_is(key, state->marks[i]))
			return i;
	}
	return state->nmarks;
}

bool table_is_marked(const struct table *table, const void *row)
{
	return find_mark(table, row) < table->state->nmarks;
}

size_t table_marked(const struct table *table, const void **rows_out, size_t room)
{
	size_t n = 0;

	for (size_t i = 0; i < table->nrows; i++) {
		const void *row = table_at(table, i);

		if (!table_is_marked(table, row))
			continue;
		if (n < room)
			rows_out[n] = row;
		n++;
	}
	return n;
}

static void toggle_mark(struct table *table, const void *row)
{
	struct table_state *state = table->state;
	size_t at = find_mark(table, row);
	struct buf key;

	if (!table->key)
		return;
	if (at < state->nmarks) {
		free(state->marks[at]);
		state->marks[at] = state->marks[--state->nmarks];
		return;
	}
	buf_init(&key, TABLE_KEY_MAX);
	(void)buf_add(&key, table->key(row)); /* a longer key cannot be marked; none is */
	state->marks = mem_resize(state->marks, state->nmarks + 1, sizeof *state->marks);
	state->marks[state->nmarks++] = buf_take(&key);
}

/* Moves the cursor by whole rows, stops at the ends, and drags the top along. */
static void move(struct table *table, int64_t by, size_t page)
{
	struct table_state *state = table->state;
	int64_t last = (int64_t)state->shown - 1;
	int64_t to = (int64_t)state->selected + by;

	if (last < 0)
		return;
	state->selected = (size_t)(to < 0 ? 0 : to > last ? last : to);
	if (state->selected < state->top)
		state->top = state->selected;
	if (state->selected >= state->top + page)
		state->top = state->selected - page + 1;
	remember(table);
}

/* The next match while rows that do not match are hidden: the next row, and round the end. */
static void next_match(struct table *table, int64_t step, size_t page)
{
	struct table_state *state = table->state;
	int64_t n = (int64_t)state->shown;
	int64_t from = (int64_t)state->selected;

	if (n > 0)
		move(table, (from + step + n) % n - from, page);
}

static bool is_sortable(const struct column *column)
{
	return !(column->flags & COLUMN_NO_SORT);
}

static void sort_next(struct table *table)
{
	struct table_state *state = table->state;
	int n = (int)table_ncolumns(table);
	int next = state->sort + 1;

	while (next < n && !is_sortable(&table->columns[next]))
		next++;
	state->sort = next < n ? next : -1;
	state->descending =
		state->sort >= 0 && (table->columns[state->sort].flags & COLUMN_DESCENDING) != 0;
	rebuild(table);
}

static enum reply act_on_rows(struct table *table, enum action action, size_t page)
{
	struct table_state *state = table->state;
	const void *row = table_selected(table);

	if (action == ACT_SORT) {
		sort_next(table);
	} else if (action == ACT_SORT_REVERSE) {
		state->descending = !state->descending;
		rebuild(table);
	} else if (action == ACT_MARK && row) {
		toggle_mark(table, row);
		move(table, 1, page);
	} else if (action == ACT_NEXT_MATCH && state->filter.n > 0) {
		next_match(table, 1, page);
	} else if (action == ACT_PREV_MATCH && state->filter.n > 0) {
		next_match(table, -1, page);
	} else {
		return REPLY_IGNORED;
	}
	return REPLY_DONE;
}

enum reply table_act(struct table *table, enum action action, int page_rows)
{
	size_t page = table->state->page ? table->state->page : page_rows > 0 ? (size_t)page_rows : 1;
	/* A page keeps one row of the page before, so that the eye finds its place. */
	int64_t step = page > 1 ? (int64_t)page - 1 : 1;
	int64_t half = page > 1 ? (int64_t)page / 2 : 1;

	if (action == ACT_UP)
		move(table, -1, page);
	else if (action == ACT_DOWN)
		move(table, 1, page);
	else if (action == ACT_PAGE_UP)
		move(table, -step, page);
	else if (action == ACT_PAGE_DOWN)
		move(table, step, page);
	else if (action == ACT_HALF_UP)
		move(table, -half, page);
	else if (action == ACT_HALF_DOWN)
		move(table, half, page);
	else if (action == ACT_FIRST)
		move(table, -(int64_t)table->state->shown, page);
	else if (action == ACT_LAST)
		move(table, (int64_t)table->state->shown, page);
	else
		return act_on_rows(table, action, page);
	return REPLY_DONE;
}

struct text table_position(const struct table *table, const struct look *look)
{
	const struct table_state *state = table->state;
	struct text at = format_count(look, state->shown ? (int64_t)state->selected + 1 : 0);
	struct text shown = format_count(look, (int64_t)state->shown);
	struct text all = format_count(look, (int64_t)table->nrows);

	if (table->is_window || (state->shown == table->nrows && state->page >= state->shown))
		return TEXT_NONE;
	if (state->shown == table->nrows)
		return text_of(arena_printf(look->arena, "%.*s/%.*s", TEXT_ARG(at), TEXT_ARG(shown)));
	return text_of(arena_printf(look->arena, "%.*s/%.*s of %.*s", TEXT_ARG(at), TEXT_ARG(shown),
		TEXT_ARG(all)));
}
