/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "views/common.h"

enum { LABEL_MAX = 18, LABEL_LONG = 36, LABEL_LEAST_TEXT = 20, ROW_MAX_BYTES = 64 << 10,
	MORE_CELLS = 10 };

static struct sheet_row *sheet_next(struct sheet *sheet)
{
	if (sheet->n == sheet->room) {
		size_t room = sheet->room ? 2 * sheet->room : 32;
		struct sheet_row *rows = ARENA_ARRAY(sheet->arena, struct sheet_row, room);

		if (sheet->n)
			memcpy(rows, sheet->rows, sheet->n * sizeof(*rows));
		sheet->rows = rows;
		sheet->room = room;
	}
	return &sheet->rows[sheet->n++];
}

/* Cleaned here, so that wrapping counts the cells that will be drawn. */
void sheet_add(struct sheet *sheet, const char *label, enum role role, struct text text)
{
	struct buf clean;

	buf_init(&clean, ROW_MAX_BYTES);
	(void)utf8_clean(&clean, text, UTF8_KEEP_LINES); /* a longer text is cut; the raw form has it */
	*sheet_next(sheet) = (struct sheet_row){
		.label = label,
		.text = arena_text(sheet->arena, buf_text(&clean)),
		.role = role,
	};
	buf_done(&clean);
}

void sheet_addf(struct sheet *sheet, const char *label, enum role role, const char *fmt, ...)
{
	struct buf text;
	va_list args;

	buf_init(&text, ROW_MAX_BYTES);
	va_start(args, fmt);
	(void)buf_vaddf(&text, fmt, args);
	va_end(args);
	sheet_add(sheet, label, role, buf_text(&text));
	buf_done(&text);
}

void sheet_heading(struct sheet *sheet, const char *title)
{
	*sheet_next(sheet) = (struct sheet_row){ .label = title, .heading = true };
}

static enum role sentence_role(struct text sentence)
{
	if (text_contains_fold(sentence, TEXT("removed")) ||
		text_contains_fold(sentence, TEXT("dropped")))
		return ROLE_REMOVED;
	if (text_contains_fold(sentence, TEXT("added")))
		return ROLE_ADDED;
	return ROLE_TEXT;
}

void sheet_sentences(struct sheet *sheet, const char *label, struct text json)
{
	json_t *array = json_embedded(json);
	size_t i;
	json_t *item;

	json_array_foreach(array, i, item)
	{
		struct text text = { json_string_value(item), json_string_length(item) };

		if (text.bytes)
			sheet_add(sheet, i ? "" : label, sentence_role(text), text);
	}
	json_decref(array);
}

/* The value as people read it; free it. */
static char *value_text(const json_t *value)
{
	if (json_is_string(value))
		return strdup(json_string_value(value));
	return json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
}

void sheet_object(struct sheet *sheet, const char *heading, struct text json)
{
	json_t *object = json_embedded(json);
	const char *key;
	json_t *value;

	if (json_object_size(object))
		sheet_heading(sheet, heading);
	json_object_foreach(object, key, value)
	{
		char *text = value_text(value);
		struct buf name;

		buf_init(&name, 256);
		(void)utf8_clean(&name, text_of(key), UTF8_ONE_LINE);
		sheet_add(sheet, arena_text(sheet->arena, buf_text(&name)).bytes, ROLE_TEXT,
			text_of(text));
		buf_done(&name);
		free(text);
	}
	json_decref(object);
}

void sheet_object_line(struct sheet *sheet, const char *label, struct text json)
{
	json_t *object = json_embedded(json);
	struct buf line;
	const char *key;
	json_t *value;

	buf_init(&line, ROW_MAX_BYTES);
	json_object_foreach(object, key, value)
	{
		char *text = value_text(value);

		(void)buf_addf(&line, "%s%s %s", line.len ? ", " : "", key, text ? text : "");
		free(text);
	}
	if (line.len)
		sheet_add(sheet, label, ROLE_TEXT, buf_text(&line));
	buf_done(&line);
	json_decref(object);
}

/* The widest label of rows from..to-1, in cells. */
static int label_widest(const struct sheet *sheet, size_t from, size_t to)
{
	size_t widest = 0;

	for (size_t i = from; i < to; i++) {
		size_t width = sheet->rows[i].heading ? 0 : utf8_width(text_of(sheet->rows[i].label));

		widest = width > widest ? width : widest;
	}
	return (int)widest;
}

/*
 * Labels stand in a column of their own where there is room for it beside the text: one for all that
 * is under no longer a label than LABEL_MAX, and a wider one for a section of longer names, such as a
 * table's properties. `widest` is that of the whole sheet: found once, for a sheet has many sections.
 */
static int label_cells(const struct sheet *sheet, size_t from, size_t to, int widest, int cols)
{
	int own = label_widest(sheet, from, to);

	widest = widest > LABEL_MAX ? LABEL_MAX : widest;
	if (own > LABEL_MAX && cols >= LABEL_LONG + 2 + 2 * LABEL_LEAST_TEXT)
		widest = own > LABEL_LONG ? LABEL_LONG : own;
	return widest && widest + 2 + LABEL_LEAST_TEXT <= cols ? widest + 2 : 0;
}

static size_t section_end(const struct sheet *sheet, size_t from)
{
	while (from < sheet->n && !sheet->rows[from].heading)
		from++;
	return from;
}

/* Behind the last such byte in the second half; 0 = there is none. */
static size_t last_of(struct text line, char byte)
{
	const char *found = line.len ? memrchr(line.bytes, byte, line.len) : NULL;
	size_t behind = found ? (size_t)(found - line.bytes) + 1 : 0;

	return behind > line.len / 2 ? behind : 0;
}

/*
 * Cuts the next line of at most `cells` off *rest, at a blank or else behind a slash if there is one in
 * its second half.
 */
static struct text wrap_next(struct text *rest, int cells)
{
	struct text line;
	size_t used, cut;
	const char *newline;

	line = utf8_head(*rest, (size_t)(cells > 0 ? cells : 1), &used);
	if (!line.len)
		line.len = rest->len; /* a wide character in one cell: the canvas clips it */
	newline = memchr(line.bytes, '\n', line.len);
	if (newline) {
		line.len = (size_t)(newline - line.bytes);
		*rest = text_sub(*rest, line.len + 1, rest->len);
		return line;
	}
	cut = line.len;
	if (line.len < rest->len && rest->bytes[line.len] != ' ') {
		cut = last_of(line, ' ');
		cut = cut ? cut : last_of(line, '/');
		cut = cut ? cut : line.len;
	}
	line.len = cut;
	*rest = text_sub(*rest, cut, rest->len);
	while (rest->len && rest->bytes[0] == ' ')
		*rest = text_sub(*rest, 1, rest->len);
	return text_trim(line);
}

struct rect text_rect(struct rect rect)
{
	if (rect.cols > LABEL_LEAST_TEXT) {
		rect.col++;
		rect.cols--;
	}
	return rect;
}

/* Draws or, without a canvas, counts. */
static int sheet_walk(const struct sheet *sheet, struct canvas *canvas, struct rect whole, int skip)
{
	struct rect rect = text_rect(whole);
	int widest = label_widest(sheet, 0, sheet->n);
	int label = label_cells(sheet, 0, section_end(sheet, 0), widest, rect.cols);
	int at = -skip;

	for (size_t i = 0; i < sheet->n; i++) {
		const struct sheet_row *row = &sheet->rows[i];
		struct text rest = row->text;
		int first = at;

		if (row->heading) {
			if (canvas && at >= 0 && at < rect.rows)
				canvas_rule(canvas, whole.row + at, whole.col, whole.cols,
					text_of(row->label));
			at++;
			label = label_cells(sheet, i + 1, section_end(sheet, i + 1), widest, rect.cols);
			continue;
		}
		do {
			struct text line = rest.len ? wrap_next(&rest, rect.cols - label) : rest;

			if (canvas && at >= 0 && at < rect.rows) {
				if (label && at == first)
					(void)canvas_put(canvas, rect.row + at, rect.col, label - 1, ROLE_DIM,
						text_of(row->label));
				(void)canvas_put(canvas, rect.row + at, rect.col + label, rect.cols - label,
					row->role, line);
			}
			at++;
		} while (rest.len && (!canvas || at < rect.rows));
		if (canvas && at >= rect.rows)
			return rect.rows;
	}
	return at;
}

int sheet_height(const struct sheet *sheet, int cols)
{
	return sheet_walk(sheet, NULL, (struct rect){ .cols = cols }, 0);
}

int sheet_draw(const struct sheet *sheet, struct canvas *canvas, struct rect rect, int skip)
{
	int rows, more;

	if (rect.rows <= 0 || rect.cols <= 0)
		return 0;
	rows = sheet_walk(sheet, canvas, rect, skip);
	more = sheet_height(sheet, rect.cols) - skip - rect.rows;
	if (more <= 0 || rect.rows <= 1 || rect.cols < 2 * MORE_CELLS)
		return rows;
	if (more > SHEET_MORE_MAX)
		(void)canvas_put(canvas, rect.row + rect.rows - 1, rect.col + rect.cols - MORE_CELLS,
			MORE_CELLS, ROLE_DIM, TEXT("  99+ more"));
	else
		(void)canvas_putf(canvas, rect.row + rect.rows - 1, rect.col + rect.cols - MORE_CELLS,
			MORE_CELLS, ROLE_DIM, " %4d more", more);
	return rows;
}

int pane_draw(const struct sheet *sheet, struct canvas *canvas, struct rect rect)
{
	canvas_lazy(canvas, rect);
	return sheet_draw(sheet, canvas, rect, 0);
}

static struct sheet sheet_of(const struct view *view)
{
	const struct sheet_view *state = view->state;

	return state->sheet_of ? state->sheet_of(view) : (struct sheet){ .arena = view->look.arena };
}

void sheet_view_draw(const struct view *view, struct canvas *canvas, struct rect rect)
{
	const struct sheet_view *state = view->state;
	struct sheet sheet = sheet_of(view);
	int most = sheet_height(&sheet, rect.cols) - rect.rows;

	/* On a larger screen, or when less has come, the end stays at the bottom. */
	most = most > 0 ? most : 0;
	(void)sheet_draw(&sheet, canvas, rect, state->skip < most ? state->skip : most);
}

int sheet_view_print_rows(const struct view *view)
{
	struct sheet sheet = sheet_of(view);

	return sheet_height(&sheet, view->rect.cols ? view->rect.cols : 80);
}

enum reply sheet_view_act(struct view *view, enum action action, struct app *app)
{
	struct sheet_view *state = view->state;
	struct sheet sheet = sheet_of(view);

	(void)app;
	return scroll_act(
		&state->skip, action, sheet_height(&sheet, view->rect.cols), view->rect.rows);
}
