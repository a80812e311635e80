/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_EVENTLOG_FRAME_H
#define COLLECTORS_EVENTLOG_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/*
 * Where one record ends and the next begins in a stream of JSON: one value a line, values over
 * many lines, values with nothing between them, or one array around all (its elements are the
 * records, so that it need not fit in memory). A broken value costs its own line, or, if it began
 * over many lines, what is up to the next line that begins a value: never the rest of the stream.
 * Pure; resumable at any byte; owned by one thread.
 */
enum frame {
	FRAME_RECORD, /* out->record is one value, or what stands where one should be */
	FRAME_LONG,   /* a record over max_record passed; out->record is its head */
	FRAME_MORE    /* give the same bytes behind `used` again, with more behind them */
};

/* What the end of the bytes means. */
enum frame_end {
	FRAME_OPEN, /* more may come */
	FRAME_FINAL /* nothing will come: what is unfinished is given as it is */
};

enum { FRAME_HEAD_MAX = 4096, FRAME_DEPTH_MAX = 256 };

struct framer {
	size_t max_record;
	/* what a cursor keeps */
	bool in_array; /* within the one array around all */
	int64_t line;  /* 1-based, of the next byte */
	/* the value that is being scanned */
	size_t scanned; /* bytes of it that were looked at; 0 = none has begun */
	int64_t scan_lines;
	int depth;
	bool in_string, escaped, invalid;
	char previous;               /* last byte that matters outside strings, 'v' = a value */
	unsigned char is_object[FRAME_DEPTH_MAX];
	/* a record that is too long, being passed over */
	bool skipping, skip_line;
	int64_t skipped;
	char head[FRAME_HEAD_MAX];
	size_t head_len;
	bool resync; /* behind a broken value of many lines */
};

struct framed {
	struct text record; /* within the bytes given, or the framer's head */
	size_t lead;        /* bytes before the record */
	size_t used;        /* bytes that are done with */
	int64_t line;       /* where the record begins */
	int64_t length;     /* of the whole record */
};

void framer_init(struct framer *framer, size_t max_record, bool in_array, int64_t line);
enum frame frame_next(
	struct framer *framer, struct text bytes, enum frame_end end, struct framed *out);

#endif
