/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "views/streams.h"
#include "views/views.h"

struct part_line {
	struct lag_partition_row part;
	int64_t largest; /* lag of the reader's worst partition: what bars are measured by */
	char key[16];
};

struct reader_state {
	struct table table;
	struct lag_row row;
	bool found;
};

static const struct lag_partition_row *part_of(const void *row)
{
	return &((const struct part_line *)row)->part;
}

static void format_partition(const void *row, const struct look *look, struct line *line)
{
	if (!look->raw) {
		line_glyph(line, look, part_look(part_of(row)));
		line_addf(line, ROLE_TEXT, " ");
	}
	line_addf(line, ROLE_TEXT, "%d", part_of(row)->partition);
}

static int compare_partition(const void *a, const void *b)
{
	return compare_i64(part_of(a)->partition, part_of(b)->partition);
}

static void format_lag(const void *row, const struct look *look, struct line *line)
{
	line_lag(line, look, part_of(row)->lag_records);
}

static int compare_lag(const void *a, const void *b)
{
	return compare_i64(part_of(a)->lag_records, part_of(b)->lag_records);
}

static void bar(const void *row, const struct look *look, struct line *line, int cells)
{
	const struct part_line *part = row;
	double share = part->part.lag_records == FACT_UNKNOWN ? NAN :
		part->largest > 0 ? (double)part->part.lag_records / (double)part->largest : 0;

	line_add(line, part->part.lost_records > 0 ? ROLE_BAR_BAD : ROLE_BAR,
		format_bar(look, share, cells));
}

static void format_bar_narrow(const void *row, const struct look *look, struct line *line)
{
	bar(row, look, line, 10);
}

static void format_bar_wide(const void *row, const struct look *look, struct line *line)
{
	bar(row, look, line, 30);
}

static void format_behind(const void *row, const struct look *look, struct line *line)
{
	line_behind(line, look, part_of(row)->lag_seconds, part_of(row)->lag_seconds_is_lower_bound);
}

static int compare_behind(const void *a, const void *b)
{
	return compare_i64(part_of(a)->lag_seconds, part_of(b)->lag_seconds);
}

static void format_processed(const void *row, const struct look *look, struct line *line)
{
	line_count(line, look, part_of(row)->processed);
}

static int compare_processed(const void *a, const void *b)
{
	return compare_i64(part_of(a)->processed, part_of(b)->processed);
}

static void format_low(const void *row, const struct look *look, struct line *line)
{
	line_count(line, look, part_of(row)->low);
}

static int compare_low(const void *a, const void *b)
{
	return compare_i64(part_of(a)->low, part_of(b)->low);
}

static void format_high(const void *row, const struct look *look, struct line *line)
{
	line_count(line, look, part_of(row)->high);
}

static int compare_high(const void *a, const void *b)
{
	return compare_i64(part_of(a)->high, part_of(b)->high);
}

static void format_in(const void *row, const struct look *look, struct line *line)
{
	line_add(line, ROLE_NUMBER, format_rate(look, part_of(row)->rate_in, false));
}

static int compare_in(const void *a, const void *b)
{
	return compare_double(part_of(a)->rate_in, part_of(b)->rate_in);
}

static void format_out(const void *row, const struct look *look, struct line *line)
{
	line_add(line, ROLE_NUMBER, format_rate(look, part_of(row)->rate_out, false));
}

static int compare_out(const void *a, const void *b)
{
	return compare_double(part_of(a)->rate_out, part_of(b)->rate_out);
}

static void format_drain(const void *row, const struct look *look, struct line *line)
{
	line_drain(line, look, part_of(row)->drain_seconds, part_of(row)->never_drains);
}

static int64_t drain_order(const struct lag_partition_row *part)
{
	return part->never_drains ? INT64_MAX : part->drain_seconds;
}

static int compare_drain(const void *a, const void *b)
{
	return compare_i64(drain_order(part_of(a)), drain_order(part_of(b)));
}

static void format_loss(const void *row, const struct look *look, struct line *line)
{
	const struct lag_partition_row *part = part_of(row);

	line_loss(line, look, part->loss_in_seconds, part->loss_at_most, part->lost_records);
}

static int compare_loss(const void *a, const void *b)
{
	return compare_loss_in(part_of(a)->loss_in_seconds, part_of(b)->loss_in_seconds);
}

static void format_state(const void *row, const struct look *look, struct line *line)
{
	const struct lag_partition_row *part = part_of(row);
	const struct state_look *state = part_look(part);

	if (look->raw)
		line_add(line, ROLE_TEXT, text_of(lag_verdict_name(part->verdict)));
	else
		line_add(line, state->role, text_of(state->word));
}

static int compare_state(const void *a, const void *b)
{
	return part_rank(part_of(a)) - part_rank(part_of(b));
}

static void format_lost(const void *row, const struct look *look, struct line *line)
{
	line_count(line, look, part_of(row)->lost_records);
}

static int compare_lost(const void *a, const void *b)
{
	return compare_i64(part_of(a)->lost_records, part_of(b)->lost_records);
}

static void format_leader(const void *row, const struct look *look, struct line *line)
{
	if (part_of(row)->leader < 0)
		line_dash(line, look);
	else
		line_addf(line, ROLE_DIM, "%d", part_of(row)->leader);
}

static int compare_leader(const void *a, const void *b)
{
	return compare_i64(part_of(a)->leader, part_of(b)->leader);
}

enum { COLUMN_BAR = 2, BAR_WIDE = 30, WIDE_COLS = 120 };
static const struct column columns[] = {
	{ "partition", "PART", "Partition", 6, 8, 0, 0, 0, format_partition, compare_partition },
	{ "lag", "LAG", "Records written that it has not read", 6, 8, 0, 0,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_lag, compare_lag },
	{ "bar", "", "The same, measured by the worst partition", 10, 10, 0, 2,
		COLUMN_NO_SORT | COLUMN_NO_EXPORT, format_bar_narrow, NULL },
	{ "behind", "BEHIND", "Age of the oldest record it has not read; > at least", 6, 8, 0, 0,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_behind, compare_behind },
	{ "low", "LOW", "First offset that retention has left", 11, 16, 0, 4,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_low, compare_low },
	{ "processed", "PROCESSED", "Offset it reads next", 11, 16, 0, 3,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_processed, compare_processed },
	{ "high", "HIGH", "Offset written next", 11, 16, 0, 5, COLUMN_RIGHT | COLUMN_DESCENDING,
		format_high, compare_high },
	{ "loss", "LOSS IN", "Until retention deletes what it has not read; < at most", 7, 8, 0, 1,
		COLUMN_RIGHT, format_loss, compare_loss },
	{ "drain", "DRAIN", "Until it has read all, as fast as now", 5, 8, 0, 6, COLUMN_RIGHT,
		format_drain, compare_drain },
	{ "in", "IN", "Records a second that come", 6, 9, 0, 7, COLUMN_RIGHT | COLUMN_DESCENDING,
		format_in, compare_in },
	{ "out", "OUT", "Records a second that it reads", 6, 9, 0, 7, COLUMN_RIGHT | COLUMN_DESCENDING,
		format_out, compare_out },
	{ "state", "STATE", "What it does, in words", 14, 14, 0, 0, COLUMN_DESCENDING, format_state,
		compare_state },
	{ "lost", "LOST", "Records deleted before it read them", 6, 12, 0, 9,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_lost, compare_lost },
	{ "leader", "LEADER", "Broker that leads it", 6, 6, 0, 8, COLUMN_RIGHT, format_leader, compare_leader },
};

static struct text row_key(const void *row)
{
	return text_of(((const struct part_line *)row)->key);
}

static bool reader_open_view(struct view *view, struct err *err)
{
	struct reader_state *state = view->state;

	(void)err;
	state->table = (struct table){
		.columns = columns,
		.ncolumns = ARRAY_LEN(columns),
		.row_size = sizeof(struct part_line),
		.key = row_key,
	};
	table_init(&state->table);
	return true;
}

static int worst_first(const void *a, const void *b)
{
	int order = compare_i64(part_of(b)->lag_records, part_of(a)->lag_records);

	return order ? order : compare_partition(a, b);
}

/* The worst of that name; from a list, "TOPIC\nCLUSTER", that of the cluster: others may bear its name. */
static bool find_row(struct view *view, struct reader *reader, struct lag_row *row_out, struct err *err)
{
	struct text cluster = text_of(view->arg.subject2), topic;
	struct lag_rows rows;
	size_t at = 0;

	(void)text_split(&cluster, '\n', &topic);
	if (topic.len == 0)
		topic = TEXT_NONE;
	if (!lag_list(reader, &view->arena, text_of(view->arg.subject), topic, &rows, err))
		return false;
	while (cluster.len > 0 && at < rows.n && !text_eq(rows.rows[at].cluster, cluster))
		at++;
	if (at == rows.n)
		return err_set(err, ERR_ABSENT, 0, "no reader '%s' has been seen%s%.*s", view->arg.subject,
			topic.bytes ? " on " : "", TEXT_ARG(topic));
	*row_out = rows.rows[at];
	return true;
}

static bool reader_load(struct view *view, struct reader *reader, struct err *err)
{
	struct reader_state *state = view->state;
	struct part_line *lines;
	struct lag_row row;
	int64_t largest = 0;

	if (!find_row(view, reader, &row, err))
		return false;
	state->found = true;
	state->row = row;
	state->table.empty = state->row.topic.len
		? "its partitions are not known: the cluster of its topic is not read, or the topic is gone"
		: "its log tells how much it has not read, but not of which topic: no partitions";
	lines = ARENA_ARRAY(&view->arena, struct part_line, state->row.npartitions + 1);
	for (size_t i = 0; i < state->row.npartitions; i++) {
		if (state->row.partitions[i].lag_records > largest)
			largest = state->row.partitions[i].lag_records;
	}
	for (size_t i = 0; i < state->row.npartitions; i++) {
		lines[i].part = state->row.partitions[i];
		lines[i].largest = largest;
		(void)snprintf(lines[i].key, sizeof lines[i].key, "%d", lines[i].part.partition);
	}
	if (state->row.npartitions > 0)
		qsort(lines, state->row.npartitions, sizeof *lines, worst_first);
	table_set_rows(&state->table, lines, state->row.npartitions, &view->look);
	return true;
}

static struct sheet pane_of(const struct view *view)
{
	const struct reader_state *state = view->state;
	struct sheet sheet = { .arena = view->look.arena };

	if (state->found)
		lag_sheet(&sheet, &view->look, &state->row);
	return sheet;
}

static void reader_draw(const struct view *view, struct canvas *canvas, struct rect rect)
{
	static const struct table_form wide = { COLUMN_BAR, BAR_WIDE, format_bar_wide };
	const struct sheet pane = pane_of(view);

	list_over_pane(view, &wide, rect.cols >= WIDE_COLS, &pane, canvas, rect);
}

static int reader_print_rows(const struct view *view)
{
	enum { PRINT_COLS = 80 };
	struct sheet pane = pane_of(view);

	return list_rows(view->state) + sheet_height(&pane, PRINT_COLS) + 1;
}

static enum reply reader_act(struct view *view, enum action action, struct app *app)
{
	struct reader_state *state = view->state;
	struct view_arg arg = { .number = 0 };

	if (action != ACT_OPEN)
		return list_act(&state->table, action, view->rect.rows, false);
	if (!state->found)
		return REPLY_IGNORED;
	if (!state->row.topic.len) {
		app_message(app, ROLE_DIM, "its log does not tell which topic it reads");
		return REPLY_DONE;
	}
	arg_set(arg.subject, state->row.topic);
	if (state->row.behind_versions != FACT_UNKNOWN) { /* of a Delta table: its path */
		app_open(app, "history", &arg);
		return REPLY_DONE;
	}
	arg_set(arg.subject2, state->row.cluster);
	app_open(app, "topic", &arg);
	return REPLY_DONE;
}

static bool reader_subject(const struct view *view, struct subject *out)
{
	const struct reader_state *state = view->state;

	if (state->found)
		subject_set(out, "topic", state->row.topic, state->row.topic);
	return state->found;
}

static bool reader_json(const struct view *view, struct buf *out, struct err *err)
{
	const struct reader_state *state = view->state;
	json_t *list = json_array();

	if (state->found)
		(void)json_array_append_new(list, lag_row_json(&state->row));
	return json_put(out, json_pack("{s:I, s:o}", "as_of", (json_int_t)view->look.now_ms,
		"readers", list), false, err);
}

static const enum action actions[] = { ACT_OPEN, TABLE_ACTIONS, ACT_NONE };

const struct view_ops reader_view = {
	.name = "reader",
	.title = "reader",
	.about = "One reader's partitions of one topic: where it stands, lag, skew, time to loss.",
	.arg = "READER [TOPIC]",
	.arg_required = true,
	.state_size = sizeof(struct reader_state),
	.actions = actions,
	.open = reader_open_view,
	.load = reader_load,
	.draw = reader_draw,
	.act = reader_act,
	.subject = reader_subject,
	.print_rows = reader_print_rows,
	.json = reader_json,
	.csv = list_csv,
	.filter = list_filter,
	.table = list_table,
	.close = list_close,
};
