/* SPDX-License-Identifier: Apache-2.0 */
/* What keeps Delta tables small: checkpoints, VACUUM, and logs without their oldest commits. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/estate/tables.h"

enum { CHECKPOINT_EVERY = 10, DAY_MS = 86400000 };

static void table_path(const struct estate *estate, const struct table *table, const char *name,
	char path[4096])
{
	(void)snprintf(path, 4096, "%s/tables/%s/%s", estate->dir, table->name, name);
}

/* Two commits around it, as Databricks writes them; files really go. */
static bool vacuum(struct estate *estate, struct table *table, int64_t when_ms)
{
	int64_t before = when_ms - FILE_RETENTION_MS;
	char parameters[240];
	char metrics[200];
	int64_t bytes = 0;
	int n = 0;
	struct buf buf;
	bool good;

	for (size_t i = 0; i < table->ntombstones; i++) {
		const struct tombstone *tombstone = &table->tombstones[i];

		if (tombstone->on_disk && tombstone->deleted_ms < before) {
			bytes += tombstone->bytes;
			n++;
		}
	}
	buf_init(&buf, COMMIT_MAX_BYTES);
	(void)snprintf(parameters, sizeof parameters,
		"\"retentionCheckEnabled\":\"true\",\"specifiedRetentionMillis\":\"%d\","
		"\"defaultRetentionMillis\":\"%d\"", FILE_RETENTION_MS, FILE_RETENTION_MS);
	(void)snprintf(metrics, sizeof metrics,
		"\"numFilesToDelete\":\"%d\",\"sizeOfDataToDelete\":\"%lld\"", n, (long long)bytes);
	table_info(&buf, when_ms, table, "VACUUM START", parameters, metrics, "maintenance", true);
	good = table_publish(estate, table, when_ms, &buf);
	for (size_t i = 0; i < table->ntombstones; i++) {
		struct tombstone *tombstone = &table->tombstones[i];
		char path[4096];

		if (!tombstone->on_disk || tombstone->deleted_ms >= before)
			continue;
		table_path(estate, table, tombstone->name, path);
		good = unlink(path) == 0 && good;
		tombstone->on_disk = false;
	}
	buf_reset(&buf);
	(void)snprintf(metrics, sizeof metrics,
		"\"numDeletedFiles\":\"%d\",\"numVacuumedDirectories\":\"1\"", n);
	table_info(&buf, when_ms + 40, table, "VACUUM END", "\"status\":\"COMPLETED\"", metrics,
		"maintenance", true);
	good = good && table_publish(estate, table, when_ms + 40, &buf);
	buf_done(&buf);
	table->vacuumed_ms = when_ms;
	return good;
}

/*
 * Deletes commits below the newest checkpoint that is old enough; the day counts, as in Delta. Only
 * live, so that whoever watches has seen what goes.
 */
static void clean_log(const struct estate *estate, struct table *table, int64_t when_ms)
{
	int64_t cutoff = (when_ms - LOG_RETENTION_MS) / DAY_MS * DAY_MS;
	int64_t keep = table->cleaned;
	char path[4096];
	char name[80];
	struct stat status;

	for (int64_t v = table->cleaned; v < table->version - 1; v++) {
		(void)snprintf(name, sizeof name, "_delta_log/%020lld.json", (long long)v);
		table_path(estate, table, name, path);
		if (stat(path, &status) != 0 || (int64_t)status.st_mtim.tv_sec * 1000 >= cutoff)
			break;
		(void)snprintf(name, sizeof name, "_delta_log/%020lld.checkpoint.parquet", (long long)v);
		table_path(estate, table, name, path);
		if (stat(path, &status) == 0)
			keep = v;
	}
	for (; table->cleaned < keep; table->cleaned++) {
		static const char *const kinds[] = { "json", "checkpoint.parquet" };

		for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
			(void)snprintf(name, sizeof name, "_delta_log/%020lld.%s",
				(long long)table->cleaned, kinds[i]);
			table_path(estate, table, name, path);
			(void)unlink(path); /* most versions have no checkpoint */
		}
	}
}

bool table_maintain(struct estate *estate, struct table *table, int64_t when_ms)
{
	bool good = true;

	if (table->vacuumed_ms == 0)
		table->vacuumed_ms = when_ms;
	if (table->is_vacuumed && when_ms - table->vacuumed_ms >= VACUUM_EVERY_MS)
		good = vacuum(estate, table, when_ms);
	/* One or more versions came since the last look: a round number among them, or not. */
	if (good && (table->version - 1) / CHECKPOINT_EVERY != (table->checkpointed - 1) / CHECKPOINT_EVERY) {
		good = checkpoint_write(estate, table, when_ms);
		table->checkpointed = table->version;
	}
	if (good && table->is_vacuumed && when_ms > estate->past_end_ms)
		clean_log(estate, table, when_ms);
	return good;
}
