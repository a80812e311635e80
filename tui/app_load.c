/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tui/app_state.h"

/* When data are loaded, as of when, and what becomes of a load that failed. */

/*
 * A screen with nothing on it yet may take longer than one that only grows older. While others
 * write, loading takes at most an eighth of the time, counting for the header still less.
 */
enum { POLL_MS = 250, BUDGET_FIRST_MS = 1000, BUDGET_MAX_MS = 5000, REDRAW_MS = 10000,
	LOAD_SHARE = 8, COUNTS_MS = 2000 };

static int64_t mono_ms(const struct app *app)
{
	return app->console->clock->mono_ms(app->console->clock);
}

void app_all_stale(struct app *app)
{
	for (size_t i = 0; i < app->stack.n; i++)
		app->stack.screens[i]->view->is_stale = true;
	for (size_t i = 0; i < app->last.n; i++)
		app->last.screens[i]->view->is_stale = true;
	app->counts_stale = true;
	app->is_dirty = true;
}

static int64_t snapshot_ms(const struct app *app)
{
	return app->as_of_ms ? app->as_of_ms : app->paused_ms;
}

/* What a view formats while it loads or filters lives as long as what it loaded. */
void app_look_for_load(struct app *app, struct view *view)
{
	view->look = app_look(app);
	view->look.arena = &view->arena;
}

/* With a snapshot open: the screen's own load, then what the header shows. */
static bool load_top(struct app *app, struct screen *screen, struct reader *reader, struct err *err)
{
	const struct console_data *data = app->data;

	app_look_for_load(app, screen->view);
	if (!view_load(screen->view, reader, app_now(app), err))
		return false;
	if (data->seen_at)
		app->seen_at_ms = data->seen_at(data->context);
	return true;
}

static void load_failed(struct app *app, struct screen *screen, const struct err *err,
	enum err_kind before)
{
	screen->view->is_stale = false;
	if (err->kind == ERR_LIMIT && app->budget_ms < BUDGET_MAX_MS) {
		/* A cold store may need longer than a warm one is allowed to. */
		app->budget_ms *= 4;
		screen->view->is_stale = true;
		return;
	}
	if (before != err->kind) {
		app_error(app, err);
		app->message_is_load = true;
	}
	screen->view->load_err = *err;
}

static void load(struct app *app)
{
	struct screen *screen = app_top(app);
	const struct console_data *data = app->data;
	enum err_kind before = screen->view->load_err.kind;
	struct reader *reader = NULL;
	struct err err = ERR_INIT;
	int64_t began = mono_ms(app);
	bool good;

	arena_reset(&app->frame);
	app->is_dirty = true;
	if (!screen->is_loaded && app->budget_ms < BUDGET_FIRST_MS)
		app->budget_ms = BUDGET_FIRST_MS;
	good = !data->begin ||
	       data->begin(data->context, snapshot_ms(app), app->budget_ms, &reader, &err);
	if (good) {
		good = load_top(app, screen, reader, &err);
		if (data->end)
			data->end(data->context);
	}
	app->loaded_mono_ms = mono_ms(app);
	app->load_took_ms = app->loaded_mono_ms - began;
	if (!good) {
		load_failed(app, screen, &err, before);
		return;
	}
	if (app->message_is_load) /* what it said is over */
		app->message[0] = '\0';
	app->message_is_load = false;
	screen->is_loaded = true;
	app->budget_ms = APP_BUDGET_MS;
}

void app_poll(struct app *app)
{
	const struct console_data *data = app->data;
	bool was = app->is_collected;

	app->polled_mono_ms = mono_ms(app);
	if (data->collecting)
		app->is_collected = data->collecting(data->context);
	if (data->child_ended && data->child_ended(data->context))
		app_message(app, ROLE_FAILED, "the collector has stopped; its log says why: weir doctor");
	if (was != app->is_collected)
		app->is_dirty = true;
	if (app->as_of_ms || app->paused_ms)
		return;
	if (data->changed && data->changed(data->context))
		app->has_news = true;
	if (app->has_news && mono_ms(app) - app->loaded_mono_ms >= LOAD_SHARE * app->load_took_ms) {
		app->has_news = false;
		app_all_stale(app);
	}
}

/* The header's figures, once the screen itself is painted. */
static bool counts_are_due(const struct app *app)
{
	return app->data->counts && app->counts_stale && !app->is_dirty && !app_is_stale(app) &&
	       app_top(app)->is_loaded &&
	       (app->counts_mono_ms == 0 || mono_ms(app) - app->counts_mono_ms >= COUNTS_MS);
}

static void load_counts(struct app *app)
{
	const struct console_data *data = app->data;
	struct console_counts before = app->counts;
	struct reader *reader;
	struct err err = ERR_INIT; /* the screen's own load tells what is wrong */

	app->counts_mono_ms = mono_ms(app);
	if (!data->begin || !data->begin(data->context, snapshot_ms(app), BUDGET_FIRST_MS, &reader, &err))
		return;
	app->counts_stale = !data->counts(data->context, &app->counts);
	data->end(data->context);
	if (memcmp(&before, &app->counts, sizeof before) != 0)
		app->is_dirty = true;
}

bool app_is_stale(const struct app *app)
{
	return app_top(app) && app_top(app)->view->is_stale;
}

void app_tick(struct app *app)
{
	int64_t now = mono_ms(app);

	if (now - app->polled_mono_ms >= POLL_MS)
		app_poll(app);
	/* Ages grow by themselves; seconds are not worth the bytes on a slow line. */
	if (!app->paused_ms && !app->as_of_ms && now - app->drawn_mono_ms >= REDRAW_MS)
		app->is_dirty = true;
	if (app_is_stale(app))
		load(app);
	else if (counts_are_due(app))
		load_counts(app);
}

int app_timeout_ms(const struct app *app)
{
	if (app_is_stale(app) || counts_are_due(app))
		return 0;
	if (!app->data->changed)
		return REDRAW_MS;
	return POLL_MS;
}

void app_set_as_of(struct app *app, int64_t as_of_ms)
{
	int64_t now = app->console->clock->wall_ms(app->console->clock);

	app->paused_ms = 0;
	app->as_of_ms = as_of_ms >= now ? 0 : as_of_ms;
	app_all_stale(app);
}

void app_step(struct app *app, bool forward)
{
	int64_t now = app_now(app), step = app->step_ms;
	int64_t base = now - now % step;

	if (forward && !app->as_of_ms) {
		app_message(app, ROLE_DIM, "this is live already");
		return;
	}
	app_set_as_of(app, forward ? base + step : base == now ? now - step : base);
}

void app_pause(struct app *app)
{
	if (app->paused_ms) {
		app->paused_ms = 0;
		app_all_stale(app);
		return;
	}
	if (app->as_of_ms) {
		app_message(app, ROLE_DIM, "the past holds still by itself; %s goes back to live",
			app_key_name(app, ACT_NOW));
		return;
	}
	app->paused_ms = app->console->clock->wall_ms(app->console->clock);
	app_message(app, ROLE_DIM, "paused; %s goes on", app_key_name(app, ACT_PAUSE));
}
