/* SPDX-License-Identifier: Apache-2.0 */
#include "views/views.h"

#include <limits.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "views/common.h"

/* How many failing pipelines get their failed flow looked up in one load. */
enum { CAUSES_MAX = 32, ATTEMPTS_BACK = 3 };

struct estate_row {
	struct pipeline_row pipeline;
	struct text failed_flow, error_class, error_message; /* root cause of the newest failure */
	int failed_attempt; /* which of the chain, while a later one runs; 0 = the newest update itself */
	int badness;
	size_t place; /* in the store's order, to keep it among equals */
};

struct estate {
	struct table table;
	struct estate_row *rows;
	size_t n;
	bool more;
};

static void format_state(const void *row, const struct look *look, struct line *line)
{
	const struct estate_row *estate = row;

	line_look(line, look, run_state_look(estate->pipeline.latest.state));
}

static int compare_state(const void *a, const void *b)
{
	const struct estate_row *left = a, *right = b;

	return compare_i64(left->badness, right->badness);
}

static void format_pipeline(const void *row, const struct look *look, struct line *line)
{
	const struct estate_row *estate = row;

	line_name(line, look, estate->pipeline.pipeline);
}

static void format_strip(const void *row, const struct look *look, struct line *line)
{
	const struct pipeline_row *pipeline = &((const struct estate_row *)row)->pipeline;

	/* Newest at the right end, whatever the number of updates. */
	for (size_t i = pipeline->nstrip; i < STRIP_MAX; i++)
		line_add(line, ROLE_DIM, TEXT(" "));
	for (size_t i = 0; i < pipeline->nstrip; i++)
		line_glyph(line, look, run_state_look(pipeline->strip[i]));
}

static void format_complete(const void *row, const struct look *look, struct line *line)
{
	const struct pipeline_row *pipeline = &((const struct estate_row *)row)->pipeline;

	line_complete(line, look, pipeline->published, pipeline->input);
}

static int compare_complete(const void *a, const void *b)
{
	const struct pipeline_row *left = &((const struct estate_row *)a)->pipeline;
	const struct pipeline_row *right = &((const struct estate_row *)b)->pipeline;

	return compare_double(share_pct(left->published, left->input),
		share_pct(right->published, right->input));
}

static void format_fresh(const void *row, const struct look *look, struct line *line)
{
	const struct pipeline_row *pipeline = &((const struct estate_row *)row)->pipeline;

	if (pipeline->last_written_at_ms == TIME_UNKNOWN) {
		line_dash(line, look);
		return;
	}
	if (look->raw || !pipeline_is_stale(pipeline, look->now_ms)) {
		line_add(line, ROLE_TEXT, format_age(look, pipeline->last_written_at_ms));
		return;
	}
	line_addf(line, ROLE_STALE, "stale %.*s",
		TEXT_ARG(format_age(look, pipeline->last_written_at_ms)));
}

static void format_fresh_wide(const void *row, const struct look *look, struct line *line)
{
	const struct pipeline_row *pipeline = &((const struct estate_row *)row)->pipeline;

	format_fresh(row, look, line);
	if (pipeline_is_stale(pipeline, look->now_ms))
		line_addf(line, ROLE_DIM, " (usually %.*s)",
			TEXT_ARG(format_age(look, look->now_ms - pipeline->usual_gap_ms)));
}

static int compare_fresh(const void *a, const void *b)
{
	const struct estate_row *left = a, *right = b;

	return compare_i64(left->pipeline.last_written_at_ms, right->pipeline.last_written_at_ms);
}

/* The oldest of the moments this line speaks of. */
static int64_t oldest_at_ms(const struct pipeline_row *pipeline)
{
	return pipeline->last_event_at_ms;
}

static void format_oldest(const void *row, const struct look *look, struct line *line)
{
	line_age(line, look, oldest_at_ms(&((const struct estate_row *)row)->pipeline));
}

static int compare_oldest(const void *a, const void *b)
{
	const struct estate_row *left = a, *right = b;

	return compare_i64(oldest_at_ms(&left->pipeline), oldest_at_ms(&right->pipeline));
}

static void format_attempts(const void *row, const struct look *look, struct line *line)
{
	const struct pipeline_row *pipeline = &((const struct estate_row *)row)->pipeline;

	if (pipeline->attempts <= 0)
		line_dash(line, look);
	else
		line_addf(line, pipeline->attempts > 1 ? ROLE_WARN : ROLE_DIM, "%d", pipeline->attempts);
}

static int compare_attempts(const void *a, const void *b)
{
	const struct estate_row *left = a, *right = b;

	return compare_i64(left->pipeline.attempts, right->pipeline.attempts);
}

static void format_quarantined(const void *row, const struct look *look, struct line *line)
{
	line_count(line, look, ((const struct estate_row *)row)->pipeline.quarantined);
}

static int compare_quarantined(const void *a, const void *b)
{
	const struct estate_row *left = a, *right = b;

	return compare_i64(left->pipeline.quarantined, right->pipeline.quarantined);
}

static void format_input(const void *row, const struct look *look, struct line *line)
{
	line_count(line, look, ((const struct estate_row *)row)->pipeline.input);
}

static int compare_input(const void *a, const void *b)
{
	const struct estate_row *left = a, *right = b;

	return compare_i64(left->pipeline.input, right->pipeline.input);
}

static void format_source(const void *row, const struct look *look, struct line *line)
{
	line_name(line, look, ((const struct estate_row *)row)->pipeline.source);
}

enum { COLUMN_FRESH = 4, FRESH_WIDE = 26, WIDE_COLS = 100 };
static const struct column columns[] = {
	{ "state", "STATE", "State of the newest update", 14, 14, 0, 0, COLUMN_DESCENDING,
		format_state, compare_state },
	{ "pipeline", "PIPELINE", "Name of the pipeline", 15, 40, 4, 0, COLUMN_TAIL, format_pipeline, NULL },
	{ "updates", "LAST 20 UPDATES", "How the last 20 updates ended, newest right; a chain of "
		"retries is one", STRIP_MAX, STRIP_MAX, 0, 2, COLUMN_NO_SORT | COLUMN_NO_EXPORT,
		format_strip, NULL },
	{ "complete", "COMPLETE", "Published rows of input rows, over datasets that told both", 8, 8, 0,
		0, COLUMN_RIGHT, format_complete, compare_complete },
	{ "written", "WRITTEN", "How long ago rows were last written; stale past twice its usual gap",
		11, 14, 0, 1, 0, format_fresh, compare_fresh },
	{ "age", "HEARD", "How long ago its log last told anything", 6, 7, 0, 3, COLUMN_RIGHT,
		format_oldest, compare_oldest },
	{ "attempts", "TRIES", "Attempts in the newest chain of retries", 5, 5, 0, 4,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_attempts, compare_attempts },
	{ "quarantined", "QUARANTINED", "Rows set aside instead of published", 11, 16, 0, 5,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_quarantined, compare_quarantined },
	{ "input", "INPUT ROWS", "Rows read by datasets that told published and quarantined rows", 11,
		16, 0, 6, COLUMN_RIGHT | COLUMN_DESCENDING, format_input, compare_input },
	{ "source", "SOURCE", "Where it was read", 10, 24, 1, 7, 0, format_source, NULL },
};

static struct text row_key(const void *row)
{
	return ((const struct estate_row *)row)->pipeline.pipeline_id;
}

static bool estate_open(struct view *view, struct err *err)
{
	struct estate *estate = view->state;

	(void)err;
	estate->table = (struct table){
		.columns = columns,
		.ncolumns = ARRAY_LEN(columns),
		.row_size = sizeof(struct estate_row),
		.key = row_key,
		.empty = "no pipeline has been seen yet; screen 0 shows the sources",
	};
	table_init(&estate->table);
	return true;
}

static int worst_first(const void *a, const void *b)
{
	const struct estate_row *left = a, *right = b;

	if (left->badness != right->badness)
		return right->badness - left->badness;
	return (left->place > right->place) - (left->place < right->place);
}

/* While it is tried again, what failed is the attempt before. Unchanged: nothing has failed. */
static bool find_failed(struct view *view, struct reader *reader, const struct pipeline_row *pipeline,
	struct update_row *failed_out, struct err *err)
{
	const struct update_row *latest = &pipeline->latest;
	struct update_rows updates;

	if (latest->state == RUN_FAILED)
		*failed_out = *latest;
	if (pipeline->attempts <= 1 || run_state_is_final(latest->state))
		return true;
	if (!updates_list(reader, &view->arena, pipeline->pipeline_id, ATTEMPTS_BACK, &updates, err))
		return false;
	for (size_t i = 0; i < updates.n; i++) {
		if (updates.rows[i].state != RUN_FAILED ||
			!text_eq(updates.rows[i].chain_id, latest->chain_id))
			continue;
		*failed_out = updates.rows[i];
		break;
	}
	return true;
}

/* An update fails because a flow did: the flow's own words are the cause. */
static bool find_cause(struct view *view, struct reader *reader, struct estate_row *row,
	struct err *err)
{
	struct update_row failed = { .attempt = 0 };
	struct flow_rows flows;

	if (!find_failed(view, reader, &row->pipeline, &failed, err))
		return false;
	row->failed_attempt = row->pipeline.latest.state == RUN_FAILED ? 0 : failed.attempt;
	row->error_class = failed.error_class;
	row->error_message = failed.error_message;
	if (!failed.update_id.len)
		return true;
	if (!flows_list(reader, &view->arena, failed.update_id, &flows, err))
		return false;
	for (size_t i = 0; i < flows.n; i++) {
		const struct flow_row *flow = &flows.rows[i];

		if (flow->state != RUN_FAILED || !flow->error_message.len)
			continue;
		row->failed_flow = flow->flow;
		row->error_class = flow->error_class;
		row->error_message = flow->error_message;
		break;
	}
	return true;
}

static bool has_failed(const struct pipeline_row *pipeline)
{
	enum run_state state = pipeline->latest.state;

	return state == RUN_FAILED || (pipeline->attempts > 1 && !run_state_is_final(state));
}

static bool estate_load(struct view *view, struct reader *reader, struct err *err)
{
	struct estate *estate = view->state;
	struct pipeline_rows list;
	struct estate_row *rows;
	int causes = 0;

	if (!pipelines_list(reader, &view->arena, &list, err))
		return false;
	rows = ARENA_ARRAY(&view->arena, struct estate_row, list.n + 1);
	for (size_t i = 0; i < list.n; i++) {
		rows[i].pipeline = list.rows[i];
		rows[i].badness = pipeline_badness(&list.rows[i], view->look.now_ms);
		rows[i].place = i;
		if (!has_failed(&list.rows[i]) || ++causes > CAUSES_MAX)
			continue;
		if (!find_cause(view, reader, &rows[i], err))
			return false;
	}
	qsort(rows, list.n, sizeof(*rows), worst_first);
	estate->rows = rows;
	estate->n = list.n;
	estate->more = list.more;
	table_set_rows(&estate->table, rows, list.n, &view->look);
	return true;
}

static void sheet_latest(struct sheet *sheet, const struct look *look,
	const struct pipeline_row *pipeline)
{
	const struct update_row *update = &pipeline->latest;
	int64_t end_ms = update->ended_at_ms != TIME_UNKNOWN ? update->ended_at_ms : look->now_ms;
	struct text id = short_id(update->update_id);
	struct text at = format_clock(look, update->created_at_ms);
	struct text took = format_duration(look, span_ms(update->created_at_ms, end_ms));
	struct text cause = update->cause.len ? update->cause : TEXT("unknown cause");

	sheet_addf(sheet, "update", run_state_look(update->state)->role,
		"%.*s %s, started %.*s by %.*s, %s %.*s", TEXT_ARG(id), run_state_look(update->state)->word,
		TEXT_ARG(at), TEXT_ARG(cause), run_state_is_final(update->state) ? "took" : "for",
		TEXT_ARG(took));
	if (pipeline->attempts > 1)
		sheet_addf(sheet, "attempts", ROLE_WARN, "%d in this chain of retries",
			pipeline->attempts);
}

static void sheet_row_of(struct sheet *sheet, const struct look *look, const struct estate_row *row)
{
	const char *label = row->failed_attempt ? "last failure" : "root cause";

	sheet_heading(sheet, arena_printf(look->arena, "%.*s", TEXT_ARG(row->pipeline.pipeline)));
	sheet_latest(sheet, look, &row->pipeline);
	if (row->failed_flow.len && row->failed_attempt)
		sheet_addf(sheet, label, ROLE_FAILED, "flow %.*s failed in attempt %d",
			TEXT_ARG(row->failed_flow), row->failed_attempt);
	else if (row->failed_flow.len)
		sheet_addf(sheet, label, ROLE_FAILED, "flow %.*s failed", TEXT_ARG(row->failed_flow));
	if (row->error_message.len)
		sheet_add(sheet, row->failed_flow.len ? "" : label, ROLE_TEXT, row->error_message);
	if (row->pipeline.input != FACT_UNKNOWN) {
		struct text published = format_count(look, row->pipeline.published);
		struct text input = format_count(look, row->pipeline.input);
		struct text quarantined = format_count(look, row->pipeline.quarantined);
		struct text share = format_share(look, row->pipeline.published, row->pipeline.input);

		sheet_addf(sheet, "completeness",
			share_role(share_grade(row->pipeline.published, row->pipeline.input)),
			"%.*s: %.*s of %.*s rows published, %.*s quarantined", TEXT_ARG(share),
			TEXT_ARG(published), TEXT_ARG(input), TEXT_ARG(quarantined));
	}
	if (pipeline_is_stale(&row->pipeline, look->now_ms)) {
		struct text at = format_time(look, row->pipeline.last_written_at_ms);
		struct text gap = format_age(look, look->now_ms - row->pipeline.usual_gap_ms);

		sheet_addf(sheet, "stale", ROLE_STALE, "no rows since %.*s, usually every %.*s",
			TEXT_ARG(at), TEXT_ARG(gap));
	}
}

/* The selected pipeline, then with height to spare whatever else is wrong, as far as `rows` can show it. */
static struct sheet pane_of(const struct view *view, int rows)
{
	const struct estate *estate = view->state;
	const struct estate_row *selected = table_selected(&estate->table);
	struct sheet sheet = { .arena = view->look.arena };

	if (selected)
		sheet_row_of(&sheet, &view->look, selected);
	for (size_t i = 0; i < table_shown(&estate->table) && sheet.n <= (size_t)rows; i++) {
		const struct estate_row *row = table_row(&estate->table, i);

		if (row != selected && row->badness > 0)
			sheet_row_of(&sheet, &view->look, row);
	}
	return sheet;
}

static void estate_draw(const struct view *view, struct canvas *canvas, struct rect rect)
{
	static const struct table_form wide = { COLUMN_FRESH, FRESH_WIDE, format_fresh_wide };
	struct sheet pane = pane_of(view, rect.rows + SHEET_MORE_MAX);

	list_over_pane(view, &wide, rect.cols >= WIDE_COLS, &pane, canvas, rect);
}

static int estate_print_rows(const struct view *view)
{
	struct sheet pane = pane_of(view, INT_MAX - SHEET_MORE_MAX);

	return list_rows(view->state) + sheet_height(&pane, view->rect.cols ? view->rect.cols : 80);
}

static enum reply estate_act(struct view *view, enum action action, struct app *app)
{
	struct estate *estate = view->state;
	const struct estate_row *row = table_selected(&estate->table);
	struct view_arg arg = { .number = 0 };

	if (action != ACT_OPEN && action != ACT_OPEN_EVENTS)
		return list_act(&estate->table, action, view->rect.rows, false);
	if (!row)
		return REPLY_IGNORED;
	arg_set(arg.subject, row->pipeline.pipeline_id);
	arg_set(arg.label, row->pipeline.pipeline);
	app_open(app, action == ACT_OPEN ? "updates" : "events", &arg);
	return REPLY_DONE;
}

static bool estate_subject(const struct view *view, struct subject *out)
{
	const struct estate_row *row = table_selected(&((struct estate *)view->state)->table);

	if (row)
		subject_set(out, "pipeline", row->pipeline.pipeline, row->pipeline.pipeline_id);
	return row;
}

static json_t *row_json(const struct estate_row *row, const struct look *look)
{
	const struct pipeline_row *pipeline = &row->pipeline;
	json_t *strip = json_array();

	for (size_t i = 0; i < pipeline->nstrip; i++)
		(void)json_array_append_new(strip, json_string(run_state_name(pipeline->strip[i])));
	return json_pack("{s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:b, "
			"s:o, s:o, s:o, s:o, s:o}",
		"pipeline_id", json_text_or_null(pipeline->pipeline_id),
		"pipeline", json_text_or_null(pipeline->pipeline),
		"source", json_text_or_null(pipeline->source),
		"update_id", json_text_or_null(pipeline->latest.update_id),
		"state", run_state_name(pipeline->latest.state),
		"started_at_ms", json_number_or_null(pipeline->latest.created_at_ms),
		"last_updates", strip,
		"attempts", pipeline->attempts,
		"input", json_number_or_null(pipeline->input),
		"published", json_number_or_null(pipeline->published),
		"quarantined", json_number_or_null(pipeline->quarantined),
		"completeness_pct", json_share(pipeline->published, pipeline->input),
		"last_written_at_ms", json_number_or_null(pipeline->last_written_at_ms),
		"usual_gap_ms", json_number_or_null(pipeline->usual_gap_ms),
		"is_stale", pipeline_is_stale(pipeline, look->now_ms),
		"last_event_at_ms", json_number_or_null(pipeline->last_event_at_ms),
		"last_seen_at_ms", json_number_or_null(pipeline->last_seen_at_ms),
		"failed_flow", json_text_or_null(row->failed_flow),
		"error_class", json_text_or_null(row->error_class),
		"error_message", json_text_or_null(row->error_message));
}

static bool estate_json(const struct view *view, struct buf *out, struct err *err)
{
	const struct estate *estate = view->state;
	json_t *list = json_array();

	for (size_t i = 0; i < table_shown(&estate->table); i++)
		(void)json_array_append_new(list, row_json(table_row(&estate->table, i), &view->look));
	return json_put_list(out, view, "pipelines", list, estate->more, err);
}

static const enum action actions[] = { ACT_OPEN, ACT_OPEN_EVENTS, TABLE_ACTIONS, ACT_NONE };

const struct view_ops estate_view = {
	.name = "estate",
	.title = "estate",
	.about = "One line a pipeline, worst first: state, last 20 updates, completeness, freshness.",
	.state_size = sizeof(struct estate),
	.actions = actions,
	.open = estate_open,
	.load = estate_load,
	.draw = estate_draw,
	.act = estate_act,
	.subject = estate_subject,
	.print_rows = estate_print_rows,
	.json = estate_json,
	.csv = list_csv,
	.filter = list_filter,
	.table = list_table,
	.close = list_close,
};
