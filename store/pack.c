/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pack.h"

#include <stddef.h>
#include <string.h>

#include "base/mem.h"

/*
 * x = id, mask, then a varint for every number that is there, in the order of this table, then what
 * the bits behind them stand for. The commonest are first, so that the mask stays short. The order
 * is the format on disk: append only.
 */
#define FIELDS(ID, NUMBER)                                                                         \
	ID(source)                                                                                 \
	NUMBER(sequence)                                                                           \
	NUMBER(length)                                                                             \
	ID(pipeline_name)                                                                          \
	ID(maturity)                                                                               \
	NUMBER(batch_id)                                                                           \
	NUMBER(output_rows)                                                                        \
	NUMBER(backlog_bytes)                                                                      \
	NUMBER(backlog_records)                                                                    \
	NUMBER(backlog_files)                                                                      \
	NUMBER(backlog_seconds)                                                                    \
	NUMBER(output_bytes)                                                                       \
	NUMBER(dropped_records)                                                                    \
	NUMBER(upserted_rows)                                                                      \
	NUMBER(deleted_rows)                                                                       \
	ID(flow_attempt)                                                                           \
	ID(cause)                                                                                  \
	ID(run_as)                                                                                 \
	ID(user)                                                                                   \
	NUMBER(failed_attempts)                                                                    \
	ID(output)                                                                                 \
	ID(flow_type)                                                                              \
	ID(error_class)                                                                            \
	ID(error_message)                                                                          \
	ID(state_text)                                                                             \
	ID(type_text)

/* Bits of the mask: lists and flags that most events have, the fields, the rest. */
enum {
	MASK_STATE,
	MASK_SEGMENT, /* segment and offset */
	MASK_FLAGS,
	MASK_RULES,
	MASK_NUMBERS,
#define BIT(name) MASK_##name,
	FIELDS(BIT, BIT)
#undef BIT
	MASK_INPUTS,
	MASK_ID_TEXT,
	MASK_HAPPENED_AT, /* reported, but not in k */
	MASK_END,
	MASK_FIELDS = MASK_source,
	MASK_FIELDS_END = MASK_INPUTS
};

enum field_kind { FIELD_ID, FIELD_NUMBER };
static const struct field {
	enum field_kind kind; /* absent is 0 for an id, FACT_UNKNOWN for a number */
	size_t at;
} fields[MASK_FIELDS_END] = {
#define ID(name)     [MASK_##name] = { FIELD_ID, offsetof(struct stored_event, name) },
#define NUMBER(name) [MASK_##name] = { FIELD_NUMBER, offsetof(struct stored_event, name) },
	FIELDS(ID, NUMBER)
#undef ID
#undef NUMBER
};

enum { /* flags; three-valued ones take two bits: 0 unknown, 1 no, 2 yes */
	FLAG_FULL_REFRESH = 0,
	FLAG_VALIDATE_ONLY = 2,
	FLAG_EXPLORE_ONLY = 4,
	FLAG_QUALITY = 6,
	FLAG_MAINTENANCE,
	FLAG_ERROR,
	FLAG_FATAL,
	FLAG_ID_IS_HASH
};

static const int64_t at_end = INT64_C(4102444800000); /* 2100-01-01 */

int64_t event_k_from(int64_t ms)
{
	if (ms < 0)
		return 0;
	return (ms < at_end ? ms : at_end) << EVENT_K_SHIFT;
}

int64_t event_k(int64_t happened_at_ms, const unsigned char id[16])
{
	int64_t ms = happened_at_ms >= 0 && happened_at_ms < at_end ? happened_at_ms : 0;
	uint64_t hash = text_hash((struct text){ (const char *)id, 16 });

	return ms << EVENT_K_SHIFT | (int64_t)(hash & (uint64_t)EVENT_K_LOW);
}

int64_t event_k_ms(int64_t k)
{
	return k >> EVENT_K_SHIFT;
}

void stored_event_init(struct stored_event *event)
{
	*event = (struct stored_event){
		.happened_at_ms = FACT_UNKNOWN,
		.full_refresh = -1,
		.validate_only = -1,
		.explore_only = -1,
#define ID(name)
#define NUMBER(name) .name = FACT_UNKNOWN,
		FIELDS(ID, NUMBER)
#undef ID
#undef NUMBER
	};
}

bool pack_uint(struct buf *buf, uint64_t value)
{
	unsigned char bytes[PACK_BYTES_MAX];

	return buf_add_bytes(buf, bytes, (size_t)(put_uint(bytes, value) - bytes));
}

bool pack_int(struct buf *buf, int64_t value)
{
	return pack_uint(buf, zigzag(value));
}

bool pack_maybe(struct buf *buf, int64_t value)
{
	return pack_uint(buf, value == FACT_UNKNOWN ? 0 : zigzag(value) + 1);
}

bool unpack_uint(struct text *rest, uint64_t *value_out)
{
	uint64_t value = 0;

	if (rest->len > 0 && (unsigned char)*rest->bytes < 0x80) { /* most are one byte */
		*value_out = (unsigned char)*rest->bytes++;
		rest->len--;
		return true;
	}
	for (size_t i = 0; i < rest->len && i < 10; i++) {
		uint64_t byte = (unsigned char)rest->bytes[i];

		value |= (byte & 0x7f) << (7 * i);
		if (byte < 0x80) {
			*rest = text_sub(*rest, i + 1, rest->len);
			*value_out = value;
			return true;
		}
	}
	return false;
}

bool unpack_int(struct text *rest, int64_t *value_out)
{
	uint64_t value;

	if (!unpack_uint(rest, &value))
		return false;
	*value_out = (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
	return true;
}

static int64_t field_get(const struct stored_event *event, const struct field *field)
{
	return *(const int64_t *)(const void *)((const char *)event + field->at);
}

static uint64_t flags_of(const struct stored_event *event)
{
	return (uint64_t)(event->full_refresh + 1) << FLAG_FULL_REFRESH |
		(uint64_t)(event->validate_only + 1) << FLAG_VALIDATE_ONLY |
		(uint64_t)(event->explore_only + 1) << FLAG_EXPLORE_ONLY |
		(uint64_t)event->has_quality << FLAG_QUALITY |
		(uint64_t)event->maintenance << FLAG_MAINTENANCE |
		(uint64_t)event->has_error << FLAG_ERROR | (uint64_t)event->fatal << FLAG_FATAL |
		(uint64_t)event->id_is_hash << FLAG_ID_IS_HASH;
}

static void flags_set(struct stored_event *event, uint64_t flags)
{
	event->full_refresh = (int8_t)((int)(flags >> FLAG_FULL_REFRESH & 3) - 1);
	event->validate_only = (int8_t)((int)(flags >> FLAG_VALIDATE_ONLY & 3) - 1);
	event->explore_only = (int8_t)((int)(flags >> FLAG_EXPLORE_ONLY & 3) - 1);
	event->has_quality = flags >> FLAG_QUALITY & 1;
	event->maintenance = flags >> FLAG_MAINTENANCE & 1;
	event->has_error = flags >> FLAG_ERROR & 1;
	event->fatal = flags >> FLAG_FATAL & 1;
	event->id_is_hash = flags >> FLAG_ID_IS_HASH & 1;
}

static uint64_t mask_of(const struct stored_event *event, uint64_t flags)
{
	uint64_t mask = 0;

#define ID(name)     mask |= (uint64_t)(event->name != 0) << MASK_##name;
#define NUMBER(name) mask |= (uint64_t)(event->name != FACT_UNKNOWN) << MASK_##name;
	FIELDS(ID, NUMBER)
#undef ID
#undef NUMBER
	mask |= (uint64_t)(event->state != RUN_UNKNOWN) << MASK_STATE;
	mask |= (uint64_t)(event->segment != 0) << MASK_SEGMENT;
	mask |= (uint64_t)(flags != 0) << MASK_FLAGS;
	mask |= (uint64_t)(event->nrules > 0) << MASK_RULES;
	mask |= (uint64_t)(event->nnumbers > 0) << MASK_NUMBERS;
	mask |= (uint64_t)(event->ninputs > 0) << MASK_INPUTS;
	mask |= (uint64_t)(event->id_text.bytes != NULL) << MASK_ID_TEXT;
	mask |= (uint64_t)(event->happened_at_ms != event_k_ms(event->k)) << MASK_HAPPENED_AT;
	return mask;
}

bool unpack_maybe(struct text *rest, int64_t *value_out)
{
	uint64_t value;

	if (!unpack_uint(rest, &value))
		return false;
	if (value == 0) {
		*value_out = FACT_UNKNOWN;
		return true;
	}
	value--;
	*value_out = (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
	return true;
}

static unsigned char *put_rules(unsigned char *at, const struct stored_event *event)
{
	at = put_uint(at, event->nrules);
	for (size_t i = 0; i < event->nrules; i++) {
		const struct stored_rule *rule = &event->rules[i];
		/* the usual rule is of the event's own dataset: one bit says so */
		bool same = rule->dataset == event->dataset;

		at = put_uint(at, (uint64_t)rule->name << 3 | (uint64_t)rule->action << 1 | same);
		if (!same)
			at = put_uint(at, (uint64_t)rule->dataset);
		at = put_maybe(at, rule->passed);
		at = put_maybe(at, rule->failed);
	}
	return at;
}

static unsigned char *put_ids(unsigned char *at, const int64_t *ids, size_t n)
{
	at = put_uint(at, n);
	for (size_t i = 0; i < n; i++)
		at = put_uint(at, (uint64_t)ids[i]);
	return at;
}

static unsigned char *put_fields(unsigned char *at, const struct stored_event *event, uint64_t mask)
{
	uint64_t rest = mask >> MASK_FIELDS << MASK_FIELDS;

	rest &= (UINT64_C(1) << MASK_FIELDS_END) - 1;
	for (; rest != 0; rest &= rest - 1) {
		const struct field *field = &fields[__builtin_ctzll(rest)];
		int64_t value = field_get(event, field);

		at = put_uint(at, field->kind == FIELD_ID ? (uint64_t)value : zigzag(value));
	}
	return at;
}

/* The most bytes that x of the event can take. */
static size_t packed_max(const struct stored_event *event)
{
	return sizeof event->id + PACK_BYTES_MAX * ((size_t)MASK_END + 4) +
		PACK_BYTES_MAX * (4 * event->nrules + event->nnumbers + event->ninputs) +
		event->id_text.len;
}

bool pack_event(struct buf *buf, const struct stored_event *event)
{
	unsigned char *start = (unsigned char *)buf_reserve(buf, packed_max(event)), *at = start;
	uint64_t flags = flags_of(event);
	uint64_t mask = mask_of(event, flags);

	if (!start) {
		buf->full = true;
		return false;
	}
	memcpy(at, event->id, sizeof event->id);
	at = put_uint(at + sizeof event->id, mask);
	if (mask >> MASK_STATE & 1)
		at = put_uint(at, (uint64_t)event->state);
	if (mask >> MASK_SEGMENT & 1) {
		at = put_uint(at, (uint64_t)event->segment);
		at = put_uint(at, zigzag(event->offset));
	}
	if (mask >> MASK_FLAGS & 1)
		at = put_uint(at, flags);
	at = put_fields(at, event, mask);
	if (mask >> MASK_HAPPENED_AT & 1)
		at = put_uint(at, zigzag(event->happened_at_ms));
	if (mask >> MASK_RULES & 1)
		at = put_rules(at, event);
	if (mask >> MASK_NUMBERS & 1)
		at = put_ids(at, event->numbers, event->nnumbers);
	if (mask >> MASK_INPUTS & 1)
		at = put_ids(at, event->inputs, event->ninputs);
	if (mask >> MASK_ID_TEXT & 1) {
		at = put_uint(at, event->id_text.len);
		memcpy(at, event->id_text.bytes, event->id_text.len);
		at += event->id_text.len;
	}
	buf->len += (size_t)(at - start);
	buf->bytes[buf->len] = '\0';
	return true;
}

/* A count that the rest can hold, at least a byte each: damage must not become a huge array. */
static bool unpack_count(struct text *rest, size_t *n_out)
{
	uint64_t n;

	if (!unpack_uint(rest, &n) || n > rest->len)
		return false;
	*n_out = (size_t)n;
	return true;
}

static bool unpack_rules(struct text *rest, struct arena *arena, struct stored_event *event)
{
	struct stored_rule *rules;
	size_t n;

	if (!unpack_count(rest, &n))
		return false;
	rules = ARENA_ARRAY(arena, struct stored_rule, n + 1);
	for (size_t i = 0; i < n; i++) {
		uint64_t head, dataset = (uint64_t)event->dataset;

		if (!unpack_uint(rest, &head) || (!(head & 1) && !unpack_uint(rest, &dataset)) ||
			!unpack_maybe(rest, &rules[i].passed) ||
			!unpack_maybe(rest, &rules[i].failed))
			return false;
		rules[i].name = (int64_t)(head >> 3);
		rules[i].action = (enum rule_action)(head >> 1 & 3);
		rules[i].dataset = (int64_t)dataset;
	}
	event->rules = rules;
	event->nrules = n;
	return true;
}

static bool unpack_ids(
	struct text *rest, struct arena *arena, const int64_t **ids_out, size_t *n_out)
{
	int64_t *ids;
	size_t n;

	if (!unpack_count(rest, &n))
		return false;
	ids = ARENA_ARRAY(arena, int64_t, n + 1);
	for (size_t i = 0; i < n; i++) {
		uint64_t id;

		if (!unpack_uint(rest, &id))
			return false;
		ids[i] = (int64_t)id;
	}
	*ids_out = ids;
	*n_out = n;
	return true;
}

static bool unpack_fields(struct text *rest, uint64_t mask, struct stored_event *event)
{
	for (size_t i = MASK_FIELDS; i < MASK_FIELDS_END; i++) {
		int64_t *value = (int64_t *)(void *)((char *)event + fields[i].at);
		uint64_t id;

		if (!(mask >> i & 1))
			continue;
		if (fields[i].kind == FIELD_NUMBER) {
			if (!unpack_int(rest, value))
				return false;
			continue;
		}
		if (!unpack_uint(rest, &id))
			return false;
		*value = (int64_t)id;
	}
	return true;
}

static bool unpack_head(struct text *rest, uint64_t mask, struct stored_event *event)
{
	uint64_t value;

	if (mask >> MASK_STATE & 1) {
		if (!unpack_uint(rest, &value) || value >= RUN_STATE_COUNT)
			return false;
		event->state = (enum run_state)value;
	}
	if (mask >> MASK_SEGMENT & 1) {
		if (!unpack_uint(rest, &value) || !unpack_int(rest, &event->offset))
			return false;
		event->segment = (int64_t)value;
	}
	if (mask >> MASK_FLAGS & 1) {
		if (!unpack_uint(rest, &value))
			return false;
		flags_set(event, value);
	}
	return true;
}

bool packed_has_error_message(struct text x)
{
	uint64_t mask;

	if (x.len < sizeof((struct stored_event *)0)->id)
		return true;
	x = text_sub(x, sizeof((struct stored_event *)0)->id, x.len);
	return !unpack_uint(&x, &mask) || mask >> MASK_error_message & 1;
}

bool unpack_event(struct text x, struct arena *arena, struct stored_event *event)
{
	uint64_t mask;
	size_t len;

	if (x.len < sizeof event->id)
		return false;
	memcpy(event->id, x.bytes, sizeof event->id);
	x = text_sub(x, sizeof event->id, x.len);
	if (!unpack_uint(&x, &mask) || mask >> MASK_END != 0 || !unpack_head(&x, mask, event) ||
		!unpack_fields(&x, mask, event))
		return false;
	if ((mask >> MASK_HAPPENED_AT & 1) && !unpack_int(&x, &event->happened_at_ms))
		return false;
	if ((mask >> MASK_RULES & 1) && !unpack_rules(&x, arena, event))
		return false;
	if ((mask >> MASK_NUMBERS & 1) &&
		!unpack_ids(&x, arena, &event->numbers, &event->nnumbers))
		return false;
	if ((mask >> MASK_INPUTS & 1) && !unpack_ids(&x, arena, &event->inputs, &event->ninputs))
		return false;
	if (mask >> MASK_ID_TEXT & 1) {
		if (!unpack_count(&x, &len))
			return false;
		event->id_text = arena_text(arena, text_sub(x, 0, len));
	}
	return true;
}
