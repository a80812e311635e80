/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots of logs as the protocol allows them and few writers write them. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "collectors/delta/condition.h"
#include "collectors/delta/table_state.h"
#include "tests/lib/small_log.h"

static void test_where_files_are(void **unused)
{
	static const char *const elsewhere[] = { "s3://b/a.parquet", "s3a://b/a.parquet",
		"gs://b/a.parquet", "abfss://c@a.dfs.core.windows.net/a.parquet", "hdfs:/a.parquet",
		"dbfs+x-1.y:/a.parquet" };
	static const struct {
		const char *path, *where;
	} here[] = {
		{ "a.parquet", "%s/a.parquet" },
		{ "s3/a.parquet", "%s/s3/a.parquet" },
		{ "day%3A1.parquet", "%s/day:1.parquet" },
		{ "s3%3A//a.parquet", "%s/s3://a.parquet" },
		{ "/x/a%20b.parquet", "/x/a b.parquet" },
		{ "file:///x/a.parquet", "/x/a.parquet" },
	};
	struct delta_snapshot *snapshot;

	(void)unused;
	log_commit(0, 0, "", "+a");
	snapshot = log_open(false);
	for (size_t i = 0; i < ARRAY_LEN(elsewhere); i++)
		assert_null(delta_file_location(snapshot, text_of(elsewhere[i])));
	for (size_t i = 0; i < ARRAY_LEN(here); i++) {
		char *where = delta_file_location(snapshot, text_of(here[i].path));
		struct delta_detail detail;
		char wanted[256];
		const char *mark = strstr(here[i].where, "%s");

		delta_snapshot_detail(snapshot, &detail);
		(void)snprintf(wanted, sizeof wanted, "%.*s%s", mark ? (int)detail.path.len : 0,
			detail.path.bytes, mark ? mark + 2 : here[i].where);
		assert_string_equal(where, wanted);
		free(where);
	}
	delta_snapshot_free(snapshot);
}

static void sidecar(const char *path)
{
	char text[1024];

	(void)snprintf(text, sizeof text,
		"{\"checkpointMetadata\":{\"version\":0}}\n"
		"{\"sidecar\":{\"path\":\"%s\",\"sizeInBytes\":5,\"modificationTime\":0}}\n", path);
	log_write("_delta_log/00000000000000000000.checkpoint.a-b.json", text, 0);
}

static void test_sidecars_by_their_whole_path(void **unused)
{
	static const char *const own[] = { "x%201.parquet",
		"s3://b/t/_delta_log/_sidecars/x%201.parquet",
		"file:///was/there/_delta_log/_sidecars/x%201.parquet" };
	static const char *const outside[] = { "../x%201.parquet", "/etc/passwd",
		"s3://b/other/_sidecars/x%201.parquet", "/_delta_log/_sidecars/../x%201.parquet" };
	struct delta_at at = DELTA_NEWEST;
	struct delta_snapshot *snapshot;

	(void)unused;
	log_commit(0, 0, "", "+a");
	assert_int_equal(mkdir(log_path("_delta_log/_sidecars"), 0777), 0);
	log_write("_delta_log/_sidecars/x 1.parquet", "short", 0); /* by which it is known */
	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		struct err err = ERR_INIT;

		sidecar(own[i]);
		assert_false(delta_snapshot_open(log_folder, &at, &snapshot, &err));
		assert_non_null(strstr(err.text, "x 1.parquet: 5 bytes are too few"));
	}
	for (size_t i = 0; i < ARRAY_LEN(outside); i++) {
		struct err err = ERR_INIT;

		sidecar(outside[i]);
		assert_false(delta_snapshot_open(log_folder, &at, &snapshot, &err));
		assert_non_null(strstr(err.text, "outside _sidecars"));
	}
}

static void vectors(int version, const char *removed, const char *added)
{
	static const char form[] = "{\"%s\":{\"path\":\"a\",\"partitionValues\":{},\"size\":10,"
		"\"dataChange\":true,\"stats\":\"{\\\"numRecords\\\":5}\"%s%s%s}}\n";
	static const char vector[] = ",\"deletionVector\":{\"storageType\":\"u\",\"sizeInBytes\":9,"
		"\"cardinality\":1,\"pathOrInlineDv\":\"";
	char name[64];
	char text[2048];
	int len;

	len = snprintf(text, sizeof text, form, "remove", *removed ? vector : "", removed,
		*removed ? "\"}" : "");
	(void)snprintf(text + len, sizeof text - (size_t)len, form, "add", *added ? vector : "", added,
		*added ? "\"}" : "");
	(void)snprintf(name, sizeof name, "_delta_log/%020d.json", version);
	log_write(name, text, 0);
}

static void test_vectors_that_changed(void **unused)
{
	static const struct {
		int64_t from, to, changed;
	} pairs[] = { { 0, 1, 1 }, { 1, 2, 1 }, { 2, 3, 1 }, { 0, 2, 1 }, { 0, 3, 0 }, { 3, 4, 0 } };

	(void)unused;
	log_commit(0, 0, "", "+a +b");
	vectors(1, "", "ab^-aqEH.-t@S}K{vb[*k^");
	vectors(2, "ab^-aqEH.-t@S}K{vb[*k^", "cd^-aqEH.-t@S}K{vb[*k^");
	vectors(3, "cd^-aqEH.-t@S}K{vb[*k^", ""); /* as a RESTORE does */
	log_commit(4, 0, NULL, "-b +c");
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		struct delta_at from = { pairs[i].from, FACT_UNKNOWN, .progress = NULL };
		struct delta_at to = { pairs[i].to, FACT_UNKNOWN, .progress = NULL };
		struct delta_snapshot *before;
		struct delta_snapshot *after;
		struct err err = ERR_INIT;
		struct delta_diff diff;

		assert_true(delta_snapshot_open(log_folder, &from, &before, &err));
		assert_true(delta_snapshot_open(log_folder, &to, &after, &err));
		delta_diff(before, after, &diff);
		assert_int_equal(diff.dv_changed, pairs[i].changed);
		delta_diff_done(&diff);
		delta_snapshot_free(before);
		delta_snapshot_free(after);
	}
}

static void test_made_anew_with_as_many_versions(void **unused)
{
	(void)unused;
	for (int i = 0; i < 4; i++) {
		struct delta_snapshot *snapshot;
		struct err err = ERR_INIT;
		bool changed;

		for (int v = 0; v <= 2; v++)
			log_commit(v, 1000 * v, v == 0 ? "" : NULL, "+old");
		if (i & 1)
			log_checkpoint(2, 3000, "+old");
		log_commit(2, 2000, NULL, "+old");
		snapshot = log_open(false);
		assert_true(delta_snapshot_advance(snapshot, &changed, &err));
		assert_false(changed);
		/* Dropped, and made again before anybody looked: as long, or longer. */
		for (int v = 0; v <= (i & 2 ? 3 : 2); v++)
			log_commit(v, 1000 * v + 500000, v == 0 ? "" : NULL, "+new");
		assert_false(delta_snapshot_advance(snapshot, &changed, &err));
		assert_int_equal(err.kind, ERR_ABSENT);
		assert_non_null(strstr(err.text, "made anew"));
		delta_snapshot_free(snapshot);
		(void)unlink(log_path("_delta_log/00000000000000000003.json"));
		(void)unlink(log_path("_delta_log/00000000000000000002.checkpoint.a-b.json"));
	}
}

static void test_what_was_got_around_is_no_error(void **unused)
{
	struct delta_at at = DELTA_NEWEST;
	struct delta_snapshot *snapshot;

	(void)unused;
	log_commit(0, 0, "", "+a");
	log_commit(1, 0, NULL, "+b");
	log_write("_delta_log/00000000000000000001.checkpoint.parquet", "PAR1 is all there is", 0);
	log_checkpoint(2, 0, "+a +b");
	log_commit(3, 0, NULL, "+c"); /* 2.json is gone: lifetimes go on from the checkpoint */
	for (int i = 0; i < 2; i++) {
		struct err err = ERR_INIT;

		at.lifetimes = i == 1;
		at.around_damage = i == 0;
		at.version = i == 0 ? 1 : FACT_UNKNOWN;
		assert_true(delta_snapshot_open(log_folder, &at, &snapshot, &err));
		assert_int_equal(err.kind, ERR_NONE);
		delta_snapshot_free(snapshot);
	}
}

/* The times of files as the file system has them, which may be any. */
static void set_time(const char *path, time_t seconds)
{
	struct timespec times[2] = { { .tv_sec = seconds }, { .tv_sec = seconds } };

	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void test_files_of_impossible_times(void **unused)
{
	struct delta_looks looks = { .now_ms = 1000, .old_max = 10, .newest_max = 10 };
	struct delta_horizon horizon = { 0 };
	struct fact_batch *batch = fact_batch_new();
	struct delta_snapshot *snapshot;
	struct delta_detail detail;
	struct err err = ERR_INIT;
	struct stat status;

	(void)unused;
	log_commit(0, 0, "", "+a");
	log_commit(1, 0, NULL, "-a +b");
	for (int v = 0; v < 2; v++) {
		char name[64];

		(void)snprintf(name, sizeof name, "_delta_log/%020d.json", v);
		set_time(log_path(name), (time_t)INT64_MAX);
		assert_int_equal(stat(log_path(name), &status), 0);
	}
	set_time(log_folder, (time_t)INT64_MAX);
	snapshot = log_open(true);
	delta_snapshot_detail(snapshot, &detail);
	assert_int_equal(detail.timestamp_ms, delta_file_ms(status.st_mtim) + 1);
	assert_true(detail.timestamp_ms > 0);
	assert_true(delta_horizon_read(&horizon, snapshot, &looks, &err));
	assert_true(delta_read_table(log_folder, NULL, batch, &err));
	assert_int_equal(batch->facts[1].u.version.timestamp_ms, detail.timestamp_ms);
	fact_batch_free(batch);
	delta_horizon_done(&horizon);
	delta_snapshot_free(snapshot);
}

static void add_rows(char *text, size_t room, const char *path, const char *records, bool hides)
{
	size_t len = strlen(text);

	(void)snprintf(text + len, room - len,
		"{\"add\":{\"path\":\"%s\",\"partitionValues\":{\"q\":\"true\"},\"size\":1,"
		"\"dataChange\":true,\"stats\":\"{\\\"numRecords\\\":%s}\"%s}}\n",
		path, records,
		hides ? ",\"deletionVector\":{\"storageType\":\"u\",\"pathOrInlineDv\":"
			 "\"ab^-aqEH.-t@S}K{vb[*k^\",\"sizeInBytes\":9,\"cardinality\":10}"
		       : "");
}

static void test_sums_beyond_64_bits(void **unused)
{
	struct delta_condition condition = { 0 };
	struct delta_condition_look look = { .path = text_of(log_folder), .name = TEXT("t"),
		.flag = TEXT("q"), .now_ms = 1000, .keep_bytes = INT64_MAX };
	struct fact_batch *batch = fact_batch_new();
	char text[4096] = "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n"
		"{\"metaData\":{\"id\":\"i\",\"format\":{},\"schemaString\":\"{}\","
		"\"partitionColumns\":[\"q\"],\"configuration\":{}}}\n";
	struct delta_snapshot *snapshot;
	struct delta_detail detail;

	(void)unused;
	add_rows(text, sizeof text, "a", "4611686018427387904", false);
	add_rows(text, sizeof text, "b", "4611686018427387899", false);
	add_rows(text, sizeof text, "c", "10", true);
	log_write("_delta_log/00000000000000000000.json", text, 0);
	snapshot = log_open(false);
	delta_snapshot_detail(snapshot, &detail);
	assert_true(detail.records == FACT_UNKNOWN); /* no number of 64 bits */
	assert_true(detail.rows == INT64_MAX - 4);
	delta_snapshot_free(snapshot);
	add_rows(text, sizeof text, "d", "60", false);
	log_write("_delta_log/00000000000000000000.json", text, 0);
	assert_true(delta_condition_look(&condition, &look, batch));
	assert_int_equal(batch->facts[0].kind, FACT_TABLE);
	assert_true(batch->facts[0].u.table.rows == FACT_UNKNOWN);
	assert_true(batch->facts[0].u.table.flagged == FACT_UNKNOWN);
	delta_condition_drop(&condition);
	fact_batch_free(batch);
}

static void test_properties_in_capitals(void **unused)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1 = not understood */
	} intervals[] = { { "interval 1 week", 604800000 }, { "INTERVAL 2 DAYS", 172800000 },
		{ "Interval 1 Day 2 Hours", 93600000 }, { "3 minutes", 180000 }, { "interval", -1 },
		{ "interval 1 month", -1 }, { "interval 1 s", -1 }, { "1 dayss", -1 } };
	struct delta_snapshot *snapshot;
	struct delta_detail detail;

	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(intervals); i++) {
		int64_t ms = -1;
		bool good = delta_interval(text_of(intervals[i].text), &ms);

		assert_int_equal(good, intervals[i].ms >= 0);
		assert_int_equal(good ? ms : -1, intervals[i].ms);
	}
	log_commit(0, 5000, "\"delta.enableInCommitTimestamps\":\"TRUE\"", "+a");
	log_write("_delta_log/00000000000000000001.json",
		"{\"commitInfo\":{\"inCommitTimestamp\":7777}}\n", 9000);
	snapshot = log_open(false);
	delta_snapshot_detail(snapshot, &detail);
	assert_int_equal(detail.timestamp_ms, 7777);
	delta_snapshot_free(snapshot);
}

static void test_lifetimes_count_as_memory(void **unused)
{
	enum { FILES = 300 };
	struct delta_condition condition = { 0 };
	struct delta_condition_look look = { .path = text_of(log_folder), .name = TEXT("t"),
		.now_ms = 1000, .keep_bytes = FILES * 300 };
	struct fact_batch *batch = fact_batch_new();

	(void)unused;
	log_commit(0, 0, "", "+a");
	for (int v = 1; v <= FILES; v++) {
		char files[64];

		(void)snprintf(files, sizeof files, "+f%d %s%d", v, v > 1 ? "-f" : "+g", v - 1);
		log_commit(v, 0, NULL, files);
	}
	/* Of each removed file its path and versions are kept, and where it lies. */
	assert_true(delta_condition_look(&condition, &look, batch));
	assert_null(condition.snapshot);
	look.keep_bytes = FILES * 2000;
	assert_true(delta_condition_look(&condition, &look, batch));
	assert_non_null(condition.snapshot);
	assert_true(delta_condition_bytes(&condition) > FILES * 300);
	delta_condition_drop(&condition);
	fact_batch_free(batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_where_files_are, log_set_up, log_tear_down),
		cmocka_unit_test_setup_teardown(
			test_sidecars_by_their_whole_path, log_set_up, log_tear_down),
		cmocka_unit_test_setup_teardown(
			test_vectors_that_changed, log_set_up, log_tear_down),
		cmocka_unit_test_setup_teardown(
			test_made_anew_with_as_many_versions, log_set_up, log_tear_down),
		cmocka_unit_test_setup_teardown(
			test_what_was_got_around_is_no_error, log_set_up, log_tear_down),
		cmocka_unit_test_setup_teardown(
			test_files_of_impossible_times, log_set_up_in_memory, log_tear_down),
		cmocka_unit_test_setup_teardown(
			test_sums_beyond_64_bits, log_set_up, log_tear_down),
		cmocka_unit_test_setup_teardown(
			test_properties_in_capitals, log_set_up, log_tear_down),
		cmocka_unit_test_setup_teardown(
			test_lifetimes_count_as_memory, log_set_up, log_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
