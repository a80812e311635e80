/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_FACT_H
#define STORE_FACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/text.h"

/*
 * The fact vocabulary: what collectors emit and the store keeps. Facts are append-only, carry a
 * natural key (so that the same input read twice, or replayed in any order, gives the same store)
 * and travel in batches. A batch is one transaction: facts and the source's cursor commit together.
 */

/* name, table that keeps it, days kept by default (0 = forever), what it is */
#define FACT_KINDS(X)                                                                              \
	X(EVENT, "event", 90, "an event of a pipeline's event log, with its progress and rules")   \
	X(VERSION, "version", 0, "a commit in a Delta table's log")                                \
	X(HEALTH, "health", 30, "how a source is doing")                                           \
	X(UNDECODABLE, "undecodable", 30, "input that could not be read, its first 4 KiB")         \
	X(EDGE, "edge", 90, "one dataset read to write another")                                   \
	X(SWEEP, "sweep", 30, "one look at a whole Kafka cluster: when, how much, what failed")    \
	X(MARKS, "marks", 30, "a topic's partitions: where they begin and end")                    \
	X(POSITION, "position", 30, "how far a reader has read a topic")                           \
	X(TOPIC_TABLE, "topic_table", 30, "a minute of one source table inside a topic")           \
	X(CONNECTOR, "connector", 30, "how a Kafka Connect connector is doing")                    \
	X(TABLE, "table", 0, "what a Delta table holds")                                           \
	X(STANDING, "standing", 0, "whether a version of a table can still be restored")

enum fact_kind {
#define X(id, name, days, about) FACT_##id,
	FACT_KINDS(X)
#undef X
	FACT_KIND_COUNT
};

#define FACT_UNKNOWN INT64_MIN /* a number nobody reported: NULL in the store, a dash on screen */

/* Event types Weir understands; all others are OTHER, kept under their own name. */
#define EVENT_TYPES(X)                                                                             \
	X(OTHER, "")                                                                               \
	X(CREATE_UPDATE, "create_update")                                                          \
	X(USER_ACTION, "user_action")                                                              \
	X(RUNTIME_DETAILS, "runtime_details")                                                      \
	X(UPDATE_PROGRESS, "update_progress")                                                      \
	X(FLOW_PROGRESS, "flow_progress")                                                          \
	X(FLOW_DEFINITION, "flow_definition")                                                      \
	X(DATASET_DEFINITION, "dataset_definition")                                                \
	X(SINK_DEFINITION, "sink_definition")                                                      \
	X(DEPRECATION, "deprecation")                                                              \
	X(CLUSTER_RESOURCES, "cluster_resources")                                                  \
	X(AUTOSCALE, "autoscale")                                                                  \
	X(PLANNING_INFORMATION, "planning_information")                                            \
	X(HOOK_PROGRESS, "hook_progress")                                                          \
	X(OPERATION_PROGRESS, "operation_progress")                                                \
	X(STREAM_PROGRESS, "stream_progress")                                                      \
	X(ADVISORY, "advisory")

enum event_type {
#define X(id, name) EVENT_##id,
	EVENT_TYPES(X)
#undef X
	EVENT_TYPE_COUNT
};

/* The order is the order of severity: >= LEVEL_WARN is what people look for. */
#define EVENT_LEVELS(X)                                                                            \
	X(UNKNOWN, "")                                                                             \
	X(METRICS, "METRICS")                                                                      \
	X(INFO, "INFO")                                                                            \
	X(WARN, "WARN")                                                                            \
	X(ERROR, "ERROR")

enum event_level {
#define X(id, name) LEVEL_##id,
	EVENT_LEVELS(X)
#undef X
};

/*
 * States of updates and flows in one enum; the severity column ranks them when several are folded
 * into one (documented ranks; failed worst). UNKNOWN also holds a word no document names: its
 * text is then in struct fact_event.state_text.
 */
#define RUN_STATES(X)                                                                              \
	X(UNKNOWN, "", 0)                                                                          \
	X(CREATED, "CREATED", 1)                                                                   \
	X(QUEUED, "QUEUED", 2)                                                                     \
	X(WAITING_FOR_RESOURCES, "WAITING_FOR_RESOURCES", 3)                                       \
	X(INITIALIZING, "INITIALIZING", 4)                                                         \
	X(RESETTING, "RESETTING", 5)                                                               \
	X(SETTING_UP_TABLES, "SETTING_UP_TABLES", 6)                                               \
	X(PLANNING, "PLANNING", 6)                                                                 \
	X(STARTING, "STARTING", 6)                                                                 \
	X(RUNNING, "RUNNING", 7)                                                                   \
	X(STOPPING, "STOPPING", 8)                                                                 \
	X(COMPLETED, "COMPLETED", 10)                                                              \
	X(IDLE, "IDLE", 11)                                                                        \
	X(EXCLUDED, "EXCLUDED", 12)                                                                \
	X(STOPPED, "STOPPED", 13)                                                                  \
	X(CANCELED, "CANCELED", 14) /* CANCELLED is read as this */                                \
	X(SKIPPED, "SKIPPED", 50)                                                                  \
	X(FAILED, "FAILED", 100)

enum run_state {
#define X(id, name, severity) RUN_##id,
	RUN_STATES(X)
#undef X
	RUN_STATE_COUNT
};

const char *fact_kind_name(enum fact_kind kind);
const char *event_type_name(enum event_type type); /* "" for OTHER */
enum event_type event_type_of(struct text name);
const char *event_level_name(enum event_level level);
enum event_level event_level_of(struct text name);
const char *run_state_name(enum run_state state);
enum run_state run_state_of(struct text name); /* both spellings of canceled */
int run_state_severity(enum run_state state);
bool run_state_is_final(enum run_state state); /* nothing follows in the same attempt */

enum rule_action { RULE_UNKNOWN, RULE_WARN, RULE_DROP, RULE_FAIL };
const char *rule_action_name(enum rule_action action); /* "" for unknown */
enum rule_action rule_action_of(struct text name);     /* ALLOW, WARN, DROP, FAIL, any case */

/*
 * Strings that recur are interned in their batch: an index into fact_batch.strings, 0 = absent.
 * The writer maps each distinct string of a batch to the store's dictionary once.
 */
typedef uint32_t fact_string;

struct fact_rule { /* an expectation as one event reported it */
	fact_string name, dataset;
	enum rule_action action;
	int64_t passed, failed; /* records; FACT_UNKNOWN */
};

enum { FACT_RULES_MAX = 1024, FACT_RAW_MAX = 1 << 20, FACT_KEEP_MAX = 4096 };

/*
 * One event of an event log. Natural key: id. Numbers are FACT_UNKNOWN where not reported.
 * Source of names and meanings: the documented event log schema.
 */
struct fact_event {
	unsigned char id[16];   /* the UUID, or a 128-bit hash of whatever the log has for id */
	bool id_is_hash;        /* then id_text says what was hashed */
	fact_string id_text;    /* only with id_is_hash */
	int64_t happened_at_ms; /* timestamp */
	int64_t sequence;       /* control_plane_seq_no, else data_plane_id.seq_no: orders one ms */
	enum event_type type;
	fact_string type_text; /* only with EVENT_OTHER */
	enum event_level level;
	fact_string maturity;
	fact_string pipeline_id, pipeline_name, update_id;
	fact_string flow, dataset; /* origin.flow_name; origin.dataset_name, else the rule's or output */
	fact_string message;       /* clean, redacted; numbers in it may make it unique */
	bool templated;            /* message is a template (message.h), these are its numbers */
	uint32_t nnumbers;
	const int64_t *numbers;    /* in the batch's arena */
	/* update_progress.state, flow_progress.status, operation_progress.status ... */
	enum run_state state;
	fact_string state_text; /* only for a state word Weir does not know */
	/* create_update */
	fact_string cause, run_as, user; /* user: user_action.user_name */
	int8_t full_refresh, validate_only, explore_only; /* -1 unknown, 0, 1 */
	bool maintenance;       /* origin.maintenance_id is set: not a data run */
	int64_t failed_attempts;
	fact_string flow_attempt; /* origin.flow_attempt_id */
	/* flow_progress */
	int64_t batch_id; /* origin.batch_id, unique within a flow */
	int64_t output_rows, upserted_rows, deleted_rows, output_bytes, dropped_records;
	int64_t backlog_bytes, backlog_records, backlog_files, backlog_seconds;
	bool has_quality; /* data_quality was there, even if empty */
	struct fact_rule *rules; /* in the batch's arena */
	size_t nrules;
	/* flow_definition / dataset_definition */
	fact_string output;      /* output_dataset or output_sink */
	fact_string flow_type;   /* or dataset_type */
	fact_string *inputs;     /* in the batch's arena; element shapes are read leniently */
	size_t ninputs;
	/* error: exceptions[0] (the first of the chain) */
	bool has_error, fatal;
	fact_string error_class;   /* error_class, or the [CODE] its message begins with, or class_name */
	fact_string error_message; /* clean, redacted */
	/* where the raw line is: segment is the source's word for one file's life (fact_segment) */
	uint32_t segment; /* index into fact_batch.segments + 1; 0 = nowhere */
	int64_t offset;   /* bytes from the segment's start (of the decompressed stream) */
	int64_t length;   /* bytes of the raw value */
	struct text raw;  /* redacted raw JSON to keep in the store; TEXT_NONE = by pointer only */
	int64_t raw_dict; /* the store's: raw is compressed already, with this dictionary; 0 = it is not */
	bool by_fallback; /* read by the general JSON parser rather than the scanner; counted only */
};

struct fact_segment { /* one life of one file: what a raw pointer points into */
	struct text path;
	int64_t device, inode;
	uint64_t head_hash; /* text_hash of its first up to 256 bytes, over head_len bytes */
	int64_t head_len;
	bool compressed; /* gzip: offsets count decompressed bytes */
};

/* One commit of a Delta table. Natural key: table path, version. */
struct fact_version {
	struct text table;  /* name as shown: path below the root, else the directory's name */
	struct text path;   /* absolute */
	struct text table_id; /* metaData.id if this or an earlier commit told it */
	int64_t version;
	int64_t timestamp_ms;     /* the protocol's: in-commit, else monotone file time */
	int64_t commit_info_ms;   /* commitInfo.timestamp as the writer says; FACT_UNKNOWN */
	bool in_commit_timestamp; /* timestamp_ms is the inCommitTimestamp */
	struct text operation, user_id, user_name, engine, isolation_level, user_metadata;
	struct text parameters, metrics; /* JSON objects as the writer wrote them; TEXT_NONE = absent */
	struct text job, notebook, cluster_id; /* JSON objects and text as written */
	int64_t read_version;
	int8_t is_blind_append; /* -1 unknown */
	struct text update_id, pipeline_id, epoch_id; /* of pipeline engines' operationParameters */
	/* what the commit's own actions say */
	int64_t files_added, files_removed, bytes_added, bytes_removed;
	int64_t rows_added, rows_removed; /* FACT_UNKNOWN unless every file tells numRecords */
	int64_t dv_added;                 /* files re-added with a deletion vector */
	bool data_change;                 /* some add or remove has dataChange */
	struct text changes; /* JSON array of sentences: schema, properties, protocol; TEXT_NONE = none */
	struct text problem; /* why this row is incomplete ("commit has no commitInfo"), else TEXT_NONE */
};

enum health_state { HEALTH_OK, HEALTH_WAITING, HEALTH_SILENT, HEALTH_DEGRADED, HEALTH_FAILED };
const char *health_state_name(enum health_state state);

/* How a source is doing. Natural key: source, happened_at. Written on change and every minute. */
struct fact_health {
	enum health_state state;
	struct text text;   /* what, where, why, what to do next; clean */
	struct text detail; /* what is being read now: a path */
	int64_t behind;     /* bytes or versions not read yet; FACT_UNKNOWN */
};

/* Input that could not be read. Natural key: source, place. */
struct fact_undecodable {
	struct text place;  /* "/path/file:line 12 at byte 3400" */
	struct text reason; /* clean */
	struct text bytes;  /* its first FACT_KEEP_MAX bytes, foreign: clean before showing */
	int64_t length;     /* of the whole input; FACT_UNKNOWN */
};

/*
 * Kafka, and readers of it. A collector tells all it saw at every sweep; the store keeps changes.
 * cluster is the configuration's section name ("prod" of [kafka prod]): every witness of one cluster
 * says the same. Offsets are those of Kafka: high is the next offset to be written, processed the
 * next to be read, low the first that retention has left. Source: Kafka protocol ListOffsets,
 * OffsetFetch; Spark OffsetSeqLog (exclusive ends).
 */

/* Natural key: cluster, happened_at. Commits are read before ends, within one sweep. */
struct fact_sweep {
	struct text cluster;
	int64_t took_ms;
	int64_t brokers, brokers_down, topics, partitions, groups; /* FACT_UNKNOWN */
	int64_t unread; /* partitions and groups that this sweep could not read: theirs are unknown */
	struct text problem; /* clean; TEXT_NONE = none */
};

struct fact_mark {
	int32_t partition;
	int32_t leader;    /* broker id; -1 = none */
	int64_t low, high; /* FACT_UNKNOWN: not read in this sweep (low is read more rarely: last read) */
};

/* All partitions of one topic at one sweep. Natural key: cluster, topic, happened_at. */
struct fact_marks {
	struct text cluster, topic;
	bool gone;                /* the topic is not there any more: nmarks 0 */
	int64_t retention_ms;     /* topic configuration; -1 = forever, FACT_UNKNOWN = not allowed to ask */
	int64_t retention_bytes;  /* a partition; -1 = no limit */
	int8_t compacted;         /* cleanup.policy has compact and not delete; -1 unknown */
	struct fact_mark *marks;  /* by partition, in the batch's arena */
	size_t nmarks;
};

enum reader_kind { READER_GROUP, READER_CHECKPOINT, READER_EVENTLOG, READER_SINK };
/* "group", "checkpoint", "eventlog", "sink"; "" for none of these, as the next two */
const char *reader_kind_name(enum reader_kind kind);

struct fact_place {
	int32_t partition;
	int64_t processed; /* done: FACT_UNKNOWN = no commit, or not read in this sweep */
	int64_t started;   /* being processed up to here (offsets without commits); FACT_UNKNOWN */
	int64_t committed_at_ms; /* when the reader said so, by its own clock; FACT_UNKNOWN */
	/* of a Delta table: files of version `processed` that it has read; PART_TABLE */
	int64_t part;
};
enum { PART_TABLE = -1 }; /* it still reads the table as it was at version `processed` */

/*
 * How far one reader has read one topic, as one witness saw it. Natural key: witness kind, reader,
 * cluster, topic, happened_at. Two witnesses of one reader carry the same query_id (a Spark query's
 * id stands in its checkpoint's metadata and in its progress), and are shown as one line.
 */
struct fact_position {
	enum reader_kind kind;
	struct text reader;   /* group id; checkpoint path below its root; pipeline/flow */
	struct text query_id; /* TEXT_NONE = none */
	struct text cluster, topic; /* cluster NONE: not told; the topic's only cluster is taken */
	bool gone;            /* the reader is not there any more: nplaces 0 */
	/* a group's state as Kafka says it ("Stable", "Empty", "Dead", ...); NONE = not applicable */
	struct text state;
	int64_t members;      /* FACT_UNKNOWN: not told, or a protocol too new to ask */
	int64_t batch_started_ms; /* micro-batch under way since; FACT_UNKNOWN = none */
	/* a reader of a Delta table: cluster is "delta", topic the table's path, partition 0 in versions */
	bool of_delta;
	int64_t behind_files, behind_bytes; /* of_delta, or as the reader's own progress says */
	int64_t behind_records; /* as the reader's own progress says (backlog); FACT_UNKNOWN */
	int64_t behind_seconds;
	struct fact_place *places; /* by partition, in the batch's arena */
	size_t nplaces;
};

/*
 * One minute of one source table's records inside a topic (Debezium envelopes). Natural key: cluster,
 * topic, table, happened_at (the minute's start, by record time). counted of `seen` records of the
 * topic in that minute were looked at: exact when equal. Told again as the minute fills: the newest
 * row of a key replaces those before it.
 */
struct fact_topic_table {
	struct text cluster, topic, table; /* table: "db.schema.table"; NONE: records of no table */
	int64_t counted, bytes;
	int64_t creates, updates, deletes, reads, tombstones;
	int64_t seen;          /* records of the topic in this minute, from offsets; FACT_UNKNOWN */
	int64_t sampled;       /* records of the topic in this minute that were looked at */
	int64_t delay_sum_ms, delay_max_ms, delays; /* record time - source.ts_ms; snapshots not counted */
	int64_t last_at_ms;    /* newest record's time */
	bool snapshot;         /* snapshot records among them */
};

enum connector_state {
	CONNECTOR_UNKNOWN, CONNECTOR_RUNNING, CONNECTOR_UNASSIGNED, CONNECTOR_RESTARTING,
	CONNECTOR_PAUSED, CONNECTOR_STOPPED, CONNECTOR_FAILED
};
const char *connector_state_name(enum connector_state state);

/* A connector of Kafka Connect. Natural key: connect, connector, happened_at. */
struct fact_connector {
	struct text connect, connector; /* connect: the section's name */
	bool sink, gone;
	enum connector_state state, worst; /* its own; the worst of it and its tasks */
	int64_t tasks, tasks_failed;
	struct text worker, trace; /* first lines of the first failed task's trace; clean, redacted */
	struct text group;         /* of a sink: the consumer group it reads with */
	struct text topics;        /* as configured; NONE */
};

/*
 * A Delta table as replayed from its log. Natural key: path, happened_at (when it was looked at).
 * Told when anything in it changed. Source: the Delta protocol's reconciliation; figures of the
 * newest version. FACT_UNKNOWN where not known; problem says why the whole could not be read.
 */
/* member, its column in the store, what it is */
#define FACT_TABLE_NUMBERS(X)                                                                      \
	X(version, "version", "the one looked at")                                                 \
	X(timestamp_ms, "timestamp", "its time by the protocol")                                   \
	X(files, "files", "data files")                                                            \
	X(bytes, "bytes", "their sizes")                                                           \
	X(rows, "row_count", "rows that are not deleted")                                          \
	X(records, "records", "rows before deletion vectors")                                      \
	X(tombstones, "tombstones", "removed files that the log still names")                      \
	X(files_without_stats, "files_without_stats", "files that do not say their rows")          \
	X(small_files, "small_files", "files below DELTA_SMALL_FILE")                              \
	X(small_bytes, "small_bytes", "their sizes")                                               \
	X(deletion_vectors, "deletion_vectors", "files that have one")                             \
	X(deleted_rows, "deleted_rows", "rows they hide")                                          \
	X(partitions, "partitions", "distinct partition values")                                   \
	X(min_reader, "min_reader", "protocol")                                                    \
	X(min_writer, "min_writer", "protocol")                                                    \
	X(checkpoint, "checkpoint", "newest complete one; -1 = none")                              \
	X(earliest, "earliest", "version that the log can rebuild")                                \
	X(first_listed, "first_listed", "older versions are gone from the log")                    \
	X(first_restorable, "first_restorable", "from it on every version can be restored")        \
	X(newest_looked, "newest_looked", "files of the newest version looked for")                \
	X(newest_gone, "newest_gone", "of them missing")                                           \
	X(rescued, "rescued", "rows whose rescued-data column is not null")                        \
	X(flagged, "flagged", "rows in partitions that a flag column sets aside")

struct fact_table {
	struct text table, path; /* as in struct fact_version */
	bool anew; /* all told of this path so far is of another table, which is gone; tells no more */
#define X(member, column, about) int64_t member;
	FACT_TABLE_NUMBERS(X)
#undef X
	/*
	 * JSON object, clean: "id", "name", "description", "schema" [{"name","type","nullable"}],
	 * "partition_columns" [], "properties" {}, "reader_features" [], "writer_features" [],
	 * "notes" [] (sentences).
	 */
	struct text shape;
	struct text problem;
};
void fact_table_unknown(struct fact_table *table); /* all numbers FACT_UNKNOWN, no texts */

enum version_standing {
	STANDING_UNKNOWN,    /* nobody told */
	STANDING_CURRENT,
	STANDING_RESTORABLE, /* files and log are there */
	STANDING_LISTED,     /* the commit is listed, but files are gone, or the log before it */
	STANDING_GONE        /* not in the log any more */
};
const char *version_standing_name(enum version_standing standing);

/* Natural key: path, version, happened_at. Told on change. */
struct fact_standing {
	struct text table, path;
	int64_t version;
	enum version_standing standing;
	int64_t until_ms;   /* from then on cleaning may take it; FACT_UNKNOWN = nothing in sight */
	bool by_log;        /* until_ms, or being only listed, is owed to the log, not to files */
	int64_t files_old;  /* files it needs that the newest version lacks */
	int64_t files_gone, files_unlooked; /* of them */
	struct text gone;   /* one that is gone; clean */
};

struct fact {
	enum fact_kind kind; /* not EVENT: those stand in fact_batch.events */
	int64_t happened_at_ms;
	union {
		struct fact_version version;
		struct fact_health health;
		struct fact_undecodable undecodable;
		struct fact_sweep sweep;
		struct fact_marks marks;
		struct fact_position position;
		struct fact_topic_table topic_table;
		struct fact_connector connector;
		struct fact_table table;
		struct fact_standing standing;
	} u;
};

/*
 * A batch: everything one step of one collector learnt, and how far it has read. Filled by the
 * collector's thread, then owned by the writer until it returns it. All texts lie in its arena.
 */
struct fact_batch {
	struct text source; /* "eventlog fire": section and name */
	struct text cursor; /* the collector's own words (JSON), replaced as a whole; NONE = unchanged */
	struct arena arena;
	struct text *strings; /* [0] is absent */
	size_t nstrings, strings_room;
	uint32_t *slots; /* open-addressing index over strings */
	size_t slots_room;
	struct fact_event *events;
	size_t nevents, events_room;
	struct fact *facts;
	size_t nfacts, facts_room;
	struct fact_segment *segments;
	size_t nsegments, segments_room;
	/* counted for the source's line, whether or not they were new */
	int64_t read_bytes, read_records, undecodable, fallback;
	bool more; /* another batch of the source follows at once: this one may be shown with it */
};

struct fact_batch *fact_batch_new(void);
void fact_batch_free(struct fact_batch *batch);
void fact_batch_reset(struct fact_batch *batch); /* empties, keeps memory */
fact_string fact_batch_intern(struct fact_batch *batch, struct text text); /* copies; NONE gives 0 */
struct text fact_batch_string(const struct fact_batch *batch, fact_string string);
struct fact_event *fact_batch_event(struct fact_batch *batch); /* a fresh one, all unknown */
struct fact *fact_batch_fact(struct fact_batch *batch, enum fact_kind kind, int64_t happened_at_ms);
uint32_t fact_batch_segment(struct fact_batch *batch, const struct fact_segment *segment);
/* Keeps an undecodable input: place and reason are cleaned and copied, bytes are cut. */
void fact_batch_undecodable(struct fact_batch *batch, int64_t now_ms, struct text place,
	struct text reason, struct text bytes);

#endif
