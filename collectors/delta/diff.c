/* SPDX-License-Identifier: Apache-2.0 */
/* What is different between two snapshots. */
#include "collectors/delta/table_state.h"

bool delta_diff_next(const struct delta_snapshot *in, const struct delta_snapshot *not_in,
	struct delta_walk *walk, struct delta_entry *out)
{
	/* Looking up may use the other's scratch memory; it stays what it was. */
	struct delta_state *other = (struct delta_state *)&not_in->state;

	while (delta_walk_next(in, walk, out))
		if (!delta_state_has(other, out))
			return true;
	return false;
}

static void add_known(int64_t *sum, int64_t value)
{
	if (*sum == FACT_UNKNOWN || value == FACT_UNKNOWN ||
		__builtin_add_overflow(*sum, value, sum))
		*sum = FACT_UNKNOWN;
}

struct side {
	int64_t files, bytes, rows;
};

static struct side count(const struct delta_snapshot *in, const struct delta_snapshot *not_in)
{
	struct delta_walk walk = { 0 };
	struct delta_entry entry;
	struct side side = { 0 };

	while (delta_diff_next(in, not_in, &walk, &entry)) {
		side.files++;
		add_known(&side.bytes, entry.size);
		add_known(&side.rows, entry.rows);
	}
	delta_walk_done(&walk);
	return side;
}

static struct delta_entry without_vector(const struct delta_entry *entry)
{
	struct delta_entry bare = *entry;

	bare.dv = (struct delta_dv){ .offset = FACT_UNKNOWN };
	return bare;
}

/* Data files that are on both sides of the difference: there by path, not by path and vector. */
static int64_t count_vectors(const struct delta_snapshot *from, const struct delta_snapshot *to)
{
	struct delta_state removed;
	struct delta_walk walk = { 0 };
	struct delta_entry entry;
	struct delta_entry bare;
	int64_t changed = 0;

	if (from->state.sums.vectors == 0 && to->state.sums.vectors == 0)
		return 0;
	delta_state_init(&removed);
	while (delta_diff_next(from, to, &walk, &entry)) {
		bare = without_vector(&entry);
		(void)delta_state_put(&removed, &bare); /* it was put before: not too long */
	}
	delta_walk_done(&walk);
	while (delta_diff_next(to, from, &walk, &entry)) {
		bare = without_vector(&entry);
		changed += delta_state_has(&removed, &bare);
	}
	delta_walk_done(&walk);
	delta_state_done(&removed);
	return changed;
}

void delta_diff(const struct delta_snapshot *from, const struct delta_snapshot *to,
	struct delta_diff *out)
{
	struct arena arena = { 0 };
	struct side added = count(to, from);
	struct side removed = count(from, to);
	struct text changes = delta_changes(&arena, from->metadata, to->metadata, from->protocol,
		to->protocol, false);

	*out = (struct delta_diff){
		.from = from->version,
		.to = to->version,
		.files_added = added.files,
		.bytes_added = added.bytes,
		.rows_added = added.rows,
		.files_removed = removed.files,
		.bytes_removed = removed.bytes,
		.rows_removed = removed.rows,
		.dv_changed = count_vectors(from, to),
		.changes = changes.bytes ? json_loadb(changes.bytes, changes.len, 0, NULL) : NULL,
	};
	if (!out->changes)
		out->changes = json_array();
	arena_free(&arena);
}

void delta_diff_done(struct delta_diff *diff)
{
	json_decref(diff->changes);
	*diff = (struct delta_diff){ 0 };
}
