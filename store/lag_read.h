/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_LAG_READ_H
#define STORE_LAG_READ_H

#include "store/lag_internal.h"
#include "store/lag_math.h"
#include "store/reader_internal.h"

/*
 * What the lag queries know of each series at the snapshot, in an arena of one call. Private to
 * store/q_lag*.c and store/lag_*.c.
 */
enum { RING_STEP_MS = 20 * 1000, RATE_MS = 5 * 60 * 1000, RATE_MAX_MS = 60 * 60 * 1000,
	TREND_STEP_MS = 60 * 60 * 1000 / LAG_TREND_MAX, TIMES_MAX = 1024, LAG_STALE_MS = 120 * 1000 };

/* Moments at which a series is wanted, newest first, and what it was then. */
struct lag_times {
	int64_t *at;
	int64_t **values; /* how many, then field 0 by partition; NULL = before history */
	size_t n, room;
};
/* Each once, in the arena; too many are left out. */
void lag_times_add(struct lag_times *times, struct arena *arena, int64_t at);
/* What it was at one of those moments, NULL unknown; and of one partition. */
const int64_t *lag_times_at(const struct lag_times *times, int64_t at);
int64_t lag_times_value(const struct lag_times *times, int64_t at, size_t partition);
static inline int64_t lag_values_get(const int64_t *values, size_t partition)
{
	return values && (int64_t)partition < values[0] ? values[partition + 1] : LAG_NONE;
}

struct lag_place { /* one witness of one reader of one topic */
	int64_t series, kind, cluster, topic, reader, source; /* dims as stored */
	struct lag_state state;     /* in memory of its own */
	int64_t at;                 /* of its newest row */
	int64_t seen_at, now_ms;    /* now: what its looks are counted from */
	size_t topic_at;            /* index into topics; SIZE_MAX = none */
	bool named;                 /* the reader asked for */
	bool joined;                /* shown with another witness of the same query */
	struct lag_place *also;     /* the next witness */
	/* commits, newest first: when and how far, of readers whose commits have times */
	int64_t commit_at[LAG_RING];
	int64_t *commits[LAG_RING]; /* by partition */
	size_t ncommits;
	int64_t rate_from_ms;
	struct lag_times times;     /* looks */
	struct lag_cross *crosses;  /* by partition */
};

struct lag_topic {
	int64_t series, cluster, topic, source;
	struct lag_state state;
	int64_t at, seen_at;
	bool stale, has_unread, wanted;
	double *low_rates;          /* by partition; NAN */
	struct lag_row_head *sums;  /* for trends: now and every TREND_STEP_MS back; NULL = not read yet */
	int64_t nsums;
	struct lag_times times;
	struct lag_place **places;  /* that read it */
	size_t nplaces;
};

struct lag_data {
	struct reader *reader;
	struct arena scratch;       /* of this call */
	struct names names;         /* texts in the caller's arena */
	struct lag_walk walk;
	struct lag_topic *topics;
	size_t ntopics;
	struct lag_place *places;
	size_t nplaces;
	struct lag_sweeps **sweeps; /* of each source asked for */
	size_t nsweeps;
};

/* All series; names of topics and readers decide which are wanted, NONE = all. */
bool lag_data_begin(struct lag_data *data, struct reader *reader, struct arena *arena,
	struct text wanted_reader, struct text wanted_topic, struct err *err);
void lag_data_end(struct lag_data *data);
bool lag_name_fits(struct text name, struct text wanted); /* whole, or its end behind . or / */
/* Fills the topic's and its readers' history: looks, commits, crosses. */
bool lag_history(struct lag_data *data, struct lag_topic *topic, struct err *err);
/* The same for a reader without a topic. */
bool lag_place_history(struct lag_data *data, struct lag_place *place, int64_t now_ms,
	struct err *err);
/* Nothing known; no trend. */
void lag_row_init(struct lag_row *row);
/* One place as a row, in the arena. */
bool lag_row_of(struct lag_data *data, struct lag_place *place, struct lag_row *row, struct err *err);
/* Trends are asked for once it is known which rows are shown. */
bool lag_trend(struct lag_data *data, const struct lag_place *place, double trend[LAG_TREND_MAX],
	struct err *err);
int lag_row_worse(const void *a, const void *b); /* struct lag_row: worst first */
bool lag_delta_row(struct lag_data *data, struct lag_place *place, struct lag_row *row,
	struct err *err);

/*
 * What flow_progress of a pipeline's newest update says that a flow has not read, in all its sources:
 * nothing of offsets, nor of what it reads. Texts in the caller's arena.
 */
struct lag_backlog {
	struct text reader, by_id; /* pipeline/flow, by the pipeline's name and by its id */
	int64_t records, bytes, files, seconds; /* FACT_UNKNOWN */
	int64_t at_ms; /* of the event that said so */
};
struct lag_backlogs { struct lag_backlog *rows; size_t n, room; };
bool lag_backlogs_load(struct lag_data *data, struct lag_backlogs *list, struct err *err);
/* Into the n rows of the same reader, as another witness; *joined_out false: there is none. */
bool lag_backlog_join(struct lag_data *data, struct lag_row *rows, size_t n,
	const struct lag_backlog *backlog, bool *joined_out, struct err *err);
void lag_backlog_row(const struct lag_backlog *backlog, struct lag_row *row);

#endif
