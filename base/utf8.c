/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include "base/mem.h"
#include "base/utf8_tables.h"

enum { REPLACEMENT = 0xfffd, PICTURES = 0x2400, PICTURE_DEL = 0x2421 };

static bool in_ranges(const struct range *ranges, size_t n, uint32_t code)
{
	size_t low = 0;
	size_t high = n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (code > ranges[middle].last)
			low = middle + 1;
		else if (code < ranges[middle].first)
			high = middle;
		else
			return true;
	}
	return false;
}

/* Most of what screens draw beside ASCII lies here, and needs no search: dashes, arrows, boxes, marks. */
static bool is_sign(uint32_t code)
{
	return (code >= 0x2010 && code <= 0x2027) || (code >= 0x2500 && code <= 0x25fc) ||
		(code >= 0x270c && code <= 0x2727) || (code >= 0x2190 && code <= 0x2319);
}

int utf8_cells(uint32_t code)
{
	if (code < 0x300 || is_sign(code))
		return 1;
	if (in_ranges(combining, ARRAY_LEN(combining), code))
		return 0;
	if (in_ranges(wide, ARRAY_LEN(wide), code))
		return 2;
	return 1;
}

/* RFC 3629 table: shortest forms only, no surrogates, nothing above U+10FFFF. 0 = broken. */
static size_t decode(const unsigned char *s, size_t len, uint32_t *code_out)
{
	if (s[0] < 0x80) {
		*code_out = s[0];
		return 1;
	}
	if (s[0] >= 0xc2 && s[0] <= 0xdf && len >= 2 && (s[1] & 0xc0) == 0x80) {
		*code_out = (uint32_t)(s[0] & 0x1f) << 6 | (s[1] & 0x3f);
		return 2;
	}
	if ((s[0] & 0xf0) == 0xe0 && len >= 3 && (s[1] & 0xc0) == 0x80 && (s[2] & 0xc0) == 0x80) {
		uint32_t code = (uint32_t)(s[0] & 0x0f) << 12 | (uint32_t)(s[1] & 0x3f) << 6 |
			(s[2] & 0x3f);

		*code_out = code;
		return code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? 0 : 3;
	}
	if (s[0] >= 0xf0 && s[0] <= 0xf4 && len >= 4 && (s[1] & 0xc0) == 0x80 &&
		(s[2] & 0xc0) == 0x80 && (s[3] & 0xc0) == 0x80) {
		uint32_t code = (uint32_t)(s[0] & 0x07) << 18 | (uint32_t)(s[1] & 0x3f) << 12 |
			(uint32_t)(s[2] & 0x3f) << 6 | (s[3] & 0x3f);

		*code_out = code;
		return code < 0x10000 || code > 0x10ffff ? 0 : 4;
	}
	return 0;
}

uint32_t utf8_next(struct text text, size_t at, size_t *next_out)
{
	uint32_t code;
	size_t n = decode((const unsigned char *)text.bytes + at, text.len - at, &code);

	*next_out = at + (n ? n : 1);
	return n ? code : REPLACEMENT;
}

size_t utf8_encode(uint32_t code, char bytes[4])
{
	if (code < 0x80) {
		bytes[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		bytes[0] = (char)(0xc0 | code >> 6);
		bytes[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		bytes[0] = (char)(0xe0 | code >> 12);
		bytes[1] = (char)(0x80 | (code >> 6 & 0x3f));
		bytes[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	bytes[0] = (char)(0xf0 | code >> 18);
	bytes[1] = (char)(0x80 | (code >> 12 & 0x3f));
	bytes[2] = (char)(0x80 | (code >> 6 & 0x3f));
	bytes[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

/* What stands for a code point in clean text: itself, a blank, or a visible mark. */
static uint32_t clean_code(uint32_t code, bool begins)
{
	if (code == '\n' || code == '\t')
		return ' ';
	if (code < 0x20)
		return PICTURES + code;
	if (code == 0x7f)
		return PICTURE_DEL;
	if (code < 0x7f)
		return code;
	if (code < 0xa0 || in_ranges(refused, ARRAY_LEN(refused), code))
		return REPLACEMENT;
	/* A combining mark with nothing before it would climb on the neighbor's cell. */
	if (begins && utf8_cells(code) == 0)
		return REPLACEMENT;
	return code;
}

static bool plain_ascii(char byte)
{
	return byte >= 0x20 && byte < 0x7f;
}

/* Marks one cell can carry; more is a tower that would cover its neighbors. */
enum { MARKS_MAX = 4 };

bool utf8_clean(struct buf *buf, struct text dirty, enum utf8_lines lines)
{
	size_t at = 0;
	bool begins = true;
	int marks = 0;

	while (at < dirty.len) {
		char bytes[4];
		uint32_t code;
		size_t run = at;
		size_t n;

		while (run < dirty.len && plain_ascii(dirty.bytes[run]))
			run++;
		if (run > at) {
			if (!buf_add_bytes(buf, dirty.bytes + at, run - at))
				return false;
			at = run;
			begins = false;
			marks = 0;
			continue;
		}
		code = utf8_next(dirty, at, &at);
		if (lines == UTF8_KEEP_LINES && code == '\r' && at < dirty.len &&
			dirty.bytes[at] == '\n')
			continue;
		if (lines == UTF8_KEEP_LINES && code == '\n') {
			if (!buf_add_char(buf, '\n'))
				return false;
			begins = true;
			continue;
		}
		code = clean_code(code, begins);
		marks = utf8_cells(code) == 0 ? marks + 1 : 0;
		if (marks > MARKS_MAX)
			continue;
		n = utf8_encode(code, bytes);
		if (n > buf->max - buf->len) {
			buf->full = true;
			return false;
		}
		(void)buf_add_bytes(buf, bytes, n); /* fits: just checked */
		begins = false;
	}
	return true;
}

static bool add_escaped(struct buf *buf, uint32_t code)
{
	if (code < 0x10000)
		return buf_addf(buf, "\\u%04x", (unsigned)code);
	code -= 0x10000;
	return buf_addf(buf, "\\u%04x\\u%04x", 0xd800 + (unsigned)(code >> 10),
		0xdc00 + (unsigned)(code & 0x3ff));
}

bool utf8_clean_json(struct buf *buf, struct text json)
{
	size_t at = 0, kept = 0;

	while (at < json.len) {
		size_t next;
		uint32_t code;

		if ((unsigned char)json.bytes[at] < 0x7f) {
			at++;
			continue;
		}
		code = utf8_next(json, at, &next);
		if (clean_code(code, false) == code && (code != REPLACEMENT || next > at + 1)) {
			at = next;
			continue;
		}
		if (!buf_add(buf, text_sub(json, kept, at - kept)) || !add_escaped(buf, code))
			return false;
		kept = at = next;
	}
	return buf_add(buf, text_sub(json, kept, at - kept));
}

bool utf8_is_clean(struct text text)
{
	size_t at = 0;
	int marks = 0;

	while (at < text.len) {
		bool begins = at == 0;
		uint32_t code;
		size_t n;

		if (plain_ascii(text.bytes[at])) {
			at++;
			marks = 0;
			continue;
		}
		n = decode((const unsigned char *)text.bytes + at, text.len - at, &code);
		if (n == 0 || clean_code(code, begins) != code)
			return false;
		marks = utf8_cells(code) == 0 ? marks + 1 : 0;
		if (marks > MARKS_MAX)
			return false;
		at += n;
	}
	return true;
}

bool utf8_is_valid(struct text text)
{
	size_t at = 0;

	while (at < text.len) {
		uint32_t code;
		size_t n = decode((const unsigned char *)text.bytes + at, text.len - at, &code);

		if (n == 0)
			return false;
		at += n;
	}
	return true;
}

size_t utf8_cluster(struct text clean, size_t at, int *cells_out)
{
	size_t next = at + 1;

	if ((unsigned char)clean.bytes[at] < 0x80)
		*cells_out = 1;
	else
		*cells_out = utf8_cells(utf8_next(clean, at, &next));
	while (next < clean.len) {
		size_t behind;

		if ((unsigned char)clean.bytes[next] < 0x80 ||
			utf8_cells(utf8_next(clean, next, &behind)) != 0)
			break;
		next = behind;
	}
	return next;
}

size_t utf8_width(struct text clean)
{
	size_t width = 0;
	size_t at = 0;

	while (at < clean.len) {
		int cells;

		at = utf8_cluster(clean, at, &cells);
		width += (size_t)cells;
	}
	return width;
}

struct text utf8_head(struct text clean, size_t cells, size_t *used_out)
{
	size_t used = 0;
	size_t at = 0;

	while (at < clean.len) {
		int width;
		size_t next = utf8_cluster(clean, at, &width);

		if (used + (size_t)width > cells)
			break;
		used += (size_t)width;
		at = next;
	}
	*used_out = used;
	return text_sub(clean, 0, at);
}

struct text utf8_tail(struct text clean, size_t cells, size_t *used_out)
{
	size_t width = utf8_width(clean);
	size_t at = 0;

	while (at < clean.len && width > cells) {
		int cluster;

		at = utf8_cluster(clean, at, &cluster);
		width -= (size_t)cluster;
	}
	*used_out = width;
	return text_sub(clean, at, clean.len);
}
