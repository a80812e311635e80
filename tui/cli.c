/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "collectors/collector.h"
#include "tui/filter.h"
#include "tui/print.h"
#include "tui/prompt.h"
#include "tui/theme.h"
#include "tui/when.h"

enum { OUTPUT_MAX_BYTES = 1 << 30, WIDTH_LEAST = 1 };

enum option_kind { OPTION_FLAG, OPTION_TEXT, OPTION_OUTPUT, OPTION_NUMBER };

/* One row an option: parsing and help read it. */
static const struct option {
	const char *name, *value, *help;
	enum option_kind kind;
	size_t offset;
	int number; /* OUTPUT: which */
} options_table[] = {
	{ "--config", "FILE", "configuration instead of ~/.config/weir/weir.ini", OPTION_TEXT,
		offsetof(struct cli_options, config), 0 },
	{ "--store", "FILE", "look at this store", OPTION_TEXT, offsetof(struct cli_options, store), 0 },
	{ "--print", NULL, "the screen as text, as wide as --width", OPTION_OUTPUT, 0, CLI_PRINT },
	{ "--json", NULL, "the screen's data as JSON", OPTION_OUTPUT, 0, CLI_JSON },
	{ "--csv", NULL, "the screen's list as CSV", OPTION_OUTPUT, 0, CLI_CSV },
	{ "--as-of", "TIME", "as known at that time: RFC 3339, 02:14, or 15m, 4h, 2d ago", OPTION_TEXT,
		offsetof(struct cli_options, as_of), 0 },
	{ "--filter", "TEXT", "only rows that match; column:word, !word", OPTION_TEXT,
		offsetof(struct cli_options, filter), 0 },
	{ "--width", "CELLS", "how wide --print is (default: the terminal, else 80)", OPTION_NUMBER,
		offsetof(struct cli_options, width), 0 },
	{ "--theme", "NAME", "colors: a theme's name", OPTION_TEXT, offsetof(struct cli_options, theme),
		0 },
	{ "--utc", NULL, "times in UTC on the console", OPTION_FLAG, offsetof(struct cli_options, utc),
		0 },
	{ "--local", NULL, "times of --print in the local zone instead of UTC", OPTION_FLAG,
		offsetof(struct cli_options, local), 0 },
	{ "--plain", NULL, "ASCII only, no color", OPTION_FLAG, offsetof(struct cli_options, plain), 0 },
	{ "--mouse", NULL, "take the mouse: click a row, a column's head to sort, scroll", OPTION_FLAG,
		offsetof(struct cli_options, mouse), 0 },
	{ "--dump", "WHAT", "keys, actions, views, config, themes or roles, for documents", OPTION_TEXT,
		offsetof(struct cli_options, dump), 0 },
	{ "--help", NULL, "this", OPTION_FLAG, offsetof(struct cli_options, help), 0 },
	{ "--version", NULL, "the version", OPTION_FLAG, offsetof(struct cli_options, version), 0 },
};

static bool option_unknown(const char *word, struct err *err)
{
	const char *names[ARRAY_LEN(options_table)];
	const char *nearest;

	for (size_t i = 0; i < ARRAY_LEN(options_table); i++)
		names[i] = options_table[i].name;
	nearest = text_nearest(text_of(word), names, ARRAY_LEN(names));
	return err_set(err, ERR_USAGE, 0, "unknown option %s%s%s", word,
		nearest ? ", did you mean " : "", nearest ? nearest : "");
}

static bool option_take(const struct option *option, const char *value, struct cli_options *out,
	struct err *err)
{
	char *field = (char *)out + option->offset;
	int64_t number;
	bool yes = true;

	if (value && !option->value)
		return err_set(err, ERR_USAGE, 0, "%s takes no value", option->name);
	switch (option->kind) {
	case OPTION_FLAG:
		memcpy(field, &yes, sizeof yes);
		return true;
	case OPTION_TEXT:
		memcpy(field, &value, sizeof value);
		return true;
	case OPTION_OUTPUT:
		if (out->output != CLI_SCREEN)
			return err_set(err, ERR_USAGE, 0, "one of --print, --json, --csv");
		out->output = (enum cli_output)option->number;
		return true;
	case OPTION_NUMBER:
		if (!text_to_i64(text_of(value), &number) || number < WIDTH_LEAST ||
			number > CANVAS_MAX_COLS)
			return err_set(err, ERR_USAGE, 0, "%s takes a number from %d to %d, not %s",
				option->name, WIDTH_LEAST, CANVAS_MAX_COLS, value);
		out->width = (int)number;
		return true;
	}
	return true;
}

bool cli_parse(int argc, char **argv, int64_t now_ms, struct cli_options *out, struct err *err)
{
	bool words_only = false;

	*out = (struct cli_options){ 0 };
	for (int i = 1; i < argc; i++) {
		const struct option *option = NULL;
		struct text word = text_of(argv[i]);
		struct text name = word;
		struct text rest = word;
		const char *value = NULL;

		if (!words_only && text_is(word, "--")) {
			words_only = true;
			continue;
		}
		if (words_only || word.len < 2 || word.bytes[0] != '-') {
			if (!out->command)
				out->command = argv[i];
			else if (!out->arg)
				out->arg = argv[i];
			else if (!out->arg2)
				out->arg2 = argv[i];
			else
				return err_set(err, ERR_USAGE, 0, "one word too many: %s", argv[i]);
			continue;
		}
		(void)text_split(&rest, '=', &name);
		for (size_t at = 0; at < ARRAY_LEN(options_table); at++) {
			if (text_is(name, options_table[at].name))
				option = &options_table[at];
		}
		if (text_is(word, "-h"))
			option = &options_table[ARRAY_LEN(options_table) - 2];
		if (!option)
			return option_unknown(argv[i], err);
		value = rest.bytes;
		if (option->value && !value) {
			value = argv[++i];
			if (!value)
				return err_set(err, ERR_USAGE, 0, "%s wants %s", option->name,
					option->value);
		}
		if (!option_take(option, value, out, err))
			return false;
	}
	return !out->as_of ||
		when_parse(text_of(out->as_of), now_ms, !out->local, &out->as_of_ms, err) ||
		err_wrap(err, "--as-of");
}

bool cli_take(const struct cli_word *words, size_t n, const char *command, char **argv, int *at,
	void *into, struct err *err)
{
	struct text rest = text_of(argv[*at]), name = rest;
	const char *value;
	bool yes = true;

	(void)text_split(&rest, '=', &name);
	for (size_t i = 0; i < n; i++) {
		char *field = (char *)into + words[i].offset;

		if (!text_is(name, words[i].name))
			continue;
		if (words[i].flag && rest.bytes)
			return err_set(err, ERR_USAGE, 0, "%s takes no value", words[i].name);
		if (words[i].flag) {
			memcpy(field, &yes, sizeof yes);
			return true;
		}
		value = rest.bytes ? rest.bytes : argv[*at + 1];
		if (!value)
			return err_set(err, ERR_USAGE, 0, "%s wants a value", words[i].name);
		*at += rest.bytes == NULL;
		memcpy(field, &value, sizeof value);
		return true;
	}
	return err_set(err, ERR_USAGE, 0, "%s does not know %s", command, argv[*at]);
}

/* Names and paths in the text come from outside. That input is kept is true of collectors only. */
int cli_fail(const struct err *err)
{
	const char *advice = err->kind == ERR_FORMAT ? "" : err_advice(err->kind);
	struct buf clean;

	buf_init(&clean, 4 * sizeof err->text);
	(void)utf8_clean(&clean, text_of(err->text), UTF8_ONE_LINE);
	(void)fprintf(stderr, "weir: %s%s%s\n", clean.bytes, *advice ? "; " : "", advice);
	buf_done(&clean);
	return err->kind == ERR_USAGE || err->kind == ERR_CONFIG ? CLI_WRONG : CLI_BAD;
}

void cli_help(void)
{
	(void)printf("weir: the console for lakehouse pipelines\n\n"
		     "  weir                         the console; starts a collector if none runs\n"
		     "  weir VIEW [ARG]              the console on that screen\n"
		     "  weir VIEW --print            the screen as text (--json, --csv)\n"
		     "  weir check lag               exit status by lag, for cron and gates\n"
		     "  weir collect [--once]        the collector\n"
		     "  weir doctor                  tries every source, says what to fix\n"
		     "  weir check-config            reads the configuration and stops\n"
		     "  weir table detail PATH       a Delta table from its log; also files, history, diff\n"
		     "  weir dump                    every fact in the store, a JSON object a line\n\nscreens\n");
	for (size_t i = 0; views[i]; i++) {
		char name[40];

		(void)snprintf(name, sizeof name, "%s%s%s", views[i]->name, views[i]->arg ? " " : "",
			views[i]->arg ? views[i]->arg : "");
		(void)printf("  %-28s %s\n", name, views[i]->about);
	}
	(void)printf("\noptions\n");
	for (size_t i = 0; i < ARRAY_LEN(options_table); i++) {
		char name[40];

		(void)snprintf(name, sizeof name, "%s%s%s", options_table[i].name,
			options_table[i].value ? " " : "",
			options_table[i].value ? options_table[i].value : "");
		(void)printf("  %-28s %s\n", name, options_table[i].help);
	}
	(void)printf("\nman weir has the keys, the JSON fields and every configuration key.\n");
}

static void dump_keys(const char *section, const struct config_key *keys)
{
	for (; keys->name; keys++)
		(void)printf("%s\t%s\t%s\t%s\t%s\n", section, keys->name,
			keys->fallback ? keys->fallback : "(must be given)",
			keys->choices ? keys->choices : keys->unit ? keys->unit : "", keys->help);
}

bool cli_dump(const char *what, struct err *err)
{
	struct bindings *bindings;
	bool done = true;

	if (strcmp(what, "actions") == 0 || strcmp(what, "keys") == 0) {
		bindings = bindings_new();
		for (int action = ACT_NONE + 1; action < ACT_COUNT; action++) {
			const struct action_info *info = action_info((enum action)action);
			char keys[128];

			bindings_keys(bindings, (enum action)action, keys, sizeof keys);
			(void)printf("%s\t%s\t%s\t%s\n", info->name, keys,
				action_group_name(info->group), info->help);
		}
		bindings_free(bindings);
	} else if (strcmp(what, "views") == 0) {
		for (size_t i = 0; views[i]; i++)
			(void)printf("%s\t%s\t%s\n", views[i]->name, views[i]->arg ? views[i]->arg : "",
				views[i]->about);
	} else if (strcmp(what, "config") == 0) {
		dump_keys("weir", config_main_keys);
		for (size_t i = 0; collector_kinds[i]; i++)
			dump_keys(collector_kinds[i]->kind, collector_kinds[i]->keys);
		dump_keys("every source", config_source_keys);
	} else if (strcmp(what, "themes") == 0) {
		for (size_t i = 0; theme_builtin(i); i++)
			(void)printf("%s\n", theme_builtin(i));
	} else if (strcmp(what, "roles") == 0) {
#define X(id, name, about) (void)printf("%s\t%s\n", name, about);
#include "tui/roles.def"
#undef X
	} else {
		done = err_set(err, ERR_USAGE, 0,
			"--dump takes keys, actions, views, config, themes or roles, not %s", what);
	}
	return done;
}

bool cli_is_path(const char *table)
{
	struct stat status;

	return strncmp(table, "file:", 5) == 0 || table[0] == '/' || table[0] == '.' ||
		(stat(table, &status) == 0 && S_ISDIR(status.st_mode));
}

const struct view_ops *cli_view(const char *name, struct err *err)
{
	const char *names[64] = { "collect", "doctor", "check-config", "dump", "check", "table" };
	size_t n = 6;
	const char *nearest;

	for (size_t i = 0; views[i]; i++) {
		if (strcmp(views[i]->name, name) == 0)
			return views[i];
		if (n < ARRAY_LEN(names))
			names[n++] = views[i]->name;
	}
	nearest = text_nearest(text_of(name), names, n);
	(void)err_set(err, ERR_USAGE, 0, "no screen or command %s%s%s", name,
		nearest ? ", did you mean " : "", nearest ? nearest : "");
	return NULL;
}

bool cli_can_filter(const struct cli_options *options, const struct view_ops *ops, struct err *err)
{
	struct text rest = text_of(options->filter), word;
	size_t len = rest.len, n = 0;

	if (len == 0)
		return true;
	if (!ops->filter)
		return err_set(err, ERR_USAGE, 0, "%s has no rows to filter", ops->name);
	while (text_split(&rest, ' ', &word))
		n += word.len > 0;
	if (len < PROMPT_MAX && n <= FILTER_WORDS_MAX)
		return true;
	return err_set(err, ERR_USAGE, 0, "--filter takes at most %d words in %d bytes",
		FILTER_WORDS_MAX, PROMPT_MAX - 1);
}

/* Every byte that leaves has passed the canvas, the JSON or the CSV writer; this only writes. */
bool cli_write(struct text text, struct err *err)
{
	if (fwrite(text.bytes, 1, text.len, stdout) == text.len)
		return true;
	return err_set(err, ERR_CANCELED, errno, "write output: %s", strerror(errno));
}

bool cli_flush(struct err *err)
{
	bool failed = ferror(stdout) != 0; /* before, and why has been forgotten */

	if (fflush(stdout) == 0 && !failed)
		return true;
	return err_set(err, ERR_CANCELED, failed ? EIO : errno, "write output: %s",
		failed ? "not all of it was written" : strerror(errno));
}

static int print_width(const struct cli_options *options)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	int64_t width;

	if (options->width > 0)
		return options->width;
	if (columns && text_to_i64(text_of(columns), &width) && width >= WIDTH_LEAST &&
		width <= CANVAS_MAX_COLS)
		return (int)width;
	/* Shells keep COLUMNS to themselves. */
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= WIDTH_LEAST)
		return size.ws_col < CANVAS_MAX_COLS ? size.ws_col : CANVAS_MAX_COLS;
	return 80;
}

static enum print_form form_of(enum cli_output output)
{
	if (output == CLI_JSON)
		return PRINT_JSON;
	return output == CLI_CSV ? PRINT_CSV : PRINT_TEXT;
}

bool cli_show(const struct cli_options *options, const struct view_ops *ops,
	const struct view_arg *arg, struct reader *reader, int64_t as_of_ms, struct err *err)
{
	struct arena arena = { 0 };
	struct look look = { .now_ms = as_of_ms, .utc = !options->local, .ascii = options->plain,
		.arena = &arena };
	struct view *view;
	struct buf out;
	bool done;

	view = view_new(ops, arg, &look, err);
	if (!view)
		return false;
	buf_init(&out, OUTPUT_MAX_BYTES);
	view->whole = options->output == CLI_JSON || options->output == CLI_CSV;
	if (options->filter && ops->filter)
		ops->filter(view, text_of(options->filter), false);
	done = view_load(view, reader, as_of_ms, err) &&
		print_view(view, form_of(options->output), print_width(options), &out, err);
	done = done && cli_write(buf_text(&out), err) && cli_flush(err);
	buf_done(&out);
	view_free(view);
	arena_free(&arena);
	return done;
}
