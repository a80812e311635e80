/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/eventlog/follow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/mem.h"
#include "collectors/eventlog/follow_file.h"

enum {
	SCAN_EVERY_MS = 10000, /* also where events work: what they do not tell must not stay unseen */
	OPEN_FILES_MAX = 64,
	UNFINISHED_MS = 60000
};

bool follow_open(const struct follow_options *options, struct text cursor,
	struct follow **follow_out, struct err *err)
{
	struct follow *follow = NEW(struct follow);

	follow->options = *options;
	follow->path = mem_strdup(options->path);
	follow->options.path = follow->path;
	follow->reading = mem_strdup("");
	follow->events = -1;
	follow->scan_due = true;
	if (!follow_cursor_parse(follow, cursor, err)) {
		follow_close(follow);
		return false;
	}
	if (!options->without_events)
		follow->events = inotify_init1(IN_NONBLOCK | IN_CLOEXEC); /* else it polls */
	*follow_out = follow;
	return true;
}

void follow_close(struct follow *follow)
{
	if (!follow)
		return;
	follow_slot_done(&follow->slot);
	for (size_t i = 0; i < follow->nfiles; i++)
		follow_file_free(follow->files[i]);
	if (follow->events >= 0)
		(void)close(follow->events); /* nothing to lose */
	free(follow->files);
	free(follow->reading);
	free(follow->path);
	free(follow);
}

/* Empties the queue of events. A change of content asks for a look, one of names for a scan. */
static void drain_events(struct follow *follow)
{
	_Alignas(struct inotify_event) char bytes[16384];

	while (follow->events >= 0) {
		ssize_t got = read(follow->events, bytes, sizeof bytes);

		if (got <= 0)
			return;
		for (char *at = bytes; at < bytes + got;) {
			const struct inotify_event *event = (const void *)at;

			follow->look_due = true;
			if (event->mask & ~(uint32_t)(IN_MODIFY | IN_CLOSE_WRITE))
				follow->scan_due = true;
			at += sizeof *event + event->len;
		}
	}
}

/* Every file's size and time, by name; a name that leads elsewhere now asks for a scan. */
static void look_at_all(struct follow *follow)
{
	for (size_t i = 0; i < follow->nfiles; i++) {
		struct follow_file *file = follow->files[i];
		struct stat now;

		if (file->gone_ms != 0)
			continue;
		if (stat(file->path, &now) != 0 || (int64_t)now.st_ino != file->inode ||
			(int64_t)now.st_dev != file->device) {
			follow->scan_due = true;
			continue;
		}
		file->size = now.st_size;
		file->mtime_ns = follow_mtime_ns(&now);
	}
}

static void refresh(struct follow *follow, bool once)
{
	const struct clock *clock = follow->options.clock;
	int64_t now = clock->mono_ms(clock);

	drain_events(follow);
	if (follow->look_due || now >= follow->next_look_ms) {
		look_at_all(follow);
		follow->look_due = false;
		follow->next_look_ms = now + follow->options.poll_ms;
	}
	if (follow->scan_due || now >= follow->next_scan_ms) {
		follow_scan(follow);
		if (follow->scan_due) /* twice at most: names may change while they are read */
			follow_scan(follow);
		follow->next_scan_ms =
			now + (follow->events_work && !once ? SCAN_EVERY_MS : follow->options.poll_ms);
	}
}

static bool is_dirty(const struct follow_file *file)
{
	if (file->denied || (file->gone_ms != 0 && file->fd < 0))
		return false;
	return file->forced || file->size != file->settled_size ||
		file->mtime_ns != file->settled_mtime_ns;
}

/* A gone file's last words are read through the descriptor that is still open. */
static void end_gone(struct follow *follow)
{
	size_t open_files = 0;

	for (size_t i = 0; i < follow->nfiles; i++) {
		struct follow_file *file = follow->files[i];

		if (file->fd < 0)
			continue;
		open_files++;
		if ((file->gone_ms != 0 || open_files > OPEN_FILES_MAX) && !is_dirty(file)) {
			(void)close(file->fd); /* only read */
			file->fd = -1;
		}
	}
}

static void note_reading(struct follow *follow, const struct follow_file *file)
{
	if (strcmp(follow->reading, file->path) == 0)
		return;
	free(follow->reading);
	follow->reading = mem_strdup(file->path);
}

enum follow_step follow_step(struct follow *follow, const struct follow_sink *sink,
	size_t max_bytes, int64_t deadline_ms, bool once)
{
	size_t budget = max_bytes;
	bool again = false;

	refresh(follow, once);
	for (size_t n = 0; n < follow->nfiles; n++) {
		struct follow_file *file = follow->files[(follow->turn + n) % follow->nfiles];
		enum follow_read said;

		if (!is_dirty(file))
			continue;
		note_reading(follow, file);
		said = follow_read(follow, file, sink, &budget, deadline_ms, once);
		if (said == READ_LOST)
			again = true;
		if (said != READ_MORE)
			continue;
		/* The budget went: others have their turn, but gzip would have to begin anew. */
		follow->turn = (follow->turn + n + (file->compressed ? 0 : 1)) % follow->nfiles;
		return FOLLOW_MORE;
	}
	end_gone(follow);
	return again || follow->scan_due ? FOLLOW_MORE : FOLLOW_IDLE;
}

bool follow_moved(const struct follow *follow)
{
	return follow->moved;
}

int follow_wake_fd(const struct follow *follow)
{
	return follow->events;
}

int64_t follow_poll_ms(const struct follow *follow)
{
	return follow->events_work ? SCAN_EVERY_MS : follow->options.poll_ms;
}

/* A line that is being written is whole in a moment; one that stays half was cut. */
static bool is_cut(const struct follow *follow, const struct follow_file *file)
{
	const struct clock *clock = follow->options.clock;

	return !file->compressed && file->settled_size > file->offset &&
		clock->wall_ms(clock) - file->mtime_ns / 1000000 > UNFINISHED_MS;
}

void follow_status(const struct follow *follow, struct follow_status *out)
{
	*out = (struct follow_status){
		.reading = follow->reading,
		.changed_at_ms = TIME_UNKNOWN,
		.problem = follow->problem,
		.limited = follow->limited,
	};
	for (size_t i = 0; i < follow->nfiles; i++) {
		const struct follow_file *file = follow->files[i];
		int64_t changed_ms = file->mtime_ns / 1000000;

		if (file->gone_ms != 0)
			continue;
		out->files++;
		if (is_cut(follow, file)) {
			out->unfinished = file->path;
			out->unfinished_bytes = file->settled_size - file->offset;
		}
		if (changed_ms > out->changed_at_ms)
			out->changed_at_ms = changed_ms;
		if (is_dirty(file) && (file->compressed || file->size > file->offset))
			out->behind += file->size - (file->compressed ? 0 : file->offset);
	}
}
