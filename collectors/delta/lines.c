/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts a commit's bytes into JSON objects without understanding them, and finds its feet again. */
#include <string.h>

#include "collectors/delta/parts.h"

enum { PIECE = 256 * 1024, BROKEN_BEFORE_ONE_LINE = 64 };

enum {
	BETWEEN, /* before a value */
	VALUE,   /* inside one */
	TAIL,    /* behind one, on its last line */
	BAD,     /* on a line that is no value, not reported yet */
	SKIP     /* to the end of the line */
};

void delta_lines_init(struct delta_lines *lines)
{
	buf_init(&lines->pending, DELTA_ACTION_MAX + 2 * PIECE);
	lines->line = 1;
}

void delta_lines_done(struct delta_lines *lines)
{
	buf_done(&lines->pending);
}

static struct text piece(const struct delta_lines *lines, size_t from, size_t to)
{
	return text_sub(buf_text(&lines->pending), from, to - from);
}

static void report(struct delta_lines *lines, size_t to, const char *reason)
{
	lines->nbroken++;
	if (lines->nbroken >= BROKEN_BEFORE_ONE_LINE)
		lines->one_line_only = true; /* no second look at the same bytes over and over */
	lines->broken(lines->context, piece(lines, lines->start, to), lines->line,
		lines->offset + (int64_t)lines->start, reason);
}

/* The value cannot be read: report its first line and try again behind that. */
static void give_up(struct delta_lines *lines, const char *reason)
{
	const char *bytes = lines->pending.bytes;

	if (lines->first_newline != 0)
		lines->scan = lines->first_newline;
	report(lines, lines->scan, reason);
	lines->state = lines->scan < lines->pending.len && bytes[lines->scan] == '\n' ? BETWEEN
										      : SKIP;
}

static void begin_value(struct delta_lines *lines)
{
	lines->state = VALUE;
	lines->start = lines->scan;
	lines->first_newline = 0;
	lines->lines_in = 0;
	lines->depth = 0;
	lines->items = 0;
	lines->in_string = false;
	lines->escaped = false;
}

static void end_value(struct delta_lines *lines)
{
	const char *reason = "it is no JSON object";

	lines->scan++;
	if (!lines->action(lines->context, piece(lines, lines->start, lines->scan), &reason))
		report(lines, lines->scan, reason);
	lines->line += lines->lines_in;
	lines->state = TAIL;
}

/* What stops the value at this byte of its structure; NULL = go on. */
static const char *step_value(struct delta_lines *lines, char c)
{
	switch (c) {
	case '"':
		lines->in_string = true;
		break;
	case '{':
	case '[':
		if (++lines->depth > DELTA_DEPTH_MAX)
			return "it is nested too deeply";
		lines->items++;
		break;
	case '}':
	case ']':
		lines->depth--;
		break;
	case ',':
		if (++lines->items > DELTA_ITEMS_MAX)
			return "it has too many values";
		break;
	case '\n':
		if (lines->first_newline == 0)
			lines->first_newline = lines->scan;
		lines->lines_in++;
		if (lines->one_line_only || lines->scan - lines->start > DELTA_SPREAD_MAX)
			return "its line ends inside the action";
		break;
	default:
		break;
	}
	return NULL;
}

/* Inside a string: only its end, an escape and a raw newline matter. */
static const char *step_string(struct delta_lines *lines, char c)
{
	if (lines->escaped)
		lines->escaped = false;
	else if (c == '\\')
		lines->escaped = true;
	else if (c == '"')
		lines->in_string = false;
	return c == '\n' ? "its line ends inside a string" : NULL;
}

static void scan_value(struct delta_lines *lines)
{
	while (lines->scan < lines->pending.len) {
		char c = lines->pending.bytes[lines->scan];
		const char *stop = lines->in_string ? step_string(lines, c) : step_value(lines, c);

		if (!stop && lines->scan - lines->start >= DELTA_ACTION_MAX)
			stop = "it is longer than Weir accepts";
		if (stop) {
			give_up(lines, stop);
			return;
		}
		if (lines->depth == 0) {
			end_value(lines);
			return;
		}
		lines->scan++;
	}
}

static bool is_mark(const struct delta_lines *lines, char c)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf";
	int64_t at = lines->offset + (int64_t)lines->scan;

	return at < 3 && c == byte_order_mark[at];
}

/* A line that is here as a whole and one action goes by without being cut byte by byte. */
static bool take_line(struct delta_lines *lines)
{
	const char *start = lines->pending.bytes + lines->scan;
	const char *end = memchr(start, '\n', lines->pending.len - lines->scan);
	size_t len = end ? (size_t)(end - start) : 0;

	while (len > 0 && (start[len - 1] == ' ' || start[len - 1] == '\r' || start[len - 1] == '\t'))
		len--;
	/* No longer than that it cannot hold more values than may be. */
	if (len < 2 || len > DELTA_ITEMS_MAX || start[len - 1] != '}' ||
		!lines->line_taken(lines->context, (struct text){ start, len }))
		return false;
	lines->scan += (size_t)(end - start);
	return true;
}

static void scan_between(struct delta_lines *lines)
{
	char c = lines->pending.bytes[lines->scan];

	if (c == '{' && lines->state == BETWEEN && lines->line_taken && take_line(lines))
		return;
	if (c == '{') {
		begin_value(lines);
		return;
	}
	if (c == '\n') {
		lines->line++;
		lines->state = BETWEEN;
	} else if (c != ' ' && c != '\t' && c != '\r' && !is_mark(lines, c)) {
		if (lines->state == TAIL)
			lines->ntrailing++;
		lines->state = lines->state == TAIL ? SKIP : BAD;
		lines->start = lines->scan;
	}
	lines->scan++;
}

static void scan_line(struct delta_lines *lines)
{
	const char *bytes = lines->pending.bytes;
	size_t len = lines->pending.len;
	const char *newline = memchr(bytes + lines->scan, '\n', len - lines->scan);

	lines->scan = newline ? (size_t)(newline - bytes) : len;
	if (lines->state == BAD && (newline || len - lines->start >= FACT_KEEP_MAX)) {
		report(lines, lines->scan, "it is no JSON object");
		lines->state = SKIP;
	}
	if (newline)
		lines->state = BETWEEN;
}

static void scan(struct delta_lines *lines)
{
	while (lines->scan < lines->pending.len) {
		switch (lines->state) {
		case BETWEEN:
		case TAIL:
			scan_between(lines);
			break;
		case VALUE:
			scan_value(lines);
			break;
		default:
			scan_line(lines);
			break;
		}
	}
}

/* Forgets what was understood. */
static void compact(struct delta_lines *lines)
{
	bool keep = lines->state == VALUE || lines->state == BAD;
	size_t gone = keep ? lines->start : lines->scan;
	size_t left = lines->pending.len - gone;

	if (gone == 0)
		return;
	memmove(lines->pending.bytes, lines->pending.bytes + gone, left);
	buf_cut(&lines->pending, left);
	lines->offset += (int64_t)gone;
	lines->scan -= gone;
	lines->start = 0;
	if (lines->first_newline >= gone)
		lines->first_newline -= gone;
}

void delta_lines_feed(struct delta_lines *lines, struct text bytes)
{
	for (size_t at = 0; at < bytes.len; at += PIECE) {
		(void)buf_add(&lines->pending, text_sub(bytes, at, PIECE)); /* below its max */
		scan(lines);
		compact(lines);
	}
}

void delta_lines_end(struct delta_lines *lines)
{
	lines->torn = lines->state == VALUE;
	while (lines->state == VALUE) {
		give_up(lines, "the commit ends inside the action");
		scan(lines);
	}
	if (lines->state == BAD)
		report(lines, lines->pending.len, "it is no JSON object");
	lines->state = BETWEEN;
}
