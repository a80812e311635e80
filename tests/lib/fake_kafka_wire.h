/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_FAKE_KAFKA_WIRE_H
#define TESTS_LIB_FAKE_KAFKA_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Big-endian in, with the end watched; the client is ours and well-behaved. */
struct take {
	const unsigned char *at, *end;
};

/* What is not there is 0, or an empty text. compact: as flexible versions write it. */
int64_t take_int(struct take *in, size_t bytes);
uint32_t take_varint(struct take *in);
void take_string(struct take *in, bool compact, char out[256]);
int64_t take_count(struct take *in, bool compact); /* -1 = null */

void put_int(struct buf *out, int64_t value, size_t bytes);
void put_varint(struct buf *out, uint32_t value);
void put_count(struct buf *out, bool compact, int64_t count);
void put_string(struct buf *out, bool compact, const char *text); /* NULL is allowed */
void put_tags(struct buf *out, bool compact);

#endif
