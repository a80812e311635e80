/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/reader_internal.h"

enum {
	UPDATES_MAX = 10000,
	UPDATES_SLACK = 32, /* as of a time, updates may have stood elsewhere in the order */
	CHAIN_MAX = 1000
};

bool retry_cause(struct reader *reader, int64_t *dim_out, struct err *err)
{
	return dim_find(reader->db, TEXT("RETRY_ON_FAILURE"), dim_out, err);
}

bool update_row_fill(
	struct names *names, const struct run *run, struct update_row *out, struct err *err)
{
	const struct update_fold *fold = &run->fold;
	bool of_flow = fold->flow_error_class != 0 || fold->flow_error_message != 0;

	*out = (struct update_row){
		.state = fold->state,
		.created_at_ms = fold->created_at_ms,
		.waiting_at_ms = fold->waiting_at_ms,
		.initializing_at_ms = fold->initializing_at_ms,
		.setting_up_at_ms = fold->setting_up_at_ms,
		.running_at_ms = fold->running_at_ms,
		.ended_at_ms = fold->ended_at_ms,
		.last_event_at_ms = fold->last_event_at_ms,
		.attempt = 1,
		.full_refresh = fold->full_refresh,
		.validate_only = fold->validate_only,
		.explore_only = fold->explore_only,
		.flows = fold->flows,
		.flows_failed = fold->flows_failed,
		.rows_written = fold->rows_written,
		.dropped = fold->dropped,
	};
	if (!names_text(names, run->upd, &out->update_id, err) ||
		!names_text(names, fold->pipeline, &out->pipeline_id, err) ||
		!names_pipeline(names, fold->pipeline, &out->pipeline, err) ||
		!names_text(names, fold->cause, &out->cause, err) ||
		!names_text(names, fold->run_as, &out->run_as, err) ||
		!names_text(names, of_flow ? fold->flow_error_class : fold->error_class,
			&out->error_class, err) ||
		!names_text(names, of_flow ? fold->flow_error_message : fold->error_message,
			&out->error_message, err))
		return false;
	out->chain_id = out->update_id;
	return true;
}

struct listing {
	struct run *runs;
	size_t n, room;
	bool more;
};

static void add_run(struct listing *list, const struct run *run)
{
	if (list->n == list->room) {
		list->room = list->room ? list->room * 2 : 32;
		list->runs = mem_resize(list->runs, list->room, sizeof *list->runs);
	}
	list->runs[list->n++] = *run;
}

static int newest_first(const void *left, const void *right)
{
	const struct run *a = left, *b = right;

	if (a->created_k != b->created_k)
		return a->created_k > b->created_k ? -1 : 1;
	return (a->upd < b->upd) - (a->upd > b->upd);
}

/* Steps through a bound statement until wanted runs that are visible came. */
static bool take_runs(struct reader *reader, sqlite3_stmt *stmt, size_t wanted,
	struct listing *list, struct err *err)
{
	struct run run;
	size_t n = 0;
	bool row, ok;

	while ((ok = sql_step(stmt, &row, err)) && row) {
		if (n == wanted) {
			list->more = true;
			break;
		}
		if (!(ok = run_of_row(reader, stmt, &run, err)))
			break;
		if (!run.visible)
			continue;
		add_run(list, &run);
		n++;
	}
	sqlite3_reset(stmt);
	return ok;
}

static bool list_runs(struct names *names, struct text pipeline, size_t wanted,
	struct listing *list, struct err *err)
{
	struct reader *reader = names->reader;
	struct ids ids = { 0 };
	sqlite3_stmt *stmt;

	if (!pipeline.bytes) {
		if (!reader_query(reader, Q_RUNS, &stmt, err))
			return false;
		sqlite3_bind_int64(stmt, 1, INT64_MAX);
		sqlite3_bind_int64(stmt, 2, reader->n);
		return take_runs(reader, stmt, wanted, list, err);
	}
	if (!pipelines_named(names, pipeline, &ids, err))
		return false;
	for (size_t i = 0; i < ids.n; i++) {
		if (!reader_query(reader, Q_RUNS_OF_PIPELINE, &stmt, err))
			return false;
		sqlite3_bind_int64(stmt, 1, ids.ids[i]);
		sqlite3_bind_int64(stmt, 2, INT64_MAX);
		sqlite3_bind_int64(stmt, 3, reader->n);
		if (!take_runs(reader, stmt, wanted, list, err))
			return false;
	}
	return true;
}

struct attempt {
	int n;
	int64_t first; /* upd of the chain's first attempt */
};

/* The first attempt we know may itself be a retry of one from before the log begins. */
static int first_attempt(const struct run *run, int64_t retry)
{
	bool known = run->fold.failed_attempts > 0 && run->fold.failed_attempts < CHAIN_MAX;

	return retry != 0 && run->fold.cause == retry && known ? (int)run->fold.failed_attempts + 1 : 1;
}

/* Walks back from a retry to the first attempt: a row an attempt. */
static bool walk_chain(struct reader *reader, const struct run *run, int64_t retry,
	struct attempt *out, struct err *err)
{
	struct run last = *run, previous;
	sqlite3_stmt *stmt;
	int n = 0;
	bool row, ok = true;

	if (last.fold.cause == retry && retry != 0) {
		if (!reader_query(reader, Q_RUN_HEADS_BEFORE, &stmt, err))
			return false;
		sqlite3_bind_int64(stmt, 1, run->fold.pipeline);
		sqlite3_bind_int64(stmt, 2, run->created_k);
		sqlite3_bind_int64(stmt, 3, reader->n);
		while (n < CHAIN_MAX && last.fold.cause == retry &&
			(ok = sql_step(stmt, &row, err)) && row) {
			if (!(ok = run_head_of_row(reader, stmt, &previous, err)))
				break;
			if (!previous.visible || !run_is_data(&previous))
				continue;
			if (previous.fold.state != RUN_FAILED)
				break;
			last = previous;
			n++;
		}
		sqlite3_reset(stmt);
	}
	if (ok)
		*out = (struct attempt){ n + first_attempt(&last, retry), last.upd };
	return ok;
}

/* Index of the next older data run of the same pipeline in the list, or n. */
static size_t older_of_pipeline(const struct listing *list, size_t at)
{
	size_t i = at + 1;

	while (i < list->n && (list->runs[i].fold.pipeline != list->runs[at].fold.pipeline ||
				      !run_is_data(&list->runs[i])))
		i++;
	return i;
}

/* Oldest first, so that each attempt counts on from the one before. */
static bool fill_attempts(struct names *names, const struct listing *list, struct update_row *rows,
	size_t n, struct err *err)
{
	struct attempt *attempts = ARENA_ARRAY(names->arena, struct attempt, list->n + 1);
	int64_t retry;

	if (!retry_cause(names->reader, &retry, err))
		return false;
	for (size_t i = list->n; i-- > 0;) {
		const struct run *run = &list->runs[i];
		size_t older = older_of_pipeline(list, i);

		attempts[i] = (struct attempt){ 1, run->upd };
		if (retry == 0 || run->fold.cause != retry)
			continue;
		if (older == list->n) {
			if (!walk_chain(names->reader, run, retry, &attempts[i], err))
				return false;
		} else if (list->runs[older].fold.state == RUN_FAILED) {
			attempts[i] = (struct attempt){ attempts[older].n + 1, attempts[older].first };
		} else {
			attempts[i].n = first_attempt(run, retry);
		}
	}
	for (size_t i = 0; i < n; i++) {
		rows[i].attempt = attempts[i].n;
		if (!names_text(names, attempts[i].first, &rows[i].chain_id, err))
			return false;
	}
	return true;
}

bool updates_list(struct reader *reader, struct arena *arena, struct text pipeline, size_t limit,
	struct update_rows *out, struct err *err)
{
	struct names names = names_of(reader, arena);
	struct listing list = { 0 };
	struct update_rows rows = { 0 };
	size_t slack = reader->n < reader->newest ? UPDATES_SLACK : 0;
	bool ok;

	limit = limit < 1 ? 1 : limit > UPDATES_MAX ? UPDATES_MAX : limit;
	ok = list_runs(&names, pipeline, limit + slack, &list, err);
	if (ok && list.n > 0) {
		qsort(list.runs, list.n, sizeof *list.runs, newest_first);
		rows.n = list.n < limit ? list.n : limit;
		rows.more = list.more || list.n > limit;
		rows.rows = ARENA_ARRAY(arena, struct update_row, rows.n);
	}
	for (size_t i = 0; ok && i < rows.n; i++)
		ok = update_row_fill(&names, &list.runs[i], &rows.rows[i], err);
	ok = ok && fill_attempts(&names, &list, rows.rows, rows.n, err);
	free(list.runs);
	if (ok)
		*out = rows;
	return ok;
}
