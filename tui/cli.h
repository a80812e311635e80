/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_CLI_H
#define TUI_CLI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "tui/view.h"

/*
 * The command line: options as data, and everything that is answered without a terminal. Exit
 * statuses: 0 done, 1 not found or not readable, 2 wrong usage or configuration.
 */
enum { CLI_GOOD = 0, CLI_BAD = 1, CLI_WRONG = 2 };
enum cli_output { CLI_SCREEN, CLI_PRINT, CLI_JSON, CLI_CSV };

struct cli_options {
	const char *command;      /* NULL: the console on its first screen */
	const char *arg, *arg2;   /* of a view */
	const char *config, *store, *theme, *filter, *dump, *as_of;
	int64_t as_of_ms;         /* 0 = now */
	enum cli_output output;
	int width;                /* of --print; 0 = the terminal's, else 80 */
	bool help, version, local, utc, plain, mouse;
};

/* False: err says what is wrong with which word. */
bool cli_parse(int argc, char **argv, int64_t now_ms, struct cli_options *out, struct err *err);
void cli_help(void);
/* keys, actions, views, config, themes, roles: tab-separated, for the manual page. */
bool cli_dump(const char *what, struct err *err);
/* One screen to standard output. reader: between begin and end, as of look_ms. */
bool cli_show(const struct cli_options *options, const struct view_ops *ops,
	const struct view_arg *arg, struct reader *reader, int64_t as_of_ms, struct err *err);
/* Rows that a filter was to keep out must not come because part of it was not looked at: ERR_USAGE. */
bool cli_can_filter(const struct cli_options *options, const struct view_ops *ops, struct err *err);
/* To standard output, which may be full or closed. What was written last is known after the flush. */
bool cli_write(struct text text, struct err *err);
bool cli_flush(struct err *err);
/*
 * Whether what a table is named by is a place to read. Tables of a store have slashes in their names,
 * too: those that are no folder are names.
 */
bool cli_is_path(const char *table);
const struct view_ops *cli_view(const char *name, struct err *err);
/* The error, cleaned, and what to do next, on standard error; the exit status it means. */
int cli_fail(const struct err *err);

/* Options of the commands that have their own: each goes to a const char * or a bool of `into`. */
struct cli_word {
	const char *name;
	bool flag;     /* takes no value */
	size_t offset; /* in what is filled */
};
/*
 * Takes argv[*at], "--name VALUE" or "--name=VALUE"; *at is then at its last word. command: for the
 * error, ERR_USAGE.
 */
bool cli_take(const struct cli_word *words, size_t n, const char *command, char **argv, int *at,
	void *into, struct err *err);

#endif
