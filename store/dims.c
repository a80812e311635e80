/* SPDX-License-Identifier: Apache-2.0 */
#include "store/dims.h"

#include <string.h>

#include "base/mem.h"

enum { DIMS_BYTES_MAX = 48 << 20, DIMS_SLOTS_MIN = 4096 };

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
};

bool dims_open(sqlite3 *db, struct dims **dims_out, struct err *err)
{
	struct dims *dims = NEW(struct dims);

	dims->room = DIMS_SLOTS_MIN;
	dims->slots = NEW_ARRAY(struct slot, dims->room);
	if (!sql_prepare(db, "SELECT id FROM dim WHERE h = ?1 AND v = ?2", &dims->find, err) ||
		!sql_prepare(db, "INSERT INTO dim (h, v) VALUES (?1, ?2)", &dims->add, err)) {
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
	bool row;

	sqlite3_bind_int64(dims->find, 1, dim_hash(text));
	sql_bind_text(dims->find, 2, text);
	if (!sql_step(dims->find, &row, err))
		return false;
	if (row) {
		*id_out = sqlite3_column_int64(dims->find, 0);
		sqlite3_reset(dims->find);
		return true;
	}
	sqlite3_bind_int64(dims->add, 1, dim_hash(text));
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
	hash = text_hash(text);
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
