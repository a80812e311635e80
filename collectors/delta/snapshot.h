/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_DELTA_SNAPSHOT_H
#define COLLECTORS_DELTA_SNAPSHOT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/progress.h"
#include "base/text.h"
#include "collectors/delta/delta.h"

/*
 * The state of a Delta table at a version: replayed from its log by the protocol's rules. Needs
 * neither SQLite nor the network. No global state; an object belongs to one thread. Times are UTC
 * milliseconds, sizes bytes; what nobody reported is FACT_UNKNOWN (json: null).
 *
 * Errors name the file and what to do. Kinds: ERR_ABSENT no such table or version, ERR_UNSUPPORTED a
 * protocol or feature that may not be read here, ERR_FORMAT a damaged log, ERR_IO, ERR_AUTH,
 * ERR_LIMIT, ERR_CANCELED stopped by delta_at.progress.
 */
struct delta_snapshot;

struct delta_at {
	int64_t version;      /* FACT_UNKNOWN = by timestamp, or the newest */
	int64_t timestamp_ms; /* the newest version not after it; FACT_UNKNOWN = not asked */
	/*
	 * Read around a checkpoint that is damaged, by an older one or all commits, and note it.
	 * Otherwise it is an error, as it is for engines.
	 */
	bool around_damage;
	/* Adds up stats.nullCount of this top-level column (its physical name); NONE = no column. */
	struct text null_count_column;
	/*
	 * Remember when each file came and went, for the horizon: replays all that the log can rebuild
	 * instead of the newest checkpoint. Costs 2 bytes more a file and about 150 for each removed
	 * one. Tombstones are then more: all of the log's, not only those the checkpoint kept. An older
	 * checkpoint that is damaged is passed over, with a note.
	 */
	bool lifetimes;
	bool without_files; /* metaData, protocol, transactions only; of a checkpoint a few columns */
	struct progress *progress; /* of _open and _advance; must outlive the snapshot; NULL = none */
};
#define DELTA_NEWEST                                                                               \
	((struct delta_at){ .version = FACT_UNKNOWN, .timestamp_ms = FACT_UNKNOWN })

/*
 * path: the table's directory, its _delta_log, or a file: URI of one. Cost: one readdir, then the
 * newest complete checkpoint and the commits behind it. Memory: 40 to 70 bytes a file where names
 * are as engines make them, plus one commit's read buffer (1 MiB, or its longest line).
 */
bool delta_snapshot_open(const char *path, const struct delta_at *at,
	struct delta_snapshot **snapshot_out, struct err *err);
/*
 * Applies the commits that came since; *changed_out: there were any. Cost: three stats where
 * nothing came. After false the snapshot is only good for _free: open it again. ERR_ABSENT: the
 * table was made anew at the same place.
 */
bool delta_snapshot_advance(struct delta_snapshot *snapshot, bool *changed_out, struct err *err);
void delta_snapshot_free(struct delta_snapshot *snapshot);

/* A file smaller than this is small: an eighth of what engines aim at (128 MiB) is still fine. */
#define DELTA_SMALL_FILE ((int64_t)16 << 20)

/* What a snapshot says in numbers. Borrowed texts live as long as the snapshot stays as it is. */
struct delta_detail {
	struct text path;        /* absolute */
	struct text id, name, description, provider; /* of metaData; maybe NONE */
	int64_t version;
	int64_t timestamp_ms;    /* by the protocol: in-commit, else the file's, made to ascend */
	bool in_commit_timestamp;
	int64_t created_ms;      /* metaData.createdTime */
	int64_t newest_version;  /* of the log as listed */
	int64_t earliest_version; /* that can be rebuilt from the log; FACT_UNKNOWN = none */
	int64_t checkpoint;      /* the replay began behind it; -1 = at version 0 */
	int64_t newest_checkpoint; /* complete, at or before version; -1 = none */
	int64_t files, bytes, rows, tombstones;
	int64_t records;         /* rows before deletion vectors */
	int64_t files_without_stats;
	int64_t deletion_vectors, deleted_rows;
	int64_t small_files, small_bytes; /* size < DELTA_SMALL_FILE */
	int64_t partitions;      /* distinct partition values among the files; 1 where unpartitioned */
	int64_t null_count;      /* of at.null_count_column */
	int64_t min_reader, min_writer;
	int64_t state_bytes;     /* memory that files, tombstones and lifetimes take */
};
void delta_snapshot_detail(const struct delta_snapshot *snapshot, struct delta_detail *out);

/* Borrowed JSON; NULL where there is none, which jansson's accessors take for empty. */
const json_t *delta_snapshot_metadata(const struct delta_snapshot *snapshot);
const json_t *delta_snapshot_protocol(const struct delta_snapshot *snapshot);
const json_t *delta_snapshot_properties(const struct delta_snapshot *snapshot); /* name -> text */
const json_t *delta_snapshot_partitions(const struct delta_snapshot *snapshot); /* logical names */
const json_t *delta_snapshot_txns(const struct delta_snapshot *snapshot);    /* appId -> version */
const json_t *delta_snapshot_domains(const struct delta_snapshot *snapshot); /* name -> text */
const json_t *delta_snapshot_notes(const struct delta_snapshot *snapshot); /* sentences, clean */
/* The caller owns it: [{"name","type","nullable"}], logical names; "array<long>". */
json_t *delta_snapshot_schema(const struct delta_snapshot *snapshot);
/* A duration property ("interval 1 week") in ms; fallback where unset or not understood. */
int64_t delta_snapshot_duration(const struct delta_snapshot *snapshot, const char *property,
	int64_t fallback_ms);

/* ---- files ---- */

struct delta_dv {
	char storage;     /* 'u' beside the table, 'p' absolute path, 'i' inline; 0 = no vector */
	struct text path; /* pathOrInlineDv */
	int64_t offset, size, cardinality; /* offset FACT_UNKNOWN = absent, which is not 0 */
};

struct delta_entry {
	struct text path; /* as the log spells it: a URI, percent-encoded */
	int64_t size, records, modified_ms, null_count;
	int64_t since;    /* version that added it, with delta_at.lifetimes; else FACT_UNKNOWN */
	int64_t rows;     /* records less what the deletion vector hides */
	struct text partition_values; /* JSON object as the log has it: physical names */
	struct delta_dv dv;
	bool tombstone;
	int64_t deleted_ms; /* of a tombstone */
};

/* Walks files in the order they came into the log. Zero-initialize; _next's texts live until _next. */
struct delta_walk {
	bool tombstones; /* walk these instead of the files */
	size_t at;       /* private */
	struct arena arena;
};
bool delta_walk_next(const struct delta_snapshot *snapshot, struct delta_walk *walk,
	struct delta_entry *out);
void delta_walk_done(struct delta_walk *walk);
/* Partition values by logical name, null and "" as null; the caller owns it. */
json_t *delta_partition_values(const struct delta_snapshot *snapshot, struct text logged);
/* Where an entry's path leads, absolute: malloc'ed; NULL = another file system ("s3://..."). */
char *delta_file_location(const struct delta_snapshot *snapshot, struct text path);
/* The same of a deletion vector's file; NULL also for one that is inline. Rows: deletion.h. */
char *delta_dv_location(const struct delta_snapshot *snapshot, const struct delta_dv *dv);

/* ---- what can still be restored ---- */

struct delta_horizon_row {
	int64_t version, timestamp_ms; /* timestamp: of its file, made to ascend */
	enum version_standing standing; /* never UNKNOWN; nor GONE: see delta_horizon.first_listed */
	/*
	 * From then on VACUUM or log cleanup may take it; in the past: the next run will. The least of:
	 * for each file it needs and the newest version lacks, deletionTimestamp +
	 * delta.deletedFileRetentionDuration; its commit's time, up to midnight UTC, +
	 * delta.logRetentionDuration. FACT_UNKNOWN = nothing threatens it, or not restorable.
	 */
	int64_t until_ms;
	bool by_log;       /* until_ms, or being only listed, is owed to the log, not to files */
	int64_t files_old; /* files it needs that the newest version lacks */
	int64_t files_gone, files_unlooked; /* of them; unlooked: elsewhere, or past the budget */
	struct text gone;  /* one that is gone: a data file or a deletion vector's, as a path */
};

struct delta_looks {
	int64_t now_ms;
	int64_t old_max;    /* files looked for in this call, most recently removed first */
	int64_t newest_max; /* and of the newest version, evenly spread; 0 = none */
	struct progress *progress; /* NULL = none */
};

struct delta_horizon {
	struct delta_horizon_row *rows; /* versions ascend; listed ones only */
	size_t n;
	int64_t first_listed;     /* versions below are STANDING_GONE; FACT_UNKNOWN = all are */
	int64_t first_restorable; /* every version from it on can be restored; the newest at worst */
	int64_t looked;           /* files looked for in the last call */
	int64_t newest_looked, newest_gone; /* of the newest version's files, of so many seen */
	struct text newest_gone_path;
	struct arena arena;       /* of the texts */
	struct delta_known *known; /* private: what was found before, by directory */
};

/*
 * snapshot: the newest version, opened with lifetimes; advance it and read again. Zero-initialize
 * the horizon once, keep it between calls. Cost: one pass over the removed files; one stat for each
 * of them that was not looked for since its directory last changed, at most old_max, and one stat a
 * directory. Files of the newest version are looked for only as newest_max allows: with n files the
 * cost is never a million stats. What stands on another file system is not looked for. False:
 * ERR_CANCELED, stopped by looks->progress; the horizon has no rows then and may be read again.
 */
bool delta_horizon_read(struct delta_horizon *horizon, struct delta_snapshot *snapshot,
	const struct delta_looks *looks, struct err *err);
void delta_horizon_done(struct delta_horizon *horizon);
int64_t delta_horizon_bytes(const struct delta_horizon *horizon); /* memory it takes */

/* ---- one commit's file actions ---- */

struct delta_commit_file {
	struct delta_entry entry; /* .tombstone: a remove */
	bool data_change;
};
/* Every add and remove of one JSON commit, in its order. take: false stops with *err set by it. */
bool delta_commit_files(const char *log_dir, int64_t version,
	bool (*take)(void *context, const struct delta_commit_file *file, struct err *err),
	void *context, struct err *err);

/*
 * What a writer wrote down of a version in N.crc: figures without replay, if it is there (70 of 221
 * tables met had any). False: there is none, or it is no JSON.
 */
struct delta_crc {
	int64_t files, bytes, deleted_rows, deletion_vectors, in_commit_ms;
};
bool delta_crc_read(const char *log_dir, int64_t version, struct delta_crc *out);

/* ---- two versions ---- */

struct delta_diff {
	int64_t from, to;
	int64_t files_added, files_removed, bytes_added, bytes_removed, rows_added, rows_removed;
	int64_t dv_changed; /* same data file, other deletion vector; counted above on both sides */
	json_t *changes;    /* sentences about schema, properties, protocol; owned */
};
/* Cost: both states are looked through once, twice where there are deletion vectors. */
void delta_diff(const struct delta_snapshot *from, const struct delta_snapshot *to,
	struct delta_diff *out);
void delta_diff_done(struct delta_diff *diff);
/* The files of one that the other lacks, by path and deletion vector; as delta_walk_next. */
bool delta_diff_next(const struct delta_snapshot *in, const struct delta_snapshot *not_in,
	struct delta_walk *walk, struct delta_entry *out);

#endif
