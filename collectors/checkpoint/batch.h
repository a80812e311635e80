/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_CHECKPOINT_BATCH_H
#define COLLECTORS_CHECKPOINT_BATCH_H

#include "collectors/checkpoint/offset.h"

/*
 * The files of a Spark checkpoint, as bytes. Pure. Source: OffsetSeqLog, CommitLog,
 * KafkaSourceInitialOffsetWriter and StreamMetadata of Apache Spark.
 */
enum { CHECKPOINT_FILE_MAX = 16 << 20, CHECKPOINT_SOURCES_MAX = 4096 };

/* offsets/N: what batch N reads up to. */
struct checkpoint_batch {
	int64_t started_at_ms; /* batchTimestampMs; FACT_UNKNOWN */
	struct offset *sources; /* in plan order; a v2 file's by its ids' order in the file */
	size_t n;
};

enum checkpoint_verdict {
	CHECKPOINT_WHOLE,
	CHECKPOINT_CUT,   /* ends early: it is being written, or was cut */
	CHECKPOINT_BROKEN /* nothing that follows would make it right */
};

/* *reason_out, of static life, is set unless WHOLE. Texts lie in the arena. */
enum checkpoint_verdict checkpoint_batch_of(struct arena *arena, struct text bytes,
	struct checkpoint_batch *batch_out, const char **reason_out);
/* sources/N/0: where a source began; OFFSET_OTHER when it is no offset of a kind Weir knows. */
struct offset checkpoint_initial_of(struct arena *arena, struct text bytes);
/* metadata: the query's id, TEXT_NONE when it does not tell one. */
struct text checkpoint_query_of(struct arena *arena, struct text bytes);
/* The number of an all-digit name; -1 for every other: .4.crc, .4.<uuid>.tmp, 4.compact. */
int64_t checkpoint_number_of(struct text name);

#endif
