/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "views/events.h"

/* What of a filter line over events the store can look for without making rows. */
/* A time holds no four letters in a row, a glyph not even two. */
static bool is_no_time(struct text word)
{
	size_t letters = 0;

	for (size_t i = 0; i < word.len && letters < 4; i++) {
		char c = word.bytes[i];

		letters = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ? letters + 1 : 0;
	}
	return letters >= 4;
}

static unsigned levels_of(struct text word)
{
	unsigned levels = 0;

	for (int level = LEVEL_UNKNOWN; level <= LEVEL_ERROR; level++) {
		if (text_contains_fold(text_of(level_look((enum event_level)level)->word), word))
			levels |= 1U << level;
	}
	return levels;
}

/* A dash for what is absent is no word of the store's. */
static bool is_said(const struct filter_word *word)
{
	if (word->column < 0)
		return is_no_time(word->text);
	for (size_t i = 0; i < word->text.len; i++) {
		char c = word->text.bytes[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
			return true;
	}
	return false;
}

/* All rows of a lower level are left out. */
static enum event_level least_of(unsigned levels)
{
	int level = LEVEL_UNKNOWN;

	while (level < LEVEL_ERROR && !(levels >> level & 1))
		level++;
	return (enum event_level)level;
}

void event_push_words(const struct filter *words, struct event_filter *filter)
{
	static const enum event_field fields[] = {
		[EVENT_COLUMN_LEVEL] = EVENT_FIELD_LEVEL,
		[EVENT_COLUMN_PIPELINE] = EVENT_FIELD_PIPELINE,
		[EVENT_COLUMN_TYPE] = EVENT_FIELD_TYPE,
		[EVENT_COLUMN_UPDATE] = EVENT_FIELD_UPDATE,
		[EVENT_COLUMN_FLOW] = EVENT_FIELD_FLOW,
		[EVENT_COLUMN_MESSAGE] = EVENT_FIELD_MESSAGE,
	};

	for (size_t i = 0; i < words->n; i++) {
		const struct filter_word *word = &words->words[i];
		unsigned levels = levels_of(word->text);

		if (word->negated || word->column == EVENT_COLUMN_TIME || !is_said(word) ||
			filter->nwords == EVENT_WORDS_MAX)
			continue;
		if (word->column == EVENT_COLUMN_LEVEL && least_of(levels) > filter->least)
			filter->least = least_of(levels);
		filter->words[filter->nwords++] = (struct event_word){
			.field = word->column < 0 ? EVENT_FIELD_ANY : fields[word->column],
			.text = word->text,
			.levels = levels,
		};
	}
}
