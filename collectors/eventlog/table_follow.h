/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_EVENTLOG_TABLE_FOLLOW_H
#define COLLECTORS_EVENTLOG_TABLE_FOLLOW_H

#include "collectors/eventlog/follow.h"

/*
 * An event log that is a Delta table, as a stream of records: new versions, their new files, the
 * rows of these, each as row_json writes it. Files that came with dataChange=false hold nothing
 * new. Begins at version 0 where the log still has it, else with the files of the newest version.
 * What was taken away before it was read (log cleanup, VACUUM, a table made anew) is told once, as
 * a refused record, and the newest version's files are read instead: the store knows an event it
 * has. Rows that a deletion vector hides are read too: what was deleted from the log did happen.
 * Owned by one thread.
 */
struct table_follow;

/* The table at path or in its system/events (a pipeline's storage); malloc'ed, NULL = no table. */
char *table_follow_find(const char *path);

/* cursor: what table_follow_cursor said; NONE or another kind's: from the begin. */
bool table_follow_open(const char *table, size_t max_record, const struct clock *clock,
	struct text cursor, struct table_follow **follow_out, struct err *err);
void table_follow_close(struct table_follow *follow); /* NULL is allowed */
/*
 * progress: must live until _close; stopped: nothing is lost, the next step begins there again.
 * Records have line = the row's number in its file from 1, offset 0, no inode: there is no segment
 * to point to. Refused: reason in words, path what it is about, line 0 where it is no row.
 */
enum follow_step table_follow_step(struct table_follow *follow, const struct follow_sink *sink,
	size_t max_bytes, int64_t deadline_ms, struct progress *progress);
void table_follow_cursor(struct table_follow *follow, struct buf *out);
bool table_follow_moved(const struct table_follow *follow);

struct table_status {
	int64_t version;       /* newest; FACT_UNKNOWN = not seen yet */
	const char *reading;   /* the file, "" = none */
	int64_t behind;        /* bytes of the files of the version being read; versions behind it
				  are not known in bytes */
	int64_t changed_at_ms; /* of the newest version */
	const char *problem;   /* "" = none; not clean */
};
void table_follow_status(const struct table_follow *follow, struct table_status *out);

#endif
