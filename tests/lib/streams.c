/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/streams.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/place.h"

static void must(bool good, const struct err *err)
{
	if (good)
		return;
	(void)fprintf(stderr, "streams: %s\n", err->text);
	abort();
}

void feed_open(struct feed *feed, const char *path, const char *source, int64_t now_ms)
{
	struct store_options options = { .path = path };
	struct err err = ERR_INIT;

	*feed = (struct feed){ .now_ms = now_ms };
	feed->clock = clock_fixed(now_ms);
	(void)snprintf(feed->source, sizeof feed->source, "%s", source);
	options.clock = &feed->clock;
	must(store_open(&options, &feed->store, &err), &err);
	feed->batch = fact_batch_new();
}

void feed_close(struct feed *feed)
{
	store_close(feed->store);
	fact_batch_free(feed->batch);
}

struct fact_marks *feed_marks(struct feed *feed, const char *topic, size_t n, const int64_t *highs,
	const int64_t *lows)
{
	struct fact_marks *marks = &fact_batch_fact(feed->batch, FACT_MARKS, feed->now_ms)->u.marks;

	marks->cluster = TEXT("prod");
	marks->topic = arena_text(&feed->batch->arena, text_of(topic));
	marks->retention_ms = FACT_UNKNOWN;
	marks->retention_bytes = FACT_UNKNOWN;
	marks->marks = ARENA_ARRAY(&feed->batch->arena, struct fact_mark, n + 1);
	marks->nmarks = n;
	for (size_t i = 0; i < n; i++)
		marks->marks[i] = (struct fact_mark){ (int32_t)i, (int32_t)(i % 3) + 1,
			lows ? lows[i] : 0, highs[i] };
	return marks;
}

struct fact_position *feed_position(struct feed *feed, enum reader_kind kind, const char *reader,
	const char *topic, size_t n, const int64_t *processed)
{
	struct fact_position *position =
		&fact_batch_fact(feed->batch, FACT_POSITION, feed->now_ms)->u.position;

	position->kind = kind;
	position->reader = arena_text(&feed->batch->arena, text_of(reader));
	position->cluster = kind == READER_EVENTLOG ? TEXT_NONE : TEXT("prod");
	position->topic = arena_text(&feed->batch->arena, text_of(topic));
	position->members = FACT_UNKNOWN;
	position->batch_started_ms = FACT_UNKNOWN;
	position->behind_files = position->behind_bytes = FACT_UNKNOWN;
	position->behind_records = position->behind_seconds = FACT_UNKNOWN;
	position->places = ARENA_ARRAY(&feed->batch->arena, struct fact_place, n + 1);
	position->nplaces = n;
	for (size_t i = 0; i < n; i++)
		position->places[i] = (struct fact_place){ .partition = (int32_t)i,
			.processed = processed[i], .started = FACT_UNKNOWN,
			.committed_at_ms = FACT_UNKNOWN };
	return position;
}

struct fact_topic_table *feed_table(struct feed *feed, const char *topic, const char *table,
	int64_t counted)
{
	struct fact_topic_table *told =
		&fact_batch_fact(feed->batch, FACT_TOPIC_TABLE, feed->now_ms)->u.topic_table;

	told->cluster = TEXT("prod");
	told->topic = arena_text(&feed->batch->arena, text_of(topic));
	told->table = arena_text(&feed->batch->arena, text_of(table));
	told->counted = counted;
	told->bytes = counted * 300;
	told->updates = counted;
	told->seen = FACT_UNKNOWN;
	told->sampled = FACT_UNKNOWN;
	told->last_at_ms = feed->now_ms;
	told->delays = counted;
	told->delay_sum_ms = counted * 250;
	told->delay_max_ms = 900;
	return told;
}

void feed_put(struct feed *feed, int64_t step_ms)
{
	struct err err = ERR_INIT;

	feed->batch->source = text_of(feed->source);
	must(store_put(feed->store, &feed->batch, INT64_MAX, &err), &err);
	must(store_flush(feed->store, INT64_MAX, &err), &err);
	feed->now_ms += step_ms;
	if (!feed->stands)
		feed->clock.fixed_ms += step_ms;
}

void feed_sweep(struct feed *feed, bool whole, int64_t step_ms)
{
	struct fact_sweep *sweep = &fact_batch_fact(feed->batch, FACT_SWEEP, feed->now_ms)->u.sweep;

	*sweep = (struct fact_sweep){ .cluster = TEXT("prod"), .took_ms = 40, .brokers = 3,
		.topics = 2, .partitions = 24, .groups = 5, .unread = whole ? 0 : 4,
		.problem = whole ? TEXT_NONE : TEXT("broker 2 does not answer") };
	feed_put(feed, step_ms);
}

/* ---- the estate ---- */

enum { PARTS = 12, STEP_MS = 10000, TABLES = 40 };
static const char query[] = "7b1c0de0-5a0e-4000-8000-00000000c0de";
static const char hostile[] = "\x1b[2J\xe2\x80\xae" "evil \xe5\xae\xbd\xe5\xad\x97 reader with a name "
			      "much longer than any column would ever want to show";

/* Records a second into each partition, at second s: the noisy one gets more. */
static int64_t high_at(size_t p, int64_t s, int64_t rate)
{
	return 1000000 + (int64_t)p * 1000 + s * (p == 7 ? rate * 5 : rate);
}

struct moment {
	int64_t s;    /* seconds since the beginning */
	int64_t left; /* until now */
	int64_t highs[PARTS], lows[PARTS], places[PARTS];
};

static void put_topics(struct feed *feed, struct moment *m)
{
	struct fact_marks *marks;

	for (size_t p = 0; p < PARTS; p++) {
		m->highs[p] = high_at(p, m->s, 90);
		m->lows[p] = 1000000 + (int64_t)p * 1000;
	}
	marks = feed_marks(feed, "cdc.shared.07", PARTS, m->highs, m->lows);
	marks->retention_ms = INT64_C(6) * 3600 * 1000;
	marks->retention_bytes = -1;
	for (size_t p = 0; p < PARTS; p++)
		m->highs[p] = high_at(p, m->s, 10);
	marks = feed_marks(feed, "cdc.shared.01", PARTS, m->highs, m->lows);
	marks->retention_ms = INT64_C(7) * 24 * 3600 * 1000;
	marks->retention_bytes = -1;
}

static void put_group(struct feed *feed, struct moment *m, const char *group, const char *state,
	int64_t members, enum reader_kind kind)
{
	struct fact_position *position =
		feed_position(feed, kind, group, "cdc.shared.01", PARTS, m->places);

	position->state = text_of(state);
	position->members = members;
}

static void put_groups(struct feed *feed, struct moment *m)
{
	int64_t stop = m->left < 1500 ? m->s - (1500 - m->left) : m->s;

	for (size_t p = 0; p < PARTS; p++)
		m->places[p] = high_at(p, m->s, 10) - (m->s % 20 ? 10 : 0);
	put_group(feed, m, "connect-s3-sink", "Stable", 3, READER_SINK);
	for (size_t p = 0; p < PARTS; p++)
		m->places[p] = high_at(p, stop, 10);
	put_group(feed, m, "audit", "Empty", 0, READER_GROUP);
	put_group(feed, m, "fraud", "Stable", 2, READER_GROUP);
	for (size_t p = 0; p < PARTS; p++)
		m->places[p] = high_at(p, m->left < 120 ? m->s / 2 : m->s, 10) - 1;
	put_group(feed, m, "rewound", "Stable", 1, READER_GROUP);
	m->places[3] = FACT_UNKNOWN;
	put_group(feed, m, hostile, "Stable", 1, READER_GROUP);
}

static void put_tables(struct feed *feed, const struct moment *m)
{
	char name[64];

	for (int i = 0; i < TABLES; i++) {
		if (i == 5 && m->left < 2400)
			continue; /* gone silent */
		if (i == 6 && m->left > 300)
			continue; /* new */
		(void)snprintf(name, sizeof name, "claims_db.public.table_%02d", i);
		(void)feed_table(feed, "cdc.shared.07", name, i == 3 ? 9000 : 40 + i);
	}
	(void)feed_table(feed, "cdc.shared.07", "claims_db.public.audit_log\x1b[31m", 7);
}

/* A version a minute of the table that members_gold reads. */
static void put_version(struct feed *feed, const struct moment *m)
{
	struct fact_version *version =
		&fact_batch_fact(feed->batch, FACT_VERSION, feed->now_ms)->u.version;

	version->table = TEXT("members_silver");
	version->path = TEXT("/lake/members_silver");
	version->version = m->s / 60;
	version->timestamp_ms = feed->now_ms;
	version->commit_info_ms = version->read_version = FACT_UNKNOWN;
	version->is_blind_append = -1;
	version->files_added = 4;
	version->bytes_added = 20 << 20;
	version->rows_added = 57600;
	version->files_removed = version->bytes_removed = version->rows_removed = 0;
	version->dv_added = FACT_UNKNOWN;
	version->data_change = true;
}

static void put_connectors(struct feed *feed)
{
	struct fact_connector *connector;

	connector = &fact_batch_fact(feed->batch, FACT_CONNECTOR, feed->now_ms)->u.connector;
	*connector = (struct fact_connector){ .connect = TEXT("edge"), .connector = TEXT("s3-sink"),
		.sink = true, .state = CONNECTOR_RUNNING, .worst = CONNECTOR_FAILED, .tasks = 3,
		.tasks_failed = 1, .worker = TEXT("10.0.0.7:8083"),
		.trace = TEXT("org.apache.kafka.connect.errors.ConnectException: bucket is not there"),
		.group = TEXT("connect-s3-sink"), .topics = TEXT("cdc.shared.01") };
	connector = &fact_batch_fact(feed->batch, FACT_CONNECTOR, feed->now_ms)->u.connector;
	*connector = (struct fact_connector){ .connect = TEXT("edge"), .connector = TEXT("claims-cdc"),
		.state = CONNECTOR_RUNNING, .worst = CONNECTOR_RUNNING, .tasks = 1,
		.worker = TEXT("10.0.0.8:8083") };
}

/* Micro-batches every 30 s that read 60 records a second of the 90 (or 450) that come. */
static void put_checkpoint(struct feed *feed, struct moment *m, const char *source)
{
	struct fact_position *position;
	char kept[64];
	int64_t done = m->s - m->s % 30;

	for (size_t p = 0; p < PARTS; p++)
		m->places[p] = high_at(p, done, 60);
	position = feed_position(
		feed, READER_CHECKPOINT, "dlt/members_silver", "cdc.shared.07", PARTS, m->places);
	position->query_id = text_of(query);
	position->batch_started_ms = feed->now_ms - m->s % 30 * 1000;
	for (size_t p = 0; p < PARTS; p++)
		position->places[p].committed_at_ms = feed->now_ms - m->s % 30 * 1000;
	m->places[0] = m->s / 60 - 2; /* two versions wait, and the one of this minute */
	position = feed_position(feed, READER_CHECKPOINT, "dlt/members_gold", "/lake/members_silver", 1,
		m->places);
	position->cluster = TEXT("delta");
	position->of_delta = true;
	position->behind_files = 4;
	position->behind_bytes = 52428800;
	(void)snprintf(kept, sizeof kept, "%s", feed->source);
	(void)snprintf(feed->source, sizeof feed->source, "%s", source);
	feed_put(feed, 0);
	(void)snprintf(feed->source, sizeof feed->source, "eventlog fire");
	for (size_t p = 0; p < PARTS; p++)
		m->places[p] = high_at(p, done, 60);
	position = feed_position(feed, READER_EVENTLOG, "hinge_cdc/members_silver", "cdc.shared.07", PARTS,
		m->places);
	position->query_id = text_of(query);
	position->behind_records = 1900000;
	feed_put(feed, 0);
	(void)snprintf(feed->source, sizeof feed->source, "%s", kept);
}

static void fill(struct feed *feed, int64_t from_ms, int64_t to_ms, int64_t now_ms)
{
	while (feed->now_ms < to_ms) {
		struct moment m = { .s = (feed->now_ms - from_ms) / 1000,
			.left = (now_ms - feed->now_ms) / 1000 };

		put_checkpoint(feed, &m, "checkpoint dlt");
		put_topics(feed, &m);
		put_groups(feed, &m);
		if (m.s % 60 == 0) {
			put_tables(feed, &m);
			put_version(feed, &m);
		}
		if (m.s == 0)
			put_connectors(feed);
		feed_sweep(feed, true, STEP_MS);
	}
}

void streams_fill(const char *path, int64_t now_ms, int64_t minutes)
{
	int64_t from = now_ms - minutes * 60000;
	struct feed feed;

	feed_open(&feed, path, "kafka prod", from);
	fill(&feed, from, now_ms + 1, now_ms);
	feed_close(&feed);
}

void streams_fill_part(const char *path, int64_t now_ms, int64_t minutes, int64_t part, int64_t parts)
{
	int64_t from = now_ms - minutes * 60000, span = minutes * 60000 / parts;
	const struct clock *clock = clock_system();
	struct feed feed;

	span -= span % 60000;
	feed_open(&feed, path, "kafka prod", clock->wall_ms(clock));
	feed.stands = true;
	feed.now_ms = from + part * span;
	fill(&feed, from, part + 1 == parts ? now_ms + 1 : from + (part + 1) * span, now_ms);
	feed_close(&feed);
}

static struct reader *open_reader(int64_t as_of_ms)
{
	struct reader *reader = NULL;
	struct err err = ERR_INIT;

	must(reader_open(place_store, &reader, &err) && reader_begin(reader, as_of_ms, 0, &err), &err);
	return reader;
}

struct lag_rows streams_lag(struct arena *arena, int64_t as_of_ms, const char *wanted)
{
	struct reader *reader = open_reader(as_of_ms);
	struct lag_rows rows = { 0 };
	struct err err = ERR_INIT;

	must(lag_list(reader, arena, text_of(wanted), TEXT_NONE, &rows, &err), &err);
	reader_close(reader);
	return rows;
}

struct topic_table_rows streams_tables(struct arena *arena, const char *cluster, const char *topic)
{
	struct reader *reader = open_reader(READER_NOW);
	struct topic_table_rows rows = { 0 };
	struct err err = ERR_INIT;

	must(topic_tables_list(reader, arena, text_of(cluster), text_of(topic), &rows, &err), &err);
	reader_close(reader);
	return rows;
}
