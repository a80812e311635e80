/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_ESTATE_TABLES_H
#define TESTS_ESTATE_TABLES_H

#include "tests/estate/estate.h"
#include "tests/estate/parquet_out.h"

/* What the estate knows of its Delta tables, shared by what writes and what maintains them. */
enum { TABLE_COUNT = 4, FILES_MAX = 64, RANGES_MAX = 64, COMMIT_MAX_BYTES = 1 << 20 };

struct data_file {
	char name[80];
	int64_t bytes, rows;
	int64_t ranges[RANGES_MAX][2];
	size_t nranges;
};

struct tombstone { /* a file that was removed and is not forgotten yet */
	char name[80];
	int64_t bytes, deleted_ms;
	bool on_disk;
};

struct table {
	const char *name; /* folder below tables/ */
	const struct parquet_column *columns;
	size_t ncolumns;
	parquet_row *row;
	int64_t version;  /* of the next commit */
	int64_t next_row;
	struct data_file files[FILES_MAX];
	size_t nfiles;
	struct tombstone *tombstones; /* owned */
	size_t ntombstones, tombstones_room;
	int64_t created_ms, vacuumed_ms; /* 0 = not yet */
	int64_t checkpointed;            /* versions there were at the newest checkpoint */
	int64_t cleaned;                 /* commits below are deleted */
	bool is_vacuumed;                /* now and then; its log is cleaned, too */
};

struct tables {
	struct table tables[TABLE_COUNT];
};

enum { FILE_RETENTION_MS = 3 * 3600000, VACUUM_EVERY_MS = 4 * 3600000, LOG_RETENTION_MS = 3600000 };

/* Appends the table's schema, as JSON that stands in a JSON string when it is quoted. */
void table_schema(struct buf *out, const struct table *table, bool quoted);
/* The properties it was made with, at most 4 name and value pairs; how many. */
size_t table_properties(const struct table *table, const char *pairs[4][2]);
void table_info(struct buf *buf, int64_t when_ms, const struct table *table, const char *operation,
	const char *parameters, const char *metrics, const char *user, bool removes);
/* Makes the next version of what is in buf. */
bool table_publish(struct estate *estate, struct table *table, int64_t when_ms,
	const struct buf *buf);

/* After every commit: VACUUM, a checkpoint every ten versions, the log's old commits deleted. */
bool table_maintain(struct estate *estate, struct table *table, int64_t when_ms);
/* A classic checkpoint of the newest version, and _last_checkpoint. False with errno set. */
bool checkpoint_write(const struct estate *estate, const struct table *table, int64_t when_ms);

#endif
