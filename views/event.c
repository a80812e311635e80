/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/clock.h"
#include "views/events.h"
#include "views/jsontree.h"
#include "views/views.h"

enum { TITLE_FRAME = 5 /* cells of the rule around a title that fills it */ };

struct event {
	bool loaded;
	struct event_row row;
	struct raw_event raw;
	struct json_tree tree;
	bool raw_only; /* the tree takes the whole screen */
	int jump;
	int64_t k;
	const char *note;
};

static bool event_open(struct view *view, struct err *err)
{
	struct event *event = view->state;

	int64_t key;

	event->k = view->arg.number;
	/* From a command line: the key is the argument, not a pipeline. */
	if (text_to_i64(text_of(view->arg.subject), &key) && (key == event->k || !event->k)) {
		event->k = key;
		view->arg.subject[0] = '\0';
	}
	return event->k > 0 || err_set(err, ERR_USAGE, 0, "event wants the key of an event");
}

static void event_close(struct view *view)
{
	json_tree_done(&((struct event *)view->state)->tree);
}

static bool event_load(struct view *view, struct reader *reader, struct err *err)
{
	struct event *event = view->state;
	struct event_filter filter = { .limit = 1, .oldest_first = true };
	struct event_rows rows;
	struct raw_event raw;
	int64_t k = event->k;
	int jump = event->jump;

	event->jump = 0;
	if (jump) {
		struct event_filter scope = { .limit = 1 };

		if (view->arg.subject[0])
			scope.pipeline = text_of(view->arg.subject);
		if (view->arg.subject2[0])
			scope.update_id = text_of(view->arg.subject2);
		if (!event_find_error(reader, &view->arena, &scope, event->k, jump, &k, err))
			return false;
		event->note = k ? NULL : jump > 0 ? "no later error" : "no earlier error";
		k = k ? k : event->k;
	}
	filter.from_k = k - 1;
	if (!events_list(reader, &view->arena, &filter, &rows, err))
		return false;
	if (!rows.n || rows.rows[0].k != k)
		return err_set(err, ERR_ABSENT, 0, "this event is not in the store any more");
	if (!event_raw(reader, &view->arena, k, &raw, err))
		return false;
	event->loaded = true;
	event->k = k;
	event->row = rows.rows[0];
	event->raw = raw;
	json_tree_load(&event->tree, &view->arena, raw.json);
	return true;
}

/* Of a long place the end is kept: file and byte. */
static void draw_raw_title(const struct event *event, struct canvas *canvas, struct rect rect,
	const struct look *look)
{
	static const char *const words[] = {
		[RAW_STORE] = "raw JSON, kept in the store",
		[RAW_LOG] = "raw JSON, read from ",
		[RAW_GONE] = "raw gone: it was at ",
		[RAW_NEVER] = "no raw JSON: it was not kept and there is no pointer to it",
	};
	bool has_place = event->raw.place == RAW_LOG || event->raw.place == RAW_GONE;
	struct line line;

	line_init(&line, look->arena);
	line_addf(&line, ROLE_HEADING, "%s", words[event->raw.place]);
	if (has_place) {
		line_addf(&line, ROLE_HEADING, "%.*s", TEXT_ARG(event->raw.where));
		line_keep_tail(&line, rect.cols - TITLE_FRAME, look->ascii);
	}
	canvas_rule(canvas, rect.row, rect.col, rect.cols, line_text(&line));
}

static void event_draw(const struct view *view, struct canvas *canvas, struct rect rect)
{
	const struct event *event = view->state;
	struct sheet sheet = { .arena = view->look.arena };
	int height, used;

	if (!event->loaded)
		return;
	sheet_event(&sheet, &view->look, &event->row);
	if (event->note)
		sheet_add(&sheet, "", ROLE_WARN, text_of(event->note));
	height = event->raw_only ? 0 : sheet_height(&sheet, rect.cols);
	/* The fields are the answer; the tree gets what they leave, at least a third. */
	if (rect.rows > 6 && event->tree.n && height > rect.rows * 2 / 3)
		height = rect.rows * 2 / 3;
	if (height > rect.rows)
		height = rect.rows;
	used = sheet_draw(&sheet, canvas, (struct rect){ rect.row, rect.col, height, rect.cols }, 0);
	rect.row += used;
	rect.rows -= used;
	if (rect.rows <= 0)
		return;
	draw_raw_title(event, canvas, rect, &view->look);
	rect.row++;
	rect.rows--;
	json_tree_draw(&event->tree, canvas, rect, &view->look);
}

static int event_print_rows(const struct view *view)
{
	const struct event *event = view->state;
	struct sheet sheet = { .arena = view->look.arena };
	int cols = view->rect.cols ? view->rect.cols : 80;

	if (!event->loaded)
		return 1;
	sheet_event(&sheet, &view->look, &event->row);
	return 3 * sheet_height(&sheet, cols) / 2 + 2 + json_tree_height(&event->tree, cols);
}

static enum reply event_act(struct view *view, enum action action, struct app *app)
{
	struct event *event = view->state;
	struct view_arg arg = { .number = event->k };

	event->note = NULL;
	switch ((int)action) {
	case ACT_NEXT_ERROR:
	case ACT_PREV_ERROR:
		event->jump = action == ACT_NEXT_ERROR ? 1 : -1;
		return REPLY_STALE;
	case ACT_RAW:
		event->raw_only = !event->raw_only;
		return REPLY_DONE;
	case ACT_OPEN_EVENTS:
		app_open(app, "events", &arg);
		return REPLY_DONE;
	default:
		return json_tree_act(&event->tree, action, view->rect.rows / 2);
	}
}

static bool event_subject(const struct view *view, struct subject *out)
{
	const struct event *event = view->state;

	if (event->loaded)
		subject_set(out, "event", text_of(event->row.id), text_of(event->row.id));
	return event->loaded;
}

static bool event_view_json(const struct view *view, struct buf *out, struct err *err)
{
	const struct event *event = view->state;
	json_t *object;

	if (!event->loaded)
		return err_set(err, ERR_ABSENT, 0, "no event with this key");
	object = event_json(&event->row);
	(void)json_object_set_new(object, "raw", json_embedded(event->raw.json));
	return json_put(out, object, false, err);
}

static const enum action actions[] = { ACT_NEXT_ERROR, ACT_PREV_ERROR, ACT_RAW, ACT_OPEN_EVENTS,
	ACT_OPEN, ACT_RIGHT, ACT_LEFT, SCROLL_ACTIONS, ACT_NONE };

const struct view_ops event_view = {
	.name = "event",
	.title = "event",
	.about = "One event: its fields, and its raw JSON as a tree.",
	.arg = "KEY",
	.state_size = sizeof(struct event),
	.actions = actions,
	.open = event_open,
	.load = event_load,
	.draw = event_draw,
	.act = event_act,
	.subject = event_subject,
	.print_rows = event_print_rows,
	.json = event_view_json,
	.close = event_close,
};
