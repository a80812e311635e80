/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/eventlog/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"

/* What came out, a line each: LINE:RECORD, or LINE:long LENGTH. */
static void note(struct buf *out, enum frame frame, const struct framed *framed)
{
	if (frame == FRAME_LONG)
		(void)buf_addf(out, "%d:long %d\n", (int)framed->line, (int)framed->length);
	else
		(void)buf_addf(out, "%d:%.*s\n", (int)framed->line, TEXT_ARG(framed->record));
}

/* Gives the bytes in pieces of `step`, as a growing file would. */
static void frame_all(struct buf *out, struct text bytes, size_t step, size_t max, bool final)
{
	struct framer framer;
	size_t from = 0;
	size_t to = 0;

	framer_init(&framer, max, false, 1);
	for (;;) {
		bool last = to == bytes.len;
		struct framed framed;
		struct text window = text_sub(bytes, from, to - from);
		enum frame frame = frame_next(
			&framer, window, last && final ? FRAME_FINAL : FRAME_OPEN, &framed);

		from += framed.used;
		if (frame != FRAME_MORE) {
			note(out, frame, &framed);
			continue;
		}
		if (last)
			break;
		to = to + step < bytes.len ? to + step : bytes.len;
	}
	if (from < bytes.len)
		(void)buf_addf(out, "left %zu\n", bytes.len - from);
}

struct framing {
	const char *name, *bytes, *said;
	bool final;
};

/* The same in whatever pieces the bytes come. */
static const struct framing framings[] = {
	{ "lines", "{\"a\":1}\n{\"b\":2}\r\n\n{\"c\":3}\n", "1:{\"a\":1}\n2:{\"b\":2}\n4:{\"c\":3}\n",
		false },
	{ "no newline at the end", "{\"a\":1}\n{\"b\":2}", "1:{\"a\":1}\n2:{\"b\":2}\n", false },
	{ "half a line", "{\"a\":1}\n{\"b\":", "1:{\"a\":1}\nleft 5\n", false },
	{ "half a line that stays so", "{\"a\":1}\n{\"b\":", "1:{\"a\":1}\n2:{\"b\":\n", true },
	{ "nothing between", "{\"a\":1}{\"b\":2}  {\"c\":3}", "1:{\"a\":1}\n1:{\"b\":2}\n1:{\"c\":3}\n",
		false },
	{ "a document", "{\n \"a\": [\n  1,\n  {}\n ]\n}\n", "1:{\n \"a\": [\n  1,\n  {}\n ]\n}\n", false },
	{ "an array", "[\n {\"a\":1},\n {\"b\":\n2}\n]\n{\"c\":3}\n",
		"2:{\"a\":1}\n3:{\"b\":\n2}\n6:{\"c\":3}\n", false },
	{ "arrays a line", "[{\"a\":1},{\"b\":2}]\n[{\"c\":3}]\n[]\n",
		"1:{\"a\":1}\n1:{\"b\":2}\n2:{\"c\":3}\n", false },
	{ "brackets in strings", "{\"a\":\"}\\\"{\\\\\"}\n{\"b\":\"]\"}\n",
		"1:{\"a\":\"}\\\"{\\\\\"}\n2:{\"b\":\"]\"}\n", false },
	{ "a mark and NULs", "\xef\xbb\xbf{\"a\":1}\n", "1:{\"a\":1}\n", false },
	{ "a line cut in a string", "{\"a\":\"x\n{\"b\":2}\n{\"c\":3}\n",
		"1:{\"a\":\"x\n2:{\"b\":2}\n3:{\"c\":3}\n", false },
	{ "a line cut behind a colon", "{\"a\":\n{\"b\":2}\n{\"c\":3}\n",
		"1:{\"a\":\n2:{\"b\":2}\n3:{\"c\":3}\n", false },
	{ "a line cut behind a comma", "{\"a\":1,\n{\"b\":2}\n", "1:{\"a\":1,\n2:{\"b\":2}\n", false },
	{ "a line cut in an array", "{\"a\":[1\n{\"b\":2}\n{\"c\":3}\n",
		"1:{\"a\":[1\n2:{\"b\":2}\n3:{\"c\":3}\n", false },
	{ "no JSON at all", "hello\n{\"b\":2}\nworld\n", "1:hello\n2:{\"b\":2}\n3:world\n", false },
	{ "brackets that do not match", "{\"a\":[}\n{\"b\":2}\n", "1:{\"a\":[}\n2:{\"b\":2}\n", false },
	{ "a stray end", "}\n{\"b\":2}\n", "1:}\n2:{\"b\":2}\n", false },
	{ "empty", "", "", true },
	{ "blank", " \n\n", "", true },
};

static void records_are_the_same_in_any_pieces(void **state)
{
	static const size_t steps[] = { 1, 2, 3, 7, 1000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(framings); i++) {
		for (size_t s = 0; s < ARRAY_LEN(steps); s++) {
			struct buf out;

			buf_init(&out, 1 << 16);
			frame_all(&out, text_of(framings[i].bytes), steps[s], 1 << 20,
				framings[i].final);
			if (strcmp(out.bytes, framings[i].said) != 0)
				fail_msg("%s, pieces of %zu:\n%s", framings[i].name, steps[s],
					out.bytes);
			buf_done(&out);
		}
	}
}

static void a_long_record_is_passed_over(void **state)
{
	static const size_t steps[] = { 1, 3, 50, 1000 };

	(void)state;
	for (size_t s = 0; s < ARRAY_LEN(steps); s++) {
		struct buf bytes;
		struct buf out;

		buf_init(&bytes, 1 << 16);
		buf_init(&out, 1 << 16);
		(void)buf_add_str(&bytes, "{\"a\":1}\n{\"b\":\"");
		(void)buf_add_fill(&bytes, 'x', 300);
		(void)buf_add_str(&bytes, "}\"}\n{\"c\":3}\n");
		(void)buf_add_fill(&bytes, 'g', 200);
		(void)buf_add_str(&bytes, "\n{\"d\":4}\n");
		frame_all(&out, buf_text(&bytes), steps[s], 100, false);
		assert_string_equal(
			out.bytes, "1:{\"a\":1}\n2:long 309\n3:{\"c\":3}\n4:long 200\n5:{\"d\":4}\n");
		buf_done(&bytes);
		buf_done(&out);
	}
}

static void a_broken_document_ends_at_the_next(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 1 << 16);
	frame_all(&out, TEXT("{\n \"a\": 1\n \"b\": 2,\n \"c\": 3\n}\n{\"d\":4}\n"), 1000, 1 << 20, false);
	assert_string_equal(
		out.bytes, "1:{\n \"a\": 1\n \"b\": 2,\n \"c\": 3\n}\n6:{\"d\":4}\n");
	buf_done(&out);
}

static void an_array_goes_on_behind_a_cursor(void **state)
{
	struct framer framer;
	struct framed framed;

	(void)state;
	framer_init(&framer, 1000, true, 7);
	assert_int_equal(frame_next(&framer, TEXT(",\n{\"a\":1}]\n"), FRAME_OPEN, &framed), FRAME_RECORD);
	assert_int_equal(framed.line, 8);
	assert_int_equal(framed.lead, 2);
	assert_true(text_is(framed.record, "{\"a\":1}"));
	assert_int_equal(frame_next(&framer, TEXT("]\n"), FRAME_OPEN, &framed), FRAME_MORE);
	assert_int_equal(framed.used, 2);
	assert_false(framer.in_array);
}

static void deep_nesting_needs_no_stack(void **state)
{
	struct buf bytes;
	struct framer framer;
	struct framed framed;

	(void)state;
	buf_init(&bytes, 1 << 20);
	(void)buf_add_str(&bytes, "{\"a\":");
	(void)buf_add_fill(&bytes, '[', 100000);
	(void)buf_add_fill(&bytes, ']', 100000);
	(void)buf_add_str(&bytes, "}\n");
	framer_init(&framer, 1 << 20, false, 1);
	assert_int_equal(frame_next(&framer, buf_text(&bytes), FRAME_OPEN, &framed), FRAME_RECORD);
	assert_int_equal(framed.length, 200006);
	buf_done(&bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_the_same_in_any_pieces),
		cmocka_unit_test(a_long_record_is_passed_over),
		cmocka_unit_test(a_broken_document_ends_at_the_next),
		cmocka_unit_test(an_array_goes_on_behind_a_cursor),
		cmocka_unit_test(deep_nesting_needs_no_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
