/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_FOLD_H
#define STORE_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/text.h"
#include "store/pack.h"

/*
 * Folding events into the state of an update and of its flows, by one set of functions for the
 * writer (event by event, as they come) and for queries as of an earlier batch (from the facts).
 * The result does not depend on the order of the events. Strings are dictionary ids.
 *
 * Totals rule: events are distinct by id; by (update, flow, rule, micro-batch) the MAX counts;
 * micro-batches are summed; an event without batch_id is a micro-batch of its own. A micro-batch
 * that reported two different values makes the total disputed.
 */

/* Which of two events is newer: time, then sequence, then state and id so that it is decided. */
struct fold_order {
	int64_t ms, seq;
	uint64_t tie;
};

struct update_fold {
	int64_t pipeline; /* dim */
	int64_t events, first_k, last_k; /* events == 0: nothing folded yet */
	int64_t created_at_ms, waiting_at_ms, initializing_at_ms, setting_up_at_ms, running_at_ms;
	int64_t ended_at_ms; /* of the newest final state; TIME_UNKNOWN unless the state is final */
	int64_t last_event_at_ms;
	enum run_state state;
	int64_t state_text; /* dim */
	int64_t cause, run_as, user; /* dim */
	int64_t failed_attempts;
	int8_t full_refresh, validate_only, explore_only; /* -1 unknown */
	bool maintenance;
	int64_t flow_error_class, flow_error_message; /* of the flow that failed first; dim */
	int64_t error_class, error_message;           /* the update's own, newest; dim */
	/* summed over its flows by update_fold_flow */
	int64_t flows, flows_failed;
	int64_t rows_written, dropped; /* FACT_UNKNOWN when no flow knew any */
	int64_t written_at_ms;         /* newest event with rows > 0 */
	int64_t quality_flows;         /* flows that reported data_quality */
	int64_t quality_published, quality_dropped; /* of those that told both; FACT_UNKNOWN: none */
	int64_t quality_failing;       /* of those, flows that dropped any */
	/* flows for which that is not all: several may write one dataset, or a table tells the rest */
	int64_t quality_unsure;
	/* what decides between events */
	int64_t final_at_ms;
	struct fold_order pipeline_order, create_order, flow_error_order; /* oldest wins */
	struct fold_order state_order, error_order;                       /* newest wins */
};

struct flow_rule {
	int64_t name, dataset; /* dim; dataset 0 = as the flow's */
	enum rule_action action;
	int64_t passed, failed; /* summed over micro-batches; FACT_UNKNOWN when none knew */
	int64_t batches;        /* micro-batches that reported it */
	bool disputed;
	uint32_t roll_at;       /* where its row was in the rollup of a batch; not kept */
};

struct fold_batch; /* the newest micro-batch: what it reported so far */

struct flow_fold {
	int64_t upd, flow; /* dim */
	int64_t dataset;   /* dim: output of its newest definition, else of its newest event, else flow */
	int64_t events, first_k, last_k;
	int64_t quality_k; /* newest event with data_quality; 0 = none */
	int64_t queued_at_ms, planning_at_ms, starting_at_ms, running_at_ms, ended_at_ms;
	int64_t last_event_at_ms;
	int64_t written_at_ms; /* newest event with rows > 0 */
	enum run_state state;
	int64_t state_text; /* dim */
	int64_t output_rows, upserted_rows, deleted_rows, output_bytes, dropped;
	int64_t backlog_bytes, backlog_records, backlog_files, backlog_seconds; /* newest event with any */
	int64_t batches; /* micro-batches that reported rows, drops or rules */
	bool disputed;   /* of the rows and drops */
	int64_t flow_type, error_class, error_message; /* dim */
	int64_t *attempts; /* dims of flow attempts, ascending; at most FOLD_ATTEMPTS_MAX */
	size_t nattempts, attempts_room;
	struct flow_rule *rules; /* by (dataset, name) */
	size_t nrules, rules_room;
	int64_t final_at_ms;
	struct fold_order state_order, dataset_order, backlog_order, type_order, error_order;
	bool dataset_defined; /* by a flow_definition */
	uint32_t roll_at;     /* where the row of its rows was in the rollup of a batch; not kept */
	struct fold_batch *open;
};

/* What a list of many datasets needs of a flow. */
struct flow_head {
	int64_t flow, dataset; /* dim */
	int64_t quality_k, written, dropped; /* written: flow_fold_written() */
	bool failing;          /* a rule has failures */
	bool elsewhere;        /* a rule looks at another dataset than the one the flow writes */
};

enum {
	FOLD_ATTEMPTS_MAX = 256,
	/* dim of the name under which engines report what belongs to no flow; never folded */
	FOLD_NO_FLOW = 1
};
#define FOLD_NO_FLOW_NAME "pipelines.flowTimeMetrics.missingFlowName"

/* What an event adds to the hourly rollup; with rule 0 dataset is the flow (see roll_h). */
struct fold_roll {
	int64_t hour, dataset, rule;
	int64_t a, b, na, nb;
};
struct fold_rolls {
	struct fold_roll *rows;
	size_t n, room;
};
void fold_rolls_done(struct fold_rolls *rolls);
void fold_rolls_add(struct fold_rolls *rolls, const struct fold_roll *roll); /* one row more */
/* Sorts by (hour, dataset, rule) and adds equal keys up; rows that came to nothing go. */
void fold_rolls_merge(struct fold_rolls *rolls);

bool fold_wants(const struct stored_event *event); /* folding it changes an update or a flow */
int64_t fold_flow_of(const struct stored_event *event); /* dim of the flow it belongs to; 0 = none */

void update_fold_init(struct update_fold *fold);
void update_fold_add(struct update_fold *fold, const struct stored_event *event);
void update_fold_no_flows(struct update_fold *fold); /* the sums over flows begin again */
/* Adds what a flow came to into the sums. */
void update_fold_flow(struct update_fold *fold, const struct flow_fold *flow);
int64_t update_fold_created_k(const struct update_fold *fold); /* run.created_k */

void flow_fold_init(struct flow_fold *fold, int64_t upd, int64_t flow);
void flow_fold_done(struct flow_fold *fold);
/*
 * Folds one event; rolls (or NULL) gets what it adds to the rollup. False, and the fold is
 * untouched: the event belongs to a micro-batch older than the newest, so the fold must be made
 * again from all facts (flow_fold_facts).
 */
bool flow_fold_add(
	struct flow_fold *fold, const struct stored_event *event, struct fold_rolls *rolls);
/* From facts in any order (sorts the array of pointers). */
void flow_fold_facts(struct flow_fold *fold, const struct stored_event **events, size_t n,
	struct fold_rolls *rolls);
/* output + upserted + deleted, those known; FACT_UNKNOWN when none is */
int64_t flow_fold_written(const struct flow_fold *fold);

/* The derived rows' column x. Decoding: false = damaged; fold is init'ed or done by the caller. */
bool update_fold_encode(struct buf *buf, const struct update_fold *fold, size_t *head_len);
bool update_fold_decode(struct text x, struct update_fold *fold);
/*
 * Of x or of its first head_len bytes, a fifth of the work: pipeline, state, flags, cause,
 * failed_attempts, created, last event, written and the quality sums; the rest stays as
 * update_fold_init left it.
 */
bool update_fold_decode_head(struct text x, struct update_fold *fold);
bool flow_fold_encode(struct buf *buf, const struct flow_fold *fold);
bool flow_fold_decode(struct text x, struct flow_fold *fold);
/* Without the newest micro-batch, which only further events need. */
bool flow_fold_decode_totals(struct text x, struct flow_fold *fold);
bool flow_fold_decode_head(struct text x, int64_t flow, struct flow_head *head);
void flow_fold_head(const struct flow_fold *fold, struct flow_head *head);

/* The column x of roll_h: n rows of one hour and dataset. Decoding adds to out; false = damaged. */
bool rolls_encode(struct buf *buf, const struct fold_roll *rows, size_t n);
bool rolls_decode(struct text x, int64_t hour, int64_t dataset, struct fold_rolls *out);

/* FACT_UNKNOWN + n = n: a sum knows what its known parts came to. */
static inline int64_t fold_sum(int64_t a, int64_t b)
{
	if (a == FACT_UNKNOWN)
		return b;
	if (b == FACT_UNKNOWN)
		return a;
	/* wraps rather than saturates: then the order of additions does not matter */
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

#endif
