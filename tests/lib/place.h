/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_PLACE_H
#define TESTS_LIB_PLACE_H

#include <stdint.h>

#include "store/store.h"

/* Nothing that a test waits for takes so long; a machine that is busy with other things may. */
enum { PATIENCE_MS = 120000 };

/* A folder of its own for the one store that a test program makes again and again. */
extern char place_store[64]; /* path of the store; "" outside the folder's life */

/* cmocka's group set-up and tear-down; 0 = good. */
int place_make(void **state);
int place_remove(void **state);
/* cmocka's tear-down of a test: the store and what lies beside it go. */
int place_clear(void **state);
void place_next(void); /* place_store is another one, beside those so far */
/* Opened for writing on the system's clock; ends the program with the reason when it cannot be. */
struct store *place_open(void);
int64_t place_deadline(void); /* for store_put and store_flush: longer than any of them takes */
/* The first column of the first row; -1 without one. Ends the program on an error. */
int64_t place_ask(const char *sql);

#endif
