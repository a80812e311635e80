/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_TERM_STATE_H
#define TUI_TERM_STATE_H

#include <stdbool.h>
#include <termios.h>
#include <wchar.h>

#define NCURSES_WIDECHAR 1
#include <curses.h>

#include "tui/term.h"

/* The inside of the terminal, shared by term*.c only: one a process. */
enum { UNDO_MAX = 512, GROUND_SHOWS = -2 };

/* What the crash handler uses is plain memory, written before the handler is installed. */
struct term_state {
	SCREEN *screen;
	bool is_entered, has_modern_modes, has_sync;
	bool utf8;
	bool mouse;
	int mouse_row, mouse_col; /* of the last click */
	enum depth depth;
	bool has_eight; /* only: the bright ones are bold */
	int paste_begin, paste_end; /* curses key codes */
	bool is_pasting;
	int end_seen;      /* bytes of the end of the paste */
	int pushed_back;   /* a code that was looked at too early; 0 = none */
	bool in_sequence;  /* of bytes that are no key */
	mbstate_t partial; /* the head of a character */
	struct termios saved;
	char undo[UNDO_MAX];
	size_t undo_len;
	attr_t attrs[2][ROLE_COUNT]; /* [selected][role] */
	int pairs[2][ROLE_COUNT];
	int pair_colors[2 * ROLE_COUNT][2], npairs; /* pair i + 1: foreground, background */
	int grounds[2][ROLE_COUNT]; /* what a blank looks like: a color, or GROUND_SHOWS */
	cchar_t *row;
	/* What was painted last: rows that are the same again cost nothing. */
	struct cell *cells;
	int rows, cols; /* 0 = nothing is known of the screen */
	bool is_whole[CANVAS_MAX_ROWS]; /* not so where a part lags */
};
extern struct term_state term;

void term_write(const char *bytes, size_t len); /* async-signal-safe */
void term_forget(void);     /* the next paint builds every row anew */
void term_paint_done(void); /* frees what painting needed */

#endif
