/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/internal.h"
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
	add(batch, id + 1, now_ms, "new");
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
	assert_int_equal(count("health"), 1); /* 30 days */
	assert_int_equal(count("version"), 2); /* forever */
	retain(0);
	assert_int_equal(count("event"), 2);
	assert_int_equal(count("batch"), units + 2); /* nothing went */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_past_its_days_goes),
	};

	return cmocka_run_group_tests(tests, place_make, place_remove);
}
