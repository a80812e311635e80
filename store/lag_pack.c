/* SPDX-License-Identifier: Apache-2.0 */
#include "store/lag_pack.h"

#include <string.h>

#include "base/mem.h"
#include "store/pack.h"

/* How the partitions of a changed field are listed. */
enum { LIST_SPARSE, LIST_DENSE, LIST_UNIFORM };

void lag_state_init(struct lag_state *state)
{
	*state = (struct lag_state){ 0 };
	lag_state_clear(state);
}

void lag_state_done(struct lag_state *state)
{
	for (size_t f = 0; f < LAG_FIELDS; f++)
		FREE(&state->cells[f]);
	state->n = state->room = 0;
}

void lag_state_clear(struct lag_state *state)
{
	for (size_t i = 0; i < LAG_HEADS; i++)
		state->heads[i] = LAG_NONE;
	state->n = 0;
}

/* Room for partitions below n, those that are new unknown. */
static void widen(struct lag_state *state, size_t n)
{
	if (n <= state->n)
		return;
	if (n > state->room) {
		size_t room = state->room ? state->room : 8;

		while (room < n)
			room *= 2;
		for (size_t f = 0; f < LAG_FIELDS; f++)
			state->cells[f] = mem_resize(state->cells[f], room, sizeof(int64_t));
		state->room = room;
	}
	for (size_t f = 0; f < LAG_FIELDS; f++) {
		for (size_t i = state->n; i < n; i++)
			state->cells[f][i] = LAG_NONE;
	}
	state->n = n;
}

void lag_state_copy(struct lag_state *to, const struct lag_state *from)
{
	lag_state_clear(to);
	memcpy(to->heads, from->heads, sizeof to->heads);
	widen(to, from->n);
	for (size_t f = 0; from->n > 0 && f < LAG_FIELDS; f++)
		memcpy(to->cells[f], from->cells[f], from->n * sizeof(int64_t));
}

bool lag_state_set(struct lag_state *state, int32_t partition, size_t field, int64_t value)
{
	if (partition < 0 || partition >= LAG_PARTITIONS_MAX)
		return false;
	widen(state, (size_t)partition + 1);
	state->cells[field][partition] = value;
	return true;
}

int64_t lag_state_get(const struct lag_state *state, size_t partition, size_t field)
{
	return partition < state->n ? state->cells[field][partition] : LAG_NONE;
}

bool lag_state_equal(const struct lag_state *a, const struct lag_state *b)
{
	size_t n = a->n > b->n ? a->n : b->n;

	if (memcmp(a->heads, b->heads, sizeof a->heads) != 0)
		return false;
	for (size_t f = 0; f < LAG_FIELDS; f++) {
		for (size_t i = 0; i < n; i++) {
			if (lag_state_get(a, i, f) != lag_state_get(b, i, f))
				return false;
		}
	}
	return true;
}

int64_t lag_value(int64_t fact)
{
	return fact < -1 ? LAG_NONE : fact;
}

int64_t lag_fact(int64_t value)
{
	return value == LAG_NONE ? FACT_UNKNOWN : value;
}

/* Differences wrap: a hostile offset costs its own figure, never the row. */
static int64_t minus(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a - (uint64_t)b);
}

static int64_t plus(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

static void pack_heads(struct buf *out, const struct lag_state *before, const struct lag_state *after)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < LAG_HEADS; i++) {
		if (before->heads[i] != after->heads[i])
			mask |= UINT64_C(1) << i;
	}
	pack_uint(out, mask);
	for (size_t i = 0; i < LAG_HEADS; i++) {
		if (mask >> i & 1)
			pack_int(out, minus(after->heads[i], before->heads[i]));
	}
}

static void pack_field(struct buf *out, const struct lag_state *before,
	const struct lag_state *after, size_t field)
{
	size_t n = before->n > after->n ? before->n : after->n;
	size_t changed = 0, end = 0, mode, next = 0;
	bool uniform = true;
	int64_t first = 0;

	for (size_t i = 0; i < n; i++) {
		int64_t delta = minus(lag_state_get(after, i, field), lag_state_get(before, i, field));

		if (i == 0)
			first = delta;
		if (delta == 0)
			continue;
		changed++;
		end = i + 1;
		uniform = uniform && delta == first;
	}
	if (changed == 0) {
		pack_uint(out, 0);
		return;
	}
	mode = uniform && changed == end ? LIST_UNIFORM : changed * 2 > end ? LIST_DENSE : LIST_SPARSE;
	pack_uint(out, (uint64_t)(mode == LIST_SPARSE ? changed : end) << 2 | mode);
	if (mode == LIST_UNIFORM) {
		pack_int(out, first);
		return;
	}
	for (size_t i = 0; i < end; i++) {
		int64_t delta = minus(lag_state_get(after, i, field), lag_state_get(before, i, field));

		if (mode == LIST_SPARSE && delta == 0)
			continue;
		if (mode == LIST_SPARSE)
			pack_uint(out, i - next);
		pack_int(out, delta);
		next = i + 1;
	}
}

void lag_pack(struct buf *out, int64_t gap_ms, const struct lag_state *before,
	const struct lag_state *after)
{
	struct lag_state nothing;
	uint64_t sum = 0, known = 0;

	lag_state_init(&nothing);
	if (!before)
		before = &nothing;
	for (size_t i = 0; i < after->n; i++) {
		if (after->cells[0][i] >= 0) {
			sum += (uint64_t)after->cells[0][i];
			known++;
		}
	}
	pack_uint(out, gap_ms > 0 ? (uint64_t)gap_ms : 0);
	pack_uint(out, known);
	pack_uint(out, sum);
	pack_heads(out, before, after);
	for (size_t f = 0; f < LAG_FIELDS; f++)
		pack_field(out, before, after, f);
}

static bool take_head(struct text *rest, struct lag_row_head *head)
{
	uint64_t gap, known, sum;

	if (!unpack_uint(rest, &gap) || !unpack_uint(rest, &known) || !unpack_uint(rest, &sum) ||
		gap > INT64_MAX || known > LAG_PARTITIONS_MAX)
		return false;
	*head = (struct lag_row_head){ (int64_t)gap, (int64_t)known, (int64_t)sum };
	return true;
}

bool lag_unpack_head(struct text x, struct lag_row_head *head_out)
{
	return take_head(&x, head_out);
}

static void change(int64_t *value, int64_t delta, bool undo)
{
	*value = undo ? minus(*value, delta) : plus(*value, delta);
}

static bool apply_heads(struct text *rest, struct lag_state *state, bool undo)
{
	uint64_t mask;
	int64_t delta;

	if (!unpack_uint(rest, &mask) || mask >> LAG_HEADS)
		return false;
	for (size_t i = 0; i < LAG_HEADS; i++) {
		if (!(mask >> i & 1))
			continue;
		if (!unpack_int(rest, &delta))
			return false;
		change(&state->heads[i], delta, undo);
	}
	return true;
}

static bool apply_sparse(
	struct text *rest, struct lag_state *state, size_t field, uint64_t n, bool undo)
{
	uint64_t gap, at = 0;
	int64_t delta;

	for (uint64_t i = 0; i < n; i++) {
		if (!unpack_uint(rest, &gap) || gap >= LAG_PARTITIONS_MAX || !unpack_int(rest, &delta))
			return false;
		at += gap;
		if (at >= LAG_PARTITIONS_MAX)
			return false;
		widen(state, (size_t)at + 1);
		change(&state->cells[field][at++], delta, undo);
	}
	return true;
}

static bool apply_field(struct text *rest, struct lag_state *state, size_t field, bool undo)
{
	uint64_t list, n;
	int64_t delta = 0;

	if (!unpack_uint(rest, &list))
		return false;
	n = list >> 2;
	if (n > LAG_PARTITIONS_MAX || (list & 3) > LIST_UNIFORM)
		return false;
	if (n == 0)
		return list == 0;
	if ((list & 3) == LIST_SPARSE)
		return apply_sparse(rest, state, field, n, undo);
	widen(state, (size_t)n);
	for (size_t i = 0; i < n; i++) {
		if ((i == 0 || (list & 3) == LIST_DENSE) && !unpack_int(rest, &delta))
			return false;
		change(&state->cells[field][i], delta, undo);
	}
	return true;
}

static bool apply(struct text x, struct lag_state *state, struct lag_row_head *head, bool undo)
{
	bool good = take_head(&x, head) && apply_heads(&x, state, undo);

	for (size_t f = 0; good && f < LAG_FIELDS; f++)
		good = apply_field(&x, state, f, undo);
	return good && x.len == 0;
}

bool lag_unpack(struct text x, struct lag_state *state, struct lag_row_head *head_out)
{
	return apply(x, state, head_out, false);
}

bool lag_undo(struct text x, struct lag_state *state, struct lag_row_head *head_out)
{
	return apply(x, state, head_out, true);
}
