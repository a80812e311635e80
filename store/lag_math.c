/* SPDX-License-Identifier: Apache-2.0 */
#include "store/lag_math.h"

#include <math.h>

/* Fewer looks than this say nothing of how a reader moves. */
enum { LOOKS_LEAST = 3 };

const char *lag_verdict_name(enum lag_verdict verdict)
{
	static const char *const names[] = {
#define X(id, name, words) name,
		LAG_VERDICTS(X)
#undef X
	};

	return names[verdict];
}

const char *lag_verdict_words(enum lag_verdict verdict)
{
	static const char *const words[] = {
#define X(id, name, words) words,
		LAG_VERDICTS(X)
#undef X
	};

	return words[verdict];
}

void lag_cross_step(struct lag_cross *cross, int64_t left_ms, int64_t left_end, int64_t right_ms,
	int64_t right_end)
{
	double share;

	if (cross->done)
		return;
	if (left_end > right_end) {
		/* a topic made anew: whatever it holds now was written since */
		cross->at_ms = right_ms;
		cross->lower_bound = true;
		cross->done = true;
		return;
	}
	if (left_end > cross->offset)
		return;
	cross->done = true;
	cross->at_ms = right_ms;
	if (right_end <= left_end)
		return;
	share = (double)(cross->offset - left_end) / (double)(right_end - left_end);
	share = share > 1 ? 1 : share;
	cross->at_ms = left_ms + (int64_t)(share * (double)(right_ms - left_ms));
}

void lag_cross_end(struct lag_cross *cross, int64_t oldest_ms)
{
	if (cross->done)
		return;
	cross->at_ms = oldest_ms;
	cross->lower_bound = true;
	cross->done = true;
}

double lag_rate(int64_t from_ms, int64_t from, int64_t to_ms, int64_t to)
{
	if (from < 0 || to < 0 || to_ms <= from_ms || to < from)
		return NAN;
	return (double)(to - from) * 1000 / (double)(to_ms - from_ms);
}

bool lag_is_moment(int64_t lag, int64_t lag_seconds, bool lower_bound, double rate_in)
{
	return lag != FACT_UNKNOWN && lag_seconds != FACT_UNKNOWN && lag_seconds <= LAG_NOW_SECONDS &&
		!lower_bound && (double)lag <= rate_in * LAG_NOW_SECONDS; /* false for NAN */
}

int64_t lag_drain_seconds(int64_t lag, int64_t lag_seconds, bool lower_bound, double rate_in,
	double rate_out, bool *never_out)
{
	double seconds;

	*never_out = false;
	if (lag == FACT_UNKNOWN)
		return FACT_UNKNOWN;
	if (lag == 0)
		return 0;
	if (isnan(rate_in) || isnan(rate_out))
		return FACT_UNKNOWN;
	if (rate_out > 0 && rate_out >= rate_in * 0.9 && lag_seconds != FACT_UNKNOWN &&
		lag_seconds <= LAG_NOW_SECONDS && !lower_bound)
		return 0;
	if (rate_out <= rate_in) {
		*never_out = true;
		return FACT_UNKNOWN;
	}
	seconds = ceil((double)lag / (rate_out - rate_in));
	return seconds < 1e15 ? (int64_t)seconds : FACT_UNKNOWN;
}

int64_t lag_loss_seconds(const struct lag_retention *retention, int64_t low, int64_t processed,
	int64_t high, const struct lag_cross *written, int64_t now_ms, bool *at_most_out)
{
	int64_t loss = FACT_UNKNOWN;

	*at_most_out = false;
	if (low != FACT_UNKNOWN && processed < low)
		return 0;
	if (processed >= high || retention->compacted)
		return FACT_UNKNOWN;
	if (retention->ms >= 0 && written->done) {
		int64_t age = now_ms - written->at_ms;

		loss = age >= retention->ms ? 0 : (retention->ms - age) / 1000;
		*at_most_out = written->lower_bound;
	}
	if ((retention->bytes > 0 || retention->ms == FACT_UNKNOWN) && low != FACT_UNKNOWN &&
		retention->low_rate > 0) {
		double seconds = (double)(processed - low) / retention->low_rate;

		if (seconds < 1e15 && (loss == FACT_UNKNOWN || seconds < (double)loss || *at_most_out)) {
			bool sooner = loss == FACT_UNKNOWN || seconds < (double)loss;

			loss = sooner ? (int64_t)seconds : loss;
			*at_most_out = !sooner && *at_most_out;
		}
	}
	return loss;
}

static bool was_near(const struct lag_commit *commits, size_t n, int64_t allowed)
{
	for (size_t i = 0; i < n; i++) {
		if (commits[i].lag != FACT_UNKNOWN && commits[i].lag <= allowed)
			return true;
	}
	return false;
}

/* Went back, and has not come to where it was. */
static bool has_rewound(const struct lag_commit *commits, size_t n)
{
	size_t back = 1;

	while (back < n && commits[back].offset >= commits[back - 1].offset)
		back++;
	if (back >= n)
		return false;
	for (size_t i = back; i < n; i++) {
		if (commits[i].offset >= commits[back - 1].offset)
			return false;
	}
	return true;
}

static bool stands_still(const struct lag_commit *commits, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		if (commits[i].offset != commits[0].offset)
			return false;
	}
	return true;
}

static bool never_shrinks(const struct lag_commit *commits, size_t n)
{
	int64_t last = FACT_UNKNOWN;

	for (size_t i = 0; i < n; i++) {
		if (commits[i].lag == FACT_UNKNOWN)
			continue;
		if (last != FACT_UNKNOWN && commits[i].lag < last)
			return false;
		last = commits[i].lag;
	}
	return true;
}

static bool has_grown(const struct lag_commit *looks, size_t n)
{
	int64_t first = FACT_UNKNOWN, last = FACT_UNKNOWN;

	for (size_t i = 0; i < n; i++) {
		if (looks[i].lag == FACT_UNKNOWN)
			continue;
		first = first == FACT_UNKNOWN ? looks[i].lag : first;
		last = looks[i].lag;
	}
	return last > first;
}

enum lag_verdict lag_burrow(const struct lag_commit *commits, size_t n, const int64_t *ends,
	size_t nends, int64_t lag, int64_t now_ms, int64_t allowed)
{
	const struct lag_commit *last = n > 0 ? &commits[n - 1] : NULL;
	bool had_read_all = false;

	if (!last || lag <= allowed)
		return LAG_OK;
	for (size_t i = 0; i < nends; i++)
		had_read_all = had_read_all || ends[i] <= last->offset;
	if (now_ms - last->at_ms > last->at_ms - commits[0].at_ms && !had_read_all)
		return LAG_STOP;
	if (has_rewound(commits, n))
		return LAG_REWIND;
	if (was_near(commits, n, allowed))
		return LAG_OK;
	if (stands_still(commits, n))
		return LAG_STALL;
	return never_shrinks(commits, n) ? LAG_WARN : LAG_OK;
}

enum lag_verdict lag_of_looks(
	const struct lag_commit *looks, size_t n, int64_t lag, bool has_members)
{
	size_t moved = 0; /* the look that saw the last change */

	if (lag == FACT_UNKNOWN)
		return LAG_UNKNOWN;
	if (lag <= 0)
		return LAG_OK;
	if (n < LOOKS_LEAST)
		return LAG_UNKNOWN;
	for (size_t i = 1; i < n; i++) {
		if (looks[i].offset != looks[i - 1].offset)
			moved = i;
	}
	if (!has_members && !was_near(looks, n, 0) &&
		looks[n - 1].at_ms - looks[moved].at_ms > looks[moved].at_ms - looks[0].at_ms)
		return LAG_STOP;
	if (has_rewound(looks, n))
		return LAG_REWIND;
	if (was_near(looks, n, 0))
		return LAG_OK;
	if (moved == 0)
		return has_members ? LAG_STALL : LAG_STOP;
	/* looks are closer together than commits: one that keeps its distance is not falling behind */
	return never_shrinks(looks, n) && has_grown(looks, n) ? LAG_WARN : LAG_OK;
}
