/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_DELTA_ACTION_H
#define COLLECTORS_DELTA_ACTION_H

#include "collectors/delta/parts.h"
#include "collectors/delta/snapshot.h"

/* One action of a commit or checkpoint as replay needs it. Inside the library. */
enum delta_action_kind {
	DELTA_ACTION_OTHER, /* cdc, and what later protocols may add: ignored */
	DELTA_ACTION_ADD,
	DELTA_ACTION_REMOVE,
	DELTA_ACTION_METADATA,
	DELTA_ACTION_PROTOCOL,
	DELTA_ACTION_TXN,
	DELTA_ACTION_DOMAIN,
	DELTA_ACTION_INFO,
	DELTA_ACTION_CHECKPOINT, /* checkpointMetadata */
	DELTA_ACTION_SIDECAR
};

/* Texts borrow from the line, the json or the arena: whoever made the action says which. */
struct delta_action {
	enum delta_action_kind kind;
	struct delta_entry entry;  /* of add and remove */
	bool data_change;
	int64_t in_commit_ms;      /* of commitInfo */
	struct text name, value;   /* appId or domain; configuration; a sidecar's path */
	int64_t number;            /* txn's version */
	bool removed;              /* of a domain */
	const json_t *json;        /* of metaData and protocol; borrowed */
};
enum delta_action_kind delta_action_kind_of(struct text name);

/*
 * The fast reader: one line that is one object with one action, as engines write it. False: it
 * stands back, delta_action_read decides. What it reads, both read the same. arena: for texts with
 * escapes; the line itself must be valid UTF-8. column: see delta_at.null_count_column.
 */
bool delta_action_scan(struct arena *arena, struct text line, struct text column,
	struct delta_action *out);
/* The general reader, of one action of an object jansson read. False: reason_out says why. */
bool delta_action_read(struct arena *arena, const char *name, const json_t *value,
	struct text column, struct delta_action *out, const char **reason_out);
/* numRecords and a column's nullCount out of a stats object's JSON. */
void delta_stats_read(struct text stats, struct text column, int64_t *records_out,
	int64_t *null_count_out);
struct delta_action delta_action_none(enum delta_action_kind kind);

#endif
