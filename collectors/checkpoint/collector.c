/* SPDX-License-Identifier: Apache-2.0 */
/* The source kind "checkpoint": how far Spark's streaming queries are, from what they write. */
#include "collectors/collector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "collectors/checkpoint/parts.h"
#include "collectors/watch.h"

enum {
	CHECKPOINTS_MAX = 20 * 1000,
	BATCH_FACTS = 2000,
	TELL_LEAST_MS = 1000,  /* a query with ten batches a second is told once a second */
	SEARCH_EVERY_MS = 60 * 1000,
	SEARCH_LEAST_MS = 1000,
	WATCH_LOG = IN_MOVED_TO | IN_CLOSE_WRITE | IN_ONLYDIR
};

static const struct config_key checkpoint_keys[] = {
	{ .name = "root", .type = CONFIG_PATH,
		.help = "Directory below which checkpoints of Spark's streaming queries are looked "
			"for, or one checkpoint." },
	{ .name = "kafka", .type = CONFIG_TEXT, .fallback = "",
		.help = "Name of the [kafka NAME] section whose topics they read; empty: the topic "
			"decides." },
	{ .name = "depth", .type = CONFIG_INTEGER, .fallback = "8",
		.help = "How many directories deep checkpoints are looked for." },
	{ .name = "poll", .type = CONFIG_DURATION, .unit = "ms", .fallback = "10s",
		.help = "How often every checkpoint is looked at; changes that the system tells of "
			"are seen at once." },
	{ .name = NULL },
};

struct entry {
	struct checkpoint checkpoint;
	bool due, gone;
	int64_t told_ms; /* monotonic; INT64_MIN = never */
	int watches[2];  /* of offsets and commits; -1 = polled */
	struct checkpoint_told told;
};

struct source {
	char *root;
	char *kafka;
	int depth;
	int64_t poll_ms;
	int64_t searched_ms; /* monotonic; INT64_MIN = never */
	bool search_due;
	struct entry **entries;
	size_t n, room, at, ngone;
	json_t *index; /* path -> place in entries */
	json_t *said;  /* places whose trouble was told in this life */
	bool cursor_changed;
	struct watch watch; /* of the logs, by place in entries, and of the directories above */
	char trouble[512];  /* the first that cannot be read now */
	struct fact_batch *batch; /* of the running step */
	int64_t now_ms;
};

static void watch_entry(struct source *source, size_t place)
{
	static const char *const logs[2] = { "offsets", "commits" };
	struct entry *entry = source->entries[place];

	for (size_t i = 0; i < ARRAY_LEN(logs); i++) {
		char path[4096];

		(void)snprintf(path, sizeof path, "%s/%s", entry->checkpoint.path, logs[i]);
		if (entry->watches[i] < 0)
			entry->watches[i] = watch_add(&source->watch, path, WATCH_LOG, place);
	}
}

static struct entry *add_entry(struct source *source, const char *path, const char *name)
{
	struct entry *entry = NEW(struct entry);

	if (source->n == source->room) {
		source->room = source->room ? source->room * 2 : 16;
		source->entries =
			mem_resize(source->entries, source->room, sizeof(struct entry *));
	}
	(void)json_object_set_new_nocheck(
		source->index, path, json_integer((json_int_t)source->n));
	source->entries[source->n++] = entry;
	checkpoint_init(&entry->checkpoint, path, name);
	entry->due = true;
	entry->told_ms = INT64_MIN;
	entry->watches[0] = entry->watches[1] = -1;
	return entry;
}

static void found_checkpoint(void *context, const char *path, const char *name)
{
	struct source *source = context;
	const json_t *known = json_object_get(source->index, path);
	size_t place = known ? (size_t)json_integer_value(known) : source->n;

	if (!known && source->n >= CHECKPOINTS_MAX)
		return;
	if (!known)
		(void)add_entry(source, path, name);
	if (source->entries[place]->gone) {
		source->entries[place]->gone = false;
		source->entries[place]->due = true;
		source->ngone--;
	}
	watch_entry(source, place);
}

static void found_dir(void *context, const char *dir)
{
	struct source *source = context;

	watch_tree(&source->watch, dir);
}

static void found_trouble(void *context, const char *dir, const char *reason)
{
	struct source *source = context;

	if (source->trouble[0] == '\0')
		(void)snprintf(source->trouble, sizeof source->trouble, "%s: %s", dir, reason);
	if (json_object_get(source->said, dir))
		return;
	(void)json_object_set_new_nocheck(source->said, dir, json_true());
	fact_batch_undecodable(
		source->batch, source->now_ms, text_of(dir), text_of(reason), TEXT_NONE);
}

/* What was told before this life began: so that what went meanwhile is told, too. */
static void recall(struct source *source, struct text cursor)
{
	json_t *known = cursor.len > 0 ? json_loadb(cursor.bytes, cursor.len, 0, NULL) : NULL;
	const char *path;
	json_t *value;

	json_object_foreach(known, path, value)
	{
		const char *name = json_string_value(json_object_get(value, "n"));
		if (!name || source->n >= CHECKPOINTS_MAX || json_object_get(source->index, path))
			continue;
		checkpoint_told_recall(&add_entry(source, path, name)->told,
			json_object_get(value, "t"));
	}
	json_decref(known);
}

static void tell_cursor(struct source *source)
{
	json_t *cursor = json_object();
	char *dump;

	for (size_t i = 0; i < source->n; i++) {
		const struct entry *entry = source->entries[i];
		json_t *known;

		if (entry->gone || entry->told.n == 0 ||
			!utf8_is_valid(text_of(entry->checkpoint.path)))
			continue;
		known = json_object();
		(void)json_object_set_new(known, "n", json_string(entry->checkpoint.name));
		(void)json_object_set_new(known, "t", checkpoint_told_json(&entry->told));
		(void)json_object_set_new(cursor, entry->checkpoint.path, known);
	}
	dump = json_dumps(cursor, JSON_COMPACT);
	source->batch->cursor = arena_text(&source->batch->arena, text_of(dump));
	source->cursor_changed = false;
	free(dump);
	json_decref(cursor);
}

static bool checkpoint_start(void *self, const struct config_section *config, struct text cursor,
	struct err *err)
{
	struct source *source = self;
	char *root = config_copy(config, "root");
	size_t len = strlen(root);

	while (len > 1 && root[len - 1] == '/')
		root[--len] = '\0';
	if (len == 0) {
		free(root);
		return err_set(err, ERR_CONFIG, 0, "a checkpoint source needs root = a directory");
	}
	source->root = root;
	source->kafka = config_copy(config, "kafka");
	source->depth = (int)config_integer(config, "depth");
	source->poll_ms = config_integer(config, "poll");
	if (source->poll_ms < TELL_LEAST_MS)
		source->poll_ms = TELL_LEAST_MS;
	watch_init(&source->watch, "checkpoint", "checkpoints");
	source->index = json_object();
	source->said = json_object();
	source->searched_ms = INT64_MIN;
	recall(source, cursor);
	return true;
}

static void take_notice(void *context, const struct watch_notice *notice)
{
	const struct source *source = context;
	struct entry *entry = source->entries[notice->number];

	entry->due = true;
	for (size_t i = 0; i < ARRAY_LEN(entry->watches); i++) {
		if (notice->gone && entry->watches[i] == notice->id)
			entry->watches[i] = -1;
	}
}

static bool search(struct source *source, int64_t mono_ms, struct err *err)
{
	struct checkpoint_found found = { found_checkpoint, found_dir, found_trouble, source };
	int64_t wait_ms = source->search_due ? SEARCH_LEAST_MS : SEARCH_EVERY_MS;

	if (source->searched_ms != INT64_MIN && mono_ms - source->searched_ms < wait_ms)
		return true;
	source->trouble[0] = '\0';
	if (!checkpoint_discover(source->root, source->depth, &found, err))
		return false;
	if (source->n >= CHECKPOINTS_MAX)
		found_trouble(source, source->root,
			"more than 20,000 checkpoints: the rest is left out");
	source->searched_ms = mono_ms;
	source->search_due = false;
	return true;
}

static void look(struct source *source, struct entry *entry, int64_t mono_ms)
{
	struct err err = ERR_INIT;
	int64_t read_before = entry->checkpoint.files_read;

	entry->due = false;
	entry->told_ms = mono_ms;
	if (checkpoint_look(&entry->checkpoint, source->now_ms, &err)) {
		source->cursor_changed |= checkpoint_tell(&entry->told, &entry->checkpoint,
			source->kafka, source->batch, source->now_ms);
	} else if (err.kind == ERR_ABSENT) {
		source->cursor_changed |= checkpoint_tell_gone(
			&entry->told, &entry->checkpoint, source->batch, source->now_ms);
		entry->gone = true;
		source->ngone++;
	} else {
		found_trouble(source, entry->checkpoint.path, err.text);
	}
	checkpoint_tell_broken(&entry->checkpoint, source->batch, source->now_ms);
	source->batch->read_records += entry->checkpoint.files_read - read_before;
}

static bool is_due(const struct source *source, const struct entry *entry, int64_t mono_ms)
{
	int64_t wait_ms = entry->due ? TELL_LEAST_MS : source->poll_ms;

	return !entry->gone && (entry->told_ms == INT64_MIN || mono_ms - entry->told_ms >= wait_ms);
}

static enum step checkpoint_step(void *self, struct step_context *context, struct err *err)
{
	struct source *source = self;
	int64_t mono_ms = context->clock->mono_ms(context->clock);
	bool any = false;
	bool all = true;
	size_t first;

	source->batch = context->batch;
	source->now_ms = context->clock->wall_ms(context->clock);
	if (watch_drain(&source->watch, take_notice, source))
		source->search_due = true;
	if (!search(source, mono_ms, err))
		return STEP_FAILED;
	first = source->at;
	for (size_t i = 0; i < source->n && all; i++) {
		size_t at = (first + i) % source->n;

		if (!is_due(source, source->entries[at], mono_ms))
			continue;
		all = !any || (context->batch->nfacts < BATCH_FACTS &&
			context->clock->mono_ms(context->clock) < context->deadline_ms);
		if (all)
			look(source, source->entries[at], mono_ms);
		any = true;
		source->at = at;
	}
	if (source->cursor_changed)
		tell_cursor(source);
	return all ? STEP_IDLE : STEP_MORE;
}

static void checkpoint_status(void *self, struct collector_status *out)
{
	const struct source *source = self;
	size_t n = source->n - source->ngone;

	(void)buf_add_str(&out->detail, source->root);
	if (source->trouble[0] != '\0') {
		out->state = HEALTH_DEGRADED;
		(void)buf_add_str(&out->text, source->trouble);
	} else if (n == 0) {
		out->state = HEALTH_WAITING;
		(void)buf_add_str(&out->text, "no checkpoint is there yet; waiting for a query");
	} else {
		(void)buf_addf(&out->text, "following %zu checkpoint%s", n, n == 1 ? "" : "s");
	}
}

static int checkpoint_wake_fd(void *self)
{
	return ((struct source *)self)->watch.fd;
}

static int64_t checkpoint_poll_ms(void *self)
{
	const struct source *source = self;

	for (size_t i = 0; i < source->n; i++)
		if (source->entries[i]->due && !source->entries[i]->gone)
			return TELL_LEAST_MS;
	return source->search_due ? SEARCH_LEAST_MS : source->poll_ms;
}

static void checkpoint_stop(void *self)
{
	struct source *source = self;

	for (size_t i = 0; i < source->n; i++) {
		checkpoint_told_done(&source->entries[i]->told);
		checkpoint_done(&source->entries[i]->checkpoint);
		free(source->entries[i]);
	}
	FREE(&source->entries);
	FREE(&source->root);
	FREE(&source->kafka);
	json_decref(source->index);
	json_decref(source->said);
	watch_done(&source->watch);
	source->n = 0;
}

const struct collector_ops checkpoint_collector = {
	.kind = "checkpoint",
	.about = "How far Spark's streaming queries have read, from their checkpoints",
	.keys = checkpoint_keys,
	.state_size = sizeof(struct source),
	.start = checkpoint_start,
	.step = checkpoint_step,
	.wake_fd = checkpoint_wake_fd,
	.poll_ms = checkpoint_poll_ms,
	.doctor = checkpoint_doctor,
	.status = checkpoint_status,
	.stop = checkpoint_stop,
};
