/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/rows.h"

static void put(struct buf *out, const char *name, struct text text)
{
	if (text.bytes)
		buf_addf(out, " %s='%.*s'", name, TEXT_ARG(text));
}

static void put_int(struct buf *out, const char *name, int64_t value)
{
	if (value != FACT_UNKNOWN)
		buf_addf(out, " %s=%lld", name, (long long)value);
}

static void put_trend(struct buf *out, const double trend[TREND_MAX])
{
	buf_add_str(out, " trend=");
	for (size_t i = 0; i < TREND_MAX; i++) {
		if (trend[i] >= 0)
			buf_addf(out, "%.4f,", trend[i]);
		else
			buf_add_char(out, '-');
	}
}

static void put_update(struct buf *out, const struct update_row *row)
{
	put(out, "update", row->update_id);
	put(out, "pipeline_id", row->pipeline_id);
	put(out, "pipeline", row->pipeline);
	put(out, "cause", row->cause);
	put(out, "run_as", row->run_as);
	put(out, "chain", row->chain_id);
	put(out, "class", row->error_class);
	put(out, "error", row->error_message);
	buf_addf(out, " state=%s attempt=%d flags=%d%d%d", run_state_name(row->state), row->attempt,
		row->full_refresh, row->validate_only, row->explore_only);
	put_int(out, "created", row->created_at_ms);
	put_int(out, "waiting", row->waiting_at_ms);
	put_int(out, "initializing", row->initializing_at_ms);
	put_int(out, "setting_up", row->setting_up_at_ms);
	put_int(out, "running", row->running_at_ms);
	put_int(out, "ended", row->ended_at_ms);
	put_int(out, "last_event", row->last_event_at_ms);
	put_int(out, "flows", row->flows);
	put_int(out, "flows_failed", row->flows_failed);
	put_int(out, "written", row->rows_written);
	put_int(out, "dropped", row->dropped);
}

static bool put_flows(struct reader *reader, struct arena *arena, struct text update,
	struct buf *out, struct err *err)
{
	struct flow_rows flows;

	if (!flows_list(reader, arena, update, &flows, err))
		return false;
	for (size_t i = 0; i < flows.n; i++) {
		const struct flow_row *row = &flows.rows[i];

		buf_add_str(out, "  flow");
		put(out, "flow", row->flow);
		put(out, "dataset", row->dataset);
		put(out, "type", row->flow_type);
		put(out, "class", row->error_class);
		put(out, "error", row->error_message);
		buf_addf(out, " state=%s attempts=%d", run_state_name(row->state), row->attempts);
		put_int(out, "queued", row->queued_at_ms);
		put_int(out, "planning", row->planning_at_ms);
		put_int(out, "starting", row->starting_at_ms);
		put_int(out, "running", row->running_at_ms);
		put_int(out, "ended", row->ended_at_ms);
		put_int(out, "last_event", row->last_event_at_ms);
		put_int(out, "output", row->output_rows);
		put_int(out, "upserted", row->upserted_rows);
		put_int(out, "deleted", row->deleted_rows);
		put_int(out, "written", row->written_rows);
		put_int(out, "dropped", row->dropped);
		put_int(out, "backlog_bytes", row->backlog_bytes);
		put_int(out, "backlog_records", row->backlog_records);
		put_int(out, "batches", row->batches);
		buf_add_char(out, '\n');
	}
	return true;
}

/* What pipelines_count() says without the rows, from the rows. */
static bool counts_agree(struct reader *reader, const struct pipeline_rows *rows, struct err *err)
{
	struct pipeline_counts counts, wanted = { 0 };

	if (!pipelines_count(reader, &counts, err))
		return false;
	for (size_t i = 0; i < rows->n; i++)
		pipeline_count(&rows->rows[i], &wanted);
	if (counts.failed == wanted.failed && counts.warn == wanted.warn &&
		counts.running == wanted.running)
		return true;
	return err_set(err, ERR_STORE, 0, "counted %d failed, %d warned, %d running of %d, %d, %d",
		counts.failed, counts.warn, counts.running, wanted.failed, wanted.warn,
		wanted.running);
}

static bool put_pipelines(struct reader *reader, struct arena *arena, struct buf *out,
	struct err *err)
{
	struct pipeline_rows rows;

	if (!pipelines_list(reader, arena, &rows, err) || !counts_agree(reader, &rows, err))
		return false;
	for (size_t i = 0; i < rows.n; i++) {
		const struct pipeline_row *row = &rows.rows[i];

		buf_add_str(out, "pipeline");
		put(out, "id", row->pipeline_id);
		put(out, "name", row->pipeline);
		put(out, "source", row->source);
		put_int(out, "attempts", row->attempts);
		put_int(out, "input", row->input);
		put_int(out, "published", row->published);
		put_int(out, "quarantined", row->quarantined);
		put_int(out, "failing", row->datasets_failing);
		put_int(out, "last_event", row->last_event_at_ms);
		put_int(out, "last_seen", row->last_seen_at_ms);
		put_int(out, "last_written", row->last_written_at_ms);
		put_int(out, "usual_gap", row->usual_gap_ms);
		buf_add_str(out, " strip=");
		for (size_t s = 0; s < row->nstrip; s++)
			buf_addf(out, "%s,", run_state_name(row->strip[s]));
		buf_add_str(out, "\n  latest");
		put_update(out, &row->latest);
		buf_add_char(out, '\n');
	}
	return true;
}

static bool put_updates(struct reader *reader, struct arena *arena, struct buf *out,
	struct err *err)
{
	struct update_rows rows;

	if (!updates_list(reader, arena, TEXT_NONE, 200, &rows, err))
		return false;
	for (size_t i = 0; i < rows.n; i++) {
		buf_add_str(out, "update");
		put_update(out, &rows.rows[i]);
		buf_add_char(out, '\n');
		if (!put_flows(reader, arena, rows.rows[i].update_id, out, err))
			return false;
	}
	return true;
}

/* Short lists and filters: where the order at an earlier time could go wrong. */
static bool put_filtered(struct reader *reader, struct arena *arena, struct buf *out,
	struct err *err)
{
	struct pipeline_rows pipelines;

	if (!pipelines_list(reader, arena, &pipelines, err))
		return false;
	for (size_t i = 0; i < pipelines.n; i++) {
		struct text id = pipelines.rows[i].pipeline_id;
		struct event_filter filter = { .pipeline = id, .limit = 7 };
		struct update_rows updates;
		struct quality_rows quality;
		struct event_rows events, warnings;

		if (!updates_list(reader, arena, id, 3, &updates, err) ||
			!quality_list(reader, arena, TEXT_NONE, id, &quality, err) ||
			!events_list(reader, arena, &filter, &events, err))
			return false;
		filter.least = LEVEL_WARN;
		filter.contains = TEXT("is");
		if (!events_list(reader, arena, &filter, &warnings, err))
			return false;
		buf_addf(out, "of %.*s: more=%d,%d,%d", TEXT_ARG(id), updates.more, events.more,
			warnings.more);
		for (size_t u = 0; u < updates.n; u++) {
			put(out, "update", updates.rows[u].update_id);
			put_int(out, "attempt", updates.rows[u].attempt);
			put(out, "chain", updates.rows[u].chain_id);
		}
		for (size_t q = 0; q < quality.n; q++) {
			put(out, "dataset", quality.rows[q].dataset);
			put(out, "update", quality.rows[q].update_id);
			put_int(out, "input", quality.rows[q].input);
		}
		for (size_t e = 0; e < events.n; e++)
			put_int(out, "k", events.rows[e].k);
		for (size_t e = 0; e < warnings.n; e++)
			put_int(out, "warning", warnings.rows[e].k);
		buf_add_char(out, '\n');
	}
	return true;
}

static bool put_quality(struct reader *reader, struct arena *arena, struct buf *out,
	struct err *err)
{
	struct quality_rows rows;

	if (!quality_list(reader, arena, TEXT_NONE, TEXT_NONE, &rows, err))
		return false;
	for (size_t i = 0; i < rows.n; i++) {
		const struct quality_row *row = &rows.rows[i];

		buf_add_str(out, "quality");
		put(out, "dataset", row->dataset);
		put(out, "pipeline_id", row->pipeline_id);
		put(out, "update", row->update_id);
		put_int(out, "reported", row->reported_at_ms);
		put_int(out, "input", row->input);
		put_int(out, "published", row->published);
		put_int(out, "quarantined", row->quarantined);
		put_int(out, "sum_failures", row->sum_failures);
		put_int(out, "dropped", row->dropped);
		put_int(out, "by_table", row->quarantined_by_table);
		put_int(out, "open", row->is_open);
		put_int(out, "table_says", row->table_quarantined);
		put_int(out, "table_agrees", row->table_agrees);
		put_trend(out, row->trend);
		buf_add_char(out, '\n');
		for (size_t r = 0; r < row->nrules; r++) {
			const struct rule_row *rule = &row->rules[r];

			buf_add_str(out, "  rule");
			put(out, "name", rule->name);
			buf_addf(out, " action=%s", rule_action_name(rule->action));
			put_int(out, "passed", rule->passed);
			put_int(out, "failed", rule->failed);
			put_int(out, "batches", rule->batches);
			put_int(out, "disputed", rule->disputed);
			put_trend(out, rule->trend);
			buf_add_char(out, '\n');
		}
	}
	return true;
}

static bool put_events(struct reader *reader, struct arena *arena, struct buf *out,
	struct err *err)
{
	struct event_filter filter = { .limit = 10000 };
	struct event_rows rows;

	if (!events_list(reader, arena, &filter, &rows, err))
		return false;
	for (size_t i = 0; i < rows.n; i++) {
		const struct event_row *row = &rows.rows[i];

		buf_addf(out, "event k=%lld id=%s seen=%lld", (long long)row->k, row->id,
			(long long)row->seen_at_ms);
		put(out, "type", row->type);
		put(out, "pipeline", row->pipeline);
		put(out, "update", row->update_id);
		put(out, "flow", row->flow);
		put(out, "message", row->message);
		put(out, "source", row->source);
		buf_add_char(out, '\n');
	}
	return true;
}

static bool put_tables(struct reader *reader, struct arena *arena, struct buf *out,
	struct err *err)
{
	struct table_rows rows;

	if (!tables_list(reader, arena, &rows, err))
		return false;
	for (size_t i = 0; i < rows.n; i++) {
		const struct table_row *row = &rows.rows[i];
		struct version_rows versions;

		buf_add_str(out, "table");
		put(out, "table", row->table);
		put(out, "path", row->path);
		put(out, "source", row->source);
		put(out, "operation", row->operation);
		put(out, "user", row->user_name);
		put(out, "problem", row->problem);
		put_int(out, "version", row->version);
		put_int(out, "timestamp", row->timestamp_ms);
		put_int(out, "first", row->first_version);
		put_int(out, "versions", row->versions);
		put_int(out, "commits_24h", row->commits_24h);
		buf_add_char(out, '\n');
		if (!versions_list(reader, arena, row->path, INT64_MAX, 1000, &versions, err))
			return false;
		for (size_t v = 0; v < versions.n; v++)
			buf_addf(out, "  version %lld %.*s seen=%lld\n",
				(long long)versions.rows[v].fact.version,
				TEXT_ARG(versions.rows[v].fact.operation),
				(long long)versions.rows[v].seen_at_ms);
	}
	return true;
}

static bool put_sources(struct reader *reader, struct arena *arena, struct buf *out,
	struct err *err)
{
	struct source_rows rows;
	struct undecodable_rows bad;

	if (!sources_list(reader, arena, &rows, err) ||
		!undecodable_list(reader, arena, TEXT_NONE, 100, &bad, err))
		return false;
	for (size_t i = 0; i < rows.n; i++) {
		const struct source_row *row = &rows.rows[i];

		buf_add_str(out, "source");
		put(out, "source", row->source);
		put(out, "text", row->text);
		put(out, "detail", row->detail);
		buf_addf(out, " state=%s", health_state_name(row->state));
		put_int(out, "since", row->state_since_ms);
		put_int(out, "health", row->last_health_at_ms);
		put_int(out, "last_fact", row->last_fact_at_ms);
		put_int(out, "last_seen", row->last_seen_at_ms);
		put_int(out, "facts", row->facts);
		put_int(out, "undecodable", row->undecodable);
		put_int(out, "read_bytes", row->read_bytes);
		put_int(out, "behind", row->behind);
		buf_add_char(out, '\n');
	}
	for (size_t i = 0; i < bad.n; i++) {
		buf_add_str(out, "undecodable");
		put(out, "source", bad.rows[i].source);
		put(out, "place", bad.rows[i].place);
		put(out, "reason", bad.rows[i].reason);
		put_int(out, "seen", bad.rows[i].seen_at_ms);
		buf_add_char(out, '\n');
	}
	return true;
}

static bool put_line(void *context, struct text json)
{
	buf_add(context, json);
	return buf_add_char(context, '\n');
}

bool rows_dump(struct reader *reader, int64_t as_of_ms, struct buf *out, struct err *err)
{
	struct arena arena = { 0 };
	bool ok;

	if (!reader_begin(reader, as_of_ms, 0, err))
		return false;
	put_int(out, "seen_at", reader_seen_at(reader));
	buf_add_char(out, '\n');
	ok = put_pipelines(reader, &arena, out, err) && put_updates(reader, &arena, out, err) &&
		put_quality(reader, &arena, out, err) &&
		put_filtered(reader, &arena, out, err) && put_events(reader, &arena, out, err) &&
		put_tables(reader, &arena, out, err) && put_sources(reader, &arena, out, err) &&
		facts_dump(reader, put_line, out, err);
	reader_end(reader);
	arena_free(&arena);
	return ok;
}
