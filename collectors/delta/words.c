/* SPDX-License-Identifier: Apache-2.0 */
/* Texts kept once: directories, tails of names, partition values. */
#include "collectors/delta/state_parts.h"

#include <stdlib.h>

#include "base/mem.h"

static uint64_t mix(uint64_t h)
{
	h ^= h >> 32;
	h *= 0x9e3779b97f4a7c15u;
	return h ^ (h >> 29);
}

uint64_t delta_hash(const char *bytes, size_t len)
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

static void grow_word_slots(struct delta_words *words)
{
	size_t room = words->slots_room ? words->slots_room * 2 : 16;
	uint32_t *slots = NEW_ARRAY(uint32_t, room);

	for (uint32_t i = 0; i < words->n; i++) {
		struct text text = delta_word(words, i);
		size_t at = delta_hash(text.bytes, text.len) & (room - 1);

		while (slots[at])
			at = (at + 1) & (room - 1);
		slots[at] = i + 1;
	}
	free(words->slots);
	words->slots = slots;
	words->slots_room = room;
}

uint32_t delta_words_number(struct delta_words *words, struct text text, bool add)
{
	size_t at;

	if (words->n > 0) {
		struct text last = delta_word(words, words->last);

		if (last.len == text.len && memcmp(last.bytes, text.bytes, text.len) == 0)
			return words->last;
	}
	if (words->n * 2 >= words->slots_room)
		grow_word_slots(words);
	at = delta_hash(text.bytes, text.len) & (words->slots_room - 1);
	for (; words->slots[at]; at = (at + 1) & (words->slots_room - 1)) {
		struct text known = delta_word(words, words->slots[at] - 1);

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

void delta_words_done(struct delta_words *words)
{
	free(words->bytes);
	free(words->starts);
	free(words->counts);
	free(words->slots);
	*words = (struct delta_words){ 0 };
}

size_t delta_words_bytes(const struct delta_words *words)
{
	return words->room + 2 * words->words_room * sizeof(uint32_t) +
		words->slots_room * sizeof(uint32_t);
}
