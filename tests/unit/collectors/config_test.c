/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "collectors/collector.h"

static const struct config_key probe_keys[] = {
	{ .name = "path", .type = CONFIG_PATH, .help = "What is read." },
	{ .name = "wait", .type = CONFIG_DURATION, .unit = "ms", .fallback = "2s", .help = "." },
	{ .name = "limit", .type = CONFIG_INTEGER, .unit = "bytes", .fallback = "64M", .help = "." },
	{ .name = "mode", .type = CONFIG_CHOICE, .choices = "fast safe", .fallback = "safe",
		.help = "." },
	{ .name = "deep", .type = CONFIG_BOOLEAN, .fallback = "no", .help = "." },
	{ .name = "token", .type = CONFIG_TEXT, .fallback = "", .secret = true, .help = "." },
	{ .name = "only", .type = CONFIG_PATTERNS, .fallback = "", .help = "." },
	{ .name = NULL },
};

static const struct collector_ops probe = { .kind = "probe", .keys = probe_keys };
static const struct collector_ops *const kinds[] = { &probe, NULL };

static struct config *read_good(const char *text)
{
	struct config *config = NULL;
	struct err err = ERR_INIT;

	if (!config_parse_kinds(text_of(text), "/etc/weir/weir.ini", kinds, &config, &err))
		fail_msg("%s", err.text);
	return config;
}

static void values_are_read_by_type(void **state)
{
	struct config *config = read_good("\xef\xbb\xbf# a comment\n"
					  "[weir]\nutc = yes\n\n"
					  "[probe  one two ]\r\n"
					  "path = /var/log/x.json\r\n"
					  "  wait=90m\n"
					  "limit = 3 KiB\n"
					  "mode = fast\n"
					  "; another\n"
					  "deep = on\n"
					  "only = a*\n"
					  "   b*\n"
					  "\tc = d\n");
	const struct config_section *section;

	(void)state;
	assert_int_equal(config_sections(config), 1);
	section = config_section_at(config, 0);
	assert_true(text_is(section->name, "one two"));
	assert_true(text_is(config_text(section, "path"), "/var/log/x.json"));
	assert_int_equal(config_integer(section, "wait"), 90 * 60000);
	assert_int_equal(config_integer(section, "limit"), 3 * 1024);
	assert_true(text_is(config_text(section, "mode"), "fast"));
	assert_true(config_boolean(section, "deep"));
	assert_true(text_is(config_text(section, "only"), "a*\nb*\nc = d"));
	assert_true(config_boolean(section, "enabled"));
	assert_int_equal(config_integer(section, "silent_after"), 0);
	assert_true(config_boolean(config_main(config), "utc"));
	assert_false(config_boolean(config_main(config), "mouse"));
	config_free(config);
}

static void defaults_hold_without_a_file(void **state)
{
	struct config *config = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_true(config_load(NULL, &config, &err));
	assert_int_equal(config_sections(config), 0);
	assert_int_equal(config_integer(config_main(config), "keep_events"), 90);
	assert_int_equal(config_integer(config_main(config), "keep_versions"), -1);
	assert_true(text_is(config_text(config_main(config), "theme"), "dark"));
	config_free(config);
}

static void paths_are_expanded(void **state)
{
	struct config *config;

	(void)state;
	assert_int_equal(setenv("WEIR_TEST_DIR", "/some/where", 1), 0);
	assert_int_equal(setenv("HOME", "/home/me", 1), 0);
	config = read_good("[probe a]\npath = ~/logs/*.json\n[probe b]\npath = $WEIR_TEST_DIR/x\n"
			   "[probe c]\npath = logs/x\n[probe d]\npath = /a/${WEIR_TEST_DIR}y\n"
			   "[probe e]\npath = file:///data/t\n[probe f]\npath = file://${HOME}/t\n");
	assert_true(text_is(config_text(config_section_at(config, 0), "path"), "/home/me/logs/*.json"));
	assert_true(text_is(config_text(config_section_at(config, 1), "path"), "/some/where/x"));
	assert_true(text_is(config_text(config_section_at(config, 2), "path"), "/etc/weir/logs/x"));
	assert_true(text_is(config_text(config_section_at(config, 3), "path"), "/a//some/wherey"));
	assert_true(text_is(config_text(config_section_at(config, 4), "path"), "/data/t"));
	assert_true(text_is(config_text(config_section_at(config, 5), "path"), "/home/me/t"));
	config_free(config);
}

static void secrets_come_from_outside(void **state)
{
	struct config *config;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(setenv("WEIR_TEST_TOKEN", "abc", 1), 0);
	config = read_good("[probe a]\npath = /x\ntoken = env:WEIR_TEST_TOKEN\n");
	assert_true(text_is(config_text(config_section_at(config, 0), "token"), "abc"));
	config_free(config);
	assert_false(config_parse_kinds(TEXT("[probe a]\npath = /x\ntoken = hunter2\n"), "w.ini", kinds,
		&config, &err));
	assert_null(strstr(err.text, "hunter2"));
	assert_non_null(strstr(err.text, "env:NAME"));
}

static void errors_name_place_and_remedy(void **state)
{
	static const struct {
		const char *text;
		const char *said;
	} cases[] = {
		{ "[probe a]\npath = /x\nlimt = 3\n", "w.ini:3: unknown key \"limt\" in [probe]; did you "
						      "mean \"limit\"?" },
		{ "[probe a]\npath = /x\nzzzzzzzzz = 3\n", "keys are path, wait, limit" },
		{ "[probe a]\npath = /x\nlimt: hunter2== \n", "unknown key \"limt\" in [probe]" },
		{ "[probe a]\npath = /x\nlimt hunter2 = 3\n", "unknown key \"limt\" in [probe]" },
		{ "[prob a]\n", "w.ini:1: unknown section [prob]; did you mean [probe]" },
		{ "[probe a]\n\n", "w.ini:1: [probe a] needs the key \"path\": What is read." },
		{ "[probe]\npath = x\n", "w.ini:1: a source needs a name: [probe NAME]" },
		{ "[probe a\n", "w.ini:1: a section ends with ]" },
		{ "[", "w.ini:1: a section ends with ]" },
		{ "x = 1\n", "w.ini:1: a key stands before the first [section]" },
		{ "[probe a]\nhello\n", "w.ini:2: expected key = value or [section]" },
		{ "[probe a]\npath = /x\npath = /y\n", "w.ini:3: path: is already in line 2" },
		{ "[probe a]\npath = /x\n[probe a]\n", "w.ini:3: [probe a] is already in line 1" },
		{ "[probe a]\npath = /x\nwait = 10\n", "w.ini:3: wait: expected a time such as" },
		{ "[probe a]\npath = /x\nwait = 99999999999999999d\n", "w.ini:3: wait: expected a time" },
		{ "[probe a]\npath = /x\nlimit = many\n",
			"w.ini:3: limit: expected a whole number of bytes, not \"many\"" },
		{ "[probe a]\npath = /x\nmode = slow\n",
			"w.ini:3: mode: expected one of: fast safe; not \"slow\"" },
		{ "[probe a]\npath = /x\ndeep = maybe\n", "w.ini:3: deep: expected yes or no" },
		{ "[probe a]\npath = $WEIR_NO_SUCH/x\n", "w.ini:2: path: the environment has no "
							 "WEIR_NO_SUCH" },
		{ "[weir]\nthem = dark\n", "did you mean \"theme\"?" },
		{ "[weir x]\n", "w.ini:1: [weir] has no name" },
		{ "[keys x]\n", "w.ini:1: [keys] has no name" },
		{ "[key]\n", "did you mean [keys]" },
		{ "[keys]\nquit = Q\n\nquit = X\n", "w.ini:4: quit: is already in line 2" },
		{ "[keys]\nquit\n", "w.ini:2: expected key = value" },
		{ "[probe \x1b[31m]\n", "w.ini:1: a name is printable text" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct config *config = NULL;
		struct err err = ERR_INIT;

		assert_false(config_parse_kinds(
			text_of(cases[i].text), "w.ini", kinds, &config, &err));
		assert_int_equal(err.kind, ERR_CONFIG);
		if (!strstr(err.text, cases[i].said))
			fail_msg("case %zu: %s", i, err.text);
		assert_null(strchr(err.text, '\x1b'));
	}
}

static void keys_are_kept_as_written(void **state)
{
	struct config *config = read_good("[keys]\n  quit = Q, <F10>\nnext-match = =\nnone =\n"
					  "[probe a]\npath = /x\n[keys]\nopen = o\n");
	const struct config_pair *pair;

	(void)state;
	assert_int_equal(config_sections(config), 1);
	assert_int_equal(config_pairs(config), 4);
	pair = config_pair_at(config, 0);
	assert_true(text_is(pair->name, "quit"));
	assert_true(text_is(pair->value, "Q, <F10>"));
	assert_int_equal(pair->line, 2);
	assert_true(text_is(config_pair_at(config, 1)->value, "="));
	assert_true(text_is(config_pair_at(config, 2)->value, ""));
	assert_true(text_is(config_pair_at(config, 3)->name, "open"));
	assert_int_equal(config_pair_at(config, 3)->line, 8);
	config_free(config);
}

static void real_kinds_are_known(void **state)
{
	struct config *config = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_true(config_parse(TEXT("[eventlog a]\npath=/x\n[delta b]\nroot=/y\n"), "w.ini", &config,
		&err));
	assert_int_equal(config_integer(config_section_at(config, 0), "silent_after"), 1800000);
	config_free(config);
}

static void places_follow_the_environment(void **state)
{
	char directory[] = "/tmp/weir-config.XXXXXX";
	char path[128];
	char *found;
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(directory));
	(void)snprintf(path, sizeof path, "%s/weir", directory);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof path, "%s/weir/weir.ini", directory);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(setenv("XDG_CONFIG_HOME", directory, 1), 0);
	assert_int_equal(setenv("XDG_STATE_HOME", directory, 1), 0);
	found = config_find(NULL);
	assert_string_equal(found, path);
	free(found);
	found = config_find("given.ini");
	assert_string_equal(found, "given.ini");
	free(found);
	found = config_store_path(NULL, NULL);
	(void)snprintf(path, sizeof path, "%s/weir/weir.db", directory);
	assert_string_equal(found, path);
	free(found);
	found = config_store_path(NULL, "x.db");
	assert_string_equal(found, "x.db");
	free(found);
	(void)snprintf(path, sizeof path, "%s/weir/weir.ini", directory);
	(void)unlink(path);
	(void)snprintf(path, sizeof path, "%s/weir", directory);
	(void)rmdir(path);
	(void)rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_read_by_type),
		cmocka_unit_test(defaults_hold_without_a_file),
		cmocka_unit_test(paths_are_expanded),
		cmocka_unit_test(secrets_come_from_outside),
		cmocka_unit_test(errors_name_place_and_remedy),
		cmocka_unit_test(keys_are_kept_as_written),
		cmocka_unit_test(real_kinds_are_known),
		cmocka_unit_test(places_follow_the_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
