/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_PARQUET_WALK_H
#define TESTS_LIB_PARQUET_WALK_H

#include "base/buf.h"
#include "collectors/delta/parquet/parquet.h"

/* What came of reading a whole file. */
struct parquet_walked {
	bool is_whole;  /* every row was read */
	int64_t rows;   /* that were read */
	uint64_t hash;  /* of all values */
	size_t peak;    /* bytes the reader held */
	struct err err; /* unless is_whole */
};
/*
 * Reads at most batches_max batches of every column and touches every value. Vectors that break
 * what their header promises end the process by abort.
 */
void parquet_walk(struct parquet *file, size_t memory_max, size_t batches_max,
	struct parquet_walked *out);
/* The same for a file's bytes. */
void parquet_walk_bytes(const void *bytes, size_t size, size_t memory_max, size_t batches_max,
	struct parquet_walked *out);

/*
 * A file of one column and one row group around a chunk's bytes, as the shape says: its first bytes
 * choose type, nesting, codec and counts, the rest are pages.
 */
enum { PARQUET_SHAPE_BYTES = 10 };
void parquet_wrap_chunk(const uint8_t *data, size_t size, struct buf *out);
/* A file that consists of this footer and a few bytes of nothing. */
void parquet_wrap_footer(const uint8_t *data, size_t size, struct buf *out);

#endif
