/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/cli_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "collectors/config.h"
#include "collectors/delta/report.h"
#include "store/reader.h"
#include "tui/cli.h"
#include "tui/cli_progress.h"
#include "tui/line.h"
#include "tui/when.h"

enum { OUT_MAX = 1 << 30, FLUSH_BYTES = 1 << 20,
	KEY_CELLS = 16,
	OLD_LOOKS = 1000 * 1000, NEWEST_LOOKS = 1000 };

struct request {
	const char *what, *table, *config, *store;
	const char *version, *timestamp, *from;
	bool print /* as without it */, json, around_damage;
	/* what came of them */
	char *path;
	struct text name; /* how the table is called: as the store has it, else its folder */
	struct delta_at at;
	int64_t now_ms;
	struct cli_progress progress;
	struct buf out;
};

static const char usage[] =
	"usage: weir table detail|files|history|diff PATH|TABLE [--version N | --timestamp TIME]\n"
	"                  [--from N] [--around-damage] [--print | --json]\n"
	"  detail  what DESCRIBE DETAIL tells, from the log: files, bytes, rows, schema, properties\n"
	"  files   the files of a version, one JSON object a line with --json\n"
	"  history every version with what it did, and whether and until when it can be restored\n"
	"  diff    what changed from version N to the newest, or to --version (default: the last step)\n";

static bool write_out(struct request *request, struct err *err)
{
	struct buf *out = &request->out, clean;
	bool good;

	cli_progress_clear(&request->progress);
	buf_init(&clean, SIZE_MAX);
	/* What is for people is clean as it is made. */
	if (request->json)
		(void)utf8_clean_json(&clean, buf_text(out)); /* there is no max */
	good = cli_write(buf_text(request->json ? &clean : out), err);
	buf_done(&clean);
	buf_reset(out);
	return good;
}

/* ---- arguments ---- */

static const struct cli_word options[] = {
	{ "--version", false, offsetof(struct request, version) },
	{ "--timestamp", false, offsetof(struct request, timestamp) },
	{ "--from", false, offsetof(struct request, from) },
	{ "--config", false, offsetof(struct request, config) },
	{ "--store", false, offsetof(struct request, store) },
	{ "--print", true, offsetof(struct request, print) },
	{ "--json", true, offsetof(struct request, json) },
	{ "--around-damage", true, offsetof(struct request, around_damage) },
};

static bool to_version(const char *word, const char *option, int64_t *out, struct err *err)
{
	if (text_to_i64(text_of(word), out) && *out >= 0)
		return true;
	return err_set(err, ERR_USAGE, 0, "%s wants a version's number, not %s", option, word);
}

static bool parse(int argc, char **argv, struct request *request, struct err *err)
{
	bool words_only = false;

	for (int i = 1; i < argc; i++) {
		if (!words_only && strcmp(argv[i], "--") == 0) {
			words_only = true;
		} else if (!words_only && argv[i][0] == '-' && argv[i][1] != '\0') {
			if (!cli_take(options, ARRAY_LEN(options), "table", argv, &i, request, err))
				return false;
		} else if (!request->what) {
			request->what = argv[i];
		} else if (!request->table) {
			request->table = argv[i];
		} else {
			return err_set(err, ERR_USAGE, 0, "one word too many: %s", argv[i]);
		}
	}
	request->at = DELTA_NEWEST;
	request->at.around_damage = request->around_damage;
	request->at.progress = &request->progress.progress;
	if (!request->what || !request->table)
		return err_set(err, ERR_USAGE, 0, "weir table wants detail, files, history or diff, and a table");
	if (request->version && request->timestamp)
		return err_set(err, ERR_USAGE, 0, "--version or --timestamp, not both");
	if (request->version &&
		!to_version(request->version, "--version", &request->at.version, err))
		return false;
	if (request->timestamp && !when_parse(text_of(request->timestamp), request->now_ms, true,
					  &request->at.timestamp_ms, err))
		return err_wrap(err, "--timestamp");
	if (request->timestamp && request->at.timestamp_ms == 0)
		request->at.timestamp_ms = request->now_ms; /* "now" */
	return true;
}

/* ---- which table ---- */

/* A name is looked up in the store, where the collector put the table's place. */
static bool find_in_store(struct request *request, const char *store, struct err *err)
{
	struct arena arena = { 0 };
	struct table_rows rows = { 0 };
	struct reader *reader = NULL;
	struct text wanted = text_of(request->table);
	bool good = reader_open(store, &reader, err) && reader_begin(reader, READER_NOW, 0, err);

	if (good) {
		good = tables_list(reader, &arena, &rows, err);
		reader_end(reader);
	}
	for (size_t i = 0; good && i < rows.n && !request->path; i++)
		if (text_eq(rows.rows[i].table, wanted) || text_eq(rows.rows[i].path, wanted))
			request->path = mem_strdup(arena_printf(&arena, "%.*s",
				TEXT_ARG(rows.rows[i].path)));
	if (good && !request->path)
		good = err_set(err, ERR_ABSENT, 0, "%s is no folder and no table of the store %s",
			request->table, store);
	if (reader)
		reader_close(reader);
	arena_free(&arena);
	return good;
}

static bool find_table(struct request *request, struct err *err)
{
	struct config *config = NULL;
	char *config_path;
	char *store;
	bool good;

	if (cli_is_path(request->table)) {
		request->path = mem_strdup(request->table);
		return true;
	}
	config_path = config_find(request->config);
	good = config_load(config_path, &config, err);
	free(config_path);
	if (!good)
		return false;
	store = config_store_path(config, request->store);
	good = find_in_store(request, store, err);
	request->name = text_of(request->table);
	free(store);
	config_free(config);
	return good;
}

static struct text name_of(const struct request *request, struct text path)
{
	const char *slash = memrchr(path.bytes, '/', path.len);

	if (request->name.bytes)
		return request->name;
	return slash && slash + 1 < path.bytes + path.len
		? text_sub(path, (size_t)(slash + 1 - path.bytes), path.len)
		: path;
}

/* ---- for people ---- */

static void say(struct buf *out, const char *key, struct text value)
{
	size_t before = out->len;

	if (value.len == 0)
		return;
	(void)buf_add_str(out, key);
	(void)buf_add_fill(out, ' ', KEY_CELLS - (out->len - before));
	(void)utf8_clean(out, value, UTF8_ONE_LINE);
	(void)buf_add_char(out, '\n');
}

static void say_schema(struct buf *out, const struct delta_snapshot *snapshot)
{
	json_t *schema = delta_snapshot_schema(snapshot);
	const json_t *column;
	size_t i;

	(void)buf_addf(out, "\ncolumns\n");
	json_array_foreach(schema, i, column) {
		(void)buf_add_str(out, "  ");
		(void)utf8_clean(out, text_of(json_string_value(json_object_get(column, "name"))),
			UTF8_ONE_LINE);
		(void)buf_add_char(out, ' ');
		(void)utf8_clean(out, text_of(json_string_value(json_object_get(column, "type"))),
			UTF8_ONE_LINE);
		(void)buf_add_str(out, json_is_true(json_object_get(column, "nullable")) ? "\n"
										     : " not null\n");
	}
	json_decref(schema);
}

static void say_properties(struct buf *out, const struct delta_snapshot *snapshot)
{
	json_t *properties = json_deep_copy(delta_snapshot_properties(snapshot));
	const char *name;
	json_t *value;

	if (json_object_size(properties) > 0)
		(void)buf_add_str(out, "\nproperties\n");
	json_object_foreach(properties, name, value) {
		(void)buf_add_str(out, "  ");
		(void)utf8_clean(out, text_of(name), UTF8_ONE_LINE);
		(void)buf_add_str(out, " = ");
		(void)utf8_clean(out, text_of(json_string_value(value)), UTF8_ONE_LINE);
		(void)buf_add_char(out, '\n');
	}
	json_decref(properties);
}

static void say_list(struct buf *out, const char *key, const json_t *array)
{
	struct buf names;

	buf_init(&names, 1 << 16);
	delta_report_names(array, &names);
	say(out, key, buf_text(&names));
	buf_done(&names);
}

static void say_detail(struct request *request, const struct delta_snapshot *snapshot)
{
	struct arena arena = { 0 };
	struct look look = { .now_ms = request->now_ms, .utc = true, .ascii = false, .arena = &arena };
	const json_t *protocol = delta_snapshot_protocol(snapshot);
	struct buf *out = &request->out;
	struct delta_detail d;

	delta_snapshot_detail(snapshot, &d);
	say(out, "table", name_of(request, d.path));
	say(out, "path", d.path);
	say(out, "id", d.id);
	say(out, "name", d.name);
	say(out, "description", d.description);
	say(out, "version", text_of(arena_printf(&arena, "%lld of %lld", (long long)d.version,
		(long long)d.newest_version)));
	say(out, "time", text_of(arena_printf(&arena, "%.*s%s",
		TEXT_ARG(format_time(&look, d.timestamp_ms)),
		d.in_commit_timestamp ? " (in-commit)" : " (the file's)")));
	say(out, "files", text_of(arena_printf(&arena, "%.*s, %.*s below 16 MiB",
		TEXT_ARG(format_count(&look, d.files)),
		TEXT_ARG(format_share(&look, d.small_files, d.files)))));
	say(out, "bytes", format_bytes(&look, d.bytes));
	say(out, "rows", text_of(arena_printf(&arena, "%.*s%s", TEXT_ARG(format_count(&look, d.rows)),
		d.rows == FACT_UNKNOWN ? " (files without statistics)" : "")));
	if (d.deletion_vectors > 0)
		say(out, "deleted rows", text_of(arena_printf(&arena, "%.*s in %lld deletion vectors",
			TEXT_ARG(format_count(&look, d.deleted_rows)),
			(long long)d.deletion_vectors)));
	say(out, "tombstones", format_count(&look, d.tombstones));
	say_list(out, "partitioned by", delta_snapshot_partitions(snapshot));
	say(out, "partitions", format_count(&look, d.partitions));
	say(out, "protocol", text_of(arena_printf(&arena, "reader %lld, writer %lld",
		(long long)d.min_reader, (long long)d.min_writer)));
	say_list(out, "reader features", json_object_get(protocol, "readerFeatures"));
	say_list(out, "writer features", json_object_get(protocol, "writerFeatures"));
	say(out, "checkpoint", d.newest_checkpoint < 0
			? TEXT("none")
			: text_of(arena_printf(&arena, "%lld", (long long)d.newest_checkpoint)));
	say(out, "earliest", d.earliest_version == FACT_UNKNOWN
			? TEXT("no version can be rebuilt from the log")
			: text_of(arena_printf(&arena, "version %lld can be rebuilt from the log",
				(long long)d.earliest_version)));
	say_schema(out, snapshot);
	say_properties(out, snapshot);
	if (json_array_size(delta_snapshot_notes(snapshot)) > 0) {
		(void)buf_add_str(out, "\nnotes\n  ");
		delta_report_names(delta_snapshot_notes(snapshot), out);
		(void)buf_add_char(out, '\n');
	}
	arena_free(&arena);
}

static void say_file(struct request *request, const struct delta_entry *entry)
{
	struct buf *out = &request->out;

	(void)buf_addf(out, "%14lld ", (long long)entry->size);
	if (entry->rows == FACT_UNKNOWN)
		(void)buf_addf(out, "%12s ", "-");
	else
		(void)buf_addf(out, "%12lld ", (long long)entry->rows);
	(void)utf8_clean(out, entry->path, UTF8_ONE_LINE);
	if (entry->dv.storage)
		(void)buf_addf(out, "  (deletion vector: %lld rows)", (long long)entry->dv.cardinality);
	(void)buf_add_char(out, '\n');
}

/* ---- commands ---- */

static bool detail(struct request *request, struct delta_snapshot *snapshot, struct err *err)
{
	struct delta_detail d;

	(void)err;
	delta_snapshot_detail(snapshot, &d);
	if (!request->json) {
		say_detail(request, snapshot);
		return true;
	}
	delta_report_detail(snapshot, name_of(request, d.path), &request->out);
	(void)buf_add_char(&request->out, '\n');
	return true;
}

static bool files(struct request *request, struct delta_snapshot *snapshot, struct err *err)
{
	struct delta_file_lines lines = { 0 };
	struct delta_walk walk = { 0 };
	struct delta_entry entry;
	bool good = true;

	while (good && delta_walk_next(snapshot, &walk, &entry)) {
		if (request->json) {
			delta_report_file(snapshot, &lines, &entry, &request->out);
			(void)buf_add_char(&request->out, '\n');
		} else {
			say_file(request, &entry);
		}
		if (request->out.len >= FLUSH_BYTES)
			good = write_out(request, err);
	}
	delta_walk_done(&walk);
	delta_file_lines_done(&lines);
	return good;
}

static void say_diff(struct request *request, const struct delta_diff *diff)
{
	struct arena arena = { 0 };
	struct look look = { .now_ms = request->now_ms, .utc = true, .arena = &arena };
	struct buf *out = &request->out;
	const json_t *sentence;
	size_t i;

	(void)buf_addf(out, "version %lld to %lld\n", (long long)diff->from, (long long)diff->to);
	say(out, "files", text_of(arena_printf(&arena, "+%.*s -%.*s",
		TEXT_ARG(format_count(&look, diff->files_added)),
		TEXT_ARG(format_count(&look, diff->files_removed)))));
	say(out, "bytes", text_of(arena_printf(&arena, "+%.*s -%.*s",
		TEXT_ARG(format_bytes(&look, diff->bytes_added)),
		TEXT_ARG(format_bytes(&look, diff->bytes_removed)))));
	say(out, "rows", text_of(arena_printf(&arena, "+%.*s -%.*s",
		TEXT_ARG(format_count(&look, diff->rows_added)),
		TEXT_ARG(format_count(&look, diff->rows_removed)))));
	if (diff->dv_changed > 0)
		say(out, "vectors", text_of(arena_printf(&arena,
			"%lld files of both have another deletion vector",
			(long long)diff->dv_changed)));
	json_array_foreach(diff->changes, i, sentence) {
		(void)utf8_clean(out, text_of(json_string_value(sentence)), UTF8_ONE_LINE);
		(void)buf_add_char(out, '\n');
	}
	arena_free(&arena);
}

static bool diff(struct request *request, struct delta_snapshot *snapshot, struct err *err)
{
	struct delta_snapshot *from = NULL;
	struct delta_at at = DELTA_NEWEST;
	struct delta_diff result;
	struct delta_detail d;

	delta_snapshot_detail(snapshot, &d);
	at.around_damage = request->around_damage;
	at.progress = &request->progress.progress;
	at.version = d.version > 0 ? d.version - 1 : 0;
	if (request->from && !to_version(request->from, "--from", &at.version, err))
		return false;
	if (!delta_snapshot_open(request->path, &at, &from, err))
		return false;
	delta_diff(from, snapshot, &result);
	if (request->json) {
		delta_report_diff(&result, name_of(request, d.path), d.path, &request->out);
		(void)buf_add_char(&request->out, '\n');
	} else {
		say_diff(request, &result);
	}
	delta_diff_done(&result);
	delta_snapshot_free(from);
	return true;
}

static void say_version(struct request *request, const struct delta_horizon_row *row,
	const struct fact_version *fact)
{
	struct arena arena = { 0 };
	struct look look = { .now_ms = request->now_ms, .utc = true, .arena = &arena };
	struct buf *out = &request->out;

	(void)buf_addf(out, "%8lld  %-16.*s ", (long long)row->version,
		TEXT_ARG(format_time(&look, fact ? fact->timestamp_ms : row->timestamp_ms)));
	(void)buf_addf(out, " %-12s", version_standing_name(row->standing));
	if (row->standing == STANDING_RESTORABLE && row->until_ms == FACT_UNKNOWN)
		(void)buf_addf(out, " %-24s", "as long as it is listed");
	else if (row->standing == STANDING_RESTORABLE)
		(void)buf_addf(out, " %s %-18.*s",
			row->until_ms > request->now_ms ? "until" : "at risk since", TEXT_ARG(format_time(&look, row->until_ms)));
	else if (row->files_gone > 0)
		(void)buf_addf(out, " %lld of its files gone%*s", (long long)row->files_gone, 3, "");
	else
		(void)buf_addf(out, " %-24s",
			row->standing == STANDING_LISTED ? "its log is not whole" : "");
	(void)buf_add_char(out, ' ');
	if (fact)
		(void)utf8_clean(out, fact->operation, UTF8_ONE_LINE);
	(void)buf_add_char(out, '\n');
	arena_free(&arena);
}

static void say_history(struct request *request, const struct delta_horizon *horizon,
	const struct fact_batch *facts)
{
	size_t at = facts->nfacts;

	for (size_t i = horizon->n; i-- > 0;) {
		const struct fact_version *fact = NULL;

		/* Both ascend. */
		while (at > 0 && !fact) {
			const struct fact *one = &facts->facts[at - 1];

			if (one->kind == FACT_VERSION && one->u.version.version < horizon->rows[i].version)
				break;
			at--;
			if (one->kind == FACT_VERSION &&
				one->u.version.version == horizon->rows[i].version)
				fact = &one->u.version;
		}
		say_version(request, &horizon->rows[i], fact);
	}
	if (horizon->newest_gone > 0) {
		(void)buf_addf(&request->out, "of the newest version %lld of %lld files looked for are "
			"gone, among them ", (long long)horizon->newest_gone,
			(long long)horizon->newest_looked);
		(void)utf8_clean(&request->out, horizon->newest_gone_path, UTF8_ONE_LINE);
		(void)buf_add_char(&request->out, '\n');
	}
}

static bool history(struct request *request, struct delta_snapshot *snapshot, struct err *err)
{
	struct progress *progress = &request->progress.progress;
	struct delta_looks looks = { request->now_ms, OLD_LOOKS, NEWEST_LOOKS, progress };
	struct fact_batch *facts = fact_batch_new();
	struct delta_horizon horizon = { 0 };
	struct delta_detail d;
	bool good;

	delta_snapshot_detail(snapshot, &d);
	good = delta_horizon_read(&horizon, snapshot, &looks, err) &&
		delta_read_table(request->path, progress, facts, err);
	if (good && request->json) {
		delta_report_history(snapshot, &horizon, facts, name_of(request, d.path),
			&request->out);
		(void)buf_add_char(&request->out, '\n');
	} else if (good) {
		say_history(request, &horizon, facts);
	}
	delta_horizon_done(&horizon);
	fact_batch_free(facts);
	return good;
}

static bool run(struct request *request, struct err *err)
{
	static const struct {
		const char *name;
		bool (*run)(struct request *request, struct delta_snapshot *snapshot,
			struct err *err);
	} commands[] = { { "detail", detail }, { "files", files }, { "history", history },
		{ "diff", diff } };
	struct delta_snapshot *snapshot;
	size_t i = 0;
	bool good;

	while (i < ARRAY_LEN(commands) && strcmp(commands[i].name, request->what) != 0)
		i++;
	if (i == ARRAY_LEN(commands))
		return err_set(err, ERR_USAGE, 0, "weir table knows detail, files, history and diff, not %s",
			request->what);
	request->at.lifetimes = commands[i].run == history;
	if (request->at.lifetimes && (request->version || request->timestamp))
		return err_set(err, ERR_USAGE, 0, "history is of the newest version");
	if (!find_table(request, err) ||
		!delta_snapshot_open(request->path, &request->at, &snapshot, err))
		return false;
	good = commands[i].run(request, snapshot, err) && write_out(request, err);
	delta_snapshot_free(snapshot);
	return good;
}

int cli_table(int argc, char **argv)
{
	struct request request = { .now_ms = clock_system()->wall_ms(clock_system()) };
	struct err err = ERR_INIT;
	int status = CLI_GOOD;
	bool good;

	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		(void)fputs(usage, stdout);
		return cli_flush(&err) ? CLI_GOOD : cli_fail(&err);
	}
	buf_init(&request.out, OUT_MAX);
	cli_progress_begin(&request.progress, clock_system());
	good = parse(argc, argv, &request, &err) && run(&request, &err);
	cli_progress_clear(&request.progress);
	good = good && cli_flush(&err);
	if (!good)
		status = cli_fail(&err);
	if (err.kind == ERR_USAGE)
		(void)fputs(usage, stderr);
	buf_done(&request.out);
	free(request.path);
	return status;
}
