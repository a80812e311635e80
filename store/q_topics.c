/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/lag_read.h"

enum {
	MINUTE_MS = 60 * 1000, DAY_MINUTES = 24 * 60, HOUR_MINUTES = 60, RATE_MINUTES = 5,
	TABLES_MAX = 10000, CONNECTORS_MAX = 10000, SILENT_LEAST_MINUTES = 15, NOISY_PCT = 25,
	NEW_MINUTES = DAY_MINUTES
};

/* One source table over the last day. */
struct tally {
	int64_t tbl, first_at;
	int64_t sums[TOPIC_NUMBERS];
	int64_t last_at, active;      /* minutes in which it had records */
	double rate;                  /* records over the last minutes, scaled up where sampled */
	int64_t delay_sum, delays, delay_max;
	bool snapshot;
	double trend[LAG_TREND_MAX];
};

struct tallies {
	struct tally *rows; /* by tbl */
	size_t n;
	int64_t newest;     /* minute */
	double rate_seconds; /* rates are over these */
	bool sampled;
};

static int by_tbl(const void *a, const void *b)
{
	const struct tally *left = a, *right = b;

	return (left->tbl > right->tbl) - (left->tbl < right->tbl);
}

static struct tally *tally_of(struct tallies *tallies, int64_t tbl)
{
	const struct tally key = { .tbl = tbl };

	return tallies->n ? bsearch(&key, tallies->rows, tallies->n, sizeof key, by_tbl) : NULL;
}

static bool load_tables(struct reader *reader, struct arena *arena, int64_t series,
	struct tallies *out, bool *more, struct err *err)
{
	sqlite3_stmt *stmt;
	bool there, ok;

	out->rows = ARENA_ARRAY(arena, struct tally, TABLES_MAX);
	if (!reader_query(reader, Q_TOPIC_TABLES, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, series);
	sqlite3_bind_int64(stmt, 2, reader->n);
	while ((ok = sql_step(stmt, &there, err)) && there) {
		if (out->n == TABLES_MAX) {
			*more = true;
			break;
		}
		out->rows[out->n++] = (struct tally){ .tbl = sqlite3_column_int64(stmt, 0),
			.first_at = sqlite3_column_int64(stmt, 1), .last_at = TIME_UNKNOWN };
	}
	sqlite3_reset(stmt);
	if (out->n > 0)
		qsort(out->rows, out->n, sizeof *out->rows, by_tbl);
	return ok;
}

static void count(struct tallies *tallies, const struct topic_minute *minute, int64_t at,
	const struct topic_entry *entry)
{
	struct tally *tally = tally_of(tallies, entry->tbl);
	const int64_t *numbers = entry->numbers;
	int64_t age = tallies->newest - at, last = at * MINUTE_MS + numbers[TOPIC_LAST];
	double scale = 1;

	if (!tally || age < 0)
		return; /* a record from the future counts when it has come */
	if (minute->sampled > 0 && minute->seen > minute->sampled) {
		scale = (double)minute->seen / (double)minute->sampled;
		tallies->sampled = tallies->sampled || age <= HOUR_MINUTES;
	}
	for (size_t i = 0; i < TOPIC_NUMBERS; i++)
		tally->sums[i] += numbers[i];
	tally->active += minute->minutes < numbers[TOPIC_COUNTED] ? minute->minutes : numbers[TOPIC_COUNTED];
	if (tally->last_at == TIME_UNKNOWN || last > tally->last_at)
		tally->last_at = last;
	if (age < RATE_MINUTES) {
		tally->rate += (double)numbers[TOPIC_COUNTED] * scale / tallies->rate_seconds;
		tally->delay_sum += numbers[TOPIC_DELAY_SUM];
		tally->delays += numbers[TOPIC_DELAYS];
		if (numbers[TOPIC_DELAY_MAX] > tally->delay_max)
			tally->delay_max = numbers[TOPIC_DELAY_MAX];
	}
	if (age < HOUR_MINUTES && minute->minutes == 1) {
		size_t slot = (size_t)((HOUR_MINUTES - 1 - age) * LAG_TREND_MAX / HOUR_MINUTES);

		/* sixty minutes on 24 places: three and two in turn */
		tally->trend[slot] += (double)numbers[TOPIC_COUNTED] * scale / (slot % 2 ? 2 : 3);
		tally->snapshot = tally->snapshot || numbers[TOPIC_SNAPSHOT] != 0;
	}
}

/* Entries of all tellings of one minute, oldest telling first: of each table the last one counts. */
static void count_minute(struct tallies *tallies, const struct topic_minute *parts, size_t n,
	int64_t at)
{
	size_t next[64] = { 0 };

	for (;;) {
		int64_t tbl = INT64_MAX;
		size_t from = 0;

		for (size_t i = 0; i < n; i++) {
			if (next[i] < parts[i].n && parts[i].entries[next[i]].tbl <= tbl) {
				tbl = parts[i].entries[next[i]].tbl;
				from = i;
			}
		}
		if (tbl == INT64_MAX)
			return;
		count(tallies, &parts[n - 1], at, &parts[from].entries[next[from]]);
		for (size_t i = 0; i < n; i++) {
			if (next[i] < parts[i].n && parts[i].entries[next[i]].tbl == tbl)
				next[i]++;
		}
	}
}

/* The last minutes, or as long as there was anything to see: the first minute and the newest count. */
static double rate_seconds(int64_t oldest, int64_t newest, int64_t seen_at_ms)
{
	const int64_t end = (newest + 1) * MINUTE_MS;
	int64_t span = (seen_at_ms < end ? seen_at_ms : end) - oldest * MINUTE_MS;

	span = span < MINUTE_MS ? MINUTE_MS : span;
	span = span > RATE_MINUTES * MINUTE_MS ? RATE_MINUTES * MINUTE_MS : span;
	return (double)span / 1000;
}

/* More tellings of a minute than fit are made into one. */
static void merge_parts(struct topic_minute *parts, size_t *n, struct arena *arena)
{
	const struct topic_minute *a = &parts[*n - 2], *b = &parts[*n - 1];
	struct topic_minute both = *b;
	size_t i = 0, j = 0;

	both.entries = ARENA_ARRAY(arena, struct topic_entry, a->n + b->n + 1);
	both.n = 0;
	while (i < a->n || j < b->n) {
		if (j == b->n || (i < a->n && a->entries[i].tbl < b->entries[j].tbl)) {
			both.entries[both.n++] = a->entries[i++];
			continue;
		}
		i += i < a->n && a->entries[i].tbl == b->entries[j].tbl;
		both.entries[both.n++] = b->entries[j++];
	}
	parts[*n - 2] = both;
	(*n)--;
}

/* One minute is in memory at a time. */
static bool load_minutes(struct reader *reader, int64_t series, struct tallies *tallies,
	struct err *err)
{
	struct topic_minute parts[8];
	struct arena arena = { 0 };
	sqlite3_stmt *stmt;
	int64_t at = -1;
	size_t n = 0;
	bool there, ok;

	if (!reader_query(reader, Q_TOPIC_MINUTES, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, series);
	sqlite3_bind_int64(stmt, 2, tallies->newest - DAY_MINUTES);
	sqlite3_bind_int64(stmt, 3, reader->n);
	while ((ok = sql_step(stmt, &there, err)) && there) {
		int64_t minute = sqlite3_column_int64(stmt, 0);

		if (at < 0)
			tallies->rate_seconds = rate_seconds(minute, tallies->newest, reader->seen_at);
		if (minute != at && n > 0) {
			count_minute(tallies, parts, n, at);
			arena_reset(&arena);
			n = 0;
		}
		at = minute;
		if (!topic_unpack(sql_text(stmt, 1), &arena, &parts[n++])) {
			ok = err_set(err, ERR_STORE, 0, "the store is damaged: a minute of a topic");
			break;
		}
		if (n == ARRAY_LEN(parts))
			merge_parts(parts, &n, &arena);
	}
	if (ok && n > 0)
		count_minute(tallies, parts, n, at);
	arena_free(&arena);
	sqlite3_reset(stmt);
	return ok;
}

static bool newest_minute(struct reader *reader, int64_t series, int64_t *out, struct err *err)
{
	sqlite3_stmt *stmt;
	bool there;

	if (!reader_query(reader, Q_TOPIC_LAST, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, series);
	sqlite3_bind_int64(stmt, 2, reader->n);
	sqlite3_bind_int64(stmt, 3, reader->seen_at / MINUTE_MS + 1);
	if (!sql_step(stmt, &there, err))
		return false;
	*out = there ? sqlite3_column_int64(stmt, 0) : FACT_UNKNOWN;
	sqlite3_reset(stmt);
	return true;
}

/* Silent: nothing for four times as long as its minutes are usually apart, and not just now. */
static bool is_silent(const struct tally *tally, int64_t newest)
{
	int64_t quiet, usual;

	if (tally->last_at == TIME_UNKNOWN)
		return true;
	quiet = newest - tally->last_at / MINUTE_MS;
	usual = (newest - tally->first_at / MINUTE_MS + 1) / (tally->active ? tally->active : 1);
	usual = usual > DAY_MINUTES ? DAY_MINUTES : usual;
	return quiet >= SILENT_LEAST_MINUTES && quiet > usual * 4;
}

static void fill_table(const struct tallies *tallies, const struct tally *tally, double total,
	int64_t oldest, struct topic_table_row *row)
{
	row->per_second = tally->rate;
	row->share_pct = total > 0 ? tally->rate * 100 / total : 0;
	row->sampled = tallies->sampled;
	row->last_at_ms = tally->last_at;
	row->delay_ms = tally->delays > 0 ? tally->delay_sum / tally->delays : FACT_UNKNOWN;
	row->delay_max_ms = tally->delays > 0 ? tally->delay_max : FACT_UNKNOWN;
	row->records = tally->sums[TOPIC_COUNTED];
	row->bytes = tally->sums[TOPIC_BYTES];
	row->creates = tally->sums[TOPIC_CREATES];
	row->updates = tally->sums[TOPIC_UPDATES];
	row->deletes = tally->sums[TOPIC_DELETES];
	row->reads = tally->sums[TOPIC_READS];
	row->tombstones = tally->sums[TOPIC_TOMBSTONES];
	row->first_at_ms = tally->first_at;
	row->snapshot = tally->snapshot;
	row->silent = is_silent(tally, tallies->newest);
	/* at first everything is seen for the first time */
	row->is_new = tally->first_at / MINUTE_MS > tallies->newest - NEW_MINUTES &&
		tally->first_at / MINUTE_MS > oldest + HOUR_MINUTES;
	memcpy(row->trend, tally->trend, sizeof row->trend);
}

static int largest_first(const void *a, const void *b)
{
	const struct topic_table_row *left = a, *right = b;

	if (left->per_second != right->per_second)
		return left->per_second < right->per_second ? 1 : -1;
	if (left->records != right->records)
		return left->records < right->records ? 1 : -1;
	return text_cmp(left->table, right->table);
}

static bool fill_tables(struct names *names, struct tallies *tallies, struct text cluster,
	struct text topic, struct topic_table_rows *out, struct err *err)
{
	int64_t oldest = INT64_MAX;
	size_t from = out->n;
	double total = 0;

	for (size_t i = 0; i < tallies->n; i++) {
		total += tallies->rows[i].rate;
		if (tallies->rows[i].first_at / MINUTE_MS < oldest)
			oldest = tallies->rows[i].first_at / MINUTE_MS;
	}
	for (size_t i = 0; i < tallies->n && out->n < TABLES_MAX; i++) {
		struct topic_table_row *row = &out->rows[out->n++];

		row->cluster = cluster;
		row->topic = topic;
		if (!names_text(names, tallies->rows[i].tbl, &row->table, err))
			return false;
		fill_table(tallies, &tallies->rows[i], total, oldest, row);
	}
	if (out->n > from)
		qsort(out->rows + from, out->n - from, sizeof *out->rows, largest_first);
	if (out->n > from)
		out->rows[from].noisy = out->rows[from].share_pct >= NOISY_PCT && out->n - from > 1 &&
			out->rows[from].share_pct * (double)(out->n - from) >= 400;
	return true;
}

static bool one_topic(struct names *names, int64_t series, struct text cluster, struct text topic,
	struct topic_table_rows *out, struct err *err)
{
	struct tallies tallies = { 0 };
	struct arena scratch = { 0 };
	bool ok = load_tables(names->reader, &scratch, series, &tallies, &out->more, err) &&
		newest_minute(names->reader, series, &tallies.newest, err);

	if (ok && tallies.newest != FACT_UNKNOWN)
		ok = load_minutes(names->reader, series, &tallies, err) &&
			fill_tables(names, &tallies, cluster, topic, out, err);
	arena_free(&scratch);
	return ok;
}

bool topic_tables_list(struct reader *reader, struct arena *arena, struct text cluster,
	struct text topic, struct topic_table_rows *out, struct err *err)
{
	struct names names = names_of(reader, arena);
	struct topic_table_rows rows = { .rows = ARENA_ARRAY(arena, struct topic_table_row, TABLES_MAX) };
	struct ids series = { 0 };
	struct text at_cluster, at_topic;
	sqlite3_stmt *stmt;
	bool there, ok;

	if (!reader_query(reader, Q_SERIES, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, reader->n);
	while ((ok = sql_step(stmt, &there, err)) && there) {
		if (sqlite3_column_int64(stmt, 1) != SERIES_TABLES)
			continue;
		for (int i = 0; i < 4; i++)
			ids_add(&series, arena, sqlite3_column_int64(stmt, i));
	}
	sqlite3_reset(stmt);
	for (size_t i = 0; ok && i < series.n; i += 4) {
		ok = names_text(&names, series.ids[i + 2], &at_cluster, err) &&
			names_text(&names, series.ids[i + 3], &at_topic, err);
		if (ok && (!cluster.bytes || text_eq(at_cluster, cluster)) &&
			lag_name_fits(at_topic, topic))
			ok = one_topic(&names, series.ids[i], at_cluster, at_topic, &rows, err);
	}
	if (ok)
		*out = rows;
	return ok;
}

/* ---- connectors ---- */

static bool fill_connector(struct names *names, sqlite3_stmt *stmt, struct connector_row *row,
	struct err *err)
{
	struct fact_connector *fact = &row->fact;

	fact->gone = sqlite3_column_int(stmt, 3) != 0;
	fact->sink = sqlite3_column_int(stmt, 4) != 0;
	fact->state = (enum connector_state)sqlite3_column_int(stmt, 5);
	fact->worst = (enum connector_state)sqlite3_column_int(stmt, 6);
	if (fact->state > CONNECTOR_FAILED)
		fact->state = CONNECTOR_UNKNOWN;
	if (fact->worst > CONNECTOR_FAILED)
		fact->worst = CONNECTOR_UNKNOWN;
	fact->tasks = sql_int(stmt, 7);
	fact->tasks_failed = sql_int(stmt, 8);
	fact->worker = sql_text_copy(stmt, 9, names->arena);
	fact->trace = sql_text_copy(stmt, 10, names->arena);
	fact->group = sql_text_copy(stmt, 11, names->arena);
	fact->topics = sql_text_copy(stmt, 12, names->arena);
	return names_text(names, sqlite3_column_int64(stmt, 0), &fact->connect, err) &&
		names_text(names, sqlite3_column_int64(stmt, 1), &fact->connector, err);
}

static int worst_connector(const void *a, const void *b)
{
	const struct connector_row *left = a, *right = b;
	int order = (int)right->fact.worst - (int)left->fact.worst;

	if (order == 0)
		order = text_cmp(left->fact.connect, right->fact.connect);
	return order ? order : text_cmp(left->fact.connector, right->fact.connector);
}

bool connectors_list(
	struct reader *reader, struct arena *arena, struct connector_rows *out, struct err *err)
{
	struct names names = names_of(reader, arena);
	struct connector_rows rows = { 0 };
	size_t room = 0;
	sqlite3_stmt *stmt;
	bool there, ok;

	if (!reader_query(reader, Q_CONNECTORS, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, reader->n);
	while ((ok = sql_step(stmt, &there, err)) && there) {
		int64_t at = sqlite3_column_int64(stmt, 2);
		struct connector_row row = { .since_ms = at, .seen_at_ms = at };
		struct connector_row *last = rows.n > 0 ? &rows.rows[rows.n - 1] : NULL;

		if (!(ok = fill_connector(&names, stmt, &row, err)))
			break;
		if (last && text_eq(last->fact.connect, row.fact.connect) &&
			text_eq(last->fact.connector, row.fact.connector)) {
			if (last->fact.worst == row.fact.worst && !last->fact.gone)
				row.since_ms = last->since_ms; /* something else changed */
			*last = row;
			continue;
		}
		if (rows.n == CONNECTORS_MAX) {
			rows.more = true;
			break;
		}
		if (rows.n == room) {
			struct connector_row *old = rows.rows;

			room = room ? room * 2 : 32;
			rows.rows = ARENA_ARRAY(arena, struct connector_row, room);
			if (old)
				memcpy(rows.rows, old, rows.n * sizeof *old);
		}
		rows.rows[rows.n++] = row;
	}
	sqlite3_reset(stmt);
	if (!ok)
		return false;
	*out = (struct connector_rows){ .rows = rows.rows, .more = rows.more };
	for (size_t i = 0; i < rows.n; i++) {
		if (!rows.rows[i].fact.gone)
			out->rows[out->n++] = rows.rows[i];
	}
	if (out->n > 0)
		qsort(out->rows, out->n, sizeof *out->rows, worst_connector);
	return true;
}
