/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/open.h"
#include "store/writer.h"

enum {
	QUEUE_MAX = 8,           /* batches waiting; then store_put waits */
	UNIT_MS = 2000,          /* default of store_options.visible_ms */
	UNIT_EVENTS_MAX = 100000,
	UNIT_ROWS_MAX = 60000,   /* derived rows kept in memory for one unit */
	BUSY_TRIES = 12,         /* of STORE_BUSY_MS each */
	CHECKPOINT_PAGES = 4000, /* of 8 KiB */
	TRUNCATE_PAGES = 8192,   /* 64 MiB */
	PATIENCE_PAGES = 10000,  /* 78 MiB: from here on readers are waited for in earnest */
	PATIENCE_MORE = 2000,    /* after waiting in vain, not again before it grew by so much */
	TRUNCATE_MS = 20,
	PATIENCE_MS = 1000,
	FOREVER_DAYS = 36500,
	RETAIN_FIRST_MS = 60 * 1000,
	RETAIN_EVERY_MS = 3600 * 1000
};

/* What other threads may ask about a source, as of the newest commit. */
struct published {
	struct text name, cursor; /* owned */
	struct store_totals totals;
};

struct store {
	struct store_options options;
	int lock_fd;
	sqlite3 *db;
	dev_t device; /* of the file that is open */
	ino_t inode;
	struct writer writer; /* of the writer thread once it runs */
	int64_t keep_days[FACT_KIND_COUNT], whole_lag_ms;
	int64_t retain_at_ms; /* monotonic; writer thread */
	int wal_pages;        /* set by SQLite's hook; writer thread */
	int patience_pages;   /* the log's length at which readers are waited for; writer thread */
	pthread_t thread;
	/* below: guarded by mutex */
	pthread_mutex_t mutex;
	pthread_cond_t work, done; /* for the writer; for those who wait for it */
	struct fact_batch *queue[QUEUE_MAX];
	size_t head, waiting;
	struct fact_batch *spare[QUEUE_MAX + 2];
	size_t nspare;
	uint64_t put, visible; /* batches taken; how many of them are visible */
	uint64_t wanted;       /* so many are waited for to be visible */
	bool more;             /* the batch written last said that another follows at once */
	uint64_t retain_asked, retain_done;
	bool stop, failed;
	struct err err; /* why it failed */
	struct published *published;
	size_t npublished;
};

static int on_wal(void *context, sqlite3 *db, const char *name, int pages)
{
	struct store *store = context;

	(void)db;
	(void)name;
	store->wal_pages = pages;
	return SQLITE_OK;
}

/*
 * After a commit, never before one that somebody waits for. Readers only keep the log from
 * starting over; when it has grown long all the same, wait for them for a moment, and when it has
 * grown very long, for as long as a query may take: new ones do not stand in the way. A reader that
 * is stuck costs a wait now and then.
 */
static void checkpoint(struct store *store)
{
	if (store->wal_pages >= TRUNCATE_PAGES) {
		bool patient = store->wal_pages >= store->patience_pages;
		int code;

		(void)sqlite3_busy_timeout(store->db, patient ? PATIENCE_MS : TRUNCATE_MS);
		code = sqlite3_wal_checkpoint_v2(
			store->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
		(void)sqlite3_busy_timeout(store->db, STORE_BUSY_MS);
		if (code == SQLITE_OK)
			store->patience_pages = PATIENCE_PAGES;
		else if (patient)
			store->patience_pages = store->wal_pages + PATIENCE_MORE;
	} else if (store->wal_pages >= CHECKPOINT_PAGES) {
		/* a reader in the way is no error: the rest is copied another time */
		(void)sqlite3_wal_checkpoint_v2(
			store->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	} else {
		return;
	}
	store->wal_pages = 0;
}

static struct text text_copy(struct text text)
{
	return text.bytes ? (struct text){ text_dup(text), text.len } : TEXT_NONE;
}

static void text_free(struct text *text)
{
	free((char *)(uintptr_t)text->bytes);
	*text = TEXT_NONE;
}

/* With the mutex. */
static struct published *find_published(struct store *store, struct text name)
{
	for (size_t i = 0; i < store->npublished; i++) {
		if (text_eq(store->published[i].name, name))
			return &store->published[i];
	}
	return NULL;
}

/* With the mutex, or before the thread runs. */
static void publish(struct store *store, const struct writer_source *source)
{
	struct published *entry = find_published(store, source->name);

	if (!entry) {
		store->published = mem_resize(
			store->published, store->npublished + 1, sizeof *store->published);
		entry = &store->published[store->npublished++];
		*entry = (struct published){ .name = text_copy(source->name) };
	}
	text_free(&entry->cursor);
	entry->cursor = text_copy((struct text){ source->cursor, source->cursor_len });
	entry->totals = source->totals;
}

static bool is_busy(const struct err *err)
{
	return err->kind == ERR_STORE && (err->code & 0xff) == SQLITE_BUSY;
}

/*
 * A file that lost its name, or whose name another file has, takes all that is written and nobody
 * will ever read it.
 */
static bool is_in_place(const struct store *store, struct err *err)
{
	const char *path = sqlite3_db_filename(store->db, "main");
	struct stat status;
	bool there = stat(path, &status) == 0;
	int keep_log = 1;

	if ((there && status.st_dev == store->device && status.st_ino == store->inode) ||
		(!there && errno != ENOENT)) /* a moment's trouble on the way to it */
		return true;
	/* by name, closing would remove the log of the other file */
	(void)sqlite3_file_control(store->db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep_log);
	return err_set(err, ERR_STORE, 0,
		"the store %s was %s while it was open: start the collector again to write %s", path,
		there ? "replaced" : "removed", there ? "into what is there now" : "a new one");
}

/* Another process may hold the write lock for an operation of its own: patience, then failure. */
static bool write_batch(
	struct store *store, const struct fact_batch *batch, bool visible, struct err *err)
{
	if (!is_in_place(store, err))
		return false;
	for (int tries = 0;; tries++) {
		if (batch ? writer_batch(&store->writer, batch, visible, err) :
			    writer_show(&store->writer, err))
			return true;
		if (store->writer.broken || !is_busy(err) || tries == BUSY_TRIES)
			return err_wrap(err, "write %s", sqlite3_db_filename(store->db, "main"));
		log_line(LOG_WARN, "store", "%s; trying again", err->text);
	}
}

static int64_t mono_ms(const struct store *store)
{
	return store->options.clock->mono_ms(store->options.clock);
}

/* Under load several transactions make one visible unit: derived rows are written once for all. */
static bool unit_may_grow(const struct store *store)
{
	const struct writer *writer = &store->writer;

	return derive_dirty(writer->derive) < UNIT_ROWS_MAX &&
		writer->unit_events < UNIT_EVENTS_MAX &&
		(!writer->open || mono_ms(store) - writer->opened_ms < store->options.visible_ms);
}

static void fail(struct store *store, const struct err *err)
{
	log_line(LOG_ERROR, "store", "writing stopped: %s", err->text);
	store->failed = true;
	store->err = *err;
}

/* With the mutex, which is let go while the store is written. */
static void write_next(struct store *store)
{
	struct fact_batch *batch = store->queue[store->head];
	bool more = store->waiting > 1 || (batch->more && !store->stop);
	struct err err = ERR_INIT;
	bool ok, visible;

	pthread_mutex_unlock(&store->mutex);
	visible = !more || !unit_may_grow(store);
	ok = write_batch(store, batch, visible, &err);
	pthread_mutex_lock(&store->mutex);
	if (ok) {
		struct writer *writer = &store->writer;

		for (size_t i = 0; i < writer->nsources; i++) {
			if (text_eq(writer->sources[i]->name, batch->source))
				publish(store, writer->sources[i]);
		}
	} else {
		fail(store, &err);
	}
	store->more = batch->more;
	fact_batch_reset(batch);
	store->spare[store->nspare++] = batch;
	store->head = (store->head + 1) % QUEUE_MAX;
	store->waiting--;
	if (ok && visible)
		store->visible = store->put - store->waiting;
	pthread_cond_broadcast(&store->done);
}

/* With the mutex: the unit is left open for what its source has more, but not for long. */
static bool may_wait(const struct store *store)
{
	return store->more && !store->stop && store->wanted <= store->visible &&
		store->waiting == 0 && unit_may_grow(store);
}

static void show_rest(struct store *store)
{
	uint64_t put = store->put;
	struct err err = ERR_INIT;
	bool ok;

	pthread_mutex_unlock(&store->mutex);
	ok = write_batch(store, NULL, true, &err);
	pthread_mutex_lock(&store->mutex);
	if (ok)
		store->visible = put; /* nothing waited when it began */
	else
		fail(store, &err);
	pthread_cond_broadcast(&store->done);
}

static void retain(struct store *store)
{
	uint64_t asked = store->retain_asked;
	struct err err = ERR_INIT;
	bool ok;

	pthread_mutex_unlock(&store->mutex);
	ok = writer_retain(&store->writer, store->keep_days, store->whole_lag_ms, &err);
	store->retain_at_ms = mono_ms(store) + RETAIN_EVERY_MS;
	pthread_mutex_lock(&store->mutex);
	if (!ok && !is_busy(&err))
		fail(store, &err);
	store->retain_done = asked;
	pthread_cond_broadcast(&store->done);
}

/* By the system's clock, whatever clock the store has been given: threads really wait. */
static struct timespec after_ms(int64_t ms)
{
	int64_t at_ms = clock_system()->mono_ms(clock_system()) + ms;

	return (struct timespec){ .tv_sec = at_ms / 1000, .tv_nsec = at_ms % 1000 * 1000000 };
}

/* With the mutex, nothing to do: for how long at most. */
static int64_t patience(const struct store *store)
{
	int64_t left;

	if (!store->writer.open)
		return RETAIN_FIRST_MS;
	left = store->writer.opened_ms + store->options.visible_ms - mono_ms(store);
	return left < 1 ? 1 : left < RETAIN_FIRST_MS ? left : RETAIN_FIRST_MS;
}

static bool retain_is_due(const struct store *store)
{
	return store->retain_asked > store->retain_done || mono_ms(store) >= store->retain_at_ms;
}

static void *writer_thread(void *context)
{
	struct store *store = context;

	pthread_mutex_lock(&store->mutex);
	while (!store->failed) {
		if (store->waiting > 0) {
			write_next(store);
		} else if (store->writer.open && (!may_wait(store) || retain_is_due(store))) {
			show_rest(store); /* retention leaves nothing in memory that is not written */
		} else if (retain_is_due(store)) {
			retain(store);
		} else if (store->stop) {
			break;
		} else {
			struct timespec at = after_ms(patience(store));

			(void)pthread_cond_timedwait(&store->work, &store->mutex, &at);
			continue;
		}
		pthread_mutex_unlock(&store->mutex);
		checkpoint(store);
		pthread_mutex_lock(&store->mutex);
	}
	pthread_cond_broadcast(&store->done);
	pthread_mutex_unlock(&store->mutex);
	return NULL;
}

static void init_waiting(struct store *store)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&store->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&store->work, &attr);
	pthread_cond_init(&store->done, &attr);
	pthread_condattr_destroy(&attr);
}

static int64_t days_of(const struct store_options *options, enum fact_kind kind)
{
	static const int64_t days[] = {
#define X(id, name, keep, about) keep,
		FACT_KINDS(X)
#undef X
	};
	int64_t wanted = options->keep_days[kind];

	if (wanted < 0 || wanted > FOREVER_DAYS)
		return 0;
	return wanted == 0 ? days[kind] : wanted;
}

bool store_open(const struct store_options *options, struct store **store_out, struct err *err)
{
	struct store *store = NEW(struct store);
	struct stat status;
	int code;

	store->options = *options;
	if (store->options.visible_ms <= 0)
		store->options.visible_ms = UNIT_MS;
	store->lock_fd = -1;
	store->patience_pages = PATIENCE_PAGES;
	for (size_t i = 0; i < FACT_KIND_COUNT; i++)
		store->keep_days[i] = days_of(options, (enum fact_kind)i);
	init_waiting(store);
	if (!lock_take(options->path, &store->lock_fd, err) ||
		!store_open_db(options->path, options->full_sync, &store->db, err))
		goto fail;
	if (stat(options->path, &status) != 0) {
		(void)err_errno(err, errno, "open store %s", options->path);
		goto fail;
	}
	store->device = status.st_dev;
	store->inode = status.st_ino;
	(void)sqlite3_wal_hook(store->db, on_wal, store);
	store->whole_lag_ms = options->whole_lag_ms;
	if (!writer_open(&store->writer, store->db, options->clock, err)) {
		(void)err_wrap(err, "open %s", options->path);
		goto fail;
	}
	for (size_t i = 0; i < store->writer.nsources; i++)
		publish(store, store->writer.sources[i]);
	store->retain_at_ms = mono_ms(store) + RETAIN_FIRST_MS;
	code = pthread_create(&store->thread, NULL, writer_thread, store);
	if (code != 0) {
		(void)err_errno(err, code, "start the writer thread");
		writer_close(&store->writer);
		goto fail;
	}
	*store_out = store;
	return true;
fail:
	for (size_t i = 0; i < store->npublished; i++) {
		text_free(&store->published[i].name);
		text_free(&store->published[i].cursor);
	}
	free(store->published);
	sqlite3_close(store->db);
	lock_drop(store->lock_fd);
	free(store);
	return false;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	pthread_mutex_lock(&store->mutex);
	store->stop = true;
	pthread_cond_broadcast(&store->work);
	pthread_mutex_unlock(&store->mutex);
	(void)pthread_join(store->thread, NULL);
	for (; store->waiting > 0; store->waiting--) { /* what a failed writer left */
		fact_batch_free(store->queue[store->head]);
		store->head = (store->head + 1) % QUEUE_MAX;
	}
	for (size_t i = 0; i < store->nspare; i++)
		fact_batch_free(store->spare[i]);
	for (size_t i = 0; i < store->npublished; i++) {
		text_free(&store->published[i].name);
		text_free(&store->published[i].cursor);
	}
	free(store->published);
	writer_close(&store->writer);
	/* closing checkpoints and removes the log when no reader is there */
	sqlite3_close(store->db);
	lock_drop(store->lock_fd);
	pthread_cond_destroy(&store->work);
	pthread_cond_destroy(&store->done);
	pthread_mutex_destroy(&store->mutex);
	free(store);
}

/* With the mutex: waits for news from the writer; false when the deadline has passed. */
static bool wait_done(struct store *store, int64_t deadline_ms)
{
	int64_t now = mono_ms(store);
	int64_t left = deadline_ms > now ? deadline_ms - now : 0;
	struct timespec at;

	if (left <= 0)
		return false;
	at = after_ms(left < 3600 * 1000 ? left : 3600 * 1000);
	return pthread_cond_timedwait(&store->done, &store->mutex, &at) != ETIMEDOUT;
}

bool store_put(struct store *store, struct fact_batch **batch, int64_t deadline_ms, struct err *err)
{
	bool ok = true;

	raw_packer_prepare(store->writer.raw, *batch);
	pthread_mutex_lock(&store->mutex);
	while (!store->failed && store->waiting == QUEUE_MAX && ok)
		ok = wait_done(store, deadline_ms);
	if (store->failed) {
		*err = store->err;
		ok = false;
	} else if (store->waiting == QUEUE_MAX) {
		ok = err_set(err, ERR_LIMIT, 0, "store facts of %.*s: the writer is behind",
			TEXT_ARG((*batch)->source));
	} else {
		store->queue[(store->head + store->waiting) % QUEUE_MAX] = *batch;
		store->waiting++;
		store->put++;
		*batch = store->nspare > 0 ? store->spare[--store->nspare] : NULL;
		ok = true;
		pthread_cond_signal(&store->work);
	}
	pthread_mutex_unlock(&store->mutex);
	if (ok && !*batch)
		*batch = fact_batch_new();
	return ok;
}

void store_settle(struct store *store)
{
	pthread_mutex_lock(&store->mutex);
	for (size_t i = 0; i < store->waiting; i++)
		store->queue[(store->head + i) % QUEUE_MAX]->more = false;
	store->more = false;
	pthread_cond_signal(&store->work);
	pthread_mutex_unlock(&store->mutex);
}

bool store_flush(struct store *store, int64_t deadline_ms, struct err *err)
{
	uint64_t wanted;
	bool ok = true;

	pthread_mutex_lock(&store->mutex);
	wanted = store->put;
	if (store->wanted < wanted)
		store->wanted = wanted;
	pthread_cond_signal(&store->work);
	while (!store->failed && store->visible < wanted && ok)
		ok = wait_done(store, deadline_ms);
	if (store->visible >= wanted)
		ok = true;
	else if (store->failed)
		*err = store->err;
	else
		(void)err_set(err, ERR_LIMIT, 0, "flush the store: out of time");
	ok = store->visible >= wanted;
	pthread_mutex_unlock(&store->mutex);
	return ok;
}

bool store_cursor(struct store *store, struct text source, struct arena *arena,
	struct text *cursor_out, struct err *err)
{
	struct published *entry;

	(void)err; /* what committed is kept in memory */
	pthread_mutex_lock(&store->mutex);
	entry = find_published(store, source);
	*cursor_out = entry ? arena_text(arena, entry->cursor) : TEXT_NONE;
	pthread_mutex_unlock(&store->mutex);
	return true;
}

bool store_retain(struct store *store, struct err *err)
{
	uint64_t wanted;
	bool ok;

	pthread_mutex_lock(&store->mutex);
	wanted = ++store->retain_asked;
	pthread_cond_signal(&store->work);
	while (!store->failed && store->retain_done < wanted)
		(void)pthread_cond_wait(&store->done, &store->mutex);
	ok = !store->failed;
	if (!ok)
		*err = store->err;
	pthread_mutex_unlock(&store->mutex);
	return ok;
}

void store_totals(struct store *store, struct text source, struct store_totals *out)
{
	*out = (struct store_totals){ 0 };
	pthread_mutex_lock(&store->mutex);
	for (size_t i = 0; i < store->npublished; i++) {
		const struct store_totals *totals = &store->published[i].totals;

		if (source.bytes && !text_eq(source, store->published[i].name))
			continue;
		out->batches += totals->batches;
		out->events_put += totals->events_put;
		out->events_new += totals->events_new;
		out->facts_put += totals->facts_put;
		out->facts_new += totals->facts_new;
		out->undecodable += totals->undecodable;
	}
	pthread_mutex_unlock(&store->mutex);
}
