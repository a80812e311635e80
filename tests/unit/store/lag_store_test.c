/* SPDX-License-Identifier: Apache-2.0 */
/* Sweeps in, lag out: what is kept, what follows from it, and the same again as of any time. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "store/lag.h"
#include "store/reader_internal.h"
#include "tests/lib/place.h"
#include "tests/lib/streams.h"

static struct arena arena;

static int tear_down(void **state)
{
	arena_free(&arena);
	return place_remove(state);
}

static struct lag_rows list(int64_t as_of_ms, const char *wanted)
{
	return streams_lag(&arena, as_of_ms, wanted);
}

static struct lag_row one(int64_t as_of_ms, const char *wanted)
{
	struct lag_rows rows = list(as_of_ms, wanted);

	if (rows.n != 1)
		fail_msg("%zu rows for %s", rows.n, wanted ? wanted : "all");
	return rows.rows[0];
}

static void only_changes_are_kept(void **state)
{
	const int64_t highs[] = { 100, 200 }, places[] = { 90, 200 };
	struct feed feed;
	struct lag_row row;

	(void)state;
	place_next();
	feed_open(&feed, place_store, "kafka prod", STREAMS_NOW_MS);
	for (int i = 0; i < 50; i++) {
		(void)feed_marks(&feed, "t", 2, highs, NULL);
		(void)feed_position(&feed, READER_GROUP, "g", "t", 2, places);
		feed_sweep(&feed, true, 10000);
	}
	feed_close(&feed);
	assert_int_equal(place_ask("SELECT count(*) FROM lag_change"), 2);
	assert_int_equal(place_ask("SELECT count(*) FROM sweep"), 50);
	row = one(READER_NOW, "g");
	assert_int_equal(row.lag_records, 10);
	assert_int_equal(row.npartitions, 2);
	assert_int_equal(row.partitions[0].processed, 90);
	assert_int_equal(row.partitions[0].high, 100);
	assert_int_equal(row.partitions[1].lag_records, 0);
	assert_int_equal(row.partitions[1].lag_seconds, 0);
	/* it was so at the last sweep, though nothing was written since the first */
	assert_int_equal(row.seen_at_ms, STREAMS_NOW_MS + 490000);
	assert_true(row.lag_seconds_is_lower_bound);
	assert_int_equal(row.lag_seconds, 490);
	assert_int_equal(row.verdict, LAG_STALL);
	assert_true(row.never_drains);
	assert_int_equal(row.drain_seconds, FACT_UNKNOWN);
	assert_int_equal(row.loss_in_seconds, FACT_UNKNOWN);
	assert_int_equal(row.lost_records, 0);
}

/* Where a topic begins could not be read: whether the reader lost anything is not known. */
static void unknown_begin_is_no_loss(void **state)
{
	const int64_t highs[] = { 100, 200 }, places[] = { 90, 50 };
	const int64_t lows[][2] = { { FACT_UNKNOWN, FACT_UNKNOWN }, { 5, FACT_UNKNOWN }, { 5, 60 } };
	const int64_t lost[] = { FACT_UNKNOWN, 0, 10 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lows); i++) {
		struct feed feed;
		struct lag_row row;

		place_next();
		feed_open(&feed, place_store, "kafka prod", STREAMS_NOW_MS);
		(void)feed_marks(&feed, "t", 2, highs, lows[i]);
		(void)feed_position(&feed, READER_GROUP, "g", "t", 2, places);
		feed_sweep(&feed, true, 10000);
		feed_close(&feed);
		row = one(READER_NOW, "g");
		assert_int_equal(row.lag_records, 160);
		assert_int_equal(row.lost_records, lost[i]);
		assert_int_equal(row.partitions[0].lost_records, i == 0 ? FACT_UNKNOWN : 0);
	}
}

/* A restart between any two sweeps changes nothing. */
static void restarts_do_not_show(void **state)
{
	char other[64];
	struct lag_row rows[2];

	(void)state;
	for (int pass = 0; pass < 2; pass++) {
		struct feed feed;

		place_next();
		feed_open(&feed, place_store, "kafka prod", STREAMS_NOW_MS);
		for (int64_t i = 0; i < 200; i++) {
			int64_t high[] = { 100 + i * 10, 7 }, place[] = { 90 + i * 8, 7 };
			int64_t now = feed.now_ms;

			(void)feed_marks(&feed, "t", 2, high, NULL);
			(void)feed_position(&feed, READER_GROUP, "g", "t", 2, place);
			feed_sweep(&feed, true, 10000);
			if (pass == 1 && i % 7 == 0) {
				feed_close(&feed);
				feed_open(&feed, place_store, "kafka prod", now + 10000);
			}
		}
		feed_close(&feed);
		rows[pass] = one(READER_NOW, "g");
		if (pass == 0)
			memcpy(other, place_store, sizeof other);
	}
	assert_int_equal(rows[0].lag_records, 10 + 199 * 2);
	assert_int_equal(rows[0].lag_seconds, rows[1].lag_seconds);
	assert_int_equal(rows[0].lag_records, rows[1].lag_records);
	assert_int_equal(rows[0].verdict, rows[1].verdict);
	assert_int_equal(rows[0].verdict, LAG_WARN);
	assert_memory_equal(rows[0].trend, rows[1].trend, sizeof rows[0].trend);
	/* 1 record a second comes, 0.8 are read: at 2090 - 408 = 1682 the end stood 408 s ago */
	assert_int_equal(rows[0].lag_seconds, 408);
	assert_false(rows[0].lag_seconds_is_lower_bound);
	assert_true(fabs(rows[0].rate_in - 1) < 0.01);
	assert_true(fabs(rows[0].rate_out - 0.8) < 0.01);
	assert_true(rows[0].trend[LAG_TREND_MAX - 1] == 408);
	assert_true(rows[0].trend[LAG_TREND_MAX - 2] == 408 - 30);
}

/* What was live at a moment is told as of it: every figure, through restarts and rewinds. */
static void as_of_equals_live(void **state)
{
	struct lag_rows live[40];
	int64_t at[40];
	struct feed feed;

	(void)state;
	place_next();
	feed_open(&feed, place_store, "kafka prod", STREAMS_NOW_MS);
	for (int64_t i = 0; i < 200; i++) {
		int64_t high[] = { 100 + i * 10, i > 150 ? 5 : 1000 + i, 50 };
		int64_t low[] = { i, i > 150 ? 0 : 900, FACT_UNKNOWN };
		int64_t place[] = { i % 50 == 49 ? 20 : 90 + i * 8, i < 100 ? FACT_UNKNOWN : 1000 + i, 60 };

		(void)feed_marks(&feed, "t", i < 20 ? 2 : 3, high, low);
		(void)feed_position(&feed, READER_GROUP, "g", "t", 3, place);
		if (i % 3 == 0)
			feed_position(&feed, READER_GROUP, "h", "t", 3, place)->state = TEXT("Empty");
		feed_sweep(&feed, i % 11 != 0, 10000);
		if (i % 5 == 4) {
			at[i / 5] = feed.now_ms - 5000;
			live[i / 5] = list(READER_NOW, NULL);
		}
	}
	feed_close(&feed);
	for (size_t i = 0; i < ARRAY_LEN(at); i++) {
		struct lag_rows then = list(at[i], NULL);

		assert_int_equal(then.n, live[i].n);
		for (size_t r = 0; r < then.n; r++) {
			const struct lag_row *a = &then.rows[r], *b = &live[i].rows[r];

			assert_true(text_eq(a->reader, b->reader));
			assert_int_equal(a->lag_records, b->lag_records);
			assert_int_equal(a->lag_seconds, b->lag_seconds);
			assert_int_equal(a->verdict, b->verdict);
			assert_int_equal(a->seen_at_ms, b->seen_at_ms);
			assert_int_equal(a->drain_seconds, b->drain_seconds);
			assert_int_equal(a->stale, b->stale);
			assert_int_equal(a->npartitions, b->npartitions);
			assert_memory_equal(a->partitions, b->partitions,
				a->npartitions * sizeof *a->partitions);
			assert_memory_equal(a->trend, b->trend, sizeof a->trend);
		}
	}
}

static void the_estate(void **state)
{
	struct lag_rows rows;
	struct lag_row row;

	(void)state;
	place_next();
	streams_fill(place_store, STREAMS_NOW_MS, 70);
	rows = list(READER_NOW, NULL);
	assert_int_equal(rows.n, 7);
	for (size_t i = 0; i < rows.n; i++) /* one reader has no place in one partition */
		assert_int_equal(rows.rows[i].no_commit, text_contains(rows.rows[i].reader, TEXT("evil")));
	row = one(READER_NOW, "dlt/members_silver");
	assert_true(text_is(row.witnesses, "checkpoint, eventlog"));
	assert_int_equal(row.kind, READER_CHECKPOINT);
	/* 70 minutes of 30 a second more than are read, in 11 partitions, and 150 in one */
	assert_int_equal(row.lag_records, 4200 * (11 * 30 + 150));
	assert_int_equal(row.lag_seconds, 1400);
	assert_false(row.lag_seconds_is_lower_bound);
	assert_true(row.never_drains);
	assert_int_equal(row.verdict, LAG_WARN);
	assert_int_equal(row.loss_in_seconds, 6 * 3600 - 1400);
	assert_int_equal(one(READER_NOW, "audit").verdict, LAG_STOP);
	assert_int_equal(one(READER_NOW, "fraud").verdict, LAG_STALL);
	assert_int_equal(one(READER_NOW, "rewound").verdict, LAG_REWIND);
	row = one(READER_NOW, "connect-s3-sink");
	assert_int_equal(row.verdict, LAG_OK);
	assert_true(text_is(row.connector, "s3-sink"));
	assert_true(text_starts(row.connector_problem, TEXT("FAILED: org.apache")));
}

/* Nobody said it was deleted, but whole sweeps do not name it any more. */
static void what_is_not_named_is_gone(void **state)
{
	const int64_t highs[] = { 100 }, places[] = { 90 };
	struct feed feed;

	(void)state;
	place_next();
	feed_open(&feed, place_store, "kafka prod", STREAMS_NOW_MS);
	for (int i = 0; i < 200; i++) {
		(void)feed_marks(&feed, "t", 1, highs, NULL);
		(void)feed_position(&feed, READER_GROUP, "stays", "t", 1, places);
		if (i < 100)
			(void)feed_position(&feed, READER_GROUP, "goes", "t", 1, places);
		feed_sweep(&feed, i < 140 || i > 150, 10000);
		if (i == 120) {
			int64_t now = feed.now_ms;

			assert_int_equal(list(READER_NOW, NULL).n, 2);
			feed_close(&feed);
			feed_open(&feed, place_store, "kafka prod", now);
		}
	}
	feed_close(&feed);
	assert_int_equal(list(READER_NOW, NULL).n, 1);
	assert_int_equal(list(STREAMS_NOW_MS + 500000, NULL).n, 2);
	assert_true(text_is(one(READER_NOW, NULL).reader, "stays"));
}

static void a_failed_look_is_stale(void **state)
{
	const int64_t highs[] = { 100 }, unread[] = { FACT_UNKNOWN }, places[] = { 90 };
	struct feed feed;
	struct lag_row row;

	(void)state;
	place_next();
	feed_open(&feed, place_store, "kafka prod", STREAMS_NOW_MS);
	(void)feed_marks(&feed, "t", 1, highs, NULL);
	(void)feed_position(&feed, READER_GROUP, "g", "t", 1, places);
	feed_sweep(&feed, true, 10000);
	assert_false(one(READER_NOW, NULL).stale);
	(void)feed_marks(&feed, "t", 1, unread, NULL);
	(void)feed_position(&feed, READER_GROUP, "g", "t", 1, places);
	feed_sweep(&feed, false, 10000);
	row = one(READER_NOW, NULL);
	assert_true(row.stale);
	assert_int_equal(row.lag_records, 10); /* as read before */
	feed_sweep(&feed, false, 10000);
	row = one(READER_NOW, NULL);
	assert_true(row.stale);
	(void)feed_marks(&feed, "t", 1, highs, NULL);
	feed_sweep(&feed, true, 10000);
	assert_false(one(READER_NOW, NULL).stale);
	feed_close(&feed);
}

/* What a sweep could not see is older, and only that; also after a restart. */
static void a_look_that_misses_some(void **state)
{
	const int64_t highs[] = { 100 }, places[] = { 90 };
	struct feed feed;

	(void)state;
	place_next();
	feed_open(&feed, place_store, "kafka prod", STREAMS_NOW_MS);
	for (int i = 0; i < 30; i++) {
		int64_t moved[] = { 100 + i };

		(void)feed_marks(&feed, "moving", 1, moved, NULL);
		(void)feed_marks(&feed, "idle", 1, highs, NULL);
		(void)feed_position(&feed, READER_GROUP, "a", "moving", 1, places);
		(void)feed_position(&feed, READER_GROUP, "b", "idle", 1, places);
		if (i < 10) {
			(void)feed_marks(&feed, "hidden", 1, highs, NULL);
			(void)feed_position(&feed, READER_GROUP, "c", "hidden", 1, places);
		}
		feed_sweep(&feed, i < 10, 10000);
		if (i == 20) {
			int64_t now = feed.now_ms;

			feed_close(&feed);
			feed_open(&feed, place_store, "kafka prod", now);
		}
	}
	assert_false(one(READER_NOW, "a").stale);
	assert_false(one(READER_NOW, "b").stale);
	assert_true(one(READER_NOW, "c").stale);
	assert_int_equal(one(READER_NOW, "b").seen_at_ms, STREAMS_NOW_MS + 290000);
	assert_int_equal(one(READER_NOW, "c").seen_at_ms, STREAMS_NOW_MS + 90000);
	feed_sweep(&feed, false, 10000); /* nothing could be seen */
	assert_true(one(READER_NOW, "a").stale);
	assert_int_equal(one(READER_NOW, "b").seen_at_ms, STREAMS_NOW_MS + 290000);
	feed_close(&feed);
}

/* Idle until the writer stopped, written to after it started again: it came then, not before. */
static void a_pause_of_the_writer_is_no_flat_part(void **state)
{
	struct feed feed;

	(void)state;
	place_next();
	feed_open(&feed, place_store, "kafka prod", STREAMS_NOW_MS);
	for (int i = 0; i < 360; i++) {
		int64_t high[] = { i < 350 ? 100 : 200 }, place[] = { 100 };
		int64_t now = feed.now_ms;

		(void)feed_marks(&feed, "t", 1, high, NULL);
		(void)feed_position(&feed, READER_GROUP, "g", "t", 1, place);
		feed_sweep(&feed, true, 10000);
		if (i == 349) {
			feed_close(&feed);
			feed_open(&feed, place_store, "kafka prod", now + 10000);
		}
	}
	feed_close(&feed);
	assert_int_equal(one(READER_NOW, NULL).lag_records, 100);
	assert_int_equal(one(READER_NOW, NULL).lag_seconds, 100); /* ten sweeps, not an hour */
}

/* No figure that a broker or a checkpoint can say breaks anything. */
static void no_offset_is_too_large(void **state)
{
	static const int64_t values[] = { 0, 1, -1, -1001, INT64_MAX, INT64_MAX - 1, INT64_MIN, INT64_MIN + 1,
		INT64_C(1) << 62 };
	uint64_t seed = 3;
	struct feed feed;

	(void)state;
	place_next();
	feed_open(&feed, place_store, "kafka prod", STREAMS_NOW_MS);
	for (int i = 0; i < 60; i++) {
		int64_t high[8], low[8], place[8];
		struct fact_position *position;

		for (size_t p = 0; p < 8; p++) {
			seed = seed * UINT64_C(6364136223846793005) + 1;
			high[p] = values[(seed >> 33) % ARRAY_LEN(values)];
			low[p] = values[(seed >> 41) % ARRAY_LEN(values)];
			place[p] = values[(seed >> 49) % ARRAY_LEN(values)];
		}
		feed_marks(&feed, "t", 8, high, low)->marks[7].partition = INT32_MAX;
		feed_marks(&feed, "u", 8, high, low)->retention_ms = INT64_MAX;
		position = feed_position(&feed, READER_GROUP, "g", "t", 8, place);
		position->places[3].partition = -5;
		position = feed_position(&feed, READER_CHECKPOINT, "c", "u", 8, place);
		position->places[2].committed_at_ms = INT64_MAX;
		position->places[4].committed_at_ms = feed.now_ms;
		position = feed_position(&feed, READER_CHECKPOINT, "d", "/no/table", 1, place);
		position->of_delta = true;
		feed_sweep(&feed, true, 10000);
	}
	feed_close(&feed);
	assert_int_equal(list(READER_NOW, NULL).n, 3);
}

/* Burrow allows no lag: what a reader is behind at any look is told to be no problem. */
static void a_ripple_is_no_problem(void **state)
{
	struct feed feed;
	struct lag_row row;

	(void)state;
	place_next();
	feed_open(&feed, place_store, "kafka prod", STREAMS_NOW_MS);
	for (int64_t i = 0; i < 60; i++) {
		int64_t high[] = { 1000 + i * 100, 1000 + i * 10 };
		int64_t ripple[] = { high[0] - 5 - i / 4, high[1] };
		int64_t behind[] = { high[0] - 5 - i / 4, high[1] - 1 - i };

		(void)feed_marks(&feed, "t", 2, high, NULL);
		(void)feed_position(&feed, READER_GROUP, "ripple", "t", 2, ripple);
		(void)feed_position(&feed, READER_GROUP, "behind", "t", 2, behind);
		feed_sweep(&feed, true, 10000);
	}
	feed_close(&feed);
	row = one(READER_NOW, "ripple");
	assert_int_equal(row.lag_records, 19);
	assert_int_equal(row.verdict, LAG_WARN); /* by the rules it never shrank */
	assert_true(row.moment);
	assert_true(row.partitions[0].moment);
	/* little next to all that comes, but a minute's worth in its partition */
	row = one(READER_NOW, "behind");
	assert_int_equal(row.verdict, LAG_WARN);
	assert_int_equal(row.partitions[1].lag_records, 60);
	assert_true(row.partitions[0].moment);
	assert_false(row.partitions[1].moment);
	assert_false(row.moment);
	assert_true(text_is(list(READER_NOW, NULL).rows[0].reader, "behind"));
}

static void put_version(struct feed *feed, int64_t number, int64_t files, bool changes)
{
	struct fact_version *version =
		&fact_batch_fact(feed->batch, FACT_VERSION, feed->now_ms)->u.version;

	*version = (struct fact_version){ .table = TEXT("t"), .path = TEXT("/lake/t"),
		.version = number, .timestamp_ms = feed->now_ms, .commit_info_ms = FACT_UNKNOWN,
		.read_version = FACT_UNKNOWN, .is_blind_append = -1, .files_added = files,
		.bytes_added = files * 100, .rows_added = files * 10, .dv_added = FACT_UNKNOWN,
		.data_change = changes };
}

static void versions_partly_read(void **state)
{
	/* the reader is at a version, of which so many files are read */
	static const struct {
		int64_t processed, part, versions, files, bytes, records, seconds, high;
		bool at_least;
	} cases[] = {
		{ 4, 0, 0, 0, 0, 0, 0, 4, false },
		{ 3, 0, 0, 0, 0, 0, 0, 4, false }, /* 3 only rewrote files */
		{ 2, 0, 1, 8, 800, 80, 20, 4, false },
		{ 2, 5, 1, 3, 800, 80, 20, 4, false }, /* one further behind than at 3 */
		{ 2, 99, 1, 0, 800, 80, 20, 4, false },
		{ 1, 2, 2, 10, 1200, 120, 30, 4, false },
		{ 2, PART_TABLE, 1, FACT_UNKNOWN, FACT_UNKNOWN, FACT_UNKNOWN, 20, 4, true },
		{ 9, 0, 0, 0, 0, 0, 0, 9, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fact_position *position;
		struct feed feed;
		struct lag_row row;

		place_next();
		feed_open(&feed, place_store, "delta lake", STREAMS_NOW_MS);
		for (int64_t version = 0; version < 4; version++) {
			put_version(&feed, version, version * 4, version != 3);
			feed_put(&feed, 10000);
		}
		position = feed_position(
			&feed, READER_CHECKPOINT, "r", "/lake/t", 1, &cases[i].processed);
		position->cluster = TEXT("delta");
		position->of_delta = true;
		position->places[0].part = cases[i].part;
		feed_put(&feed, 10000);
		feed_close(&feed);
		row = one(READER_NOW, "r");
		assert_int_equal(row.behind_versions, cases[i].versions);
		assert_int_equal(row.behind_files, cases[i].files);
		assert_int_equal(row.behind_bytes, cases[i].bytes);
		assert_int_equal(row.lag_records, cases[i].records);
		assert_int_equal(row.lag_seconds, cases[i].seconds);
		assert_int_equal(row.lag_seconds_is_lower_bound, cases[i].at_least);
		assert_int_equal(row.partitions[0].high, cases[i].high);
	}
}

/* Old versions' logs are cleaned away, by Delta and by our own retention: they are behind it all the same. */
static void versions_whose_log_is_gone(void **state)
{
	static const struct {
		int64_t processed, versions, files, seconds, high;
		bool at_least;
	} cases[] = {
		{ 2, 6, FACT_UNKNOWN, 40, 9, true }, /* 2 to 4 are gone, 8 only rewrote files */
		{ 5, 3, 72, 40, 9, false },
		{ 8, 0, 0, 0, 9, false },
		{ 9, 0, 0, 0, 9, false },
		{ INT64_MAX, 0, 0, 0, INT64_MAX, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fact_position *position;
		struct feed feed;
		struct lag_row row;

		place_next();
		feed_open(&feed, place_store, "delta lake", STREAMS_NOW_MS);
		for (int64_t version = 5; version < 9; version++) {
			put_version(&feed, version, version * 4, version != 8);
			feed_put(&feed, 10000);
		}
		position = feed_position(
			&feed, READER_CHECKPOINT, "r", "/lake/t", 1, &cases[i].processed);
		position->cluster = TEXT("delta");
		position->of_delta = true;
		feed_put(&feed, 10000);
		feed_close(&feed);
		row = one(READER_NOW, "r");
		assert_int_equal(row.behind_versions, cases[i].versions);
		assert_int_equal(row.behind_files, cases[i].files);
		assert_int_equal(row.lag_seconds, cases[i].seconds);
		assert_int_equal(row.lag_seconds_is_lower_bound, cases[i].at_least);
		assert_int_equal(row.partitions[0].high, cases[i].high);
	}
}

static void flow_says(struct feed *feed, int update, const char *flow, int64_t records, int64_t bytes,
	int64_t files)
{
	struct fact_event *event = fact_batch_event(feed->batch);
	static unsigned char id;
	char name[16];

	(void)snprintf(name, sizeof name, "u-%d", update);
	event->id[0] = ++id;
	event->happened_at_ms = feed->now_ms;
	event->sequence = id;
	event->type = EVENT_FLOW_PROGRESS;
	event->level = LEVEL_INFO;
	event->pipeline_id = fact_batch_intern(feed->batch, TEXT("p-1"));
	event->pipeline_name = fact_batch_intern(feed->batch, TEXT("hinge_cdc"));
	event->update_id = fact_batch_intern(feed->batch, text_of(name));
	event->flow = event->dataset = fact_batch_intern(feed->batch, text_of(flow));
	event->state = RUN_RUNNING;
	event->backlog_records = records;
	event->backlog_bytes = bytes;
	event->backlog_files = files;
}

/* What flow_progress tells of flows whose offsets nobody does. */
static void a_backlog_is_a_reader(void **state)
{
	const int64_t high = 100, place = 90;
	int64_t live;
	struct feed feed;
	struct lag_rows rows;
	struct lag_row row;

	(void)state;
	place_next();
	feed_open(&feed, place_store, "eventlog cdc", STREAMS_NOW_MS);
	flow_says(&feed, 1, "loans", 40, 4096, FACT_UNKNOWN);
	flow_says(&feed, 1, "landing", FACT_UNKNOWN, 100, 3);
	flow_says(&feed, 1, "quiet\x1b", FACT_UNKNOWN, 0, FACT_UNKNOWN);
	flow_says(&feed, 1, "untold", FACT_UNKNOWN, FACT_UNKNOWN, FACT_UNKNOWN);
	feed_put(&feed, 10000);
	live = feed.now_ms - 5000;
	rows = list(READER_NOW, NULL);
	assert_int_equal(rows.n, 3);
	row = one(READER_NOW, "hinge_cdc/loans");
	assert_true(text_eq(one(READER_NOW, "p-1/loans").reader, row.reader));
	assert_int_equal(row.kind, READER_EVENTLOG);
	assert_true(text_is(row.witnesses, "backlog"));
	assert_int_equal(row.lag_records, 40);
	assert_int_equal(row.behind_bytes, 4096);
	assert_int_equal(row.behind_files, FACT_UNKNOWN);
	assert_int_equal(row.lag_seconds, FACT_UNKNOWN);
	assert_int_equal(row.lost_records, FACT_UNKNOWN);
	assert_int_equal(row.verdict, LAG_UNKNOWN);
	assert_int_equal(row.seen_at_ms, STREAMS_NOW_MS);
	assert_null(row.topic.bytes);
	assert_true(isnan(row.trend[0]) && isnan(row.trend[LAG_TREND_MAX - 1]));
	row = one(READER_NOW, "landing");
	assert_int_equal(row.lag_records, FACT_UNKNOWN);
	assert_int_equal(row.behind_files, 3);
	row = one(READER_NOW, "quiet\xe2\x90\x9b");
	assert_int_equal(row.lag_records, FACT_UNKNOWN); /* it told no records */
	assert_int_equal(row.behind_bytes, 0);
	assert_int_equal(row.lag_seconds, 0);
	assert_int_equal(row.verdict, LAG_OK);
	/* an update that has only begun says nothing yet; then it is the one that counts */
	flow_says(&feed, 2, "loans", FACT_UNKNOWN, FACT_UNKNOWN, FACT_UNKNOWN);
	feed_put(&feed, 10000);
	assert_int_equal(list(READER_NOW, NULL).n, 3);
	flow_says(&feed, 2, "loans", 7, FACT_UNKNOWN, FACT_UNKNOWN);
	feed_put(&feed, 10000);
	assert_int_equal(list(READER_NOW, NULL).n, 1);
	assert_int_equal(one(READER_NOW, "loans").lag_records, 7);
	/* seen by its offsets, too: one line */
	(void)feed_marks(&feed, "t", 1, &high, NULL);
	(void)feed_position(&feed, READER_EVENTLOG, "hinge_cdc/loans", "t", 1, &place);
	flow_says(&feed, 2, "loans", 8, 512, FACT_UNKNOWN);
	feed_put(&feed, 10000);
	row = one(READER_NOW, "loans");
	assert_true(text_is(row.witnesses, "eventlog, backlog"));
	assert_true(text_is(row.topic, "t"));
	assert_int_equal(row.lag_records, 10); /* offsets know better */
	assert_int_equal(row.behind_bytes, 512);
	/* of two topics it is the sum, and says nothing of either */
	(void)feed_marks(&feed, "s", 1, &high, NULL);
	(void)feed_position(&feed, READER_EVENTLOG, "hinge_cdc/loans", "s", 1, &place);
	feed_put(&feed, 10000);
	rows = list(READER_NOW, "loans");
	assert_int_equal(rows.n, 2);
	for (size_t i = 0; i < rows.n; i++) {
		assert_true(text_is(rows.rows[i].witnesses, "eventlog, backlog"));
		assert_int_equal(rows.rows[i].behind_bytes, FACT_UNKNOWN);
	}
	feed_close(&feed);
	/* as of then */
	assert_int_equal(list(live, NULL).n, 3);
	assert_int_equal(one(live, "loans").lag_records, 40);
}

static void update_says(struct feed *feed, int update, enum run_state update_state)
{
	struct fact_event *event;

	flow_says(feed, update, "loans", FACT_UNKNOWN, FACT_UNKNOWN, FACT_UNKNOWN);
	event = &feed->batch->events[feed->batch->nevents - 1];
	event->type = EVENT_UPDATE_PROGRESS;
	event->flow = event->dataset = 0;
	event->state = update_state;
	feed_put(feed, 10000);
}

/* Attempt after attempt fails before it tells of a backlog: what was told last is not forgotten. */
static void failed_attempts_hide_no_backlog(void **state)
{
	struct feed feed;
	int64_t live;

	(void)state;
	place_next();
	feed_open(&feed, place_store, "eventlog cdc", STREAMS_NOW_MS);
	flow_says(&feed, 1, "loans", 500, FACT_UNKNOWN, FACT_UNKNOWN);
	update_says(&feed, 1, RUN_COMPLETED);
	for (int attempt = 2; attempt < 7; attempt++)
		update_says(&feed, attempt, RUN_FAILED);
	update_says(&feed, 7, RUN_INITIALIZING);
	assert_int_equal(one(READER_NOW, "hinge_cdc/loans").lag_records, 500);
	live = feed.now_ms - 5000;
	flow_says(&feed, 7, "loans", 700, FACT_UNKNOWN, FACT_UNKNOWN);
	update_says(&feed, 7, RUN_RUNNING);
	assert_int_equal(one(READER_NOW, "hinge_cdc/loans").lag_records, 700);
	feed_close(&feed);
	assert_int_equal(one(live, "hinge_cdc/loans").lag_records, 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failed_attempts_hide_no_backlog),
		cmocka_unit_test(only_changes_are_kept),
		cmocka_unit_test(restarts_do_not_show),
		cmocka_unit_test(as_of_equals_live),
		cmocka_unit_test(the_estate),
		cmocka_unit_test(what_is_not_named_is_gone),
		cmocka_unit_test(a_failed_look_is_stale),
		cmocka_unit_test(a_look_that_misses_some),
		cmocka_unit_test(no_offset_is_too_large),
		cmocka_unit_test(a_pause_of_the_writer_is_no_flat_part),
		cmocka_unit_test(a_ripple_is_no_problem),
		cmocka_unit_test(unknown_begin_is_no_loss),
		cmocka_unit_test(versions_partly_read),
		cmocka_unit_test(versions_whose_log_is_gone),
		cmocka_unit_test(a_backlog_is_a_reader),
	};

	return cmocka_run_group_tests(tests, place_make, tear_down);
}
