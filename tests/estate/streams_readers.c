/* SPDX-License-Identifier: Apache-2.0 */
/* Streaming queries that keep their offsets in checkpoints, as Spark writes them. */
#include "tests/estate/streams.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum { OFFSETS_KEPT = 20 };

/* As Spark does it: aside, then renamed; a checksum beside it. */
static void write_log(struct streams *streams, size_t i, const char *name, struct text bytes)
{
	char path[4096];
	char aside[4096];
	FILE *file;

	(void)snprintf(path, sizeof path, "%s/checkpoints/%s/%s", streams->estate->dir,
		stream_readers[i].checkpoint, name);
	(void)snprintf(aside, sizeof aside, "%s/checkpoints/%s/.%zu.tmp", streams->estate->dir,
		stream_readers[i].checkpoint, i);
	file = fopen(aside, "wbe");
	if (!file)
		return;
	(void)fwrite(bytes.bytes, 1, bytes.len, file); /* a full disk shows as a cut file */
	(void)fclose(file);
	(void)rename(aside, path);
}

static void make_directories(struct streams *streams, size_t i)
{
	static const char *const logs[] = { "", "/offsets", "/commits", "/sources", "/sources/0" };
	char path[4096];

	for (size_t k = 0; k < ARRAY_LEN(logs); k++) {
		(void)snprintf(path, sizeof path, "%s/checkpoints/%s%s", streams->estate->dir,
			stream_readers[i].checkpoint, logs[k]);
		for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
			*slash = '\0';
			(void)mkdir(path, 0755); /* there already, mostly */
			*slash = '/';
		}
		(void)mkdir(path, 0755);
	}
}

static void add_offsets(const struct streams *streams, size_t i, const int64_t *next,
	struct buf *out)
{
	char id[17];

	if (stream_readers[i].topic < 0) {
		(void)tables_newest(streams->estate, stream_readers[i].table, id);
		(void)buf_addf(out,
			"{\"sourceVersion\":1,\"reservoirId\":\"%s\",\"reservoirVersion\":%lld,"
			"\"index\":-1,\"isStartingVersion\":false}", id, (long long)next[0]);
		return;
	}
	(void)buf_addf(out, "{\"%s\":{", streams->names[stream_readers[i].topic]);
	for (int p = 0; p < stream_topics[stream_readers[i].topic].partitions; p++)
		(void)buf_addf(out, "%s\"%d\":%lld", p ? "," : "", p, (long long)next[p]);
	(void)buf_add_str(out, "}}");
}

void streams_open_reader(struct streams *streams, size_t i)
{
	struct reader *reader = &streams->readers[i];
	struct buf bytes;
	char id[17];

	reader->batch = -1;
	if (stream_readers[i].topic < 0) {
		int64_t newest = tables_newest(streams->estate, stream_readers[i].table, id);

		reader->done[0] = newest > 4 ? newest - 4 : 0;
	}
	make_directories(streams, i);
	buf_init(&bytes, 1 << 16);
	(void)buf_addf(&bytes, "{\"id\":\"%s\"}", stream_readers[i].query_id);
	write_log(streams, i, "metadata", buf_text(&bytes));
	buf_reset(&bytes);
	/* The byte before the version is for Spark 2.1. */
	(void)buf_add_char(&bytes, '\0');
	(void)buf_add_str(&bytes, "v1\n");
	add_offsets(streams, i, reader->done, &bytes);
	if (stream_readers[i].topic >= 0)
		write_log(streams, i, "sources/0/0", buf_text(&bytes));
	buf_done(&bytes);
}

/* Where the next batch ends; false when there is nothing to read. */
static bool plan_batch(struct streams *streams, size_t i, int64_t now_ms)
{
	struct reader *reader = &streams->readers[i];
	bool any = false;
	char id[17];

	if (stream_readers[i].topic < 0) {
		reader->next[0] = tables_newest(streams->estate, stream_readers[i].table, id) + 1;
		/* Reads what is there a minute late. */
		if (now_ms / 60000 % 2 == 0)
			reader->next[0] = reader->done[0];
		return reader->next[0] > reader->done[0];
	}
	for (int p = 0; p < stream_topics[stream_readers[i].topic].partitions; p++) {
		int64_t behind = streams->ends[stream_readers[i].topic][p] - reader->done[p];
		/* Three seconds' worth of its share. */
		int64_t most = (int64_t)stream_topics[stream_readers[i].topic].per_second * 3 *
			stream_readers[i].percent / 100 / stream_topics[stream_readers[i].topic].partitions;

		if (stream_readers[i].percent >= 100 || behind < most)
			most = behind;
		reader->next[p] = reader->done[p] + most;
		any = any || most > 0;
	}
	return any;
}

static void tell_progress(struct streams *streams, size_t i, int64_t now_ms)
{
	struct reader *reader = &streams->readers[i];
	struct buf json;
	struct buf details;
	size_t pipeline = 0;

	if (!stream_readers[i].flow)
		return;
	while (pipeline < PIPELINE_COUNT && strcmp(pipelines[pipeline].name, "hinge_cdc") != 0)
		pipeline++;
	buf_init(&json, 1 << 16);
	buf_init(&details, 1 << 17);
	(void)buf_addf(&json, "{\"id\":\"%s\",\"runId\":\"1f\",\"name\":\"%s\",\"batchId\":%lld,"
		"\"sources\":[{\"description\":\"KafkaV2[Subscribe[%s]]\",\"endOffset\":",
		stream_readers[i].query_id, stream_readers[i].flow, (long long)reader->batch,
		streams->names[stream_readers[i].topic]);
	add_offsets(streams, i, reader->done, &json);
	(void)buf_add_str(&json, ",\"latestOffset\":");
	add_offsets(streams, i, streams->ends[stream_readers[i].topic], &json);
	(void)buf_add_str(&json, "}]}");
	(void)buf_add_str(&details, "{\"progress_json\": \"");
	for (size_t at = 0; at < json.len; at++) {
		if (json.bytes[at] == '"')
			(void)buf_add_char(&details, '\\');
		(void)buf_add_char(&details, json.bytes[at]);
	}
	(void)buf_add_str(&details, "\"}");
	estate_event(streams->estate, &(struct event){ .pipeline = pipeline, .when_ms = now_ms,
					      .type = "stream_progress", .level = "METRICS",
					      .message = "Completed a streaming update.",
					      .flow = stream_readers[i].flow, .batch_id = reader->batch,
					      .details = details.bytes });
	buf_done(&json);
	buf_done(&details);
}

static void begin_batch(struct streams *streams, size_t i, int64_t now_ms)
{
	struct reader *reader = &streams->readers[i];
	struct buf bytes;
	char name[64];

	if (!plan_batch(streams, i, now_ms))
		return;
	reader->batch++;
	reader->begun_ms = now_ms;
	reader->commit_at_ms = now_ms + 2000;
	buf_init(&bytes, 1 << 16);
	(void)buf_addf(&bytes, "v1\n{\"batchWatermarkMs\":0,\"batchTimestampMs\":%lld,\"conf\":{"
		"\"spark.sql.shuffle.partitions\":\"200\"}}\n", (long long)now_ms);
	add_offsets(streams, i, reader->next, &bytes);
	(void)snprintf(name, sizeof name, "offsets/%lld", (long long)reader->batch);
	write_log(streams, i, name, buf_text(&bytes));
	buf_done(&bytes);
}

static void remove_old(struct streams *streams, size_t i)
{
	static const char *const logs[] = { "offsets", "commits" };
	char path[4096];

	for (size_t k = 0; k < ARRAY_LEN(logs); k++) {
		(void)snprintf(path, sizeof path, "%s/checkpoints/%s/%s/%lld", streams->estate->dir,
			stream_readers[i].checkpoint, logs[k],
			(long long)(streams->readers[i].batch - OFFSETS_KEPT));
		(void)unlink(path); /* none before the first twenty */
	}
}

void streams_tick_readers(struct streams *streams, int64_t now_ms)
{
	for (size_t i = 0; i < READER_COUNT; i++) {
		struct reader *reader = &streams->readers[i];
		char name[64];

		if (reader->commit_at_ms == 0) {
			if (now_ms - reader->begun_ms >= 3000)
				begin_batch(streams, i, now_ms);
			continue;
		}
		if (now_ms < reader->commit_at_ms)
			continue;
		(void)snprintf(name, sizeof name, "commits/%lld", (long long)reader->batch);
		write_log(streams, i, name, TEXT("v1\n{\"nextBatchWatermarkMs\":0}"));
		memcpy(reader->done, reader->next, sizeof reader->done);
		reader->commit_at_ms = 0;
		tell_progress(streams, i, now_ms);
		remove_old(streams, i);
	}
}
