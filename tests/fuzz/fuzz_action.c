/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "collectors/delta/replay.h"
#include "collectors/delta/state.h"

/*
 * One line of a commit through both readers: what the scanner reads, the general reader reads the
 * same. Then the bytes as a commit, whole and in pieces: the same actions, or the same error; and
 * the state that comes of them: what is walked adds up to the sums.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static bool same_values(struct text a, struct text b)
{
	json_t *left = a.bytes ? delta_json(a) : NULL;
	json_t *right = b.bytes ? delta_json(b) : NULL;
	bool same = left && right ? json_equal(left, right) : !left && !right;

	json_decref(left);
	json_decref(right);
	return same;
}

static void compare(const struct delta_action *a, const struct delta_action *b)
{
	const struct delta_entry *e = &a->entry;
	const struct delta_entry *f = &b->entry;

	require(a->kind == b->kind && a->data_change == b->data_change);
	require(a->in_commit_ms == b->in_commit_ms && a->number == b->number);
	require(text_eq(a->name, b->name));
	require(text_eq(e->path, f->path) && e->tombstone == f->tombstone);
	require(e->size == f->size && e->records == f->records && e->rows == f->rows);
	require(e->modified_ms == f->modified_ms && e->deleted_ms == f->deleted_ms);
	require(e->null_count == f->null_count);
	require(e->dv.storage == f->dv.storage && text_eq(e->dv.path, f->dv.path));
	require(e->dv.offset == f->dv.offset && e->dv.cardinality == f->dv.cardinality);
	require(same_values(e->partition_values, f->partition_values));
}

static void both_readers(struct text line, struct text column)
{
	struct arena arena = { 0 };
	struct delta_action fast;
	struct delta_action slow;
	const char *reason = "";
	const char *name;
	json_t *value;
	json_t *root;

	if (utf8_is_valid(line) && delta_action_scan(&arena, line, column, &fast)) {
		root = delta_json(line);
		require(root && json_object_size(root) == 1);
		json_object_foreach(root, name, value)
			if (!json_is_null(value)) {
				require(delta_action_read(
					&arena, name, value, column, &slow, &reason));
				compare(&fast, &slow);
			}
		json_decref(root);
	}
	arena_free(&arena);
}

struct seen {
	struct delta_state state;
	uint64_t hash;
};

static bool take(void *context, const struct delta_action *action, struct err *err)
{
	struct seen *seen = context;
	const struct delta_entry *entry = &action->entry;

	(void)err;
	seen->hash = seen->hash * 31 + (uint64_t)action->kind;
	if (action->kind == DELTA_ACTION_ADD || action->kind == DELTA_ACTION_REMOVE) {
		seen->hash = seen->hash * 31 + text_hash(entry->path) + (uint64_t)entry->size;
		(void)delta_state_put(&seen->state, entry);
	}
	return true;
}

static bool replay(struct seen *seen, struct text bytes, size_t step, struct err *err)
{
	struct delta_replay replay;
	bool good;

	seen->hash = 0;
	delta_state_init(&seen->state);
	delta_replay_init(&replay);
	replay.take = take;
	replay.context = seen;
	good = delta_replay_bytes(&replay, "0.json", bytes, step, err);
	delta_replay_done(&replay);
	return good;
}

static void check_state(struct delta_state *state)
{
	struct arena arena = { 0 };
	struct delta_entry entry;
	int64_t files = 0;
	int64_t tombstones = 0;
	size_t at = 0;

	while (delta_state_next(state, false, &at, &arena, &entry)) {
		files++;
		require(delta_state_has(state, &entry));
	}
	at = 0;
	while (delta_state_next(state, true, &at, &arena, &entry)) {
		tombstones++;
		require(!delta_state_has(state, &entry));
	}
	require(files == state->sums.files && tombstones == state->sums.tombstones);
	arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = mem_alloc(size ? size : 1);
	struct text bytes = { copy, size };
	struct text rest = bytes;
	struct text line;
	struct seen whole;
	struct seen pieces;
	struct err first = ERR_INIT;
	struct err second = ERR_INIT;

	if (size > 0)
		memcpy(copy, data, size);
	while (text_split(&rest, '\n', &line)) {
		/* Exactly as long as it is: reading past the end is seen. */
		char *alone = mem_alloc(line.len ? line.len : 1);

		if (line.len > 0)
			memcpy(alone, line.bytes, line.len);
		both_readers((struct text){ alone, line.len }, TEXT_NONE);
		both_readers((struct text){ alone, line.len }, TEXT("id"));
		free(alone);
	}
	require(replay(&whole, bytes, size + 1, &first) ==
		replay(&pieces, bytes, size > 0 && data[0] % 2 ? 1 : size / 3 + 1, &second));
	require(first.kind == second.kind && strcmp(first.text, second.text) == 0);
	require(first.kind != ERR_NONE || whole.hash == pieces.hash);
	check_state(&whole.state);
	delta_state_done(&whole.state);
	delta_state_done(&pieces.state);
	free(copy);
	return 0;
}
