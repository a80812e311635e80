/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/delta/state_parts.h"

#include <stdlib.h>

#include "base/mem.h"

enum {
	BLOCK_BYTES = 1 << 20,
	RECORD_MAX = 64 << 10,  /* bytes; a longer path or vector is refused */
	UNIT = 4,               /* records begin at multiples of it */
	COMPACT_LEAST = 4 << 20 /* dead bytes worth the trouble */
};

#define KEY_FLAGS (RECORD_PACKED | RECORD_VECTOR)

static char *record_at(const struct delta_state *state, size_t at)
{
	return state->blocks[at / BLOCK_BYTES] + at % BLOCK_BYTES;
}

/* Of a slot that is not free. */
static char *record_in(const struct delta_state *state, size_t slot)
{
	return record_at(state, ((size_t)(uint32_t)state->slots[slot] - 1) * UNIT);
}

static int64_t clipped(int64_t value)
{
	return value < 0 ? FACT_UNKNOWN : value;
}

/* ---- sums ---- */

/* Sums wrap rather than overflow: hostile sizes give nonsense, not undefined behavior. */
static void add_to(int64_t *sum, int64_t *unknown, int64_t value, int sign)
{
	if (value == FACT_UNKNOWN)
		*unknown += sign;
	else
		*sum = (int64_t)((uint64_t)*sum + (uint64_t)value * (uint64_t)(int64_t)sign);
}

static void count(struct delta_state *state, const struct delta_entry *entry, uint32_t partition,
	int sign)
{
	struct delta_sums *sums = &state->sums;

	if (entry->tombstone) {
		sums->tombstones += sign;
		return;
	}
	sums->files += sign;
	add_to(&sums->bytes, &sums->no_size, clipped(entry->size), sign);
	add_to(&sums->records, &sums->no_records, clipped(entry->records), sign);
	add_to(&sums->null_count, &sums->no_null_count, clipped(entry->null_count), sign);
	if (entry->dv.storage) {
		sums->vectors += sign;
		if (delta_rows_alive(clipped(entry->records), true,
			    clipped(entry->dv.cardinality)) == FACT_UNKNOWN)
			sums->no_hidden += sign;
		else
			add_to(&sums->hidden, &sums->no_hidden, entry->dv.cardinality, sign);
	}
	if (entry->size >= 0 && entry->size < DELTA_SMALL_FILE) {
		sums->small_files += sign;
		sums->small_bytes += sign * entry->size;
	}
	if (sign > 0 && state->partitions.counts[partition]++ == 0)
		state->partitions_used++;
	if (sign < 0 && --state->partitions.counts[partition] == 0)
		state->partitions_used--;
}

/* ---- the index ---- */

static size_t slot_start(uint64_t hash, size_t nslots)
{
	return (size_t)(hash >> 32) & (nslots - 1);
}

static void grow(struct delta_state *state)
{
	size_t n = state->nslots ? state->nslots * 2 : 64;
	uint64_t *slots = NEW_ARRAY(uint64_t, n);

	for (size_t i = 0; i < state->nslots; i++) {
		size_t at;

		if (state->slots[i] == 0)
			continue;
		at = slot_start(state->slots[i], n);
		while (slots[at])
			at = (at + 1) & (n - 1);
		slots[at] = state->slots[i];
	}
	free(state->slots);
	state->slots = slots;
	state->nslots = n;
}

/* The slot of this key: where it is, or where it would be. */
static size_t find(const struct delta_state *state, uint64_t hash, const char *key, size_t key_len,
	unsigned flags)
{
	size_t at = slot_start(hash, state->nslots);

	for (; state->slots[at]; at = (at + 1) & (state->nslots - 1)) {
		const char *record;
		const char *other;
		uint64_t units;

		if (state->slots[at] >> 32 != hash >> 32)
			continue;
		record = record_in(state, at);
		if ((((unsigned char)*record ^ flags) & KEY_FLAGS) != 0)
			continue;
		/* Keys are of the same kind and tell their own length: no prefix of another. */
		other = take_number(record + 1, &units);
		if ((size_t)units * UNIT - (size_t)(other - record) >= key_len &&
			memcmp(other, key, key_len) == 0)
			return at;
	}
	return at;
}

/* Room for a record that must not lie over the end of a block. */
static char *append(struct delta_state *state, size_t len, size_t *at_out)
{
	size_t left = state->nblocks * BLOCK_BYTES - state->at;
	char *to;

	if (left < len) {
		if (left > 0) /* a hole: no record begins with these flags and length 0 */
			memset(record_at(state, state->at), 0, left);
		state->at = state->nblocks * BLOCK_BYTES;
		if (state->nblocks == state->blocks_room) {
			state->blocks_room = state->blocks_room ? state->blocks_room * 2 : 8;
			state->blocks =
				mem_resize(state->blocks, state->blocks_room, sizeof(char *));
		}
		state->blocks[state->nblocks++] = mem_alloc(BLOCK_BYTES);
	}
	to = record_at(state, state->at);
	*at_out = state->at;
	state->at += len;
	return to;
}

static size_t record_len(const char *record)
{
	uint64_t units;

	(void)take_number(record + 1, &units);
	return (size_t)units * UNIT;
}

/* Blocks begin small records and end in a hole; the place of the next record at or behind at. */
static bool next_record(const struct delta_state *state, size_t *at)
{
	while (*at < state->at) {
		if (record_len(record_at(state, *at)) > 0)
			return true;
		*at = (*at / BLOCK_BYTES + 1) * BLOCK_BYTES;
	}
	return false;
}

/* Moves the live records together; places change, so the index is made anew. */
static void compact(struct delta_state *state)
{
	struct delta_state old = *state;
	size_t at = 0;
	size_t place;

	state->blocks = NULL;
	state->nblocks = state->blocks_room = state->at = state->dead = 0;
	memset(state->slots, 0, state->nslots * sizeof *state->slots);
	for (; next_record(&old, &at); at += record_len(record_at(&old, at))) {
		const char *record = record_at(&old, at);
		size_t len = record_len(record);
		unsigned flags = (unsigned char)*record;
		const char *key;
		uint64_t hash;
		uint64_t units;
		size_t slot;

		if (!(flags & RECORD_LIVE))
			continue;
		memcpy(append(state, len, &place), record, len);
		key = take_number(record + 1, &units);
		hash = delta_hash(key, (size_t)(delta_key_skip(key, flags) - key));
		slot = slot_start(hash, state->nslots);
		while (state->slots[slot])
			slot = (slot + 1) & (state->nslots - 1);
		state->slots[slot] = (hash >> 32 << 32) | (place / UNIT + 1);
		free(at / BLOCK_BYTES > 0 ? old.blocks[at / BLOCK_BYTES - 1] : NULL);
		if (at / BLOCK_BYTES > 0)
			old.blocks[at / BLOCK_BYTES - 1] = NULL;
	}
	for (size_t i = 0; i < old.nblocks; i++)
		free(old.blocks[i]);
	free(old.blocks);
}

/* What a slot points to is superseded. */
static void bury(struct delta_state *state, size_t slot)
{
	size_t at = ((size_t)(uint32_t)state->slots[slot] - 1) * UNIT;
	char *record = record_at(state, at);
	unsigned flags = (unsigned char)*record;
	struct delta_entry old = { 0 };
	uint32_t partition;
	uint64_t units;
	const char *key = take_number(record + 1, &units);

	if (flags & RECORD_VECTOR) /* only that there is one matters to the sums */
		old.dv.storage = 'u';
	delta_rest_take(state, delta_key_skip(key, flags), flags, &old, &partition);
	count(state, &old, partition, -1);
	*record = (char)(flags & ~(unsigned)RECORD_LIVE);
	state->dead += (size_t)units * UNIT;
}

/* A whole record of what is at key to end; false when the state is full. */
static bool put_record(struct delta_state *state, unsigned flags, const char *key, const char *end,
	uint32_t *place_out)
{
	size_t len = (size_t)(end - key);
	char head[8];
	size_t head_len = 0;
	size_t whole = 0;
	size_t place;
	char *record;

	/* The length counts itself, in as many bytes as it then needs. */
	for (size_t guess = 2; guess <= 4; guess++) {
		whole = (guess + len + UNIT - 1) / UNIT * UNIT;
		head_len = (size_t)(put_number(head + 1, whole / UNIT) - head);
		if (head_len <= guess) {
			head_len = guess;
			break;
		}
	}
	/* A guess too long by one is filled up: numbers may have leading zeros. */
	if (put_number(head + 1, whole / UNIT) < head + head_len) {
		size_t used = (size_t)(put_number(head + 1, whole / UNIT) - head);

		head[used - 1] |= (char)0x80;
		while (used < head_len - 1)
			head[used++] = (char)0x80;
		head[head_len - 1] = 0;
	}
	head[0] = (char)flags;
	if ((state->at + BLOCK_BYTES) / UNIT >= UINT32_MAX - 1)
		return false;
	record = append(state, whole, &place);
	memcpy(record, head, head_len);
	memcpy(record + head_len, key, len);
	memset(record + head_len + len, 0, whole - head_len - len);
	*place_out = (uint32_t)(place / UNIT + 1);
	return true;
}

static void take_record(const struct delta_state *state, const char *record, struct arena *arena,
	struct delta_entry *out)
{
	unsigned flags = (unsigned char)*record;
	uint32_t partition;
	uint64_t units;
	const char *key = take_number(record + 1, &units);
	const char *rest;

	*out = (struct delta_entry){ .dv.offset = FACT_UNKNOWN };
	rest = delta_key_take(state, key, flags, arena, out);
	delta_rest_take(state, rest, flags, out, &partition);
	if (partition != UINT32_MAX)
		out->partition_values = delta_word(&state->partitions, partition);
}

/* A file that is only told anew came when it came. */
static int64_t since_of(struct delta_state *state, size_t slot, const struct delta_entry *entry)
{
	struct delta_entry was = { .since = FACT_UNKNOWN };
	struct arena arena = { 0 };
	const char *record = state->slots[slot] ? record_in(state, slot) : NULL;

	if (record && !((unsigned char)*record & RECORD_TOMBSTONE))
		take_record(state, record, &arena, &was);
	arena_free(&arena);
	return was.since == FACT_UNKNOWN ? entry->since : was.since;
}

bool delta_state_put(struct delta_state *state, const struct delta_entry *entry)
{
	struct delta_entry dated;
	struct text canonical = delta_path_canonical(&state->scratch, entry->path);
	struct text values = entry->partition_values.bytes ? entry->partition_values : TEXT("{}");
	unsigned flags = RECORD_LIVE | (entry->tombstone ? RECORD_TOMBSTONE : 0u);
	size_t most = entry->path.len * 2 + entry->dv.path.len + 256;
	char room[1024];
	char *key = room;
	char *end;
	size_t slot;
	uint64_t hash;
	uint32_t partition = 0;
	uint32_t place;

	if (most > RECORD_MAX || entry->path.len == 0)
		return false;
	if (most > sizeof room)
		key = arena_alloc(&state->scratch, most);
	if (canonical.bytes != entry->path.bytes || canonical.len != entry->path.len)
		flags |= RECORD_SPELLED;
	if (!entry->tombstone && entry->null_count != FACT_UNKNOWN)
		flags |= RECORD_COUNTED;
	if (!entry->tombstone && entry->since != FACT_UNKNOWN)
		flags |= RECORD_DATED;
	end = delta_key_put(state, key, entry, canonical, true, &flags);
	if (!end)
		return false;
	if (!entry->tombstone) {
		partition = delta_words_number(&state->partitions, values, true);
		if (partition == UINT32_MAX)
			return false;
		if (state->base_ms == FACT_UNKNOWN)
			state->base_ms = entry->modified_ms;
	}
	if (state->nused * 5 >= state->nslots * 4)
		grow(state);
	hash = delta_hash(key, (size_t)(end - key));
	slot = find(state, hash, key, (size_t)(end - key), flags);
	if (flags & RECORD_DATED) {
		dated = *entry;
		dated.since = since_of(state, slot, entry);
		entry = &dated;
	}
	end = delta_rest_put(state, end, entry, partition, flags);
	if (!put_record(state, flags, key, end, &place))
		return false;
	if (state->slots[slot])
		bury(state, slot);
	else
		state->nused++;
	state->slots[slot] = (hash >> 32 << 32) | place;
	count(state, entry, partition, 1);
	if (state->scratch.bytes > 1 << 16)
		arena_reset(&state->scratch);
	if (state->dead > COMPACT_LEAST && state->dead * 2 > state->at)
		compact(state);
	return true;
}

/* The record of an entry's key; NULL = none. */
static const char *find_record(struct delta_state *state, const struct delta_entry *entry)
{
	struct text canonical = delta_path_canonical(&state->scratch, entry->path);
	size_t most = entry->path.len * 2 + entry->dv.path.len + 256;
	const char *record = NULL;
	unsigned flags = 0;
	char room[1024];
	char *key = room;
	char *end;
	size_t slot;

	if (most > RECORD_MAX || entry->path.len == 0 || state->nslots == 0)
		return NULL;
	if (most > sizeof room)
		key = arena_alloc(&state->scratch, most);
	end = delta_key_put(state, key, entry, canonical, false, &flags);
	if (end) {
		slot = find(state, delta_hash(key, (size_t)(end - key)), key,
			(size_t)(end - key), flags);
		if (state->slots[slot])
			record = record_in(state, slot);
	}
	if (state->scratch.bytes > 1 << 16)
		arena_reset(&state->scratch);
	return record;
}

static const char *find_live(struct delta_state *state, const struct delta_entry *entry)
{
	const char *record = find_record(state, entry);

	return record && !((unsigned char)*record & RECORD_TOMBSTONE) ? record : NULL;
}

bool delta_state_has(struct delta_state *state, const struct delta_entry *entry)
{
	return find_live(state, entry) != NULL;
}

bool delta_state_next(const struct delta_state *state, bool tombstones, size_t *at,
	struct arena *arena, struct delta_entry *out)
{
	while (next_record(state, at)) {
		const char *record = record_at(state, *at);
		unsigned flags = (unsigned char)*record;

		*at += record_len(record);
		if (!(flags & RECORD_LIVE) || tombstones != !!(flags & RECORD_TOMBSTONE))
			continue;
		take_record(state, record, arena, out);
		return true;
	}
	return false;
}

bool delta_state_get(struct delta_state *state, const struct delta_entry *entry,
	struct arena *arena, struct delta_entry *out)
{
	const char *record = find_live(state, entry);

	if (record)
		take_record(state, record, arena, out);
	return record != NULL;
}

int64_t delta_state_deleted_ms(struct delta_state *state, const struct delta_entry *entry)
{
	const char *record = find_record(state, entry);
	struct arena arena = { 0 };
	struct delta_entry found = { .deleted_ms = FACT_UNKNOWN };

	if (record)
		take_record(state, record, &arena, &found);
	arena_free(&arena);
	return found.tombstone ? found.deleted_ms : FACT_UNKNOWN;
}

void delta_state_init(struct delta_state *state)
{
	*state = (struct delta_state){ .base_ms = FACT_UNKNOWN };
}

void delta_state_done(struct delta_state *state)
{
	for (size_t i = 0; i < state->nblocks; i++)
		free(state->blocks[i]);
	free(state->blocks);
	free(state->slots);
	delta_words_done(&state->dirs);
	delta_words_done(&state->tails);
	delta_words_done(&state->partitions);
	arena_free(&state->scratch);
	*state = (struct delta_state){ 0 };
}

size_t delta_state_bytes(const struct delta_state *state)
{
	return state->at + state->nslots * sizeof *state->slots + delta_words_bytes(&state->dirs) +
		delta_words_bytes(&state->tails) + delta_words_bytes(&state->partitions);
}
