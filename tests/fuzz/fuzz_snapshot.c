/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collectors/delta/snapshot.h"

/*
 * A whole small table out of the input: files apart by a line of "@@" and a letter that names the
 * next. Every version is opened, walked, compared with the newest; the horizon is read. All that
 * may happen is an error that says something.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {
	"00000000000000000000.json", "00000000000000000001.json", "00000000000000000002.json",
	"00000000000000000003.json", "00000000000000000001.checkpoint.parquet",
	"00000000000000000002.checkpoint.0000000001.0000000002.parquet",
	"00000000000000000002.checkpoint.0000000002.0000000002.parquet",
	"00000000000000000002.checkpoint.abc.json", "00000000000000000003.checkpoint.abc.parquet",
	"_sidecars/one.parquet", "_last_checkpoint", "00000000000000000002.crc",
	"00000000000000000003.crc",
};
enum { NAMES = sizeof names / sizeof *names };

static char folder[64];

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void path_of(char path[256], const char *name)
{
	(void)snprintf(path, 256, "%s/_delta_log/%s", folder, name);
}

static void make_folder(void)
{
	char path[256];

	(void)snprintf(folder, sizeof folder, "%s/weir-fuzz.XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	require(mkdtemp(folder) != NULL);
	path_of(path, "");
	require(mkdir(path, 0777) == 0);
	path_of(path, "_sidecars");
	require(mkdir(path, 0777) == 0);
}

static void clear(void)
{
	char path[256];

	for (size_t i = 0; i < NAMES; i++) {
		path_of(path, names[i]);
		(void)unlink(path);
	}
}

static void remove_folder(void)
{
	char path[256];

	clear();
	path_of(path, "_sidecars");
	(void)rmdir(path);
	path_of(path, "");
	(void)rmdir(path);
	(void)rmdir(folder);
}

static void write_files(const uint8_t *data, size_t size)
{
	size_t at = 0;
	size_t which = 0;

	while (at < size) {
		const uint8_t *mark = memmem(data + at, size - at, "@@", 2);
		size_t end = mark ? (size_t)(mark - data) : size;
		char path[256];
		int fd;

		if (end > at) {
			path_of(path, names[which]);
			fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
			require(fd >= 0 && write(fd, data + at, end - at) == (ssize_t)(end - at));
			(void)close(fd);
		}
		which = end + 2 < size ? (size_t)(data[end + 2] + NAMES - 'a' % NAMES) % NAMES : 0;
		at = end + 3;
	}
}

static int64_t walk_all(const struct delta_snapshot *snapshot)
{
	struct delta_walk walk = { 0 };
	struct delta_entry entry;
	struct delta_detail detail;
	int64_t n = 0;

	while (delta_walk_next(snapshot, &walk, &entry)) {
		json_decref(delta_partition_values(snapshot, entry.partition_values));
		free(delta_file_location(snapshot, entry.path));
		free(delta_dv_location(snapshot, &entry.dv));
		n++;
	}
	delta_walk_done(&walk);
	delta_snapshot_detail(snapshot, &detail);
	require(detail.files == n);
	json_decref(delta_snapshot_schema(snapshot));
	return n;
}

static struct delta_snapshot *open_at(int64_t version, bool around, bool lifetimes)
{
	struct delta_at at = DELTA_NEWEST;
	struct delta_snapshot *snapshot = NULL;
	struct err err = ERR_INIT;

	at.version = version;
	at.around_damage = around;
	at.lifetimes = lifetimes;
	if (!delta_snapshot_open(folder, &at, &snapshot, &err)) {
		require(err.kind != ERR_NONE && err.text[0] != '\0');
		return NULL;
	}
	(void)walk_all(snapshot);
	return snapshot;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct delta_looks looks = { .now_ms = 1, .old_max = 5, .newest_max = 2 };
	struct delta_horizon horizon = { 0 };
	struct delta_snapshot *newest;
	struct delta_snapshot *other;
	struct err err = ERR_INIT;

	if (!folder[0]) {
		make_folder();
		(void)atexit(remove_folder);
	}
	write_files(data, size);
	newest = open_at(FACT_UNKNOWN, true, true);
	if (newest) {
		require(delta_horizon_read(&horizon, newest, &looks, &err));
		require(delta_horizon_read(&horizon, newest, &looks, &err));
		for (size_t i = 1; i < horizon.n; i++)
			require(horizon.rows[i - 1].version < horizon.rows[i].version);
		delta_horizon_done(&horizon);
	}
	for (int64_t version = -1; version < 5; version++) {
		other = open_at(version < 0 ? FACT_UNKNOWN : version, version % 2, false);
		if (other && newest) {
			struct delta_diff diff;

			delta_diff(newest, other, &diff);
			require(diff.files_added >= 0 && diff.files_removed >= 0);
			delta_diff_done(&diff);
		}
		delta_snapshot_free(other);
	}
	delta_snapshot_free(newest);
	clear();
	return 0;
}
