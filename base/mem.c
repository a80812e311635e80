/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include <stdint.h>
#include <string.h>
#include <unistd.h>

/* Set once at start-up, before any thread exists. */
static void (*out_of_memory_hook)(void);

void mem_set_out_of_memory(void (*hook)(void))
{
	out_of_memory_hook = hook;
}

static _Noreturn void out_of_memory(void)
{
	static const char text[] = "weir: out of memory\n";
	ssize_t ignored;

	if (out_of_memory_hook)
		out_of_memory_hook();
	ignored = write(STDERR_FILENO, text, sizeof text - 1);
	(void)ignored; /* nothing is left to do about it */
	abort();
}

void *mem_alloc(size_t bytes)
{
	void *memory = malloc(bytes ? bytes : 1);

	if (!memory)
		out_of_memory();
	return memory;
}

void *mem_zero(size_t count, size_t bytes)
{
	void *memory = calloc(count ? count : 1, bytes ? bytes : 1);

	if (!memory)
		out_of_memory();
	return memory;
}

void *mem_resize(void *old, size_t count, size_t bytes)
{
	void *memory;

	if (bytes && count > SIZE_MAX / bytes)
		out_of_memory();
	memory = realloc(old, count > 0 && bytes > 0 ? count * bytes : 1);
	if (!memory)
		out_of_memory();
	return memory;
}

char *mem_strdup(const char *text)
{
	size_t len = strlen(text);
	char *copy = mem_alloc(len + 1);

	memcpy(copy, text, len + 1);
	return copy;
}
