/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_KAFKA_DEBEZIUM_H
#define COLLECTORS_KAFKA_DEBEZIUM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/text.h"

/*
 * What a change event says about itself: which table, what was done, when. Of the row it carries
 * nothing is looked at, let alone kept. Envelopes with a schema ({"schema":..,"payload":..}) and
 * without; a value that was flattened says no table and is unknown. Pure; no allocation but in table.
 */
enum debezium_kind {
	DEBEZIUM_UNKNOWN,  /* no envelope: flattened, another format, broken */
	DEBEZIUM_CHANGE,
	DEBEZIUM_TOMBSTONE /* no value: follows a delete, for compaction */
};

struct debezium {
	enum debezium_kind kind;
	char op;              /* c, u, d, r (read by a snapshot), t, m; 0 = not told */
	int64_t source_ts_ms; /* change in the database; FACT_UNKNOWN */
	bool snapshot;        /* then source_ts_ms is when the snapshot was taken, not a change */
};

/* table: emptied, then "db.schema.table" as far as told (bounded by its max; may be unclean). */
void debezium_read(struct text value, struct debezium *out, struct buf *table);
/* The topic a record was for before a router put it here: __dbz__sourceIdentifier; NONE = not told. */
struct text debezium_key_source(struct text key);

#endif
