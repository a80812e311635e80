/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/kafka/intake.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

enum { MISSING_MAX = 2, NAMES_MAX = 200000, NAME_MAX_BYTES = 1024 };

struct name { /* a topic (group ""), a group's topic, or a group (topic "") */
	char *group, *topic;
	uint64_t hash;
	uint32_t seen;   /* sweep */
	uint32_t failed; /* sweep in which the group could not be read */
	uint8_t missing;
};

struct intake {
	char *cluster;
	struct name *names;
	size_t nnames, names_room;
	uint32_t *slots; /* index + 1 */
	size_t nslots;
	uint32_t sweep;
	bool moved;
	/* while a group's frames pass */
	char *group;
	struct text state;
	int64_t members;
};

struct intake *intake_new(struct text cluster)
{
	struct intake *intake = NEW(struct intake);
	struct buf name;

	buf_init(&name, NAME_MAX_BYTES);
	(void)buf_add(&name, cluster);
	intake->cluster = buf_take(&name);
	intake->moved = true;
	return intake;
}

static void free_name(struct name *name)
{
	free(name->group);
	free(name->topic);
}

void intake_free(struct intake *intake)
{
	if (!intake)
		return;
	for (size_t i = 0; i < intake->nnames; i++)
		free_name(&intake->names[i]);
	free(intake->names);
	free(intake->slots);
	free(intake->cluster);
	free(intake->group);
	free(intake);
}

static uint64_t hash_of(const char *group, const char *topic)
{
	return text_hash(text_of(group)) * UINT64_C(0x9e3779b97f4a7c15) ^ text_hash(text_of(topic));
}

static void place(struct intake *intake, size_t index)
{
	size_t at = (size_t)intake->names[index].hash & (intake->nslots - 1);

	while (intake->slots[at] != 0)
		at = (at + 1) & (intake->nslots - 1);
	intake->slots[at] = (uint32_t)index + 1;
}

static void index_all(struct intake *intake)
{
	size_t want = 64;

	while (want < 2 * (intake->names_room + 1))
		want *= 2;
	free(intake->slots);
	intake->nslots = want;
	intake->slots = NEW_ARRAY(uint32_t, want);
	for (size_t i = 0; i < intake->nnames; i++)
		place(intake, i);
}

/* The name as known, added when it is new; NULL when there are too many. */
static struct name *name_of(struct intake *intake, const char *group, const char *topic)
{
	uint64_t hash = hash_of(group, topic);
	struct name *name;

	for (size_t at = (size_t)hash; intake->nslots > 0; at++) {
		uint32_t slot = intake->slots[at & (intake->nslots - 1)];

		if (slot == 0)
			break;
		name = &intake->names[slot - 1];
		if (name->hash == hash && strcmp(name->group, group) == 0 &&
			strcmp(name->topic, topic) == 0)
			return name;
	}
	if (intake->nnames == NAMES_MAX)
		return NULL;
	if (intake->nnames == intake->names_room) {
		intake->names_room = intake->names_room ? 2 * intake->names_room : 64;
		intake->names = mem_resize(intake->names, intake->names_room, sizeof *intake->names);
		index_all(intake);
	}
	name = &intake->names[intake->nnames++];
	*name = (struct name){
		.group = mem_strdup(group),
		.topic = mem_strdup(topic),
		.hash = hash,
	};
	place(intake, intake->nnames - 1);
	intake->moved = true;
	return name;
}

static struct text clean(struct fact_batch *batch, struct text dirty)
{
	struct buf out;
	struct text kept;

	if (!dirty.bytes)
		return TEXT_NONE;
	buf_init(&out, NAME_MAX_BYTES);
	(void)utf8_clean(&out, dirty, UTF8_ONE_LINE); /* cut is fine */
	kept = arena_text(&batch->arena, buf_text(&out));
	buf_done(&out);
	return kept;
}

static bool take_group(struct intake *intake, struct wire_in *in, struct fact_batch *batch)
{
	struct text group = clean(batch, wire_take_text(in));
	struct name *name;
	bool failed;

	intake->state = clean(batch, wire_take_text(in));
	intake->members = wire_take_i64(in);
	failed = wire_take_u8(in) != 0;
	if (in->bad || !group.bytes)
		return false;
	free(intake->group);
	intake->group = mem_strdup(group.bytes);
	name = name_of(intake, group.bytes, "");
	if (name) {
		name->seen = intake->sweep;
		if (failed)
			name->failed = intake->sweep;
	}
	return true;
}

static bool take_position(
	struct intake *intake, struct wire_in *in, struct fact_batch *batch, int64_t at_ms)
{
	struct text group = clean(batch, wire_take_text(in));
	struct text topic = clean(batch, wire_take_text(in));
	size_t count = wire_take_count(in, 12);
	struct fact_place *places;
	struct name *name;
	struct fact *fact;

	if (in->bad || !topic.bytes || !group.bytes || !intake->group ||
		!text_is(group, intake->group))
		return false;
	places = ARENA_ARRAY(&batch->arena, struct fact_place, count + 1);
	for (size_t i = 0; i < count; i++) {
		places[i] = (struct fact_place){
			.partition = (int32_t)wire_take_u32(in),
			.started = FACT_UNKNOWN,
			.committed_at_ms = FACT_UNKNOWN,
		};
		places[i].processed = wire_take_i64(in);
		if (places[i].partition < 0)
			return false;
	}
	name = name_of(intake, group.bytes, topic.bytes);
	if (name)
		name->seen = intake->sweep;
	fact = fact_batch_fact(batch, FACT_POSITION, at_ms);
	fact->u.position = (struct fact_position){
		.kind = READER_GROUP,
		.reader = group,
		.query_id = TEXT_NONE,
		.cluster = arena_text(&batch->arena, text_of(intake->cluster)),
		.topic = topic,
		.state = intake->state,
		.members = intake->members,
		.batch_started_ms = FACT_UNKNOWN,
		.behind_files = FACT_UNKNOWN,
		.behind_bytes = FACT_UNKNOWN,
		.behind_records = FACT_UNKNOWN,
		.behind_seconds = FACT_UNKNOWN,
		.places = places,
		.nplaces = count,
	};
	return !in->bad;
}

static bool take_topic(
	struct intake *intake, struct wire_in *in, struct fact_batch *batch, int64_t at_ms)
{
	struct fact_marks marks = { .topic = clean(batch, wire_take_text(in)) };
	struct name *name;

	marks.retention_ms = wire_take_i64(in);
	marks.retention_bytes = wire_take_i64(in);
	marks.compacted = (int8_t)wire_take_u8(in);
	marks.nmarks = wire_take_count(in, 20);
	if (in->bad || !marks.topic.bytes)
		return false;
	marks.cluster = arena_text(&batch->arena, text_of(intake->cluster));
	marks.marks = ARENA_ARRAY(&batch->arena, struct fact_mark, marks.nmarks + 1);
	for (size_t i = 0; i < marks.nmarks; i++) {
		marks.marks[i].partition = (int32_t)i;
		marks.marks[i].leader = (int32_t)wire_take_u32(in);
		marks.marks[i].low = wire_take_i64(in);
		marks.marks[i].high = wire_take_i64(in);
	}
	name = name_of(intake, "", marks.topic.bytes);
	if (name)
		name->seen = intake->sweep;
	fact_batch_fact(batch, FACT_MARKS, at_ms)->u.marks = marks;
	return !in->bad;
}

static bool take_end(struct wire_in *in, struct intake_sweep *out, bool *groups_complete)
{
	struct text problem;

	out->good = wire_take_u8(in) != 0;
	*groups_complete = wire_take_u8(in) != 0;
	out->refused = wire_take_u8(in) != 0;
	out->at_ms = wire_take_i64(in);
	out->took_ms = wire_take_i64(in);
	out->brokers = wire_take_i64(in);
	out->brokers_down = wire_take_i64(in);
	out->topics = wire_take_i64(in);
	out->partitions = wire_take_i64(in);
	out->groups = wire_take_i64(in);
	out->unread = wire_take_i64(in);
	problem = wire_take_text(in);
	(void)snprintf(out->problem, sizeof out->problem, "%.*s", TEXT_ARG(problem));
	return !in->bad;
}

static void tell_gone(
	struct intake *intake, const struct name *name, struct fact_batch *batch, int64_t at_ms)
{
	struct text cluster = arena_text(&batch->arena, text_of(intake->cluster));
	struct text topic = arena_text(&batch->arena, text_of(name->topic));
	struct fact *fact;

	if (name->topic[0] == '\0')
		return; /* a group as such is no reader: each topic of it is */
	if (name->group[0] == '\0') {
		fact = fact_batch_fact(batch, FACT_MARKS, at_ms);
		fact->u.marks = (struct fact_marks){
			.cluster = cluster,
			.topic = topic,
			.gone = true,
			.retention_ms = FACT_UNKNOWN,
			.retention_bytes = FACT_UNKNOWN,
			.compacted = -1,
		};
		return;
	}
	fact = fact_batch_fact(batch, FACT_POSITION, at_ms);
	fact->u.position = (struct fact_position){
		.kind = READER_GROUP,
		.reader = arena_text(&batch->arena, text_of(name->group)),
		.query_id = TEXT_NONE,
		.cluster = cluster,
		.topic = topic,
		.gone = true,
		.state = TEXT_NONE,
		.members = FACT_UNKNOWN,
		.batch_started_ms = FACT_UNKNOWN,
		.behind_files = FACT_UNKNOWN,
		.behind_bytes = FACT_UNKNOWN,
		.behind_records = FACT_UNKNOWN,
		.behind_seconds = FACT_UNKNOWN,
	};
}

/* Only what could have been seen can be missing. */
static bool could_be_seen(struct intake *intake, const struct name *name, bool groups_complete)
{
	const struct name *group;

	if (name->group[0] == '\0')
		return true;
	if (name->topic[0] == '\0')
		return groups_complete;
	group = name_of(intake, name->group, "");
	if (!group)
		return false;
	if (group->failed == intake->sweep)
		return false;
	return groups_complete || group->seen == intake->sweep;
}

static void settle_missing(
	struct intake *intake, struct fact_batch *batch, bool groups_complete, int64_t at_ms)
{
	size_t kept = 0;
	size_t before = intake->nnames;

	/* Every pair's group has a name of its own; so that none is added while they are walked. */
	for (size_t i = 0; i < before; i++) {
		struct name *name = &intake->names[i];

		if (name->seen == intake->sweep) {
			intake->moved = intake->moved || name->missing > 0;
			name->missing = 0;
		} else if (could_be_seen(intake, name, groups_complete)) {
			intake->names[i].missing++;
			intake->moved = true;
		}
	}
	for (size_t i = 0; i < intake->nnames; i++) {
		struct name *name = &intake->names[i];

		if (name->missing >= MISSING_MAX) {
			tell_gone(intake, name, batch, at_ms);
			free_name(name);
		} else {
			intake->names[kept++] = *name;
		}
	}
	if (kept < intake->nnames) {
		intake->nnames = kept;
		index_all(intake);
	}
}

static bool take_frame(struct intake *intake, enum wire_kind kind, struct wire_in *in,
	struct fact_batch *batch, int64_t at_ms)
{
	switch ((int)kind) {
	case WIRE_GROUP:
		return take_group(intake, in, batch);
	case WIRE_POSITION:
		return take_position(intake, in, batch, at_ms);
	case WIRE_TOPIC:
		return take_topic(intake, in, batch, at_ms);
	default:
		return false;
	}
}

/* The END frame says when: it is looked for first. */
static bool find_end(struct text frames, struct intake_sweep *out, bool *groups_complete)
{
	enum wire_kind kind = WIRE_BEAT;
	struct wire_in in = { NULL, NULL, true };

	while (frames.len > 0) {
		if (wire_cut(&frames, &kind, &in) != WIRE_CUT)
			return false;
		if (kind == WIRE_END)
			break;
	}
	return kind == WIRE_END && frames.len == 0 && take_end(&in, out, groups_complete);
}

bool intake_take(struct intake *intake, struct text frames, struct fact_batch *batch,
	struct intake_sweep *sweep_out)
{
	bool groups_complete = false;
	struct fact *fact;

	if (!find_end(frames, sweep_out, &groups_complete))
		return false;
	intake->sweep++;
	for (;;) {
		enum wire_kind kind;
		struct wire_in in;

		if (wire_cut(&frames, &kind, &in) != WIRE_CUT)
			return false;
		if (kind == WIRE_END)
			break;
		if (!take_frame(intake, kind, &in, batch, sweep_out->at_ms))
			return false;
	}
	if (sweep_out->good)
		settle_missing(intake, batch, groups_complete, sweep_out->at_ms);
	fact = fact_batch_fact(batch, FACT_SWEEP, sweep_out->at_ms);
	fact->u.sweep = (struct fact_sweep){
		.cluster = arena_text(&batch->arena, text_of(intake->cluster)),
		.took_ms = sweep_out->took_ms,
		.brokers = sweep_out->brokers,
		.brokers_down = sweep_out->brokers_down,
		.topics = sweep_out->topics,
		.partitions = sweep_out->partitions,
		.groups = sweep_out->groups,
		.unread = sweep_out->unread,
		.problem = sweep_out->problem[0] ? clean(batch, text_of(sweep_out->problem))
						 : TEXT_NONE,
	};
	return true;
}

bool intake_table(struct intake *intake, struct wire_in *in, struct fact_batch *batch)
{
	struct fact_topic_table row = {
		.cluster = arena_text(&batch->arena, text_of(intake->cluster)),
	};
	int64_t minute_ms;

	row.topic = clean(batch, wire_take_text(in));
	row.table = clean(batch, wire_take_text(in));
	minute_ms = wire_take_i64(in);
	row.counted = wire_take_i64(in);
	row.bytes = wire_take_i64(in);
	row.creates = wire_take_i64(in);
	row.updates = wire_take_i64(in);
	row.deletes = wire_take_i64(in);
	row.reads = wire_take_i64(in);
	row.tombstones = wire_take_i64(in);
	row.seen = wire_take_i64(in);
	row.sampled = wire_take_i64(in);
	row.delay_sum_ms = wire_take_i64(in);
	row.delay_max_ms = wire_take_i64(in);
	row.delays = wire_take_i64(in);
	row.last_at_ms = wire_take_i64(in);
	row.snapshot = wire_take_u8(in) != 0;
	if (in->bad || !row.topic.bytes)
		return false;
	fact_batch_fact(batch, FACT_TOPIC_TABLE, minute_ms)->u.topic_table = row;
	return true;
}

bool intake_moved(const struct intake *intake)
{
	return intake->moved;
}

/* "names": [[group, topic, missing], ...]; whether a group was read lately need not be kept. */
void intake_save(struct intake *intake, struct buf *out)
{
	json_t *names = json_array();
	char *text;

	for (size_t i = 0; i < intake->nnames; i++) {
		const struct name *name = &intake->names[i];

		(void)json_array_append_new(names, json_pack("[ssi]", name->group, name->topic,
						   (int)name->missing));
	}
	text = json_dumps(names, JSON_COMPACT);
	(void)buf_add_str(out, text ? text : "[]"); /* fullness is asked at the end */
	free(text);
	json_decref(names);
	intake->moved = false;
}

void intake_load(struct intake *intake, struct text json)
{
	json_t *names = json.len > 0 ? json_loadb(json.bytes, json.len, 0, NULL) : NULL;
	size_t index;
	json_t *value;

	json_array_foreach(names, index, value)
	{
		const char *group = NULL;
		const char *topic = NULL;
		int missing = 0;
		struct name *name;

		if (json_unpack(value, "[ssi]", &group, &topic, &missing) != 0)
			continue;
		name = name_of(intake, group, topic);
		if (name)
			name->missing = (uint8_t)(missing > 0 && missing < MISSING_MAX ? missing : 0);
	}
	json_decref(names);
	intake->moved = false;
}
