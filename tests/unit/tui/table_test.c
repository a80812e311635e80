/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "tui/table.h"

struct thing {
	const char *id, *name, *state;
	int64_t rows;
	double pct;
	const char *note;
};

static void name_format(const void *row, const struct look *look, struct line *line)
{
	(void)look;
	line_add(line, ROLE_LINK, text_of(((const struct thing *)row)->name));
}

static void state_format(const void *row, const struct look *look, struct line *line)
{
	const struct thing *thing = row;
	bool ok = strcmp(thing->state, "OK") == 0;

	line_add(line, ok ? ROLE_OK : ROLE_FAILED,
		glyph_text(look, ok ? GLYPH_OK : GLYPH_FAILED));
	line_addf(line, ok ? ROLE_OK : ROLE_FAILED, " %s", thing->state);
}

static void rows_format(const void *row, const struct look *look, struct line *line)
{
	line_add(line, ROLE_NUMBER, format_count(look, ((const struct thing *)row)->rows));
}

static void pct_format(const void *row, const struct look *look, struct line *line)
{
	line_add(line, ROLE_NUMBER, format_pct(look, ((const struct thing *)row)->pct));
}

static void note_format(const void *row, const struct look *look, struct line *line)
{
	(void)look;
	line_add(line, ROLE_TEXT, text_of(((const struct thing *)row)->note));
}

static int rows_compare(const void *a, const void *b)
{
	int64_t x = ((const struct thing *)a)->rows;
	int64_t y = ((const struct thing *)b)->rows;

	return (x > y) - (x < y);
}

static const struct column columns[] = {
	{ .name = "name", .title = "NAME", .about = "its name", .min_width = 8, .max_width = 20,
		.grow = 1, .format = name_format },
	{ .name = "state", .title = "STATE", .about = "its state", .min_width = 8,
		.format = state_format },
	{ .name = "rows", .title = "ROWS", .about = "its rows", .flags = COLUMN_RIGHT | COLUMN_DESCENDING,
		.format = rows_format, .compare = rows_compare },
	{ .name = "pct", .title = "COMPLETE", .about = "how complete", .rank = 1,
		.flags = COLUMN_RIGHT | COLUMN_NO_SORT, .format = pct_format },
	{ .name = "note", .title = "NOTE", .about = "a note", .min_width = 10, .max_width = 24,
		.grow = 2, .rank = 2, .flags = COLUMN_NO_EXPORT, .format = note_format },
};

static const struct thing things[] = {
	{ "a", "collateral_silver", "FAILED", 100000, 92.2, "[currency_code] not allowed value" },
	{ "b", "loan_silver", "OK", 1234567, 99.96, "" },
	{ "c", "日本語の表_silver", "OK", 12, 100, "wide 表 and e\xcc\x81 marks" },
	{ "d", "he said \"hi\", twice", "OK", INT64_MIN, 0, "nothing known" },
	{ "e", "bad\x1b[31m\xff name", "FAILED", -5, 0.04, "hostile" },
};

static struct text thing_key(const void *row)
{
	return text_of(((const struct thing *)row)->id);
}

struct fixture {
	struct table table;
	struct canvas canvas;
	struct arena arena;
	struct look look;
	struct buf buf;
};

static int set_up(void **state)
{
	struct fixture *f = NEW(struct fixture);

	f->look = (struct look){ .now_ms = 0, .utc = true, .arena = &f->arena };
	f->table = (struct table){ .columns = columns, .ncolumns = ARRAY_LEN(columns),
		.row_size = sizeof(struct thing), .key = thing_key, .empty = "No thing was seen yet." };
	table_init(&f->table);
	canvas_init(&f->canvas, 8, 60);
	buf_init(&f->buf, 1 << 20);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	table_done(&f->table);
	canvas_done(&f->canvas);
	arena_free(&f->arena);
	buf_done(&f->buf);
	FREE(&f);
	return 0;
}

static const char *drawn(struct fixture *f, int rows, int cols)
{
	canvas_resize(&f->canvas, rows, cols);
	table_draw(&f->table, &f->canvas, canvas_all(&f->canvas), &f->look, true);
	buf_reset(&f->buf);
	canvas_dump(&f->canvas, &f->buf);
	return f->buf.bytes;
}

static const char *selected_id(const struct fixture *f)
{
	const struct thing *thing = table_selected(&f->table);

	return thing ? thing->id : "";
}

static void fill(struct fixture *f)
{
	table_set_rows(&f->table, things, ARRAY_LEN(things), &f->look);
}

static void wide_screen_shows_all_columns(void **state)
{
	struct fixture *f = *state;

	fill(f);
	assert_string_equal(drawn(f, 7, 100),
		" NAME                  STATE           ROWS   COMPLETE   NOTE\n"
		"▸collateral_silver     ✗ FAILED     100 000      92.2%   [currency_code] not allowed value\n"
		" loan_silver           ✓ OK       1 234 567      99.9%\n"
		" 日本語の表_silver     ✓ OK              12       100%   wide 表 and e\xcc\x81 marks\n"
		" he said \"hi\", twice   ✓ OK               –         0%   nothing known\n"
		" bad␛[31m\xef\xbf\xbd name        ✗ FAILED          -5      <0.1%   hostile\n"
		"\n");
}

static void narrow_screen_drops_columns_by_rank(void **state)
{
	struct fixture *f = *state;

	fill(f);
	assert_string_equal(drawn(f, 3, 34),
		" NAME           STATE         ROWS\n"
		"▸collateral_si… ✗ FAILED   100 000\n"
		" loan_silver    ✓ OK     1 234 567\n");
}

static void selection_survives_reload(void **state)
{
	struct fixture *f = *state;
	struct thing other[3] = { things[4], things[3], things[2] };

	fill(f);
	assert_int_equal(table_act(&f->table, ACT_DOWN, 5), REPLY_DONE);
	assert_int_equal(table_act(&f->table, ACT_DOWN, 5), REPLY_DONE);
	assert_string_equal(selected_id(f), "c");
	table_set_rows(&f->table, other, 3, &f->look);
	assert_string_equal(selected_id(f), "c");
	table_set_rows(&f->table, other, 1, &f->look);
	assert_string_equal(selected_id(f), "e");
	table_set_rows(&f->table, NULL, 0, &f->look);
	assert_null(table_selected(&f->table));
	assert_int_equal(table_act(&f->table, ACT_LAST, 5), REPLY_DONE);
}

static void sort_goes_through_columns_and_back(void **state)
{
	struct fixture *f = *state;

	fill(f);
	assert_true(table_sort(&f->table, TEXT("rows"), true, &f->look));
	assert_string_equal(((const struct thing *)table_row(&f->table, 0))->id, "b");
	assert_non_null(strstr(drawn(f, 7, 100), "ROWS↓"));
	(void)table_act(&f->table, ACT_SORT_REVERSE, 5);
	assert_string_equal(((const struct thing *)table_row(&f->table, 4))->id, "b");
	assert_non_null(strstr(drawn(f, 7, 100), "ROWS↑"));
	assert_string_equal(selected_id(f), "a");
	assert_false(table_sort(&f->table, TEXT("pct"), true, &f->look));
	assert_false(table_sort(&f->table, TEXT("nothing"), true, &f->look));
	(void)table_act(&f->table, ACT_SORT, 5); /* note: pct cannot be sorted */
	assert_non_null(strstr(drawn(f, 7, 100), "NOTE↑"));
	assert_string_equal(((const struct thing *)table_row(&f->table, 0))->id, "b");
	(void)table_act(&f->table, ACT_SORT, 5);
	assert_string_equal(((const struct thing *)table_row(&f->table, 0))->id, "a");
	(void)table_act(&f->table, ACT_SORT_REVERSE, 5);
	assert_string_equal(((const struct thing *)table_row(&f->table, 0))->id, "e");
}

static void filter_keeps_rows_that_match(void **state)
{
	static const struct {
		const char *filter, *ids;
		bool inverse;
	} cases[] = {
		{ "", "abcde", false },       { "silver", "abc", false },
		{ "SILVER ok", "bc", false }, { "silver !ok", "a", false },
		{ "state:fail", "ae", false }, { "name:fail", "", false },
		{ "silver", "de", true },     { "!name:silver", "de", false },
		{ "other:x", "", false },     { "表", "c", false },
		{ "!", "abcde", false },      { "rows:000", "a", false },
	};
	struct fixture *f = *state;

	fill(f);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char ids[8] = "";
		size_t n;

		table_set_filter(&f->table, text_of(cases[i].filter), cases[i].inverse, &f->look);
		n = table_shown(&f->table);
		for (size_t r = 0; r < n; r++)
			ids[r] = ((const struct thing *)table_row(&f->table, r))->id[0];
		assert_string_equal(ids, cases[i].ids);
	}
}

static void filter_is_highlighted_and_counted(void **state)
{
	struct fixture *f = *state;
	struct text at;

	fill(f);
	table_set_filter(&f->table, TEXT("silver"), false, &f->look);
	canvas_resize(&f->canvas, 3, 40);
	table_draw(&f->table, &f->canvas, canvas_all(&f->canvas), &f->look, true);
	canvas_dump_roles(&f->canvas, &f->buf);
	assert_non_null(strstr(f->buf.bytes, "{match:silver}"));
	at = table_position(&f->table, &f->look);
	assert_string_equal(at.bytes, "1/3 of 5");
	table_set_filter(&f->table, TEXT("zebra"), false, &f->look);
	assert_non_null(strstr(drawn(f, 4, 60), "None of 5 rows matches \"zebra\"."));
	table_set_filter(&f->table, TEXT("e"), false, &f->look);
	assert_non_null(strstr(drawn(f, 7, 100), "e\xcc\x81 marks")); /* the mark keeps its base */
}

static void place_is_told_while_rows_are_out_of_sight(void **state)
{
	struct fixture *f = *state;

	fill(f);
	(void)drawn(f, 3, 60);
	assert_string_equal(table_position(&f->table, &f->look).bytes, "1/5");
	f->table.is_window = true; /* five of who knows how many */
	assert_null(table_position(&f->table, &f->look).bytes);
	f->table.is_window = false;
	(void)drawn(f, 7, 60);
	assert_null(table_position(&f->table, &f->look).bytes);
}

static void empty_table_says_why(void **state)
{
	struct fixture *f = *state;

	table_set_rows(&f->table, NULL, 0, &f->look);
	assert_non_null(strstr(drawn(f, 4, 60), "No thing was seen yet."));
	assert_non_null(strstr(drawn(f, 4, 12), "No thing\n was seen\n yet.\n"));
}

static void marks_are_kept_by_key(void **state)
{
	struct fixture *f = *state;
	const void *marked[4];

	fill(f);
	(void)table_act(&f->table, ACT_MARK, 5);
	(void)table_act(&f->table, ACT_MARK, 5);
	assert_int_equal(table_marked(&f->table, marked, 4), 2);
	assert_string_equal(((const struct thing *)marked[1])->id, "b");
	assert_string_equal(selected_id(f), "c");
	fill(f);
	assert_int_equal(table_marked(&f->table, marked, 1), 2);
	assert_true(table_select_key(&f->table, TEXT("a")));
	assert_false(table_select_key(&f->table, TEXT("z")));
	(void)table_act(&f->table, ACT_MARK, 5);
	assert_int_equal(table_marked(&f->table, marked, 4), 1);
}

static void csv_is_raw_and_quoted(void **state)
{
	struct fixture *f = *state;

	fill(f);
	table_csv(&f->table, &f->look, &f->buf);
	assert_string_equal(f->buf.bytes, "name,state,rows,pct\r\n"
		"collateral_silver,FAILED,100000,92.2\r\n"
		"loan_silver,OK,1234567,99.96\r\n"
		"日本語の表_silver,OK,12,100\r\n"
		"\"he said \"\"hi\"\", twice\",OK,,0\r\n"
		"bad␛[31m\xef\xbf\xbd name,FAILED,-5,0.04\r\n");
}

static void csv_runs_nothing_in_a_spreadsheet(void **state)
{
	static const struct {
		const char *name, *cell;
	} cases[] = {
		{ "=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0" },
		{ "+1+2", "'+1+2" },
		{ "-2+3", "'-2+3" },
		{ "-", "'-" },
		{ "-.", "'-." },
		{ "-1.2.3", "'-1.2.3" },
		{ "@SUM(A1)", "'@SUM(A1)" },
		{ "=HYPERLINK(\"x\",1)", "\"'=HYPERLINK(\"\"x\"\",1)\"" },
		{ "-5", "-5" },
		{ "-0.25", "-0.25" },
		{ "a=b", "a=b" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct thing row = { "k", cases[i].name, "OK", -5, 0, "" };
		char want[128];

		buf_reset(&f->buf);
		table_set_rows(&f->table, &row, 1, &f->look);
		table_csv(&f->table, &f->look, &f->buf);
		(void)snprintf(want, sizeof want, "\r\n%s,OK,-5,", cases[i].cell);
		if (!strstr(f->buf.bytes, want))
			fail_msg("%s became %s", cases[i].name, f->buf.bytes);
	}
}

static void the_mouse_finds_what_was_drawn(void **state)
{
	struct fixture *f = *state;
	struct canvas canvas;
	struct table_hit hit;
	struct rect rect = { 2, 4, 4, 60 }; /* a head and three rows */

	fill(f);
	canvas_init(&canvas, 10, 70);
	(void)table_act(&f->table, ACT_LAST, 3);
	table_draw(&f->table, &canvas, rect, &f->look, true);
	for (int row = 0; row < 10; row++) {
		for (int col = 0; col < 70; col++) {
			bool inside = row >= 2 && row < 6 && col >= 4 && col < 64;

			hit = table_hit(&f->table, row, col);
			assert_true(inside || hit.kind == TABLE_HIT_NONE);
			if (hit.kind == TABLE_HIT_ROW)
				assert_int_equal(hit.index, table_shown(&f->table) - 3 + (size_t)row - 3);
			else if (inside)
				assert_int_equal(row, 2);
		}
	}
	assert_int_equal(table_hit(&f->table, 2, 4).kind, TABLE_HIT_NONE); /* the gutter */
	hit = table_hit(&f->table, 2, 5);
	assert_int_equal(hit.kind, TABLE_HIT_HEAD);
	assert_int_equal(hit.index, 0);
	table_sort_by(&f->table, 2, &f->look); /* rows: largest first, then turned round */
	assert_string_equal(((const struct thing *)table_row(&f->table, 0))->id, "b");
	table_sort_by(&f->table, 2, &f->look);
	assert_string_equal(((const struct thing *)table_row(&f->table, table_shown(&f->table) - 1))->id,
		"b");
	table_sort_by(&f->table, 3, &f->look); /* pct does not sort */
	assert_string_equal(((const struct thing *)table_row(&f->table, table_shown(&f->table) - 1))->id,
		"b");
	canvas_done(&canvas);
}

/* Every cell is whole: one cluster, or the right half of the wide one before it. */
static void check_cells(const struct canvas *canvas)
{
	for (int row = 0; row < canvas->rows; row++) {
		for (int col = 0; col < canvas->cols; col++) {
			const struct cell *cell = &canvas->cells[row * canvas->cols + col];
			int cells;

			if (cell->len == 0) {
				assert_true(col > 0 && cell[-1].len > 0);
				(void)utf8_cluster((struct text){ cell[-1].bytes, cell[-1].len }, 0, &cells);
				assert_int_equal(cells, 2);
				continue;
			}
			assert_int_equal(
				utf8_cluster((struct text){ cell->bytes, cell->len }, 0, &cells), cell->len);
			assert_true(cells == 1 || (col + 1 < canvas->cols && cell[1].len == 0));
		}
	}
}

static void draws_at_every_size(void **state)
{
	struct fixture *f = *state;

	fill(f);
	table_set_filter(&f->table, TEXT("i"), false, &f->look);
	for (int rows = 1; rows <= 60; rows += rows < 6 ? 1 : 9) {
		for (int cols = 1; cols <= 200; cols += cols < 90 ? 1 : 11) {
			canvas_resize(&f->canvas, rows, cols);
			table_draw(&f->table, &f->canvas, canvas_all(&f->canvas), &f->look, true);
			check_cells(&f->canvas);
			table_draw(&f->table, &f->canvas,
				(struct rect){ rows / 2, cols / 3, rows, cols }, &f->look, false);
			check_cells(&f->canvas);
			arena_reset(&f->arena);
		}
		(void)table_act(&f->table, ACT_DOWN, rows);
	}
}

static void cursor_is_always_on_screen(void **state)
{
	static const enum action moves[] = { ACT_DOWN, ACT_PAGE_DOWN, ACT_LAST, ACT_HALF_UP, ACT_UP,
		ACT_PAGE_UP, ACT_FIRST, ACT_HALF_DOWN };
	struct thing many[100];
	char ids[100][8];
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(many); i++) {
		(void)snprintf(ids[i], sizeof ids[i], "k%zu", i);
		many[i] = things[i % ARRAY_LEN(things)];
		many[i].id = ids[i];
	}
	table_set_rows(&f->table, many, ARRAY_LEN(many), &f->look);
	for (size_t i = 0; i < 200; i++) {
		int rows = 2 + (int)(i * 7 % 20);

		(void)table_act(&f->table, moves[i * 5 % 8], (int)(1 + i % 13));
		canvas_resize(&f->canvas, rows, 40);
		table_draw(&f->table, &f->canvas, canvas_all(&f->canvas), &f->look, true);
		assert_in_range(f->canvas.cursor_row, 1, rows - 1);
		assert_string_equal(f->canvas.cells[f->canvas.cursor_row * 40].bytes, "▸");
		arena_reset(&f->arena);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(wide_screen_shows_all_columns),
		CASE(narrow_screen_drops_columns_by_rank),
		CASE(selection_survives_reload),
		CASE(sort_goes_through_columns_and_back),
		CASE(filter_keeps_rows_that_match),
		CASE(filter_is_highlighted_and_counted),
		CASE(place_is_told_while_rows_are_out_of_sight),
		CASE(empty_table_says_why),
		CASE(marks_are_kept_by_key),
		CASE(csv_is_raw_and_quoted),
		CASE(csv_runs_nothing_in_a_spreadsheet),
		CASE(the_mouse_finds_what_was_drawn),
		CASE(draws_at_every_size),
		CASE(cursor_is_always_on_screen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
