/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_RAW_PACK_H
#define STORE_RAW_PACK_H

#include "store/internal.h"

/* The writer's side of table raw: compresses, with a dictionary for each event type. The writer's thread. */
struct raw_packer;

bool raw_packer_open(sqlite3 *db, struct raw_packer **packer_out, struct err *err);
void raw_packer_close(struct raw_packer *packer);
/* Whether events of the type should have a dictionary and have none yet. */
bool raw_packer_lacks(const struct raw_packer *packer, enum event_type type, struct text json);
/* Makes one of the first sample; up to RAW_SAMPLES_MAX make it better. */
enum { RAW_SAMPLES_MAX = 8 };
bool raw_packer_learn(struct raw_packer *packer, enum event_type type, const struct text *samples,
	size_t n, struct err *err);
/* What the event keeps raw, compressed or not yet, under key k. */
bool raw_packer_put(struct raw_packer *packer, int64_t k, const struct fact_event *event,
	struct err *err);

/*
 * Any thread, beside the writer: compresses what a large batch keeps raw, as far as the types have
 * dictionaries. So whoever puts a batch does it, and the writer, for whom all wait, need not.
 */
void raw_packer_prepare(struct raw_packer *packer, struct fact_batch *batch);

#endif
