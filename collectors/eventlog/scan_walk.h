/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_EVENTLOG_SCAN_WALK_H
#define COLLECTORS_EVENTLOG_SCAN_WALK_H

#include "collectors/eventlog/lex.h"
#include "collectors/eventlog/pick.h"
#include "collectors/eventlog/scan.h"

/*
 * The projection scanner's code, compiled once for each set of instructions (scan.c, scan_avx2.c):
 * walks an event once, checks all of it, keeps what the tables of pick.c ask for and builds nothing
 * else. Whatever is not the usual shape makes it stand back (NULL, in the end false), and the
 * general reader decides; so it needs none of the leniency.
 */
enum { UNFOLD_MAX = 2, NEAR = 5 /* rows tried before the key is read */ };

struct scan {
	const char *end; /* behind the document's last byte, a '}' */
	struct pick *pick;
	int unfolded;        /* JSON in strings in strings */
	bool has_details;    /* details is an object with something in it */
	struct text payload; /* key of details that is an event type: pick->payload */
	char *room, *room_end;
	struct arena *spill; /* when room is too small */
	struct pick_rule *rules;
	struct pick_input *inputs;
};

/*
 * The next quote, backslash or control character; end or beyond it when there is none. With AVX2
 * lines are padded, so that a block may reach beyond the end.
 */
static inline const char *special(const char *p, const char *end)
{
#ifdef __AVX2__
	for (;; p += PICK_KEY_MAX) {
		unsigned bits = lex_special_bits_32(_mm256_loadu_si256((const __m256i *)p));

		if (bits)
			return p + __builtin_ctz(bits);
		if (end - p <= PICK_KEY_MAX)
			return end;
	}
#else
	return lex_special(p, end);
#endif
}

static const char *skip_value(const struct scan *scan, const char *p, int depth);
static const char *walk_object(
	struct scan *scan, const char *p, const struct pick_shape *shape, void *base, int depth);

/* A key without escapes, from its opening quote to its value. */
static inline const char *read_key(const struct scan *scan, const char *p, struct text *key_out)
{
	const char *close;

	if (*p != '"')
		return NULL;
	p++;
	close = special(p, scan->end);
	if (close >= scan->end || *close != '"')
		return NULL;
	*key_out = (struct text){ p, (size_t)(close - p) };
	p = lex_blank(close + 1);
	if (*p != ':')
		return NULL;
	return lex_blank(p + 1);
}

/* Behind a member: to the next one, or to the closing bracket. */
static inline const char *next(const char *end, const char *p, char close)
{
	if (__builtin_expect(!p, 0))
		return NULL;
	if (__builtin_expect(p == end, 0))
		return NULL;
	if (*p == ',' && p[1] == '"') /* as nearly always */
		return p + 1;
	p = lex_blank(p);
	if (*p == close)
		return p;
	if (*p != ',')
		return NULL;
	p = lex_blank(p + 1);
	return *p == close ? NULL : p;
}

/* Any value; what most values are is dealt with on the spot. */
static inline const char *skip(const struct scan *scan, const char *p, int depth)
{
	if (*p == '"') {
		const char *close = special(p + 1, scan->end);

		if (close < scan->end && *close == '"')
			return close + 1;
	}
	return skip_value(scan, p, depth);
}

static const char *skip_object(const struct scan *scan, const char *p, int depth)
{
	struct text key;

	if (depth > EVENTLOG_DEPTH_MAX)
		return NULL;
	p = lex_blank(p + 1);
	while (*p != '}') {
		p = read_key(scan, p, &key);
		if (!p)
			return NULL;
		p = next(scan->end, skip(scan, p, depth), '}');
		if (!p)
			return NULL;
	}
	return p + 1;
}

static const char *skip_list(const struct scan *scan, const char *p, int depth)
{
	if (depth > EVENTLOG_DEPTH_MAX)
		return NULL;
	p = lex_blank(p + 1);
	while (*p != ']') {
		p = next(scan->end, skip(scan, p, depth), ']');
		if (!p)
			return NULL;
	}
	return p + 1;
}

static const char *skip_value(const struct scan *scan, const char *p, int depth)
{
	switch (*p) {
	case '"':
		return lex_skip_string(p + 1, scan->end);
	case '{':
		return skip_object(scan, p, depth + 1);
	case '[':
		return skip_list(scan, p, depth + 1);
	case 't':
	case 'f':
	case 'n':
		return lex_skip_word(p, scan->end);
	default:
		return lex_skip_number(p);
	}
}

/* A string with escapes, from behind its opening quote. */
static const char *read_escaped(struct scan *scan, const char *p, struct text *text_out)
{
	size_t most = (size_t)(scan->end - p);
	char *to = scan->room;
	size_t len;

	if (most + LEX_BLOCK > (size_t)(scan->room_end - scan->room)) {
		const char *close = lex_skip_string(p, scan->end);

		if (!close)
			return NULL;
		most = (size_t)(close - p);
		to = arena_alloc(scan->spill, most + EVENTLOG_PAD);
	}
	p = lex_unescape(p, scan->end, to, &len);
	if (!p)
		return NULL;
	if (to == scan->room)
		scan->room += len;
	*text_out = (struct text){ to, len };
	return p;
}

static inline const char *read_string(struct scan *scan, const char *p, struct text *text_out)
{
	const char *close = special(p + 1, scan->end);

	if (close >= scan->end)
		return NULL;
	if (*close != '"')
		return read_escaped(scan, p + 1, text_out);
	*text_out = (struct text){ p + 1, (size_t)(close - p - 1) };
	return close + 1;
}

static inline const char *read_null(const struct scan *scan, const char *p)
{
	return lex_word(p, scan->end, "null", 4);
}

static const char *read_quoted_number(struct scan *scan, const char *p, int64_t *value_out)
{
	struct text text;

	p = read_string(scan, p, &text);
	if (!p || text.len > LEX_DIGITS_MAX || !text_to_i64(text, value_out))
		return NULL;
	return p;
}

static inline const char *read_number(
	struct scan *scan, const char *p, int64_t *value_out, bool count)
{
	int64_t value;

	if (*p == 'n')
		return read_null(scan, p);
	p = *p == '"' ? read_quoted_number(scan, p, &value) : lex_integer_within(p, scan->end, &value);
	if (!p)
		return NULL;
	*value_out = count && value < 0 ? FACT_UNKNOWN : value;
	return p;
}

static const char *read_flag(struct scan *scan, const char *p, int8_t *flag_out)
{
	struct text text;

	if (*p == '"') {
		p = read_string(scan, p, &text);
		if (!p)
			return NULL;
		if (text_is(text, "true"))
			*flag_out = 1;
		else if (text_is(text, "false"))
			*flag_out = 0;
		else
			return NULL;
		return p;
	}
	if (*p == 't' || *p == 'f')
		*flag_out = *p == 't';
	return lex_skip_word(p, scan->end);
}

/* Whether what stands at p is this row's key, quotes, colon and all. */
static inline bool is_row(const char *end, const char *p, const struct pick_field *field)
{
#ifdef __AVX2__
	/* padded; and no key has the '}' in it that the document ends with */
	__m256i same = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)field->key),
		_mm256_loadu_si256((const __m256i *)p));

	(void)end;
	return (~(unsigned)_mm256_movemask_epi8(same) & field->mask) == 0;
#else
#ifdef __SSE2__
	if (end - p >= PICK_KEY_MAX) {
		const __m128i *a = (const __m128i *)field->key;
		const __m128i *b = (const __m128i *)p;
		__m128i head = _mm_cmpeq_epi8(_mm_loadu_si128(a), _mm_loadu_si128(b));
		__m128i tail = _mm_cmpeq_epi8(_mm_loadu_si128(a + 1), _mm_loadu_si128(b + 1));
		unsigned same =
			(unsigned)_mm_movemask_epi8(head) | (unsigned)_mm_movemask_epi8(tail) << 16;

		return (~same & field->mask) == 0;
	}
#endif
	return field->len > 0 && (size_t)(end - p) > field->len + 3u &&
		memcmp(p, field->key, field->len + 3u) == 0;
#endif
}

/* The key's row, or n; the search begins where it is likely and goes round. */
static uint32_t find_row(const struct pick_shape *shape, uint32_t likely, struct text key)
{
	uint32_t row = likely;

	for (uint32_t n = shape->n; n > 0; n--, row++) {
		const struct pick_field *field;

		if (row >= shape->n)
			row = 0;
		field = &shape->fields[row];
		if (field->len == key.len && memcmp(pick_name(field), key.bytes, key.len) == 0)
			return row;
	}
	return shape->n;
}

/*
 * From a key to its value. *row_out is the key's row, or n when the shape does not have it.
 * `likely` is the row to expect, maybe the one behind the last: writers keep an order, and so do
 * the tables, but not every key is there.
 */
static const char *read_row(const struct scan *scan, const char *p, const struct pick_shape *shape,
	uint32_t likely, uint32_t *row_out)
{
	const uint32_t most = likely + NEAR < shape->n ? likely + NEAR : shape->n;
	struct text key;

	for (uint32_t row = likely; row < most; row++) {
		if (is_row(scan->end, p, &shape->fields[row])) {
			*row_out = row;
			return lex_blank(p + shape->fields[row].len + 3);
		}
	}
	p = read_key(scan, p, &key);
	if (!p)
		return NULL;
	*row_out = find_row(shape, most, key);
	return p;
}

/* details: one key is the event's type, its value what happened. */
static const char *walk_details(struct scan *scan, const char *p, int depth)
{
	p = lex_blank(p + 1);
	while (*p != '}') {
		const struct pick_field *field;
		uint32_t row;

		p = read_row(scan, p, &pick_details, 0, &row);
		if (!p)
			return NULL;
		scan->has_details = true;
		field = row < pick_details.n ? &pick_details.fields[row] : NULL;
		if (!field) {
			p = skip(scan, p, depth);
		} else if (scan->payload.bytes || (*p != '{' && *p != 'n')) {
			return NULL;
		} else {
			scan->payload = (struct text){ pick_name(field), field->len };
			scan->pick->payload = (enum event_type)field->at;
			p = *p == '{' ? walk_object(scan, p, field->child, scan->pick, depth + 1)
				      : read_null(scan, p);
		}
		p = next(scan->end, p, '}');
		if (!p)
			return NULL;
	}
	return p + 1;
}

static const char *walk_inner(
	struct scan *scan, const char *p, const struct pick_field *field, void *base, int depth)
{
	if (field->kind == PICK_DETAILS)
		return walk_details(scan, p, depth);
	if (field->kind == PICK_QUALITY)
		scan->pick->has_quality = true;
	return walk_object(scan, p, field->child, base, depth);
}

/* An object, or a string that holds one. */
static const char *read_object(
	struct scan *scan, const char *p, const struct pick_field *field, void *base, int depth)
{
	const char *end = scan->end;
	const char *inner;
	struct text text;

	if (*p == '{')
		return walk_inner(scan, p, field, base, depth + 1);
	if (*p == 'n')
		return read_null(scan, p);
	if (*p != '"')
		return NULL;
	p = read_string(scan, p, &text);
	if (!p || text.len == 0)
		return p;
	if (text.bytes[0] != '{' || text.bytes[text.len - 1] != '}' || scan->unfolded == UNFOLD_MAX)
		return NULL;
	scan->unfolded++;
	scan->end = text.bytes + text.len;
	inner = walk_inner(scan, text.bytes, field, base, 1);
	if (inner != scan->end)
		p = NULL;
	scan->end = end;
	scan->unfolded--;
	return p;
}

static const char *read_exceptions(
	struct scan *scan, const char *p, const struct pick_shape *shape, int depth)
{
	bool first = true;

	if (*p != '[')
		return read_null(scan, p);
	p = lex_blank(p + 1);
	while (*p != ']') {
		if (first && *p != '{')
			return NULL;
		p = first ? walk_object(scan, p, shape, scan->pick, depth + 2)
			  : skip_value(scan, p, depth + 1);
		p = next(scan->end, p, ']');
		if (!p)
			return NULL;
		first = false;
	}
	return p + 1;
}

static const char *read_rules(struct scan *scan, const char *p, int depth)
{
	struct pick *pick = scan->pick;

	if (*p != '[')
		return read_null(scan, p);
	pick->rules = scan->rules;
	p = lex_blank(p + 1);
	while (*p != ']') {
		struct pick_rule *rule = &pick->rules[pick->nrules];

		if (*p != '{' || pick->nrules == SCAN_RULES_MAX)
			return NULL;
		pick_rule_init(rule);
		p = walk_object(scan, p, &pick_rule_shape, rule, depth + 2);
		p = next(scan->end, p, ']');
		if (!p)
			return NULL;
		pick->nrules++;
	}
	return p + 1;
}

static const char *read_inputs(struct scan *scan, const char *p, int depth)
{
	struct pick *pick = scan->pick;

	if (*p != '[')
		return read_null(scan, p);
	pick->inputs = scan->inputs;
	p = lex_blank(p + 1);
	while (*p != ']') {
		struct pick_input *input = &pick->inputs[pick->ninputs];

		if (pick->ninputs == SCAN_INPUTS_MAX)
			return NULL;
		*input = (struct pick_input){ .name = TEXT_NONE };
		if (*p == '"')
			p = read_string(scan, p, &input->name);
		else if (*p == '{')
			p = walk_object(scan, p, &pick_input_shape, input, depth + 2);
		else
			return NULL;
		p = next(scan->end, p, ']');
		if (!p)
			return NULL;
		pick->ninputs++;
	}
	return p + 1;
}

static const char *read_field(
	struct scan *scan, const char *p, const struct pick_field *field, void *base, int depth)
{
	void *member = (char *)base + field->at;

	switch ((enum pick_kind)field->kind) {
	case PICK_TEXT:
	case PICK_JSON: /* the value itself is for the general reader */
		return *p == '"' ? read_string(scan, p, member) : read_null(scan, p);
	case PICK_NUMBER:
	case PICK_COUNT:
		return read_number(scan, p, member, field->kind == PICK_COUNT);
	case PICK_FLAG:
		return read_flag(scan, p, member);
	case PICK_OBJECT:
	case PICK_QUALITY:
	case PICK_DETAILS:
	case PICK_ERROR:
		return read_object(scan, p, field, base, depth);
	case PICK_EXCEPTIONS:
		return read_exceptions(scan, p, field->child, depth);
	case PICK_RULES:
		return read_rules(scan, p, depth);
	case PICK_INPUTS:
		return read_inputs(scan, p, depth);
	case PICK_SKIP:
	case PICK_CONTAINER:
		break;
	}
	return NULL;
}

static const char *walk_object(
	struct scan *scan, const char *p, const struct pick_shape *shape, void *base, int depth)
{
	const char *const end = scan->end;
	const struct pick_field *field = shape->fields;
	uint32_t row = 0;  /* the one to expect */
	uint32_t high = 0; /* rows from here on were not met yet */
	uint64_t passed = 0; /* rows before that were not met either */

	if (depth > EVENTLOG_DEPTH_MAX)
		return NULL;
	p = lex_blank(p + 1);
	while (*p != '}') {
		if (is_row(end, p, field)) {
			p = lex_blank(p + field->len + 3);
		} else {
			uint32_t found;

			p = read_row(scan, p, shape, row, &found);
			if (!p)
				return NULL;
			if (found == shape->n) {
				p = next(end, skip(scan, p, depth), '}');
				if (!p)
					return NULL;
				continue;
			}
			row = found;
			field = shape->fields + row;
		}
		if (row != high) { /* not in the tables' order */
			if (row > high) {
				passed |= ((uint64_t)1 << row) - ((uint64_t)1 << high);
			} else {
				if (!(passed >> row & 1) && field->kind != PICK_SKIP)
					return NULL; /* twice; the last one counts: not our business */
				passed &= ~((uint64_t)1 << row);
			}
		}
		if (row >= high)
			high = row + 1;
		if (field->kind == PICK_SKIP) {
			p = skip(scan, p, depth);
		} else {
			if (field->kind == PICK_TEXT && *p == '"')
				p = read_string(scan, p, (void *)((char *)base + field->at));
			else
				p = read_field(scan, p, field, base, depth);
		}
		row++;
		field++;
		p = next(end, p, '}');
		if (!p)
			return NULL;
	}
	return p + 1;
}

/* Whether details held what the event's type promises, under its name. */
static bool payload_fits(const struct scan *scan)
{
	struct text type = scan->pick->type;

	if (type.len == 0)
		return false;
	if (scan->payload.bytes)
		return text_eq(scan->payload, type);
	return !scan->has_details || event_type_of(type) == EVENT_OTHER;
}

static bool scan_line(struct text line, struct pick *pick, struct scan_memory *memory)
{
	struct scan scan = {
		.end = line.bytes + line.len,
		.pick = pick,
		.room = memory->room,
		.room_end = memory->room + SCAN_ROOM,
		.spill = &memory->spill,
		.rules = memory->rules,
		.inputs = memory->inputs,
	};

	if (line.len < 2 || line.bytes[0] != '{' || line.bytes[line.len - 1] != '}' ||
		!lex_is_utf8(line.bytes, scan.end))
		return false;
	pick_init(pick);
	return walk_object(&scan, line.bytes, &pick_event, pick, 1) == scan.end &&
	       payload_fits(&scan);
}

#endif
