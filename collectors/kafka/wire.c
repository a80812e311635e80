/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/kafka/wire.h"

#include <string.h>

#define TEXT_ABSENT UINT32_C(0xffffffff)

static void put_le(struct buf *out, uint64_t value, size_t bytes)
{
	char raw[8];

	for (size_t i = 0; i < bytes; i++)
		raw[i] = (char)(unsigned char)(value >> (8 * i));
	(void)buf_add_bytes(out, raw, bytes); /* fullness is asked at the end */
}

size_t wire_begin(struct buf *out, enum wire_kind kind)
{
	size_t begun = out->len;

	put_le(out, 0, 4);
	wire_u8(out, (uint8_t)kind);
	return begun;
}

void wire_u8(struct buf *out, uint8_t value)
{
	put_le(out, value, 1);
}

void wire_u32(struct buf *out, uint32_t value)
{
	put_le(out, value, 4);
}

void wire_i64(struct buf *out, int64_t value)
{
	put_le(out, (uint64_t)value, 8);
}

void wire_text(struct buf *out, struct text text)
{
	if (!text.bytes) {
		wire_u32(out, TEXT_ABSENT);
		return;
	}
	wire_u32(out, (uint32_t)text.len);
	(void)buf_add(out, text);
}

bool wire_end(struct buf *out, size_t begun)
{
	size_t len = out->len - begun;

	if (out->full || len < WIRE_HEAD || len - 4 > WIRE_FRAME_MAX) {
		out->full = false;
		buf_cut(out, begun);
		return false;
	}
	for (size_t i = 0; i < 4; i++)
		out->bytes[begun + i] = (char)(unsigned char)((len - 4) >> (8 * i));
	return true;
}

static uint64_t get_le(const unsigned char *at, size_t bytes)
{
	uint64_t value = 0;

	for (size_t i = 0; i < bytes; i++)
		value |= (uint64_t)at[i] << (8 * i);
	return value;
}

enum wire_cut wire_cut(struct text *rest, enum wire_kind *kind_out, struct wire_in *body_out)
{
	const unsigned char *bytes = (const unsigned char *)rest->bytes;
	size_t len;

	if (rest->len < WIRE_HEAD)
		return WIRE_MORE;
	len = (size_t)get_le(bytes, 4);
	if (len < 1 || len > WIRE_FRAME_MAX)
		return WIRE_BROKEN;
	if (rest->len - 4 < len)
		return WIRE_MORE;
	*kind_out = (enum wire_kind)bytes[4];
	body_out->at = bytes + WIRE_HEAD;
	body_out->end = bytes + 4 + len;
	body_out->bad = false;
	rest->bytes += 4 + len;
	rest->len -= 4 + len;
	return WIRE_CUT;
}

static uint64_t take_le(struct wire_in *in, size_t bytes)
{
	uint64_t value;

	if ((size_t)(in->end - in->at) < bytes) {
		in->bad = true;
		in->at = in->end;
		return 0;
	}
	value = get_le(in->at, bytes);
	in->at += bytes;
	return value;
}

uint8_t wire_take_u8(struct wire_in *in)
{
	return (uint8_t)take_le(in, 1);
}

uint32_t wire_take_u32(struct wire_in *in)
{
	return (uint32_t)take_le(in, 4);
}

int64_t wire_take_i64(struct wire_in *in)
{
	return (int64_t)take_le(in, 8);
}

struct text wire_take_text(struct wire_in *in)
{
	size_t len = wire_take_u32(in);
	struct text text = TEXT_NONE;

	if (in->bad || len == TEXT_ABSENT)
		return TEXT_NONE;
	if ((size_t)(in->end - in->at) < len) {
		in->bad = true;
		in->at = in->end;
		return TEXT_NONE;
	}
	text.bytes = (const char *)in->at;
	text.len = len;
	in->at += len;
	return text;
}

size_t wire_take_count(struct wire_in *in, size_t each)
{
	size_t count = wire_take_u32(in);

	if (in->bad || count > (size_t)(in->end - in->at) / each) {
		in->bad = true;
		in->at = in->end;
		return 0;
	}
	return count;
}
