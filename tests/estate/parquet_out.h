/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_ESTATE_PARQUET_OUT_H
#define TESTS_ESTATE_PARQUET_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The plainest Parquet file that every reader opens: one row group, one v1 data page a column,
 * PLAIN values, RLE definition levels, no compression, a Thrift compact footer (parquet-format).
 */
enum parquet_type { PARQUET_LONG, PARQUET_DOUBLE, PARQUET_STRING, PARQUET_TIMESTAMP };

struct parquet_column {
	const char *name;
	enum parquet_type type; /* TIMESTAMP: microseconds, UTC */
};

struct parquet_cell {
	bool null;
	int64_t number; /* LONG, TIMESTAMP */
	double real;
	char text[48];
};

enum { PARQUET_COLUMNS_MAX = 8 };

struct parquet_done {
	int64_t bytes;
	int64_t nulls[PARQUET_COLUMNS_MAX];
};

/* Fills one cell a column for the row with this number. */
typedef void parquet_row(void *context, int64_t row, struct parquet_cell *cells);

/* Rows of `n` ranges (first, count pairs). False with errno set when writing failed. */
bool parquet_write(const char *path, const struct parquet_column *columns, size_t ncolumns,
	const int64_t (*ranges)[2], size_t n, parquet_row *row, void *context,
	struct parquet_done *done_out);

#endif
