/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_CLI_PROGRESS_H
#define TUI_CLI_PROGRESS_H

#include "base/clock.h"
#include "base/progress.h"

/*
 * One line on standard error about work that takes longer than a second, where a person looks on: if
 * it is no terminal nothing is written. Give .progress to the work; clear before other output.
 */
struct cli_progress {
	struct progress progress;
	const struct clock *clock;
	int64_t began_ms, shown_ms; /* monotonic */
	int shown;                  /* cells that stand there */
};
void cli_progress_begin(struct cli_progress *shown, const struct clock *clock);
void cli_progress_clear(struct cli_progress *shown);

#endif
