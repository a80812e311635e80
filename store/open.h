/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_OPEN_H
#define STORE_OPEN_H

#include "store/internal.h"

/*
 * Opening a store for writing: the writer lock beside it, its form, its migrations. Private to the
 * writing side.
 */

/*
 * Takes the writer lock of the store at path: a lock on the file PATH-lock, which also holds our
 * pid. The lock goes with the descriptor, also when the process is killed. ERR_STORE names the pid
 * of another holder.
 */
bool lock_take(const char *path, int *fd_out, struct err *err);
void lock_drop(int fd);

/* Opens, checks and migrates; needs the lock. full_sync: synchronous=FULL. */
bool store_open_db(const char *path, bool full_sync, sqlite3 **db_out, struct err *err);

#endif
