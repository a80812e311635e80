/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"

static void empty_is_terminated(void **state)
{
	struct buf buf;
	char *taken;

	(void)state;
	buf_init(&buf, 10);
	assert_string_equal(buf.bytes, "");
	assert_true(buf_add(&buf, TEXT_NONE));
	assert_true(buf_add_str(&buf, ""));
	buf_cut(&buf, 0);
	buf_reset(&buf);
	assert_int_equal(buf_text(&buf).len, 0);
	assert_non_null(buf_text(&buf).bytes);
	taken = buf_take(&buf);
	assert_string_equal(taken, "");
	free(taken);
	buf_done(&buf);
}

static void max_is_kept_by_every_way_in(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 5);
	assert_true(buf_add_str(&buf, "abc"));
	assert_false(buf.full);
	assert_false(buf_add_str(&buf, "def"));
	assert_string_equal(buf.bytes, "abcde");
	assert_true(buf.full);
	assert_false(buf_add_char(&buf, 'x'));
	assert_false(buf_add_fill(&buf, 'x', SIZE_MAX));
	assert_false(buf_addf(&buf, "%d", 1));
	assert_null(buf_reserve(&buf, 1));
	assert_true(buf_add_bytes(&buf, "", 0));
	buf_reset(&buf);
	assert_false(buf.full);
	assert_false(buf_add_fill(&buf, 'x', 9));
	assert_string_equal(buf.bytes, "xxxxx");
	buf_cut(&buf, 2);
	assert_string_equal(buf.bytes, "xx");
	buf_cut(&buf, 9);
	assert_int_equal(buf.len, 2);
	buf_done(&buf);
	buf_init(&buf, 0);
	assert_false(buf_add_char(&buf, 'x'));
	assert_string_equal(buf.bytes, "");
	buf_done(&buf);
}

static void grows_to_any_size(void **state)
{
	static const size_t maxes[] = { 1, 31, 32, 33, 63, 64, 65, 1000, SIZE_MAX };
	char expected[1000];

	(void)state;
	memset(expected, 'y', sizeof expected);
	for (size_t i = 0; i < ARRAY_LEN(maxes); i++) {
		size_t want = maxes[i] < 1000 ? maxes[i] : 1000;
		struct buf buf;

		buf_init(&buf, maxes[i]);
		for (size_t n = 0; n < want; n++)
			assert_true(buf_add_char(&buf, 'y'));
		assert_int_equal(buf.len, want);
		assert_memory_equal(buf.bytes, expected, want);
		assert_int_equal(buf.bytes[want], '\0');
		buf_done(&buf);
	}
}

static void formats_short_and_long(void **state)
{
	char large[600];
	struct buf buf;

	(void)state;
	memset(large, 'z', sizeof large - 1);
	large[sizeof large - 1] = '\0';
	buf_init(&buf, 500);
	assert_true(buf_addf(&buf, "%s-%d", "a", 7));
	assert_string_equal(buf.bytes, "a-7");
	assert_false(buf_addf(&buf, "%s", large));
	assert_int_equal(buf.len, 500);
	buf_done(&buf);
	buf_init(&buf, 10000);
	for (int n = 250; n < 260; n++) {
		buf_reset(&buf);
		assert_true(buf_addf(&buf, "%.*s", n, large));
		assert_int_equal(buf.len, n);
		assert_int_equal(strlen(buf.bytes), n);
	}
	buf_done(&buf);
}

static void reserve_and_take(void **state)
{
	struct buf buf;
	char *to;

	(void)state;
	buf_init(&buf, 100);
	to = buf_reserve(&buf, 100);
	assert_non_null(to);
	memset(to, 'q', 100);
	buf.len = 100;
	buf.bytes[100] = '\0';
	to = buf_take(&buf);
	assert_int_equal(strlen(to), 100);
	free(to);
	assert_int_equal(buf.len, 0);
	assert_int_equal(buf.max, 100);
	assert_true(buf_add_char(&buf, 'a'));
	assert_string_equal(buf.bytes, "a");
	buf_done(&buf);
	assert_true(buf_add_char(&buf, 'b'));
	assert_string_equal(buf.bytes, "b");
	buf_done(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_is_terminated), cmocka_unit_test(max_is_kept_by_every_way_in),
		cmocka_unit_test(grows_to_any_size), cmocka_unit_test(formats_short_and_long),
		cmocka_unit_test(reserve_and_take),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
