/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "collectors/delta/parts.h"

static const struct {
	const char *name;
	enum delta_file_kind kind;
	int64_t version, part, parts;
} names[] = {
	{ "00000000000000000007.json", DELTA_COMMIT, 7, 0, 0 },
	{ "09223372036854775807.json", DELTA_COMMIT, INT64_MAX, 0, 0 },
	{ "09223372036854775808.json", DELTA_OTHER, 0, 0, 0 },
	{ "-0000000000000000007.json", DELTA_OTHER, 0, 0, 0 },
	{ "00000000000000000007.crc", DELTA_OTHER, 0, 0, 0 },
	{ "00000000000000000007.json#1", DELTA_OTHER, 0, 0, 0 },
	{ ".00000000000000000007.json.3f9a.tmp", DELTA_OTHER, 0, 0, 0 },
	{ "_commit_3f9a.json.tmp", DELTA_OTHER, 0, 0, 0 },
	{ "7.json", DELTA_OTHER, 0, 0, 0 },
	{ "", DELTA_OTHER, 0, 0, 0 },
	{ "_last_checkpoint", DELTA_OTHER, 0, 0, 0 },
	{ "00000000000000000002.00000000000000000004.compacted.json", DELTA_OTHER, 0, 0, 0 },
	{ "00000000000000000010.checkpoint.parquet", DELTA_CHECKPOINT, 10, 0, 0 },
	{ "00000000000000000010.checkpoint.0000000002.0000000003.parquet", DELTA_CHECKPOINT_PART,
		10, 2, 3 },
	{ "00000000000000000010.checkpoint.0000000004.0000000003.parquet", DELTA_OTHER, 0, 0, 0 },
	{ "00000000000000000010.checkpoint.80a083e8-7026.json", DELTA_CHECKPOINT_V2, 10, 0, 0 },
	{ "00000000000000000010.checkpoint.80a083e8-7026.parquet", DELTA_CHECKPOINT_V2, 10, 0, 0 },
	{ "00000000000000000010.checkpoint.a.b.parquet", DELTA_OTHER, 0, 0, 0 },
	{ "00000000000000000010.checkpoint..parquet", DELTA_OTHER, 0, 0, 0 },
};

static void test_file_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct delta_file file = delta_file_of(text_of(names[i].name));

		if (file.kind != names[i].kind || file.version != names[i].version ||
			file.part != names[i].part || file.parts != names[i].parts)
			fail_msg("%s: kind %d version %lld part %lld of %lld", names[i].name,
				(int)file.kind, (long long)file.version, (long long)file.part,
				(long long)file.parts);
	}
}

#define INFO  "{\"commitInfo\":{\"timestamp\":5,\"operation\":\"WRITE\"}}\n"
#define ADD   "{\"add\":{\"path\":\"a\",\"size\":10,\"dataChange\":true,\"stats\":"
#define STATS "\"{\\\"numRecords\\\":3,\\\"minValues\\\":{}}\"}}\n"
#define UNKNOWN FACT_UNKNOWN

/* Commits as writers leave them: what is counted, and what is said to be wrong. */
static const struct {
	const char *name, *bytes;
	int64_t files_added, bytes_added, rows_added, files_removed, rows_removed;
	int64_t undecodable;
	const char *problem; /* NULL = none */
} commits[] = {
	{ "plain", INFO ADD STATS, 1, 10, 3, 0, 0, 0, NULL },
	{ "no final newline", INFO "{\"add\":{\"path\":\"a\",\"size\":10}}", 1, 10, UNKNOWN, 0, 0, 0,
		NULL },
	{ "crlf and blank lines", "\r\n{\"commitInfo\":{}}\r\n\r\n" ADD STATS "\r\n", 1, 10, 3, 0, 0,
		0, NULL },
	{ "byte order mark", "\xef\xbb\xbf" INFO ADD STATS, 1, 10, 3, 0, 0, 0, NULL },
	{ "commitInfo last", ADD STATS INFO, 1, 10, 3, 0, 0, 0, NULL },
	{ "no commitInfo", ADD STATS, 1, 10, 3, 0, 0, 0, "the commit has no commitInfo" },
	{ "zero bytes", "", 0, 0, 0, 0, 0, 0, "the commit is empty (0 bytes)" },
	{ "over several lines",
		"{\n  \"commitInfo\": {\n    \"operation\": \"WRITE\"\n  }\n}\n{\n\"add\":\n{\"path\":"
		"\"a\",\n\"size\":10,\"stats\":\"{\\\"numRecords\\\":3}\"\n}\n}\n",
		1, 10, 3, 0, 0, 0, NULL },
	{ "text behind the object", "{\"commitInfo\":{}}x\n{\"add\":{\"size\":10}}x\n", 1, 10,
		UNKNOWN, 0, 0, 0, "text behind the action on 2 lines was ignored" },
	{ "two objects on a line", "{\"commitInfo\":{}}{\"add\":{\"size\":10}}\n", 1, 10, UNKNOWN, 0,
		0, 0, NULL },
	{ "torn last line", INFO ADD STATS "{\"add\":{\"path\":\"b", UNKNOWN, UNKNOWN, UNKNOWN,
		UNKNOWN, UNKNOWN, 1, "1 line of the commit cannot be read" },
	{ "torn first line", "{\"add\":{\"path\":\"b\n" INFO ADD STATS, UNKNOWN, UNKNOWN, UNKNOWN,
		UNKNOWN, UNKNOWN, 1, "1 line of the commit cannot be read" },
	{ "unclosed line in the middle", INFO "{\"add\":{\"path\":\"b\"\n" ADD STATS, UNKNOWN, UNKNOWN,
		UNKNOWN, UNKNOWN, UNKNOWN, 1, "1 line of the commit cannot be read" },
	{ "no JSON at all", "not a commit\nneither\n", UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, 2,
		"2 lines of the commit cannot be read; the commit has no commitInfo" },
	{ "wrong brackets", INFO "{\"add\":[}\n" ADD STATS, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN,
		UNKNOWN, 1, "1 line of the commit cannot be read" },
	{ "an action that is no object", INFO "{\"add\":5}\n", UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN,
		UNKNOWN, 1, "1 line of the commit cannot be read" },
	{ "unknown actions and fields",
		INFO "{\"new_action\":{\"a\":1}}\n{\"add\":{\"size\":10,\"new\":{}},\"also\":[1]}\n"
		     "{\"m\":5}\n{\"add\":null,\"remove\":null}\n",
		1, 10, UNKNOWN, 0, 0, 0, NULL },
	{ "one file without stats", INFO ADD STATS "{\"add\":{\"size\":1}}\n", 2, 11, UNKNOWN, 0, 0,
		0, NULL },
	{ "stats that are no JSON", INFO "{\"add\":{\"size\":1,\"stats\":\"{numRecords\"}}\n", 1, 1,
		UNKNOWN, 0, 0, 0, NULL },
	{ "records not first in stats",
		INFO "{\"add\":{\"size\":1,\"stats\":\"{\\\"tightBounds\\\":true,\\\"numRecords\\\": 7}\"}}",
		1, 1, 7, 0, 0, 0, NULL },
	{ "integers beyond 64 bits in stats",
		INFO "{\"add\":{\"size\":1,\"stats\":\"{\\\"maxValues\\\":{\\\"d\\\":"
		     "99999999999999999999999},\\\"numRecords\\\":7}\"}}",
		1, 1, 7, 0, 0, 0, NULL },
	{ "NUL in stats",
		INFO "{\"add\":{\"size\":1,\"stats\":\"{\\\"minValues\\\":{\\\"d\\\":\\\"\\\\u0000\\\"},"
		     "\\\"numRecords\\\":7}\"}}",
		1, 1, 7, 0, 0, 0, NULL },
	{ "broken UTF-8", INFO "{\"add\":{\"path\":\"\xff\xfe\",\"size\":1}}", 1, 1, UNKNOWN, 0, 0, 0,
		NULL },
	{ "a deletion vector",
		INFO "{\"add\":{\"size\":10,\"deletionVector\":{\"cardinality\":2},\"stats\":"
		     "\"{\\\"numRecords\\\":9}\"}}\n{\"remove\":{\"size\":10,\"dataChange\":true,"
		     "\"stats\":\"{\\\"numRecords\\\":9}\"}}",
		1, 10, 7, 1, 9, 0, NULL },
	{ "a vector larger than its file",
		INFO "{\"add\":{\"size\":10,\"deletionVector\":{\"cardinality\":20},\"stats\":"
		     "\"{\\\"numRecords\\\":9}\"}}\n",
		1, 10, UNKNOWN, 0, 0, 0, NULL },
	{ "a sum that overflows",
		INFO "{\"add\":{\"size\":9223372036854775807}}\n{\"add\":{\"size\":1}}\n", 2, UNKNOWN,
		UNKNOWN, 0, 0, 0, NULL },
	{ "negative sizes", INFO "{\"add\":{\"size\":-1}}\n", 1, UNKNOWN, UNKNOWN, 0, 0, 0, NULL },
};

static void feed(struct delta_commit *commit, struct fact_batch *batch, struct text bytes,
	size_t step)
{
	delta_commit_begin(commit, batch, "/t/_delta_log/0.json", 1);
	for (size_t at = 0; at < bytes.len; at += step)
		delta_commit_feed(commit, text_sub(bytes, at, step));
	delta_commit_end(commit);
}

/* Whole and byte by byte: how the bytes arrive must not matter. */
static void test_commits(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(commits); i++) {
		size_t at = i / 2;
		struct fact_batch *batch = fact_batch_new();
		struct delta_commit commit;
		const struct fact_version *version = &commit.version;

		feed(&commit, batch, text_of(commits[at].bytes), i % 2 ? 1 : SIZE_MAX / 2);
		if (version->files_added != commits[at].files_added ||
			version->bytes_added != commits[at].bytes_added ||
			version->rows_added != commits[at].rows_added ||
			version->files_removed != commits[at].files_removed ||
			version->rows_removed != commits[at].rows_removed)
			fail_msg("%s: +%lld files +%lld bytes +%lld rows -%lld files -%lld rows",
				commits[at].name, (long long)version->files_added,
				(long long)version->bytes_added, (long long)version->rows_added,
				(long long)version->files_removed,
				(long long)version->rows_removed);
		if (batch->undecodable != commits[at].undecodable)
			fail_msg("%s: %lld undecodable", commits[at].name,
				(long long)batch->undecodable);
		if (strcmp(commit.problem.bytes,
			    commits[at].problem ? commits[at].problem : "") != 0)
			fail_msg("%s: problem '%s'", commits[at].name, commit.problem.bytes);
		delta_commit_done(&commit);
		fact_batch_free(batch);
	}
}

static void test_commit_info(void **state)
{
	static const char bytes[] =
		"{\"commitInfo\":{\"timestamp\":1681798578373,\"inCommitTimestamp\":1681798578999,"
		"\"operation\":\"STREAMING UPDATE\",\"operationParameters\":{\"epochId\":\"7\","
		"\"pipelineId\":\"\\\"p-1\\\"\",\"updateId\":\"u-1\",\"version\":1,\"none\":null},"
		"\"operationMetrics\":{\"numOutputRows\":\"10\",\"execution_time_ms\":5},"
		"\"userId\":42,\"userName\":\"ana\",\"readVersion\":\"6\",\"isBlindAppend\":false,"
		"\"clientVersion\":\"delta-rs.0.1\",\"notebook\":{\"notebookId\":\"9\"},"
		"\"isolationLevel\":null,\"userMetadata\":\"by hand\"}}\n"
		"{\"commitInfo\":{\"operation\":\"SECOND\"}}\n";
	struct fact_batch *batch = fact_batch_new();
	struct delta_commit commit;
	const struct fact_version *version = &commit.version;

	(void)state;
	feed(&commit, batch, text_of(bytes), SIZE_MAX / 2);
	assert_true(version->commit_info_ms == 1681798578373);
	assert_true(commit.in_commit_ms == 1681798578999);
	assert_true(text_is(version->operation, "STREAMING UPDATE"));
	assert_true(text_is(version->epoch_id, "7"));
	assert_true(text_is(version->pipeline_id, "p-1"));
	assert_true(text_is(version->update_id, "u-1"));
	assert_true(text_is(version->metrics, "{\"numOutputRows\":\"10\",\"execution_time_ms\":5}"));
	assert_true(text_contains(version->parameters, TEXT("\"version\":1,\"none\":null")));
	assert_true(text_is(version->user_id, "42"));
	assert_true(text_is(version->user_name, "ana"));
	assert_true(version->read_version == 6);
	assert_int_equal(version->is_blind_append, 0);
	assert_true(text_is(version->engine, "delta-rs.0.1"));
	assert_true(text_is(version->notebook, "{\"notebookId\":\"9\"}"));
	assert_null(version->isolation_level.bytes);
	assert_null(version->job.bytes);
	assert_true(text_is(version->user_metadata, "by hand"));
	delta_commit_done(&commit);
	fact_batch_free(batch);
}

#define SCHEMA(fields) "{\"id\":\"t\",\"schemaString\":\"{\\\"type\\\":\\\"struct\\\"," \
	"\\\"fields\\\":[" fields "]}\""
#define FIELD(name, type, nullable) "{\\\"name\\\":\\\"" name "\\\",\\\"type\\\":" type "," \
	"\\\"nullable\\\":" nullable "}"
#define MAPPED(name, id) "{\\\"name\\\":\\\"" name "\\\",\\\"type\\\":\\\"long\\\"," \
	"\\\"metadata\\\":{\\\"delta.columnMapping.id\\\":" id "}}"
#define LONG   "\\\"long\\\""
#define INNER(fields) "{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[" fields "]}"

static const struct {
	const char *name, *old_metadata, *new_metadata, *old_protocol, *new_protocol;
	bool created;
	const char *wanted; /* NULL = none */
} changes[] = {
	{ "created", NULL, SCHEMA(FIELD("a", LONG, "true") "," FIELD("b", LONG, "true"))
			   ",\"partitionColumns\":[\"b\"],\"configuration\":{\"k\":\"v\"}}",
		NULL, NULL, true,
		"[\"table created with 2 columns\",\"partitioned by b\",\"property k set to v\"]" },
	{ "created without schema", NULL, "{\"id\":\"t\"}", NULL, NULL, true,
		"[\"table created without columns\"]" },
	{ "nothing to compare with", NULL, "{\"id\":\"t\"}", NULL, "{\"minReaderVersion\":1}", false,
		NULL },
	{ "the same again", SCHEMA(FIELD("a", LONG, "true")) "}",
		SCHEMA(FIELD("a", LONG, "true")) "}", NULL, NULL, false, NULL },
	{ "columns", SCHEMA(FIELD("a", LONG, "true") "," FIELD("b", LONG, "true")) "}",
		SCHEMA(FIELD("a", "\\\"double\\\"", "true") "," FIELD("c", LONG, "false")) "}", NULL,
		NULL, false,
		"[\"column a changed type from long to double\",\"column b removed (long)\","
		"\"column c added (long)\"]" },
	{ "null or not", SCHEMA(FIELD("a", LONG, "true") "," FIELD("b", LONG, "false")) "}",
		SCHEMA(FIELD("a", LONG, "false") "," FIELD("b", LONG, "true")) "}", NULL, NULL,
		false, "[\"column a may no longer be null\",\"column b may now be null\"]" },
	{ "a struct is one column", SCHEMA("") "}",
		SCHEMA(FIELD("s", INNER(FIELD("x", LONG, "true")), "true")) "}", NULL, NULL, false,
		"[\"column s added (struct)\"]" },
	{ "inside a struct", SCHEMA(FIELD("s", INNER(FIELD("x", LONG, "true")), "true")) "}",
		SCHEMA(FIELD("s", INNER(FIELD("y", LONG, "true")), "true")) "}", NULL, NULL, false,
		"[\"column s.x removed (long)\",\"column s.y added (long)\"]" },
	{ "renamed", SCHEMA(MAPPED("id", "1")) "}", SCHEMA(MAPPED("newid", "1")) "}", NULL, NULL,
		false, "[\"column id renamed to newid\"]" },
	{ "properties", "{\"configuration\":{\"a\":\"1\",\"b\":\"2\"}}",
		"{\"configuration\":{\"b\":\"3\",\"c\":\"4\"}}", NULL, NULL, false,
		"[\"property b changed from 2 to 3\",\"property c set to 4\","
		"\"property a unset (was 1)\"]" },
	{ "hostile property", "{\"configuration\":{}}",
		"{\"configuration\":{\"a\":\"\\u001b[31m\\u202e\"}}", NULL, NULL, false,
		"[\"property a set to \xe2\x90\x9b[31m\xef\xbf\xbd\"]" },
	{ "protocol", NULL, NULL, "{\"minReaderVersion\":1,\"minWriterVersion\":2}",
		"{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":[\"x\"],"
		"\"writerFeatures\":[\"x\",\"y\"]}",
		false,
		"[\"protocol upgraded from reader 1, writer 2 to reader 3, writer 7\","
		"\"feature x added\",\"feature y added\"]" },
	{ "feature dropped", NULL, NULL,
		"{\"minReaderVersion\":3,\"minWriterVersion\":7,\"writerFeatures\":[\"x\",5]}",
		"{\"minReaderVersion\":3,\"minWriterVersion\":7,\"writerFeatures\":[]}", false,
		"[\"feature x dropped\"]" },
};

static void test_changes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		struct arena arena = { 0 };
		json_t *json[4] = { delta_json(text_of(changes[i].old_metadata)),
			delta_json(text_of(changes[i].new_metadata)),
			delta_json(text_of(changes[i].old_protocol)),
			delta_json(text_of(changes[i].new_protocol)) };
		struct text got = delta_changes(
			&arena, json[0], json[1], json[2], json[3], changes[i].created);

		if (!text_eq(got, text_of(changes[i].wanted)))
			fail_msg("%s: %.*s", changes[i].name, TEXT_ARG(got));
		for (size_t k = 0; k < 4; k++)
			json_decref(json[k]);
		arena_free(&arena);
	}
}

/* Inputs made to cost memory or time are refused, in bounded time. */
static void test_caps(void **state)
{
	struct buf buf;

	(void)state;
	for (int round = 0; round < 5; round++) {
		struct fact_batch *batch = fact_batch_new();
		struct delta_commit commit;

		buf_init(&buf, 64 << 20);
		switch (round) {
		case 0: /* nesting */
			(void)buf_add_str(&buf, "{\"add\":");
			(void)buf_add_fill(&buf, '[', 100000);
			break;
		case 1: /* many values */
			(void)buf_add_str(&buf, "{\"add\":[1");
			for (int i = 0; i < 600000; i++)
				(void)buf_add_str(&buf, ",1");
			(void)buf_add_str(&buf, "]}");
			break;
		case 2: /* one long value */
			(void)buf_add_str(&buf, "{\"add\":\"");
			(void)buf_add_fill(&buf, 'x', DELTA_ACTION_MAX + 100);
			(void)buf_add_str(&buf, "\"}");
			break;
		case 3: /* lines that all begin something and never end it */
			for (int i = 0; i < 500000; i++)
				(void)buf_add_str(&buf, "{\"a\":\n");
			break;
		default: /* one line of garbage */
			(void)buf_add_fill(&buf, 'x', 4 << 20);
			break;
		}
		(void)buf_add_str(&buf, "\n" INFO);
		feed(&commit, batch, buf_text(&buf), SIZE_MAX / 2);
		assert_true(batch->undecodable > 0);
		assert_true(batch->nfacts <= DELTA_BROKEN_KEPT);
		assert_true(text_is(commit.version.operation, "WRITE")); /* the rest goes on */
		delta_commit_done(&commit);
		fact_batch_free(batch);
		buf_done(&buf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file_names),
		cmocka_unit_test(test_commits),
		cmocka_unit_test(test_commit_info),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_caps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
