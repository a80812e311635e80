/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_READER_INTERNAL_H
#define STORE_READER_INTERNAL_H

#include <sqlite3.h>

#include "store/fold.h"
#include "store/internal.h"
#include "store/lag_sweeps.h"
#include "store/lag_walk.h"
#include "store/reader.h"

/*
 * What the reader's queries share. Private to store/. A statement belongs to the query that took it
 * until that query resets it; no query calls another that takes the same one.
 */
enum query {
#define QUERY(id, sql)     Q_##id,
#define QUERY_ALL(id, sql) Q_##id,
#include "store/queries.def"
#undef QUERY
#undef QUERY_ALL
	QUERY_COUNT
};

struct query_text {
	const char *name, *sql;
	bool reads_all; /* a scan is meant */
};
const struct query_text *reader_queries(void); /* QUERY_COUNT rows */

/* Which message templates hold the text that events are searched for. Kept between pages. */
struct message_set {
	struct buf wanted;   /* the text */
	unsigned char *verdict; /* by dim id; see q_messages.c */
	int64_t upto;        /* ids up to this one were judged */
	int64_t found;       /* of them may hold it; 0 = no message does */
	size_t room;
	struct message_pair *pairs; /* open-addressing table of templates with names in them */
	size_t npairs, pairs_room;
};

/*
 * Texts of the dictionary that were asked for lately: a row of it never changes while the store is
 * the same. Starts over when it is full, so nothing keeps a pointer into it.
 */
struct dim_cache {
	struct arena texts;
	struct dim_slot {
		int64_t id; /* 0 = free */
		struct text text;
	} *slots; /* DIM_SLOTS of them, once there is one */
	size_t used;
};
void dim_cache_done(struct dim_cache *cache);

struct ids { /* in an arena */
	int64_t *ids;
	size_t n, room;
};

struct names;

struct reader {
	sqlite3 *db;
	char *path;
	int64_t device, inode; /* of the file that is open */
	bool immutable; /* opened without log and shared memory: nobody can be writing */
	bool begun;
	bool removed; /* its file had no name when reader_changed looked last */
	int64_t data_version;
	int64_t n, newest; /* the snapshot's batch and the newest one; 0 = none */
	int64_t seen_at;   /* of n */
	int64_t k_end;     /* every visible event's k is below it */
	int64_t deadline_ms; /* monotonic; 0 = none */
	sqlite3_stmt *stmts[QUERY_COUNT];
	struct message_set messages; /* for event_filter.contains */
	struct word {
		struct message_set texts;
		enum event_field field;
		struct ids pipelines; /* whose name holds it; in the arena of the query */
		unsigned types, levels; /* bits: whose name does, or may */
	} words[EVENT_WORDS_MAX];
	size_t nwords;
	struct dim_cache dims;
	const int64_t *pipelines; /* what pipeline_wanted() lets through */
	size_t npipelines;
};

/* A statement, reset, without bindings. */
bool reader_query(struct reader *reader, enum query query, sqlite3_stmt **stmt, struct err *err);
/* Registers pipeline_wanted() and message_wanted(), which EVENTS_* use. */
bool events_functions(struct reader *reader, struct err *err);
bool messages_function(struct reader *reader, struct err *err);
void message_set_done(struct message_set *set);
/* Judges every text of the dictionary; then messages_may() tells what may hold the wanted one. */
bool messages_judge(
	struct reader *reader, struct message_set *set, struct text wanted, struct err *err);
bool messages_may(struct reader *reader, struct message_set *set, int64_t message, int64_t flow,
	int64_t dataset);
bool messages_may_name(const struct message_set *set, int64_t dim); /* a text without marks */
/* Whether every message of the template holds the text, without looking at it. */
bool messages_sure(const struct message_set *set, int64_t message);
/* Prepares words_wanted() for the filter's words; *empty_out: nothing can hold them all. */
bool words_resolve(struct names *names, const struct event_filter *filter, bool *empty_out,
	struct err *err);
bool words_function(struct reader *reader, struct err *err);

/* Texts of dictionary ids, looked up once a call and kept in the caller's arena. */
struct names {
	struct reader *reader;
	struct arena *arena;
	struct name_slot {
		int64_t key; /* id * 4 + kind + 1; 0 = free */
		struct text text;
		int64_t source; /* of a pipeline */
	} *slots;
	size_t room, used;
	int64_t batch, seen_at; /* the batch asked for last */
};
struct names names_of(struct reader *reader, struct arena *arena);
bool names_text(struct names *names, int64_t dim, struct text *out, struct err *err); /* 0: NONE */
/* The event's message, in the arena; NONE where it has none. */
bool names_message(struct names *names, const struct stored_event *event, struct arena *arena,
	struct text *out, struct err *err);
/* The name as of the snapshot, else the id; 0: NONE. */
bool names_pipeline(struct names *names, int64_t dim, struct text *out, struct err *err);
/* The source that first told of it; 0: not known as of the snapshot. */
bool names_pipeline_source(struct names *names, int64_t dim, int64_t *out, struct err *err);
bool names_source(struct names *names, int64_t source, struct text *out, struct err *err);
bool names_seen_at(struct names *names, int64_t batch, int64_t *out, struct err *err);

void ids_add(struct ids *ids, struct arena *arena, int64_t id);
bool ids_has(const struct ids *ids, int64_t id);
bool ids_has_sorted(const struct ids *ids, int64_t id); /* they ascend */
/* Pipelines with this id or, as of the snapshot, this name. */
bool pipelines_named(struct names *names, struct text wanted, struct ids *out, struct err *err);
bool pipelines_all(struct names *names, struct ids *out, struct err *err);

/* An update and its flows as of the snapshot: derived rows, or folded from the facts. */
struct run {
	int64_t upd, created_k, first_k, last_k;
	int64_t batch_max; /* newest visible batch that touched it */
	bool visible;      /* some of its facts are */
	struct update_fold fold;
};
struct flows { /* flows_free() when done */
	struct flow_fold *folds;
	size_t n, room;
};
/* Of a row of RUN_COLUMNS. */
bool run_of_row(struct reader *reader, sqlite3_stmt *stmt, struct run *out, struct err *err);
/* Of a row of RUN_HEAD_COLUMNS; only what they and update_fold_decode_head() give. */
bool run_head_of_row(struct reader *reader, sqlite3_stmt *stmt, struct run *out, struct err *err);
bool run_load(struct reader *reader, int64_t upd, struct run *out, struct err *err);
bool run_is_open(const struct run *run); /* more may follow in this attempt */
bool run_is_data(const struct run *run); /* neither maintenance nor validation nor exploration */
/* datasets: ascending; only flows that write one of them. NULL: all. */
bool flows_load(struct reader *reader, int64_t upd, const struct ids *datasets, struct flows *out,
	struct err *err);
void flows_free(struct flows *flows);
/* One, where no row holds later facts (n == newest). flow_fold_done() when done, also on failure. */
bool flow_load(struct reader *reader, int64_t upd, int64_t flow, struct flow_fold *out,
	struct err *err);
struct flow_heads { /* kept from update to update; the caller frees the rows */
	struct flow_head *rows;
	size_t n, room;
};
bool flow_heads_load(struct reader *reader, int64_t upd, struct flow_heads *out, struct err *err);
/* update: whole id or an unambiguous head; ERR_ABSENT with the reason. */
bool update_find(struct names *names, struct text update, int64_t *upd_out, struct err *err);

bool update_row_fill(
	struct names *names, const struct run *run, struct update_row *out, struct err *err);
/* dim of the cause that marks a retry; 0 = never seen. */
bool retry_cause(struct reader *reader, int64_t *dim_out, struct err *err);

/* Quality of one dataset in the newest update that reported any. */
struct quality_rule {
	int64_t name, dataset; /* dim; dataset: under which the hourly rollup has it */
	enum rule_action action;
	int64_t passed, failed, batches;
	bool disputed;
};
struct quality {
	int64_t pipeline, dataset, upd; /* dim */
	int64_t created_k;
	bool reported; /* false: no flow said anything of quality */
	bool is_open;  /* its update still runs: figures so far */
	bool by_table;
	bool written_here; /* some flow writes it; else a view that rules look at */
	bool failing;      /* a rule has failures */
	bool has_rules;    /* they are in rules; else quality_load_rules() */
	int64_t reported_at_ms;
	int64_t published, dropped, quarantined, input; /* FACT_UNKNOWN */
	struct quality_rule *rules;
	size_t nrules, rules_room;
	struct ids keys;  /* under which its rules are rolled up: flows and datasets */
	struct ids flows; /* that write it: their rows are rolled up under them */
	struct ids aside; /* flows that write its quarantine tables, while these tell what was dropped */
	struct ids tables; /* its quarantine tables, as datasets */
	struct text name;
};
struct qualities {
	struct quality *rows;
	size_t n, room;
};
/* Updates to look at; pipeline -1: not this one. */
struct candidate {
	int64_t upd, pipeline, created_k;
	bool is_open; /* more may follow */
};
struct candidates {
	struct candidate *rows;
	size_t n, room;
	int64_t recent[1024]; /* by upd: ids that are in rows already, as far as there is room */
};
/* Newest first, each once, in memory the caller frees; arguments as of quality_gather. */
bool candidates_find(struct names *names, const struct ids *pipelines, struct text dataset,
	struct candidates *list, struct err *err);
bool dataset_fits(struct text name, struct text wanted); /* wanted NONE: any */
/* pipelines NULL = all; dataset NONE = all, else a whole name or what stands behind its last dot */
bool quality_gather(struct names *names, const struct ids *pipelines, struct text dataset,
	struct qualities *out, struct err *err);
/* Of one update: every dataset that it writes or whose rules it reports. */
bool quality_of_update(
	struct names *names, const struct run *run, struct qualities *out, struct err *err);
/* The rules of n rows that were gathered, in the arena. */
bool quality_load_rules(struct reader *reader, struct arena *arena, struct quality **rows, size_t n,
	struct err *err);
/* table_quarantined and table_agrees of rows, which the qualities are about in this order. */
bool witness_fill(struct names *names, struct quality *const *qualities, struct quality_rows *rows,
	struct err *err);
/* A table ("fire/loan") and a dataset ("prod.fire.loan") are the same when one ends as the other is. */
bool table_is_dataset(struct text table, struct text dataset);
void quality_add_rule(struct arena *arena, struct quality *row, const struct flow_rule *rule);

/* The hourly rollup as of the snapshot, for the TREND_MAX hours that end with the newest event's. */
struct trends {
	struct reader *reader;
	int64_t last_hour; /* FACT_UNKNOWN: no event at all */
	struct trend_hour {
		bool folded; /* from the facts, for its rows hold later ones */
		struct fold_rolls rolls;
	} hours[TREND_MAX];
	bool any; /* row of an hour that is not folded */
	sqlite3_stmt *rows_of;
	struct fold_rolls rows; /* of the dataset asked for last */
};
bool trends_begin(struct trends *trends, struct reader *reader, struct err *err);
void trends_end(struct trends *trends);
/* Rows of one dataset, until the next call, in no order; their `hour` is 0 to TREND_MAX - 1. */
bool trends_of(struct trends *trends, int64_t dataset, const struct fold_rolls **out,
	struct err *err);

#endif
