/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The column x of run and flow_run: a version byte, then every number of the fold in the order of a
 * table, then the lists. Derived rows can always be made again, so a new form takes a new version
 * byte and a migration that empties them.
 */
#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "store/fold_batch.h"

enum { UPDATE_FORM = 3, FLOW_FORM = 2, LIST_MAX = 1 << 20, FOLD_NUMBERS_MAX = 64 };

#define AT(type, name) offsetof(struct type, name)

/* The first UPDATE_HEAD are what lists of many updates look at: these alone may be decoded. */
enum { UPDATE_HEAD = 11 };
static const size_t update_numbers[] = {
	AT(update_fold, pipeline),
	AT(update_fold, created_at_ms),
	AT(update_fold, last_event_at_ms),
	AT(update_fold, written_at_ms),
	AT(update_fold, cause),
	AT(update_fold, failed_attempts),
	AT(update_fold, quality_flows),
	AT(update_fold, quality_published),
	AT(update_fold, quality_dropped),
	AT(update_fold, quality_failing),
	AT(update_fold, quality_unsure), /* the head ends here */
	AT(update_fold, events),
	AT(update_fold, first_k),
	AT(update_fold, last_k),
	AT(update_fold, waiting_at_ms),
	AT(update_fold, initializing_at_ms),
	AT(update_fold, setting_up_at_ms),
	AT(update_fold, running_at_ms),
	AT(update_fold, ended_at_ms),
	AT(update_fold, state_text),
	AT(update_fold, run_as),
	AT(update_fold, user),
	AT(update_fold, flow_error_class),
	AT(update_fold, flow_error_message),
	AT(update_fold, error_class),
	AT(update_fold, error_message),
	AT(update_fold, flows),
	AT(update_fold, flows_failed),
	AT(update_fold, rows_written),
	AT(update_fold, dropped),
	AT(update_fold, final_at_ms),
};

static const size_t update_orders[] = {
	AT(update_fold, pipeline_order),
	AT(update_fold, create_order),
	AT(update_fold, flow_error_order),
	AT(update_fold, state_order),
	AT(update_fold, error_order),
};

/* The first FLOW_HEAD make a struct flow_head, in its order. */
enum { FLOW_HEAD = 6, HEAD_FAILING = 1, HEAD_ELSEWHERE = 2 };
static const size_t flow_numbers[] = {
	AT(flow_fold, dataset),
	AT(flow_fold, quality_k),
	AT(flow_fold, output_rows),
	AT(flow_fold, upserted_rows),
	AT(flow_fold, deleted_rows),
	AT(flow_fold, dropped), /* the head ends here */
	AT(flow_fold, upd),
	AT(flow_fold, flow),
	AT(flow_fold, events),
	AT(flow_fold, first_k),
	AT(flow_fold, last_k),
	AT(flow_fold, queued_at_ms),
	AT(flow_fold, planning_at_ms),
	AT(flow_fold, starting_at_ms),
	AT(flow_fold, running_at_ms),
	AT(flow_fold, ended_at_ms),
	AT(flow_fold, last_event_at_ms),
	AT(flow_fold, written_at_ms),
	AT(flow_fold, state_text),
	AT(flow_fold, output_bytes),
	AT(flow_fold, backlog_bytes),
	AT(flow_fold, backlog_records),
	AT(flow_fold, backlog_files),
	AT(flow_fold, backlog_seconds),
	AT(flow_fold, batches),
	AT(flow_fold, flow_type),
	AT(flow_fold, error_class),
	AT(flow_fold, error_message),
	AT(flow_fold, final_at_ms),
};

static const size_t flow_orders[] = {
	AT(flow_fold, state_order),
	AT(flow_fold, dataset_order),
	AT(flow_fold, backlog_order),
	AT(flow_fold, type_order),
	AT(flow_fold, error_order),
};

_Static_assert(ARRAY_LEN(update_numbers) + 3 * ARRAY_LEN(update_orders) <= FOLD_NUMBERS_MAX, "room");
_Static_assert(ARRAY_LEN(flow_numbers) + 3 * ARRAY_LEN(flow_orders) <= FOLD_NUMBERS_MAX, "room");

static const void *at_const(const void *fold, size_t offset)
{
	return (const char *)fold + offset;
}

static void *at(void *fold, size_t offset)
{
	return (char *)fold + offset;
}

static void put_fold(struct buf *buf, const void *fold, const size_t *numbers, size_t nnumbers,
	const size_t *orders, size_t norders)
{
	unsigned char bytes[PACK_BYTES_MAX * FOLD_NUMBERS_MAX], *to = bytes;

	for (size_t i = 0; i < nnumbers; i++)
		to = put_maybe(to, *(const int64_t *)at_const(fold, numbers[i]));
	for (size_t i = 0; i < norders; i++) {
		const struct fold_order *order = at_const(fold, orders[i]);

		to = put_maybe(to, order->ms);
		to = put_maybe(to, order->seq);
		to = put_uint(to, order->tie);
	}
	buf_add_bytes(buf, bytes, (size_t)(to - bytes));
}

static bool take_fold(struct text *x, void *fold, const size_t *numbers, size_t nnumbers,
	const size_t *orders, size_t norders)
{
	struct rest rest = rest_of(*x);

	for (size_t i = 0; i < nnumbers; i++) {
		if (!get_maybe(&rest, at(fold, numbers[i])))
			return false;
	}
	for (size_t i = 0; i < norders; i++) {
		struct fold_order *order = at(fold, orders[i]);

		if (!get_maybe(&rest, &order->ms) || !get_maybe(&rest, &order->seq) ||
			!get_uint(&rest, &order->tie))
			return false;
	}
	*x = (struct text){ (const char *)rest.at, (size_t)(rest.end - rest.at) };
	return true;
}

bool update_fold_encode(struct buf *buf, const struct update_fold *fold, size_t *head_len)
{
	size_t from = buf->len;

	buf_add_char(buf, UPDATE_FORM);
	pack_uint(buf, (uint64_t)fold->state);
	pack_uint(buf, (uint64_t)(fold->full_refresh + 1) | (uint64_t)(fold->validate_only + 1) << 2 |
			(uint64_t)(fold->explore_only + 1) << 4 | (uint64_t)fold->maintenance << 6);
	put_fold(buf, fold, update_numbers, UPDATE_HEAD, NULL, 0);
	*head_len = buf->len - from;
	put_fold(buf, fold, update_numbers + UPDATE_HEAD, ARRAY_LEN(update_numbers) - UPDATE_HEAD,
		update_orders, ARRAY_LEN(update_orders));
	return !buf->full;
}

static bool take_form(struct text *x, char form)
{
	if (x->len == 0 || x->bytes[0] != form)
		return false;
	*x = text_sub(*x, 1, x->len);
	return true;
}

static bool take_state(struct text *x, enum run_state *state)
{
	uint64_t value;

	if (!unpack_uint(x, &value) || value >= RUN_STATE_COUNT)
		return false;
	*state = (enum run_state)value;
	return true;
}

static bool take_update(
	struct text x, struct update_fold *fold, size_t nnumbers, size_t norders)
{
	uint64_t flags;

	if (!take_form(&x, UPDATE_FORM) || !take_state(&x, &fold->state) ||
		!unpack_uint(&x, &flags) ||
		!take_fold(&x, fold, update_numbers, nnumbers, update_orders, norders))
		return false;
	fold->full_refresh = (int8_t)((int)(flags & 3) - 1);
	fold->validate_only = (int8_t)((int)(flags >> 2 & 3) - 1);
	fold->explore_only = (int8_t)((int)(flags >> 4 & 3) - 1);
	fold->maintenance = flags >> 6 & 1;
	return true;
}

bool update_fold_decode(struct text x, struct update_fold *fold)
{
	return take_update(x, fold, ARRAY_LEN(update_numbers), ARRAY_LEN(update_orders));
}

bool update_fold_decode_head(struct text x, struct update_fold *fold)
{
	return take_update(x, fold, UPDATE_HEAD, 0);
}

static void put_seen(struct buf *buf, const struct fold_seen *seen)
{
	pack_uint(buf, seen->seen);
	if (!seen->seen)
		return;
	pack_maybe(buf, seen->passed);
	pack_maybe(buf, seen->failed);
}

static bool take_seen(struct text *x, struct fold_seen *seen)
{
	uint64_t value;

	if (!unpack_uint(x, &value) || value > 1)
		return false;
	seen->seen = value;
	return !seen->seen || (unpack_maybe(x, &seen->passed) && unpack_maybe(x, &seen->failed));
}

static void put_open(struct buf *buf, const struct flow_fold *fold)
{
	const struct fold_batch *open = fold->open;

	pack_uint(buf, open != NULL);
	if (!open)
		return;
	pack_int(buf, open->id);
	pack_maybe(buf, open->hour);
	for (size_t i = 0; i < METRIC_COUNT; i++) {
		pack_maybe(buf, open->max[i]);
		pack_maybe(buf, open->hour_max[i]);
	}
	for (size_t i = 0; i < fold->nrules; i++) {
		put_seen(buf, &open->rules[i]);
		put_seen(buf, &open->hour_rules[i]);
	}
}

static bool take_open(struct text *x, struct flow_fold *fold)
{
	struct fold_batch *open;
	uint64_t there;
	int64_t id;

	if (!unpack_uint(x, &there) || there > 1)
		return false;
	if (!there)
		return true;
	if (!unpack_int(x, &id))
		return false;
	open = fold->open = fold_batch_new(id, fold->rules_room);
	if (!unpack_maybe(x, &open->hour))
		return false;
	for (size_t i = 0; i < METRIC_COUNT; i++) {
		if (!unpack_maybe(x, &open->max[i]) || !unpack_maybe(x, &open->hour_max[i]))
			return false;
	}
	for (size_t i = 0; i < fold->nrules; i++) {
		if (!take_seen(x, &open->rules[i]) || !take_seen(x, &open->hour_rules[i]))
			return false;
	}
	return true;
}

void flow_fold_head(const struct flow_fold *fold, struct flow_head *head)
{
	*head = (struct flow_head){
		.flow = fold->flow,
		.dataset = fold->dataset,
		.quality_k = fold->quality_k,
		.written = flow_fold_written(fold),
		.dropped = fold->dropped,
	};
	for (size_t i = 0; i < fold->nrules; i++) {
		const struct flow_rule *rule = &fold->rules[i];

		head->failing = head->failing || rule->failed > 0;
		head->elsewhere = head->elsewhere ||
			(rule->dataset != 0 && rule->dataset != fold->dataset);
	}
}

bool flow_fold_encode(struct buf *buf, const struct flow_fold *fold)
{
	struct flow_head head;

	flow_fold_head(fold, &head);
	buf_add_char(buf, FLOW_FORM);
	pack_uint(buf, (head.failing ? HEAD_FAILING : 0) | (head.elsewhere ? HEAD_ELSEWHERE : 0));
	put_fold(buf, fold, flow_numbers, ARRAY_LEN(flow_numbers), flow_orders,
		ARRAY_LEN(flow_orders));
	pack_uint(buf, (uint64_t)fold->state);
	pack_uint(buf, (uint64_t)fold->disputed | (uint64_t)fold->dataset_defined << 1);
	pack_uint(buf, fold->nattempts);
	for (size_t i = 0; i < fold->nattempts; i++)
		pack_uint(buf, (uint64_t)fold->attempts[i]);
	pack_uint(buf, fold->nrules);
	for (size_t i = 0; i < fold->nrules; i++) {
		const struct flow_rule *rule = &fold->rules[i];

		unsigned char bytes[PACK_BYTES_MAX * 6], *to = bytes;

		to = put_uint(to, (uint64_t)rule->name);
		to = put_uint(to, (uint64_t)rule->dataset);
		to = put_uint(to, (uint64_t)rule->action << 1 | rule->disputed);
		to = put_maybe(to, rule->passed);
		to = put_maybe(to, rule->failed);
		to = put_uint(to, (uint64_t)rule->batches);
		buf_add_bytes(buf, bytes, (size_t)(to - bytes));
	}
	put_open(buf, fold);
	return !buf->full;
}

static bool take_attempts(struct text *x, struct flow_fold *fold)
{
	uint64_t n, id;

	if (!unpack_uint(x, &n) || n > FOLD_ATTEMPTS_MAX)
		return false;
	if (n == 0)
		return true;
	fold->attempts_room = (size_t)n;
	fold->attempts = NEW_ARRAY(int64_t, fold->attempts_room);
	for (; fold->nattempts < n; fold->nattempts++) {
		if (!unpack_uint(x, &id))
			return false;
		fold->attempts[fold->nattempts] = (int64_t)id;
	}
	return true;
}

static bool take_rules(struct text *x, struct flow_fold *fold)
{
	struct rest rest = rest_of(*x);
	uint64_t n;

	if (!get_uint(&rest, &n) || n > LIST_MAX || n > x->len)
		return false;
	fold->rules_room = (size_t)n;
	if (n > 0)
		fold->rules = NEW_ARRAY(struct flow_rule, fold->rules_room);
	for (; fold->nrules < n; fold->nrules++) {
		struct flow_rule *rule = &fold->rules[fold->nrules];
		uint64_t name, dataset, flags, batches;

		if (!get_uint(&rest, &name) || !get_uint(&rest, &dataset) ||
			!get_uint(&rest, &flags) || !get_maybe(&rest, &rule->passed) ||
			!get_maybe(&rest, &rule->failed) || !get_uint(&rest, &batches))
			return false;
		rule->name = (int64_t)name;
		rule->dataset = (int64_t)dataset;
		rule->action = (enum rule_action)(flags >> 1 & 3);
		rule->disputed = flags & 1;
		rule->batches = (int64_t)batches;
	}
	*x = (struct text){ (const char *)rest.at, (size_t)(rest.end - rest.at) };
	return true;
}

bool flow_fold_decode_head(struct text x, int64_t flow, struct flow_head *head)
{
	struct rest rest = rest_of(x);
	int64_t numbers[FLOW_HEAD];
	uint64_t flags;

	if (x.len == 0 || *rest.at++ != FLOW_FORM || !get_uint(&rest, &flags))
		return false;
	for (size_t i = 0; i < FLOW_HEAD; i++) {
		if (!get_maybe(&rest, &numbers[i]))
			return false;
	}
	*head = (struct flow_head){
		.flow = flow,
		.dataset = numbers[0],
		.quality_k = numbers[1],
		.written = fold_sum(fold_sum(numbers[2], numbers[3]), numbers[4]),
		.dropped = numbers[5],
		.failing = flags & HEAD_FAILING,
		.elsewhere = flags & HEAD_ELSEWHERE,
	};
	return true;
}

static bool take_flow(struct text *x, struct flow_fold *fold)
{
	uint64_t flags;

	if (!take_form(x, FLOW_FORM) || !unpack_uint(x, &flags) ||
		!take_fold(x, fold, flow_numbers, ARRAY_LEN(flow_numbers), flow_orders,
			ARRAY_LEN(flow_orders)) ||
		!take_state(x, &fold->state) || !unpack_uint(x, &flags))
		return false;
	fold->disputed = flags & 1;
	fold->dataset_defined = flags >> 1 & 1;
	return take_attempts(x, fold) && take_rules(x, fold);
}

bool flow_fold_decode_totals(struct text x, struct flow_fold *fold)
{
	return take_flow(&x, fold);
}

bool flow_fold_decode(struct text x, struct flow_fold *fold)
{
	return take_flow(&x, fold) && take_open(&x, fold);
}
