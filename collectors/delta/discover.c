/* SPDX-License-Identifier: Apache-2.0 */
/* Finds tables: directories that hold a _delta_log. */
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "collectors/delta/parts.h"
#include "collectors/delta/state.h"

enum { DIRECTORIES_MAX = 50 * 1000 };

struct visited {
	dev_t device;
	ino_t inode;
};

struct walk {
	const struct delta_found *found;
	const char *root;
	struct text exclude;
	struct visited *seen; /* open addressing; inode 0 = free */
	size_t nseen, room;
	bool full;
	struct err stopped;
};

char *delta_log_dir(const char *path)
{
	struct stat status;
	const char *slash = strrchr(path, '/');
	char *dir;

	if (strcmp(slash ? slash + 1 : path, "_delta_log") == 0 && stat(path, &status) == 0 &&
		S_ISDIR(status.st_mode))
		return mem_strdup(path);
	dir = delta_path_join(path, "_delta_log");
	if (stat(dir, &status) == 0 && S_ISDIR(status.st_mode))
		return dir;
	free(dir);
	return NULL;
}

bool delta_find_table(const char *given, char **path_out, char **log_dir_out, struct err *err)
{
	struct arena arena = { 0 };
	struct text decoded = text_of(given);
	char *path;
	char *log_dir;
	char *slash;

	if (strncmp(given, "file:", 5) == 0)
		decoded = delta_path_canonical(&arena, decoded);
	path = realpath(decoded.len ? arena_printf(&arena, "%.*s", TEXT_ARG(decoded)) : "", NULL);
	arena_free(&arena);
	if (!path)
		return err_errno(err, errno, "open %s", given);
	log_dir = delta_log_dir(path);
	if (!log_dir) {
		free(path);
		return err_set(err, ERR_ABSENT, 0, "%s holds no _delta_log", given);
	}
	slash = strrchr(path, '/');
	if (strcmp(log_dir, path) == 0 && slash && slash != path)
		*slash = '\0';
	*path_out = path;
	*log_dir_out = log_dir;
	return true;
}

static size_t slot_of(const struct visited *seen, size_t room, dev_t device, ino_t inode)
{
	size_t at = ((size_t)inode * 0x9e3779b97f4a7c15u + (size_t)device) & (room - 1);

	while (seen[at].inode != 0 && (seen[at].inode != inode || seen[at].device != device))
		at = (at + 1) & (room - 1);
	return at;
}

/* True the first time a directory is met, by whatever name. */
static bool is_new(struct walk *walk, const struct stat *status)
{
	size_t at;

	if (walk->nseen * 2 >= walk->room) {
		size_t room = walk->room ? walk->room * 2 : 256;
		struct visited *grown = NEW_ARRAY(struct visited, room);

		for (size_t i = 0; i < walk->room; i++)
			if (walk->seen[i].inode != 0)
				grown[slot_of(grown, room, walk->seen[i].device,
					walk->seen[i].inode)] = walk->seen[i];
		free(walk->seen);
		walk->seen = grown;
		walk->room = room;
	}
	at = slot_of(walk->seen, walk->room, status->st_dev, status->st_ino);
	if (walk->seen[at].inode != 0)
		return false;
	walk->seen[at] = (struct visited){ status->st_dev, status->st_ino };
	walk->nseen++;
	return true;
}

/* Patterns are shell globs, blank or comma between, on the path below root or a last name. */
static bool is_excluded(const struct walk *walk, const char *below, const char *name)
{
	size_t at = 0;

	while (at < walk->exclude.len) {
		size_t len = 0;
		char *glob;
		bool hit;

		while (at + len < walk->exclude.len &&
			!strchr(" \t\r\n,", walk->exclude.bytes[at + len]))
			len++;
		if (len == 0) {
			at++;
			continue;
		}
		glob = text_dup(text_sub(walk->exclude, at, len));
		hit = fnmatch(glob, below, 0) == 0 || fnmatch(glob, name, 0) == 0;
		free(glob);
		if (hit)
			return true;
		at += len;
	}
	return false;
}

static const char *below_root(const struct walk *walk, const char *path)
{
	size_t len = strlen(walk->root);

	if (strncmp(path, walk->root, len) != 0)
		return path;
	path += len;
	while (*path == '/')
		path++;
	return path;
}

static const char *last_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* How a table is shown: its path below the root, the root itself by its own name. */
static const char *name_of(const struct walk *walk, const char *path)
{
	const char *below = below_root(walk, path);

	return *below ? below : last_name(path);
}

static void visit(struct walk *walk, const char *path, int depth);

static void visit_children(struct walk *walk, const char *path, int depth)
{
	const struct delta_found *found = walk->found;
	struct dirent **entries = NULL;
	int n;

	if (found->visited)
		found->visited(found->context, path);
	n = scandir(path, &entries, NULL, alphasort);
	if (n < 0) {
		if (found->trouble && errno != ENOENT)
			found->trouble(found->context, path, strerror(errno));
		return;
	}
	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;
		bool may_be_dir = entries[i]->d_type == DT_DIR || entries[i]->d_type == DT_LNK ||
			entries[i]->d_type == DT_UNKNOWN;

		/* A log that came after it was looked for and before changes were watched. */
		if (strcmp(name, "_delta_log") == 0) {
			char *log_dir = delta_path_join(path, name);

			found->table(found->context, path, log_dir, name_of(walk, path));
			free(log_dir);
		}
		if (may_be_dir && name[0] != '.' && name[0] != '_' && !walk->full) {
			char *child = delta_path_join(path, name);

			visit(walk, child, depth - 1);
			free(child);
		}
		free(entries[i]);
	}
	free(entries);
}

static void visit(struct walk *walk, const char *path, int depth)
{
	const struct delta_found *found = walk->found;
	const char *below = below_root(walk, path);
	struct stat status;
	char *log_dir;

	if (walk->stopped.kind == ERR_NONE)
		(void)progress_tell(found->progress, "directories", (int64_t)walk->nseen, -1,
			&walk->stopped);
	walk->full |= walk->stopped.kind != ERR_NONE;
	if (walk->full || stat(path, &status) != 0 || !S_ISDIR(status.st_mode) ||
		!is_new(walk, &status))
		return;
	if (*below && is_excluded(walk, below, last_name(path)))
		return;
	if (walk->nseen > DIRECTORIES_MAX) {
		walk->full = true;
		if (found->trouble)
			found->trouble(found->context, walk->root,
				"more than 50,000 directories: not all are looked into; give a "
				"lower root or exclude some");
		return;
	}
	log_dir = delta_log_dir(path);
	if (log_dir)
		found->table(found->context, path, log_dir, name_of(walk, path));
	else if (depth > 0)
		visit_children(walk, path, depth);
	free(log_dir);
}

bool delta_discover(const char *root, int depth, struct text exclude,
	const struct delta_found *found, struct err *err)
{
	struct walk walk = { .found = found, .exclude = exclude };
	struct stat status;
	char *real = realpath(root, NULL);
	size_t len;

	if (!real)
		return err_errno(err, errno, "open root %s", root);
	if (stat(real, &status) != 0 || !S_ISDIR(status.st_mode)) {
		free(real);
		return err_set(err, ERR_IO, 0, "root %s is no directory", root);
	}
	len = strlen(real);
	if (len > 11 && strcmp(real + len - 11, "/_delta_log") == 0)
		real[len - 11] = '\0'; /* the root is a table's log: mean the table */
	walk.root = real;
	visit(&walk, real, depth);
	free(walk.seen);
	free(real);
	if (walk.stopped.kind != ERR_NONE)
		*err = walk.stopped;
	return walk.stopped.kind == ERR_NONE;
}
