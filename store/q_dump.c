/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/reader_internal.h"

/*
 * Facts as lines: kind, then natural key, then what is known, in a fixed order; what is unknown is
 * left out. Health is about this store's own sources and is not dumped.
 */
enum { LINE_MAX_BYTES = 16 << 20 };

struct dump {
	struct names *names;
	struct buf line;
	bool first; /* no field yet */
	bool (*put)(void *context, struct text json);
	void *context;
	struct err *err;
};

static void json_text(struct buf *buf, struct text text)
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

static void key(struct dump *dump, const char *name)
{
	buf_addf(&dump->line, "%s\"%s\":", dump->first ? "{" : ",", name);
	dump->first = false;
}

static void put_text(struct dump *dump, const char *name, struct text text)
{
	if (!text.bytes)
		return;
	key(dump, name);
	json_text(&dump->line, text);
}

static void put_int(struct dump *dump, const char *name, int64_t value)
{
	if (value == FACT_UNKNOWN)
		return;
	key(dump, name);
	buf_addf(&dump->line, "%lld", (long long)value);
}

static void put_bool(struct dump *dump, const char *name, bool value)
{
	if (value)
		put_int(dump, name, 1);
}

static bool put_dim(struct dump *dump, const char *name, int64_t dim)
{
	struct text text;

	if (!names_text(dump->names, dim, &text, dump->err))
		return false;
	put_text(dump, name, text);
	return true;
}

static void line_begin(struct dump *dump, enum fact_kind kind)
{
	buf_reset(&dump->line);
	dump->first = true;
	put_text(dump, "kind", text_of(fact_kind_name(kind)));
}

static bool line_end(struct dump *dump)
{
	buf_add_char(&dump->line, '}');
	if (dump->line.full)
		return err_set(dump->err, ERR_LIMIT, 0, "dump facts: a line is longer than %d bytes",
			LINE_MAX_BYTES);
	if (!dump->put(dump->context, buf_text(&dump->line)))
		return err_set(dump->err, ERR_CANCELED, 0, "dump facts: the output was closed");
	return true;
}

/* ---- events ---- */

static void put_id(struct dump *dump, const struct stored_event *event)
{
	key(dump, "id");
	buf_add_char(&dump->line, '"');
	for (size_t i = 0; i < sizeof event->id; i++)
		buf_addf(&dump->line, "%02x", event->id[i]);
	buf_add_char(&dump->line, '"');
	put_text(dump, "id_text", event->id_text);
}

static bool put_names(struct dump *dump, const struct stored_event *event)
{
	struct text message;

	if (event->type == EVENT_OTHER) {
		if (!put_dim(dump, "type", event->type_text))
			return false;
	} else {
		put_text(dump, "type", text_of(event_type_name(event->type)));
	}
	put_text(dump, "level", text_of(event_level_name(event->level)));
	if (!put_dim(dump, "maturity", event->maturity) ||
		!put_dim(dump, "pipeline_id", event->pipeline) ||
		!put_dim(dump, "pipeline_name", event->pipeline_name) ||
		!put_dim(dump, "update_id", event->upd) || !put_dim(dump, "flow", event->flow) ||
		!put_dim(dump, "dataset", event->dataset) ||
		!names_message(dump->names, event, dump->names->arena, &message, dump->err))
		return false;
	put_text(dump, "message", message);
	if (event->state != RUN_UNKNOWN)
		put_text(dump, "state", text_of(run_state_name(event->state)));
	return put_dim(dump, "state_text", event->state_text) &&
		put_dim(dump, "cause", event->cause) && put_dim(dump, "run_as", event->run_as) &&
		put_dim(dump, "user", event->user) &&
		put_dim(dump, "flow_attempt", event->flow_attempt);
}

static void put_numbers(struct dump *dump, const struct stored_event *event)
{
	put_int(dump, "sequence", event->sequence);
	if (event->full_refresh >= 0)
		put_int(dump, "full_refresh", event->full_refresh);
	if (event->validate_only >= 0)
		put_int(dump, "validate_only", event->validate_only);
	if (event->explore_only >= 0)
		put_int(dump, "explore_only", event->explore_only);
	put_bool(dump, "maintenance", event->maintenance);
	put_int(dump, "failed_attempts", event->failed_attempts);
	put_int(dump, "batch_id", event->batch_id);
	put_int(dump, "output_rows", event->output_rows);
	put_int(dump, "upserted_rows", event->upserted_rows);
	put_int(dump, "deleted_rows", event->deleted_rows);
	put_int(dump, "output_bytes", event->output_bytes);
	put_int(dump, "dropped_records", event->dropped_records);
	put_int(dump, "backlog_bytes", event->backlog_bytes);
	put_int(dump, "backlog_records", event->backlog_records);
	put_int(dump, "backlog_files", event->backlog_files);
	put_int(dump, "backlog_seconds", event->backlog_seconds);
}

static bool put_rules(struct dump *dump, const struct stored_event *event)
{
	put_bool(dump, "has_quality", event->has_quality);
	if (event->nrules == 0)
		return true;
	key(dump, "rules");
	for (size_t i = 0; i < event->nrules; i++) {
		const struct stored_rule *rule = &event->rules[i];

		buf_add_char(&dump->line, i == 0 ? '[' : ',');
		dump->first = true;
		if (!put_dim(dump, "name", rule->name) || !put_dim(dump, "dataset", rule->dataset))
			return false;
		put_text(dump, "action", text_of(rule_action_name(rule->action)));
		put_int(dump, "passed", rule->passed);
		put_int(dump, "failed", rule->failed);
		buf_add_char(&dump->line, '}');
		dump->first = false;
	}
	buf_add_char(&dump->line, ']');
	return true;
}

static bool put_definition(struct dump *dump, const struct stored_event *event)
{
	struct text input;

	if (!put_dim(dump, "output", event->output) ||
		!put_dim(dump, "flow_type", event->flow_type))
		return false;
	if (event->ninputs > 0) {
		key(dump, "inputs");
		for (size_t i = 0; i < event->ninputs; i++) {
			buf_add_char(&dump->line, i == 0 ? '[' : ',');
			if (!names_text(dump->names, event->inputs[i], &input, dump->err))
				return false;
			json_text(&dump->line, input);
		}
		buf_add_char(&dump->line, ']');
	}
	put_bool(dump, "error", event->has_error);
	put_bool(dump, "fatal", event->fatal);
	return put_dim(dump, "error_class", event->error_class) &&
		put_dim(dump, "error_message", event->error_message);
}

static bool dump_event(struct dump *dump, const struct stored_event *event)
{
	line_begin(dump, FACT_EVENT);
	put_int(dump, "happened_at_ms", event->happened_at_ms);
	put_id(dump, event);
	if (!put_names(dump, event))
		return false;
	put_numbers(dump, event);
	return put_rules(dump, event) && put_definition(dump, event) && line_end(dump);
}

static int by_id(const void *left, const void *right)
{
	const struct stored_event *a = *(const struct stored_event *const *)left;
	const struct stored_event *b = *(const struct stored_event *const *)right;

	if (a->happened_at_ms != b->happened_at_ms)
		return a->happened_at_ms < b->happened_at_ms ? -1 : 1;
	return memcmp(a->id, b->id, sizeof a->id);
}

struct instant { /* events of one millisecond: their k may depend on who came first */
	struct arena arena;
	const struct stored_event **events;
	size_t n, room;
};

static bool dump_instant(struct dump *dump, struct instant *instant)
{
	bool ok = true;

	if (instant->n > 1)
		qsort(instant->events, instant->n, sizeof(const struct stored_event *), by_id);
	for (size_t i = 0; ok && i < instant->n; i++)
		ok = dump_event(dump, instant->events[i]);
	instant->n = 0;
	arena_reset(&instant->arena);
	return ok;
}

static bool dump_events(struct dump *dump)
{
	enum { NAMES_BYTES = 8 << 20 };
	struct reader *reader = dump->names->reader;
	struct instant instant = { 0 };
	sqlite3_stmt *stmt;
	int64_t at = 0;
	bool row, ok;

	if (!reader_query(reader, Q_EVENTS_BETWEEN, &stmt, dump->err))
		return false;
	sqlite3_bind_int64(stmt, 1, 0);
	sqlite3_bind_int64(stmt, 2, INT64_MAX);
	sqlite3_bind_int64(stmt, 3, reader->n);
	while ((ok = sql_step(stmt, &row, dump->err)) && row) {
		int64_t ms = event_k_ms(sqlite3_column_int64(stmt, 0));
		struct stored_event *event;

		if (ms != at && !(ok = dump_instant(dump, &instant)))
			break;
		at = ms;
		event = ARENA_NEW(&instant.arena, struct stored_event);
		if (!(ok = event_of_row(stmt, &instant.arena, event, dump->err)))
			break;
		if (instant.n == instant.room) {
			instant.room = instant.room ? instant.room * 2 : 16;
			instant.events = mem_resize(
				instant.events, instant.room, sizeof *instant.events);
		}
		instant.events[instant.n++] = event;
		if (dump->names->arena->bytes > NAMES_BYTES) {
			arena_reset(dump->names->arena);
			*dump->names = names_of(reader, dump->names->arena);
		}
	}
	ok = ok && dump_instant(dump, &instant);
	sqlite3_reset(stmt);
	free(instant.events);
	arena_free(&instant.arena);
	return ok;
}

/* ---- the other kinds ---- */

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
			put_text(dump, fields[i].name, sql_text(stmt, fields[i].column));
		else
			put_int(dump, fields[i].name, sql_int(stmt, fields[i].column));
	}
}

static bool dump_table(struct dump *dump, int64_t tbl)
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
		line_begin(dump, FACT_VERSION);
		put_version(dump, stmt);
		if (!(ok = line_end(dump)))
			break;
	}
	sqlite3_reset(stmt);
	return ok;
}

static bool fill_tables(struct dump *dump, sqlite3_stmt *stmt)
{
	return dump_table(dump, sqlite3_column_int64(stmt, 0));
}

static bool fill_undecodable(struct dump *dump, sqlite3_stmt *stmt)
{
	line_begin(dump, FACT_UNDECODABLE);
	put_text(dump, "place", sql_text(stmt, 0));
	put_text(dump, "reason", sql_text(stmt, 1));
	put_int(dump, "length", sql_int(stmt, 2));
	return line_end(dump);
}

static bool fill_edge(struct dump *dump, sqlite3_stmt *stmt)
{
	int64_t ms = event_k_ms(sqlite3_column_int64(stmt, 5));

	line_begin(dump, FACT_EDGE);
	put_text(dump, "pipeline_id", sql_text(stmt, 0));
	put_text(dump, "output", sql_text(stmt, 1));
	put_text(dump, "input", sql_text(stmt, 2));
	put_int(dump, "happened_at_ms", ms > 0 ? ms : FACT_UNKNOWN);
	put_text(dump, "flow", sql_text(stmt, 3));
	put_text(dump, "update_id", sql_text(stmt, 4));
	return line_end(dump);
}

static bool dump_query(
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

bool facts_dump(struct reader *reader, bool (*line)(void *context, struct text json), void *context,
	struct err *err)
{
	struct arena arena = { 0 };
	struct names names = names_of(reader, &arena);
	struct dump dump = { .names = &names, .put = line, .context = context, .err = err };
	bool ok;

	buf_init(&dump.line, LINE_MAX_BYTES);
	ok = dump_events(&dump) && dump_query(&dump, Q_DUMP_TABLES, fill_tables) &&
		dump_query(&dump, Q_DUMP_UNDECODABLES, fill_undecodable) &&
		dump_query(&dump, Q_DUMP_EDGES, fill_edge);
	buf_done(&dump.line);
	arena_free(&arena);
	return ok;
}
