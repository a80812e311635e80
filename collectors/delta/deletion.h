/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_DELTA_DELETION_H
#define COLLECTORS_DELTA_DELETION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

/*
 * Deletion vectors: which rows of a data file count as deleted. A descriptor stands in an add or
 * remove action; the set is in it (inline) or in a file beside the table. Every length is checked,
 * the file's checksum too, and the number of rows against the descriptor's. A set is owned by one
 * thread and does not change.
 */
enum { DELETION_BYTES_MAX = 64 << 20 }; /* of one set as written; ERR_LIMIT beyond */

/* As the log has it; texts borrowed. */
struct deletion_descriptor {
	struct text storage_type; /* u, p or i */
	struct text path_or_inline;
	int64_t offset;      /* in the file; negative = not said, right behind the version byte */
	int64_t size_bytes;  /* of the set */
	int64_t cardinality; /* rows; negative = not known, not checked */
};

/*
 * Where the file is, added to out: below table_dir for u, as said for p (a path or a file: URI).
 * False: inline (ERR_ABSENT), not a local file (ERR_UNSUPPORTED), or no such form (ERR_FORMAT).
 */
bool deletion_path(const struct deletion_descriptor *descriptor, const char *table_dir,
	struct buf *out, struct err *err);

struct deletion;
/* NULL: err is set; ERR_ABSENT when the file is gone. */
struct deletion *deletion_read(const struct deletion_descriptor *descriptor, const char *table_dir,
	struct err *err);
/* The set's bytes, magic number first; copied. name: for messages. */
struct deletion *deletion_parse(struct text bytes, const char *name, struct err *err);
void deletion_free(struct deletion *deletion);

int64_t deletion_rows(const struct deletion *deletion); /* how many; NULL has none */
bool deletion_has(const struct deletion *deletion, int64_t row); /* row: from 0, of the file */
/* Sets marks[i] to 1 where row first + i is deleted, else 0; how many are. */
size_t deletion_mark(const struct deletion *deletion, int64_t first, size_t n, uint8_t *marks);

#endif
