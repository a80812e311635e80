/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer alone: one thread decodes a log that is in memory, the writer stores it. Prints CPU
 * seconds of each, of storing all of it again, and bytes an event.
 * bench_insert LOG STORE; STORE is overwritten. With ONCE set it is not stored again, with
 * FIXED time stands still for the store (for counting instructions).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "collectors/eventlog/decode.h"
#include "store/store.h"

enum { BATCH_BYTES = 8 << 20 };
#define WAIT_UNTIL INT64_MAX

static double cpu_s(int who)
{
	struct rusage usage;

	(void)getrusage(who, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static char *read_all(const char *path, size_t *len_out)
{
	FILE *file = fopen(path, "rb");
	char *bytes;
	long size;

	if (!file || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0) {
		perror(path);
		exit(1);
	}
	rewind(file);
	bytes = mem_zero((size_t)size + EVENTLOG_PAD, 1);
	*len_out = fread(bytes, 1, (size_t)size, file);
	(void)fclose(file);
	return bytes;
}

/* Decodes up to BATCH_BYTES of lines. */
static void fill(struct fact_batch *batch, const char *path, const char *bytes, size_t *at,
	size_t len)
{
	struct eventlog_options options = { .raw = EVENTLOG_RAW_WARNINGS };
	struct fact_segment segment = { .path = text_of(path), .device = 1, .inode = 2 };
	uint32_t number;
	size_t from = *at;

	batch->source = TEXT("eventlog bench");
	number = fact_batch_segment(batch, &segment);
	while (*at < len && *at - from < BATCH_BYTES) {
		const char *end = memchr(bytes + *at, '\n', len - *at);
		size_t line = end ? (size_t)(end - bytes) - *at : len - *at;
		struct eventlog_place place = { .path = text_of(path), .segment = number,
			.offset = (int64_t)*at };

		(void)eventlog_decode(
			batch, (struct text){ bytes + *at, line }, true, &place, &options);
		*at += line + 1;
	}
}

/* CPU seconds of storing: all of the process but what this thread, the decoder, used. */
static double pass(struct store *store, const char *path, const char *bytes, size_t len,
	double *decode_s, double *wall_s)
{
	const struct clock *clock = clock_system();
	struct fact_batch *batch = fact_batch_new();
	double all = cpu_s(RUSAGE_SELF), mine = cpu_s(RUSAGE_THREAD);
	int64_t wall = clock->mono_ms(clock);
	struct err err = ERR_INIT;
	bool ok = true;
	size_t at = 0;

	while (ok && at < len) {
		fill(batch, path, bytes, &at, len);
		ok = store_put(store, &batch, WAIT_UNTIL, &err);
	}
	if (!ok || !store_flush(store, WAIT_UNTIL, &err)) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	fact_batch_free(batch);
	*decode_s = cpu_s(RUSAGE_THREAD) - mine;
	*wall_s = (double)(clock->mono_ms(clock) - wall) / 1e3;
	return cpu_s(RUSAGE_SELF) - all - *decode_s;
}

int main(int argc, char **argv)
{
	/* a clock that stands still: then the work done does not depend on how fast it is done */
	struct clock fixed = clock_fixed(INT64_C(1772445600000));
	struct store_options options = { .clock = getenv("FIXED") ? &fixed : clock_system() };
	struct store *store = NULL;
	struct store_totals totals;
	struct err err = ERR_INIT;
	double decode_s, store_s, wall_s, again_s, again_wall_s;
	struct stat stat_buf;
	char *bytes;
	size_t len;

	if (argc != 3) {
		fprintf(stderr, "usage: bench_insert LOG STORE\n");
		return 2;
	}
	bytes = read_all(argv[1], &len);
	(void)unlink(argv[2]);
	options.path = argv[2];
	if (!store_open(&options, &store, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	store_s = pass(store, argv[1], bytes, len, &decode_s, &wall_s);
	store_totals(store, TEXT_NONE, &totals);
	printf("events %lld  decode cpu %.3f s  store cpu %.3f s wall %.3f s  %.0f events/s cpu\n",
		(long long)totals.events_new, decode_s, store_s, wall_s,
		(double)totals.events_new / store_s);
	if (!getenv("ONCE")) {
		again_s = pass(store, argv[1], bytes, len, &decode_s, &again_wall_s);
		printf("again: store cpu %.3f s wall %.3f s\n", again_s, again_wall_s);
	}
	store_close(store);
	if (stat(argv[2], &stat_buf) == 0)
		printf("store %lld bytes, %.1f an event, %.2f %% of the log\n",
			(long long)stat_buf.st_size,
			(double)stat_buf.st_size / (double)totals.events_new,
			100.0 * (double)stat_buf.st_size / (double)len);
	free(bytes);
	return 0;
}
