/* SPDX-License-Identifier: Apache-2.0 */
/* The actions of one commit, summed up. */
#include <stdarg.h>
#include <string.h>

#include "base/mem.h"
#include "collectors/delta/action.h"
#include "collectors/eventlog/lex.h"

enum { PROBLEM_MAX = 1024, SCRATCH_KEPT = 1 << 16 };

void delta_commit_problem(struct delta_commit *commit, const char *fmt, ...)
{
	va_list args;

	if (commit->problem.len > 0)
		(void)buf_add_str(&commit->problem, "; ");
	va_start(args, fmt);
	(void)buf_vaddf(&commit->problem, fmt, args); /* cut where it is too long */
	va_end(args);
}

static bool is_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

/* Adds to a sum of which one unknown part makes the whole unknown. */
static void add_known(int64_t *sum, bool *known, int64_t value)
{
	if (value == FACT_UNKNOWN || value < 0 || __builtin_add_overflow(*sum, value, sum))
		*known = false;
}

/* stats is JSON in a string; an object as it is was met, too. */
static int64_t records_of(const json_t *stats)
{
	int64_t records, ignored;

	if (json_is_object(stats))
		return delta_json_integer(json_object_get(stats, "numRecords"));
	delta_stats_read((struct text){ json_string_value(stats), json_string_length(stats) },
		TEXT_NONE, &records, &ignored);
	return records;
}

/* Rows of a file that are alive: its records less what its deletion vector hides. */
static int64_t rows_of(const json_t *file)
{
	const json_t *vector = json_object_get(file, "deletionVector");
	int64_t records = records_of(json_object_get(file, "stats"));
	int64_t hidden;

	if (records == FACT_UNKNOWN || !json_is_object(vector))
		return records;
	hidden = delta_json_integer(json_object_get(vector, "cardinality"));
	if (hidden == FACT_UNKNOWN || hidden < 0 || hidden > records)
		return FACT_UNKNOWN;
	return records - hidden;
}

static void take_add(struct delta_commit *commit, const json_t *add)
{
	struct fact_version *version = &commit->version;

	version->files_added++;
	add_known(&version->bytes_added, &commit->bytes_added_known,
		delta_json_integer(json_object_get(add, "size")));
	add_known(&version->rows_added, &commit->rows_added_known, rows_of(add));
	version->dv_added += json_is_object(json_object_get(add, "deletionVector"));
	version->data_change |= is_true(add, "dataChange");
}

static void take_remove(struct delta_commit *commit, const json_t *action)
{
	struct fact_version *version = &commit->version;

	version->files_removed++;
	add_known(&version->bytes_removed, &commit->bytes_removed_known,
		delta_json_integer(json_object_get(action, "size")));
	add_known(&version->rows_removed, &commit->rows_removed_known, rows_of(action));
	version->data_change |= is_true(action, "dataChange");
}

/* An object as the writer wrote it; one too large to keep is left out and said to be. */
static struct text take_object(struct delta_commit *commit, const json_t *info, const char *key)
{
	const json_t *value = json_object_get(info, key);
	struct text text = delta_json_text(&commit->batch->arena, value);

	if (json_is_string(value)) /* keeps the promise that it is JSON */
		text = TEXT_NONE;
	if (text.len <= FACT_RAW_MAX)
		return text;
	delta_commit_problem(commit, "%s is too large to keep (%zu bytes)", key, text.len);
	return TEXT_NONE;
}

static struct text take_text(struct delta_commit *commit, const json_t *object, const char *key)
{
	return text_sub(delta_json_text(&commit->batch->arena, json_object_get(object, key)), 0,
		FACT_KEEP_MAX);
}

/* Some writers put JSON into their parameters' strings: "\"7\"" is 7. */
static struct text take_parameter(struct delta_commit *commit, const json_t *info, const char *key)
{
	struct text text = take_text(commit, json_object_get(info, "operationParameters"), key);

	if (text.len >= 2 && text.bytes[0] == '"' && text.bytes[text.len - 1] == '"')
		return text_sub(text, 1, text.len - 2);
	return text;
}

static void take_info(struct delta_commit *commit, const json_t *info)
{
	struct fact_version *version = &commit->version;
	const json_t *blind = json_object_get(info, "isBlindAppend");

	if (commit->has_info)
		return;
	commit->has_info = true;
	version->commit_info_ms = delta_json_integer(json_object_get(info, "timestamp"));
	commit->in_commit_ms = delta_json_integer(json_object_get(info, "inCommitTimestamp"));
	version->operation = take_text(commit, info, "operation");
	version->user_id = take_text(commit, info, "userId");
	version->user_name = take_text(commit, info, "userName");
	version->engine = take_text(commit, info, "engineInfo");
	if (!version->engine.bytes)
		version->engine = take_text(commit, info, "clientVersion");
	version->isolation_level = take_text(commit, info, "isolationLevel");
	version->user_metadata = take_text(commit, info, "userMetadata");
	version->cluster_id = take_text(commit, info, "clusterId");
	version->parameters = take_object(commit, info, "operationParameters");
	version->metrics = take_object(commit, info, "operationMetrics");
	version->job = take_object(commit, info, "job");
	version->notebook = take_object(commit, info, "notebook");
	version->read_version = delta_json_integer(json_object_get(info, "readVersion"));
	if (json_is_boolean(blind))
		version->is_blind_append = (int8_t)json_is_true(blind);
	version->update_id = take_parameter(commit, info, "updateId");
	version->pipeline_id = take_parameter(commit, info, "pipelineId");
	version->epoch_id = take_parameter(commit, info, "epochId");
}

static void keep(json_t **slot, json_t *value)
{
	json_decref(*slot);
	*slot = json_incref(value);
}

/* Actions of later protocols must be ignored; those known here hold objects. */
static bool is_known(const char *name)
{
	static const char *const names[] = { "add", "remove", "metaData", "protocol", "commitInfo" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static void take_known(struct delta_commit *commit, const char *name, json_t *value)
{
	if (strcmp(name, "add") == 0)
		take_add(commit, value);
	else if (strcmp(name, "remove") == 0)
		take_remove(commit, value);
	else if (strcmp(name, "metaData") == 0)
		keep(&commit->metadata, value);
	else if (strcmp(name, "protocol") == 0)
		keep(&commit->protocol, value);
	else
		take_info(commit, value);
}

static void take_entry(struct delta_commit *commit, const struct delta_entry *entry)
{
	struct fact_version *version = &commit->version;

	if (entry->tombstone) {
		version->files_removed++;
		add_known(&version->bytes_removed, &commit->bytes_removed_known, entry->size);
		add_known(&version->rows_removed, &commit->rows_removed_known, entry->rows);
	} else {
		version->files_added++;
		add_known(&version->bytes_added, &commit->bytes_added_known, entry->size);
		add_known(&version->rows_added, &commit->rows_added_known, entry->rows);
		version->dv_added += entry->dv.storage != 0;
	}
}

static bool take_info_line(struct delta_commit *commit, struct text line)
{
	struct fact_version first = commit->version; /* only the first counts */
	int64_t in_commit_ms;

	if (!delta_info_scan(&commit->batch->arena, line, commit->has_info ? &first : &commit->version,
		    commit->has_info ? &in_commit_ms : &commit->in_commit_ms))
		return false;
	commit->has_info = true;
	return true;
}

/* Files are most of a commit; where one is as engines write it, no tree is built for it. */
static bool take_line(void *context, struct text line)
{
	struct delta_commit *commit = context;
	struct delta_action action;

	if (!lex_is_utf8(line.bytes, line.bytes + line.len) ||
		!delta_action_scan(&commit->scratch, line, TEXT_NONE, &action))
		return false;
	switch (action.kind) {
	case DELTA_ACTION_ADD:
	case DELTA_ACTION_REMOVE:
		take_entry(commit, &action.entry);
		commit->version.data_change |= action.data_change;
		break;
	case DELTA_ACTION_INFO:
		if (!take_info_line(commit, line))
			return false;
		break;
	case DELTA_ACTION_TXN:
		break;
	default:
		return false;
	}
	commit->nactions++;
	if (commit->scratch.bytes > SCRATCH_KEPT)
		arena_reset(&commit->scratch);
	return true;
}

static bool take_action(void *context, struct text object, const char **reason)
{
	struct delta_commit *commit = context;
	const char *name;
	json_t *value;
	json_t *root;

	root = delta_json(object);
	if (!root)
		return false;
	json_object_foreach(root, name, value) {
		if (json_is_null(value))
			continue;
		if (is_known(name) && !json_is_object(value)) {
			*reason = "one of its actions is no object";
			json_decref(root);
			return false;
		}
		if (is_known(name))
			take_known(commit, name, value);
		commit->nactions++;
	}
	json_decref(root);
	return true;
}

static void take_broken(void *context, struct text bytes, int64_t line, int64_t offset,
	const char *reason)
{
	struct delta_commit *commit = context;
	struct buf place;

	commit->nbroken++;
	if (commit->nbroken > DELTA_BROKEN_KEPT) {
		commit->batch->undecodable++;
		return;
	}
	buf_init(&place, FACT_KEEP_MAX);
	(void)buf_addf(&place, "%s:line %lld at byte %lld", commit->place, (long long)line,
		(long long)offset);
	fact_batch_undecodable(
		commit->batch, commit->now_ms, buf_text(&place), text_of(reason), bytes);
	buf_done(&place);
}

void delta_commit_begin(struct delta_commit *commit, struct fact_batch *batch, const char *place,
	int64_t now_ms)
{
	*commit = (struct delta_commit){
		.version = {
			.version = FACT_UNKNOWN,
			.timestamp_ms = FACT_UNKNOWN,
			.commit_info_ms = FACT_UNKNOWN,
			.read_version = FACT_UNKNOWN,
			.is_blind_append = -1,
		},
		.in_commit_ms = FACT_UNKNOWN,
		.batch = batch,
		.place = place,
		.now_ms = now_ms,
		.rows_added_known = true,
		.rows_removed_known = true,
		.bytes_added_known = true,
		.bytes_removed_known = true,
		.lines = { .line_taken = take_line, .action = take_action, .broken = take_broken },
	};
	delta_lines_init(&commit->lines);
	commit->lines.context = commit;
	buf_init(&commit->problem, PROBLEM_MAX);
}

void delta_commit_feed(struct delta_commit *commit, struct text bytes)
{
	commit->bytes += (int64_t)bytes.len;
	delta_lines_feed(&commit->lines, bytes);
}

void delta_commit_end(struct delta_commit *commit)
{
	struct fact_version *version = &commit->version;

	delta_lines_end(&commit->lines);
	commit->torn = commit->lines.torn || commit->nactions == 0;
	if (commit->bytes == 0)
		delta_commit_problem(commit, "the commit is empty (0 bytes)");
	else if (commit->nbroken > 0)
		delta_commit_problem(commit, "%lld line%s of the commit cannot be read",
			(long long)commit->nbroken, commit->nbroken == 1 ? "" : "s");
	if (commit->lines.ntrailing > 0)
		delta_commit_problem(commit, "text behind the action on %lld line%s was ignored",
			(long long)commit->lines.ntrailing,
			commit->lines.ntrailing == 1 ? "" : "s");
	if (commit->bytes > 0 && !commit->has_info)
		delta_commit_problem(commit, "the commit has no commitInfo");
	if (commit->nbroken > 0) { /* an unread line may be a file */
		version->files_added = version->files_removed = FACT_UNKNOWN;
		version->dv_added = FACT_UNKNOWN;
		commit->bytes_added_known = commit->bytes_removed_known = false;
		commit->rows_added_known = commit->rows_removed_known = false;
	}
	if (!commit->rows_added_known)
		version->rows_added = FACT_UNKNOWN;
	if (!commit->rows_removed_known)
		version->rows_removed = FACT_UNKNOWN;
	if (!commit->bytes_added_known)
		version->bytes_added = FACT_UNKNOWN;
	if (!commit->bytes_removed_known)
		version->bytes_removed = FACT_UNKNOWN;
}

void delta_commit_done(struct delta_commit *commit)
{
	json_decref(commit->metadata);
	json_decref(commit->protocol);
	commit->metadata = commit->protocol = NULL;
	delta_lines_done(&commit->lines);
	arena_free(&commit->scratch);
	buf_done(&commit->problem);
}
