/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_WRITER_LAG_H
#define STORE_WRITER_LAG_H

#include "store/fact.h"
#include "store/internal.h"

struct writer;
struct writer_source;

/*
 * The writer's part for Kafka and the readers of it: remembers the last state of every series and
 * keeps what changed. Writer thread, within the transaction of writer_batch.
 *
 * Positions told by event logs come with times of their own: one older than its series' newest is
 * known already or too late, and left out. All others are looks at something that is there now, so
 * that a clock set back only costs a millisecond, never a fact.
 */
struct lag_writer;

bool lag_writer_open(sqlite3 *db, struct lag_writer **lag_out, struct err *err);
void lag_writer_close(struct lag_writer *lag); /* NULL is allowed */
/* One fact of kind SWEEP to CONNECTOR; *new_out: it said something that was not known. */
bool lag_writer_fact(struct writer *writer, struct writer_source *source, const struct fact *fact,
	bool *new_out, struct err *err);
/* After a batch's last fact. */
bool lag_writer_end(struct writer *writer, struct writer_source *source, struct err *err);

/* How long all rows are kept unless told, and then those of a minute; then those of an hour. */
enum { LAG_RAW_HOURS = 48, LAG_MINUTE_DAYS = 14, TOPIC_RAW_HOURS = 2, TOPIC_MINUTE_HOURS = 6 };
/* Thins old rows and deletes those before their kind's days; small transactions; rows that went are added
 * to *changed_out. */
bool lag_writer_retain(struct writer *writer, const int64_t keep_days[FACT_KIND_COUNT],
	int64_t whole_ms, int64_t *changed_out, struct err *err);

#endif
