/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Eight consoles, each on a screen of its own, beside an ingest at full speed. As the console does,
 * a reader asks at most four times a second and spends rests eight times as long as it asked:
 *   bench_readers PROGRAMS DIR LOG SECONDS_ALONE
 * Prints what the ingest lost, the readers' p99 per query and the largest WAL.
 *   bench_readers STORE [QUERY [TIMES]]
 * The same queries on a store at rest, by number or all: wall and processor time of each.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/reader.h"

enum { READERS = 8, SAMPLES_MAX = 20000, QUERIES = 4, POLL_MS = 250, SHARE = 8 };

static const char *const query_names[QUERIES] = { "tail of events", "latest of pipelines", "quality",
	"updates" };

struct sample {
	int query;
	double ms, cpu_ms; /* on the wall; of this thread alone */
};

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

static double clock_ms(clockid_t clock)
{
	struct timespec now;

	(void)clock_gettime(clock, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static double now_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

static double cpu_ms(void)
{
	return clock_ms(CLOCK_THREAD_CPUTIME_ID);
}

static bool run_query(int query, struct reader *reader, struct arena *arena, struct err *err)
{
	struct event_filter filter = { .limit = 100 };
	struct event_rows events;
	struct pipeline_rows pipelines;
	struct quality_rows quality;
	struct update_rows updates;

	switch (query) {
	case 0:
		return events_list(reader, arena, &filter, &events, err);
	case 1:
		return pipelines_list(reader, arena, &pipelines, err);
	case 2:
		return quality_list(reader, arena, TEXT_NONE, TEXT_NONE, &quality, err);
	default:
		return updates_list(reader, arena, TEXT_NONE, 50, &updates, err);
	}
}

static void read_on(const char *path, int query, int out)
{
	struct arena arena = { 0 };
	struct reader *reader = NULL;
	struct err err = ERR_INIT;
	double rest_ms = POLL_MS;

	(void)signal(SIGTERM, on_signal);
	while (!stop && !reader_open(path, &reader, &err))
		(void)usleep(50000);
	while (!stop) {
		if (reader_begin(reader, READER_NOW, 0, &err)) {
			double start = now_ms(), start_cpu = cpu_ms();
			struct sample sample = { .query = query };

			if (!run_query(query, reader, &arena, &err))
				(void)fprintf(stderr, "reader: %s\n", err.text);
			sample.ms = now_ms() - start;
			sample.cpu_ms = cpu_ms() - start_cpu;
			rest_ms = sample.ms * SHARE > POLL_MS ? sample.ms * SHARE : POLL_MS;
			if (write(out, &sample, sizeof sample) != sizeof sample)
				stop = 1;
			reader_end(reader);
			arena_reset(&arena);
		} else {
			(void)fprintf(stderr, "reader: %s\n", err.text);
		}
		(void)usleep((useconds_t)(rest_ms * 1000));
	}
	reader_close(reader);
	arena_free(&arena);
	_exit(0);
}

static int by_number(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

struct spread {
	double p50, p99;
};

static struct spread spread_of(double *values, size_t n)
{
	if (n == 0)
		return (struct spread){ 0 };
	qsort(values, n, sizeof *values, by_number);
	return (struct spread){ values[(n - 1) / 2], values[n - 1 - n / 100] };
}

struct measured {
	struct spread wall, cpu;
	size_t n;
};

static struct measured measure(const struct sample *samples, size_t n, int query)
{
	double *wall = NEW_ARRAY(double, n + 1);
	double *cpu = NEW_ARRAY(double, n + 1);
	struct measured out = { .n = 0 };

	for (size_t i = 0; i < n; i++) {
		if (samples[i].query != query)
			continue;
		wall[out.n] = samples[i].ms;
		cpu[out.n++] = samples[i].cpu_ms;
	}
	out.wall = spread_of(wall, out.n);
	out.cpu = spread_of(cpu, out.n);
	free(wall);
	free(cpu);
	return out;
}

static void report(const struct sample *samples, size_t n)
{
	for (int query = 0; query < QUERIES; query++) {
		struct measured measured = measure(samples, n, query);
		double goal = query < 2 ? 5 : 50;
		char label[80];

		(void)snprintf(label, sizeof label, "%s beside ingest, p99 ms (p50 %.2f)",
			query_names[query], measured.wall.p50);
		(void)printf("%-52s %14.2f %11s %2.0f  %s\n", label, measured.wall.p99, "<=", goal,
			measured.wall.p99 <= goal ? "ok" : "MISSED");
		(void)snprintf(label, sizeof label, "  processor ms of it, p99 (p50 %.2f)",
			measured.cpu.p50);
		(void)printf("%-52s %14.2f\n", label, measured.cpu.p99);
	}
}

/* Each query over and over on a store that nobody writes to; the first, cold, is left out. */
static int at_rest(const char *path, int only, int times)
{
	struct arena arena = { 0 };
	struct reader *reader = NULL;
	struct err err = ERR_INIT;
	bool ok = reader_open(path, &reader, &err);

	for (int query = 0; ok && query < QUERIES; query++) {
		struct sample *samples = NEW_ARRAY(struct sample, (size_t)times);
		struct measured measured;

		for (int i = -1; ok && i < times && (only < 0 || only == query); i++) {
			double start = now_ms(), start_cpu = cpu_ms();

			ok = reader_begin(reader, READER_NOW, 0, &err) &&
				run_query(query, reader, &arena, &err);
			reader_end(reader);
			arena_reset(&arena);
			if (i >= 0)
				samples[i] = (struct sample){ query, now_ms() - start,
					cpu_ms() - start_cpu };
		}
		measured = measure(samples, (size_t)times, query);
		if (ok && (only < 0 || only == query))
			(void)printf("%-20s at rest: wall p50 %7.2f p99 %7.2f ms, processor p50 %7.2f"
				     " ms\n", query_names[query], measured.wall.p50,
				measured.wall.p99, measured.cpu.p50);
		free(samples);
	}
	if (!ok)
		(void)fprintf(stderr, "reader: %s\n", err.text);
	reader_close(reader);
	arena_free(&arena);
	return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct sample *samples = NEW_ARRAY(struct sample, SAMPLES_MAX);
	pid_t readers[READERS];
	char store[4096];
	char path[4096];
	size_t n = 0;
	long largest = 0;
	double start;
	double seconds;
	double alone;
	pid_t ingest;
	int ends[2];
	int status;

	if (argc >= 2 && argc <= 4)
		return at_rest(argv[1], argc > 2 ? (int)strtol(argv[2], NULL, 10) : -1,
			argc > 3 ? (int)strtol(argv[3], NULL, 10) : 50);
	if (argc != 5 || pipe(ends) != 0)
		return 2;
	alone = strtod(argv[4], NULL);
	(void)snprintf(store, sizeof store, "%s/beside.db", argv[2]);
	for (int i = 0; i < 3; i++) {
		static const char *const tails[] = { "", "-wal", "-shm" };

		(void)snprintf(path, sizeof path, "%s%s", store, tails[i]);
		(void)unlink(path);
	}
	(void)snprintf(path, sizeof path, "%s/beside.ini", argv[2]);
	{
		FILE *file = fopen(path, "w");
		char *dir = realpath(argv[2], NULL);
		char *log = realpath(argv[3], NULL);

		if (!file || !dir || !log)
			return 1;
		(void)fprintf(file, "[weir]\nstore = %s/beside.db\n[eventlog bench]\npath = %s\n", dir,
			log);
		(void)fclose(file);
		free(dir);
		free(log);
	}
	for (int i = 0; i < READERS; i++) {
		readers[i] = fork();
		if (readers[i] == 0) {
			(void)close(ends[0]);
			read_on(store, i % QUERIES, ends[1]);
		}
	}
	(void)close(ends[1]);
	start = now_ms();
	ingest = fork();
	if (ingest == 0) {
		char program[4096];

		(void)snprintf(program, sizeof program, "%s/weir-collect", argv[1]);
		if (!freopen("/dev/null", "w", stdout))
			_exit(126);
		(void)execl(program, program, "--once", "--config", path, (char *)NULL);
		_exit(127);
	}
	while (waitpid(ingest, &status, WNOHANG) == 0) {
		char wal[4200];
		struct stat at;

		(void)snprintf(wal, sizeof wal, "%s-wal", store);
		if (stat(wal, &at) == 0 && at.st_size > largest)
			largest = (long)at.st_size;
		(void)usleep(20000);
	}
	seconds = (now_ms() - start) / 1e3;
	for (int i = 0; i < READERS; i++)
		(void)kill(readers[i], SIGTERM);
	while (n < SAMPLES_MAX && read(ends[0], &samples[n], sizeof *samples) == sizeof *samples)
		n++;
	for (int i = 0; i < READERS; i++)
		(void)waitpid(readers[i], NULL, 0);
	(void)printf("%-52s %13.1f%% %14s  %s\n", "ingest lost to eight readers at 4 Hz",
		100 * (seconds - alone) / seconds, "<= 10%",
		(seconds - alone) / seconds <= 0.10 ? "ok" : "MISSED");
	report(samples, n);
	(void)printf("%-52s %14.1f %14s  %s\n", "largest WAL, MB", (double)largest / 1e6, "<= 128",
		largest <= 128000000 ? "ok" : "MISSED");
	free(samples);
	return 0;
}
