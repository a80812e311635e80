/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_Q_TABLE_STATE_H
#define STORE_Q_TABLE_STATE_H

#include "store/reader_internal.h"

/* What tables hold and which versions can be restored. Private to store/. */

/* Fills row->state and what follows it; shape: the JSON, too. */
bool table_state_fill(struct reader *reader, struct arena *arena, int64_t tbl, bool shape,
	struct table_row *row, struct err *err);
/* Fills standing, *_after and restates of rows that follow each other, newest first. */
bool standings_fill(struct reader *reader, struct arena *arena, int64_t tbl,
	struct version_rows *rows, struct err *err);
/* Fills published and quarantined of rows of one table, newest first. */
bool completeness_fill(struct names *names, int64_t tbl, struct version_rows *rows, struct err *err);

#endif
