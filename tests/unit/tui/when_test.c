/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tui/when.h"

#define HOUR INT64_C(3600000)
#define NOON INT64_C(1772452800000) /* 2026-03-02T12:00:00Z */

static void moments(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
		{ "now", 0 }, { "", 0 }, { "  now ", 0 },
		{ "3h", NOON - 3 * HOUR }, { "-3h", NOON - 3 * HOUR }, { "90s", NOON - 90000 },
		{ "1h30m", NOON - HOUR - HOUR / 2 }, { "2d", NOON - 48 * HOUR },
		{ "02:14", NOON - 12 * HOUR + 134 * 60000 },
		{ "02:14:07", NOON - 12 * HOUR + 134 * 60000 + 7000 },
		{ "13:00", NOON + HOUR - 24 * HOUR }, /* yet to come today: yesterday's */
		{ "12:00", NOON },
		{ "2026-03-02T09:00:00Z", NOON - 3 * HOUR },
		{ "2026-03-02T09:00:00.250Z", NOON - 3 * HOUR + 250 },
		{ "2026-03-02 09:00:00", NOON - 3 * HOUR },
		{ "2026-03-02T09:00:00+02:00", NOON - 5 * HOUR },
		{ "1970-01-01T00:00:00Z", -1 }, /* 0 is now */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_INIT;
		int64_t ms = -1;

		if (!when_parse(text_of(cases[i].text), NOON, true, &ms, &err) || ms != cases[i].ms)
			fail_msg("\"%s\" gives %lld, not %lld", cases[i].text, (long long)ms,
				(long long)cases[i].ms);
	}
}

static void what_is_no_moment(void **state)
{
	static const char *const cases[] = { "soon", "3", "h", "3x", "25:00", "12:60", "1:2", "1:02:3",
		"-", "3h4", "99999999999999999999d", "2026-13-01T00:00:00Z", "12:00:00:00" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_INIT;
		int64_t ms = 42;

		if (when_parse(text_of(cases[i]), NOON, true, &ms, &err))
			fail_msg("\"%s\" is taken for %lld", cases[i], (long long)ms);
		assert_int_equal(err.kind, ERR_USAGE);
		assert_int_equal(ms, 42);
	}
}

static void without_a_zone_it_is_local(void **state)
{
	struct err err = ERR_INIT;
	int64_t ms;

	(void)state;
	setenv("TZ", "CET-1", 1);
	tzset();
	assert_true(when_parse(TEXT("10:00"), NOON, false, &ms, &err));
	assert_int_equal(ms, NOON - 3 * HOUR);
	assert_true(when_parse(TEXT("2026-03-02 10:00:00"), NOON, false, &ms, &err));
	assert_int_equal(ms, NOON - 3 * HOUR);
	assert_true(when_parse(TEXT("2026-03-02T09:00:00Z"), NOON, false, &ms, &err));
	assert_int_equal(ms, NOON - 3 * HOUR);
	setenv("TZ", "UTC", 1);
	tzset();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moments),
		cmocka_unit_test(what_is_no_moment),
		cmocka_unit_test(without_a_zone_it_is_local),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
