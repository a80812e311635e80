/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_TABLE_FIELDS_H
#define STORE_TABLE_FIELDS_H

#include "store/fact.h"

/*
 * The numbers of table_state and standing: column, member of the fact. Private to store/. Shape and
 * problem, and gone, stand after them.
 */
#define STATE_FIELDS(X)                                                                            \
	X("version", version)                                                                      \
	X("timestamp", timestamp_ms)                                                               \
	X("files", files)                                                                          \
	X("bytes", bytes)                                                                          \
	X("row_count", rows)                                                                       \
	X("records", records)                                                                      \
	X("tombstones", tombstones)                                                                \
	X("files_without_stats", files_without_stats)                                              \
	X("small_files", small_files)                                                              \
	X("small_bytes", small_bytes)                                                              \
	X("deletion_vectors", deletion_vectors)                                                    \
	X("deleted_rows", deleted_rows)                                                            \
	X("partitions", partitions)                                                                \
	X("min_reader", min_reader)                                                                \
	X("min_writer", min_writer)                                                                \
	X("checkpoint", checkpoint)                                                                \
	X("earliest", earliest)                                                                    \
	X("first_listed", first_listed)                                                            \
	X("first_restorable", first_restorable)                                                    \
	X("newest_looked", newest_looked)                                                          \
	X("newest_gone", newest_gone)                                                              \
	X("rescued", rescued)                                                                      \
	X("flagged", flagged)
#define STATE_COLUMN(column, member) column ", "
#define STATE_COLUMNS STATE_FIELDS(STATE_COLUMN) "shape, problem"
#define STANDING_COLUMNS "standing, until, by_log, files_old, files_gone, files_unlooked, gone"

enum {
#define X(column, member) STATE_AT_##member,
	STATE_FIELDS(X)
#undef X
	STATE_SHAPE,
	STATE_PROBLEM
};

#endif
