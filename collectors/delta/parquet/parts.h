/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_DELTA_PARQUET_PARTS_H
#define COLLECTORS_DELTA_PARQUET_PARTS_H

#include "base/arena.h"
#include "collectors/delta/parquet/parquet.h"

/* Inside the reader: Thrift, the footer, pages, levels, values, assembly. */

/*
 * Thrift's compact protocol, as far as Parquet's structures need it. A reader that has met
 * damage says so in `bad` and gives zeros from then on, so that callers check once. Containers
 * that nobody asked for are passed over without recursion.
 */
enum thrift_type {
	THRIFT_STOP = 0,
	THRIFT_TRUE = 1,
	THRIFT_FALSE = 2,
	THRIFT_BYTE = 3,
	THRIFT_I16 = 4,
	THRIFT_I32 = 5,
	THRIFT_I64 = 6,
	THRIFT_DOUBLE = 7,
	THRIFT_BINARY = 8,
	THRIFT_LIST = 9,
	THRIFT_SET = 10,
	THRIFT_MAP = 11,
	THRIFT_STRUCT = 12
};
enum { THRIFT_DEPTH_MAX = 32 };
struct thrift {
	const uint8_t *start, *at, *end;
	bool bad;
};
struct thrift_field {
	int id, type; /* type THRIFT_STOP: the struct is over */
};
uint64_t thrift_varint(struct thrift *thrift);
int64_t thrift_zigzag(struct thrift *thrift);
/* The next field; *last_id: of the struct, 0 before its first field. */
struct thrift_field thrift_field(struct thrift *thrift, int *last_id);
int64_t thrift_int(struct thrift *thrift, struct thrift_field field); /* of any integer type */
bool thrift_bool(struct thrift *thrift, struct thrift_field field);
struct text thrift_text(struct thrift *thrift, struct thrift_field field); /* borrowed */
/* A list's length; 0 and bad unless its elements are of this type and could be there at all. */
size_t thrift_list(struct thrift *thrift, struct thrift_field field, int element_type);
void thrift_skip(struct thrift *thrift, struct thrift_field field);
/* Whether the field is of this type; bad otherwise. */
bool thrift_want(struct thrift *thrift, struct thrift_field field, int type);

enum parquet_codec {
	PARQUET_PLAIN_BYTES = 0,
	PARQUET_SNAPPY = 1,
	PARQUET_GZIP = 2,
	PARQUET_LZO = 3,
	PARQUET_BROTLI = 4,
	PARQUET_LZ4_HADOOP = 5,
	PARQUET_ZSTD = 6,
	PARQUET_LZ4_RAW = 7
};

/* A column chunk as the footer places it. */
struct parquet_chunk {
	int64_t start, bytes; /* dictionary page included; checked to lie in the file */
	int64_t nvalues;      /* levels, nulls included */
	int32_t codec;
	bool is_elsewhere, is_encrypted;
};

struct parquet_group {
	int64_t nrows, first_row;
};

struct parquet_leaf {
	const struct parquet_node *node;
	const char *path; /* as written, dotted and clean; for messages */
};

struct parquet {
	char *name; /* for messages */
	int fd;     /* -1: bytes */
	bool owns_fd;
	const uint8_t *bytes;
	int64_t size;
	int64_t data_end; /* where the footer begins */
	int64_t bytes_read;
	struct arena arena;
	uint8_t *footer;
	size_t footer_len;
	struct parquet_node *root;
	size_t nnodes;
	struct parquet_leaf *leaves;
	size_t nleaves;
	struct parquet_group *groups;
	size_t ngroups;
	struct parquet_chunk *chunks; /* ngroups x nleaves */
	int64_t nrows;
	struct text writer;
	struct parquet_pair {
		struct text key, value;
	} *pairs;
	size_t npairs;
};

/* Reads len bytes at offset, which lie in the file by what was checked before; the file may have
 * been cut meanwhile. */
bool parquet_read_at(struct parquet *file, int64_t offset, void *to, size_t len, struct err *err);

/* One SchemaElement. */
struct parquet_element {
	struct text name;
	int32_t type, width, repetition, nchildren, converted, scale, precision, field_id;
	bool has_type, has_converted;
	enum parquet_logical {
		LOGICAL_NONE = 0,
		LOGICAL_STRING = 1,
		LOGICAL_MAP = 2,
		LOGICAL_LIST = 3,
		LOGICAL_ENUM = 4,
		LOGICAL_DECIMAL = 5,
		LOGICAL_DATE = 6,
		LOGICAL_TIME = 7,
		LOGICAL_TIMESTAMP = 8,
		LOGICAL_INTEGER = 10,
		LOGICAL_UNKNOWN = 11,
		LOGICAL_JSON = 12,
		LOGICAL_BSON = 13,
		LOGICAL_UUID = 14,
		LOGICAL_FLOAT16 = 15
	} logical;
	enum parquet_unit unit;
	bool is_utc, is_signed;
	int32_t bits;
};
/* The footer's bytes are in file->footer: fills everything from root on. */
bool parquet_footer_parse(struct parquet *file, struct err *err);
/* Elements in the footer's order to the folded tree: root, nnodes, leaves. */
bool parquet_schema_build(struct parquet *file, struct parquet_element *elements,
	size_t nelements, struct err *err);

#endif
