/* SPDX-License-Identifier: Apache-2.0 */
#include "views/events.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "views/views.h"

/* Rows held around the place looked at; moving near an end loads the window anew. */
enum { WINDOW_HALF = 300, WINDOW_MARGIN = 60, PAGE = 10000, WHOLE_MAX = 1000000, FILTER_MAX = 512,
	PANE_USUAL = 9, WIDE_COLS = 100, CLOCK_CELLS = 8, PIPELINE_NARROW = 12 };

enum window { WINDOW_TAIL, WINDOW_AROUND, WINDOW_START };

struct events {
	struct table table;
	struct event_row *rows; /* oldest first */
	size_t n;
	bool more_before, more_after;
	enum window window;
	int64_t center_k;
	bool unfollow;          /* zeroed state follows */
	enum event_level least;
	int jump;               /* errors to go on (or, below 0, back) by at the next load */
	const char *note;       /* what the last jump found; NULL = nothing to say */
	char filter[FILTER_MAX];
	bool inverse;
};

static const struct event_row *event_of(const void *row)
{
	return row;
}

static void format_when(const void *row, const struct look *look, struct line *line)
{
	line_add(line, ROLE_DIM, format_time(look, event_of(row)->happened_at_ms));
}

static void format_level(const void *row, const struct look *look, struct line *line)
{
	line_look(line, look, level_look(event_of(row)->level));
}

/* Narrow: the date goes where every row is of today. */
static void format_clock_of(const void *row, const struct look *look, struct line *line)
{
	line_add(line, ROLE_DIM, format_clock(look, event_of(row)->happened_at_ms));
}

static void format_pipeline(const void *row, const struct look *look, struct line *line)
{
	const struct event_row *event = event_of(row);

	line_name(line, look, event->pipeline.len ? event->pipeline : event->pipeline_id);
}

static void format_update(const void *row, const struct look *look, struct line *line)
{
	line_name(line, look, short_id(event_of(row)->update_id));
}

static void format_flow(const void *row, const struct look *look, struct line *line)
{
	line_name(line, look, event_of(row)->flow);
}

static void format_type(const void *row, const struct look *look, struct line *line)
{
	line_name(line, look, event_of(row)->type);
}

static void format_message(const void *row, const struct look *look, struct line *line)
{
	const struct event_row *event = event_of(row);

	if (event->error_message.len)
		line_add(line, level_look(event->level)->role, event->error_message);
	else if (!event->message.len)
		line_dash(line, look);
	else
		line_add(line, level_look(event->level)->role, event->message);
}

/* Narrow: the level stands before what is said, in words where something is wrong. */
static void format_message_narrow(const void *row, const struct look *look, struct line *line)
{
	const struct event_row *event = event_of(row);

	if (event->level >= LEVEL_WARN)
		format_level(row, look, line);
	else
		line_glyph(line, look, level_look(event->level));
	line_add(line, ROLE_TEXT, TEXT(" "));
	format_message(row, look, line);
}

static const struct column columns[] = { /* in the order of enum event_column */
	{ "time", "TIME", "When it happened", 15, 20, 0, 0, COLUMN_NO_SORT, format_when, NULL },
	{ "level", "LEVEL", "Its level", 9, 9, 0, 0, COLUMN_NO_SORT, format_level, NULL },
	{ "pipeline", "PIPELINE", "Whose event log it is from", 10, 24, 1, 1, COLUMN_NO_SORT | COLUMN_TAIL,
		format_pipeline, NULL },
	{ "type", "TYPE", "Type of the event", 13, 20, 0, 3, COLUMN_NO_SORT, format_type, NULL },
	{ "update", "UPDATE", "Head of its update's id", 8, 8, 0, 4, COLUMN_NO_SORT, format_update,
		NULL },
	{ "flow", "FLOW", "Which flow", 12, 30, 0, 5, COLUMN_NO_SORT | COLUMN_TAIL, format_flow, NULL },
	{ "message", "MESSAGE", "What it says; of an error the cause", 38, 400, 9, 0, COLUMN_NO_SORT,
		format_message, NULL },
};

static struct text row_key(const void *row)
{
	return text_of(event_of(row)->id);
}

static bool events_open(struct view *view, struct err *err)
{
	struct events *events = view->state;

	(void)err;
	events->table = (struct table){
		.columns = columns,
		.ncolumns = ARRAY_LEN(columns),
		.row_size = sizeof(struct event_row),
		.key = row_key,
		.is_window = true,
	};
	table_init(&events->table);
	if (view->arg.number) {
		events->window = WINDOW_AROUND;
		events->center_k = view->arg.number;
		events->unfollow = true;
	}
	return true;
}

static bool row_fits(void *context, const struct event_row *row)
{
	return table_wants(context, row);
}

/* The table's own filter decides which rows come; the store looks for its words where it can. */
static void push_down(struct events *events, struct event_filter *filter)
{
	const char *names[ARRAY_LEN(columns)];
	struct filter words;

	if (!events->filter[0])
		return;
	filter->fits = row_fits;
	filter->context = &events->table;
	if (events->inverse)
		return;
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		names[i] = columns[i].name;
	filter_parse(&words, text_of(events->filter), names, ARRAY_LEN(columns));
	event_push_words(&words, filter);
}

static struct event_filter base_filter(const struct view *view)
{
	struct events *events = view->state;
	struct event_filter filter = { .least = events->least };

	if (view->arg.subject[0])
		filter.pipeline = text_of(view->arg.subject);
	if (view->arg.subject2[0])
		filter.update_id = text_of(view->arg.subject2);
	push_down(events, &filter);
	return filter;
}

/* The part before the center, newest first, and the part behind it, oldest first. */
static bool load_window(struct view *view, struct reader *reader, enum window window,
	int64_t center_k, struct event_rows *before, struct event_rows *after, struct err *err)
{
	struct event_filter filter = base_filter(view);

	*before = (struct event_rows){ NULL, 0, false };
	*after = (struct event_rows){ NULL, 0, false };
	filter.limit = WINDOW_HALF;
	if (window != WINDOW_START) {
		filter.from_k = window == WINDOW_AROUND ? center_k + 1 : 0;
		if (!events_list(reader, &view->arena, &filter, before, err))
			return false;
	}
	if (window == WINDOW_TAIL)
		return true;
	filter.from_k = window == WINDOW_AROUND ? center_k : 0;
	filter.oldest_first = true;
	return events_list(reader, &view->arena, &filter, after, err);
}

/* Page by page from the oldest event on. */
static bool load_whole(struct view *view, struct reader *reader, struct event_rows *all,
	struct err *err)
{
	struct event_filter filter = base_filter(view);
	struct event_rows page = { NULL, 0, true };
	size_t room = 0;

	*all = (struct event_rows){ NULL, 0, false };
	filter.oldest_first = true;
	filter.limit = PAGE;
	while (page.more && all->n < WHOLE_MAX) {
		if (!events_list(reader, &view->arena, &filter, &page, err))
			return false;
		if (all->n + page.n > room) {
			struct event_row *rows;

			room = 2 * (all->n + page.n);
			rows = ARENA_ARRAY(&view->arena, struct event_row, room);
			if (all->n)
				memcpy(rows, all->rows, all->n * sizeof(*rows));
			all->rows = rows;
		}
		if (!page.n)
			break;
		memcpy(all->rows + all->n, page.rows, page.n * sizeof(*page.rows));
		all->n += page.n;
		filter.from_k = page.rows[page.n - 1].k;
	}
	all->more = page.more && page.n;
	return true;
}

/* What led to the row stands above it. */
static void select_in_context(struct view *view, const struct event_row *row)
{
	struct events *events = view->state;
	int above = view->rect.rows / 4;

	(void)table_show_key(&events->table, row_key(row), above > 0 ? (size_t)above : 0);
}

/* Goes the errors that keys asked for since the last load, as far as there are any. */
static bool jump_errors(struct view *view, struct reader *reader, int jump, int64_t *found_k,
	struct err *err)
{
	struct events *events = view->state;
	const struct event_row *selected = table_selected(&events->table);
	struct event_filter filter = base_filter(view);
	int step = jump > 0 ? 1 : -1;
	int64_t from_k = selected ? selected->k : 0;

	events->note = NULL;
	for (; jump != 0; jump -= step) {
		int64_t next_k = 0;

		if (!event_find_error(reader, &view->arena, &filter, from_k, step, &next_k, err))
			return false;
		if (!next_k) {
			events->note = step > 0 ? "no later error" : "no earlier error";
			break;
		}
		*found_k = next_k;
		from_k = next_k;
	}
	return true;
}

static const char *why_empty(const struct view *view)
{
	const struct events *events = view->state;

	if (events->least > LEVEL_METRICS)
		return "no event of this level or worse";
	if (events->filter[0])
		return "no event matches the filter";
	if (view->arg.subject2[0])
		return "no event of this update has been seen";
	return view->arg.subject[0] ? "no event of a pipeline of this name or id has been seen"
				    : "no event has been seen yet; screen 0 shows the sources";
}

static bool events_load(struct view *view, struct reader *reader, struct err *err)
{
	struct events *events = view->state;
	struct event_rows before, after;
	enum window window = events->window;
	int64_t center_k = events->center_k, found_k = 0;
	int jump = events->jump;
	struct event_row *rows;
	size_t n;

	events->jump = 0;
	if (jump && !jump_errors(view, reader, jump, &found_k, err))
		return false;
	if (found_k) {
		window = WINDOW_AROUND;
		center_k = found_k;
	}
	if (view->whole) {
		before = (struct event_rows){ NULL, 0, false };
		if (!load_whole(view, reader, &after, err))
			return false;
	} else if (!load_window(view, reader, window, center_k, &before, &after, err)) {
		return false;
	}
	n = before.n + after.n;
	rows = ARENA_ARRAY(&view->arena, struct event_row, n + 1);
	for (size_t i = 0; i < before.n; i++)
		rows[i] = before.rows[before.n - 1 - i];
	for (size_t i = 0; i < after.n; i++)
		rows[before.n + i] = after.rows[i];
	events->rows = rows;
	events->n = n;
	events->more_before = before.more;
	events->more_after = after.more;
	events->window = window;
	events->center_k = center_k;
	events->unfollow = events->unfollow || found_k;
	events->table.empty = why_empty(view);
	table_set_rows(&events->table, rows, n, &view->look);
	if (!events->unfollow)
		(void)table_act(&events->table, ACT_LAST, 1);
	else if (found_k && before.n)
		select_in_context(view, &rows[before.n - 1]);
	return true;
}

static struct sheet pane_of(const struct view *view)
{
	const struct event_row *selected = table_selected(view->state);
	struct sheet sheet = { .arena = view->look.arena };

	if (selected)
		sheet_event(&sheet, &view->look, selected);
	return sheet;
}

static void draw_head(const struct view *view, struct canvas *canvas, struct rect rect)
{
	static const char *const levels[] = { "all levels", "all levels", "info and worse",
		"warn and worse", "errors only" };
	const struct events *events = view->state;
	struct line line;

	line_init(&line, view->look.arena);
	if (events->unfollow)
		line_add(&line, ROLE_DIM, TEXT("held"));
	else
		line_add(&line, ROLE_RUNNING, TEXT("following"));
	line_addf(&line, events->least > LEVEL_METRICS ? ROLE_WARN : ROLE_DIM, ", %s",
		levels[events->least]);
	if (view->arg.subject2[0])
		line_addf(&line, ROLE_DIM, ", update %.8s", view->arg.subject2);
	if (events->note)
		line_addf(&line, ROLE_WARN, ", %s", events->note);
	rect = text_rect(rect);
	(void)canvas_line(canvas, rect.row, rect.col, rect.cols, &line, false);
}

/* Whether every row happened on the day the screen speaks of, as its zone has it. */
static bool is_all_of_today(const struct view *view)
{
	const struct events *events = view->state;
	struct text today = format_time(&view->look, view->look.now_ms);

	for (size_t i = 0; i < events->n; i++) {
		struct text at = format_time(&view->look, events->rows[i].happened_at_ms);

		/* "21 Nov 02:01:13" without its clock */
		if (at.len < CLOCK_CELLS || today.len < CLOCK_CELLS ||
			!text_eq(text_sub(at, 0, at.len - CLOCK_CELLS),
				text_sub(today, 0, today.len - CLOCK_CELLS)))
			return false;
	}
	return true;
}

/* What it says before what it is: all other columns yield to the message. */
static void draw_narrow(const struct view *view, struct canvas *canvas, struct rect rect)
{
	struct column narrow[ARRAY_LEN(columns)];
	struct table table = *(const struct table *)view->state;
	bool of_one = view->arg.subject[0] || view->arg.subject2[0];
	int others = of_one ? 2 : PIPELINE_NARROW + 3, left; /* the gutter and gaps */

	memcpy(narrow, columns, sizeof columns);
	table.columns = narrow;
	if (is_all_of_today(view)) {
		narrow[EVENT_COLUMN_TIME].min_width = narrow[EVENT_COLUMN_TIME].max_width = CLOCK_CELLS;
		narrow[EVENT_COLUMN_TIME].format = format_clock_of;
	}
	narrow[EVENT_COLUMN_LEVEL].flags |= COLUMN_HIDDEN;
	narrow[EVENT_COLUMN_TYPE].flags |= COLUMN_HIDDEN;
	narrow[EVENT_COLUMN_UPDATE].flags |= COLUMN_HIDDEN;
	narrow[EVENT_COLUMN_FLOW].flags |= COLUMN_HIDDEN;
	narrow[EVENT_COLUMN_PIPELINE].max_width = PIPELINE_NARROW;
	narrow[EVENT_COLUMN_PIPELINE].grow = 0;
	if (of_one)
		narrow[EVENT_COLUMN_PIPELINE].flags |= COLUMN_HIDDEN;
	left = rect.cols - others - narrow[EVENT_COLUMN_TIME].max_width;
	narrow[EVENT_COLUMN_MESSAGE].min_width = left > rect.cols / 2 ? left : rect.cols / 2;
	narrow[EVENT_COLUMN_MESSAGE].format = format_message_narrow;
	table_draw(&table, canvas, rect, &view->look, true);
}

static void list_draw(const struct view *view, struct canvas *canvas, struct rect rect)
{
	struct table_form wide = { .column = EVENT_COLUMN_MESSAGE, .width = rect.cols / 2 };

	if (rect.cols >= WIDE_COLS)
		table_draw_form(view->state, &wide, canvas, rect, &view->look, true);
	else
		draw_narrow(view, canvas, rect);
}

static void events_draw(const struct view *view, struct canvas *canvas, struct rect rect)
{
	const struct events *events = view->state;
	struct sheet pane = pane_of(view);
	struct split split;
	int pane_rows;

	if (rect.rows > 4) {
		draw_head(view, canvas, rect);
		rect.row++;
		rect.rows--;
	}
	/*
	 * The log itself is what people look at: the pane takes a third at most. Nor does it shrink
	 * below what most events fill, else the list would jump by a row at every other step.
	 */
	pane_rows = sheet_height(&pane, rect.cols);
	pane_rows = pane_rows > PANE_USUAL ? pane_rows : PANE_USUAL;
	pane_rows = pane_rows < rect.rows / 3 ? pane_rows : rect.rows / 3;
	split = split_rows(rect, list_rows(&events->table), pane_rows);
	list_draw(view, canvas, split.list);
	(void)pane_draw(&pane, canvas, split.pane);
}

static int events_print_rows(const struct view *view)
{
	int rows = list_rows(view->state) + 1;

	return rows > 4 ? rows : 5;
}

static enum reply open_event(const struct view *view, struct app *app)
{
	const struct event_row *row = table_selected(view->state);
	struct view_arg arg = view->arg;

	if (!row)
		return REPLY_IGNORED;
	arg.number = row->k;
	arg_set(arg.label, row->type);
	app_open(app, "event", &arg);
	return REPLY_DONE;
}

static enum reply move(struct view *view, enum action action)
{
	struct events *events = view->state;
	const struct event_row *before = table_selected(&events->table), *row;
	enum reply reply = list_act(&events->table, action, view->rect.rows * 2 / 3, false);
	size_t place;

	row = table_selected(&events->table);
	if (reply != REPLY_DONE || !row || row == before)
		return reply;
	place = (size_t)(row - events->rows);
	events->unfollow = true;
	if ((place < WINDOW_MARGIN && events->more_before) ||
		(place + WINDOW_MARGIN > events->n && events->more_after)) {
		events->window = WINDOW_AROUND;
		events->center_k = row->k;
		return REPLY_STALE;
	}
	if (events->window == WINDOW_TAIL) {
		/* Stand still from now on: new events must not push this one away. */
		events->window = WINDOW_AROUND;
		events->center_k = row->k;
	}
	return REPLY_DONE;
}

static enum reply events_act(struct view *view, enum action action, struct app *app)
{
	static const enum event_level next_level[] = { LEVEL_INFO, LEVEL_INFO, LEVEL_WARN, LEVEL_ERROR,
		LEVEL_UNKNOWN };
	struct events *events = view->state;

	events->note = NULL;
	switch ((int)action) {
	case ACT_OPEN:
		return open_event(view, app);
	case ACT_NEXT_ERROR:
	case ACT_PREV_ERROR:
		events->jump += action == ACT_NEXT_ERROR ? 1 : -1;
		return REPLY_STALE;
	case ACT_LEVEL:
		events->least = next_level[events->least];
		return REPLY_STALE;
	case ACT_FOLLOW:
		events->unfollow = !events->unfollow;
		if (!events->unfollow)
			events->window = WINDOW_TAIL;
		return REPLY_STALE;
	case ACT_LAST:
		events->unfollow = false;
		events->window = WINDOW_TAIL;
		return REPLY_STALE;
	case ACT_FIRST:
		events->unfollow = true;
		events->window = WINDOW_START;
		(void)table_act(&events->table, ACT_FIRST, 1);
		return REPLY_STALE;
	default:
		return move(view, action);
	}
}

static bool events_subject(const struct view *view, struct subject *out)
{
	const struct event_row *row = table_selected(view->state);

	if (row)
		subject_set(out, "event", text_of(row->id), text_of(row->id));
	return row;
}

static bool events_json(const struct view *view, struct buf *out, struct err *err)
{
	const struct events *events = view->state;

	for (size_t i = 0; i < table_shown(&events->table); i++) {
		if (!json_put(out, event_json(table_row(&events->table, i)), true, err))
			return false;
	}
	return true;
}

static void events_filter(struct view *view, struct text filter, bool inverse)
{
	struct events *events = view->state;
	struct text fits = text_sub(filter, 0, FILTER_MAX - 1);

	if (fits.len)
		memcpy(events->filter, fits.bytes, fits.len);
	events->filter[fits.len] = '\0';
	events->inverse = inverse;
	list_filter(view, filter, inverse);
}

static const enum action actions[] = { ACT_OPEN, ACT_NEXT_ERROR, ACT_PREV_ERROR, ACT_LEVEL,
	ACT_FOLLOW, SCROLL_ACTIONS, ACT_NONE };

const struct view_ops events_view = {
	.name = "events",
	.title = "events",
	.about = "The event logs of all pipelines, merged by time; newest at the bottom.",
	.arg = "PIPELINE",
	.state_size = sizeof(struct events),
	.actions = actions,
	.open = events_open,
	.load = events_load,
	.draw = events_draw,
	.act = events_act,
	.subject = events_subject,
	.print_rows = events_print_rows,
	.json = events_json,
	.csv = list_csv,
	.filter = events_filter,
	.table = list_table,
	.close = list_close,
};
