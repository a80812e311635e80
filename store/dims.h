/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_DIMS_H
#define STORE_DIMS_H

#include "store/internal.h"

/*
 * The writer's side of the dictionary: text -> dim.id, remembered in memory up to a bound, looked
 * up in the store beyond it, added when new. Writer thread only.
 */
struct dims;

bool dims_open(sqlite3 *db, struct dims **dims_out, struct err *err);
void dims_close(struct dims *dims);
/* TEXT_NONE gives 0. */
bool dims_id(struct dims *dims, struct text text, int64_t *id_out, struct err *err);

#endif
