/* SPDX-License-Identifier: Apache-2.0 */
/* What a record of the state holds: a key that tells the file, and what is known of it. */
#include "collectors/delta/state_parts.h"

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

char *delta_key_put(struct delta_state *state, char *to, const struct delta_entry *entry,
	struct text canonical, bool add, unsigned *flags)
{
	const char *slash = memrchr(canonical.bytes, '/', canonical.len);
	size_t dir_len = slash ? (size_t)(slash - canonical.bytes) + 1 : 0;
	struct text name = text_sub(canonical, dir_len, canonical.len);
	struct text tail;
	uint64_t part;
	char uuid[16];
	uint32_t number = delta_words_number(&state->dirs, text_sub(canonical, 0, dir_len), add);

	if (number == UINT32_MAX)
		return NULL;
	to = put_number(to, number);
	if (delta_name_unpack(name, &part, uuid, &tail)) {
		number = delta_words_number(&state->tails, tail, add);
		if (number == UINT32_MAX)
			return NULL;
		*flags |= RECORD_PACKED;
		memcpy(to, uuid, sizeof uuid);
		to = put_number(to + sizeof uuid, part);
		to = put_number(to, number);
	} else {
		to = put_text(to, name);
	}
	if (entry->dv.storage) {
		*flags |= RECORD_VECTOR;
		*to++ = entry->dv.storage;
		to = put_text(to, entry->dv.path);
		to = put_known(to, entry->dv.offset);
	}
	return to;
}

const char *delta_key_skip(const char *from, unsigned flags)
{
	struct text text;
	uint64_t number;
	int64_t known;

	from = take_number(from, &number);
	if (flags & RECORD_PACKED) {
		from = take_number(from + 16, &number);
		from = take_number(from, &number);
	} else {
		from = take_text(from, &text);
	}
	if (flags & RECORD_VECTOR) {
		from = take_text(from + 1, &text);
		from = take_known(from, &known);
	}
	return from;
}

const char *delta_key_take(const struct delta_state *state, const char *from, unsigned flags,
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
	dir = delta_word(&state->dirs, (uint32_t)number);
	if (flags & RECORD_PACKED) {
		memcpy(uuid, from, sizeof uuid);
		from = take_number(from + sizeof uuid, &part);
		from = take_number(from, &number);
		tail = delta_word(&state->tails, (uint32_t)number);
		path = arena_alloc(arena, dir.len + 64 + tail.len);
		memcpy(path, dir.bytes, dir.len);
		len = dir.len + delta_name_pack(path + dir.len, part, uuid);
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
	if (flags & RECORD_VECTOR) {
		out->dv.storage = *from++;
		from = take_text(from, &out->dv.path);
		from = take_known(from, &out->dv.offset);
	}
	return from;
}

char *delta_rest_put(struct delta_state *state, char *to, const struct delta_entry *entry,
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
		if (flags & RECORD_COUNTED)
			to = put_known(to, entry->null_count);
		if (flags & RECORD_DATED)
			to = put_known(to, entry->since);
	}
	if (flags & RECORD_VECTOR) {
		to = put_known(to, entry->dv.size);
		to = put_known(to, entry->dv.cardinality);
	}
	if (flags & RECORD_SPELLED)
		to = put_text(to, entry->path);
	return to;
}

int64_t delta_rows_alive(int64_t records, bool vector, int64_t cardinality)
{
	if (!vector || records == FACT_UNKNOWN)
		return records;
	if (cardinality == FACT_UNKNOWN || cardinality > records)
		return FACT_UNKNOWN;
	return records - cardinality;
}

void delta_rest_take(const struct delta_state *state, const char *from, unsigned flags,
	struct delta_entry *out, uint32_t *partition_out)
{
	uint64_t number;

	from = take_known(from, &out->size);
	*partition_out = UINT32_MAX;
	out->records = out->modified_ms = out->null_count = out->deleted_ms = FACT_UNKNOWN;
	out->since = FACT_UNKNOWN;
	if (flags & RECORD_TOMBSTONE) {
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
		if (flags & RECORD_COUNTED)
			from = take_known(from, &out->null_count);
		if (flags & RECORD_DATED)
			from = take_known(from, &out->since);
	}
	if (flags & RECORD_VECTOR) {
		from = take_known(from, &out->dv.size);
		from = take_known(from, &out->dv.cardinality);
	}
	if (flags & RECORD_SPELLED)
		(void)take_text(from, &out->path);
	out->tombstone = flags & RECORD_TOMBSTONE;
	out->rows = delta_rows_alive(out->records, flags & RECORD_VECTOR, out->dv.cardinality);
}
