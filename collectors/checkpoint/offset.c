/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/checkpoint/offset.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"

enum { NAME_MAX_BYTES = 1024, UNFOLD_MAX = 2 };

static struct text string_of(const json_t *value)
{
	return (struct text){ json_string_value(value), json_string_length(value) };
}

static bool number_of(const json_t *value, int64_t *number_out)
{
	if (json_is_integer(value)) {
		*number_out = json_integer_value(value);
		return true;
	}
	return json_is_string(value) && text_to_i64(string_of(value), number_out);
}

static struct offset only_place(struct arena *arena, enum offset_kind kind, struct text topic,
	int64_t next)
{
	struct offset offset = { .kind = kind, .n = 1 };

	offset.places = ARENA_NEW(arena, struct offset_place);
	*offset.places = (struct offset_place){ .topic = arena_text(arena, topic), .next = next };
	return offset;
}

/* {"topic":{"0":12,"1":15}}: the number of places, or -1 when it is not of this shape. */
static int64_t count_places(const json_t *value)
{
	const char *topic;
	json_t *partitions;
	int64_t count = 0;

	json_object_foreach((json_t *)value, topic, partitions)
	{
		const char *partition;
		json_t *next;

		if (!json_is_object(partitions) || topic[0] == '\0')
			return -1;
		json_object_foreach(partitions, partition, next)
		{
			int64_t number;

			if (!text_to_i64(text_of(partition), &number) || number < 0 ||
				number > INT32_MAX || !number_of(next, &number) || number < 0)
				return -1;
			count++;
		}
	}
	return count > OFFSET_PLACES_MAX ? -1 : count;
}

static struct offset kafka_of(struct arena *arena, const json_t *value, size_t count)
{
	struct offset offset = { .kind = OFFSET_KAFKA };
	const char *topic;
	json_t *partitions;

	offset.places = ARENA_ARRAY(arena, struct offset_place, count);
	json_object_foreach((json_t *)value, topic, partitions)
	{
		struct text name = arena_text(arena, text_of(topic));
		const char *partition;
		json_t *next;

		json_object_foreach(partitions, partition, next)
		{
			struct offset_place *place = &offset.places[offset.n++];
			int64_t number = 0;

			(void)text_to_i64(text_of(partition), &number);
			place->topic = name;
			place->partition = (int32_t)number;
			(void)number_of(next, &place->next);
		}
	}
	return offset;
}

/*
 * index is the last file read of the version, from 0; a version read to its end is written as the
 * next one with nothing read. Below 0 stand marks between files: -1 before all, as version 3 of the
 * format also has -100, -20, -19. isStartingVersion: the files are those of the table then.
 */
static struct offset delta_of(struct arena *arena, const json_t *value)
{
	const json_t *id = json_object_get(value, "reservoirId");
	struct offset offset = { .kind = OFFSET_OTHER };
	int64_t version, index = -1;

	if (!number_of(json_object_get(value, "reservoirVersion"), &version) || version < 0 ||
		!json_is_string(id) || json_string_length(id) == 0)
		return offset;
	offset = only_place(arena, OFFSET_DELTA, string_of(id), version);
	(void)number_of(json_object_get(value, "index"), &index);
	if (json_is_true(json_object_get(value, "isStartingVersion")))
		offset.places[0].part = PART_TABLE;
	else if (index >= 0 && index < INT64_MAX)
		offset.places[0].part = index + 1;
	return offset;
}

static struct offset object_of(struct arena *arena, const json_t *value)
{
	int64_t number;

	if (json_object_get(value, "reservoirVersion"))
		return delta_of(arena, value);
	if (number_of(json_object_get(value, "seqNum"), &number))
		return only_place(arena, OFFSET_FILES, TEXT("Auto Loader"), number);
	if (number_of(json_object_get(value, "logOffset"), &number))
		return only_place(arena, OFFSET_FILES, TEXT("file source"), number);
	number = count_places(value);
	if (number <= 0)
		return (struct offset){ .kind = number == 0 ? OFFSET_NONE : OFFSET_OTHER };
	return kafka_of(arena, value, (size_t)number);
}

struct offset offset_of(struct arena *arena, const json_t *value)
{
	struct offset offset = { .kind = OFFSET_OTHER };
	json_t *unfolded = NULL;

	for (int i = 0; i < UNFOLD_MAX && json_is_string(value); i++) {
		struct text text = text_trim(string_of(value));
		json_t *inner;

		if (text_is(text, "-") || text.len == 0)
			return (struct offset){ .kind = OFFSET_NONE };
		inner = json_loadb(text.bytes, text.len, JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
		json_decref(unfolded);
		unfolded = inner;
		value = inner;
	}
	if (json_is_object(value))
		offset = object_of(arena, value);
	else if (json_is_null(value))
		offset.kind = OFFSET_NONE;
	json_decref(unfolded);
	return offset;
}

struct text offset_cluster(enum offset_kind kind, struct text kafka)
{
	if (kind == OFFSET_DELTA)
		return TEXT("delta");
	return kind == OFFSET_FILES ? TEXT("files") : kafka;
}

static void add(struct reached *reached, enum offset_kind kind, const struct offset_place *place,
	bool is_done)
{
	if (reached->n == reached->room) {
		reached->room = reached->room ? reached->room * 2 : 64;
		reached->rows = mem_resize(reached->rows, reached->room, sizeof *reached->rows);
	}
	reached->rows[reached->n++] = (struct offset_row){
		.kind = kind,
		.topic = place->topic,
		.partition = place->partition,
		.processed = is_done ? place->next : FACT_UNKNOWN,
		.started = is_done ? FACT_UNKNOWN : place->next,
		.part = is_done ? place->part : 0,
	};
}

void reached_add(struct reached *reached, const struct offset *done, const struct offset *started)
{
	for (size_t i = 0; done && i < done->n; i++)
		add(reached, done->kind, &done->places[i], true);
	for (size_t i = 0; started && i < started->n; i++)
		add(reached, started->kind, &started->places[i], false);
}

static int compare_rows(const void *a, const void *b)
{
	const struct offset_row *x = a;
	const struct offset_row *y = b;
	int by_topic = text_cmp(x->topic, y->topic);

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (by_topic != 0)
		return by_topic;
	return (x->partition > y->partition) - (x->partition < y->partition);
}

static int64_t lesser(int64_t a, int64_t b)
{
	if (a == FACT_UNKNOWN || b == FACT_UNKNOWN)
		return a == FACT_UNKNOWN ? b : a;
	return a < b ? a : b;
}

/* The one that is behind counts; of one version, the one that has read less of it. */
static void add_processed(struct offset_row *last, const struct offset_row *row)
{
	int64_t processed = lesser(last->processed, row->processed);

	if (row->processed == processed &&
		(last->processed != processed || row->part < last->part))
		last->part = row->part;
	last->processed = processed;
}

/* Rows of one partition become one. */
static void fold(struct reached *reached)
{
	size_t n = 0;

	if (reached->n == 0)
		return;
	qsort(reached->rows, reached->n, sizeof *reached->rows, compare_rows);
	for (size_t i = 1; i < reached->n; i++) {
		struct offset_row *last = &reached->rows[n];
		const struct offset_row *row = &reached->rows[i];

		if (compare_rows(last, row) == 0) {
			add_processed(last, row);
			last->started = lesser(last->started, row->started);
		} else {
			reached->rows[++n] = *row;
		}
	}
	reached->n = n + 1;
}

static struct text clean_copy(struct arena *arena, struct text dirty)
{
	struct text copy;
	struct buf clean;

	if (utf8_is_clean(dirty))
		return arena_text(arena, dirty);
	buf_init(&clean, NAME_MAX_BYTES);
	(void)utf8_clean(&clean, dirty, UTF8_ONE_LINE);
	copy = arena_text(arena, buf_text(&clean));
	buf_done(&clean);
	return copy;
}

void reached_tell(struct reached *reached, struct fact_batch *batch, int64_t happened_at_ms,
	const struct fact_position *like, int64_t committed_at_ms)
{
	fold(reached);
	for (size_t from = 0, to; from < reached->n; from = to) {
		const struct offset_row *first = &reached->rows[from];
		struct fact_position *position =
			&fact_batch_fact(batch, FACT_POSITION, happened_at_ms)->u.position;

		for (to = from; to < reached->n && reached->rows[to].kind == first->kind &&
			text_eq(reached->rows[to].topic, first->topic);)
			to++;
		*position = *like;
		position->cluster = arena_text(&batch->arena,
			offset_cluster(first->kind, like->cluster));
		position->topic = clean_copy(&batch->arena, first->topic);
		position->of_delta = first->kind == OFFSET_DELTA;
		position->places = ARENA_ARRAY(&batch->arena, struct fact_place, to - from);
		for (size_t i = from; i < to; i++)
			position->places[position->nplaces++] = (struct fact_place){
				.partition = reached->rows[i].partition,
				.processed = reached->rows[i].processed,
				.started = reached->rows[i].started,
				.committed_at_ms = committed_at_ms,
				.part = reached->rows[i].part,
			};
	}
}

void reached_done(struct reached *reached)
{
	FREE(&reached->rows);
	*reached = (struct reached){ 0 };
}
