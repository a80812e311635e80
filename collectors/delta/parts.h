/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_DELTA_PARTS_H
#define COLLECTORS_DELTA_PARTS_H

#include <jansson.h>
#include <time.h>

#include "base/buf.h"
#include "base/progress.h"
#include "collectors/delta/delta.h"

/* Inside the library: the steps from a commit's bytes to facts. */

enum {
	DELTA_ACTION_MAX = 16 << 20,  /* bytes of one action */
	DELTA_SPREAD_MAX = 1 << 20,   /* bytes of one action written over several lines */
	DELTA_DEPTH_MAX = 256,        /* nested objects and arrays of one action */
	DELTA_ITEMS_MAX = 500 * 1000, /* values of one action: bounds what parsing may allocate */
	DELTA_BROKEN_KEPT = 8         /* broken lines of one commit kept as facts; all are counted */
};
#define DELTA_COMMIT_MAX ((int64_t)2 << 30) /* bytes of one commit file */

/*
 * Cuts a commit into its actions: one JSON object a line as the protocol has it, but also objects
 * over several lines, a byte order mark, CRLF, blank lines, and text behind an object (ignored, as
 * Spark's parser does). A line that is broken is reported and the next line is tried. Streaming:
 * holds one action at a time. Zero-initialize, then _init.
 */
struct delta_lines {
	/*
	 * A whole line, without its end, that begins and ends as an object does: true, it was one and is
	 * taken; false, it is for the careful way. NULL = everything is.
	 */
	bool (*line_taken)(void *context, struct text line);
	/* One complete object; false refuses it (reason set) and it counts as broken. */
	bool (*action)(void *context, struct text object, const char **reason);
	void (*broken)(void *context, struct text bytes, int64_t line, int64_t offset,
		const char *reason);
	void *context;
	struct buf pending;
	size_t start, scan; /* in pending: the value's first byte, the next byte to look at */
	size_t first_newline; /* within the value; 0 = none yet */
	int64_t offset;     /* of pending[0] in the file */
	int64_t line;       /* of the value, or of scan between values; from 1 */
	int64_t lines_in;   /* newlines within the value */
	int state, depth, items;
	bool in_string, escaped, one_line_only, torn;
	int64_t nbroken, ntrailing;
};
void delta_lines_init(struct delta_lines *lines);
void delta_lines_feed(struct delta_lines *lines, struct text bytes);
void delta_lines_end(struct delta_lines *lines); /* the file ends here */
void delta_lines_done(struct delta_lines *lines);

/* How a commit begins, by which it is known again: whatever copies it may change its times. */
enum { DELTA_HEAD_MAX = 4096 };
struct delta_head {
	uint64_t hash;
	size_t len; /* bytes; 0 = not known */
};

/* One commit's actions. Texts of version lie in the batch's arena. Pure: bytes in, facts out. */
struct delta_commit {
	/* all but table, path, table_id, version, timestamp_ms, changes: those need the table */
	struct fact_version version;
	json_t *metadata, *protocol; /* of this commit; owned; NULL = none */
	int64_t in_commit_ms;        /* commitInfo.inCommitTimestamp; FACT_UNKNOWN */
	bool torn;                   /* ends inside an action: maybe still being written */
	int64_t bytes, nactions, nbroken;
	struct delta_head head;      /* set by whoever reads the file */
	/* while decoding */
	struct fact_batch *batch;
	const char *place;
	int64_t now_ms;
	bool has_info, rows_added_known, rows_removed_known, bytes_removed_known, bytes_added_known;
	struct delta_lines lines;
	struct arena scratch; /* of one action */
	struct buf problem; /* reasons, "; " between */
};
/* place: the file, for undecodable facts; must outlive the commit. */
void delta_commit_begin(struct delta_commit *commit, struct fact_batch *batch, const char *place,
	int64_t now_ms);
void delta_commit_feed(struct delta_commit *commit, struct text bytes);
void delta_commit_end(struct delta_commit *commit);
void delta_commit_problem(struct delta_commit *commit, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void delta_commit_done(struct delta_commit *commit);
/*
 * The fast reader of a line that is a commitInfo; what it reads, delta_commit reads the same. False:
 * nothing was set. The line must be valid UTF-8; texts are copied into the arena.
 */
bool delta_info_scan(struct arena *arena, struct text line, struct fact_version *version,
	int64_t *in_commit_ms_out);

/*
 * JSON text as written by strangers: numbers too large for an integer are read as real, broken
 * UTF-8 as U+FFFD. NULL if it is no JSON object. The caller owns the reference.
 */
json_t *delta_json(struct text bytes);
/* A string's characters, any other value as JSON, absent or null as TEXT_NONE. */
struct text delta_json_text(struct arena *arena, const json_t *value);
int64_t delta_json_integer(const json_t *value); /* also from a string; FACT_UNKNOWN */
/* Appends it as a JSON string; bytes that are no UTF-8 become U+FFFD. */
void delta_json_add_text(struct buf *out, struct text text);

/*
 * Sentences about what metaData and protocol changed, as a JSON array, or TEXT_NONE. Old ones are
 * NULL when this commit made the table (created) or when what came before is not known.
 */
struct text delta_changes(struct arena *arena, const json_t *old_metadata,
	const json_t *new_metadata, const json_t *old_protocol, const json_t *new_protocol,
	bool created);

/* What earlier commits of one table say about later ones. Zero-initialize, then _init. */
struct delta_table {
	char *path;    /* absolute, of the table */
	char *log_dir; /* its _delta_log */
	char *name;    /* as shown; clean */
	char *id;      /* metaData.id; NULL */
	int64_t last;  /* newest version read; -1 = none */
	struct delta_head head; /* of its commit */
	int64_t last_file_ms; /* file time given to it, monotone; FACT_UNKNOWN */
	int in_commit;   /* in-commit timestamps: 1 on, 0 off, -1 not known */
	json_t *metadata, *protocol; /* newest seen in this life of the process */
	struct delta_log log; /* as listed last */
	size_t at;            /* next of log.commits to read */
	bool listed;
	uint64_t log_changed_ns; /* the directory's modification time when it was listed; 0 = none */
	int64_t waits_since_ms; /* monotonic: its newest commit looks half-written; 0 = no */
};
void delta_table_init(struct delta_table *table, const char *path, const char *log_dir,
	const char *name);
void delta_table_done(struct delta_table *table);
struct delta_pace {
	const struct clock *clock;
	int64_t deadline_ms; /* monotonic; INT64_MAX = none */
	size_t facts_max;    /* of the batch; return when it holds more */
	bool final;          /* take the newest commit as it is, even if half-written */
	struct progress *progress; /* stopped: as if the deadline had come, in a commit even; NULL */
};
/*
 * Reads what is new since `last` into the batch. *more_out: stopped by the pace, call again.
 * False: the log cannot be listed; nothing was lost, try again later.
 */
bool delta_table_read(struct delta_table *table, const struct delta_pace *pace,
	struct fact_batch *batch, bool *more_out, struct err *err);

/* A file's time; those that no calendar has are held at year 9999, so that sums stay sums. */
int64_t delta_file_ms(struct timespec time);

/* Why a table that was read gave no version; NULL while it did, or is only about to. */
const char *delta_table_why_empty(const struct delta_table *table);

/*
 * Finds directories that hold a _delta_log at or below root: depth levels deep, not within a
 * table, not into names that begin with . or _, each directory once however often links lead to it.
 */
struct delta_found {
	void (*table)(void *context, const char *path, const char *log_dir, const char *name);
	void (*visited)(void *context, const char *dir); /* each directory looked into; may be NULL */
	void (*trouble)(void *context, const char *dir, const char *reason);
	void *context;
	struct progress *progress; /* NULL = none */
};
bool delta_discover(const char *root, int depth, struct text exclude,
	const struct delta_found *found, struct err *err);
/* The log's directory of a path that is a table or a _delta_log; malloc'ed, NULL if neither. */
char *delta_log_dir(const char *path);
char *delta_path_join(const char *dir, const char *name); /* malloc'ed */

/* ---- a source's configuration ---- */

struct config_section;
/* As struct collector_ops has it. */
void delta_doctor(const struct config_section *config,
	void (*say)(void *context, bool good, const char *line), void *context);

#endif
