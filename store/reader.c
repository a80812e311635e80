/* SPDX-License-Identifier: Apache-2.0 */
#include "store/reader.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/reader_internal.h"
#include "store/table_fields.h"

enum {
	CACHE_KIB = 1024,
	STEPS_BETWEEN_LOOKS = 4000 /* of the virtual machine: some 50 us */
};

static const struct query_text queries[QUERY_COUNT] = {
#define QUERY(id, sql)     { #id, sql, false },
#define QUERY_ALL(id, sql) { #id, sql, true },
#include "store/queries.def"
#undef QUERY
#undef QUERY_ALL
};

const struct query_text *reader_queries(void)
{
	return queries;
}

static int64_t now_ms(void)
{
	const struct clock *clock = clock_system();

	return clock->mono_ms(clock);
}

static int look_at_clock(void *context)
{
	struct reader *reader = context;

	return reader->deadline_ms != 0 && now_ms() > reader->deadline_ms;
}

static bool file_says(const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) != 0 && errno == ENOENT)
		return err_set(err, ERR_ABSENT, ENOENT,
			"no store at %s: a collector has not written yet, weir collect starts one", path);
	if (stat(path, &st) != 0)
		return err_errno(err, errno, "open store %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_STORE, 0, "open store %s: this is not a file", path);
	if (st.st_size == 0)
		return err_set(err, ERR_ABSENT, 0,
			"the store %s is empty: a collector has not written yet, weir collect starts one",
			path);
	if (access(path, R_OK) != 0)
		return err_errno(err, errno, "open store %s", path);
	return true;
}

static void remember_file(struct reader *reader)
{
	struct stat st;

	reader->device = reader->inode = -1;
	if (stat(reader->path, &st) == 0) {
		reader->device = (int64_t)st.st_dev;
		reader->inode = (int64_t)st.st_ino;
	}
}

/* Another store was put where ours was: what is open is a file without a name. */
static bool was_replaced(const struct reader *reader)
{
	struct stat st;

	return stat(reader->path, &st) == 0 && st.st_size > 0 &&
		((int64_t)st.st_dev != reader->device || (int64_t)st.st_ino != reader->inode);
}

/* What is open is a file without a name, and no other has come in its place. */
static bool was_removed(const struct reader *reader)
{
	struct stat st;

	return reader->db && stat(reader->path, &st) != 0 && errno == ENOENT;
}

static bool has_log(const char *path)
{
	struct buf log;
	struct stat st;
	bool there;

	buf_init(&log, 1 << 16);
	buf_addf(&log, "%s-wal", path);
	there = stat(log.bytes, &st) == 0 && st.st_size > 0;
	buf_done(&log);
	return there;
}

/* file: URI in which nothing of the path means anything. */
static void immutable_uri(struct buf *out, const char *path)
{
	buf_add_str(out, "file:");
	for (const char *c = path; *c; c++) {
		if (strchr("?#%", *c))
			buf_addf(out, "%%%02x", (unsigned)(unsigned char)*c);
		else
			buf_add_char(out, *c);
	}
	buf_add_str(out, "?immutable=1");
}

static bool set_up(struct reader *reader, struct err *err)
{
	char cache[64];

	sqlite3_extended_result_codes(reader->db, 1);
	sqlite3_busy_timeout(reader->db, STORE_BUSY_MS);
	(void)sqlite3_snprintf(sizeof cache, cache, "PRAGMA cache_size = -%d", CACHE_KIB);
	return sql_exec(reader->db, cache, err) &&
		sql_exec(reader->db, "PRAGMA mmap_size = 0; PRAGMA cell_size_check = ON;"
				     "PRAGMA trusted_schema = OFF; PRAGMA query_only = ON", err);
}

static bool pragma_int(struct reader *reader, const char *sql, int64_t *out, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	bool row = false;
	bool ok = sql_prepare(reader->db, sql, &stmt, err) && sql_step(stmt, &row, err);

	if (ok)
		*out = row ? sqlite3_column_int64(stmt, 0) : 0;
	sqlite3_finalize(stmt);
	return ok;
}

/* One try; *code_out is SQLite's word for why it did not work. */
static bool connect(struct reader *reader, bool immutable, int *code_out, struct err *err)
{
	struct buf name;
	int64_t version = 0;
	bool ok;

	buf_init(&name, 1 << 16);
	if (immutable)
		immutable_uri(&name, reader->path);
	else
		buf_add_str(&name, reader->path);
	sql_init();
	*code_out = sqlite3_open_v2(name.bytes, &reader->db,
		SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | (immutable ? SQLITE_OPEN_URI : 0), NULL);
	buf_done(&name);
	ok = *code_out == SQLITE_OK || sql_error(reader->db, err, "open it");
	/* the schema is read only now: here it shows whether log and shared memory can be had */
	ok = ok && set_up(reader, err) && pragma_int(reader, "PRAGMA user_version", &version, err) &&
		pragma_int(reader, "SELECT count(*) FROM sqlite_schema", &version, err);
	if (ok) {
		reader->immutable = immutable;
		return true;
	}
	*code_out = sqlite3_errcode(reader->db) & 0xff;
	sqlite3_close(reader->db);
	reader->db = NULL;
	return err_wrap(err, "open store %s", reader->path);
}

static bool check_version(struct reader *reader, struct err *err)
{
	int64_t application = 0, version = 0, known = store_schema_version();

	if (!pragma_int(reader, "PRAGMA application_id", &application, err) ||
		!pragma_int(reader, "PRAGMA user_version", &version, err))
		return err_wrap(err, "open store %s", reader->path);
	if (application == 0 && version == 0)
		return err_set(err, ERR_ABSENT, 0,
			"the store %s is empty: a collector has not written yet, weir collect starts one",
			reader->path);
	if (application != STORE_APPLICATION_ID)
		return err_set(err, ERR_STORE, 0, "open %s: this is not a Weir store", reader->path);
	if (version > known)
		return err_set(err, ERR_STORE, 0, "the store %s is newer than this program: form %lld,"
			" known up to %lld; use a newer Weir",
			reader->path, (long long)version, (long long)known);
	if (version < known)
		return err_set(err, ERR_STORE, 0, "the store %s is older than this program: form %lld"
			" of %lld; weir collect brings it up to date",
			reader->path, (long long)version, (long long)known);
	return true;
}

/* A copied store, or one where we may not write, has nobody's log to look at: then as it stands. */
static bool open_any(struct reader *reader, struct err *err)
{
	int code = SQLITE_OK;
	struct err first = ERR_INIT;

	if (!file_says(reader->path, err))
		return false;
	if (!connect(reader, false, &code, &first)) {
		bool barred = code == SQLITE_CANTOPEN || code == SQLITE_READONLY ||
			code == SQLITE_PERM || code == SQLITE_IOERR;

		if (!barred || has_log(reader->path)) {
			*err = first;
			return false;
		}
		if (!connect(reader, true, &code, err))
			return false;
	}
	remember_file(reader);
	if (!check_version(reader, err) || !events_functions(reader, err))
		return false;
	sqlite3_progress_handler(reader->db, STEPS_BETWEEN_LOOKS, look_at_clock, reader);
	return pragma_int(reader, "PRAGMA data_version", &reader->data_version, err);
}

static void disconnect(struct reader *reader)
{
	for (size_t i = 0; i < QUERY_COUNT; i++) {
		sqlite3_finalize(reader->stmts[i]);
		reader->stmts[i] = NULL;
	}
	sqlite3_close(reader->db);
	reader->db = NULL;
	reader->begun = false;
}

/* What was kept of the dictionary between queries. */
static void forget(struct reader *reader)
{
	message_set_done(&reader->messages);
	for (size_t i = 0; i < EVENT_WORDS_MAX; i++)
		message_set_done(&reader->words[i].texts);
	dim_cache_done(&reader->dims);
}

bool reader_open(const char *path, struct reader **reader_out, struct err *err)
{
	struct reader *reader = NEW(struct reader);

	reader->path = mem_strdup(path);
	reader->seen_at = TIME_UNKNOWN;
	if (!open_any(reader, err)) {
		reader_close(reader);
		return false;
	}
	*reader_out = reader;
	return true;
}

void reader_close(struct reader *reader)
{
	if (!reader)
		return;
	disconnect(reader);
	forget(reader);
	free(reader->path);
	free(reader);
}

bool reader_query(struct reader *reader, enum query query, sqlite3_stmt **stmt, struct err *err)
{
	if (!reader->stmts[query] &&
		!sql_prepare(reader->db, queries[query].sql, &reader->stmts[query], err))
		return false;
	*stmt = reader->stmts[query];
	sqlite3_reset(*stmt);
	sqlite3_clear_bindings(*stmt);
	return true;
}

static void stand_at(struct reader *reader, sqlite3_stmt *stmt, bool row)
{
	reader->n = row ? sqlite3_column_int64(stmt, 0) : 0;
	reader->seen_at = row ? sqlite3_column_int64(stmt, 1) : TIME_UNKNOWN;
	reader->k_end = row ? sqlite3_column_int64(stmt, 2) + 1 : 0;
	sqlite3_reset(stmt);
}

static bool find_batch(struct reader *reader, int64_t as_of_ms, struct err *err)
{
	sqlite3_stmt *stmt;
	bool row;

	if (!reader_query(reader, Q_BATCH_NEWEST, &stmt, err) || !sql_step(stmt, &row, err))
		return false;
	stand_at(reader, stmt, row);
	reader->newest = reader->n;
	if (as_of_ms == READER_NOW)
		return true;
	if (!reader_query(reader, Q_BATCH_AS_OF, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, as_of_ms);
	if (!sql_step(stmt, &row, err))
		return false;
	stand_at(reader, stmt, row);
	return true;
}

/* Many commits may make one visible unit: until it is whole there is nothing new to see. */
static bool newest_is_other(struct reader *reader)
{
	int64_t told = reader->newest;
	sqlite3_stmt *stmt;
	struct err err = ERR_INIT;
	bool row;

	if (!reader_query(reader, Q_BATCH_NEWEST, &stmt, &err) || !sql_step(stmt, &row, &err))
		return true; /* reader_begin says why */
	reader->newest = row ? sqlite3_column_int64(stmt, 0) : 0;
	sqlite3_reset(stmt);
	return reader->newest != told;
}

bool reader_changed(struct reader *reader)
{
	int64_t version = 0;
	struct err err = ERR_INIT;

	if (reader->begun)
		return false;
	if (was_removed(reader) != reader->removed) {
		reader->removed = !reader->removed; /* reader_begin says so */
		return true;
	}
	if (!reader->db || was_replaced(reader) || (reader->immutable && has_log(reader->path))) {
		/* another file, or a collector has begun to write beside us */
		disconnect(reader);
		forget(reader);
		if (open_any(reader, &err))
			return true;
		disconnect(reader); /* reader_begin tries again and says why */
		return false;
	}
	if (reader->immutable || !pragma_int(reader, "PRAGMA data_version", &version, &err) ||
		version == reader->data_version)
		return false;
	reader->data_version = version;
	return newest_is_other(reader);
}

bool reader_begin(struct reader *reader, int64_t as_of_ms, int64_t budget_ms, struct err *err)
{
	reader_end(reader);
	if (was_removed(reader))
		return err_set(err, ERR_ABSENT, 0, "the store was removed while it was open; put it back or"
			" start the collector again: %s", reader->path);
	if (!reader->db && !open_any(reader, err)) {
		disconnect(reader);
		return false;
	}
	reader->deadline_ms = 0;
	if (!sql_exec(reader->db, "BEGIN", err))
		return false;
	reader->begun = true;
	if (!find_batch(reader, as_of_ms, err)) {
		reader_end(reader);
		return false;
	}
	reader->deadline_ms = budget_ms > 0 ? now_ms() + budget_ms : 0;
	return true;
}

void reader_end(struct reader *reader)
{
	if (!reader->begun)
		return;
	reader->deadline_ms = 0;
	for (size_t i = 0; i < QUERY_COUNT; i++) {
		if (reader->stmts[i])
			sqlite3_reset(reader->stmts[i]);
	}
	(void)sqlite3_exec(reader->db, "COMMIT", NULL, NULL, NULL); /* nothing was written */
	reader->begun = false;
}

int64_t reader_seen_at(struct reader *reader)
{
	return reader->seen_at;
}
