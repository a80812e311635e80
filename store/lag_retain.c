/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/mem.h"
#include "store/lag_internal.h"
#include "store/writer.h"

/*
 * Old rows of lag become fewer. Offsets only ever add up, so the last row of a minute or an hour says
 * all that a rate over it needs; what goes is how it moved within. One short transaction a series.
 */
#define HOUR_MS   INT64_C(3600000)
#define DAY_MS    (24 * HOUR_MS)
#define MINUTE_MS INT64_C(60000)
enum { KEY_ROWS = 64 };

struct thinning {
	struct writer *writer;
	sqlite3_stmt *rows, *cut, *add, *mark, *first_key, *drop;
	sqlite3_stmt *minutes, *minute_rows, *minute_cut, *minute_add;
	struct lag_state state, before, last; /* as read, as kept last, last of the bucket under way */
	struct arena arena;
	struct buf x;
	int64_t whole_ms; /* rows younger than this stay */
	int64_t changed;  /* rows that went */
};

struct kept { /* a row that stays, packed anew */
	int64_t at, batch;
	struct text x;
	bool key;
};
struct kept_rows {
	struct kept *rows;
	size_t n, room;
};

static const struct {
	size_t at;
	const char *sql;
} statements[] = {
#define STATEMENT(name, sql) { offsetof(struct thinning, name), sql }
	STATEMENT(rows, "SELECT at, batch, key, x FROM lag_change WHERE series = ?1 AND at < ?3 AND at >="
			" ifnull((SELECT max(at) FROM lag_change WHERE series = ?1 AND at < ?2 AND key = 1),"
			" -9223372036854775808) ORDER BY at, batch, key"),
	STATEMENT(cut, "DELETE FROM lag_change WHERE series = ?1 AND at >= ?2 AND at < ?3"),
	STATEMENT(add, "INSERT INTO lag_change (series, at, batch, key, x) VALUES (?1, ?2, ?3, ?4, ?5)"),
	STATEMENT(mark, "UPDATE series SET minute = max(minute, ?2), hour = max(hour, ?3) WHERE id = ?1"),
	STATEMENT(first_key, "SELECT max(at) FROM lag_change WHERE series = ?1 AND at < ?2 AND key = 1"),
	STATEMENT(drop, "DELETE FROM lag_change WHERE series = ?1 AND at < ?2"),
	STATEMENT(minutes, "SELECT DISTINCT minute / ?4 FROM topic_minute WHERE series = ?1"
			   " AND minute >= ?2 AND minute < ?3"),
	STATEMENT(minute_rows, "SELECT minute, batch, x FROM topic_minute WHERE series = ?1"
			       " AND minute >= ?2 AND minute < ?3 ORDER BY minute, batch"),
	STATEMENT(minute_cut,
		"DELETE FROM topic_minute WHERE series = ?1 AND minute >= ?2 AND minute < ?3"),
	STATEMENT(minute_add, "INSERT INTO topic_minute (series, minute, batch, x)"
			      " VALUES (?1, ?2, ?3, ?4)"),
#undef STATEMENT
};

static sqlite3_stmt **statement(struct thinning *thinning, size_t i)
{
	return (sqlite3_stmt **)(void *)((char *)thinning + statements[i].at);
}

static bool damaged(struct err *err)
{
	return err_set(err, ERR_STORE, 0, "the store is damaged: a row of lag cannot be read");
}

static void bind(sqlite3_stmt *stmt, int64_t a, int64_t b, int64_t c)
{
	sqlite3_bind_int64(stmt, 1, a);
	sqlite3_bind_int64(stmt, 2, b);
	if (sqlite3_bind_parameter_count(stmt) > 2)
		sqlite3_bind_int64(stmt, 3, c);
}

static bool rollback(struct thinning *thinning)
{
	(void)sqlite3_exec(thinning->writer->db, "ROLLBACK", NULL, NULL, NULL); /* first error counts */
	return false;
}

/* ---- changes ---- */

static void keep(struct thinning *thinning, struct kept_rows *kept, int64_t at, int64_t batch,
	bool key)
{
	if (kept->n == kept->room) {
		kept->room = kept->room ? kept->room * 2 : 64;
		kept->rows = mem_resize(kept->rows, kept->room, sizeof *kept->rows);
	}
	kept->rows[kept->n++] = (struct kept){ at, batch,
		arena_text(&thinning->arena, buf_text(&thinning->x)), key };
	buf_reset(&thinning->x);
}

/* The bucket's last state, as it differs from the one kept before it. */
static void flush(struct thinning *thinning, struct kept_rows *kept, int64_t at, int64_t batch,
	int64_t seen_until, bool first)
{
	lag_pack(&thinning->x, at - seen_until, first ? NULL : &thinning->before, &thinning->last);
	keep(thinning, kept, at, batch, false);
	lag_state_copy(&thinning->before, &thinning->last);
	if (kept->n % KEY_ROWS == 1) {
		lag_pack(&thinning->x, 0, NULL, &thinning->before);
		keep(thinning, kept, at, batch, true);
	}
}

struct span {
	int64_t from, to, bucket_ms, batch_most;
};

/* Reads the rows of a span, and what stands before it; *to_out where rows too new begin. */
static bool read_span(struct thinning *thinning, int64_t series, const struct span *span,
	struct kept_rows *kept, int64_t *rows_out, int64_t *to_out, struct err *err)
{
	int64_t bucket = INT64_MIN, at = 0, batch = 0, seen_until = 0;
	bool there, ok, any = false, before = false;

	*rows_out = 0;
	*to_out = span->to;
	lag_state_clear(&thinning->state);
	lag_state_clear(&thinning->before);
	bind(thinning->rows, series, span->from, span->to);
	while ((ok = sql_step(thinning->rows, &there, err)) && there) {
		int64_t row_at = sqlite3_column_int64(thinning->rows, 0);
		bool key = sqlite3_column_int(thinning->rows, 2) != 0;
		struct lag_row_head head;

		if (sqlite3_column_int64(thinning->rows, 1) > span->batch_most) {
			*to_out = row_at - row_at % HOUR_MS;
			break;
		}
		if (key)
			lag_state_clear(&thinning->state);
		if (!lag_unpack(sql_text(thinning->rows, 3), &thinning->state, &head)) {
			ok = damaged(err);
			break;
		}
		if (row_at < span->from) {
			before = true;
			lag_state_copy(&thinning->before, &thinning->state);
			continue;
		}
		(*rows_out)++;
		if (row_at / span->bucket_ms != bucket || !any) {
			if (any)
				flush(thinning, kept, at, batch, seen_until, !before && kept->n == 0);
			seen_until = key ? row_at : row_at - head.gap_ms;
			bucket = row_at / span->bucket_ms;
		}
		any = true;
		at = row_at;
		batch = sqlite3_column_int64(thinning->rows, 1);
		lag_state_copy(&thinning->last, &thinning->state);
	}
	sqlite3_reset(thinning->rows);
	if (ok && any)
		flush(thinning, kept, at, batch, seen_until, !before && kept->n == 0);
	return ok;
}

static bool write_span(struct thinning *thinning, int64_t series, const struct span *span,
	const struct kept_rows *kept, bool rewrite, struct err *err)
{
	struct writer *writer = thinning->writer;
	bool by_hour = span->bucket_ms == HOUR_MS, ok;

	if (!sql_run(writer->begin, err))
		return false;
	bind(thinning->cut, series, span->from, span->to);
	ok = !rewrite || sql_run(thinning->cut, err);
	for (size_t i = 0; ok && rewrite && i < kept->n; i++) {
		bind(thinning->add, series, kept->rows[i].at, kept->rows[i].batch);
		sqlite3_bind_int(thinning->add, 4, kept->rows[i].key);
		sql_bind_blob(thinning->add, 5, kept->rows[i].x);
		ok = sql_run(thinning->add, err);
	}
	bind(thinning->mark, series, span->to, by_hour ? span->to : 0);
	return (ok && sql_run(thinning->mark, err) && sql_run(writer->commit, err)) || rollback(thinning);
}

static bool thin(struct thinning *thinning, int64_t series, struct span span, struct err *err)
{
	struct kept_rows kept = { 0 };
	int64_t rows, to;
	bool ok;

	if (span.from >= span.to)
		return true;
	arena_reset(&thinning->arena);
	ok = read_span(thinning, series, &span, &kept, &rows, &to, err);
	if (ok && to < span.to) { /* the bucket under way may be whole only later */
		span.to = to;
		free(kept.rows);
		return thin(thinning, series, span, err);
	}
	if (ok) {
		ok = write_span(thinning, series, &span, &kept, rows > (int64_t)kept.n, err);
		thinning->changed += rows > (int64_t)kept.n ? rows - (int64_t)kept.n : 0;
	}
	free(kept.rows);
	return ok;
}

/* Rows before a keyframe that is old enough itself. */
static bool drop_old(struct thinning *thinning, int64_t series, int64_t cut_ms, struct err *err)
{
	int64_t key_at;
	bool there;

	bind(thinning->first_key, series, cut_ms, 0);
	if (!sql_step(thinning->first_key, &there, err))
		return false;
	key_at = there ? sql_int(thinning->first_key, 0) : FACT_UNKNOWN;
	sqlite3_reset(thinning->first_key);
	if (key_at == FACT_UNKNOWN)
		return true;
	if (!sql_run(thinning->writer->begin, err))
		return false;
	bind(thinning->drop, series, key_at, 0);
	if (!sql_run(thinning->drop, err))
		return rollback(thinning);
	thinning->changed += sqlite3_changes(thinning->writer->db);
	return sql_run(thinning->writer->commit, err) || rollback(thinning);
}

/* ---- minutes of source tables ---- */

static struct topic_entry *entry_of(struct topic_minute *minute, int64_t tbl, struct arena *arena)
{
	size_t low = 0, high = minute->n;
	struct topic_entry *grown;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (minute->entries[mid].tbl == tbl)
			return &minute->entries[mid];
		if (minute->entries[mid].tbl < tbl)
			low = mid + 1;
		else
			high = mid;
	}
	if ((minute->n & (minute->n - 1)) == 0) { /* room is the next power of two */
		grown = ARENA_ARRAY(arena, struct topic_entry, minute->n ? minute->n * 2 : 1);
		if (minute->n > 0)
			memcpy(grown, minute->entries, minute->n * sizeof *grown);
		minute->entries = grown;
	}
	memmove(&minute->entries[low + 1], &minute->entries[low],
		(minute->n - low) * sizeof *minute->entries);
	minute->entries[low] = (struct topic_entry){ .tbl = tbl };
	minute->n++;
	return &minute->entries[low];
}

/* Within a minute a later telling replaces, */
static void replace(struct topic_minute *minute, const struct topic_minute *told, struct arena *arena)
{
	for (size_t i = 0; i < told->n; i++)
		*entry_of(minute, told->entries[i].tbl, arena) = told->entries[i];
	minute->seen = told->seen;
	minute->sampled = told->sampled;
}

/* and the minutes of an hour add up. */
static void add_minute(struct topic_minute *hour, const struct topic_minute *minute, int64_t after_ms,
	struct arena *arena)
{
	for (size_t i = 0; i < minute->n; i++) {
		struct topic_entry *sum = entry_of(hour, minute->entries[i].tbl, arena);
		const int64_t *numbers = minute->entries[i].numbers;
		int64_t last = numbers[TOPIC_LAST] + after_ms;

		for (size_t f = 0; f < TOPIC_DELAY_MAX; f++)
			sum->numbers[f] += numbers[f];
		sum->numbers[TOPIC_DELAYS] += numbers[TOPIC_DELAYS];
		if (numbers[TOPIC_DELAY_MAX] > sum->numbers[TOPIC_DELAY_MAX])
			sum->numbers[TOPIC_DELAY_MAX] = numbers[TOPIC_DELAY_MAX];
		if (last > sum->numbers[TOPIC_LAST])
			sum->numbers[TOPIC_LAST] = last;
		sum->numbers[TOPIC_SNAPSHOT] |= numbers[TOPIC_SNAPSHOT];
	}
	/* one minute that does not tell makes the sum unknown */
	hour->seen = hour->seen == FACT_UNKNOWN || minute->seen == FACT_UNKNOWN ? FACT_UNKNOWN :
		hour->seen + minute->seen;
	hour->sampled = hour->sampled == FACT_UNKNOWN || minute->sampled == FACT_UNKNOWN ? FACT_UNKNOWN :
		hour->sampled + minute->sampled;
}

/* All rows of `minutes` minutes from `from` on as one. */
static bool merge(struct thinning *thinning, int64_t series, int64_t from, int64_t minutes,
	struct err *err)
{
	struct topic_minute whole = { .minutes = minutes }, minute = { .minutes = 1 };
	struct writer *writer = thinning->writer;
	struct arena *arena = &thinning->arena;
	int64_t rows = 0, batch = 0, at = from;
	bool there, ok;

	arena_reset(arena);
	bind(thinning->minute_rows, series, from, from + minutes);
	while ((ok = sql_step(thinning->minute_rows, &there, err)) && there) {
		int64_t row_at = sqlite3_column_int64(thinning->minute_rows, 0);
		int64_t row_batch = sqlite3_column_int64(thinning->minute_rows, 1);
		struct topic_minute told;

		if (!topic_unpack(sql_text(thinning->minute_rows, 2), arena, &told)) {
			ok = damaged(err);
			break;
		}
		if (row_at != at) {
			add_minute(&whole, &minute, (at - from) * MINUTE_MS, arena);
			minute = (struct topic_minute){ .minutes = 1 };
			at = row_at;
		}
		replace(&minute, &told, arena);
		batch = row_batch > batch ? row_batch : batch;
		rows++;
	}
	sqlite3_reset(thinning->minute_rows);
	if (!ok || rows < 2)
		return ok;
	add_minute(&whole, &minute, (at - from) * MINUTE_MS, arena);
	buf_reset(&thinning->x);
	topic_pack(&thinning->x, &whole);
	if (!sql_run(writer->begin, err))
		return false;
	bind(thinning->minute_cut, series, from, from + minutes);
	bind(thinning->minute_add, series, from, batch);
	sql_bind_blob(thinning->minute_add, 4, buf_text(&thinning->x));
	if (!sql_run(thinning->minute_cut, err) || !sql_run(thinning->minute_add, err))
		return rollback(thinning);
	thinning->changed += rows - 1;
	return sql_run(writer->commit, err) || rollback(thinning);
}

static bool merge_span(struct thinning *thinning, int64_t series, int64_t from_ms, int64_t to_ms,
	int64_t minutes, struct err *err)
{
	int64_t *wanted = NULL;
	size_t n = 0, room = 0;
	bool there, ok;

	if (from_ms >= to_ms)
		return true;
	bind(thinning->minutes, series, from_ms / MINUTE_MS, to_ms / MINUTE_MS);
	sqlite3_bind_int64(thinning->minutes, 4, minutes);
	while ((ok = sql_step(thinning->minutes, &there, err)) && there) {
		if (n == room) {
			room = room ? room * 2 : 64;
			wanted = mem_resize(wanted, room, sizeof *wanted);
		}
		wanted[n++] = sqlite3_column_int64(thinning->minutes, 0) * minutes;
	}
	sqlite3_reset(thinning->minutes);
	for (size_t i = 0; ok && i < n; i++)
		ok = merge(thinning, series, wanted[i], minutes, err);
	free(wanted);
	if (!ok || !sql_run(thinning->writer->begin, err))
		return false;
	bind(thinning->mark, series, to_ms, minutes > 1 ? to_ms : 0);
	return (sql_run(thinning->mark, err) && sql_run(thinning->writer->commit, err)) ||
		rollback(thinning);
}

/* ---- all of it ---- */

struct series_mark {
	int64_t id, kind, minute, hour;
};

static bool load_marks(struct writer *writer, struct series_mark **out, size_t *n_out,
	struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	bool there, ok = sql_prepare(writer->db, "SELECT id, kind, minute, hour FROM series", &stmt, err);
	size_t room = 0;

	while (ok && (ok = sql_step(stmt, &there, err)) && there) {
		if (*n_out == room) {
			room = room ? room * 2 : 256;
			*out = mem_resize(*out, room, sizeof **out);
		}
		(*out)[(*n_out)++] = (struct series_mark){ sqlite3_column_int64(stmt, 0),
			sqlite3_column_int64(stmt, 1), sqlite3_column_int64(stmt, 2),
			sqlite3_column_int64(stmt, 3) };
	}
	sqlite3_finalize(stmt);
	return ok;
}

static int64_t whole_hour(int64_t ms)
{
	return ms - ms % HOUR_MS;
}

static bool thin_series(struct thinning *thinning, const struct series_mark *mark, int64_t now,
	int64_t keep_days, struct err *err)
{
	int64_t raw_ms = mark->kind == SERIES_TABLES ? TOPIC_RAW_HOURS * HOUR_MS : thinning->whole_ms;
	int64_t hour_ms = mark->kind == SERIES_TABLES ? TOPIC_MINUTE_HOURS * HOUR_MS :
		raw_ms > LAG_MINUTE_DAYS * DAY_MS ? raw_ms : LAG_MINUTE_DAYS * DAY_MS;
	int64_t minute_to = whole_hour(now - raw_ms), hour_to = whole_hour(now - hour_ms), n;

	if (mark->kind == SERIES_TABLES)
		return merge_span(thinning, mark->id, mark->minute, minute_to, 1, err) &&
			merge_span(thinning, mark->id, mark->hour, hour_to, 60, err);
	if (!writer_batch_before(thinning->writer, now - raw_ms, &n, err) ||
		!thin(thinning, mark->id, (struct span){ mark->minute, minute_to, MINUTE_MS, n }, err) ||
		!writer_batch_before(thinning->writer, now - hour_ms, &n, err) ||
		!thin(thinning, mark->id, (struct span){ mark->hour, hour_to, HOUR_MS, n }, err))
		return false;
	return keep_days <= 0 || drop_old(thinning, mark->id, now - keep_days * DAY_MS, err);
}

/* One a minute, then one an hour; the newest of a source stays. ?1, ?2: from, to; ?3: bucket. */
static bool thin_sweeps(struct thinning *thinning, int64_t now, struct err *err)
{
	static const char sql[] =
		"DELETE FROM sweep WHERE (source, at, batch) IN (SELECT s.source, s.at, s.batch FROM source o"
		" CROSS JOIN sweep s ON s.source = o.id AND s.at >= ?1 AND s.at < ?2 WHERE EXISTS"
		" (SELECT 1 FROM sweep t WHERE t.source = s.source AND t.at > s.at"
		" AND t.at < (s.at / ?3 + 1) * ?3))";
	const struct { int64_t from, to, bucket; } spans[] = {
		{ now - thinning->whole_ms - 2 * DAY_MS, now - thinning->whole_ms, MINUTE_MS },
		{ now - (LAG_MINUTE_DAYS + 2) * DAY_MS, now - LAG_MINUTE_DAYS * DAY_MS, HOUR_MS },
	};
	sqlite3_stmt *stmt = NULL;
	bool ok = sql_prepare(thinning->writer->db, sql, &stmt, err);

	for (size_t i = 0; ok && i < ARRAY_LEN(spans); i++) {
		bind(stmt, spans[i].from, spans[i].to, spans[i].bucket);
		if (!(ok = sql_run(thinning->writer->begin, err)))
			break;
		ok = (sql_run(stmt, err) && sql_run(thinning->writer->commit, err)) || rollback(thinning);
		thinning->changed += ok ? sqlite3_changes(thinning->writer->db) : 0;
	}
	sqlite3_finalize(stmt);
	return ok;
}

/* What is told of one moment goes with its days. */
static bool drop_days(struct thinning *thinning, const char *sql, int64_t cut, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	bool ok = sql_prepare(thinning->writer->db, sql, &stmt, err) &&
		sql_run(thinning->writer->begin, err);

	if (ok) {
		sqlite3_bind_int64(stmt, 1, cut);
		ok = (sql_run(stmt, err) && sql_run(thinning->writer->commit, err)) || rollback(thinning);
		thinning->changed += ok ? sqlite3_changes(thinning->writer->db) : 0;
	}
	sqlite3_finalize(stmt);
	return ok;
}

static bool drop_all_days(struct thinning *thinning, int64_t now,
	const int64_t keep_days[FACT_KIND_COUNT], struct err *err)
{
	static const struct {
		enum fact_kind kind;
		const char *sql; /* ?1: cut in ms */
	} rules[] = {
		{ FACT_SWEEP, "DELETE FROM sweep WHERE at < ?1 AND at <"
			      " (SELECT max(at) FROM sweep s WHERE s.source = sweep.source)" },
		{ FACT_TOPIC_TABLE, "DELETE FROM topic_minute WHERE minute < ?1 / 60000" },
		{ FACT_CONNECTOR, "DELETE FROM connector WHERE at < ?1 AND at < (SELECT max(at)"
				  " FROM connector c WHERE c.connect = connector.connect"
				  " AND c.connector = connector.connector)" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		int64_t days = keep_days[rules[i].kind];

		if (days > 0 && !drop_days(thinning, rules[i].sql, now - days * DAY_MS, err))
			return false;
	}
	return true;
}

bool lag_writer_retain(struct writer *writer, const int64_t keep_days[FACT_KIND_COUNT],
	int64_t whole_ms, int64_t *changed_out, struct err *err)
{
	struct thinning thinning = { .writer = writer,
		.whole_ms = whole_ms > 0 ? whole_ms : LAG_RAW_HOURS * HOUR_MS };
	int64_t now = writer->clock->wall_ms(writer->clock);
	struct series_mark *marks = NULL;
	size_t n = 0;
	bool ok = true;

	lag_state_init(&thinning.state);
	lag_state_init(&thinning.before);
	lag_state_init(&thinning.last);
	buf_init(&thinning.x, LAG_ROW_MAX);
	for (size_t i = 0; ok && i < ARRAY_LEN(statements); i++)
		ok = sql_prepare(writer->db, statements[i].sql, statement(&thinning, i), err);
	ok = ok && load_marks(writer, &marks, &n, err);
	for (size_t i = 0; ok && i < n; i++)
		ok = thin_series(&thinning, &marks[i], now,
			keep_days[marks[i].kind == SERIES_MARKS ? FACT_MARKS : FACT_POSITION], err);
	if (ok && n > 0)
		ok = thin_sweeps(&thinning, now, err);
	ok = ok && drop_all_days(&thinning, now, keep_days, err);
	for (size_t i = 0; i < ARRAY_LEN(statements); i++)
		sqlite3_finalize(*statement(&thinning, i));
	lag_state_done(&thinning.state);
	lag_state_done(&thinning.before);
	lag_state_done(&thinning.last);
	arena_free(&thinning.arena);
	buf_done(&thinning.x);
	free(marks);
	*changed_out += thinning.changed;
	return ok;
}
