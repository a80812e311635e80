/* SPDX-License-Identifier: Apache-2.0 */
/* jansson, made lenient where writers of Delta logs are known to be careless. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "collectors/delta/parts.h"

enum { LENIENT = JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL };

/* The same bytes with U+FFFD where UTF-8 is broken. */
static void mend(struct buf *buf, struct text bytes)
{
	for (size_t at = 0; at < bytes.len;) {
		size_t next = at;
		char code[4];
		uint32_t c = utf8_next(bytes, at, &next);

		(void)buf_add_bytes(buf, code, utf8_encode(c, code));
		at = next;
	}
}

json_t *delta_json(struct text bytes)
{
	json_error_t error;
	json_t *json;
	struct buf buf;

	if (!bytes.bytes)
		return NULL;
	json = json_loadb(bytes.bytes, bytes.len, LENIENT, &error);
	if (!json && json_error_code(&error) == json_error_numeric_overflow)
		json = json_loadb(bytes.bytes, bytes.len, LENIENT | JSON_DECODE_INT_AS_REAL, &error);
	if (!json && json_error_code(&error) == json_error_invalid_utf8) {
		buf_init(&buf, bytes.len * 3);
		mend(&buf, bytes);
		json = json_loadb(buf.bytes, buf.len, LENIENT, &error);
		buf_done(&buf);
	}
	if (json && !json_is_object(json)) {
		json_decref(json);
		return NULL;
	}
	return json;
}

struct text delta_json_text(struct arena *arena, const json_t *value)
{
	struct text text = TEXT_NONE;
	char *dump;

	if (!value || json_is_null(value))
		return TEXT_NONE;
	if (json_is_string(value)) {
		text.bytes = json_string_value(value);
		text.len = json_string_length(value);
		return arena_text(arena, text);
	}
	dump = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	text = arena_text(arena, text_of(dump));
	free(dump);
	return text;
}

int64_t delta_json_integer(const json_t *value)
{
	int64_t integer;
	double real;

	if (json_is_integer(value))
		return json_integer_value(value);
	if (json_is_string(value) && text_to_i64((struct text){ json_string_value(value),
							 json_string_length(value) }, &integer))
		return integer;
	if (!json_is_real(value))
		return FACT_UNKNOWN;
	/* Integers come back as real when another number of the same object was too large. */
	real = json_real_value(value);
	if (!(fabs(real) < 9007199254740992.0) || floor(real) < real)
		return FACT_UNKNOWN;
	return (int64_t)real;
}

void delta_json_add_text(struct buf *out, struct text text)
{
	static const char digits[] = "0123456789abcdef";
	size_t from = 0;

	(void)buf_add_char(out, '"');
	if (!utf8_is_valid(text)) {
		for (size_t at = 0; at < text.len;) {
			char bytes[4];
			struct text one = { bytes, 0 };
			uint32_t code = utf8_next(text, at, &at);

			one.len = utf8_encode(code, bytes);
			if (code < 0x20 || code == '"' || code == '\\')
				(void)buf_addf(out, "\\u%04x", (unsigned)code);
			else
				(void)buf_add(out, one);
		}
		(void)buf_add_char(out, '"');
		return;
	}
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.bytes[i];
		char escape[6] = { '\\', 'u', '0', '0', digits[c >> 4], digits[c & 15] };

		if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
			continue;
		(void)buf_add(out, text_sub(text, from, i - from));
		(void)buf_add_bytes(out, escape, sizeof escape);
		from = i + 1;
	}
	(void)buf_add(out, text_sub(text, from, text.len));
	(void)buf_add_char(out, '"');
}
