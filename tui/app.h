/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_APP_H
#define TUI_APP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "tui/action.h"
#include "tui/console.h"
#include "tui/prompt.h"
#include "tui/view.h"

/*
 * The console without a terminal: a stack of screens, what keys do to it, when data are loaded, and
 * how all of it is drawn on a canvas. The terminal and the store are given as tables of functions,
 * so tests run the whole of it in process. UI thread.
 */

/* The terminal's side. All may be NULL. */
struct app_host {
	void *context;
	void (*suspend)(void *context);
	void (*redraw)(void *context);
	bool (*copy)(void *context, struct text clean);
	bool (*set_theme)(void *context, const char *name, struct err *err);
	void (*set_mouse)(void *context, bool on);
	/* A line was given to a prompt. */
	void (*remember)(void *context, enum prompt_kind kind, struct text line);
	const char *(*theme_name)(size_t index); /* for completion; NULL past the last */
};

struct app_options {
	const struct console_options *console; /* borrowed; data's functions may be NULL */
	struct bindings *bindings;             /* borrowed */
	struct app_host host;
};

struct app *app_new(const struct app_options *options);
void app_free(struct app *app);
/* Opens the first screen. */
bool app_start(struct app *app, struct err *err);
void app_key(struct app *app, int key);
/* The mouse: a row is selected, a column's head sorts by it. */
void app_click(struct app *app, int row, int col);
/* Looks for new data and loads what is stale, at most four times a second. */
void app_tick(struct app *app);
/* Milliseconds until app_tick has something to do; -1 = only after a key. */
int app_timeout_ms(const struct app *app);
struct prompt *app_prompt(struct app *app); /* to fill its history */
bool app_is_over(const struct app *app);
bool app_is_dirty(const struct app *app); /* drawing would show something new */
bool app_is_stale(const struct app *app); /* a load is due */
void app_dirty(struct app *app);
/* Draws everything; the canvas' size is the screen's. */
void app_draw(struct app *app, struct canvas *canvas);
const struct view *app_view(const struct app *app); /* the one on top */
/* What the message line says; "" = nothing. */
const char *app_said(const struct app *app);

#endif
