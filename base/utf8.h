/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/text.h"

/*
 * The one cleaning seam. Bytes from outside pass utf8_clean before any terminal, file for people
 * or log. Clean text is valid UTF-8 in which every code point either takes cells or combines with
 * the one before it: no C0, DEL or C1 controls, no bidi controls, no zero-width format characters,
 * no private-use, surrogates or noncharacters, no broken bytes. What is refused becomes a visible
 * mark, so that hiding is seen: C0 as U+2400 pictures, all else as U+FFFD. ESC is U+241B: a
 * sequence loses its introducer whatever kind it was. Pure; any thread.
 */
enum utf8_lines {
	UTF8_ONE_LINE,  /* newline and tab become a blank */
	UTF8_KEEP_LINES /* newline stays, tab becomes a blank; CR before LF goes */
};

/* Appends the clean form to buf; false when buf's max cut it (at a code point border). */
bool utf8_clean(struct buf *buf, struct text dirty, enum utf8_lines lines);
/*
 * Appends JSON text as the same JSON that may be shown: what a terminal would obey or hide, which only
 * strings can hold, is escaped (\u009b); broken bytes become \ufffd. False when buf's max cut it.
 */
bool utf8_clean_json(struct buf *buf, struct text json);
bool utf8_is_clean(struct text text); /* what utf8_clean would not change as one line */
bool utf8_is_valid(struct text text); /* well-formed by RFC 3629; controls allowed */

/*
 * One step through text: the code point at `at` and the offset behind it. Broken bytes give U+FFFD
 * and one byte of progress. Requires at < text.len.
 */
uint32_t utf8_next(struct text text, size_t at, size_t *next_out);
/* Cells of one code point: 0 combining, 1, 2. Independent of the locale. */
int utf8_cells(uint32_t code);
/*
 * A cluster is a base with what combines with it (marks, variation selectors, ZWJ sequences never
 * occur in clean text). Returns the offset behind the cluster at `at`; its cells in *cells_out.
 */
size_t utf8_cluster(struct text clean, size_t at, int *cells_out);
size_t utf8_width(struct text clean); /* cells of the whole */
/* The longest head of whole clusters that takes at most `cells`; its cells in *used_out. */
struct text utf8_head(struct text clean, size_t cells, size_t *used_out);
/* The longest such tail. */
struct text utf8_tail(struct text clean, size_t cells, size_t *used_out);
size_t utf8_encode(uint32_t code, char bytes[4]); /* bytes written, 1 to 4 */

#endif
