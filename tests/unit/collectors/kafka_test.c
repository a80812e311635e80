/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/lib/kafka_bench.h"

/* The collector against clusters that are well, of every age. C3, C5: collectors/kafka/sweeper_parts.h. */
static void test_sweep(void **state)
{
	struct fake_kafka *fake = bench_cluster(3, 5, 4, 7);
	struct kafka_bench bench;

	(void)state;
	fake->live_groups = 3;
	fake_kafka_start(fake);
	bench_open(&bench, fake, "");
	bench_sweep(&bench);
	bench_check(&bench, fake);
	assert_int_equal(bench.sweep.brokers, 3);
	assert_int_equal(bench.sweep.groups, 7);
	assert_int_equal(bench.sweep.partitions, 20);
	assert_int_equal(bench.sweep.unread, 0);
	assert_null(bench.sweep.problem.bytes);
	assert_int_equal(bench.state, HEALTH_OK);
	for (size_t i = 0; i < bench.batch->nfacts; i++) {
		const struct fact *fact = &bench.batch->facts[i];

		assert_int_equal(fact->happened_at_ms, bench.batch->facts[0].happened_at_ms);
		if (fact->kind == FACT_MARKS) {
			assert_int_equal(fact->u.marks.retention_ms, 3600000);
			assert_int_equal(fact->u.marks.retention_bytes, -1);
			assert_int_equal(fact->u.marks.compacted, 0);
		}
		if (fact->kind == FACT_POSITION && text_is(fact->u.position.reader, "group-00000")) {
			assert_true(text_is(fact->u.position.state, "Stable"));
			assert_int_equal(fact->u.position.members, 1);
		}
		if (fact->kind == FACT_POSITION && text_is(fact->u.position.reader, "group-00006")) {
			assert_true(text_is(fact->u.position.state, "Empty"));
			assert_int_equal(fact->u.position.members, 0);
		}
	}
	bench_close(&bench);
	fake_kafka_stop(fake);
}

static void test_patterns(void **state)
{
	struct fake_kafka *fake = bench_cluster(1, 5, 1, 5);
	struct kafka_bench bench;

	(void)state;
	fake_kafka_start(fake);
	bench_open(&bench, fake, "topics = topic-* !topic-00001\ngroups = group-00000, group-00002\n");
	bench_sweep(&bench);
	assert_int_equal(bench.sweep.topics, 4);
	assert_null(bench_mark(&bench, 1, 0));
	assert_int_equal(bench.sweep.groups, 2);
	assert_int_equal(bench_position(&bench, 1, 1, 0), -2);
	assert_int_equal(bench_position(&bench, 0, 0, 0), fake_kafka_commit(0, 0, 0));
	bench_close(&bench);
	fake_kafka_stop(fake);
}

/*
 * C3: brokers that cannot list or describe groups. To describe would never be sent nor answered: what
 * can be seen is that no sweep waits for it, which would take answer_ms / 2 = 2.5 s each.
 */
static void test_c3_no_describe(void **state)
{
	struct fake_kafka *fake = bench_cluster(2, 2, 2, 2);
	struct kafka_bench bench;
	int64_t least_ms = INT64_MAX;

	(void)state;
	fake->no_groups = true;
	fake->live_groups = 2;
	fake_kafka_start(fake);
	bench_open(&bench, fake, "groups = group-00000 group-00001\n");
	for (int i = 0; i < 3; i++) {
		bench_sweep(&bench);
		least_ms = bench.sweep.took_ms < least_ms ? bench.sweep.took_ms : least_ms;
	}
	assert_true(least_ms < 2000);
	assert_int_equal(atomic_load(&fake->asked[FAKE_DESCRIBE_GROUPS]), 0);
	assert_int_equal(bench.sweep.groups, FACT_UNKNOWN);
	/* Groups that are named are read all the same. */
	bench_check(&bench, fake);
	bench_close(&bench);
	fake_kafka_stop(fake);
}

/* C5: before OffsetFetch 6 "all partitions" is answered with none, and no error. */
static void test_c5_old_broker(void **state)
{
	struct fake_kafka *fake = bench_cluster(2, 3, 3, 3);
	struct kafka_bench bench;

	(void)state;
	fake->offset_fetch_max = 5;
	fake_kafka_start(fake);
	bench_open(&bench, fake, "");
	bench_sweep(&bench);
	bench_sweep(&bench);
	assert_int_equal(bench.sweep.unread, 0);
	bench_check(&bench, fake);
	bench_close(&bench);
	fake_kafka_stop(fake);
}

/* More than a thousand partitions in one group: by name in slices from the second sweep on. */
static void test_large_group(void **state)
{
	struct fake_kafka *fake = bench_cluster(2, 4, 400, 1);
	struct kafka_bench bench;
	long asked;

	(void)state;
	fake->group_topics = 4;
	fake_kafka_start(fake);
	bench_open(&bench, fake, "");
	for (int i = 0; i < 2; i++) {
		asked = atomic_load(&fake->asked[FAKE_OFFSET_FETCH]);
		bench_sweep(&bench);
		assert_int_equal(bench.sweep.unread, 0);
		assert_int_equal(atomic_load(&fake->asked[FAKE_OFFSET_FETCH]) - asked, i == 0 ? 1 : 8);
		for (int t = 0; t < 4; t++) {
			for (int p = 0; p < 400; p++)
				assert_int_equal(bench_position(&bench, 0, t, p), fake_kafka_commit(0, t, p));
		}
	}
	bench_close(&bench);
	fake_kafka_stop(fake);
}

/* Groups of the new protocol are Dead when described and Stable when listed. */
static void test_new_protocol(void **state)
{
	struct fake_kafka *fake = bench_cluster(1, 2, 2, 2);
	struct kafka_bench bench;

	(void)state;
	fake->live_groups = 2;
	fake->dead_when_described = true;
	fake_kafka_start(fake);
	bench_open(&bench, fake, "");
	bench_sweep(&bench);
	bench_check(&bench, fake); /* so that there are positions */
	for (size_t i = 0; i < bench.batch->nfacts; i++) {
		if (bench.batch->facts[i].kind != FACT_POSITION)
			continue;
		assert_true(text_is(bench.batch->facts[i].u.position.state, "Stable"));
		assert_int_equal(bench.batch->facts[i].u.position.members, FACT_UNKNOWN);
	}
	bench_close(&bench);
	fake_kafka_stop(fake);
}

static int count_gone(const struct kafka_bench *bench, enum fact_kind kind)
{
	int count = 0;

	for (size_t i = 0; i < bench->batch->nfacts; i++) {
		const struct fact *fact = &bench->batch->facts[i];

		if (fact->kind == kind)
			count += kind == FACT_MARKS ? fact->u.marks.gone : fact->u.position.gone;
	}
	return count;
}

static void test_gone(void **state)
{
	struct fake_kafka *fake = bench_cluster(1, 4, 1, 3);
	struct kafka_bench bench;

	(void)state;
	fake->group_topics = 1;
	fake_kafka_start(fake);
	bench_open(&bench, fake, "");
	bench_sweep(&bench);
	atomic_store(&fake->hide_topics, 1);
	atomic_store(&fake->hide_groups, 1);
	bench_sweep(&bench); /* once may be chance */
	assert_int_equal(count_gone(&bench, FACT_MARKS), 0);
	bench_sweep(&bench);
	assert_int_equal(count_gone(&bench, FACT_MARKS), 1);
	assert_int_equal(count_gone(&bench, FACT_POSITION), 1);
	bench_sweep(&bench);
	assert_int_equal(count_gone(&bench, FACT_MARKS), 0);
	atomic_store(&fake->hide_topics, 0);
	bench_sweep(&bench);
	assert_int_equal(bench_mark(&bench, 3, 0)->high, fake_kafka_high(fake, 3, 0));
	bench_close(&bench);
	fake_kafka_stop(fake);
}

/* More than the index of their names begins with; half go, which moves places, and come back. */
static void test_many_groups(void **state)
{
	enum { GROUPS = 300, GONE = 170 };
	struct fake_kafka *fake = bench_cluster(3, 4, 2, GROUPS);
	struct kafka_bench bench;

	(void)state;
	fake->live_groups = GROUPS / 2;
	fake->group_topics = 1;
	fake_kafka_start(fake);
	bench_open(&bench, fake, "");
	bench_sweep(&bench);
	assert_int_equal(bench.sweep.groups, GROUPS);
	bench_check(&bench, fake);
	atomic_store(&fake->hide_groups, GONE);
	bench_sweep(&bench);
	bench_sweep(&bench);
	assert_int_equal(bench.sweep.groups, GROUPS - GONE);
	assert_int_equal(count_gone(&bench, FACT_POSITION), GONE);
	atomic_store(&fake->hide_groups, 0);
	bench_sweep(&bench);
	assert_int_equal(bench.sweep.groups, GROUPS);
	bench_check(&bench, fake);
	bench_close(&bench);
	fake_kafka_stop(fake);
}

int main(int count, char **words)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many_groups),
		cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_c3_no_describe),
		cmocka_unit_test(test_c5_old_broker),
		cmocka_unit_test(test_large_group),
		cmocka_unit_test(test_new_protocol),
		cmocka_unit_test(test_gone),
	};
	int status;

	if (bench_is_sweeper(count, words, &status))
		return status;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
