/* SPDX-License-Identifier: Apache-2.0 */
/* A table at a version: which checkpoint, which commits, what they add up to. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "collectors/delta/table_state.h"

enum { NOTES_MAX = 32, NOTE_MAX = 512, ACTIONS_A_TELL = 4096 };

void delta_snapshot_note(struct delta_snapshot *snapshot, const char *fmt, ...)
{
	struct buf dirty;
	struct buf clean;
	va_list args;

	if (json_array_size(snapshot->notes) >= NOTES_MAX)
		return;
	buf_init(&dirty, 2 * NOTE_MAX);
	buf_init(&clean, NOTE_MAX);
	va_start(args, fmt);
	(void)buf_vaddf(&dirty, fmt, args);
	va_end(args);
	(void)utf8_clean(&clean, buf_text(&dirty), UTF8_ONE_LINE);
	(void)json_array_append_new(snapshot->notes, json_stringn(clean.bytes, clean.len));
	buf_done(&dirty);
	buf_done(&clean);
}

/* ---- actions ---- */

static void keep(json_t **slot, const json_t *value)
{
	json_decref(*slot);
	*slot = json_deep_copy(value);
}

static void take_domain(struct delta_snapshot *snapshot, const struct delta_action *action)
{
	if (action->removed)
		(void)json_object_deln(snapshot->domains, action->name.bytes, action->name.len);
	else
		(void)json_object_setn_new(snapshot->domains, action->name.bytes, action->name.len,
			action->value.bytes
				? json_stringn(action->value.bytes, action->value.len)
				: json_null());
}

void delta_span_add(struct delta_snapshot *snapshot, const struct delta_entry *was, int64_t to,
	int64_t deleted_ms)
{
	struct delta_span *span;

	if (snapshot->nspans == snapshot->spans_room) {
		snapshot->spans_room = snapshot->spans_room ? snapshot->spans_room * 2 : 64;
		snapshot->spans =
			mem_resize(snapshot->spans, snapshot->spans_room, sizeof *snapshot->spans);
	}
	span = &snapshot->spans[snapshot->nspans++];
	*span = (struct delta_span){
		.path = arena_text(&snapshot->span_texts, was->path),
		.dv = was->dv,
		.from = was->since,
		.to = to,
		.deleted_ms = deleted_ms,
	};
	span->dv.path = arena_text(&snapshot->span_texts, was->dv.path);
}

/* A file went: remember in which versions it was. */
static void end_span(struct delta_snapshot *snapshot, const struct delta_entry *removed)
{
	struct arena arena = { 0 };
	struct delta_entry was;

	if (delta_state_get(&snapshot->state, removed, &arena, &was))
		delta_span_add(snapshot, &was, snapshot->applying, removed->deleted_ms);
	arena_free(&arena);
}

static bool put_file(struct delta_snapshot *snapshot, const struct delta_entry *entry,
	struct err *err)
{
	struct delta_entry dated = *entry;

	if (snapshot->at.without_files)
		return true;
	if (snapshot->at.lifetimes && entry->tombstone && !snapshot->is_checkpoint)
		end_span(snapshot, entry);
	if (snapshot->at.lifetimes && !entry->tombstone)
		dated.since = snapshot->applying;
	return delta_state_put(&snapshot->state, &dated) ||
		err_set(err, ERR_LIMIT, 0, "a file's path is longer than Weir accepts");
}

bool delta_snapshot_take(void *context, const struct delta_action *action, struct err *err)
{
	struct delta_snapshot *snapshot = context;

	if (++snapshot->taken % ACTIONS_A_TELL == 0 &&
		!progress_tell(snapshot->at.progress, "actions", snapshot->taken, -1, err))
		return false;
	switch (action->kind) {
	case DELTA_ACTION_ADD:
	case DELTA_ACTION_REMOVE:
		return put_file(snapshot, &action->entry, err);
	case DELTA_ACTION_METADATA:
		keep(&snapshot->metadata, action->json);
		return true;
	case DELTA_ACTION_PROTOCOL:
		keep(&snapshot->protocol, action->json);
		return true;
	case DELTA_ACTION_TXN:
		(void)json_object_setn_new(snapshot->txns, action->name.bytes, action->name.len,
			action->number == FACT_UNKNOWN ? json_null() : json_integer(action->number));
		return true;
	case DELTA_ACTION_DOMAIN:
		take_domain(snapshot, action);
		return true;
	case DELTA_ACTION_INFO:
		snapshot->in_commit_ms = action->in_commit_ms;
		return true;
	case DELTA_ACTION_SIDECAR: /* to be ignored in commits */
		if (snapshot->is_checkpoint)
			(void)json_array_append_new(snapshot->sidecars,
				json_stringn(action->name.bytes, action->name.len));
		return true;
	default:
		return true;
	}
}

static bool check(struct delta_snapshot *snapshot, struct err *err)
{
	if (!snapshot->protocol)
		return err_set(err, ERR_FORMAT, 0,
			"the log has no protocol action up to version %lld: it is damaged, or no "
			"Delta log", (long long)snapshot->version);
	if (!delta_protocol_readable(snapshot->protocol, err))
		return false;
	if (!snapshot->metadata)
		return err_set(err, ERR_FORMAT, 0,
			"the log has no metaData action up to version %lld: it is damaged, or no "
			"Delta log", (long long)snapshot->version);
	return true;
}

/* ---- open ---- */

static int64_t newest(const struct delta_log *log)
{
	int64_t version = log->ncommits ? log->commits[log->ncommits - 1] : -1;

	if (log->ncheckpoints && log->checkpoints[log->ncheckpoints - 1] > version)
		version = log->checkpoints[log->ncheckpoints - 1];
	return version;
}

static bool list_log(struct delta_snapshot *snapshot, struct err *err)
{
	struct delta_log log = { 0 };

	if (!delta_log_list(snapshot->log_dir, &log, err))
		return false;
	delta_log_done(&snapshot->log);
	free(snapshot->times);
	snapshot->log = log;
	snapshot->times = NEW_ARRAY(int64_t, log.ncommits + 1);
	for (size_t i = 0; i < log.ncommits; i++)
		snapshot->times[i] = FACT_UNKNOWN;
	return true;
}

static bool open_log(struct delta_snapshot *snapshot, struct err *err)
{
	snapshot->log_fd = open(snapshot->log_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return snapshot->log_fd >= 0 || err_errno(err, errno, "open %s", snapshot->log_dir);
}

static void close_log(struct delta_snapshot *snapshot)
{
	if (snapshot->log_fd >= 0)
		(void)close(snapshot->log_fd);
	snapshot->log_fd = -1;
	/* What reading needed and looking does not. */
	delta_replay_done(&snapshot->replay);
	delta_replay_init(&snapshot->replay);
	snapshot->replay.take = delta_snapshot_take;
	snapshot->replay.context = snapshot;
	snapshot->replay.column = snapshot->at.null_count_column;
}

static bool rebuild_at(struct delta_snapshot *snapshot, int64_t version, struct err *err)
{
	if (!delta_rebuild(snapshot, version, err) || !check(snapshot, err))
		return false;
	if (snapshot->version == snapshot->checkpoint)
		snapshot->commit = delta_commit_stat(snapshot, version);
	delta_times_set(snapshot);
	if (!snapshot->at.without_files)
		delta_crc_check(snapshot);
	return true;
}

static bool open_version(struct delta_snapshot *snapshot, struct err *err)
{
	int64_t last = newest(&snapshot->log);
	int64_t version = snapshot->at.version == FACT_UNKNOWN ? last : snapshot->at.version;

	if (last < 0)
		return err_set(err, ERR_ABSENT, 0, "the log holds neither commits nor a checkpoint");
	if (version > last || version < 0)
		return err_set(err, ERR_ABSENT, 0, "there is no version %lld, the newest is %lld",
			(long long)version, (long long)last);
	if (snapshot->at.version == FACT_UNKNOWN && snapshot->at.timestamp_ms != FACT_UNKNOWN) {
		/* Whose time holds is told by the newest metaData. */
		if (!rebuild_at(snapshot, last, err) ||
			!delta_times_find(snapshot, snapshot->at.timestamp_ms, &version, err))
			return false;
		if (version == last)
			return true;
	}
	return rebuild_at(snapshot, version, err);
}

bool delta_snapshot_open(const char *path, const struct delta_at *at,
	struct delta_snapshot **snapshot_out, struct err *err)
{
	struct delta_snapshot *snapshot = NEW(struct delta_snapshot);
	bool done;

	snapshot->at = *at;
	if (at->null_count_column.bytes)
		snapshot->at.null_count_column.bytes = text_dup(at->null_count_column);
	snapshot->log_fd = -1;
	snapshot->txns = json_object();
	snapshot->domains = json_object();
	snapshot->notes = json_array();
	snapshot->sidecars = json_array();
	delta_state_init(&snapshot->state);
	close_log(snapshot);
	done = delta_find_table(path, &snapshot->path, &snapshot->log_dir, err) &&
		open_log(snapshot, err);
	done = done && ((list_log(snapshot, err) && open_version(snapshot, err)) ||
			       err_wrap(err, "table %s", path));
	if (done)
		delta_hint_check(snapshot);
	close_log(snapshot);
	if (done)
		*snapshot_out = snapshot;
	else
		delta_snapshot_free(snapshot);
	return done;
}

static bool has_commit(const struct delta_snapshot *snapshot, int64_t version)
{
	return delta_commit_stat(snapshot, version).st_ino != 0;
}

/* A version's commit never changes; if it did, another table stands here now. */
static bool is_same_table(const struct delta_snapshot *snapshot)
{
	const struct stat *before = &snapshot->commit;
	struct stat now = delta_commit_stat(snapshot, snapshot->version);

	return before->st_ino == 0 || now.st_ino == 0 ||
		(before->st_ino == now.st_ino && before->st_size == now.st_size &&
			before->st_mtim.tv_sec == now.st_mtim.tv_sec &&
			before->st_mtim.tv_nsec == now.st_mtim.tv_nsec);
}

static bool advance(struct delta_snapshot *snapshot, bool *changed_out, struct err *err)
{
	int64_t from = snapshot->version;
	int64_t last;

	*changed_out = false;
	if (!is_same_table(snapshot))
		return err_set(err, ERR_ABSENT, 0,
			"version %lld is another than was read: the table was made anew",
			(long long)from);
	if (!has_commit(snapshot, from + 1) && (has_commit(snapshot, from) || from == snapshot->checkpoint))
		return true;
	if (!list_log(snapshot, err))
		return false;
	last = newest(&snapshot->log);
	if (last < from)
		return err_set(err, ERR_ABSENT, 0,
			"the log is shorter than before: the table was made anew");
	if (last == from)
		return true;
	*changed_out = true;
	if (!has_commit(snapshot, from + 1))
		return rebuild_at(snapshot, last, err); /* cleaned up before it was seen */
	if (!delta_apply_commits(snapshot, from, last, err) || !check(snapshot, err))
		return false;
	delta_times_set(snapshot);
	return true;
}

bool delta_snapshot_advance(struct delta_snapshot *snapshot, bool *changed_out, struct err *err)
{
	bool done = open_log(snapshot, err) && advance(snapshot, changed_out, err);

	close_log(snapshot);
	return done || err_wrap(err, "table %s", snapshot->path);
}

void delta_snapshot_free(struct delta_snapshot *snapshot)
{
	if (!snapshot)
		return;
	free(snapshot->path);
	free(snapshot->log_dir);
	free(snapshot->times);
	free((char *)snapshot->at.null_count_column.bytes);
	delta_log_done(&snapshot->log);
	delta_state_done(&snapshot->state);
	delta_replay_done(&snapshot->replay);
	free(snapshot->spans);
	free(snapshot->segments);
	arena_free(&snapshot->span_texts);
	json_decref(snapshot->metadata);
	json_decref(snapshot->protocol);
	json_decref(snapshot->txns);
	json_decref(snapshot->domains);
	json_decref(snapshot->notes);
	json_decref(snapshot->sidecars);
	free(snapshot);
}
