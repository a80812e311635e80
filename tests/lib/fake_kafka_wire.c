/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/fake_kafka_wire.h"

#include <stdio.h>
#include <string.h>

int64_t take_int(struct take *in, size_t bytes)
{
	uint64_t value = 0;

	if ((size_t)(in->end - in->at) < bytes)
		return 0;
	for (size_t i = 0; i < bytes; i++)
		value = value << 8 | in->at[i];
	in->at += bytes;
	return bytes == 2 ? (int16_t)value : bytes == 4 ? (int32_t)value : (int64_t)value;
}

uint32_t take_varint(struct take *in)
{
	uint32_t value = 0;

	for (int shift = 0; in->at < in->end && shift < 35; shift += 7) {
		unsigned char byte = *in->at++;

		value |= (uint32_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			break;
	}
	return value;
}

void take_string(struct take *in, bool compact, char out[256])
{
	int64_t len = compact ? (int64_t)take_varint(in) - 1 : take_int(in, 2);

	out[0] = '\0';
	if (len <= 0 || len > in->end - in->at)
		return;
	(void)snprintf(out, 256, "%.*s", (int)len, (const char *)in->at);
	in->at += len;
}

int64_t take_count(struct take *in, bool compact)
{
	return compact ? (int64_t)take_varint(in) - 1 : take_int(in, 4);
}

void put_int(struct buf *out, int64_t value, size_t bytes)
{
	char raw[8];

	for (size_t i = 0; i < bytes; i++)
		raw[i] = (char)(unsigned char)((uint64_t)value >> (8 * (bytes - 1 - i)));
	(void)buf_add_bytes(out, raw, bytes);
}

void put_varint(struct buf *out, uint32_t value)
{
	do {
		(void)buf_add_char(out, (char)(unsigned char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0)));
		value >>= 7;
	} while (value > 0);
}

void put_count(struct buf *out, bool compact, int64_t count)
{
	if (compact)
		put_varint(out, (uint32_t)(count + 1));
	else
		put_int(out, count, 4);
}

void put_string(struct buf *out, bool compact, const char *text)
{
	size_t len = text ? strlen(text) : 0;

	if (compact)
		put_varint(out, text ? (uint32_t)len + 1 : 0);
	else
		put_int(out, text ? (int64_t)len : -1, 2);
	(void)buf_add_bytes(out, text ? text : "", len);
}

void put_tags(struct buf *out, bool compact)
{
	if (compact)
		put_varint(out, 0);
}
