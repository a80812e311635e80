/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/place.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/clock.h"
#include "base/mem.h"

char place_store[64];
static char folder[32];

int place_make(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof folder, "/tmp/weir-test-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	(void)snprintf(place_store, sizeof place_store, "%s/weir.db", folder);
	return 0;
}

int place_clear(void **state)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-lock" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		char file[96];

		(void)snprintf(file, sizeof file, "%s%s", place_store, ends[i]);
		(void)unlink(file);
	}
	return 0;
}

void place_next(void)
{
	static int stores;

	(void)snprintf(place_store, sizeof place_store, "%s/%d.db", folder, stores++);
}

int place_remove(void **state)
{
	DIR *entries = opendir(folder);
	struct dirent *entry;

	(void)state;
	while (entries && (entry = readdir(entries)) != NULL)
		(void)unlinkat(dirfd(entries), entry->d_name, 0); /* all but . and .. */
	if (entries)
		(void)closedir(entries);
	place_store[0] = '\0';
	return rmdir(folder);
}

static void give_up(const char *what, const char *why)
{
	(void)fprintf(stderr, "%s: %s\n", what, why);
	abort();
}

struct store *place_open(void)
{
	struct store_options options = { .path = place_store, .clock = clock_system() };
	struct store *store = NULL;
	struct err err = ERR_INIT;

	if (!store_open(&options, &store, &err))
		give_up(place_store, err.text);
	return store;
}

int64_t place_deadline(void)
{
	return clock_system()->mono_ms(clock_system()) + PATIENCE_MS;
}

int64_t place_ask(const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt = NULL;
	int64_t value = -1;

	if (sqlite3_open_v2(place_store, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
		sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
		give_up(sql, sqlite3_errmsg(db));
	if (sqlite3_step(stmt) == SQLITE_ROW)
		value = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return value;
}
