/* SPDX-License-Identifier: Apache-2.0 */
#include "store/lag_sweeps.h"

#include "store/fact.h"

enum { MISSED_MAX = 1 << 20 };

void lag_missed_pack(struct buf *out, const int64_t *ids, size_t n, bool all)
{
	int64_t before = 0;

	pack_uint(out, all ? 0 : n + 1);
	for (size_t i = 0; !all && i < n; i++) {
		pack_uint(out, (uint64_t)(ids[i] - before));
		before = ids[i];
	}
}

/* NULL is a sweep that saw all. Damage is taken for one that saw nothing. */
static bool unpack(struct text x, struct arena *arena, int64_t **ids, size_t *n)
{
	uint64_t count, gap;
	int64_t id = 0;

	*n = 0;
	if (!x.bytes)
		return true;
	if (!unpack_uint(&x, &count) || count == 0 || count > MISSED_MAX || count - 1 > x.len)
		return false;
	*ids = ARENA_ARRAY(arena, int64_t, count);
	while (*n + 1 < count) {
		if (!unpack_uint(&x, &gap) || gap > INT32_MAX)
			return false;
		id += (int64_t)gap;
		(*ids)[(*n)++] = id;
	}
	return true;
}

bool lag_sweeps_load(sqlite3_stmt *stmt, int64_t source, int64_t n, struct arena *arena,
	struct lag_sweeps *out, struct err *err)
{
	bool there, ok;

	*out = (struct lag_sweeps){ .source = source };
	sqlite3_bind_int64(stmt, 1, source);
	sqlite3_bind_int64(stmt, 2, n);
	while ((ok = sql_step(stmt, &there, err)) && there && out->n < SWEEPS_MAX) {
		size_t at = out->n++;
		struct text missed = sql_text(stmt, 1);

		out->sweeps[at].at = sqlite3_column_int64(stmt, 0);
		out->sweeps[at].all = !unpack(
			missed, arena, &out->sweeps[at].missed, &out->sweeps[at].nmissed);
		if (!missed.bytes)
			break; /* this one saw all: none before it is asked for */
	}
	sqlite3_reset(stmt);
	return ok;
}

int64_t lag_sweeps_newest(const struct lag_sweeps *sweeps)
{
	return sweeps->n > 0 ? sweeps->sweeps[0].at : FACT_UNKNOWN;
}

int64_t lag_sweeps_seen(const struct lag_sweeps *sweeps, int64_t series)
{
	for (size_t i = 0; i < sweeps->n; i++) {
		size_t low = 0, high = sweeps->sweeps[i].nmissed;

		if (sweeps->sweeps[i].all)
			continue;
		while (low < high) {
			size_t mid = low + (high - low) / 2;

			if (sweeps->sweeps[i].missed[mid] < series)
				low = mid + 1;
			else
				high = mid;
		}
		if (low == sweeps->sweeps[i].nmissed || sweeps->sweeps[i].missed[low] != series)
			return sweeps->sweeps[i].at;
	}
	return FACT_UNKNOWN;
}
