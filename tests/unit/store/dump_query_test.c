/* SPDX-License-Identifier: Apache-2.0 */
/* The dump tells every kind of fact, in an order and form that depend on the facts alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/reader.h"
#include "tests/lib/place.h"
#include "tests/lib/sample.h"
#include "tests/lib/streams.h"

enum { DUMP_MAX = 64 << 20 };
#define T0 INT64_C(1772445600000)

static bool put_line(void *context, struct text json)
{
	return buf_add(context, json) && buf_add_char(context, '\n');
}

static void dump(int64_t as_of_ms, struct buf *out)
{
	struct reader *reader = NULL;
	struct err err = ERR_INIT;

	buf_reset(out);
	if (!reader_open(place_store, &reader, &err) || !reader_begin(reader, as_of_ms, 0, &err) ||
		!facts_dump(reader, put_line, out, &err))
		fail_msg("%s", err.text);
	reader_end(reader);
	reader_close(reader);
	assert_false(out->full);
}

/* Lines of one kind, each with its end. */
static void only(const char *kind, const struct buf *all, struct buf *out)
{
	char head[64];
	struct text rest = buf_text(all), line;

	buf_reset(out);
	(void)snprintf(head, sizeof head, "{\"kind\":\"%s\"", kind);
	while (text_split(&rest, '\n', &line)) {
		if (text_starts(line, text_of(head)))
			(void)put_line(out, line);
	}
}

static void expect_lines(int64_t as_of_ms, const char *kind, const char *wanted)
{
	struct buf all, lines;

	buf_init(&all, DUMP_MAX);
	buf_init(&lines, DUMP_MAX);
	dump(as_of_ms, &all);
	only(kind, &all, &lines);
	if (!text_is(buf_text(&lines), wanted))
		fail_msg("%s:\n%s\nwanted\n%s", kind, lines.bytes, wanted);
	buf_done(&all);
	buf_done(&lines);
}

/* A kind that a store may hold and the dump forgets is found here, whoever adds it. */
static void every_kind_is_told(void **state)
{
	struct buf all, lines;
	struct err err = ERR_INIT;

	(void)state;
	if (!sample_store(place_store, &err))
		fail_msg("%s", err.text);
	streams_fill(place_store, STREAMS_NOW_MS, 3);
	buf_init(&all, DUMP_MAX);
	buf_init(&lines, DUMP_MAX);
	dump(READER_NOW, &all);
	for (int kind = 0; kind < FACT_KIND_COUNT; kind++) {
		only(fact_kind_name((enum fact_kind)kind), &all, &lines);
		/* health is about this store's own sources */
		if ((lines.len > 0) != (kind != FACT_HEALTH))
			fail_msg("%s: %zu bytes", fact_kind_name((enum fact_kind)kind), lines.len);
	}
	buf_done(&all);
	buf_done(&lines);
}

/* One topic with two partitions and a reader of it, seen three times, of which the last is the same. */
static void sweeps(struct feed *feed, const char *topic, const char *reader)
{
	static const int64_t highs[][2] = { { 100, 200 }, { 150, 200 }, { 150, 200 } };
	static const int64_t places[][2] = { { 90, FACT_UNKNOWN }, { 150, 40 }, { 150, 40 } };

	for (size_t i = 0; i < ARRAY_LEN(highs); i++) {
		struct fact_position *position;

		feed_marks(feed, topic, 2, highs[i], NULL)->retention_ms = i > 0 ? 3600000 : FACT_UNKNOWN;
		position = feed_position(feed, READER_GROUP, reader, topic, 2, places[i]);
		position->state = i > 0 ? TEXT("Stable") : TEXT_NONE;
		position->members = 3;
		feed_sweep(feed, true, 10000);
	}
}

static void lag_is_told_as_it_changed(void **state)
{
	struct feed feed;

	(void)state;
	feed_open(&feed, place_store, "kafka prod", T0);
	sweeps(&feed, "orders", "billing");
	feed_close(&feed);
	expect_lines(READER_NOW, "marks",
		"{\"kind\":\"marks\",\"cluster\":\"prod\",\"topic\":\"orders\","
		"\"happened_at_ms\":1772445600000,\"compacted\":0,\"partitions\":["
		"{\"partition\":0,\"high\":100,\"low\":0,\"leader\":1},"
		"{\"partition\":1,\"high\":200,\"low\":0,\"leader\":2}]}\n"
		"{\"kind\":\"marks\",\"cluster\":\"prod\",\"topic\":\"orders\","
		"\"happened_at_ms\":1772445610000,\"retention_ms\":3600000,\"compacted\":0,"
		"\"partitions\":["
		"{\"partition\":0,\"high\":150,\"low\":0,\"leader\":1},"
		"{\"partition\":1,\"high\":200,\"low\":0,\"leader\":2}]}\n");
	expect_lines(READER_NOW, "position",
		"{\"kind\":\"position\",\"witness\":\"group\",\"reader\":\"billing\","
		"\"cluster\":\"prod\",\"topic\":\"orders\",\"happened_at_ms\":1772445600000,"
		"\"members\":3,\"places\":[{\"partition\":0,\"processed\":90}]}\n"
		"{\"kind\":\"position\",\"witness\":\"group\",\"reader\":\"billing\","
		"\"cluster\":\"prod\",\"topic\":\"orders\",\"happened_at_ms\":1772445610000,"
		"\"state\":\"Stable\",\"members\":3,\"places\":[{\"partition\":0,\"processed\":150},"
		"{\"partition\":1,\"processed\":40}]}\n");
	/* every look is a fact, and none that came after the moment asked for is told */
	expect_lines(T0 + 10000, "sweep",
		"{\"kind\":\"sweep\",\"cluster\":\"prod\",\"happened_at_ms\":1772445600000,"
		"\"took_ms\":40,\"brokers\":3,\"brokers_down\":0,\"topics\":2,"
		"\"partitions\":24,\"groups\":5,\"unread\":0}\n"
		"{\"kind\":\"sweep\",\"cluster\":\"prod\",\"happened_at_ms\":1772445610000,"
		"\"took_ms\":40,\"brokers\":3,\"brokers_down\":0,\"topics\":2,"
		"\"partitions\":24,\"groups\":5,\"unread\":0}\n");
}

/* Past its keyframes a series goes on as it was told: each change once. */
static void keyframes_are_no_facts(void **state)
{
	enum { CHANGES = 600 };
	struct feed feed;
	struct buf all, lines;
	struct text rest, line;
	char wanted[240];
	int64_t n = 0;

	(void)state;
	feed_open(&feed, place_store, "kafka prod", T0);
	for (int64_t i = 0; i < CHANGES; i++) {
		(void)feed_marks(&feed, "orders", 1, &i, NULL);
		feed_sweep(&feed, true, 1000);
	}
	feed_close(&feed);
	assert_true(place_ask("SELECT count(*) FROM lag_change WHERE key = 1") > 0);
	buf_init(&all, DUMP_MAX);
	buf_init(&lines, DUMP_MAX);
	dump(READER_NOW, &all);
	only("marks", &all, &lines);
	rest = buf_text(&lines);
	while (text_split(&rest, '\n', &line) && line.len > 0) {
		(void)snprintf(wanted, sizeof wanted,
			"{\"kind\":\"marks\",\"cluster\":\"prod\",\"topic\":\"orders\","
			"\"happened_at_ms\":%lld,\"compacted\":0,\"partitions\":["
			"{\"partition\":0,\"high\":%lld,"
			"\"low\":0,\"leader\":1}]}", (long long)(T0 + n * 1000), (long long)n);
		if (!text_is(line, wanted))
			fail_msg("line %lld: %.*s", (long long)n, TEXT_ARG(line));
		n++;
	}
	assert_int_equal(n, CHANGES);
	buf_done(&all);
	buf_done(&lines);
}

/* The first row of a series may be a keyframe once what stood before it is past its days. */
static void a_series_may_begin_with_a_keyframe(void **state)
{
	struct buf all, lines;
	sqlite3 *db = NULL;

	keyframes_are_no_facts(state);
	assert_int_equal(sqlite3_open(place_store, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "DELETE FROM lag_change WHERE key = 0 AND at <="
					  " (SELECT min(at) FROM lag_change WHERE key = 1)",
				 NULL, NULL, NULL), SQLITE_OK);
	assert_true(sqlite3_changes(db) > 0);
	sqlite3_close(db);
	buf_init(&all, DUMP_MAX);
	buf_init(&lines, DUMP_MAX);
	dump(READER_NOW, &all);
	only("marks", &all, &lines);
	assert_non_null(strstr(lines.bytes, "\"high\":599,"));
	assert_null(strstr(lines.bytes, "\"high\":0,"));
	buf_done(&all);
	buf_done(&lines);
}

static void a_minute_is_told_once_by_name(void **state)
{
	struct feed feed;

	(void)state;
	feed_open(&feed, place_store, "kafka prod", T0);
	(void)feed_table(&feed, "orders", "shop.zebra", 5);
	feed_put(&feed, 1000);
	feed.now_ms = T0;
	(void)feed_table(&feed, "orders", "shop.apple", 2);
	(void)feed_table(&feed, "orders", "shop.zebra", 9);
	feed_put(&feed, 1000);
	feed_close(&feed);
	expect_lines(READER_NOW, "topic_table",
		"{\"kind\":\"topic_table\",\"cluster\":\"prod\",\"topic\":\"orders\","
		"\"table\":\"shop.apple\",\"happened_at_ms\":1772445600000,\"counted\":2,\"bytes\":600,"
		"\"creates\":0,\"updates\":2,\"deletes\":0,\"reads\":0,\"tombstones\":0,"
		"\"delay_sum_ms\":500,\"delay_max_ms\":900,\"delays\":2}\n"
		"{\"kind\":\"topic_table\",\"cluster\":\"prod\",\"topic\":\"orders\","
		"\"table\":\"shop.zebra\",\"happened_at_ms\":1772445600000,\"counted\":9,\"bytes\":2700,"
		"\"creates\":0,\"updates\":9,\"deletes\":0,\"reads\":0,\"tombstones\":0,"
		"\"delay_sum_ms\":2250,\"delay_max_ms\":900,\"delays\":9}\n");
}

/* The same facts, told by other sources in another order: the same bytes. */
static void order_of_telling_does_not_show(void **state)
{
	struct buf first, second;
	struct feed feed;

	(void)state;
	buf_init(&first, DUMP_MAX);
	buf_init(&second, DUMP_MAX);
	feed_open(&feed, place_store, "kafka prod", T0);
	sweeps(&feed, "orders", "billing");
	feed.now_ms = T0 + 5000;
	sweeps(&feed, "claims", "audit");
	feed_close(&feed);
	dump(READER_NOW, &first);
	assert_int_equal(place_clear(state), 0);
	feed_open(&feed, place_store, "kafka other", T0);
	feed.now_ms = T0 + 5000;
	sweeps(&feed, "claims", "audit");
	feed.now_ms = T0;
	sweeps(&feed, "orders", "billing");
	feed_close(&feed);
	dump(READER_NOW, &second);
	if (!text_eq(buf_text(&first), buf_text(&second)))
		fail_msg("%s\n\n%s", first.bytes, second.bytes);
	buf_done(&first);
	buf_done(&second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(every_kind_is_told, place_clear),
		cmocka_unit_test_teardown(lag_is_told_as_it_changed, place_clear),
		cmocka_unit_test_teardown(keyframes_are_no_facts, place_clear),
		cmocka_unit_test_teardown(a_series_may_begin_with_a_keyframe, place_clear),
		cmocka_unit_test_teardown(a_minute_is_told_once_by_name, place_clear),
		cmocka_unit_test_teardown(order_of_telling_does_not_show, place_clear),
	};

	return cmocka_run_group_tests(tests, place_make, place_remove);
}
