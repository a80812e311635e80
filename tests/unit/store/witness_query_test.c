/* SPDX-License-Identifier: Apache-2.0 */
/* What the commits to a quarantine table say beside the event log's number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "store/reader.h"
#include "tests/lib/place.h"
#include "tests/lib/sample.h"

/* The sample's derivative_silver tells 400 rows set aside, by the flow of derivative_quarantine. */
#define QUARANTINE "fire/derivative_quarantine"

struct commit {
	const char *table, *update;
	int64_t version, added, files_removed;
	bool data_change;
	const char *parameters;
};

/* Each put is one batch, and one more snapshot. */
static void put(const struct commit *commits, size_t n)
{
	struct store *store = place_open();
	struct fact_batch *batch = fact_batch_new();
	struct err err = ERR_INIT;

	batch->source = TEXT("delta lake");
	for (size_t i = 0; i < n; i++) {
		struct fact_version *v = &fact_batch_fact(batch, FACT_VERSION, SAMPLE_NOW_MS)->u.version;
		const struct commit *c = &commits[i];

		v->table = text_of(c->table);
		v->path = text_of(arena_printf(&batch->arena, "/lake/%s", c->table));
		v->version = c->version;
		v->timestamp_ms = SAMPLE_NOW_MS + c->version;
		v->update_id = text_of(c->update);
		v->rows_added = c->added;
		v->files_removed = c->files_removed;
		v->data_change = c->data_change;
		v->parameters = text_of(c->parameters);
	}
	if (!store_put(store, &batch, place_deadline(), &err) ||
		!store_flush(store, place_deadline(), &err))
		fail_msg("%s", err.text);
	fact_batch_free(batch);
	store_close(store);
}

static void expect_at(int64_t at_ms, const char *dataset, int64_t table_says, int agrees)
{
	struct reader *reader = NULL;
	struct arena arena = { 0 };
	struct quality_rows rows;
	struct err err = ERR_INIT;
	const struct quality_row *row = NULL;

	if (!reader_open(place_store, &reader, &err) || !reader_begin(reader, at_ms, 0, &err) ||
		!quality_list(reader, &arena, TEXT_NONE, TEXT_NONE, &rows, &err))
		fail_msg("%s", err.text);
	for (size_t i = 0; i < rows.n; i++) {
		if (text_is(rows.rows[i].dataset, dataset))
			row = &rows.rows[i];
	}
	assert_non_null(row);
	if (row->table_quarantined != table_says || row->table_agrees != agrees)
		fail_msg("%s: the table says %lld, agrees %d", dataset,
			(long long)row->table_quarantined, row->table_agrees);
	reader_end(reader);
	reader_close(reader);
	arena_free(&arena);
}

static void expect(int64_t table_says)
{
	expect_at(READER_NOW, "derivative_silver", table_says, table_says == FACT_UNKNOWN ? -1 : table_says == 400);
	expect_at(READER_NOW, "collateral_silver", FACT_UNKNOWN, -1); /* it has no such table */
}

static int set_up(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	return sample_store(place_store, &err) ? 0 : 1;
}

static void commits_of_the_update_are_added_up(void **state)
{
	static const struct commit commits[] = {
		{ QUARANTINE, "another-update", 0, 99, 0, true, NULL },
		{ QUARANTINE, SAMPLE_FIRE_LAST, 1, 300, 0, true, NULL },
		{ QUARANTINE, SAMPLE_FIRE_LAST, 2, 100, 0, true, NULL },
		{ QUARANTINE, SAMPLE_FIRE_LAST, 3, 400, 2, false, NULL }, /* OPTIMIZE adds nothing */
		{ "fire/derivative_silver", SAMPLE_FIRE_LAST, 1, 39600, 0, true, NULL },
	};

	(void)state;
	expect_at(READER_NOW, "derivative_silver", FACT_UNKNOWN, -1); /* nobody follows the table */
	put(commits, ARRAY_LEN(commits));
	expect(400);
	/* As it was before the commits were seen. */
	expect_at(SAMPLE_NOW_MS, "derivative_silver", FACT_UNKNOWN, -1);
}

static void a_later_commit_makes_a_difference(void **state)
{
	static const struct commit commits[] = { { QUARANTINE, SAMPLE_FIRE_LAST, 1, 390, 0, true, NULL } };
	static const struct commit late[] = { { QUARANTINE, SAMPLE_FIRE_LAST, 2, 25, 0, true, NULL } };

	(void)state;
	put(commits, 1);
	expect(390);
	put(late, 1);
	expect(415);
}

/* Nobody counted, something else went away, or it was another update: no number at all. */
static void what_is_not_known_is_not_told(void **state)
{
	static const struct commit uncounted[] = { { QUARANTINE, SAMPLE_FIRE_LAST, 1, 400, 0, true, NULL },
		{ QUARANTINE, SAMPLE_FIRE_LAST, 2, FACT_UNKNOWN, 0, true, NULL } };
	static const struct commit rewritten[] = {
		{ "b/derivative_quarantine", SAMPLE_FIRE_LAST, 1, 400, 1, true, NULL } };

	(void)state;
	put(uncounted, 2);
	expect(FACT_UNKNOWN);
	put(rewritten, 1);
	expect_at(READER_NOW, "derivative_silver", FACT_UNKNOWN, -1); /* which of the two? */
}

/* A table written anew holds what the update set aside; one that lost rows otherwise does not tell. */
static void an_overwrite_counts_alone(void **state)
{
	static const struct commit anew[] = {
		{ QUARANTINE, SAMPLE_FIRE_LAST, 1, 77, 0, true, "{\"outputMode\":\"Append\"}" },
		{ QUARANTINE, SAMPLE_FIRE_LAST, 2, 390, 3, true, "{\"outputMode\":\"Complete\"}" },
	};
	static const struct commit more[] = {
		{ QUARANTINE, SAMPLE_FIRE_LAST, 3, 400, 3, true, "{\"mode\":\"Overwrite\"}" } };
	static const struct commit merged[] = {
		{ QUARANTINE, SAMPLE_FIRE_LAST, 4, 400, 1, true, "{\"predicate\":\"[]\"}" } };

	(void)state;
	put(anew, 2);
	expect(390);
	put(more, 1);
	expect(400);
	put(merged, 1);
	expect(FACT_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			commits_of_the_update_are_added_up, set_up, place_clear),
		cmocka_unit_test_setup_teardown(
			a_later_commit_makes_a_difference, set_up, place_clear),
		cmocka_unit_test_setup_teardown(what_is_not_known_is_not_told, set_up, place_clear),
		cmocka_unit_test_setup_teardown(an_overwrite_counts_alone, set_up, place_clear),
	};

	return cmocka_run_group_tests(tests, place_make, place_remove);
}
