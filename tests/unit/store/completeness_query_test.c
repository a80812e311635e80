/* SPDX-License-Identifier: Apache-2.0 */
/* How complete datasets are, and the versions of a table that one long update made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/reader.h"
#include "tests/lib/place.h"

#define T0        INT64_C(1772445600000)
#define UPDATE    "5f1ac0de-0001-4000-8000-0000000000aa"
#define MINUTE_MS INT64_C(60000)

static struct fact_event *event(struct fact_batch *batch, int64_t at_ms, int64_t number)
{
	struct fact_event *e = fact_batch_event(batch);

	e->happened_at_ms = at_ms;
	memcpy(e->id, &number, sizeof number);
	e->level = LEVEL_INFO;
	e->pipeline_id = fact_batch_intern(batch, TEXT("pipe"));
	e->update_id = fact_batch_intern(batch, TEXT(UPDATE));
	return e;
}

static void flow_event(struct fact_batch *batch, int64_t at_ms, int64_t number, int64_t micro_batch,
	int64_t rows, int64_t dropped)
{
	struct fact_event *e = event(batch, at_ms, number);

	e->type = EVENT_FLOW_PROGRESS;
	e->flow = fact_batch_intern(batch, TEXT("prod.fire.loan"));
	e->batch_id = micro_batch;
	e->output_rows = rows;
	e->dropped_records = dropped;
	e->has_quality = true;
}

static void commit(struct fact_batch *batch, int64_t version, int64_t at_ms, struct text epoch)
{
	struct fact_version *v = &fact_batch_fact(batch, FACT_VERSION, at_ms)->u.version;

	v->table = TEXT("fire/loan");
	v->path = TEXT("/lake/fire/loan");
	v->version = version;
	v->timestamp_ms = at_ms;
	v->operation = TEXT("STREAMING UPDATE");
	v->update_id = TEXT(UPDATE);
	v->epoch_id = epoch;
	v->data_change = true;
}

/*
 * Three commits, twenty minutes apart, of micro-batches 7, 8 and 9; before the newest come `noise` events
 * of the same update that say nothing of rows.
 */
static void fill(int64_t noise)
{
	struct store *store = place_open();
	struct fact_batch *batch = fact_batch_new();
	struct err err = ERR_INIT;
	int64_t number = 0;

	batch->source = TEXT("eventlog fire");
	event(batch, T0 - 60 * MINUTE_MS, ++number)->type = EVENT_CREATE_UPDATE;
	/* of batch 7 again, long before: another stream's of the same number */
	flow_event(batch, T0 - 50 * MINUTE_MS, ++number, 7, 5, 5);
	flow_event(batch, T0, ++number, 7, 90, 10);
	flow_event(batch, T0 + 1000, ++number, 7, 95, 10);
	flow_event(batch, T0 + 20 * MINUTE_MS, ++number, 8, 50, 0);
	for (int64_t i = 0; i < noise; i++)
		flow_event(batch, T0 + 25 * MINUTE_MS, ++number, FACT_UNKNOWN, FACT_UNKNOWN, FACT_UNKNOWN);
	flow_event(batch, T0 + 40 * MINUTE_MS, ++number, 9, 60, 20);
	commit(batch, 1, T0, TEXT("7"));
	commit(batch, 2, T0 + 20 * MINUTE_MS, TEXT("8"));
	commit(batch, 3, T0 + 40 * MINUTE_MS, TEXT("9"));
	if (!store_put(store, &batch, place_deadline(), &err) ||
		!store_flush(store, place_deadline(), &err))
		fail_msg("%s", err.text);
	fact_batch_free(batch);
	store_close(store);
}

static void expect(const int64_t wanted[3][2]) /* of versions 3, 2, 1: published, quarantined */
{
	struct reader *reader = NULL;
	struct arena arena = { 0 };
	struct version_rows rows;
	struct err err = ERR_INIT;

	if (!reader_open(place_store, &reader, &err) || !reader_begin(reader, READER_NOW, 0, &err) ||
		!versions_list(reader, &arena, TEXT("fire/loan"), INT64_MAX, 100, &rows, &err))
		fail_msg("%s", err.text);
	assert_int_equal(rows.n, 3);
	for (size_t i = 0; i < rows.n; i++) {
		if (rows.rows[i].published != wanted[i][0] || rows.rows[i].quarantined != wanted[i][1])
			fail_msg("version %zu: %lld published, %lld set aside", 3 - i,
				(long long)rows.rows[i].published, (long long)rows.rows[i].quarantined);
	}
	reader_end(reader);
	reader_close(reader);
	arena_free(&arena);
}

static void each_version_has_its_micro_batch(void **state)
{
	static const int64_t wanted[3][2] = { { 60, 20 }, { 50, 0 }, { 95, 10 } };

	(void)state;
	fill(10);
	expect(wanted);
}

/* A list may begin or end within what one update made: each version is its own micro-batch all the same. */
static void a_page_of_one_version_says_the_same(void **state)
{
	static const int64_t wanted[3][2] = { { 60, 20 }, { 50, 0 }, { 95, 10 } };
	struct reader *reader = NULL;
	struct arena arena = { 0 };
	struct version_rows rows;
	struct err err = ERR_INIT;

	(void)state;
	fill(10);
	if (!reader_open(place_store, &reader, &err) || !reader_begin(reader, READER_NOW, 0, &err))
		fail_msg("%s", err.text);
	for (int64_t v = 3; v > 0; v--) {
		if (!versions_list(reader, &arena, TEXT("fire/loan"), v + 1, 1, &rows, &err))
			fail_msg("%s", err.text);
		assert_int_equal(rows.n, 1);
		assert_int_equal(rows.rows[0].fact.version, v);
		assert_int_equal(rows.rows[0].published, wanted[3 - v][0]);
		assert_int_equal(rows.rows[0].quarantined, wanted[3 - v][1]);
	}
	reader_end(reader);
	reader_close(reader);
	arena_free(&arena);
}

/* More events than one list looks at: what was not looked at whole is not known, and said so. */
static void what_was_not_looked_at_is_not_known(void **state)
{
	static const int64_t wanted[3][2] = { { 60, 20 }, { FACT_UNKNOWN, FACT_UNKNOWN },
		{ FACT_UNKNOWN, FACT_UNKNOWN } };

	(void)state;
	fill(110 * 1000);
	expect(wanted);
}

static void put_state(struct store *store, int64_t at_ms, int64_t number, enum run_state state)
{
	struct fact_batch *batch = fact_batch_new();
	struct fact_event *e = event(batch, at_ms, number);
	struct err err = ERR_INIT;

	batch->source = TEXT("eventlog fire");
	e->type = EVENT_UPDATE_PROGRESS;
	e->state = state;
	flow_event(batch, at_ms, number + 1, number, 90, 10);
	if (!store_put(store, &batch, place_deadline(), &err) ||
		!store_flush(store, place_deadline(), &err))
		fail_msg("%s", err.text);
	fact_batch_free(batch);
}

static bool is_open(void)
{
	struct reader *reader = NULL;
	struct arena arena = { 0 };
	struct quality_rows rows;
	struct err err = ERR_INIT;
	bool open;

	if (!reader_open(place_store, &reader, &err) || !reader_begin(reader, READER_NOW, 0, &err) ||
		!quality_list(reader, &arena, TEXT_NONE, TEXT_NONE, &rows, &err))
		fail_msg("%s", err.text);
	assert_int_equal(rows.n, 1);
	open = rows.rows[0].is_open;
	reader_end(reader);
	reader_close(reader);
	arena_free(&arena);
	return open;
}

/* Figures of an update under way are those so far. */
static void a_running_update_is_told_from_one_that_ended(void **state)
{
	struct store *store = place_open();

	(void)state;
	put_state(store, T0, 10, RUN_RUNNING);
	assert_true(is_open());
	put_state(store, T0 + MINUTE_MS, 20, RUN_COMPLETED);
	assert_false(is_open());
	store_close(store);
}

static void put_run(struct store *store, const char *pipeline, const char *update, int64_t at_ms,
	int64_t rows)
{
	struct fact_batch *batch = fact_batch_new();
	struct err err = ERR_INIT;
	struct fact_event *e;
	static int64_t number = 1000;

	batch->source = TEXT("eventlog fire");
	for (int i = 0; i < 3; i++) {
		e = event(batch, at_ms + i * 1000, ++number);
		e->pipeline_id = fact_batch_intern(batch, text_of(pipeline));
		e->update_id = fact_batch_intern(batch, text_of(update));
		e->type = i == 0 ? EVENT_CREATE_UPDATE : i == 1 ? EVENT_FLOW_PROGRESS : EVENT_UPDATE_PROGRESS;
		if (i == 1) {
			e->flow = fact_batch_intern(batch, TEXT("loan"));
			e->state = rows == FACT_UNKNOWN ? RUN_FAILED : RUN_COMPLETED;
			e->output_rows = rows;
			e->dropped_records = rows == FACT_UNKNOWN ? FACT_UNKNOWN : 1;
			e->has_quality = rows != FACT_UNKNOWN;
		} else if (i == 2) {
			e->state = rows == FACT_UNKNOWN ? RUN_FAILED : RUN_COMPLETED;
		}
	}
	if (!store_put(store, &batch, place_deadline(), &err) ||
		!store_flush(store, place_deadline(), &err))
		fail_msg("%s", err.text);
	fact_batch_free(batch);
}

static int64_t input_of(int64_t as_of_ms, const char *pipeline)
{
	struct reader *reader = NULL;
	struct arena arena = { 0 };
	struct quality_rows rows;
	struct err err = ERR_INIT;
	int64_t input;

	if (!reader_open(place_store, &reader, &err) || !reader_begin(reader, as_of_ms, 0, &err) ||
		!quality_list(reader, &arena, TEXT_NONE, text_of(pipeline), &rows, &err))
		fail_msg("%s", err.text);
	assert_int_equal(rows.n, 1);
	input = rows.rows[0].input;
	reader_end(reader);
	reader_close(reader);
	arena_free(&arena);
	return input;
}

/*
 * The same code runs as "dev" and as "prod". One that failed before it told anything shows what its
 * newest update that told something told, whatever the other one does.
 */
static void each_of_two_pipelines_has_its_newest_quality(void **state)
{
	struct store *store = place_open();
	struct timespec pause = { .tv_nsec = 5000000 };
	int64_t then_ms;

	(void)state;
	put_run(store, "prod", "prod-1", T0, 99);
	put_run(store, "prod", "prod-2", T0 + MINUTE_MS, FACT_UNKNOWN);
	put_run(store, "prod", "prod-3", T0 + 2 * MINUTE_MS, FACT_UNKNOWN);
	put_run(store, "dev", "dev-1", T0 + 3 * MINUTE_MS, 9);
	assert_int_equal(input_of(READER_NOW, "dev"), 10);
	assert_int_equal(input_of(READER_NOW, "prod"), 100);
	then_ms = clock_system()->wall_ms(clock_system());
	(void)nanosleep(&pause, NULL);
	put_run(store, "prod", "prod-4", T0 + 4 * MINUTE_MS, 999);
	assert_int_equal(input_of(then_ms, "prod"), 100);
	assert_int_equal(input_of(READER_NOW, "prod"), 1000);
	store_close(store);
}

/* An event without a time reports quality, but at no time: that is not 1970. */
static void quality_of_no_time_is_of_no_known_time(void **state)
{
	struct store *store = place_open();
	struct fact_batch *batch = fact_batch_new();
	struct reader *reader = NULL;
	struct arena arena = { 0 };
	struct quality_rows rows;
	struct err err = ERR_INIT;

	(void)state;
	batch->source = TEXT("eventlog fire");
	flow_event(batch, FACT_UNKNOWN, 1, 7, 90, 10);
	if (!store_put(store, &batch, place_deadline(), &err) ||
		!store_flush(store, place_deadline(), &err) ||
		!reader_open(place_store, &reader, &err) || !reader_begin(reader, READER_NOW, 0, &err) ||
		!quality_list(reader, &arena, TEXT_NONE, TEXT_NONE, &rows, &err))
		fail_msg("%s", err.text);
	assert_int_equal(rows.n, 1);
	assert_int_equal(rows.rows[0].input, 100);
	assert_int_equal(rows.rows[0].reported_at_ms, TIME_UNKNOWN);
	reader_end(reader);
	reader_close(reader);
	arena_free(&arena);
	fact_batch_free(batch);
	store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_page_of_one_version_says_the_same, place_clear),
		cmocka_unit_test_teardown(each_of_two_pipelines_has_its_newest_quality, place_clear),
		cmocka_unit_test_teardown(quality_of_no_time_is_of_no_known_time, place_clear),
		cmocka_unit_test_teardown(each_version_has_its_micro_batch, place_clear),
		cmocka_unit_test_teardown(a_running_update_is_told_from_one_that_ended, place_clear),
		cmocka_unit_test_teardown(what_was_not_looked_at_is_not_known, place_clear),
	};

	return cmocka_run_group_tests(tests, place_make, place_remove);
}
