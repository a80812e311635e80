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
#include "tui/prompt.h"

static void type(struct prompt *prompt, const char *text)
{
	struct text rest = text_of(text);
	size_t at = 0;

	while (at < rest.len)
		(void)prompt_key(prompt, (int)utf8_next(rest, at, &at));
}

static void typing_and_deleting_by_clusters(void **state)
{
	struct prompt prompt = { 0 };

	(void)state;
	prompt_open(&prompt, PROMPT_FILTER, TEXT(""));
	type(&prompt, "a日e\xcc\x81");
	assert_true(text_is(prompt_text(&prompt), "a日e\xcc\x81"));
	(void)prompt_key(&prompt, KEY_BS_);
	assert_true(text_is(prompt_text(&prompt), "a日"));
	(void)prompt_key(&prompt, KEY_LEFT_);
	(void)prompt_key(&prompt, 'x');
	assert_true(text_is(prompt_text(&prompt), "ax日"));
	(void)prompt_key(&prompt, KEY_DEL_);
	assert_true(text_is(prompt_text(&prompt), "ax"));
	assert_int_equal(prompt_key(&prompt, '\r'), PROMPT_DONE);
	prompt_done(&prompt);
}

static void pasted_lines_are_text(void **state)
{
	struct prompt prompt = { 0 };

	(void)state;
	prompt_open(&prompt, PROMPT_COMMAND, TEXT(""));
	(void)prompt_key(&prompt, KEY_PASTE_BEGIN_);
	assert_int_not_equal(prompt_key(&prompt, 'q'), PROMPT_DONE);
	assert_int_not_equal(prompt_key(&prompt, '\n'), PROMPT_DONE);
	assert_int_not_equal(prompt_key(&prompt, 27), PROMPT_CANCELED);
	(void)prompt_key(&prompt, KEY_PASTE_END_);
	assert_int_equal(prompt_text(&prompt).bytes[0], 'q');
	assert_true(utf8_is_clean(prompt_text(&prompt)));
	assert_int_equal(prompt_key(&prompt, 27), PROMPT_CANCELED);
	prompt_done(&prompt);
}

static void a_paste_too_long_changes_nothing_more(void **state)
{
	struct prompt prompt = { 0 };

	(void)state;
	prompt_open(&prompt, PROMPT_FILTER, TEXT(""));
	(void)prompt_key(&prompt, KEY_PASTE_BEGIN_);
	for (int i = 0; i < PROMPT_MAX - 2; i++)
		assert_int_equal(prompt_key(&prompt, 'a'), PROMPT_CHANGED);
	/* No half of a character where only one byte is left; nor a new look for each that does not fit. */
	assert_int_equal(prompt_key(&prompt, 0xe9), PROMPT_IGNORED);
	assert_int_equal(prompt_key(&prompt, 'a'), PROMPT_CHANGED);
	assert_int_equal(prompt_key(&prompt, 'a'), PROMPT_IGNORED);
	assert_int_equal(prompt_text(&prompt).len, PROMPT_MAX - 1);
	(void)prompt_key(&prompt, KEY_PASTE_END_);
	assert_int_equal(prompt_key(&prompt, KEY_BS_), PROMPT_CHANGED);
	prompt_done(&prompt);
}

static struct text sort(void *context, struct text line, size_t *from_out, size_t n)
{
	(void)context;
	(void)line;
	*from_out = 0;
	return n == 0 ? TEXT("sort") : TEXT_NONE;
}

/* Neither Tab nor a look at the history takes what was typed. */
static void what_was_typed_is_kept(void **state)
{
	struct prompt prompt = { .candidate = sort };

	(void)state;
	prompt_remember(&prompt, PROMPT_COMMAND, TEXT("quality"));
	prompt_open(&prompt, PROMPT_COMMAND, TEXT(""));
	type(&prompt, "so rows desc");
	(void)prompt_key(&prompt, KEY_UP_);
	assert_true(text_is(prompt_text(&prompt), "quality"));
	(void)prompt_key(&prompt, KEY_UP_);
	(void)prompt_key(&prompt, KEY_DOWN_);
	assert_true(text_is(prompt_text(&prompt), "so rows desc"));
	(void)prompt_key(&prompt, KEY_HOME_);
	(void)prompt_key(&prompt, KEY_RIGHT_);
	(void)prompt_key(&prompt, KEY_RIGHT_);
	(void)prompt_key(&prompt, '\t');
	assert_true(text_is(prompt_text(&prompt), "so rows desc"));
	(void)prompt_key(&prompt, 11); /* ^K: the rest goes */
	(void)prompt_key(&prompt, '\t');
	assert_true(text_is(prompt_text(&prompt), "sort"));
	prompt_done(&prompt);
}

static void any_keys_leave_clean_text(void **state)
{
	static const int keys[] = { 'a', ' ', 0x301, 0x65e5, 0x1f600, 0x202e, 1, 2, 3, 5, 6, 9, 11, 21,
		23, KEY_UP_, KEY_DOWN_, KEY_LEFT_, KEY_RIGHT_, KEY_HOME_, KEY_END_, KEY_BS_, KEY_DEL_,
		KEY_PASTE_BEGIN_, KEY_PASTE_END_, '\r', KEY_RESIZE_, KEY_F_ + 3, 0, -1, 0xd800 };
	struct prompt prompt = { 0 };
	struct canvas canvas;
	uint32_t random = 1;

	(void)state;
	canvas_init(&canvas, 1, 1);
	prompt_open(&prompt, PROMPT_FILTER, TEXT(""));
	for (int i = 0; i < 20000; i++) {
		enum prompt_result result;

		random = random * 1664525 + 1013904223;
		result = prompt_key(&prompt, keys[(random >> 16) % (i % 3 ? 5 : ARRAY_LEN(keys))]);
		assert_true(prompt.len < PROMPT_MAX && prompt.at <= prompt.len);
		assert_true(utf8_is_clean(prompt_text(&prompt)));
		assert_true(utf8_is_valid((struct text){ prompt.bytes, prompt.at }));
		if (i % 50 == 0) {
			canvas_resize(&canvas, 1, 1 + i % 90);
			prompt_draw(&prompt, &canvas, 0);
			assert_true(canvas.cursor_col < canvas.cols);
		}
		if (result == PROMPT_DONE || result == PROMPT_CANCELED) {
			prompt_close(&prompt);
			prompt_open(&prompt, PROMPT_FILTER, TEXT("start"));
		}
	}
	canvas_done(&canvas);
	prompt_done(&prompt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(typing_and_deleting_by_clusters),
		cmocka_unit_test(pasted_lines_are_text),
		cmocka_unit_test(a_paste_too_long_changes_nothing_more),
		cmocka_unit_test(what_was_typed_is_kept),
		cmocka_unit_test(any_keys_leave_clean_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
