/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/delta/state.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
	BLOCK_BYTES = 1 << 20,
	RECORD_MAX = 64 << 10,  /* bytes; a longer path or vector is refused */
	TAIL_MAX = 64,          /* a name's end that is kept once */
	UNIT = 4,               /* records begin at multiples of it */
	COMPACT_LEAST = 4 << 20 /* dead bytes worth the trouble */
};

/* A record's first byte. */
enum {
	LIVE = 1,      /* 0: superseded, only its length counts */
	TOMBSTONE = 2,
	PACKED = 4,    /* the name is part-N-UUID and a tail */
	VECTOR = 8,    /* has a deletion vector */
	SPELLED = 16,  /* the log's spelling is not the canonical form: it stands at the end */
	COUNTED = 32,  /* has a null count */
	DATED = 64     /* has the version that added it */
};
#define KEY_FLAGS (PACKED | VECTOR)

static uint64_t mix(uint64_t h)
{
	h ^= h >> 32;
	h *= 0x9e3779b97f4a7c15u;
	return h ^ (h >> 29);
}

/* Eight bytes at a time; good enough for a table in memory, compared by bytes besides. */
static uint64_t hash_bytes(const char *bytes, size_t len)
{
	uint64_t h = len * 0x9e3779b97f4a7c15u;
	uint64_t word;

	for (; len >= 8; bytes += 8, len -= 8) {
		memcpy(&word, bytes, 8);
		h = (h ^ word) * 0xff51afd7ed558ccdu;
		h ^= h >> 32;
	}
	word = 0;
	memcpy(&word, bytes, len);
	return mix((h ^ word) * 0xc4ceb9fe1a85ec53u);
}

/* ---- numbers ---- */

static char *put_number(char *to, uint64_t value)
{
	while (value >= 0x80) {
		*to++ = (char)(value | 0x80);
		value >>= 7;
	}
	*to++ = (char)value;
	return to;
}

static const char *take_number(const char *from, uint64_t *value_out)
{
	uint64_t value = 0;
	unsigned shift = 0;

	for (;;) {
		unsigned char c = (unsigned char)*from++;

		value |= (uint64_t)(c & 0x7f) << shift;
		if (c < 0x80)
			break;
		shift += 7;
	}
	*value_out = value;
	return from;
}

/* Unknown is 0, what is known 1 more. */
static char *put_known(char *to, int64_t value)
{
	return put_number(to, value == FACT_UNKNOWN || value < 0 ? 0 : (uint64_t)value + 1);
}

static const char *take_known(const char *from, int64_t *value_out)
{
	uint64_t value;

	from = take_number(from, &value);
	*value_out = value == 0 ? FACT_UNKNOWN : (int64_t)(value - 1);
	return from;
}

/* Signed numbers near 0, unknown as the number after all of them. */
static char *put_signed(char *to, int64_t value)
{
	uint64_t u = (uint64_t)value;

	return put_number(to, value < 0 ? ~(u << 1) : u << 1);
}

static const char *take_signed(const char *from, int64_t *value_out)
{
	uint64_t u;

	from = take_number(from, &u);
	*value_out = (int64_t)(u & 1 ? ~(u >> 1) : u >> 1);
	return from;
}

/* ---- words ---- */

static struct text word_text(const struct delta_words *words, uint32_t number)
{
	return (struct text){ words->bytes + words->starts[number],
		words->starts[number + 1] - words->starts[number] };
}

static void grow_word_slots(struct delta_words *words)
{
	size_t room = words->slots_room ? words->slots_room * 2 : 16;
	uint32_t *slots = NEW_ARRAY(uint32_t, room);

	for (uint32_t i = 0; i < words->n; i++) {
		struct text text = word_text(words, i);
		size_t at = hash_bytes(text.bytes, text.len) & (room - 1);

		while (slots[at])
			at = (at + 1) & (room - 1);
		slots[at] = i + 1;
	}
	free(words->slots);
	words->slots = slots;
	words->slots_room = room;
}

/* UINT32_MAX when there is no room left for another. */
static uint32_t word_number(struct delta_words *words, struct text text, bool add)
{
	size_t at;

	if (words->n > 0) {
		struct text last = word_text(words, words->last);

		if (last.len == text.len && memcmp(last.bytes, text.bytes, text.len) == 0)
			return words->last;
	}
	if (words->n * 2 >= words->slots_room)
		grow_word_slots(words);
	at = hash_bytes(text.bytes, text.len) & (words->slots_room - 1);
	for (; words->slots[at]; at = (at + 1) & (words->slots_room - 1)) {
		struct text known = word_text(words, words->slots[at] - 1);

		if (known.len == text.len && memcmp(known.bytes, text.bytes, text.len) == 0)
			return words->last = words->slots[at] - 1;
	}
	if (!add || words->len + text.len >= UINT32_MAX)
		return UINT32_MAX;
	if (words->n + 2 > words->words_room) {
		words->words_room = words->words_room ? words->words_room * 3 / 2 : 8;
		words->starts = mem_resize(words->starts, words->words_room, sizeof(uint32_t));
		words->counts = mem_resize(words->counts, words->words_room, sizeof(uint32_t));
	}
	if (words->len + text.len >= words->room) {
		words->room = (words->len + text.len) * 3 / 2 + 64;
		words->bytes = mem_resize(words->bytes, words->room, 1);
	}
	memcpy(words->bytes + words->len, text.bytes, text.len);
	words->starts[words->n] = (uint32_t)words->len;
	words->counts[words->n] = 0;
	words->len += text.len;
	words->last = (uint32_t)words->n;
	words->slots[at] = (uint32_t)++words->n;
	words->starts[words->n] = (uint32_t)words->len;
	return words->last;
}

static void words_done(struct delta_words *words)
{
	free(words->bytes);
	free(words->starts);
	free(words->counts);
	free(words->slots);
	*words = (struct delta_words){ 0 };
}

static size_t words_bytes(const struct delta_words *words)
{
	return words->room + 2 * words->words_room * sizeof(uint32_t) +
		words->slots_room * sizeof(uint32_t);
}

/* ---- paths ---- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

struct text delta_path_decoded(struct arena *arena, struct text path)
{
	char *to;
	size_t len = 0;

	if (path.len == 0 || !memchr(path.bytes, '%', path.len))
		return path;
	to = arena_alloc(arena, path.len + 1);
	for (size_t i = 0; i < path.len; i++) {
		char c = path.bytes[i];

		if (c == '%' && i + 2 < path.len && hex_digit(path.bytes[i + 1]) >= 0 &&
			hex_digit(path.bytes[i + 2]) >= 0) {
			c = (char)(hex_digit(path.bytes[i + 1]) << 4 | hex_digit(path.bytes[i + 2]));
			i += 2;
		}
		to[len++] = c;
	}
	return (struct text){ to, len };
}

struct text delta_path_canonical(struct arena *arena, struct text path)
{
	struct text text = delta_path_decoded(arena, path);

	if (text_starts(text, TEXT("file:"))) { /* file:/a, file:///a: the path behind the scheme */
		size_t at = 5;

		while (at + 1 < text.len && text.bytes[at] == '/' && text.bytes[at + 1] == '/')
			at++;
		return text_sub(text, at, text.len);
	}
	return text;
}

static int hex_lower(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* part-00000-3935a07c-416b-4344-ad97-2a38342ee2fc and a tail: what engines name files by. */
static bool unpack_name(struct text name, uint64_t *part_out, char uuid_out[16],
	struct text *tail_out)
{
	const char *p = name.bytes + 5;
	const char *end = name.bytes + name.len;
	uint64_t part = 0;
	size_t digits = 0;
	size_t n = 0;

	if (name.len < 5 + 5 + 1 + 36 || memcmp(name.bytes, "part-", 5) != 0)
		return false;
	while (p < end && digits < 10 && *p >= '0' && *p <= '9') {
		part = part * 10 + (uint64_t)(*p++ - '0');
		digits++;
	}
	if (digits < 5 || (digits > 5 && p[-(ptrdiff_t)digits] == '0') || end - p < 37 || *p++ != '-')
		return false;
	for (size_t i = 0; i < 36; i++) {
		int high;
		int low;

		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (p[i] != '-')
				return false;
			continue;
		}
		high = hex_lower(p[i]);
		low = hex_lower(p[++i]);
		if (high < 0 || low < 0)
			return false;
		uuid_out[n++] = (char)(high << 4 | low);
	}
	*part_out = part;
	*tail_out = (struct text){ p + 36, (size_t)(end - p - 36) };
	return tail_out->len <= TAIL_MAX;
}

static size_t pack_name_text(char *to, uint64_t part, const char uuid[16])
{
	static const char digits[] = "0123456789abcdef";
	char number[24];
	char *p = to;
	size_t n = 0;

	do
		number[n++] = (char)('0' + part % 10);
	while (part /= 10);
	while (n < 5)
		number[n++] = '0';
	memcpy(p, "part-", 5);
	p += 5;
	while (n > 0)
		*p++ = number[--n];
	*p++ = '-';
	for (size_t i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		*p++ = digits[(unsigned char)uuid[i] >> 4];
		*p++ = digits[uuid[i] & 15];
	}
	return (size_t)(p - to);
}

/* ---- records ---- */

static char *record_at(const struct delta_state *state, size_t at)
{
	return state->blocks[at / BLOCK_BYTES] + at % BLOCK_BYTES;
}

static char *put_text(char *to, struct text text)
{
	to = put_number(to, text.len);
	if (text.len > 0)
		memcpy(to, text.bytes, text.len);
	return to + text.len;
}

static const char *take_text(const char *from, struct text *out)
{
	uint64_t len;

	from = take_number(from, &len);
	*out = (struct text){ from, (size_t)len };
	return from + len;
}

/* The key's bytes: equal for what the protocol calls the same file. NULL: cannot be kept. */
static char *put_key(struct delta_state *state, char *to, const struct delta_entry *entry,
	struct text canonical, bool add, unsigned *flags)
{
	const char *slash = memrchr(canonical.bytes, '/', canonical.len);
	size_t dir_len = slash ? (size_t)(slash - canonical.bytes) + 1 : 0;
	struct text name = text_sub(canonical, dir_len, canonical.len);
	struct text tail;
	uint64_t part;
	char uuid[16];
	uint32_t number = word_number(&state->dirs, text_sub(canonical, 0, dir_len), add);

	if (number == UINT32_MAX)
		return NULL;
	to = put_number(to, number);
	if (unpack_name(name, &part, uuid, &tail)) {
		number = word_number(&state->tails, tail, add);
		if (number == UINT32_MAX)
			return NULL;
		*flags |= PACKED;
		memcpy(to, uuid, sizeof uuid);
		to = put_number(to + sizeof uuid, part);
		to = put_number(to, number);
	} else {
		to = put_text(to, name);
	}
	if (entry->dv.storage) {
		*flags |= VECTOR;
		*to++ = entry->dv.storage;
		to = put_text(to, entry->dv.path);
		to = put_known(to, entry->dv.offset);
	}
	return to;
}

static const char *skip_key(const char *from, unsigned flags)
{
	struct text text;
	uint64_t number;
	int64_t known;

	from = take_number(from, &number);
	if (flags & PACKED) {
		from = take_number(from + 16, &number);
		from = take_number(from, &number);
	} else {
		from = take_text(from, &text);
	}
	if (flags & VECTOR) {
		from = take_text(from + 1, &text);
		from = take_known(from, &known);
	}
	return from;
}

/* The key in words again. */
static const char *take_key(const struct delta_state *state, const char *from, unsigned flags,
	struct arena *arena, struct delta_entry *out)
{
	uint64_t number;
	uint64_t part;
	struct text dir;
	struct text tail;
	struct text name;
	char uuid[16];
	char *path;
	size_t len;

	from = take_number(from, &number);
	dir = word_text(&state->dirs, (uint32_t)number);
	if (flags & PACKED) {
		memcpy(uuid, from, sizeof uuid);
		from = take_number(from + sizeof uuid, &part);
		from = take_number(from, &number);
		tail = word_text(&state->tails, (uint32_t)number);
		path = arena_alloc(arena, dir.len + 64 + tail.len);
		memcpy(path, dir.bytes, dir.len);
		len = dir.len + pack_name_text(path + dir.len, part, uuid);
		memcpy(path + len, tail.bytes, tail.len);
		len += tail.len;
	} else {
		from = take_text(from, &name);
		path = arena_alloc(arena, dir.len + name.len + 1);
		memcpy(path, dir.bytes, dir.len);
		if (name.len > 0)
			memcpy(path + dir.len, name.bytes, name.len);
		len = dir.len + name.len;
	}
	out->path = (struct text){ path, len };
	if (flags & VECTOR) {
		out->dv.storage = *from++;
		from = take_text(from, &out->dv.path);
		from = take_known(from, &out->dv.offset);
	}
	return from;
}

static int64_t clipped(int64_t value)
{
	return value < 0 ? FACT_UNKNOWN : value;
}

/* What is behind the key. */
static char *put_rest(struct delta_state *state, char *to, const struct delta_entry *entry,
	uint32_t partition, unsigned flags)
{
	to = put_known(to, entry->size);
	if (entry->tombstone) {
		to = put_known(to, entry->deleted_ms);
	} else {
		to = put_known(to, entry->records);
		to = put_number(to, entry->modified_ms == FACT_UNKNOWN ? 0 : 1);
		if (entry->modified_ms != FACT_UNKNOWN)
			to = put_signed(to, (int64_t)((uint64_t)entry->modified_ms -
						    (uint64_t)state->base_ms));
		to = put_number(to, partition);
		if (flags & COUNTED)
			to = put_known(to, entry->null_count);
		if (flags & DATED)
			to = put_known(to, entry->since);
	}
	if (flags & VECTOR) {
		to = put_known(to, entry->dv.size);
		to = put_known(to, entry->dv.cardinality);
	}
	if (flags & SPELLED)
		to = put_text(to, entry->path);
	return to;
}

static int64_t alive(int64_t records, bool vector, int64_t cardinality)
{
	if (!vector || records == FACT_UNKNOWN)
		return records;
	if (cardinality == FACT_UNKNOWN || cardinality > records)
		return FACT_UNKNOWN;
	return records - cardinality;
}

/* partition_out: its number; the text only with an arena. */
static void take_rest(const struct delta_state *state, const char *from, unsigned flags,
	struct delta_entry *out, uint32_t *partition_out)
{
	uint64_t number;

	from = take_known(from, &out->size);
	*partition_out = UINT32_MAX;
	out->records = out->modified_ms = out->null_count = out->deleted_ms = FACT_UNKNOWN;
	out->since = FACT_UNKNOWN;
	if (flags & TOMBSTONE) {
		from = take_known(from, &out->deleted_ms);
	} else {
		from = take_known(from, &out->records);
		from = take_number(from, &number);
		if (number) {
			from = take_signed(from, &out->modified_ms);
			out->modified_ms =
				(int64_t)((uint64_t)out->modified_ms + (uint64_t)state->base_ms);
		}
		from = take_number(from, &number);
		*partition_out = (uint32_t)number;
		if (flags & COUNTED)
			from = take_known(from, &out->null_count);
		if (flags & DATED)
			from = take_known(from, &out->since);
	}
	if (flags & VECTOR) {
		from = take_known(from, &out->dv.size);
		from = take_known(from, &out->dv.cardinality);
	}
	if (flags & SPELLED)
		(void)take_text(from, &out->path);
	out->tombstone = flags & TOMBSTONE;
	out->rows = alive(out->records, flags & VECTOR, out->dv.cardinality);
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
		if (alive(clipped(entry->records), true, clipped(entry->dv.cardinality)) ==
			FACT_UNKNOWN)
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
		record = record_at(state, ((size_t)(uint32_t)state->slots[at] - 1) * UNIT);
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

		if (!(flags & LIVE))
			continue;
		memcpy(append(state, len, &place), record, len);
		key = take_number(record + 1, &units);
		hash = hash_bytes(key, (size_t)(skip_key(key, flags) - key));
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

	if (flags & VECTOR) /* only that there is one matters to the sums */
		old.dv.storage = 'u';
	take_rest(state, skip_key(key, flags), flags, &old, &partition);
	count(state, &old, partition, -1);
	*record = (char)(flags & ~(unsigned)LIVE);
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

bool delta_state_put(struct delta_state *state, const struct delta_entry *entry)
{
	struct text canonical = delta_path_canonical(&state->scratch, entry->path);
	struct text values = entry->partition_values.bytes ? entry->partition_values : TEXT("{}");
	unsigned flags = LIVE | (entry->tombstone ? TOMBSTONE : 0u);
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
		flags |= SPELLED;
	if (!entry->tombstone && entry->null_count != FACT_UNKNOWN)
		flags |= COUNTED;
	if (!entry->tombstone && entry->since != FACT_UNKNOWN)
		flags |= DATED;
	end = put_key(state, key, entry, canonical, true, &flags);
	if (!end)
		return false;
	if (!entry->tombstone) {
		partition = word_number(&state->partitions, values, true);
		if (partition == UINT32_MAX)
			return false;
		if (state->base_ms == FACT_UNKNOWN)
			state->base_ms = entry->modified_ms;
	}
	if (state->nused * 5 >= state->nslots * 4)
		grow(state);
	hash = hash_bytes(key, (size_t)(end - key));
	slot = find(state, hash, key, (size_t)(end - key), flags);
	end = put_rest(state, end, entry, partition, flags);
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
	end = put_key(state, key, entry, canonical, false, &flags);
	if (end) {
		slot = find(state, hash_bytes(key, (size_t)(end - key)), key,
			(size_t)(end - key), flags);
		if (state->slots[slot])
			record = record_at(
				state, ((size_t)(uint32_t)state->slots[slot] - 1) * UNIT);
	}
	if (state->scratch.bytes > 1 << 16)
		arena_reset(&state->scratch);
	return record;
}

static const char *find_live(struct delta_state *state, const struct delta_entry *entry)
{
	const char *record = find_record(state, entry);

	return record && !((unsigned char)*record & TOMBSTONE) ? record : NULL;
}

bool delta_state_has(struct delta_state *state, const struct delta_entry *entry)
{
	return find_live(state, entry) != NULL;
}

static void take_record(const struct delta_state *state, const char *record, struct arena *arena,
	struct delta_entry *out)
{
	unsigned flags = (unsigned char)*record;
	uint32_t partition;
	uint64_t units;
	const char *key = take_number(record + 1, &units);

	*out = (struct delta_entry){ .dv.offset = FACT_UNKNOWN };
	take_rest(state, take_key(state, key, flags, arena, out), flags, out, &partition);
	if (partition != UINT32_MAX)
		out->partition_values = word_text(&state->partitions, partition);
}

bool delta_state_next(const struct delta_state *state, bool tombstones, size_t *at,
	struct arena *arena, struct delta_entry *out)
{
	while (next_record(state, at)) {
		const char *record = record_at(state, *at);
		unsigned flags = (unsigned char)*record;

		*at += record_len(record);
		if (!(flags & LIVE) || tombstones != !!(flags & TOMBSTONE))
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
	words_done(&state->dirs);
	words_done(&state->tails);
	words_done(&state->partitions);
	arena_free(&state->scratch);
	*state = (struct delta_state){ 0 };
}

size_t delta_state_bytes(const struct delta_state *state)
{
	return state->at + state->nslots * sizeof *state->slots + words_bytes(&state->dirs) +
		words_bytes(&state->tails) + words_bytes(&state->partitions);
}
