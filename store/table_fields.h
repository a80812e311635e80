/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_TABLE_FIELDS_H
#define STORE_TABLE_FIELDS_H

#include "store/fact.h"

/*
 * The columns of table_state and standing as both sides of the store name them: the numbers of
 * struct fact_table, then shape and problem. Private to store/.
 */
#define STATE_COLUMN(member, column, about) column ", "
#define STATE_COLUMNS FACT_TABLE_NUMBERS(STATE_COLUMN) "shape, problem"
#define STANDING_COLUMNS "standing, until, by_log, files_old, files_gone, files_unlooked, gone"

enum {
#define X(member, column, about) STATE_AT_##member,
	FACT_TABLE_NUMBERS(X)
#undef X
	STATE_SHAPE,
	STATE_PROBLEM
};

#endif
