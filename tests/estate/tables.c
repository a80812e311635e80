/* SPDX-License-Identifier: Apache-2.0 */
/* The estate's Delta tables: real Parquet files and commits, by the protocol, created atomically. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/estate/estate.h"
#include "tests/estate/tables.h"

static const struct parquet_column collateral_columns[] = { { "id", PARQUET_STRING },
	{ "currency_code", PARQUET_STRING }, { "value", PARQUET_DOUBLE },
	{ "date", PARQUET_TIMESTAMP } };
static const struct parquet_column quarantine_columns[] = { { "id", PARQUET_STRING },
	{ "currency_code", PARQUET_STRING }, { "value", PARQUET_DOUBLE },
	{ "broken_rules", PARQUET_LONG } };
static const struct parquet_column member_columns[] = { { "member_id", PARQUET_LONG },
	{ "plan", PARQUET_STRING }, { "updated_at", PARQUET_TIMESTAMP } };
static const struct parquet_column order_columns[] = { { "order_id", PARQUET_LONG },
	{ "store", PARQUET_STRING }, { "amount", PARQUET_DOUBLE }, { "at", PARQUET_TIMESTAMP } };

/* The n-th row of the feed that is published (or, for the quarantine, that is not). */
static uint32_t nth_judged(int64_t n, bool broken, bool worst)
{
	/* Rows come in order, so the search goes on where it stopped. */
	static struct {
		bool worst;
		int64_t n;
		uint32_t row;
	} marks[2];

	if (marks[broken].worst != worst || n < marks[broken].n) {
		marks[broken].worst = worst;
		marks[broken].n = -1;
		marks[broken].row = UINT32_MAX;
	}
	while (marks[broken].n < n) {
		marks[broken].row++;
		if ((collateral_broken(marks[broken].row % COLLATERAL_ROWS, worst) != 0) == broken)
			marks[broken].n++;
	}
	return marks[broken].row;
}

static void collateral_cells(uint32_t row, unsigned broken, struct parquet_cell *cells)
{
	static const char *const currencies[] = { "EUR", "GBP", "USD", "CHF", "SEK" };
	bool bad_currency = (broken >> 5 & 1u) != 0;

	cells[0].null = (broken & 1u) != 0;
	(void)snprintf(cells[0].text, sizeof cells[0].text, "C%08u", row);
	(void)snprintf(cells[1].text, sizeof cells[1].text, "%s",
		bad_currency ? "XXQ" : currencies[row % 5]);
	cells[2].null = (broken >> 12 & 1u) != 0;
	cells[2].real = 1000.0 + (double)(row % 7919) * 12.5;
}

static void silver_row(void *context, int64_t row, struct parquet_cell *cells)
{
	const struct commit *commit = context;

	collateral_cells(nth_judged(row, false, commit->worst), 0, cells);
	cells[3].number = (int64_t)1772400000 * 1000000;
}

static void quarantine_row(void *context, int64_t row, struct parquet_cell *cells)
{
	const struct commit *commit = context;
	uint32_t at = nth_judged(row, true, commit->worst);
	unsigned broken = collateral_broken(at, commit->worst);

	collateral_cells(at, broken, cells);
	cells[3].number = broken;
}

static void member_row(void *context, int64_t row, struct parquet_cell *cells)
{
	static const char *const plans[] = { "bronze", "silver", "gold" };

	(void)context;
	cells[0].number = row;
	(void)snprintf(cells[1].text, sizeof cells[1].text, "%s", plans[row % 3]);
	cells[1].null = row % 50 == 0;
	cells[2].number = ((int64_t)1772400000 + row) * 1000000;
}

static void order_row(void *context, int64_t row, struct parquet_cell *cells)
{
	(void)context;
	cells[0].number = row;
	(void)snprintf(cells[1].text, sizeof cells[1].text, "store-%03d", (int)(row % 240));
	cells[2].real = 5.0 + (double)(row * 37 % 20000) / 100.0;
	cells[3].number = ((int64_t)1772400000 + row) * 1000000;
}

static const struct table templates[TABLE_COUNT] = {
	{ .name = "fire/collateral_silver", .columns = collateral_columns,
		.ncolumns = ARRAY_LEN(collateral_columns), .row = silver_row, .is_vacuumed = true },
	{ .name = "fire/collateral_quarantine", .columns = quarantine_columns,
		.ncolumns = ARRAY_LEN(quarantine_columns), .row = quarantine_row },
	{ .name = "hinge/members", .columns = member_columns,
		.ncolumns = ARRAY_LEN(member_columns), .row = member_row },
	{ .name = "retail/orders_silver", .columns = order_columns,
		.ncolumns = ARRAY_LEN(order_columns), .row = order_row, .is_vacuumed = true },
};

static bool make_folders(const char *dir, const char *below)
{
	char path[4096];

	(void)snprintf(path, sizeof path, "%s/%s", dir, below);
	for (char *at = path + strlen(dir) + 1; *at; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		if (mkdir(path, 0755) != 0 && errno != EEXIST)
			return false;
		*at = '/';
	}
	return mkdir(path, 0755) == 0;
}

bool tables_open(struct estate *estate)
{
	char below[256];

	estate->tables = NEW(struct tables);
	for (size_t i = 0; i < TABLE_COUNT; i++) {
		estate->tables->tables[i] = templates[i];
		(void)snprintf(below, sizeof below, "tables/%s/_delta_log", templates[i].name);
		if (!make_folders(estate->dir, below))
			return false;
	}
	return true;
}

void tables_close(struct estate *estate)
{
	for (size_t i = 0; i < TABLE_COUNT; i++)
		free(estate->tables->tables[i].tombstones);
	free(estate->tables);
	estate->tables = NULL;
}

static const char *delta_type(enum parquet_type type)
{
	static const char *const names[] = { "long", "double", "string", "timestamp" };

	return names[type];
}

void table_info(struct buf *buf, int64_t when_ms, const struct table *table,
	const char *operation, const char *parameters, const char *metrics, const char *user, bool removes)
{
	(void)buf_addf(buf,
		"{\"commitInfo\":{\"timestamp\":%lld,\"operation\":\"%s\",\"operationParameters\":{%s},"
		"\"userName\":\"%s\",",
		(long long)when_ms, operation, parameters, user);
	if (table->version > 0)
		(void)buf_addf(buf, "\"readVersion\":%lld,", (long long)table->version - 1);
	(void)buf_addf(buf,
		"\"isolationLevel\":\"WriteSerializable\",\"isBlindAppend\":%s,"
		"\"operationMetrics\":{%s},\"engineInfo\":\"Databricks-Runtime/dlt:15.4-delta-pipelines\","
		"\"txnId\":\"%016llx-%lld\"}}\n",
		strcmp(operation, "STREAMING UPDATE") == 0 && !removes ? "true" : "false", metrics,
		(unsigned long long)text_hash(text_of(table->name)), (long long)table->version);
}

void table_schema(struct buf *out, const struct table *table, bool quoted)
{
	const char *q = quoted ? "\\\"" : "\"";

	(void)buf_addf(out, "{%stype%s:%sstruct%s,%sfields%s:[", q, q, q, q, q, q);
	for (size_t i = 0; i < table->ncolumns; i++)
		(void)buf_addf(out, "%s{%sname%s:%s%s%s,%stype%s:%s%s%s,%snullable%s:true,%smetadata%s:{}}",
			i ? "," : "", q, q, q, table->columns[i].name, q, q, q, q,
			delta_type(table->columns[i].type), q, q, q, q, q);
	(void)buf_add_str(out, "]}");
}

size_t table_properties(const struct table *table, const char *pairs[4][2])
{
	static const char *const all[][2] = { { "delta.appendOnly", "false" },
		{ "delta.deletedFileRetentionDuration", "interval 3 hours" },
		{ "delta.logRetentionDuration", "interval 1 hours" } };
	size_t n = table->is_vacuumed ? ARRAY_LEN(all) : 1;

	for (size_t i = 0; i < n; i++) {
		pairs[i][0] = all[i][0];
		pairs[i][1] = all[i][1];
	}
	return n;
}

static void add_metadata(struct buf *buf, int64_t when_ms, const struct table *table)
{
	const char *pairs[4][2];
	size_t n = table_properties(table, pairs);

	(void)buf_add_str(buf, "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n");
	(void)buf_addf(buf,
		"{\"metaData\":{\"id\":\"%016llx\",\"format\":{\"provider\":\"parquet\",\"options\":{}},"
		"\"schemaString\":\"",
		(unsigned long long)text_hash(text_of(table->name)));
	table_schema(buf, table, true);
	(void)buf_add_str(buf, "\",\"partitionColumns\":[],\"configuration\":{");
	for (size_t i = 0; i < n; i++)
		(void)buf_addf(buf, "%s\"%s\":\"%s\"", i ? "," : "", pairs[i][0], pairs[i][1]);
	(void)buf_addf(buf, "},\"createdTime\":%lld}}\n", (long long)when_ms);
}

static void add_remove(struct buf *buf, int64_t when_ms, struct table *table,
	const struct data_file *file, bool change)
{
	struct tombstone *tombstone;

	if (table->ntombstones == table->tombstones_room) {
		table->tombstones_room = table->tombstones_room ? table->tombstones_room * 2 : 64;
		table->tombstones = mem_resize(
			table->tombstones, table->tombstones_room, sizeof *table->tombstones);
	}
	tombstone = &table->tombstones[table->ntombstones++];
	*tombstone = (struct tombstone){ .bytes = file->bytes, .deleted_ms = when_ms, .on_disk = true };
	memcpy(tombstone->name, file->name, sizeof tombstone->name);
	(void)buf_addf(buf,
		"{\"remove\":{\"path\":\"%s\",\"deletionTimestamp\":%lld,\"dataChange\":%s,"
		"\"extendedFileMetadata\":true,\"partitionValues\":{},\"size\":%lld,"
		"\"stats\":\"{\\\"numRecords\\\":%lld}\"}}\n",
		file->name, (long long)when_ms, change ? "true" : "false", (long long)file->bytes,
		(long long)file->rows);
}

static bool add_file(struct estate *estate, struct table *table, int64_t when_ms,
	const struct commit *commit, const struct data_file *planned, bool change, struct buf *buf)
{
	struct data_file *file = &table->files[table->nfiles];
	struct commit context = *commit;
	struct parquet_done done;
	char path[4096];
	char id[37];

	*file = *planned;
	estate_uuid(estate, when_ms, id);
	(void)snprintf(file->name, sizeof file->name, "part-%05d-%s-c000.parquet",
		(int)(table->nfiles % 100000), id);
	(void)snprintf(path, sizeof path, "%s/tables/%s/%s", estate->dir, table->name, file->name);
	if (!parquet_write(path, table->columns, table->ncolumns,
		    (const int64_t(*)[2])file->ranges, file->nranges, table->row, &context, &done))
		return false;
	file->bytes = done.bytes;
	table->nfiles++;
	(void)buf_addf(buf,
		"{\"add\":{\"path\":\"%s\",\"partitionValues\":{},\"size\":%lld,"
		"\"modificationTime\":%lld,\"dataChange\":%s,\"stats\":\"{\\\"numRecords\\\":%lld,"
		"\\\"nullCount\\\":{",
		file->name, (long long)file->bytes, (long long)when_ms, change ? "true" : "false",
		(long long)file->rows);
	for (size_t i = 0; i < table->ncolumns; i++)
		(void)buf_addf(buf, "%s\\\"%s\\\":%lld", i ? "," : "", table->columns[i].name,
			(long long)done.nulls[i]);
	(void)buf_add_str(buf, "}}\"}}\n");
	return true;
}

/* A commit appears whole or not at all: written aside, then linked to its name. */
bool table_publish(struct estate *estate, struct table *table, int64_t when_ms,
	const struct buf *buf)
{
	const struct timespec times[2] = { { when_ms / 1000, when_ms % 1000 * 1000000 },
		{ when_ms / 1000, when_ms % 1000 * 1000000 } };
	char path[4096];
	char aside[4096];
	FILE *file;
	bool good;

	(void)snprintf(path, sizeof path, "%s/tables/%s/_delta_log/%020lld.json", estate->dir,
		table->name, (long long)table->version);
	(void)snprintf(aside, sizeof aside, "%s/tables/%s/_delta_log/.%020lld.json.tmp", estate->dir,
		table->name, (long long)table->version);
	file = fopen(aside, "wbe");
	if (!file)
		return false;
	good = fwrite(buf->bytes, 1, buf->len, file) == buf->len;
	good = fclose(file) == 0 && good;
	good = good && utimensat(AT_FDCWD, aside, times, 0) == 0 && link(aside, path) == 0;
	(void)unlink(aside);
	table->version++;
	return good;
}

static bool create(struct estate *estate, struct table *table, int64_t when_ms,
	const struct commit *commit)
{
	char parameters[200];
	struct buf buf;
	bool good;

	table->created_ms = when_ms;
	buf_init(&buf, COMMIT_MAX_BYTES);
	(void)snprintf(parameters, sizeof parameters, "\"pipelineId\":\"%s\",\"updateId\":\"%s\"",
		pipelines[commit->pipeline].id, commit->update_id);
	table_info(&buf, when_ms, table, "DLT SETUP", parameters, "", pipelines[commit->pipeline].name,
		false);
	add_metadata(&buf, when_ms, table);
	good = table_publish(estate, table, when_ms, &buf);
	buf_done(&buf);
	return good;
}

enum { SMALL_FILES = 12 };

/* Many small files become one with the same rows: no data changes. */
static bool optimize(struct estate *estate, struct table *table, int64_t when_ms,
	const struct commit *commit)
{
	struct data_file merged = { 0 };
	char metrics[200];
	size_t n = table->nfiles;
	int64_t bytes = 0;
	struct buf buf;
	bool good;

	for (size_t i = 0; i < n; i++) {
		for (size_t r = 0; r < table->files[i].nranges && merged.nranges < RANGES_MAX; r++) {
			memcpy(merged.ranges[merged.nranges++], table->files[i].ranges[r],
				sizeof merged.ranges[0]);
		}
		merged.rows += table->files[i].rows;
		bytes += table->files[i].bytes;
	}
	/* Ranges that touch are one, so that their number stays small. */
	if (merged.nranges > 0) {
		merged.ranges[0][1] = merged.rows;
		merged.nranges = 1;
	}
	buf_init(&buf, COMMIT_MAX_BYTES);
	(void)snprintf(metrics, sizeof metrics,
		"\"numRemovedFiles\":\"%zu\",\"numAddedFiles\":\"1\",\"numRemovedBytes\":\"%lld\"", n,
		(long long)bytes);
	table_info(&buf, when_ms, table, "OPTIMIZE",
		"\"predicate\":\"[]\",\"zOrderBy\":\"[]\",\"batchId\":\"0\",\"auto\":false", metrics,
		"maintenance", true);
	for (size_t i = 0; i < n; i++)
		add_remove(&buf, when_ms, table, &table->files[i], false);
	table->nfiles = 0;
	good = add_file(estate, table, when_ms, commit, &merged, false, &buf) &&
		table_publish(estate, table, when_ms, &buf);
	buf_done(&buf);
	return good;
}

bool tables_commit(struct estate *estate, int64_t when_ms, const struct commit *commit)
{
	struct table *table = NULL;
	struct data_file planned = { .rows = commit->rows, .nranges = 1 };
	char parameters[240];
	char metrics[200];
	size_t removed = 0;
	struct buf buf;
	bool good;

	for (size_t i = 0; i < TABLE_COUNT; i++) {
		if (strcmp(estate->tables->tables[i].name, commit->table) == 0)
			table = &estate->tables->tables[i];
	}
	if (!table)
		return true;
	if (table->version == 0 && !create(estate, table, when_ms - 50, commit))
		return false;
	buf_init(&buf, COMMIT_MAX_BYTES);
	if (commit->overwrite) {
		removed = table->nfiles;
		table->next_row = 0;
	}
	planned.ranges[0][0] = table->next_row;
	planned.ranges[0][1] = commit->rows;
	table->next_row += commit->rows;
	(void)snprintf(parameters, sizeof parameters,
		"\"outputMode\":\"%s\",\"queryId\":\"%016llx\",\"epochId\":\"%lld\",\"updateId\":\"%s\","
		"\"pipelineId\":\"%s\"",
		commit->overwrite ? "Complete" : "Append",
		(unsigned long long)text_hash(text_of(table->name)), (long long)commit->epoch,
		commit->update_id, pipelines[commit->pipeline].id);
	(void)snprintf(metrics, sizeof metrics,
		"\"numRemovedFiles\":\"%zu\",\"numOutputRows\":\"%lld\",\"numAddedFiles\":\"1\"", removed,
		(long long)commit->rows);
	table_info(&buf, when_ms, table, commit->operation, parameters, metrics,
		pipelines[commit->pipeline].name, removed > 0);
	for (size_t i = 0; i < removed; i++)
		add_remove(&buf, when_ms, table, &table->files[i], true);
	if (commit->overwrite)
		table->nfiles = 0;
	good = add_file(estate, table, when_ms, commit, &planned, true, &buf) &&
		table_publish(estate, table, when_ms, &buf);
	buf_done(&buf);
	if (good && table->nfiles >= SMALL_FILES)
		good = optimize(estate, table, when_ms + 400, commit);
	return good && table_maintain(estate, table, when_ms + 500);
}

int64_t tables_newest(const struct estate *estate, const char *name, char id[17])
{
	for (size_t i = 0; i < TABLE_COUNT; i++) {
		const struct table *table = &estate->tables->tables[i];

		if (strcmp(table->name, name) != 0)
			continue;
		(void)snprintf(id, 17, "%016llx", (unsigned long long)text_hash(text_of(table->name)));
		return table->version - 1;
	}
	return -1;
}
