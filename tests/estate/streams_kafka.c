/* SPDX-License-Identifier: Apache-2.0 */
/* The estate's clients: a producer of every topic's records, and consumer groups. */
#include "tests/estate/streams.h"

#include <string.h>

#include "base/mem.h"

enum { CDC_TABLES = 40, SILENT_AFTER_MS = 60 * 1000 };

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

rd_kafka_t *streams_client(struct streams *streams, const char *real, const char *group)
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
		rd_kafka_conf_set_dr_msg_cb(conf, delivered);
	}
	made = rd_kafka_new(group ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER, conf, words, sizeof words);
	if (!made)
		rd_kafka_conf_destroy(conf);
	return made;
}

bool streams_change_topics(struct streams *streams, bool make)
{
	rd_kafka_queue_t *queue = rd_kafka_queue_new(streams->producer);
	rd_kafka_NewTopic_t *made[TOPIC_COUNT];
	rd_kafka_DeleteTopic_t *gone[TOPIC_COUNT];
	char words[200];
	rd_kafka_event_t *event;
	bool good;

	for (size_t i = 0; i < TOPIC_COUNT; i++) {
		made[i] = rd_kafka_NewTopic_new(streams->names[i], stream_topics[i].partitions, 1, words,
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

void streams_remove_groups(struct streams *streams)
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

void streams_open_group(struct streams *streams, size_t i, const char *real, int64_t now_ms)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	struct group *group = &streams->groups[i];

	group->consumer = streams_client(streams, real, streams->group_names[i]);
	if (group->consumer) {
		(void)rd_kafka_poll_set_consumer(group->consumer);
		(void)rd_kafka_topic_partition_list_add(
			list, streams->names[stream_groups[i].topic], RD_KAFKA_PARTITION_UA);
		(void)rd_kafka_subscribe(group->consumer, list);
		group->ends_at_ms = stream_groups[i].ends_after_s
			? now_ms + (int64_t)stream_groups[i].ends_after_s * 1000 : INT64_MAX;
		if (streams->broker)
			broker_group(streams->broker, streams->group_names[i], 1);
	}
	rd_kafka_topic_partition_list_destroy(list);
}

void streams_end_group(struct streams *streams, size_t i)
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

void streams_tick_groups(struct streams *streams, int64_t now_ms)
{
	for (size_t i = 0; i < GROUP_COUNT; i++) {
		rd_kafka_message_t *message;

		while (streams->groups[i].consumer &&
			(message = rd_kafka_consumer_poll(streams->groups[i].consumer, 0)))
			rd_kafka_message_destroy(message);
		if (streams->groups[i].consumer && now_ms >= streams->groups[i].ends_at_ms)
			streams_end_group(streams, i);
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
	size_t len = (size_t)stream_topics[topic].bytes;
	int table = 0;
	int partition = 0;

	streams->record++;
	if (len == 0) {
		table = pick_table(streams, topic, now_ms);
		len = change(streams, table, now_ms, value, sizeof value);
		partition = table % stream_topics[topic].partitions;
	} else {
		memset(value, 'x', len);
	}
	(void)snprintf(key, sizeof key, "{\"id\":%lld}", (long long)streams->record);
	(void)rd_kafka_producev(streams->producer, RD_KAFKA_V_TOPIC(streams->names[topic]),
		RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_KEY(key, strlen(key)),
		RD_KAFKA_V_VALUE(value, len), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
		RD_KAFKA_V_OPAQUE(&streams->ends[topic][partition]), RD_KAFKA_V_END);
}

void streams_tick_writers(struct streams *streams, int64_t now_ms)
{
	double seconds = (double)(now_ms - streams->ticked_ms) / 1000.0;

	for (int topic = 0; topic < TOPIC_COUNT; topic++) {
		streams->owed[topic] += seconds * stream_topics[topic].per_second;
		for (; streams->owed[topic] >= 1.0; streams->owed[topic] -= 1.0)
			produce(streams, topic, now_ms);
	}
	(void)rd_kafka_poll(streams->producer, 0);
}
