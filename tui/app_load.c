/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/app_state.h"

/* When data are loaded, as of when, and what becomes of a load that failed. */

enum { POLL_MS = 250, BUDGET_MAX_MS = 5000, REDRAW_MS = 10000 };

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
	/* The header's figures are the same whatever is selected. */
	if (data->counts && app->counts_stale)
		app->counts_stale = !data->counts(data->context, &app->counts);
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
	if (before != err->kind)
		app_error(app, err);
	screen->view->load_err = *err;
}

static void load(struct app *app)
{
	struct screen *screen = app_top(app);
	const struct console_data *data = app->data;
	enum err_kind before = screen->view->load_err.kind;
	struct reader *reader = NULL;
	struct err err = ERR_INIT;
	bool good;

	arena_reset(&app->frame);
	app->is_dirty = true;
	good = !data->begin ||
	       data->begin(data->context, snapshot_ms(app), app->budget_ms, &reader, &err);
	if (good) {
		good = load_top(app, screen, reader, &err);
		if (data->end)
			data->end(data->context);
	}
	if (!good) {
		load_failed(app, screen, &err, before);
		return;
	}
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
		app_all_stale(app);
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
}

int app_timeout_ms(const struct app *app)
{
	if (app_is_stale(app))
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
		app_message(app, ROLE_DIM, "the past holds still by itself; . goes back to live");
		return;
	}
	app->paused_ms = app->console->clock->wall_ms(app->console->clock);
	app_message(app, ROLE_DIM, "paused; p goes on");
}
