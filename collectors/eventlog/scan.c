/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/eventlog/pick.h"

bool eventlog_scan_event(struct fact_batch *batch, struct text line,
	const struct eventlog_place *place, const struct eventlog_options *options)
{
	(void)batch;
	(void)line;
	(void)place;
	(void)options;
	return false;
}
