/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <poll.h>
#include <unistd.h>

#include "base/mem.h"
#include "collectors/checkpoint/checkpoint.h"
#include "collectors/collector.h"
#include "tests/lib/place.h"
#include "tests/lib/tree.h"

/* The source kind on a directory of its own, with a clock of its own. */

static const struct collector_ops *const kinds[] = { &checkpoint_collector, NULL };

struct fixture {
	char dir[64];
	struct config *config;
	void *self;
	struct fact_batch *batch;
	char *cursor;
	struct clock clock;
	enum step said;
	struct err err;
};

static void put(struct fixture *fixture, const char *name, const char *bytes, int64_t ms)
{
	tree_put(fixture->dir, name, bytes, ms);
}

static void start(struct fixture *fixture)
{
	struct err err = ERR_INIT;
	struct buf text;

	buf_init(&text, 4096);
	(void)buf_addf(&text, "[checkpoint t]\nroot = %s/cp\nkafka = prod\n", fixture->dir);
	if (!config_parse_kinds(buf_text(&text), "t.ini", kinds, &fixture->config, &err))
		fail_msg("%s", err.text);
	fixture->self = mem_zero(1, checkpoint_collector.state_size);
	assert_true(checkpoint_collector.start(fixture->self,
		config_section_at(fixture->config, 0), text_of(fixture->cursor), &err));
	buf_done(&text);
}

static void stop(struct fixture *fixture)
{
	checkpoint_collector.stop(fixture->self);
	FREE(&fixture->self);
	config_free(fixture->config);
}

/* A minute passes, then steps until idle: everything is looked at and told. */
static void step(struct fixture *fixture)
{
	struct step_context context = { fixture->batch, &fixture->clock, 0, false, NULL };

	fact_batch_reset(fixture->batch);
	fixture->clock.fixed_ms += 61000;
	fixture->err = (struct err)ERR_INIT;
	do {
		context.deadline_ms = fixture->clock.fixed_ms + 1000;
		fixture->said =
			checkpoint_collector.step(fixture->self, &context, &fixture->err);
		if (fixture->batch->cursor.bytes) {
			free(fixture->cursor);
			fixture->cursor = mem_strdup(fixture->batch->cursor.bytes);
		}
	} while (fixture->said == STEP_MORE);
}

static int set_up(void **state)
{
	struct fixture *fixture = NEW(struct fixture);

	(void)snprintf(fixture->dir, sizeof fixture->dir, "/tmp/weir-checkpoint.XXXXXX");
	assert_non_null(mkdtemp(fixture->dir));
	tree_run(fixture->dir, "mkdir cp");
	fixture->batch = fact_batch_new();
	fixture->clock.wall_ms = clock_fixed(0).wall_ms;
	fixture->clock.mono_ms = clock_fixed(0).mono_ms;
	fixture->clock.fixed_ms = clock_system()->wall_ms(clock_system());
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	tree_run(fixture->dir, "rm -rf \"$PWD\"");
	fact_batch_free(fixture->batch);
	free(fixture->cursor);
	free(fixture);
	return 0;
}

/* One line a position: what is in its facts. */
static void expect(struct fixture *fixture, const char *lines)
{
	struct buf said;

	buf_init(&said, 1 << 20);
	if (fixture->said == STEP_FAILED)
		(void)buf_addf(&said, "failed: %s\n", fixture->err.text);
	for (size_t i = 0; i < fixture->batch->nfacts; i++) {
		const struct fact *fact = &fixture->batch->facts[i];
		const struct fact_position *position = &fact->u.position;

		if (fact->kind == FACT_UNDECODABLE) {
			(void)buf_addf(&said, "undecodable: %.*s\n",
				TEXT_ARG(fact->u.undecodable.reason));
			continue;
		}
		assert_int_equal(fact->kind, FACT_POSITION);
		assert_int_equal(position->kind, READER_CHECKPOINT);
		(void)buf_addf(&said, "%.*s %.*s/%.*s%s", TEXT_ARG(position->reader),
			TEXT_ARG(position->cluster), TEXT_ARG(position->topic),
			position->gone ? " gone" : "");
		if (position->query_id.bytes)
			(void)buf_addf(&said, " query %.*s", TEXT_ARG(position->query_id));
		if (position->batch_started_ms != FACT_UNKNOWN)
			(void)buf_addf(&said, " since %lld",
				(long long)position->batch_started_ms);
		for (size_t k = 0; k < position->nplaces; k++) {
			const struct fact_place *place = &position->places[k];

			(void)buf_addf(&said, " %d:", place->partition);
			if (place->processed == FACT_UNKNOWN)
				(void)buf_add_char(&said, '-');
			else
				(void)buf_addf(&said, "%lld", (long long)place->processed);
			if (place->started != FACT_UNKNOWN)
				(void)buf_addf(&said, ">%lld", (long long)place->started);
		}
		(void)buf_add_char(&said, '\n');
	}
	assert_string_equal(said.bytes, lines);
	buf_done(&said);
}

#define BATCH(at, places) "v1\n{\"batchTimestampMs\":" #at "}\n{\"t\":{" places "}}"

static void test_life(void **state)
{
	struct fixture *fixture = *state;
	int64_t now = fixture->clock.fixed_ms;

	start(fixture);
	step(fixture);
	expect(fixture, "");
	/* Nothing committed yet: it is where the source began. */
	put(fixture, "cp/q/metadata", "{\"id\":\"q-1\"}", now);
	put(fixture, "cp/q/sources/0/0", "", now);
	tree_run(fixture->dir, "printf '\\0v1\\n{\"t\":{\"0\":5}}' >cp/q/sources/0/0");
	put(fixture, "cp/q/offsets/0", BATCH(100, "\"0\":7"), now);
	step(fixture);
	expect(fixture, "q prod/t query q-1 since 100 0:5>7\n");
	put(fixture, "cp/q/commits/0", "v1\n{}", now);
	step(fixture);
	expect(fixture, "q prod/t query q-1 0:7\n");
	/* Told again although nothing changed: that it was looked at is news. */
	step(fixture);
	expect(fixture, "q prod/t query q-1 0:7\n");
	/* Ids need not be contiguous; files of other names are none; a new partition comes. */
	put(fixture, "cp/q/offsets/7", BATCH(200, "\"0\":9,\"1\":2"), now);
	put(fixture, "cp/q/offsets/.9.tmp", BATCH(300, "\"0\":99"), now);
	put(fixture, "cp/q/offsets/9.compact", BATCH(300, "\"0\":99"), now);
	put(fixture, "cp/q/offsets/.7.crc", "crc", now);
	step(fixture);
	expect(fixture, "q prod/t query q-1 since 200 0:7>9 1:->2\n");
	put(fixture, "cp/q/commits/7", "v1\n{\"nextBatchWatermarkMs\":0}", now);
	step(fixture);
	expect(fixture, "q prod/t query q-1 0:9 1:2\n");
	assert_int_equal(
		fixture->batch->facts[0].u.position.places[0].committed_at_ms, now);
	/* The topic it read before is not read any more. */
	put(fixture, "cp/q/offsets/8", "v1\n{}\n{\"u\":{\"0\":1}}", now);
	put(fixture, "cp/q/commits/8", "v1\n{}", now);
	step(fixture);
	expect(fixture, "q prod/u query q-1 0:1\nq prod/t gone query q-1\n");
	tree_run(fixture->dir, "rm -r cp/q");
	step(fixture);
	expect(fixture, "q prod/u gone query q-1\n");
	step(fixture);
	expect(fixture, "");
	/* Another query takes its place. */
	put(fixture, "cp/q/metadata", "{\"id\":\"q-2\"}", now);
	put(fixture, "cp/q/offsets/0", BATCH(100, "\"0\":1"), now);
	put(fixture, "cp/q/commits/0", "v1\n{}", now);
	step(fixture);
	expect(fixture, "q prod/t query q-2 0:1\n");
	stop(fixture);
}

static void test_being_written(void **state)
{
	struct fixture *fixture = *state;
	int64_t now = fixture->clock.fixed_ms;

	put(fixture, "cp/a/b/offsets/3", BATCH(100, "\"0\":7"), now);
	put(fixture, "cp/a/b/commits/3", "v1\n{}", now);
	start(fixture);
	step(fixture);
	expect(fixture, "a/b prod/t 0:7\n");
	/* Empty, then cut, then whole: only the last counts. */
	put(fixture, "cp/a/b/offsets/4", "", now + 61000 * 2);
	step(fixture);
	expect(fixture, "a/b prod/t 0:7\n");
	put(fixture, "cp/a/b/offsets/4", "v1\n{}\n{\"t\":{\"0\":", now + 61000 * 3);
	step(fixture);
	expect(fixture, "a/b prod/t 0:7\n");
	put(fixture, "cp/a/b/offsets/4", BATCH(400, "\"0\":8"), now + 61000 * 4);
	step(fixture);
	expect(fixture, "a/b prod/t since 400 0:7>8\n");
	/* A commit without a byte is one being written. */
	put(fixture, "cp/a/b/commits/4", "", now + 61000 * 5);
	step(fixture);
	expect(fixture, "a/b prod/t since 400 0:7>8\n");
	put(fixture, "cp/a/b/commits/4", "v1\n{}", now + 61000 * 6);
	step(fixture);
	expect(fixture, "a/b prod/t 0:8\n");
	/* Cut for long: nobody writes it any more, and it is kept once. */
	put(fixture, "cp/a/b/offsets/5", "v1\n{}\n{\"t\"", now);
	step(fixture);
	expect(fixture, "a/b prod/t 0:8\nundecodable: a source's offset is no JSON\n");
	assert_true(text_starts(
		fixture->batch->facts[1].u.undecodable.bytes, TEXT("v1\n{}\n{\"t\"")));
	step(fixture);
	expect(fixture, "a/b prod/t 0:8\n");
	stop(fixture);
}

/* A commit whose offsets were cleaned away: the newest whose offsets are there counts. */
static void test_cleaned(void **state)
{
	struct fixture *fixture = *state;
	int64_t now = fixture->clock.fixed_ms;

	put(fixture, "cp/q/offsets/3", BATCH(100, "\"0\":7"), now);
	put(fixture, "cp/q/commits/3", "v1\n{}", now);
	put(fixture, "cp/q/commits/4", "v1\n{}", now);
	start(fixture);
	step(fixture);
	expect(fixture, "q prod/t 0:7\n");
	tree_run(fixture->dir, "rm cp/q/offsets/3");
	step(fixture);
	assert_int_equal(fixture->batch->nfacts, 1); /* said, and nothing invented */
	assert_int_equal(fixture->batch->facts[0].kind, FACT_UNDECODABLE);
	stop(fixture);
}

/* Only new batch files are read, however often it is looked at. */
static void test_cheap(void **state)
{
	struct fixture *fixture = *state;
	int64_t now = fixture->clock.fixed_ms;
	struct checkpoint checkpoint;
	struct err err = ERR_INIT;
	char path[200];

	for (int i = 0; i < 100; i++) {
		char name[64];

		(void)snprintf(name, sizeof name, "cp/q/offsets/%d", i);
		put(fixture, name, BATCH(100, "\"0\":7"), now);
		(void)snprintf(name, sizeof name, "cp/q/commits/%d", i);
		put(fixture, name, "v1\n{}", now);
	}
	(void)snprintf(path, sizeof path, "%s/cp/q", fixture->dir);
	checkpoint_init(&checkpoint, path, "q");
	assert_true(checkpoint_look(&checkpoint, now, &err));
	assert_int_equal(checkpoint.files_read, 1);
	for (int i = 0; i < 10; i++)
		assert_true(checkpoint_look(&checkpoint, now + 60000 * i, &err));
	assert_int_equal(checkpoint.files_read, 1);
	put(fixture, "cp/q/offsets/100", BATCH(100, "\"0\":8"), now);
	assert_true(checkpoint_look(&checkpoint, now + 600000, &err));
	assert_int_equal(checkpoint.files_read, 2);
	put(fixture, "cp/q/commits/100", "v1\n{}", now);
	assert_true(checkpoint_look(&checkpoint, now + 700000, &err));
	assert_int_equal(checkpoint.files_read, 2); /* what was begun is done now */
	assert_int_equal(checkpoint.done.batch.sources[0].places[0].next, 8);
	checkpoint_done(&checkpoint);
}

/* What went while nobody looked is told gone after a restart; a root that cannot be read is not. */
static void test_restart(void **state)
{
	struct fixture *fixture = *state;
	int64_t now = fixture->clock.fixed_ms;

	put(fixture, "cp/p/offsets/3", BATCH(100, "\"0\":7"), now);
	put(fixture, "cp/p/commits/3", "v1\n{}", now);
	put(fixture, "cp/q/offsets/3", BATCH(100, "\"0\":7"), now);
	put(fixture, "cp/q/commits/3", "v1\n{}", now);
	start(fixture);
	step(fixture);
	assert_int_equal(fixture->batch->nfacts, 2);
	stop(fixture);
	tree_run(fixture->dir, "mv cp away");
	start(fixture);
	step(fixture);
	assert_int_equal(fixture->said, STEP_FAILED);
	assert_int_equal(fixture->batch->nfacts, 0);
	stop(fixture);
	tree_run(fixture->dir, "mv away cp && rm -r cp/p");
	start(fixture);
	step(fixture);
	assert_int_equal(fixture->batch->nfacts, 2); /* in the order the directory gave them */
	for (size_t i = 0; i < 2; i++) {
		const struct fact_position *position = &fixture->batch->facts[i].u.position;

		assert_int_equal(position->gone, text_is(position->reader, "p"));
	}
	stop(fixture);
}

/* New files wake it, new checkpoints too. */
static void test_wakes(void **state)
{
	struct fixture *fixture = *state;
	int64_t now = fixture->clock.fixed_ms;
	struct pollfd ready = { .events = POLLIN };

	start(fixture);
	step(fixture);
	ready.fd = checkpoint_collector.wake_fd(fixture->self);
	assert_int_equal(poll(&ready, 1, 0), 0);
	put(fixture, "cp/q/offsets/3", BATCH(100, "\"0\":7"), now);
	put(fixture, "cp/q/commits/3", "v1\n{}", now);
	assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
	step(fixture);
	expect(fixture, "q prod/t 0:7\n");
	while (poll(&ready, 1, 0) == 1)
		step(fixture);
	put(fixture, "cp/q/offsets/4", BATCH(100, "\"0\":8"), now);
	assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
	stop(fixture);
}

struct doctored {
	char lines[2048];
	bool good;
};

static void say(void *context, bool good, const char *line)
{
	struct doctored *doctored = context;

	doctored->good = doctored->good && good;
	(void)snprintf(doctored->lines + strlen(doctored->lines),
		sizeof doctored->lines - strlen(doctored->lines), "%s\n", line);
}

static void test_doctor(void **state)
{
	struct fixture *fixture = *state;
	int64_t now = fixture->clock.fixed_ms;
	struct doctored doctored = { .good = true };

	put(fixture, "cp/q/offsets/3", "v1\n{}\n{\"t\":{\"0\":1}}\n{\"seqNum\":4}", now);
	put(fixture, "cp/q/commits/3", "v1\n{}", now);
	start(fixture);
	checkpoint_collector.doctor(config_section_at(fixture->config, 0), say, &doctored);
	assert_true(doctored.good);
	assert_non_null(strstr(doctored.lines, "1 checkpoint below "));
	assert_non_null(strstr(doctored.lines, "1 Kafka, 0 Delta, 1 files, 0 of other kinds"));
	put(fixture, "cp/r/offsets/3", "v9\n{}\n{}", now);
	put(fixture, "cp/r/commits/3", "v1\n{}", now);
	doctored = (struct doctored){ .good = true };
	checkpoint_collector.doctor(config_section_at(fixture->config, 0), say, &doctored);
	assert_false(doctored.good);
	tree_run(fixture->dir, "rm -r cp");
	doctored = (struct doctored){ .good = true };
	checkpoint_collector.doctor(config_section_at(fixture->config, 0), say, &doctored);
	assert_false(doctored.good);
	stop(fixture);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_life),
		CASE(test_being_written),
		CASE(test_cleaned),
		CASE(test_cheap),
		CASE(test_restart),
		CASE(test_wakes),
		CASE(test_doctor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
