/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/line.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

enum { SPAN_BYTES = 8192 }; /* more than any row can show; the rest is left out */

void line_init(struct line *line, struct arena *arena)
{
	line->arena = arena;
	line->n = 0;
}

void line_add(struct line *line, enum role role, struct text text)
{
	struct text kept;

	if (text.len == 0 || line->n == LINE_SPANS_MAX)
		return;
	text = text_sub(text, 0, SPAN_BYTES);
	if (utf8_is_clean(text)) {
		kept = arena_text(line->arena, text);
	} else {
		struct buf buf;

		buf_init(&buf, SPAN_BYTES);
		(void)utf8_clean(&buf, text, UTF8_ONE_LINE); /* cut = longer than any row */
		kept = arena_text(line->arena, buf_text(&buf));
		buf_done(&buf);
	}
	line->spans[line->n++] = (struct span){ kept, role };
}

void line_addf(struct line *line, enum role role, const char *fmt, ...)
{
	char text[SPAN_BYTES];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	if (n > 0)
		line_add(line, role, text_of(text));
}

size_t line_width(const struct line *line)
{
	size_t width = 0;

	for (size_t i = 0; i < line->n; i++)
		width += utf8_width(line->spans[i].text);
	return width;
}

struct text line_text(const struct line *line)
{
	size_t len = 0;
	char *joined;

	for (size_t i = 0; i < line->n; i++)
		len += line->spans[i].text.len;
	joined = arena_alloc(line->arena, len + 1);
	len = 0;
	for (size_t i = 0; i < line->n; i++) {
		memcpy(joined + len, line->spans[i].text.bytes, line->spans[i].text.len);
		len += line->spans[i].text.len;
	}
	return (struct text){ joined, len };
}

/* Puts the head of a span and an ellipsis over exactly `left` cells or one less. */
static int put_cut(struct canvas *canvas, int row, int col, int left, const struct span *span)
{
	size_t used;
	struct text head = utf8_head(span->text, (size_t)left - 1, &used);

	(void)canvas_put(canvas, row, col, (int)used, span->role, head);
	(void)canvas_put(canvas, row, col + (int)used, 1, span->role,
		canvas->ascii ? TEXT("~") : TEXT("…"));
	return (int)used + 1;
}

static bool is_border(char c)
{
	return c == '.' || c == '/';
}

/*
 * What is left of a part whose head is cut tells nothing, "…l.orders" no more than "…orders": it goes
 * where it is a third of the tail at most.
 */
static struct text whole_parts(struct text text, struct text tail)
{
	if (tail.len == text.len || is_border(tail.bytes[-1]))
		return tail;
	for (size_t i = 0; i < tail.len / 3; i++)
		if (is_border(tail.bytes[i]))
			return text_sub(tail, i + 1, tail.len);
	return tail;
}

void line_keep_tail(struct line *line, int width, bool ascii)
{
	size_t total = line_width(line), most = 0, widest = 0, used;
	struct text tail;

	for (size_t i = 0; i < line->n; i++) {
		size_t cells = utf8_width(line->spans[i].text);

		if (cells > most) {
			most = cells;
			widest = i;
		}
	}
	/* What stands around the name (a glyph) stays; without room for any of it nothing helps. */
	if (width <= 0 || total <= (size_t)width || total - most + 1 >= (size_t)width)
		return;
	tail = whole_parts(line->spans[widest].text,
		utf8_tail(line->spans[widest].text, (size_t)width - (total - most) - 1, &used));
	line->spans[widest].text = text_of(arena_printf(line->arena, "%s%.*s",
		ascii ? "~" : "…", TEXT_ARG(tail)));
}

int canvas_line(struct canvas *canvas, int row, int col, int width, const struct line *line,
	bool right)
{
	size_t total = line_width(line);
	int used = 0;
	int shift = 0;

	if (col < -CANVAS_MAX_COLS)
		return 0;
	if (width < 0 || width > canvas->cols - col)
		width = canvas->cols - col;
	if (width <= 0 || row < 0 || row >= canvas->rows)
		return 0;
	if (right && total < (size_t)width)
		shift = width - (int)total;
	canvas_fill(canvas, (struct rect){ row, col, 1, width }, ROLE_TEXT);
	col += shift;
	width -= shift;
	for (size_t i = 0; i < line->n; i++) {
		const struct span *span = &line->spans[i];
		int left = width - used;
		size_t cells = utf8_width(span->text);

		/* A span that just fits is cut all the same when more follows: it must be seen. */
		if (cells > (size_t)left || (cells == (size_t)left && i + 1 < line->n))
			return used + put_cut(canvas, row, col + used, left, span);
		used += canvas_put(canvas, row, col + used, (int)cells, span->role, span->text);
	}
	return used;
}
