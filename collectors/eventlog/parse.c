/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "collectors/eventlog/json.h"
#include "collectors/eventlog/pick.h"

/*
 * The general reader: jansson, and every leniency there is. It decides what an event says; the
 * scanner must agree with it or stand back.
 */
struct parse {
	struct arena arena; /* texts made of numbers, and the lists */
	json_t **documents; /* JSON that stood in strings */
	size_t ndocuments, room;
};

/* A string is unfolded this often before it counts as mere text. */
enum { UNFOLD_MAX = 2 };

static json_t *unfold(struct parse *parse, json_t *value, char open)
{
	for (int i = 0; i < UNFOLD_MAX && json_is_string(value); i++) {
		struct text text = text_trim(
			(struct text){ json_string_value(value), json_string_length(value) });
		json_t *document;

		if (text.len == 0 || (text.bytes[0] != open && text.bytes[0] != '"'))
			return NULL;
		document = eventlog_json_load(text, NULL);
		if (!document)
			return NULL;
		if (parse->ndocuments == parse->room) {
			parse->room = parse->room ? parse->room * 2 : 8;
			parse->documents =
				mem_resize(parse->documents, parse->room, sizeof *parse->documents);
		}
		parse->documents[parse->ndocuments++] = document;
		value = document;
	}
	if (open == '{' ? json_is_object(value) : json_is_array(value))
		return value;
	return NULL;
}

static struct text text_value(struct parse *parse, const json_t *value)
{
	if (json_is_string(value))
		return (struct text){ json_string_value(value), json_string_length(value) };
	if (json_is_integer(value))
		return text_of(
			arena_printf(&parse->arena, "%lld", (long long)json_integer_value(value)));
	return TEXT_NONE;
}

/* Exports make "1000", 1000.0 and "4096.0" of whole numbers; what is not one is cut to it. */
static int64_t number_value(const json_t *value)
{
	double real;
	int64_t number;

	if (json_is_integer(value))
		return json_integer_value(value);
	if (json_is_string(value)) {
		struct text text = { json_string_value(value), json_string_length(value) };
		char *end;

		if (text_to_i64(text, &number))
			return number;
		/* Decimal only: strtod also takes hexadecimal, infinity and blanks. */
		if (text.len == 0 || text.len > 40 ||
			strspn(text.bytes, "0123456789+-.eE") != text.len)
			return FACT_UNKNOWN;
		real = strtod(text.bytes, &end);
		if (end != text.bytes + text.len)
			return FACT_UNKNOWN;
	} else if (json_is_real(value)) {
		real = json_real_value(value);
	} else {
		return FACT_UNKNOWN;
	}
	if (!(fabs(real) < 9.2e18))
		return FACT_UNKNOWN;
	return (int64_t)real;
}

/* JSON as text, whether it stands there as a string or as itself. */
static struct text json_value(struct parse *parse, const json_t *value)
{
	struct text text = TEXT_NONE;
	char *dump;

	if (!json_is_object(value))
		return json_is_string(value) ? text_value(parse, value) : TEXT_NONE;
	dump = json_dumps(value, JSON_COMPACT);
	if (dump)
		text = arena_text(&parse->arena, text_of(dump));
	free(dump);
	return text;
}

static int8_t flag_value(const json_t *value)
{
	if (json_is_boolean(value))
		return json_is_true(value);
	if (json_is_integer(value))
		return json_integer_value(value) != 0;
	if (!json_is_string(value))
		return -1;
	if (strcasecmp(json_string_value(value), "true") == 0)
		return 1;
	if (strcasecmp(json_string_value(value), "false") == 0)
		return 0;
	return -1;
}

static void pick_object(struct parse *parse, json_t *object, const struct pick_shape *shape,
	void *base, struct pick *pick);

static void pick_rules(struct parse *parse, json_t *list, struct pick *pick)
{
	size_t n = json_array_size(list);

	if (n > PICK_LIST_MAX)
		n = PICK_LIST_MAX;
	pick->rules = ARENA_ARRAY(&parse->arena, struct pick_rule, n);
	for (size_t i = 0; i < n; i++) {
		json_t *element = json_array_get(list, i);
		struct pick_rule *rule = &pick->rules[pick->nrules];

		if (!json_is_object(element))
			continue;
		pick_rule_init(rule);
		pick_object(parse, element, &pick_rule_shape, rule, pick);
		pick->nrules++;
	}
}

static void pick_inputs(struct parse *parse, json_t *list, struct pick *pick)
{
	size_t n = json_array_size(list);

	if (n > PICK_LIST_MAX)
		n = PICK_LIST_MAX;
	pick->inputs = ARENA_ARRAY(&parse->arena, struct pick_input, n);
	for (size_t i = 0; i < n; i++) {
		json_t *element = json_array_get(list, i);
		struct pick_input *input = &pick->inputs[pick->ninputs];

		if (json_is_string(element))
			input->name = text_value(parse, element);
		else if (json_is_object(element))
			pick_object(parse, element, &pick_input_shape, input, pick);
		else
			continue;
		pick->ninputs++;
	}
}

static void pick_exceptions(struct parse *parse, json_t *value, struct pick *pick)
{
	json_t *list = unfold(parse, value, '[');
	json_t *head = json_array_get(list, 0);

	if (json_is_object(head))
		pick_object(parse, head, &pick_exception, pick, pick);
	else if (json_is_string(head))
		pick->error_message = text_value(parse, head);
	else if (!list && json_is_string(value))
		pick->error_message = text_value(parse, value);
}

/*
 * details: {"flow_progress": {...}}, or just what belongs inside. Without an event_type the first
 * known key says what it is.
 */
static void pick_payload(struct parse *parse, json_t *value, struct pick *pick)
{
	json_t *details = unfold(parse, value, '{');
	enum event_type type = event_type_of(pick->type);

	if (pick->type.len == 0) {
		const char *key;
		json_t *ignored;

		json_object_foreach(details, key, ignored)
		{
			type = event_type_of(text_of(key));
			if (type != EVENT_OTHER)
				break;
		}
	}
	for (size_t i = 0; i < pick_details.n; i++) {
		const struct pick_field *field = &pick_details.fields[i];
		json_t *inner;

		if (field->at != type)
			continue;
		inner = json_object_getn(details, pick_name(field), field->len);
		inner = inner ? unfold(parse, inner, '{') : details;
		pick->payload = type;
		if (inner)
			pick_object(parse, inner, field->child, pick, pick);
		return;
	}
}

static void pick_value(struct parse *parse, json_t *value, const struct pick_field *field,
	void *base, struct pick *pick)
{
	void *member = (char *)base + field->at;
	json_t *inner;

	switch ((enum pick_kind)field->kind) {
	case PICK_TEXT:
		*(struct text *)member = text_value(parse, value);
		break;
	case PICK_JSON:
		*(struct text *)member = json_value(parse, value);
		break;
	case PICK_NUMBER:
		*(int64_t *)member = number_value(value);
		break;
	case PICK_COUNT:
		*(int64_t *)member = number_value(value);
		if (*(int64_t *)member < 0)
			*(int64_t *)member = FACT_UNKNOWN;
		break;
	case PICK_FLAG:
		*(int8_t *)member = flag_value(value);
		break;
	case PICK_OBJECT:
	case PICK_QUALITY:
	case PICK_ERROR:
		inner = unfold(parse, value, '{');
		if (field->kind == PICK_QUALITY)
			pick->has_quality = inner != NULL;
		if (inner)
			pick_object(parse, inner, field->child, base, pick);
		else if (field->kind == PICK_ERROR)
			pick_exceptions(parse, value, pick);
		break;
	case PICK_DETAILS:
		break; /* only when event_type is known */
	case PICK_EXCEPTIONS:
		pick_exceptions(parse, value, pick);
		break;
	case PICK_RULES:
		pick_rules(parse, unfold(parse, value, '['), pick);
		break;
	case PICK_INPUTS:
		pick_inputs(parse, unfold(parse, value, '['), pick);
		break;
	case PICK_SKIP:
	case PICK_CONTAINER:
		break;
	}
}

static void pick_object(struct parse *parse, json_t *object, const struct pick_shape *shape,
	void *base, struct pick *pick)
{
	for (size_t i = 0; i < shape->n; i++) {
		const struct pick_field *field = &shape->fields[i];
		json_t *value = NULL;

		if (field->kind != PICK_SKIP)
			value = json_object_getn(object, pick_name(field), field->len);
		if (value && !json_is_null(value))
			pick_value(parse, value, field, base, pick);
	}
}

bool eventlog_parse_event(struct fact_batch *batch, struct text line,
	const struct eventlog_place *place, const struct eventlog_options *options,
	struct text *reason_out)
{
	struct parse parse = { 0 };
	struct pick pick;
	json_t *event;
	bool done = false;

	line = text_trim(line);
	event = eventlog_json_load(line, reason_out);
	if (!event)
		return false;
	pick_init(&pick);
	if (json_is_object(event)) {
		pick_object(&parse, event, &pick_event, &pick, &pick);
		pick_payload(&parse, json_object_get(event, "details"), &pick);
		done = pick_to_event(batch, &pick, line, place, options, reason_out);
	} else {
		*reason_out = TEXT("not a JSON object");
	}
	for (size_t i = 0; i < parse.ndocuments; i++)
		json_decref(parse.documents[i]);
	free(parse.documents);
	arena_free(&parse.arena);
	json_decref(event);
	return done;
}
