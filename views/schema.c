/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "views/history.h"
#include "views/views.h"

/* Columns, properties and features of one table, and how they came to be so. */
enum { VERSIONS_MAX = 10000, CELL_MAX = 4096 };

struct schema {
	struct sheet_view sheet;
	struct table_row row;
	struct version_rows rows;
};

/* What a table says of itself is foreign. */
static struct text clean(struct arena *arena, const char *foreign)
{
	struct text text = TEXT("");
	struct buf buf;

	buf_init(&buf, CELL_MAX);
	(void)utf8_clean(&buf, text_of(foreign ? foreign : ""), UTF8_ONE_LINE);
	if (buf.len > 0)
		text = arena_text(arena, (struct text){ buf.bytes, buf.len });
	buf_done(&buf);
	return text;
}

static bool holds(const json_t *names, const char *name)
{
	size_t i;
	json_t *value;

	json_array_foreach((json_t *)names, i, value) {
		if (name && json_string_value(value) && strcmp(json_string_value(value), name) == 0)
			return true;
	}
	return false;
}

static void add_columns(struct sheet *sheet, const json_t *shape)
{
	const json_t *partitions = json_object_get(shape, "partition_columns");
	const json_t *columns = json_object_get(shape, "schema");
	size_t i;
	json_t *column;

	sheet_heading(sheet, arena_printf(sheet->arena, "columns (%zu)", json_array_size(columns)));
	json_array_foreach((json_t *)columns, i, column) {
		const char *name = json_string_value(json_object_get(column, "name"));
		const char *type = json_string_value(json_object_get(column, "type"));

		sheet_addf(sheet, clean(sheet->arena, name).bytes, ROLE_TEXT, "%.*s%s%s",
			TEXT_ARG(clean(sheet->arena, type)),
			json_is_false(json_object_get(column, "nullable")) ? ", not null" : "",
			holds(partitions, name) ? ", partition" : "");
	}
}

static void add_names(struct sheet *sheet, const char *label, const json_t *names)
{
	struct line line;
	size_t i;
	json_t *value;

	if (json_array_size(names) == 0)
		return;
	line_init(&line, sheet->arena);
	json_array_foreach((json_t *)names, i, value) {
		if (i > 0)
			line_add(&line, ROLE_TEXT, TEXT(", "));
		line_add(&line, ROLE_TEXT, clean(sheet->arena, json_string_value(value)));
	}
	sheet_add(sheet, label, ROLE_TEXT, line_text(&line));
}

static void add_properties(struct sheet *sheet, const json_t *shape)
{
	const json_t *properties = json_object_get(shape, "properties");
	const char *key;
	json_t *value;
	size_t i;

	if (json_object_size(properties) > 0)
		sheet_heading(sheet, "properties");
	json_object_foreach((json_t *)properties, key, value) {
		sheet_addf(sheet, clean(sheet->arena, key).bytes, ROLE_TEXT, "%.*s",
			TEXT_ARG(clean(sheet->arena, json_string_value(value))));
	}
	add_names(sheet, "reader features", json_object_get(shape, "reader_features"));
	add_names(sheet, "writer features", json_object_get(shape, "writer_features"));
	json_array_foreach(json_object_get(shape, "notes"), i, value) {
		sheet_add(sheet, i == 0 ? "note" : "", ROLE_WARN,
			clean(sheet->arena, json_string_value(value)));
	}
}

static void add_past(struct sheet *sheet, const struct look *look, const struct version_rows *rows)
{
	bool any = false;

	for (size_t i = 0; i < rows->n; i++) {
		const struct fact_version *fact = &rows->rows[i].fact;

		if (!fact->changes.len)
			continue;
		if (!any)
			sheet_heading(sheet, "over time, newest first");
		any = true;
		sheet_sentences(sheet,
			arena_printf(look->arena, "v%" PRId64 " %.*s", fact->version,
				TEXT_ARG(format_time(look, fact->timestamp_ms))),
			fact->changes);
	}
}

static struct sheet sheet_of(const struct view *view)
{
	const struct schema *schema = view->state;
	struct sheet sheet = { .arena = view->look.arena };
	json_t *shape;

	sheet_table(&sheet, &view->look, &schema->row, true);
	shape = json_embedded(schema->row.state.shape);
	if (json_is_object(shape)) {
		const char *description = json_string_value(json_object_get(shape, "description"));

		if (description && *description)
			sheet_add(&sheet, "description", ROLE_TEXT, clean(sheet.arena, description));
		add_columns(&sheet, shape);
		add_properties(&sheet, shape);
	}
	json_decref(shape);
	add_past(&sheet, &view->look, &schema->rows);
	return sheet;
}

static bool schema_load(struct view *view, struct reader *reader, struct err *err)
{
	struct schema *schema = view->state;
	struct table_row row;
	struct version_rows rows;

	if (!table_find(reader, &view->arena, text_of(view->arg.subject), &row, err) ||
		!versions_list(reader, &view->arena, text_of(view->arg.subject), INT64_MAX,
			VERSIONS_MAX, &rows, err))
		return false;
	schema->sheet.sheet_of = sheet_of;
	schema->row = row;
	schema->rows = rows;
	return true;
}

static bool schema_subject(const struct view *view, struct subject *out)
{
	const struct schema *schema = view->state;

	if (schema->sheet.sheet_of)
		subject_set(out, "table", schema->row.table, schema->row.path);
	return schema->sheet.sheet_of != NULL;
}

static bool schema_json(const struct view *view, struct buf *out, struct err *err)
{
	const struct schema *schema = view->state;
	json_t *json, *past = json_array();

	if (!schema->sheet.sheet_of) {
		json_decref(past);
		return err_set(err, ERR_ABSENT, 0, "no such table");
	}
	json = table_json(&schema->row);
	for (size_t i = 0; i < schema->rows.n; i++) {
		const struct fact_version *fact = &schema->rows.rows[i].fact;

		if (fact->changes.len)
			(void)json_array_append_new(past,
				json_pack("{s:I, s:o, s:o}", "version", (json_int_t)fact->version,
					"timestamp_ms", json_number_or_null(fact->timestamp_ms),
					"changes", json_embedded(fact->changes)));
	}
	(void)json_object_set_new(json, "shape", json_embedded(schema->row.state.shape));
	(void)json_object_set_new(json, "over_time", past);
	return json_put(out, json, false, err);
}

static const enum action actions[] = { SCROLL_ACTIONS, ACT_NONE };

const struct view_ops schema_view = {
	.name = "schema",
	.title = "schema",
	.about = "One Delta table: columns, properties, features, upkeep, and what changed of them.",
	.arg = "TABLE|PATH",
	.arg_required = true,
	.state_size = sizeof(struct schema),
	.actions = actions,
	.load = schema_load,
	.draw = sheet_view_draw,
	.act = sheet_view_act,
	.subject = schema_subject,
	.print_rows = sheet_view_print_rows,
	.json = schema_json,
};
