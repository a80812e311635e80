/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_delta open TABLE: open and list every file. bench_delta read TABLE: only open and read every
 * commit, the limit. One line: what, files, wall ms, CPU ms, peak RSS KB, state bytes a file.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "collectors/delta/snapshot.h"

static double now_ms(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static long read_all(const char *table)
{
	static char buf[1 << 20];
	char path[4096];
	struct dirent *entry;
	long files = 0;
	DIR *dir;
	int fd;

	(void)snprintf(path, sizeof path, "%s/_delta_log", table);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (!strstr(entry->d_name, ".json"))
			continue;
		fd = openat(dirfd(dir), entry->d_name, O_RDONLY);
		while (fd >= 0 && read(fd, buf, sizeof buf) == (ssize_t)sizeof buf)
			;
		if (fd >= 0)
			(void)close(fd);
		files++;
	}
	if (dir)
		(void)closedir(dir);
	return files;
}

int main(int argc, char **argv)
{
	struct delta_at at = DELTA_NEWEST;
	struct delta_walk walk = { 0 };
	struct delta_entry entry;
	struct delta_detail detail = { 0 };
	struct err err = ERR_INIT;
	struct delta_snapshot *snapshot = NULL;
	struct rusage usage;
	double wall = now_ms(CLOCK_MONOTONIC);
	double cpu = now_ms(CLOCK_PROCESS_CPUTIME_ID);
	long files = 0;
	size_t bytes = 0;

	if (argc != 3)
		return fprintf(stderr, "usage: bench_delta open|read TABLE\n"), 2;
	if (strcmp(argv[1], "read") == 0) {
		files = read_all(argv[2]);
	} else {
		if (!delta_snapshot_open(argv[2], &at, &snapshot, &err))
			return fprintf(stderr, "%s\n", err.text), 1;
		while (delta_walk_next(snapshot, &walk, &entry)) {
			files++;
			bytes += entry.path.len;
		}
		delta_walk_done(&walk);
		delta_snapshot_detail(snapshot, &detail);
		if (files != detail.files || bytes == 0)
			return fprintf(stderr, "%ld files walked, %lld counted\n", files,
				(long long)detail.files), 1;
	}
	wall = now_ms(CLOCK_MONOTONIC) - wall;
	cpu = now_ms(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	(void)getrusage(RUSAGE_SELF, &usage);
	(void)printf("%s %ld %.0f %.0f %ld %.1f\n", argv[1], files, wall, cpu, usage.ru_maxrss,
		files ? (double)detail.state_bytes / (double)files : 0.0);
	delta_snapshot_free(snapshot);
	return 0;
}
