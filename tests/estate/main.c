/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tests/estate/estate.h"

static volatile sig_atomic_t stop_asked;

static void on_signal(int number)
{
	(void)number;
	stop_asked = 1;
}

/* xorshift64*: the same numbers everywhere for one seed. */
uint64_t estate_random(struct estate *estate)
{
	estate->random ^= estate->random >> 12;
	estate->random ^= estate->random << 25;
	estate->random ^= estate->random >> 27;
	return estate->random * 0x2545f4914f6cdd1du;
}

int64_t estate_between(struct estate *estate, int64_t least, int64_t most)
{
	return least + (int64_t)(estate_random(estate) % (uint64_t)(most - least + 1));
}

void estate_uuid(struct estate *estate, int64_t when_ms, char out[37])
{
	/* 100 ns ticks since 1582-10-15 (RFC 9562, version 1). */
	uint64_t ticks = (uint64_t)when_ms * 10000u + 0x01b21dd213814000u +
		estate_random(estate) % 10000u;
	uint64_t rest = estate_random(estate);

	(void)snprintf(out, 37, "%08x-%04x-1%03x-%04x-%012llx", (unsigned)(ticks & 0xffffffffu),
		(unsigned)(ticks >> 32 & 0xffffu), (unsigned)(ticks >> 48 & 0xfffu),
		(unsigned)(0x8000u | (rest >> 48 & 0x3fffu)),
		(unsigned long long)(rest & 0xffffffffffffu));
}

static bool before(const struct job *a, const struct job *b)
{
	return a->when_ms != b->when_ms ? a->when_ms < b->when_ms : a->order < b->order;
}

static void swap_jobs(struct job *a, struct job *b)
{
	struct job kept = *a;

	*a = *b;
	*b = kept;
}

void estate_plan(struct estate *estate, const struct job *job)
{
	size_t at = estate->njobs;

	if (estate->njobs == estate->jobs_room) {
		estate->jobs_room = estate->jobs_room ? estate->jobs_room * 2 : 1024;
		estate->heap = mem_resize(estate->heap, estate->jobs_room, sizeof *estate->heap);
	}
	estate->heap[at] = *job;
	estate->heap[at].order = estate->jobs_planned++;
	estate->njobs++;
	while (at > 0 && before(&estate->heap[at], &estate->heap[(at - 1) / 2])) {
		swap_jobs(&estate->heap[at], &estate->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
}

static struct job take_first(struct estate *estate)
{
	struct job first = estate->heap[0];
	size_t at = 0;

	estate->heap[0] = estate->heap[--estate->njobs];
	for (;;) {
		size_t child = at * 2 + 1;

		if (child >= estate->njobs)
			return first;
		if (child + 1 < estate->njobs &&
			before(&estate->heap[child + 1], &estate->heap[child]))
			child++;
		if (!before(&estate->heap[child], &estate->heap[at]))
			return first;
		swap_jobs(&estate->heap[child], &estate->heap[at]);
		at = child;
	}
}

void estate_commit(struct estate *estate, int64_t when_ms, const struct commit *commit)
{
	struct job job = { .when_ms = when_ms, .kind = JOB_COMMIT };

	job.commit = NEW(struct commit);
	*job.commit = *commit;
	estate_plan(estate, &job);
}

static bool do_job(struct estate *estate, struct job *job)
{
	struct job next = { .kind = JOB_RUN, .pipeline = job->pipeline };
	bool done = true;

	switch (job->kind) {
	case JOB_LINE:
		done = fputs(job->line, estate->logs[job->pipeline]) >= 0;
		estate->events++;
		break;
	case JOB_COMMIT:
		done = tables_commit(estate, job->when_ms, job->commit);
		break;
	case JOB_RUN:
		next.when_ms = pipelines[job->pipeline].run(estate, job->pipeline, job->when_ms);
		if (next.when_ms > 0)
			estate_plan(estate, &next);
		break;
	}
	free(job->line);
	free(job->commit);
	return done;
}

static void flush_logs(struct estate *estate)
{
	for (size_t i = 0; i < PIPELINE_COUNT; i++)
		(void)fflush(estate->logs[i]); /* a full disk shows at the next write */
}

static bool open_logs(struct estate *estate)
{
	char path[4096];

	(void)snprintf(path, sizeof path, "%s/eventlog", estate->dir);
	if (mkdir(estate->dir, 0755) != 0 && errno != EEXIST)
		return false;
	if (mkdir(path, 0755) != 0 && errno != EEXIST)
		return false;
	for (size_t i = 0; i < PIPELINE_COUNT; i++) {
		(void)snprintf(path, sizeof path, "%s/eventlog/%s.ndjson", estate->dir,
			pipelines[i].name);
		estate->logs[i] = fopen(path, "ae");
		if (!estate->logs[i])
			return false;
	}
	return true;
}

static bool run_until(struct estate *estate, int64_t until_ms)
{
	while (estate->njobs > 0 && estate->heap[0].when_ms <= until_ms) {
		struct job job = take_first(estate);

		if (!do_job(estate, &job))
			return false;
	}
	flush_logs(estate);
	return true;
}

static bool run_live(struct estate *estate, struct streams *streams)
{
	const struct clock *clock = clock_system();
	const struct timespec tick = { 0, 100 * 1000 * 1000 };

	while (!stop_asked) {
		if (!run_until(estate, clock->wall_ms(clock)))
			return false;
		if (streams)
			streams_tick(streams, clock->wall_ms(clock));
		(void)nanosleep(&tick, NULL); /* a signal wakes it, which is as good */
	}
	return true;
}

static int usage(FILE *out)
{
	(void)fputs("weir-estate --dir DIR [--hours N] [--seed N] [--now RFC3339] [--live]\n"
		    "    [--streams | --kafka HOST:PORT]\n"
		    "Writes DIR/eventlog/*.ndjson and DIR/tables/*: N hours of past (24), then, with\n"
		    "--live, what happens as it happens until it is stopped. --streams adds topics and\n"
		    "their readers on a broker of its own (DIR/kafka, DIR/connect and DIR/checkpoints),\n"
		    "--kafka on a real cluster, where they are removed at the end.\n",
		out);
	return out == stderr ? 2 : 0;
}

int main(int argc, char **argv)
{
	struct estate estate = { .random = 20260302 };
	int64_t hours = 24;
	const char *kafka = NULL;
	struct streams *streams = NULL;
	bool live = false;
	bool with_streams = false;
	bool good;

	estate.past_end_ms = clock_system()->wall_ms(clock_system());
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;
		int64_t number;

		if (strcmp(argv[i], "--live") == 0) {
			live = true;
			continue;
		}
		if (strcmp(argv[i], "--streams") == 0) {
			with_streams = true;
			continue;
		}
		if (strcmp(argv[i], "--help") == 0)
			return usage(stdout);
		if (!value)
			return usage(stderr);
		i++;
		if (strcmp(argv[i - 1], "--dir") == 0)
			estate.dir = value;
		else if (strcmp(argv[i - 1], "--kafka") == 0)
			kafka = value;
		else if (strcmp(argv[i - 1], "--now") == 0 &&
			time_parse(text_of(value), &estate.past_end_ms))
			continue;
		else if (!text_to_i64(text_of(value), &number) || number < 1)
			return usage(stderr);
		else if (strcmp(argv[i - 1], "--hours") == 0)
			hours = number;
		else if (strcmp(argv[i - 1], "--seed") == 0)
			estate.random = (uint64_t)number;
		else
			return usage(stderr);
	}
	if (!estate.dir)
		return usage(stderr);
	(void)signal(SIGTERM, on_signal);
	(void)signal(SIGINT, on_signal);
	if (!open_logs(&estate) || !tables_open(&estate)) {
		(void)fprintf(stderr, "weir-estate: %s: %s\n", estate.dir, strerror(errno));
		return 1;
	}
	for (size_t i = 0; i < PIPELINE_COUNT; i++) {
		int64_t first = pipelines[i].first_ms;
		struct job job = { .kind = JOB_RUN, .pipeline = i };

		job.when_ms = estate.past_end_ms - (first < hours * 3600000 ? first : hours * 3600000);
		estate_plan(&estate, &job);
	}
	good = run_until(&estate, estate.past_end_ms);
	(void)printf("weir-estate: %lld events in %s\n", (long long)estate.events, estate.dir);
	(void)fflush(stdout);
	if (good && live && (with_streams || kafka)) {
		streams = streams_open(&estate, kafka);
		if (!streams)
			(void)fprintf(stderr, "weir-estate: no streams: the broker does not start\n");
	}
	if (good && live)
		good = run_live(&estate, streams);
	streams_close(streams);
	if (!good)
		(void)fprintf(stderr, "weir-estate: %s: %s\n", estate.dir, strerror(errno));
	tables_close(&estate);
	for (size_t i = 0; i < PIPELINE_COUNT; i++)
		(void)fclose(estate.logs[i]);
	while (estate.njobs > 0) {
		struct job job = take_first(&estate);

		free(job.line);
		free(job.commit);
	}
	free(estate.heap);
	return good ? 0 : 1;
}
