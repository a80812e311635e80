/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every query told live after each batch is told again, byte for byte, as of that batch's time
 * when all batches are in: with events dealt to the batches at random, so that they come late, out
 * of order and torn from their update.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/store.h"
#include "tests/lib/rows.h"
#include "tests/lib/sample.h"

enum { BATCHES = 9, DUMP_MAX = 64 << 20 };
#define FIRST_MS (SAMPLE_NOW_MS - INT64_C(4000000))
#define STEP_MS  INT64_C(500000)

static char path[64];

static uint64_t next_random(uint64_t *seed)
{
	*seed += UINT64_C(0x9e3779b97f4a7c15);
	uint64_t z = *seed;
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static fact_string move(struct fact_batch *to, const struct fact_batch *from, fact_string string)
{
	return fact_batch_intern(to, fact_batch_string(from, string));
}

static void copy_event(
	struct fact_batch *to, const struct fact_batch *from, const struct fact_event *event)
{
	struct fact_event *copy = fact_batch_event(to);
	fact_string *strings[] = { &copy->id_text, &copy->type_text, &copy->maturity,
		&copy->pipeline_id, &copy->pipeline_name, &copy->update_id, &copy->flow, &copy->dataset,
		&copy->message, &copy->state_text, &copy->cause, &copy->run_as, &copy->user,
		&copy->flow_attempt, &copy->output, &copy->flow_type, &copy->error_class,
		&copy->error_message };

	*copy = *event;
	copy->raw = arena_text(&to->arena, event->raw);
	for (size_t i = 0; i < ARRAY_LEN(strings); i++)
		*strings[i] = move(to, from, *strings[i]);
	copy->rules = ARENA_ARRAY(&to->arena, struct fact_rule, event->nrules + 1);
	for (size_t i = 0; i < event->nrules; i++) {
		copy->rules[i] = event->rules[i];
		copy->rules[i].name = move(to, from, event->rules[i].name);
		copy->rules[i].dataset = move(to, from, event->rules[i].dataset);
	}
	copy->inputs = ARENA_ARRAY(&to->arena, fact_string, event->ninputs + 1);
	for (size_t i = 0; i < event->ninputs; i++)
		copy->inputs[i] = move(to, from, event->inputs[i]);
}

static void copy_fact(struct fact_batch *to, const struct fact *fact)
{
	struct fact *copy = fact_batch_fact(to, fact->kind, fact->happened_at_ms);

	*copy = *fact; /* its texts lie in the sample's batches, which outlive the store */
}

/* Deals the facts of every part: mostly by time, sometimes anywhere. */
static void deal(struct fact_batch **parts, struct fact_batch **batches, uint64_t seed)
{
	for (size_t p = 0; p < SAMPLE_PART_COUNT; p++) {
		const struct fact_batch *part = parts[p];

		for (size_t i = 0; i < part->nevents; i++) {
			uint64_t random = next_random(&seed);
			size_t at = random % 4 ? i * BATCHES / part->nevents : random / 4 % BATCHES;

			copy_event(batches[at], part, &part->events[i]);
			if (random % 11 == 0) /* told twice */
				copy_event(batches[random / 11 % BATCHES], part, &part->events[i]);
		}
		for (size_t i = 0; i < part->nfacts; i++)
			copy_fact(batches[next_random(&seed) % BATCHES], &part->facts[i]);
	}
}

static void dump(int64_t as_of_ms, struct buf *out)
{
	struct reader *reader = NULL;
	struct err err = ERR_INIT;

	buf_reset(out);
	if (!reader_open(path, &reader, &err) || !rows_dump(reader, as_of_ms, out, &err))
		fail_msg("%s", err.text);
	reader_close(reader);
	assert_false(out->full);
}

static void remove_store(void)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-lock" };
	char name[96];

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		(void)snprintf(name, sizeof name, "%s%s", path, ends[i]);
		(void)unlink(name);
	}
}

static void differs(const struct buf *live, const struct buf *later, int batch, uint64_t seed)
{
	struct text a = buf_text(live), b = buf_text(later), line_a, line_b;
	int line = 0;

	while (text_split(&a, '\n', &line_a) && text_split(&b, '\n', &line_b)) {
		line++;
		if (text_eq(line_a, line_b))
			continue;
		fail_msg("seed %llu, batch %d, line %d:\nlive  %.*s\nas of %.*s",
			(unsigned long long)seed, batch, line, TEXT_ARG(line_a), TEXT_ARG(line_b));
	}
	fail_msg("seed %llu, batch %d: one has more lines", (unsigned long long)seed, batch);
}

static void one_seed(struct fact_batch **parts, uint64_t seed)
{
	struct clock clock = clock_fixed(FIRST_MS);
	struct store_options options = { .path = path, .clock = &clock };
	struct fact_batch *batches[BATCHES];
	struct buf live[BATCHES], later;
	struct store *store = NULL;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < BATCHES; i++) {
		batches[i] = fact_batch_new();
		batches[i]->source = arena_text(
			&batches[i]->arena, i % 2 ? TEXT("eventlog odd") : TEXT("eventlog even"));
		buf_init(&live[i], DUMP_MAX);
	}
	buf_init(&later, DUMP_MAX);
	deal(parts, batches, seed);
	remove_store();
	if (!store_open(&options, &store, &err))
		fail_msg("%s", err.text);
	for (int i = 0; i < BATCHES; i++) {
		clock.fixed_ms = FIRST_MS + i * STEP_MS;
		if (!store_put(store, &batches[i], INT64_MAX, &err) ||
			!store_flush(store, INT64_MAX, &err))
			fail_msg("%s", err.text);
		dump(READER_NOW, &live[i]);
	}
	for (int i = 0; i < BATCHES; i++) {
		dump(FIRST_MS + i * STEP_MS, &later);
		if (!text_eq(buf_text(&live[i]), buf_text(&later)))
			differs(&live[i], &later, i, seed);
		dump(FIRST_MS + i * STEP_MS + STEP_MS - 1, &later);
		if (!text_eq(buf_text(&live[i]), buf_text(&later)))
			differs(&live[i], &later, i, seed);
	}
	store_close(store);
	for (size_t i = 0; i < BATCHES; i++) {
		fact_batch_free(batches[i]);
		buf_done(&live[i]);
	}
	buf_done(&later);
	remove_store();
}

static void as_of_equals_live(void **state)
{
	const char *seeds = getenv("WEIR_ASOF_SEEDS");
	uint64_t n = seeds ? strtoull(seeds, NULL, 10) : 3;
	struct fact_batch *parts[SAMPLE_PART_COUNT];

	(void)state;
	(void)snprintf(path, sizeof path, "/tmp/weir-asof-%d.db", (int)getpid());
	for (int p = 0; p < SAMPLE_PART_COUNT; p++) {
		parts[p] = fact_batch_new();
		sample_fill(parts[p], (enum sample_part)p);
	}
	for (uint64_t seed = 1; seed <= n; seed++)
		one_seed(parts, seed);
	for (int p = 0; p < SAMPLE_PART_COUNT; p++)
		fact_batch_free(parts[p]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(as_of_equals_live) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
