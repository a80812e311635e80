/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "collectors/delta/parts.h"
#include "collectors/delta/snapshot.h"
#include "collectors/eventlog/row_json.h"
#include "collectors/eventlog/table_follow.h"

enum { STEP_ROWS = 5000, READ_MEMORY = 256 << 20 };

struct table_file {
	char *path; /* as the log spells it */
	char *partitions; /* JSON as the log has it, or empty */
	int64_t size, modified_ms;
};

/* How far everything given to the sink goes: the cursor. */
struct place {
	int64_t version;
	bool all; /* all files of that version are read, not only what it added */
	size_t file; /* among the version's */
	int64_t row; /* next one of that file */
	size_t group; /* a row group at or before that row's */
};

struct table_follow {
	char *path, *log_dir, *id;
	size_t max_record;
	const struct clock *clock;
	struct progress *progress;
	bool known; /* id and at are those of a cursor, or of a table met */
	struct place at;
	bool moved;

	struct delta_snapshot *snapshot; /* NULL = to be opened */
	struct delta_detail detail;
	json_t *schema;
	struct stat commit; /* the newest version's, to notice a table made anew */

	struct table_file *files; /* of at.version, in an order that never changes */
	size_t nfiles, files_room;
	bool listed;

	struct parquet *open;
	struct parquet_reader *reader;
	const struct parquet_vector *rows;
	size_t i; /* of rows */
	struct text *names;
	struct buf more; /* partition values, as members */
	char *where; /* path of the open file, or of the last one */

	struct buf line;
	char problem[512];
};

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

static void close_file(struct table_follow *follow)
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
	close_file(follow);
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

static void refuse(struct table_follow *follow, const struct follow_sink *sink, const char *about,
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
static void lose(struct table_follow *follow, const struct follow_sink *sink, const char *what)
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
	refuse(follow, sink, place.bytes, 0, reason);
	buf_done(&place);
	go_to(follow, follow->detail.version, true);
}

static struct stat commit_of(const struct table_follow *follow, int64_t version)
{
	char name[32];
	char *path;
	struct stat found = { 0 };

	(void)snprintf(name, sizeof name, "%020" PRId64 ".json", version);
	path = delta_path_join(follow->log_dir, name);
	if (stat(path, &found) != 0)
		found = (struct stat){ 0 };
	free(path);
	return found;
}

/* A version's commit never changes; if it did, this is another table. */
static bool is_same(const struct stat *before, const struct stat *now)
{
	return before->st_ino == 0 || now->st_ino == 0 ||
		(before->st_ino == now->st_ino && before->st_size == now->st_size &&
			before->st_mtim.tv_sec == now->st_mtim.tv_sec &&
			before->st_mtim.tv_nsec == now->st_mtim.tv_nsec);
}

/* The snapshot at the newest version; what it is about in *follow. */
static bool look(struct table_follow *follow, struct err *err)
{
	bool changed = true;
	struct stat now;

	if (follow->snapshot) {
		struct err ignored = ERR_INIT;

		now = commit_of(follow, follow->detail.version);
		if (!is_same(&follow->commit, &now) ||
			!delta_snapshot_advance(follow->snapshot, &changed, &ignored))
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
		follow->commit = commit_of(follow, follow->detail.version);
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
static void settle(struct table_follow *follow, const struct follow_sink *sink)
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
		lose(follow, sink, "the table was made anew: what its predecessor held and was not "
				   "read is lost");
	} else if (follow->at.version > detail->version + (follow->at.all ? 0 : 1)) {
		(void)snprintf(reason, sizeof reason, "the log is shorter than before: version %" PRId64
			" was read, the newest is %" PRId64, follow->at.version - 1, detail->version);
		lose(follow, sink, reason);
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

enum outcome { WENT_ON, WAITS };

/* Nothing is given up for what may pass: rights, a disk that hangs, a commit half-written. */
static enum outcome wait_for(struct table_follow *follow, const struct err *err)
{
	if (err->kind != ERR_CANCELED)
		(void)snprintf(follow->problem, sizeof follow->problem, "%s", err->text);
	close_file(follow);
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
		return wait_for(follow, &err);
	if (follow->at.all && from != follow->detail.version) {
		(void)snprintf(reason, sizeof reason,
			"version %" PRId64 " was cleaned from the log before it was read", from);
		lose(follow, sink, reason);
		return WENT_ON;
	}
	if (err.kind != ERR_ABSENT || follow->at.all)
		return wait_for(follow, &err);
	first = first_listed(follow, from);
	if (first == FACT_UNKNOWN || first > follow->detail.version)
		first = follow->detail.version + 1;
	if (first <= from)
		return wait_for(follow, &err);
	if (first == from + 1)
		(void)snprintf(reason, sizeof reason,
			"version %" PRId64 " was cleaned from the log before it was read", from);
	else
		(void)snprintf(reason, sizeof reason, "versions %" PRId64 " to %" PRId64
			" were cleaned from the log before they were read", from, first - 1);
	lose(follow, sink, reason);
	return WENT_ON;
}

static void next_file(struct table_follow *follow)
{
	close_file(follow);
	follow->at.file++;
	follow->at.row = 0;
	follow->at.group = 0;
	follow->moved = true;
}

/* A file that cannot be read: is that damage, or was it taken away because another replaced it? */
static enum outcome give_up_file(struct table_follow *follow, const struct follow_sink *sink,
	const char *path, const struct err *why)
{
	struct err err = ERR_INIT;
	char reason[900];

	if (why->kind == ERR_AUTH || why->kind == ERR_IO)
		return wait_for(follow, why);
	if (why->kind == ERR_ABSENT) {
		if (!look(follow, &err))
			return wait_for(follow, &err);
		if (!text_is(follow->detail.id, follow->id)) {
			settle(follow, sink);
			return WENT_ON;
		}
		if (follow->detail.version > follow->at.version) {
			(void)snprintf(reason, sizeof reason, "%.600s of version %" PRId64
				" was removed before it was read (VACUUM)", path, follow->at.version);
			lose(follow, sink, reason);
			return WENT_ON;
		}
	}
	(void)snprintf(reason, sizeof reason, "%s%s", why->text,
		why->kind == ERR_ABSENT ? ": the newest version needs it; its rows are missing" : "");
	buf_reset(&follow->line);
	refuse(follow, sink, path, follow->at.row + 1, reason);
	next_file(follow);
	return WENT_ON;
}

/* Columns that stand in the log instead of the file. */
static void set_partitions(struct table_follow *follow, const struct table_file *file)
{
	json_t *values = delta_partition_values(follow->snapshot, text_of(file->partitions));
	const struct parquet_node *root = parquet_schema(follow->open);
	const char *name;
	json_t *value;

	buf_reset(&follow->more);
	json_object_foreach(values, name, value) {
		bool is_there = false;

		for (size_t i = 0; i < root->nchildren && !is_there; i++)
			is_there = text_is(follow->names[root->children[i]->index], name);
		if (is_there || !json_is_string(value))
			continue;
		if (follow->more.len > 0)
			(void)buf_add_char(&follow->more, ',');
		delta_json_add_text(&follow->more, text_of(name));
		(void)buf_add_char(&follow->more, ':');
		delta_json_add_text(&follow->more, text_of(json_string_value(value)));
	}
	json_decref(values);
}

static enum outcome open_file(struct table_follow *follow, const struct follow_sink *sink)
{
	const struct table_file *file = &follow->files[follow->at.file];
	struct err err = ERR_INIT;

	free(follow->where);
	follow->where = delta_file_location(follow->snapshot, text_of(file->path));
	if (!follow->where) {
		(void)err_set(&err, ERR_UNSUPPORTED, 0, "the file is on another file system");
		return give_up_file(follow, sink, file->path, &err);
	}
	follow->open = parquet_open_path(follow->where, &err);
	if (!follow->open)
		return give_up_file(follow, sink, follow->where, &err);
	follow->names = NEW_ARRAY(struct text, parquet_nodes(follow->open) + 1);
	row_json_names(parquet_schema(follow->open), follow->schema, follow->names);
	set_partitions(follow, file);
	follow->reader = parquet_reader_new(follow->open, NULL, 0, READ_MEMORY);
	if (follow->at.group < parquet_row_groups(follow->open))
		parquet_reader_seek(follow->reader, follow->at.group);
	return WENT_ON;
}

/* The next batch of the open file; rows stays NULL behind the last. */
static enum outcome next_rows(struct table_follow *follow, const struct follow_sink *sink)
{
	struct err err = ERR_INIT;
	int64_t skip;

	if (!parquet_reader_next(follow->reader, &follow->rows, &err))
		return give_up_file(follow, sink, follow->where, &err);
	if (!follow->rows) {
		next_file(follow);
		return WENT_ON;
	}
	skip = follow->at.row - follow->rows->first_row;
	follow->at.group = follow->rows->row_group;
	follow->i = skip <= 0 ? 0 : (size_t)skip;
	return WENT_ON;
}

static void put_row(struct table_follow *follow, const struct follow_sink *sink)
{
	struct follow_record record = { .path = follow->where };
	char *behind;

	buf_reset(&follow->line);
	record.line = follow->rows->first_row + (int64_t)follow->i + 1;
	if (!row_json(&follow->line, follow->rows, follow->i, follow->names,
		    buf_text(&follow->more)) || follow->line.len > follow->max_record) {
		refuse(follow, sink, follow->where, record.line, "a row longer than max_record");
	} else {
		behind = buf_reserve(&follow->line, FOLLOW_PAD);
		if (behind)
			memset(behind, 0, FOLLOW_PAD);
		record.bytes = buf_text(&follow->line);
		record.length = (int64_t)follow->line.len;
		sink->record(sink->context, &record);
	}
	follow->i++;
	follow->at.row = record.line;
	follow->moved = true;
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
		return open_file(follow, sink);
	if (!follow->rows || follow->i >= follow->rows->n)
		return next_rows(follow, sink);
	put_row(follow, sink);
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
		if (!look(follow, &err)) {
			(void)wait_for(follow, &err);
			return FOLLOW_IDLE;
		}
		settle(follow, sink);
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
