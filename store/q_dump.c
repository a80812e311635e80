/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "store/q_dump.h"
#include "store/table_fields.h"

/*
 * Facts as lines: kind, then natural key, then what is known, in a fixed order; what is unknown is
 * left out. Health is about this store's own sources and is not dumped.
 */
enum { LINE_MAX_BYTES = 16 << 20, NAMES_BYTES = 8 << 20 };

void dump_json_text(struct buf *buf, struct text text)
{
	buf_add_char(buf, '"');
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.bytes[i];

		if (c == '"' || c == '\\')
			buf_add_char(buf, '\\');
		if (c < 0x20)
			buf_addf(buf, "\\u%04x", c);
		else
			buf_add_char(buf, (char)c);
	}
	buf_add_char(buf, '"');
}

void dump_key(struct dump *dump, const char *name)
{
	buf_addf(&dump->line, "%s\"%s\":", dump->first ? "{" : ",", name);
	dump->first = false;
}

void dump_text(struct dump *dump, const char *name, struct text text)
{
	if (!text.bytes)
		return;
	dump_key(dump, name);
	dump_json_text(&dump->line, text);
}

void dump_int(struct dump *dump, const char *name, int64_t value)
{
	if (value == FACT_UNKNOWN)
		return;
	dump_key(dump, name);
	buf_addf(&dump->line, "%lld", (long long)value);
}

void dump_flag(struct dump *dump, const char *name, bool value)
{
	if (value)
		dump_int(dump, name, 1);
}

bool dump_dim(struct dump *dump, const char *name, int64_t dim)
{
	struct text text;

	if (!names_text(dump->names, dim, &text, dump->err))
		return false;
	dump_text(dump, name, text);
	return true;
}

void dump_begin(struct dump *dump, enum fact_kind kind)
{
	buf_reset(&dump->line);
	dump->first = true;
	dump_text(dump, "kind", text_of(fact_kind_name(kind)));
}

bool dump_end(struct dump *dump)
{
	buf_add_char(&dump->line, '}');
	if (dump->line.full)
		return err_set(dump->err, ERR_LIMIT, 0, "dump facts: a line is longer than %d bytes",
			LINE_MAX_BYTES);
	if (!dump->put(dump->context, buf_text(&dump->line)))
		return err_set(dump->err, ERR_CANCELED, 0, "dump facts: the output was closed");
	return true;
}

void dump_list(struct dump *dump, const char *name)
{
	dump_key(dump, name);
	buf_add_char(&dump->line, '[');
	dump->first = true;
}

void dump_item(struct dump *dump)
{
	if (!dump->first)
		buf_add_char(&dump->line, ',');
	dump->first = true;
}

void dump_item_end(struct dump *dump)
{
	buf_add_str(&dump->line, dump->first ? "{}" : "}");
	dump->first = false;
}

void dump_list_end(struct dump *dump)
{
	buf_add_char(&dump->line, ']');
	dump->first = false;
}

void dump_names_reset(struct dump *dump)
{
	if (dump->names->arena->bytes <= NAMES_BYTES)
		return;
	arena_reset(dump->names->arena);
	*dump->names = names_of(dump->names->reader, dump->names->arena);
}

bool dump_query(
	struct dump *dump, enum query query, bool (*fill)(struct dump *dump, sqlite3_stmt *stmt))
{
	struct reader *reader = dump->names->reader;
	sqlite3_stmt *stmt;
	bool row, ok;

	if (!reader_query(reader, query, &stmt, dump->err))
		return false;
	sqlite3_bind_int64(stmt, 1, reader->n);
	while ((ok = sql_step(stmt, &row, dump->err)) && row) {
		if (!(ok = fill(dump, stmt)))
			break;
	}
	sqlite3_reset(stmt);
	return ok;
}

/* ---- kinds ---- */

static void put_version(struct dump *dump, sqlite3_stmt *stmt)
{
	static const struct {
		int column;
		const char *name;
		bool is_text;
	} fields[] = {
		{ 33, "path", true }, { 0, "version", false }, { 2, "timestamp_ms", false },
		{ 3, "commit_info_ms", false }, { 4, "in_commit_timestamp", false },
		{ 5, "table_id", true }, { 6, "operation", true }, { 7, "user_id", true },
		{ 8, "user_name", true }, { 9, "engine", true }, { 10, "isolation_level", true },
		{ 11, "user_metadata", true }, { 12, "parameters", true }, { 13, "metrics", true },
		{ 14, "job", true }, { 15, "notebook", true }, { 16, "cluster_id", true },
		{ 17, "read_version", false }, { 18, "is_blind_append", false },
		{ 19, "update_id", true }, { 20, "pipeline_id", true }, { 21, "epoch_id", true },
		{ 22, "files_added", false }, { 23, "files_removed", false },
		{ 24, "bytes_added", false }, { 25, "bytes_removed", false },
		{ 26, "rows_added", false }, { 27, "rows_removed", false }, { 28, "dv_added", false },
		{ 29, "data_change", false }, { 30, "changes", true }, { 31, "problem", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (fields[i].is_text)
			dump_text(dump, fields[i].name, sql_text(stmt, fields[i].column));
		else
			dump_int(dump, fields[i].name, sql_int(stmt, fields[i].column));
	}
}

static bool dump_versions_of(struct dump *dump, int64_t tbl)
{
	struct reader *reader = dump->names->reader;
	sqlite3_stmt *stmt;
	bool row, ok;

	if (!reader_query(reader, Q_VERSIONS, &stmt, dump->err))
		return false;
	sqlite3_bind_int64(stmt, 1, tbl);
	sqlite3_bind_int64(stmt, 2, INT64_MAX);
	sqlite3_bind_int64(stmt, 3, reader->n);
	while ((ok = sql_step(stmt, &row, dump->err)) && row) {
		dump_begin(dump, FACT_VERSION);
		put_version(dump, stmt);
		if (!(ok = dump_end(dump)))
			break;
	}
	sqlite3_reset(stmt);
	return ok;
}

static bool fill_versions(struct dump *dump, sqlite3_stmt *stmt)
{
	return dump_versions_of(dump, sqlite3_column_int64(stmt, 0));
}

static bool fill_undecodable(struct dump *dump, sqlite3_stmt *stmt)
{
	dump_begin(dump, FACT_UNDECODABLE);
	dump_text(dump, "place", sql_text(stmt, 0));
	dump_text(dump, "reason", sql_text(stmt, 1));
	dump_int(dump, "length", sql_int(stmt, 2));
	return dump_end(dump);
}

static bool fill_edge(struct dump *dump, sqlite3_stmt *stmt)
{
	int64_t ms = event_k_ms(sqlite3_column_int64(stmt, 5));

	dump_begin(dump, FACT_EDGE);
	dump_text(dump, "pipeline_id", sql_text(stmt, 0));
	dump_text(dump, "output", sql_text(stmt, 1));
	dump_text(dump, "input", sql_text(stmt, 2));
	dump_int(dump, "happened_at_ms", ms > 0 ? ms : FACT_UNKNOWN);
	dump_text(dump, "flow", sql_text(stmt, 3));
	dump_text(dump, "update_id", sql_text(stmt, 4));
	return dump_end(dump);
}

static bool fill_table(struct dump *dump, sqlite3_stmt *stmt)
{
	static const char *const names[] = {
#define X(member, column, about) [STATE_AT_##member] = column,
		FACT_TABLE_NUMBERS(X)
#undef X
	};
	enum { AT_SHAPE = STATE_PROBLEM + 1, AT_TIME, AT_PATH };

	dump_begin(dump, FACT_TABLE);
	dump_text(dump, "path", sql_text(stmt, AT_PATH));
	dump_int(dump, "happened_at_ms", sql_int(stmt, AT_TIME));
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		dump_int(dump, names[i], sql_int(stmt, (int)i));
	dump_text(dump, "shape", sql_text(stmt, AT_SHAPE));
	dump_text(dump, "problem", sql_text(stmt, STATE_PROBLEM));
	return dump_end(dump);
}

static bool fill_standing(struct dump *dump, sqlite3_stmt *stmt)
{
	dump_begin(dump, FACT_STANDING);
	dump_text(dump, "path", sql_text(stmt, 0));
	dump_int(dump, "version", sql_int(stmt, 1));
	dump_text(dump, "standing", text_of(version_standing_name(
		(enum version_standing)sqlite3_column_int(stmt, 2))));
	dump_int(dump, "until_ms", sql_int(stmt, 3));
	dump_flag(dump, "by_log", sqlite3_column_int(stmt, 4) != 0);
	dump_int(dump, "files_old", sql_int(stmt, 5));
	dump_int(dump, "files_gone", sql_int(stmt, 6));
	dump_int(dump, "files_unlooked", sql_int(stmt, 7));
	dump_text(dump, "gone", sql_text(stmt, 8));
	return dump_end(dump);
}

/* No default: a kind that is added here or nowhere. */
static bool dump_kind(struct dump *dump, enum fact_kind kind)
{
	switch (kind) {
	case FACT_EVENT:
		return dump_events(dump);
	case FACT_VERSION:
		return dump_query(dump, Q_DUMP_TABLES, fill_versions);
	case FACT_UNDECODABLE:
		return dump_query(dump, Q_DUMP_UNDECODABLES, fill_undecodable);
	case FACT_EDGE:
		return dump_query(dump, Q_DUMP_EDGES, fill_edge);
	case FACT_SWEEP:
		return dump_sweeps(dump);
	case FACT_MARKS:
		return dump_marks(dump);
	case FACT_POSITION:
		return dump_positions(dump);
	case FACT_TOPIC_TABLE:
		return dump_topic_tables(dump);
	case FACT_CONNECTOR:
		return dump_connectors(dump);
	case FACT_TABLE:
		return dump_query(dump, Q_DUMP_STATES, fill_table);
	case FACT_STANDING:
		return dump_query(dump, Q_DUMP_STANDINGS, fill_standing);
	case FACT_HEALTH:
	case FACT_KIND_COUNT:
		break;
	}
	return true;
}

bool facts_dump(struct reader *reader, bool (*line)(void *context, struct text json), void *context,
	struct err *err)
{
	struct arena arena = { 0 };
	struct names names = names_of(reader, &arena);
	struct dump dump = { .names = &names, .put = line, .context = context, .err = err };
	bool ok = true;

	buf_init(&dump.line, LINE_MAX_BYTES);
	for (int kind = 0; ok && kind < FACT_KIND_COUNT; kind++)
		ok = dump_kind(&dump, (enum fact_kind)kind);
	buf_done(&dump.line);
	arena_free(&arena);
	return ok;
}
