/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_KAFKA_WIRE_H
#define COLLECTORS_KAFKA_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/text.h"

/*
 * What the collector and its sweeper (the child process that talks to Kafka) say to each other over
 * a socket pair. A frame: length of what follows (4 bytes), kind (1), body. Little-endian; a text is
 * its length (4) and its bytes. Every length is checked by who reads; nothing is trusted because it
 * comes from our own child: it may be dying. Pure; any thread.
 */
enum {
	WIRE_FRAME_MAX = 8 << 20,
	WIRE_HEAD = 5,
	WIRE_VERSION = 1
};

enum wire_kind {
	/* to the sweeper */
	WIRE_CONFIG = 1, /* how to connect and what to look at, once, first */
	WIRE_SWEEP,      /* make a sweep now; flags */
	WIRE_PLACES,     /* where the sampling consumer left off: once, after CONFIG */
	/* from the sweeper */
	WIRE_HELLO = 64, /* version, librdkafka's version */
	WIRE_BEAT,       /* still alive */
	WIRE_LOG,        /* level, text */
	WIRE_GROUP,      /* a group: name, state, members */
	WIRE_POSITION,   /* group, topic, partitions with what was committed */
	WIRE_TOPIC,      /* topic, configuration, partitions with leader, low, high */
	WIRE_END,        /* end of a sweep */
	WIRE_TABLE,      /* counts of one table in one minute */
	WIRE_LEFT_OFF,   /* where the sampling consumer is: to be kept with the counts before it */
	WIRE_FINDING,    /* doctor: good or not, text */
	WIRE_BYE         /* doctor: that was all */
};

/* A frame is begun, filled by puts, and ended; out's max bounds it. */
size_t wire_begin(struct buf *out, enum wire_kind kind);
void wire_u8(struct buf *out, uint8_t value);
void wire_u32(struct buf *out, uint32_t value);
void wire_i64(struct buf *out, int64_t value);
void wire_text(struct buf *out, struct text text); /* NONE stays NONE */
/* False when the frame became too large: it is taken back. */
bool wire_end(struct buf *out, size_t begun);

/* A body being read: past its end everything is 0 or NONE and bad is set. */
struct wire_in {
	const unsigned char *at, *end;
	bool bad;
};
enum wire_cut { WIRE_CUT, WIRE_MORE, WIRE_BROKEN };
/* Cuts the first frame off *rest: CUT, or MORE bytes are needed, or these are no frames. */
enum wire_cut wire_cut(struct text *rest, enum wire_kind *kind_out, struct wire_in *body_out);
uint8_t wire_take_u8(struct wire_in *in);
uint32_t wire_take_u32(struct wire_in *in);
int64_t wire_take_i64(struct wire_in *in);
struct text wire_take_text(struct wire_in *in); /* lies in the frame */
/* A count of elements that take at least `each` bytes: 0 and bad when the body cannot hold them. */
size_t wire_take_count(struct wire_in *in, size_t each);

#endif
