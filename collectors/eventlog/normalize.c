/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/eventlog/pick.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "collectors/eventlog/progress.h"
#include "store/message.h"
#include "store/redact.h"

/* A message longer than this is cut; its raw is kept or pointed at. */
enum { MESSAGE_MAX = 64 * 1024, TEMPLATE_ROOM = 512 };

/* Times a store key can hold: milliseconds in 43 bits, 1970 to 2248. */
static const int64_t time_limit = (int64_t)1 << 43;

static const struct text missing_flow = { "pipelines.flowTimeMetrics.missingFlowName", 41 };

static struct text first(struct text a, struct text b)
{
	return a.len > 0 ? a : b.len > 0 ? b : TEXT_NONE;
}

static fact_string keep(struct fact_batch *batch, struct text text)
{
	return text.len > 0 ? fact_batch_intern(batch, text) : 0;
}

/*
 * Eight hexadecimal digits, the first in the lowest byte, to four bytes; what is no digit sets bits
 * of *odd.
 */
static uint32_t hex_bytes(const char *digits, uint64_t *odd)
{
	static const uint64_t ones = 0x0101010101010101u;
	uint64_t word, number, letter, value;

	memcpy(&word, digits, sizeof word);
#if defined __BYTE_ORDER__ && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	/* with the high bit of each byte out of the way no sum below carries into the next */
	*odd |= word & ones * 0x80;
	word &= ones * 0x7f;
	number = (word + ones * (0x80 - '0')) & ~(word + ones * (0x7f - '9')) & ones * 0x80;
	word |= ones * 0x20;
	letter = (word + ones * (0x80 - 'a')) & ~(word + ones * (0x7f - 'f')) & ones * 0x80;
	*odd |= ~(number | letter) & ones * 0x80;
	value = (word & ones * 0x0f) + (letter >> 7) * 9;
	value = (value << 4 | value >> 8) & 0x00ff00ff00ff00ffu;
	value = (value | value >> 8) & 0x0000ffff0000ffffu;
	return (uint32_t)(value | value >> 16);
}

static bool uuid_parse(struct text text, unsigned char id[16])
{
	char digits[32];
	uint64_t odd = 0;

	if (text.len != 36 || text.bytes[8] != '-' || text.bytes[13] != '-' ||
		text.bytes[18] != '-' || text.bytes[23] != '-')
		return false;
	memcpy(digits, text.bytes, 8);
	memcpy(digits + 8, text.bytes + 9, 4);
	memcpy(digits + 12, text.bytes + 14, 4);
	memcpy(digits + 16, text.bytes + 19, 4);
	memcpy(digits + 20, text.bytes + 24, 4);
	memcpy(digits + 24, text.bytes + 28, 8);
	for (size_t i = 0; i < 4; i++) {
		uint32_t bytes = hex_bytes(digits + 8 * i, &odd);

		for (size_t b = 0; b < 4; b++)
			id[4 * i + b] = (unsigned char)(bytes >> 8 * b);
	}
	return odd == 0;
}

/* FNV-1a from two starts, 64 bits each: stable over runs and machines. */
static void hash_id(struct text text, unsigned char id[16])
{
	uint64_t other = 0x6c62272e07bb0142u;
	uint64_t hash = text_hash(text);

	for (size_t i = 0; i < text.len; i++)
		other = (other ^ (unsigned char)text.bytes[i]) * 0x100000001b3u;
	other ^= other >> 29;
	other *= 0xbf58476d1ce4e5b9u;
	other ^= other >> 32;
	for (int i = 0; i < 8; i++) {
		id[i] = (unsigned char)(hash >> (56 - 8 * i));
		id[8 + i] = (unsigned char)(other >> (56 - 8 * i));
	}
}

static void set_id(
	struct fact_batch *batch, struct fact_event *event, struct text id, struct text record)
{
	if (uuid_parse(id, event->id))
		return;
	event->id_is_hash = true;
	event->id_text = keep(batch, id);
	hash_id(id.len > 0 ? id : record, event->id);
}

/* A date and time as text, or a count since 1970 whose size tells its unit. */
static bool read_time(struct text text, int64_t *ms_out)
{
	int64_t ms;

	if (!time_parse(text, &ms)) {
		if (!text_to_i64(text, &ms) || ms < 0)
			return false;
		if (ms >= 100000000000000) /* microseconds from here, milliseconds below */
			ms /= 1000;
		else if (ms < 100000000000)
			ms *= 1000;
	}
	if (ms < 0 || ms >= time_limit)
		return false;
	*ms_out = ms;
	return true;
}

/* The high bit of each byte that is no printable ASCII, eight bytes at a time. */
static uint64_t odd_bytes(uint64_t word)
{
	static const uint64_t ones = 0x0101010101010101u;
	uint64_t below = word - ones * 0x20;        /* borrows only where it is odd already */
	uint64_t del = (word ^ ones * 0x7f) - ones; /* likewise */

	return (word | below | del) & ones * 0x80;
}

static bool is_plain(struct text text)
{
	uint64_t word;
	size_t at = 0;

	for (; at + sizeof word <= text.len; at += sizeof word) {
		memcpy(&word, text.bytes + at, sizeof word);
		if (odd_bytes(word))
			return false;
	}
	word = 0x2020202020202020u;
	memcpy(&word, text.bytes + at, text.len - at);
	return odd_bytes(word) == 0;
}

/* Whether the message may be shown as it is. */
static bool is_showable(struct text message, const struct eventlog_options *options)
{
	return message.len < MESSAGE_MAX && is_plain(message) &&
	       (options->keep_rows || !memchr(message.bytes, ':', message.len));
}

/* Message text as it may be shown: without row data, clean, of bounded length. */
static void clean_message(struct buf *clean, struct text message,
	const struct eventlog_options *options, enum utf8_lines lines)
{
	struct buf redacted;

	buf_init(&redacted, EVENTLOG_RECORD_MAX);
	if (!options->keep_rows) {
		(void)redact_message(&redacted, message);
		message = buf_text(&redacted);
	}
	(void)utf8_clean(clean, message, lines); /* what is cut is in the raw event */
	buf_done(&redacted);
}

static fact_string keep_message(struct fact_batch *batch, struct text message,
	const struct eventlog_options *options)
{
	struct buf clean;
	fact_string string;

	if (is_showable(message, options))
		return fact_batch_intern(batch, message);
	buf_init(&clean, MESSAGE_MAX);
	clean_message(&clean, message, options, UTF8_KEEP_LINES);
	string = fact_batch_intern(batch, buf_text(&clean));
	buf_done(&clean);
	return string;
}

/* The event's message, without what the event says anyway. */
static void keep_template(struct fact_batch *batch, struct fact_event *event, struct text message)
{
	struct message_names names = { batch->strings[event->flow],
		event->dataset == event->flow ? TEXT_NONE : batch->strings[event->dataset] };
	int64_t numbers[MESSAGE_NUMBERS_MAX], *kept;
	char room[TEMPLATE_ROOM];
	char *bytes = 2 * message.len <= sizeof room ? room : mem_alloc(2 * message.len);
	struct text template = { bytes, 0 };
	size_t n = message_pack(bytes, &template.len, message, &names, numbers);

	event->message = fact_batch_intern(batch, template);
	event->templated = true;
	if (n > 0) {
		kept = arena_raw(&batch->arena, n * sizeof *kept);
		memcpy(kept, numbers, n * sizeof *kept);
		event->numbers = kept;
		event->nnumbers = (uint32_t)n;
	}
	if (bytes != room)
		free(bytes);
}

/* Flow and dataset are known already. */
static void set_message(struct fact_batch *batch, struct fact_event *event, struct text message,
	const struct eventlog_options *options)
{
	struct buf clean;

	if (!message.bytes)
		return;
	if (is_showable(message, options)) {
		keep_template(batch, event, message);
		return;
	}
	buf_init(&clean, MESSAGE_MAX);
	clean_message(&clean, message, options, UTF8_ONE_LINE);
	keep_template(batch, event, buf_text(&clean));
	buf_done(&clean);
}

/* The CODE of "[CODE] what happened", as the engine's error texts begin. */
static struct text code_of(struct text message)
{
	size_t at = 1;

	if (message.len < 3 || message.bytes[0] != '[')
		return TEXT_NONE;
	for (; at < message.len; at++) {
		char c = message.bytes[at];
		bool word = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
			    (c >= '0' && c <= '9') || c == '_' || c == '.' || c == ':';

		if (!word)
			break;
	}
	if (at == 1 || at == message.len || message.bytes[at] != ']')
		return TEXT_NONE;
	return text_sub(message, 1, at - 1);
}

static void set_error(struct fact_batch *batch, struct fact_event *event, const struct pick *pick,
	const struct eventlog_options *options)
{
	struct text code = first(pick->error_code, code_of(pick->error_message));

	event->fatal = pick->fatal == 1;
	event->error_class = keep(batch, first(code, pick->error_class));
	if (pick->error_message.len > 0)
		event->error_message =
			keep_message(batch, pick->error_message, options);
	event->has_error = event->fatal || event->error_class || event->error_message;
}

/* The text's index, known already when it is the same text as another's. */
static fact_string keep_like(
	struct fact_batch *batch, struct text text, struct text like, fact_string known)
{
	if (known && text.len == like.len && memcmp(text.bytes, like.bytes, text.len) == 0)
		return known;
	return keep(batch, text);
}

static void set_rules(struct fact_batch *batch, struct fact_event *event, const struct pick *pick)
{
	if (pick->nrules == 0)
		return;
	event->rules = arena_raw(&batch->arena, pick->nrules * sizeof *event->rules);
	for (size_t i = 0; i < pick->nrules; i++) {
		const struct pick_rule *rule = &pick->rules[i];

		if (rule->name.len == 0)
			continue;
		event->rules[event->nrules++] = (struct fact_rule){
			.name = fact_batch_intern(batch, rule->name),
			.dataset = keep_like(batch, rule->dataset, pick->dataset, event->dataset),
			.action =
				rule->action.len > 0 ? rule_action_of(rule->action) : RULE_UNKNOWN,
			.passed = rule->passed,
			.failed = rule->failed,
		};
	}
}

static void set_inputs(struct fact_batch *batch, struct fact_event *event, const struct pick *pick)
{
	if (pick->ninputs == 0)
		return;
	event->inputs = ARENA_ARRAY(&batch->arena, fact_string, pick->ninputs);
	for (size_t i = 0; i < pick->ninputs; i++) {
		const struct pick_input *input = &pick->inputs[i];
		struct text name =
			first(first(input->name, input->dataset_name), input->table_name);

		if (name.len > 0)
			event->inputs[event->ninputs++] = fact_batch_intern(batch, name);
	}
}

/* The event's dataset: what origin says, else what the flow writes, else what the rules check. */
static void set_dataset(struct fact_batch *batch, struct fact_event *event, const struct pick *pick)
{
	struct text output = first(pick->output_dataset, pick->output_sink);

	if (event->type == EVENT_SINK_DEFINITION)
		output = first(output, pick->sink);
	if (event->type == EVENT_DATASET_DEFINITION)
		output = first(output, pick->dataset);
	event->output = keep(batch, output);
	if (!event->dataset)
		event->dataset = event->output;
	for (size_t i = 0; i < event->nrules; i++) {
		if (!event->dataset)
			event->dataset = event->rules[i].dataset;
		if (!event->rules[i].dataset)
			event->rules[i].dataset = event->dataset;
	}
}

static bool keeps_raw(const struct fact_event *event, enum eventlog_raw raw)
{
	if (raw != EVENTLOG_RAW_WARNINGS)
		return raw == EVENTLOG_RAW_ALL;
	switch (event->type) {
	case EVENT_FLOW_DEFINITION:
	case EVENT_DATASET_DEFINITION:
	case EVENT_SINK_DEFINITION:
	case EVENT_OTHER: /* nothing else is known of it */
		return true;
	default:
		return event->level >= LEVEL_WARN;
	}
}

static void set_raw(struct fact_batch *batch, struct fact_event *event, struct text record,
	const struct eventlog_place *place, const struct eventlog_options *options)
{
	struct buf redacted;

	event->segment = place->segment;
	event->offset = place->offset;
	event->length = (int64_t)record.len;
	if (!keeps_raw(event, options->raw))
		return;
	/* Half a JSON value serves nobody who can follow the pointer to the whole. */
	if (record.len > FACT_RAW_MAX && place->segment != 0)
		return;
	record = text_sub(record, 0, FACT_RAW_MAX);
	if (options->keep_rows) {
		event->raw = arena_text(&batch->arena, record);
		return;
	}
	buf_init(&redacted, FACT_RAW_MAX);
	(void)redact_json(&redacted, record);
	event->raw = arena_text(&batch->arena, buf_text(&redacted));
	buf_done(&redacted);
}

static void set_numbers(struct fact_event *event, const struct pick *pick)
{
	event->sequence = pick->control_seq != FACT_UNKNOWN ? pick->control_seq : pick->data_seq;
	event->full_refresh = pick->full_refresh;
	event->validate_only = pick->validate_only;
	event->explore_only = pick->explore_only;
	event->failed_attempts = pick->failed_attempts;
	event->maintenance = pick->maintenance.len > 0;
	event->batch_id = pick->batch_id;
	event->output_rows = pick->output_rows;
	event->upserted_rows = pick->upserted_rows;
	event->deleted_rows = pick->deleted_rows;
	event->output_bytes = pick->output_bytes;
	event->dropped_records = pick->dropped_records;
	event->backlog_bytes = pick->backlog_bytes;
	event->backlog_records = pick->backlog_records;
	event->backlog_files = pick->backlog_files;
	event->backlog_seconds = pick->backlog_seconds;
	event->has_quality = pick->has_quality;
}

bool pick_to_event(struct fact_batch *batch, const struct pick *pick, struct text record,
	const struct eventlog_place *place, const struct eventlog_options *options,
	struct text *reason_out)
{
	struct text timestamp = first(pick->timestamp, pick->timestamp_alt);
	struct fact_event *event;
	int64_t happened_at_ms;

	if (timestamp.len == 0) {
		*reason_out = TEXT("event without a timestamp");
		return false;
	}
	if (!read_time(timestamp, &happened_at_ms)) {
		*reason_out = TEXT("event whose timestamp is no time between 1970 and 2248");
		return false;
	}
	event = fact_batch_event(batch);
	event->happened_at_ms = happened_at_ms;
	set_id(batch, event, first(pick->id, pick->id_alt), record);
	event->type = pick->payload; /* known already where details were read */
	if (event->type == EVENT_OTHER)
		event->type = event_type_of(pick->type);
	if (event->type == EVENT_OTHER)
		event->type_text = keep(batch, pick->type);
	event->level = event_level_of(pick->level);
	event->maturity = keep(batch, pick->maturity);
	event->pipeline_id = keep(batch, first(pick->pipeline_id, pick->pipeline_alt));
	event->pipeline_name = keep(batch, pick->pipeline_name);
	event->update_id = keep(batch, first(pick->update_id, pick->update_alt));
	if (!text_eq(pick->flow, missing_flow))
		event->flow = keep(batch, pick->flow);
	event->dataset = keep_like(batch, pick->dataset, pick->flow, event->flow);
	event->flow_attempt = keep(batch, pick->flow_attempt);
	if (pick->state.len > 0) {
		event->state = run_state_of(pick->state);
		if (event->state == RUN_UNKNOWN)
			event->state_text = keep(batch, pick->state);
	}
	event->cause = keep(batch, pick->cause);
	event->run_as = keep(batch, pick->run_as);
	event->user = keep(batch, pick->user);
	event->flow_type = keep(batch, pick->flow_type);
	set_numbers(event, pick);
	set_rules(batch, event, pick);
	set_inputs(batch, event, pick);
	set_dataset(batch, event, pick);
	set_message(batch, event, pick->message, options);
	set_error(batch, event, pick, options);
	set_raw(batch, event, record, place, options);
	if (event->type == EVENT_STREAM_PROGRESS && pick->progress.len > 0)
		eventlog_progress(batch, event, pick->progress);
	return true;
}
