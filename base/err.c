/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool err_set(struct err *err, enum err_kind kind, int code, const char *fmt, ...)
{
	char text[sizeof err->text];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof text, fmt, args); /* a cut message is still a message */
	va_end(args);
	err->kind = kind;
	err->code = code;
	memcpy(err->text, text, sizeof text);
	return false;
}

bool err_wrap(struct err *err, const char *fmt, ...)
{
	char text[sizeof err->text];
	char tail[sizeof err->text];
	va_list args;
	int n;

	memcpy(tail, err->text, sizeof tail);
	va_start(args, fmt);
	n = vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof text)
		n = (int)sizeof text - 1;
	if (snprintf(text + n, sizeof text - (size_t)n, ": %s", tail) < 0)
		text[n] = '\0'; /* a longer text is cut: that is what the size is for */
	memcpy(err->text, text, sizeof text);
	return false;
}

bool err_errno(struct err *err, int code, const char *fmt, ...)
{
	char text[sizeof err->text];
	enum err_kind kind = ERR_IO;
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	if (code == ENOENT || code == ENOTDIR)
		kind = ERR_ABSENT;
	else if (code == EACCES || code == EPERM)
		kind = ERR_AUTH;
	return err_set(err, kind, code, "%s: %s", text, strerror(code));
}

const char *err_kind_name(enum err_kind kind)
{
	static const char *const names[] = {
#define X(id, name, advice) name,
		ERR_KINDS(X)
#undef X
	};

	return names[kind];
}

const char *err_advice(enum err_kind kind)
{
	static const char *const advices[] = {
#define X(id, name, advice) advice,
		ERR_KINDS(X)
#undef X
	};

	return advices[kind];
}
