/* SPDX-License-Identifier: Apache-2.0 */
/* Files of a snapshot: where they are, which partition they belong to; one commit's files. */
#include <fcntl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "collectors/delta/deletion.h"
#include "collectors/delta/table_state.h"

/* ---- partition values ---- */

/* With column mapping the log knows columns by their physical names. */
static const char *physical_name(const json_t *fields, const char *logical)
{
	const json_t *field;
	size_t i;

	json_array_foreach(fields, i, field) {
		const char *name = json_string_value(json_object_get(field, "name"));
		const char *physical = json_string_value(json_object_get(
			json_object_get(field, "metadata"), "delta.columnMapping.physicalName"));

		if (name && strcmp(name, logical) == 0)
			return physical ? physical : logical;
	}
	return logical;
}

json_t *delta_partition_values(const struct delta_snapshot *snapshot, struct text logged)
{
	const json_t *schema_text = json_object_get(snapshot->metadata, "schemaString");
	bool mapped = delta_property(snapshot->metadata, "delta.columnMapping.mode").len > 0;
	json_t *schema = mapped ? delta_json((struct text){ json_string_value(schema_text),
					    json_string_length(schema_text) })
				: NULL;
	json_t *values = delta_json(logged);
	json_t *out = json_object();
	const json_t *column;
	size_t i;

	json_array_foreach(delta_snapshot_partitions(snapshot), i, column) {
		const char *name = json_string_value(column);
		json_t *value;

		if (!name)
			continue;
		value = json_object_get(
			values, physical_name(json_object_get(schema, "fields"), name));
		if (!value)
			value = json_object_get(values, name); /* written before the mapping */
		if (!value || (json_is_string(value) && json_string_length(value) == 0))
			(void)json_object_set_new(out, name, json_null());
		else
			(void)json_object_set(out, name, value);
	}
	json_decref(values);
	json_decref(schema);
	return out;
}

/* ---- places ---- */

/*
 * s3://, abfss:/ and the like. Asked of a path as the log spells it, where a colon that is none of
 * these is percent-encoded.
 */
static bool has_scheme(struct text path)
{
	size_t at = 0;

	while (at < path.len && (((path.bytes[at] | 0x20) >= 'a' && (path.bytes[at] | 0x20) <= 'z') ||
		(at > 0 && path.bytes[at] && strchr("0123456789+-.", path.bytes[at]))))
		at++;
	return at > 1 && text_starts(text_sub(path, at, path.len), TEXT(":/"));
}

static char *location(const char *table, struct text canonical)
{
	struct buf path;

	buf_init(&path, 1 << 16);
	if (canonical.len == 0 || canonical.bytes[0] != '/')
		(void)buf_addf(&path, "%s/", table);
	(void)buf_add(&path, canonical);
	return buf_take(&path);
}

char *delta_file_location(const struct delta_snapshot *snapshot, struct text path)
{
	struct arena arena = { 0 };
	char *where;

	if (has_scheme(path) && !text_starts(path, TEXT("file:")))
		return NULL;
	where = location(snapshot->path, delta_path_canonical(&arena, path));
	arena_free(&arena);
	return where;
}

char *delta_dv_location(const struct delta_snapshot *snapshot, const struct delta_dv *dv)
{
	struct deletion_descriptor descriptor = {
		.storage_type = { &dv->storage, 1 },
		.path_or_inline = dv->path,
		.offset = dv->offset,
		.size_bytes = dv->size,
		.cardinality = dv->cardinality,
	};
	struct err ignored = ERR_INIT;
	struct buf path;

	buf_init(&path, 1 << 16);
	if (dv->storage && deletion_path(&descriptor, snapshot->path, &path, &ignored))
		return buf_take(&path);
	buf_done(&path);
	return NULL;
}

/* ---- one commit ---- */

struct files {
	bool (*take)(void *context, const struct delta_commit_file *file, struct err *err);
	void *context;
};

static bool take_file(void *context, const struct delta_action *action, struct err *err)
{
	const struct files *files = context;
	struct delta_commit_file file = { action->entry, action->data_change };

	if (action->kind != DELTA_ACTION_ADD && action->kind != DELTA_ACTION_REMOVE)
		return true;
	return files->take(files->context, &file, err);
}

bool delta_commit_files(const char *log_dir, int64_t version,
	bool (*take)(void *context, const struct delta_commit_file *file, struct err *err),
	void *context, struct err *err)
{
	struct files files = { take, context };
	struct delta_replay replay;
	int64_t ignored;
	char name[32];
	bool done;
	int fd = open(log_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, errno, "open %s", log_dir);
	(void)snprintf(name, sizeof name, "%020lld.json", (long long)version);
	delta_replay_init(&replay);
	replay.take = take_file;
	replay.context = &files;
	done = delta_replay_file(&replay, fd, name, &ignored, &ignored, err);
	delta_replay_done(&replay);
	(void)close(fd);
	return done || err_wrap(err, "%s", log_dir);
}
