/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "views/common.h"

enum { EMPTY_ROWS = 4, COLUMNS_MAX = 32 };

void list_csv(const struct view *view, struct buf *out)
{
	table_csv(view->state, &view->look, out);
}

void list_filter(struct view *view, struct text filter, bool inverse)
{
	table_set_filter(view->state, filter, inverse, &view->look);
}

struct table *list_table(struct view *view)
{
	return view->state;
}

void list_close(struct view *view)
{
	table_done(view->state);
}

int list_rows(const struct table *table)
{
	size_t shown = table_shown(table);

	return shown ? (int)shown + 1 : 2; /* the sentence of an empty table takes a row */
}

void table_draw_forms(const struct table *table, const struct table_form *forms, size_t n,
	struct canvas *canvas, struct rect rect, const struct look *look, bool focused)
{
	struct column columns[COLUMNS_MAX];
	struct table formed = *table;

	if (table->ncolumns > COLUMNS_MAX) {
		table_draw(table, canvas, rect, look, focused);
		return;
	}
	memcpy(columns, table->columns, table->ncolumns * sizeof(*columns));
	for (size_t i = 0; i < n; i++) {
		struct column *column = &columns[forms[i].column];

		column->min_width = forms[i].width;
		if (!forms[i].format)
			continue;
		column->max_width = forms[i].width;
		column->format = forms[i].format;
	}
	formed.columns = columns;
	table_draw(&formed, canvas, rect, look, focused);
}

void table_draw_form(const struct table *table, const struct table_form *form,
	struct canvas *canvas, struct rect rect, const struct look *look, bool focused)
{
	table_draw_forms(table, form, 1, canvas, rect, look, focused);
}

int list_print_rows(const struct view *view)
{
	const struct table *table = view->state;

	return list_rows(table) + (table_shown(table) ? 0 : EMPTY_ROWS); /* its sentence may wrap */
}

void list_over_pane(const struct view *view, const struct table_form *forms, size_t n,
	const struct sheet *pane, struct canvas *canvas, struct rect rect)
{
	const struct table *table = view->state;
	/* the sentence of an empty list may take a second row */
	bool wraps = !table_shown(table) && table->empty &&
		(int)utf8_width(text_of(table->empty)) >= rect.cols;
	struct split split = split_rows(rect, list_rows(table) + wraps, sheet_height(pane, rect.cols));

	table_draw_forms(table, forms, n, canvas, split.list, &view->look, true);
	(void)pane_draw(pane, canvas, split.pane);
}

static const struct {
	const char *shade, *ascii;
	enum role role;
} shades[PHASES] = {
	{ "\xe2\x96\x91", ".", ROLE_WAITING },
	{ "\xe2\x96\x92", "-", ROLE_WAITING },
	{ "\xe2\x96\x93", "=", ROLE_RUNNING },
	{ "\xe2\x96\x88", "#", ROLE_BAR },
};

/* The phase at a moment, -1 before the first and after the end. */
static int phase_at(const struct phases *phases, int64_t at_ms)
{
	int found = -1;

	if (at_ms >= phases->end_ms)
		return -1;
	for (int i = 0; i < PHASES; i++) {
		if (phases->at_ms[i] != TIME_UNKNOWN && phases->at_ms[i] <= at_ms)
			found = i;
	}
	return found;
}

static int64_t phases_begin(const struct phases *phases)
{
	for (int i = 0; i < PHASES; i++) {
		if (phases->at_ms[i] != TIME_UNKNOWN)
			return phases->at_ms[i];
	}
	return TIME_UNKNOWN;
}

void line_phases(struct line *line, const struct look *look, const struct phases *phases, int cells)
{
	int64_t begin_ms = phases_begin(phases);
	int64_t scale_ms = phases->scale_ms > 0 ? phases->scale_ms : 1;
	int first = -1, last = -1, first_cell;
	struct buf run;

	if (begin_ms == TIME_UNKNOWN || phases->end_ms == TIME_UNKNOWN) {
		line_dash(line, look);
		return;
	}
	first_cell = (int)((begin_ms - phases->scale_from_ms) * cells / scale_ms);
	first_cell = first_cell < 0 ? 0 : first_cell >= cells ? cells - 1 : first_cell;
	for (int i = 0; i < PHASES; i++) {
		if (phases->at_ms[i] == TIME_UNKNOWN)
			continue;
		first = first < 0 ? i : first;
		last = i;
	}
	buf_init(&run, 4 * (size_t)cells);
	for (int cell = 0, kind = -1; cell <= cells; cell++) {
		int64_t at_ms = phases->scale_from_ms + (2 * cell + 1) * scale_ms / (2 * cells);
		int phase = phase_at(phases, at_ms);

		/* However short it was, it was there. */
		if (phase < 0 && cell == first_cell)
			phase = at_ms < phases->end_ms ? first : last;
		if (cell == cells || (cell && phase != kind)) {
			enum role role = kind < 0 ? ROLE_TEXT : shades[kind].role;

			line_add(line, kind >= 0 && kind == last && phases->failed ? ROLE_BAR_BAD : role,
				buf_text(&run));
			buf_reset(&run);
		}
		kind = phase;
		(void)buf_add_str(&run, /* as large as the bar */
			phase < 0 ? " " : look->ascii ? shades[phase].ascii : shades[phase].shade);
	}
	buf_done(&run);
}

struct text phases_text(const struct look *look, const struct phases *phases,
	const char *const names[PHASES])
{
	struct buf out;
	struct text text;

	buf_init(&out, 1024);
	for (int i = 0; i < PHASES; i++) {
		int64_t end_ms = phases->end_ms;
		struct text took;

		if (phases->at_ms[i] == TIME_UNKNOWN)
			continue;
		for (int next = PHASES - 1; next > i; next--) {
			if (phases->at_ms[next] != TIME_UNKNOWN)
				end_ms = phases->at_ms[next];
		}
		took = format_duration(look, span_ms(phases->at_ms[i], end_ms));
		(void)buf_addf(&out, "%s%s %s %.*s", out.len ? " " : "",
			look->ascii ? shades[i].ascii : shades[i].shade, names[i], TEXT_ARG(took));
	}
	text = arena_text(look->arena, buf_text(&out));
	buf_done(&out);
	return text;
}
