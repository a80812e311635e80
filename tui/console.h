/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_CONSOLE_H
#define TUI_CONSOLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "tui/view.h"

/*
 * The console: the app's screens on the terminal, fed by the store. The store comes as a table of
 * functions, so that tui stays without it. UI thread.
 */
/* How many pipelines stand how, for the header. */
struct console_counts {
	int failed, warn, running;
};

struct console_data {
	void *context;
	/* as_of_ms 0 = now. reader_out: valid until end. */
	bool (*begin)(void *context, int64_t as_of_ms, int64_t budget_ms, struct reader **reader_out,
		struct err *err);
	void (*end)(void *context);
	bool (*changed)(void *context);    /* somebody committed since the last call */
	int64_t (*seen_at)(void *context); /* between begin and end; TIME_UNKNOWN = nothing yet */
	bool (*collecting)(void *context); /* somebody holds the writer's lock */
	bool (*counts)(void *context, struct console_counts *out); /* between begin and end; may be NULL */
	bool (*child_ended)(void *context); /* true once when our own collector died; may be NULL */
};

struct console_options {
	struct console_data data;
	const struct clock *clock;
	const char *store_name; /* for the header */
	struct bindings *bindings; /* borrowed; NULL = the defaults */
	const char *theme;      /* NULL = the default's */
	const char *theme_folder; /* the user's own; NULL = none */
	const char *history;    /* file of what was typed into prompts; NULL = none is kept */
	const char *view;       /* first screen; NULL = the first of views */
	struct view_arg arg;
	const char *filter;     /* NULL = none */
	int64_t as_of_ms;       /* 0 = live */
	bool utc, ascii, mouse, mono;
	const struct view_ops *const *views;
};

/* Owns the terminal until the user leaves. */
bool console_run(const struct console_options *options, struct err *err);

#endif
