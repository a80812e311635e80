/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_HISTORY_H
#define TUI_HISTORY_H

#include <stdbool.h>

#include "base/err.h"
#include "tui/prompt.h"

/*
 * What was typed into prompts, kept from session to session: a file of lines "kind text", oldest
 * first, readable by its owner alone. Consoles side by side append to the same file, a line a
 * write. It is cut to its newest part when it is read and has grown past its bound. UI thread.
 */
enum { HISTORY_MAX_BYTES = 64 << 10 };

/* Into the prompt; a file that is not there is an empty one. What is not clean text is left out. */
bool history_load(const char *path, struct prompt *prompt, struct err *err);
bool history_add(const char *path, enum prompt_kind kind, struct text line, struct err *err);

#endif
