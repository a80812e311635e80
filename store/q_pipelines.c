/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/reader_internal.h"

enum {
	PIPELINES_MAX = 5000,
	RUNS_MAX = 400, /* looked at for one strip */
	RUNS_SLACK = 8, /* as of a time, updates may have stood elsewhere in the order */
};

struct history { /* of one pipeline, newest first; heads only */
	struct run *runs;
	size_t n, room;
};

/* What the strip shows, from the runs of a pipeline. */
struct strip {
	enum run_state newest_first[STRIP_MAX];
	int64_t starts[STRIP_MAX]; /* of each chain's first attempt */
	int attempts[STRIP_MAX];
	int64_t first[STRIP_MAX]; /* upd */
	int64_t first_failed[STRIP_MAX]; /* failed attempts its first attempt tells of */
	size_t n;
	bool open; /* the last one's oldest attempt so far is a retry */
	bool full; /* a chain beyond STRIP_MAX began: all that are held are whole */
};

/* Attempts are told newest first: a failed run before a retry belongs to the retry's chain. */
static void strip_add(struct strip *strip, const struct run *run, int64_t retry)
{
	bool is_retry = retry != 0 && run->fold.cause == retry;
	size_t at;

	if (!(strip->open && run->fold.state == RUN_FAILED)) {
		if (strip->n == STRIP_MAX) {
			strip->full = true;
			return;
		}
		strip->newest_first[strip->n++] = run->fold.state;
	}
	at = strip->n - 1;
	strip->attempts[at]++;
	strip->starts[at] = run->fold.created_at_ms;
	strip->first[at] = run->upd;
	strip->first_failed[at] = is_retry ? run->fold.failed_attempts : FACT_UNKNOWN;
	strip->open = is_retry;
}

static void history_add(struct history *history, const struct run *run)
{
	if (history->n == history->room) {
		history->room = history->room ? history->room * 2 : 32;
		history->runs = mem_resize(history->runs, history->room, sizeof *history->runs);
	}
	history->runs[history->n++] = *run;
}

static int newest_first(const void *left, const void *right)
{
	const struct run *a = left, *b = right;

	if (a->created_k != b->created_k)
		return a->created_k > b->created_k ? -1 : 1;
	return (a->upd < b->upd) - (a->upd > b->upd);
}

/* As many as a strip needs; brief: the newest chain, and back to one that reported quality. */
static bool history_load(struct reader *reader, int64_t pipeline, int64_t retry, bool brief,
	struct history *history, struct err *err)
{
	size_t slack = reader->n < reader->newest ? RUNS_SLACK : 0;
	size_t seen_since = 0; /* the strip was full */
	bool quality = false;
	struct strip strip = { 0 };
	sqlite3_stmt *stmt;
	struct run run;
	bool row, ok = true;

	history->n = 0;
	if (!reader_query(reader, Q_RUN_HEADS, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, pipeline);
	sqlite3_bind_int64(stmt, 2, INT64_MAX);
	sqlite3_bind_int64(stmt, 3, reader->n);
	while (history->n < RUNS_MAX && (ok = sql_step(stmt, &row, err)) && row) {
		if (!(ok = run_head_of_row(reader, stmt, &run, err)))
			break;
		if (!run.visible)
			continue;
		if (run_is_data(&run))
			strip_add(&strip, &run, retry);
		if (strip.full && seen_since++ == slack)
			break;
		history_add(history, &run);
		quality = quality || (run_is_data(&run) && run.fold.quality_flows > 0);
		if (brief && slack == 0 && quality && (strip.n > 1 || !strip.open))
			break;
	}
	sqlite3_reset(stmt);
	if (ok && slack > 0 && history->n > 0) /* else they come in order */
		qsort(history->runs, history->n, sizeof *history->runs, newest_first);
	return ok;
}

static int by_number(const void *left, const void *right)
{
	int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

	return (a > b) - (a < b);
}

/* Median gap between the starts; a single gap says nothing of what is usual. */
static int64_t usual_gap(const struct strip *strip)
{
	int64_t gaps[STRIP_MAX];
	size_t n = 0;

	for (size_t i = 0; i + 1 < strip->n; i++) {
		if (strip->starts[i] != TIME_UNKNOWN && strip->starts[i + 1] != TIME_UNKNOWN)
			gaps[n++] = strip->starts[i] - strip->starts[i + 1];
	}
	if (n < 2)
		return FACT_UNKNOWN;
	qsort(gaps, n, sizeof gaps[0], by_number);
	return n % 2 ? gaps[n / 2] : gaps[n / 2 - 1] + (gaps[n / 2] - gaps[n / 2 - 1]) / 2;
}

/* Where flows and datasets are not one to one, or a quarantine table tells, each is looked at. */
static bool add_datasets(
	struct names *names, const struct run *run, struct pipeline_row *row, struct err *err)
{
	struct arena work = { 0 };
	struct names gathered = names_of(names->reader, &work);
	struct qualities qualities = { 0 };
	bool ok = quality_of_update(&gathered, run, &qualities, err);

	for (size_t i = 0; ok && i < qualities.n; i++) {
		const struct quality *quality = &qualities.rows[i];

		if (quality->input == FACT_UNKNOWN || !quality->reported)
			continue;
		row->input = fold_sum(row->input, quality->input);
		row->published = fold_sum(row->published, quality->published);
		row->quarantined = fold_sum(row->quarantined, quality->quarantined);
		row->datasets_failing += quality->published < quality->input;
	}
	free(qualities.rows);
	arena_free(&work);
	return ok;
}

/* Of the newest update that reported any; what its flows came to stands in its row. */
static bool fill_quality(struct names *names, const struct history *history,
	struct pipeline_row *row, struct err *err)
{
	const struct update_fold *fold = NULL;

	for (size_t i = 0; i < history->n && !fold; i++) {
		const struct run *run = &history->runs[i];

		if (!run_is_data(run) || run->fold.quality_flows == 0)
			continue;
		if (run->fold.quality_unsure > 0)
			return add_datasets(names, run, row, err);
		fold = &run->fold;
	}
	if (!fold)
		return true;
	row->published = fold->quality_published;
	row->quarantined = fold->quality_dropped;
	if (row->published != FACT_UNKNOWN)
		row->input = fold_sum(row->published, row->quarantined);
	row->datasets_failing = fold->quality_failing;
	return true;
}

static void no_update(struct update_row *row)
{
	*row = (struct update_row){
		.created_at_ms = TIME_UNKNOWN,
		.initializing_at_ms = TIME_UNKNOWN,
		.setting_up_at_ms = TIME_UNKNOWN,
		.running_at_ms = TIME_UNKNOWN,
		.ended_at_ms = TIME_UNKNOWN,
		.waiting_at_ms = TIME_UNKNOWN,
		.last_event_at_ms = TIME_UNKNOWN,
		.full_refresh = -1,
		.validate_only = -1,
		.explore_only = -1,
		.flows = FACT_UNKNOWN,
		.flows_failed = FACT_UNKNOWN,
		.rows_written = FACT_UNKNOWN,
		.dropped = FACT_UNKNOWN,
	};
}

/* The first attempt we know may be a retry of one from before the log begins. */
static int newest_attempts(const struct strip *strip)
{
	bool before = strip->first_failed[0] > 0 && strip->first_failed[0] < RUNS_MAX;

	return strip->attempts[0] + (before ? (int)strip->first_failed[0] : 0);
}

static bool fill_strip(struct names *names, const struct history *history, int64_t retry,
	struct pipeline_row *row, struct err *err)
{
	struct strip strip = { 0 };
	const struct run *latest = NULL;
	struct run whole;
	int64_t newest_batch = 0;

	for (size_t i = 0; i < history->n; i++) {
		const struct run *run = &history->runs[i];

		if (run->fold.last_event_at_ms > row->last_event_at_ms)
			row->last_event_at_ms = run->fold.last_event_at_ms;
		if (run->fold.written_at_ms > row->last_written_at_ms)
			row->last_written_at_ms = run->fold.written_at_ms;
		if (run->batch_max > newest_batch)
			newest_batch = run->batch_max;
		if (!run_is_data(run))
			continue;
		latest = latest ? latest : run;
		if (!strip.full)
			strip_add(&strip, run, retry);
	}
	row->nstrip = strip.n;
	for (size_t i = 0; i < strip.n; i++)
		row->strip[i] = strip.newest_first[strip.n - 1 - i];
	row->usual_gap_ms = usual_gap(&strip);
	if (newest_batch != 0 && !names_seen_at(names, newest_batch, &row->last_seen_at_ms, err))
		return false;
	if (!latest)
		return true;
	row->attempts = newest_attempts(&strip);
	if (!run_load(names->reader, latest->upd, &whole, err) ||
		!update_row_fill(names, &whole, &row->latest, err))
		return false;
	row->latest.attempt = row->attempts;
	return names_text(names, strip.first[0], &row->latest.chain_id, err);
}

static bool fill_pipeline(struct names *names, int64_t id, int64_t retry, struct history *history,
	struct pipeline_row *row, struct err *err)
{
	int64_t source;

	*row = (struct pipeline_row){
		.input = FACT_UNKNOWN,
		.published = FACT_UNKNOWN,
		.quarantined = FACT_UNKNOWN,
		.last_event_at_ms = TIME_UNKNOWN,
		.last_seen_at_ms = TIME_UNKNOWN,
		.last_written_at_ms = TIME_UNKNOWN,
		.usual_gap_ms = FACT_UNKNOWN,
	};
	no_update(&row->latest);
	return names_text(names, id, &row->pipeline_id, err) &&
		names_pipeline(names, id, &row->pipeline, err) &&
		names_pipeline_source(names, id, &source, err) &&
		names_source(names, source, &row->source, err) &&
		history_load(names->reader, id, retry, false, history, err) &&
		fill_strip(names, history, retry, row, err) &&
		fill_quality(names, history, row, err);
}

static int rank(const struct pipeline_row *row)
{
	if (row->latest.state == RUN_FAILED)
		return 0;
	if (row->attempts > 1 && !run_state_is_final(row->latest.state))
		return 1;
	if (row->datasets_failing > 0)
		return 2;
	if (row->latest.state == RUN_CANCELED || row->latest.state == RUN_SKIPPED ||
		row->latest.state == RUN_STOPPED)
		return 3;
	return row->latest.state == RUN_UNKNOWN ? 5 : 4;
}

static int worst_first(const void *left, const void *right)
{
	const struct pipeline_row *a = left, *b = right;
	int rank_a = rank(a), rank_b = rank(b), order;

	if (rank_a != rank_b)
		return rank_a - rank_b;
	if (rank_a == 2) {
		double share_a = (double)a->published / (double)a->input;
		double share_b = (double)b->published / (double)b->input;

		if (share_a < share_b || share_a > share_b)
			return share_a < share_b ? -1 : 1;
	}
	order = text_cmp(a->pipeline, b->pipeline);
	return order != 0 ? order : text_cmp(a->pipeline_id, b->pipeline_id);
}

bool pipelines_list(
	struct reader *reader, struct arena *arena, struct pipeline_rows *out, struct err *err)
{
	struct names names = names_of(reader, arena);
	struct pipeline_rows rows = { 0 };
	struct history history = { 0 };
	struct ids ids = { 0 };
	int64_t retry;
	bool ok = pipelines_all(&names, &ids, err) && retry_cause(reader, &retry, err);

	if (ok) {
		rows.more = ids.n > PIPELINES_MAX;
		rows.n = ids.n < PIPELINES_MAX ? ids.n : PIPELINES_MAX;
		rows.rows = ARENA_ARRAY(arena, struct pipeline_row, rows.n + 1);
	}
	for (size_t i = 0; ok && i < rows.n; i++)
		ok = fill_pipeline(&names, ids.ids[i], retry, &history, &rows.rows[i], err);
	free(history.runs);
	if (!ok)
		return false;
	if (rows.n > 0)
		qsort(rows.rows, rows.n, sizeof *rows.rows, worst_first);
	*out = rows;
	return true;
}

void pipeline_count(const struct pipeline_row *row, struct pipeline_counts *counts)
{
	enum run_state state = row->latest.state;
	bool runs = state != RUN_UNKNOWN && !run_state_is_final(state);

	if (state == RUN_FAILED)
		counts->failed++;
	else if (row->datasets_failing > 0 || (row->attempts > 1 && runs))
		counts->warn++;
	counts->running += runs;
}

static bool count_pipeline(struct names *names, int64_t id, int64_t retry, struct history *history,
	struct pipeline_counts *counts, struct err *err)
{
	struct pipeline_row row = {
		.input = FACT_UNKNOWN, .published = FACT_UNKNOWN, .quarantined = FACT_UNKNOWN };
	enum run_state state = RUN_UNKNOWN;
	struct strip strip = { 0 };
	bool found = false;

	if (!history_load(names->reader, id, retry, true, history, err) ||
		!fill_quality(names, history, &row, err))
		return false;
	for (size_t i = 0; i < history->n; i++) {
		if (!run_is_data(&history->runs[i]))
			continue;
		state = found ? state : history->runs[i].fold.state;
		found = true;
		strip_add(&strip, &history->runs[i], retry);
	}
	row.latest.state = state;
	row.attempts = found ? newest_attempts(&strip) : 0;
	pipeline_count(&row, counts);
	return true;
}

bool pipelines_count(struct reader *reader, struct pipeline_counts *out, struct err *err)
{
	struct pipeline_counts counts = { 0 };
	struct history history = { 0 };
	struct arena arena = { 0 };
	struct names names = names_of(reader, &arena);
	struct ids ids = { 0 };
	int64_t retry;
	bool ok = retry_cause(reader, &retry, err) && pipelines_all(&names, &ids, err);

	for (size_t i = 0; ok && i < ids.n && i < PIPELINES_MAX; i++)
		ok = count_pipeline(&names, ids.ids[i], retry, &history, &counts, err);
	free(history.runs);
	arena_free(&arena);
	if (ok)
		*out = counts;
	return ok;
}
