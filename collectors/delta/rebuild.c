/* SPDX-License-Identifier: Apache-2.0 */
/* Which checkpoint, which commits: a state out of a log. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "collectors/delta/table_state.h"

struct stat delta_commit_stat(const struct delta_snapshot *snapshot, int64_t version)
{
	struct stat status;
	char name[32];

	(void)snprintf(name, sizeof name, "%020lld.json", (long long)version);
	return fstatat(snapshot->log_fd, name, &status, 0) == 0 ? status : (struct stat){ 0 };
}

static bool apply_commit(struct delta_snapshot *snapshot, size_t place, struct err *err)
{
	int64_t version = snapshot->log.commits[place];
	int64_t bytes = 0;
	char name[32];

	(void)snprintf(name, sizeof name, "%020lld.json", (long long)version);
	snapshot->in_commit_ms = FACT_UNKNOWN;
	snapshot->applying = version;
	if (!delta_replay_file(&snapshot->replay, snapshot->log_fd, name, &snapshot->times[place],
		    &bytes, err))
		return false;
	if (bytes == 0)
		delta_snapshot_note(snapshot, "version %lld is empty (0 bytes): maybe a torn write",
			(long long)version);
	snapshot->version = version;
	return true;
}

bool delta_apply_commits(struct delta_snapshot *snapshot, int64_t from, int64_t target,
	struct err *err)
{
	size_t place;

	(void)delta_commit_place(&snapshot->log, from + 1, &place);
	for (int64_t version = from + 1; version <= target; version++, place++) {
		if (!progress_tell(snapshot->at.progress, "commits", version - from - 1,
			    target - from, err))
			return false;
		if (place >= snapshot->log.ncommits || snapshot->log.commits[place] != version)
			return err_set(err, ERR_FORMAT, 0,
				"commit %020lld.json is missing: version %lld cannot be rebuilt "
				"without it; get the file back from a backup%s", (long long)version,
				(long long)target,
				from < 0 ? " (no complete checkpoint stands in for it)" : "");
		if (version == target) /* before it is read: a later one is another */
			snapshot->commit = delta_commit_stat(snapshot, version);
		if (!apply_commit(snapshot, place, err))
			return false;
	}
	return true;
}

/* Forgets the state, not the lifetimes. */
static void clear(struct delta_snapshot *snapshot)
{
	delta_state_done(&snapshot->state);
	delta_state_init(&snapshot->state);
	json_decref(snapshot->metadata);
	json_decref(snapshot->protocol);
	snapshot->metadata = snapshot->protocol = NULL;
	(void)json_object_clear(snapshot->txns);
	(void)json_object_clear(snapshot->domains);
	(void)json_array_clear(snapshot->sidecars);
	snapshot->in_commit_ms = FACT_UNKNOWN;
	snapshot->version = snapshot->checkpoint = -1;
	snapshot->commit = (struct stat){ 0 };
}

/* The newest complete checkpoint at or before version that comes before complete[below]. */
static const struct delta_checkpoint *choose(const struct delta_log *log, int64_t version,
	size_t *below)
{
	while (*below > 0)
		if (log->complete[--*below].version <= version)
			return &log->complete[*below];
	return NULL;
}

/* ---- with lifetimes: everything the log can rebuild, in its order ---- */

static void begin_segment(struct delta_snapshot *snapshot, int64_t from)
{
	if (snapshot->nsegments == snapshot->segments_room) {
		snapshot->segments_room = snapshot->segments_room ? snapshot->segments_room * 2 : 4;
		snapshot->segments = mem_resize(
			snapshot->segments, snapshot->segments_room, sizeof *snapshot->segments);
	}
	snapshot->segments[snapshot->nsegments++] = (struct delta_segment){ from, INT64_MAX };
}

/*
 * The log breaks off here: what is there now was there up to this version, and nobody knows how
 * long after it.
 */
static void end_segment(struct delta_snapshot *snapshot)
{
	struct delta_walk walk = { 0 };
	struct delta_entry entry;

	while (delta_walk_next(snapshot, &walk, &entry))
		delta_span_add(snapshot, &entry, snapshot->version + 1, FACT_UNKNOWN);
	delta_walk_done(&walk);
	snapshot->segments[snapshot->nsegments - 1].to = snapshot->version;
}

/* The oldest complete checkpoint behind version, the best of those at one version; NULL. */
static const struct delta_checkpoint *choose_behind(const struct delta_log *log, int64_t version,
	int64_t target)
{
	const struct delta_checkpoint *found = NULL;

	for (size_t i = 0; i < log->ncomplete && log->complete[i].version <= target; i++) {
		if (found && log->complete[i].version > found->version)
			break;
		if (log->complete[i].version > version)
			found = &log->complete[i];
	}
	return found;
}

/* When the files that a gap cut off were removed, where a tombstone still tells. */
static void date_spans(struct delta_snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->nspans; i++) {
		struct delta_span *span = &snapshot->spans[i];
		struct delta_entry key = { .path = span->path, .dv = span->dv };

		if (span->deleted_ms == FACT_UNKNOWN)
			span->deleted_ms = delta_state_deleted_ms(&snapshot->state, &key);
	}
}

static bool rebuild_whole(struct delta_snapshot *snapshot, int64_t target, struct err *err)
{
	const struct delta_checkpoint *checkpoint;
	int64_t from = -1; /* what comes next is looked for behind it */
	size_t ignored;

	snapshot->nspans = snapshot->nsegments = 0;
	snapshot->rebuilt++;
	arena_free(&snapshot->span_texts);
	clear(snapshot);
	if (delta_commit_place(&snapshot->log, 0, &ignored)) {
		begin_segment(snapshot, 0);
		if (delta_apply_commits(snapshot, -1, target, err))
			return true;
		if (err->kind == ERR_CANCELED)
			return false;
		end_segment(snapshot);
	}
	for (;;) {
		if (snapshot->version > from)
			from = snapshot->version;
		checkpoint = choose_behind(&snapshot->log, from, target);
		if (!checkpoint) /* err is of the last that was tried, or: */
			return snapshot->nsegments > 0 || err->kind != ERR_NONE
				? false
				: delta_apply_commits(snapshot, -1, target, err);
		from = checkpoint->version;
		clear(snapshot);
		snapshot->applying = from;
		if (!delta_checkpoint_load(snapshot, checkpoint, err)) {
			if (err->kind == ERR_CANCELED)
				return false;
			delta_snapshot_note(snapshot, "%s", err->text);
			clear(snapshot);
			continue;
		}
		snapshot->version = snapshot->checkpoint = from;
		begin_segment(snapshot, from);
		if (delta_apply_commits(snapshot, from, target, err))
			break;
		if (err->kind == ERR_CANCELED)
			return false;
		end_segment(snapshot);
	}
	date_spans(snapshot);
	return true;
}

/* ---- without: the newest checkpoint and what comes behind it ---- */

static bool rebuild_newest(struct delta_snapshot *snapshot, int64_t target, struct err *err)
{
	size_t below = snapshot->log.ncomplete;
	const struct delta_checkpoint *checkpoint;
	struct err first = ERR_INIT;

	while ((checkpoint = choose(&snapshot->log, target, &below)) != NULL) {
		clear(snapshot);
		if (delta_checkpoint_load(snapshot, checkpoint, err)) {
			snapshot->version = snapshot->checkpoint = checkpoint->version;
			return delta_apply_commits(snapshot, checkpoint->version, target, err);
		}
		if (first.kind == ERR_NONE)
			first = *err;
		if (!snapshot->at.around_damage || err->kind == ERR_CANCELED)
			return false;
		delta_snapshot_note(snapshot, "%s; read from what came before it", err->text);
	}
	clear(snapshot);
	if (delta_apply_commits(snapshot, -1, target, err))
		return true;
	if (first.kind != ERR_NONE && err->kind != ERR_CANCELED)
		*err = first; /* the damage is the cause, the gap only shows it */
	return false;
}

bool delta_rebuild(struct delta_snapshot *snapshot, int64_t target, struct err *err)
{
	struct err tried = ERR_INIT; /* what was got around is no error */
	bool done = snapshot->at.lifetimes ? rebuild_whole(snapshot, target, &tried)
					   : rebuild_newest(snapshot, target, &tried);

	if (!done)
		*err = tried;
	return done;
}
