/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/collector_worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "store/reader.h"

/* A source that fails as often as told, then says one version a step, and counts in its cursor. */
struct plan {
	int starts_that_fail, steps_that_fail, versions;
	int starts, steps, stops;
	char cursor_at_start[32];
};
static struct plan plan;

static bool start(void *self, const struct config_section *config, struct text cursor,
	struct err *err)
{
	(void)self;
	(void)config;
	plan.starts++;
	(void)snprintf(plan.cursor_at_start, sizeof plan.cursor_at_start, "%.*s", TEXT_ARG(cursor));
	if (plan.starts <= plan.starts_that_fail)
		return err_set(err, ERR_AUTH, 0, "knock: not \x1b[31mlet in");
	return true;
}

static enum step step(void *self, struct step_context *context, struct err *err)
{
	struct fact *fact;

	(void)self;
	assert_int_equal(context->batch->nevents, 0);
	plan.steps++;
	if (plan.steps <= plan.steps_that_fail) {
		(void)err_set(err, ERR_NET, 0, "no answer");
		return STEP_FAILED;
	}
	if (plan.versions-- <= 0)
		return STEP_IDLE;
	fact = fact_batch_fact(context->batch, FACT_VERSION, 1000 + plan.versions);
	fact->u.version = (struct fact_version){
		.table = TEXT("t"),
		.path = TEXT("/t"),
		.version = plan.versions,
		.timestamp_ms = 1000 + plan.versions,
		.commit_info_ms = FACT_UNKNOWN,
		.read_version = FACT_UNKNOWN,
		.is_blind_append = -1,
	};
	context->batch->cursor =
		text_of(arena_printf(&context->batch->arena, "left %d", plan.versions));
	return STEP_MORE;
}

static int64_t poll_ms(void *self)
{
	(void)self;
	return 1000;
}

static void stop(void *self)
{
	(void)self;
	plan.stops++;
}

static const struct config_key keys[] = {
	{ .name = "silent_after", .type = CONFIG_DURATION, .fallback = "10m", .help = "." },
	{ .name = NULL },
};
static const struct collector_ops fake = {
	.kind = "fake",
	.keys = keys,
	.state_size = 8,
	.start = start,
	.step = step,
	.poll_ms = poll_ms,
	.stop = stop,
};
static const struct collector_ops *const kinds[] = { &fake, NULL };

struct bench {
	char path[64];
	struct clock clock;
	struct config *config;
	struct worker_shared shared;
	struct worker worker;
};

static struct bench *bench_new(void)
{
	struct bench *bench = NEW(struct bench);
	struct err err = ERR_INIT;
	struct store_options options = { .path = bench->path, .clock = clock_system() };
	char directory[] = "/tmp/weir-worker.XXXXXX";

	plan = (struct plan){ 0 };
	assert_non_null(mkdtemp(directory));
	(void)snprintf(bench->path, sizeof bench->path, "%s/w.db", directory);
	if (!store_open(&options, &bench->shared.store, &err))
		fail_msg("%s", err.text);
	assert_true(config_parse_kinds(TEXT("[fake one]\n"), "w.ini", kinds, &bench->config, &err));
	bench->clock = clock_fixed(1800000000000);
	bench->shared.clock = clock_system();
	bench->shared.stop_fd = eventfd(0, EFD_CLOEXEC);
	bench->shared.once = true;
	bench->worker = (struct worker){
		.shared = &bench->shared,
		.ops = &fake,
		.config = config_section_at(bench->config, 0),
		.name = mem_strdup("fake one"),
		.news_at_ms = TIME_UNKNOWN,
	};
	buf_init(&bench->worker.text, 1024);
	buf_init(&bench->worker.detail, 1024);
	return bench;
}

static void bench_free(struct bench *bench)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-lock" };
	char *slash;

	store_close(bench->shared.store);
	config_free(bench->config);
	(void)close(bench->shared.stop_fd);
	free(bench->worker.name);
	buf_done(&bench->worker.text);
	buf_done(&bench->worker.detail);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		char path[96];

		(void)snprintf(path, sizeof path, "%s%s", bench->path, ends[i]);
		(void)unlink(path);
	}
	slash = strrchr(bench->path, '/');
	*slash = '\0';
	(void)rmdir(bench->path);
	free(bench);
}

static void run(struct bench *bench)
{
	struct err err = ERR_INIT;
	int64_t now = bench->shared.clock->mono_ms(bench->shared.clock);

	bench->worker.failures = 0;
	(void)worker_run(&bench->worker);
	assert_true(store_flush(bench->shared.store, now + 60000, &err));
}

static void failures_are_tried_again(void **state)
{
	struct bench *bench = bench_new();

	(void)state;
	plan.starts_that_fail = 1;
	plan.steps_that_fail = 1;
	plan.versions = 3;
	run(bench);
	assert_int_equal(plan.starts, 2);
	assert_int_equal(plan.steps, 5);
	assert_int_equal(plan.stops, 1);
	assert_int_equal(bench->worker.failures, 0);
	assert_int_equal(bench->worker.facts_read, 3);
	bench_free(bench);
}

static void the_cursor_comes_back(void **state)
{
	struct bench *bench = bench_new();

	(void)state;
	plan.versions = 2;
	run(bench);
	assert_string_equal(plan.cursor_at_start, "");
	plan.versions = 0;
	run(bench);
	assert_string_equal(plan.cursor_at_start, "left 0");
	bench_free(bench);
}

static void a_source_that_stays_broken_says_so(void **state)
{
	struct bench *bench = bench_new();
	struct reader *reader = NULL;
	struct source_rows rows = { 0 };
	struct arena arena = { 0 };
	struct err err = ERR_INIT;

	(void)state;
	plan.starts_that_fail = 100;
	run(bench);
	assert_int_equal(bench->worker.failures, 3);
	assert_int_equal(bench->worker.err.kind, ERR_AUTH);
	assert_true(reader_open(bench->path, &reader, &err));
	assert_true(reader_begin(reader, READER_NOW, 0, &err));
	assert_true(sources_list(reader, &arena, &rows, &err));
	assert_int_equal(rows.n, 1);
	assert_int_equal(rows.rows[0].state, HEALTH_FAILED);
	assert_true(text_starts(rows.rows[0].text, TEXT("knock: not \xe2\x90\x9b[31mlet in; ")));
	reader_end(reader);
	reader_close(reader);
	arena_free(&arena);
	bench_free(bench);
}

static void silence_is_told(void **state)
{
	struct bench *bench = bench_new();
	struct worker *worker = &bench->worker;

	(void)state;
	bench->shared.clock = &bench->clock;
	worker->caught_up = true;
	worker->news_at_ms = bench->clock.fixed_ms;
	worker_judge(worker, NULL);
	assert_int_equal(worker->state, HEALTH_OK);
	bench->clock.fixed_ms += 600001;
	worker_judge(worker, NULL);
	assert_int_equal(worker->state, HEALTH_SILENT);
	assert_string_equal(worker->text.bytes,
		"no news since 2027-01-15T08:00:00.000Z; is its writer running?");
	worker->news_at_ms = bench->clock.fixed_ms;
	worker_judge(worker, NULL);
	assert_int_equal(worker->state, HEALTH_OK);
	bench_free(bench);
}

static void health_is_told_on_change_and_each_minute(void **state)
{
	struct bench *bench = bench_new();
	struct worker *worker = &bench->worker;

	(void)state;
	bench->shared.clock = &bench->clock;
	worker->batch = fact_batch_new();
	worker_judge(worker, NULL);
	worker_tell_health(worker, false);
	worker_tell_health(worker, false);
	assert_int_equal(worker->batch->nfacts, 1);
	bench->clock.fixed_ms += 60000;
	worker_tell_health(worker, false);
	assert_int_equal(worker->batch->nfacts, 2);
	worker_judge(worker, &(struct err){ ERR_NET, 0, "gone" });
	worker_tell_health(worker, false);
	assert_int_equal(worker->batch->nfacts, 3);
	assert_int_equal(worker->batch->facts[2].u.health.state, HEALTH_FAILED);
	fact_batch_free(worker->batch);
	bench_free(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failures_are_tried_again),
		cmocka_unit_test(the_cursor_comes_back),
		cmocka_unit_test(a_source_that_stays_broken_says_so),
		cmocka_unit_test(silence_is_told),
		cmocka_unit_test(health_is_told_on_change_and_each_minute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
