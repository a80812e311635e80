/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "base/mem.h"
#include "tests/lib/kafka_bench.h"

/*
 * The collector and its sweeper against a cluster that is broken in every way that librdkafka is
 * known to take badly. C1 to C7: collectors/kafka/sweeper_parts.h.
 */
/* C1: without a group.id this answer is a segmentation fault in the library. */
static void test_c1_not_coordinator(void **state)
{
	static const int codes[] = { 16, 14, 15, 30, 69 };
	struct fake_kafka *fake = bench_cluster(1, 2, 2, 2);
	struct kafka_bench bench;

	(void)state;
	fake_kafka_start(fake);
	bench_open(&bench, fake, "");
	bench_sweep(&bench);
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		atomic_store(&fake->fail_fetch_code, codes[i]);
		atomic_store(&fake->fail_fetch, 1);
		bench_sweep(&bench);
		/* The first three pass by themselves and are asked again within the sweep. */
		if (i < 3) {
			assert_int_equal(bench.sweep.unread, 0);
			bench_check(&bench, fake);
		} else {
			assert_int_equal(bench.sweep.unread, 1);
			assert_int_equal(bench_position(&bench, 0, 0, 0), FACT_UNKNOWN);
		}
		assert_non_null(bench_mark(&bench, 0, 0));
	}
	assert_int_equal(bench.state, HEALTH_DEGRADED);
	bench_whole_sweep(&bench);
	assert_int_equal(bench.state, HEALTH_OK);
	assert_null(strstr(bench.text, "started again"));
	bench_close(&bench);
	fake_kafka_stop(fake);
}

/* C2: a coordinator that is gone for longer than we wait, and comes back. */
static void test_c2_coordinator_returns(void **state)
{
	struct fake_kafka *fake = bench_cluster(2, 4, 2, 4);
	struct kafka_bench bench;
	long listed;

	(void)state;
	fake_kafka_start(fake);
	bench_open(&bench, fake, "");
	bench_whole_sweep(&bench);
	fake_kafka_down(fake, 2);
	for (int i = 0; i < 3; i++)
		bench_sweep(&bench);
	assert_true(bench.sweep.unread > 0);
	assert_int_equal(bench.state, HEALTH_DEGRADED);
	/* The other broker's groups and partitions are as fresh as ever. */
	assert_int_equal(bench_position(&bench, 0, 0, 0), fake_kafka_commit(0, 0, 0));
	assert_int_equal(bench_position(&bench, 1, 1, 0), FACT_UNKNOWN);
	assert_int_equal(bench_mark(&bench, 0, 0)->high, fake_kafka_high(fake, 0, 0));
	assert_int_equal(bench_mark(&bench, 0, 1)->high, FACT_UNKNOWN);
	listed = atomic_load(&fake->asked[FAKE_LIST_GROUPS]);
	fake_kafka_down(fake, 0);
	bench_whole_sweep(&bench);
	bench_check(&bench, fake);
	assert_null(strstr(bench.text, "ended"));
	assert_null(strstr(bench.text, "started again"));
	/* groups that came meanwhile are seen at once, though the last listing failed just now */
	if (bench.state != HEALTH_OK)
		bench_sweep(&bench);
	assert_int_equal(bench.state, HEALTH_OK);
	assert_int_equal(bench.sweep.brokers_down, 0);
	assert_true(atomic_load(&fake->asked[FAKE_LIST_GROUPS]) > listed);
	bench_close(&bench);
	fake_kafka_stop(fake);
}

/* C4: a leader that does not answer costs its own partitions, and no more than the time allowed. */
static void test_c4_mute_leader(void **state)
{
	struct fake_kafka *fake = bench_cluster(3, 6, 30, 0);
	const struct clock *clock = clock_system();
	struct kafka_bench bench;
	int64_t began;

	(void)state;
	fake_kafka_start(fake);
	bench_open(&bench, fake, "");
	bench_whole_sweep(&bench);
	atomic_store(&fake->mute, 4);
	began = clock->mono_ms(clock);
	bench_sweep(&bench);
	assert_true(clock->mono_ms(clock) - began < 20000);
	assert_int_equal(bench.sweep.unread, 60);
	assert_int_equal(bench_mark(&bench, 0, 0)->high, fake_kafka_high(fake, 0, 0));
	assert_int_equal(bench_mark(&bench, 0, 1)->high, fake_kafka_high(fake, 0, 1));
	assert_int_equal(bench_mark(&bench, 0, 2)->high, FACT_UNKNOWN);
	atomic_store(&fake->mute, 0);
	bench_whole_sweep(&bench);
	bench_check(&bench, fake);
	bench_close(&bench);
	fake_kafka_stop(fake);
}

/* C6: one partition's error fails its whole slice, whose elements then hold what was asked. */
static void test_c6_one_bad_partition(void **state)
{
	struct fake_kafka *fake = bench_cluster(1, 3, 40, 0);
	struct kafka_bench bench;

	(void)state;
	atomic_store(&fake->fail_topic, 2);
	atomic_store(&fake->fail_code, 29); /* TOPIC_AUTHORIZATION_FAILED */
	fake_kafka_start(fake);
	bench_open(&bench, fake, "");
	bench_sweep(&bench);
	assert_int_equal(bench.sweep.unread, 1);
	assert_int_equal(bench_mark(&bench, 1, 0)->high, FACT_UNKNOWN);
	assert_int_equal(bench_mark(&bench, 1, 0)->low, FACT_UNKNOWN);
	for (int t = 0; t < 3; t++) {
		for (int p = t == 1; p < 40; p++)
			assert_int_equal(bench_mark(&bench, t, p)->high, fake_kafka_high(fake, t, p));
	}
	bench_close(&bench);
	fake_kafka_stop(fake);
}

/*
 * C7: every leader is another one now, between two sweeps or in the midst of one; the client does not
 * find out by itself.
 */
static void test_c7_leaders_move(void **state)
{
	struct fake_kafka *fake = bench_cluster(3, 4, 6, 2);
	struct kafka_bench bench;

	(void)state;
	fake_kafka_start(fake);
	bench_open(&bench, fake, "");
	bench_whole_sweep(&bench);
	for (int i = 1; i < 4; i++) {
		atomic_store(&fake->shift, i);
		atomic_fetch_add(&fake->bump, 10);
		bench_sweep(&bench);
		assert_int_equal(bench.sweep.unread, 0);
		bench_check(&bench, fake);
	}
	for (int i = 0; i < 3; i++) {
		atomic_store(&fake->moves, 1);
		atomic_fetch_add(&fake->bump, 10);
		bench_sweep(&bench);
		assert_int_equal(atomic_load(&fake->moves), 0);
		assert_int_equal(bench.sweep.unread, 0);
		bench_check(&bench, fake);
	}
	bench_close(&bench);
	fake_kafka_stop(fake);
}

/* The sweeper is our only child beside the fake. */
static pid_t sweeper_of(const struct fake_kafka *fake)
{
	char path[64];
	FILE *file;
	int pid = 0;

	(void)snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
	file = fopen(path, "r");
	assert_non_null(file);
	while (fscanf(file, "%d", &pid) == 1 && pid == fake->pid)
		continue;
	(void)fclose(file);
	assert_int_not_equal(pid, fake->pid);
	assert_true(pid > 0);
	return pid;
}

static void test_killed(void **state)
{
	static const struct {
		int signal;
		const char *words;
	} ways[] = { { SIGABRT, "signal 6 (Aborted)" }, { SIGQUIT, "signal 3 (Quit)" },
		{ SIGKILL, "signal 9 (Killed)" } };
	struct fake_kafka *fake = bench_cluster(1, 2, 2, 1);
	struct kafka_bench bench;

	(void)state;
	fake_kafka_start(fake);
	bench_open(&bench, fake, "");
	bench_sweep(&bench);
	bench.runs = true;
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		assert_int_equal(kill(sweeper_of(fake), ways[i].signal), 0);
		for (int tries = 0; !strstr(bench.text, ways[i].words); tries++) {
			(void)bench_step(&bench, 100);
			if (tries == 600)
				fail_msg("not \"%s\" but: %s", ways[i].words, bench.text);
		}
		assert_true(bench.state > HEALTH_OK);
		assert_non_null(strstr(bench.text, "numbers are of 20"));
		atomic_fetch_add(&fake->bump, 5);
		bench_sweep(&bench);
		bench_check(&bench, fake);
		assert_int_equal(bench.state, HEALTH_DEGRADED); /* it is remembered for a while */
		assert_non_null(strstr(bench.text, "started again"));
	}
	bench_close(&bench);
	fake_kafka_stop(fake);
}

static void test_hangs(void **state)
{
	struct fake_kafka *fake = bench_cluster(1, 2, 2, 1);
	struct kafka_bench bench;
	pid_t pid;

	(void)state;
	fake_kafka_start(fake);
	bench_open(&bench, fake, "patience = 2s\n");
	bench_sweep(&bench);
	pid = sweeper_of(fake);
	assert_int_equal(kill(pid, SIGSTOP), 0);
	bench.runs = true;
	bench_sweep(&bench);
	assert_int_equal(kill(pid, 0), -1);
	bench_check(&bench, fake);
	assert_non_null(strstr(bench.text, "said nothing for too long"));
	bench_close(&bench);
	fake_kafka_stop(fake);
}

static void test_nobody_there(void **state)
{
	struct fake_kafka *fake = bench_cluster(1, 1, 1, 1);
	struct kafka_bench bench;
	char said[1024];

	(void)state;
	fake_kafka_start(fake);
	fake_kafka_down(fake, 1);
	bench_open(&bench, fake, "");
	bench_sweep(&bench);
	assert_int_equal(bench.state, HEALTH_FAILED);
	assert_non_null(strstr(bench.text, "no broker answers"));
	assert_null(strstr(bench.text, "(after"));
	assert_int_equal(bench.sweep.topics, FACT_UNKNOWN);
	(void)snprintf(said, sizeof said, "%s", bench.text);
	for (int i = 0; i < 3; i++) {
		bench_sweep(&bench);
		assert_string_equal(bench.text, said); /* the same trouble in the same words */
	}
	fake_kafka_down(fake, 0);
	bench_whole_sweep(&bench);
	bench_check(&bench, fake);
	assert_int_equal(bench.state, HEALTH_OK);
	bench_close(&bench);
	fake_kafka_stop(fake);
}

#ifndef __SANITIZE_THREAD__ /* which does not survive the library's threads in its own process */
/* librdkafka's own mock: cannot list groups, answers "all partitions" with none; faults one by one. */
static void test_mock_faults(void **state)
{
	char errstr[256];
	char more[512];
	rd_kafka_t *producer = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), errstr, sizeof errstr);
	rd_kafka_mock_cluster_t *mock = rd_kafka_mock_cluster_new(producer, 2);
	struct kafka_bench bench;

	(void)state;
	assert_int_equal(rd_kafka_mock_topic_create(mock, "topic-00000", 4, 2), 0);
	for (int p = 0; p < 4; p++) /* by itself it draws lots */
		assert_int_equal(rd_kafka_mock_partition_set_leader(mock, "topic-00000", p, 1 + p % 2), 0);
	assert_int_equal(rd_kafka_mock_coordinator_set(mock, "group", "g", 1), 0);
	(void)snprintf(more, sizeof more, "groups = g\nbrokers = %s\n", rd_kafka_mock_cluster_bootstraps(mock));
	bench_open(&bench, NULL, more);
	bench_whole_sweep(&bench);
	assert_int_equal(bench.sweep.partitions, 4);
	assert_int_equal(bench.sweep.groups, FACT_UNKNOWN);
	rd_kafka_mock_push_request_errors(mock, 2, 1, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
	bench_sweep(&bench);
	assert_int_equal(bench.sweep.unread, 0);
	rd_kafka_mock_push_request_errors(mock, 9, 1, RD_KAFKA_RESP_ERR_NOT_COORDINATOR);
	bench_sweep(&bench);
	assert_int_equal(bench.sweep.unread, 0);
	rd_kafka_mock_push_request_errors(mock, 2, 1, RD_KAFKA_RESP_ERR__TRANSPORT);
	bench_sweep(&bench);
	bench_whole_sweep(&bench);
	assert_int_equal(rd_kafka_mock_broker_set_down(mock, 2), 0);
	bench_sweep(&bench);
	assert_int_equal(bench.sweep.unread, 2);
	assert_int_equal(bench_mark(&bench, 0, 0)->high, 0);
	assert_int_equal(bench_mark(&bench, 0, 1)->high, FACT_UNKNOWN);
	assert_int_equal(rd_kafka_mock_broker_set_up(mock, 2), 0);
	bench_whole_sweep(&bench);
	assert_null(strstr(bench.text, "started again"));
	bench_close(&bench);
	rd_kafka_mock_cluster_destroy(mock);
	rd_kafka_destroy(producer);
}

/* A topic made anew with fewer partitions, before its groups are described again. */
static void test_fewer_partitions(void **state)
{
	struct fake_kafka *fake = bench_cluster(1, 1, 8, 30);
	struct kafka_bench bench;

	(void)state;
	fake->live_groups = 30;
	fake_kafka_start(fake);
	bench_open(&bench, fake, "");
	bench_whole_sweep(&bench);
	assert_int_not_equal(bench_position(&bench, 0, 0, 7), -2);
	fake->partitions = 2;
	bench_sweep(&bench);
	assert_int_not_equal(bench_position(&bench, 0, 0, 1), -2);
	for (int partition = 2; partition < 8; partition++)
		assert_int_equal(bench_position(&bench, 0, 0, partition), -2);
	bench_close(&bench);
	fake_kafka_stop(fake);
}

static void produce(rd_kafka_t *producer, int partition, int records)
{
	static char value[] = "{\"source\":{\"table\":\"t\"},\"op\":\"c\"}";

	rd_kafka_topic_t *topic = rd_kafka_topic_new(producer, "topic-00000", NULL);

	assert_non_null(topic);
	for (int i = 0; i < records; i++)
		assert_int_equal(rd_kafka_produce(topic, partition, RD_KAFKA_MSG_F_COPY, value,
			sizeof value - 1, NULL, 0, NULL), 0);
	assert_int_equal(rd_kafka_flush(producer, 10000), RD_KAFKA_RESP_ERR_NO_ERROR);
	rd_kafka_topic_destroy(topic);
}

/* Records counted by table, as the newest rows of each minute say, when none came for ms. */
static int64_t counted(struct kafka_bench *bench, int64_t ms)
{
	const struct clock *clock = clock_system();
	int64_t end = clock->mono_ms(clock) + ms;
	int64_t minutes[8][2];
	size_t n = 0;
	int64_t total = 0;

	bench->runs = true;
	while (clock->mono_ms(clock) < end) {
		(void)bench_step(bench, 100);
		for (size_t i = 0; i < bench->batch->nfacts; i++) {
			const struct fact *fact = &bench->batch->facts[i];
			size_t at = 0;

			if (fact->kind != FACT_TOPIC_TABLE)
				continue;
			while (at < n && minutes[at][0] != fact->happened_at_ms)
				at++;
			assert_true(at < ARRAY_LEN(minutes));
			n += at == n;
			minutes[at][0] = fact->happened_at_ms;
			minutes[at][1] = fact->u.topic_table.counted;
		}
	}
	for (size_t i = 0; i < n; i++)
		total += minutes[i][1];
	return total;
}

/* A partition whose broker is away at the first sweep was there before us all the same. */
static void test_tables_of_a_late_broker(void **state)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char more[512];
	char errstr[256];
	rd_kafka_mock_cluster_t *mock;
	struct kafka_bench bench;
	rd_kafka_t *producer;

	(void)state;
	assert_int_equal(rd_kafka_conf_set(conf, "test.mock.num.brokers", "1", errstr, sizeof errstr),
		RD_KAFKA_CONF_OK);
	producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, errstr, sizeof errstr);
	mock = rd_kafka_handle_mock_cluster(producer);
	assert_int_equal(rd_kafka_mock_topic_create(mock, "topic-00000", 2, 1), 0);
	produce(producer, 0, 50);
	produce(producer, 1, 50);
	assert_int_equal(rd_kafka_mock_partition_set_leader(mock, "topic-00000", 1, -1), 0);
	(void)snprintf(more, sizeof more, "tables = topic-*\nbrokers = %s\n",
		rd_kafka_mock_cluster_bootstraps(mock));
	bench_open(&bench, NULL, more);
	bench_sweep(&bench);
	assert_int_equal(bench_mark(&bench, 0, 0)->high, 50);
	assert_int_equal(bench_mark(&bench, 0, 1)->high, FACT_UNKNOWN);
	assert_int_equal(rd_kafka_mock_partition_set_leader(mock, "topic-00000", 1, 1), 0);
	bench_whole_sweep(&bench);
	assert_int_equal(bench_mark(&bench, 0, 1)->high, 50);
	assert_int_equal(counted(&bench, 6000), 0);
	produce(producer, 0, 2);
	produce(producer, 1, 3);
	assert_int_equal(counted(&bench, 8000), 5);
	bench_close(&bench);
	rd_kafka_destroy(producer);
}
#endif

int main(int count, char **words)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_c1_not_coordinator),
		cmocka_unit_test(test_c2_coordinator_returns),
		cmocka_unit_test(test_c4_mute_leader),
		cmocka_unit_test(test_c6_one_bad_partition),
		cmocka_unit_test(test_c7_leaders_move),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_hangs),
		cmocka_unit_test(test_nobody_there),
#ifndef __SANITIZE_THREAD__
		cmocka_unit_test(test_mock_faults),
		cmocka_unit_test(test_fewer_partitions),
		cmocka_unit_test(test_tables_of_a_late_broker),
#endif
	};
	int status;

	if (bench_is_sweeper(count, words, &status))
		return status;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
