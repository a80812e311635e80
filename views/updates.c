/* SPDX-License-Identifier: Apache-2.0 */
#include "views/views.h"

#include "base/clock.h"
#include "base/mem.h"
#include "views/runs.h"

enum { UPDATES_MAX = 500, BAR_NARROW = 14, BAR_WIDE = 40, WIDE_COLS = 130 };

struct updates {
	struct table table;
	struct column columns[UPDATE_COLUMNS];
	struct update_rows rows;
	struct update_line *lines;
	size_t n; /* of the lines */
	struct table flows; /* of the selected update */
	struct err flows_err; /* why the pane is empty */
	char open_chain[VIEW_ARG_MAX];
};

static const struct update_row *update_of(const void *row)
{
	return &((const struct update_line *)row)->update;
}

static void format_state(const void *row, const struct look *look, struct line *line)
{
	line_look(line, look, run_state_look(update_of(row)->state));
}

static int compare_state(const void *a, const void *b)
{
	return run_state_severity(update_of(a)->state) - run_state_severity(update_of(b)->state);
}

static void format_id(const void *row, const struct look *look, struct line *line)
{
	line_name(line, look, short_id(update_of(row)->update_id));
}

static void format_pipeline(const void *row, const struct look *look, struct line *line)
{
	line_name(line, look, update_of(row)->pipeline);
}

static void format_started(const void *row, const struct look *look, struct line *line)
{
	line_add(line, ROLE_TEXT, format_time(look, update_of(row)->created_at_ms));
}

static int compare_started(const void *a, const void *b)
{
	return compare_i64(update_of(a)->created_at_ms, update_of(b)->created_at_ms);
}

/* An update that ended without saying so stops at its last event. */
static int64_t update_end_ms(const struct update_row *update, int64_t now_ms)
{
	if (update->ended_at_ms != TIME_UNKNOWN)
		return update->ended_at_ms;
	return run_state_is_final(update->state) ? update->last_event_at_ms : now_ms;
}

static void format_took(const void *row, const struct look *look, struct line *line)
{
	const struct update_row *update = update_of(row);
	int64_t end_ms = update_end_ms(update, look->now_ms);

	line_add(line, run_state_is_final(update->state) ? ROLE_TEXT : ROLE_RUNNING,
		format_duration(look, span_ms(update->created_at_ms, end_ms)));
}

static int compare_took(const void *a, const void *b)
{
	const struct update_row *left = update_of(a), *right = update_of(b);

	return compare_i64(span_ms(left->created_at_ms, update_end_ms(left, TIME_UNKNOWN)),
		span_ms(right->created_at_ms, update_end_ms(right, TIME_UNKNOWN)));
}

static struct phases phases_of(const struct update_row *update, int64_t scale_ms, int64_t now_ms)
{
	/* Created is waiting too: the platform has not begun. */
	return (struct phases){
		.at_ms = { update->created_at_ms != TIME_UNKNOWN ? update->created_at_ms
								 : update->waiting_at_ms,
			update->initializing_at_ms, update->setting_up_at_ms, update->running_at_ms },
		.end_ms = update_end_ms(update, now_ms),
		.scale_from_ms = update->created_at_ms != TIME_UNKNOWN ? update->created_at_ms
			: update->waiting_at_ms != TIME_UNKNOWN       ? update->waiting_at_ms
								      : update->initializing_at_ms,
		.scale_ms = scale_ms,
		.failed = update->state == RUN_FAILED,
	};
}

static void format_phases(const void *row, const struct look *look, struct line *line, int cells)
{
	const struct update_line *update = row;
	struct phases phases = phases_of(&update->update, update->scale_ms, look->now_ms);

	line_phases(line, look, &phases, cells);
}

static void format_bar_narrow(const void *row, const struct look *look, struct line *line)
{
	format_phases(row, look, line, BAR_NARROW);
}

static void format_bar_wide(const void *row, const struct look *look, struct line *line)
{
	format_phases(row, look, line, BAR_WIDE);
}

static void format_attempt(const void *row, const struct look *look, struct line *line)
{
	const struct update_line *update = row;

	if (look->raw) {
		line_addf(line, ROLE_TEXT, "%d", update->update.attempt);
	} else if (update->chain_attempts > 1) {
		line_add(line, ROLE_WARN, !update->newest ? TEXT(" ")
			: glyph_text(look, update->folded ? GLYPH_FOLDED : GLYPH_OPEN));
		line_addf(line, ROLE_WARN, " %d%s", update->update.attempt,
			ordinal_end(update->update.attempt));
	} else {
		line_add(line, ROLE_DIM, TEXT("first"));
	}
}

static int compare_attempt(const void *a, const void *b)
{
	return update_of(a)->attempt - update_of(b)->attempt;
}

static void format_flows(const void *row, const struct look *look, struct line *line)
{
	const struct update_row *update = update_of(row);

	if (update->flows == FACT_UNKNOWN) {
		line_dash(line, look);
		return;
	}
	if (update->flows_failed > 0 && !look->raw)
		line_addf(line, ROLE_FAILED, "%lld of ", (long long)update->flows_failed);
	line_count(line, look, update->flows);
	if (update->flows_failed > 0 && !look->raw)
		line_add(line, ROLE_FAILED, TEXT(" failed"));
}

static int compare_flows(const void *a, const void *b)
{
	return compare_i64(update_of(a)->flows_failed, update_of(b)->flows_failed);
}

static void format_rows(const void *row, const struct look *look, struct line *line)
{
	line_count(line, look, update_of(row)->rows_written);
}

static int compare_rows(const void *a, const void *b)
{
	return compare_i64(update_of(a)->rows_written, update_of(b)->rows_written);
}

static void format_dropped(const void *row, const struct look *look, struct line *line)
{
	line_count(line, look, update_of(row)->dropped);
}

static int compare_dropped(const void *a, const void *b)
{
	return compare_i64(update_of(a)->dropped, update_of(b)->dropped);
}

static void format_cause(const void *row, const struct look *look, struct line *line)
{
	const struct update_row *update = update_of(row);

	line_name(line, look, update->cause);
	if (update->full_refresh == 1)
		line_add(line, ROLE_WARN, TEXT(" full refresh"));
	if (update->validate_only == 1)
		line_add(line, ROLE_DIM, TEXT(" validate only"));
	if (update->explore_only == 1)
		line_add(line, ROLE_DIM, TEXT(" explore only"));
}

static void format_error(const void *row, const struct look *look, struct line *line)
{
	const struct update_row *update = update_of(row);

	if (update->error_class.len)
		line_add(line, ROLE_FAILED, update->error_class);
	else if (update->error_message.len)
		line_add(line, ROLE_FAILED, update->error_message);
	else
		(void)look; /* no error is no dash: nothing is unknown */
}

static const struct column columns[] = {
	{ "state", "STATE", "State of the update", 14, 14, 0, 0, COLUMN_DESCENDING, format_state,
		compare_state },
	{ "update", "UPDATE", "Head of the update's id", 8, 8, 0, 0, 0, format_id, NULL },
	{ "pipeline", "PIPELINE", "Name of the pipeline", 12, 30, 1, 1, COLUMN_TAIL, format_pipeline, NULL },
	{ "started", "STARTED", "When it was created", 15, 20, 0, 0, COLUMN_DESCENDING, format_started,
		compare_started },
	{ "took", "TOOK", "From created to its end, or to now", 6, 8, 0, 0,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_took, compare_took },
	{ "attempt", "ATTEMPT", "Retries of a failed update are one chain; right unfolds it", 7, 8, 0,
		1, COLUMN_DESCENDING, format_attempt, compare_attempt },
	{ "phases", "PHASES", "Waiting, initializing, setting up, running, on one scale", BAR_NARROW,
		BAR_NARROW, 0, 2, COLUMN_NO_SORT | COLUMN_NO_EXPORT, format_bar_narrow, NULL },
	{ "rows", "ROWS", "Rows written by its flows", 7, 14, 0, 1, COLUMN_RIGHT | COLUMN_DESCENDING,
		format_rows, compare_rows },
	{ "dropped", "DROPPED", "Rows dropped by rules", 7, 12, 0, 3, COLUMN_RIGHT | COLUMN_DESCENDING,
		format_dropped, compare_dropped },
	{ "flows", "FLOWS", "Flows, and how many failed", 5, 14, 0, 4, COLUMN_RIGHT | COLUMN_DESCENDING,
		format_flows, compare_flows },
	{ "cause", "CAUSE", "Why it ran", 9, 28, 0, 6, 0, format_cause, NULL },
	{ "error", "ERROR", "Error class of the flow that failed first", 12, 60, 2, 7, 0, format_error,
		NULL },
};

static struct text row_key(const void *row)
{
	return update_of(row)->update_id;
}

_Static_assert(ARRAY_LEN(columns) == UPDATE_COLUMNS, "room for every column");

void updates_table(struct table *table, struct column own[UPDATE_COLUMNS], bool one_pipeline)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		if (!one_pipeline || columns[i].format != format_pipeline)
			own[n++] = columns[i];
	}
	*table = (struct table){
		.columns = own,
		.ncolumns = n,
		.row_size = sizeof(struct update_line),
		.key = row_key,
		.empty = "no update has been seen",
	};
	table_init(table);
}

void updates_draw(const struct table *table, struct canvas *canvas, struct rect rect,
	const struct look *look, bool focused)
{
	struct table_form wide = { 0, BAR_WIDE, format_bar_wide };

	while (wide.column + 1 < table->ncolumns &&
		table->columns[wide.column].format != format_bar_narrow)
		wide.column++;
	if (rect.cols >= WIDE_COLS)
		table_draw_form(table, &wide, canvas, rect, look, focused);
	else
		table_draw(table, canvas, rect, look, focused);
}

static struct text chain_of(const struct update_row *update)
{
	return update->chain_id.len ? update->chain_id : update->update_id;
}

/* The line of the newest attempt of an update's chain, NULL if none is listed yet. */
static struct update_line *find_chain(struct update_line *lines, size_t n,
	const struct update_row *update)
{
	for (size_t i = n; i > 0; i--) {
		struct update_line *line = &lines[i - 1];

		if (line->newest && text_eq(chain_of(&line->update), chain_of(update)) &&
			text_eq(line->update.pipeline_id, update->pipeline_id))
			return line;
	}
	return NULL;
}

size_t update_lines(struct arena *arena, const struct update_rows *rows, struct text open_chain,
	int64_t now_ms, struct update_line **lines_out)
{
	struct update_line *lines = ARENA_ARRAY(arena, struct update_line, rows->n + 1);
	int64_t scale_ms = 1;
	size_t n = 0;

	for (size_t i = 0; i < rows->n; i++) {
		const struct update_row *update = &rows->rows[i];
		int64_t took_ms = span_ms(update->created_at_ms, update_end_ms(update, now_ms));
		struct update_line *newest = find_chain(lines, n, update); /* rows are newest first */

		scale_ms = took_ms > scale_ms ? took_ms : scale_ms;
		if (!newest)
			lines[n++] = (struct update_line){ .update = *update, .newest = true,
				.chain_attempts = update->attempt };
		else if (text_eq(chain_of(update), open_chain))
			lines[n++] = (struct update_line){ .update = *update,
				.chain_attempts = newest->chain_attempts };
		else
			newest->folded = true;
	}
	for (size_t i = 0; i < n; i++)
		lines[i].scale_ms = scale_ms;
	*lines_out = lines;
	return n;
}

static bool updates_open(struct view *view, struct err *err)
{
	struct updates *updates = view->state;

	(void)err;
	updates_table(&updates->table, updates->columns, view->arg.subject[0]);
	if (view->arg.subject[0])
		updates->table.empty = "no update of a pipeline of this name or id has been seen";
	flows_table(&updates->flows);
	return true;
}

static void updates_close(struct view *view)
{
	struct updates *updates = view->state;

	table_done(&updates->table);
	table_done(&updates->flows);
}

static void fold(struct view *view)
{
	struct updates *updates = view->state;

	updates->n = update_lines(&view->arena, &updates->rows, text_of(updates->open_chain),
		view->look.now_ms, &updates->lines);
	table_set_rows(&updates->table, updates->lines, updates->n, &view->look);
}

static bool updates_load(struct view *view, struct reader *reader, struct err *err)
{
	struct updates *updates = view->state;
	struct text pipeline = view->arg.subject[0] ? text_of(view->arg.subject) : TEXT_NONE;
	struct update_rows rows;
	const struct update_line *selected;
	struct flow_rows flows = { NULL, 0, false };
	struct flow_line *lines;
	size_t n;

	if (!updates_list(reader, &view->arena, pipeline, UPDATES_MAX, &rows, err))
		return false;
	updates->rows = rows;
	fold(view);
	selected = table_selected(&updates->table);
	/* From here on the new rows are in use: a pane that cannot be had does not undo them. */
	updates->flows.empty = "no flow has been seen";
	if (selected && !flows_list(reader, &view->arena, selected->update.update_id, &flows,
			&updates->flows_err))
		updates->flows.empty = updates->flows_err.text;
	n = flow_lines(&view->arena, &flows, view->look.now_ms, &lines);
	table_set_rows(&updates->flows, lines, n, &view->look);
	return true;
}

static void sheet_update(struct sheet *sheet, const struct look *look, const struct update_row *update)
{
	static const char *const names[PHASES] = { "waiting", "initializing", "setting up", "running" };
	struct phases phases = phases_of(update, 1, look->now_ms);

	sheet_heading(sheet, arena_printf(look->arena, "update %.*s", TEXT_ARG(update->update_id)));
	sheet_add(sheet, "phases", ROLE_TEXT, phases_text(look, &phases, names));
	if (update->attempt > 1)
		sheet_addf(sheet, "attempt", ROLE_WARN, "%d of the chain that began with %.*s",
			update->attempt, TEXT_ARG(short_id(update->chain_id)));
	if (update->error_message.len)
		sheet_add(sheet, "error", ROLE_FAILED, update->error_message);
}

static struct sheet pane_of(const struct view *view)
{
	const struct updates *updates = view->state;
	const struct update_line *selected = table_selected(&updates->table);
	struct sheet sheet = { .arena = view->look.arena };

	if (selected)
		sheet_update(&sheet, &view->look, &selected->update);
	return sheet;
}

static void updates_view_draw(const struct view *view, struct canvas *canvas, struct rect rect)
{
	const struct updates *updates = view->state;
	struct sheet sheet = pane_of(view);
	int sheet_rows = sheet_height(&sheet, rect.cols);
	int flow_rows = list_rows(&updates->flows);
	struct split split = split_rows(rect, list_rows(&updates->table), sheet_rows + flow_rows);
	int used;

	updates_draw(&updates->table, canvas, split.list, &view->look, true);
	used = pane_draw(&sheet, canvas, split.pane);
	split.pane.row += used;
	split.pane.rows -= used;
	if (split.pane.rows > 1)
		flows_draw(&updates->flows, canvas, split.pane, &view->look, false);
}

/* Whoever folds a chain is left on it, not on what comes into the place of the attempt folded away. */
static enum reply fold_chain(struct view *view, const struct update_line *row, bool folded)
{
	struct updates *updates = view->state;
	const struct update_line *newest;

	arg_set(updates->open_chain, folded ? TEXT_NONE : chain_of(&row->update));
	fold(view);
	newest = find_chain(updates->lines, updates->n, &row->update);
	if (!folded || row->newest || !newest)
		return REPLY_DONE;
	(void)table_select_key(&updates->table, newest->update.update_id);
	return REPLY_STALE; /* the pane is of another update */
}

static enum reply updates_act(struct view *view, enum action action, struct app *app)
{
	struct updates *updates = view->state;
	const struct update_line *row = table_selected(&updates->table);
	struct view_arg arg = { .number = 0 };

	switch ((int)action) {
	case ACT_OPEN:
	case ACT_OPEN_EVENTS:
		if (!row)
			return REPLY_IGNORED;
		arg_set(arg.subject,
			action == ACT_OPEN ? row->update.update_id : row->update.pipeline_id);
		arg_set(arg.label, short_id(row->update.update_id));
		if (action == ACT_OPEN_EVENTS) {
			arg_set(arg.subject2, row->update.update_id);
			arg_set(arg.label, row->update.pipeline);
		}
		app_open(app, action == ACT_OPEN ? "flows" : "events", &arg);
		return REPLY_DONE;
	case ACT_RIGHT:
	case ACT_LEFT:
		if (!row)
			return REPLY_IGNORED;
		return fold_chain(view, row, action == ACT_LEFT);
	default:
		return list_act(&updates->table, action, view->rect.rows, true);
	}
}

static bool updates_subject(const struct view *view, struct subject *out)
{
	const struct update_line *row = table_selected(view->state);

	if (row)
		subject_set(out, "update", short_id(row->update.update_id), row->update.update_id);
	return row;
}

json_t *update_json(const struct update_row *update)
{
	return json_pack("{s:o, s:o, s:o, s:s, s:o, s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
			"s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
		"update_id", json_text_or_null(update->update_id),
		"pipeline_id", json_text_or_null(update->pipeline_id),
		"pipeline", json_text_or_null(update->pipeline),
		"state", run_state_name(update->state),
		"cause", json_text_or_null(update->cause),
		"run_as", json_text_or_null(update->run_as),
		"attempt", update->attempt,
		"chain_id", json_text_or_null(update->chain_id),
		"created_at_ms", json_number_or_null(update->created_at_ms),
		"waiting_at_ms", json_number_or_null(update->waiting_at_ms),
		"initializing_at_ms", json_number_or_null(update->initializing_at_ms),
		"setting_up_at_ms", json_number_or_null(update->setting_up_at_ms),
		"running_at_ms", json_number_or_null(update->running_at_ms),
		"ended_at_ms", json_number_or_null(update->ended_at_ms),
		"last_event_at_ms", json_number_or_null(update->last_event_at_ms),
		"full_refresh", json_flag(update->full_refresh),
		"validate_only", json_flag(update->validate_only),
		"explore_only", json_flag(update->explore_only),
		"flows", json_number_or_null(update->flows),
		"flows_failed", json_number_or_null(update->flows_failed),
		"rows_written", json_number_or_null(update->rows_written),
		"dropped", json_number_or_null(update->dropped),
		"error_class", json_text_or_null(update->error_class),
		"error_message", json_text_or_null(update->error_message));
}

/* All updates, folded on screen or not: scripts fold by chain_id. */
static bool updates_json(const struct view *view, struct buf *out, struct err *err)
{
	const struct updates *updates = view->state;
	json_t *list = json_array();

	for (size_t i = 0; i < updates->rows.n; i++)
		(void)json_array_append_new(list, update_json(&updates->rows.rows[i]));
	return json_put_list(out, view, "updates", list, updates->rows.more, err);
}

static const enum action actions[] = { ACT_OPEN, ACT_OPEN_EVENTS, ACT_RIGHT, ACT_LEFT,
	TABLE_ACTIONS, ACT_NONE };

const struct view_ops updates_view = {
	.name = "updates",
	.title = "updates",
	.about = "Updates of a pipeline, newest first: phases, rows, errors; retries folded.",
	.arg = "PIPELINE",
	.state_size = sizeof(struct updates),
	.actions = actions,
	.open = updates_open,
	.load = updates_load,
	.draw = updates_view_draw,
	.act = updates_act,
	.subject = updates_subject,
	.print_rows = list_print_rows,
	.json = updates_json,
	.csv = list_csv,
	.filter = list_filter,
	.table = list_table,
	.close = updates_close,
};
