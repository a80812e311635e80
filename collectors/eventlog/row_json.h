/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_EVENTLOG_ROW_JSON_H
#define COLLECTORS_EVENTLOG_ROW_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/text.h"
#include "collectors/delta/parquet/parquet.h"

/*
 * A Parquet row of an event-log table as the JSON record that an export of it would hold: the
 * decoder reads it like one. Structs are objects, maps too, nulls are left out, timestamps are
 * RFC 3339 in UTC with as many fraction digits as they need, integers numbers, strings as they are
 * with U+FFFD for what is no UTF-8. Pure; any thread.
 */

/*
 * What the fields of a file are called: names[node->index] for each of parquet_nodes(file). schema:
 * the table's, a Delta struct type, which knows the names behind column mapping; NULL, or a
 * field it does not know: as in the file. Borrowed from both.
 */
void row_json_names(const struct parquet_node *root, const json_t *schema, struct text *names);
/* Appends row i. more: members to put behind it, `"name":value,..` or NONE. False: past buf's max. */
bool row_json(struct buf *out, const struct parquet_vector *rows, size_t i,
	const struct text *names, struct text more);

#endif
