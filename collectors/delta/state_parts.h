/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_DELTA_STATE_PARTS_H
#define COLLECTORS_DELTA_STATE_PARTS_H

#include <string.h>

#include "collectors/delta/state.h"

/*
 * Inside the state. A record: flags, its length in units, a key, the rest. Writers are given room
 * enough and return where they ended; readers trust what was written here.
 */

/* A record's first byte. */
enum {
	RECORD_LIVE = 1,      /* 0: superseded, only its length counts */
	RECORD_TOMBSTONE = 2,
	RECORD_PACKED = 4,    /* the name is part-N-UUID and a tail */
	RECORD_VECTOR = 8,    /* has a deletion vector */
	RECORD_SPELLED = 16,  /* the log's spelling is not the canonical form: it ends the record */
	RECORD_COUNTED = 32,  /* has a null count */
	RECORD_DATED = 64     /* has the version that added it */
};

/* ---- numbers: 7 bits a byte ---- */

static inline char *put_number(char *to, uint64_t value)
{
	while (value >= 0x80) {
		*to++ = (char)(value | 0x80);
		value >>= 7;
	}
	*to++ = (char)value;
	return to;
}

static inline const char *take_number(const char *from, uint64_t *value_out)
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
static inline char *put_known(char *to, int64_t value)
{
	return put_number(to, value == FACT_UNKNOWN || value < 0 ? 0 : (uint64_t)value + 1);
}

static inline const char *take_known(const char *from, int64_t *value_out)
{
	uint64_t value;

	from = take_number(from, &value);
	*value_out = value == 0 ? FACT_UNKNOWN : (int64_t)(value - 1);
	return from;
}

/* Signed numbers near 0, unknown as the number after all of them. */
static inline char *put_signed(char *to, int64_t value)
{
	uint64_t u = (uint64_t)value;

	return put_number(to, value < 0 ? ~(u << 1) : u << 1);
}

static inline const char *take_signed(const char *from, int64_t *value_out)
{
	uint64_t u;

	from = take_number(from, &u);
	*value_out = (int64_t)(u & 1 ? ~(u >> 1) : u >> 1);
	return from;
}

/* ---- words ---- */

static inline struct text delta_word(const struct delta_words *words, uint32_t number)
{
	return (struct text){ words->bytes + words->starts[number],
		words->starts[number + 1] - words->starts[number] };
}

/* Eight bytes at a time; good enough for a table in memory, compared by bytes besides. */
uint64_t delta_hash(const char *bytes, size_t len);
/* UINT32_MAX: not there, or no room left for another. */
uint32_t delta_words_number(struct delta_words *words, struct text text, bool add);
void delta_words_done(struct delta_words *words);
size_t delta_words_bytes(const struct delta_words *words);

/* ---- names ---- */

enum { DELTA_TAIL_MAX = 64 }; /* a name's end that is kept once */

/* part-00000-3935a07c-416b-4344-ad97-2a38342ee2fc and a tail: what engines name files by. */
bool delta_name_unpack(struct text name, uint64_t *part_out, char uuid_out[16],
	struct text *tail_out);
/* All but the tail, at most 64 bytes; the length. */
size_t delta_name_pack(char *to, uint64_t part, const char uuid[16]);

/* ---- records ---- */

/* The key's bytes: equal for what the protocol calls the same file. NULL: cannot be kept. */
char *delta_key_put(struct delta_state *state, char *to, const struct delta_entry *entry,
	struct text canonical, bool add, unsigned *flags);
const char *delta_key_skip(const char *from, unsigned flags);
/* The key in words again. */
const char *delta_key_take(const struct delta_state *state, const char *from, unsigned flags,
	struct arena *arena, struct delta_entry *out);
/* What is behind the key. */
char *delta_rest_put(struct delta_state *state, char *to, const struct delta_entry *entry,
	uint32_t partition, unsigned flags);
/* partition_out: its number, UINT32_MAX = a tombstone's. */
void delta_rest_take(const struct delta_state *state, const char *from, unsigned flags,
	struct delta_entry *out, uint32_t *partition_out);
/* Rows that a deletion vector leaves of so many records. */
int64_t delta_rows_alive(int64_t records, bool vector, int64_t cardinality);

#endif
