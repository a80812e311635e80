/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "collectors/eventlog/follow_file.h"

/* Which files there are: by name first, then by what they are. */

enum { DIRECTORY_DEPTH_MAX = 8 };

struct scan {
	struct follow *follow;
	int64_t now_ms;
	bool changed;
	bool watched; /* so far every directory is, where watching works */
};

static const uint32_t watched_events = IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_FROM |
	IN_MOVED_TO | IN_DELETE | IN_ATTRIB | IN_ONLYDIR;

int64_t follow_mtime_ns(const struct stat *stat)
{
	return (int64_t)stat->st_mtim.tv_sec * 1000000000 + stat->st_mtim.tv_nsec;
}

struct follow_file *follow_file_new(const char *path)
{
	struct follow_file *file = NEW(struct follow_file);

	file->path = mem_strdup(path);
	file->fd = -1;
	follow_file_renew(file);
	return file;
}

void follow_file_free(struct follow_file *file)
{
	if (file->fd >= 0)
		(void)close(file->fd); /* only read */
	free(file->path);
	free(file);
}

void follow_add(struct follow *follow, struct follow_file *file)
{
	if (follow->nfiles == follow->files_room) {
		follow->files_room = follow->files_room ? follow->files_room * 2 : 16;
		follow->files =
			mem_resize(follow->files, follow->files_room, sizeof(*follow->files));
	}
	follow->files[follow->nfiles++] = file;
}

void follow_remove(struct follow *follow, size_t index)
{
	struct follow_file *file = follow->files[index];

	if (follow->slot.owner == file)
		follow_slot_drop(&follow->slot);
	follow_file_free(file);
	follow->nfiles--;
	memmove(follow->files + index, follow->files + index + 1,
		(follow->nfiles - index) * sizeof(*follow->files));
}

/* File systems where another machine's writes cause no event here. */
static bool tells_events(const char *directory)
{
	static const uint32_t silent[] = { 0x6969 /* NFS */, 0x517b /* SMB */, 0xff534d42 /* CIFS */,
		0xfe534d42 /* SMB2 */, 0x65735546 /* FUSE */, 0x01021997 /* 9P */, 0x00c36400 /* Ceph */,
		0x0bd00bd0 /* Lustre */, 0x5346414f /* AFS */, 0x47504653 /* GPFS */,
		0x786f4256 /* VirtualBox */ };
	struct statfs about;

	if (statfs(directory, &about) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(silent); i++) {
		if ((uint32_t)about.f_type == silent[i])
			return false;
	}
	return true;
}

static void watch(struct scan *scan, const char *directory)
{
	if (scan->follow->events < 0 || !tells_events(directory) ||
		inotify_add_watch(scan->follow->events, directory, watched_events) < 0)
		scan->watched = false;
}

static void watch_parent(struct scan *scan, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *parent = slash ? mem_strdup(path) : mem_strdup(".");

	if (slash)
		parent[slash == path ? 1 : slash - path] = '\0';
	watch(scan, parent);
	free(parent);
}

static struct follow_file *find_life(struct follow *follow, const struct stat *stat)
{
	for (size_t i = 0; i < follow->nfiles; i++) {
		struct follow_file *file = follow->files[i];

		if (file->inode == (int64_t)stat->st_ino && file->device == (int64_t)stat->st_dev)
			return file;
	}
	return NULL;
}

/* One name that a file may stand under. known_only: not unless it is followed already. */
static void consider(struct scan *scan, const char *path, bool known_only)
{
	struct follow *follow = scan->follow;
	struct stat now;
	struct follow_file *file;

	if (stat(path, &now) != 0 || !S_ISREG(now.st_mode))
		return;
	file = find_life(follow, &now);
	if (!file) {
		if (known_only)
			return;
		if (follow->nfiles >= FOLLOW_FILES_MAX) {
			follow->limited = true;
			return;
		}
		file = follow_file_new(path);
		file->device = (int64_t)now.st_dev;
		file->inode = (int64_t)now.st_ino;
		follow_add(follow, file);
		scan->changed = true;
	} else if (!file->seen && strcmp(file->path, path) != 0) {
		log_line(LOG_INFO, "eventlog", "%s is now %s", file->path, path);
		free(file->path);
		file->path = mem_strdup(path);
		scan->changed = true;
	}
	if (file->gone_ms != 0) {
		file->gone_ms = 0;
		scan->changed = true;
	}
	file->seen = true;
	file->denied = false;
	file->size = now.st_size;
	file->mtime_ns = follow_mtime_ns(&now);
}

/* What rotation puts behind a name: .1, -20260101, .2026-01-01T00, .3.gz, .old */
static bool is_rotated_suffix(const char *suffix)
{
	size_t len = strlen(suffix);

	if (len < 2 || (suffix[0] != '.' && suffix[0] != '-'))
		return false;
	if (strcmp(suffix, ".old") == 0 || strcmp(suffix, ".gz") == 0)
		return true;
	if (len > 3 && strcmp(suffix + len - 3, ".gz") == 0)
		len -= 3;
	return strspn(suffix + 1, "0123456789-_.:TZ") >= len - 1 && strpbrk(suffix, "0123456789");
}

/* Calls consider for the entries of path's directory whose name `wanted` likes. */
static void consider_beside(struct scan *scan, const char *path, bool known_only,
	bool (*wanted)(const char *name, const char *base))
{
	const char *slash = strrchr(path, '/');
	int stem = slash ? (int)(slash - path) + 1 : 0;
	char name[PATH_MAX];
	struct dirent *entry;
	DIR *directory;

	(void)snprintf(name, sizeof name, "%.*s.", stem, path);
	directory = opendir(name);
	if (!directory)
		return;
	for (entry = readdir(directory); entry; entry = readdir(directory)) {
		int len;

		if (entry->d_name[0] == '.' || !wanted(entry->d_name, path + stem))
			continue;
		len = snprintf(name, sizeof name, "%.*s%s", stem, path, entry->d_name);
		if (len > 0 && (size_t)len < sizeof name)
			consider(scan, name, known_only);
	}
	(void)closedir(directory);
}

static bool rotated_of(const char *name, const char *base)
{
	size_t len = strlen(base);

	return strncmp(name, base, len) == 0 && is_rotated_suffix(name + len);
}

static bool any_name(const char *name, const char *base)
{
	(void)name;
	(void)base;
	return true;
}

/* A name without ending says nothing: the first byte has to. */
static bool begins_as_log(const char *path)
{
	unsigned char head[64];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t got = fd >= 0 ? read(fd, head, sizeof head) : -1;
	ssize_t at = 0;

	if (fd >= 0)
		(void)close(fd); /* only read */
	while (at < got && strchr(" \t\r\n", head[at]) && head[at] != '\0')
		at++;
	return at < got && (head[at] == '{' || head[at] == '[' ||
				   (got >= 2 && head[0] == 0x1f && head[1] == 0x8b));
}

/* In a directory, what looks like a log by its name; rotated and packed forms too. */
static bool is_log_name(const char *name, const char *path)
{
	static const char *const endings[] = { "json", "jsonl", "ndjson", "log", "txt" };
	char stem[NAME_MAX + 1];
	const char *dot;

	if (name[0] == '.' || name[0] == '_')
		return false;
	(void)snprintf(stem, sizeof stem, "%s", name);
	for (;;) {
		char *last = strrchr(stem, '.');

		if (!last || last == stem)
			return begins_as_log(path);
		if (strcmp(last, ".gz") != 0 && !is_rotated_suffix(last))
			break;
		*last = '\0';
	}
	dot = strrchr(stem, '.') + 1;
	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		size_t len = strlen(endings[i]);

		if (strncmp(dot, endings[i], len) == 0 &&
			(dot[len] == '\0' || is_rotated_suffix(dot + len)))
			return true;
	}
	return false;
}

static void consider_directory(struct scan *scan, const char *path, int depth)
{
	DIR *directory = opendir(path);
	struct dirent *entry;

	if (!directory) {
		(void)snprintf(scan->follow->problem, sizeof scan->follow->problem,
			"read directory %s: %s", path, strerror(errno));
		return;
	}
	watch(scan, path);
	for (entry = readdir(directory); entry; entry = readdir(directory)) {
		char name[PATH_MAX];
		struct stat now;
		int len = snprintf(name, sizeof name, "%s/%s", path, entry->d_name);

		if (entry->d_name[0] == '.' || entry->d_name[0] == '_' || len < 0 ||
			(size_t)len >= sizeof name || lstat(name, &now) != 0)
			continue;
		if (S_ISDIR(now.st_mode) && depth < DIRECTORY_DEPTH_MAX)
			consider_directory(scan, name, depth + 1);
		else if (!S_ISDIR(now.st_mode) && is_log_name(entry->d_name, name))
			consider(scan, name, false);
	}
	(void)closedir(directory);
}

/* What rotation made of a name that matches: the pattern matches some head of the path. */
static bool is_rotated_match(const char *pattern, const char *path)
{
	char head[PATH_MAX];
	const char *base = strrchr(path, '/');

	for (const char *at = base ? base : path; *at; at++) {
		if (!is_rotated_suffix(at))
			continue;
		(void)snprintf(head, sizeof head, "%.*s", (int)(at - path), path);
		if (fnmatch(pattern, head, FNM_PATHNAME) == 0)
			return true;
	}
	return false;
}

static void consider_matches(struct scan *scan, const char *pattern, bool rotated)
{
	glob_t found;

	if (glob(pattern, GLOB_NOSORT, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		if (rotated && !is_rotated_match(scan->follow->path, found.gl_pathv[i]))
			continue;
		consider(scan, found.gl_pathv[i], false);
		watch_parent(scan, found.gl_pathv[i]);
	}
	globfree(&found);
}

static void consider_pattern(struct scan *scan)
{
	char text[PATH_MAX];
	char *wild;

	(void)snprintf(text, sizeof text, "%s", scan->follow->path);
	wild = strpbrk(text, "*?[");
	if (wild)
		*wild = '\0';
	watch_parent(scan, text);
	if (wild && strchr(scan->follow->path + (wild - text), '/'))
		scan->watched = false; /* directories that match may come up anywhere: look again */
	consider_matches(scan, scan->follow->path, false);
	if (!scan->follow->options.rotated)
		return;
	(void)snprintf(text, sizeof text, "%s[.-]*", scan->follow->path);
	consider_matches(scan, text, true);
}

static void consider_path(struct scan *scan)
{
	const char *path = scan->follow->path;
	struct stat now;
	bool there = stat(path, &now) == 0;

	if (there && S_ISDIR(now.st_mode)) {
		consider_directory(scan, path, 0);
		return;
	}
	if (!there && strpbrk(path, "*?[")) {
		consider_pattern(scan);
		return;
	}
	if (!there && errno != ENOENT)
		(void)snprintf(scan->follow->problem, sizeof scan->follow->problem, "look at %s: %s",
			path, strerror(errno));
	consider(scan, path, false);
	watch_parent(scan, path);
	if (scan->follow->options.rotated)
		consider_beside(scan, path, false, rotated_of);
}

static bool same_directory(const char *a, const char *b)
{
	const char *slash = strrchr(a, '/');
	size_t len = slash ? (size_t)(slash - a) + 1 : 0;

	return strncmp(a, b, len) == 0 && !strchr(b + len, '/');
}

/* What no name of ours leads to any more: renamed beside its old name, or gone. */
static void consider_lost(struct scan *scan)
{
	struct follow *follow = scan->follow;
	char *swept = NULL;

	for (size_t i = 0; i < follow->nfiles; i++) {
		struct follow_file *file = follow->files[i];

		if (file->seen || file->gone_ms != 0 ||
			(swept && same_directory(swept, file->path)))
			continue;
		free(swept);
		swept = mem_strdup(file->path);
		consider_beside(scan, swept, true, any_name);
	}
	free(swept);
	for (size_t i = 0; i < follow->nfiles; i++) {
		struct follow_file *file = follow->files[i];

		if (file->seen || file->gone_ms != 0)
			continue;
		file->gone_ms = scan->now_ms;
		file->forced = file->fd >= 0; /* its last words */
		scan->changed = true;
	}
	for (size_t i = follow->nfiles; i-- > 0;) {
		const struct follow_file *file = follow->files[i];

		if (file->gone_ms == 0 || scan->now_ms - file->gone_ms < follow->options.forget_ms)
			continue;
		follow_remove(follow, i);
		scan->changed = true;
	}
}

static int compare_age(const void *a, const void *b)
{
	const struct follow_file *left = *(struct follow_file *const *)a;
	const struct follow_file *right = *(struct follow_file *const *)b;

	if (left->mtime_ns != right->mtime_ns)
		return left->mtime_ns < right->mtime_ns ? -1 : 1;
	return strcmp(left->path, right->path);
}

void follow_scan(struct follow *follow)
{
	struct scan scan = {
		.follow = follow,
		.now_ms = follow->options.clock->wall_ms(follow->options.clock),
		.watched = follow->events >= 0,
	};

	follow->problem[0] = '\0';
	follow->limited = false;
	for (size_t i = 0; i < follow->nfiles; i++)
		follow->files[i]->seen = false;
	consider_path(&scan);
	consider_lost(&scan);
	follow->events_work = scan.watched;
	follow->scan_due = false;
	if (!scan.changed)
		return;
	follow->moved = true;
	follow->turn = 0;
	qsort(follow->files, follow->nfiles, sizeof(*follow->files), compare_age);
}
