/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "views/history.h"
#include "views/views.h"

/*
 * What lies between two versions of a table, by the commits between them as the store has them: a
 * file that came and went again counts as both. `weir table diff` compares the two states instead.
 */
enum { COMMITS_MAX = 10000, COMMITS_SHOWN = 500 };

struct diff {
	struct sheet_view sheet;
	int64_t from, to;
	struct version_rows rows; /* to .. from, newest first */
	bool whole;               /* none of them is missing */
};

struct totals {
	int64_t commits, rows_added, rows_removed, files_added, files_removed, bytes_added, bytes_removed;
	int64_t data_commits;
};

static void add(int64_t *sum, int64_t value)
{
	*sum = *sum == FACT_UNKNOWN || value == FACT_UNKNOWN ? FACT_UNKNOWN : *sum + value;
}

static struct totals totals_of(const struct diff *diff)
{
	struct totals totals = { 0 };

	for (size_t i = 0; i < diff->rows.n; i++) {
		const struct fact_version *fact = &diff->rows.rows[i].fact;

		if (fact->version == diff->from)
			continue;
		totals.commits++;
		totals.data_commits += fact->data_change;
		add(&totals.rows_added, fact->rows_added);
		add(&totals.rows_removed, fact->rows_removed);
		add(&totals.files_added, fact->files_added);
		add(&totals.files_removed, fact->files_removed);
		add(&totals.bytes_added, fact->bytes_added);
		add(&totals.bytes_removed, fact->bytes_removed);
	}
	return totals;
}

static const struct version_row *oldest_of(const struct diff *diff)
{
	const struct version_row *row = diff->rows.n ? &diff->rows.rows[diff->rows.n - 1] : NULL;

	return row && row->fact.version == diff->from ? row : NULL;
}

static void add_totals(struct sheet *sheet, const struct look *look, const struct diff *diff)
{
	const struct version_row *from = oldest_of(diff);
	const struct version_row *to = &diff->rows.rows[0];
	struct totals totals = totals_of(diff);
	struct line line;

	if (!diff->whole)
		sheet_add(sheet, "incomplete", ROLE_WARN,
			TEXT("not every commit between them is listed: figures are of those that are"));
	sheet_addf(sheet, "commits", ROLE_TEXT, "%" PRId64 ", %" PRId64 " of them changed data",
		totals.commits, totals.data_commits);
	if (from && from->rows_after != FACT_UNKNOWN && to->rows_after != FACT_UNKNOWN)
		sheet_addf(sheet, "rows", ROLE_STRONG, "%.*s then, %.*s now: %.*s",
			TEXT_ARG(format_count(look, from->rows_after)),
			TEXT_ARG(format_count(look, to->rows_after)),
			TEXT_ARG(format_signed(look, to->rows_after - from->rows_after)));
	line_init(&line, look->arena);
	line_change(&line, look, totals.rows_added, totals.rows_removed);
	sheet_addf(sheet, "rows moved", ROLE_TEXT, "%.*s", TEXT_ARG(line_text(&line)));
	line_init(&line, look->arena);
	line_change(&line, look, totals.files_added, totals.files_removed);
	sheet_addf(sheet, "files moved", ROLE_TEXT, "%.*s, %.*s added, %.*s removed",
		TEXT_ARG(line_text(&line)), TEXT_ARG(format_bytes(look, totals.bytes_added)),
		TEXT_ARG(format_bytes(look, totals.bytes_removed)));
	if (from && from->standing.standing != STANDING_UNKNOWN)
		sheet_addf(sheet, "restorable", standing_role(look, &from->standing), "v%" PRId64 ": %.*s",
			diff->from, TEXT_ARG(standing_words(look, &from->standing, false)));
}

static void add_changes(struct sheet *sheet, const struct look *look, const struct diff *diff)
{
	bool any = false;

	for (size_t i = diff->rows.n; i-- > 0;) {
		const struct fact_version *fact = &diff->rows.rows[i].fact;

		if (fact->version == diff->from || !fact->changes.len)
			continue;
		if (!any)
			sheet_heading(sheet, "schema, properties, protocol");
		any = true;
		sheet_sentences(sheet, arena_printf(look->arena, "v%" PRId64, fact->version),
			fact->changes);
	}
	if (!any && diff->whole)
		sheet_add(sheet, "schema", ROLE_DIM, TEXT("unchanged, as are properties and protocol"));
}

static void add_commits(struct sheet *sheet, const struct look *look, const struct diff *diff)
{
	sheet_heading(sheet, "commits, newest first");
	for (size_t i = 0; i < diff->rows.n && i < COMMITS_SHOWN; i++) {
		const struct version_row *row = &diff->rows.rows[i];
		const struct fact_version *fact = &row->fact;
		struct text operation = fact->operation.len ? fact->operation : TEXT("unknown operation");
		struct text who = fact->user_name.len ? fact->user_name : fact->engine;
		struct line line;

		if (fact->version == diff->from)
			continue;
		line_init(&line, look->arena);
		line_change(&line, look, fact->rows_added, fact->rows_removed);
		sheet_addf(sheet, arena_printf(look->arena, "v%" PRId64, fact->version),
			row->restates ? ROLE_WARN : ROLE_TEXT, "%.*s  %.*s, %.*s rows%s%.*s%s",
			TEXT_ARG(format_time(look, fact->timestamp_ms)), TEXT_ARG(operation),
			TEXT_ARG(line_text(&line)), who.len ? ", by " : "", TEXT_ARG(who),
			row->restates ? "; restated" : "");
	}
	if (diff->rows.n > COMMITS_SHOWN)
		sheet_addf(sheet, "", ROLE_DIM, "and %zu more", diff->rows.n - COMMITS_SHOWN);
}

static struct sheet sheet_of(const struct view *view)
{
	const struct diff *diff = view->state;
	struct sheet sheet = { .arena = view->look.arena };

	sheet_heading(&sheet, arena_printf(view->look.arena, "from v%" PRId64 " to v%" PRId64,
		diff->from, diff->to));
	add_totals(&sheet, &view->look, diff);
	add_changes(&sheet, &view->look, diff);
	add_commits(&sheet, &view->look, diff);
	return sheet;
}

/* "3..7" */
static bool span_of(const char *words, int64_t *from_out, int64_t *to_out)
{
	const char *dots = strstr(words, "..");

	return dots && text_to_i64((struct text){ words, (size_t)(dots - words) }, from_out) &&
		text_to_i64(text_of(dots + 2), to_out) && *from_out >= 0 && *from_out < *to_out &&
		*to_out < INT64_MAX;
}

static bool diff_load(struct view *view, struct reader *reader, struct err *err)
{
	struct diff *diff = view->state;
	struct version_rows rows;
	size_t n = 0;

	if (!span_of(view->arg.subject2, &diff->from, &diff->to))
		return err_set(err, ERR_USAGE, 0,
			"which versions? give the older and the newer one, as in 3..7");
	if (!versions_list(reader, &view->arena, text_of(view->arg.subject), diff->to + 1,
			diff->to - diff->from + 1 < COMMITS_MAX ? (size_t)(diff->to - diff->from + 1)
								: COMMITS_MAX,
			&rows, err))
		return false;
	while (n < rows.n && rows.rows[n].fact.version >= diff->from)
		n++;
	rows.n = n;
	if (n == 0 || rows.rows[0].fact.version != diff->to)
		return err_set(err, ERR_ABSENT, 0, "version %" PRId64 " of %s is not listed", diff->to,
			view->arg.subject);
	diff->sheet.sheet_of = sheet_of;
	diff->rows = rows;
	diff->whole = (int64_t)n == diff->to - diff->from + 1 ||
		((int64_t)n == diff->to - diff->from &&
			rows.rows[n - 1].fact.version == diff->from + 1);
	return true;
}

static bool diff_json(const struct view *view, struct buf *out, struct err *err)
{
	const struct diff *diff = view->state;
	struct totals totals = totals_of(diff);
	json_t *versions = json_array();

	for (size_t i = 0; i < diff->rows.n; i++)
		if (diff->rows.rows[i].fact.version != diff->from)
			(void)json_array_append_new(versions, version_row_json(&diff->rows.rows[i]));
	return json_put(out,
		json_pack("{s:o, s:I, s:I, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "table",
			json_text_or_null(text_of(view->arg.subject)), "from", (json_int_t)diff->from, "to", (json_int_t)diff->to,
			"complete", diff->whole, "rows_added", json_number_or_null(totals.rows_added),
			"rows_removed", json_number_or_null(totals.rows_removed), "files_added",
			json_number_or_null(totals.files_added), "files_removed",
			json_number_or_null(totals.files_removed), "bytes_added",
			json_number_or_null(totals.bytes_added), "bytes_removed",
			json_number_or_null(totals.bytes_removed), "versions", versions),
		false, err);
}

static const enum action actions[] = { SCROLL_ACTIONS, ACT_NONE };

const struct view_ops diff_view = {
	.name = "diff",
	.title = "diff",
	.about = "What the commits between two versions of a Delta table did, taken together.",
	.arg = "TABLE|PATH FROM..TO",
	.arg_required = true,
	.state_size = sizeof(struct diff),
	.actions = actions,
	.load = diff_load,
	.draw = sheet_view_draw,
	.act = sheet_view_act,
	.print_rows = sheet_view_print_rows,
	.json = diff_json,
};
