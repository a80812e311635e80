/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/reader_internal.h"

enum { HOUR_MS = 3600000 };

static int64_t hour_first_k(int64_t hour)
{
	return event_k_from(hour * HOUR_MS);
}

/*
 * The trend ends with what is known, not with the clock: a log read days later still has one. An
 * event of a clock ahead of ours does not count.
 */
static bool find_last_hour(struct trends *trends, struct err *err)
{
	struct reader *reader = trends->reader;
	sqlite3_stmt *stmt;
	int64_t newest;
	bool row;

	trends->last_hour = FACT_UNKNOWN;
	if (reader->n == 0)
		return true;
	if (!reader_query(reader, Q_EVENT_NEWEST, &stmt, err))
		return false;
	newest = event_k_from(reader->seen_at + 1);
	sqlite3_bind_int64(stmt, 1, newest < reader->k_end ? newest : reader->k_end);
	sqlite3_bind_int64(stmt, 2, reader->n);
	if (!sql_step(stmt, &row, err))
		return false;
	if (row)
		trends->last_hour = event_k_ms(sqlite3_column_int64(stmt, 0)) / HOUR_MS;
	sqlite3_reset(stmt);
	return true;
}

static int by_flow(const void *left, const void *right)
{
	const struct stored_event *a = *(const struct stored_event *const *)left;
	const struct stored_event *b = *(const struct stored_event *const *)right;
	int64_t flow_a = fold_flow_of(a), flow_b = fold_flow_of(b);

	if (a->upd != b->upd)
		return a->upd < b->upd ? -1 : 1;
	if (flow_a != flow_b)
		return flow_a < flow_b ? -1 : 1;
	return (a->k > b->k) - (a->k < b->k);
}

static void fold_flows(const struct stored_event **events, size_t n, struct fold_rolls *rolls)
{
	if (n > 0)
		qsort(events, n, sizeof(const struct stored_event *), by_flow);
	for (size_t i = 0, end; i < n; i = end) {
		int64_t upd = events[i]->upd, flow = fold_flow_of(events[i]);
		struct flow_fold fold;

		for (end = i; end < n && events[end]->upd == upd &&
			fold_flow_of(events[end]) == flow;)
			end++;
		if (upd == 0 || flow == 0)
			continue;
		flow_fold_init(&fold, upd, flow);
		flow_fold_facts(&fold, events + i, end - i, rolls);
		flow_fold_done(&fold);
	}
	fold_rolls_merge(rolls);
}

/* An hour that later batches touched: its sums once more, from the events between its keys. */
static bool fold_hour(struct trends *trends, int64_t hour, struct fold_rolls *rolls, struct err *err)
{
	struct reader *reader = trends->reader;
	struct arena arena = { 0 };
	const struct stored_event **events = NULL;
	size_t n = 0, room = 0;
	sqlite3_stmt *stmt;
	bool row, ok;

	if (!reader_query(reader, Q_PROGRESS_BETWEEN, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, hour_first_k(hour));
	sqlite3_bind_int64(stmt, 2, hour_first_k(hour + 1) - 1);
	sqlite3_bind_int64(stmt, 3, reader->n);
	while ((ok = sql_step(stmt, &row, err)) && row) {
		struct stored_event *event = ARENA_NEW(&arena, struct stored_event);

		if (!(ok = event_of_row(stmt, &arena, event, err)))
			break;
		if (n == room) {
			room = room ? room * 2 : 256;
			events = mem_resize(events, room, sizeof *events);
		}
		events[n++] = event;
	}
	sqlite3_reset(stmt);
	if (ok)
		fold_flows(events, n, rolls);
	free(events);
	arena_free(&arena);
	return ok;
}

static int64_t hour_of(const struct trends *trends, size_t i)
{
	return trends->last_hour - (TREND_MAX - 1) + (int64_t)i;
}

/* Whether the hour has any row that query finds: HOUR_ANY, HOUR_CHANGED. */
static bool hour_has(
	struct reader *reader, enum query query, int64_t hour, bool *has_out, struct err *err)
{
	sqlite3_stmt *stmt;

	if (!reader_query(reader, query, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, hour);
	if (query == Q_HOUR_CHANGED)
		sqlite3_bind_int64(stmt, 2, reader->n);
	if (!sql_step(stmt, has_out, err))
		return false;
	sqlite3_reset(stmt);
	return true;
}

/* Binds the hours whose rows tell; those without any are not asked for again and again. */
static bool prepare_rows(struct trends *trends, struct err *err)
{
	sqlite3_stmt *stmt;

	if (!reader_query(trends->reader, Q_HOURS_OF_DATASET, &stmt, err))
		return false;
	for (size_t i = 0; i < TREND_MAX; i++) {
		bool any = false;

		if (!trends->hours[i].folded &&
			!hour_has(trends->reader, Q_HOUR_ANY, hour_of(trends, i), &any, err))
			return false;
		if (any)
			sqlite3_bind_int64(stmt, (int)i + 2, hour_of(trends, i));
		trends->any = trends->any || any;
	}
	trends->rows_of = stmt;
	return true;
}

bool trends_begin(struct trends *trends, struct reader *reader, struct err *err)
{
	*trends = (struct trends){ .reader = reader };
	if (!find_last_hour(trends, err))
		return false;
	if (trends->last_hour == FACT_UNKNOWN)
		return true;
	for (size_t i = 0; i < TREND_MAX && reader->n < reader->newest; i++) {
		int64_t hour = hour_of(trends, i);
		bool changed;

		if (!hour_has(reader, Q_HOUR_CHANGED, hour, &changed, err))
			return false;
		if (!changed)
			continue;
		trends->hours[i].folded = true;
		if (!fold_hour(trends, hour, &trends->hours[i].rolls, err)) {
			trends_end(trends);
			return false;
		}
	}
	if (!prepare_rows(trends, err)) {
		trends_end(trends);
		return false;
	}
	return true;
}

void trends_end(struct trends *trends)
{
	for (size_t i = 0; i < TREND_MAX; i++)
		fold_rolls_done(&trends->hours[i].rolls);
	fold_rolls_done(&trends->rows);
}

static void add_folded(struct trends *trends, const struct fold_rolls *rolls, int64_t dataset)
{
	size_t low = 0, high = rolls->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (rolls->rows[middle].dataset < dataset)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < rolls->n && rolls->rows[low].dataset == dataset; low++) {
		struct fold_roll roll = rolls->rows[low];

		roll.hour -= hour_of(trends, 0);
		fold_rolls_add(&trends->rows, &roll);
	}
}

static bool add_rows(struct trends *trends, int64_t dataset, struct err *err)
{
	sqlite3_stmt *stmt = trends->rows_of;
	bool row;

	sqlite3_bind_int64(stmt, 1, dataset);
	for (;;) {
		int64_t hour;

		if (!sql_step(stmt, &row, err))
			return false;
		if (!row)
			return true;
		hour = sqlite3_column_int64(stmt, 0);
		if (!rolls_decode(sql_text(stmt, 1), hour - hour_of(trends, 0), dataset,
			    &trends->rows)) {
			sqlite3_reset(stmt);
			return err_set(err, ERR_STORE, 0, "read hour %lld: a row is damaged",
				(long long)hour);
		}
	}
}

bool trends_of(struct trends *trends, int64_t dataset, const struct fold_rolls **out,
	struct err *err)
{
	trends->rows.n = 0;
	for (size_t i = 0; i < TREND_MAX; i++) {
		if (trends->hours[i].folded)
			add_folded(trends, &trends->hours[i].rolls, dataset);
	}
	if (trends->any && !add_rows(trends, dataset, err))
		return false;
	*out = &trends->rows;
	return true;
}
