/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/kafka/tally_parts.h"

#include "store/fact.h"

enum { GRACE_MS = 5000,
	LARGE_SHARE = 100 /* a table with one record in so many is told while its minute is open */ };

struct telling {
	const struct tally *tally;
	bool all, closing;
};

static void tell_row(struct telling *telling, struct topic *topic, struct table *table,
	const struct minute *minute)
{
	struct counts *counts = &table->counts[tally_slot_of(minute->minute)];
	struct tally_row row = {
		.topic = topic->name,
		.table = table->name,
		.minute_ms = minute->minute * MINUTE_MS,
		.counted = counts->counted,
		.bytes = counts->bytes,
		.creates = counts->creates,
		.updates = counts->updates,
		.deletes = counts->deletes,
		.reads = counts->reads,
		.tombstones = counts->tombstones,
		.sampled = minute->sampled,
		.seen = minute->partial ? FACT_UNKNOWN : minute->sampled + minute->passed,
		.delay_sum_ms = counts->delay_sum_ms,
		.delay_max_ms = counts->delays > 0 ? counts->delay_max_ms : FACT_UNKNOWN,
		.delays = counts->delays,
		.last_at_ms = counts->last_at_ms,
		.snapshot = counts->snapshot,
	};

	counts->dirty = false;
	table->told = true;
	telling->tally->tell(telling->tally->context, &row);
}

/*
 * While a minute is open only what leads or is new is told; when it closes, all that it had, since
 * how much was seen in it is known only then.
 */
static void tell_minute(struct telling *telling, struct topic *topic, const struct minute *minute)
{
	for (size_t i = 0; i < topic->ntables; i++) {
		struct table *table = &topic->tables[i];
		const struct counts *counts = &table->counts[tally_slot_of(minute->minute)];
		bool large = (int64_t)counts->counted * LARGE_SHARE >= minute->sampled && i > 0;

		if (counts->counted > 0 && (telling->closing ||
			(counts->dirty && (telling->all || large || !table->told))))
			tell_row(telling, topic, table, minute);
	}
}

void tally_close_until(struct tally *tally, struct topic *topic, int64_t last)
{
	struct telling telling = { .tally = tally, .all = true, .closing = true };

	for (size_t i = 0; i < TALLY_OPEN_MAX; i++) {
		struct minute *slot = &topic->minutes[i];

		if (slot->minute == INT64_MIN || slot->minute > last)
			continue;
		tell_minute(&telling, topic, slot);
		slot->minute = INT64_MIN;
	}
	if (topic->open <= last)
		topic->open = last + 1;
}

/* Every partition that is read has come to at least this minute. */
static int64_t progress_of(const struct topic *topic, int64_t now_ms)
{
	int64_t least = INT64_MAX;

	for (int32_t p = 0; p < topic->nparts; p++) {
		const struct part *part = &topic->parts[p];
		int64_t reached = part->minute;

		if (!part->begun)
			continue;
		if (part->caught_up && tally_minute_of(now_ms - GRACE_MS) > reached)
			reached = tally_minute_of(now_ms - GRACE_MS);
		if (reached < least)
			least = reached;
	}
	return least == INT64_MAX ? INT64_MIN : least;
}

void tally_tell(struct tally *tally, int64_t now_ms, bool all)
{
	struct telling telling = { .tally = tally, .all = all };

	for (size_t i = 0; i < tally->ntopics; i++) {
		struct topic *topic = &tally->topics[i];
		int64_t progress = progress_of(topic, now_ms);

		if (topic->open == INT64_MIN)
			continue;
		if (progress > topic->open)
			tally_close_until(tally, topic, progress - 1);
		for (size_t k = 0; k < TALLY_OPEN_MAX; k++) {
			if (topic->minutes[k].minute != INT64_MIN)
				tell_minute(&telling, topic, &topic->minutes[k]);
		}
	}
}
