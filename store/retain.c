/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "base/mem.h"
#include "store/writer.h"

enum { DAY_MS = 24 * 3600 * 1000, HOUR_MS = 3600 * 1000 };

/*
 * What is past its days goes: happened before the cut and seen before it, so that an old log read
 * today stays its days from today. Slices of K_STEP keys or SLICE rows, a short transaction each,
 * let readers and other writers in between.
 */
enum { SLICE = 5000 };

/* ?1: cut in ms; ?2: newest batch seen before the cut; ?3: smallest k of the cut. */
static const struct {
	enum fact_kind kind;
	const char *sql; /* deletes at most SLICE rows; run until it deletes none */
} rules[] = {
	{ FACT_EVENT, "DELETE FROM raw WHERE k IN (SELECT k FROM raw WHERE k < ?3 AND NOT EXISTS"
		      " (SELECT 1 FROM event e WHERE e.k = raw.k) LIMIT 5000)" },
	{ FACT_EVENT, "DELETE FROM flow_run WHERE upd IN (SELECT upd FROM run WHERE created_k < ?3"
		      " AND last_k < ?3 AND batch_max <= ?2 AND EXISTS (SELECT 1 FROM flow_run f"
		      " WHERE f.upd = run.upd) LIMIT 500)" },
	{ FACT_EVENT, "DELETE FROM run WHERE upd IN (SELECT upd FROM run WHERE created_k < ?3"
		      " AND last_k < ?3 AND batch_max <= ?2 AND NOT EXISTS (SELECT 1 FROM flow_run f"
		      " WHERE f.upd = run.upd) LIMIT 5000)" },
	{ FACT_EVENT, "DELETE FROM roll_h WHERE hour < ?1 / 3600000 AND batch_max <= ?2" },
	{ FACT_EVENT, "DELETE FROM zone WHERE hour < ?1 / 3600000 AND NOT EXISTS (SELECT 1 FROM event"
		      " WHERE k >= (hour * 3600000) << 20 AND k < ((hour + 1) * 3600000) << 20)" },
	{ FACT_EDGE, "DELETE FROM edge WHERE k < ?3 AND batch <= ?2" },
	/* since when the state holds in which the days begin stays known: the first report of it */
	{ FACT_HEALTH, "WITH held (source, state) AS (SELECT source, state FROM health"
		       " WHERE (source, at) IN (SELECT source, max(at) FROM health WHERE at < ?1"
		       " GROUP BY source)), began (source, at) AS (SELECT source, (SELECT min(h.at)"
		       " FROM health h WHERE h.source = held.source AND h.at > ifnull((SELECT max(o.at)"
		       " FROM health o WHERE o.source = held.source AND o.at < ?1"
		       " AND o.state <> held.state), -9223372036854775808)) FROM held)"
		       " DELETE FROM health WHERE at < ?1 AND batch <= ?2 AND at <"
		       " (SELECT max(at) FROM health h WHERE h.source = health.source)"
		       " AND (source, at) NOT IN (SELECT source, at FROM began)" },
	{ FACT_HEALTH, "DELETE FROM source_count WHERE batch <= ?2 AND batch <"
		       " (SELECT max(batch) FROM source_count c WHERE c.source = source_count.source"
		       " AND c.batch <= ?2)" },
	{ FACT_UNDECODABLE, "DELETE FROM undecodable WHERE id IN (SELECT id FROM undecodable"
			    " WHERE at < ?1 AND batch <= ?2 LIMIT 5000)" },
	/* the newest stays: a table that nobody writes has one all the same */
	{ FACT_VERSION, "DELETE FROM version WHERE timestamp < ?1 AND batch <= ?2 AND version <"
			" (SELECT max(v.version) FROM version v WHERE v.tbl = version.tbl)" },
	/* what was told last before the cut was still so at the cut */
	{ FACT_TABLE, "DELETE FROM table_state WHERE batch <= ?2 AND batch < (SELECT max(batch)"
		      " FROM table_state t WHERE t.tbl = table_state.tbl AND t.batch <= ?2)" },
	{ FACT_STANDING, "DELETE FROM standing WHERE batch <= ?2 AND (batch < (SELECT max(batch)"
			 " FROM standing s WHERE s.tbl = standing.tbl AND s.version = standing.version"
			 " AND s.batch <= ?2) OR NOT EXISTS (SELECT 1 FROM version v"
			 " WHERE v.tbl = standing.tbl AND v.version = standing.version))" },
};

static bool slice(struct writer *writer, sqlite3_stmt *stmt, int *changes_out, struct err *err)
{
	bool ok;

	*changes_out = 0;
	if (!sql_run(writer->begin, err))
		return false;
	ok = sql_run(stmt, err);
	if (ok)
		*changes_out = sqlite3_changes(writer->db);
	if (ok && sql_run(writer->commit, err))
		return true;
	(void)sqlite3_exec(writer->db, "ROLLBACK", NULL, NULL, NULL); /* first error counts */
	return false;
}

bool writer_batch_before(struct writer *writer, int64_t cut_ms, int64_t *n_out, struct err *err)
{
	static const char sql[] = "SELECT n FROM batch WHERE seen_at < ?1 ORDER BY seen_at DESC, n DESC"
				  " LIMIT 1";
	sqlite3_stmt *stmt = NULL;
	bool row = false, ok = sql_prepare(writer->db, sql, &stmt, err);

	if (ok) {
		sqlite3_bind_int64(stmt, 1, cut_ms);
		ok = sql_step(stmt, &row, err);
	}
	if (ok)
		*n_out = row ? sqlite3_column_int64(stmt, 0) : 0;
	sqlite3_finalize(stmt);
	return ok;
}

static bool delete_rows(struct writer *writer, const char *sql, int64_t cut_ms, int64_t n,
	int64_t *deleted, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	bool ok = sql_prepare(writer->db, sql, &stmt, err);
	int changes = 1;

	while (ok && changes > 0) {
		sqlite3_bind_int64(stmt, 1, cut_ms);
		sqlite3_bind_int64(stmt, 2, n);
		sqlite3_bind_int64(stmt, 3, event_k_from(cut_ms));
		ok = slice(writer, stmt, &changes, err);
		*deleted += changes;
	}
	sqlite3_finalize(stmt);
	return ok;
}

/*
 * Events go by key from the oldest on, so that rows that must stay are passed over only once. Of an
 * update that goes on, what began it and says what its flows write is needed to tell of it as of a
 * time: those few stay with it.
 */
static bool delete_events(
	struct writer *writer, int64_t cut_ms, int64_t n, int64_t *deleted, struct err *err)
{
	static const char last_sql[] = "SELECT max(k) FROM (SELECT k FROM event WHERE k > ?1 AND"
				       " k < ?2 ORDER BY k LIMIT 5000)";
	static const char delete_sql[] =
		"DELETE FROM event WHERE k > ?1 AND k <= ?2 AND batch <= ?3 AND NOT (type IN (1, 4, 6)"
		" AND EXISTS (SELECT 1 FROM run r WHERE r.upd = event.upd AND r.last_k >= ?4))";
	sqlite3_stmt *last = NULL, *stmt = NULL;
	int64_t from = -1, to;
	bool row, ok;

	ok = sql_prepare(writer->db, last_sql, &last, err) &&
		sql_prepare(writer->db, delete_sql, &stmt, err);
	while (ok) {
		int changes = 0;

		sqlite3_bind_int64(last, 1, from);
		sqlite3_bind_int64(last, 2, event_k_from(cut_ms));
		ok = sql_step(last, &row, err);
		if (!ok)
			break;
		to = sql_int(last, 0);
		sqlite3_reset(last);
		if (to == FACT_UNKNOWN)
			break;
		sqlite3_bind_int64(stmt, 1, from);
		sqlite3_bind_int64(stmt, 2, to);
		sqlite3_bind_int64(stmt, 3, n);
		sqlite3_bind_int64(stmt, 4, event_k_from(cut_ms));
		ok = slice(writer, stmt, &changes, err);
		*deleted += changes;
		from = to;
	}
	sqlite3_finalize(last);
	sqlite3_finalize(stmt);
	return ok;
}

static bool retain_all(struct writer *writer, const int64_t keep_days[FACT_KIND_COUNT],
	int64_t whole_lag_ms, int64_t *went, struct err *err)
{
	int64_t now = writer->clock->wall_ms(writer->clock);
	int64_t cut, n;

	if (keep_days[FACT_EVENT] > 0) {
		cut = now - keep_days[FACT_EVENT] * DAY_MS;
		if (!writer_batch_before(writer, cut, &n, err) ||
			(n > 0 && !delete_events(writer, cut, n, went, err)))
			return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		int64_t days = keep_days[rules[i].kind];

		if (days <= 0)
			continue;
		cut = now - days * DAY_MS;
		if (!writer_batch_before(writer, cut, &n, err))
			return false;
		if (n > 0 && !delete_rows(writer, rules[i].sql, cut, n, went, err))
			return false;
	}
	return lag_writer_retain(writer, keep_days, whole_lag_ms, went, err);
}

bool writer_retain(struct writer *writer, const int64_t keep_days[FACT_KIND_COUNT],
	int64_t whole_lag_ms, struct err *err)
{
	int64_t went = 0;
	bool ok = retain_all(writer, keep_days, whole_lag_ms, &went, err);

	if (went > 0) { /* also when it had to stop half way: memory must not know what went */
		derive_forget(writer->derive);
		for (size_t i = 0; i < writer->npipelines; i++)
			writer->pipelines[i].hour = -1;
	}
	if (!ok || went == 0)
		return ok;
	writer->open = true; /* a unit of its own: consoles look again when there is a newer one */
	return writer_show(writer, err);
}
