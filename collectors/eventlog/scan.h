/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_EVENTLOG_SCAN_H
#define COLLECTORS_EVENTLOG_SCAN_H

#include "base/arena.h"
#include "collectors/eventlog/pick.h"

/* The inside of the projection scanner. Private to scan*.c. */
enum {
	SCAN_RULES_MAX = 64, /* of one event; more are rare */
	SCAN_INPUTS_MAX = 64,
	SCAN_ROOM = 8192 /* unescaped text of one event, in most cases */
};

struct scan_memory { /* what one event needs beside its pick */
	struct pick_rule rules[SCAN_RULES_MAX];
	struct pick_input inputs[SCAN_INPUTS_MAX];
	struct arena spill;
	char room[SCAN_ROOM + EVENTLOG_PAD];
};

/* The line, trimmed, into pick; false: not one event, or not sure. */
typedef bool (*scan_line_function)(struct text line, struct pick *pick, struct scan_memory *memory);
/* Looks at up to EVENTLOG_PAD bytes behind the line. */
bool scan_line_avx2(struct text line, struct pick *pick, struct scan_memory *memory);

#endif
