/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIEWS_QUALITY_H
#define VIEWS_QUALITY_H

#include "views/common.h"

/* What the quality screen and the screen of one dataset's rules share. */

void rules_table(struct table *table);
/* "dropped 7 800 · rule failures 9 112 · overlap 1 312" */
struct text quality_words(const struct look *look, const struct quality_row *row);
/* "92.2% complete: 92 200 of 100 000 rows published, 7 800 (7.8%) quarantined"; age if it fits */
struct text quality_sentence(const struct look *look, const struct quality_row *row, int cols);
int64_t rules_failing(const struct quality_row *row); /* rules with at least one failure */
/* Title line with the words, a sentence, then the rules. dataset: its name as shown. */
void rules_draw(const struct quality_row *row, struct text dataset, const struct table *rules,
	struct canvas *canvas, struct rect rect, const struct look *look, bool focused);
json_t *quality_row_json(const struct quality_row *row);

#endif
