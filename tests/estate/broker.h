/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_ESTATE_BROKER_H
#define TESTS_ESTATE_BROKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A Kafka broker within this process: librdkafka's mock cluster holds the records, and a front
 * answers what the mock cannot (ListGroups, DescribeGroups, DescribeConfigs) and hands on the rest.
 * Weir talks to the front, the estate's own clients to the mock.
 */
struct broker;

enum { BROKER_RETENTION_BYTES = 5 << 20 }; /* of a partition: the mock drops what is beyond */

struct broker_topic {
	const char *name;
	int partitions;
};

struct broker *broker_open(const struct broker_topic *topics, size_t n); /* NULL: it does not start */
const char *broker_inside(const struct broker *broker); /* bootstrap servers of the mock */
int broker_port(const struct broker *broker);           /* of the front, on 127.0.0.1 */
/* What the front says of a group; members 0 = Empty. */
void broker_group(struct broker *broker, const char *group, int members);
void broker_close(struct broker *broker); /* NULL is allowed */

/* A Kafka Connect worker's REST interface on a port of its own; reply is its whole answer. */
struct worker;
struct worker *worker_open(const char *reply);
int worker_port(const struct worker *worker);
void worker_close(struct worker *worker);

int listen_on_loopback(int *port_out); /* a listening socket; -1 = none */

#endif
