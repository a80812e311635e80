/* SPDX-License-Identifier: Apache-2.0 */
/* Words of an event filter leave out no row that holds them, whatever they are taken from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "store/reader.h"
#include "tests/lib/sample.h"

enum { ALL = 10000, SHORT_ID = 8, FIELDS = EVENT_FIELD_MESSAGE + 1 };

static char path[64];
static struct reader *reader;

static int set_up(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	(void)snprintf(path, sizeof path, "/tmp/weir-words-%d.db", (int)getpid());
	if (!sample_store(path, &err) || !reader_open(path, &reader, &err)) {
		(void)fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	return 0;
}

static int tear_down(void **state)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-lock" };
	char name[80];

	(void)state;
	reader_close(reader);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		(void)snprintf(name, sizeof name, "%s%s", path, ends[i]);
		(void)unlink(name);
	}
	return 0;
}

static struct text field_text(const struct event_row *row, enum event_field field)
{
	switch (field) {
	case EVENT_FIELD_LEVEL:
		return text_of(event_level_name(row->level));
	case EVENT_FIELD_PIPELINE:
		return row->pipeline;
	case EVENT_FIELD_TYPE:
		return row->type;
	case EVENT_FIELD_UPDATE:
		return text_sub(row->update_id, 0, SHORT_ID);
	case EVENT_FIELD_FLOW:
		return row->flow;
	case EVENT_FIELD_MESSAGE:
		return row->error_message.len ? row->error_message : row->message;
	default:
		return TEXT_NONE;
	}
}

static bool holds(const struct event_row *row, const struct event_word *word)
{
	for (int field = EVENT_FIELD_LEVEL; field < FIELDS; field++) {
		if ((word->field == EVENT_FIELD_ANY || (int)word->field == field) &&
			text_contains_fold(field_text(row, (enum event_field)field), word->text))
			return true;
	}
	return false;
}

static bool fits(void *context, const struct event_row *row)
{
	const struct event_filter *filter = context;

	for (size_t i = 0; i < filter->nwords; i++) {
		if (!holds(row, &filter->words[i]))
			return false;
	}
	return true;
}

static struct event_word word_of(enum event_field field, struct text text)
{
	struct event_word word = { .field = field, .text = text };

	for (int level = LEVEL_UNKNOWN; level <= LEVEL_ERROR; level++) {
		if (text_contains_fold(text_of(event_level_name((enum event_level)level)), text))
			word.levels |= 1U << level;
	}
	return word;
}

static struct event_rows list(struct arena *arena, const struct event_filter *filter)
{
	struct err err = ERR_INIT;
	struct event_rows rows;

	if (!events_list(reader, arena, filter, &rows, &err))
		fail_msg("%s", err.text);
	return rows;
}

/* By words, and by looking at every row. */
static void check(struct event_filter *filter, const struct event_rows *all)
{
	struct arena arena = { 0 };
	struct event_rows got;
	size_t n = 0;

	filter->fits = fits;
	filter->context = filter;
	filter->limit = ALL;
	got = list(&arena, filter);
	for (size_t i = 0; i < all->n; i++) {
		if (!fits(filter, &all->rows[i]))
			continue;
		if (n == got.n || got.rows[n].k != all->rows[i].k)
			fail_msg("'%.*s' in field %d: event %zu is missing",
				TEXT_ARG(filter->words[0].text), (int)filter->words[0].field, i);
		n++;
	}
	assert_int_equal(n, got.n);
	assert_false(got.more);
	arena_free(&arena);
}

static void no_row_with_the_words_is_left_out(void **state)
{
	struct event_filter every = { .limit = ALL };
	struct arena arena = { 0 };
	struct err err = ERR_INIT;
	struct event_rows all;
	size_t checked = 0;

	(void)state;
	if (!reader_begin(reader, READER_NOW, 0, &err))
		fail_msg("%s", err.text);
	all = list(&arena, &every);
	assert_true(all.n > 100);
	for (size_t i = 0; i < all.n; i += 1 + all.n / 61) {
		for (int field = EVENT_FIELD_LEVEL; field < FIELDS; field++) {
			struct text text = field_text(&all.rows[i], (enum event_field)field);
			size_t from = text.len / 3;
			struct event_filter filter = { .nwords = 1 };

			if (text.len == 0)
				continue;
			text = text_sub(text, from, from + 1 + i % 9);
			filter.words[0] = word_of((enum event_field)field, text);
			check(&filter, &all);
			filter.words[0] = word_of(EVENT_FIELD_ANY, text);
			check(&filter, &all);
			filter.words[filter.nwords++] = word_of(EVENT_FIELD_TYPE, TEXT("FLOW"));
			check(&filter, &all);
			checked++;
		}
	}
	assert_true(checked > 100);
	reader_end(reader);
	arena_free(&arena);
}

static void what_nothing_holds_is_found_nowhere(void **state)
{
	struct arena arena = { 0 };
	struct err err = ERR_INIT;

	(void)state;
	if (!reader_begin(reader, READER_NOW, 0, &err))
		fail_msg("%s", err.text);
	for (int field = EVENT_FIELD_ANY; field < FIELDS; field++) {
		struct event_filter filter = { .nwords = 1, .limit = ALL };

		filter.words[0] = word_of((enum event_field)field, TEXT("qqzzqq"));
		assert_int_equal(list(&arena, &filter).n, 0); /* without looking at a row */
	}
	reader_end(reader);
	arena_free(&arena);
}

/* A page is as long as its limit whatever was left out, and the next one goes on behind it. */
static void pages_are_full(void **state)
{
	struct event_filter filter = { .nwords = 1, .fits = fits, .limit = 7 };
	struct arena arena = { 0 };
	struct err err = ERR_INIT;
	struct event_rows whole, page;
	size_t n = 0;

	(void)state;
	if (!reader_begin(reader, READER_NOW, 0, &err))
		fail_msg("%s", err.text);
	filter.context = &filter;
	filter.words[0] = word_of(EVENT_FIELD_TYPE, TEXT("definition"));
	filter.limit = ALL;
	whole = list(&arena, &filter);
	assert_true(whole.n > 7);
	filter.limit = 7;
	do {
		page = list(&arena, &filter);
		assert_int_equal(page.n, page.more ? 7 : whole.n - n);
		for (size_t i = 0; i < page.n; i++)
			assert_true(page.rows[i].k == whole.rows[n++].k);
		filter.from_k = page.n ? page.rows[page.n - 1].k : 0;
	} while (page.more);
	assert_int_equal(n, whole.n);
	reader_end(reader);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_row_with_the_words_is_left_out),
		cmocka_unit_test(what_nothing_holds_is_found_nowhere),
		cmocka_unit_test(pages_are_full),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
