/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

#include "base/err.h"

/*
 * One line an event: time, level, room, text. The text is cleaned here, so a log can be shown by
 * any pager. Any thread. Until log_open, lines go nowhere.
 */
enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

bool log_open(const char *path, struct err *err); /* appends */
void log_to_stderr(void);                         /* for the service; never while curses runs */
void log_set_level(enum log_level least);
void log_close(void);
void log_line(enum log_level level, const char *room, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
