/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/reader_internal.h"

static int64_t started_at(const struct flow_row *row)
{
	const int64_t times[] = { row->queued_at_ms, row->planning_at_ms, row->starting_at_ms,
		row->running_at_ms, row->ended_at_ms, row->last_event_at_ms };
	int64_t first = INT64_MAX;

	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		if (times[i] != TIME_UNKNOWN && times[i] < first)
			first = times[i];
	}
	return first;
}

static int by_start(const void *left, const void *right)
{
	const struct flow_row *a = left, *b = right;
	int64_t at_a = started_at(a), at_b = started_at(b);

	if (at_a != at_b)
		return at_a < at_b ? -1 : 1;
	return text_cmp(a->flow, b->flow);
}

static bool fill_flow(
	struct names *names, const struct flow_fold *fold, struct flow_row *row, struct err *err)
{
	*row = (struct flow_row){
		.state = fold->state,
		.queued_at_ms = fold->queued_at_ms,
		.planning_at_ms = fold->planning_at_ms,
		.starting_at_ms = fold->starting_at_ms,
		.running_at_ms = fold->running_at_ms,
		.ended_at_ms = fold->ended_at_ms,
		.last_event_at_ms = fold->last_event_at_ms,
		.output_rows = fold->output_rows,
		.upserted_rows = fold->upserted_rows,
		.deleted_rows = fold->deleted_rows,
		.written_rows = flow_fold_written(fold),
		.dropped = fold->dropped,
		.backlog_bytes = fold->backlog_bytes,
		.backlog_records = fold->backlog_records,
		.backlog_files = fold->backlog_files,
		.backlog_seconds = fold->backlog_seconds,
		.batches = fold->batches,
		.attempts = fold->nattempts > 1 ? (int)fold->nattempts : 1,
	};
	return names_text(names, fold->flow, &row->flow, err) &&
		names_text(names, fold->dataset, &row->dataset, err) &&
		names_text(names, fold->flow_type, &row->flow_type, err) &&
		names_text(names, fold->error_class, &row->error_class, err) &&
		names_text(names, fold->error_message, &row->error_message, err);
}

bool flows_list(struct reader *reader, struct arena *arena, struct text update,
	struct flow_rows *out, struct err *err)
{
	struct names names = names_of(reader, arena);
	struct flow_rows rows = { 0 };
	struct flows flows = { 0 };
	int64_t upd;
	bool ok = true;

	if (!update_find(&names, update, &upd, err) || !flows_load(reader, upd, NULL, &flows, err))
		return false;
	rows.n = flows.n;
	rows.rows = ARENA_ARRAY(arena, struct flow_row, flows.n + 1);
	for (size_t i = 0; ok && i < flows.n; i++)
		ok = fill_flow(&names, &flows.folds[i], &rows.rows[i], err);
	flows_free(&flows);
	if (!ok)
		return false;
	if (rows.n > 0)
		qsort(rows.rows, rows.n, sizeof *rows.rows, by_start);
	*out = rows;
	return true;
}
