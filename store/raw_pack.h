/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_RAW_PACK_H
#define STORE_RAW_PACK_H

#include "store/internal.h"

/* The writer's side of table raw: compresses, with a dictionary for each event type. */
struct raw_packer;

bool raw_packer_open(sqlite3 *db, struct raw_packer **packer_out, struct err *err);
void raw_packer_close(struct raw_packer *packer);
bool raw_packer_put(struct raw_packer *packer, int64_t k, enum event_type type, struct text json,
	struct err *err);

#endif
