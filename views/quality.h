/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIEWS_QUALITY_H
#define VIEWS_QUALITY_H

#include "views/common.h"

/* What the quality screen and the screen of one dataset's rules share. */

void rules_table(struct table *table);
/* Title line with the words, a sentence, then the rules. dataset: its name as shown. */
void rules_draw(const struct quality_row *row, struct text dataset, const struct table *rules,
	struct canvas *canvas, struct rect rect, const struct look *look, bool focused);
json_t *quality_row_json(const struct quality_row *row);

#endif
