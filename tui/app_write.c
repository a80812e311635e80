/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "tui/app_state.h"
#include "tui/print.h"

/* Writing a screen to a file: a snapshot of what is shown, never over a file that is there. */

enum { WRITE_COLS = 160, WRITE_MAX = 64 << 20 };

static enum print_form form_of(struct text path)
{
	if (text_ends(path, TEXT(".json")))
		return PRINT_JSON;
	return text_ends(path, TEXT(".csv")) ? PRINT_CSV : PRINT_TEXT;
}

static bool write_whole(const char *path, struct text bytes, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	size_t at = 0;

	if (fd < 0)
		return err_errno(err, errno, "write %s", path);
	while (at < bytes.len) {
		ssize_t n = write(fd, bytes.bytes + at, bytes.len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			(void)err_errno(err, errno, "write %s", path);
			(void)close(fd);
			(void)unlink(path);
			return false;
		}
		at += (size_t)n;
	}
	if (close(fd) != 0)
		return err_errno(err, errno, "write %s", path);
	return true;
}

bool app_write(struct app *app, struct text path, struct err *err)
{
	struct view *view = app_top(app)->view;
	struct rect rect = view->rect;
	struct buf name, bytes;
	bool good;

	path = text_trim(path);
	if (path.len == 0)
		return err_set(err, ERR_USAGE, 0, "write: which file?");
	arena_reset(&app->frame);
	view->look = app_look(app);
	buf_init(&name, 4096);
	buf_init(&bytes, WRITE_MAX);
	(void)buf_add(&name, path);
	good = print_view(view, form_of(path), WRITE_COLS, &bytes, err) &&
	       write_whole(name.bytes, buf_text(&bytes), err);
	if (good)
		app_message(app, ROLE_OK, "%s written, %zu bytes", name.bytes, bytes.len);
	view->rect = rect;
	buf_done(&name);
	buf_done(&bytes);
	return good;
}
