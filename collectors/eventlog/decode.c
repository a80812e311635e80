/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/eventlog/decode.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "collectors/eventlog/json.h"
#include "store/redact.h"

/*
 * A record is taken apart by matching quotes and brackets only: what stands between them is for the
 * readers to judge, each event by itself, so that one broken event does not cost its page.
 */
enum {
	NEST_MAX = 6,         /* containers in containers */
	UNDECODABLE_MAX = 20, /* kept of one record; more are only counted */
	COLUMNS_MAX = 256
};

struct decode {
	struct fact_batch *batch;
	const struct eventlog_options *options;
	const char
		*base; /* the byte at base_offset; NULL: what is read is not in the log as such */
	int64_t base_offset;
	bool padded; /* what base points into is */
	struct eventlog_place place;
	size_t events;
	size_t undecodable;
};

static void undecodable(struct decode *decode, struct text span, struct text reason)
{
	struct fact_batch *batch = decode->batch;
	const struct eventlog_place *place = &decode->place;
	struct text path = place->path.len > 0 ? place->path : TEXT("input");
	struct buf where;
	struct buf head;

	if (++decode->undecodable > UNDECODABLE_MAX) {
		batch->undecodable++;
		return;
	}
	buf_init(&where, FACT_KEEP_MAX);
	buf_init(&head, FACT_KEEP_MAX);
	(void)buf_add(&where, path);
	if (place->line > 0)
		(void)buf_addf(&where, place->is_row ? ":row %lld" : ":line %lld",
			(long long)place->line);
	if (!place->is_row)
		(void)buf_addf(&where, " at byte %lld", (long long)place->offset);
	if (!decode->options->keep_rows)
		(void)redact_json(&head, text_sub(span, 0, FACT_KEEP_MAX));
	else
		(void)buf_add(&head, text_sub(span, 0, FACT_KEEP_MAX));
	fact_batch_undecodable(
		batch, decode->options->now_ms, buf_text(&where), reason, buf_text(&head));
	batch->facts[batch->nfacts - 1].u.undecodable.length = (int64_t)span.len;
	buf_done(&where);
	buf_done(&head);
}

static size_t skip_blank(struct text text, size_t at)
{
	while (at < text.len && strchr(" \t\r\n", text.bytes[at]) && text.bytes[at] != '\0')
		at++;
	return at;
}

/* The offset behind the string whose opening quote is at `at`; 0 when it does not end. */
static size_t string_end(struct text text, size_t at)
{
	size_t from = at + 1;

	at = from;
	while (at < text.len) {
		const char *quote = memchr(text.bytes + at, '"', text.len - at);
		size_t end;
		size_t slashes = 0;

		if (!quote)
			return 0;
		end = (size_t)(quote - text.bytes);
		while (end - slashes > from && text.bytes[end - slashes - 1] == '\\')
			slashes++;
		if (slashes % 2 == 0)
			return end + 1;
		at = end + 1;
	}
	return 0;
}

/* The offset behind the value at `at`; 0 when it does not end. */
static size_t value_end(struct text text, size_t at)
{
	size_t depth = 0;

	if (at >= text.len)
		return 0;
	if (text.bytes[at] != '{' && text.bytes[at] != '[' && text.bytes[at] != '"') {
		size_t from = at;

		while (at < text.len && !memchr(",]}: \t\r\n\"", text.bytes[at], 9))
			at++;
		return at > from ? at : 0;
	}
	while (at < text.len) {
		char c = text.bytes[at];

		if (c == '"') {
			at = string_end(text, at);
			if (at == 0)
				return 0;
		} else {
			at++;
			depth += c == '{' || c == '[';
			depth -= (c == '}' || c == ']') && depth > 0;
		}
		if (depth == 0)
			return at;
	}
	return 0;
}

/* Steps through the values of a list, or the keys and values of an object. */
struct members {
	struct text text; /* the container's span, brackets included */
	size_t at;
	bool broken; /* it did not end as a container should */
};

static struct members members_of(struct text container)
{
	return (struct members){ .text = container, .at = 1 };
}

static bool next_value(struct members *members, struct text *value_out)
{
	size_t end = value_end(members->text, members->at);

	if (end == 0) {
		members->broken = true;
		return false;
	}
	*value_out = text_sub(members->text, members->at, end - members->at);
	members->at = skip_blank(members->text, end);
	return true;
}

/* To the next member; false at the end. key_out is NULL for lists. */
static bool next_member(struct members *members, struct text *key_out, struct text *value_out)
{
	struct text text = members->text;
	char close = text.bytes[0] == '{' ? '}' : ']';

	members->at = skip_blank(text, members->at);
	if (members->at < text.len && text.bytes[members->at] == ',')
		members->at = skip_blank(text, members->at + 1);
	if (members->at < text.len && text.bytes[members->at] == close) {
		members->broken = skip_blank(text, members->at + 1) != text.len;
		return false;
	}
	if (key_out) {
		if (!next_value(members, key_out))
			return false;
		if (members->at >= text.len || text.bytes[members->at] != ':') {
			members->broken = true;
			return false;
		}
		members->at = skip_blank(text, members->at + 1);
	}
	return next_value(members, value_out);
}

/* The member's value, absent when it is not there or null; the last of duplicates. */
static struct text member(struct text object, struct text quoted_key)
{
	struct members members = members_of(object);
	struct text found = TEXT_NONE;
	struct text key;
	struct text value;

	while (next_member(&members, &key, &value)) {
		if (text_eq(key, quoted_key))
			found = text_is(value, "null") ? TEXT_NONE : value;
	}
	return found;
}

static bool begins(struct text text, char c)
{
	return text.len > 0 && text.bytes[0] == c;
}

static void decode_value(struct decode *decode, struct text span, int nest);

/* Where the span is, as long as spans are parts of the record. */
static void set_place(struct decode *decode, struct text span)
{
	if (decode->base)
		decode->place.offset = decode->base_offset + (span.bytes - decode->base);
}

static void decode_event(struct decode *decode, struct text span)
{
	struct text reason = TEXT("not JSON");

	if (eventlog_scan_event(decode->batch, span, decode->padded && decode->base,
		    &decode->place, decode->options)) {
		decode->events++;
		return;
	}
	if (!eventlog_parse_event(decode->batch, span, &decode->place, decode->options, &reason)) {
		undecodable(decode, span, reason);
		return;
	}
	decode->batch->events[decode->batch->nevents - 1].by_fallback = true;
	decode->batch->fallback++;
	decode->events++;
}

/* Text that stands for the span: its events point at the span, whose bytes are in the log. */
static void decode_instead(struct decode *decode, struct text span, struct text text, int nest)
{
	const char *base = decode->base;
	size_t before = decode->batch->nevents;

	decode->base = NULL;
	decode_value(decode, text, nest);
	decode->base = base;
	for (size_t i = before; base && i < decode->batch->nevents; i++)
		decode->batch->events[i].length = (int64_t)span.len;
}

static void decode_list(struct decode *decode, struct text list, int nest)
{
	struct members members = members_of(list);
	struct text value;

	while (next_member(&members, NULL, &value)) {
		set_place(decode, value);
		decode_value(decode, value, nest + 1);
	}
	if (members.broken) {
		struct text rest = text_sub(list, members.at, list.len);

		set_place(decode, rest);
		undecodable(decode, rest, TEXT("a list of events that does not end as one"));
	}
}

static void decode_string(struct decode *decode, struct text span, int nest)
{
	struct text reason = TEXT_NONE;
	json_t *string = eventlog_json_load(span, &reason);
	struct text text;

	if (!string) {
		undecodable(decode, span, reason);
		return;
	}
	text = text_trim((struct text){ json_string_value(string), json_string_length(string) });
	if (begins(text, '{') || begins(text, '['))
		decode_instead(decode, span, text, nest + 1);
	else
		undecodable(decode, span, TEXT("a string that holds no event"));
	json_decref(string);
}

/* The columns' names as JSON keys; NULL when the manifest does not tell them. */
static json_t *columns_of(struct text manifest)
{
	json_t *value = manifest.len > 0 ? eventlog_json_load(manifest, NULL) : NULL;
	json_t *columns = json_object_get(json_object_get(value, "schema"), "columns");

	if (!json_is_array(columns) || json_array_size(columns) > COLUMNS_MAX)
		columns = NULL;
	json_incref(columns);
	json_decref(value);
	return columns;
}

/* A row of strings becomes the event it would have been as one object of strings. */
static void decode_row(struct decode *decode, json_t *columns, struct text row, int nest)
{
	struct members cells = members_of(row);
	struct text cell;
	struct buf event;
	size_t n = 0;

	if (!begins(row, '[')) {
		undecodable(decode, row, TEXT("a row that is no list"));
		return;
	}
	buf_init(&event, (size_t)EVENTLOG_RECORD_MAX * 2);
	(void)buf_add_char(&event, '{');
	while (next_member(&cells, NULL, &cell) && n < json_array_size(columns)) {
		json_t *name = json_object_get(json_array_get(columns, n), "name");
		char *quoted = json_is_string(name) ? json_dumps(name, JSON_ENCODE_ANY) : NULL;

		if (quoted) {
			(void)buf_add_str(&event, event.len > 1 ? "," : "");
			(void)buf_add_str(&event, quoted);
			(void)buf_add_char(&event, ':');
			(void)buf_add(&event, cell);
		}
		free(quoted);
		n++;
	}
	(void)buf_add_char(&event, '}');
	if (cells.broken || n != json_array_size(columns) || event.full)
		undecodable(decode, row, TEXT("a row that does not fit the manifest's columns"));
	else
		decode_instead(decode, row, buf_text(&event), nest + 1);
	buf_done(&event);
}

static void decode_statement(
	struct decode *decode, struct text span, struct text manifest, struct text rows, int nest)
{
	struct members members = members_of(rows);
	json_t *columns = columns_of(manifest);
	struct text row;

	if (!columns) {
		undecodable(decode, span,
			TEXT("a statement's result without the manifest that names its columns"));
		return;
	}
	while (next_member(&members, NULL, &row)) {
		set_place(decode, row);
		decode_row(decode, columns, row, nest);
	}
	if (members.broken)
		undecodable(decode, rows, TEXT("a list of rows that does not end as one"));
	json_decref(columns);
}

/* A page of the REST API without events has nothing but its tokens, or nothing at all. */
static bool is_empty_page(struct text object)
{
	struct members members = members_of(object);
	struct text key;
	struct text value;

	while (next_member(&members, &key, &value)) {
		if (!text_is(key, "\"next_page_token\"") && !text_is(key, "\"prev_page_token\"") &&
			!text_is(key, "\"events\"") && !text_is(key, "\"events_json\""))
			return false;
	}
	return !members.broken;
}

static void decode_object(struct decode *decode, struct text span, int nest)
{
	static const struct text lists[] = {
		{ "\"events\"", sizeof "\"events\"" - 1 },
		{ "\"events_json\"", sizeof "\"events_json\"" - 1 },
	};
	struct text result = member(span, TEXT("\"result\""));
	struct text manifest = member(span, TEXT("\"manifest\""));
	struct text rows = begins(result, '{') ? member(result, TEXT("\"data_array\"")) : TEXT_NONE;
	bool is_page = false;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		struct text list = member(span, lists[i]);

		if (!begins(list, '[') && !begins(list, '"'))
			continue;
		set_place(decode, list);
		decode_value(decode, list, nest + 1);
		is_page = true;
	}
	if (is_page)
		return;
	set_place(decode, span);
	if (begins(rows, '['))
		decode_statement(decode, span, manifest, rows, nest);
	else if (!begins(manifest, '{') && !is_empty_page(span))
		decode_event(decode, span);
}

static void decode_value(struct decode *decode, struct text span, int nest)
{
	if (nest > NEST_MAX) {
		undecodable(decode, span, TEXT("lists of events nested too deep"));
		return;
	}
	switch (span.len > 0 ? span.bytes[0] : '\0') {
	case '{':
		if (eventlog_scan_event(decode->batch, span, decode->padded && decode->base,
		    &decode->place, decode->options))
			decode->events++;
		else
			decode_object(decode, span, nest);
		break;
	case '[':
		decode_list(decode, span, nest);
		break;
	case '"':
		decode_string(decode, span, nest);
		break;
	default:
		undecodable(decode, span, TEXT("not a JSON object"));
	}
}

size_t eventlog_decode(struct fact_batch *batch, struct text record, bool padded,
	const struct eventlog_place *place, const struct eventlog_options *options)
{
	struct decode decode = {
		.batch = batch, .options = options, .place = *place, .padded = padded };
	struct text span = record;

	if (text_starts(span, TEXT("\xef\xbb\xbf")))
		span = text_sub(span, 3, span.len);
	span = text_trim(span);
	if (span.len == 0)
		return 0;
	decode.base = record.bytes;
	decode.base_offset = place->offset;
	set_place(&decode, span);
	if (span.len > EVENTLOG_RECORD_MAX)
		undecodable(&decode, span, TEXT("record larger than 64 MiB"));
	else
		decode_value(&decode, span, 0);
	return decode.events;
}
