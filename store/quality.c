/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/reader_internal.h"

/*
 * What is known of the quality of every dataset: for each (pipeline, dataset) the newest update that
 * reported any. First the updates that may be the one are found through the indexes, then each is
 * looked at once, newest first.
 */
enum { OPEN_RUNS_MAX = 3, STEM_MIN = 3 };

struct candidate {
	int64_t upd, pipeline, created_k;
};
struct candidates {
	struct candidate *rows;
	size_t n, room;
};

static void add_candidate(struct candidates *list, int64_t upd)
{
	if (list->n == list->room) {
		list->room = list->room ? list->room * 2 : 64;
		list->rows = mem_resize(list->rows, list->room, sizeof *list->rows);
	}
	list->rows[list->n++] = (struct candidate){ .upd = upd };
}

/* Without later facts the index alone tells. */
static bool candidate_now(struct reader *reader, int64_t dataset, struct candidates *list,
	bool *found_out, struct err *err)
{
	sqlite3_stmt *stmt;

	if (!reader_query(reader, Q_DATASET_QUALITY_NOW, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, dataset);
	if (!sql_step(stmt, found_out, err))
		return false;
	if (*found_out)
		add_candidate(list, sqlite3_column_int64(stmt, 0));
	sqlite3_reset(stmt);
	return true;
}

/* Rows with later facts may not have reported anything yet: then the next older one counts too. */
static bool candidates_of_dataset(struct reader *reader, enum query query, int64_t dataset,
	struct candidates *list, bool *found_out, struct err *err)
{
	sqlite3_stmt *stmt;
	bool row, ok, sure = false;

	if (!reader_query(reader, query, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, dataset);
	sqlite3_bind_int64(stmt, 2, reader->n);
	while (!sure && (ok = sql_step(stmt, &row, err)) && row) {
		add_candidate(list, sqlite3_column_int64(stmt, 0));
		sure = sqlite3_column_int64(stmt, 1) <= reader->n;
	}
	sqlite3_reset(stmt);
	*found_out = sure;
	return sure || ok;
}

static bool dataset_fits(struct text name, struct text wanted)
{
	return !wanted.bytes || text_eq(name, wanted) ||
		(name.len > wanted.len && name.bytes[name.len - wanted.len - 1] == '.' &&
			text_ends(name, wanted));
}

static bool candidates_by_dataset(
	struct names *names, struct text wanted, struct candidates *list, struct err *err)
{
	struct reader *reader = names->reader;
	sqlite3_stmt *stmt;
	struct text name;
	int64_t dataset = INT64_MIN;
	bool row, found;

	for (;;) {
		if (!reader_query(reader, Q_DATASET_NEXT, &stmt, err))
			return false;
		sqlite3_bind_int64(stmt, 1, dataset);
		if (!sql_step(stmt, &row, err))
			return false;
		if (!row)
			return true;
		dataset = sqlite3_column_int64(stmt, 0);
		sqlite3_reset(stmt);
		if (wanted.bytes && !names_text(names, dataset, &name, err))
			return false;
		if (wanted.bytes && !dataset_fits(name, wanted))
			continue;
		if (reader->n == reader->newest
				? !candidate_now(reader, dataset, list, &found, err)
				: !candidates_of_dataset(
					  reader, Q_DATASET_QUALITY, dataset, list, &found, err))
			return false;
		if (!found &&
			!candidates_of_dataset(
				reader, Q_DATASET_NEWEST, dataset, list, &found, err))
			return false;
	}
}

/*
 * Of pipelines that write datasets of one name, each has its own newest update; one that still runs
 * may have nothing to tell yet.
 */
static bool candidates_of_pipeline(
	struct reader *reader, int64_t pipeline, struct candidates *list, struct err *err)
{
	sqlite3_stmt *stmt;
	struct run run;
	int n = 0;
	bool row, ok = true, final = false;

	if (!reader_query(reader, Q_RUNS_OF_PIPELINE, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, pipeline);
	sqlite3_bind_int64(stmt, 2, INT64_MAX);
	sqlite3_bind_int64(stmt, 3, reader->n);
	while (!final && n < OPEN_RUNS_MAX && (ok = sql_step(stmt, &row, err)) && row) {
		if (!(ok = run_of_row(reader, stmt, &run, err)))
			break;
		if (!run.visible || !run_is_data(&run))
			continue;
		add_candidate(list, run.upd);
		final = run_state_is_final(run.fold.state);
		n++;
	}
	sqlite3_reset(stmt);
	return ok;
}

static int by_upd(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;

	return (a->upd > b->upd) - (a->upd < b->upd);
}

static int newest_first(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;

	if (a->created_k != b->created_k)
		return a->created_k > b->created_k ? -1 : 1;
	return (a->upd < b->upd) - (a->upd > b->upd);
}

static bool has_id(const struct ids *ids, int64_t id)
{
	for (size_t i = 0; i < ids->n; i++) {
		if (ids->ids[i] == id)
			return true;
	}
	return false;
}

/* Each update once, those of wanted pipelines, newest first. */
static bool candidates_order(struct reader *reader, const struct ids *pipelines,
	struct candidates *list, struct err *err)
{
	size_t n = 0;

	if (list->n == 0)
		return true;
	qsort(list->rows, list->n, sizeof *list->rows, by_upd);
	for (size_t i = 0; i < list->n; i++) {
		struct candidate candidate = list->rows[i];
		struct run run;

		if (n > 0 && list->rows[n - 1].upd == candidate.upd)
			continue;
		if (!run_load(reader, candidate.upd, &run, err))
			return false;
		candidate.pipeline = run.fold.pipeline;
		candidate.created_k = run.created_k;
		if (!run.visible || (pipelines && !has_id(pipelines, candidate.pipeline)))
			candidate.pipeline = -1;
		list->rows[n++] = candidate;
	}
	list->n = n;
	qsort(list->rows, list->n, sizeof *list->rows, newest_first);
	return true;
}

/* ---- one update ---- */

struct look { /* at one update: its datasets so far */
	struct names *names;
	struct candidate of;
	struct quality *rows;
	size_t n, room;
};

static struct quality *row_of(struct look *look, int64_t dataset)
{
	for (size_t i = 0; i < look->n; i++) {
		if (look->rows[i].dataset == dataset)
			return &look->rows[i];
	}
	return NULL;
}

static bool row_add(struct look *look, int64_t dataset, struct quality **out, struct err *err)
{
	struct quality *row = row_of(look, dataset);

	if (!row) {
		if (look->n == look->room) {
			look->room = look->room ? look->room * 2 : 32;
			look->rows = mem_resize(look->rows, look->room, sizeof *look->rows);
		}
		row = &look->rows[look->n];
		*row = (struct quality){
			.pipeline = look->of.pipeline,
			.dataset = dataset,
			.upd = look->of.upd,
			.created_k = look->of.created_k,
			.reported_at_ms = TIME_UNKNOWN,
			.published = FACT_UNKNOWN,
			.dropped = FACT_UNKNOWN,
			.quarantined = FACT_UNKNOWN,
			.input = FACT_UNKNOWN,
		};
		if (!names_text(look->names, dataset, &row->name, err))
			return false;
		ids_add(&row->keys, look->names->arena, dataset);
		look->n++;
	}
	*out = row;
	return true;
}

static void key_add(struct look *look, struct ids *keys, int64_t key)
{
	if (key != 0 && !has_id(keys, key))
		ids_add(keys, look->names->arena, key);
}

static struct text base_name(struct text name)
{
	for (size_t i = name.len; i > 0; i--) {
		if (name.bytes[i - 1] == '.')
			return text_sub(name, i, name.len);
	}
	return name;
}

/* Names come bare or qualified, even inside one pipeline. */
static bool same_dataset(struct text a, struct text b)
{
	struct text base_a = base_name(a), base_b = base_name(b);

	if (base_a.len != a.len && base_b.len != b.len)
		return text_eq(a, b);
	return text_eq(base_a, base_b);
}

static void rule_add(struct look *look, struct quality *row, const struct flow_rule *rule)
{
	struct quality_rule *sum = NULL;

	for (size_t i = 0; i < row->nrules && !sum; i++) {
		if (row->rules[i].name == rule->name)
			sum = &row->rules[i];
	}
	if (!sum) {
		if (row->nrules == row->rules_room) {
			struct quality_rule *old = row->rules;

			row->rules_room = row->rules_room ? row->rules_room * 2 : 4;
			row->rules = ARENA_ARRAY(
				look->names->arena, struct quality_rule, row->rules_room);
			if (row->nrules > 0)
				memcpy(row->rules, old, row->nrules * sizeof *old);
		}
		sum = &row->rules[row->nrules++];
		*sum = (struct quality_rule){
			.name = rule->name, .passed = FACT_UNKNOWN, .failed = FACT_UNKNOWN };
	}
	if (rule->action > sum->action)
		sum->action = rule->action;
	sum->passed = fold_sum(sum->passed, rule->passed);
	sum->failed = fold_sum(sum->failed, rule->failed);
	sum->batches += rule->batches;
	sum->disputed = sum->disputed || rule->disputed;
}

/* A rule that looks at something the flow does not write: another dataset, or a view. */
static bool rule_row(struct look *look, int64_t written, const struct flow_rule *rule,
	struct quality **out, struct err *err)
{
	struct text name;

	if (rule->dataset == 0 || rule->dataset == written) {
		*out = row_of(look, written);
		return true;
	}
	if (!names_text(look->names, rule->dataset, &name, err))
		return false;
	*out = row_of(look, written);
	if (same_dataset((*out)->name, name))
		return true;
	for (size_t i = 0; i < look->n; i++) {
		*out = &look->rows[i];
		if ((*out)->dataset == rule->dataset || same_dataset((*out)->name, name))
			return true;
	}
	return row_add(look, rule->dataset, out, err);
}

static void report(struct quality *row, const struct flow_fold *flow)
{
	if (flow->quality_k == 0)
		return;
	row->reported = true;
	if (event_k_ms(flow->quality_k) > row->reported_at_ms)
		row->reported_at_ms = event_k_ms(flow->quality_k);
}

static bool look_at_flows(struct look *look, const struct flows *flows, struct err *err)
{
	struct quality *row;

	for (size_t i = 0; i < flows->n; i++) {
		const struct flow_fold *flow = &flows->folds[i];

		if (!row_add(look, flow->dataset, &row, err))
			return false;
		row->written_here = true;
		row->published = fold_sum(row->published, flow_fold_written(flow));
		row->dropped = fold_sum(row->dropped, flow->dropped);
		key_add(look, &row->keys, flow->flow);
		key_add(look, &row->flows, flow->flow);
		report(row, flow);
	}
	for (size_t i = 0; i < flows->n; i++) {
		const struct flow_fold *flow = &flows->folds[i];

		for (size_t r = 0; r < flow->nrules; r++) {
			if (!rule_row(look, flow->dataset, &flow->rules[r], &row, err))
				return false;
			key_add(look, &row->keys, flow->rules[r].dataset);
			report(row, flow);
			rule_add(look, row, &flow->rules[r]);
		}
	}
	return true;
}

/* "collateral" of main.fire.collateral_silver */
static struct text stem_of(struct text name)
{
	static const char *const layers[] = { "_bronze", "_silver", "_gold", "_raw", "_clean",
		"_cleaned", "_staging" };
	struct text base = base_name(name);

	for (size_t i = 0; i < ARRAY_LEN(layers); i++) {
		struct text layer = text_of(layers[i]);

		if (base.len >= layer.len + STEM_MIN && text_ends(base, layer))
			return text_sub(base, 0, base.len - layer.len);
	}
	return base;
}

static bool is_quarantine(struct text name)
{
	return text_contains_fold(base_name(name), TEXT("quarantine"));
}

/*
 * Whose quarantine a table is: of the dataset whose whole name it holds, else of the one dataset
 * with rules whose stem it holds; of none when several could be meant.
 */
static struct quality *owner_of(struct look *look, const struct quality *table)
{
	struct text base = base_name(table->name);
	struct quality *owner = NULL;
	bool whole = false;
	size_t n = 0;

	for (size_t i = 0; i < look->n; i++) {
		struct quality *row = &look->rows[i];
		struct text name = base_name(row->name), stem = stem_of(row->name);
		bool holds = text_contains_fold(base, name);

		if (row == table || !row->reported || !row->written_here ||
			is_quarantine(row->name) || stem.len < STEM_MIN ||
			!text_contains_fold(base, stem) || (whole && !holds))
			continue;
		if (holds && !whole) {
			whole = true;
			n = 0;
		}
		owner = row;
		n++;
	}
	return n == 1 ? owner : NULL;
}

static void look_at_quarantine(struct look *look)
{
	for (size_t i = 0; i < look->n; i++) {
		struct quality *table = &look->rows[i], *owner;

		if (!table->written_here || !is_quarantine(table->name))
			continue;
		owner = owner_of(look, table);
		if (!owner || owner->dropped != FACT_UNKNOWN)
			continue;
		owner->by_table = true;
		owner->quarantined = fold_sum(owner->quarantined, table->published);
		for (size_t k = 0; k < table->flows.n; k++)
			key_add(look, &owner->aside, table->flows.ids[k]);
	}
	for (size_t i = 0; i < look->n; i++) {
		struct quality *row = &look->rows[i];

		if (!row->by_table)
			row->quarantined = row->dropped;
		if (row->published != FACT_UNKNOWN && row->quarantined != FACT_UNKNOWN)
			row->input = fold_sum(row->published, row->quarantined);
	}
}

/* ---- all of them ---- */

struct index { /* (pipeline, dataset) to a row */
	size_t *slots; /* row + 1; 0 = free */
	size_t room;
};

static size_t index_at(
	const struct index *index, const struct qualities *all, int64_t pipeline, int64_t dataset)
{
	uint64_t hash = ((uint64_t)pipeline * 31 + (uint64_t)dataset) * UINT64_C(0x9e3779b97f4a7c15);
	size_t at = (size_t)(hash >> 24) & (index->room - 1);

	while (index->slots[at] != 0 && (all->rows[index->slots[at] - 1].pipeline != pipeline ||
						all->rows[index->slots[at] - 1].dataset != dataset))
		at = (at + 1) & (index->room - 1);
	return at;
}

static void index_grow(struct index *index, const struct qualities *all)
{
	if (all->n * 2 < index->room)
		return;
	free(index->slots);
	index->room = index->room ? index->room * 2 : 256;
	index->slots = NEW_ARRAY(size_t, index->room);
	for (size_t i = 0; i < all->n; i++)
		index->slots[index_at(index, all, all->rows[i].pipeline, all->rows[i].dataset)] =
			i + 1;
}

/* The newest that reported wins; one that reported nothing holds the place until then. */
static void keep(struct qualities *all, struct index *index, const struct quality *row)
{
	size_t at;

	index_grow(index, all);
	at = index_at(index, all, row->pipeline, row->dataset);
	if (index->slots[at] != 0) {
		struct quality *held = &all->rows[index->slots[at] - 1];

		if (!held->reported && row->reported)
			*held = *row;
		return;
	}
	if (all->n == all->room) {
		all->room = all->room ? all->room * 2 : 64;
		all->rows = mem_resize(all->rows, all->room, sizeof *all->rows);
	}
	all->rows[all->n++] = *row;
	index->slots[at] = all->n;
}

static bool look_at_update(
	struct look *look, const struct candidate *candidate, struct err *err)
{
	struct flows flows = { 0 };
	bool ok;

	look->of = *candidate;
	look->n = 0;
	ok = flows_load(look->names->reader, candidate->upd, &flows, err) &&
		look_at_flows(look, &flows, err);
	flows_free(&flows);
	if (ok)
		look_at_quarantine(look);
	return ok;
}

bool quality_of_update(
	struct names *names, const struct run *run, struct qualities *out, struct err *err)
{
	struct candidate candidate = { run->upd, run->fold.pipeline, run->created_k };
	struct look look = { .names = names };
	bool ok = look_at_update(&look, &candidate, err);

	*out = (struct qualities){ look.rows, look.n, look.room };
	return ok;
}

static bool look_at_updates(struct names *names, struct text dataset,
	const struct candidates *list, struct qualities *all, struct err *err)
{
	struct index index = { 0 };
	struct look look = { .names = names };
	bool ok = true;

	for (size_t i = 0; ok && i < list->n; i++) {
		if (list->rows[i].pipeline < 0)
			continue;
		ok = look_at_update(&look, &list->rows[i], err);
		if (!ok)
			break;
		for (size_t r = 0; r < look.n; r++) {
			if (dataset_fits(look.rows[r].name, dataset))
				keep(all, &index, &look.rows[r]);
		}
	}
	free(look.rows);
	free(index.slots);
	return ok;
}

bool quality_gather(struct names *names, const struct ids *pipelines, struct text dataset,
	struct qualities *out, struct err *err)
{
	struct candidates list = { 0 };
	struct ids all = { 0 };
	bool ok = candidates_by_dataset(names, dataset, &list, err);

	if (ok && !pipelines) {
		ok = pipelines_all(names, &all, err);
	} else if (ok) {
		all = *pipelines;
	}
	for (size_t i = 0; ok && i < all.n; i++)
		ok = candidates_of_pipeline(names->reader, all.ids[i], &list, err);
	ok = ok && candidates_order(names->reader, pipelines, &list, err) &&
		look_at_updates(names, dataset, &list, out, err);
	free(list.rows);
	return ok;
}
