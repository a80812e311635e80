/* SPDX-License-Identifier: Apache-2.0 */
/* What tables hold and which versions can be restored: told on change, and as of any time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "store/reader_internal.h"
#include "store/store.h"
#include "tests/lib/place.h"

#define NOW_MS INT64_C(1763600000000)

static _Atomic int64_t now_ms; /* the writer reads it, too */
static struct store *store;
static struct reader *reader;
static struct arena arena;

static int64_t wall(const struct clock *clock)
{
	(void)clock;
	return now_ms;
}

static int64_t mono(const struct clock *clock)
{
	(void)clock;
	return now_ms;
}

static const struct clock fixed = { .wall_ms = wall, .mono_ms = mono };

static int set_up(void **state)
{
	const struct store_options options = { .path = place_store, .clock = &fixed };
	struct err err = ERR_INIT;

	(void)state;
	now_ms = NOW_MS;
	if (!store_open(&options, &store, &err))
		fail_msg("%s", err.text);
	return 0;
}

static int tear_down(void **state)
{
	store_close(store);
	store = NULL;
	arena_free(&arena);
	return place_clear(state);
}

static struct fact_version *version(struct fact_batch *batch, int64_t number, int64_t rows_added,
	int64_t rows_removed)
{
	struct fact *fact = fact_batch_fact(batch, FACT_VERSION, NOW_MS + number);
	struct fact_version *v = &fact->u.version;

	v->table = TEXT("fire.loan");
	v->path = TEXT("/lake/fire/loan");
	v->version = number;
	v->timestamp_ms = NOW_MS + number;
	v->commit_info_ms = v->read_version = FACT_UNKNOWN;
	v->operation = TEXT("WRITE");
	v->files_added = rows_added > 0;
	v->files_removed = rows_removed > 0;
	v->bytes_added = rows_added * 10;
	v->bytes_removed = rows_removed * 10;
	v->rows_added = rows_added;
	v->rows_removed = rows_removed;
	v->data_change = true;
	return v;
}

static struct fact_table *table(struct fact_batch *batch, int64_t number, int64_t rows)
{
	struct fact *fact = fact_batch_fact(batch, FACT_TABLE, now_ms);
	struct fact_table *t = &fact->u.table;

	memset(t, 0, sizeof *t);
	t->table = TEXT("fire.loan");
	t->path = TEXT("/lake/fire/loan");
	t->version = number;
	t->timestamp_ms = NOW_MS + number;
	t->files = 2;
	t->rows = t->records = rows;
	t->bytes = rows == FACT_UNKNOWN ? 10 : rows * 10;
	t->checkpoint = -1;
	t->rescued = t->flagged = FACT_UNKNOWN;
	t->shape = TEXT("{\"schema\":[]}");
	return t;
}

static struct fact_standing *standing(
	struct fact_batch *batch, int64_t number, enum version_standing how)
{
	struct fact *fact = fact_batch_fact(batch, FACT_STANDING, now_ms);
	struct fact_standing *s = &fact->u.standing;

	memset(s, 0, sizeof *s);
	s->table = TEXT("fire.loan");
	s->path = TEXT("/lake/fire/loan");
	s->version = number;
	s->standing = how;
	s->until_ms = how == STANDING_RESTORABLE ? NOW_MS + 1000 : FACT_UNKNOWN;
	s->gone = how == STANDING_LISTED ? TEXT("part-0.parquet") : TEXT_NONE;
	s->files_gone = how == STANDING_LISTED;
	return s;
}

static void put(struct fact_batch *batch)
{
	struct err err = ERR_INIT;

	batch->source = TEXT("delta fire");
	if (!store_put(store, &batch, now_ms + 10000, &err) ||
		!store_flush(store, now_ms + 10000, &err))
		fail_msg("%s", err.text);
	fact_batch_free(batch);
}

static void look(int64_t as_of_ms)
{
	struct err err = ERR_INIT;

	if (!reader_open(place_store, &reader, &err) || !reader_begin(reader, as_of_ms, 0, &err))
		fail_msg("%s", err.text);
}

static struct version_rows versions(int64_t as_of_ms)
{
	struct version_rows rows;
	struct err err = ERR_INIT;

	look(as_of_ms);
	if (!versions_list(reader, &arena, TEXT("fire.loan"), INT64_MAX, 100, &rows, &err))
		fail_msg("%s", err.text);
	reader_close(reader);
	return rows;
}

static struct table_row one(int64_t as_of_ms)
{
	struct table_row row;
	struct err err = ERR_INIT;

	look(as_of_ms);
	if (!table_find(reader, &arena, TEXT("fire.loan"), &row, &err))
		fail_msg("%s", err.text);
	reader_close(reader);
	return row;
}

/* Versions 0 to 3: 100 rows, 20 more, all 120 replaced, 5 more. */
static struct fact_batch *history(void)
{
	struct fact_batch *batch = fact_batch_new();

	(void)version(batch, 0, 100, 0);
	(void)version(batch, 1, 20, 0);
	(void)version(batch, 2, 118, 120);
	(void)version(batch, 3, 5, 0);
	(void)table(batch, 3, 123);
	(void)standing(batch, 0, STANDING_LISTED);
	(void)standing(batch, 1, STANDING_RESTORABLE);
	(void)standing(batch, 3, STANDING_CURRENT);
	return batch;
}

static void unknown_until_told(void **state)
{
	struct fact_batch *batch = fact_batch_new();
	struct table_row row;
	struct version_rows rows;

	(void)state;
	(void)version(batch, 0, 100, 0);
	put(batch);
	row = one(READER_NOW);
	assert_int_equal(row.state.rows, FACT_UNKNOWN);
	assert_int_equal(row.state_at_ms, TIME_UNKNOWN);
	assert_int_equal(row.optimized_at_ms, TIME_UNKNOWN);
	assert_null(row.state.shape.bytes);
	rows = versions(READER_NOW);
	assert_int_equal(rows.rows[0].standing.standing, STANDING_UNKNOWN);
	assert_int_equal(rows.rows[0].rows_after, FACT_UNKNOWN);
	assert_false(rows.rows[0].restates);
}

static void rows_are_counted_back(void **state)
{
	struct version_rows rows;
	struct table_row row;

	(void)state;
	put(history());
	row = one(READER_NOW);
	assert_int_equal(row.state.rows, 123);
	assert_int_equal(row.state_at_ms, NOW_MS);
	assert_int_equal(text_cmp(row.state.shape, TEXT("{\"schema\":[]}")), 0);
	rows = versions(READER_NOW);
	assert_int_equal(rows.n, 4);
	assert_int_equal(rows.rows[0].rows_after, 123);
	assert_int_equal(rows.rows[1].rows_after, 118);
	assert_int_equal(rows.rows[2].rows_after, 120);
	assert_int_equal(rows.rows[3].rows_after, 100);
	assert_int_equal(rows.rows[3].bytes_after, 1000);
	assert_false(rows.rows[0].restates);
	assert_true(rows.rows[1].restates);
	assert_false(rows.rows[2].restates);
	assert_int_equal(rows.rows[0].standing.standing, STANDING_CURRENT);
	assert_int_equal(rows.rows[1].standing.standing, STANDING_UNKNOWN);
	assert_int_equal(rows.rows[2].standing.until_ms, NOW_MS + 1000);
	assert_int_equal(rows.rows[3].standing.standing, STANDING_LISTED);
	assert_int_equal(text_cmp(rows.rows[3].standing.gone, TEXT("part-0.parquet")), 0);
}

static void an_unknown_commit_ends_the_count(void **state)
{
	struct fact_batch *batch = fact_batch_new();
	struct version_rows rows;

	(void)state;
	(void)version(batch, 0, 100, 0);
	version(batch, 1, 20, 0)->rows_added = FACT_UNKNOWN;
	(void)version(batch, 2, 5, 0);
	(void)table(batch, 2, 125);
	put(batch);
	rows = versions(READER_NOW);
	assert_int_equal(rows.rows[1].rows_after, 120);
	assert_int_equal(rows.rows[2].rows_after, FACT_UNKNOWN);
	assert_int_equal(rows.rows[2].files_after, 0); /* two files came after it, two there are */
}

static void told_again_adds_nothing(void **state)
{
	struct fact_batch *batch;

	(void)state;
	put(history());
	now_ms += 60000;
	put(history());
	assert_int_equal(place_ask("SELECT count(*) FROM table_state"), 1);
	assert_int_equal(place_ask("SELECT count(*) FROM standing"), 3);
	now_ms += 60000;
	batch = fact_batch_new();
	(void)table(batch, 4, 130);
	(void)standing(batch, 1, STANDING_LISTED);
	put(batch);
	assert_int_equal(place_ask("SELECT count(*) FROM table_state"), 2);
	assert_int_equal(place_ask("SELECT count(*) FROM table_shape"), 1);
	assert_int_equal(place_ask("SELECT count(*) FROM standing"), 4);
}

static void as_of_an_earlier_time(void **state)
{
	struct fact_batch *batch;
	struct version_rows rows;

	(void)state;
	put(history());
	now_ms += 60000;
	batch = fact_batch_new();
	version(batch, 4, 7, 0)->operation = TEXT("OPTIMIZE");
	table(batch, 4, 130)->first_listed = 1;
	(void)standing(batch, 1, STANDING_LISTED);
	(void)standing(batch, 3, STANDING_RESTORABLE);
	(void)standing(batch, 4, STANDING_CURRENT);
	put(batch);
	rows = versions(READER_NOW);
	assert_int_equal(rows.n, 5);
	assert_int_equal(rows.rows[0].standing.standing, STANDING_CURRENT);
	assert_int_equal(rows.rows[1].standing.standing, STANDING_RESTORABLE);
	assert_int_equal(rows.rows[3].standing.standing, STANDING_LISTED);
	assert_int_equal(rows.rows[4].standing.standing, STANDING_GONE); /* cleaned from the log */
	assert_int_equal(one(READER_NOW).state.version, 4);
	assert_int_equal(one(READER_NOW).optimized_at_ms, NOW_MS + 4);
	rows = versions(NOW_MS + 1000);
	assert_int_equal(rows.n, 4);
	assert_int_equal(rows.rows[0].standing.standing, STANDING_CURRENT);
	assert_int_equal(rows.rows[2].standing.standing, STANDING_RESTORABLE);
	assert_int_equal(rows.rows[3].standing.standing, STANDING_LISTED);
	assert_int_equal(one(NOW_MS + 1000).state.version, 3);
	assert_int_equal(one(NOW_MS + 1000).optimized_at_ms, TIME_UNKNOWN);
}

/* Dropped and made again at the same path: its history is its own, and the old one that of before. */
static void made_anew_is_another_table(void **state)
{
	struct fact_batch *batch;
	struct version_rows rows;
	struct table_rows tables;
	struct err err = ERR_INIT;

	(void)state;
	put(history());
	now_ms += 60000;
	batch = fact_batch_new();
	table(batch, FACT_UNKNOWN, FACT_UNKNOWN)->anew = true;
	(void)version(batch, 0, 7, 0);
	(void)version(batch, 1, 8, 0);
	(void)table(batch, 1, 15);
	(void)standing(batch, 1, STANDING_CURRENT);
	put(batch);
	now_ms += 60000;
	batch = fact_batch_new();
	(void)version(batch, 2, 1, 0);
	put(batch);
	rows = versions(READER_NOW);
	assert_int_equal(rows.n, 3);
	assert_int_equal(rows.rows[0].fact.rows_added, 1);
	assert_int_equal(rows.rows[1].fact.rows_added, 8);
	assert_int_equal(rows.rows[1].rows_after, 15);
	assert_int_equal(rows.rows[1].standing.standing, STANDING_CURRENT);
	assert_int_equal(rows.rows[2].fact.rows_added, 7);
	assert_int_equal(rows.rows[2].standing.standing, STANDING_UNKNOWN);
	look(READER_NOW);
	if (!tables_list(reader, &arena, &tables, &err))
		fail_msg("%s", err.text);
	assert_int_equal(tables.n, 1);
	assert_int_equal(tables.rows[0].version, 2);
	assert_int_equal(tables.rows[0].versions, 3);
	reader_close(reader);
	rows = versions(NOW_MS + 1000); /* as it was known before */
	assert_int_equal(rows.n, 4);
	assert_int_equal(rows.rows[3].fact.rows_added, 100);
	assert_int_equal(one(NOW_MS + 1000).state.rows, 123);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(made_anew_is_another_table, set_up, tear_down),
		cmocka_unit_test_setup_teardown(unknown_until_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(rows_are_counted_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_unknown_commit_ends_the_count, set_up, tear_down),
		cmocka_unit_test_setup_teardown(told_again_adds_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(as_of_an_earlier_time, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, place_make, place_remove);
}
