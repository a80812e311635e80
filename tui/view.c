/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/view.h"

#include "base/clock.h"
#include "base/mem.h"

struct view *view_new(const struct view_ops *ops, const struct view_arg *arg, const struct look *look,
	struct err *err)
{
	struct view *view = NEW(struct view);

	view->ops = ops;
	view->look = *look;
	view->loaded_at_ms = TIME_UNKNOWN;
	view->is_stale = true;
	if (arg)
		view->arg = *arg;
	view->state = mem_zero(1, ops->state_size);
	if (ops->open && !ops->open(view, err)) {
		free(view->state);
		free(view);
		return NULL;
	}
	return view;
}

bool view_load(struct view *view, struct reader *reader, int64_t now_ms, struct err *err)
{
	struct arena before = view->arena;

	view->arena = (struct arena){ 0 };
	if (view->ops->load && !view->ops->load(view, reader, err)) {
		arena_free(&view->arena);
		view->arena = before;
		view->load_err = *err;
		return false;
	}
	arena_free(&before);
	view->load_err = (struct err)ERR_INIT;
	view->loaded_at_ms = now_ms;
	view->is_stale = false;
	return true;
}

void view_free(struct view *view)
{
	if (!view)
		return;
	if (view->ops->close)
		view->ops->close(view);
	arena_free(&view->arena);
	free(view->state);
	free(view);
}
