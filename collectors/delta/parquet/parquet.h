/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_DELTA_PARQUET_PARQUET_H
#define COLLECTORS_DELTA_PARQUET_PARQUET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

/*
 * Reads Parquet files: checkpoints and sidecars of Delta logs, event-log tables, data. A file is
 * opened (footer and schema), columns are chosen by name, and its rows come in batches of vectors,
 * one vector a schema node, nested as the schema is. Only the chosen columns' bytes are read. No
 * global state; an object belongs to one thread.
 *
 *	struct parquet *file = parquet_open_path(path, &err);
 *	const char *const want[] = { "add.path", "add.size", "add.partitionValues", "txn" };
 *	struct parquet_reader *reader = parquet_reader_new(file, want, ARRAY_LEN(want), 0);
 *	const struct parquet_vector *rows;
 *
 *	while (parquet_reader_next(reader, &rows, &err) && rows) {
 *		const struct parquet_vector *add = parquet_vector_find(rows, "add");
 *		const struct parquet_vector *path = parquet_vector_find(rows, "add.path");
 *		const struct parquet_vector *map = parquet_vector_find(rows, "add.partitionValues");
 *
 *		for (size_t i = 0; i < rows->n; i++) {
 *			if (!parquet_has(add, i) || !parquet_has(path, i))
 *				continue;
 *			use(parquet_text(path, i), parquet_int(size, i, FACT_UNKNOWN));
 *			for (size_t k = parquet_first(map, i); k < parquet_end(map, i); k++)
 *				pair(parquet_text(map->children[0], k), parquet_text(map->children[1], k));
 *		}
 *	}
 *	parquet_reader_free(reader);
 *	parquet_close(file);
 *
 * A column that the file has not, or that was not chosen, is a NULL vector, and every accessor
 * takes NULL as "absent everywhere": a reader of logs need not ask which writer made the file.
 *
 * What a file says of itself is not believed: lengths are checked against the file, and these
 * are the most that is accepted (ERR_LIMIT). Damage is ERR_FORMAT, what is not implemented
 * (encryption, brotli, LZO) ERR_UNSUPPORTED. Messages name the file, the offset and the column.
 */
enum {
	PARQUET_FOOTER_MAX = 64 << 20,    /* bytes */
	PARQUET_NODES_MAX = 100 * 1000,   /* schema elements */
	PARQUET_DEPTH_MAX = 60,           /* nested groups */
	PARQUET_CHUNKS_MAX = 2000 * 1000, /* column chunks of all row groups */
	PARQUET_PAGE_MAX = 256 << 20,     /* bytes of a page, uncompressed */
	PARQUET_VALUES_A_BYTE = 1 << 16,  /* values of all columns, and rows, / a file's bytes */
	PARQUET_BATCH_ROWS = 4096         /* rows of a batch, at most */
};
/* Bytes a reader may hold at a time (pages, dictionaries, vectors), unless it was told others. */
#define PARQUET_MEMORY_MAX ((size_t)1 << 30)

enum parquet_kind {
	PARQUET_STRUCT,    /* children: the fields */
	PARQUET_LIST,      /* children[0]: the element */
	PARQUET_MAP,       /* children[0]: the key, children[1]: the value (may be missing) */
	PARQUET_BOOL,      /* bools */
	PARQUET_INT,       /* ints, of any width */
	PARQUET_UINT,      /* ints; above INT64_MAX they look negative */
	PARQUET_REAL,      /* reals: half, float, double */
	PARQUET_DECIMAL,   /* unscaled: ints up to 18 digits, wides up to 38 */
	PARQUET_DATE,      /* ints: days since 1970 */
	PARQUET_TIME,      /* ints: `unit` since midnight */
	PARQUET_TIMESTAMP, /* ints: `unit` since 1970; INT96 comes as microseconds */
	PARQUET_STRING,    /* texts, as written: maybe no UTF-8; JSON and ENUM too */
	PARQUET_BYTES,     /* texts: binary, BSON, variant, geometry, interval, wider decimals */
	PARQUET_UUID       /* texts of 16 bytes */
};
enum parquet_unit { PARQUET_MILLIS, PARQUET_MICROS, PARQUET_NANOS };
enum parquet_physical {
	PARQUET_BOOLEAN,
	PARQUET_INT32,
	PARQUET_INT64,
	PARQUET_INT96,
	PARQUET_FLOAT,
	PARQUET_DOUBLE,
	PARQUET_BYTE_ARRAY,
	PARQUET_FIXED
};
/* In which array of a vector the values are. */
enum parquet_in { PARQUET_IN_NONE, PARQUET_IN_BOOLS, PARQUET_IN_INTS, PARQUET_IN_REALS,
	PARQUET_IN_WIDES, PARQUET_IN_TEXTS };

struct parquet_i128 {
	uint64_t low;
	int64_t high;
};

/*
 * The schema as people mean it: the groups that Parquet puts between a list and its elements
 * (list.element, list.item, bag.array_element, array, key_value, entries) are folded away, a
 * bare repeated field is a list that is never absent. Names are as in the file: foreign text.
 */
struct parquet_node {
	struct text name; /* the root's is whatever the writer chose */
	enum parquet_kind kind;
	bool is_optional;
	int32_t field_id; /* -1 = none */
	const struct parquet_node *parent;       /* NULL: the root */
	const struct parquet_node *const *children;
	size_t nchildren;
	/* of leaves */
	enum parquet_in in;
	enum parquet_physical physical;
	int32_t width;            /* bytes of PARQUET_FIXED */
	int32_t bits;             /* of PARQUET_INT, UINT: 8 to 64 */
	int32_t precision, scale; /* of PARQUET_DECIMAL */
	enum parquet_unit unit;   /* of PARQUET_TIME, TIMESTAMP */
	bool is_utc;
	int32_t column; /* place among the file's leaves; -1: no leaf */
	/* for assembly */
	int16_t def_present; /* definition level from which it is there */
	int16_t def_entry;   /* of lists and maps: level from which there is an entry */
	int16_t rep_entry;   /* of lists and maps: repetition level of a further entry */
	int16_t max_rep;     /* of leaves; max_def is def_present */
	int32_t index;       /* place among all nodes, the root's 0; parents before children */
	int32_t place;       /* among its parent's children */
};

/*
 * An open file: its footer in memory. name: for messages, of which a long one shows its end;
 * copied. NULL: err is set.
 */
struct parquet;
struct parquet *parquet_open_path(const char *path, struct err *err);
/* fd: borrowed until close; read by pread only, so its position does not matter. */
struct parquet *parquet_open_fd(int fd, const char *name, struct err *err);
struct parquet *parquet_open_bytes(const void *bytes, size_t size, const char *name,
	struct err *err); /* bytes: borrowed until close */
void parquet_close(struct parquet *file); /* NULL is fine; readers go first */

const struct parquet_node *parquet_schema(const struct parquet *file); /* the root */
/* "add.partitionValues.key"; a list's element, a map's key and value by any name. NULL = none. */
const struct parquet_node *parquet_node_find(const struct parquet_node *from, const char *path);
/* The field of a group with this column-mapping id; NULL = none. */
const struct parquet_node *parquet_node_by_id(const struct parquet_node *group, int32_t id);
int64_t parquet_rows(const struct parquet *file);
size_t parquet_row_groups(const struct parquet *file);
size_t parquet_nodes(const struct parquet *file); /* the schema's size */
struct text parquet_writer(const struct parquet *file); /* created_by; TEXT_NONE */
struct text parquet_metadata(const struct parquet *file, const char *key); /* TEXT_NONE */
int64_t parquet_bytes_read(const struct parquet *file); /* since open */

/*
 * One node in one batch. n slots: the root's are the batch's rows; a field has its group's slots,
 * absent where the group is; an element, key or value has as many slots as all lists together,
 * those of slot i from starts[i] to before starts[i+1]. Lives until the next batch or the
 * reader's end; so do texts, which point into pages. Absent slots hold zero or TEXT_NONE.
 */
struct parquet_vector {
	const struct parquet_node *node;
	size_t n;
	const uint8_t *present; /* n bytes, 1 = there; NULL = all are */
	const uint32_t *starts; /* of lists and maps: n + 1 */
	const uint8_t *bools;
	const int64_t *ints;
	const double *reals;
	const struct parquet_i128 *wides;
	const struct text *texts;
	/* as node->children; NULL where nothing beneath was chosen */
	const struct parquet_vector *const *children;
	int64_t first_row; /* of the root: number of its first row in the file */
	size_t row_group;  /* of the root */
};

struct parquet_reader;
/*
 * paths: fields as in parquet_node_find, a group means all beneath it; NULL = all. What the file
 * has not is passed over. memory_max: bytes; 0 = PARQUET_MEMORY_MAX. Nothing is read yet; never NULL.
 */
struct parquet_reader *parquet_reader_new(struct parquet *file, const char *const *paths,
	size_t npaths, size_t memory_max);
/* Nodes of this file instead of names. */
struct parquet_reader *parquet_reader_of_nodes(struct parquet *file,
	const struct parquet_node *const *nodes, size_t nnodes, size_t memory_max);
/* Next batch is the first of this row group; from 0. May be called at any time. */
void parquet_reader_seek(struct parquet_reader *reader, size_t row_group);
/*
 * *rows_out: the root's vector, NULL after the last row. A batch never spans row groups. False:
 * this row group cannot be read further; seek to another or give up.
 */
bool parquet_reader_next(struct parquet_reader *reader, const struct parquet_vector **rows_out,
	struct err *err);
size_t parquet_reader_peak(const struct parquet_reader *reader); /* most bytes held so far */
void parquet_reader_free(struct parquet_reader *reader);

/* A vector beneath by path (see parquet_node_find), or of a node; NULL = none chosen. */
const struct parquet_vector *parquet_vector_find(const struct parquet_vector *from,
	const char *path);
const struct parquet_vector *parquet_vector_of(const struct parquet_reader *reader,
	const struct parquet_node *node);

/* Slot i of a vector; NULL vectors, absent slots and other types give the absent value. */
bool parquet_has(const struct parquet_vector *vector, size_t i);
struct text parquet_text(const struct parquet_vector *vector, size_t i);
int64_t parquet_int(const struct parquet_vector *vector, size_t i, int64_t absent); /* bools too */
double parquet_real(const struct parquet_vector *vector, size_t i, double absent);
/* Slots of the entries of list or map i: first to before end; equal = none. */
size_t parquet_first(const struct parquet_vector *vector, size_t i);
size_t parquet_end(const struct parquet_vector *vector, size_t i);

#endif
