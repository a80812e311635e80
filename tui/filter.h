/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_FILTER_H
#define TUI_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

/*
 * The filter language of lists: words that must all match, upper and lower case alike; "name:word"
 * looks in the column of that name only; "!word" must not match. A word whose name is no column's
 * is searched as it stands, so that 12:30 and s3://x can be found. Owns nothing.
 */
enum { FILTER_WORDS_MAX = 16 };

struct filter_word {
	struct text text; /* never empty; borrowed from the text parsed */
	int column;       /* -1 = any */
	bool negated;
};

struct filter {
	struct filter_word words[FILTER_WORDS_MAX]; /* words past the last are left out */
	size_t n;
};

/* names: of the columns, in their order. */
void filter_parse(struct filter *filter, struct text text, const char *const *names,
	size_t nnames);
/* cells: one text a column, in the order of the names. An empty filter matches all. */
bool filter_matches(const struct filter *filter, const struct text *cells, size_t ncells);
/*
 * The first stretch of the text, a cell of `column`, that a word looks for, at or behind `from`.
 * False = none.
 */
bool filter_find(const struct filter *filter, int column, struct text text, size_t from,
	size_t *begin_out, size_t *end_out);

#endif
