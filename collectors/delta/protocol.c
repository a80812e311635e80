/* SPDX-License-Identifier: Apache-2.0 */
/* Which tables may be read, and what their properties say. */
#include <string.h>

#include "base/mem.h"
#include "collectors/delta/table_state.h"

enum { READER_MAX = 3 };

/* Reader features this library knows; why: those under which the log does not tell the files. */
static const struct {
	const char *name;
	const char *why;
} features[] = {
	{ "columnMapping", NULL },
	{ "deletionVectors", NULL },
	{ "timestampNtz", NULL },
	{ "v2Checkpoint", NULL },
	{ "vacuumProtocolCheck", NULL },
	{ "typeWidening", NULL },
	{ "typeWidening-preview", NULL },
	{ "variantType", NULL },
	{ "variantType-preview", NULL },
	{ "variantShredding", NULL },
	{ "variantShredding-preview", NULL },
	{ "geospatial", NULL },
	{ "geospatial-dev", NULL },
	{ "timestampNanos", NULL },
	{ "timestampNanos-dev", NULL },
	{ "catalogManaged", "its newest commits are known only to its catalog" },
	{ "catalogOwned", "its newest commits are known only to its catalog" },
	{ "catalogOwned-preview", "its newest commits are known only to its catalog" },
	{ "redirectReaderWriter-preview", "the table has moved to another place" },
	{ "adaptiveMetadata-preview", "its files are listed in manifests, not in the log" },
};

static bool feature_readable(struct text name, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(features); i++) {
		if (!text_is(name, features[i].name))
			continue;
		return !features[i].why ||
			err_set(err, ERR_UNSUPPORTED, 0,
				"the table has feature %s: %s; ask an engine that supports it",
				features[i].name, features[i].why);
	}
	return err_set(err, ERR_UNSUPPORTED, 0,
		"the table has reader feature %.*s, which Weir does not know; ask an engine that "
		"supports it", (int)(name.len > 80 ? 80 : name.len), name.bytes);
}

bool delta_protocol_readable(const json_t *protocol, struct err *err)
{
	int64_t reader = delta_json_integer(json_object_get(protocol, "minReaderVersion"));
	const json_t *item;
	size_t i;

	if (reader == FACT_UNKNOWN || reader < 1)
		return err_set(err, ERR_FORMAT, 0, "the protocol action has no minReaderVersion");
	if (reader > READER_MAX)
		return err_set(err, ERR_UNSUPPORTED, 0,
			"the table wants reader version %lld, Weir knows up to %d; ask an engine that "
			"supports it", (long long)reader, READER_MAX);
	if (reader < READER_MAX)
		return true; /* features are listed from 3 on */
	json_array_foreach(json_object_get(protocol, "readerFeatures"), i, item)
		if (!feature_readable(text_of(json_string_value(item)), err))
			return false;
	return true;
}

struct text delta_property(const json_t *metadata, const char *name)
{
	const json_t *value = json_object_get(json_object_get(metadata, "configuration"), name);

	if (json_is_true(value))
		return TEXT("true");
	if (json_is_false(value))
		return TEXT("false");
	return (struct text){ json_string_value(value), json_string_length(value) };
}

static bool is_word(struct text text, const char *word)
{
	return text.len == strlen(word) && text_contains_fold(text, text_of(word));
}

bool delta_property_is(const json_t *metadata, const char *name, const char *word)
{
	return is_word(delta_property(metadata, name), word);
}

bool delta_interval(struct text text, int64_t *ms_out)
{
	static const struct {
		const char *name;
		int64_t ms;
	} units[] = {
		{ "microsecond", 0 },
		{ "millisecond", 1 },
		{ "second", 1000 },
		{ "minute", 60 * 1000 },
		{ "hour", 3600 * 1000 },
		{ "day", 24 * 3600 * 1000 },
		{ "week", 7 * 24 * 3600 * 1000 },
	};
	struct text rest = text_trim(text);
	struct text word;
	int64_t number = FACT_UNKNOWN;
	int64_t sum = 0;
	bool any = false;

	while (text_split(&rest, ' ', &word)) {
		bool known = false;
		int64_t part;

		if (word.len == 0 || (!any && number == FACT_UNKNOWN &&
			is_word(word, "interval")))
			continue;
		if (number == FACT_UNKNOWN) {
			if (!text_to_i64(word, &number) || number < 0)
				return false;
			continue;
		}
		if (word.len > 1 && (word.bytes[word.len - 1] | 0x20) == 's')
			word.len--;
		for (size_t i = 0; i < ARRAY_LEN(units) && !known; i++) {
			if (!is_word(word, units[i].name))
				continue;
			known = !__builtin_mul_overflow(number, units[i].ms, &part) &&
				!__builtin_add_overflow(sum, part, &sum);
		}
		if (!known)
			return false;
		number = FACT_UNKNOWN;
		any = true;
	}
	*ms_out = sum;
	return any && number == FACT_UNKNOWN;
}
