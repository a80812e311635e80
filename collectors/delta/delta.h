/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_DELTA_DELTA_H
#define COLLECTORS_DELTA_DELTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/progress.h"
#include "base/text.h"
#include "store/fact.h"

/*
 * The library's front door: Delta tables' transaction logs, read from directories. It needs
 * neither SQLite nor the network; of the store only the fact vocabulary. No global state; an
 * object belongs to one thread.
 */

/* What a name in _delta_log means. Everything a crashed writer leaves behind is OTHER. */
enum delta_file_kind {
	DELTA_OTHER,
	DELTA_COMMIT,          /* 00000000000000000007.json */
	DELTA_CHECKPOINT,      /* 00000000000000000007.checkpoint.parquet */
	DELTA_CHECKPOINT_PART, /* ...7.checkpoint.0000000001.0000000003.parquet */
	DELTA_CHECKPOINT_V2    /* ...7.checkpoint.<unique>.json or .parquet */
};

struct delta_file {
	enum delta_file_kind kind;
	int64_t version;
	int64_t part, parts; /* of DELTA_CHECKPOINT_PART; part counts from 1 */
};
/* Pure: what a file's name says. */
struct delta_file delta_file_of(struct text name);

/* A complete checkpoint: all parts are there. */
struct delta_checkpoint {
	enum delta_file_kind kind; /* the order of preference at one version */
	int64_t version;
	int64_t parts; /* of DELTA_CHECKPOINT_PART; else 1 */
	char *name;    /* of DELTA_CHECKPOINT_V2, else NULL; delta_checkpoint_name makes the others' */
};

/* A log as its directory lists it. Versions ascend, none twice. Zero-initialize; free by _done. */
struct delta_log {
	int64_t *commits;
	size_t ncommits;
	int64_t *checkpoints; /* complete ones: all parts are there */
	size_t ncheckpoints;
	struct delta_checkpoint *complete; /* the same with their files; a version may stand twice */
	size_t ncomplete;
};
/* A checkpoint's file, malloc'ed; part from 1. */
char *delta_checkpoint_name(const struct delta_checkpoint *checkpoint, int64_t part);
/* Lists dir (a _delta_log). On false the log is untouched. Cost: one readdir. */
bool delta_log_list(const char *dir, struct delta_log *log_out, struct err *err);
void delta_log_done(struct delta_log *log);
/* The oldest complete checkpoint at or after version; -1 = none. */
int64_t delta_log_checkpoint_from(const struct delta_log *log, int64_t version);

/*
 * The table's directory and its log's, malloc'ed, of what people or configurations name it by: either
 * of them, or a file: URI.
 */
bool delta_find_table(const char *given, char **path_out, char **log_dir_out, struct err *err);
/*
 * Reads all JSON commits of one table into the batch, oldest first, one FACT_VERSION each; what
 * cannot be read becomes FACT_UNDECODABLE and the rest goes on. path: the table's directory or its
 * _delta_log, or a file: URI of one. False only when there is no log to read (ERR_ABSENT, ERR_AUTH,
 * ERR_IO) or progress, which may be NULL, stopped it (ERR_CANCELED). A log without JSON commits gives
 * no version and one FACT_UNDECODABLE that says so.
 */
bool delta_read_table(const char *path, struct progress *progress, struct fact_batch *batch,
	struct err *err);

#endif
