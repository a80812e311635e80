/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_DELTA_CONDITION_H
#define COLLECTORS_DELTA_CONDITION_H

#include "collectors/delta/snapshot.h"

/*
 * What a table holds and which of its versions can be restored, as facts: FACT_TABLE and
 * FACT_STANDING, each only when it differs from what was told before in this life. Zero-initialize.
 */
struct delta_told {
	int64_t version;
	uint64_t hash; /* of what was told of its standing */
};

struct delta_condition {
	struct delta_snapshot *snapshot; /* kept between looks while it is small; NULL */
	struct delta_horizon horizon;
	struct delta_told *told; /* by version; gone with the snapshot: the store knows, too */
	size_t ntold;
	uint64_t told_table; /* hash of the last FACT_TABLE; 0 = none */
};

struct delta_condition_look {
	struct text path, name;  /* as in struct fact_version; name clean */
	struct text rescued;     /* column of rescued data; NONE = none */
	struct text flag;        /* partition column that sets rows aside where it is true; NONE */
	int64_t now_ms;
	int64_t keep_bytes;      /* a larger state is read anew at the next look */
	int64_t looks_max;       /* files looked for */
	struct progress *progress; /* must outlive the condition; NULL = none */
};

enum { DELTA_STANDINGS_MAX = 10 * 1000 }; /* newest versions whose standing is told */

/*
 * Looks and adds what is news to the batch. A table that may not be read is told as a FACT_TABLE
 * with a problem. Cost: advancing the snapshot, or opening it; the horizon's looks. False: stopped by
 * progress, nothing was added.
 */
bool delta_condition_look(struct delta_condition *condition,
	const struct delta_condition_look *look, struct fact_batch *batch);
/* Bytes its kept state takes; 0 = nothing kept. */
int64_t delta_condition_bytes(const struct delta_condition *condition);
/* Lets go of all that is kept; what is told again, the store finds unchanged. */
void delta_condition_drop(struct delta_condition *condition);

#endif
