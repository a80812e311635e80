/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_LAG_PACK_H
#define STORE_LAG_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/text.h"
#include "store/fact.h"

/*
 * What is known of one series at one time: a topic's partitions, or a reader's places in a topic. The
 * store keeps how each row differs from the one before it, so that a walk may go either way from
 * any state: lag_unpack forward, lag_undo back. Pure; a state belongs to one thread.
 *
 * Unknown is LAG_NONE in all of it. Offsets, versions and times are never below -1.
 */
enum { LAG_NONE = -2, LAG_HEADS = 10, LAG_FIELDS = 4, LAG_PARTITIONS_MAX = 1 << 17 };

/* Heads and fields of a topic's series, and of a reader's. */
enum { MARK_GONE, MARK_RETENTION_MS, MARK_RETENTION_BYTES, MARK_COMPACTED };
enum { MARK_HIGH, MARK_LOW, MARK_LEADER, MARK_UNREAD /* 1: the offsets are those read before */ };
enum {
	PLACE_GONE, PLACE_STATE /* dim */, PLACE_MEMBERS, PLACE_BATCH_STARTED, PLACE_OF_DELTA,
	PLACE_FILES, PLACE_BYTES, PLACE_RECORDS, PLACE_SECONDS, PLACE_QUERY /* dim */
};
enum { PLACE_PROCESSED, PLACE_STARTED, PLACE_COMMITTED, PLACE_PART /* none: 0 */ };

struct lag_state {
	int64_t heads[LAG_HEADS];
	int64_t *cells[LAG_FIELDS]; /* by partition */
	size_t n, room;             /* partitions 0 .. n-1; one nobody told has LAG_NONE throughout */
};

void lag_state_init(struct lag_state *state); /* nothing known */
void lag_state_done(struct lag_state *state);
void lag_state_clear(struct lag_state *state); /* nothing known, memory kept */
void lag_state_copy(struct lag_state *to, const struct lag_state *from);
/* False: a partition number outside 0 .. LAG_PARTITIONS_MAX-1; nothing is set. */
bool lag_state_set(struct lag_state *state, int32_t partition, size_t field, int64_t value);
static inline int64_t lag_state_get(const struct lag_state *state, size_t partition, size_t field)
{
	return partition < state->n ? state->cells[field][partition] : LAG_NONE;
}
bool lag_state_equal(const struct lag_state *a, const struct lag_state *b);
int64_t lag_value(int64_t fact); /* FACT_UNKNOWN and what cannot be: LAG_NONE */
int64_t lag_fact(int64_t value); /* LAG_NONE: FACT_UNKNOWN */

/* What stands before the differences: enough for a trend without undoing anything. */
struct lag_row_head {
	int64_t gap_ms; /* the state before was seen to hold until so long before this row */
	int64_t known;  /* partitions with field 0 */
	int64_t sum;    /* of field 0 over them, modulo 2^64 */
};
/* Appends one row: how `after` differs from `before` (NULL: from nothing known, a keyframe). */
void lag_pack(struct buf *out, int64_t gap_ms, const struct lag_state *before,
	const struct lag_state *after);
/* Turns the state before into the state after. False: damaged; the state is then unspecified. */
bool lag_unpack(struct text x, struct lag_state *state, struct lag_row_head *head_out);
/* Turns the state after into the state before. */
bool lag_undo(struct text x, struct lag_state *state, struct lag_row_head *head_out);
bool lag_unpack_head(struct text x, struct lag_row_head *head_out);

#endif
