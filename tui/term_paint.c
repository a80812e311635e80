/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "tui/term_state.h"

/* From cells with roles to what curses shows, and from frame to frame no more than has changed. */

/* ---- colors ---- */

static attr_t attrs_of(unsigned attrs)
{
	attr_t out = A_NORMAL;

	if (attrs & ATTR_BOLD)
		out |= A_BOLD;
	if (attrs & ATTR_DIM)
		out |= A_DIM;
	if (attrs & ATTR_ITALIC)
		out |= A_ITALIC;
	if (attrs & ATTR_UNDERLINE)
		out |= A_UNDERLINE;
	if (attrs & ATTR_REVERSE)
		out |= A_REVERSE;
	return out;
}

/* The number curses knows it by; -1 = the terminal's own. */
static int color_number(struct color color)
{
	switch (term.depth) {
	case DEPTH_TRUE:
		return color.rgb;
	case DEPTH_256:
		return color.c256;
	case DEPTH_16:
		return term.has_eight && color.c16 >= 8 ? color.c16 - 8 : color.c16;
	case DEPTH_MONO:
		break;
	}
	return -1;
}

/* The pair of those colors; roles that look the same share one, so that nothing is switched between. */
static int pair_of(int fg, int bg)
{
	for (int i = 0; i < term.npairs; i++) {
		if (term.pair_colors[i][0] == fg && term.pair_colors[i][1] == bg)
			return i + 1;
	}
	if (term.npairs + 1 >= COLOR_PAIRS || init_extended_pair(term.npairs + 1, fg, bg) != OK)
		return 0;
	term.pair_colors[term.npairs][0] = fg;
	term.pair_colors[term.npairs][1] = bg;
	return ++term.npairs;
}

static void role_prepare(const struct theme *theme, enum role role, bool selected)
{
	struct style style = theme_style(theme, role, selected, term.depth);
	int fg = color_number(style.fg), bg = color_number(style.bg), pair = 0;

	term.attrs[selected][role] = attrs_of(style.attrs);
	term.grounds[selected][role] =
		style.attrs & (ATTR_REVERSE | ATTR_UNDERLINE) ? GROUND_SHOWS : bg;
	if (term.depth == DEPTH_16 && term.has_eight && style.fg.c16 >= 8)
		term.attrs[selected][role] |= A_BOLD;
	if (term.depth != DEPTH_MONO)
		pair = pair_of(fg, bg);
	term.pairs[selected][role] = pair;
}

void term_set_theme(const struct theme *theme)
{
	term.npairs = 0;
	for (int role = 0; role < ROLE_COUNT; role++) {
		role_prepare(theme, (enum role)role, false);
		role_prepare(theme, (enum role)role, true);
	}
	term_forget();
	if (term.is_entered)
		clearok(curscr, TRUE);
}

/* ---- painting ---- */

enum { GAP_MOST = 4 };

/*
 * One cell's characters for curses. A character whose width the C library sees differently than
 * base/utf8 would shift the rest of the row, so it is replaced; so is what the locale lacks.
 */
static void cell_chars(const struct cell *cell, int cells, wchar_t out[CCHARW_MAX + 1])
{
	struct text text = { cell->bytes, cell->len };
	size_t n = 0, at = 0;
	while (at < text.len && n < CCHARW_MAX) {
		uint32_t code = utf8_next(text, at, &at);
		out[n++] = (wchar_t)code;
	}
	out[n] = 0;
	if (n == 0 || out[0] < 0x20)
		out[0] = ' ', out[1] = 0;
	else if (!term.utf8 && out[0] > 0x7e)
		out[0] = '?', out[1] = 0;
	else if (term.utf8 && out[0] > 0x7e && wcwidth(out[0]) != cells)
		out[0] = 0xfffd, out[1] = 0;
	if (!term.utf8)
		out[1] = 0;
}

static void cell_set(cchar_t *out, const wchar_t *chars, const struct cell *cell, bool running)
{
	enum role role = cell->role < ROLE_COUNT ? (enum role)cell->role : ROLE_TEXT;
	bool selected = cell->selected && !(running && cell->lazy);
	int pair = term.pairs[selected][role];
	setcchar(out, chars, term.attrs[selected][role], (short)pair, &pair);
}

static bool is_blank(const struct cell *cell)
{
	return cell->len == 1 && cell->bytes[0] == ' ';
}

static int ground_of(const struct cell *cell, bool running)
{
	return term.grounds[cell->selected && !(running && cell->lazy)][cell->role];
}

/*
 * The cell whose look a gap of blanks takes that begins at col, NULL = its own: between two words of
 * one look, whatever role the gap has, it is the words', so that nothing is switched on the way.
 */
static const struct cell *gap_look(const struct cell *cells, int col, int cols, bool running)
{
	const struct cell *before = col > 0 ? &cells[col - 1] : NULL;
	int next = col;

	if (!before || before->len == 0 || ground_of(before, running) == GROUND_SHOWS)
		return NULL;
	for (; next < cols && is_blank(&cells[next]); next++) {
		if (next - col == GAP_MOST || ground_of(&cells[next], running) != ground_of(before, running))
			return NULL;
	}
	return next < cols && cells[next].role == before->role ? before : NULL;
}

static int row_build(const struct cell *cells, int cols, bool running)
{
	const struct cell *look = NULL;
	int n = 0;

	for (int col = 0; col < cols; col++) {
		wchar_t chars[CCHARW_MAX + 1];
		bool wide = col + 1 < cols && cells[col].len > 0 && cells[col + 1].len == 0;

		if (is_blank(&cells[col])) {
			if (col == 0 || !is_blank(&cells[col - 1]))
				look = gap_look(cells, col, cols, running);
			cell_set(&term.row[n++], L" ", look ? look : &cells[col], running);
			continue;
		}
		if (cells[col].len == 0) {
			cell_set(&term.row[n++], L" ", &cells[col], running);
			continue;
		}
		cell_chars(&cells[col], wide ? 2 : 1, chars);
		cell_set(&term.row[n++], chars, &cells[col], running);
		if (!wide)
			continue;
		/* curses counts the two cells itself, unless the character was replaced. */
		if (!term.utf8 || wcwidth(chars[0]) != 2)
			cell_set(&term.row[n++], L" ", &cells[col], running);
		col++;
	}
	return n;
}

void term_forget(void)
{
	term.rows = 0;
	term.cols = 0;
}

void term_paint_done(void)
{
	term_forget();
	FREE(&term.row);
	FREE(&term.cells);
}

static void make_room(const struct canvas *canvas)
{
	if (canvas->rows == term.rows && canvas->cols == term.cols)
		return;
	term.rows = canvas->rows;
	term.cols = canvas->cols;
	term.row = mem_resize(term.row, (size_t)canvas->cols + 1, sizeof *term.row);
	term.cells = mem_resize(term.cells, (size_t)canvas->rows * (size_t)canvas->cols,
		sizeof *term.cells);
	memset(term.cells, 0, (size_t)canvas->rows * (size_t)canvas->cols * sizeof *term.cells);
	memset(term.is_whole, 0, sizeof term.is_whole);
}

/* Gives curses the row unless it has it. True when it may differ. */
static bool paint_row(int row, const struct cell *cells, int cols, bool running)
{
	struct cell *last = term.cells + (size_t)row * (size_t)term.cols;
	size_t size = (size_t)term.cols * sizeof *cells;
	int n;

	if (term.is_whole[row] && memcmp(last, cells, size) == 0)
		return false;
	/* A row of a detail pane that was one before, too, may lag. */
	if (running && cells[0].lazy && last[0].lazy) {
		term.is_whole[row] = false;
		return false;
	}
	memcpy(last, cells, size);
	term.is_whole[row] = true;
	for (int col = 0; running && col < cols; col++)
		term.is_whole[row] = term.is_whole[row] && !(cells[col].lazy && cells[col].selected);
	n = row_build(cells, cols, running);
	mvadd_wchnstr(row, 0, term.row, n);
	return true;
}

void term_paint(const struct canvas *canvas, bool running)
{
	int rows = canvas->rows < LINES ? canvas->rows : LINES;
	int cols = canvas->cols < COLS ? canvas->cols : COLS;
	int changed = 0;
	bool at_once;

	make_room(canvas);
	for (int row = 0; row < rows; row++)
		changed += paint_row(row, canvas->cells + (size_t)row * (size_t)canvas->cols, cols,
			running);
	if (canvas->cursor_row >= 0 && canvas->cursor_row < rows && canvas->cursor_col < cols) {
		curs_set(1);
		move(canvas->cursor_row, canvas->cursor_col);
	} else {
		curs_set(0);
	}
	wnoutrefresh(stdscr);
	/* One row cannot be seen half done; nor can what runs by, and there bytes count. */
	at_once = term.has_sync && changed > 1 && !running;
	if (at_once)
		term_write("\033[?2026h", 8);
	doupdate();
	if (at_once)
		term_write("\033[?2026l", 8);
}
