/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_CHECKPOINT_PARTS_H
#define COLLECTORS_CHECKPOINT_PARTS_H

#include "collectors/checkpoint/checkpoint.h"
#include "collectors/config.h"

/* Inside the source kind: from checkpoints as they stand to facts. */

/*
 * The topics of one checkpoint that the last telling named, so that one that goes is told to be
 * gone. Zero-initialize; owns the texts, each "cluster\ntopic".
 */
struct checkpoint_told {
	struct text *topics; /* sorted by nothing */
	size_t n;
};
void checkpoint_told_done(struct checkpoint_told *told); /* may be filled again */
/* For the cursor: a JSON array of strings and back; anything else in it is passed over. */
json_t *checkpoint_told_json(const struct checkpoint_told *told);
void checkpoint_told_recall(struct checkpoint_told *told, const json_t *topics);
/* One position fact a topic into the batch. True when it named other topics than the last time. */
bool checkpoint_tell(struct checkpoint_told *told, const struct checkpoint *checkpoint,
	const char *kafka, struct fact_batch *batch, int64_t now_ms);
/* The checkpoint is not there any more: all its topics are gone. True when there were any. */
bool checkpoint_tell_gone(struct checkpoint_told *told, const struct checkpoint *checkpoint,
	struct fact_batch *batch, int64_t now_ms);
/* A file of offsets that nobody is writing any more and that cannot be read: told once. */
void checkpoint_tell_broken(struct checkpoint *checkpoint, struct fact_batch *batch,
	int64_t now_ms);

/* As struct collector_ops has it. */
void checkpoint_doctor(const struct config_section *config,
	void (*say)(void *context, bool good, const char *line), void *context);

#endif
