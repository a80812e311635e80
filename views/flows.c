/* SPDX-License-Identifier: Apache-2.0 */
#include "views/views.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "views/runs.h"

enum { BAR_NARROW = 16, BAR_WIDE = 56, WIDE_COLS = 130 };

struct flows {
	struct table table;
	struct flow_rows rows;
};

static const struct flow_row *flow_of(const void *row)
{
	return &((const struct flow_line *)row)->flow;
}

static void format_state(const void *row, const struct look *look, struct line *line)
{
	line_look(line, look, run_state_look(flow_of(row)->state));
}

static int compare_state(const void *a, const void *b)
{
	return run_state_severity(flow_of(a)->state) - run_state_severity(flow_of(b)->state);
}

static void format_flow(const void *row, const struct look *look, struct line *line)
{
	line_name(line, look,
		look->raw ? flow_of(row)->flow : ((const struct flow_line *)row)->flow_shown);
}

static void format_dataset(const void *row, const struct look *look, struct line *line)
{
	const struct flow_row *flow = flow_of(row);

	if (look->raw)
		line_name(line, look, flow->dataset);
	else if (text_eq(flow->dataset, flow->flow))
		line_add(line, ROLE_DIM, TEXT("same"));
	else
		line_name(line, look, ((const struct flow_line *)row)->dataset_shown);
}

/* A flow that ended without saying so stops at its last event. */
static int64_t flow_end_ms(const struct flow_row *flow, int64_t now_ms)
{
	if (flow->ended_at_ms != TIME_UNKNOWN)
		return flow->ended_at_ms;
	return run_state_is_final(flow->state) ? flow->last_event_at_ms : now_ms;
}

static int64_t flow_begin_ms(const struct flow_row *flow)
{
	const int64_t at_ms[] = { flow->queued_at_ms, flow->planning_at_ms, flow->starting_at_ms,
		flow->running_at_ms };

	for (size_t i = 0; i < ARRAY_LEN(at_ms); i++) {
		if (at_ms[i] != TIME_UNKNOWN)
			return at_ms[i];
	}
	return TIME_UNKNOWN; /* skipped, or met in its middle */
}

static struct phases phases_of(const struct flow_line *line, int64_t now_ms)
{
	const struct flow_row *flow = &line->flow;

	return (struct phases){
		.at_ms = { flow->queued_at_ms, flow->planning_at_ms, flow->starting_at_ms,
			flow->running_at_ms },
		.end_ms = flow_end_ms(flow, now_ms),
		.scale_from_ms = line->scale_from_ms,
		.scale_ms = line->scale_ms,
		.failed = flow->state == RUN_FAILED,
	};
}

static void format_gantt(const void *row, const struct look *look, struct line *line, int cells)
{
	struct phases phases = phases_of(row, look->now_ms);

	line_phases(line, look, &phases, cells);
}

static void format_bar_narrow(const void *row, const struct look *look, struct line *line)
{
	format_gantt(row, look, line, BAR_NARROW);
}

static void format_bar_wide(const void *row, const struct look *look, struct line *line)
{
	format_gantt(row, look, line, BAR_WIDE);
}

static void format_took(const void *row, const struct look *look, struct line *line)
{
	const struct flow_row *flow = flow_of(row);

	line_add(line, run_state_is_final(flow->state) ? ROLE_TEXT : ROLE_RUNNING,
		format_duration(look, span_ms(flow_begin_ms(flow), flow_end_ms(flow, look->now_ms))));
}

static int compare_took(const void *a, const void *b)
{
	const struct flow_row *left = flow_of(a), *right = flow_of(b);

	return compare_i64(span_ms(flow_begin_ms(left), flow_end_ms(left, TIME_UNKNOWN)),
		span_ms(flow_begin_ms(right), flow_end_ms(right, TIME_UNKNOWN)));
}

static void format_rows(const void *row, const struct look *look, struct line *line)
{
	line_count(line, look, flow_of(row)->written_rows);
}

static int compare_rows(const void *a, const void *b)
{
	return compare_i64(flow_of(a)->written_rows, flow_of(b)->written_rows);
}

static void format_dropped(const void *row, const struct look *look, struct line *line)
{
	line_count(line, look, flow_of(row)->dropped);
}

static int compare_dropped(const void *a, const void *b)
{
	return compare_i64(flow_of(a)->dropped, flow_of(b)->dropped);
}

static void format_error(const void *row, const struct look *look, struct line *line)
{
	const struct flow_row *flow = flow_of(row);

	(void)look; /* no error is no dash: nothing is unknown */
	if (flow->error_class.len)
		line_add(line, ROLE_FAILED, flow->error_class);
	else if (flow->error_message.len)
		line_add(line, ROLE_FAILED, flow->error_message);
}

static void format_backlog(const void *row, const struct look *look, struct line *line)
{
	line_add(line, ROLE_TEXT, format_bytes(look, flow_of(row)->backlog_bytes));
}

static int compare_backlog(const void *a, const void *b)
{
	return compare_i64(flow_of(a)->backlog_bytes, flow_of(b)->backlog_bytes);
}

static void format_batches(const void *row, const struct look *look, struct line *line)
{
	line_count(line, look, flow_of(row)->batches);
}

static int compare_batches(const void *a, const void *b)
{
	return compare_i64(flow_of(a)->batches, flow_of(b)->batches);
}

enum { COLUMN_BAR = 2 };
static const struct column columns[] = {
	{ "state", "STATE", "State of the flow", 11, 14, 0, 0, COLUMN_DESCENDING, format_state,
		compare_state },
	{ "flow", "FLOW", "Name of the flow", 20, 48, 3, 0, COLUMN_TAIL, format_flow, NULL },
	{ "gantt", "QUEUED TO ENDED", "Queued, planning, starting, running, on the update's time scale",
		BAR_NARROW, BAR_NARROW, 0, 2, COLUMN_NO_SORT | COLUMN_NO_EXPORT, format_bar_narrow,
		NULL },
	{ "took", "TOOK", "From queued to its end, or to now", 6, 8, 0, 0,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_took, compare_took },
	{ "rows", "ROWS", "Rows written: output, upserted and deleted", 9, 14, 0, 0,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_rows, compare_rows },
	{ "dropped", "DROPPED", "Rows dropped by rules", 7, 12, 0, 1, COLUMN_RIGHT | COLUMN_DESCENDING,
		format_dropped, compare_dropped },
	{ "error", "ERROR", "Class of its error", 8, 40, 2, 3, 0, format_error, NULL },
	{ "backlog", "BACKLOG", "Bytes waiting after the newest batch", 8, 10, 0, 4,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_backlog, compare_backlog },
	{ "batches", "BATCHES", "Micro-batches that reported", 7, 8, 0, 5,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_batches, compare_batches },
	{ "dataset", "DATASET", "What it writes, where that has another name than the flow", 7, 40, 1, 6,
		COLUMN_TAIL, format_dataset, NULL },
};

static struct text row_key(const void *row)
{
	return flow_of(row)->flow;
}

void flows_table(struct table *table)
{
	*table = (struct table){
		.columns = columns,
		.ncolumns = ARRAY_LEN(columns),
		.row_size = sizeof(struct flow_line),
		.key = row_key,
		.empty = "no flow has been seen",
	};
	table_init(table);
}

void flows_draw(const struct table *table, struct canvas *canvas, struct rect rect,
	const struct look *look, bool focused)
{
	static const struct table_form wide = { COLUMN_BAR, BAR_WIDE, format_bar_wide };

	if (rect.cols >= WIDE_COLS)
		table_draw_form(table, &wide, canvas, rect, look, focused);
	else
		table_draw(table, canvas, rect, look, focused);
}

/* Failed flows first, the rest in order of start. */
static int worst_first(const void *a, const void *b)
{
	const struct flow_row *left = flow_of(a), *right = flow_of(b);
	int failed = (right->state == RUN_FAILED) - (left->state == RUN_FAILED);
	int64_t left_ms = flow_begin_ms(left), right_ms = flow_begin_ms(right);
	int begin = compare_i64(left_ms != TIME_UNKNOWN ? left_ms : left->last_event_at_ms,
		right_ms != TIME_UNKNOWN ? right_ms : right->last_event_at_ms);

	if (failed)
		return failed;
	return begin ? begin : text_cmp(left->flow, right->flow);
}

size_t flow_lines(struct arena *arena, const struct flow_rows *rows, int64_t now_ms,
	struct flow_line **lines_out)
{
	struct flow_line *lines = ARENA_ARRAY(arena, struct flow_line, rows->n + 1);
	int64_t from_ms = INT64_MAX, to_ms = TIME_UNKNOWN;
	struct shared_head head = { .differs = false };

	for (size_t i = 0; i < rows->n; i++) {
		shared_add(&head, rows->rows[i].flow);
		if (rows->rows[i].dataset.bytes)
			shared_add(&head, rows->rows[i].dataset);
	}
	for (size_t i = 0; i < rows->n; i++) {
		int64_t begin_ms = flow_begin_ms(&rows->rows[i]);
		int64_t end_ms = flow_end_ms(&rows->rows[i], now_ms);

		lines[i].flow = rows->rows[i];
		lines[i].flow_shown = shared_cut(&head, rows->rows[i].flow);
		lines[i].dataset_shown = shared_cut(&head, rows->rows[i].dataset);
		if (begin_ms != TIME_UNKNOWN && begin_ms < from_ms)
			from_ms = begin_ms;
		to_ms = end_ms > to_ms ? end_ms : to_ms;
	}
	for (size_t i = 0; i < rows->n; i++) {
		lines[i].scale_from_ms = from_ms == INT64_MAX ? 0 : from_ms;
		lines[i].scale_ms = from_ms == INT64_MAX || to_ms <= from_ms ? 1 : to_ms - from_ms;
	}
	qsort(lines, rows->n, sizeof(*lines), worst_first);
	*lines_out = lines;
	return rows->n;
}

static bool flows_open(struct view *view, struct err *err)
{
	(void)err;
	flows_table(&((struct flows *)view->state)->table);
	return true;
}

static bool flows_load(struct view *view, struct reader *reader, struct err *err)
{
	struct flows *flows = view->state;
	struct flow_rows rows;
	struct flow_line *lines;
	size_t n;

	if (!flows_list(reader, &view->arena, text_of(view->arg.subject), &rows, err))
		return false;
	n = flow_lines(&view->arena, &rows, view->look.now_ms, &lines);
	flows->rows = rows;
	table_set_rows(&flows->table, lines, n, &view->look);
	return true;
}

static void sheet_count(struct sheet *sheet, const struct look *look, const char *label, int64_t n,
	const char *unit)
{
	struct text count = format_count(look, n);

	if (n != FACT_UNKNOWN)
		sheet_addf(sheet, label, ROLE_TEXT, "%.*s %s", TEXT_ARG(count), unit);
}

static struct sheet pane_of(const struct view *view)
{
	static const char *const names[PHASES] = { "queued", "planning", "starting", "running" };
	const struct flow_line *line = table_selected(view->state);
	const struct look *look = &view->look;
	struct sheet sheet = { .arena = look->arena };
	const struct flow_row *flow;
	struct phases phases;

	if (!line)
		return sheet;
	flow = &line->flow;
	phases = phases_of(line, look->now_ms);
	sheet_heading(&sheet, arena_printf(look->arena, "flow %.*s", TEXT_ARG(flow->flow)));
	sheet_add(&sheet, "phases", ROLE_TEXT, phases_text(look, &phases, names));
	if (flow->error_message.len)
		sheet_add(&sheet, "error", ROLE_FAILED, flow->error_message);
	sheet_count(&sheet, look, "output", flow->output_rows, "rows");
	sheet_count(&sheet, look, "upserted", flow->upserted_rows, "rows");
	sheet_count(&sheet, look, "deleted", flow->deleted_rows, "rows");
	sheet_count(&sheet, look, "dropped", flow->dropped, "rows");
	if (flow->backlog_bytes != FACT_UNKNOWN)
		sheet_add(&sheet, "backlog", ROLE_TEXT, format_bytes(look, flow->backlog_bytes));
	sheet_count(&sheet, look, "backlog", flow->backlog_records, "records");
	sheet_count(&sheet, look, "backlog", flow->backlog_files, "files");
	sheet_count(&sheet, look, "backlog", flow->backlog_seconds, "s");
	if (flow->attempts > 1)
		sheet_addf(&sheet, "attempts", ROLE_WARN, "%d within this update", flow->attempts);
	return sheet;
}

static void flows_view_draw(const struct view *view, struct canvas *canvas, struct rect rect)
{
	const struct flows *flows = view->state;
	struct sheet pane = pane_of(view);
	struct split split =
		split_rows(rect, list_rows(&flows->table), sheet_height(&pane, rect.cols));

	flows_draw(&flows->table, canvas, split.list, &view->look, true);
	(void)pane_draw(&pane, canvas, split.pane);
}

static enum reply flows_act(struct view *view, enum action action, struct app *app)
{
	struct flows *flows = view->state;
	struct view_arg arg = { .number = 0 };
	const struct flow_line *line = table_selected(&flows->table);

	if (action != ACT_OPEN_EVENTS)
		return list_act(&flows->table, action, view->rect.rows, false);
	if (!line)
		return REPLY_IGNORED;
	arg_set(arg.subject2, text_of(view->arg.subject));
	app_open(app, "events", &arg);
	return REPLY_DONE;
}

static bool flows_subject(const struct view *view, struct subject *out)
{
	const struct flow_line *line = table_selected(view->state);

	if (line)
		subject_set(out, "flow", line->flow.flow, line->flow.flow);
	return line;
}

static json_t *flow_json(const struct flow_row *flow)
{
	return json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
			"s:o, s:o, s:o, s:o, s:o, s:i, s:o, s:o}",
		"flow", json_text_or_null(flow->flow),
		"dataset", json_text_or_null(flow->dataset),
		"state", run_state_name(flow->state),
		"flow_type", json_text_or_null(flow->flow_type),
		"queued_at_ms", json_number_or_null(flow->queued_at_ms),
		"planning_at_ms", json_number_or_null(flow->planning_at_ms),
		"starting_at_ms", json_number_or_null(flow->starting_at_ms),
		"running_at_ms", json_number_or_null(flow->running_at_ms),
		"ended_at_ms", json_number_or_null(flow->ended_at_ms),
		"last_event_at_ms", json_number_or_null(flow->last_event_at_ms),
		"output_rows", json_number_or_null(flow->output_rows),
		"upserted_rows", json_number_or_null(flow->upserted_rows),
		"deleted_rows", json_number_or_null(flow->deleted_rows),
		"written_rows", json_number_or_null(flow->written_rows),
		"dropped", json_number_or_null(flow->dropped),
		"backlog_bytes", json_number_or_null(flow->backlog_bytes),
		"backlog_records", json_number_or_null(flow->backlog_records),
		"backlog_files", json_number_or_null(flow->backlog_files),
		"backlog_seconds", json_number_or_null(flow->backlog_seconds),
		"batches", json_number_or_null(flow->batches),
		"attempts", flow->attempts,
		"error_class", json_text_or_null(flow->error_class),
		"error_message", json_text_or_null(flow->error_message));
}

static bool flows_json(const struct view *view, struct buf *out, struct err *err)
{
	const struct flows *flows = view->state;
	json_t *list = json_array();

	for (size_t i = 0; i < table_shown(&flows->table); i++) {
		const struct flow_line *line = table_row(&flows->table, i);

		(void)json_array_append_new(list, flow_json(&line->flow));
	}
	return json_put(out, json_pack("{s:I, s:o, s:o, s:b}", "as_of",
		(json_int_t)view->look.now_ms, "update_id", json_text_or_null(text_of(view->arg.subject)),
		"flows", list, "more", flows->rows.more), false, err);
}

static const enum action actions[] = { ACT_OPEN_EVENTS, TABLE_ACTIONS, ACT_NONE };

const struct view_ops flows_view = {
	.name = "flows",
	.title = "flows",
	.about = "Flows of an update: when each was queued, planned, started and ran, rows, errors.",
	.arg = "UPDATE",
	.arg_required = true,
	.state_size = sizeof(struct flows),
	.actions = actions,
	.open = flows_open,
	.load = flows_load,
	.draw = flows_view_draw,
	.act = flows_act,
	.subject = flows_subject,
	.print_rows = list_print_rows,
	.json = flows_json,
	.csv = list_csv,
	.filter = list_filter,
	.table = list_table,
	.close = list_close,
};
