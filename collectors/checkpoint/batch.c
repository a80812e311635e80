/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/checkpoint/batch.h"

#include <string.h>

#include "base/utf8.h"

/* Lines as Scala's getLines has them: a last newline ends the last line, CR before LF goes. */
static bool next_line(struct text *rest, struct text *line_out)
{
	if (rest->len == 0 || !text_split(rest, '\n', line_out))
		return false;
	if (text_ends(*line_out, TEXT("\r")))
		line_out->len--;
	return true;
}

static json_t *load(struct text text)
{
	return json_loadb(text.bytes, text.len, JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
}

static int64_t started_of(struct text line)
{
	json_t *metadata = load(line);
	const json_t *at = json_object_get(metadata, "batchTimestampMs");
	int64_t ms = json_is_integer(at) ? json_integer_value(at) : FACT_UNKNOWN;

	json_decref(metadata);
	return ms > 0 ? ms : FACT_UNKNOWN; /* 0 is what an empty metadata line stands for */
}

/* "-", a JSON value, or (v2) one of these behind "<sourceId>:". */
static bool source_of(struct arena *arena, struct text line, bool has_id, struct offset *offset_out)
{
	json_t *value;

	if (has_id && !text_starts(line, TEXT("{")) && !text_is(line, "-")) {
		struct text id;

		if (!text_split(&line, ':', &id) || id.len == 0 || !line.bytes)
			return false;
	}
	line = text_trim(line);
	if (text_is(line, "-")) {
		*offset_out = (struct offset){ .kind = OFFSET_NONE };
		return true;
	}
	value = line.len > 0 ? load(line) : NULL;
	if (!value)
		return false;
	*offset_out = offset_of(arena, value);
	json_decref(value);
	return true;
}

static enum checkpoint_verdict version_of(struct text *rest, bool *has_ids, const char **reason_out)
{
	struct text line;

	if (!next_line(rest, &line)) {
		*reason_out = "it is empty";
		return CHECKPOINT_CUT;
	}
	if (text_is(line, "v1") || text_is(line, "v2")) {
		*has_ids = text_is(line, "v2");
		return CHECKPOINT_WHOLE;
	}
	*reason_out = "its first line is neither v1 nor v2";
	return rest->len == 0 && text_is(line, "v") ? CHECKPOINT_CUT : CHECKPOINT_BROKEN;
}

enum checkpoint_verdict checkpoint_batch_of(struct arena *arena, struct text bytes,
	struct checkpoint_batch *batch_out, const char **reason_out)
{
	struct checkpoint_batch batch = { .started_at_ms = FACT_UNKNOWN };
	struct text rest = bytes;
	struct text line;
	size_t room = 0;
	bool has_ids = false;
	enum checkpoint_verdict verdict = version_of(&rest, &has_ids, reason_out);

	if (verdict != CHECKPOINT_WHOLE)
		return verdict;
	if (next_line(&rest, &line) && line.len > 0)
		batch.started_at_ms = started_of(line);
	for (size_t at = 0; at < rest.len; at++)
		room += rest.bytes[at] == '\n';
	if (room >= CHECKPOINT_SOURCES_MAX) {
		*reason_out = "it has more than 4,096 sources";
		return CHECKPOINT_BROKEN;
	}
	batch.sources = ARENA_ARRAY(arena, struct offset, room + 1);
	while (next_line(&rest, &line)) {
		if (!source_of(arena, line, has_ids, &batch.sources[batch.n])) {
			*reason_out = "a source's offset is no JSON";
			return rest.len == 0 ? CHECKPOINT_CUT : CHECKPOINT_BROKEN;
		}
		batch.n++;
	}
	if (batch.n == 0) {
		*reason_out = "it has no source";
		return CHECKPOINT_CUT;
	}
	*batch_out = batch;
	return CHECKPOINT_WHOLE;
}

struct offset checkpoint_initial_of(struct arena *arena, struct text bytes)
{
	struct offset offset = { .kind = OFFSET_OTHER };
	struct text line;

	if (bytes.len > 0 && bytes.bytes[0] == '\0')
		bytes = text_sub(bytes, 1, bytes.len);
	/* Spark 2.1 wrote no version line. */
	if (!next_line(&bytes, &line) || (text_is(line, "v1") && !next_line(&bytes, &line)))
		return offset;
	if (!source_of(arena, line, false, &offset))
		offset.kind = OFFSET_OTHER;
	return offset;
}

struct text checkpoint_query_of(struct arena *arena, struct text bytes)
{
	json_t *metadata = load(bytes);
	const json_t *id = json_object_get(metadata, "id");
	struct text query = TEXT_NONE;

	if (json_is_string(id) && json_string_length(id) > 0 && json_string_length(id) <= 128) {
		query = (struct text){ json_string_value(id), json_string_length(id) };
		query = utf8_is_clean(query) ? arena_text(arena, query) : TEXT_NONE;
	}
	json_decref(metadata);
	return query;
}

int64_t checkpoint_number_of(struct text name)
{
	int64_t number;

	if (name.len == 0 || name.len > 18 || name.bytes[0] == '-' || !text_to_i64(name, &number))
		return -1;
	return number;
}
