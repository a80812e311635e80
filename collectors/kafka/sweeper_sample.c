/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "collectors/kafka/sweeper_parts.h"
#include "collectors/kafka/tally.h"
#include "store/fact.h"

enum { BATCH = 1000, TELL_MS = 4000, WINDOW_MS = 250, NAP_MS = 50,
	JUDGE_MS = 5000,     /* how often it is asked whether reading comes nearer to the end */
	STOOD_MS = 2000,     /* how long it may take to ask where a partition stood */
	STALE_MS = 15000,    /* what is read is never as old as this without catching up ... */
	ANCIENT_MS = 600000  /* ... and in no case as old as this */ };

struct known { /* a topic that is read */
	char *name;
	size_t number;    /* of the tally */
	int32_t assigned; /* partitions 0 .. assigned - 1 are read */
	int32_t older;    /* partitions 0 .. older - 1 were there before us */
	int fault;        /* librdkafka's, told last; 0 = none */
	bool seen;
};

struct sampler {
	rd_kafka_t *client;
	rd_kafka_queue_t *queue;
	struct tally *tally;
	struct known *known;
	size_t nknown;
	const rd_kafka_topic_t *last_topic; /* of the record before, in one batch: its number is */
	size_t last_number;
	bool first; /* nothing was assigned yet */
	int64_t opened_at_ms; /* wall */
	int64_t window_at_ms, told_at_ms;
	int64_t window_bytes;
	int64_t judged_at_ms, age_ms; /* age: of the oldest that is read, when judged last */
	int windows, limited_windows; /* since then */
	bool limited, said_limited;
};

/* Little is held in memory, and brokers are asked for much at once rather than often. */
static const char *const reading[] = {
	"enable.partition.eof", "true",
	"auto.offset.reset", "latest",
	"queued.max.messages.kbytes", "2048",
	"queued.min.messages", "1000",
	"fetch.message.max.bytes", "262144",
	"fetch.max.bytes", "1048576",
	"fetch.min.bytes", "65536",
	"fetch.wait.max.ms", "500",
	NULL,
};

static void send_row(void *context, const struct tally_row *row)
{
	struct sweeper *sweeper = context;
	struct buf *out = &sweeper->out;
	size_t begun = wire_begin(out, WIRE_TABLE);

	wire_text(out, text_of(row->topic));
	wire_text(out, text_of(row->table));
	wire_i64(out, row->minute_ms);
	wire_i64(out, row->counted);
	wire_i64(out, row->bytes);
	wire_i64(out, row->creates);
	wire_i64(out, row->updates);
	wire_i64(out, row->deletes);
	wire_i64(out, row->reads);
	wire_i64(out, row->tombstones);
	wire_i64(out, row->seen);
	wire_i64(out, row->sampled);
	wire_i64(out, row->delay_sum_ms);
	wire_i64(out, row->delay_max_ms);
	wire_i64(out, row->delays);
	wire_i64(out, row->last_at_ms);
	wire_u8(out, row->snapshot);
	(void)wire_end(out, begun); /* short */
	if (out->len > WIRE_FRAME_MAX / 16)
		sweeper_send(sweeper);
}

void sampler_open(struct sweeper *sweeper, struct text places)
{
	const char *own[ARRAY_LEN(reading) + 2];
	struct sampler *sampler = NEW(struct sampler);
	char why[256];

	own[0] = "group.id";
	own[1] = sweeper->plan.group_id.bytes;
	memcpy(own + 2, reading, sizeof reading);
	sampler->client = client_new(sweeper, own, why, sizeof why);
	if (!sampler->client) {
		sweeper_log(sweeper, LOG_WARN, "tables are not counted: %s", why);
		free(sampler);
		return;
	}
	sampler->queue = rd_kafka_queue_get_consumer(sampler->client);
	sampler->tally = tally_new(send_row, sweeper);
	sampler->first = true;
	sampler->opened_at_ms = sweeper->clock->wall_ms(sweeper->clock);
	tally_resume(sampler->tally, places);
	sweeper->sampler = sampler;
}

void sampler_close(struct sweeper *sweeper)
{
	struct sampler *sampler = sweeper->sampler;

	if (!sampler)
		return;
	rd_kafka_queue_destroy(sampler->queue);
	rd_kafka_destroy_flags(sampler->client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
	tally_free(sampler->tally);
	for (size_t i = 0; i < sampler->nknown; i++)
		free(sampler->known[i].name);
	free(sampler->known);
	free(sampler);
	sweeper->sampler = NULL;
}

static struct known *find(struct sampler *sampler, const char *name)
{
	for (size_t i = 0; i < sampler->nknown; i++) {
		if (strcmp(sampler->known[i].name, name) == 0)
			return &sampler->known[i];
	}
	return NULL;
}

static struct known *know(struct sampler *sampler, const struct topic *topic)
{
	struct known *known = find(sampler, topic->name);

	if (known)
		return known;
	sampler->known = mem_resize(sampler->known, ++sampler->nknown, sizeof *sampler->known);
	known = &sampler->known[sampler->nknown - 1];
	*known = (struct known){
		.name = mem_strdup(topic->name),
		.number = tally_topic(sampler->tally, topic->name, topic->nmarks),
		.older = sampler->first ? topic->nmarks : 0,
	};
	return known;
}

/* It was there before us, and nobody could say then where it ended. */
static bool must_ask(const struct sampler *sampler, const struct known *known, int32_t partition)
{
	return partition < known->older && !sampler->first;
}

static bool has_ends(const struct mark *mark)
{
	return mark->high != FACT_UNKNOWN && mark->low != FACT_UNKNOWN;
}

static struct known *known_of(struct sweeper *sweeper, const struct topic *topic)
{
	return patterns_match(sweeper->plan.tables, topic->name) ? know(sweeper->sampler, topic) : NULL;
}

/* Where such partitions stood when we came, asked of all at once; with errors where none can be told. */
static rd_kafka_topic_partition_list_t *ask_where_they_stood(struct sweeper *sweeper)
{
	struct sampler *sampler = sweeper->sampler;
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(8);
	rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;

	for (size_t i = 0; i < sweeper->ntopics; i++) {
		const struct topic *topic = &sweeper->topics[i];
		const struct known *known = known_of(sweeper, topic);

		for (int32_t p = known ? known->assigned : topic->nmarks;
			p < topic->nmarks && has_ends(&topic->marks[p]); p++) {
			if (must_ask(sampler, known, p))
				rd_kafka_topic_partition_list_add(list, topic->name, p)->offset =
					sampler->opened_at_ms;
		}
	}
	if (list->cnt > 0)
		code = rd_kafka_offsets_for_times(sampler->client, list, STOOD_MS);
	for (int i = 0; code != RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++)
		list->elems[i].err = code;
	return list;
}

/*
 * Partitions that were there before us are read from where they ended then, unless we left off
 * somewhere in them; those that came later from their beginning. What cannot be told yet is left for
 * the next sweep.
 */
static void add_topic(struct sweeper *sweeper, struct known *known, const struct topic *topic,
	rd_kafka_topic_partition_list_t *stood, rd_kafka_topic_partition_list_t *list)
{
	struct sampler *sampler = sweeper->sampler;
	int64_t now = sweeper->clock->wall_ms(sweeper->clock);

	(void)tally_topic(sampler->tally, topic->name, topic->nmarks);
	for (int32_t p = known->assigned; p < topic->nmarks && has_ends(&topic->marks[p]); p++) {
		const struct mark *mark = &topic->marks[p];
		int64_t from = p >= known->older ? mark->low : mark->high;

		if (must_ask(sampler, known, p)) {
			const rd_kafka_topic_partition_t *was =
				rd_kafka_topic_partition_list_find(stood, topic->name, p);

			if (!was || was->err != RD_KAFKA_RESP_ERR_NO_ERROR)
				return;
			from = was->offset >= 0 ? was->offset : mark->high;
		}
		from = tally_begin(sampler->tally, known->number, p, from, from == mark->low,
			mark->low, mark->high, now);
		rd_kafka_topic_partition_list_add(list, topic->name, p)->offset = from;
		known->assigned = p + 1;
	}
}

/* A topic that is not there for one sweep may be back at the next, or another of its name may. */
static void drop_gone(struct sampler *sampler)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(8);

	for (size_t i = 0; i < sampler->nknown; i++) {
		struct known *known = &sampler->known[i];

		for (int32_t p = 0; !known->seen && p < known->assigned; p++) {
			rd_kafka_topic_partition_list_add(list, known->name, p);
			tally_leave(sampler->tally, known->number, p);
		}
		if (!known->seen && known->assigned > 0)
			known->assigned = known->older = 0;
		known->seen = false;
	}
	if (list->cnt > 0)
		rd_kafka_error_destroy(rd_kafka_incremental_unassign(sampler->client, list));
	rd_kafka_topic_partition_list_destroy(list);
}

void sampler_assign(struct sweeper *sweeper)
{
	struct sampler *sampler = sweeper->sampler;
	rd_kafka_topic_partition_list_t *stood;
	rd_kafka_topic_partition_list_t *list;
	rd_kafka_error_t *error = NULL;

	if (!sampler)
		return;
	stood = ask_where_they_stood(sweeper);
	list = rd_kafka_topic_partition_list_new(64);
	for (size_t i = 0; i < sweeper->ntopics; i++) {
		const struct topic *topic = &sweeper->topics[i];
		struct known *known = known_of(sweeper, topic);

		if (!known)
			continue;
		known->seen = true;
		add_topic(sweeper, known, topic, stood, list);
	}
	rd_kafka_topic_partition_list_destroy(stood);
	if (list->cnt > 0)
		error = rd_kafka_incremental_assign(sampler->client, list);
	if (error) {
		sweeper_log(sweeper, LOG_WARN, "tables are not counted: %s", rd_kafka_error_string(error));
		rd_kafka_error_destroy(error);
	}
	rd_kafka_topic_partition_list_destroy(list);
	drop_gone(sampler);
	sampler->first = false;
}

static size_t number_of(struct sampler *sampler, const rd_kafka_topic_t *topic)
{
	if (topic != sampler->last_topic) {
		sampler->last_topic = topic;
		sampler->last_number = tally_topic(sampler->tally, rd_kafka_topic_name(topic), 0);
	}
	return sampler->last_number;
}

/* Each topic's trouble once, and again when it is another. */
static void say_fault(struct sweeper *sweeper, const rd_kafka_message_t *message)
{
	const char *name = rd_kafka_topic_name(message->rkt);
	struct known *known = find(sweeper->sampler, name);

	if (!known || known->fault == (int)message->err)
		return;
	known->fault = (int)message->err;
	sweeper_log(sweeper, LOG_WARN, "tables of %s are not counted: %s%s", name,
		rd_kafka_err2str(message->err),
		message->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED
			? "; the account needs Read on the topic" : "");
}

static void take_message(struct sweeper *sweeper, const rd_kafka_message_t *message, int64_t now)
{
	struct sampler *sampler = sweeper->sampler;
	rd_kafka_timestamp_type_t type;
	struct tally_record record = {
		.partition = message->partition,
		.offset = message->offset,
		.key = { message->key, message->key_len },
		.value = { message->payload, message->len },
	};
	bool at_end = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
	size_t number;

	if (!message->rkt)
		return;
	if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR && !at_end) {
		say_fault(sweeper, message);
		return;
	}
	number = number_of(sampler, message->rkt);
	/* Records come in order and once: the topic was deleted and made anew between two sweeps. */
	if (message->offset < tally_next(sampler->tally, number, message->partition))
		tally_anew(sampler->tally, number, message->partition, message->offset, now);
	if (at_end) {
		tally_caught_up(sampler->tally, number, message->partition);
		return;
	}
	record.at_ms = rd_kafka_message_timestamp(message, &type);
	tally_count(sampler->tally, number, &record, now);
	sampler->window_bytes += (int64_t)(message->len + message->key_len);
}

/*
 * More comes than may be read, and what is read is old by now: on to the end. What lies between is
 * counted as passed over.
 */
static void jump(struct sweeper *sweeper)
{
	struct sampler *sampler = sweeper->sampler;
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(64);

	for (size_t i = 0; i < sampler->nknown; i++) {
		for (int32_t p = 0; p < sampler->known[i].assigned; p++) {
			if (!tally_is_behind(sampler->tally, sampler->known[i].number, p))
				continue;
			rd_kafka_topic_partition_list_add(list, sampler->known[i].name, p)->offset =
				RD_KAFKA_OFFSET_END;
			tally_jump(sampler->tally, sampler->known[i].number, p);
		}
	}
	if (list->cnt > 0)
		rd_kafka_error_destroy(rd_kafka_seek_partitions(sampler->client, list, 0));
	if (!sampler->said_limited)
		sweeper_log(sweeper, LOG_INFO, "more comes than tables_bytes a second: tables are sampled");
	sampler->said_limited = true;
	rd_kafka_topic_partition_list_destroy(list);
}

static void tell(struct sweeper *sweeper, int64_t wall_ms)
{
	struct buf places;
	size_t begun;

	tally_tell(sweeper->sampler->tally, wall_ms, false);
	buf_init(&places, WIRE_FRAME_MAX / 2);
	tally_left_off(sweeper->sampler->tally, &places);
	begun = wire_begin(&sweeper->out, WIRE_LEFT_OFF);
	wire_text(&sweeper->out, buf_text(&places));
	(void)wire_end(&sweeper->out, begun); /* too large: the last that fitted holds */
	buf_done(&places);
	sweeper_send(sweeper);
}

/* After a pause there is much to read: only who falls back, or is far too late, passes it over. */
static void judge(struct sweeper *sweeper, int64_t now, int64_t wall_ms)
{
	struct sampler *sampler = sweeper->sampler;
	int64_t oldest = tally_oldest(sampler->tally);
	int64_t age = oldest == INT64_MAX ? 0 : wall_ms - oldest;
	bool limited = 2 * sampler->limited_windows > sampler->windows;
	bool nearer = age < sampler->age_ms - JUDGE_MS / 4;

	if (limited && age > STALE_MS && sampler->judged_at_ms != 0 && (age > ANCIENT_MS || !nearer))
		jump(sweeper);
	sampler->judged_at_ms = now;
	sampler->age_ms = age;
	sampler->windows = sampler->limited_windows = 0;
}

/* A new window may read anew. */
static void turn_window(struct sweeper *sweeper, int64_t now, int64_t wall_ms)
{
	struct sampler *sampler = sweeper->sampler;

	if (now - sampler->window_at_ms < WINDOW_MS)
		return;
	sampler->windows++;
	sampler->limited_windows += sampler->limited;
	if (now - sampler->judged_at_ms >= JUDGE_MS)
		judge(sweeper, now, wall_ms);
	sampler->window_at_ms = now;
	sampler->window_bytes = 0;
	sampler->limited = false;
}

void sampler_run(struct sweeper *sweeper, int ms)
{
	struct sampler *sampler = sweeper->sampler;
	int64_t now = sweeper_now(sweeper);
	int64_t wall_ms = sweeper->clock->wall_ms(sweeper->clock);
	rd_kafka_message_t *messages[BATCH];
	ssize_t got;

	if (!sampler)
		return;
	(void)rd_kafka_poll(sampler->client, 0);
	turn_window(sweeper, now, wall_ms);
	if (sampler->window_bytes * 1000 >= sweeper->plan.sample_bytes * WINDOW_MS) {
		sampler->limited = true;
		if (ms > 0)
			(void)rd_kafka_poll(sampler->client, NAP_MS);
	} else {
		got = rd_kafka_consume_batch_queue(sampler->queue, ms, messages, BATCH);
		sampler->last_topic = NULL; /* another topic may have its place since */
		for (ssize_t i = 0; i < got; i++) {
			take_message(sweeper, messages[i], wall_ms);
			rd_kafka_message_destroy(messages[i]);
		}
	}
	if (now - sampler->told_at_ms >= TELL_MS) {
		sampler->told_at_ms = now;
		tell(sweeper, wall_ms);
	}
}
