/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "base/utf8_tables.h"

static void cleaning_shows_what_hides(void **state)
{
	static const struct {
		const char *dirty, *clean;
	} cases[] = {
		{ "plain text", "plain text" },
		{ "tab\tnewline\nend", "tab newline end" },
		{ "\x1b]52;c;aGk=\x07", "␛]52;c;aGk=␇" },
		{ "\x1b[31mred\x1b[0m", "␛[31mred␛[0m" },
		{ "a\rb\bc\x7f", "a␍b␈c␡" },
		{ "\xc2\x9b" "31m", "\xef\xbf\xbd" "31m" },	      /* C1 as a code point */
		{ "\x9b" "31m", "\xef\xbf\xbd" "31m" },		      /* C1 as a byte */
		{ "user\xe2\x80\xae" "gpj.exe", "user\xef\xbf\xbdgpj.exe" }, /* bidi override */
		{ "a\xe2\x80\x8b" "b", "a\xef\xbf\xbd" "b" },	      /* zero width space */
		{ "a\xef\xbb\xbf" "b", "a\xef\xbf\xbd" "b" },	      /* byte order mark */
		{ "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x94\xac",
			"\xf0\x9f\x91\xa9\xef\xbf\xbd\xf0\x9f\x94\xac" }, /* joiner */
		{ "\xee\x80\x80", "\xef\xbf\xbd" },		      /* private use */
		{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" }, /* surrogate */
		{ "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd" },	      /* overlong */
		{ "\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd" },	      /* cut short */
		{ "\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xcc\x81" "a", "\xef\xbf\xbd" "a" },		      /* a mark with no base */
		{ "e\xcc\x81", "e\xcc\x81" },
		{ "e\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81!", "e\xcc\x81\xcc\x81\xcc\x81\xcc\x81!" },
		{ "日本 ä €", "日本 ä €" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf buf;
		struct text dirty = text_of(cases[i].dirty);

		buf_init(&buf, 1000);
		assert_true(utf8_clean(&buf, dirty, UTF8_ONE_LINE));
		assert_string_equal(buf.bytes, cases[i].clean);
		assert_true(utf8_is_clean(buf_text(&buf)));
		assert_int_equal(utf8_is_clean(dirty), text_eq(dirty, buf_text(&buf)));
		buf_done(&buf);
	}
}

static void every_byte_and_pair_is_cleaned(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 64);
	for (int a = 0; a < 256; a++) {
		for (int b = 0; b < 256; b++) {
			char bytes[2] = { (char)a, (char)b };

			buf_reset(&buf);
			assert_true(utf8_clean(&buf, (struct text){ bytes, 2 }, UTF8_ONE_LINE));
			assert_true(utf8_is_clean(buf_text(&buf)));
		}
	}
	buf_done(&buf);
}

static void lines_are_kept_when_asked(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 100);
	assert_true(utf8_clean(&buf, TEXT("a\r\nb\n\xcc\x81\tc\rd"), UTF8_KEEP_LINES));
	assert_string_equal(buf.bytes, "a\nb\n\xef\xbf\xbd c␍d");
	buf_done(&buf);
}

static void max_cuts_at_a_border(void **state)
{
	(void)state;
	for (size_t max = 0; max < 12; max++) {
		struct buf buf;
		bool whole;

		buf_init(&buf, max);
		whole = utf8_clean(&buf, TEXT("a日\x01" "b€"), UTF8_ONE_LINE);
		assert_int_equal(whole, max >= 11);
		assert_int_equal(buf.full, !whole);
		assert_true(utf8_is_clean(buf_text(&buf)));
		buf_done(&buf);
	}
}

static void codes_go_there_and_back(void **state)
{
	(void)state;
	for (uint32_t code = 0; code <= 0x10ffff; code++) {
		char bytes[4];
		size_t next = 0;
		size_t n;

		if (code >= 0xd800 && code <= 0xdfff)
			continue;
		n = utf8_encode(code, bytes);
		if (utf8_next((struct text){ bytes, n }, 0, &next) != code || next != n)
			fail_msg("U+%X", code);
		if (n > 1 && utf8_is_valid((struct text){ bytes, n - 1 }))
			fail_msg("U+%X cut short is taken as valid", code);
		if (utf8_cells(code) < 0 || utf8_cells(code) > 2)
			fail_msg("U+%X", code);
	}
	assert_true(utf8_is_valid(TEXT("\x1b ok\n")));
	assert_true(utf8_is_valid(TEXT_NONE));
	assert_true(utf8_is_clean(TEXT_NONE));
}

/* Code by code from the tables: no shortcut may say otherwise. */
static void every_code_has_its_width(void **state)
{
	static unsigned char want[0x110000];

	(void)state;
	memset(want, 1, sizeof want);
	for (size_t i = 0; i < ARRAY_LEN(wide); i++)
		memset(want + wide[i].first, 2, wide[i].last - wide[i].first + 1);
	for (size_t i = 0; i < ARRAY_LEN(combining); i++)
		memset(want + combining[i].first, 0, combining[i].last - combining[i].first + 1);
	for (uint32_t code = 0; code < sizeof want; code++) {
		if (utf8_cells(code) != want[code])
			fail_msg("U+%X takes %d cells, not %d", code, utf8_cells(code), want[code]);
	}
	for (uint32_t code = ' '; code < sizeof want; code++) {
		char bytes[4];
		size_t n = utf8_encode(code, bytes);
		int cells;

		if (code >= 0xd800 && code <= 0xdfff)
			continue;
		if (utf8_cluster((struct text){ bytes, n }, 0, &cells) != n || cells != want[code])
			fail_msg("a cluster of U+%X takes %d cells", code, cells);
	}
}

static void json_keeps_its_meaning_and_gives_no_orders(void **state)
{
	static const struct {
		const char *json, *clean;
	} cases[] = {
		{ "", "" },
		{ "{\n  \"a\": \"\\u001b\"\n}", "{\n  \"a\": \"\\u001b\"\n}" },
		{ "\"\xc2\x9b" "31m\"", "\"\\u009b31m\"" },
		{ "\"a\x7f\"", "\"a\\u007f\"" },
		{ "\"\xe2\x80\xae\"", "\"\\u202e\"" },
		{ "\"\xf3\xa0\x80\x81\"", "\"\\udb40\\udc01\"" }, /* a tag, which no screen shows */
		{ "\"\xc3\xa9\xe6\x97\xa5\xef\xbf\xbd e\xcc\x81\"",
			"\"\xc3\xa9\xe6\x97\xa5\xef\xbf\xbd e\xcc\x81\"" },
		{ "\"\xff\xc3\"", "\"\\ufffd\\ufffd\"" },
	};
	struct buf buf;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		buf_init(&buf, 100);
		assert_true(utf8_clean_json(&buf, text_of(cases[i].json)));
		assert_string_equal(buf.bytes, cases[i].clean);
		buf_done(&buf);
	}
	buf_init(&buf, 4);
	assert_false(utf8_clean_json(&buf, TEXT("\"\x7f\"")));
	buf_done(&buf);
}

static void widths_are_cells(void **state)
{
	size_t used;
	int cells;

	(void)state;
	assert_int_equal(utf8_width(TEXT("abc")), 3);
	assert_int_equal(utf8_width(TEXT("日本")), 4);
	assert_int_equal(utf8_width(TEXT("e\xcc\x81")), 1);
	assert_int_equal(utf8_width(TEXT_NONE), 0);
	assert_int_equal(utf8_cells('a'), 1);
	assert_int_equal(utf8_cells(0x300), 0);
	assert_int_equal(utf8_cells(0x65e5), 2);
	assert_int_equal(utf8_cells(0x1f600), 2);
	assert_true(text_is(utf8_head(TEXT("日本"), 3, &used), "日"));
	assert_int_equal(used, 2);
	assert_true(text_is(utf8_tail(TEXT("日本"), 3, &used), "本"));
	assert_int_equal(used, 2);
	assert_true(text_is(utf8_head(TEXT("e\xcc\x81z"), 1, &used), "e\xcc\x81"));
	assert_true(text_is(utf8_head(TEXT("abc"), 0, &used), ""));
	assert_true(text_is(utf8_tail(TEXT("abc"), 99, &used), "abc"));
	assert_int_equal(used, 3);
	assert_int_equal(utf8_cluster(TEXT("e\xcc\x81z"), 0, &cells), 3);
	assert_int_equal(cells, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cleaning_shows_what_hides),
		cmocka_unit_test(every_byte_and_pair_is_cleaned),
		cmocka_unit_test(lines_are_kept_when_asked), cmocka_unit_test(max_cuts_at_a_border),
		cmocka_unit_test(codes_go_there_and_back), cmocka_unit_test(widths_are_cells),
		cmocka_unit_test(json_keeps_its_meaning_and_gives_no_orders),
		cmocka_unit_test(every_code_has_its_width),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
