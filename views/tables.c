/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/mem.h"
#include "views/common.h"
#include "views/views.h"

struct tables {
	struct table table;
	struct table_rows rows;
};

static const struct table_row *table_of(const void *row)
{
	return row;
}

static void format_table(const void *row, const struct look *look, struct line *line)
{
	const struct table_row *table = table_of(row);

	if (table->problem.len) {
		line_add(line, ROLE_WARN, glyph_text(look, GLYPH_WARN));
		line_add(line, ROLE_TEXT, TEXT(" "));
	} else {
		line_add(line, ROLE_TEXT, TEXT("  "));
	}
	line_name(line, look, table->table);
}

static int compare_table(const void *a, const void *b)
{
	return text_cmp(table_of(a)->table, table_of(b)->table);
}

static void format_version(const void *row, const struct look *look, struct line *line)
{
	line_version(line, look, ROLE_NUMBER, table_of(row)->version);
}

static int compare_version(const void *a, const void *b)
{
	return compare_i64(table_of(a)->version, table_of(b)->version);
}

static void format_age_of(const void *row, const struct look *look, struct line *line)
{
	line_age(line, look, table_of(row)->timestamp_ms);
}

static int compare_age(const void *a, const void *b)
{
	return compare_i64(table_of(a)->timestamp_ms, table_of(b)->timestamp_ms);
}

static void format_operation(const void *row, const struct look *look, struct line *line)
{
	line_name(line, look, table_of(row)->operation);
}

static void format_by(const void *row, const struct look *look, struct line *line)
{
	line_name(line, look, table_of(row)->user_name);
}

static void format_engine(const void *row, const struct look *look, struct line *line)
{
	line_name(line, look, table_of(row)->engine);
}

static void format_rows(const void *row, const struct look *look, struct line *line)
{
	line_change(line, look, table_of(row)->rows_added, table_of(row)->rows_removed);
}

static int compare_rows(const void *a, const void *b)
{
	return compare_i64(table_of(a)->rows_added, table_of(b)->rows_added);
}

static void format_files(const void *row, const struct look *look, struct line *line)
{
	line_change(line, look, table_of(row)->files_added, table_of(row)->files_removed);
}

static int compare_files(const void *a, const void *b)
{
	return compare_i64(table_of(a)->files_added, table_of(b)->files_added);
}

static void format_commits(const void *row, const struct look *look, struct line *line)
{
	line_count(line, look, table_of(row)->commits_24h);
}

static int compare_commits(const void *a, const void *b)
{
	return compare_i64(table_of(a)->commits_24h, table_of(b)->commits_24h);
}

static void format_path(const void *row, const struct look *look, struct line *line)
{
	line_name(line, look, table_of(row)->path);
}

static const struct column columns[] = {
	{ "table", "  TABLE", "Name below its root", 26, 48, 3, 0, COLUMN_TAIL, format_table, compare_table },
	{ "version", "VERSION", "Newest version", 7, 9, 0, 0, COLUMN_RIGHT | COLUMN_DESCENDING,
		format_version, compare_version },
	{ "age", "CHANGED", "How long ago it was committed", 7, 8, 0, 0, COLUMN_RIGHT, format_age_of,
		compare_age },
	{ "operation", "OPERATION", "What the newest version did", 17, 26, 1, 0, 0, format_operation,
		NULL },
	{ "rows", "ROWS", "Rows added and removed by the newest version", 9, 18, 0, 1,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_rows, compare_rows },
	{ "files", "FILES", "Files added and removed by the newest version", 6, 12, 0, 2,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_files, compare_files },
	{ "commits", "24 H", "Commits in the last 24 hours", 5, 7, 0, 3,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_commits, compare_commits },
	{ "by", "BY", "Who committed", 10, 30, 1, 4, 0, format_by, NULL },
	{ "engine", "ENGINE", "What wrote it", 24, 40, 1, 6, 0, format_engine, NULL },
	{ "path", "PATH", "Where it is", 24, 80, 1, 5, COLUMN_TAIL, format_path, NULL },
};

static struct text row_key(const void *row)
{
	return table_of(row)->path;
}

static bool tables_open(struct view *view, struct err *err)
{
	struct tables *tables = view->state;

	(void)err;
	tables->table = (struct table){
		.columns = columns,
		.ncolumns = ARRAY_LEN(columns),
		.row_size = sizeof(struct table_row),
		.key = row_key,
		.empty = "no Delta table has been seen; [delta NAME] root = DIRECTORY names where they are",
	};
	table_init(&tables->table);
	return true;
}

static bool tables_load(struct view *view, struct reader *reader, struct err *err)
{
	struct tables *tables = view->state;
	struct table_rows rows;

	if (!tables_list(reader, &view->arena, &rows, err))
		return false;
	tables->rows = rows;
	table_set_rows(&tables->table, rows.rows, rows.n, &view->look);
	return true;
}

static struct sheet pane_of(const struct view *view)
{
	const struct table_row *row = table_selected(view->state);
	const struct look *look = &view->look;
	struct sheet sheet = { .arena = look->arena };
	struct text at;

	if (!row)
		return sheet;
	at = format_time(look, row->timestamp_ms);
	sheet_heading(&sheet, arena_printf(look->arena, "%.*s", TEXT_ARG(row->table)));
	if (row->problem.len)
		sheet_add(&sheet, "incomplete", ROLE_WARN, row->problem);
	sheet_addf(&sheet, "newest", ROLE_TEXT, "v%lld %.*s, %.*s", (long long)row->version,
		TEXT_ARG(row->operation), TEXT_ARG(at));
	if (row->first_version != FACT_UNKNOWN)
		sheet_addf(&sheet, "listed", ROLE_TEXT, "%lld versions, from v%lld",
			(long long)row->versions, (long long)row->first_version);
	if (row->user_name.len)
		sheet_add(&sheet, "by", ROLE_TEXT, row->user_name);
	if (row->engine.len)
		sheet_add(&sheet, "engine", ROLE_TEXT, row->engine);
	sheet_add(&sheet, "path", ROLE_DIM, row->path);
	return sheet;
}

static void tables_draw(const struct view *view, struct canvas *canvas, struct rect rect)
{
	struct sheet pane = pane_of(view);

	list_over_pane(view, NULL, 0, &pane, canvas, rect);
}

static enum reply tables_act(struct view *view, enum action action, struct app *app)
{
	struct tables *tables = view->state;
	const struct table_row *row = table_selected(&tables->table);
	struct view_arg arg = { .number = 0 };

	if (action != ACT_OPEN)
		return list_act(&tables->table, action, view->rect.rows, false);
	if (!row)
		return REPLY_IGNORED;
	arg_set(arg.subject, row->path.len < VIEW_ARG_MAX ? row->path : row->table);
	arg_set(arg.label, row->table);
	app_open(app, "history", &arg);
	return REPLY_DONE;
}

static bool tables_subject(const struct view *view, struct subject *out)
{
	const struct table_row *row = table_selected(view->state);

	if (row)
		subject_set(out, "table", row->table, row->path);
	return row;
}

static bool tables_json(const struct view *view, struct buf *out, struct err *err)
{
	const struct tables *tables = view->state;
	json_t *list = json_array();

	for (size_t i = 0; i < table_shown(&tables->table); i++) {
		const struct table_row *row = table_row(&tables->table, i);

		(void)json_array_append_new(list,
			json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
				  "s:o, s:o}",
				"table", json_text_or_null(row->table),
				"path", json_text_or_null(row->path),
				"source", json_text_or_null(row->source),
				"version", json_number_or_null(row->version),
				"timestamp_ms", json_number_or_null(row->timestamp_ms),
				"first_version", json_number_or_null(row->first_version),
				"versions", json_number_or_null(row->versions),
				"operation", json_text_or_null(row->operation),
				"engine", json_text_or_null(row->engine),
				"user_name", json_text_or_null(row->user_name),
				"rows_added", json_number_or_null(row->rows_added),
				"rows_removed", json_number_or_null(row->rows_removed),
				"files_added", json_number_or_null(row->files_added),
				"files_removed", json_number_or_null(row->files_removed),
				"commits_24h", json_number_or_null(row->commits_24h),
				"problem", json_text_or_null(row->problem)));
	}
	return json_put(out, json_pack("{s:I, s:o, s:b}", "as_of", (json_int_t)view->look.now_ms,
		"tables", list, "more", tables->rows.more), false, err);
}

static const enum action actions[] = { ACT_OPEN, TABLE_ACTIONS, ACT_NONE };

const struct view_ops tables_view = {
	.name = "tables",
	.title = "tables",
	.about = "Delta tables and what their newest version did; Enter leads to the history.",
	.state_size = sizeof(struct tables),
	.actions = actions,
	.open = tables_open,
	.load = tables_load,
	.draw = tables_draw,
	.act = tables_act,
	.subject = tables_subject,
	.print_rows = list_print_rows,
	.json = tables_json,
	.csv = list_csv,
	.filter = list_filter,
	.table = list_table,
	.close = list_close,
};
