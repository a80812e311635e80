/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/q_dump.h"

static void put_id(struct dump *dump, const struct stored_event *event)
{
	dump_key(dump, "id");
	buf_add_char(&dump->line, '"');
	for (size_t i = 0; i < sizeof event->id; i++)
		buf_addf(&dump->line, "%02x", event->id[i]);
	buf_add_char(&dump->line, '"');
	dump_text(dump, "id_text", event->id_text);
}

static bool put_names(struct dump *dump, const struct stored_event *event)
{
	struct text message;

	if (event->type == EVENT_OTHER) {
		if (!dump_dim(dump, "type", event->type_text))
			return false;
	} else {
		dump_text(dump, "type", text_of(event_type_name(event->type)));
	}
	dump_text(dump, "level", text_of(event_level_name(event->level)));
	if (!dump_dim(dump, "maturity", event->maturity) ||
		!dump_dim(dump, "pipeline_id", event->pipeline) ||
		!dump_dim(dump, "pipeline_name", event->pipeline_name) ||
		!dump_dim(dump, "update_id", event->upd) || !dump_dim(dump, "flow", event->flow) ||
		!dump_dim(dump, "dataset", event->dataset) ||
		!names_message(dump->names, event, dump->names->arena, &message, dump->err))
		return false;
	dump_text(dump, "message", message);
	if (event->state != RUN_UNKNOWN)
		dump_text(dump, "state", text_of(run_state_name(event->state)));
	return dump_dim(dump, "state_text", event->state_text) &&
		dump_dim(dump, "cause", event->cause) && dump_dim(dump, "run_as", event->run_as) &&
		dump_dim(dump, "user", event->user) &&
		dump_dim(dump, "flow_attempt", event->flow_attempt);
}

static void put_numbers(struct dump *dump, const struct stored_event *event)
{
	dump_int(dump, "sequence", event->sequence);
	if (event->full_refresh >= 0)
		dump_int(dump, "full_refresh", event->full_refresh);
	if (event->validate_only >= 0)
		dump_int(dump, "validate_only", event->validate_only);
	if (event->explore_only >= 0)
		dump_int(dump, "explore_only", event->explore_only);
	dump_flag(dump, "maintenance", event->maintenance);
	dump_int(dump, "failed_attempts", event->failed_attempts);
	dump_int(dump, "batch_id", event->batch_id);
	dump_int(dump, "output_rows", event->output_rows);
	dump_int(dump, "upserted_rows", event->upserted_rows);
	dump_int(dump, "deleted_rows", event->deleted_rows);
	dump_int(dump, "output_bytes", event->output_bytes);
	dump_int(dump, "dropped_records", event->dropped_records);
	dump_int(dump, "backlog_bytes", event->backlog_bytes);
	dump_int(dump, "backlog_records", event->backlog_records);
	dump_int(dump, "backlog_files", event->backlog_files);
	dump_int(dump, "backlog_seconds", event->backlog_seconds);
}

static bool put_rules(struct dump *dump, const struct stored_event *event)
{
	dump_flag(dump, "has_quality", event->has_quality);
	if (event->nrules == 0)
		return true;
	dump_list(dump, "rules");
	for (size_t i = 0; i < event->nrules; i++) {
		const struct stored_rule *rule = &event->rules[i];

		dump_item(dump);
		if (!dump_dim(dump, "name", rule->name) || !dump_dim(dump, "dataset", rule->dataset))
			return false;
		dump_text(dump, "action", text_of(rule_action_name(rule->action)));
		dump_int(dump, "passed", rule->passed);
		dump_int(dump, "failed", rule->failed);
		dump_item_end(dump);
	}
	dump_list_end(dump);
	return true;
}

static bool put_definition(struct dump *dump, const struct stored_event *event)
{
	struct text input;

	if (!dump_dim(dump, "output", event->output) ||
		!dump_dim(dump, "flow_type", event->flow_type))
		return false;
	if (event->ninputs > 0) {
		dump_key(dump, "inputs");
		for (size_t i = 0; i < event->ninputs; i++) {
			buf_add_char(&dump->line, i == 0 ? '[' : ',');
			if (!names_text(dump->names, event->inputs[i], &input, dump->err))
				return false;
			dump_json_text(&dump->line, input);
		}
		buf_add_char(&dump->line, ']');
	}
	dump_flag(dump, "error", event->has_error);
	dump_flag(dump, "fatal", event->fatal);
	return dump_dim(dump, "error_class", event->error_class) &&
		dump_dim(dump, "error_message", event->error_message);
}

static bool dump_event(struct dump *dump, const struct stored_event *event)
{
	dump_begin(dump, FACT_EVENT);
	dump_int(dump, "happened_at_ms", event->happened_at_ms);
	put_id(dump, event);
	if (!put_names(dump, event))
		return false;
	put_numbers(dump, event);
	return put_rules(dump, event) && put_definition(dump, event) && dump_end(dump);
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

bool dump_events(struct dump *dump)
{
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
		dump_names_reset(dump);
	}
	ok = ok && dump_instant(dump, &instant);
	sqlite3_reset(stmt);
	free(instant.events);
	arena_free(&instant.arena);
	return ok;
}
