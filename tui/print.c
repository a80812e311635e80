/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/print.h"

#include "base/clock.h"
#include "tui/canvas.h"

enum { ROWS_DEFAULT = 22, HEAD_MAX = 1024 };

static void print_head(const struct view *view, int cols, bool ascii, struct buf *out)
{
	struct buf line;
	struct canvas canvas;
	int col = 0;

	buf_init(&line, HEAD_MAX);
	(void)buf_add_str(&line, "as of ");
	time_format_utc(&line, view->look.now_ms);
	canvas_init(&canvas, 1, cols);
	canvas.ascii = ascii;
	col = canvas_putf(&canvas, 0, 0, -1, ROLE_TITLE, "weir  %s",
		view->ops->title ? view->ops->title : view->ops->name);
	if (view->arg.subject[0])
		col += canvas_putf(&canvas, 0, col, -1, ROLE_STRONG, " %s", view->arg.subject);
	if (col + 2 + (int)line.len <= cols)
		canvas_put_right(&canvas, 0, col + 2, cols - col - 2, ROLE_TEXT, buf_text(&line));
	else if ((int)line.len <= cols)
		canvas_put_right(&canvas, 0, 0, cols, ROLE_TEXT, buf_text(&line));
	canvas_dump(&canvas, out);
	canvas_done(&canvas);
	buf_done(&line);
}

static void print_text(struct view *view, int cols, struct buf *out)
{
	int rows = view->ops->print_rows ? view->ops->print_rows(view) : 0;
	int left_out = 0;
	struct canvas canvas;

	rows = rows > 0 ? rows : ROWS_DEFAULT;
	if (rows > CANVAS_MAX_ROWS) {
		left_out = rows - CANVAS_MAX_ROWS;
		rows = CANVAS_MAX_ROWS;
	}
	canvas_init(&canvas, rows, cols);
	canvas.ascii = view->look.ascii;
	view->rect = canvas_all(&canvas);
	view->ops->draw(view, &canvas, view->rect);
	canvas_dump(&canvas, out);
	canvas_done(&canvas);
	/* What the screen left empty at its end is not worth a script's attention. */
	while (out->len > 1 && out->bytes[out->len - 1] == '\n' && out->bytes[out->len - 2] == '\n')
		buf_cut(out, out->len - 1);
	if (left_out > 0)
		(void)buf_addf(out, "%d more rows: --csv and --json have them all\n", left_out);
}

bool print_view(struct view *view, enum print_form form, int cols, struct buf *out, struct err *err)
{
	const struct view_ops *ops = view->ops;

	switch (form) {
	case PRINT_TEXT:
		print_head(view, cols, view->look.ascii, out);
		print_text(view, cols, out);
		break;
	case PRINT_JSON:
		if (!ops->json)
			return err_set(err, ERR_USAGE, 0, "%s has no JSON form", ops->name);
		return ops->json(view, out, err);
	case PRINT_CSV:
		if (!ops->csv)
			return err_set(err, ERR_USAGE, 0, "%s has no CSV form", ops->name);
		ops->csv(view, out);
		break;
	}
	/* Cut, it would look as if that were all. */
	return !out->full ||
		err_set(err, ERR_LIMIT, 0, "%s as text is larger than %zu bytes", ops->name, out->max);
}
