/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "tui/action.h"

static void every_row_is_whole(void **state)
{
	(void)state;
	for (enum action a = ACT_NONE + 1; a < ACT_COUNT; a++) {
		const struct action_info *info = action_info(a);

		assert_true(*info->name && *info->help);
		assert_true(utf8_width(text_of(info->help)) <= 60);
		assert_in_range(info->group, 0, GROUP_COUNT - 1);
		assert_true(*action_group_name(info->group));
		assert_int_equal(action_by_name(text_of(info->name)), a);
		assert_null(strchr(info->name, ' '));
	}
	assert_int_equal(action_by_name(TEXT("no such thing")), ACT_NONE);
	assert_int_equal(action_by_name(TEXT("")), ACT_NONE);
	assert_int_equal(action_by_name(TEXT_NONE), ACT_NONE);
}

static void no_default_key_has_two_meanings(void **state)
{
	struct bindings *bindings = bindings_new();

	(void)state;
	for (enum action a = ACT_NONE + 1; a < ACT_COUNT; a++) {
		struct text rest = text_of(action_info(a)->keys);

		while (rest.len > 0) {
			struct err err = ERR_INIT;
			int key;

			assert_true(key_parse(&rest, &key, &err));
			assert_int_equal(bindings_find(bindings, key), a);
			rest = text_trim(rest);
		}
	}
	bindings_free(bindings);
}

static void keys_are_read_and_written(void **state)
{
	static const struct {
		const char *spelling, *label;
		int key;
	} cases[] = {
		{ "x", "x", 'x' },	       { "<Enter>", "Enter", '\r' },
		{ "<enter>", "Enter", '\r' },  { "<C-m>", "Enter", '\r' },
		{ "<Esc>", "Esc", 27 },        { "<C-[>", "Esc", 27 },
		{ "<C-r>", "^R", 18 },	       { "<C-R>", "^R", 18 },
		{ "<C-h>", "BS", KEY_BS_ },    { "<BS>", "BS", KEY_BS_ },
		{ "<lt>", "<", '<' },	       { ">", ">", '>' },
		{ "<Space>", "Space", ' ' },   { "<F1>", "F1", KEY_F_ + 1 },
		{ "<F24>", "F24", KEY_F_ + 24 }, { "<S-Tab>", "S-Tab", KEY_STAB_ },
		{ "ä", "ä", 0xe4 },	       { "😀", "😀", 0x1f600 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct text rest = text_of(cases[i].spelling);
		struct err err = ERR_INIT;
		char label[16];
		int key;

		assert_true(key_parse(&rest, &key, &err));
		assert_int_equal(rest.len, 0);
		assert_int_equal(key, cases[i].key);
		key_label(key, label, sizeof label);
		assert_string_equal(label, cases[i].label);
	}
}

static void broken_keys_are_explained(void **state)
{
	static const struct {
		const char *spelling, *says;
	} cases[] = {
		{ "", "missing" },
		{ "<", "<lt>" },
		{ "<Entr>", "did you mean <Enter>?" },
		{ "<qqqqqqqqqqqq>", "keys are written" },
		{ "<F0>", "unknown key <F0>" },
		{ "<F25>", "unknown key <F25>" },
		{ "<F99999999999999999999>", "unknown key" },
		{ "<C-ab>", "unknown key" },
		{ "<C-1>", "unknown key" },
		{ "<>", "unknown key <>" },
		{ "<\x1b>", "unknown key <␛>" },
		{ "\x1b", "typed" },
		{ "\xff", "typed" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct text rest = text_of(cases[i].spelling);
		struct err err = ERR_INIT;
		int key = -7;

		assert_false(key_parse(&rest, &key, &err));
		assert_int_equal(key, -7);
		assert_string_equal(rest.bytes, cases[i].spelling);
		assert_non_null(strstr(err.text, cases[i].says));
	}
}

static void binding_takes_keys_from_others(void **state)
{
	struct bindings *bindings = bindings_new();
	struct err err = ERR_INIT;
	char keys[32];
	char tiny[6];

	(void)state;
	assert_true(bindings_set(bindings, ACT_REFRESH, TEXT(" j  <F5> j "), &err));
	assert_int_equal(bindings_find(bindings, 'j'), ACT_REFRESH);
	assert_int_equal(bindings_find(bindings, 'r'), ACT_NONE);
	bindings_keys(bindings, ACT_REFRESH, keys, sizeof keys);
	assert_string_equal(keys, "j F5");
	bindings_keys(bindings, ACT_DOWN, keys, sizeof keys);
	assert_string_equal(keys, "Down");
	bindings_keys(bindings, ACT_HELP, tiny, 4);
	assert_string_equal(tiny, "?");
	assert_string_equal(bindings_key(bindings, ACT_REFRESH), "j");
	assert_true(bindings_set(bindings, ACT_REFRESH, TEXT(""), &err));
	assert_string_equal(bindings_key(bindings, ACT_REFRESH), "");
	assert_int_equal(bindings_find(bindings, 'j'), ACT_NONE);
	bindings_free(bindings);
}

static void configuration_gives_keys_away_once(void **state)
{
	static const struct {
		const char *name, *keys, *says;
	} broken[] = {
		{ "quti", "x", "did you mean \"quit\"?" },
		{ "zzzzzzzzzzzzzzz", "x", "weir --dump keys lists them" },
		{ "\033[2J", "x", "unknown action \"\xe2\x90\x9b[2J\"" },
		{ "quit", "<Entr>", "keys of quit: unknown key <Entr>; did you mean <Enter>?" },
		{ "quit", "a,,b", "the comma itself is <Comma>" },
		{ "quit", ",", "the comma itself is <Comma>" },
		{ "quit", "Z", "keys of quit: Z is given to refresh already" },
	};
	struct bindings *bindings = bindings_new();
	struct err err = ERR_INIT;
	char keys[32];

	(void)state;
	assert_true(bindings_configure(bindings, TEXT("refresh"), TEXT("Z, <F5>,<Comma>"), &err));
	bindings_keys(bindings, ACT_REFRESH, keys, sizeof keys);
	assert_string_equal(keys, "Z F5 ,");
	assert_int_equal(bindings_find(bindings, ','), ACT_REFRESH);
	/* A default may be taken by one line and its action get another by the next. */
	assert_true(bindings_configure(bindings, TEXT("down"), TEXT("q"), &err));
	assert_true(bindings_configure(bindings, TEXT("quit"), TEXT("Q"), &err));
	assert_int_equal(bindings_find(bindings, 'q'), ACT_DOWN);
	assert_int_equal(bindings_find(bindings, 'Q'), ACT_QUIT);
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		assert_false(bindings_configure(bindings, text_of(broken[i].name),
			text_of(broken[i].keys), &err));
		if (!strstr(err.text, broken[i].says))
			fail_msg("case %zu: %s", i, err.text);
		assert_int_equal(bindings_find(bindings, 'Q'), ACT_QUIT);
	}
	assert_true(bindings_configure(bindings, TEXT("mark"), TEXT(""), &err));
	assert_string_equal(bindings_key(bindings, ACT_MARK), "");
	bindings_free(bindings);
}

static void broken_binding_changes_nothing(void **state)
{
	struct bindings *bindings = bindings_new();
	struct err err = ERR_INIT;

	(void)state;
	assert_false(bindings_set(bindings, ACT_REFRESH, TEXT("j <Quit>"), &err));
	assert_non_null(strstr(err.text, "keys of refresh"));
	assert_false(bindings_set(bindings, ACT_REFRESH, TEXT("jk"), &err));
	assert_false(bindings_set(bindings, ACT_REFRESH, TEXT("a b c d e f g h i"), &err));
	assert_int_equal(bindings_find(bindings, 'j'), ACT_DOWN);
	assert_int_equal(bindings_find(bindings, 'r'), ACT_REFRESH);
	bindings_free(bindings);
}

static void keys_terminals_confuse_are_one(void **state)
{
	struct bindings *bindings = bindings_new();

	(void)state;
	assert_int_equal(bindings_find(bindings, '\n'), ACT_OPEN);
	assert_int_equal(bindings_find(bindings, '\r'), ACT_OPEN);
	assert_int_equal(bindings_find(bindings, 127), ACT_BACK);
	assert_int_equal(bindings_find(bindings, 0), ACT_NONE);
	assert_int_equal(bindings_find(bindings, -1), ACT_NONE);
	bindings_free(bindings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_whole),
		cmocka_unit_test(no_default_key_has_two_meanings),
		cmocka_unit_test(keys_are_read_and_written),
		cmocka_unit_test(broken_keys_are_explained),
		cmocka_unit_test(binding_takes_keys_from_others),
		cmocka_unit_test(configuration_gives_keys_away_once),
		cmocka_unit_test(broken_binding_changes_nothing),
		cmocka_unit_test(keys_terminals_confuse_are_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
