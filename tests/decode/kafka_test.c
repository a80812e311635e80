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
#include "collectors/kafka/intake.h"
#include "collectors/kafka/tally.h"

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
static size_t nkept;

static void keep(void *context, const struct tally_row *row)
{
	const char *table = row->table ? row->table : "-";
	size_t at = 0;

	(void)context;
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

/* One sweep in frames: a topic, a group, its position, the end. */
static void put_sweep(struct buf *out, int64_t at_ms, bool with_topic, bool with_group, bool failed)
{
	size_t begun;

	if (with_group) {
		begun = wire_begin(out, WIRE_GROUP);
		wire_text(out, TEXT("g\x1b"));
		wire_text(out, TEXT("Stable"));
		wire_i64(out, 2);
		wire_u8(out, failed);
		assert_true(wire_end(out, begun));
	}
	if (with_group && !failed) {
		begun = wire_begin(out, WIRE_POSITION);
		wire_text(out, TEXT("g\x1b"));
		wire_text(out, TEXT("t"));
		wire_u32(out, 2);
		for (uint32_t p = 0; p < 2; p++) {
			wire_u32(out, p);
			wire_i64(out, 100 + p);
		}
		assert_true(wire_end(out, begun));
	}
	if (with_topic) {
		begun = wire_begin(out, WIRE_TOPIC);
		wire_text(out, TEXT("t"));
		wire_i64(out, 1000);
		wire_i64(out, -1);
		wire_u8(out, 0);
		wire_u32(out, 2);
		for (uint32_t p = 0; p < 2; p++) {
			wire_u32(out, 1);
			wire_i64(out, 5);
			wire_i64(out, 200);
		}
		assert_true(wire_end(out, begun));
	}
	begun = wire_begin(out, WIRE_END);
	wire_u8(out, 1);
	wire_u8(out, 1);
	wire_u8(out, 0);
	wire_i64(out, at_ms);
	for (int i = 0; i < 7; i++)
		wire_i64(out, i);
	wire_text(out, TEXT_NONE);
	assert_true(wire_end(out, begun));
}

static size_t gone_in(const struct fact_batch *batch)
{
	size_t gone = 0;

	for (size_t i = 0; i < batch->nfacts; i++)
		gone += (batch->facts[i].kind == FACT_MARKS && batch->facts[i].u.marks.gone) ||
			(batch->facts[i].kind == FACT_POSITION && batch->facts[i].u.position.gone);
	return gone;
}

static size_t gone_after(struct intake *intake, bool with_topic, bool with_group, bool failed)
{
	struct fact_batch *batch = fact_batch_new();
	struct intake_sweep sweep = { 0 };
	struct buf out;
	size_t gone;

	buf_init(&out, 1 << 20);
	put_sweep(&out, 1000, with_topic, with_group, failed);
	assert_true(intake_take(intake, buf_text(&out), batch, &sweep));
	gone = gone_in(batch);
	buf_done(&out);
	fact_batch_free(batch);
	return gone;
}

static void test_intake(void **state)
{
	struct intake *intake = intake_new(TEXT("prod"));
	struct fact_batch *batch = fact_batch_new();
	struct intake_sweep sweep = { 0 };
	struct buf out;

	(void)state;
	buf_init(&out, 1 << 20);
	put_sweep(&out, 777, true, true, false);
	assert_true(intake_take(intake, buf_text(&out), batch, &sweep));
	assert_int_equal(batch->nfacts, 3);
	assert_int_equal(batch->facts[0].kind, FACT_POSITION);
	assert_true(text_is(batch->facts[0].u.position.reader, "g\xe2\x90\x9b")); /* cleaned */
	assert_int_equal(batch->facts[0].u.position.places[1].processed, 101);
	assert_int_equal(batch->facts[0].u.position.members, 2);
	assert_int_equal(batch->facts[1].u.marks.marks[1].high, 200);
	assert_int_equal(batch->facts[2].kind, FACT_SWEEP);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(batch->facts[i].happened_at_ms, 777);
	/* Cut anywhere it is refused; no byte beyond it is looked at. */
	for (size_t len = 0; len < out.len; len++) {
		char *copy = malloc(len + 1);

		memcpy(copy, out.bytes, len);
		fact_batch_reset(batch);
		assert_false(intake_take(intake, (struct text){ copy, len }, batch, &sweep));
		free(copy);
	}
	buf_done(&out);
	fact_batch_free(batch);
	intake_free(intake);
}

static void test_gone(void **state)
{
	struct intake *intake = intake_new(TEXT("prod"));
	struct intake *later = intake_new(TEXT("prod"));
	struct buf saved;

	(void)state;
	assert_int_equal(gone_after(intake, true, true, false), 0);
	assert_int_equal(gone_after(intake, true, true, true), 0);
	assert_int_equal(gone_after(intake, true, true, true), 0);
	assert_int_equal(gone_after(intake, true, true, true), 0); /* not read is not gone */
	assert_int_equal(gone_after(intake, true, false, false), 0);
	assert_int_equal(gone_after(intake, true, true, false), 0); /* it was chance */
	assert_int_equal(gone_after(intake, true, false, false), 0);
	assert_true(intake_moved(intake));
	buf_init(&saved, 1 << 20);
	intake_save(intake, &saved);
	assert_false(intake_moved(intake));
	intake_load(later, buf_text(&saved)); /* a restart in between forgets nothing */
	assert_int_equal(gone_after(later, false, false, false), 1);
	assert_int_equal(gone_after(later, false, false, false), 1);
	assert_int_equal(gone_after(later, false, false, false), 0);
	intake_load(later, TEXT("{\"x\":["));
	intake_load(later, TEXT("[[1,2],[\"a\"],[\"a\",\"b\",900]]"));
	buf_done(&saved);
	intake_free(intake);
	intake_free(later);
}

static void test_frames(void **state)
{
	struct buf out;
	struct text rest;
	enum wire_kind kind;
	struct wire_in in;
	size_t begun;

	(void)state;
	buf_init(&out, 64);
	begun = wire_begin(&out, WIRE_LOG);
	wire_u8(&out, 3);
	wire_text(&out, TEXT("abc"));
	wire_text(&out, TEXT_NONE);
	wire_i64(&out, INT64_MIN);
	assert_true(wire_end(&out, begun));
	rest = buf_text(&out);
	assert_int_equal(wire_cut(&rest, &kind, &in), WIRE_CUT);
	assert_int_equal(rest.len, 0);
	assert_int_equal(wire_take_u8(&in), 3);
	assert_true(text_is(wire_take_text(&in), "abc"));
	assert_null(wire_take_text(&in).bytes);
	assert_int_equal(wire_take_i64(&in), INT64_MIN);
	assert_false(in.bad);
	assert_int_equal(wire_take_u32(&in), 0);
	assert_true(in.bad);
	/* What does not fit is taken back whole. */
	begun = wire_begin(&out, WIRE_LOG);
	for (int i = 0; i < 20; i++)
		wire_i64(&out, i);
	assert_false(wire_end(&out, begun));
	assert_int_equal(out.len, begun);
	rest = (struct text){ "\xff\xff\xff\xff\1", 5 };
	assert_int_equal(wire_cut(&rest, &kind, &in), WIRE_BROKEN);
	rest = (struct text){ "\0\0\0\0\1", 5 };
	assert_int_equal(wire_cut(&rest, &kind, &in), WIRE_BROKEN);
	rest = (struct text){ "\2\0\0\0\1", 5 };
	assert_int_equal(wire_cut(&rest, &kind, &in), WIRE_MORE);
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_debezium),
		cmocka_unit_test(test_registry_head),
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_tally),
		cmocka_unit_test(test_tally_samples),
		cmocka_unit_test(test_tally_gaps),
		cmocka_unit_test(test_tally_catches_up),
		cmocka_unit_test(test_tally_restarts),
		cmocka_unit_test(test_resume_nonsense),
		cmocka_unit_test(test_intake),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
