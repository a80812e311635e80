/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/collector.h"

const struct collector_ops *const collector_kinds[] = {
	&eventlog_collector,
	&delta_collector,
	&checkpoint_collector,
	&kafka_collector,
	NULL,
};
