/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tui/app_state.h"

/* The screens that are open, one over the other, and those before them. */

const struct view_ops *app_find_view(const struct app *app, struct text name)
{
	for (const struct view_ops *const *ops = app->console->views; *ops; ops++)
		if (text_is(name, (*ops)->name))
			return *ops;
	return NULL;
}

static void screen_free(struct screen *screen)
{
	view_free(screen->view);
	free(screen);
}

void stack_free(struct stack *stack)
{
	while (stack->n > 0)
		screen_free(stack->screens[--stack->n]);
}

/* The head of an id, as people quote it. */
static bool is_uuid(struct text text)
{
	static const size_t dashes[] = { 8, 13, 18, 23 };

	for (size_t i = 0; text.len == 36 && i < ARRAY_LEN(dashes); i++)
		if (text.bytes[dashes[i]] != '-')
			return false;
	return text.len == 36;
}

/* By its name where the screen below knows one for the id, else by what it was asked for. */
static void set_crumb(const struct app *app, struct screen *screen)
{
	const struct screen *below = app_top(app);
	struct text what = text_of(screen->view->arg.subject);
	struct subject subject = { .name = "" };

	if (screen->view->arg.label[0])
		what = text_of(screen->view->arg.label);
	else if (below && below->view->ops->subject && below->view->ops->subject(below->view, &subject) &&
		subject.name[0] && text_is(what, subject.id))
		what = text_of(subject.name);
	if (is_uuid(what))
		what = text_sub(what, 0, 8);
	(void)snprintf(screen->crumb, sizeof screen->crumb, "%.*s",
		(int)(what.len < CRUMB_MAX ? what.len : CRUMB_MAX - 1), what.len ? what.bytes : "");
}

static struct screen *screen_new(struct app *app, const struct view_ops *ops,
	const struct view_arg *arg, struct err *err)
{
	struct look look = app_look(app);
	struct screen *screen;
	struct view *view;

	if (ops->arg_required && (!arg || !arg->subject[0])) {
		(void)err_set(err, ERR_USAGE, 0, "%s needs %s", ops->name, ops->arg);
		return NULL;
	}
	view = view_new(ops, arg, &look, err);
	if (!view)
		return NULL;
	screen = NEW(struct screen);
	screen->view = view;
	set_crumb(app, screen);
	return screen;
}

static void stack_push(struct app *app, struct screen *screen)
{
	if (app->stack.n == STACK_MAX) {
		screen_free(app->stack.screens[1]);
		memmove(app->stack.screens + 1, app->stack.screens + 2,
			(STACK_MAX - 2) * sizeof app->stack.screens[0]);
		app->stack.n--;
	}
	app->stack.screens[app->stack.n++] = screen;
	app_stale(app);
}

void app_help(struct app *app)
{
	struct err err = ERR_INIT;
	struct screen *of = app_top(app), *screen = screen_new(app, &help_view, NULL, &err);

	help_set(screen->view, app, of);
	stack_push(app, screen);
}

void app_open(struct app *app, const char *view_name, const struct view_arg *arg)
{
	const struct view_ops *ops = app_find_view(app, text_of(view_name));
	struct err err = ERR_INIT;
	struct screen *screen;

	if (!ops) {
		app_message(app, ROLE_FAILED, "there is no screen \"%s\"", view_name);
		return;
	}
	screen = screen_new(app, ops, arg, &err);
	if (!screen) {
		app_error(app, &err);
		return;
	}
	stack_push(app, screen);
}

bool app_switch(struct app *app, const char *view_name, const struct view_arg *arg, struct err *err)
{
	const struct view_ops *ops = app_find_view(app, text_of(view_name));
	struct screen *screen, *root = app->stack.n > 0 ? app->stack.screens[0] : NULL;

	if (!ops)
		return err_set(err, ERR_ABSENT, 0, "there is no screen \"%s\"", view_name);
	/* The key of the screen one came from leads back to it as it was left. */
	if (!arg && root && root->view->ops == ops && !root->view->arg.subject[0]) {
		while (app->stack.n > 1)
			screen_free(app->stack.screens[--app->stack.n]);
		app_stale(app);
		return true;
	}
	screen = screen_new(app, ops, arg, err);
	if (!screen)
		return false;
	stack_free(&app->last);
	app->last = app->stack;
	app->stack.n = 0;
	stack_push(app, screen);
	return true;
}

void app_back(struct app *app)
{
	struct screen *top = app_top(app);

	if (top->filter[0]) {
		app_set_filter(app, TEXT(""));
		return;
	}
	if (app->stack.n <= 1) {
		app_message(app, ROLE_DIM, "this is the first screen; %s leaves",
			app_key_name(app, ACT_QUIT));
		return;
	}
	screen_free(top);
	app->stack.n--;
	app_stale(app);
}

void app_last_view(struct app *app)
{
	struct stack stack = app->last;

	if (stack.n == 0) {
		if (app->stack.n > 1)
			app_back(app);
		else
			app_message(app, ROLE_DIM, "no other screen was open yet");
		return;
	}
	app->last = app->stack;
	app->stack = stack;
	app_stale(app);
}
