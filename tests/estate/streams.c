/* SPDX-License-Identifier: Apache-2.0 */
/* Topics of the estate, who writes them, and who reads them: fast, slowly, not any more. */
#include "tests/estate/streams.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

enum { TICK_MS = 100 };

const struct stream_topic stream_topics[TOPIC_COUNT] = {
	[TOPIC_FEW] = { "cdc.shared.01", 2, 20, 0 },
	/* Multiplexed: changes of many tables, one of them noisy, one silent after a while. */
	[TOPIC_MANY] = { "cdc.shared.07", 4, 80, 0 },
	/* What the broker keeps of it is a minute: soon it passes who stopped reading. */
	[TOPIC_CLICKS] = { "web.clicks", 1, 60, 1400 },
};

const struct stream_group stream_groups[GROUP_COUNT] = {
	{ "connect-s3-sink", TOPIC_FEW, 0 },
	{ "connect-jdbc-sink", TOPIC_FEW, 20 },
	{ "audit-export", TOPIC_CLICKS, 40 },
};

const struct stream_reader stream_readers[READER_COUNT] = {
	{ "hinge_cdc/members_silver/0", "5c1b7a36-6c2b-4a39-9d2c-0e7b8d5b8a10", TOPIC_MANY, NULL, 55,
		"main.hinge.members" },
	{ "hinge_cdc/accounts_silver/0", "8d20f6be-1b9f-4a8c-8b1e-7a3c55e0a911", TOPIC_FEW, NULL, 100,
		NULL },
	{ "retail/orders_gold", "e07d4c52-9a7a-4a51-b2c9-64d1f0b3c7aa", -1, "retail/orders_silver", 100,
		NULL },
};

static const char connectors[] =
	"{\"s3-sink\":{\"status\":{\"name\":\"s3-sink\",\"connector\":{\"state\":\"RUNNING\","
	"\"worker_id\":\"10.0.1.4:8083\"},\"tasks\":[{\"id\":0,\"state\":\"RUNNING\",\"worker_id\":"
	"\"10.0.1.4:8083\"}],\"type\":\"sink\"},\"info\":{\"name\":\"s3-sink\",\"config\":{\"topics\":"
	"\"cdc.shared.01\",\"connector.class\":\"io.confluent.connect.s3.S3SinkConnector\"},"
	"\"tasks\":[],\"type\":\"sink\"}},"
	"\"jdbc-sink\":{\"status\":{\"name\":\"jdbc-sink\",\"connector\":{\"state\":\"RUNNING\","
	"\"worker_id\":\"10.0.1.4:8083\"},\"tasks\":[{\"id\":0,\"state\":\"RUNNING\",\"worker_id\":"
	"\"10.0.1.4:8083\"},{\"id\":1,\"state\":\"FAILED\",\"worker_id\":\"10.0.1.5:8083\",\"trace\":"
	"\"org.apache.kafka.connect.errors.ConnectException: Exiting WorkerSinkTask due to "
	"unrecoverable exception.\\n\\tat org.apache.kafka.connect.runtime.WorkerSinkTask."
	"deliverMessages(WorkerSinkTask.java:618)\\nCaused by: java.sql.SQLException: relation "
	"\\\"members\\\" does not exist\"}],\"type\":\"sink\"},\"info\":{\"name\":\"jdbc-sink\","
	"\"config\":{\"topics\":\"cdc.shared.01\",\"connection.password\":\"not-shown\"},\"tasks\":[],"
	"\"type\":\"sink\"}},"
	"\"pg-members\":{\"status\":{\"name\":\"pg-members\",\"connector\":{\"state\":\"RUNNING\","
	"\"worker_id\":\"10.0.1.5:8083\"},\"tasks\":[{\"id\":0,\"state\":\"RUNNING\",\"worker_id\":"
	"\"10.0.1.5:8083\"}],\"type\":\"source\"},\"info\":{\"name\":\"pg-members\",\"config\":{},"
	"\"tasks\":[],\"type\":\"source\"}}}";

static bool tell_address(const struct streams *streams, const char *name, const char *fmt, int port)
{
	char path[4096];
	char aside[4096];
	FILE *file;

	(void)snprintf(path, sizeof path, "%s/%s", streams->estate->dir, name);
	(void)snprintf(aside, sizeof aside, "%s/.%s", streams->estate->dir, name);
	file = fopen(aside, "we");
	if (!file)
		return false;
	(void)fprintf(file, "%s%d\n", fmt, port);
	return fclose(file) == 0 && rename(aside, path) == 0;
}

struct streams *streams_open(struct estate *estate, const char *real)
{
	struct streams *streams = NEW(struct streams);
	struct broker_topic made[TOPIC_COUNT];
	const struct clock *clock = clock_system();

	streams->estate = estate;
	for (size_t i = 0; i < TOPIC_COUNT; i++) {
		(void)snprintf(streams->names[i], sizeof streams->names[i], "%s%s",
			real ? "weir-demo." : "", stream_topics[i].name);
		made[i] = (struct broker_topic){ streams->names[i], stream_topics[i].partitions };
	}
	for (size_t i = 0; i < GROUP_COUNT; i++)
		(void)snprintf(streams->group_names[i], sizeof streams->group_names[i], "%s%s",
			real ? "weir-demo." : "", stream_groups[i].name);
	if (!real)
		streams->broker = broker_open(made, TOPIC_COUNT);
	if (!real && !streams->broker) {
		free(streams);
		return NULL;
	}
	streams->producer = streams_client(streams, real, NULL);
	if (!streams->producer || (real && !streams_change_topics(streams, true))) {
		streams_close(streams);
		return NULL;
	}
	streams->started_ms = streams->ticked_ms = clock->wall_ms(clock);
	for (size_t i = 0; i < GROUP_COUNT; i++)
		streams_open_group(streams, i, real, streams->started_ms);
	for (size_t i = 0; i < READER_COUNT; i++)
		streams_open_reader(streams, i);
	streams->worker = worker_open(connectors);
	if (streams->broker && !tell_address(streams, "kafka", "127.0.0.1:",
		    broker_port(streams->broker)))
		(void)fprintf(stderr, "weir-estate: %s/kafka: %s\n", estate->dir, strerror(errno));
	if (streams->worker)
		(void)tell_address(streams, "connect", "", worker_port(streams->worker));
	return streams;
}

void streams_tick(struct streams *streams, int64_t now_ms)
{
	if (now_ms - streams->ticked_ms < TICK_MS)
		return;
	streams_tick_writers(streams, now_ms);
	streams_tick_groups(streams, now_ms);
	streams_tick_readers(streams, now_ms);
	streams->ticked_ms = now_ms;
}

void streams_close(struct streams *streams)
{
	if (!streams)
		return;
	for (size_t i = 0; i < GROUP_COUNT; i++)
		streams_end_group(streams, i);
	if (streams->producer) {
		(void)rd_kafka_flush(streams->producer, 2000);
		if (!streams->broker) {
			(void)streams_change_topics(streams, false);
			streams_remove_groups(streams);
		}
		rd_kafka_destroy(streams->producer);
	}
	worker_close(streams->worker);
	broker_close(streams->broker);
	free(streams);
}
