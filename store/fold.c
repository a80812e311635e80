/* SPDX-License-Identifier: Apache-2.0 */
#include "store/fold.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/fold_batch.h"

static const struct fold_order order_oldest = { INT64_MIN, INT64_MIN, 0 };
static const struct fold_order order_newest = { INT64_MAX, INT64_MAX, UINT64_MAX };

/*
 * Two events of one instant without sequence numbers: the more severe state counts as newer, then
 * the id decides, so that every store decides alike.
 */
static struct fold_order order_of(const struct stored_event *event)
{
	uint64_t head, tail;

	memcpy(&head, event->id, sizeof head);
	memcpy(&tail, event->id + 8, sizeof tail);
	return (struct fold_order){
		.ms = event->happened_at_ms,
		.seq = event->sequence,
		.tie = (uint64_t)run_state_severity(event->state) << 56 | (head ^ tail) >> 8,
	};
}

static bool is_newer(const struct fold_order *a, const struct fold_order *b)
{
	if (a->ms != b->ms)
		return a->ms > b->ms;
	if (a->seq != b->seq)
		return a->seq > b->seq;
	return a->tie > b->tie;
}

static void keep_min(int64_t *at, int64_t ms)
{
	if (*at == TIME_UNKNOWN || (ms != TIME_UNKNOWN && ms < *at))
		*at = ms;
}

static void keep_max(int64_t *at, int64_t ms)
{
	if (ms > *at) /* unknown is the smallest number */
		*at = ms;
}

/* By state the time that tells when it first held, as a place in the fold; 0: none does. */
static const size_t update_times[RUN_STATE_COUNT] = {
	[RUN_CREATED] = offsetof(struct update_fold, created_at_ms),
	[RUN_QUEUED] = offsetof(struct update_fold, created_at_ms),
	[RUN_WAITING_FOR_RESOURCES] = offsetof(struct update_fold, waiting_at_ms),
	[RUN_INITIALIZING] = offsetof(struct update_fold, initializing_at_ms),
	[RUN_SETTING_UP_TABLES] = offsetof(struct update_fold, setting_up_at_ms),
	[RUN_RUNNING] = offsetof(struct update_fold, running_at_ms),
};
static const size_t flow_times[RUN_STATE_COUNT] = {
	[RUN_QUEUED] = offsetof(struct flow_fold, queued_at_ms),
	[RUN_PLANNING] = offsetof(struct flow_fold, planning_at_ms),
	[RUN_STARTING] = offsetof(struct flow_fold, starting_at_ms),
	[RUN_RUNNING] = offsetof(struct flow_fold, running_at_ms),
};

static void keep_time(void *fold, const size_t *times, int64_t *final_at_ms,
	const struct stored_event *event)
{
	if (times[event->state] != 0)
		keep_min((int64_t *)((char *)fold + times[event->state]), event->happened_at_ms);
	else if (run_state_is_final(event->state))
		keep_max(final_at_ms, event->happened_at_ms);
}

static void keep_state(enum run_state *state, int64_t *text, struct fold_order *held,
	const struct stored_event *event, const struct fold_order *order)
{
	if ((event->state == RUN_UNKNOWN && event->state_text == 0) || !is_newer(order, held))
		return;
	*held = *order;
	*state = event->state;
	*text = event->state_text;
}

static void take_error(int64_t *error_class, int64_t *message, struct fold_order *held,
	const struct stored_event *event, const struct fold_order *order)
{
	*held = *order;
	*error_class = event->error_class;
	*message = event->error_message;
}

bool fold_wants(const struct stored_event *event)
{
	return event->upd != 0;
}

int64_t fold_flow_of(const struct stored_event *event)
{
	int64_t flow = event->flow;

	if (event->upd == 0)
		return 0;
	if (event->type == EVENT_FLOW_PROGRESS)
		flow = flow ? flow : event->dataset;
	else if (event->type == EVENT_FLOW_DEFINITION)
		flow = flow ? flow : event->output;
	else if (!event->has_error)
		flow = 0;
	return flow == FOLD_NO_FLOW ? 0 : flow;
}

void update_fold_init(struct update_fold *fold)
{
	*fold = (struct update_fold){
		.created_at_ms = TIME_UNKNOWN,
		.waiting_at_ms = TIME_UNKNOWN,
		.initializing_at_ms = TIME_UNKNOWN,
		.setting_up_at_ms = TIME_UNKNOWN,
		.running_at_ms = TIME_UNKNOWN,
		.ended_at_ms = TIME_UNKNOWN,
		.last_event_at_ms = TIME_UNKNOWN,
		.failed_attempts = FACT_UNKNOWN,
		.full_refresh = -1,
		.validate_only = -1,
		.explore_only = -1,
		.final_at_ms = TIME_UNKNOWN,
		.pipeline_order = order_newest,
		.create_order = order_newest,
		.flow_error_order = order_newest,
		.state_order = order_oldest,
		.error_order = order_oldest,
	};
	update_fold_no_flows(fold);
}

static void update_created(
	struct update_fold *fold, const struct stored_event *event, const struct fold_order *order)
{
	keep_min(&fold->created_at_ms, event->happened_at_ms);
	if (fold->state == RUN_UNKNOWN && fold->state_text == 0)
		fold->state = RUN_CREATED;
	if (!is_newer(&fold->create_order, order))
		return;
	fold->create_order = *order;
	fold->cause = event->cause;
	fold->run_as = event->run_as;
	fold->user = event->user;
	fold->failed_attempts = event->failed_attempts;
	fold->full_refresh = event->full_refresh;
	fold->validate_only = event->validate_only;
	fold->explore_only = event->explore_only;
}

static void update_progressed(
	struct update_fold *fold, const struct stored_event *event, const struct fold_order *order)
{
	keep_time(fold, update_times, &fold->final_at_ms, event);
	keep_state(&fold->state, &fold->state_text, &fold->state_order, event, order);
}

/* Of its flows the first error counts, of its own the newest. */
static void update_failed(
	struct update_fold *fold, const struct stored_event *event, const struct fold_order *order)
{
	if (fold_flow_of(event) == 0) {
		if (is_newer(order, &fold->error_order))
			take_error(&fold->error_class, &fold->error_message, &fold->error_order, event,
				order);
	} else if (is_newer(&fold->flow_error_order, order)) {
		take_error(&fold->flow_error_class, &fold->flow_error_message,
			&fold->flow_error_order, event, order);
	}
}

void update_fold_add(struct update_fold *fold, const struct stored_event *event)
{
	struct fold_order order = order_of(event);

	if (fold->events++ == 0 || event->k < fold->first_k)
		fold->first_k = event->k;
	if (event->k > fold->last_k)
		fold->last_k = event->k;
	keep_max(&fold->last_event_at_ms, event->happened_at_ms);
	fold->maintenance = fold->maintenance || event->maintenance;
	if (event->pipeline != 0 && is_newer(&fold->pipeline_order, &order)) {
		fold->pipeline_order = order;
		fold->pipeline = event->pipeline;
	}
	if (event->type == EVENT_CREATE_UPDATE)
		update_created(fold, event, &order);
	else if (event->type == EVENT_UPDATE_PROGRESS)
		update_progressed(fold, event, &order);
	if (event->has_error)
		update_failed(fold, event, &order);
	fold->ended_at_ms = run_state_is_final(fold->state) ? fold->final_at_ms : TIME_UNKNOWN;
}

void update_fold_no_flows(struct update_fold *fold)
{
	fold->flows = fold->flows_failed = 0;
	fold->rows_written = fold->dropped = FACT_UNKNOWN;
	fold->written_at_ms = TIME_UNKNOWN;
	fold->quality_flows = fold->quality_failing = fold->quality_unsure = 0;
	fold->quality_published = fold->quality_dropped = FACT_UNKNOWN;
}

void update_fold_flow(struct update_fold *fold, const struct flow_fold *flow)
{
	int64_t written = flow_fold_written(flow);

	fold->flows++;
	fold->flows_failed += flow->state == RUN_FAILED;
	fold->rows_written = fold_sum(fold->rows_written, written);
	fold->dropped = fold_sum(fold->dropped, flow->dropped);
	keep_max(&fold->written_at_ms, flow->written_at_ms);
	fold->quality_flows += flow->quality_k != 0;
	fold->quality_unsure += flow->dataset != flow->flow ||
		(flow->quality_k != 0 && flow->dropped == FACT_UNKNOWN);
	if (flow->quality_k == 0 || written == FACT_UNKNOWN || flow->dropped == FACT_UNKNOWN)
		return;
	fold->quality_published = fold_sum(fold->quality_published, written);
	fold->quality_dropped = fold_sum(fold->quality_dropped, flow->dropped);
	fold->quality_failing += flow->dropped > 0;
}

int64_t update_fold_created_k(const struct update_fold *fold)
{
	if (fold->created_at_ms != TIME_UNKNOWN)
		return event_k_from(fold->created_at_ms);
	return event_k_from(event_k_ms(fold->first_k));
}

void flow_fold_init(struct flow_fold *fold, int64_t upd, int64_t flow)
{
	*fold = (struct flow_fold){
		.upd = upd,
		.flow = flow,
		.dataset = flow,
		.queued_at_ms = TIME_UNKNOWN,
		.planning_at_ms = TIME_UNKNOWN,
		.starting_at_ms = TIME_UNKNOWN,
		.running_at_ms = TIME_UNKNOWN,
		.ended_at_ms = TIME_UNKNOWN,
		.last_event_at_ms = TIME_UNKNOWN,
		.written_at_ms = TIME_UNKNOWN,
		.output_rows = FACT_UNKNOWN,
		.upserted_rows = FACT_UNKNOWN,
		.deleted_rows = FACT_UNKNOWN,
		.output_bytes = FACT_UNKNOWN,
		.dropped = FACT_UNKNOWN,
		.backlog_bytes = FACT_UNKNOWN,
		.backlog_records = FACT_UNKNOWN,
		.backlog_files = FACT_UNKNOWN,
		.backlog_seconds = FACT_UNKNOWN,
		.final_at_ms = TIME_UNKNOWN,
		.state_order = order_oldest,
		.dataset_order = order_oldest,
		.backlog_order = order_oldest,
		.type_order = order_oldest,
		.error_order = order_oldest,
	};
}

void flow_fold_done(struct flow_fold *fold)
{
	FREE(&fold->attempts);
	FREE(&fold->rules);
	fold_batch_free(fold->open);
	fold->open = NULL;
}

static void flow_dataset(struct flow_fold *fold, int64_t dataset, bool defined,
	const struct fold_order *order)
{
	if (dataset == 0 || (fold->dataset_defined && !defined))
		return;
	if (fold->dataset_defined == defined && !is_newer(order, &fold->dataset_order))
		return;
	fold->dataset = dataset;
	fold->dataset_defined = defined;
	fold->dataset_order = *order;
}

static void flow_attempt(struct flow_fold *fold, int64_t attempt)
{
	size_t at = 0;

	while (at < fold->nattempts && fold->attempts[at] < attempt)
		at++;
	if ((at < fold->nattempts && fold->attempts[at] == attempt) ||
		fold->nattempts == FOLD_ATTEMPTS_MAX)
		return;
	if (fold->nattempts == fold->attempts_room) {
		fold->attempts_room = fold->attempts_room ? fold->attempts_room * 2 : 4;
		fold->attempts = mem_resize(
			fold->attempts, fold->attempts_room, sizeof *fold->attempts);
	}
	memmove(fold->attempts + at + 1, fold->attempts + at,
		(fold->nattempts - at) * sizeof *fold->attempts);
	fold->attempts[at] = attempt;
	fold->nattempts++;
}

static void flow_state(
	struct flow_fold *fold, const struct stored_event *event, const struct fold_order *order)
{
	keep_time(fold, flow_times, &fold->final_at_ms, event);
	keep_state(&fold->state, &fold->state_text, &fold->state_order, event, order);
	fold->ended_at_ms = run_state_is_final(fold->state) ? fold->final_at_ms : TIME_UNKNOWN;
}

static void flow_backlog(
	struct flow_fold *fold, const struct stored_event *event, const struct fold_order *order)
{
	if (event->backlog_bytes == FACT_UNKNOWN && event->backlog_records == FACT_UNKNOWN &&
		event->backlog_files == FACT_UNKNOWN && event->backlog_seconds == FACT_UNKNOWN)
		return;
	if (!is_newer(order, &fold->backlog_order))
		return;
	fold->backlog_order = *order;
	fold->backlog_bytes = event->backlog_bytes;
	fold->backlog_records = event->backlog_records;
	fold->backlog_files = event->backlog_files;
	fold->backlog_seconds = event->backlog_seconds;
}

static void flow_progressed(
	struct flow_fold *fold, const struct stored_event *event, const struct fold_order *order)
{
	flow_state(fold, event, order);
	flow_dataset(fold, event->dataset, false, order);
	flow_backlog(fold, event, order);
	if (event->flow_attempt != 0)
		flow_attempt(fold, event->flow_attempt);
	if (event->has_quality && event->k > fold->quality_k)
		fold->quality_k = event->k;
	if (event->output_rows > 0 || event->upserted_rows > 0 || event->deleted_rows > 0)
		keep_max(&fold->written_at_ms, event->happened_at_ms);
}

bool flow_fold_add(
	struct flow_fold *fold, const struct stored_event *event, struct fold_rolls *rolls)
{
	struct fold_order order = order_of(event);

	if (!fold_batch_add(fold, event, rolls))
		return false;
	if (fold->events++ == 0 || event->k < fold->first_k)
		fold->first_k = event->k;
	if (event->k > fold->last_k)
		fold->last_k = event->k;
	keep_max(&fold->last_event_at_ms, event->happened_at_ms);
	if (event->type == EVENT_FLOW_PROGRESS) {
		flow_progressed(fold, event, &order);
	} else if (event->type == EVENT_FLOW_DEFINITION) {
		flow_dataset(fold, event->output, true, &order);
		if (event->flow_type != 0 && is_newer(&order, &fold->type_order)) {
			fold->type_order = order;
			fold->flow_type = event->flow_type;
		}
	}
	if (event->has_error && is_newer(&order, &fold->error_order))
		take_error(&fold->error_class, &fold->error_message, &fold->error_order, event, &order);
	return true;
}

/* By micro-batch, then time: the order in which flow_fold_add never meets an older batch. */
static int by_batch(const void *left, const void *right)
{
	const struct stored_event *a = *(const struct stored_event *const *)left;
	const struct stored_event *b = *(const struct stored_event *const *)right;

	if (a->batch_id != b->batch_id)
		return a->batch_id < b->batch_id ? -1 : 1;
	return (a->k > b->k) - (a->k < b->k);
}

void flow_fold_facts(struct flow_fold *fold, const struct stored_event **events, size_t n,
	struct fold_rolls *rolls)
{
	if (n > 0)
		qsort(events, n, sizeof(const struct stored_event *), by_batch);
	for (size_t i = 0; i < n; i++)
		(void)flow_fold_add(fold, events[i], rolls); /* sorted, so it takes each */
}

int64_t flow_fold_written(const struct flow_fold *fold)
{
	return fold_sum(fold_sum(fold->output_rows, fold->upserted_rows), fold->deleted_rows);
}
