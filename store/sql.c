/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "store/internal.h"

static void configure(void)
{
	/* counting what is allocated takes a mutex every time; refused once SQLite runs: no harm */
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

void sql_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, configure);
}

bool sql_error(sqlite3 *db, struct err *err, const char *fmt, ...)
{
	char what[192];
	int code = sqlite3_extended_errcode(db);
	const char *why = sqlite3_errmsg(db);
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(what, sizeof what, fmt, args); /* cut is fine */
	va_end(args);
	switch (code & 0xff) {
	case SQLITE_FULL:
		why = "the disk is full; free some space";
		break;
	case SQLITE_CORRUPT:
		why = "the store is damaged; keep the file, move it away and start a new one";
		break;
	case SQLITE_NOTADB:
		return err_set(err, ERR_STORE, code, "this is not a Weir store"); /* whatever was run */
	case SQLITE_BUSY:
		why = "another process is writing to the store";
		break;
	case SQLITE_INTERRUPT:
		return err_set(err, ERR_LIMIT, code, "%s: out of time", what);
	default:
		break;
	}
	return err_set(err, ERR_STORE, code, "%s: %s", what, why);
}

bool sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **stmt, struct err *err)
{
	if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL) != SQLITE_OK)
		return sql_error(db, err, "prepare \"%.80s\"", sql);
	return true;
}

bool sql_exec(sqlite3 *db, const char *sql, struct err *err)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return sql_error(db, err, "run \"%.80s\"", sql);
	return true;
}

bool sql_step(sqlite3_stmt *stmt, bool *row_out, struct err *err)
{
	int rc = sqlite3_step(stmt);

	if (rc == SQLITE_ROW) {
		*row_out = true;
		return true;
	}
	if (rc != SQLITE_DONE) {
		(void)sql_error(sqlite3_db_handle(stmt), err, "run \"%.80s\"", sqlite3_sql(stmt));
		sqlite3_reset(stmt);
		return false;
	}
	sqlite3_reset(stmt);
	*row_out = false;
	return true;
}

bool sql_run(sqlite3_stmt *stmt, struct err *err)
{
	bool row = true;

	while (row) {
		if (!sql_step(stmt, &row, err))
			return false;
	}
	return true;
}

void sql_bind_int(sqlite3_stmt *stmt, int at, int64_t value)
{
	if (value == FACT_UNKNOWN)
		sqlite3_bind_null(stmt, at);
	else
		sqlite3_bind_int64(stmt, at, value);
}

void sql_bind_id(sqlite3_stmt *stmt, int at, int64_t id)
{
	if (id == 0)
		sqlite3_bind_null(stmt, at);
	else
		sqlite3_bind_int64(stmt, at, id);
}

void sql_bind_text(sqlite3_stmt *stmt, int at, struct text text)
{
	sqlite3_bind_text64(stmt, at, text.bytes, text.len, SQLITE_STATIC, SQLITE_UTF8);
}

void sql_bind_blob(sqlite3_stmt *stmt, int at, struct text bytes)
{
	sqlite3_bind_blob64(stmt, at, bytes.bytes, bytes.len, SQLITE_STATIC);
}

int64_t sql_int(sqlite3_stmt *stmt, int column)
{
	if (sqlite3_column_type(stmt, column) == SQLITE_NULL)
		return FACT_UNKNOWN;
	return sqlite3_column_int64(stmt, column);
}

int64_t sql_id(sqlite3_stmt *stmt, int column)
{
	return sqlite3_column_int64(stmt, column); /* NULL reads as 0 */
}

struct text sql_text(sqlite3_stmt *stmt, int column)
{
	const char *bytes;

	switch (sqlite3_column_type(stmt, column)) {
	case SQLITE_NULL:
		return TEXT_NONE;
	case SQLITE_BLOB:
		bytes = sqlite3_column_blob(stmt, column);
		break;
	default:
		bytes = (const char *)sqlite3_column_text(stmt, column);
		break;
	}
	/* an empty blob is NULL to SQLite, but it is not absent */
	return (struct text){ bytes ? bytes : "", (size_t)sqlite3_column_bytes(stmt, column) };
}

struct text sql_text_copy(sqlite3_stmt *stmt, int column, struct arena *arena)
{
	return arena_text(arena, sql_text(stmt, column));
}

bool event_of_row(
	sqlite3_stmt *stmt, struct arena *arena, struct stored_event *event, struct err *err)
{
	struct text x = sql_text(stmt, 9);

	stored_event_init(event);
	event->k = sqlite3_column_int64(stmt, 0);
	event->batch = sqlite3_column_int64(stmt, 1);
	event->type = (enum event_type)sqlite3_column_int(stmt, 2);
	event->level = (enum event_level)sqlite3_column_int(stmt, 3);
	event->pipeline = sql_id(stmt, 4);
	event->upd = sql_id(stmt, EVENT_UPD_COLUMN);
	event->flow = sql_id(stmt, 6);
	event->dataset = sql_id(stmt, 7);
	event->message = sql_id(stmt, 8);
	event->happened_at_ms = event_k_ms(event->k);
	if (event->type >= EVENT_TYPE_COUNT || event->level > LEVEL_ERROR ||
		!unpack_event(x, arena, event))
		return err_set(err, ERR_STORE, 0, "read event %lld: the row is damaged",
			(long long)event->k);
	return true;
}

int64_t dim_hash(struct text text)
{
	return (int64_t)(text_hash(text) & 0xffffffff);
}

bool dim_find(sqlite3 *db, struct text text, int64_t *id_out, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int64_t id = 0;
	bool row, ok;

	if (!sql_prepare(db, "SELECT id FROM dim WHERE h = ?1 AND v = ?2", &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, dim_hash(text));
	sql_bind_text(stmt, 2, text);
	ok = sql_step(stmt, &row, err);
	if (ok && row)
		id = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	if (ok)
		*id_out = id;
	return ok;
}
