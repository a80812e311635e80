/* SPDX-License-Identifier: Apache-2.0 */
#include "store/dims.h"

#include <string.h>

#include "base/mem.h"

enum { DIMS_BYTES_MAX = 48 << 20, DIMS_SLOTS_MIN = 4096, MET_BITS = 1 << 23 };

struct slot {
	uint64_t hash;
	int64_t id; /* 0 = free */
	struct text text;
};

struct dims {
	sqlite3_stmt *find, *add;
	struct arena arena;
	struct slot *slots;
	size_t room, n;
	/* by low bits of dim_hash: some text of the store has it; clear: a new text, no need to look */
	unsigned char *met;
};

static void meet(struct dims *dims, int64_t hash)
{
	size_t bit = (size_t)hash & (MET_BITS - 1);

	dims->met[bit / 8] |= (unsigned char)(1 << bit % 8);
}

static bool is_met(const struct dims *dims, int64_t hash)
{
	size_t bit = (size_t)hash & (MET_BITS - 1);

	return dims->met[bit / 8] >> bit % 8 & 1;
}

static bool meet_all(sqlite3 *db, struct dims *dims, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	bool row = true, ok = sql_prepare(db, "SELECT h FROM dim", &stmt, err);

	while (ok) {
		ok = sql_step(stmt, &row, err);
		if (!ok || !row)
			break;
		meet(dims, sqlite3_column_int64(stmt, 0));
	}
	sqlite3_finalize(stmt);
	return ok;
}

bool dims_open(sqlite3 *db, struct dims **dims_out, struct err *err)
{
	struct dims *dims = NEW(struct dims);

	dims->room = DIMS_SLOTS_MIN;
	dims->slots = NEW_ARRAY(struct slot, dims->room);
	dims->met = NEW_ARRAY(unsigned char, MET_BITS / 8);
	if (!sql_prepare(db, "SELECT id FROM dim WHERE h = ?1 AND v = ?2", &dims->find, err) ||
		!sql_prepare(db, "INSERT INTO dim (h, v) VALUES (?1, ?2)", &dims->add, err) ||
		!meet_all(db, dims, err)) {
		dims_close(dims);
		return false;
	}
	*dims_out = dims;
	return true;
}

void dims_close(struct dims *dims)
{
	if (!dims)
		return;
	sqlite3_finalize(dims->find);
	sqlite3_finalize(dims->add);
	arena_free(&dims->arena);
	free(dims->slots);
	free(dims->met);
	free(dims);
}

static size_t slot_of(const struct dims *dims, uint64_t hash, struct text text)
{
	size_t at = hash & (dims->room - 1);

	while (dims->slots[at].id != 0 &&
		(dims->slots[at].hash != hash || !text_eq(dims->slots[at].text, text)))
		at = (at + 1) & (dims->room - 1);
	return at;
}

static void forget_all(struct dims *dims)
{
	arena_reset(&dims->arena);
	memset(dims->slots, 0, dims->room * sizeof *dims->slots);
	dims->n = 0;
}

static void grow(struct dims *dims)
{
	struct slot *old = dims->slots;
	size_t room = dims->room;

	dims->room *= 2;
	dims->slots = NEW_ARRAY(struct slot, dims->room);
	for (size_t i = 0; i < room; i++) {
		if (old[i].id != 0)
			dims->slots[slot_of(dims, old[i].hash, old[i].text)] = old[i];
	}
	free(old);
}

static void remember(struct dims *dims, uint64_t hash, struct text text, int64_t id)
{
	if (dims->arena.bytes + text.len > DIMS_BYTES_MAX)
		forget_all(dims);
	if (dims->n * 2 >= dims->room)
		grow(dims);
	dims->slots[slot_of(dims, hash, text)] =
		(struct slot){ hash, id, arena_text(&dims->arena, text) };
	dims->n++;
}

static bool find_or_add(struct dims *dims, struct text text, int64_t *id_out, struct err *err)
{
	int64_t h = dim_hash(text);
	bool row;

	if (is_met(dims, h)) {
		sqlite3_bind_int64(dims->find, 1, h);
		sql_bind_text(dims->find, 2, text);
		if (!sql_step(dims->find, &row, err))
			return false;
		if (row) {
			*id_out = sqlite3_column_int64(dims->find, 0);
			sqlite3_reset(dims->find);
			return true;
		}
	}
	meet(dims, h);
	sqlite3_bind_int64(dims->add, 1, h);
	sql_bind_text(dims->add, 2, text);
	if (!sql_run(dims->add, err))
		return false;
	*id_out = sqlite3_last_insert_rowid(sqlite3_db_handle(dims->add));
	return true;
}

bool dims_id(struct dims *dims, struct text text, int64_t *id_out, struct err *err)
{
	uint64_t hash;
	size_t at;

	if (!text.bytes) {
		*id_out = 0;
		return true;
	}
	hash = text_hash_fast(text);
	at = slot_of(dims, hash, text);
	if (dims->slots[at].id == 0) {
		int64_t id;

		if (!find_or_add(dims, text, &id, err))
			return false;
		remember(dims, hash, text, id);
		*id_out = id;
		return true;
	}
	*id_out = dims->slots[at].id;
	return true;
}
