/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_KAFKA_BENCH_H
#define TESTS_LIB_KAFKA_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "collectors/collector.h"
#include "tests/lib/fake_kafka.h"

/*
 * The Kafka collector and its sweeper, a real second process, held as the framework holds them, and
 * what their newest sweep said. Everything fails the running test when it does not come about.
 *
 * The collector's time stands still but for one interval at each bench_sweep, so that no sweep is
 * under way between two calls: what a test breaks there, all of the next sweep sees, however slow the
 * machine is. A test of what the collector does as time passes sets runs.
 */
struct kafka_bench {
	struct clock clock; /* the collector's */
	bool runs;          /* its time is the system's */
	struct config *config;
	void *self;
	struct fact_batch *batch; /* facts of the newest sweep */
	struct fact_sweep sweep;  /* the newest; its texts are in batch */
	enum health_state state;
	char text[512];
};

/* The first thing in main: true when this process is the sweeper, or cannot test; status is its end. */
bool bench_is_sweeper(int count, char **words, int *status);

/* A cluster of this shape, not started; a group has commits in two topics at most. */
struct fake_kafka *bench_cluster(int brokers, int topics, int partitions, int groups);

/* fake: NULL when more, lines of the section, holds the brokers. */
void bench_open(struct kafka_bench *bench, const struct fake_kafka *fake, const char *more);
void bench_close(struct kafka_bench *bench);

/* One step as the framework makes it; true when it brought a sweep. */
bool bench_step(struct kafka_bench *bench, int wait_ms);
void bench_sweep(struct kafka_bench *bench); /* the next one */
/* Sweeps until one reads everything: after a fault, connections need a moment to come back. */
void bench_whole_sweep(struct kafka_bench *bench);

/* What the newest sweep says; -2 = not a word about it. */
int64_t bench_position(const struct kafka_bench *bench, int group, int topic, int partition);
/* NULL = not a word about it. */
const struct fact_mark *bench_mark(const struct kafka_bench *bench, int topic, int partition);
/* All marks, and every group's first commit, are the cluster's. */
void bench_check(const struct kafka_bench *bench, const struct fake_kafka *fake);

#endif
