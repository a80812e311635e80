/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_DELTA_REPLAY_H
#define COLLECTORS_DELTA_REPLAY_H

#include <stdlib.h>

#include "base/buf.h"
#include "collectors/delta/action.h"

/* Reads commits (and checkpoints in JSON) as actions. Inside the library; one thread. */
struct delta_replay {
	/* Each action in its order; false stops and has set err. */
	bool (*take)(void *context, const struct delta_action *action, struct err *err);
	void *context;
	struct text column; /* delta_at.null_count_column */
	struct buf buf;     /* bytes of the file read; kept for the next */
	struct arena arena;
	int64_t nactions;
	int64_t lines_slow; /* read by the general reader, and could have been fast */
};
void delta_replay_init(struct delta_replay *replay);
void delta_replay_done(struct delta_replay *replay);
/*
 * log_fd: the _delta_log, open; name: a file in it. *modified_ms_out: the file's time. bytes_out:
 * its size. ERR_FORMAT names the line.
 */
bool delta_replay_file(struct delta_replay *replay, int log_fd, const char *name,
	int64_t *modified_ms_out, int64_t *bytes_out, struct err *err);
/* The same from memory, for tests: step bytes at a time. */
bool delta_replay_bytes(struct delta_replay *replay, const char *name, struct text bytes,
	size_t step, struct err *err);

#endif
