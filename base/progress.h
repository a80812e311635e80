/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/*
 * What long work and its caller say to each other. Caller-owned, one thread at a time. The work
 * tells every few milliseconds, or before each thing that may take long, where it is; the caller
 * may stop it there.
 */
struct progress {
	bool (*go_on)(struct progress *progress); /* false stops the work; NULL = it goes on */
	void *context;
	const char *what;  /* "commits": what is counted, lower case */
	int64_t done, all; /* all -1 = not known */
};

/* progress may be NULL: nobody listens. False: ERR_CANCELED. */
static inline bool progress_tell(struct progress *progress, const char *what, int64_t done,
	int64_t all, struct err *err)
{
	if (!progress)
		return true;
	progress->what = what;
	progress->done = done;
	progress->all = all;
	return !progress->go_on || progress->go_on(progress) ||
		err_set(err, ERR_CANCELED, 0, "stopped");
}

#endif
