/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of a checkpoint, and what of it was told before. */
#include "collectors/checkpoint/parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

enum { TOPICS_MAX = 10 * 1000 }; /* of one checkpoint, kept in the cursor */

void checkpoint_told_done(struct checkpoint_told *told)
{
	for (size_t i = 0; i < told->n; i++)
		free((char *)told->topics[i].bytes);
	FREE(&told->topics);
	told->n = 0;
}

json_t *checkpoint_told_json(const struct checkpoint_told *told)
{
	json_t *topics = json_array();

	for (size_t i = 0; i < told->n; i++)
		(void)json_array_append_new(
			topics, json_stringn(told->topics[i].bytes, told->topics[i].len));
	return topics;
}

void checkpoint_told_recall(struct checkpoint_told *told, const json_t *topics)
{
	size_t n = json_array_size(topics);

	if (n > TOPICS_MAX)
		n = TOPICS_MAX;
	checkpoint_told_done(told);
	told->topics = NEW_ARRAY(struct text, n);
	for (size_t i = 0; i < n; i++) {
		const char *topic = json_string_value(json_array_get(topics, i));

		if (topic)
			told->topics[told->n++] = text_of(mem_strdup(topic));
	}
}

static struct text name_topic(struct arena *arena, struct text cluster, struct text topic)
{
	return text_of(arena_printf(arena, "%.*s\n%.*s", TEXT_ARG(cluster), TEXT_ARG(topic)));
}

static bool holds(const struct text *topics, size_t n, struct text topic)
{
	for (size_t i = 0; i < n; i++) {
		if (text_eq(topics[i], topic))
			return true;
	}
	return false;
}

static struct fact_position position_of(const struct checkpoint *checkpoint, struct arena *arena)
{
	return (struct fact_position){
		.kind = READER_CHECKPOINT,
		.reader = arena_text(arena, text_of(checkpoint->name)),
		.query_id = arena_text(arena, text_of(checkpoint->query_id)),
		.members = FACT_UNKNOWN,
		.batch_started_ms = checkpoint_busy_since(checkpoint),
		.behind_files = FACT_UNKNOWN,
		.behind_bytes = FACT_UNKNOWN,
		.behind_records = FACT_UNKNOWN,
		.behind_seconds = FACT_UNKNOWN,
	};
}

/* A topic that was told and is not there any more. */
static void tell_topic_gone(const struct checkpoint *checkpoint, struct text topic,
	struct fact_batch *batch, int64_t now_ms)
{
	struct fact_position *position =
		&fact_batch_fact(batch, FACT_POSITION, now_ms)->u.position;
	struct text rest = topic;
	struct text cluster = TEXT_NONE;

	(void)text_split(&rest, '\n', &cluster);
	*position = position_of(checkpoint, &batch->arena);
	position->batch_started_ms = FACT_UNKNOWN;
	position->gone = true;
	if (cluster.len > 0)
		position->cluster = arena_text(&batch->arena, cluster);
	position->topic = arena_text(&batch->arena, rest);
	position->of_delta = text_is(cluster, "delta");
}

/* The topics of the facts told since `first` replace those told before. False: they are the same. */
static bool keep_topics(struct checkpoint_told *told, const struct checkpoint *checkpoint,
	struct fact_batch *batch, size_t first, int64_t now_ms)
{
	size_t n = batch->nfacts - first;
	struct text *topics = NEW_ARRAY(struct text, n);
	bool same = n == told->n;

	for (size_t i = 0; i < n; i++) {
		const struct fact_position *position = &batch->facts[first + i].u.position;

		topics[i] = name_topic(&batch->arena, position->cluster, position->topic);
		same = same && holds(told->topics, told->n, topics[i]);
	}
	if (same) {
		free(topics);
		return false;
	}
	for (size_t i = 0; i < told->n; i++) {
		if (!holds(topics, n, told->topics[i]))
			tell_topic_gone(checkpoint, told->topics[i], batch, now_ms);
	}
	checkpoint_told_done(told);
	told->topics = topics;
	told->n = n < TOPICS_MAX ? n : TOPICS_MAX;
	for (size_t i = 0; i < told->n; i++)
		topics[i].bytes = text_dup(topics[i]);
	return true;
}

bool checkpoint_tell(struct checkpoint_told *told, const struct checkpoint *checkpoint,
	const char *kafka, struct fact_batch *batch, int64_t now_ms)
{
	struct fact_position like = position_of(checkpoint, &batch->arena);
	struct reached reached = { 0 };
	size_t first = batch->nfacts;

	if (kafka[0] != '\0')
		like.cluster = text_of(kafka);
	checkpoint_reached(checkpoint, &reached);
	reached_tell(&reached, batch, now_ms, &like, checkpoint->committed_at_ms);
	reached_done(&reached);
	return keep_topics(told, checkpoint, batch, first, now_ms);
}

bool checkpoint_tell_gone(struct checkpoint_told *told, const struct checkpoint *checkpoint,
	struct fact_batch *batch, int64_t now_ms)
{
	bool any = told->n > 0;

	for (size_t i = 0; i < told->n; i++)
		tell_topic_gone(checkpoint, told->topics[i], batch, now_ms);
	checkpoint_told_done(told);
	return any;
}

void checkpoint_tell_broken(struct checkpoint *checkpoint, struct fact_batch *batch,
	int64_t now_ms)
{
	char head[FACT_KEEP_MAX];
	char path[4096];
	size_t n = 0;
	FILE *file;

	if (checkpoint->broken_id < 0 || !checkpoint->broken_is_old ||
		checkpoint->told_broken == checkpoint->broken_id)
		return;
	checkpoint->told_broken = checkpoint->broken_id;
	(void)snprintf(path, sizeof path, "%s/offsets/%lld", checkpoint->path,
		(long long)checkpoint->broken_id);
	file = fopen(path, "rbe");
	if (file) {
		n = fread(head, 1, sizeof head, file);
		(void)fclose(file);
	}
	fact_batch_undecodable(batch, now_ms, text_of(path), text_of(checkpoint->broken_why),
		(struct text){ head, n });
}
