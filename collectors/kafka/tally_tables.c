/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/kafka/tally_parts.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/utf8.h"

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

void tally_need_tables(struct topic *topic)
{
	if (topic->ntables == 0)
		(void)add_table(topic, NULL, text_hash(TEXT("")) ^ 1);
}

uint32_t tally_table_of(struct tally *tally, struct topic *topic, struct text name)
{
	uint64_t hash = text_hash(name);

	tally_need_tables(topic);
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

void tally_learn_source(struct topic *topic, uint64_t hash, uint32_t table)
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
				tally_learn_source(topic, old[i].hash, old[i].table);
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

uint32_t tally_find_source(const struct topic *topic, uint64_t hash)
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
