/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/history.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"

static const char *const words[PROMPT_KIND_COUNT] = {
	[PROMPT_NONE] = "", [PROMPT_FILTER] = "filter", [PROMPT_COMMAND] = "command",
	[PROMPT_AS_OF] = "as-of", [PROMPT_WRITE] = "write",
};

static bool write_whole(int fd, struct text bytes)
{
	while (bytes.len > 0) {
		ssize_t n = write(fd, bytes.bytes, bytes.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes = text_sub(bytes, (size_t)n, bytes.len);
	}
	return true;
}

/* The newest part of the file, from the beginning of a line on. */
static bool read_tail(int fd, struct buf *out, bool *was_longer_out)
{
	struct stat status;
	off_t from;
	char bytes[8192];
	ssize_t n;

	if (fstat(fd, &status) != 0)
		return false;
	from = status.st_size > HISTORY_MAX_BYTES ? status.st_size - HISTORY_MAX_BYTES / 2 : 0;
	*was_longer_out = from > 0;
	if (lseek(fd, from, SEEK_SET) < 0)
		return false;
	while ((n = read(fd, bytes, sizeof bytes)) > 0)
		(void)buf_add_bytes(out, bytes, (size_t)n); /* what comes beyond is younger than we are */
	return n == 0;
}

/* Takes the place of the file in one step: another console sees the old one or the new one. */
static bool replace(const char *path, struct text bytes, struct err *err)
{
	char other[PATH_MAX];
	int n = snprintf(other, sizeof other, "%s.%ld", path, (long)getpid());
	int fd;
	bool good;

	if (n < 0 || (size_t)n >= sizeof other)
		return err_set(err, ERR_IO, ENAMETOOLONG, "cut %s: the name is too long", path);
	fd = open(other, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_errno(err, errno, "cut %s", path);
	good = write_whole(fd, bytes);
	good = close(fd) == 0 && good;
	if (good && rename(other, path) == 0)
		return true;
	(void)err_errno(err, errno, "cut %s", path);
	(void)unlink(other);
	return false;
}

static void take(struct prompt *prompt, struct text line)
{
	struct text rest = line, word;

	if (!utf8_is_clean(line) || !text_split(&rest, ' ', &word))
		return;
	for (size_t kind = PROMPT_NONE + 1; kind < PROMPT_KIND_COUNT; kind++) {
		if (text_is(word, words[kind]))
			prompt_remember(prompt, (enum prompt_kind)kind, rest);
	}
}

bool history_load(const char *path, struct prompt *prompt, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct buf bytes;
	struct text rest, line;
	bool was_longer = false, good;

	if (fd < 0)
		return errno == ENOENT || err_errno(err, errno, "read %s", path);
	buf_init(&bytes, 2 * HISTORY_MAX_BYTES);
	good = read_tail(fd, &bytes, &was_longer);
	if (!good)
		(void)err_errno(err, errno, "read %s", path);
	(void)close(fd);
	rest = buf_text(&bytes);
	if (was_longer)
		(void)text_split(&rest, '\n', &line); /* its head is missing */
	if (good && was_longer)
		good = replace(path, rest, err);
	while (text_split(&rest, '\n', &line))
		take(prompt, line);
	buf_done(&bytes);
	return good;
}

bool history_add(const char *path, enum prompt_kind kind, struct text line, struct err *err)
{
	struct buf bytes;
	bool good;
	int fd;

	if (kind == PROMPT_NONE || line.len == 0 || !utf8_is_clean(line))
		return true;
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0)
		return err_errno(err, errno, "write %s", path);
	buf_init(&bytes, PROMPT_MAX + 32);
	(void)buf_addf(&bytes, "%s %.*s\n", words[kind], TEXT_ARG(line)); /* as large as a prompt */
	/* Whoever made the file: what was typed is nobody else's business. */
	good = fchmod(fd, 0600) == 0 && write_whole(fd, buf_text(&bytes));
	if (!good)
		(void)err_errno(err, errno, "write %s", path);
	good = close(fd) == 0 && good;
	buf_done(&bytes);
	return good;
}
