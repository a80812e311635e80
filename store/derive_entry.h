/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_DERIVE_ENTRY_H
#define STORE_DERIVE_ENTRY_H

#include "store/derive.h"

/* The inside of store/derive.h: updates and flows in memory. Private to derive*.c. */
struct flow_entry {
	struct flow_fold fold;
	struct fold_rolls rolls; /* of this batch */
	int64_t batch_min;       /* 0 = no row yet */
	int64_t first_k, last_k; /* with the events a stale fold has not taken */
	int64_t row_first_k, row_dataset; /* what its row's indexes hold */
	bool row_quality;
	bool dirty, stale;
};

struct run_entry {
	struct update_fold fold;
	struct flow_entry **flows;
	size_t nflows, flows_room;
	int64_t batch_min; /* 0 = no row yet */
	int64_t upd;
	bool dirty;
};

struct slot {
	int64_t upd, flow; /* flow 0 = the update itself */
	void *entry;       /* NULL = free */
};

struct derive {
	sqlite3 *db;
	sqlite3_stmt *run_get, *flows_get, *run_put, *flow_add, *flow_set, *flow_put, *facts;
	sqlite3_stmt *roll_get, *roll_add, *roll_set;
	struct slot *slots;
	size_t room, n;
	struct run_entry **runs; /* all in memory */
	size_t nruns, runs_room, nflows, ndirty;
	struct run_entry *last; /* events of an update come together */
	struct buf buf;
	struct fold_rolls rolls; /* of the flush, merged */
	struct fold_rolls roll;  /* of one row */
};

void *derive_find(const struct derive *derive, int64_t upd, int64_t flow); /* NULL: not in memory */
/* To what the flush adds to the rollup; negative: takes away. */
void derive_add_rolls(struct derive *derive, const struct fold_rolls *from, bool negative);
bool derive_refold(struct derive *derive, int64_t n, struct err *err); /* every stale flow */

#endif
