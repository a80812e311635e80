/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "base/clock.h"
#include "views/history.h"
#include "views/views.h"

struct version {
	struct sheet_view sheet;
	struct version_row row;
};

static void add_word(struct sheet *sheet, const char *label, enum role role, struct text text)
{
	if (text.len)
		sheet_add(sheet, label, role, text);
}

static void sheet_amounts(struct sheet *sheet, const struct look *look,
	const struct fact_version *version)
{
	struct line line;

	line_init(&line, look->arena);
	line_change(&line, look, version->rows_added, version->rows_removed);
	sheet_add(sheet, "rows", ROLE_TEXT, line_text(&line));
	line_init(&line, look->arena);
	line_change(&line, look, version->files_added, version->files_removed);
	sheet_addf(sheet, "files", ROLE_TEXT, "%.*s, %.*s added, %.*s removed",
		TEXT_ARG(line_text(&line)), TEXT_ARG(format_bytes(look, version->bytes_added)),
		TEXT_ARG(format_bytes(look, version->bytes_removed)));
	if (version->dv_added > 0)
		sheet_addf(sheet, "", ROLE_TEXT, "%" PRId64 " again with a deletion vector",
			version->dv_added);
	if (!version->data_change)
		sheet_add(sheet, "", ROLE_DIM, TEXT("no data change: readers see the same rows"));
}

static void sheet_all(struct sheet *sheet, const struct look *look, const struct version_row *row)
{
	const struct fact_version *version = &row->fact;

	sheet_object(sheet, "operation parameters", version->parameters);
	sheet_object(sheet, "operation metrics", version->metrics);
	sheet_heading(sheet, "commit");
	sheet_addf(sheet, "timestamp", ROLE_TEXT, "%.*s, %s",
		TEXT_ARG(format_time(look, version->timestamp_ms)),
		version->in_commit_timestamp ? "written in the commit" : "of the commit's file");
	if (version->commit_info_ms != FACT_UNKNOWN)
		sheet_add(sheet, "writer's clock", ROLE_TEXT, format_time(look, version->commit_info_ms));
	if (version->read_version != FACT_UNKNOWN)
		sheet_addf(sheet, "read version", ROLE_TEXT, "v%" PRId64, version->read_version);
	if (version->is_blind_append >= 0)
		sheet_add(sheet, "blind append", ROLE_TEXT,
			version->is_blind_append ? TEXT("yes") : TEXT("no"));
	add_word(sheet, "isolation", ROLE_TEXT, version->isolation_level);
	add_word(sheet, "user id", ROLE_TEXT, version->user_id);
	add_word(sheet, "user metadata", ROLE_TEXT, version->user_metadata);
	add_word(sheet, "pipeline", ROLE_TEXT, version->pipeline_id);
	add_word(sheet, "update", ROLE_TEXT, version->update_id);
	add_word(sheet, "epoch", ROLE_TEXT, version->epoch_id);
	add_word(sheet, "cluster", ROLE_TEXT, version->cluster_id);
	add_word(sheet, "table id", ROLE_TEXT, version->table_id);
	add_word(sheet, "path", ROLE_DIM, version->path);
	if (row->seen_at_ms != TIME_UNKNOWN)
		sheet_add(sheet, "seen", ROLE_DIM, format_time(look, row->seen_at_ms));
	sheet_object(sheet, "job", version->job);
	sheet_object(sheet, "notebook", version->notebook);
}

static void sheet_standing(struct sheet *sheet, const struct look *look, const struct version_row *row)
{
	const struct fact_standing *standing = &row->standing;
	struct text words = standing_words(look, standing, false);

	if (row->restates)
		sheet_add(sheet, "restated", ROLE_WARN,
			TEXT("nearly all rows went and came back: what was published is told anew"));
	if (row->published != FACT_UNKNOWN && row->quarantined != FACT_UNKNOWN)
		sheet_addf(sheet, "complete", ROLE_TEXT, "%.*s: %.*s published, %.*s quarantined",
			TEXT_ARG(format_share(look, row->published, row->published + row->quarantined)),
			TEXT_ARG(format_count(look, row->published)),
			TEXT_ARG(format_count(look, row->quarantined)));
	if (words.bytes && standing->until_ms != FACT_UNKNOWN)
		sheet_addf(sheet, "restorable", standing_role(look, standing), "%.*s (%.*s, %s)",
			TEXT_ARG(words), TEXT_ARG(format_time(look, standing->until_ms)),
			standing->by_log ? "when its log may be cleaned" : "when VACUUM may take files");
	else if (words.bytes)
		sheet_add(sheet, "restorable", standing_role(look, standing), words);
	add_word(sheet, "", ROLE_DIM, standing->gone);
}

void sheet_version(struct sheet *sheet, const struct look *look, const struct version_row *row,
	bool whole)
{
	const struct fact_version *version = &row->fact;
	struct text operation = version->operation.len ? version->operation : TEXT("unknown operation");

	sheet_heading(sheet, arena_printf(look->arena, "what v%" PRId64 " changed", version->version));
	add_word(sheet, "incomplete", ROLE_WARN, version->problem);
	sheet_addf(sheet, "operation", ROLE_STRONG, "%.*s%s%.*s%s%.*s", TEXT_ARG(operation),
		version->user_name.len ? " by " : "", TEXT_ARG(version->user_name),
		version->engine.len ? " with " : "", TEXT_ARG(version->engine));
	sheet_sentences(sheet, "changed", version->changes);
	sheet_amounts(sheet, look, version);
	sheet_standing(sheet, look, row);
	if (whole) {
		sheet_all(sheet, look, row);
		return;
	}
	sheet_object_line(sheet, "parameters", version->parameters);
	sheet_object_line(sheet, "metrics", version->metrics);
}

json_t *version_json(const struct fact_version *version)
{
	return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
			"s:o}",
		"version", (json_int_t)version->version,
		"timestamp_ms", json_number_or_null(version->timestamp_ms),
		"operation", json_text_or_null(version->operation),
		"operation_parameters", json_embedded(version->parameters),
		"operation_metrics", json_embedded(version->metrics),
		"user_name", json_text_or_null(version->user_name),
		"engine", json_text_or_null(version->engine),
		"read_version", json_number_or_null(version->read_version),
		"is_blind_append", json_flag(version->is_blind_append),
		"files_added", json_number_or_null(version->files_added),
		"files_removed", json_number_or_null(version->files_removed),
		"rows_added", json_number_or_null(version->rows_added),
		"rows_removed", json_number_or_null(version->rows_removed),
		"user_metadata", json_text_or_null(version->user_metadata),
		"changes", json_embedded(version->changes),
		"problem", json_text_or_null(version->problem));
}

json_t *version_row_json(const struct version_row *row)
{
	json_t *json = version_json(&row->fact);

	(void)json_object_set_new(json, "restorable", standing_json(&row->standing));
	(void)json_object_set_new(json, "rows_after", json_number_or_null(row->rows_after));
	(void)json_object_set_new(json, "published", json_number_or_null(row->published));
	(void)json_object_set_new(json, "quarantined", json_number_or_null(row->quarantined));
	(void)json_object_set_new(json, "restates", json_boolean(row->restates));
	return json;
}

static struct sheet sheet_of(const struct view *view)
{
	const struct version *version = view->state;
	struct sheet sheet = { .arena = view->look.arena };

	sheet_version(&sheet, &view->look, &version->row, true);
	return sheet;
}

static bool version_load(struct view *view, struct reader *reader, struct err *err)
{
	struct version *version = view->state;
	struct version_rows rows;

	int64_t wanted = view->arg.number;
	bool newest = !view->arg.subject2[0] && wanted == 0;

	if (view->arg.subject2[0] && (!text_to_i64(text_of(view->arg.subject2), &wanted) || wanted < 0 ||
					    wanted == INT64_MAX))
		return err_set(err, ERR_USAGE, 0, "which version? give its number, as in 7, not %s",
			view->arg.subject2);
	if (!versions_list(reader, &view->arena, text_of(view->arg.subject),
			newest ? INT64_MAX : wanted + 1, 1, &rows, err))
		return false;
	if (!rows.n || (!newest && rows.rows[0].fact.version != wanted))
		return err_set(err, ERR_ABSENT, 0, "version %" PRId64 " of %s is not listed", wanted,
			view->arg.subject);
	version->sheet.sheet_of = sheet_of;
	version->row = rows.rows[0];
	return true;
}

static bool version_subject(const struct view *view, struct subject *out)
{
	const struct version *version = view->state;

	if (version->sheet.sheet_of)
		subject_set(out, "version",
			text_of(arena_printf(view->look.arena, "%.*s v%" PRId64,
				TEXT_ARG(version->row.fact.table), version->row.fact.version)),
			version->row.fact.path);
	return version->sheet.sheet_of != NULL;
}

static bool version_view_json(const struct view *view, struct buf *out, struct err *err)
{
	const struct version *version = view->state;

	if (!version->sheet.sheet_of)
		return err_set(err, ERR_ABSENT, 0, "no such version");
	return json_put(out, version_row_json(&version->row), false, err);
}

static const enum action actions[] = { SCROLL_ACTIONS, ACT_NONE };

const struct view_ops version_view = {
	.name = "version",
	.title = "version",
	.about = "What one version of a Delta table changed: parameters, metrics, schema, files, rows.",
	.arg = "TABLE|PATH [VERSION]",
	.arg_required = true,
	.state_size = sizeof(struct version),
	.actions = actions,
	.load = version_load,
	.draw = sheet_view_draw,
	.act = sheet_view_act,
	.subject = version_subject,
	.print_rows = sheet_view_print_rows,
	.json = version_view_json,
};
