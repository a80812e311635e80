/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_CHILD_H
#define TUI_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

/*
 * The collector's program, weir-collect: beside this program, in ../libexec/weir, or in PATH. UI
 * thread.
 */
/* Becomes the collector; returns only on failure. argv[0] is replaced by the program's path. */
bool child_become(char **argv, struct err *err);
/* Starts it beside the console, silent, with --child. config, store: may be NULL. */
bool child_start(const char *config, const char *store, pid_t *pid_out, struct err *err);
/* Asks it to end, waits up to two seconds, then kills it. 0 is allowed. */
void child_stop(pid_t pid);
/* True once when it has ended by itself since the last call; its exit status. */
bool child_ended(pid_t pid, int *status_out);

#endif
