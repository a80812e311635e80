/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one needs to read a Delta table's rows, a JSON object a file: where it is, its partition
 * values by logical name, the numbers of its deleted rows. Argument: a table.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "collectors/delta/deletion.h"
#include "collectors/delta/snapshot.h"

enum { DELETED_LISTED = 1000 * 1000 };

static bool print_file(const struct delta_snapshot *snapshot, const struct delta_entry *entry,
	const char *table, struct err *err)
{
	struct deletion_descriptor descriptor = {
		.storage_type = { &entry->dv.storage, 1 },
		.path_or_inline = entry->dv.path,
		.offset = entry->dv.offset,
		.size_bytes = entry->dv.size,
		.cardinality = entry->dv.cardinality,
	};
	struct deletion *deletion = NULL;
	json_t *deleted = json_array();
	char *where = delta_file_location(snapshot, entry->path);
	json_t *line;

	if (entry->dv.storage) {
		deletion = deletion_read(&descriptor, table, err);
		if (!deletion) {
			json_decref(deleted);
			free(where);
			return false;
		}
		for (int64_t row = 0; row < entry->records && row < DELETED_LISTED; row++)
			if (deletion_has(deletion, row))
				(void)json_array_append_new(deleted, json_integer(row));
	}
	line = json_pack("{ss? so so so}", "file", where, "partition_values",
		delta_partition_values(snapshot, entry->partition_values), "deleted", deleted, "rows",
		entry->rows == FACT_UNKNOWN ? json_null() : json_integer(entry->rows));
	(void)json_dumpf(line, stdout, JSON_COMPACT);
	(void)putchar('\n');
	json_decref(line);
	deletion_free(deletion);
	free(where);
	return true;
}

int main(int argc, char **argv)
{
	struct delta_at at = DELTA_NEWEST;
	struct delta_snapshot *snapshot;
	struct delta_walk walk = { 0 };
	struct delta_entry entry;
	struct err err = ERR_INIT;
	bool good = true;

	if (argc != 2 || !delta_snapshot_open(argv[1], &at, &snapshot, &err)) {
		(void)fprintf(stderr, "delta_rows: %s\n", err.text);
		return 1;
	}
	(void)json_dumpf(delta_snapshot_metadata(snapshot), stdout, JSON_COMPACT);
	(void)putchar('\n');
	while (good && delta_walk_next(snapshot, &walk, &entry))
		good = print_file(snapshot, &entry, argv[1], &err);
	if (!good)
		(void)fprintf(stderr, "delta_rows: %s\n", err.text);
	delta_walk_done(&walk);
	delta_snapshot_free(snapshot);
	return good ? 0 : 1;
}
