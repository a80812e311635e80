/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_DELTA_TABLE_STATE_H
#define COLLECTORS_DELTA_TABLE_STATE_H

#include <sys/stat.h>

#include "collectors/delta/replay.h"
#include "collectors/delta/state.h"

/* A file in the versions from `from` to before `to`; with delta_at.lifetimes. */
struct delta_span {
	struct text path; /* as the log spells it */
	struct delta_dv dv;
	int64_t from, to, deleted_ms;
};

/* Versions that follow one another and can be rebuilt; to: INT64_MAX while it goes on. */
struct delta_segment {
	int64_t from, to;
};

/* What stands behind struct delta_snapshot; for the library's own files. */
struct delta_snapshot {
	char *path;    /* absolute, of the table */
	char *log_dir;
	int log_fd;    /* -1 = not open: only while something is read */
	struct delta_log log;
	int64_t *times; /* file times of log.commits; FACT_UNKNOWN = not asked yet */
	struct delta_at at;
	struct delta_state state;
	struct delta_replay replay;
	json_t *metadata, *protocol; /* newest; NULL = none yet */
	json_t *txns, *domains, *notes;
	int64_t version;
	int64_t checkpoint;          /* -1 = replayed from version 0 */
	int64_t in_commit_ms;        /* of version; FACT_UNKNOWN = none */
	struct stat commit;          /* version's file when it was read; st_ino 0 = not known */
	int64_t taken;               /* actions, since it was opened */
	int64_t timestamp_ms;
	bool in_commit_timestamp;
	struct delta_span *spans;    /* ended ones, in the order of their ends */
	size_t nspans, spans_room;
	struct arena span_texts;
	int64_t applying;            /* the version whose actions come in */
	struct delta_segment *segments; /* with lifetimes: what they are known of */
	size_t nsegments, segments_room;
	int64_t rebuilt;             /* how often lifetimes were begun anew */
	/* while applying a checkpoint */
	bool is_checkpoint;
	json_t *sidecars;            /* names */
};

/* The state at target, out of a checkpoint and commits, or all of them for lifetimes. */
bool delta_rebuild(struct delta_snapshot *snapshot, int64_t target, struct err *err);
/* A version's commit file as it is now; st_ino 0 = it is not there. */
struct stat delta_commit_stat(const struct delta_snapshot *snapshot, int64_t version);
/* Commits behind `from` up to the target, which must follow one another. */
bool delta_apply_commits(struct delta_snapshot *snapshot, int64_t from, int64_t target,
	struct err *err);
/* A file was there from was->since to before `to`. */
void delta_span_add(struct delta_snapshot *snapshot, const struct delta_entry *was, int64_t to,
	int64_t deleted_ms);
bool delta_snapshot_take(void *context, const struct delta_action *action, struct err *err);
/* A note for people: cleaned here. */
void delta_snapshot_note(struct delta_snapshot *snapshot, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Loads one complete checkpoint into an empty state. Error: names the file. */
bool delta_checkpoint_load(struct delta_snapshot *snapshot,
	const struct delta_checkpoint *checkpoint, struct err *err);

/* Notes what engines will stumble over: a _last_checkpoint that is no JSON or names nothing. */
void delta_hint_check(struct delta_snapshot *snapshot);
/* Notes where version.crc tells other figures than the replay. */
void delta_crc_check(struct delta_snapshot *snapshot);

/* May this table be read? False: ERR_UNSUPPORTED names the version or the feature. */
bool delta_protocol_readable(const json_t *protocol, struct err *err);
/* A property's text, whatever JSON it is; NONE where unset. Borrowed. */
struct text delta_property(const json_t *metadata, const char *name);
/* A property is this word, in capitals or not, as engines read it. */
bool delta_property_is(const json_t *metadata, const char *name, const char *word);
/* "interval 1 week", "interval 7 days 3 hours": ms; false where not understood. */
bool delta_interval(struct text text, int64_t *ms_out);

/* Fills times up to and with log.commits[upto]. */
void delta_times_fill(struct delta_snapshot *snapshot, size_t upto);
/* The protocol's time of log.commits[i] without in-commit timestamps. */
int64_t delta_time_of_file(struct delta_snapshot *snapshot, size_t i);
/* Sets the snapshot's timestamp by what the protocol says. */
void delta_times_set(struct delta_snapshot *snapshot);
/* The newest version not after a time; snapshot: the newest. */
bool delta_times_find(struct delta_snapshot *snapshot, int64_t timestamp_ms, int64_t *version_out,
	struct err *err);
/* inCommitTimestamp of one commit; FACT_UNKNOWN where it has none or cannot be read. */
int64_t delta_in_commit_ms(struct delta_snapshot *snapshot, int64_t version);
/* Place of a version in log.commits; false = it is not there. */
bool delta_commit_place(const struct delta_log *log, int64_t version, size_t *place_out);

#endif
