/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/checkpoint/checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

enum {
	TRIES = 3,            /* files vanish between list and open: list again */
	OLD_MS = 60 * 1000,   /* a file cut for this long is not being written */
	BACK_MAX = 16,        /* commits looked back for one whose offsets are there */
	BATCHES_MAX = 1000 * 1000,
	PATH_BYTES = 4096
};

struct ids {
	int64_t *list;
	size_t n, room;
	uint64_t dir_ns; /* file time of the directory, taken before it was listed */
};

void checkpoint_init(struct checkpoint *checkpoint, const char *path, const char *name)
{
	*checkpoint = (struct checkpoint){
		.path = mem_strdup(path),
		.name = mem_strdup(name),
		.done = { .id = -1 },
		.begun = { .id = -1 },
		.committed_at_ms = FACT_UNKNOWN,
		.commit_id = -1,
		.told_broken = -1,
		.broken_id = -1,
	};
}

static void drop(struct checkpoint_held *held)
{
	arena_free(&held->arena);
	*held = (struct checkpoint_held){ .id = -1 };
}

void checkpoint_done(struct checkpoint *checkpoint)
{
	drop(&checkpoint->done);
	drop(&checkpoint->begun);
	FREE(&checkpoint->path);
	FREE(&checkpoint->name);
	FREE(&checkpoint->query_id);
}

static int64_t file_time_ns(const struct stat *status)
{
	return (int64_t)status->st_mtim.tv_sec * 1000000000 + status->st_mtim.tv_nsec;
}

/* The ids in a log's directory, as listed. */
static bool list(const char *path, const char *log, struct ids *ids, struct err *err)
{
	char name[PATH_BYTES];
	struct stat status;
	struct dirent *entry;
	DIR *dir;

	ids->n = 0;
	(void)snprintf(name, sizeof name, "%s/%s", path, log);
	dir = opendir(name);
	if (!dir)
		return err_errno(err, errno, "%s", name);
	ids->dir_ns = fstat(dirfd(dir), &status) == 0 ? (uint64_t)file_time_ns(&status) : 0;
	while ((entry = readdir(dir)) && ids->n < BATCHES_MAX) {
		int64_t id = checkpoint_number_of(text_of(entry->d_name));

		if (id < 0)
			continue;
		if (ids->n == ids->room) {
			ids->room = ids->room ? ids->room * 2 : 256;
			ids->list = mem_resize(ids->list, ids->room, sizeof *ids->list);
		}
		ids->list[ids->n++] = id;
	}
	(void)closedir(dir);
	return true;
}

/* The largest id below the limit; -1 = none. */
static int64_t newest_below(const struct ids *ids, int64_t limit)
{
	int64_t newest = -1;

	for (size_t i = 0; i < ids->n; i++) {
		if (ids->list[i] > newest && ids->list[i] < limit)
			newest = ids->list[i];
	}
	return newest;
}

/* The whole file, capped; false sets err. */
static bool read_file(const char *path, struct buf *bytes, struct stat *status, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = 0;
	char *room;

	if (fd < 0)
		return err_errno(err, errno, "%s", path);
	if (fstat(fd, status) != 0 || !S_ISREG(status->st_mode)) {
		(void)close(fd);
		return err_set(err, ERR_FORMAT, 0, "%s: not a file", path);
	}
	while ((room = buf_reserve(bytes, 4096)) && (n = read(fd, room, 4096)) > 0)
		bytes->len += (size_t)n;
	bytes->bytes[bytes->len] = '\0';
	(void)close(fd);
	if (n < 0)
		return err_errno(err, errno, "%s", path);
	if (!room)
		return err_set(err, ERR_LIMIT, 0, "%s: larger than %d bytes", path,
			CHECKPOINT_FILE_MAX);
	return true;
}

enum load { LOADED, VANISHED, UNREADABLE };

static void note_broken(struct checkpoint *checkpoint, int64_t id, const char *why,
	const struct stat *status, int64_t now_ms)
{
	checkpoint->broken_id = id;
	checkpoint->broken_why = why;
	checkpoint->broken_is_old = now_ms - file_time_ns(status) / 1000000 > OLD_MS;
}

/* offsets/id into held, unless it is there already. */
static enum load load(struct checkpoint *checkpoint, int64_t id, struct checkpoint_held *held,
	int64_t now_ms)
{
	struct checkpoint_held fresh = { .id = id };
	struct err err = ERR_INIT;
	const char *why = "";
	enum checkpoint_verdict verdict;
	enum load said = UNREADABLE;
	char path[PATH_BYTES];
	struct stat status = { 0 };
	struct buf bytes;

	(void)snprintf(path, sizeof path, "%s/offsets/%lld", checkpoint->path, (long long)id);
	if (held->id == id && stat(path, &status) == 0 && held->changed_ns == file_time_ns(&status) &&
		held->inode == (int64_t)status.st_ino && held->bytes == (int64_t)status.st_size)
		return LOADED;
	buf_init(&bytes, CHECKPOINT_FILE_MAX);
	if (!read_file(path, &bytes, &status, &err)) {
		said = err.kind == ERR_ABSENT ? VANISHED : UNREADABLE;
		if (said == UNREADABLE)
			note_broken(checkpoint, id, err.kind == ERR_LIMIT ? "larger than 16 MiB"
									  : "cannot be read",
				&status, now_ms);
	} else if ((verdict = checkpoint_batch_of(&fresh.arena, buf_text(&bytes), &fresh.batch,
			    &why)) != CHECKPOINT_WHOLE) {
		note_broken(checkpoint, id, why, &status, now_ms);
		checkpoint->broken_is_old = checkpoint->broken_is_old || verdict == CHECKPOINT_BROKEN;
		arena_free(&fresh.arena);
	} else {
		fresh.inode = (int64_t)status.st_ino;
		fresh.changed_ns = file_time_ns(&status);
		fresh.bytes = (int64_t)status.st_size;
		drop(held);
		*held = fresh;
		said = LOADED;
	}
	checkpoint->files_read += said != VANISHED;
	buf_done(&bytes);
	return said;
}

/* Where the sources began, while nothing is committed: sources/0/0, sources/1/0, ... */
static void load_initial(struct checkpoint *checkpoint)
{
	struct checkpoint_held *held = &checkpoint->done;
	struct ids ids = { 0 };
	struct err err = ERR_INIT;

	if (held->id == -1 && held->batch.sources)
		return;
	drop(held);
	if (!list(checkpoint->path, "sources", &ids, &err))
		return;
	held->batch.started_at_ms = FACT_UNKNOWN;
	held->batch.sources = ARENA_ARRAY(&held->arena, struct offset, ids.n + 1);
	for (size_t i = 0; i < ids.n && i < CHECKPOINT_SOURCES_MAX; i++) {
		char path[PATH_BYTES];
		struct stat status;
		struct buf bytes;

		(void)snprintf(path, sizeof path, "%s/sources/%lld/0", checkpoint->path,
			(long long)ids.list[i]);
		buf_init(&bytes, CHECKPOINT_FILE_MAX);
		if (read_file(path, &bytes, &status, &err))
			held->batch.sources[held->batch.n++] =
				checkpoint_initial_of(&held->arena, buf_text(&bytes));
		buf_done(&bytes);
	}
	free(ids.list);
}

/* An empty commit is one being written; its time is when the batch was done. */
static bool commit_stands(struct checkpoint *checkpoint, int64_t id, int64_t now_ms)
{
	char path[PATH_BYTES];
	struct stat status;
	int64_t at_ms;

	(void)snprintf(path, sizeof path, "%s/commits/%lld", checkpoint->path, (long long)id);
	if (stat(path, &status) != 0)
		return false;
	at_ms = file_time_ns(&status) / 1000000;
	if (status.st_size == 0 && now_ms - at_ms < OLD_MS)
		return false;
	checkpoint->committed_at_ms = at_ms;
	return true;
}

/* Newest committed batch whose offsets are there. False: list again. */
static bool load_done(struct checkpoint *checkpoint, const struct ids *commits, int64_t now_ms)
{
	int64_t id = newest_below(commits, INT64_MAX);
	bool any = false;

	for (int i = 0; i < BACK_MAX && id >= 0; i++, id = newest_below(commits, id)) {
		if (!commit_stands(checkpoint, id, now_ms)) {
			checkpoint->settled = false;
			continue;
		}
		any = true;
		/* What was begun is now done: no need to read it again. */
		if (checkpoint->begun.id == id && checkpoint->done.id != id) {
			drop(&checkpoint->done);
			checkpoint->done = checkpoint->begun;
			checkpoint->begun = (struct checkpoint_held){ .id = -1 };
		}
		switch (load(checkpoint, id, &checkpoint->done, now_ms)) {
		case LOADED:
			checkpoint->commit_id = id;
			return true;
		case VANISHED: /* its offsets were cleaned away, or never listed */
		case UNREADABLE:
			break;
		}
	}
	if (any)
		return false;
	checkpoint->commit_id = -1;
	checkpoint->committed_at_ms = FACT_UNKNOWN;
	load_initial(checkpoint);
	return true;
}

static bool load_begun(struct checkpoint *checkpoint, const struct ids *offsets, int64_t now_ms)
{
	int64_t id = newest_below(offsets, INT64_MAX);

	while (id > checkpoint->commit_id) {
		switch (load(checkpoint, id, &checkpoint->begun, now_ms)) {
		case LOADED:
			return true;
		case VANISHED:
			return false;
		case UNREADABLE: /* being written: the one before it is what is known */
			checkpoint->settled = false;
			id = newest_below(offsets, id);
			break;
		}
	}
	drop(&checkpoint->begun);
	return true;
}

static void load_query(struct checkpoint *checkpoint)
{
	struct err err = ERR_INIT;
	struct arena arena = { 0 };
	char path[PATH_BYTES];
	struct stat status;
	struct buf bytes;
	struct text id;

	if (checkpoint->query_id)
		return;
	(void)snprintf(path, sizeof path, "%s/metadata", checkpoint->path);
	buf_init(&bytes, 1 << 16);
	if (read_file(path, &bytes, &status, &err)) {
		id = checkpoint_query_of(&arena, buf_text(&bytes));
		checkpoint->query_id = id.bytes ? mem_strdup(id.bytes) : NULL;
	}
	buf_done(&bytes);
	arena_free(&arena);
}

/* Nothing came or went since both logs were listed, and nothing was half-written then. */
static bool is_unchanged(const struct checkpoint *checkpoint)
{
	static const char *const logs[2] = { "offsets", "commits" };

	for (size_t i = 0; i < ARRAY_LEN(logs); i++) {
		char path[PATH_BYTES];
		struct stat status;

		(void)snprintf(path, sizeof path, "%s/%s", checkpoint->path, logs[i]);
		if (!checkpoint->settled || checkpoint->listed_ns[i] == 0 ||
			stat(path, &status) != 0 ||
			(uint64_t)file_time_ns(&status) != checkpoint->listed_ns[i])
			return false;
	}
	return true;
}

static int64_t newest_known(const struct checkpoint *checkpoint)
{
	return checkpoint->begun.id > checkpoint->done.id ? checkpoint->begun.id
							  : checkpoint->done.id;
}

static void forget(struct checkpoint *checkpoint)
{
	drop(&checkpoint->done);
	drop(&checkpoint->begun);
	FREE(&checkpoint->query_id);
	checkpoint->commit_id = -1;
	checkpoint->told_broken = -1;
}

bool checkpoint_look(struct checkpoint *checkpoint, int64_t now_ms, struct err *err)
{
	struct ids offsets = { 0 };
	struct ids commits = { 0 };
	struct err none = ERR_INIT;
	bool good = false;

	if (is_unchanged(checkpoint))
		return true;
	checkpoint->broken_id = -1;
	for (int i = 0; i < TRIES && !good; i++) {
		checkpoint->settled = true;
		/* Commits first: what is done then cannot be newer than what is begun. */
		if (!list(checkpoint->path, "commits", &commits, &none)) {
			if (none.kind != ERR_ABSENT) {
				*err = none;
				break;
			}
			commits.n = 0; /* there is none before the first batch is done */
			commits.dir_ns = 0;
		}
		if (!list(checkpoint->path, "offsets", &offsets, err))
			break;
		if (newest_below(&offsets, INT64_MAX) < newest_known(checkpoint))
			forget(checkpoint); /* it was made anew at the same place */
		load_query(checkpoint);
		good = load_done(checkpoint, &commits, now_ms) &&
			load_begun(checkpoint, &offsets, now_ms);
		if (!good)
			(void)err_set(err, ERR_FORMAT, 0,
				"%s: no committed batch whose offsets can be read", checkpoint->path);
	}
	/* A file time is as fine as the kernel's tick: of what changed just now look again. */
	checkpoint->listed_ns[0] = offsets.dir_ns;
	checkpoint->listed_ns[1] = commits.dir_ns;
	if ((int64_t)(offsets.dir_ns / 1000000) > now_ms - 100 ||
		(int64_t)(commits.dir_ns / 1000000) > now_ms - 100)
		checkpoint->settled = false;
	checkpoint->settled = checkpoint->settled && good;
	free(offsets.list);
	free(commits.list);
	return good;
}

void checkpoint_reached(const struct checkpoint *checkpoint, struct reached *reached)
{
	for (size_t i = 0; i < checkpoint->done.batch.n; i++)
		reached_add(reached, &checkpoint->done.batch.sources[i], NULL);
	for (size_t i = 0; i < checkpoint->begun.batch.n; i++)
		reached_add(reached, NULL, &checkpoint->begun.batch.sources[i]);
}

int64_t checkpoint_busy_since(const struct checkpoint *checkpoint)
{
	return checkpoint->begun.id >= 0 ? checkpoint->begun.batch.started_at_ms : FACT_UNKNOWN;
}
