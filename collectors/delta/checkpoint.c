/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints as actions: Parquet in one file or parts, JSON or Parquet with sidecars. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "collectors/delta/parquet/parquet.h"
#include "collectors/delta/table_state.h"

enum { FILE_COLUMNS = 11, PARQUET_HELD_MAX = 512 << 20, VALUES_MAX = 1 << 20, COLUMN_PATH_MAX = 256 };

/* What a checkpoint is read for, files first. Everything by name: writers differ in all else. */
static const char *const wanted[] = {
	"add.path", "add.partitionValues", "add.size", "add.modificationTime", "add.stats",
	"add.deletionVector", "add.stats_parsed.numRecords", "remove.path",
	"remove.deletionTimestamp", "remove.size", "remove.deletionVector", "metaData", "protocol",
	"txn", "domainMetadata", "sidecar",
};

struct vector_columns {
	const struct parquet_vector *storage, *path, *offset, *size, *cardinality;
};

/* The columns of one batch. */
struct columns {
	const struct parquet_vector *add, *path, *values, *keys, *texts, *size, *modified, *stats;
	const struct parquet_vector *records, *null_count;
	struct vector_columns add_dv;
	const struct parquet_vector *remove, *remove_path, *deleted, *remove_size;
	struct vector_columns remove_dv;
	const struct parquet_vector *metadata, *protocol, *txn, *domain, *sidecar;
	/* of those with more than a few rows a table */
	const struct parquet_vector *txn_app, *txn_version;
};

struct load {
	struct delta_snapshot *snapshot;
	struct buf values; /* partition values as JSON, made from the map */
	const struct parquet_vector *rows;
	char null_path[COLUMN_PATH_MAX];
};

static struct vector_columns find_vector(const struct parquet_vector *rows, const char *prefix)
{
	static const char *const names[] = { "storageType", "pathOrInlineDv", "offset",
		"sizeInBytes", "cardinality" };
	const struct parquet_vector *group = parquet_vector_find(rows, prefix);
	const struct parquet_vector *found[ARRAY_LEN(names)] = { NULL };

	for (size_t i = 0; i < ARRAY_LEN(names) && group; i++)
		found[i] = parquet_vector_find(group, names[i]);
	return (struct vector_columns){ found[0], found[1], found[2], found[3], found[4] };
}

static struct columns find_columns(const struct load *load)
{
	const struct parquet_vector *rows = load->rows;
	const struct parquet_vector *values = parquet_vector_find(rows, "add.partitionValues");
	const struct parquet_vector *txn = parquet_vector_find(rows, "txn");
	struct columns columns = {
		.add = parquet_vector_find(rows, "add"),
		.path = parquet_vector_find(rows, "add.path"),
		.values = values,
		.keys = values && values->node->kind == PARQUET_MAP ? values->children[0] : NULL,
		.texts = values && values->node->kind == PARQUET_MAP &&
				values->node->nchildren > 1 ? values->children[1] : NULL,
		.size = parquet_vector_find(rows, "add.size"),
		.modified = parquet_vector_find(rows, "add.modificationTime"),
		.stats = parquet_vector_find(rows, "add.stats"),
		.records = parquet_vector_find(rows, "add.stats_parsed.numRecords"),
		.null_count = load->null_path[0] ? parquet_vector_find(rows, load->null_path) : NULL,
		.add_dv = find_vector(rows, "add.deletionVector"),
		.remove = parquet_vector_find(rows, "remove"),
		.remove_path = parquet_vector_find(rows, "remove.path"),
		.deleted = parquet_vector_find(rows, "remove.deletionTimestamp"),
		.remove_size = parquet_vector_find(rows, "remove.size"),
		.remove_dv = find_vector(rows, "remove.deletionVector"),
		.metadata = parquet_vector_find(rows, "metaData"),
		.protocol = parquet_vector_find(rows, "protocol"),
		.txn = txn,
		.domain = parquet_vector_find(rows, "domainMetadata"),
		.sidecar = parquet_vector_find(rows, "sidecar"),
		.txn_app = txn ? parquet_vector_find(txn, "appId") : NULL,
		.txn_version = txn ? parquet_vector_find(txn, "version") : NULL,
	};

	return columns;
}

/* ---- one row ---- */

static void take_vector(const struct vector_columns *columns, size_t i, struct delta_dv *dv)
{
	struct text storage = parquet_text(columns->storage, i);
	struct text path = parquet_text(columns->path, i);

	if (storage.len != 1 || !path.bytes)
		return;
	dv->storage = storage.bytes[0];
	dv->path = path;
	dv->offset = parquet_int(columns->offset, i, FACT_UNKNOWN);
	dv->size = parquet_int(columns->size, i, FACT_UNKNOWN);
	dv->cardinality = parquet_int(columns->cardinality, i, FACT_UNKNOWN);
}

/* {"a":"1","b":null} as commits have it. */
static struct text values_json(struct load *load, const struct columns *columns, size_t i)
{
	size_t first = parquet_first(columns->values, i);
	size_t end = parquet_end(columns->values, i);

	buf_reset(&load->values);
	(void)buf_add_char(&load->values, '{');
	for (size_t k = first; k < end; k++) {
		struct text key = parquet_text(columns->keys, k);
		struct text value = parquet_text(columns->texts, k);

		if (k > first)
			(void)buf_add_char(&load->values, ',');
		delta_json_add_text(&load->values, key);
		(void)buf_add_char(&load->values, ':');
		if (value.bytes)
			delta_json_add_text(&load->values, value);
		else
			(void)buf_add_str(&load->values, "null");
	}
	(void)buf_add_char(&load->values, '}');
	return buf_text(&load->values);
}

static bool take_add(struct load *load, const struct columns *columns, size_t i, struct err *err)
{
	struct delta_action action = delta_action_none(DELTA_ACTION_ADD);
	struct delta_entry *entry = &action.entry;
	struct text stats = parquet_text(columns->stats, i);

	entry->path = parquet_text(columns->path, i);
	if (entry->path.len == 0)
		return true; /* a group that is there though its fields are not */
	entry->size = parquet_int(columns->size, i, FACT_UNKNOWN);
	entry->modified_ms = parquet_int(columns->modified, i, FACT_UNKNOWN);
	entry->partition_values = values_json(load, columns, i);
	take_vector(&columns->add_dv, i, &entry->dv);
	if (stats.bytes)
		delta_stats_read(stats, load->snapshot->at.null_count_column, &entry->records,
			&entry->null_count);
	if (entry->records == FACT_UNKNOWN)
		entry->records = parquet_int(columns->records, i, FACT_UNKNOWN);
	if (entry->null_count == FACT_UNKNOWN)
		entry->null_count = parquet_int(columns->null_count, i, FACT_UNKNOWN);
	return delta_snapshot_take(load->snapshot, &action, err);
}

static bool take_remove(struct load *load, const struct columns *columns, size_t i, struct err *err)
{
	struct delta_action action = delta_action_none(DELTA_ACTION_REMOVE);

	action.entry.path = parquet_text(columns->remove_path, i);
	if (action.entry.path.len == 0)
		return true;
	action.entry.deleted_ms = parquet_int(columns->deleted, i, FACT_UNKNOWN);
	action.entry.size = parquet_int(columns->remove_size, i, FACT_UNKNOWN);
	take_vector(&columns->remove_dv, i, &action.entry.dv);
	return delta_snapshot_take(load->snapshot, &action, err);
}

/* ---- the few: any value of a batch as JSON ---- */

static json_t *text_value(struct text text)
{
	json_t *json = text.bytes ? json_stringn(text.bytes, text.len) : NULL;

	return json ? json : json_null();
}

static json_t *value_json(const struct parquet_vector *vector, size_t i);

static json_t *group_json(const struct parquet_vector *vector, size_t i)
{
	const struct parquet_node *node = vector->node;
	json_t *object = json_object();

	for (size_t k = 0; k < node->nchildren; k++) {
		struct text name = node->children[k]->name;

		if (parquet_has(vector->children[k], i))
			(void)json_object_setn_new(object, name.bytes, name.len,
				value_json(vector->children[k], i));
	}
	return object;
}

static json_t *map_json(const struct parquet_vector *vector, size_t i)
{
	json_t *object = json_object();

	for (size_t k = parquet_first(vector, i); k < parquet_end(vector, i); k++) {
		struct text key = parquet_text(vector->children[0], k);
		const struct parquet_vector *value =
			vector->node->nchildren > 1 ? vector->children[1] : NULL;

		if (key.bytes)
			(void)json_object_setn_new(
				object, key.bytes, key.len, text_value(parquet_text(value, k)));
	}
	return object;
}

static json_t *value_json(const struct parquet_vector *vector, size_t i)
{
	json_t *array;

	switch (vector->node->kind) {
	case PARQUET_STRUCT:
		return group_json(vector, i);
	case PARQUET_MAP:
		return map_json(vector, i);
	case PARQUET_LIST:
		array = json_array();
		for (size_t k = parquet_first(vector, i); k < parquet_end(vector, i); k++)
			(void)json_array_append_new(
				array, text_value(parquet_text(vector->children[0], k)));
		return array;
	case PARQUET_BOOL:
		return json_boolean(parquet_int(vector, i, 0));
	case PARQUET_STRING:
	case PARQUET_BYTES:
		return text_value(parquet_text(vector, i));
	default:
		return json_integer(parquet_int(vector, i, 0));
	}
}

/* metaData, protocol, domainMetadata, sidecar: through the reader that commits go through. */
static bool take_few(struct load *load, const struct parquet_vector *vector, const char *name,
	size_t i, struct err *err)
{
	struct arena arena = { 0 };
	struct delta_action action;
	const char *reason = "";
	json_t *json;
	bool good = true;

	if (!parquet_has(vector, i))
		return true;
	json = value_json(vector, i);
	/* Groups whose fields are all absent are no action. */
	if (json_object_size(json) > 0 &&
		delta_action_read(&arena, name, json, TEXT_NONE, &action, &reason))
		good = delta_snapshot_take(load->snapshot, &action, err);
	json_decref(json);
	arena_free(&arena);
	return good;
}

static bool take_txn(struct load *load, const struct columns *columns, size_t i, struct err *err)
{
	struct delta_action action = delta_action_none(DELTA_ACTION_TXN);

	action.name = parquet_text(columns->txn_app, i);
	action.number = parquet_int(columns->txn_version, i, FACT_UNKNOWN);
	return action.name.len == 0 || delta_snapshot_take(load->snapshot, &action, err);
}

static bool take_batch(struct load *load, struct err *err)
{
	struct columns columns = find_columns(load);

	for (size_t i = 0; i < load->rows->n; i++) {
		if (parquet_has(columns.path, i) ? !take_add(load, &columns, i, err)
						 : parquet_has(columns.remove_path, i) &&
				    !take_remove(load, &columns, i, err))
			return false;
		if (parquet_has(columns.txn, i) && !take_txn(load, &columns, i, err))
			return false;
		if (!take_few(load, columns.metadata, "metaData", i, err) ||
			!take_few(load, columns.protocol, "protocol", i, err) ||
			!take_few(load, columns.domain, "domainMetadata", i, err) ||
			!take_few(load, columns.sidecar, "sidecar", i, err))
			return false;
	}
	return true;
}

/* ---- files ---- */

static bool load_rows(struct load *load, struct parquet *file, struct err *err)
{
	const char *paths[ARRAY_LEN(wanted) + 1];
	bool files = !load->snapshot->at.without_files;
	size_t n = 0;
	struct parquet_reader *reader;
	bool good = true;

	for (size_t i = files ? 0 : FILE_COLUMNS; i < ARRAY_LEN(wanted); i++)
		paths[n++] = wanted[i];
	if (files && load->null_path[0])
		paths[n++] = load->null_path;
	reader = parquet_reader_new(file, paths, n, PARQUET_HELD_MAX);
	while ((good = parquet_reader_next(reader, &load->rows, err)) && load->rows &&
		(good = take_batch(load, err)))
		;
	parquet_reader_free(reader);
	return good;
}

static bool load_parquet(struct load *load, int dir_fd, const char *name, struct err *err)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct parquet *file;
	bool good;

	if (fd < 0)
		return err_errno(err, errno, "open %s", name);
	file = parquet_open_fd(fd, name, err);
	good = file && load_rows(load, file, err);
	if (file)
		parquet_close(file);
	(void)close(fd);
	return good;
}

static bool load_file(struct load *load, int dir_fd, const char *name, struct err *err)
{
	int64_t ignored;

	if (!text_ends(text_of(name), TEXT(".json")))
		return load_parquet(load, dir_fd, name, err);
	return delta_replay_file(
		&load->snapshot->replay, dir_fd, name, &ignored, &ignored, err);
}

/*
 * The file's name in this log's _sidecars, where all of them must be: a URI that gives just the name,
 * or, as writers may, the whole path, maybe of where the table was before. NONE: somewhere else.
 */
static struct text sidecar_name(struct arena *arena, struct text uri)
{
	struct text path = delta_path_decoded(arena, uri);
	const char *slash = memrchr(path.bytes, '/', path.len);
	size_t dir_len = slash ? (size_t)(slash - path.bytes) : 0;

	if (!slash)
		return path;
	if (!text_ends(text_sub(path, 0, dir_len), TEXT("/_delta_log/_sidecars")))
		return TEXT_NONE;
	return text_sub(path, dir_len + 1, path.len);
}

/* Sidecars hold files and tombstones, nothing else. */
static bool load_sidecars(struct load *load, struct err *err)
{
	struct delta_snapshot *snapshot = load->snapshot;
	struct arena arena = { 0 };
	const json_t *item;
	size_t i;
	bool good = true;
	int fd = -1;

	if (json_array_size(snapshot->sidecars) == 0 || snapshot->at.without_files)
		return true;
	fd = openat(snapshot->log_fd, "_sidecars", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, errno, "open its sidecars in _delta_log/_sidecars");
	json_array_foreach(snapshot->sidecars, i, item) {
		struct text name = sidecar_name(&arena, (struct text){
			json_string_value(item), json_string_length(item) });

		if (!name.bytes) {
			good = err_set(err, ERR_UNSUPPORTED, 0, "its sidecar lies outside _sidecars");
			break;
		}
		good = load_parquet(load, fd, arena_printf(&arena, "%.*s", TEXT_ARG(name)), err) ||
			err_wrap(err, "sidecar");
		if (!good)
			break;
	}
	(void)close(fd);
	arena_free(&arena);
	return good;
}

/* Is the log whole without this checkpoint? Then there is a way out. */
static bool is_dispensable(const struct delta_log *log, int64_t version)
{
	int64_t from = -1;
	size_t place;

	for (size_t i = 0; i < log->ncheckpoints && log->checkpoints[i] < version; i++)
		from = log->checkpoints[i];
	for (int64_t v = from + 1; v <= version; v++)
		if (!delta_commit_place(log, v, &place))
			return false;
	return true;
}

bool delta_checkpoint_load(struct delta_snapshot *snapshot,
	const struct delta_checkpoint *checkpoint, struct err *err)
{
	struct load load = { .snapshot = snapshot };
	struct text column = snapshot->at.null_count_column;
	char *name = NULL;
	bool good = true;

	if (column.bytes && column.len < COLUMN_PATH_MAX / 2) {
		struct arena arena = { 0 };
		char *path = arena_printf(&arena, "add.stats_parsed.nullCount.%.*s", TEXT_ARG(column));

		memcpy(load.null_path, path, strlen(path) + 1);
		arena_free(&arena);
	}
	buf_init(&load.values, VALUES_MAX);
	snapshot->is_checkpoint = true;
	(void)json_array_clear(snapshot->sidecars);
	for (int64_t part = 1; good && part <= checkpoint->parts; part++) {
		free(name);
		name = delta_checkpoint_name(checkpoint, part);
		good = load_file(&load, snapshot->log_fd, name, err);
	}
	good = good && load_sidecars(&load, err);
	if (!good && err->kind != ERR_LIMIT && err->kind != ERR_CANCELED)
		err->kind = ERR_FORMAT;
	if (!good && err->kind != ERR_CANCELED)
		(void)err_set(err, err->kind, err->code, "checkpoint %s cannot be read: %s; %s", name,
			err->text, is_dispensable(&snapshot->log, checkpoint->version)
				? "the commits before it are all there: move it away"
				: "get it back from a backup");
	snapshot->is_checkpoint = false;
	(void)json_array_clear(snapshot->sidecars);
	buf_done(&load.values);
	free(name);
	return good;
}
