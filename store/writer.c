/* SPDX-License-Identifier: Apache-2.0 */
#include "store/writer.h"

#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "store/table_fields.h"

static const struct {
	size_t at;
	const char *sql;
} statements[] = {
#define STATEMENT(name, sql) { offsetof(struct writer, name), sql }
	STATEMENT(begin, "BEGIN IMMEDIATE"),
	STATEMENT(commit, "COMMIT"),
	STATEMENT(pending, "INSERT OR REPLACE INTO pending (one, batch, k0, k1) VALUES (1, ?1, ?2, ?3)"),
	STATEMENT(batch_add, "INSERT INTO batch (n, seen_at, k_max) VALUES (?1, ?2, ?3)"),
	STATEMENT(cursor_put, "UPDATE source SET cursor = ?2 WHERE id = ?1"),
	STATEMENT(source_add, "INSERT INTO source (name) VALUES (?1)"),
	STATEMENT(count_put,
		"INSERT OR REPLACE INTO source_count (source, batch, facts, undecodable, fallback,"
		" read_bytes, read_records, last_at, facts_batch)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"),
	/* OR FAIL: what fails here fails the transaction; no statement journal in temporary files. */
	STATEMENT(event_insert,
		"INSERT OR FAIL INTO event (" EVENT_COLUMNS ") SELECT " EVENT_COLUMNS " FROM event_rows"),
	STATEMENT(event_find, "SELECT x FROM event WHERE k = ?1"),
	STATEMENT(event_scan, "SELECT k, x FROM event WHERE k >= ?1 ORDER BY k"),
	STATEMENT(edge_add,
		"INSERT OR IGNORE INTO edge (pipeline, output, input, k, batch, upd, flow)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"),
	STATEMENT(segment_find,
		"SELECT id FROM segment WHERE path = ?1 AND device = ?2 AND inode = ?3"
		" AND head_hash = ?4 AND head_len = ?5"),
	STATEMENT(segment_add,
		"INSERT INTO segment (path, device, inode, head_hash, head_len, source, compressed)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"),
	STATEMENT(pipeline_find,
		"SELECT k, name FROM pipeline WHERE id = ?1 ORDER BY batch DESC LIMIT 1"),
	STATEMENT(pipeline_add,
		"INSERT OR REPLACE INTO pipeline (id, batch, k, name, source)"
		" VALUES (?1, ?2, ?3, ?4, ?5)"),
	STATEMENT(zone_add, "INSERT OR IGNORE INTO zone (pipeline, hour) VALUES (?1, ?2)"),
	STATEMENT(table_find, "SELECT id FROM tbl WHERE path = ?1 ORDER BY id DESC LIMIT 1"),
	STATEMENT(table_add, "INSERT INTO tbl (path, name, source, batch) VALUES (?1, ?2, ?3, ?4)"),
	STATEMENT(version_add,
		"INSERT OR IGNORE INTO version (tbl, version, batch, source, happened_at, timestamp,"
		" commit_info, in_commit_timestamp, read_version, is_blind_append, files_added,"
		" files_removed, bytes_added, bytes_removed, rows_added, rows_removed, dv_added,"
		" data_change, table_id, operation, user_id, user_name, engine, isolation_level,"
		" user_metadata, parameters, metrics, job, notebook, cluster_id, update_id,"
		" pipeline_id, epoch_id, changes, problem) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
		" ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
	STATEMENT(state_newest, "SELECT " STATE_COLUMNS " FROM table_state WHERE tbl = ?1"
		" ORDER BY batch DESC LIMIT 1"),
	STATEMENT(state_add, "INSERT OR REPLACE INTO table_state (" STATE_COLUMNS ", tbl, batch, at)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
		" ?, ?)"),
	STATEMENT(shape_find, "SELECT id, v FROM table_shape WHERE h = ?1"),
	STATEMENT(shape_add, "INSERT INTO table_shape (h, v) VALUES (?1, ?2)"),
	STATEMENT(standing_newest, "SELECT " STANDING_COLUMNS " FROM standing WHERE tbl = ?1"
		" AND version = ?2 ORDER BY batch DESC LIMIT 1"),
	STATEMENT(standing_add, "INSERT OR REPLACE INTO standing (" STANDING_COLUMNS ", tbl, version,"
		" batch) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
	STATEMENT(health_add,
		"INSERT OR REPLACE INTO health (source, at, batch, state, text, detail, behind)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"),
	STATEMENT(undecodable_add,
		"INSERT OR IGNORE INTO undecodable (source, place, batch, at, reason, bytes, length)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"),
#undef STATEMENT
};

static sqlite3_stmt **statement(struct writer *writer, size_t i)
{
	return (sqlite3_stmt **)(void *)((char *)writer + statements[i].at);
}

/* One value of a query without parameters; NULL and no row leave *value_out alone. */
static bool query_int(sqlite3 *db, const char *sql, int64_t *value_out, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	bool row, ok;

	if (!sql_prepare(db, sql, &stmt, err))
		return false;
	ok = sql_step(stmt, &row, err);
	if (ok && row && sqlite3_column_type(stmt, 0) != SQLITE_NULL)
		*value_out = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return ok;
}

static struct writer_source *source_new(struct writer *writer, struct text name, int64_t id)
{
	struct writer_source *source = NEW(struct writer_source);

	source->name = (struct text){ text_dup(name), name.len };
	source->id = id;
	source->last_at = FACT_UNKNOWN;
	source->facts_batch = FACT_UNKNOWN;
	if (writer->nsources == writer->sources_room) {
		writer->sources_room = writer->sources_room ? writer->sources_room * 2 : 16;
		writer->sources = mem_resize(
			writer->sources, writer->sources_room, sizeof(struct writer_source *));
	}
	writer->sources[writer->nsources++] = source;
	return source;
}

static void set_cursor(struct writer_source *source, struct text cursor)
{
	free(source->cursor);
	source->cursor = text_dup(cursor);
	source->cursor_len = cursor.len;
}

static bool load_sources(struct writer *writer, struct err *err)
{
	static const char sql[] =
		"SELECT s.id, s.name, s.cursor, c.facts, c.undecodable, c.fallback, c.read_bytes,"
		" c.read_records, c.last_at, c.facts_batch FROM source s LEFT JOIN source_count c"
		" ON c.source = s.id AND c.batch ="
		" (SELECT max(batch) FROM source_count WHERE source = s.id) ORDER BY s.id";
	sqlite3_stmt *stmt = NULL;
	bool row = true, ok;

	ok = sql_prepare(writer->db, sql, &stmt, err);
	while (ok) {
		struct writer_source *source;
		struct text cursor;

		ok = sql_step(stmt, &row, err);
		if (!ok || !row)
			break;
		source = source_new(writer, sql_text(stmt, 1), sqlite3_column_int64(stmt, 0));
		cursor = sql_text(stmt, 2);
		if (cursor.bytes)
			set_cursor(source, cursor);
		source->facts = sqlite3_column_int64(stmt, 3);
		source->undecodable = sqlite3_column_int64(stmt, 4);
		source->fallback = sqlite3_column_int64(stmt, 5);
		source->read_bytes = sqlite3_column_int64(stmt, 6);
		source->read_records = sqlite3_column_int64(stmt, 7);
		source->last_at = sql_int(stmt, 8);
		source->facts_batch = sql_int(stmt, 9);
	}
	sqlite3_finalize(stmt);
	return ok;
}

struct writer_source *writer_source(struct writer *writer, struct text name, struct err *err)
{
	for (size_t i = 0; i < writer->nsources; i++) {
		if (text_eq(writer->sources[i]->name, name))
			return writer->sources[i];
	}
	sql_bind_text(writer->source_add, 1, name);
	if (!sql_run(writer->source_add, err))
		return NULL;
	return source_new(writer, name, sqlite3_last_insert_rowid(writer->db));
}

static bool rollback(struct writer *writer)
{
	/* SQLite has rolled back by itself after some errors; the one reported is the first */
	(void)sqlite3_exec(writer->db, "ROLLBACK", NULL, NULL, NULL);
	writer->broken = true;
	return false;
}

/* Ends the unit that is being filled: derived rows, then the row that makes it visible. */
static bool show(struct writer *writer, struct err *err)
{
	int64_t now;

	if (!derive_flush(writer->derive, writer->n, err))
		return false;
	/* not before: who looks meanwhile does not see this unit, nor later as of that moment */
	now = writer->clock->wall_ms(writer->clock);
	if (now < writer->seen_at_ms)
		now = writer->seen_at_ms; /* a clock set back must not make an as-of ambiguous */
	sqlite3_bind_int64(writer->batch_add, 1, writer->n);
	sqlite3_bind_int64(writer->batch_add, 2, now);
	sqlite3_bind_int64(writer->batch_add, 3, writer->k_max);
	if (!sql_run(writer->batch_add, err))
		return false;
	writer->seen_at_ms = now;
	return true;
}

static void shown(struct writer *writer)
{
	writer->n++;
	writer->open = false;
	writer->unit_events = 0;
	writer->k0 = 1;
	writer->k1 = 0;
}

static bool put_pending(struct writer *writer, struct err *err)
{
	bool any = writer->k0 <= writer->k1;

	sqlite3_bind_int64(writer->pending, 1, writer->n);
	sql_bind_int(writer->pending, 2, any ? writer->k0 : FACT_UNKNOWN);
	sql_bind_int(writer->pending, 3, any ? writer->k1 : FACT_UNKNOWN);
	return sql_run(writer->pending, err);
}

bool writer_show(struct writer *writer, struct err *err)
{
	if (!writer->open)
		return true;
	if (!sql_run(writer->begin, err))
		return false;
	if (!show(writer, err) || !sql_run(writer->commit, err))
		return rollback(writer);
	shown(writer);
	return true;
}

static bool put_counts(struct writer *writer, const struct writer_source *source, struct err *err)
{
	const int64_t values[] = { source->id, writer->n, source->facts, source->undecodable,
		source->fallback, source->read_bytes, source->read_records, source->last_at,
		source->facts_batch };

	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		sql_bind_int(writer->count_put, (int)i + 1, values[i]);
	return sql_run(writer->count_put, err);
}

static bool put_batch(struct writer *writer, const struct fact_batch *batch, bool visible,
	struct err *err)
{
	struct writer_source *source = writer_source(writer, batch->source, err);
	int64_t events, facts;

	if (!source || !writer_events(writer, source, batch, &events, err) ||
		!writer_facts(writer, source, batch, &facts, err))
		return false;
	writer->unit_events += events;
	source->facts += events + facts;
	source->undecodable += batch->undecodable;
	source->fallback += batch->fallback;
	source->read_bytes += batch->read_bytes;
	source->read_records += batch->read_records;
	source->totals.batches++;
	source->totals.events_put += (int64_t)batch->nevents;
	source->totals.events_new += events;
	for (size_t i = 0; i < batch->nfacts; i++)
		source->totals.facts_put += batch->facts[i].kind != FACT_HEALTH;
	source->totals.facts_new += facts;
	source->totals.undecodable += batch->undecodable;
	if (!put_counts(writer, source, err))
		return false;
	if (batch->cursor.bytes) {
		sqlite3_bind_int64(writer->cursor_put, 1, source->id);
		sql_bind_blob(writer->cursor_put, 2, batch->cursor);
		if (!sql_run(writer->cursor_put, err))
			return false;
	}
	if (visible)
		return show(writer, err);
	return put_pending(writer, err);
}

bool writer_batch(
	struct writer *writer, const struct fact_batch *batch, bool visible, struct err *err)
{
	arena_reset(&writer->arena);
	if (!writer->open)
		writer->opened_ms = writer->clock->mono_ms(writer->clock);
	if (!sql_run(writer->begin, err))
		return false;
	if (!put_batch(writer, batch, visible, err) || !sql_run(writer->commit, err))
		return rollback(writer);
	if (batch->cursor.bytes)
		set_cursor(writer_source(writer, batch->source, err), batch->cursor);
	if (visible)
		shown(writer);
	else
		writer->open = true;
	return true;
}

/*
 * After a crash between the transactions of one unit its facts are there, but neither visible nor
 * in the derived rows: they are folded from the facts, then shown.
 */
static bool recover(struct writer *writer, struct err *err)
{
	static const char sql[] = "SELECT " EVENT_COLUMNS " FROM event WHERE k BETWEEN"
				  " (SELECT k0 FROM pending) AND (SELECT k1 FROM pending)"
				  " AND batch = ?1";
	sqlite3_stmt *stmt = NULL;
	int64_t pending = 0;
	bool row = true, ok;

	if (!query_int(writer->db, "SELECT batch FROM pending", &pending, err))
		return false;
	if (pending < writer->n)
		return true;
	ok = sql_prepare(writer->db, sql, &stmt, err);
	if (ok)
		sqlite3_bind_int64(stmt, 1, writer->n);
	while (ok) {
		struct stored_event event;

		ok = sql_step(stmt, &row, err);
		if (!ok || !row)
			break;
		arena_reset(&writer->arena);
		ok = event_of_row(stmt, &writer->arena, &event, err) &&
			derive_add(writer->derive, &event, err);
	}
	sqlite3_finalize(stmt);
	writer->open = true;
	return ok && writer_show(writer, err);
}

bool writer_open(struct writer *writer, sqlite3 *db, const struct clock *clock, struct err *err)
{
	*writer = (struct writer){ .db = db, .clock = clock, .k0 = 1, .k_max = -1 };
	if (!event_rows_register(db, &writer->rows, err))
		goto fail;
	for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
		if (!sql_prepare(db, statements[i].sql, statement(writer, i), err))
			goto fail;
	}
	if (!dims_open(db, &writer->dims, err) || !derive_open(db, &writer->derive, err) ||
		!raw_packer_open(db, &writer->raw, err) ||
		!lag_writer_open(db, &writer->lag, err) ||
		!query_int(db, "SELECT max(n) FROM batch", &writer->n, err) ||
		!query_int(db, "SELECT seen_at FROM batch ORDER BY n DESC LIMIT 1",
			&writer->seen_at_ms, err) ||
		!query_int(db, "SELECT max(k) FROM event", &writer->k_max, err) ||
		!load_sources(writer, err))
		goto fail;
	writer->n++;
	if (!recover(writer, err))
		goto fail;
	return true;
fail:
	writer_close(writer);
	return false;
}

void writer_close(struct writer *writer)
{
	for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
		sqlite3_finalize(*statement(writer, i));
		*statement(writer, i) = NULL;
	}
	dims_close(writer->dims);
	derive_close(writer->derive);
	raw_packer_close(writer->raw);
	lag_writer_close(writer->lag);
	for (size_t i = 0; i < writer->nsources; i++) {
		free((char *)(uintptr_t)writer->sources[i]->name.bytes);
		free(writer->sources[i]->cursor);
		free(writer->sources[i]);
	}
	FREE(&writer->sources);
	FREE(&writer->pipelines);
	arena_free(&writer->arena);
	writer->dims = NULL;
	writer->derive = NULL;
	writer->raw = NULL;
	writer->lag = NULL;
	writer->nsources = 0;
}
