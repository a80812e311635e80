/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum { BLOCK_BYTES = 16 * 1024, BLOCK_BYTES_MAX = 1024 * 1024, ALIGN = 16 };

struct arena_block {
	struct arena_block *next;
	size_t room;
	size_t used;
	_Alignas(ALIGN) unsigned char bytes[];
};

/* Blocks grow with what is asked for, so that much takes few. */
static size_t block_bytes(const struct arena *arena)
{
	size_t bytes = BLOCK_BYTES;

	while (bytes < BLOCK_BYTES_MAX && bytes < arena->bytes / 4)
		bytes *= 2;
	return bytes;
}

void *arena_raw(struct arena *arena, size_t bytes)
{
	struct arena_block *block = arena->blocks;
	void *memory;

	assert(bytes < SIZE_MAX / 2);
	bytes = (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (!block || block->room - block->used < bytes) {
		size_t usual = block_bytes(arena), room = bytes > usual / 4 ? bytes : usual;
		struct arena_block *fresh = mem_alloc(sizeof *fresh + room);

		fresh->room = room;
		fresh->used = 0;
		/* A large piece goes behind the block in use, whose room is still good. */
		if (block && room != usual) {
			fresh->next = block->next;
			block->next = fresh;
		} else {
			fresh->next = block;
			arena->blocks = fresh;
		}
		block = fresh;
	}
	memory = block->bytes + block->used;
	block->used += bytes;
	arena->bytes += bytes;
	return memory;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
	void *memory = arena_raw(arena, bytes);

	return memset(memory, 0, bytes);
}

struct text arena_text(struct arena *arena, struct text text)
{
	char *copy;

	if (!text.bytes)
		return text;
	copy = arena_raw(arena, text.len + 1);
	memcpy(copy, text.bytes, text.len);
	copy[text.len] = '\0';
	return (struct text){ copy, text.len };
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
	va_list args;
	va_list again;
	char *out;
	int n;

	va_start(args, fmt);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	out = arena_alloc(arena, n < 0 ? 1 : (size_t)n + 1);
	if (n > 0)
		(void)vsnprintf(out, (size_t)n + 1, fmt, again);
	va_end(again);
	return out;
}

void arena_free(struct arena *arena)
{
	while (arena->blocks) {
		struct arena_block *next = arena->blocks->next;

		free(arena->blocks);
		arena->blocks = next;
	}
	arena->bytes = 0;
}

void arena_reset(struct arena *arena)
{
	struct arena_block *keep = arena->blocks;

	if (keep && keep->room >= BLOCK_BYTES && keep->room <= BLOCK_BYTES_MAX) {
		arena->blocks = keep->next;
		arena_free(arena);
		keep->next = NULL;
		keep->used = 0;
		arena->blocks = keep;
		return;
	}
	arena_free(arena);
}
