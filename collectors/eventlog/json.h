/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_EVENTLOG_JSON_H
#define COLLECTORS_EVENTLOG_JSON_H

#include <jansson.h>

#include "base/text.h"

/*
 * jansson with this room's caps: at most EVENTLOG_DEPTH_MAX deep; numbers that JSON or 64 bits
 * cannot hold (NaN, Infinity, forty digits) are read as null rather than costing the whole record.
 * NULL with a reason of static life on failure; reason_out may be NULL. The caller owns the value.
 */
json_t *eventlog_json_load(struct text text, struct text *reason_out);

#endif
