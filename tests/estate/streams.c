/* SPDX-License-Identifier: Apache-2.0 */
/* Topics of the estate, who writes them, and who reads them: fast, slowly, not any more. */
#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tests/estate/broker.h"
#include "tests/estate/estate.h"

#ifdef __clang__
#pragma clang diagnostic ignored "-Wgnu-statement-expression" /* in librdkafka's own macros */
#endif

enum { TOPIC_COUNT = 3, PARTITIONS_MAX = 4, CDC_TABLES = 40, READER_COUNT = 3, GROUP_COUNT = 3,
	OFFSETS_KEPT = 20, SILENT_AFTER_MS = 60 * 1000, TICK_MS = 100 };

enum { TOPIC_FEW, TOPIC_MANY, TOPIC_CLICKS };

static const struct {
	const char *name;
	int partitions, per_second, bytes; /* bytes: of a record that is no change of a table */
} topics[TOPIC_COUNT] = {
	[TOPIC_FEW] = { "cdc.shared.01", 2, 20, 0 },
	/* Multiplexed: changes of many tables, one of them noisy, one silent after a while. */
	[TOPIC_MANY] = { "cdc.shared.07", 4, 80, 0 },
	/* What the broker keeps of it is a minute: soon it passes who stopped reading. */
	[TOPIC_CLICKS] = { "web.clicks", 1, 60, 1400 },
};

/* Consumer groups; one that ends leaves its offsets where they are. */
static const struct {
	const char *name;
	int topic, ends_after_s; /* 0 = never */
} groups[GROUP_COUNT] = {
	{ "connect-s3-sink", TOPIC_FEW, 0 },
	{ "connect-jdbc-sink", TOPIC_FEW, 20 },
	{ "audit-export", TOPIC_CLICKS, 40 },
};

/* Streaming queries: their offsets are in their checkpoints only. */
static const struct {
	const char *checkpoint, *query_id;
	int topic;         /* -1: it reads the Delta table */
	const char *table;
	int percent;       /* of what is written; 100 = keeps up */
	const char *flow;  /* its progress is in the event log, too; NULL = it is not */
} readers[READER_COUNT] = {
	{ "hinge_cdc/members_silver/0", "5c1b7a36-6c2b-4a39-9d2c-0e7b8d5b8a10", TOPIC_MANY, NULL, 55,
		"main.hinge.members" },
	{ "hinge_cdc/accounts_silver/0", "8d20f6be-1b9f-4a8c-8b1e-7a3c55e0a911", TOPIC_FEW, NULL, 100,
		NULL },
	{ "retail/orders_gold", "e07d4c52-9a7a-4a51-b2c9-64d1f0b3c7aa", -1, "retail/orders_silver", 100,
		NULL },
};

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

/* ---- clients ---- */

static rd_kafka_t *client(const struct streams *streams, const char *real, rd_kafka_type_t type,
	const char *group)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char words[256];
	rd_kafka_t *made;

	(void)rd_kafka_conf_set(conf, "bootstrap.servers",
		streams->broker ? broker_inside(streams->broker) : real, words, sizeof words);
	(void)rd_kafka_conf_set(conf, "client.id", "weir-estate", words, sizeof words);
	rd_kafka_conf_set_log_cb(conf, NULL);
	if (group) {
		(void)rd_kafka_conf_set(conf, "group.id", group, words, sizeof words);
		(void)rd_kafka_conf_set(
			conf, "auto.commit.interval.ms", "1000", words, sizeof words);
		(void)rd_kafka_conf_set(conf, "auto.offset.reset", "earliest", words, sizeof words);
		(void)rd_kafka_conf_set(conf, "session.timeout.ms", "10000", words, sizeof words);
	} else {
		(void)rd_kafka_conf_set(conf, "linger.ms", "20", words, sizeof words);
	}
	made = rd_kafka_new(type, conf, words, sizeof words);
	if (!made)
		rd_kafka_conf_destroy(conf);
	return made;
}

/* Makes (or removes) the topics of a real cluster; waits for its answer. */
static bool change_topics(struct streams *streams, bool make)
{
	rd_kafka_queue_t *queue = rd_kafka_queue_new(streams->producer);
	rd_kafka_NewTopic_t *made[TOPIC_COUNT];
	rd_kafka_DeleteTopic_t *gone[TOPIC_COUNT];
	char words[200];
	rd_kafka_event_t *event;
	bool good;

	for (size_t i = 0; i < TOPIC_COUNT; i++) {
		made[i] = rd_kafka_NewTopic_new(streams->names[i], topics[i].partitions, 1, words,
			sizeof words);
		gone[i] = rd_kafka_DeleteTopic_new(streams->names[i]);
		if (i != TOPIC_CLICKS)
			continue;
		(void)rd_kafka_NewTopic_set_config(made[i], "retention.bytes", "2097152");
		(void)rd_kafka_NewTopic_set_config(made[i], "segment.bytes", "1048576");
	}
	if (make)
		rd_kafka_CreateTopics(streams->producer, made, TOPIC_COUNT, NULL, queue);
	else
		rd_kafka_DeleteTopics(streams->producer, gone, TOPIC_COUNT, NULL, queue);
	event = rd_kafka_queue_poll(queue, 15000);
	good = event && rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR;
	if (event)
		rd_kafka_event_destroy(event);
	rd_kafka_NewTopic_destroy_array(made, TOPIC_COUNT);
	rd_kafka_DeleteTopic_destroy_array(gone, TOPIC_COUNT);
	rd_kafka_queue_destroy(queue);
	return good;
}

static void remove_groups(struct streams *streams)
{
	rd_kafka_queue_t *queue = rd_kafka_queue_new(streams->producer);
	rd_kafka_DeleteGroup_t *gone[GROUP_COUNT];
	rd_kafka_event_t *event;

	for (size_t i = 0; i < GROUP_COUNT; i++)
		gone[i] = rd_kafka_DeleteGroup_new(streams->group_names[i]);
	rd_kafka_DeleteGroups(streams->producer, gone, GROUP_COUNT, NULL, queue);
	event = rd_kafka_queue_poll(queue, 15000);
	if (event)
		rd_kafka_event_destroy(event);
	rd_kafka_DeleteGroup_destroy_array(gone, GROUP_COUNT);
	rd_kafka_queue_destroy(queue);
}

static void open_group(struct streams *streams, size_t i, const char *real, int64_t now_ms)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	struct group *group = &streams->groups[i];

	group->consumer = client(streams, real, RD_KAFKA_CONSUMER, streams->group_names[i]);
	if (group->consumer) {
		(void)rd_kafka_poll_set_consumer(group->consumer);
		(void)rd_kafka_topic_partition_list_add(
			list, streams->names[groups[i].topic], RD_KAFKA_PARTITION_UA);
		(void)rd_kafka_subscribe(group->consumer, list);
		group->ends_at_ms = groups[i].ends_after_s
			? now_ms + (int64_t)groups[i].ends_after_s * 1000 : INT64_MAX;
		if (streams->broker)
			broker_group(streams->broker, streams->group_names[i], 1);
	}
	rd_kafka_topic_partition_list_destroy(list);
}

static void end_group(struct streams *streams, size_t i)
{
	struct group *group = &streams->groups[i];

	if (!group->consumer)
		return;
	(void)rd_kafka_consumer_close(group->consumer); /* commits */
	rd_kafka_destroy(group->consumer);
	group->consumer = NULL;
	if (streams->broker)
		broker_group(streams->broker, streams->group_names[i], 0);
}

static void tick_groups(struct streams *streams, int64_t now_ms)
{
	for (size_t i = 0; i < GROUP_COUNT; i++) {
		rd_kafka_message_t *message;

		while (streams->groups[i].consumer &&
			(message = rd_kafka_consumer_poll(streams->groups[i].consumer, 0)))
			rd_kafka_message_destroy(message);
		if (streams->groups[i].consumer && now_ms >= streams->groups[i].ends_at_ms)
			end_group(streams, i);
	}
}

/* ---- writers ---- */

static void delivered(rd_kafka_t *producer, const rd_kafka_message_t *message, void *context)
{
	(void)producer;
	(void)context;
	if (!message->err && message->_private) {
		int64_t *end = message->_private;

		if (message->offset + 1 > *end)
			*end = message->offset + 1;
	}
}

static void table_name(int table, char name[32])
{
	static const char *const named[] = { "audit_log", "members", "accounts", "transfers",
		"plan_rates" };

	if (table < (int)ARRAY_LEN(named))
		(void)snprintf(name, 32, "%s", named[table]);
	else
		(void)snprintf(name, 32, "claims_%02d", table);
}

/* audit_log sends two of five records; plan_rates none after a minute. */
static int pick_table(struct streams *streams, int topic, int64_t now_ms)
{
	int table = (int)estate_between(streams->estate, 1, topic == TOPIC_MANY ? CDC_TABLES - 1 : 3);

	if (topic == TOPIC_MANY && estate_between(streams->estate, 1, 100) <= 40)
		return 0;
	if (table == 4 && now_ms - streams->started_ms > SILENT_AFTER_MS)
		return 1;
	return table;
}

static size_t change(struct streams *streams, int table, int64_t now_ms, char *out, size_t size)
{
	static const char ops[] = "cuuuuuud";
	char name[32];
	int64_t delay = estate_between(streams->estate, 20, 900);
	char op = ops[estate_between(streams->estate, 0, 7)];

	table_name(table, name);
	return (size_t)snprintf(out, size,
		"{\"before\":%s,\"after\":%s,\"source\":{\"version\":\"2.5.4.Final\",\"connector\":"
		"\"postgresql\",\"name\":\"hinge\",\"ts_ms\":%lld,\"snapshot\":\"false\",\"db\":"
		"\"members_db\",\"schema\":\"public\",\"table\":\"%s\",\"txId\":%lld,\"lsn\":%lld},"
		"\"op\":\"%c\",\"ts_ms\":%lld}",
		op == 'c' ? "null" : "{\"id\":1}", op == 'd' ? "null" : "{\"id\":1}",
		(long long)(now_ms - delay), name, (long long)streams->record,
		(long long)streams->record * 64, op, (long long)(now_ms - delay / 2));
}

static void produce(struct streams *streams, int topic, int64_t now_ms)
{
	char value[2048];
	char key[32];
	size_t len = (size_t)topics[topic].bytes;
	int table = 0;
	int partition = 0;

	streams->record++;
	if (len == 0) {
		table = pick_table(streams, topic, now_ms);
		len = change(streams, table, now_ms, value, sizeof value);
		partition = table % topics[topic].partitions;
	} else {
		memset(value, 'x', len);
	}
	(void)snprintf(key, sizeof key, "{\"id\":%lld}", (long long)streams->record);
	(void)rd_kafka_producev(streams->producer, RD_KAFKA_V_TOPIC(streams->names[topic]),
		RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_KEY(key, strlen(key)),
		RD_KAFKA_V_VALUE(value, len), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
		RD_KAFKA_V_OPAQUE(&streams->ends[topic][partition]), RD_KAFKA_V_END);
}

static void tick_writers(struct streams *streams, int64_t now_ms)
{
	double seconds = (double)(now_ms - streams->ticked_ms) / 1000.0;

	for (int topic = 0; topic < TOPIC_COUNT; topic++) {
		streams->owed[topic] += seconds * topics[topic].per_second;
		for (; streams->owed[topic] >= 1.0; streams->owed[topic] -= 1.0)
			produce(streams, topic, now_ms);
	}
	(void)rd_kafka_poll(streams->producer, 0);
}

/* ---- readers with checkpoints ---- */

/* As Spark does it: aside, then renamed; a checksum beside it. */
static void write_log(struct streams *streams, size_t i, const char *name, struct text bytes)
{
	char path[4096];
	char aside[4096];
	FILE *file;

	(void)snprintf(path, sizeof path, "%s/checkpoints/%s/%s", streams->estate->dir,
		readers[i].checkpoint, name);
	(void)snprintf(aside, sizeof aside, "%s/checkpoints/%s/.%zu.tmp", streams->estate->dir,
		readers[i].checkpoint, i);
	file = fopen(aside, "wbe");
	if (!file)
		return;
	(void)fwrite(bytes.bytes, 1, bytes.len, file); /* a full disk shows as a cut file */
	(void)fclose(file);
	(void)rename(aside, path);
}

static void make_directories(struct streams *streams, size_t i)
{
	static const char *const logs[] = { "", "/offsets", "/commits", "/sources", "/sources/0" };
	char path[4096];

	for (size_t k = 0; k < ARRAY_LEN(logs); k++) {
		(void)snprintf(path, sizeof path, "%s/checkpoints/%s%s", streams->estate->dir,
			readers[i].checkpoint, logs[k]);
		for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
			*slash = '\0';
			(void)mkdir(path, 0755); /* there already, mostly */
			*slash = '/';
		}
		(void)mkdir(path, 0755);
	}
}

static void add_offsets(const struct streams *streams, size_t i, const int64_t *next,
	struct buf *out)
{
	char id[17];

	if (readers[i].topic < 0) {
		(void)tables_newest(streams->estate, readers[i].table, id);
		(void)buf_addf(out,
			"{\"sourceVersion\":1,\"reservoirId\":\"%s\",\"reservoirVersion\":%lld,"
			"\"index\":-1,\"isStartingVersion\":false}", id, (long long)next[0]);
		return;
	}
	(void)buf_addf(out, "{\"%s\":{", streams->names[readers[i].topic]);
	for (int p = 0; p < topics[readers[i].topic].partitions; p++)
		(void)buf_addf(out, "%s\"%d\":%lld", p ? "," : "", p, (long long)next[p]);
	(void)buf_add_str(out, "}}");
}

static void open_reader(struct streams *streams, size_t i)
{
	struct reader *reader = &streams->readers[i];
	struct buf bytes;
	char id[17];

	reader->batch = -1;
	if (readers[i].topic < 0) {
		int64_t newest = tables_newest(streams->estate, readers[i].table, id);

		reader->done[0] = newest > 4 ? newest - 4 : 0;
	}
	make_directories(streams, i);
	buf_init(&bytes, 1 << 16);
	(void)buf_addf(&bytes, "{\"id\":\"%s\"}", readers[i].query_id);
	write_log(streams, i, "metadata", buf_text(&bytes));
	buf_reset(&bytes);
	/* The byte before the version is for Spark 2.1. */
	(void)buf_add_char(&bytes, '\0');
	(void)buf_add_str(&bytes, "v1\n");
	add_offsets(streams, i, reader->done, &bytes);
	if (readers[i].topic >= 0)
		write_log(streams, i, "sources/0/0", buf_text(&bytes));
	buf_done(&bytes);
}

/* Where the next batch ends; false when there is nothing to read. */
static bool plan_batch(struct streams *streams, size_t i, int64_t now_ms)
{
	struct reader *reader = &streams->readers[i];
	bool any = false;
	char id[17];

	if (readers[i].topic < 0) {
		reader->next[0] = tables_newest(streams->estate, readers[i].table, id) + 1;
		/* Reads what is there a minute late. */
		if (now_ms / 60000 % 2 == 0)
			reader->next[0] = reader->done[0];
		return reader->next[0] > reader->done[0];
	}
	for (int p = 0; p < topics[readers[i].topic].partitions; p++) {
		int64_t behind = streams->ends[readers[i].topic][p] - reader->done[p];
		/* Three seconds' worth of its share. */
		int64_t most = (int64_t)topics[readers[i].topic].per_second * 3 *
			readers[i].percent / 100 / topics[readers[i].topic].partitions;

		if (readers[i].percent >= 100 || behind < most)
			most = behind;
		reader->next[p] = reader->done[p] + most;
		any = any || most > 0;
	}
	return any;
}

static void tell_progress(struct streams *streams, size_t i, int64_t now_ms)
{
	struct reader *reader = &streams->readers[i];
	struct buf json;
	struct buf details;
	size_t pipeline = 0;

	if (!readers[i].flow)
		return;
	while (pipeline < PIPELINE_COUNT && strcmp(pipelines[pipeline].name, "hinge_cdc") != 0)
		pipeline++;
	buf_init(&json, 1 << 16);
	buf_init(&details, 1 << 17);
	(void)buf_addf(&json, "{\"id\":\"%s\",\"runId\":\"1f\",\"name\":\"%s\",\"batchId\":%lld,"
		"\"sources\":[{\"description\":\"KafkaV2[Subscribe[%s]]\",\"endOffset\":",
		readers[i].query_id, readers[i].flow, (long long)reader->batch,
		streams->names[readers[i].topic]);
	add_offsets(streams, i, reader->done, &json);
	(void)buf_add_str(&json, ",\"latestOffset\":");
	add_offsets(streams, i, streams->ends[readers[i].topic], &json);
	(void)buf_add_str(&json, "}]}");
	(void)buf_add_str(&details, "{\"progress_json\": \"");
	for (size_t at = 0; at < json.len; at++) {
		if (json.bytes[at] == '"')
			(void)buf_add_char(&details, '\\');
		(void)buf_add_char(&details, json.bytes[at]);
	}
	(void)buf_add_str(&details, "\"}");
	estate_event(streams->estate, &(struct event){ .pipeline = pipeline, .when_ms = now_ms,
					      .type = "stream_progress", .level = "METRICS",
					      .message = "Completed a streaming update.",
					      .flow = readers[i].flow, .batch_id = reader->batch,
					      .details = details.bytes });
	buf_done(&json);
	buf_done(&details);
}

static void begin_batch(struct streams *streams, size_t i, int64_t now_ms)
{
	struct reader *reader = &streams->readers[i];
	struct buf bytes;
	char name[64];

	if (!plan_batch(streams, i, now_ms))
		return;
	reader->batch++;
	reader->begun_ms = now_ms;
	reader->commit_at_ms = now_ms + 2000;
	buf_init(&bytes, 1 << 16);
	(void)buf_addf(&bytes, "v1\n{\"batchWatermarkMs\":0,\"batchTimestampMs\":%lld,\"conf\":{"
		"\"spark.sql.shuffle.partitions\":\"200\"}}\n", (long long)now_ms);
	add_offsets(streams, i, reader->next, &bytes);
	(void)snprintf(name, sizeof name, "offsets/%lld", (long long)reader->batch);
	write_log(streams, i, name, buf_text(&bytes));
	buf_done(&bytes);
}

static void remove_old(struct streams *streams, size_t i)
{
	static const char *const logs[] = { "offsets", "commits" };
	char path[4096];

	for (size_t k = 0; k < ARRAY_LEN(logs); k++) {
		(void)snprintf(path, sizeof path, "%s/checkpoints/%s/%s/%lld", streams->estate->dir,
			readers[i].checkpoint, logs[k],
			(long long)(streams->readers[i].batch - OFFSETS_KEPT));
		(void)unlink(path); /* none before the first twenty */
	}
}

static void tick_readers(struct streams *streams, int64_t now_ms)
{
	for (size_t i = 0; i < READER_COUNT; i++) {
		struct reader *reader = &streams->readers[i];
		char name[64];

		if (reader->commit_at_ms == 0) {
			if (now_ms - reader->begun_ms >= 3000)
				begin_batch(streams, i, now_ms);
			continue;
		}
		if (now_ms < reader->commit_at_ms)
			continue;
		(void)snprintf(name, sizeof name, "commits/%lld", (long long)reader->batch);
		write_log(streams, i, name, TEXT("v1\n{\"nextBatchWatermarkMs\":0}"));
		memcpy(reader->done, reader->next, sizeof reader->done);
		reader->commit_at_ms = 0;
		tell_progress(streams, i, now_ms);
		remove_old(streams, i);
	}
}

/* ---- all of it ---- */

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

static rd_kafka_t *open_producer(const struct streams *streams, const char *real)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char words[256];
	rd_kafka_t *made;

	(void)rd_kafka_conf_set(conf, "bootstrap.servers",
		streams->broker ? broker_inside(streams->broker) : real, words, sizeof words);
	(void)rd_kafka_conf_set(conf, "linger.ms", "20", words, sizeof words);
	rd_kafka_conf_set_dr_msg_cb(conf, delivered);
	rd_kafka_conf_set_log_cb(conf, NULL);
	made = rd_kafka_new(RD_KAFKA_PRODUCER, conf, words, sizeof words);
	if (!made)
		rd_kafka_conf_destroy(conf);
	return made;
}

struct streams *streams_open(struct estate *estate, const char *real)
{
	struct streams *streams = NEW(struct streams);
	struct broker_topic made[TOPIC_COUNT];
	const struct clock *clock = clock_system();

	streams->estate = estate;
	for (size_t i = 0; i < TOPIC_COUNT; i++) {
		(void)snprintf(streams->names[i], sizeof streams->names[i], "%s%s",
			real ? "weir-demo." : "", topics[i].name);
		made[i] = (struct broker_topic){ streams->names[i], topics[i].partitions };
	}
	for (size_t i = 0; i < GROUP_COUNT; i++)
		(void)snprintf(streams->group_names[i], sizeof streams->group_names[i], "%s%s",
			real ? "weir-demo." : "", groups[i].name);
	if (!real)
		streams->broker = broker_open(made, TOPIC_COUNT);
	if (!real && !streams->broker) {
		free(streams);
		return NULL;
	}
	streams->producer = open_producer(streams, real);
	if (!streams->producer || (real && !change_topics(streams, true))) {
		streams_close(streams);
		return NULL;
	}
	streams->started_ms = streams->ticked_ms = clock->wall_ms(clock);
	for (size_t i = 0; i < GROUP_COUNT; i++)
		open_group(streams, i, real, streams->started_ms);
	for (size_t i = 0; i < READER_COUNT; i++)
		open_reader(streams, i);
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
	tick_writers(streams, now_ms);
	tick_groups(streams, now_ms);
	tick_readers(streams, now_ms);
	streams->ticked_ms = now_ms;
}

void streams_close(struct streams *streams)
{
	if (!streams)
		return;
	for (size_t i = 0; i < GROUP_COUNT; i++)
		end_group(streams, i);
	if (streams->producer) {
		(void)rd_kafka_flush(streams->producer, 2000);
		if (!streams->broker) {
			(void)change_topics(streams, false);
			remove_groups(streams);
		}
		rd_kafka_destroy(streams->producer);
	}
	worker_close(streams->worker);
	broker_close(streams->broker);
	free(streams);
}
