/* SPDX-License-Identifier: Apache-2.0 */
/* Old rows of lag become fewer; what is left says the same of the moments it stands for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "store/lag.h"
#include "store/reader_internal.h"
#include "store/writer_lag.h"
#include "tests/lib/place.h"
#include "tests/lib/streams.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS  (24 * HOUR_MS)
#define FROM_MS (STREAMS_NOW_MS - STREAMS_NOW_MS % HOUR_MS)

enum { STEP_MS = 20000, SWEEPS = 540, MINUTES = SWEEPS / 3 };

static struct arena arena;

static int tear_down(void **state)
{
	arena_free(&arena);
	return place_remove(state);
}

static struct lag_rows list(int64_t as_of_ms)
{
	return streams_lag(&arena, as_of_ms, NULL);
}

static void same_figures(const struct lag_rows *a, const struct lag_rows *b, int64_t tolerance_s)
{
	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++) {
		assert_int_equal(a->rows[i].lag_records, b->rows[i].lag_records);
		assert_int_equal(a->rows[i].npartitions, b->rows[i].npartitions);
		assert_true(llabs(a->rows[i].lag_seconds - b->rows[i].lag_seconds) <= tolerance_s);
		for (size_t p = 0; p < a->rows[i].npartitions; p++) {
			assert_int_equal(a->rows[i].partitions[p].high, b->rows[i].partitions[p].high);
			assert_int_equal(a->rows[i].partitions[p].low, b->rows[i].partitions[p].low);
			assert_int_equal(a->rows[i].partitions[p].processed, b->rows[i].partitions[p].processed);
		}
	}
}

static void sweep(struct feed *feed, int64_t i)
{
	int64_t high[] = { 1000 + i * 100 + i % 7, 50, 9 * i };
	int64_t low[] = { i / 50 * 10, 0, 0 }, place[] = { 1000 + i * 80, 50, 9 * i };

	(void)feed_marks(feed, "t", 3, high, low);
	(void)feed_marks(feed, "idle", 1, low + 1, NULL);
	(void)feed_position(feed, READER_GROUP, "g", "t", 3, place);
	(void)feed_table(feed, "t", "db.a", i % 3 + 1);
	if (i % 3 == 1)
		(void)feed_table(feed, "t", "db.b", 5);
	feed_sweep(feed, true, STEP_MS);
}

static int64_t records_of_topic(int64_t *tables)
{
	struct topic_table_rows rows = streams_tables(&arena, "prod", "t");
	int64_t sum = 0;

	for (size_t i = 0; i < rows.n; i++)
		sum += rows.rows[i].records;
	*tables = (int64_t)rows.n;
	return sum;
}

static void pass(struct feed *feed, int64_t ms)
{
	feed->now_ms += ms;
	feed->clock.fixed_ms += ms;
}

static void retain(struct feed *feed)
{
	struct err err = ERR_INIT;

	if (!store_retain(feed->store, &err))
		fail_msg("%s", err.text);
}

static void minutes_then_hours_then_nothing(void **state)
{
	struct lag_rows minutes[MINUTES], newest, then;
	int64_t at[MINUTES], records, tables, rows;
	struct feed feed;

	(void)state;
	place_next();
	feed_open(&feed, place_store, "kafka prod", FROM_MS);
	for (int64_t i = 0; i < SWEEPS; i++) {
		at[i / 3] = feed.now_ms + 1000;
		sweep(&feed, i);
		if (i % 3 == 2)
			minutes[i / 3] = list(READER_NOW);
	}
	newest = list(READER_NOW);
	records = records_of_topic(&tables);
	assert_int_equal(tables, 2);
	assert_int_equal(records, MINUTES * (3 + 5));
	rows = place_ask("SELECT count(*) FROM lag_change WHERE key = 0");
	assert_int_equal(rows, 2 * SWEEPS + 1);

	retain(&feed); /* nothing of lag is old enough */
	assert_int_equal(place_ask("SELECT count(*) FROM lag_change WHERE key = 0"), rows);
	then = list(READER_NOW);
	same_figures(&newest, &then, 0);

	pass(&feed, (TOPIC_RAW_HOURS + 1) * HOUR_MS);
	assert_true(place_ask("SELECT count(*) FROM topic_minute") > MINUTES);
	retain(&feed);
	assert_int_equal(place_ask("SELECT count(*) FROM topic_minute"), MINUTES);
	assert_int_equal(records_of_topic(&tables), records);

	pass(&feed, LAG_RAW_HOURS * HOUR_MS);
	retain(&feed);
	assert_int_equal(place_ask("SELECT count(*) FROM lag_change WHERE key = 0"), 2 * MINUTES + 1);
	assert_int_equal(place_ask("SELECT count(*) FROM sweep"), MINUTES);
	assert_int_equal(place_ask("SELECT count(*) FROM topic_minute"), 3); /* hours */
	assert_int_equal(records_of_topic(&tables), records);
	for (size_t i = 0; i < MINUTES; i++) {
		then = list(at[i]);
		same_figures(&minutes[i], &then, 60);
	}
	then = list(READER_NOW);
	same_figures(&newest, &then, 60);

	sweep(&feed, SWEEPS); /* the writer goes on from what it remembers */
	assert_int_equal(list(READER_NOW).rows[0].lag_records, (1000 + 100 * SWEEPS + SWEEPS % 7) -
		(1000 + SWEEPS * 80));
	pass(&feed, LAG_MINUTE_DAYS * DAY_MS);
	retain(&feed);
	assert_int_equal(place_ask("SELECT count(*) FROM lag_change WHERE key = 0 AND series ="
			     " (SELECT min(series) FROM lag_change)"), 3 + 1);
	then = list(at[59]);
	same_figures(&minutes[59], &then, 3600);
	feed_close(&feed);

	feed_open(&feed, place_store, "kafka prod", FROM_MS + 20 * DAY_MS);
	for (int64_t i = 1; i < 200; i++) {
		sweep(&feed, SWEEPS + i);
		pass(&feed, HOUR_MS);
	}
	feed_close(&feed);
	assert_true(place_ask("SELECT count(*) FROM lag_change WHERE key = 0") > 2 * 200);
	feed_open(&feed, place_store, "kafka prod", FROM_MS + 80 * DAY_MS);
	sweep(&feed, SWEEPS + 201);
	retain(&feed);
	assert_int_equal(place_ask("SELECT count(*) FROM topic_minute WHERE minute < 29000000"), 0);
	/* up to a keyframe: at most so many rows of a series are older */
	assert_true(place_ask("SELECT count(*) FROM lag_change WHERE at <"
			" (SELECT max(at) FROM sweep) - 30 * 86400000 AND key = 0") <= 2 * 65 + 65);
	assert_int_equal(list(READER_NOW).n, 1);
	assert_int_equal(list(READER_NOW).rows[0].partitions[0].high,
		1000 + (SWEEPS + 201) * 100 + (SWEEPS + 201) % 7);
	feed_close(&feed);
}

static void the_span_kept_whole_is_a_setting(void **state)
{
	static const struct { int64_t whole_ms, rows; } table[] = {
		{ 40 * DAY_MS, 2 * SWEEPS + 1 }, /* more than the span of minutes: all stays */
		{ 5 * HOUR_MS, 2 * SWEEPS + 1 },
		{ 2 * HOUR_MS, 2 * (SWEEPS * 2 / 3 + MINUTES / 3) + 1 },
		{ HOUR_MS, 2 * (SWEEPS / 3 + MINUTES * 2 / 3) + 1 },
	};
	struct feed feed;

	(void)state;
	place_next();
	feed_open(&feed, place_store, "kafka prod", FROM_MS);
	for (int64_t i = 0; i < SWEEPS; i++)
		sweep(&feed, i);
	feed_close(&feed);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct store_options options = { .path = place_store, .clock = &feed.clock,
			.whole_lag_ms = table[i].whole_ms };
		struct store *store = NULL;
		struct err err = ERR_INIT;

		assert_true(store_open(&options, &store, &err));
		assert_true(store_retain(store, &err));
		store_close(store);
		assert_int_equal(place_ask("SELECT count(*) FROM lag_change WHERE key = 0"), table[i].rows);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(minutes_then_hours_then_nothing),
		cmocka_unit_test(the_span_kept_whole_is_a_setting),
	};

	return cmocka_run_group_tests(tests, place_make, tear_down);
}
