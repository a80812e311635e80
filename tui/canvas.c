/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/canvas.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

/* A cluster of clean text is at most a base and four marks of four bytes each. */
enum { CLUSTER_BYTES = 20, CLEAN_BYTES = (CANVAS_MAX_COLS + 2) * CLUSTER_BYTES };

static const struct cell blank = { .bytes = " ", .len = 1, .role = ROLE_TEXT };

const char *role_name(enum role role)
{
	static const char *const names[] = {
#define X(id, name, about) [ROLE_##id] = name,
#include "tui/roles.def"
#undef X
	};
	_Static_assert(ARRAY_LEN(names) == ROLE_COUNT, "a name for each role");

	return role < ROLE_COUNT ? names[role] : "?";
}

static int clamp(int value, int least, int most)
{
	return value < least ? least : value > most ? most : value;
}

void canvas_init(struct canvas *canvas, int rows, int cols)
{
	*canvas = (struct canvas){ .cursor_row = -1, .cursor_col = -1 };
	canvas_resize(canvas, rows, cols);
}

void canvas_done(struct canvas *canvas)
{
	FREE(&canvas->cells);
	canvas->rows = 0;
	canvas->cols = 0;
}

void canvas_resize(struct canvas *canvas, int rows, int cols)
{
	canvas->rows = clamp(rows, 1, CANVAS_MAX_ROWS);
	canvas->cols = clamp(cols, 1, CANVAS_MAX_COLS);
	canvas->cells = mem_resize(canvas->cells, (size_t)canvas->rows * (size_t)canvas->cols,
		sizeof *canvas->cells);
	canvas_clear(canvas);
}

void canvas_clear(struct canvas *canvas)
{
	size_t n = (size_t)canvas->rows * (size_t)canvas->cols;

	for (size_t i = 0; i < n; i++)
		canvas->cells[i] = blank;
	canvas->cursor_row = -1;
	canvas->cursor_col = -1;
}

struct rect canvas_all(const struct canvas *canvas)
{
	return (struct rect){ 0, 0, canvas->rows, canvas->cols };
}

static struct cell *cell_at(const struct canvas *canvas, int row, int col)
{
	if (row < 0 || row >= canvas->rows || col < 0 || col >= canvas->cols)
		return NULL;
	return &canvas->cells[(size_t)row * (size_t)canvas->cols + (size_t)col];
}

static void make_blank(struct cell *cell)
{
	cell->bytes[0] = ' ';
	cell->len = 1;
}

/* Half a wide character cannot stand alone: what loses its other half becomes a blank. */
static void free_cell(struct canvas *canvas, int row, int col)
{
	struct cell *cell = cell_at(canvas, row, col);
	struct cell *left = cell_at(canvas, row, col - 1);
	struct cell *right = cell_at(canvas, row, col + 1);

	if (cell->len == 0 && left)
		make_blank(left);
	if (cell->len > 0 && right && right->len == 0)
		make_blank(right);
	make_blank(cell);
}

static void put_blank(struct canvas *canvas, int row, int col, enum role role)
{
	if (!cell_at(canvas, row, col))
		return;
	free_cell(canvas, row, col);
	cell_at(canvas, row, col)->role = (unsigned char)role;
}

/* Longest head of the cluster that ends at a code point and fits a cell. */
static size_t fitting(struct text cluster)
{
	size_t at = 0;

	while (at < cluster.len) {
		size_t next;

		(void)utf8_next(cluster, at, &next);
		if (next > CELL_BYTES)
			break;
		at = next;
	}
	return at;
}

static void put_cluster(struct canvas *canvas, int row, int col, enum role role,
	struct text cluster, int cells)
{
	struct cell *cell = cell_at(canvas, row, col);
	struct cell *right = cells == 2 ? cell_at(canvas, row, col + 1) : NULL;
	size_t len;

	if (cells == 2 && (!cell || !right)) {
		put_blank(canvas, row, col, role);
		put_blank(canvas, row, col + 1, role);
		return;
	}
	if (!cell)
		return;
	free_cell(canvas, row, col);
	len = fitting(cluster);
	memcpy(cell->bytes, cluster.bytes, len);
	cell->len = (unsigned char)len;
	cell->role = (unsigned char)role;
	if (!right)
		return;
	free_cell(canvas, row, col + 1);
	/* Freeing the right cell of an old pair blanked nothing of ours: ours is not wide yet. */
	right->len = 0;
	right->role = (unsigned char)role;
}

static int put_clean(struct canvas *canvas, int row, int col, enum role role, struct text text)
{
	int used = 0;
	size_t at = 0;

	while (at < text.len) {
		int cells;
		size_t next = utf8_cluster(text, at, &cells);

		if (cells > 0)
			put_cluster(canvas, row, col + used, role,
				text_sub(text, at, next - at), cells);
		used += cells;
		at = next;
	}
	return used;
}

/* Text as it may be drawn; a long one is first cut to what no canvas could show more of. */
static struct text drawable(struct text text, struct buf *buf)
{
	text = text_sub(text, 0, CLEAN_BYTES);
	if (text.len == 0 || utf8_is_clean(text))
		return text;
	(void)utf8_clean(buf, text, UTF8_ONE_LINE); /* cut = longer than any row */
	return buf_text(buf);
}

static struct text ellipsis(const struct canvas *canvas)
{
	return canvas->ascii ? TEXT("~") : TEXT("…");
}

static int put_fitted(struct canvas *canvas, int row, int col, int width, enum role role,
	struct text text)
{
	size_t used;

	if (utf8_width(text) <= (size_t)width)
		return put_clean(canvas, row, col, role, text);
	text = utf8_head(text, (size_t)width - 1, &used);
	(void)put_clean(canvas, row, col, role, text);
	(void)put_clean(canvas, row, col + (int)used, role, ellipsis(canvas));
	return (int)used + 1;
}

static int put(struct canvas *canvas, int row, int col, int width, enum role role,
	struct text text, bool right)
{
	char bytes[CLEAN_BYTES + 1];
	struct buf buf = { .bytes = bytes, .room = sizeof bytes, .max = sizeof bytes - 1 };
	bool pad = width >= 0;
	int used;
	int shift = 0;

	if (row < 0 || row >= canvas->rows || col >= canvas->cols || col < -CANVAS_MAX_COLS)
		return 0;
	if (!pad || width > canvas->cols - col)
		width = canvas->cols - col;
	if (width <= 0)
		return 0;
	bytes[0] = '\0';
	text = drawable(text, &buf);
	if (right && utf8_width(text) < (size_t)width)
		shift = width - (int)utf8_width(text);
	used = put_fitted(canvas, row, col + shift, width - shift, role, text);
	for (int i = 0; i < shift; i++)
		put_blank(canvas, row, col + i, role);
	for (int i = shift + used; pad && i < width; i++)
		put_blank(canvas, row, col + i, role);
	return used;
}

int canvas_put(struct canvas *canvas, int row, int col, int width, enum role role, struct text text)
{
	return put(canvas, row, col, width, role, text, false);
}

int canvas_putf(struct canvas *canvas, int row, int col, int width, enum role role, const char *fmt,
	...)
{
	char text[CANVAS_MAX_COLS * 4 + 1];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text, sizeof text, fmt, args); /* cut = longer than any row */
	va_end(args);
	if (n < 0)
		return 0;
	return canvas_put(canvas, row, col, width, role, text_of(text));
}

void canvas_put_right(struct canvas *canvas, int row, int col, int width, enum role role,
	struct text text)
{
	(void)put(canvas, row, col, width, role, text, true);
}

void canvas_sentence(struct canvas *canvas, struct rect rect, enum role role, struct text text)
{
	char bytes[CLEAN_BYTES + 1];
	struct buf buf = { .bytes = bytes, .room = sizeof bytes, .max = sizeof bytes - 1 };

	bytes[0] = '\0';
	text = drawable(text, &buf);
	for (int row = 0; row < rect.rows && rect.cols > 0 && text.len > 0; row++) {
		size_t used;
		struct text head = utf8_head(text, (size_t)rect.cols, &used);

		if (head.len < text.len && row + 1 < rect.rows) {
			while (head.len > 0 && head.bytes[head.len - 1] != ' ')
				head.len--;
			if (head.len == 0)
				head = utf8_head(text, (size_t)rect.cols, &used);
		} else {
			head = text;
		}
		if (head.len == 0)
			return;
		(void)canvas_put(canvas, rect.row + row, rect.col, rect.cols, role, head);
		text = text_trim(text_sub(text, head.len, text.len));
	}
}

/* The part of a rectangle that lies on the canvas; sums in long so that no edge overflows. */
static struct rect clip(const struct canvas *canvas, struct rect rect)
{
	long bottom = (long)rect.row + rect.rows;
	long right = (long)rect.col + rect.cols;

	rect.row = rect.row < 0 ? 0 : rect.row;
	rect.col = rect.col < 0 ? 0 : rect.col;
	rect.rows = (int)(bottom > canvas->rows ? canvas->rows : bottom) - rect.row;
	rect.cols = (int)(right > canvas->cols ? canvas->cols : right) - rect.col;
	return rect;
}

void canvas_fill(struct canvas *canvas, struct rect rect, enum role role)
{
	rect = clip(canvas, rect);
	for (int row = 0; row < rect.rows; row++) {
		for (int col = 0; col < rect.cols; col++)
			put_blank(canvas, rect.row + row, rect.col + col, role);
	}
}

void canvas_rule(struct canvas *canvas, int row, int col, int width, struct text title)
{
	static const int lead = 2; /* cells of rule before the title */
	struct text dash = canvas->ascii ? TEXT("-") : TEXT("─");
	struct rect line = clip(canvas, (struct rect){ row, col, 1, width < 0 ? canvas->cols : width });

	if (line.rows < 1)
		return;
	for (int i = 0; i < line.cols; i++)
		(void)put_clean(canvas, row, line.col + i, ROLE_BORDER, dash);
	if (title.len > 0 && line.cols > lead + 3) {
		int room = line.cols - lead - 2;
		int used = 0;
		char bytes[CLEAN_BYTES + 1];
		struct buf buf = { .bytes = bytes, .room = sizeof bytes, .max = sizeof bytes - 1 };

		bytes[0] = '\0';
		used = put_fitted(canvas, row, line.col + lead + 1, room, ROLE_HEADING,
			drawable(title, &buf));
		put_blank(canvas, row, line.col + lead, ROLE_BORDER);
		put_blank(canvas, row, line.col + lead + 1 + used, ROLE_BORDER);
	}
}

void canvas_select(struct canvas *canvas, struct rect rect)
{
	rect = clip(canvas, rect);
	for (int row = 0; row < rect.rows; row++) {
		for (int col = 0; col < rect.cols; col++)
			cell_at(canvas, rect.row + row, rect.col + col)->selected = true;
	}
}

void canvas_lazy(struct canvas *canvas, struct rect rect)
{
	rect = clip(canvas, rect);
	for (int row = 0; row < rect.rows; row++) {
		for (int col = 0; col < rect.cols; col++)
			cell_at(canvas, rect.row + row, rect.col + col)->lazy = true;
	}
}

void canvas_cursor(struct canvas *canvas, int row, int col)
{
	canvas->cursor_row = clamp(row, -1, canvas->rows - 1);
	canvas->cursor_col = clamp(col, -1, canvas->cols - 1);
}

void canvas_dump(const struct canvas *canvas, struct buf *buf)
{
	for (int row = 0; row < canvas->rows; row++) {
		size_t begin = buf->len;

		for (int col = 0; col < canvas->cols; col++) {
			const struct cell *cell = cell_at(canvas, row, col);

			(void)buf_add_bytes(buf, cell->bytes, cell->len); /* full is the owner's */
		}
		while (buf->len > begin && buf->bytes[buf->len - 1] == ' ')
			buf_cut(buf, buf->len - 1);
		(void)buf_add_char(buf, '\n');
	}
}

static void dump_row(const struct canvas *canvas, int row, struct buf *buf)
{
	enum role role = ROLE_TEXT;
	bool selected = false;
	bool open = false;

	for (int col = 0; col < canvas->cols; col++) {
		const struct cell *cell = cell_at(canvas, row, col);

		if (cell->len > 0 && (cell->role != role || cell->selected != selected)) {
			if (open)
				(void)buf_add_char(buf, '}');
			role = cell->role;
			selected = cell->selected;
			open = role != ROLE_TEXT || selected;
			if (open)
				(void)buf_addf(buf, "{%s%s:", role_name(role), selected ? "*" : "");
		}
		if (row == canvas->cursor_row && col == canvas->cursor_col)
			(void)buf_add_char(buf, '^');
		(void)buf_add_bytes(buf, cell->bytes, cell->len);
	}
	(void)buf_add_str(buf, open ? "}|\n" : "|\n");
}

void canvas_dump_roles(const struct canvas *canvas, struct buf *buf)
{
	for (int row = 0; row < canvas->rows; row++)
		dump_row(canvas, row, buf);
}
