/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/collector.h"

/*
 * All kinds, as the console and tests have them: of those that reach over the network the words
 * alone. weir-collect links kinds_net.c in its stead.
 */
const struct collector_ops *const collector_kinds[] = {
	&eventlog_collector,
	&delta_collector,
	&checkpoint_collector,
	&kafka_collector,
	&connect_words,
	NULL,
};
