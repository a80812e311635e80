/* SPDX-License-Identifier: Apache-2.0 */
/* What the sample's tables hold, and which of their versions can be restored: every kind of it. */
#include "tests/lib/sample.h"

#include "base/mem.h"
#include "tests/lib/sample_tables.h"

enum { HOUR_MS = 3600 * 1000 };

static struct fact_table *holds(struct fact_batch *batch, const char *table, int64_t version)
{
	struct fact_table *fact = &fact_batch_fact(batch, FACT_TABLE, SAMPLE_NOW_MS - HOUR_MS)->u.table;

	fact->table = arena_text(&batch->arena, text_of(table));
	fact->path = text_of(arena_printf(&batch->arena, "/lake/%s", table));
	fact->version = version;
	fact->timestamp_ms = SAMPLE_NOW_MS - HOUR_MS;
	fact->tombstones = fact->files_without_stats = fact->small_files = fact->small_bytes = 0;
	fact->deletion_vectors = fact->deleted_rows = 0;
	fact->partitions = 1;
	fact->min_reader = 1;
	fact->min_writer = 2;
	fact->checkpoint = -1;
	fact->earliest = fact->first_listed = 0;
	fact->newest_looked = 100;
	fact->newest_gone = 0;
	fact->rescued = fact->flagged = FACT_UNKNOWN;
	fact->shape = fact->problem = TEXT_NONE;
	return fact;
}

static void stands(struct fact_batch *batch, const char *table, int64_t version,
	enum version_standing standing, int64_t until_ms, int64_t files_gone)
{
	struct fact_standing *fact =
		&fact_batch_fact(batch, FACT_STANDING, SAMPLE_NOW_MS - HOUR_MS)->u.standing;

	fact->table = arena_text(&batch->arena, text_of(table));
	fact->path = text_of(arena_printf(&batch->arena, "/lake/%s", table));
	fact->version = version;
	fact->standing = standing;
	fact->until_ms = until_ms;
	fact->by_log = standing == STANDING_LISTED && files_gone == 0;
	fact->files_old = files_gone + 2;
	fact->files_gone = files_gone;
	fact->files_unlooked = 0;
	fact->gone = files_gone > 0 ? TEXT("/lake/fire/collateral_silver/part-00007.snappy.parquet")
				    : TEXT_NONE;
}

void sample_conditions(struct fact_batch *batch, const char *hostile)
{
	struct fact_table *fact = holds(batch, SAMPLE_TABLE, 11);

	fact->rows = fact->records = 41059;
	fact->files = 112;
	fact->bytes = 48 << 20;
	fact->small_files = 96;
	fact->small_bytes = 12 << 20;
	fact->tombstones = 96;
	fact->checkpoint = 10;
	fact->first_listed = 1;
	fact->first_restorable = 6;
	fact->flagged = 7800;
	fact->shape = TEXT("{\"schema\":[{\"name\":\"id\",\"type\":\"string\",\"nullable\":false},"
			   "{\"name\":\"\\u001b[31mred\\u202e\",\"type\":\"string\",\"nullable\":true},"
			   "{\"name\":\"version_id\",\"type\":\"string\",\"nullable\":true},"
			   "{\"name\":\"day\",\"type\":\"date\",\"nullable\":true}],"
			   "\"partition_columns\":[\"day\"],\"properties\":"
			   "{\"delta.enableChangeDataFeed\":\"true\"},"
			   "\"reader_features\":[\"deletionVectors\"],"
			   "\"writer_features\":[\"deletionVectors\",\"changeDataFeed\"],\"notes\":[]}");
	for (int64_t v = 0; v < 3; v++)
		stands(batch, SAMPLE_TABLE, v, STANDING_LISTED, FACT_UNKNOWN, v == 2 ? 3 : 0);
	stands(batch, SAMPLE_TABLE, 6, STANDING_RESTORABLE, SAMPLE_NOW_MS + 5 * HOUR_MS, 0);
	stands(batch, SAMPLE_TABLE, 7, STANDING_RESTORABLE, SAMPLE_NOW_MS + 166 * HOUR_MS, 0);
	stands(batch, SAMPLE_TABLE, 8, STANDING_RESTORABLE, SAMPLE_NOW_MS - HOUR_MS, 0);
	stands(batch, SAMPLE_TABLE, 9, STANDING_RESTORABLE, FACT_UNKNOWN, 0);
	stands(batch, SAMPLE_TABLE, 11, STANDING_CURRENT, FACT_UNKNOWN, 0);
	fact = holds(batch, "retail/inventory_gold", 0);
	fact->rows = fact->records = FACT_UNKNOWN;
	fact->files = 12;
	fact->bytes = 5 << 20;
	fact->files_without_stats = 12;
	fact->small_files = 12;
	fact->first_restorable = 0;
	fact = holds(batch, hostile, 3);
	fact->rows = fact->records = 4091;
	fact->files = 9;
	fact->bytes = 5 << 20;
	fact->first_restorable = 3;
	fact->newest_gone = 1;
}
