/* SPDX-License-Identifier: Apache-2.0 */
/* Every *.steps beside this file against its goldens; every screen at every size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/lib/sample.h"
#include "tests/screens/lib_screen.h"

enum { TESTS_MAX = 128 };

static int set_up(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	if (!screen_store_init(&err)) {
		(void)printf("sample store: %s\n", err.text);
		return -1;
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	screen_store_done();
	return 0;
}

static void steps_test(void **state)
{
	struct err err = ERR_INIT;

	if (!screen_steps(*state, &err)) {
		(void)printf("%s\n", err.text);
		fail();
	}
}

/* What screens that need something are opened on. */
static const struct {
	const char *view, *subject, *subject2;
	int64_t number;
} subjects[] = {
	{ "updates", SAMPLE_FIRE, "", 0 },
	{ "flows", SAMPLE_FIRE_LAST, "", 0 },
	{ "rules", "main.fire.collateral_silver", "", 0 },
	{ "history", SAMPLE_TABLE, "", 0 },
	{ "version", SAMPLE_TABLE, "1", 1 },
	{ "diff", SAMPLE_TABLE, "2..9", 0 },
	{ "schema", SAMPLE_TABLE, "", 0 },
	{ "source", "eventlog sample", "", 0 },
	{ "event", "1", "", 1 },
	{ "reader", "nobody", "", 0 },
	{ "topic", "cdc.shared.07", "", 0 },
};

static struct view_arg arg_for(const char *view)
{
	struct view_arg arg = { .number = 0 };

	for (size_t i = 0; i < ARRAY_LEN(subjects); i++) {
		if (strcmp(subjects[i].view, view) != 0)
			continue;
		(void)snprintf(arg.subject, sizeof arg.subject, "%s", subjects[i].subject);
		(void)snprintf(arg.subject2, sizeof arg.subject2, "%s", subjects[i].subject2);
		arg.number = subjects[i].number;
	}
	return arg;
}

static int next_cols(int cols)
{
	return cols < 40 ? cols + 1 : cols < 80 ? cols + 8 : cols + 40;
}

static int next_rows(int rows)
{
	return rows < 12 ? rows + 1 : rows * 2;
}

static void check_cells(const struct canvas *canvas)
{
	for (int i = 0; i < canvas->rows * canvas->cols; i++) {
		const struct cell *cell = &canvas->cells[i];

		assert_true(cell->len <= CELL_BYTES);
		assert_true(cell->role < ROLE_COUNT);
		/* A right half stands behind its left half, in the same row. */
		if (cell->len == 0) {
			assert_true(i % canvas->cols > 0);
			assert_true(canvas->cells[i - 1].len > 1);
		}
	}
}

static void every_screen_draws_at_every_size(void **state)
{
	(void)state;
	for (size_t i = 0; views[i]; i++) {
		struct view_arg arg = arg_for(views[i]->name);
		struct screen_run run;
		struct err err = ERR_INIT;

		if (!screen_open(&run, views[i]->name, &arg, &err))
			fail_msg("%s: %s", views[i]->name, err.text);
		for (int rows = 1; rows <= 60; rows = next_rows(rows)) {
			for (int cols = 1; cols <= 200; cols = next_cols(cols)) {
				screen_size(&run, rows, cols);
				screen_draw(&run);
				check_cells(&run.canvas);
			}
		}
		screen_close(&run);
	}
}

/* Any action on any screen, in any order: nothing crashes, something is always drawn. */
static void every_action_on_every_screen(void **state)
{
	(void)state;
	for (size_t i = 0; views[i]; i++) {
		struct view_arg arg = arg_for(views[i]->name);
		struct screen_run run;
		struct err err = ERR_INIT;

		if (!screen_open(&run, views[i]->name, &arg, &err))
			fail_msg("%s: %s", views[i]->name, err.text);
		screen_walk(&run, i + 1, 300);
		screen_close(&run);
	}
}

static void copy_hands_over_clean_text(void **state)
{
	struct screen_run run;
	struct err err = ERR_INIT;

	(void)state;
	assert_true(screen_open(&run, "estate", NULL, &err));
	for (int i = 0; i < 20; i++) {
		assert_true(screen_keys(&run, TEXT("y j"), &err));
		assert_true(run.copied[0]);
		assert_null(strchr(run.copied, '\033'));
		assert_null(strchr(run.copied, '\a'));
	}
	screen_close(&run);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct CMUnitTest *)a)->name, ((const struct CMUnitTest *)b)->name);
}

int main(void)
{
	static struct CMUnitTest tests[TESTS_MAX] = {
		cmocka_unit_test(every_screen_draws_at_every_size),
		cmocka_unit_test(every_action_on_every_screen),
		cmocka_unit_test(copy_hands_over_clean_text),
	};
	size_t n = 3;
	DIR *dir = opendir("tests/screens");
	struct dirent *entry;

	while (dir && n < TESTS_MAX && (entry = readdir(dir)) != NULL) {
		char path[512];

		if (!text_ends(text_of(entry->d_name), TEXT(".steps")))
			continue;
		(void)snprintf(path, sizeof path, "tests/screens/%s", entry->d_name);
		tests[n] = (struct CMUnitTest){ .name = mem_strdup(entry->d_name),
			.test_func = steps_test, .initial_state = mem_strdup(path) };
		n++;
	}
	if (dir)
		(void)closedir(dir);
	qsort(tests, n, sizeof tests[0], by_name);
	return _cmocka_run_group_tests("screens", tests, n, set_up, tear_down);
}
