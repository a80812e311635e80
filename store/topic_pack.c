/* SPDX-License-Identifier: Apache-2.0 */
#include "store/topic_pack.h"

#include "store/pack.h"

enum { ENTRIES_MAX = 1 << 20 };

void topic_pack(struct buf *out, const struct topic_minute *minute)
{
	int64_t before = -1;

	pack_uint(out, (uint64_t)minute->minutes);
	pack_maybe(out, minute->seen);
	pack_maybe(out, minute->sampled);
	pack_uint(out, minute->n);
	for (size_t i = 0; i < minute->n; i++) {
		const struct topic_entry *entry = &minute->entries[i];
		uint64_t mask = 0;

		for (size_t f = 0; f < TOPIC_NUMBERS; f++)
			mask |= (uint64_t)(entry->numbers[f] != 0) << f;
		pack_uint(out, (uint64_t)(entry->tbl - before - 1));
		pack_uint(out, mask);
		for (size_t f = 0; f < TOPIC_NUMBERS; f++) {
			if (mask >> f & 1)
				pack_int(out, entry->numbers[f]);
		}
		before = entry->tbl;
	}
}

static bool take_entry(struct text *rest, int64_t *before, struct topic_entry *entry)
{
	uint64_t gap, mask;

	if (!unpack_uint(rest, &gap) || gap > INT32_MAX || !unpack_uint(rest, &mask) ||
		mask >> TOPIC_NUMBERS)
		return false;
	*before += (int64_t)gap + 1;
	entry->tbl = *before;
	for (size_t f = 0; f < TOPIC_NUMBERS; f++) {
		if (mask >> f & 1 && !unpack_int(rest, &entry->numbers[f]))
			return false;
	}
	return true;
}

bool topic_unpack(struct text x, struct arena *arena, struct topic_minute *out)
{
	uint64_t minutes, n;
	int64_t before = -1;

	if (!unpack_uint(&x, &minutes) || minutes < 1 || minutes > 1440 ||
		!unpack_maybe(&x, &out->seen) || !unpack_maybe(&x, &out->sampled) ||
		!unpack_uint(&x, &n) || n > ENTRIES_MAX || n > x.len)
		return false;
	out->minutes = (int64_t)minutes;
	out->n = (size_t)n;
	out->entries = ARENA_ARRAY(arena, struct topic_entry, out->n + 1);
	for (size_t i = 0; i < out->n; i++) {
		if (!take_entry(&x, &before, &out->entries[i]))
			return false;
	}
	return x.len == 0;
}

struct topic_minute topic_merge(const struct topic_minute *earlier,
	const struct topic_minute *later, struct arena *arena)
{
	struct topic_minute both = *later;
	size_t i = 0, j = 0;

	if (earlier->n == 0)
		return both;
	both.entries = ARENA_ARRAY(arena, struct topic_entry, earlier->n + later->n + 1);
	both.n = 0;
	while (i < earlier->n || j < later->n) {
		if (j == later->n ||
			(i < earlier->n && earlier->entries[i].tbl < later->entries[j].tbl)) {
			both.entries[both.n++] = earlier->entries[i++];
			continue;
		}
		i += i < earlier->n && earlier->entries[i].tbl == later->entries[j].tbl;
		both.entries[both.n++] = later->entries[j++];
	}
	return both;
}
