/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "store/reader_internal.h"

enum { QUALITY_MAX = 1000, TRENDS_ROWS_MAX = 250 };

/* Rows that are missing, then rules that fail where rows are not known, then rules alone. */
static int rank(const struct quality *row)
{
	if (!row->reported)
		return 4;
	if (row->input > 0 && row->published < row->input)
		return 0;
	if (!row->failing)
		return 3;
	return row->input == FACT_UNKNOWN ? 1 : 2;
}

struct place { /* of a row in the list */
	struct quality *row;
	size_t at;
	int rank;
	double share;
};

static int worst_first(const void *left, const void *right)
{
	const struct place *a = left, *b = right;
	int order;

	if (a->rank != b->rank)
		return a->rank - b->rank;
	if (a->share < b->share || a->share > b->share)
		return a->share < b->share ? -1 : 1;
	order = text_cmp(a->row->name, b->row->name);
	if (order != 0)
		return order;
	return (a->row->pipeline > b->row->pipeline) - (a->row->pipeline < b->row->pipeline);
}

/* The first n of them, in an array in the arena. */
static struct quality **rows_in_order(struct arena *arena, const struct qualities *all, size_t n)
{
	struct place *places = ARENA_ARRAY(arena, struct place, all->n);
	struct quality **rows = ARENA_ARRAY(arena, struct quality *, n);

	for (size_t i = 0; i < all->n; i++) {
		struct quality *row = &all->rows[i];

		places[i] = (struct place){ .row = row, .rank = rank(row) };
		if (places[i].rank == 0)
			places[i].share = (double)row->published / (double)row->input;
	}
	qsort(places, all->n, sizeof *places, worst_first);
	for (size_t i = 0; i < n; i++)
		rows[i] = places[i].row;
	return rows;
}

struct sums { /* of one hour */
	int64_t a, b, na, nb;
};

static double share(const struct sums *sums)
{
	double all = (double)sums->a + (double)sums->b;

	return sums->na > 0 && sums->nb > 0 && all > 0 ? (double)sums->a / all : (double)NAN;
}

static void add_sums(struct sums *sums, const struct fold_roll *roll)
{
	sums->a = fold_sum(sums->a, roll->a);
	sums->b = fold_sum(sums->b, roll->b);
	sums->na += roll->na;
	sums->nb += roll->nb;
}

/* Of one dataset or flow: its rows into rows[hour], its rules into rules[hour][rule]. */
static bool add_trends(struct trends *trends, const struct quality *row, int64_t key,
	struct sums *rows, struct sums *rules, struct err *err)
{
	const struct fold_rolls *rolls;

	if (!trends_of(trends, key, &rolls, err))
		return false;
	for (size_t i = 0; i < rolls->n; i++) {
		const struct fold_roll *roll = &rolls->rows[i];

		if (roll->rule == 0 && rows)
			add_sums(&rows[roll->hour], roll);
		for (size_t r = 0; r < row->nrules && rules && roll->rule != 0; r++) {
			if (row->rules[r].name == roll->rule)
				add_sums(&rules[(size_t)roll->hour * row->nrules + r], roll);
		}
	}
	return true;
}

static bool fill_trends(struct trends *trends, struct arena *scratch, const struct quality *row,
	struct quality_row *out, struct err *err)
{
	struct sums rows[TREND_MAX] = { 0 }, aside[TREND_MAX] = { 0 };
	struct sums *rules;

	arena_reset(scratch);
	rules = ARENA_ARRAY(scratch, struct sums, TREND_MAX * row->nrules + 1);
	for (size_t i = 0; i < row->keys.n; i++) {
		bool writes = ids_has(&row->flows, row->keys.ids[i]);

		if (!add_trends(trends, row, row->keys.ids[i], writes ? rows : NULL, rules, err))
			return false;
	}
	for (size_t i = 0; i < row->aside.n; i++) {
		if (!add_trends(trends, row, row->aside.ids[i], aside, NULL, err))
			return false;
	}
	for (size_t hour = 0; hour < TREND_MAX; hour++) {
		if (row->by_table) { /* what its table took stands for what was dropped */
			rows[hour].b = aside[hour].a;
			rows[hour].nb = aside[hour].na;
		}
		out->trend[hour] = share(&rows[hour]);
		for (size_t r = 0; r < row->nrules; r++)
			out->rules[r].trend[hour] = share(&rules[hour * row->nrules + r]);
	}
	return true;
}

static void no_trends(struct quality_row *out)
{
	for (size_t hour = 0; hour < TREND_MAX; hour++) {
		out->trend[hour] = (double)NAN;
		for (size_t r = 0; r < out->nrules; r++)
			out->rules[r].trend[hour] = (double)NAN;
	}
}

static double pass_rate(const struct rule_row *rule)
{
	double all;

	if (rule->passed == FACT_UNKNOWN || rule->failed == FACT_UNKNOWN)
		return 2;
	all = (double)rule->passed + (double)rule->failed;
	return all > 0 ? (double)rule->passed / all : 2;
}

static int rule_worst_first(const void *left, const void *right)
{
	const struct rule_row *a = left, *b = right;
	double rate_a = pass_rate(a), rate_b = pass_rate(b);

	if (rate_a < rate_b || rate_a > rate_b)
		return rate_a < rate_b ? -1 : 1;
	return text_cmp(a->name, b->name);
}

static bool fill_row(struct names *names, struct trends *trends, struct arena *scratch,
	const struct quality *row, struct quality_row *out, struct err *err)
{
	*out = (struct quality_row){
		.dataset = arena_text(names->arena, row->name),
		.reported_at_ms = row->reported_at_ms,
		.input = row->input,
		.published = row->published,
		.quarantined = row->quarantined,
		.nrules = row->nrules,
		.sum_failures = FACT_UNKNOWN,
		.dropped = row->dropped,
		.quarantined_by_table = row->by_table,
		.is_open = row->is_open,
		.rules = ARENA_ARRAY(names->arena, struct rule_row, row->nrules + 1),
	};
	if (!names_text(names, row->pipeline, &out->pipeline_id, err) ||
		!names_pipeline(names, row->pipeline, &out->pipeline, err) ||
		!names_text(names, row->upd, &out->update_id, err))
		return false;
	for (size_t i = 0; i < row->nrules; i++) {
		const struct quality_rule *rule = &row->rules[i];

		out->rules[i] = (struct rule_row){
			.action = rule->action,
			.passed = rule->passed,
			.failed = rule->failed,
			.batches = rule->batches,
			.disputed = rule->disputed,
		};
		out->sum_failures = fold_sum(out->sum_failures, rule->failed);
		if (!names_text(names, rule->name, &out->rules[i].name, err))
			return false;
	}
	if (!trends)
		no_trends(out);
	else if (!fill_trends(trends, scratch, row, out, err))
		return false;
	if (out->nrules > 0)
		qsort(out->rules, out->nrules, sizeof *out->rules, rule_worst_first);
	return true;
}

static int by_dataset(const void *left, const void *right)
{
	const struct place *a = left, *b = right;

	return (a->row->dataset > b->row->dataset) - (a->row->dataset < b->row->dataset);
}

/* Trends are read in the order in which the store has them. */
static bool fill_rows(
	struct names *names, struct quality *const *rows, struct quality_rows *out, struct err *err)
{
	struct arena scratch = { 0 };
	struct trends trends;
	struct place *order;
	bool ok;

	if (!trends_begin(&trends, names->reader, err))
		return false;
	order = NEW_ARRAY(struct place, out->n);
	for (size_t i = 0; i < out->n; i++)
		order[i] = (struct place){ .row = rows[i], .at = i };
	qsort(order, out->n, sizeof *order, by_dataset);
	ok = true;
	for (size_t i = 0; ok && i < out->n; i++) {
		size_t at = order[i].at;

		ok = fill_row(names, at < TRENDS_ROWS_MAX ? &trends : NULL, &scratch, rows[at],
			&out->rows[at], err);
	}
	free(order);
	trends_end(&trends);
	arena_free(&scratch);
	return ok;
}

bool quality_list(struct reader *reader, struct arena *arena, struct text dataset,
	struct text pipeline, struct quality_rows *out, struct err *err)
{
	struct names names = names_of(reader, arena);
	struct arena work = { 0 }; /* what is gathered of datasets that are not shown goes at once */
	struct names gathered = names_of(reader, &work);
	struct qualities all = { 0 };
	struct quality_rows rows = { 0 };
	struct ids pipelines = { 0 };
	bool ok = true;

	if (pipeline.bytes)
		ok = pipelines_named(&gathered, pipeline, &pipelines, err);
	ok = ok && quality_gather(
			   &gathered, pipeline.bytes ? &pipelines : NULL, dataset, &all, err);
	if (ok && all.n > 0) {
		struct quality **shown;

		rows.n = all.n < QUALITY_MAX ? all.n : QUALITY_MAX;
		rows.more = all.n > QUALITY_MAX;
		rows.rows = ARENA_ARRAY(arena, struct quality_row, rows.n);
		shown = rows_in_order(&work, &all, rows.n);
		ok = quality_load_rules(reader, &work, shown, rows.n, err) &&
			fill_rows(&names, shown, &rows, err) &&
			witness_fill(&names, shown, &rows, err);
	}
	free(all.rows);
	arena_free(&work);
	if (ok)
		*out = rows;
	return ok;
}
