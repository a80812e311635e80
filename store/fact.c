/* SPDX-License-Identifier: Apache-2.0 */
#include "store/fact.h"

#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

static const char *const kind_names[] = {
#define X(id, name, days, about) name,
	FACT_KINDS(X)
#undef X
};

/* Names with their lengths: they are looked up for every event. */
static const struct text type_names[] = {
#define X(id, name) { name, sizeof(name) - 1 },
	EVENT_TYPES(X)
#undef X
};

static const struct text level_names[] = {
#define X(id, name) { name, sizeof(name) - 1 },
	EVENT_LEVELS(X)
#undef X
};

static const struct text state_names[] = {
#define X(id, name, severity) { name, sizeof(name) - 1 },
	RUN_STATES(X)
#undef X
};

static const int severities[] = {
#define X(id, name, severity) severity,
	RUN_STATES(X)
#undef X
};

static const struct text action_names[] = { { "", 0 }, { "warn", 4 }, { "drop", 4 }, { "fail", 4 } };
static const char *const health_names[] = { "ok", "waiting", "silent", "degraded", "failed" };

const char *fact_kind_name(enum fact_kind kind)
{
	return kind_names[kind];
}

const char *event_type_name(enum event_type type)
{
	return type_names[type].bytes;
}

/* The first row is the empty name and never matches. */
static size_t name_index(struct text name, const struct text *names, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		if (names[i].len == name.len && memcmp(names[i].bytes, name.bytes, name.len) == 0)
			return i;
	}
	return 0;
}

enum event_type event_type_of(struct text name)
{
	return (enum event_type)name_index(name, type_names, ARRAY_LEN(type_names));
}

const char *event_level_name(enum event_level level)
{
	return level_names[level].bytes;
}

enum event_level event_level_of(struct text name)
{
	return (enum event_level)name_index(name, level_names, ARRAY_LEN(level_names));
}

const char *run_state_name(enum run_state state)
{
	return state_names[state].bytes;
}

enum run_state run_state_of(struct text name)
{
	if (name.len == 9 && text_is(name, "CANCELLED"))
		return RUN_CANCELED;
	return (enum run_state)name_index(name, state_names, ARRAY_LEN(state_names));
}

int run_state_severity(enum run_state state)
{
	return severities[state];
}

bool run_state_is_final(enum run_state state)
{
	return severities[state] >= severities[RUN_COMPLETED] && state != RUN_IDLE;
}

const char *rule_action_name(enum rule_action action)
{
	return action_names[action].bytes;
}

/* In any case: the one bit by which letters differ is set; no other byte becomes a letter by it. */
static bool is_word(struct text name, const char *lower, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((name.bytes[i] | 0x20) != lower[i])
			return false;
	}
	return true;
}

enum rule_action rule_action_of(struct text name)
{
	if (name.len == 5 && is_word(name, "allow", 5))
		return RULE_WARN;
	for (size_t i = RULE_WARN; name.len == 4 && i < ARRAY_LEN(action_names); i++) {
		if (is_word(name, action_names[i].bytes, 4))
			return (enum rule_action)i;
	}
	return RULE_UNKNOWN;
}

const char *reader_kind_name(enum reader_kind kind)
{
	static const char *const names[] = { "group", "checkpoint", "eventlog", "sink" };

	return (size_t)kind < ARRAY_LEN(names) ? names[kind] : "";
}

void fact_table_unknown(struct fact_table *table)
{
	*table = (struct fact_table){
#define X(member, column, about) .member = FACT_UNKNOWN,
		FACT_TABLE_NUMBERS(X)
#undef X
	};
}

const char *version_standing_name(enum version_standing standing)
{
	static const char *const names[] = { "", "current", "restorable", "listed only", "gone" };

	return (size_t)standing < ARRAY_LEN(names) ? names[standing] : "";
}

const char *connector_state_name(enum connector_state state)
{
	static const char *const names[] = {
		"", "RUNNING", "UNASSIGNED", "RESTARTING", "PAUSED", "STOPPED", "FAILED"
	};

	return (size_t)state < ARRAY_LEN(names) ? names[state] : "";
}

const char *health_state_name(enum health_state state)
{
	return health_names[state];
}

struct fact_batch *fact_batch_new(void)
{
	struct fact_batch *batch = NEW(struct fact_batch);

	batch->slots_room = 256;
	batch->slots = NEW_ARRAY(uint32_t, batch->slots_room);
	batch->strings_room = 128;
	batch->strings = NEW_ARRAY(struct text, batch->strings_room);
	fact_batch_reset(batch);
	return batch;
}

void fact_batch_free(struct fact_batch *batch)
{
	if (!batch)
		return;
	arena_free(&batch->arena);
	free(batch->strings);
	free(batch->slots);
	free(batch->events);
	free(batch->facts);
	free(batch->segments);
	free(batch);
}

void fact_batch_reset(struct fact_batch *batch)
{
	arena_reset(&batch->arena);
	memset(batch->slots, 0, batch->slots_room * sizeof *batch->slots);
	batch->strings[0] = TEXT_NONE;
	batch->nstrings = 1;
	batch->nevents = 0;
	batch->nfacts = 0;
	batch->nsegments = 0;
	batch->source = TEXT_NONE;
	batch->cursor = TEXT_NONE;
	batch->read_bytes = 0;
	batch->read_records = 0;
	batch->undecodable = 0;
	batch->fallback = 0;
	batch->more = false;
}

static void grow_slots(struct fact_batch *batch)
{
	size_t room = batch->slots_room * 2;
	uint32_t *slots = NEW_ARRAY(uint32_t, room);

	for (uint32_t i = 1; i < batch->nstrings; i++) {
		size_t at = (size_t)text_hash_fast(batch->strings[i]) & (room - 1);

		while (slots[at] != 0)
			at = (at + 1) & (room - 1);
		slots[at] = i;
	}
	free(batch->slots);
	batch->slots = slots;
	batch->slots_room = room;
}

fact_string fact_batch_intern(struct fact_batch *batch, struct text text)
{
	size_t at;

	if (!text.bytes)
		return 0;
	if (batch->nstrings * 2 >= batch->slots_room)
		grow_slots(batch);
	at = (size_t)text_hash_fast(text) & (batch->slots_room - 1);
	while (batch->slots[at] != 0) {
		const struct text *known = &batch->strings[batch->slots[at]];

		if (known->len == text.len && memcmp(known->bytes, text.bytes, text.len) == 0)
			return batch->slots[at];
		at = (at + 1) & (batch->slots_room - 1);
	}
	if (batch->nstrings == batch->strings_room) {
		batch->strings_room *= 2;
		batch->strings =
			mem_resize(batch->strings, batch->strings_room, sizeof *batch->strings);
	}
	batch->strings[batch->nstrings] = arena_text(&batch->arena, text);
	batch->slots[at] = (uint32_t)batch->nstrings;
	return (fact_string)batch->nstrings++;
}

struct text fact_batch_string(const struct fact_batch *batch, fact_string string)
{
	return batch->strings[string];
}

/* Makes room for one more in an array that doubles. */
static void *grow(void *array, size_t n, size_t *room, size_t bytes)
{
	if (n < *room)
		return array;
	*room = *room ? *room * 2 : 16;
	return mem_resize(array, *room, bytes);
}

struct fact_event *fact_batch_event(struct fact_batch *batch)
{
	struct fact_event *event;

	batch->events =
		grow(batch->events, batch->nevents, &batch->events_room, sizeof *batch->events);
	event = &batch->events[batch->nevents++];
	*event = (struct fact_event){
		.happened_at_ms = FACT_UNKNOWN,
		.sequence = FACT_UNKNOWN,
		.full_refresh = -1,
		.validate_only = -1,
		.explore_only = -1,
		.failed_attempts = FACT_UNKNOWN,
		.batch_id = FACT_UNKNOWN,
		.output_rows = FACT_UNKNOWN,
		.upserted_rows = FACT_UNKNOWN,
		.deleted_rows = FACT_UNKNOWN,
		.output_bytes = FACT_UNKNOWN,
		.dropped_records = FACT_UNKNOWN,
		.backlog_bytes = FACT_UNKNOWN,
		.backlog_records = FACT_UNKNOWN,
		.backlog_files = FACT_UNKNOWN,
		.backlog_seconds = FACT_UNKNOWN,
	};
	return event;
}

struct fact *fact_batch_fact(struct fact_batch *batch, enum fact_kind kind, int64_t happened_at_ms)
{
	struct fact *fact;

	batch->facts = grow(batch->facts, batch->nfacts, &batch->facts_room, sizeof *batch->facts);
	fact = &batch->facts[batch->nfacts++];
	memset(fact, 0, sizeof *fact);
	fact->kind = kind;
	fact->happened_at_ms = happened_at_ms;
	return fact;
}

uint32_t fact_batch_segment(struct fact_batch *batch, const struct fact_segment *segment)
{
	for (size_t i = 0; i < batch->nsegments; i++) {
		const struct fact_segment *known = &batch->segments[i];

		if (known->inode == segment->inode && known->device == segment->device &&
			known->head_hash == segment->head_hash &&
			known->head_len == segment->head_len && text_eq(known->path, segment->path))
			return (uint32_t)i + 1;
	}
	batch->segments = grow(
		batch->segments, batch->nsegments, &batch->segments_room, sizeof *batch->segments);
	batch->segments[batch->nsegments] = *segment;
	batch->segments[batch->nsegments].path = arena_text(&batch->arena, segment->path);
	return (uint32_t)++batch->nsegments;
}

static struct text clean_copy(struct fact_batch *batch, struct text dirty)
{
	struct buf buf;
	struct text copy;

	buf_init(&buf, FACT_KEEP_MAX);
	(void)utf8_clean(&buf, dirty, UTF8_ONE_LINE); /* what is cut was too long to show */
	copy = arena_text(&batch->arena, buf_text(&buf));
	buf_done(&buf);
	return copy;
}

void fact_batch_undecodable(struct fact_batch *batch, int64_t now_ms, struct text place,
	struct text reason, struct text bytes)
{
	struct fact *fact = fact_batch_fact(batch, FACT_UNDECODABLE, now_ms);

	fact->u.undecodable.place = clean_copy(batch, place);
	fact->u.undecodable.reason = clean_copy(batch, reason);
	fact->u.undecodable.bytes = arena_text(&batch->arena, text_sub(bytes, 0, FACT_KEEP_MAX));
	fact->u.undecodable.length = (int64_t)bytes.len;
	batch->undecodable++;
}
