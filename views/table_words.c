/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "base/clock.h"
#include "views/history.h"

/* What tables and their versions are said to be, on several screens. */

enum { SOON_MS = 24 * 3600 * 1000 };

struct text standing_words(
	const struct look *look, const struct fact_standing *standing, bool brief)
{
	switch (standing->standing) {
	case STANDING_UNKNOWN:
		return TEXT_NONE;
	case STANDING_CURRENT:
		return TEXT("current");
	case STANDING_GONE:
		return TEXT("gone");
	case STANDING_LISTED:
		if (standing->by_log || standing->files_gone <= 0)
			return brief ? TEXT("log is gone")
				     : TEXT("listed only: the log before it is gone");
		return text_of(arena_printf(look->arena, "%s%.*s file%s gone",
			brief ? "" : "listed only: ",
			TEXT_ARG(format_count(look, standing->files_gone)),
			standing->files_gone == 1 ? "" : "s"));
	case STANDING_RESTORABLE:
		break;
	}
	if (standing->until_ms == FACT_UNKNOWN)
		return TEXT("yes");
	if (standing->until_ms <= look->now_ms)
		return TEXT("clean-up due");
	return text_of(arena_printf(look->arena, "%.*s left",
		TEXT_ARG(format_duration(look, standing->until_ms - look->now_ms))));
}

enum role standing_role(const struct look *look, const struct fact_standing *standing)
{
	switch (standing->standing) {
	case STANDING_CURRENT:
		return ROLE_STRONG;
	case STANDING_RESTORABLE:
		return standing->until_ms != FACT_UNKNOWN &&
				standing->until_ms - look->now_ms < SOON_MS
			? ROLE_WARN
			: ROLE_OK;
	case STANDING_LISTED:
	case STANDING_GONE:
		return ROLE_DIM;
	case STANDING_UNKNOWN:
		break;
	}
	return ROLE_UNKNOWN;
}

json_t *standing_json(const struct fact_standing *standing)
{
	if (standing->standing == STANDING_UNKNOWN)
		return json_null();
	return json_pack("{s:s, s:o, s:b, s:o, s:o, s:o, s:o}", "standing",
		version_standing_name(standing->standing), "until_ms",
		json_number_or_null(standing->until_ms), "by_log", standing->by_log, "files_old",
		json_number_or_null(standing->files_old), "files_gone",
		json_number_or_null(standing->files_gone), "files_unlooked",
		json_number_or_null(standing->files_unlooked), "gone",
		json_text_or_null(standing->gone));
}

static void add_contents(struct sheet *sheet, const struct look *look, const struct fact_table *state)
{
	struct text size = format_bytes(look, state->bytes);

	if (state->rows == FACT_UNKNOWN && state->files_without_stats > 0)
		sheet_addf(sheet, "holds", ROLE_TEXT,
			"%.*s in %.*s; rows unknown: %" PRId64 " without statistics",
			TEXT_ARG(size), TEXT_ARG(format_things(look, state->files, "file")),
			state->files_without_stats);
	else
		sheet_addf(sheet, "holds", ROLE_TEXT, "%.*s, %.*s in %.*s",
			TEXT_ARG(format_things(look, state->rows, "row")), TEXT_ARG(size),
			TEXT_ARG(format_things(look, state->files, "file")));
	if (state->deleted_rows > 0)
		sheet_addf(sheet, "", ROLE_DIM, "%.*s more rows hidden by %.*s deletion vectors",
			TEXT_ARG(format_count(look, state->deleted_rows)),
			TEXT_ARG(format_count(look, state->deletion_vectors)));
	if (state->rescued > 0)
		sheet_addf(sheet, "quarantine", ROLE_WARN, "%.*s with rescued data",
			TEXT_ARG(format_things(look, state->rescued, "row")));
	if (state->flagged > 0)
		sheet_addf(sheet, "quarantine", ROLE_WARN, "%.*s in flagged partitions",
			TEXT_ARG(format_things(look, state->flagged, "row")));
}

static void add_horizon(struct sheet *sheet, const struct fact_table *state)
{
	if (state->newest_gone > 0)
		sheet_addf(sheet, "broken", ROLE_FAILED,
			"%" PRId64 " of %" PRId64 " files of the newest version looked for are gone",
			state->newest_gone, state->newest_looked);
	if (state->first_restorable == FACT_UNKNOWN)
		return;
	if (state->first_restorable < state->version)
		sheet_addf(sheet, "restorable", ROLE_TEXT, "back to v%" PRId64 "%s",
			state->first_restorable,
			state->first_listed != FACT_UNKNOWN &&
					state->first_restorable > state->first_listed
				? "; older ones lack files, or the log before them"
				: "");
	else if (state->version > 0)
		sheet_add(sheet, "restorable", ROLE_WARN,
			TEXT("no older version: their files or the log before them are gone"));
}

static void add_upkeep(struct sheet *sheet, const struct look *look, const struct table_row *row)
{
	const struct fact_table *state = &row->state;
	struct text optimized = row->optimized_at_ms == TIME_UNKNOWN
		? TEXT("never in the log")
		: format_time(look, row->optimized_at_ms);
	struct text vacuumed = row->vacuumed_at_ms == TIME_UNKNOWN
		? TEXT("never in the log")
		: format_time(look, row->vacuumed_at_ms);

	sheet_addf(sheet, "upkeep", ROLE_TEXT, "OPTIMIZE %.*s, VACUUM %.*s", TEXT_ARG(optimized),
		TEXT_ARG(vacuumed));
	if (state->files > 0 && state->small_files > 0)
		sheet_addf(sheet, "small files", ROLE_TEXT, "%.*s of %.*s, %.*s in them",
			TEXT_ARG(format_count(look, state->small_files)),
			TEXT_ARG(format_count(look, state->files)),
			TEXT_ARG(format_bytes(look, state->small_bytes)));
	if (state->version != FACT_UNKNOWN && state->checkpoint < 0)
		sheet_add(sheet, "checkpoint", ROLE_TEXT, TEXT("none"));
	else if (state->version != FACT_UNKNOWN)
		sheet_addf(sheet, "checkpoint", ROLE_TEXT, "v%" PRId64 ", %" PRId64 " behind the newest version",
			state->checkpoint, state->version - state->checkpoint);
	if (state->min_reader != FACT_UNKNOWN)
		sheet_addf(sheet, "protocol", ROLE_TEXT, "reader %" PRId64 ", writer %" PRId64,
			state->min_reader, state->min_writer);
}

void sheet_table(struct sheet *sheet, const struct look *look, const struct table_row *row,
	bool whole)
{
	const struct fact_table *state = &row->state;

	sheet_heading(sheet, arena_printf(look->arena, "%.*s", TEXT_ARG(row->table)));
	if (state->problem.len)
		sheet_add(sheet, "incomplete", ROLE_WARN, state->problem);
	else if (row->problem.len)
		sheet_add(sheet, "incomplete", ROLE_WARN, row->problem);
	if (state->version != FACT_UNKNOWN)
		add_contents(sheet, look, state);
	if (state->version != FACT_UNKNOWN && state->version != row->version)
		sheet_addf(sheet, "", ROLE_DIM, "as of v%" PRId64, state->version);
	add_horizon(sheet, state);
	sheet_addf(sheet, "newest", ROLE_TEXT, "v%" PRId64 " %.*s, %.*s%s%.*s", row->version,
		TEXT_ARG(row->operation.len ? row->operation : TEXT("unknown operation")),
		TEXT_ARG(format_time(look, row->timestamp_ms)),
		row->user_name.len ? " by " : "", TEXT_ARG(row->user_name));
	if (row->first_version != FACT_UNKNOWN)
		sheet_addf(sheet, "listed", ROLE_TEXT, "%" PRId64 " version%s, from v%" PRId64,
			row->versions, row->versions == 1 ? "" : "s", row->first_version);
	if (whole || row->optimized_at_ms != TIME_UNKNOWN || row->vacuumed_at_ms != TIME_UNKNOWN ||
		state->small_files > 0)
		add_upkeep(sheet, look, row);
	sheet_add(sheet, "path", ROLE_DIM, row->path);
}

static void set_number(json_t *json, const char *key, int64_t value)
{
	(void)json_object_set_new(json, key, json_number_or_null(value));
}

json_t *table_json(const struct table_row *row)
{
	const struct fact_table *state = &row->state;
	json_t *json = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "table",
		json_text_or_null(row->table), "path", json_text_or_null(row->path), "source",
		json_text_or_null(row->source), "version", json_number_or_null(row->version),
		"timestamp_ms", json_number_or_null(row->timestamp_ms), "first_version",
		json_number_or_null(row->first_version), "versions",
		json_number_or_null(row->versions), "operation", json_text_or_null(row->operation),
		"engine", json_text_or_null(row->engine), "user_name",
		json_text_or_null(row->user_name), "problem",
		json_text_or_null(state->problem.len ? state->problem : row->problem));

	set_number(json, "rows_added", row->rows_added);
	set_number(json, "rows_removed", row->rows_removed);
	set_number(json, "files_added", row->files_added);
	set_number(json, "files_removed", row->files_removed);
	set_number(json, "commits_24h", row->commits_24h);
	set_number(json, "state_version", state->version);
	set_number(json, "files", state->files);
	set_number(json, "bytes", state->bytes);
	set_number(json, "rows", state->rows);
	set_number(json, "tombstones", state->tombstones);
	set_number(json, "small_files", state->small_files);
	set_number(json, "deletion_vectors", state->deletion_vectors);
	set_number(json, "partitions", state->partitions);
	set_number(json, "checkpoint", state->checkpoint < 0 ? FACT_UNKNOWN : state->checkpoint);
	set_number(json, "first_restorable", state->first_restorable);
	set_number(json, "newest_looked", state->newest_looked);
	set_number(json, "newest_gone", state->newest_gone);
	set_number(json, "rescued_rows", state->rescued);
	set_number(json, "flagged_rows", state->flagged);
	set_number(json, "optimized_at_ms", row->optimized_at_ms);
	set_number(json, "vacuumed_at_ms", row->vacuumed_at_ms);
	return json;
}
