/* SPDX-License-Identifier: Apache-2.0 */
/* Finds checkpoints: directories that hold offsets, and commits or metadata. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "collectors/checkpoint/checkpoint.h"

enum { PATH_BYTES = 4096 };

struct walk {
	const struct checkpoint_found *found;
	size_t root_len;
	int64_t entries, directories;
	bool full;
};

static bool is_directory(const char *path, const char *name)
{
	char below[PATH_BYTES];
	struct stat status;

	if ((size_t)snprintf(below, sizeof below, "%s/%s", path, name) >= sizeof below)
		return false;
	return stat(below, &status) == 0 && S_ISDIR(status.st_mode);
}

bool checkpoint_is(const char *path)
{
	char metadata[PATH_BYTES];
	struct stat status;

	if (!is_directory(path, "offsets"))
		return false;
	if (is_directory(path, "commits"))
		return true;
	return (size_t)snprintf(metadata, sizeof metadata, "%s/metadata", path) < sizeof metadata &&
		stat(metadata, &status) == 0;
}

static void tell(struct walk *walk, const char *path)
{
	const char *below = path + walk->root_len;
	const char *slash = strrchr(path, '/');
	struct buf name;

	while (*below == '/')
		below++;
	if (*below == '\0') /* the root itself: its own name */
		below = slash && slash[1] ? slash + 1 : path;
	buf_init(&name, PATH_BYTES);
	(void)utf8_clean(&name, text_of(below), UTF8_ONE_LINE);
	walk->found->checkpoint(walk->found->context, path, name.bytes);
	buf_done(&name);
}

static void look_into(struct walk *walk, const char *path, int depth);

static void look_at(struct walk *walk, const char *path, const struct dirent *entry, int depth)
{
	char below[PATH_BYTES];
	struct stat status;

	if (entry->d_name[0] == '.' || strcmp(entry->d_name, "_delta_log") == 0 ||
		(entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK))
		return;
	if ((size_t)snprintf(below, sizeof below, "%s/%s", path, entry->d_name) >= sizeof below)
		return;
	/* A link is followed to a checkpoint, but not to a tree: so there is no circle. */
	if (entry->d_type == DT_LNK) {
		if (checkpoint_is(below))
			tell(walk, below);
	} else if (entry->d_type == DT_DIR ||
		(lstat(below, &status) == 0 && S_ISDIR(status.st_mode))) {
		look_into(walk, below, depth - 1);
	}
}

static void look_into(struct walk *walk, const char *path, int depth)
{
	struct dirent *entry;
	DIR *dir;

	if (checkpoint_is(path)) {
		tell(walk, path);
		return;
	}
	if (walk->full || ++walk->directories > CHECKPOINT_DIRECTORIES_MAX) {
		walk->full = true;
		return;
	}
	dir = opendir(path);
	if (!dir) {
		if (errno != ENOENT)
			walk->found->trouble(walk->found->context, path, strerror(errno));
		return;
	}
	if (walk->found->directory)
		walk->found->directory(walk->found->context, path);
	while (depth > 0 && !walk->full && (entry = readdir(dir))) {
		walk->full = ++walk->entries > CHECKPOINT_ENTRIES_MAX;
		look_at(walk, path, entry, depth);
	}
	(void)closedir(dir);
}

bool checkpoint_discover(const char *root, int depth, const struct checkpoint_found *found,
	struct err *err)
{
	struct walk walk = { .found = found, .root_len = strlen(root) };
	DIR *dir = opendir(root);

	if (!dir)
		return err_errno(err, errno, "%s", root);
	(void)closedir(dir);
	look_into(&walk, root, depth);
	if (walk.full)
		found->trouble(found->context, root,
			"more than 50,000 directories or 2,000,000 names: the rest is not looked at");
	return true;
}
