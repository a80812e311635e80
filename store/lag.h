/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_LAG_H
#define STORE_LAG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "store/fact.h"
#include "store/reader.h"

/*
 * Lag, as the store can tell it at its snapshot (reader_begin): what was seen, and what follows from
 * it. All texts lie in the arena. Unknown is FACT_UNKNOWN (NAN for rates), never 0.
 */

/* What a reader does, by Burrow's rules, its worst partition's. The order is the order of badness. */
#define LAG_VERDICTS(X)                                                                            \
	X(UNKNOWN, "", "nothing is known yet")                                                     \
	X(OK, "OK", "keeps up")                                                                    \
	X(WARN, "WARN", "falling behind: lag never shrank over the window")                        \
	X(STALL, "STALL", "stalled: it commits, and its offsets do not move")                      \
	X(REWIND, "REWIND", "went back: it reads again what it had read")                          \
	X(STOP, "STOP", "stopped: no commit for longer than its commits were apart")

enum lag_verdict {
#define X(id, name, words) LAG_##id,
	LAG_VERDICTS(X)
#undef X
	LAG_VERDICT_COUNT
};
const char *lag_verdict_name(enum lag_verdict verdict);
const char *lag_verdict_words(enum lag_verdict verdict);

enum { LAG_TREND_MAX = 24 }; /* samples of a sparkline: the last hour, oldest first */

struct lag_partition_row {
	int32_t partition;
	int64_t processed, started, low, high; /* offsets */
	int64_t lag_records;                   /* high - processed, not below 0 */
	int64_t lag_seconds;
	bool lag_seconds_is_lower_bound; /* history begins later than what it waits for */
	int64_t lost_records;            /* low - processed where low has passed it, else 0 */
	int64_t loss_in_seconds;         /* until retention takes what it has not read; unknown = not in sight */
	bool loss_at_most;               /* what waits is older than history tells: it may be sooner */
	int64_t drain_seconds;
	bool never_drains;
	double rate_in, rate_out;        /* records a second over the last minutes; NAN */
	int32_t leader;                  /* broker id; -1 = none, or not known */
	enum lag_verdict verdict;
	bool moment;                     /* its lag is what comes within half a minute: it keeps up */
	int64_t seen_at_ms;              /* of the watermark and the position: the older */
};

/*
 * One reader of one topic. A flow whose log tells no offsets but a backlog has no topic (NONE) and no
 * partitions; the same flow with offsets has "backlog" among its witnesses.
 */
struct lag_row {
	struct text reader, cluster, topic;
	enum reader_kind kind;
	struct text witnesses;         /* "checkpoint, eventlog" when two see the same reader */
	enum lag_verdict verdict;
	bool moment;                   /* WARN, but in no partition by more than comes in half a minute */
	struct text group_state;       /* as Kafka says; NONE */
	int64_t members;
	int64_t lag_records, lag_seconds;
	bool lag_seconds_is_lower_bound;
	double rate_in, rate_out;
	int64_t drain_seconds;         /* of its slowest partition; unknown: not draining */
	bool never_drains;             /* known: it reads no faster than records come */
	int64_t loss_in_seconds, lost_records;
	bool loss_at_most;
	bool topic_gone;               /* deleted: there is no end to lag behind */
	int64_t batch_started_ms;      /* of the micro-batch under way */
	int64_t no_commit;             /* partitions without a commit */
	/*
	 * Readers of Delta tables: versions that hold something for it and are not read to their end.
	 * Files exactly; of a version partly read lag_records and behind_bytes count the whole. Of other
	 * readers, files and bytes as they say themselves.
	 */
	int64_t behind_versions, behind_files, behind_bytes;
	bool stale;                    /* its cluster's last sweep failed or is old: numbers are older */
	int64_t seen_at_ms;            /* watermarks and positions: the older */
	double skew;                   /* largest partition's lag / mean; NAN */
	struct text connector, connector_problem; /* a sink's */
	double trend[LAG_TREND_MAX];   /* lag in records; NAN = not seen */
	struct lag_partition_row *partitions; /* by partition number */
	size_t npartitions;
	size_t place; /* the query's own */
};
struct lag_rows { struct lag_row *rows; size_t n; bool more; };

struct topic_table_row {
	struct text cluster, topic, table;
	double per_second;         /* over the last five minutes, or since the topic's first one */
	double share_pct;          /* of the topic's records in these minutes */
	bool sampled;              /* not every record was looked at: rates are scaled up */
	int64_t last_at_ms, delay_ms, delay_max_ms; /* mean and largest of the last minutes */
	int64_t records, creates, updates, deletes, reads, tombstones; /* looked at in the last 24 h */
	int64_t bytes;
	int64_t first_at_ms;
	/* first seen within a day, when others were before; nothing for longer than usual; more than
	 * a quarter of the topic and the largest */
	bool is_new, silent, noisy;
	bool snapshot;             /* snapshot records among those of the last hour */
	double trend[LAG_TREND_MAX]; /* records a minute, by 2.5 minutes of the last hour */
};
struct topic_table_rows { struct topic_table_row *rows; size_t n; bool more; };

struct connector_row {
	struct fact_connector fact;
	int64_t since_ms, seen_at_ms;
};
struct connector_rows { struct connector_row *rows; size_t n; bool more; };

/* Worst first, at most 1,000. wanted: NONE = all; a whole name or what its end says. */
bool lag_list(struct reader *reader, struct arena *arena, struct text wanted_reader,
	struct text wanted_topic, struct lag_rows *out, struct err *err);
/* Largest share first. */
bool topic_tables_list(struct reader *, struct arena *, struct text cluster, struct text topic,
	struct topic_table_rows *out, struct err *);
bool connectors_list(struct reader *, struct arena *, struct connector_rows *out, struct err *);

#endif
