/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/eventlog/frame.h"

#include <string.h>

enum scan { SCAN_DONE, SCAN_OPEN, SCAN_INVALID };

void framer_init(struct framer *framer, size_t max_record, bool in_array, int64_t line)
{
	*framer = (struct framer){
		.max_record = max_record,
		.in_array = in_array,
		.line = line,
	};
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool opens(char c)
{
	return c == '{' || c == '[';
}

/*
 * What may stand between records: blanks, byte order marks, the NULs that a writer without
 * O_APPEND leaves before its place in a file that was truncated; within the array also its commas
 * and its end.
 */
static size_t skip_between(struct framer *framer, struct text bytes)
{
	size_t at = 0;

	while (at < bytes.len) {
		char c = bytes.bytes[at];

		if (c == '\n')
			framer->line++;
		if (is_blank(c) || c == '\0') {
			at++;
		} else if (c == '\xef' && text_starts(text_sub(bytes, at, 3), TEXT("\xef\xbb\xbf"))) {
			at += 3;
		} else if (framer->in_array && c == ',') {
			at++;
		} else if (framer->in_array && c == ']') {
			framer->in_array = false;
			at++;
		} else if (!framer->in_array && c == '[') {
			framer->in_array = true;
			at++;
		} else {
			break;
		}
	}
	return at;
}

static bool push(struct framer *framer, char c)
{
	bool in_object = framer->depth > 0 && framer->depth <= FRAME_DEPTH_MAX &&
		framer->is_object[framer->depth - 1];

	if (framer->depth > 0 && framer->depth <= FRAME_DEPTH_MAX) {
		if (in_object && framer->previous != ':')
			return false;
		if (!in_object && framer->previous != '[' && framer->previous != ',')
			return false;
	}
	if (framer->depth < FRAME_DEPTH_MAX)
		framer->is_object[framer->depth] = c == '{';
	framer->depth++;
	framer->previous = c;
	return true;
}

static bool pop(struct framer *framer, char c)
{
	if (framer->depth <= FRAME_DEPTH_MAX &&
		(framer->is_object[framer->depth - 1] != 0) != (c == '}'))
		return false;
	framer->depth--;
	framer->previous = 'v';
	return true;
}

/* Goes on within a string; at its end, or the end of the bytes. A bare newline breaks it. */
static size_t scan_string(struct framer *framer, struct text bytes, size_t at)
{
	while (at < bytes.len) {
		char c = bytes.bytes[at];

		if (c == '\n') {
			framer->invalid = true;
			return at;
		}
		at++;
		if (framer->escaped) {
			framer->escaped = false;
		} else if (c == '\\') {
			framer->escaped = true;
		} else if (c == '"') {
			framer->in_string = false;
			framer->previous = 'v';
			return at;
		}
	}
	return at;
}

/*
 * Follows brackets and strings from framer->scanned, with as much grammar as tells a new record
 * from the inside of an unfinished one.
 */
static enum scan scan(struct framer *framer, struct text bytes)
{
	size_t at = framer->scanned;

	while (at < bytes.len && !framer->invalid) {
		bool colon = framer->previous == ':';
		char c;

		if (framer->in_string) {
			at = scan_string(framer, bytes, at);
			continue;
		}
		c = bytes.bytes[at];
		if (c == '"') {
			if (framer->previous == 'v')
				framer->invalid = true;
			framer->in_string = true;
		} else if (opens(c)) {
			/* Behind a colon nobody begins a line at its left edge: a line that was cut. */
			framer->invalid = !push(framer, c) ||
				(colon && at > 0 && bytes.bytes[at - 1] == '\n');
		} else if (c == '}' || c == ']') {
			framer->invalid = !pop(framer, c);
		} else if (c == '\n') {
			framer->scan_lines++;
		} else if (c == ',' || c == ':') {
			framer->previous = c;
		} else if (!is_blank(c)) {
			framer->previous = 'v';
		}
		if (framer->invalid)
			break;
		at++;
		if (framer->depth == 0) {
			framer->scanned = at;
			return SCAN_DONE;
		}
	}
	framer->scanned = at;
	return framer->invalid ? SCAN_INVALID : SCAN_OPEN;
}

static void forget_scan(struct framer *framer)
{
	framer->scanned = 0;
	framer->scan_lines = 0;
	framer->depth = 0;
	framer->in_string = false;
	framer->escaped = false;
	framer->invalid = false;
	framer->previous = 0;
	framer->skipping = false;
	framer->skip_line = false;
	framer->skipped = 0;
	framer->head_len = 0;
}

static int64_t count_lines(struct text bytes)
{
	int64_t n = 0;
	const char *end = bytes.bytes + bytes.len;

	for (const char *at = bytes.bytes; at < end; n++) {
		at = memchr(at, '\n', (size_t)(end - at));
		if (!at)
			break;
		at++;
	}
	return n;
}

/* The record is the first len bytes behind lead; the newline behind it goes with it. */
static enum frame give(
	struct framer *framer, struct text bytes, size_t lead, size_t len, struct framed *out)
{
	struct text behind = text_sub(bytes, lead + len, 2);

	out->record = text_sub(bytes, lead, len);
	out->length = (int64_t)len;
	out->line = framer->line;
	out->lead = lead;
	out->used = lead + len;
	framer->line += framer->scan_lines;
	if (text_starts(behind, TEXT("\r\n")))
		out->used += 2;
	else if (text_starts(behind, TEXT("\n")))
		out->used += 1;
	if (out->used > lead + len)
		framer->line++;
	forget_scan(framer);
	if (len <= framer->max_record)
		return FRAME_RECORD;
	return FRAME_LONG;
}

/* Bytes up to the newline, or SIZE_MAX while there is none and more may come. */
static size_t line_length(struct text value, enum frame_end end)
{
	const char *newline = memchr(value.bytes, '\n', value.len);

	if (newline)
		return (size_t)(newline - value.bytes);
	return end == FRAME_FINAL ? value.len : SIZE_MAX;
}

/* The first place behind `from` where a line begins with a bracket, or value.len. */
static size_t next_opening(struct text value, size_t from)
{
	for (size_t at = from; at + 1 < value.len; at++) {
		const char *newline = memchr(value.bytes + at, '\n', value.len - at - 1);

		if (!newline)
			break;
		at = (size_t)(newline - value.bytes);
		if (opens(value.bytes[at + 1]))
			return at + 1;
	}
	return value.len;
}

/* How much of a broken value is given up; SIZE_MAX = not known yet. */
static size_t broken_length(struct framer *framer, struct text value, enum frame_end end)
{
	size_t first = line_length(value, FRAME_OPEN);
	size_t next;
	size_t at;

	if (first == SIZE_MAX || first >= framer->scanned)
		return line_length(value, end);
	next = next_opening(value, 0);
	if (next <= framer->scanned)
		return next;
	/* A document over many lines: up to the next one, or as far as whole lines are here. */
	framer->resync = true;
	if (next < value.len || end == FRAME_FINAL)
		return next;
	for (at = value.len; at > framer->scanned; at--) {
		if (value.bytes[at - 1] == '\n')
			return at;
	}
	return SIZE_MAX;
}

/* The record outgrew the limit: from here on only its end is looked for. */
static enum frame begin_skip(
	struct framer *framer, struct text value, bool line_only, struct framed *out)
{
	framer->head_len = value.len < sizeof framer->head ? value.len : sizeof framer->head;
	memcpy(framer->head, value.bytes, framer->head_len);
	framer->skipping = true;
	framer->skip_line = line_only || framer->invalid;
	framer->skipped = (int64_t)value.len;
	framer->scanned = 0;
	out->used += value.len;
	return FRAME_MORE;
}

static enum frame go_on_skipping(
	struct framer *framer, struct text bytes, enum frame_end end, struct framed *out)
{
	size_t used = bytes.len;
	bool done = false;

	framer->scanned = 0;
	if (!framer->skip_line) {
		enum scan found = scan(framer, bytes);

		used = framer->scanned;
		done = found == SCAN_DONE;
		framer->skip_line = found == SCAN_INVALID;
	}
	if (framer->skip_line) {
		size_t from = framer->scanned;
		const char *newline = memchr(bytes.bytes + from, '\n', bytes.len - from);

		done = newline != NULL;
		used = newline ? (size_t)(newline - bytes.bytes) : bytes.len;
	}
	framer->skipped += (int64_t)used;
	*out = (struct framed){ .used = used, .length = framer->skipped, .line = framer->line };
	if (!done && end == FRAME_OPEN)
		return FRAME_MORE;
	out->record = (struct text){ framer->head, framer->head_len };
	framer->line += framer->scan_lines;
	forget_scan(framer); /* leaves the bytes of head */
	return FRAME_LONG;
}

static enum frame more(struct framer *framer, struct text bytes, bool line_only, struct framed *out)
{
	struct text value = text_sub(bytes, out->used, bytes.len);

	if (value.len > framer->max_record)
		return begin_skip(framer, value, line_only, out);
	return FRAME_MORE;
}

/*
 * One value a line is the usual case, and then no bracket needs to be counted: no JSON goes on
 * with "{" on a new line right behind a "}", so that a line from { to } with such a line behind it
 * is whole.
 */
static size_t usual_line(struct text value)
{
	const char *newline = memchr(value.bytes, '\n', value.len);
	size_t len;

	if (!newline || newline + 1 == value.bytes + value.len || newline[1] != '{')
		return 0;
	len = (size_t)(newline - value.bytes);
	if (len > 0 && value.bytes[len - 1] == '\r')
		len--;
	return len > 0 && value.bytes[len - 1] == '}' ? len : 0;
}

static enum frame frame_garbage(struct framer *framer, struct text bytes, enum frame_end end,
	struct framed *out)
{
	struct text value = text_sub(bytes, out->used, bytes.len);
	size_t len = line_length(value, end);

	if (len == SIZE_MAX)
		return more(framer, bytes, true, out);
	if (framer->resync)
		len = next_opening(value, 0);
	while (len > 0 && is_blank(value.bytes[len - 1]))
		len--;
	framer->scan_lines = count_lines(text_sub(value, 0, len));
	return give(framer, bytes, out->used, len, out);
}

enum frame frame_next(
	struct framer *framer, struct text bytes, enum frame_end end, struct framed *out)
{
	struct text value;
	size_t len;

	*out = (struct framed){ .line = framer->line };
	if (framer->skipping)
		return go_on_skipping(framer, bytes, end, out);
	if (framer->scanned == 0)
		out->used = skip_between(framer, bytes);
	value = text_sub(bytes, out->used, bytes.len);
	if (value.len == 0)
		return FRAME_MORE;
	if (framer->scanned == 0 && !opens(value.bytes[0]))
		return frame_garbage(framer, bytes, end, out);
	framer->resync = false;
	if (framer->scanned == 0 && !framer->in_array) {
		len = usual_line(value);
		if (len > 0)
			return give(framer, bytes, out->used, len, out);
	}
	switch (framer->invalid ? SCAN_INVALID : scan(framer, value)) {
	case SCAN_DONE:
		return give(framer, bytes, out->used, framer->scanned, out);
	case SCAN_OPEN:
		len = end == FRAME_FINAL ? value.len : SIZE_MAX;
		break;
	case SCAN_INVALID:
		len = broken_length(framer, value, end);
		break;
	}
	if (len == SIZE_MAX)
		return more(framer, bytes, false, out);
	while (len > 0 && is_blank(value.bytes[len - 1]))
		len--;
	framer->scan_lines = count_lines(text_sub(value, 0, len));
	return give(framer, bytes, out->used, len, out);
}
