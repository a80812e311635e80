/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_COLLECTOR_WORKER_H
#define COLLECTORS_COLLECTOR_WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include "collectors/collector.h"
#include "store/store.h"

/* The inside of collector*.c: one source and its thread. */
struct worker_shared {
	struct store *store;
	const struct clock *clock;
	atomic_bool stopping;
	atomic_bool broken; /* the store takes nothing any more */
	int stop_fd;        /* readable once stopping */
	bool once;
};

struct worker {
	struct worker_shared *shared;
	const struct collector_ops *ops;
	const struct config_section *config;
	char *name; /* "eventlog fire" */
	pthread_t thread;
	bool running; /* the thread is to be joined */
	/* the worker's own from here, until it is joined */
	void *self; /* NULL = not started */
	struct fact_batch *batch;
	bool more; /* what was put last said that more follows */
	struct progress progress; /* of its steps */
	struct err err; /* newest failure */
	int failures;   /* without a good step between */
	uint64_t random;
	/* health */
	enum health_state state;
	struct buf text, detail;
	int64_t behind;
	bool told;
	int64_t told_at_ms; /* monotonic */
	bool caught_up;     /* was idle once: what comes now is news */
	int64_t news_at_ms; /* wall; TIME_UNKNOWN */
	/* counted for the report */
	int64_t facts_read, undecodable, read_bytes, healths, started_ms, ended_ms;
};

void *worker_run(void *worker); /* the thread */

/* collector_health.c */
/* What a step brought is news. */
void worker_note_news(struct worker *worker);
/* Puts the health fact into the batch when it changed or a minute went by, or when forced. */
void worker_tell_health(struct worker *worker, bool forced);
/* How the source is now: its own words, or a failure's. */
void worker_judge(struct worker *worker, const struct err *failure);

#endif
