/* SPDX-License-Identifier: Apache-2.0 */
/* A damaged store is told as such: not shown as one that knows nothing, nor read out of bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/mem.h"
#include "store/lag.h"
#include "store/reader.h"
#include "tests/lib/place.h"
#include "tests/lib/streams.h"

#define T0 INT64_C(1772445600000)

static struct reader *reader;
static struct arena arena;

/* An event that points into a log, and a table with one version and its standing. */
static void fill(void)
{
	const struct fact_segment segment = { .path = TEXT("/var/log/gone.json"), .head_len = 1 };
	struct store *store = place_open();
	struct fact_batch *batch = fact_batch_new();
	struct fact_event *event = fact_batch_event(batch);
	struct err err = ERR_INIT;
	struct fact *fact;

	batch->source = TEXT("eventlog a");
	event->happened_at_ms = T0;
	event->id[0] = 1;
	event->segment = fact_batch_segment(batch, &segment);
	event->length = 10;
	fact = fact_batch_fact(batch, FACT_VERSION, T0);
	fact->u.version = (struct fact_version){ .path = TEXT("/lake/t"), .timestamp_ms = T0,
		.is_blind_append = -1 };
	fact = fact_batch_fact(batch, FACT_STANDING, T0);
	fact->u.standing = (struct fact_standing){ .path = TEXT("/lake/t"),
		.standing = STANDING_CURRENT, .until_ms = FACT_UNKNOWN };
	fact = fact_batch_fact(batch, FACT_CONNECTOR, T0);
	fact->u.connector = (struct fact_connector){ .connect = TEXT("c"), .connector = TEXT("k"),
		.state = CONNECTOR_RUNNING, .worst = CONNECTOR_RUNNING };
	if (!store_put(store, &batch, place_deadline(), &err) ||
		!store_flush(store, place_deadline(), &err))
		fail_msg("%s", err.text);
	fact_batch_free(batch);
	store_close(store);
}

/* The table's first page says that it is none of a tree. */
static void break_table(const char *name)
{
	char sql[128];
	FILE *file;

	(void)snprintf(sql, sizeof sql, "SELECT rootpage FROM sqlite_schema WHERE name = '%s'", name);
	file = fopen(place_store, "r+b");
	assert_non_null(file);
	assert_int_equal(fseek(file, (long)((place_ask(sql) - 1) * 8192), SEEK_SET), 0);
	assert_int_equal(fputc(0xff, file), 0xff);
	assert_int_equal(fclose(file), 0);
}

static void change(const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open_v2(place_store, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void begin(void)
{
	struct err err = ERR_INIT;

	if (!reader_open(place_store, &reader, &err) || !reader_begin(reader, READER_NOW, 0, &err))
		fail_msg("%s", err.text);
}

static int tear_down(void **state)
{
	reader_close(reader);
	reader = NULL;
	arena_free(&arena);
	return place_clear(state);
}

static void told(bool good, const struct err *err)
{
	assert_false(good);
	assert_int_equal(err->kind, ERR_STORE);
	assert_non_null(strstr(err->text, "damaged"));
}

static void a_raw_pointer_that_cannot_be_read_is_no_missing_one(void **state)
{
	const struct event_filter all = { .limit = 1 };
	struct event_rows rows;
	struct raw_event raw;
	struct err err = ERR_INIT;

	(void)state;
	fill();
	break_table("segment");
	begin();
	if (!events_list(reader, &arena, &all, &rows, &err))
		fail_msg("%s", err.text);
	assert_int_equal(rows.n, 1);
	told(event_raw(reader, &arena, rows.rows[0].k, &raw, &err), &err);
}

static void versions_that_cannot_be_read_are_no_missing_ones(void **state)
{
	struct table_rows rows;
	struct err err = ERR_INIT;

	(void)state;
	fill();
	break_table("version");
	begin();
	told(tables_list(reader, &arena, &rows, &err), &err);
}

static bool take(void *context, struct text json)
{
	struct buf *all = context;

	return buf_add(all, json);
}

static void words_outside_their_lists_are_nothing(void **state)
{
	struct version_rows rows;
	struct connector_rows connectors;
	struct err err = ERR_INIT;
	struct buf all;

	(void)state;
	fill();
	change("UPDATE standing SET standing = 1000000; UPDATE connector SET state = -7, worst = 1000000");
	begin();
	buf_init(&all, 1 << 20);
	if (!versions_list(reader, &arena, TEXT("/lake/t"), INT64_MAX, 1, &rows, &err) ||
		!connectors_list(reader, &arena, &connectors, &err) ||
		!facts_dump(reader, take, &all, &err))
		fail_msg("%s", err.text);
	assert_int_equal(rows.rows[0].standing.standing, STANDING_UNKNOWN);
	assert_int_equal(connectors.rows[0].fact.worst, CONNECTOR_UNKNOWN);
	assert_non_null(strstr(all.bytes, "\"standing\":\"\""));
	assert_non_null(strstr(all.bytes, "\"worst\":\"\""));
	buf_done(&all);
}

static void a_series_of_no_kind_is_told(void **state)
{
	const int64_t ends[] = { 10 }, places[] = { 5 };
	struct err err = ERR_INIT;
	struct lag_rows rows;
	struct feed feed;

	(void)state;
	feed_open(&feed, place_store, "kafka prod", T0);
	(void)feed_marks(&feed, "t", 1, ends, NULL);
	(void)feed_position(&feed, READER_GROUP, "g", "t", 1, places);
	feed_sweep(&feed, true, 1000);
	feed_close(&feed);
	change("UPDATE series SET kind = 1000 WHERE kind > 0");
	begin();
	told(lag_list(reader, &arena, TEXT_NONE, TEXT_NONE, &rows, &err), &err);
}

static void look_at_all(const char *path)
{
	struct err err = ERR_INIT;
	struct topic_table_rows tables;
	struct connector_rows connectors;
	struct lag_rows lags;
	struct buf all;

	buf_init(&all, 64 << 20);
	if (reader_open(path, &reader, &err) && reader_begin(reader, READER_NOW, 0, &err)) {
		bool good = lag_list(reader, &arena, TEXT_NONE, TEXT_NONE, &lags, &err);

		good = topic_tables_list(reader, &arena, TEXT_NONE, TEXT_NONE, &tables, &err) && good;
		good = connectors_list(reader, &arena, &connectors, &err) && good;
		good = facts_dump(reader, take, &all, &err) && good;
		assert_true(good || err.kind != ERR_NONE);
	}
	reader_close(reader);
	reader = NULL;
	arena_reset(&arena);
	buf_done(&all);
}

/* Any damaged byte of a store of lag is an error or goes unseen; nothing crashes. */
static void damage_of_lag_is_named(void **state)
{
	char file[sizeof place_store + 8];
	uint64_t seed = 7;
	char *bytes, *copy;
	size_t len;
	FILE *in, *out;

	(void)state;
	streams_fill(place_store, STREAMS_NOW_MS, 12);
	in = fopen(place_store, "rb");
	assert_non_null(in);
	assert_int_equal(fseek(in, 0, SEEK_END), 0);
	len = (size_t)ftell(in);
	rewind(in);
	bytes = mem_alloc(len);
	copy = mem_alloc(len);
	assert_int_equal(fread(bytes, 1, len, in), len);
	(void)fclose(in);
	(void)snprintf(file, sizeof file, "%s.hit", place_store);
	for (int round = 0; round < 60; round++) {
		memcpy(copy, bytes, len);
		for (int hit = 0; hit < 40; hit++) {
			seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
			copy[200 + (seed >> 20) % (len - 200)] = (char)(seed >> 12);
		}
		out = fopen(file, "wb");
		assert_non_null(out);
		assert_int_equal(fwrite(copy, 1, len, out), len);
		assert_int_equal(fclose(out), 0);
		look_at_all(file);
	}
	free(copy);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_raw_pointer_that_cannot_be_read_is_no_missing_one, tear_down),
		cmocka_unit_test_teardown(versions_that_cannot_be_read_are_no_missing_ones, tear_down),
		cmocka_unit_test_teardown(words_outside_their_lists_are_nothing, tear_down),
		cmocka_unit_test_teardown(a_series_of_no_kind_is_told, tear_down),
		cmocka_unit_test_teardown(damage_of_lag_is_named, tear_down),
	};

	return cmocka_run_group_tests(tests, place_make, place_remove);
}
