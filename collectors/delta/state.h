/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_DELTA_STATE_H
#define COLLECTORS_DELTA_STATE_H

#include "collectors/delta/snapshot.h"

/*
 * Files and tombstones of a table in little memory: packed records in blocks, found by an
 * open-addressing index. A record holds what is particular to a file; directories, tails of names
 * and partition values are kept once. Key: canonical path and deletion vector's id. Inside the
 * library; one thread.
 */
struct delta_words { /* texts kept once, numbered from 0 */
	char *bytes;
	size_t len, room;
	uint32_t *starts; /* of word i; starts[n] = len; they grow together */
	uint32_t *slots;  /* number + 1; 0 = free */
	uint32_t *counts; /* files that use word i; only of partition values */
	size_t n, words_room, slots_room;
	uint32_t last;    /* the word found last: most often the next one, too */
};

struct delta_sums {
	int64_t files, bytes, records, hidden, null_count, tombstones;
	int64_t no_size, no_records, no_hidden, no_null_count; /* files of which it is not known */
	int64_t vectors, small_files, small_bytes;
};

struct delta_state {
	char **blocks;
	size_t nblocks, blocks_room;
	size_t at;          /* next free byte, counted over all blocks */
	size_t dead;        /* bytes of records that are no longer anything */
	uint64_t *slots;    /* hash's upper 32 bits, place in units of 4 bytes plus 1 */
	size_t nslots, nused; /* slots: a power of two */
	struct delta_words dirs, tails, partitions;
	int64_t base_ms;    /* modification times are kept relative to it */
	struct delta_sums sums;
	int64_t partitions_used;
	struct arena scratch;
};
void delta_state_init(struct delta_state *state);
void delta_state_done(struct delta_state *state);
/*
 * Later wins, but a file that is there keeps its `since`. entry->tombstone: removed. False: a name or
 * vector too long to keep.
 */
bool delta_state_put(struct delta_state *state, const struct delta_entry *entry);
/* The record that begins at or behind *at, texts in the arena; false at the end. */
bool delta_state_next(const struct delta_state *state, bool tombstones, size_t *at,
	struct arena *arena, struct delta_entry *out);
/* True when a file of this key is there and no tombstone. */
bool delta_state_has(struct delta_state *state, const struct delta_entry *entry);
/* The file of this key; false: not there, or a tombstone. Texts in the arena. */
bool delta_state_get(struct delta_state *state, const struct delta_entry *entry,
	struct arena *arena, struct delta_entry *out);
/* deletionTimestamp of the tombstone of this key; FACT_UNKNOWN: none, or not told. */
int64_t delta_state_deleted_ms(struct delta_state *state, const struct delta_entry *entry);
size_t delta_state_bytes(const struct delta_state *state);

/*
 * The form of a path that tells whether two spellings mean one file: percent-decoded, an absolute
 * one without scheme taken for file:. The same text where nothing is to be done.
 */
struct text delta_path_canonical(struct arena *arena, struct text path);
struct text delta_path_decoded(struct arena *arena, struct text path);

#endif
