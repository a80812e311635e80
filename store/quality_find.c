/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/mem.h"
#include "store/reader_internal.h"

/*
 * Which updates may be the newest that reported the quality of some dataset: found through indexes,
 * so that each of them needs to be looked at only once.
 */
enum { OPEN_RUNS_MAX = 3, RUNS_MAX = 32 };

static void add_candidate(struct candidates *list, int64_t upd)
{
	int64_t *recent = &list->recent[(uint64_t)upd % ARRAY_LEN(list->recent)];

	if (*recent == upd)
		return; /* an update has many datasets */
	*recent = upd;
	if (list->n == list->room) {
		list->room = list->room ? list->room * 2 : 64;
		list->rows = mem_resize(list->rows, list->room, sizeof *list->rows);
	}
	list->rows[list->n++] = (struct candidate){ .upd = upd };
}

/*
 * Those that reported by the row, or did not. Rows with later facts may not have reported anything
 * yet: then the next older one counts, too.
 */
static bool candidates_of_dataset(struct reader *reader, int64_t dataset, bool reported,
	struct candidates *list, bool *found_out, struct err *err)
{
	sqlite3_stmt *stmt;
	bool row, ok, sure = false;

	if (!reader_query(reader, Q_DATASET_QUALITY, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, dataset);
	sqlite3_bind_int64(stmt, 2, reader->n);
	sqlite3_bind_int64(stmt, 3, reported);
	while (!sure && (ok = sql_step(stmt, &row, err)) && row) {
		add_candidate(list, sqlite3_column_int64(stmt, 0));
		sure = !reported || sqlite3_column_int64(stmt, 1) <= reader->n;
	}
	sqlite3_reset(stmt);
	*found_out = sure;
	return sure || ok;
}

bool dataset_fits(struct text name, struct text wanted)
{
	return !wanted.bytes || text_eq(name, wanted) ||
		(name.len > wanted.len && name.bytes[name.len - wanted.len - 1] == '.' &&
			text_ends(name, wanted));
}

static bool is_wanted(struct names *names, int64_t dataset, struct text wanted, bool *is_out,
	struct err *err)
{
	struct text name;

	*is_out = !wanted.bytes;
	if (!wanted.bytes)
		return true;
	if (!names_text(names, dataset, &name, err))
		return false;
	*is_out = dataset_fits(name, wanted);
	return true;
}

/* Without later facts the index alone tells: a step in it for each dataset. */
static bool candidates_now(
	struct names *names, struct text wanted, struct candidates *list, struct err *err)
{
	int64_t dataset = INT64_MAX, upd;
	sqlite3_stmt *stmt;
	bool row, is;

	for (;;) {
		if (!reader_query(names->reader, Q_DATASET_BEFORE, &stmt, err))
			return false;
		sqlite3_bind_int64(stmt, 1, dataset);
		if (!sql_step(stmt, &row, err))
			return false;
		if (!row)
			return true;
		dataset = sqlite3_column_int64(stmt, 0);
		upd = sqlite3_column_int64(stmt, 1);
		sqlite3_reset(stmt);
		if (!is_wanted(names, dataset, wanted, &is, err))
			return false;
		if (is)
			add_candidate(list, upd);
	}
}

static bool candidates_then(
	struct names *names, struct text wanted, struct candidates *list, struct err *err)
{
	struct reader *reader = names->reader;
	int64_t dataset = INT64_MIN;
	sqlite3_stmt *stmt;
	bool row, is, found;

	for (;;) {
		if (!reader_query(reader, Q_DATASET_NEXT, &stmt, err))
			return false;
		sqlite3_bind_int64(stmt, 1, dataset);
		if (!sql_step(stmt, &row, err))
			return false;
		if (!row)
			return true;
		dataset = sqlite3_column_int64(stmt, 0);
		sqlite3_reset(stmt);
		if (!is_wanted(names, dataset, wanted, &is, err))
			return false;
		if (is && !candidates_of_dataset(reader, dataset, true, list, &found, err))
			return false;
		if (is && !found &&
			!candidates_of_dataset(reader, dataset, false, list, &found, err))
			return false;
	}
}

/*
 * Of pipelines that write datasets of one name, each has its own newest update; one that still runs
 * may have nothing to tell yet, and one that failed early never will: then back to one that did.
 */
static bool candidates_of_pipeline(
	struct reader *reader, int64_t pipeline, struct candidates *list, struct err *err)
{
	sqlite3_stmt *stmt;
	struct run run;
	int n = 0;
	bool row, ok = true, final = false, told = false;

	if (!reader_query(reader, Q_RUN_HEADS, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, pipeline);
	sqlite3_bind_int64(stmt, 2, INT64_MAX);
	sqlite3_bind_int64(stmt, 3, reader->n);
	while (!told && n < RUNS_MAX && (ok = sql_step(stmt, &row, err)) && row) {
		if (!(ok = run_head_of_row(reader, stmt, &run, err)))
			break;
		if (!run.visible || !run_is_data(&run))
			continue;
		told = run_state_is_final(run.fold.state) && run.fold.quality_flows > 0;
		if (told || (!final && n < OPEN_RUNS_MAX))
			add_candidate(list, run.upd);
		final = final || run_state_is_final(run.fold.state);
		n++;
	}
	sqlite3_reset(stmt);
	return ok;
}

static int by_upd(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;

	return (a->upd > b->upd) - (a->upd < b->upd);
}

static int newest_first(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;

	if (a->created_k != b->created_k)
		return a->created_k > b->created_k ? -1 : 1;
	return (a->upd < b->upd) - (a->upd > b->upd);
}

/* Each update once, those of wanted pipelines, newest first. */
static bool candidates_order(struct reader *reader, const struct ids *pipelines,
	struct candidates *list, struct err *err)
{
	size_t n = 0;

	if (list->n == 0)
		return true;
	qsort(list->rows, list->n, sizeof *list->rows, by_upd);
	for (size_t i = 0; i < list->n; i++) {
		struct candidate candidate = list->rows[i];
		struct run run;

		if (n > 0 && list->rows[n - 1].upd == candidate.upd)
			continue;
		if (!run_load(reader, candidate.upd, &run, err))
			return false;
		candidate.pipeline = run.fold.pipeline;
		candidate.created_k = run.created_k;
		candidate.is_open = run_is_open(&run);
		if (!run.visible || (pipelines && !ids_has(pipelines, candidate.pipeline)))
			candidate.pipeline = -1;
		list->rows[n++] = candidate;
	}
	list->n = n;
	qsort(list->rows, list->n, sizeof *list->rows, newest_first);
	return true;
}

bool candidates_find(struct names *names, const struct ids *pipelines, struct text dataset,
	struct candidates *list, struct err *err)
{
	struct reader *reader = names->reader;
	struct ids all = { 0 };
	bool ok = reader->n == reader->newest ? candidates_now(names, dataset, list, err)
					      : candidates_then(names, dataset, list, err);

	if (!ok)
		return false;
	if (!pipelines && !pipelines_all(names, &all, err))
		return false;
	if (pipelines)
		all = *pipelines;
	for (size_t i = 0; i < all.n; i++) {
		if (!candidates_of_pipeline(reader, all.ids[i], list, err))
			return false;
	}
	return candidates_order(reader, pipelines, list, err);
}
