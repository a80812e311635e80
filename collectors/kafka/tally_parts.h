/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_KAFKA_TALLY_PARTS_H
#define COLLECTORS_KAFKA_TALLY_PARTS_H

#include "collectors/kafka/tally.h"

/* Inside the tally: what is counted, which tables there are, what is told of them. */

enum { MINUTE_MS = 60000, NAME_MAX_BYTES = 512 };

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

static inline int64_t tally_minute_of(int64_t ms)
{
	return ms >= 0 ? ms / MINUTE_MS : 0;
}

static inline size_t tally_slot_of(int64_t minute)
{
	return (size_t)(minute % TALLY_OPEN_MAX);
}

/* tally_tables.c: the tables of a topic. 0 is that of records that say none, or are of one too many. */
void tally_need_tables(struct topic *topic); /* table 0 is there afterwards */
uint32_t tally_table_of(struct tally *tally, struct topic *topic, struct text name);
/* What a router's key calls a table, by its hash; not learnt: 0. */
void tally_learn_source(struct topic *topic, uint64_t hash, uint32_t table);
uint32_t tally_find_source(const struct topic *topic, uint64_t hash);

/* tally_tell.c. Minutes up to this one are over, whether or not every partition is past them. */
void tally_close_until(struct tally *tally, struct topic *topic, int64_t last);

#endif
