/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIEWS_EVENTS_H
#define VIEWS_EVENTS_H

#include "tui/filter.h"
#include "views/common.h"

/* What the events screen and the screen of one event share. */

json_t *event_json(const struct event_row *event);
/* All that is known of an event, one field a row. */
void sheet_event(struct sheet *sheet, const struct look *look, const struct event_row *event);
/*
 * The next (step > 0) or previous error from event k on, among those the filter would show at any
 * level. False with no error set when there is none.
 */
bool event_find_error(struct reader *reader, struct arena *arena, const struct event_filter *filter,
	int64_t k, int step, int64_t *k_out, struct err *err);

/* The list's columns, which its filter line speaks of. */
enum event_column { EVENT_COLUMN_TIME, EVENT_COLUMN_LEVEL, EVENT_COLUMN_PIPELINE, EVENT_COLUMN_TYPE,
	EVENT_COLUMN_UPDATE, EVENT_COLUMN_FLOW, EVENT_COLUMN_MESSAGE };
/* Tells the store the words it can look for, and the level; nothing here is stricter than they. */
void event_push_words(const struct filter *words, struct event_filter *filter);

#endif
