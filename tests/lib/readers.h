/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_READERS_H
#define TESTS_LIB_READERS_H

#include "base/buf.h"
#include "base/text.h"

enum readers_verdict {
	READERS_DIFFER,   /* the scanner said something that the general reader does not say */
	READERS_AGREE,    /* both made the same event */
	READERS_FALLBACK, /* only the general reader made one */
	READERS_REFUSE    /* neither did */
};

/* Reads one record with both readers of event logs; what differs goes to why (may be NULL). */
enum readers_verdict readers_compare(struct text record, struct buf *why);

#endif
