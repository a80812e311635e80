/* SPDX-License-Identifier: Apache-2.0 */
/* What the sweeper's process says: frames, and facts of a sweep in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collectors/kafka/intake.h"
#include "collectors/kafka/wire.h"
#include "store/fact.h"

/* One sweep in frames: a topic, a group, its position, the end. */
static void put_sweep(struct buf *out, int64_t at_ms, bool with_topic, bool with_group, bool failed)
{
	size_t begun;

	if (with_group) {
		begun = wire_begin(out, WIRE_GROUP);
		wire_text(out, TEXT("g\x1b"));
		wire_text(out, TEXT("Stable"));
		wire_i64(out, 2);
		wire_u8(out, failed);
		assert_true(wire_end(out, begun));
	}
	if (with_group && !failed) {
		begun = wire_begin(out, WIRE_POSITION);
		wire_text(out, TEXT("g\x1b"));
		wire_text(out, TEXT("t"));
		wire_u32(out, 2);
		for (uint32_t p = 0; p < 2; p++) {
			wire_u32(out, p);
			wire_i64(out, 100 + p);
		}
		assert_true(wire_end(out, begun));
	}
	if (with_topic) {
		begun = wire_begin(out, WIRE_TOPIC);
		wire_text(out, TEXT("t"));
		wire_i64(out, 1000);
		wire_i64(out, -1);
		wire_u8(out, 0);
		wire_u32(out, 2);
		for (uint32_t p = 0; p < 2; p++) {
			wire_u32(out, 1);
			wire_i64(out, 5);
			wire_i64(out, 200);
		}
		assert_true(wire_end(out, begun));
	}
	begun = wire_begin(out, WIRE_END);
	wire_u8(out, 1);
	wire_u8(out, 1);
	wire_u8(out, 0);
	wire_i64(out, at_ms);
	for (int i = 0; i < 7; i++)
		wire_i64(out, i);
	wire_text(out, TEXT_NONE);
	assert_true(wire_end(out, begun));
}

static size_t gone_in(const struct fact_batch *batch)
{
	size_t gone = 0;

	for (size_t i = 0; i < batch->nfacts; i++)
		gone += (batch->facts[i].kind == FACT_MARKS && batch->facts[i].u.marks.gone) ||
			(batch->facts[i].kind == FACT_POSITION && batch->facts[i].u.position.gone);
	return gone;
}

static size_t gone_after(struct intake *intake, bool with_topic, bool with_group, bool failed)
{
	struct fact_batch *batch = fact_batch_new();
	struct intake_sweep sweep = { 0 };
	struct buf out;
	size_t gone;

	buf_init(&out, 1 << 20);
	put_sweep(&out, 1000, with_topic, with_group, failed);
	assert_true(intake_take(intake, buf_text(&out), batch, &sweep));
	gone = gone_in(batch);
	buf_done(&out);
	fact_batch_free(batch);
	return gone;
}

static void test_intake(void **state)
{
	struct intake *intake = intake_new(TEXT("prod"));
	struct fact_batch *batch = fact_batch_new();
	struct intake_sweep sweep = { 0 };
	struct buf out;

	(void)state;
	buf_init(&out, 1 << 20);
	put_sweep(&out, 777, true, true, false);
	assert_true(intake_take(intake, buf_text(&out), batch, &sweep));
	assert_int_equal(batch->nfacts, 3);
	assert_int_equal(batch->facts[0].kind, FACT_POSITION);
	assert_true(text_is(batch->facts[0].u.position.reader, "g\xe2\x90\x9b")); /* cleaned */
	assert_int_equal(batch->facts[0].u.position.places[1].processed, 101);
	assert_int_equal(batch->facts[0].u.position.members, 2);
	assert_int_equal(batch->facts[1].u.marks.marks[1].high, 200);
	assert_int_equal(batch->facts[2].kind, FACT_SWEEP);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(batch->facts[i].happened_at_ms, 777);
	/* Cut anywhere it is refused; no byte beyond it is looked at. */
	for (size_t len = 0; len < out.len; len++) {
		char *copy = malloc(len + 1);

		memcpy(copy, out.bytes, len);
		fact_batch_reset(batch);
		assert_false(intake_take(intake, (struct text){ copy, len }, batch, &sweep));
		free(copy);
	}
	buf_done(&out);
	fact_batch_free(batch);
	intake_free(intake);
}

static void test_gone(void **state)
{
	struct intake *intake = intake_new(TEXT("prod"));
	struct intake *later = intake_new(TEXT("prod"));
	struct buf saved;

	(void)state;
	assert_int_equal(gone_after(intake, true, true, false), 0);
	assert_int_equal(gone_after(intake, true, true, true), 0);
	assert_int_equal(gone_after(intake, true, true, true), 0);
	assert_int_equal(gone_after(intake, true, true, true), 0); /* not read is not gone */
	assert_int_equal(gone_after(intake, true, false, false), 0);
	assert_int_equal(gone_after(intake, true, true, false), 0); /* it was chance */
	assert_int_equal(gone_after(intake, true, false, false), 0);
	assert_true(intake_moved(intake));
	buf_init(&saved, 1 << 20);
	intake_save(intake, &saved);
	assert_false(intake_moved(intake));
	intake_load(later, buf_text(&saved)); /* a restart in between forgets nothing */
	assert_int_equal(gone_after(later, false, false, false), 1);
	assert_int_equal(gone_after(later, false, false, false), 1);
	assert_int_equal(gone_after(later, false, false, false), 0);
	intake_load(later, TEXT("{\"x\":["));
	intake_load(later, TEXT("[[1,2],[\"a\"],[\"a\",\"b\",900]]"));
	buf_done(&saved);
	intake_free(intake);
	intake_free(later);
}

static void test_frames(void **state)
{
	struct buf out;
	struct text rest;
	enum wire_kind kind;
	struct wire_in in;
	size_t begun;

	(void)state;
	buf_init(&out, 64);
	begun = wire_begin(&out, WIRE_LOG);
	wire_u8(&out, 3);
	wire_text(&out, TEXT("abc"));
	wire_text(&out, TEXT_NONE);
	wire_i64(&out, INT64_MIN);
	assert_true(wire_end(&out, begun));
	rest = buf_text(&out);
	assert_int_equal(wire_cut(&rest, &kind, &in), WIRE_CUT);
	assert_int_equal(rest.len, 0);
	assert_int_equal(wire_take_u8(&in), 3);
	assert_true(text_is(wire_take_text(&in), "abc"));
	assert_null(wire_take_text(&in).bytes);
	assert_int_equal(wire_take_i64(&in), INT64_MIN);
	assert_false(in.bad);
	assert_int_equal(wire_take_u32(&in), 0);
	assert_true(in.bad);
	/* What does not fit is taken back whole. */
	begun = wire_begin(&out, WIRE_LOG);
	for (int i = 0; i < 20; i++)
		wire_i64(&out, i);
	assert_false(wire_end(&out, begun));
	assert_int_equal(out.len, begun);
	rest = (struct text){ "\xff\xff\xff\xff\1", 5 };
	assert_int_equal(wire_cut(&rest, &kind, &in), WIRE_BROKEN);
	rest = (struct text){ "\0\0\0\0\1", 5 };
	assert_int_equal(wire_cut(&rest, &kind, &in), WIRE_BROKEN);
	rest = (struct text){ "\2\0\0\0\1", 5 };
	assert_int_equal(wire_cut(&rest, &kind, &in), WIRE_MORE);
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_intake),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
