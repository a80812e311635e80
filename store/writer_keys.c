/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/writer.h"

static inline int by_k(const void *left, const void *right)
{
	const struct writer_place *a = left, *b = right;

	if (a->k != b->k)
		return a->k < b->k ? -1 : 1;
	/* the earlier one of the batch first: of two with one id it is the one that stays */
	return (a->fact > b->fact) - (a->fact < b->fact);
}

static bool same_id(const struct writer_place *place, const void *id)
{
	return memcmp(place->fact->id, id, sizeof place->fact->id) == 0;
}

static bool same_place_id(const struct writer_place *a, const struct writer_place *b)
{
	return same_id(a, b->fact->id);
}

/* Logs are nearly in order: few places move, and not far; when many do, any sort is as good. */
static void sort_places(struct writer_place *places, size_t n)
{
	size_t moves = 0;

	for (size_t i = 1; i < n; i++) {
		struct writer_place place = places[i];
		size_t at = i;

		if (moves > 4 * n) {
			qsort(places, n, sizeof *places, by_k);
			return;
		}
		for (; at > 0 && by_k(&places[at - 1], &place) > 0; at--)
			places[at] = places[at - 1];
		moves += i - at;
		places[at] = place;
	}
}

/* The next key to try when another id has this one: counts on within its millisecond. */
static int64_t next_k(int64_t k)
{
	return (k & ~EVENT_K_LOW) | ((k + 1) & EVENT_K_LOW);
}

/* Does x in this column of the row begin with the event's id? A damaged one does not. */
static bool row_has_id(sqlite3_stmt *stmt, int column, const struct writer_place *place)
{
	const void *id = sqlite3_column_blob(stmt, column);

	return id && sqlite3_column_bytes(stmt, column) >= (int)sizeof place->fact->id &&
		same_id(place, id);
}

/* Whether the store has an event at the place's key, and whether it is the same one. */
static bool find_k(struct writer *writer, const struct writer_place *place, bool *taken_out,
	bool *same_out, struct err *err)
{
	sqlite3_bind_int64(writer->event_find, 1, place->k);
	if (!sql_step(writer->event_find, taken_out, err))
		return false;
	*same_out = *taken_out && row_has_id(writer->event_find, 0, place);
	sqlite3_reset(writer->event_find);
	return true;
}

/*
 * Gives a place that met another id at its key the next free key; false in *keep_out when its id
 * is found on the way. Collisions are rare, so each step is a look-up.
 */
static bool rehome(struct writer *writer, const struct writer_place *places, size_t n,
	struct writer_place *place, bool *keep_out, struct err *err)
{
	for (int64_t tries = 0; tries <= EVENT_K_LOW; tries++) {
		bool taken = false, same;

		place->k = next_k(place->k);
		for (size_t i = 0; i < n; i++) {
			if (places[i].k != place->k)
				continue;
			if (same_place_id(&places[i], place)) {
				*keep_out = false;
				return true;
			}
			taken = true;
		}
		if (taken)
			continue;
		if (!find_k(writer, place, &taken, &same, err))
			return false;
		*keep_out = !same;
		if (!taken || !*keep_out)
			return true;
	}
	return err_set(err, ERR_STORE, 0, "store event: more than %lld in one millisecond",
		(long long)EVENT_K_LOW);
}

/*
 * Steps through the stored keys beside the batch's sorted ones. A batch may span a long time that
 * is full of other events: after that many rows in between the scan jumps to the next key.
 */
enum { SCAN_ROWS_MAX = 48 };

struct scan {
	sqlite3_stmt *stmt;
	bool row; /* it stands on a row */
	bool begun;
};

static bool scan_to(struct scan *scan, int64_t k, struct err *err)
{
	int steps = 0;

	if (scan->begun && !scan->row)
		return true; /* past the end */
	while (scan->row && sqlite3_column_int64(scan->stmt, 0) < k && steps++ < SCAN_ROWS_MAX) {
		if (!sql_step(scan->stmt, &scan->row, err))
			return false;
	}
	if (scan->begun && (!scan->row || sqlite3_column_int64(scan->stmt, 0) >= k))
		return true;
	sqlite3_reset(scan->stmt);
	sqlite3_bind_int64(scan->stmt, 1, k);
	scan->begun = true;
	return sql_step(scan->stmt, &scan->row, err);
}

bool writer_drop_known(
	struct writer *writer, struct writer_place *places, size_t *n_out, struct err *err)
{
	struct scan scan = { .stmt = writer->event_scan };
	struct writer_place *collided = NULL;
	size_t all = *n_out, ncollided = 0, room = 0, n = 0;
	bool ok = true;

	sort_places(places, all);
	for (size_t i = 0; ok && i < all; i++) {
		struct writer_place place = places[i];
		bool other = false;

		if (n > 0 && places[n - 1].k == place.k) {
			if (same_place_id(&places[n - 1], &place))
				continue;
			other = true;
		} else if (place.k <= writer->k_max) {
			ok = scan_to(&scan, place.k, err);
			if (ok && scan.row && sqlite3_column_int64(scan.stmt, 0) == place.k) {
				if (row_has_id(scan.stmt, 1, &place))
					continue;
				other = true;
			}
		}
		if (!other) {
			places[n++] = place;
			continue;
		}
		if (ncollided == room) {
			room = room ? room * 2 : 8;
			collided = mem_resize(collided, room, sizeof *collided);
		}
		collided[ncollided++] = place;
	}
	sqlite3_reset(scan.stmt);
	for (size_t i = 0; ok && i < ncollided; i++) {
		bool keep = true;

		ok = rehome(writer, places, n, &collided[i], &keep, err);
		if (ok && keep)
			places[n++] = collided[i]; /* n <= what was taken out */
	}
	if (ncollided > 0)
		sort_places(places, n);
	free(collided);
	*n_out = n;
	return ok;
}
