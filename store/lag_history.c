/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/lag_read.h"

static void widen(struct lag_times *times, struct arena *arena)
{
	size_t room = times->room ? times->room * 2 : 24;
	int64_t *at = ARENA_ARRAY(arena, int64_t, room);

	if (times->n > 0)
		memcpy(at, times->at, times->n * sizeof *at);
	times->at = at;
	times->values = ARENA_ARRAY(arena, int64_t *, room); /* nothing is sampled yet */
	times->room = room;
}

void lag_times_add(struct lag_times *times, struct arena *arena, int64_t at)
{
	size_t to = times->n;

	while (to > 0 && times->at[to - 1] < at)
		to--;
	if ((to > 0 && times->at[to - 1] == at) || times->n == TIMES_MAX)
		return;
	if (times->n == times->room)
		widen(times, arena);
	memmove(&times->at[to + 1], &times->at[to], (times->n - to) * sizeof times->at[0]);
	times->at[to] = at;
	times->n++;
}

const int64_t *lag_times_at(const struct lag_times *times, int64_t at)
{
	size_t low = 0, high = times->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (times->at[mid] > at)
			low = mid + 1;
		else
			high = mid;
	}
	return low < times->n && times->at[low] == at ? times->values[low] : NULL;
}

int64_t lag_times_value(const struct lag_times *times, int64_t at, size_t partition)
{
	return lag_values_get(lag_times_at(times, at), partition);
}

static int64_t *copy_field(struct arena *arena, const struct lag_state *state)
{
	int64_t *copy = arena_raw(arena, (state->n + 1) * sizeof *copy);

	copy[0] = (int64_t)state->n;
	if (state->n > 0)
		memcpy(copy + 1, state->cells[0], state->n * sizeof *copy);
	return copy;
}

/* The state held from at_ms on: so it did at every wanted moment from then to the one done last. */
static void sample(struct lag_times *times, size_t *next, int64_t at_ms, struct arena *arena,
	const struct lag_state *state)
{
	int64_t *copy = NULL;

	for (; *next < times->n && times->at[*next] >= at_ms; (*next)++) {
		if (!copy)
			copy = copy_field(arena, state);
		times->values[*next] = copy;
	}
}

/* Whether its commits carry times: then they count, else each look does. */
static bool has_commit_times(const struct lag_state *state)
{
	for (size_t i = 0; i < state->n; i++) {
		if (state->cells[PLACE_COMMITTED][i] >= 0)
			return true;
	}
	return false;
}

static int64_t commit_time(const struct lag_state *state, int64_t at_ms)
{
	int64_t newest = LAG_NONE;

	for (size_t i = 0; i < state->n; i++) {
		if (state->cells[PLACE_COMMITTED][i] > newest)
			newest = state->cells[PLACE_COMMITTED][i];
	}
	return newest >= 0 ? newest : at_ms;
}

static void add_commit(struct lag_place *place, const struct lag_state *state, int64_t at_ms,
	struct arena *arena)
{
	int64_t at = commit_time(state, at_ms);

	if (place->ncommits == LAG_RING ||
		(place->ncommits > 0 && at >= place->commit_at[place->ncommits - 1]))
		return; /* another row of the same commit */
	place->commit_at[place->ncommits] = at;
	place->commits[place->ncommits++] = copy_field(arena, state);
}

/* Five minutes, or the last two commits where these are further apart, but no more than an hour. */
static int64_t rate_from(const struct lag_place *place, int64_t now_ms)
{
	int64_t from = now_ms - RATE_MS;

	if (place->ncommits > 1) {
		int64_t at = place->commit_at[place->ncommits > 2 ? 2 : 1];

		from = at < from ? at : from;
	}
	return from < now_ms - RATE_MAX_MS ? now_ms - RATE_MAX_MS : from;
}

bool lag_place_history(struct lag_data *data, struct lag_place *place, int64_t now_ms,
	struct err *err)
{
	struct lag_walk *walk = &data->walk;
	sqlite3_stmt *stmt;
	bool there, commits, ok;
	size_t next = 0;

	place->now_ms = now_ms;
	for (int64_t i = 0; i < LAG_RING; i++)
		lag_times_add(&place->times, &data->scratch, now_ms - i * RING_STEP_MS);
	lag_times_add(&place->times, &data->scratch, now_ms - RATE_MS);
	if (!reader_query(data->reader, Q_LAG_WALK, &stmt, err) ||
		!lag_walk_begin(walk, stmt, place->series, data->reader->n, &there, err))
		return false;
	lag_state_copy(&place->state, &walk->state);
	place->at = walk->at;
	commits = has_commit_times(&walk->state);
	for (;;) {
		struct lag_walk_row row;
		struct lag_row_head head;

		ok = lag_walk_peek(walk, &row, &there, err);
		if (!ok || !there)
			break;
		sample(&place->times, &next, row.at, &data->scratch, &walk->state);
		if (commits)
			add_commit(place, &walk->state, row.at, &data->scratch);
		if (next == place->times.n &&
			(!commits || place->ncommits == LAG_RING || row.at < now_ms - RATE_MAX_MS * 3))
			break;
		if (!(ok = lag_walk_undo(walk, &head, err)))
			break;
	}
	lag_walk_end(walk);
	place->rate_from_ms = rate_from(place, now_ms);
	return ok;
}

/* ---- a topic and those who read it ---- */

struct open_cross {
	struct lag_cross *cross;
	size_t partition;
	int64_t right;
};

struct topic_walk {
	struct open_cross *open;
	size_t nopen;
	int64_t *low, *low_changes; /* by partition */
	size_t n;
};

static void open_crosses(struct lag_data *data, struct lag_topic *topic, struct topic_walk *walk)
{
	size_t room = 0;

	for (size_t p = 0; p < topic->nplaces; p++)
		room += topic->state.n;
	walk->open = ARENA_ARRAY(&data->scratch, struct open_cross, room + 1);
	for (size_t p = 0; p < topic->nplaces; p++) {
		struct lag_place *place = topic->places[p];

		place->crosses = ARENA_ARRAY(&data->scratch, struct lag_cross, topic->state.n + 1);
		for (size_t i = 0; i < topic->state.n; i++) {
			int64_t processed = lag_state_get(&place->state, i, PLACE_PROCESSED);

			place->crosses[i].offset = processed;
			if (processed >= 0 && processed < topic->state.cells[MARK_HIGH][i])
				walk->open[walk->nopen++] =
					(struct open_cross){ &place->crosses[i], i, 0 };
		}
	}
}

static void want_times(struct lag_topic *topic, struct arena *arena)
{
	struct lag_times *times = &topic->times;
	const struct lag_state *state = &topic->state;

	for (int64_t i = 0; i < LAG_RING; i++)
		lag_times_add(times, arena, topic->seen_at - i * RING_STEP_MS);
	lag_times_add(times, arena, topic->seen_at - RATE_MS);
	for (size_t p = 0; p < topic->nplaces; p++) {
		const struct lag_place *place = topic->places[p];

		lag_times_add(times, arena, place->rate_from_ms);
		for (size_t c = 0; c < place->ncommits; c++)
			lag_times_add(times, arena, place->commit_at[c]);
	}
	/* where not age alone deletes, how the first offset moves is looked at for an hour */
	if (state->heads[MARK_RETENTION_BYTES] > 0 || state->heads[MARK_RETENTION_MS] == LAG_NONE)
		lag_times_add(times, arena, topic->seen_at - RATE_MAX_MS);
}

/* What an undone row says of the offsets still looked for, and of the first one. */
static void look_back(struct topic_walk *walk, const struct lag_state *left, int64_t left_ms,
	int64_t right_ms)
{
	size_t kept = 0;

	for (size_t i = 0; i < walk->nopen; i++) {
		struct open_cross *open = &walk->open[i];
		int64_t end = lag_state_get(left, open->partition, MARK_HIGH);

		if (end < 0)
			lag_cross_end(open->cross, right_ms);
		else if (end != open->right)
			lag_cross_step(open->cross, left_ms, end, right_ms, open->right);
		if (!open->cross->done)
			walk->open[kept++] = *open;
	}
	walk->nopen = kept;
	for (size_t i = 0; i < walk->n; i++) {
		int64_t low = lag_state_get(left, i, MARK_LOW);

		if (low >= 0 && low < walk->low[i]) {
			walk->low[i] = low;
			walk->low_changes[i]++;
		}
	}
}

static bool walk_topic(struct lag_data *data, struct lag_topic *topic, struct topic_walk *found,
	int64_t *oldest_out, struct err *err)
{
	struct lag_walk *walk = &data->walk;
	sqlite3_stmt *stmt;
	size_t next = 0;
	bool there, ok;

	if (!reader_query(data->reader, Q_LAG_WALK, &stmt, err) ||
		!lag_walk_begin(walk, stmt, topic->series, data->reader->n, &there, err))
		return false;
	*oldest_out = walk->at;
	for (;;) {
		struct lag_walk_row row;
		struct lag_row_head head;

		ok = lag_walk_peek(walk, &row, &there, err);
		if (!ok || !there)
			break;
		*oldest_out = row.at;
		sample(&topic->times, &next, row.at, &data->scratch, &walk->state);
		if (next == topic->times.n && found->nopen == 0)
			break;
		for (size_t i = 0; i < found->nopen; i++)
			found->open[i].right =
				lag_state_get(&walk->state, found->open[i].partition, MARK_HIGH);
		if (!(ok = lag_walk_undo(walk, &head, err)))
			break;
		look_back(found, &walk->state, row.at - head.gap_ms, row.at);
	}
	lag_walk_end(walk);
	return ok;
}

bool lag_history(struct lag_data *data, struct lag_topic *topic, struct err *err)
{
	struct topic_walk found = { .n = topic->state.n };
	int64_t oldest;

	for (size_t p = 0; p < topic->nplaces; p++) {
		if (!lag_place_history(data, topic->places[p], topic->seen_at, err))
			return false;
	}
	want_times(topic, &data->scratch);
	open_crosses(data, topic, &found);
	found.low = ARENA_ARRAY(&data->scratch, int64_t, found.n + 1);
	found.low_changes = ARENA_ARRAY(&data->scratch, int64_t, found.n + 1);
	for (size_t i = 0; i < found.n; i++)
		found.low[i] = topic->state.cells[MARK_LOW][i];
	if (!walk_topic(data, topic, &found, &oldest, err))
		return false;
	for (size_t i = 0; i < found.nopen; i++)
		lag_cross_end(found.open[i].cross, oldest);
	topic->low_rates = ARENA_ARRAY(&data->scratch, double, found.n + 1);
	for (size_t i = 0; i < found.n; i++) {
		/* one step says nothing of a pace */
		topic->low_rates[i] = found.low_changes[i] < 2 ? NAN :
			lag_rate(oldest, found.low[i], topic->seen_at, topic->state.cells[MARK_LOW][i]);
	}
	return true;
}

/* ---- trends: sums that stand in the rows, without undoing any ---- */

static bool sum_at(struct reader *reader, int64_t series, int64_t at_ms, struct lag_row_head *head,
	bool *there, struct err *err)
{
	sqlite3_stmt *stmt;

	if (!reader_query(reader, Q_LAG_AT, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, series);
	sqlite3_bind_int64(stmt, 2, reader->n);
	sqlite3_bind_int64(stmt, 3, at_ms);
	if (!sql_step(stmt, there, err))
		return false;
	if (*there && !lag_unpack_head(sql_text(stmt, 0), head))
		return err_set(err, ERR_STORE, 0, "the store is damaged: a row of lag cannot be read");
	sqlite3_reset(stmt);
	return true;
}

/* Of a topic once for all its readers, as far back as it was seen. */
static bool topic_sums(struct lag_data *data, struct lag_topic *topic, struct err *err)
{
	bool there = true;

	topic->sums = ARENA_ARRAY(&data->scratch, struct lag_row_head, LAG_TREND_MAX);
	while (there && topic->nsums < LAG_TREND_MAX) {
		if (!sum_at(data->reader, topic->series, topic->seen_at - topic->nsums * TREND_STEP_MS,
			    &topic->sums[topic->nsums], &there, err))
			return false;
		topic->nsums += there;
	}
	return true;
}

/* The same from whole states, for readers that have no place in some partition. */
static bool trend_by_states(struct lag_data *data, const struct lag_place *place, int64_t now_ms,
	double trend[LAG_TREND_MAX], struct err *err)
{
	struct lag_times *times[2] = { ARENA_NEW(&data->scratch, struct lag_times),
		ARENA_NEW(&data->scratch, struct lag_times) };
	const struct lag_topic *topic = &data->topics[place->topic_at];
	const int64_t series[2] = { topic->series, place->series };
	bool there, ok = true;

	for (size_t s = 0; s < 2; s++) {
		sqlite3_stmt *stmt;
		size_t next = 0;

		for (int64_t i = 0; i < LAG_TREND_MAX; i++)
			lag_times_add(times[s], &data->scratch, now_ms - i * TREND_STEP_MS);
		if (!reader_query(data->reader, Q_LAG_WALK, &stmt, err) ||
			!lag_walk_begin(&data->walk, stmt, series[s], data->reader->n, &there, err))
			return false;
		while (ok && there && next < times[s]->n) {
			struct lag_walk_row row;
			struct lag_row_head head;

			ok = lag_walk_peek(&data->walk, &row, &there, err);
			if (ok && there) {
				sample(times[s], &next, row.at, &data->scratch, &data->walk.state);
				ok = lag_walk_undo(&data->walk, &head, err);
			}
		}
		lag_walk_end(&data->walk);
	}
	for (int64_t i = 0; ok && i < LAG_TREND_MAX; i++) {
		int64_t at = now_ms - i * TREND_STEP_MS;
		double sum = NAN;

		for (size_t p = 0; p < topic->state.n; p++) {
			int64_t high = lag_times_value(times[0], at, p);
			int64_t processed = lag_times_value(times[1], at, p);

			if (high >= 0 && processed >= 0)
				sum = (isnan(sum) ? 0 : sum) +
					(high > processed ? (double)(high - processed) : 0);
		}
		trend[LAG_TREND_MAX - 1 - i] = sum;
	}
	return ok;
}

bool lag_trend(struct lag_data *data, const struct lag_place *place, double trend[LAG_TREND_MAX],
	struct err *err)
{
	struct lag_topic *topic;

	for (size_t i = 0; i < LAG_TREND_MAX; i++)
		trend[i] = NAN;
	if (place->topic_at == SIZE_MAX || place->state.heads[PLACE_OF_DELTA] == 1)
		return true;
	topic = &data->topics[place->topic_at];
	if (!topic->sums && !topic_sums(data, topic, err))
		return false;
	for (int64_t i = 0; i < topic->nsums; i++) {
		const struct lag_row_head *marks = &topic->sums[i];
		struct lag_row_head places;
		bool there;

		if (!sum_at(data->reader, place->series, topic->seen_at - i * TREND_STEP_MS, &places, &there,
			    err))
			return false;
		if (!there)
			break;
		if (marks->known != places.known)
			return trend_by_states(data, place, topic->seen_at, trend, err);
		trend[LAG_TREND_MAX - 1 - i] =
			(double)(int64_t)((uint64_t)marks->sum - (uint64_t)places.sum);
		if (trend[LAG_TREND_MAX - 1 - i] < 0)
			trend[LAG_TREND_MAX - 1 - i] = 0;
	}
	return true;
}
