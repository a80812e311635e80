/* SPDX-License-Identifier: Apache-2.0 */
#include "store/event_rows.h"

#include <stdlib.h>

#include "base/mem.h"

struct rows_table {
	sqlite3_vtab base; /* first: SQLite's part */
	struct event_rows_source *source;
};

struct rows_cursor {
	sqlite3_vtab_cursor base;
	size_t at;
};

static int rows_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
	sqlite3_vtab **table_out, char **message)
{
	struct rows_table *table;
	int rc;

	(void)argc;
	(void)argv;
	(void)message;
	rc = sqlite3_declare_vtab(db, "CREATE TABLE rows (" EVENT_COLUMNS ")");
	if (rc != SQLITE_OK)
		return rc;
	table = NEW(struct rows_table);
	table->source = aux;
	*table_out = &table->base;
	return SQLITE_OK;
}

static int rows_disconnect(sqlite3_vtab *table)
{
	free(table);
	return SQLITE_OK;
}

static int rows_best_index(sqlite3_vtab *table, sqlite3_index_info *info)
{
	(void)table;
	info->estimatedCost = 1;
	return SQLITE_OK;
}

static int rows_open(sqlite3_vtab *table, sqlite3_vtab_cursor **cursor_out)
{
	struct rows_cursor *cursor = NEW(struct rows_cursor);

	(void)table;
	*cursor_out = &cursor->base;
	return SQLITE_OK;
}

static int rows_close(sqlite3_vtab_cursor *cursor)
{
	free(cursor);
	return SQLITE_OK;
}

static int rows_filter(
	sqlite3_vtab_cursor *base, int index, const char *name, int argc, sqlite3_value **argv)
{
	struct rows_cursor *cursor = (struct rows_cursor *)base;

	(void)index;
	(void)name;
	(void)argc;
	(void)argv;
	cursor->at = 0;
	return SQLITE_OK;
}

static int rows_next(sqlite3_vtab_cursor *base)
{
	struct rows_cursor *cursor = (struct rows_cursor *)base;

	cursor->at++;
	return SQLITE_OK;
}

static int rows_eof(sqlite3_vtab_cursor *base)
{
	const struct rows_cursor *cursor = (const struct rows_cursor *)base;
	const struct rows_table *table = (const struct rows_table *)base->pVtab;

	return cursor->at >= table->source->n;
}

static void result_id(sqlite3_context *context, int64_t id)
{
	if (id != 0)
		sqlite3_result_int64(context, id);
}

static int rows_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
	const struct rows_cursor *cursor = (const struct rows_cursor *)base;
	const struct rows_table *table = (const struct rows_table *)base->pVtab;
	const struct stored_event *event = &table->source->events[cursor->at];
	const struct text *packed = &table->source->packed[cursor->at];

	switch (column) { /* the order of EVENT_COLUMNS; without a result the column is NULL */
	case 0:
		sqlite3_result_int64(context, event->k);
		break;
	case 1:
		sqlite3_result_int64(context, event->batch);
		break;
	case 2:
		sqlite3_result_int(context, (int)event->type);
		break;
	case 3:
		sqlite3_result_int(context, (int)event->level);
		break;
	case 4:
		result_id(context, event->pipeline);
		break;
	case 5:
		result_id(context, event->upd);
		break;
	case 6:
		result_id(context, event->flow);
		break;
	case 7:
		result_id(context, event->dataset);
		break;
	case 8:
		result_id(context, event->message);
		break;
	default:
		sqlite3_result_blob(context, packed->bytes, (int)packed->len, SQLITE_STATIC);
		break;
	}
	return SQLITE_OK;
}

static int rows_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid_out)
{
	*rowid_out = (sqlite3_int64)((const struct rows_cursor *)base)->at;
	return SQLITE_OK;
}

static const sqlite3_module rows_module = {
	/* no xCreate: the module is its own table */
	.xConnect = rows_connect,
	.xBestIndex = rows_best_index,
	.xDisconnect = rows_disconnect,
	.xOpen = rows_open,
	.xClose = rows_close,
	.xFilter = rows_filter,
	.xNext = rows_next,
	.xEof = rows_eof,
	.xColumn = rows_column,
	.xRowid = rows_rowid,
};

bool event_rows_register(sqlite3 *db, struct event_rows_source *source, struct err *err)
{
	if (sqlite3_create_module(db, "event_rows", &rows_module, source) != SQLITE_OK)
		return sql_error(db, err, "register event_rows");
	return true;
}
