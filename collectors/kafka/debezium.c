/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/kafka/debezium.h"

#include <string.h>

#include "store/fact.h"

/*
 * A walk over JSON that stops at nothing it does not need: members that are not asked for are passed
 * over by their brackets and quotes. Broken JSON ends the walk; it can never leave the text.
 */
struct walk {
	const char *at, *end;
};

static void skip_space(struct walk *walk)
{
	while (walk->at < walk->end &&
		(*walk->at == ' ' || *walk->at == '\n' || *walk->at == '\t' || *walk->at == '\r'))
		walk->at++;
}

/* At the opening quote; the contents, still escaped. False when the text ends in it. */
static bool take_string(struct walk *walk, struct text *out)
{
	const char *from = ++walk->at;

	for (;;) {
		const char *quote = memchr(walk->at, '"', (size_t)(walk->end - walk->at));
		const char *back = quote;

		if (!quote) {
			walk->at = walk->end;
			return false;
		}
		while (back > from && back[-1] == '\\')
			back--;
		walk->at = quote + 1;
		if ((quote - back) % 2 == 0) {
			*out = (struct text){ from, (size_t)(quote - from) };
			return true;
		}
	}
}

static bool skip_nested(struct walk *walk)
{
	size_t depth = 0;
	struct text ignored;

	while (walk->at < walk->end) {
		switch (*walk->at) {
		case '"':
			if (!take_string(walk, &ignored))
				return false;
			continue;
		case '{':
		case '[':
			depth++;
			break;
		case '}':
		case ']':
			if (--depth == 0) {
				walk->at++;
				return true;
			}
			break;
		default:
			break;
		}
		walk->at++;
	}
	return false;
}

/* Passes over a value; *out is what it was, with its quotes or brackets. */
static bool take_value(struct walk *walk, struct text *out)
{
	const char *from;
	struct text ignored;

	skip_space(walk);
	from = walk->at;
	if (from >= walk->end)
		return false;
	if (*from == '"') {
		if (!take_string(walk, &ignored))
			return false;
	} else if (*from == '{' || *from == '[') {
		if (!skip_nested(walk))
			return false;
	} else {
		while (walk->at < walk->end && !strchr(",}] \n\t\r", *walk->at))
			walk->at++;
		if (walk->at == from)
			return false;
	}
	*out = (struct text){ from, (size_t)(walk->at - from) };
	return true;
}

/* Steps into an object; false when it is none. */
static bool enter(struct walk *walk)
{
	skip_space(walk);
	if (walk->at >= walk->end || *walk->at != '{')
		return false;
	walk->at++;
	return true;
}

/* The next member; false at the object's end, or where it breaks. */
static bool next_member(struct walk *walk, struct text *key, struct text *value)
{
	skip_space(walk);
	if (walk->at < walk->end && *walk->at == ',') {
		walk->at++;
		skip_space(walk);
	}
	if (walk->at >= walk->end || *walk->at != '"' || !take_string(walk, key))
		return false;
	skip_space(walk);
	if (walk->at >= walk->end || *walk->at != ':')
		return false;
	walk->at++;
	return take_value(walk, value);
}

static int hex(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	digit = (char)(digit | 0x20);
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* Names rarely hold an escape; a \u below 128 is itself, others become ?. */
static void add_unescaped(struct buf *out, struct text raw)
{
	for (size_t i = 0; i < raw.len; i++) {
		if (raw.bytes[i] != '\\' || i + 1 == raw.len) {
			(void)buf_add_char(out, raw.bytes[i]); /* cut is fine */
			continue;
		}
		i++;
		if (raw.bytes[i] == 'u' && i + 4 < raw.len) {
			int high = hex(raw.bytes[i + 3]);
			int low = hex(raw.bytes[i + 4]);
			bool plain = raw.bytes[i + 1] == '0' && raw.bytes[i + 2] == '0' && high >= 0 &&
				high < 8 && low >= 0 && (high > 0 || low > 0);

			(void)buf_add_char(out, plain ? (char)(high * 16 + low) : '?');
			i += 4;
		} else {
			(void)buf_add_char(out, raw.bytes[i]);
		}
	}
}

static bool is_string(struct text value)
{
	return value.len >= 2 && value.bytes[0] == '"';
}

static struct text inner(struct text value)
{
	return text_sub(value, 1, value.len - 2);
}

static void add_part(struct buf *table, struct text value)
{
	if (!is_string(value) || value.len == 2)
		return;
	if (table->len > 0)
		(void)buf_add_char(table, '.');
	add_unescaped(table, inner(value));
}

static void read_source(struct text source, struct debezium *out, struct buf *table)
{
	struct walk walk = { source.bytes, source.bytes + source.len };
	struct text db = TEXT_NONE;
	struct text schema = TEXT_NONE;
	struct text name = TEXT_NONE;
	struct text key;
	struct text value;

	if (!enter(&walk))
		return;
	while (next_member(&walk, &key, &value)) {
		if (text_is(key, "db"))
			db = value;
		else if (text_is(key, "schema"))
			schema = value;
		else if (text_is(key, "table") || text_is(key, "collection"))
			name = value;
		else if (text_is(key, "ts_ms")) {
			int64_t ms;

			if (text_to_i64(value, &ms) && ms > 0) /* 0: the source did not know */
				out->source_ts_ms = ms;
		} else if (text_is(key, "snapshot"))
			/* "true", "first", "last", "incremental" ...; absent, "false" or false: a change */
			out->snapshot = !text_is(value, "\"false\"") && !text_is(value, "false") &&
				!text_is(value, "null");
	}
	if (!is_string(name) || inner(name).len == 0)
		return;
	buf_reset(table); /* of two of the name source the later counts */
	add_part(table, db);
	add_part(table, schema);
	add_part(table, name);
	out->kind = DEBEZIUM_CHANGE;
}

/* One level: an envelope, or what has one as its payload. */
static void read_object(struct text object, struct debezium *out, struct buf *table, struct text *payload)
{
	struct walk walk = { object.bytes, object.bytes + object.len };
	struct text key;
	struct text value;

	*payload = TEXT_NONE;
	if (!enter(&walk))
		return;
	while (next_member(&walk, &key, &value)) {
		if (text_is(key, "source"))
			read_source(value, out, table);
		else if (text_is(key, "op") && is_string(value) && value.len == 3)
			out->op = value.bytes[1];
		else if (text_is(key, "payload"))
			*payload = value;
	}
}

void debezium_read(struct text value, struct debezium *out, struct buf *table)
{
	struct text payload;
	struct text deeper;

	*out = (struct debezium){ .source_ts_ms = FACT_UNKNOWN };
	buf_reset(table);
	if (!value.bytes || value.len == 0) {
		out->kind = DEBEZIUM_TOMBSTONE;
		return;
	}
	/* JSON behind a schema registry's head: a zero and the schema's number. */
	if (value.bytes[0] == '\0' && value.len > 6)
		value = text_sub(value, 5, value.len);
	read_object(value, out, table, &payload);
	if (out->kind == DEBEZIUM_UNKNOWN && payload.bytes)
		read_object(payload, out, table, &deeper);
	if (out->kind == DEBEZIUM_UNKNOWN) {
		*out = (struct debezium){ .source_ts_ms = FACT_UNKNOWN };
		buf_reset(table);
	}
}

struct text debezium_key_source(struct text key)
{
	struct text rest = key;

	if (!key.bytes)
		return TEXT_NONE;
	if (key.len > 6 && key.bytes[0] == '\0')
		rest = text_sub(key, 5, key.len);
	for (int level = 0; level < 2 && rest.bytes; level++) {
		struct walk walk = { rest.bytes, rest.bytes + rest.len };
		struct text name;
		struct text value;

		rest = TEXT_NONE;
		if (!enter(&walk))
			return TEXT_NONE;
		while (next_member(&walk, &name, &value)) {
			if (text_is(name, "__dbz__sourceIdentifier") && is_string(value))
				return inner(value);
			if (text_is(name, "payload"))
				rest = value;
		}
	}
	return TEXT_NONE;
}
