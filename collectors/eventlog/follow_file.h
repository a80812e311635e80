/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_EVENTLOG_FOLLOW_FILE_H
#define COLLECTORS_EVENTLOG_FOLLOW_FILE_H

#include <sys/stat.h>
#include <zlib.h>

#include "collectors/eventlog/follow.h"
#include "collectors/eventlog/frame.h"

enum { FOLLOW_TAIL_MAX = 64 };

/* The inside of follow*.c. */
struct follow_file {
	char *path;
	int64_t device, inode;
	uint64_t head_hash;
	int64_t head_len;
	bool compressed;
	/* how far records were given to the sink: all three belong together */
	int64_t offset, line;
	bool in_array;
	/* what the file was like when its end was reached; -1 = it was not */
	int64_t settled_size, settled_mtime_ns;
	uint64_t tail_hash; /* of the last FOLLOW_TAIL_MAX bytes before settled_size */
	int64_t gone_ms; /* wall; 0 = it is there */
	/* not kept in the cursor */
	int64_t size, mtime_ns; /* as seen last */
	int fd;
	bool seen;    /* by the scan that runs */
	bool forced;  /* look into it although size and time did not change */
	bool denied;  /* could not be opened; tried again at the next scan */
};

/* One window of bytes over one file: all memory that reading takes. */
struct follow_slot {
	struct follow_file *owner;
	char *bytes; /* room + FOLLOW_PAD */
	size_t room;
	size_t from, to; /* unread */
	int64_t at;      /* offset of the byte at `from` */
	struct framer framer;
	/* plain: where to read next; gzip: the same of the compressed file */
	int64_t disk_at;
	bool inflating, member_ended, ended;
	int64_t discard; /* decompressed bytes that were given in an earlier life of ours */
	z_stream stream;
	unsigned char *packed;
};

struct follow {
	struct follow_options options;
	char *path;
	struct follow_file **files; /* oldest change first, as of the last scan */
	size_t nfiles, files_room;
	size_t turn; /* whose turn it is */
	struct follow_slot slot;
	int events; /* inotify, -1 = none */
	bool events_work; /* every directory is watched on a file system that tells */
	bool scan_due, look_due, moved, limited;
	int64_t next_scan_ms, next_look_ms; /* monotonic */
	char *reading;
	char problem[sizeof(((struct err *)0)->text)];
};

/* follow_set.c: which files there are */
void follow_scan(struct follow *follow);
struct follow_file *follow_file_new(const char *path);
void follow_file_free(struct follow_file *file);
void follow_add(struct follow *follow, struct follow_file *file_owned);
void follow_remove(struct follow *follow, size_t index);
int64_t follow_mtime_ns(const struct stat *stat);

/* follow_cursor.c */
bool follow_cursor_parse(struct follow *follow, struct text cursor, struct err *err);

/* follow_read.c: one file's bytes */
enum follow_read { READ_MORE, READ_END, READ_LOST };
/* Reads the file until its end, or until *budget is used up or the deadline passes. */
enum follow_read follow_read(struct follow *follow, struct follow_file *file,
	const struct follow_sink *sink, size_t *budget, int64_t deadline_ms, bool once);
void follow_slot_drop(struct follow_slot *slot);
void follow_slot_done(struct follow_slot *slot);
/* A new life begins in the same file: it was truncated or replaced. */
void follow_file_renew(struct follow_file *file);

#endif
