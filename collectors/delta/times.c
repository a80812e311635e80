/* SPDX-License-Identifier: Apache-2.0 */
/* When versions were: by in-commit timestamps where the table has them, else by their files. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "collectors/delta/table_state.h"

bool delta_commit_place(const struct delta_log *log, int64_t version, size_t *place_out)
{
	size_t low = 0;
	size_t high = log->ncommits;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (log->commits[middle] < version)
			low = middle + 1;
		else
			high = middle;
	}
	*place_out = low;
	return low < log->ncommits && log->commits[low] == version;
}

int64_t delta_file_ms(struct timespec time)
{
	const int64_t seconds_max = INT64_C(253402300799); /* 9999-12-31T23:59:59Z */
	int64_t seconds = time.tv_sec;

	if (seconds > seconds_max || seconds < -seconds_max)
		seconds = seconds > 0 ? seconds_max : -seconds_max;
	return seconds * 1000 + time.tv_nsec / 1000000;
}

static int64_t file_ms(const struct delta_snapshot *snapshot, const char *name)
{
	struct stat status;

	if (fstatat(snapshot->log_fd, name, &status, 0) != 0)
		return FACT_UNKNOWN;
	return delta_file_ms(status.st_mtim);
}

static void commit_name(char name[32], int64_t version)
{
	(void)snprintf(name, 32, "%020lld.json", (long long)version);
}

void delta_times_fill(struct delta_snapshot *snapshot, size_t upto)
{
	char name[32];

	for (size_t i = 0; i <= upto && i < snapshot->log.ncommits; i++) {
		if (snapshot->times[i] != FACT_UNKNOWN)
			continue;
		commit_name(name, snapshot->log.commits[i]);
		snapshot->times[i] = file_ms(snapshot, name);
	}
}

int64_t delta_time_of_file(struct delta_snapshot *snapshot, size_t upto)
{
	int64_t last = FACT_UNKNOWN;

	delta_times_fill(snapshot, upto);
	for (size_t i = 0; i <= upto && i < snapshot->log.ncommits; i++) {
		int64_t ms = snapshot->times[i];

		if (ms == FACT_UNKNOWN)
			continue; /* gone since it was listed */
		last = last != FACT_UNKNOWN && ms <= last ? last + 1 : ms;
	}
	return last;
}

static bool take_in_commit(void *context, const struct delta_action *action, struct err *err)
{
	int64_t *ms = context;

	(void)err;
	if (action->kind == DELTA_ACTION_INFO)
		*ms = action->in_commit_ms;
	return action->kind != DELTA_ACTION_INFO; /* enough is known */
}

int64_t delta_in_commit_ms(struct delta_snapshot *snapshot, int64_t version)
{
	struct delta_replay replay;
	struct err ignored = ERR_INIT;
	int64_t ms = FACT_UNKNOWN;
	int64_t modified_ms;
	int64_t bytes;
	char name[32];

	commit_name(name, version);
	delta_replay_init(&replay);
	replay.take = take_in_commit;
	replay.context = &ms;
	(void)delta_replay_file(&replay, snapshot->log_fd, name, &modified_ms, &bytes, &ignored);
	delta_replay_done(&replay);
	return ms;
}

/* In-commit timestamps hold from this version on; INT64_MAX = not at all. */
static int64_t in_commit_from(const struct delta_snapshot *snapshot)
{
	int64_t version;

	if (!delta_property_is(snapshot->metadata, "delta.enableInCommitTimestamps", "true"))
		return INT64_MAX;
	if (text_to_i64(delta_property(snapshot->metadata,
				"delta.inCommitTimestampEnablementVersion"), &version))
		return version;
	return 0;
}

void delta_times_set(struct delta_snapshot *snapshot)
{
	size_t place;
	bool listed = delta_commit_place(&snapshot->log, snapshot->version, &place);
	char *name;

	snapshot->in_commit_timestamp = false;
	if (snapshot->version >= in_commit_from(snapshot)) {
		if (snapshot->in_commit_ms == FACT_UNKNOWN && listed)
			snapshot->in_commit_ms = delta_in_commit_ms(snapshot, snapshot->version);
		if (snapshot->in_commit_ms != FACT_UNKNOWN) {
			snapshot->timestamp_ms = snapshot->in_commit_ms;
			snapshot->in_commit_timestamp = true;
			return;
		}
		delta_snapshot_note(snapshot, "version %lld has no inCommitTimestamp though the table "
			"has them on: its time is the file's", (long long)snapshot->version);
	}
	if (listed) {
		snapshot->timestamp_ms = delta_time_of_file(snapshot, place);
		return;
	}
	/* Its commit was cleaned up: the checkpoint's file is what is left of its time. */
	snapshot->timestamp_ms = FACT_UNKNOWN;
	for (size_t i = 0; i < snapshot->log.ncomplete; i++) {
		if (snapshot->log.complete[i].version != snapshot->version)
			continue;
		name = delta_checkpoint_name(&snapshot->log.complete[i], 1);
		snapshot->timestamp_ms = file_ms(snapshot, name);
		free(name);
	}
}

/* Versions from `first` on have in-commit timestamps, and these ascend. */
static bool find_in_commit(struct delta_snapshot *snapshot, size_t first, int64_t timestamp_ms,
	int64_t *version_out)
{
	size_t low = first;
	size_t high = snapshot->log.ncommits;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (delta_in_commit_ms(snapshot, snapshot->log.commits[middle]) <= timestamp_ms)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == first)
		return false;
	*version_out = snapshot->log.commits[low - 1];
	return true;
}

static bool find_by_file(struct delta_snapshot *snapshot, size_t end, int64_t timestamp_ms,
	int64_t *version_out)
{
	int64_t last = FACT_UNKNOWN;
	bool found = false;

	if (end > 0)
		delta_times_fill(snapshot, end - 1);
	for (size_t i = 0; i < end; i++) {
		int64_t ms = snapshot->times[i];

		if (ms == FACT_UNKNOWN)
			continue;
		last = last != FACT_UNKNOWN && ms <= last ? last + 1 : ms;
		if (last > timestamp_ms)
			break;
		*version_out = snapshot->log.commits[i];
		found = true;
	}
	return found;
}

bool delta_times_find(struct delta_snapshot *snapshot, int64_t timestamp_ms, int64_t *version_out,
	struct err *err)
{
	int64_t from = in_commit_from(snapshot);
	size_t first = snapshot->log.ncommits;

	if (from != INT64_MAX)
		(void)delta_commit_place(&snapshot->log, from, &first);
	if (find_in_commit(snapshot, first, timestamp_ms, version_out) ||
		find_by_file(snapshot, first, timestamp_ms, version_out))
		return true;
	return err_set(err, ERR_ABSENT, 0, "every version in the log is newer than that time");
}
