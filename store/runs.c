/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/reader_internal.h"

/*
 * Updates and flows as of the snapshot. A derived row that no later batch touched is decoded; else
 * the events of the update, which lie between the row's first and last, are folded by the functions
 * that made the row, so that both ways give the same.
 */
void flows_free(struct flows *flows)
{
	for (size_t i = 0; i < flows->n; i++)
		flow_fold_done(&flows->folds[i]);
	free(flows->folds);
	*flows = (struct flows){ 0 };
}

static struct flow_fold *flows_add(struct flows *flows, int64_t upd, int64_t flow)
{
	if (flows->n == flows->room) {
		flows->room = flows->room ? flows->room * 2 : 8;
		flows->folds = mem_resize(flows->folds, flows->room, sizeof *flows->folds);
	}
	flow_fold_init(&flows->folds[flows->n], upd, flow);
	return &flows->folds[flows->n++];
}

/* Flows are by their ids. The one of this id, made if it is new. */
static struct flow_fold *flow_of(struct flows *flows, int64_t upd, int64_t flow)
{
	size_t low = 0, high = flows->n;
	struct flow_fold made;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (flows->folds[middle].flow == flow)
			return &flows->folds[middle];
		if (flows->folds[middle].flow < flow)
			low = middle + 1;
		else
			high = middle;
	}
	made = *flows_add(flows, upd, flow);
	memmove(&flows->folds[low + 1], &flows->folds[low],
		(flows->n - 1 - low) * sizeof *flows->folds);
	flows->folds[low] = made;
	return &flows->folds[low];
}

/* An update's events as of the snapshot, one after the other. */
struct facts {
	struct reader *reader;
	int64_t upd, first_k, last_k;
	struct arena arena;
	struct ids again; /* flows whose micro-batches did not come in their order */
};

static bool facts_begin(const struct facts *facts, sqlite3_stmt **stmt, struct err *err)
{
	if (!reader_query(facts->reader, Q_EVENTS_OF_UPDATE, stmt, err))
		return false;
	sqlite3_bind_int64(*stmt, 1, facts->first_k);
	sqlite3_bind_int64(*stmt, 2, facts->last_k);
	sqlite3_bind_int64(*stmt, 3, facts->reader->n);
	sqlite3_bind_int64(*stmt, 4, facts->upd);
	return true;
}

/* An update may have millions of events: one is in memory at a time. run may be NULL. */
static bool fold_in_order(
	struct facts *facts, struct run *run, struct flows *flows, struct err *err)
{
	struct arena arena = { 0 };
	sqlite3_stmt *stmt;
	bool row, ok;

	if (!facts_begin(facts, &stmt, err))
		return false;
	while ((ok = sql_step(stmt, &row, err)) && row) {
		struct stored_event event;
		int64_t flow;

		arena_reset(&arena);
		if (!(ok = event_of_row(stmt, &arena, &event, err)))
			break;
		if (!fold_wants(&event))
			continue;
		if (run) {
			update_fold_add(&run->fold, &event);
			run->batch_max = event.batch > run->batch_max ? event.batch : run->batch_max;
		}
		flow = fold_flow_of(&event);
		if (flow != 0 && !flow_fold_add(flow_of(flows, facts->upd, flow), &event, NULL) &&
			!ids_has(&facts->again, flow))
			ids_add(&facts->again, &facts->arena, flow);
	}
	sqlite3_reset(stmt);
	arena_free(&arena);
	return ok;
}

static bool fold_again(struct facts *facts, int64_t flow, struct flow_fold *fold, struct err *err)
{
	const struct stored_event **events = NULL;
	struct arena arena = { 0 }, kept = { 0 };
	size_t n = 0, room = 0;
	sqlite3_stmt *stmt;
	bool row, ok;

	if (!facts_begin(facts, &stmt, err))
		return false;
	while ((ok = sql_step(stmt, &row, err)) && row) {
		struct stored_event event, *copy;

		arena_reset(&arena);
		if (!(ok = event_of_row(stmt, &arena, &event, err)))
			break;
		if (!fold_wants(&event) || fold_flow_of(&event) != flow)
			continue;
		copy = ARENA_NEW(&kept, struct stored_event);
		if (!(ok = event_of_row(stmt, &kept, copy, err)))
			break;
		if (n == room) {
			room = room ? room * 2 : 64;
			events = mem_resize(events, room, sizeof *events);
		}
		events[n++] = copy;
	}
	sqlite3_reset(stmt);
	if (ok) {
		flow_fold_done(fold);
		flow_fold_init(fold, facts->upd, flow);
		flow_fold_facts(fold, events, n, NULL);
	}
	free(events);
	arena_free(&kept);
	arena_free(&arena);
	return ok;
}

static bool facts_fold(struct reader *reader, int64_t upd, int64_t first_k, int64_t last_k,
	struct run *run, struct flows *flows, struct err *err)
{
	struct facts facts = { .reader = reader, .upd = upd, .first_k = first_k, .last_k = last_k };
	bool ok = fold_in_order(&facts, run, flows, err);

	for (size_t i = 0; ok && i < facts.again.n; i++)
		ok = fold_again(&facts, facts.again.ids[i],
			flow_of(flows, upd, facts.again.ids[i]), err);
	arena_free(&facts.arena);
	return ok;
}

/* A run whose row holds later facts. */
static bool run_refold(struct reader *reader, struct run *run, struct err *err)
{
	struct flows flows = { 0 };
	bool ok;

	update_fold_init(&run->fold);
	run->batch_max = 0;
	ok = facts_fold(reader, run->upd, run->first_k, run->last_k, run, &flows, err);
	for (size_t i = 0; ok && i < flows.n; i++)
		update_fold_flow(&run->fold, &flows.folds[i]);
	run->visible = ok && run->fold.events > 0;
	if (run->visible) {
		run->first_k = run->fold.first_k;
		run->last_k = run->fold.last_k;
		run->created_k = update_fold_created_k(&run->fold);
	}
	flows_free(&flows);
	return ok;
}

static bool damaged_run(int64_t upd, struct err *err)
{
	return err_set(err, ERR_STORE, 0, "read update %lld: the row is damaged", (long long)upd);
}

bool run_of_row(struct reader *reader, sqlite3_stmt *stmt, struct run *out, struct err *err)
{
	*out = (struct run){
		.upd = sqlite3_column_int64(stmt, 0),
		.created_k = sqlite3_column_int64(stmt, 2),
		.first_k = sqlite3_column_int64(stmt, 3),
		.last_k = sqlite3_column_int64(stmt, 4),
		.batch_max = sqlite3_column_int64(stmt, 6),
	};
	if (sqlite3_column_int64(stmt, 5) > reader->n)
		return true;
	if (out->batch_max > reader->n)
		return run_refold(reader, out, err);
	out->visible = true;
	update_fold_init(&out->fold);
	return update_fold_decode(sql_text(stmt, 7), &out->fold) || damaged_run(out->upd, err);
}

bool run_head_of_row(struct reader *reader, sqlite3_stmt *stmt, struct run *out, struct err *err)
{
	int64_t upd = sqlite3_column_int64(stmt, 0);

	if (sqlite3_column_int64(stmt, 3) > reader->n)
		return run_load(reader, upd, out, err);
	*out = (struct run){
		.upd = upd,
		.created_k = sqlite3_column_int64(stmt, 1),
		.batch_max = sqlite3_column_int64(stmt, 3),
		.visible = true,
	};
	update_fold_init(&out->fold);
	return update_fold_decode_head(sql_text(stmt, 4), &out->fold) || damaged_run(upd, err);
}

bool run_load(struct reader *reader, int64_t upd, struct run *out, struct err *err)
{
	sqlite3_stmt *stmt;
	bool row, ok = true;

	*out = (struct run){ .upd = upd };
	update_fold_init(&out->fold);
	if (!reader_query(reader, Q_RUN, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, upd);
	if (!sql_step(stmt, &row, err))
		return false;
	if (row)
		ok = run_of_row(reader, stmt, out, err);
	sqlite3_reset(stmt);
	return ok;
}

bool run_is_open(const struct run *run)
{
	return run->fold.state != RUN_UNKNOWN && !run_state_is_final(run->fold.state);
}

bool run_is_data(const struct run *run)
{
	return !run->fold.maintenance && run->fold.validate_only != 1 && run->fold.explore_only != 1;
}

static bool damaged(int64_t upd, struct err *err)
{
	return err_set(err, ERR_STORE, 0, "read flows of update %lld: a row is damaged",
		(long long)upd);
}

/* From the rows, unless one of them holds later facts: then *stale_out. */
static bool flows_decode(struct reader *reader, int64_t upd, const struct ids *datasets,
	struct flows *flows, bool *stale_out, int64_t *first_k, int64_t *last_k, struct err *err)
{
	sqlite3_stmt *stmt;
	bool row, ok;

	*stale_out = false;
	*first_k = INT64_MAX;
	*last_k = 0;
	if (!reader_query(reader, Q_FLOWS_OF_UPDATE, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, upd);
	sqlite3_bind_int64(stmt, 2, reader->n);
	while ((ok = sql_step(stmt, &row, err)) && row) {
		struct flow_fold *fold;

		if (sqlite3_column_int64(stmt, 3) < *first_k)
			*first_k = sqlite3_column_int64(stmt, 3);
		if (sqlite3_column_int64(stmt, 4) > *last_k)
			*last_k = sqlite3_column_int64(stmt, 4);
		if (sqlite3_column_int64(stmt, 7) > reader->n)
			*stale_out = true;
		if (*stale_out || (datasets && !ids_has_sorted(datasets, sql_id(stmt, 2))))
			continue;
		fold = flows_add(flows, upd, sqlite3_column_int64(stmt, 1));
		if (!(ok = flow_fold_decode_totals(sql_text(stmt, 8), fold) || damaged(upd, err)))
			break;
	}
	sqlite3_reset(stmt);
	return ok;
}

static void flows_drop_others(struct flows *flows, const struct ids *datasets)
{
	size_t n = 0;

	for (size_t i = 0; i < flows->n; i++) {
		if (!datasets || ids_has_sorted(datasets, flows->folds[i].dataset))
			flows->folds[n++] = flows->folds[i];
		else
			flow_fold_done(&flows->folds[i]);
	}
	flows->n = n;
}

bool flows_load(struct reader *reader, int64_t upd, const struct ids *datasets, struct flows *out,
	struct err *err)
{
	struct flows flows = { 0 };
	int64_t first_k, last_k;
	bool stale;
	bool ok = flows_decode(reader, upd, datasets, &flows, &stale, &first_k, &last_k, err);

	if (ok && stale) {
		flows_free(&flows);
		ok = facts_fold(reader, upd, first_k, last_k, NULL, &flows, err);
		flows_drop_others(&flows, datasets);
	}
	if (!ok) {
		flows_free(&flows);
		return false;
	}
	*out = flows;
	return true;
}

bool flow_load(struct reader *reader, int64_t upd, int64_t flow, struct flow_fold *out,
	struct err *err)
{
	sqlite3_stmt *stmt;
	bool row, ok = true;

	flow_fold_init(out, upd, flow);
	if (!reader_query(reader, Q_FLOW, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, upd);
	sqlite3_bind_int64(stmt, 2, flow);
	if (!sql_step(stmt, &row, err))
		return false;
	if (row)
		ok = flow_fold_decode_totals(sql_text(stmt, 0), out) || damaged(upd, err);
	sqlite3_reset(stmt);
	return ok;
}

static struct flow_head *heads_add(struct flow_heads *heads)
{
	if (heads->n == heads->room) {
		heads->room = heads->room ? heads->room * 2 : 64;
		heads->rows = mem_resize(heads->rows, heads->room, sizeof *heads->rows);
	}
	return &heads->rows[heads->n++];
}

static bool heads_fold(struct reader *reader, int64_t upd, struct flow_heads *out, struct err *err)
{
	struct flows flows;

	if (!flows_load(reader, upd, NULL, &flows, err))
		return false;
	out->n = 0;
	for (size_t i = 0; i < flows.n; i++)
		flow_fold_head(&flows.folds[i], heads_add(out));
	flows_free(&flows);
	return true;
}

bool flow_heads_load(struct reader *reader, int64_t upd, struct flow_heads *out, struct err *err)
{
	bool row, ok, stale = false;
	sqlite3_stmt *stmt;

	out->n = 0;
	if (!reader_query(reader, Q_FLOW_HEADS, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, upd);
	sqlite3_bind_int64(stmt, 2, reader->n);
	while ((ok = sql_step(stmt, &row, err)) && row) {
		stale = sqlite3_column_int64(stmt, 1) > reader->n;
		if (stale)
			break;
		if (!(ok = flow_fold_decode_head(sql_text(stmt, 2), sqlite3_column_int64(stmt, 0),
			      heads_add(out)) || damaged(upd, err)))
			break;
	}
	sqlite3_reset(stmt);
	return stale ? heads_fold(reader, upd, out, err) : ok;
}

static bool is_update(struct reader *reader, int64_t dim, bool *is_out, struct err *err)
{
	sqlite3_stmt *stmt;
	bool row;

	*is_out = false;
	if (!reader_query(reader, Q_RUN, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, dim);
	if (!sql_step(stmt, &row, err))
		return false;
	*is_out = row && sqlite3_column_int64(stmt, 5) <= reader->n;
	sqlite3_reset(stmt);
	return true;
}

bool update_find(struct names *names, struct text update, int64_t *upd_out, struct err *err)
{
	enum { HEAD_MIN = 4 };
	struct reader *reader = names->reader;
	struct buf clean;
	sqlite3_stmt *stmt;
	int64_t dim, found = 0;
	bool is = false, row, ok;

	if (!dim_find(reader->db, update, &dim, err) ||
		(dim != 0 && !is_update(reader, dim, &is, err)))
		return false;
	if (is) {
		*upd_out = dim;
		return true;
	}
	buf_init(&clean, 64);
	buf_add(&clean, update);
	if (update.len >= HEAD_MIN) {
		if (!reader_query(reader, Q_DIM_HEAD, &stmt, err)) {
			buf_done(&clean);
			return false;
		}
		sql_bind_text(stmt, 1, update);
		sqlite3_bind_int64(stmt, 2, (int64_t)update.len);
		while ((ok = sql_step(stmt, &row, err)) && row) {
			dim = sqlite3_column_int64(stmt, 0);
			ok = is_update(reader, dim, &is, err);
			if (!ok || !is)
				continue;
			if (found != 0) {
				ok = err_set(err, ERR_ABSENT, 0,
					"several updates begin with '%s': give more of the id", clean.bytes);
				break;
			}
			found = dim;
		}
		sqlite3_reset(stmt);
		if (!ok) {
			buf_done(&clean);
			return false;
		}
	}
	ok = found != 0 || err_set(err, ERR_ABSENT, 0, "no update '%s' in the store", clean.bytes);
	buf_done(&clean);
	if (ok)
		*upd_out = found;
	return ok;
}
