/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/kafka_bench.h"

#include <inttypes.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "collectors/kafka/sweeper.h"
#include "tests/lib/place.h"

enum { EVERY_MS = 1000 };

static const struct collector_ops *const kinds[] = { &kafka_collector, NULL };

void bench_open(struct kafka_bench *bench, const struct fake_kafka *fake, const char *more)
{
	char text[1024];
	struct err err = ERR_INIT;

	*bench = (struct kafka_bench){
		.clock = clock_fixed(clock_system()->mono_ms(clock_system())),
		.batch = fact_batch_new(),
	};
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

void bench_close(struct kafka_bench *bench)
{
	kafka_collector.stop(bench->self);
	free(bench->self);
	fact_batch_free(bench->batch);
	config_free(bench->config);
}

static bool has_sweep(struct kafka_bench *bench)
{
	for (size_t i = 0; i < bench->batch->nfacts; i++) {
		if (bench->batch->facts[i].kind == FACT_SWEEP) {
			bench->sweep = bench->batch->facts[i].u.sweep;
			return true;
		}
	}
	return false;
}

static void look_at_health(struct kafka_bench *bench)
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

bool bench_step(struct kafka_bench *bench, int wait_ms)
{
	const struct clock *clock = bench->runs ? clock_system() : &bench->clock;
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
	return has_sweep(bench);
}

void bench_sweep(struct kafka_bench *bench)
{
	const struct clock *clock = clock_system();
	int64_t end = clock->mono_ms(clock) + PATIENCE_MS;

	bench->clock.fixed_ms += EVERY_MS;
	while (!bench_step(bench, 100)) {
		if (clock->mono_ms(clock) >= end)
			fail_msg("no sweep came; health: %s", bench->text);
	}
}

void bench_whole_sweep(struct kafka_bench *bench)
{
	const struct clock *clock = clock_system();
	int64_t end = clock->mono_ms(clock) + PATIENCE_MS;

	do {
		bench_sweep(bench);
		if (bench->sweep.unread == 0 && bench->sweep.topics > 0)
			return;
	} while (clock->mono_ms(clock) < end);
	fail_msg("no whole sweep came; unread %" PRId64 ", health: %s", bench->sweep.unread, bench->text);
}

int64_t bench_position(const struct kafka_bench *bench, int group, int topic, int partition)
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

const struct fact_mark *bench_mark(const struct kafka_bench *bench, int topic, int partition)
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

void bench_check(const struct kafka_bench *bench, const struct fake_kafka *fake)
{
	assert_int_equal(bench->sweep.topics, fake->topics);
	for (int t = 0; t < fake->topics; t++) {
		for (int p = 0; p < fake->partitions; p++) {
			const struct fact_mark *mark = bench_mark(bench, t, p);

			assert_non_null(mark);
			assert_int_equal(mark->high, fake_kafka_high(fake, t, p));
			assert_int_equal(mark->low, fake_kafka_low(t, p));
		}
	}
	for (int g = 0; g < fake->groups; g++)
		assert_int_equal(bench_position(bench, g, g % fake->topics, 0),
			fake_kafka_commit(g, g % fake->topics, 0));
}

struct fake_kafka *bench_cluster(int brokers, int topics, int partitions, int groups)
{
	struct fake_kafka *fake = fake_kafka_new();

	fake->brokers = brokers;
	fake->topics = topics;
	fake->partitions = partitions;
	fake->groups = groups;
	fake->group_topics = topics < 2 ? topics : 2;
	return fake;
}

bool bench_is_sweeper(int count, char **words, int *status)
{
	if (count > 1 && strcmp(words[1], KAFKA_SWEEPER_WORD) == 0) {
		*status = kafka_sweeper_main(KAFKA_SWEEPER_FD);
		return true;
	}
#ifdef __SANITIZE_THREAD__
	/* The collector is looked at; its client is the other build's. */
	static const char other[] = "build/release/weir-collect";

	if (access(other, X_OK) != 0) {
		(void)printf("%s: SKIPPED, for there is no %s\n", words[0], other);
		*status = 77;
		return true;
	}
	assert_int_equal(setenv("WEIR_SWEEPER_PROGRAM", other, 0), 0);
#endif
	return false;
}
