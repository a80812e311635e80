/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "collectors/checkpoint/parts.h"

struct check {
	void (*say)(void *context, bool good, const char *line);
	void *context;
	size_t checkpoints, idle, kafka, delta, files, other;
};

static void count_sources(struct check *check, const struct checkpoint_batch *batch)
{
	for (size_t i = 0; i < batch->n; i++) {
		check->kafka += batch->sources[i].kind == OFFSET_KAFKA;
		check->delta += batch->sources[i].kind == OFFSET_DELTA;
		check->files += batch->sources[i].kind == OFFSET_FILES;
		check->other += batch->sources[i].kind == OFFSET_OTHER;
	}
}

static void check_line(struct check *check, const char *place, const char *text)
{
	struct buf line;

	buf_init(&line, 1024);
	(void)buf_addf(&line, "%s: %s", place, text);
	check->say(check->context, false, line.bytes);
	buf_done(&line);
}

static void check_checkpoint(void *context, const char *path, const char *name)
{
	struct check *check = context;
	struct checkpoint checkpoint;
	struct err err = ERR_INIT;

	checkpoint_init(&checkpoint, path, name);
	check->checkpoints++;
	if (!checkpoint_look(&checkpoint, clock_system()->wall_ms(clock_system()), &err))
		check_line(check, name, err.text);
	else if (checkpoint.broken_id >= 0 && checkpoint.broken_is_old)
		check_line(check, name, checkpoint.broken_why);
	check->idle += checkpoint.commit_id < 0;
	count_sources(check,
		checkpoint.begun.id >= 0 ? &checkpoint.begun.batch : &checkpoint.done.batch);
	checkpoint_done(&checkpoint);
}

static void check_trouble(void *context, const char *dir, const char *reason)
{
	check_line(context, dir, reason);
}

void checkpoint_doctor(const struct config_section *config,
	void (*say)(void *context, bool good, const char *line), void *context)
{
	struct check check = { .say = say, .context = context };
	struct checkpoint_found found = { check_checkpoint, NULL, check_trouble, &check };
	struct err err = ERR_INIT;
	char *path = config_copy(config, "root");
	struct buf line;

	buf_init(&line, 1024);
	if (!checkpoint_discover(path, (int)config_integer(config, "depth"), &found, &err)) {
		say(context, false, err.text);
	} else if (check.checkpoints == 0) {
		(void)buf_addf(&line, "no checkpoint at or below %s; check root and depth", path);
		say(context, false, line.bytes);
	} else {
		(void)buf_addf(&line, "%zu checkpoint%s below %s, sources: %zu Kafka, %zu Delta, "
			"%zu files, %zu of other kinds", check.checkpoints,
			check.checkpoints == 1 ? "" : "s", path, check.kafka, check.delta,
			check.files, check.other);
		if (check.idle > 0)
			(void)buf_addf(&line, "; %zu without a committed batch", check.idle);
		say(context, true, line.bytes);
	}
	buf_done(&line);
	free(path);
}
