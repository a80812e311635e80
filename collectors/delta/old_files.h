/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_DELTA_OLD_FILES_H
#define COLLECTORS_DELTA_OLD_FILES_H

#include "collectors/delta/table_state.h"

/*
 * The files on disk that only older versions need: data, or of deletion vectors. Inside the library:
 * what a horizon keeps between its calls, so that few of them are looked for again. One thread.
 */
enum presence { UNLOOKED, THERE, MISSING };
enum { LOOKS_A_TELL = 64 };

struct old_file {
	struct text path; /* absolute */
	int64_t deleted_ms; /* of its last tombstone; FACT_UNKNOWN = not told */
	enum presence presence;
	uint32_t dir;
};

/* Directories as they were when they were looked into. */
struct known_dir {
	struct text path;
	uint64_t changed_ns; /* modification time then; 0 = never looked into */
	bool same;          /* it has not changed since, in this call */
};

/* Places by path; open addressing. */
struct places {
	uint32_t *slots; /* place + 1; 0 = free */
	size_t room;
};

struct delta_known {
	struct arena arena;
	struct old_file *files;
	size_t n, room;
	struct places of_files;
	struct known_dir *dirs;
	size_t ndirs, dirs_room;
	struct places of_dirs;
	size_t spans; /* of the snapshot taken in so far */
	uint32_t *of_span; /* two a span: data file, vector file; place + 1, 0 = none known to lie here */
	size_t of_span_room;
	bool *alive; /* by file: the newest version needs it, too */
	size_t alive_room;
	int64_t rebuilt;
};

/* Takes in what the snapshot has lost since, and which of it the newest version needs again. */
bool old_files_take(struct delta_known *known, struct delta_snapshot *snapshot,
	struct progress *progress, struct err *err);
/* Looks for them as delta_horizon_read says. */
bool old_files_look(struct delta_known *known, const struct delta_looks *looks, int64_t *looked_out,
	struct err *err);
void old_files_forget(struct delta_known *known);
size_t old_files_bytes(const struct delta_known *known);
enum presence file_presence(struct text path); /* terminated */

#endif
