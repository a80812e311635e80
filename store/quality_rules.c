/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "store/reader_internal.h"

/*
 * The rules of the datasets that are shown: only flows that write one of them are decoded whole.
 */
static int by_update(const void *left, const void *right)
{
	const struct quality *a = *(struct quality *const *)left;
	const struct quality *b = *(struct quality *const *)right;

	if (a->upd != b->upd)
		return a->upd < b->upd ? -1 : 1;
	return (a->dataset > b->dataset) - (a->dataset < b->dataset);
}

static struct quality *row_of(struct quality **rows, size_t n, int64_t dataset)
{
	for (size_t i = 0; i < n; i++) {
		if (rows[i]->dataset == dataset)
			return rows[i];
	}
	return NULL;
}

static void add_rules(struct arena *arena, struct quality *row, const struct flow_fold *flow)
{
	for (size_t i = 0; i < flow->nrules; i++)
		quality_add_rule(arena, row, &flow->rules[i]);
}

/* rows: of one update, by dataset */
static bool load_update(struct reader *reader, struct arena *arena, struct quality **rows, size_t n,
	struct err *err)
{
	struct ids datasets = { 0 };
	struct flows flows;

	for (size_t i = 0; i < n; i++)
		ids_add(&datasets, arena, rows[i]->dataset);
	if (!flows_load(reader, rows[0]->upd, &datasets, &flows, err))
		return false;
	for (size_t i = 0; i < flows.n; i++) {
		const struct flow_fold *flow = &flows.folds[i];
		struct quality *row = row_of(rows, n, flow->dataset);

		if (row)
			add_rules(arena, row, flow);
	}
	flows_free(&flows);
	for (size_t i = 0; i < n; i++)
		rows[i]->has_rules = true;
	return true;
}

/* Without later facts a flow's row tells, whatever else the update did. */
static bool load_row(
	struct reader *reader, struct arena *arena, struct quality *row, struct err *err)
{
	bool ok = true;

	for (size_t i = 0; ok && i < row->flows.n; i++) {
		struct flow_fold flow;

		ok = flow_load(reader, row->upd, row->flows.ids[i], &flow, err);
		if (ok)
			add_rules(arena, row, &flow);
		flow_fold_done(&flow);
	}
	row->has_rules = true;
	return ok;
}

bool quality_load_rules(struct reader *reader, struct arena *arena, struct quality **rows, size_t n,
	struct err *err)
{
	struct quality **wanted = ARENA_ARRAY(arena, struct quality *, n + 1);
	size_t nwanted = 0;

	for (size_t i = 0; i < n; i++) {
		if (!rows[i]->has_rules)
			wanted[nwanted++] = rows[i];
	}
	if (nwanted > 0) /* as they lie in the store */
		qsort(wanted, nwanted, sizeof *wanted, by_update);
	for (size_t i = 0; i < nwanted && reader->n == reader->newest; i++) {
		if (!load_row(reader, arena, wanted[i], err))
			return false;
	}
	if (reader->n == reader->newest)
		return true;
	for (size_t i = 0, end; i < nwanted; i = end) {
		for (end = i; end < nwanted && wanted[end]->upd == wanted[i]->upd;)
			end++;
		if (!load_update(reader, arena, wanted + i, end - i, err))
			return false;
	}
	return true;
}
