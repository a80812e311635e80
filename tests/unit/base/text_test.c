/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"

static void absent_is_not_empty(void **state)
{
	(void)state;
	assert_false(text_eq(TEXT_NONE, TEXT("")));
	assert_true(text_eq(TEXT_NONE, TEXT_NONE));
	assert_true(text_eq(TEXT(""), TEXT("")));
	assert_null(text_of(NULL).bytes);
	assert_false(text_is(TEXT_NONE, ""));
	assert_true(text_is(TEXT_NONE, NULL));
	assert_true(text_cmp(TEXT_NONE, TEXT("")) < 0);
	assert_int_equal(text_cmp(TEXT_NONE, TEXT_NONE), 0);
}

static void a_copy_is_terminated_and_owned(void **state)
{
	char *copy = text_dup((struct text){ "a\0bc", 3 });

	(void)state;
	assert_memory_equal(copy, "a\0b", 4);
	free(copy);
	copy = text_dup(TEXT_NONE);
	assert_string_equal(copy, "");
	free(copy);
}

static void order_is_bytewise_and_total(void **state)
{
	static const char *const sorted[] = { "", "A", "a", "aa", "ab", "b", "\xc3\xa4", "\xff" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sorted); i++) {
		for (size_t j = 0; j < ARRAY_LEN(sorted); j++) {
			int order = text_cmp(text_of(sorted[i]), text_of(sorted[j]));

			assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
		}
	}
}

static void parts_are_found(void **state)
{
	struct text nul = { "a\0b", 3 };

	(void)state;
	assert_true(text_starts(TEXT("abc"), TEXT("ab")));
	assert_false(text_starts(TEXT("ab"), TEXT("abc")));
	assert_true(text_ends(TEXT("abc"), TEXT("bc")));
	assert_false(text_ends(TEXT("abc"), TEXT("ab")));
	assert_true(text_contains(nul, TEXT("b")));
	assert_true(text_contains(TEXT("abc"), TEXT("")));
	assert_false(text_contains(TEXT("ab"), TEXT("abc")));
	assert_false(text_contains(TEXT_NONE, TEXT("a")));
	assert_true(text_contains(TEXT_NONE, TEXT_NONE));
	assert_true(text_contains_fold(TEXT("xABCx"), TEXT("abc")));
	assert_true(text_contains_fold(TEXT("abc"), TEXT("C")));
	assert_false(text_contains_fold(TEXT("ab"), TEXT("abc")));
	assert_true(text_contains_fold(TEXT_NONE, TEXT("")));
	assert_false(text_contains_fold(TEXT_NONE, TEXT("a")));
	assert_false(text_contains_fold(TEXT("["), TEXT("{"))); /* only letters fold */
}

static void trim_and_sub_clip(void **state)
{
	(void)state;
	assert_true(text_is(text_trim(TEXT(" \t\r\n\v\f a b \n")), "a b"));
	assert_int_equal(text_trim(TEXT("  ")).len, 0);
	assert_null(text_trim(TEXT_NONE).bytes);
	assert_true(text_is(text_sub(TEXT("abc"), 1, 1), "b"));
	assert_true(text_is(text_sub(TEXT("abc"), 1, SIZE_MAX), "bc"));
	assert_true(text_is(text_sub(TEXT("abc"), 9, 1), ""));
	assert_null(text_sub(TEXT_NONE, 1, 1).bytes);
}

static void split_gives_every_part(void **state)
{
	static const struct {
		const char *text, *parts;
	} cases[] = {
		{ "a,b", "(a)(b)" }, { "a,", "(a)()" }, { ",a", "()(a)" },
		{ "", "()" },	     { ",", "()()" },	{ NULL, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct text rest = text_of(cases[i].text);
		struct text part;
		char out[32] = "";
		size_t len = 0;

		while (text_split(&rest, ',', &part)) {
			out[len++] = '(';
			memcpy(out + len, part.bytes, part.len);
			len += part.len;
			out[len++] = ')';
		}
		assert_string_equal(out, cases[i].parts);
	}
}

static void numbers_are_strict(void **state)
{
	static const struct {
		const char *text;
		int64_t value;
	} good[] = {
		{ "0", 0 }, { "-0", 0 }, { "007", 7 }, { "-12", -12 },
		{ "9223372036854775807", INT64_MAX }, { "-9223372036854775808", INT64_MIN },
	};
	static const char *const bad[] = { "", "-", "+1", " 1", "1 ", "1.0", "0x1", "--1",
		"9223372036854775808", "-9223372036854775809", "99999999999999999999", "1\xd9\xa1" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		int64_t value = 99;

		assert_true(text_to_i64(text_of(good[i].text), &value));
		assert_true(value == good[i].value);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		int64_t value = 99;

		assert_false(text_to_i64(text_of(bad[i]), &value));
		assert_int_equal(value, 99);
	}
	assert_false(text_to_i64(TEXT_NONE, &(int64_t){ 0 }));
}

static void nearest_is_near(void **state)
{
	static const char *const names[] = { "quality", "tables", "estate",
		"a name much too long to be compared with anything at all" };

	(void)state;
	assert_string_equal(text_nearest(TEXT("qualtiy"), names, 4), "quality");
	assert_string_equal(text_nearest(TEXT("table"), names, 4), "tables");
	assert_null(text_nearest(TEXT("zzzzzz"), names, 4));
	assert_null(text_nearest(TEXT(""), names, 4));
	assert_null(text_nearest(TEXT_NONE, names, 4));
	assert_null(text_nearest(text_of(names[3]), names, 4));
	assert_null(text_nearest(TEXT("x"), names, 0));
}

static void hash_is_stable(void **state)
{
	(void)state;
	/* Keys on disk are made of it: these must never change. */
	assert_true(text_hash(TEXT("")) == text_hash(TEXT_NONE));
	assert_true(text_hash(TEXT("")) == UINT64_C(0xfdbdf6ac4fc52e7f));
	assert_true(text_hash(TEXT("fire.collateral")) == UINT64_C(0x5fe5b210d61852f7));
	assert_true(text_hash(TEXT("ab")) != text_hash(TEXT("ba")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_copy_is_terminated_and_owned),
		cmocka_unit_test(absent_is_not_empty), cmocka_unit_test(order_is_bytewise_and_total),
		cmocka_unit_test(parts_are_found), cmocka_unit_test(trim_and_sub_clip),
		cmocka_unit_test(split_gives_every_part), cmocka_unit_test(numbers_are_strict),
		cmocka_unit_test(nearest_is_near), cmocka_unit_test(hash_is_stable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
