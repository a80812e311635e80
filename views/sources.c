/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "views/common.h"
#include "views/views.h"

struct sources {
	struct table table;
	struct source_rows rows;
};

static const struct source_row *source_of(const void *row)
{
	return row;
}

static void format_state(const void *row, const struct look *look, struct line *line)
{
	line_look(line, look, health_state_look(source_of(row)->state));
}

static int compare_state(const void *a, const void *b)
{
	return (int)source_of(a)->state - (int)source_of(b)->state;
}

static void format_source(const void *row, const struct look *look, struct line *line)
{
	line_name(line, look, source_of(row)->source);
}

static void format_since(const void *row, const struct look *look, struct line *line)
{
	line_age(line, look, source_of(row)->state_since_ms);
}

static int compare_since(const void *a, const void *b)
{
	return compare_i64(source_of(a)->state_since_ms, source_of(b)->state_since_ms);
}

static void format_newest(const void *row, const struct look *look, struct line *line)
{
	line_age(line, look, source_of(row)->last_fact_at_ms);
}

static int compare_newest(const void *a, const void *b)
{
	return compare_i64(source_of(a)->last_fact_at_ms, source_of(b)->last_fact_at_ms);
}

static void format_facts(const void *row, const struct look *look, struct line *line)
{
	line_count(line, look, source_of(row)->facts);
}

static int compare_facts(const void *a, const void *b)
{
	return compare_i64(source_of(a)->facts, source_of(b)->facts);
}

static void format_undecodable(const void *row, const struct look *look, struct line *line)
{
	const struct source_row *source = source_of(row);

	if (source->undecodable > 0)
		line_add(line, ROLE_WARN, format_count(look, source->undecodable));
	else
		line_count(line, look, source->undecodable);
}

static int compare_undecodable(const void *a, const void *b)
{
	return compare_i64(source_of(a)->undecodable, source_of(b)->undecodable);
}

static void format_fallback(const void *row, const struct look *look, struct line *line)
{
	line_count(line, look, source_of(row)->fallback);
}

static int compare_fallback(const void *a, const void *b)
{
	return compare_i64(source_of(a)->fallback, source_of(b)->fallback);
}

/* Of tables it is versions, of all else bytes. */
static void format_behind(const void *row, const struct look *look, struct line *line)
{
	const struct source_row *source = source_of(row);

	if (look->raw || source->behind == FACT_UNKNOWN)
		line_count(line, look, source->behind);
	else if (text_starts(source->source, TEXT("delta ")))
		line_addf(line, ROLE_NUMBER, "%.*s v", TEXT_ARG(format_count(look, source->behind)));
	else
		line_add(line, ROLE_NUMBER, format_bytes(look, source->behind));
}

static int compare_behind(const void *a, const void *b)
{
	return compare_i64(source_of(a)->behind, source_of(b)->behind);
}

static void format_read(const void *row, const struct look *look, struct line *line)
{
	line_add(line, ROLE_NUMBER, format_bytes(look, source_of(row)->read_bytes));
}

static int compare_read(const void *a, const void *b)
{
	return compare_i64(source_of(a)->read_bytes, source_of(b)->read_bytes);
}

static void format_text(const void *row, const struct look *look, struct line *line)
{
	line_name(line, look, source_of(row)->text);
}

static const struct column columns[] = {
	{ "state", "HEALTH", "How it is doing", 10, 11, 0, 0, COLUMN_DESCENDING, format_state,
		compare_state },
	{ "source", "SOURCE", "Section and name in the configuration", 20, 32, 2, 0, 0, format_source,
		NULL },
	{ "since", "SINCE", "How long it has been so", 6, 8, 0, 1, COLUMN_RIGHT, format_since,
		compare_since },
	{ "newest", "NEWEST", "Age of the newest thing it told", 6, 8, 0, 0, COLUMN_RIGHT,
		format_newest, compare_newest },
	{ "facts", "FACTS", "Facts kept from it", 8, 14, 0, 2, COLUMN_RIGHT | COLUMN_DESCENDING,
		format_facts, compare_facts },
	{ "undecodable", "UNREADABLE", "Inputs that could not be read; Enter shows them", 10, 12, 0, 0,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_undecodable, compare_undecodable },
	{ "behind", "BEHIND", "Bytes of a log, or versions (v) of tables, not read yet", 7, 14, 0, 3,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_behind, compare_behind },
	{ "read", "READ", "Bytes read", 8, 10, 0, 4, COLUMN_RIGHT | COLUMN_DESCENDING, format_read,
		compare_read },
	{ "fallback", "SLOW WAY", "Records the fast reader left to the general one", 8, 12, 0, 5,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_fallback, compare_fallback },
	{ "text", "WHAT IT SAYS", "What, where, why, what to do next", 30, 120, 5, 3, 0, format_text,
		NULL },
};

static struct text row_key(const void *row)
{
	return source_of(row)->source;
}

static bool sources_open(struct view *view, struct err *err)
{
	struct sources *sources = view->state;

	(void)err;
	sources->table = (struct table){
		.columns = columns,
		.ncolumns = ARRAY_LEN(columns),
		.row_size = sizeof(struct source_row),
		.key = row_key,
		.empty = "no source has told anything yet; weir doctor tries every source",
	};
	table_init(&sources->table);
	return true;
}

static int worst_first(const void *a, const void *b)
{
	const struct source_row *left = a, *right = b;

	if (left->state != right->state)
		return (int)right->state - (int)left->state;
	if (left->undecodable != right->undecodable)
		return compare_i64(right->undecodable, left->undecodable);
	return text_cmp(left->source, right->source);
}

static bool sources_load(struct view *view, struct reader *reader, struct err *err)
{
	struct sources *sources = view->state;
	struct source_rows rows;

	if (!sources_list(reader, &view->arena, &rows, err))
		return false;
	if (rows.n)
		qsort(rows.rows, rows.n, sizeof(*rows.rows), worst_first);
	sources->rows = rows;
	table_set_rows(&sources->table, rows.rows, rows.n, &view->look);
	return true;
}

static struct sheet pane_of(const struct view *view)
{
	const struct source_row *row = table_selected(view->state);
	const struct look *look = &view->look;
	struct sheet sheet = { .arena = look->arena };
	const struct state_look *health;

	if (!row)
		return sheet;
	health = health_state_look(row->state);
	sheet_heading(&sheet, arena_printf(look->arena, "%.*s", TEXT_ARG(row->source)));
	sheet_addf(&sheet, "health", health->role, "%s for %.*s", health->word,
		TEXT_ARG(format_age(look, row->state_since_ms)));
	if (row->text.len)
		sheet_add(&sheet, "says", ROLE_TEXT, row->text);
	if (row->detail.len)
		sheet_add(&sheet, "reading", ROLE_DIM, row->detail);
	if (row->undecodable > 0)
		sheet_addf(&sheet, "unreadable", ROLE_WARN, "%.*s inputs; Enter shows place, reason, bytes",
			TEXT_ARG(format_count(look, row->undecodable)));
	if (row->last_seen_at_ms != TIME_UNKNOWN)
		sheet_addf(&sheet, "last read", ROLE_DIM, "%.*s ago",
			TEXT_ARG(format_age(look, row->last_seen_at_ms)));
	return sheet;
}

static void sources_draw(const struct view *view, struct canvas *canvas, struct rect rect)
{
	struct sheet pane = pane_of(view);

	list_over_pane(view, NULL, 0, &pane, canvas, rect);
}

static enum reply sources_act(struct view *view, enum action action, struct app *app)
{
	struct sources *sources = view->state;
	const struct source_row *row = table_selected(&sources->table);
	struct view_arg arg = { .number = 0 };

	if (action != ACT_OPEN)
		return list_act(&sources->table, action, view->rect.rows, false);
	if (!row)
		return REPLY_IGNORED;
	arg_set(arg.subject, row->source);
	app_open(app, "source", &arg);
	return REPLY_DONE;
}

static bool sources_subject(const struct view *view, struct subject *out)
{
	const struct source_row *row = table_selected(view->state);

	if (row)
		subject_set(out, "source", row->source, row->source);
	return row;
}

static bool sources_json(const struct view *view, struct buf *out, struct err *err)
{
	const struct sources *sources = view->state;
	json_t *list = json_array();

	for (size_t i = 0; i < table_shown(&sources->table); i++) {
		const struct source_row *row = table_row(&sources->table, i);

		(void)json_array_append_new(list,
			json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
				"source", json_text_or_null(row->source),
				"health", health_state_name(row->state),
				"text", json_text_or_null(row->text),
				"detail", json_text_or_null(row->detail),
				"since_ms", json_number_or_null(row->state_since_ms),
				"last_health_at_ms", json_number_or_null(row->last_health_at_ms),
				"last_fact_at_ms", json_number_or_null(row->last_fact_at_ms),
				"last_seen_at_ms", json_number_or_null(row->last_seen_at_ms),
				"facts", json_number_or_null(row->facts),
				"undecodable", json_number_or_null(row->undecodable),
				"fallback", json_number_or_null(row->fallback),
				"read_bytes", json_number_or_null(row->read_bytes),
				"behind", json_number_or_null(row->behind)));
	}
	return json_put_list(out, view, "sources", list, sources->rows.more, err);
}

static const enum action actions[] = { ACT_OPEN, TABLE_ACTIONS, ACT_NONE };

const struct view_ops sources_view = {
	.name = "sources",
	.title = "sources",
	.about = "What is read: health, age, how much, and what could not be read.",
	.state_size = sizeof(struct sources),
	.actions = actions,
	.open = sources_open,
	.load = sources_load,
	.draw = sources_draw,
	.act = sources_act,
	.subject = sources_subject,
	.print_rows = list_print_rows,
	.json = sources_json,
	.csv = list_csv,
	.filter = list_filter,
	.table = list_table,
	.close = list_close,
};
