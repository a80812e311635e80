/* SPDX-License-Identifier: Apache-2.0 */
#include "views/views.h"

const struct view_ops *const views[] = {
	&estate_view,
	&pipelines_view,
	&updates_view,
	&flows_view,
	&events_view,
	&event_view,
	&quality_view,
	&rules_view,
	&lag_view,
	&reader_view,
	&topic_view,
	&connectors_view,
	&tables_view,
	&history_view,
	&version_view,
	&diff_view,
	&schema_view,
	&sources_view,
	&source_view,
	NULL,
};
