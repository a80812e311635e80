/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/estate/thrift_out.h"

#include <string.h>

void thrift_varint(struct buf *buf, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		(void)buf_add_char(buf, (char)(0x80 | (value & 0x7f)));
	(void)buf_add_char(buf, (char)value);
}

void thrift_zigzag(struct buf *buf, int64_t value)
{
	thrift_varint(buf, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

void thrift_field(struct buf *buf, int *last, int id, int type)
{
	(void)buf_add_char(buf, (char)((id - *last) << 4 | type));
	*last = id;
}

void thrift_number(struct buf *buf, int *last, int id, int type, int64_t value)
{
	thrift_field(buf, last, id, type);
	thrift_zigzag(buf, value);
}

void thrift_string(struct buf *buf, const char *text)
{
	thrift_varint(buf, strlen(text));
	(void)buf_add_str(buf, text);
}

void thrift_list(struct buf *buf, size_t n, int type)
{
	if (n < 15) {
		(void)buf_add_char(buf, (char)(n << 4 | (size_t)type));
		return;
	}
	(void)buf_add_char(buf, (char)(0xf0 | type));
	thrift_varint(buf, n);
}

void thrift_end(struct buf *buf)
{
	(void)buf_add_char(buf, 0);
}

void thrift_little_endian(struct buf *buf, uint64_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		(void)buf_add_char(buf, (char)(value >> (8 * i) & 0xff));
}
