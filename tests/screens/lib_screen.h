/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SCREENS_LIB_SCREEN_H
#define TESTS_SCREENS_LIB_SCREEN_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/clock.h"
#include "tui/app.h"

/*
 * The console in process, without a terminal, on the sample store: keys in, a canvas out. After
 * each key it goes on until no load is pending, so tests never wait. Times stand at SAMPLE_NOW_MS.
 */
struct screen_run {
	struct app *app;
	struct canvas canvas;
	struct clock clock;
	struct bindings *bindings;
	struct console_options options;
	struct reader *reader;
	char copied[256]; /* what was last handed to the clipboard */
	bool plain;       /* expect compares without role marks */
};

/* Makes the sample store all runs look at; its path stays valid until screen_store_done. */
bool screen_store_init(struct err *err);
void screen_store_done(void);
void screen_store_use(const char *path); /* instead of the sample: a store of the test's own */
/* view NULL: the first. arg may be NULL. */
bool screen_open(struct screen_run *run, const char *view, const struct view_arg *arg,
	struct err *err);
void screen_close(struct screen_run *run);
void screen_size(struct screen_run *run, int rows, int cols);
void screen_key(struct screen_run *run, int key);
/* "5 <Enter> /" and so on, blanks apart; "..." in quotes is typed. False: a key has no name. */
bool screen_keys(struct screen_run *run, struct text keys, struct err *err);
/*
 * So many actions drawn by the seed, any on any screen, until the console is left. Not leaving itself,
 * which ends the run, and not exporting, which would write files; prompts are left again.
 */
void screen_walk(struct screen_run *run, uint64_t seed, int steps);
void screen_draw(struct screen_run *run);
/* Draws and dumps, with role marks unless plain. */
void screen_dump(struct screen_run *run, struct buf *out);
/*
 * Runs the steps of a file: `size ROWS COLS`, `keys ...`, `plain`, `expect NAME` (compares with
 * tests/screens/NAME.screen; with WEIR_UPDATE=1 writes it). # begins a comment. Prints what differs.
 */
bool screen_steps(const char *path, struct err *err);

#endif
