/* SPDX-License-Identifier: Apache-2.0 */
/* Every statement of the reader is explained: none may scan a table that grows with the facts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/reader_internal.h"
#include "tests/lib/sample.h"

static char path[64];
static struct reader *reader;

static int set_up(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	(void)snprintf(path, sizeof path, "/tmp/weir-plan-%d.db", (int)getpid());
	if (!sample_store(path, &err) || !reader_open(path, &reader, &err)) {
		(void)fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	return 0;
}

static int tear_down(void **state)
{
	char name[80];

	(void)state;
	reader_close(reader);
	static const char *const suffixes[] = { "", "-wal", "-shm", "-lock", ".lock" };
	for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
		(void)snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
		(void)unlink(name);
	}
	return 0;
}

/* "step" is no table: rows that the statement itself holds. */
static bool is_bounded(const char *plan)
{
	bool scan = strncmp(plan, "SCAN", 4) == 0;

	return (!scan || strcmp(plan, "SCAN step") == 0 || strstr(plan, "CONSTANT ROW")) &&
		!strstr(plan, "TEMP B-TREE");
}

static void no_statement_scans(void **state)
{
	size_t scans = 0;

	(void)state;
	for (size_t i = 0; i < QUERY_COUNT; i++) {
		const struct query_text *query = &reader_queries()[i];
		sqlite3_stmt *stmt = NULL;
		char sql[4096];

		(void)snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", query->sql);
		if (sqlite3_prepare_v2(reader->db, sql, -1, &stmt, NULL) != SQLITE_OK)
			fail_msg("%s: %s", query->name, sqlite3_errmsg(reader->db));
		while (sqlite3_step(stmt) == SQLITE_ROW) {
			const char *plan = (const char *)sqlite3_column_text(stmt, 3);

			if (query->reads_all || is_bounded(plan))
				continue;
			(void)fprintf(stderr, "%s: %s\n", query->name, plan);
			scans++;
		}
		sqlite3_finalize(stmt);
	}
	assert_int_equal(scans, 0);
}

/* What is told as reading all must be small by nature, or the dump, which means to. */
static void what_reads_all_is_named(void **state)
{
	static const char *const allowed[] = { "BATCH_NEWEST", "TABLES", "TABLES_BY_NAME", "TABLE_BY_ID", "SOURCES",
		"SERIES", "CONNECTORS",
		"DUMP_TABLES", "DUMP_EDGES", "DUMP_UNDECODABLES", "DUMP_STATES", "DUMP_STANDINGS",
		"DUMP_SWEEPS", "DUMP_SERIES", "DUMP_CONNECTORS" };

	(void)state;
	for (size_t i = 0; i < QUERY_COUNT; i++) {
		const struct query_text *query = &reader_queries()[i];
		bool found = !query->reads_all;

		for (size_t a = 0; !found && a < sizeof allowed / sizeof allowed[0]; a++)
			found = strcmp(allowed[a], query->name) == 0;
		if (!found)
			fail_msg("%s may not read a whole table", query->name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_statement_scans),
		cmocka_unit_test(what_reads_all_is_named),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
