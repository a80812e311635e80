/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "collectors/eventlog/decode.h"
#include "tests/lib/facts.h"
#include "tests/lib/readers.h"

/* What stream_progress events say of the offsets their flow has reached. */

#define EVENT_HEAD                                                                                 \
	"{\"id\":\"15e29b21-48bb-11ef-b1cf-9649472ee14a\",\"origin\":{\"pipeline_id\":\"p-1\","       \
	"\"pipeline_name\":\"fire\",\"flow_name\":\"loan_silver\"},"                                \
	"\"timestamp\":\"1970-01-01T00:00:05.000Z\",\"event_type\":\"stream_progress\","            \
	"\"details\":{\"stream_progress\":{\"progress_json\":"

static const struct {
	const char *name;
	const char *sources; /* of the progress, JSON */
	const char *says;    /* behind "eventlog fire/loan_silver query=q " */
} cases[] = {
	{ "Kafka, as documented",
		"[{\"startOffset\":{\"loans\":{\"0\":10}},\"endOffset\":{\"loans\":{\"1\":7,\"0\":1010}},"
		"\"latestOffset\":{\"loans\":{\"0\":1050,\"1\":7}},\"metrics\":{"
		"\"maxOffsetsBehindLatest\":\"40\",\"estimatedTotalBytesBehindLatest\":\"4096.0\"}}]",
		"/loans at=5000 bytes=4096 records=40 0 done=1010 1 done=7\n" },
	{ "offsets as strings that hold JSON",
		"[{\"endOffset\":\"{\\\"loans\\\":{\\\"0\\\":5}}\",\"latestOffset\":\"null\"}]",
		"/loans at=5000 0 done=5\n" },
	{ "a partition that was not read yet: how far behind is not told",
		"[{\"endOffset\":{\"t\":{\"0\":5}},\"latestOffset\":{\"t\":{\"0\":9,\"1\":3}}}]",
		"/t at=5000 0 done=5\n" },
	{ "latest is older than end: not behind",
		"[{\"endOffset\":{\"t\":{\"0\":5}},\"latestOffset\":{\"t\":{\"0\":4}}}]",
		"/t at=5000 records=0 0 done=5\n" },
	{ "a Delta table",
		"[{\"endOffset\":{\"sourceVersion\":1,\"reservoirId\":\"r-1\",\"reservoirVersion\":12,"
		"\"index\":-1,\"isStartingVersion\":false},\"latestOffset\":null,\"metrics\":{"
		"\"numBytesOutstanding\":\"3\",\"numFilesOutstanding\":\"2\"}}]",
		"delta/r-1 delta at=5000 files=2 bytes=3 0 done=12\n" },
	{ "Auto Loader",
		"[{\"endOffset\":{\"seqNum\":42,\"sourceVersion\":1,\"lastBackfillStartTimeMs\":1},"
		"\"metrics\":{\"numFilesOutstanding\":\"9\"}}]",
		"files/Auto Loader at=5000 files=9 0 done=42\n" },
	{ "two sources of one topic: the one that is behind, and no one's metrics",
		"[{\"endOffset\":{\"t\":{\"0\":5}},\"metrics\":{\"numFilesOutstanding\":\"9\"}},"
		"{\"endOffset\":{\"t\":{\"0\":4}}}]",
		"/t at=5000 0 done=4\n" },
	{ "offsets of which a part was left out",
		"[{\"endOffset\":{\"t\":{\"0\":5}},\"endOffsetTruncated\":true}]", NULL },
	{ "nothing consumed yet", "[{\"endOffset\":null,\"latestOffset\":null}]", NULL },
	{ "a rate source", "[{\"endOffset\":17}]", NULL },
	{ "no list", "{}", NULL },
};

static void decode(const char *line, struct buf *said)
{
	static const struct eventlog_options options = { .now_ms = 1 };
	static const struct eventlog_place place = { .line = 1 };
	struct fact_batch *batch = fact_batch_new();

	assert_int_equal(eventlog_decode(batch, text_of(line), false, &place, &options), 1);
	assert_int_equal(batch->undecodable, 0);
	buf_init(said, 1 << 16);
	facts_dump_positions(said, batch);
	fact_batch_free(batch);
}

static void add_quoted(struct buf *out, struct text text)
{
	(void)buf_add_char(out, '"');
	for (size_t i = 0; i < text.len; i++) {
		if (text.bytes[i] == '"' || text.bytes[i] == '\\')
			(void)buf_add_char(out, '\\');
		(void)buf_add_char(out, text.bytes[i]);
	}
	(void)buf_add_char(out, '"');
}

/* As a string, as the documents have it, and as an object, as exports do: the same. */
static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf progress;
		struct buf line;
		struct buf wanted;
		struct buf said;

		buf_init(&progress, 1 << 16);
		buf_init(&line, 1 << 16);
		buf_init(&wanted, 1 << 16);
		(void)buf_addf(&progress, "{\"id\":\"q\",\"runId\":\"r\",\"name\":null,\"sources\":%s}",
			cases[i].sources);
		if (cases[i].says)
			(void)buf_addf(&wanted, "eventlog fire/loan_silver query=q %s",
				cases[i].says);
		(void)buf_add_str(&line, EVENT_HEAD);
		add_quoted(&line, buf_text(&progress));
		(void)buf_add_str(&line, "}}}");
		decode(line.bytes, &said);
		if (!text_eq(buf_text(&said), buf_text(&wanted)))
			fail_msg("%s: says\n%swanted\n%s", cases[i].name, said.bytes, wanted.bytes);
		assert_int_equal(readers_compare(buf_text(&line), NULL), READERS_AGREE);
		buf_done(&said);
		buf_reset(&line);
		(void)buf_addf(&line, EVENT_HEAD "%s}}}", progress.bytes);
		decode(line.bytes, &said);
		assert_string_equal(said.bytes, wanted.bytes);
		assert_int_equal(readers_compare(buf_text(&line), NULL), READERS_FALLBACK);
		buf_done(&said);
		buf_done(&wanted);
		buf_done(&line);
		buf_done(&progress);
	}
}

/* What is no progress costs the event nothing, and names of others are cleaned. */
static void test_strange(void **state)
{
	static const char *const strange[] = { "\"no JSON\"", "\"\"", "\"[1]\"", "null", "7" };
	struct buf said;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(strange); i++) {
		struct buf line;

		buf_init(&line, 1 << 16);
		(void)buf_addf(&line, EVENT_HEAD "%s}}}", strange[i]);
		decode(line.bytes, &said);
		assert_string_equal(said.bytes, "");
		buf_done(&said);
		buf_done(&line);
	}
	decode("{\"timestamp\":\"1970-01-01T00:00:05Z\",\"event_type\":\"stream_progress\",\"origin\":{"
	       "\"pipeline_id\":\"p\\u001b[2J\"},\"details\":{\"stream_progress\":{\"progress_json\":"
	       "\"{\\\"name\\\":\\\"n\\\",\\\"id\\\":\\\"q\\\",\\\"sources\\\":[{\\\"endOffset\\\":"
	       "{\\\"t\\\":{\\\"0\\\":5}}}]}\"}}}",
		&said);
	assert_string_equal(said.bytes, "eventlog p\u241b[2J/n query=q /t at=5000 0 done=5\n");
	buf_done(&said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_strange),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
