/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_EVENTLOG_PICK_H
#define COLLECTORS_EVENTLOG_PICK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collectors/eventlog/decode.h"

/*
 * What is picked out of an event's JSON, before it becomes a fact. Two readers fill a struct pick
 * (parse.c with jansson, scan.c straight from the bytes), both led by the same tables, and one
 * function makes the fact of it. Texts are borrowed from the reader; flags are -1, 0, 1; numbers
 * FACT_UNKNOWN where absent.
 */
struct pick_rule {
	struct text name, dataset, action;
	int64_t passed, failed;
};

struct pick_input { /* a dataset that a flow reads: a string, or an object with one of these */
	struct text name, dataset_name, table_name;
};

enum { PICK_LIST_MAX = FACT_RULES_MAX };

struct pick {
	struct text id, timestamp, message, level, maturity, type;
	struct text id_alt, timestamp_alt;    /* names of the system table */
	struct text pipeline_alt, update_alt; /* columns beside origin */
	int64_t control_seq, data_seq;        /* sequence */
	struct text pipeline_id, pipeline_name, update_id, maintenance;
	struct text flow, dataset, sink, flow_attempt;
	int64_t batch_id;
	enum event_type payload; /* whose details were read */
	struct text state, cause, run_as, user;
	int8_t full_refresh, validate_only, explore_only;
	int64_t failed_attempts;
	int64_t output_rows, upserted_rows, deleted_rows, output_bytes, dropped_records;
	int64_t backlog_bytes, backlog_records, backlog_files, backlog_seconds;
	bool has_quality;
	struct text output_dataset, output_sink, flow_type;
	struct pick_rule *rules;
	size_t nrules, rules_room;
	struct pick_input *inputs;
	size_t ninputs, inputs_room;
	int8_t fatal;
	struct text error_message, error_code, error_class;
	struct text progress; /* stream_progress.progress_json, JSON */
};

enum pick_kind {
	PICK_TEXT,
	PICK_NUMBER,
	PICK_COUNT, /* a number; below zero it says "not reported" */
	PICK_FLAG,
	PICK_OBJECT,     /* into child, same struct; the object, or JSON text that holds it */
	PICK_QUALITY,    /* as PICK_OBJECT, and has_quality */
	PICK_DETAILS,    /* child's keys are event types */
	PICK_ERROR,      /* as PICK_OBJECT, or bare text: the message */
	PICK_EXCEPTIONS, /* a list whose first element counts, or bare text: the message */
	PICK_RULES,
	PICK_INPUTS,
	PICK_JSON,     /* JSON kept as text: a string that holds it, or the value itself */
	PICK_SKIP,     /* not kept */
	PICK_CONTAINER /* what holds it is no event, but something that holds events */
};

struct pick_shape;

enum { PICK_KEY_MAX = 32 }; /* zeros behind the key, so that whole blocks can be compared */

struct pick_field {
	char key[PICK_KEY_MAX]; /* as it stands in JSON: "name": with quotes and colon */
	uint32_t mask;          /* one bit for each byte of it */
	uint8_t len;            /* of the name alone */
	uint8_t kind;
	uint16_t at; /* offset in the struct; of PICK_DETAILS' children the event type */
	const struct pick_shape *child;
};

struct pick_shape {
	const struct pick_field *fields; /* behind the last one a row that no key matches */
	uint32_t n; /* at most 64 */
};

static inline const char *pick_name(const struct pick_field *field) /* not terminated: len */
{
	return field->key + 1;
}

extern const struct pick_shape pick_event, pick_rule_shape, pick_input_shape, pick_exception;
extern const struct pick_shape pick_details;

/* The projection scanner alone, without making facts of what it picks: for measuring it. Padded. */
bool eventlog_scan_only(struct text line);

void pick_init(struct pick *pick); /* all unknown; the lists are the reader's to set */
void pick_rule_init(struct pick_rule *rule);

/*
 * Makes the event. record is the JSON value it was picked from: it is kept as raw where options say
 * so, and hashed where the log has no id. False with a reason (of static life), and nothing added,
 * when there is no usable timestamp.
 */
bool pick_to_event(struct fact_batch *batch, const struct pick *pick, struct text record,
	const struct eventlog_place *place, const struct eventlog_options *options,
	struct text *reason_out);

#endif
