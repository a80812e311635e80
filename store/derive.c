/* SPDX-License-Identifier: Apache-2.0 */
#include "store/derive.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/derive_entry.h"

enum { FLOWS_KEPT_MAX = 40000, ROW_BYTES_MAX = 64 << 20 };

static const char run_get[] = "SELECT x, batch_min FROM run WHERE upd = ?1";
static const char flows_get[] = "SELECT flow, x, batch_min FROM flow_run WHERE upd = ?1";
static const char run_put[] =
	"INSERT OR REPLACE INTO run (upd, pipeline, created_k, first_k, last_k, batch_min, batch_max, head,"
	" x) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
/*
 * A new row; a row none of whose indexed columns changed (the usual case, without a look at the
 * indexes); any other row.
 */
static const char flow_add[] =
	"INSERT OR FAIL INTO flow_run (upd, flow, dataset, first_k, last_k, reported, batch_min,"
	" batch_max, x) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
static const char flow_set[] =
	"UPDATE OR FAIL flow_run SET last_k = ?3, batch_max = ?4, x = ?5 WHERE upd = ?1 AND flow = ?2";
static const char flow_put[] =
	"INSERT OR REPLACE INTO flow_run (upd, flow, dataset, first_k, last_k, reported, batch_min,"
	" batch_max, x) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
static const char roll_get[] = "SELECT x FROM roll_h WHERE hour = ?1 AND dataset = ?2";
static const char roll_add[] =
	"INSERT OR FAIL INTO roll_h (hour, dataset, batch_max, x) VALUES (?1, ?2, ?3, ?4)";
static const char roll_set[] =
	"UPDATE OR FAIL roll_h SET batch_max = ?3, x = ?4 WHERE hour = ?1 AND dataset = ?2";
static const char facts[] = "SELECT " EVENT_COLUMNS
			    " FROM event WHERE k BETWEEN ?1 AND ?2";

bool derive_open(sqlite3 *db, struct derive **derive_out, struct err *err)
{
	struct derive *derive = NEW(struct derive);

	derive->db = db;
	derive->room = 1024;
	derive->slots = NEW_ARRAY(struct slot, derive->room);
	buf_init(&derive->buf, ROW_BYTES_MAX);
	if (!sql_prepare(db, run_get, &derive->run_get, err) ||
		!sql_prepare(db, flows_get, &derive->flows_get, err) ||
		!sql_prepare(db, run_put, &derive->run_put, err) ||
		!sql_prepare(db, flow_add, &derive->flow_add, err) ||
		!sql_prepare(db, flow_set, &derive->flow_set, err) ||
		!sql_prepare(db, flow_put, &derive->flow_put, err) ||
		!sql_prepare(db, roll_get, &derive->roll_get, err) ||
		!sql_prepare(db, roll_add, &derive->roll_add, err) ||
		!sql_prepare(db, roll_set, &derive->roll_set, err) ||
		!sql_prepare(db, facts, &derive->facts, err)) {
		derive_close(derive);
		return false;
	}
	*derive_out = derive;
	return true;
}

static void run_free(struct run_entry *run)
{
	for (size_t i = 0; i < run->nflows; i++) {
		flow_fold_done(&run->flows[i]->fold);
		fold_rolls_done(&run->flows[i]->rolls);
		free(run->flows[i]);
	}
	free(run->flows);
	free(run);
}

void derive_forget(struct derive *derive)
{
	for (size_t i = 0; i < derive->nruns; i++)
		run_free(derive->runs[i]);
	memset(derive->slots, 0, derive->room * sizeof *derive->slots);
	derive->n = derive->nruns = derive->nflows = derive->ndirty = 0;
	derive->last = NULL;
}

void derive_close(struct derive *derive)
{
	if (!derive)
		return;
	derive_forget(derive);
	sqlite3_finalize(derive->run_get);
	sqlite3_finalize(derive->flows_get);
	sqlite3_finalize(derive->run_put);
	sqlite3_finalize(derive->flow_add);
	sqlite3_finalize(derive->flow_set);
	sqlite3_finalize(derive->flow_put);
	sqlite3_finalize(derive->roll_get);
	sqlite3_finalize(derive->roll_add);
	sqlite3_finalize(derive->roll_set);
	sqlite3_finalize(derive->facts);
	fold_rolls_done(&derive->rolls);
	fold_rolls_done(&derive->roll);
	buf_done(&derive->buf);
	free(derive->runs);
	free(derive->slots);
	free(derive);
}

size_t derive_dirty(const struct derive *derive)
{
	return derive->ndirty;
}

static size_t slot_of(const struct derive *derive, int64_t upd, int64_t flow)
{
	uint64_t hash = (uint64_t)upd * 0x9e3779b97f4a7c15 ^ (uint64_t)flow * 0xc2b2ae3d27d4eb4f;
	size_t at = (hash ^ hash >> 29) & (derive->room - 1);

	while (derive->slots[at].entry &&
		(derive->slots[at].upd != upd || derive->slots[at].flow != flow))
		at = (at + 1) & (derive->room - 1);
	return at;
}

void *derive_find(const struct derive *derive, int64_t upd, int64_t flow)
{
	return derive->slots[slot_of(derive, upd, flow)].entry;
}

static void slot_put(struct derive *derive, int64_t upd, int64_t flow, void *entry)
{
	if (derive->n * 2 >= derive->room) {
		struct slot *old = derive->slots;
		size_t room = derive->room;

		derive->room *= 2;
		derive->slots = NEW_ARRAY(struct slot, derive->room);
		for (size_t i = 0; i < room; i++) {
			if (old[i].entry)
				derive->slots[slot_of(derive, old[i].upd, old[i].flow)] = old[i];
		}
		free(old);
	}
	derive->slots[slot_of(derive, upd, flow)] = (struct slot){ upd, flow, entry };
	derive->n++;
}

static struct flow_entry *flow_new(struct derive *derive, struct run_entry *run, int64_t flow)
{
	struct flow_entry *entry = NEW(struct flow_entry);

	flow_fold_init(&entry->fold, run->upd, flow);
	if (run->nflows == run->flows_room) {
		run->flows_room = run->flows_room ? run->flows_room * 2 : 8;
		run->flows = mem_resize(run->flows, run->flows_room, sizeof(struct flow_entry *));
	}
	run->flows[run->nflows++] = entry;
	derive->nflows++;
	slot_put(derive, run->upd, flow, entry);
	return entry;
}

static bool damaged(struct err *err, const char *table, int64_t upd)
{
	return err_set(err, ERR_STORE, 0, "read %s of update %lld: the row is damaged", table,
		(long long)upd);
}

static void remember_row(struct flow_entry *entry)
{
	entry->row_first_k = entry->fold.first_k;
	entry->row_dataset = entry->fold.dataset;
	entry->row_quality = entry->fold.quality_k != 0;
}

static bool load_flows(struct derive *derive, struct run_entry *run, struct err *err)
{
	bool row;

	sqlite3_bind_int64(derive->flows_get, 1, run->upd);
	for (;;) {
		struct flow_entry *entry;

		if (!sql_step(derive->flows_get, &row, err))
			return false;
		if (!row)
			return true;
		entry = flow_new(derive, run, sqlite3_column_int64(derive->flows_get, 0));
		entry->batch_min = sqlite3_column_int64(derive->flows_get, 2);
		if (!flow_fold_decode(sql_text(derive->flows_get, 1), &entry->fold)) {
			sqlite3_reset(derive->flows_get);
			return damaged(err, "flow_run", run->upd);
		}
		entry->first_k = entry->fold.first_k;
		entry->last_k = entry->fold.last_k;
		remember_row(entry);
	}
}

static bool load_run(
	struct derive *derive, int64_t upd, struct run_entry **run_out, struct err *err)
{
	struct run_entry *run = NEW(struct run_entry);
	bool row;

	run->upd = upd;
	update_fold_init(&run->fold);
	if (derive->nruns == derive->runs_room) {
		derive->runs_room = derive->runs_room ? derive->runs_room * 2 : 64;
		derive->runs = mem_resize(
			derive->runs, derive->runs_room, sizeof(struct run_entry *));
	}
	derive->runs[derive->nruns++] = run;
	slot_put(derive, upd, 0, run);
	*run_out = run;
	sqlite3_bind_int64(derive->run_get, 1, upd);
	if (!sql_step(derive->run_get, &row, err))
		return false;
	if (!row)
		return true;
	run->batch_min = sqlite3_column_int64(derive->run_get, 1);
	row = update_fold_decode(sql_text(derive->run_get, 0), &run->fold);
	sqlite3_reset(derive->run_get);
	if (!row)
		return damaged(err, "run", upd);
	return load_flows(derive, run, err);
}

bool derive_add(struct derive *derive, const struct stored_event *event, struct err *err)
{
	struct run_entry *run = derive->last;
	struct flow_entry *flow;
	int64_t flow_id;

	if (!fold_wants(event))
		return true;
	if (!run || run->upd != event->upd) {
		run = derive_find(derive, event->upd, 0);
		if (!run && !load_run(derive, event->upd, &run, err))
			return false;
		derive->last = run;
	}
	derive->ndirty += !run->dirty;
	run->dirty = true;
	update_fold_add(&run->fold, event);
	flow_id = fold_flow_of(event);
	if (flow_id == 0)
		return true;
	flow = derive_find(derive, event->upd, flow_id);
	if (!flow)
		flow = flow_new(derive, run, flow_id);
	derive->ndirty += !flow->dirty;
	flow->dirty = true;
	if (flow->first_k == 0 || event->k < flow->first_k)
		flow->first_k = event->k;
	if (event->k > flow->last_k)
		flow->last_k = event->k;
	if (!flow->stale && !flow_fold_add(&flow->fold, event, &flow->rolls)) {
		flow->stale = true;
		flow->rolls.n = 0;
	}
	return true;
}

static bool flow_set_row(struct derive *derive, const struct flow_fold *fold, int64_t n,
	struct err *err)
{
	sqlite3_stmt *set = derive->flow_set;

	sqlite3_bind_int64(set, 1, fold->upd);
	sqlite3_bind_int64(set, 2, fold->flow);
	sqlite3_bind_int64(set, 3, fold->last_k);
	sqlite3_bind_int64(set, 4, n);
	sql_bind_blob(set, 5, buf_text(&derive->buf));
	return sql_run(set, err);
}

static bool flow_write(struct derive *derive, struct flow_entry *flow, int64_t n, struct err *err)
{
	const struct flow_fold *fold = &flow->fold;
	sqlite3_stmt *put = flow->batch_min == 0 ? derive->flow_add : derive->flow_put;
	bool same = flow->batch_min != 0 && flow->row_first_k == fold->first_k &&
		flow->row_dataset == fold->dataset && flow->row_quality == (fold->quality_k != 0);

	flow->dirty = false;
	derive_add_rolls(derive, &flow->rolls, false);
	flow->rolls.n = 0;
	buf_reset(&derive->buf);
	if (!flow_fold_encode(&derive->buf, fold))
		return err_set(err, ERR_STORE, 0, "write flow_run: more than %d bytes",
			ROW_BYTES_MAX);
	if (same)
		return flow_set_row(derive, fold, n, err);
	if (flow->batch_min == 0)
		flow->batch_min = n;
	remember_row(flow);
	sqlite3_bind_int64(put, 1, fold->upd);
	sqlite3_bind_int64(put, 2, fold->flow);
	sql_bind_id(put, 3, fold->dataset);
	sqlite3_bind_int64(put, 4, fold->first_k);
	sqlite3_bind_int64(put, 5, fold->last_k);
	sqlite3_bind_int64(put, 6, fold->quality_k != 0);
	sqlite3_bind_int64(put, 7, flow->batch_min);
	sqlite3_bind_int64(put, 8, n);
	sql_bind_blob(put, 9, buf_text(&derive->buf));
	return sql_run(put, err);
}

static bool run_write(struct derive *derive, struct run_entry *run, int64_t n, struct err *err)
{
	struct update_fold *fold = &run->fold;
	sqlite3_stmt *put = derive->run_put;
	size_t head_len;

	if (run->batch_min == 0)
		run->batch_min = n;
	update_fold_no_flows(fold);
	for (size_t i = 0; i < run->nflows; i++)
		update_fold_flow(fold, &run->flows[i]->fold);
	buf_reset(&derive->buf);
	if (!update_fold_encode(&derive->buf, fold, &head_len))
		return err_set(err, ERR_STORE, 0, "write run: more than %d bytes", ROW_BYTES_MAX);
	sqlite3_bind_int64(put, 1, run->upd);
	sql_bind_id(put, 2, fold->pipeline);
	sqlite3_bind_int64(put, 3, update_fold_created_k(fold));
	sqlite3_bind_int64(put, 4, fold->first_k);
	sqlite3_bind_int64(put, 5, fold->last_k);
	sqlite3_bind_int64(put, 6, run->batch_min);
	sqlite3_bind_int64(put, 7, n);
	sql_bind_blob(put, 8, text_sub(buf_text(&derive->buf), 0, head_len));
	sql_bind_blob(put, 9, buf_text(&derive->buf));
	run->dirty = false;
	return sql_run(put, err);
}

/* Adds n sums of one hour and dataset to what its row holds. */
static bool roll_write(struct derive *derive, const struct fold_roll *rows, size_t n, int64_t batch,
	struct err *err)
{
	int64_t hour = rows->hour, dataset = rows->dataset;
	sqlite3_stmt *put;
	bool row, good = true;

	derive->roll.n = 0;
	sqlite3_bind_int64(derive->roll_get, 1, hour);
	sqlite3_bind_int64(derive->roll_get, 2, dataset);
	if (!sql_step(derive->roll_get, &row, err))
		return false;
	if (row)
		good = rolls_decode(sql_text(derive->roll_get, 0), hour, dataset, &derive->roll);
	sqlite3_reset(derive->roll_get);
	if (!good)
		return err_set(err, ERR_STORE, 0, "read roll_h of hour %lld: the row is damaged",
			(long long)hour);
	for (size_t i = 0; i < n; i++)
		fold_rolls_add(&derive->roll, &rows[i]);
	if (row)
		fold_rolls_merge(&derive->roll);
	buf_reset(&derive->buf);
	if (!rolls_encode(&derive->buf, derive->roll.rows, derive->roll.n))
		return err_set(err, ERR_STORE, 0, "write roll_h: more than %d bytes", ROW_BYTES_MAX);
	put = row ? derive->roll_set : derive->roll_add;
	sqlite3_bind_int64(put, 1, hour);
	sqlite3_bind_int64(put, 2, dataset);
	sqlite3_bind_int64(put, 3, batch);
	sql_bind_blob(put, 4, buf_text(&derive->buf));
	return sql_run(put, err);
}

static bool rolls_write(struct derive *derive, int64_t n, struct err *err)
{
	const struct fold_rolls *rolls = &derive->rolls;

	fold_rolls_merge(&derive->rolls);
	for (size_t i = 0, end; i < rolls->n; i = end) {
		const struct fold_roll *first = &rolls->rows[i];

		for (end = i; end < rolls->n && rolls->rows[end].hour == first->hour &&
			rolls->rows[end].dataset == first->dataset;)
			end++;
		if (!roll_write(derive, first, end - i, n, err))
			return false;
	}
	derive->rolls.n = 0;
	return true;
}

bool derive_flush(struct derive *derive, int64_t n, struct err *err)
{
	if (!derive_refold(derive, n, err))
		return false;
	for (size_t i = 0; i < derive->nruns; i++) {
		struct run_entry *run = derive->runs[i];

		if (!run->dirty)
			continue;
		for (size_t f = 0; f < run->nflows; f++) {
			if (run->flows[f]->dirty && !flow_write(derive, run->flows[f], n, err))
				return false;
		}
		if (!run_write(derive, run, n, err))
			return false;
	}
	if (!rolls_write(derive, n, err))
		return false;
	derive->ndirty = 0;
	if (derive->nflows + derive->nruns > FLOWS_KEPT_MAX)
		derive_forget(derive);
	return true;
}
