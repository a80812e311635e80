/* SPDX-License-Identifier: Apache-2.0 */
/* What the queries tell of the sample estate, and how a store that cannot be read says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/reader.h"
#include "store/store.h"
#include "tests/lib/rows.h"
#include "tests/lib/sample.h"

static char folder[] = "/tmp/weir-reader-XXXXXX";
static char path[64];
static struct reader *reader;
static struct arena arena;
static struct err err;

static void name_in(char *out, size_t size, const char *name)
{
	(void)snprintf(out, size, "%s/%s", folder, name);
}

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return 1;
	name_in(path, sizeof path, "weir.db");
	if (!sample_store(path, &err) || !reader_open(path, &reader, &err)) {
		(void)fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	return 0;
}

static int tear_down(void **state)
{
	char command[96];

	(void)state;
	reader_close(reader);
	arena_free(&arena);
	(void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
	return system(command);
}

static int begin(void **state)
{
	(void)state;
	err = (struct err)ERR_INIT;
	arena_reset(&arena);
	return reader_begin(reader, READER_NOW, 0, &err) ? 0 : 1;
}

static int end(void **state)
{
	(void)state;
	reader_end(reader);
	return 0;
}

static void ok(bool done)
{
	if (!done)
		fail_msg("%s: %s", err_kind_name(err.kind), err.text);
}

static const struct quality_row *quality_of(const struct quality_rows *rows, const char *dataset)
{
	for (size_t i = 0; i < rows->n; i++) {
		if (text_is(rows->rows[i].dataset, dataset))
			return &rows->rows[i];
	}
	fail_msg("no dataset %s", dataset);
	return NULL;
}

static void quality_is_from_rows(void **state)
{
	struct quality_rows rows;
	const struct quality_row *row;

	(void)state;
	ok(quality_list(reader, &arena, TEXT_NONE, TEXT_NONE, &rows, &err));
	row = &rows.rows[0];
	assert_true(text_is(row->dataset, "collateral_silver")); /* worst first */
	assert_int_equal(row->input, 100000);
	assert_int_equal(row->published, 92200);
	assert_int_equal(row->quarantined, 7800);
	assert_int_equal(row->sum_failures, 9112);
	assert_int_equal(row->nrules, 6);
	assert_int_equal(row->rules[0].failed, 5140);
	assert_int_equal(row->rules[0].batches, 5); /* one of them told twice */
	assert_false(row->rules[0].disputed);
	assert_true(fabs(row->trend[TREND_MAX - 1] - 0.922) < 1e-9);
	assert_true(fabs(row->trend[TREND_MAX - 2] - 1) < 1e-9);
	assert_true(isnan(row->trend[0]));

	row = quality_of(&rows, "derivative_silver");
	assert_true(row->quarantined_by_table);
	assert_int_equal(row->input, 40000);
	assert_int_equal(row->quarantined, 400);
	assert_true(row->dropped == FACT_UNKNOWN);
	assert_true(fabs(row->trend[TREND_MAX - 1] - 0.99) < 1e-9);

	row = quality_of(&rows, "security_silver");
	assert_true(row->input == FACT_UNKNOWN);
	assert_true(row->quarantined == FACT_UNKNOWN);
	assert_int_equal(row->published, 12000);
	assert_int_equal(row->nrules, 0);

	ok(quality_list(reader, &arena, TEXT("loan_silver"), TEXT("fire_regulatory"), &rows, &err));
	assert_int_equal(rows.n, 1);
	ok(quality_list(reader, &arena, TEXT_NONE, TEXT("pos_retail"), &rows, &err));
	assert_int_equal(rows.n, 1);
	ok(quality_list(reader, &arena, TEXT_NONE, TEXT("nobody"), &rows, &err));
	assert_int_equal(rows.n, 0);
}

static void retries_are_one_chain(void **state)
{
	struct pipeline_rows pipelines;
	struct update_rows updates;
	const struct pipeline_row *row;

	(void)state;
	ok(pipelines_list(reader, &arena, &pipelines, &err));
	row = &pipelines.rows[0];
	assert_true(text_is(row->pipeline, "hinge_cdc")); /* worst first */
	assert_int_equal(row->attempts, 5);
	assert_int_equal(row->nstrip, 7); /* six updates and one chain */
	assert_int_equal(row->strip[6], RUN_FAILED);
	assert_int_equal(row->strip[5], RUN_COMPLETED);
	assert_true(text_is(row->latest.error_class, "DELTA_SCHEMA_CHANGE"));
	assert_true(row->last_written_at_ms != TIME_UNKNOWN);
	assert_int_equal(row->usual_gap_ms, 55 * 60000);
	assert_true(text_is(pipelines.rows[1].pipeline, "fire_regulatory"));
	assert_int_equal(pipelines.rows[1].input, 190000);
	assert_int_equal(pipelines.rows[1].quarantined, 8250);
	assert_int_equal(pipelines.rows[1].datasets_failing, 3);
	assert_int_equal(pipelines.rows[1].nstrip, STRIP_MAX);

	ok(updates_list(reader, &arena, TEXT("hinge_cdc"), 3, &updates, &err));
	assert_int_equal(updates.n, 3);
	assert_true(updates.more);
	assert_int_equal(updates.rows[0].attempt, 5);
	assert_int_equal(updates.rows[2].attempt, 3); /* its chain begins beyond the list */
	assert_true(text_is(updates.rows[2].chain_id, "cdcfa100-0002-4000-8000-000000000002"));
	ok(updates_list(reader, &arena, text_of(SAMPLE_CDC), 50, &updates, &err));
	assert_int_equal(updates.n, 11);
	assert_int_equal(updates.rows[4].attempt, 1);
	assert_int_equal(updates.rows[5].attempt, 1);
}

static void flows_of_an_update(void **state)
{
	struct flow_rows rows;

	(void)state;
	ok(flows_list(reader, &arena, text_of(SAMPLE_FIRE_LAST), &rows, &err));
	assert_int_equal(rows.n, 6);
	assert_true(text_is(rows.rows[0].flow, "collateral_bronze"));
	ok(flows_list(reader, &arena, TEXT("f1000013"), &rows, &err));
	assert_int_equal(rows.n, 6);
	assert_false(flows_list(reader, &arena, TEXT("f100"), &rows, &err));
	assert_int_equal(err.kind, ERR_ABSENT);
	assert_non_null(strstr(err.text, "several"));
	assert_false(flows_list(reader, &arena, TEXT("f10"), &rows, &err));
	assert_false(flows_list(reader, &arena, TEXT("nosuchupdate"), &rows, &err));
	assert_int_equal(err.kind, ERR_ABSENT);
}

static size_t count_events(struct event_filter filter)
{
	struct event_rows rows;

	filter.limit = 10000;
	ok(events_list(reader, &arena, &filter, &rows, &err));
	return rows.n;
}

static void events_are_filtered(void **state)
{
	size_t all = count_events((struct event_filter){ 0 });

	(void)state;
	assert_true(all > 1000);
	assert_int_equal(count_events((struct event_filter){ .least = LEVEL_ERROR }), 10);
	assert_int_equal(count_events((struct event_filter){ .least = LEVEL_WARN }), 17);
	assert_int_equal(count_events((struct event_filter){ .pipeline = TEXT("aml_graph") }), 15);
	assert_int_equal(count_events((struct event_filter){ .pipeline = TEXT("nobody") }), 0);
	assert_int_equal(count_events((struct event_filter){ .type = TEXT("quantum_progress") }), 1);
	assert_int_equal(count_events((struct event_filter){ .type = TEXT("qubit_progress") }), 0);
	assert_int_equal(count_events((struct event_filter){ .type = TEXT("advisory") }), 2);
	assert_int_equal(count_events((struct event_filter){ .contains = TEXT("MEMORY limit") }), 1);
	assert_int_equal(count_events((struct event_filter){ .contains = TEXT("no such words") }), 0);
	assert_int_equal(count_events((struct event_filter){ .contains = TEXT("f10000 is COMPLETED") }),
		count_events((struct event_filter){
			.contains = TEXT("completed"), .pipeline = TEXT("fire_regulatory"),
			.type = TEXT("update_progress") }));
	assert_int_equal(count_events((struct event_filter){
				 .update_id = TEXT("cdcfa104"), .least = LEVEL_ERROR }), 2);
	assert_int_equal(count_events((struct event_filter){ .update_id = TEXT("unknown") }), 0);
}

/* Any part of any message finds what reading every message finds: names and numbers are marks. */
static void messages_are_searched_whole(void **state)
{
	struct event_rows all;
	uint64_t random = 7;
	size_t found = 0;

	(void)state;
	ok(events_list(reader, &arena, &(struct event_filter){ .limit = 10000 }, &all, &err));
	for (int i = 0; i < 400; i++) {
		struct text message, part;
		size_t expected = 0;

		random = random * 6364136223846793005u + 1442695040888963407u;
		message = all.rows[(random >> 33) % all.n].message;
		part = text_sub(message, (random >> 20) % (message.len + 1), 1 + (random >> 50) % 24);
		if (part.len == 0)
			continue;
		for (size_t r = 0; r < all.n; r++)
			expected += text_contains_fold(all.rows[r].message, part);
		assert_int_equal(count_events((struct event_filter){ .contains = part }), expected);
		found += expected;
	}
	assert_true(found > 1000);
}

/* Both ways through all pages every event comes once, in order; of one pipeline, those of its hours. */
static size_t walk(bool up, struct text pipeline, enum event_level least)
{
	struct event_filter filter = {
		.oldest_first = up, .limit = 97, .pipeline = pipeline, .least = least };
	struct event_rows rows;
	size_t n = 0;

	do {
		ok(events_list(reader, &arena, &filter, &rows, &err));
		for (size_t i = 0; i < rows.n; i++) {
			int64_t k = rows.rows[i].k;

			if (n++ > 0)
				assert_true(up ? k > filter.from_k : k < filter.from_k);
			filter.from_k = k;
		}
	} while (rows.more);
	return n;
}

static void events_are_paged(void **state)
{
	size_t all = count_events((struct event_filter){ 0 }), sum[2] = { 0 };
	struct pipeline_rows pipelines;

	(void)state;
	ok(pipelines_list(reader, &arena, &pipelines, &err));
	assert_int_equal(walk(true, TEXT_NONE, LEVEL_UNKNOWN), all);
	assert_int_equal(walk(false, TEXT_NONE, LEVEL_UNKNOWN), all);
	for (size_t i = 0; i < pipelines.n; i++) {
		struct text id = pipelines.rows[i].pipeline_id;

		sum[0] += walk(false, id, LEVEL_UNKNOWN);
		sum[1] += walk(true, id, LEVEL_UNKNOWN);
		assert_int_equal(walk(false, id, LEVEL_WARN), walk(true, id, LEVEL_WARN));
	}
	assert_int_equal(sum[0], all);
	assert_int_equal(sum[1], all);
}

static void tables_and_versions(void **state)
{
	struct table_rows tables;
	struct version_rows versions;

	(void)state;
	ok(tables_list(reader, &arena, &tables, &err));
	assert_int_equal(tables.n, 3);
	assert_true(text_is(tables.rows[0].table, SAMPLE_TABLE));
	assert_int_equal(tables.rows[0].version, 11);
	assert_int_equal(tables.rows[0].versions, 12);
	assert_int_equal(tables.rows[0].commits_24h, 12);
	assert_false(tables.rows[0].problem.bytes);
	assert_true(text_is(tables.rows[1].problem, "needs a checkpoint: versions 0 to 2 are not listed"));
	ok(versions_list(reader, &arena, TEXT(SAMPLE_TABLE), INT64_MAX, 5, &versions, &err));
	assert_int_equal(versions.n, 5);
	assert_true(versions.more);
	assert_int_equal(versions.rows[0].fact.version, 11);
	ok(versions_list(reader, &arena, TEXT("/lake/" SAMPLE_TABLE "/"), 7, 50, &versions, &err));
	assert_int_equal(versions.n, 7);
	assert_int_equal(versions.rows[0].fact.version, 6);
	assert_false(versions_list(reader, &arena, TEXT("nothing"), 7, 50, &versions, &err));
	assert_int_equal(err.kind, ERR_ABSENT);
}

static void sources_and_what_they_could_not_read(void **state)
{
	struct source_rows sources;
	struct undecodable_rows bad;

	(void)state;
	ok(sources_list(reader, &arena, &sources, &err));
	assert_int_equal(sources.n, SAMPLE_PART_COUNT);
	ok(undecodable_list(reader, &arena, TEXT_NONE, 10, &bad, &err));
	assert_int_equal(bad.n, 2);
	ok(undecodable_list(reader, &arena, TEXT("eventlog edge"), 1, &bad, &err));
	assert_int_equal(bad.n, 1);
	assert_true(bad.more);
	ok(undecodable_list(reader, &arena, TEXT("eventlog fire"), 10, &bad, &err));
	assert_int_equal(bad.n, 0);
}

static void raw_from_the_store(void **state)
{
	struct event_filter filter = { .least = LEVEL_ERROR, .limit = 2, .update_id = TEXT("cdcfa104") };
	struct event_rows rows;
	struct raw_event raw;

	(void)state;
	ok(events_list(reader, &arena, &filter, &rows, &err));
	ok(event_raw(reader, &arena, rows.rows[1].k, &raw, &err));
	assert_int_equal(raw.place, RAW_STORE);
	assert_true(text_starts(raw.json, TEXT("{\"id\":\"f41\"")));
	ok(event_raw(reader, &arena, rows.rows[0].k, &raw, &err));
	assert_int_equal(raw.place, RAW_NEVER);
	assert_false(event_raw(reader, &arena, 1, &raw, &err));
	assert_int_equal(err.kind, ERR_ABSENT);
}

static void before_everything_is_empty(void **state)
{
	struct pipeline_rows pipelines;
	struct quality_rows quality;
	struct table_rows tables;
	struct source_rows sources;
	struct event_rows events;
	struct event_filter filter = { .limit = 10 };

	(void)state;
	ok(reader_begin(reader, 1000, 0, &err));
	assert_true(reader_seen_at(reader) == TIME_UNKNOWN);
	ok(pipelines_list(reader, &arena, &pipelines, &err));
	ok(quality_list(reader, &arena, TEXT_NONE, TEXT_NONE, &quality, &err));
	ok(tables_list(reader, &arena, &tables, &err));
	ok(sources_list(reader, &arena, &sources, &err));
	ok(events_list(reader, &arena, &filter, &events, &err));
	assert_int_equal(pipelines.n + quality.n + tables.n + sources.n + events.n, 0);
}

static bool refuse(void *context, struct text json)
{
	(void)json;
	return --*(int *)context > 0;
}

static void dump_stops_when_told(void **state)
{
	int lines = 5;

	(void)state;
	assert_false(facts_dump(reader, refuse, &lines, &err));
	assert_int_equal(err.kind, ERR_CANCELED);
	assert_int_equal(lines, 0);
}

/* ---- opening ---- */

static void expect_refused(const char *file, enum err_kind kind, const char *words)
{
	struct reader *other = NULL;

	err = (struct err)ERR_INIT;
	assert_false(reader_open(file, &other, &err));
	assert_int_equal(err.kind, kind);
	if (!strstr(err.text, words))
		fail_msg("'%s' does not say '%s'", err.text, words);
}

static void write_file(const char *file, const char *bytes, size_t len)
{
	FILE *out = fopen(file, "wb");

	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, len, out), len);
	assert_int_equal(fclose(out), 0);
}

static void stores_that_cannot_be_read(void **state)
{
	char file[96], sql[96];
	char junk[4096];
	sqlite3 *db;

	(void)state;
	name_in(file, sizeof file, "absent.db");
	expect_refused(file, ERR_ABSENT, "weir collect starts one");
	name_in(file, sizeof file, "empty.db");
	write_file(file, "", 0);
	expect_refused(file, ERR_ABSENT, "is empty: a collector has not written yet, weir collect");
	name_in(file, sizeof file, "junk.db");
	memset(junk, 'x', sizeof junk);
	write_file(file, junk, sizeof junk);
	expect_refused(file, ERR_STORE, "not a Weir store");
	expect_refused(folder, ERR_STORE, "not a file");
	name_in(file, sizeof file, "other.db");
	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "CREATE TABLE a (b); PRAGMA user_version = 1", NULL, NULL, NULL), 0);
	sqlite3_close(db);
	expect_refused(file, ERR_STORE, "not a Weir store");
	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	(void)snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = 99", 0x57656972);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	expect_refused(file, ERR_STORE, "newer");
}

/* The store alone, where no log can be made (not by root either: its name leads nowhere). */
static void a_copy_is_read_as_it_stands(void **state)
{
	char command[640], dir[96], copy[112];
	struct reader *other = NULL;
	struct buf ours, theirs;

	(void)state;
	name_in(dir, sizeof dir, "copy?1#2%3");
	(void)snprintf(copy, sizeof copy, "%s/weir.db", dir);
	(void)snprintf(command, sizeof command,
		"mkdir '%s' && cp '%s' '%s' && chmod 400 '%s' && ln -s /nowhere/log '%s-wal'", dir, path,
		copy, copy, copy);
	assert_int_equal(system(command), 0);
	ok(reader_open(copy, &other, &err));
	buf_init(&ours, 64 << 20);
	buf_init(&theirs, 64 << 20);
	ok(rows_dump(reader, READER_NOW, &ours, &err));
	ok(rows_dump(other, READER_NOW, &theirs, &err));
	assert_true(text_eq(buf_text(&ours), buf_text(&theirs)));
	assert_false(reader_changed(other));
	reader_close(other);
	buf_done(&ours);
	buf_done(&theirs);
}

static void commit(const char *file, const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_busy_timeout(db, 10000), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* What shows is noticed once; so is another store under the name. */
static void changes_are_noticed(void **state)
{
	struct clock clock = clock_fixed(SAMPLE_NOW_MS + 1000);
	char file[96], other_file[96], log_file[96];
	struct store_options options = { .path = file, .clock = &clock };
	struct fact_batch *batch = fact_batch_new();
	struct reader *other = NULL;
	struct store *store = NULL;

	(void)state;
	name_in(file, sizeof file, "changing.db");
	name_in(other_file, sizeof other_file, "later.db");
	ok(sample_store(file, &err));
	ok(reader_open(file, &other, &err));
	assert_false(reader_changed(other));
	ok(store_open(&options, &store, &err));
	(void)reader_changed(other);
	sample_fill(batch, SAMPLE_PART_SOURCES);
	fact_batch_event(batch)->happened_at_ms = SAMPLE_NOW_MS;
	ok(store_put(store, &batch, INT64_MAX, &err));
	ok(store_flush(store, INT64_MAX, &err));
	assert_true(reader_changed(other));
	assert_false(reader_changed(other));
	ok(reader_begin(other, READER_NOW, 0, &err));
	assert_int_equal(reader_seen_at(other), SAMPLE_NOW_MS + 1000);
	reader_end(other);
	commit(file, "UPDATE pending SET k0 = k0"); /* nothing that shows */
	assert_false(reader_changed(other));
	commit(file, "INSERT INTO batch SELECT max(n) + 1, max(seen_at), max(k_max) FROM batch");
	assert_true(reader_changed(other));
	store_close(store);
	ok(sample_store(other_file, &err));
	name_in(log_file, sizeof log_file, "changing.db-wal");
	(void)unlink(log_file); /* a log left behind would be read into the other store */
	name_in(log_file, sizeof log_file, "changing.db-shm");
	(void)unlink(log_file);
	assert_int_equal(rename(other_file, file), 0);
	assert_true(reader_changed(other));
	ok(reader_begin(other, READER_NOW, 0, &err));
	assert_int_equal(reader_seen_at(other), SAMPLE_NOW_MS);
	reader_end(other);
	/* moved away: told once, and said to be gone until it is back */
	assert_int_equal(rename(file, other_file), 0);
	assert_true(reader_changed(other));
	assert_false(reader_changed(other));
	err = (struct err)ERR_INIT;
	assert_false(reader_begin(other, READER_NOW, 0, &err));
	assert_int_equal(err.kind, ERR_ABSENT);
	assert_non_null(strstr(err.text, "was removed while it was open"));
	assert_int_equal(rename(other_file, file), 0);
	assert_true(reader_changed(other));
	ok(reader_begin(other, READER_NOW, 0, &err));
	assert_int_equal(reader_seen_at(other), SAMPLE_NOW_MS);
	reader_close(other);
	fact_batch_free(batch);
}

/* Any damaged page is an error or goes unseen; nothing crashes. */
static void damage_is_named(void **state)
{
	char file[96];
	FILE *in = fopen(path, "rb");
	size_t len;
	char *bytes;
	uint64_t seed = 1;

	(void)state;
	assert_non_null(in);
	assert_int_equal(fseek(in, 0, SEEK_END), 0);
	len = (size_t)ftell(in);
	rewind(in);
	bytes = mem_alloc(len);
	assert_int_equal(fread(bytes, 1, len, in), len);
	(void)fclose(in);
	name_in(file, sizeof file, "damaged.db");
	for (int round = 0; round < 60; round++) {
		char *copy = mem_alloc(len);
		struct reader *other = NULL;
		struct buf out;

		memcpy(copy, bytes, len);
		for (int hit = 0; hit < 40; hit++) {
			seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
			copy[200 + (seed >> 20) % (len - 200)] = (char)(seed >> 12);
		}
		write_file(file, copy, len);
		buf_init(&out, 64 << 20);
		err = (struct err)ERR_INIT;
		if (reader_open(file, &other, &err) && !rows_dump(other, READER_NOW, &out, &err))
			assert_true(err.kind != ERR_NONE);
		reader_close(other);
		buf_done(&out);
		free(copy);
	}
	free(bytes);
}

static void a_budget_interrupts(void **state)
{
	struct quality_rows rows;
	bool done = true;

	(void)state;
	for (int i = 0; i < 100 && done; i++) {
		ok(reader_begin(reader, READER_NOW, 1, &err));
		for (int round = 0; round < 50 && done; round++)
			done = quality_list(reader, &arena, TEXT_NONE, TEXT_NONE, &rows, &err);
		reader_end(reader);
	}
	assert_false(done);
	assert_int_equal(err.kind, ERR_LIMIT);
}

int main(void)
{
#define SNAPSHOT_TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)
	const struct CMUnitTest tests[] = {
		SNAPSHOT_TEST(quality_is_from_rows),
		SNAPSHOT_TEST(retries_are_one_chain),
		SNAPSHOT_TEST(flows_of_an_update),
		SNAPSHOT_TEST(events_are_filtered),
		SNAPSHOT_TEST(messages_are_searched_whole),
		SNAPSHOT_TEST(events_are_paged),
		SNAPSHOT_TEST(tables_and_versions),
		SNAPSHOT_TEST(sources_and_what_they_could_not_read),
		SNAPSHOT_TEST(raw_from_the_store),
		SNAPSHOT_TEST(before_everything_is_empty),
		SNAPSHOT_TEST(dump_stops_when_told),
		cmocka_unit_test(stores_that_cannot_be_read),
		cmocka_unit_test(a_copy_is_read_as_it_stands),
		cmocka_unit_test(changes_are_noticed),
		cmocka_unit_test(damage_is_named),
		cmocka_unit_test(a_budget_interrupts),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
