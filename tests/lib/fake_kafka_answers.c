/* SPDX-License-Identifier: Apache-2.0 */
/* What the cluster says to each question. */
#include "tests/lib/fake_kafka_answers.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "base/mem.h"

int64_t fake_kafka_high(const struct fake_kafka *fake, int topic, int partition)
{
	return 1000000 + topic * 1000 + partition + atomic_load(&fake->bump);
}

int64_t fake_kafka_low(int topic, int partition)
{
	return topic * 10 + partition;
}

int64_t fake_kafka_commit(int group, int topic, int partition)
{
	return 999000 + topic * 1000 + partition - group;
}

static int leader_of(const struct fake_kafka *fake, int topic, int partition)
{
	return (topic + partition + atomic_load(&fake->shift)) % fake->brokers;
}

static int topics_now(const struct fake_kafka *fake)
{
	return fake->topics - atomic_load(&fake->hide_topics);
}

static int groups_now(const struct fake_kafka *fake)
{
	return fake->groups - atomic_load(&fake->hide_groups);
}

static void topic_name(char out[32], int topic)
{
	(void)snprintf(out, 32, "topic-%05d", topic);
}

/* -1 = no such topic */
static int topic_of(const struct fake_kafka *fake, const char *name)
{
	int topic = -1;

	if (sscanf(name, "topic-%d", &topic) != 1 || topic >= topics_now(fake))
		return -1;
	return topic;
}

static bool has_commits(const struct fake_kafka *fake, int group, int topic)
{
	return topic >= 0 && (topic - group % fake->topics + fake->topics) % fake->topics <
		fake->group_topics;
}

static void api_versions(const struct fake_kafka *fake, int version, struct buf *out)
{
	const struct {
		int key, max;
	} apis[] = { { 2, 2 }, { 3, 4 }, { 9, fake->offset_fetch_max }, { 10, 2 }, { 15, 4 }, { 16, 4 },
		{ 18, 3 }, { 32, 1 } };
	bool flexible = version >= 3;
	int count = 0;

	for (size_t i = 0; i < ARRAY_LEN(apis); i++)
		count += !(fake->no_groups && (apis[i].key == 15 || apis[i].key == 16));
	put_int(out, 0, 2);
	put_count(out, flexible, count);
	for (size_t i = 0; i < ARRAY_LEN(apis); i++) {
		if (fake->no_groups && (apis[i].key == 15 || apis[i].key == 16))
			continue;
		put_int(out, apis[i].key, 2);
		put_int(out, 0, 2);
		put_int(out, apis[i].max, 2);
		put_tags(out, flexible);
	}
	if (version >= 1)
		put_int(out, 0, 4);
	put_tags(out, flexible);
}

static void metadata(const struct fake_kafka *fake, int version, struct take *in, struct buf *out)
{
	int64_t asked = take_int(in, 4);
	int only[64];
	int nonly = 0;
	int count = topics_now(fake);
	char name[256];

	for (int64_t i = 0; i < asked && nonly < 64; i++) {
		take_string(in, false, name);
		only[nonly++] = topic_of(fake, name);
	}
	if (version >= 3)
		put_int(out, 0, 4);
	put_int(out, fake->brokers, 4);
	for (int i = 0; i < fake->brokers; i++) {
		put_int(out, i, 4);
		put_string(out, false, "127.0.0.1");
		put_int(out, fake->ports[i], 4);
		if (version >= 1)
			put_string(out, false, NULL);
	}
	if (version >= 2)
		put_string(out, false, "fake");
	if (version >= 1)
		put_int(out, 0, 4);
	if (asked > 0 || (asked == 0 && version >= 1))
		count = nonly;
	put_int(out, count, 4);
	for (int i = 0; i < count; i++) {
		int topic = asked > 0 ? only[i] : i;
		char text[32];

		topic_name(text, topic);
		put_int(out, topic < 0 ? 3 : 0, 2);
		put_string(out, false, topic < 0 ? name : text);
		if (version >= 1)
			put_int(out, 0, 1);
		put_int(out, topic < 0 ? 0 : fake->partitions, 4);
		for (int p = 0; topic >= 0 && p < fake->partitions; p++) {
			int leader = leader_of(fake, topic, p);

			put_int(out, 0, 2);
			put_int(out, p, 4);
			put_int(out, leader, 4);
			put_int(out, 1, 4);
			put_int(out, leader, 4);
			put_int(out, 1, 4);
			put_int(out, leader, 4);
		}
	}
}

static void find_coordinator(const struct fake_kafka *fake, int version, struct take *in, struct buf *out)
{
	char name[256];
	int group = 0;

	take_string(in, false, name);
	(void)sscanf(name, "group-%d", &group);
	if (version >= 1)
		put_int(out, 0, 4);
	put_int(out, 0, 2);
	if (version >= 1)
		put_string(out, false, NULL);
	put_int(out, group % fake->brokers, 4);
	put_string(out, false, "127.0.0.1");
	put_int(out, fake->ports[group % fake->brokers], 4);
}

static void list_groups(const struct fake_kafka *fake, int broker, int version, struct buf *out)
{
	bool flexible = version >= 3;
	int count = 0;

	for (int g = 0; g < groups_now(fake); g++)
		count += g % fake->brokers == broker;
	if (version >= 1)
		put_int(out, 0, 4);
	put_int(out, 0, 2);
	put_count(out, flexible, count);
	for (int g = 0; g < groups_now(fake); g++) {
		char name[32];

		if (g % fake->brokers != broker)
			continue;
		(void)snprintf(name, sizeof name, "group-%05d", g);
		put_string(out, flexible, name);
		put_string(out, flexible, "consumer");
		if (version >= 4)
			put_string(out, flexible, g < fake->live_groups ? "Stable" : "Empty");
		put_tags(out, flexible);
	}
	put_tags(out, flexible);
}

static void put_assignment(const struct fake_kafka *fake, int group, struct buf *out)
{
	struct buf bytes;

	buf_init(&bytes, FAKE_ANSWER_MAX);
	put_int(&bytes, 0, 2);
	put_int(&bytes, fake->group_topics, 4);
	for (int t = 0; t < fake->topics; t++) {
		char name[32];

		if (!has_commits(fake, group, t))
			continue;
		topic_name(name, t);
		put_string(&bytes, false, name);
		put_int(&bytes, fake->partitions, 4);
		for (int p = 0; p < fake->partitions; p++)
			put_int(&bytes, p, 4);
	}
	put_int(&bytes, -1, 4);
	put_int(out, (int64_t)bytes.len, 4);
	(void)buf_add(out, buf_text(&bytes));
	buf_done(&bytes);
}

static void describe_groups(const struct fake_kafka *fake, int version, struct take *in, struct buf *out)
{
	int64_t count = take_int(in, 4);

	if (version >= 1)
		put_int(out, 0, 4);
	put_int(out, count, 4);
	for (int64_t i = 0; i < count; i++) {
		char name[256];
		int group = 0;
		bool live;

		take_string(in, false, name);
		(void)sscanf(name, "group-%d", &group);
		live = group < fake->live_groups && !fake->dead_when_described;
		put_int(out, 0, 2);
		put_string(out, false, name);
		put_string(out, false, live ? "Stable" : "Dead");
		put_string(out, false, "consumer");
		put_string(out, false, "range");
		put_int(out, live ? 1 : 0, 4);
		if (live) {
			put_string(out, false, "member-1");
			if (version >= 4)
				put_string(out, false, NULL);
			put_string(out, false, "client");
			put_string(out, false, "/127.0.0.1");
			put_int(out, 0, 4);
			put_assignment(fake, group, out);
		}
		if (version >= 3)
			put_int(out, 0, 4);
	}
}

static void put_commit(struct buf *out, int version, bool flexible, int partition, int64_t offset)
{
	put_int(out, partition, 4);
	put_int(out, offset, 8);
	if (version >= 5)
		put_int(out, -1, 4);
	put_string(out, flexible, "");
	put_int(out, 0, 2);
	put_tags(out, flexible);
}

static void put_all_commits(const struct fake_kafka *fake, int version, bool flexible, int group,
	struct buf *out)
{
	int count = 0;

	for (int t = 0; t < topics_now(fake); t++)
		count += has_commits(fake, group, t);
	put_count(out, flexible, count);
	for (int t = 0; t < topics_now(fake); t++) {
		char name[32];

		if (!has_commits(fake, group, t))
			continue;
		topic_name(name, t);
		put_string(out, flexible, name);
		put_count(out, flexible, fake->partitions);
		for (int p = 0; p < fake->partitions; p++)
			put_commit(out, version, flexible, p, fake_kafka_commit(group, t, p));
		put_tags(out, flexible);
	}
}

static void offset_fetch(struct fake_kafka *fake, int version, struct take *in, struct buf *out)
{
	bool flexible = version >= 6;
	char name[256];
	int group = 0;
	int64_t count;
	int code = 0;

	take_string(in, flexible, name);
	(void)sscanf(name, "group-%d", &group);
	count = take_count(in, flexible);
	if (atomic_load(&fake->fail_fetch) > 0) {
		atomic_fetch_sub(&fake->fail_fetch, 1);
		code = atomic_load(&fake->fail_fetch_code);
	}
	if (version >= 3)
		put_int(out, 0, 4);
	if (code != 0) {
		put_count(out, flexible, 0);
	} else if (count < 0) {
		/* Before version 6 librdkafka sends an empty list instead, and gets as much. */
		put_all_commits(fake, version, flexible, group, out);
	} else {
		put_count(out, flexible, count);
		for (int64_t i = 0; i < count; i++) {
			int64_t partitions;
			int topic;

			take_string(in, flexible, name);
			topic = topic_of(fake, name);
			partitions = take_count(in, flexible);
			put_string(out, flexible, name);
			put_count(out, flexible, partitions);
			for (int64_t k = 0; k < partitions; k++) {
				int p = (int)take_int(in, 4);

				put_commit(out, version, flexible, p, has_commits(fake, group, topic)
						? fake_kafka_commit(group, topic, p) : -1);
			}
			if (flexible)
				(void)take_varint(in);
			put_tags(out, flexible);
		}
	}
	if (version >= 2)
		put_int(out, code, 2);
	put_tags(out, flexible);
}

static void list_offsets(const struct fake_kafka *fake, int broker, int version, struct take *in,
	struct buf *out)
{
	int64_t count;

	(void)take_int(in, 4); /* replica */
	if (version >= 2)
		(void)take_int(in, 1); /* isolation level */
	count = take_int(in, 4);
	if (version >= 2)
		put_int(out, 0, 4);
	put_int(out, count, 4);
	for (int64_t i = 0; i < count; i++) {
		char name[256];
		int64_t partitions;
		int topic;

		take_string(in, false, name);
		topic = topic_of(fake, name);
		partitions = take_int(in, 4);
		put_string(out, false, name);
		put_int(out, partitions, 4);
		for (int64_t k = 0; k < partitions; k++) {
			int p = (int)take_int(in, 4);
			int64_t at = take_int(in, 8);
			int code = 0;
			int64_t offset = -1;

			if (version == 0)
				(void)take_int(in, 4);
			if (topic < 0)
				code = 3;
			else if (leader_of(fake, topic, p) != broker)
				code = 6;
			else if (topic == atomic_load(&fake->fail_topic) - 1 && p == 0)
				code = atomic_load(&fake->fail_code);
			if (code == 0)
				offset = at == -2 ? fake_kafka_low(topic, p) : fake_kafka_high(fake, topic, p);
			put_int(out, p, 4);
			put_int(out, code, 2);
			if (version == 0) {
				put_int(out, 1, 4);
			} else {
				put_int(out, -1, 8);
			}
			put_int(out, offset, 8);
		}
	}
}

static void describe_configs(int version, struct take *in, struct buf *out)
{
	static const char *const entries[][2] = { { "retention.ms", "3600000" },
		{ "retention.bytes", "-1" }, { "cleanup.policy", "delete" } };
	int64_t count = take_int(in, 4);

	put_int(out, 0, 4);
	put_int(out, count, 4);
	for (int64_t i = 0; i < count; i++) {
		char name[256];
		int64_t keys;
		int64_t type = take_int(in, 1);

		take_string(in, false, name);
		put_int(out, 0, 2);
		put_string(out, false, NULL);
		put_int(out, type, 1);
		put_string(out, false, name);
		put_int(out, (int64_t)ARRAY_LEN(entries), 4);
		keys = take_int(in, 4);
		for (int64_t k = 0; k < keys; k++)
			take_string(in, false, name);
		for (size_t k = 0; k < ARRAY_LEN(entries); k++) {
			put_string(out, false, entries[k][0]);
			put_string(out, false, entries[k][1]);
			put_int(out, 0, 1);
			put_int(out, 1, 1);
			put_int(out, 0, 1);
			if (version >= 1)
				put_int(out, 0, 4);
		}
	}
}

static void pause_ms(int ms)
{
	struct timespec wait = { ms / 1000, (ms % 1000) * 1000000L };

	(void)nanosleep(&wait, NULL);
}

bool fake_kafka_answer(struct fake_kafka *fake, int broker, struct take *in, struct buf *out)
{
	int api = (int)take_int(in, 2);
	int version = (int)take_int(in, 2);
	int64_t correlation = take_int(in, 4);
	char client[256];
	bool flexible = (api == 18 && version >= 3) || (api == 9 && version >= 6) ||
		(api == 16 && version >= 3);

	take_string(in, false, client);
	if (flexible)
		(void)take_varint(in);
	if (api >= 0 && api < FAKE_APIS)
		atomic_fetch_add(&fake->asked[api], 1);
	if ((api == 2 || api == 9) && (atomic_load(&fake->mute) & 1 << broker))
		return false;
	if (atomic_load(&fake->delay_ms) > 0)
		pause_ms(atomic_load(&fake->delay_ms));
	put_int(out, 0, 4);
	put_int(out, correlation, 4);
	put_tags(out, flexible && api != 18);
	switch (api) {
	case 18: api_versions(fake, version, out); break;
	case 3:
		metadata(fake, version, in, out);
		if (atomic_load(&fake->moves) > 0) {
			atomic_fetch_sub(&fake->moves, 1);
			atomic_fetch_add(&fake->shift, 1);
		}
		break;
	case 10: find_coordinator(fake, version, in, out); break;
	case 16: list_groups(fake, broker, version, out); break;
	case 15: describe_groups(fake, version, in, out); break;
	case 9: offset_fetch(fake, version, in, out); break;
	case 2: list_offsets(fake, broker, version, in, out); break;
	case 32: describe_configs(version, in, out); break;
	default: return false;
	}
	for (size_t i = 0; i < 4; i++)
		out->bytes[i] = (char)(unsigned char)((out->len - 4) >> (8 * (3 - i)));
	return true;
}
