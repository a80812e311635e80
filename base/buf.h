/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

/*
 * A growing byte string that knows the largest it may ever be. bytes is never NULL and always
 * terminated. An addition that would pass max adds what fits, sets `full` and returns false; the
 * owner decides whether that is an error. Owned by one thread.
 */
struct buf {
	char *bytes;
	size_t len;
	size_t room; /* allocated, terminator included; 0 = bytes is a constant empty string */
	size_t max;  /* most bytes it may hold, terminator excluded */
	bool full;
};

void buf_init(struct buf *buf, size_t max);
void buf_done(struct buf *buf);  /* frees; the buf may be used again */
void buf_reset(struct buf *buf); /* empties, keeps the memory */
bool buf_add(struct buf *buf, struct text text);
bool buf_add_bytes(struct buf *buf, const void *bytes, size_t len);
bool buf_add_str(struct buf *buf, const char *terminated);
bool buf_add_char(struct buf *buf, char byte);
bool buf_add_fill(struct buf *buf, char byte, size_t count);
bool buf_addf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool buf_vaddf(struct buf *buf, const char *fmt, va_list args)
	__attribute__((format(printf, 2, 0)));
void buf_cut(struct buf *buf, size_t len); /* shortens to len if longer */
/* Room for at least `more` further bytes at bytes+len; NULL past max. Set len yourself after. */
char *buf_reserve(struct buf *buf, size_t more);
char *buf_take(struct buf *buf); /* you own it now (free); the buf is empty */
struct text buf_text(const struct buf *buf); /* borrowed until the next change */

#endif
