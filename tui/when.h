/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_WHEN_H
#define TUI_WHEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

/*
 * A moment as people write it: RFC 3339; 02:14 or 02:14:07 (today, or yesterday if that is yet to
 * come); 3h, 45m, 2d, 90s ago; now (0 comes back). Times without a zone are UTC when utc, else
 * local. Pure but for the zone.
 */
bool when_parse(struct text text, int64_t now_ms, bool utc, int64_t *ms_out, struct err *err);
/* A length of time: 90s, 10m, 1h30m, 2d. */
bool when_span(struct text text, int64_t *ms_out);

#endif
