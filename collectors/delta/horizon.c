/* SPDX-License-Identifier: Apache-2.0 */
/* Which versions can still be restored, and until when. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "collectors/delta/old_files.h"

#define DAY_MS ((int64_t)24 * 3600 * 1000)

/* ---- of the newest version ---- */

static void look_for_one(struct delta_horizon *horizon, char *where)
{
	if (!where)
		return;
	horizon->newest_looked++;
	if (file_presence(text_of(where)) == MISSING) {
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
	bool cleans = !delta_property_is(
		snapshot->metadata, "delta.enableExpiredLogCleanup", "false");
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
	return old_files_take(horizon->known, snapshot, looks->progress, err) &&
		old_files_look(horizon->known, looks, &horizon->looked, err) &&
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

int64_t delta_horizon_bytes(const struct delta_horizon *horizon)
{
	return (int64_t)(horizon->n * sizeof *horizon->rows + horizon->arena.bytes +
		(horizon->known ? old_files_bytes(horizon->known) : 0));
}

void delta_horizon_done(struct delta_horizon *horizon)
{
	if (horizon->known)
		old_files_forget(horizon->known);
	free(horizon->known);
	free(horizon->rows);
	arena_free(&horizon->arena);
	*horizon = (struct delta_horizon){ 0 };
}
