/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/console.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "tui/app.h"
#include "tui/history.h"
#include "tui/loop.h"
#include "tui/term.h"
#include "tui/theme.h"

/* Slower than any keyboard repeats a held key, faster than anybody reads. */
enum { HOLD_MS = 150 };

struct console {
	const struct console_options *options;
	struct app *app;
	struct canvas canvas;
	struct theme theme;
	int frame_fd;
	int last_key;
	int64_t last_key_mono_ms;
	bool is_held;   /* the same key again and again, as when it is held down */
	bool is_behind; /* something lazy on screen is older than the rest */
};

static bool use_theme(void *context, const char *name, struct err *err)
{
	struct console *console = context;

	if (!theme_load(&console->theme, name, console->options->theme_folder, err))
		return false;
	term_set_theme(&console->theme);
	return true;
}

static void suspend(void *context)
{
	struct console *console = context;

	term_suspend();
	app_dirty(console->app);
}

static void redraw(void *context)
{
	(void)context;
	term_redraw();
}

static bool copy(void *context, struct text clean)
{
	(void)context;
	return term_copy(clean);
}

static void set_mouse(void *context, bool on)
{
	(void)context;
	term_set_mouse(on);
}

/* A history that cannot be kept is no reason to stop anybody: it is said once, at the start. */
static void remember(void *context, enum prompt_kind kind, struct text line)
{
	struct console *console = context;
	struct err ignored = ERR_INIT;

	if (console->options->history)
		(void)history_add(console->options->history, kind, line, &ignored);
}

static void recall(struct console *console)
{
	struct err err = ERR_INIT;

	if (console->options->history &&
		!history_load(console->options->history, app_prompt(console->app), &err))
		app_message(console->app, ROLE_WARN, "%s", err.text);
}

static int64_t mono_ms(const struct console *console)
{
	return console->options->clock->mono_ms(console->options->clock);
}

/* How long until a held key counts as let go; 0 = none is held. */
static int hold_ms(const struct console *console)
{
	int64_t left = console->last_key_mono_ms + HOLD_MS - mono_ms(console);

	return console->is_held && left > 0 ? (int)left : 0;
}

static int loop_key(void *self)
{
	(void)self;
	return term_key();
}

static void loop_press(void *self, int key)
{
	struct console *console = self;
	int64_t now = mono_ms(console);

	console->is_held = key == console->last_key && now - console->last_key_mono_ms < HOLD_MS;
	console->last_key = key;
	console->last_key_mono_ms = now;
	if (key == KEY_CLICK_) {
		int row, col;

		term_clicked(&row, &col);
		app_click(console->app, row, col);
		return;
	}
	app_key(console->app, key);
}

static void loop_signal(void *self, enum loop_signal signal)
{
	struct console *console = self;

	switch (signal) {
	case LOOP_RESIZE:
		term_resize();
		app_dirty(console->app);
		return;
	case LOOP_STOP:
		suspend(console);
		return;
	case LOOP_CONTINUE:
		term_resume();
		app_dirty(console->app);
		return;
	case LOOP_CHILD:
		return; /* the tick that follows asks for it */
	case LOOP_LEAVE:
		return;
	}
}

static void loop_tick(void *self)
{
	struct console *console = self;

	app_tick(console->app);
}

static void loop_draw(void *self)
{
	struct console *console = self;
	bool running = hold_ms(console) > 0;
	int rows, cols;

	if (console->is_behind && !running)
		app_dirty(console->app);
	/* A load is due: its frame would replace this one at once. */
	if (app_is_stale(console->app) || !app_is_dirty(console->app))
		return;
	term_size(&rows, &cols);
	if (rows != console->canvas.rows || cols != console->canvas.cols)
		canvas_resize(&console->canvas, rows, cols);
	app_draw(console->app, &console->canvas);
	term_paint(&console->canvas, running);
	console->is_behind = running;
	if (console->frame_fd >= 0)
		(void)!write(console->frame_fd, running ? "~" : ".", 1);
}

static int loop_timeout(void *self)
{
	struct console *console = self;
	int timeout = app_timeout_ms(console->app);
	int hold = console->is_behind ? hold_ms(console) : 0;

	return hold > 0 && (timeout < 0 || hold < timeout) ? hold : timeout;
}

static bool loop_is_over(void *self)
{
	struct console *console = self;

	return app_is_over(console->app);
}

static const struct loop_ops ops = {
	.key = loop_key,
	.press = loop_press,
	.signal = loop_signal,
	.tick = loop_tick,
	.draw = loop_draw,
	.timeout_ms = loop_timeout,
	.is_over = loop_is_over,
};

static int frame_fd(void)
{
	const char *value = getenv("WEIR_FRAME_FD");
	int64_t fd;

	return value && text_to_i64(text_of(value), &fd) && fd > 2 && fd < 1024 ? (int)fd : -1;
}

bool console_run(const struct console_options *options, struct err *err)
{
	struct console console = { .options = options, .frame_fd = frame_fd() };
	struct term_options term = { .no_color = options->mono, .mouse = options->mouse };
	struct console_options used = *options;
	struct bindings *own = options->bindings ? NULL : bindings_new();
	struct app_options app = { .console = &used,
		.bindings = own ? own : options->bindings,
		.host = { .context = &console, .suspend = suspend, .redraw = redraw, .copy = copy,
			.set_theme = use_theme, .set_mouse = set_mouse, .remember = remember,
			.theme_name = theme_builtin } };
	const char *theme = theme_choose(options->mono ? "mono" : options->theme, getenv("NO_COLOR"));
	bool good;

	if (!term_is_utf8())
		used.ascii = true;
	term.no_color = strcmp(theme, "mono") == 0;
	/* A theme that is not there is said before the screen is taken. */
	if (!theme_load(&console.theme, theme, options->theme_folder, err)) {
		bindings_free(own);
		return false;
	}
	console.app = app_new(&app);
	good = app_start(console.app, err) && term_enter(&term, err);
	if (good) {
		term_set_theme(&console.theme);
		recall(&console);
		canvas_init(&console.canvas, 1, 1);
		app_tick(console.app);
		good = loop_run(term_fd(), &ops, &console, err);
		term_leave();
		canvas_done(&console.canvas);
	}
	app_free(console.app);
	bindings_free(own);
	return good;
}
