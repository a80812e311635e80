/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_READER_H
#define STORE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "store/fact.h"

/*
 * The reading side: one read-only connection, owned by one thread. Every query runs between
 * reader_begin and reader_end and sees one snapshot, as of one batch. Rows and their texts lie in
 * the arena given. Lists are bounded; *more_out says when something was left out. Numbers are
 * FACT_UNKNOWN and times TIME_UNKNOWN where not known. Errors: STORE, LIMIT (budget), ABSENT.
 */
struct reader;

enum { READER_NOW = 0 };

bool reader_open(const char *path, struct reader **reader_out, struct err *err);
void reader_close(struct reader *reader);
/* True when another process made something visible since the last call or begin (10 us). */
bool reader_changed(struct reader *reader);
/*
 * Starts a snapshot as known at as_of_ms (READER_NOW: all there is): facts whose batch has
 * seen_at <= as_of_ms. budget_ms: queries are interrupted (ERR_LIMIT) past it; 0 = no limit.
 */
bool reader_begin(struct reader *reader, int64_t as_of_ms, int64_t budget_ms, struct err *err);
void reader_end(struct reader *reader);
int64_t reader_seen_at(struct reader *reader); /* seen_at of the newest visible batch, or unknown */

struct update_row {
	struct text update_id, pipeline_id, pipeline;
	struct text cause, run_as;
	enum run_state state;
	int64_t created_at_ms, initializing_at_ms, setting_up_at_ms, running_at_ms, ended_at_ms;
	int64_t waiting_at_ms, last_event_at_ms;
	int attempt;          /* 1 = first; retries of a failed update count on */
	struct text chain_id; /* update_id of the chain's first attempt */
	int8_t full_refresh, validate_only, explore_only;
	int64_t flows, flows_failed, rows_written, dropped;
	struct text error_class, error_message; /* of the flow that failed first, else of the update */
};

enum { STRIP_MAX = 20, TREND_MAX = 24 };

struct pipeline_row {
	struct text pipeline_id, pipeline, source;
	struct update_row latest;       /* newest update that is a data run */
	enum run_state strip[STRIP_MAX]; /* oldest first; chains folded to their last attempt */
	size_t nstrip;
	int attempts;                   /* in the newest chain */
	/* of the newest update that reported quality, summed over datasets whose input is known */
	int64_t input, published, quarantined;
	int64_t datasets_failing;       /* datasets below full completeness */
	int64_t last_event_at_ms, last_seen_at_ms;
	int64_t last_written_at_ms;     /* newest flow_progress with rows > 0 */
	int64_t usual_gap_ms;           /* median gap between the last updates' starts, or unknown */
};
struct pipeline_rows { struct pipeline_row *rows; size_t n; bool more; };
struct update_rows { struct update_row *rows; size_t n; bool more; };

struct flow_row {
	struct text flow, dataset;
	enum run_state state;
	int64_t queued_at_ms, planning_at_ms, starting_at_ms, running_at_ms, ended_at_ms;
	int64_t last_event_at_ms;
	int64_t output_rows, upserted_rows, deleted_rows, written_rows; /* written: sum of the known */
	int64_t dropped, backlog_bytes, backlog_records, backlog_files, backlog_seconds;
	int64_t batches;
	int attempts;
	struct text flow_type, error_class, error_message;
};
struct flow_rows { struct flow_row *rows; size_t n; bool more; };

struct rule_row {
	struct text name;
	enum rule_action action;
	int64_t passed, failed;
	int64_t batches;          /* micro-batches (or events without batch id) that reported it */
	bool disputed;            /* one batch reported different values */
	double trend[TREND_MAX];  /* pass rate by hour, oldest first; NAN = nothing reported */
};
struct quality_row {
	struct text dataset, pipeline_id, pipeline, update_id;
	int64_t reported_at_ms;
	int64_t input, published, quarantined; /* rows; input = published + quarantined, both known */
	struct rule_row *rules;
	size_t nrules;
	int64_t sum_failures;     /* rule failures added up: more than rows when rows fail twice */
	int64_t dropped;          /* as reported */
	bool is_open;             /* its update still runs: figures so far */
	bool quarantined_by_table; /* from a quarantine table's flow rather than dropped_records */
	int64_t table_quarantined; /* rows that the update's commits added to its quarantine tables */
	int8_t table_agrees; /* with quarantined, now that the update has ended; -1 = not known */
	double trend[TREND_MAX];  /* completeness by hour; NAN = nothing reported */
};
struct quality_rows { struct quality_row *rows; size_t n; bool more; };

struct event_row {
	int64_t k;  /* place in time order; the cursor for the next page */
	char id[40];
	int64_t happened_at_ms, seen_at_ms, sequence;
	enum event_level level;
	struct text type, pipeline_id, pipeline, update_id, flow, dataset, message, source;
	enum run_state state;
	struct text state_text, error_class, error_message;
};
struct event_rows { struct event_row *rows; size_t n; bool more; };

/*
 * A word that a row must hold somewhere, upper and lower case alike. The message of an event with an
 * error message is that.
 */
enum event_field { EVENT_FIELD_ANY, EVENT_FIELD_LEVEL, EVENT_FIELD_PIPELINE, EVENT_FIELD_TYPE,
	EVENT_FIELD_UPDATE, EVENT_FIELD_FLOW, EVENT_FIELD_MESSAGE }; /* ANY: one of the others */
struct event_word {
	enum event_field field;
	struct text text;
	unsigned levels; /* bits 1 << enum event_level: those whose word, as shown, holds it */
};
enum { EVENT_WORDS_MAX = 4 };

struct event_filter {
	enum event_level least;    /* LEVEL_UNKNOWN = all */
	struct text pipeline;      /* id or name; NONE = all */
	struct text update_id, type;
	struct text contains;      /* in message, case folded; NONE = all */
	/* Spare looking at rows without them; only `fits` is sure to leave those out. */
	struct event_word words[EVENT_WORDS_MAX];
	size_t nwords;
	bool (*fits)(void *context, const struct event_row *row); /* NULL = all */
	void *context;             /* of fits */
	int64_t from_k;            /* exclusive; 0 = from the end (newest) or start */
	bool oldest_first;         /* false: newest first, k < from_k; true: k > from_k */
	size_t limit;              /* 1 to 10,000 */
};

enum raw_place { RAW_STORE, RAW_LOG, RAW_GONE, RAW_NEVER };
struct raw_event { struct text json; enum raw_place place; struct text where; /* path at byte n */ };

struct table_row {
	struct text table, path, source;
	int64_t version, timestamp_ms, first_version, versions;
	struct text operation, engine, user_name;
	int64_t files_added, files_removed, rows_added, rows_removed;
	int64_t commits_24h;
	struct text problem; /* "needs a checkpoint: versions 0 to 9 are not listed" */
	/*
	 * What it holds, as last replayed: all unknown where nobody did. It may be of an older version
	 * than the newest one listed. Its table and path are NONE; shape only from table_find.
	 */
	struct fact_table state;
	int64_t state_at_ms;     /* when it was looked at; unknown = never */
	int64_t optimized_at_ms, vacuumed_at_ms; /* newest OPTIMIZE, newest VACUUM's start or end */
};
struct table_rows { struct table_row *rows; size_t n; bool more; };

struct version_row {
	struct fact_version fact; /* texts in the arena */
	int64_t seen_at_ms;
	struct fact_standing standing; /* its table and path are NONE; STANDING_UNKNOWN = not told */
	/* The table with this version: counted back from its state, as far as every commit tells. */
	int64_t rows_after, files_after, bytes_after;
	/* Rows of the update, or of the micro-batch, that made it, as its event log tells. */
	int64_t published, quarantined;
	bool restates; /* took away and put back nearly all rows: what was published is told anew */
};
struct version_rows { struct version_row *rows; size_t n; bool more; };

struct source_row {
	struct text source, text, detail;
	enum health_state state;
	int64_t state_since_ms, last_health_at_ms;
	int64_t last_fact_at_ms;  /* newest happened_at of its facts */
	int64_t last_seen_at_ms;  /* newest batch with facts */
	int64_t facts, undecodable, fallback, read_bytes, behind;
};
struct source_rows { struct source_row *rows; size_t n; bool more; };

struct undecodable_row { struct text source, place, reason, bytes; int64_t seen_at_ms, length; };
struct undecodable_rows { struct undecodable_row *rows; size_t n; bool more; };

/* Worst first; contains filters on name or id. Cost: one row of a derived table per update shown. */
bool pipelines_list(struct reader *, struct arena *, struct pipeline_rows *out, struct err *);
/* How many of those have failed, are incomplete or tried again (warn), are running. */
struct pipeline_counts { int failed, warn, running; };
void pipeline_count(const struct pipeline_row *row, struct pipeline_counts *counts); /* adds one */
bool pipelines_count(struct reader *, struct pipeline_counts *out, struct err *);
/* Newest first. pipeline: id or name; NONE = all pipelines. */
bool updates_list(struct reader *, struct arena *, struct text pipeline, size_t limit,
	struct update_rows *out, struct err *);
/* In order of start. update: whole id or an unambiguous head of at least 4 characters. */
bool flows_list(struct reader *, struct arena *, struct text update, struct flow_rows *out,
	struct err *);
/*
 * Worst first, at most 1,000; the trends of the worst 250. Datasets that reported nothing come last.
 * dataset (whole, or what stands behind a dot), pipeline: NONE = all. Hours end with the newest event's.
 */
bool quality_list(struct reader *, struct arena *, struct text dataset, struct text pipeline,
	struct quality_rows *out, struct err *);
bool events_list(struct reader *, struct arena *, const struct event_filter *, struct event_rows *,
	struct err *);
/* The raw JSON of one event, redacted: from the store, or by pointer out of its log. */
bool event_raw(struct reader *, struct arena *, int64_t k, struct raw_event *out, struct err *);
bool tables_list(struct reader *, struct arena *, struct table_rows *out, struct err *);
/* One table, by name or path, with its shape. ERR_ABSENT: none, or several of that name. */
bool table_find(struct reader *, struct arena *, struct text table, struct table_row *out,
	struct err *);
/* Newest first, versions below `before` (INT64_MAX = from the newest). table: name or path. */
bool versions_list(struct reader *, struct arena *, struct text table, int64_t before, size_t limit,
	struct version_rows *out, struct err *);
bool sources_list(struct reader *, struct arena *, struct source_rows *out, struct err *);
bool undecodable_list(struct reader *, struct arena *, struct text source, size_t limit,
	struct undecodable_rows *out, struct err *);
/*
 * All facts in canonical order and form, one JSON object a line, without seen_at, source, raw
 * pointers or batch: equal stores of equal facts give equal bytes whatever the encoding was.
 */
bool facts_dump(struct reader *, bool (*line)(void *context, struct text json), void *context,
	struct err *);

#endif
