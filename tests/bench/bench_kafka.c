/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/mem.h"
#include "collectors/collector.h"
#include "collectors/kafka/sweeper.h"
#include "tests/lib/fake_kafka.h"

/*
 * bench_kafka groups|ends: how long one sweep takes, in ms, once everything is known: 50 groups with
 * commits in 4,000 partitions each at a fake cluster; the ends of 20,000 partitions at librdkafka's
 * mock. The least and the median of SWEEPS sweeps.
 */
enum { SWEEPS = 7, WARM = 2 };

static const struct collector_ops *const kinds[] = { &kafka_collector, NULL };

static int by_value(const void *a, const void *b)
{
	int64_t one = *(const int64_t *)a;
	int64_t other = *(const int64_t *)b;

	return one < other ? -1 : one > other;
}

static bool step(void *self, struct fact_batch *batch, struct fact_sweep *out)
{
	const struct clock *clock = clock_system();
	struct step_context context = { .batch = batch, .clock = clock,
		.deadline_ms = clock->mono_ms(clock) + 250 };
	struct pollfd fd = { .fd = kafka_collector.wake_fd(self), .events = POLLIN };
	struct err err = ERR_INIT;

	(void)poll(&fd, 1, (int)kafka_collector.poll_ms(self));
	fact_batch_reset(batch);
	(void)kafka_collector.step(self, &context, &err);
	for (size_t i = 0; i < batch->nfacts; i++) {
		if (batch->facts[i].kind == FACT_SWEEP) {
			*out = batch->facts[i].u.sweep;
			return true;
		}
	}
	return false;
}

static int run(const char *text)
{
	struct config *config = NULL;
	struct err err = ERR_INIT;
	struct fact_batch *batch = fact_batch_new();
	void *self = calloc(1, kafka_collector.state_size);
	int64_t took[SWEEPS];
	int sweeps = 0;
	struct fact_sweep sweep = { 0 };

	if (!config_parse_kinds(text_of(text), "bench.ini", kinds, &config, &err) ||
		!kafka_collector.start(self, config_section_at(config, 0), TEXT_NONE, &err)) {
		(void)fprintf(stderr, "%s\n", err.text);
		return 2;
	}
	while (sweeps < SWEEPS + WARM) {
		if (!step(self, batch, &sweep))
			continue;
		if (sweeps >= WARM)
			took[sweeps - WARM] = sweep.took_ms;
		sweeps++;
	}
	if (sweep.unread > 0)
		(void)fprintf(stderr, "%" PRId64 " unread: %.*s\n", sweep.unread, TEXT_ARG(sweep.problem));
	kafka_collector.stop(self);
	qsort(took, SWEEPS, sizeof *took, by_value);
	(void)printf("%" PRId64 " %" PRId64 " %" PRId64 "\n", took[0], took[SWEEPS / 2], sweep.partitions);
	free(self);
	fact_batch_free(batch);
	config_free(config);
	return sweep.unread > 0;
}

static int bench_groups(void)
{
	struct fake_kafka *fake = fake_kafka_new();
	char text[256];
	int status;

	fake->brokers = 3;
	fake->topics = 40;
	fake->partitions = 100;
	fake->groups = 50;
	fake->group_topics = 40;
	fake_kafka_start(fake);
	(void)snprintf(text, sizeof text, "[kafka b]\nevery = 1s\nbrokers = 127.0.0.1:%d\n",
		fake->ports[0]);
	status = run(text);
	fake_kafka_stop(fake);
	return status;
}

static int bench_ends(void)
{
	enum { TOPICS = 40, PARTITIONS = 500 };
	char why[256];
	char text[1024];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_t *owner;
	rd_kafka_mock_cluster_t *mock;
	int status;

	(void)rd_kafka_conf_set(conf, "log_level", "0", why, sizeof why);
	owner = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
	mock = rd_kafka_mock_cluster_new(owner, 6);
	for (int i = 0; i < TOPICS; i++) {
		char name[32];

		(void)snprintf(name, sizeof name, "topic-%02d", i);
		(void)rd_kafka_mock_topic_create(mock, name, PARTITIONS, 1);
	}
	(void)snprintf(text, sizeof text, "[kafka b]\nevery = 1s\nbrokers = %s\n",
		rd_kafka_mock_cluster_bootstraps(mock));
	status = run(text);
	rd_kafka_mock_cluster_destroy(mock);
	rd_kafka_destroy(owner);
	return status;
}

int main(int count, char **words)
{
	if (count > 1 && strcmp(words[1], KAFKA_SWEEPER_WORD) == 0)
		return kafka_sweeper_main(KAFKA_SWEEPER_FD);
	if (count == 2 && strcmp(words[1], "groups") == 0)
		return bench_groups();
	if (count == 2 && strcmp(words[1], "ends") == 0)
		return bench_ends();
	return 2;
}
