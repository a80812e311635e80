/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_REDACT_H
#define STORE_REDACT_H

#include <stdbool.h>

#include "base/buf.h"

/*
 * Failure messages of violated FAIL expectations quote the row ("Input data: '{...}'"). The quoted
 * part becomes <redacted N bytes>. Pure. Works on message text and, with quotes escaped, inside
 * raw JSON; true when something was taken out.
 */
bool redact_message(struct buf *out, struct text message);
bool redact_json(struct buf *out, struct text json);

#endif
