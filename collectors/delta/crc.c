/* SPDX-License-Identifier: Apache-2.0 */
/* Small files beside the log: what they say is compared with the log, never believed over it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "collectors/delta/table_state.h"

enum { SMALL_MAX = 1 << 20 }; /* a .crc may list every file; that is more than is worth reading */

/* A small file's JSON object; NULL. *there_out: there is such a file, and not too large. */
static json_t *small_json(int dir_fd, const char *name, bool *there_out)
{
	struct stat status;
	json_t *json = NULL;
	char *bytes;
	ssize_t n;
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	*there_out = false;
	if (fd < 0)
		return NULL;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size <= SMALL_MAX) {
		*there_out = true;
		bytes = mem_alloc((size_t)status.st_size + 1);
		n = read(fd, bytes, (size_t)status.st_size);
		if (n > 0)
			json = delta_json((struct text){ bytes, (size_t)n });
		free(bytes);
	}
	(void)close(fd);
	return json;
}

static int64_t member(const json_t *json, const char *key)
{
	return delta_json_integer(json_object_get(json, key));
}

static bool crc_read(int dir_fd, int64_t version, struct delta_crc *out)
{
	bool there;
	json_t *json;
	char name[32];

	(void)snprintf(name, sizeof name, "%020lld.crc", (long long)version);
	json = small_json(dir_fd, name, &there);
	*out = (struct delta_crc){
		.files = member(json, "numFiles"),
		.bytes = member(json, "tableSizeBytes"),
		.deleted_rows = member(json, "numDeletedRecordsOpt"),
		.deletion_vectors = member(json, "numDeletionVectorsOpt"),
		.in_commit_ms = member(json, "inCommitTimestampOpt"),
	};
	json_decref(json);
	return json != NULL;
}

bool delta_crc_read(const char *log_dir, int64_t version, struct delta_crc *out)
{
	int fd = open(log_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool good = fd >= 0 && crc_read(fd, version, out);

	if (fd >= 0)
		(void)close(fd);
	return good;
}

static void compare(struct delta_snapshot *snapshot, const char *what, int64_t told, int64_t found)
{
	if (told == FACT_UNKNOWN || found == FACT_UNKNOWN || told == found)
		return;
	delta_snapshot_note(snapshot, "the checksum file of version %lld says %lld %s, the log gives "
		"%lld: one of them is damaged", (long long)snapshot->version, (long long)told, what,
		(long long)found);
}

void delta_crc_check(struct delta_snapshot *snapshot)
{
	const struct delta_sums *sums = &snapshot->state.sums;
	struct delta_crc crc;

	if (!crc_read(snapshot->log_fd, snapshot->version, &crc))
		return;
	compare(snapshot, "files", crc.files, sums->files);
	compare(snapshot, "bytes", crc.bytes, sums->no_size ? FACT_UNKNOWN : sums->bytes);
	compare(snapshot, "deletion vectors", crc.deletion_vectors, sums->vectors);
	if (snapshot->timestamp_ms == FACT_UNKNOWN && crc.in_commit_ms != FACT_UNKNOWN)
		snapshot->timestamp_ms = crc.in_commit_ms;
}

void delta_hint_check(struct delta_snapshot *snapshot)
{
	bool there;
	json_t *json = small_json(snapshot->log_fd, "_last_checkpoint", &there);
	int64_t version = member(json, "version");
	bool found = false;

	for (size_t i = 0; i < snapshot->log.ncheckpoints && !found; i++)
		found = snapshot->log.checkpoints[i] == version;
	if (there && version == FACT_UNKNOWN)
		delta_snapshot_note(snapshot,
			"_last_checkpoint is damaged; the log was listed instead, as engines do");
	else if (there && !found)
		delta_snapshot_note(snapshot, "_last_checkpoint names version %lld, of which there is "
			"no complete checkpoint: some engines refuse the table until that file is "
			"removed", (long long)version);
	json_decref(json);
}
