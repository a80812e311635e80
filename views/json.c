/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "base/utf8.h"
#include "views/common.h"

enum { TEXT_MAX_BYTES = 16 << 20 };

json_t *json_number_or_null(int64_t n)
{
	return n == FACT_UNKNOWN ? json_null() : json_integer(n);
}

/* Names are foreign bytes; JSON needs valid UTF-8, and jansson refuses NUL-free broken text. */
json_t *json_text_or_null(struct text text)
{
	struct buf clean;
	json_t *string;

	if (!text.bytes)
		return json_null();
	if (utf8_is_valid(text))
		return json_stringn(text.bytes, text.len);
	buf_init(&clean, TEXT_MAX_BYTES);
	(void)utf8_clean(&clean, text, UTF8_KEEP_LINES); /* cut only past 16 MiB */
	string = json_stringn(clean.bytes, clean.len);
	buf_done(&clean);
	return string;
}

json_t *json_share(int64_t part, int64_t whole)
{
	double pct = share_pct(part, whole);

	return isnan(pct) ? json_null() : json_real(pct);
}

json_t *json_flag(int8_t flag)
{
	return flag < 0 ? json_null() : json_boolean(flag);
}

json_t *json_embedded(struct text json)
{
	json_error_t ignored; /* what cannot be read is given as text */
	json_t *value;

	if (!json.bytes)
		return json_null();
	value = json_loadb(json.bytes, json.len, JSON_DECODE_ANY, &ignored);
	return value ? value : json_text_or_null(json);
}

static int add_bytes(const char *bytes, size_t len, void *context)
{
	return utf8_clean_json(context, (struct text){ bytes, len }) ? 0 : -1;
}

bool json_put(struct buf *out, json_t *owned, bool one_line, struct err *err)
{
	/* 15 digits: 92.2 stays 92.2. */
	size_t flags = JSON_REAL_PRECISION(15) | (one_line ? JSON_COMPACT : JSON_INDENT(2));
	bool ok = owned && !json_dump_callback(owned, add_bytes, out, flags) && buf_add_char(out, '\n');

	json_decref(owned);
	return ok || err_set(err, ERR_LIMIT, 0, "the JSON is larger than %zu bytes", out->max);
}

bool json_put_list(struct buf *out, const struct view *view, const char *name, json_t *list,
	bool more, struct err *err)
{
	return json_put(out, json_pack("{s:I, s:o, s:b}", "as_of", (json_int_t)view->look.now_ms, name,
		list, "more", more), false, err);
}
