/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"

void tree_run(const char *folder, const char *line)
{
	struct buf command;

	buf_init(&command, 4096);
	(void)buf_addf(&command, "cd '%s' && %s", folder, line);
	assert_int_equal(system(command.bytes), 0);
	buf_done(&command);
}

void tree_put(const char *folder, const char *name, const char *bytes, int64_t modified_ms)
{
	const struct timespec moment = { modified_ms / 1000, modified_ms % 1000 * 1000000 };
	const struct timespec times[2] = { moment, moment };
	char path[400];
	char aside[410];
	char *slash;
	FILE *file;

	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	for (slash = path + strlen(folder) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
		*slash = '\0';
		(void)mkdir(path, 0755); /* there already, mostly */
		*slash = '/';
	}
	slash = strrchr(path, '/');
	(void)snprintf(aside, sizeof aside, "%.*s/.tmp", (int)(slash - path), path);
	file = fopen(aside, "wb");
	assert_non_null(file);
	(void)fputs(bytes, file);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(utimensat(AT_FDCWD, aside, times, 0), 0);
	assert_int_equal(rename(aside, path), 0);
}
