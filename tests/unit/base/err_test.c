/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"

static void set_keeps_all_and_gives_false(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_false(err_set(&err, ERR_FORMAT, 7, "line %d of %s", 3, "x"));
	assert_int_equal(err.kind, ERR_FORMAT);
	assert_int_equal(err.code, 7);
	assert_string_equal(err.text, "line 3 of x");
	assert_false(err_set(&err, ERR_NET, 0, "again: %s", err.text));
	assert_string_equal(err.text, "again: line 3 of x");
}

static void wrap_puts_what_was_done_before(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	(void)err_set(&err, ERR_AUTH, 13, "not allowed");
	assert_false(err_wrap(&err, "reading %s", "f"));
	assert_string_equal(err.text, "reading f: not allowed");
	assert_int_equal(err.kind, ERR_AUTH);
	assert_int_equal(err.code, 13);
	assert_false(err_wrap(&err, "%s", err.text));
	assert_string_equal(err.text, "reading f: not allowed: reading f: not allowed");
}

static void long_texts_are_cut_and_terminated(void **state)
{
	char large[1000];
	struct err err = ERR_INIT;

	(void)state;
	memset(large, 'x', sizeof large - 1);
	large[sizeof large - 1] = '\0';
	for (size_t len = sizeof err.text - 6; len < sizeof err.text + 4; len++) {
		(void)err_set(&err, ERR_IO, 0, "%.*s", (int)len, large);
		assert_int_equal(strlen(err.text), len < sizeof err.text ? len : sizeof err.text - 1);
		(void)err_wrap(&err, "%.*s", (int)len, large);
		assert_int_equal(strlen(err.text), sizeof err.text - 1);
		(void)err_errno(&err, EIO, "%.*s", (int)len, large);
		assert_int_equal(strlen(err.text), sizeof err.text - 1);
	}
}

static void errno_decides_the_kind(void **state)
{
	static const struct {
		int code;
		enum err_kind kind;
	} cases[] = {
		{ ENOENT, ERR_ABSENT }, { ENOTDIR, ERR_ABSENT }, { EACCES, ERR_AUTH },
		{ EPERM, ERR_AUTH },	{ EIO, ERR_IO },	 { ENOSPC, ERR_IO },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_INIT;

		assert_false(err_errno(&err, cases[i].code, "opening %s", "f"));
		assert_int_equal(err.kind, cases[i].kind);
		assert_int_equal(err.code, cases[i].code);
		assert_non_null(strstr(err.text, "opening f: "));
		assert_non_null(strstr(err.text, strerror(cases[i].code)));
	}
}

static void every_kind_has_a_name(void **state)
{
	(void)state;
	for (enum err_kind kind = ERR_NONE; kind <= ERR_CANCELED; kind++) {
		assert_true(*err_kind_name(kind));
		assert_non_null(err_advice(kind));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_keeps_all_and_gives_false),
		cmocka_unit_test(wrap_puts_what_was_done_before),
		cmocka_unit_test(long_texts_are_cut_and_terminated),
		cmocka_unit_test(errno_decides_the_kind), cmocka_unit_test(every_kind_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
