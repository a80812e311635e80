/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "views/history.h"
#include "views/views.h"

struct tables {
	struct table table;
	struct table_rows rows;
};

static const struct table_row *table_of(const void *row)
{
	return row;
}

/* Worst first: what cannot be read or lacks files, what can hardly be rolled back, the rest. */
static const struct state_look *table_look(const struct table_row *row)
{
	static const struct state_look broken = { GLYPH_FAILED, ROLE_FAILED, "broken" };
	static const struct state_look unread = { GLYPH_WARN, ROLE_WARN, "incomplete" };
	static const struct state_look fine = { GLYPH_OK, ROLE_OK, "readable" };
	static const struct state_look unknown = { GLYPH_UNKNOWN, ROLE_UNKNOWN, "not looked at" };

	if (row->state.newest_gone > 0)
		return &broken;
	if (row->problem.len || row->state.problem.len)
		return &unread;
	return row->state_at_ms == TIME_UNKNOWN ? &unknown : &fine;
}

static int badness(const struct table_row *row)
{
	switch (table_look(row)->glyph) {
	case GLYPH_FAILED:
		return 3;
	case GLYPH_WARN:
		return 2;
	case GLYPH_UNKNOWN:
		return 1;
	default:
		return 0;
	}
}

static void format_table(const void *row, const struct look *look, struct line *line)
{
	line_glyph(line, look, table_look(table_of(row)));
	if (!look->raw)
		line_add(line, ROLE_TEXT, TEXT(" "));
	line_name(line, look, table_of(row)->table);
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
	line_count(line, look, table_of(row)->state.rows);
}

static int compare_rows(const void *a, const void *b)
{
	return compare_i64(table_of(a)->state.rows, table_of(b)->state.rows);
}

static void format_files(const void *row, const struct look *look, struct line *line)
{
	line_count(line, look, table_of(row)->state.files);
}

static int compare_files(const void *a, const void *b)
{
	return compare_i64(table_of(a)->state.files, table_of(b)->state.files);
}

static void format_size(const void *row, const struct look *look, struct line *line)
{
	int64_t bytes = table_of(row)->state.bytes;

	if (bytes == FACT_UNKNOWN)
		line_dash(line, look);
	else
		line_add(line, ROLE_NUMBER, format_bytes(look, bytes));
}

static int compare_size(const void *a, const void *b)
{
	return compare_i64(table_of(a)->state.bytes, table_of(b)->state.bytes);
}

/* Of the newest version's files; few files are no debt. */
static void format_small(const void *row, const struct look *look, struct line *line)
{
	enum { FEW = 10 };
	const struct fact_table *state = &table_of(row)->state;
	bool debt = state->files >= FEW && state->small_files > state->files / 2;

	if (state->files == FACT_UNKNOWN || state->files == 0)
		line_dash(line, look);
	else
		line_add(line, debt ? ROLE_WARN : ROLE_NUMBER,
			format_share(look, state->small_files, state->files));
}

static int64_t small_permille(const struct fact_table *state)
{
	return state->files > 0 ? state->small_files * 1000 / state->files : FACT_UNKNOWN;
}

static int compare_small(const void *a, const void *b)
{
	return compare_i64(small_permille(&table_of(a)->state), small_permille(&table_of(b)->state));
}

static bool has_older(const struct table_row *row)
{
	return row->state.first_restorable != FACT_UNKNOWN &&
		row->state.first_restorable < row->state.version;
}

static void format_back(const void *row, const struct look *look, struct line *line)
{
	const struct fact_table *state = &table_of(row)->state;

	if (state->first_restorable == FACT_UNKNOWN)
		line_dash(line, look);
	else if (look->raw)
		line_addf(line, ROLE_NUMBER, "%lld", (long long)state->first_restorable);
	else if (has_older(table_of(row)))
		line_addf(line, ROLE_NUMBER, "to v%lld", (long long)state->first_restorable);
	else if (state->version == 0)
		line_add(line, ROLE_DIM, TEXT("no older"));
	else
		line_add(line, ROLE_WARN, TEXT("newest only"));
}

static int64_t versions_back(const struct fact_table *state)
{
	return state->first_restorable == FACT_UNKNOWN ? FACT_UNKNOWN
						       : state->version - state->first_restorable;
}

static int compare_back(const void *a, const void *b)
{
	return compare_i64(versions_back(&table_of(a)->state), versions_back(&table_of(b)->state));
}

static void format_optimized(const void *row, const struct look *look, struct line *line)
{
	line_age(line, look, table_of(row)->optimized_at_ms);
}

static int compare_optimized(const void *a, const void *b)
{
	return compare_i64(table_of(a)->optimized_at_ms, table_of(b)->optimized_at_ms);
}

static void format_vacuumed(const void *row, const struct look *look, struct line *line)
{
	line_age(line, look, table_of(row)->vacuumed_at_ms);
}

static int compare_vacuumed(const void *a, const void *b)
{
	return compare_i64(table_of(a)->vacuumed_at_ms, table_of(b)->vacuumed_at_ms);
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

enum { COLUMN_TABLE = 0, TABLE_WIDE = 40, WIDE_COLS = 140 };
static const struct column columns[] = {
	{ "table", "  TABLE", "Name below its root", 24, 48, 3, 0, COLUMN_TAIL, format_table, compare_table },
	{ "version", "VERSION", "Newest version", 7, 9, 0, 0, COLUMN_RIGHT | COLUMN_DESCENDING,
		format_version, compare_version },
	{ "age", "CHANGED", "How long ago it was committed", 7, 8, 0, 0, COLUMN_RIGHT, format_age_of,
		compare_age },
	{ "rows", "ROWS", "Rows it holds; unknown unless every file says", 9, 15, 0, 0,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_rows, compare_rows },
	{ "files", "FILES", "Data files it holds", 5, 9, 0, 1, COLUMN_RIGHT | COLUMN_DESCENDING,
		format_files, compare_files },
	{ "size", "SIZE", "Bytes of its data files", 7, 8, 0, 0, COLUMN_RIGHT | COLUMN_DESCENDING,
		format_size, compare_size },
	{ "back", "RESTORABLE", "From which version on every one can be restored", 11, 12, 0, 0,
		COLUMN_DESCENDING, format_back, compare_back },
	{ "small", "SMALL", "Share of files below 16 MiB", 6, 6, 0, 2,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_small, compare_small },
	{ "operation", "OPERATION", "What the newest version did", 16, 26, 1, 3, 0, format_operation,
		NULL },
	{ "commits", "24 H", "Commits in the last 24 hours", 5, 7, 0, 4,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_commits, compare_commits },
	{ "optimized", "OPTIMIZED", "How long ago its files were put together", 9, 9, 0, 6,
		COLUMN_RIGHT, format_optimized, compare_optimized },
	{ "vacuumed", "VACUUMED", "How long ago old files were taken away", 8, 8, 0, 7, COLUMN_RIGHT,
		format_vacuumed, compare_vacuumed },
	{ "by", "BY", "Who committed", 10, 30, 1, 5, 0, format_by, NULL },
	{ "engine", "ENGINE", "What wrote it", 24, 40, 1, 9, 0, format_engine, NULL },
	{ "path", "PATH", "Where it is", 24, 80, 1, 8, COLUMN_TAIL, format_path, NULL },
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

static int worst_first(const void *a, const void *b)
{
	int by = badness(b) - badness(a);

	return by ? by : text_cmp(table_of(a)->table, table_of(b)->table);
}

static bool tables_load(struct view *view, struct reader *reader, struct err *err)
{
	struct tables *tables = view->state;
	struct table_rows rows;

	if (!tables_list(reader, &view->arena, &rows, err))
		return false;
	if (rows.n > 0)
		qsort(rows.rows, rows.n, sizeof *rows.rows, worst_first);
	tables->rows = rows;
	table_set_rows(&tables->table, rows.rows, rows.n, &view->look);
	return true;
}

static struct sheet pane_of(const struct view *view)
{
	const struct table_row *row = table_selected(view->state);
	struct sheet sheet = { .arena = view->look.arena };

	if (row)
		sheet_table(&sheet, &view->look, row, false);
	return sheet;
}

static void tables_draw(const struct view *view, struct canvas *canvas, struct rect rect)
{
	/* with room to spare, names in full come before further figures */
	static const struct table_form wide = { .column = COLUMN_TABLE, .width = TABLE_WIDE };
	struct sheet pane = pane_of(view);

	list_over_pane(view, &wide, rect.cols >= WIDE_COLS, &pane, canvas, rect);
}

static enum reply tables_act(struct view *view, enum action action, struct app *app)
{
	struct tables *tables = view->state;
	const struct table_row *row = table_selected(&tables->table);
	struct view_arg arg = { .number = 0 };

	if (action != ACT_OPEN && action != ACT_OPEN_SCHEMA)
		return list_act(&tables->table, action, view->rect.rows, false);
	if (!row)
		return REPLY_IGNORED;
	arg_set(arg.subject, row->path.len < VIEW_ARG_MAX ? row->path : row->table);
	arg_set(arg.label, row->table);
	app_open(app, action == ACT_OPEN ? "history" : "schema", &arg);
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

	for (size_t i = 0; i < table_shown(&tables->table); i++)
		(void)json_array_append_new(list, table_json(table_row(&tables->table, i)));
	return json_put_list(out, view, "tables", list, tables->rows.more, err);
}

static const enum action actions[] = { ACT_OPEN, ACT_OPEN_SCHEMA, TABLE_ACTIONS, ACT_NONE };

const struct view_ops tables_view = {
	.name = "tables",
	.title = "tables",
	.about = "Delta tables, worst first: what they hold, what can be restored; Enter leads to the history.",
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
