/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "tui/theme.h"

/* Any file is read into a whole theme or refused with an error that can be printed. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_color(struct color color)
{
	if (color.rgb < COLOR_DEFAULT_ || color.rgb > 0xffffff || color.c256 < COLOR_DEFAULT_ ||
		color.c256 > 255 || color.c16 < COLOR_DEFAULT_ || color.c16 > 15)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text file = { (const char *)data, size };
	struct theme theme;
	struct err err = ERR_INIT;

	if (!theme_parse(&theme, "fuzz", file, &err)) {
		if (err.kind != ERR_CONFIG || !*err.text || !utf8_is_clean(text_of(err.text)))
			abort();
		return 0;
	}
	for (enum role role = 0; role < ROLE_COUNT; role++) {
		for (enum depth depth = DEPTH_MONO; depth <= DEPTH_TRUE; depth++) {
			struct style style = theme_style(&theme, role, true, depth);

			check_color(style.fg);
			check_color(style.bg);
		}
	}
	return 0;
}
