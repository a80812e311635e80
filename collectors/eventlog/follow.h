/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_EVENTLOG_FOLLOW_H
#define COLLECTORS_EVENTLOG_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"

/*
 * Files that grow, as a stream of records. A path that is a file, a directory or a pattern; plain
 * or gzip; files that are renamed, copied and truncated, or deleted under our hands. A file's life
 * is told by device, inode and a hash of its head, never by its name. What is doubtful is read
 * again from its begin: the store knows an event it has. Owned by one thread.
 */
struct follow;

struct follow_options {
	const char *path;
	bool rotated;       /* also NAME.1, NAME-20260101, NAME.2.gz ... beside a NAME that matches */
	size_t max_record;  /* bytes; a longer record is passed over and told */
	int64_t poll_ms;    /* between looks where the file system tells nothing */
	int64_t forget_ms;  /* a file that is gone is forgotten after this */
	bool without_events; /* never inotify: for tests and odd file systems */
	const struct clock *clock;
};

struct follow_record {
	struct text bytes;  /* readable for EVENTLOG_PAD bytes more */
	const char *path;
	int64_t device, inode;
	uint64_t head_hash; /* text_hash of the file's first head_len bytes, as on disk */
	int64_t head_len;
	bool compressed;
	int64_t line;
	int64_t offset; /* of the first byte; in the decompressed stream */
	/* Why this cannot be a record ("longer than 64 MiB", "damaged gzip"); bytes is then its
	 * head and length the whole. NULL = a record. */
	const char *refused;
	int64_t length;
};

struct follow_sink {
	void (*record)(void *context, const struct follow_record *record);
	void *context;
};

enum follow_step { FOLLOW_IDLE, FOLLOW_MORE };

struct follow_status {
	size_t files;          /* that are there */
	const char *reading;   /* path being read, or read last; "" = none yet */
	int64_t behind;        /* bytes not read yet, compressed ones where compressed */
	int64_t changed_at_ms; /* newest change of a file; TIME_UNKNOWN = no file */
	const char *problem;   /* "" = none: what cannot be read and why; not clean */
	const char *unfinished; /* a file that ends in part of a record for a minute; NULL = none */
	int64_t unfinished_bytes;
	bool limited;          /* more files than FOLLOW_FILES_MAX: the newest are left out */
};

enum { FOLLOW_FILES_MAX = 10000, FOLLOW_HEAD_MAX = 256, FOLLOW_PAD = 64 };

/* cursor: what follow_cursor said, NONE for the first time; one that is not understood is an
 * error, because silently beginning anew would hide it. */
bool follow_open(const struct follow_options *options, struct text cursor,
	struct follow **follow_out, struct err *err);
void follow_close(struct follow *follow); /* NULL is allowed */
/*
 * Reads up to about max_bytes into the sink, or until deadline_ms (monotonic). IDLE: nothing more
 * for now. once: look at every file again, whatever the file system told.
 */
enum follow_step follow_step(struct follow *follow, const struct follow_sink *sink,
	size_t max_bytes, int64_t deadline_ms, bool once);
/* How far everything given to the sink goes. Appends. */
void follow_cursor(struct follow *follow, struct buf *out);
bool follow_moved(const struct follow *follow); /* the cursor changed since follow_cursor */
int follow_wake_fd(const struct follow *follow); /* -1 = none */
int64_t follow_poll_ms(const struct follow *follow);
void follow_status(const struct follow *follow, struct follow_status *out);

#endif
