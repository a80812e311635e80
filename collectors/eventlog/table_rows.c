/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of one file of an event log that is a table. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "collectors/delta/parts.h"
#include "collectors/eventlog/table_parts.h"

enum { READ_MEMORY = 256 << 20 };

static void next_file(struct table_follow *follow)
{
	table_close_file(follow);
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
		return table_wait_for(follow, why);
	if (why->kind == ERR_ABSENT) {
		if (!table_look(follow, &err))
			return table_wait_for(follow, &err);
		if (!text_is(follow->detail.id, follow->id)) {
			table_settle(follow, sink);
			return WENT_ON;
		}
		if (follow->detail.version > follow->at.version) {
			(void)snprintf(reason, sizeof reason, "%.600s of version %" PRId64
				" was removed before it was read (VACUUM)", path, follow->at.version);
			table_lose(follow, sink, reason);
			return WENT_ON;
		}
	}
	(void)snprintf(reason, sizeof reason, "%s%s", why->text,
		why->kind == ERR_ABSENT ? ": the newest version needs it; its rows are missing" : "");
	buf_reset(&follow->line);
	table_refuse(follow, sink, path, follow->at.row + 1, reason);
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

enum outcome table_open_file(struct table_follow *follow, const struct follow_sink *sink)
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
enum outcome table_next_rows(struct table_follow *follow, const struct follow_sink *sink)
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

void table_put_row(struct table_follow *follow, const struct follow_sink *sink)
{
	struct follow_record record = { .path = follow->where };
	char *behind;

	buf_reset(&follow->line);
	record.line = follow->rows->first_row + (int64_t)follow->i + 1;
	if (!row_json(&follow->line, follow->rows, follow->i, follow->names,
		    buf_text(&follow->more)) || follow->line.len > follow->max_record) {
		table_refuse(follow, sink, follow->where, record.line, "a row longer than max_record");
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
