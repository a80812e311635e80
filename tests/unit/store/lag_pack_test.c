/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of lag: forward gives the state after, backward the state before, damage gives neither. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "store/lag_pack.h"
#include "store/topic_pack.h"

static uint64_t seed = 42;

static uint64_t next_random(void)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return seed >> 17;
}

static void change(struct lag_state *state, size_t partitions)
{
	size_t mode = next_random() % 4;

	for (size_t i = 0; i < LAG_HEADS; i++) {
		if (next_random() % 8 == 0)
			state->heads[i] = (int64_t)(next_random() % 5) - 2;
	}
	for (size_t p = 0; p < partitions; p++) {
		int64_t value = (int64_t)next_random();

		if (mode == 0 && next_random() % 5)
			continue; /* some */
		if (mode == 1)
			value = (int64_t)((uint64_t)lag_state_get(state, p, 0) + 7); /* all alike */
		if (mode == 2 && next_random() % 7 == 0)
			value = next_random() % 2 ? LAG_NONE : INT64_MAX;
		assert_true(lag_state_set(state, (int32_t)p, mode == 1 ? 0 : next_random() % LAG_FIELDS, value));
	}
}

static void both_ways(void **state)
{
	enum { STEPS = 300 };
	struct lag_state states[STEPS + 1], walked;
	struct buf rows[STEPS];
	struct lag_row_head head;

	(void)state;
	lag_state_init(&walked);
	lag_state_init(&states[0]);
	for (size_t i = 0; i < STEPS; i++) {
		lag_state_init(&states[i + 1]);
		lag_state_copy(&states[i + 1], &states[i]);
		change(&states[i + 1], 1 + next_random() % 40);
		buf_init(&rows[i], 1 << 20);
		lag_pack(&rows[i], (int64_t)i, &states[i], &states[i + 1]);
	}
	for (size_t i = 0; i < STEPS; i++) {
		assert_true(lag_unpack(buf_text(&rows[i]), &walked, &head));
		assert_true(lag_state_equal(&walked, &states[i + 1]));
		assert_int_equal(head.gap_ms, i);
	}
	for (size_t i = STEPS; i-- > 0;) {
		assert_true(lag_undo(buf_text(&rows[i]), &walked, &head));
		assert_true(lag_state_equal(&walked, &states[i]));
	}
	for (size_t i = 0; i < STEPS; i++) { /* every cut of a row is damage, and any byte may be */
		struct text x = buf_text(&rows[i]);

		for (size_t len = 0; len < x.len; len += 1 + x.len / 16)
			assert_false(lag_unpack((struct text){ x.bytes, len }, &walked, &head));
		rows[i].bytes[next_random() % x.len] ^= (char)(1 + next_random() % 255);
		(void)lag_unpack(x, &walked, &head);
		buf_done(&rows[i]);
	}
	for (size_t i = 0; i <= STEPS; i++)
		lag_state_done(&states[i]);
	lag_state_done(&walked);
}

static void sums_stand_before(void **state)
{
	struct lag_state now;
	struct lag_row_head head;
	struct buf row;

	(void)state;
	lag_state_init(&now);
	buf_init(&row, 1 << 20);
	assert_true(lag_state_set(&now, 0, 0, 100));
	assert_true(lag_state_set(&now, 2, 0, 50));
	assert_true(lag_state_set(&now, 3, 1, 9));
	lag_pack(&row, 10000, NULL, &now);
	assert_true(lag_unpack_head(buf_text(&row), &head));
	assert_int_equal(head.known, 2);
	assert_int_equal(head.sum, 150);
	assert_int_equal(head.gap_ms, 10000);
	assert_false(lag_state_set(&now, -1, 0, 1));
	assert_false(lag_state_set(&now, LAG_PARTITIONS_MAX, 0, 1));
	buf_done(&row);
	lag_state_done(&now);
}

static void a_usual_row_is_small(void **state)
{
	struct lag_state before, after;
	struct buf row;

	(void)state;
	lag_state_init(&before);
	lag_state_init(&after);
	buf_init(&row, 1 << 20);
	for (int32_t p = 0; p < 12; p++) {
		for (size_t f = 0; f < 3; f++) {
			assert_true(lag_state_set(&before, p, f, INT64_C(1000000000) + p));
			assert_true(lag_state_set(&after, p, f, INT64_C(1000000000) + p + (f == 0 ? 40 + p : 0)));
		}
	}
	lag_pack(&row, 10000, &before, &after);
	assert_true(row.len <= 30);
	buf_done(&row);
	lag_state_done(&before);
	lag_state_done(&after);
}

static void minutes_of_tables(void **state)
{
	struct topic_entry entries[200];
	struct topic_minute minute = { .minutes = 60, .seen = 1000, .sampled = FACT_UNKNOWN,
		.entries = entries, .n = ARRAY_LEN(entries) }, out;
	struct arena arena = { 0 };
	struct buf x;

	(void)state;
	buf_init(&x, 1 << 20);
	memset(entries, 0, sizeof entries);
	for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
		entries[i].tbl = (int64_t)(i * 3);
		for (size_t f = 0; f < TOPIC_NUMBERS; f++)
			entries[i].numbers[f] = next_random() % 3 ? (int64_t)next_random() - 500 : 0;
	}
	topic_pack(&x, &minute);
	assert_true(topic_unpack(buf_text(&x), &arena, &out));
	assert_int_equal(out.n, minute.n);
	assert_int_equal(out.seen, 1000);
	assert_int_equal(out.sampled, FACT_UNKNOWN);
	assert_memory_equal(out.entries, entries, sizeof entries);
	for (size_t len = 0; len < x.len; len += 13)
		assert_false(topic_unpack((struct text){ x.bytes, len }, &arena, &out));
	buf_done(&x);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways),
		cmocka_unit_test(sums_stand_before),
		cmocka_unit_test(a_usual_row_is_small),
		cmocka_unit_test(minutes_of_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
