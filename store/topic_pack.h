/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_TOPIC_PACK_H
#define STORE_TOPIC_PACK_H

#include "base/arena.h"
#include "base/buf.h"
#include "store/fact.h"

/* What topic_minute.x holds: some source tables of one topic in one minute or hour. Pure. */
enum {
	TOPIC_COUNTED, TOPIC_BYTES, TOPIC_CREATES, TOPIC_UPDATES, TOPIC_DELETES, TOPIC_READS,
	TOPIC_TOMBSTONES, TOPIC_DELAY_SUM, TOPIC_DELAY_MAX, TOPIC_DELAYS,
	TOPIC_LAST, /* ms after the minute's start */
	TOPIC_SNAPSHOT, /* 1: snapshot records among them */
	TOPIC_NUMBERS
};

struct topic_entry {
	int64_t tbl; /* dim; 0 = records of no table */
	int64_t numbers[TOPIC_NUMBERS];
};

struct topic_minute {
	int64_t minutes;       /* it spans: 1, 60 */
	int64_t seen, sampled; /* of the topic; FACT_UNKNOWN */
	struct topic_entry *entries; /* by tbl */
	size_t n;
};

void topic_pack(struct buf *out, const struct topic_minute *minute);
/* Entries in the arena. False: damaged. */
bool topic_unpack(struct text x, struct arena *arena, struct topic_minute *out);
/* Two tellings of one minute: of each table the later one counts. Entries in the arena. */
struct topic_minute topic_merge(const struct topic_minute *earlier,
	const struct topic_minute *later, struct arena *arena);

#endif
