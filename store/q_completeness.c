/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/mem.h"
#include "store/q_table_state.h"

/*
 * How complete each version of a table is, where the event log tells it: a pipeline's commit names
 * the update that made it, and of a stream its micro-batch, under which the flow reported what it
 * wrote and dropped.
 */
/*
 * UPDATES_MAX: of a list the newest ones are looked at; the completeness of the rest is not known.
 * Micro-batches are told apart by their events alone, of which a continuous update may have millions:
 * REPORTED_MS: how long before and after a commit its micro-batch is reported. EVENTS_MAX: of those
 * times, the newest that one list looks at, about a tenth of a second.
 */
enum { UPDATES_MAX = 32, REPORTED_MS = 10 * 60 * 1000, EVENTS_MAX = 100 * 1000 };

static char dotted(char c)
{
	return c == '/' ? '.' : c;
}

bool table_is_dataset(struct text table, struct text dataset)
{
	struct text longer = table.len > dataset.len ? table : dataset;
	struct text shorter = table.len > dataset.len ? dataset : table;
	size_t head = longer.len - shorter.len;

	for (size_t i = 0; i < shorter.len; i++)
		if (dotted(longer.bytes[head + i]) != dotted(shorter.bytes[i]))
			return false;
	return shorter.len > 0 && (head == 0 || dotted(longer.bytes[head - 1]) == '.');
}

static bool is_told(const struct version_row *row, struct text update)
{
	return row->fact.data_change && row->fact.update_id.bytes &&
		text_eq(row->fact.update_id, update);
}

static bool batch_of(struct text epoch, int64_t *out)
{
	int64_t value = 0;

	if (epoch.len == 0 || epoch.len > 18)
		return false;
	for (size_t i = 0; i < epoch.len; i++) {
		if (epoch.bytes[i] < '0' || epoch.bytes[i] > '9')
			return false;
		value = value * 10 + (epoch.bytes[i] - '0');
	}
	*out = value;
	return true;
}

static void take_most(int64_t *most, int64_t value)
{
	if (value != FACT_UNKNOWN && (*most == FACT_UNKNOWN || value > *most))
		*most = value;
}

static void count_event(const struct stored_event *event, int64_t dataset, struct text update,
	struct version_rows *rows)
{
	int64_t batch;

	if (event->batch_id == FACT_UNKNOWN || (event->dataset != dataset && event->flow != dataset))
		return;
	for (size_t i = 0; i < rows->n; i++) {
		struct version_row *version = &rows->rows[i];

		if (!is_told(version, update) || !batch_of(version->fact.epoch_id, &batch) ||
			batch != event->batch_id)
			continue;
		take_most(&version->published, event->output_rows);
		take_most(&version->quarantined, event->dropped_records);
	}
}

/* When the micro-batches of the update's versions were reported. */
static void reported_between(const struct version_rows *rows, struct text update,
	const struct run *run, int64_t *from_k, int64_t *to_k)
{
	int64_t from_ms = INT64_MAX, to_ms = INT64_MIN;

	for (size_t i = 0; i < rows->n; i++) {
		int64_t at_ms = rows->rows[i].fact.timestamp_ms;

		if (!is_told(&rows->rows[i], update) || at_ms == FACT_UNKNOWN)
			continue;
		from_ms = at_ms < from_ms ? at_ms : from_ms;
		to_ms = at_ms > to_ms ? at_ms : to_ms;
	}
	*from_k = run->first_k;
	*to_k = run->last_k;
	if (from_ms > to_ms || from_ms < REPORTED_MS)
		return;
	if (event_k_from(from_ms - REPORTED_MS) > *from_k)
		*from_k = event_k_from(from_ms - REPORTED_MS);
	if (event_k_from(to_ms + REPORTED_MS) < *to_k)
		*to_k = event_k_from(to_ms + REPORTED_MS);
}

/* What was reported before this time was not looked at: half a micro-batch is no figure. */
static void forget_before(struct version_rows *rows, struct text update, int64_t ms)
{
	for (size_t i = 0; i < rows->n; i++) {
		struct version_row *version = &rows->rows[i];

		if (is_told(version, update) && version->fact.timestamp_ms <= ms + REPORTED_MS)
			version->published = version->quarantined = FACT_UNKNOWN;
	}
}

/* By the totals rule, the most that was reported of a micro-batch counts. Newest first. */
static bool by_batches(struct names *names, const struct run *run, int64_t dataset,
	struct text update, struct version_rows *rows, int64_t *looks, struct err *err)
{
	struct reader *reader = names->reader;
	struct arena arena = { 0 };
	int64_t from_k, to_k;
	sqlite3_stmt *stmt;
	bool row, ok;

	if (!reader_query(reader, Q_EVENTS_BACK, &stmt, err))
		return false;
	reported_between(rows, update, run, &from_k, &to_k);
	sqlite3_bind_int64(stmt, 1, from_k);
	sqlite3_bind_int64(stmt, 2, to_k);
	sqlite3_bind_int64(stmt, 3, reader->n);
	while ((ok = sql_step(stmt, &row, err)) && row) {
		struct stored_event event;

		if (--*looks < 0) {
			forget_before(rows, update, event_k_ms(sqlite3_column_int64(stmt, 0)));
			break;
		}
		if (sqlite3_column_int64(stmt, EVENT_UPD_COLUMN) != run->upd)
			continue;
		if (!(ok = event_of_row(stmt, &arena, &event, err)))
			break;
		count_event(&event, dataset, update, rows);
		arena_reset(&arena);
	}
	sqlite3_reset(stmt);
	arena_free(&arena);
	return ok;
}

/* Whether the update made one version of the table and no other, in the list or out of it. */
static bool made_one(struct reader *reader, int64_t tbl, struct text update, bool *one_out,
	struct err *err)
{
	sqlite3_stmt *stmt;
	bool row = true;
	int n = 0;

	if (!reader_query(reader, Q_UPDATE_COMMITS, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, tbl);
	sql_bind_text(stmt, 2, update);
	sqlite3_bind_int64(stmt, 3, reader->n);
	while (n < 2 && row) {
		if (!sql_step(stmt, &row, err))
			return false;
		n += row;
	}
	sqlite3_reset(stmt);
	*one_out = n == 1;
	return true;
}

static bool of_update(struct names *names, int64_t tbl, struct text table, struct text update,
	struct version_rows *rows, int64_t *looks, struct err *err)
{
	struct qualities qualities = { 0 };
	struct version_row *only = NULL;
	struct run run;
	int64_t upd;
	bool ok, one;

	if (!dim_find(names->reader->db, update, &upd, err))
		return false;
	if (upd == 0)
		return true;
	if (!run_load(names->reader, upd, &run, err))
		return false;
	if (!run.visible)
		return true;
	for (size_t i = 0; i < rows->n; i++) {
		if (is_told(&rows->rows[i], update))
			only = &rows->rows[i];
	}
	if (!only)
		return true;
	ok = made_one(names->reader, tbl, update, &one, err) &&
		quality_of_update(names, &run, &qualities, err);
	for (size_t i = 0; ok && i < qualities.n; i++) {
		const struct quality *quality = &qualities.rows[i];
		struct text name;

		if (!(ok = names_text(names, quality->dataset, &name, err)))
			break;
		if (!table_is_dataset(table, name))
			continue;
		if (one) {
			only->published = quality->published;
			only->quarantined = quality->quarantined;
		} else {
			ok = by_batches(names, &run, quality->dataset, update, rows, looks, err);
		}
		break;
	}
	free(qualities.rows);
	return ok;
}

bool completeness_fill(struct names *names, int64_t tbl, struct version_rows *rows, struct err *err)
{
	struct text last = TEXT_NONE;
	int64_t looks = EVENTS_MAX;
	int updates = 0;

	for (size_t i = 0; i < rows->n; i++)
		rows->rows[i].published = rows->rows[i].quarantined = FACT_UNKNOWN;
	/* An update's versions follow each other, or nearly: the one looked at last is not again. */
	for (size_t i = 0; i < rows->n && updates < UPDATES_MAX; i++) {
		const struct fact_version *fact = &rows->rows[i].fact;

		if (!fact->update_id.bytes || !fact->data_change ||
			(last.bytes && text_eq(last, fact->update_id)) ||
			rows->rows[i].published != FACT_UNKNOWN)
			continue;
		last = fact->update_id;
		updates++;
		if (!of_update(names, tbl, fact->table, last, rows, &looks, err))
			return false;
	}
	return true;
}
