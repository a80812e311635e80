/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "tui/line.h"
#include "tui/theme.h"

static void every_built_in_theme_is_whole(void **state)
{
	size_t n = 0;

	(void)state;
	assert_string_equal(theme_builtin(0), "dark");
	for (; theme_builtin(n); n++) {
		struct theme theme;
		struct err err = ERR_INIT;

		if (!theme_load(&theme, theme_builtin(n), NULL, &err))
			fail_msg("%s", err.text);
		assert_string_equal(theme.name, theme_builtin(n));
	}
	assert_int_equal(n, 5);
}

/* What a cell looks like against what is behind it; colors of the terminal itself are its own. */
static void check_contrast(const struct theme *theme, enum role role, bool selected)
{
	struct style style = theme_style(theme, role, selected, DEPTH_TRUE);
	int32_t behind = style.bg.rgb >= 0 ? style.bg.rgb : theme->ground.rgb;

	if (style.fg.rgb < 0 || behind < 0)
		return;
	if (theme_contrast(style.fg.rgb, behind) < 4.5)
		fail_msg("%s: %s%s has a contrast of %.2f", theme->name, role_name(role),
			selected ? " under the cursor" : "", theme_contrast(style.fg.rgb, behind));
}

static void contrast_is_enough_to_read(void **state)
{
	(void)state;
	for (size_t n = 0; theme_builtin(n); n++) {
		struct theme theme;
		struct err err = ERR_INIT;

		assert_true(theme_load(&theme, theme_builtin(n), NULL, &err));
		for (enum role role = 0; role < ROLE_COUNT; role++) {
			check_contrast(&theme, role, false);
			check_contrast(&theme, role, true);
		}
	}
}

static void states_differ_without_color(void **state)
{
	static const struct {
		enum role role;
		enum glyph glyph;
	} states[] = {
		{ ROLE_OK, GLYPH_OK },		   { ROLE_RUNNING, GLYPH_RUNNING },
		{ ROLE_WAITING, GLYPH_WAITING },   { ROLE_WARN, GLYPH_WARN },
		{ ROLE_FAILED, GLYPH_FAILED },	   { ROLE_CANCELED, GLYPH_CANCELED },
		{ ROLE_SKIPPED, GLYPH_SKIPPED },   { ROLE_UNKNOWN, GLYPH_UNKNOWN },
	};
	struct theme mono;
	struct err err = ERR_INIT;

	(void)state;
	assert_true(theme_load(&mono, "mono", NULL, &err));
	for (size_t a = 0; a < ARRAY_LEN(states); a++) {
		for (size_t b = 0; b < a; b++) {
			struct look look = { .ascii = true };
			bool attrs = mono.styles[states[a].role].attrs != mono.styles[states[b].role].attrs;
			bool glyphs = !text_eq(glyph_text(&look, states[a].glyph),
				glyph_text(&look, states[b].glyph));

			assert_true(attrs || glyphs);
		}
	}
	for (enum role role = 0; role < ROLE_COUNT; role++) {
		assert_int_equal(mono.styles[role].fg.c16, COLOR_DEFAULT_);
		assert_int_equal(mono.styles[role].bg.c16, COLOR_DEFAULT_);
		/* The cursor is seen on every row. */
		assert_int_not_equal(theme_style(&mono, role, true, DEPTH_MONO).attrs & ATTR_REVERSE,
			mono.styles[role].attrs & ATTR_REVERSE);
	}
}

static void selection_keeps_matches_and_reverses_where_it_must(void **state)
{
	struct theme dark;
	struct err err = ERR_INIT;
	struct style style;

	(void)state;
	assert_true(theme_load(&dark, "dark", NULL, &err));
	style = theme_style(&dark, ROLE_FAILED, true, DEPTH_TRUE);
	assert_int_equal(style.bg.rgb, dark.styles[ROLE_SELECTED].bg.rgb);
	assert_int_equal(style.fg.rgb, dark.styles[ROLE_FAILED].fg.rgb);
	assert_false(style.attrs & ATTR_REVERSE);
	style = theme_style(&dark, ROLE_FAILED, true, DEPTH_16);
	assert_true(style.attrs & ATTR_REVERSE);
	style = theme_style(&dark, ROLE_MATCH, true, DEPTH_256);
	assert_int_equal(style.bg.c256, dark.styles[ROLE_MATCH].bg.c256);
}

/* A whole theme with `line` in place of the role's own, or with nothing there. */
static void compose(struct buf *buf, const char *replaced, const char *line)
{
	buf_reset(buf);
	(void)buf_add_str(buf, "# made for a test\n\nground = #000000 0 black\n");
	for (enum role role = 0; role < ROLE_COUNT; role++) {
		if (strcmp(role_name(role), replaced) != 0)
			(void)buf_addf(buf, "%s = default\n", role_name(role));
	}
	(void)buf_add_str(buf, line);
}

static void errors_name_line_and_nearest_role(void **state)
{
	static const struct {
		const char *line, *says;
	} cases[] = {
		{ "", "no line for the role \"failed\"" },
		{ "faild = default", "line 32: unknown role \"faild\"; did you mean \"failed\"?" },
		{ "zzzzzzzzzzzzzz = default", "line 32: unknown role" },
		{ "failed default", "line 32: a line is ROLE = COLOR" },
		{ "failed =", "line 32: a color begins #rrggbb" },
		{ "failed = #12345 1 red", "\"#12345\"" },
		{ "failed = #12345g 1 red", "\"#12345g\"" },
		{ "failed = #123456 256 red", "0 to 255, not \"256\"" },
		{ "failed = #123456 1 rot", "its name, as in bright-red, not \"rot\"" },
		{ "failed = #123456 1", "not \"\"" },
		{ "failed = default loud", "not \"loud\"" },
		{ "failed = default on", "a color begins" },
		{ "failed = default\nfailed = default", "line 33: a second line for \"failed\"" },
		{ "failed = default\nground = default", "line 33: a second line for \"ground\"" },
		{ "failed = d d d d d d d d d d d d d d d d d", "too many words" },
		{ "\x1b]0;x = default", "␛]0;x" },
	};
	struct theme theme = { .name = "untouched" };
	struct buf buf;

	(void)state;
	buf_init(&buf, 1 << 16);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_INIT;

		compose(&buf, "failed", cases[i].line);
		assert_false(theme_parse(&theme, "mine", buf_text(&buf), &err));
		assert_int_equal(err.kind, ERR_CONFIG);
		if (!strstr(err.text, cases[i].says))
			fail_msg("\"%s\" does not say \"%s\"", err.text, cases[i].says);
		assert_non_null(strstr(err.text, "theme mine"));
		assert_string_equal(theme.name, "untouched");
	}
	compose(&buf, "failed", "failed=#ff8000 208 bright-red on #000000 0 default\tbold  dim \r\n");
	{
		struct err err = ERR_INIT;

		if (!theme_parse(&theme, "mine", buf_text(&buf), &err))
			fail_msg("%s", err.text);
	}
	assert_int_equal(theme.styles[ROLE_FAILED].fg.rgb, 0xff8000);
	assert_int_equal(theme.styles[ROLE_FAILED].fg.c256, 208);
	assert_int_equal(theme.styles[ROLE_FAILED].fg.c16, 9);
	assert_int_equal(theme.styles[ROLE_FAILED].bg.c16, COLOR_DEFAULT_);
	assert_int_equal(theme.styles[ROLE_FAILED].attrs, ATTR_BOLD | ATTR_DIM);
	buf_done(&buf);
}

static void the_users_file_comes_first(void **state)
{
	char folder[] = "/tmp/weir-theme-XXXXXX";
	char path[64];
	struct theme theme;
	struct err err = ERR_INIT;
	struct buf buf;
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_true(theme_load(&theme, "light", folder, &err));
	(void)snprintf(path, sizeof path, "%s/light.theme", folder);
	buf_init(&buf, 1 << 16);
	compose(&buf, "ok", "ok = default underline");
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(buf.bytes, 1, buf.len, file), buf.len);
	assert_int_equal(fclose(file), 0);
	assert_true(theme_load(&theme, "light", folder, &err));
	assert_int_equal(theme.styles[ROLE_OK].attrs, ATTR_UNDERLINE);
	file = fopen(path, "a");
	assert_non_null(file);
	(void)fputs("\nnonsense\n", file);
	assert_int_equal(fclose(file), 0);
	assert_false(theme_load(&theme, "light", folder, &err));
	assert_int_equal(err.kind, ERR_CONFIG);
	(void)unlink(path);
	(void)rmdir(folder);
	buf_done(&buf);
}

static void names_are_checked(void **state)
{
	static const char *const bad[] = { "", "../dark", ".dark", "a\x1b", "no-such-theme-anywhere" };
	struct theme theme;
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(theme_load(&theme, bad[i], "/nonexistent", &err));
	assert_false(theme_load(&theme, "drak", NULL, &err));
	assert_non_null(strstr(err.text, "did you mean dark?"));
	assert_string_equal(theme_choose(NULL, NULL), "dark");
	assert_string_equal(theme_choose(NULL, ""), "dark");
	assert_string_equal(theme_choose(NULL, "1"), "mono");
	assert_string_equal(theme_choose("light", "1"), "light");
	assert_string_equal(theme_choose("", "0"), "mono");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_built_in_theme_is_whole),
		cmocka_unit_test(contrast_is_enough_to_read),
		cmocka_unit_test(states_differ_without_color),
		cmocka_unit_test(selection_keeps_matches_and_reverses_where_it_must),
		cmocka_unit_test(errors_name_line_and_nearest_role),
		cmocka_unit_test(the_users_file_comes_first),
		cmocka_unit_test(names_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
