/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/utf8.h"

enum { LINE_MAX_BYTES = 2048 };

static struct {
	pthread_mutex_t lock; /* guards all below */
	int fd;
	bool owned;
	enum log_level least;
} sink = { PTHREAD_MUTEX_INITIALIZER, -1, false, LOG_INFO };

static void replace(int fd, bool owned)
{
	(void)pthread_mutex_lock(&sink.lock);
	if (sink.owned)
		(void)close(sink.fd);
	sink.fd = fd;
	sink.owned = owned;
	(void)pthread_mutex_unlock(&sink.lock);
}

bool log_open(const char *path, struct err *err)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_errno(err, errno, "open log %s", path);
	replace(fd, true);
	return true;
}

void log_to_stderr(void)
{
	replace(STDERR_FILENO, false);
}

void log_close(void)
{
	replace(-1, false);
}

void log_set_level(enum log_level least)
{
	(void)pthread_mutex_lock(&sink.lock);
	sink.least = least;
	(void)pthread_mutex_unlock(&sink.lock);
}

void log_line(enum log_level level, const char *room, const char *fmt, ...)
{
	static const char *const names[] = { "debug", "info", "warn", "error" };
	char text[LINE_MAX_BYTES / 2];
	struct buf line;
	va_list args;
	ssize_t ignored;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof text, fmt, args); /* a cut line is still a line */
	va_end(args);
	buf_init(&line, LINE_MAX_BYTES);
	time_format_utc(&line, clock_system()->wall_ms(clock_system()));
	(void)buf_addf(&line, " %-5s %s: ", names[level], room);
	(void)utf8_clean(&line, text_of(text), UTF8_ONE_LINE);
	(void)buf_add_char(&line, '\n');
	(void)pthread_mutex_lock(&sink.lock);
	if (sink.fd >= 0 && level >= sink.least) {
		ignored = write(sink.fd, line.bytes, line.len);
		(void)ignored; /* a log that cannot be written has nowhere to say so */
	}
	(void)pthread_mutex_unlock(&sink.lock);
	buf_done(&line);
}
