/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/mem.h"
#include "store/reader_internal.h"

/*
 * Words of an event filter: which rows may hold them all is told from dictionary ids alone, before
 * a row is made.
 */
static bool is_field(const struct word *word, enum event_field field)
{
	return word->field == EVENT_FIELD_ANY || word->field == field;
}

/* The event's columns in the order of EVENT_WHERE. */
enum { AT_PIPELINE, AT_UPDATE, AT_FLOW, AT_DATASET, AT_MESSAGE, AT_TYPE, AT_LEVEL, AT_X, AT_END };

static bool word_may(struct reader *reader, struct word *word, sqlite3_value **values)
{
	struct text x = { sqlite3_value_blob(values[AT_X]), (size_t)sqlite3_value_bytes(values[AT_X]) };

	if (is_field(word, EVENT_FIELD_LEVEL) &&
		(word->levels >> (sqlite3_value_int(values[AT_LEVEL]) & 31) & 1))
		return true;
	if (is_field(word, EVENT_FIELD_TYPE) &&
		(word->types >> (sqlite3_value_int(values[AT_TYPE]) & 31) & 1))
		return true;
	if (is_field(word, EVENT_FIELD_PIPELINE) &&
		ids_has_sorted(&word->pipelines, sqlite3_value_int64(values[AT_PIPELINE])))
		return true;
	if (is_field(word, EVENT_FIELD_UPDATE) &&
		messages_may_name(&word->texts, sqlite3_value_int64(values[AT_UPDATE])))
		return true;
	if (is_field(word, EVENT_FIELD_FLOW) &&
		messages_may_name(&word->texts, sqlite3_value_int64(values[AT_FLOW])))
		return true;
	/* an error message stands in for the message, and few events have one */
	return is_field(word, EVENT_FIELD_MESSAGE) &&
		(packed_has_error_message(x) ||
			messages_may(reader, &word->texts, sqlite3_value_int64(values[AT_MESSAGE]),
				sqlite3_value_int64(values[AT_FLOW]),
				sqlite3_value_int64(values[AT_DATASET])));
}

static void words_wanted(sqlite3_context *context, int n, sqlite3_value **values)
{
	struct reader *reader = sqlite3_user_data(context);
	bool may = true;

	(void)n;
	for (size_t i = 0; may && i < reader->nwords; i++)
		may = word_may(reader, &reader->words[i], values);
	sqlite3_result_int(context, may);
}

bool words_function(struct reader *reader, struct err *err)
{
	_Static_assert(EVENT_TYPE_COUNT <= 32, "a bit a type");

	if (sqlite3_create_function(reader->db, "words_wanted", AT_END, SQLITE_UTF8 | SQLITE_INNOCUOUS,
		    reader, words_wanted, NULL, NULL) != SQLITE_OK)
		return sql_error(reader->db, err, "open store %s", reader->path);
	return true;
}

static unsigned types_of(struct text wanted)
{
	unsigned types = 1U << EVENT_OTHER; /* its name stands in the row */

	for (int type = 0; type < EVENT_TYPE_COUNT; type++) {
		if (text_contains_fold(text_of(event_type_name((enum event_type)type)), wanted))
			types |= 1U << type;
	}
	return types;
}

static bool pipelines_of(struct names *names, struct text wanted, struct ids *out, struct err *err)
{
	struct ids all = { 0 };
	struct text name;

	*out = (struct ids){ 0 };
	if (!pipelines_all(names, &all, err))
		return false;
	for (size_t i = 0; i < all.n; i++) {
		if (!names_pipeline(names, all.ids[i], &name, err))
			return false;
		if (text_contains_fold(name, wanted))
			ids_add(out, names->arena, all.ids[i]);
	}
	return true;
}

/* All that a row shows but the names of types comes from the dictionary. */
static bool is_nowhere(const struct word *word)
{
	if (word->field == EVENT_FIELD_LEVEL)
		return word->levels == 0;
	if (word->field == EVENT_FIELD_PIPELINE)
		return word->pipelines.n == 0;
	if (is_field(word, EVENT_FIELD_LEVEL) && word->levels != 0)
		return false;
	return word->texts.found == 0 &&
		(!is_field(word, EVENT_FIELD_TYPE) || word->types == 1U << EVENT_OTHER);
}

bool words_resolve(struct names *names, const struct event_filter *filter, bool *empty_out,
	struct err *err)
{
	struct reader *reader = names->reader;

	*empty_out = false;
	for (reader->nwords = 0; reader->nwords < filter->nwords; reader->nwords++) {
		const struct event_word *wanted = &filter->words[reader->nwords];
		struct word *word = &reader->words[reader->nwords];

		word->field = wanted->field;
		word->levels = wanted->levels;
		word->types = types_of(wanted->text);
		if (!pipelines_of(names, wanted->text, &word->pipelines, err) ||
			!messages_judge(reader, &word->texts, wanted->text, err))
			return false;
		*empty_out = *empty_out || is_nowhere(word);
	}
	return true;
}
