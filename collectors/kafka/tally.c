/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/kafka/tally.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "collectors/kafka/debezium.h"
#include "store/fact.h"

enum { MINUTE_MS = 60000, GRACE_MS = 5000, FUTURE_MS = 60000, NAME_MAX_BYTES = 512,
	LARGE_SHARE = 100 /* a table with one record in so many is told while its minute is open */ };

struct counts {
	int64_t bytes, delay_sum_ms, delay_max_ms, last_at_ms;
	uint32_t counted, creates, updates, deletes, reads, tombstones, delays;
	bool snapshot, dirty;
};

struct table {
	char *name; /* clean; NULL: records of no known table */
	uint64_t hash;
	bool told;
	struct counts counts[TALLY_OPEN_MAX]; /* of minute m in slot m % TALLY_OPEN_MAX */
};

struct source { /* what a router's key field calls a table */
	uint64_t hash;
	uint32_t table;
};

struct part {
	bool begun, caught_up, jumped;
	int64_t next;    /* offset behind the newest record */
	int64_t minute;  /* the newest record's, monotone; INT64_MIN = none yet */
	int64_t last_ms;
	uint64_t last_key; /* its hash */
	uint32_t last_table;
	int64_t first[TALLY_OPEN_MAX];        /* offset of the first record of a minute or later */
	int64_t first_minute[TALLY_OPEN_MAX]; /* which minute that is about; INT64_MIN = none */
	int64_t resume; /* from tally_resume; -1 = none */
};

struct minute { /* of a topic */
	int64_t minute; /* INT64_MIN = slot is free */
	int64_t sampled, passed;
	bool partial; /* reading began in the middle of it */
};

struct topic {
	char *name;
	struct part *parts;
	int32_t nparts;
	int64_t open; /* first minute that is not closed; INT64_MIN = none is */
	int64_t partial_until; /* minutes up to this began before we did */
	struct minute minutes[TALLY_OPEN_MAX];
	struct table *tables;
	size_t ntables, tables_room;
	uint32_t *slots; /* index + 1, by name */
	size_t nslots;
	struct source *sources;
	size_t nsources, sources_slots;
};

struct tally {
	struct topic *topics;
	size_t ntopics;
	struct buf name, clean; /* scratch */
	void (*tell)(void *context, const struct tally_row *row);
	void *context;
};

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

static int64_t minute_of(int64_t ms)
{
	return ms >= 0 ? ms / MINUTE_MS : 0;
}

static size_t slot_of(int64_t minute)
{
	return (size_t)(minute % TALLY_OPEN_MAX);
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
	} else if (!whole && minute_of(now_ms) > one->partial_until) {
		one->partial_until = minute_of(now_ms);
	}
	part->resume = -1;
	part->begun = true;
	part->caught_up = false;
	part->next = offset;
	return offset;
}

static void place_table(struct topic *topic, size_t index)
{
	size_t at = (size_t)topic->tables[index].hash & (topic->nslots - 1);

	while (topic->slots[at] != 0)
		at = (at + 1) & (topic->nslots - 1);
	topic->slots[at] = (uint32_t)index + 1;
}

static void grow_tables(struct topic *topic)
{
	topic->tables_room = topic->tables_room ? 2 * topic->tables_room : 16;
	topic->tables = mem_resize(topic->tables, topic->tables_room, sizeof *topic->tables);
	free(topic->slots);
	topic->nslots = 4 * topic->tables_room;
	topic->slots = NEW_ARRAY(uint32_t, topic->nslots);
	for (size_t i = 0; i < topic->ntables; i++)
		place_table(topic, i);
}

/* Table 0 of a topic is that of records that say none, or are of one too many. */
static uint32_t add_table(struct topic *topic, const char *name, uint64_t hash)
{
	if (topic->ntables == TALLY_TABLES_MAX)
		return 0;
	if (topic->ntables == topic->tables_room)
		grow_tables(topic);
	topic->tables[topic->ntables] = (struct table){
		.name = name ? mem_strdup(name) : NULL,
		.hash = hash,
	};
	place_table(topic, topic->ntables);
	return (uint32_t)topic->ntables++;
}

static uint32_t table_of(struct tally *tally, struct topic *topic, struct text name)
{
	uint64_t hash = text_hash(name);

	if (topic->ntables == 0)
		(void)add_table(topic, NULL, text_hash(TEXT("")) ^ 1);
	for (size_t at = (size_t)hash;; at++) {
		uint32_t slot = topic->slots[at & (topic->nslots - 1)];

		if (slot == 0)
			break;
		/* Hashes are of names as they came; two of 64 bits do not meet by chance. */
		if (topic->tables[slot - 1].hash == hash)
			return slot - 1;
	}
	buf_reset(&tally->clean);
	(void)utf8_clean(&tally->clean, name, UTF8_ONE_LINE); /* cut is fine */
	return add_table(topic, tally->clean.bytes, hash);
}

static void learn_source(struct topic *topic, uint64_t hash, uint32_t table)
{
	hash |= 1; /* 0 = free */
	if (4 * (topic->nsources + 1) > 3 * topic->sources_slots) {
		size_t before = topic->sources_slots;
		struct source *old = topic->sources;

		if (topic->nsources > TALLY_TABLES_MAX)
			return;
		topic->sources_slots = before ? 2 * before : 32;
		topic->sources = NEW_ARRAY(struct source, topic->sources_slots);
		topic->nsources = 0;
		for (size_t i = 0; i < before; i++) {
			if (old[i].hash != 0)
				learn_source(topic, old[i].hash, old[i].table);
		}
		free(old);
	}
	for (size_t at = (size_t)hash;; at++) {
		struct source *source = &topic->sources[at & (topic->sources_slots - 1)];

		if (source->hash != 0 && source->hash != hash)
			continue;
		topic->nsources += source->hash == 0;
		*source = (struct source){ hash, table };
		return;
	}
}

static uint32_t find_source(const struct topic *topic, uint64_t hash)
{
	hash |= 1;
	for (size_t at = (size_t)hash; topic->sources_slots > 0; at++) {
		const struct source *source = &topic->sources[at & (topic->sources_slots - 1)];

		if (source->hash == 0)
			break;
		if (source->hash == hash)
			return source->table;
	}
	return 0;
}

/* The slot of a minute, emptied for it. All open ones lie within TALLY_OPEN_MAX of each other. */
static struct minute *open_minute(struct topic *topic, int64_t minute)
{
	struct minute *slot = &topic->minutes[slot_of(minute)];

	if (slot->minute == minute)
		return slot;
	*slot = (struct minute){ .minute = minute, .partial = minute <= topic->partial_until };
	for (size_t i = 0; i < topic->ntables; i++)
		topic->tables[i].counts[slot_of(minute)] = (struct counts){ .last_at_ms = INT64_MIN };
	if (topic->open == INT64_MIN)
		topic->open = minute;
	return slot;
}

/* Records that were passed over are spread over the minutes they fell into, by time. */
static void spread(struct topic *topic, int64_t passed, int64_t from_ms, int64_t to_ms)
{
	int64_t first = minute_of(from_ms);
	int64_t last = minute_of(to_ms);

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
	return source.bytes ? find_source(topic, text_hash(source)) : 0;
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
	int64_t minute = minute_of(at_ms);

	if (minute < part->minute)
		minute = part->minute;
	if (minute < topic->open)
		minute = topic->open;
	if (minute != part->minute) {
		part->first[slot_of(minute)] = offset;
		part->first_minute[slot_of(minute)] = minute;
		part->minute = minute;
	}
	return minute;
}

struct telling {
	const struct tally *tally;
	bool all, closing;
};

static void tell_row(struct telling *telling, struct topic *topic, struct table *table,
	const struct minute *minute)
{
	struct counts *counts = &table->counts[slot_of(minute->minute)];
	struct tally_row row = {
		.topic = topic->name,
		.table = table->name,
		.minute_ms = minute->minute * MINUTE_MS,
		.counted = counts->counted,
		.bytes = counts->bytes,
		.creates = counts->creates,
		.updates = counts->updates,
		.deletes = counts->deletes,
		.reads = counts->reads,
		.tombstones = counts->tombstones,
		.sampled = minute->sampled,
		.seen = minute->partial ? FACT_UNKNOWN : minute->sampled + minute->passed,
		.delay_sum_ms = counts->delay_sum_ms,
		.delay_max_ms = counts->delays > 0 ? counts->delay_max_ms : FACT_UNKNOWN,
		.delays = counts->delays,
		.last_at_ms = counts->last_at_ms,
		.snapshot = counts->snapshot,
	};

	counts->dirty = false;
	table->told = true;
	telling->tally->tell(telling->tally->context, &row);
}

/*
 * While a minute is open only what leads or is new is told; when it closes, all that it had, since
 * how much was seen in it is known only then.
 */
static void tell_minute(struct telling *telling, struct topic *topic, const struct minute *minute)
{
	for (size_t i = 0; i < topic->ntables; i++) {
		struct table *table = &topic->tables[i];
		const struct counts *counts = &table->counts[slot_of(minute->minute)];
		bool large = (int64_t)counts->counted * LARGE_SHARE >= minute->sampled && i > 0;

		if (counts->counted > 0 && (telling->closing ||
			(counts->dirty && (telling->all || large || !table->told))))
			tell_row(telling, topic, table, minute);
	}
}

/* Minutes up to this one are over, whether or not every partition is past them. */
static void close_until(struct tally *tally, struct topic *topic, int64_t last)
{
	struct telling telling = { .tally = tally, .all = true, .closing = true };

	for (size_t i = 0; i < TALLY_OPEN_MAX; i++) {
		struct minute *slot = &topic->minutes[i];

		if (slot->minute == INT64_MIN || slot->minute > last)
			continue;
		tell_minute(&telling, topic, slot);
		slot->minute = INT64_MIN;
	}
	if (topic->open <= last)
		topic->open = last + 1;
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
	if (topic->ntables == 0)
		(void)add_table(topic, NULL, text_hash(TEXT("")) ^ 1);
	table = event.kind == DEBEZIUM_CHANGE ? table_of(tally, topic, buf_text(&tally->name))
		: event.kind == DEBEZIUM_TOMBSTONE ? tombstone_table(topic, part, key, source) : 0;
	if (event.kind == DEBEZIUM_CHANGE && source.bytes)
		learn_source(topic, text_hash(source), table);
	minute = place_record(topic, part, record->offset, at_ms);
	if (topic->open != INT64_MIN && minute - topic->open >= TALLY_OPEN_MAX)
		close_until(tally, topic, minute - TALLY_OPEN_MAX);
	if (part->jumped && part->last_ms != INT64_MIN)
		spread(topic, record->offset - part->next, part->last_ms, at_ms);
	slot = open_minute(topic, minute);
	if (part->jumped && part->last_ms == INT64_MIN)
		slot->partial = true;
	slot->sampled++;
	counts = &topic->tables[table].counts[slot_of(minute)];
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

/* Every partition that is read has come to at least this minute. */
static int64_t progress_of(const struct topic *topic, int64_t now_ms)
{
	int64_t least = INT64_MAX;

	for (int32_t p = 0; p < topic->nparts; p++) {
		const struct part *part = &topic->parts[p];
		int64_t reached = part->minute;

		if (!part->begun)
			continue;
		if (part->caught_up && minute_of(now_ms - GRACE_MS) > reached)
			reached = minute_of(now_ms - GRACE_MS);
		if (reached < least)
			least = reached;
	}
	return least == INT64_MAX ? INT64_MIN : least;
}

void tally_tell(struct tally *tally, int64_t now_ms, bool all)
{
	struct telling telling = { .tally = tally, .all = all };

	for (size_t i = 0; i < tally->ntopics; i++) {
		struct topic *topic = &tally->topics[i];
		int64_t progress = progress_of(topic, now_ms);

		if (topic->open == INT64_MIN)
			continue;
		if (progress > topic->open)
			close_until(tally, topic, progress - 1);
		for (size_t k = 0; k < TALLY_OPEN_MAX; k++) {
			if (topic->minutes[k].minute != INT64_MIN)
				tell_minute(&telling, topic, &topic->minutes[k]);
		}
	}
}

/* The first record of an open minute; where there is none, what comes next. */
static int64_t restart_of(const struct topic *topic, const struct part *part)
{
	int64_t offset = part->next;

	for (size_t k = 0; k < TALLY_OPEN_MAX && topic->open != INT64_MIN; k++) {
		if (part->first_minute[k] >= topic->open && part->first[k] < offset)
			offset = part->first[k];
	}
	return offset;
}

void tally_left_off(const struct tally *tally, struct buf *out)
{
	for (size_t i = 0; i < tally->ntopics; i++) {
		const struct topic *topic = &tally->topics[i];

		(void)buf_addf(out, "%s %" PRId64, topic->name,
			topic->open == INT64_MIN ? INT64_C(-1) : topic->open);
		for (int32_t p = 0; p < topic->nparts; p++) {
			if (topic->parts[p].begun)
				(void)buf_addf(out, " %" PRId32 ":%" PRId64, p,
					restart_of(topic, &topic->parts[p]));
		}
		(void)buf_add_char(out, '\n');
	}
}

static void resume_topic(struct tally *tally, struct text line)
{
	struct text word;
	char name[NAME_MAX_BYTES];
	int64_t open;
	size_t at;

	if (!text_split(&line, ' ', &word) || word.len == 0 || word.len >= sizeof name)
		return;
	memcpy(name, word.bytes, word.len);
	name[word.len] = '\0';
	if (!text_split(&line, ' ', &word) || !text_to_i64(word, &open))
		return;
	at = tally_topic(tally, name, 0);
	/* Rows before it are told for good. */
	if (open >= 0 && open < INT64_MAX / MINUTE_MS - TALLY_OPEN_MAX)
		tally->topics[at].open = open;
	while (text_split(&line, ' ', &word)) {
		struct text offset = word;
		struct text number;
		int64_t partition;
		int64_t value;

		if (!text_split(&offset, ':', &number) || !text_to_i64(number, &partition) ||
			!text_to_i64(offset, &value) || partition < 0 ||
			partition >= TALLY_PARTITIONS_MAX || value < 0)
			continue;
		(void)tally_topic(tally, name, (int32_t)partition + 1);
		tally->topics[at].parts[partition].resume = value;
	}
}

void tally_resume(struct tally *tally, struct text text)
{
	struct text line;

	while (text_split(&text, '\n', &line)) {
		if (tally->ntopics < 4096)
			resume_topic(tally, line);
	}
}
