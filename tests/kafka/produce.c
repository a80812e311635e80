/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/*
 * produce BROKERS OPTION=VALUE...: change events of many tables in few topics, as Debezium writes them
 * behind a topic router. At the end a line for each table: topic, table, records, tombstones.
 *
 *   topics=35 tables=4025 partitions=1   table i stands in topic i % topics; topics are made if missing
 *   rate=1600                            records a second; 0 = as fast as it goes
 *   messages=96000                       in all
 *   noisy=40                             percent of records that table 0 sends
 *   prefix=cdc.shared                    topics are PREFIX.00 ...
 *   schema=0                             1: with schema and payload, as the JSON converter's default
 *   deletes=5                            percent of records that are deletes, each with its tombstone
 *   quiet=0                              1: no lines at the end
 */
struct options {
	long topics, tables, partitions, rate, messages, noisy, schema, deletes, quiet;
	char prefix[64];
};

static const struct {
	const char *name;
	size_t at;
} numbers[] = {
	{ "topics", offsetof(struct options, topics) },
	{ "tables", offsetof(struct options, tables) },
	{ "partitions", offsetof(struct options, partitions) },
	{ "rate", offsetof(struct options, rate) },
	{ "messages", offsetof(struct options, messages) },
	{ "noisy", offsetof(struct options, noisy) },
	{ "schema", offsetof(struct options, schema) },
	{ "deletes", offsetof(struct options, deletes) },
	{ "quiet", offsetof(struct options, quiet) },
};

static bool read_option(struct options *options, const char *word)
{
	const char *equals = strchr(word, '=');

	if (!equals)
		return false;
	if (strncmp(word, "prefix=", 7) == 0) {
		(void)snprintf(options->prefix, sizeof options->prefix, "%s", equals + 1);
		return true;
	}
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		size_t len = strlen(numbers[i].name);

		if ((size_t)(equals - word) == len && strncmp(word, numbers[i].name, len) == 0) {
			long value = strtol(equals + 1, NULL, 10);

			memcpy((char *)options + numbers[i].at, &value, sizeof value);
			return true;
		}
	}
	return false;
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void topic_name(const struct options *options, long topic, char out[96])
{
	(void)snprintf(out, 96, "%s.%02ld", options->prefix, topic);
}

static void make_topics(rd_kafka_t *client, const struct options *options)
{
	rd_kafka_NewTopic_t **topics = calloc((size_t)options->topics, sizeof *topics);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
	rd_kafka_event_t *event;

	for (long i = 0; i < options->topics; i++) {
		char name[96];
		char why[128];

		topic_name(options, i, name);
		topics[i] = rd_kafka_NewTopic_new(name, (int)options->partitions, 1, why, sizeof why);
	}
	rd_kafka_CreateTopics(client, topics, (size_t)options->topics, NULL, queue);
	event = rd_kafka_queue_poll(queue, 30000);
	if (event)
		rd_kafka_event_destroy(event);
	rd_kafka_NewTopic_destroy_array(topics, (size_t)options->topics);
	rd_kafka_queue_destroy(queue);
	free(topics);
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static size_t envelope(const struct options *options, long table, char op, uint64_t number, char *out,
	size_t room)
{
	static const char schema[] = "{\"schema\":{\"type\":\"struct\",\"fields\":[{\"type\":\"struct\","
		"\"fields\":[{\"type\":\"string\",\"optional\":false,\"field\":\"op\"}],\"optional\":true,"
		"\"field\":\"before\"}],\"optional\":false,\"name\":\"Envelope\"},\"payload\":";
	int64_t now = now_ms();
	int len = snprintf(out, room,
		"%s{\"before\":%s,\"after\":%s,\"source\":{\"version\":\"2.5.0.Final\",\"connector\":"
		"\"postgresql\",\"name\":\"hinge\",\"ts_ms\":%" PRId64 ",\"snapshot\":\"false\",\"db\":"
		"\"claims\",\"sequence\":\"[\\\"24023128\\\",\\\"24023130\\\"]\",\"schema\":\"public\","
		"\"table\":\"table_%04ld\",\"txId\":%" PRIu64 ",\"lsn\":%" PRIu64 ",\"xmin\":null},\"op\":"
		"\"%c\",\"ts_ms\":%" PRId64 ",\"transaction\":null}%s",
		options->schema ? schema : "", op == 'd' ? "{\"id\":1,\"member\":\"M-1\"}" : "null",
		op == 'd' ? "null" : "{\"id\":1,\"member\":\"M-100200300\",\"source\":{\"table\":\"no\"},"
				     "\"note\":\"a \\\"quoted\\\" word, {braces} and \\u00e9\"}",
		now - 40, table, number, number * 8, op, now, options->schema ? "}" : "");

	return len > 0 ? (size_t)len : 0;
}

/* Waits while the queue is full; any other refusal is lost, and then counts do not match. */
static void send_one(rd_kafka_t *client, const char *topic, const char *key, const char *value,
	size_t len)
{
	const rd_kafka_vu_t parts[] = {
		{ .vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = topic },
		{ .vtype = RD_KAFKA_VTYPE_KEY, .u.mem = { (void *)(uintptr_t)key, strlen(key) } },
		{ .vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = { (void *)(uintptr_t)value, len } },
		{ .vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY },
	};

	for (;;) {
		rd_kafka_error_t *error =
			rd_kafka_produceva(client, parts, sizeof parts / sizeof *parts);
		bool full = error && rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR__QUEUE_FULL;

		rd_kafka_error_destroy(error);
		if (!full)
			return;
		(void)rd_kafka_poll(client, 10);
	}
}

static void hold_rate(rd_kafka_t *client, const struct options *options, long sent, int64_t began)
{
	while (options->rate > 0 && sent * 1000 / options->rate > now_ms() - began) {
		struct timespec wait = { 0, 5000000L };

		(void)rd_kafka_poll(client, 0);
		(void)nanosleep(&wait, NULL);
	}
	if (sent % 64 == 0)
		(void)rd_kafka_poll(client, 0);
}

static void produce(rd_kafka_t *client, const struct options *options, long *records, long *tombstones)
{
	uint64_t state = 88172645463325252u;
	int64_t began = now_ms();
	char value[2048];

	for (long sent = 0; sent < options->messages;) {
		long table = (long)(next_random(&state) % 100) < options->noisy
			? 0 : (long)(next_random(&state) % (uint64_t)options->tables);
		bool deletes = (long)(next_random(&state) % 100) < options->deletes;
		char op = deletes ? 'd' : next_random(&state) % 3 == 0 ? 'c' : 'u';
		char topic[96];
		char key[160];

		topic_name(options, table % options->topics, topic);
		(void)snprintf(key, sizeof key, "{\"id\":%" PRIu64 ",\"__dbz__sourceIdentifier\":"
			"\"hinge.public.table_%04ld\"}", next_random(&state) % 1000, table);
		send_one(client, topic, key, value,
			envelope(options, table, op, (uint64_t)sent, value, sizeof value));
		records[table]++;
		sent++;
		if (deletes && sent < options->messages) {
			send_one(client, topic, key, NULL, 0);
			records[table]++;
			tombstones[table]++;
			sent++;
		}
		hold_rate(client, options, sent, began);
	}
}

int main(int count, char **words)
{
	struct options options = { 35, 4025, 1, 1600, 96000, 40, 0, 5, 0, "cdc.shared" };
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_t *client;
	long *records;
	long *tombstones;
	char why[256];

	for (int i = 2; i < count; i++) {
		if (!read_option(&options, words[i])) {
			(void)fprintf(stderr, "produce: %s?\n", words[i]);
			return 2;
		}
	}
	if (count < 2 || rd_kafka_conf_set(conf, "bootstrap.servers", words[1], why, sizeof why) != 0)
		return 2;
	(void)rd_kafka_conf_set(conf, "linger.ms", "20", NULL, 0);
	(void)rd_kafka_conf_set(conf, "log_level", "3", NULL, 0);
	client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
	if (!client)
		return 2;
	records = calloc((size_t)options.tables, sizeof *records);
	tombstones = calloc((size_t)options.tables, sizeof *tombstones);
	make_topics(client, &options);
	produce(client, &options, records, tombstones);
	if (rd_kafka_flush(client, 60000) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return 1;
	for (long i = 0; i < options.tables && !options.quiet; i++) {
		char topic[96];

		topic_name(&options, i % options.topics, topic);
		if (records[i] > 0)
			(void)printf("%s claims.public.table_%04ld %ld %ld\n", topic, i, records[i],
				tombstones[i]);
	}
	rd_kafka_destroy(client);
	free(records);
	free(tombstones);
	return 0;
}
