/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_DERIVED_H
#define TESTS_LIB_DERIVED_H

#include <stdbool.h>

#include "base/buf.h"

/*
 * Compares the derived tables of the store at path with sums made from its facts the slow and plain
 * way, without store/fold.h. False, and why says what differs first. In `dump` (or NULL) goes what
 * the derived tables say, by names instead of numbers: equal facts give equal dumps.
 */
bool derived_equal_facts(const char *path, struct buf *why, struct buf *dump);

#endif
