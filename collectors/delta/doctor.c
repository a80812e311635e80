/* SPDX-License-Identifier: Apache-2.0 */
/* What the doctor says of a source: is there a table, can its log be listed. */
#include <stdlib.h>

#include "collectors/config.h"
#include "collectors/delta/parts.h"

struct check {
	void (*say)(void *context, bool good, const char *line);
	void *context;
	size_t tables, empty, troubles;
};

static void check_table(void *context, const char *path, const char *log_dir, const char *name)
{
	struct check *check = context;
	struct delta_log log = { 0 };
	struct err err = ERR_INIT;
	struct buf line;

	(void)path;
	check->tables++;
	if (delta_log_list(log_dir, &log, &err)) {
		check->empty += log.ncommits == 0;
		delta_log_done(&log);
		return;
	}
	buf_init(&line, 512);
	(void)buf_addf(&line, "table %s: %s", name, err.text);
	check->say(check->context, false, line.bytes);
	buf_done(&line);
}

static void check_trouble(void *context, const char *dir, const char *reason)
{
	struct check *check = context;
	struct buf line;

	check->troubles++;
	buf_init(&line, 512);
	(void)buf_addf(&line, "%s: %s", dir, reason);
	check->say(check->context, false, line.bytes);
	buf_done(&line);
}

void delta_doctor(const struct config_section *config,
	void (*say)(void *context, bool good, const char *line), void *context)
{
	struct check check = { .say = say, .context = context };
	struct delta_found found = { check_table, NULL, check_trouble, &check, NULL };
	struct err err = ERR_INIT;
	char *path = config_copy(config, "root");
	struct buf line;

	buf_init(&line, 512);
	if (!delta_discover(path, (int)config_integer(config, "depth"),
		    config_text(config, "exclude"), &found, &err)) {
		say(context, false, err.text);
	} else if (check.tables == 0) {
		(void)buf_addf(&line, "no Delta table at or below %s; check root and depth", path);
		say(context, false, line.bytes);
	} else {
		(void)buf_addf(&line, "%zu Delta table%s below %s", check.tables,
			check.tables == 1 ? "" : "s", path);
		if (check.empty > 0)
			(void)buf_addf(&line, ", %zu without JSON commits", check.empty);
		say(context, true, line.bytes);
	}
	buf_done(&line);
	free(path);
}
