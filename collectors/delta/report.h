/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_DELTA_REPORT_H
#define COLLECTORS_DELTA_REPORT_H

#include "base/buf.h"
#include "collectors/delta/snapshot.h"

/* Snapshots as JSON, for programs. One object each, compact, without a newline behind it. */
void delta_report_detail(const struct delta_snapshot *snapshot, struct text name, struct buf *out);
void delta_report_diff(const struct delta_diff *diff, struct text name, struct text path,
	struct buf *out);

/* facts: of delta_read_table; versions newest first, each with its standing. */
void delta_report_history(const struct delta_snapshot *snapshot, const struct delta_horizon *horizon,
	const struct fact_batch *facts, struct text name, struct buf *out);

/* Lines of files; what is the same from file to file is made once. Zero-initialize. */
struct delta_file_lines {
	struct text logged; /* the partition values made last */
	char *values;       /* as JSON */
};
void delta_report_file(const struct delta_snapshot *snapshot, struct delta_file_lines *lines,
	const struct delta_entry *entry, struct buf *out);
void delta_file_lines_done(struct delta_file_lines *lines);
/* One array of texts, ", " between, cleaned, for people. */
void delta_report_names(const json_t *array, struct buf *out);

#endif
