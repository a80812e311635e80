/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_ESTATE_ESTATE_H
#define TESTS_ESTATE_ESTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"

/*
 * The simulated estate: a program of its own that writes what real pipelines write (event logs and
 * Delta tables) so that Weir can be tried, tested and shown. Everything follows from the seed and
 * the time. Nothing of it is linked into Weir.
 *
 * Work is a heap of jobs in time order: lines to append to a log, commits to tables, starts of
 * updates. The past is the same heap run without waiting.
 */
struct estate;

struct pipeline {
	const char *id, *name;
	bool details_as_text; /* details as a JSON string, as an export of the event log table has */
	/* Plans one update that starts at when_ms and says when the next one starts (0 = never). */
	int64_t (*run)(struct estate *estate, size_t pipeline, int64_t when_ms);
	int64_t first_ms; /* how long before the end of the past the first update starts */
};

enum { PIPELINE_COUNT = 5 };
extern const struct pipeline pipelines[PIPELINE_COUNT];

enum job_kind { JOB_LINE, JOB_RUN, JOB_COMMIT };

struct job {
	int64_t when_ms;
	int64_t order; /* jobs of one millisecond keep the order they were planned in */
	enum job_kind kind;
	size_t pipeline;
	char *line;             /* JOB_LINE: owned */
	struct commit *commit;  /* JOB_COMMIT: owned */
};

struct estate {
	const char *dir;
	uint64_t random;
	int64_t past_end_ms;  /* where the past ends and waiting begins */
	int64_t sequence, jobs_planned, events;
	int attempts[PIPELINE_COUNT]; /* of the running retry chain */
	char chain_update[PIPELINE_COUNT][40];
	int64_t batch_id[PIPELINE_COUNT];
	FILE *logs[PIPELINE_COUNT];
	struct job *heap;
	size_t njobs, jobs_room;
	struct tables *tables;
};

uint64_t estate_random(struct estate *estate);
int64_t estate_between(struct estate *estate, int64_t least, int64_t most);
/* A version-1 shaped UUID: its time fields hold when_ms. */
void estate_uuid(struct estate *estate, int64_t when_ms, char out[37]);
void estate_plan(struct estate *estate, const struct job *job);

/* ---- events: each call plans one line of the pipeline's log ---- */
struct event {
	size_t pipeline;
	int64_t when_ms;
	const char *update_id; /* NULL = none */
	const char *type, *level, *message;
	const char *flow, *dataset; /* NULL = none */
	int64_t batch_id;           /* < 0 = none */
	const char *details;        /* JSON object of the event's payload, without the type's key */
	const char *error_class, *error_message; /* NULL = no error */
};
void estate_event(struct estate *estate, const struct event *event);
void estate_update_state(struct estate *estate, size_t pipeline, int64_t when_ms,
	const char *update_id, const char *state);
void estate_create_update(struct estate *estate, size_t pipeline, int64_t when_ms,
	const char *update_id, const char *cause);
void estate_flow_state(struct estate *estate, size_t pipeline, int64_t when_ms,
	const char *update_id, const char *flow, const char *state);

/* ---- rows of the collateral feed, judged one by one ---- */
enum { COLLATERAL_ROWS = 100000, COLLATERAL_RULES = 14 };
extern const char *const collateral_rules[COLLATERAL_RULES];
/* Rules that row i breaks, as a bit set; 0 = published. worst: the bad feed (92.2 % published). */
unsigned collateral_broken(uint32_t row, bool worst);

/* ---- tables ---- */
struct commit {
	const char *table, *operation;
	char update_id[40];
	int64_t epoch, rows, first_row;
	bool overwrite, worst;
	int pipeline;
};
void estate_commit(struct estate *estate, int64_t when_ms, const struct commit *commit);
bool tables_open(struct estate *estate);
void tables_close(struct estate *estate);
bool tables_commit(struct estate *estate, int64_t when_ms, const struct commit *commit);
/* A table's id and its newest version, -1 = none yet. */
int64_t tables_newest(const struct estate *estate, const char *name, char id[17]);

/*
 * ---- streams: topics that are written and readers of them, live only ----
 * real: bootstrap servers of a Kafka cluster, whose topics and groups of this estate are removed at
 * the end; NULL: a broker within this process. Writes DIR/kafka (bootstrap servers) and DIR/connect
 * (a worker's port) when all is there.
 */
struct streams;
struct streams *streams_open(struct estate *estate, const char *real);
void streams_tick(struct streams *streams, int64_t now_ms);
void streams_close(struct streams *streams); /* NULL is allowed */

#endif
