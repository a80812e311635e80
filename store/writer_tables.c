/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "store/table_fields.h"
#include "store/writer.h"

static bool add_table(struct writer *writer, const struct writer_source *source, struct text path,
	struct text name, int64_t *id_out, struct err *err)
{
	sql_bind_text(writer->table_add, 1, path);
	sql_bind_text(writer->table_add, 2, name.bytes ? name : path);
	sqlite3_bind_int64(writer->table_add, 3, source->id);
	sqlite3_bind_int64(writer->table_add, 4, writer->n);
	if (!sql_run(writer->table_add, err))
		return false;
	*id_out = sqlite3_last_insert_rowid(writer->db);
	return true;
}

bool writer_table(struct writer *writer, const struct writer_source *source, struct text path,
	struct text name, int64_t *id_out, struct err *err)
{
	bool row;

	if (!path.bytes)
		return err_set(err, ERR_STORE, 0, "store table: the fact names no table");
	sql_bind_text(writer->table_find, 1, path);
	if (!sql_step(writer->table_find, &row, err))
		return false;
	if (row) {
		*id_out = sqlite3_column_int64(writer->table_find, 0);
		sqlite3_reset(writer->table_find);
		return true;
	}
	return add_table(writer, source, path, name, id_out, err);
}

/* A table's shapes are few: the same one is kept once. 0 = none. */
static bool shape_id(struct writer *writer, struct text shape, int64_t *id_out, struct err *err)
{
	int64_t hash = (int64_t)text_hash(shape);
	bool row, ok;

	*id_out = 0;
	if (!shape.bytes)
		return true;
	sqlite3_bind_int64(writer->shape_find, 1, hash);
	while ((ok = sql_step(writer->shape_find, &row, err)) && row && *id_out == 0)
		if (text_cmp(sql_text(writer->shape_find, 1), shape) == 0)
			*id_out = sqlite3_column_int64(writer->shape_find, 0);
	sqlite3_reset(writer->shape_find);
	if (!ok || *id_out != 0)
		return ok;
	sqlite3_bind_int64(writer->shape_add, 1, hash);
	sql_bind_text(writer->shape_add, 2, shape);
	if (!sql_run(writer->shape_add, err))
		return false;
	*id_out = sqlite3_last_insert_rowid(writer->db);
	return true;
}

/* Does the newest row say the same? Columns from 0 on: the numbers, then a text. */
static bool says_same(sqlite3_stmt *newest, const int64_t *numbers, size_t n, struct text last,
	bool *same_out, struct err *err)
{
	bool row;

	if (!sql_step(newest, &row, err))
		return false;
	*same_out = row;
	for (size_t i = 0; row && i < n && *same_out; i++)
		*same_out = sql_int(newest, (int)i) == numbers[i];
	if (*same_out)
		*same_out = text_cmp(sql_text(newest, (int)n), last) == 0;
	sqlite3_reset(newest);
	return true;
}

static bool put_state(struct writer *writer, int64_t tbl, int64_t at_ms,
	const struct fact_table *table, bool *new_out, struct err *err)
{
	int64_t numbers[] = {
#define X(member, column, about) table->member,
		FACT_TABLE_NUMBERS(X)
#undef X
		0 /* shape */
	};
	sqlite3_stmt *add = writer->state_add;
	int64_t shape;
	bool same;
	int at = 1;

	if (!shape_id(writer, table->shape, &shape, err))
		return false;
	numbers[STATE_SHAPE] = shape ? shape : FACT_UNKNOWN;
	sqlite3_bind_int64(writer->state_newest, 1, tbl);
	if (!says_same(writer->state_newest, numbers, ARRAY_LEN(numbers), table->problem, &same, err))
		return false;
	*new_out = !same;
	if (same)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		sql_bind_int(add, at++, numbers[i]);
	sql_bind_text(add, at++, table->problem);
	sqlite3_bind_int64(add, at++, tbl);
	sqlite3_bind_int64(add, at++, writer->n);
	sql_bind_int(add, at, at_ms);
	return sql_run(add, err);
}

static bool put_standing(struct writer *writer, int64_t tbl, const struct fact_standing *standing,
	bool *new_out, struct err *err)
{
	const int64_t numbers[] = { standing->standing, standing->until_ms, standing->by_log,
		standing->files_old, standing->files_gone, standing->files_unlooked };
	sqlite3_stmt *add = writer->standing_add;
	bool same;
	int at = 1;

	sqlite3_bind_int64(writer->standing_newest, 1, tbl);
	sqlite3_bind_int64(writer->standing_newest, 2, standing->version);
	if (!says_same(
		    writer->standing_newest, numbers, ARRAY_LEN(numbers), standing->gone, &same, err))
		return false;
	*new_out = !same;
	if (same)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		sql_bind_int(add, at++, numbers[i]);
	sql_bind_text(add, at++, standing->gone);
	sqlite3_bind_int64(add, at++, tbl);
	sqlite3_bind_int64(add, at++, standing->version);
	sqlite3_bind_int64(add, at, writer->n);
	return sql_run(add, err);
}

bool writer_table_fact(struct writer *writer, const struct writer_source *source,
	const struct fact *fact, bool *new_out, struct err *err)
{
	const bool is_state = fact->kind == FACT_TABLE;
	const struct fact_table *table = &fact->u.table;
	const struct fact_standing *standing = &fact->u.standing;
	int64_t tbl;

	if (!writer_table(writer, source, is_state ? table->path : standing->path,
		    is_state ? table->table : standing->table, &tbl, err))
		return false;
	if (is_state && table->anew) { /* what comes from here on is told of the next one */
		*new_out = true;
		return add_table(writer, source, table->path, table->table, &tbl, err);
	}
	if (is_state)
		return put_state(writer, tbl, fact->happened_at_ms, table, new_out, err);
	return put_standing(writer, tbl, standing, new_out, err);
}
