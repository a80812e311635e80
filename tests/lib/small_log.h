/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_SMALL_LOG_H
#define TESTS_LIB_SMALL_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "collectors/delta/snapshot.h"

/* A small Delta table that a cmocka test writes commit by commit; what cannot be written fails it. */

extern char log_folder[64]; /* the table's directory */

/* cmocka's set-up and tear-down of a test: an empty _delta_log in a folder of its own. */
int log_set_up(void **state);
int log_set_up_in_memory(void **state); /* on a file system that keeps any time, if there is one */
int log_tear_down(void **state);
const char *log_path(const char *name); /* of a file in the table; until the next call */
void log_write(const char *name, const char *text, int64_t modified_ms);
/*
 * A commit at that time: "+a" adds, "-a" removes (at that time), blanks between. head: properties as
 * JSON members, "" = none; NULL = no protocol and metaData.
 */
void log_commit(int version, int64_t at_ms, const char *head, const char *files);
/* A v2 checkpoint in JSON: its files as "+a", its tombstones as "-a", as of that time. */
void log_checkpoint(int version, int64_t at_ms, const char *files);
struct delta_snapshot *log_open(bool lifetimes); /* the newest version */

#endif
