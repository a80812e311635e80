/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/console.h"

__attribute__((weak)) void app_open(struct app *app, const char *name, const struct view_arg *arg)
{
	(void)app;
	(void)name;
	(void)arg;
}

__attribute__((weak)) void app_message(struct app *app, enum role role, const char *fmt, ...)
{
	(void)app;
	(void)role;
	(void)fmt;
}

bool console_run(const struct console_options *options, struct err *err)
{
	(void)options;
	return err_set(err, ERR_UNSUPPORTED, 0, "no console yet; --print, --json and --csv work");
}
