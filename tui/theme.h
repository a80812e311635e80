/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_THEME_H
#define TUI_THEME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"
#include "tui/canvas.h"

/*
 * Colors by meaning. A theme file has a line a role: `failed = #d75f5f 167 red bold`: truecolor,
 * 256, 16, then attributes, which are all that is left in mono; `bg` before further colors for the
 * background. Themes of themes/ are compiled in; a user's file overrides by name.
 */
struct color {
	bool is_set;  /* false: the terminal's own */
	uint32_t rgb; /* 0xrrggbb */
	short c256, c16;
};

enum style_attrs { STYLE_BOLD = 1, STYLE_DIM = 2, STYLE_UNDERLINE = 4, STYLE_REVERSE = 8,
	STYLE_ITALIC = 16 };

struct style {
	struct color fg, bg;
	unsigned attrs; /* enum style_attrs */
};

struct theme {
	char name[32];
	struct style styles[ROLE_COUNT];
};

const struct style *theme_style(const struct theme *theme, enum role role);
/* Every role must be there once; errors name file, line and the nearest role. Pure. */
bool theme_parse(struct text bytes, const char *name, struct theme *theme_out, struct err *err);
/*
 * By name: folder/NAME.theme if folder is not NULL and has it, else the compiled-in one. ERR_ABSENT
 * with the nearest name.
 */
bool theme_load(const char *name, const char *folder, struct theme *theme_out, struct err *err);
const char *theme_name_at(size_t index); /* of those compiled in; NULL past the last */

#endif
