/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/reader_internal.h"

/*
 * What is known of the quality of every dataset: for each (pipeline, dataset) the newest update that
 * reported any.
 */
enum { STEM_MIN = 3 };

struct look { /* at one update: its datasets so far */
	struct names *names;
	struct candidate of;
	struct flow_heads heads;
	struct quality *rows;
	struct look_name *told; /* of each row, by look_at_quarantine() */
	size_t n, room;
};

struct look_name {
	struct text base, stem;
	bool is_quarantine;
};

static void look_done(struct look *look)
{
	free(look->heads.rows);
	free(look->told);
}

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
			look->told = mem_resize(look->told, look->room, sizeof *look->told);
		}
		row = &look->rows[look->n];
		*row = (struct quality){
			.pipeline = look->of.pipeline,
			.dataset = dataset,
			.upd = look->of.upd,
			.created_k = look->of.created_k,
			.is_open = look->of.is_open,
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
	if (key != 0 && !ids_has(keys, key))
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

void quality_add_rule(struct arena *arena, struct quality *row, const struct flow_rule *rule)
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
			row->rules = ARENA_ARRAY(arena, struct quality_rule, row->rules_room);
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

static void report(struct quality *row, int64_t quality_k)
{
	if (quality_k == 0)
		return;
	row->reported = true;
	if (event_k_ms(quality_k) > 0 && event_k_ms(quality_k) > row->reported_at_ms)
		row->reported_at_ms = event_k_ms(quality_k);
}

static bool look_at_heads(struct look *look, struct err *err)
{
	struct quality *row;

	for (size_t i = 0; i < look->heads.n; i++) {
		const struct flow_head *flow = &look->heads.rows[i];

		if (!row_add(look, flow->dataset, &row, err))
			return false;
		row->written_here = true;
		row->published = fold_sum(row->published, flow->written);
		row->dropped = fold_sum(row->dropped, flow->dropped);
		row->failing = row->failing || flow->failing;
		key_add(look, &row->keys, flow->flow);
		key_add(look, &row->flows, flow->flow);
		report(row, flow->quality_k);
	}
	return true;
}

/* Rules that look elsewhere make and feed other rows than their flow's. */
static bool look_at_rules(struct look *look, const struct flows *flows, struct err *err)
{
	struct quality *row;

	for (size_t i = 0; i < look->n; i++)
		look->rows[i].failing = false;
	for (size_t i = 0; i < flows->n; i++) {
		const struct flow_fold *flow = &flows->folds[i];

		for (size_t r = 0; r < flow->nrules; r++) {
			if (!rule_row(look, flow->dataset, &flow->rules[r], &row, err))
				return false;
			key_add(look, &row->keys, flow->rules[r].dataset);
			report(row, flow->quality_k);
			row->failing = row->failing || flow->rules[r].failed > 0;
			quality_add_rule(look->names->arena, row, &flow->rules[r]);
		}
	}
	for (size_t i = 0; i < look->n; i++)
		look->rows[i].has_rules = true;
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

static struct look_name look_name_of(struct text name)
{
	struct text base = base_name(name);

	return (struct look_name){ base, stem_of(name),
		text_contains_fold(base, TEXT("quarantine")) };
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
		const struct look_name *name = &look->told[i];
		bool holds;

		if (row == table || !row->reported || !row->written_here || name->is_quarantine ||
			name->stem.len < STEM_MIN || !text_contains_fold(base, name->stem))
			continue;
		holds = text_contains_fold(base, name->base);
		if (whole && !holds)
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

/* Most updates write none, and names need not be looked at further. */
static bool has_table(const struct look *look)
{
	for (size_t i = 0; i < look->n; i++) {
		if (look->rows[i].written_here &&
			text_contains_fold(base_name(look->rows[i].name), TEXT("quarantine")))
			return true;
	}
	return false;
}

static void look_at_tables(struct look *look)
{
	for (size_t i = 0; i < look->n; i++)
		look->told[i] = look_name_of(look->rows[i].name);
	for (size_t i = 0; i < look->n; i++) {
		struct quality *table = &look->rows[i], *owner;

		if (!table->written_here || !look->told[i].is_quarantine)
			continue;
		owner = owner_of(look, table);
		if (!owner)
			continue;
		key_add(look, &owner->tables, table->dataset);
		if (owner->dropped != FACT_UNKNOWN)
			continue;
		owner->by_table = true;
		owner->quarantined = fold_sum(owner->quarantined, table->published);
		for (size_t k = 0; k < table->flows.n; k++)
			key_add(look, &owner->aside, table->flows.ids[k]);
	}
}

static void look_at_quarantine(struct look *look)
{
	if (has_table(look))
		look_at_tables(look);
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
	struct reader *reader = look->names->reader;
	struct flows flows = { 0 };
	bool ok, elsewhere = false;

	look->of = *candidate;
	look->n = 0;
	ok = flow_heads_load(reader, candidate->upd, &look->heads, err) && look_at_heads(look, err);
	for (size_t i = 0; ok && i < look->heads.n; i++)
		elsewhere = elsewhere || look->heads.rows[i].elsewhere;
	if (ok && elsewhere)
		ok = flows_load(reader, candidate->upd, NULL, &flows, err) &&
			look_at_rules(look, &flows, err);
	flows_free(&flows);
	if (ok)
		look_at_quarantine(look);
	return ok;
}

bool quality_of_update(
	struct names *names, const struct run *run, struct qualities *out, struct err *err)
{
	struct candidate candidate = { run->upd, run->fold.pipeline, run->created_k,
		run_is_open(run) };
	struct look look = { .names = names };
	bool ok = look_at_update(&look, &candidate, err);

	look_done(&look);
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
	look_done(&look);
	free(index.slots);
	return ok;
}

bool quality_gather(struct names *names, const struct ids *pipelines, struct text dataset,
	struct qualities *out, struct err *err)
{
	struct candidates list = { 0 };
	bool ok = candidates_find(names, pipelines, dataset, &list, err) &&
		look_at_updates(names, dataset, &list, out, err);

	free(list.rows);
	return ok;
}
