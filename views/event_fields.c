/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "views/events.h"

bool event_find_error(struct reader *reader, struct arena *arena, const struct event_filter *filter,
	int64_t k, int step, int64_t *k_out, struct err *err)
{
	struct event_filter search = *filter;
	struct event_rows found;

	search.least = LEVEL_ERROR;
	search.from_k = k;
	search.oldest_first = step > 0;
	search.limit = 1;
	if (!events_list(reader, arena, &search, &found, err))
		return false;
	*k_out = found.n ? found.rows[0].k : 0;
	return true;
}

static void add_word(struct sheet *sheet, const char *label, enum role role, struct text text)
{
	if (text.len)
		sheet_add(sheet, label, role, text);
}

void sheet_event(struct sheet *sheet, const struct look *look, const struct event_row *event)
{
	const struct state_look *level = level_look(event->level);
	struct text at = format_time(look, event->happened_at_ms);

	sheet_heading(sheet, arena_printf(look->arena, "%.*s %.*s %s",
		TEXT_ARG(event->type.len ? event->type : TEXT("event")), TEXT_ARG(at), level->word));
	add_word(sheet, "message", level->role, event->message);
	add_word(sheet, "error class", ROLE_FAILED, event->error_class);
	if (!text_eq(event->error_message, event->message))
		add_word(sheet, "error", ROLE_FAILED, event->error_message);
	if (event->state != RUN_UNKNOWN)
		sheet_add(sheet, "state", run_state_look(event->state)->role,
			text_of(run_state_look(event->state)->word));
	add_word(sheet, "state", ROLE_UNKNOWN, event->state_text);
	add_word(sheet, "pipeline", ROLE_TEXT, event->pipeline);
	add_word(sheet, "flow", ROLE_TEXT, event->flow);
	if (!text_eq(event->dataset, event->flow))
		add_word(sheet, "dataset", ROLE_TEXT, event->dataset);
	add_word(sheet, "update", ROLE_TEXT, event->update_id);
	add_word(sheet, "pipeline id", ROLE_DIM, event->pipeline_id);
	sheet_add(sheet, "event id", ROLE_DIM, text_of(event->id));
	if (event->seen_at_ms != TIME_UNKNOWN) {
		struct text seen = format_time(look, event->seen_at_ms);
		struct text late = format_duration(look, span_ms(event->happened_at_ms, event->seen_at_ms));

		sheet_addf(sheet, "seen", ROLE_DIM, "%.*s, %.*s after it happened, from %.*s",
			TEXT_ARG(seen), TEXT_ARG(late), TEXT_ARG(event->source));
	}
}

json_t *event_json(const struct event_row *event)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
			"s:o, s:I}",
		"id", json_text_or_null(text_of(event->id)),
		"happened_at_ms", json_number_or_null(event->happened_at_ms),
		"seen_at_ms", json_number_or_null(event->seen_at_ms),
		"sequence", json_number_or_null(event->sequence),
		"level", event->level == LEVEL_UNKNOWN ? json_null()
						       : json_string(event_level_name(event->level)),
		"type", json_text_or_null(event->type),
		"pipeline_id", json_text_or_null(event->pipeline_id),
		"pipeline", json_text_or_null(event->pipeline),
		"update_id", json_text_or_null(event->update_id),
		"flow", json_text_or_null(event->flow),
		"dataset", json_text_or_null(event->dataset),
		"state", event->state != RUN_UNKNOWN ? json_string(run_state_name(event->state))
						     : json_text_or_null(event->state_text),
		"message", json_text_or_null(event->message),
		"error_class", json_text_or_null(event->error_class),
		"error_message", json_text_or_null(event->error_message),
		"source", json_text_or_null(event->source),
		"key", (json_int_t)event->k); /* what `weir event KEY` takes */
}
