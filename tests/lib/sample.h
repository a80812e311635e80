/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_SAMPLE_H
#define TESTS_LIB_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "store/fact.h"

/*
 * A small estate made of facts, the same at every run: what screen and store tests look at.
 *
 * fire_regulatory   hourly; collateral_silver 92 200 of 100 000 rows published, rule failures 9 112;
 *                   derivative_silver tells its quarantine by a table; security_silver no quality
 * hinge_cdc         failing: one chain of five attempts, the flow's error is the root cause
 * pos_retail        every 5 minutes, nothing for 41 minutes
 * aml_graph         an update running, flows in every early state
 * a hostile name    escape sequences, direction marks, wide characters, 300 bytes long
 */
#define SAMPLE_NOW_MS INT64_C(1772445600000) /* 2026-03-02T10:00:00Z */

#define SAMPLE_FIRE      "5f1ac0de-0001-4000-8000-0000000000f1"
#define SAMPLE_FIRE_LAST "f1000013-0001-4000-8000-000000000001" /* the newest update */
#define SAMPLE_CDC       "5f1ac0de-0002-4000-8000-0000000000cd"
#define SAMPLE_TABLE     "fire/collateral_silver"

enum sample_part { SAMPLE_PART_FIRE, SAMPLE_PART_CDC, SAMPLE_PART_RETAIL, SAMPLE_PART_RUNNING,
	SAMPLE_PART_HOSTILE, SAMPLE_PART_TABLES, SAMPLE_PART_SOURCES, SAMPLE_PART_COUNT };

/* Fills an empty batch with one part, its source and cursor set. */
void sample_fill(struct fact_batch *batch, enum sample_part part);
/* A new store at path with every part, seen at SAMPLE_NOW_MS; closed again. */
bool sample_store(const char *path, struct err *err);

#endif
