/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "tui/action.h"
#include "tui/history.h"

static char folder[] = "/tmp/weir-history-test.XXXXXX";
static char path[128];

static int set_up(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	return 0;
}

static int tear_down(void **state)
{
	char command[256];

	(void)state;
	(void)snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

static void name(const char *file)
{
	(void)snprintf(path, sizeof path, "%s/%s", folder, file);
}

static void put(const char *bytes, size_t len)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static struct prompt *loaded(void)
{
	struct prompt *prompt = NEW(struct prompt);
	struct err err = ERR_INIT;

	if (!history_load(path, prompt, &err))
		fail_msg("%s", err.text);
	return prompt;
}

static void drop(struct prompt *prompt)
{
	prompt_done(prompt);
	free(prompt);
}

static void a_line_is_there_in_the_next_session(void **state)
{
	struct err err = ERR_INIT;
	struct prompt *prompt;
	struct stat status;

	(void)state;
	name("next");
	drop(loaded()); /* no file yet: nothing, and nothing wrong */
	assert_true(history_add(path, PROMPT_FILTER, TEXT("level:error  two blanks"), &err));
	assert_true(history_add(path, PROMPT_COMMAND, TEXT("sort rows"), &err));
	assert_true(history_add(path, PROMPT_FILTER, TEXT("日本"), &err));
	assert_true(history_add(path, PROMPT_FILTER, TEXT("日本"), &err));
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	prompt = loaded();
	assert_int_equal(prompt->nhistory[PROMPT_FILTER], 2);
	assert_int_equal(prompt->nhistory[PROMPT_COMMAND], 1);
	prompt_open(prompt, PROMPT_FILTER, TEXT(""));
	(void)prompt_key(prompt, KEY_UP_);
	assert_true(text_is(prompt_text(prompt), "日本"));
	(void)prompt_key(prompt, KEY_UP_);
	assert_true(text_is(prompt_text(prompt), "level:error  two blanks"));
	drop(prompt);
}

static void a_file_of_others_becomes_ours_alone(void **state)
{
	struct err err = ERR_INIT;
	struct stat status;

	(void)state;
	name("wide");
	put("", 0);
	assert_int_equal(chmod(path, 0644), 0);
	assert_true(history_add(path, PROMPT_AS_OF, TEXT("3h"), &err));
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
}

static void hostile_and_unknown_lines_are_left_out(void **state)
{
	static const char bytes[] = "filter good\nfilter \033]0;owned\007\nnonsense x\nfilter\n\n"
				    "filter \xff\xfe\nfilter a\0b\ncommand q\nfilter last without end";
	struct prompt *prompt;

	(void)state;
	name("hostile");
	put(bytes, sizeof bytes - 1);
	prompt = loaded();
	assert_int_equal(prompt->nhistory[PROMPT_FILTER], 2);
	assert_string_equal(prompt->history[PROMPT_FILTER][0], "good");
	assert_string_equal(prompt->history[PROMPT_FILTER][1], "last without end");
	assert_int_equal(prompt->nhistory[PROMPT_COMMAND], 1);
	drop(prompt);
}

static void it_does_not_grow_without_bound(void **state)
{
	struct err err = ERR_INIT;
	struct prompt *prompt;
	struct stat status;
	char line[64];

	(void)state;
	name("long");
	for (int i = 0; i < 4000; i++) {
		(void)snprintf(line, sizeof line, "a filter that is somewhat long %d", i);
		assert_true(history_add(path, PROMPT_FILTER, text_of(line), &err));
	}
	assert_int_equal(stat(path, &status), 0);
	assert_true(status.st_size > HISTORY_MAX_BYTES);
	prompt = loaded();
	assert_int_equal(prompt->nhistory[PROMPT_FILTER], PROMPT_HISTORY);
	assert_string_equal(prompt->history[PROMPT_FILTER][PROMPT_HISTORY - 1], line);
	drop(prompt);
	assert_int_equal(stat(path, &status), 0);
	assert_true(status.st_size <= HISTORY_MAX_BYTES / 2);
	assert_true(status.st_size > HISTORY_MAX_BYTES / 4);
	assert_int_equal(status.st_mode & 0777, 0600);
	prompt = loaded(); /* the first line is whole */
	assert_int_equal(prompt->nhistory[PROMPT_FILTER], PROMPT_HISTORY);
	drop(prompt);
}

static void links_and_folders_are_refused(void **state)
{
	struct prompt prompt = { 0 };
	struct err err = ERR_INIT;
	char target[160];

	(void)state;
	name("link");
	(void)snprintf(target, sizeof target, "%s/target", folder);
	assert_int_equal(symlink(target, path), 0);
	assert_false(history_add(path, PROMPT_FILTER, TEXT("x"), &err));
	assert_non_null(strstr(err.text, "link"));
	assert_false(history_load(path, &prompt, &err));
	assert_int_not_equal(access(target, F_OK), 0);
	name("");
	assert_false(history_load(path, &prompt, &err));
	assert_false(history_add(path, PROMPT_FILTER, TEXT("x"), &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_there_in_the_next_session),
		cmocka_unit_test(a_file_of_others_becomes_ours_alone),
		cmocka_unit_test(hostile_and_unknown_lines_are_left_out),
		cmocka_unit_test(it_does_not_grow_without_bound),
		cmocka_unit_test(links_and_folders_are_refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
