/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_LAG_INTERNAL_H
#define STORE_LAG_INTERNAL_H

#include "store/lag_sweeps.h"
#include "store/lag_walk.h"
#include "store/topic_pack.h"
#include "store/writer_lag.h"

/* What the files of the writer's lag share. Private to them. */
enum { SERIES_MARKS = 0, SERIES_TABLES = 1, SERIES_READER = 2 /* + enum reader_kind */ };
enum { LAG_ROW_MAX = 64 << 20 };

struct lag_series {
	int64_t id, kind, cluster, topic, reader, source;
	bool loaded, has_row;
	struct lag_state state; /* after the newest row */
	int64_t at;             /* of the newest row */
	int64_t confirmed_at;   /* told last, changed or not, since the store was opened */
	int64_t named_at;       /* the same, by the teller's clock */
	int64_t rows;           /* since the last keyframe */
	/* source tables: what was told last of the newest minute, so that it is not kept twice */
	int64_t minute_told;
	struct topic_entry *told; /* by tbl */
	size_t ntold, told_room;
};

struct topic_row { /* of the batch under way */
	struct lag_series *series;
	int64_t minute, seen, sampled;
	size_t order; /* as told */
	struct topic_entry entry;
};

struct lag_writer {
	sqlite3 *db;
	struct lag_series **slots; /* open addressing by the four keys */
	size_t nseries, room;
	struct lag_state next;     /* of the fact under way */
	struct lag_walk walked;
	struct buf x;
	struct topic_row *rows;
	size_t nrows, rows_room;
	struct lag_sweeps **sweeps; /* of sources whose series were loaded: as the store was opened */
	size_t nsweeps;
	struct arena arena;        /* holds those */
	/* of the batch under way */
	const struct fact *sweep;  /* not yet written */
	int64_t looked;        /* time of the last look, unknown = none */
	int64_t whole_cluster; /* dim of a cluster swept without anything unread; 0 = none */
	int64_t whole_at;
	sqlite3_stmt *walk, *sweeps_last, *series_add, *change_add, *sweep_add, *minute_add, *table_add;
	sqlite3_stmt *connector_last, *connector_add;
};

/* The series, with its newest state; a new one if there is none. */
struct lag_series *lag_series_find(struct writer *writer, struct writer_source *source,
	struct lag_series key, struct err *err);

/* Source tables inside topics. */
bool lag_topic_table(struct writer *writer, struct writer_source *source, const struct fact *fact,
	bool *new_out, struct err *err);
bool lag_topic_end(struct writer *writer, struct err *err);

#endif
