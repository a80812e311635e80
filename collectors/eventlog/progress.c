/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/eventlog/progress.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "collectors/checkpoint/offset.h"
#include "collectors/eventlog/json.h"

enum { SOURCES_MAX = 1024, NAME_MAX_BYTES = 1024 };

struct source {
	struct offset end, latest;
	int64_t files, bytes; /* behind, as its metrics say; FACT_UNKNOWN */
};

static struct text string_of(const json_t *value)
{
	return (struct text){ json_string_value(value), json_string_length(value) };
}

/* "4096.0" and 4096: all metrics of sources are strings, but not everywhere. */
static int64_t metric(const json_t *metrics, const char *name)
{
	const json_t *value = json_object_get(metrics, name);
	struct text text = string_of(value);
	double real;
	char *end;

	if (json_is_integer(value) && json_integer_value(value) >= 0)
		return json_integer_value(value);
	if (json_is_real(value)) {
		real = json_real_value(value);
	} else {
		if (text.len == 0 || text.len > 40 ||
			strspn(text.bytes, "0123456789.eE+") != text.len)
			return FACT_UNKNOWN;
		real = strtod(text.bytes, &end);
		if (end != text.bytes + text.len)
			return FACT_UNKNOWN;
	}
	return real >= 0 && real < 9.2e18 ? (int64_t)real : FACT_UNKNOWN;
}

static struct source source_of(struct arena *arena, const json_t *value)
{
	const json_t *metrics = json_object_get(value, "metrics");
	struct source source = {
		.end = offset_of(arena, json_object_get(value, "endOffset")),
		.latest = offset_of(arena, json_object_get(value, "latestOffset")),
		.files = metric(metrics, "numFilesOutstanding"),
		.bytes = metric(metrics, "numBytesOutstanding"),
	};

	/* Offsets of which a part was left out say nothing of the whole. */
	if (json_is_true(json_object_get(value, "endOffsetTruncated")))
		source.end = (struct offset){ .kind = OFFSET_OTHER };
	if (json_is_true(json_object_get(value, "latestOffsetTruncated")))
		source.latest = (struct offset){ .kind = OFFSET_OTHER };
	if (source.latest.kind != source.end.kind)
		source.latest.n = 0;
	if (source.bytes == FACT_UNKNOWN)
		source.bytes = metric(metrics, "estimatedTotalBytesBehindLatest");
	return source;
}

static struct text clean_copy(struct arena *arena, struct text dirty)
{
	struct text copy;
	struct buf clean;

	buf_init(&clean, NAME_MAX_BYTES);
	(void)utf8_clean(&clean, dirty, UTF8_ONE_LINE);
	copy = arena_text(arena, buf_text(&clean));
	buf_done(&clean);
	return copy;
}

/* pipeline/flow; what is not told is left out. */
static struct text reader_of(
	struct fact_batch *batch, const struct fact_event *event, const json_t *progress)
{
	struct text pipeline = fact_batch_string(batch,
		event->pipeline_name ? event->pipeline_name : event->pipeline_id);
	struct text flow = fact_batch_string(batch, event->flow);
	struct text reader;
	struct buf name;

	if (flow.len == 0)
		flow = string_of(json_object_get(progress, "name"));
	if (flow.len == 0)
		flow = string_of(json_object_get(progress, "id"));
	buf_init(&name, NAME_MAX_BYTES * 4);
	(void)buf_add(&name, pipeline);
	if (pipeline.len > 0 && flow.len > 0)
		(void)buf_add_char(&name, '/');
	(void)buf_add(&name, flow);
	reader = clean_copy(&batch->arena, buf_text(&name));
	buf_done(&name);
	return reader;
}

/*
 * `started` of each place holds what the source's latestOffset said: from it follows how far it was
 * behind. Partitions that only latestOffset names were not read yet.
 */
static void settle(struct fact_position *position)
{
	int64_t behind = 0;
	bool known = position->nplaces > 0;
	size_t n = 0;

	for (size_t i = 0; i < position->nplaces; i++) {
		struct fact_place place = position->places[i];

		if (place.started == FACT_UNKNOWN)
			known = false;
		else if (place.processed == FACT_UNKNOWN)
			known = false; /* where it would begin is not told */
		else if (place.started > place.processed &&
			place.started - place.processed <= INT64_MAX - behind)
			behind += place.started - place.processed;
		place.started = FACT_UNKNOWN;
		if (place.processed != FACT_UNKNOWN)
			position->places[n++] = place;
	}
	position->nplaces = n;
	if (known && !position->of_delta && !text_is(position->cluster, "files"))
		position->behind_records = behind;
}

/* What a source says of itself as a whole is of its topic when it reads one alone. */
static void add_metrics(struct fact_position *position, const struct source *sources, size_t n)
{
	const struct source *found = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct offset *end = &sources[i].end;
		bool reads = false;
		bool alone = end->n > 0;

		for (size_t k = 0; k < end->n; k++) {
			reads = reads || text_eq(end->places[k].topic, position->topic);
			alone = alone && text_eq(end->places[k].topic, end->places[0].topic);
		}
		if (!reads)
			continue;
		if (found || !alone)
			return;
		found = &sources[i];
	}
	if (!found)
		return;
	position->behind_files = found->files;
	position->behind_bytes = found->bytes;
}

static void tell(struct fact_batch *batch, const struct fact_event *event, const json_t *progress,
	const struct source *sources, size_t n)
{
	struct text query = string_of(json_object_get(progress, "id"));
	struct fact_position like = {
		.kind = READER_EVENTLOG,
		.reader = reader_of(batch, event, progress),
		.members = FACT_UNKNOWN,
		.batch_started_ms = FACT_UNKNOWN,
		.behind_files = FACT_UNKNOWN,
		.behind_bytes = FACT_UNKNOWN,
		.behind_records = FACT_UNKNOWN,
		.behind_seconds = FACT_UNKNOWN,
	};
	struct reached reached = { 0 };
	size_t first = batch->nfacts;
	size_t kept = first;

	if (like.reader.len == 0)
		return;
	if (query.len > 0)
		like.query_id = clean_copy(&batch->arena, query);
	for (size_t i = 0; i < n; i++)
		reached_add(&reached, &sources[i].end, &sources[i].latest);
	reached_tell(&reached, batch, event->happened_at_ms, &like, event->happened_at_ms);
	reached_done(&reached);
	for (size_t i = first; i < batch->nfacts; i++) {
		struct fact_position *position = &batch->facts[i].u.position;

		settle(position);
		if (position->nplaces == 0)
			continue;
		add_metrics(position, sources, n);
		batch->facts[kept++] = batch->facts[i];
	}
	batch->nfacts = kept;
}

void eventlog_progress(
	struct fact_batch *batch, const struct fact_event *event, struct text progress_json)
{
	json_t *progress = eventlog_json_load(progress_json, NULL);
	const json_t *list = json_object_get(progress, "sources");
	struct source *sources;
	struct arena arena = { 0 };
	size_t n = json_array_size(list);

	if (n > SOURCES_MAX)
		n = SOURCES_MAX;
	sources = NEW_ARRAY(struct source, n + 1);
	for (size_t i = 0; i < n; i++)
		sources[i] = source_of(&arena, json_array_get(list, i));
	if (n > 0)
		tell(batch, event, progress, sources, n);
	free(sources);
	arena_free(&arena);
	json_decref(progress);
}
