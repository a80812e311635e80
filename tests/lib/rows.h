/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_ROWS_H
#define TESTS_LIB_ROWS_H

#include "base/buf.h"
#include "store/reader.h"

/*
 * Everything the reader tells as of an instant, as text: what a query test compares. False with err
 * when a query failed. The snapshot is begun and ended here.
 */
bool rows_dump(struct reader *reader, int64_t as_of_ms, struct buf *out, struct err *err);

#endif
