/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "views/streams.h"
#include "views/views.h"

enum { READERS_SHOWN = 12 };

struct table_line {
	struct topic_table_row row;
	struct text shown; /* without the database, where all have the same */
};

struct topic_state {
	struct table table;
	struct table_line *lines;
	struct topic_table_rows rows;
	struct lag_rows readers;
};

static const struct topic_table_row *table_of(const void *row)
{
	return row ? &((const struct table_line *)row)->row : NULL;
}

static size_t badness(const struct topic_table_row *row)
{
	return row->noisy ? 4 : row->silent ? 3 : row->is_new ? 2 : row->snapshot ? 1 : 0;
}

static const struct state_look *table_look(const struct topic_table_row *row)
{
	static const struct state_look looks[] = { /* by badness */
		{ GLYPH_OK, ROLE_OK, "" },
		{ GLYPH_RUNNING, ROLE_RUNNING, "snapshot" },
		{ GLYPH_MARK, ROLE_ADDED, "new" },
		{ GLYPH_WARN, ROLE_WARN, "silent" },
		{ GLYPH_WARN, ROLE_WARN, "noisy" },
	};

	return &looks[badness(row)];
}

static void format_table(const void *row, const struct look *look, struct line *line)
{
	const struct topic_table_row *table = table_of(row);

	if (!look->raw) {
		line_glyph(line, look, table_look(table));
		line_addf(line, ROLE_TEXT, " ");
	}
	if (table->table.bytes)
		line_name(line, look,
			look->raw ? table->table : ((const struct table_line *)row)->shown);
	else
		line_add(line, ROLE_DIM, TEXT("(records of no table)"));
}

static int compare_table(const void *a, const void *b)
{
	return text_cmp(table_of(a)->table, table_of(b)->table);
}

static void format_per_second(const void *row, const struct look *look, struct line *line)
{
	const struct topic_table_row *table = table_of(row);
	struct text rate = format_rate(look, table->per_second, false);

	line_addf(line, ROLE_NUMBER, "%s%.*s", table->sampled && !look->raw ? "~" : "", TEXT_ARG(rate));
}

static int compare_per_second(const void *a, const void *b)
{
	return compare_double(table_of(a)->per_second, table_of(b)->per_second);
}

static void format_share_of(const void *row, const struct look *look, struct line *line)
{
	line_add(line, table_of(row)->noisy ? ROLE_WARN : ROLE_NUMBER,
		format_pct(look, table_of(row)->share_pct));
}

static int compare_share(const void *a, const void *b)
{
	return compare_double(table_of(a)->share_pct, table_of(b)->share_pct);
}

static void format_share_bar(const void *row, const struct look *look, struct line *line)
{
	line_add(line, table_of(row)->noisy ? ROLE_BAR_BAD : ROLE_BAR,
		format_bar(look, table_of(row)->share_pct / 100, 8));
}

static void format_last(const void *row, const struct look *look, struct line *line)
{
	if (table_of(row)->silent)
		line_add(line, ROLE_WARN, format_age(look, table_of(row)->last_at_ms));
	else
		line_age(line, look, table_of(row)->last_at_ms);
}

static int compare_last(const void *a, const void *b)
{
	return compare_i64(table_of(a)->last_at_ms, table_of(b)->last_at_ms);
}

static void format_delay(const void *row, const struct look *look, struct line *line)
{
	line_add(line, ROLE_NUMBER, format_duration(look, table_of(row)->delay_ms));
}

static int compare_delay(const void *a, const void *b)
{
	return compare_i64(table_of(a)->delay_ms, table_of(b)->delay_ms);
}

static void format_delay_max(const void *row, const struct look *look, struct line *line)
{
	line_add(line, ROLE_NUMBER, format_duration(look, table_of(row)->delay_max_ms));
}

static int compare_delay_max(const void *a, const void *b)
{
	return compare_i64(table_of(a)->delay_max_ms, table_of(b)->delay_max_ms);
}

static void format_records(const void *row, const struct look *look, struct line *line)
{
	line_count(line, look, table_of(row)->records);
}

static int compare_records(const void *a, const void *b)
{
	return compare_i64(table_of(a)->records, table_of(b)->records);
}

static void format_trend(const void *row, const struct look *look, struct line *line)
{
	line_trend(line, look, table_of(row)->trend + LAG_TREND_MAX / 2, LAG_TREND_MAX / 2, 0);
}

static void format_state(const void *row, const struct look *look, struct line *line)
{
	const struct state_look *state = table_look(table_of(row));

	(void)look;
	line_add(line, state->role, text_of(state->word));
}

static int compare_state(const void *a, const void *b)
{
	return (int)badness(table_of(a)) - (int)badness(table_of(b));
}

static const struct column columns[] = {
	{ "table", "TABLE", "Source table, as the records name it", 22, 60, 3, 0, 0, format_table,
		compare_table },
	{ "rate", "RATE", "Records a second over five minutes; ~ from a sample", 7, 9, 0, 0,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_per_second, compare_per_second },
	{ "share", "SHARE", "Of the topic's records", 6, 6, 0, 0, COLUMN_RIGHT | COLUMN_DESCENDING,
		format_share_of, compare_share },
	{ "bar", "", "The same as a bar", 8, 8, 0, 5, COLUMN_NO_SORT | COLUMN_NO_EXPORT,
		format_share_bar, NULL },
	{ "last", "LAST", "How long ago its last record was", 5, 7, 0, 1, COLUMN_RIGHT, format_last,
		compare_last },
	{ "delay", "DELAY", "From the change in the database to the record, mean", 6, 7, 0, 2,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_delay, compare_delay },
	{ "delay_max", "MOST", "The same, the longest", 6, 7, 0, 4, COLUMN_RIGHT | COLUMN_DESCENDING,
		format_delay_max, compare_delay_max },
	{ "records", "24 H", "Records looked at in the last 24 hours", 9, 13, 0, 3,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_records, compare_records },
	{ "trend", "LAST HALF HOUR", "Records a minute", LAG_TREND_MAX / 2, LAG_TREND_MAX / 2 + 2, 0, 6,
		COLUMN_NO_SORT | COLUMN_NO_EXPORT, format_trend, NULL },
	{ "state", "", "new, silent, noisy, or in its snapshot", 8, 8, 0, 0, COLUMN_DESCENDING,
		format_state, compare_state },
};

static struct text row_key(const void *row)
{
	return table_of(row)->table;
}

static bool topic_open(struct view *view, struct err *err)
{
	struct topic_state *state = view->state;

	(void)err;
	state->table = (struct table){
		.columns = columns,
		.ncolumns = ARRAY_LEN(columns),
		.row_size = sizeof(struct table_line),
		.key = row_key,
	};
	table_init(&state->table);
	return true;
}

static bool topic_load(struct view *view, struct reader *reader, struct err *err)
{
	struct topic_state *state = view->state;
	struct text topic = text_of(view->arg.subject);
	struct text cluster = view->arg.subject2[0] ? text_of(view->arg.subject2) : TEXT_NONE;
	struct topic_table_rows rows;
	struct shared_head head = { .differs = false };
	struct lag_rows readers;

	if (!topic_tables_list(reader, &view->arena, cluster, topic, &rows, err) ||
		!lag_list(reader, &view->arena, TEXT_NONE, topic, &readers, err))
		return false;
	state->table.empty = rows.n + readers.n > 0
		? "nothing inside this topic was looked at; tables = TOPIC under [kafka NAME] counts"
		  " its source tables"
		: "neither a reader of a topic of this name nor anything inside it has been seen";
	state->rows = rows;
	state->readers = readers;
	state->lines = ARENA_ARRAY(&view->arena, struct table_line, rows.n + 1);
	for (size_t i = 0; i < rows.n; i++)
		shared_add(&head, rows.rows[i].table);
	for (size_t i = 0; i < rows.n; i++)
		state->lines[i] = (struct table_line){ rows.rows[i],
			shared_cut(&head, rows.rows[i].table) };
	table_set_rows(&state->table, state->lines, rows.n, &view->look);
	return true;
}

static void table_sheet(struct sheet *sheet, const struct look *look,
	const struct topic_table_row *row)
{
	sheet_heading(sheet, arena_printf(look->arena, "%.*s", TEXT_ARG(row->table)));
	sheet_addf(sheet, "changes", ROLE_TEXT, "%.*s created, %.*s updated, %.*s deleted, %.*s tombstones",
		TEXT_ARG(format_count(look, row->creates)), TEXT_ARG(format_count(look, row->updates)),
		TEXT_ARG(format_count(look, row->deletes)), TEXT_ARG(format_count(look, row->tombstones)));
	if (row->reads > 0)
		sheet_addf(sheet, "snapshot", ROLE_RUNNING, "%.*s read by a snapshot",
			TEXT_ARG(format_things(look, row->reads, "record")));
	sheet_addf(sheet, "size", ROLE_TEXT, "%.*s in 24 h", TEXT_ARG(format_bytes(look, row->bytes)));
	sheet_addf(sheet, "first seen", ROLE_DIM, "%.*s ago", TEXT_ARG(format_age(look, row->first_at_ms)));
}

static struct sheet pane_of(const struct view *view)
{
	const struct topic_state *state = view->state;
	const struct topic_table_row *row = table_of(table_selected(&state->table));
	const struct look *look = &view->look;
	struct sheet sheet = { .arena = look->arena };

	if (row)
		table_sheet(&sheet, look, row);
	if (state->readers.n > 0)
		sheet_heading(&sheet, "its readers");
	for (size_t i = 0; i < state->readers.n && i < READERS_SHOWN; i++) {
		const struct lag_row *lag = &state->readers.rows[i];
		const struct state_look *word = lag_look(lag);
		struct text name = lag->reader;

		sheet_addf(&sheet, word->word, word->role, "%.*s: %.*s behind", TEXT_ARG(name),
			TEXT_ARG(format_things(look, lag->lag_records, "record")));
	}
	if (state->readers.n > READERS_SHOWN)
		sheet_addf(&sheet, "", ROLE_DIM, "and %zu that are better off", state->readers.n - READERS_SHOWN);
	return sheet;
}

static void topic_draw(const struct view *view, struct canvas *canvas, struct rect rect)
{
	const struct sheet pane = pane_of(view);

	list_over_pane(view, NULL, 0, &pane, canvas, rect);
}

static enum reply topic_act(struct view *view, enum action action, struct app *app)
{
	(void)app;
	return list_act(view->state, action, view->rect.rows, false);
}

static bool topic_subject(const struct view *view, struct subject *out)
{
	const struct topic_table_row *row = table_of(table_selected(view->state));

	if (row)
		subject_set(out, "source table", row->table, row->table);
	return row;
}

static json_t *real_or_null(double value)
{
	return isnan(value) ? json_null() : json_real(round(value * 1000) / 1000);
}

static bool topic_json(const struct view *view, struct buf *out, struct err *err)
{
	const struct topic_state *state = view->state;
	json_t *list = json_array();

	for (size_t i = 0; i < table_shown(&state->table); i++) {
		const struct topic_table_row *row = table_of(table_row(&state->table, i));

		(void)json_array_append_new(list,
			json_pack("{s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o,"
				  " s:o, s:b, s:b, s:b, s:b}",
				"cluster", json_text_or_null(row->cluster),
				"topic", json_text_or_null(row->topic),
				"table", json_text_or_null(row->table),
				"rate_per_s", real_or_null(row->per_second),
				"share_pct", real_or_null(row->share_pct),
				"sampled", row->sampled,
				"last_at_ms", json_number_or_null(row->last_at_ms),
				"first_at_ms", json_number_or_null(row->first_at_ms),
				"delay_ms", json_number_or_null(row->delay_ms),
				"delay_max_ms", json_number_or_null(row->delay_max_ms),
				"records", json_number_or_null(row->records),
				"bytes", json_number_or_null(row->bytes),
				"creates", json_number_or_null(row->creates),
				"updates", json_number_or_null(row->updates),
				"deletes", json_number_or_null(row->deletes),
				"tombstones", json_number_or_null(row->tombstones),
				"new", row->is_new, "silent", row->silent, "noisy", row->noisy,
				"snapshot", row->snapshot));
	}
	return json_put_list(out, view, "tables", list, state->rows.more, err);
}

static const enum action actions[] = { TABLE_ACTIONS, ACT_NONE };

const struct view_ops topic_view = {
	.name = "topic",
	.title = "topic",
	.about = "The source tables inside one topic: rate, share, last seen, delay; new, silent, noisy.",
	.arg = "TOPIC",
	.arg_required = true,
	.state_size = sizeof(struct topic_state),
	.actions = actions,
	.open = topic_open,
	.load = topic_load,
	.draw = topic_draw,
	.act = topic_act,
	.subject = topic_subject,
	.print_rows = list_print_rows,
	.json = topic_json,
	.csv = list_csv,
	.filter = list_filter,
	.table = list_table,
	.close = list_close,
};
