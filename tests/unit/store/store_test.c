/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/reader.h"
#include "store/open.h"
#include "store/store.h"
#include "store/writer.h"
#include "tests/lib/place.h"

static void put(struct store *store, struct fact_batch **batch)
{
	struct err err = ERR_INIT;

	if (!store_put(store, batch, place_deadline(), &err))
		fail_msg("%s", err.text);
}

static void flush(struct store *store)
{
	struct err err = ERR_INIT;

	if (!store_flush(store, place_deadline(), &err))
		fail_msg("%s", err.text);
}

static void fill(struct fact_batch *batch, int from, int n, const char *cursor)
{
	batch->source = arena_text(&batch->arena, TEXT("eventlog a"));
	batch->cursor = arena_text(&batch->arena, text_of(cursor));
	for (int i = from; i < from + n; i++) {
		struct fact_event *event = fact_batch_event(batch);

		memcpy(event->id, &i, sizeof i);
		event->happened_at_ms = INT64_C(1700000000000) + i / 3;
		event->type = i % 5 ? EVENT_FLOW_PROGRESS : EVENT_UPDATE_PROGRESS;
		event->level = i % 7 ? LEVEL_METRICS : LEVEL_ERROR;
		event->state = RUN_RUNNING;
		event->pipeline_id = fact_batch_intern(batch, TEXT("pipe"));
		event->pipeline_name = fact_batch_intern(batch, TEXT("Pipe"));
		event->update_id = fact_batch_intern(batch, TEXT("upd"));
		event->flow = fact_batch_intern(batch, i % 2 ? TEXT("f1") : TEXT("f2"));
		event->message = fact_batch_intern(batch, TEXT("wrote 17 rows"));
		event->output_rows = i;
		event->batch_id = i / 10;
		if (i % 7 == 0)
			event->raw = arena_text(&batch->arena, TEXT("{\"id\":1}"));
	}
}

static void facts_are_kept_once_with_their_cursor(void **state)
{
	struct store *store = place_open();
	struct fact_batch *batch = fact_batch_new();
	struct store_totals totals;
	struct arena arena = { 0 };
	struct err err = ERR_INIT;
	struct text cursor;
	int64_t rolled;

	(void)state;
	assert_true(store_cursor(store, TEXT("eventlog a"), &arena, &cursor, &err));
	assert_null(cursor.bytes);
	fill(batch, 0, 100, "c1");
	put(store, &batch);
	fill(batch, 50, 100, "c2");
	put(store, &batch);
	flush(store);
	assert_int_equal(place_ask("SELECT count(*) FROM event"), 150);
	assert_int_equal(place_ask("SELECT count(*) FROM event WHERE batch > (SELECT max(n) FROM batch)"), 0);
	assert_int_equal(place_ask("SELECT count(*) FROM raw"), 22);
	assert_int_equal(place_ask("SELECT count(*) FROM run"), 1);
	assert_int_equal(place_ask("SELECT count(*) FROM flow_run"), 2);
	rolled = place_ask("SELECT sum(length(x)) FROM roll_h");
	store_totals(store, TEXT_NONE, &totals);
	assert_int_equal(totals.events_put, 200);
	assert_int_equal(totals.events_new, 150);
	store_close(store);

	store = place_open();
	assert_true(store_cursor(store, TEXT("eventlog a"), &arena, &cursor, &err));
	assert_true(text_is(cursor, "c2"));
	fill(batch, 0, 150, "c3");
	put(store, &batch);
	flush(store);
	store_close(store);
	assert_int_equal(place_ask("SELECT count(*) FROM event"), 150);
	assert_true(rolled > 0);
	assert_int_equal(place_ask("SELECT sum(length(x)) FROM roll_h"), rolled);
	fact_batch_free(batch);
	arena_free(&arena);
}

/* Keys have 20 bits of hash in a millisecond: thousands of events at once make some collide. */
static void a_crowded_millisecond_keeps_every_event_once(void **state)
{
	enum { CROWD = 8000, PIECE = 1000 };
	struct store *store = place_open();
	struct fact_batch *batch = fact_batch_new();

	(void)state;
	for (int i = 0; i < 2 * CROWD; i++) {
		struct fact_event *event = fact_batch_event(batch);
		int id = i < CROWD ? i : (i * 7) % CROWD; /* again, in another order */

		memcpy(event->id, &id, sizeof id);
		event->happened_at_ms = INT64_C(1700000000000);
		if (i % PIECE == PIECE - 1) {
			batch->source = TEXT("eventlog a");
			put(store, &batch);
		}
	}
	flush(store);
	store_close(store);
	fact_batch_free(batch);
	assert_int_equal(place_ask("SELECT count(*) FROM event"), CROWD);
	assert_int_equal(place_ask("SELECT count(DISTINCT substr(x, 1, 16)) FROM event"), CROWD);
	assert_int_equal(place_ask("SELECT count(*) FROM event WHERE k >> 20 <> 1700000000000"), 0);
}

static void other_facts_are_kept(void **state)
{
	struct store *store = place_open();
	struct fact_batch *batch = fact_batch_new();

	(void)state;
	for (int pass = 0; pass < 2; pass++) {
		struct fact *fact;

		batch->source = arena_text(&batch->arena, TEXT("delta d"));
		fact = fact_batch_fact(batch, FACT_VERSION, 1000);
		fact->u.version = (struct fact_version){ .table = TEXT("t"), .path = TEXT("/t"),
			.version = 7, .timestamp_ms = 1000, .rows_added = FACT_UNKNOWN,
			.changes = TEXT("[\"x\"]"), .problem = TEXT("p"), .is_blind_append = -1 };
		fact = fact_batch_fact(batch, FACT_HEALTH, 1500);
		fact->u.health = (struct fact_health){ HEALTH_SILENT, TEXT("quiet"), TEXT_NONE, 3 };
		fact_batch_undecodable(batch, 1700, TEXT("/l:1"), TEXT("bad"), TEXT("\x01{"));
		put(store, &batch);
	}
	flush(store);
	store_close(store);
	fact_batch_free(batch);
	assert_int_equal(place_ask("SELECT count(*) FROM version WHERE version = 7 AND rows_added IS NULL"
			     " AND changes = '[\"x\"]' AND problem = 'p' AND is_blind_append IS NULL"), 1);
	assert_int_equal(place_ask("SELECT count(DISTINCT at) FROM health WHERE state = 2 AND behind = 3"), 1);
	assert_int_equal(place_ask("SELECT count(*) FROM undecodable WHERE length = 2"), 1);
}

static void one_writer_at_a_time(void **state)
{
	struct store_options options = { .path = place_store, .clock = clock_system() };
	struct store *store, *second = NULL;
	struct err err = ERR_INIT;
	char pid[32];

	(void)state;
	assert_int_equal(store_writer_pid(place_store), 0);
	store = place_open();
	assert_int_equal(store_writer_pid(place_store), getpid());
	assert_false(store_open(&options, &second, &err));
	assert_int_equal(err.kind, ERR_STORE);
	(void)snprintf(pid, sizeof pid, "%d", (int)getpid());
	assert_non_null(strstr(err.text, pid));
	store_close(store);
	assert_int_equal(store_writer_pid(place_store), 0);
}

static void refuse(const char *words)
{
	struct store_options options = { .path = place_store, .clock = clock_system() };
	struct store *store = NULL;
	struct err err = ERR_INIT;

	assert_false(store_open(&options, &store, &err));
	assert_int_equal(err.kind, ERR_STORE);
	assert_non_null(strstr(err.text, place_store));
	if (!strstr(err.text, words))
		fail_msg("\"%s\" lacks \"%s\"", err.text, words);
	assert_int_equal(store_writer_pid(place_store), 0);
}

static void exec(const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(place_store, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void newer_and_damaged_stores_are_refused(void **state)
{
	FILE *file;

	(void)state;
	store_close(place_open());
	exec("PRAGMA user_version = 99");
	refuse("99");
	assert_int_equal(place_ask("PRAGMA user_version"), 99);
	(void)place_clear(state);

	exec("CREATE TABLE theirs (x); PRAGMA user_version = 1");
	refuse("not a Weir store");
	assert_int_equal(place_ask("SELECT count(*) FROM sqlite_schema"), 1);
	(void)place_clear(state);

	file = fopen(place_store, "w");
	assert_non_null(file);
	for (int i = 0; i < 2000; i++)
		(void)fputs("this is no database ", file);
	(void)fclose(file);
	refuse("not a Weir store");
	(void)place_clear(state);

	store_close(place_open());
	assert_int_equal(truncate(place_store, 20000), 0);
	refuse("damaged");
}

/* A child writes without end and is killed; what committed must be whole, once, and folded. */
static void killed_writers_lose_and_repeat_nothing(void **state)
{
	(void)state;
	srand(7);
	for (int round = 0; round < 6; round++) {
		pid_t child = fork();
		int status;

		assert_true(child >= 0);
		if (child == 0) {
			struct store *store = place_open();
			struct fact_batch *batch = fact_batch_new();
			struct arena arena = { 0 };
			struct err err = ERR_INIT;
			struct text cursor;
			int64_t at = 0;
			char words[32];

			(void)store_cursor(store, TEXT("eventlog a"), &arena, &cursor, &err);
			if (cursor.bytes)
				(void)text_to_i64(cursor, &at);
			for (;; at += 40) {
				(void)snprintf(words, sizeof words, "%lld", (long long)at + 40);
				fill(batch, (int)at, 40, words);
				put(store, &batch);
			}
		}
		(void)usleep((useconds_t)(20000 + rand() % 60000));
		(void)kill(child, SIGKILL);
		(void)waitpid(child, &status, 0);
		store_close(place_open());
		assert_int_equal(place_ask("SELECT count(*) FROM event"),
			place_ask("SELECT CAST(coalesce(max(cursor), '0') AS INTEGER) FROM source"));
		assert_int_equal(
			place_ask("SELECT count(*) FROM event WHERE batch > (SELECT max(n) FROM batch)"), 0);
	}
	assert_true(place_ask("SELECT count(*) FROM event") > 0);
}

/* What is written into a file without a name is lost: the writer stops and says so. */
static void a_store_that_is_gone_is_not_written(void **state)
{
	struct store *store = place_open();
	struct fact_batch *batch = fact_batch_new();
	struct err err = ERR_INIT;
	char away[96];

	(void)state;
	(void)snprintf(away, sizeof away, "%s.away", place_store);
	fill(batch, 0, 100, "c1");
	put(store, &batch);
	flush(store);
	assert_int_equal(rename(place_store, away), 0);
	fill(batch, 100, 100, "c2");
	put(store, &batch);
	assert_false(store_flush(store, place_deadline(), &err));
	assert_int_equal(err.kind, ERR_STORE);
	assert_non_null(strstr(err.text, "was removed while it was open"));
	store_close(store);
	/* what was in it is whole, and goes on where it was */
	assert_int_equal(rename(away, place_store), 0);
	assert_int_equal(place_ask("SELECT count(*) FROM event"), 100);
	store = place_open();
	fill(batch, 100, 100, "c2");
	put(store, &batch);
	flush(store);
	assert_int_equal(place_ask("SELECT count(*) FROM event"), 200);
	store_close(store);
	fact_batch_free(batch);
}

/* Root may read everything: what a store says to who may not is asked as another. */
static void who_may_not_read_is_told_so(void **state)
{
	enum { NOBODY = 65534, AS_EXPECTED = 0, OTHER_WORDS = 1, WAS_OPENED = 2 };
	char folder[sizeof place_store];
	int status;
	pid_t child;

	(void)state;
	store_close(place_open());
	(void)snprintf(folder, sizeof folder, "%s", place_store);
	*strrchr(folder, '/') = 0;
	assert_int_equal(chmod(folder, 0755), 0);
	assert_int_equal(chmod(place_store, 0), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct reader *reader;
		struct err err = ERR_INIT;

		if (geteuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY) != 0)
			_exit(OTHER_WORDS);
		if (reader_open(place_store, &reader, &err))
			_exit(WAS_OPENED);
		_exit(err.kind == ERR_AUTH && strstr(err.text, "Permission denied") ? AS_EXPECTED
										    : OTHER_WORDS);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(chmod(place_store, 0600), 0);
}

static void batch_bounds_its_events(void **state)
{
	struct store *store = place_open();
	struct fact_batch *batch = fact_batch_new();

	(void)state;
	fill(batch, 300, 30, "c1");
	put(store, &batch);
	flush(store);
	fill(batch, 0, 30, "c2"); /* older ones come later */
	put(store, &batch);
	flush(store);
	fill(batch, 400, 30, "c3");
	put(store, &batch);
	flush(store);
	store_close(store);
	assert_true(place_ask("SELECT count(*) FROM batch") >= 3);
	assert_int_equal(place_ask("SELECT count(*) FROM event e JOIN batch b ON e.batch <= b.n"
			     " WHERE e.k > b.k_max"), 0);
	assert_int_equal(place_ask("SELECT max(k) - (SELECT k_max FROM batch WHERE n = event.batch)"
			     " FROM event WHERE batch = (SELECT min(batch) FROM event)"), 0);
	assert_true(place_ask("SELECT k_max FROM batch ORDER BY n DESC LIMIT 1") ==
		place_ask("SELECT max(k) FROM event"));
	fact_batch_free(batch);
}

static struct writer watched;
static size_t asked, unwritten; /* how often the time was, and derived rows not written then */

static int64_t wall_of_watched(const struct clock *clock)
{
	(void)clock;
	asked++;
	unwritten = watched.derive ? derive_dirty(watched.derive) : 0;
	return 1000;
}

/* Writing a unit may take long: it was not seen by those who looked meanwhile. */
static void a_unit_is_seen_when_it_is_written(void **state)
{
	const struct clock clock = { .wall_ms = wall_of_watched, .mono_ms = wall_of_watched };
	struct fact_batch *batch = fact_batch_new();
	struct err err = ERR_INIT;
	sqlite3 *db = NULL;

	(void)state;
	batch->source = TEXT("eventlog a");
	fact_batch_event(batch)->update_id = fact_batch_intern(batch, TEXT("update"));
	if (!store_open_db(place_store, false, &db, &err) || !writer_open(&watched, db, &clock, &err))
		fail_msg("%s", err.text);
	asked = 0;
	if (!writer_batch(&watched, batch, true, &err))
		fail_msg("%s", err.text);
	assert_true(asked > 0);
	assert_int_equal(unwritten, 0);
	writer_close(&watched);
	sqlite3_close(db);
	fact_batch_free(batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_unit_is_seen_when_it_is_written, place_clear),
		cmocka_unit_test_teardown(batch_bounds_its_events, place_clear),
		cmocka_unit_test_teardown(facts_are_kept_once_with_their_cursor, place_clear),
		cmocka_unit_test_teardown(a_crowded_millisecond_keeps_every_event_once, place_clear),
		cmocka_unit_test_teardown(other_facts_are_kept, place_clear),
		cmocka_unit_test_teardown(one_writer_at_a_time, place_clear),
		cmocka_unit_test_teardown(newer_and_damaged_stores_are_refused, place_clear),
		cmocka_unit_test_teardown(a_store_that_is_gone_is_not_written, place_clear),
		cmocka_unit_test_teardown(who_may_not_read_is_told_so, place_clear),
		cmocka_unit_test_teardown(killed_writers_lose_and_repeat_nothing, place_clear),
	};

	return cmocka_run_group_tests(tests, place_make, place_remove);
}
