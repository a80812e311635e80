/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/filter.h"

#include <string.h>

static int column_named(struct text name, const char *const *names, size_t nnames)
{
	for (size_t i = 0; i < nnames; i++) {
		struct text candidate = text_of(names[i]);

		if (name.len > 0 && candidate.len == name.len && text_contains_fold(candidate, name))
			return (int)i;
	}
	return -1;
}

static void add_word(struct filter *filter, struct text text, const char *const *names,
	size_t nnames)
{
	struct filter_word word = { .text = text, .column = -1 };
	const char *colon;

	/* "!" alone is a word on its way to be typed: it says nothing yet. */
	if (word.text.bytes[0] == '!') {
		word.negated = true;
		word.text = text_sub(word.text, 1, word.text.len);
	}
	colon = word.text.len ? memchr(word.text.bytes, ':', word.text.len) : NULL;
	if (colon) {
		size_t len = (size_t)(colon - word.text.bytes);

		word.column = column_named(text_sub(word.text, 0, len), names, nnames);
		if (word.column >= 0)
			word.text = text_sub(word.text, len + 1, word.text.len);
	}
	if (word.text.len > 0)
		filter->words[filter->n++] = word;
}

void filter_parse(struct filter *filter, struct text text, const char *const *names, size_t nnames)
{
	struct text rest = text;
	struct text part;

	filter->n = 0;
	while (filter->n < FILTER_WORDS_MAX && text_split(&rest, ' ', &part)) {
		if (part.len > 0)
			add_word(filter, part, names, nnames);
	}
}

static bool word_found(const struct filter_word *word, const struct text *cells, size_t ncells)
{
	if (word->column >= 0)
		return (size_t)word->column < ncells &&
			text_contains_fold(cells[word->column], word->text);
	for (size_t i = 0; i < ncells; i++) {
		if (text_contains_fold(cells[i], word->text))
			return true;
	}
	return false;
}

bool filter_matches(const struct filter *filter, const struct text *cells, size_t ncells)
{
	for (size_t i = 0; i < filter->n; i++) {
		if (word_found(&filter->words[i], cells, ncells) == filter->words[i].negated)
			return false;
	}
	return true;
}

bool filter_find(const struct filter *filter, int column, struct text text, size_t from,
	size_t *begin_out, size_t *end_out)
{
	bool found = false;

	for (size_t i = 0; i < filter->n; i++) {
		const struct filter_word *word = &filter->words[i];

		if (word->negated || (word->column >= 0 && word->column != column))
			continue;
		for (size_t at = from; at + word->text.len <= text.len; at++) {
			if (found && at >= *begin_out)
				break;
			if (!text_contains_fold(text_sub(text, at, word->text.len), word->text))
				continue;
			found = true;
			*begin_out = at;
			*end_out = at + word->text.len;
			break;
		}
	}
	return found;
}
