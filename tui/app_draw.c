/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "tui/app_state.h"

/* Head line, the screen, and one line below for keys, message or prompt. */

enum { STALE_MS = 90 * 1000, ACTIONS_SHOWN = 8 };

static void clock_add(struct line *line, const struct look *look, enum role role, const char *word,
	int64_t at_ms, bool with_date)
{
	struct text time = with_date ? format_time(look, at_ms) : format_clock(look, at_ms);

	if (look->utc)
		line_addf(line, role, "%s %.*sZ", word, TEXT_ARG(time));
	else
		line_addf(line, role, "%s %.*s %.*s", word, TEXT_ARG(time),
			TEXT_ARG(format_zone(look)));
}

/* How old the numbers are, in words: the one thing always on screen. */
static void add_age(const struct app *app, struct line *line, const struct look *look)
{
	const struct view *view = app_top(app)->view;
	int64_t age = look->now_ms - app->seen_at_ms;

	if (view->load_err.kind != ERR_NONE)
		line_addf(line, ROLE_FAILED, "not loaded  ");
	if (app->as_of_ms) {
		clock_add(line, look, ROLE_WARN, "as of", app->as_of_ms, true);
		return;
	}
	if (app->paused_ms) {
		clock_add(line, look, ROLE_WARN, "paused", app->paused_ms, false);
		return;
	}
	if (app->seen_at_ms == TIME_UNKNOWN) {
		line_addf(line, ROLE_STALE, app->is_collected ? "no numbers yet"
							       : "no collector, no numbers yet");
		return;
	}
	if (!app->is_collected && app->data->collecting) {
		line_addf(line, ROLE_STALE, "collector stopped, numbers %.*s old",
			TEXT_ARG(format_age(look, app->seen_at_ms)));
		return;
	}
	if (age > STALE_MS) {
		line_addf(line, ROLE_STALE, "numbers %.*s old",
			TEXT_ARG(format_age(look, app->seen_at_ms)));
		return;
	}
	clock_add(line, look, ROLE_OK, "live", app->seen_at_ms, false);
}

/* in_words: else the glyph alone says what is counted. */
static void add_counts(const struct app *app, struct line *line, const struct look *look,
	bool in_words)
{
	const struct console_counts *counts = &app->counts;
	static const enum glyph glyphs[] = { GLYPH_FAILED, GLYPH_WARN, GLYPH_RUNNING };
	static const enum role roles[] = { ROLE_FAILED, ROLE_WARN, ROLE_RUNNING };
	static const char *const words[] = { "failed", "warning", "running" };
	const int n[] = { counts->failed, counts->warn, counts->running };

	for (size_t i = 0; i < ARRAY_LEN(n); i++)
		if (n[i] > 0)
			line_addf(line, roles[i], "%.*s %d%s%s  ", TEXT_ARG(glyph_text(look, glyphs[i])),
				n[i], in_words ? " " : "", in_words ? words[i] : "");
}

/* from: the first screen of the stack that is named; what is below is only hinted at. */
static void add_crumbs(const struct app *app, struct line *line, const struct look *look, size_t from,
	bool with_store)
{
	const struct screen *top = app_top(app);

	line_add(line, ROLE_TITLE, TEXT(" weir "));
	if (with_store && app->console->store_name && app->console->store_name[0])
		line_addf(line, ROLE_DIM, " %s ", app->console->store_name);
	if (from > 0)
		line_addf(line, ROLE_CRUMB, " %.*s", TEXT_ARG(glyph_text(look, GLYPH_MORE)));
	for (size_t i = from; i < app->stack.n; i++) {
		const struct screen *screen = app->stack.screens[i];
		const struct view_ops *ops = screen->view->ops;

		if (i > 0)
			line_addf(line, ROLE_CRUMB, " %.*s", TEXT_ARG(glyph_text(look, GLYPH_ARROW)));
		line_addf(line, ROLE_CRUMB, " %s", ops->title ? ops->title : ops->name);
		if (screen->crumb[0])
			line_addf(line, ROLE_STRONG, " %s", screen->crumb);
	}
	if (top->filter[0])
		line_addf(line, ROLE_MATCH, "  /%s%s", top->inverse ? "!" : "", top->filter);
}

static void draw_head(const struct app *app, struct canvas *canvas, const struct look *look)
{
	struct line left, right;
	int width, room = canvas->cols;

	line_init(&left, look->arena);
	add_crumbs(app, &left, look, 0, true);
	/*
	 * On a narrow screen the counts lose their words, then go, then the crumbs go from the left;
	 * the age stays.
	 */
	for (int form = 0; form < 3; form++) {
		line_init(&right, look->arena);
		if (form < 2)
			add_counts(app, &right, look, form == 0);
		add_age(app, &right, look);
		line_add(&right, ROLE_TEXT, TEXT(" "));
		if ((int)line_width(&left) + (int)line_width(&right) + 1 <= room)
			break;
	}
	width = (int)line_width(&right) < room ? (int)line_width(&right) : room;
	/* The store's name is the first to go: where one is matters more. */
	for (size_t from = 0; from < app->stack.n && (int)line_width(&left) + 1 > room - width; from++) {
		line_init(&left, look->arena);
		add_crumbs(app, &left, look, from, false);
	}
	if (room - width > 1)
		canvas_line(canvas, 0, 0, room - width - 1, &left, false);
	canvas_line(canvas, 0, room - width, width, &right, true);
}

/* Movement is known to fingers; what is worth the row is what else the screen can do. */
static bool is_for_footer(enum action action)
{
	return action_info(action)->group != GROUP_MOVE && action != ACT_SORT_REVERSE;
}

/* Of the screen's own actions those that would do something: most need a selected thing. */
static bool is_offered(const struct screen *screen, enum action action)
{
	struct subject subject;

	if (!(action_info(action)->flags & ACTION_SUBJECT) || !screen->view->ops->subject)
		return true;
	return screen->is_loaded && screen->view->ops->subject(screen->view, &subject);
}

static void add_key(const struct app *app, struct line *line, enum action action, int *n)
{
	const char *key = bindings_key(app->bindings, action);

	if (!key[0] || *n >= ACTIONS_SHOWN)
		return;
	line_add(line, ROLE_TEXT, *n > 0 ? TEXT("  ") : TEXT(" "));
	line_add(line, ROLE_KEY, text_of(key));
	line_addf(line, ROLE_DIM, " %s", action_info(action)->name);
	(*n)++;
}

/* Where the cursor is in a list, right of the keys if there is room; it may lag behind a held key. */
static void draw_place(const struct app *app, struct canvas *canvas, const struct look *look, int from)
{
	struct view *view = app_top(app)->view;
	const struct table *table = view->ops->table ? view->ops->table(view) : NULL;
	struct text place;
	struct rect rect = { .row = canvas->rows - 1, .rows = 1 };

	if (!app_top(app)->is_loaded || !table)
		return;
	place = table_position(table, look);
	if (!place.bytes)
		return;
	rect.cols = (int)utf8_width(place) + 1;
	rect.col = canvas->cols - rect.cols;
	if (rect.col < from + 2)
		return;
	canvas_lazy(canvas, rect);
	(void)canvas_put(canvas, rect.row, rect.col, rect.cols, ROLE_DIM, place);
}

static void draw_foot(const struct app *app, struct canvas *canvas, const struct look *look)
{
	static const enum action always[] = { ACT_FILTER, ACT_BACK, ACT_COMMAND, ACT_HELP, ACT_QUIT };
	const enum action *own = app_top(app)->view->ops->actions;
	const struct view_ops *ops = app_top(app)->view->ops;
	struct line line;
	int n = 0, row = canvas->rows - 1, last;
	int room = canvas->cols;
	enum action shown[ACTIONS_SHOWN];
	int nshown = 0;

	for (size_t i = 0; own && own[i] != ACT_NONE && nshown < 3; i++)
		if (is_for_footer(own[i]) && own[i] != ACT_FILTER && own[i] != ACT_HELP &&
			is_offered(app_top(app), own[i]))
			shown[nshown++] = own[i];
	for (size_t i = 0; i < ARRAY_LEN(always); i++) {
		if (always[i] == ACT_FILTER && !ops->filter)
			continue;
		if (always[i] == ACT_BACK && app->stack.n <= 1 && !app_top(app)->filter[0])
			continue;
		if (nshown < ACTIONS_SHOWN)
			shown[nshown++] = always[i];
	}
	/* Help stays when the row is short; the rest goes from the end. */
	for (last = nshown; last > 0; last--) {
		n = 0;
		line_init(&line, look->arena);
		for (int i = 0; i < last; i++)
			add_key(app, &line, shown[i], &n);
		if (last < nshown && nshown > 0)
			add_key(app, &line, ACT_HELP, &n);
		if ((int)line_width(&line) <= room)
			break;
	}
	canvas_line(canvas, row, 0, room, &line, false);
	draw_place(app, canvas, look, (int)line_width(&line));
}

static void draw_bottom(const struct app *app, struct canvas *canvas, const struct look *look)
{
	int row = canvas->rows - 1;

	if (app->prompt.kind != PROMPT_NONE)
		prompt_draw(&app->prompt, canvas, row);
	else if (app->message[0])
		canvas_putf(canvas, row, 0, canvas->cols, app->message_role, " %s", app->message);
	else
		draw_foot(app, canvas, look);
}

static void draw_unloaded(const struct view *view, struct canvas *canvas)
{
	struct rect rect = view->rect;
	struct text why = text_of(view->load_err.text);

	rect.col++;
	rect.cols--;
	canvas_sentence(canvas, rect, ROLE_DIM,
		view->load_err.kind != ERR_NONE ? why : TEXT("reading"));
}

void app_draw(struct app *app, struct canvas *canvas)
{
	struct screen *screen = app_top(app);
	struct look look;

	arena_reset(&app->frame);
	look = app_look(app);
	app->is_dirty = false;
	app->drawn_mono_ms = app->console->clock->mono_ms(app->console->clock);
	canvas_clear(canvas);
	canvas->ascii = look.ascii;
	if (!screen)
		return;
	screen->view->look = look;
	screen->view->rect = (struct rect){ .row = 1, .col = 0, .rows = canvas->rows - 2,
		.cols = canvas->cols };
	if (screen->view->rect.rows < 0)
		screen->view->rect.rows = 0;
	draw_head(app, canvas, &look);
	if (screen->view->rect.rows > 0) {
		if (screen->is_loaded || screen->view->ops == &help_view)
			screen->view->ops->draw(screen->view, canvas, screen->view->rect);
		else
			draw_unloaded(screen->view, canvas);
	}
	if (canvas->rows > 1)
		draw_bottom(app, canvas, &look);
}
