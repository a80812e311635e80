/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_KAFKA_PLAN_H
#define COLLECTORS_KAFKA_PLAN_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "collectors/config.h"
#include "collectors/kafka/properties.h"
#include "collectors/kafka/wire.h"

/*
 * What one [kafka NAME] section asks for, as the collector reads it and as its sweeper gets it.
 */
struct plan {
	struct text cluster;
	struct text groups, topics; /* patterns; empty = all */
	struct text tables;         /* topics to look into; empty = none */
	struct text token_command;  /* terminated; empty = none */
	struct text group_id;       /* shown to the brokers; nothing is ever read or committed as it */
	int64_t answer_ms;          /* how long a sweep waits for what does not come */
	int64_t sample_bytes;       /* a second, of the topics that are looked into */
	bool read_committed;        /* the end is the last stable offset: asked for inline */
	bool doctor;                /* try everything and say it, instead of sweeping */
	struct properties properties;
};

/* The section's keys; ends with name NULL. */
extern const struct config_key plan_keys[];

bool plan_read(struct plan *plan, const struct config_section *config, struct err *err);
void plan_done(struct plan *plan);
/* As a CONFIG frame; false when it does not fit into one. */
bool plan_put(const struct plan *plan, struct buf *out);
bool plan_take(struct plan *plan, struct wire_in *in); /* copies; zeroed before */

/*
 * Shell patterns with blanks, commas or newlines between them: a name matches when one of them does
 * and none that begins with ! does. No pattern but those with !: all else matches.
 */
bool patterns_match(struct text patterns, const char *name);

#endif
