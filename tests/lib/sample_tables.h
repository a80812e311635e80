/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_SAMPLE_TABLES_H
#define TESTS_LIB_SAMPLE_TABLES_H

#include "store/fact.h"

/* Part of SAMPLE_PART_TABLES: states and standings; hostile: the name of the table that has it. */
void sample_conditions(struct fact_batch *batch, const char *hostile);

#endif
