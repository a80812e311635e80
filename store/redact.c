/* SPDX-License-Identifier: Apache-2.0 */
#include "store/redact.h"

#include <string.h>

/*
 * Both functions look for the words that introduce a row, then for the row: a JSON object in
 * single quotes. Inside raw JSON its quotes carry backslashes, more the deeper the JSON text is
 * nested in strings, but the same number around every key and value, so the first one tells. What
 * does not look like that is taken out up to the end of the text: rather too much than a customer.
 */
static const struct text markers[] = { /* each begins with I or O: few bytes of JSON do */
	{ "Input data:", sizeof "Input data:" - 1 },
	{ "Output record:", sizeof "Output record:" - 1 },
	{ "Output data:", sizeof "Output data:" - 1 },
};

/* Where the byte stands next, or the text's length. */
static size_t next_byte(struct text text, size_t from, char byte)
{
	const char *found = from < text.len ? memchr(text.bytes + from, byte, text.len - from) : NULL;

	return found ? (size_t)(found - text.bytes) : text.len;
}

/* The offset behind the next marker at or after `from`, or the text's length. */
static size_t behind_marker(struct text text, size_t from)
{
	size_t at_i = next_byte(text, from, 'I'), at_o = next_byte(text, from, 'O');

	while (at_i < text.len || at_o < text.len) {
		size_t at = at_i < at_o ? at_i : at_o;
		struct text rest = text_sub(text, at, text.len);
		bool may = rest.len > 1 && (rest.bytes[1] == 'n' || rest.bytes[1] == 'u');

		for (size_t i = 0; may && i < sizeof markers / sizeof markers[0]; i++) {
			if (text_starts(rest, markers[i]))
				return at + markers[i].len;
		}
		if (at == at_i)
			at_i = next_byte(text, at + 1, 'I');
		else
			at_o = next_byte(text, at + 1, 'O');
	}
	return text.len;
}

/* The number of backslashes right before `at`, counted back to `from`. */
static size_t backslashes(struct text text, size_t from, size_t at)
{
	size_t n = 0;

	while (at > from && text.bytes[at - 1] == '\\') {
		n++;
		at--;
	}
	return n;
}

/* The offset behind the object that begins at `at`; 0 when it does not end cleanly. */
static size_t row_end(struct text text, size_t at)
{
	size_t from = at;
	size_t escape = 0;
	size_t depth = 0;
	bool escape_known = false;
	bool quoted = false;

	for (; at < text.len; at++) {
		char c = text.bytes[at];

		if (c == '"') {
			size_t n = backslashes(text, from, at);

			if (!escape_known) {
				escape = n;
				escape_known = true;
			}
			if (n < escape)
				return 0; /* the string that holds the row has ended */
			if (n == escape)
				quoted = !quoted;
			continue;
		}
		if (quoted)
			continue;
		if (c == '{')
			depth++;
		else if (c == '}' && --depth == 0)
			return at + 1;
	}
	return 0;
}

/* Where the quoted row at `at` (its opening quote) ends, its closing quote excluded; 0 = unclear.
 */
static size_t quoted_row_end(struct text text, size_t at)
{
	size_t end;

	if (text.len < at + 3 || text.bytes[at] != '\'' || text.bytes[at + 1] != '{')
		return 0;
	end = row_end(text, at + 1);
	if (end == 0 || end == text.len || text.bytes[end] != '\'')
		return 0;
	if (end + 1 == text.len || strchr(". ,;)\"\\\n\r\t", text.bytes[end + 1]))
		return end;
	return 0;
}

/* The end of the JSON string that `at` stands in. */
static size_t string_end(struct text text, size_t at)
{
	size_t from = at;

	for (; at < text.len; at++) {
		if (text.bytes[at] == '"' && backslashes(text, from, at) % 2 == 0)
			return at;
	}
	return text.len;
}

static bool redact(struct buf *out, struct text text, bool json)
{
	size_t done = 0;
	size_t limit = json ? 0 : text.len; /* where the text that the marker stands in ends */
	bool any = false;

	for (;;) {
		size_t from = behind_marker(text, done);
		size_t end;

		(void)buf_add(out, text_sub(text, done, from - done));
		if (from >= text.len)
			return any;
		done = from;
		if (from >= limit)
			limit = string_end(text, from);
		while (from < limit && text.bytes[from] == ' ')
			from++;
		end = quoted_row_end(text_sub(text, 0, limit), from);
		if (end > 0)
			from++; /* the quotes stay */
		else
			end = limit;
		if (end <= from)
			continue;
		(void)buf_add(out, text_sub(text, done, from - done));
		(void)buf_addf(out, "<redacted %zu bytes>", end - from);
		any = true;
		done = end;
	}
}

bool redact_message(struct buf *out, struct text message)
{
	return redact(out, message, false);
}

bool redact_json(struct buf *out, struct text json)
{
	return redact(out, json, true);
}
