/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/mem.h"
#include "views/common.h"
#include "views/views.h"

enum { UNDECODABLE_MAX = 1000, NEAREST_MAX = 64 };

struct source {
	struct table table;
	struct undecodable_rows rows;
};

static const struct undecodable_row *undecodable_of(const void *row)
{
	return row;
}

static void format_when(const void *row, const struct look *look, struct line *line)
{
	line_add(line, ROLE_DIM, format_time(look, undecodable_of(row)->seen_at_ms));
}

static int compare_when(const void *a, const void *b)
{
	return compare_i64(undecodable_of(a)->seen_at_ms, undecodable_of(b)->seen_at_ms);
}

static void format_place(const void *row, const struct look *look, struct line *line)
{
	line_name(line, look, undecodable_of(row)->place);
}

static void format_reason(const void *row, const struct look *look, struct line *line)
{
	(void)look;
	line_add(line, ROLE_WARN, undecodable_of(row)->reason);
}

static void format_length(const void *row, const struct look *look, struct line *line)
{
	line_add(line, ROLE_NUMBER, format_bytes(look, undecodable_of(row)->length));
}

static int compare_length(const void *a, const void *b)
{
	return compare_i64(undecodable_of(a)->length, undecodable_of(b)->length);
}

static const struct column columns[] = {
	{ "seen", "SEEN", "When it was met", 15, 20, 0, 2, COLUMN_DESCENDING, format_when,
		compare_when },
	{ "reason", "REASON", "Why it could not be read", 20, 60, 2, 0, 0, format_reason, NULL },
	{ "place", "PLACE", "File, line, byte", 42, 120, 3, 0, COLUMN_TAIL, format_place, NULL },
	{ "length", "LENGTH", "Bytes of the whole input", 7, 9, 0, 1, COLUMN_RIGHT | COLUMN_DESCENDING,
		format_length, compare_length },
};

static struct text row_key(const void *row)
{
	return undecodable_of(row)->place;
}

static bool source_open(struct view *view, struct err *err)
{
	struct source *source = view->state;

	(void)err;
	source->table = (struct table){
		.columns = columns,
		.ncolumns = ARRAY_LEN(columns),
		.row_size = sizeof(struct undecodable_row),
		.key = row_key,
		.empty = "everything this source gave could be read",
	};
	table_init(&source->table);
	return true;
}

/* A source that nobody knows gave nothing unreadable: that is no good news. */
static bool is_known(struct view *view, struct reader *reader, struct err *err)
{
	const char *names[NEAREST_MAX], *nearest;
	struct source_rows sources;
	size_t n = 0;

	if (!sources_list(reader, &view->arena, &sources, err))
		return false;
	for (size_t i = 0; i < sources.n; i++) {
		if (text_is(sources.rows[i].source, view->arg.subject))
			return true;
		if (n < ARRAY_LEN(names))
			names[n++] = arena_printf(&view->arena, "%.*s", TEXT_ARG(sources.rows[i].source));
	}
	nearest = text_nearest(text_of(view->arg.subject), names, n);
	/* the section's name alone */
	for (size_t i = 0; !nearest && i < n; i++)
		nearest = text_ends(text_of(names[i]), text_of(view->arg.subject)) ? names[i] : NULL;
	return err_set(err, ERR_ABSENT, 0, "no source '%s' has told anything%s%s%s", view->arg.subject,
		nearest ? ", did you mean '" : "", nearest ? nearest : "", nearest ? "'" : "");
}

static bool source_load(struct view *view, struct reader *reader, struct err *err)
{
	struct source *source = view->state;
	struct undecodable_rows rows;

	if (!is_known(view, reader, err) ||
		!undecodable_list(reader, &view->arena, text_of(view->arg.subject), UNDECODABLE_MAX, &rows,
			err))
		return false;
	source->rows = rows;
	table_set_rows(&source->table, rows.rows, rows.n, &view->look);
	return true;
}

static struct sheet pane_of(const struct view *view)
{
	const struct undecodable_row *row = table_selected(view->state);
	struct sheet sheet = { .arena = view->look.arena };

	if (!row)
		return sheet;
	sheet_heading(&sheet, "what could not be read");
	sheet_add(&sheet, "reason", ROLE_WARN, row->reason);
	sheet_add(&sheet, "place", ROLE_TEXT, row->place);
	if (row->length > (int64_t)row->bytes.len)
		sheet_addf(&sheet, "kept", ROLE_DIM, "the first %zu of %lld bytes", row->bytes.len,
			(long long)row->length);
	sheet_add(&sheet, "bytes", ROLE_TEXT, row->bytes);
	return sheet;
}

static void source_draw(const struct view *view, struct canvas *canvas, struct rect rect)
{
	struct sheet pane = pane_of(view);

	list_over_pane(view, NULL, 0, &pane, canvas, rect);
}

static enum reply source_act(struct view *view, enum action action, struct app *app)
{
	(void)app;
	return list_act(view->state, action, view->rect.rows, false);
}

static bool source_subject(const struct view *view, struct subject *out)
{
	const struct undecodable_row *row = table_selected(view->state);

	if (row)
		subject_set(out, "input", row->place, row->place);
	return row;
}

static bool source_json(const struct view *view, struct buf *out, struct err *err)
{
	const struct source *source = view->state;
	json_t *list = json_array();

	for (size_t i = 0; i < table_shown(&source->table); i++) {
		const struct undecodable_row *row = table_row(&source->table, i);

		(void)json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:o, s:o}",
			"place", json_text_or_null(row->place),
			"reason", json_text_or_null(row->reason),
			"bytes", json_text_or_null(row->bytes),
			"length", json_number_or_null(row->length),
			"seen_at_ms", json_number_or_null(row->seen_at_ms)));
	}
	return json_put(out, json_pack("{s:I, s:o, s:o, s:b}", "as_of",
		(json_int_t)view->look.now_ms, "source", json_text_or_null(text_of(view->arg.subject)),
		"undecodable", list, "more", source->rows.more), false, err);
}

static const enum action actions[] = { TABLE_ACTIONS, ACT_NONE };

const struct view_ops source_view = {
	.name = "source",
	.title = "source",
	.about = "What one source gave that could not be read: place, reason, its first bytes.",
	.arg = "SOURCE",
	.arg_required = true,
	.state_size = sizeof(struct source),
	.actions = actions,
	.open = source_open,
	.load = source_load,
	.draw = source_draw,
	.act = source_act,
	.subject = source_subject,
	.print_rows = list_print_rows,
	.json = source_json,
	.csv = list_csv,
	.filter = list_filter,
	.table = list_table,
	.close = list_close,
};
