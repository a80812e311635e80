/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/when.h"

#include <time.h>

#include "base/clock.h"
#include "base/mem.h"

#define DAY_MS INT64_C(86400000)
#define SPAN_MAX_MS (INT64_C(36525) * DAY_MS) /* a hundred years */

bool when_span(struct text text, int64_t *ms_out)
{
	static const struct {
		char unit;
		int64_t ms;
	} units[] = { { 's', 1000 }, { 'm', 60000 }, { 'h', 3600000 }, { 'd', DAY_MS } };
	int64_t total = 0, n = -1;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.bytes[i];
		size_t u = 0;

		if (c >= '0' && c <= '9') {
			n = (n < 0 ? 0 : n) * 10 + (c - '0');
			if (n > SPAN_MAX_MS / 1000)
				return false;
			continue;
		}
		while (u < ARRAY_LEN(units) && units[u].unit != c)
			u++;
		if (u == ARRAY_LEN(units) || n < 0 || n > SPAN_MAX_MS / units[u].ms)
			return false;
		total += n * units[u].ms;
		n = -1;
	}
	if (n >= 0 || total <= 0 || total > SPAN_MAX_MS)
		return false;
	*ms_out = total;
	return true;
}

/* How far the local zone is ahead of UTC at that time. */
static int64_t zone_ms(int64_t at_ms)
{
	time_t seconds = (time_t)(at_ms / 1000);
	struct tm local;

	return localtime_r(&seconds, &local) ? (int64_t)local.tm_gmtoff * 1000 : 0;
}

/* hh:mm or hh:mm:ss as milliseconds of the day. */
static bool clock_parse(struct text text, int64_t *ms_out)
{
	static const int64_t limit[] = { 24, 60, 60 }, unit[] = { 3600000, 60000, 1000 };
	struct text part;
	int64_t total = 0;
	size_t n = 0;

	while (text_split(&text, ':', &part)) {
		int64_t value;

		if (n == 3 || part.len != 2 || !text_to_i64(part, &value) || value < 0 || value >= limit[n])
			return false;
		total += value * unit[n++];
	}
	*ms_out = total;
	return n >= 2;
}

static bool names_zone(struct text text)
{
	char last = text.bytes[text.len - 1];

	if (last == 'Z' || last == 'z')
		return true;
	for (size_t i = text.len > 6 ? text.len - 6 : 0; i < text.len; i++)
		if (text.bytes[i] == '+' || (text.bytes[i] == '-' && i > 9))
			return true;
	return false;
}

bool when_parse(struct text text, int64_t now_ms, bool utc, int64_t *ms_out, struct err *err)
{
	int64_t ms, span;

	text = text_trim(text);
	if (text_is(text, "now") || text.len == 0) {
		*ms_out = 0;
		return true;
	}
	if (when_span(text.bytes[0] == '-' ? text_sub(text, 1, text.len) : text, &span)) {
		*ms_out = now_ms - span;
		return true;
	}
	if (clock_parse(text, &ms)) {
		int64_t zone = utc ? 0 : zone_ms(now_ms), local = now_ms + zone;
		int64_t at = local - (local % DAY_MS + DAY_MS) % DAY_MS + ms - zone;

		*ms_out = at > now_ms ? at - DAY_MS : at;
		return true;
	}
	if (time_parse(text, &ms)) {
		ms = utc || names_zone(text) ? ms : ms - zone_ms(ms);
		*ms_out = ms != 0 ? ms : -1; /* 0 is now, and nobody can tell the two apart */
		return true;
	}
	return err_set(err, ERR_USAGE, 0,
		"\"%.*s\" is no time; write 2026-03-02T02:14:07Z, 02:14, 3h or now",
		(int)(text.len < 40 ? text.len : 40), text.bytes);
}
