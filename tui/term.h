/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_TERM_H
#define TUI_TERM_H

#include <stdbool.h>

#include "base/err.h"
#include "base/text.h"
#include "tui/canvas.h"
#include "tui/theme.h"

/*
 * The terminal: the only place that knows curses and termios. One terminal a process, so its state
 * is the one allowed at file level. It undoes whatever it switched on, at a normal leave, on stop,
 * and on a crash (there with write(2) of a string prepared at entry). UI thread.
 */
struct term_options {
	bool no_color; /* NO_COLOR, --plain */
	bool mouse;
};

/* ERR_USAGE when stdin or stdout is no terminal, or the terminal cannot place a cursor. */
bool term_enter(const struct term_options *options, struct err *err);
void term_leave(void); /* does nothing when not entered */
/* Leaves, stops the process as the shell expects, enters again when continued. */
void term_suspend(void);
/* After a stop that nobody could see coming (SIGSTOP): a shell had the terminal meanwhile. */
void term_resume(void);
bool term_is_utf8(void); /* the locale's; call after setlocale */
void term_set_theme(const struct theme *theme);
void term_set_mouse(bool on);
int term_fd(void); /* what to poll for keys */

void term_size(int *rows_out, int *cols_out);
/* Asks the terminal for its size again, after SIGWINCH. */
void term_resize(void);
/*
 * Sends what differs from what the terminal shows. running: a key is held down; what the canvas
 * calls lazy stays as it is, so the next paint that is not running must follow soon.
 */
void term_paint(const struct canvas *canvas, bool running);
void term_redraw(void); /* the next paint sends everything */
/*
 * The next key in the codes of action.h, KEY_NONE_ when there is none waiting, KEY_HANGUP_ when the
 * terminal is gone. Never waits.
 */
int term_key(void);
void term_clicked(int *row_out, int *col_out); /* where KEY_CLICK_ was */
/* Hands clean text to the terminal's clipboard (OSC 52); false when it has no such thing. */
bool term_copy(struct text clean);

#endif
