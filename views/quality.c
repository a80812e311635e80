/* SPDX-License-Identifier: Apache-2.0 */
#include "views/quality.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "views/views.h"

struct quality_line {
	struct quality_row row;
	struct text shown; /* without the catalog, where all have the same */
	struct text key;   /* pipelines of two workspaces may write datasets of one name */
};

struct quality {
	struct table table;
	struct quality_line *lines;
	struct quality_rows rows;
	struct table rules; /* of the selected dataset */
	bool in_rules;      /* the lower pane has the focus */
};

static const struct quality_row *quality_of(const void *row)
{
	return row ? &((const struct quality_line *)row)->row : NULL;
}

static const struct state_look grades[] = {
	[SHARE_UNKNOWN] = { GLYPH_UNKNOWN, ROLE_UNKNOWN, "unknown" },
	[SHARE_LOW] = { GLYPH_FAILED, ROLE_FAILED, "low" },
	[SHARE_SHORT] = { GLYPH_WARN, ROLE_WARN, "short" },
	[SHARE_GOOD] = { GLYPH_OK, ROLE_OK, "good" },
};

/* Dataset names already carry their schema; without one the pipeline tells them apart. */
static void format_dataset(const void *row, const struct look *look, struct line *line)
{
	const struct quality_row *quality = quality_of(row);
	enum share_grade grade = share_grade(quality->published, quality->input);

	/* Where two witnesses disagree the share is no good news, whatever it is. */
	if (quality->table_agrees == 0 && grade == SHARE_GOOD)
		grade = SHARE_SHORT;
	line_glyph(line, look, &grades[grade]);
	line_add(line, ROLE_TEXT, look->raw ? TEXT("") : TEXT(" "));
	line_name(line, look,
		look->raw ? quality->dataset : ((const struct quality_line *)row)->shown);
}

static int compare_dataset(const void *a, const void *b)
{
	return text_cmp(quality_of(a)->dataset, quality_of(b)->dataset);
}

static void format_state(const void *row, const struct look *look, struct line *line)
{
	const struct quality_row *quality = quality_of(row);
	const struct state_look *grade = &grades[share_grade(quality->published, quality->input)];

	(void)look;
	line_add(line, grade->role, text_of(grade->word));
}

static int compare_complete(const void *a, const void *b)
{
	return compare_double(share_pct(quality_of(a)->published, quality_of(a)->input),
		share_pct(quality_of(b)->published, quality_of(b)->input));
}

static void format_complete(const void *row, const struct look *look, struct line *line)
{
	line_complete(line, look, quality_of(row)->published, quality_of(row)->input);
}

static void format_input(const void *row, const struct look *look, struct line *line)
{
	line_count(line, look, quality_of(row)->input);
}

static int compare_input(const void *a, const void *b)
{
	return compare_i64(quality_of(a)->input, quality_of(b)->input);
}

static void format_published(const void *row, const struct look *look, struct line *line)
{
	line_count(line, look, quality_of(row)->published);
}

static int compare_published(const void *a, const void *b)
{
	return compare_i64(quality_of(a)->published, quality_of(b)->published);
}

static void format_quarantined(const void *row, const struct look *look, struct line *line)
{
	const struct quality_row *quality = quality_of(row);

	if (quality->table_agrees == 0 && !look->raw)
		line_addf(line, ROLE_FAILED, "!%.*s",
			TEXT_ARG(format_count(look, quality->quarantined)));
	else
		line_count(line, look, quality->quarantined);
}

static int compare_quarantined(const void *a, const void *b)
{
	return compare_i64(quality_of(a)->quarantined, quality_of(b)->quarantined);
}

static void format_share_out(const void *row, const struct look *look, struct line *line)
{
	const struct quality_row *quality = quality_of(row);

	line_add(line, quality->quarantined > 0 ? ROLE_WARN : ROLE_DIM,
		format_share(look, quality->quarantined, quality->input));
}

/*
 * Scaled from the lowest hour, but at least over ten points, so that a wobble of a tenth of a
 * percent does not look like a collapse.
 */
static void add_trend(struct line *line, const struct look *look, const double trend[TREND_MAX],
	size_t cells)
{
	double low = 0.9;

	for (size_t i = 0; i < TREND_MAX; i++)
		low = trend[i] < low ? trend[i] : low; /* false for NAN */
	line_add(line, ROLE_BAR, format_spark(look, trend + TREND_MAX - cells, cells, low, 1));
}

static void format_trend(const void *row, const struct look *look, struct line *line)
{
	add_trend(line, look, quality_of(row)->trend, TREND_MAX / 2);
}

static void format_trend_wide(const void *row, const struct look *look, struct line *line)
{
	add_trend(line, look, quality_of(row)->trend, TREND_MAX);
}

static int64_t rules_failing(const struct quality_row *row)
{
	int64_t failing = 0;

	for (size_t i = 0; i < row->nrules; i++)
		failing += row->rules[i].failed > 0;
	return failing;
}

static void format_rules(const void *row, const struct look *look, struct line *line)
{
	const struct quality_row *quality = quality_of(row);
	int64_t failing = rules_failing(quality);

	if (!quality->nrules)
		line_dash(line, look);
	else if (look->raw)
		line_count(line, look, failing);
	else if (failing)
		line_addf(line, ROLE_WARN, "%lld of %zu fail", (long long)failing, quality->nrules);
	else
		line_addf(line, ROLE_DIM, "all %zu pass", quality->nrules);
}

static int compare_rules(const void *a, const void *b)
{
	return compare_i64(rules_failing(quality_of(a)), rules_failing(quality_of(b)));
}

static void format_pipeline(const void *row, const struct look *look, struct line *line)
{
	line_name(line, look, quality_of(row)->pipeline);
}

static void format_age_of(const void *row, const struct look *look, struct line *line)
{
	line_age(line, look, quality_of(row)->reported_at_ms);
}

static int compare_age(const void *a, const void *b)
{
	return compare_i64(quality_of(a)->reported_at_ms, quality_of(b)->reported_at_ms);
}

enum { COLUMN_TREND = 7, WIDE_COLS = 150 };
static const struct column columns[] = {
	{ "dataset", "DATASET", "What the rules are on", 24, 44, 3, 0, COLUMN_TAIL, format_dataset,
		compare_dataset },
	{ "complete", "COMPLETE", "Published rows of input rows", 8, 8, 0, 0, COLUMN_RIGHT,
		format_complete, compare_complete },
	{ "input", "INPUT", "Rows published and quarantined; unknown unless both are", 9, 15, 0, 2,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_input, compare_input },
	{ "published", "PUBLISHED", "Rows written to the dataset", 9, 15, 0, 1,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_published, compare_published },
	{ "quarantined", "QUARANTINE", "Rows dropped, or written to its quarantine table; ! the table says else",
		10, 15, 0, 1, COLUMN_RIGHT | COLUMN_DESCENDING, format_quarantined, compare_quarantined },
	{ "share", "OUT", "Quarantined rows of input rows", 5, 6, 0, 4,
		COLUMN_RIGHT | COLUMN_DESCENDING | COLUMN_NO_SORT, format_share_out, NULL },
	{ "rules", "RULES", "How many of its rules failed at least once", 12, 18, 0, 3,
		COLUMN_DESCENDING, format_rules, compare_rules },
	{ "trend", "24 H", "Completeness by hour", TREND_MAX / 2, TREND_MAX / 2, 0, 5,
		COLUMN_NO_SORT | COLUMN_NO_EXPORT, format_trend, NULL },
	{ "age", "AGE", "How long ago these numbers were reported", 5, 7, 0, 6, COLUMN_RIGHT,
		format_age_of, compare_age },
	{ "state", "STATE", "good from 99 %, short from 95 %, low below", 7, 7, 0, 7, 0, format_state,
		compare_complete },
	{ "pipeline", "PIPELINE", "Which pipeline writes it", 10, 30, 1, 8, COLUMN_TAIL, format_pipeline, NULL },
};

static struct text row_key(const void *row)
{
	return ((const struct quality_line *)row)->key;
}

static bool quality_open(struct view *view, struct err *err)
{
	struct quality *quality = view->state;

	(void)err;
	quality->table = (struct table){
		.columns = columns,
		.ncolumns = ARRAY_LEN(columns),
		.row_size = sizeof(struct quality_line),
		.key = row_key,
		.empty = view->arg.subject[0]
			? "no dataset of this name has been seen; weir quality lists those that were"
			: "no dataset has been seen yet; screen 0 shows the sources",
	};
	table_init(&quality->table);
	rules_table(&quality->rules);
	return true;
}

static void quality_close(struct view *view)
{
	struct quality *quality = view->state;

	table_done(&quality->table);
	table_done(&quality->rules);
}

static void show_rules(struct view *view)
{
	struct quality *quality = view->state;
	const struct quality_row *row = quality_of(table_selected(&quality->table));

	table_set_rows(&quality->rules, row ? row->rules : NULL, row ? row->nrules : 0, &view->look);
}

static struct text key_of(struct arena *arena, const struct quality_row *row)
{
	struct text dataset = row->dataset, pipeline = row->pipeline_id;
	char *key = arena_raw(arena, dataset.len + pipeline.len + 1);

	if (dataset.len)
		memcpy(key, dataset.bytes, dataset.len);
	key[dataset.len] = '\n'; /* in no name */
	if (pipeline.len)
		memcpy(key + dataset.len + 1, pipeline.bytes, pipeline.len);
	return (struct text){ key, dataset.len + pipeline.len + 1 };
}

static struct quality_line *lines_of(struct arena *arena, const struct quality_rows *rows)
{
	struct quality_line *lines = ARENA_ARRAY(arena, struct quality_line, rows->n + 1);
	struct shared_head head = { .differs = false };

	for (size_t i = 0; i < rows->n; i++)
		shared_add(&head, rows->rows[i].dataset);
	for (size_t i = 0; i < rows->n; i++)
		lines[i] = (struct quality_line){ .row = rows->rows[i],
			.shown = shared_cut(&head, rows->rows[i].dataset),
			.key = key_of(arena, &rows->rows[i]) };
	return lines;
}

static bool quality_load(struct view *view, struct reader *reader, struct err *err)
{
	struct quality *quality = view->state;
	struct quality_rows rows;
	struct text dataset = view->arg.subject[0] ? text_of(view->arg.subject) : TEXT_NONE;

	if (!quality_list(reader, &view->arena, dataset, TEXT_NONE, &rows, err))
		return false;
	quality->rows = rows;
	quality->lines = lines_of(&view->arena, &rows);
	table_set_rows(&quality->table, quality->lines, rows.n, &view->look);
	show_rules(view);
	return true;
}

static void list_draw(const struct quality *quality, struct canvas *canvas, struct rect rect,
	const struct look *look)
{
	static const struct table_form wide = { COLUMN_TREND, TREND_MAX, format_trend_wide };

	if (rect.cols >= WIDE_COLS)
		table_draw_form(&quality->table, &wide, canvas, rect, look, !quality->in_rules);
	else
		table_draw(&quality->table, canvas, rect, look, !quality->in_rules);
}

/* Title, sentence, head and rules of one dataset. */
static int section_rows(const struct quality_row *row)
{
	return row && row->nrules ? (int)row->nrules + 3 : 3;
}

/* A row stands at the beginning of its line. */
static struct text shown_of(const struct quality_row *row)
{
	return ((const struct quality_line *)row)->shown;
}

/* With height to spare, the rules of the datasets behind the selected one follow. */
static void draw_further(const struct view *view, struct canvas *canvas, struct rect rect)
{
	const struct quality *quality = view->state;
	const struct quality_row *selected = quality_of(table_selected(&quality->table));
	bool behind = false;

	for (size_t i = 0; i < table_shown(&quality->table) && rect.rows > 3; i++) {
		const struct quality_row *row = quality_of(table_row(&quality->table, i));
		struct table rules;
		int need = section_rows(row);

		if (!behind || !row->nrules) {
			behind = behind || row == selected;
			continue;
		}
		rules_table(&rules);
		table_set_rows(&rules, row->rules, row->nrules, &view->look);
		rules_draw(row, shown_of(row), &rules, canvas, rect, &view->look, false);
		table_done(&rules);
		rect.row += need;
		rect.rows -= need;
	}
}

static void quality_draw(const struct view *view, struct canvas *canvas, struct rect rect)
{
	const struct quality *quality = view->state;
	const struct quality_row *row = quality_of(table_selected(&quality->table));
	struct split split = split_rows(rect, list_rows(&quality->table), row ? section_rows(row) : 0);
	int need = section_rows(row);

	list_draw(quality, canvas, split.list, &view->look);
	if (!row || split.pane.rows <= 0)
		return;
	rules_draw(row, shown_of(row), &quality->rules, canvas, split.pane, &view->look,
		quality->in_rules);
	if (!quality->in_rules)
		canvas_lazy(canvas, split.pane);
	split.pane.row += need;
	split.pane.rows -= need;
	draw_further(view, canvas, split.pane);
}

static int quality_print_rows(const struct view *view)
{
	const struct quality *quality = view->state;
	int rows = list_rows(&quality->table);

	for (size_t i = 0; i < table_shown(&quality->table); i++) {
		const struct quality_row *row = quality_of(table_row(&quality->table, i));

		if (row->nrules || row == quality_of(table_selected(&quality->table)))
			rows += section_rows(row);
	}
	return rows;
}

static enum reply quality_act(struct view *view, enum action action, struct app *app)
{
	struct quality *quality = view->state;
	const struct quality_row *row = quality_of(table_selected(&quality->table));
	struct view_arg arg = { .number = 0 };
	enum reply reply;

	switch ((int)action) {
	case ACT_OPEN:
		if (!row)
			return REPLY_IGNORED;
		arg_set(arg.subject, row->dataset);
		arg_set(arg.subject2, row->pipeline_id);
		app_open(app, "rules", &arg);
		return REPLY_DONE;
	case ACT_OPEN_EVENTS:
		if (!row)
			return REPLY_IGNORED;
		arg_set(arg.subject, row->pipeline_id);
		arg_set(arg.subject2, row->update_id);
		arg_set(arg.label, row->pipeline);
		app_open(app, "events", &arg);
		return REPLY_DONE;
	case ACT_NEXT_PANE:
		quality->in_rules = !quality->in_rules;
		return REPLY_DONE;
	default:
		break;
	}
	if (quality->in_rules)
		return list_act(&quality->rules, action, view->rect.rows / 2, false);
	reply = list_act(&quality->table, action, view->rect.rows / 2, false);
	if (reply == REPLY_DONE)
		show_rules(view);
	return reply;
}

static bool quality_subject(const struct view *view, struct subject *out)
{
	const struct quality_row *row = quality_of(table_selected(view->state));

	if (row)
		subject_set(out, "dataset", row->dataset, row->dataset);
	return row;
}

static struct table *quality_focused(struct view *view)
{
	struct quality *quality = view->state;

	return quality->in_rules ? &quality->rules : &quality->table;
}

static bool quality_json(const struct view *view, struct buf *out, struct err *err)
{
	const struct quality *quality = view->state;
	json_t *list = json_array();

	for (size_t i = 0; i < table_shown(&quality->table); i++)
		(void)json_array_append_new(list, quality_row_json(quality_of(table_row(&quality->table, i))));
	return json_put_list(out, view, "datasets", list, quality->rows.more, err);
}

static const enum action actions[] = { ACT_OPEN, ACT_OPEN_EVENTS, ACT_NEXT_PANE, TABLE_ACTIONS,
	ACT_NONE };

const struct view_ops quality_view = {
	.name = "quality",
	.title = "quality",
	.about = "Completeness of datasets, worst first, and how their rules passed and failed.",
	.arg = "DATASET",
	.state_size = sizeof(struct quality),
	.actions = actions,
	.open = quality_open,
	.load = quality_load,
	.draw = quality_draw,
	.act = quality_act,
	.subject = quality_subject,
	.print_rows = quality_print_rows,
	.json = quality_json,
	.csv = list_csv,
	.filter = list_filter,
	.table = quality_focused,
	.close = quality_close,
};
