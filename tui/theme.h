/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_THEME_H
#define TUI_THEME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"
#include "tui/canvas.h"

/*
 * What roles look like. A theme file has one line a role:
 *
 *	failed   = #ff8787 210 red bold
 *	selected = default on #303030 236 blue bold
 *
 * color for terminals of 16 million, 256 and 16 colors, the same behind "on", then attributes: bold
 * dim italic underline reverse. "default" is the terminal's own color. The line "ground" says what
 * background the theme is made for; nothing paints it. "#" at the beginning of a line comments it.
 * Values only; any thread.
 */
enum attr { ATTR_BOLD = 1, ATTR_DIM = 2, ATTR_ITALIC = 4, ATTR_UNDERLINE = 8, ATTR_REVERSE = 16 };

/* What the terminal can show. */
enum depth { DEPTH_MONO, DEPTH_16, DEPTH_256, DEPTH_TRUE };

enum { COLOR_DEFAULT_ = -1, THEME_NAME_MAX = 32 };

struct color {
	int32_t rgb;   /* 0xrrggbb; COLOR_DEFAULT_ */
	int16_t c256;  /* 0 to 255; COLOR_DEFAULT_ */
	int16_t c16;   /* 0 to 15 in ANSI order; COLOR_DEFAULT_ */
};

struct style {
	struct color fg, bg;
	unsigned attrs; /* enum attr */
};

struct theme {
	char name[THEME_NAME_MAX];
	struct color ground;
	struct style styles[ROLE_COUNT];
};

/*
 * Reads a whole theme; all roles and the ground must be there, each once. Errors, ERR_CONFIG, name
 * the line and the nearest role. On false the theme is untouched.
 */
bool theme_parse(struct theme *theme, const char *name, struct text file, struct err *err);
/*
 * The theme of a name: FOLDER/NAME.theme if the user has one, else the built-in one. folder may be
 * NULL. Reads the disk. ERR_ABSENT names the nearest.
 */
bool theme_load(struct theme *theme, const char *name, const char *folder, struct err *err);
const char *theme_builtin(size_t i); /* NULL behind the last; the first is the default */
/* What to use: what the user asked for, else mono under NO_COLOR (not empty), else the default. */
const char *theme_choose(const char *asked, const char *no_color);

/*
 * The look of a cell: its role's, and under the cursor with the colors and attributes of SELECTED
 * on top, reversed where the terminal cannot show that background.
 */
struct style theme_style(const struct theme *theme, enum role role, bool selected,
	enum depth depth);
/* Contrast of two colors 0xrrggbb as WCAG 2 defines it, 1 to 21. */
double theme_contrast(int32_t a, int32_t b);

#endif
