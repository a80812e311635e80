/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The derived tables must say what the facts say, in whatever order, how often and in what pieces
 * those came: random events, shuffled, repeated, late, over restarts and kills.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/store.h"
#include "tests/lib/derived.h"
#include "tests/lib/place.h"

enum { EVENTS = 240, SEEDS = 8, HOUR_MS = 3600000 };


static uint64_t random_state;

static uint64_t random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static int64_t below(int64_t n)
{
	return (int64_t)(random_next() % (uint64_t)n);
}

static int64_t maybe(int64_t n)
{
	return below(3) ? below(n) : FACT_UNKNOWN;
}

static fact_string name(struct fact_batch *batch, const char *what, int64_t n)
{
	char text[32];

	(void)snprintf(text, sizeof text, "%s%lld", what, (long long)n);
	return fact_batch_intern(batch, text_of(text));
}

static void fill_flow(struct fact_batch *batch, struct fact_event *event)
{
	event->batch_id = maybe(8);
	event->output_rows = maybe(1000);
	event->upserted_rows = below(5) ? FACT_UNKNOWN : below(50);
	event->dropped_records = maybe(20);
	event->backlog_bytes = maybe(100);
	if (below(3))
		event->dataset = name(batch, "dataset", below(3));
	if (below(2)) {
		event->has_quality = true;
		event->nrules = (size_t)below(4);
		event->rules = ARENA_ARRAY(&batch->arena, struct fact_rule, 4);
		for (size_t i = 0; i < event->nrules; i++)
			event->rules[i] = (struct fact_rule){
				.name = name(batch, "rule", below(5)),
				.dataset = below(3) ? name(batch, "dataset", below(3)) : 0,
				.action = (enum rule_action)below(4),
				.passed = maybe(500),
				.failed = maybe(50),
			};
	}
}

/* Event n of a seed, the same whenever it is asked for. */
static void add_event(struct fact_batch *batch, uint64_t seed, int64_t n)
{
	static const enum event_type types[] = { EVENT_CREATE_UPDATE, EVENT_UPDATE_PROGRESS,
		EVENT_FLOW_PROGRESS, EVENT_FLOW_PROGRESS, EVENT_FLOW_PROGRESS, EVENT_FLOW_PROGRESS,
		EVENT_FLOW_DEFINITION, EVENT_AUTOSCALE };
	struct fact_event *event = fact_batch_event(batch);

	random_state = seed * 1000003 + (uint64_t)n * 7919 + 1;
	for (int i = 0; i < 8; i++)
		(void)random_next();
	memcpy(event->id, &n, sizeof n);
	event->happened_at_ms = INT64_C(1700000000000) + below(4 * HOUR_MS) / 1000 * 1000;
	event->sequence = maybe(100);
	event->type = types[below((int64_t)ARRAY_LEN(types))];
	event->level = (enum event_level)below(5);
	event->pipeline_id = name(batch, "pipeline", below(2));
	if (below(20))
		event->update_id = name(batch, "update", below(2));
	event->message = name(batch, "message ", below(50));
	if (event->type != EVENT_UPDATE_PROGRESS && below(10))
		event->flow = name(batch, "flow", below(3));
	if (below(2))
		event->state = (enum run_state)below(RUN_STATE_COUNT);
	if (event->type == EVENT_FLOW_PROGRESS)
		fill_flow(batch, event);
	if (event->type == EVENT_FLOW_DEFINITION) {
		event->output = name(batch, "dataset", below(3));
		event->flow_type = name(batch, "type", below(2));
	}
	if (below(12) == 0) {
		event->has_error = true;
		event->error_class = name(batch, "class", below(3));
		event->error_message = name(batch, "error ", below(100));
	}
}

/* Puts events in the order given, in pieces; now and then waits or starts again. */
static void feed(uint64_t seed, const int64_t *order, size_t n, uint64_t pieces)
{
	struct store *store = place_open();
	struct fact_batch *batch = fact_batch_new();
	struct err err = ERR_INIT;
	uint64_t state = pieces;

	for (size_t i = 0; i < n;) {
		size_t end;

		random_state = state * 2654435761 + 99;
		(void)random_next();
		state = random_next();
		end = i + 1 + (size_t)(state % 40);
		batch->source = TEXT("eventlog random");
		for (; i < n && i < end; i++)
			add_event(batch, seed, order[i]);
		assert_true(store_put(store, &batch, place_deadline(), &err));
		if (state % 5 == 0)
			assert_true(store_flush(store, place_deadline(), &err));
		if (state % 11 == 0) {
			store_close(store);
			store = place_open();
		}
	}
	assert_true(store_flush(store, place_deadline(), &err));
	store_close(store);
	fact_batch_free(batch);
}

static void shuffle(int64_t *order, size_t n, uint64_t seed)
{
	random_state = seed * 77 + 5;
	for (size_t i = n - 1; i > 0; i--) {
		size_t j = (size_t)below((int64_t)i + 1);
		int64_t kept = order[i];

		order[i] = order[j];
		order[j] = kept;
	}
}

static void check(struct buf *dump)
{
	struct buf why;

	buf_init(&why, 1 << 16);
	if (!derived_equal_facts(place_store, &why, dump))
		fail_msg("%s", why.bytes);
	buf_done(&why);
}

static void any_order_gives_the_same(void **state)
{
	int64_t order[EVENTS * 3 / 2];

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct buf first, dump;

		buf_init(&first, 1 << 24);
		buf_init(&dump, 1 << 24);
		for (int pass = 0; pass < 3; pass++) {
			size_t n = pass < 2 ? EVENTS : ARRAY_LEN(order); /* the last repeats some */

			(void)place_clear(state);
			for (size_t i = 0; i < n; i++)
				order[i] = (int64_t)(i % EVENTS);
			if (pass > 0)
				shuffle(order, n, seed * 10 + (uint64_t)pass);
			feed(seed, order, n, seed * 100 + (uint64_t)pass);
			buf_reset(&dump);
			check(pass == 0 ? &first : &dump);
			if (pass > 0)
				assert_string_equal(first.bytes, dump.bytes);
		}
		feed(seed, order, EVENTS, seed); /* again into the same store: nothing changes */
		buf_reset(&dump);
		check(&dump);
		assert_string_equal(first.bytes, dump.bytes);
		buf_done(&first);
		buf_done(&dump);
	}
}

static void kills_leave_it_equal(void **state)
{
	int64_t order[EVENTS];

	(void)state;
	(void)place_clear(state);
	for (size_t i = 0; i < EVENTS; i++)
		order[i] = (int64_t)i;
	for (uint64_t round = 1; round <= 12; round++) {
		pid_t child;
		int status;

		shuffle(order, EVENTS, round);
		child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			feed(3, order, EVENTS, round);
			_exit(0);
		}
		random_state = round * 31 + 7;
		(void)random_next();
		(void)usleep((useconds_t)below(30000));
		(void)kill(child, SIGKILL);
		(void)waitpid(child, &status, 0);
		{
			struct store *store = place_open();

			store_close(store); /* finishes what was cut off */
		}
		check(NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_order_gives_the_same),
		cmocka_unit_test(kills_leave_it_equal),
	};

	return cmocka_run_group_tests(tests, place_make, place_remove);
}
