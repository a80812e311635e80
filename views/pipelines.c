/* SPDX-License-Identifier: Apache-2.0 */
#include "views/views.h"

#include "base/clock.h"
#include "base/mem.h"
#include "views/runs.h"

enum { PANE_UPDATES = 40 };

struct pipelines {
	struct table table;
	struct pipeline_rows rows;
	struct table updates; /* of the selected pipeline */
	struct column update_columns[UPDATE_COLUMNS];
	struct err updates_err;
};

static const struct pipeline_row *pipeline_of(const void *row)
{
	return row;
}

static void format_state(const void *row, const struct look *look, struct line *line)
{
	line_look(line, look, run_state_look(pipeline_of(row)->latest.state));
}

static int compare_state(const void *a, const void *b)
{
	return run_state_severity(pipeline_of(a)->latest.state) -
		run_state_severity(pipeline_of(b)->latest.state);
}

static void format_pipeline(const void *row, const struct look *look, struct line *line)
{
	line_name(line, look, pipeline_of(row)->pipeline);
}

static void format_update(const void *row, const struct look *look, struct line *line)
{
	line_name(line, look, short_id(pipeline_of(row)->latest.update_id));
}

static void format_started(const void *row, const struct look *look, struct line *line)
{
	line_add(line, ROLE_TEXT, format_time(look, pipeline_of(row)->latest.created_at_ms));
}

static int compare_started(const void *a, const void *b)
{
	return compare_i64(pipeline_of(a)->latest.created_at_ms, pipeline_of(b)->latest.created_at_ms);
}

static int64_t latest_took_ms(const struct update_row *update, int64_t now_ms)
{
	return span_ms(update->created_at_ms,
		update->ended_at_ms != TIME_UNKNOWN ? update->ended_at_ms : now_ms);
}

static void format_took(const void *row, const struct look *look, struct line *line)
{
	const struct update_row *update = &pipeline_of(row)->latest;

	line_add(line, run_state_is_final(update->state) ? ROLE_TEXT : ROLE_RUNNING,
		format_duration(look, latest_took_ms(update, look->now_ms)));
}

static int compare_took(const void *a, const void *b)
{
	return compare_i64(latest_took_ms(&pipeline_of(a)->latest, TIME_UNKNOWN),
		latest_took_ms(&pipeline_of(b)->latest, TIME_UNKNOWN));
}

static void format_attempt(const void *row, const struct look *look, struct line *line)
{
	const struct pipeline_row *pipeline = pipeline_of(row);

	if (look->raw)
		line_addf(line, ROLE_TEXT, "%d", pipeline->attempts);
	else if (pipeline->attempts > 1)
		line_addf(line, ROLE_WARN, "%d%s", pipeline->attempts, ordinal_end(pipeline->attempts));
	else if (pipeline->attempts == 1)
		line_add(line, ROLE_DIM, TEXT("first"));
	else
		line_dash(line, look);
}

static int compare_attempt(const void *a, const void *b)
{
	return pipeline_of(a)->attempts - pipeline_of(b)->attempts;
}

static void format_rows(const void *row, const struct look *look, struct line *line)
{
	line_count(line, look, pipeline_of(row)->latest.rows_written);
}

static int compare_rows(const void *a, const void *b)
{
	return compare_i64(pipeline_of(a)->latest.rows_written, pipeline_of(b)->latest.rows_written);
}

static void format_dropped(const void *row, const struct look *look, struct line *line)
{
	line_count(line, look, pipeline_of(row)->latest.dropped);
}

static int compare_dropped(const void *a, const void *b)
{
	return compare_i64(pipeline_of(a)->latest.dropped, pipeline_of(b)->latest.dropped);
}

static void format_error(const void *row, const struct look *look, struct line *line)
{
	const struct update_row *update = &pipeline_of(row)->latest;

	(void)look; /* no error is no dash: nothing is unknown */
	if (update->error_class.len)
		line_add(line, ROLE_FAILED, update->error_class);
	else if (update->error_message.len)
		line_add(line, ROLE_FAILED, update->error_message);
}

static void format_cause(const void *row, const struct look *look, struct line *line)
{
	line_name(line, look, pipeline_of(row)->latest.cause);
}

static void format_id(const void *row, const struct look *look, struct line *line)
{
	line_name(line, look, pipeline_of(row)->pipeline_id);
}

static const struct column columns[] = {
	{ "state", "STATE", "State of the newest update", 14, 14, 0, 0, COLUMN_DESCENDING, format_state,
		compare_state },
	{ "pipeline", "PIPELINE", "Name of the pipeline", 14, 44, 3, 0, COLUMN_TAIL, format_pipeline, NULL },
	{ "update", "UPDATE", "Head of the newest update's id", 8, 8, 0, 2, 0, format_update, NULL },
	{ "started", "STARTED", "When the newest update was created", 15, 20, 0, 1, COLUMN_DESCENDING,
		format_started, compare_started },
	{ "took", "TOOK", "How long it took, or runs by now", 6, 8, 0, 0,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_took, compare_took },
	{ "attempt", "ATTEMPT", "Which attempt of its chain of retries", 7, 7, 0, 2, COLUMN_DESCENDING,
		format_attempt, compare_attempt },
	{ "rows", "ROWS", "Rows written by the newest update", 9, 14, 0, 1,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_rows, compare_rows },
	{ "dropped", "DROPPED", "Rows dropped by rules in the newest update", 8, 12, 0, 4,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_dropped, compare_dropped },
	{ "error", "ERROR", "Error class of the flow that failed first", 12, 50, 2, 3, 0, format_error,
		NULL },
	{ "cause", "CAUSE", "Why the newest update ran", 9, 20, 0, 5, 0, format_cause, NULL },
	{ "id", "ID", "The pipeline's id", 12, 36, 1, 6, 0, format_id, NULL },
};

static struct text row_key(const void *row)
{
	return pipeline_of(row)->pipeline_id;
}

static bool pipelines_open(struct view *view, struct err *err)
{
	struct pipelines *pipelines = view->state;

	(void)err;
	pipelines->table = (struct table){
		.columns = columns,
		.ncolumns = ARRAY_LEN(columns),
		.row_size = sizeof(struct pipeline_row),
		.key = row_key,
		.empty = "no pipeline has been seen yet; screen 0 shows the sources",
	};
	table_init(&pipelines->table);
	updates_table(&pipelines->updates, pipelines->update_columns, true);
	return true;
}

static void pipelines_close(struct view *view)
{
	struct pipelines *pipelines = view->state;

	table_done(&pipelines->table);
	table_done(&pipelines->updates);
}

static bool pipelines_load(struct view *view, struct reader *reader, struct err *err)
{
	struct pipelines *pipelines = view->state;
	struct update_rows updates = { NULL, 0, false };
	const struct pipeline_row *selected;
	struct pipeline_rows rows;
	struct update_line *lines;
	size_t n;

	if (!pipelines_list(reader, &view->arena, &rows, err))
		return false;
	pipelines->rows = rows;
	table_set_rows(&pipelines->table, rows.rows, rows.n, &view->look);
	selected = table_selected(&pipelines->table);
	/* From here on the new rows are in use: a pane that cannot be had does not undo them. */
	pipelines->updates.empty = "no update has been seen";
	if (selected && !updates_list(reader, &view->arena, selected->pipeline_id, PANE_UPDATES,
			&updates, &pipelines->updates_err))
		pipelines->updates.empty = pipelines->updates_err.text;
	n = update_lines(&view->arena, &updates, TEXT_NONE, view->look.now_ms, &lines);
	table_set_rows(&pipelines->updates, lines, n, &view->look);
	return true;
}

static struct sheet pane_of(const struct view *view)
{
	const struct pipeline_row *selected = table_selected(view->state);
	struct sheet sheet = { .arena = view->look.arena };

	if (!selected)
		return sheet;
	sheet_heading(&sheet, arena_printf(view->look.arena, "updates of %.*s",
		TEXT_ARG(selected->pipeline)));
	return sheet;
}

static void pipelines_draw(const struct view *view, struct canvas *canvas, struct rect rect)
{
	const struct pipelines *pipelines = view->state;
	struct sheet sheet = pane_of(view);
	int pane_rows = sheet_height(&sheet, rect.cols) + list_rows(&pipelines->updates);
	struct split split = split_rows(rect, list_rows(&pipelines->table), pane_rows);
	int used;

	table_draw(&pipelines->table, canvas, split.list, &view->look, true);
	used = pane_draw(&sheet, canvas, split.pane);
	split.pane.row += used;
	split.pane.rows -= used;
	if (split.pane.rows > 1)
		updates_draw(&pipelines->updates, canvas, split.pane, &view->look, false);
}

static enum reply pipelines_act(struct view *view, enum action action, struct app *app)
{
	struct pipelines *pipelines = view->state;
	const struct pipeline_row *row = table_selected(&pipelines->table);
	struct view_arg arg = { .number = 0 };

	if (action != ACT_OPEN && action != ACT_OPEN_EVENTS)
		return list_act(&pipelines->table, action, view->rect.rows, true);
	if (!row)
		return REPLY_IGNORED;
	arg_set(arg.subject, row->pipeline_id);
	arg_set(arg.label, row->pipeline);
	app_open(app, action == ACT_OPEN ? "updates" : "events", &arg);
	return REPLY_DONE;
}

static bool pipelines_subject(const struct view *view, struct subject *out)
{
	const struct pipeline_row *row = table_selected(view->state);

	if (row)
		subject_set(out, "pipeline", row->pipeline, row->pipeline_id);
	return row;
}

static bool pipelines_json(const struct view *view, struct buf *out, struct err *err)
{
	const struct pipelines *pipelines = view->state;
	json_t *list = json_array();

	for (size_t i = 0; i < table_shown(&pipelines->table); i++) {
		const struct pipeline_row *row = table_row(&pipelines->table, i);

		(void)json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:s, s:i, s:o, s:o}",
			"pipeline_id", json_text_or_null(row->pipeline_id),
			"pipeline", json_text_or_null(row->pipeline),
			"source", json_text_or_null(row->source),
			"state", run_state_name(row->latest.state),
			"attempts", row->attempts,
			"last_event_at_ms", json_number_or_null(row->last_event_at_ms),
			"latest", row->latest.update_id.len ? update_json(&row->latest) : json_null()));
	}
	return json_put_list(out, view, "pipelines", list, pipelines->rows.more, err);
}

static const enum action actions[] = { ACT_OPEN, ACT_OPEN_EVENTS, TABLE_ACTIONS, ACT_NONE };

const struct view_ops pipelines_view = {
	.name = "pipelines",
	.title = "pipelines",
	.about = "Pipelines and their newest update; Enter leads to updates, then to flows.",
	.state_size = sizeof(struct pipelines),
	.actions = actions,
	.open = pipelines_open,
	.load = pipelines_load,
	.draw = pipelines_draw,
	.act = pipelines_act,
	.subject = pipelines_subject,
	.print_rows = list_print_rows,
	.json = pipelines_json,
	.csv = list_csv,
	.filter = list_filter,
	.table = list_table,
	.close = pipelines_close,
};
