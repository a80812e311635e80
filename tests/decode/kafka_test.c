/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "collectors/kafka/debezium.h"
#include "collectors/kafka/tally.h"
#include "store/fact.h"

#define SOURCE "\"source\":{\"db\":\"d\",\"schema\":\"s\",\"table\":\"t\",\"ts_ms\":5,\"snapshot\":\"false\"}"

static const struct {
	const char *name, *value;
	enum debezium_kind kind;
	char op;
	const char *table;
	int64_t ts_ms;
	bool snapshot;
} events[] = {
	{ "schemaless", "{\"before\":null,\"after\":{\"a\":1}," SOURCE ",\"op\":\"u\",\"ts_ms\":9}",
		DEBEZIUM_CHANGE, 'u', "d.s.t", 5, false },
	{ "with schema", "{\"schema\":{\"name\":\"x\",\"fields\":[{\"source\":{\"table\":\"no\"}}]},\"payload\":{"
			 SOURCE ",\"op\":\"c\"}}", DEBEZIUM_CHANGE, 'c', "d.s.t", 5, false },
	{ "payload first", "{\"payload\":{\"op\":\"d\"," SOURCE "},\"schema\":{}}", DEBEZIUM_CHANGE, 'd',
		"d.s.t", 5, false },
	{ "spaces", " { \"op\" : \"r\" , \"source\" : { \"table\" : \"t\" , \"ts_ms\" : 7 } } ",
		DEBEZIUM_CHANGE, 'r', "t", 7, false },
	{ "no schema name", "{\"source\":{\"db\":\"d\",\"schema\":null,\"table\":\"t\"},\"op\":\"c\"}",
		DEBEZIUM_CHANGE, 'c', "d.t", FACT_UNKNOWN, false },
	{ "a collection", "{\"source\":{\"db\":\"d\",\"collection\":\"c\"},\"op\":\"c\"}", DEBEZIUM_CHANGE,
		'c', "d.c", FACT_UNKNOWN, false },
	{ "row data that looks like a source",
		"{\"after\":{\"source\":{\"table\":\"no\"},\"op\":\"d\",\"x\":\"\\\"source\\\":{}}\"}," SOURCE
		",\"op\":\"u\"}", DEBEZIUM_CHANGE, 'u', "d.s.t", 5, false },
	{ "escaped name", "{\"source\":{\"table\":\"a\\\"b\\\\c\\u0041\\u00e9\"},\"op\":\"u\"}",
		DEBEZIUM_CHANGE, 'u', "a\"b\\cA?", FACT_UNKNOWN, false },
	{ "snapshot", "{\"source\":{\"table\":\"t\",\"snapshot\":\"last\"},\"op\":\"r\"}", DEBEZIUM_CHANGE,
		'r', "t", FACT_UNKNOWN, true },
	{ "snapshot as boolean", "{\"source\":{\"table\":\"t\",\"snapshot\":true},\"op\":\"r\"}",
		DEBEZIUM_CHANGE, 'r', "t", FACT_UNKNOWN, true },
	{ "no snapshot as boolean", "{\"source\":{\"table\":\"t\",\"snapshot\":false},\"op\":\"c\"}",
		DEBEZIUM_CHANGE, 'c', "t", FACT_UNKNOWN, false },
	{ "no time", "{\"source\":{\"table\":\"t\",\"ts_ms\":0},\"op\":\"c\"}",
		DEBEZIUM_CHANGE, 'c', "t", FACT_UNKNOWN, false },
	{ "a time before all", "{\"source\":{\"table\":\"t\",\"ts_ms\":-9223372036854775807},\"op\":\"c\"}",
		DEBEZIUM_CHANGE, 'c', "t", FACT_UNKNOWN, false },
	{ "two sources", "{\"source\":{\"table\":\"a\"},\"source\":{\"table\":\"b\"},\"op\":\"c\"}",
		DEBEZIUM_CHANGE, 'c', "b", FACT_UNKNOWN, false },
	{ "a table without a name", "{\"source\":{\"db\":\"d\",\"table\":\"\"},\"op\":\"c\"}",
		DEBEZIUM_UNKNOWN, 0, "", FACT_UNKNOWN, false },
	{ "flattened", "{\"id\":1,\"op\":\"x\",\"name\":\"n\"}", DEBEZIUM_UNKNOWN, 0, "", FACT_UNKNOWN, false },
	{ "source is a text", "{\"source\":\"app\",\"op\":\"u\"}", DEBEZIUM_UNKNOWN, 0, "", FACT_UNKNOWN, false },
	{ "table is a number", "{\"source\":{\"table\":5},\"op\":\"u\"}", DEBEZIUM_UNKNOWN, 0, "",
		FACT_UNKNOWN, false },
	{ "not JSON", "hello", DEBEZIUM_UNKNOWN, 0, "", FACT_UNKNOWN, false },
	{ "an array", "[1,2]", DEBEZIUM_UNKNOWN, 0, "", FACT_UNKNOWN, false },
	{ "cut", "{\"source\":{\"db\":\"d\",\"table\":\"t", DEBEZIUM_UNKNOWN, 0, "", FACT_UNKNOWN, false },
	{ "cut after a backslash", "{\"a\":\"\\", DEBEZIUM_UNKNOWN, 0, "", FACT_UNKNOWN, false },
	{ "unclosed", "{\"a\":[[[[[[", DEBEZIUM_UNKNOWN, 0, "", FACT_UNKNOWN, false },
	{ "closed too often", "{\"a\":]]}", DEBEZIUM_UNKNOWN, 0, "", FACT_UNKNOWN, false },
	{ "nothing", "", DEBEZIUM_TOMBSTONE, 0, "", FACT_UNKNOWN, false },
};

static void test_debezium(void **state)
{
	struct buf table;

	(void)state;
	buf_init(&table, 256);
	for (size_t i = 0; i < ARRAY_LEN(events); i++) {
		struct debezium got;

		debezium_read(text_of(events[i].value), &got, &table);
		if (got.kind != events[i].kind || got.op != events[i].op ||
			got.source_ts_ms != events[i].ts_ms || got.snapshot != events[i].snapshot ||
			!text_is(buf_text(&table), events[i].table))
			fail_msg("%s: kind %d op %d ts %" PRId64 " snapshot %d table %s", events[i].name,
				got.kind, got.op, got.source_ts_ms, got.snapshot, table.bytes);
	}
	buf_done(&table);
}

static void test_registry_head(void **state)
{
	static const char value[] = "\0\0\0\0\7{" SOURCE ",\"op\":\"u\"}";
	struct debezium got;
	struct buf table;

	(void)state;
	buf_init(&table, 256);
	debezium_read((struct text){ value, sizeof value - 1 }, &got, &table);
	assert_int_equal(got.kind, DEBEZIUM_CHANGE);
	assert_string_equal(table.bytes, "d.s.t");
	buf_done(&table);
}

static void test_key(void **state)
{
	static const struct {
		const char *key, *source;
	} keys[] = {
		{ "{\"id\":1,\"__dbz__sourceIdentifier\":\"p.s.t\"}", "p.s.t" },
		{ "{\"schema\":{},\"payload\":{\"__dbz__sourceIdentifier\":\"p.s.t\",\"id\":1}}", "p.s.t" },
		{ "{\"id\":1}", NULL }, { "17", NULL }, { "", NULL },
		{ "{\"__dbz__sourceIdentifier\":5}", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct text got = debezium_key_source(text_of(keys[i].key));

		assert_true(keys[i].source ? text_is(got, keys[i].source) : !got.bytes);
	}
	assert_null(debezium_key_source(TEXT_NONE).bytes);
}

/* A tally's rows as the store keeps them: the newest of a key replaces those before it. */
struct kept {
	struct tally_row row;
	char topic[32], table[32];
};
static struct kept kept[512];
static size_t nkept, told;

static void keep(void *context, const struct tally_row *row)
{
	const char *table = row->table ? row->table : "-";
	size_t at = 0;

	(void)context;
	told++;
	while (at < nkept && (strcmp(kept[at].topic, row->topic) != 0 ||
				     strcmp(kept[at].table, table) != 0 ||
				     kept[at].row.minute_ms != row->minute_ms))
		at++;
	assert_true(at < ARRAY_LEN(kept));
	nkept += at == nkept;
	kept[at].row = *row;
	(void)snprintf(kept[at].topic, sizeof kept[at].topic, "%s", row->topic);
	(void)snprintf(kept[at].table, sizeof kept[at].table, "%s", table);
}

static const struct tally_row *row_of(const char *table, int64_t minute)
{
	for (size_t i = 0; i < nkept; i++) {
		if (strcmp(kept[i].table, table) == 0 && kept[i].row.minute_ms == minute * 60000)
			return &kept[i].row;
	}
	return NULL;
}

static void count(struct tally *tally, int partition, int64_t offset, int64_t at_ms, const char *table,
	char op)
{
	char key[128];
	char value[256];
	struct tally_record record = { .partition = partition, .offset = offset, .at_ms = at_ms };

	(void)snprintf(key, sizeof key, "{\"id\":%d,\"__dbz__sourceIdentifier\":\"p.%s\"}", 1, table);
	(void)snprintf(value, sizeof value, "{\"source\":{\"table\":\"%s\",\"ts_ms\":%" PRId64
		"},\"op\":\"%c\"}", table, at_ms - 100, op);
	record.key = text_of(key);
	record.value = op ? text_of(value) : TEXT_NONE;
	tally_count(tally, 0, &record, at_ms + 10);
}

static struct tally *new_tally(int partitions)
{
	struct tally *tally = tally_new(keep, NULL);

	nkept = 0;
	assert_int_equal(tally_topic(tally, "topic", partitions), 0);
	for (int p = 0; p < partitions; p++)
		assert_int_equal(tally_begin(tally, 0, p, 0, true, 0, 0, 0), 0);
	return tally;
}

static void test_tally(void **state)
{
	struct tally *tally = new_tally(1);
	const struct tally_row *row;

	(void)state;
	count(tally, 0, 0, 600000, "a", 'c');
	count(tally, 0, 1, 600500, "a", 'u');
	count(tally, 0, 2, 601000, "b", 'd');
	count(tally, 0, 3, 601000, "b", 0); /* the tombstone of the delete before it */
	count(tally, 0, 4, 602000, "a", 0); /* another key: by what the router's key said before */
	count(tally, 0, 5, 602000, "c", 0); /* never seen */
	count(tally, 0, 6, 660000, "a", 'c');
	tally_tell(tally, 660100, false);
	row = row_of("a", 10);
	assert_non_null(row);
	assert_int_equal(row->counted, 3);
	assert_int_equal(row->creates, 1);
	assert_int_equal(row->updates, 1);
	assert_int_equal(row->tombstones, 1);
	assert_int_equal(row->sampled, 6);
	assert_int_equal(row->seen, 6);
	assert_int_equal(row->delays, 2);
	assert_int_equal(row->delay_sum_ms, 200);
	assert_int_equal(row->delay_max_ms, 100);
	row = row_of("b", 10);
	assert_int_equal(row->counted, 2);
	assert_int_equal(row->deletes, 1);
	assert_int_equal(row->tombstones, 1);
	assert_int_equal(row_of("-", 10)->counted, 1);
	assert_int_equal(row_of("a", 11)->counted, 1);
	/* Again what was counted is not counted; a time before the minute's is this minute's. */
	count(tally, 0, 6, 660000, "a", 'c');
	count(tally, 0, 7, 500000, "a", 'c');
	tally_tell(tally, 660200, true);
	assert_int_equal(row_of("a", 11)->counted, 2);
	assert_null(row_of("a", 8));
	tally_free(tally);
}

static void test_tally_operations(void **state)
{
	static const char ops[] = "cuudddrrrr";
	struct tally *tally = new_tally(1);
	const struct tally_row *row;
	int64_t offset = 0;

	(void)state;
	for (; ops[offset]; offset++)
		count(tally, 0, offset, 600000 + offset, "a", ops[offset]);
	for (int i = 0; i < 5; i++, offset++)
		count(tally, 0, offset, 600000 + offset, "a", 0);
	tally_tell(tally, 600100, true);
	row = row_of("a", 10);
	assert_non_null(row);
	assert_int_equal(row->counted, 15);
	assert_int_equal(row->creates, 1);
	assert_int_equal(row->updates, 2);
	assert_int_equal(row->deletes, 3);
	assert_int_equal(row->reads, 4);
	assert_int_equal(row->tombstones, 5);
	assert_int_equal(row->delays, 6); /* a snapshot's reads say nothing of delay */
	assert_int_equal(row->last_at_ms, 600000 + offset - 1);
	assert_true(row->snapshot);
	tally_free(tally);
}

/* While a minute is open: a new table at once, a large one as it grows, a small one at the end. */
static void test_tally_tells_what_is_large(void **state)
{
	struct tally *tally = new_tally(1);
	int64_t offset = 0;

	(void)state;
	count(tally, 0, offset++, 600000, "small", 'c');
	tally_tell(tally, 600000, false);
	assert_int_equal(row_of("small", 10)->counted, 1);
	for (; offset < 300; offset++)
		count(tally, 0, offset, 600000, "large", 'c');
	count(tally, 0, offset++, 600000, "small", 'c');
	told = 0;
	tally_tell(tally, 600000, false);
	assert_int_equal(told, 1);
	assert_int_equal(row_of("large", 10)->counted, 299);
	assert_int_equal(row_of("small", 10)->counted, 1);
	tally_tell(tally, 600000, false);
	assert_int_equal(told, 1); /* as it was told */
	count(tally, 0, offset++, 660000, "large", 'c');
	tally_tell(tally, 660000, false);
	assert_int_equal(row_of("small", 10)->counted, 2);
	assert_int_equal(row_of("large", 11)->counted, 1);
	tally_free(tally);
}

/* A time that cannot be is now; a clock may be ahead by a minute. */
static void test_tally_times(void **state)
{
	static const struct {
		int64_t at_ms, minute;
	} cases[] = { { -5, 10 }, { 0, 10 }, { 1, 0 }, { 600000 + 60000, 11 }, { 600000 + 60001, 10 },
		{ INT64_MAX, 10 }, { INT64_MIN, 10 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct tally *tally = new_tally(1);
		struct tally_record record = { .at_ms = cases[i].at_ms, .value = TEXT("x") };

		tally_count(tally, 0, &record, 600000);
		tally_tell(tally, 600000, true);
		assert_int_equal(nkept, 1);
		assert_int_equal(kept[0].row.minute_ms / 60000, cases[i].minute);
		tally_free(tally);
	}
}

/* What was passed over is in seen by time; what was not there from the minute's start is unknown. */
static void test_tally_samples(void **state)
{
	struct tally *tally = new_tally(1);

	(void)state;
	count(tally, 0, 0, 630000, "a", 'c');
	tally_jump(tally, 0, 0);
	count(tally, 0, 61, 690000, "a", 'c');
	count(tally, 0, 62, 720000, "a", 'c');
	tally_tell(tally, 720000, true);
	assert_int_equal(row_of("a", 10)->sampled, 1);
	assert_int_equal(row_of("a", 10)->seen, 31);
	assert_int_equal(row_of("a", 11)->sampled, 1);
	assert_int_equal(row_of("a", 11)->seen, 31);
	tally_free(tally);

	tally = tally_new(keep, NULL);
	nkept = 0;
	(void)tally_topic(tally, "topic", 1);
	(void)tally_begin(tally, 0, 0, 50, false, 0, 50, 630000);
	count(tally, 0, 50, 640000, "a", 'c');
	count(tally, 0, 51, 660000, "a", 'c');
	tally_tell(tally, 660000, true);
	assert_int_equal(row_of("a", 10)->seen, FACT_UNKNOWN);
	assert_int_equal(row_of("a", 11)->seen, 1);
	tally_free(tally);
}

/*
 * A topic that is not there for a while is read from where it was left: not a second time from its
 * beginning. One that was made anew is read from there.
 */
static void test_tally_leaves(void **state)
{
	struct tally *tally = new_tally(1);

	(void)state;
	count(tally, 0, 0, 630000, "a", 'c');
	count(tally, 0, 1, 631000, "a", 'c');
	tally_leave(tally, 0, 0);
	assert_int_equal(tally_oldest(tally), INT64_MAX);
	assert_int_equal(tally_begin(tally, 0, 0, 0, true, 0, 5, 640000), 2);
	count(tally, 0, 2, 632000, "a", 'c');
	tally_leave(tally, 0, 0);
	assert_int_equal(tally_begin(tally, 0, 0, 0, true, 0, 1, 640000), 0);
	count(tally, 0, 0, 633000, "a", 'c');
	tally_tell(tally, 640000, true);
	assert_int_equal(row_of("a", 10)->counted, 4);
	assert_int_equal(row_of("a", 10)->seen, 4);
	tally_free(tally);
}

/* The log begins again under us: counted on, though not known how much of it was seen. */
static void test_tally_anew(void **state)
{
	struct tally *tally = new_tally(1);
	struct buf places;

	(void)state;
	for (int i = 0; i < 9; i++)
		count(tally, 0, i, 630000 + i, "a", 'c');
	assert_int_equal(tally_next(tally, 0, 0), 9);
	assert_int_equal(tally_next(tally, 0, 7), 0);
	tally_anew(tally, 0, 0, 3, 640000);
	count(tally, 0, 3, 641000, "a", 'c');
	count(tally, 0, 4, 700000, "a", 'c');
	tally_tell(tally, 700000, true);
	assert_int_equal(row_of("a", 10)->counted, 10);
	assert_int_equal(row_of("a", 10)->seen, FACT_UNKNOWN);
	assert_int_equal(row_of("a", 11)->seen, 1);
	buf_init(&places, 256);
	tally_left_off(tally, &places);
	assert_string_equal(places.bytes, "topic 11 0:4\n");
	buf_done(&places);
	tally_free(tally);
}

/* A gap that nobody made by jumping (compaction, transactions) holds no records. */
static void test_tally_gaps(void **state)
{
	struct tally *tally = new_tally(1);

	(void)state;
	count(tally, 0, 0, 600000, "a", 'c');
	count(tally, 0, 100, 600001, "a", 'c');
	tally_tell(tally, 600002, true);
	assert_int_equal(row_of("a", 10)->seen, 2);
	tally_free(tally);
}

/* Many minutes at once: the oldest is told before its room is used again. */
static void test_tally_catches_up(void **state)
{
	struct tally *tally = new_tally(2);
	int64_t total = 0;

	(void)state;
	for (int64_t minute = 100; minute < 200; minute++)
		count(tally, 0, minute, minute * 60000, "a", 'c');
	count(tally, 1, 0, 100 * 60000, "a", 'c'); /* the other partition is far behind */
	tally_tell(tally, 200 * 60000, true);
	for (int64_t minute = 100; minute < 200; minute++) {
		assert_non_null(row_of("a", minute));
		total += row_of("a", minute)->counted;
	}
	assert_int_equal(total, 101);
	tally_free(tally);
}

/*
 * The same records with a restart after each of them, from where the tally says: the rows are the
 * same, whatever had been told before.
 */
static void test_tally_restarts(void **state)
{
	enum { RECORDS = 120, PARTITIONS = 3 };
	struct kept whole[64];
	size_t nwhole = 0;
	struct buf places;

	(void)state;
	buf_init(&places, 4096);
	for (int stop = -1; stop < RECORDS; stop++) {
		struct tally *tally = new_tally(PARTITIONS);
		int64_t next[PARTITIONS] = { 0 };
		bool restarted = false;

		for (int i = 0; i < RECORDS; i++) {
			int p = i % PARTITIONS;

			/* Times move on by 4 s, a little out of order, over 8 minutes. */
			if (next[p] <= i)
				count(tally, p, i, 6000000 + i * 4000 - (i % 5) * 1500, i % 2 ? "a" : "b", 'c');
			if (i % 7 == 0)
				tally_tell(tally, 6000000 + i * 4000, false);
			if (i != stop || restarted)
				continue;
			restarted = true;
			buf_reset(&places);
			tally_left_off(tally, &places);
			tally_free(tally);
			tally = tally_new(keep, NULL);
			tally_resume(tally, buf_text(&places));
			(void)tally_topic(tally, "topic", PARTITIONS);
			for (p = 0; p < PARTITIONS; p++)
				next[p] = tally_begin(tally, 0, p, RECORDS, false, 0, RECORDS, 6000000);
			i = -1; /* all comes again; what was left behind is not asked for */
		}
		tally_tell(tally, 6000000 + RECORDS * 4000, true);
		tally_free(tally);
		if (stop < 0) {
			nwhole = nkept;
			assert_true(nkept < ARRAY_LEN(whole));
			memcpy(whole, kept, nkept * sizeof *kept);
			continue;
		}
		assert_int_equal(nkept, nwhole);
		for (size_t i = 0; i < nwhole; i++) {
			const struct tally_row *row =
				row_of(whole[i].table, whole[i].row.minute_ms / 60000);

			assert_non_null(row);
			if (row->counted != whole[i].row.counted || row->sampled != whole[i].row.sampled ||
				row->seen != whole[i].row.seen)
				fail_msg("restart after %d: minute %" PRId64 " table %s: %" PRId64 " of %"
					PRId64 ", not %" PRId64 " of %" PRId64, stop,
					row->minute_ms / 60000, whole[i].table, row->counted,
					row->sampled, whole[i].row.counted, whole[i].row.sampled);
		}
	}
	buf_done(&places);
}

static void test_resume_nonsense(void **state)
{
	static const char *const texts[] = { "", "\n\n", "t", "t x", "t 5 a:b 1:-1 :: 99999999999:5",
		"t -9223372036854775808 0:1", "t 9223372036854775807 0:9223372036854775807" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct tally *tally = tally_new(keep, NULL);

		nkept = 0;
		tally_resume(tally, text_of(texts[i]));
		(void)tally_topic(tally, "topic", 1);
		tally_tell(tally, 0, true);
		tally_free(tally);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_debezium),
		cmocka_unit_test(test_registry_head),
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_tally),
		cmocka_unit_test(test_tally_operations),
		cmocka_unit_test(test_tally_tells_what_is_large),
		cmocka_unit_test(test_tally_times),
		cmocka_unit_test(test_tally_samples),
		cmocka_unit_test(test_tally_leaves),
		cmocka_unit_test(test_tally_anew),
		cmocka_unit_test(test_tally_gaps),
		cmocka_unit_test(test_tally_catches_up),
		cmocka_unit_test(test_tally_restarts),
		cmocka_unit_test(test_resume_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
