/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stddef.h>
#include <time.h>

enum { DAY_MS = 86400000 };

static int64_t read_clock(clockid_t id)
{
	struct timespec now;

	(void)clock_gettime(id, &now); /* cannot fail for these two clocks */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t system_wall(const struct clock *clock)
{
	(void)clock;
	return read_clock(CLOCK_REALTIME);
}

static int64_t system_mono(const struct clock *clock)
{
	(void)clock;
	return read_clock(CLOCK_MONOTONIC);
}

const struct clock *clock_system(void)
{
	static const struct clock system = { system_wall, system_mono, 0 };

	return &system;
}

static int64_t fixed_time(const struct clock *clock)
{
	return clock->fixed_ms;
}

struct clock clock_fixed(int64_t wall_ms)
{
	return (struct clock){ fixed_time, fixed_time, wall_ms };
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar, by eras of 400 years from March. */
static int64_t days_from_civil(int64_t year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
		day_of_year - 719468;
}

int64_t time_from_civil(int year, int month, int day, int hour, int minute, int second, int ms)
{
	return days_from_civil(year, month, day) * DAY_MS + (int64_t)hour * 3600000 +
		(int64_t)minute * 60000 + (int64_t)second * 1000 + ms;
}

struct civil time_civil_utc(int64_t ms)
{
	int64_t days = ms / DAY_MS - (ms % DAY_MS < 0);
	int64_t rest = ms % DAY_MS + (ms % DAY_MS < 0 ? DAY_MS : 0); /* no product: it may overflow */
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	struct civil civil;

	civil.day = (int)(doy - (153 * mp + 2) / 5 + 1);
	civil.month = (int)(mp < 10 ? mp + 3 : mp - 9);
	civil.year = (int)(yoe + era * 400 + (civil.month <= 2));
	civil.hour = (int)(rest / 3600000);
	civil.minute = (int)(rest / 60000 % 60);
	civil.second = (int)(rest / 1000 % 60);
	civil.ms = (int)(rest % 1000);
	civil.weekday = (int)(((days % 7) + 11) % 7);
	return civil;
}

void time_format_utc(struct buf *buf, int64_t ms)
{
	int64_t least = time_from_civil(1, 1, 1, 0, 0, 0, 0);
	int64_t most = time_from_civil(9999, 12, 31, 23, 59, 59, 999);
	struct civil civil = time_civil_utc(ms < least ? least : ms > most ? most : ms);

	(void)buf_addf(buf, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", civil.year, civil.month,
		civil.day, civil.hour, civil.minute, civil.second, civil.ms);
}

/* Reads exactly `digits` digits at *at; -1 when they are not there. */
static int number(struct text text, size_t *at, size_t digits)
{
	int value = 0;

	if (text.len - *at < digits)
		return -1;
	for (size_t i = 0; i < digits; i++) {
		char c = text.bytes[*at + i];

		if (c < '0' || c > '9')
			return -1;
		value = value * 10 + (c - '0');
	}
	*at += digits;
	return value;
}

static bool literal(struct text text, size_t *at, char c)
{
	if (*at >= text.len || text.bytes[*at] != c)
		return false;
	(*at)++;
	return true;
}

static int days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/* The fraction behind the dot, cut to milliseconds; -1 = malformed. */
static int fraction(struct text text, size_t *at)
{
	int ms = 0;
	int digits = 0;

	while (*at < text.len && text.bytes[*at] >= '0' && text.bytes[*at] <= '9') {
		if (digits < 3)
			ms = ms * 10 + (text.bytes[*at] - '0');
		digits++;
		(*at)++;
	}
	if (digits == 0 || digits > 9)
		return -1;
	for (; digits < 3; digits++)
		ms *= 10;
	return ms;
}

/* Zone behind the time to the end of the text: minutes east of UTC. */
static bool zone(struct text text, size_t at, int *minutes_out)
{
	int sign;
	int hours;
	int minutes = 0;

	*minutes_out = 0;
	if (at == text.len)
		return true;
	if (text.bytes[at] == 'Z' || text.bytes[at] == 'z')
		return at + 1 == text.len;
	if (text.bytes[at] != '+' && text.bytes[at] != '-')
		return false;
	sign = text.bytes[at++] == '-' ? -1 : 1;
	hours = number(text, &at, 2);
	if (hours < 0 || hours > 23)
		return false;
	if (at < text.len) {
		(void)literal(text, &at, ':'); /* the colon is optional */
		minutes = number(text, &at, 2);
		if (minutes < 0 || minutes > 59)
			return false;
	}
	*minutes_out = sign * (hours * 60 + minutes);
	return at == text.len;
}

/* Two digits; what is none makes *odd non-zero. */
static int two(const char *bytes, unsigned *odd)
{
	unsigned tens = (unsigned)(unsigned char)bytes[0] - '0';
	unsigned ones = (unsigned)(unsigned char)bytes[1] - '0';

	*odd |= (tens > 9) | (ones > 9);
	return (int)(tens * 10 + ones);
}

/* "2026-03-02T09:00:00.123Z", as most are; false: to be looked at more closely. */
static bool usual_time(const char *bytes, int64_t *ms_out)
{
	unsigned odd = (unsigned)(bytes[4] ^ '-') | (unsigned)(bytes[7] ^ '-') |
		(unsigned)(bytes[10] ^ 'T') | (unsigned)(bytes[13] ^ ':') |
		(unsigned)(bytes[16] ^ ':') | (unsigned)(bytes[19] ^ '.') |
		(unsigned)(bytes[23] ^ 'Z');
	int year = two(bytes, &odd) * 100 + two(bytes + 2, &odd);
	int month = two(bytes + 5, &odd), day = two(bytes + 8, &odd);
	int hour = two(bytes + 11, &odd), minute = two(bytes + 14, &odd);
	int second = two(bytes + 17, &odd);
	unsigned tenth = (unsigned)(unsigned char)bytes[20] - '0';
	int rest = two(bytes + 21, &odd);

	if (odd || tenth > 9 || year < 1 || month < 1 || month > 12 || day < 1 || day > 28 ||
		hour > 23 || minute > 59 || second > 59)
		return false;
	*ms_out = time_from_civil(
		year, month, day, hour, minute, second, (int)tenth * 100 + rest);
	return true;
}

bool time_parse(struct text text, int64_t *ms_out)
{
	size_t at = 0;
	int ms = 0;
	int east, year, month, day;
	int hour = 0;
	int minute = 0;
	int second = 0;
	bool dash1, dash2;

	if (text.len == 24 && usual_time(text.bytes, ms_out))
		return true;
	year = number(text, &at, 4);
	dash1 = literal(text, &at, '-');
	month = number(text, &at, 2);
	dash2 = literal(text, &at, '-');
	day = number(text, &at, 2);
	if (year < 1 || !dash1 || month < 1 || month > 12 || !dash2 || day < 1 ||
		day > days_in_month(year, month))
		return false;
	if (at < text.len) {
		if (!literal(text, &at, 'T') && !literal(text, &at, ' ') && !literal(text, &at, 't'))
			return false;
		hour = number(text, &at, 2);
		if (hour < 0 || hour > 23 || !literal(text, &at, ':'))
			return false;
		minute = number(text, &at, 2);
		if (minute < 0 || minute > 59)
			return false;
		if (literal(text, &at, ':')) {
			second = number(text, &at, 2);
			if (second < 0 || second > 60)
				return false;
			if (literal(text, &at, '.')) {
				ms = fraction(text, &at);
				if (ms < 0)
					return false;
			}
		}
		(void)literal(text, &at, ' '); /* "2026-03-02 09:00:00.1 Z" of some SQL exports */
	}
	if (!zone(text, at, &east))
		return false;
	*ms_out = time_from_civil(year, month, day, hour, minute, second, ms) - (int64_t)east * 60000;
	return true;
}
