/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "collectors/delta/parts.h"
#include "collectors/eventlog/table_parts.h"

enum { STEP_ROWS = 5000 };

char *table_follow_find(const char *path)
{
	char *below = delta_path_join(path, "system/events");
	char *log_dir = delta_log_dir(path);
	char *found = log_dir ? mem_strdup(path) : NULL;

	if (!found) {
		log_dir = delta_log_dir(below);
		found = log_dir ? mem_strdup(below) : NULL;
	}
	free(log_dir);
	free(below);
	return found;
}

static bool read_cursor(struct table_follow *follow, struct text cursor, struct err *err)
{
	json_int_t version, file, row, group;
	int all;
	const char *id;
	json_t *object;

	/* That of files begins otherwise: the table took their place, and is read from its begin. */
	if (cursor.len == 0 || cursor.bytes[0] != '{')
		return true;
	object = json_loadb(cursor.bytes, cursor.len, 0, NULL);
	if (!object || json_unpack(object, "{ss sI sb sI sI sI}", "table", &id, "v", &version, "all",
			&all, "f", &file, "r", &row, "g", &group) != 0 || version < 0 ||
		file < 0 || row < 0 || group < 0) {
		json_decref(object);
		return err_set(err, ERR_FORMAT, 0, "the kept reading position is damaged");
	}
	follow->id = mem_strdup(id);
	follow->at = (struct place){ version, all != 0, (size_t)file, row, (size_t)group };
	follow->known = true;
	json_decref(object);
	return true;
}

bool table_follow_open(const char *table, size_t max_record, const struct clock *clock,
	struct text cursor, struct table_follow **follow_out, struct err *err)
{
	struct table_follow *follow = NEW(struct table_follow);

	if (!read_cursor(follow, cursor, err)) {
		free(follow);
		return false;
	}
	follow->path = mem_strdup(table);
	follow->log_dir = delta_log_dir(table);
	if (!follow->log_dir)
		follow->log_dir = delta_path_join(table, "_delta_log");
	follow->max_record = max_record;
	follow->clock = clock;
	buf_init(&follow->line, max_record + FOLLOW_PAD);
	buf_init(&follow->more, max_record);
	*follow_out = follow;
	return true;
}

void table_close_file(struct table_follow *follow)
{
	parquet_reader_free(follow->reader);
	parquet_close(follow->open);
	FREE(&follow->names);
	follow->reader = NULL;
	follow->open = NULL;
	follow->rows = NULL;
}

static void forget_files(struct table_follow *follow)
{
	table_close_file(follow);
	for (size_t i = 0; i < follow->nfiles; i++) {
		free(follow->files[i].path);
		free(follow->files[i].partitions);
	}
	follow->nfiles = 0;
	follow->listed = false;
}

static void close_table(struct table_follow *follow)
{
	delta_snapshot_free(follow->snapshot);
	json_decref(follow->schema);
	follow->snapshot = NULL;
	follow->schema = NULL;
}

void table_follow_close(struct table_follow *follow)
{
	if (!follow)
		return;
	forget_files(follow);
	close_table(follow);
	buf_done(&follow->line);
	buf_done(&follow->more);
	free(follow->files);
	free(follow->path);
	free(follow->log_dir);
	free(follow->id);
	free(follow->where);
	free(follow);
}

void table_follow_cursor(struct table_follow *follow, struct buf *out)
{
	(void)buf_add_str(out, "{\"table\":");
	delta_json_add_text(out, text_of(follow->id));
	(void)buf_addf(out, ",\"v\":%" PRId64 ",\"all\":%s,\"f\":%zu,\"r\":%" PRId64 ",\"g\":%zu}",
		follow->at.version, follow->at.all ? "true" : "false", follow->at.file,
		follow->at.row, follow->at.group);
	follow->moved = false;
}

bool table_follow_moved(const struct table_follow *follow)
{
	return follow->moved && follow->known;
}

static void go_to(struct table_follow *follow, int64_t version, bool all)
{
	forget_files(follow);
	follow->at = (struct place){ .version = version, .all = all };
	follow->moved = true;
}

void table_refuse(struct table_follow *follow, const struct follow_sink *sink, const char *about,
	int64_t row, const char *reason)
{
	struct follow_record record = {
		.bytes = buf_text(&follow->line),
		.path = about,
		.line = row,
		.refused = reason,
		.length = (int64_t)follow->line.len,
	};

	sink->record(sink->context, &record);
}

/*
 * What is lost is said, and what the table still has is read. The store keeps one fact a place: the
 * place is the table's life and the version that was next.
 */
void table_lose(struct table_follow *follow, const struct follow_sink *sink, const char *what)
{
	char reason[1024];
	struct buf place;

	(void)snprintf(reason, sizeof reason,
		"%s; the files of version %" PRId64 " are read instead: events deleted meanwhile are "
		"missing", what, follow->detail.version);
	buf_init(&place, 1 << 16);
	(void)buf_addf(&place, "%s version %" PRId64 " of table %s", follow->path,
		follow->at.version, follow->id);
	buf_reset(&follow->line);
	table_refuse(follow, sink, place.bytes, 0, reason);
	buf_done(&place);
	go_to(follow, follow->detail.version, true);
}

/* The snapshot at the newest version; what it is about in *follow. */
bool table_look(struct table_follow *follow, struct err *err)
{
	bool changed = true;

	if (follow->snapshot) {
		struct err ignored = ERR_INIT;

		if (!delta_snapshot_advance(follow->snapshot, &changed, &ignored))
			close_table(follow); /* also when stopped: opening it stops as well */
	}
	if (!follow->snapshot) {
		struct delta_at at = DELTA_NEWEST;

		at.progress = follow->progress;
		if (!delta_snapshot_open(follow->path, &at, &follow->snapshot, err))
			return false;
		changed = true;
	}
	if (changed) {
		const json_t *text = json_object_get(
			delta_snapshot_metadata(follow->snapshot), "schemaString");

		delta_snapshot_detail(follow->snapshot, &follow->detail);
		json_decref(follow->schema);
		follow->schema = delta_json(
			(struct text){ json_string_value(text), json_string_length(text) });
	}
	return true;
}

/* Versions below this are not in the log; FACT_UNKNOWN = no commit is. */
static int64_t first_listed(const struct table_follow *follow, int64_t from)
{
	struct delta_log log = { 0 };
	struct err ignored = ERR_INIT;
	int64_t first = FACT_UNKNOWN;

	if (!delta_log_list(follow->log_dir, &log, &ignored))
		return FACT_UNKNOWN;
	for (size_t i = 0; i < log.ncommits && first == FACT_UNKNOWN; i++)
		if (log.commits[i] >= from)
			first = log.commits[i];
	delta_log_done(&log);
	return first;
}

/* Is the cursor still about this table, and is its next version there? */
void table_settle(struct table_follow *follow, const struct follow_sink *sink)
{
	const struct delta_detail *detail = &follow->detail;
	bool is_other = follow->known && !text_is(detail->id, follow->id);
	char reason[256];

	if (is_other || !follow->known) {
		free(follow->id);
		follow->id = text_dup(detail->id);
	}
	if (!follow->known) {
		bool whole = first_listed(follow, 0) == 0;

		follow->known = true;
		go_to(follow, whole ? 0 : detail->version, !whole);
	} else if (is_other) {
		table_lose(follow, sink, "the table was made anew: what its predecessor held and was not "
				   "read is lost");
	} else if (follow->at.version > detail->version + (follow->at.all ? 0 : 1)) {
		(void)snprintf(reason, sizeof reason, "the log is shorter than before: version %" PRId64
			" was read, the newest is %" PRId64, follow->at.version - 1, detail->version);
		table_lose(follow, sink, reason);
	}
}

static void add_file(struct table_follow *follow, const struct delta_entry *entry)
{
	struct table_file *file;

	if (follow->nfiles == follow->files_room) {
		follow->files_room = follow->files_room ? follow->files_room * 2 : 16;
		follow->files = mem_resize(follow->files, follow->files_room, sizeof *follow->files);
	}
	file = &follow->files[follow->nfiles++];
	*file = (struct table_file){
		.path = text_dup(entry->path),
		.partitions = text_dup(entry->partition_values),
		.size = entry->size,
		.modified_ms = entry->modified_ms,
	};
}

static bool take_commit_file(void *context, const struct delta_commit_file *file, struct err *err)
{
	(void)err;
	if (!file->entry.tombstone && file->data_change)
		add_file(context, &file->entry);
	return true;
}

/* A snapshot's own order depends on the checkpoint it was read from; this does not. */
static int compare_files(const void *left, const void *right)
{
	const struct table_file *a = left;
	const struct table_file *b = right;

	if (a->modified_ms != b->modified_ms)
		return a->modified_ms < b->modified_ms ? -1 : 1;
	return strcmp(a->path, b->path);
}

static bool list_all(struct table_follow *follow, struct err *err)
{
	struct delta_at at = DELTA_NEWEST;
	struct delta_snapshot *then = NULL;
	struct delta_walk walk = { 0 };
	struct delta_entry entry;

	at.version = follow->at.version;
	at.progress = follow->progress;
	if (at.version != follow->detail.version && !delta_snapshot_open(follow->path, &at, &then, err))
		return false;
	while (delta_walk_next(then ? then : follow->snapshot, &walk, &entry))
		add_file(follow, &entry);
	delta_walk_done(&walk);
	delta_snapshot_free(then);
	if (follow->nfiles > 1)
		qsort(follow->files, follow->nfiles, sizeof *follow->files, compare_files);
	return true;
}

/* Nothing is given up for what may pass: rights, a disk that hangs, a commit half-written. */
enum outcome table_wait_for(struct table_follow *follow, const struct err *err)
{
	if (err->kind != ERR_CANCELED)
		(void)snprintf(follow->problem, sizeof follow->problem, "%s", err->text);
	table_close_file(follow);
	return WAITS;
}

/* The files of at.version; those of a version that is gone from the log are lost. */
static enum outcome list(struct table_follow *follow, const struct follow_sink *sink)
{
	struct err err = ERR_INIT;
	int64_t from = follow->at.version;
	int64_t first;
	char reason[256];
	bool good = follow->at.all ? list_all(follow, &err)
				   : delta_commit_files(follow->log_dir, from, take_commit_file,
					     follow, &err);

	if (good) {
		follow->listed = true;
		return WENT_ON;
	}
	forget_files(follow);
	if (err.kind == ERR_CANCELED)
		return table_wait_for(follow, &err);
	if (follow->at.all && from != follow->detail.version) {
		(void)snprintf(reason, sizeof reason,
			"version %" PRId64 " was cleaned from the log before it was read", from);
		table_lose(follow, sink, reason);
		return WENT_ON;
	}
	if (err.kind != ERR_ABSENT || follow->at.all)
		return table_wait_for(follow, &err);
	first = first_listed(follow, from);
	if (first == FACT_UNKNOWN || first > follow->detail.version)
		first = follow->detail.version + 1;
	if (first <= from)
		return table_wait_for(follow, &err);
	if (first == from + 1)
		(void)snprintf(reason, sizeof reason,
			"version %" PRId64 " was cleaned from the log before it was read", from);
	else
		(void)snprintf(reason, sizeof reason, "versions %" PRId64 " to %" PRId64
			" were cleaned from the log before they were read", from, first - 1);
	table_lose(follow, sink, reason);
	return WENT_ON;
}

/* A version, a file, a batch or a row further. */
static enum outcome go_on(struct table_follow *follow, const struct follow_sink *sink)
{
	if (!follow->listed)
		return list(follow, sink);
	if (follow->at.file >= follow->nfiles) {
		go_to(follow, follow->at.version + 1, false);
		return WENT_ON;
	}
	if (!follow->open)
		return table_open_file(follow, sink);
	if (!follow->rows || follow->i >= follow->rows->n)
		return table_next_rows(follow, sink);
	table_put_row(follow, sink);
	return WENT_ON;
}

enum follow_step table_follow_step(struct table_follow *follow, const struct follow_sink *sink,
	size_t max_bytes, int64_t deadline_ms, struct progress *progress)
{
	struct err err = ERR_INIT;
	size_t bytes = 0;

	follow->progress = progress;
	follow->problem[0] = '\0';
	/* While rows are read the newest version does not matter, and another table cannot be met. */
	if (!follow->snapshot || !follow->listed) {
		if (!table_look(follow, &err)) {
			(void)table_wait_for(follow, &err);
			return FOLLOW_IDLE;
		}
		table_settle(follow, sink);
	}
	for (size_t n = 0; n < STEP_ROWS && bytes < max_bytes; n++) {
		const struct parquet_vector *rows = follow->rows;

		if (!follow->listed && follow->at.version > follow->detail.version)
			return FOLLOW_IDLE;
		if (go_on(follow, sink) == WAITS)
			return FOLLOW_IDLE;
		bytes += rows ? follow->line.len : 0;
		if (n % 64 == 0 && n > 0 && follow->clock->mono_ms(follow->clock) >= deadline_ms)
			break;
	}
	return FOLLOW_MORE;
}

void table_follow_status(const struct table_follow *follow, struct table_status *out)
{
	*out = (struct table_status){
		.version = follow->snapshot ? follow->detail.version : FACT_UNKNOWN,
		.changed_at_ms = follow->snapshot ? follow->detail.timestamp_ms : TIME_UNKNOWN,
		.reading = follow->where ? follow->where : "",
		.problem = follow->problem,
	};
	for (size_t i = follow->at.file; i < follow->nfiles; i++)
		out->behind += follow->files[i].size > 0 ? follow->files[i].size : 0;
}
