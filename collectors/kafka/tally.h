/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_KAFKA_TALLY_H
#define COLLECTORS_KAFKA_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/text.h"

/*
 * Counts records by topic, minute and table. A minute stands open until every partition is past it;
 * then its rows are told for the last time. Where reading would have to begin again so that all open
 * minutes are counted anew, from their first record, is told with them: so a restart neither loses
 * nor repeats a record, as long as the newest row of a minute replaces those before it.
 *
 * A record's minute is that of its time, but never before that of one before it in its partition, nor
 * before a closed minute: the same at every reading. Pure; one thread.
 */
struct tally;

struct tally_row { /* of one table in one minute; topic and table lie in the tally */
	const char *topic, *table; /* table NULL: records of no known table */
	int64_t minute_ms;
	int64_t counted, bytes, creates, updates, deletes, reads, tombstones;
	int64_t seen, sampled; /* of the topic in this minute; seen FACT_UNKNOWN: not all of it was there */
	int64_t delay_sum_ms, delay_max_ms, delays, last_at_ms;
	bool snapshot;
};

struct tally_record {
	int32_t partition;
	int64_t offset, at_ms;
	struct text key, value; /* NONE: a null */
};

enum { TALLY_OPEN_MAX = 5, TALLY_TABLES_MAX = 20000, TALLY_PARTITIONS_MAX = 10000 };

/* tell is called from tally_tell, and from tally_count for a minute there is no room for any more. */
struct tally *tally_new(void (*tell)(void *context, const struct tally_row *row), void *context);
void tally_free(struct tally *tally); /* NULL is allowed */
/* The topic's number for the calls below; partitions may become more. */
size_t tally_topic(struct tally *tally, const char *topic, int32_t partitions);
/*
 * Reading of a partition begins at offset; whole: that is the first record there is, so its minute
 * is seen whole. After tally_resume the offset that was left is returned instead, if it lies in
 * low..high; else offset.
 */
int64_t tally_begin(struct tally *tally, size_t topic, int32_t partition, int64_t offset, bool whole,
	int64_t low, int64_t high, int64_t now_ms);
/* It is not read any more. Should it be read again, then from where it was left, as after a resume. */
void tally_leave(struct tally *tally, size_t topic, int32_t partition);
/*
 * Offset behind the newest record counted, 0 before tally_begin. What comes after it in the log is
 * never below: then the log is another one, which tally_anew says. Reading goes on at offset; of the
 * minutes that are open it is not known how much was seen.
 */
int64_t tally_next(const struct tally *tally, size_t topic, int32_t partition);
void tally_anew(struct tally *tally, size_t topic, int32_t partition, int64_t offset, int64_t now_ms);
void tally_count(struct tally *tally, size_t topic, const struct tally_record *record, int64_t now_ms);
/* What comes next in this partition is not what follows: records between were passed over. */
void tally_jump(struct tally *tally, size_t topic, int32_t partition);
/* Everything there is was read. */
void tally_caught_up(struct tally *tally, size_t topic, int32_t partition);
/* Newest record's time over all partitions that are behind; INT64_MAX when none is. */
int64_t tally_oldest(const struct tally *tally);
bool tally_is_behind(const struct tally *tally, size_t topic, int32_t partition);
/*
 * Tells what is worth telling: minutes that can be closed (then they are), and of open ones what
 * is large or new. all: every row that was not told as it is.
 */
void tally_tell(struct tally *tally, int64_t now_ms, bool all);
/* Where reading has to begin again, as text; and back, before any tally_begin. */
void tally_left_off(const struct tally *tally, struct buf *out);
void tally_resume(struct tally *tally, struct text text);

#endif
