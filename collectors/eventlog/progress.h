/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_EVENTLOG_PROGRESS_H
#define COLLECTORS_EVENTLOG_PROGRESS_H

#include "store/fact.h"

/*
 * A stream_progress event's progress_json (Spark's StreamingQueryProgress) -> one FACT_POSITION a
 * topic and Delta table that the query reads. The event is in the batch already: the reader is its
 * pipeline and flow, the time its own, so that reading a log twice tells the same facts. Pure.
 * latestOffset is not a watermark of a topic but what this reader knew of it: behind_records.
 */
void eventlog_progress(
	struct fact_batch *batch, const struct fact_event *event, struct text progress_json);

#endif
