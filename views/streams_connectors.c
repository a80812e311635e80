/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "views/streams.h"
#include "views/views.h"

struct connector_line {
	struct connector_row row;
	struct text key; /* one name may be in use in several of them */
};

struct connectors {
	struct table table;
	struct connector_rows rows;
};

static const struct fact_connector *fact_of(const void *row)
{
	return &((const struct connector_row *)row)->fact;
}

static const struct state_look *connector_look(enum connector_state state)
{
	static const struct state_look looks[] = {
		[CONNECTOR_UNKNOWN] = { GLYPH_UNKNOWN, ROLE_UNKNOWN, "unknown" },
		[CONNECTOR_RUNNING] = { GLYPH_OK, ROLE_OK, "RUNNING" },
		[CONNECTOR_UNASSIGNED] = { GLYPH_WAITING, ROLE_WAITING, "UNASSIGNED" },
		[CONNECTOR_RESTARTING] = { GLYPH_WAITING, ROLE_WAITING, "RESTARTING" },
		[CONNECTOR_PAUSED] = { GLYPH_CANCELED, ROLE_CANCELED, "PAUSED" },
		[CONNECTOR_STOPPED] = { GLYPH_CANCELED, ROLE_CANCELED, "STOPPED" },
		[CONNECTOR_FAILED] = { GLYPH_FAILED, ROLE_FAILED, "FAILED" },
	};

	return &looks[state];
}

static void format_connector(const void *row, const struct look *look, struct line *line)
{
	if (!look->raw) {
		line_glyph(line, look, connector_look(fact_of(row)->worst));
		line_addf(line, ROLE_TEXT, " ");
	}
	line_name(line, look, fact_of(row)->connector);
}

static void format_worst(const void *row, const struct look *look, struct line *line)
{
	const struct state_look *state = connector_look(fact_of(row)->worst);

	(void)look;
	line_add(line, state->role, text_of(state->word));
}

static int compare_worst(const void *a, const void *b)
{
	return (int)fact_of(a)->worst - (int)fact_of(b)->worst;
}

static void format_tasks(const void *row, const struct look *look, struct line *line)
{
	const struct fact_connector *fact = fact_of(row);

	if (look->raw || fact->tasks == FACT_UNKNOWN)
		line_count(line, look, fact->tasks);
	else if (fact->tasks_failed > 0)
		line_addf(line, ROLE_FAILED, "%lld of %lld failed", (long long)fact->tasks_failed,
			(long long)fact->tasks);
	else if (fact->tasks == 0)
		line_add(line, ROLE_WARN, TEXT("none"));
	else
		line_addf(line, ROLE_TEXT, "%lld", (long long)fact->tasks);
}

static int compare_tasks(const void *a, const void *b)
{
	return compare_i64(fact_of(a)->tasks_failed, fact_of(b)->tasks_failed);
}

static void format_way(const void *row, const struct look *look, struct line *line)
{
	(void)look;
	line_add(line, ROLE_DIM, fact_of(row)->sink ? TEXT("sink") : TEXT("source"));
}

static void format_since(const void *row, const struct look *look, struct line *line)
{
	line_age(line, look, ((const struct connector_row *)row)->since_ms);
}

static int compare_since(const void *a, const void *b)
{
	return compare_i64(
		((const struct connector_row *)a)->since_ms, ((const struct connector_row *)b)->since_ms);
}

static void format_connect(const void *row, const struct look *look, struct line *line)
{
	line_name(line, look, fact_of(row)->connect);
}

static void format_topics(const void *row, const struct look *look, struct line *line)
{
	line_name(line, look, fact_of(row)->topics);
}

static void format_worker(const void *row, const struct look *look, struct line *line)
{
	line_name(line, look, fact_of(row)->worker);
}

static const struct column columns[] = {
	{ "connector", "CONNECTOR", "Its name in Kafka Connect", 20, 48, 3, 0, 0, format_connector, NULL },
	{ "state", "HEALTH", "The worst of it and its tasks", 10, 10, 0, 0, COLUMN_DESCENDING,
		format_worst, compare_worst },
	{ "tasks", "TASKS", "How many, and how many of them failed", 14, 16, 0, 0, COLUMN_DESCENDING,
		format_tasks, compare_tasks },
	{ "since", "SINCE", "How long it has been so", 6, 8, 0, 1, COLUMN_RIGHT, format_since,
		compare_since },
	{ "way", "KIND", "source or sink", 6, 6, 0, 2, 0, format_way, NULL },
	{ "connect", "CONNECT", "Section in the configuration", 8, 16, 0, 3, 0, format_connect, NULL },
	{ "topics", "TOPICS", "As configured", 12, 40, 2, 4, 0, format_topics, NULL },
	{ "worker", "WORKER", "Where it runs", 14, 32, 0, 5, 0, format_worker, NULL },
};

static struct text row_key(const void *row)
{
	return ((const struct connector_line *)row)->key;
}

static bool connectors_open(struct view *view, struct err *err)
{
	struct connectors *connectors = view->state;

	(void)err;
	connectors->table = (struct table){
		.columns = columns,
		.ncolumns = ARRAY_LEN(columns),
		.row_size = sizeof(struct connector_line),
		.key = row_key,
		.empty = "no connector has been seen; [connect NAME] in the configuration names the"
			 " address of a Kafka Connect",
	};
	table_init(&connectors->table);
	return true;
}

static bool connectors_load(struct view *view, struct reader *reader, struct err *err)
{
	struct connectors *connectors = view->state;
	struct connector_line *lines;
	struct connector_rows rows;

	if (!connectors_list(reader, &view->arena, &rows, err))
		return false;
	connectors->rows = rows;
	lines = ARENA_ARRAY(&view->arena, struct connector_line, rows.n + 1);
	for (size_t i = 0; i < rows.n; i++)
		lines[i] = (struct connector_line){ .row = rows.rows[i],
			.key = text_of(arena_printf(&view->arena, "%.*s\n%.*s",
				TEXT_ARG(rows.rows[i].fact.connector),
				TEXT_ARG(rows.rows[i].fact.connect))) };
	table_set_rows(&connectors->table, lines, rows.n, &view->look);
	return true;
}

static struct sheet pane_of(const struct view *view)
{
	const struct connector_row *row = table_selected(view->state);
	struct sheet sheet = { .arena = view->look.arena };

	if (!row)
		return sheet;
	sheet_heading(&sheet, arena_printf(view->look.arena, "%.*s", TEXT_ARG(row->fact.connector)));
	if (row->fact.trace.len)
		sheet_add(&sheet, "failed", ROLE_FAILED, row->fact.trace);
	if (row->fact.worker.len)
		sheet_add(&sheet, "worker", ROLE_TEXT, row->fact.worker);
	if (row->fact.group.len)
		sheet_add(&sheet, "reads as", ROLE_TEXT, row->fact.group);
	if (row->fact.topics.len)
		sheet_add(&sheet, "topics", ROLE_DIM, row->fact.topics);
	return sheet;
}

static void connectors_draw(const struct view *view, struct canvas *canvas, struct rect rect)
{
	const struct sheet pane = pane_of(view);

	list_over_pane(view, NULL, 0, &pane, canvas, rect);
}

static enum reply connectors_act(struct view *view, enum action action, struct app *app)
{
	struct connectors *connectors = view->state;
	const struct connector_row *row = table_selected(&connectors->table);
	struct view_arg arg = { .number = 0 };

	if (action != ACT_OPEN)
		return list_act(&connectors->table, action, view->rect.rows, false);
	if (!row)
		return REPLY_IGNORED;
	if (!row->fact.group.len) {
		app_message(app, ROLE_DIM, row->fact.sink ? "its consumer group is not known"
							  : "a source writes to topics: it has no lag");
		return REPLY_DONE;
	}
	arg_set(arg.subject, row->fact.group);
	app_open(app, "lag", &arg);
	return REPLY_DONE;
}

static bool connectors_subject(const struct view *view, struct subject *out)
{
	const struct connector_row *row = table_selected(view->state);

	if (row)
		subject_set(out, "connector", row->fact.connector, row->fact.connector);
	return row;
}

static bool connectors_json(const struct view *view, struct buf *out, struct err *err)
{
	const struct connectors *connectors = view->state;
	json_t *list = json_array();

	for (size_t i = 0; i < table_shown(&connectors->table); i++) {
		const struct connector_row *row = table_row(&connectors->table, i);
		const struct fact_connector *fact = &row->fact;

		(void)json_array_append_new(list,
			json_pack("{s:o, s:o, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
				"connect", json_text_or_null(fact->connect),
				"connector", json_text_or_null(fact->connector),
				"kind", fact->sink ? "sink" : "source",
				"state", connector_state_name(fact->state),
				"worst", connector_state_name(fact->worst),
				"tasks", json_number_or_null(fact->tasks),
				"tasks_failed", json_number_or_null(fact->tasks_failed),
				"since_ms", json_number_or_null(row->since_ms),
				"worker", json_text_or_null(fact->worker),
				"group", json_text_or_null(fact->group),
				"topics", json_text_or_null(fact->topics),
				"trace", json_text_or_null(fact->trace)));
	}
	return json_put_list(out, view, "connectors", list, connectors->rows.more, err);
}

static const enum action actions[] = { ACT_OPEN, TABLE_ACTIONS, ACT_NONE };

const struct view_ops connectors_view = {
	.name = "connectors",
	.title = "connectors",
	.about = "Connectors of Kafka Connect, worst first: health, tasks, why one failed.",
	.state_size = sizeof(struct connectors),
	.actions = actions,
	.open = connectors_open,
	.load = connectors_load,
	.draw = connectors_draw,
	.act = connectors_act,
	.subject = connectors_subject,
	.print_rows = list_print_rows,
	.json = connectors_json,
	.csv = list_csv,
	.filter = list_filter,
	.table = list_table,
	.close = list_close,
};
