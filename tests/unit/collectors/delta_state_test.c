/* SPDX-License-Identifier: Apache-2.0 */
/* The compact state of a table's files: what is put comes back, later wins, memory stays small. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "collectors/delta/action.h"
#include "collectors/delta/state.h"

static struct delta_entry entry_of(const char *path)
{
	struct delta_entry entry = delta_action_none(DELTA_ACTION_ADD).entry;

	entry.path = text_of(path);
	entry.size = 100;
	entry.records = 7;
	entry.modified_ms = 1700000000000;
	entry.partition_values = TEXT("{\"a\":\"1\"}");
	return entry;
}

static void put(struct delta_state *state, const char *path, bool tombstone, const char *dv)
{
	struct delta_entry entry = entry_of(path);

	entry.tombstone = tombstone;
	if (tombstone)
		entry.deleted_ms = 1700000005000;
	if (dv) {
		entry.dv.storage = 'u';
		entry.dv.path = text_of(dv);
		entry.dv.offset = 1;
		entry.dv.cardinality = 2;
	}
	assert_true(delta_state_put(state, &entry));
}

/* The paths that are left, in the order they came, a blank behind each. */
static const char *paths(const struct delta_state *state, bool tombstones)
{
	static char out[4096];
	struct arena arena = { 0 };
	struct delta_entry entry;
	size_t at = 0;
	size_t len = 0;

	out[0] = '\0';
	while (delta_state_next(state, tombstones, &at, &arena, &entry))
		len += (size_t)snprintf(out + len, sizeof out - len, "%.*s%s%.*s ",
			TEXT_ARG(entry.path), entry.dv.storage ? "#" : "", TEXT_ARG(entry.dv.path));
	arena_free(&arena);
	return out;
}

static void test_spellings_of_names(void **unused)
{
	static const char *const names[] = {
		"part-00000-3935a07c-416b-4344-ad97-2a38342ee2fc-c000.snappy.parquet",
		"part-00000-3935a07c-416b-4344-ad97-2a38342ee2fc",
		"part-123456-3935a07c-416b-4344-ad97-2a38342ee2fc.c000.snappy.parquet",
		"part-9999999999-3935a07c-416b-4344-ad97-2a38342ee2fc.x",
		"part-012345-3935a07c-416b-4344-ad97-2a38342ee2fc.x", /* a zero too many */
		"part-0000-3935a07c-416b-4344-ad97-2a38342ee2fc.x",
		"part-00000-3935A07C-416b-4344-ad97-2a38342ee2fc.x", /* capitals */
		"part-00000-3935a07c-416b-4344-ad97-2a38342ee2f",
		"part-00000-3935a07c.416b.4344.ad97.2a38342ee2fc.x",
		"a/b=c/part-00001-3935a07c-416b-4344-ad97-2a38342ee2fc-c000.snappy.parquet",
		"a/", "/", "x", "part-", "s3://bucket/a/b.parquet", "/abs/olute", "file:///abs/other",
		"with%20blank/and%2Fslash", "%", "%zz", "part-00000.parquet",
	};
	struct delta_state state;
	struct arena arena = { 0 };
	struct delta_entry entry;
	size_t at = 0;

	(void)unused;
	delta_state_init(&state);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		put(&state, names[i], false, NULL);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		assert_true(delta_state_next(&state, false, &at, &arena, &entry));
		assert_int_equal(entry.path.len, strlen(names[i]));
		assert_memory_equal(entry.path.bytes, names[i], entry.path.len);
		assert_int_equal(entry.size, 100);
		assert_int_equal(entry.rows, 7);
		assert_int_equal(entry.modified_ms, 1700000000000);
		assert_true(text_is(entry.partition_values, "{\"a\":\"1\"}"));
		assert_true(delta_state_has(&state, &entry));
	}
	assert_false(delta_state_next(&state, false, &at, &arena, &entry));
	arena_free(&arena);
	delta_state_done(&state);
}

static void test_same_file(void **unused)
{
	struct delta_state state;

	(void)unused;
	delta_state_init(&state);
	/* One file in three spellings; the log's own is kept. */
	put(&state, "/a/b c", false, NULL);
	put(&state, "file:///a/b%20c", false, NULL);
	assert_string_equal(paths(&state, false), "file:///a/b%20c ");
	put(&state, "file:/a/b%20c", true, NULL);
	assert_string_equal(paths(&state, false), "");
	assert_string_equal(paths(&state, true), "file:/a/b%20c ");
	/* Relative is another file than absolute. */
	put(&state, "a/b%20c", false, NULL);
	assert_string_equal(paths(&state, false), "a/b%20c ");
	delta_state_done(&state);
}

static void test_vectors_are_part_of_the_key(void **unused)
{
	struct delta_state state;

	(void)unused;
	delta_state_init(&state);
	put(&state, "x", false, NULL);
	/* A DELETE with vectors: removes the bare file, adds it with one; the order does not matter. */
	put(&state, "x", false, "ab");
	put(&state, "x", true, NULL);
	assert_string_equal(paths(&state, false), "x#ab ");
	assert_string_equal(paths(&state, true), "x ");
	assert_int_equal(state.sums.files, 1);
	assert_int_equal(state.sums.hidden, 2);
	assert_int_equal(state.sums.records, 7);
	put(&state, "x", true, "ab");
	put(&state, "x", false, "abc");
	assert_string_equal(paths(&state, false), "x#abc ");
	assert_int_equal(state.sums.tombstones, 2);
	delta_state_done(&state);
}

static void test_sums_and_memory(void **unused)
{
	enum { FILES = 200000 };
	struct delta_state state;
	struct arena arena = { 0 };
	struct delta_entry entry;
	char path[160];
	size_t at = 0;
	size_t n = 0;

	(void)unused;
	delta_state_init(&state);
	for (int i = 0; i < FILES; i++) {
		(void)snprintf(path, sizeof path,
			"date=2026-01-%02d/part-%05d-%08x-416b-4344-ad97-2a38342ee2fc-c000.snappy.parquet",
			i % 28 + 1, i % 200, (unsigned)i * 2654435761u);
		entry = entry_of(path);
		entry.size = 1 << 20;
		entry.records = i;
		entry.modified_ms += i * 1000;
		assert_true(delta_state_put(&state, &entry));
		if (i % 2 == 0)
			put(&state, path, true, NULL);
	}
	assert_int_equal(state.sums.files, FILES / 2);
	assert_int_equal(state.sums.tombstones, FILES / 2);
	assert_int_equal(state.sums.bytes, (int64_t)FILES / 2 << 20);
	assert_int_equal(state.sums.small_files, FILES / 2);
	assert_true(delta_state_bytes(&state) / FILES <= 70);
	while (delta_state_next(&state, false, &at, &arena, &entry)) {
		n += entry.records % 2 == 1;
		arena_reset(&arena);
	}
	assert_int_equal(n, FILES / 2);
	/* Removing all again and again does not let it grow: what is superseded is given back. */
	for (int round = 0; round < 5; round++)
		for (int i = 0; i < FILES; i++) {
			(void)snprintf(path, sizeof path, "date=2026-01-%02d/part-%05d-%08x-416b-4344-"
				"ad97-2a38342ee2fc-c000.snappy.parquet",
				i % 28 + 1, i % 200, (unsigned)i * 2654435761u);
			put(&state, path, round % 2 == 0, NULL);
		}
	assert_int_equal(state.sums.files, 0);
	assert_int_equal(state.sums.tombstones, FILES);
	assert_int_equal(state.sums.bytes, 0);
	assert_int_equal(state.sums.records, 0);
	assert_int_equal(state.partitions_used, 0);
	assert_true(delta_state_bytes(&state) / FILES <= 140);
	arena_free(&arena);
	delta_state_done(&state);
}

static void test_unknown_numbers(void **unused)
{
	struct delta_state state;
	struct delta_entry entry = entry_of("a");
	struct arena arena = { 0 };
	size_t at = 0;

	(void)unused;
	delta_state_init(&state);
	entry.size = entry.records = entry.modified_ms = FACT_UNKNOWN;
	assert_true(delta_state_put(&state, &entry));
	assert_int_equal(state.sums.no_size, 1);
	assert_int_equal(state.sums.no_records, 1);
	assert_true(delta_state_next(&state, false, &at, &arena, &entry));
	assert_true(entry.size == FACT_UNKNOWN && entry.rows == FACT_UNKNOWN &&
		entry.modified_ms == FACT_UNKNOWN);
	/* More hidden than there are: not to be believed. */
	entry = entry_of("b");
	entry.dv.storage = 'i';
	entry.dv.path = TEXT("x");
	entry.dv.cardinality = 8;
	assert_true(delta_state_put(&state, &entry));
	assert_int_equal(state.sums.no_hidden, 1);
	/* Sizes at the edge of what a number holds. */
	entry = entry_of("c");
	entry.size = INT64_MAX;
	entry.modified_ms = INT64_MIN + 1;
	assert_true(delta_state_put(&state, &entry));
	assert_true(delta_state_next(&state, false, &at, &arena, &entry)); /* b */
	assert_true(delta_state_next(&state, false, &at, &arena, &entry));
	assert_true(entry.size == INT64_MAX && entry.modified_ms == INT64_MIN + 1);
	entry = entry_of("");
	assert_false(delta_state_put(&state, &entry));
	arena_free(&arena);
	delta_state_done(&state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spellings_of_names),
		cmocka_unit_test(test_same_file),
		cmocka_unit_test(test_vectors_are_part_of_the_key),
		cmocka_unit_test(test_sums_and_memory),
		cmocka_unit_test(test_unknown_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
