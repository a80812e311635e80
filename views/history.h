/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIEWS_HISTORY_H
#define VIEWS_HISTORY_H

#include "views/common.h"

/* What the history screen and the screen of one version share. */

/* What a version changed: a few rows for a pane; whole: everything the commit says. */
void sheet_version(struct sheet *sheet, const struct look *look, const struct version_row *row,
	bool whole);
/* What a table holds: a few rows for a pane; whole: with protocol and upkeep. */
void sheet_table(struct sheet *sheet, const struct look *look, const struct table_row *row,
	bool whole);
json_t *table_json(const struct table_row *row);
/* "6d22h left", "listed only: 3 files gone" (brief: "3 files gone"), ... NONE where nobody told. */
struct text standing_words(const struct look *look, const struct fact_standing *standing,
	bool brief);
enum role standing_role(const struct look *look, const struct fact_standing *standing);
json_t *standing_json(const struct fact_standing *standing);
json_t *version_json(const struct fact_version *version);
json_t *version_row_json(const struct version_row *row); /* and what the store knows of it */

#endif
