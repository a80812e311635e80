/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_PRINT_H
#define TUI_PRINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "tui/view.h"

/*
 * A screen without a terminal: as text, JSON or CSV. The first line of text says the moment it
 * speaks of, so that what was printed live can be had again, byte for byte, with --as-of.
 */
enum print_form { PRINT_TEXT, PRINT_JSON, PRINT_CSV };

/*
 * The loaded view in that form; cols: the width of text. ERR_USAGE when the view lacks the form,
 * ERR_LIMIT when out cannot hold it.
 */
bool print_view(struct view *view, enum print_form form, int cols, struct buf *out,
	struct err *err);

#endif
