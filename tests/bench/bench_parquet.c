/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decodes a checkpoint's columns as log replay needs them and touches every value: bench_parquet
 * FILE [TURNS]. Prints the fastest turn's CPU seconds, the rows, a sum that peers must agree with, the
 * most bytes held.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "collectors/delta/parquet/parquet.h"

static const char *const columns[] = { "add.path", "add.partitionValues", "add.size",
	"add.modificationTime", "add.dataChange", "add.stats", "add.deletionVector" };

static double seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int64_t sum_rows(const struct parquet_vector *rows)
{
	const struct parquet_vector *add = parquet_vector_find(rows, "add");
	const struct parquet_vector *path = parquet_vector_find(add, "path");
	const struct parquet_vector *map = parquet_vector_find(add, "partitionValues");
	const struct parquet_vector *size = parquet_vector_find(add, "size");
	const struct parquet_vector *time = parquet_vector_find(add, "modificationTime");
	const struct parquet_vector *change = parquet_vector_find(add, "dataChange");
	const struct parquet_vector *stats = parquet_vector_find(add, "stats");
	const struct parquet_vector *dv = parquet_vector_find(add, "deletionVector.pathOrInlineDv");
	int64_t sum = 0;

	for (size_t i = 0; i < rows->n; i++) {
		if (!parquet_has(add, i))
			continue;
		sum += (int64_t)parquet_text(path, i).len + (int64_t)parquet_text(stats, i).len;
		sum += parquet_int(size, i, 0) + parquet_int(time, i, 0) % 1000 + parquet_int(change, i, 0);
		sum += (int64_t)parquet_text(dv, i).len;
		for (size_t k = parquet_first(map, i); k < parquet_end(map, i); k++)
			sum += (int64_t)parquet_text(map->children[0], k).len +
				(int64_t)parquet_text(map->children[1], k).len;
	}
	return sum;
}

int main(int argc, char **argv)
{
	int turns = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 5;
	double best = 1e9;
	int64_t sum = 0;
	int64_t nrows = 0;
	size_t peak = 0;

	for (int turn = 0; argc > 1 && turn < turns; turn++) {
		struct err err = ERR_INIT;
		double start = seconds();
		struct parquet *file = parquet_open_path(argv[1], &err);
		struct parquet_reader *reader;
		const struct parquet_vector *rows = NULL;

		if (!file) {
			(void)fprintf(stderr, "%s\n", err.text);
			return 1;
		}
		reader = parquet_reader_new(file, columns, ARRAY_LEN(columns), 0);
		sum = 0;
		while (parquet_reader_next(reader, &rows, &err) && rows)
			sum += sum_rows(rows);
		nrows = parquet_rows(file);
		peak = parquet_reader_peak(reader);
		parquet_reader_free(reader);
		parquet_close(file);
		if (err.kind != ERR_NONE) {
			(void)fprintf(stderr, "%s\n", err.text);
			return 1;
		}
		if (seconds() - start < best)
			best = seconds() - start;
	}
	(void)printf("%.4f %" PRId64 " %" PRId64 " %zu\n", best, nrows, sum, peak);
	return 0;
}
