/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/collector.h"

/* All kinds, as weir-collect has them: it links the libraries that reach over the network. */
const struct collector_ops *const collector_kinds[] = {
	&eventlog_collector,
	&delta_collector,
	&checkpoint_collector,
	&kafka_collector,
	&connect_collector,
	NULL,
};
