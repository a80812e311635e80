/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_LINE_H
#define TUI_LINE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/text.h"
#include "tui/canvas.h"

/*
 * A line of spans with roles: what a table cell, a header or a detail row is made of before it has
 * a place. Texts are copied into the arena.
 */
struct span {
	struct text text;
	enum role role;
};

enum { LINE_SPANS_MAX = 48 };

struct line {
	struct arena *arena;
	struct span spans[LINE_SPANS_MAX]; /* what is past the last is left out */
	size_t n;
};

/* How things are shown: given to everything that formats. */
struct look {
	int64_t now_ms;       /* the moment the screen speaks of: as-of time, else now */
	int zone_minutes;     /* unused when utc */
	bool utc;             /* times in UTC, else in the local zone (localtime_r of each time) */
	bool ascii;
	bool raw;             /* for CSV: 1234567, RFC 3339 times in UTC, "" for unknown, no glyphs */
	struct arena *arena;  /* for what formatting makes; lives as long as the frame */
};

void line_init(struct line *line, struct arena *arena);
void line_add(struct line *line, enum role role, struct text text);
void line_addf(struct line *line, enum role role, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
size_t line_width(const struct line *line); /* cells */
struct text line_text(const struct line *line); /* all spans joined, in the arena */
/* Draws over `width` cells, clipped and padded; right: at the right end. */
int canvas_line(struct canvas *canvas, int row, int col, int width, const struct line *line,
	bool right);
/*
 * Where the line does not fit, its longest span keeps its end behind an ellipsis: names and paths
 * differ at their ends. Texts must be clean.
 */
void line_keep_tail(struct line *line, int width, bool ascii);

/*
 * One look for every figure. All give a dash where the value is unknown. Texts in the look's arena.
 */
struct text format_count(const struct look *look, int64_t n);      /* 1 234 567 */
/* 1 234 files, 1 file; thing is one of them. */
struct text format_things(const struct look *look, int64_t n, const char *thing);
struct text format_short(const struct look *look, int64_t n);      /* 999, 12.3k, 1.9 M */
struct text format_signed(const struct look *look, int64_t n);     /* +4 100, -96, 0 */
struct text format_bytes(const struct look *look, int64_t bytes);  /* 512 B, 1.2 GB (powers of 1000) */
struct text format_pct(const struct look *look, double pct);       /* 92.2%; 100% only if exact */
/* part of whole in percent; a dash when the whole is 0 or either is unknown. */
struct text format_share(const struct look *look, int64_t part, int64_t whole);
struct text format_age(const struct look *look, int64_t at_ms);    /* 4s, 23m, 4h12m, 6d22h ago-less */
struct text format_duration(const struct look *look, int64_t ms);  /* 850ms, 3.2s, 4m10s, 1h05m */
struct text format_time(const struct look *look, int64_t at_ms);   /* 21 Nov 02:01:13 in the zone */
struct text format_clock(const struct look *look, int64_t at_ms);  /* 02:01:13 */
struct text format_zone(const struct look *look);                  /* UTC or the zone's name */
/* Sparkline of n values scaled low..high; NAN is a blank. ASCII: digits of a coarse scale. */
struct text format_spark(const struct look *look, const double *values, size_t n, double low,
	double high);
/* A bar of `cells` cells of which share (0..1) is filled, in eighths; ASCII: # and -. */
struct text format_bar(const struct look *look, double share, int cells);

/* Every state has a glyph and a word; color is never alone. */
enum glyph { GLYPH_OK, GLYPH_FAILED, GLYPH_RUNNING, GLYPH_WAITING, GLYPH_WARN, GLYPH_CANCELED,
	GLYPH_SKIPPED, GLYPH_UNKNOWN, GLYPH_CURSOR, GLYPH_MARK, GLYPH_MORE, GLYPH_DASH,
	GLYPH_ARROW, GLYPH_UP, GLYPH_DOWN, GLYPH_FOLDED, GLYPH_OPEN, GLYPH_DOT, GLYPH_COUNT };
struct text glyph_text(const struct look *look, enum glyph glyph); /* one cell each */

#endif
