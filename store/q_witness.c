/* SPDX-License-Identifier: Apache-2.0 */
#include "store/reader_internal.h"

/*
 * A second witness of what an update set aside: its commits to the quarantine tables, which carry its
 * id. Known only where they do nothing but add or write the table anew; a table that nobody follows
 * says nothing.
 * COMMITS_MAX: looked at for one list, about 10 ms.
 */
enum { COMMITS_MAX = 20 * 1000 };

struct witness {
	struct names *names;
	struct table { /* whose name holds the word */
		int64_t id;
		struct text name;
	} *tables;
	size_t n, room;
	int64_t looks; /* left */
};

static void add_table(struct witness *witness, int64_t id, struct text name)
{
	struct arena *arena = witness->names->arena;

	if (witness->n == witness->room) {
		struct table *old = witness->tables;

		witness->room = witness->room ? witness->room * 2 : 16;
		witness->tables = ARENA_ARRAY(arena, struct table, witness->room);
		for (size_t i = 0; i < witness->n; i++)
			witness->tables[i] = old[i];
	}
	witness->tables[witness->n++] = (struct table){ id, arena_text(arena, name) };
}

static bool find_tables(struct witness *witness, struct err *err)
{
	struct reader *reader = witness->names->reader;
	sqlite3_stmt *stmt;
	bool row, ok;

	if (!reader_query(reader, Q_TABLES, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, reader->n);
	while ((ok = sql_step(stmt, &row, err)) && row) {
		struct text name = sql_text(stmt, 2);

		if (text_contains_fold(name, TEXT("quarantine")))
			add_table(witness, sqlite3_column_int64(stmt, 0), name);
	}
	sqlite3_reset(stmt);
	return ok;
}

/* The one table that a dataset is; 0 = none, or several could be meant. */
static int64_t table_of(const struct witness *witness, struct text dataset)
{
	int64_t found = 0;

	for (size_t i = 0; i < witness->n; i++) {
		if (!table_is_dataset(witness->tables[i].name, dataset))
			continue;
		if (found)
			return 0;
		found = witness->tables[i].id;
	}
	return found;
}

static bool rows_added(struct witness *witness, int64_t table, struct text update, int64_t *out,
	struct err *err)
{
	struct reader *reader = witness->names->reader;
	int64_t sum = FACT_UNKNOWN;
	bool row, ok, known = true;
	sqlite3_stmt *stmt;

	*out = FACT_UNKNOWN;
	if (!reader_query(reader, Q_UPDATE_COMMITS, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, table);
	sql_bind_text(stmt, 2, update);
	sqlite3_bind_int64(stmt, 3, reader->n);
	while ((ok = sql_step(stmt, &row, err)) && row && known) {
		int64_t added = sql_int(stmt, 0);
		int64_t removed = sql_int(stmt, 1); /* files */

		bool anew = sqlite3_column_int(stmt, 2);

		known = --witness->looks >= 0 && added != FACT_UNKNOWN && (removed == 0 || anew);
		sum = anew ? added : fold_sum(sum, added);
	}
	sqlite3_reset(stmt);
	if (known)
		*out = sum;
	return ok;
}

static bool testify(struct witness *witness, const struct quality *quality, struct quality_row *row,
	struct err *err)
{
	struct text dataset;
	int64_t one, sum = FACT_UNKNOWN;

	for (size_t i = 0; i < quality->tables.n; i++) {
		int64_t table;

		if (!names_text(witness->names, quality->tables.ids[i], &dataset, err))
			return false;
		table = table_of(witness, dataset);
		if (!table)
			return true;
		if (!rows_added(witness, table, row->update_id, &one, err))
			return false;
		if (one == FACT_UNKNOWN)
			return true;
		sum = fold_sum(sum, one);
	}
	row->table_quarantined = sum;
	if (!row->is_open && row->quarantined != FACT_UNKNOWN)
		row->table_agrees = sum == row->quarantined;
	return true;
}

bool witness_fill(struct names *names, struct quality *const *qualities, struct quality_rows *rows,
	struct err *err)
{
	struct witness witness = { .names = names, .looks = COMMITS_MAX };
	bool found = false;

	for (size_t i = 0; i < rows->n; i++) {
		rows->rows[i].table_quarantined = FACT_UNKNOWN;
		rows->rows[i].table_agrees = -1;
		if (qualities[i]->tables.n == 0)
			continue;
		if (!found && !find_tables(&witness, err))
			return false;
		found = true;
		if (!testify(&witness, qualities[i], &rows->rows[i], err))
			return false;
	}
	return true;
}
