/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_FACTS_H
#define TESTS_LIB_FACTS_H

#include <stdio.h>

#include "base/buf.h"
#include "store/fact.h"

/* What an event says, one "field value" a line: where it stands and how it was read left out. */
void facts_dump_event(struct buf *out, const struct fact_batch *batch,
	const struct fact_event *event);
/* The same with raw, segment, offset and length: two readers of one record agree on these too. */
void facts_dump_event_whole(struct buf *out, const struct fact_batch *batch,
	const struct fact_event *event);

/* The batch's positions, one a line with its partitions behind it. */
void facts_dump_positions(struct buf *out, const struct fact_batch *batch);

/* A file of the corpus (environment CORPUS, ../shared/data without it), or of any path. */
bool facts_read_file(const char *path, struct buf *out);
bool facts_read_corpus(const char *name, struct buf *out); /* says so aloud when it is absent */

#endif
