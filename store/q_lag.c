/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/lag_read.h"

enum { LAG_ROWS_MAX = 1000, LAG_TRENDS_MAX = 250, LOSS_SOON_SECONDS = 24 * 3600 };

bool lag_name_fits(struct text name, struct text wanted)
{
	char before;

	if (!wanted.bytes || text_eq(name, wanted))
		return true;
	if (!text_ends(name, wanted) || wanted.len == 0)
		return false;
	before = name.bytes[name.len - wanted.len - 1];
	return before == '.' || before == '/';
}

/* ---- what there is ---- */

static const struct lag_sweeps *sweeps_of(struct lag_data *data, int64_t source, struct err *err)
{
	struct lag_sweeps *sweeps;
	sqlite3_stmt *stmt;

	for (size_t i = 0; i < data->nsweeps; i++) {
		if (data->sweeps[i]->source == source)
			return data->sweeps[i];
	}
	sweeps = ARENA_NEW(&data->scratch, struct lag_sweeps);
	if (!reader_query(data->reader, Q_SWEEPS_LAST, &stmt, err) ||
		!lag_sweeps_load(stmt, source, data->reader->n, &data->scratch, sweeps, err))
		return NULL;
	data->sweeps[data->nsweeps++] = sweeps;
	return sweeps;
}

struct series_row { int64_t id, kind, cluster, topic, reader, source; };

static bool load_series(struct lag_data *data, struct series_row **rows_out, size_t *n_out,
	struct err *err)
{
	struct series_row *rows = NULL;
	size_t n = 0, room = 0;
	sqlite3_stmt *stmt;
	bool there, ok;

	if (!reader_query(data->reader, Q_SERIES, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, data->reader->n);
	while ((ok = sql_step(stmt, &there, err)) && there) {
		if (n == room) {
			struct series_row *old = rows;

			room = room ? room * 2 : 256;
			rows = ARENA_ARRAY(&data->scratch, struct series_row, room);
			if (old)
				memcpy(rows, old, n * sizeof *rows);
		}
		for (int i = 0; i < 6; i++)
			((int64_t *)&rows[n])[i] = sqlite3_column_int64(stmt, i);
		if (rows[n].kind < SERIES_MARKS || rows[n].kind > SERIES_READER + READER_SINK) {
			ok = err_set(err, ERR_STORE, 0, "the store is damaged: a series of kind %lld",
				(long long)rows[n].kind);
			break;
		}
		n++;
	}
	sqlite3_reset(stmt);
	*rows_out = rows;
	*n_out = n;
	return ok;
}

static bool wanted(struct lag_data *data, int64_t dim, struct text what, bool *out, struct err *err)
{
	struct text name;

	*out = true;
	if (!what.bytes)
		return true;
	if (!names_text(&data->names, dim, &name, err))
		return false;
	*out = lag_name_fits(name, what);
	return true;
}

/* A reader that names no cluster reads the only topic of that name. */
static size_t topic_of(const struct lag_data *data, int64_t cluster, int64_t topic)
{
	size_t found = SIZE_MAX;

	for (size_t i = 0; i < data->ntopics; i++) {
		const struct lag_topic *at = &data->topics[i];

		if (at->topic != topic || (cluster && at->cluster != cluster))
			continue;
		if (found != SIZE_MAX)
			return SIZE_MAX;
		found = i;
	}
	return found;
}

static int by_topic(const void *a, const void *b)
{
	const struct series_row *left = a, *right = b;

	if (left->topic != right->topic)
		return left->topic < right->topic ? -1 : 1;
	return (left->id > right->id) - (left->id < right->id);
}

/* Topics sorted by dim: of those equal to it, by a search. */
static size_t topic_find(const struct lag_data *data, int64_t cluster, int64_t topic)
{
	struct lag_data part = *data;
	size_t low = 0, high = data->ntopics, end;
	size_t found;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (data->topics[mid].topic < topic)
			low = mid + 1;
		else
			high = mid;
	}
	for (end = low; end < data->ntopics && data->topics[end].topic == topic;)
		end++;
	part.topics = data->topics + low;
	part.ntopics = end - low;
	found = topic_of(&part, cluster, topic);
	return found == SIZE_MAX ? SIZE_MAX : found + low;
}

static bool add_series(struct lag_data *data, struct series_row *rows, size_t n,
	struct text wanted_reader, struct text wanted_topic, struct err *err)
{
	size_t topics = 0;
	bool fits = true, named = true;

	if (n > 0)
		qsort(rows, n, sizeof *rows, by_topic);
	for (size_t i = 0; i < n; i++)
		topics += rows[i].kind == SERIES_MARKS;
	data->topics = ARENA_ARRAY(&data->scratch, struct lag_topic, topics + 1);
	data->places = ARENA_ARRAY(&data->scratch, struct lag_place, n + 1);
	data->sweeps = ARENA_ARRAY(&data->scratch, struct lag_sweeps *, n + 1);
	for (size_t i = 0; i < n; i++) {
		struct series_row *row = &rows[i];

		if (row->kind == SERIES_MARKS) {
			struct lag_topic *topic = &data->topics[data->ntopics++];

			*topic = (struct lag_topic){ .series = row->id, .cluster = row->cluster,
				.topic = row->topic, .source = row->source };
			lag_state_init(&topic->state);
		}
	}
	for (size_t i = 0; i < n; i++) {
		struct series_row *row = &rows[i];
		struct lag_place *place = &data->places[data->nplaces];

		if (row->kind < SERIES_READER)
			continue;
		if (!wanted(data, row->topic, wanted_topic, &fits, err) ||
			(fits && !wanted(data, row->reader, wanted_reader, &named, err)))
			return false;
		/* whoever tells a query's id may be another's second witness */
		if (!fits || (!named && (row->kind == SERIES_READER + READER_GROUP ||
			row->kind == SERIES_READER + READER_SINK)))
			continue;
		*place = (struct lag_place){ .series = row->id, .kind = row->kind - SERIES_READER,
			.cluster = row->cluster, .topic = row->topic, .reader = row->reader,
			.source = row->source, .named = named };
		lag_state_init(&place->state);
		place->topic_at = topic_find(data, row->cluster, row->topic);
		data->nplaces++;
	}
	return true;
}

/* The newest state of a series, for what must be known before its history is walked. */
static bool newest(struct lag_data *data, int64_t series, struct lag_state *state, int64_t *at,
	struct err *err)
{
	sqlite3_stmt *stmt;
	bool there;

	if (!reader_query(data->reader, Q_LAG_WALK, &stmt, err) ||
		!lag_walk_begin(&data->walk, stmt, series, data->reader->n, &there, err))
		return false;
	lag_state_copy(state, &data->walk.state);
	*at = data->walk.at;
	lag_walk_end(&data->walk);
	return true;
}

/* A look that failed says nothing of what it could not see. */
static bool load_topic(struct lag_data *data, struct lag_topic *topic, struct err *err)
{
	const struct lag_sweeps *sweeps;
	int64_t seen_at;

	if (!newest(data, topic->series, &topic->state, &topic->at, err) ||
		!(sweeps = sweeps_of(data, topic->source, err)))
		return false;
	seen_at = lag_sweeps_seen(sweeps, topic->series);
	topic->seen_at = seen_at > topic->at ? seen_at : topic->at;
	for (size_t i = 0; i < topic->state.n; i++)
		topic->has_unread = topic->has_unread || topic->state.cells[MARK_UNREAD][i] == 1;
	topic->stale = topic->has_unread || lag_sweeps_newest(sweeps) > topic->seen_at ||
		data->reader->seen_at > topic->seen_at + LAG_STALE_MS;
	topic->places = ARENA_ARRAY(&data->scratch, struct lag_place *, topic->nplaces + 1);
	topic->nplaces = 0;
	return true;
}

static bool load_place(struct lag_data *data, struct lag_place *place, struct err *err)
{
	const struct lag_sweeps *sweeps = sweeps_of(data, place->source, err);
	int64_t seen_at;

	if (!sweeps)
		return false;
	place->seen_at = place->at;
	seen_at = lag_sweeps_seen(sweeps, place->series);
	/* event logs tell of the past; their sweep is no look at the reader */
	if (place->kind != READER_EVENTLOG && seen_at > place->at)
		place->seen_at = seen_at;
	return true;
}

bool lag_data_begin(struct lag_data *data, struct reader *reader, struct arena *arena,
	struct text wanted_reader, struct text wanted_topic, struct err *err)
{
	struct series_row *rows;
	size_t n;

	*data = (struct lag_data){ .reader = reader, .names = names_of(reader, arena) };
	lag_walk_init(&data->walk);
	if (!load_series(data, &rows, &n, err) ||
		!add_series(data, rows, n, wanted_reader, wanted_topic, err))
		return false;
	for (size_t i = 0; i < data->nplaces; i++) {
		if (data->places[i].topic_at != SIZE_MAX)
			data->topics[data->places[i].topic_at].nplaces++;
	}
	for (size_t i = 0; i < data->ntopics; i++) {
		if (data->topics[i].nplaces > 0 && !load_topic(data, &data->topics[i], err))
			return false;
	}
	for (size_t i = 0; i < data->nplaces; i++) {
		struct lag_place *place = &data->places[i];
		struct lag_topic *topic =
			place->topic_at == SIZE_MAX ? NULL : &data->topics[place->topic_at];

		if (topic)
			topic->places[topic->nplaces++] = place;
		else if (!newest(data, place->series, &place->state, &place->at, err) ||
			!load_place(data, place, err) ||
			!lag_place_history(data, place, place->seen_at, err))
			return false;
	}
	for (size_t i = 0; i < data->ntopics; i++) {
		if (data->topics[i].nplaces > 0 && !lag_history(data, &data->topics[i], err))
			return false;
	}
	for (size_t i = 0; i < data->nplaces; i++) {
		if (!load_place(data, &data->places[i], err))
			return false;
	}
	return true;
}

void lag_data_end(struct lag_data *data)
{
	for (size_t i = 0; i < data->ntopics; i++)
		lag_state_done(&data->topics[i].state);
	for (size_t i = 0; i < data->nplaces; i++)
		lag_state_done(&data->places[i].state);
	lag_walk_done(&data->walk);
	arena_free(&data->scratch);
}

/* ---- the list ---- */

/* What tells more of the same reader stands first: its own checkpoint, then what its log said. */
static void join_witnesses(struct lag_data *data)
{
	for (size_t i = 0; i < data->nplaces; i++) {
		struct lag_place *place = &data->places[i];
		int64_t query = place->state.heads[PLACE_QUERY];

		if (query <= 0 || place->state.heads[PLACE_GONE] == 1 || place->joined ||
			place->kind != READER_CHECKPOINT)
			continue;
		/* series of one topic stand together */
		for (size_t j = 0; j < data->nplaces; j++) {
			struct lag_place *other = &data->places[j];

			if (other == place || other->joined || other->topic != place->topic ||
				other->state.heads[PLACE_QUERY] != query ||
				other->topic_at != place->topic_at ||
				other->state.heads[PLACE_GONE] == 1)
				continue;
			other->joined = true;
			other->also = place->also;
			place->also = other;
		}
	}
}

/* The order of badness: what is lost, what will be within a day, what does not move, what falls behind. */
static int grade(const struct lag_row *row)
{
	if (row->lost_records > 0)
		return 6;
	if (row->loss_in_seconds != FACT_UNKNOWN && row->loss_in_seconds < LOSS_SOON_SECONDS &&
		row->verdict != LAG_OK)
		return 5;
	switch (row->verdict) {
	case LAG_STOP:
	case LAG_REWIND:
	case LAG_STALL:
		return 4;
	case LAG_WARN:
		if (!row->moment)
			return 3;
		break;
	case LAG_UNKNOWN:
		return row->stale || row->topic_gone ? 2 : 1;
	case LAG_OK:
	case LAG_VERDICT_COUNT:
		break;
	}
	if (row->never_drains)
		return 3;
	return row->stale ? 2 : 0;
}

static int descending(int64_t a, int64_t b)
{
	return (a < b) - (a > b);
}

int lag_row_worse(const void *a, const void *b)
{
	const struct lag_row *left = a, *right = b;
	uint64_t left_loss = (uint64_t)left->loss_in_seconds, right_loss = (uint64_t)right->loss_in_seconds;
	int order = grade(right) - grade(left);

	if (order == 0 && grade(left) > 0) /* unknown is the largest of unsigned ones */
		order = (left_loss > right_loss) - (left_loss < right_loss);
	if (order == 0)
		order = descending(left->lag_seconds, right->lag_seconds);
	if (order == 0)
		order = descending(left->lag_records, right->lag_records);
	if (order == 0)
		order = text_cmp(left->reader, right->reader);
	if (order == 0)
		order = text_cmp(left->topic, right->topic);
	return order ? order : text_cmp(left->cluster, right->cluster);
}

static bool join_connectors(struct lag_data *data, struct lag_rows *rows, struct err *err)
{
	struct connector_rows connectors;

	if (!connectors_list(data->reader, data->names.arena, &connectors, err))
		return false;
	for (size_t i = 0; i < rows->n; i++) {
		struct lag_row *row = &rows->rows[i];

		for (size_t c = 0; c < connectors.n; c++) {
			const struct fact_connector *fact = &connectors.rows[c].fact;

			if (!fact->sink || !fact->group.bytes || !text_eq(fact->group, row->reader))
				continue;
			row->connector = fact->connector;
			row->kind = READER_SINK;
			if (fact->worst != CONNECTOR_RUNNING && fact->worst != CONNECTOR_UNKNOWN)
				row->connector_problem = text_of(arena_printf(data->names.arena,
					"%s%s%.*s", connector_state_name(fact->worst),
					fact->trace.len ? ": " : "", TEXT_ARG(fact->trace)));
		}
	}
	return true;
}

static bool is_named(const struct lag_place *place)
{
	while (place && !place->named)
		place = place->also;
	return place;
}

/* Behind the n rows of places; what one of them says, too, only adds a witness to it. */
static bool add_backlogs(struct lag_data *data, const struct lag_backlogs *backlogs,
	struct text wanted_reader, struct lag_row *rows, size_t *n, struct err *err)
{
	size_t places = *n;

	for (size_t i = 0; i < backlogs->n; i++) {
		const struct lag_backlog *backlog = &backlogs->rows[i];
		bool joined;

		if (!lag_backlog_join(data, rows, places, backlog, &joined, err))
			return false;
		if (!joined && (lag_name_fits(backlog->reader, wanted_reader) ||
				       lag_name_fits(backlog->by_id, wanted_reader)))
			lag_backlog_row(backlog, &rows[(*n)++]);
	}
	return true;
}

static bool fill_rows(struct lag_data *data, const struct lag_backlogs *backlogs,
	struct text wanted_reader, struct lag_rows *out, struct err *err)
{
	struct lag_row *rows =
		ARENA_ARRAY(data->names.arena, struct lag_row, data->nplaces + backlogs->n + 1);
	size_t n = 0;

	join_witnesses(data);
	for (size_t i = 0; i < data->nplaces; i++) {
		struct lag_place *place = &data->places[i];

		if (place->joined || place->state.heads[PLACE_GONE] == 1 || !is_named(place))
			continue;
		if (!lag_row_of(data, place, &rows[n], err))
			return false;
		rows[n++].place = i;
	}
	if (!add_backlogs(data, backlogs, wanted_reader, rows, &n, err))
		return false;
	if (n > 0)
		qsort(rows, n, sizeof *rows, lag_row_worse);
	*out = (struct lag_rows){ rows, n > LAG_ROWS_MAX ? LAG_ROWS_MAX : n, n > LAG_ROWS_MAX };
	for (size_t i = 0; i < out->n && i < LAG_TRENDS_MAX; i++) {
		struct lag_row *row = &out->rows[i];

		if (row->place != SIZE_MAX &&
			!lag_trend(data, &data->places[row->place], row->trend, err))
			return false;
	}
	return join_connectors(data, out, err);
}

bool lag_list(struct reader *reader, struct arena *arena, struct text wanted_reader,
	struct text wanted_topic, struct lag_rows *out, struct err *err)
{
	struct lag_backlogs backlogs = { 0 };
	struct lag_data data;
	bool done = lag_data_begin(&data, reader, arena, wanted_reader, wanted_topic, err) &&
		/* a backlog does not tell of which topic it is */
		(wanted_topic.bytes || lag_backlogs_load(&data, &backlogs, err)) &&
		fill_rows(&data, &backlogs, wanted_reader, out, err);

	lag_data_end(&data);
	return done;
}
