/* SPDX-License-Identifier: Apache-2.0 */
/* Readers that their pipelines' event logs know by a backlog: flow_progress tells no offsets. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "store/lag_read.h"

/*
 * How many updates are looked at: one that has only begun tells nothing yet. Attempts that failed
 * may never have told anything: behind them, among RUNS_MAX, comes the newest that came further.
 */
enum { UPDATES_BACK = 2, UPDATES_SLACK = 8, RUNS_MAX = 64 };

struct updates { /* newest first */
	int64_t upd[UPDATES_BACK + 1], created_k[UPDATES_BACK];
	size_t n;
};

static bool has_update(const struct updates *updates, int64_t upd)
{
	for (size_t i = 0; i < updates->n; i++) {
		if (updates->upd[i] == upd)
			return true;
	}
	return false;
}

static bool came_further(enum run_state state)
{
	return state == RUN_UNKNOWN || (state != RUN_FAILED &&
		run_state_severity(state) >= run_state_severity(RUN_RUNNING));
}

static void add_update(struct updates *updates, const struct run *run)
{
	size_t to = updates->n < UPDATES_BACK ? updates->n++ : UPDATES_BACK;

	while (to > 0 && updates->created_k[to - 1] < run->created_k) {
		if (to < UPDATES_BACK) {
			updates->upd[to] = updates->upd[to - 1];
			updates->created_k[to] = updates->created_k[to - 1];
		}
		to--;
	}
	if (to < UPDATES_BACK) {
		updates->upd[to] = run->upd;
		updates->created_k[to] = run->created_k;
	}
}

/* The newest ones that moved data. As of an earlier time they may have stood in another order. */
static bool newest_updates(struct reader *reader, int64_t pipeline, struct updates *updates,
	struct err *err)
{
	int left = UPDATES_BACK + (reader->n < reader->newest ? UPDATES_SLACK : 0);
	int looks = RUNS_MAX;
	int64_t well = 0; /* upd */
	sqlite3_stmt *stmt;
	struct run run;
	bool there, ok = true;

	*updates = (struct updates){ 0 };
	if (!reader_query(reader, Q_RUN_HEADS, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, pipeline);
	sqlite3_bind_int64(stmt, 2, INT64_MAX);
	sqlite3_bind_int64(stmt, 3, reader->n);
	while ((left > 0 || well == 0) && looks-- > 0 && (ok = sql_step(stmt, &there, err)) && there) {
		if (!(ok = run_head_of_row(reader, stmt, &run, err)))
			break;
		if (!run.visible || !run_is_data(&run))
			continue;
		if (left-- > 0)
			add_update(updates, &run);
		if (well == 0 && came_further(run.fold.state))
			well = run.upd;
	}
	sqlite3_reset(stmt);
	if (well != 0 && !has_update(updates, well))
		updates->upd[updates->n++] = well;
	return ok;
}

static bool has_backlog(const struct flow_fold *fold)
{
	return fold->flow != 0 && fold->flow != FOLD_NO_FLOW &&
		(fold->backlog_records != FACT_UNKNOWN || fold->backlog_bytes != FACT_UNKNOWN ||
			fold->backlog_files != FACT_UNKNOWN || fold->backlog_seconds != FACT_UNKNOWN);
}

static void add(struct lag_backlogs *list, struct arena *arena, const struct lag_backlog *backlog)
{
	if (list->n == list->room) {
		struct lag_backlog *old = list->rows;

		list->room = list->room ? list->room * 2 : 64;
		list->rows = ARENA_ARRAY(arena, struct lag_backlog, list->room);
		if (old)
			memcpy(list->rows, old, list->n * sizeof *old);
	}
	list->rows[list->n++] = *backlog;
}

enum { NAME_MAX_BYTES = 1024 };

/* As the readers that stream_progress tells of are named. */
static struct text reader_name(struct arena *arena, struct text pipeline, struct text flow)
{
	struct text copy;
	struct buf clean;

	buf_init(&clean, NAME_MAX_BYTES);
	(void)utf8_clean(&clean, text_of(arena_printf(arena, "%.*s/%.*s", TEXT_ARG(pipeline),
		TEXT_ARG(flow))), UTF8_ONE_LINE);
	copy = arena_text(arena, buf_text(&clean));
	buf_done(&clean);
	return copy;
}

static bool add_flow(struct lag_data *data, int64_t pipeline, const struct flow_fold *fold,
	struct lag_backlogs *list, struct err *err)
{
	struct lag_backlog backlog = {
		.records = fold->backlog_records,
		.bytes = fold->backlog_bytes,
		.files = fold->backlog_files,
		.seconds = fold->backlog_seconds,
		.at_ms = fold->backlog_order.ms,
	};
	struct text name, id, flow;

	if (!names_pipeline(&data->names, pipeline, &name, err) ||
		!names_text(&data->names, pipeline, &id, err) ||
		!names_text(&data->names, fold->flow, &flow, err))
		return false;
	backlog.reader = reader_name(data->names.arena, name, flow);
	backlog.by_id = reader_name(data->names.arena, id, flow);
	add(list, &data->scratch, &backlog);
	return true;
}

static bool add_pipeline(struct lag_data *data, int64_t pipeline, struct lag_backlogs *list,
	struct err *err)
{
	size_t before = list->n;
	struct updates updates;
	bool ok = newest_updates(data->reader, pipeline, &updates, err);

	for (size_t i = 0; ok && i < updates.n && list->n == before; i++) {
		struct flows flows = { 0 };

		ok = flows_load(data->reader, updates.upd[i], NULL, &flows, err);
		for (size_t f = 0; ok && f < flows.n; f++) {
			if (has_backlog(&flows.folds[f]))
				ok = add_flow(data, pipeline, &flows.folds[f], list, err);
		}
		flows_free(&flows);
	}
	return ok;
}

bool lag_backlogs_load(struct lag_data *data, struct lag_backlogs *list, struct err *err)
{
	struct ids pipelines = { 0 };
	bool ok = pipelines_all(&data->names, &pipelines, err);

	*list = (struct lag_backlogs){ 0 };
	for (size_t i = 0; ok && i < pipelines.n; i++)
		ok = add_pipeline(data, pipelines.ids[i], list, err);
	return ok;
}

/* Whether offsets of this flow are in the row, too: its own, or those of its checkpoint's witness. */
static bool is_of(struct lag_data *data, const struct lag_place *place,
	const struct lag_backlog *backlog, bool *out, struct err *err)
{
	*out = false;
	for (; place && !*out; place = place->also) {
		struct text reader;

		if (place->kind != READER_EVENTLOG)
			continue;
		if (!names_text(&data->names, place->reader, &reader, err))
			return false;
		*out = text_eq(reader, backlog->reader) || text_eq(reader, backlog->by_id);
	}
	return true;
}

static void set_unknown(int64_t *figure, int64_t known)
{
	if (*figure == FACT_UNKNOWN)
		*figure = known;
}

bool lag_backlog_join(struct lag_data *data, struct lag_row *rows, size_t n,
	const struct lag_backlog *backlog, bool *joined_out, struct err *err)
{
	struct lag_row *only = NULL;
	size_t found = 0;

	*joined_out = false;
	for (size_t i = 0; i < n; i++) {
		bool same;

		if (!is_of(data, &data->places[rows[i].place], backlog, &same, err))
			return false;
		if (!same)
			continue;
		only = &rows[i];
		found++;
		only->witnesses = text_of(arena_printf(data->names.arena, "%.*s, backlog",
			TEXT_ARG(only->witnesses)));
	}
	*joined_out = found > 0;
	if (found != 1) /* of several topics the backlog is the sum */
		return true;
	set_unknown(&only->lag_records, backlog->records);
	set_unknown(&only->lag_seconds, backlog->seconds);
	set_unknown(&only->behind_files, backlog->files);
	set_unknown(&only->behind_bytes, backlog->bytes);
	return true;
}

/* All that it tells is nothing: it has read all there was. */
static bool is_empty(const struct lag_backlog *backlog)
{
	const int64_t told[] = { backlog->records, backlog->bytes, backlog->files };
	bool any = false;

	for (size_t i = 0; i < ARRAY_LEN(told); i++) {
		if (told[i] > 0)
			return false;
		any = any || told[i] == 0;
	}
	return any;
}

void lag_backlog_row(const struct lag_backlog *backlog, struct lag_row *row)
{
	lag_row_init(row);
	row->reader = backlog->reader;
	row->kind = READER_EVENTLOG;
	row->witnesses = TEXT("backlog");
	row->lag_records = backlog->records;
	row->lag_seconds = backlog->seconds;
	row->behind_files = backlog->files;
	row->behind_bytes = backlog->bytes;
	row->seen_at_ms = backlog->at_ms;
	row->place = SIZE_MAX;
	if (is_empty(backlog)) {
		row->verdict = LAG_OK;
		set_unknown(&row->lag_seconds, 0);
	}
}
