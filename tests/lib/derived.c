/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/derived.h"

#include <string.h>

#include "base/mem.h"
#include "store/fold.h"
#include "store/internal.h"

enum { HOUR_MS = 3600000, METRICS = 5 };

struct facts {
	sqlite3 *db;
	struct arena arena;
	struct stored_event *events;
	size_t n, room;
	struct buf *why;
};

static bool differs(struct facts *facts, const char *what, int64_t a, int64_t b, int64_t got,
	int64_t wanted)
{
	if (got == wanted)
		return false;
	buf_addf(facts->why, "%s of %lld, %lld: derived %lld, facts %lld\n", what, (long long)a,
		(long long)b, (long long)got, (long long)wanted);
	return true;
}

static bool load(struct facts *facts, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	bool row = true;

	if (!sql_prepare(facts->db, "SELECT " EVENT_COLUMNS " FROM event ORDER BY k", &stmt, err))
		return false;
	for (;;) {
		if (!sql_step(stmt, &row, err))
			break;
		if (!row) {
			sqlite3_finalize(stmt);
			return true;
		}
		if (facts->n == facts->room) {
			facts->room = facts->room ? facts->room * 2 : 256;
			facts->events =
				mem_resize(facts->events, facts->room, sizeof *facts->events);
		}
		if (!event_of_row(stmt, &facts->arena, &facts->events[facts->n], err))
			break;
		facts->n++;
	}
	sqlite3_finalize(stmt);
	return false;
}

static int64_t metric(const struct stored_event *event, size_t i)
{
	const int64_t values[METRICS] = { event->output_rows, event->upserted_rows,
		event->deleted_rows, event->dropped_records, event->output_bytes };

	return values[i];
}

static bool same_group(const struct stored_event *a, const struct stored_event *b, bool by_hour)
{
	if (a == b)
		return true;
	return a->batch_id != FACT_UNKNOWN && a->batch_id == b->batch_id && a->upd == b->upd &&
		fold_flow_of(a) == fold_flow_of(b) &&
		(!by_hour || event_k_ms(a->k) / HOUR_MS == event_k_ms(b->k) / HOUR_MS);
}

/* What an event says about a rule (name 0: about metric `which`); FACT_UNKNOWN = nothing. */
static int64_t value_of(const struct stored_event *event, const struct fold_roll *key, size_t which,
	bool *there)
{
	int64_t value = FACT_UNKNOWN;

	*there = false;
	if (key->rule == 0) {
		*there = true;
		return metric(event, which);
	}
	for (size_t i = 0; i < event->nrules; i++) {
		const struct stored_rule *rule = &event->rules[i];
		int64_t said = which == 0 ? rule->passed : rule->failed;

		if (rule->name != key->rule || rule->dataset != key->dataset)
			continue;
		*there = true;
		value = said > value ? said : value;
	}
	return value;
}

struct sum {
	int64_t total, groups, known;
	bool disputed;
};

/* Sums over groups of the maxima in them, by comparing every event with every other. */
static struct sum add_up(const struct facts *facts, int64_t upd, int64_t flow,
	const struct fold_roll *key, size_t which)
{
	struct sum sum = { .total = FACT_UNKNOWN };

	for (size_t i = 0; i < facts->n; i++) {
		const struct stored_event *event = &facts->events[i];
		int64_t max = FACT_UNKNOWN;
		bool first = true, there, any = false;

		if (event->upd != upd || event->type != EVENT_FLOW_PROGRESS ||
			fold_flow_of(event) != flow)
			continue;
		for (size_t j = 0; j < facts->n; j++) {
			const struct stored_event *other = &facts->events[j];
			int64_t value;

			if (other->upd != upd || other->type != EVENT_FLOW_PROGRESS ||
				fold_flow_of(other) != flow || !same_group(event, other, false))
				continue;
			first = first && j >= i;
			value = value_of(other, key, which, &there);
			any = any || there;
			if (value != FACT_UNKNOWN && max != FACT_UNKNOWN && value != max)
				sum.disputed = true;
			max = value > max ? value : max;
		}
		if (!first || !any)
			continue;
		sum.groups++;
		sum.known += max != FACT_UNKNOWN;
		sum.total = fold_sum(sum.total, max);
	}
	return sum;
}

static bool check_flow(struct facts *facts, const struct flow_fold *fold)
{
	const int64_t totals[METRICS] = { fold->output_rows, fold->upserted_rows, fold->deleted_rows,
		fold->dropped, fold->output_bytes };
	bool disputed = false;

	for (size_t i = 0; i < METRICS; i++) {
		struct fold_roll key = { 0 };
		struct sum sum = add_up(facts, fold->upd, fold->flow, &key, i);

		disputed = disputed || sum.disputed;
		if (differs(facts, "total", fold->upd, fold->flow, totals[i], sum.total))
			return false;
	}
	if (differs(facts, "disputed", fold->upd, fold->flow, fold->disputed, disputed))
		return false;
	for (size_t i = 0; i < fold->nrules; i++) {
		const struct flow_rule *rule = &fold->rules[i];
		struct fold_roll key = { .rule = rule->name, .dataset = rule->dataset };
		struct sum passed = add_up(facts, fold->upd, fold->flow, &key, 0);
		struct sum failed = add_up(facts, fold->upd, fold->flow, &key, 1);

		if (differs(facts, "passed", fold->flow, rule->name, rule->passed, passed.total) ||
			differs(facts, "failed", fold->flow, rule->name, rule->failed,
				failed.total) ||
			differs(facts, "batches", fold->flow, rule->name, rule->batches,
				passed.groups))
			return false;
	}
	return true;
}

static void dump_id(struct facts *facts, struct buf *dump, int64_t id)
{
	sqlite3_stmt *stmt = NULL;
	struct err err = ERR_INIT;
	bool row = false;

	if (!sql_prepare(facts->db, "SELECT v FROM dim WHERE id = ?1", &stmt, &err))
		return;
	sqlite3_bind_int64(stmt, 1, id);
	if (sql_step(stmt, &row, &err) && row)
		buf_add(dump, sql_text(stmt, 0));
	buf_add_char(dump, ' ');
	sqlite3_finalize(stmt);
}

static void dump_numbers(struct buf *dump, const int64_t *numbers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_addf(dump, "%lld ", (long long)numbers[i]);
	buf_add_char(dump, '\n');
}

static void dump_flow(struct facts *facts, struct buf *dump, const struct flow_fold *fold)
{
	const int64_t numbers[] = { fold->events, event_k_ms(fold->first_k),
		event_k_ms(fold->last_k), fold->queued_at_ms, fold->planning_at_ms,
		fold->starting_at_ms, fold->running_at_ms, fold->ended_at_ms,
		fold->last_event_at_ms, fold->written_at_ms, (int64_t)fold->state,
		fold->output_rows, fold->upserted_rows, fold->deleted_rows, fold->output_bytes,
		fold->dropped, fold->backlog_bytes, fold->backlog_records, fold->batches,
		fold->disputed, (int64_t)fold->nattempts };

	if (!dump)
		return;
	buf_add_str(dump, "flow ");
	dump_id(facts, dump, fold->upd);
	dump_id(facts, dump, fold->flow);
	dump_id(facts, dump, fold->dataset);
	dump_id(facts, dump, fold->flow_type);
	dump_id(facts, dump, fold->error_class);
	dump_id(facts, dump, fold->error_message);
	dump_numbers(dump, numbers, ARRAY_LEN(numbers));
}

static void dump_update(struct facts *facts, struct buf *dump, int64_t upd,
	const struct update_fold *fold)
{
	const int64_t numbers[] = { fold->events, event_k_ms(fold->first_k),
		event_k_ms(fold->last_k), fold->created_at_ms, fold->waiting_at_ms,
		fold->initializing_at_ms, fold->setting_up_at_ms, fold->running_at_ms,
		fold->ended_at_ms, fold->last_event_at_ms, (int64_t)fold->state,
		fold->failed_attempts, fold->full_refresh, fold->validate_only,
		fold->explore_only, fold->maintenance, fold->flows, fold->flows_failed,
		fold->rows_written, fold->dropped };

	if (!dump)
		return;
	buf_add_str(dump, "update ");
	dump_id(facts, dump, upd);
	dump_id(facts, dump, fold->pipeline);
	dump_id(facts, dump, fold->cause);
	dump_id(facts, dump, fold->flow_error_class);
	dump_id(facts, dump, fold->flow_error_message);
	dump_id(facts, dump, fold->error_class);
	dump_id(facts, dump, fold->error_message);
	dump_numbers(dump, numbers, ARRAY_LEN(numbers));
}

static bool check_flows(struct facts *facts, struct buf *dump, struct err *err)
{
	static const char sql[] =
		"SELECT f.x FROM flow_run f JOIN dim u ON u.id = f.upd JOIN dim d ON d.id = f.flow"
		" ORDER BY u.v, d.v";
	sqlite3_stmt *stmt = NULL;
	bool row, ok = sql_prepare(facts->db, sql, &stmt, err);

	while (ok) {
		struct flow_fold fold;

		ok = sql_step(stmt, &row, err);
		if (!ok || !row)
			break;
		flow_fold_init(&fold, 0, 0);
		ok = flow_fold_decode(sql_text(stmt, 0), &fold) && check_flow(facts, &fold);
		dump_flow(facts, dump, &fold);
		flow_fold_done(&fold);
	}
	sqlite3_finalize(stmt);
	return ok;
}

static bool check_updates(struct facts *facts, struct buf *dump, struct err *err)
{
	static const char sql[] = "SELECT r.upd, r.x FROM run r JOIN dim u ON u.id = r.upd ORDER BY u.v";
	sqlite3_stmt *stmt = NULL;
	bool row, ok = sql_prepare(facts->db, sql, &stmt, err);

	while (ok) {
		struct update_fold fold;
		int64_t upd, events = 0;

		ok = sql_step(stmt, &row, err);
		if (!ok || !row)
			break;
		upd = sqlite3_column_int64(stmt, 0);
		update_fold_init(&fold);
		for (size_t i = 0; i < facts->n; i++)
			events += facts->events[i].upd == upd;
		ok = update_fold_decode(sql_text(stmt, 1), &fold) &&
			!differs(facts, "events", upd, 0, fold.events, events);
		dump_update(facts, dump, upd, &fold);
	}
	sqlite3_finalize(stmt);
	return ok;
}

/* Is event i the first of its group in its hour that says anything about the key? */
static bool roll_of(const struct facts *facts, size_t i, const struct fold_roll *key,
	int64_t max[METRICS])
{
	const struct stored_event *event = &facts->events[i];

	for (size_t m = 0; m < METRICS; m++)
		max[m] = FACT_UNKNOWN;
	for (size_t j = 0; j < facts->n; j++) {
		const struct stored_event *other = &facts->events[j];
		int64_t flow = fold_flow_of(other);

		if (other->type != EVENT_FLOW_PROGRESS || flow == 0 ||
			!same_group(event, other, true))
			continue;
		if (j < i)
			return false; /* counted with that one */
		for (size_t m = 0; m < METRICS && key->rule == 0 && flow == key->dataset; m++)
			max[m] = metric(other, m) > max[m] ? metric(other, m) : max[m];
		for (size_t r = 0; r < other->nrules && key->rule != 0; r++) {
			const struct stored_rule *rule = &other->rules[r];

			if (rule->name != key->rule ||
				(rule->dataset ? rule->dataset : flow) != key->dataset)
				continue;
			max[0] = rule->passed > max[0] ? rule->passed : max[0];
			max[3] = rule->failed > max[3] ? rule->failed : max[3];
		}
	}
	return true;
}

static bool check_roll(struct facts *facts, const struct fold_roll *got)
{
	struct fold_roll wanted = { got->hour, got->dataset, got->rule, 0, 0, 0, 0 };

	for (size_t i = 0; i < facts->n; i++) {
		const struct stored_event *event = &facts->events[i];
		int64_t max[METRICS], a;

		if (event->type != EVENT_FLOW_PROGRESS || fold_flow_of(event) == 0 ||
			event_k_ms(event->k) / HOUR_MS != got->hour || !roll_of(facts, i, got, max))
			continue;
		a = fold_sum(max[0], fold_sum(max[1], max[2]));
		wanted.na += a != FACT_UNKNOWN;
		wanted.nb += max[3] != FACT_UNKNOWN;
		wanted.a += a != FACT_UNKNOWN ? a : 0;
		wanted.b += max[3] != FACT_UNKNOWN ? max[3] : 0;
	}
	return !differs(facts, "hour a", got->dataset, got->rule, got->a, wanted.a) &&
		!differs(facts, "hour b", got->dataset, got->rule, got->b, wanted.b) &&
		!differs(facts, "hour na", got->dataset, got->rule, got->na, wanted.na) &&
		!differs(facts, "hour nb", got->dataset, got->rule, got->nb, wanted.nb);
}

static int by_rule_name(const void *left, const void *right, void *context)
{
	const struct fold_roll *a = left, *b = right;
	struct buf name_a, name_b;
	int order;

	buf_init(&name_a, 1 << 16);
	buf_init(&name_b, 1 << 16);
	dump_id(context, &name_a, a->rule);
	dump_id(context, &name_b, b->rule);
	order = text_cmp(buf_text(&name_a), buf_text(&name_b));
	buf_done(&name_a);
	buf_done(&name_b);
	return order;
}

/* Of one hour and dataset; ids differ from store to store, so the dump goes by name. */
static bool check_hour(struct facts *facts, struct buf *dump, struct fold_rolls *rolls)
{
	bool ok = true;

	if (rolls->n > 0)
		qsort_r(rolls->rows, rolls->n, sizeof *rolls->rows, by_rule_name, facts);
	for (size_t i = 0; ok && i < rolls->n; i++) {
		const struct fold_roll *roll = &rolls->rows[i];
		const int64_t numbers[] = { roll->hour, roll->a, roll->b, roll->na, roll->nb };

		ok = check_roll(facts, roll);
		if (!dump)
			continue;
		buf_add_str(dump, "hour ");
		dump_id(facts, dump, roll->dataset);
		dump_id(facts, dump, roll->rule);
		dump_numbers(dump, numbers, ARRAY_LEN(numbers));
	}
	return ok;
}

static bool check_rolls(struct facts *facts, struct buf *dump, struct err *err)
{
	static const char sql[] = "SELECT hour, dataset, x FROM roll_h JOIN dim d ON d.id = dataset"
				  " ORDER BY hour, d.v";
	struct fold_rolls rolls = { 0 };
	sqlite3_stmt *stmt = NULL;
	bool row, ok = sql_prepare(facts->db, sql, &stmt, err);

	while (ok) {
		ok = sql_step(stmt, &row, err);
		if (!ok || !row)
			break;
		rolls.n = 0;
		ok = rolls_decode(sql_text(stmt, 2), sqlite3_column_int64(stmt, 0),
			     sqlite3_column_int64(stmt, 1), &rolls) &&
			check_hour(facts, dump, &rolls);
	}
	fold_rolls_done(&rolls);
	sqlite3_finalize(stmt);
	return ok;
}

bool derived_equal_facts(const char *path, struct buf *why, struct buf *dump)
{
	struct facts facts = { .why = why };
	struct err err = ERR_INIT;
	bool ok;

	if (sqlite3_open_v2(path, &facts.db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) {
		buf_addf(why, "%s: %s\n", path, sqlite3_errmsg(facts.db));
		sqlite3_close(facts.db);
		return false;
	}
	ok = load(&facts, &err) && check_updates(&facts, dump, &err) &&
		check_flows(&facts, dump, &err) && check_rolls(&facts, dump, &err);
	if (err.kind != ERR_NONE)
		buf_addf(why, "%s\n", err.text);
	sqlite3_close(facts.db);
	arena_free(&facts.arena);
	free(facts.events);
	return ok;
}
