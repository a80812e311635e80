/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_LAG_SWEEPS_H
#define STORE_LAG_SWEEPS_H

#include "store/internal.h"

/*
 * The newest sweeps of one source, and which series each could not see: until when a series was
 * seen to be as its newest row says. One thread.
 */
enum { SWEEPS_MAX = 40 };
#define LAG_SWEEPS_SQL                                                                             \
	"SELECT at, missed FROM sweep WHERE source = ?1 AND batch <= ?2"                           \
	" ORDER BY at DESC, batch DESC LIMIT 40"

struct lag_sweeps {
	int64_t source;
	size_t n;
	struct {
		int64_t at;
		bool all;        /* nothing could be seen */
		int64_t *missed; /* sorted, in the arena */
		size_t nmissed;
	} sweeps[SWEEPS_MAX]; /* newest first */
};

/* The statement is LAG_SWEEPS_SQL; lists in the arena. */
bool lag_sweeps_load(sqlite3_stmt *stmt, int64_t source, int64_t n, struct arena *arena,
	struct lag_sweeps *out, struct err *err);
int64_t lag_sweeps_newest(const struct lag_sweeps *sweeps); /* FACT_UNKNOWN: none */
/* Of the newest one that could see it; FACT_UNKNOWN: none of these. */
int64_t lag_sweeps_seen(const struct lag_sweeps *sweeps, int64_t series);

/* sweep.missed: sorted ids, or all. */
void lag_missed_pack(struct buf *out, const int64_t *ids, size_t n, bool all);

#endif
