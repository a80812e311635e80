/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <string.h>
#include <zlib.h>

#include "base/mem.h"
#include "collectors/delta/parquet/parts.h"

enum {
	READ_AHEAD = 256 << 10,  /* bytes a column reads at a time */
	HEADER_LIKELY = 512,     /* bytes a page header fits into, unless it has statistics */
	HEADER_MAX = 16 << 20,   /* bytes */
	/* The most a codec can make of a byte; zstd could do better on nothing but zeros. */
	RATIO_MAX = 1 << 16,
	RATIO_FREE = 1 << 20     /* bytes below which the ratio does not matter */
};

enum page_type { PAGE_DATA = 0, PAGE_INDEX = 1, PAGE_DICTIONARY = 2, PAGE_DATA_V2 = 3 };

struct page_header {
	int32_t type, raw_len, len, nvalues, encoding, def_encoding, rep_encoding;
	int32_t def_len, rep_len; /* bytes, of version 2 */
	uint32_t crc;
	bool has_crc, has_body, is_compressed;
};

/* The struct that tells of a page's body, by its field's number in the header. */
enum { BODY_V1 = 5, BODY_DICTIONARY = 7, BODY_V2 = 8, BODY_FIELDS = 8 };

#define AT(member) (uint8_t)offsetof(struct page_header, member)
/* Where each of its fields goes; 0 = nowhere, type stands there. */
static const uint8_t body_fields[BODY_V2 + 1][BODY_FIELDS] = {
	[BODY_V1] = { 0, AT(nvalues), AT(encoding), AT(def_encoding), AT(rep_encoding) },
	[BODY_DICTIONARY] = { 0, AT(nvalues), AT(encoding) },
	[BODY_V2] = { [1] = AT(nvalues), [4] = AT(encoding), [5] = AT(def_len), [6] = AT(rep_len) },
};
#undef AT

static void parse_body(struct thrift *thrift, int body, struct page_header *header)
{
	struct thrift_field field;
	int last = 0;

	while ((field = thrift_field(thrift, &last)).type != THRIFT_STOP) {
		size_t at = field.id > 0 && field.id < BODY_FIELDS ? body_fields[body][field.id] : 0;

		if (at)
			*(int32_t *)(void *)((char *)header + at) =
				(int32_t)thrift_int(thrift, field);
		else if (body == BODY_V2 && field.id == 7)
			header->is_compressed = thrift_bool(thrift, field);
		else
			thrift_skip(thrift, field);
	}
}

/* The header at the beginning of bytes; its length, 0 if it does not end within them. */
static size_t parse_header(const uint8_t *bytes, size_t len, struct page_header *header)
{
	struct thrift thrift = { bytes, bytes, bytes + len, false };
	struct thrift_field field;
	int last = 0;

	*header = (struct page_header){ .type = -1, .raw_len = -1, .len = -1, .is_compressed = true };
	while ((field = thrift_field(&thrift, &last)).type != THRIFT_STOP) {
		bool is_struct = field.type == THRIFT_STRUCT;

		if (field.id == 1)
			header->type = (int32_t)thrift_int(&thrift, field);
		else if (field.id == 2)
			header->raw_len = (int32_t)thrift_int(&thrift, field);
		else if (field.id == 3)
			header->len = (int32_t)thrift_int(&thrift, field);
		else if (field.id == 4)
			header->crc = (uint32_t)thrift_int(&thrift, field);
		else if (is_struct && (field.id == BODY_V1 || field.id == BODY_DICTIONARY ||
					      field.id == BODY_V2))
			parse_body(&thrift, field.id, header);
		else
			thrift_skip(&thrift, field);
		header->has_crc = header->has_crc || field.id == 4;
		header->has_body = header->has_body ||
			field.id == (header->type == PAGE_DICTIONARY ? BODY_DICTIONARY
					: header->type == PAGE_DATA_V2 ? BODY_V2 : BODY_V1);
	}
	return thrift.bad ? 0 : (size_t)(thrift.at - bytes);
}

/* Makes len bytes of the chunk readable at ahead, or all that are left of it. */
static bool look_ahead(struct column *column, size_t len, struct err *err)
{
	uint64_t left = (uint64_t)(column->end - column->at);
	size_t want;

	if (len > left)
		len = (size_t)left;
	if (column->ahead_len >= len)
		return true;
	if (column->file->bytes) {
		column->ahead = column->file->bytes + column->at;
		column->ahead_len = (size_t)left;
		return true;
	}
	want = len > READ_AHEAD ? len : READ_AHEAD;
	if (want > left)
		want = (size_t)left;
	if (column->ahead_len > 0)
		memmove(column->window.at, column->ahead, column->ahead_len);
	if (!column_grow(column, &column->window, want, err))
		return false;
	if (!parquet_read_at(column->file, column->at + (int64_t)column->ahead_len,
		    (uint8_t *)column->window.at + column->ahead_len, want - column->ahead_len, err))
		return false;
	column->ahead = column->window.at;
	column->ahead_len = want;
	return true;
}

static void step(struct column *column, size_t len)
{
	column->at += (int64_t)len;
	column->ahead += len;
	column->ahead_len -= len;
}

static bool read_header(struct column *column, struct page_header *header, struct err *err)
{
	size_t want = HEADER_LIKELY;
	size_t len;

	column->page_at = column->at;
	for (;;) {
		if (!look_ahead(column, want, err))
			return false;
		len = parse_header(column->ahead, column->ahead_len, header);
		if (len > 0)
			break;
		if (column->ahead_len == (size_t)(column->end - column->at) ||
			column->ahead_len >= HEADER_MAX)
			return column_fail(column, ERR_FORMAT, err, "damaged page header");
		want = column->ahead_len * 4;
	}
	step(column, len);
	if (header->len < 0 || header->raw_len < 0 || header->len > column->end - column->at)
		return column_fail(column, ERR_FORMAT, err, "a page of %ld bytes does not fit",
			(long)header->len);
	if (header->raw_len > PARQUET_PAGE_MAX)
		return column_fail(column, ERR_LIMIT, err, "a page of %ld bytes is larger than accepted",
			(long)header->raw_len);
	if (header->raw_len > RATIO_FREE && header->raw_len / RATIO_MAX > header->len)
		return column_fail(column, ERR_LIMIT, err, "%ld bytes would unpack to %ld",
			(long)header->len, (long)header->raw_len);
	return true;
}

/* The page's bytes as they were before compression, in the newest block. */
static struct block *unpack(struct column *column, const struct page_header *header,
	struct err *err)
{
	const uint8_t *from = column->ahead;
	int32_t codec = column->chunk->codec;
	/* Levels of version 2 are never compressed. */
	size_t bare = header->type == PAGE_DATA_V2 ? (size_t)header->def_len + (size_t)header->rep_len : 0;
	struct block *block;
	const char *reason;

	if (header->has_crc &&
		(uint32_t)crc32(crc32(0, NULL, 0), from, (uInt)header->len) != header->crc) {
		(void)column_fail(column, ERR_FORMAT, err, "a page's checksum is wrong");
		return NULL;
	}
	if (bare > (size_t)header->len || bare > (size_t)header->raw_len) {
		(void)column_fail(column, ERR_FORMAT, err, "levels longer than their page");
		return NULL;
	}
	if (!header->is_compressed)
		codec = PARQUET_PLAIN_BYTES;
	if (codec == PARQUET_PLAIN_BYTES && header->len != header->raw_len) {
		(void)column_fail(column, ERR_FORMAT, err, "an uncompressed page has two lengths");
		return NULL;
	}
	block = column_block(column, (size_t)header->raw_len, err);
	if (!block)
		return NULL;
	if (codec == PARQUET_PLAIN_BYTES)
		bare = block->len;
	if (bare > 0)
		memcpy(block->bytes, from, bare);
	if (block->len == bare)
		return block;
	reason = parquet_decompress(column->codec_state, codec, from + bare,
		(size_t)header->len - bare, block->bytes + bare, block->len - bare);
	if (!reason)
		return block;
	(void)column_fail(column, ERR_FORMAT, err, "%s", reason);
	return NULL;
}

static bool decode_levels(struct column *column, struct room *room, struct hybrid *hybrid, size_t n,
	struct err *err)
{
	if (!column_grow(column, room, n, err))
		return false;
	if (hybrid_bytes(hybrid, room->at, n) != n)
		return column_fail(column, ERR_FORMAT, err, "levels end too early");
	return true;
}

/* One kind of levels in a version 1 page; moves *at behind them. */
static bool levels_v1(struct column *column, int32_t encoding, unsigned width, size_t n,
	const uint8_t **at, const uint8_t *end, struct hybrid *hybrid, struct room *room,
	struct err *err)
{
	size_t left = (size_t)(end - *at);
	uint32_t len;

	hybrid_init(hybrid, *at, *at, 0);
	if (width == 0)
		return true;
	if (encoding == PAGE_BIT_PACKED) {
		column->is_ahead = true;
		len = (uint32_t)(((uint64_t)n * width + 7) / 8);
		if (!column_grow(column, room, n, err))
			return false;
		if (!bits_old_levels(*at, left, width, room->at, n))
			return column_fail(column, ERR_FORMAT, err, "levels end too early");
		*at += len;
		return true;
	}
	if (encoding != PAGE_RLE)
		return column_fail(column, ERR_UNSUPPORTED, err, "levels of encoding %ld", (long)encoding);
	if (left < 4)
		return column_fail(column, ERR_FORMAT, err, "levels end too early");
	memcpy(&len, *at, 4);
	if (len > left - 4)
		return column_fail(column, ERR_FORMAT, err, "levels longer than their page");
	*at += 4;
	hybrid_init(hybrid, *at, *at + len, width);
	*at += len;
	return true;
}

static bool begin_levels(struct column *column, const struct page_header *header,
	const uint8_t **at, const uint8_t *end, struct err *err)
{
	size_t n = (size_t)header->nvalues;

	column->is_ahead = column->rep_width > 0;
	if (header->type == PAGE_DATA_V2) {
		hybrid_init(&column->reps, *at, *at + header->rep_len, column->rep_width);
		*at += header->rep_len;
		hybrid_init(&column->defs, *at, *at + header->def_len, column->def_width);
		*at += header->def_len;
	} else if (!levels_v1(column, header->rep_encoding, column->rep_width, n, at, end,
			   &column->reps, &column->page_reps, err) ||
		!levels_v1(column, header->def_encoding, column->def_width, n, at, end, &column->defs,
			&column->page_defs, err)) {
		return false;
	}
	column->page_level = 0;
	column->page_levels = n;
	if (!column->is_ahead)
		return true;
	/* Where rows end is known only from the levels, so a page's are decoded at once. */
	if (column->reps.width > 0 && !decode_levels(column, &column->page_reps, &column->reps, n, err))
		return false;
	if (column->defs.width > 0 && !decode_levels(column, &column->page_defs, &column->defs, n, err))
		return false;
	if (column->rep_width == 0) {
		if (!column_grow(column, &column->page_reps, n, err))
			return false;
		if (n > 0)
			memset(column->page_reps.at, 0, n);
	}
	return true;
}

static bool begin_data(struct column *column, const struct page_header *header, struct err *err)
{
	struct block *block;
	const uint8_t *at;
	const uint8_t *end;

	if (header->nvalues < 0 || header->nvalues > column->levels_ahead || header->def_len < 0 ||
		header->rep_len < 0)
		return column_fail(column, ERR_FORMAT, err, "a page of more values than its chunk");
	block = unpack(column, header, err);
	if (!block)
		return false;
	at = block->bytes;
	end = block->bytes + block->len;
	column->levels_ahead -= header->nvalues;
	return begin_levels(column, header, &at, end, err) &&
		values_begin(column, header->encoding, at, end, (size_t)header->nvalues, err);
}

static bool begin_dictionary(struct column *column, const struct page_header *header,
	struct err *err)
{
	struct block *block;

	if (column->has_dictionary)
		return column_fail(column, ERR_FORMAT, err, "two dictionaries");
	if (header->encoding != PAGE_PLAIN && header->encoding != PAGE_PLAIN_DICTIONARY)
		return column_fail(column, ERR_UNSUPPORTED, err, "a dictionary of encoding %ld",
			(long)header->encoding);
	block = unpack(column, header, err);
	if (!block)
		return false;
	/* It lives as long as the chunk, not as a page. */
	column->blocks = block->next;
	column->page_blocks--;
	block->next = NULL;
	column->dictionary_bytes = block;
	column->has_dictionary = true;
	if (header->nvalues < 0)
		return column_fail(column, ERR_FORMAT, err, "a dictionary of %ld values",
			(long)header->nvalues);
	return values_dictionary(column, block->bytes, block->bytes + block->len,
		(size_t)header->nvalues, err);
}

bool page_next(struct column *column, struct err *err)
{
	struct page_header header;

	while (column->page_levels == 0) {
		if (column->at >= column->end || column->levels_ahead == 0)
			return column_fail(column, ERR_FORMAT, err, "the chunk ends before its rows");
		if (!read_header(column, &header, err) ||
			!look_ahead(column, (size_t)header.len, err))
			return false;
		if (header.type != PAGE_INDEX && !header.has_body)
			return column_fail(column, ERR_FORMAT, err, "a page of type %ld without its header",
				(long)header.type);
		/* Texts of this batch may point into the page before. */
		if (column->node->in != PARQUET_IN_TEXTS || column->nvalues == 0)
			column_drop_blocks(column);
		column->page_blocks = 0;
		switch (header.type) {
		case PAGE_DATA:
		case PAGE_DATA_V2:
			if (!begin_data(column, &header, err))
				return false;
			break;
		case PAGE_DICTIONARY:
			if (!begin_dictionary(column, &header, err))
				return false;
			break;
		default: break;
		}
		step(column, (size_t)header.len);
	}
	return true;
}
