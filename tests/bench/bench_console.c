/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console at 200x60 over a large store: bench_console WEIR STORE
 * First paint, resident memory, time and bytes of frames. WEIR_FRAME_FD tells when a frame is whole.
 */
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A keyboard repeats a held key about 30 times a second; it is held for two. */
enum { STARTS = 15, FRAMES = 200, FRAME_FD = 9, REPEAT_MS = 33, REST_MS = 400, HELD = 60 };

struct console {
	int master, frames;
	pid_t pid;
	long bytes;
	int count;
};

static double now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void drain(struct console *console, int wait_ms)
{
	struct pollfd fds[2] = { { console->master, POLLIN, 0 }, { console->frames, POLLIN, 0 } };
	char bytes[65536];
	ssize_t n;

	(void)poll(fds, 2, wait_ms);
	while ((n = read(console->master, bytes, sizeof bytes)) > 0)
		console->bytes += n;
	while ((n = read(console->frames, bytes, sizeof bytes)) > 0)
		console->count += (int)n;
}

static void start(struct console *console, const char *weir, const char *store)
{
	struct winsize size = { .ws_row = 60, .ws_col = 200 };
	int ends[2];

	memset(console, 0, sizeof *console);
	if (pipe(ends) != 0)
		exit(1);
	console->pid = forkpty(&console->master, NULL, NULL, &size);
	if (console->pid == 0) {
		(void)dup2(ends[1], FRAME_FD);
		(void)setenv("WEIR_FRAME_FD", "9", 1);
		(void)setenv("TERM", "xterm-256color", 1);
		(void)setenv("LC_ALL", "C.UTF-8", 1);
		(void)execl(weir, weir, "--store", store, (char *)NULL);
		_exit(127);
	}
	(void)close(ends[1]);
	console->frames = ends[0];
	(void)fcntl(console->master, F_SETFL, O_NONBLOCK);
	(void)fcntl(console->frames, F_SETFL, O_NONBLOCK);
}

static double wait_frame(struct console *console, int count)
{
	double begin = now_ms();

	while (console->count < count && now_ms() - begin < 10000)
		drain(console, 100);
	return now_ms() - begin;
}

/* Sends a key and waits for its frame: milliseconds, and the bytes it took. */
static double press(struct console *console, const char *key, long *bytes_out)
{
	int count = console->count + 1;
	long before = console->bytes;
	double ms;

	if (write(console->master, key, strlen(key)) < 0)
		exit(1);
	ms = wait_frame(console, count);
	drain(console, 5);
	*bytes_out = console->bytes - before;
	return ms;
}

/* Everything that comes until the console rests. */
static void rest(struct console *console)
{
	for (double begin = now_ms(); now_ms() - begin < REST_MS;)
		drain(console, REST_MS / 4);
}

/* Bytes a step of a key held down, with what is drawn once it is let go. */
static double hold(struct console *console, const char *key)
{
	long before;

	rest(console);
	before = console->bytes;
	for (int i = 0; i < HELD; i++) {
		double begin = now_ms();
		long bytes;

		(void)press(console, key, &bytes);
		while (now_ms() - begin < REPEAT_MS)
			drain(console, 1);
	}
	rest(console);
	return (double)(console->bytes - before) / HELD;
}

/* Bytes of one step with a look at what it brought. */
static double step(struct console *console, const char *key)
{
	long before;
	long bytes;

	rest(console);
	before = console->bytes;
	(void)press(console, key, &bytes);
	rest(console);
	return (double)(console->bytes - before);
}

static long resident_kb(pid_t pid)
{
	char path[64];
	char line[256];
	long kb = 0;
	FILE *file;

	(void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof line, file)) {
		if (sscanf(line, "VmRSS: %ld", &kb) == 1)
			break;
	}
	if (file)
		(void)fclose(file);
	return kb;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static void row(const char *what, double value, const char *goal, int good)
{
	(void)printf("%-52s %14.2f %14s  %s\n", what, value, goal, good ? "ok" : "MISSED");
}

static void stop(struct console *console)
{
	(void)kill(console->pid, SIGTERM);
	(void)waitpid(console->pid, NULL, 0);
	(void)close(console->master);
	(void)close(console->frames);
}

int main(int argc, char **argv)
{
	struct console console;
	double times[FRAMES];
	double median;
	long bytes;
	long full = 0;
	long idle;
	double share;

	if (argc != 3)
		return 2;
	for (int i = 0; i < STARTS; i++) {
		double begin = now_ms();

		start(&console, argv[1], argv[2]);
		(void)wait_frame(&console, 1);
		times[i] = now_ms() - begin;
		if (i < STARTS - 1)
			stop(&console);
	}
	qsort(times, STARTS, sizeof *times, by_value);
	median = times[STARTS / 2];
	row("console: first paint, ms (median, warm)", median, "<= 20", median <= 20);
	/* As a terminal of today answers: frames come in one go, and that costs bytes, too. */
	if (write(console.master, "\033[?2026;2$y", 11) != 11)
		return 1;
	(void)press(&console, "3", &bytes);
	(void)press(&console, "g", &bytes);
	for (int i = 0; i < FRAMES; i++) {
		times[i] = press(&console, "\014", &bytes);
		full = bytes;
	}
	qsort(times, FRAMES, sizeof *times, by_value);
	row("console: frame p99 at 200x60, ms", times[FRAMES * 99 / 100], "<= 5",
		times[FRAMES * 99 / 100] <= 5);
	row("console: bytes of a repaint at 200x60", (double)full, ">= 6000", full >= 6000);
	/* The page has 47 rows: at first the cursor moves in it, then the list under the cursor. */
	share = 100 * hold(&console, "j") / (double)full;
	row("console: cursor held down, % of a repaint's bytes", share, "<= 3", share <= 3);
	(void)hold(&console, "j");
	share = 100 * hold(&console, "j") / (double)full;
	row("console: scroll, % of a repaint's bytes", share, "<= 3", share <= 3);
	share = 100 * step(&console, "j") / (double)full;
	(void)printf("%-52s %14.2f\n", "console: one step and its details, %", share);
	row("console: resident memory, MB", (double)resident_kb(console.pid) / 1024, "<= 12",
		resident_kb(console.pid) <= 12 * 1024);
	drain(&console, 500);
	idle = console.bytes;
	for (double begin = now_ms(); now_ms() - begin < 2000;)
		drain(&console, 200);
	row("console: bytes in 2 s when nothing changed", (double)(console.bytes - idle), "0",
		console.bytes == idle);
	stop(&console);
	return 0;
}
