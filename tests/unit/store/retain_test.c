/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/internal.h"
#include "store/reader.h"
#include "store/store.h"
#include "tests/lib/place.h"

#define DAY_MS INT64_C(86400000)
#define NOW_MS INT64_C(1772445600000)


static void add(struct fact_batch *batch, int64_t id, int64_t at_ms, const char *update)
{
	struct fact_event *event = fact_batch_event(batch);

	memcpy(event->id, &id, sizeof id);
	event->happened_at_ms = at_ms;
	event->type = EVENT_FLOW_DEFINITION;
	event->update_id = fact_batch_intern(batch, text_of(update));
	event->flow = fact_batch_intern(batch, TEXT("flow"));
	event->raw = TEXT("{}");
}

/* Stores at a time: an old event, a new one, a health of that time, a version of long ago. */
static void fill(int64_t now_ms, int64_t id)
{
	struct clock clock = clock_fixed(now_ms);
	struct store_options options = { .path = place_store, .clock = &clock };
	struct fact_batch *batch = fact_batch_new();
	struct store *store = NULL;
	struct err err = ERR_INIT;
	struct fact *fact;

	assert_true(store_open(&options, &store, &err));
	batch->source = TEXT("eventlog a");
	add(batch, id, NOW_MS - 200 * DAY_MS, "old");
	add(batch, id + 1, now_ms, now_ms == NOW_MS ? "new" : "then");
	fact = fact_batch_fact(batch, FACT_HEALTH, now_ms);
	fact->u.health.text = TEXT("fine");
	fact = fact_batch_fact(batch, FACT_VERSION, NOW_MS - 900 * DAY_MS);
	fact->u.version = (struct fact_version){ .path = TEXT("/t"), .version = id,
		.timestamp_ms = NOW_MS - 900 * DAY_MS, .is_blind_append = -1 };
	assert_true(store_put(store, &batch, INT64_MAX, &err));
	assert_true(store_flush(store, INT64_MAX, &err));
	store_close(store);
	fact_batch_free(batch);
}

static int64_t count(const char *from)
{
	char sql[128];

	(void)snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", from);
	return place_ask(sql);
}

static void retain(int64_t event_days)
{
	struct clock clock = clock_fixed(NOW_MS);
	struct store_options options = { .path = place_store, .clock = &clock };
	struct store *store = NULL;
	struct err err = ERR_INIT;

	options.keep_days[FACT_EVENT] = event_days;
	assert_true(store_open(&options, &store, &err));
	if (!store_retain(store, &err))
		fail_msg("%s", err.text);
	store_close(store);
}

static void what_is_past_its_days_goes(void **state)
{
	int64_t units;

	(void)state;
	fill(NOW_MS - 100 * DAY_MS, 10); /* learnt and happened long ago */
	fill(NOW_MS, 20);                /* an old event learnt today stays */
	units = count("batch");
	retain(-1);
	assert_int_equal(count("event"), 4);
	assert_int_equal(count("batch"), units + 1); /* consoles see that something went: health */
	retain(0); /* 90 days */
	assert_int_equal(count("event"), 2);
	assert_int_equal(count("batch"), units + 2);
	assert_int_equal(count("raw"), 2);
	assert_int_equal(count("edge"), 2);
	assert_int_equal(count("run"), 2);
	assert_int_equal(count("flow_run"), 2);
	assert_int_equal(count("health"), 2); /* 30 days, and since when it is so */
	assert_int_equal(count("version"), 2); /* forever */
	retain(0);
	assert_int_equal(count("event"), 2);
	assert_int_equal(count("batch"), units + 2); /* nothing went */
}

static void must(bool good, const struct err *err)
{
	if (!good)
		fail_msg("%s", err->text);
}

static void wait_for(const char *sql, int64_t wanted)
{
	struct timespec pause = { .tv_nsec = 2000000 };
	int64_t deadline_ms = place_deadline();

	while (place_ask(sql) != wanted) {
		assert_true(clock_system()->mono_ms(clock_system()) < deadline_ms);
		(void)nanosleep(&pause, NULL);
	}
}

/* A source that has more at once leaves its unit open; what retention forgets must stand by then. */
static void an_open_unit_is_shown_before_anything_goes(void **state)
{
	struct clock clock = clock_fixed(NOW_MS);
	struct store_options options = { .clock = &clock, .visible_ms = 3600 * 1000 };
	struct fact_batch *batch = fact_batch_new();
	struct store *store = NULL;
	struct err err = ERR_INIT;

	(void)state;
	place_next();
	fill(NOW_MS - 100 * DAY_MS, 10);
	options.path = place_store;
	must(store_open(&options, &store, &err), &err);
	batch->source = TEXT("eventlog b");
	batch->more = true;
	add(batch, 50, NOW_MS, "live");
	must(store_put(store, &batch, INT64_MAX, &err), &err);
	wait_for("SELECT count(*) FROM event WHERE batch > (SELECT max(n) FROM batch)", 1);
	must(store_retain(store, &err), &err);
	must(store_flush(store, place_deadline(), &err), &err);
	store_close(store);
	fact_batch_free(batch);
	assert_int_equal(count("event"), 1);
	assert_int_equal(count("run JOIN dim ON dim.id = upd WHERE v = 'live'"), 1);
	assert_int_equal(count("flow_run JOIN dim ON dim.id = upd WHERE v = 'live'"), 1);
}

/* However many updates are past their days, one round takes them all. */
static void all_that_is_past_its_days_goes_at_once(void **state)
{
	struct clock clock = clock_fixed(NOW_MS - 100 * DAY_MS);
	struct store_options options = { .clock = &clock };
	struct fact_batch *batch = fact_batch_new();
	struct store *store = NULL;
	struct err err = ERR_INIT;
	char update[32];

	(void)state;
	place_next();
	options.path = place_store;
	must(store_open(&options, &store, &err), &err);
	batch->source = TEXT("eventlog a");
	for (int64_t i = 0; i < 1700; i++) {
		(void)snprintf(update, sizeof update, "update-%d", (int)i);
		add(batch, 1000 + i, NOW_MS - 200 * DAY_MS + i * 1000, update);
	}
	must(store_put(store, &batch, INT64_MAX, &err), &err);
	must(store_flush(store, INT64_MAX, &err), &err);
	store_close(store);
	fact_batch_free(batch);
	assert_int_equal(count("flow_run"), 1700);
	retain(0);
	assert_int_equal(count("event"), 0);
	assert_int_equal(count("flow_run"), 0);
	assert_int_equal(count("run"), 0);
}

static void tell(int64_t now_ms, const char *path, int64_t version, int64_t until_ms)
{
	struct clock clock = clock_fixed(now_ms);
	struct store_options options = { .path = place_store, .clock = &clock };
	struct fact_batch *batch = fact_batch_new();
	struct store *store = NULL;
	struct err err = ERR_INIT;
	struct fact *fact;

	must(store_open(&options, &store, &err), &err);
	batch->source = TEXT("delta a");
	fact = fact_batch_fact(batch, FACT_VERSION, now_ms);
	fact->u.version = (struct fact_version){ .path = text_of(path), .version = version,
		.timestamp_ms = now_ms, .is_blind_append = -1 };
	fact = fact_batch_fact(batch, FACT_TABLE, now_ms);
	fact_table_unknown(&fact->u.table);
	fact->u.table.path = text_of(path);
	fact->u.table.version = version;
	for (int64_t v = 0; v <= version; v++) {
		fact = fact_batch_fact(batch, FACT_STANDING, now_ms);
		fact->u.standing = (struct fact_standing){ .path = text_of(path), .version = v,
			.standing = v == version ? STANDING_CURRENT : STANDING_RESTORABLE,
			.until_ms = until_ms };
	}
	must(store_put(store, &batch, INT64_MAX, &err), &err);
	must(store_flush(store, INT64_MAX, &err), &err);
	store_close(store);
	fact_batch_free(batch);
}

/* With its versions goes what was told of a table, but for what still holds. */
static void tables_keep_what_still_holds(void **state)
{
	struct clock clock = clock_fixed(NOW_MS);
	struct store_options options = { .clock = &clock };
	struct store *store = NULL;
	struct err err = ERR_INIT;

	(void)state;
	place_next();
	for (int64_t v = 0; v < 3; v++) { /* nobody writes it any more */
		tell(NOW_MS - (100 - v) * DAY_MS, "/quiet", v, NOW_MS + v);
		tell(NOW_MS - (100 - v) * DAY_MS, "/live", v, NOW_MS + v);
	}
	tell(NOW_MS - DAY_MS, "/live", 3, NOW_MS + 9);
	options.path = place_store;
	for (size_t kind = 0; kind < FACT_KIND_COUNT; kind++)
		options.keep_days[kind] = -1;
	options.keep_days[FACT_VERSION] = 30;
	options.keep_days[FACT_TABLE] = 30;
	options.keep_days[FACT_STANDING] = 30;
	must(store_open(&options, &store, &err), &err);
	must(store_retain(store, &err), &err);
	store_close(store);
	assert_int_equal(count("version JOIN tbl ON id = tbl WHERE path = '/quiet'"), 1);
	assert_int_equal(place_ask("SELECT version FROM version JOIN tbl ON id = tbl"
				   " WHERE path = '/quiet'"), 2);
	assert_int_equal(count("table_state s JOIN tbl ON id = tbl WHERE path = '/quiet'"), 1);
	assert_int_equal(place_ask("SELECT s.version FROM table_state s JOIN tbl ON id = tbl"
				   " WHERE path = '/quiet'"), 2);
	assert_int_equal(count("standing JOIN tbl ON id = tbl WHERE path = '/quiet'"), 1);
	/* of the other one also what held when the days began */
	assert_int_equal(count("version JOIN tbl ON id = tbl WHERE path = '/live'"), 1);
	assert_int_equal(count("table_state s JOIN tbl ON id = tbl WHERE path = '/live'"), 2);
	assert_int_equal(count("standing s JOIN tbl ON id = tbl WHERE path = '/live'"
			       " AND s.batch <= 6"), 0);
	assert_int_equal(count("standing s JOIN tbl ON id = tbl WHERE path = '/live'"
			       " AND s.version = 3"), 1);
}

static void say(struct store *store, struct clock *clock, int64_t ms, enum event_type type,
	enum run_state state)
{
	struct fact_batch *batch = fact_batch_new();
	struct fact_event *event = fact_batch_event(batch);
	struct err err = ERR_INIT;

	clock->fixed_ms = ms;
	batch->source = TEXT("eventlog a");
	memcpy(event->id, &ms, sizeof ms);
	event->happened_at_ms = ms;
	event->type = type;
	event->state = state;
	event->pipeline_id = fact_batch_intern(batch, TEXT("pipe"));
	event->update_id = fact_batch_intern(batch, TEXT("since-spring"));
	if (type == EVENT_CREATE_UPDATE)
		event->cause = fact_batch_intern(batch, TEXT("USER_ACTION"));
	if (type == EVENT_FLOW_PROGRESS)
		event->flow = fact_batch_intern(batch, TEXT("flow"));
	must(store_put(store, &batch, INT64_MAX, &err), &err);
	must(store_flush(store, INT64_MAX, &err), &err);
	fact_batch_free(batch);
}

/* A continuous update outlives its first events: as of any time it is known what it is. */
static void an_update_that_goes_on_is_known_as_of_a_time(void **state)
{
	struct clock clock = clock_fixed(0);
	struct store_options options = { .clock = &clock };
	struct arena arena = { 0 };
	struct reader *reader = NULL;
	struct store *store = NULL;
	struct update_rows rows;
	struct err err = ERR_INIT;

	(void)state;
	place_next();
	options.path = place_store;
	must(store_open(&options, &store, &err), &err);
	say(store, &clock, NOW_MS - 100 * DAY_MS, EVENT_CREATE_UPDATE, RUN_UNKNOWN);
	say(store, &clock, NOW_MS - 100 * DAY_MS + 1, EVENT_UPDATE_PROGRESS, RUN_RUNNING);
	for (int64_t day = 99; day >= 0; day--)
		say(store, &clock, NOW_MS - day * DAY_MS, EVENT_FLOW_PROGRESS, RUN_RUNNING);
	must(store_retain(store, &err), &err);
	assert_int_equal(count("event"), 2 + 91);
	must(reader_open(place_store, &reader, &err), &err);
	must(reader_begin(reader, NOW_MS - DAY_MS, 0, &err), &err);
	must(updates_list(reader, &arena, TEXT_NONE, 1, &rows, &err), &err);
	assert_int_equal(rows.n, 1);
	assert_int_equal(rows.rows[0].state, RUN_RUNNING);
	assert_int_equal(rows.rows[0].created_at_ms, NOW_MS - 100 * DAY_MS);
	assert_true(text_is(rows.rows[0].cause, "USER_ACTION"));
	reader_close(reader);
	say(store, &clock, NOW_MS + 1, EVENT_UPDATE_PROGRESS, RUN_COMPLETED);
	clock.fixed_ms = NOW_MS + 100 * DAY_MS;
	must(store_retain(store, &err), &err); /* it is over: the rest goes with it */
	assert_int_equal(count("event"), 0);
	assert_int_equal(count("run"), 0);
	store_close(store);
	arena_free(&arena);
}

/* Since when a source has been well or ill stays known for longer than each report of it. */
static void the_begin_of_a_state_outlives_its_days(void **state)
{
	struct clock clock = clock_fixed(0);
	struct store_options options = { .clock = &clock };
	struct fact_batch *batch = fact_batch_new();
	struct arena arena = { 0 };
	struct reader *reader = NULL;
	struct store *store = NULL;
	struct source_rows rows;
	struct err err = ERR_INIT;

	(void)state;
	place_next();
	options.path = place_store;
	must(store_open(&options, &store, &err), &err);
	for (int64_t day = 100; day >= 0; day--) {
		clock.fixed_ms = NOW_MS - day * DAY_MS;
		batch->source = TEXT("eventlog a");
		fact_batch_fact(batch, FACT_HEALTH, NOW_MS - day * DAY_MS)->u.health.state =
			day > 60 ? HEALTH_FAILED : HEALTH_OK;
		must(store_put(store, &batch, INT64_MAX, &err), &err);
		must(store_flush(store, INT64_MAX, &err), &err);
	}
	for (int round = 0; round < 2; round++) {
		must(store_retain(store, &err), &err);
		assert_int_equal(count("health"), 1 + 31);
		must(reader_open(place_store, &reader, &err), &err);
		must(reader_begin(reader, READER_NOW, 0, &err), &err);
		must(sources_list(reader, &arena, &rows, &err), &err);
		assert_int_equal(rows.n, 1);
		assert_int_equal(rows.rows[0].state, HEALTH_OK);
		assert_int_equal(rows.rows[0].state_since_ms, NOW_MS - 60 * DAY_MS);
		reader_close(reader);
	}
	store_close(store);
	fact_batch_free(batch);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_past_its_days_goes),
		cmocka_unit_test(an_open_unit_is_shown_before_anything_goes),
		cmocka_unit_test(all_that_is_past_its_days_goes_at_once),
		cmocka_unit_test(tables_keep_what_still_holds),
		cmocka_unit_test(the_begin_of_a_state_outlives_its_days),
		cmocka_unit_test(an_update_that_goes_on_is_known_as_of_a_time),
	};

	return cmocka_run_group_tests(tests, place_make, place_remove);
}
