/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIEWS_COMMON_H
#define VIEWS_COMMON_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "store/reader.h"
#include "tui/table.h"
#include "tui/view.h"

/* What several screens share: words and glyphs of states, panes, JSON pieces. UI thread. */

/* What a table handles by itself; views name it at the end of their actions. */
#define TABLE_ACTIONS                                                                              \
	ACT_SORT, ACT_SORT_REVERSE, ACT_UP, ACT_DOWN, ACT_PAGE_UP, ACT_PAGE_DOWN, ACT_HALF_UP,     \
		ACT_HALF_DOWN, ACT_FIRST, ACT_LAST
#define SCROLL_ACTIONS                                                                             \
	ACT_UP, ACT_DOWN, ACT_PAGE_UP, ACT_PAGE_DOWN, ACT_HALF_UP, ACT_HALF_DOWN, ACT_FIRST,       \
		ACT_LAST

struct state_look {
	enum glyph glyph;
	enum role role;
	const char *word;
};
const struct state_look *run_state_look(enum run_state state);
const struct state_look *health_state_look(enum health_state state);
const struct state_look *level_look(enum event_level level);
void line_look(struct line *line, const struct look *look, const struct state_look *state);
void line_glyph(struct line *line, const struct look *look, const struct state_look *state);

/* Cells of a table: figures right, a dash where unknown. */
void line_count(struct line *line, const struct look *look, int64_t n);
void line_dash(struct line *line, const struct look *look);
void line_name(struct line *line, const struct look *look, struct text name); /* dash if absent */
void line_age(struct line *line, const struct look *look, int64_t at_ms);
/* "+4 100 -96": what came and what went; a dash for what of them is not known. */
void line_change(struct line *line, const struct look *look, int64_t added, int64_t removed);
void line_version(struct line *line, const struct look *look, enum role role, int64_t version);
/* Completeness with its role: good only. */
void line_complete(struct line *line, const struct look *look, int64_t part, int64_t whole);

int compare_i64(int64_t a, int64_t b);   /* unknown first */
int compare_double(double a, double b);  /* NAN first */
enum share_grade { SHARE_UNKNOWN, SHARE_LOW, SHARE_SHORT, SHARE_GOOD };
enum share_grade share_grade(int64_t part, int64_t whole);
enum role share_role(enum share_grade grade);
double share_pct(int64_t part, int64_t whole); /* NAN when unknown */

/* Time from one moment to another, or to now while the second is not known and still open. */
int64_t span_ms(int64_t from_ms, int64_t to_ms);
/* The short head of an update id, as messages of the platform quote it. */
struct text short_id(struct text id);
const char *ordinal_end(int n); /* "st" of 1st, "nd", "rd", "th" */

/*
 * The catalog of catalog.schema.table names, where every name of a list has the same: on screen it
 * only pushes the telling part out. Names without two dots have none.
 */
struct shared_head {
	struct text head; /* with its dot */
	bool differs;
};
void shared_add(struct shared_head *shared, struct text name);
struct text shared_cut(const struct shared_head *shared, struct text name);

/* "stale 41m (usually 5m)": rows written later than twice the usual gap. */
bool pipeline_is_stale(const struct pipeline_row *row, int64_t now_ms);
int pipeline_badness(const struct pipeline_row *row, int64_t now_ms); /* larger = worse */

/*
 * A detail pane: rows of label and text, wrapped when drawn. A row with a label and no text is a
 * heading. Texts are borrowed, from the arena or longer-lived.
 */
struct sheet_row {
	const char *label;
	struct text text;
	enum role role;
	bool heading;
};
/* Of what is under the last line, more is said to be "99+ more": a pane need not be made beyond it. */
enum { SHEET_MORE_MAX = 99 };
struct sheet {
	struct arena *arena;
	struct sheet_row *rows;
	size_t n, room;
};
void sheet_add(struct sheet *sheet, const char *label, enum role role, struct text text);
void sheet_addf(struct sheet *sheet, const char *label, enum role role, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void sheet_heading(struct sheet *sheet, const char *title);
/* A JSON array of sentences, one a row; the role by what each says happened. */
void sheet_sentences(struct sheet *sheet, const char *label, struct text json);
/* A JSON object as rows of key and value. */
void sheet_object(struct sheet *sheet, const char *heading, struct text json);
/* The same in one row: "numFiles 12, numOutputRows 4111". */
void sheet_object_line(struct sheet *sheet, const char *label, struct text json);
/* Where text stands that is under or over a list: below its columns, behind the cursor's gutter. */
struct rect text_rect(struct rect rect);
int sheet_height(const struct sheet *sheet, int cols);
/* Draws from wrapped line `skip` on; returns the rows used. */
int sheet_draw(const struct sheet *sheet, struct canvas *canvas, struct rect rect, int skip);
/* The same for a pane that tells about the row a list above has selected: it may lag (canvas_lazy). */
int pane_draw(const struct sheet *sheet, struct canvas *canvas, struct rect rect);

/*
 * View functions for screens that are one sheet and scroll: their state begins with this, and load
 * sets sheet_of once there is something to show.
 */
struct sheet_view {
	struct sheet (*sheet_of)(const struct view *view); /* NULL = not loaded yet */
	int skip;                                          /* wrapped rows above the screen */
};
void sheet_view_draw(const struct view *view, struct canvas *canvas, struct rect rect);
int sheet_view_print_rows(const struct view *view);
enum reply sheet_view_act(struct view *view, enum action action, struct app *app);

/*
 * A list above and a pane below it, with the pane's title line. The pane gets nothing when the
 * screen is too low for both.
 */
struct split {
	struct rect list, pane;
};
struct split split_rows(struct rect rect, int list_rows, int pane_rows);

/* Hands the action to the table; REPLY_STALE instead of DONE if the selection moved and the pane
 * is loaded by selection. */
enum reply list_act(struct table *table, enum action action, int page_rows, bool loads_on_move);
/* Scrolls a sheet: 0 <= *skip <= height - rows. */
enum reply scroll_act(int *skip, enum action action, int height, int rows);

/*
 * View functions for screens whose state begins with their struct table.
 */
void list_csv(const struct view *view, struct buf *out);
void list_filter(struct view *view, struct text filter, bool inverse);
struct table *list_table(struct view *view);
void list_close(struct view *view);
int list_rows(const struct table *table); /* as drawn in full: a head and its rows */
int list_print_rows(const struct view *view); /* for print_rows: the list, without its pane */

/*
 * A bar of phases on a time scale. at_ms[i] is when phase i began, unknown ones are left out; the
 * last ends at end_ms. Each phase has a shade and a role of its own.
 */
enum { PHASES = 4 };
struct phases {
	int64_t at_ms[PHASES];
	int64_t end_ms;
	int64_t scale_from_ms, scale_ms;
	bool failed; /* the last phase ended badly */
};
void line_phases(struct line *line, const struct look *look, const struct phases *phases, int cells);
/* "░ waiting 12s  ▒ initializing 17s ..." for a sheet: the legend and the figures in one. */
struct text phases_text(const struct look *look, const struct phases *phases,
	const char *const names[PHASES]);
/*
 * The table with one column's format and width replaced: a wider bar where there is room. Without
 * a format the width is only the least the column takes.
 */
struct table_form {
	size_t column;
	int width;
	void (*format)(const void *row, const struct look *look, struct line *line);
};
void table_draw_form(const struct table *table, const struct table_form *form,
	struct canvas *canvas, struct rect rect, const struct look *look, bool focused);
void table_draw_forms(const struct table *table, const struct table_form *forms, size_t n,
	struct canvas *canvas, struct rect rect, const struct look *look, bool focused);

/*
 * What most screens draw: the list of a view whose state begins with its table, and below it the
 * pane about the selected row, which may lag behind a held key. forms: columns that are drawn
 * otherwise at this size, n of them.
 */
void list_over_pane(const struct view *view, const struct table_form *forms, size_t n,
	const struct sheet *pane, struct canvas *canvas, struct rect rect);

void subject_set(struct subject *out, const char *kind, struct text name, struct text id);
void arg_set(char out[VIEW_ARG_MAX], struct text text);

/* JSON pieces: null where unknown. json_put consumes `owned`, adds a newline. */
json_t *json_number_or_null(int64_t n);
json_t *json_text_or_null(struct text text);
json_t *json_share(int64_t part, int64_t whole);
json_t *json_flag(int8_t flag);
/* JSON text as a value; as a string if it cannot be read; null if absent. */
json_t *json_embedded(struct text json);
bool json_put(struct buf *out, json_t *owned, bool one_line, struct err *err);
/* What lists give: {"as_of": ms, NAME: list, "more": whether rows are left out}; consumes list. */
bool json_put_list(struct buf *out, const struct view *view, const char *name, json_t *list,
	bool more, struct err *err);

#endif
