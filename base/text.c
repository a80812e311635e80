/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <string.h>

#include "base/mem.h"

struct text text_of(const char *terminated)
{
	if (!terminated)
		return TEXT_NONE;
	return (struct text){ terminated, strlen(terminated) };
}

char *text_dup(struct text text)
{
	char *copy = mem_alloc(text.len + 1);

	if (text.len > 0)
		memcpy(copy, text.bytes, text.len);
	copy[text.len] = '\0';
	return copy;
}

bool text_eq(struct text a, struct text b)
{
	if (!a.bytes || !b.bytes)
		return a.bytes == b.bytes;
	return a.len == b.len && memcmp(a.bytes, b.bytes, a.len) == 0;
}

bool text_is(struct text text, const char *terminated)
{
	return text_eq(text, text_of(terminated));
}

int text_cmp(struct text a, struct text b)
{
	size_t shorter = a.len < b.len ? a.len : b.len;
	int order;

	if (!a.bytes || !b.bytes)
		return (a.bytes != NULL) - (b.bytes != NULL);
	order = memcmp(a.bytes, b.bytes, shorter);
	if (order != 0)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

bool text_starts(struct text text, struct text prefix)
{
	return text.len >= prefix.len && prefix.len > 0 &&
		memcmp(text.bytes, prefix.bytes, prefix.len) == 0;
}

bool text_ends(struct text text, struct text suffix)
{
	return text.len >= suffix.len && suffix.len > 0 &&
		memcmp(text.bytes + text.len - suffix.len, suffix.bytes, suffix.len) == 0;
}

bool text_contains(struct text text, struct text part)
{
	if (part.len == 0)
		return true;
	if (text.len < part.len)
		return false;
	return memmem(text.bytes, text.len, part.bytes, part.len) != NULL;
}

static unsigned char fold(char byte)
{
	unsigned char c = (unsigned char)byte;

	return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}

static bool starts_fold(const char *bytes, struct text part)
{
	for (size_t i = 0; i < part.len; i++) {
		if (fold(bytes[i]) != fold(part.bytes[i]))
			return false;
	}
	return true;
}

bool text_contains_fold(struct text text, struct text part)
{
	unsigned char low, high;

	if (part.len == 0)
		return true;
	low = fold(part.bytes[0]);
	high = low >= 'a' && low <= 'z' ? (unsigned char)(low - 32) : low;
	for (size_t at = 0; at + part.len <= text.len; at++) {
		unsigned char c = (unsigned char)text.bytes[at];

		if ((c == low || c == high) && starts_fold(text.bytes + at, part))
			return true;
	}
	return false;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct text text_trim(struct text text)
{
	while (text.len > 0 && is_space(text.bytes[0])) {
		text.bytes++;
		text.len--;
	}
	while (text.len > 0 && is_space(text.bytes[text.len - 1]))
		text.len--;
	return text;
}

struct text text_sub(struct text text, size_t from, size_t len)
{
	if (from > text.len)
		from = text.len;
	if (len > text.len - from)
		len = text.len - from;
	return (struct text){ text.bytes ? text.bytes + from : NULL, len };
}

bool text_split(struct text *rest, char separator, struct text *part_out)
{
	const char *end;

	if (!rest->bytes)
		return false;
	end = rest->len ? memchr(rest->bytes, separator, rest->len) : NULL;
	if (!end) {
		*part_out = *rest;
		*rest = TEXT_NONE;
		return true;
	}
	*part_out = (struct text){ rest->bytes, (size_t)(end - rest->bytes) };
	*rest = text_sub(*rest, part_out->len + 1, rest->len);
	return true;
}

bool text_to_i64(struct text text, int64_t *value_out)
{
	bool negative = text.len > 0 && text.bytes[0] == '-';
	size_t at = negative ? 1 : 0;
	int64_t value = 0;

	if (at == text.len)
		return false;
	for (; at < text.len; at++) {
		int digit = text.bytes[at] - '0';

		if (digit < 0 || digit > 9)
			return false;
		/* Counted downwards, because the range below zero is one wider. */
		if (value < (INT64_MIN + digit) / 10)
			return false;
		value = value * 10 - digit;
	}
	if (!negative && value == INT64_MIN)
		return false;
	*value_out = negative ? value : -value;
	return true;
}

uint64_t text_hash(struct text text)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < text.len; i++)
		hash = (hash ^ (unsigned char)text.bytes[i]) * 0x100000001b3u;
	hash ^= hash >> 32;
	hash *= 0xd6e8feb86659fd93u;
	hash ^= hash >> 32;
	return hash;
}

uint64_t text_hash_fast(struct text text)
{
	uint64_t hash = text.len * 0x9e3779b97f4a7c15u;
	uint64_t word = 0;
	size_t at = 0;

	for (; at + sizeof word <= text.len; at += sizeof word) {
		memcpy(&word, text.bytes + at, sizeof word);
		hash = (hash ^ word) * 0xd6e8feb86659fd93u;
		hash ^= hash >> 32;
	}
	if (text.len >= sizeof word) {
		/* The last eight, some of them for the second time. */
		memcpy(&word, text.bytes + text.len - sizeof word, sizeof word);
	} else {
		word = 0;
		for (; at < text.len; at++)
			word = word << 8 | (unsigned char)text.bytes[at];
	}
	hash = (hash ^ word) * 0xd6e8feb86659fd93u;
	return hash ^ hash >> 32;
}

enum { NEAREST_MAX_LEN = 40 };

static size_t distance(struct text a, struct text b)
{
	size_t row[NEAREST_MAX_LEN + 1];

	for (size_t j = 0; j <= b.len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			size_t above = row[j];
			size_t best = diagonal + (a.bytes[i - 1] != b.bytes[j - 1]);

			if (above + 1 < best)
				best = above + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
			diagonal = above;
		}
	}
	return row[b.len];
}

const char *text_nearest(struct text text, const char *const *names, size_t n)
{
	const char *nearest = NULL;
	size_t least = text.len / 2 + 1; /* further than half the word is no suggestion */

	if (text.len > NEAREST_MAX_LEN)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		struct text name = text_of(names[i]);
		size_t d;

		if (name.len > NEAREST_MAX_LEN)
			continue;
		d = distance(text, name);
		if (d < least) {
			least = d;
			nearest = names[i];
		}
	}
	return nearest;
}
