/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_ESTATE_THRIFT_OUT_H
#define TESTS_ESTATE_THRIFT_OUT_H

#include "base/buf.h"

#include <stdint.h>

/* What Parquet files are made of: Thrift's compact protocol, and numbers of parquet.thrift. */
/* Thrift compact protocol: type nibbles. */
enum { T_I32 = 5, T_I64 = 6, T_BINARY = 8, T_LIST = 9, T_STRUCT = 12 };
/* parquet.thrift: Type, ConvertedType, Encoding. */
enum { P_BOOLEAN = 0, P_INT32 = 1, P_INT64 = 2, P_DOUBLE = 5, P_BYTE_ARRAY = 6 };
enum { C_UTF8 = 0, C_MAP = 1, C_LIST = 3, C_TIMESTAMP_MICROS = 10 };
enum { E_PLAIN = 0, E_RLE = 3 };

void thrift_varint(struct buf *buf, uint64_t value);
void thrift_zigzag(struct buf *buf, int64_t value);
/* Field headers carry the distance from the field before; *last keeps it, 0 at first. */
void thrift_field(struct buf *buf, int *last, int id, int type);
void thrift_number(struct buf *buf, int *last, int id, int type, int64_t value);
void thrift_string(struct buf *buf, const char *text);
void thrift_list(struct buf *buf, size_t n, int type);
void thrift_end(struct buf *buf);
void thrift_little_endian(struct buf *buf, uint64_t value, int bytes);

#endif
