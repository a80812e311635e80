/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/mem.h"
#include "base/utf8.h"

/*
 * What utf8_clean gives is clean, cleaning it again changes nothing, and what was clean stays as
 * it was; heads and tails of clean text are clean and no wider than asked.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_cuts(struct text clean)
{
	size_t width = utf8_width(clean);

	for (size_t cells = 0; cells <= width && cells < 50; cells++) {
		size_t used;
		struct text head = utf8_head(clean, cells, &used);

		must(used <= cells && utf8_width(head) == used && utf8_is_clean(head));
		must(text_starts(clean, head) || head.len == 0);
		head = utf8_tail(clean, cells, &used);
		must(used <= cells && utf8_width(head) == used && utf8_is_clean(head));
	}
}

static void check_max(struct text dirty, size_t max)
{
	struct buf cut;

	buf_init(&cut, max);
	must(utf8_clean(&cut, dirty, UTF8_ONE_LINE) == !cut.full);
	must(utf8_is_clean(buf_text(&cut)));
	buf_done(&cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text dirty = { (const char *)data, size };
	struct text rest;
	struct text line;
	struct buf once;
	struct buf twice;

	buf_init(&once, size * 3 + 1);
	buf_init(&twice, size * 3 + 1);
	must(utf8_clean(&once, dirty, UTF8_ONE_LINE));
	must(utf8_is_valid(buf_text(&once)) && utf8_is_clean(buf_text(&once)));
	must(utf8_clean(&twice, buf_text(&once), UTF8_ONE_LINE));
	must(text_eq(buf_text(&once), buf_text(&twice)));
	must(utf8_is_clean(dirty) == (size == 0 || text_eq(dirty, buf_text(&once))));
	check_cuts(buf_text(&once));
	check_max(dirty, size / 2);
	buf_reset(&once);
	must(utf8_clean(&once, dirty, UTF8_KEEP_LINES));
	rest = buf_text(&once);
	while (text_split(&rest, '\n', &line))
		must(utf8_is_clean(line));
	buf_done(&once);
	buf_done(&twice);
	return 0;
}
