/* SPDX-License-Identifier: Apache-2.0 */
/* Which versions can still be restored, and until when. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "collectors/delta/table_state.h"

#define DAY_MS ((int64_t)24 * 3600 * 1000)

enum { LOOKS_A_TELL = 64, FILES_A_TELL = 4096 };

enum presence { UNLOOKED, THERE, MISSING };

/* A file on disk that only older versions need: data, or of deletion vectors. */
struct old_file {
	struct text path; /* absolute */
	int64_t deleted_ms; /* of its last tombstone; FACT_UNKNOWN = not told */
	enum presence presence;
	uint32_t dir;
};

/* Between calls: directories as they were when they were looked into, and what was in them. */
struct known_dir {
	struct text path;
	int64_t changed_ns; /* modification time then; 0 = never looked into */
	bool same;          /* it has not changed since, in this call */
};
struct delta_known {
	struct arena arena;
	struct old_file *files;
	size_t n, room;
	uint32_t *slots; /* place + 1 */
	size_t nslots;
	struct known_dir *dirs;
	size_t ndirs, dirs_room;
	uint32_t *dir_slots;
	size_t dir_slots_room;
	size_t spans; /* of the snapshot taken in so far */
	uint32_t *of_span; /* two a span: data file, vector file; place + 1 */
	size_t of_span_room;
	bool *alive; /* by file: the newest version needs it, too */
	size_t alive_room;
	int64_t rebuilt;
};

/* ---- the files behind the spans ---- */

static void grow_dirs(struct delta_known *known)
{
	size_t n = known->dir_slots_room ? known->dir_slots_room * 2 : 32;

	free(known->dir_slots);
	known->dir_slots = NEW_ARRAY(uint32_t, n);
	known->dir_slots_room = n;
	for (uint32_t i = 0; i < known->ndirs; i++) {
		size_t at = text_hash(known->dirs[i].path) & (n - 1);

		while (known->dir_slots[at])
			at = (at + 1) & (n - 1);
		known->dir_slots[at] = i + 1;
	}
}

static uint32_t dir_of(struct delta_known *known, struct text path)
{
	const char *slash = memrchr(path.bytes, '/', path.len);
	struct text dir = text_sub(path, 0, slash ? (size_t)(slash - path.bytes) : 0);
	size_t at;

	if (known->ndirs * 2 >= known->dir_slots_room)
		grow_dirs(known);
	at = text_hash(dir) & (known->dir_slots_room - 1);
	for (; known->dir_slots[at]; at = (at + 1) & (known->dir_slots_room - 1))
		if (text_eq(known->dirs[known->dir_slots[at] - 1].path, dir))
			return known->dir_slots[at] - 1;
	if (known->ndirs == known->dirs_room) {
		known->dirs_room = known->dirs_room ? known->dirs_room * 2 : 16;
		known->dirs = mem_resize(known->dirs, known->dirs_room, sizeof *known->dirs);
	}
	known->dirs[known->ndirs] = (struct known_dir){ .path = arena_text(&known->arena, dir) };
	known->dir_slots[at] = (uint32_t)++known->ndirs;
	return (uint32_t)known->ndirs - 1;
}

static void grow(struct delta_known *known)
{
	size_t n = known->nslots ? known->nslots * 2 : 64;
	uint32_t *slots = NEW_ARRAY(uint32_t, n);

	for (uint32_t i = 0; i < known->n; i++) {
		size_t at = text_hash(known->files[i].path) & (n - 1);

		while (slots[at])
			at = (at + 1) & (n - 1);
		slots[at] = i + 1;
	}
	free(known->slots);
	known->slots = slots;
	known->nslots = n;
}

/* Place of a file; n when it is not known and not to be added. */
static size_t file_place(struct delta_known *known, struct text path, bool add)
{
	size_t at;

	if (known->n * 2 >= known->nslots)
		grow(known);
	at = text_hash(path) & (known->nslots - 1);
	for (; known->slots[at]; at = (at + 1) & (known->nslots - 1))
		if (text_eq(known->files[known->slots[at] - 1].path, path))
			return known->slots[at] - 1;
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
	known->slots[at] = (uint32_t)++known->n;
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

static void forget(struct delta_known *known)
{
	arena_free(&known->arena);
	free(known->files);
	free(known->slots);
	free(known->dirs);
	free(known->dir_slots);
	free(known->of_span);
	free(known->alive);
	*known = (struct delta_known){ 0 };
}

static bool take_spans(struct delta_known *known, const struct delta_snapshot *snapshot,
	struct progress *progress, struct err *err)
{
	if (known->spans > snapshot->nspans || known->rebuilt != snapshot->rebuilt)
		forget(known); /* the snapshot was rebuilt */
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

/* ---- looking ---- */

static enum presence look(struct text path)
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
		int64_t ns = 0;

		if (stat(dir->path.len ? dir->path.bytes : "/", &status) == 0)
			ns = (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
		dir->same = ns != 0 && ns == dir->changed_ns;
		if (!dir->same)
			dir->changed_ns = now_ms - ns / 1000000 > 2000 ? ns : 0;
	}
}

static bool look_for_old(struct delta_known *known, const struct delta_looks *looks,
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
		file->presence = look(file->path);
		looked++;
	}
	*looked_out = looked;
	return true;
}

static void look_for_one(struct delta_horizon *horizon, char *where)
{
	if (!where)
		return;
	horizon->newest_looked++;
	if (look(text_of(where)) == MISSING) {
		horizon->newest_gone++;
		if (!horizon->newest_gone_path.bytes)
			horizon->newest_gone_path = arena_text(&horizon->arena, text_of(where));
	}
	free(where);
}

static bool look_for_newest(struct delta_horizon *horizon, const struct delta_snapshot *snapshot,
	const struct delta_looks *looks, struct err *err)
{
	int64_t most = looks->newest_max;
	struct delta_walk walk = { 0 };
	struct delta_entry entry;
	int64_t step = most > 0 ? (snapshot->state.sums.files + most - 1) / most : 0;
	bool goes_on = true;

	for (int64_t i = 0; goes_on && step > 0 && delta_walk_next(snapshot, &walk, &entry); i++) {
		if (i % step != 0)
			continue;
		if (horizon->newest_looked % LOOKS_A_TELL == 0)
			goes_on = progress_tell(looks->progress, "files looked for",
				horizon->looked + horizon->newest_looked, -1, err);
		look_for_one(horizon, delta_file_location(snapshot, entry.path));
		if (entry.dv.storage)
			look_for_one(horizon, delta_dv_location(snapshot, &entry.dv));
	}
	delta_walk_done(&walk);
	return goes_on;
}

/* ---- by version ---- */

/* Can it be rebuilt, and are its files known? */
static bool is_known(const struct delta_snapshot *snapshot, int64_t version)
{
	for (size_t i = 0; i < snapshot->nsegments; i++)
		if (version >= snapshot->segments[i].from && version <= snapshot->segments[i].to)
			return true;
	return false;
}

static void make_rows(struct delta_horizon *horizon, struct delta_snapshot *snapshot)
{
	const struct delta_log *log = &snapshot->log;
	size_t i = 0;
	size_t k = 0;
	int64_t last = FACT_UNKNOWN;

	horizon->rows = NEW_ARRAY(struct delta_horizon_row, log->ncommits + log->ncheckpoints + 1);
	horizon->n = 0;
	if (log->ncommits > 0)
		delta_times_fill(snapshot, log->ncommits - 1);
	while (i < log->ncommits || k < log->ncheckpoints) {
		struct delta_horizon_row *row = &horizon->rows[horizon->n];
		bool commit = i < log->ncommits &&
			(k == log->ncheckpoints || log->commits[i] <= log->checkpoints[k]);
		int64_t version = commit ? log->commits[i] : log->checkpoints[k];

		*row = (struct delta_horizon_row){ .version = version, .standing = STANDING_LISTED,
			.timestamp_ms = FACT_UNKNOWN, .until_ms = FACT_UNKNOWN, .by_log = true };
		if (commit) {
			int64_t ms = snapshot->times[i];

			if (ms != FACT_UNKNOWN)
				last = last != FACT_UNKNOWN && ms <= last ? last + 1 : ms;
			row->timestamp_ms = last;
		}
		while (i < log->ncommits && log->commits[i] == version)
			i++;
		while (k < log->ncheckpoints && log->checkpoints[k] == version)
			k++;
		if (version > snapshot->version)
			break; /* came after the snapshot */
		if (is_known(snapshot, version)) {
			row->standing = STANDING_RESTORABLE;
			row->by_log = false;
		}
		if (version == snapshot->version)
			row->standing = STANDING_CURRENT;
		horizon->n++;
	}
}

/* The row of a version, or the first behind it. */
static size_t row_at(const struct delta_horizon *horizon, int64_t version)
{
	size_t low = 0;
	size_t high = horizon->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (horizon->rows[middle].version < version)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* What one span means to the versions it reaches over. */
struct stake {
	size_t from, to; /* rows */
	int64_t until_ms;
	bool gone, unlooked;
	struct text path;
};

static int compare_stakes(const void *left, const void *right)
{
	const struct stake *a = left;
	const struct stake *b = right;

	return (a->until_ms > b->until_ms) - (a->until_ms < b->until_ms);
}

static void add_file(const struct delta_known *known, uint32_t place, int64_t keep_ms,
	struct stake *stake, bool *old)
{
	const struct old_file *file;
	int64_t until_ms;

	if (place == 0 || known->alive[place - 1])
		return;
	file = &known->files[place - 1];
	*old = true;
	/* Engines take a tombstone without a time for one of 1970. */
	if (__builtin_add_overflow(file->deleted_ms == FACT_UNKNOWN ? 0 : file->deleted_ms, keep_ms,
		    &until_ms))
		until_ms = INT64_MAX;
	if (until_ms < stake->until_ms)
		stake->until_ms = until_ms;
	stake->unlooked |= file->presence == UNLOOKED;
	if (file->presence == MISSING) {
		stake->gone = true;
		stake->path = file->path;
	}
}

static size_t make_stakes(const struct delta_horizon *horizon, const struct delta_snapshot *snapshot,
	struct stake *stakes)
{
	const struct delta_known *known = horizon->known;
	int64_t keep_ms = delta_snapshot_duration(
		snapshot, "delta.deletedFileRetentionDuration", 7 * DAY_MS);
	size_t n = 0;

	for (size_t i = 0; i < snapshot->nspans; i++) {
		const struct delta_span *span = &snapshot->spans[i];
		struct stake *stake = &stakes[n];
		bool elsewhere = known->of_span[2 * i] == 0;
		bool old = elsewhere;

		*stake = (struct stake){ row_at(horizon, span->from), row_at(horizon, span->to),
			INT64_MAX, false, elsewhere, TEXT_NONE };
		add_file(known, known->of_span[2 * i], keep_ms, stake, &old);
		add_file(known, known->of_span[2 * i + 1], keep_ms, stake, &old);
		n += old && stake->from < stake->to;
	}
	return n;
}

/* The first row at or behind i that nothing has been written to yet. */
static size_t next_free(size_t *next, size_t i)
{
	size_t end = i;

	while (next[end] != end)
		end = next[end];
	while (next[i] != end) {
		size_t step = next[i];

		next[i] = end;
		i = step;
	}
	return end;
}

/* Stakes by their ends: the first that reaches a row is its least. */
static void settle(struct delta_horizon *horizon, struct stake *stakes, size_t n)
{
	size_t rows = horizon->n;
	size_t *next = NEW_ARRAY(size_t, rows + 1);
	size_t *next_gone = NEW_ARRAY(size_t, rows + 1);
	int64_t *old = NEW_ARRAY(int64_t, rows + 1);
	int64_t *gone = NEW_ARRAY(int64_t, rows + 1);
	int64_t *unlooked = NEW_ARRAY(int64_t, rows + 1);
	int64_t sums[3] = { 0 };

	for (size_t i = 0; i <= rows; i++)
		next[i] = next_gone[i] = i;
	if (n > 0)
		qsort(stakes, n, sizeof *stakes, compare_stakes);
	for (size_t i = 0; i < n; i++) {
		const struct stake *stake = &stakes[i];

		old[stake->from]++, old[stake->to]--;
		if (stake->unlooked && !stake->gone)
			unlooked[stake->from]++, unlooked[stake->to]--;
		for (size_t r = next_free(next, stake->from);
			stake->until_ms != INT64_MAX && r < stake->to; r = next_free(next, r)) {
			horizon->rows[r].until_ms = stake->until_ms;
			next[r] = r + 1;
		}
		if (!stake->gone)
			continue;
		gone[stake->from]++, gone[stake->to]--;
		for (size_t r = next_free(next_gone, stake->from); r < stake->to;
			r = next_free(next_gone, r)) {
			horizon->rows[r].gone = arena_text(&horizon->arena, stake->path);
			next_gone[r] = r + 1;
		}
	}
	for (size_t r = 0; r < rows; r++) {
		struct delta_horizon_row *row = &horizon->rows[r];

		row->files_old = sums[0] += old[r];
		row->files_gone = sums[1] += gone[r];
		row->files_unlooked = sums[2] += unlooked[r];
	}
	free(next);
	free(next_gone);
	free(old);
	free(gone);
	free(unlooked);
}

static int64_t log_until(int64_t commit_ms, int64_t keep_ms)
{
	int64_t until;

	/* Cleanup cuts at a day's beginning, so a commit lives to the end of its day. */
	if (commit_ms < 0 || __builtin_add_overflow((commit_ms / DAY_MS + 1) * DAY_MS, keep_ms, &until))
		return INT64_MAX;
	return until;
}

static void conclude(struct delta_horizon *horizon, const struct delta_snapshot *snapshot)
{
	bool cleans = !text_is(
		delta_property(snapshot->metadata, "delta.enableExpiredLogCleanup"), "false");
	int64_t keep_ms =
		delta_snapshot_duration(snapshot, "delta.logRetentionDuration", 30 * DAY_MS);

	horizon->first_listed = horizon->n ? horizon->rows[0].version : FACT_UNKNOWN;
	horizon->first_restorable = snapshot->version;
	for (size_t i = horizon->n; i-- > 0;) {
		struct delta_horizon_row *row = &horizon->rows[i];
		int64_t until = row->timestamp_ms != FACT_UNKNOWN && cleans
			? log_until(row->timestamp_ms, keep_ms)
			: INT64_MAX;

		if (row->standing == STANDING_RESTORABLE && row->files_gone > 0)
			row->standing = STANDING_LISTED;
		if (row->standing != STANDING_RESTORABLE) {
			row->until_ms = FACT_UNKNOWN;
			continue;
		}
		if (until != INT64_MAX && (row->until_ms == FACT_UNKNOWN || until < row->until_ms)) {
			row->until_ms = until;
			row->by_log = true;
		}
	}
	for (size_t i = horizon->n; i-- > 0 && horizon->rows[i].standing != STANDING_LISTED;)
		horizon->first_restorable = horizon->rows[i].version;
}

static bool look_for_files(struct delta_horizon *horizon, struct delta_snapshot *snapshot,
	const struct delta_looks *looks, struct err *err)
{
	if (!take_spans(horizon->known, snapshot, looks->progress, err))
		return false;
	mark_alive(horizon->known, snapshot);
	return look_for_old(horizon->known, looks, &horizon->looked, err) &&
		look_for_newest(horizon, snapshot, looks, err);
}

bool delta_horizon_read(struct delta_horizon *horizon, struct delta_snapshot *snapshot,
	const struct delta_looks *looks, struct err *err)
{
	struct stake *stakes;

	arena_free(&horizon->arena);
	FREE(&horizon->rows);
	horizon->n = 0;
	horizon->looked = 0;
	horizon->newest_looked = horizon->newest_gone = 0;
	horizon->newest_gone_path = TEXT_NONE;
	if (!horizon->known)
		horizon->known = NEW(struct delta_known);
	if (!look_for_files(horizon, snapshot, looks, err))
		return false;
	snapshot->log_fd = open(snapshot->log_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	make_rows(horizon, snapshot);
	if (snapshot->log_fd >= 0)
		(void)close(snapshot->log_fd);
	snapshot->log_fd = -1;
	stakes = NEW_ARRAY(struct stake, snapshot->nspans + 1);
	settle(horizon, stakes, make_stakes(horizon, snapshot, stakes));
	conclude(horizon, snapshot);
	free(stakes);
	return true;
}

void delta_horizon_done(struct delta_horizon *horizon)
{
	if (horizon->known)
		forget(horizon->known);
	free(horizon->known);
	free(horizon->rows);
	arena_free(&horizon->arena);
	*horizon = (struct delta_horizon){ 0 };
}
