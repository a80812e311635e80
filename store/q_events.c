/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/reader_internal.h"

enum { EVENTS_MAX = 10000, HOUR_MS = 3600000 };

static void pipeline_wanted(sqlite3_context *context, int n, sqlite3_value **values)
{
	struct reader *reader = sqlite3_user_data(context);
	int64_t id = sqlite3_value_int64(values[0]);
	int found = 0;

	(void)n;
	for (size_t i = 0; i < reader->npipelines && !found; i++)
		found = reader->pipelines[i] == id;
	sqlite3_result_int(context, found);
}

bool events_functions(struct reader *reader, struct err *err)
{
	int flags = SQLITE_UTF8 | SQLITE_INNOCUOUS;

	if (sqlite3_create_function(reader->db, "pipeline_wanted", 1, flags, reader,
		    pipeline_wanted, NULL, NULL) != SQLITE_OK)
		return sql_error(reader->db, err, "open store %s", reader->path);
	return messages_function(reader, err) && words_function(reader, err);
}

static void id_format(const struct stored_event *event, char out[40])
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *id = event->id;
	size_t at = 0;

	if (event->id_is_hash && event->id_text.bytes && event->id_text.len < 40) {
		memcpy(out, event->id_text.bytes, event->id_text.len);
		out[event->id_text.len] = '\0';
		return;
	}
	for (size_t i = 0; i < 16; i++) {
		if (!event->id_is_hash && (i == 4 || i == 6 || i == 8 || i == 10))
			out[at++] = '-';
		out[at++] = hex[id[i] >> 4];
		out[at++] = hex[id[i] & 15];
	}
	out[at] = '\0';
}

/* The message is in scratch: rows that do not fit leave nothing behind. */
static bool fill_row(struct names *names, const struct stored_event *event, struct arena *scratch,
	struct event_row *row, struct err *err)
{
	*row = (struct event_row){
		.k = event->k,
		.happened_at_ms = event->happened_at_ms,
		.sequence = event->sequence,
		.level = event->level,
		.state = event->state,
		.type = text_of(event_type_name(event->type)),
	};
	id_format(event, row->id);
	if (!names_seen_at(names, event->batch, &row->seen_at_ms, err) ||
		!names_text(names, event->pipeline, &row->pipeline_id, err) ||
		!names_pipeline(names, event->pipeline, &row->pipeline, err) ||
		!names_text(names, event->upd, &row->update_id, err) ||
		!names_text(names, event->flow, &row->flow, err) ||
		!names_text(names, event->dataset, &row->dataset, err) ||
		!names_message(names, event, scratch, &row->message, err) ||
		!names_source(names, event->source, &row->source, err) ||
		!names_text(names, event->state_text, &row->state_text, err) ||
		!names_text(names, event->error_class, &row->error_class, err) ||
		!names_text(names, event->error_message, &row->error_message, err))
		return false;
	if (event->type == EVENT_OTHER && !names_text(names, event->type_text, &row->type, err))
		return false;
	return true;
}

/* A filter in the store's own numbers. */
struct search {
	const struct event_filter *filter;
	int64_t upd, type; /* FACT_UNKNOWN = all */
	bool by_pipeline;
	int64_t edge; /* no event beyond it can match */
	bool empty;   /* nothing can match */
};

static bool resolve(struct names *names, struct search *search, struct err *err)
{
	const struct event_filter *filter = search->filter;
	struct reader *reader = names->reader;
	struct ids *ids = ARENA_NEW(names->arena, struct ids);
	struct run run;
	int64_t upd;

	search->edge = filter->oldest_first ? INT64_MAX : 0;
	search->upd = search->type = FACT_UNKNOWN;
	if (filter->type.bytes) /* a name nobody knows is told apart by its text, in fits() */
		search->type = event_type_of(filter->type);
	if (filter->pipeline.bytes) {
		if (!pipelines_named(names, filter->pipeline, ids, err))
			return false;
		search->by_pipeline = true;
		search->empty = ids->n == 0;
	}
	reader->pipelines = ids->ids;
	reader->npipelines = ids->n;
	if (filter->update_id.bytes) {
		struct err absent = ERR_INIT;

		if (!update_find(names, filter->update_id, &upd, &absent)) {
			search->empty = true;
			if (absent.kind != ERR_ABSENT)
				*err = absent;
			return absent.kind == ERR_ABSENT;
		}
		search->upd = upd;
		if (!run_load(reader, upd, &run, err))
			return false;
		search->edge = filter->oldest_first ? run.last_k : run.first_k;
	}
	if (!filter->contains.bytes)
		return true;
	if (!messages_judge(reader, &reader->messages, filter->contains, err))
		return false;
	search->empty = search->empty || reader->messages.found == 0;
	return true;
}

/* Words of the pipeline's name narrow the pipelines, so that their hours alone are looked at. */
static bool resolve_words(struct names *names, struct search *search, struct err *err)
{
	struct reader *reader = names->reader;
	struct ids *ids;
	bool empty;

	if (!words_resolve(names, search->filter, &empty, err))
		return false;
	search->empty = search->empty || empty;
	for (size_t i = 0; i < reader->nwords; i++) {
		const struct ids *named = &reader->words[i].pipelines;

		if (reader->words[i].field != EVENT_FIELD_PIPELINE)
			continue;
		ids = ARENA_NEW(names->arena, struct ids);
		for (size_t p = 0; p < named->n; p++) {
			bool in = !search->by_pipeline;

			for (size_t k = 0; k < reader->npipelines && !in; k++)
				in = reader->pipelines[k] == named->ids[p];
			if (in)
				ids_add(ids, names->arena, named->ids[p]);
		}
		search->by_pipeline = true;
		search->empty = search->empty || ids->n == 0;
		reader->pipelines = ids->ids;
		reader->npipelines = ids->n;
	}
	return true;
}

/* Events between from (not itself) and edge (itself), in the direction of the filter. */
static bool prepare(struct reader *reader, const struct search *search, int64_t from, int64_t edge,
	sqlite3_stmt **stmt, struct err *err)
{
	const struct event_filter *filter = search->filter;
	bool warnings = filter->least >= LEVEL_WARN;
	enum query query = filter->oldest_first ? warnings ? Q_WARNINGS_UP : Q_EVENTS_UP
						: warnings ? Q_WARNINGS_DOWN : Q_EVENTS_DOWN;

	if (!reader_query(reader, query, stmt, err))
		return false;
	sqlite3_bind_int64(*stmt, 1, from);
	sqlite3_bind_int64(*stmt, 2, reader->n);
	sqlite3_bind_int64(*stmt, 3, filter->least);
	sqlite3_bind_int64(*stmt, 4, search->by_pipeline);
	sql_bind_int(*stmt, 5, search->upd);
	sql_bind_int(*stmt, 6, search->type);
	sqlite3_bind_int64(*stmt, 7, filter->contains.bytes != NULL);
	sqlite3_bind_int64(*stmt, 8, edge);
	sqlite3_bind_int64(*stmt, 9, reader->nwords > 0);
	return true;
}

/* What the statement could not decide: names of unknown types, digits in messages. */
static bool fits(const struct reader *reader, const struct search *search,
	const struct stored_event *event, const struct event_row *row)
{
	const struct event_filter *filter = search->filter;

	if (search->type == EVENT_OTHER && filter->type.bytes && !text_eq(row->type, filter->type))
		return false;
	if (filter->contains.bytes && !messages_sure(&reader->messages, event->message) &&
		!(row->message.bytes && text_contains_fold(row->message, filter->contains)))
		return false;
	return !filter->fits || filter->fits(filter->context, row);
}

/* Adds what lies between from and edge, until one more than limit was seen. */
static bool collect(struct names *names, const struct search *search, int64_t from, int64_t edge,
	size_t limit, struct event_rows *out, struct err *err)
{
	struct arena scratch = { 0 };
	struct stored_event event;
	sqlite3_stmt *stmt;
	bool row, ok = true;

	if (!prepare(names->reader, search, from, edge, &stmt, err))
		return false;
	while ((ok = sql_step(stmt, &row, err)) && row) {
		struct event_row *next = &out->rows[out->n]; /* there is room for one more than limit */

		arena_reset(&scratch);
		if (!(ok = event_of_row(stmt, &scratch, &event, err) &&
				fill_row(names, &event, &scratch, next, err)))
			break;
		if (!fits(names->reader, search, &event, next))
			continue;
		if (out->n == limit) {
			out->more = true;
			break;
		}
		next->message = arena_text(names->arena, next->message);
		out->n++;
	}
	arena_free(&scratch);
	sqlite3_reset(stmt);
	return ok;
}

/* The next hour, from `hour` on, in which a wanted pipeline has events; -1: none. */
static bool next_hour(struct reader *reader, bool up, int64_t hour, int64_t *out, struct err *err)
{
	sqlite3_stmt *stmt;
	bool row;

	*out = -1;
	for (size_t i = 0; i < reader->npipelines; i++) {
		int64_t found;

		if (!reader_query(reader, up ? Q_ZONE_UP : Q_ZONE_DOWN, &stmt, err))
			return false;
		sqlite3_bind_int64(stmt, 1, reader->pipelines[i]);
		sqlite3_bind_int64(stmt, 2, hour);
		if (!sql_step(stmt, &row, err))
			return false;
		if (!row)
			continue;
		found = sqlite3_column_int64(stmt, 0);
		sqlite3_reset(stmt);
		if (*out < 0 || (up ? found < *out : found > *out))
			*out = found;
	}
	return true;
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Of pipelines: hour by hour, those only in which they have events. */
static bool collect_hours(struct names *names, const struct search *search, int64_t from,
	size_t limit, struct event_rows *out, struct err *err)
{
	bool up = search->filter->oldest_first;
	int64_t hour = event_k_ms(from < 0 ? 0 : from) / HOUR_MS;

	while (!out->more) {
		int64_t first_k, next_k;

		if (!next_hour(names->reader, up, hour, &hour, err))
			return false;
		if (hour < 0)
			return true;
		first_k = event_k_from(hour * HOUR_MS);
		next_k = event_k_from((hour + 1) * HOUR_MS);
		if (up ? first_k > search->edge : next_k <= search->edge)
			return true;
		if (!collect(names, search, up ? larger(from, first_k - 1) : smaller(from, next_k),
			    up ? smaller(search->edge, next_k - 1) : larger(search->edge, first_k),
			    limit, out, err))
			return false;
		hour += up ? 1 : -1;
	}
	return true;
}

static bool collect_all(struct names *names, const struct search *search, size_t limit,
	struct event_rows *out, struct err *err)
{
	int64_t from = search->filter->from_k;

	if (search->filter->oldest_first)
		from = from == 0 ? -1 : from;
	else /* what is above came after the snapshot */
		from = from == 0 ? names->reader->k_end : smaller(from, names->reader->k_end);
	if (search->by_pipeline)
		return collect_hours(names, search, from, limit, out, err);
	return collect(names, search, from, search->edge, limit, out, err);
}

bool events_list(struct reader *reader, struct arena *arena, const struct event_filter *filter,
	struct event_rows *out, struct err *err)
{
	struct names names = names_of(reader, arena);
	struct search search = { .filter = filter };
	struct event_rows rows = { 0 };
	size_t limit = filter->limit < 1 ? 1 : filter->limit > EVENTS_MAX ? EVENTS_MAX : filter->limit;
	struct err stopped = ERR_INIT;
	bool ok = resolve(&names, &search, err) && resolve_words(&names, &search, err);

	if (ok && !search.empty) {
		rows.rows = ARENA_ARRAY(arena, struct event_row, limit + 1);
		if (!collect_all(&names, &search, limit, &rows, &stopped)) {
			/* out of time with something in hand: the next page goes on from there */
			rows.more = true;
			ok = stopped.kind == ERR_LIMIT && rows.n > 0;
			if (!ok)
				*err = stopped;
		}
	}
	reader->pipelines = NULL;
	reader->npipelines = reader->nwords = 0;
	if (ok)
		*out = rows;
	return ok;
}
