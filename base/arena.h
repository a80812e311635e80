/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/text.h"

/*
 * Memory with one end of life: what a load or a frame made goes at once. Zero-initialize to start.
 * Owned by one thread.
 */
struct arena {
	struct arena_block *blocks; /* newest first */
	size_t bytes;               /* handed out since the last reset */
};

void *arena_alloc(struct arena *arena, size_t bytes)
	__attribute__((malloc, returns_nonnull)); /* zeroed, aligned for any type */
void *arena_raw(struct arena *arena, size_t bytes)
	__attribute__((malloc, returns_nonnull)); /* the same, not zeroed: for what is set at once */
#define ARENA_NEW(arena, type)          ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_alloc((arena), sizeof(type) * (count)))
/* Copies; the copy is terminated. Absent stays absent. */
struct text arena_text(struct arena *arena, struct text text);
char *arena_printf(struct arena *arena, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void arena_reset(struct arena *arena); /* keeps one block for the next use */
void arena_free(struct arena *arena);

#endif
