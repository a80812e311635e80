/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots and horizons of small tables written here: what the corpus cannot show moving. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "collectors/delta/snapshot.h"
#include "tests/lib/small_log.h"

#define DAY ((int64_t)24 * 3600 * 1000)

static void test_standings(void **unused)
{
	const int64_t t = 1000 * DAY;
	struct delta_looks looks = { .now_ms = t + 5 * DAY, .old_max = 100, .newest_max = 100 };
	struct delta_horizon horizon = { 0 };
	struct delta_snapshot *snapshot;
	bool changed;
	struct err err = ERR_INIT;

	(void)unused;
	log_commit(0, t, "", "+a +b");
	log_commit(1, t + DAY, NULL, "-a +c");
	log_commit(2, t + 2 * DAY, NULL, "-b +d");
	log_commit(3, t + 3 * DAY, NULL, "+e");
	snapshot = log_open(true);
	assert_true(delta_horizon_read(&horizon, snapshot, &looks, &err));
	assert_int_equal(horizon.n, 4);
	assert_int_equal(horizon.first_listed, 0);
	assert_int_equal(horizon.first_restorable, 0);
	assert_int_equal(horizon.rows[3].standing, STANDING_CURRENT);
	/* 2 has all its files in 3: only the log's age can take it. */
	assert_int_equal(horizon.rows[2].standing, STANDING_RESTORABLE);
	assert_int_equal(horizon.rows[2].until_ms, t + 3 * DAY + 30 * DAY);
	assert_true(horizon.rows[2].by_log);
	assert_int_equal(horizon.rows[2].files_old, 0);
	/* 1 needs b, removed with 2; 0 needs a, removed with 1. */
	assert_int_equal(horizon.rows[1].until_ms, t + 2 * DAY + 7 * DAY);
	assert_int_equal(horizon.rows[1].files_old, 1);
	assert_int_equal(horizon.rows[0].until_ms, t + DAY + 7 * DAY);
	assert_int_equal(horizon.rows[0].files_old, 2);
	assert_false(horizon.rows[0].by_log);
	assert_int_equal(horizon.looked, 2);
	assert_int_equal(horizon.newest_looked, 3);
	assert_int_equal(horizon.newest_gone, 0);
	/* VACUUM takes a; somebody takes c, which the newest needs. */
	assert_int_equal(unlink(log_path("a")), 0);
	assert_int_equal(unlink(log_path("c")), 0);
	assert_true(delta_horizon_read(&horizon, snapshot, &looks, &err));
	assert_int_equal(horizon.rows[0].standing, STANDING_LISTED);
	assert_int_equal(horizon.rows[0].files_gone, 1);
	assert_true(text_ends(horizon.rows[0].gone, TEXT("/a")));
	assert_true(horizon.rows[0].until_ms == FACT_UNKNOWN);
	assert_int_equal(horizon.rows[1].standing, STANDING_RESTORABLE);
	assert_int_equal(horizon.first_restorable, 1);
	assert_int_equal(horizon.newest_gone, 1);
	assert_true(text_ends(horizon.newest_gone_path, TEXT("/c")));
	/* A RESTORE brings b back: 1 needs nothing old any more, but for what 4 removed. */
	log_commit(4, t + 4 * DAY, NULL, "+b -d");
	assert_true(delta_snapshot_advance(snapshot, &changed, &err));
	assert_true(changed);
	assert_true(delta_horizon_read(&horizon, snapshot, &looks, &err));
	assert_int_equal(horizon.n, 5);
	assert_int_equal(horizon.rows[1].files_old, 0);
	assert_true(horizon.rows[1].by_log);
	assert_int_equal(horizon.rows[3].files_old, 1);
	assert_int_equal(horizon.rows[3].until_ms, t + 4 * DAY + 7 * DAY);
	assert_true(delta_snapshot_advance(snapshot, &changed, &err));
	assert_false(changed);
	delta_horizon_done(&horizon);
	delta_snapshot_free(snapshot);
}

struct patience {
	int asked, end; /* stops when it was asked so often */
};

static bool is_patient(struct progress *progress)
{
	struct patience *patience = progress->context;

	return ++patience->asked <= patience->end;
}

/* Wherever opening, advancing and looking are stopped, asking again gives the whole truth. */
static void test_stopped_anywhere(void **unused)
{
	struct patience patience = { 0, 0 };
	struct progress progress = { .go_on = is_patient, .context = &patience };
	struct delta_looks looks = { .now_ms = 100 * DAY, .old_max = 100, .newest_max = 100,
		.progress = &progress };
	struct delta_at at = DELTA_NEWEST;
	bool done = false;
	int opened = 0;

	(void)unused;
	at.lifetimes = true;
	at.progress = &progress;
	log_commit(0, DAY, "", "+a +b");
	log_checkpoint(1, DAY + 1, "+a +b +c");
	log_commit(1, DAY + 1, NULL, "+c");
	log_commit(2, DAY + 2, NULL, "-a -b +d");
	for (int end = 0; !done; end++) {
		struct delta_snapshot *snapshot = NULL;
		struct delta_horizon horizon = { 0 };
		struct err err = ERR_INIT;
		bool stopped;

		log_write("b", "x", DAY);
		patience = (struct patience){ 0, end };
		if (!delta_snapshot_open(log_folder, &at, &snapshot, &err)) {
			assert_int_equal(err.kind, ERR_CANCELED);
			continue;
		}
		opened += opened == 0 ? end : 0;
		stopped = !delta_horizon_read(&horizon, snapshot, &looks, &err);
		assert_true(!stopped || (err.kind == ERR_CANCELED && horizon.n == 0));
		done = !stopped;
		/* What went away between is noticed by the second reading. */
		assert_int_equal(unlink(log_path("b")), 0);
		patience.end = 1000 * 1000;
		assert_true(delta_horizon_read(&horizon, snapshot, &looks, &err));
		assert_int_equal(horizon.n, 3);
		assert_int_equal(horizon.rows[0].standing, STANDING_LISTED);
		assert_int_equal(horizon.rows[1].files_gone, 1);
		assert_int_equal(horizon.rows[2].standing, STANDING_CURRENT);
		delta_horizon_done(&horizon);
		delta_snapshot_free(snapshot);
	}
	assert_true(opened >= 3); /* one a commit at least */
}

static void test_looks_are_few(void **unused)
{
	struct err err = ERR_INIT;
	const int64_t t = 1000 * DAY;
	struct delta_looks looks = { .now_ms = t + 100 * DAY, .old_max = 3, .newest_max = 2 };
	struct delta_horizon horizon = { 0 };
	struct delta_snapshot *snapshot;
	struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };

	(void)unused;
	log_commit(0, t, "", "+a +b +c +d +e +f +g");
	log_commit(1, t + DAY, NULL, "-a");
	log_commit(2, t + DAY, NULL, "-b -c");
	log_commit(3, t + DAY, NULL, "-d");
	assert_int_equal(utimensat(AT_FDCWD, log_folder, old, 0), 0);
	snapshot = log_open(true);
	assert_true(delta_horizon_read(&horizon, snapshot, &looks, &err));
	assert_int_equal(horizon.looked, 3);
	assert_int_equal(horizon.rows[0].files_unlooked, 1); /* a, removed longest ago */
	assert_int_equal(horizon.rows[1].files_unlooked, 0);
	assert_true(horizon.newest_looked <= 2);
	/* Nothing has changed in the directory: only what was left over is looked for. */
	assert_true(delta_horizon_read(&horizon, snapshot, &looks, &err));
	assert_int_equal(horizon.looked, 1);
	assert_int_equal(horizon.rows[0].files_unlooked, 0);
	assert_true(delta_horizon_read(&horizon, snapshot, &looks, &err));
	assert_int_equal(horizon.looked, 0);
	assert_int_equal(unlink(log_path("b")), 0); /* which changes the directory */
	looks.old_max = 100;
	assert_true(delta_horizon_read(&horizon, snapshot, &looks, &err));
	assert_int_equal(horizon.looked, 4);
	assert_int_equal(horizon.rows[1].standing, STANDING_LISTED);
	assert_int_equal(horizon.rows[2].standing, STANDING_RESTORABLE);
	delta_horizon_done(&horizon);
	delta_snapshot_free(snapshot);
}

static void test_properties_rule(void **unused)
{
	struct err err = ERR_INIT;
	const int64_t t = 1000 * DAY;
	struct delta_looks looks = { .now_ms = t, .old_max = 100 };
	struct delta_horizon horizon = { 0 };
	struct delta_snapshot *snapshot;

	(void)unused;
	log_commit(0, t, "\"delta.enableExpiredLogCleanup\":\"false\","
		"\"delta.deletedFileRetentionDuration\":\"interval 2 days 12 hours\"", "+a");
	log_commit(1, t + DAY, NULL, "-a +b");
	log_commit(2, t + DAY, NULL, "+c");
	snapshot = log_open(true);
	assert_true(delta_horizon_read(&horizon, snapshot, &looks, &err));
	assert_int_equal(horizon.rows[0].until_ms, t + DAY + 2 * DAY + DAY / 2);
	assert_int_equal(horizon.rows[1].standing, STANDING_RESTORABLE);
	assert_true(horizon.rows[1].until_ms == FACT_UNKNOWN); /* nothing threatens it */
	delta_horizon_done(&horizon);
	delta_snapshot_free(snapshot);
}

/* An add of a file that is there (new statistics, say) does not make it younger. */
static void test_told_anew(void **unused)
{
	struct delta_looks looks = { .now_ms = 100 * DAY, .old_max = 100 };
	struct delta_horizon horizon = { 0 };
	struct delta_snapshot *snapshot;
	struct err err = ERR_INIT;

	(void)unused;
	log_commit(0, DAY, "", "+a +b");
	log_commit(1, DAY + 1, NULL, "+a");
	log_commit(2, DAY + 2, NULL, "-a");
	log_commit(3, DAY + 3, NULL, "+a"); /* gone in between: it comes anew */
	log_commit(4, DAY + 4, NULL, "-a");
	snapshot = log_open(true);
	assert_true(delta_horizon_read(&horizon, snapshot, &looks, &err));
	assert_int_equal(horizon.n, 5);
	for (size_t i = 0; i < horizon.n; i++)
		assert_int_equal(horizon.rows[i].files_old, i == 0 || i == 1 || i == 3);
	delta_horizon_done(&horizon);
	delta_snapshot_free(snapshot);
}

static void test_advance_is_a_fresh_open(void **unused)
{
	const int64_t t = 1000 * DAY;
	struct delta_snapshot *snapshot;
	struct delta_detail d;
	struct err err = ERR_INIT;
	bool changed;

	(void)unused;
	log_commit(0, t, "", "+a +b");
	snapshot = log_open(false);
	for (int v = 1; v < 30; v++) {
		struct delta_snapshot *fresh;
		struct delta_detail f;
		char files[64];

		(void)snprintf(files, sizeof files, "+f%d %s%d", v, v % 3 ? "+g" : "-f", v - 1);
		log_commit(v, t + v * 1000, NULL, files);
		if (v % 4 == 0)
			continue; /* two commits at once */
		assert_true(delta_snapshot_advance(snapshot, &changed, &err));
		assert_true(changed);
		fresh = log_open(false);
		delta_snapshot_detail(snapshot, &d);
		delta_snapshot_detail(fresh, &f);
		assert_int_equal(d.version, v);
		assert_int_equal(d.files, f.files);
		assert_int_equal(d.rows, f.rows);
		assert_int_equal(d.tombstones, f.tombstones);
		assert_int_equal(d.timestamp_ms, f.timestamp_ms);
		delta_snapshot_free(fresh);
	}
	/* The table made anew: shorter than it was. */
	for (int v = 0; v < 30; v++) {
		char name[64];

		(void)snprintf(name, sizeof name, "_delta_log/%020d.json", v);
		assert_int_equal(unlink(log_path(name)), 0);
	}
	log_commit(0, t, "", "+x");
	assert_false(delta_snapshot_advance(snapshot, &changed, &err));
	assert_int_equal(err.kind, ERR_ABSENT);
	delta_snapshot_free(snapshot);
}

static void test_times(void **unused)
{
	const int64_t t = 1000 * DAY;
	struct delta_at at = DELTA_NEWEST;
	struct delta_snapshot *snapshot;
	struct delta_detail d;
	struct err err = ERR_INIT;

	(void)unused;
	/* 1's file is older than 0's: it is taken for one ms later. */
	log_commit(0, t, "", "+a");
	log_commit(1, t - 5000, NULL, "+b");
	log_commit(2, t + 9000, NULL, "+c");
	at.version = 1;
	assert_true(delta_snapshot_open(log_folder, &at, &snapshot, &err));
	delta_snapshot_detail(snapshot, &d);
	assert_int_equal(d.timestamp_ms, t + 1);
	assert_int_equal(d.newest_version, 2);
	delta_snapshot_free(snapshot);
	at.version = FACT_UNKNOWN;
	for (int i = 0; i < 4; i++) {
		const int64_t asked[] = { t, t + 1, t + 8999, t + 100000 };
		const int64_t wanted[] = { 0, 1, 1, 2 };

		at.timestamp_ms = asked[i];
		assert_true(delta_snapshot_open(log_folder, &at, &snapshot, &err));
		delta_snapshot_detail(snapshot, &d);
		assert_int_equal(d.version, wanted[i]);
		delta_snapshot_free(snapshot);
	}
	at.timestamp_ms = t - 1;
	assert_false(delta_snapshot_open(log_folder, &at, &snapshot, &err));
	assert_int_equal(err.kind, ERR_ABSENT);
	at.version = 3;
	assert_false(delta_snapshot_open(log_folder, &at, &snapshot, &err));
	assert_int_equal(err.kind, ERR_ABSENT);
}

static void test_in_commit_times(void **unused)
{
	struct delta_at at = DELTA_NEWEST;
	struct delta_snapshot *snapshot;
	struct delta_detail d;
	struct err err = ERR_INIT;
	const int64_t t = 1000 * DAY;

	(void)unused;
	/* From version 2 on; before it the files' times hold. */
	log_commit(0, t, "\"delta.enableInCommitTimestamps\":\"true\","
		"\"delta.inCommitTimestampEnablementVersion\":\"2\"", "+a");
	log_commit(1, t + 1000, NULL, "+b");
	log_write("_delta_log/00000000000000000002.json",
		"{\"commitInfo\":{\"inCommitTimestamp\":86400005000}}\n", t + 777777);
	log_write("_delta_log/00000000000000000003.json",
		"{\"commitInfo\":{\"inCommitTimestamp\":86400009000}}\n", t - 777777);
	for (int i = 0; i < 5; i++) {
		const int64_t asked[] = { 500, 4999, 5000, 8999, 9000 };
		const int64_t wanted[] = { 0, 1, 2, 2, 3 };

		at.timestamp_ms = t + asked[i];
		assert_true(delta_snapshot_open(log_folder, &at, &snapshot, &err));
		delta_snapshot_detail(snapshot, &d);
		assert_int_equal(d.version, wanted[i]);
		assert_int_equal(d.in_commit_timestamp, wanted[i] >= 2);
		delta_snapshot_free(snapshot);
	}
}

static void test_gap_in_the_log(void **unused)
{
	struct err err = ERR_INIT;
	const int64_t t = 1000 * DAY;
	struct delta_looks looks = { .now_ms = t + 5 * DAY, .old_max = 100 };
	struct delta_horizon horizon = { 0 };
	struct delta_snapshot *snapshot;
	struct delta_detail d;

	(void)unused;
	/* 2 and 3 are lost; 4 stands in for them and knows when a went. */
	log_commit(0, t, "", "+a +b");
	log_commit(1, t + DAY, NULL, "+c");
	log_checkpoint(4, t + 2 * DAY, "-a +b +d");
	log_commit(5, t + 3 * DAY, NULL, "-d +e");
	snapshot = log_open(false);
	delta_snapshot_detail(snapshot, &d);
	assert_int_equal(d.files, 2);
	assert_int_equal(d.checkpoint, 4);
	assert_int_equal(d.earliest_version, 0);
	delta_snapshot_free(snapshot);
	snapshot = log_open(true);
	assert_true(delta_horizon_read(&horizon, snapshot, &looks, &err));
	assert_int_equal(horizon.n, 4);
	assert_int_equal(horizon.rows[0].standing, STANDING_RESTORABLE);
	assert_int_equal(horizon.rows[0].files_old, 1); /* a */
	assert_int_equal(horizon.rows[0].until_ms, t + 2 * DAY + 7 * DAY);
	assert_int_equal(horizon.rows[1].files_old, 2); /* a, c: of c nobody knows since when */
	assert_int_equal(horizon.rows[1].until_ms, 7 * DAY);
	assert_int_equal(horizon.rows[2].version, 4);
	assert_int_equal(horizon.rows[2].until_ms, t + 3 * DAY + 7 * DAY); /* d */
	assert_int_equal(unlink(log_path("c")), 0);
	assert_true(delta_horizon_read(&horizon, snapshot, &looks, &err));
	assert_int_equal(horizon.rows[0].standing, STANDING_RESTORABLE);
	assert_int_equal(horizon.rows[1].standing, STANDING_LISTED);
	delta_horizon_done(&horizon);
	delta_snapshot_free(snapshot);
}

static void test_damaged_checkpoint(void **unused)
{
	const int64_t t = 1000 * DAY;
	struct delta_at at = DELTA_NEWEST;
	struct delta_snapshot *snapshot;
	struct delta_detail d;
	struct err err = ERR_INIT;

	(void)unused;
	log_commit(0, t, "", "+a");
	log_commit(1, t, NULL, "+b");
	log_commit(2, t, NULL, "+c");
	log_write("_delta_log/00000000000000000001.checkpoint.parquet", "PAR1 is all there is", t);
	assert_false(delta_snapshot_open(log_folder, &at, &snapshot, &err));
	assert_int_equal(err.kind, ERR_FORMAT);
	assert_non_null(strstr(err.text, "00000000000000000001.checkpoint.parquet"));
	assert_non_null(strstr(err.text, "move it away"));
	at.around_damage = true;
	assert_true(delta_snapshot_open(log_folder, &at, &snapshot, &err));
	delta_snapshot_detail(snapshot, &d);
	assert_int_equal(d.files, 3);
	assert_int_equal(json_array_size(delta_snapshot_notes(snapshot)), 1);
	delta_snapshot_free(snapshot);
	/* Without the commits there is no way around it. */
	assert_int_equal(unlink(log_path("_delta_log/00000000000000000000.json")), 0);
	assert_false(delta_snapshot_open(log_folder, &at, &snapshot, &err));
	assert_non_null(strstr(err.text, "00000000000000000001.checkpoint.parquet"));
	assert_non_null(strstr(err.text, "backup"));
}

static void test_history_behind_a_checkpoint(void **unused)
{
	struct fact_batch *batch = fact_batch_new();
	struct err err = ERR_INIT;

	(void)unused;
	/* The commit that set the property before is cleaned up; the checkpoint knows it. */
	log_checkpoint(3, DAY, "+a");
	log_commit(4, DAY, "\"delta.appendOnly\":\"true\"", "+b");
	assert_true(delta_read_table(log_folder, NULL, batch, &err));
	assert_int_equal(batch->nfacts, 1);
	assert_true(text_contains(batch->facts[0].u.version.changes,
		TEXT("property delta.appendOnly set to true")));
	fact_batch_free(batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_standings, log_set_up, log_tear_down),
		cmocka_unit_test_setup_teardown(test_stopped_anywhere, log_set_up, log_tear_down),
		cmocka_unit_test_setup_teardown(test_looks_are_few, log_set_up, log_tear_down),
		cmocka_unit_test_setup_teardown(test_properties_rule, log_set_up, log_tear_down),
		cmocka_unit_test_setup_teardown(test_told_anew, log_set_up, log_tear_down),
		cmocka_unit_test_setup_teardown(test_advance_is_a_fresh_open, log_set_up, log_tear_down),
		cmocka_unit_test_setup_teardown(test_gap_in_the_log, log_set_up, log_tear_down),
		cmocka_unit_test_setup_teardown(test_damaged_checkpoint, log_set_up, log_tear_down),
		cmocka_unit_test_setup_teardown(
			test_history_behind_a_checkpoint, log_set_up, log_tear_down),
		cmocka_unit_test_setup_teardown(test_times, log_set_up, log_tear_down),
		cmocka_unit_test_setup_teardown(test_in_commit_times, log_set_up, log_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
