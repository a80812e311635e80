/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/mem.h"

static void pieces_are_zeroed_aligned_and_apart(void **state)
{
	static const size_t sizes[] = { 0, 1, 15, 16, 17, 1000, 4096, 4097, 16384, 16385, 100000, 3 };
	struct arena arena = { 0 };
	unsigned char *pieces[ARRAY_LEN(sizes) * 5];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		size_t size = sizes[i % ARRAY_LEN(sizes)];

		pieces[i] = arena_alloc(&arena, size);
		assert_int_equal((uintptr_t)pieces[i] % 16, 0);
		for (size_t b = 0; b < size; b++)
			assert_int_equal(pieces[i][b], 0);
		memset(pieces[i], (int)i + 1, size);
	}
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		for (size_t b = 0; b < sizes[i % ARRAY_LEN(sizes)]; b++)
			assert_int_equal(pieces[i][b], i + 1);
	}
	arena_free(&arena);
	assert_int_equal(arena.bytes, 0);
	assert_null(arena.blocks);
}

static void reset_starts_anew(void **state)
{
	struct arena arena = { 0 };
	char *first = arena_alloc(&arena, 100);

	(void)state;
	memset(first, 'x', 100);
	arena_reset(&arena);
	assert_int_equal(arena.bytes, 0);
	assert_int_equal(((char *)arena_alloc(&arena, 100))[0], 0);
	for (int i = 0; i < 100; i++) {
		(void)arena_alloc(&arena, 10000);
		(void)arena_alloc(&arena, 10);
	}
	arena_reset(&arena);
	arena_reset(&arena);
	arena_free(&arena);
	arena_reset(&arena);
	(void)arena_alloc(&arena, 100000); /* only a large piece: nothing worth keeping */
	arena_reset(&arena);
	assert_int_equal(arena.bytes, 0);
	arena_free(&arena);
}

static void texts_are_copied_and_terminated(void **state)
{
	struct arena arena = { 0 };
	char source[] = "abc";
	struct text copy = arena_text(&arena, (struct text){ source, 2 });
	char large[5000];

	(void)state;
	source[0] = 'z';
	assert_string_equal(copy.bytes, "ab");
	assert_int_equal(copy.len, 2);
	assert_null(arena_text(&arena, TEXT_NONE).bytes);
	assert_string_equal(arena_text(&arena, TEXT("")).bytes, "");
	assert_string_equal(arena_printf(&arena, "%d %s", 5, "x"), "5 x");
	assert_string_equal(arena_printf(&arena, "%s", ""), "");
	memset(large, 'l', sizeof large - 1);
	large[sizeof large - 1] = '\0';
	assert_string_equal(arena_printf(&arena, "%s", large), large);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_zeroed_aligned_and_apart),
		cmocka_unit_test(reset_starts_anew),
		cmocka_unit_test(texts_are_copied_and_terminated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
