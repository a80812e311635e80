/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/delta/old_files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"

enum { FILES_A_TELL = 4096 };

static struct text file_path(const struct delta_known *known, uint32_t place)
{
	return known->files[place].path;
}

static struct text dir_path(const struct delta_known *known, uint32_t place)
{
	return known->dirs[place].path;
}

/* The slot of a path: its own, or the free one where it is to stand; n: how many there are. */
static uint32_t *slot_of(const struct delta_known *known, struct places *places, size_t n,
	struct text (*path_of)(const struct delta_known *known, uint32_t place), struct text path)
{
	size_t at;

	if (n * 2 >= places->room) {
		places->room = places->room ? places->room * 2 : 64;
		free(places->slots);
		places->slots = NEW_ARRAY(uint32_t, places->room);
		for (uint32_t i = 0; i < n; i++) {
			at = text_hash(path_of(known, i)) & (places->room - 1);
			while (places->slots[at])
				at = (at + 1) & (places->room - 1);
			places->slots[at] = i + 1;
		}
	}
	at = text_hash(path) & (places->room - 1);
	while (places->slots[at] && !text_eq(path_of(known, places->slots[at] - 1), path))
		at = (at + 1) & (places->room - 1);
	return &places->slots[at];
}

static uint32_t dir_of(struct delta_known *known, struct text path)
{
	const char *slash = memrchr(path.bytes, '/', path.len);
	struct text dir = text_sub(path, 0, slash ? (size_t)(slash - path.bytes) : 0);
	uint32_t *slot = slot_of(known, &known->of_dirs, known->ndirs, dir_path, dir);

	if (*slot)
		return *slot - 1;
	if (known->ndirs == known->dirs_room) {
		known->dirs_room = known->dirs_room ? known->dirs_room * 2 : 16;
		known->dirs = mem_resize(known->dirs, known->dirs_room, sizeof *known->dirs);
	}
	known->dirs[known->ndirs] = (struct known_dir){ .path = arena_text(&known->arena, dir) };
	*slot = (uint32_t)++known->ndirs;
	return *slot - 1;
}

/* Place of a file; n when it is not known and not to be added. */
static size_t file_place(struct delta_known *known, struct text path, bool add)
{
	uint32_t *slot = slot_of(known, &known->of_files, known->n, file_path, path);

	if (*slot)
		return *slot - 1;
	if (!add)
		return known->n;
	if (known->n == known->room) {
		known->room = known->room ? known->room * 2 : 64;
		known->files = mem_resize(known->files, known->room, sizeof *known->files);
	}
	path = arena_text(&known->arena, path);
	known->files[known->n] = (struct old_file){
		.path = path,
		.deleted_ms = FACT_UNKNOWN,
		.dir = dir_of(known, path),
	};
	*slot = (uint32_t)++known->n;
	return known->n - 1;
}

/* One of a span's two files; place + 1, 0 = it has none that is known to lie here. */
static uint32_t take_file(struct delta_known *known, char *where, const struct delta_span *span)
{
	size_t place;

	if (!where)
		return 0;
	place = file_place(known, text_of(where), true);
	free(where);
	if (span->deleted_ms > known->files[place].deleted_ms)
		known->files[place].deleted_ms = span->deleted_ms;
	return (uint32_t)place + 1;
}

void old_files_forget(struct delta_known *known)
{
	arena_free(&known->arena);
	free(known->files);
	free(known->of_files.slots);
	free(known->dirs);
	free(known->of_dirs.slots);
	free(known->of_span);
	free(known->alive);
	*known = (struct delta_known){ 0 };
}

size_t old_files_bytes(const struct delta_known *known)
{
	return sizeof *known + known->arena.bytes + known->room * sizeof *known->files +
		known->dirs_room * sizeof *known->dirs +
		(known->of_files.room + known->of_dirs.room) * sizeof(uint32_t) +
		known->of_span_room * sizeof *known->of_span +
		known->alive_room * sizeof *known->alive;
}

static bool take_spans(struct delta_known *known, const struct delta_snapshot *snapshot,
	struct progress *progress, struct err *err)
{
	if (known->spans > snapshot->nspans || known->rebuilt != snapshot->rebuilt)
		old_files_forget(known); /* the snapshot was rebuilt */
	known->rebuilt = snapshot->rebuilt;
	if (snapshot->nspans * 2 > known->of_span_room) {
		known->of_span_room = snapshot->nspans * 2 + 64;
		known->of_span = mem_resize(
			known->of_span, known->of_span_room, sizeof *known->of_span);
	}
	for (; known->spans < snapshot->nspans; known->spans++) {
		const struct delta_span *span = &snapshot->spans[known->spans];
		uint32_t *of = known->of_span + 2 * known->spans;

		if (known->spans % FILES_A_TELL == 0 &&
			!progress_tell(progress, "removed files", (int64_t)known->spans,
				(int64_t)snapshot->nspans, err))
			return false;
		of[0] = take_file(known, delta_file_location(snapshot, span->path), span);
		of[1] = span->dv.storage
			? take_file(known, delta_dv_location(snapshot, &span->dv), span)
			: 0;
	}
	return true;
}

static void mark(struct delta_known *known, char *where)
{
	size_t place;

	if (!where)
		return;
	place = file_place(known, text_of(where), false);
	if (place < known->n)
		known->alive[place] = true;
	free(where);
}

/* Which of the old files the newest version needs, under another vector or again. */
static void mark_alive(struct delta_known *known, struct delta_snapshot *snapshot)
{
	struct delta_walk walk = { 0 };
	struct delta_entry entry;

	if (known->n > known->alive_room) {
		known->alive_room = known->n * 2;
		known->alive = mem_resize(known->alive, known->alive_room, sizeof *known->alive);
	}
	if (known->n > 0)
		memset(known->alive, 0, known->n * sizeof *known->alive);
	/* Bare files are found by their key, one with a vector only by walking. */
	for (size_t i = 0; i < snapshot->nspans; i++) {
		struct delta_entry bare = { .path = snapshot->spans[i].path,
			.dv.offset = FACT_UNKNOWN };

		if (known->of_span[2 * i] && delta_state_has(&snapshot->state, &bare))
			known->alive[known->of_span[2 * i] - 1] = true;
	}
	while (snapshot->state.sums.vectors > 0 && delta_walk_next(snapshot, &walk, &entry)) {
		if (!entry.dv.storage)
			continue;
		mark(known, delta_file_location(snapshot, entry.path));
		mark(known, delta_dv_location(snapshot, &entry.dv));
	}
	delta_walk_done(&walk);
}

bool old_files_take(struct delta_known *known, struct delta_snapshot *snapshot,
	struct progress *progress, struct err *err)
{
	if (!take_spans(known, snapshot, progress, err))
		return false;
	mark_alive(known, snapshot);
	return true;
}

enum presence file_presence(struct text path)
{
	struct stat status;

	if (stat(path.bytes, &status) == 0) /* arena texts are terminated */
		return THERE;
	return errno == ENOENT || errno == ENOTDIR ? MISSING : UNLOOKED;
}

/* A directory that has not changed has lost nothing; a fresh change may hide a second one. */
static void look_at_dirs(struct delta_known *known, int64_t now_ms)
{
	for (size_t i = 0; i < known->ndirs; i++) {
		struct known_dir *dir = &known->dirs[i];
		struct stat status;
		uint64_t ns = 0;
		bool is_settled = false;

		if (stat(dir->path.len ? dir->path.bytes : "/", &status) == 0) {
			ns = (uint64_t)status.st_mtim.tv_sec * 1000000000u +
				(uint64_t)status.st_mtim.tv_nsec;
			is_settled = now_ms - delta_file_ms(status.st_mtim) > 2000;
		}
		dir->same = ns != 0 && ns == dir->changed_ns;
		if (!dir->same)
			dir->changed_ns = is_settled ? ns : 0;
	}
}

bool old_files_look(struct delta_known *known, const struct delta_looks *looks,
	int64_t *looked_out, struct err *err)
{
	int64_t looked = 0;

	look_at_dirs(known, looks->now_ms);
	for (size_t i = known->n; i-- > 0;) {
		struct old_file *file = &known->files[i];

		if (known->alive[i] || (known->dirs[file->dir].same && file->presence != UNLOOKED))
			continue;
		if (looked >= looks->old_max) {
			if (file->presence == THERE)
				file->presence = UNLOOKED; /* what is gone does not come back */
			continue;
		}
		if (looked % LOOKS_A_TELL == 0 &&
			!progress_tell(looks->progress, "files looked for", looked, -1, err)) {
			for (size_t k = 0; k < known->ndirs; k++)
				known->dirs[k].changed_ns = 0; /* not all in them was looked for */
			return false;
		}
		file->presence = file_presence(file->path);
		looked++;
	}
	*looked_out = looked;
	return true;
}
