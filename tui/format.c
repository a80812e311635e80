/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tui/line.h"

static const int64_t SECOND = 1000, MINUTE = 60000, HOUR = 3600000, DAY = 86400000;

/* INT64_MIN stands for "nobody reported it", in numbers and in times alike. */
static bool is_unknown(int64_t n)
{
	return n == TIME_UNKNOWN;
}

struct text glyph_text(const struct look *look, enum glyph glyph)
{
	static const struct {
		const char *drawn, *ascii;
	} glyphs[] = {
		[GLYPH_OK] = { "✓", "+" },       [GLYPH_FAILED] = { "✗", "x" },
		[GLYPH_RUNNING] = { "▶", ">" },  [GLYPH_WAITING] = { "○", "o" },
		[GLYPH_WARN] = { "▲", "!" },     [GLYPH_CANCELED] = { "■", "#" },
		[GLYPH_SKIPPED] = { "»", "/" },  [GLYPH_UNKNOWN] = { "?", "?" },
		[GLYPH_CURSOR] = { "▸", ">" },   [GLYPH_MARK] = { "*", "*" },
		[GLYPH_MORE] = { "…", "~" },     [GLYPH_DASH] = { "–", "-" },
		[GLYPH_ARROW] = { "→", ">" },    [GLYPH_UP] = { "↑", "^" },
		[GLYPH_DOWN] = { "↓", "v" },     [GLYPH_FOLDED] = { "▷", "+" },
		[GLYPH_OPEN] = { "▽", "-" },     [GLYPH_DOT] = { "·", "." },
	};
	_Static_assert(ARRAY_LEN(glyphs) == GLYPH_COUNT, "a glyph in both forms for each name");

	if (look->raw)
		return TEXT("");
	return text_of(look->ascii ? glyphs[glyph].ascii : glyphs[glyph].drawn);
}

static struct text dash(const struct look *look)
{
	return glyph_text(look, GLYPH_DASH);
}

static struct text make(const struct look *look, const char *terminated)
{
	return arena_text(look->arena, text_of(terminated));
}

static struct text raw_number(const struct look *look, int64_t n)
{
	return text_of(arena_printf(look->arena, "%" PRId64, n));
}

/* 1234567 as "1 234 567" behind sign, which may be "". */
static struct text grouped(const struct look *look, const char *sign, int64_t n)
{
	char digits[24];
	struct buf buf;
	struct text out;
	int len = snprintf(digits, sizeof digits, "%" PRId64, n < 0 ? -n : n);

	buf_init(&buf, 40);
	(void)buf_add_str(&buf, sign); /* 19 digits, 6 blanks and a sign fit */
	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			(void)buf_add_char(&buf, ' ');
		(void)buf_add_char(&buf, digits[i]);
	}
	out = arena_text(look->arena, buf_text(&buf));
	buf_done(&buf);
	return out;
}

struct text format_count(const struct look *look, int64_t n)
{
	if (is_unknown(n))
		return dash(look);
	if (look->raw)
		return raw_number(look, n);
	return grouped(look, n < 0 ? "-" : "", n);
}

struct text format_things(const struct look *look, int64_t n, const char *thing)
{
	return text_of(arena_printf(look->arena, "%.*s %s%s", TEXT_ARG(format_count(look, n)), thing,
		n == 1 ? "" : "s"));
}

struct text format_signed(const struct look *look, int64_t n)
{
	if (is_unknown(n))
		return dash(look);
	if (look->raw)
		return raw_number(look, n);
	return grouped(look, n < 0 ? "-" : n > 0 ? "+" : "", n);
}

/* n in steps of 1000, cut and never rounded up: "999 999" is not "1.0 M" yet. */
static struct text scaled(const struct look *look, int64_t n, const char *const *units, size_t nunits)
{
	const char *sign = n < 0 ? "-" : "";
	int64_t whole = n < 0 ? -n : n;
	int64_t tenths = 0;
	size_t unit = 0;

	while (whole >= 1000 && unit + 1 < nunits) {
		tenths = whole % 1000 / 100;
		whole /= 1000;
		unit++;
	}
	if (unit == 0 || whole >= 100)
		return text_of(arena_printf(look->arena, "%s%" PRId64 "%s", sign, whole, units[unit]));
	return text_of(arena_printf(look->arena, "%s%" PRId64 ".%" PRId64 "%s", sign, whole, tenths,
		units[unit]));
}

struct text format_short(const struct look *look, int64_t n)
{
	static const char *const units[] = { "", "k", " M", " G", " T", " P", " E" };

	if (is_unknown(n))
		return dash(look);
	if (look->raw)
		return raw_number(look, n);
	return scaled(look, n, units, ARRAY_LEN(units));
}

struct text format_bytes(const struct look *look, int64_t bytes)
{
	static const char *const units[] = { " B", " kB", " MB", " GB", " TB", " PB", " EB" };

	if (is_unknown(bytes))
		return dash(look);
	if (look->raw)
		return raw_number(look, bytes);
	return scaled(look, bytes, units, ARRAY_LEN(units));
}

struct text format_pct(const struct look *look, double pct)
{
	if (isnan(pct))
		return dash(look);
	if (look->raw)
		return text_of(arena_printf(look->arena, "%.10g", pct));
	if (pct == 0)
		return make(look, "0%");
	if (pct == 100)
		return make(look, "100%");
	/* Rounding must not claim that all is well, or that nothing is wrong, when it is not so. */
	if (pct > 0 && pct < 0.05)
		return make(look, "<0.1%");
	if (pct < 100 && pct >= 99.95)
		return make(look, "99.9%");
	if (pct > 100 && pct < 100.05)
		return make(look, ">100%");
	if (pct < 0 && pct > -0.05)
		return make(look, ">-0.1%");
	return text_of(arena_printf(look->arena, "%.1f%%", pct));
}

struct text format_share(const struct look *look, int64_t part, int64_t whole)
{
	double pct;

	if (is_unknown(part) || is_unknown(whole) || whole == 0)
		return dash(look);
	if (part == whole)
		return format_pct(look, 100);
	pct = (double)part / (double)whole * 100;
	/* Large neighbors can divide to exactly 1; they are still not the same. */
	if (pct == 100)
		pct = part < whole ? nextafter(100, 0) : nextafter(100, 200);
	return format_pct(look, pct);
}

static struct text span_of_time(const struct look *look, const char *before, int64_t ms)
{
	if (ms < MINUTE)
		return text_of(arena_printf(look->arena, "%s%" PRId64 "s", before, ms / SECOND));
	if (ms < HOUR)
		return text_of(arena_printf(look->arena, "%s%" PRId64 "m", before, ms / MINUTE));
	if (ms < DAY)
		return text_of(arena_printf(look->arena, "%s%" PRId64 "h%02" PRId64 "m", before,
			ms / HOUR, ms % HOUR / MINUTE));
	if (ms < 100 * DAY)
		return text_of(arena_printf(look->arena, "%s%" PRId64 "d%02" PRId64 "h", before, ms / DAY,
			ms % DAY / HOUR));
	return text_of(arena_printf(look->arena, "%s%" PRId64 "d", before, ms / DAY));
}

static struct text utc_text(const struct look *look, int64_t at_ms)
{
	struct buf buf;
	struct text out;

	buf_init(&buf, 64);
	time_format_utc(&buf, at_ms);
	out = arena_text(look->arena, buf_text(&buf));
	buf_done(&buf);
	return out;
}

struct text format_age(const struct look *look, int64_t at_ms)
{
	int64_t age;

	if (is_unknown(at_ms) || is_unknown(look->now_ms))
		return dash(look);
	if (look->raw)
		return utc_text(look, at_ms);
	if (__builtin_sub_overflow(look->now_ms, at_ms, &age))
		return dash(look);
	/* Clocks differ by a little: a moment ahead of us is now. */
	if (age > -SECOND)
		return span_of_time(look, "", age < 0 ? 0 : age);
	return span_of_time(look, "in ", -age);
}

struct text format_duration(const struct look *look, int64_t ms)
{
	const char *sign = ms < 0 ? "-" : "";

	if (is_unknown(ms))
		return dash(look);
	if (look->raw)
		return raw_number(look, ms);
	ms = ms < 0 ? -ms : ms;
	if (ms < SECOND)
		return text_of(arena_printf(look->arena, "%s%" PRId64 "ms", sign, ms));
	if (ms < MINUTE)
		return text_of(arena_printf(look->arena, "%s%" PRId64 ".%" PRId64 "s", sign, ms / SECOND,
			ms % SECOND / 100));
	if (ms < HOUR)
		return text_of(arena_printf(look->arena, "%s%" PRId64 "m%02" PRId64 "s", sign, ms / MINUTE,
			ms % MINUTE / SECOND));
	return span_of_time(look, sign, ms);
}

/* Broken down in the zone of the look; UTC where the C library cannot say. */
static struct civil in_zone(const struct look *look, int64_t at_ms)
{
	struct civil civil = time_civil_utc(at_ms);
	time_t seconds = (time_t)(at_ms / 1000 - (at_ms % 1000 < 0));
	struct tm local;

	if (look->utc || !localtime_r(&seconds, &local))
		return civil;
	civil.year = local.tm_year + 1900;
	civil.month = local.tm_mon + 1;
	civil.day = local.tm_mday;
	civil.hour = local.tm_hour;
	civil.minute = local.tm_min;
	civil.second = local.tm_sec;
	return civil;
}

/* Beyond the years 1 to 9999 a time is a broken number, not a time. */
static bool is_showable(int64_t at_ms)
{
	return at_ms >= time_from_civil(1, 1, 2, 0, 0, 0, 0) &&
		at_ms < time_from_civil(9999, 12, 31, 0, 0, 0, 0);
}

struct text format_time(const struct look *look, int64_t at_ms)
{
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
		"Sep", "Oct", "Nov", "Dec" };
	struct civil at;

	if (is_unknown(at_ms) || !is_showable(at_ms))
		return dash(look);
	if (look->raw)
		return utc_text(look, at_ms);
	at = in_zone(look, at_ms);
	/* The year is said where it is not the screen's own. */
	if (is_showable(look->now_ms) && in_zone(look, look->now_ms).year != at.year)
		return text_of(arena_printf(look->arena, "%02d %s %04d %02d:%02d:%02d", at.day,
			months[at.month - 1], at.year, at.hour, at.minute, at.second));
	return text_of(arena_printf(look->arena, "%02d %s %02d:%02d:%02d", at.day,
		months[at.month - 1], at.hour, at.minute, at.second));
}

struct text format_clock(const struct look *look, int64_t at_ms)
{
	struct civil at;

	if (is_unknown(at_ms) || !is_showable(at_ms))
		return dash(look);
	if (look->raw)
		return utc_text(look, at_ms);
	at = in_zone(look, at_ms);
	return text_of(arena_printf(look->arena, "%02d:%02d:%02d", at.hour, at.minute, at.second));
}

struct text format_zone(const struct look *look)
{
	time_t seconds = (time_t)(look->now_ms / 1000);
	struct tm local;

	if (look->utc || !localtime_r(&seconds, &local) || !local.tm_zone)
		return TEXT("UTC");
	return make(look, local.tm_zone);
}

struct text format_spark(const struct look *look, const double *values, size_t n, double low,
	double high)
{
	static const char *const eighths[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char *const digits[] = { "0", "1", "2", "3", "4", "5", "6", "7", "8", "9" };
	const char *const *levels = look->ascii ? digits : eighths;
	size_t nlevels = look->ascii ? ARRAY_LEN(digits) : ARRAY_LEN(eighths);
	struct buf buf;
	struct text out;

	if (look->raw)
		return TEXT("");
	buf_init(&buf, (size_t)CANVAS_MAX_COLS * 3);
	for (size_t i = 0; i < n && i < CANVAS_MAX_COLS; i++) {
		double share = high > low ? (values[i] - low) / (high - low) : values[i] > low;
		size_t level = 0;

		if (isnan(share)) {
			(void)buf_add_char(&buf, ' ');
			continue;
		}
		if (share >= 1)
			level = nlevels - 1;
		else if (share > 0)
			level = (size_t)(share * (double)nlevels);
		(void)buf_add_str(&buf, levels[level]);
	}
	out = arena_text(look->arena, buf_text(&buf));
	buf_done(&buf);
	return out;
}

struct text format_bar(const struct look *look, double share, int cells)
{
	static const char *const parts[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
	int steps = look->ascii ? 1 : 8;
	struct buf buf;
	struct text out;
	int filled;
	int total;

	if (look->raw || cells <= 0)
		return TEXT("");
	if (isnan(share))
		return dash(look);
	if (cells > CANVAS_MAX_COLS)
		cells = CANVAS_MAX_COLS;
	total = cells * steps;
	share = share < 0 ? 0 : share > 1 ? 1 : share;
	filled = (int)(share * total + 0.5);
	/* A little is never drawn as nothing, nor nearly all as all. */
	if (share > 0 && filled == 0)
		filled = 1;
	if (share < 1 && filled == total)
		filled = total - 1;
	buf_init(&buf, (size_t)cells * 3);
	for (int i = 0; i < cells; i++) {
		int here = filled - i * steps;

		if (here >= steps)
			(void)buf_add_str(&buf, look->ascii ? "#" : "█");
		else if (here > 0)
			(void)buf_add_str(&buf, parts[here]);
		else
			(void)buf_add_char(&buf, look->ascii ? '-' : ' ');
	}
	out = arena_text(look->arena, buf_text(&buf));
	buf_done(&buf);
	return out;
}
