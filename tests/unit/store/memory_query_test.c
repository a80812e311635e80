/* SPDX-License-Identifier: Apache-2.0 */
/* How much memory a query takes: what it shows counts, not what it has to read for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "store/reader.h"
#include "tests/lib/place.h"
#include "tests/lib/streams.h"

#ifdef __has_feature
#define HAS_FEATURE(feature) __has_feature(feature)
#else
#define HAS_FEATURE(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || HAS_FEATURE(address_sanitizer) || \
	HAS_FEATURE(thread_sanitizer)
enum { SANITIZED = 1, SHARE = 50 };
#else
enum { SANITIZED = 0, SHARE = 1 };
#endif

#define T0 INT64_C(1772445600000)
enum { EVENTS = 150000 / SHARE, A_BATCH = 3000, RULES = 10, TABLES = 3000 / SHARE, MINUTES = 200,
	PEAK_KIB = 40 << 10 };

/* In a process of its own, so that nothing but the work counts. */
static long peak_kib(void (*work)(void))
{
	struct rusage usage;
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		work();
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(wait4(pid, &status, 0, &usage), pid);
	assert_int_equal(status, 0);
	return usage.ru_maxrss;
}

static void must(bool good, const struct err *err)
{
	if (good)
		return;
	(void)fprintf(stderr, "%s\n", err->text);
	_exit(1);
}

static void report(struct fact_batch *batch, int64_t i)
{
	struct fact_event *e = fact_batch_event(batch);
	char name[32];

	memcpy(e->id, &i, sizeof i);
	e->happened_at_ms = T0 + i;
	e->type = EVENT_FLOW_PROGRESS;
	e->level = LEVEL_METRICS;
	e->pipeline_id = fact_batch_intern(batch, TEXT("continuous"));
	e->update_id = fact_batch_intern(batch, TEXT("since-spring"));
	e->flow = fact_batch_intern(batch, TEXT("loan"));
	e->batch_id = i;
	e->output_rows = 1;
	e->dropped_records = 0;
	e->has_quality = true;
	e->rules = ARENA_ARRAY(&batch->arena, struct fact_rule, RULES);
	e->nrules = RULES;
	for (int r = 0; r < RULES; r++) {
		(void)snprintf(name, sizeof name, "rule %d", r);
		e->rules[r].name = fact_batch_intern(batch, text_of(name));
		e->rules[r].passed = 1;
	}
}

/* A continuous update of many micro-batches, and one more a second later. */
static void fill_update(void)
{
	struct clock clock = clock_fixed(T0);
	struct store_options options = { .path = place_store, .clock = &clock };
	struct fact_batch *batch = fact_batch_new();
	struct store *store = NULL;
	struct err err = ERR_INIT;

	must(store_open(&options, &store, &err), &err);
	for (int64_t i = 0; i < EVENTS; i++) {
		batch->source = TEXT("eventlog a");
		report(batch, i);
		if (batch->nevents == A_BATCH || i == EVENTS - 1)
			must(store_put(store, &batch, INT64_MAX, &err), &err);
	}
	must(store_flush(store, INT64_MAX, &err), &err);
	clock.fixed_ms += 1000;
	batch->source = TEXT("eventlog a");
	report(batch, EVENTS);
	must(store_put(store, &batch, INT64_MAX, &err) && store_flush(store, INT64_MAX, &err), &err);
	store_close(store);
	fact_batch_free(batch);
}

static void look_at_update(void)
{
	struct reader *reader = NULL;
	struct arena arena = { 0 };
	struct update_rows updates;
	struct flow_rows flows;
	struct err err = ERR_INIT;

	must(reader_open(place_store, &reader, &err) && reader_begin(reader, T0, 0, &err) &&
		updates_list(reader, &arena, TEXT_NONE, 1, &updates, &err) &&
		flows_list(reader, &arena, TEXT("since-spring"), &flows, &err), &err);
	if (updates.n != 1 || updates.rows[0].rows_written != EVENTS || flows.n != 1 ||
		flows.rows[0].batches != EVENTS)
		_exit(2);
	reader_close(reader);
	arena_free(&arena);
}

static void an_update_of_any_length_as_of_a_time(void **state)
{
	long kib;

	(void)state;
	(void)peak_kib(fill_update);
	kib = peak_kib(look_at_update);
	if (!SANITIZED && kib > PEAK_KIB)
		fail_msg("%ld KiB were used", kib);
}

static void fill_topic(void)
{
	struct feed feed;
	char name[32];

	feed_open(&feed, place_store, "kafka prod", T0 - MINUTES * INT64_C(60000));
	for (int minute = 0; minute < MINUTES; minute++) {
		for (int t = 0; t < TABLES; t++) {
			(void)snprintf(name, sizeof name, "db.t%d", t);
			(void)feed_table(&feed, "cdc", name, minute % 7 + 1);
		}
		feed_put(&feed, 60000);
	}
	feed_close(&feed);
}

static void look_at_topic(void)
{
	struct arena arena = { 0 };
	struct topic_table_rows rows = streams_tables(&arena, "prod", "cdc");

	if (rows.n != TABLES)
		_exit(2);
	arena_free(&arena);
}

static void a_day_of_source_tables(void **state)
{
	long kib;

	(void)state;
	(void)peak_kib(fill_topic);
	kib = peak_kib(look_at_topic);
	if (!SANITIZED && kib > PEAK_KIB)
		fail_msg("%ld KiB were used", kib);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(an_update_of_any_length_as_of_a_time, place_clear),
		cmocka_unit_test_teardown(a_day_of_source_tables, place_clear),
	};

	return cmocka_run_group_tests(tests, place_make, place_remove);
}
