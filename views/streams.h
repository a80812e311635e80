/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIEWS_STREAMS_H
#define VIEWS_STREAMS_H

#include "store/lag.h"
#include "views/common.h"

/* What the screens of streams share: words, figures and the pane of a reader. UI thread. */

/* What a reader is doing, its state's words first; worse than its verdict when records are lost. */
const struct state_look *lag_look(const struct lag_row *row);
const struct state_look *part_look(const struct lag_partition_row *part);
/* By what these say, larger = worse. */
int lag_rank(const struct lag_row *row);
int part_rank(const struct lag_partition_row *part);
/* Seconds until records are lost: the soonest first, those nobody knows of last. */
int compare_loss_in(int64_t a, int64_t b);
const char *reader_kind_short(enum reader_kind kind); /* "group", "ckpt", "log", "sink" */

struct text format_rate(const struct look *look, double per_second, bool with_sign);
void line_lag(struct line *line, const struct look *look, int64_t records);
void line_behind(struct line *line, const struct look *look, int64_t seconds, bool at_least);
void line_drain(struct line *line, const struct look *look, int64_t seconds, bool never);
void line_loss(struct line *line, const struct look *look, int64_t seconds, bool at_most, int64_t lost);
/* Scaled from nothing to its largest, but at least to `least`: a ripple is no wave. */
void line_trend(struct line *line, const struct look *look, const double *values, size_t n,
	double least);

/* What is known of a reader, in sentences. */
void lag_sheet(struct sheet *sheet, const struct look *look, const struct lag_row *row);
json_t *lag_row_json(const struct lag_row *row);

#endif
