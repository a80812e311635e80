/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_EVENTLOG_TABLE_PARTS_H
#define COLLECTORS_EVENTLOG_TABLE_PARTS_H

#include <jansson.h>

#include "collectors/delta/snapshot.h"
#include "collectors/eventlog/row_json.h"
#include "collectors/eventlog/table_follow.h"

/* Inside following a table: versions and their files in table_follow.c, rows in table_rows.c. */

struct table_file {
	char *path; /* as the log spells it */
	char *partitions; /* JSON as the log has it, or empty */
	int64_t size, modified_ms;
};

/* How far everything given to the sink goes: the cursor. */
struct place {
	int64_t version;
	bool all; /* all files of that version are read, not only what it added */
	size_t file; /* among the version's */
	int64_t row; /* next one of that file */
	size_t group; /* a row group at or before that row's */
};

struct table_follow {
	char *path, *log_dir, *id;
	size_t max_record;
	const struct clock *clock;
	struct progress *progress;
	bool known; /* id and at are those of a cursor, or of a table met */
	struct place at;
	bool moved;

	struct delta_snapshot *snapshot; /* NULL = to be opened */
	struct delta_detail detail;
	json_t *schema;

	struct table_file *files; /* of at.version, in an order that never changes */
	size_t nfiles, files_room;
	bool listed;

	struct parquet *open;
	struct parquet_reader *reader;
	const struct parquet_vector *rows;
	size_t i; /* of rows */
	struct text *names;
	struct buf more; /* partition values, as members */
	char *where; /* path of the open file, or of the last one */

	struct buf line;
	char problem[512];
};

enum outcome { WENT_ON, WAITS };

/* table_follow.c */
void table_close_file(struct table_follow *follow);
/* The snapshot at the newest version; what it is about in *follow. */
bool table_look(struct table_follow *follow, struct err *err);
/* Is the cursor still about this table, and is its next version there? */
void table_settle(struct table_follow *follow, const struct follow_sink *sink);
/* Says what is lost; the newest version's files are next. */
void table_lose(struct table_follow *follow, const struct follow_sink *sink, const char *what);
/* follow->line, about a file or a place, as a refused record. */
void table_refuse(struct table_follow *follow, const struct follow_sink *sink, const char *about,
	int64_t row, const char *reason);
enum outcome table_wait_for(struct table_follow *follow, const struct err *err); /* WAITS */

/* table_rows.c */
enum outcome table_open_file(struct table_follow *follow, const struct follow_sink *sink);
/* The next batch of the open file; rows stays NULL behind the last. */
enum outcome table_next_rows(struct table_follow *follow, const struct follow_sink *sink);
void table_put_row(struct table_follow *follow, const struct follow_sink *sink);

#endif
