/* SPDX-License-Identifier: Apache-2.0 */
/* Commit files as actions: line by line, fast where writers write as they do. */
#include "collectors/delta/replay.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "collectors/eventlog/lex.h"

enum { CHUNK = 1 << 20, LINE_MAX_BYTES = DELTA_ACTION_MAX, ARENA_KEPT = 1 << 20 };

/* One file under way. */
struct pass {
	struct delta_replay *replay;
	const char *name;
	struct err *err;
	bool failed;
	bool slow;             /* the rest goes through lines */
	int64_t line, offset;  /* of the buffer's first byte */
	struct delta_lines lines;
};

void delta_replay_init(struct delta_replay *replay)
{
	*replay = (struct delta_replay){ 0 };
	buf_init(&replay->buf, (size_t)LINE_MAX_BYTES + CHUNK);
}

void delta_replay_done(struct delta_replay *replay)
{
	buf_done(&replay->buf);
	arena_free(&replay->arena);
}

/* ---- the general reader ---- */

static bool take_object(void *context, struct text object, const char **reason)
{
	struct pass *pass = context;
	struct delta_replay *replay = pass->replay;
	struct delta_action action;
	json_t *root;
	const char *name;
	json_t *value;
	bool good = true;

	if (pass->failed)
		return true;
	replay->nactions++;
	if (lex_is_utf8(object.bytes, object.bytes + object.len) &&
		delta_action_scan(&replay->arena, object, replay->column, &action)) {
		pass->failed = !replay->take(replay->context, &action, pass->err);
		return true;
	}
	replay->lines_slow++;
	root = delta_json(object);
	if (!root)
		return false;
	json_object_foreach(root, name, value) {
		if (json_is_null(value) || pass->failed)
			continue;
		good = delta_action_read(
			&replay->arena, name, value, replay->column, &action, reason);
		if (!good)
			break;
		pass->failed = !replay->take(replay->context, &action, pass->err);
	}
	json_decref(root);
	if (replay->arena.bytes > ARENA_KEPT)
		arena_reset(&replay->arena);
	return good;
}

static void take_broken(void *context, struct text bytes, int64_t line, int64_t offset,
	const char *reason)
{
	struct pass *pass = context;

	(void)bytes;
	if (pass->failed)
		return;
	pass->failed = true;
	(void)err_set(pass->err, ERR_FORMAT, 0,
		"%s is damaged: line %lld at byte %lld: %s; get this file back from a backup, "
		"without it this version and later ones cannot be read",
		pass->name, (long long)line, (long long)offset, reason);
}

static void begin_slow(struct pass *pass, size_t at)
{
	pass->slow = true;
	pass->lines = (struct delta_lines){ .action = take_object, .broken = take_broken };
	delta_lines_init(&pass->lines);
	pass->lines.context = pass;
	pass->lines.line = pass->line;
	pass->lines.offset = pass->offset + (int64_t)at;
}

/* ---- the fast one ---- */

/* One line; false: it is for the general reader. */
static bool take_line(struct pass *pass, const char *start, const char *end)
{
	struct delta_replay *replay = pass->replay;
	struct delta_action action;

	while (end > start && (end[-1] == ' ' || end[-1] == '\r' || end[-1] == '\t'))
		end--;
	if (end == start)
		return true;
	if (!delta_action_scan(&replay->arena, (struct text){ start, (size_t)(end - start) },
		    replay->column, &action))
		return false;
	replay->nactions++;
	pass->failed = !replay->take(replay->context, &action, pass->err);
	return true;
}

/* The buffer's whole lines, at the file's end all of it. What is left begins the buffer. */
static void take_buffer(struct pass *pass, bool last)
{
	struct buf *buf = &pass->replay->buf;
	const char *at = buf->bytes;
	const char *end = buf->bytes + buf->len;
	const char *whole = last ? end : memrchr(buf->bytes, '\n', buf->len);
	size_t left;

	if (!pass->slow && whole) {
		if (!last)
			whole++;
		pass->slow = !lex_is_utf8(at, whole);
		while (!pass->slow && !pass->failed && at < whole) {
			const char *newline = memchr(at, '\n', (size_t)(whole - at));
			const char *next = newline ? newline + 1 : whole;

			if (!take_line(pass, at, newline ? newline : whole)) {
				pass->slow = true;
				break;
			}
			pass->line++;
			at = next;
		}
		if (pass->slow)
			begin_slow(pass, (size_t)(at - buf->bytes));
	}
	if (pass->slow && !pass->failed) {
		delta_lines_feed(&pass->lines, (struct text){ at, (size_t)(end - at) });
		at = end;
	}
	if (pass->replay->arena.bytes > ARENA_KEPT)
		arena_reset(&pass->replay->arena);
	left = (size_t)(end - at);
	pass->offset += at - buf->bytes;
	if (at > buf->bytes && left > 0)
		memmove(buf->bytes, at, left);
	buf_cut(buf, left);
}

static void pass_begin(struct pass *pass, struct delta_replay *replay, const char *name,
	struct err *err)
{
	*pass = (struct pass){ .replay = replay, .name = name, .err = err, .line = 1 };
	buf_reset(&replay->buf);
	arena_reset(&replay->arena);
}

static bool pass_end(struct pass *pass)
{
	if (!pass->failed)
		take_buffer(pass, true);
	if (pass->slow) {
		if (!pass->failed)
			delta_lines_end(&pass->lines);
		delta_lines_done(&pass->lines);
	}
	return !pass->failed;
}

/* Room for the next bytes; NULL when one line is longer than any may be. */
static char *pass_room(struct pass *pass, size_t want)
{
	char *room = buf_reserve(&pass->replay->buf, want);

	if (!room) {
		pass->failed = true;
		(void)err_set(pass->err, ERR_LIMIT, 0,
			"%s line %lld is longer than %d MiB", pass->name, (long long)pass->line,
			LINE_MAX_BYTES >> 20);
	}
	return room;
}

bool delta_replay_bytes(struct delta_replay *replay, const char *name, struct text bytes,
	size_t step, struct err *err)
{
	struct pass pass;

	pass_begin(&pass, replay, name, err);
	for (size_t at = 0; at < bytes.len && !pass.failed; at += step) {
		struct text piece = text_sub(bytes, at, step);

		if (pass_room(&pass, piece.len)) {
			(void)buf_add(&replay->buf, piece);
			take_buffer(&pass, false);
		}
	}
	return pass_end(&pass);
}

static bool read_all(struct pass *pass, int fd, int64_t size)
{
	struct buf *buf = &pass->replay->buf;
	int64_t left = size;

	while (left > 0 && !pass->failed) {
		size_t want = left < CHUNK ? (size_t)left : (size_t)CHUNK;
		char *room = pass_room(pass, want);
		ssize_t n;

		if (!room)
			break;
		n = read(fd, room, want);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			pass->failed = true;
			(void)err_errno(pass->err, errno, "read %s", pass->name);
			break;
		}
		if (n == 0)
			break;
		buf->len += (size_t)n;
		left -= n;
		if (left > 0)
			take_buffer(pass, false);
	}
	return pass_end(pass);
}

bool delta_replay_file(struct delta_replay *replay, int log_fd, const char *name,
	int64_t *modified_ms_out, int64_t *bytes_out, struct err *err)
{
	struct stat status;
	struct pass pass;
	bool done;
	int fd = openat(log_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return err_errno(err, errno, "open %s", name);
	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
		(void)close(fd);
		return err_set(err, ERR_FORMAT, 0, "%s is no file", name);
	}
	if (status.st_size > DELTA_COMMIT_MAX) {
		(void)close(fd);
		return err_set(err, ERR_LIMIT, 0, "%s is larger than 2 GiB", name);
	}
	*modified_ms_out = delta_file_ms(status.st_mtim);
	*bytes_out = status.st_size;
	pass_begin(&pass, replay, name, err);
	done = read_all(&pass, fd, status.st_size);
	(void)close(fd);
	return done;
}
