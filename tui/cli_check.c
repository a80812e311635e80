/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/cli_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "collectors/config.h"
#include "store/lag.h"
#include "tui/cli.h"
#include "tui/when.h"

/*
 * STALE_MS: no look at a reader for so long, and nothing is known of it. A verdict of falling behind
 * counts only from WARN_SECONDS on: half a dozen records are behind at any moment.
 */
enum { CHECK_OK, CHECK_WARNING, CHECK_CRITICAL, CHECK_UNKNOWN, STALE_MS = 5 * 60 * 1000,
	WARN_SECONDS = 60, NEAR_PCT = 80 };

struct request {
	const char *config, *store, *as_of, *reader, *topic;
	const char *max_seconds_text, *max_records_text, *loss_within_text;
	int64_t max_seconds, max_records, loss_within; /* FACT_UNKNOWN: not asked */
	int64_t now_ms;
	bool quiet;
	/* how many readers, and lines of each status */
	int counts[4];
};

static const char usage[] =
	"usage: weir check lag [--max-seconds N] [--max-records N] [--loss-within TIME]\n"
	"                      [--reader NAME] [--topic NAME] [--as-of TIME] [--quiet]\n"
	"  exit status 0 ok, 1 warning, 2 critical, 3 unknown; TIME is 90s, 15m, 4h or 2d\n";

static const struct cli_word options[] = {
	{ "--config", false, offsetof(struct request, config) },
	{ "--store", false, offsetof(struct request, store) },
	{ "--as-of", false, offsetof(struct request, as_of) },
	{ "--reader", false, offsetof(struct request, reader) },
	{ "--topic", false, offsetof(struct request, topic) },
	{ "--max-seconds", false, offsetof(struct request, max_seconds_text) },
	{ "--max-records", false, offsetof(struct request, max_records_text) },
	{ "--loss-within", false, offsetof(struct request, loss_within_text) },
	{ "--quiet", true, offsetof(struct request, quiet) },
};

static int unknown(const struct err *err)
{
	struct buf clean;

	buf_init(&clean, 1024);
	(void)utf8_clean(&clean, text_of(err->text), UTF8_ONE_LINE);
	(void)printf("UNKNOWN %s\n", clean.bytes);
	buf_done(&clean);
	if (err->kind == ERR_USAGE)
		(void)fputs(usage, stderr);
	return CHECK_UNKNOWN;
}

/* ---- arguments ---- */

/* 90 (seconds), 90s, 15m, 4h, 2d. */
static bool seconds_of(const char *option, const char *text, int64_t *out, struct err *err)
{
	if (!text)
		return true;
	if (text_to_i64(text_of(text), out) && *out >= 0)
		return true;
	if (!when_span(text_of(text), out))
		return err_set(err, ERR_USAGE, 0, "%s %s: not a time such as 90s, 15m, 4h or 2d", option, text);
	*out /= 1000;
	return true;
}

static bool parse(int argc, char **argv, struct request *request, struct err *err)
{
	request->max_seconds = request->max_records = request->loss_within = FACT_UNKNOWN;
	if (argc < 2 || strcmp(argv[1], "lag") != 0)
		return err_set(err, ERR_USAGE, 0, "what is to be checked? weir check lag");
	for (int i = 2; i < argc; i++) {
		if (!cli_take(options, ARRAY_LEN(options), "check lag", argv, &i, request, err))
			return false;
	}
	if (request->max_records_text &&
		(!text_to_i64(text_of(request->max_records_text), &request->max_records) ||
			request->max_records < 0))
		return err_set(err, ERR_USAGE, 0, "--max-records %s: not a number", request->max_records_text);
	return seconds_of("--max-seconds", request->max_seconds_text, &request->max_seconds, err) &&
		seconds_of("--loss-within", request->loss_within_text, &request->loss_within, err);
}

/* ---- one reader against the limits ---- */

static void say(struct request *request, int status, const struct lag_row *row, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
static void say(struct request *request, int status, const struct lag_row *row, const char *fmt, ...)
{
	static const char *const words[] = { "OK", "WARNING", "CRITICAL", "UNKNOWN" };
	struct buf line, clean;
	va_list args;

	request->counts[status]++;
	if (request->quiet)
		return;
	buf_init(&line, 4096);
	buf_init(&clean, 4096);
	(void)buf_addf(&line, "%s %.*s %.*s: ", words[status], TEXT_ARG(row->reader),
		TEXT_ARG(row->topic));
	va_start(args, fmt);
	(void)buf_vaddf(&line, fmt, args);
	va_end(args);
	(void)utf8_clean(&clean, buf_text(&line), UTF8_ONE_LINE);
	(void)printf("%s\n", clean.bytes);
	buf_done(&clean);
	buf_done(&line);
}

/* Over the limit is critical, from four fifths of it on a warning. */
static int against(int64_t value, int64_t limit)
{
	if (value > limit)
		return CHECK_CRITICAL;
	return limit > 0 && value / NEAR_PCT >= limit / 100 && value * 100 / NEAR_PCT >= limit ?
		CHECK_WARNING : CHECK_OK;
}

static void check_limits(struct request *request, const struct lag_row *row)
{
	/* flows that tell a backlog, in whatever they count it: only who is asked for must tell more */
	bool must_tell = request->reader || row->topic.len > 0;
	int status;

	if (request->max_seconds != FACT_UNKNOWN && row->lag_seconds == FACT_UNKNOWN) {
		if (must_tell)
			say(request, CHECK_UNKNOWN, row, "how long it is behind is not known");
	} else if (request->max_seconds != FACT_UNKNOWN) {
		status = against(row->lag_seconds, request->max_seconds);
		if (status != CHECK_OK)
			say(request, status, row, "%s%lld s behind, limit %lld s",
				row->lag_seconds_is_lower_bound ? "at least " : "",
				(long long)row->lag_seconds, (long long)request->max_seconds);
	}
	if (request->max_records != FACT_UNKNOWN && row->lag_records == FACT_UNKNOWN) {
		if (must_tell)
			say(request, CHECK_UNKNOWN, row, "how many records it is behind is not known");
	} else if (request->max_records != FACT_UNKNOWN) {
		status = against(row->lag_records, request->max_records);
		if (status != CHECK_OK)
			say(request, status, row, "%lld records behind, limit %lld",
				(long long)row->lag_records, (long long)request->max_records);
	}
}

static void check_loss(struct request *request, const struct lag_row *row)
{
	int64_t within = request->loss_within;

	if (row->lost_records > 0)
		say(request, CHECK_CRITICAL, row, "%lld records were deleted before it read them",
			(long long)row->lost_records);
	if (row->lost_records > 0 || within == FACT_UNKNOWN || row->loss_in_seconds == FACT_UNKNOWN)
		return;
	if (row->loss_in_seconds <= within)
		say(request, CHECK_CRITICAL, row, "loses records in %s%lld s, limit %lld s",
			row->loss_at_most ? "at most " : "", (long long)row->loss_in_seconds,
			(long long)within);
	else if (row->loss_in_seconds / 2 <= within)
		say(request, CHECK_WARNING, row,
			"loses records in %s%lld s, at most twice the limit of %lld s",
			row->loss_at_most ? "at most " : "", (long long)row->loss_in_seconds,
			(long long)within);
}

static void check_verdict(struct request *request, const struct lag_row *row)
{
	switch (row->verdict) {
	case LAG_STOP:
	case LAG_STALL:
	case LAG_REWIND:
		say(request, CHECK_CRITICAL, row, "%s", lag_verdict_words(row->verdict));
		break;
	case LAG_WARN:
		if (!row->moment &&
			(row->lag_seconds == FACT_UNKNOWN || row->lag_seconds >= WARN_SECONDS))
			say(request, CHECK_WARNING, row, "%s", lag_verdict_words(row->verdict));
		break;
	case LAG_UNKNOWN:
		if (row->lag_records == FACT_UNKNOWN && row->behind_versions == FACT_UNKNOWN)
			say(request, CHECK_UNKNOWN, row, "%s",
				row->topic_gone ? "its topic is gone" : "nothing is known of its lag yet");
		break;
	case LAG_OK:
		if (row->never_drains && row->lag_seconds >= WARN_SECONDS)
			say(request, CHECK_WARNING, row, "more comes than it reads");
		break;
	case LAG_VERDICT_COUNT:
		break;
	}
}

/* Readers of files say nothing that could be held against a limit: only who is asked for counts. */
static bool can_be_known(const struct request *request, const struct lag_row *row)
{
	return request->reader || row->npartitions > 0 || row->lag_records != FACT_UNKNOWN;
}

static void check_row(struct request *request, const struct lag_row *row)
{
	if (!can_be_known(request, row))
		return;
	/* what event logs tell is as old as their last event: that is no look that failed */
	if (row->kind != READER_EVENTLOG && row->seen_at_ms == FACT_UNKNOWN) {
		say(request, CHECK_UNKNOWN, row, "never seen: can its source be read?");
		return;
	}
	if (row->kind != READER_EVENTLOG && request->now_ms - row->seen_at_ms > STALE_MS) {
		say(request, CHECK_UNKNOWN, row, "last seen %lld s ago: can its source be read?",
			(long long)((request->now_ms - row->seen_at_ms) / 1000));
		return;
	}
	if (row->stale)
		say(request, CHECK_UNKNOWN, row, "its cluster cannot be read whole");
	check_limits(request, row);
	check_loss(request, row);
	check_verdict(request, row);
	if (row->connector_problem.len)
		say(request, CHECK_CRITICAL, row, "connector %.*s is %.*s", TEXT_ARG(row->connector),
			TEXT_ARG(row->connector_problem));
}

static int verdict_of(const struct request *request, const struct lag_rows *rows)
{
	if (request->counts[CHECK_CRITICAL] > 0)
		return CHECK_CRITICAL;
	if (request->counts[CHECK_UNKNOWN] > 0)
		return CHECK_UNKNOWN;
	if (request->counts[CHECK_WARNING] > 0)
		return CHECK_WARNING;
	if (!request->quiet)
		(void)printf("OK %zu reader%s\n", rows->n, rows->n == 1 ? "" : "s");
	return CHECK_OK;
}

static int check(struct request *request, const char *store)
{
	struct reader *reader = NULL;
	struct arena arena = { 0 };
	struct lag_rows rows = { 0 };
	struct err err = ERR_INIT;
	int64_t as_of = READER_NOW;
	int status;

	if (request->as_of &&
		!when_parse(text_of(request->as_of), request->now_ms, true, &as_of, &err))
		return unknown(&err);
	if (as_of != READER_NOW)
		request->now_ms = as_of;
	if (!reader_open(store, &reader, &err) || !reader_begin(reader, as_of, 0, &err) ||
		!lag_list(reader, &arena, text_of(request->reader), text_of(request->topic), &rows, &err)) {
		status = unknown(&err);
	} else if (reader_seen_at(reader) == TIME_UNKNOWN) {
		(void)err_set(&err, ERR_ABSENT, 0, "nothing was collected yet: is the collector running?");
		status = unknown(&err);
	} else if (request->now_ms - reader_seen_at(reader) > STALE_MS) {
		(void)err_set(&err, ERR_ABSENT, 0, "nothing was collected for %lld s: is the collector running?",
			(long long)((request->now_ms - reader_seen_at(reader)) / 1000));
		status = unknown(&err);
	} else if (rows.n == 0) {
		(void)err_set(&err, ERR_ABSENT, 0, "no such reader has been seen");
		status = unknown(&err);
	} else {
		for (size_t i = 0; i < rows.n; i++)
			check_row(request, &rows.rows[i]);
		status = verdict_of(request, &rows);
	}
	reader_close(reader);
	arena_free(&arena);
	return status;
}

int cli_check(int argc, char **argv)
{
	const struct clock *clock = clock_system();
	struct request request = { .now_ms = clock->wall_ms(clock) };
	struct config *config = NULL;
	struct err err = ERR_INIT;
	char *path, *store;
	int status;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") != 0 && strcmp(argv[i], "-h") != 0)
			continue;
		(void)fputs(usage, stdout);
		return cli_flush(&err) ? CHECK_OK : cli_fail(&err);
	}
	if (!parse(argc, argv, &request, &err))
		return unknown(&err);
	path = config_find(request.config);
	if (!config_load(path, &config, &err)) {
		free(path);
		return unknown(&err);
	}
	store = config_store_path(config, request.store);
	status = check(&request, store);
	free(store);
	free(path);
	config_free(config);
	if (cli_flush(&err))
		return status;
	(void)cli_fail(&err);
	return CHECK_UNKNOWN;
}
