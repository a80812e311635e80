/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "collectors/collector.h"
#include "collectors/delta/parts.h"
#include "tests/lib/place.h"
#include "tests/lib/tree.h"

/* The source kind on a directory of its own: found, followed, taken up again after a restart. */

static const struct collector_ops *const kinds[] = { &delta_collector, NULL };

struct fixture {
	char dir[64];
	struct config *config;
	void *self;
	struct fact_batch *batch;
	char *cursor;
};

static void commit(struct fixture *fixture, const char *table, int version, int64_t ms,
	const char *bytes)
{
	char name[256];

	(void)snprintf(name, sizeof name, "%s/_delta_log/%020d.json", table, version);
	tree_put(fixture->dir, name, bytes, ms);
}

static void start(struct fixture *fixture)
{
	struct err err = ERR_INIT;
	struct buf text;
	struct text cursor = text_of(fixture->cursor);

	buf_init(&text, 4096);
	(void)buf_addf(&text, "[delta t]\nroot = %s\nexclude = skipped*\n", fixture->dir);
	if (!config_parse_kinds(buf_text(&text), "t.ini", kinds, &fixture->config, &err))
		fail_msg("%s", err.text);
	fixture->self = mem_zero(1, delta_collector.state_size);
	assert_true(delta_collector.start(
		fixture->self, config_section_at(fixture->config, 0), cursor, &err));
	buf_done(&text);
}

static void stop(struct fixture *fixture)
{
	delta_collector.stop(fixture->self);
	FREE(&fixture->self);
	config_free(fixture->config);
}

/* Steps until idle; the facts of all steps are in the batch, the cursor is kept. */
static void step(struct fixture *fixture, bool once)
{
	struct step_context context = { fixture->batch, clock_system(), 0, once, NULL };
	struct err err = ERR_INIT;
	enum step said;

	fact_batch_reset(fixture->batch);
	do {
		context.deadline_ms = context.clock->mono_ms(context.clock) + 1000;
		said = delta_collector.step(fixture->self, &context, &err);
		assert_int_not_equal(said, STEP_FAILED);
		if (fixture->batch->cursor.bytes) {
			free(fixture->cursor);
			fixture->cursor = mem_strdup(fixture->batch->cursor.bytes);
		}
	} while (said == STEP_MORE);
}

static int set_up(void **state)
{
	struct fixture *fixture = NEW(struct fixture);

	(void)snprintf(fixture->dir, sizeof fixture->dir, "/tmp/weir-delta.XXXXXX");
	assert_non_null(mkdtemp(fixture->dir));
	fixture->batch = fact_batch_new();
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

/* What histories are made of; a table's state is told beside them. */
static bool is_history(const struct fact *fact)
{
	return fact->kind == FACT_VERSION || fact->kind == FACT_UNDECODABLE;
}

static size_t told(const struct fixture *fixture)
{
	size_t n = 0;

	for (size_t i = 0; i < fixture->batch->nfacts; i++)
		n += is_history(&fixture->batch->facts[i]);
	return n;
}

/* As often as it takes until something is told, within PATIENCE_MS. */
static void step_until_told(struct fixture *fixture, bool once)
{
	const struct timespec moment = { .tv_nsec = 20000000 };
	int64_t end = place_deadline();

	step(fixture, once);
	while (told(fixture) == 0 && clock_system()->mono_ms(clock_system()) < end) {
		(void)nanosleep(&moment, NULL);
		step(fixture, once);
	}
}

static const struct fact_version *version_at(const struct fixture *fixture, size_t at)
{
	for (size_t i = 0; i < fixture->batch->nfacts; i++) {
		const struct fact *fact = &fixture->batch->facts[i];

		if (!is_history(fact) || at-- > 0)
			continue;
		assert_int_equal(fact->kind, FACT_VERSION);
		return &fact->u.version;
	}
	fail_msg("so many facts there are not");
	return NULL;
}

#define INFO  "{\"commitInfo\":{\"operation\":\"WRITE\"}}\n"
#define SETUP INFO "{\"metaData\":{\"id\":\"t-1\",\"configuration\":{\"a\":\"1\"}}}\n" \
	"{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n"

static void test_found_and_followed(void **state)
{
	struct fixture *fixture = *state;
	struct pollfd wake = { .events = POLLIN };

	tree_run(fixture->dir, "mkdir a && ln -s .. a/loop && ln -s t a/again");
	commit(fixture, "a/t", 0, 1000, SETUP);
	commit(fixture, "a/t", 1, 900, INFO); /* copied: older than the one before */
	commit(fixture, "skipped_t", 0, 1, SETUP);
	start(fixture);
	step(fixture, false);
	assert_int_equal(told(fixture), 2); /* once, by one of its two names */
	assert_true(version_at(fixture, 0)->timestamp_ms == 1000);
	assert_true(version_at(fixture, 1)->timestamp_ms == 1001);
	assert_true(text_is(version_at(fixture, 1)->table_id, "t-1"));
	step(fixture, false);
	assert_int_equal(told(fixture), 0);

	commit(fixture, "a/t", 2, 5000, INFO);
	wake.fd = delta_collector.wake_fd(fixture->self);
	assert_int_equal(poll(&wake, 1, PATIENCE_MS), 1);
	step(fixture, false);
	assert_int_equal(told(fixture), 1);
	assert_true(version_at(fixture, 0)->version == 2);

	commit(fixture, "b", 0, 6000, SETUP); /* a table that comes while we watch */
	fact_batch_reset(fixture->batch);
	step_until_told(fixture, false);
	assert_int_equal(told(fixture), 1);
	assert_true(text_is(version_at(fixture, 0)->table, "b"));
	stop(fixture);
}

static void test_restart(void **state)
{
	struct fixture *fixture = *state;

	commit(fixture, "t", 0, 1000, SETUP);
	commit(fixture, "t", 1, 2000, INFO);
	start(fixture);
	step(fixture, true);
	assert_int_equal(told(fixture), 2);
	stop(fixture);
	/* The previous metaData is read back; the file times go on from the cursor. */
	commit(fixture, "t", 2, 1500, INFO "{\"metaData\":{\"id\":\"t-1\",\"configuration\":{\"a\":"
				      "\"2\",\"delta.enableInCommitTimestamps\":\"true\"}}}\n");
	commit(fixture, "t", 3, 1, "{\"commitInfo\":{\"inCommitTimestamp\":9000}}\n");
	start(fixture);
	step(fixture, true);
	assert_int_equal(told(fixture), 2);
	assert_true(version_at(fixture, 0)->timestamp_ms == 2001);
	assert_true(text_contains(version_at(fixture, 0)->changes,
		TEXT("property a changed from 1 to 2")));
	assert_true(version_at(fixture, 1)->timestamp_ms == 9000);
	assert_true(version_at(fixture, 1)->in_commit_timestamp);
	stop(fixture);
	start(fixture);
	step(fixture, true);
	assert_int_equal(told(fixture), 0);
	stop(fixture);
}

static void test_half_written(void **state)
{
	struct fixture *fixture = *state;

	commit(fixture, "t", 0, 1000, SETUP);
	commit(fixture, "t", 1, 2000, INFO "{\"add\":{\"pa");
	start(fixture);
	step(fixture, false);
	assert_int_equal(told(fixture), 1); /* version 1 is waited for */
	assert_int_equal(fixture->batch->undecodable, 0);
	assert_true(delta_collector.poll_ms(fixture->self) <= 1000);
	commit(fixture, "t", 1, 2000, INFO "{\"add\":{\"size\":1}}\n");
	step(fixture, false);
	assert_int_equal(told(fixture), 1);
	assert_true(version_at(fixture, 0)->files_added == 1);
	commit(fixture, "t", 2, 3000, INFO "{\"add\":{\"pa");
	step(fixture, true); /* --once takes it as it is */
	assert_int_equal(told(fixture), 2);
	assert_int_equal(fixture->batch->undecodable, 1);
	stop(fixture);
}

static void test_gaps(void **state)
{
	struct fixture *fixture = *state;

	commit(fixture, "t", 5, 1000, INFO);
	commit(fixture, "t", 7, 2000, INFO);
	tree_run(fixture->dir, "touch t/_delta_log/00000000000000000004.checkpoint.parquet");
	start(fixture);
	step(fixture, true);
	assert_int_equal(told(fixture), 2);
	assert_true(text_contains(version_at(fixture, 0)->problem,
		TEXT("versions 0 to 4 are not in the log; checkpoint 4 stands in")));
	assert_true(text_contains(version_at(fixture, 1)->problem,
		TEXT("version 6 is not in the log; no complete checkpoint")));
	stop(fixture);
}

static void test_made_anew(void **state)
{
	struct fixture *fixture = *state;

	commit(fixture, "t", 0, 1000, SETUP);
	commit(fixture, "t", 1, 1000, INFO);
	start(fixture);
	step(fixture, true);
	tree_run(fixture->dir, "rm -rf t");
	step(fixture, true);
	commit(fixture, "t", 0, 9000, SETUP);
	step_until_told(fixture, true);
	assert_int_equal(told(fixture), 2); /* that it was, and version 0 */
	assert_int_equal(fixture->batch->facts[0].kind, FACT_UNDECODABLE);
	assert_true(version_at(fixture, 1)->timestamp_ms == 9000);
	stop(fixture);
}

struct patience {
	int asked, end; /* stops when it was asked so often; INT_MAX = never */
};

static bool is_patient(struct progress *progress)
{
	struct patience *patience = progress->context;

	return ++patience->asked <= patience->end;
}

/* Dropped and made again with as many commits before anybody looked. */
static void test_made_anew_as_long(void **state)
{
	struct fixture *fixture = *state;

	for (int restarted = 0; restarted < 2; restarted++) {
		commit(fixture, "t", 0, 1000, SETUP);
		commit(fixture, "t", 1, 1000, INFO);
		start(fixture);
		step_until_told(fixture, true);
		commit(fixture, "t", 1, 1000, INFO "{\"add\":{\"size\":1}}\n");
		tree_run(fixture->dir, "touch t/_delta_log/x");
		step(fixture, true);
		assert_int_equal(told(fixture), 0); /* written on: the same commit */
		if (restarted) {
			stop(fixture);
			start(fixture);
		}
		tree_run(fixture->dir, "rm -rf t");
		commit(fixture, "t", 0, 9000, SETUP);
		commit(fixture, "t", 1, 9000, "{\"add\":{\"size\":7}}\n" INFO);
		commit(fixture, "t", 2, 9500, INFO);
		step_until_told(fixture, true);
		assert_int_equal(told(fixture), 4); /* that it was, and three versions */
		assert_int_equal(fixture->batch->facts[0].kind, FACT_UNDECODABLE);
		assert_true(version_at(fixture, 1)->timestamp_ms == 9000);
		stop(fixture);
		tree_run(fixture->dir, "rm -rf t");
	}
}

/* With exactly as many commits: told as another table, once, also after a restart. */
static void test_made_anew_is_told_once(void **state)
{
	struct fixture *fixture = *state;
	size_t anew = 0;

	commit(fixture, "t", 0, 1000, SETUP);
	commit(fixture, "t", 1, 1000, INFO);
	start(fixture);
	step_until_told(fixture, true);
	assert_int_equal(told(fixture), 2);
	tree_run(fixture->dir, "rm -rf t");
	commit(fixture, "t", 0, 9000, SETUP);
	commit(fixture, "t", 1, 9000, "{\"add\":{\"size\":7}}\n" INFO);
	step_until_told(fixture, true);
	assert_int_equal(told(fixture), 3); /* that it was, and two versions */
	for (size_t i = 0; i < fixture->batch->nfacts; i++)
		anew += fixture->batch->facts[i].kind == FACT_TABLE &&
			fixture->batch->facts[i].u.table.anew;
	assert_int_equal(anew, 1);
	stop(fixture);
	start(fixture);
	step(fixture, true);
	assert_int_equal(told(fixture), 0);
	stop(fixture);
}

/* Stopped wherever it can be, nothing is told wrongly and nothing is lost or told twice. */
static void test_stopped_anywhere(void **state)
{
	struct fixture *fixture = *state;
	struct patience patience = { 0, INT_MAX };
	struct progress progress = { .go_on = is_patient, .context = &patience };
	struct step_context context = { fixture->batch, clock_system(), INT64_MAX, true, &progress };
	struct err err = ERR_INIT;
	bool done = false;
	int stops = 0;

	commit(fixture, "t", 0, 1000, SETUP);
	commit(fixture, "t", 1, 2000, INFO);
	/* A newer metaData in a life that has not read the first: it is looked back for. */
	start(fixture);
	step(fixture, true);
	assert_int_equal(told(fixture), 2);
	stop(fixture);
	commit(fixture, "t", 2, 3000, INFO);
	commit(fixture, "t", 3, 4000, INFO "{\"metaData\":{\"id\":\"t-1\",\"configuration\":{"
		"\"a\":\"2\"}}}\n");
	for (int end = 0; !done; end++) {
		enum step said;

		patience = (struct patience){ 0, end };
		fact_batch_reset(fixture->batch);
		start(fixture); /* from the same cursor each time */
		said = delta_collector.step(fixture->self, &context, &err);
		assert_int_not_equal(said, STEP_FAILED);
		done = patience.asked <= end;
		stops += !done;
		for (size_t i = 0; i < fixture->batch->nfacts; i++) {
			const struct fact *fact = &fixture->batch->facts[i];

			assert_int_not_equal(fact->kind, FACT_UNDECODABLE);
			if (fact->kind == FACT_TABLE)
				assert_null(fact->u.table.problem.bytes);
			if (fact->kind == FACT_VERSION && fact->u.version.version == 3)
				assert_true(text_is(fact->u.version.changes,
					"[\"property a changed from 1 to 2\"]"));
		}
		assert_true(!done || told(fixture) == 2);
		/* What was stopped goes on where it was. */
		patience.end = INT_MAX;
		while (said == STEP_MORE)
			said = delta_collector.step(fixture->self, &context, &err);
		assert_int_equal(said, STEP_IDLE);
		assert_int_equal(told(fixture), 2);
		stop(fixture);
	}
	assert_true(stops > 8);
}

static void test_no_root(void **state)
{
	struct fixture *fixture = *state;
	struct step_context context = { fixture->batch, clock_system(), INT64_MAX, true, NULL };
	struct err err = ERR_INIT;

	start(fixture);
	assert_int_equal(rmdir(fixture->dir), 0);
	assert_int_equal(delta_collector.step(fixture->self, &context, &err), STEP_FAILED);
	assert_int_equal(err.kind, ERR_ABSENT);
	assert_int_equal(mkdir(fixture->dir, 0755), 0);
	stop(fixture);
}

static void test_read_table(void **state)
{
	struct fixture *fixture = *state;
	struct err err = ERR_INIT;
	char path[128];

	commit(fixture, "t", 0, 1000, SETUP);
	assert_false(delta_read_table(fixture->dir, NULL, fixture->batch, &err));
	assert_int_equal(err.kind, ERR_ABSENT);
	for (int i = 0; i < 5; i++) {
		static const char *const ways[][2] = { { "", "/t" }, { "", "/t/_delta_log/" },
			{ "file://", "/t/" }, { "file:", "/%74" }, { "file://", "/t/_delta%5Flog" } };

		fact_batch_reset(fixture->batch);
		(void)snprintf(path, sizeof path, "%s%s%s", ways[i][0], fixture->dir, ways[i][1]);
		assert_true(delta_read_table(path, NULL, fixture->batch, &err));
		assert_int_equal(told(fixture), 1);
		assert_true(text_is(version_at(fixture, 0)->table, "t"));
		assert_true(text_ends(version_at(fixture, 0)->path, TEXT("/t")));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_found_and_followed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_restart, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_half_written, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_gaps, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_made_anew, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_made_anew_is_told_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_made_anew_as_long, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_stopped_anywhere, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_root, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_read_table, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
