/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Raw JSON by pointer: found where it stands or where the log was moved to; else gone. Raw JSON that
 * is kept: compressed by whoever puts it, given back as it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <pthread.h>
#include <zlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/raw_pack.h"
#include "store/reader.h"
#include "store/store.h"

enum { LINES = 40, KEPT = 200, KEPT_BATCHES = 6, KEPT_BYTES = 700 };

static char folder[] = "/tmp/weir-raw-XXXXXX";
static char store_path[64], log_path[64], other_path[64];
static struct buf text; /* the log's decompressed bytes */
static int64_t offsets[LINES + 1];
static struct arena arena;
static struct err err = ERR_INIT;

static void make_text(void)
{
	buf_init(&text, 1 << 20);
	buf_reset(&text);
	for (int i = 0; i < LINES; i++) {
		offsets[i] = (int64_t)text.len;
		buf_addf(&text, "{\"id\": \"000000%02x-0000-4000-8000-0000000000AA\", \"message\": "
				"\"a } and a \\\" in number %d\", \"list\": [1, {\"a\": 2}]}\n", i, i);
	}
	offsets[LINES] = (int64_t)text.len;
}

static void write_log(const char *path, bool compressed)
{
	if (compressed) {
		gzFile out = gzopen(path, "wb");

		assert_int_equal(gzwrite(out, text.bytes, (unsigned)text.len), text.len);
		assert_int_equal(gzclose(out), Z_OK);
	} else {
		FILE *out = fopen(path, "wb");

		assert_int_equal(fwrite(text.bytes, 1, text.len, out), text.len);
		assert_int_equal(fclose(out), 0);
	}
}

/* One event a line, as a collector would tell of it; head of what is on disk or decompressed. */
static void fill(struct fact_batch *batch, bool compressed, bool head_of_disk)
{
	struct stat st;
	char head[256];
	FILE *in = fopen(log_path, "rb");
	size_t len = fread(head, 1, sizeof head, in);
	struct fact_segment segment = { .path = text_of(log_path), .compressed = compressed };
	uint32_t at;

	(void)fclose(in);
	assert_int_equal(stat(log_path, &st), 0);
	segment.device = (int64_t)st.st_dev;
	segment.inode = (int64_t)st.st_ino;
	if (!head_of_disk) {
		len = sizeof head;
		memcpy(head, text.bytes, len);
	}
	segment.head_len = (int64_t)len;
	segment.head_hash = text_hash((struct text){ head, len });
	at = fact_batch_segment(batch, &segment);
	batch->source = TEXT("eventlog raw");
	for (int i = 0; i < LINES; i++) {
		struct fact_event *event = fact_batch_event(batch);

		event->id[3] = (unsigned char)i;
		event->id[6] = 0x40;
		event->id[8] = 0x80;
		event->id[15] = 0xaa;
		event->happened_at_ms = 1000000 + i;
		event->segment = at;
		event->offset = offsets[i];
		event->length = offsets[i + 1] - offsets[i] - 1;
	}
}

static void make_store(bool compressed, bool head_of_disk)
{
	struct store_options options = { .path = store_path, .clock = clock_system() };
	struct fact_batch *batch = fact_batch_new();
	struct store *store = NULL;

	(void)unlink(store_path);
	fill(batch, compressed, head_of_disk);
	if (!store_open(&options, &store, &err) || !store_put(store, &batch, INT64_MAX, &err) ||
		!store_flush(store, INT64_MAX, &err))
		fail_msg("%s", err.text);
	store_close(store);
	fact_batch_free(batch);
}

static void expect(enum raw_place place, const char *where)
{
	struct event_filter filter = { .limit = LINES, .oldest_first = true };
	struct reader *reader = NULL;
	struct event_rows rows;

	if (!reader_open(store_path, &reader, &err) || !reader_begin(reader, READER_NOW, 0, &err) ||
		!events_list(reader, &arena, &filter, &rows, &err))
		fail_msg("%s", err.text);
	assert_int_equal(rows.n, LINES);
	for (size_t i = 0; i < LINES; i++) {
		struct raw_event raw;

		if (!event_raw(reader, &arena, rows.rows[i].k, &raw, &err))
			fail_msg("%s", err.text);
		assert_int_equal(raw.place, place);
		if (place != RAW_LOG) {
			assert_null(raw.json.bytes);
			continue;
		}
		assert_true(text_eq(raw.json, text_sub(buf_text(&text), (size_t)offsets[i],
						      (size_t)(offsets[i + 1] - offsets[i] - 1))));
		assert_true(text_starts(raw.where, text_of(where)));
	}
	reader_close(reader);
	arena_reset(&arena);
}

static void a_log_where_it_was(void **state)
{
	(void)state;
	write_log(log_path, false);
	make_store(false, true);
	expect(RAW_LOG, log_path);
}

static void a_rotated_log(void **state)
{
	(void)state;
	write_log(log_path, false);
	make_store(false, true);
	assert_int_equal(rename(log_path, other_path), 0);
	expect(RAW_LOG, other_path);
	write_log(log_path, false); /* a new life under the old name */
	expect(RAW_LOG, other_path);
	assert_int_equal(unlink(other_path), 0);
	expect(RAW_GONE, NULL);
}

static void a_compressed_log(void **state)
{
	(void)state;
	for (int head_of_disk = 0; head_of_disk < 2; head_of_disk++) {
		write_log(log_path, true);
		make_store(true, head_of_disk);
		expect(RAW_LOG, log_path);
	}
}

/* The same inode with another beginning, or the same beginning with other lines behind it. */
static void a_log_written_anew(void **state)
{
	FILE *out;

	(void)state;
	write_log(log_path, false);
	make_store(false, true);
	out = fopen(log_path, "r+b");
	assert_int_equal(fputs("{\"something\":", out) >= 0, 1);
	assert_int_equal(fclose(out), 0);
	expect(RAW_GONE, NULL);
	write_log(log_path, false);
	assert_int_equal(truncate(log_path, 10), 0);
	expect(RAW_GONE, NULL);
}

/* Of event number i: long enough for a dictionary, no two alike. */
static struct text kept_json(int64_t i, char *bytes)
{
	int len = snprintf(bytes, KEPT_BYTES, "{\"number\":%lld,\"message\":\"", (long long)i);

	for (int at = len; at < KEPT_BYTES - 2; at++)
		bytes[at] = (char)('a' + (at * 7 + i * at % 11) % 26);
	memcpy(bytes + KEPT_BYTES - 2, "\"}", 2);
	return (struct text){ bytes, KEPT_BYTES };
}

static void fill_kept(struct fact_batch *batch, int64_t from)
{
	char bytes[KEPT_BYTES];

	batch->source = TEXT("eventlog kept");
	for (int64_t i = from; i < from + KEPT; i++) {
		struct fact_event *event = fact_batch_event(batch);

		memcpy(event->id, &i, sizeof i);
		event->happened_at_ms = 2000000 + i;
		event->type = EVENT_FLOW_DEFINITION;
		event->level = LEVEL_WARN;
		event->raw = arena_text(&batch->arena, kept_json(i, bytes));
	}
}

struct keeper {
	struct store *store;
	int64_t from;
	struct err err;
};

static void *keep(void *context)
{
	struct keeper *keeper = context;
	struct fact_batch *batch = fact_batch_new();

	for (int64_t i = 0; i < KEPT_BATCHES && keeper->err.kind == ERR_NONE; i++) {
		fill_kept(batch, keeper->from + i * KEPT);
		(void)store_put(keeper->store, &batch, INT64_MAX, &keeper->err);
	}
	fact_batch_free(batch);
	return NULL;
}

static void expect_kept(int64_t n)
{
	struct event_filter filter = { .limit = (size_t)n + 1, .oldest_first = true };
	struct reader *reader = NULL;
	struct event_rows rows;
	char bytes[KEPT_BYTES];

	if (!reader_open(store_path, &reader, &err) || !reader_begin(reader, READER_NOW, 0, &err) ||
		!events_list(reader, &arena, &filter, &rows, &err))
		fail_msg("%s", err.text);
	assert_int_equal(rows.n, n);
	for (int64_t i = 0; i < n; i++) {
		struct raw_event raw;

		if (!event_raw(reader, &arena, rows.rows[i].k, &raw, &err))
			fail_msg("%s", err.text);
		assert_int_equal(raw.place, RAW_STORE);
		assert_true(text_eq(raw.json, kept_json(i, bytes)));
	}
	reader_close(reader);
	arena_reset(&arena);
}

static void raw_that_is_kept(void **state)
{
	struct store_options options = { .path = store_path, .clock = clock_system() };
	struct keeper keepers[2] = { 0 };
	pthread_t threads[2];
	struct store *store = NULL;

	(void)state;
	(void)unlink(store_path);
	if (!store_open(&options, &store, &err))
		fail_msg("%s", err.text);
	for (int i = 0; i < 2; i++) {
		keepers[i] = (struct keeper){ store, i * KEPT_BATCHES * KEPT, ERR_INIT };
		assert_int_equal(pthread_create(&threads[i], NULL, keep, &keepers[i]), 0);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_string_equal(keepers[i].err.text, "");
	}
	if (!store_flush(store, INT64_MAX, &err))
		fail_msg("%s", err.text);
	store_close(store);
	expect_kept(2 * KEPT_BATCHES * KEPT);
}

/* Against the dictionary of the test before this one. */
static void raw_is_compressed_before_it_is_put(void **state)
{
	struct fact_batch *batch = fact_batch_new();
	struct raw_packer *packer = NULL;
	sqlite3 *db = NULL;
	char bytes[KEPT_BYTES];

	(void)state;
	assert_int_equal(sqlite3_open_v2(store_path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	if (!raw_packer_open(db, &packer, &err))
		fail_msg("%s", err.text);
	fill_kept(batch, 0);
	batch->events[0].type = EVENT_DATASET_DEFINITION; /* which has no dictionary */
	for (int again = 0; again < 2; again++) {
		raw_packer_prepare(packer, batch);
		assert_int_equal(batch->events[0].raw_dict, 0);
		assert_true(text_eq(batch->events[0].raw, kept_json(0, bytes)));
		for (size_t i = 1; i < KEPT; i++) {
			assert_true(batch->events[i].raw_dict > 0);
			assert_true(batch->events[i].raw.len < KEPT_BYTES / 2);
		}
	}
	fact_batch_reset(batch);
	fill_kept(batch, 0);
	batch->nevents = 3; /* so few are left to the writer */
	raw_packer_prepare(packer, batch);
	assert_int_equal(batch->events[1].raw_dict, 0);
	raw_packer_close(packer);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	fact_batch_free(batch);
}

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return 1;
	(void)snprintf(store_path, sizeof store_path, "%s/weir.db", folder);
	(void)snprintf(log_path, sizeof log_path, "%s/events.ndjson", folder);
	(void)snprintf(other_path, sizeof other_path, "%s/events.ndjson.1", folder);
	make_text();
	return 0;
}

static int tear_down(void **state)
{
	char command[96];

	(void)state;
	arena_free(&arena);
	buf_done(&text);
	(void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_log_where_it_was),
		cmocka_unit_test(a_rotated_log),
		cmocka_unit_test(a_compressed_log),
		cmocka_unit_test(a_log_written_anew),
		cmocka_unit_test(raw_that_is_kept),
		cmocka_unit_test(raw_is_compressed_before_it_is_put),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
