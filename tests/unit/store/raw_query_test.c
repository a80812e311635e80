/* SPDX-License-Identifier: Apache-2.0 */
/* Raw JSON by pointer: found where it stands or where the log was moved to; else gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/reader.h"
#include "store/store.h"

enum { LINES = 40 };

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
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
