/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "collectors/config.h"

enum { PATH_MAX_BYTES = 4096 };

/* $variable/weir/file, else $HOME/fallback/weir/file. A relative XDG path is to be ignored. */
static char *user_file(const char *variable, const char *fallback, const char *file)
{
	const char *base = getenv(variable);
	const char *home = getenv("HOME");
	struct buf path;

	buf_init(&path, PATH_MAX_BYTES);
	if (base && base[0] == '/')
		(void)buf_addf(&path, "%s/weir/%s", base, file);
	else
		(void)buf_addf(&path, "%s/%s/weir/%s", home && home[0] ? home : "/tmp", fallback, file);
	return buf_take(&path);
}

char *config_find(const char *given)
{
	static const char everyone[] = "/etc/weir/weir.ini";
	char *path;

	if (given)
		return mem_strdup(given);
	path = user_file("XDG_CONFIG_HOME", ".config", "weir.ini");
	if (access(path, F_OK) == 0)
		return path;
	free(path);
	return access(everyone, F_OK) == 0 ? mem_strdup(everyone) : NULL;
}

/* Configured values end with a terminator: they are arena copies or constants. */
static char *configured(const struct config *config, const char *key)
{
	struct text value = config_text(config_main(config), key);

	return value.len > 0 ? mem_strdup(value.bytes) : NULL;
}

char *config_store_path(const struct config *config, const char *given)
{
	char *path = given ? mem_strdup(given) : config ? configured(config, "store") : NULL;

	return path ? path : user_file("XDG_STATE_HOME", ".local/state", "weir.db");
}

char *config_log_path(const struct config *config)
{
	char *path = config ? configured(config, "log") : NULL;

	return path ? path : user_file("XDG_STATE_HOME", ".local/state", "weir-collect.log");
}

bool config_make_parents(const char *path, struct err *err)
{
	char *part = mem_strdup(path);
	bool good = true;

	for (char *slash = strchr(part + 1, '/'); good && slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(part, 0700) != 0 && errno != EEXIST)
			good = err_errno(err, errno, "make directory %s", part);
		*slash = '/';
	}
	free(part);
	return good;
}
