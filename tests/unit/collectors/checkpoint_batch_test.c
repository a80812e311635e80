/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "collectors/checkpoint/batch.h"

/* The bytes of a checkpoint's files, and what they say. */

#define BYTES(literal) { (literal), sizeof(literal) - 1 }

/* One line a place: "kind topic partition next"; of other kinds the kind alone. */
static void describe(struct buf *out, const struct offset *offset)
{
	static const char *const kinds[] = { "none", "kafka", "delta", "files", "other" };

	if (offset->n == 0)
		(void)buf_addf(out, "%s\n", kinds[offset->kind]);
	for (size_t i = 0; i < offset->n; i++) {
		const struct offset_place *place = &offset->places[i];

		(void)buf_addf(out, "%s %.*s %d %lld", kinds[offset->kind], TEXT_ARG(place->topic),
			place->partition, (long long)place->next);
		if (offset->kind == OFFSET_DELTA)
			(void)buf_addf(out, " part %lld", (long long)place->part);
		(void)buf_add_char(out, '\n');
	}
}

static const struct {
	const char *name;
	struct text bytes;
	enum checkpoint_verdict verdict;
	int64_t started_at_ms;
	const char *says;
} batches[] = {
	{ "as Spark 2.3 wrote it",
		BYTES("v1\n{\"batchWatermarkMs\":0,\"batchTimestampMs\":1522145520473,\"conf\":{}}\n"
		      "{\"topic\":{\"2\":368,\"1\":395,\"0\":514}}"),
		CHECKPOINT_WHOLE, 1522145520473,
		"kafka topic 2 368\nkafka topic 1 395\nkafka topic 0 514\n" },
	{ "a final newline", BYTES("v1\n{\"batchTimestampMs\":5}\n{\"t\":{\"0\":1}}\n"),
		CHECKPOINT_WHOLE, 5, "kafka t 0 1\n" },
	{ "CRLF", BYTES("v1\r\n{\"batchTimestampMs\":5}\r\n{\"t\":{\"0\":1}}\r\n"),
		CHECKPOINT_WHOLE, 5, "kafka t 0 1\n" },
	{ "an empty metadata line", BYTES("v1\n\n{\"t\":{\"0\":1}}"), CHECKPOINT_WHOLE,
		FACT_UNKNOWN, "kafka t 0 1\n" },
	{ "several sources in plan order, one without an offset",
		BYTES("v1\n{}\n{\"a\":{\"0\":1},\"b\":{\"0\":2}}\n-\n{\"sourceVersion\":1,"
		      "\"reservoirId\":\"r-1\",\"reservoirVersion\":12,\"index\":-1,"
		      "\"isStartingVersion\":false}"),
		CHECKPOINT_WHOLE, FACT_UNKNOWN, "kafka a 0 1\nkafka b 0 2\nnone\ndelta r-1 0 12 part 0\n" },
	{ "v2: sources by their ids",
		BYTES("v2\n{\"batchTimestampMs\":7}\nloans:{\"t\":{\"0\":9}}\n1:-\n"), CHECKPOINT_WHOLE,
		7, "kafka t 0 9\nnone\n" },
	{ "v2 whose lines have no ids", BYTES("v2\n{}\n{\"t\":{\"0\":9}}\n-"), CHECKPOINT_WHOLE,
		FACT_UNKNOWN, "kafka t 0 9\nnone\n" },
	{ "v2: an id and nothing", BYTES("v2\n{}\nloans\n1:-\n"), CHECKPOINT_BROKEN, 0, NULL },
	{ "v2: no id before the colon", BYTES("v2\n{}\n:-\n1:-\n"), CHECKPOINT_BROKEN, 0, NULL },
	{ "Auto Loader", BYTES("v1\n{}\n{\"seqNum\":42,\"sourceVersion\":1,"
			       "\"lastBackfillStartTimeMs\":1}"),
		CHECKPOINT_WHOLE, FACT_UNKNOWN, "files Auto Loader 0 42\n" },
	{ "a file source", BYTES("v1\n{}\n{\"logOffset\":3}"), CHECKPOINT_WHOLE, FACT_UNKNOWN,
		"files file source 0 3\n" },
	{ "a rate source", BYTES("v1\n{}\n17"), CHECKPOINT_WHOLE, FACT_UNKNOWN, "other\n" },
	{ "a table's first snapshot", BYTES("v1\n{}\n{\"reservoirId\":\"r\",\"reservoirVersion\":3,"
					    "\"index\":17,\"isStartingVersion\":true}"),
		CHECKPOINT_WHOLE, FACT_UNKNOWN, "delta r 0 3 part -1\n" },
	{ "a version partly read", BYTES("v1\n{}\n{\"reservoirId\":\"r\",\"reservoirVersion\":3,"
					 "\"index\":17,\"isStartingVersion\":false}"),
		CHECKPOINT_WHOLE, FACT_UNKNOWN, "delta r 0 3 part 18\n" },
	{ "marks before a version's files",
		BYTES("v1\n{}\n{\"sourceVersion\":3,\"reservoirId\":\"r\",\"reservoirVersion\":3,"
		      "\"index\":-100}\n{\"sourceVersion\":3,\"reservoirId\":\"s\","
		      "\"reservoirVersion\":4,\"index\":-19}"),
		CHECKPOINT_WHOLE, FACT_UNKNOWN, "delta r 0 3 part 0\ndelta s 0 4 part 0\n" },
	{ "an index beyond all numbers", BYTES("v1\n{}\n{\"reservoirId\":\"r\","
					       "\"reservoirVersion\":3,\"index\":9223372036854775807}"),
		CHECKPOINT_WHOLE, FACT_UNKNOWN, "delta r 0 3 part 0\n" },
	{ "offsets of 64 bits", BYTES("v1\n{}\n{\"t\":{\"0\":9223372036854775807}}"),
		CHECKPOINT_WHOLE, FACT_UNKNOWN, "kafka t 0 9223372036854775807\n" },
	{ "an offset below zero is none", BYTES("v1\n{}\n{\"t\":{\"0\":-1}}"), CHECKPOINT_WHOLE,
		FACT_UNKNOWN, "other\n" },
	{ "a partition that is no number", BYTES("v1\n{}\n{\"t\":{\"x\":1}}"), CHECKPOINT_WHOLE,
		FACT_UNKNOWN, "other\n" },
	{ "a source with no partition yet", BYTES("v1\n{}\n{}"), CHECKPOINT_WHOLE, FACT_UNKNOWN,
		"none\n" },
	{ "empty: being written", BYTES(""), CHECKPOINT_CUT, 0, NULL },
	{ "one byte of it", BYTES("v"), CHECKPOINT_CUT, 0, NULL },
	{ "the version alone", BYTES("v1"), CHECKPOINT_CUT, 0, NULL },
	{ "no source yet", BYTES("v1\n{\"batchTimestampMs\":5}\n"), CHECKPOINT_CUT, 0, NULL },
	{ "cut within an offset", BYTES("v1\n{}\n{\"t\":{\"0\":1"), CHECKPOINT_CUT, 0, NULL },
	{ "broken before the last line", BYTES("v1\n{}\n{\"t\":{\"0\":\n{\"u\":{\"0\":1}}"),
		CHECKPOINT_BROKEN, 0, NULL },
	{ "another version", BYTES("v3\n{}\n{\"t\":{\"0\":1}}"), CHECKPOINT_BROKEN, 0, NULL },
	{ "no checkpoint at all", BYTES("PAR1\x15\x04\x15"), CHECKPOINT_BROKEN, 0, NULL },
};

static void test_batches(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(batches); i++) {
		struct checkpoint_batch batch = { 0 };
		struct arena arena = { 0 };
		const char *reason = NULL;
		/* A copy of its exact size, so that a step too far is seen. */
		char *copy = mem_alloc(batches[i].bytes.len + 1);
		struct buf said;
		enum checkpoint_verdict verdict;

		memcpy(copy, batches[i].bytes.bytes, batches[i].bytes.len);
		buf_init(&said, 4096);
		verdict = checkpoint_batch_of(&arena,
			(struct text){ copy, batches[i].bytes.len }, &batch, &reason);
		if (verdict != batches[i].verdict)
			fail_msg("%s: verdict %d", batches[i].name, (int)verdict);
		for (size_t k = 0; k < batch.n; k++)
			describe(&said, &batch.sources[k]);
		if (batches[i].says && strcmp(said.bytes, batches[i].says) != 0)
			fail_msg("%s: says\n%s", batches[i].name, said.bytes);
		if (batches[i].says && batch.started_at_ms != batches[i].started_at_ms)
			fail_msg("%s: started %lld", batches[i].name,
				(long long)batch.started_at_ms);
		if (!batches[i].says && !reason)
			fail_msg("%s: no reason", batches[i].name);
		buf_done(&said);
		arena_free(&arena);
		free(copy);
	}
}

static void test_initial(void **state)
{
	static const struct {
		struct text bytes;
		const char *says;
	} cases[] = {
		{ BYTES("\0v1\n{\"kafka-initial-offset\":{\"0\":123,\"1\":456}}"),
			"kafka kafka-initial-offset 0 123\nkafka kafka-initial-offset 1 456\n" },
		{ BYTES("v1\n{\"t\":{\"0\":5}}"), "kafka t 0 5\n" },
		{ BYTES("{\"t\":{\"0\":5}}"), "kafka t 0 5\n" }, /* Spark 2.1 */
		{ BYTES(""), "other\n" },
		{ BYTES("\0"), "other\n" },
		{ BYTES("v1\n{\"path\":\"file:///in/a.json\",\"timestamp\":1,\"batchId\":0}"), "other\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena arena = { 0 };
		struct offset offset = checkpoint_initial_of(&arena, cases[i].bytes);
		struct buf said;

		buf_init(&said, 4096);
		describe(&said, &offset);
		assert_string_equal(said.bytes, cases[i].says);
		buf_done(&said);
		arena_free(&arena);
	}
}

/* Progress tells offsets as objects, as strings that hold JSON, and as bare values. */
static void test_values(void **state)
{
	static const struct {
		const char *json, *says;
	} cases[] = {
		{ "{\"t\":{\"0\":5}}", "kafka t 0 5\n" },
		{ "\"{\\\"t\\\":{\\\"0\\\":5}}\"", "kafka t 0 5\n" },
		{ "{\"t\":{\"0\":\"5\"}}", "kafka t 0 5\n" },
		{ "\"0\"", "other\n" },
		{ "0", "other\n" },
		{ "null", "none\n" },
		{ "\"-\"", "none\n" },
		{ "\"no JSON\"", "other\n" },
		{ "[]", "other\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena arena = { 0 };
		json_t *value = json_loads(cases[i].json, JSON_DECODE_ANY, NULL);
		struct offset offset = offset_of(&arena, value);
		struct buf said;

		buf_init(&said, 4096);
		describe(&said, &offset);
		assert_string_equal(said.bytes, cases[i].says);
		buf_done(&said);
		json_decref(value);
		arena_free(&arena);
	}
}

static void test_names(void **state)
{
	(void)state;
	assert_int_equal(checkpoint_number_of(TEXT("0")), 0);
	assert_int_equal(checkpoint_number_of(TEXT("1234")), 1234);
	assert_int_equal(checkpoint_number_of(TEXT(".4.crc")), -1);
	assert_int_equal(checkpoint_number_of(TEXT(".4.2b0e.tmp")), -1);
	assert_int_equal(checkpoint_number_of(TEXT("4.compact")), -1);
	assert_int_equal(checkpoint_number_of(TEXT("-4")), -1);
	assert_int_equal(checkpoint_number_of(TEXT("")), -1);
	assert_int_equal(checkpoint_number_of(TEXT("999999999999999999")), 999999999999999999);
	assert_int_equal(checkpoint_number_of(TEXT("9999999999999999999")), -1);
}

static void test_query(void **state)
{
	struct arena arena = { 0 };

	(void)state;
	assert_true(text_is(checkpoint_query_of(&arena, TEXT("{\"id\":\"dddc\"}")), "dddc"));
	assert_null(checkpoint_query_of(&arena, TEXT("{\"id\":7}")).bytes);
	assert_null(checkpoint_query_of(&arena, TEXT("")).bytes);
	assert_null(checkpoint_query_of(&arena, TEXT("{\"id\":\"a\\u001b[2J\"}")).bytes);
	arena_free(&arena);
}

/* Two sources of one query that read one topic are one row: the one that is behind counts. */
static void test_reached(void **state)
{
	struct fact_batch *batch = fact_batch_new();
	struct checkpoint_batch done = { 0 };
	struct checkpoint_batch begun = { 0 };
	struct reached reached = { 0 };
	struct arena arena = { 0 };
	const char *reason;
	struct fact_position like = { .kind = READER_CHECKPOINT, .reader = TEXT("r"),
		.cluster = TEXT("prod") };

	(void)state;
	assert_int_equal(checkpoint_batch_of(&arena,
				 TEXT("v1\n{}\n{\"b\":{\"1\":20,\"0\":10}}\n{\"b\":{\"0\":8}}\n"
				      "{\"reservoirId\":\"r\",\"reservoirVersion\":4,\"index\":7}\n"
				      "{\"reservoirId\":\"r\",\"reservoirVersion\":4,\"index\":2}\n"
				      "{\"reservoirId\":\"r\",\"reservoirVersion\":5,\"index\":-1}"),
				 &done, &reason),
		CHECKPOINT_WHOLE);
	assert_int_equal(checkpoint_batch_of(&arena,
				 TEXT("v1\n{}\n{\"b\":{\"0\":30,\"2\":1},\"a\\u001b\":{\"0\":7}}\n-\n-\n-\n-"),
				 &begun, &reason),
		CHECKPOINT_WHOLE);
	for (size_t i = 0; i < done.n; i++)
		reached_add(&reached, &done.sources[i], &begun.sources[i]);
	reached_tell(&reached, batch, 99, &like, 55);
	assert_int_equal(batch->nfacts, 3);
	/* a: begun only; its name is clean */
	assert_true(text_is(batch->facts[0].u.position.topic, "a\u241b"));
	assert_true(text_is(batch->facts[0].u.position.cluster, "prod"));
	assert_int_equal(batch->facts[0].u.position.nplaces, 1);
	assert_int_equal(batch->facts[0].u.position.places[0].processed, FACT_UNKNOWN);
	assert_int_equal(batch->facts[0].u.position.places[0].started, 7);
	assert_true(text_is(batch->facts[1].u.position.topic, "b"));
	assert_int_equal(batch->facts[1].u.position.nplaces, 3);
	assert_int_equal(batch->facts[1].u.position.places[0].processed, 8);
	assert_int_equal(batch->facts[1].u.position.places[0].started, 30);
	assert_int_equal(batch->facts[1].u.position.places[1].processed, 20);
	assert_int_equal(batch->facts[1].u.position.places[1].started, FACT_UNKNOWN);
	assert_int_equal(batch->facts[1].u.position.places[1].committed_at_ms, 55);
	assert_int_equal(batch->facts[1].u.position.places[2].started, 1);
	assert_true(text_is(batch->facts[2].u.position.cluster, "delta"));
	assert_true(batch->facts[2].u.position.of_delta);
	/* of two sources that read one table the one that is behind counts */
	assert_int_equal(batch->facts[2].u.position.places[0].processed, 4);
	assert_int_equal(batch->facts[2].u.position.places[0].part, 3);
	reached_done(&reached);
	fact_batch_free(batch);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_batches),
		cmocka_unit_test(test_initial),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_reached),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
