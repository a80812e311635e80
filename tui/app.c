/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/app.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "tui/app_state.h"
#include "tui/when.h"

enum { STEP_MS = 10 * 60 * 1000, CTRL_C = 3, WHEEL_ROWS = 3 };

struct screen *app_top(const struct app *app)
{
	return app->stack.n > 0 ? app->stack.screens[app->stack.n - 1] : NULL;
}

int64_t app_now(const struct app *app)
{
	if (app->as_of_ms)
		return app->as_of_ms;
	return app->paused_ms ? app->paused_ms
			      : app->console->clock->wall_ms(app->console->clock);
}

struct look app_look(const struct app *app)
{
	struct app *owner = (struct app *)app; /* the frame's arena is scratch */

	return (struct look){ .now_ms = app_now(app), .utc = app->utc,
		.ascii = app->ascii, .arena = &owner->frame };
}

void app_message(struct app *app, enum role role, const char *fmt, ...)
{
	struct buf buf, clean;
	va_list args;

	buf_init(&buf, MESSAGE_MAX - 1);
	buf_init(&clean, MESSAGE_MAX - 1);
	va_start(args, fmt);
	(void)buf_vaddf(&buf, fmt, args);
	va_end(args);
	(void)utf8_clean(&clean, buf_text(&buf), UTF8_ONE_LINE);
	memcpy(app->message, clean.bytes, clean.len + 1);
	app->message_role = role;
	app->message_is_load = false;
	app->is_dirty = true;
	buf_done(&buf);
	buf_done(&clean);
}

void app_error(struct app *app, const struct err *err)
{
	const char *advice = err_advice(err->kind);

	if (err->kind == ERR_USAGE || err->kind == ERR_ABSENT || !advice[0])
		app_message(app, ROLE_FAILED, "%s", err->text);
	else
		app_message(app, ROLE_FAILED, "%s; %s", err->text, advice);
}

void app_stale(struct app *app)
{
	if (app_top(app))
		app_top(app)->view->is_stale = true;
	app->is_dirty = true;
}

const char *app_key_name(const struct app *app, enum action action)
{
	const char *key = bindings_key(app->bindings, action);

	return key[0] ? key : action == ACT_QUIT ? "^C" : action_info(action)->name;
}

/* ---- filter ---- */

static void filter_apply(struct app *app, struct screen *screen)
{
	if (!screen->view->ops->filter)
		return;
	app_look_for_load(app, screen->view);
	screen->view->ops->filter(screen->view, text_of(screen->filter), screen->inverse);
	screen->view->is_stale = true;
	app->is_dirty = true;
}

void app_set_filter(struct app *app, struct text typed)
{
	struct screen *screen = app_top(app);

	screen->inverse = typed.len > 0 && typed.bytes[0] == '!';
	if (screen->inverse)
		typed = text_sub(typed, 1, typed.len);
	typed = text_sub(typed, 0, FILTER_MAX - 1);
	if (typed.len > 0)
		memcpy(screen->filter, typed.bytes, typed.len);
	screen->filter[typed.len] = '\0';
	filter_apply(app, screen);
}

static void filter_open(struct app *app)
{
	struct screen *screen = app_top(app);
	char start[FILTER_MAX + 1];

	if (!screen->view->ops->filter) {
		app_message(app, ROLE_DIM, "nothing to filter here");
		return;
	}
	(void)snprintf(start, sizeof start, "%s%s", screen->inverse ? "!" : "", screen->filter);
	(void)snprintf(app->filter_before, sizeof app->filter_before, "%s", screen->filter);
	app->inverse_before = screen->inverse;
	prompt_open(&app->prompt, PROMPT_FILTER, text_of(start));
}

static void filter_restore(struct app *app)
{
	struct screen *screen = app_top(app);

	(void)snprintf(screen->filter, sizeof screen->filter, "%s", app->filter_before);
	screen->inverse = app->inverse_before;
	filter_apply(app, screen);
}

/* ---- actions ---- */

static void copy(struct app *app)
{
	struct screen *screen = app_top(app);
	struct app_host *host = &app->host;
	struct subject subject = { .name = "" };
	struct buf clean;

	if (!screen->view->ops->subject || !screen->view->ops->subject(screen->view, &subject)) {
		app_message(app, ROLE_DIM, "nothing is selected");
		return;
	}
	buf_init(&clean, 4096);
	(void)utf8_clean(&clean, text_of(subject.name), UTF8_ONE_LINE);
	if (host->copy && host->copy(host->context, buf_text(&clean)))
		app_message(app, ROLE_OK, "copied: %s", clean.bytes);
	else
		app_message(app, ROLE_WARN, "this terminal takes no clipboard: %s", clean.bytes);
	buf_done(&clean);
}

static void export_open(struct app *app)
{
	const struct view_ops *ops = app_top(app)->view->ops;
	struct civil at = time_civil_utc(app_now(app));
	char name[128];

	(void)snprintf(name, sizeof name, "weir-%s-%04d%02d%02dT%02d%02d%02dZ.%s", ops->name, at.year,
		at.month, at.day, at.hour, at.minute, at.second, ops->csv ? "csv" : "txt");
	prompt_open(&app->prompt, PROMPT_WRITE, text_of(name));
}

/* What the app itself does. False: not its business. */
static bool act_general(struct app *app, enum action action)
{
	struct app_host *host = &app->host;

	switch ((int)action) {
	case ACT_QUIT: app->is_over = true; return true;
	case ACT_BACK: app_back(app); return true;
	case ACT_HELP: app_help(app); return true;
	case ACT_COMMAND: prompt_open(&app->prompt, PROMPT_COMMAND, TEXT("")); return true;
	case ACT_FILTER: filter_open(app); return true;
	case ACT_AS_OF: prompt_open(&app->prompt, PROMPT_AS_OF, TEXT("")); return true;
	case ACT_EARLIER: app_step(app, false); return true;
	case ACT_LATER: app_step(app, true); return true;
	case ACT_NOW: app_set_as_of(app, 0); return true;
	case ACT_PAUSE: app_pause(app); return true;
	case ACT_REFRESH: app_all_stale(app); return true;
	case ACT_LAST_VIEW: app_last_view(app); return true;
	case ACT_COPY: copy(app); return true;
	case ACT_EXPORT: export_open(app); return true;
	case ACT_REDRAW:
		if (host->redraw)
			host->redraw(host->context);
		return true;
	case ACT_SUSPEND:
		if (host->suspend)
			host->suspend(host->context);
		return true;
	default: return false;
	}
}

/*
 * A row is gone to by steps, each the screen's own action: whatever a screen does when its cursor
 * moves, it does for the mouse, too.
 */
static void click_row(struct app *app, const struct table *table, size_t index)
{
	size_t from = table_place(table);

	for (; from < index; from++)
		app_act(app, ACT_DOWN);
	for (; from > index; from--)
		app_act(app, ACT_UP);
}

void app_click(struct app *app, int row, int col)
{
	struct view *view = app_top(app)->view;
	struct table *table = view->ops->table ? view->ops->table(view) : NULL;
	struct table_hit hit;

	app->message[0] = '\0';
	app->is_dirty = true;
	if (app->prompt.kind != PROMPT_NONE || app->pasting || !table || !app_top(app)->is_loaded)
		return;
	hit = table_hit(table, row, col);
	if (hit.kind == TABLE_HIT_ROW)
		click_row(app, table, hit.index);
	if (hit.kind != TABLE_HIT_HEAD)
		return;
	app_look_for_load(app, view);
	table_sort_by(table, hit.index, &view->look);
}

static bool names_action(const struct view_ops *ops, enum action action)
{
	for (size_t i = 0; ops->actions && ops->actions[i] != ACT_NONE; i++)
		if (ops->actions[i] == action)
			return true;
	return false;
}

void app_act(struct app *app, enum action action)
{
	struct screen *screen = app_top(app);
	const struct action_info *info = action_info(action);
	enum reply reply = REPLY_IGNORED;
	struct err err = ERR_INIT;

	arena_reset(&app->frame);
	screen->view->look = app_look(app);
	if (screen->view->ops->act)
		reply = screen->view->ops->act(screen->view, action, app);
	app->is_dirty = true;
	switch (reply) {
	case REPLY_DONE: return;
	case REPLY_STALE: screen->view->is_stale = true; return;
	case REPLY_CLOSE:
		screen->filter[0] = '\0';
		app_back(app);
		return;
	case REPLY_IGNORED: break;
	}
	if (act_general(app, action))
		return;
	if (info->flags & ACTION_VIEW) {
		if (!app_switch(app, info->name, NULL, &err))
			app_error(app, &err);
		return;
	}
	if ((action == ACT_NEXT_MATCH || action == ACT_PREV_MATCH) && screen->view->ops->filter) {
		app_message(app, ROLE_DIM, "nothing is looked for; %s filters",
			app_key_name(app, ACT_FILTER));
		return;
	}
	app_message(app, ROLE_DIM, "%s: %s", info->name,
		names_action(screen->view->ops, action) ? "nothing is selected" : "not on this screen");
}

static void prompt_answer(struct app *app, enum prompt_kind kind, struct text line)
{
	struct err err = ERR_INIT;
	int64_t at;

	switch (kind) {
	case PROMPT_NONE:
	case PROMPT_KIND_COUNT:
	case PROMPT_FILTER: return;
	case PROMPT_COMMAND: command_run(app, line); return;
	case PROMPT_AS_OF:
		if (when_parse(line, app_now(app), app->utc, &at, &err))
			app_set_as_of(app, at);
		else
			app_error(app, &err);
		return;
	case PROMPT_WRITE:
		if (!app_write(app, line, &err))
			app_error(app, &err);
		return;
	}
}

static void key_in_prompt(struct app *app, int key)
{
	enum prompt_kind kind = app->prompt.kind;
	enum prompt_result result = prompt_key(&app->prompt, key);
	char line[PROMPT_MAX];
	struct text text = prompt_text(&app->prompt);

	app->is_dirty = true;
	memcpy(line, text.bytes, text.len);
	text.bytes = line;
	switch (result) {
	case PROMPT_IGNORED:
	case PROMPT_MOVED: return;
	case PROMPT_CHANGED:
		if (kind == PROMPT_FILTER)
			app_set_filter(app, text);
		return;
	case PROMPT_DONE:
		prompt_close(&app->prompt);
		if (app->host.remember && text.len > 0)
			app->host.remember(app->host.context, kind, text);
		prompt_answer(app, kind, text);
		return;
	case PROMPT_CANCELED:
		prompt_close(&app->prompt);
		if (kind == PROMPT_FILTER)
			filter_restore(app);
		return;
	}
}

void app_key(struct app *app, int key)
{
	enum action action;

	if (key == KEY_RESIZE_) {
		app->is_dirty = true;
		return;
	}
	app->message[0] = '\0';
	app->is_dirty = true;
	/*
	 * Keys typed ahead mean what the screen will show, not what was before it. The same key again
	 * and again may wait for one load: screens count what they were asked.
	 */
	if (app_is_stale(app) && (!app_top(app)->is_loaded ||
		(app->loading_key && app->loading_key != key)))
		app_tick(app);
	if (app->prompt.kind != PROMPT_NONE) {
		key_in_prompt(app, key);
		return;
	}
	/* A paste outside a prompt is an accident; none of it may act. */
	if (key == KEY_PASTE_BEGIN_ || key == KEY_PASTE_END_) {
		app->pasting = key == KEY_PASTE_BEGIN_;
		return;
	}
	if (app->pasting)
		return;
	for (int i = 0; i < WHEEL_ROWS && (key == KEY_WHEEL_UP_ || key == KEY_WHEEL_DOWN_); i++)
		app_act(app, key == KEY_WHEEL_UP_ ? ACT_UP : ACT_DOWN);
	action = bindings_find(app->bindings, key);
	if (action == ACT_NONE && key == CTRL_C)
		action = ACT_QUIT;
	if (action != ACT_NONE)
		app_act(app, action);
	app->loading_key = app_is_stale(app) ? key : 0;
}

/* ---- life ---- */

struct app *app_new(const struct app_options *options)
{
	struct app *app = NEW(struct app);

	app->console = options->console;
	app->data = &options->console->data;
	app->host = options->host;
	app->bindings = options->bindings;
	app->utc = options->console->utc;
	app->ascii = options->console->ascii;
	app->mouse = options->console->mouse;
	app->as_of_ms = options->console->as_of_ms;
	app->step_ms = STEP_MS;
	app->budget_ms = APP_BUDGET_MS;
	app->counts_stale = true;
	app->seen_at_ms = TIME_UNKNOWN;
	app->prompt.context = app;
	app->prompt.candidate = command_candidate;
	app->is_dirty = true;
	return app;
}

void app_free(struct app *app)
{
	if (!app)
		return;
	stack_free(&app->stack);
	stack_free(&app->last);
	prompt_done(&app->prompt);
	arena_free(&app->frame);
	free(app);
}

bool app_start(struct app *app, struct err *err)
{
	const struct console_options *console = app->console;
	const char *name = console->view ? console->view : console->views[0]->name;

	if (!app_switch(app, name, console->arg.subject[0] ? &console->arg : NULL, err))
		return false;
	if (console->filter && console->filter[0])
		app_set_filter(app, text_of(console->filter));
	app_poll(app);
	return true;
}

struct prompt *app_prompt(struct app *app)
{
	return &app->prompt;
}

bool app_is_over(const struct app *app)
{
	return app->is_over;
}

bool app_is_dirty(const struct app *app)
{
	return app->is_dirty;
}

void app_dirty(struct app *app)
{
	app->is_dirty = true;
}

const struct view *app_view(const struct app *app)
{
	return app_top(app) ? app_top(app)->view : NULL;
}

const char *app_said(const struct app *app)
{
	return app->message;
}
