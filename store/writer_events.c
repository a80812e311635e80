/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/mem.h"
#include "store/message.h"
#include "store/writer.h"

/* A message of the batch, as packed last; id 0 = not yet. */
struct message {
	int64_t id;
	fact_string flow, dataset; /* of the event it was packed for */
	int64_t *numbers;
	size_t nnumbers;
};

struct intake {
	struct writer *writer;
	struct writer_source *source;
	const struct fact_batch *batch;
	struct writer_place *places;
	size_t n;
	int64_t *ids;             /* by fact_string */
	uint32_t *message_at;     /* by fact_string: place in messages + 1; 0 = none yet */
	struct message *messages; /* those met */
	size_t nmessages;
	int64_t *segments;        /* by index in the batch */
};

static inline bool id_of(struct intake *in, fact_string string, int64_t *id_out, struct err *err)
{
	*id_out = in->ids[string]; /* of none it is always 0 */
	if (*id_out != 0 || string == 0)
		return true;
	if (!dims_id(in->writer->dims, in->batch->strings[string], &in->ids[string], err))
		return false;
	*id_out = in->ids[string];
	return true;
}

static bool message_of(struct intake *in, const struct fact_event *fact, struct stored_event *event,
	struct err *err)
{
	struct message *message;

	if (fact->message == 0)
		return true;
	if (fact->templated) {
		event->numbers = fact->numbers;
		event->nnumbers = fact->nnumbers;
		return id_of(in, fact->message, &event->message, err);
	}
	if (in->message_at[fact->message] == 0) {
		in->messages[in->nmessages++] = (struct message){ .id = 0 };
		in->message_at[fact->message] = (uint32_t)in->nmessages;
	}
	message = &in->messages[in->message_at[fact->message] - 1];
	if (message->id == 0 || message->flow != fact->flow || message->dataset != fact->dataset) {
		const struct text *strings = in->batch->strings;
		struct message_names names = { strings[fact->flow], strings[fact->dataset] };
		int64_t numbers[MESSAGE_NUMBERS_MAX];
		size_t n;

		struct text template;
		char *bytes = arena_raw(&in->writer->arena, 2 * strings[fact->message].len + 1);

		template.bytes = bytes;
		n = message_pack(bytes, &template.len, strings[fact->message], &names, numbers);
		if (!dims_id(in->writer->dims, template, &message->id, err))
			return false;
		message->flow = fact->flow;
		message->dataset = fact->dataset;
		message->numbers = NULL;
		if (n > 0) {
			message->numbers = ARENA_ARRAY(&in->writer->arena, int64_t, n);
			memcpy(message->numbers, numbers, n * sizeof *numbers);
		}
		message->nnumbers = n;
	}
	event->message = message->id;
	event->numbers = message->numbers;
	event->nnumbers = message->nnumbers;
	return true;
}

static bool segment_of(struct intake *in, uint32_t number, int64_t *id_out, struct err *err)
{
	const struct fact_segment *segment;
	sqlite3_stmt *stmt = in->writer->segment_find;
	bool row;

	*id_out = 0;
	if (number == 0 || number > in->batch->nsegments)
		return true;
	if (in->segments[number - 1] != 0) {
		*id_out = in->segments[number - 1];
		return true;
	}
	segment = &in->batch->segments[number - 1];
	for (int pass = 0; pass < 2; pass++) {
		sql_bind_text(stmt, 1, segment->path.bytes ? segment->path : TEXT(""));
		sqlite3_bind_int64(stmt, 2, segment->device);
		sqlite3_bind_int64(stmt, 3, segment->inode);
		sqlite3_bind_int64(stmt, 4, (int64_t)segment->head_hash);
		sqlite3_bind_int64(stmt, 5, segment->head_len);
		if (pass == 1) {
			sqlite3_bind_int64(stmt, 6, in->source->id);
			sqlite3_bind_int(stmt, 7, segment->compressed);
			if (!sql_run(stmt, err))
				return false;
			*id_out = sqlite3_last_insert_rowid(in->writer->db);
			break;
		}
		if (!sql_step(stmt, &row, err))
			return false;
		if (row) {
			*id_out = sqlite3_column_int64(stmt, 0);
			sqlite3_reset(stmt);
			break;
		}
		stmt = in->writer->segment_add;
	}
	in->segments[number - 1] = *id_out;
	return true;
}

static bool store_lists(struct intake *in, const struct fact_event *fact,
	struct stored_event *event, struct err *err)
{
	if (fact->nrules > 0) {
		struct stored_rule *rules =
			arena_raw(&in->writer->arena, fact->nrules * sizeof *rules);

		for (size_t i = 0; i < fact->nrules; i++) {
			rules[i].action = fact->rules[i].action;
			rules[i].passed = fact->rules[i].passed;
			rules[i].failed = fact->rules[i].failed;
			if (!id_of(in, fact->rules[i].name, &rules[i].name, err) ||
				!id_of(in, fact->rules[i].dataset, &rules[i].dataset, err))
				return false;
		}
		event->rules = rules;
		event->nrules = fact->nrules;
	}
	if (fact->ninputs > 0) {
		int64_t *inputs = ARENA_ARRAY(&in->writer->arena, int64_t, fact->ninputs);

		for (size_t i = 0; i < fact->ninputs; i++) {
			if (!id_of(in, fact->inputs[i], &inputs[i], err))
				return false;
		}
		event->inputs = inputs;
		event->ninputs = fact->ninputs;
	}
	return true;
}

static void store_numbers(const struct fact_event *fact, struct stored_event *event)
{
	memcpy(event->id, fact->id, sizeof event->id);
	event->id_is_hash = fact->id_is_hash;
	event->happened_at_ms = fact->happened_at_ms;
	event->type = fact->type;
	event->level = fact->level;
	event->state = fact->state;
	event->offset = fact->offset;
	event->length = fact->segment ? fact->length : FACT_UNKNOWN;
	event->sequence = fact->sequence;
	event->failed_attempts = fact->failed_attempts;
	event->batch_id = fact->batch_id;
	event->output_rows = fact->output_rows;
	event->upserted_rows = fact->upserted_rows;
	event->deleted_rows = fact->deleted_rows;
	event->output_bytes = fact->output_bytes;
	event->dropped_records = fact->dropped_records;
	event->backlog_bytes = fact->backlog_bytes;
	event->backlog_records = fact->backlog_records;
	event->backlog_files = fact->backlog_files;
	event->backlog_seconds = fact->backlog_seconds;
	event->full_refresh = fact->full_refresh;
	event->validate_only = fact->validate_only;
	event->explore_only = fact->explore_only;
	event->maintenance = fact->maintenance;
	event->has_quality = fact->has_quality;
	event->has_error = fact->has_error;
	event->fatal = fact->fatal;
}

/* The event in the store's terms. event is fresh (all unknown) and has its k. */
static bool store_event(struct intake *in, const struct fact_event *fact,
	struct stored_event *event, struct err *err)
{
	store_numbers(fact, event);
	event->batch = in->writer->n;
	event->source = in->source->id;
	if (!id_of(in, fact->type_text, &event->type_text, err) ||
		!id_of(in, fact->maturity, &event->maturity, err) ||
		!id_of(in, fact->pipeline_id, &event->pipeline, err) ||
		!id_of(in, fact->pipeline_name, &event->pipeline_name, err) ||
		!id_of(in, fact->update_id, &event->upd, err) ||
		!id_of(in, fact->flow, &event->flow, err) ||
		!id_of(in, fact->dataset, &event->dataset, err) ||
		!id_of(in, fact->state_text, &event->state_text, err) ||
		!id_of(in, fact->cause, &event->cause, err) ||
		!id_of(in, fact->run_as, &event->run_as, err) ||
		!id_of(in, fact->user, &event->user, err) ||
		!id_of(in, fact->flow_attempt, &event->flow_attempt, err) ||
		!id_of(in, fact->output, &event->output, err) ||
		!id_of(in, fact->flow_type, &event->flow_type, err) ||
		!id_of(in, fact->error_class, &event->error_class, err) ||
		!id_of(in, fact->error_message, &event->error_message, err))
		return false;
	if (fact->id_is_hash)
		event->id_text = in->batch->strings[fact->id_text];
	return message_of(in, fact, event, err) &&
		segment_of(in, fact->segment, &event->segment, err) &&
		store_lists(in, fact, event, err);
}

static bool put_edge(struct intake *in, const struct stored_event *event, int64_t output,
	int64_t input, struct err *err)
{
	sqlite3_stmt *add = in->writer->edge_add;

	sqlite3_bind_int64(add, 1, event->pipeline);
	sqlite3_bind_int64(add, 2, output);
	sqlite3_bind_int64(add, 3, input);
	sqlite3_bind_int64(add, 4, event->k);
	sqlite3_bind_int64(add, 5, in->writer->n);
	sql_bind_id(add, 6, event->upd);
	sql_bind_id(add, 7, event->flow);
	return sql_run(add, err);
}

static bool put_edges(struct intake *in, const struct stored_event *event, struct err *err)
{
	int64_t output = event->output ? event->output : event->flow;

	if (event->type != EVENT_FLOW_DEFINITION || output == 0)
		return true;
	if (event->ninputs == 0)
		return put_edge(in, event, output, 0, err);
	for (size_t i = 0; i < event->ninputs; i++) {
		if (!put_edge(in, event, output, event->inputs[i], err))
			return false;
	}
	return true;
}

static bool pipeline_entry(struct intake *in, int64_t id, struct writer_pipeline **out,
	struct err *err)
{
	struct writer *writer = in->writer;
	uint32_t *hint = &writer->pipeline_hints[(size_t)id % ARRAY_LEN(writer->pipeline_hints)];
	struct writer_pipeline *entry;
	bool row;

	if (*hint != 0 && writer->pipelines[*hint - 1].id == id) {
		*out = &writer->pipelines[*hint - 1];
		return true;
	}
	for (size_t i = 0; i < writer->npipelines; i++) {
		if (writer->pipelines[i].id == id) {
			*hint = (uint32_t)i + 1;
			*out = &writer->pipelines[i];
			return true;
		}
	}
	if (writer->npipelines == writer->pipelines_room) {
		writer->pipelines_room = writer->pipelines_room ? writer->pipelines_room * 2 : 64;
		writer->pipelines = mem_resize(
			writer->pipelines, writer->pipelines_room, sizeof *writer->pipelines);
	}
	entry = &writer->pipelines[writer->npipelines++];
	*entry = (struct writer_pipeline){ .id = id, .k = -1, .hour = -1 };
	sqlite3_bind_int64(writer->pipeline_find, 1, id);
	if (!sql_step(writer->pipeline_find, &row, err))
		return false;
	if (row) {
		entry->k = sqlite3_column_int64(writer->pipeline_find, 0);
		entry->name = sql_id(writer->pipeline_find, 1);
		sqlite3_reset(writer->pipeline_find);
	}
	*out = entry;
	return true;
}

static bool put_zone(struct intake *in, const struct stored_event *event,
	struct writer_pipeline *pipeline, struct err *err)
{
	sqlite3_stmt *add = in->writer->zone_add;
	int64_t hour = event_k_ms(event->k) / 3600000;

	if (hour == pipeline->hour)
		return true;
	pipeline->hour = hour;
	sqlite3_bind_int64(add, 1, pipeline->id);
	sqlite3_bind_int64(add, 2, hour);
	return sql_run(add, err);
}

/* A row when a pipeline is met first and when a newer event gives it another name. */
static bool put_pipeline(struct intake *in, const struct stored_event *event,
	struct writer_pipeline **hint, struct err *err)
{
	sqlite3_stmt *add = in->writer->pipeline_add;

	if (event->pipeline == 0)
		return true;
	if ((!*hint || (*hint)->id != event->pipeline) &&
		!pipeline_entry(in, event->pipeline, hint, err))
		return false;
	if (!put_zone(in, event, *hint, err))
		return false;
	if ((*hint)->k >= 0 && (event->pipeline_name == 0 || event->k <= (*hint)->k))
		return true;
	if ((*hint)->k >= 0 && event->pipeline_name == (*hint)->name) {
		(*hint)->k = event->k;
		return true;
	}
	(*hint)->k = event->k;
	(*hint)->name = event->pipeline_name;
	sqlite3_bind_int64(add, 1, event->pipeline);
	sqlite3_bind_int64(add, 2, in->writer->n);
	sqlite3_bind_int64(add, 3, event->k);
	sql_bind_id(add, 4, event->pipeline_name);
	sqlite3_bind_int64(add, 5, in->source->id);
	return sql_run(add, err);
}

/* Packs every x into one buffer; the texts are set once it no longer moves. */
static bool pack_all(const struct stored_event *events, size_t n, struct buf *buf,
	struct text *packed, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		size_t from = buf->len;

		if (!pack_event(buf, &events[i]))
			return err_set(err, ERR_STORE, 0, "store event: the batch is too large");
		packed[i].len = buf->len - from;
	}
	for (size_t i = 0, at = 0; i < n; i++) {
		packed[i].bytes = buf->bytes + at;
		at += packed[i].len;
	}
	return true;
}

static bool insert_events(struct intake *in, const struct stored_event *events, struct err *err)
{
	struct writer *writer = in->writer;
	struct text *packed = arena_raw(&writer->arena, in->n * sizeof *packed);
	struct buf buf;
	bool ok;

	buf_init(&buf, 1 << 30);
	ok = pack_all(events, in->n, &buf, packed, err);
	if (ok) {
		writer->rows = (struct event_rows_source){ events, packed, in->n };
		ok = sql_run(writer->event_insert, err);
		writer->rows = (struct event_rows_source){ 0 };
	}
	buf_done(&buf);
	return ok;
}

static bool put_raw(struct intake *in, size_t at, const struct stored_event *event, struct err *err)
{
	struct raw_packer *raw = in->writer->raw;
	const struct fact_event *kept = in->places[at].fact;

	if (!kept->raw.bytes)
		return true;
	if (kept->raw_dict == 0 && raw_packer_lacks(raw, event->type, kept->raw)) {
		struct text samples[RAW_SAMPLES_MAX];
		size_t n = 0;

		for (; at < in->n && n < ARRAY_LEN(samples); at++) {
			const struct fact_event *fact = in->places[at].fact;

			if (fact->type == event->type && fact->raw.len > 0)
				samples[n++] = fact->raw;
		}
		if (!raw_packer_learn(raw, event->type, samples, n, err))
			return false;
	}
	return raw_packer_put(raw, event->k, kept, err);
}

static bool insert_beside(struct intake *in, const struct stored_event *events, struct err *err)
{
	struct writer_pipeline *hint = NULL;

	for (size_t i = 0; i < in->n; i++) {
		const struct stored_event *event = &events[i];

		if (!put_raw(in, i, event, err) ||
			!put_edges(in, event, err) || !put_pipeline(in, event, &hint, err) ||
			!derive_add(in->writer->derive, event, err))
			return false;
		if (event->happened_at_ms > in->source->last_at)
			in->source->last_at = event->happened_at_ms;
	}
	return true;
}

static bool insert_new(struct intake *in, struct err *err)
{
	struct writer *writer = in->writer;
	struct stored_event *events = arena_raw(&writer->arena, in->n * sizeof *events);

	for (size_t i = 0; i < in->n; i++) {
		stored_event_init(&events[i]);
		events[i].k = in->places[i].k;
		if (!store_event(in, in->places[i].fact, &events[i], err))
			return false;
	}
	if (!insert_events(in, events, err) || !insert_beside(in, events, err))
		return false;
	if (writer->k0 > writer->k1 || events[0].k < writer->k0)
		writer->k0 = events[0].k;
	if (events[in->n - 1].k > writer->k1)
		writer->k1 = events[in->n - 1].k;
	if (writer->k1 > writer->k_max)
		writer->k_max = writer->k1;
	in->source->facts_batch = writer->n;
	return true;
}

bool writer_events(struct writer *writer, struct writer_source *source,
	const struct fact_batch *batch, int64_t *new_out, struct err *err)
{
	struct intake in = {
		.writer = writer,
		.source = source,
		.batch = batch,
		.n = batch->nevents,
	};
	bool ok;

	*new_out = 0;
	if (in.n == 0)
		return true;
	in.places = arena_raw(&writer->arena, in.n * sizeof *in.places);
	for (size_t i = 0; i < in.n; i++) {
		in.places[i].fact = &batch->events[i];
		in.places[i].k = event_k(batch->events[i].happened_at_ms, batch->events[i].id);
	}
	ok = writer_drop_known(writer, in.places, &in.n, err);
	if (ok && in.n > 0) {
		in.ids = ARENA_ARRAY(&writer->arena, int64_t, batch->nstrings);
		in.message_at = ARENA_ARRAY(&writer->arena, uint32_t, batch->nstrings);
		in.messages = arena_raw(&writer->arena, in.n * sizeof *in.messages);
		in.segments = ARENA_ARRAY(&writer->arena, int64_t, batch->nsegments + 1);
		ok = insert_new(&in, err);
	}
	if (ok)
		*new_out = (int64_t)in.n;
	return ok;
}
