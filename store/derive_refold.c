/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/mem.h"
#include "store/derive_entry.h"

enum { GROUP_EVENTS_MAX = 200000 }; /* kept in memory at once, about */

void derive_add_rolls(struct derive *derive, const struct fold_rolls *from, bool negative)
{
	struct fold_rolls *to = &derive->rolls;

	if (to->n + from->n > to->room) {
		to->room = (to->n + from->n) * 2;
		to->rows = mem_resize(to->rows, to->room, sizeof *to->rows);
	}
	for (size_t i = 0; i < from->n; i++) {
		struct fold_roll roll = from->rows[i];

		if (negative) {
			roll.a = (int64_t)(0 - (uint64_t)roll.a);
			roll.b = (int64_t)(0 - (uint64_t)roll.b);
			roll.na = -roll.na;
			roll.nb = -roll.nb;
		}
		to->rows[to->n++] = roll;
	}
}

/*
 * Refolding. A stale flow is folded from its facts, and the rollup gets the difference to what the
 * facts before this batch had come to. Facts are found by time only, so stale updates are taken in
 * groups, by time: one pass over the events between a group's first and last for all of them.
 */
struct found {
	int64_t upd, flow;
	const struct stored_event *event;
};

struct group {
	struct run_entry **runs;
	size_t nruns;
	int64_t first_k, last_k;
	struct arena arena, scratch; /* of what was found; of the row looked at */
	struct found *found;
	size_t n, room;
};

static bool stale_span(const struct run_entry *run, int64_t *first_k, int64_t *last_k,
	int64_t *events)
{
	*first_k = INT64_MAX;
	*last_k = -1;
	*events = 0;
	for (size_t i = 0; i < run->nflows; i++) {
		const struct flow_entry *flow = run->flows[i];

		if (!flow->stale)
			continue;
		*first_k = flow->first_k < *first_k ? flow->first_k : *first_k;
		*last_k = flow->last_k > *last_k ? flow->last_k : *last_k;
		*events += flow->fold.events;
	}
	return *last_k >= 0;
}

static int by_first_k(const void *left, const void *right)
{
	int64_t a, b, last, events;

	(void)stale_span(*(struct run_entry *const *)left, &a, &last, &events);
	(void)stale_span(*(struct run_entry *const *)right, &b, &last, &events);
	return (a > b) - (a < b);
}

static int by_flow(const void *left, const void *right)
{
	const struct found *a = left, *b = right;

	if (a->upd != b->upd)
		return a->upd < b->upd ? -1 : 1;
	if (a->flow != b->flow)
		return a->flow < b->flow ? -1 : 1;
	return (a->event->k > b->event->k) - (a->event->k < b->event->k);
}

/* Takes the row the statement stands on if it is of a stale flow. */
static bool take_row(struct derive *derive, struct group *group, struct err *err)
{
	int64_t upd = sql_id(derive->facts, EVENT_UPD_COLUMN), flow_id;
	const struct flow_entry *flow;
	struct stored_event looked_at, *event;

	if (upd == 0 || !derive_find(derive, upd, 0))
		return true;
	arena_reset(&group->scratch);
	if (!event_of_row(derive->facts, &group->scratch, &looked_at, err))
		return false;
	flow_id = fold_flow_of(&looked_at);
	if (flow_id == 0)
		return true;
	flow = derive_find(derive, upd, flow_id);
	if (!flow || !flow->stale)
		return true;
	event = ARENA_NEW(&group->arena, struct stored_event);
	if (!event_of_row(derive->facts, &group->arena, event, err))
		return false;
	if (group->n == group->room) {
		group->room = group->room ? group->room * 2 : 256;
		group->found = mem_resize(group->found, group->room, sizeof *group->found);
	}
	group->found[group->n++] = (struct found){ upd, flow_id, event };
	return true;
}

static bool load_facts(struct derive *derive, struct group *group, struct err *err)
{
	bool row;

	sqlite3_bind_int64(derive->facts, 1, group->first_k);
	sqlite3_bind_int64(derive->facts, 2, group->last_k);
	for (;;) {
		if (!sql_step(derive->facts, &row, err))
			return false;
		if (!row)
			break;
		if (!take_row(derive, group, err)) {
			sqlite3_reset(derive->facts);
			return false;
		}
	}
	if (group->n > 0)
		qsort(group->found, group->n, sizeof *group->found, by_flow);
	return true;
}

static void refold(
	struct derive *derive, struct flow_entry *flow, const struct group *group, int64_t n)
{
	const struct stored_event **mine;
	int64_t upd = flow->fold.upd, id = flow->fold.flow;
	struct fold_rolls before = { 0 }, after = { 0 };
	size_t from = 0, end = group->n, count = 0;
	struct flow_fold old;

	while (from < end) {
		size_t middle = from + (end - from) / 2;
		const struct found *found = &group->found[middle];

		if (found->upd < upd || (found->upd == upd && found->flow < id))
			from = middle + 1;
		else
			end = middle;
	}
	while (end < group->n && group->found[end].upd == upd && group->found[end].flow == id)
		end++;
	mine = NEW_ARRAY(const struct stored_event *, end - from + 1);
	for (size_t i = from; i < end; i++) {
		if (group->found[i].event->batch < n)
			mine[count++] = group->found[i].event;
	}
	flow_fold_init(&old, upd, id);
	flow_fold_facts(&old, mine, count, &before);
	flow_fold_done(&old);
	for (size_t i = from; i < end; i++) {
		if (group->found[i].event->batch >= n)
			mine[count++] = group->found[i].event;
	}
	flow_fold_done(&flow->fold);
	flow_fold_init(&flow->fold, upd, id);
	flow_fold_facts(&flow->fold, mine, count, &after);
	derive_add_rolls(derive, &before, true);
	derive_add_rolls(derive, &after, false);
	fold_rolls_done(&before);
	fold_rolls_done(&after);
	free(mine);
	flow->stale = false;
}

static bool refold_group(struct derive *derive, struct group *group, int64_t n, struct err *err)
{
	bool ok = load_facts(derive, group, err);

	for (size_t i = 0; ok && i < group->nruns; i++) {
		struct run_entry *run = group->runs[i];

		for (size_t f = 0; f < run->nflows; f++) {
			if (run->flows[f]->stale)
				refold(derive, run->flows[f], group, n);
		}
	}
	free(group->found);
	arena_free(&group->scratch);
	arena_free(&group->arena);
	return ok;
}

bool derive_refold(struct derive *derive, int64_t n, struct err *err)
{
	struct run_entry **stale = NEW_ARRAY(struct run_entry *, derive->nruns + 1);
	int64_t first_k, last_k, events;
	size_t nstale = 0;
	bool ok = true;

	for (size_t i = 0; i < derive->nruns; i++) {
		if (derive->runs[i]->dirty &&
			stale_span(derive->runs[i], &first_k, &last_k, &events))
			stale[nstale++] = derive->runs[i];
	}
	if (nstale > 0)
		qsort(stale, nstale, sizeof(struct run_entry *), by_first_k);
	for (size_t i = 0; ok && i < nstale;) {
		struct group group = { .runs = stale + i, .first_k = INT64_MAX };
		int64_t sum = 0;

		do {
			(void)stale_span(stale[i++], &first_k, &last_k, &events);
			sum += events;
			group.nruns++;
			group.first_k = first_k < group.first_k ? first_k : group.first_k;
			group.last_k = last_k > group.last_k ? last_k : group.last_k;
		} while (i < nstale && sum < GROUP_EVENTS_MAX);
		ok = refold_group(derive, &group, n, err);
	}
	free(stale);
	return ok;
}
