/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "views/streams.h"
#include "views/views.h"

enum { TOPIC_NARROW = 10, LAG_CELLS = 8 };

struct streams_line {
	struct lag_row row;
	struct text key; /* reader and topic */
};

struct streams {
	struct table table;
	struct streams_line *lines;
	struct lag_rows rows;
};

static const struct lag_row *lag_of(const void *row)
{
	return row ? &((const struct streams_line *)row)->row : NULL;
}

/* Where there is little room the name has all of it. */
static void format_reader_narrow(const void *row, const struct look *look, struct line *line)
{
	/* what it does was so when it was seen last; color alone would not tell everybody */
	static const struct state_look stale = { GLYPH_UNKNOWN, ROLE_STALE, "" };
	const struct lag_row *lag = lag_of(row);

	line_glyph(line, look, lag->stale ? &stale : lag_look(lag));
	line_addf(line, ROLE_TEXT, " ");
	line_add(line, lag->stale ? ROLE_STALE : ROLE_TEXT, lag->reader);
}

static void format_reader(const void *row, const struct look *look, struct line *line)
{
	const struct lag_row *lag = lag_of(row);

	if (look->raw) {
		line_name(line, look, lag->reader);
		return;
	}
	format_reader_narrow(row, look, line);
	line_addf(line, ROLE_DIM, " (%s)", reader_kind_short(lag->kind));
}

static int compare_reader(const void *a, const void *b)
{
	return text_cmp(lag_of(a)->reader, lag_of(b)->reader);
}

static void format_kind(const void *row, const struct look *look, struct line *line)
{
	(void)look;
	line_add(line, ROLE_DIM, text_of(reader_kind_name(lag_of(row)->kind)));
}

static void format_cluster(const void *row, const struct look *look, struct line *line)
{
	line_name(line, look, lag_of(row)->cluster);
}

static void format_topic(const void *row, const struct look *look, struct line *line)
{
	line_name(line, look, lag_of(row)->topic);
}

static int compare_topic(const void *a, const void *b)
{
	return text_cmp(lag_of(a)->topic, lag_of(b)->topic);
}

/* "12 files", and "1.2k f" where the word has no room. */
static void line_things(struct line *line, const struct look *look, int64_t n, const char *thing)
{
	struct text count = format_short(look, n);
	const char *many = n == 1 ? "" : "s";

	if (count.len + 1 + strlen(thing) + strlen(many) <= LAG_CELLS)
		line_addf(line, ROLE_NUMBER, "%.*s %s%s", TEXT_ARG(count), thing, many);
	else
		line_addf(line, ROLE_NUMBER, "%.*s %c", TEXT_ARG(count), thing[0]);
}

static void format_lag(const void *row, const struct look *look, struct line *line)
{
	const struct lag_row *lag = lag_of(row);

	if (look->raw || lag->lag_records != FACT_UNKNOWN)
		line_lag(line, look, lag->lag_records);
	else if (lag->behind_versions != FACT_UNKNOWN)
		line_things(line, look, lag->behind_versions, "version");
	else if (lag->behind_files != FACT_UNKNOWN)
		line_things(line, look, lag->behind_files, "file");
	else if (lag->behind_bytes != FACT_UNKNOWN)
		line_add(line, ROLE_NUMBER, format_bytes(look, lag->behind_bytes));
	else
		line_lag(line, look, lag->lag_records);
}

static int compare_lag(const void *a, const void *b)
{
	return compare_i64(lag_of(a)->lag_records, lag_of(b)->lag_records);
}

static void format_behind(const void *row, const struct look *look, struct line *line)
{
	line_behind(line, look, lag_of(row)->lag_seconds, lag_of(row)->lag_seconds_is_lower_bound);
}

static int compare_behind(const void *a, const void *b)
{
	return compare_i64(lag_of(a)->lag_seconds, lag_of(b)->lag_seconds);
}

/* What comes in half a minute: so much lag is none. */
static double a_moment(const struct lag_row *row)
{
	return isnan(row->rate_in) ? 0 : row->rate_in * 30;
}

/* The last quarter of an hour where there is little room: what it does now. */
static void format_trend(const void *row, const struct look *look, struct line *line)
{
	const struct lag_row *lag = lag_of(row);

	line_trend(line, look, lag->trend + LAG_TREND_MAX - 6, 6, a_moment(lag));
}

static void format_trend_wide(const void *row, const struct look *look, struct line *line)
{
	line_trend(line, look, lag_of(row)->trend, LAG_TREND_MAX, a_moment(lag_of(row)));
}

static double growth(const struct lag_row *row)
{
	return row->rate_in - row->rate_out; /* NAN where either is */
}

static void format_grows(const void *row, const struct look *look, struct line *line)
{
	double grows = growth(lag_of(row));

	line_add(line, grows > 0.05 ? ROLE_WARN : ROLE_DIM, format_rate(look, grows, true));
}

static int compare_grows(const void *a, const void *b)
{
	return compare_double(growth(lag_of(a)), growth(lag_of(b)));
}

static void format_in(const void *row, const struct look *look, struct line *line)
{
	line_add(line, ROLE_NUMBER, format_rate(look, lag_of(row)->rate_in, false));
}

static int compare_in(const void *a, const void *b)
{
	return compare_double(lag_of(a)->rate_in, lag_of(b)->rate_in);
}

static void format_out(const void *row, const struct look *look, struct line *line)
{
	line_add(line, ROLE_NUMBER, format_rate(look, lag_of(row)->rate_out, false));
}

static int compare_out(const void *a, const void *b)
{
	return compare_double(lag_of(a)->rate_out, lag_of(b)->rate_out);
}

static void format_drain(const void *row, const struct look *look, struct line *line)
{
	line_drain(line, look, lag_of(row)->drain_seconds, lag_of(row)->never_drains);
}

static int64_t drain_order(const struct lag_row *row)
{
	return row->never_drains ? INT64_MAX : row->drain_seconds;
}

static int compare_drain(const void *a, const void *b)
{
	return compare_i64(drain_order(lag_of(a)), drain_order(lag_of(b)));
}

static void format_loss(const void *row, const struct look *look, struct line *line)
{
	const struct lag_row *lag = lag_of(row);

	line_loss(line, look, lag->loss_in_seconds, lag->loss_at_most, lag->lost_records);
}

static int compare_loss(const void *a, const void *b)
{
	return compare_loss_in(lag_of(a)->loss_in_seconds, lag_of(b)->loss_in_seconds);
}

static void format_lost(const void *row, const struct look *look, struct line *line)
{
	line_count(line, look, lag_of(row)->lost_records);
}

static int compare_lost(const void *a, const void *b)
{
	return compare_i64(lag_of(a)->lost_records, lag_of(b)->lost_records);
}

static void format_state(const void *row, const struct look *look, struct line *line)
{
	const struct state_look *state = lag_look(lag_of(row));

	if (look->raw)
		line_add(line, ROLE_TEXT, text_of(lag_verdict_name(lag_of(row)->verdict)));
	else
		line_add(line, state->role, text_of(state->word));
}

static int compare_state(const void *a, const void *b)
{
	return lag_rank(lag_of(a)) - lag_rank(lag_of(b));
}

static void format_files(const void *row, const struct look *look, struct line *line)
{
	line_count(line, look, lag_of(row)->behind_files);
}

static int compare_files(const void *a, const void *b)
{
	return compare_i64(lag_of(a)->behind_files, lag_of(b)->behind_files);
}

static void format_size(const void *row, const struct look *look, struct line *line)
{
	line_add(line, ROLE_NUMBER, format_bytes(look, lag_of(row)->behind_bytes));
}

static int compare_size(const void *a, const void *b)
{
	return compare_i64(lag_of(a)->behind_bytes, lag_of(b)->behind_bytes);
}

static void format_seen(const void *row, const struct look *look, struct line *line)
{
	if (lag_of(row)->stale)
		line_add(line, ROLE_STALE, format_age(look, lag_of(row)->seen_at_ms));
	else
		line_age(line, look, lag_of(row)->seen_at_ms);
}

static int compare_seen(const void *a, const void *b)
{
	return compare_i64(lag_of(a)->seen_at_ms, lag_of(b)->seen_at_ms);
}

enum { COLUMN_READER = 0, COLUMN_TOPIC = 1, COLUMN_TREND = 4, MIDDLE_COLS = 105, WIDE_COLS = 140,
	VERY_WIDE_COLS = 180 };
static const struct column columns[] = {
	{ "reader", "READER", "Consumer group, checkpoint (ckpt), pipeline's flow (log) or sink", 16, 48, 3,
		0, COLUMN_TAIL, format_reader, compare_reader },
	{ "topic", "TOPIC", "Kafka topic or Delta table that it reads", 10, 32, 2, 2, COLUMN_TAIL,
		format_topic, compare_topic },
	{ "lag", "LAG", "Records it has not read; else versions (v), files (f) or bytes", 6, LAG_CELLS, 0, 0,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_lag, compare_lag },
	{ "behind", "BEHIND", "Age of the oldest record it has not read; > at least", 6, 8, 0, 0,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_behind, compare_behind },
	{ "trend", "TREND", "Lag over the last hour, or its last quarter", 6, 6, 0, 4,
		COLUMN_NO_SORT | COLUMN_NO_EXPORT, format_trend, NULL },
	{ "grows", "GROWS", "Records a second that come and are not read", 8, 9, 0, 6,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_grows, compare_grows },
	{ "drain", "DRAIN", "Until it has read all, as fast as now; its slowest partition", 5, 7, 0, 3,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_drain, compare_drain },
	{ "loss", "LOSS IN", "Until retention deletes what it has not read; < at most", 7, 7, 0, 1,
		COLUMN_RIGHT, format_loss, compare_loss },
	{ "state", "STATE", "What it does, in words", 14, 14, 0, 0, COLUMN_DESCENDING, format_state,
		compare_state },
	{ "lost", "LOST", "Records deleted before it read them", 6, 12, 0, 9,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_lost, compare_lost },
	{ "in", "IN", "Records a second that come", 7, 9, 0, 7, COLUMN_RIGHT | COLUMN_DESCENDING,
		format_in, compare_in },
	{ "out", "OUT", "Records a second that it reads", 7, 9, 0, 7, COLUMN_RIGHT | COLUMN_DESCENDING,
		format_out, compare_out },
	{ "seen", "SEEN", "How old these numbers are", 5, 7, 0, 8, COLUMN_RIGHT, format_seen,
		compare_seen },
	{ "kind", "KIND", "group, checkpoint, eventlog or sink", 10, 10, 0, 11, 0, format_kind, NULL },
	{ "cluster", "CLUSTER", "The cluster's section in the configuration", 8, 16, 0, 10, 0,
		format_cluster, NULL },
	{ "files", "FILES", "Files it has not read, of Delta tables and where it tells", 6, 9, 0, 13,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_files, compare_files },
	{ "bytes", "BYTES", "Bytes it has not read, of Delta tables and where it tells", 8, 9, 0, 12,
		COLUMN_RIGHT | COLUMN_DESCENDING, format_size, compare_size },
};

static struct text row_key(const void *row)
{
	return ((const struct streams_line *)row)->key;
}

static bool streams_open(struct view *view, struct err *err)
{
	struct streams *streams = view->state;

	(void)err;
	streams->table = (struct table){
		.columns = columns,
		.ncolumns = ARRAY_LEN(columns),
		.row_size = sizeof(struct streams_line),
		.key = row_key,
		.empty = view->arg.subject[0]
			? "no reader of this name has been seen; weir lag lists those that were"
			: "no reader has been seen; [kafka NAME] in the configuration names a cluster,"
			  " [checkpoint NAME] a folder of Spark's checkpoints",
	};
	table_init(&streams->table);
	return true;
}

static bool streams_load(struct view *view, struct reader *reader, struct err *err)
{
	struct streams *streams = view->state;
	struct text name = view->arg.subject[0] ? text_of(view->arg.subject) : TEXT_NONE;
	struct text topic = view->arg.subject2[0] ? text_of(view->arg.subject2) : TEXT_NONE;
	struct lag_rows rows;

	if (!lag_list(reader, &view->arena, name, topic, &rows, err))
		return false;
	streams->rows = rows;
	streams->lines = ARENA_ARRAY(&view->arena, struct streams_line, rows.n + 1);
	for (size_t i = 0; i < rows.n; i++) {
		struct lag_row *row = &rows.rows[i];

		streams->lines[i] = (struct streams_line){ .row = *row,
			.key = text_of(arena_printf(&view->arena, "%.*s\n%.*s\n%.*s",
				TEXT_ARG(row->reader), TEXT_ARG(row->cluster), TEXT_ARG(row->topic))) };
	}
	table_set_rows(&streams->table, streams->lines, rows.n, &view->look);
	return true;
}

static struct sheet pane_of(const struct view *view)
{
	const struct lag_row *row = lag_of(table_selected(view->state));
	struct sheet sheet = { .arena = view->look.arena };

	if (row)
		lag_sheet(&sheet, &view->look, row);
	return sheet;
}

/* With room to spare, names in full come before further figures, and the trend is the whole hour's. */
static void list_draw(const struct streams *streams, struct canvas *canvas, struct rect rect,
	const struct look *look)
{
	struct column wide[ARRAY_LEN(columns)];
	struct table table = streams->table;

	memcpy(wide, columns, sizeof columns);
	table.columns = wide;
	if (rect.cols < MIDDLE_COLS) {
		wide[COLUMN_TOPIC].min_width = wide[COLUMN_TOPIC].max_width = TOPIC_NARROW;
		wide[COLUMN_READER].format = format_reader_narrow;
	} else {
		wide[COLUMN_READER].min_width =
			rect.cols >= VERY_WIDE_COLS ? 44 : rect.cols >= WIDE_COLS ? 36 : 30;
		wide[COLUMN_TOPIC].min_width = rect.cols >= WIDE_COLS ? 20 : 14;
		if (rect.cols >= WIDE_COLS) {
			wide[COLUMN_TREND].min_width = wide[COLUMN_TREND].max_width = LAG_TREND_MAX;
			wide[COLUMN_TREND].format = format_trend_wide;
		}
	}
	table_draw(&table, canvas, rect, look, true);
}

static void streams_draw(const struct view *view, struct canvas *canvas, struct rect rect)
{
	const struct streams *streams = view->state;
	struct sheet pane = pane_of(view);
	struct split split =
		split_rows(rect, list_rows(&streams->table), sheet_height(&pane, rect.cols));

	list_draw(streams, canvas, split.list, &view->look);
	(void)pane_draw(&pane, canvas, split.pane);
}

static enum reply streams_act(struct view *view, enum action action, struct app *app)
{
	struct streams *streams = view->state;
	const struct lag_row *row = lag_of(table_selected(&streams->table));
	struct view_arg arg = { .number = 0 };

	if (action != ACT_OPEN)
		return list_act(&streams->table, action, view->rect.rows, false);
	if (!row)
		return REPLY_IGNORED;
	arg_set(arg.subject, row->reader);
	arg_set(arg.subject2, text_of(arena_printf(view->look.arena, "%.*s\n%.*s",
		TEXT_ARG(row->topic), TEXT_ARG(row->cluster))));
	app_open(app, "reader", &arg);
	return REPLY_DONE;
}

static bool streams_subject(const struct view *view, struct subject *out)
{
	const struct lag_row *row = lag_of(table_selected(view->state));

	if (row)
		subject_set(out, "reader", row->reader, row->reader);
	return row;
}

static bool streams_json(const struct view *view, struct buf *out, struct err *err)
{
	const struct streams *streams = view->state;
	json_t *list = json_array();

	for (size_t i = 0; i < table_shown(&streams->table); i++)
		(void)json_array_append_new(list, lag_row_json(lag_of(table_row(&streams->table, i))));
	return json_put_list(out, view, "readers", list, streams->rows.more, err);
}

static const enum action actions[] = { ACT_OPEN, TABLE_ACTIONS, ACT_NONE };

const struct view_ops lag_view = {
	.name = "lag",
	.title = "streams",
	.about = "Readers of Kafka topics and Delta tables, worst first: lag, trend, drain, time to loss.",
	.arg = "READER",
	.state_size = sizeof(struct streams),
	.actions = actions,
	.open = streams_open,
	.load = streams_load,
	.draw = streams_draw,
	.act = streams_act,
	.subject = streams_subject,
	.print_rows = list_print_rows,
	.json = streams_json,
	.csv = list_csv,
	.filter = list_filter,
	.table = list_table,
	.close = list_close,
};
