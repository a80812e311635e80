/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/watch.h"

#include <errno.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

enum {
	WATCHES_MAX = 8 * 1000,
	WATCH_IDS_MAX = 1 << 20,
	OF_TREE = 1,
	OF_THING = 2,
	MASK_TREE = IN_CREATE | IN_MOVED_TO | IN_ONLYDIR
};

void watch_init(struct watch *watch, const char *source, const char *things)
{
	*watch = (struct watch){ .fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC) };
	if (watch->fd < 0)
		log_line(LOG_WARN, source, "no change notices (%s): %s are polled",
			strerror(errno), things);
}

void watch_done(struct watch *watch)
{
	FREE(&watch->of_id);
	if (watch->fd >= 0)
		(void)close(watch->fd);
	*watch = (struct watch){ .fd = -1 };
}

static int add(struct watch *watch, const char *dir, uint32_t mask, uint32_t what)
{
	int id;

	if (watch->fd < 0 || watch->n >= WATCHES_MAX)
		return -1;
	id = inotify_add_watch(watch->fd, dir, mask);
	if (id < 0 || id >= WATCH_IDS_MAX)
		return -1;
	if ((size_t)id >= watch->room) {
		size_t room = (size_t)id * 2 + 64;

		watch->of_id = mem_resize(watch->of_id, room, sizeof *watch->of_id);
		memset(watch->of_id + watch->room, 0, (room - watch->room) * sizeof *watch->of_id);
		watch->room = room;
	}
	watch->n += watch->of_id[id] == 0;
	watch->of_id[id] = what;
	return id;
}

void watch_tree(struct watch *watch, const char *dir)
{
	(void)add(watch, dir, MASK_TREE, OF_TREE);
}

int watch_add(struct watch *watch, const char *dir, uint32_t mask, size_t number)
{
	return add(watch, dir, mask, OF_THING + (uint32_t)number);
}

/* One notice: a thing changed, a directory came, a watched one went. */
static bool take_event(struct watch *watch, const struct inotify_event *event,
	void (*take)(void *context, const struct watch_notice *notice), void *context)
{
	bool search = (event->mask & IN_Q_OVERFLOW) != 0;
	bool gone = (event->mask & IN_IGNORED) != 0;
	uint32_t *what = NULL;

	if (event->wd >= 0 && (size_t)event->wd < watch->room)
		what = &watch->of_id[event->wd];
	if (!what || *what == 0)
		return search;
	if (*what >= OF_THING)
		take(context, &(struct watch_notice){ *what - OF_THING, event->wd, gone });
	else if (event->mask & IN_ISDIR)
		search = true;
	if (gone) {
		*what = 0;
		watch->n--;
	}
	return search || gone;
}

bool watch_drain(struct watch *watch,
	void (*take)(void *context, const struct watch_notice *notice), void *context)
{
	_Alignas(struct inotify_event) char bytes[16 * 1024];
	bool search = false;
	ssize_t n;

	while (watch->fd >= 0 && (n = read(watch->fd, bytes, sizeof bytes)) > 0) {
		for (char *at = bytes; at < bytes + n;) {
			const struct inotify_event *event = (const void *)at;

			at += sizeof *event + event->len;
			search |= take_event(watch, event, take, context);
		}
	}
	return search;
}
