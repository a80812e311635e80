/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_ESTATE_STREAMS_H
#define TESTS_ESTATE_STREAMS_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/estate/broker.h"
#include "tests/estate/estate.h"

#ifdef __clang__
#pragma clang diagnostic ignored "-Wgnu-statement-expression" /* in librdkafka's own macros */
#endif

/* The inside of streams*.c: topics, who writes them, and who reads them. */
enum { TOPIC_COUNT = 3, PARTITIONS_MAX = 4, READER_COUNT = 3, GROUP_COUNT = 3 };

enum { TOPIC_FEW, TOPIC_MANY, TOPIC_CLICKS };

struct stream_topic {
	const char *name;
	int partitions, per_second, bytes; /* bytes: of a record that is no change of a table */
};
extern const struct stream_topic stream_topics[TOPIC_COUNT];

/* Consumer groups; one that ends leaves its offsets where they are. */
struct stream_group {
	const char *name;
	int topic, ends_after_s; /* 0 = never */
};
extern const struct stream_group stream_groups[GROUP_COUNT];

/* Streaming queries: their offsets are in their checkpoints only. */
struct stream_reader {
	const char *checkpoint, *query_id;
	int topic;         /* -1: it reads the Delta table */
	const char *table;
	int percent;       /* of what is written; 100 = keeps up */
	const char *flow;  /* its progress is in the event log, too; NULL = it is not */
};
extern const struct stream_reader stream_readers[READER_COUNT];

struct reader {
	int64_t batch;            /* newest in offsets; -1 = none */
	int64_t done[PARTITIONS_MAX];
	int64_t next[PARTITIONS_MAX];
	int64_t begun_ms, commit_at_ms; /* 0 = no batch under way */
	int64_t version;                /* of the table it reads */
};

struct group {
	rd_kafka_t *consumer;
	int64_t ends_at_ms;
};

struct streams {
	struct estate *estate;
	struct broker *broker; /* NULL: a real cluster */
	struct worker *worker;
	char names[TOPIC_COUNT][64];
	char group_names[GROUP_COUNT][64];
	rd_kafka_t *producer;
	int64_t ends[TOPIC_COUNT][PARTITIONS_MAX];
	double owed[TOPIC_COUNT];
	int64_t started_ms, ticked_ms, record;
	struct reader readers[READER_COUNT];
	struct group groups[GROUP_COUNT];
};

/* streams_kafka.c: a consumer of this group, or (NULL) a producer; NULL when there is none. */
rd_kafka_t *streams_client(struct streams *streams, const char *real, const char *group);
/* Makes (or removes) the topics of a real cluster; waits for its answer. */
bool streams_change_topics(struct streams *streams, bool make);
void streams_remove_groups(struct streams *streams);
void streams_open_group(struct streams *streams, size_t i, const char *real, int64_t now_ms);
void streams_end_group(struct streams *streams, size_t i);
void streams_tick_groups(struct streams *streams, int64_t now_ms);
void streams_tick_writers(struct streams *streams, int64_t now_ms);

/* streams_readers.c: readers with checkpoints. */
void streams_open_reader(struct streams *streams, size_t i);
void streams_tick_readers(struct streams *streams, int64_t now_ms);

#endif
