/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The screens of streams on an hour of made sweeps: goldens at two sizes, every size from 1x1, ASCII,
 * the JSON contract, CSV. WEIR_UPDATE=1 makes the goldens anew; read the difference.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "store/reader.h"
#include "tests/lib/streams.h"
#include "tests/screens/lib_screen.h"
#include "tui/table.h"
#include "tui/view.h"

static const struct screen {
	const char *golden, *view, *subject, *subject2;
} screens[] = {
	{ "lag", "lag", "", "" },
	{ "reader", "reader", "dlt/members_silver", "cdc.shared.07" },
	{ "reader_delta", "reader", "dlt/members_gold", "" },
	{ "topic", "topic", "cdc.shared.07", "prod" },
	{ "connectors", "connectors", "", "" },
};

static char folder[] = "/tmp/weir-streams-XXXXXX";
static char store[64];
static struct reader *reader;
static struct arena frame;

static int set_up(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	if (!mkdtemp(folder))
		return -1;
	(void)snprintf(store, sizeof store, "%s/weir.db", folder);
	streams_fill(store, STREAMS_NOW_MS, 70);
	return reader_open(store, &reader, &err) ? 0 : -1;
}

static int tear_down(void **state)
{
	char command[96];

	(void)state;
	reader_close(reader);
	arena_free(&frame);
	(void)snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

static struct view *open_screen(const struct screen *screen)
{
	struct look look = { .now_ms = STREAMS_NOW_MS, .utc = true, .arena = &frame };
	struct view_arg arg = { .number = 0 };
	struct err err = ERR_INIT;
	struct view *view = NULL;

	(void)snprintf(arg.subject, sizeof arg.subject, "%s", screen->subject);
	(void)snprintf(arg.subject2, sizeof arg.subject2, "%s", screen->subject2);
	for (size_t i = 0; views[i]; i++) {
		if (strcmp(views[i]->name, screen->view) == 0)
			view = view_new(views[i], &arg, &look, &err);
	}
	assert_non_null(view);
	if (!reader_begin(reader, READER_NOW, 0, &err) ||
		!view_load(view, reader, STREAMS_NOW_MS, &err))
		fail_msg("%s: %s", screen->view, err.text);
	reader_end(reader);
	return view;
}

static void draw(struct view *view, int rows, int cols, bool ascii, struct buf *out, bool roles)
{
	struct canvas canvas;

	canvas_init(&canvas, rows, cols);
	canvas.ascii = view->look.ascii = ascii;
	view->rect = canvas_all(&canvas);
	view->ops->draw(view, &canvas, view->rect);
	for (int i = 0; i < rows * cols; i++) {
		assert_true(canvas.cells[i].len <= CELL_BYTES);
		assert_true(canvas.cells[i].role < ROLE_COUNT);
	}
	if (out && roles)
		canvas_dump_roles(&canvas, out);
	else if (out)
		canvas_dump(&canvas, out);
	canvas_done(&canvas);
	view->look.ascii = false;
}

static void compare_golden(const char *name, const struct buf *got)
{
	const char *mode = getenv("WEIR_UPDATE");
	bool update = mode && strcmp(mode, "1") == 0;
	char path[128], wanted[65536];
	size_t n = 0;
	FILE *file;

	(void)snprintf(path, sizeof path, "tests/screens/golden/streams_%s.screen", name);
	file = fopen(path, update ? "wb" : "rb");
	if (update) {
		assert_non_null(file);
		assert_int_equal(fwrite(got->bytes, 1, got->len, file), got->len);
		assert_int_equal(fclose(file), 0);
		return;
	}
	if (file) {
		n = fread(wanted, 1, sizeof wanted, file);
		(void)fclose(file);
	}
	if (n != got->len || memcmp(wanted, got->bytes, n) != 0) {
		print_error("%s differs; it is now:\n%s", path, got->bytes);
		fail();
	}
}

static void screens_look_as_recorded(void **state)
{
	static const int sizes[][2] = { { 24, 80 }, { 36, 120 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(screens); i++) {
		struct view *view = open_screen(&screens[i]);

		for (size_t s = 0; s < ARRAY_LEN(sizes); s++) {
			char name[64];
			struct buf got;

			(void)snprintf(name, sizeof name, "%s_%dx%d", screens[i].golden, sizes[s][1],
				sizes[s][0]);
			buf_init(&got, 1 << 20);
			draw(view, sizes[s][0], sizes[s][1], false, &got, true);
			compare_golden(name, &got);
			buf_done(&got);
		}
		view_free(view);
		arena_reset(&frame);
	}
}

static void every_size_draws(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(screens); i++) {
		struct view *view = open_screen(&screens[i]);

		for (int rows = 1; rows <= 60; rows += rows < 12 ? 1 : 12) {
			for (int cols = 1; cols <= 200; cols += cols < 40 ? 1 : 16)
				draw(view, rows, cols, cols % 3 == 0, NULL, false);
		}
		view_free(view);
		arena_reset(&frame);
	}
}

/* In ASCII nothing but foreign names is other; no control byte ever comes through. */
static void plain_is_plain(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(screens); i++) {
		struct view *view = open_screen(&screens[i]);
		struct buf got;
		struct text rest, line;

		buf_init(&got, 1 << 20);
		draw(view, 40, 160, true, &got, false);
		rest = buf_text(&got);
		while (text_split(&rest, '\n', &line)) {
			bool foreign = text_contains(line, TEXT("evil")) || text_contains(line, TEXT("audit_log"));

			for (size_t b = 0; b < line.len; b++) {
				assert_true((unsigned char)line.bytes[b] >= 0x20);
				if ((unsigned char)line.bytes[b] >= 0x7f && !foreign)
					fail_msg("%s: %.*s", screens[i].view, TEXT_ARG(line));
			}
		}
		buf_done(&got);
		view_free(view);
		arena_reset(&frame);
	}
}

/* At 80 columns all that tells how bad it is stands there, the worst first. */
static void the_narrow_form_has_all(void **state)
{
	static const char *const heads[] = { "READER", "TOPIC", "LAG", "BEHIND", "TREND", "DRAIN", "LOSS",
		"STATE" };
	struct view *view = open_screen(&screens[0]);
	struct text rest, head, first;
	struct buf got;

	(void)state;
	buf_init(&got, 1 << 20);
	draw(view, 24, 80, false, &got, false);
	rest = buf_text(&got);
	assert_true(text_split(&rest, '\n', &head));
	assert_true(text_split(&rest, '\n', &first));
	for (size_t i = 0; i < ARRAY_LEN(heads); i++)
		assert_true(text_contains(head, text_of(heads[i])));
	assert_true(text_contains(first, TEXT("members_silver")));
	assert_true(text_contains(first, TEXT("2.0 M")));
	assert_true(text_contains(first, TEXT("23m")));
	assert_true(text_contains(first, TEXT("never")));
	assert_true(text_contains(first, TEXT("5h36m")));
	assert_true(text_contains(first, TEXT("FALLING BEHIND")));
	buf_done(&got);
	view_free(view);
}

/* The first row of a screen sorted by a column. */
static void first_by(size_t screen, const char *column, bool descending, const char *wanted)
{
	struct view *view = open_screen(&screens[screen]);
	struct look look = { .now_ms = STREAMS_NOW_MS, .utc = true, .arena = &frame };
	struct table *table = view->ops->table(view);
	struct text rest, head, first;
	struct buf got;

	assert_true(table_sort(table, text_of(column), descending, &look));
	assert_int_equal(view->ops->act(view, ACT_FIRST, NULL), REPLY_DONE);
	buf_init(&got, 1 << 20);
	draw(view, 24, 120, false, &got, false);
	rest = buf_text(&got);
	assert_true(text_split(&rest, '\n', &head));
	assert_true(text_split(&rest, '\n', &first));
	if (!text_contains(first, text_of(wanted)))
		fail_msg("first by %s: %.*s", column, TEXT_ARG(first));
	buf_done(&got);
	view_free(view);
	arena_reset(&frame);
}

static void sorting_brings_the_worst_up(void **state)
{
	(void)state;
	first_by(0, "loss", false, "5h36m");   /* not those nobody knows of */
	first_by(3, "state", true, "noisy"); /* not the last word of the alphabet */
}

/* As text 9 comes behind 10 000. */
static void figures_sort_as_figures(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(screens); i++) {
		struct view *view = open_screen(&screens[i]);
		const struct table *table = view->ops->table(view);

		for (size_t c = 0; c < table->ncolumns; c++) {
			const struct column *column = &table->columns[c];

			if ((column->flags & COLUMN_RIGHT) && !(column->flags & COLUMN_NO_SORT) &&
				!column->compare)
				fail_msg("%s: %s sorts as text", screens[i].view, column->name);
		}
		view_free(view);
		arena_reset(&frame);
	}
}

static bool is_int_or_null(const json_t *value)
{
	return json_is_integer(value) || json_is_null(value);
}

/* A reader that keeps its distance is well; one whose cluster is away has a mark that needs no color. */
static void a_ripple_and_a_silence(void **state)
{
	struct reader *whole = reader;
	char path[64];
	struct feed feed;

	(void)state;
	(void)snprintf(path, sizeof path, "%s/ripple.db", folder);
	for (int64_t silent = 0; silent < 2; silent++) {
		int64_t from = STREAMS_NOW_MS - 600000;
		struct err err = ERR_INIT;
		struct buf out;
		struct view *view;

		feed_open(&feed, path, "kafka prod", silent ? STREAMS_NOW_MS + 1 : from);
		for (int64_t i = 0; i < (silent ? 1 : 60); i++) {
			int64_t high = 1000 + i * 100, place = high - 5 - i / 4;

			if (!silent) {
				(void)feed_marks(&feed, "t", 1, &high, NULL);
				(void)feed_position(&feed, READER_GROUP, "ripple", "t", 1, &place);
			}
			feed_sweep(&feed, !silent, 10000);
		}
		feed_close(&feed);
		assert_true(reader_open(path, &reader, &err));
		view = open_screen(&(struct screen){ "", "lag", "", "" });
		buf_init(&out, 1 << 20);
		draw(view, 24, 80, false, &out, false);
		assert_non_null(strstr(out.bytes, silent ? "? ripple" : "\xe2\x9c\x93 ripple"));
		assert_non_null(strstr(out.bytes, "KEEPS UP"));
		assert_non_null(strstr(out.bytes, "all its lag came within half a minute"));
		assert_int_equal(strstr(out.bytes, "numbers are older") != NULL, silent);
		buf_done(&out);
		view_free(view);
		reader_close(reader);
	}
	reader = whole;
}

/* The same group on the same topic of two clusters: what is opened is what was selected. */
static void readers_of_one_name_are_two(void **state)
{
	static const char *const clusters[] = { "prod", "spare" };
	struct reader *whole = reader;
	char path[64], wanted[64];
	struct err err = ERR_INIT;
	struct feed feed;

	(void)state;
	(void)snprintf(path, sizeof path, "%s/twins.db", folder);
	feed_open(&feed, path, "kafka prod", STREAMS_NOW_MS - 60000);
	for (int64_t i = 0; i < 6; i++) {
		for (size_t c = 0; c < ARRAY_LEN(clusters); c++) {
			int64_t high = 1000 + i, place = high - (c ? 77 : 33);

			feed_marks(&feed, "t", 1, &high, NULL)->cluster = text_of(clusters[c]);
			feed_position(&feed, READER_GROUP, "twin", "t", 1, &place)->cluster =
				text_of(clusters[c]);
		}
		feed_sweep(&feed, true, 10000);
	}
	feed_close(&feed);
	assert_true(reader_open(path, &reader, &err));
	for (size_t c = 0; c < ARRAY_LEN(clusters); c++) {
		struct view *view;
		struct buf out;

		(void)snprintf(wanted, sizeof wanted, "t\n%s", clusters[c]);
		view = open_screen(&(struct screen){ "", "reader", "twin", wanted });
		buf_init(&out, 1 << 20);
		assert_true(view->ops->json(view, &out, &err));
		(void)snprintf(wanted, sizeof wanted, "\"cluster\": \"%s\"", clusters[c]);
		assert_non_null(strstr(out.bytes, wanted));
		assert_non_null(strstr(out.bytes, c ? "\"lag_records\": 77" : "\"lag_records\": 33"));
		buf_done(&out);
		view_free(view);
	}
	reader_close(reader);
	reader = whole;
}

/* The keys of the contract, all of them and no others. */
static void json_is_the_contract(void **state)
{
	static const char *const keys[] = { "reader", "kind", "cluster", "topic", "state", "lag_records",
		"lag_seconds", "lag_seconds_is_lower_bound", "rate_in_per_s", "rate_out_per_s",
		"drain_seconds", "loss_in_seconds", "lost_records", "behind_versions", "behind_files",
		"behind_bytes", "partitions" };
	static const char *const parts[] = { "partition", "processed", "low", "high", "lag_records" };
	struct view *view = open_screen(&screens[0]);
	struct err err = ERR_INIT;
	struct buf out;
	json_t *root, *row, *part;
	size_t i, p;

	(void)state;
	buf_init(&out, 1 << 24);
	assert_true(view->ops->json(view, &out, &err));
	root = json_loadb(out.bytes, out.len, 0, NULL);
	assert_non_null(root);
	assert_int_equal(json_integer_value(json_object_get(root, "as_of")), STREAMS_NOW_MS);
	assert_int_equal(json_array_size(json_object_get(root, "readers")), 7);
	json_array_foreach(json_object_get(root, "readers"), i, row) {
		const char *kind = json_string_value(json_object_get(row, "kind"));

		assert_int_equal(json_object_size(row), ARRAY_LEN(keys));
		for (size_t k = 0; k < ARRAY_LEN(keys); k++)
			assert_non_null(json_object_get(row, keys[k]));
		assert_true(strcmp(kind, "group") == 0 || strcmp(kind, "checkpoint") == 0);
		assert_true(is_int_or_null(json_object_get(row, "drain_seconds")));
		json_array_foreach(json_object_get(row, "partitions"), p, part) {
			assert_int_equal(json_object_size(part), ARRAY_LEN(parts));
			for (size_t k = 0; k < ARRAY_LEN(parts); k++)
				assert_true(is_int_or_null(json_object_get(part, parts[k])));
		}
	}
	row = json_array_get(json_object_get(root, "readers"), 0);
	assert_string_equal(json_string_value(json_object_get(row, "reader")), "dlt/members_silver");
	assert_string_equal(json_string_value(json_object_get(row, "state")), "WARN");
	assert_int_equal(json_integer_value(json_object_get(row, "lag_records")), 2016000);
	assert_true(json_is_null(json_object_get(row, "drain_seconds")));
	json_decref(root);
	buf_done(&out);
	view_free(view);
}

static void csv_has_a_line_a_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(screens); i++) {
		struct view *view = open_screen(&screens[i]);
		struct text rest, line;
		size_t lines = 0;
		struct buf out;

		buf_init(&out, 1 << 24);
		view->ops->csv(view, &out);
		rest = buf_text(&out);
		while (text_split(&rest, '\n', &line))
			lines += line.len > 0;
		assert_int_equal(lines, table_shown(view->ops->table(view)) + 1);
		buf_done(&out);
		view_free(view);
		arena_reset(&frame);
	}
}

static void shows(struct screen_run *run, const char *wanted)
{
	struct buf got;

	buf_init(&got, 1 << 20);
	run->plain = true;
	screen_dump(run, &got);
	if (!text_contains(buf_text(&got), text_of(wanted)))
		fail_msg("no '%s' in\n%s", wanted, got.bytes);
	buf_done(&got);
}

/* 7, a reader's partitions, the tables inside its topic, and back. */
static void keys_lead_deeper(void **state)
{
	struct screen_run run;
	struct err err = ERR_INIT;

	(void)state;
	screen_store_use(store);
	assert_true(screen_open(&run, NULL, NULL, &err));
	screen_size(&run, 24, 80);
	assert_true(screen_keys(&run, TEXT("7"), &err));
	shows(&run, "FALLING BEHIND");
	shows(&run, "skew     one partition has 3.8 times the mean");
	assert_true(screen_keys(&run, TEXT("<Enter>"), &err));
	shows(&run, "reader dlt/members_silver");
	shows(&run, "2 267 000");
	assert_true(screen_keys(&run, TEXT("<Enter>"), &err));
	shows(&run, "topic cdc.shared.07");
	shows(&run, "noisy");
	assert_true(screen_keys(&run, TEXT("<Esc> <Esc> j"), &err));
	shows(&run, "went back: it reads again what it had read");
	assert_true(screen_keys(&run, TEXT("/ \"state:stopped\" <Enter>"), &err));
	shows(&run, "stopped: no commit for longer");
	assert_true(screen_keys(&run, TEXT("<Esc> : \"connectors\" <Enter>"), &err));
	shows(&run, "1 of 3 failed");
	shows(&run, "bucket is not there");
	assert_true(screen_keys(&run, TEXT("<Enter>"), &err));
	shows(&run, "connect-s3-sink");
	/* a key that leads nowhere says why */
	assert_true(screen_keys(&run, TEXT("<Esc> j <Enter>"), &err));
	shows(&run, "a source writes to topics: it has no lag");
	/* what a reader of a table reads is a table */
	assert_true(screen_keys(&run, TEXT(": \"reader dlt/members_gold\" <Enter> <Enter>"), &err));
	shows(&run, "RESTORABLE");
	screen_close(&run);
}

static void every_action_with_rows(void **state)
{
	(void)state;
	screen_store_use(store);
	for (size_t i = 0; i < ARRAY_LEN(screens); i++) {
		struct view_arg arg = { .number = 0 };
		struct err err = ERR_INIT;
		struct screen_run run;

		(void)snprintf(arg.subject, sizeof arg.subject, "%s", screens[i].subject);
		(void)snprintf(arg.subject2, sizeof arg.subject2, "%s", screens[i].subject2);
		assert_true(screen_open(&run, screens[i].view, &arg, &err));
		screen_walk(&run, i + 1, 150);
		screen_close(&run);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(screens_look_as_recorded),
		cmocka_unit_test(every_size_draws),
		cmocka_unit_test(plain_is_plain),
		cmocka_unit_test(the_narrow_form_has_all),
		cmocka_unit_test(a_ripple_and_a_silence),
		cmocka_unit_test(readers_of_one_name_are_two),
		cmocka_unit_test(sorting_brings_the_worst_up),
		cmocka_unit_test(figures_sort_as_figures),
		cmocka_unit_test(json_is_the_contract),
		cmocka_unit_test(csv_has_a_line_a_row),
		cmocka_unit_test(keys_lead_deeper),
		cmocka_unit_test(every_action_with_rows),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
