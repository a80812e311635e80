/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "collectors/collector.h"
#include "collectors/eventlog/decode.h"
#include "collectors/eventlog/follow.h"
#include "collectors/eventlog/table_follow.h"

_Static_assert((int)FOLLOW_PAD >= (int)EVENTLOG_PAD, "the scanner may look as far as it likes");

enum {
	LIVE_BYTES = 1 << 20,
	BACKFILL_BYTES = 8 << 20,
	FORGET_MS = 86400000,
	CURSOR_MAX_BYTES = 64 << 20,
	KEEP_UNDECODABLE_MAX = 1000 /* of one batch; what is beyond is counted only */
};

struct eventlog {
	struct follow *follow;      /* of files; NULL = there is a table */
	struct table_follow *table; /* a Delta table; NULL = there are files, or nothing yet */
	char *path;
	size_t max_record;
	int64_t poll_ms;
	struct eventlog_options options;
	struct buf cursor; /* lent to the batch's arena at once */
	/* while a step runs */
	struct fact_batch *batch;
	size_t bounded, undecodable; /* facts of this batch looked at; of them undecodable */
	uint32_t segment; /* of the file below, in this batch */
	int64_t device, inode, head_len;
	uint64_t head_hash;
};

static const struct config_key keys[] = {
	{ .name = "path", .type = CONFIG_PATH,
		.help = "A file, a directory (what looks like a log in it, by name) or a pattern; "
			"JSON lines, arrays or REST pages, plain or gzip. Or a Delta table with the event "
			"log's schema, or a pipeline's storage, which has one in system/events." },
	{ .name = "rotated", .type = CONFIG_BOOLEAN, .fallback = "yes",
		.help = "Read also what rotation left beside a file: NAME.1, NAME-20260101, NAME.2.gz." },
	{ .name = "raw", .type = CONFIG_CHOICE, .fallback = "warnings", .choices = "warnings all none",
		.help = "Whose raw JSON is kept in the store: of warnings, errors and definitions; of "
			"all events; of none (the log itself is pointed to)." },
	{ .name = "redact", .type = CONFIG_BOOLEAN, .fallback = "yes",
		.help = "Take row data out of failure messages that quote it." },
	{ .name = "max_record", .type = CONFIG_INTEGER, .unit = "bytes", .fallback = "67108864",
		.help = "A record longer than this is counted and passed over." },
	{ .name = "poll", .type = CONFIG_DURATION, .unit = "ms", .fallback = "2s",
		.help = "How often files are looked at where the file system does not tell changes." },
	{ .name = "silent_after", .type = CONFIG_DURATION, .unit = "ms", .fallback = "30m",
		.help = "With no news for this long the source is shown as silent; 0 = never." },
	{ .name = NULL },
};

static enum eventlog_raw raw_of(struct text word)
{
	if (text_is(word, "all"))
		return EVENTLOG_RAW_ALL;
	return text_is(word, "none") ? EVENTLOG_RAW_NONE : EVENTLOG_RAW_WARNINGS;
}

/* What the log itself cannot point to is told apart by having no inode. */
static bool is_row(const struct follow_record *record)
{
	return record->inode == 0;
}

/* A table may come after its source was configured: until a file is there it is looked for. */
static bool find_table(struct eventlog *log, struct text cursor, struct err *err)
{
	char *table = table_follow_find(log->path);
	bool good = true;

	if (table)
		good = table_follow_open(table, log->max_record, clock_system(), cursor, &log->table,
			err);
	free(table);
	return good;
}

static bool start(
	void *self, const struct config_section *config, struct text cursor, struct err *err)
{
	struct eventlog *log = self;
	struct text path = config_text(config, "path");
	int64_t max_record = config_integer(config, "max_record");
	struct follow_options options = {
		.path = path.bytes, /* configured texts end with a terminator */
		.rotated = config_boolean(config, "rotated"),
		.poll_ms = config_integer(config, "poll"),
		.forget_ms = FORGET_MS,
		.clock = clock_system(),
	};

	if (path.len == 0)
		return err_set(err, ERR_CONFIG, 0, "path is empty");
	if (max_record < 1024 || max_record > EVENTLOG_RECORD_MAX)
		return err_set(err, ERR_CONFIG, 0, "max_record is between 1024 and %d bytes",
			EVENTLOG_RECORD_MAX);
	if (options.poll_ms < 100)
		options.poll_ms = 100;
	options.max_record = (size_t)max_record;
	log->options.keep_rows = !config_boolean(config, "redact");
	log->options.raw = raw_of(config_text(config, "raw"));
	log->max_record = options.max_record;
	log->poll_ms = options.poll_ms;
	log->path = mem_strdup(path.bytes);
	buf_init(&log->cursor, CURSOR_MAX_BYTES);
	if (!find_table(log, cursor, err))
		goto failed;
	/* A table's position, and the table is not there: files took its place, or it comes back. */
	if (!log->table && cursor.len > 0 && cursor.bytes[0] == '{')
		cursor = TEXT_NONE;
	if (log->table || follow_open(&options, cursor, &log->follow, err))
		return true;
failed:
	FREE(&log->path);
	buf_done(&log->cursor);
	return false;
}

/* The segment a raw pointer points into; the same file's records follow each other. */
static uint32_t segment_of(struct eventlog *log, const struct follow_record *record)
{
	struct fact_segment segment = {
		.path = text_of(record->path),
		.device = record->device,
		.inode = record->inode,
		.head_hash = record->head_hash,
		.head_len = record->head_len,
		.compressed = record->compressed,
	};

	if (log->segment != 0 && log->inode == record->inode && log->device == record->device &&
		log->head_hash == record->head_hash && log->head_len == record->head_len)
		return log->segment;
	log->segment = fact_batch_segment(log->batch, &segment);
	log->inode = record->inode;
	log->device = record->device;
	log->head_hash = record->head_hash;
	log->head_len = record->head_len;
	return log->segment;
}

static void refuse(struct eventlog *log, const struct follow_record *record)
{
	struct fact_batch *batch = log->batch;
	struct buf place;

	buf_init(&place, FACT_KEEP_MAX);
	if (!is_row(record))
		(void)buf_addf(&place, "%s:line %" PRId64 " at byte %" PRId64, record->path,
			record->line, record->offset);
	else if (record->line > 0)
		(void)buf_addf(&place, "%s:row %" PRId64, record->path, record->line);
	else
		(void)buf_add_str(&place, record->path);
	fact_batch_undecodable(batch, log->options.now_ms, buf_text(&place),
		text_of(record->refused), record->bytes);
	batch->facts[batch->nfacts - 1].u.undecodable.length = record->length;
	buf_done(&place);
}

/* A file that is no log at all must not fill the store with itself. */
static void bound_undecodable(struct eventlog *log)
{
	struct fact_batch *batch = log->batch;

	for (; log->bounded < batch->nfacts; log->bounded++) {
		if (batch->facts[log->bounded].kind == FACT_UNDECODABLE &&
			++log->undecodable > KEEP_UNDECODABLE_MAX)
			batch->facts[log->bounded--] = batch->facts[--batch->nfacts];
	}
}

static void take(void *context, const struct follow_record *record)
{
	struct eventlog *log = context;
	struct eventlog_place place = {
		.path = text_of(record->path),
		.line = record->line,
		.is_row = is_row(record),
		.offset = record->offset,
	};

	log->batch->read_records++;
	log->batch->read_bytes += record->length;
	if (record->refused) {
		refuse(log, record);
	} else {
		place.segment = is_row(record) ? 0 : segment_of(log, record);
		(void)eventlog_decode(log->batch, record->bytes, true, &place, &log->options);
	}
	bound_undecodable(log);
}

static enum follow_step read_files(struct eventlog *log, const struct follow_sink *sink,
	const struct step_context *context)
{
	struct follow_status status;

	follow_status(log->follow, &status);
	return follow_step(log->follow, sink,
		status.behind > LIVE_BYTES || context->once ? BACKFILL_BYTES : LIVE_BYTES,
		context->deadline_ms, context->once);
}

/* Where no file is yet, the log may turn out to be a table. */
static bool maybe_table(struct eventlog *log, struct err *err)
{
	struct follow_status status;

	if (log->table)
		return true;
	follow_status(log->follow, &status);
	if (status.files > 0)
		return true;
	if (!find_table(log, TEXT_NONE, err))
		return false;
	if (log->table) {
		follow_close(log->follow);
		log->follow = NULL;
	}
	return true;
}

static enum step step(void *self, struct step_context *context, struct err *err)
{
	struct eventlog *log = self;
	struct follow_sink sink = { take, log };
	enum follow_step said;

	if (!maybe_table(log, err))
		return STEP_FAILED;
	log->batch = context->batch;
	log->segment = 0;
	log->bounded = log->undecodable = 0;
	log->options.now_ms = context->clock->wall_ms(context->clock);
	said = log->table ? table_follow_step(log->table, &sink, BACKFILL_BYTES, context->deadline_ms,
				    context->progress)
			  : read_files(log, &sink, context);
	log->batch = NULL;
	if (log->table ? table_follow_moved(log->table) : follow_moved(log->follow)) {
		buf_reset(&log->cursor);
		if (log->table)
			table_follow_cursor(log->table, &log->cursor);
		else
			follow_cursor(log->follow, &log->cursor);
		if (log->cursor.full) {
			(void)err_set(err, ERR_LIMIT, 0, "the reading position takes over %d bytes",
				CURSOR_MAX_BYTES);
			return STEP_FAILED;
		}
		context->batch->cursor =
			arena_text(&context->batch->arena, buf_text(&log->cursor));
	}
	return said == FOLLOW_MORE ? STEP_MORE : STEP_IDLE;
}

static void table_status(const struct table_follow *table, struct collector_status *out)
{
	struct table_status now;

	table_follow_status(table, &now);
	out->behind = now.behind;
	out->news_at_ms = now.changed_at_ms;
	(void)buf_add_str(&out->detail, now.reading);
	if (now.problem[0] != '\0') {
		out->state = HEALTH_DEGRADED;
		(void)buf_add_str(&out->text, now.problem);
	} else if (now.version == FACT_UNKNOWN) {
		out->state = HEALTH_WAITING;
		(void)buf_add_str(&out->text, "a Delta table that has no version yet");
	} else {
		(void)buf_addf(&out->text, "following a Delta table, version %" PRId64, now.version);
	}
}

static void status(void *self, struct collector_status *out)
{
	struct eventlog *log = self;
	struct follow_status now;

	if (log->table) {
		table_status(log->table, out);
		return;
	}
	follow_status(log->follow, &now);
	out->behind = now.behind;
	out->news_at_ms = now.changed_at_ms;
	(void)buf_add_str(&out->detail, now.reading);
	if (now.problem[0] != '\0') {
		out->state = HEALTH_DEGRADED;
		(void)buf_add_str(&out->text, now.problem);
	} else if (now.limited) {
		out->state = HEALTH_DEGRADED;
		(void)buf_addf(&out->text, "more than %d files: the rest is not read; narrow the path",
			FOLLOW_FILES_MAX);
	} else if (now.unfinished) {
		out->state = HEALTH_DEGRADED;
		(void)buf_addf(&out->text, "%s ends in part of a record, %" PRId64 " bytes: it was cut, "
			"or its writer stopped", now.unfinished, now.unfinished_bytes);
	} else if (now.files == 0) {
		out->state = HEALTH_WAITING;
		(void)buf_addf(&out->text, "nothing is at %s yet; waiting for a file", log->path);
	} else {
		(void)buf_addf(&out->text, "following %zu file%s", now.files,
			now.files == 1 ? "" : "s");
	}
}

static int wake_fd(void *self)
{
	const struct eventlog *log = self;

	return log->table ? -1 : follow_wake_fd(log->follow);
}

static int64_t poll_ms(void *self)
{
	const struct eventlog *log = self;

	return log->table ? log->poll_ms : follow_poll_ms(log->follow);
}

static void stop(void *self)
{
	struct eventlog *log = self;

	follow_close(log->follow);
	table_follow_close(log->table);
	FREE(&log->path);
	buf_done(&log->cursor);
}

struct trial {
	void (*say)(void *context, bool good, const char *line);
	void *context;
	struct fact_batch *batch;
	struct eventlog log;
	size_t records;
};

static void try_record(void *context, const struct follow_record *record)
{
	struct trial *trial = context;

	trial->records++;
	take(&trial->log, record);
}

/* The last step of the doctor: does what is there look like an event log? */
static void judge(struct trial *trial, const char *not_a_log, struct buf *what)
{
	const struct fact_batch *batch = trial->batch;
	bool good = trial->records == 0 || batch->nevents > 0;

	if (good) {
		(void)buf_addf(what, ": %zu events, %" PRId64 " undecodable", batch->nevents,
			batch->undecodable);
	} else {
		struct text reason = batch->nfacts > 0 ? batch->facts[0].u.undecodable.reason
						       : TEXT("no event in it");

		buf_reset(what);
		(void)buf_addf(what, "%s: %.*s", not_a_log, TEXT_ARG(reason));
	}
	trial->say(trial->context, good, what->bytes);
}

static void judge_files(struct trial *trial, const struct follow_status *status)
{
	struct buf line;

	if (status->files == 0) {
		trial->say(trial->context, false, "no file is there; check path, and that the log is "
						  "exported to it");
		return;
	}
	buf_init(&line, 1024);
	(void)buf_addf(&line, "%zu file%s, %.1f MB; first %zu records", status->files,
		status->files == 1 ? "" : "s", (double)status->behind / 1e6, trial->records);
	judge(trial, "what is there is no event log", &line);
	buf_done(&line);
}

static void judge_table(struct trial *trial)
{
	struct table_status status;
	struct buf line;

	table_follow_status(trial->log.table, &status);
	if (status.problem[0] != '\0') {
		trial->say(trial->context, false, status.problem);
		return;
	}
	buf_init(&line, 1024);
	(void)buf_addf(&line, "a Delta table, version %" PRId64 "; first %zu rows", status.version,
		trial->records);
	judge(trial, "the Delta table is no event log", &line);
	buf_done(&line);
}

static void doctor(const struct config_section *config,
	void (*say)(void *context, bool good, const char *line), void *context)
{
	const struct clock *clock = clock_system();
	struct trial trial = { .say = say, .context = context };
	struct follow_sink sink = { try_record, &trial };
	struct follow_status before = { 0 };
	struct follow_status after;
	struct err err = ERR_INIT;
	char line[512];

	if (!start(&trial.log, config, TEXT_NONE, &err)) {
		say(context, false, err.text);
		return;
	}
	trial.batch = fact_batch_new();
	trial.log.batch = trial.batch;
	if (trial.log.table) {
		(void)table_follow_step(
			trial.log.table, &sink, LIVE_BYTES, clock->mono_ms(clock) + 2000, NULL);
		judge_table(&trial);
		stop(&trial.log);
		fact_batch_free(trial.batch);
		return;
	}
	(void)follow_step(trial.log.follow, &sink, 0, 0, true); /* finds the files */
	follow_status(trial.log.follow, &before);
	(void)follow_step(
		trial.log.follow, &sink, LIVE_BYTES, clock->mono_ms(clock) + 2000, true);
	follow_status(trial.log.follow, &after);
	if (after.problem[0] != '\0')
		say(context, false, after.problem);
	if (after.unfinished) {
		(void)snprintf(line, sizeof line, "%s ends in part of a record: it was cut, or its "
			"writer stopped", after.unfinished);
		say(context, false, line);
	}
	judge_files(&trial, &before);
	stop(&trial.log);
	fact_batch_free(trial.batch);
}

const struct collector_ops eventlog_collector = {
	.kind = "eventlog",
	.about = "Event logs of pipelines, from files as they grow and rotate, or from Delta tables.",
	.keys = keys,
	.state_size = sizeof(struct eventlog),
	.start = start,
	.step = step,
	.wake_fd = wake_fd,
	.poll_ms = poll_ms,
	.doctor = doctor,
	.status = status,
	.stop = stop,
};
