/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_EVENT_ROWS_H
#define STORE_EVENT_ROWS_H

#include "store/internal.h"

/*
 * Rows of table event as an array in memory, offered to SQLite as the table-valued module
 * "event_rows", so that one INSERT .. SELECT inserts a whole batch without a statement a row.
 */
struct event_rows_source {
	const struct stored_event *events; /* by k */
	const struct text *packed;         /* their x, each alive until the insert is done */
	size_t n;
};

/* source is read whenever a statement on event_rows runs; it outlives the connection. */
bool event_rows_register(sqlite3 *db, struct event_rows_source *source, struct err *err);

#endif
