/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "base/buf.h"
#include "base/mem.h"
#include "collectors/collector.h"
#include "collectors/kafka/sweeper.h"
#include "tests/lib/fake_kafka.h"

/*
 * The collector and its sweeper, a real second process, against a cluster that can be broken in every
 * way that librdkafka is known to take badly. C1 to C7: collectors/kafka/sweeper_parts.h.
 */
static const struct collector_ops *const kinds[] = { &kafka_collector, NULL };

struct bench {
	struct config *config;
	void *self;
	struct fact_batch *batch; /* facts of the newest sweep */
	int sweeps;               /* told so far */
	struct fact_sweep sweep;  /* the newest; its texts are in batch */
	enum health_state state;
	char text[512];
};

static void open_bench(struct bench *bench, const struct fake_kafka *fake, const char *more)
{
	char text[1024];
	struct err err = ERR_INIT;

	*bench = (struct bench){ .batch = fact_batch_new() };
	(void)snprintf(text, sizeof text, "[kafka test]\nevery = 1s\n%s", more);
	if (fake)
		(void)snprintf(text + strlen(text), sizeof text - strlen(text),
			"\nbrokers = 127.0.0.1:%d\n", fake->ports[0]);
	if (!config_parse_kinds(text_of(text), "test.ini", kinds, &bench->config, &err))
		fail_msg("%s", err.text);
	bench->self = calloc(1, kafka_collector.state_size);
	if (!kafka_collector.start(bench->self, config_section_at(bench->config, 0), TEXT_NONE, &err))
		fail_msg("%s", err.text);
}

static void close_bench(struct bench *bench)
{
	kafka_collector.stop(bench->self);
	free(bench->self);
	fact_batch_free(bench->batch);
	config_free(bench->config);
}

static bool has_sweep(struct bench *bench)
{
	for (size_t i = 0; i < bench->batch->nfacts; i++) {
		if (bench->batch->facts[i].kind == FACT_SWEEP) {
			bench->sweep = bench->batch->facts[i].u.sweep;
			return true;
		}
	}
	return false;
}

static void look_at_health(struct bench *bench)
{
	struct collector_status status = { .state = HEALTH_OK, .behind = FACT_UNKNOWN };

	buf_init(&status.text, sizeof bench->text - 1);
	buf_init(&status.detail, 512);
	kafka_collector.status(bench->self, &status);
	bench->state = status.state;
	(void)snprintf(bench->text, sizeof bench->text, "%s", status.text.bytes);
	buf_done(&status.text);
	buf_done(&status.detail);
}

/* One step as the framework makes it; true when it brought a sweep. */
static bool step_once(struct bench *bench, int wait_ms)
{
	const struct clock *clock = clock_system();
	struct step_context context = {
		.batch = bench->batch,
		.clock = clock,
		.deadline_ms = clock->mono_ms(clock) + 250,
	};
	struct pollfd fd = { .fd = kafka_collector.wake_fd(bench->self), .events = POLLIN };
	struct err err = ERR_INIT;
	int64_t ms = kafka_collector.poll_ms(bench->self);

	(void)poll(&fd, 1, (int)(ms < wait_ms ? ms : wait_ms));
	fact_batch_reset(bench->batch);
	assert_int_equal(kafka_collector.step(bench->self, &context, &err), STEP_IDLE);
	look_at_health(bench);
	if (!has_sweep(bench))
		return false;
	bench->sweeps++;
	return true;
}

static bool next_sweep(struct bench *bench, int64_t within_ms)
{
	const struct clock *clock = clock_system();
	int64_t end = clock->mono_ms(clock) + within_ms;

	while (clock->mono_ms(clock) < end) {
		if (step_once(bench, 100))
			return true;
	}
	return false;
}

static void need_sweep(struct bench *bench)
{
	if (!next_sweep(bench, 15000))
		fail_msg("no sweep came; health: %s", bench->text);
}

/* Sweeps until one reads everything: after a fault, connections need a moment to come back. */
static void need_whole_sweep(struct bench *bench, int64_t within_ms)
{
	const struct clock *clock = clock_system();
	int64_t end = clock->mono_ms(clock) + within_ms;

	do {
		if (next_sweep(bench, 15000) && bench->sweep.unread == 0 && bench->sweep.topics > 0)
			return;
	} while (clock->mono_ms(clock) < end);
	fail_msg("no whole sweep within %" PRId64 " ms; unread %" PRId64 ", health: %s", within_ms,
		bench->sweep.unread, bench->text);
}

/* What the newest sweep says; -2 = not a word about it. */
static int64_t position_of(const struct bench *bench, int group, int topic, int partition)
{
	char name[32];
	char in[32];

	(void)snprintf(name, sizeof name, "group-%05d", group);
	(void)snprintf(in, sizeof in, "topic-%05d", topic);
	for (size_t i = 0; i < bench->batch->nfacts; i++) {
		const struct fact_position *position = &bench->batch->facts[i].u.position;

		if (bench->batch->facts[i].kind != FACT_POSITION || !text_is(position->reader, name) ||
			!text_is(position->topic, in))
			continue;
		for (size_t p = 0; p < position->nplaces; p++) {
			if (position->places[p].partition == partition)
				return position->places[p].processed;
		}
	}
	return -2;
}

static const struct fact_mark *mark_of(const struct bench *bench, int topic, int partition)
{
	char in[32];

	(void)snprintf(in, sizeof in, "topic-%05d", topic);
	for (size_t i = 0; i < bench->batch->nfacts; i++) {
		const struct fact_marks *marks = &bench->batch->facts[i].u.marks;

		if (bench->batch->facts[i].kind == FACT_MARKS && text_is(marks->topic, in) &&
			partition < (int)marks->nmarks)
			return &marks->marks[partition];
	}
	return NULL;
}

static void check_all(const struct bench *bench, const struct fake_kafka *fake)
{
	assert_int_equal(bench->sweep.topics, fake->topics);
	for (int t = 0; t < fake->topics; t++) {
		for (int p = 0; p < fake->partitions; p++) {
			const struct fact_mark *mark = mark_of(bench, t, p);

			assert_non_null(mark);
			assert_int_equal(mark->high, fake_kafka_high(fake, t, p));
			assert_int_equal(mark->low, fake_kafka_low(t, p));
		}
	}
	for (int g = 0; g < fake->groups; g++)
		assert_int_equal(position_of(bench, g, g % fake->topics, 0),
			fake_kafka_commit(g, g % fake->topics, 0));
}

static struct fake_kafka *cluster(int brokers, int topics, int partitions, int groups)
{
	struct fake_kafka *fake = fake_kafka_new();

	fake->brokers = brokers;
	fake->topics = topics;
	fake->partitions = partitions;
	fake->groups = groups;
	fake->group_topics = topics < 2 ? topics : 2;
	return fake;
}

static void test_sweep(void **state)
{
	struct fake_kafka *fake = cluster(3, 5, 4, 7);
	struct bench bench;

	(void)state;
	fake->live_groups = 3;
	fake_kafka_start(fake);
	open_bench(&bench, fake, "");
	need_sweep(&bench);
	check_all(&bench, fake);
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
	close_bench(&bench);
	fake_kafka_stop(fake);
}

static void test_patterns(void **state)
{
	struct fake_kafka *fake = cluster(1, 5, 1, 5);
	struct bench bench;

	(void)state;
	fake_kafka_start(fake);
	open_bench(&bench, fake, "topics = topic-* !topic-00001\ngroups = group-00000, group-00002\n");
	need_sweep(&bench);
	assert_int_equal(bench.sweep.topics, 4);
	assert_null(mark_of(&bench, 1, 0));
	assert_int_equal(bench.sweep.groups, 2);
	assert_int_equal(position_of(&bench, 1, 1, 0), -2);
	assert_int_equal(position_of(&bench, 0, 0, 0), fake_kafka_commit(0, 0, 0));
	close_bench(&bench);
	fake_kafka_stop(fake);
}

/* C1: without a group.id this answer is a segmentation fault in the library. */
static void test_c1_not_coordinator(void **state)
{
	static const int codes[] = { 16, 14, 15, 30, 69 };
	struct fake_kafka *fake = cluster(1, 2, 2, 2);
	struct bench bench;

	(void)state;
	fake_kafka_start(fake);
	open_bench(&bench, fake, "");
	need_sweep(&bench);
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		atomic_store(&fake->fail_fetch_code, codes[i]);
		atomic_store(&fake->fail_fetch, 1);
		need_sweep(&bench);
		/* The first three pass by themselves and are asked again within the sweep. */
		if (i < 3) {
			assert_int_equal(bench.sweep.unread, 0);
			check_all(&bench, fake);
		} else {
			assert_int_equal(bench.sweep.unread, 1);
			assert_int_equal(position_of(&bench, 0, 0, 0), FACT_UNKNOWN);
		}
		assert_non_null(mark_of(&bench, 0, 0));
	}
	assert_int_equal(bench.state, HEALTH_DEGRADED);
	need_whole_sweep(&bench, 10000);
	assert_int_equal(bench.state, HEALTH_OK);
	assert_null(strstr(bench.text, "started again"));
	close_bench(&bench);
	fake_kafka_stop(fake);
}

/* C2: a coordinator that is gone for longer than we wait, and comes back. */
static void test_c2_coordinator_returns(void **state)
{
	struct fake_kafka *fake = cluster(2, 4, 2, 4);
	struct bench bench;

	(void)state;
	fake_kafka_start(fake);
	open_bench(&bench, fake, "");
	need_whole_sweep(&bench, 10000);
	atomic_store(&fake->down, 2);
	for (int i = 0; i < 3; i++)
		need_sweep(&bench);
	assert_true(bench.sweep.unread > 0);
	assert_int_equal(bench.state, HEALTH_DEGRADED);
	/* The other broker's groups and partitions are as fresh as ever. */
	assert_int_equal(position_of(&bench, 0, 0, 0), fake_kafka_commit(0, 0, 0));
	assert_int_equal(position_of(&bench, 1, 1, 0), FACT_UNKNOWN);
	assert_int_equal(mark_of(&bench, 0, 0)->high, fake_kafka_high(fake, 0, 0));
	assert_int_equal(mark_of(&bench, 0, 1)->high, FACT_UNKNOWN);
	atomic_store(&fake->down, 0);
	need_whole_sweep(&bench, 90000);
	check_all(&bench, fake);
	assert_null(strstr(bench.text, "ended"));
	assert_null(strstr(bench.text, "started again"));
	close_bench(&bench);
	fake_kafka_stop(fake);
}

/* C3: brokers that cannot list or describe groups; to describe would hang the client for good. */
static void test_c3_no_describe(void **state)
{
	struct fake_kafka *fake = cluster(2, 2, 2, 2);
	struct bench bench;

	(void)state;
	fake->no_groups = true;
	fake->live_groups = 2;
	fake_kafka_start(fake);
	open_bench(&bench, fake, "groups = group-00000 group-00001\n");
	need_sweep(&bench);
	need_sweep(&bench);
	assert_int_equal(atomic_load(&fake->asked[FAKE_DESCRIBE_GROUPS]), 0);
	assert_int_equal(bench.sweep.groups, FACT_UNKNOWN);
	/* Groups that are named are read all the same. */
	check_all(&bench, fake);
	close_bench(&bench);
	fake_kafka_stop(fake);
}

/* C4: a leader that does not answer costs its own partitions, and no more than the time allowed. */
static void test_c4_mute_leader(void **state)
{
	struct fake_kafka *fake = cluster(3, 6, 30, 0);
	const struct clock *clock = clock_system();
	struct bench bench;
	int64_t began;

	(void)state;
	fake_kafka_start(fake);
	open_bench(&bench, fake, "");
	need_whole_sweep(&bench, 10000);
	atomic_store(&fake->mute, 4);
	began = clock->mono_ms(clock);
	need_sweep(&bench);
	assert_true(clock->mono_ms(clock) - began < 8000);
	assert_int_equal(bench.sweep.unread, 60);
	assert_int_equal(mark_of(&bench, 0, 0)->high, fake_kafka_high(fake, 0, 0));
	assert_int_equal(mark_of(&bench, 0, 1)->high, fake_kafka_high(fake, 0, 1));
	assert_int_equal(mark_of(&bench, 0, 2)->high, FACT_UNKNOWN);
	atomic_store(&fake->mute, 0);
	need_whole_sweep(&bench, 30000);
	check_all(&bench, fake);
	close_bench(&bench);
	fake_kafka_stop(fake);
}

/* C5: before OffsetFetch 6 "all partitions" is answered with none, and no error. */
static void test_c5_old_broker(void **state)
{
	struct fake_kafka *fake = cluster(2, 3, 3, 3);
	struct bench bench;

	(void)state;
	fake->offset_fetch_max = 5;
	fake_kafka_start(fake);
	open_bench(&bench, fake, "");
	need_sweep(&bench);
	need_sweep(&bench);
	assert_int_equal(bench.sweep.unread, 0);
	check_all(&bench, fake);
	close_bench(&bench);
	fake_kafka_stop(fake);
}

/* C6: one partition's error fails its whole slice, whose elements then hold what was asked. */
static void test_c6_one_bad_partition(void **state)
{
	struct fake_kafka *fake = cluster(1, 3, 40, 0);
	struct bench bench;

	(void)state;
	atomic_store(&fake->fail_topic, 2);
	atomic_store(&fake->fail_code, 29); /* TOPIC_AUTHORIZATION_FAILED */
	fake_kafka_start(fake);
	open_bench(&bench, fake, "");
	need_sweep(&bench);
	assert_int_equal(bench.sweep.unread, 1);
	assert_int_equal(mark_of(&bench, 1, 0)->high, FACT_UNKNOWN);
	assert_int_equal(mark_of(&bench, 1, 0)->low, FACT_UNKNOWN);
	for (int t = 0; t < 3; t++) {
		for (int p = t == 1; p < 40; p++)
			assert_int_equal(mark_of(&bench, t, p)->high, fake_kafka_high(fake, t, p));
	}
	close_bench(&bench);
	fake_kafka_stop(fake);
}

/* C7: every leader is another one now; the client does not find out by itself. */
static void test_c7_leaders_move(void **state)
{
	struct fake_kafka *fake = cluster(3, 4, 6, 2);
	struct bench bench;

	(void)state;
	fake_kafka_start(fake);
	open_bench(&bench, fake, "");
	need_whole_sweep(&bench, 10000);
	for (int i = 1; i < 4; i++) {
		atomic_store(&fake->shift, i);
		atomic_fetch_add(&fake->bump, 10);
		need_sweep(&bench);
		assert_int_equal(bench.sweep.unread, 0);
		check_all(&bench, fake);
	}
	close_bench(&bench);
	fake_kafka_stop(fake);
}

/* More than a thousand partitions in one group: by name in slices from the second sweep on. */
static void test_large_group(void **state)
{
	struct fake_kafka *fake = cluster(2, 4, 400, 1);
	struct bench bench;
	long asked;

	(void)state;
	fake->group_topics = 4;
	fake_kafka_start(fake);
	open_bench(&bench, fake, "");
	for (int i = 0; i < 2; i++) {
		asked = atomic_load(&fake->asked[FAKE_OFFSET_FETCH]);
		need_sweep(&bench);
		assert_int_equal(bench.sweep.unread, 0);
		assert_int_equal(atomic_load(&fake->asked[FAKE_OFFSET_FETCH]) - asked, i == 0 ? 1 : 8);
		for (int t = 0; t < 4; t++) {
			for (int p = 0; p < 400; p++)
				assert_int_equal(position_of(&bench, 0, t, p), fake_kafka_commit(0, t, p));
		}
	}
	close_bench(&bench);
	fake_kafka_stop(fake);
}

/* Groups of the new protocol are Dead when described and Stable when listed. */
static void test_new_protocol(void **state)
{
	struct fake_kafka *fake = cluster(1, 2, 2, 2);
	struct bench bench;

	(void)state;
	fake->live_groups = 2;
	fake->dead_when_described = true;
	fake_kafka_start(fake);
	open_bench(&bench, fake, "");
	need_sweep(&bench);
	for (size_t i = 0; i < bench.batch->nfacts; i++) {
		if (bench.batch->facts[i].kind != FACT_POSITION)
			continue;
		assert_true(text_is(bench.batch->facts[i].u.position.state, "Stable"));
		assert_int_equal(bench.batch->facts[i].u.position.members, FACT_UNKNOWN);
	}
	close_bench(&bench);
	fake_kafka_stop(fake);
}

static int count_gone(const struct bench *bench, enum fact_kind kind)
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
	struct fake_kafka *fake = cluster(1, 4, 1, 3);
	struct bench bench;

	(void)state;
	fake->group_topics = 1;
	fake_kafka_start(fake);
	open_bench(&bench, fake, "");
	need_sweep(&bench);
	atomic_store(&fake->hide_topics, 1);
	atomic_store(&fake->hide_groups, 1);
	need_sweep(&bench); /* once may be chance */
	assert_int_equal(count_gone(&bench, FACT_MARKS), 0);
	need_sweep(&bench);
	assert_int_equal(count_gone(&bench, FACT_MARKS), 1);
	assert_int_equal(count_gone(&bench, FACT_POSITION), 1);
	need_sweep(&bench);
	assert_int_equal(count_gone(&bench, FACT_MARKS), 0);
	atomic_store(&fake->hide_topics, 0);
	need_sweep(&bench);
	assert_int_equal(mark_of(&bench, 3, 0)->high, fake_kafka_high(fake, 3, 0));
	close_bench(&bench);
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
	struct fake_kafka *fake = cluster(1, 2, 2, 1);
	struct bench bench;

	(void)state;
	fake_kafka_start(fake);
	open_bench(&bench, fake, "");
	need_sweep(&bench);
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		assert_int_equal(kill(sweeper_of(fake), ways[i].signal), 0);
		for (int tries = 0; !strstr(bench.text, ways[i].words); tries++) {
			(void)step_once(&bench, 100);
			if (tries == 200)
				fail_msg("not \"%s\" but: %s", ways[i].words, bench.text);
		}
		assert_true(bench.state > HEALTH_OK);
		assert_non_null(strstr(bench.text, "numbers are of 20"));
		atomic_fetch_add(&fake->bump, 5);
		need_sweep(&bench);
		check_all(&bench, fake);
		assert_int_equal(bench.state, HEALTH_DEGRADED); /* it is remembered for a while */
		assert_non_null(strstr(bench.text, "started again"));
	}
	close_bench(&bench);
	fake_kafka_stop(fake);
}

static void test_hangs(void **state)
{
	struct fake_kafka *fake = cluster(1, 2, 2, 1);
	struct bench bench;
	pid_t pid;

	(void)state;
	fake_kafka_start(fake);
	open_bench(&bench, fake, "patience = 2s\n");
	need_sweep(&bench);
	pid = sweeper_of(fake);
	assert_int_equal(kill(pid, SIGSTOP), 0);
	need_sweep(&bench);
	assert_int_equal(kill(pid, 0), -1);
	check_all(&bench, fake);
	assert_non_null(strstr(bench.text, "said nothing for too long"));
	close_bench(&bench);
	fake_kafka_stop(fake);
}

static void test_nobody_there(void **state)
{
	struct fake_kafka *fake = cluster(1, 1, 1, 1);
	struct bench bench;

	(void)state;
	atomic_store(&fake->down, 1);
	fake_kafka_start(fake);
	open_bench(&bench, fake, "");
	need_sweep(&bench);
	assert_int_equal(bench.state, HEALTH_FAILED);
	assert_non_null(strstr(bench.text, "no broker answers"));
	assert_int_equal(bench.sweep.topics, FACT_UNKNOWN);
	atomic_store(&fake->down, 0);
	need_whole_sweep(&bench, 30000);
	check_all(&bench, fake);
	assert_int_equal(bench.state, HEALTH_OK);
	close_bench(&bench);
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
	struct bench bench;

	(void)state;
	assert_int_equal(rd_kafka_mock_topic_create(mock, "t", 4, 2), 0);
	(void)snprintf(more, sizeof more, "groups = g\nbrokers = %s\n", rd_kafka_mock_cluster_bootstraps(mock));
	open_bench(&bench, NULL, more);
	need_whole_sweep(&bench, 20000);
	assert_int_equal(bench.sweep.partitions, 4);
	assert_int_equal(bench.sweep.groups, FACT_UNKNOWN);
	rd_kafka_mock_push_request_errors(mock, 2, 1, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
	need_sweep(&bench);
	assert_int_equal(bench.sweep.unread, 0);
	rd_kafka_mock_push_request_errors(mock, 9, 1, RD_KAFKA_RESP_ERR_NOT_COORDINATOR);
	need_sweep(&bench);
	assert_int_equal(bench.sweep.unread, 0);
	rd_kafka_mock_push_request_errors(mock, 2, 1, RD_KAFKA_RESP_ERR__TRANSPORT);
	need_sweep(&bench);
	assert_int_equal(rd_kafka_mock_broker_set_down(mock, 2), 0);
	need_sweep(&bench);
	need_sweep(&bench);
	assert_true(bench.sweep.unread > 0);
	assert_int_equal(rd_kafka_mock_broker_set_up(mock, 2), 0);
	need_whole_sweep(&bench, 60000);
	assert_null(strstr(bench.text, "started again"));
	close_bench(&bench);
	rd_kafka_mock_cluster_destroy(mock);
	rd_kafka_destroy(producer);
}
#endif

int main(int count, char **words)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_c1_not_coordinator),
		cmocka_unit_test(test_c2_coordinator_returns),
		cmocka_unit_test(test_c3_no_describe),
		cmocka_unit_test(test_c4_mute_leader),
		cmocka_unit_test(test_c5_old_broker),
		cmocka_unit_test(test_c6_one_bad_partition),
		cmocka_unit_test(test_c7_leaders_move),
		cmocka_unit_test(test_large_group),
		cmocka_unit_test(test_new_protocol),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_hangs),
		cmocka_unit_test(test_nobody_there),
#ifndef __SANITIZE_THREAD__
		cmocka_unit_test(test_mock_faults),
#endif
	};

	if (count > 1 && strcmp(words[1], KAFKA_SWEEPER_WORD) == 0)
		return kafka_sweeper_main(KAFKA_SWEEPER_FD);
#ifdef __SANITIZE_THREAD__
	/* The collector is looked at; its client is the other build's. */
	static const char other[] = "build/release/weir-collect";

	if (access(other, X_OK) != 0) {
		(void)printf("kafka_test: SKIPPED, for there is no %s\n", other);
		return 0;
	}
	assert_int_equal(setenv("WEIR_SWEEPER_PROGRAM", other, 0), 0);
#endif
	return cmocka_run_group_tests(tests, NULL, NULL);
}
