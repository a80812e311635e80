/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_CHECKPOINT_OFFSET_H
#define COLLECTORS_CHECKPOINT_OFFSET_H

#include <jansson.h>

#include "store/fact.h"

/*
 * Offsets as Spark writes them, in checkpoints and in the progress of its queries. Pure: JSON in,
 * numbers out. All offsets are exclusive: the next to be read. Texts lie in the arena given.
 */
enum offset_kind {
	OFFSET_NONE,  /* "-" or null: the source has none yet */
	OFFSET_KAFKA, /* {"topic":{"0":12}} */
	OFFSET_DELTA, /* {"reservoirId":..,"reservoirVersion":12,"index":-1} */
	OFFSET_FILES, /* Auto Loader {"seqNum":12}, a file source {"logOffset":12}: files seen */
	OFFSET_OTHER  /* a source of another kind: nothing can be said of it */
};

enum { OFFSET_PLACES_MAX = 1000 * 1000 }; /* partitions of one source */

/* One partition of one topic; of a Delta table partition 0, in versions. */
struct offset_place {
	struct text topic; /* of a Delta table its id; of files what kind of source it is */
	int32_t partition;
	int64_t next;
	int64_t part; /* of a Delta table, as struct fact_place has it: what of version next is read */
};

struct offset {
	enum offset_kind kind;
	struct offset_place *places;
	size_t n;
};

/* value: an object, or a string that holds one, or "-", or null. Never fails: OTHER at worst. */
struct offset offset_of(struct arena *arena, const json_t *value);

/*
 * What a reader has done and what it is at, source by source, gathered into one row a partition:
 * where two sources read one partition, the one that is behind counts. Zero-initialize.
 */
struct reached {
	struct offset_row *rows;
	size_t n, room;
};
struct offset_row {
	enum offset_kind kind;
	struct text topic;
	int32_t partition;
	int64_t processed, started; /* FACT_UNKNOWN */
	int64_t part;               /* of processed */
};

/* Borrow the offsets' texts. started: NULL or OFFSET_NONE when no batch is under way. */
void reached_add(struct reached *reached, const struct offset *done, const struct offset *started);
/*
 * One FACT_POSITION a topic into the batch, as `like` says (reader, kind, query, times; cluster is
 * of Kafka); committed_at_ms goes to every place. Topics are cleaned. Sorts the rows.
 */
void reached_tell(struct reached *reached, struct fact_batch *batch, int64_t happened_at_ms,
	const struct fact_position *like, int64_t committed_at_ms);
void reached_done(struct reached *reached);

/* What stands for a cluster where there is none. */
struct text offset_cluster(enum offset_kind kind, struct text kafka);

#endif
