/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/mem.h"
#include "store/pack.h"

static void varints_come_back(void **state)
{
	static const int64_t values[] = { 0, 1, -1, 63, 64, -64, -65, 1 << 20, INT64_MAX,
		INT64_MIN + 1, FACT_UNKNOWN };
	struct buf buf;
	struct text rest;

	(void)state;
	buf_init(&buf, 4096);
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		assert_true(pack_int(&buf, values[i]));
	rest = buf_text(&buf);
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		int64_t value = 7;

		assert_true(unpack_int(&rest, &value));
		assert_int_equal(value, values[i]);
	}
	assert_int_equal(rest.len, 0);
	buf_done(&buf);
}

static void assert_same_event(const struct stored_event *a, const struct stored_event *b)
{
	struct stored_event left = *a, right = *b;

	assert_int_equal(a->nrules, b->nrules);
	for (size_t i = 0; i < a->nrules; i++) {
		assert_int_equal(a->rules[i].name, b->rules[i].name);
		assert_int_equal(a->rules[i].dataset, b->rules[i].dataset);
		assert_int_equal(a->rules[i].action, b->rules[i].action);
		assert_int_equal(a->rules[i].passed, b->rules[i].passed);
		assert_int_equal(a->rules[i].failed, b->rules[i].failed);
	}
	assert_int_equal(a->ninputs, b->ninputs);
	assert_int_equal(a->nnumbers, b->nnumbers);
	for (size_t i = 0; i < a->ninputs; i++)
		assert_int_equal(a->inputs[i], b->inputs[i]);
	for (size_t i = 0; i < a->nnumbers; i++)
		assert_int_equal(a->numbers[i], b->numbers[i]);
	assert_true(text_eq(a->id_text, b->id_text));
	left.rules = right.rules = NULL;
	left.inputs = right.inputs = left.numbers = right.numbers = NULL;
	left.id_text = right.id_text = TEXT_NONE;
	assert_int_equal(left.sequence, right.sequence);
	assert_int_equal(left.happened_at_ms, right.happened_at_ms);
	assert_int_equal(left.backlog_seconds, right.backlog_seconds);
	assert_memory_equal(left.id, right.id, sizeof left.id);
	assert_int_equal(left.state, right.state);
	assert_int_equal(left.source, right.source);
	assert_int_equal(left.segment, right.segment);
	assert_int_equal(left.offset, right.offset);
	assert_int_equal(left.output_rows, right.output_rows);
	assert_int_equal(left.type_text, right.type_text);
	assert_int_equal(left.full_refresh, right.full_refresh);
	assert_int_equal(left.explore_only, right.explore_only);
	assert_int_equal(left.maintenance, right.maintenance);
	assert_int_equal(left.has_quality, right.has_quality);
	assert_int_equal(left.fatal, right.fatal);
	assert_int_equal(left.id_is_hash, right.id_is_hash);
}

static void events_come_back(void **state)
{
	static const struct stored_rule rules[] = {
		{ 11, 5, RULE_DROP, 94860, 5140 },
		{ 12, 9, RULE_UNKNOWN, FACT_UNKNOWN, 0 },
		{ 13, 0, RULE_FAIL, INT64_MAX, INT64_MIN + 1 },
	};
	static const int64_t ids[] = { 1, 0, 700 };
	struct stored_event full, empty, back;
	struct arena arena = { 0 };
	struct text whole;
	struct buf buf;

	(void)state;
	stored_event_init(&empty);
	empty.happened_at_ms = 0;
	buf_init(&buf, 4096);
	assert_true(pack_event(&buf, &empty));
	stored_event_init(&back);
	back.happened_at_ms = 0;
	assert_true(unpack_event(buf_text(&buf), &arena, &back));
	assert_same_event(&empty, &back);

	stored_event_init(&full);
	memset(full.id, 0xa5, sizeof full.id);
	full.state = RUN_FAILED;
	full.source = 3;
	full.segment = 2;
	full.offset = INT64_C(5) << 40;
	full.dataset = 5;
	full.happened_at_ms = -77;
	full.sequence = INT64_C(1730000000000001);
	full.output_rows = 0;
	full.backlog_seconds = -3;
	full.type_text = 99;
	full.full_refresh = 1;
	full.explore_only = 0;
	full.maintenance = full.has_quality = full.fatal = full.id_is_hash = true;
	full.id_text = TEXT("odd");
	full.rules = rules;
	full.nrules = ARRAY_LEN(rules);
	full.inputs = full.numbers = ids;
	full.ninputs = full.nnumbers = ARRAY_LEN(ids);
	buf_reset(&buf);
	assert_true(pack_event(&buf, &full));
	whole = buf_text(&buf);
	stored_event_init(&back);
	back.dataset = 5;
	back.happened_at_ms = 0;
	assert_true(unpack_event(whole, &arena, &back));
	assert_same_event(&full, &back);
	/* every cut is refused or gives something, without reading past the end */
	for (size_t len = 1; len < whole.len; len++) {
		stored_event_init(&back);
		assert_false(unpack_event(text_sub(whole, 0, len), &arena, &back));
	}
	buf_done(&buf);
	arena_free(&arena);
}

static void keys_keep_time_order(void **state)
{
	static const unsigned char a[16] = { 1 }, b[16] = { 2 };

	(void)state;
	assert_true(event_k(1000, a) < event_k(1001, b));
	assert_int_equal(event_k_ms(event_k(1700000000000, b)), 1700000000000);
	assert_int_equal(event_k_ms(event_k(FACT_UNKNOWN, b)), 0);
	assert_int_equal(event_k_ms(event_k(INT64_MAX, b)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(varints_come_back),
		cmocka_unit_test(events_come_back),
		cmocka_unit_test(keys_keep_time_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
