/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "collectors/delta/parquet/parts.h"

/* How a page's values begin: what cannot be read piece by piece is decoded here, page by page. */

static const char too_few[] = "values end too early";

static bool refuse(const struct column *column, const char *reason, struct err *err)
{
	return !reason || column_fail(column, ERR_FORMAT, err, "%s", reason);
}

/* Integers of a page into memory of their own; *at moves behind them. */
static bool delta_ints(struct column *column, struct room *room, const uint8_t **at,
	const uint8_t *end, size_t nlevels, size_t *n_out, struct err *err)
{
	struct delta_ints ints;
	const char *reason = delta_ints_head(&ints, *at, end);

	if (!reason && ints.count > nlevels)
		reason = "more values than levels";
	if (reason)
		return refuse(column, reason, err);
	if (!column_grow(column, room, (size_t)ints.count * sizeof(int64_t), err) ||
		!refuse(column, delta_ints_all(&ints, room->at), err))
		return false;
	*at = ints.at;
	*n_out = (size_t)ints.count;
	return true;
}

/* Lengths and then bytes, as texts into column->ready. */
static bool delta_lengths(struct column *column, struct room *lengths, const uint8_t *at,
	const uint8_t *end, size_t nlevels, size_t *n_out, struct err *err)
{
	const int64_t *lens;
	struct text *texts;

	if (!delta_ints(column, lengths, &at, end, nlevels, n_out, err) ||
		!column_grow(column, &column->ready, *n_out * sizeof *texts, err))
		return false;
	lens = lengths->at;
	texts = column->ready.at;
	for (size_t i = 0; i < *n_out; i++) {
		if (lens[i] < 0 || lens[i] > end - at)
			return refuse(column, too_few, err);
		texts[i] = (struct text){ (const char *)at, (size_t)lens[i] };
		at += lens[i];
	}
	return true;
}

/* Each value begins with some bytes of the one before: written out into a block. */
static bool join_prefixes(struct column *column, const int64_t *prefixes, size_t n, struct err *err)
{
	struct text *texts = column->ready.at;
	struct block *block;
	uint8_t *to;
	size_t total = 0;

	for (size_t i = 0; i < n; i++) {
		size_t before = i > 0 ? (size_t)prefixes[i - 1] + texts[i - 1].len : 0;

		if (prefixes[i] < 0 || (uint64_t)prefixes[i] > before)
			return refuse(column, "a prefix longer than the value before", err);
		total += (size_t)prefixes[i] + texts[i].len;
		/* Few bytes can mean many: stop before the sum says nothing any more. */
		if (total > column->memory->max)
			break;
	}
	block = column_block(column, total, err);
	if (!block)
		return false;
	to = block->bytes;
	for (size_t i = 0; i < n; i++) {
		size_t prefix = (size_t)prefixes[i];

		if (prefix > 0)
			memcpy(to, texts[i - 1].bytes, prefix);
		memcpy(to + prefix, texts[i].bytes, texts[i].len);
		texts[i] = (struct text){ (const char *)to, prefix + texts[i].len };
		to += texts[i].len;
	}
	return true;
}

static bool delta_bytes(struct column *column, const uint8_t *at, const uint8_t *end,
	size_t nlevels, struct err *err)
{
	struct room prefixes = { NULL, 0 };
	struct room lengths = { NULL, 0 };
	size_t nprefixes = 0;
	size_t n = 0;
	bool good = delta_ints(column, &prefixes, &at, end, nlevels, &nprefixes, err) &&
		delta_lengths(column, &lengths, at, end, nlevels, &n, err);

	if (good && n != nprefixes)
		good = refuse(column, "prefixes and suffixes differ in number", err);
	if (good)
		good = join_prefixes(column, prefixes.at, n, err);
	memory_give(column->memory, prefixes.bytes + lengths.bytes);
	free(prefixes.at);
	free(lengths.at);
	column->values = (struct values){ .from = VALUES_TEXTS, .texts = column->ready.at, .left = n };
	return good;
}

/* The bytes of each value stand apart, first all first ones: put together as PLAIN has them. */
static bool join_streams(struct column *column, const uint8_t *at, const uint8_t *end,
	struct err *err)
{
	size_t width = values_width(column->node);
	size_t n = width > 0 ? (size_t)(end - at) / width : 0;
	struct block *block;

	if (width == 0 || column->node->physical == PARQUET_INT96)
		return refuse(column, "split streams of a type that has none", err);
	block = column_block(column, n * width, err);
	if (!block)
		return false;
	for (size_t k = 0; k < width; k++)
		for (size_t i = 0; i < n; i++)
			block->bytes[i * width + k] = at[k * n + i];
	column->values = (struct values){
		.from = VALUES_PLAIN,
		.at = block->bytes,
		.end = block->bytes + n * width,
	};
	return true;
}

static bool begin_indices(struct column *column, const uint8_t *at, const uint8_t *end,
	struct err *err)
{
	if (!column->has_dictionary)
		return refuse(column, "dictionary indices without a dictionary", err);
	column->values = (struct values){ .from = VALUES_INDICES };
	/* A page of nulls only may have no bytes at all. */
	if (at == end) {
		hybrid_init(&column->values.hybrid, at, end, 1);
		return true;
	}
	if (*at > 32)
		return refuse(column, "dictionary indices wider than 32 bits", err);
	hybrid_init(&column->values.hybrid, at + 1, end, *at);
	return true;
}

static bool begin_runs(struct column *column, const uint8_t *at, const uint8_t *end,
	struct err *err)
{
	uint32_t len;

	if (column->node->physical != PARQUET_BOOLEAN)
		return refuse(column, "runs of a type that has none", err);
	column->values = (struct values){ .from = VALUES_RUNS };
	if (end - at < 4) {
		hybrid_init(&column->values.hybrid, at, at, 1);
		return true;
	}
	memcpy(&len, at, 4);
	at += 4;
	if (len < (size_t)(end - at))
		end = at + len;
	hybrid_init(&column->values.hybrid, at, end, 1);
	return true;
}

static bool begin_delta_ints(struct column *column, const uint8_t *at, const uint8_t *end,
	size_t nlevels, struct err *err)
{
	size_t n = 0;

	if (column->node->physical != PARQUET_INT32 && column->node->physical != PARQUET_INT64)
		return refuse(column, "delta-packed integers of a type that has none", err);
	if (at < end && !delta_ints(column, &column->ready, &at, end, nlevels, &n, err))
		return false;
	column->values = (struct values){ .from = VALUES_INTS, .ints = column->ready.at, .left = n };
	return true;
}

static bool begin_delta_texts(struct column *column, int32_t encoding, const uint8_t *at,
	const uint8_t *end, size_t nlevels, struct err *err)
{
	bool is_fixed = column->node->physical == PARQUET_FIXED;
	struct room lengths = { NULL, 0 };
	size_t n = 0;
	bool good = true;

	if (column->node->physical != PARQUET_BYTE_ARRAY &&
		!(is_fixed && encoding == PAGE_DELTA_BYTE_ARRAY))
		return refuse(column, "delta-packed byte arrays of a type that has none", err);
	if (encoding == PAGE_DELTA_BYTE_ARRAY && at < end) {
		good = delta_bytes(column, at, end, nlevels, err);
	} else {
		good = at == end ||
			delta_lengths(column, &lengths, at, end, nlevels, &n, err);
		memory_give(column->memory, lengths.bytes);
		free(lengths.at);
		column->values = (struct values){
			.from = VALUES_TEXTS,
			.texts = column->ready.at,
			.left = n,
		};
	}
	for (size_t i = 0; good && is_fixed && i < column->values.left; i++)
		if (column->values.texts[i].len != (size_t)column->node->width)
			return refuse(column, "a value not of its type's width", err);
	return good;
}

bool values_begin(struct column *column, int32_t encoding, const uint8_t *at, const uint8_t *end,
	size_t nlevels, struct err *err)
{
	switch (encoding) {
	case PAGE_PLAIN:
		column->values = (struct values){ .from = VALUES_PLAIN, .at = at, .end = end };
		return true;
	case PAGE_PLAIN_DICTIONARY:
	case PAGE_RLE_DICTIONARY: return begin_indices(column, at, end, err);
	case PAGE_RLE: return begin_runs(column, at, end, err);
	case PAGE_DELTA_BINARY_PACKED: return begin_delta_ints(column, at, end, nlevels, err);
	case PAGE_DELTA_LENGTH_BYTE_ARRAY:
	case PAGE_DELTA_BYTE_ARRAY:
		return begin_delta_texts(column, encoding, at, end, nlevels, err);
	case PAGE_BYTE_STREAM_SPLIT: return join_streams(column, at, end, err);
	default:
		return column_fail(column, ERR_UNSUPPORTED, err, "values of encoding %ld",
			(long)encoding);
	}
}
