/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/eventlog/follow.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "tests/lib/place.h"

/* A directory of its own, a clock that only moves when told, and what the follower said. */
struct bench {
	char directory[64];
	char path[256]; /* what is followed */
	struct clock clock;
	struct follow *follow;
	struct buf said;   /* the records, a line each; refused ones in < > */
	struct buf cursor; /* as committed last */
	size_t max_record, step_bytes;
	bool rotated, events;
};

static void record(void *context, const struct follow_record *record)
{
	struct bench *bench = context;

	/* The padding may be read: the sanitizer would say if not. */
	if (!record->refused)
		assert_true(((const volatile char *)record->bytes.bytes)[record->bytes.len] != 1);
	if (record->refused)
		(void)buf_addf(&bench->said, "<%s %d>\n", record->refused, (int)record->length);
	else
		(void)buf_addf(&bench->said, "%.*s\n", TEXT_ARG(record->bytes));
}

static void open_follow(struct bench *bench)
{
	struct err err = ERR_INIT;
	struct follow_options options = {
		.path = bench->path,
		.rotated = bench->rotated,
		.max_record = bench->max_record,
		.poll_ms = 1,
		.forget_ms = 86400000,
		.without_events = !bench->events,
		.clock = &bench->clock,
	};

	if (!follow_open(&options, buf_text(&bench->cursor), &bench->follow, &err))
		fail_msg("%s", err.text);
}

static struct bench *bench_new(const char *name)
{
	struct bench *bench = NEW(struct bench);

	(void)snprintf(bench->directory, sizeof bench->directory, "/tmp/weir-follow.XXXXXX");
	assert_non_null(mkdtemp(bench->directory));
	(void)snprintf(bench->path, sizeof bench->path, "%s%s%s", bench->directory, name[0] ? "/" : "",
		name);
	bench->clock = clock_fixed(1800000000000);
	bench->max_record = 1 << 20;
	bench->step_bytes = 1 << 20;
	bench->rotated = true;
	buf_init(&bench->said, 64 << 20);
	buf_init(&bench->cursor, 1 << 20);
	open_follow(bench);
	return bench;
}

static void remove_all(const char *directory)
{
	DIR *entries = opendir(directory);
	struct dirent *entry;

	assert_non_null(entries);
	while ((entry = readdir(entries)) != NULL) {
		char path[512];

		(void)snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (unlink(path) != 0)
			remove_all(path);
	}
	(void)closedir(entries);
	(void)rmdir(directory);
}

static void bench_free(struct bench *bench)
{
	follow_close(bench->follow);
	remove_all(bench->directory);
	buf_done(&bench->said);
	buf_done(&bench->cursor);
	free(bench);
}

static const char *at(const struct bench *bench, const char *name)
{
	static char path[4][512];
	static size_t turn;

	turn = (turn + 1) % 4;
	(void)snprintf(path[turn], sizeof path[turn], "%s/%s", bench->directory, name);
	return path[turn];
}

static void append(const struct bench *bench, const char *name, const char *bytes)
{
	FILE *file = fopen(at(bench, name), "a");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, strlen(bytes), file), strlen(bytes));
	assert_int_equal(fclose(file), 0);
}

static void append_packed(const struct bench *bench, const char *name, const char *bytes)
{
	gzFile file = gzopen(at(bench, name), "ab");

	assert_non_null(file);
	assert_int_equal(gzwrite(file, bytes, (unsigned)strlen(bytes)), strlen(bytes));
	assert_int_equal(gzclose(file), Z_OK);
}

/* Steps until idle; the cursor is kept as the store would. */
static void run(struct bench *bench, bool once)
{
	struct follow_sink sink = { record, bench };
	enum follow_step step;

	do {
		bench->clock.fixed_ms += 1000;
		step = follow_step(bench->follow, &sink, bench->step_bytes, INT64_MAX, once);
		if (follow_moved(bench->follow)) {
			buf_reset(&bench->cursor);
			follow_cursor(bench->follow, &bench->cursor);
		}
	} while (step == FOLLOW_MORE);
}

/* What was said since the last call is exactly this. */
static void expect(struct bench *bench, const char *said)
{
	run(bench, false);
	assert_string_equal(bench->said.bytes, said);
	buf_reset(&bench->said);
}

static void restart(struct bench *bench)
{
	follow_close(bench->follow);
	open_follow(bench);
}

static void a_file_grows(void **state)
{
	struct bench *bench = bench_new("x.ndjson");

	(void)state;
	expect(bench, "");
	append(bench, "x.ndjson", "{\"a\":1}\n{\"a\":2}\n{\"a\"");
	expect(bench, "{\"a\":1}\n{\"a\":2}\n");
	expect(bench, "");
	append(bench, "x.ndjson", ":3}\n");
	expect(bench, "{\"a\":3}\n");
	restart(bench);
	expect(bench, "");
	append(bench, "x.ndjson", "{\"a\":4}");
	expect(bench, "{\"a\":4}\n");
	append(bench, "x.ndjson", "\n{\"a\":5}\n");
	restart(bench);
	expect(bench, "{\"a\":5}\n");
	bench_free(bench);
}

static void half_a_record_is_told_after_a_while(void **state)
{
	struct bench *bench = bench_new("x.ndjson");
	struct timespec old[] = { { 1799999990, 0 }, { 1799999990, 0 } };
	struct follow_status status;

	(void)state;
	append(bench, "x.ndjson", "{\"a\":1}\n{\"a\"");
	assert_int_equal(utimensat(AT_FDCWD, at(bench, "x.ndjson"), old, 0), 0);
	expect(bench, "{\"a\":1}\n");
	follow_status(bench->follow, &status);
	assert_null(status.unfinished);
	bench->clock.fixed_ms += 60000;
	expect(bench, "");
	follow_status(bench->follow, &status);
	assert_string_equal(status.unfinished, bench->path);
	assert_int_equal(status.unfinished_bytes, 4);
	bench_free(bench);
}

static void small_steps_and_restarts_lose_nothing(void **state)
{
	struct bench *bench = bench_new("x.json");
	struct buf expected;

	(void)state;
	buf_init(&expected, 1 << 16);
	append(bench, "x.json", "[\n");
	for (int i = 0; i < 200; i++) {
		char line[64];

		(void)snprintf(line, sizeof line, "{\"n\": %d}", i);
		(void)buf_addf(&expected, "%s\n", line);
		append(bench, "x.json", line);
		append(bench, "x.json", i == 199 ? "\n]\n" : ",\n");
	}
	bench->step_bytes = 40;
	for (int i = 0; i < 400; i++) {
		struct follow_sink sink = { record, bench };

		bench->clock.fixed_ms += 1000;
		(void)follow_step(bench->follow, &sink, 40, INT64_MAX, false);
		buf_reset(&bench->cursor);
		follow_cursor(bench->follow, &bench->cursor);
		if (i % 3 == 0)
			restart(bench);
	}
	expect(bench, expected.bytes);
	buf_done(&expected);
	bench_free(bench);
}

static void renamed_and_created(void **state)
{
	struct bench *bench = bench_new("x.log");

	(void)state;
	append(bench, "x.log", "{\"a\":1}\n");
	expect(bench, "{\"a\":1}\n");
	append(bench, "x.log", "{\"a\":2}\n");
	assert_int_equal(rename(at(bench, "x.log"), at(bench, "x.log.1")), 0);
	append(bench, "x.log", "{\"b\":1}\n");
	append(bench, "x.log.1", "{\"a\":3}\n");
	run(bench, false);
	assert_non_null(strstr(bench->said.bytes, "{\"a\":2}\n{\"a\":3}\n"));
	assert_non_null(strstr(bench->said.bytes, "{\"b\":1}\n"));
	assert_int_equal(bench->said.len, 24);
	buf_reset(&bench->said);
	/* Twice while nobody looks, the second time to a name that no rule knows. */
	follow_close(bench->follow);
	append(bench, "x.log", "{\"b\":2}\n");
	assert_int_equal(rename(at(bench, "x.log"), at(bench, "x-old-b.log")), 0);
	append(bench, "x.log", "{\"c\":1}\n");
	assert_int_equal(rename(at(bench, "x.log"), at(bench, "x.log-20260302")), 0);
	append(bench, "x.log", "{\"d\":1}\n");
	open_follow(bench);
	run(bench, false);
	assert_non_null(strstr(bench->said.bytes, "{\"b\":2}\n"));
	assert_non_null(strstr(bench->said.bytes, "{\"c\":1}\n"));
	assert_non_null(strstr(bench->said.bytes, "{\"d\":1}\n"));
	assert_int_equal(bench->said.len, 24);
	bench_free(bench);
}

static void copied_and_truncated(void **state)
{
	struct bench *bench = bench_new("x.log");
	struct buf line;

	(void)state;
	append(bench, "x.log", "{\"a\":1}\n{\"a\":2}\n");
	expect(bench, "{\"a\":1}\n{\"a\":2}\n");
	assert_int_equal(truncate(at(bench, "x.log"), 0), 0);
	append(bench, "x.log", "{\"b\":1}\n");
	expect(bench, "{\"b\":1}\n");
	/* Grown past the old place before anybody looks: the head tells. */
	assert_int_equal(truncate(at(bench, "x.log"), 0), 0);
	buf_init(&line, 1 << 16);
	(void)buf_add_str(&line, "{\"c\":\"");
	(void)buf_add_fill(&line, 'c', 100);
	(void)buf_add_str(&line, "\"}\n");
	append(bench, "x.log", line.bytes);
	expect(bench, line.bytes);
	/* A writer that does not append leaves NULs before its old place. */
	assert_int_equal(truncate(at(bench, "x.log"), 0), 0);
	assert_int_equal(truncate(at(bench, "x.log"), 300), 0);
	append(bench, "x.log", "{\"d\":1}\n");
	restart(bench);
	expect(bench, "{\"d\":1}\n");
	buf_done(&line);
	bench_free(bench);
}

static void a_document_is_written_anew(void **state)
{
	struct bench *bench = bench_new("page.json");
	struct buf page;

	(void)state;
	buf_init(&page, 1 << 16);
	(void)buf_add_str(&page, "{\"events\":[\"");
	(void)buf_add_fill(&page, 'x', 300); /* the same head in both */
	(void)buf_add_str(&page, "\"]}");
	append(bench, "page.json", page.bytes);
	run(bench, false);
	assert_int_equal(bench->said.len, page.len + 1);
	buf_reset(&bench->said);
	buf_cut(&page, page.len - 2);
	(void)buf_add_str(&page, ",\"y\"]}\n");
	assert_int_equal(truncate(at(bench, "page.json"), 0), 0);
	append(bench, "page.json", page.bytes);
	restart(bench);
	expect(bench, page.bytes);
	buf_done(&page);
	bench_free(bench);
}

static void packed_files(void **state)
{
	struct bench *bench = bench_new("x.json.gz");

	(void)state;
	append_packed(bench, "x.json.gz", "{\"a\":1}\n{\"a\":2}\n{\"a");
	append_packed(bench, "x.json.gz", "\":3}\n"); /* a second member, in the midst of a line */
	expect(bench, "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n");
	restart(bench);
	expect(bench, "");
	append_packed(bench, "x.json.gz", "{\"a\":4}\n");
	expect(bench, "{\"a\":4}\n");
	restart(bench);
	append_packed(bench, "x.json.gz", "{\"a\":5}\n");
	expect(bench, "{\"a\":5}\n");
	bench_free(bench);
}

static void damaged_packed_files_are_told(void **state)
{
	struct bench *bench = bench_new("");
	FILE *file;

	(void)state;
	append_packed(bench, "cut.json.gz", "{\"a\":1}\n{\"a\":2}\n");
	assert_int_equal(truncate(at(bench, "cut.json.gz"), 30), 0);
	run(bench, true);
	assert_non_null(strstr(bench->said.bytes, "<the gzip file ends early"));
	buf_reset(&bench->said);
	append_packed(bench, "bad.json.gz", "{\"a\":1}\n{\"a\":2}\n");
	file = fopen(at(bench, "bad.json.gz"), "r+");
	assert_non_null(file);
	assert_int_equal(fseek(file, 10, SEEK_SET), 0);
	assert_int_equal(fwrite("\xff\xff\xff\xff", 1, 4, file), 4);
	assert_int_equal(fclose(file), 0);
	run(bench, true);
	assert_non_null(strstr(bench->said.bytes, "<the gzip file is damaged here"));
	buf_reset(&bench->said);
	expect(bench, "");
	bench_free(bench);
}

static void directories_and_patterns(void **state)
{
	struct bench *bench = bench_new("");

	(void)state;
	append(bench, "a.json", "{\"a\":1}");
	append(bench, "events", "{\"e\":1}");
	append(bench, "program", "\x7f" "ELF");
	append(bench, "b.parquet", "{\"no\":1}");
	append(bench, ".hidden.json", "{\"no\":1}");
	append(bench, "_SUCCESS", "{\"no\":1}");
	append(bench, "README.md", "{\"no\":1}");
	assert_int_equal(mkdir(at(bench, "deep"), 0700), 0);
	append(bench, "deep/c.log.3", "{\"c\":1}");
	run(bench, false);
	assert_int_equal(bench->said.len, 24);
	assert_null(strstr(bench->said.bytes, "no"));
	assert_non_null(strstr(bench->said.bytes, "{\"c\":1}\n"));
	buf_reset(&bench->said);
	append(bench, "deep/d.ndjson", "{\"d\":1}");
	expect(bench, "{\"d\":1}\n");

	follow_close(bench->follow);
	buf_reset(&bench->cursor);
	(void)snprintf(bench->path, sizeof bench->path, "%s/*.json", bench->directory);
	open_follow(bench);
	expect(bench, "{\"a\":1}\n");
	append(bench, "f.json", "{\"f\":1}\n");
	expect(bench, "{\"f\":1}\n");
	append(bench, "f.json.1", "{\"f\":0}\n");
	expect(bench, "{\"f\":0}\n");
	bench_free(bench);
}

static void long_records_are_counted(void **state)
{
	struct bench *bench = bench_new("x.json");
	struct buf bytes;

	(void)state;
	follow_close(bench->follow);
	bench->max_record = 3 << 20;
	open_follow(bench);
	buf_init(&bytes, 32 << 20);
	(void)buf_add_str(&bytes, "{\"a\":\"");
	(void)buf_add_fill(&bytes, 'x', 10 << 20);
	(void)buf_add_str(&bytes, "\"}\n{\"b\":1}\n");
	append(bench, "x.json", bytes.bytes);
	expect(bench, "<longer than 3145728 bytes (max_record) 10485768>\n{\"b\":1}\n");
	/* One that is allowed, over many reads. */
	buf_reset(&bytes);
	(void)buf_add_str(&bytes, "{\"a\":\"");
	(void)buf_add_fill(&bytes, 'x', 2 << 20);
	(void)buf_add_str(&bytes, "\"}\n");
	append(bench, "x.json", bytes.bytes);
	expect(bench, bytes.bytes);
	buf_done(&bytes);
	bench_free(bench);
}

static void deleted_files_are_forgotten_later(void **state)
{
	struct bench *bench = bench_new("");

	(void)state;
	append(bench, "a.json", "{\"a\":1}\n");
	append(bench, "b.json", "{\"b\":1}\n");
	run(bench, false);
	buf_reset(&bench->said);
	append(bench, "a.json", "{\"a\":2}\n");
	assert_int_equal(unlink(at(bench, "a.json")), 0);
	expect(bench, "{\"a\":2}\n"); /* through the descriptor that is still open */
	assert_non_null(strstr(bench->cursor.bytes, "/a.json"));
	bench->clock.fixed_ms += 86400000;
	expect(bench, "");
	assert_null(strstr(bench->cursor.bytes, "/a.json"));
	assert_non_null(strstr(bench->cursor.bytes, "/b.json"));
	bench_free(bench);
}

static void events_wake(void **state)
{
	struct bench *bench = bench_new("x.json");
	struct pollfd wait = { .events = POLLIN };

	(void)state;
	follow_close(bench->follow);
	bench->events = true;
	open_follow(bench);
	append(bench, "x.json", "{\"a\":1}\n");
	expect(bench, "{\"a\":1}\n");
	wait.fd = follow_wake_fd(bench->follow);
	assert_true(wait.fd >= 0);
	assert_int_equal(poll(&wait, 1, 0), 0);
	append(bench, "x.json", "{\"a\":2}\n");
	assert_int_equal(poll(&wait, 1, PATIENCE_MS), 1);
	expect(bench, "{\"a\":2}\n");
	bench_free(bench);
}

static void strange_cursors_are_refused(void **state)
{
	static const char *const strange[] = { "follow 9\n", "{}", "follow 1\n1 2 3\n",
		"follow 1\n1 2 3 999 5 0 1 0 0 0 0 0 /x\n", "follow 1\n1 2 3 4 5 0 1 0 0 0 0 0 \n",
		"follow 1\n1 2 3 4 5 0 1 0 0 0 0 0 /x%0\n", "follow 1\n1 2 3 4 -5 0 1 0 0 0 0 0 /x\n" };
	struct clock clock = clock_fixed(0);
	struct follow_options options = { .path = "/nonexistent", .clock = &clock, .max_record = 1 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(strange); i++) {
		struct follow *follow = NULL;
		struct err err = ERR_INIT;

		assert_false(follow_open(&options, text_of(strange[i]), &follow, &err));
		assert_int_equal(err.kind, ERR_FORMAT);
	}
}

static void hostile_names_survive_the_cursor(void **state)
{
	struct bench *bench = bench_new("");

	(void)state;
	append(bench, "a\n%\x1b[31m b.json", "{\"a\":1}\n");
	expect(bench, "{\"a\":1}\n");
	restart(bench);
	expect(bench, "");
	append(bench, "a\n%\x1b[31m b.json", "{\"a\":2}\n");
	expect(bench, "{\"a\":2}\n");
	bench_free(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_grows),
		cmocka_unit_test(half_a_record_is_told_after_a_while),
		cmocka_unit_test(small_steps_and_restarts_lose_nothing),
		cmocka_unit_test(renamed_and_created),
		cmocka_unit_test(copied_and_truncated),
		cmocka_unit_test(a_document_is_written_anew),
		cmocka_unit_test(packed_files),
		cmocka_unit_test(damaged_packed_files_are_told),
		cmocka_unit_test(directories_and_patterns),
		cmocka_unit_test(long_records_are_counted),
		cmocka_unit_test(deleted_files_are_forgotten_later),
		cmocka_unit_test(events_wake),
		cmocka_unit_test(strange_cursors_are_refused),
		cmocka_unit_test(hostile_names_survive_the_cursor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
