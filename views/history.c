/* SPDX-License-Identifier: Apache-2.0 */
#include "views/history.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "views/views.h"

enum { VERSIONS_MAX = 1000, VERSIONS_WHOLE_MAX = 100000 };

struct history {
	struct table table;
	struct version_rows rows;
};

static const struct fact_version *version_of(const void *row)
{
	return &((const struct version_row *)row)->fact;
}

static void format_version(const void *row, const struct look *look, struct line *line)
{
	const struct fact_version *version = version_of(row);

	line_version(line, look, version->problem.bytes ? ROLE_WARN : ROLE_STRONG, version->version);
	if (version->problem.bytes) {
		line_add(line, ROLE_TEXT, TEXT(" "));
		line_add(line, ROLE_WARN, glyph_text(look, GLYPH_WARN));
	}
}

static int compare_version(const void *a, const void *b)
{
	return compare_i64(version_of(a)->version, version_of(b)->version);
}

static void format_when(const void *row, const struct look *look, struct line *line)
{
	line_add(line, ROLE_TEXT, format_time(look, version_of(row)->timestamp_ms));
}

static int compare_when(const void *a, const void *b)
{
	return compare_i64(version_of(a)->timestamp_ms, version_of(b)->timestamp_ms);
}

static void format_operation_narrow(const void *row, const struct look *look, struct line *line)
{
	line_name(line, look, version_of(row)->operation);
}

static void format_operation(const void *row, const struct look *look, struct line *line)
{
	const struct version_row *version = row;

	format_operation_narrow(row, look, line);
	if (version->restates && !look->raw)
		line_add(line, ROLE_WARN, TEXT(" restated"));
}

static void format_by(const void *row, const struct look *look, struct line *line)
{
	const struct fact_version *version = version_of(row);

	line_name(line, look, version->user_name.len ? version->user_name : version->engine);
}

static void format_rows(const void *row, const struct look *look, struct line *line)
{
	line_change(line, look, version_of(row)->rows_added, version_of(row)->rows_removed);
}

static int compare_rows(const void *a, const void *b)
{
	return compare_i64(version_of(a)->rows_added, version_of(b)->rows_added);
}

static void format_files(const void *row, const struct look *look, struct line *line)
{
	line_change(line, look, version_of(row)->files_added, version_of(row)->files_removed);
}

static int compare_files(const void *a, const void *b)
{
	return compare_i64(version_of(a)->files_added, version_of(b)->files_added);
}

static const struct version_row *row_of(const void *row)
{
	return row;
}

static void format_after(const void *row, const struct look *look, struct line *line)
{
	line_count(line, look, row_of(row)->rows_after);
}

static int compare_after(const void *a, const void *b)
{
	return compare_i64(row_of(a)->rows_after, row_of(b)->rows_after);
}

static int64_t input_of(const struct version_row *row)
{
	return row->published == FACT_UNKNOWN || row->quarantined == FACT_UNKNOWN
		? FACT_UNKNOWN
		: row->published + row->quarantined;
}

static void format_complete(const void *row, const struct look *look, struct line *line)
{
	line_complete(line, look, row_of(row)->published, input_of(row_of(row)));
}

static int64_t permyriad(const struct version_row *row)
{
	int64_t input = input_of(row);

	return input > 0 ? (int64_t)((double)row->published / (double)input * 10000) : FACT_UNKNOWN;
}

static int compare_complete(const void *a, const void *b)
{
	return compare_i64(permyriad(row_of(a)), permyriad(row_of(b)));
}

static void format_standing(const void *row, const struct look *look, struct line *line)
{
	const struct fact_standing *standing = &row_of(row)->standing;
	struct text words = standing_words(look, standing, true);

	if (look->raw)
		line_add(line, ROLE_TEXT, text_of(version_standing_name(standing->standing)));
	else if (words.bytes)
		line_add(line, standing_role(look, standing), words);
	else
		line_dash(line, look);
}

static int compare_standing(const void *a, const void *b)
{
	return compare_i64((int64_t)row_of(a)->standing.standing,
		(int64_t)row_of(b)->standing.standing);
}

static void format_bytes_of(const void *row, const struct look *look, struct line *line)
{
	line_add(line, ROLE_NUMBER, format_bytes(look, version_of(row)->bytes_added));
}

static int compare_bytes(const void *a, const void *b)
{
	return compare_i64(version_of(a)->bytes_added, version_of(b)->bytes_added);
}

static void format_changes(const void *row, const struct look *look, struct line *line)
{
	json_t *changes = json_embedded(version_of(row)->changes);
	const char *first = json_string_value(json_array_get(changes, 0));

	(void)look;
	if (first)
		line_addf(line, ROLE_ADDED, "%s", first);
	if (json_array_size(changes) > 1)
		line_addf(line, ROLE_DIM, " and %zu more", json_array_size(changes) - 1);
	json_decref(changes);
}

static void format_engine(const void *row, const struct look *look, struct line *line)
{
	line_name(line, look, version_of(row)->engine);
}

enum { COLUMN_OPERATION = 2, OPERATION_COLS = 16, WIDE_COLS = 140 };
static const struct column columns[] = {
	{ "version", "VERSION", "Version the commit made", 7, 10, 0, 0, COLUMN_DESCENDING,
		format_version, compare_version },
	{ "when", "WHEN", "The protocol's timestamp", 15, 20, 0, 0, COLUMN_DESCENDING, format_when,
		compare_when },
	{ "operation", "OPERATION", "What was done; restated: nearly all rows were told anew", 16, 28,
		1, 0, 0, format_operation, NULL },
	{ "by", "BY", "Who, else which engine", 14, 28, 1, 3, 0, format_by, NULL },
	{ "rows", "ROWS", "Rows added and removed; unknown unless every file says", 12, 20, 0, 1,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_rows, compare_rows },
	{ "files", "FILES", "Files added and removed", 7, 12, 0, 2, COLUMN_RIGHT | COLUMN_DESCENDING,
		format_files, compare_files },
	{ "complete", "COMPLETE", "Published of what came in, as the event log tells", 8, 8, 0, 1,
		COLUMN_RIGHT, format_complete, compare_complete },
	{ "standing", "RESTORABLE", "Whether the table can be rolled back to it", 13, 36, 1, 0, 0,
		format_standing, compare_standing },
	{ "after", "ROWS AFTER", "Rows the table held with it", 10, 15, 0, 4,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_after, compare_after },
	{ "bytes", "ADDED", "Bytes of the files added", 7, 9, 0, 5, COLUMN_RIGHT | COLUMN_DESCENDING,
		format_bytes_of, compare_bytes },
	{ "changes", "CHANGED", "Schema, properties, protocol", 12, 60, 2, 6, 0, format_changes, NULL },
	{ "engine", "ENGINE", "What wrote it", 24, 40, 1, 7, 0, format_engine, NULL },
};

static struct text row_key(const void *row)
{
	/* The number itself: its bytes are as good a name as its digits. */
	return (struct text){ (const char *)&version_of(row)->version, sizeof(int64_t) };
}

static bool history_open(struct view *view, struct err *err)
{
	struct history *history = view->state;

	(void)err;
	history->table = (struct table){
		.columns = columns,
		.ncolumns = ARRAY_LEN(columns),
		.row_size = sizeof(struct version_row),
		.key = row_key,
		.empty = "no version of this table is listed",
	};
	table_init(&history->table);
	return true;
}

static bool history_load(struct view *view, struct reader *reader, struct err *err)
{
	struct history *history = view->state;
	struct version_rows rows;

	if (!versions_list(reader, &view->arena, text_of(view->arg.subject), INT64_MAX,
			view->whole ? VERSIONS_WHOLE_MAX : VERSIONS_MAX, &rows, err))
		return false;
	history->rows = rows;
	table_set_rows(&history->table, rows.rows, rows.n, &view->look);
	return true;
}

static struct sheet pane_of(const struct view *view)
{
	const struct version_row *row = table_selected(view->state);
	struct sheet sheet = { .arena = view->look.arena };

	if (row)
		sheet_version(&sheet, &view->look, row, false);
	return sheet;
}

static void history_draw(const struct view *view, struct canvas *canvas, struct rect rect)
{
	/* that it was restated ROWS tell, too: in words where there is room for them */
	static const struct table_form narrow = { COLUMN_OPERATION, OPERATION_COLS,
		format_operation_narrow };
	struct sheet pane = pane_of(view);

	list_over_pane(view, &narrow, rect.cols < WIDE_COLS, &pane, canvas, rect);
}

/* Two marked versions; one marked and the selected one; else the selected one and the newest. */
static enum reply open_diff(struct view *view, struct app *app)
{
	const struct history *history = view->state;
	const struct version_row *selected = table_selected(&history->table);
	const void *marked[3];
	size_t n = table_marked(&history->table, marked, ARRAY_LEN(marked));
	struct view_arg arg = view->arg;
	int64_t a, b;

	if (!selected || n > 2) {
		if (n > 2)
			app_message(app, ROLE_WARN, "more than two versions are marked: unmark some");
		return REPLY_DONE;
	}
	a = n > 0 ? version_of(marked[0])->version : selected->fact.version;
	b = n > 1	? version_of(marked[1])->version
		: n > 0 ? selected->fact.version
			: history->rows.rows[0].fact.version;
	if (a == b) {
		app_message(app, ROLE_WARN, "mark another version with the space bar, or go to an older one");
		return REPLY_DONE;
	}
	(void)snprintf(arg.subject2, sizeof arg.subject2, "%" PRId64 "..%" PRId64, a < b ? a : b,
		a < b ? b : a);
	arg_set(arg.label, text_of(arena_printf(view->look.arena, "%.*s v%s",
		TEXT_ARG(selected->fact.table), arg.subject2)));
	app_open(app, "diff", &arg);
	return REPLY_DONE;
}

static enum reply history_act(struct view *view, enum action action, struct app *app)
{
	struct history *history = view->state;
	const struct version_row *row = table_selected(&history->table);
	struct view_arg arg = view->arg;

	switch (action) {
	case ACT_OPEN:
		break;
	case ACT_DIFF:
		return open_diff(view, app);
	case ACT_OPEN_SCHEMA:
		app_open(app, "schema", &view->arg);
		return REPLY_DONE;
	default:
		return list_act(&history->table, action, view->rect.rows, false);
	}
	if (!row)
		return REPLY_IGNORED;
	arg.number = row->fact.version;
	(void)snprintf(arg.subject2, sizeof arg.subject2, "%" PRId64, row->fact.version);
	arg_set(arg.label, text_of(arena_printf(view->look.arena, "%.*s v%" PRId64,
		TEXT_ARG(row->fact.table), row->fact.version)));
	app_open(app, "version", &arg);
	return REPLY_DONE;
}

static bool history_subject(const struct view *view, struct subject *out)
{
	const struct version_row *row = table_selected(view->state);

	if (row)
		subject_set(out, "version",
			text_of(arena_printf(view->look.arena, "%.*s v%" PRId64, TEXT_ARG(row->fact.table),
				row->fact.version)),
			row->fact.path);
	return row;
}

static bool history_json(const struct view *view, struct buf *out, struct err *err)
{
	const struct history *history = view->state;
	const struct fact_version *newest = history->rows.n ? &history->rows.rows[0].fact : NULL;
	struct text asked = text_of(view->arg.subject);
	json_t *list = json_array();

	for (size_t i = 0; i < table_shown(&history->table); i++)
		(void)json_array_append_new(list, version_row_json(row_of(table_row(&history->table, i))));
	return json_put(out, json_pack("{s:o, s:o, s:o, s:b}",
		"table", json_text_or_null(newest ? newest->table : asked),
		"path", json_text_or_null(newest ? newest->path : TEXT_NONE),
		"versions", list, "more", history->rows.more), false, err);
}

static const enum action actions[] = { ACT_OPEN, ACT_DIFF, ACT_OPEN_SCHEMA, ACT_MARK,
	TABLE_ACTIONS, ACT_NONE };

const struct view_ops history_view = {
	.name = "history",
	.title = "history",
	.about = "Versions of one Delta table, newest first: what was done, and what can be restored.",
	.arg = "TABLE|PATH",
	.arg_required = true,
	.state_size = sizeof(struct history),
	.actions = actions,
	.open = history_open,
	.load = history_load,
	.draw = history_draw,
	.act = history_act,
	.subject = history_subject,
	.print_rows = list_print_rows,
	.json = history_json,
	.csv = list_csv,
	.filter = list_filter,
	.table = list_table,
	.close = list_close,
};
