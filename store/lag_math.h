/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_LAG_MATH_H
#define STORE_LAG_MATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/fact.h"
#include "store/lag.h"

/*
 * What follows from watermarks and places over time. Pure: no clock, no store. Unknown numbers are
 * FACT_UNKNOWN, unknown rates NAN, times are milliseconds.
 */

/*
 * When did a topic's end pass an offset? Fed with what was seen, newest first; between two looks
 * the end is taken to have moved evenly, and nothing is said about times before the first look.
 */
struct lag_cross {
	int64_t offset; /* the next one to be read */
	int64_t at_ms;  /* when it was written; with lower_bound: then or before */
	bool done, lower_bound;
};
/* The end stood at left_end at left_ms and at right_end at right_ms, the next look. */
void lag_cross_step(struct lag_cross *cross, int64_t left_ms, int64_t left_end, int64_t right_ms,
	int64_t right_end);
/* No look before this one is known. */
void lag_cross_end(struct lag_cross *cross, int64_t oldest_ms);

/* Records a second from one look to another; NAN without two looks apart. */
double lag_rate(int64_t from_ms, int64_t from, int64_t to_ms, int64_t to);

enum { LAG_NOW_SECONDS = 30 };
/*
 * All that it has not read came within the last LAG_NOW_SECONDS: records are under way at any look,
 * and Burrow's rules, which allow no lag at all, call a ripple of them a reader that falls behind.
 */
bool lag_is_moment(int64_t lag, int64_t lag_seconds, bool lower_bound, double rate_in);
/*
 * Seconds until what lags is read: 0 when it is nothing, or what moving readers have always before
 * them (written within the last LAG_NOW_SECONDS, and read nearly as fast as they come). *never_out:
 * known to read no faster than records come. Unknown when a rate is.
 */
int64_t lag_drain_seconds(int64_t lag, int64_t lag_seconds, bool lower_bound, double rate_in,
	double rate_out, bool *never_out);

/* What deletes a topic's records. */
struct lag_retention {
	int64_t ms, bytes; /* -1 = no limit; FACT_UNKNOWN */
	bool compacted;    /* and not deleted by age */
	double low_rate;   /* records a second by which the first offset has moved; NAN */
};
/*
 * Until the record at `processed` is deleted, from now_ms: by its age, where records go by age, and
 * by how the first offset has moved where size deletes or nobody told what does; the lesser of
 * those known. 0: it is being lost. Unknown: not in sight. *at_most_out: the record is older than
 * is known, so it may be sooner.
 */
int64_t lag_loss_seconds(const struct lag_retention *retention, int64_t low, int64_t processed,
	int64_t high, const struct lag_cross *written, int64_t now_ms, bool *at_most_out);

/* One commit, or one look at a place, oldest first in every list. */
struct lag_commit {
	int64_t offset, at_ms;
	int64_t lag; /* when it was seen; FACT_UNKNOWN */
};
enum { LAG_RING = 15 };
/* Burrow's rules over commits with times of their own; ends: the topic's end at the last looks. */
enum lag_verdict lag_burrow(const struct lag_commit *commits, size_t n, const int64_t *ends,
	size_t nends, int64_t lag, int64_t now_ms, int64_t allowed);
/*
 * The same rules for places looked at from outside: a commit that changes nothing is not seen, so
 * that standing still is STALL while the reader lives and STOP when it has no member.
 */
enum lag_verdict lag_of_looks(
	const struct lag_commit *looks, size_t n, int64_t lag, bool has_members);

#endif
