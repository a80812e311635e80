/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIEWS_VIEWS_H
#define VIEWS_VIEWS_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/view.h"

struct version_row;

/* The screens; views[] in views.c lists them in the order of their keys. */
extern const struct view_ops estate_view, pipelines_view, updates_view, flows_view, events_view,
	event_view, quality_view, rules_view, tables_view, history_view, version_view, sources_view,
	source_view;

/*
 * For `weir history PATH` without a store: shows these versions, newest first. Rows and texts are
 * borrowed and outlive the view; load is not called. more: older versions were left out.
 */
void history_set_versions(struct view *view, struct version_row *rows, size_t n, bool more);

#endif
