/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_EVENTLOG_DECODE_H
#define COLLECTORS_EVENTLOG_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/fact.h"

/*
 * Bytes of an event log -> facts. Pure: no I/O, no clock, no global; any thread, fuzzed. A record
 * is one JSON value: an event, or something that holds events. Accepted: an event object (details,
 * origin, sequence, error as objects or as JSON strings, numbers as numbers or strings), the REST
 * page {"events":[..]}, the 2022 form {"events_json":["..",..]}, a SQL Statement API result
 * {"manifest":..,"result":{"data_array":[..]}}, an array of any of these.
 *
 * The usual line is read by a projection scanner; whatever it is unsure of goes to jansson, and
 * both give the same facts on every input.
 */
enum eventlog_raw { EVENTLOG_RAW_WARNINGS, EVENTLOG_RAW_ALL, EVENTLOG_RAW_NONE };

struct eventlog_options {
	bool keep_rows; /* do not redact row data that failure messages quote */
	enum eventlog_raw raw; /* WARNINGS: raw of warnings, errors and definitions is kept */
	int64_t now_ms; /* seen time for what cannot be decoded */
};

struct eventlog_place {
	struct text path;  /* for what cannot be decoded */
	int64_t line;      /* 1-based, 0 = not counted */
	bool is_row;       /* line is a row of a Parquet file: there are no bytes to point to */
	uint32_t segment;  /* of fact_batch_segment, 0 = no pointer is kept */
	int64_t offset;    /* of the record's first byte in the segment */
};

enum { EVENTLOG_RECORD_MAX = 64 << 20, EVENTLOG_DEPTH_MAX = 64 };

/*
 * Decodes one record into the batch: events, or an undecodable fact. Returns the number of events
 * added. The bytes need not be terminated, and none outside the record is read unless padded says
 * that EVENTLOG_PAD bytes behind it may be: then it is read faster. read_bytes and read_records
 * of the batch are the caller's to count.
 */
enum { EVENTLOG_PAD = 64 };
size_t eventlog_decode(struct fact_batch *batch, struct text record, bool padded,
	const struct eventlog_place *place, const struct eventlog_options *options);

/*
 * The two readers by themselves, for the differential test: false = not one event, or not sure. What
 * is not padded is scanned as on any processor, what is maybe faster.
 */
bool eventlog_scan_event(struct fact_batch *batch, struct text line, bool padded,
	const struct eventlog_place *place, const struct eventlog_options *options);
bool eventlog_parse_event(struct fact_batch *batch, struct text line,
	const struct eventlog_place *place, const struct eventlog_options *options,
	struct text *reason_out);

#endif
