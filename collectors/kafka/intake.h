/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_KAFKA_INTAKE_H
#define COLLECTORS_KAFKA_INTAKE_H

#include "base/buf.h"
#include "collectors/kafka/wire.h"
#include "store/fact.h"

/*
 * Frames of a sweep -> facts. Keeps the names it has seen, so that a topic or a group's topic that is
 * missing from two complete sweeps in a row is told to be gone: once may be a broker that has only
 * just come up. Pure but for its memory; one thread.
 */
struct intake;

struct intake_sweep { /* what its END frame said */
	bool good;        /* the cluster answered at all */
	bool refused;     /* it will not get better by itself: login, certificates, properties */
	int64_t at_ms, took_ms, brokers, brokers_down, topics, partitions, groups, unread;
	char problem[256];
};

struct intake *intake_new(struct text cluster);
void intake_free(struct intake *intake); /* NULL is allowed */
/*
 * frames: GROUP, POSITION, TOPIC and last END, whole frames. True: facts are in the batch. False: they
 * were no such thing; the batch may hold a part of them and is not to be used.
 */
bool intake_take(struct intake *intake, struct text frames, struct fact_batch *batch,
	struct intake_sweep *sweep_out);
/* A frame TABLE. */
bool intake_table(struct intake *intake, struct wire_in *in, struct fact_batch *batch);
/* The names as JSON object members, and back; names_moved: they are others than when last saved. */
bool intake_moved(const struct intake *intake);
void intake_save(struct intake *intake, struct buf *out);
void intake_load(struct intake *intake, struct text json); /* nonsense is passed over */

#endif
