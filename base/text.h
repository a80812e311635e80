/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Borrowed bytes, maybe without a terminator. A text never owns: whoever gives it says how long it
 * lives. bytes == NULL means "absent" (a NULL column), which is not the same as empty.
 */
struct text {
	const char *bytes;
	size_t len;
};

#define TEXT(literal) ((struct text){ (literal), sizeof(literal) - 1 })
#define TEXT_NONE     ((struct text){ NULL, 0 })
/* For printf: "%.*s", TEXT_ARG(text). Only for text that is already clean. */
#define TEXT_ARG(text) (int)(text).len, (text).bytes ? (text).bytes : ""

struct text text_of(const char *terminated); /* NULL gives TEXT_NONE */
char *text_dup(struct text text);            /* terminated, malloc'ed; absent gives "" */
bool text_eq(struct text a, struct text b);  /* absent equals only absent */
bool text_is(struct text text, const char *terminated);
int text_cmp(struct text a, struct text b); /* bytewise; absent first */
bool text_starts(struct text text, struct text prefix);
bool text_ends(struct text text, struct text suffix);
bool text_contains(struct text text, struct text part);      /* bytewise */
bool text_contains_fold(struct text text, struct text part); /* ASCII case folded */
struct text text_trim(struct text text);                     /* ASCII white space */
struct text text_sub(struct text text, size_t from, size_t len); /* clipped to the text */
/* Cuts the part before the next separator off *rest; false when nothing is left. */
bool text_split(struct text *rest, char separator, struct text *part_out);
/* Strict decimal, optional minus, whole text; false on anything else or overflow. */
bool text_to_i64(struct text text, int64_t *value_out);
/* FNV-1a folded with a finalizer: for tables in memory and stable keys on disk. */
uint64_t text_hash(struct text text);
/* Eight bytes at a time, by this machine's byte order: for tables in memory, never kept. */
uint64_t text_hash_fast(struct text text);
/* Nearest of n names by edit distance, or NULL if none is near: for "did you mean". */
const char *text_nearest(struct text text, const char *const *names, size_t n);

#endif
