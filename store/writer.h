/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_WRITER_H
#define STORE_WRITER_H

#include "store/derive.h"
#include "store/dims.h"
#include "store/event_rows.h"
#include "store/raw_pack.h"
#include "store/store.h"
#include "store/writer_lag.h"

/*
 * What the writer thread does with its connection. A batch of facts is one transaction; one or more
 * transactions make a unit with one number n that becomes visible at once, with the derived rows it
 * touched (writer_commit). Nothing here locks: the caller is the writer thread, or owns the store
 * alone. After an error the transaction is gone and the writer must not be used further.
 */
struct writer_source {
	struct text name;
	int64_t id;
	char *cursor; /* as of the newest commit; NULL = never read */
	size_t cursor_len;
	/* sums since the store's first batch, as in source_count */
	int64_t facts, undecodable, fallback, read_bytes, read_records, last_at, facts_batch;
	struct store_totals totals; /* since store_open */
};

struct writer_pipeline {
	int64_t id, k, name;
	int64_t hour; /* the newest one put into zone; -1 = none yet */
};

struct writer {
	sqlite3 *db;
	const struct clock *clock;
	int64_t n;            /* the number being filled */
	bool open;            /* something committed under n that is not visible yet */
	bool broken;          /* a transaction failed: memory and store may differ */
	int64_t opened_ms;    /* monotonic; when it began */
	int64_t unit_events;  /* new ones under n */
	int64_t k0, k1;       /* events under n; k0 > k1: none */
	int64_t k_max;        /* largest k in the store */
	int64_t seen_at_ms;   /* of the newest visible batch */
	struct dims *dims;
	struct derive *derive;
	struct raw_packer *raw;
	struct lag_writer *lag;
	struct arena arena;   /* of one batch */
	struct writer_source **sources;
	size_t nsources, sources_room;
	struct writer_pipeline *pipelines;
	size_t npipelines, pipelines_room;
	uint32_t pipeline_hints[1024]; /* by low bits of the id: index + 1 where it was last */
	struct event_rows_source rows;
	sqlite3_stmt *begin, *commit, *pending, *batch_add, *cursor_put, *source_add, *count_put;
	sqlite3_stmt *event_insert, *event_find, *event_scan, *edge_add;
	sqlite3_stmt *segment_find, *segment_add, *pipeline_find, *pipeline_add, *zone_add;
	sqlite3_stmt *table_find, *table_add, *version_add, *health_add, *undecodable_add;
	sqlite3_stmt *state_add, *state_newest, *shape_find, *shape_add, *standing_add, *standing_newest;
};

/* On an open, migrated connection. Finishes what a crash left invisible. */
bool writer_open(struct writer *writer, sqlite3 *db, const struct clock *clock, struct err *err);
void writer_close(struct writer *writer); /* leaves the connection */
struct writer_source *writer_source(struct writer *writer, struct text name, struct err *err);
/* One transaction: the batch's facts and cursor; visible: with it everything under n shows. */
bool writer_batch(
	struct writer *writer, const struct fact_batch *batch, bool visible, struct err *err);
/*
 * Makes visible what earlier transactions left; does nothing when nothing is open. Of both: false
 * without `broken` says that nothing was begun (another process writes); it may be tried again.
 */
bool writer_show(struct writer *writer, struct err *err);
/* The newest unit seen before that instant; 0 = none. */
bool writer_batch_before(struct writer *writer, int64_t cut_ms, int64_t *n_out, struct err *err);
bool writer_retain(struct writer *writer, const int64_t keep_days[FACT_KIND_COUNT],
	int64_t whole_lag_ms, struct err *err);

/* One event on its way in: its key, and what has it. */
struct writer_place {
	int64_t k;
	const struct fact_event *fact;
};
/* Sorts by key and leaves the places whose events are new, each with a key of its own. */
bool writer_drop_known(
	struct writer *writer, struct writer_place *places, size_t *n_out, struct err *err);

/* Parts, each within the transaction of writer_batch. */
bool writer_events(struct writer *writer, struct writer_source *source,
	const struct fact_batch *batch, int64_t *new_out, struct err *err);
bool writer_facts(struct writer *writer, struct writer_source *source,
	const struct fact_batch *batch, int64_t *new_out, struct err *err);
/* The id of the table at path, made if it is new; name NONE = the path. */
bool writer_table(struct writer *writer, const struct writer_source *source, struct text path,
	struct text name, int64_t *id_out, struct err *err);
/* FACT_TABLE and FACT_STANDING. *new_out: something in it is news. */
bool writer_table_fact(struct writer *writer, const struct writer_source *source,
	const struct fact *fact, bool *new_out, struct err *err);

#endif
