/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/facts.h"

#include <stdlib.h>

#include "store/message.h"

static void number(struct buf *out, const char *name, int64_t value)
{
	if (value == FACT_UNKNOWN)
		(void)buf_addf(out, "%s -\n", name);
	else
		(void)buf_addf(out, "%s %lld\n", name, (long long)value);
}

static void text(struct buf *out, const char *name, struct text value)
{
	(void)buf_addf(out, "%s ", name);
	if (value.bytes) {
		(void)buf_add_char(out, '"');
		(void)buf_add(out, value);
		(void)buf_add_str(out, "\"\n");
	} else {
		(void)buf_add_str(out, "-\n");
	}
}

static struct text message_of(
	struct arena *arena, const struct fact_batch *batch, const struct fact_event *event)
{
	struct message_names names = { batch->strings[event->flow], batch->strings[event->dataset] };

	return message_unpack(arena, batch->strings[event->message], &names, event->numbers,
		event->nnumbers);
}

void facts_dump_event(
	struct buf *out, const struct fact_batch *batch, const struct fact_event *event)
{
	const struct {
		const char *name;
		fact_string string;
	} strings[] = {
		{ "id_text", event->id_text },
		{ "type_text", event->type_text },
		{ "maturity", event->maturity },
		{ "pipeline_id", event->pipeline_id },
		{ "pipeline_name", event->pipeline_name },
		{ "update_id", event->update_id },
		{ "flow", event->flow },
		{ "dataset", event->dataset },
		{ "message", event->message },
		{ "state_text", event->state_text },
		{ "cause", event->cause },
		{ "run_as", event->run_as },
		{ "user", event->user },
		{ "flow_attempt", event->flow_attempt },
		{ "output", event->output },
		{ "flow_type", event->flow_type },
		{ "error_class", event->error_class },
		{ "error_message", event->error_message },
	};
	enum { MESSAGE_ROW = 8 };
	struct arena arena = { 0 };
	const struct {
		const char *name;
		int64_t value;
	} numbers[] = {
		{ "id_is_hash", event->id_is_hash },
		{ "happened_at_ms", event->happened_at_ms },
		{ "sequence", event->sequence },
		{ "full_refresh", event->full_refresh },
		{ "validate_only", event->validate_only },
		{ "explore_only", event->explore_only },
		{ "maintenance", event->maintenance },
		{ "failed_attempts", event->failed_attempts },
		{ "batch_id", event->batch_id },
		{ "output_rows", event->output_rows },
		{ "upserted_rows", event->upserted_rows },
		{ "deleted_rows", event->deleted_rows },
		{ "output_bytes", event->output_bytes },
		{ "dropped_records", event->dropped_records },
		{ "backlog_bytes", event->backlog_bytes },
		{ "backlog_records", event->backlog_records },
		{ "backlog_files", event->backlog_files },
		{ "backlog_seconds", event->backlog_seconds },
		{ "has_quality", event->has_quality },
		{ "has_error", event->has_error },
		{ "fatal", event->fatal },
	};

	(void)buf_add_str(out, "id ");
	for (size_t i = 0; i < sizeof event->id; i++)
		(void)buf_addf(out, "%02x", event->id[i]);
	(void)buf_addf(out, "\ntype %s\nlevel %s\nstate %s\n", event_type_name(event->type),
		event_level_name(event->level), run_state_name(event->state));
	for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
		text(out, strings[i].name, event->templated && i == MESSAGE_ROW
				? message_of(&arena, batch, event)
				: fact_batch_string(batch, strings[i].string));
	arena_free(&arena);
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		number(out, numbers[i].name, numbers[i].value);
	for (size_t i = 0; i < event->nrules; i++) {
		const struct fact_rule *rule = &event->rules[i];

		text(out, "rule", fact_batch_string(batch, rule->name));
		text(out, " dataset", fact_batch_string(batch, rule->dataset));
		(void)buf_addf(out, " action %s\n", rule_action_name(rule->action));
		number(out, " passed", rule->passed);
		number(out, " failed", rule->failed);
	}
	for (size_t i = 0; i < event->ninputs; i++)
		text(out, "input", fact_batch_string(batch, event->inputs[i]));
}

void facts_dump_event_whole(
	struct buf *out, const struct fact_batch *batch, const struct fact_event *event)
{
	facts_dump_event(out, batch, event);
	text(out, "raw", event->raw);
	number(out, "segment", event->segment);
	number(out, "offset", event->offset);
	number(out, "length", event->length);
}

static void behind(struct buf *out, const char *name, int64_t value)
{
	if (value != FACT_UNKNOWN)
		(void)buf_addf(out, " %s=%lld", name, (long long)value);
}

void facts_dump_positions(struct buf *out, const struct fact_batch *batch)
{
	for (size_t i = 0; i < batch->nfacts; i++) {
		const struct fact_position *position = &batch->facts[i].u.position;

		if (batch->facts[i].kind != FACT_POSITION)
			continue;
		(void)buf_addf(out, "%s %.*s query=%.*s %.*s/%.*s%s%s", reader_kind_name(position->kind),
			TEXT_ARG(position->reader), TEXT_ARG(position->query_id),
			TEXT_ARG(position->cluster), TEXT_ARG(position->topic),
			position->of_delta ? " delta" : "", position->gone ? " gone" : "");
		behind(out, "at", batch->facts[i].happened_at_ms);
		behind(out, "since", position->batch_started_ms);
		behind(out, "files", position->behind_files);
		behind(out, "bytes", position->behind_bytes);
		behind(out, "records", position->behind_records);
		behind(out, "seconds", position->behind_seconds);
		for (size_t k = 0; k < position->nplaces; k++) {
			(void)buf_addf(out, " %d", position->places[k].partition);
			behind(out, "done", position->places[k].processed);
			behind(out, "begun", position->places[k].started);
		}
		(void)buf_add_char(out, '\n');
	}
}

bool facts_read_file(const char *path, struct buf *out)
{
	FILE *file = fopen(path, "rb");
	char bytes[65536];
	size_t n;

	if (!file)
		return false;
	while ((n = fread(bytes, 1, sizeof bytes, file)) > 0)
		(void)buf_add_bytes(out, bytes, n);
	(void)fclose(file);
	return true;
}

bool facts_read_corpus(const char *name, struct buf *out)
{
	const char *root = getenv("CORPUS");
	char path[4096];

	(void)snprintf(path, sizeof path, "%s/%s", root && *root ? root : "../shared/data", name);
	if (facts_read_file(path, out))
		return true;
	(void)fprintf(stderr, "NOT TESTED: no corpus file %s (set CORPUS)\n", path);
	return false;
}
