/* SPDX-License-Identifier: Apache-2.0 */
/* One table: its commits in order, with the times and the changes that only the order tells. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "collectors/delta/parts.h"
#include "collectors/delta/table_state.h"

enum {
	READ_BYTES = 256 * 1024,
	FRESH_MS = 2000,
	SETTLE_MS = 10 * 1000,       /* how long a half-written newest commit is waited for */
	LOOK_BACK_MAX = 20 * 1000,   /* commits read back to find the previous metaData */
	LOOK_BACK_BYTES = 32 << 20   /* of one of them */
};

char *delta_path_join(const char *dir, const char *name)
{
	size_t len = strlen(dir) + strlen(name) + 2;
	char *path = mem_alloc(len);

	(void)snprintf(path, len, "%s/%s", dir, name);
	return path;
}

static char *commit_path(const struct delta_table *table, int64_t version)
{
	char name[40];

	(void)snprintf(name, sizeof name, "%020lld.json", (long long)version);
	return delta_path_join(table->log_dir, name);
}

void delta_table_init(struct delta_table *table, const char *path, const char *log_dir,
	const char *name)
{
	struct buf clean;

	buf_init(&clean, FACT_KEEP_MAX);
	(void)utf8_clean(&clean, text_of(name), UTF8_ONE_LINE); /* cut if it must be */
	*table = (struct delta_table){
		.path = mem_strdup(path),
		.log_dir = mem_strdup(log_dir),
		.name = buf_take(&clean),
		.last = -1,
		.last_file_ms = FACT_UNKNOWN,
		.in_commit = -1,
	};
}

void delta_table_done(struct delta_table *table)
{
	FREE(&table->path);
	FREE(&table->log_dir);
	FREE(&table->name);
	FREE(&table->id);
	json_decref(table->metadata);
	json_decref(table->protocol);
	table->metadata = table->protocol = NULL;
	delta_log_done(&table->log);
}

/* Opens a commit; its modification time and how much to read of it at a time. -1 with errno set. */
static int open_commit(const char *path, int64_t *ms_out, size_t *piece_out)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return -1;
	if (fstat(fd, &status) != 0) {
		(void)close(fd);
		return -1;
	}
	if (!S_ISREG(status.st_mode) || status.st_size > DELTA_COMMIT_MAX) {
		(void)close(fd);
		errno = S_ISREG(status.st_mode) ? EFBIG : EINVAL;
		return -1;
	}
	*ms_out = delta_file_ms(status.st_mtim);
	/* A byte more than it has: the end shows with it. */
	*piece_out = status.st_size < READ_BYTES ? (size_t)status.st_size + 1 : READ_BYTES;
	return fd;
}

static struct delta_head head_of(const char *bytes, size_t len)
{
	struct text text = { bytes, len < DELTA_HEAD_MAX ? len : DELTA_HEAD_MAX };

	return (struct delta_head){ text_hash_fast(text), text.len };
}

/* Whether another commit stands where the last one was read; where none does, nobody knows. */
static bool is_last_another(const struct delta_table *table)
{
	char bytes[DELTA_HEAD_MAX];
	char *path;
	ssize_t n;
	int64_t ignored;
	size_t piece;
	int fd;

	if (table->last < 0 || table->head.len == 0 || table->head.len > DELTA_HEAD_MAX)
		return false;
	path = commit_path(table, table->last);
	fd = open_commit(path, &ignored, &piece);
	free(path);
	if (fd < 0)
		return false;
	n = pread(fd, bytes, table->head.len, 0);
	(void)close(fd);
	return n >= 0 && ((size_t)n < table->head.len ||
			head_of(bytes, (size_t)n).hash != table->head.hash);
}

/*
 * Reads one commit into commit (begun). False with errno set when it cannot be read at all:
 * ECANCELED = stopped.
 */
static bool read_commit(struct delta_commit *commit, const char *path, struct progress *progress,
	int64_t *file_ms_out)
{
	struct err stopped = ERR_INIT;
	int64_t total = 0;
	size_t piece = 0;
	int fd = open_commit(path, file_ms_out, &piece);
	char *chunk;
	ssize_t n;

	if (fd < 0)
		return false;
	chunk = mem_alloc(piece);
	while ((n = read(fd, chunk, piece)) > 0 && total <= DELTA_COMMIT_MAX) {
		if (total == 0)
			commit->head = head_of(chunk, (size_t)n);
		total += n;
		delta_commit_feed(commit, (struct text){ chunk, (size_t)n });
		if (n == READ_BYTES &&
			!progress_tell(progress, "bytes of a commit", total, -1, &stopped)) {
			errno = ECANCELED;
			n = -1;
			break;
		}
	}
	free(chunk);
	if (n < 0) {
		int code = errno;

		(void)close(fd);
		errno = code;
		return false;
	}
	(void)close(fd);
	delta_commit_end(commit);
	return true;
}

/*
 * After a restart the previous metaData is not in memory: reads back for it, but only when a new
 * one came. Cheap for what it skips: a commit without the word is not parsed.
 */
static bool holds_word(const char *path)
{
	int64_t ignored;
	size_t piece;
	int fd = open_commit(path, &ignored, &piece);
	struct buf buf;
	char *room;
	bool holds;
	ssize_t n;

	if (fd < 0)
		return false;
	buf_init(&buf, LOOK_BACK_BYTES);
	while ((room = buf_reserve(&buf, piece)) && (n = read(fd, room, piece)) > 0)
		buf.len += (size_t)n;
	(void)close(fd);
	holds = memmem(buf.bytes, buf.len, "\"metaData\"", 10) ||
		memmem(buf.bytes, buf.len, "\"protocol\"", 10);
	buf_done(&buf);
	return holds;
}

static void look_back(struct delta_table *table, int64_t before, struct progress *progress)
{
	struct err stopped = ERR_INIT;
	struct fact_batch *scratch = fact_batch_new();
	size_t at = table->log.ncommits;
	size_t looked = 0;

	while (at > 0 && table->log.commits[at - 1] >= before)
		at--;
	while (at-- > 0 && looked++ < LOOK_BACK_MAX && !(table->metadata && table->protocol) &&
		progress_tell(progress, "commits looked back into", (int64_t)looked, -1, &stopped)) {
		struct delta_commit commit;
		int64_t ignored;
		char *path = commit_path(table, table->log.commits[at]);

		delta_commit_begin(&commit, scratch, path, 0);
		if (holds_word(path) && read_commit(&commit, path, progress, &ignored)) {
			if (!table->metadata)
				table->metadata = json_incref(commit.metadata);
			if (!table->protocol)
				table->protocol = json_incref(commit.protocol);
		}
		delta_commit_done(&commit);
		fact_batch_reset(scratch);
		free(path);
	}
	fact_batch_free(scratch);
}

/* What was before the first commits that are left, if a checkpoint tells. */
static void look_into_checkpoint(struct delta_table *table, int64_t version,
	struct progress *progress)
{
	struct delta_at at = { .version = version, .timestamp_ms = FACT_UNKNOWN,
		.without_files = true, .progress = progress };
	struct delta_snapshot *snapshot;
	struct err ignored = ERR_INIT;

	if (table->log.ncheckpoints == 0 || table->log.checkpoints[0] > version ||
		!delta_snapshot_open(table->path, &at, &snapshot, &ignored))
		return;
	if (!table->metadata)
		table->metadata = json_deep_copy(delta_snapshot_metadata(snapshot));
	if (!table->protocol)
		table->protocol = json_deep_copy(delta_snapshot_protocol(snapshot));
	delta_snapshot_free(snapshot);
}

static bool has_catalog_feature(const json_t *protocol)
{
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(protocol, "writerFeatures"), i, item) {
		struct text name = text_of(json_string_value(item));

		if (text_is(name, "catalogManaged") || text_starts(name, TEXT("catalogOwned")))
			return true;
	}
	return false;
}

/* metaData decides whether in-commit timestamps hold from this commit on. */
static void take_metadata(struct delta_table *table, const struct delta_commit *commit)
{
	const json_t *metadata = commit->metadata;
	const char *id = json_string_value(json_object_get(metadata, "id"));

	if (!metadata)
		return;
	table->in_commit = delta_property_is(metadata, "delta.enableInCommitTimestamps", "true");
	if (id) {
		free(table->id);
		table->id = mem_strdup(id);
	}
}

/*
 * The protocol's time of a commit: in-commit where the table has them on (before the metaData is
 * known: where the commit has one), else the file's, pushed up so that times ascend with versions.
 */
static void take_time(struct delta_table *table, struct delta_commit *commit, int64_t file_ms)
{
	struct fact_version *version = &commit->version;

	if (table->in_commit != 0 && commit->in_commit_ms != FACT_UNKNOWN) {
		version->timestamp_ms = commit->in_commit_ms;
		version->in_commit_timestamp = true;
		return;
	}
	if (table->in_commit == 1)
		delta_commit_problem(commit, "the commit lacks its inCommitTimestamp; time is the "
					     "file's");
	if (table->last_file_ms != FACT_UNKNOWN && file_ms <= table->last_file_ms)
		file_ms = table->last_file_ms + 1;
	table->last_file_ms = file_ms;
	version->timestamp_ms = file_ms;
}

/* Says which versions are missing before this one, and whether a checkpoint stands in for them. */
static void take_gap(const struct delta_table *table, struct delta_commit *commit, int64_t version)
{
	int64_t first = table->last + 1;
	int64_t checkpoint = delta_log_checkpoint_from(&table->log, version - 1);

	if (version == first)
		return;
	if (first == version - 1)
		delta_commit_problem(commit, "version %lld is not in the log", (long long)first);
	else
		delta_commit_problem(commit, "versions %lld to %lld are not in the log",
			(long long)first, (long long)version - 1);
	if (checkpoint < 0)
		delta_commit_problem(commit, "no complete checkpoint stands in for them: engines "
					     "cannot read the table");
	else
		delta_commit_problem(
			commit, "checkpoint %lld stands in for them", (long long)checkpoint);
}

/* What this commit changes, if it is the kind that does; false = stopped before it was found. */
static bool find_previous(struct delta_table *table, const struct delta_commit *commit,
	int64_t version, struct progress *progress)
{
	struct err stopped = ERR_INIT;

	if (version == 0 || (!commit->metadata && !commit->protocol))
		return true;
	if (!(table->metadata && table->protocol))
		look_back(table, version, progress);
	if (!(table->metadata && table->protocol))
		look_into_checkpoint(table, version - 1, progress);
	return progress_tell(progress, "commits", version, -1, &stopped);
}

static void take_changes(struct delta_table *table, struct delta_commit *commit, int64_t version)
{
	if (!commit->metadata && !commit->protocol)
		return;
	commit->version.changes = delta_changes(&commit->batch->arena, table->metadata,
		commit->metadata, table->protocol, commit->protocol, version == 0);
	if (commit->metadata) {
		json_decref(table->metadata);
		table->metadata = json_incref(commit->metadata);
	}
	if (commit->protocol) {
		json_decref(table->protocol);
		table->protocol = json_incref(commit->protocol);
	}
}

static void emit(struct delta_table *table, struct delta_commit *commit, int64_t version,
	int64_t file_ms)
{
	struct fact_batch *batch = commit->batch;
	struct fact *fact;

	take_gap(table, commit, version);
	take_metadata(table, commit);
	take_time(table, commit, file_ms);
	take_changes(table, commit, version);
	if (has_catalog_feature(commit->protocol))
		delta_commit_problem(commit, "the table is managed by a catalog: its newest commits "
					     "may be known only there");
	commit->version.version = version;
	commit->version.table = arena_text(&batch->arena, text_of(table->name));
	commit->version.path = arena_text(&batch->arena, text_of(table->path));
	commit->version.table_id = arena_text(&batch->arena, text_of(table->id));
	if (commit->problem.len > 0)
		commit->version.problem = arena_text(&batch->arena, buf_text(&commit->problem));
	fact = fact_batch_fact(batch, FACT_VERSION, commit->version.timestamp_ms);
	fact->u.version = commit->version;
	batch->read_records++;
	batch->read_bytes += commit->bytes;
	table->last = version;
	table->head = commit->head;
}

/* A newest commit that ends inside an action may still be on its way to the disk. */
static bool should_wait(struct delta_table *table, const struct delta_commit *commit,
	const struct delta_pace *pace)
{
	int64_t now_ms = pace->clock->mono_ms(pace->clock);
	bool newest = table->at + 1 >= table->log.ncommits;

	if (pace->final || !newest || !commit->torn) {
		table->waits_since_ms = 0;
		return false;
	}
	if (table->waits_since_ms == 0)
		table->waits_since_ms = now_ms > 0 ? now_ms : 1;
	if (now_ms - table->waits_since_ms < SETTLE_MS)
		return true;
	table->waits_since_ms = 0;
	return false;
}

/* Takes back what a commit that is waited for put into the batch. */
static void take_back(struct fact_batch *batch, size_t nfacts, int64_t undecodable)
{
	batch->nfacts = nfacts;
	batch->undecodable = undecodable;
}

enum outcome { TAKEN, WAITS, STOPPED };

/* One commit into the batch; nothing of it is there unless it was taken. */
static enum outcome read_version(struct delta_table *table, int64_t version,
	const struct delta_pace *pace, struct fact_batch *batch)
{
	char *path = commit_path(table, version);
	int64_t now_ms = pace->clock->wall_ms(pace->clock);
	size_t nfacts = batch->nfacts;
	int64_t undecodable = batch->undecodable;
	struct delta_commit commit;
	int64_t file_ms = 0;
	enum outcome outcome = TAKEN;

	delta_commit_begin(&commit, batch, path, now_ms);
	if (!read_commit(&commit, path, pace->progress, &file_ms)) {
		if (errno == ECANCELED) {
			outcome = STOPPED;
		} else if (errno != ENOENT) {
			/* Gone since the listing: cleaned up; the next version tells the gap. */
			fact_batch_undecodable(batch, now_ms, text_of(path),
				text_of(strerror(errno)), TEXT_NONE);
			table->last = version; /* it is there: no gap */
			table->head = (struct delta_head){ 0 };
		}
	} else {
		if (should_wait(table, &commit, pace))
			outcome = WAITS;
		else if (!find_previous(table, &commit, version, pace->progress))
			outcome = STOPPED;
		else
			emit(table, &commit, version, file_ms);
	}
	if (outcome != TAKEN)
		take_back(batch, nfacts, undecodable);
	delta_commit_done(&commit);
	free(path);
	return outcome;
}

/* A listing is not atomic: a version may be missing in it and yet be there. */
static bool slipped_in(const struct delta_table *table, int64_t version)
{
	char *path = commit_path(table, version);
	bool there = access(path, F_OK) == 0;

	free(path);
	return there;
}

/* When the log's directory changed last; 0 = not to be told, or too fresh to be trusted. */
static uint64_t changed_ns(const struct delta_table *table, const struct clock *clock)
{
	struct stat status;

	if (stat(table->log_dir, &status) != 0)
		return 0;
	/* Two changes within one tick of the file system's clock look like one. */
	if (clock->wall_ms(clock) - delta_file_ms(status.st_mtim) <= FRESH_MS)
		return 0;
	return (uint64_t)status.st_mtim.tv_sec * 1000000000u + (uint64_t)status.st_mtim.tv_nsec;
}

/* True when nothing can have come since the last listing: one stat instead of a listing. */
static bool is_unchanged(struct delta_table *table, const struct delta_pace *pace)
{
	return table->log_changed_ns != 0 && table->waits_since_ms == 0 &&
		table->log_changed_ns == changed_ns(table, pace->clock);
}

/* Forgets what was read: it was of another table. */
static void begin_anew(struct delta_table *table, struct fact_batch *batch, int64_t now_ms,
	struct text reason)
{
	struct fact_table *told;

	fact_batch_undecodable(batch, now_ms, text_of(table->log_dir), reason, TEXT_NONE);
	told = &fact_batch_fact(batch, FACT_TABLE, now_ms)->u.table;
	fact_table_unknown(told);
	told->table = arena_text(&batch->arena, text_of(table->name));
	told->path = arena_text(&batch->arena, text_of(table->path));
	told->anew = true;
	table->last = -1;
	table->head = (struct delta_head){ 0 };
	table->last_file_ms = FACT_UNKNOWN;
	table->in_commit = -1;
	FREE(&table->id);
	json_decref(table->metadata);
	json_decref(table->protocol);
	table->metadata = table->protocol = NULL;
}

static bool list_again(struct delta_table *table, struct fact_batch *batch,
	const struct delta_pace *pace, struct err *err)
{
	struct delta_log log = { 0 };
	uint64_t changed = changed_ns(table, pace->clock);
	int64_t newest;

	table->log_changed_ns = 0;
	if (!delta_log_list(table->log_dir, &log, err))
		return false;
	table->log_changed_ns = changed;
	delta_log_done(&table->log);
	table->log = log;
	table->listed = true;
	newest = log.ncommits ? log.commits[log.ncommits - 1] : -1;
	if (newest >= 0 && newest < table->last)
		begin_anew(table, batch, pace->clock->wall_ms(pace->clock),
			TEXT("the log is shorter than what was read before: the table was made "
			     "anew at the same place; its history is read from the start"));
	else if (is_last_another(table))
		begin_anew(table, batch, pace->clock->wall_ms(pace->clock),
			TEXT("the newest commit that was read is another now: the table was made "
			     "anew at the same place; its history is read from the start"));
	for (table->at = 0; table->at < log.ncommits; table->at++)
		if (log.commits[table->at] > table->last)
			break;
	return true;
}

static bool should_pause(const struct delta_pace *pace, const struct fact_batch *batch)
{
	return batch->nfacts >= pace->facts_max || batch->arena.bytes > 32u << 20 ||
		pace->clock->mono_ms(pace->clock) >= pace->deadline_ms;
}

bool delta_table_read(struct delta_table *table, const struct delta_pace *pace,
	struct fact_batch *batch, bool *more_out, struct err *err)
{
	struct err stopped = ERR_INIT;
	bool relisted = false;
	bool read_any = false;

	if (!table->listed && is_unchanged(table, pace)) {
		*more_out = false;
		return true;
	}
	if (!table->listed && !list_again(table, batch, pace, err))
		return false;
	*more_out = false;
	while (table->at < table->log.ncommits) {
		int64_t version = table->log.commits[table->at];
		enum outcome outcome;

		if ((read_any && should_pause(pace, batch)) ||
			!progress_tell(pace->progress, "commits", (int64_t)table->at,
				(int64_t)table->log.ncommits, &stopped)) {
			*more_out = true;
			return true;
		}
		if (version != table->last + 1 && !relisted && slipped_in(table, version - 1)) {
			relisted = true;
			if (!list_again(table, batch, pace, err))
				return false;
			continue;
		}
		outcome = read_version(table, version, pace, batch);
		if (outcome == WAITS)
			break;
		if (outcome == STOPPED) {
			*more_out = true;
			return true;
		}
		read_any = true;
		table->at++;
	}
	table->listed = false; /* the next call looks again */
	return true;
}

const char *delta_table_why_empty(const struct delta_table *table)
{
	if (table->last >= 0 || table->log.ncommits > 0 || table->log.ncheckpoints == 0)
		return NULL;
	return "the log has no JSON commit, only a checkpoint: weir table detail tells what it holds";
}

bool delta_read_table(const char *path, struct progress *progress, struct fact_batch *batch,
	struct err *err)
{
	struct delta_pace pace = { clock_system(), INT64_MAX, SIZE_MAX, true, progress };
	struct delta_table table;
	char *found;
	char *log_dir;
	char *slash;
	bool more = true;
	bool done = true;

	if (!delta_find_table(path, &found, &log_dir, err))
		return false;
	slash = strrchr(found, '/');
	delta_table_init(&table, found, log_dir, slash && slash[1] ? slash + 1 : found);
	while (done && more) {
		pace.facts_max = batch->nfacts + 100000;
		done = delta_table_read(&table, &pace, batch, &more, err) &&
			progress_tell(progress, "commits", (int64_t)table.at,
				(int64_t)table.log.ncommits, err);
	}
	if (done && table.last < 0 && batch->undecodable == 0) {
		const char *reason = delta_table_why_empty(&table);

		fact_batch_undecodable(batch, pace.clock->wall_ms(pace.clock), text_of(log_dir),
			text_of(reason ? reason : "the log has no commit"), TEXT_NONE);
	}
	delta_table_done(&table);
	free(log_dir);
	free(found);
	return done;
}
