/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/mem.h"
#include "tui/filter.h"
#include "tui/table.h"

/*
 * The first line is the filter, every line behind it a row of one list. Rows that pass and rows
 * that pass the inverse are together all, and every action and drawing works on what is left.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROWS_MAX = 64 };

static void format_row(const void *row, const struct look *look, struct line *line)
{
	(void)look;
	line_add(line, ROLE_TEXT, *(const struct text *)row);
}

static struct text row_key(const void *row)
{
	return *(const struct text *)row;
}

static void drawn(const struct table *table, const struct look *look, struct buf *out)
{
	struct canvas canvas;

	canvas_init(&canvas, 8, 30);
	table_draw(table, &canvas, canvas_all(&canvas), look, true);
	canvas_dump(&canvas, out);
	canvas_done(&canvas);
}

/* A filter without words hides nothing, nor does its inverse. */
static bool says_something(struct text filter)
{
	static const char *const names[] = { "name", "more" };
	struct filter parsed;

	/* As the table keeps it, which is cut. */
	filter_parse(&parsed, text_sub(filter, 0, 512), names, ARRAY_LEN(names));
	return parsed.n > 0;
}

static void check(struct table *table, struct text filter, const struct look *look)
{
	struct buf lit;
	size_t passed;

	buf_init(&lit, 1 << 16);
	table_set_filter(table, filter, true, look);
	passed = table_shown(table);
	drawn(table, look, &lit);
	table_set_filter(table, filter, false, look);
	drawn(table, look, &lit);
	table_csv(table, look, &lit);
	for (enum action action = ACT_NONE; action < ACT_COUNT; action++)
		(void)table_act(table, action, 3);
	if (says_something(filter) && passed + table_shown(table) != table->nrows)
		abort();
	if (table_shown(table) > 0 && !table_selected(table))
		abort();
	buf_done(&lit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct column columns[] = {
		{ .name = "name", .title = "NAME", .max_width = 12, .grow = 1, .format = format_row },
		{ .name = "more", .title = "MORE", .rank = 1, .flags = COLUMN_RIGHT, .format = format_row },
	};
	struct text rows[ROWS_MAX];
	struct text rest = { (const char *)data, size };
	struct text filter = TEXT("");
	struct arena arena = { 0 };
	struct look look = { .arena = &arena, .utc = true };
	struct table table = { .columns = columns, .ncolumns = ARRAY_LEN(columns),
		.row_size = sizeof rows[0], .key = row_key };
	size_t n = 0;

	if (size == 0)
		return 0;
	(void)text_split(&rest, '\n', &filter);
	while (n < ROWS_MAX && text_split(&rest, '\n', &rows[n]))
		n++;
	table_init(&table);
	table_set_rows(&table, rows, n, &look);
	check(&table, filter, &look);
	table_set_rows(&table, rows, n / 2, &look);
	table_done(&table);
	arena_free(&arena);
	return 0;
}
