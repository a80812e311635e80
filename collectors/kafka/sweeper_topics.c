/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "collectors/kafka/sweeper_parts.h"
#include "store/fact.h"

enum { PARTITIONS_MAX = 100000, CONFIGS_AT_ONCE = 100, CONFIGS_MS = 5000 };

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct topic *)a)->name, ((const struct topic *)b)->name);
}

struct topic *topics_find(const struct sweeper *sweeper, const char *name)
{
	struct topic key = { .name = (char *)name };

	if (sweeper->ntopics == 0)
		return NULL;
	return bsearch(&key, sweeper->topics, sweeper->ntopics, sizeof key, by_name);
}

void topics_free(struct topic *topics, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(topics[i].name);
		free(topics[i].marks);
	}
	free(topics);
}

bool topics_wanted(const struct sweeper *sweeper, const char *name)
{
	static const char *const own[] = { "__consumer_offsets", "__transaction_state",
		"__share_group_state", "__cluster_metadata" };

	if (!patterns_match(sweeper->plan.topics, name))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		if (strcmp(name, own[i]) == 0)
			return false;
	}
	return true;
}

/* What was known of a topic stays known; partitions are never fewer, unless it was made anew. */
static void take_topic(struct sweeper *sweeper, struct topic *to, const rd_kafka_metadata_topic_t *from)
{
	const struct topic *before = topics_find(sweeper, from->topic);

	*to = (struct topic){
		.name = mem_strdup(from->topic),
		.nmarks = from->partition_cnt,
		.retention_ms = before ? before->retention_ms : FACT_UNKNOWN,
		.retention_bytes = before ? before->retention_bytes : FACT_UNKNOWN,
		.compacted = before ? before->compacted : (int8_t)-1,
	};
	to->marks = NEW_ARRAY(struct mark, (size_t)to->nmarks + 1);
	for (int32_t i = 0; i < to->nmarks; i++) {
		to->marks[i] = (struct mark){ .leader = -1, .low = FACT_UNKNOWN, .high = FACT_UNKNOWN };
		if (before && i < before->nmarks) {
			to->marks[i].low = before->marks[i].low;
			to->marks[i].near = before->marks[i].near;
		}
	}
	for (int i = 0; i < from->partition_cnt; i++) {
		int32_t id = from->partitions[i].id;

		if (id >= 0 && id < to->nmarks)
			to->marks[id].leader = from->partitions[i].leader;
	}
}

static bool same_names(const struct topic *a, size_t na, const struct topic *b, size_t nb)
{
	if (na != nb)
		return false;
	for (size_t i = 0; i < na; i++) {
		if (strcmp(a[i].name, b[i].name) != 0)
			return false;
	}
	return true;
}

/*
 * One connection after another complains, each in its own words: as long as it is the same trouble it
 * is told as the first time, or every sweep would be news.
 */
static void tell_silence(struct sweeper *sweeper, rd_kafka_resp_err_t code)
{
	bool known = sweeper->fault[0] != '\0';
	int trouble = known ? sweeper->fault_code : (int)code;

	if (sweeper->silence[0] == '\0' || trouble != sweeper->silence_code)
		(void)snprintf(sweeper->silence, sizeof sweeper->silence, "%s",
			known ? sweeper->fault : rd_kafka_err2str(code));
	sweeper->silence_code = trouble;
	sweeper_problem(sweeper, "no broker answers: %s", sweeper->silence);
}

/* C7: asked at every sweep; the library's own idea of leaders is renewed by it. */
bool topics_load(struct sweeper *sweeper)
{
	const rd_kafka_metadata_t *metadata = NULL;
	rd_kafka_resp_err_t code =
		rd_kafka_metadata(sweeper->client, 1, NULL, &metadata, METADATA_TIMEOUT_MS);
	struct topic *topics;
	size_t ntopics = 0;

	client_poll(sweeper, 0); /* why, if it failed */
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
		tell_silence(sweeper, code);
		return false;
	}
	sweeper->fault[0] = sweeper->silence[0] = '\0';
	sweeper->fault_final = false;
	sweeper->brokers = (size_t)metadata->broker_cnt;
	topics = NEW_ARRAY(struct topic, (size_t)metadata->topic_cnt + 1);
	for (int i = 0; i < metadata->topic_cnt; i++) {
		const rd_kafka_metadata_topic_t *from = &metadata->topics[i];

		if (!topics_wanted(sweeper, from->topic) || from->partition_cnt <= 0)
			continue;
		if (from->partition_cnt > PARTITIONS_MAX)
			sweeper_problem(sweeper, "a topic of over %d partitions is not read",
				PARTITIONS_MAX);
		else
			take_topic(sweeper, &topics[ntopics++], from);
	}
	rd_kafka_metadata_destroy(metadata);
	qsort(topics, ntopics, sizeof *topics, by_name);
	if (!same_names(topics, ntopics, sweeper->topics, sweeper->ntopics))
		sweeper->topics_generation++;
	topics_free(sweeper->topics, sweeper->ntopics);
	sweeper->topics = topics;
	sweeper->ntopics = ntopics;
	return true;
}

static int64_t number_of(const char *value)
{
	int64_t number;

	return value && text_to_i64(text_of(value), &number) ? number : FACT_UNKNOWN;
}

static void take_config(struct topic *topic, const rd_kafka_ConfigResource_t *resource)
{
	size_t count = 0;
	const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &count);

	if (rd_kafka_ConfigResource_error(resource) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return;
	for (size_t i = 0; i < count; i++) {
		const char *name = rd_kafka_ConfigEntry_name(entries[i]);
		const char *value = rd_kafka_ConfigEntry_value(entries[i]);

		if (strcmp(name, "retention.ms") == 0)
			topic->retention_ms = number_of(value);
		else if (strcmp(name, "retention.bytes") == 0)
			topic->retention_bytes = number_of(value);
		else if (strcmp(name, "cleanup.policy") == 0 && value)
			topic->compacted = strstr(value, "compact") && !strstr(value, "delete");
	}
}

static void take_configs(struct sweeper *sweeper, rd_kafka_event_t *event)
{
	const rd_kafka_DescribeConfigs_result_t *result = rd_kafka_event_DescribeConfigs_result(event);
	size_t count = 0;
	const rd_kafka_ConfigResource_t **resources;

	if (!result || rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return;
	resources = rd_kafka_DescribeConfigs_result_resources(result, &count);
	for (size_t i = 0; i < count; i++) {
		struct topic *topic =
			topics_find(sweeper, rd_kafka_ConfigResource_name(resources[i]));

		if (topic)
			take_config(topic, resources[i]);
	}
}

static bool ask_configs(struct sweeper *sweeper, size_t from, size_t count, rd_kafka_queue_t *queue)
{
	static const char *const names[] = { "retention.ms", "retention.bytes", "cleanup.policy" };
	rd_kafka_ConfigResource_t *resources[CONFIGS_AT_ONCE];
	rd_kafka_AdminOptions_t *options = client_options(
		sweeper, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, REQUEST_TIMEOUT_MS, NULL);
	rd_kafka_event_t *event;

	for (size_t i = 0; i < count; i++) {
		resources[i] = rd_kafka_ConfigResource_new(
			RD_KAFKA_RESOURCE_TOPIC, sweeper->topics[from + i].name);
		for (size_t k = 0; k < ARRAY_LEN(names); k++)
			(void)rd_kafka_ConfigResource_set_config(resources[i], names[k], "");
	}
	rd_kafka_DescribeConfigs(sweeper->client, resources, count, options, queue);
	rd_kafka_ConfigResource_destroy_array(resources, count);
	rd_kafka_AdminOptions_destroy(options);
	event = rd_kafka_queue_poll(queue, CONFIGS_MS);
	if (event) {
		take_configs(sweeper, event);
		rd_kafka_event_destroy(event);
	}
	return event != NULL;
}

/* A queue of its own: an answer that comes after all is dropped with it. */
void topics_configs(struct sweeper *sweeper)
{
	int64_t now = sweeper_now(sweeper);
	rd_kafka_queue_t *queue;

	if (sweeper->configs_at_ms != 0 && now - sweeper->configs_at_ms < CONFIG_EVERY_MS) {
		bool fresh = false;

		/* A new topic's are wanted soon, but not at every sweep of one that may not be asked. */
		for (size_t i = 0; i < sweeper->ntopics && !fresh; i++)
			fresh = sweeper->topics[i].retention_ms == FACT_UNKNOWN;
		if (!fresh || now - sweeper->configs_at_ms < DESCRIBE_EVERY_MS)
			return;
	}
	sweeper->configs_at_ms = now;
	queue = rd_kafka_queue_new(sweeper->client);
	for (size_t i = 0; i < sweeper->ntopics; i += CONFIGS_AT_ONCE) {
		size_t left = sweeper->ntopics - i;

		if (!ask_configs(sweeper, i, left < CONFIGS_AT_ONCE ? left : CONFIGS_AT_ONCE, queue))
			break;
		sweeper_breathe(sweeper);
	}
	rd_kafka_queue_destroy(queue);
}

void topics_send(struct sweeper *sweeper)
{
	for (size_t i = 0; i < sweeper->ntopics; i++) {
		const struct topic *topic = &sweeper->topics[i];
		size_t begun = wire_begin(&sweeper->out, WIRE_TOPIC);

		wire_text(&sweeper->out, text_of(topic->name));
		wire_i64(&sweeper->out, topic->retention_ms);
		wire_i64(&sweeper->out, topic->retention_bytes);
		wire_u8(&sweeper->out, (uint8_t)topic->compacted);
		wire_u32(&sweeper->out, (uint32_t)topic->nmarks);
		for (int32_t p = 0; p < topic->nmarks; p++) {
			wire_u32(&sweeper->out, (uint32_t)topic->marks[p].leader);
			wire_i64(&sweeper->out, topic->marks[p].low);
			wire_i64(&sweeper->out, topic->marks[p].high);
		}
		if (!wire_end(&sweeper->out, begun))
			sweeper->unread += topic->nmarks;
		if (sweeper->out.len > WIRE_FRAME_MAX / 16)
			sweeper_send(sweeper);
	}
}
