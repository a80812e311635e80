/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_DELTA_SCAN_H
#define COLLECTORS_DELTA_SCAN_H

#include "base/arena.h"
#include "base/text.h"
#include "collectors/eventlog/lex.h"

/*
 * Actions without a tree, inside the library: as the steps in lex.h, each takes the place it reads at
 * and returns the place behind, or NULL where the general reader is to decide.
 */
enum { SCAN_DEPTH = 24 };

struct scan {
	const char *end;
	struct arena *arena;
	struct text column;
};

/*
 * Each member's value through member, which gives back where it ends. NULL: it is no object, or one
 * the general reader is for. Inline, so that what member does is known where the loop is.
 */
static inline const char *scan_object(const struct scan *scan, const char *p,
	const char *(*member)(const struct scan *scan, struct text key, const char *p, void *to),
	void *to)
{
	struct text key;

	if (*p != '{')
		return NULL;
	p = lex_blank(p + 1);
	while (*p != '}') {
		p = lex_key(p, scan->end, &key);
		if (!p)
			return NULL;
		p = lex_next(member(scan, key, p, to), scan->end, '}');
		if (!p)
			return NULL;
	}
	return p + 1;
}

/* A string or null (NONE); what it says lies in the line, or in the arena if it has escapes. */
static inline const char *scan_string(const struct scan *scan, const char *p, struct text *out)
{
	const char *close;
	const char *start = p + 1;
	char *to;

	if (*p == 'n') {
		*out = TEXT_NONE;
		return lex_word(p, scan->end, "null", 4);
	}
	if (*p != '"')
		return NULL;
	close = lex_special(start, scan->end);
	if (close == scan->end)
		return NULL;
	if (*close == '"') {
		*out = (struct text){ start, (size_t)(close - start) };
		return close + 1;
	}
	close = lex_skip_string(start, scan->end);
	if (!close)
		return NULL;
	to = arena_alloc(scan->arena, (size_t)(close - start) + LEX_BLOCK);
	out->bytes = to;
	return lex_unescape(start, scan->end, to, &out->len);
}

/* An integer; null leaves *out alone. */
static inline const char *scan_number(const struct scan *scan, const char *p, int64_t *out)
{
	if (*p == 'n')
		return lex_word(p, scan->end, "null", 4);
	return lex_integer(p, out);
}

#endif
