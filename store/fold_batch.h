/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_FOLD_BATCH_H
#define STORE_FOLD_BATCH_H

#include "store/fold.h"

/* The part of store/fold.h that adds up micro-batches. Private to fold*.c. */
enum { METRIC_OUTPUT, METRIC_UPSERTED, METRIC_DELETED, METRIC_DROPPED, METRIC_BYTES, METRIC_COUNT };

struct fold_seen { /* the largest values seen; seen = reported at all */
	bool seen;
	int64_t passed, failed;
};

struct fold_batch {
	int64_t id;
	int64_t hour; /* the newest hour in which it reported; FACT_UNKNOWN */
	int64_t max[METRIC_COUNT];
	int64_t hour_max[METRIC_COUNT]; /* of this hour's events only */
	struct fold_seen *rules, *hour_rules; /* by the index of flow_fold.rules */
	size_t room;
};

struct fold_batch *fold_batch_new(int64_t id, size_t rules_room);
void fold_batch_free(struct fold_batch *batch);
/* Adds the event's numbers to the totals; false: of an older micro-batch, nothing done. */
bool fold_batch_add(
	struct flow_fold *fold, const struct stored_event *event, struct fold_rolls *rolls);

#endif
