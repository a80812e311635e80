/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "store/reader_internal.h"

/*
 * The rules of the datasets that are shown: of each update only the flows that write one of them are
 * decoded whole.
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

		for (size_t r = 0; row && r < flow->nrules; r++)
			quality_add_rule(arena, row, &flow->rules[r]);
	}
	flows_free(&flows);
	for (size_t i = 0; i < n; i++)
		rows[i]->has_rules = true;
	return true;
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
	if (nwanted > 0)
		qsort(wanted, nwanted, sizeof *wanted, by_update);
	for (size_t i = 0, end; i < nwanted; i = end) {
		for (end = i; end < nwanted && wanted[end]->upd == wanted[i]->upd;)
			end++;
		if (!load_update(reader, arena, wanted + i, end - i, err))
			return false;
	}
	return true;
}
