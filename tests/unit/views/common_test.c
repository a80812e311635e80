/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "views/common.h"
#include "views/jsontree.h"
#include "views/streams.h"

static struct arena arena;
static const struct look look = { .now_ms = 1000000, .utc = true, .ascii = true, .arena = &arena };

static int free_arena(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static void every_state_has_a_word(void **state)
{
	(void)state;
	for (int i = 0; i < RUN_STATE_COUNT; i++) {
		const struct state_look *shown = run_state_look((enum run_state)i);

		assert_non_null(shown->word);
		assert_true(shown->word[0]);
	}
	assert_ptr_equal(run_state_look((enum run_state)9999), run_state_look(RUN_UNKNOWN));
}

static void shares_are_unknown_not_whole(void **state)
{
	(void)state;
	assert_int_equal(share_grade(0, 0), SHARE_UNKNOWN);
	assert_int_equal(share_grade(FACT_UNKNOWN, 10), SHARE_UNKNOWN);
	assert_int_equal(share_grade(10, FACT_UNKNOWN), SHARE_UNKNOWN);
	assert_int_equal(share_grade(922, 1000), SHARE_LOW);
	assert_int_equal(share_grade(98, 100), SHARE_SHORT);
	assert_int_equal(share_grade(99, 100), SHARE_GOOD);
}

static void unknown_comes_first(void **state)
{
	(void)state;
	assert_int_equal(compare_double(NAN, -1e300), -1);
	assert_int_equal(compare_double(0, NAN), 1);
	assert_int_equal(compare_double(NAN, NAN), 0);
	assert_int_equal(compare_double(1, 2), -1);
	assert_int_equal(compare_double(2, 2), 0);
}

static void ordinals_are_english(void **state)
{
	static const struct {
		int n;
		const char *end;
	} cases[] = { { 1, "st" }, { 2, "nd" }, { 3, "rd" }, { 4, "th" }, { 11, "th" }, { 12, "th" },
		{ 13, "th" }, { 21, "st" }, { 22, "nd" }, { 111, "th" }, { 113, "th" }, { 123, "rd" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(ordinal_end(cases[i].n), cases[i].end);
}

static void changes_hide_nothing_unknown(void **state)
{
	static const struct {
		int64_t added, removed;
		const char *want;
	} cases[] = { { 4100, 96, "+4 100 -96" }, { 4100, 0, "+4 100" }, { 0, 96, "-96" }, { 0, 0, "0" },
		{ FACT_UNKNOWN, FACT_UNKNOWN, "-" }, { FACT_UNKNOWN, 0, "-" },
		{ FACT_UNKNOWN, 96, "- -96" }, { 4100, FACT_UNKNOWN, "+4 100 -" },
		{ 0, FACT_UNKNOWN, "0 -" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct line line;

		line_init(&line, &arena);
		line_change(&line, &look, cases[i].added, cases[i].removed);
		if (!text_is(line_text(&line), cases[i].want))
			fail_msg("%s: %.*s", cases[i].want, TEXT_ARG(line_text(&line)));
	}
}

/* The word of a partition, and with it the sign before it, is the worst that is known of it. */
static void partitions_are_as_bad_as_they_are(void **state)
{
	const struct lag_partition_row well = { .verdict = LAG_OK, .processed = 5 };
	struct lag_partition_row part = well;

	(void)state;
	assert_int_equal(part_look(&part)->glyph, GLYPH_OK);
	part.never_drains = true;
	part.lag_seconds = 59;
	assert_string_equal(part_look(&part)->word, "OK");
	part.lag_seconds = 60;
	assert_string_equal(part_look(&part)->word, "GROWING");
	assert_int_equal(part_look(&part)->glyph, GLYPH_WARN);
	part = well;
	part.lost_records = 1;
	assert_string_equal(part_look(&part)->word, "LOSING RECORDS");
	assert_int_equal(part_look(&part)->glyph, GLYPH_FAILED);
	part = well;
	assert_true(part_rank(&part) < part_rank(&(struct lag_partition_row){ .verdict = LAG_WARN }));
	part.lost_records = 1;
	assert_true(part_rank(&part) > part_rank(&(struct lag_partition_row){ .verdict = LAG_STOP }));
	part = well;
	part.processed = FACT_UNKNOWN;
	assert_string_equal(part_look(&part)->word, "no commit");
}

static void stale_is_twice_the_usual_gap(void **state)
{
	struct pipeline_row row = { .last_written_at_ms = 0, .usual_gap_ms = 300000 };

	(void)state;
	assert_false(pipeline_is_stale(&row, 600000));
	assert_true(pipeline_is_stale(&row, 600001));
	row.usual_gap_ms = 1000; /* a minute of grace */
	assert_false(pipeline_is_stale(&row, 61000));
	assert_true(pipeline_is_stale(&row, 61001));
	row.usual_gap_ms = FACT_UNKNOWN;
	assert_false(pipeline_is_stale(&row, INT64_MAX));
	row.last_written_at_ms = TIME_UNKNOWN;
	assert_false(pipeline_is_stale(&row, INT64_MAX));
}

static void catalogs_are_cut_only_when_shared(void **state)
{
	struct shared_head head = { .differs = false };

	(void)state;
	shared_add(&head, TEXT("main.fire.loan_silver"));
	shared_add(&head, TEXT("main.retail.orders"));
	assert_true(text_is(shared_cut(&head, TEXT("main.retail.orders")), "retail.orders"));
	shared_add(&head, TEXT("dev.retail.orders"));
	assert_true(text_is(shared_cut(&head, TEXT("main.retail.orders")), "main.retail.orders"));
	head = (struct shared_head){ .differs = false };
	shared_add(&head, TEXT("main.fire.loan_silver"));
	shared_add(&head, TEXT("events"));
	assert_true(text_is(shared_cut(&head, TEXT("main.fire.loan_silver")), "main.fire.loan_silver"));
}

static struct text bar(const struct phases *phases, int cells)
{
	struct line line;

	line_init(&line, &arena);
	line_phases(&line, &look, phases, cells);
	return line_text(&line);
}

static void phases_fill_their_share(void **state)
{
	struct phases phases = { .at_ms = { 0, 200, 300, 400 }, .end_ms = 1000, .scale_ms = 1000 };

	(void)state;
	assert_true(text_is(bar(&phases, 10), "..-=######"));
	phases.scale_ms = 2000;
	assert_true(text_is(bar(&phases, 10), ".=###     "));
	phases.scale_from_ms = -1000;
	assert_true(text_is(bar(&phases, 10), "     .=###"));
	phases.at_ms[1] = TIME_UNKNOWN; /* initializing was never told: it is part of waiting */
	assert_true(text_is(text_trim(bar(&phases, 20)), "...=######"));
}

static void short_phases_leave_a_mark(void **state)
{
	struct phases phases = { .at_ms = { 500, TIME_UNKNOWN, TIME_UNKNOWN, 501 }, .end_ms = 502,
		.scale_ms = 100000 };

	(void)state;
	assert_true(text_is(bar(&phases, 5), "#    "));
	phases.at_ms[0] = TIME_UNKNOWN;
	phases.at_ms[3] = TIME_UNKNOWN;
	assert_true(text_is(bar(&phases, 5), "-")); /* nothing is known: a dash */
}

static void panes_share_the_rows(void **state)
{
	struct split split = split_rows((struct rect){ 0, 0, 24, 80 }, 6, 8);

	(void)state;
	assert_int_equal(split.list.rows, 6);
	assert_int_equal(split.pane.row, 6);
	assert_int_equal(split.pane.rows, 18);
	split = split_rows((struct rect){ 0, 0, 24, 80 }, 100, 100);
	assert_int_equal(split.list.rows + split.pane.rows, 24);
	assert_int_equal(split.list.rows, 12);
	split = split_rows((struct rect){ 0, 0, 24, 80 }, 3, 2); /* a title and one row */
	assert_int_equal(split.list.rows, 3);
	assert_int_equal(split.pane.rows, 21);
	split = split_rows((struct rect){ 0, 0, 9, 80 }, 100, 5);
	assert_int_equal(split.list.rows, 9);
	assert_int_equal(split.pane.rows, 0);
	for (int rows = 0; rows < 70; rows++) {
		for (int list = 0; list < 70; list += 3) {
			for (int pane = 0; pane < 70; pane += 5) {
				split = split_rows((struct rect){ 1, 0, rows, 80 }, list, pane);
				assert_true(split.list.rows >= 0 && split.pane.rows >= 0);
				assert_true(split.list.rows + split.pane.rows <= rows);
			}
		}
	}
}

static void long_texts_wrap_at_blanks(void **state)
{
	struct sheet sheet = { .arena = &arena };
	struct canvas canvas;
	struct buf text;

	(void)state;
	sheet_heading(&sheet, "flow");
	sheet_add(&sheet, "error", ROLE_FAILED, TEXT("one two three four five six\nnew\033line"));
	assert_int_equal(sheet_height(&sheet, 31), 4);
	sheet_add(&sheet, "path", ROLE_DIM, TEXT("/lake/tables/fire/collateral_silver"));
	canvas_init(&canvas, 6, 31);
	canvas.ascii = true;
	assert_int_equal(sheet_draw(&sheet, &canvas, canvas_all(&canvas), 0), 6);
	buf_init(&text, 4096);
	canvas_dump(&canvas, &text);
	assert_non_null(strstr(text.bytes, "\n error  one two three four five"));
	assert_non_null(strstr(text.bytes, "\n        six"));
	assert_non_null(strstr(text.bytes, "\n path   /lake/tables/fire/\n        collateral_silver\n"));
	assert_non_null(strstr(text.bytes, "\n        new\xe2\x90\x9bline"));
	canvas_done(&canvas);
	buf_done(&text);
}

static struct sheet ten_rows(const struct view *view)
{
	struct sheet sheet = { .arena = &arena };

	(void)view;
	for (int i = 0; i < 10; i++)
		sheet_addf(&sheet, "", ROLE_TEXT, "row %d", i);
	return sheet;
}

static void what_is_below_is_counted_as_far_as_it_helps(void **state)
{
	static const struct {
		int rows;
		const char *says;
	} cases[] = { { 4, NULL }, { 5, "  1 more" }, { 103, " 99 more" }, { 104, " 99+ more" },
		{ 500, " 99+ more" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sheet sheet = { .arena = &arena };
		struct canvas canvas;
		struct buf text;

		for (int row = 0; row < cases[i].rows; row++)
			sheet_addf(&sheet, "", ROLE_TEXT, "row %d", row);
		canvas_init(&canvas, 4, 40);
		(void)sheet_draw(&sheet, &canvas, canvas_all(&canvas), 0);
		buf_init(&text, 4096);
		canvas_dump(&canvas, &text);
		if (cases[i].says)
			assert_non_null(strstr(text.bytes, cases[i].says));
		else
			assert_null(strstr(text.bytes, "more"));
		canvas_done(&canvas);
		buf_done(&text);
	}
}

/* Scrolled to its end, then shown on a larger screen: as much as there is, and keys move it at once. */
static void sheets_fill_a_screen_that_grew(void **state)
{
	struct sheet_view sheet = { .sheet_of = ten_rows };
	struct view view = { .state = &sheet, .look = look, .rect = { .rows = 4, .cols = 40 } };
	struct canvas canvas;
	struct buf text;

	(void)state;
	assert_int_equal(sheet_view_act(&view, ACT_LAST, NULL), REPLY_DONE);
	view.rect.rows = 8;
	canvas_init(&canvas, 8, 40);
	sheet_view_draw(&view, &canvas, canvas_all(&canvas));
	buf_init(&text, 4096);
	canvas_dump(&canvas, &text);
	assert_non_null(strstr(text.bytes, "row 2\n"));
	assert_non_null(strstr(text.bytes, "row 9\n"));
	assert_int_equal(sheet_view_act(&view, ACT_UP, NULL), REPLY_DONE);
	assert_int_equal(sheet.skip, 1);
	canvas_done(&canvas);
	buf_done(&text);
}

static void json_folds_and_keeps_its_folds(void **state)
{
	struct json_tree tree = { .n = 0 };
	struct text json = TEXT("{\"a\":1,\"b\":{\"c\":[1,2,{\"d\":3}]},\"e\":\"x\"}");

	(void)state;
	json_tree_load(&tree, &arena, json);
	assert_int_equal(tree.n, 8);
	assert_int_equal(json_tree_height(&tree, 80), 8);
	assert_int_equal(json_tree_act(&tree, ACT_DOWN, 10), REPLY_DONE);
	assert_int_equal(json_tree_act(&tree, ACT_LEFT, 10), REPLY_DONE);
	assert_int_equal(json_tree_height(&tree, 80), 3);
	json_tree_load(&tree, &arena, json); /* the same text again: still folded */
	assert_int_equal(json_tree_height(&tree, 80), 3);
	assert_int_equal(json_tree_act(&tree, ACT_LAST, 10), REPLY_DONE);
	assert_true(text_is(tree.nodes[tree.cursor].key, "e"));
	json_tree_load(&tree, &arena, TEXT("{broken"));
	assert_int_equal(tree.n, 1);
	assert_int_equal(tree.cursor, 0);
	json_tree_load(&tree, &arena, TEXT_NONE);
	assert_int_equal(tree.n, 0);
	json_tree_done(&tree);
}

/* Wide characters leave a cell free where the width is odd: the rows that takes are counted. */
static void long_wide_values_are_whole(void **state)
{
	struct json_tree tree = { .n = 0 };
	struct canvas canvas;
	struct buf json, text;

	(void)state;
	buf_init(&json, 4096);
	buf_init(&text, 4096);
	(void)buf_add_str(&json, "{\"a\":\"");
	for (int i = 0; i < 40; i++)
		(void)buf_add_str(&json, "\xe6\x97\xa5");
	(void)buf_add_str(&json, " end\"}");
	json_tree_load(&tree, &arena, buf_text(&json));
	/* 84 cells; 17 of 22 are for them, 16 are used: five rows, and a sixth. */
	assert_int_equal(json_tree_height(&tree, 22), 6);
	canvas_init(&canvas, 6, 22);
	json_tree_draw(&tree, &canvas, canvas_all(&canvas), &look);
	canvas_dump(&canvas, &text);
	assert_non_null(strstr(text.bytes, "end"));
	assert_null(strstr(text.bytes, "\xe2\x80\xa6"));
	canvas_done(&canvas);
	buf_done(&text);
	buf_done(&json);
	json_tree_done(&tree);
}

/* More of it than the tree takes: said, not hidden. */
static void long_json_says_that_it_goes_on(void **state)
{
	enum { ITEMS = 30000 };
	struct json_tree tree = { .n = 0 };
	struct canvas canvas;
	struct buf json, text;

	(void)state;
	buf_init(&json, 1 << 20);
	buf_init(&text, 1 << 20);
	for (int i = 0; i < ITEMS; i++)
		(void)buf_add_str(&json, i ? ",1" : "[1");
	(void)buf_add_char(&json, ']');
	json_tree_load(&tree, &arena, buf_text(&json));
	canvas_init(&canvas, 10, 80);
	assert_int_equal(json_tree_act(&tree, ACT_LAST, 8), REPLY_DONE);
	json_tree_draw(&tree, &canvas, canvas_all(&canvas), &look);
	canvas_dump(&canvas, &text);
	assert_non_null(strstr(text.bytes, "the rest is left out"));
	canvas_done(&canvas);
	json_tree_done(&tree);
	buf_done(&text);
	buf_done(&json);
}

static void deep_json_does_not_exhaust_the_stack(void **state)
{
	struct json_tree tree = { .n = 0 };
	struct buf json;

	(void)state;
	buf_init(&json, 1 << 20);
	(void)buf_add_fill(&json, '[', 2000);
	(void)buf_add_fill(&json, ']', 2000);
	json_tree_load(&tree, &arena, buf_text(&json));
	assert_true(tree.n > 0 && tree.n < 100);
	json_tree_done(&tree);
	buf_done(&json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_state_has_a_word),
		cmocka_unit_test(shares_are_unknown_not_whole),
		cmocka_unit_test(unknown_comes_first),
		cmocka_unit_test(ordinals_are_english),
		cmocka_unit_test(changes_hide_nothing_unknown),
		cmocka_unit_test(partitions_are_as_bad_as_they_are),
		cmocka_unit_test(stale_is_twice_the_usual_gap),
		cmocka_unit_test(catalogs_are_cut_only_when_shared),
		cmocka_unit_test(phases_fill_their_share),
		cmocka_unit_test(short_phases_leave_a_mark),
		cmocka_unit_test(panes_share_the_rows),
		cmocka_unit_test(long_texts_wrap_at_blanks),
		cmocka_unit_test(sheets_fill_a_screen_that_grew),
		cmocka_unit_test(what_is_below_is_counted_as_far_as_it_helps),
		cmocka_unit_test(long_wide_values_are_whole),
		cmocka_unit_test(long_json_says_that_it_goes_on),
		cmocka_unit_test(json_folds_and_keeps_its_folds),
		cmocka_unit_test(deep_json_does_not_exhaust_the_stack),
	};

	return cmocka_run_group_tests(tests, NULL, free_arena);
}
