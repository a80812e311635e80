/* SPDX-License-Identifier: Apache-2.0 */
/* Paths as logs spell them, and the names that engines give to files. */
#include "collectors/delta/state_parts.h"
#include "collectors/eventlog/lex.h"

struct text delta_path_decoded(struct arena *arena, struct text path)
{
	char *to;
	size_t len = 0;

	if (path.len == 0 || !memchr(path.bytes, '%', path.len))
		return path;
	to = arena_alloc(arena, path.len + 1);
	for (size_t i = 0; i < path.len; i++) {
		char c = path.bytes[i];

		if (c == '%' && i + 2 < path.len && lex_hex(path.bytes[i + 1]) >= 0 &&
			lex_hex(path.bytes[i + 2]) >= 0) {
			c = (char)(lex_hex(path.bytes[i + 1]) << 4 | lex_hex(path.bytes[i + 2]));
			i += 2;
		}
		to[len++] = c;
	}
	return (struct text){ to, len };
}

struct text delta_path_canonical(struct arena *arena, struct text path)
{
	struct text text = delta_path_decoded(arena, path);

	if (text_starts(text, TEXT("file:"))) { /* file:/a, file:///a: the path behind the scheme */
		size_t at = 5;

		while (at + 1 < text.len && text.bytes[at] == '/' && text.bytes[at + 1] == '/')
			at++;
		return text_sub(text, at, text.len);
	}
	return text;
}

static int hex_lower(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool delta_name_unpack(struct text name, uint64_t *part_out, char uuid_out[16],
	struct text *tail_out)
{
	const char *p = name.bytes + 5;
	const char *end = name.bytes + name.len;
	uint64_t part = 0;
	size_t digits = 0;
	size_t n = 0;

	if (name.len < 5 + 5 + 1 + 36 || memcmp(name.bytes, "part-", 5) != 0)
		return false;
	while (p < end && digits < 10 && *p >= '0' && *p <= '9') {
		part = part * 10 + (uint64_t)(*p++ - '0');
		digits++;
	}
	if (digits < 5 || (digits > 5 && p[-(ptrdiff_t)digits] == '0') || end - p < 37 || *p++ != '-')
		return false;
	for (size_t i = 0; i < 36; i++) {
		int high;
		int low;

		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (p[i] != '-')
				return false;
			continue;
		}
		high = hex_lower(p[i]);
		low = hex_lower(p[++i]);
		if (high < 0 || low < 0)
			return false;
		uuid_out[n++] = (char)(high << 4 | low);
	}
	*part_out = part;
	*tail_out = (struct text){ p + 36, (size_t)(end - p - 36) };
	return tail_out->len <= DELTA_TAIL_MAX;
}

size_t delta_name_pack(char *to, uint64_t part, const char uuid[16])
{
	static const char digits[] = "0123456789abcdef";
	char number[24];
	char *p = to;
	size_t n = 0;

	do
		number[n++] = (char)('0' + part % 10);
	while (part /= 10);
	while (n < 5)
		number[n++] = '0';
	memcpy(p, "part-", 5);
	p += 5;
	while (n > 0)
		*p++ = number[--n];
	*p++ = '-';
	for (size_t i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		*p++ = digits[(unsigned char)uuid[i] >> 4];
		*p++ = digits[uuid[i] & 15];
	}
	return (size_t)(p - to);
}
