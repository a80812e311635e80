/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <lz4.h>
#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>

#include "collectors/delta/parquet/parts.h"

static const char damaged[] = "compressed bytes are damaged";
static const char other_size[] = "a page unpacks to another size than its header says";

const char *parquet_codec_refusal(int32_t codec)
{
	switch (codec) {
	case PARQUET_PLAIN_BYTES:
	case PARQUET_SNAPPY:
	case PARQUET_GZIP:
	case PARQUET_LZ4_HADOOP:
	case PARQUET_ZSTD:
	case PARQUET_LZ4_RAW: return NULL;
	case PARQUET_LZO: return "LZO compression";
	case PARQUET_BROTLI: return "brotli compression";
	default: return "an unknown compression";
	}
}

static const char *snappy(const uint8_t *from, size_t from_len, uint8_t *to, size_t to_len)
{
	size_t len = 0;

	if (snappy_uncompressed_length((const char *)from, from_len, &len) != SNAPPY_OK)
		return damaged;
	if (len != to_len)
		return other_size;
	return snappy_uncompress((const char *)from, from_len, (char *)to, &len) == SNAPPY_OK
		? NULL
		: damaged;
}

/* One or more gzip members, or a zlib stream, as writers differ. */
static const char *gzip(const uint8_t *from, size_t from_len, uint8_t *to, size_t to_len)
{
	z_stream stream = {
		.next_in = (Bytef *)(uintptr_t)from,
		.avail_in = (uInt)from_len,
		.next_out = to,
		.avail_out = (uInt)to_len,
	};
	int status;

	if (inflateInit2(&stream, 15 + 32) != Z_OK)
		return "zlib did not start";
	do {
		status = inflate(&stream, Z_FINISH);
		if (status == Z_STREAM_END && stream.avail_out > 0 && stream.avail_in > 0 &&
			inflateReset(&stream) == Z_OK)
			status = Z_OK;
	} while (status == Z_OK);
	(void)inflateEnd(&stream);
	if (status != Z_STREAM_END)
		return status == Z_BUF_ERROR && stream.avail_out == 0 ? other_size : damaged;
	return stream.avail_out == 0 ? NULL : other_size;
}

static uint32_t big_endian(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Hadoop's frames: length unpacked, length packed, a block. */
static const char *lz4_hadoop(const uint8_t *from, size_t from_len, uint8_t *to, size_t to_len)
{
	while (from_len >= 8) {
		uint32_t raw = big_endian(from);
		uint32_t packed = big_endian(from + 4);

		if (packed > from_len - 8 || raw > to_len ||
			LZ4_decompress_safe((const char *)from + 8, (char *)to, (int)packed, (int)raw) !=
				(int)raw)
			return damaged;
		from += 8 + packed;
		from_len -= 8 + packed;
		to += raw;
		to_len -= raw;
	}
	return from_len == 0 && to_len == 0 ? NULL : damaged;
}

static const char *lz4(const uint8_t *from, size_t from_len, uint8_t *to, size_t to_len)
{
	int len = LZ4_decompress_safe((const char *)from, (char *)to, (int)from_len, (int)to_len);

	if (len < 0)
		return damaged;
	return (size_t)len == to_len ? NULL : other_size;
}

static const char *zstd(struct parquet_codec_state *state, const uint8_t *from, size_t from_len,
	uint8_t *to, size_t to_len)
{
	size_t len;

	if (!state->zstd)
		state->zstd = ZSTD_createDCtx();
	if (!state->zstd)
		return "zstd did not start";
	len = ZSTD_decompressDCtx(state->zstd, to, to_len, from, from_len);
	if (ZSTD_isError(len))
		return damaged;
	return len == to_len ? NULL : other_size;
}

const char *parquet_decompress(struct parquet_codec_state *state, int32_t codec,
	const uint8_t *from, size_t from_len, uint8_t *to, size_t to_len)
{
	if (from_len > INT_MAX || to_len > INT_MAX)
		return "a page is too large";
	switch (codec) {
	case PARQUET_SNAPPY: return snappy(from, from_len, to, to_len);
	case PARQUET_GZIP: return gzip(from, from_len, to, to_len);
	case PARQUET_ZSTD: return zstd(state, from, from_len, to, to_len);
	case PARQUET_LZ4_RAW: return lz4(from, from_len, to, to_len);
	case PARQUET_LZ4_HADOOP:
		/* Other writers put a bare block under the same name. */
		return lz4_hadoop(from, from_len, to, to_len) ? lz4(from, from_len, to, to_len) : NULL;
	default: return "an unknown compression";
	}
}

void parquet_codec_done(struct parquet_codec_state *state)
{
	(void)ZSTD_freeDCtx(state->zstd);
	state->zstd = NULL;
}
