/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two producers, the writer and readers at once: under the thread sanitizer this shows who touches
 * what. Every snapshot must be whole: what a reader sees of the derived rows equals what it sees
 * of the facts, and it only grows. The log beside the store stays bounded while readers come.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/fold.h"
#include "store/internal.h"
#include "store/store.h"
#include "tests/lib/place.h"

enum { BATCHES = 60, EVENTS = 50, PRODUCERS = 2, READERS = 2, WAL_BYTES_MAX = 128 << 20 };

static struct store *store;
static atomic_bool finished;
static atomic_int snapshots, faults;

static void *produce(void *context)
{
	int64_t who = *(const int64_t *)context;
	struct fact_batch *batch = fact_batch_new();
	struct err err = ERR_INIT;

	for (int64_t i = 0; i < BATCHES; i++) {
		batch->source = who ? TEXT("eventlog one") : TEXT("eventlog two");
		for (int64_t e = 0; e < EVENTS; e++) {
			struct fact_event *event = fact_batch_event(batch);
			int64_t id[2] = { who, i * EVENTS + e };

			memcpy(event->id, id, sizeof event->id);
			event->happened_at_ms = INT64_C(1700000000000) + i * 1000 + e;
			event->type = EVENT_FLOW_PROGRESS;
			event->level = LEVEL_METRICS;
			event->state = RUN_RUNNING;
			event->update_id = fact_batch_intern(batch, who ? TEXT("u1") : TEXT("u0"));
			event->flow = fact_batch_intern(batch, e % 2 ? TEXT("f1") : TEXT("f0"));
			event->output_rows = 1;
			event->batch_id = id[1];
		}
		if (!store_put(store, &batch, place_deadline(), &err))
			atomic_fetch_add(&faults, 1);
	}
	fact_batch_free(batch);
	return NULL;
}

static bool one_int(sqlite3 *db, const char *sql, int64_t *value_out)
{
	sqlite3_stmt *stmt = NULL;
	struct err err = ERR_INIT;
	bool row = false;
	bool ok = sql_prepare(db, sql, &stmt, &err) && sql_step(stmt, &row, &err) && row;

	if (ok)
		*value_out = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return ok;
}

static bool rows_of_flows(sqlite3 *db, int64_t *rows_out)
{
	sqlite3_stmt *stmt = NULL;
	struct err err = ERR_INIT;
	bool row = true, ok = sql_prepare(db, "SELECT x FROM flow_run", &stmt, &err);

	*rows_out = 0;
	while (ok) {
		struct flow_fold fold;

		ok = sql_step(stmt, &row, &err);
		if (!ok || !row)
			break;
		flow_fold_init(&fold, 0, 0);
		ok = flow_fold_decode(sql_text(stmt, 0), &fold);
		*rows_out = fold_sum(*rows_out, fold.output_rows);
		flow_fold_done(&fold);
	}
	sqlite3_finalize(stmt);
	return ok;
}

/* All that the hours say was written: the events have no rules. */
static bool rows_of_hours(sqlite3 *db, int64_t *rows_out)
{
	struct fold_rolls rolls = { 0 };
	sqlite3_stmt *stmt = NULL;
	struct err err = ERR_INIT;
	bool row = true, ok = sql_prepare(db, "SELECT x FROM roll_h", &stmt, &err);

	*rows_out = 0;
	while (ok) {
		ok = sql_step(stmt, &row, &err);
		if (!ok || !row)
			break;
		ok = rolls_decode(sql_text(stmt, 0), 0, 0, &rolls);
	}
	for (size_t i = 0; i < rolls.n; i++)
		*rows_out += rolls.rows[i].a;
	fold_rolls_done(&rolls);
	sqlite3_finalize(stmt);
	return ok;
}

static void *watch(void *context)
{
	sqlite3 *db = NULL;
	int64_t before = 0;
	bool last = false;

	(void)context;
	if (sqlite3_open_v2(place_store, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		atomic_fetch_add(&faults, 1);
	(void)sqlite3_busy_timeout(db, STORE_BUSY_MS);
	while (!last) {
		int64_t events = -1, rows = -2, hours = -3;

		last = atomic_load(&finished);
		(void)sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
		if (!one_int(db, "SELECT count(*) FROM event WHERE batch <= (SELECT max(n) FROM batch)",
			    &events) ||
			!rows_of_flows(db, &rows) ||
			!rows_of_hours(db, &hours) ||
			events != rows || events != hours || events < before)
			atomic_fetch_add(&faults, 1);
		(void)sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
		before = events;
		atomic_fetch_add(&snapshots, 1);
	}
	if (before != (int64_t)PRODUCERS * BATCHES * EVENTS)
		atomic_fetch_add(&faults, 1);
	sqlite3_close(db);
	return NULL;
}

static void readers_see_whole_snapshots(void **state)
{
	struct store_options options = { .path = place_store, .clock = clock_system() };
	pthread_t producers[PRODUCERS], readers[READERS];
	int64_t who[PRODUCERS] = { 0, 1 };
	struct store_totals totals;
	struct err err = ERR_INIT;
	char wal[80];
	struct stat info;

	(void)state;
	assert_true(store_open(&options, &store, &err));
	for (size_t i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, watch, NULL), 0);
	for (size_t i = 0; i < PRODUCERS; i++)
		assert_int_equal(pthread_create(&producers[i], NULL, produce, &who[i]), 0);
	for (size_t i = 0; i < PRODUCERS; i++)
		assert_int_equal(pthread_join(producers[i], NULL), 0);
	assert_true(store_flush(store, place_deadline(), &err));
	store_totals(store, TEXT_NONE, &totals);
	assert_int_equal(totals.events_new, PRODUCERS * BATCHES * EVENTS);
	atomic_store(&finished, true);
	for (size_t i = 0; i < READERS; i++)
		assert_int_equal(pthread_join(readers[i], NULL), 0);
	assert_int_equal(atomic_load(&faults), 0);
	assert_true(atomic_load(&snapshots) >= READERS);
	(void)snprintf(wal, sizeof wal, "%s-wal", place_store);
	assert_int_equal(stat(wal, &info), 0);
	assert_true(info.st_size < WAL_BYTES_MAX);
	store_close(store);
}

/* A full queue makes store_put wait until its deadline, then says so and takes nothing. */
static void a_writer_behind_pushes_back(void **state)
{
	struct store_options options = { .path = place_store, .clock = clock_system() };
	struct fact_batch *batch = fact_batch_new();
	struct err err = ERR_INIT;
	sqlite3 *db = NULL;
	int taken = 0;

	(void)state;
	assert_true(store_open(&options, &store, &err));
	assert_int_equal(sqlite3_open(place_store, &db), SQLITE_OK);
	/* another process in the middle of an operation: the writer has to wait */
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	do {
		batch->source = TEXT("eventlog one");
		taken++;
	} while (taken < 100 &&
		store_put(store, &batch, clock_system()->mono_ms(clock_system()) + 20, &err));
	assert_in_range(taken, 2, 20);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_non_null(batch);
	assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_true(store_flush(store, place_deadline(), &err));
	store_close(store);
	fact_batch_free(batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(readers_see_whole_snapshots),
		cmocka_unit_test(a_writer_behind_pushes_back),
	};

	return cmocka_run_group_tests(tests, place_make, place_remove);
}
