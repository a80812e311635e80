/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/mem.h"
#include "store/lag_internal.h"
#include "store/writer.h"

enum { MINUTE_MS = 60 * 1000 };
#define AT_MOST_MS INT64_C(253402300799999) /* the end of the year 9999 */

static int by_place(const void *a, const void *b)
{
	const struct topic_row *left = a, *right = b;

	if (left->series->id != right->series->id)
		return left->series->id < right->series->id ? -1 : 1;
	if (left->minute != right->minute)
		return left->minute < right->minute ? -1 : 1;
	if (left->entry.tbl != right->entry.tbl)
		return left->entry.tbl < right->entry.tbl ? -1 : 1;
	return (left->order > right->order) - (left->order < right->order);
}

static struct topic_entry *told_entry(struct lag_series *series, int64_t tbl)
{
	for (size_t low = 0, high = series->ntold; low < high;) {
		size_t mid = low + (high - low) / 2;

		if (series->told[mid].tbl == tbl)
			return &series->told[mid];
		if (series->told[mid].tbl < tbl)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

static void remember(struct lag_series *series, const struct topic_row *row)
{
	size_t at = series->ntold;

	if (row->minute > series->minute_told) {
		series->minute_told = row->minute;
		series->ntold = at = 0;
	}
	if (row->minute < series->minute_told)
		return;
	if (series->ntold == series->told_room) {
		series->told_room = series->told_room ? series->told_room * 2 : 64;
		series->told =
			mem_resize(series->told, series->told_room, sizeof *series->told);
	}
	while (at > 0 && series->told[at - 1].tbl > row->entry.tbl) {
		series->told[at] = series->told[at - 1];
		at--;
	}
	series->told[at] = row->entry;
	series->ntold++;
}

/* False: this was told before, word for word. */
static bool is_news(struct lag_series *series, const struct topic_row *row)
{
	struct topic_entry *told =
		row->minute == series->minute_told ? told_entry(series, row->entry.tbl) : NULL;

	if (!told) {
		remember(series, row);
		return true;
	}
	if (memcmp(told->numbers, row->entry.numbers, sizeof told->numbers) == 0)
		return false;
	*told = row->entry;
	return true;
}

bool lag_topic_table(struct writer *writer, struct writer_source *source, const struct fact *fact,
	bool *new_out, struct err *err)
{
	const struct fact_topic_table *told = &fact->u.topic_table;
	struct lag_series key = { .kind = SERIES_TABLES };
	struct lag_writer *lag = writer->lag;
	/* record times are foreign: a day that a clock can show */
	int64_t at = fact->happened_at_ms < 0 || fact->happened_at_ms > AT_MOST_MS ? 0 :
		fact->happened_at_ms;
	int64_t start = at - at % MINUTE_MS;
	struct topic_row row = { .minute = start / MINUTE_MS, .seen = told->seen,
		.sampled = told->sampled };
	int64_t *numbers = row.entry.numbers;

	if (!dims_id(writer->dims, told->cluster, &key.cluster, err) ||
		!dims_id(writer->dims, told->topic, &key.topic, err) ||
		!dims_id(writer->dims, told->table, &row.entry.tbl, err) ||
		!(row.series = lag_series_find(writer, source, key, err)))
		return false;
	numbers[TOPIC_COUNTED] = told->counted;
	numbers[TOPIC_BYTES] = told->bytes;
	numbers[TOPIC_CREATES] = told->creates;
	numbers[TOPIC_UPDATES] = told->updates;
	numbers[TOPIC_DELETES] = told->deletes;
	numbers[TOPIC_READS] = told->reads;
	numbers[TOPIC_TOMBSTONES] = told->tombstones;
	numbers[TOPIC_DELAY_SUM] = told->delay_sum_ms;
	numbers[TOPIC_DELAY_MAX] = told->delay_max_ms;
	numbers[TOPIC_DELAYS] = told->delays;
	if (told->last_at_ms > start && told->last_at_ms < start + MINUTE_MS)
		numbers[TOPIC_LAST] = told->last_at_ms - start;
	numbers[TOPIC_SNAPSHOT] = told->snapshot;
	*new_out = is_news(row.series, &row);
	if (!*new_out)
		return true;
	if (lag->nrows == lag->rows_room) {
		lag->rows_room = lag->rows_room ? lag->rows_room * 2 : 256;
		lag->rows = mem_resize(lag->rows, lag->rows_room, sizeof *lag->rows);
	}
	row.order = lag->nrows;
	lag->rows[lag->nrows++] = row;
	return true;
}

static bool put_minute(struct writer *writer, const struct topic_row *rows, size_t n, struct err *err)
{
	struct lag_writer *lag = writer->lag;
	struct topic_minute minute = { .minutes = 1, .seen = rows[n - 1].seen,
		.sampled = rows[n - 1].sampled };
	sqlite3_stmt *add = lag->minute_add;

	minute.entries = ARENA_ARRAY(&writer->arena, struct topic_entry, n);
	for (size_t i = 0; i < n; i++) {
		/* told twice in one batch: the later one stands last */
		if (minute.n > 0 && minute.entries[minute.n - 1].tbl == rows[i].entry.tbl)
			minute.n--;
		minute.entries[minute.n++] = rows[i].entry;
		sqlite3_bind_int64(lag->table_add, 1, rows->series->id);
		sqlite3_bind_int64(lag->table_add, 2, rows[i].entry.tbl);
		sqlite3_bind_int64(lag->table_add, 3, writer->n);
		sqlite3_bind_int64(lag->table_add, 4, rows->minute * MINUTE_MS);
		if (!sql_run(lag->table_add, err))
			return false;
	}
	buf_reset(&lag->x);
	topic_pack(&lag->x, &minute);
	sqlite3_bind_int64(add, 1, rows->series->id);
	sqlite3_bind_int64(add, 2, rows->minute);
	sqlite3_bind_int64(add, 3, writer->n);
	sql_bind_blob(add, 4, buf_text(&lag->x));
	return sql_run(add, err);
}

/* One row a topic and minute. */
bool lag_topic_end(struct writer *writer, struct err *err)
{
	struct lag_writer *lag = writer->lag;
	size_t n = lag->nrows;

	lag->nrows = 0;
	if (n == 0)
		return true;
	qsort(lag->rows, n, sizeof *lag->rows, by_place);
	for (size_t i = 0, next; i < n; i = next) {
		const struct topic_row *row = &lag->rows[i];

		for (next = i + 1; next < n && lag->rows[next].series == row->series &&
			lag->rows[next].minute == row->minute; next++)
			;
		if (!put_minute(writer, row, next - i, err))
			return false;
	}
	return true;
}
