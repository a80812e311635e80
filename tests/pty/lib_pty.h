/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PTY_LIB_PTY_H
#define TESTS_PTY_LIB_PTY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"

/*
 * A program in a terminal of its own: a pty with libvterm behind it. The program writes a byte to
 * the descriptor named in WEIR_FRAME_FD after each whole frame, so nothing here sleeps and hopes:
 * waits end when a frame came, or fail after a long while.
 */
struct pty;

struct pty_options {
	int rows, cols;
	const char *term;          /* TERM; NULL = xterm-256color */
	const char *const *env;    /* NAME=value ..., NULL-terminated; may be NULL */
	const char *const *argv;   /* program first, NULL-terminated */
};

struct pty *pty_start(const struct pty_options *options);
/* Kills what still runs. */
void pty_end(struct pty *pty);
void pty_send(struct pty *pty, const char *bytes);
/* Waits until the screen holds the text (or does not); false after a minute. */
bool pty_shows(struct pty *pty, const char *text);
bool pty_shows_not(struct pty *pty, const char *text);
/* The same for a line that begins with one and holds the other. */
bool pty_shows_line(struct pty *pty, const char *begin, const char *text);
/* Waits for n whole frames since the last key, signal, change of size or wait. */
bool pty_frames(struct pty *pty, int n);
/* Waits until nothing on screen lags behind a held key. */
bool pty_rests(struct pty *pty);
void pty_resize(struct pty *pty, int rows, int cols);
pid_t pty_pid(const struct pty *pty);
void pty_signal(struct pty *pty, int number);
/* Waits until the program has stopped (SIGTSTP). */
bool pty_stopped(struct pty *pty);
/* What a shell does to a terminal that it takes over: lines, and echo. */
void pty_cook(struct pty *pty);
/* Waits for its end; the wait status, or -1 after a minute. */
int pty_wait(struct pty *pty);
/* What the screen shows now, a line a row, trailing blanks cut. */
void pty_screen(struct pty *pty, struct buf *out);
/* Every cell with its attributes, a line a row. */
void pty_look(struct pty *pty, struct buf *out);
/* Every byte the program wrote so far. */
struct text pty_bytes(const struct pty *pty);
/* Whether any cell has a color other than the terminal's own. */
bool pty_has_color(struct pty *pty);
bool pty_is_alternate(const struct pty *pty); /* the alternate screen is on */
const char *pty_title(const struct pty *pty); /* set by an escape; "" = never */
/* Closes the terminal's side: the program sees a hang-up. */
void pty_hang_up(struct pty *pty);

#endif
