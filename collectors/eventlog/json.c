/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/eventlog/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "collectors/eventlog/decode.h"

/* The offset behind the string whose opening quote is at `at`; the length if it does not end. */
static size_t skip_string(struct text text, size_t at)
{
	for (at++; at < text.len; at++) {
		if (text.bytes[at] == '\\')
			at++;
		else if (text.bytes[at] == '"')
			return at + 1;
	}
	return text.len;
}

static bool too_deep(struct text text)
{
	size_t depth = 0;
	size_t at = 0;

	while (at < text.len) {
		char c = text.bytes[at];

		if (c == '"') {
			at = skip_string(text, at);
			continue;
		}
		if (c == '{' || c == '[') {
			if (++depth > EVENTLOG_DEPTH_MAX)
				return true;
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
		at++;
	}
	return false;
}

static bool in_number(char c)
{
	return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' ||
	       (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Words and numbers that no JSON number, or none of 64 bits, can carry. */
static bool unusable(struct text token)
{
	char copy[64];
	int64_t integer;
	size_t digits = 0;
	bool real = false;
	char *end;

	if (text_is(token, "NaN") || text_is(token, "Infinity") || text_is(token, "-Infinity"))
		return true;
	for (size_t i = 0; i < token.len; i++) {
		char c = token.bytes[i];

		if (c >= '0' && c <= '9')
			digits++;
		else if (c == '.' || c == 'e' || c == 'E')
			real = true;
		else if (c != '-' && c != '+')
			return false;
	}
	if (digits == 0)
		return false;
	if (!real)
		return digits > 18 && !text_to_i64(token, &integer);
	if (token.len >= sizeof copy)
		return true;
	memcpy(copy, token.bytes, token.len);
	copy[token.len] = '\0';
	return !isfinite(strtod(copy, &end));
}

/* A copy in which such numbers are null; false when there were none. */
static bool mend(struct buf *out, struct text text)
{
	size_t at = 0;
	bool any = false;

	while (at < text.len) {
		size_t from = at;
		char c = text.bytes[at];

		if (c == '"') {
			at = skip_string(text, at);
		} else if (in_number(c)) {
			while (at < text.len && in_number(text.bytes[at]))
				at++;
			if (unusable(text_sub(text, from, at - from))) {
				(void)buf_add_str(out, "null");
				any = true;
				continue;
			}
		} else {
			at++;
		}
		(void)buf_add(out, text_sub(text, from, at - from));
	}
	return any;
}

static json_t *load(struct text text, json_error_t *error)
{
	return json_loadb(text.bytes, text.len, JSON_ALLOW_NUL | JSON_DECODE_ANY, error);
}

static struct text reason_of(const json_error_t *error)
{
	switch (json_error_code(error)) {
	case json_error_premature_end_of_input:
		return TEXT("not JSON: it ends too early");
	case json_error_end_of_input_expected:
		return TEXT("not JSON: something follows the value");
	case json_error_invalid_utf8:
		return TEXT("not JSON: not UTF-8");
	case json_error_null_character:
	case json_error_null_byte_in_key:
		return TEXT("not JSON: a NUL byte");
	default:
		return TEXT("not JSON");
	}
}

json_t *eventlog_json_load(struct text text, struct text *reason_out)
{
	json_error_t error;
	json_t *value;

	if (too_deep(text)) {
		if (reason_out)
			*reason_out = TEXT("JSON nested too deep");
		return NULL;
	}
	value = load(text, &error);
	if (!value) {
		struct buf mended;

		buf_init(&mended, (size_t)EVENTLOG_RECORD_MAX * 2);
		if (mend(&mended, text) && !mended.full)
			value = load(buf_text(&mended), &error);
		buf_done(&mended);
	}
	if (!value && reason_out)
		*reason_out = reason_of(&error);
	return value;
}
