/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "tui/print.h"

static void many_rows(const struct view *view, struct buf *out)
{
	(void)view;
	for (int i = 0; i < 10; i++)
		(void)buf_add_str(out, "row\r\n");
}

static void a_dot(const struct view *view, struct canvas *canvas, struct rect rect)
{
	(void)view;
	(void)canvas_put(canvas, rect.row, rect.col, 1, ROLE_TEXT, TEXT("."));
}

static const struct view_ops ops = { .name = "rows", .state_size = 1, .draw = a_dot, .csv = many_rows };

/* Half a list looks like a list: that it is half must be said. */
static void what_does_not_fit_is_an_error(void **state)
{
	static const enum print_form forms[] = { PRINT_TEXT, PRINT_CSV };
	struct arena arena = { 0 };
	struct look look = { .utc = true, .arena = &arena };
	struct err err = ERR_INIT;
	struct view *view = view_new(&ops, NULL, &look, &err);
	struct buf out;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		buf_init(&out, 1000);
		assert_true(print_view(view, forms[i], 60, &out, &err));
		buf_done(&out);
		buf_init(&out, 20);
		assert_false(print_view(view, forms[i], 60, &out, &err));
		assert_int_equal(err.kind, ERR_LIMIT);
		buf_done(&out);
	}
	buf_init(&out, 1000);
	assert_false(print_view(view, PRINT_JSON, 60, &out, &err));
	assert_int_equal(err.kind, ERR_USAGE);
	buf_done(&out);
	view_free(view);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_does_not_fit_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
