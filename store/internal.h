/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"
#include "store/pack.h"

/*
 * What the writing and the reading side share around SQLite. Private to store/. A connection and
 * everything prepared on it belong to one thread.
 */
enum {
	STORE_APPLICATION_ID = 0x57656972, /* "Weir" */
	STORE_BUSY_MS = 5000
};
int store_schema_version(void); /* user_version this program writes: the number of migrations */

/* ERR_STORE with SQLite's words after ours; FULL, CORRUPT, NOTADB and BUSY are named for people. */
bool sql_error(sqlite3 *db, struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Before the first connection of a process is opened; any thread. */
void sql_init(void);
/* Prepares once (persistent); *stmt is finalized by the caller. */
bool sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **stmt, struct err *err);
bool sql_exec(sqlite3 *db, const char *sql, struct err *err);
/* One step. True with *row_out: a row is there; after the last row the statement is reset. */
bool sql_step(sqlite3_stmt *stmt, bool *row_out, struct err *err);
/* Runs a statement that gives no rows and resets it. */
bool sql_run(sqlite3_stmt *stmt, struct err *err);

void sql_bind_int(sqlite3_stmt *stmt, int at, int64_t value);  /* FACT_UNKNOWN binds NULL */
void sql_bind_id(sqlite3_stmt *stmt, int at, int64_t id);      /* 0 binds NULL */
void sql_bind_text(sqlite3_stmt *stmt, int at, struct text text); /* borrowed until reset */
void sql_bind_blob(sqlite3_stmt *stmt, int at, struct text bytes); /* borrowed until reset */
int64_t sql_int(sqlite3_stmt *stmt, int column);               /* NULL gives FACT_UNKNOWN */
int64_t sql_id(sqlite3_stmt *stmt, int column);                /* NULL gives 0 */
struct text sql_text(sqlite3_stmt *stmt, int column);          /* borrowed until the next step */
struct text sql_text_copy(sqlite3_stmt *stmt, int column, struct arena *arena);

/* The columns of event in the order event_of_row reads them. */
#define EVENT_COLUMNS "k, batch, type, level, pipeline, upd, flow, dataset, msg, x"
enum { EVENT_UPD_COLUMN = 5 };
/* Reads columns 0 to 9 of a row of EVENT_COLUMNS; arrays in the arena. ERR_STORE: damaged x. */
bool event_of_row(
	sqlite3_stmt *stmt, struct arena *arena, struct stored_event *event, struct err *err);

/* dim.h of a text: every lookup is WHERE h = dim_hash(v) AND v = v. */
int64_t dim_hash(struct text text);
/* dim.id of a text; *id_out 0: the store never saw it. Prepares and finalizes: for few lookups. */
bool dim_find(sqlite3 *db, struct text text, int64_t *id_out, struct err *err);

/* A raw.z and its raw_dict.v (or NONE): text in the arena, false on damage or beyond the cap. */
bool raw_decompress(struct text z, struct text dict, struct arena *arena, struct text *json_out);

#endif
