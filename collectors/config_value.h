/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_CONFIG_VALUE_H
#define COLLECTORS_CONFIG_VALUE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "collectors/config.h"

/*
 * One value's text read as its key's type, in place. directory: where relative paths start. The
 * error says what was expected, without file and line.
 */
bool config_value_read(struct arena *arena, const char *directory, const struct config_key *key,
	struct config_value *value, struct err *err);
/* The whole file into bytes, at most bytes->max. */
bool config_read_file(const char *path, struct buf *bytes, struct err *err);

#endif
