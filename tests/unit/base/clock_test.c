/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"

static const char *utc(struct buf *buf, int64_t ms)
{
	buf_reset(buf);
	time_format_utc(buf, ms);
	return buf->bytes;
}

static void good_times_are_read(void **state)
{
	static const struct {
		const char *text, *utc;
	} cases[] = {
		{ "2026-03-02T09:00:00.100Z", "2026-03-02T09:00:00.100Z" },
		{ "2026-03-02 09:00:00", "2026-03-02T09:00:00.000Z" },
		{ "2026-03-02t09:00:00z", "2026-03-02T09:00:00.000Z" },
		{ "2026-03-02", "2026-03-02T00:00:00.000Z" },
		{ "2026-03-02T09:00Z", "2026-03-02T09:00:00.000Z" },
		{ "2026-03-02T09:00:00.1", "2026-03-02T09:00:00.100Z" },
		{ "2026-03-02T09:00:00.123456789Z", "2026-03-02T09:00:00.123Z" },
		{ "2026-03-02T09:00:00.999999Z", "2026-03-02T09:00:00.999Z" },
		{ "2026-03-02T01:00:00+05:30", "2026-03-01T19:30:00.000Z" },
		{ "2026-03-02T01:00:00-0130", "2026-03-02T02:30:00.000Z" },
		{ "2026-03-02T01:00:00+05", "2026-03-01T20:00:00.000Z" },
		{ "2026-03-02 09:00:00.1 Z", "2026-03-02T09:00:00.100Z" },
		{ "2024-02-29T23:59:60Z", "2024-03-01T00:00:00.000Z" },
		{ "2000-02-29", "2000-02-29T00:00:00.000Z" },
		{ "1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z" },
		{ "0001-01-01", "0001-01-01T00:00:00.000Z" },
		{ "9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z" },
	};
	struct buf buf;

	(void)state;
	buf_init(&buf, 100);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t ms;

		if (!time_parse(text_of(cases[i].text), &ms))
			fail_msg("%s is refused", cases[i].text);
		assert_string_equal(utc(&buf, ms), cases[i].utc);
	}
	buf_done(&buf);
}

static void broken_times_are_refused(void **state)
{
	static const char *const cases[] = { "", "2026", "2026-3-2", "2026-00-01", "2026-13-01",
		"2026-01-00", "2026-02-29", "1900-02-29", "2026-04-31", "0000-01-01", "2026-03-02T",
		"2026-03-02T9:00", "2026-03-02T24:00:00", "2026-03-02T09:60:00", "2026-03-02T09:00:61",
		"2026-03-02T09:00:00.", "2026-03-02T09:00:00.1234567890", "2026-03-02T09:00.5",
		"2026-03-02T09:00:00x", "2026-03-02T09:00:00Zx", "2026-03-02T09:00:00+24",
		"2026-03-02T09:00:00+05:", "2026-03-02T09:00:00+05:60", "2026-03-02T09:00:00+5",
		"2026-03-02Z", "-026-03-02", "2026/03/02", " 2026-03-02", "12345-01-01" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t ms = 77;

		if (time_parse(text_of(cases[i]), &ms))
			fail_msg("%s is taken", cases[i]);
		assert_int_equal(ms, 77);
	}
	assert_false(time_parse(TEXT_NONE, &(int64_t){ 0 }));
}

static void days_follow_each_other(void **state)
{
	struct civil before = time_civil_utc(time_from_civil(1599, 12, 31, 12, 0, 0, 0));

	(void)state;
	for (int64_t day = 0; day < 366 * 850; day++) {
		int64_t ms = time_from_civil(1600, 1, 1, 0, 0, 0, 0) + day * 86400000;
		struct civil c = time_civil_utc(ms);
		bool same_month = c.month == before.month;

		assert_true(time_from_civil(c.year, c.month, c.day, c.hour, c.minute, c.second, c.ms) == ms);
		assert_int_equal(c.weekday, (before.weekday + 1) % 7);
		assert_true(same_month ? c.day == before.day + 1 : c.day == 1);
		assert_true(same_month || c.month == before.month % 12 + 1);
		before = c;
	}
	assert_int_equal(time_civil_utc(0).weekday, 4); /* a Thursday */
}

static void extremes_are_survived(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 100);
	assert_string_equal(utc(&buf, INT64_MIN), "0001-01-01T00:00:00.000Z");
	assert_string_equal(utc(&buf, INT64_MAX), "9999-12-31T23:59:59.999Z");
	assert_in_range(time_civil_utc(INT64_MIN).month, 1, 12);
	assert_in_range(time_civil_utc(INT64_MIN).hour, 0, 23);
	assert_in_range(time_civil_utc(INT64_MAX).day, 1, 31);
	assert_int_equal(time_civil_utc(-1).ms, 999);
	assert_int_equal(time_civil_utc(-1).year, 1969);
	buf_done(&buf);
}

static void clocks_tell(void **state)
{
	struct clock fixed = clock_fixed(1234);
	const struct clock *real = clock_system();
	int64_t first = real->mono_ms(real);

	(void)state;
	assert_int_equal(fixed.wall_ms(&fixed), 1234);
	assert_int_equal(fixed.mono_ms(&fixed), 1234);
	assert_true(real->mono_ms(real) >= first);
	assert_true(real->wall_ms(real) > time_from_civil(2020, 1, 1, 0, 0, 0, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_times_are_read), cmocka_unit_test(broken_times_are_refused),
		cmocka_unit_test(days_follow_each_other), cmocka_unit_test(extremes_are_survived),
		cmocka_unit_test(clocks_tell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
