/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "collectors/kafka/sweeper_parts.h"
#include "store/fact.h"

/*
 * Where partitions begin and end, by offsets_for_times in slices of one leader each, so that a slow
 * broker keeps nobody else waiting. Never by query_watermark_offsets (C4).
 */
enum { LOW = -2, HIGH = -1, SLOW_MAX = 64, FAILURES_MAX = 200, SPLITS_MAX = 20 };

struct place {
	uint32_t topic;
	int32_t partition, leader;
};

struct places {
	struct place *list;
	size_t count;
};

struct reading {
	struct sweeper *sweeper;
	int64_t what; /* LOW or HIGH */
	struct places again;
	int32_t slow[SLOW_MAX]; /* leaders that did not answer in time: left alone in this sweep */
	size_t nslow;
	size_t failures;
	bool last; /* the second try: halves */
};

static int by_leader(const void *a, const void *b)
{
	const struct place *one = a;
	const struct place *other = b;

	if (one->leader != other->leader)
		return one->leader < other->leader ? -1 : 1;
	if (one->topic != other->topic)
		return one->topic < other->topic ? -1 : 1;
	return one->partition < other->partition ? -1 : one->partition > other->partition;
}

static bool is_slow(const struct reading *reading, int32_t leader)
{
	for (size_t i = 0; i < reading->nslow; i++) {
		if (reading->slow[i] == leader)
			return true;
	}
	return false;
}

static struct mark *mark_of(struct sweeper *sweeper, const struct place *place)
{
	return &sweeper->topics[place->topic].marks[place->partition];
}

static void give_up(struct reading *reading, const struct place *place, rd_kafka_resp_err_t code)
{
	struct sweeper *sweeper = reading->sweeper;

	sweeper_problem(sweeper, "%s of %s %d: %s%s", reading->what == LOW ? "begin" : "end",
		sweeper->topics[place->topic].name, place->partition, rd_kafka_err2str(code),
		client_advice(code));
}

static rd_kafka_resp_err_t ask(struct reading *reading, const struct place *places, size_t count)
{
	struct sweeper *sweeper = reading->sweeper;
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
	rd_kafka_resp_err_t code;

	for (size_t i = 0; i < count; i++)
		rd_kafka_topic_partition_list_add(list, sweeper->topics[places[i].topic].name,
			places[i].partition)->offset = reading->what;
	code = rd_kafka_offsets_for_times(sweeper->client, list, (int)sweeper->plan.answer_ms / 2);
	/* C6: after an error the elements still hold what we put in. */
	for (size_t i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < count; i++) {
		const rd_kafka_topic_partition_t *got = &list->elems[i];
		struct mark *mark = mark_of(sweeper, &places[i]);

		if (got->err != RD_KAFKA_RESP_ERR_NO_ERROR)
			give_up(reading, &places[i], got->err);
		if (got->err != RD_KAFKA_RESP_ERR_NO_ERROR || got->offset < 0)
			continue;
		if (reading->what == LOW)
			mark->low = got->offset;
		else
			mark->high = got->offset;
	}
	rd_kafka_topic_partition_list_destroy(list);
	sweeper_breathe(sweeper);
	return code;
}

static void put_again(struct reading *reading, const struct place *places, size_t count)
{
	struct places *again = &reading->again;

	again->list = mem_resize(again->list, again->count + count, sizeof *again->list);
	memcpy(again->list + again->count, places, count * sizeof *places);
	again->count += count;
}

/* One partition that fails makes its whole slice fail: it is cut in halves until it stands alone. */
static void ask_slice(struct reading *reading, const struct place *places, size_t count)
{
	struct places parts[SPLITS_MAX];
	size_t nparts = 1;

	parts[0] = (struct places){ .list = (struct place *)places, .count = count };
	while (nparts > 0 && !reading->sweeper->ended) {
		struct places part = parts[--nparts];
		rd_kafka_resp_err_t code;

		if (is_slow(reading, part.list->leader) || reading->failures > FAILURES_MAX)
			continue;
		code = ask(reading, part.list, part.count);
		if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
			continue;
		reading->failures++;
		if (code == RD_KAFKA_RESP_ERR__TIMED_OUT) {
			if (reading->nslow < SLOW_MAX)
				reading->slow[reading->nslow++] = part.list->leader;
			give_up(reading, part.list, code);
		} else if (!reading->last) {
			put_again(reading, part.list, part.count);
		} else if (part.count == 1 || nparts + 2 > SPLITS_MAX) {
			give_up(reading, part.list, code);
		} else {
			size_t half = part.count / 2;

			parts[nparts++] = (struct places){ part.list + half, part.count - half };
			parts[nparts++] = (struct places){ part.list, half };
		}
	}
}

static void ask_all(struct reading *reading, struct place *list, size_t count)
{
	size_t from = 0;

	qsort(list, count, sizeof *list, by_leader);
	while (from < count && !reading->sweeper->ended) {
		size_t to = from;

		while (to < count && to - from < ENDS_SLICE && list[to].leader == list[from].leader)
			to++;
		if (list[from].leader >= 0)
			ask_slice(reading, list + from, to - from);
		from = to;
	}
}

static bool wanted(const struct sweeper *sweeper, const struct mark *mark, int64_t what, bool all_low)
{
	(void)sweeper;
	return what == HIGH || all_low || mark->near || mark->low == FACT_UNKNOWN;
}

/* C7: leaders may be others now; the same topics are there, since places point into them. */
static void refresh_leaders(struct sweeper *sweeper)
{
	const rd_kafka_metadata_t *metadata = NULL;

	if (rd_kafka_metadata(sweeper->client, 1, NULL, &metadata, METADATA_TIMEOUT_MS) !=
		RD_KAFKA_RESP_ERR_NO_ERROR)
		return;
	for (int i = 0; i < metadata->topic_cnt; i++) {
		const rd_kafka_metadata_topic_t *from = &metadata->topics[i];
		struct topic *topic = topics_find(sweeper, from->topic);

		for (int p = 0; topic && p < from->partition_cnt; p++) {
			int32_t id = from->partitions[p].id;

			if (id >= 0 && id < topic->nmarks)
				topic->marks[id].leader = from->partitions[p].leader;
		}
	}
	rd_kafka_metadata_destroy(metadata);
}

static void read_marks(struct sweeper *sweeper, int64_t what, bool all_low)
{
	struct reading reading = { .sweeper = sweeper, .what = what };
	struct place *list;
	size_t total = 0;
	size_t count = 0;

	for (size_t i = 0; i < sweeper->ntopics; i++)
		total += (size_t)sweeper->topics[i].nmarks;
	list = NEW_ARRAY(struct place, total + 1);
	for (size_t i = 0; i < sweeper->ntopics; i++) {
		for (int32_t p = 0; p < sweeper->topics[i].nmarks; p++) {
			const struct mark *mark = &sweeper->topics[i].marks[p];

			if (wanted(sweeper, mark, what, all_low))
				list[count++] = (struct place){ (uint32_t)i, p, mark->leader };
		}
	}
	ask_all(&reading, list, count);
	if (reading.again.count > 0 && !sweeper->ended) {
		struct places again = reading.again;

		reading.again = (struct places){ NULL, 0 };
		reading.last = true;
		reading.failures = 0;
		refresh_leaders(sweeper);
		for (size_t i = 0; i < again.count; i++)
			again.list[i].leader = mark_of(sweeper, &again.list[i])->leader;
		ask_all(&reading, again.list, again.count);
		free(again.list);
	}
	free(reading.again.list);
	free(list);
}

void marks_read(struct sweeper *sweeper)
{
	int64_t now = sweeper_now(sweeper);
	size_t total = 0;
	bool all_low;

	for (size_t i = 0; i < sweeper->ntopics; i++)
		total += (size_t)sweeper->topics[i].nmarks;
	all_low = total <= LOW_ALWAYS_MAX || sweeper->low_at_ms == 0 ||
		now - sweeper->low_at_ms >= LOW_EVERY_MS;
	if (all_low)
		sweeper->low_at_ms = now;
	sweeper->ends_at_ms = sweeper->clock->wall_ms(sweeper->clock);
	read_marks(sweeper, HIGH, false);
	read_marks(sweeper, LOW, all_low);
	for (size_t i = 0; i < sweeper->ntopics; i++) {
		for (int32_t p = 0; p < sweeper->topics[i].nmarks; p++) {
			struct mark *mark = &sweeper->topics[i].marks[p];

			sweeper->unread += mark->high == FACT_UNKNOWN;
			if (all_low)
				mark->near = false; /* judged anew with the next commits */
			if (mark->leader < 0)
				sweeper_problem(sweeper, "%s %d has no leader",
					sweeper->topics[i].name, p);
		}
	}
}
