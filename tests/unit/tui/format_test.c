/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "tui/line.h"

static const int64_t UNKNOWN = INT64_MIN;

static struct arena arena;

static struct look utc_look(void)
{
	return (struct look){ .now_ms = time_from_civil(2026, 11, 21, 2, 14, 7, 0), .utc = true,
		.arena = &arena };
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static void things(void **state)
{
	struct look look = utc_look();

	(void)state;
	assert_string_equal(format_things(&look, 0, "file").bytes, "0 files");
	assert_string_equal(format_things(&look, 1, "file").bytes, "1 file");
	assert_string_equal(format_things(&look, 92200, "row").bytes, "92 200 rows");
	look.ascii = true;
	assert_string_equal(format_things(&look, UNKNOWN, "row").bytes, "- rows");
}

static void counts(void **state)
{
	static const struct {
		int64_t n;
		const char *count, *shortened, *with_sign, *bytes;
	} cases[] = {
		{ 0, "0", "0", "0", "0 B" },
		{ 7, "7", "7", "+7", "7 B" },
		{ 999, "999", "999", "+999", "999 B" },
		{ 1000, "1 000", "1.0k", "+1 000", "1.0 kB" },
		{ -96, "-96", "-96", "-96", "-96 B" },
		{ 12345, "12 345", "12.3k", "+12 345", "12.3 kB" },
		{ 100000, "100 000", "100k", "+100 000", "100 kB" },
		{ 999999, "999 999", "999k", "+999 999", "999 kB" },
		{ 1234567, "1 234 567", "1.2 M", "+1 234 567", "1.2 MB" },
		{ -1234567, "-1 234 567", "-1.2 M", "-1 234 567", "-1.2 MB" },
		{ INT64_MAX, "9 223 372 036 854 775 807", "9.2 E", "+9 223 372 036 854 775 807",
			"9.2 EB" },
		{ INT64_MIN, "–", "–", "–", "–" },
		{ INT64_MIN + 1, "-9 223 372 036 854 775 807", "-9.2 E", "-9 223 372 036 854 775 807",
			"-9.2 EB" },
	};
	struct look look = utc_look();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_string_equal(format_count(&look, cases[i].n).bytes, cases[i].count);
		assert_string_equal(format_short(&look, cases[i].n).bytes, cases[i].shortened);
		assert_string_equal(format_signed(&look, cases[i].n).bytes, cases[i].with_sign);
		assert_string_equal(format_bytes(&look, cases[i].n).bytes, cases[i].bytes);
	}
}

static void percentages_never_flatter(void **state)
{
	static const struct {
		double pct;
		const char *text;
	} cases[] = {
		{ 100, "100%" },   { 99.96, "99.9%" },   { 99.9999999999, "99.9%" }, { 99.94, "99.9%" },
		{ 94.86, "94.9%" }, { 92.2, "92.2%" },   { 0, "0%" },	       { 0.04, "<0.1%" },
		{ 0.05, "0.1%" },  { 1e-300, "<0.1%" },  { 100.01, ">100%" },        { 130, "130.0%" },
		{ -0.01, ">-0.1%" }, { -3, "-3.0%" },
	};
	struct look look = utc_look();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(format_pct(&look, cases[i].pct).bytes, cases[i].text);
	assert_string_equal(format_pct(&look, NAN).bytes, "–");
	assert_string_equal(format_share(&look, 92200, 100000).bytes, "92.2%");
	assert_string_equal(format_share(&look, 7800, 100000).bytes, "7.8%");
	assert_string_equal(format_share(&look, 5, 5).bytes, "100%");
	assert_string_equal(format_share(&look, INT64_MAX - 1, INT64_MAX).bytes, "99.9%");
	assert_string_equal(format_share(&look, INT64_MAX, INT64_MAX - 1).bytes, ">100%");
	assert_string_equal(format_share(&look, 0, 0).bytes, "–");
	assert_string_equal(format_share(&look, UNKNOWN, 5).bytes, "–");
	assert_string_equal(format_share(&look, 5, UNKNOWN).bytes, "–");
}

static void ages_and_durations(void **state)
{
	static const struct {
		int64_t ms;
		const char *age, *duration;
	} cases[] = {
		{ 0, "0s", "0ms" },
		{ 850, "0s", "850ms" },
		{ 3299, "3s", "3.2s" },
		{ 59999, "59s", "59.9s" },
		{ 60000, "1m", "1m00s" },
		{ 250000, "4m", "4m10s" },
		{ 3599999, "59m", "59m59s" },
		{ 3900000, "1h05m", "1h05m" },
		{ 15120000, "4h12m", "4h12m" },
		{ 597600000, "6d22h", "6d22h" },
		{ 86400000LL * 400, "400d", "400d" },
		{ -500, "0s", "-500ms" },
		{ -240000, "in 4m", "-4m00s" },
	};
	struct look look = utc_look();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_string_equal(format_age(&look, look.now_ms - cases[i].ms).bytes, cases[i].age);
		assert_string_equal(format_duration(&look, cases[i].ms).bytes, cases[i].duration);
	}
	assert_string_equal(format_age(&look, UNKNOWN).bytes, "–");
	assert_string_equal(format_age(&look, INT64_MIN + 1).bytes, "–");
	assert_string_equal(format_duration(&look, UNKNOWN).bytes, "–");
}

static void times(void **state)
{
	struct look look = utc_look();
	int64_t at = time_from_civil(2026, 11, 21, 2, 1, 13, 999);

	(void)state;
	assert_string_equal(format_time(&look, at).bytes, "21 Nov 02:01:13");
	assert_string_equal(format_clock(&look, at).bytes, "02:01:13");
	assert_string_equal(format_time(&look, -1).bytes, "31 Dec 1969 23:59:59");
	assert_string_equal(format_zone(&look).bytes, "UTC");
	assert_string_equal(format_time(&look, UNKNOWN).bytes, "–");
	assert_string_equal(format_time(&look, INT64_MAX).bytes, "–");
	assert_string_equal(format_clock(&look, INT64_MIN + 1).bytes, "–");
	look.utc = false;
	(void)setenv("TZ", "XYZ-03:30", 1);
	tzset();
	assert_string_equal(format_time(&look, at).bytes, "21 Nov 05:31:13");
	assert_string_equal(format_clock(&look, at).bytes, "05:31:13");
	assert_string_equal(format_zone(&look).bytes, "XYZ");
	(void)unsetenv("TZ");
	tzset();
}

static void sparks_and_bars(void **state)
{
	static const double values[] = { 0, 0.5, 1, NAN, 2, -1, INFINITY };
	struct look look = utc_look();

	(void)state;
	assert_string_equal(format_spark(&look, values, 7, 0, 1).bytes, "▁▅█ █▁█");
	assert_string_equal(format_spark(&look, values, 3, 0, 0).bytes, "▁██");
	assert_string_equal(format_spark(&look, values, 0, 0, 1).bytes, "");
	assert_string_equal(format_bar(&look, 0.5, 3).bytes, "█▌ ");
	assert_string_equal(format_bar(&look, 0.0001, 3).bytes, "▏  ");
	assert_string_equal(format_bar(&look, 0.9999, 3).bytes, "██▉");
	assert_string_equal(format_bar(&look, 1, 3).bytes, "███");
	assert_string_equal(format_bar(&look, 7, 2).bytes, "██");
	assert_string_equal(format_bar(&look, 0, 2).bytes, "  ");
	assert_string_equal(format_bar(&look, NAN, 2).bytes, "–");
	assert_string_equal(format_bar(&look, 1, 0).bytes, "");
	look.ascii = true;
	assert_string_equal(format_spark(&look, values, 4, 0, 1).bytes, "059 ");
	assert_string_equal(format_bar(&look, 0.999, 4).bytes, "###-");
	assert_string_equal(format_count(&look, UNKNOWN).bytes, "-");
}

static void glyphs_are_one_cell_and_states_differ(void **state)
{
	struct look look = utc_look();

	(void)state;
	for (int ascii = 0; ascii <= 1; ascii++) {
		look.ascii = ascii != 0;
		for (enum glyph a = 0; a < GLYPH_COUNT; a++) {
			struct text glyph = glyph_text(&look, a);

			assert_int_equal(utf8_width(glyph), 1);
			assert_true(utf8_is_clean(glyph));
			for (enum glyph b = 0; a <= GLYPH_UNKNOWN && b < a; b++)
				assert_false(text_eq(glyph, glyph_text(&look, b)));
			if (look.ascii)
				assert_int_equal(glyph.len, 1);
		}
	}
}

static void raw_is_for_machines(void **state)
{
	struct look look = utc_look();

	(void)state;
	look.raw = true;
	look.utc = false;
	assert_string_equal(format_count(&look, -1234567).bytes, "-1234567");
	assert_string_equal(format_bytes(&look, 1200).bytes, "1200");
	assert_string_equal(format_short(&look, 1200).bytes, "1200");
	assert_string_equal(format_signed(&look, 12).bytes, "12");
	assert_string_equal(format_duration(&look, 3200).bytes, "3200");
	assert_string_equal(format_share(&look, 1, 8).bytes, "12.5");
	assert_string_equal(format_age(&look, 0).bytes, "1970-01-01T00:00:00.000Z");
	assert_string_equal(format_time(&look, 1).bytes, "1970-01-01T00:00:00.001Z");
	assert_string_equal(format_count(&look, UNKNOWN).bytes, "");
	assert_string_equal(glyph_text(&look, GLYPH_OK).bytes, "");
	assert_string_equal(format_bar(&look, 1, 3).bytes, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(things, tear_down),
		cmocka_unit_test_teardown(counts, tear_down),
		cmocka_unit_test_teardown(percentages_never_flatter, tear_down),
		cmocka_unit_test_teardown(ages_and_durations, tear_down),
		cmocka_unit_test_teardown(times, tear_down),
		cmocka_unit_test_teardown(sparks_and_bars, tear_down),
		cmocka_unit_test_teardown(glyphs_are_one_cell_and_states_differ, tear_down),
		cmocka_unit_test_teardown(raw_is_for_machines, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
