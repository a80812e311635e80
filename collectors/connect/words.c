/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/collector.h"
#include "collectors/connect/connect.h"

const char connect_about[] = "How the connectors of a Kafka Connect cluster and their tasks are doing";

const struct config_key connect_keys[] = {
	{ .name = "url", .type = CONFIG_TEXT,
		.help = "Address of a worker's REST API: http://host:8083." },
	{ .name = "user", .type = CONFIG_TEXT, .fallback = "",
		.help = "For basic authentication." },
	{ .name = "password", .type = CONFIG_TEXT, .fallback = "", .secret = true,
		.help = "For basic authentication: env:NAME or file:PATH." },
	{ .name = "token", .type = CONFIG_TEXT, .fallback = "", .secret = true,
		.help = "Bearer token: env:NAME or file:PATH." },
	{ .name = "ca", .type = CONFIG_PATH, .fallback = "",
		.help = "PEM file of the authorities that may have signed its certificate; default "
			"the system's." },
	{ .name = "poll", .type = CONFIG_DURATION, .unit = "ms", .fallback = "30s",
		.help = "How often it is asked." },
	{ .name = "timeout", .type = CONFIG_DURATION, .unit = "ms", .fallback = "10s",
		.help = "How long a reply may take." },
	{ .name = NULL },
};

/* For the console, which reads the configuration but never fetches. */
const struct collector_ops connect_words = {
	.kind = "connect",
	.about = connect_about,
	.keys = connect_keys,
};
