/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "store/redact.h"

struct redact_case {
	const char *name, *in, *out;
};

static void check(const struct redact_case *cases, size_t n,
	bool (*redact)(struct buf *out, struct text in))
{
	for (size_t i = 0; i < n; i++) {
		const struct redact_case *c = &cases[i];
		struct buf out;
		bool any;

		buf_init(&out, 1 << 20);
		any = redact(&out, text_of(c->in));
		print_message("%s\n", c->name);
		assert_string_equal(out.bytes, c->out);
		assert_int_equal(any, !text_is(buf_text(&out), c->in));
		buf_done(&out);
	}
}

static void test_messages(void **state)
{
	static const struct redact_case cases[] = {
		{ "nothing to redact", "Update b8d2f7 is FAILED.", "Update b8d2f7 is FAILED." },
		{ "empty", "", "" },
		{ "a row", "Violated expectations: 'r'. Input data: '{\"id\":\"7\"}'.",
			"Violated expectations: 'r'. Input data: '<redacted 10 bytes>'." },
		{ "what follows stays", "Input data: '{\"a\":1}'. Missing input data: false",
			"Input data: '<redacted 7 bytes>'. Missing input data: false" },
		{ "two rows", "Input data: '{\"a\":1}'. Output record: '{\"b\":{}}'.",
			"Input data: '<redacted 7 bytes>'. Output record: '<redacted 8 bytes>'." },
		{ "a quote and a brace inside", "Input data: '{\"a\":\"x}'. \\\"y\"}'. z",
			"Input data: '<redacted 16 bytes>'. z" },
		{ "nested objects", "Input data: '{\"a\":{\"b\":[{}]}}'.",
			"Input data: '<redacted 16 bytes>'." },
		{ "cut off", "Input data: '{\"name\":\"Some One", "Input data: <redacted 18 bytes>" },
		{ "not an object", "Input data: [1, 2] and more",
			"Input data: <redacted 15 bytes>" },
		{ "goes on behind the quote", "Input data: '{}'{\"a\":1}'.",
			"Input data: <redacted 13 bytes>" },
		{ "nothing behind", "Input data:", "Input data:" },
		{ "blanks behind", "Input data:  ", "Input data:  " },
		{ "no blank", "Input data:'{\"a\":1}'.", "Input data:'<redacted 7 bytes>'." },
	};

	(void)state;
	check(cases, ARRAY_LEN(cases), redact_message);
}

static void test_json(void **state)
{
	static const struct redact_case cases[] = {
		{ "nothing", "{\"a\":\"b: c\"}", "{\"a\":\"b: c\"}" },
		{ "one level", "{\"m\":\"Input data: '{\\\"id\\\":\\\"7\\\"}'.\",\"z\":1}",
			"{\"m\":\"Input data: '<redacted 14 bytes>'.\",\"z\":1}" },
		{ "two levels",
			"{\"d\":\"{\\\"m\\\":\\\"Input data: '{\\\\\\\"id\\\\\\\":7}'.\\\"}\",\"z\":1}",
			"{\"d\":\"{\\\"m\\\":\\\"Input data: '<redacted 14 bytes>'.\\\"}\",\"z\":1}" },
		{ "unclear: to the end of the string",
			"{\"m\":\"Input data: '{\\\"id\\\":\\\"7\",\"z\":1}",
			"{\"m\":\"Input data: <redacted 12 bytes>\",\"z\":1}" },
		{ "no end at all", "{\"m\":\"Input data: 7", "{\"m\":\"Input data: <redacted 1 bytes>" },
		{ "nothing behind", "{\"m\":\"Input data:\",\"z\":1}",
			"{\"m\":\"Input data:\",\"z\":1}" },
		{ "two strings", "[\"Input data: x\",\"Input data: y\"]",
			"[\"Input data: <redacted 1 bytes>\",\"Input data: <redacted 1 bytes>\"]" },
	};

	(void)state;
	check(cases, ARRAY_LEN(cases), redact_json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
