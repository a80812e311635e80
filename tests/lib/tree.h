/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_TREE_H
#define TESTS_LIB_TREE_H

#include <stdint.h>

/* Files below a folder of a test's own, as other programs put them there. A failure fails the test. */

void tree_run(const char *folder, const char *line); /* a shell's line, in the folder */
/*
 * A file of these bytes and this modification time, by a rename from beside it as writers do; its
 * folders are made.
 */
void tree_put(const char *folder, const char *name, const char *bytes, int64_t modified_ms);

#endif
