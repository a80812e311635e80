/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "views/quality.h"
#include "views/views.h"

struct rules {
	struct table table;
	bool found;
	struct quality_row row;
};

static const struct rule_row *rule_of(const void *row)
{
	return row;
}

static int64_t rule_total(const struct rule_row *rule)
{
	if (rule->passed == FACT_UNKNOWN || rule->failed == FACT_UNKNOWN)
		return FACT_UNKNOWN;
	return rule->passed + rule->failed;
}

static void format_rule(const void *row, const struct look *look, struct line *line)
{
	line_name(line, look, rule_of(row)->name);
}

static void format_action(const void *row, const struct look *look, struct line *line)
{
	const struct rule_row *rule = rule_of(row);

	if (rule->action == RULE_UNKNOWN)
		line_dash(line, look);
	else
		line_add(line, ROLE_TEXT, text_of(rule_action_name(rule->action)));
}

static int compare_action(const void *a, const void *b)
{
	return (int)rule_of(a)->action - (int)rule_of(b)->action;
}

static void format_passed(const void *row, const struct look *look, struct line *line)
{
	line_count(line, look, rule_of(row)->passed);
}

static int compare_passed(const void *a, const void *b)
{
	return compare_i64(rule_of(a)->passed, rule_of(b)->passed);
}

static void format_failed(const void *row, const struct look *look, struct line *line)
{
	const struct rule_row *rule = rule_of(row);

	if (rule->failed > 0)
		line_add(line, ROLE_FAILED, format_count(look, rule->failed));
	else
		line_count(line, look, rule->failed);
}

static int compare_failed(const void *a, const void *b)
{
	return compare_i64(rule_of(a)->failed, rule_of(b)->failed);
}

static void format_rate(const void *row, const struct look *look, struct line *line)
{
	const struct rule_row *rule = rule_of(row);

	line_complete(line, look, rule->passed, rule_total(rule));
}

static int compare_rate(const void *a, const void *b)
{
	return compare_double(share_pct(rule_of(a)->passed, rule_total(a)),
		share_pct(rule_of(b)->passed, rule_total(b)));
}

static void format_trend(const void *row, const struct look *look, struct line *line)
{
	const double *trend = rule_of(row)->trend;
	double low = 0.9;

	for (size_t i = 0; i < TREND_MAX; i++)
		low = trend[i] < low ? trend[i] : low; /* false for NAN */
	line_add(line, ROLE_BAR, format_spark(look, trend + TREND_MAX / 2, TREND_MAX / 2, low, 1));
}

static void format_batches(const void *row, const struct look *look, struct line *line)
{
	const struct rule_row *rule = rule_of(row);

	line_count(line, look, rule->batches);
	if (rule->disputed && !look->raw)
		line_add(line, ROLE_WARN, TEXT(" disputed"));
}

static int compare_batches(const void *a, const void *b)
{
	return compare_i64(rule_of(a)->batches, rule_of(b)->batches);
}

static const struct column columns[] = {
	{ "rule", "RULE", "Name of the expectation", 28, 80, 3, 0, 0, format_rule, NULL },
	{ "action", "ACTION", "What happens to a row that fails: warn, drop, fail", 6, 6, 0, 1, 0,
		format_action, compare_action },
	{ "passed", "PASSED", "Rows that met it", 8, 15, 0, 1, COLUMN_RIGHT | COLUMN_DESCENDING,
		format_passed, compare_passed },
	{ "failed", "FAILED", "Rows that did not; one row can fail several rules", 7, 13, 0, 0,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_failed, compare_failed },
	{ "rate", "RATE", "Passed of passed and failed; unknown when nothing was checked", 6, 6, 0, 0,
		COLUMN_RIGHT, format_rate, compare_rate },
	{ "trend", "24 H", "Pass rate by hour", TREND_MAX / 2, TREND_MAX / 2, 0, 2,
		COLUMN_NO_SORT | COLUMN_NO_EXPORT, format_trend, NULL },
	{ "batches", "BATCHES", "Micro-batches that reported it; disputed: one of them twice, "
		"differently", 7, 16, 0, 3, COLUMN_RIGHT | COLUMN_DESCENDING, format_batches,
		compare_batches },
};

static struct text row_key(const void *row)
{
	return rule_of(row)->name;
}

void rules_table(struct table *table)
{
	*table = (struct table){
		.columns = columns,
		.ncolumns = ARRAY_LEN(columns),
		.row_size = sizeof(struct rule_row),
		.key = row_key,
		.empty = "this dataset reported no rule",
	};
	table_init(table);
}

/* Failures that set rows aside: those of rules that only warn did not. */
static int64_t drop_failures(const struct quality_row *row)
{
	int64_t sum = 0;

	for (size_t i = 0; i < row->nrules; i++) {
		if (row->rules[i].action != RULE_WARN && row->rules[i].failed != FACT_UNKNOWN)
			sum += row->rules[i].failed;
	}
	return sum;
}

static struct text quality_words(const struct look *look, const struct quality_row *row)
{
	struct text dropped = format_count(look, row->dropped);
	struct text failures = format_count(look, row->sum_failures);
	const char *dot = look->ascii ? "-" : "\xc2\xb7";
	int64_t out = row->dropped != FACT_UNKNOWN ? row->dropped : row->quarantined;
	int64_t failed = drop_failures(row);

	/* More failures than rows set aside: the difference is rows that failed more than once. */
	if (row->sum_failures == FACT_UNKNOWN)
		return text_of(arena_printf(look->arena, "dropped %.*s %s rules reported nothing",
			TEXT_ARG(dropped), dot));
	if (out == FACT_UNKNOWN)
		return text_of(arena_printf(look->arena, "dropped %.*s %s rule failures %.*s",
			TEXT_ARG(dropped), dot, TEXT_ARG(failures)));
	return text_of(arena_printf(look->arena, "%s %.*s %s rule failures %.*s %s overlap %.*s",
		row->dropped != FACT_UNKNOWN ? "dropped" : "quarantined",
		TEXT_ARG(format_count(look, out)), dot, TEXT_ARG(failures), dot,
		TEXT_ARG(format_count(look, failed > out ? failed - out : 0))));
}

/* Both witnesses, where they do not say the same; with room for it what the log alone makes of it. */
static struct text difference(const struct look *look, const struct quality_row *row, int cols)
{
	int64_t less = row->quarantined - row->table_quarantined;
	struct text sentence, more;

	sentence = text_of(arena_printf(look->arena,
		"QUARANTINE DIFFERS: event log %.*s, quarantine table %.*s: %.*s %s",
		TEXT_ARG(format_count(look, row->quarantined)),
		TEXT_ARG(format_count(look, row->table_quarantined)),
		TEXT_ARG(format_count(look, less < 0 ? -less : less)),
		less < 0 ? "too many" : "missing"));
	more = text_of(arena_printf(look->arena, "%.*s; by the event log %.*s complete",
		TEXT_ARG(sentence), TEXT_ARG(format_share(look, row->published, row->input))));
	return (int)utf8_width(more) <= cols ? more : sentence;
}

static struct text quality_sentence(const struct look *look, const struct quality_row *row, int cols)
{
	struct text sentence, with_table, with_age, table = TEXT("");

	if (row->table_agrees == 0)
		return difference(look, row, cols);
	if (row->input == FACT_UNKNOWN)
		return text_of(arena_printf(look->arena,
			"completeness unknown: published %.*s, quarantined %.*s",
			TEXT_ARG(format_count(look, row->published)),
			TEXT_ARG(format_count(look, row->quarantined))));
	sentence = text_of(arena_printf(look->arena,
		"%.*s %s: %.*s of %.*s rows published, %.*s (%.*s) quarantined",
		TEXT_ARG(format_share(look, row->published, row->input)),
		row->is_open ? "so far" : "complete",
		TEXT_ARG(format_count(look, row->published)), TEXT_ARG(format_count(look, row->input)),
		TEXT_ARG(format_count(look, row->quarantined)),
		TEXT_ARG(format_share(look, row->quarantined, row->input))));
	if (row->table_quarantined != FACT_UNKNOWN)
		table = text_of(arena_printf(look->arena, "; quarantine table says %.*s",
			TEXT_ARG(format_count(look, row->table_quarantined))));
	with_age = text_of(arena_printf(look->arena, "%.*s%s%.*s, reported %.*s ago",
		TEXT_ARG(sentence), row->quarantined_by_table ? " by its quarantine table" : "",
		TEXT_ARG(table), TEXT_ARG(format_age(look, row->reported_at_ms))));
	if ((int)utf8_width(with_age) <= cols)
		return with_age;
	with_table = text_of(
		arena_printf(look->arena, "%.*s%.*s", TEXT_ARG(sentence), TEXT_ARG(table)));
	if ((int)utf8_width(with_table) <= cols)
		return with_table;
	if (row->table_agrees != 1)
		return sentence;
	table = text_of(arena_printf(look->arena,
		"%.*s %s: %.*s of %.*s rows, %.*s (%.*s) quarantined; table agrees",
		TEXT_ARG(format_share(look, row->published, row->input)),
		row->is_open ? "so far" : "complete",
		TEXT_ARG(format_count(look, row->published)), TEXT_ARG(format_count(look, row->input)),
		TEXT_ARG(format_count(look, row->quarantined)),
		TEXT_ARG(format_share(look, row->quarantined, row->input))));
	return (int)utf8_width(table) <= cols ? table : sentence;
}

/* The name gives way before the words do. */
static struct text section_title(const struct quality_row *row, struct text dataset,
	const struct look *look, int cols)
{
	const char *dash = look->ascii ? "-" : "\xe2\x94\x80";
	struct text words = quality_words(look, row), title;
	int room = cols - 7 - (int)utf8_width(words);
	int name = (int)utf8_width(dataset);

	if (!row->nrules)
		return dataset;
	title = text_of(arena_printf(look->arena, "%s%.*s %s %.*s",
		name + (int)sizeof("rules of") <= room ? "rules of " : "", TEXT_ARG(dataset), dash,
		TEXT_ARG(words)));
	return name <= room ? title : words;
}

void rules_draw(const struct quality_row *row, struct text dataset, const struct table *rules,
	struct canvas *canvas, struct rect rect, const struct look *look, bool focused)
{
	enum role role = row->table_agrees == 0
		? ROLE_FAILED
		: share_role(share_grade(row->published, row->input));

	if (rect.rows <= 0)
		return;
	canvas_rule(canvas, rect.row, rect.col, rect.cols, section_title(row, dataset, look, rect.cols));
	if (rect.rows > 1) {
		struct rect text = text_rect(rect);

		(void)canvas_put(canvas, text.row + 1, text.col, text.cols, role,
			quality_sentence(look, row, text.cols));
	}
	if (rect.rows < 3)
		return;
	rect.row += 2;
	rect.rows -= 2;
	table_draw(rules, canvas, rect, look, focused);
}

static bool rules_open(struct view *view, struct err *err)
{
	(void)err;
	rules_table(&((struct rules *)view->state)->table);
	return true;
}

static bool rules_load(struct view *view, struct reader *reader, struct err *err)
{
	struct rules *rules = view->state;
	struct text pipeline = view->arg.subject2[0] ? text_of(view->arg.subject2) : TEXT_NONE;
	struct quality_rows rows;

	if (!quality_list(reader, &view->arena, text_of(view->arg.subject), pipeline, &rows, err))
		return false;
	if (!rows.n)
		return err_set(err, ERR_ABSENT, 0, "no dataset '%s' has been seen", view->arg.subject);
	rules->found = true;
	rules->row = rows.rows[0];
	table_set_rows(&rules->table, rules->row.rules, rules->row.nrules, &view->look);
	return true;
}

static void rules_view_draw(const struct view *view, struct canvas *canvas, struct rect rect)
{
	const struct rules *rules = view->state;

	if (rules->found)
		rules_draw(&rules->row, rules->row.dataset, &rules->table, canvas, rect, &view->look, true);
}

static int rules_print_rows(const struct view *view)
{
	return list_rows(view->state) + 2;
}

static enum reply rules_act(struct view *view, enum action action, struct app *app)
{
	struct rules *rules = view->state;
	struct view_arg arg = { .number = 0 };

	if (action != ACT_OPEN_EVENTS)
		return list_act(&rules->table, action, view->rect.rows - 2, false);
	if (!rules->found)
		return REPLY_IGNORED;
	arg_set(arg.subject, rules->row.pipeline_id);
	arg_set(arg.subject2, rules->row.update_id);
	arg_set(arg.label, rules->row.pipeline);
	app_open(app, "events", &arg);
	return REPLY_DONE;
}

static bool rules_subject(const struct view *view, struct subject *out)
{
	const struct rule_row *row = table_selected(view->state);

	if (row)
		subject_set(out, "rule", row->name, row->name);
	return row;
}

json_t *quality_row_json(const struct quality_row *row)
{
	json_t *rules = json_array();

	for (size_t i = 0; i < row->nrules; i++) {
		const struct rule_row *rule = &row->rules[i];

		(void)json_array_append_new(rules, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:b}",
			"name", json_text_or_null(rule->name),
			"action", rule->action == RULE_UNKNOWN ? json_null()
							       : json_string(rule_action_name(rule->action)),
			"passed", json_number_or_null(rule->passed),
			"failed", json_number_or_null(rule->failed),
			"pass_pct", json_share(rule->passed, rule_total(rule)),
			"reported_by_batches", json_number_or_null(rule->batches),
			"disputed", rule->disputed));
	}
	return json_pack("{s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
		"dataset", json_text_or_null(row->dataset),
		"pipeline", json_text_or_null(row->pipeline),
		"pipeline_id", json_text_or_null(row->pipeline_id),
		"update_id", json_text_or_null(row->update_id),
		"update_runs", row->is_open,
		"reported_at_ms", json_number_or_null(row->reported_at_ms),
		"input", json_number_or_null(row->input),
		"published", json_number_or_null(row->published),
		"quarantined", json_number_or_null(row->quarantined),
		"quarantine_table_rows", json_number_or_null(row->table_quarantined),
		"quarantine_differs", row->table_agrees < 0 ? json_null() : json_boolean(!row->table_agrees),
		"completeness_pct", json_share(row->published, row->input),
		"dropped", json_number_or_null(row->dropped),
		"rule_failures", json_number_or_null(row->sum_failures),
		"rules", rules);
}

static bool rules_json(const struct view *view, struct buf *out, struct err *err)
{
	const struct rules *rules = view->state;
	json_t *list = json_array();

	if (rules->found)
		(void)json_array_append_new(list, quality_row_json(&rules->row));
	return json_put(out, json_pack("{s:I, s:o}", "as_of", (json_int_t)view->look.now_ms,
		"datasets", list), false, err);
}

static const enum action actions[] = { ACT_OPEN_EVENTS, TABLE_ACTIONS, ACT_NONE };

const struct view_ops rules_view = {
	.name = "rules",
	.title = "rules",
	.about = "The rules of one dataset: action, passed, failed, rate, trend, overlap in words.",
	.arg = "DATASET",
	.arg_required = true,
	.state_size = sizeof(struct rules),
	.actions = actions,
	.open = rules_open,
	.load = rules_load,
	.draw = rules_view_draw,
	.act = rules_act,
	.subject = rules_subject,
	.print_rows = rules_print_rows,
	.json = rules_json,
	.csv = list_csv,
	.filter = list_filter,
	.table = list_table,
	.close = list_close,
};
