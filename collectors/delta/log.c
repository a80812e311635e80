/* SPDX-License-Identifier: Apache-2.0 */
/* Lists a _delta_log: which commits and which complete checkpoints are there. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "collectors/delta/delta.h"

enum { VERSION_DIGITS = 20, PART_DIGITS = 10 };

/* Cuts exactly n digits off the name; false when they are not there or overflow. */
static bool cut_digits(struct text *name, size_t n, int64_t *value_out)
{
	struct text digits = text_sub(*name, 0, n);

	if (digits.len != n || digits.bytes[0] == '-' || !text_to_i64(digits, value_out))
		return false;
	*name = text_sub(*name, n, name->len);
	return true;
}

static bool cut_word(struct text *name, struct text word)
{
	if (!text_starts(*name, word))
		return false;
	*name = text_sub(*name, word.len, name->len);
	return true;
}

struct delta_file delta_file_of(struct text name)
{
	struct delta_file file = { .kind = DELTA_OTHER };
	struct delta_file other = { .kind = DELTA_OTHER };
	struct text unique;

	if (!cut_digits(&name, VERSION_DIGITS, &file.version))
		return other;
	if (text_is(name, ".json")) {
		file.kind = DELTA_COMMIT;
		return file;
	}
	if (!cut_word(&name, TEXT(".checkpoint.")))
		return other;
	if (text_is(name, "parquet")) {
		file.kind = DELTA_CHECKPOINT;
		return file;
	}
	unique = name;
	if (cut_digits(&name, PART_DIGITS, &file.part) && cut_word(&name, TEXT(".")) &&
		cut_digits(&name, PART_DIGITS, &file.parts) && text_is(name, ".parquet")) {
		file.kind = DELTA_CHECKPOINT_PART;
		return file.part >= 1 && file.part <= file.parts ? file : other;
	}
	file.part = file.parts = 0;
	name = unique;
	if (!text_split(&name, '.', &unique) || unique.len == 0)
		return other;
	if (!text_is(name, "json") && !text_is(name, "parquet"))
		return other;
	file.kind = DELTA_CHECKPOINT_V2;
	return file;
}

struct item {
	struct delta_file file;
	char *name; /* of DELTA_CHECKPOINT_V2 */
};

struct list {
	struct item *items;
	size_t n, room;
};

static int compare_files(const void *left, const void *right)
{
	const struct item *one = left;
	const struct item *other = right;
	const struct delta_file *a = &one->file;
	const struct delta_file *b = &other->file;

	if (a->version != b->version)
		return a->version < b->version ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->parts != b->parts)
		return a->parts < b->parts ? -1 : 1;
	if (a->part != b->part)
		return a->part < b->part ? -1 : 1;
	return text_cmp(text_of(one->name), text_of(other->name));
}

static void append_version(int64_t *versions, size_t *n, int64_t version)
{
	if (*n == 0 || versions[*n - 1] != version)
		versions[(*n)++] = version;
}

static void append_checkpoint(struct delta_log *log, struct item *item)
{
	append_version(log->checkpoints, &log->ncheckpoints, item->file.version);
	log->complete[log->ncomplete++] = (struct delta_checkpoint){
		.kind = item->file.kind,
		.version = item->file.version,
		.parts = item->file.parts ? item->file.parts : 1,
		.name = item->name,
	};
	item->name = NULL;
}

/* Files are sorted: the parts of one checkpoint stand together, by part. */
static void settle(const struct list *list, struct delta_log *log)
{
	int64_t next_part = 1;
	size_t ncommits = 0;

	for (size_t i = 0; i < list->n; i++)
		ncommits += list->items[i].file.kind == DELTA_COMMIT;
	log->commits = NEW_ARRAY(int64_t, ncommits + 1);
	log->checkpoints = NEW_ARRAY(int64_t, list->n - ncommits + 1);
	log->complete = NEW_ARRAY(struct delta_checkpoint, list->n - ncommits + 1);
	for (size_t i = 0; i < list->n; i++) {
		const struct delta_file *file = &list->items[i].file;

		switch (file->kind) {
		case DELTA_OTHER:
			break;
		case DELTA_COMMIT:
			append_version(log->commits, &log->ncommits, file->version);
			break;
		case DELTA_CHECKPOINT:
		case DELTA_CHECKPOINT_V2:
			append_checkpoint(log, &list->items[i]);
			break;
		case DELTA_CHECKPOINT_PART:
			if (file->part == 1)
				next_part = 1;
			next_part = file->part == next_part ? next_part + 1 : 0;
			if (file->part == file->parts && next_part == file->parts + 1)
				append_checkpoint(log, &list->items[i]);
			break;
		}
	}
}

char *delta_checkpoint_name(const struct delta_checkpoint *checkpoint, int64_t part)
{
	struct buf name;

	if (checkpoint->kind == DELTA_CHECKPOINT_V2)
		return mem_strdup(checkpoint->name);
	buf_init(&name, 128);
	(void)buf_addf(&name, "%020lld.checkpoint.", (long long)checkpoint->version);
	if (checkpoint->kind == DELTA_CHECKPOINT_PART)
		(void)buf_addf(&name, "%010lld.%010lld.", (long long)part,
			(long long)checkpoint->parts);
	(void)buf_add_str(&name, "parquet");
	return buf_take(&name);
}

static bool list_names(DIR *stream, struct list *list)
{
	const struct dirent *entry;

	while (errno = 0, entry = readdir(stream)) {
		struct delta_file file;

		if (entry->d_type == DT_DIR)
			continue;
		file = delta_file_of(text_of(entry->d_name));
		if (file.kind == DELTA_OTHER)
			continue;
		if (list->n == list->room) {
			list->room = list->room ? list->room * 2 : 64;
			list->items = mem_resize(list->items, list->room, sizeof *list->items);
		}
		list->items[list->n++] = (struct item){
			.file = file,
			.name = file.kind == DELTA_CHECKPOINT_V2 ? mem_strdup(entry->d_name)
								 : NULL,
		};
	}
	return errno == 0;
}

bool delta_log_list(const char *dir, struct delta_log *log_out, struct err *err)
{
	struct list list = { 0 };
	struct delta_log log = { 0 };
	DIR *stream = opendir(dir);
	int code = 0;

	if (!stream)
		return err_errno(err, errno, "list %s", dir);
	if (!list_names(stream, &list))
		code = errno;
	(void)closedir(stream);
	if (code == 0) {
		if (list.n > 0)
			qsort(list.items, list.n, sizeof *list.items, compare_files);
		settle(&list, &log);
		*log_out = log;
	}
	for (size_t i = 0; i < list.n; i++)
		free(list.items[i].name);
	free(list.items);
	return code == 0 || err_errno(err, code, "list %s", dir);
}

void delta_log_done(struct delta_log *log)
{
	FREE(&log->commits);
	FREE(&log->checkpoints);
	for (size_t i = 0; i < log->ncomplete; i++)
		free(log->complete[i].name);
	FREE(&log->complete);
	*log = (struct delta_log){ 0 };
}

int64_t delta_log_checkpoint_from(const struct delta_log *log, int64_t version)
{
	for (size_t i = 0; i < log->ncheckpoints; i++)
		if (log->checkpoints[i] >= version)
			return log->checkpoints[i];
	return -1;
}
