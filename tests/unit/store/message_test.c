/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/mem.h"
#include "store/message.h"

#define NUMBER  "\x01"
#define FLOW    "\x02"
#define DATASET "\x03"
#define ESCAPE  "\x04"

static void messages_leave_out_what_their_event_says(void **state)
{
	static const struct {
		const char *message, *flow, *dataset, *template;
		size_t n;
	} cases[] = {
		{ "", NULL, NULL, "", 0 },
		{ "Flow 'a' is RUNNING.", NULL, NULL, "Flow 'a' is RUNNING.", 0 },
		{ "wrote 4100 rows in 12 files.", NULL, NULL,
			"wrote " NUMBER " rows in " NUMBER " files.", 2 },
		{ "wrote 4100.", NULL, NULL, "wrote " NUMBER ".", 1 },
		{ "0 of 007", NULL, NULL, NUMBER " of 007", 1 },
		{ "Update 6fc8a8 took 1.5s, v2_3", NULL, NULL, "Update 6fc8a8 took 1.5s, v2_3", 0 },
		{ "id 1234567890123456789", NULL, NULL, "id 1234567890123456789", 0 },
		{ "-5 and 7", NULL, NULL, "-" NUMBER " and " NUMBER, 2 },
		{ "odd \x01 7", NULL, NULL, "odd " ESCAPE "\x01 " NUMBER, 1 },
		{ "odd \x02 \x04", "flow", NULL, "odd " ESCAPE "\x02 " ESCAPE "\x04", 0 },
		{ "Flow 'main.bronze.loan_7' is RUNNING.", "main.bronze.loan_7", NULL,
			"Flow '" FLOW "' is RUNNING.", 0 },
		{ "Flow 'loan' wrote 7 rows to 'main.loan'.", "loan", "main.loan",
			"Flow '" FLOW "' wrote " NUMBER " rows to '" DATASET "'.", 1 },
		{ "main.loan", "main.loan", "main.loan", FLOW, 0 },
		{ "loans, xloan, loan_2", "loan", NULL, "loans, xloan, loan_2", 0 },
		{ "loan loan", "loan", NULL, FLOW " " FLOW, 0 },
		{ "a b ab", "ab", "a", "a b ab", 0 }, /* too short to be told from words */
		{ "100 of 100", "100", NULL, FLOW " of " FLOW, 0 },
	};
	struct arena arena = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t numbers[MESSAGE_NUMBERS_MAX];
		struct message_names names = { text_of(cases[i].flow), text_of(cases[i].dataset) };
		struct text message = text_of(cases[i].message);
		struct text back, template;
		char bytes[512];
		size_t n;

		template.bytes = bytes;
		n = message_pack(bytes, &template.len, message, &names, numbers);
		assert_true(template.len <= 2 * message.len);
		assert_true(text_is(template, cases[i].template));
		assert_int_equal(n, cases[i].n);
		back = message_unpack(&arena, template, &names, numbers, n);
		assert_true(text_eq(back, message));
	}
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_leave_out_what_their_event_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
