/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "tui/app_state.h"

/*
 * Help for the screen below it, made from the tables at the moment it is opened: the screen's own
 * actions, everybody's, the columns, the signs.
 */
enum { HELP_LINES = 256, KEYS_WIDTH = 16, NAME_WIDTH = 14, MORE_WIDTH = 10, COLS_DEFAULT = 80,
	TEXT_LEAST = 12 };

struct help {
	struct arena arena; /* its own: nothing is loaded */
	struct help_line {
		struct line line;
		struct text sentence; /* goes on behind the line, broken where the screen ends */
		enum role role;
	} lines[HELP_LINES];
	int n, skip;
};

static const enum action help_actions[] = { ACT_UP, ACT_DOWN, ACT_PAGE_UP, ACT_PAGE_DOWN,
	ACT_HALF_UP, ACT_HALF_DOWN, ACT_FIRST, ACT_LAST, ACT_NONE };

static const struct {
	enum glyph glyph;
	enum role role;
	const char *meaning;
} legend[] = {
	{ GLYPH_OK, ROLE_OK, "good: completed, complete" },
	{ GLYPH_RUNNING, ROLE_RUNNING, "running" },
	{ GLYPH_WAITING, ROLE_WAITING, "waiting, queued, being set up" },
	{ GLYPH_WARN, ROLE_WARN, "warning: late, incomplete, degraded" },
	{ GLYPH_FAILED, ROLE_FAILED, "failed" },
	{ GLYPH_CANCELED, ROLE_CANCELED, "stopped by somebody" },
	{ GLYPH_SKIPPED, ROLE_SKIPPED, "not run because something before it failed" },
	{ GLYPH_UNKNOWN, ROLE_UNKNOWN, "state not known" },
	{ GLYPH_DASH, ROLE_UNKNOWN, "a number nobody reported; it is not zero" },
	{ GLYPH_MARK, ROLE_MARKED, "marked row" },
	{ GLYPH_FOLDED, ROLE_DIM, "folded: there is more of it, right unfolds" },
	{ GLYPH_OPEN, ROLE_DIM, "unfolded: left folds" },
	{ GLYPH_MORE, ROLE_DIM, "cut: there is no room for all of it" },
};

/* Beyond HELP_LINES there is nothing: the last line is written over. */
static struct line *add(struct help *help)
{
	struct help_line *line = &help->lines[help->n < HELP_LINES ? help->n++ : HELP_LINES - 1];

	*line = (struct help_line){ .role = ROLE_TEXT };
	line_init(&line->line, &help->arena);
	return &line->line;
}

static void sentence(struct help *help, enum role role, const char *text)
{
	help->lines[help->n - 1].sentence = text_of(text);
	help->lines[help->n - 1].role = role;
}

static void heading(struct help *help, const char *title)
{
	if (help->n > 0)
		(void)add(help);
	line_addf(add(help), ROLE_HEADING, " %s", title);
}

static void row(struct help *help, const char *first, enum role role, const char *second,
	const char *text)
{
	struct line *line = add(help);

	line_addf(line, role, " %-*s ", KEYS_WIDTH, first);
	line_addf(line, ROLE_TEXT, "%-*s ", NAME_WIDTH, second);
	sentence(help, ROLE_DIM, text);
}

static void action_row(struct help *help, const struct app *app, enum action action)
{
	char keys[128];

	bindings_keys(app->bindings, action, keys, sizeof keys);
	row(help, keys, ROLE_KEY, action_info(action)->name, action_info(action)->help);
}

static bool has_action(const struct view_ops *ops, enum action action)
{
	for (size_t i = 0; ops->actions && ops->actions[i] != ACT_NONE; i++)
		if (ops->actions[i] == action)
			return true;
	return false;
}

/* What of finding the list of a screen answers without the screen naming it. */
static void add_finding(struct help *help, const struct app *app, const struct view_ops *ops)
{
	static const enum action finding[] = { ACT_FILTER, ACT_NEXT_MATCH, ACT_PREV_MATCH };

	for (size_t i = 0; i < ARRAY_LEN(finding) && ops->filter; i++)
		if (!has_action(ops, finding[i]))
			action_row(help, app, finding[i]);
}

static void add_own(struct help *help, const struct app *app, const struct view_ops *ops)
{
	line_addf(add(help), ROLE_TITLE, " %s", ops->title ? ops->title : ops->name);
	line_addf(add(help), ROLE_TEXT, " ");
	sentence(help, ROLE_TEXT, ops->about ? ops->about : "");
	heading(help, "Keys of this screen");
	for (size_t i = 0; ops->actions && ops->actions[i] != ACT_NONE; i++)
		action_row(help, app, ops->actions[i]);
	add_finding(help, app, ops);
}

/* What the app answers on every screen; the rest belongs to screens that name it. */
static bool is_everywhere(enum action_group group)
{
	return group == GROUP_GENERAL || group == GROUP_SCREENS || group == GROUP_TIME ||
	       group == GROUP_OUT;
}

static void add_general(struct help *help, const struct app *app, const struct view_ops *ops)
{
	for (int group = 0; group < GROUP_COUNT; group++) {
		bool has_title = false;

		if (!is_everywhere((enum action_group)group))
			continue;
		for (int i = 1; i < ACT_COUNT; i++) {
			enum action action = (enum action)i;

			if ((int)action_info(action)->group != group || has_action(ops, action))
				continue;
			if (!has_title)
				heading(help, action_group_name((enum action_group)group));
			has_title = true;
			action_row(help, app, action);
		}
	}
}

static void add_columns(struct help *help, const struct table *table)
{
	if (!table)
		return;
	heading(help, "Columns");
	for (size_t i = 0; i < table->ncolumns; i++)
		row(help, table->columns[i].title, ROLE_STRONG, table->columns[i].name,
			table->columns[i].about ? table->columns[i].about : "");
}

static void add_rest(struct help *help, const struct look *look)
{
	const char *name, *text;

	heading(help, "Commands after :");
	for (size_t i = 0; command_at(i, &name, &text); i++)
		row(help, name, ROLE_KEY, "", text);
	for (size_t i = 0; setting_at(i, &name, &text); i++)
		row(help, "set", ROLE_KEY, name, text);
	heading(help, "Filter");
	row(help, "word word", ROLE_KEY, "", "every word must be in the row; case does not matter");
	row(help, "column:word", ROLE_KEY, "", "in that column");
	row(help, "!word", ROLE_KEY, "", "must not be there; a ! first turns the whole filter round");
	heading(help, "Signs");
	for (size_t i = 0; i < ARRAY_LEN(legend); i++) {
		struct line *line = add(help);

		line_addf(line, legend[i].role, " %.*s ", TEXT_ARG(glyph_text(look, legend[i].glyph)));
		line_add(line, ROLE_DIM, text_of(legend[i].meaning));
	}
}

void help_set(struct view *view, const struct app *app, struct screen *of)
{
	struct help *help = view->state;
	const struct view_ops *ops = of->view->ops;

	add_own(help, app, ops);
	add_columns(help, ops->table ? ops->table(of->view) : NULL);
	add_general(help, app, ops);
	add_rest(help, &view->look);
}

/* The next piece of a sentence: up to the last blank that fits, all of it where there is no room. */
static struct text next_piece(struct text *rest, int room)
{
	struct text piece = *rest;

	if (room >= TEXT_LEAST && (int)utf8_width(piece) > room) {
		size_t used;

		piece = utf8_head(*rest, (size_t)room, &used);
		while (piece.len > 0 && rest->bytes[piece.len] != ' ')
			piece.len--;
		if (piece.len == 0)
			piece = *rest;
	}
	*rest = text_trim(text_sub(*rest, piece.len, rest->len));
	return piece;
}

/* Draws or, without a canvas, counts: how many rows there are. */
static int walk(const struct help *help, struct canvas *canvas, struct rect rect, int skip)
{
	int at = 0;

	for (int i = 0; i < help->n; i++) {
		const struct help_line *line = &help->lines[i];
		int indent = (int)line_width(&line->line);
		struct text rest = line->sentence;
		bool first = true;

		do {
			struct text piece = next_piece(&rest, rect.cols - indent);
			int row = at++ - skip;

			if (canvas && first && row >= 0 && row < rect.rows)
				canvas_line(canvas, rect.row + row, rect.col, rect.cols, &line->line, false);
			if (canvas && row >= 0 && row < rect.rows && indent < rect.cols)
				(void)canvas_put(canvas, rect.row + row, rect.col + indent,
					rect.cols - indent, line->role, piece);
			first = false;
		} while (rest.len > 0);
	}
	return at;
}

static int help_rows(const struct view *view)
{
	return walk(view->state, NULL, (struct rect){
		.cols = view->rect.cols > 0 ? view->rect.cols : COLS_DEFAULT }, 0);
}

static void help_draw(const struct view *view, struct canvas *canvas, struct rect rect)
{
	const struct help *help = view->state;
	int most = walk(help, NULL, rect, 0) - rect.rows;
	int skip = help->skip < most ? help->skip : most > 0 ? most : 0;
	int more = walk(help, canvas, rect, skip) - skip - rect.rows;

	if (more > 0 && rect.cols > MORE_WIDTH)
		canvas_putf(canvas, rect.row + rect.rows - 1, rect.col + rect.cols - MORE_WIDTH,
			MORE_WIDTH, ROLE_DIM, " %4d more", more);
}

static enum reply help_act(struct view *view, enum action action, struct app *app)
{
	struct help *help = view->state;
	int page = view->rect.rows > 1 ? view->rect.rows - 1 : 1;
	int rows = help_rows(view), last = rows > view->rect.rows ? rows - view->rect.rows : 0;

	(void)app;
	switch ((int)action) {
	case ACT_UP: help->skip--; break;
	case ACT_DOWN: help->skip++; break;
	case ACT_PAGE_UP: help->skip -= page; break;
	case ACT_PAGE_DOWN: help->skip += page; break;
	case ACT_HALF_UP: help->skip -= page / 2; break;
	case ACT_HALF_DOWN: help->skip += page / 2; break;
	case ACT_FIRST: help->skip = 0; break;
	case ACT_LAST: help->skip = last; break;
	case ACT_HELP:
	case ACT_QUIT: return REPLY_CLOSE;
	default: return REPLY_IGNORED;
	}
	help->skip = help->skip > last ? last : help->skip < 0 ? 0 : help->skip;
	return REPLY_DONE;
}

static void help_close(struct view *view)
{
	struct help *help = view->state;

	arena_free(&help->arena);
}

const struct view_ops help_view = {
	.name = "help",
	.title = "help",
	.about = "Every key that works on a screen, its columns and signs",
	.state_size = sizeof(struct help),
	.actions = help_actions,
	.draw = help_draw,
	.act = help_act,
	.print_rows = help_rows,
	.close = help_close,
};
