/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_CHECKPOINT_CHECKPOINT_H
#define COLLECTORS_CHECKPOINT_CHECKPOINT_H

#include "base/err.h"
#include "collectors/checkpoint/batch.h"

/*
 * One checkpoint directory as it stands: offsets/N is written before batch N runs and commits/N
 * after it, so what is done is offsets/N of the newest N in commits, and what is begun is the newest
 * offsets/N. Only files that were not read before are read.
 */
struct checkpoint_held { /* a batch's offsets, kept while they are the newest */
	int64_t id; /* -1 = none */
	int64_t inode, changed_ns, bytes;
	struct arena arena;
	struct checkpoint_batch batch;
};

struct checkpoint {
	char *path;
	char *name;     /* below the root; clean */
	char *query_id; /* NULL = not told */
	struct checkpoint_held done, begun;
	int64_t committed_at_ms; /* file time of the commit; FACT_UNKNOWN */
	int64_t commit_id;       /* newest in commits; -1 = none: done is where the sources began */
	int64_t told_broken;     /* newest batch whose offsets were kept as undecodable; -1 = none */
	int64_t broken_id;       /* of a file that cannot be read, found by the last look; -1 = none */
	const char *broken_why;  /* of static life */
	bool broken_is_old;      /* it has been so for long: nobody is writing it */
	int64_t files_read;      /* since the start; for tests */
	uint64_t listed_ns[2];   /* file times of offsets and commits when they were listed; 0 = not */
	bool settled;            /* nothing was half-written when they were */
};

void checkpoint_init(struct checkpoint *checkpoint, const char *path, const char *name);
void checkpoint_done(struct checkpoint *checkpoint);
/*
 * Looks again. False: it cannot be read now, err says why; ERR_ABSENT when it is not there. What was
 * known stays.
 */
bool checkpoint_look(struct checkpoint *checkpoint, int64_t now_ms, struct err *err);
/* How far each source is. Borrows from the checkpoint until the next look. */
void checkpoint_reached(const struct checkpoint *checkpoint, struct reached *reached);
/* When the batch under way began; FACT_UNKNOWN = none is, or it does not tell. */
int64_t checkpoint_busy_since(const struct checkpoint *checkpoint);

/*
 * Finds checkpoints at or below root, depth directories deep and not within one another; into no
 * directory whose name begins with a dot or is _delta_log. False when root cannot be read.
 */
struct checkpoint_found {
	void (*checkpoint)(void *context, const char *path, const char *name);
	void (*directory)(void *context, const char *path); /* each looked into; may be NULL */
	void (*trouble)(void *context, const char *path, const char *reason);
	void *context;
};
enum { CHECKPOINT_ENTRIES_MAX = 2 * 1000 * 1000, CHECKPOINT_DIRECTORIES_MAX = 50 * 1000 };
bool checkpoint_discover(const char *root, int depth, const struct checkpoint_found *found,
	struct err *err);
bool checkpoint_is(const char *path); /* has offsets/ and commits/ or metadata */

#endif
