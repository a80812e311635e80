/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_STREAMS_H
#define TESTS_LIB_STREAMS_H

#include "base/err.h"
#include "store/lag.h"
#include "store/store.h"

/*
 * Sweeps of a Kafka cluster made by hand: what lag tests feed the store with. A feed holds a store
 * and a clock of its own; every feed_* adds a fact of the moment feed->now_ms to the batch that
 * feed_sweep puts.
 */
struct feed {
	struct clock clock;
	struct store *store;
	struct fact_batch *batch;
	int64_t now_ms;
	bool stands; /* the clock stands still: all is seen at one moment */
	char source[64];
};

void feed_open(struct feed *feed, const char *path, const char *source, int64_t now_ms);
void feed_close(struct feed *feed);
struct fact_marks *feed_marks(struct feed *feed, const char *topic, size_t n, const int64_t *highs,
	const int64_t *lows);
struct fact_position *feed_position(struct feed *feed, enum reader_kind kind, const char *reader,
	const char *topic, size_t n, const int64_t *processed);
struct fact_topic_table *feed_table(struct feed *feed, const char *topic, const char *table,
	int64_t counted);
/* With a sweep of cluster "prod" (unless it is not), put, made visible; then `step_ms` pass. */
void feed_sweep(struct feed *feed, bool whole, int64_t step_ms);
void feed_put(struct feed *feed, int64_t step_ms);

/*
 * An hour of an estate: "members_silver" (checkpoint and event log) falls behind on cdc.shared.07 and
 * will lose records, "connect-s3-sink" keeps up, "audit" has stopped, "fraud" stalls, "rewound" went
 * back, a reader of a Delta table, one with a hostile name; connectors and 40 source tables.
 */
#define STREAMS_NOW_MS INT64_C(1772445600000) /* 2026-03-02T10:00:00Z */
void streams_fill(const char *path, int64_t now_ms, int64_t minutes);
/* Part 0 .. parts-1 of the same, seen when this is called. */
void streams_fill_part(const char *path, int64_t now_ms, int64_t minutes, int64_t part, int64_t parts);

/* What the store at place_store tells; ends the program when it cannot. wanted, cluster: NULL = all. */
struct lag_rows streams_lag(struct arena *arena, int64_t as_of_ms, const char *wanted);
struct topic_table_rows streams_tables(struct arena *arena, const char *cluster, const char *topic);

#endif
