/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_WATCH_H
#define COLLECTORS_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Notices of change below a tree that is searched for things: of its directories, where new ones
 * may come, and of the things found, each under its owner's number. What the system cannot watch,
 * and what is one too many, is to be polled. Owned by one thread.
 */
struct watch {
	int fd;           /* readable when there is a notice; -1 = everything is polled */
	uint32_t *of_id;  /* system's id -> the owner's number + 2; 1 = a directory; 0 = none */
	size_t room, n;
};

/* source and things: for the one line that says why there are no notices. */
void watch_init(struct watch *watch, const char *source, const char *things);
void watch_done(struct watch *watch);
/* A directory in which others may come. */
void watch_tree(struct watch *watch, const char *dir);
/* A thing's directory, mask as inotify's; the id of the watch, -1 = it is polled. */
int watch_add(struct watch *watch, const char *dir, uint32_t mask, size_t number);

struct watch_notice { /* about a thing */
	size_t number;
	int id;
	bool gone; /* the watch ended: the thing is not watched by that id any more */
};
/* Takes all notices there are; true: the tree is to be searched again. */
bool watch_drain(struct watch *watch,
	void (*take)(void *context, const struct watch_notice *notice), void *context);

#endif
