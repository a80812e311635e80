/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_PACK_H
#define STORE_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/text.h"
#include "store/fact.h"

/*
 * An event as the store keeps it: a struct fact_event whose strings are dictionary ids (dim.id;
 * 0 = absent). What no query selects by is packed into the column x: the id's 16 bytes, a mask of
 * what is there, then varints. Pure; any thread.
 */
struct stored_rule {
	int64_t name, dataset; /* dim */
	enum rule_action action;
	int64_t passed, failed; /* FACT_UNKNOWN */
};

struct stored_event {
	/* columns */
	int64_t k, batch;
	enum event_type type;
	enum event_level level;
	int64_t pipeline, upd, flow, dataset, message; /* dim; message: see store/message.h */
	/* packed */
	unsigned char id[16];
	int64_t happened_at_ms; /* as reported; FACT_UNKNOWN */
	enum run_state state;
	int64_t source;
	int64_t segment; /* 0 = nowhere */
	int64_t offset;
	int64_t sequence, failed_attempts, length;
	int64_t batch_id, output_rows, upserted_rows, deleted_rows, output_bytes, dropped_records;
	int64_t backlog_bytes, backlog_records, backlog_files, backlog_seconds;
	int64_t pipeline_name, type_text, maturity, state_text; /* dim, and all below */
	int64_t cause, run_as, user, flow_attempt;
	int64_t output, flow_type, error_class, error_message;
	int8_t full_refresh, validate_only, explore_only; /* -1 unknown */
	bool maintenance, has_quality, has_error, fatal, id_is_hash;
	struct text id_text; /* only with id_is_hash */
	const int64_t *numbers; /* what the message template leaves out */
	size_t nnumbers;
	const struct stored_rule *rules;
	size_t nrules;
	const int64_t *inputs; /* dim */
	size_t ninputs;
};

enum { EVENT_K_SHIFT = 20 };
#define EVENT_K_LOW ((INT64_C(1) << EVENT_K_SHIFT) - 1)

int64_t event_k(int64_t happened_at_ms, const unsigned char id[16]); /* before any collision */
int64_t event_k_ms(int64_t k);                    /* the happened_at in it; 0 = unknown */
int64_t event_k_from(int64_t ms);                 /* the smallest k of an instant */

void stored_event_init(struct stored_event *event); /* all unknown */
/* Appends x. False only when buf's max cut it. */
bool pack_event(struct buf *buf, const struct stored_event *event);
bool packed_has_error_message(struct text x); /* also true when x is damaged */
/* Fills the packed part from x; arrays and id_text lie in the arena. False: x is damaged. */
bool unpack_event(struct text x, struct arena *arena, struct stored_event *event);

/*
 * Varints: 7 bits a byte, least first; signed ones zig-zag. FACT_UNKNOWN is a value
 * like others, except for the maybe forms.
 */
bool pack_uint(struct buf *buf, uint64_t value);
bool pack_int(struct buf *buf, int64_t value);
bool pack_maybe(struct buf *buf, int64_t value); /* FACT_UNKNOWN takes one byte */

/* The same into room for PACK_BYTES_MAX; where the next one goes. */
enum { PACK_BYTES_MAX = 10 };

static inline unsigned char *put_uint(unsigned char *at, uint64_t value)
{
	while (value >= 0x80) {
		*at++ = (unsigned char)(value | 0x80);
		value >>= 7;
	}
	*at++ = (unsigned char)value;
	return at;
}

static inline uint64_t zigzag(int64_t value)
{
	return (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
}

/* An unknown number is 0, a known one is zig-zag + 1: the one value that does not fit is unknown. */
static inline unsigned char *put_maybe(unsigned char *at, int64_t value)
{
	return put_uint(at, value == FACT_UNKNOWN ? 0 : zigzag(value) + 1);
}

/* Take one off *rest; false at its end or on more than ten bytes. */
bool unpack_uint(struct text *rest, uint64_t *value_out);
bool unpack_int(struct text *rest, int64_t *value_out);
bool unpack_maybe(struct text *rest, int64_t *value_out);

/* The same without a call a number, for rows of many. */
struct rest {
	const unsigned char *at, *end;
};

static inline struct rest rest_of(struct text text)
{
	const unsigned char *bytes = (const unsigned char *)text.bytes;

	return (struct rest){ bytes, bytes + text.len };
}

static inline bool get_uint(struct rest *rest, uint64_t *value_out)
{
	uint64_t value = 0;

	for (unsigned shift = 0; rest->at < rest->end && shift < 7 * PACK_BYTES_MAX; shift += 7) {
		uint64_t byte = *rest->at++;

		value |= (byte & 0x7f) << shift;
		if (byte < 0x80) {
			*value_out = value;
			return true;
		}
	}
	return false;
}

static inline int64_t unzigzag(uint64_t value)
{
	return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

static inline bool get_int(struct rest *rest, int64_t *value_out)
{
	uint64_t value = 0;
	bool ok = get_uint(rest, &value);

	*value_out = unzigzag(value);
	return ok;
}

static inline bool get_maybe(struct rest *rest, int64_t *value_out)
{
	uint64_t value = 0;
	bool ok = get_uint(rest, &value);

	*value_out = value == 0 ? FACT_UNKNOWN : unzigzag(value - 1);
	return ok;
}

#endif
