/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "collectors/eventlog/pick.h"
#include "tests/lib/facts.h"
#include "tests/lib/readers.h"

enum { FILE_MAX = 16 << 20, NOW = 1772442000 };

static const struct eventlog_options usual = { .now_ms = NOW };

static struct eventlog_place nowhere(void)
{
	return (struct eventlog_place){ .path = TEXT("/log/a.json"), .line = 1 };
}

/* Decodes every line, as the follower of a file would. */
static void decode_lines(struct fact_batch *batch, struct text all)
{
	struct eventlog_place place = nowhere();
	const char *start = all.bytes;
	struct text line;

	while (text_split(&all, '\n', &line)) {
		place.offset = line.bytes - start;
		(void)eventlog_decode(batch, line, false, &place, &usual);
		place.line++;
	}
}

static int by_id(const void *a, const void *b)
{
	return memcmp(((const struct fact_event *)a)->id, ((const struct fact_event *)b)->id, 16);
}

/* All events in the order of their ids: the encodings come in different orders. */
static bool dump_corpus(const char *name, bool lines, struct buf *out, size_t *events_out)
{
	struct fact_batch *batch = fact_batch_new();
	struct eventlog_place place = nowhere();
	struct buf file;
	bool there;

	buf_init(&file, FILE_MAX);
	buf_init(out, FILE_MAX);
	there = facts_read_corpus(name, &file);
	if (there && lines)
		decode_lines(batch, buf_text(&file));
	else if (there)
		(void)eventlog_decode(batch, buf_text(&file), false, &place, &usual);
	assert_int_equal(batch->undecodable, 0);
	if (batch->nevents > 0)
		qsort(batch->events, batch->nevents, sizeof *batch->events, by_id);
	for (size_t i = 0; i < batch->nevents; i++)
		facts_dump_event(out, batch, &batch->events[i]);
	facts_dump_positions(out, batch);
	*events_out = batch->nevents;
	buf_done(&file);
	fact_batch_free(batch);
	return there;
}

static void test_five_encodings(void **state)
{
	static const struct {
		const char *name;
		bool lines;
		size_t events;
	} encodings[] = {
		{ "eventlog/composed/all_strings.ndjson", true, 27 },
		{ "eventlog/composed/delta_to_json_details_string.ndjson", true, 27 },
		{ "eventlog/composed/sql_statement_json_array.json", false, 27 },
		{ "eventlog/composed/legacy_events_json_2022.ndjson", true, 2 },
	};
	struct buf wanted;
	size_t n;

	(void)state;
	if (!dump_corpus("eventlog/composed/rest_events_page.json", false, &wanted, &n)) {
		buf_done(&wanted);
		skip();
	}
	assert_int_equal(n, 27);
	for (size_t i = 0; i < ARRAY_LEN(encodings); i++) {
		struct buf got;

		assert_true(dump_corpus(encodings[i].name, encodings[i].lines, &got, &n));
		print_message("%s\n", encodings[i].name);
		assert_int_equal(n, encodings[i].events);
		if (n < 27) /* the first of them, then */
			assert_memory_equal(got.bytes, wanted.bytes, got.len);
		else
			assert_string_equal(got.bytes, wanted.bytes);
		buf_done(&got);
	}
	assert_null(strstr(wanted.bytes, "{\"id\":\"7\"}"));
	assert_non_null(strstr(wanted.bytes, "Input data: '<redacted 10 bytes>'."));
	buf_done(&wanted);
}

static void test_old_samples(void **state)
{
	struct buf dump;
	size_t n;

	(void)state;
	if (!dump_corpus("eventlog/dltctl_create_update_rest_2022.json", false, &dump, &n)) {
		buf_done(&dump);
		skip();
	}
	assert_int_equal(n, 1);
	assert_non_null(strstr(dump.bytes, "full_refresh 0\n"));
	assert_non_null(strstr(dump.bytes, "cause \"USER_ACTION\"\n"));
	buf_done(&dump);
	assert_true(dump_corpus("eventlog/dltctl_events_3_hand_edited.ndjson", true, &dump, &n));
	assert_int_equal(n, 3);
	assert_non_null(strstr(dump.bytes, "error_message \"some failure exception\"\n"));
	buf_done(&dump);
}

#define T "\"timestamp\":\"2026-03-02T09:00:00Z\""

/* Lines of a dump that must be there, for one record; "" = it is undecodable with the reason. */
static const struct {
	const char *name, *record, *wanted[4], *reason;
	size_t events;
} cases[] = {
	{ .name = "a number of events",
		.record = "[{" T ",\"id\":\"a\"},{\"events\":[{" T ",\"id\":\"b\"}]}]",
		.wanted = { "id_text \"a\"\n", "id_text \"b\"\n" },
		.events = 2 },
	{ .name = "empty page", .record = "{\"events\":[],\"next_page_token\":\"x\"}" },
	{ .name = "empty object", .record = "{}" },
	{ .name = "blank", .record = " \t" },
	{ .name = "null page", .record = "{\"events\":null}" },
	{ .name = "no timestamp", .record = "{\"id\":\"a\"}", .reason = "event without a timestamp" },
	{ .name = "bad timestamp",
		.record = "{\"timestamp\":\"yesterday\"}",
		.reason = "event whose timestamp is no time between 1970 and 2248" },
	{ .name = "time beyond the store's keys",
		.record = "{\"timestamp\":\"9999-01-01T00:00:00Z\"}",
		.reason = "event whose timestamp is no time between 1970 and 2248" },
	{ .name = "epoch milliseconds",
		.record = "{\"timestamp\":1772442000123}",
		.wanted = { "happened_at_ms 1772442000123\n" },
		.events = 1 },
	{ .name = "epoch microseconds as text",
		.record = "{\"timestamp\":\"1772442000123456\"}",
		.wanted = { "happened_at_ms 1772442000123\n" },
		.events = 1 },
	{ .name = "the system table's names",
		.record = "{\"event_time\":\"2026-03-02 09:00:00.5\",\"pipeline_event_id\":\"e\","
			  "\"pipeline_id\":\"p\",\"update_id\":\"u\"}",
		.wanted = { "id_text \"e\"\n", "pipeline_id \"p\"\n", "update_id \"u\"\n",
			"happened_at_ms 1772442000500\n" },
		.events = 1 },
	{ .name = "truncated", .record = "{" T ",\"id\":\"a", .reason = "not JSON: it ends too early" },
	{ .name = "a list cut off keeps its head",
		.record = "[{" T ",\"id\":\"a\"},{" T ",\"i",
		.wanted = { "id_text \"a\"\n" },
		.events = 1,
		.reason = "a list of events that does not end as one" },
	{ .name = "one bad event does not cost its page",
		.record = "{\"events\":[{" T ",\"id\":\"a\"},{" T ",\"id\":tru},{" T ",\"id\":\"c\"}]}",
		.wanted = { "id_text \"a\"\n", "id_text \"c\"\n" },
		.events = 2,
		.reason = "not JSON" },
	{ .name = "a scalar", .record = "17", .reason = "not a JSON object" },
	{ .name = "words", .record = "2026-03-02 started", .reason = "not a JSON object" },
	{ .name = "huge numbers and NaN are unknown",
		.record = "{" T ",\"event_type\":\"flow_progress\",\"details\":{\"flow_progress\":{"
			  "\"metrics\":{\"num_output_rows\":123456789012345678901234567890,"
			  "\"backlog_bytes\":NaN,\"backlog_files\":1e400,\"backlog_records\":-1}}}}",
		.wanted = { "output_rows -\n", "backlog_bytes -\n", "backlog_files -\n",
			"backlog_records -\n" },
		.events = 1 },
	{ .name = "numbers as strings and reals",
		.record = "{" T ",\"event_type\":\"flow_progress\",\"details\":{\"flow_progress\":{"
			  "\"metrics\":{\"num_output_rows\":\"12\",\"backlog_bytes\":\"4096.0\","
			  "\"backlog_files\":3.0,\"backlog_seconds\":\"soon\"}}}}",
		.wanted = { "output_rows 12\n", "backlog_bytes 4096\n", "backlog_files 3\n",
			"backlog_seconds -\n" },
		.events = 1 },
	{ .name = "payload without its key",
		.record = "{" T ",\"event_type\":\"update_progress\",\"details\":{\"state\":\"CANCELLED\"}}",
		.wanted = { "state CANCELED\n", "type update_progress\n" },
		.events = 1 },
	{ .name = "payload in strings in strings",
		.record = "{" T ",\"event_type\":\"update_progress\",\"details\":"
			  "\"{\\\"update_progress\\\":\\\"{\\\\\\\"state\\\\\\\":\\\\\\\"RUNNING\\\\\\\"}\\\"}\"}",
		.wanted = { "state RUNNING\n" },
		.events = 1 },
	{ .name = "no event_type",
		.record = "{" T ",\"details\":{\"update_progress\":{\"state\":\"odd\"}}}",
		.wanted = { "type update_progress\n", "state_text \"odd\"\n" },
		.events = 1 },
	{ .name = "unknown event type",
		.record = "{" T ",\"event_type\":\"graph_created\",\"details\":{\"graph_created\":{}}}",
		.wanted = { "type \n", "type_text \"graph_created\"\n" },
		.events = 1 },
	{ .name = "flattened cluster_resources",
		.record = "{" T ",\"event_type\":\"cluster_resources\",\"details\":"
			  "{\"cluster_resources\":{\"num_executors\":\"4\"}}}",
		.wanted = { "type cluster_resources\n" },
		.events = 1 },
	{ .name = "placeholder flow",
		.record = "{" T ",\"origin\":{\"flow_name\":\"pipelines.flowTimeMetrics.missingFlowName\"}}",
		.wanted = { "flow -\n" },
		.events = 1 },
	{ .name = "flags as words",
		.record = "{" T ",\"event_type\":\"create_update\",\"details\":{\"create_update\":{"
			  "\"full_refresh\":\"True\",\"validate_only\":\"false\",\"explore_only\":null}}}",
		.wanted = { "full_refresh 1\n", "validate_only 0\n", "explore_only -1\n" },
		.events = 1 },
	{ .name = "rules",
		.record = "{" T ",\"event_type\":\"flow_progress\",\"details\":{\"flow_progress\":{"
			  "\"data_quality\":{\"expectations\":[{\"name\":\"r\",\"dataset\":\"d\","
			  "\"passed_records\":1,\"failed_records\":\"2\",\"action\":\"DROP\"},7,{}]}}}}",
		.wanted = { "rule \"r\"\n dataset \"d\"\n action drop\n passed 1\n failed 2\n",
			"has_quality 1\n", "dataset \"d\"\n", "dropped_records -\n" },
		.events = 1 },
	{ .name = "empty quality is quality",
		.record = "{" T ",\"event_type\":\"flow_progress\",\"details\":{\"flow_progress\":{"
			  "\"data_quality\":{}}}}",
		.wanted = { "has_quality 1\n" },
		.events = 1 },
	{ .name = "definition of a dataset",
		.record = "{" T ",\"origin\":{\"dataset_name\":\"d\"},\"event_type\":"
			  "\"dataset_definition\",\"details\":{\"dataset_definition\":{\"expectations\":"
			  "[{\"name\":\"r\",\"action\":\"ALLOW\"}]}}}",
		.wanted = { "rule \"r\"\n dataset \"d\"\n action warn\n passed -\n failed -\n",
			"has_quality 0\n", "output \"d\"\n" },
		.events = 1 },
	{ .name = "inputs of either shape",
		.record = "{" T ",\"event_type\":\"flow_definition\",\"details\":{\"flow_definition\":{"
			  "\"output_dataset\":\"o\",\"input_datasets\":[\"a\",{\"name\":\"b\"},null,"
			  "{\"table_name\":\"c\"}]}}}",
		.wanted = { "input \"a\"\ninput \"b\"\ninput \"c\"\n", "output \"o\"\n",
			"dataset \"o\"\n" },
		.events = 1 },
	{ .name = "error code in its message",
		.record = "{" T ",\"error\":{\"fatal\":true,\"exceptions\":[{\"class_name\":\"x.Y\","
			  "\"message\":\"[TABLE_NOT_FOUND] no\\nsuch table\"},{\"message\":\"cause\"}]}}",
		.wanted = { "error_class \"TABLE_NOT_FOUND\"\n", "fatal 1\n",
			"error_message \"[TABLE_NOT_FOUND] no\nsuch table\"\n" },
		.events = 1 },
	{ .name = "error as text",
		.record = "{" T ",\"error\":\"boom\"}",
		.wanted = { "error_message \"boom\"\n", "has_error 1\n" },
		.events = 1 },
	{ .name = "error of nulls is none",
		.record = "{" T ",\"error\":{\"fatal\":null,\"exceptions\":null}}",
		.wanted = { "has_error 0\n" },
		.events = 1 },
	{ .name = "hostile message",
		.record = "{" T ",\"message\":\"a\\u001b]0;x\\u0007\\u202e\\u0000b\"}",
		.wanted = { "message \"a\xe2\x90\x9b]0;x\xe2\x90\x87\xef\xbf\xbd\xe2\x90\x80" "b\"\n" },
		.events = 1 },
	{ .name = "raw control bytes", .record = "{" T ",\"message\":\"\x1b[2J\"}", .reason = "not JSON" },
	{ .name = "broken UTF-8", .record = "{" T ",\"message\":\"\xff\"}",
		.reason = "not JSON: not UTF-8" },
	{ .name = "mark at the start", .record = "\xef\xbb\xbf{" T ",\"id\":\"a\"}",
		.wanted = { "id_text \"a\"\n" }, .events = 1 },
	{ .name = "last of duplicate keys",
		.record = "{" T ",\"id\":\"a\",\"id\":\"b\"}",
		.wanted = { "id_text \"b\"\n" },
		.events = 1 },
	{ .name = "statement result without manifest",
		.record = "{\"result\":{\"data_array\":[[\"a\"]]}}",
		.reason = "a statement's result without the manifest that names its columns" },
	{ .name = "row of another width",
		.record = "{\"manifest\":{\"schema\":{\"columns\":[{\"name\":\"timestamp\"}]}},"
			  "\"result\":{\"data_array\":[[],[\"2026-03-02\"]]}}",
		.events = 1,
		.reason = "a row that does not fit the manifest's columns" },
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fact_batch *batch = fact_batch_new();
		struct eventlog_place place = nowhere();
		struct buf dump;
		size_t n;

		print_message("%s\n", cases[i].name);
		buf_init(&dump, FILE_MAX);
		n = eventlog_decode(batch, text_of(cases[i].record), false, &place, &usual);
		for (size_t j = 0; j < batch->nevents; j++)
			facts_dump_event(&dump, batch, &batch->events[j]);
		assert_int_equal(n, cases[i].events);
		assert_int_equal(batch->nevents, n);
		assert_int_equal(batch->undecodable, cases[i].reason ? 1 : 0);
		if (cases[i].reason) {
			assert_int_equal(batch->nfacts, 1);
			assert_string_equal(
				batch->facts[0].u.undecodable.reason.bytes, cases[i].reason);
			assert_non_null(strstr(
				batch->facts[0].u.undecodable.place.bytes, "/log/a.json:line 1"));
		}
		for (size_t j = 0; j < ARRAY_LEN(cases[i].wanted) && cases[i].wanted[j]; j++) {
			if (!strstr(dump.bytes, cases[i].wanted[j]))
				print_message("wanted %s\ngot:\n%s\n", cases[i].wanted[j], dump.bytes);
			assert_non_null(strstr(dump.bytes, cases[i].wanted[j]));
		}
		buf_done(&dump);
		fact_batch_free(batch);
	}
}

/* Both readers agree on all of these, and where the usual shape is met the scanner does the work. */
static void test_readers_agree(void **state)
{
	static const struct {
		const char *name;
		bool lines;
		size_t fallbacks;
	} files[] = {
		{ "eventlog/composed/all_strings.ndjson", true, 0 },
		{ "eventlog/composed/delta_to_json_details_string.ndjson", true, 0 },
		{ "eventlog/dltctl_events_3_hand_edited.ndjson", true, 1 },
		{ "eventlog/dltctl_create_update_rest_2022.json", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf why;

		buf_init(&why, FILE_MAX);
		if (readers_compare(text_of(cases[i].record), &why) == READERS_DIFFER)
			fail_msg("%s\n%s", cases[i].name, why.bytes);
		buf_done(&why);
	}
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		size_t verdicts[4] = { 0 };
		struct buf file;
		struct text rest;
		struct text line;

		buf_init(&file, FILE_MAX);
		if (facts_read_corpus(files[i].name, &file)) {
			rest = buf_text(&file);
			while (text_split(&rest, files[i].lines ? '\n' : '\0', &line)) {
				if (line.len > 0)
					verdicts[readers_compare(line, NULL)]++;
			}
			print_message("%s: %zu scanned\n", files[i].name, verdicts[READERS_AGREE]);
			assert_int_equal(verdicts[READERS_DIFFER], 0);
			assert_int_equal(verdicts[READERS_REFUSE], 0);
			assert_int_equal(verdicts[READERS_FALLBACK], files[i].fallbacks);
		}
		buf_done(&file);
	}
}

/* What the scanner is allowed to take, what it must leave to jansson, and what both refuse. */
static void test_scanner_shapes(void **state)
{
	static const struct {
		const char *record;
		enum readers_verdict verdict;
	} rows[] = {
		{ "{" T ",\"event_type\":\"x\"}", READERS_AGREE },
		{ " {" T " , \"event_type\" : \"x\" , \"a\" : [ 1 , { } , [ ] ] } ", READERS_AGREE },
		{ "{" T ",\"event_type\":\"x\",\"message\":\"\\u010d\\/\\n\"}", READERS_AGREE },
		{ "{" T ",\"event_type\":\"x\",\"a\":[1.5e-3,-0,true,false,null]}", READERS_AGREE },
		{ "{" T ",\"event_type\":\"x\",\"a\":\"\\u0000\"}", READERS_AGREE },
		{ "{" T "}", READERS_FALLBACK },
		{ "{" T ",\"event_type\":\"x\",\"id\":7}", READERS_FALLBACK },
		{ "{" T ",\"event_type\":\"x\",\"id\":\"a\",\"id\":\"b\"}", READERS_FALLBACK },
		{ "{" T ",\"event_type\":\"x\",\"\\u0069d\":\"a\"}", READERS_FALLBACK },
		{ "{" T ",\"event_type\":\"x\",\"a\":1234567890123456789}", READERS_FALLBACK },
		{ "{" T ",\"event_type\":\"x\",\"a\":1e300}", READERS_FALLBACK },
		{ "{" T ",\"event_type\":\"x\",\"a\":\"\\ud83d\\ude00\"}", READERS_FALLBACK },
		{ "{" T ",\"event_type\":\"x\",\"a\":NaN}", READERS_FALLBACK },
		{ "{" T ",\"event_type\":\"x\",\"a\":\"\\ud83d\"}", READERS_REFUSE },
		{ "{" T ",\"event_type\":\"x\",\"a\":\"\xc0\x80\"}", READERS_REFUSE },
		{ "{" T ",\"event_type\":\"x\",\"a\":01}", READERS_REFUSE },
		{ "{" T ",\"event_type\":\"x\",\"a\":1.}", READERS_REFUSE },
		{ "{" T ",\"event_type\":\"x\",\"a\":-}", READERS_REFUSE },
		{ "{" T ",\"event_type\":\"x\",\"a\":tru}", READERS_REFUSE },
		{ "{" T ",\"event_type\":\"x\",\"a\":[1,]}", READERS_REFUSE },
		{ "{" T ",\"event_type\":\"x\",\"a\":{\"b\":1,}}", READERS_REFUSE },
		{ "{" T ",\"event_type\":\"x\",\"a\":}", READERS_REFUSE },
		{ "{" T ",\"event_type\":\"x\",\"a\":[}", READERS_REFUSE },
		{ "{" T ",\"event_type\":\"x\",}", READERS_REFUSE },
		{ "{" T ",\"event_type\":\"x\"}}", READERS_REFUSE },
		{ "{" T ",\"event_type\":\"x\"} {}", READERS_REFUSE },
		{ "{" T ",\"event_type\":\"x\",\"a\":\"\t\"}", READERS_REFUSE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		print_message("%s\n", rows[i].record);
		assert_int_equal(
			readers_compare(text_of(rows[i].record), NULL), rows[i].verdict);
	}
}

/* Every head of an event, in memory that ends where it ends (the address sanitizer looks). */
static void test_every_head(void **state)
{
	static const char record[] = "{" T ",\"message\":\"a\\u010d\\\"b\",\"event_type\":"
		"\"flow_progress\",\"origin\":{\"batch_id\":12},\"details\":\"{\\\"flow_progress\\\":"
		"{\\\"status\\\":\\\"RUNNING\\\",\\\"metrics\\\":{\\\"x\\\":[1.5,true,{}]}}}\"}";

	(void)state;
	for (size_t n = 0; n < sizeof record; n++) {
		for (int close = 0; close < 2; close++) {
			size_t len = n + (size_t)close;
			char *copy = mem_alloc(len + (len == 0));

			memcpy(copy, record, n);
			if (close)
				copy[n] = '}';
			assert_int_not_equal(
				readers_compare((struct text){ copy, len }, NULL), READERS_DIFFER);
			free(copy);
		}
	}
}

static void check_shape(const struct pick_shape *shape)
{
	assert_true(shape->n <= 64);
	for (size_t i = 0; i < shape->n; i++) {
		const struct pick_field *field = &shape->fields[i];

		assert_int_equal(field->len + 3, strlen(field->key));
		assert_true(strlen(field->key) < PICK_KEY_MAX);
		assert_true(field->mask == (((uint32_t)1 << strlen(field->key)) - 1));
		if (field->kind == PICK_OBJECT)
			assert_non_null(field->child);
		if (field->child)
			check_shape(field->child);
	}
}

static void test_tables(void **state)
{
	(void)state;
	check_shape(&pick_event);
	check_shape(&pick_input_shape);
	assert_int_equal(pick_details.n, EVENT_TYPE_COUNT - 1); /* all but OTHER */
	for (size_t i = 0; i < pick_details.n; i++) {
		const struct pick_field *field = &pick_details.fields[i];

		assert_int_equal(
			event_type_of((struct text){ pick_name(field), field->len }), field->at);
	}
}

static void test_places(void **state)
{
	static const char record[] = " {\"events\": [ {" T ",\"id\":\"a\"} , {" T ",\"id\":\"b\"}]}";
	struct fact_batch *batch = fact_batch_new();
	struct eventlog_place place = { .segment = 1, .offset = 1000 };

	(void)state;
	assert_int_equal(eventlog_decode(batch, text_of(record), false, &place, &usual), 2);
	for (size_t i = 0; i < 2; i++) {
		const struct fact_event *event = &batch->events[i];

		assert_int_equal(event->segment, 1);
		assert_int_equal(record[event->offset - 1000], '{');
		assert_int_equal(record[event->offset - 1000 + event->length - 1], '}');
		assert_int_equal(event->length, strlen("{" T ",\"id\":\"a\"}"));
	}
	fact_batch_free(batch);
}

static void test_raw(void **state)
{
	static const struct {
		const char *record;
		enum eventlog_raw raw;
		bool kept;
	} rows[] = {
		{ "{" T ",\"level\":\"METRICS\",\"event_type\":\"flow_progress\"}",
			EVENTLOG_RAW_WARNINGS, false },
		{ "{" T ",\"level\":\"WARN\",\"event_type\":\"deprecation\"}",
			EVENTLOG_RAW_WARNINGS, true },
		{ "{" T ",\"level\":\"INFO\",\"event_type\":\"flow_definition\"}",
			EVENTLOG_RAW_WARNINGS, true },
		{ "{" T ",\"level\":\"INFO\",\"event_type\":\"never_seen\"}",
			EVENTLOG_RAW_WARNINGS, true },
		{ "{" T ",\"level\":\"ERROR\",\"event_type\":\"flow_progress\"}",
			EVENTLOG_RAW_NONE, false },
		{ "{" T ",\"level\":\"INFO\",\"event_type\":\"hook_progress\"}",
			EVENTLOG_RAW_ALL, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fact_batch *batch = fact_batch_new();
		struct eventlog_place place = nowhere();
		struct eventlog_options options = { .raw = rows[i].raw };

		(void)eventlog_decode(batch, text_of(rows[i].record), false, &place, &options);
		assert_int_equal(batch->nevents, 1);
		if (rows[i].kept)
			assert_string_equal(batch->events[0].raw.bytes, rows[i].record);
		else
			assert_null(batch->events[0].raw.bytes);
		fact_batch_free(batch);
	}
}

static void test_row_data(void **state)
{
	static const char record[] = "{" T ",\"level\":\"ERROR\",\"message\":\"Input data: "
		"'{\\\"iban\\\":\\\"SI56\\\"}'.\",\"error\":\"Input data: '{\\\"iban\\\":\\\"SI56\\\"}'\"}";
	struct eventlog_place place = nowhere();

	(void)state;
	for (int keep = 0; keep < 2; keep++) {
		struct fact_batch *batch = fact_batch_new();
		struct eventlog_options options = { .keep_rows = keep == 1 };
		struct buf dump;

		buf_init(&dump, FILE_MAX);
		(void)eventlog_decode(batch, text_of(record), false, &place, &options);
		/* the same, broken: what is kept of it must not tell either */
		(void)eventlog_decode(batch, text_sub(text_of(record), 0, sizeof record - 2), false,
			&place, &options);
		assert_int_equal(batch->nevents, 1);
		assert_int_equal(batch->undecodable, 1);
		facts_dump_event_whole(&dump, batch, &batch->events[0]);
		(void)buf_add(&dump, batch->facts[0].u.undecodable.bytes);
		assert_int_equal(strstr(dump.bytes, "SI56") != NULL, keep == 1);
		buf_done(&dump);
		fact_batch_free(batch);
	}
}

static void test_hostile_lists(void **state)
{
	struct fact_batch *batch = fact_batch_new();
	struct eventlog_place place = nowhere();
	struct buf deep;

	(void)state;
	buf_init(&deep, FILE_MAX);
	(void)buf_add_fill(&deep, '[', 200000);
	assert_int_equal(eventlog_decode(batch, buf_text(&deep), false, &place, &usual), 0);
	buf_reset(&deep);
	(void)buf_add_char(&deep, '[');
	for (int i = 0; i < 100000; i++)
		(void)buf_add_str(&deep, "1,");
	(void)buf_add_str(&deep, "1]");
	assert_int_equal(eventlog_decode(batch, buf_text(&deep), false, &place, &usual), 0);
	assert_true(batch->undecodable > 100000);
	assert_true(batch->nfacts < 100);
	buf_reset(&deep);
	(void)buf_add_str(&deep, "{" T ",\"details\":");
	(void)buf_add_fill(&deep, '[', 100000);
	(void)buf_add_fill(&deep, ']', 100000);
	(void)buf_add_char(&deep, '}');
	assert_int_equal(eventlog_decode(batch, buf_text(&deep), false, &place, &usual), 0);
	buf_done(&deep);
	fact_batch_free(batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_five_encodings),
		cmocka_unit_test(test_old_samples),
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_readers_agree),
		cmocka_unit_test(test_scanner_shapes),
		cmocka_unit_test(test_every_head),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_row_data),
		cmocka_unit_test(test_hostile_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
