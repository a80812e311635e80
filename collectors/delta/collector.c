/* SPDX-License-Identifier: Apache-2.0 */
/* The source kind "delta": every table below a root, its history followed live. */
#include "collectors/collector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "collectors/delta/condition.h"
#include "collectors/delta/parts.h"
#include "collectors/watch.h"

enum {
	TABLES_MAX = 20 * 1000,
	BATCH_FACTS = 2000,
	WAIT_POLL_MS = 500,
	SEARCH_EVERY_MS = 250, /* at most: a tree being written calls for many */
	KEEP_BYTES = 64 << 20, /* of states kept between looks, all tables together */
	WATCH_LOG = IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE
};

static const struct config_key delta_keys[] = {
	{ .name = "root", .type = CONFIG_PATH,
		.help = "Directory below which Delta tables are looked for, or one table." },
	{ .name = "exclude", .type = CONFIG_PATTERNS, .fallback = "",
		.help = "Shell patterns of paths below the root, or names, to leave out." },
	{ .name = "depth", .type = CONFIG_INTEGER, .fallback = "8",
		.help = "How many directories deep tables are looked for." },
	{ .name = "poll", .type = CONFIG_DURATION, .unit = "ms", .fallback = "30s",
		.help = "How often the root is searched for new tables, and logs are read where "
			"the system cannot tell of changes." },
	{ .name = "look", .type = CONFIG_DURATION, .unit = "ms", .fallback = "10m",
		.help = "How often files that old versions need are looked for where nothing was "
			"committed; 0 = only the history is read." },
	{ .name = "looks", .type = CONFIG_INTEGER, .fallback = "20000",
		.help = "How many files of a table are looked for at a time." },
	{ .name = "rescued", .type = CONFIG_TEXT, .fallback = "_rescued_data",
		.help = "Column of rescued data: rows in which it is not null are counted." },
	{ .name = "flag", .type = CONFIG_TEXT, .fallback = "is_quarantined",
		.help = "Partition column that sets rows aside where it is true: they are counted." },
	{ .name = NULL },
};

struct entry {
	struct delta_table table;
	bool due;    /* may have something new */
	bool waits;  /* its newest commit looks half-written */
	bool failed; /* said already that its log cannot be listed */
	int watch;   /* -1 = polled */
	struct delta_condition condition;
	bool look_due;     /* its history moved since it was looked at */
	int64_t looked_ms; /* monotonic; INT64_MIN = never */
};

struct source {
	char *root;
	char *exclude;
	int depth;
	int64_t poll_ms, look_ms, looks_max;
	int64_t kept_bytes; /* of all entries' conditions */
	char *rescued, *flag;
	int64_t searched_ms; /* monotonic; INT64_MIN = never */
	bool search_due;     /* directories changed */
	struct entry **entries;
	size_t n, room, at;
	json_t *index;  /* path -> place in entries */
	json_t *said;   /* places whose trouble was told in this life */
	json_t *cursor; /* table's key -> what is to be remembered of it */
	struct watch watch; /* of the logs, by place in entries, and of the directories above */
	struct fact_batch *batch; /* of the running step */
	int64_t now_ms;
	struct progress *progress;
};

/* Paths are bytes, JSON is UTF-8: the few that are not get a hash for a key. */
static void key_of(const char *path, struct buf *key)
{
	if (utf8_is_valid(text_of(path)))
		(void)buf_add_str(key, path);
	else
		(void)buf_addf(
			key, "#%016llx", (unsigned long long)text_hash(text_of(path)));
}

static void remember(struct source *source, const struct delta_table *table)
{
	json_t *known = json_object();
	struct buf key;

	(void)json_object_set_new(known, "v", json_integer(table->last));
	if (table->last_file_ms != FACT_UNKNOWN)
		(void)json_object_set_new(known, "t", json_integer(table->last_file_ms));
	(void)json_object_set_new(known, "c", json_integer(table->in_commit));
	if (table->head.len > 0)
		(void)json_object_set_new(known, "h", json_pack("[II]",
			(json_int_t)table->head.hash, (json_int_t)table->head.len));
	if (table->id)
		(void)json_object_set_new(known, "id", json_string(table->id));
	buf_init(&key, 1 << 16);
	key_of(table->path, &key);
	(void)json_object_set_new(source->cursor, key.bytes, known);
	buf_done(&key);
}

static void recall(const struct source *source, struct delta_table *table)
{
	const json_t *known;
	const json_t *head;
	const char *id;
	struct buf key;

	buf_init(&key, 1 << 16);
	key_of(table->path, &key);
	known = json_object_get(source->cursor, key.bytes);
	buf_done(&key);
	if (!json_is_object(known) || !json_is_integer(json_object_get(known, "v")))
		return;
	table->last = json_integer_value(json_object_get(known, "v"));
	table->last_file_ms = delta_json_integer(json_object_get(known, "t"));
	table->in_commit = (int)json_integer_value(json_object_get(known, "c"));
	head = json_object_get(known, "h");
	table->head.hash = (uint64_t)json_integer_value(json_array_get(head, 0));
	table->head.len = (size_t)json_integer_value(json_array_get(head, 1));
	id = json_string_value(json_object_get(known, "id"));
	if (id)
		table->id = mem_strdup(id);
}

static void found_table(void *context, const char *path, const char *log_dir, const char *name)
{
	struct source *source = context;
	const json_t *known = json_object_get(source->index, path);
	size_t place = source->n;
	struct entry *entry;

	if (known) {
		place = (size_t)json_integer_value(known);
		entry = source->entries[place];
		entry->due = true;
		if (entry->watch < 0)
			entry->watch = watch_add(&source->watch, log_dir, WATCH_LOG, place);
		return;
	}
	if (source->n >= TABLES_MAX)
		return;
	if (source->n == source->room) {
		source->room = source->room ? source->room * 2 : 16;
		source->entries =
			mem_resize(source->entries, source->room, sizeof(struct entry *));
	}
	entry = NEW(struct entry);
	source->entries[source->n++] = entry;
	(void)json_object_set_new_nocheck(
		source->index, path, json_integer((json_int_t)place));
	delta_table_init(&entry->table, path, log_dir, name);
	recall(source, &entry->table);
	entry->due = entry->look_due = true;
	entry->looked_ms = INT64_MIN;
	/* Watched before it is listed, so that nothing falls between. */
	entry->watch = watch_add(&source->watch, log_dir, WATCH_LOG, place);
}

static void found_dir(void *context, const char *dir)
{
	struct source *source = context;

	watch_tree(&source->watch, dir);
}

static void found_trouble(void *context, const char *dir, const char *reason)
{
	struct source *source = context;

	if (json_object_get(source->said, dir))
		return;
	(void)json_object_set_new_nocheck(source->said, dir, json_true());
	fact_batch_undecodable(
		source->batch, source->now_ms, text_of(dir), text_of(reason), TEXT_NONE);
}

static bool delta_start(void *self, const struct config_section *config, struct text cursor,
	struct err *err)
{
	struct source *source = self;

	if (config_text(config, "root").len == 0)
		return err_set(err, ERR_CONFIG, 0, "a delta source needs root = a directory");
	source->root = config_copy(config, "root");
	source->exclude = config_copy(config, "exclude");
	source->depth = (int)config_integer(config, "depth");
	source->poll_ms = config_integer(config, "poll");
	source->look_ms = config_integer(config, "look");
	source->looks_max = config_integer(config, "looks");
	source->rescued = config_copy(config, "rescued");
	source->flag = config_copy(config, "flag");
	source->cursor = delta_json(cursor);
	if (!source->cursor)
		source->cursor = json_object();
	watch_init(&source->watch, "delta", "logs");
	source->index = json_object();
	source->said = json_object();
	source->searched_ms = INT64_MIN;
	return true;
}

static void take_notice(void *context, const struct watch_notice *notice)
{
	const struct source *source = context;
	struct entry *entry = source->entries[notice->number];

	entry->due = true;
	if (notice->gone)
		entry->watch = -1;
}

static bool is_search_due(const struct source *source, int64_t mono_ms)
{
	int64_t wait_ms = source->search_due ? SEARCH_EVERY_MS : source->poll_ms;

	return source->searched_ms == INT64_MIN || mono_ms - source->searched_ms >= wait_ms;
}

static bool search(struct source *source, int64_t mono_ms, struct err *err)
{
	struct delta_found found = { found_table, found_dir, found_trouble, source,
		source->progress };
	size_t before = source->n;

	if (!delta_discover(source->root, source->depth, text_of(source->exclude), &found, err))
		return false;
	if (source->n >= TABLES_MAX && before < TABLES_MAX)
		found_trouble(source, source->root, "more than 20,000 tables: the rest is left out");
	source->searched_ms = mono_ms;
	source->search_due = false;
	source->at = 0;
	return true;
}

/* Reads one table; false when the pace stopped it. */
static bool read_entry(struct source *source, struct entry *entry, const struct delta_pace *pace)
{
	struct err err = ERR_INIT;
	int64_t last = entry->table.last;
	uint64_t head = entry->table.head.hash;
	bool more = false, news;

	if (delta_table_read(&entry->table, pace, source->batch, &more, &err)) {
		entry->failed = false;
	} else {
		/* Said once, tried again with every search; a dropped table is no trouble. */
		if (!entry->failed && err.kind != ERR_ABSENT)
			found_trouble(source, entry->table.log_dir, err.text);
		entry->failed = true;
	}
	news = entry->table.last != last || entry->table.head.hash != head;
	entry->look_due |= news;
	if (news)
		remember(source, &entry->table);
	else if (delta_table_why_empty(&entry->table))
		found_trouble(source, entry->table.log_dir, delta_table_why_empty(&entry->table));
	entry->due = more;
	entry->waits = !more && entry->table.waits_since_ms != 0;
	return !more;
}

static bool is_look_due(const struct source *source, const struct entry *entry, int64_t mono_ms)
{
	return source->look_ms > 0 && !entry->due && !entry->waits &&
		(entry->look_due || entry->looked_ms == INT64_MIN ||
			mono_ms - entry->looked_ms >= source->look_ms);
}

/* False when it was stopped. */
static bool look_at(struct source *source, struct entry *entry, int64_t mono_ms)
{
	struct delta_condition_look look = {
		.path = text_of(entry->table.path),
		.name = text_of(entry->table.name),
		.rescued = text_of(source->rescued),
		.flag = text_of(source->flag),
		.now_ms = source->now_ms,
		.keep_bytes = KEEP_BYTES,
		.looks_max = source->looks_max,
		.progress = source->progress,
	};
	bool looked;

	source->kept_bytes -= delta_condition_bytes(&entry->condition);
	look.keep_bytes -= source->kept_bytes;
	looked = delta_condition_look(&entry->condition, &look, source->batch);
	source->kept_bytes += delta_condition_bytes(&entry->condition);
	if (looked) {
		entry->look_due = false;
		entry->looked_ms = mono_ms;
	}
	return looked;
}

static enum step delta_step(void *self, struct step_context *context, struct err *err)
{
	struct source *source = self;
	struct delta_pace pace = { context->clock, context->deadline_ms, BATCH_FACTS,
		context->once, context->progress };
	int64_t mono_ms = context->clock->mono_ms(context->clock);
	bool all = true;
	bool any = false;
	size_t first = 0;
	char *cursor;

	source->batch = context->batch;
	source->now_ms = context->clock->wall_ms(context->clock);
	source->progress = context->progress;
	if (watch_drain(&source->watch, take_notice, source))
		source->search_due = true; /* which finds every table due */
	if (is_search_due(source, mono_ms) && !search(source, mono_ms, err))
		return err->kind == ERR_CANCELED ? STEP_MORE : STEP_FAILED;
	first = source->at;
	for (size_t i = 0; i < source->n && all; i++) {
		struct entry *entry = source->entries[(first + i) % source->n];

		if (!entry->due && !entry->waits && !is_look_due(source, entry, mono_ms))
			continue;
		all = !any || (context->batch->nfacts < BATCH_FACTS &&
			context->clock->mono_ms(context->clock) < context->deadline_ms);
		if (all && (entry->due || entry->waits))
			all = read_entry(source, entry, &pace);
		if (all && is_look_due(source, entry, mono_ms))
			all = look_at(source, entry, mono_ms);
		any = true;
		source->at = (first + i) % source->n;
	}
	if (context->batch->nfacts > 0) {
		cursor = json_dumps(source->cursor, JSON_COMPACT);
		context->batch->cursor = arena_text(&context->batch->arena, text_of(cursor));
		free(cursor);
	}
	return all ? STEP_IDLE : STEP_MORE;
}

static int delta_wake_fd(void *self)
{
	return ((struct source *)self)->watch.fd;
}

static int64_t delta_poll_ms(void *self)
{
	const struct source *source = self;

	for (size_t i = 0; i < source->n; i++)
		if (source->entries[i]->waits)
			return WAIT_POLL_MS;
	if (source->search_due)
		return SEARCH_EVERY_MS;
	return source->poll_ms;
}

static void delta_stop(void *self)
{
	struct source *source = self;

	for (size_t i = 0; i < source->n; i++) {
		delta_table_done(&source->entries[i]->table);
		delta_condition_drop(&source->entries[i]->condition);
		free(source->entries[i]);
	}
	FREE(&source->entries);
	FREE(&source->root);
	FREE(&source->exclude);
	FREE(&source->rescued);
	FREE(&source->flag);
	json_decref(source->index);
	json_decref(source->said);
	json_decref(source->cursor);
	watch_done(&source->watch);
	source->n = 0;
}

const struct collector_ops delta_collector = {
	.kind = "delta",
	.about = "Histories of the Delta tables below a directory, read from their logs",
	.keys = delta_keys,
	.state_size = sizeof(struct source),
	.start = delta_start,
	.step = delta_step,
	.wake_fd = delta_wake_fd,
	.poll_ms = delta_poll_ms,
	.doctor = delta_doctor,
	.stop = delta_stop,
};
