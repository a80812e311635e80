/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "base/clock.h"
#include "base/mem.h"
#include "views/streams.h"

static const struct state_look *verdict_look(enum lag_verdict verdict, bool moment)
{
	static const struct state_look keeps_up = { GLYPH_OK, ROLE_OK, "KEEPS UP" };

	static const struct state_look looks[] = {
		[LAG_UNKNOWN] = { GLYPH_UNKNOWN, ROLE_UNKNOWN, "NOT KNOWN" },
		[LAG_OK] = { GLYPH_OK, ROLE_OK, "OK" },
		[LAG_WARN] = { GLYPH_WARN, ROLE_WARN, "FALLING BEHIND" },
		[LAG_STALL] = { GLYPH_WARN, ROLE_WARN, "STALLED" },
		[LAG_REWIND] = { GLYPH_WARN, ROLE_WARN, "WENT BACK" },
		[LAG_STOP] = { GLYPH_FAILED, ROLE_FAILED, "STOPPED" },
	};

	return verdict == LAG_WARN && moment ? &keeps_up : &looks[verdict];
}

static const struct state_look losing = { GLYPH_FAILED, ROLE_FAILED, "LOSING RECORDS" };
static const struct state_look growing = { GLYPH_WARN, ROLE_WARN, "GROWING" };

/* It has read all within the verdict's window, but will not again. */
static bool grows(enum lag_verdict verdict, bool never_drains, int64_t lag_seconds)
{
	enum { A_WHILE = 60 };

	return verdict == LAG_OK && never_drains && lag_seconds >= A_WHILE;
}

static bool is_growing(const struct lag_row *row)
{
	return grows(row->verdict, row->never_drains, row->lag_seconds);
}

const struct state_look *part_look(const struct lag_partition_row *part)
{
	static const struct state_look no_commit = { GLYPH_UNKNOWN, ROLE_DIM, "no commit" };

	if (part->processed == FACT_UNKNOWN)
		return &no_commit;
	if (part->lost_records > 0)
		return &losing;
	return grows(part->verdict, part->never_drains, part->lag_seconds)
		? &growing
		: verdict_look(part->verdict, part->moment);
}

const struct state_look *lag_look(const struct lag_row *row)
{
	static const struct state_look gone = { GLYPH_UNKNOWN, ROLE_UNKNOWN, "TOPIC IS GONE" };

	if (row->lost_records > 0)
		return &losing;
	if (row->topic_gone)
		return &gone;
	return is_growing(row) ? &growing : verdict_look(row->verdict, row->moment);
}

static int rank_of(const struct state_look *look, enum lag_verdict verdict)
{
	if (look == &losing)
		return 2 * LAG_VERDICT_COUNT;
	return look == &growing ? 2 * LAG_OK + 1 : 2 * (int)verdict;
}

int lag_rank(const struct lag_row *row)
{
	return rank_of(lag_look(row), row->verdict);
}

int part_rank(const struct lag_partition_row *part)
{
	return rank_of(part_look(part), part->verdict);
}

int compare_loss_in(int64_t a, int64_t b)
{
	return compare_i64(a == FACT_UNKNOWN ? INT64_MAX : a, b == FACT_UNKNOWN ? INT64_MAX : b);
}

const char *reader_kind_short(enum reader_kind kind)
{
	static const char *const names[] = { "group", "ckpt", "log", "sink" };

	return names[kind];
}

static struct text format_seconds(const struct look *look, int64_t seconds, const char *mark)
{
	struct text text;

	if (seconds == FACT_UNKNOWN || look->raw)
		return format_count(look, seconds);
	text = seconds < INT64_MAX / 1000 && look->now_ms != TIME_UNKNOWN ?
		format_age(look, look->now_ms - seconds * 1000) : format_count(look, seconds);
	return *mark ? text_of(arena_printf(look->arena, "%s%.*s", mark, TEXT_ARG(text))) : text;
}

struct text format_rate(const struct look *look, double per_second, bool with_sign)
{
	const char *sign = with_sign && per_second > 0 ? "+" : "";
	struct text text;

	if (isnan(per_second))
		return format_count(look, FACT_UNKNOWN);
	if (look->raw)
		return text_of(arena_printf(look->arena, "%.3f", per_second));
	if (fabs(per_second) < 0.05)
		return TEXT("0/s");
	if (fabs(per_second) < 10)
		return text_of(arena_printf(look->arena, "%s%.1f/s", sign, per_second));
	text = format_short(look, (int64_t)per_second);
	return text_of(arena_printf(look->arena, "%s%.*s/s", sign, TEXT_ARG(text)));
}

void line_lag(struct line *line, const struct look *look, int64_t records)
{
	if (records == FACT_UNKNOWN)
		line_count(line, look, records);
	else
		line_add(line, ROLE_NUMBER, format_short(look, records));
}

void line_behind(struct line *line, const struct look *look, int64_t seconds, bool at_least)
{
	if (seconds == FACT_UNKNOWN)
		line_count(line, look, seconds);
	else
		line_add(line, ROLE_NUMBER, format_seconds(look, seconds, at_least ? ">" : ""));
}

void line_drain(struct line *line, const struct look *look, int64_t seconds, bool never)
{
	if (never && !look->raw)
		line_add(line, ROLE_WARN, TEXT("never"));
	else if (seconds == 0 && !look->raw)
		line_add(line, ROLE_DIM, TEXT("now"));
	else if (seconds == FACT_UNKNOWN)
		line_count(line, look, seconds);
	else
		line_add(line, ROLE_NUMBER, format_seconds(look, seconds, ""));
}

void line_loss(struct line *line, const struct look *look, int64_t seconds, bool at_most, int64_t lost)
{
	enum { SOON = 24 * 3600, VERY_SOON = 6 * 3600 };
	enum role role = seconds < VERY_SOON ? ROLE_FAILED : seconds < SOON ? ROLE_WARN : ROLE_NUMBER;

	if (lost > 0 && !look->raw)
		line_add(line, ROLE_FAILED, TEXT("LOST"));
	else if (seconds == FACT_UNKNOWN)
		line_count(line, look, seconds);
	else
		line_add(line, role, format_seconds(look, seconds, at_most ? "<" : ""));
}

void line_trend(struct line *line, const struct look *look, const double *values, size_t n,
	double least)
{
	double high = least;

	for (size_t i = 0; i < n; i++)
		high = values[i] > high ? values[i] : high; /* false for NAN */
	line_add(line, ROLE_BAR, format_spark(look, values, n, 0, high > 0 ? high : 1));
}

/* ---- the pane ---- */

/* Of its own words alone, without the offsets that would say how it does. */
static bool tells_backlog(const struct lag_row *row)
{
	return row->npartitions == 0 &&
		(row->lag_records != FACT_UNKNOWN || row->behind_files != FACT_UNKNOWN ||
			row->behind_bytes != FACT_UNKNOWN);
}

static void say_state(struct sheet *sheet, const struct look *look, const struct lag_row *row)
{
	const struct state_look *state = lag_look(row);
	const char *words = row->lost_records > 0 ? "losing records: deleted before it read them" :
		row->topic_gone ? "the topic was deleted" :
		is_growing(row) ? "growing: it had read all a while ago, and now more comes than it reads" :
		row->moment ? "keeps up: all its lag came within half a minute" :
		row->verdict == LAG_UNKNOWN && tells_backlog(row)
			? "not known: it tells how much it has not read, not where it stands" :
		lag_verdict_words(row->verdict);

	sheet_add(sheet, "state", state->role, text_of(words));
	if (row->group_state.len && row->members != FACT_UNKNOWN)
		sheet_addf(sheet, "group", ROLE_TEXT, "%.*s, %.*s %s", TEXT_ARG(row->group_state),
			TEXT_ARG(format_count(look, row->members)), row->members == 1 ? "member" : "members");
	else if (row->group_state.len)
		sheet_addf(sheet, "group", ROLE_TEXT, "%.*s, members not told", TEXT_ARG(row->group_state));
	if (row->batch_started_ms != FACT_UNKNOWN)
		sheet_addf(sheet, "batch", ROLE_TEXT, "under way for %.*s",
			TEXT_ARG(format_age(look, row->batch_started_ms)));
}

static void say_backlog(struct sheet *sheet, const struct look *look, const struct lag_row *row)
{
	bool files = row->behind_files != FACT_UNKNOWN, bytes = row->behind_bytes != FACT_UNKNOWN;

	sheet_addf(sheet, "backlog", ROLE_NUMBER, "%.*s%s%.*s, as it says itself",
		TEXT_ARG(files ? format_things(look, row->behind_files, "file") : TEXT("")),
		files && bytes ? ", " : "",
		TEXT_ARG(bytes ? format_bytes(look, row->behind_bytes) : TEXT("")));
}

static void say_lag(struct sheet *sheet, const struct look *look, const struct lag_row *row)
{
	const char *least = row->lag_seconds_is_lower_bound ? "at least " : "";

	if (row->lag_records != FACT_UNKNOWN && row->lag_seconds != FACT_UNKNOWN)
		sheet_addf(sheet, "lag", ROLE_NUMBER, "%.*s, %s%.*s behind",
			TEXT_ARG(format_things(look, row->lag_records, "record")), least,
			TEXT_ARG(format_seconds(look, row->lag_seconds, "")));
	else if (row->lag_records != FACT_UNKNOWN)
		sheet_addf(sheet, "lag", ROLE_NUMBER, "%.*s; since when is not known",
			TEXT_ARG(format_things(look, row->lag_records, "record")));
	if (row->behind_versions != FACT_UNKNOWN)
		sheet_addf(sheet, "table", ROLE_NUMBER, "%.*s, %.*s, %.*s behind",
			TEXT_ARG(format_things(look, row->behind_versions, "version")),
			TEXT_ARG(format_things(look, row->behind_files, "file")),
			TEXT_ARG(format_bytes(look, row->behind_bytes)));
	else if (row->behind_files != FACT_UNKNOWN || row->behind_bytes != FACT_UNKNOWN)
		say_backlog(sheet, look, row);
	if (!isnan(row->rate_in))
		sheet_addf(sheet, "rates", ROLE_TEXT, "%.*s come, %.*s are read",
			TEXT_ARG(format_rate(look, row->rate_in, false)),
			TEXT_ARG(format_rate(look, row->rate_out, false)));
	if (row->never_drains)
		sheet_addf(sheet, "drain", ROLE_WARN, "never: it reads no faster than records come");
	else if (row->drain_seconds != FACT_UNKNOWN && row->drain_seconds > 0)
		sheet_addf(sheet, "drain", ROLE_TEXT, "in %.*s, its slowest partition",
			TEXT_ARG(format_seconds(look, row->drain_seconds, "")));
	if (row->skew >= 2)
		sheet_addf(sheet, "skew", ROLE_WARN, "one partition has %.1f times the mean", row->skew);
	if (row->no_commit > 0)
		sheet_addf(sheet, "no commit", ROLE_WARN, "in %.*s of its partitions",
			TEXT_ARG(format_count(look, row->no_commit)));
}

static void say_loss(struct sheet *sheet, const struct look *look, const struct lag_row *row)
{
	if (row->lost_records > 0)
		sheet_addf(sheet, "lost", ROLE_FAILED, "%.*s: retention has passed it",
			TEXT_ARG(format_things(look, row->lost_records, "record")));
	if (row->loss_in_seconds != FACT_UNKNOWN && row->loss_in_seconds > 0)
		sheet_addf(sheet, "loss", ROLE_WARN, "begins in %s%.*s, when retention reaches what it has"
			" not read", row->loss_at_most ? "at most " : "",
			TEXT_ARG(format_seconds(look, row->loss_in_seconds, "")));
	else if (row->loss_in_seconds == 0 && row->lost_records <= 0)
		sheet_addf(sheet, "loss", ROLE_FAILED, "at any moment: what it has not read is past retention");
}

void lag_sheet(struct sheet *sheet, const struct look *look, const struct lag_row *row)
{
	sheet_heading(sheet, arena_printf(look->arena, "%.*s%s%.*s%s%.*s", TEXT_ARG(row->reader),
		row->topic.len ? "  " : "", TEXT_ARG(row->cluster), row->cluster.len ? " " : "",
		TEXT_ARG(row->topic)));
	say_state(sheet, look, row);
	say_loss(sheet, look, row);
	say_lag(sheet, look, row);
	if (row->connector.len && row->connector_problem.len)
		sheet_addf(sheet, "connector", ROLE_FAILED, "%.*s %.*s", TEXT_ARG(row->connector),
			TEXT_ARG(row->connector_problem));
	else if (row->connector.len)
		sheet_addf(sheet, "connector", ROLE_OK, "%.*s runs", TEXT_ARG(row->connector));
	sheet_addf(sheet, "seen by", ROLE_DIM, "%.*s, %.*s ago%s", TEXT_ARG(row->witnesses),
		TEXT_ARG(format_age(look, row->seen_at_ms)),
		row->stale ? "; the cluster cannot be read whole: numbers are older" : "");
}

/* ---- JSON: the contract of the manual page ---- */

static json_t *rate_or_null(double rate)
{
	return isnan(rate) ? json_null() : json_real(round(rate * 1000) / 1000);
}

json_t *lag_row_json(const struct lag_row *row)
{
	enum reader_kind kind = row->kind == READER_SINK ? READER_GROUP : row->kind;
	json_t *partitions = json_array();

	for (size_t i = 0; i < row->npartitions; i++) {
		const struct lag_partition_row *part = &row->partitions[i];

		(void)json_array_append_new(partitions, json_pack("{s:i, s:o, s:o, s:o, s:o}",
			"partition", (int)part->partition,
			"processed", json_number_or_null(part->processed),
			"low", json_number_or_null(part->low),
			"high", json_number_or_null(part->high),
			"lag_records", json_number_or_null(part->lag_records)));
	}
	return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o,"
			 " s:o, s:o}",
		"reader", json_text_or_null(row->reader),
		"kind", reader_kind_name(kind),
		"cluster", json_text_or_null(row->cluster),
		"topic", json_text_or_null(row->topic),
		"state", row->verdict == LAG_UNKNOWN ? json_null() :
			json_string(lag_verdict_name(row->verdict)),
		"lag_records", json_number_or_null(row->lag_records),
		"lag_seconds", json_number_or_null(row->lag_seconds),
		"lag_seconds_is_lower_bound", row->lag_seconds == FACT_UNKNOWN ? json_null() :
			json_boolean(row->lag_seconds_is_lower_bound),
		"rate_in_per_s", rate_or_null(row->rate_in),
		"rate_out_per_s", rate_or_null(row->rate_out),
		"drain_seconds", json_number_or_null(row->drain_seconds),
		"loss_in_seconds", json_number_or_null(row->loss_at_most ? FACT_UNKNOWN : row->loss_in_seconds),
		"lost_records", json_number_or_null(row->lost_records),
		"behind_versions", json_number_or_null(row->behind_versions),
		"behind_files", json_number_or_null(row->behind_files),
		"behind_bytes", json_number_or_null(row->behind_bytes),
		"partitions", partitions);
}
