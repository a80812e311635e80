/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/lag_read.h"

static int64_t worse_verdict(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t add_known(int64_t sum, int64_t value)
{
	if (value == FACT_UNKNOWN)
		return sum;
	if (sum == FACT_UNKNOWN)
		return value;
	return sum > INT64_MAX - value ? INT64_MAX : sum + value; /* neither is below 0 */
}

static double add_rate(double sum, double rate)
{
	if (isnan(rate))
		return sum;
	return isnan(sum) ? rate : sum + rate;
}

static int64_t lag_at(int64_t high, int64_t processed)
{
	if (high < 0 || processed < 0)
		return FACT_UNKNOWN;
	return high > processed ? high - processed : 0;
}

/* A group is alive while somebody is in it. */
static bool has_members(struct text state, int64_t members)
{
	if (text_is(state, "Empty") || text_is(state, "Dead"))
		return false;
	return members != 0;
}

static enum lag_verdict verdict_by_commits(const struct lag_place *place,
	const struct lag_topic *topic, const struct lag_partition_row *row)
{
	struct lag_commit commits[LAG_RING];
	int64_t ends[LAG_RING];
	size_t n = 0, nends = 0;
	size_t p = (size_t)row->partition;

	for (size_t i = place->ncommits; i-- > 0;) {
		const int64_t *values = place->commits[i];
		int64_t offset = (int64_t)p < values[0] ? values[p + 1] : LAG_NONE;
		int64_t high = lag_times_value(&topic->times, place->commit_at[i], p);

		if (offset >= 0)
			commits[n++] = (struct lag_commit){ offset, place->commit_at[i],
				lag_at(high, offset) };
	}
	for (int64_t i = 0; i < LAG_RING; i++) {
		int64_t end = lag_times_value(&topic->times, topic->seen_at - i * RING_STEP_MS, p);

		if (end >= 0)
			ends[nends++] = end;
	}
	if (row->lag_records == FACT_UNKNOWN || n == 0)
		return LAG_UNKNOWN;
	/* one commit is no rhythm; half the window of looks stands for it */
	if (n == 1 && row->lag_records > 0 && topic->seen_at - commits[0].at_ms < RATE_MS)
		return LAG_UNKNOWN;
	return lag_burrow(commits, n, ends, nends, row->lag_records, topic->seen_at, 0);
}

/* The looks of one reader and its topic, found once for all partitions; oldest first. */
struct ring {
	int64_t at[LAG_RING];
	const int64_t *places[LAG_RING], *ends[LAG_RING];
	bool alive;
};

static struct ring ring_of(const struct lag_place *place, const struct lag_topic *topic, bool alive)
{
	struct ring ring = { .alive = alive };

	for (int64_t i = 0; i < LAG_RING; i++) {
		ring.at[i] = topic->seen_at - (LAG_RING - 1 - i) * RING_STEP_MS;
		ring.places[i] = lag_times_at(&place->times, ring.at[i]);
		ring.ends[i] = lag_times_at(&topic->times, ring.at[i]);
	}
	return ring;
}

static enum lag_verdict verdict_by_looks(const struct ring *ring, const struct lag_partition_row *row)
{
	struct lag_commit looks[LAG_RING];
	size_t n = 0, p = (size_t)row->partition;

	if (row->lag_records == 0)
		return LAG_OK;
	for (size_t i = 0; i < LAG_RING; i++) {
		int64_t offset = lag_values_get(ring->places[i], p);

		if (offset >= 0)
			looks[n++] = (struct lag_commit){ offset, ring->at[i],
				lag_at(lag_values_get(ring->ends[i], p), offset) };
	}
	return lag_of_looks(looks, n, row->lag_records, ring->alive);
}

/* Where the rates begin: five minutes ago, or the oldest look there is. */
static double rate_of(const struct lag_times *times, int64_t from, int64_t to, size_t p, int64_t now)
{
	for (size_t i = times->n; i-- > 0;) {
		int64_t then = times->at[i] >= from ? lag_values_get(times->values[i], p) : LAG_NONE;

		if (then >= 0)
			return lag_rate(times->at[i], then, to, now);
	}
	return NAN;
}

static double commit_rate(const struct lag_place *place, int64_t now_ms, size_t p, int64_t now)
{
	for (size_t i = place->ncommits; i-- > 0;) {
		const int64_t *values = place->commits[i];

		if (place->commit_at[i] >= place->rate_from_ms - RATE_MS && (int64_t)p < values[0] &&
			values[p + 1] >= 0 && i > 0)
			return lag_rate(place->commit_at[i], values[p + 1], now_ms, now);
	}
	return NAN;
}

static void fill_lag(struct lag_partition_row *row, const struct lag_cross *cross,
	const struct lag_topic *topic)
{
	struct lag_retention retention = {
		.ms = lag_fact(topic->state.heads[MARK_RETENTION_MS]),
		.bytes = lag_fact(topic->state.heads[MARK_RETENTION_BYTES]),
		.compacted = topic->state.heads[MARK_COMPACTED] == 1,
		.low_rate = topic->low_rates[row->partition],
	};

	row->lag_records = row->processed == FACT_UNKNOWN || row->high == FACT_UNKNOWN ?
		FACT_UNKNOWN : lag_at(row->high, row->processed);
	if (row->lag_records == FACT_UNKNOWN)
		return;
	if (row->low != FACT_UNKNOWN) /* else nobody knows what is still there */
		row->lost_records = row->low > row->processed ? row->low - row->processed : 0;
	if (row->lag_records == 0) {
		row->lag_seconds = 0;
	} else if (cross->done) {
		row->lag_seconds = (topic->seen_at - cross->at_ms) / 1000;
		row->lag_seconds = row->lag_seconds < 0 ? 0 : row->lag_seconds;
		row->lag_seconds_is_lower_bound = cross->lower_bound;
	}
	row->loss_in_seconds = lag_loss_seconds(&retention, row->low, row->processed, row->high, cross,
		topic->seen_at, &row->loss_at_most);
	row->drain_seconds = lag_drain_seconds(row->lag_records, row->lag_seconds,
		row->lag_seconds_is_lower_bound, row->rate_in, row->rate_out, &row->never_drains);
}

static void fill_partition(const struct lag_place *place, const struct lag_topic *topic, size_t p,
	const struct ring *ring, struct lag_partition_row *row)
{
	int64_t high = lag_state_get(&topic->state, p, MARK_HIGH);
	int64_t processed = lag_state_get(&place->state, p, PLACE_PROCESSED);

	*row = (struct lag_partition_row){
		.partition = (int32_t)p,
		.processed = lag_fact(processed),
		.started = lag_fact(lag_state_get(&place->state, p, PLACE_STARTED)),
		.low = lag_fact(lag_state_get(&topic->state, p, MARK_LOW)),
		.high = lag_fact(high),
		.leader = (int32_t)lag_state_get(&topic->state, p, MARK_LEADER),
		.lag_records = FACT_UNKNOWN, .lag_seconds = FACT_UNKNOWN, .lost_records = FACT_UNKNOWN,
		.loss_in_seconds = FACT_UNKNOWN, .drain_seconds = FACT_UNKNOWN,
		.rate_in = rate_of(&topic->times, place->rate_from_ms, topic->seen_at, p, high),
		.seen_at_ms = topic->seen_at < place->seen_at ? topic->seen_at : place->seen_at,
	};
	if (row->leader < -1)
		row->leader = -1;
	row->rate_out = place->ncommits > 0 ? commit_rate(place, topic->seen_at, p, processed) :
		rate_of(&place->times, place->rate_from_ms, topic->seen_at, p, processed);
	fill_lag(row, &place->crosses[p], topic);
	row->verdict = place->ncommits > 0 ? verdict_by_commits(place, topic, row) :
		verdict_by_looks(ring, row);
	row->moment = lag_is_moment(row->lag_records, row->lag_seconds, row->lag_seconds_is_lower_bound,
		row->rate_in);
}

/* Largest of what is known; unknown drains make the whole unknown, one that never drains is known. */
static void sum_up(struct lag_row *row)
{
	int64_t largest = 0, known = 0, drain = 0;
	double in = NAN, out = NAN;
	bool warns = false;

	for (size_t i = 0; i < row->npartitions; i++) {
		const struct lag_partition_row *part = &row->partitions[i];

		row->no_commit += part->processed == FACT_UNKNOWN;
		if (part->lag_records == FACT_UNKNOWN)
			continue;
		known++;
		largest = part->lag_records > largest ? part->lag_records : largest;
		row->lag_records = add_known(row->lag_records, part->lag_records);
		row->lost_records = add_known(row->lost_records, part->lost_records);
		if (part->lag_seconds > row->lag_seconds)
			row->lag_seconds = part->lag_seconds;
		row->lag_seconds_is_lower_bound |= part->lag_seconds_is_lower_bound;
		if (part->loss_in_seconds != FACT_UNKNOWN &&
			(row->loss_in_seconds == FACT_UNKNOWN || part->loss_in_seconds < row->loss_in_seconds)) {
			row->loss_in_seconds = part->loss_in_seconds;
			row->loss_at_most = part->loss_at_most;
		}
		row->never_drains |= part->never_drains;
		if (part->drain_seconds == FACT_UNKNOWN)
			drain = FACT_UNKNOWN;
		else if (drain != FACT_UNKNOWN && part->drain_seconds > drain)
			drain = part->drain_seconds;
		in = add_rate(in, part->rate_in);
		out = add_rate(out, part->rate_out);
		row->verdict = (enum lag_verdict)worse_verdict(row->verdict, part->verdict);
		warns |= part->verdict == LAG_WARN && !part->moment;
	}
	row->moment = row->verdict == LAG_WARN && !warns;
	row->rate_in = in;
	row->rate_out = out;
	row->drain_seconds = known > 0 && !row->never_drains ? drain : FACT_UNKNOWN;
	row->skew = known > 0 && row->lag_records > 0 ?
		(double)largest * (double)known / (double)row->lag_records : NAN;
}

/* What the reader says of itself, where nobody else can tell. */
static void own_words(const struct lag_place *place, struct lag_row *row)
{
	for (; place; place = place->also) {
		const int64_t *heads = place->state.heads;

		if (row->behind_files == FACT_UNKNOWN)
			row->behind_files = lag_fact(heads[PLACE_FILES]);
		if (row->behind_bytes == FACT_UNKNOWN)
			row->behind_bytes = lag_fact(heads[PLACE_BYTES]);
		if (row->batch_started_ms == FACT_UNKNOWN)
			row->batch_started_ms = lag_fact(heads[PLACE_BATCH_STARTED]);
		if (row->lag_records == FACT_UNKNOWN)
			row->lag_records = lag_fact(heads[PLACE_RECORDS]);
		if (row->lag_seconds == FACT_UNKNOWN)
			row->lag_seconds = lag_fact(heads[PLACE_SECONDS]);
	}
}

static bool fill_names(struct lag_data *data, const struct lag_place *place, struct lag_row *row,
	struct err *err)
{
	struct arena *arena = data->names.arena;
	int64_t cluster = place->cluster;
	int64_t state = place->state.heads[PLACE_STATE];
	struct text witnesses = text_of(reader_kind_name((enum reader_kind)place->kind));

	if (!cluster && place->topic_at != SIZE_MAX)
		cluster = data->topics[place->topic_at].cluster;
	for (const struct lag_place *also = place->also; also; also = also->also)
		witnesses = text_of(arena_printf(arena, "%.*s, %s", TEXT_ARG(witnesses),
			reader_kind_name((enum reader_kind)also->kind)));
	row->witnesses = witnesses;
	row->kind = (enum reader_kind)place->kind;
	return names_text(&data->names, place->reader, &row->reader, err) &&
		names_text(&data->names, cluster, &row->cluster, err) &&
		names_text(&data->names, place->topic, &row->topic, err) &&
		(state <= 0 || names_text(&data->names, state, &row->group_state, err));
}

static bool fill_partitions(struct lag_data *data, struct lag_place *place, struct lag_row *row)
{
	const struct lag_topic *topic = &data->topics[place->topic_at];
	struct ring ring = ring_of(place, topic, has_members(row->group_state, row->members));
	size_t n = topic->state.n;

	row->stale = topic->stale;
	row->topic_gone = topic->state.heads[MARK_GONE] == 1;
	row->seen_at_ms = topic->seen_at < place->seen_at ? topic->seen_at : place->seen_at;
	if (row->topic_gone)
		return true;
	row->partitions = arena_raw(data->names.arena, (n + 1) * sizeof *row->partitions);
	for (size_t p = 0; p < n; p++) {
		if (lag_state_get(&topic->state, p, MARK_HIGH) < 0 &&
			lag_state_get(&topic->state, p, MARK_LEADER) == LAG_NONE)
			continue; /* nobody told of this number */
		fill_partition(place, topic, p, &ring, &row->partitions[row->npartitions++]);
	}
	return true;
}

void lag_row_init(struct lag_row *row)
{
	*row = (struct lag_row){
		.members = FACT_UNKNOWN, .lag_records = FACT_UNKNOWN, .lag_seconds = FACT_UNKNOWN,
		.rate_in = NAN, .rate_out = NAN, .drain_seconds = FACT_UNKNOWN,
		.loss_in_seconds = FACT_UNKNOWN, .lost_records = FACT_UNKNOWN,
		.batch_started_ms = FACT_UNKNOWN, .behind_versions = FACT_UNKNOWN,
		.behind_files = FACT_UNKNOWN, .behind_bytes = FACT_UNKNOWN, .seen_at_ms = FACT_UNKNOWN,
		.skew = NAN,
	};
	for (size_t i = 0; i < LAG_TREND_MAX; i++)
		row->trend[i] = NAN;
}

bool lag_row_of(struct lag_data *data, struct lag_place *place, struct lag_row *row, struct err *err)
{
	bool good;

	lag_row_init(row);
	row->members = lag_fact(place->state.heads[PLACE_MEMBERS]);
	row->seen_at_ms = place->seen_at;
	if (!fill_names(data, place, row, err))
		return false;
	if (place->state.heads[PLACE_OF_DELTA] == 1)
		good = lag_delta_row(data, place, row, err);
	else
		good = place->topic_at == SIZE_MAX || fill_partitions(data, place, row);
	if (!good)
		return false;
	if (place->state.heads[PLACE_OF_DELTA] != 1)
		sum_up(row);
	own_words(place, row);
	return true;
}

/* ---- readers of Delta tables: behind in versions, as the table's own log tells ---- */

static bool table_by(struct reader *reader, enum query query, struct text *place,
	struct arena *arena, int64_t *tbl, struct err *err)
{
	sqlite3_stmt *stmt;
	bool there;

	if (!reader_query(reader, query, &stmt, err))
		return false;
	sql_bind_text(stmt, 1, *place);
	sqlite3_bind_int64(stmt, 2, reader->n);
	if (!sql_step(stmt, &there, err))
		return false;
	*tbl = there ? sqlite3_column_int64(stmt, 0) : 0;
	if (there && query == Q_TABLE_BY_ID)
		*place = sql_text_copy(stmt, 1, arena);
	sqlite3_reset(stmt);
	return true;
}

/* By its path, or by its id, as Spark's offsets name it: the row then names the path. */
static bool table_of(struct lag_data *data, struct text *place, int64_t *tbl, struct err *err)
{
	struct arena *arena = data->names.arena;

	return table_by(data->reader, Q_TABLE_BY_PATH, place, arena, tbl, err) &&
		(*tbl != 0 || table_by(data->reader, Q_TABLE_BY_ID, place, arena, tbl, err));
}

struct version {
	int64_t number, at_ms; /* NOTHING_NEW: it holds nothing for a reader, as after OPTIMIZE */
};
struct versions { /* those known from `first` on, in order; the log of others may be gone */
	int64_t first;
	struct version *list;
	size_t n;
};
#define NOTHING_NEW INT64_MAX

/* Versions from one on: their times, and what those from `processed` on hold, summed. */
static bool versions_from(struct lag_data *data, int64_t tbl, struct versions *versions,
	int64_t processed, int64_t sums[3], struct err *err)
{
	int64_t expected = processed;
	sqlite3_stmt *stmt;
	size_t room = 0;
	bool there, ok, changes;

	if (!reader_query(data->reader, Q_VERSIONS_AFTER, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, tbl);
	sqlite3_bind_int64(stmt, 2, versions->first);
	sqlite3_bind_int64(stmt, 3, data->reader->n);
	while ((ok = sql_step(stmt, &there, err)) && there) {
		int64_t number = sqlite3_column_int64(stmt, 5);

		if (versions->n == room) {
			struct version *old = versions->list;

			room = room ? room * 2 : 64;
			versions->list = ARENA_ARRAY(&data->scratch, struct version, room);
			if (old)
				memcpy(versions->list, old, versions->n * sizeof *old);
		}
		changes = sql_int(stmt, 4) != 0; /* not told: it may */
		versions->list[versions->n++] =
			(struct version){ number, changes ? sql_int(stmt, 0) : NOTHING_NEW };
		for (int i = 0; i < 3 && number >= processed; i++) {
			int64_t value = changes ? sql_int(stmt, i + 1) : 0;

			/* one version that does not tell, or is not known, makes the sum unknown */
			sums[i] = value == FACT_UNKNOWN || sums[i] == FACT_UNKNOWN || number != expected ?
				FACT_UNKNOWN : sums[i] + value;
		}
		if (number >= processed)
			expected = number + 1;
	}
	sqlite3_reset(stmt);
	return ok;
}

/*
 * How many versions there were at a moment that a reader at `offset` had not read. One whose log is
 * gone counts with the known one behind it: what it held nobody can tell.
 */
static int64_t versions_behind(const struct versions *versions, int64_t offset, int64_t at_ms)
{
	int64_t behind = 0, gone = 0, expected = offset;

	for (size_t i = 0; i < versions->n; i++) {
		const struct version *version = &versions->list[i];

		if (version->number < offset)
			continue;
		gone += version->number - expected;
		expected = version->number + 1;
		if (version->at_ms > at_ms)
			continue;
		behind += 1 + gone;
		gone = 0;
	}
	return behind;
}

/* When the first one was written that a reader at `offset` has to read, or is known to. */
static void written_at(const struct versions *versions, int64_t offset, struct lag_row *row)
{
	size_t next = 0;
	int64_t known = 0;

	while (next < versions->n && (versions->list[next].number < offset ||
		versions->list[next].at_ms == NOTHING_NEW))
		known += versions->list[next++].number >= offset;
	if (next == versions->n || versions->list[next].at_ms == FACT_UNKNOWN)
		return;
	row->lag_seconds = row->seen_at_ms > versions->list[next].at_ms ?
		(row->seen_at_ms - versions->list[next].at_ms) / 1000 : 0;
	row->lag_seconds_is_lower_bound |= versions->list[next].number - offset > known;
}

/* Commits where they have times, else looks, with the lag that each saw. */
static size_t places_of(const struct lag_place *place, struct lag_commit commits[LAG_RING])
{
	size_t n = 0;

	for (size_t i = place->ncommits; i-- > 0;) {
		if (place->commits[i][0] > 0)
			commits[n++] = (struct lag_commit){ place->commits[i][1], place->commit_at[i],
				FACT_UNKNOWN };
	}
	for (int64_t i = LAG_RING; place->ncommits == 0 && i-- > 0;) {
		int64_t at = place->now_ms - i * RING_STEP_MS;
		int64_t offset = lag_times_value(&place->times, at, 0);

		if (offset >= 0)
			commits[n++] = (struct lag_commit){ offset, at, FACT_UNKNOWN };
	}
	return n;
}

static bool delta_lag(struct lag_data *data, const struct lag_place *place, int64_t tbl,
	struct lag_partition_row *part, struct lag_row *row, struct err *err)
{
	struct lag_commit commits[LAG_RING];
	struct versions versions = { .first = part->processed };
	int64_t sums[3] = { 0 };
	int64_t part_read = lag_state_get(&place->state, 0, PLACE_PART);
	size_t n = places_of(place, commits);

	for (size_t i = 0; i < n; i++)
		versions.first = commits[i].offset < versions.first ? commits[i].offset : versions.first;
	if (!versions_from(data, tbl, &versions, part->processed, sums, err))
		return false;
	row->behind_versions = versions_behind(&versions, part->processed, NOTHING_NEW - 1);
	part->high = versions.n > 0 ? versions.list[versions.n - 1].number + 1 : 0;
	if (part->high < part->processed)
		part->high = part->processed;
	if (part_read == PART_TABLE) {
		/* versions tell what they added, not what the table held */
		sums[0] = sums[1] = sums[2] = FACT_UNKNOWN;
		row->lag_seconds_is_lower_bound = true;
	} else if (part_read > 0 && sums[0] != FACT_UNKNOWN) {
		sums[0] = sums[0] > part_read ? sums[0] - part_read : 0;
	}
	row->behind_files = sums[0];
	row->behind_bytes = sums[1];
	part->lag_records = row->lag_records = sums[2];
	if (row->behind_versions == 0)
		row->lag_seconds = 0;
	else
		written_at(&versions, part->processed, row);
	part->lag_seconds = row->lag_seconds;
	part->lag_seconds_is_lower_bound = row->lag_seconds_is_lower_bound;
	for (size_t i = 0; i < n; i++)
		commits[i].lag = versions_behind(&versions, commits[i].offset, commits[i].at_ms);
	if (place->ncommits == 0)
		part->verdict = lag_of_looks(commits, n, row->behind_versions, true);
	else if (n > 1 || row->behind_versions == 0)
		part->verdict = lag_burrow(commits, n, NULL, 0, row->behind_versions, place->seen_at, 0);
	row->verdict = part->verdict;
	return true;
}

bool lag_delta_row(struct lag_data *data, struct lag_place *place, struct lag_row *row,
	struct err *err)
{
	int64_t processed = lag_state_get(&place->state, 0, PLACE_PROCESSED);
	struct lag_partition_row *part = ARENA_NEW(data->names.arena, struct lag_partition_row);
	int64_t tbl;

	*part = (struct lag_partition_row){ .processed = lag_fact(processed),
		.started = lag_fact(lag_state_get(&place->state, 0, PLACE_STARTED)),
		.low = FACT_UNKNOWN, .high = FACT_UNKNOWN, .lag_records = FACT_UNKNOWN,
		.lag_seconds = FACT_UNKNOWN, .loss_in_seconds = FACT_UNKNOWN,
		.drain_seconds = FACT_UNKNOWN, .rate_in = NAN, .rate_out = NAN, .leader = -1,
		.seen_at_ms = place->seen_at };
	row->partitions = part;
	row->npartitions = 1;
	row->no_commit = processed < 0;
	if (!table_of(data, &row->topic, &tbl, err))
		return false;
	return processed < 0 || tbl == 0 || delta_lag(data, place, tbl, part, row, err);
}
