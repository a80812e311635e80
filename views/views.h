/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIEWS_VIEWS_H
#define VIEWS_VIEWS_H

#include "tui/view.h"

/* The screens; views[] in views.c lists them in the order of their keys. */
extern const struct view_ops estate_view, pipelines_view, updates_view, flows_view, events_view,
	event_view, quality_view, rules_view, tables_view, history_view, version_view,
	diff_view, schema_view, sources_view,
	source_view, lag_view, reader_view, topic_view, connectors_view;

#endif
