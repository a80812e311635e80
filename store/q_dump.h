/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_Q_DUMP_H
#define STORE_Q_DUMP_H

#include "store/reader_internal.h"

/*
 * What the files of the dump share: one line under way, a JSON object whose fields are put one after
 * the other. What is unknown is left out. Private to store/q_dump*.c.
 */
struct dump {
	struct names *names;
	struct buf line;
	bool first; /* no field yet */
	bool (*put)(void *context, struct text json);
	void *context;
	struct err *err;
};

void dump_begin(struct dump *dump, enum fact_kind kind);
bool dump_end(struct dump *dump); /* hands the line out */
void dump_text(struct dump *dump, const char *name, struct text text);
void dump_int(struct dump *dump, const char *name, int64_t value);
void dump_flag(struct dump *dump, const char *name, bool value); /* false is left out */
bool dump_dim(struct dump *dump, const char *name, int64_t dim);
/* What dump_text and dump_int do in two steps, for values of other forms. */
void dump_key(struct dump *dump, const char *name);
void dump_json_text(struct buf *buf, struct text text);
/* A list of objects: each item's fields are put between item and item_end. */
void dump_list(struct dump *dump, const char *name);
void dump_item(struct dump *dump);
void dump_item_end(struct dump *dump);
void dump_list_end(struct dump *dump);
/* Every row of the statement, as of the snapshot: ?1. */
bool dump_query(struct dump *dump, enum query query,
	bool (*fill)(struct dump *dump, sqlite3_stmt *stmt));
/* Texts looked up so far are forgotten when they are many: between lines only. */
void dump_names_reset(struct dump *dump);

/* All facts of one kind. */
bool dump_events(struct dump *dump);
bool dump_sweeps(struct dump *dump);
bool dump_marks(struct dump *dump);
bool dump_positions(struct dump *dump);
bool dump_topic_tables(struct dump *dump);
bool dump_connectors(struct dump *dump);

#endif
