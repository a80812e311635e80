/* SPDX-License-Identifier: Apache-2.0 */
/* Composition: wires command line, store, views, terminal and the collector beside them. */
#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "collectors/config.h"
#include "collectors/delta/condition.h"
#include "collectors/delta/delta.h"
#include "store/reader.h"
#include "store/store.h"
#include "tui/child.h"
#include "tui/cli.h"
#include "tui/cli_check.h"
#include "tui/cli_table.h"
#include "tui/console.h"
#include "tui/theme.h"

enum { WRITE_MS = 60000, BUSY_MS = 2000 };

/* ---- the store, as the console sees it ---- */

struct desk {
	const char *store, *config;
	struct reader *reader;
	pid_t child;
	int64_t as_of_ms;
};

/* A store that does not exist yet is opened as soon as it does. */
static bool desk_begin(void *context, int64_t as_of_ms, int64_t budget_ms,
	struct reader **reader_out, struct err *err)
{
	struct desk *desk = context;

	if (!desk->reader && !reader_open(desk->store, &desk->reader, err))
		return false;
	if (!reader_begin(desk->reader, as_of_ms, budget_ms, err))
		return false;
	*reader_out = desk->reader;
	return true;
}

static void desk_end(void *context)
{
	struct desk *desk = context;

	reader_end(desk->reader);
}

static bool desk_changed(void *context)
{
	struct desk *desk = context;

	return !desk->reader || reader_changed(desk->reader);
}

static int64_t desk_seen_at(void *context)
{
	struct desk *desk = context;

	return desk->reader ? reader_seen_at(desk->reader) : TIME_UNKNOWN;
}

static bool desk_collecting(void *context)
{
	struct desk *desk = context;

	return store_writer_pid(desk->store) != 0;
}

static bool desk_counts(void *context, struct console_counts *out)
{
	struct desk *desk = context;
	struct pipeline_counts counts;
	struct err err = ERR_INIT; /* the screen's own load tells what is wrong */

	if (!pipelines_count(desk->reader, &counts, &err))
		return false;
	*out = (struct console_counts){ counts.failed, counts.warn, counts.running };
	return true;
}

static bool desk_child_ended(void *context)
{
	struct desk *desk = context;
	int status;

	if (desk->child == 0 || !child_ended(desk->child, &status))
		return false;
	desk->child = 0;
	return true;
}

/* ---- one table by its path: a store of its own, gone afterwards ---- */

/* A log that gave no version, but a reason why, is told by that reason. */
static bool has_version(const struct fact_batch *batch, const char *path,
	const struct fact_version **first_out, struct err *err)
{
	struct text reason = TEXT("it has no commits");

	for (size_t i = 0; i < batch->nfacts; i++) {
		*first_out = &batch->facts[i].u.version;
		if (batch->facts[i].kind == FACT_VERSION)
			return true;
		if (batch->facts[i].kind == FACT_UNDECODABLE)
			reason = batch->facts[i].u.undecodable.reason;
	}
	return err_set(err, ERR_UNSUPPORTED, 0, "no history in %s: %.*s", path, TEXT_ARG(reason));
}

/* What it holds, and what can be restored. A table that may not be replayed has its history still. */
static void look_at(struct fact_batch *batch, const struct fact_version *version)
{
	enum { LOOKS_MAX = 20 * 1000 };
	const struct delta_condition_look look = {
		.path = version->path,
		.name = version->table,
		.rescued = TEXT("_rescued_data"),
		.flag = TEXT("is_quarantined"),
		.now_ms = clock_system()->wall_ms(clock_system()),
		.looks_max = LOOKS_MAX,
	};
	struct delta_condition condition = { 0 };

	delta_condition_look(&condition, &look, batch);
	delta_condition_drop(&condition);
}

static bool fill_store(const char *store_path, const char *table_path, struct err *err)
{
	struct store_options options = { .path = store_path, .clock = clock_system() };
	struct fact_batch *batch = fact_batch_new();
	const struct fact_version *version = NULL;
	struct store *store;
	int64_t deadline;
	bool done;

	batch->source = arena_text(&batch->arena, TEXT("delta path"));
	if (!delta_read_table(table_path, NULL, batch, err) || !has_version(batch, table_path, &version, err) ||
		!store_open(&options, &store, err)) {
		fact_batch_free(batch);
		return false;
	}
	look_at(batch, version);
	deadline = options.clock->mono_ms(options.clock) + WRITE_MS;
	done = store_put(store, &batch, deadline, err) && store_flush(store, deadline, err);
	store_close(store);
	fact_batch_free(batch);
	return done;
}

/* What a store consists of. Plain memory: a handler of signals takes the folder away, too. */
static const char *const scratch_ends[] = { "", "-journal", "-wal", "-shm", "-lock" };
enum { SCRATCH_FILES = ARRAY_LEN(scratch_ends) };
static struct {
	char folder[PATH_MAX];
	char files[SCRATCH_FILES][PATH_MAX + 32];
} scratch;

static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };

/* What is left is in the system's own folder for it. Async-signal-safe. */
static void scratch_remove(void)
{
	for (size_t i = 0; i < SCRATCH_FILES; i++)
		(void)unlink(scratch.files[i]);
	(void)rmdir(scratch.folder);
}

/* Nobody reads on, or Ctrl-C: it ends as it would have ended, but leaves nothing behind. */
static void on_end(int number)
{
	scratch_remove();
	(void)signal(number, SIG_DFL);
	(void)raise(number);
}

static bool scratch_make(struct err *err)
{
	const char *base = getenv("TMPDIR");
	struct sigaction action = { .sa_handler = on_end }, before;

	if (!base || !base[0])
		base = "/tmp";
	(void)snprintf(scratch.folder, sizeof scratch.folder, "%s/weir-history.XXXXXX", base);
	if (!mkdtemp(scratch.folder))
		return err_errno(err, errno, "make a folder in %s", base);
	for (size_t i = 0; i < SCRATCH_FILES; i++)
		(void)snprintf(scratch.files[i], sizeof scratch.files[i], "%s/weir.db%s",
			scratch.folder, scratch_ends[i]);
	(void)sigfillset(&action.sa_mask);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (sigaction(ends[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			(void)sigaction(ends[i], &action, NULL);
	return true;
}

/* Words behind the view's name: what it is about, then what in it. A number is also a number. */
static struct view_arg view_arg_of(const struct cli_options *options)
{
	const char *last = options->arg2 ? options->arg2 : options->arg;
	struct view_arg arg = { 0 };

	if (options->arg)
		(void)snprintf(arg.subject, sizeof arg.subject, "%s", options->arg);
	if (options->arg2)
		(void)snprintf(arg.subject2, sizeof arg.subject2, "%s", options->arg2);
	if (last && !text_to_i64(text_of(last), &arg.number))
		arg.number = 0;
	return arg;
}

/* ---- running ---- */

static char *theme_folder(void)
{
	const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	struct buf path;

	buf_init(&path, PATH_MAX);
	if (base && base[0] == '/')
		(void)buf_addf(&path, "%s/weir/themes", base);
	else
		(void)buf_addf(&path, "%s/.config/weir/themes", home ? home : "");
	return buf_take(&path);
}

/* Made on the way; NULL when there is no place for it. */
static char *history_path(void)
{
	const char *base = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	struct err ignored = ERR_INIT;
	struct buf path;

	buf_init(&path, PATH_MAX);
	if (base && base[0] == '/')
		(void)buf_addf(&path, "%s/weir/history", base);
	else if (home && home[0] == '/')
		(void)buf_addf(&path, "%s/.local/state/weir/history", home);
	if (path.len == 0 || path.full || !config_make_parents(path.bytes, &ignored)) {
		buf_done(&path);
		return NULL;
	}
	return buf_take(&path);
}

/*
 * The moment a live print speaks of. While somebody writes, a transaction may be under way that is
 * dated before now but not visible yet. As of the newest visible one, or of two seconds ago if that
 * is later, the same facts can be had again.
 */
static bool live_moment(struct reader *reader, const char *store, int64_t *at_out, struct err *err)
{
	int64_t now = clock_system()->wall_ms(clock_system());
	int64_t newest;

	*at_out = now;
	if (store_writer_pid(store) == 0)
		return true;
	if (!reader_begin(reader, READER_NOW, 0, err))
		return false;
	newest = reader_seen_at(reader);
	reader_end(reader);
	*at_out = newest != TIME_UNKNOWN && newest > now - BUSY_MS ? newest : now - BUSY_MS;
	return true;
}

static bool find_theme(const struct config *config, struct cli_options *options, char *theme,
	size_t room)
{
	struct text configured = config_text(config_main(config), "theme");
	const char *no_color = getenv("NO_COLOR");

	/* What is asked for on the command line is stronger than NO_COLOR; what is configured is not. */
	if (options->theme || (no_color && no_color[0]) || !configured.bytes)
		return options->theme != NULL;
	/* A name that is cut here is too long for any theme, still: it is refused. */
	(void)snprintf(theme, room, "%.*s", TEXT_ARG(configured));
	options->theme = theme;
	return true;
}

static int show(const struct cli_options *options, const struct view_ops *ops,
	const struct view_arg *arg, const char *store)
{
	int64_t as_of = options->as_of_ms;
	struct err err = ERR_INIT;
	struct reader *reader;
	bool done;

	if (!reader_open(store, &reader, &err))
		return cli_fail(&err);
	done = (as_of || live_moment(reader, store, &as_of, &err)) &&
		reader_begin(reader, as_of, 0, &err) &&
		cli_show(options, ops, arg, reader, as_of, &err);
	reader_end(reader);
	reader_close(reader);
	return done ? CLI_GOOD : cli_fail(&err);
}

/* The defaults, changed by [keys]. path: the configuration's, for what is wrong in it. */
static bool find_bindings(const struct config *config, const char *path,
	struct bindings **bindings_out, struct err *err)
{
	struct bindings *bindings = bindings_new();

	for (size_t i = 0; i < config_pairs(config); i++) {
		const struct config_pair *pair = config_pair_at(config, i);

		if (bindings_configure(bindings, pair->name, pair->value, err))
			continue;
		bindings_free(bindings);
		return err_wrap(err, "%s:%d", path, pair->line);
	}
	*bindings_out = bindings;
	return true;
}

/* A collector, where none runs and there is something to collect; else there must be a store. */
static bool start_beside(struct desk *desk, const struct cli_options *options,
	const struct config *config, struct err *err)
{
	/* A console on a copied store (--store without --config) collects nothing. */
	if (desk->config && (options->config || !options->store) && config_sections(config) > 0 &&
		config_boolean(config_main(config), "start_collector") &&
		store_writer_pid(desk->store) == 0 &&
		!child_start(desk->config, options->store, &desk->child, err))
		return false;
	if (desk->child == 0 && access(desk->store, R_OK) != 0)
		return err_set(err, ERR_ABSENT, errno,
			"no store at %s and no configuration with a source; write "
			"~/.config/weir/weir.ini or give --config FILE or --store FILE", desk->store);
	return true;
}

static int run_console(const struct cli_options *options, const struct view_ops *ops,
	const struct view_arg *arg, const struct config *config, const char *config_path,
	const char *store)
{
	struct desk desk = { .store = store, .config = config_path };
	const char *slash = strrchr(store, '/');
	struct console_options console_options = {
		.data = { &desk, desk_begin, desk_end, desk_changed, desk_seen_at, desk_collecting,
			desk_counts, desk_child_ended },
		.clock = clock_system(),
		.store_name = slash ? slash + 1 : store,
		.theme = options->theme,
		.view = ops ? ops->name : NULL,
		.arg = *arg,
		.filter = options->filter,
		.as_of_ms = options->as_of_ms,
		.utc = options->utc || config_boolean(config_main(config), "utc"),
		.ascii = options->plain || config_boolean(config_main(config), "ascii"),
		.mouse = options->mouse || config_boolean(config_main(config), "mouse"),
		.mono = options->plain,
		.views = views,
	};
	struct err err = ERR_INIT;
	char *folder, *history;
	bool done;

	if (!find_bindings(config, config_path, &console_options.bindings, &err))
		return cli_fail(&err);
	if (!start_beside(&desk, options, config, &err)) {
		bindings_free(console_options.bindings);
		return cli_fail(&err);
	}
	folder = theme_folder();
	history = history_path();
	console_options.theme_folder = folder;
	console_options.history = history;
	done = console_run(&console_options, &err);
	free(folder);
	free(history);
	bindings_free(console_options.bindings);
	reader_close(desk.reader);
	child_stop(desk.child);
	return done ? CLI_GOOD : cli_fail(&err);
}

struct dump {
	struct buf line;
	struct err err; /* why a line could not be written */
};

static bool dump_line(void *context, struct text json)
{
	struct dump *dump = context;

	buf_reset(&dump->line);
	(void)utf8_clean_json(&dump->line, json); /* there is no max */
	(void)buf_add_char(&dump->line, '\n');
	return cli_write(buf_text(&dump->line), &dump->err);
}

static int dump(const struct cli_options *options, const char *store)
{
	struct err err = ERR_INIT;
	struct dump dump = { .err = ERR_INIT };
	struct reader *reader;
	bool done;

	if (!reader_open(store, &reader, &err))
		return cli_fail(&err);
	buf_init(&dump.line, SIZE_MAX);
	done = reader_begin(reader, options->as_of_ms, 0, &err) &&
		facts_dump(reader, dump_line, &dump, &err) && cli_flush(&err);
	reader_end(reader);
	reader_close(reader);
	buf_done(&dump.line);
	return done ? CLI_GOOD : cli_fail(dump.err.kind != ERR_NONE ? &dump.err : &err);
}

static bool check_theme(const struct config *config, const char *path, struct err *err)
{
	struct text configured = config_text(config_main(config), "theme");
	char *name = text_dup(configured), *folder = theme_folder();
	struct theme theme;
	bool good = !configured.bytes || theme_load(&theme, name, folder, err);

	free(name);
	free(folder);
	if (good)
		return true;
	err->kind = ERR_CONFIG;
	return err_wrap(err, "%s: theme", path);
}

/* What the collector passes over in the configuration, before it checks the rest. */
static bool check_looks(int argc, char **argv, struct err *err)
{
	struct cli_options options;
	struct config *config;
	struct bindings *bindings = NULL;
	char *path;
	bool good;

	if (!cli_parse(argc, argv, 0, &options, err))
		return false;
	path = config_find(options.config);
	good = config_load(path, &config, err);
	if (good) {
		good = find_bindings(config, path, &bindings, err) && check_theme(config, path, err);
		config_free(config);
	}
	bindings_free(bindings);
	free(path);
	return good;
}

/* `weir history PATH`, `weir version PATH N`; a path may be a file: URI or the _delta_log itself */
static int history_of_path(struct cli_options *options, const struct view_ops *ops,
	const struct config *config)
{
	const char *store = scratch.files[0];
	char *real, *log_dir;
	struct view_arg arg = view_arg_of(options);
	struct err err = ERR_INIT;
	int status;

	if (!delta_find_table(options->arg, &real, &log_dir, &err))
		return cli_fail(&err);
	free(log_dir);
	if (strlen(real) >= sizeof arg.subject) {
		(void)err_errno(&err, ENAMETOOLONG, "table %s", options->arg);
		free(real);
		return cli_fail(&err);
	}
	if (!scratch_make(&err)) {
		free(real);
		return cli_fail(&err);
	}
	(void)snprintf(arg.subject, sizeof arg.subject, "%s", real);
	if (!fill_store(store, real, &err))
		status = cli_fail(&err);
	else if (options->output == CLI_SCREEN)
		status = run_console(options, ops, &arg, config, NULL, store);
	else
		status = show(options, ops, &arg, store);
	scratch_remove();
	free(real);
	return status;
}

static int run(struct cli_options *options)
{
	const struct view_ops *ops = NULL;
	struct config *config = NULL;
	struct view_arg arg = view_arg_of(options);
	struct err err = ERR_INIT;
	char theme[64];
	char *config_path;
	char *store;
	int status;

	if (options->command && strcmp(options->command, "dump") != 0) {
		ops = cli_view(options->command, &err);
		if (!ops)
			return cli_fail(&err);
		if (ops->arg_required && !options->arg) {
			(void)err_set(&err, ERR_USAGE, 0, "weir %s wants %s", ops->name, ops->arg);
			return cli_fail(&err);
		}
	}
	if (options->command && !ops &&
		(options->filter || options->output == CLI_PRINT || options->output == CLI_CSV)) {
		(void)err_set(&err, ERR_USAGE, 0, "weir dump is all there is, as JSON");
		return cli_fail(&err);
	}
	if (!cli_can_filter(options, ops ? ops : views[0], &err))
		return cli_fail(&err);
	if (options->arg && !(ops && ops->arg)) {
		(void)err_set(&err, ERR_USAGE, 0, "one word too many: %s", options->arg);
		return cli_fail(&err);
	}
	if (ops && ops->arg && strncmp(ops->arg, "TABLE|PATH", 10) == 0 && options->arg &&
		cli_is_path(options->arg)) {
		if (!config_load(NULL, &config, &err))
			return cli_fail(&err);
		status = history_of_path(options, ops, config);
		config_free(config);
		return status;
	}
	config_path = config_find(options->config);
	if (!config_load(config_path, &config, &err)) {
		free(config_path);
		return cli_fail(&err);
	}
	store = config_store_path(config, options->store);
	(void)find_theme(config, options, theme, sizeof theme);
	if (options->command && !ops)
		status = dump(options, store);
	else if (options->output != CLI_SCREEN)
		status = show(options, ops ? ops : views[0], &arg, store);
	else
		status = run_console(options, ops, &arg, config, config_path, store);
	free(store);
	free(config_path);
	config_free(config);
	return status;
}

int main(int argc, char **argv)
{
	static const char *const collectors_own[] = { "collect", "doctor", "check-config" };
	const struct clock *clock = clock_system();
	struct cli_options options;
	struct err err = ERR_INIT;

	/*
	 * The alphabet only: a locale's decimal comma would break the numbers of JSON and CSV. Without
	 * one it is the C locale, and the screen is ASCII.
	 */
	(void)setlocale(LC_CTYPE, "");
	for (size_t i = 0; argc > 1 && i < ARRAY_LEN(collectors_own); i++) {
		if (strcmp(argv[1], collectors_own[i]) != 0)
			continue;
		if (i == 2 && !check_looks(argc, argv, &err))
			return cli_fail(&err);
		/* `collect` is what the collector does anyway; the others are its commands. */
		(void)child_become(i == 0 ? argv + 1 : argv, &err);
		return cli_fail(&err);
	}
	if (argc > 1 && strcmp(argv[1], "check") == 0)
		return cli_check(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "table") == 0)
		return cli_table(argc - 1, argv + 1);
	if (!cli_parse(argc, argv, clock->wall_ms(clock), &options, &err))
		return cli_fail(&err);
	if (options.help)
		cli_help();
	else if (options.version)
		(void)printf("weir %s\n", WEIR_VERSION);
	else if (!options.dump)
		return run(&options);
	else if (!cli_dump(options.dump, &err))
		return cli_fail(&err);
	return cli_flush(&err) ? CLI_GOOD : cli_fail(&err);
}
