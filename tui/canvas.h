/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_CANVAS_H
#define TUI_CANVAS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/text.h"

/*
 * A grid of cells with roles: the only thing views draw on, the only way text reaches a screen,
 * --print output or a golden file. Text is cleaned, measured, clipped by cells on cluster borders
 * and padded here. A wide character is never split. Coordinates outside are clipped, so a view may
 * draw at any size from 1x1. UI thread.
 */
enum role {
#define X(id, name, about) ROLE_##id,
#include "tui/roles.def"
#undef X
	ROLE_COUNT
};

const char *role_name(enum role role); /* as in theme files and dumps */

enum { CELL_BYTES = 15, CANVAS_MAX_ROWS = 500, CANVAS_MAX_COLS = 1000 };

struct cell {
	char bytes[CELL_BYTES]; /* UTF-8 of one cluster, not terminated; longer ones lose marks */
	unsigned char len;      /* 0 = right half of a wide character */
	unsigned char role;     /* enum role */
	bool selected;          /* on top of the role: the cursor's row */
	bool lazy;              /* may show what was there before while a key is held down */
};

struct canvas {
	int rows, cols;
	int cursor_row, cursor_col; /* where the terminal's real cursor goes; -1 = hidden */
	bool ascii;                 /* lines, bars and glyphs in ASCII; foreign text as it is */
	struct cell *cells;         /* rows * cols */
};

struct rect {
	int row, col, rows, cols;
};

void canvas_init(struct canvas *canvas, int rows, int cols); /* blank, role TEXT */
void canvas_done(struct canvas *canvas);
void canvas_resize(struct canvas *canvas, int rows, int cols); /* blank again */
void canvas_clear(struct canvas *canvas);
struct rect canvas_all(const struct canvas *canvas);
/*
 * Puts text from col over at most `width` cells, the rest of the width blank; cut text ends in an
 * ellipsis. Returns the cells the text took. width < 0: to the right edge, nothing padded.
 */
int canvas_put(struct canvas *canvas, int row, int col, int width, enum role role, struct text text);
int canvas_putf(struct canvas *canvas, int row, int col, int width, enum role role, const char *fmt,
	...) __attribute__((format(printf, 6, 7)));
/* As canvas_put, the text at the right end of the width. */
void canvas_put_right(struct canvas *canvas, int row, int col, int width, enum role role,
	struct text text);
/* Broken at blanks over as many rows as there are; the last is cut as canvas_put cuts. */
void canvas_sentence(struct canvas *canvas, struct rect rect, enum role role, struct text text);
void canvas_fill(struct canvas *canvas, struct rect rect, enum role role); /* blanks */
void canvas_rule(struct canvas *canvas, int row, int col, int width, struct text title);
void canvas_select(struct canvas *canvas, struct rect rect); /* marks cells as selected */
/*
 * What follows the cursor and nobody can read while it runs: whole rows of a detail pane, the tail
 * of the cursor's bar. While a key is held down the terminal lets it lag; at rest it is drawn.
 */
void canvas_lazy(struct canvas *canvas, struct rect rect);
void canvas_cursor(struct canvas *canvas, int row, int col);
/* Plain text, trailing blanks cut, a newline a row. */
void canvas_dump(const struct canvas *canvas, struct buf *buf);
/* With {role:...} marks around what is not TEXT and | at the row's end: for golden files. */
void canvas_dump_roles(const struct canvas *canvas, struct buf *buf);

#endif
