/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two readers of event logs over the same lines, in turns, so that a busy machine disturbs
 *both.
 *
 *	bench_parse FILE             a table: events a second, MB a second, ratio to jansson
 *	bench_parse FILE lines|project|scan|parse|jansson [LINES]    one of them once, for counting
 *instructions
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/mem.h"
#include "collectors/eventlog/pick.h"

enum { BATCH_EVENTS = 10000, ROUNDS = 5, FAST_TIMES = 20 };

struct run {
	size_t events, bytes, sum;
	double seconds;
};

static const struct eventlog_options options = { .now_ms = 1 };
static const struct eventlog_place place = { .line = 1, .segment = 1 };

static void line_only(struct fact_batch *batch, struct text line, struct run *run)
{
	(void)batch;
	run->sum += line.len;
}

static void project(struct fact_batch *batch, struct text line, struct run *run)
{
	(void)batch;
	run->sum += eventlog_scan_only(line);
}

static void scan(struct fact_batch *batch, struct text line, struct run *run)
{
	run->sum += eventlog_scan_event(batch, line, true, &place, &options);
}

static void parse(struct fact_batch *batch, struct text line, struct run *run)
{
	struct text reason;

	run->sum += eventlog_parse_event(batch, line, &place, &options, &reason);
}

/* Only the general parser's trees, details in a string included; nothing taken from them. */
static void load(struct fact_batch *batch, struct text line, struct run *run)
{
	json_t *value = json_loadb(line.bytes, line.len, 0, NULL);
	json_t *details = json_object_get(value, "details");
	json_t *inner = NULL;

	(void)batch;
	if (json_is_string(details))
		inner = json_loadb(
			json_string_value(details), json_string_length(details), 0, NULL);
	run->sum += value != NULL;
	json_decref(inner);
	json_decref(value);
}

static const struct reader {
	const char *name;
	void (*read)(struct fact_batch *batch, struct text line, struct run *run);
	int times; /* over the same lines, so that the fast ones are measured as long as the slow */
} readers[] = {
	{ "lines", line_only, FAST_TIMES },
	{ "project", project, FAST_TIMES },
	{ "scan", scan, FAST_TIMES },
	{ "parse", parse, 1 },
	{ "jansson", load, 1 },
};

static void read_lines(const struct reader *reader, struct fact_batch *batch, struct text file,
	size_t most, struct run *run)
{
	struct text line;

	for (size_t n = 0; n < most && text_split(&file, '\n', &line); n++) {
		if (line.len == 0)
			continue;
		reader->read(batch, line, run);
		run->events++;
		run->bytes += line.len + 1;
		if (batch->nevents == BATCH_EVENTS)
			fact_batch_reset(batch);
	}
}

static struct run run_reader(const struct reader *reader, struct text file, size_t most, int times)
{
	struct fact_batch *batch = fact_batch_new();
	struct run run = { 0 };
	clock_t start = clock();

	for (int i = 0; i < times; i++)
		read_lines(reader, batch, file, most, &run);
	run.seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
	fact_batch_free(batch);
	return run;
}

static int by_rate(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static void table(struct text file, size_t lines)
{
	double rates[ARRAY_LEN(readers)][ROUNDS];
	double bytes = 0;

	for (int round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
			struct run run =
				run_reader(&readers[i], file, lines / FAST_TIMES, readers[i].times);

			rates[i][round] = (double)run.events / run.seconds;
			bytes = (double)run.bytes / (double)run.events;
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(readers); i++)
		qsort(rates[i], ROUNDS, sizeof rates[i][0], by_rate);
	(void)printf("%-10s %12s %10s %10s\n", "reader", "events/s", "MB/s", "x jansson");
	for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
		double rate = rates[i][ROUNDS / 2];

		(void)printf("%-10s %12.0f %10.0f %10.1f\n", readers[i].name, rate,
			rate * bytes / 1e6, rate / rates[ARRAY_LEN(readers) - 1][ROUNDS / 2]);
	}
}

static bool read_file(const char *path, struct buf *out)
{
	FILE *file = fopen(path, "rb");
	char bytes[65536];
	size_t n;

	if (!file)
		return false;
	while ((n = fread(bytes, 1, sizeof bytes, file)) > 0)
		(void)buf_add_bytes(out, bytes, n);
	(void)buf_reserve(out, EVENTLOG_PAD);
	return fclose(file) == 0;
}

int main(int argc, char **argv)
{
	struct buf file;
	size_t lines = 0;

	if (argc < 2)
		return 2;
	buf_init(&file, (size_t)4 << 30);
	if (!read_file(argv[1], &file))
		return 1;
	for (size_t i = 0; i < file.len; i++)
		lines += file.bytes[i] == '\n';
	if (argc == 2) {
		table(buf_text(&file), lines);
	} else {
		for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
			struct run run;

			if (strcmp(argv[2], readers[i].name) != 0)
				continue;
			run = run_reader(&readers[i], buf_text(&file),
				argc > 3 ? (size_t)strtoull(argv[3], NULL, 10) : lines, 1);
			(void)printf("%zu events, %zu\n", run.events, run.sum);
		}
	}
	buf_done(&file);
	return 0;
}
