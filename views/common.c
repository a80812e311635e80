/* SPDX-License-Identifier: Apache-2.0 */
#include "views/common.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

static const struct state_look run_looks[] = {
	[RUN_UNKNOWN] = { GLYPH_UNKNOWN, ROLE_UNKNOWN, "unknown" },
	[RUN_CREATED] = { GLYPH_WAITING, ROLE_WAITING, "created" },
	[RUN_QUEUED] = { GLYPH_WAITING, ROLE_WAITING, "queued" },
	[RUN_WAITING_FOR_RESOURCES] = { GLYPH_WAITING, ROLE_WAITING, "waiting" },
	[RUN_INITIALIZING] = { GLYPH_RUNNING, ROLE_RUNNING, "initializing" },
	[RUN_RESETTING] = { GLYPH_RUNNING, ROLE_RUNNING, "resetting" },
	[RUN_SETTING_UP_TABLES] = { GLYPH_RUNNING, ROLE_RUNNING, "setting up" },
	[RUN_PLANNING] = { GLYPH_RUNNING, ROLE_RUNNING, "planning" },
	[RUN_STARTING] = { GLYPH_RUNNING, ROLE_RUNNING, "starting" },
	[RUN_RUNNING] = { GLYPH_RUNNING, ROLE_RUNNING, "running" },
	[RUN_STOPPING] = { GLYPH_RUNNING, ROLE_RUNNING, "stopping" },
	[RUN_COMPLETED] = { GLYPH_OK, ROLE_OK, "completed" },
	[RUN_IDLE] = { GLYPH_OK, ROLE_OK, "idle" },
	[RUN_EXCLUDED] = { GLYPH_SKIPPED, ROLE_SKIPPED, "excluded" },
	[RUN_STOPPED] = { GLYPH_CANCELED, ROLE_CANCELED, "stopped" },
	[RUN_CANCELED] = { GLYPH_CANCELED, ROLE_CANCELED, "canceled" },
	[RUN_SKIPPED] = { GLYPH_SKIPPED, ROLE_SKIPPED, "skipped" },
	[RUN_FAILED] = { GLYPH_FAILED, ROLE_FAILED, "failed" },
};
_Static_assert(ARRAY_LEN(run_looks) == RUN_STATE_COUNT, "a look for every state");

static const struct state_look health_looks[] = {
	[HEALTH_OK] = { GLYPH_OK, ROLE_OK, "ok" },
	[HEALTH_WAITING] = { GLYPH_WAITING, ROLE_WAITING, "waiting" },
	[HEALTH_SILENT] = { GLYPH_WARN, ROLE_STALE, "silent" },
	[HEALTH_DEGRADED] = { GLYPH_WARN, ROLE_WARN, "degraded" },
	[HEALTH_FAILED] = { GLYPH_FAILED, ROLE_FAILED, "failed" },
};

static const struct state_look level_looks[] = {
	[LEVEL_UNKNOWN] = { GLYPH_UNKNOWN, ROLE_UNKNOWN, "unknown" },
	[LEVEL_METRICS] = { GLYPH_DOT, ROLE_DIM, "metrics" },
	[LEVEL_INFO] = { GLYPH_DOT, ROLE_TEXT, "info" },
	[LEVEL_WARN] = { GLYPH_WARN, ROLE_WARN, "warn" },
	[LEVEL_ERROR] = { GLYPH_FAILED, ROLE_FAILED, "error" },
};

const struct state_look *run_state_look(enum run_state state)
{
	return &run_looks[(size_t)state < ARRAY_LEN(run_looks) ? state : RUN_UNKNOWN];
}

const struct state_look *health_state_look(enum health_state state)
{
	return &health_looks[(size_t)state < ARRAY_LEN(health_looks) ? state : HEALTH_WAITING];
}

const struct state_look *level_look(enum event_level level)
{
	return &level_looks[(size_t)level < ARRAY_LEN(level_looks) ? level : LEVEL_UNKNOWN];
}

void line_glyph(struct line *line, const struct look *look, const struct state_look *state)
{
	line_add(line, state->role, glyph_text(look, state->glyph));
}

void line_look(struct line *line, const struct look *look, const struct state_look *state)
{
	line_glyph(line, look, state);
	line_addf(line, state->role, "%s%s", look->raw ? "" : " ", state->word);
}

void line_dash(struct line *line, const struct look *look)
{
	line_add(line, ROLE_UNKNOWN, glyph_text(look, GLYPH_DASH));
}

void line_count(struct line *line, const struct look *look, int64_t n)
{
	if (n == FACT_UNKNOWN)
		line_dash(line, look);
	else
		line_add(line, ROLE_NUMBER, format_count(look, n));
}

void line_name(struct line *line, const struct look *look, struct text name)
{
	if (!name.len)
		line_dash(line, look);
	else
		line_add(line, ROLE_TEXT, name);
}

void line_age(struct line *line, const struct look *look, int64_t at_ms)
{
	if (at_ms == TIME_UNKNOWN)
		line_dash(line, look);
	else
		line_add(line, ROLE_TEXT, format_age(look, at_ms));
}

void line_change(struct line *line, const struct look *look, int64_t added, int64_t removed)
{
	if (added == FACT_UNKNOWN)
		line_dash(line, look);
	else if (added > 0 || removed == 0 || removed == FACT_UNKNOWN)
		line_add(line, added > 0 ? ROLE_ADDED : ROLE_DIM, format_signed(look, added));
	if (removed == 0 || (removed == FACT_UNKNOWN && added == FACT_UNKNOWN))
		return;
	line_add(line, ROLE_REMOVED, line->n ? TEXT(" ") : TEXT(""));
	if (removed == FACT_UNKNOWN)
		line_dash(line, look);
	else
		line_add(line, ROLE_REMOVED, format_signed(look, -removed));
}

void line_version(struct line *line, const struct look *look, enum role role, int64_t version)
{
	if (version == FACT_UNKNOWN)
		line_dash(line, look);
	else
		line_addf(line, role, "%s%lld", look->raw ? "" : "v", (long long)version);
}

int compare_i64(int64_t a, int64_t b)
{
	return (a > b) - (a < b); /* unknown is the smallest number there is */
}

int compare_double(double a, double b)
{
	if (isnan(a) || isnan(b))
		return !isnan(a) - !isnan(b);
	return (a > b) - (a < b);
}

double share_pct(int64_t part, int64_t whole)
{
	if (part == FACT_UNKNOWN || whole == FACT_UNKNOWN || whole <= 0)
		return NAN;
	return 100.0 * (double)part / (double)whole;
}

/* Until thresholds can be configured: under 99 % people want to know, under 95 % now. */
enum share_grade share_grade(int64_t part, int64_t whole)
{
	double pct = share_pct(part, whole);

	if (isnan(pct))
		return SHARE_UNKNOWN;
	if (pct < 95)
		return SHARE_LOW;
	return pct < 99 ? SHARE_SHORT : SHARE_GOOD;
}

enum role share_role(enum share_grade grade)
{
	switch (grade) {
	case SHARE_UNKNOWN:
		return ROLE_UNKNOWN;
	case SHARE_LOW:
		return ROLE_FAILED;
	case SHARE_SHORT:
		return ROLE_WARN;
	case SHARE_GOOD:
		return ROLE_OK;
	}
	return ROLE_UNKNOWN;
}

void line_complete(struct line *line, const struct look *look, int64_t part, int64_t whole)
{
	line_add(line, share_role(share_grade(part, whole)), format_share(look, part, whole));
}

int64_t span_ms(int64_t from_ms, int64_t to_ms)
{
	if (from_ms == TIME_UNKNOWN || to_ms == TIME_UNKNOWN)
		return FACT_UNKNOWN;
	return to_ms > from_ms ? to_ms - from_ms : 0;
}

struct text short_id(struct text id)
{
	return text_sub(id, 0, 8);
}

const char *ordinal_end(int n)
{
	int unit = n % 100 / 10 == 1 ? 0 : n % 10;

	return unit == 1 ? "st" : unit == 2 ? "nd" : unit == 3 ? "rd" : "th";
}

void shared_add(struct shared_head *shared, struct text name)
{
	struct text rest = name, catalog, schema;

	if (!text_split(&rest, '.', &catalog) || !text_split(&rest, '.', &schema) || !rest.len) {
		shared->differs = true;
		return;
	}
	catalog.len++; /* its dot */
	if (!shared->head.len)
		shared->head = catalog;
	else if (!text_eq(shared->head, catalog))
		shared->differs = true;
}

struct text shared_cut(const struct shared_head *shared, struct text name)
{
	return shared->differs ? name : text_sub(name, shared->head.len, name.len);
}

bool pipeline_is_stale(const struct pipeline_row *row, int64_t now_ms)
{
	int64_t age_ms = span_ms(row->last_written_at_ms, now_ms);

	/* A minute of grace, so that a pipeline of every few seconds does not flicker. */
	return age_ms != FACT_UNKNOWN && row->usual_gap_ms != FACT_UNKNOWN &&
		age_ms > 2 * row->usual_gap_ms && age_ms > row->usual_gap_ms + 60000;
}

int pipeline_badness(const struct pipeline_row *row, int64_t now_ms)
{
	if (row->latest.state == RUN_FAILED)
		return 6;
	if (row->attempts > 1 && !run_state_is_final(row->latest.state))
		return 5; /* trying again after a failure */
	switch (share_grade(row->published, row->input)) {
	case SHARE_LOW:
		return 4;
	case SHARE_SHORT:
		return 3;
	case SHARE_UNKNOWN:
	case SHARE_GOOD:
		break;
	}
	if (pipeline_is_stale(row, now_ms))
		return 2;
	return row->latest.state == RUN_CANCELED || row->latest.state == RUN_UNKNOWN;
}

struct split split_rows(struct rect rect, int list_rows, int pane_rows)
{
	struct split split = { .list = rect, .pane = rect };
	int room = rect.rows - list_rows;

	if (room < pane_rows) {
		/* Both want more than there is: the list keeps what it needs up to half. */
		int least = rect.rows / 2;

		room = room > rect.rows - least ? room : rect.rows - least;
	}
	if (room > pane_rows)
		room = pane_rows;
	/* Of a larger pane a title and one row tell nothing; one that is no larger is whole. */
	if (rect.rows < 10 || (room < 3 && room < pane_rows))
		room = 0;
	split.list.rows = rect.rows - room < list_rows ? rect.rows - room : list_rows;
	split.pane.row = rect.row + split.list.rows;
	split.pane.rows = room ? rect.rows - split.list.rows : 0;
	if (!room)
		split.list.rows = rect.rows;
	return split;
}

enum reply list_act(struct table *table, enum action action, int page_rows, bool loads_on_move)
{
	const void *before = table_selected(table);
	enum reply reply = table_act(table, action, page_rows);

	if (reply == REPLY_DONE && loads_on_move && table_selected(table) != before)
		return REPLY_STALE;
	return reply;
}

enum reply scroll_act(int *skip, enum action action, int height, int rows)
{
	int page = rows > 1 ? rows - 1 : 1;
	int most = height > rows ? height - rows : 0;
	int at = *skip < most ? *skip : most; /* the screen may have grown since */

	switch ((int)action) {
	case ACT_UP:
		at--;
		break;
	case ACT_DOWN:
		at++;
		break;
	case ACT_PAGE_UP:
		at -= page;
		break;
	case ACT_PAGE_DOWN:
		at += page;
		break;
	case ACT_HALF_UP:
		at -= (page + 1) / 2;
		break;
	case ACT_HALF_DOWN:
		at += (page + 1) / 2;
		break;
	case ACT_FIRST:
		at = 0;
		break;
	case ACT_LAST:
		at = most;
		break;
	default:
		return REPLY_IGNORED;
	}
	*skip = at < 0 ? 0 : at > most ? most : at;
	return REPLY_DONE;
}

void arg_set(char out[VIEW_ARG_MAX], struct text text)
{
	size_t len = text.len < VIEW_ARG_MAX ? text.len : VIEW_ARG_MAX - 1;

	if (len)
		memcpy(out, text.bytes, len);
	out[len] = '\0';
}

void subject_set(struct subject *out, const char *kind, struct text name, struct text id)
{
	(void)snprintf(out->kind, sizeof(out->kind), "%s", kind);
	arg_set(out->name, name);
	arg_set(out->id, id);
}
