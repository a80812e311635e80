/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_FAKE_KAFKA_H
#define TESTS_LIB_FAKE_KAFKA_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A Kafka cluster that only answers questions: as large as asked for, and as broken. It runs in a
 * process of its own; the knobs are shared memory and may be turned while it runs. Speaks what
 * librdkafka 2.0.2 speaks: ApiVersions 0-3, Metadata 0-4, FindCoordinator 0-2, ListGroups 0-4,
 * DescribeGroups 0-4, OffsetFetch 0-7, ListOffsets 0-2, DescribeConfigs 0-1.
 */
enum { FAKE_BROKERS_MAX = 8, FAKE_APIS = 64,
	FAKE_LIST_OFFSETS = 2, FAKE_METADATA = 3, FAKE_OFFSET_FETCH = 9, FAKE_FIND_COORDINATOR = 10,
	FAKE_DESCRIBE_GROUPS = 15, FAKE_LIST_GROUPS = 16, FAKE_DESCRIBE_CONFIGS = 32 };

struct fake_kafka {
	/* shape, set before fake_kafka_start */
	int brokers, topics, partitions, groups;
	int group_topics;      /* a group has commits in so many topics, from its own number on */
	int live_groups;       /* so many are Stable with one member that is assigned all it commits */
	int offset_fetch_max;  /* 7; 5 = an old broker (C5) */
	_Bool no_groups;       /* ListGroups and DescribeGroups are not known (C3) */
	_Bool dead_when_described; /* groups of the new protocol: Stable when listed, Dead when described */
	/* filled by fake_kafka_start */
	int ports[FAKE_BROKERS_MAX];
	pid_t pid;
	/* knobs */
	_Atomic int down;      /* fake_kafka_down turns it */
	_Atomic int down_now;  /* what connections know of it */
	_Atomic int mute;      /* bit mask of brokers that do not answer ListOffsets and OffsetFetch */
	_Atomic int delay_ms;  /* before every answer */
	_Atomic int shift;     /* leader of p in t: (t + p + shift) % brokers */
	_Atomic int moves;     /* so many answers to Metadata are out of date at once: shift grows */
	_Atomic int bump;      /* added to every end */
	_Atomic int fail_fetch, fail_fetch_code;  /* so many OffsetFetch answers are this error */
	_Atomic int fail_topic, fail_code;        /* ListOffsets of partition 0 of topic fail_topic - 1 */
	_Atomic int hide_groups, hide_topics;     /* so many of the last are not there any more */
	/* counted */
	_Atomic long asked[FAKE_APIS];
};

struct fake_kafka *fake_kafka_new(void); /* zeroed, shared, offset_fetch_max 7 */
void fake_kafka_start(struct fake_kafka *fake);
void fake_kafka_stop(struct fake_kafka *fake); /* ends it and frees */

/* From now on these, a bit mask, are not there: their connections have ended. */
void fake_kafka_down(struct fake_kafka *fake, int brokers);

/* What it says, for comparing. */
int64_t fake_kafka_high(const struct fake_kafka *fake, int topic, int partition);
int64_t fake_kafka_low(int topic, int partition);
int64_t fake_kafka_commit(int group, int topic, int partition);

#endif
