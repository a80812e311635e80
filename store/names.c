/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/reader_internal.h"

/* Texts of ids: a small open-addressing table in the caller's arena. */
enum name_kind { NAME_DIM, NAME_PIPELINE, NAME_SOURCE };
enum { DIM_SLOTS = 16384, DIMS_KEPT_MAX = 8192, DIM_BYTES_MAX = 512 << 10, DIM_LONGEST = 256 };

struct names names_of(struct reader *reader, struct arena *arena)
{
	return (struct names){ .reader = reader, .arena = arena, .seen_at = TIME_UNKNOWN };
}

static size_t slot_at(const struct name_slot *slots, size_t room, int64_t key)
{
	size_t at = (size_t)((uint64_t)key * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (room - 1);

	while (slots[at].key != 0 && slots[at].key != key)
		at = (at + 1) & (room - 1);
	return at;
}

static struct name_slot *slot_of(struct names *names, int64_t id, enum name_kind kind)
{
	int64_t key = (int64_t)((uint64_t)id * 4 + kind + 1);

	if (names->used * 2 >= names->room) {
		size_t room = names->room ? names->room * 2 : 128;
		struct name_slot *slots = ARENA_ARRAY(names->arena, struct name_slot, room);

		for (size_t i = 0; i < names->room; i++) {
			if (names->slots[i].key != 0)
				slots[slot_at(slots, room, names->slots[i].key)] = names->slots[i];
		}
		names->slots = slots;
		names->room = room;
	}
	struct name_slot *slot = &names->slots[slot_at(names->slots, names->room, key)];

	if (slot->key == key)
		return slot;
	slot->text = TEXT_NONE;
	return slot;
}

static void slot_fill(struct names *names, struct name_slot *slot, int64_t id, enum name_kind kind,
	struct text text)
{
	slot->key = (int64_t)((uint64_t)id * 4 + kind + 1);
	slot->text = text;
	names->used++;
}

void dim_cache_done(struct dim_cache *cache)
{
	arena_free(&cache->texts);
	free(cache->slots);
	*cache = (struct dim_cache){ 0 };
}

static struct dim_slot *dim_slot_of(struct dim_cache *cache, int64_t id)
{
	size_t at = (size_t)((uint64_t)id * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (DIM_SLOTS - 1);

	if (!cache->slots)
		cache->slots = NEW_ARRAY(struct dim_slot, DIM_SLOTS);
	while (cache->slots[at].id != 0 && cache->slots[at].id != id)
		at = (at + 1) & (DIM_SLOTS - 1);
	return &cache->slots[at];
}

static void dim_keep(struct dim_cache *cache, int64_t id, struct text text)
{
	struct dim_slot *slot;

	if (!text.bytes || text.len > DIM_LONGEST)
		return;
	if (cache->used == DIMS_KEPT_MAX || cache->texts.bytes > DIM_BYTES_MAX) {
		arena_reset(&cache->texts);
		memset(cache->slots, 0, DIM_SLOTS * sizeof *cache->slots);
		cache->used = 0;
	}
	slot = dim_slot_of(cache, id);
	*slot = (struct dim_slot){ id, arena_text(&cache->texts, text) };
	cache->used++;
}

static bool look_up(struct names *names, enum query query, int64_t id, struct text *out,
	struct err *err)
{
	struct dim_cache *cache = query == Q_DIM ? &names->reader->dims : NULL;
	sqlite3_stmt *stmt;
	bool row;

	if (cache && dim_slot_of(cache, id)->id == id) {
		*out = arena_text(names->arena, dim_slot_of(cache, id)->text);
		return true;
	}
	if (!reader_query(names->reader, query, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, id);
	if (!sql_step(stmt, &row, err))
		return false;
	*out = row ? sql_text_copy(stmt, 0, names->arena) : TEXT_NONE;
	sqlite3_reset(stmt);
	if (cache)
		dim_keep(cache, id, *out);
	return true;
}

static bool named(struct names *names, enum query query, enum name_kind kind, int64_t id,
	struct text *out, struct err *err)
{
	struct name_slot *slot;
	struct text text;

	*out = TEXT_NONE;
	if (id == 0)
		return true;
	slot = slot_of(names, id, kind);
	if (slot->key == 0) {
		if (!look_up(names, query, id, &text, err))
			return false;
		slot_fill(names, slot, id, kind, text);
	}
	*out = slot->text;
	return true;
}

bool names_text(struct names *names, int64_t dim, struct text *out, struct err *err)
{
	return named(names, Q_DIM, NAME_DIM, dim, out, err);
}

bool names_source(struct names *names, int64_t source, struct text *out, struct err *err)
{
	return named(names, Q_SOURCE_NAME, NAME_SOURCE, source, out, err);
}

/* With what the pipeline table says as of the snapshot; source 0 when it says nothing. */
static bool pipeline_slot(
	struct names *names, int64_t dim, const struct name_slot **out, struct err *err)
{
	struct name_slot *slot = slot_of(names, dim, NAME_PIPELINE);
	int64_t name = 0, source = 0;
	sqlite3_stmt *stmt;
	struct text text;
	bool row;

	*out = slot;
	if (slot->key != 0)
		return true;
	if (!reader_query(names->reader, Q_PIPELINE_NAME, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, dim);
	sqlite3_bind_int64(stmt, 2, names->reader->n);
	if (!sql_step(stmt, &row, err))
		return false;
	if (row) {
		name = sql_id(stmt, 0);
		source = sqlite3_column_int64(stmt, 1);
		sqlite3_reset(stmt);
	}
	if (!names_text(names, name ? name : dim, &text, err))
		return false;
	slot = slot_of(names, dim, NAME_PIPELINE); /* the table may have grown meanwhile */
	slot_fill(names, slot, dim, NAME_PIPELINE, text);
	slot->source = source;
	*out = slot;
	return true;
}

bool names_pipeline(struct names *names, int64_t dim, struct text *out, struct err *err)
{
	const struct name_slot *slot;

	*out = TEXT_NONE;
	if (dim == 0)
		return true;
	if (!pipeline_slot(names, dim, &slot, err))
		return false;
	*out = slot->text;
	return true;
}

bool names_pipeline_source(struct names *names, int64_t dim, int64_t *out, struct err *err)
{
	const struct name_slot *slot;

	if (!pipeline_slot(names, dim, &slot, err))
		return false;
	*out = slot->source;
	return true;
}

bool names_seen_at(struct names *names, int64_t batch, int64_t *out, struct err *err)
{
	sqlite3_stmt *stmt;
	bool row;

	if (batch != names->batch || batch == 0) {
		if (!reader_query(names->reader, Q_BATCH_SEEN_AT, &stmt, err))
			return false;
		sqlite3_bind_int64(stmt, 1, batch);
		if (!sql_step(stmt, &row, err))
			return false;
		names->batch = batch;
		names->seen_at = row ? sqlite3_column_int64(stmt, 0) : TIME_UNKNOWN;
		sqlite3_reset(stmt);
	}
	*out = names->seen_at;
	return true;
}

void ids_add(struct ids *ids, struct arena *arena, int64_t id)
{
	if (ids->n == ids->room) {
		int64_t *old = ids->ids;

		ids->room = ids->room ? ids->room * 2 : 4;
		ids->ids = ARENA_ARRAY(arena, int64_t, ids->room);
		if (ids->n > 0)
			memcpy(ids->ids, old, ids->n * sizeof *old);
	}
	ids->ids[ids->n++] = id;
}

bool ids_has(const struct ids *ids, int64_t id)
{
	for (size_t i = 0; i < ids->n; i++) {
		if (ids->ids[i] == id)
			return true;
	}
	return false;
}

bool ids_has_sorted(const struct ids *ids, int64_t id)
{
	size_t low = 0, high = ids->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ids->ids[middle] == id)
			return true;
		if (ids->ids[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* Those with a row that is visible: a step to the next id for each, whatever its history. */
bool pipelines_all(struct names *names, struct ids *out, struct err *err)
{
	struct reader *reader = names->reader;
	const struct name_slot *slot;
	sqlite3_stmt *next;
	int64_t id = INT64_MIN;
	bool row;

	for (;;) {
		if (!reader_query(reader, Q_PIPELINE_NEXT, &next, err))
			return false;
		sqlite3_bind_int64(next, 1, id);
		if (!sql_step(next, &row, err))
			return false;
		if (!row)
			return true;
		id = sqlite3_column_int64(next, 0);
		sqlite3_reset(next);
		if (!pipeline_slot(names, id, &slot, err))
			return false;
		if (slot->source != 0)
			ids_add(out, names->arena, id);
	}
}

bool pipelines_named(struct names *names, struct text wanted, struct ids *out, struct err *err)
{
	struct ids all = { 0 };
	struct text id, name;

	if (!pipelines_all(names, &all, err))
		return false;
	for (size_t i = 0; i < all.n; i++) {
		if (!names_text(names, all.ids[i], &id, err) ||
			!names_pipeline(names, all.ids[i], &name, err))
			return false;
		if (text_eq(id, wanted) || text_eq(name, wanted))
			ids_add(out, names->arena, all.ids[i]);
	}
	return true;
}
