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

/* Where reading a row stands. A screen of many readers reads millions of these numbers: inline. */
struct place {
	const unsigned char *at, *end;
	bool bad; /* it ended early, or a number had more than ten bytes */
};

static inline uint64_t take_uint(struct place *place)
{
	uint64_t value = 0;

	/* most are a byte or two */
	if (place->end - place->at >= 2) {
		if (place->at[0] < 0x80)
			return *place->at++;
		if (place->at[1] < 0x80) {
			value = (uint64_t)(place->at[0] & 0x7f) | (uint64_t)place->at[1] << 7;
			place->at += 2;
			return value;
		}
	}
	for (unsigned shift = 0; place->at < place->end && shift < 70; shift += 7) {
		unsigned char byte = *place->at++;

		value |= (uint64_t)(byte & 0x7f) << (shift < 64 ? shift : 63);
		if (byte < 0x80)
			return value;
	}
	place->bad = true;
	return 0;
}

static inline int64_t take_int(struct place *place)
{
	uint64_t value = take_uint(place);

	return (int64_t)(value >> 1 ^ (0 - (value & 1)));
}

static struct place place_of(struct text x)
{
	const unsigned char *bytes = (const unsigned char *)x.bytes;

	return (struct place){ bytes, bytes + x.len, x.len == 0 };
}

static bool take_head(struct place *place, struct lag_row_head *head)
{
	uint64_t gap = take_uint(place), known = take_uint(place), sum = take_uint(place);

	if (place->bad || gap > INT64_MAX || known > LAG_PARTITIONS_MAX)
		return false;
	*head = (struct lag_row_head){ (int64_t)gap, (int64_t)known, (int64_t)sum };
	return true;
}

bool lag_unpack_head(struct text x, struct lag_row_head *head_out)
{
	struct place place = place_of(x);

	return take_head(&place, head_out);
}

static void change(int64_t *value, int64_t delta, bool undo)
{
	*value = undo ? minus(*value, delta) : plus(*value, delta);
}

static bool apply_heads(struct place *place, struct lag_state *state, bool undo)
{
	uint64_t mask = take_uint(place);

	if (mask >> LAG_HEADS)
		return false;
	for (size_t i = 0; mask != 0 && i < LAG_HEADS; i++) {
		if (mask >> i & 1)
			change(&state->heads[i], take_int(place), undo);
	}
	return !place->bad;
}

static bool apply_sparse(
	struct place *place, struct lag_state *state, size_t field, uint64_t n, bool undo)
{
	uint64_t at = 0;

	for (uint64_t i = 0; i < n; i++) {
		uint64_t gap = take_uint(place);
		int64_t delta = take_int(place);

		at += gap;
		if (place->bad || gap >= LAG_PARTITIONS_MAX || at >= LAG_PARTITIONS_MAX)
			return false;
		widen(state, (size_t)at + 1);
		change(&state->cells[field][at++], delta, undo);
	}
	return true;
}

/*
 * Nearly all numbers of a store of lag are read here, most of them a byte or two long: the common ones
 * without a call. `flip` is 0, or all ones to take the difference back.
 */
static bool apply_dense(struct place *place, int64_t *cells, size_t n, bool undo)
{
	const unsigned char *at = place->at;
	uint64_t flip = undo ? UINT64_MAX : 0;
	size_t i = 0;

	for (; i < n && place->end - at >= 2; i++) {
		uint64_t value = at[0];

		if (value < 0x80) {
			at++;
		} else if (at[1] < 0x80) {
			value = (value & 0x7f) | (uint64_t)at[1] << 7;
			at += 2;
		} else {
			place->at = at;
			value = take_uint(place);
			at = place->at;
		}
		value = value >> 1 ^ (0 - (value & 1));
		cells[i] = (int64_t)((uint64_t)cells[i] + ((value ^ flip) - flip));
	}
	place->at = at;
	for (; i < n; i++)
		change(&cells[i], take_int(place), undo);
	return !place->bad;
}

static bool apply_field(struct place *place, struct lag_state *state, size_t field, bool undo)
{
	uint64_t list = take_uint(place), n = list >> 2;
	int64_t delta, *cells;

	if (place->bad || n > LAG_PARTITIONS_MAX || (list & 3) > LIST_UNIFORM)
		return false;
	if (n == 0)
		return list == 0;
	if ((list & 3) == LIST_SPARSE)
		return apply_sparse(place, state, field, n, undo);
	if ((list & 3) == LIST_DENSE && (uint64_t)(place->end - place->at) < n)
		return false;
	widen(state, (size_t)n);
	cells = state->cells[field];
	if ((list & 3) == LIST_DENSE)
		return apply_dense(place, cells, (size_t)n, undo);
	delta = take_int(place);
	for (size_t i = 0; i < n; i++)
		change(&cells[i], delta, undo);
	return !place->bad;
}

static bool apply(struct text x, struct lag_state *state, struct lag_row_head *head, bool undo)
{
	struct place place = place_of(x);
	bool good = take_head(&place, head) && apply_heads(&place, state, undo);

	for (size_t f = 0; good && f < LAG_FIELDS; f++)
		good = apply_field(&place, state, f, undo);
	return good && place.at == place.end;
}

bool lag_unpack(struct text x, struct lag_state *state, struct lag_row_head *head_out)
{
	return apply(x, state, head_out, false);
}

bool lag_undo(struct text x, struct lag_state *state, struct lag_row_head *head_out)
{
	return apply(x, state, head_out, true);
}
