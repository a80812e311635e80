/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_DELTA_SCHEMA_H
#define COLLECTORS_DELTA_SCHEMA_H

#include <jansson.h>

#include "base/arena.h"
#include "base/text.h"

enum { DELTA_COLUMNS_MAX = 20 * 1000 };

/* One field of a schema, nested ones under their dotted path. */
struct delta_column {
	struct text path;
	const char *type;                  /* "long", "array of string", "struct" */
	const struct delta_column *parent; /* NULL at the top */
	bool nullable;
	int64_t id; /* delta.columnMapping.id; FACT_UNKNOWN */
};

struct delta_schema {
	struct delta_column **columns; /* by path */
	size_t n, room, top; /* top: those without parent */
	bool cut;            /* more than DELTA_COLUMNS_MAX */
};

/* Reads metaData.schemaString into the arena; no columns where there is none. */
struct delta_schema delta_schema_of(struct arena *arena, const json_t *metadata);

#endif
