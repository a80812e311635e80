/* SPDX-License-Identifier: Apache-2.0 */
#include "store/open.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/fold.h"
#include "store/store.h"

/* A schema is longer than the 4095 characters that C11 promises for one literal. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverlength-strings"
#include "gen/schema.h"
#pragma GCC diagnostic pop

int store_schema_version(void)
{
	return (int)ARRAY_LEN(embedded) - 1; /* the last row ends the list */
}

static int lock_open(const char *path, int flags)
{
	struct buf name;
	int fd;

	buf_init(&name, PATH_MAX);
	if (!buf_addf(&name, "%s-lock", path)) {
		buf_done(&name);
		errno = ENAMETOOLONG;
		return -1;
	}
	do
		fd = open(name.bytes, flags | O_CLOEXEC, 0666);
	while (fd < 0 && errno == EINTR);
	buf_done(&name);
	return fd;
}

/* What the holder wrote into the lock's file; 0 = nothing readable. */
static int lock_pid(int fd)
{
	char digits[16];
	ssize_t n = pread(fd, digits, sizeof digits - 1, 0);
	struct text text;
	int64_t pid;

	if (n <= 0)
		return 0;
	text = text_trim((struct text){ digits, (size_t)n });
	return text_to_i64(text, &pid) && pid > 0 && pid < INT_MAX ? (int)pid : 0;
}

bool lock_take(const char *path, int *fd_out, struct err *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char digits[16];
	int fd = lock_open(path, O_RDWR | O_CREAT);
	int len;

	if (fd < 0)
		return err_errno(err, errno, "open %s-lock", path);
	/* an open-file-description lock: held by this descriptor, not by every one of the process */
	if (fcntl(fd, F_OFD_SETLK, &lock) != 0) {
		int code = errno;
		int pid = lock_pid(fd);

		close(fd);
		if (code != EAGAIN && code != EACCES)
			return err_errno(err, code, "lock %s-lock", path);
		return err_set(err, ERR_STORE, code,
			"open %s for writing: process %d is writing to it", path, pid);
	}
	len = snprintf(digits, sizeof digits, "%d\n", (int)getpid());
	if (ftruncate(fd, 0) != 0 || pwrite(fd, digits, (size_t)len, 0) != len) {
		int code = errno;

		close(fd);
		return err_errno(err, code, "write %s-lock", path);
	}
	*fd_out = fd;
	return true;
}

void lock_drop(int fd)
{
	if (fd >= 0)
		close(fd);
}

int store_writer_pid(const char *path)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	int fd = lock_open(path, O_RDONLY);
	int pid = 0;

	if (fd < 0)
		return 0;
	if (fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
		pid = lock_pid(fd);
	close(fd);
	return pid;
}

static bool pragma_int(sqlite3 *db, const char *sql, int64_t *value_out, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	bool row = false, ok;

	if (!sql_prepare(db, sql, &stmt, err))
		return false;
	ok = sql_step(stmt, &row, err);
	if (ok)
		*value_out = row ? sqlite3_column_int64(stmt, 0) : 0;
	sqlite3_finalize(stmt);
	return ok;
}

/* The reserved dictionary row that store/fold.h speaks of. */
static bool reserve_dims(sqlite3 *db, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	bool ok = sql_prepare(db, "INSERT OR IGNORE INTO dim (id, h, v) VALUES (?1, ?2, ?3)", &stmt,
		err);

	if (ok) {
		struct text name = TEXT(FOLD_NO_FLOW_NAME);

		sqlite3_bind_int64(stmt, 1, FOLD_NO_FLOW);
		sqlite3_bind_int64(stmt, 2, dim_hash(name));
		sql_bind_text(stmt, 3, name);
		ok = sql_run(stmt, err);
	}
	sqlite3_finalize(stmt);
	return ok;
}

static bool migrate(sqlite3 *db, int64_t from, struct err *err)
{
	char pragma[64];

	for (int64_t i = from; i < store_schema_version(); i++) {
		(void)snprintf(pragma, sizeof pragma, "PRAGMA user_version = %d", (int)i + 1);
		if (!sql_exec(db, "BEGIN IMMEDIATE", err))
			return false;
		if (!sql_exec(db, embedded[i].text, err) || (i == 0 && !reserve_dims(db, err)) ||
			!sql_exec(db, pragma, err) || !sql_exec(db, "COMMIT", err)) {
			(void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL); /* the first error counts */
			return err_wrap(err, "bring the store to version %d", (int)i + 1);
		}
	}
	return true;
}

/* Ours, empty, or somebody else's; never touches what is not ours. */
static bool examine(sqlite3 *db, int64_t *version_out, struct err *err)
{
	int64_t application, tables;

	if (!pragma_int(db, "PRAGMA application_id", &application, err) ||
		!pragma_int(db, "PRAGMA user_version", version_out, err) ||
		!pragma_int(db, "SELECT count(*) FROM sqlite_schema", &tables, err))
		return false;
	if (application != STORE_APPLICATION_ID && (application != 0 || tables != 0))
		return err_set(err, ERR_STORE, 0, "this SQLite file is not a Weir store");
	if (*version_out > store_schema_version())
		return err_set(err, ERR_STORE, 0,
			"it has version %lld, this program knows up to %d: use a newer weir",
			(long long)*version_out, store_schema_version());
	return true;
}

static bool prepare_db(sqlite3 *db, bool full_sync, struct err *err)
{
	int64_t version;

	if (!examine(db, &version, err))
		return false;
	if (version == 0) {
		char pragma[64];

		(void)snprintf(
			pragma, sizeof pragma, "PRAGMA application_id = %d", STORE_APPLICATION_ID);
		if (!sql_exec(db, "PRAGMA page_size = 8192", err) ||
			!sql_exec(db, "PRAGMA journal_mode = WAL", err) || !sql_exec(db, pragma, err))
			return false;
	}
	return sql_exec(db, "PRAGMA journal_mode = WAL", err) &&
		sql_exec(db,
			full_sync ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL",
			err) &&
		sql_exec(db, "PRAGMA wal_autocheckpoint = 0", err) &&
		sql_exec(db, "PRAGMA journal_size_limit = 67108864", err) &&
		sql_exec(db, "PRAGMA cache_size = -65536", err) &&
		sql_exec(db, "PRAGMA secure_delete = OFF", err) && migrate(db, version, err);
}

bool store_open_db(const char *path, bool full_sync, sqlite3 **db_out, struct err *err)
{
	sqlite3 *db = NULL;
	int rc;

	sql_init();
	rc = sqlite3_open_v2(path, &db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc != SQLITE_OK) {
		(void)sql_error(db, err, "open %s", path);
		sqlite3_close(db);
		return false;
	}
	(void)sqlite3_extended_result_codes(db, 1);
	(void)sqlite3_busy_timeout(db, STORE_BUSY_MS);
	if (!prepare_db(db, full_sync, err)) {
		(void)err_wrap(err, "open %s", path);
		sqlite3_close(db);
		return false;
	}
	*db_out = db;
	return true;
}
