/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "store/fact.h"

/*
 * The writing side: one process holds the store's writer lock and one thread, started here, holds
 * the write connection. WAL, synchronous NORMAL (durable against kill -9; FULL on request).
 */
struct store;

struct store_options {
	const char *path;
	const struct clock *clock;
	bool full_sync;       /* synchronous=FULL: also against power loss, per transaction */
	int64_t visible_ms;   /* under load facts are visible at the latest after this; 0 = 2 s */
	int64_t keep_days[FACT_KIND_COUNT]; /* retention by kind; 0 = the kind's default, -1 = forever */
	int64_t whole_lag_ms; /* sweeps are kept whole for so long, then one a minute; 0 = 48 h */
};

/*
 * Opens or creates, migrates, takes the writer lock (ERR_STORE naming the holder's pid if another
 * has it). A newer store (user_version above ours) is refused with both numbers; a damaged one is
 * named and left as it is.
 */
bool store_open(const struct store_options *options, struct store **store_out, struct err *err);
/* Writes what is queued, checkpoints, releases the lock. NULL is allowed. */
void store_close(struct store *store);

/*
 * Takes a batch for the writer and gives an empty one back in *batch (double buffering). Waits for
 * room until deadline_ms (monotonic): ERR_LIMIT then, nothing taken; back-pressure is explicit.
 * When the writer failed for good (disk full, damage) its error is returned at every call. What
 * events keep raw may be compressed in place, taken or not: a batch goes to one store only. Any
 * thread. Facts and cursor are visible to new readers after the writer's next commit.
 */
bool store_put(struct store *store, struct fact_batch **batch, int64_t deadline_ms, struct err *err);
/* What was put with `more` set is followed by nothing after all: it need not wait to be shown. */
void store_settle(struct store *store);
/* Waits until everything put before is committed and visible. */
bool store_flush(struct store *store, int64_t deadline_ms, struct err *err);
/* The cursor that committed last for a source, copied into the arena; NONE = never read. */
bool store_cursor(struct store *store, struct text source, struct arena *arena,
	struct text *cursor_out, struct err *err);
/* Deletes what is past its keep_days, in slices; writer thread does it by itself once an hour. */
bool store_retain(struct store *store, struct err *err);

struct store_totals { /* since store_open, for one source or (NONE) all */
	int64_t batches, events_put, events_new, facts_put, facts_new, undecodable;
};
void store_totals(struct store *store, struct text source, struct store_totals *out);

/* Who holds the writer lock of the store at path: a pid, or 0 for nobody. No side effect. */
int store_writer_pid(const char *path);

#endif
