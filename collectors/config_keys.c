/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/config.h"

const struct config_key config_main_keys[] = {
	{ .name = "store", .type = CONFIG_PATH, .fallback = "",
		.help = "The store's file; default $XDG_STATE_HOME/weir/weir.db." },
	{ .name = "log", .type = CONFIG_PATH, .fallback = "",
		.help = "Where the collector writes its log; default standard error for the "
			"service, weir-collect.log beside the default store for a child." },
	{ .name = "full_sync", .type = CONFIG_BOOLEAN, .fallback = "no",
		.help = "Wait for the disk at every commit: survives power loss, not only a kill." },
	{ .name = "visible_within", .type = CONFIG_DURATION, .unit = "ms", .fallback = "2s",
		.help = "Under full load facts are shown at the latest after this; without load at once." },
	{ .name = "keep_events", .type = CONFIG_INTEGER, .unit = "days", .fallback = "90",
		.help = "How long events are kept; -1 = forever." },
	{ .name = "keep_versions", .type = CONFIG_INTEGER, .unit = "days", .fallback = "-1",
		.help = "How long versions of tables are kept; -1 = forever." },
	{ .name = "keep_health", .type = CONFIG_INTEGER, .unit = "days", .fallback = "30",
		.help = "How long the health of sources is kept; -1 = forever." },
	{ .name = "keep_undecodable", .type = CONFIG_INTEGER, .unit = "days", .fallback = "30",
		.help = "How long input that could not be read is kept; -1 = forever." },
	{ .name = "keep_lag", .type = CONFIG_INTEGER, .unit = "days", .fallback = "30",
		.help = "How long lags are kept; -1 = forever." },
	{ .name = "whole_lag", .type = CONFIG_DURATION, .unit = "ms", .fallback = "2d",
		.help = "How long every look at lags is kept; then one a minute, after 14 days one an hour." },
	{ .name = "keep_edges", .type = CONFIG_INTEGER, .unit = "days", .fallback = "90",
		.help = "How long edges between datasets are kept; -1 = forever." },
	{ .name = "start_collector", .type = CONFIG_BOOLEAN, .fallback = "yes",
		.help = "The console starts a collector when none runs." },
	{ .name = "theme", .type = CONFIG_TEXT, .fallback = "dark",
		.help = "A theme's name, or the path of a theme file." },
	{ .name = "utc", .type = CONFIG_BOOLEAN, .fallback = "no",
		.help = "Show times in UTC instead of the local zone." },
	{ .name = "mouse", .type = CONFIG_BOOLEAN, .fallback = "no",
		.help = "Take the mouse; the terminal's own selection then needs Shift." },
	{ .name = "ascii", .type = CONFIG_BOOLEAN, .fallback = "no",
		.help = "Draw with ASCII only." },
	{ .name = NULL },
};

const struct config_key config_source_keys[] = {
	{ .name = "enabled", .type = CONFIG_BOOLEAN, .fallback = "yes",
		.help = "no: the source is left alone." },
	{ .name = "silent_after", .type = CONFIG_DURATION, .unit = "ms", .fallback = "0",
		.help = "With no news for this long the source is shown as silent; 0 = never." },
	{ .name = NULL },
};
