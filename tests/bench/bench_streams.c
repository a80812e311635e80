/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lag costs the store, and how fast it is told.
 *   bench_streams day FILE SWEEP_S     a day of 35 topics of 12 partitions, 40 readers, 4,025 tables
 *                                      inside, 1,600 records a second: MB of each part
 *   bench_streams wide FILE            an hour of 50 groups that read 40 topics of 100 partitions,
 *                                      swept every 10 s: processor time of a sweep, and of lag_list
 *   bench_streams list FILE            the latter's lag_list again
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/lag.h"
#include "tests/lib/streams.h"

enum { TOPICS = 35, PARTS = 12, READERS = 40, TABLES = 115, DAY_S = 86400, RATE = 1600,
	WIDE_GROUPS = 50, WIDE_TOPICS = 40, WIDE_PARTS = 100, LISTS = 100 };

static uint64_t seed = 7;

static uint64_t next_random(void)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return seed >> 33;
}

static double cpu_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* Megabytes of tables whose names match. */
static double mb_of(const char *path, const char *like)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt = NULL;
	double mb = -1;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
		sqlite3_prepare_v2(db, "SELECT coalesce(sum(pgsize), 0) / 1e6 FROM dbstat WHERE name LIKE ?1",
			-1, &stmt, NULL) == SQLITE_OK &&
		sqlite3_bind_text(stmt, 1, like, -1, SQLITE_STATIC) == SQLITE_OK &&
		sqlite3_step(stmt) == SQLITE_ROW)
		mb = sqlite3_column_double(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return mb;
}

/* A sweep's worth of records into each partition, unevenly; readers a moment behind. */
static void sweep(struct feed *feed, int64_t highs[TOPICS][PARTS], int64_t places[READERS][PARTS],
	int64_t lows[TOPICS][PARTS], int64_t step_s, bool commits)
{
	char name[32];

	for (size_t t = 0; t < TOPICS; t++) {
		for (size_t p = 0; p < PARTS; p++) {
			int64_t mean = RATE * step_s / (TOPICS * PARTS);

			highs[t][p] += mean / 2 + (int64_t)(next_random() % (uint64_t)(mean + 1));
			lows[t][p] = highs[t][p] > 2000000 ? highs[t][p] / 100000 * 100000 - 1000000 : 0;
		}
		(void)snprintf(name, sizeof name, "cdc.shared.%02zu", t);
		feed_marks(feed, name, PARTS, highs[t], lows[t])->retention_ms = 604800000;
	}
	for (size_t r = 0; r < READERS; r++) {
		struct fact_position *position;
		enum reader_kind kind = r < 20 ? READER_GROUP : READER_CHECKPOINT;

		/* groups commit every five seconds, checkpoints a micro-batch a half minute */
		for (size_t p = 0; p < PARTS && (kind == READER_GROUP || commits); p++)
			places[r][p] = highs[r % TOPICS][p] - (int64_t)(next_random() % 20);
		(void)snprintf(name, sizeof name, "reader-%02zu", r);
		position = feed_position(feed, kind, name, "", PARTS, places[r]);
		(void)snprintf(name, sizeof name, "cdc.shared.%02zu", r % TOPICS);
		position->topic = arena_text(&feed->batch->arena, text_of(name));
		position->state = kind == READER_GROUP ? TEXT("Stable") : TEXT_NONE;
		position->members = kind == READER_GROUP ? 3 : FACT_UNKNOWN;
		for (size_t p = 0; p < PARTS && kind == READER_CHECKPOINT; p++) {
			position->places[p].started = places[r][p];
			position->places[p].committed_at_ms = feed->now_ms - feed->now_ms % 30000;
		}
	}
}

static void tables(struct feed *feed)
{
	char topic[32], name[64];

	for (size_t t = 0; t < TOPICS; t++) {
		(void)snprintf(topic, sizeof topic, "cdc.shared.%02zu", t);
		for (size_t i = 0; i < TABLES; i++) {
			int64_t n = (int64_t)(next_random() % (2 * RATE * 60 / (TOPICS * TABLES)));
			struct fact_topic_table *told;

			if (n == 0)
				continue;
			(void)snprintf(name, sizeof name, "claims_%02zu.public.table_%03zu", t, i);
			told = feed_table(feed, topic, name, n);
			told->creates = n / 4;
			told->updates = n - n / 4;
			told->delay_sum_ms = n * (200 + (int64_t)(next_random() % 100));
			told->delay_max_ms = (int64_t)(next_random() % 3000);
			told->last_at_ms = feed->now_ms + (int64_t)(next_random() % 60000);
		}
	}
}

static int day(const char *path, int64_t step_s)
{
	static int64_t highs[TOPICS][PARTS], lows[TOPICS][PARTS], places[READERS][PARTS];
	double started = cpu_ms(), lag, topics, sweeps, all;
	struct feed feed;

	feed_open(&feed, path, "kafka prod", STREAMS_NOW_MS);
	for (int64_t s = 0; s < DAY_S; s += step_s) {
		sweep(&feed, highs, places, lows, step_s, s % 30 == 0);
		if (s % 60 == 0)
			tables(&feed);
		feed_sweep(&feed, true, step_s * 1000);
	}
	feed_close(&feed);
	lag = mb_of(path, "lag_change");
	topics = mb_of(path, "topic_%");
	sweeps = mb_of(path, "sweep");
	all = mb_of(path, "%");
	(void)printf("a day at a sweep every %lld s: %.1f MB (offsets %.1f, tables inside topics %.1f,"
		     " sweeps %.1f), %.1f s of processor time\n", (long long)step_s, all, lag, topics,
		sweeps, (cpu_ms() - started) / 1e3);
	return all < 100 ? 0 : 1;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

/* What a refresh of the list costs, of a store that is there. */
static int list(const char *path)
{
	double took[LISTS];
	struct reader *reader = NULL;
	struct arena arena = { 0 };
	struct err err = ERR_INIT;
	struct lag_rows rows = { 0 };

	for (size_t i = 0; i < LISTS; i++) {
		double from = cpu_ms();

		arena_reset(&arena);
		if ((!reader && !reader_open(path, &reader, &err)) ||
			!reader_begin(reader, READER_NOW, 0, &err) ||
			!lag_list(reader, &arena, TEXT_NONE, TEXT_NONE, &rows, &err)) {
			(void)fprintf(stderr, "%s\n", err.text);
			return 1;
		}
		reader_end(reader);
		took[i] = cpu_ms() - from;
	}
	qsort(took, LISTS, sizeof took[0], compare);
	(void)printf("lag_list of it, %zu rows: p50 %.0f ms, p99 %.0f ms of processor time\n", rows.n, took[LISTS / 2],
		took[LISTS - 1]);
	reader_close(reader);
	arena_free(&arena);
	return 0;
}

static int wide(const char *path)
{
	static int64_t highs[WIDE_PARTS], places[WIDE_PARTS];
	double begun = cpu_ms();
	struct feed feed;

	feed_open(&feed, path, "kafka prod", STREAMS_NOW_MS);
	for (int64_t i = 0; i < 360; i++) {
		char topic[32], group[32];

		for (size_t t = 0; t < WIDE_TOPICS; t++) {
			(void)snprintf(topic, sizeof topic, "topic-%02zu", t);
			for (size_t p = 0; p < WIDE_PARTS; p++)
				highs[p] = 1000000 + i * (40 + (int64_t)p);
			feed_marks(&feed, topic, WIDE_PARTS, highs, NULL)->retention_ms = 604800000;
			for (size_t g = 0; g < WIDE_GROUPS; g++) {
				struct fact_position *position;

				for (size_t p = 0; p < WIDE_PARTS; p++)
					places[p] = highs[p] - (g % 10 == 0 ? i * 20 : (int64_t)(next_random() % 40));
				(void)snprintf(group, sizeof group, "group-%02zu", g);
				position = feed_position(&feed, READER_GROUP, group, topic, WIDE_PARTS, places);
				position->state = TEXT("Stable");
				position->members = 4;
			}
		}
		feed_sweep(&feed, true, 10000);
	}
	feed_close(&feed);
	(void)printf("50 groups x 4,000 partitions: a sweep made and written in %.0f ms of processor time,"
		     " an hour is %.0f MB\n", (cpu_ms() - begun) / 360, mb_of(path, "%"));
	return list(path);
}

int main(int argc, char **argv)
{
	if (argc > 3 && strcmp(argv[1], "day") == 0)
		return day(argv[2], atol(argv[3]));
	if (argc > 2 && strcmp(argv[1], "wide") == 0)
		return wide(argv[2]);
	if (argc > 2 && strcmp(argv[1], "list") == 0)
		return list(argv[2]);
	(void)fprintf(stderr, "bench_streams day FILE SWEEP_S | wide FILE | list FILE\n");
	return 2;
}
