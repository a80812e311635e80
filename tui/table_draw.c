/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "tui/table.h"
#include "tui/table_state.h"

/*
 * gutter: cells before the first column, for the cursor and marks. Gaps between columns are wide
 * where there is room, because the eye follows rows better, and narrow where there is not.
 */
enum { GUTTER = 1, GAP_MIN = 1, GAP_MAX = 3 };

struct layout {
	int width[TABLE_COLUMNS_MAX]; /* 0 = not shown */
	size_t n;
	int gap;
};

/* What is known of a column's needs before anything is shared out, in cells. */
struct need {
	int least;   /* below this it goes */
	int natural; /* content within min and max */
	int content; /* all of the content */
};

/*
 * The first row on screen: the table's own idea of it, moved so that the cursor is seen. What came
 * out is kept, so that the next move pages and scrolls by what the eye has before it.
 */
static size_t first_row(const struct table *table, size_t rows)
{
	struct table_state *state = table->state;
	size_t top = state->top;

	if (top + rows > state->shown)
		top = state->shown > rows ? state->shown - rows : 0;
	if (state->selected < top)
		top = state->selected;
	if (rows > 0 && state->selected >= top + rows)
		top = state->selected - rows + 1;
	state->top = top;
	state->page = rows;
	return top;
}

static int larger(int a, int b)
{
	return a > b ? a : b;
}

static int smaller(int a, int b)
{
	return a < b ? a : b;
}

static struct need need_of(const struct table *table, size_t c)
{
	const struct column *column = &table->columns[c];
	int title = (int)utf8_width(text_of(column->title)) +
		(table->state->sort == (int)c); /* the arrow */
	struct need need;

	need.content = larger(table->state->content[c], title);
	/* What changes from load to load keeps its place; names do not change, and some are short. */
	if (!(column->flags & COLUMN_TAIL) || table->nrows == 0)
		need.content = larger(need.content, column->min_width);
	need.natural = need.content;
	if (column->max_width > 0)
		need.natural = smaller(need.content, larger(column->max_width, column->min_width));
	/* A cut figure is a wrong figure: figures do not shrink, they go. */
	need.least = need.natural;
	if (!(column->flags & COLUMN_RIGHT))
		need.least = smaller(need.natural, larger(column->min_width, 1));
	return need;
}

static int total(const struct layout *layout, int gap)
{
	int sum = 0;

	for (size_t i = 0; i < layout->n; i++) {
		if (layout->width[i] > 0)
			sum += layout->width[i] + (sum > 0 ? gap : 0);
	}
	return sum;
}

/* Takes away the columns of highest rank until the least widths of the rest fit. */
static void drop_columns(const struct table *table, struct layout *layout, int room)
{
	while (total(layout, GAP_MIN) > room) {
		int rank = 0;
		size_t goes = 0;

		for (size_t i = 0; i < layout->n; i++) {
			if (layout->width[i] > 0 && table->columns[i].rank >= rank) {
				rank = table->columns[i].rank;
				goes = i;
			}
		}
		if (rank == 0)
			return;
		layout->width[goes] = 0;
	}
}

/* Gives cells, one at a time, to the narrowest column that is under its natural width. */
static int widen(struct layout *layout, const struct need *needs, int spare)
{
	while (spare > 0) {
		size_t next = layout->n;

		for (size_t i = 0; i < layout->n; i++) {
			if (layout->width[i] == 0 || layout->width[i] >= needs[i].natural)
				continue;
			if (next == layout->n || layout->width[i] < layout->width[next])
				next = i;
		}
		if (next == layout->n)
			return spare;
		layout->width[next]++;
		spare--;
	}
	return 0;
}

/* Shares spare cells among columns with `grow`, by its size, up to all of their content. */
static int grow(const struct table *table, struct layout *layout, const struct need *needs,
	int spare)
{
	bool gave = true;

	while (spare > 0 && gave) {
		gave = false;
		for (size_t i = 0; i < layout->n && spare > 0; i++) {
			int more = smaller(table->columns[i].grow, needs[i].content - layout->width[i]);

			if (layout->width[i] == 0 || more <= 0)
				continue;
			more = smaller(more, spare);
			layout->width[i] += more;
			spare -= more;
			gave = true;
		}
	}
	return spare;
}

static struct layout lay_out(const struct table *table, int cols)
{
	struct layout layout = { .n = table_ncolumns(table), .gap = GAP_MIN };
	struct need needs[TABLE_COLUMNS_MAX];
	int room = cols - GUTTER;
	int spare;

	for (size_t i = 0; i < layout.n; i++) {
		needs[i] = need_of(table, i);
		layout.width[i] = table->columns[i].flags & COLUMN_HIDDEN ? 0 : needs[i].least;
	}
	drop_columns(table, &layout, room);
	spare = widen(&layout, needs, room - total(&layout, GAP_MIN));
	spare = grow(table, &layout, needs, spare);
	while (layout.gap < GAP_MAX && spare > 0 && total(&layout, layout.gap + 1) <= room)
		layout.gap++;
	return layout;
}

/* Widens a stretch to whole clusters: a mark must not be parted from its base. */
static void whole_clusters(struct text text, size_t *begin, size_t *end)
{
	size_t from = *begin;
	size_t to = *end;
	size_t at = 0;

	while (at < text.len && at < to) {
		int cells;
		size_t next = utf8_cluster(text, at, &cells);

		if (at <= from && from < next)
			*begin = at;
		if (at < to && to <= next)
			*end = next;
		at = next;
	}
}

/* A line again, with what the filter looks for in it as spans of their own. */
static void highlight(const struct table *table, size_t column, const struct line *line,
	struct line *out)
{
	line_init(out, line->arena);
	for (size_t i = 0; i < line->n; i++) {
		struct text text = line->spans[i].text;
		size_t at = 0;
		size_t begin;
		size_t end;

		while (filter_find(&table->state->filter, (int)column, text, at, &begin, &end) &&
			out->n + 3 < LINE_SPANS_MAX) {
			whole_clusters(text, &begin, &end);
			line_add(out, line->spans[i].role, text_sub(text, at, begin - at));
			line_add(out, ROLE_MATCH, text_sub(text, begin, end - begin));
			at = end;
		}
		line_add(out, line->spans[i].role, text_sub(text, at, text.len));
	}
}

/* The gutter and the first column: where the cursor is to be seen even while it runs. */
static int head_width(const struct layout *layout)
{
	for (size_t i = 0; i < layout->n; i++) {
		if (layout->width[i] > 0)
			return GUTTER + layout->width[i];
	}
	return GUTTER;
}

static void draw_head(const struct table *table, struct canvas *canvas, struct rect rect,
	const struct look *look, const struct layout *layout)
{
	const struct table_state *state = table->state;
	int col = rect.col + GUTTER;
	int edge = rect.col + rect.cols;

	canvas_fill(canvas, (struct rect){ rect.row, rect.col, 1, rect.cols }, ROLE_HEADING);
	for (size_t i = 0; i < layout->n && col < edge; i++) {
		const struct column *column = &table->columns[i];
		struct text arrow = TEXT("");
		char *title;
		int width = smaller(layout->width[i], edge - col);

		if (width <= 0)
			continue;
		if (state->sort == (int)i)
			arrow = glyph_text(look, state->descending ? GLYPH_DOWN : GLYPH_UP);
		title = arena_printf(look->arena, "%s%.*s", column->title, TEXT_ARG(arrow));
		if (column->flags & COLUMN_RIGHT)
			canvas_put_right(canvas, rect.row, col, width, ROLE_HEADING, text_of(title));
		else
			(void)canvas_put(canvas, rect.row, col, width, ROLE_HEADING, text_of(title));
		col += width + layout->gap;
	}
}

/* For whoever points at it. */
static void keep_places(const struct table *table, struct rect rect, const struct layout *layout)
{
	struct table_state *state = table->state;
	int col = rect.col + GUTTER;

	state->drawn = rect;
	for (size_t i = 0; i < layout->n; i++) {
		state->place[i] = col;
		state->width[i] = layout->width[i];
		if (layout->width[i] > 0)
			col += layout->width[i] + layout->gap;
	}
}

struct table_hit table_hit(const struct table *table, int row, int col)
{
	const struct table_state *state = table->state;
	struct table_hit hit = { .kind = TABLE_HIT_NONE };
	struct rect rect = state->drawn;
	size_t shown = state->top;

	if (row < rect.row || row >= rect.row + rect.rows || col < rect.col ||
		col >= rect.col + rect.cols)
		return hit;
	if (rect.rows > 1 && row == rect.row) {
		for (size_t i = 0; i < table_ncolumns(table); i++) {
			if (state->width[i] == 0 || col < state->place[i] ||
				(table->columns[i].flags & COLUMN_NO_SORT))
				continue;
			hit.kind = col < state->place[i] + state->width[i] ? TABLE_HIT_HEAD : hit.kind;
			hit.index = col < state->place[i] + state->width[i] ? i : hit.index;
		}
		return hit;
	}
	shown += (size_t)(row - rect.row - (rect.rows > 1));
	if (shown >= state->shown)
		return hit;
	return (struct table_hit){ TABLE_HIT_ROW, shown };
}

static void draw_row(const struct table *table, size_t shown, struct canvas *canvas,
	struct rect rect, const struct look *look, const struct layout *layout, bool focused)
{
	const void *row = table_row(table, shown);
	bool marked = table_is_marked(table, row);
	bool current = focused && shown == table->state->selected;
	int col = rect.col + GUTTER;
	int edge = rect.col + rect.cols;

	canvas_fill(canvas, rect, ROLE_TEXT);
	if (marked)
		(void)canvas_put(canvas, rect.row, rect.col, smaller(GUTTER, rect.cols), ROLE_MARKED,
			glyph_text(look, GLYPH_MARK));
	else if (current)
		(void)canvas_put(canvas, rect.row, rect.col, smaller(GUTTER, rect.cols), ROLE_SELECTED,
			glyph_text(look, GLYPH_CURSOR));
	for (size_t i = 0; i < layout->n && col < edge; i++) {
		int width = smaller(layout->width[i], edge - col);
		struct line line;
		struct line lit;

		if (width <= 0)
			continue;
		line_init(&line, look->arena);
		table->columns[i].format(row, look, &line);
		if (table->state->filter.n > 0 && !table->state->inverse)
			highlight(table, i, &line, &lit);
		else
			lit = line;
		if (table->columns[i].flags & COLUMN_TAIL)
			line_keep_tail(&lit, width, look->ascii);
		(void)canvas_line(canvas, rect.row, col, width, &lit,
			(table->columns[i].flags & COLUMN_RIGHT) != 0);
		col += width + layout->gap;
	}
}

static void draw_empty(const struct table *table, struct canvas *canvas, struct rect rect,
	const struct look *look)
{
	const char *sentence = table->empty ? table->empty : "Nothing here yet.";

	if (table->nrows > 0) {
		struct text all = format_count(look, (int64_t)table->nrows);

		sentence = arena_printf(look->arena,
			table->state->inverse ? "All %.*s rows match \"%s\" and are hidden by the filter."
					      : "None of %.*s rows matches \"%s\".",
			TEXT_ARG(all), table->state->filter_text.bytes);
	}
	if (rect.cols > GUTTER + 1) {
		rect.col += GUTTER;
		rect.cols -= GUTTER;
	}
	canvas_sentence(canvas, rect, ROLE_DIM, text_of(sentence));
}

void table_draw(const struct table *table, struct canvas *canvas, struct rect rect,
	const struct look *look, bool focused)
{
	struct layout layout;
	size_t top;

	if (rect.rows <= 0 || rect.cols <= 0)
		return;
	canvas_fill(canvas, rect, ROLE_TEXT);
	layout = lay_out(table, rect.cols);
	keep_places(table, rect, &layout);
	/* With one row there is only place for what the cursor is on. */
	if (rect.rows > 1) {
		draw_head(table, canvas, rect, look, &layout);
		rect.row++;
		rect.rows--;
	}
	if (table->state->shown == 0) {
		draw_empty(table, canvas, rect, look);
		return;
	}
	top = first_row(table, (size_t)rect.rows);
	for (int i = 0; i < rect.rows && top + (size_t)i < table->state->shown; i++) {
		struct rect row = { rect.row + i, rect.col, 1, rect.cols };

		draw_row(table, top + (size_t)i, canvas, row, look, &layout, focused);
		if (top + (size_t)i != table->state->selected || !focused)
			continue;
		canvas_select(canvas, row);
		row.col += head_width(&layout);
		row.cols -= head_width(&layout);
		canvas_lazy(canvas, row);
		canvas_cursor(canvas, row.row, rect.col);
	}
}
