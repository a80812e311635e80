/* SPDX-License-Identifier: Apache-2.0 */
/* Records by table in a topic: minutes in, totals and rates out. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "store/lag.h"
#include "tests/lib/place.h"
#include "tests/lib/streams.h"

static struct arena arena;

static int tear_down(void **state)
{
	arena_free(&arena);
	return place_remove(state);
}

static void topics_tell_their_tables(void **state)
{
	struct topic_table_rows rows;

	(void)state;
	place_next();
	streams_fill(place_store, STREAMS_NOW_MS, 70);
	rows = streams_tables(&arena, NULL, "cdc.shared.07");
	assert_int_equal(rows.n, 41);
	assert_true(text_is(rows.rows[0].table, "claims_db.public.table_03"));
	assert_true(rows.rows[0].noisy);
	assert_false(rows.rows[1].noisy);
	assert_true(fabs(rows.rows[0].per_second - 150) < 0.01);
	assert_int_equal(rows.rows[0].records, 9000 * 71);
	assert_int_equal(rows.rows[0].delay_ms, 250);
	for (size_t i = 0; i < rows.n; i++) {
		bool fifth = text_is(rows.rows[i].table, "claims_db.public.table_05");
		bool sixth = text_is(rows.rows[i].table, "claims_db.public.table_06");

		assert_int_equal(rows.rows[i].silent, fifth);
		assert_int_equal(rows.rows[i].is_new, sixth);
	}
}

/* A minute told again as it fills counts once, by its newest telling. */
static void a_minute_told_again_counts_once(void **state)
{
	struct topic_table_rows rows;
	struct feed feed;

	(void)state;
	place_next();
	feed_open(&feed, place_store, "kafka prod", STREAMS_NOW_MS);
	for (int i = 1; i <= 20; i++) {
		(void)feed_table(&feed, "t", "db.a", i);
		if (i % 2)
			(void)feed_table(&feed, "t", "db.b", i * 100);
		feed_put(&feed, 0);
	}
	(void)feed_table(&feed, "t", "db.a", 20); /* nothing new: not kept */
	feed_put(&feed, 0);
	feed_close(&feed);
	assert_int_equal(place_ask("SELECT count(*) FROM topic_minute"), 20);
	rows = streams_tables(&arena, "prod", "t");
	assert_int_equal(rows.n, 2);
	assert_int_equal(rows.rows[0].records, 1900);
	assert_int_equal(rows.rows[1].records, 20);
}

/* 600 records a minute of one table from the topic's first minute on, 600 of another in its last. */
static void rates_are_over_what_was_seen(void **state)
{
	static const struct {
		int whole;       /* minutes before the last */
		int64_t part_ms; /* of the last one, when it was looked at */
		int64_t idle_ms; /* and looked at again, with nothing new */
		double steady, late;
	} cases[] = {
		{ 0, 60000, 0, 10, 10 },
		{ 0, 6000, 0, 1, 10 }, /* less than a minute says nothing: as if over one */
		{ 1, 15000, 0, 10, 8 },
		{ 1, 60000, 0, 10, 5 },
		{ 3, 30000, 0, 10, 600 / 210.0 },
		{ 4, 60000, 0, 10, 2 },
		{ 5, 60000, 0, 10, 2 },
		{ 90, 60000, 0, 10, 2 },
		{ 1, 15000, 3600000, 750 / 120.0, 5 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct topic_table_rows rows;
		struct feed feed;

		place_next();
		feed_open(&feed, place_store, "kafka prod", STREAMS_NOW_MS);
		for (int minute = 0; minute < cases[i].whole; minute++) {
			(void)feed_table(&feed, "t", "db.steady", 600);
			feed_put(&feed, 60000);
		}
		(void)feed_table(&feed, "t", "db.steady", cases[i].part_ms / 100);
		(void)feed_table(&feed, "t", "db.late", 600);
		feed.clock.fixed_ms += cases[i].part_ms;
		feed_put(&feed, cases[i].idle_ms);
		if (cases[i].idle_ms > 0)
			feed_sweep(&feed, true, 0);
		feed_close(&feed);
		rows = streams_tables(&arena, "prod", "t");
		assert_int_equal(rows.n, 2);
		for (size_t k = 0; k < 2; k++) {
			bool steady = text_is(rows.rows[k].table, "db.steady");
			double wanted = steady ? cases[i].steady : cases[i].late;

			if (fabs(rows.rows[k].per_second - wanted) > 0.001)
				fail_msg("case %zu, %s: %f", i, steady ? "steady" : "late",
					rows.rows[k].per_second);
		}
	}
}

/* Clocks of producers are not ours: one record of next year hides nothing of this minute. */
static void records_of_the_future_wait(void **state)
{
	struct topic_table_rows rows;
	struct feed feed;

	(void)state;
	place_next();
	feed_open(&feed, place_store, "kafka prod", STREAMS_NOW_MS);
	for (int i = 0; i < 5; i++) {
		(void)feed_table(&feed, "t", "db.a", 600);
		feed_put(&feed, 60000);
	}
	(void)feed_table(&feed, "t", "db.wrong", 5);
	feed.batch->facts[0].happened_at_ms += INT64_C(365) * 86400000;
	(void)feed_table(&feed, "t", "db.worse", 5);
	feed.batch->facts[1].happened_at_ms = INT64_MAX;
	(void)feed_table(&feed, "t", "db.worst", 5);
	feed.batch->facts[2].happened_at_ms = INT64_MIN;
	feed_put(&feed, 0);
	feed_close(&feed);
	rows = streams_tables(&arena, "prod", "t");
	assert_int_equal(rows.n, 4);
	assert_true(text_is(rows.rows[0].table, "db.a"));
	assert_true(fabs(rows.rows[0].per_second - 10) < 0.01);
	assert_int_equal(rows.rows[0].records, 3000);
	assert_int_equal(rows.rows[1].records, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(topics_tell_their_tables),
		cmocka_unit_test(a_minute_told_again_counts_once),
		cmocka_unit_test(rates_are_over_what_was_seen),
		cmocka_unit_test(records_of_the_future_wait),
	};

	return cmocka_run_group_tests(tests, place_make, tear_down);
}
