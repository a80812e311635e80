/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "tui/canvas.h"
#include "tui/line.h"

static struct canvas canvas;
static struct buf buf;

static int set_up(void **state)
{
	(void)state;
	canvas_init(&canvas, 2, 10);
	buf_init(&buf, 1 << 16);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	canvas_done(&canvas);
	buf_done(&buf);
	return 0;
}

static const char *dumped(void)
{
	buf_reset(&buf);
	canvas_dump(&canvas, &buf);
	return buf.bytes;
}

static const char *dumped_roles(void)
{
	buf_reset(&buf);
	canvas_dump_roles(&canvas, &buf);
	return buf.bytes;
}

static void put_pads_clips_and_says_so(void **state)
{
	static const struct {
		int col, width;
		const char *text, *row;
		int used;
	} cases[] = {
		{ 0, 10, "abc", "abc", 3 },
		{ 0, 2, "abc", "a…xxxxxxxx", 2 },
		{ 0, 1, "abc", "…xxxxxxxxx", 1 },
		{ 0, 0, "abc", "xxxxxxxxxx", 0 },
		{ 8, 5, "abc", "xxxxxxxxa…", 2 },
		{ 8, -1, "a", "xxxxxxxxax", 1 },
		{ 7, -1, "abcd", "xxxxxxxab…", 3 },
		{ 10, -1, "a", "xxxxxxxxxx", 0 },
		{ -2, 6, "abcd", "cd  xxxxxx", 4 },
		{ 2, 3, "日本", "xx日…xxxxx", 3 },
		{ 2, 4, "日本", "xx日本xxxx", 4 },
		{ 2, 2, "日本", "xx… xxxxxx", 1 },
		{ -1, 4, "日本", " 本xxxxxxx", 4 },
		{ 0, 4, "e\xcc\x81z", "e\xcc\x81z  xxxxxx", 2 },
		{ 0, 5, "a\x1b\nb\xff", "a␛ b\xef\xbf\xbdxxxxx", 5 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *end;

		canvas_clear(&canvas);
		(void)canvas_put(&canvas, 0, 0, 10, ROLE_TEXT, TEXT("xxxxxxxxxx"));
		assert_int_equal(canvas_put(&canvas, 0, cases[i].col, cases[i].width, ROLE_TEXT,
					 text_of(cases[i].text)),
			cases[i].used);
		(void)dumped();
		end = strchr(buf.bytes, '\n');
		*end = '\0';
		assert_string_equal(buf.bytes, cases[i].row);
	}
}

static void wide_characters_are_never_halved(void **state)
{
	(void)state;
	(void)canvas_put(&canvas, 0, 0, 10, ROLE_TEXT, TEXT("日本語"));
	(void)canvas_put(&canvas, 0, 1, 1, ROLE_TEXT, TEXT("x")); /* onto a right half */
	assert_string_equal(dumped(), " x本語\n\n");
	(void)canvas_put(&canvas, 0, 2, 1, ROLE_TEXT, TEXT("y")); /* onto a left half */
	assert_string_equal(dumped(), " xy 語\n\n");
	(void)canvas_put(&canvas, 0, 3, 2, ROLE_TEXT, TEXT("表")); /* across two */
	assert_string_equal(dumped(), " xy表\n\n");
	(void)canvas_put(&canvas, 0, 9, 1, ROLE_TEXT, TEXT("表")); /* no room at the edge */
	assert_string_equal(dumped(), " xy表    …\n\n");
	canvas_fill(&canvas, (struct rect){ 0, 4, 1, 1 }, ROLE_TEXT);
	assert_string_equal(dumped(), " xy      …\n\n");
}

static void coordinates_outside_do_nothing(void **state)
{
	static const int far[] = { INT32_MIN, -1000, -1, 2, 10, 1000, INT32_MAX };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(far); i++) {
		(void)canvas_put(&canvas, far[i], 0, 5, ROLE_TEXT, TEXT("text"));
		canvas_put_right(&canvas, far[i], 0, 5, ROLE_TEXT, TEXT("text"));
		canvas_rule(&canvas, far[i], 0, 5, TEXT("title"));
		canvas_fill(&canvas, (struct rect){ far[i], 0, 5, 5 }, ROLE_TEXT);
		canvas_select(&canvas, (struct rect){ far[i], far[i], 0, 5 });
		canvas_cursor(&canvas, far[i], far[i]);
		if (far[i] >= 0 && far[i] < 10)
			continue;
		assert_int_equal(canvas_put(&canvas, 0, far[i], -1, ROLE_TEXT, TEXT("")), 0);
		canvas_put_right(&canvas, 0, far[i], 3, ROLE_TEXT, TEXT("text"));
		canvas_rule(&canvas, 0, far[i], 5, TEXT("title"));
	}
	canvas_clear(&canvas);
	assert_string_equal(dumped(), "\n\n");
}

static void dump_shows_roles_cursor_and_selection(void **state)
{
	(void)state;
	(void)canvas_putf(&canvas, 0, 0, 4, ROLE_FAILED, "%d", 12);
	canvas_put_right(&canvas, 0, 4, 6, ROLE_TEXT, TEXT("end"));
	canvas_select(&canvas, (struct rect){ 1, 0, 1, 10 });
	canvas_cursor(&canvas, 1, 2);
	assert_string_equal(dumped_roles(), "{failed:12  }   end|\n{text*:  ^        }|\n");
}

static void rule_carries_its_title(void **state)
{
	(void)state;
	canvas_rule(&canvas, 0, 0, -1, TEXT("abc"));
	canvas.ascii = true;
	canvas_rule(&canvas, 1, 0, 10, TEXT("long title"));
	assert_string_equal(dumped(), "── abc ───\n-- long ~\n");
	canvas_rule(&canvas, 1, 0, 4, TEXT("t"));
	assert_string_equal(dumped(), "── abc ───\n----ong ~\n");
}

static void sizes_are_kept_in_bounds(void **state)
{
	(void)state;
	canvas_resize(&canvas, 0, -5);
	assert_int_equal(canvas.rows, 1);
	assert_int_equal(canvas.cols, 1);
	canvas_resize(&canvas, 1 << 20, 1 << 20);
	assert_int_equal(canvas.rows, CANVAS_MAX_ROWS);
	assert_int_equal(canvas.cols, CANVAS_MAX_COLS);
}

static void towers_of_marks_fit_a_cell(void **state)
{
	(void)state;
	(void)canvas_put(&canvas, 0, 0, 10, ROLE_TEXT,
		TEXT("\xf0\x9d\x94\xb8\xf0\x9e\xa3\x90\xf0\x9e\xa3\x90\xf0\x9e\xa3\x90\xf0\x9e\xa3\x90z"));
	assert_true(canvas.cells[0].len <= CELL_BYTES);
	assert_true(utf8_is_clean((struct text){ canvas.cells[0].bytes, canvas.cells[0].len }));
	assert_string_equal(canvas.cells[1].bytes, "z");
}

static void long_text_costs_no_more_than_a_row(void **state)
{
	char *large = mem_alloc(4 << 20);

	(void)state;
	memset(large, 0xff, 4 << 20);
	assert_int_equal(canvas_put(&canvas, 0, 0, 10, ROLE_TEXT, (struct text){ large, 4 << 20 }), 10);
	FREE(&large);
}

static void lines_clip_as_one(void **state)
{
	struct arena arena = { 0 };
	struct line line;

	(void)state;
	line_init(&line, &arena);
	line_add(&line, ROLE_OK, TEXT("abc"));
	line_add(&line, ROLE_TEXT, TEXT_NONE);
	line_addf(&line, ROLE_FAILED, "%s\n", "d\x1b");
	assert_int_equal(line_width(&line), 6);
	assert_true(text_is(line_text(&line), "abcd␛ "));
	assert_int_equal(canvas_line(&canvas, 0, 0, 8, &line, true), 6);
	assert_int_equal(canvas_line(&canvas, 1, 0, 3, &line, false), 3);
	assert_string_equal(dumped_roles(), "  {ok:abc}{failed:d␛ }  |\n{ok:ab…}       |\n");
	assert_int_equal(canvas_line(&canvas, 1, 0, 0, &line, false), 0);
	assert_int_equal(canvas_line(&canvas, 7, 0, 5, &line, false), 0);
	for (int i = 0; i < 100; i++)
		line_add(&line, ROLE_TEXT, TEXT("z"));
	assert_int_equal(line.n, LINE_SPANS_MAX);
	arena_free(&arena);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static void names_keep_their_ends(void **state)
{
	static const struct {
		const char *glyph, *name;
		int width;
		const char *want;
	} cases[] = {
		{ "", "orders_silver", 13, "orders_silver" },
		{ "", "orders_silver", 12, "…ders_silver" },
		{ "", "orders_silver", 2, "…r" },
		{ "", "orders_silver", 1, "orders_silver" }, /* the canvas cuts it */
		{ "", "orders_silver", 0, "orders_silver" },
		{ "✗ ", "orders_silver", 9, "✗ …silver" },
		{ "✗ ", "orders_silver", 3, "✗ orders_silver" },
		{ "", "main.retail.orders", 9, "…orders" }, /* the rest of a part goes */
		{ "", "main.retail.orders", 8, "…orders" },
		{ "", "main.retail.orders", 7, "…orders" },
		{ "", "demo/members_silver/0", 10, "…_silver/0" }, /* too little would be left */
		{ "", "日本語", 5, "…本語" },
		{ "", "日本語", 4, "…語" }, /* half a character is none */
		{ "", "ae\xcc\x81x", 3, "ae\xcc\x81x" },
		{ "", "ae\xcc\x81x", 2, "…x" },
	};
	struct arena arena = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct line line;

		line_init(&line, &arena);
		if (cases[i].glyph[0])
			line_add(&line, ROLE_FAILED, text_of(cases[i].glyph));
		line_add(&line, ROLE_TEXT, text_of(cases[i].name));
		line_keep_tail(&line, cases[i].width, false);
		if (!text_is(line_text(&line), cases[i].want))
			fail_msg("case %zu: %.*s", i, TEXT_ARG(line_text(&line)));
	}
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(put_pads_clips_and_says_so),
		CASE(wide_characters_are_never_halved),
		CASE(coordinates_outside_do_nothing),
		CASE(dump_shows_roles_cursor_and_selection),
		CASE(rule_carries_its_title),
		CASE(sizes_are_kept_in_bounds),
		CASE(towers_of_marks_fit_a_cell),
		CASE(long_text_costs_no_more_than_a_row),
		CASE(lines_clip_as_one),
		CASE(names_keep_their_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
