/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>

#include "collectors/eventlog/follow_file.h"

/*
 * The cursor: a line that tells its form, then a line a file: numbers with blanks between them and
 * the path to the end of the line, in which % and control bytes stand as %XX.
 */
static const char form[] = "follow 1";

enum { FIELDS = 13 };

static void add_path(struct buf *out, const char *path)
{
	for (const unsigned char *at = (const unsigned char *)path; *at; at++) {
		if (*at < 0x20 || *at == '%')
			(void)buf_addf(out, "%%%02x", *at);
		else
			(void)buf_add_char(out, (char)*at);
	}
}

void follow_cursor(struct follow *follow, struct buf *out)
{
	(void)buf_addf(out, "%s\n", form);
	for (size_t i = 0; i < follow->nfiles; i++) {
		const struct follow_file *file = follow->files[i];

		(void)buf_addf(out,
			"%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %d %" PRId64
			" %" PRId64 " %d %" PRId64 " %" PRId64 " %" PRId64 " ",
			file->device, file->inode, (int64_t)file->head_hash, file->head_len,
			file->offset, file->compressed ? 1 : 0, file->line, file->gone_ms,
			file->in_array ? 1 : 0, file->settled_size, file->settled_mtime_ns,
			(int64_t)file->tail_hash);
		add_path(out, file->path);
		(void)buf_add_char(out, '\n');
	}
	follow->moved = false;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_path(struct text text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		int high;
		int low;

		if (text.bytes[i] != '%') {
			(void)buf_add_char(out, text.bytes[i]);
			continue;
		}
		if (i + 2 >= text.len)
			return false;
		high = hex(text.bytes[i + 1]);
		low = hex(text.bytes[i + 2]);
		if (high < 0 || low < 0 || high * 16 + low == 0)
			return false;
		(void)buf_add_char(out, (char)(high * 16 + low));
		i += 2;
	}
	return out->len > 0 && !out->full;
}

static bool read_line(struct follow *follow, struct text line)
{
	int64_t numbers[FIELDS - 1];
	struct follow_file *file;
	struct text word;
	struct buf path;
	bool good;

	for (size_t i = 0; i < FIELDS - 1; i++) {
		if (!text_split(&line, ' ', &word) || !text_to_i64(word, &numbers[i]))
			return false;
	}
	buf_init(&path, 4096);
	good = line.bytes && read_path(line, &path) && numbers[3] >= 0 &&
		numbers[3] <= FOLLOW_HEAD_MAX && numbers[4] >= 0;
	if (good) {
		file = follow_file_new(path.bytes);
		file->device = numbers[0];
		file->inode = numbers[1];
		file->head_hash = (uint64_t)numbers[2];
		file->head_len = numbers[3];
		file->offset = numbers[4];
		file->compressed = numbers[5] != 0;
		file->line = numbers[6];
		file->gone_ms = numbers[7];
		file->in_array = numbers[8] != 0;
		file->settled_size = numbers[9];
		file->settled_mtime_ns = numbers[10];
		file->tail_hash = (uint64_t)numbers[11];
		follow_add(follow, file);
	}
	buf_done(&path);
	return good;
}

bool follow_cursor_parse(struct follow *follow, struct text cursor, struct err *err)
{
	struct text line;

	if (!cursor.bytes || cursor.len == 0)
		return true;
	if (!text_split(&cursor, '\n', &line) || !text_is(line, form))
		return err_set(err, ERR_FORMAT, 0,
			"the kept reading position is of another form than \"%s\"", form);
	while (text_split(&cursor, '\n', &line)) {
		if (line.len > 0 && !read_line(follow, line))
			return err_set(err, ERR_FORMAT, 0, "the kept reading position is damaged");
	}
	return true;
}
