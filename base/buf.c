/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static char empty[1]; /* never written: room is 0 while it is in use */

void buf_init(struct buf *buf, size_t max)
{
	/* Half the address space is as good as no limit, and sums of sizes cannot wrap round. */
	*buf = (struct buf){ .bytes = empty, .max = max < SIZE_MAX / 2 ? max : SIZE_MAX / 2 };
}

void buf_done(struct buf *buf)
{
	if (buf->room > 0)
		free(buf->bytes);
	buf_init(buf, buf->max);
}

void buf_reset(struct buf *buf)
{
	buf->len = 0;
	buf->full = false;
	if (buf->room > 0)
		buf->bytes[0] = '\0';
}

char *buf_reserve(struct buf *buf, size_t more)
{
	size_t room;

	if (more > buf->max - buf->len)
		return NULL;
	if (buf->len + more < buf->room)
		return buf->bytes + buf->len;
	room = buf->room ? buf->room : 32;
	while (room <= buf->len + more)
		room *= 2;
	if (room > buf->max + 1)
		room = buf->max + 1;
	buf->bytes = mem_resize(buf->room ? buf->bytes : NULL, room, 1);
	buf->room = room;
	buf->bytes[buf->len] = '\0';
	return buf->bytes + buf->len;
}

bool buf_add_bytes(struct buf *buf, const void *bytes, size_t len)
{
	bool fits = len <= buf->max - buf->len;
	char *to;

	if (!fits) {
		len = buf->max - buf->len;
		buf->full = true;
	}
	if (len == 0)
		return fits;
	to = buf_reserve(buf, len);
	memcpy(to, bytes, len);
	buf->len += len;
	buf->bytes[buf->len] = '\0';
	return fits;
}

bool buf_add(struct buf *buf, struct text text)
{
	return buf_add_bytes(buf, text.bytes, text.len);
}

bool buf_add_str(struct buf *buf, const char *terminated)
{
	return buf_add_bytes(buf, terminated, strlen(terminated));
}

bool buf_add_char(struct buf *buf, char byte)
{
	return buf_add_bytes(buf, &byte, 1);
}

bool buf_add_fill(struct buf *buf, char byte, size_t count)
{
	bool fits = count <= buf->max - buf->len;

	if (!fits) {
		count = buf->max - buf->len;
		buf->full = true;
	}
	if (count == 0)
		return fits;
	memset(buf_reserve(buf, count), byte, count);
	buf->len += count;
	buf->bytes[buf->len] = '\0';
	return fits;
}

bool buf_vaddf(struct buf *buf, const char *fmt, va_list args)
{
	char small[256];
	char *large;
	va_list again;
	int n;
	bool fits;

	va_copy(again, args);
	n = vsnprintf(small, sizeof small, fmt, args);
	if (n < 0) {
		va_end(again);
		return false;
	}
	if ((size_t)n < sizeof small) {
		va_end(again);
		return buf_add_bytes(buf, small, (size_t)n);
	}
	large = mem_alloc((size_t)n + 1);
	(void)vsnprintf(large, (size_t)n + 1, fmt, again);
	va_end(again);
	fits = buf_add_bytes(buf, large, (size_t)n);
	free(large);
	return fits;
}

bool buf_addf(struct buf *buf, const char *fmt, ...)
{
	va_list args;
	bool fits;

	va_start(args, fmt);
	fits = buf_vaddf(buf, fmt, args);
	va_end(args);
	return fits;
}

void buf_cut(struct buf *buf, size_t len)
{
	if (len >= buf->len)
		return;
	buf->len = len;
	buf->bytes[len] = '\0';
}

char *buf_take(struct buf *buf)
{
	char *bytes = buf->room ? buf->bytes : mem_strdup("");

	buf_init(buf, buf->max);
	return bytes;
}

struct text buf_text(const struct buf *buf)
{
	return (struct text){ buf->bytes, buf->len };
}
