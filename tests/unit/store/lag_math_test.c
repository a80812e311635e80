/* SPDX-License-Identifier: Apache-2.0 */
/* Lag's arithmetic as tables: when an offset was written, rates, drain, loss, verdicts. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/mem.h"
#include "store/lag_math.h"

#define NA FACT_UNKNOWN

/* ---- when the end passed an offset ---- */

struct point { int64_t ms, end; };

static struct lag_cross cross_over(const struct point *points, size_t n, int64_t offset)
{
	struct lag_cross cross = { .offset = offset };

	for (size_t i = n; i-- > 1 && !cross.done;) /* newest first */
		lag_cross_step(&cross, points[i - 1].ms, points[i - 1].end, points[i].ms, points[i].end);
	if (n > 0)
		lag_cross_end(&cross, points[0].ms);
	return cross;
}

static void written_at(void **state)
{
	static const struct {
		const char *what;
		struct point points[6];
		size_t n;
		int64_t offset, at_ms;
		bool lower_bound;
	} table[] = {
		{ "half way of one step", { { 0, 100 }, { 10000, 200 } }, 2, 150, 5000, false },
		{ "the first of a step", { { 0, 100 }, { 10000, 200 } }, 2, 100, 0, false },
		{ "older than history", { { 0, 100 }, { 10000, 200 } }, 2, 99, 0, true },
		{ "much older", { { 5000, 100 }, { 10000, 200 } }, 2, 0, 5000, true },
		{ "one look only", { { 7000, 100 } }, 1, 50, 7000, true },
		{ "nothing at all", { { 0, 0 } }, 0, 50, 0, false },
		{ "the newest of many", { { 0, 0 }, { 10, 100 }, { 20, 200 }, { 30, 300 } }, 4, 299, 29, false },
		{ "a step in the middle", { { 0, 0 }, { 10, 100 }, { 20, 300 }, { 30, 310 } }, 4, 200, 15, false },
		/* flat from 10 to 1000: the record came when the end moved again, not before */
		{ "behind a flat part", { { 0, 0 }, { 10, 100 }, { 1000, 100 }, { 1010, 200 } }, 4, 100, 1000, false },
		{ "in a flat part's step", { { 0, 0 }, { 10, 100 }, { 1000, 100 }, { 1010, 200 } }, 4, 150, 1005, false },
		{ "before a flat part", { { 0, 0 }, { 10, 100 }, { 1000, 100 }, { 1010, 200 } }, 4, 50, 5, false },
		{ "flat to the end", { { 0, 50 }, { 10, 100 }, { 1000, 100 } }, 3, 75, 5, false },
		/* made anew at 20: what it holds was written since, and nothing of before counts */
		{ "a topic made anew", { { 0, 900 }, { 10, 1000 }, { 20, 30 }, { 30, 60 } }, 4, 10, 20, true },
		{ "after it was made anew", { { 0, 900 }, { 10, 1000 }, { 20, 30 }, { 30, 60 } }, 4, 45, 25, false },
		{ "not written yet", { { 0, 100 }, { 10, 100 } }, 2, 100, 10, false },
		{ "far numbers", { { 0, 0 }, { 1000, INT64_MAX } }, 2, INT64_MAX / 2, 500, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct lag_cross cross = cross_over(table[i].points, table[i].n, table[i].offset);

		if (cross.at_ms != table[i].at_ms || cross.lower_bound != table[i].lower_bound ||
			cross.done != (table[i].n > 0))
			fail_msg("%s: %lld%s", table[i].what, (long long)cross.at_ms,
				cross.lower_bound ? " or before" : "");
	}
}

static void rates(void **state)
{
	(void)state;
	assert_true(lag_rate(0, 100, 10000, 200) == 10);
	assert_true(lag_rate(0, 100, 10000, 100) == 0);
	assert_true(lag_rate(0, 0, 10000, 100) == 10);
	assert_true(isnan(lag_rate(10000, 100, 10000, 200)));
	assert_true(isnan(lag_rate(0, NA, 10000, 200)));
	assert_true(isnan(lag_rate(0, 100, 10000, NA)));
	assert_true(isnan(lag_rate(0, 200, 10000, 100))); /* went back: no rate */
}

static void drains(void **state)
{
	static const struct {
		const char *what;
		int64_t lag, seconds;
		bool lower_bound;
		double in, out;
		int64_t drain;
		bool never;
	} table[] = {
		{ "nothing to drain", 0, 0, false, 5, 0, 0, false },
		{ "nothing, rates unknown", 0, 0, false, NAN, NAN, 0, false },
		{ "twice as fast", 1000, 100, false, 10, 20, 100, false },
		{ "rounded up", 1001, 100, false, 10, 20, 101, false },
		{ "as fast", 1000, 100, false, 10, 10, NA, true },
		{ "slower", 1000, 100, false, 10, 9, NA, true },
		{ "stopped", 1000, 100, false, 10, 0, NA, true },
		{ "stopped, nothing comes", 1000, 100, false, 0, 0, NA, true },
		{ "just stopped", 10, 1, false, 10, 0, NA, true },
		{ "always a moment behind", 10, 1, false, 10, 10, 0, false },
		{ "a moment behind, but growing", 10, 1, false, 10, 5, NA, true },
		{ "who knows how far", 10, 1, true, 10, 10, NA, true },
		{ "no rate", 1000, 100, false, NAN, 5, NA, false },
		{ "unknown lag", NA, NA, false, 1, 2, NA, false },
		{ "not in a lifetime", INT64_MAX, 100, false, 1, 1.0001, NA, false },
	};
	bool never;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		int64_t drain = lag_drain_seconds(table[i].lag, table[i].seconds, table[i].lower_bound,
			table[i].in, table[i].out, &never);

		if (drain != table[i].drain || never != table[i].never)
			fail_msg("%s: %lld %s", table[i].what, (long long)drain, never ? "never" : "");
	}
}

static void losses(void **state)
{
	enum { HOUR = 3600 };
	static const int64_t now = INT64_C(100) * HOUR * 1000;
	static const struct {
		const char *what;
		struct lag_retention retention;
		int64_t low, processed, high;
		int64_t age_s;
		bool lower_bound;
		int64_t loss;
		bool at_most;
	} table[] = {
		{ "six hours kept, one waited", { 6 * HOUR * 1000, -1, false, NAN }, 0, 50, 100, HOUR, false,
			5 * HOUR, false },
		{ "waited too long, not deleted yet", { 6 * HOUR * 1000, -1, false, NAN }, 0, 50, 100, 7 * HOUR,
			false, 0, false },
		{ "kept for ever", { -1, -1, false, NAN }, 0, 50, 100, HOUR, false, NA, false },
		{ "compacted", { 6 * HOUR * 1000, -1, true, 5 }, 0, 50, 100, HOUR, false, NA, false },
		{ "read all", { 6 * HOUR * 1000, -1, false, NAN }, 0, 100, 100, 0, false, NA, false },
		{ "older than history", { 6 * HOUR * 1000, -1, false, NAN }, 0, 50, 100, HOUR, true, 5 * HOUR,
			true },
		{ "nobody told how long, first offset moves", { NA, NA, false, 2 }, 10, 50, 100, HOUR, false, 20,
			false },
		{ "nobody told, nothing moves", { NA, NA, false, 0 }, 10, 50, 100, HOUR, false, NA, false },
		{ "nobody told, not in a lifetime", { NA, NA, false, 1e-15 }, 10, 50, 100, HOUR, false, NA,
			false },
		{ "nobody told, nothing known", { NA, NA, false, NAN }, 10, 50, 100, HOUR, false, NA, false },
		{ "size deletes sooner than age", { 6 * HOUR * 1000, 1 << 20, false, 2 }, 10, 50, 100, HOUR,
			false, 20, false },
		{ "age deletes sooner than size", { HOUR * 1000 + 10000, 1 << 20, false, 2 }, 10, 50, 100, HOUR,
			false, 10, false },
		{ "size known, age only bounded", { 6 * HOUR * 1000, 1 << 20, false, 2 }, 10, 50, 100, HOUR,
			true, 20, false },
		{ "age deletes: the first offset's pace is not asked", { 6 * HOUR * 1000, -1, false, 2 }, 10, 50,
			100, HOUR, false, 5 * HOUR, false },
		{ "passed", { 6 * HOUR * 1000, -1, false, NAN }, 60, 50, 100, HOUR, false, 0, false },
		{ "passed, compacted", { -1, -1, true, NAN }, 60, 50, 100, HOUR, false, 0, false },
		{ "reached", { -1, -1, false, NAN }, 50, 50, 100, HOUR, false, NA, false },
	};
	bool at_most;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct lag_cross cross = { .offset = table[i].processed, .done = true,
			.at_ms = now - table[i].age_s * 1000, .lower_bound = table[i].lower_bound };
		int64_t loss = lag_loss_seconds(&table[i].retention, table[i].low, table[i].processed,
			table[i].high, &cross, now, &at_most);

		if (loss != table[i].loss || at_most != table[i].at_most)
			fail_msg("%s: %lld%s", table[i].what, (long long)loss, at_most ? " at most" : "");
	}
}

/* It counts down: a second later a second less, down to nothing. */
static void loss_counts_down(void **state)
{
	struct lag_retention retention = { 60000, -1, false, NAN };
	struct lag_cross cross = { .offset = 50, .at_ms = 1000, .done = true };
	bool at_most;

	(void)state;
	for (int64_t second = 1; second < 80; second++) {
		int64_t loss = lag_loss_seconds(
			&retention, 0, 50, 100, &cross, second * 1000, &at_most);

		assert_int_equal(loss, second < 61 ? 61 - second : 0);
	}
}

/* ---- verdicts ---- */

/*
 * The inputs and results of the evaluator's tests of linkedin/Burrow (commit ced55ba), as figures;
 * index, offsets a thousand apart and 100 s apart unless told. A second is 1000 ms.
 */
enum { COMMITS_MAX = 16 };
struct burrow_case {
	const char *what;
	struct lag_commit commits[COMMITS_MAX];
	size_t n;
	int64_t ends[5];
	size_t nends;
	int64_t lag, now_s, allowed;
	enum lag_verdict verdict;
};

#define EVEN(a, b, c, d, e)                                                                        \
	{ { 1000, 100000, a }, { 2000, 200000, b }, { 3000, 300000, c }, { 4000, 400000, d },      \
		{ 5000, 500000, e } }, 5
#define FLAT(a, b, c, d, e)                                                                        \
	{ { 1000, 100000, a }, { 1000, 200000, b }, { 1000, 300000, c }, { 1000, 400000, d },      \
		{ 1000, 500000, e } }, 5
#define BACK(last)                                                                                 \
	{ { 1000, 100000, 100 }, { 2000, 200000, 150 }, { 3000, 300000, 200 },                     \
		{ 2000, 400000, 1250 }, { last, 500000, 300 } }, 5
#define QUICK                                                                                      \
	{ { 792748079, 1512224618356, 0 }, { 792748080, 1512224619362, 0 },                        \
		{ 792748081, 1512224620366, 0 }, { 792748082, 1512224621367, 0 },                  \
		{ 792748083, 1512224622370, 0 }, { 792748084, 1512224623373, 0 },                  \
		{ 792748085, 1512224624378, 0 }, { 792748086, 1512224625379, 0 },                  \
		{ 792748087, 1512224626383, 0 }, { 792748088, 1512224627383, 0 },                  \
		{ 792748089, 1512224628383, 0 }, { 792748090, 1512224629388, 0 },                  \
		{ 792748091, 1512224630391, 0 }, { 792748092, 1512224631394, 0 },                  \
		{ 792748093, 1512224632397, 0 } }, 15

static const struct burrow_case burrow[] = {
	{ "0: no lag at one time", EVEN(0, 50, 100, 150, 200), { 5200 }, 1, 200, 600, 0, LAG_OK },
	{ "1: as long since as it lasted", EVEN(0, 50, 100, 150, 200), { 5200 }, 1, 200, 900, 0, LAG_OK },
	{ "2: longer", EVEN(0, 50, 100, 150, 200), { 5200 }, 1, 200, 1000, 0, LAG_STOP },
	{ "3: longer, always lagging", EVEN(50, 100, 150, 200, 250), { 5250 }, 1, 250, 1000, 0, LAG_STOP },
	{ "4: stands still, once without lag", FLAT(0, 50, 100, 150, 200), { 1200 }, 1, 200, 600, 0, LAG_OK },
	{ "5: stands still", FLAT(100, 150, 200, 250, 300), { 1300 }, 1, 300, 600, 0, LAG_STALL },
	{ "6: stands still, lag too", FLAT(100, 100, 100, 100, 100), { 1100 }, 1, 100, 600, 0, LAG_STALL },
	{ "7: went back and caught up", BACK(4000), { 4300 }, 1, 300, 600, 0, LAG_OK },
	{ "8: no lag now", EVEN(50, 100, 150, 200, 250), { 5250 }, 1, 0, 1000, 0, LAG_OK },
	{ "9: stopped as new data came", QUICK,
		{ 792749024, 792749000, 792748800, 792748600, 792748500 }, 5, 931, 1512224650, 0, LAG_STOP },
	{ "10: had read all a moment ago", QUICK, { 792748094, 792748093, 792748093, 792748093 }, 4, 1,
		1512224650, 0, LAG_OK },
	{ "11: lags that nobody saw", { { 1000, 100000, 0 }, { 1500, 150000, NA }, { 2000, 200000, 50 },
		{ 2500, 250000, NA }, { 3000, 300000, 100 }, { 3500, 350000, NA }, { 4000, 400000, 150 },
		{ 4500, 450000, NA }, { 5000, 500000, 200 }, { 5500, 550000, NA } }, 10, { 5700 }, 1, 200, 600,
		0, LAG_OK },
	{ "12: lag that is allowed", { { 1000, 100000, 2 }, { 2000, 200000, 1 }, { 2000, 300000, 1 } }, 3,
		{ 2001 }, 1, 1, 550, 1, LAG_OK },
	{ "13: stands still beyond it", FLAT(100, 150, 200, 250, 300), { 1300 }, 1, 300, 600, 99, LAG_STALL },
	{ "14: went back and caught up beyond it", BACK(4000), { 4300 }, 1, 300, 600, 99, LAG_OK },
	{ "15: went back", BACK(2500), { 4300 }, 1, 300, 600, 0, LAG_REWIND },
	/* beyond theirs */
	{ "slow: lag never shrank", EVEN(50, 100, 150, 200, 250), { 5250 }, 1, 250, 600, 0, LAG_WARN },
	{ "slow with gaps", EVEN(50, NA, 150, NA, 150), { 5250 }, 1, 250, 600, 0, LAG_WARN },
	{ "shrank once", EVEN(50, 100, 99, 200, 250), { 5250 }, 1, 250, 600, 0, LAG_OK },
	{ "no commit", { { 0, 0, 0 } }, 0, { 0 }, 0, 250, 600, 0, LAG_OK },
};

static void burrows_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(burrow); i++) {
		const struct burrow_case *at = &burrow[i];
		enum lag_verdict verdict = lag_burrow(at->commits, at->n, at->ends, at->nends, at->lag,
			at->now_s * 1000, at->allowed);

		if (verdict != at->verdict)
			fail_msg("%s: %s", at->what, lag_verdict_name(verdict));
	}
}

static void verdicts_of_looks(void **state)
{
	static const struct {
		const char *what;
		struct lag_commit looks[6];
		size_t n;
		int64_t lag;
		bool members;
		enum lag_verdict verdict;
	} table[] = {
		{ "no lag", { { 9, 0, 5 }, { 9, 20, 6 }, { 9, 40, 7 } }, 3, 0, false, LAG_OK },
		{ "unknown", { { 9, 0, NA } }, 1, NA, true, LAG_UNKNOWN },
		{ "too early to say", { { 9, 0, 5 }, { 9, 20, 6 } }, 2, 6, true, LAG_UNKNOWN },
		{ "alive, stands still", { { 9, 0, 5 }, { 9, 20, 6 }, { 9, 40, 7 } }, 3, 7, true, LAG_STALL },
		{ "dead, stands still", { { 9, 0, 5 }, { 9, 20, 6 }, { 9, 40, 7 } }, 3, 7, false, LAG_STOP },
		{ "had read all in between", { { 9, 0, 0 }, { 9, 20, 6 }, { 9, 40, 7 } }, 3, 7, false, LAG_OK },
		{ "moves, lag grows", { { 1, 0, 5 }, { 3, 20, 6 }, { 5, 40, 7 } }, 3, 7, true, LAG_WARN },
		{ "moves, keeps its distance", { { 1, 0, 7 }, { 3, 20, 7 }, { 5, 40, 7 } }, 3, 7, true, LAG_OK },
		{ "moves, nobody knows how far", { { 1, 0, NA }, { 3, 20, NA }, { 5, 40, NA } }, 3, 7, true,
			LAG_OK },
		{ "moves, lag shrinks", { { 1, 0, 9 }, { 3, 20, 6 }, { 5, 40, 7 } }, 3, 7, true, LAG_OK },
		{ "went back", { { 5, 0, 1 }, { 1, 20, 6 }, { 3, 40, 7 } }, 3, 7, true, LAG_REWIND },
		{ "died a while ago", { { 1, 0, 3 }, { 2, 20, 4 }, { 2, 40, 5 }, { 2, 60, 6 } }, 4, 6, false,
			LAG_STOP },
		{ "died just now", { { 1, 0, 3 }, { 2, 20, 4 }, { 3, 40, 5 }, { 3, 60, 6 } }, 4, 6, false,
			LAG_WARN },
		{ "alive, slow to commit", { { 1, 0, 3 }, { 2, 20, 4 }, { 2, 40, 5 }, { 2, 60, 6 } }, 4, 6, true,
			LAG_WARN },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		enum lag_verdict verdict =
			lag_of_looks(table[i].looks, table[i].n, table[i].lag, table[i].members);

		if (verdict != table[i].verdict)
			fail_msg("%s: %s", table[i].what, lag_verdict_name(verdict));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_at),
		cmocka_unit_test(rates),
		cmocka_unit_test(drains),
		cmocka_unit_test(losses),
		cmocka_unit_test(loss_counts_down),
		cmocka_unit_test(burrows_rules),
		cmocka_unit_test(verdicts_of_looks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
