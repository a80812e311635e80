/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_EVENTLOG_LEX_H
#define COLLECTORS_EVENTLOG_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined __AVX2__
#include <immintrin.h>
#elif defined __SSE2__
#include <emmintrin.h>
#endif

#include "base/utf8.h"

/*
 * Steps of the projection scanner over the bytes of one JSON document. Every function takes the
 * place it reads at and returns the place behind what it read, or NULL on a surprise: an error, or
 * something legal but rare. What they accept is exactly what jansson accepts, or less.
 *
 * Two things keep them within bounds without a test at every byte: the document's last byte is '}'
 * (the caller looks), which ends every run of blanks, digits or letters; and only behind a '}' can
 * the end be reached, where the callers test for it. Strings are searched against `end`.
 */
enum { LEX_BLOCK = 16, LEX_DIGITS_MAX = 18 };

static inline const char *lex_blank(const char *p)
{
	if ((unsigned char)*p > ' ') /* as nearly always */
		return p;
	while (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r')
		p++;
	return p;
}

static inline bool lex_is_special(char c)
{
	return c == '"' || c == '\\' || (unsigned char)c < 0x20;
}

#ifdef __SSE2__
/* One bit a byte: quotes, backslashes, control characters. */
static inline unsigned lex_special_bits(__m128i block)
{
	__m128i quote = _mm_cmpeq_epi8(block, _mm_set1_epi8('"'));
	__m128i slash = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
	__m128i control = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1f)), block);

	return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, slash), control));
}
#endif

#ifdef __AVX2__
/* Thirty-two of each, from memory: compilers make them anew at every use otherwise. */
struct lex_blocks {
	_Alignas(32) unsigned char quote[32], slash[32], control[32];
};
extern const struct lex_blocks lex_blocks;

static inline unsigned lex_special_bits_32(__m256i block)
{
	__m256i quote = _mm256_cmpeq_epi8(block, *(const __m256i *)lex_blocks.quote);
	__m256i slash = _mm256_cmpeq_epi8(block, *(const __m256i *)lex_blocks.slash);
	__m256i control = _mm256_cmpeq_epi8(
		_mm256_min_epu8(block, *(const __m256i *)lex_blocks.control), block);

	return (unsigned)_mm256_movemask_epi8(
		_mm256_or_si256(_mm256_or_si256(quote, slash), control));
}
#endif

/* The next quote, backslash or control character; end when there is none. */
static inline const char *lex_special(const char *p, const char *end)
{
#ifdef __AVX2__
	for (; end - p >= 2 * LEX_BLOCK; p += 2 * LEX_BLOCK) {
		unsigned bits = lex_special_bits_32(_mm256_loadu_si256((const __m256i *)p));

		if (bits)
			return p + __builtin_ctz(bits);
	}
#endif
#ifdef __SSE2__
	for (; end - p >= LEX_BLOCK; p += LEX_BLOCK) {
		unsigned bits = lex_special_bits(_mm_loadu_si128((const __m128i *)p));

		if (bits)
			return p + __builtin_ctz(bits);
	}
#endif
	while (p < end && !lex_is_special(*p))
		p++;
	return p;
}

static inline int lex_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The code of \uXXXX at the backslash; -1 for anything broken and for surrogates. */
static inline int lex_unicode(const char *p, const char *end)
{
	int code = 0;

	if (end - p < 6)
		return -1;
	for (int i = 2; i < 6; i++) {
		int digit = lex_hex(p[i]);

		if (digit < 0)
			return -1;
		code = code << 4 | digit;
	}
	return code >= 0xd800 && code <= 0xdfff ? -1 : code;
}

/* The byte that a two-byte escape stands for; 0 = it is none. */
static inline char lex_escape(char c)
{
	switch (c) {
	case '"':
	case '\\':
	case '/':
		return c;
	case 'n':
		return '\n';
	case 't':
		return '\t';
	case 'r':
		return '\r';
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	default:
		return '\0';
	}
}

/* From behind the opening quote to behind the closing one. */
static inline const char *lex_skip_string(const char *p, const char *end)
{
	for (;;) {
		p = lex_special(p, end);
		if (p == end)
			return NULL;
		if (__builtin_expect(*p == '"', 1))
			return p + 1;
		if (*p != '\\')
			return NULL;
		if (lex_escape(p[1]))
			p += 2;
		else if (p[1] == 'u' && lex_unicode(p, end) >= 0)
			p += 6;
		else
			return NULL;
	}
}

/*
 * The same, writing what the string says to `to`, which has room for LEX_BLOCK bytes more than the
 * string's own.
 */
static inline const char *lex_unescape(const char *p, const char *end, char *to, size_t *len_out)
{
	char *start = to;

	for (;;) {
		char c;
		int code;

#ifdef __SSE2__
		if (end - p >= LEX_BLOCK) {
			__m128i block = _mm_loadu_si128((const __m128i *)p);
			unsigned bits = lex_special_bits(block);
			int n = bits ? __builtin_ctz(bits) : LEX_BLOCK;

			_mm_storeu_si128((__m128i *)to, block);
			p += n;
			to += n;
			if (n == LEX_BLOCK)
				continue;
		}
#endif
		while (p < end && !lex_is_special(*p))
			*to++ = *p++;
		if (p == end)
			return NULL;
		if (*p == '"')
			break;
		if (*p != '\\')
			return NULL;
		c = lex_escape(p[1]);
		if (c) {
			*to++ = c;
			p += 2;
			continue;
		}
		code = p[1] == 'u' ? lex_unicode(p, end) : -1;
		if (code < 0)
			return NULL;
		to += utf8_encode((uint32_t)code, to);
		p += 6;
	}
	*len_out = (size_t)(to - start);
	return p + 1;
}

static inline bool lex_is_digit(char c)
{
	return (unsigned)(unsigned char)c - '0' <= 9;
}

/* Any number that a double or 64 bits hold for certain. */
static inline const char *lex_skip_number(const char *p)
{
	const char *start;

	p += *p == '-';
	start = p;
	while (lex_is_digit(*p))
		p++;
	if (p == start || p - start > LEX_DIGITS_MAX || (*start == '0' && p - start > 1))
		return NULL;
	if (*p == '.') {
		start = ++p;
		while (lex_is_digit(*p))
			p++;
		if (p == start)
			return NULL;
	}
	if (*p == 'e' || *p == 'E') {
		p++;
		p += *p == '+' || *p == '-';
		start = p;
		while (lex_is_digit(*p))
			p++;
		if (p == start || p - start > 2)
			return NULL;
	}
	return p;
}

/* Whether the eight bytes at p are digits; *value_out is their number. The first is the lowest byte. */
static inline bool lex_eight_digits(const char *p, uint64_t *value_out)
{
	static const uint64_t ones = 0x0101010101010101u;
	uint64_t word;

	memcpy(&word, p, sizeof word);
	word ^= ones * '0'; /* digits are 0 to 9 now */
	if (((word + ones * 0x76) | word) & ones * 0x80)
		return false;
	word = word * 10 + (word >> 8);
	*value_out = ((word & 0x000000ff000000ffu) * 0x000f424000000064u +
			     (word >> 16 & 0x000000ff000000ffu) * 0x0000271000000001u) >> 32 &
		0xffffffffu;
	return true;
}

/* Digits from p up to `most` at least; adds them to *value, which wraps only where it is refused. */
static inline const char *lex_more_digits(const char *p, const char *most, uint64_t *value)
{
	uint64_t sum = *value;

	for (; p < most; p++) {
		unsigned digit = (unsigned)(unsigned char)*p - '0';

		if (digit > 9)
			break;
		sum = sum * 10 + digit;
	}
	*value = sum;
	return p;
}

/* Digits, a few more than LEX_DIGITS_MAX at most; so many of them make *value_out. */
static inline const char *lex_digits(const char *p, const char *end, uint64_t *value_out)
{
	enum { SHORT = 5 };
	const char *start = p;
	uint64_t value = 0;

	p = lex_more_digits(p, start + SHORT, &value);
	if (p == start + SHORT) { /* maybe a time in microseconds */
#if defined __BYTE_ORDER__ && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		uint64_t part;

		if (end - p > 8 && lex_eight_digits(p, &part)) {
			value = value * 100000000 + part;
			p += 8;
		}
#else
		(void)end;
#endif
		p = lex_more_digits(p, start + LEX_DIGITS_MAX + 1, &value);
	}
	*value_out = value;
	return p;
}

/* A whole number of at most 18 digits and nothing else. */
static inline const char *lex_integer(const char *p, int64_t *value_out)
{
	bool negative = *p == '-';
	const char *start;
	uint64_t value = 0;

	p += negative;
	start = p;
	for (;;) {
		unsigned digit = (unsigned)(unsigned char)*p - '0';

		if (digit > 9)
			break;
		value = value * 10 + digit; /* wraps only where it is refused below */
		p++;
	}
	if (p == start || p - start > LEX_DIGITS_MAX || (*start == '0' && p - start > 1) ||
		*p == '.' || *p == 'e' || *p == 'E')
		return NULL;
	*value_out = negative ? -(int64_t)value : (int64_t)value;
	return p;
}

/* The same, faster where it is long; nothing from end on is looked at. */
static inline const char *lex_integer_within(const char *p, const char *end, int64_t *value_out)
{
	bool negative = *p == '-';
	const char *start;
	uint64_t value;

	p += negative;
	start = p;
	p = lex_digits(p, end, &value);
	if (p == start || p - start > LEX_DIGITS_MAX || (*start == '0' && p - start > 1) ||
		*p == '.' || *p == 'e' || *p == 'E')
		return NULL;
	*value_out = negative ? -(int64_t)value : (int64_t)value;
	return p;
}

static inline const char *lex_word(const char *p, const char *end, const char *word, size_t len)
{
	if ((size_t)(end - p) <= len || memcmp(p, word, len) != 0)
		return NULL;
	return p + len;
}

/* true, false or null */
static inline const char *lex_skip_word(const char *p, const char *end)
{
	if (*p == 't')
		return lex_word(p, end, "true", 4);
	if (*p == 'f')
		return lex_word(p, end, "false", 5);
	return lex_word(p, end, "null", 4);
}

/* The first byte that is no ASCII, or maybe a few bytes before it; end when there is none. */
static inline const char *lex_ascii(const char *p, const char *end)
{
#ifdef __AVX2__
	for (; end - p >= 8 * LEX_BLOCK; p += 8 * LEX_BLOCK) {
		const __m256i *blocks = (const __m256i *)p;
		__m256i a = _mm256_or_si256(
			_mm256_loadu_si256(blocks), _mm256_loadu_si256(blocks + 1));
		__m256i b = _mm256_or_si256(
			_mm256_loadu_si256(blocks + 2), _mm256_loadu_si256(blocks + 3));

		if (_mm256_movemask_epi8(_mm256_or_si256(a, b)))
			break;
	}
#endif
#ifdef __SSE2__
	for (; end - p >= 4 * LEX_BLOCK; p += 4 * LEX_BLOCK) {
		const __m128i *blocks = (const __m128i *)p;
		__m128i a = _mm_or_si128(_mm_loadu_si128(blocks), _mm_loadu_si128(blocks + 1));
		__m128i b = _mm_or_si128(_mm_loadu_si128(blocks + 2), _mm_loadu_si128(blocks + 3));

		if (_mm_movemask_epi8(_mm_or_si128(a, b)))
			break;
	}
	for (; end - p >= LEX_BLOCK; p += LEX_BLOCK) {
		if (_mm_movemask_epi8(_mm_loadu_si128((const __m128i *)p)))
			break;
	}
#endif
	while (p < end && (signed char)*p >= 0)
		p++;
	return p;
}

/* UTF-8 or not, fast where it is ASCII. */
static inline bool lex_is_utf8(const char *p, const char *end)
{
	while (p < end) {
		const char *start;

		p = lex_ascii(p, end);
		start = p;
		while (p < end && (signed char)*p < 0)
			p++;
		if (p > start && !utf8_is_valid((struct text){ start, (size_t)(p - start) }))
			return false;
	}
	return true;
}

/* ---- values, for walkers that skip what they do not keep ---- */

/* A key without escapes, from its opening quote to its value. */
static inline const char *lex_key(const char *p, const char *end, struct text *key_out)
{
	const char *close;

	if (*p != '"')
		return NULL;
	p++;
	close = lex_special(p, end);
	if (close == end || *close != '"')
		return NULL;
	*key_out = (struct text){ p, (size_t)(close - p) };
	p = lex_blank(close + 1);
	if (*p != ':')
		return NULL;
	return lex_blank(p + 1);
}

/* Behind a member: to the next one, or to the closing bracket. p may be NULL. */
static inline const char *lex_next(const char *p, const char *end, char close)
{
	if (!p || p == end)
		return NULL;
	if (*p == ',' && p[1] == '"') /* as nearly always */
		return p + 1;
	p = lex_blank(p);
	if (*p == close)
		return p;
	if (*p != ',')
		return NULL;
	p = lex_blank(p + 1);
	return *p == close ? NULL : p;
}

/*
 * lex_skip_string for strings full of escaped quotes, such as JSON in a string: a block without any
 * other escape is passed whole.
 */
static inline const char *lex_skip_quoted(const char *p, const char *end)
{
#ifdef __SSE2__
	unsigned carry = 0; /* the block before ended in a backslash that is not itself escaped */

	for (; end - p >= LEX_BLOCK; p += LEX_BLOCK) {
		__m128i block = _mm_loadu_si128((const __m128i *)p);
		unsigned quote = (unsigned)_mm_movemask_epi8(
			_mm_cmpeq_epi8(block, _mm_set1_epi8('"')));
		unsigned slash = (unsigned)_mm_movemask_epi8(
			_mm_cmpeq_epi8(block, _mm_set1_epi8('\\')));
		unsigned control = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(
			_mm_min_epu8(block, _mm_set1_epi8(0x1f)), block));
		unsigned escaped = (slash << 1 | carry) & 0xffff;
		unsigned ends = quote & ~escaped;

		/* Every backslash escapes a quote, or the block is looked at byte by byte. */
		if (escaped & ~quote)
			break;
		if (ends) {
			unsigned at = (unsigned)__builtin_ctz(ends);

			return control & ((1u << at) - 1) ? NULL : p + at + 1;
		}
		if (control)
			return NULL;
		carry = slash >> (LEX_BLOCK - 1) & 1;
	}
	return lex_skip_string(p - carry, end);
#else
	return lex_skip_string(p, end);
#endif
}

static inline const char *lex_skip_value(const char *p, const char *end, int depth);

/* An object or array, from its opening bracket. */
static inline const char *lex_skip_nested(const char *p, const char *end, int depth)
{
	char close = *p == '{' ? '}' : ']';
	struct text key;

	if (depth == 0)
		return NULL;
	p = lex_blank(p + 1);
	while (*p != close) {
		if (close == '}')
			p = lex_key(p, end, &key);
		if (!p)
			return NULL;
		p = lex_next(lex_skip_value(p, end, depth - 1), end, close);
		if (!p)
			return NULL;
	}
	return p + 1;
}

/* Any value; depth: how many levels of brackets it may open. */
static inline const char *lex_skip_value(const char *p, const char *end, int depth)
{
	switch (*p) {
	case '"':
		return lex_skip_string(p + 1, end);
	case '{':
	case '[':
		return lex_skip_nested(p, end, depth);
	case 't':
	case 'f':
	case 'n':
		return lex_skip_word(p, end);
	default:
		return lex_skip_number(p);
	}
}

#endif
