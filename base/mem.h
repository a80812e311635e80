/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>
#include <stdlib.h>

/*
 * Allocation that cannot fail: out of memory ends the process with one line, after the hook that
 * restores the terminal. Sizes decided by others are capped before they come here.
 */
void *mem_alloc(size_t bytes) __attribute__((malloc, returns_nonnull));
void *mem_zero(size_t count, size_t bytes) __attribute__((malloc, returns_nonnull));
void *mem_resize(void *old, size_t count, size_t bytes) __attribute__((returns_nonnull));
char *mem_strdup(const char *text) __attribute__((malloc, returns_nonnull));
/* Called once before the process ends for want of memory; async-signal-safe work only. */
void mem_set_out_of_memory(void (*hook)(void));

#define NEW(type)          ((type *)mem_zero(1, sizeof(type)))
#define NEW_ARRAY(type, n) ((type *)mem_zero((n), sizeof(type)))
#define FREE(pointer)                                                                              \
	do {                                                                                       \
		free(*(pointer));                                                                  \
		*(pointer) = NULL;                                                                 \
	} while (0)
#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

#endif
