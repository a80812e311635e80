/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/theme.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "gen/themes.h"

enum { THEME_FILE_MAX = 64 * 1024, WORDS_MAX = 16 };

static const char *const color_names[] = { "black", "red", "green", "yellow", "blue", "magenta",
	"cyan", "white", "bright-black", "bright-red", "bright-green", "bright-yellow", "bright-blue",
	"bright-magenta", "bright-cyan", "bright-white" };

static const struct {
	const char *name;
	enum attr attr;
} attr_names[] = {
	{ "bold", ATTR_BOLD },           { "dim", ATTR_DIM },         { "italic", ATTR_ITALIC },
	{ "underline", ATTR_UNDERLINE }, { "reverse", ATTR_REVERSE },
};

static const struct color no_color = { COLOR_DEFAULT_, COLOR_DEFAULT_, COLOR_DEFAULT_ };

/* A theme being read. */
struct reading {
	struct theme theme;
	bool seen[ROLE_COUNT];
	bool ground_seen;
	int line;
	struct text words[WORDS_MAX]; /* of the value */
	size_t nwords, at;
};

/* Foreign text for a message: clean and short. */
static void shown(struct text text, char out[48])
{
	struct buf buf;

	buf_init(&buf, 47);
	(void)utf8_clean(&buf, text, UTF8_ONE_LINE); /* cut = long enough to be found */
	memcpy(out, buf.bytes, buf.len + 1);
	buf_done(&buf);
}

static bool wrong(const struct reading *reading, const char *what, struct text word, struct err *err)
{
	char word_shown[48];

	shown(word, word_shown);
	return err_set(err, ERR_CONFIG, 0, "line %d: %s \"%s\"", reading->line, what, word_shown);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool parse_rgb(struct text word, int32_t *rgb_out)
{
	int32_t rgb = 0;

	if (word.len != 7 || word.bytes[0] != '#')
		return false;
	for (size_t i = 1; i < word.len; i++) {
		int digit = hex_digit(word.bytes[i]);

		if (digit < 0)
			return false;
		rgb = rgb * 16 + digit;
	}
	*rgb_out = rgb;
	return true;
}

static struct text next_word(struct reading *reading)
{
	return reading->at < reading->nwords ? reading->words[reading->at++] : TEXT("");
}

/* "default", or the three forms of one color. */
static bool parse_color(struct reading *reading, struct color *color_out, struct err *err)
{
	struct text word = next_word(reading);
	struct color color = no_color;
	int64_t c256;

	if (text_is(word, "default")) {
		*color_out = color;
		return true;
	}
	if (!parse_rgb(word, &color.rgb))
		return wrong(reading, "a color begins #rrggbb or is \"default\", not", word, err);
	word = next_word(reading);
	if (!text_to_i64(word, &c256) || c256 < 0 || c256 > 255)
		return wrong(reading, "the second form of a color is 0 to 255, not", word, err);
	color.c256 = (int16_t)c256;
	word = next_word(reading);
	for (size_t i = 0; i < ARRAY_LEN(color_names); i++) {
		if (text_is(word, color_names[i]))
			color.c16 = (int16_t)i;
	}
	if (color.c16 < 0 && !text_is(word, "default"))
		return wrong(reading, "the third form of a color is its name, as in bright-red, not",
			word, err);
	*color_out = color;
	return true;
}

static bool parse_attr(struct reading *reading, struct style *style, struct err *err)
{
	struct text word = next_word(reading);

	for (size_t i = 0; i < ARRAY_LEN(attr_names); i++) {
		if (text_is(word, attr_names[i].name)) {
			style->attrs |= attr_names[i].attr;
			return true;
		}
	}
	return wrong(reading, "attributes are bold dim italic underline reverse, not", word, err);
}

static bool parse_style(struct reading *reading, struct style *style_out, struct err *err)
{
	struct style style = { no_color, no_color, 0 };

	if (!parse_color(reading, &style.fg, err))
		return false;
	if (reading->at < reading->nwords && text_is(reading->words[reading->at], "on")) {
		reading->at++;
		if (!parse_color(reading, &style.bg, err))
			return false;
	}
	while (reading->at < reading->nwords) {
		if (!parse_attr(reading, &style, err))
			return false;
	}
	*style_out = style;
	return true;
}

static bool unknown_role(const struct reading *reading, struct text name, struct err *err)
{
	const char *names[ROLE_COUNT];
	const char *near;
	char name_shown[48];

	for (enum role role = 0; role < ROLE_COUNT; role++)
		names[role] = role_name(role);
	near = text_nearest(name, names, ROLE_COUNT);
	shown(name, name_shown);
	if (near)
		return err_set(err, ERR_CONFIG, 0, "line %d: unknown role \"%s\"; did you mean \"%s\"?",
			reading->line, name_shown, near);
	return err_set(err, ERR_CONFIG, 0, "line %d: unknown role \"%s\"", reading->line, name_shown);
}

static bool parse_role(struct reading *reading, struct text name, struct err *err)
{
	for (enum role role = 0; role < ROLE_COUNT; role++) {
		if (!text_is(name, role_name(role)))
			continue;
		if (reading->seen[role])
			return wrong(reading, "a second line for", name, err);
		reading->seen[role] = true;
		return parse_style(reading, &reading->theme.styles[role], err);
	}
	return unknown_role(reading, name, err);
}

/* Cuts the next word off *rest, between blanks and tabs; false when none is left. */
static bool next_blank_word(struct text *rest, struct text *word_out)
{
	size_t len = 0;

	*rest = text_trim(*rest);
	while (len < rest->len && rest->bytes[len] != ' ' && rest->bytes[len] != '\t')
		len++;
	*word_out = text_sub(*rest, 0, len);
	*rest = text_sub(*rest, len, rest->len);
	return len > 0;
}

static bool parse_line(struct reading *reading, struct text line, struct err *err)
{
	struct text rest = line;
	struct text name;
	struct text word;

	if (line.len == 0 || line.bytes[0] == '#')
		return true;
	(void)text_split(&rest, '=', &name);
	name = text_trim(name);
	if (!rest.bytes)
		return wrong(reading, "a line is ROLE = COLOR ATTRIBUTES, not", line, err);
	reading->nwords = 0;
	reading->at = 0;
	while (next_blank_word(&rest, &word)) {
		if (reading->nwords == WORDS_MAX)
			return wrong(reading, "too many words for", name, err);
		reading->words[reading->nwords++] = word;
	}
	if (!text_is(name, "ground"))
		return parse_role(reading, name, err);
	if (reading->ground_seen)
		return wrong(reading, "a second line for", name, err);
	reading->ground_seen = true;
	if (!parse_color(reading, &reading->theme.ground, err))
		return false;
	if (reading->at < reading->nwords)
		return wrong(reading, "the ground is one color, without", reading->words[reading->at], err);
	return true;
}

bool theme_parse(struct theme *theme, const char *name, struct text file, struct err *err)
{
	struct reading reading = { .theme = { .ground = no_color } };
	struct text rest = file;
	struct text line;

	(void)snprintf(reading.theme.name, sizeof reading.theme.name, "%s", name);
	while (text_split(&rest, '\n', &line)) {
		reading.line++;
		if (!parse_line(&reading, text_trim(line), err))
			return err_wrap(err, "theme %s", reading.theme.name);
	}
	for (enum role role = 0; role < ROLE_COUNT; role++) {
		if (!reading.seen[role])
			return err_set(err, ERR_CONFIG, 0, "theme %s: no line for the role \"%s\"",
				reading.theme.name, role_name(role));
	}
	if (!reading.ground_seen)
		return err_set(err, ERR_CONFIG, 0, "theme %s: no line for the ground",
			reading.theme.name);
	*theme = reading.theme;
	return true;
}

/* ERR_ABSENT when there is no such file. */
static bool read_file(const char *path, struct buf *buf, struct err *err)
{
	FILE *file = fopen(path, "re");
	char bytes[4096];
	size_t n;
	bool good;

	if (!file)
		return err_errno(err, errno, "reading %s", path);
	for (n = 1; n > 0 && !buf->full;) {
		n = fread(bytes, 1, sizeof bytes, file);
		(void)buf_add_bytes(buf, bytes, n); /* full is asked below */
	}
	good = !ferror(file);
	(void)fclose(file); /* only read from */
	if (!good)
		return err_set(err, ERR_IO, 0, "reading %s: it cannot be read", path);
	if (buf->full)
		return err_set(err, ERR_LIMIT, 0, "reading %s: a theme is at most %d bytes", path,
			THEME_FILE_MAX);
	return true;
}

static bool load_user(struct theme *theme, const char *name, const char *folder, struct err *err)
{
	char path[1024];
	struct buf buf;
	bool good;
	int n = snprintf(path, sizeof path, "%s/%s.theme", folder, name);

	if (n < 0 || (size_t)n >= sizeof path)
		return err_set(err, ERR_LIMIT, 0, "the path of theme %s is too long", name);
	buf_init(&buf, THEME_FILE_MAX);
	good = read_file(path, &buf, err) && theme_parse(theme, name, buf_text(&buf), err);
	buf_done(&buf);
	return good;
}

static bool is_plain_name(const char *name)
{
	return *name && *name != '.' && !strchr(name, '/') && utf8_is_clean(text_of(name)) &&
		strlen(name) < THEME_NAME_MAX;
}

bool theme_load(struct theme *theme, const char *name, const char *folder, struct err *err)
{
	const char *names[ARRAY_LEN(embedded)];
	const char *near;
	size_t n = 0;

	if (!is_plain_name(name))
		return err_set(err, ERR_USAGE, 0, "a theme is named by a word, as in \"dark\"");
	if (folder) {
		struct err own = ERR_INIT;

		if (load_user(theme, name, folder, &own))
			return true;
		if (own.kind != ERR_ABSENT) {
			*err = own;
			return false;
		}
	}
	for (; embedded[n].name; n++) {
		if (strcmp(embedded[n].name, name) == 0)
			return theme_parse(theme, name, text_of(embedded[n].text), err);
		names[n] = embedded[n].name;
	}
	near = text_nearest(text_of(name), names, n);
	if (near)
		return err_set(err, ERR_ABSENT, 0, "there is no theme %s; did you mean %s?", name, near);
	return err_set(err, ERR_ABSENT, 0, "there is no theme %s", name);
}

static const char default_theme[] = "dark";

const char *theme_builtin(size_t i)
{
	size_t at = 0;

	if (i == 0)
		return default_theme;
	for (size_t n = 0; embedded[n].name; n++) {
		if (strcmp(embedded[n].name, default_theme) != 0 && ++at == i)
			return embedded[n].name;
	}
	return NULL;
}

const char *theme_choose(const char *asked, const char *no_color_wanted)
{
	if (asked && *asked)
		return asked;
	return no_color_wanted && *no_color_wanted ? "mono" : default_theme;
}

/* Whether a terminal of this depth shows the color, not its own instead. */
static bool is_shown(struct color color, enum depth depth)
{
	switch (depth) {
	case DEPTH_MONO:
		return false;
	case DEPTH_16:
		return color.c16 >= 0;
	case DEPTH_256:
		return color.c256 >= 0;
	case DEPTH_TRUE:
		return color.rgb >= 0;
	}
	return false;
}

struct style theme_style(const struct theme *theme, enum role role, bool selected, enum depth depth)
{
	const struct style *cursor = &theme->styles[ROLE_SELECTED];
	struct style style = theme->styles[role];

	if (!selected)
		return style;
	/* Under the cursor everything matters. */
	if (role == ROLE_DIM)
		style = theme->styles[ROLE_TEXT];
	style.attrs |= cursor->attrs & ~(unsigned)ATTR_REVERSE;
	style.attrs &= ~(unsigned)ATTR_DIM; /* dim and lit at once cannot be read */
	if (is_shown(style.bg, depth))
		return style; /* a match stays one under the cursor */
	if (!is_shown(cursor->bg, depth)) {
		style.attrs ^= ATTR_REVERSE;
		return style;
	}
	style.bg = cursor->bg;
	if (is_shown(cursor->fg, depth))
		style.fg = cursor->fg;
	return style;
}

static double channel(int32_t rgb, int shift)
{
	double value = ((rgb >> shift) & 0xff) / 255.0;

	return value <= 0.03928 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4);
}

static double luminance(int32_t rgb)
{
	return 0.2126 * channel(rgb, 16) + 0.7152 * channel(rgb, 8) + 0.0722 * channel(rgb, 0);
}

double theme_contrast(int32_t a, int32_t b)
{
	double x = luminance(a);
	double y = luminance(b);

	return x > y ? (x + 0.05) / (y + 0.05) : (y + 0.05) / (x + 0.05);
}
