/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tui/app_state.h"
#include "tui/when.h"

/*
 * The command line `:`. A word is, in this order: one of the commands below, a screen (with what it
 * is opened on), an action. Completion walks the same tables.
 */

static struct text next_word(struct text *rest)
{
	struct text word = TEXT_NONE;

	*rest = text_trim(*rest);
	if (!text_split(rest, ' ', &word))
		return TEXT("");
	*rest = text_trim(*rest);
	return word;
}

/* A command's argument as a C string; what is longer than any valid one is cut. */
static void terminated(struct text text, char *out, size_t room)
{
	size_t len = text.len < room - 1 ? text.len : room - 1;

	if (len > 0)
		memcpy(out, text.bytes, len);
	out[len] = '\0';
}

static bool run_quit(struct app *app, struct text rest, struct err *err)
{
	(void)rest;
	(void)err;
	app->is_over = true;
	return true;
}

static bool run_as_of(struct app *app, struct text rest, struct err *err)
{
	int64_t at;

	if (!when_parse(rest, app_now(app), app->utc, &at, err))
		return false;
	app_set_as_of(app, at);
	return true;
}

static bool run_write(struct app *app, struct text rest, struct err *err)
{
	return app_write(app, rest, err);
}

static bool run_filter(struct app *app, struct text rest, struct err *err)
{
	if (!app_top(app)->view->ops->filter)
		return err_set(err, ERR_USAGE, 0, "nothing to filter here");
	app_set_filter(app, rest);
	return true;
}

static bool run_sort(struct app *app, struct text rest, struct err *err)
{
	struct view *view = app_top(app)->view;
	struct table *table = view->ops->table ? view->ops->table(view) : NULL;
	struct text column = next_word(&rest), order = next_word(&rest);
	struct look look = app_look(app);

	if (!table)
		return err_set(err, ERR_USAGE, 0, "nothing to sort here");
	if (!table_sort(table, column, text_is(order, "desc"), &look))
		return err_set(err, ERR_USAGE, 0, "there is no column \"%.*s\"; Tab completes",
			TEXT_ARG(text_sub(column, 0, 40)));
	return true;
}

static bool set_flag(struct text value, bool *flag, struct err *err)
{
	if (value.len == 0)
		*flag = !*flag;
	else if (text_is(value, "on") || text_is(value, "yes"))
		*flag = true;
	else if (text_is(value, "off") || text_is(value, "no"))
		*flag = false;
	else
		return err_set(err, ERR_USAGE, 0, "on or off, not \"%.*s\"",
			TEXT_ARG(text_sub(value, 0, 40)));
	return true;
}

static bool set_utc(struct app *app, struct text value, struct err *err)
{
	return set_flag(value, &app->utc, err);
}

static bool set_ascii(struct app *app, struct text value, struct err *err)
{
	return set_flag(value, &app->ascii, err);
}

static bool set_mouse(struct app *app, struct text value, struct err *err)
{
	if (!set_flag(value, &app->mouse, err))
		return false;
	if (app->host.set_mouse)
		app->host.set_mouse(app->host.context, app->mouse);
	return true;
}

static bool set_theme(struct app *app, struct text value, struct err *err)
{
	char name[64];

	terminated(value, name, sizeof name);
	if (!app->host.set_theme)
		return true;
	return app->host.set_theme(app->host.context, name, err);
}

static bool set_step(struct app *app, struct text value, struct err *err)
{
	if (when_span(value, &app->step_ms))
		return true;
	return err_set(err, ERR_USAGE, 0, "a step is written 30s, 10m, 1h");
}

static const struct {
	const char *name, *help;
	bool (*run)(struct app *app, struct text value, struct err *err);
} settings[] = {
	{ "theme", "colors by name", set_theme },
	{ "utc", "on: times in UTC", set_utc },
	{ "ascii", "on: lines and glyphs in ASCII", set_ascii },
	{ "mouse", "on: click a row, a column to sort, scroll; selecting text needs Shift", set_mouse },
	{ "step", "how far < and > go in time", set_step },
};

static bool run_set(struct app *app, struct text rest, struct err *err)
{
	struct text name = next_word(&rest);
	const char *names[ARRAY_LEN(settings)], *near;

	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		names[i] = settings[i].name;
		if (text_is(name, settings[i].name))
			return settings[i].run(app, rest, err);
	}
	near = text_nearest(name, names, ARRAY_LEN(names));
	return err_set(err, ERR_USAGE, 0, "set: no \"%.*s\"%s%s", TEXT_ARG(text_sub(name, 0, 40)),
		near ? "; did you mean " : "", near ? near : "");
}

static const struct {
	const char *name, *help;
	bool (*run)(struct app *app, struct text rest, struct err *err);
} commands[] = {
	{ "q", "leave Weir", run_quit },
	{ "as-of", "show everything as known at a time; now goes back", run_as_of },
	{ "filter", "keep rows that match", run_filter },
	{ "set", "theme, utc, ascii, mouse, step", run_set },
	{ "sort", "by a column; desc turns it round", run_sort },
	{ "write", "this screen to a file: .csv, .json, else text", run_write },
};

static bool unknown(const struct app *app, struct text name, struct err *err)
{
	const char *names[ARRAY_LEN(commands) + (size_t)ACT_COUNT + 64];
	const char *near;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		names[n++] = commands[i].name;
	for (int i = 1; i < ACT_COUNT; i++)
		names[n++] = action_info((enum action)i)->name;
	for (size_t i = 0; app->console->views[i] && n < ARRAY_LEN(names); i++)
		names[n++] = app->console->views[i]->name;
	near = text_nearest(name, names, n);
	return err_set(err, ERR_USAGE, 0, "no command \"%.*s\"%s%s%s", TEXT_ARG(text_sub(name, 0, 40)),
		near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

/* A screen that takes two words has its second behind the last blank; a number is also a number. */
static void view_arg_of(const struct view_ops *ops, struct text rest, struct view_arg *arg)
{
	size_t at = rest.len;

	if (ops->arg && strchr(ops->arg, ' '))
		while (at > 0 && rest.bytes[at - 1] != ' ')
			at--;
	else
		at = 0;
	if (at > 0)
		terminated(text_sub(rest, at, rest.len), arg->subject2, sizeof arg->subject2);
	if (!text_to_i64(text_sub(rest, at, rest.len), &arg->number))
		arg->number = 0;
	terminated(at > 0 ? text_trim(text_sub(rest, 0, at)) : rest, arg->subject, sizeof arg->subject);
}

static bool run(struct app *app, struct text name, struct text rest, struct err *err)
{
	const struct view_ops *ops;
	struct view_arg arg = { .subject = "" };
	enum action action;

	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (text_is(name, commands[i].name))
			return commands[i].run(app, rest, err);
	ops = app_find_view(app, name);
	if (ops) {
		view_arg_of(ops, rest, &arg);
		return app_switch(app, ops->name, rest.len > 0 ? &arg : NULL, err);
	}
	action = action_by_name(name);
	if (action == ACT_NONE)
		return unknown(app, name, err);
	app_act(app, action);
	return true;
}

void command_run(struct app *app, struct text line)
{
	struct err err = ERR_INIT;
	struct text name = next_word(&line);

	if (name.len > 0 && !run(app, name, line, &err))
		app_error(app, &err);
}

/* ---- completion ---- */

/* The n-th of the names that begin with the head, in the order asked for. */
struct match {
	struct text head, found;
	size_t skip;
};

static bool matches(struct match *match, const char *name)
{
	if (match->head.len > 0 && !text_starts(text_of(name), match->head))
		return false;
	if (match->skip-- > 0)
		return false;
	match->found = text_of(name);
	return true;
}

static struct text first_word(const struct app *app, struct match *match)
{
	for (size_t i = 0; app->console->views[i]; i++)
		if (matches(match, app->console->views[i]->name))
			return match->found;
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (matches(match, commands[i].name))
			return match->found;
	for (int i = 1; i < ACT_COUNT; i++) {
		const struct action_info *info = action_info((enum action)i);

		if (!app_find_view(app, text_of(info->name)) && matches(match, info->name))
			return match->found;
	}
	return TEXT_NONE;
}

static struct text column_word(const struct app *app, struct match *match)
{
	struct view *view = app_top(app)->view;
	const struct table *table = view->ops->table ? view->ops->table(view) : NULL;

	for (size_t i = 0; table && i < table->ncolumns; i++)
		if (!(table->columns[i].flags & COLUMN_NO_SORT) && matches(match, table->columns[i].name))
			return match->found;
	return TEXT_NONE;
}

static struct text theme_word(const struct app *app, struct match *match)
{
	const char *name;

	for (size_t i = 0; app->host.theme_name; i++) {
		name = app->host.theme_name(i);
		if (!name)
			break;
		if (matches(match, name))
			return match->found;
	}
	return TEXT_NONE;
}

static struct text setting_word(struct match *match)
{
	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		if (matches(match, settings[i].name))
			return match->found;
	return TEXT_NONE;
}

struct text command_candidate(void *context, struct text line, size_t *from_out, size_t n)
{
	const struct app *app = context;
	struct match match = { .skip = n };
	size_t from = line.len;

	if (app->prompt.kind != PROMPT_COMMAND)
		return TEXT_NONE;
	while (from > 0 && line.bytes[from - 1] != ' ')
		from--;
	*from_out = from;
	match.head = text_sub(line, from, line.len);
	if (from == 0)
		return first_word(app, &match);
	line = text_trim(text_sub(line, 0, from));
	if (text_is(line, "sort"))
		return column_word(app, &match);
	if (text_is(line, "set theme"))
		return theme_word(app, &match);
	if (text_is(line, "set"))
		return setting_word(&match);
	return TEXT_NONE;
}

bool command_at(size_t index, const char **name_out, const char **help_out)
{
	if (index >= ARRAY_LEN(commands))
		return false;
	*name_out = commands[index].name;
	*help_out = commands[index].help;
	return true;
}

bool setting_at(size_t index, const char **name_out, const char **help_out)
{
	if (index >= ARRAY_LEN(settings))
		return false;
	*name_out = settings[index].name;
	*help_out = settings[index].help;
	return true;
}
