/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/text.h"

/*
 * Time is passed, never fetched: whoever needs it takes a struct clock, and tests own theirs.
 * Wall time is UTC milliseconds since 1970; monotonic time is milliseconds since any start.
 */
struct clock {
	int64_t (*wall_ms)(const struct clock *clock);
	int64_t (*mono_ms)(const struct clock *clock);
	_Atomic int64_t fixed_ms; /* of clock_fixed; a test may move it while threads read it */
};

#define TIME_UNKNOWN INT64_MIN /* a time nobody reported; never shown as a number */

const struct clock *clock_system(void);
struct clock clock_fixed(int64_t wall_ms); /* both times stand at wall_ms */

/*
 * RFC 3339 and its relatives in event logs and SQL: date and time separated by T or a blank, zero
 * to nine fraction digits (cut to ms), zone Z, +hh:mm, +hhmm, +hh or none (= UTC). Years 1 to 9999.
 */
bool time_parse(struct text text, int64_t *ms_out);
/* 2026-03-02T09:00:00.100Z; years outside 1 to 9999 are clamped. */
void time_format_utc(struct buf *buf, int64_t ms);

struct civil {
	int year, month, day, hour, minute, second, ms;
	int weekday; /* 0 = Sunday */
};
struct civil time_civil_utc(int64_t ms);
int64_t time_from_civil(int year, int month, int day, int hour, int minute, int second, int ms);

#endif
