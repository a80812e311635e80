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
	int64_t start, bytes; /* dictionary page included; as the footer says, not yet checked */
	int64_t nvalues;      /* levels, nulls included */
	int64_t raw_bytes;    /* uncompressed; a hint only */
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

/*
 * Fills exactly to_len bytes or says why not (static text). ERR_UNSUPPORTED codecs are asked for
 * by parquet_codec_refusal before. state: of the codec, kept between pages.
 */
struct parquet_codec_state {
	void *zstd;
};
const char *parquet_codec_refusal(int32_t codec); /* NULL: it is supported */
const char *parquet_decompress(struct parquet_codec_state *state, int32_t codec,
	const uint8_t *from, size_t from_len, uint8_t *to, size_t to_len);
void parquet_codec_done(struct parquet_codec_state *state);

/* Every buffer that is decoded from has so many readable bytes behind its end. */
enum { PARQUET_SLACK = 16 };

/*
 * The hybrid of runs and bit-packed groups in which levels, dictionary indices and booleans are
 * written. What is asked for beyond the end is not there: functions give how many they wrote.
 */
struct hybrid {
	const uint8_t *at, *end;
	unsigned width;    /* bits, to 32 */
	uint32_t value;    /* of the run */
	uint64_t repeated; /* left of the run */
	uint64_t packed;   /* left of the groups */
	const uint8_t *bits;
	uint64_t bit; /* next, from bits */
};
void hybrid_init(struct hybrid *hybrid, const uint8_t *at, const uint8_t *end, unsigned width);
size_t hybrid_bytes(struct hybrid *hybrid, uint8_t *to, size_t n); /* width to 8 */
size_t hybrid_words(struct hybrid *hybrid, uint32_t *to, size_t n);
/* BIT_PACKED levels, most significant bit first; false if the bytes are too few. */
bool bits_old_levels(const uint8_t *from, size_t len, unsigned width, uint8_t *to, size_t n);
unsigned bits_width(unsigned max); /* bits that the largest value takes */

/* DELTA_BINARY_PACKED: the head says how many values follow. NULL reasons are good. */
struct delta_ints {
	const uint8_t *at, *end; /* behind the last value when all are read */
	uint64_t count;
	uint64_t value;
	uint32_t block, miniblocks;
};
const char *delta_ints_head(struct delta_ints *ints, const uint8_t *at, const uint8_t *end);
const char *delta_ints_all(struct delta_ints *ints, int64_t *to); /* room for count */

/* What one reader holds, against its most. */
struct parquet_memory {
	size_t held, peak, max;
};
bool memory_take(struct parquet_memory *memory, size_t bytes); /* false: it would be too much */
void memory_give(struct parquet_memory *memory, size_t bytes);

/* Bytes that texts may point into, until their batch is over. */
struct block {
	struct block *next;
	size_t len, room; /* used, allocated */
	uint8_t *bytes;   /* PARQUET_SLACK beyond len are readable */
};

/* An array that grows within the memory's bounds; contents stay. */
struct room {
	void *at;
	size_t bytes;
};

enum page_encoding {
	PAGE_PLAIN = 0,
	PAGE_PLAIN_DICTIONARY = 2,
	PAGE_RLE = 3,
	PAGE_BIT_PACKED = 4,
	PAGE_DELTA_BINARY_PACKED = 5,
	PAGE_DELTA_LENGTH_BYTE_ARRAY = 6,
	PAGE_DELTA_BYTE_ARRAY = 7,
	PAGE_RLE_DICTIONARY = 8,
	PAGE_BYTE_STREAM_SPLIT = 9
};

/* Where the next values of a page come from. */
struct values {
	enum values_from { VALUES_PLAIN, VALUES_INDICES, VALUES_RUNS, VALUES_INTS, VALUES_TEXTS } from;
	const uint8_t *at, *end; /* PLAIN */
	unsigned bit;            /* PLAIN booleans: of *at */
	struct hybrid hybrid;    /* INDICES, RUNS */
	const int64_t *ints;     /* INTS: decoded ahead */
	const struct text *texts;
	size_t left; /* of INTS, TEXTS */
};

struct column {
	struct parquet *file;
	struct parquet_memory *memory;
	struct parquet_codec_state *codec_state;
	const struct parquet_leaf *leaf;
	const struct parquet_node *node;
	const struct parquet_chunk *chunk;
	unsigned def_width, rep_width; /* bits of a level */
	/* the chunk's bytes, read ahead */
	struct room window;
	const uint8_t *ahead; /* window or the file's own bytes */
	size_t ahead_len;
	int64_t at, end;      /* in the file: of ahead[0], of the chunk */
	int64_t page_at;      /* where the page at hand begins, for messages */
	int64_t levels_ahead; /* of the chunk, not in a page read so far */
	/* the dictionary, decoded */
	struct block *dictionary_bytes;
	struct room dictionary;
	size_t ndictionary;
	bool has_dictionary;
	/* the page at hand */
	struct block *blocks;       /* newest first; older ones only for texts of this batch */
	size_t page_blocks;         /* of those, the page's own */
	struct block *spare;        /* the last that went: pages are much of a size */
	size_t page_levels;         /* left in it */
	struct hybrid defs, reps;   /* unless decoded ahead */
	bool is_ahead;              /* levels of the page are decoded ahead */
	struct room page_defs, page_reps;
	size_t page_level;          /* next of those */
	struct values values;
	struct room ready;          /* values decoded ahead: INTS, TEXTS */
	/* the batch */
	struct room batch_defs, batch_reps, batch_values;
	size_t nlevels, nvalues;
	uint8_t def_low, def_high; /* among the batch's levels */
};
/* Stands before the first value of the chunk. */
bool column_begin(struct column *column, const struct parquet_chunk *chunk, int64_t nrows,
	struct err *err);
/* The levels and values of the next nrows rows into batch_*; values without nulls. */
bool column_read(struct column *column, size_t nrows, struct err *err);
void column_done(struct column *column);
/* Message with the file, the page's offset and the column. False. */
bool column_fail(const struct column *column, enum err_kind kind, struct err *err, const char *fmt,
	...) __attribute__((format(printf, 4, 5)));
bool column_grow(struct column *column, struct room *room, size_t bytes, struct err *err);
struct block *column_block(struct column *column, size_t len, struct err *err); /* NULL: LIMIT */
void column_drop_blocks(struct column *column);

/* To the next page that has values; false also at the chunk's end, which came too early. */
bool page_next(struct column *column, struct err *err);

/* Sets column->values for a page's bytes; nlevels: of the page, nulls included. */
bool values_begin(struct column *column, int32_t encoding, const uint8_t *at, const uint8_t *end,
	size_t nlevels, struct err *err);
bool values_dictionary(struct column *column, const uint8_t *at, const uint8_t *end, size_t n,
	struct err *err);
/* Appends n values to batch_values, which has the room. */
bool values_read(struct column *column, size_t n, struct err *err);
size_t values_size(enum parquet_in in); /* bytes of one in memory */
size_t values_width(const struct parquet_node *node); /* of one as PLAIN has it; 0 = they differ */

#endif
