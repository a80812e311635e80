/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIEWS_HISTORY_H
#define VIEWS_HISTORY_H

#include "views/common.h"

/* What the history screen and the screen of one version share. */

/* What a version changed: a few rows for a pane; whole: everything the commit says. */
void sheet_version(struct sheet *sheet, const struct look *look, const struct version_row *row,
	bool whole);
json_t *version_json(const struct fact_version *version);

#endif
