/* SPDX-License-Identifier: Apache-2.0 */
#include "store/fold_batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { HOUR_MS = 3600000, RECENT = 12 };

struct fold_batch *fold_batch_new(int64_t id, size_t rules_room)
{
	struct fold_batch *batch = NEW(struct fold_batch);

	batch->id = id;
	batch->hour = FACT_UNKNOWN;
	for (size_t i = 0; i < METRIC_COUNT; i++)
		batch->max[i] = batch->hour_max[i] = FACT_UNKNOWN;
	batch->room = rules_room;
	if (rules_room > 0) {
		batch->rules = NEW_ARRAY(struct fold_seen, rules_room);
		batch->hour_rules = NEW_ARRAY(struct fold_seen, rules_room);
	}
	return batch;
}

void fold_batch_free(struct fold_batch *batch)
{
	if (!batch)
		return;
	free(batch->rules);
	free(batch->hour_rules);
	free(batch);
}

void fold_rolls_done(struct fold_rolls *rolls)
{
	free(rolls->rows);
	*rolls = (struct fold_rolls){ 0 };
}

void fold_rolls_add(struct fold_rolls *rolls, const struct fold_roll *roll)
{
	if (rolls->n == rolls->room) {
		rolls->room = rolls->room ? rolls->room * 2 : 16;
		rolls->rows = mem_resize(rolls->rows, rolls->room, sizeof *rolls->rows);
	}
	rolls->rows[rolls->n++] = *roll;
}

static bool same_row(const struct fold_roll *a, const struct fold_roll *b)
{
	return a->rule == b->rule && a->hour == b->hour && a->dataset == b->dataset;
}

/* *place is where the row was last, maybe in another rollup: a flow reports the same rules again. */
static inline void roll_add(struct fold_rolls *rolls, const struct fold_roll *roll, uint32_t *place)
{
	size_t at = *place;

	if (roll->a == 0 && roll->b == 0 && roll->na == 0 && roll->nb == 0)
		return;
	if (at >= rolls->n || !same_row(&rolls->rows[at], roll)) {
		for (at = rolls->n; at > 0 && at + RECENT > rolls->n; at--) {
			if (same_row(&rolls->rows[at - 1], roll))
				break;
		}
		if (at == 0 || at + RECENT <= rolls->n) {
			*place = (uint32_t)rolls->n;
			fold_rolls_add(rolls, roll);
			return;
		}
		*place = (uint32_t)--at;
	}
	rolls->rows[at].a = fold_sum(rolls->rows[at].a, roll->a);
	rolls->rows[at].b = fold_sum(rolls->rows[at].b, roll->b);
	rolls->rows[at].na += roll->na;
	rolls->rows[at].nb += roll->nb;
}

static int by_key(const void *left, const void *right)
{
	const struct fold_roll *a = left, *b = right;

	if (a->hour != b->hour)
		return a->hour < b->hour ? -1 : 1;
	if (a->dataset != b->dataset)
		return a->dataset < b->dataset ? -1 : 1;
	return (a->rule > b->rule) - (a->rule < b->rule);
}

void fold_rolls_merge(struct fold_rolls *rolls)
{
	size_t n = 0;

	if (rolls->n == 0)
		return;
	qsort(rolls->rows, rolls->n, sizeof *rolls->rows, by_key);
	for (size_t i = 0; i < rolls->n;) {
		struct fold_roll sum = rolls->rows[i++];

		for (; i < rolls->n && by_key(&sum, &rolls->rows[i]) == 0; i++) {
			sum.a = fold_sum(sum.a, rolls->rows[i].a);
			sum.b = fold_sum(sum.b, rolls->rows[i].b);
			sum.na += rolls->rows[i].na;
			sum.nb += rolls->rows[i].nb;
		}
		if (sum.a != 0 || sum.b != 0 || sum.na != 0 || sum.nb != 0)
			rolls->rows[n++] = sum;
	}
	rolls->n = n;
}

/* Makes *max the larger; what that adds to a sum, and whether a first value came to be known. */
static inline int64_t raise(int64_t *max, int64_t value, bool *first_out)
{
	int64_t before = *max;

	*first_out = false;
	if (value == FACT_UNKNOWN || (before != FACT_UNKNOWN && value <= before))
		return 0;
	*max = value;
	*first_out = before == FACT_UNKNOWN;
	return *first_out ? value : (int64_t)((uint64_t)value - (uint64_t)before);
}

static inline void add_total(int64_t *total, int64_t *max, int64_t value, bool *disputed)
{
	int64_t before = *max;

	if (value == FACT_UNKNOWN)
		return;
	if (before == FACT_UNKNOWN) {
		*max = value;
		*total = fold_sum(*total, value);
		return;
	}
	if (value == before)
		return;
	*disputed = true;
	if (value > before) {
		*max = value;
		*total = fold_sum(*total, (int64_t)((uint64_t)value - (uint64_t)before));
	}
}

static void metrics_of(const struct stored_event *event, int64_t metrics[METRIC_COUNT])
{
	metrics[METRIC_OUTPUT] = event->output_rows;
	metrics[METRIC_UPSERTED] = event->upserted_rows;
	metrics[METRIC_DELETED] = event->deleted_rows;
	metrics[METRIC_DROPPED] = event->dropped_records;
	metrics[METRIC_BYTES] = event->output_bytes;
}

static bool reports(const struct stored_event *event, const int64_t metrics[METRIC_COUNT])
{
	if (event->nrules > 0)
		return true;
	for (size_t i = 0; i < METRIC_COUNT; i++) {
		if (metrics[i] != FACT_UNKNOWN)
			return true;
	}
	return false;
}

/* Of the key, so that an hour's rollup can be made again from the events between two keys. */
static int64_t hour_of(const struct stored_event *event)
{
	int64_t ms = event_k_ms(event->k);

	return ms == 0 ? FACT_UNKNOWN : ms / HOUR_MS;
}

static int rule_cmp(const struct flow_rule *a, int64_t dataset, int64_t name)
{
	if (a->dataset != dataset)
		return a->dataset < dataset ? -1 : 1;
	return (a->name > name) - (a->name < name);
}

static void batch_grow(struct fold_batch *batch, size_t room)
{
	if (!batch || batch->room >= room)
		return;
	batch->rules = mem_resize(batch->rules, room, sizeof *batch->rules);
	batch->hour_rules = mem_resize(batch->hour_rules, room, sizeof *batch->hour_rules);
	memset(batch->rules + batch->room, 0, (room - batch->room) * sizeof *batch->rules);
	memset(batch->hour_rules + batch->room, 0,
		(room - batch->room) * sizeof *batch->hour_rules);
	batch->room = room;
}

static void batch_shift(struct fold_batch *batch, size_t at, size_t n)
{
	if (!batch)
		return;
	memmove(batch->rules + at + 1, batch->rules + at, (n - at) * sizeof *batch->rules);
	memmove(batch->hour_rules + at + 1, batch->hour_rules + at,
		(n - at) * sizeof *batch->hour_rules);
	batch->rules[at] = batch->hour_rules[at] = (struct fold_seen){ false, 0, 0 };
}

/*
 * Index of a rule, made if new. Events list their rules in the same order again and again: the
 * place behind the last one found is tried first.
 */
static size_t rule_place(struct flow_fold *fold, const struct stored_rule *rule, size_t hint)
{
	size_t low = 0, high = fold->nrules;

	if (hint < high && rule_cmp(&fold->rules[hint], rule->dataset, rule->name) == 0)
		return hint;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = rule_cmp(&fold->rules[middle], rule->dataset, rule->name);

		if (order == 0)
			return middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (fold->nrules == fold->rules_room) {
		fold->rules_room = fold->rules_room ? fold->rules_room * 2 : 8;
		fold->rules = mem_resize(fold->rules, fold->rules_room, sizeof *fold->rules);
		batch_grow(fold->open, fold->rules_room);
	}
	memmove(fold->rules + low + 1, fold->rules + low,
		(fold->nrules - low) * sizeof *fold->rules);
	batch_shift(fold->open, low, fold->nrules);
	fold->rules[low] = (struct flow_rule){
		.name = rule->name,
		.dataset = rule->dataset,
		.passed = FACT_UNKNOWN,
		.failed = FACT_UNKNOWN,
	};
	fold->nrules++;
	return low;
}

static struct fold_seen *seen_at(struct fold_seen *rules, size_t at)
{
	if (!rules[at].seen)
		rules[at] = (struct fold_seen){ false, FACT_UNKNOWN, FACT_UNKNOWN };
	return &rules[at];
}

static void add_rule(struct flow_fold *fold, struct fold_batch *batch, size_t at,
	const struct stored_rule *rule)
{
	struct flow_rule *sum = &fold->rules[at];
	struct fold_seen *seen = seen_at(batch->rules, at);

	sum->batches += !seen->seen;
	seen->seen = true;
	if (rule->action > sum->action)
		sum->action = rule->action;
	add_total(&sum->passed, &seen->passed, rule->passed, &sum->disputed);
	add_total(&sum->failed, &seen->failed, rule->failed, &sum->disputed);
}

static void roll_rule(struct flow_fold *fold, struct fold_rolls *rolls, struct fold_batch *batch,
	size_t at, const struct stored_rule *rule)
{
	struct fold_seen *seen = seen_at(batch->hour_rules, at);
	struct fold_roll roll = {
		.hour = batch->hour,
		.dataset = rule->dataset ? rule->dataset : fold->flow,
		.rule = rule->name,
	};
	bool first;

	seen->seen = true;
	roll.a = raise(&seen->passed, rule->passed, &first);
	roll.na = first;
	roll.b = raise(&seen->failed, rule->failed, &first);
	roll.nb = first;
	if (rolls && rule->name != 0)
		roll_add(rolls, &roll, &fold->rules[at].roll_at);
}

static void roll_rows(struct flow_fold *fold, struct fold_rolls *rolls, struct fold_batch *batch,
	const int64_t metrics[METRIC_COUNT])
{
	struct fold_roll roll = { .hour = batch->hour, .dataset = fold->flow };
	bool known = false, first;

	for (size_t i = METRIC_OUTPUT; i <= METRIC_DELETED; i++)
		known = known || batch->hour_max[i] != FACT_UNKNOWN;
	for (size_t i = METRIC_OUTPUT; i <= METRIC_DELETED; i++) {
		roll.a = fold_sum(roll.a, raise(&batch->hour_max[i], metrics[i], &first));
		if (first && !known) {
			roll.na = 1;
			known = true;
		}
	}
	roll.b = raise(&batch->hour_max[METRIC_DROPPED], metrics[METRIC_DROPPED], &first);
	roll.nb = first;
	if (rolls)
		roll_add(rolls, &roll, &fold->roll_at);
}

static void add_metrics(struct flow_fold *fold, struct fold_batch *batch,
	const int64_t metrics[METRIC_COUNT])
{
	int64_t *totals[METRIC_COUNT] = {
		[METRIC_OUTPUT] = &fold->output_rows,
		[METRIC_UPSERTED] = &fold->upserted_rows,
		[METRIC_DELETED] = &fold->deleted_rows,
		[METRIC_DROPPED] = &fold->dropped,
		[METRIC_BYTES] = &fold->output_bytes,
	};

	for (size_t i = 0; i < METRIC_COUNT; i++)
		add_total(totals[i], &batch->max[i], metrics[i], &fold->disputed);
}

/* A later hour of the same micro-batch is a group of its own in the rollup. */
static void enter_hour(struct fold_batch *batch, int64_t hour)
{
	if (batch->hour == hour)
		return;
	batch->hour = hour;
	for (size_t i = 0; i < METRIC_COUNT; i++)
		batch->hour_max[i] = FACT_UNKNOWN;
	if (batch->room > 0)
		memset(batch->hour_rules, 0, batch->room * sizeof *batch->hour_rules);
}

static void add_event(struct flow_fold *fold, struct fold_batch *batch,
	const struct stored_event *event, const int64_t metrics[METRIC_COUNT],
	struct fold_rolls *rolls)
{
	size_t at = SIZE_MAX;

	enter_hour(batch, hour_of(event));
	if (batch->hour == FACT_UNKNOWN)
		rolls = NULL;
	add_metrics(fold, batch, metrics);
	roll_rows(fold, rolls, batch, metrics);
	for (size_t i = 0; i < event->nrules; i++) {
		at = rule_place(fold, &event->rules[i], at + 1);
		add_rule(fold, batch, at, &event->rules[i]);
		roll_rule(fold, rolls, batch, at, &event->rules[i]);
	}
}

/* The newest micro-batch makes way for the next one; its memory is used again. */
static struct fold_batch *open_batch(struct flow_fold *fold, int64_t id)
{
	struct fold_batch *batch = fold->open;

	if (batch && batch->id == id)
		return batch;
	fold->batches++;
	if (!batch) {
		fold->open = fold_batch_new(id, fold->rules_room);
		return fold->open;
	}
	batch->id = id;
	batch->hour = FACT_UNKNOWN;
	for (size_t i = 0; i < METRIC_COUNT; i++)
		batch->max[i] = batch->hour_max[i] = FACT_UNKNOWN;
	if (batch->room > 0) {
		memset(batch->rules, 0, batch->room * sizeof *batch->rules);
		memset(batch->hour_rules, 0, batch->room * sizeof *batch->hour_rules);
	}
	return batch;
}

bool fold_batch_add(
	struct flow_fold *fold, const struct stored_event *event, struct fold_rolls *rolls)
{
	int64_t metrics[METRIC_COUNT];
	struct fold_batch *alone;

	if (event->type != EVENT_FLOW_PROGRESS)
		return true;
	metrics_of(event, metrics);
	if (!reports(event, metrics))
		return true;
	if (event->batch_id != FACT_UNKNOWN) {
		if (fold->open && (event->batch_id < fold->open->id ||
					  (event->batch_id == fold->open->id &&
						  hour_of(event) < fold->open->hour)))
			return false;
		add_event(fold, open_batch(fold, event->batch_id), event, metrics, rolls);
		return true;
	}
	/* without a number it is a micro-batch of its own; all its rules get a place first */
	for (size_t i = 0, at = SIZE_MAX; i < event->nrules; i++)
		at = rule_place(fold, &event->rules[i], at + 1);
	alone = fold_batch_new(FACT_UNKNOWN, event->nrules > 0 ? fold->rules_room : 0);
	fold->batches++;
	add_event(fold, alone, event, metrics, rolls);
	fold_batch_free(alone);
	return true;
}
