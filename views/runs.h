/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIEWS_RUNS_H
#define VIEWS_RUNS_H

#include "views/common.h"

/* Lists of updates and of flows, as their own screens and as panes of the screen above. */

struct update_line {
	struct update_row update;
	int64_t scale_ms;   /* of the longest update in the list */
	int chain_attempts; /* in its chain, as far as the list goes */
	bool newest;        /* of its chain */
	bool folded;        /* earlier attempts of its chain are not listed */
};

enum { UPDATE_COLUMNS = 12 };
/* own: the columns' place, as long as the table; without the pipeline's name for one pipeline. */
void updates_table(struct table *table, struct column own[UPDATE_COLUMNS], bool one_pipeline);
/* One line an update, the earlier attempts of a chain only where it is open_chain. */
size_t update_lines(struct arena *arena, const struct update_rows *rows, struct text open_chain,
	int64_t now_ms, struct update_line **lines_out);
void updates_draw(const struct table *table, struct canvas *canvas, struct rect rect,
	const struct look *look, bool focused);
json_t *update_json(const struct update_row *update);

struct flow_line {
	struct flow_row flow;
	struct text flow_shown, dataset_shown; /* without the catalog, where all have the same */
	int64_t scale_from_ms, scale_ms; /* of the whole update */
};

void flows_table(struct table *table);
size_t flow_lines(struct arena *arena, const struct flow_rows *rows, int64_t now_ms,
	struct flow_line **lines_out);
void flows_draw(const struct table *table, struct canvas *canvas, struct rect rect,
	const struct look *look, bool focused);

#endif
