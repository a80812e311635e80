/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/cli_progress.h"

#include <stdio.h>
#include <unistd.h>

#include "tui/line.h"

enum { QUIET_MS = 1000, EVERY_MS = 200 };

static bool show(struct progress *progress)
{
	struct cli_progress *shown = progress->context;
	int64_t now_ms = shown->clock->mono_ms(shown->clock);
	struct arena arena = { 0 };
	struct look look = { .arena = &arena };
	const char *text;
	int before = shown->shown;

	if (now_ms - shown->began_ms < QUIET_MS || now_ms - shown->shown_ms < EVERY_MS)
		return true;
	shown->shown_ms = now_ms;
	text = progress->all < 0
		? arena_printf(&arena, "%.*s %s", TEXT_ARG(format_count(&look, progress->done)),
			  progress->what)
		: arena_printf(&arena, "%.*s of %.*s %s",
			  TEXT_ARG(format_count(&look, progress->done)),
			  TEXT_ARG(format_count(&look, progress->all)), progress->what);
	/* Over what stands there, and blanks over what it leaves of it. */
	shown->shown = fprintf(stderr, "\r%s", text) - 1;
	if (before > shown->shown)
		(void)fprintf(stderr, "%*s", before - shown->shown, "");
	if (shown->shown < before)
		shown->shown = before;
	(void)fflush(stderr);
	arena_free(&arena);
	return true;
}

void cli_progress_begin(struct cli_progress *shown, const struct clock *clock)
{
	*shown = (struct cli_progress){ .clock = clock, .began_ms = clock->mono_ms(clock) };
	if (isatty(STDERR_FILENO))
		shown->progress = (struct progress){ .go_on = show, .context = shown };
}

void cli_progress_clear(struct cli_progress *shown)
{
	if (shown->shown > 0)
		(void)fprintf(stderr, "\r%*s\r", shown->shown, "");
	(void)fflush(stderr);
	shown->shown = 0;
}
