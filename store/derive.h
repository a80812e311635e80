/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_DERIVE_H
#define STORE_DERIVE_H

#include "store/fold.h"
#include "store/internal.h"

/*
 * Keeps the derived tables equal to the facts. Events are folded in memory as they are inserted;
 * derive_flush writes what they touched, in the transaction that makes their batch visible. A flow
 * that met an event of an older micro-batch is folded from its facts again at the flush. Writer
 * thread only.
 */
struct derive;

bool derive_open(sqlite3 *db, struct derive **derive_out, struct err *err);
void derive_close(struct derive *derive);
/* An event that was inserted with batch number n, not visible yet. */
bool derive_add(struct derive *derive, const struct stored_event *event, struct err *err);
/* Writes all that batch n touched. */
bool derive_flush(struct derive *derive, int64_t n, struct err *err);
size_t derive_dirty(const struct derive *derive); /* rows the next flush writes, about */
/* After rows of run or flow_run went: forget what is in memory. Nothing may be unflushed. */
void derive_forget(struct derive *derive);

#endif
