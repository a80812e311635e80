/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "collectors/delta/parquet/parts.h"

enum { INDICES = 1024 };          /* dictionary indices unpacked at a time */
enum { UNIX_EPOCH_JULIAN = 2440588 };

static const char too_few[] = "values end too early";

size_t values_size(enum parquet_in in)
{
	switch (in) {
	case PARQUET_IN_NONE: return 0;
	case PARQUET_IN_BOOLS: return 1;
	case PARQUET_IN_INTS:
	case PARQUET_IN_REALS: return 8;
	case PARQUET_IN_WIDES:
	case PARQUET_IN_TEXTS: return 16;
	}
	return 0;
}

size_t values_width(const struct parquet_node *node)
{
	switch (node->physical) {
	case PARQUET_BOOLEAN:
	case PARQUET_BYTE_ARRAY: return 0;
	case PARQUET_INT32:
	case PARQUET_FLOAT: return 4;
	case PARQUET_INT64:
	case PARQUET_DOUBLE: return 8;
	case PARQUET_INT96: return 12;
	case PARQUET_FIXED: return (size_t)node->width;
	}
	return 0;
}

/* Nanoseconds of a day, a Julian day. Wraps where 64 bits of microseconds end. */
static int64_t int96_micros(const uint8_t *at)
{
	int64_t nanos;
	int32_t day;

	memcpy(&nanos, at, 8);
	memcpy(&day, at + 8, 4);
	return (int64_t)((uint64_t)((int64_t)day - UNIX_EPOCH_JULIAN) * 86400000000u +
		(uint64_t)(nanos / 1000));
}

static double half_real(const uint8_t *at)
{
	unsigned bits = (unsigned)at[0] | (unsigned)at[1] << 8;
	int exponent = (int)(bits >> 10 & 31);
	double mantissa = (double)(bits & 1023);
	double value;

	if (exponent == 31)
		value = mantissa != 0 ? (double)NAN : (double)INFINITY;
	else if (exponent == 0)
		value = ldexp(mantissa, -24);
	else
		value = ldexp(mantissa + 1024, exponent - 25);
	return bits & 0x8000 ? -value : value;
}

/* Two's complement, most significant byte first, of any length; false past 128 bits. */
static bool wide_of(struct text text, struct parquet_i128 *wide_out)
{
	const uint8_t *at = (const uint8_t *)text.bytes;
	uint64_t sign = text.len > 0 && at[0] & 0x80 ? UINT64_MAX : 0;
	uint64_t high = sign;
	uint64_t low = sign;

	for (size_t i = 0; i < text.len; i++) {
		if (i + 16 < text.len && at[i] != (uint8_t)sign)
			return false;
		high = high << 8 | low >> 56;
		low = low << 8 | at[i];
	}
	if (text.len > 16 && high >> 63 != (sign & 1))
		return false;
	*wide_out = (struct parquet_i128){ low, (int64_t)high };
	return true;
}

/* Byte arrays to what the node keeps; reasons as everywhere here, NULL = good. */
static const char *convert_texts(const struct parquet_node *node, const struct text *texts,
	void *to, size_t n)
{
	struct parquet_i128 wide;

	switch (node->in) {
	case PARQUET_IN_TEXTS:
		memcpy(to, texts, n * sizeof *texts);
		return NULL;
	case PARQUET_IN_WIDES:
		for (size_t i = 0; i < n; i++)
			if (!wide_of(texts[i], (struct parquet_i128 *)to + i))
				return "a decimal wider than 128 bits";
		return NULL;
	case PARQUET_IN_INTS:
		for (size_t i = 0; i < n; i++) {
			if (!wide_of(texts[i], &wide) || wide.high != ((int64_t)wide.low < 0 ? -1 : 0))
				return "a decimal wider than its precision";
			((int64_t *)to)[i] = (int64_t)wide.low;
		}
		return NULL;
	case PARQUET_IN_REALS:
		for (size_t i = 0; i < n; i++) {
			if (texts[i].len != 2)
				return "a half-precision number not of two bytes";
			((double *)to)[i] = half_real((const uint8_t *)texts[i].bytes);
		}
		return NULL;
	case PARQUET_IN_NONE:
	case PARQUET_IN_BOOLS:
		break;
	}
	return "byte arrays where the schema has none";
}

/* n texts from length-prefixed bytes; how many were there. */
static size_t split_texts(const uint8_t **at, const uint8_t *end, struct text *to, size_t n)
{
	const uint8_t *next = *at;
	size_t i;

	for (i = 0; i < n; i++) {
		uint32_t len;

		if (end - next < 4)
			break;
		memcpy(&len, next, 4);
		next += 4;
		if (len > (size_t)(end - next))
			break;
		to[i] = (struct text){ (const char *)next, len };
		next += len;
	}
	*at = next;
	return i;
}

static void fixed_texts(const uint8_t *at, size_t width, struct text *to, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (struct text){ (const char *)at + i * width, width };
}

/* Byte arrays of either kind, straight to texts or by way of some at a time. */
static const char *plain_texts(const struct parquet_node *node, struct values *values, void *to,
	size_t n)
{
	size_t width = values_width(node);
	struct text some[64];

	if (node->in == PARQUET_IN_TEXTS && width == 0)
		return split_texts(&values->at, values->end, to, n) == n ? NULL : too_few;
	if (node->in == PARQUET_IN_TEXTS) {
		fixed_texts(values->at, width, to, n);
		values->at += n * width;
		return NULL;
	}
	for (size_t done = 0; done < n;) {
		size_t now = n - done < ARRAY_LEN(some) ? n - done : ARRAY_LEN(some);
		const char *reason;

		if (width > 0) {
			fixed_texts(values->at, width, some, now);
			values->at += now * width;
		} else if (split_texts(&values->at, values->end, some, now) != now) {
			return too_few;
		}
		reason = convert_texts(node, some, (char *)to + done * values_size(node->in), now);
		if (reason)
			return reason;
		done += now;
	}
	return NULL;
}

static const char *plain_bools(struct values *values, uint8_t *to, size_t n)
{
	size_t bits = (size_t)(values->end - values->at) * 8 - values->bit;

	if (values->at == values->end || bits < n)
		return n == 0 ? NULL : too_few;
	for (size_t i = 0; i < n; i++, values->bit++)
		to[i] = values->at[values->bit / 8] >> values->bit % 8 & 1;
	values->at += values->bit / 8;
	values->bit %= 8;
	return NULL;
}

static void plain_ints(const struct parquet_node *node, const uint8_t *at, int64_t *to, size_t n)
{
	if (node->physical == PARQUET_INT64) {
		memcpy(to, at, n * 8);
	} else if (node->physical == PARQUET_INT96) {
		for (size_t i = 0; i < n; i++)
			to[i] = int96_micros(at + i * 12);
	} else if (node->kind == PARQUET_UINT) {
		for (size_t i = 0; i < n; i++) {
			uint32_t value;

			memcpy(&value, at + i * 4, 4);
			to[i] = value;
		}
	} else {
		for (size_t i = 0; i < n; i++) {
			int32_t value;

			memcpy(&value, at + i * 4, 4);
			to[i] = value;
		}
	}
}

static void plain_reals(const struct parquet_node *node, const uint8_t *at, double *to, size_t n)
{
	if (node->physical == PARQUET_DOUBLE) {
		memcpy(to, at, n * 8);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		float value;

		memcpy(&value, at + i * 4, 4);
		to[i] = (double)value;
	}
}

static const char *plain(const struct parquet_node *node, struct values *values, void *to, size_t n)
{
	size_t width = values_width(node);

	if (width > 0 && (size_t)(values->end - values->at) / width < n)
		return too_few;
	switch (node->physical) {
	case PARQUET_BOOLEAN: return plain_bools(values, to, n);
	case PARQUET_BYTE_ARRAY:
	case PARQUET_FIXED: return plain_texts(node, values, to, n);
	case PARQUET_INT32:
	case PARQUET_INT64:
	case PARQUET_INT96:
		plain_ints(node, values->at, to, n);
		break;
	case PARQUET_FLOAT:
	case PARQUET_DOUBLE:
		plain_reals(node, values->at, to, n);
		break;
	}
	values->at += n * width;
	return NULL;
}

static bool refuse(const struct column *column, const char *reason, struct err *err)
{
	return !reason || column_fail(column, ERR_FORMAT, err, "%s", reason);
}

bool values_dictionary(struct column *column, const uint8_t *at, const uint8_t *end, size_t n,
	struct err *err)
{
	struct values values = { .at = at, .end = end };
	size_t width = values_width(column->node);

	if (column->node->physical == PARQUET_BOOLEAN)
		return refuse(column, "a dictionary of booleans", err);
	/* A byte array takes its length at least: so many values cannot be there. */
	if (n > (size_t)(end - at) / (width > 0 ? width : 4))
		return refuse(column, too_few, err);
	if (n == 0)
		return true;
	if (!column_grow(column, &column->dictionary, n * values_size(column->node->in), err) ||
		!refuse(column, plain(column->node, &values, column->dictionary.at, n), err))
		return false;
	column->ndictionary = n;
	return true;
}

/* One width's worth of gathering; indices were checked. */
static void gather(const struct column *column, const uint32_t *indices, size_t n)
{
	const void *from = column->dictionary.at;
	void *to = column->batch_values.at;

	switch (column->node->in) {
	case PARQUET_IN_INTS:
	case PARQUET_IN_REALS:
		for (size_t i = 0; i < n; i++)
			((uint64_t *)to)[column->nvalues + i] = ((const uint64_t *)from)[indices[i]];
		break;
	case PARQUET_IN_WIDES:
		for (size_t i = 0; i < n; i++)
			((struct parquet_i128 *)to)[column->nvalues + i] =
				((const struct parquet_i128 *)from)[indices[i]];
		break;
	case PARQUET_IN_TEXTS:
		for (size_t i = 0; i < n; i++)
			((struct text *)to)[column->nvalues + i] =
				((const struct text *)from)[indices[i]];
		break;
	case PARQUET_IN_NONE:
	case PARQUET_IN_BOOLS:
		break;
	}
}

static const char *read_indices(struct column *column, size_t n)
{
	uint32_t indices[INDICES];

	while (n > 0) {
		size_t some = n < INDICES ? n : INDICES;
		uint32_t highest = 0;

		if (hybrid_words(&column->values.hybrid, indices, some) != some)
			return "dictionary indices end too early";
		for (size_t i = 0; i < some; i++)
			highest = indices[i] > highest ? indices[i] : highest;
		if (highest >= column->ndictionary)
			return "an index beyond the dictionary";
		gather(column, indices, some);
		column->nvalues += some;
		n -= some;
	}
	return NULL;
}

/* Integers that were decoded ahead are 64 bits wide, whatever the column is. */
static void narrow_ints(const struct parquet_node *node, const int64_t *from, int64_t *to, size_t n)
{
	if (node->physical != PARQUET_INT32) {
		memcpy(to, from, n * 8);
		return;
	}
	for (size_t i = 0; i < n; i++)
		to[i] = node->kind == PARQUET_UINT ? (int64_t)(uint32_t)from[i]
						   : (int64_t)(int32_t)(uint32_t)from[i];
}

bool values_read(struct column *column, size_t n, struct err *err)
{
	struct values *values = &column->values;
	void *to = (char *)column->batch_values.at + column->nvalues * values_size(column->node->in);
	const char *reason = NULL;

	switch (values->from) {
	case VALUES_PLAIN:
		reason = plain(column->node, values, to, n);
		break;
	case VALUES_INDICES:
		return refuse(column, read_indices(column, n), err);
	case VALUES_RUNS:
		if (hybrid_bytes(&values->hybrid, to, n) != n)
			reason = too_few;
		break;
	case VALUES_INTS:
		if (n > values->left) {
			reason = too_few;
			break;
		}
		narrow_ints(column->node, values->ints, to, n);
		values->ints += n;
		values->left -= n;
		break;
	case VALUES_TEXTS:
		reason = n > values->left ? too_few : convert_texts(column->node, values->texts, to, n);
		if (reason)
			break;
		values->texts += n;
		values->left -= n;
		break;
	}
	column->nvalues += n;
	return refuse(column, reason, err);
}
