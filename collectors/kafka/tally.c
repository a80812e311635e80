/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/kafka/tally_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "collectors/kafka/debezium.h"
#include "store/fact.h"

enum { FUTURE_MS = 60000 };

struct tally *tally_new(void (*tell)(void *context, const struct tally_row *row), void *context)
{
	struct tally *tally = NEW(struct tally);

	tally->tell = tell;
	tally->context = context;
	buf_init(&tally->name, NAME_MAX_BYTES);
	buf_init(&tally->clean, NAME_MAX_BYTES);
	return tally;
}

void tally_free(struct tally *tally)
{
	if (!tally)
		return;
	for (size_t i = 0; i < tally->ntopics; i++) {
		struct topic *topic = &tally->topics[i];

		for (size_t k = 0; k < topic->ntables; k++)
			free(topic->tables[k].name);
		free(topic->tables);
		free(topic->slots);
		free(topic->sources);
		free(topic->parts);
		free(topic->name);
	}
	free(tally->topics);
	buf_done(&tally->name);
	buf_done(&tally->clean);
	free(tally);
}

static void grow_parts(struct topic *topic, int32_t partitions)
{
	if (partitions > TALLY_PARTITIONS_MAX)
		partitions = TALLY_PARTITIONS_MAX;
	if (partitions <= topic->nparts)
		return;
	topic->parts = mem_resize(topic->parts, (size_t)partitions, sizeof *topic->parts);
	for (int32_t i = topic->nparts; i < partitions; i++) {
		topic->parts[i] = (struct part){ .minute = INT64_MIN, .resume = -1, .last_ms = INT64_MIN };
		for (size_t k = 0; k < TALLY_OPEN_MAX; k++)
			topic->parts[i].first_minute[k] = INT64_MIN;
	}
	topic->nparts = partitions;
}

size_t tally_topic(struct tally *tally, const char *name, int32_t partitions)
{
	struct topic *topic;
	size_t at = 0;

	while (at < tally->ntopics && strcmp(tally->topics[at].name, name) != 0)
		at++;
	if (at == tally->ntopics) {
		tally->topics = mem_resize(tally->topics, ++tally->ntopics, sizeof *tally->topics);
		topic = &tally->topics[at];
		*topic = (struct topic){
			.name = mem_strdup(name),
			.open = INT64_MIN,
			.partial_until = INT64_MIN,
		};
		for (size_t k = 0; k < TALLY_OPEN_MAX; k++)
			topic->minutes[k].minute = INT64_MIN;
	}
	grow_parts(&tally->topics[at], partitions);
	return at;
}

static struct part *part_of(struct tally *tally, size_t topic, int32_t partition)
{
	struct topic *one = &tally->topics[topic];

	return partition >= 0 && partition < one->nparts ? &one->parts[partition] : NULL;
}

int64_t tally_begin(struct tally *tally, size_t topic, int32_t partition, int64_t offset, bool whole,
	int64_t low, int64_t high, int64_t now_ms)
{
	struct topic *one = &tally->topics[topic];
	struct part *part = part_of(tally, topic, partition);

	if (!part)
		return offset;
	if (part->resume >= 0 && part->resume >= low && part->resume <= high) {
		offset = part->resume;
	} else if (!whole && tally_minute_of(now_ms) > one->partial_until) {
		one->partial_until = tally_minute_of(now_ms);
	}
	part->resume = -1;
	part->begun = true;
	part->caught_up = false;
	part->next = offset;
	return offset;
}

void tally_leave(struct tally *tally, size_t topic, int32_t partition)
{
	struct part *part = part_of(tally, topic, partition);

	if (!part || !part->begun)
		return;
	part->caught_up = true; /* no minute waits for it */
	part->resume = part->next;
}

int64_t tally_next(const struct tally *tally, size_t topic, int32_t partition)
{
	const struct topic *one = &tally->topics[topic];

	return partition >= 0 && partition < one->nparts ? one->parts[partition].next : 0;
}

void tally_anew(struct tally *tally, size_t topic, int32_t partition, int64_t offset, int64_t now_ms)
{
	struct topic *one = &tally->topics[topic];
	struct part *part = part_of(tally, topic, partition);

	if (!part)
		return;
	part->next = offset;
	part->jumped = false;
	for (size_t i = 0; i < TALLY_OPEN_MAX; i++) {
		part->first_minute[i] = INT64_MIN; /* offsets of the old log */
		one->minutes[i].partial = true;
	}
	if (tally_minute_of(now_ms) > one->partial_until)
		one->partial_until = tally_minute_of(now_ms);
}

/* The slot of a minute, emptied for it. All open ones lie within TALLY_OPEN_MAX of each other. */
static struct minute *open_minute(struct topic *topic, int64_t minute)
{
	struct minute *slot = &topic->minutes[tally_slot_of(minute)];

	if (slot->minute == minute)
		return slot;
	*slot = (struct minute){ .minute = minute, .partial = minute <= topic->partial_until };
	for (size_t i = 0; i < topic->ntables; i++)
		topic->tables[i].counts[tally_slot_of(minute)] = (struct counts){ .last_at_ms = INT64_MIN };
	if (topic->open == INT64_MIN)
		topic->open = minute;
	return slot;
}

/* Records that were passed over are spread over the minutes they fell into, by time. */
static void spread(struct topic *topic, int64_t passed, int64_t from_ms, int64_t to_ms)
{
	int64_t first = tally_minute_of(from_ms);
	int64_t last = tally_minute_of(to_ms);

	if (first < topic->open)
		first = topic->open;
	if (last - first >= TALLY_OPEN_MAX)
		first = last - TALLY_OPEN_MAX + 1;
	for (int64_t minute = first; minute <= last; minute++) {
		int64_t begin = minute * MINUTE_MS > from_ms ? minute * MINUTE_MS : from_ms;
		int64_t end = (minute + 1) * MINUTE_MS < to_ms ? (minute + 1) * MINUTE_MS : to_ms;
		int64_t span = to_ms - from_ms;

		open_minute(topic, minute)->passed += span > 0 && end > begin
			? passed * (end - begin) / span : minute == last ? passed : 0;
	}
}

/* The table of a record without a value: of the same key before it, or as the router's key says. */
static uint32_t tombstone_table(
	const struct topic *topic, const struct part *part, uint64_t key, struct text source)
{
	if (part->last_key == key && key != 0)
		return part->last_table;
	return source.bytes ? tally_find_source(topic, text_hash(source)) : 0;
}

static void add_change(struct counts *counts, const struct debezium *event, int64_t at_ms)
{
	int64_t delay = event->source_ts_ms == FACT_UNKNOWN ? FACT_UNKNOWN : at_ms - event->source_ts_ms;

	counts->creates += event->op == 'c';
	counts->updates += event->op == 'u';
	counts->deletes += event->op == 'd';
	counts->reads += event->op == 'r';
	counts->snapshot = counts->snapshot || event->snapshot || event->op == 'r';
	if (event->snapshot || event->op == 'r' || delay == FACT_UNKNOWN || delay < -86400000)
		return;
	if (delay < 0)
		delay = 0; /* two clocks */
	counts->delays++;
	counts->delay_sum_ms += delay;
	if (delay > counts->delay_max_ms)
		counts->delay_max_ms = delay;
}

/* The record's minute, and where it began in this partition. */
static int64_t place_record(struct topic *topic, struct part *part, int64_t offset, int64_t at_ms)
{
	int64_t minute = tally_minute_of(at_ms);

	if (minute < part->minute)
		minute = part->minute;
	if (minute < topic->open)
		minute = topic->open;
	if (minute != part->minute) {
		part->first[tally_slot_of(minute)] = offset;
		part->first_minute[tally_slot_of(minute)] = minute;
		part->minute = minute;
	}
	return minute;
}

void tally_count(
	struct tally *tally, size_t topic_at, const struct tally_record *record, int64_t now_ms)
{
	struct topic *topic = &tally->topics[topic_at];
	struct part *part = part_of(tally, topic_at, record->partition);
	struct text source = debezium_key_source(record->key);
	uint64_t key = record->key.bytes ? text_hash(record->key) : 0;
	struct debezium event;
	struct counts *counts;
	struct minute *slot;
	int64_t at_ms = record->at_ms;
	int64_t minute;
	uint32_t table;

	if (!part || record->offset < part->next)
		return; /* counted already */
	if (at_ms <= 0 || at_ms > now_ms + FUTURE_MS)
		at_ms = now_ms;
	debezium_read(record->value, &event, &tally->name);
	tally_need_tables(topic);
	table = event.kind == DEBEZIUM_CHANGE ? tally_table_of(tally, topic, buf_text(&tally->name))
		: event.kind == DEBEZIUM_TOMBSTONE ? tombstone_table(topic, part, key, source) : 0;
	if (event.kind == DEBEZIUM_CHANGE && source.bytes)
		tally_learn_source(topic, text_hash(source), table);
	minute = place_record(topic, part, record->offset, at_ms);
	if (topic->open != INT64_MIN && minute - topic->open >= TALLY_OPEN_MAX)
		tally_close_until(tally, topic, minute - TALLY_OPEN_MAX);
	if (part->jumped && part->last_ms != INT64_MIN)
		spread(topic, record->offset - part->next, part->last_ms, at_ms);
	slot = open_minute(topic, minute);
	if (part->jumped && part->last_ms == INT64_MIN)
		slot->partial = true;
	slot->sampled++;
	counts = &topic->tables[table].counts[tally_slot_of(minute)];
	counts->counted++;
	counts->bytes += (int64_t)(record->key.len + record->value.len);
	counts->tombstones += event.kind == DEBEZIUM_TOMBSTONE;
	counts->dirty = true;
	if (at_ms > counts->last_at_ms || counts->counted == 1)
		counts->last_at_ms = at_ms;
	if (event.kind == DEBEZIUM_CHANGE)
		add_change(counts, &event, at_ms);
	part->jumped = false;
	part->caught_up = false;
	part->next = record->offset + 1;
	part->last_ms = at_ms;
	part->last_key = key;
	part->last_table = table;
}

void tally_jump(struct tally *tally, size_t topic, int32_t partition)
{
	struct part *part = part_of(tally, topic, partition);

	if (part)
		part->jumped = true;
}

void tally_caught_up(struct tally *tally, size_t topic, int32_t partition)
{
	struct part *part = part_of(tally, topic, partition);

	if (part)
		part->caught_up = true;
}

bool tally_is_behind(const struct tally *tally, size_t topic, int32_t partition)
{
	const struct topic *one = &tally->topics[topic];

	return partition < one->nparts && one->parts[partition].begun && !one->parts[partition].caught_up;
}

int64_t tally_oldest(const struct tally *tally)
{
	int64_t oldest = INT64_MAX;

	for (size_t i = 0; i < tally->ntopics; i++) {
		for (int32_t p = 0; p < tally->topics[i].nparts; p++) {
			const struct part *part = &tally->topics[i].parts[p];

			if (part->begun && !part->caught_up && part->last_ms != INT64_MIN &&
				part->last_ms < oldest)
				oldest = part->last_ms;
		}
	}
	return oldest;
}
