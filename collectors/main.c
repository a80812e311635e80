/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/utf8.h"
#include "collectors/collector.h"
#include "collectors/kafka/sweeper.h"
#include "collectors/service.h"
#include "store/reader.h"

/* weir-collect: the process that collects. `weir collect` runs it. */

static const char help[] =
	"usage: weir-collect [OPTION]... [COMMAND]\n"
	"Collect what the configured sources say into Weir's store, until told to stop.\n"
	"\n"
	"commands\n"
	"  (none)           the service: follows all sources; SIGTERM or SIGINT ends it\n"
	"  doctor           try every source and say what to mend; status 0 all is well, 1 a source\n"
	"                   needs mending, 2 the configuration or the store does\n"
	"  check-config     read the configuration and say what is in it; status 0 or 2\n"
	"  dump             print all facts of the store as JSON lines, in one canonical order\n"
	"\n"
	"options\n"
	"  --config FILE    default $XDG_CONFIG_HOME/weir/weir.ini, else /etc/weir/weir.ini\n"
	"  --store FILE     default: store in [weir], else $XDG_STATE_HOME/weir/weir.db\n"
	"  --once           read everything there is, commit it, print a line a source, end\n"
	"  --child          for a console that starts this: end with it, log to the log file\n"
	"  --verbose        log more\n"
	"  --help, --version\n";

enum command { COMMAND_RUN, COMMAND_DOCTOR, COMMAND_CHECK, COMMAND_DUMP, COMMAND_HELP,
	COMMAND_VERSION };

struct arguments {
	enum command command;
	const char *config, *store;
	bool once, child, verbose;
};

enum { STATUS_GOOD, STATUS_TROUBLE, STATUS_USAGE, WATCH_MS = 200 };

static void complain(const char *what)
{
	struct buf clean;

	buf_init(&clean, 4096);
	(void)utf8_clean(&clean, text_of(what), UTF8_ONE_LINE); /* cut is fine */
	(void)fprintf(stderr, "weir-collect: %s\n", clean.bytes);
	buf_done(&clean);
}

/* --name VALUE or --name=VALUE; moves *at over what it takes. */
static bool valued(char **arguments, int count, int *at, const char *name, const char **value_out)
{
	size_t len = strlen(name);
	const char *word = arguments[*at];

	if (strncmp(word, name, len) != 0 || (word[len] != '\0' && word[len] != '='))
		return false;
	if (word[len] == '=')
		*value_out = word + len + 1;
	else
		*value_out = *at + 1 < count ? arguments[++*at] : "";
	return true;
}

static bool parse_word(const char *word, struct arguments *out)
{
	static const struct {
		const char *word;
		enum command command;
	} commands[] = {
		{ "doctor", COMMAND_DOCTOR },
		{ "check-config", COMMAND_CHECK },
		{ "dump", COMMAND_DUMP },
		{ "--help", COMMAND_HELP },
		{ "-h", COMMAND_HELP },
		{ "--version", COMMAND_VERSION },
	};

	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		if (strcmp(word, commands[i].word) == 0) {
			out->command = commands[i].command;
			return true;
		}
	}
	out->once = out->once || strcmp(word, "--once") == 0;
	out->child = out->child || strcmp(word, "--child") == 0;
	out->verbose = out->verbose || strcmp(word, "--verbose") == 0;
	return strcmp(word, "--once") == 0 || strcmp(word, "--child") == 0 ||
		strcmp(word, "--verbose") == 0;
}

static bool parse(int count, char **arguments, struct arguments *out)
{
	for (int i = 1; i < count; i++) {
		char line[256];

		if (valued(arguments, count, &i, "--config", &out->config) ||
			valued(arguments, count, &i, "--store", &out->store) ||
			parse_word(arguments[i], out))
			continue;
		(void)snprintf(line, sizeof line, "unknown argument \"%s\"; see weir-collect --help",
			arguments[i]);
		complain(line);
		return false;
	}
	if ((out->config && !out->config[0]) || (out->store && !out->store[0])) {
		complain("--config and --store need a file");
		return false;
	}
	return true;
}

/* The log goes to standard error, unless a file is configured or a console has the terminal. */
static bool open_log(const struct arguments *arguments, const struct config *config)
{
	char *path = NULL;
	struct err err = ERR_INIT;
	bool good = true;

	log_set_level(arguments->verbose ? LOG_DEBUG : arguments->once ? LOG_ERROR : LOG_INFO);
	if (arguments->child || config_text(config_main(config), "log").len > 0)
		path = config_log_path(config);
	if (path)
		good = config_make_parents(path, &err) && log_open(path, &err);
	else
		log_to_stderr();
	if (!good && !arguments->child)
		complain(err.text);
	free(path);
	return good || arguments->child; /* a child collects without a log rather than not at all */
}

static void report(struct service *service, bool *good)
{
	for (size_t i = 0; i < service_sources(service); i++) {
		struct service_report line = service_report(service, i);
		struct buf clean;

		buf_init(&clean, 2048);
		(void)utf8_clean(&clean, text_of(line.name), UTF8_ONE_LINE); /* cut is fine */
		(void)buf_addf(&clean, ": %" PRId64 " facts read, %" PRId64 " new, %" PRId64
			" undecodable, %.2f s", line.facts_read, line.facts_new, line.undecodable,
			(double)line.elapsed_ms / 1000);
		if (line.trouble) {
			(void)buf_add_str(&clean, "; ");
			(void)utf8_clean(&clean, text_of(line.trouble), UTF8_ONE_LINE);
		}
		(void)puts(clean.bytes);
		buf_done(&clean);
		if (line.failed)
			*good = false;
	}
}

static int run_once(struct service *service)
{
	struct err err = ERR_INIT;
	bool good = true;

	service_start(service, true);
	if (!service_finish(service, &err)) {
		complain(err.text);
		good = false;
	}
	report(service, &good);
	return good ? STATUS_GOOD : STATUS_TROUBLE;
}

/* Until a signal, the end of the console that started us, or the end of the store. */
static int run_service(struct service *service, const sigset_t *ends, bool child)
{
	const struct timespec watch = { 0, WATCH_MS * 1000000L };
	pid_t parent = getppid();
	struct err err = ERR_INIT;
	int status = STATUS_GOOD;

	service_start(service, false);
	for (;;) {
		int caught = sigtimedwait(ends, NULL, &watch);

		if (caught > 0) {
			log_line(LOG_INFO, "collect", "stopping: signal %d", caught);
			break;
		}
		if (child && getppid() != parent) {
			log_line(LOG_INFO, "collect", "stopping: the console ended");
			break;
		}
		if (service_broken(service, &err)) {
			log_line(LOG_ERROR, "collect", "stopping: %s", err.text);
			status = STATUS_TROUBLE;
			break;
		}
	}
	service_stop(service);
	return status;
}

/* Signals that end us are waited for, in every thread but handled in none. */
static void hold_signals(sigset_t *ends)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	(void)sigemptyset(ends);
	(void)sigaddset(ends, SIGTERM);
	(void)sigaddset(ends, SIGINT);
	(void)sigaddset(ends, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, ends, NULL);
	(void)sigaction(SIGPIPE, &ignore, NULL);
}

static int run(const struct arguments *arguments, const struct config *config)
{
	char *store_path = config_store_path(config, arguments->store);
	struct service *service = NULL;
	struct err err = ERR_INIT;
	sigset_t ends;
	int status = STATUS_TROUBLE;

	if (arguments->child)
		(void)prctl(PR_SET_PDEATHSIG, SIGTERM); /* getppid is watched as well */
	if (!arguments->once)
		hold_signals(&ends);
	if (!open_log(arguments, config))
		goto out;
	if (config_sections(config) == 0 && !arguments->child)
		complain("no source is configured; weir-collect doctor says how");
	if (!service_open(config, store_path, clock_system(), &service, &err)) {
		log_line(LOG_ERROR, "collect", "%s", err.text);
		if (!arguments->child)
			complain(err.text);
		goto out;
	}
	log_line(LOG_INFO, "collect", "version %s, %zu sources into %s", WEIR_VERSION,
		service_sources(service), store_path);
	status = arguments->once ? run_once(service)
				 : run_service(service, &ends, arguments->child);
out:
	service_close(service);
	free(store_path);
	log_close();
	return status;
}

static void say_finding(void *context, bool good, const char *where, const char *line)
{
	(void)context;
	(void)printf("%-4s  %-20s  %s\n", good ? "ok" : "MEND", where, line);
}

static int check_config(const char *path, const struct config *config)
{
	(void)printf("%s: %zu source%s\n", path ? path : "no configuration file",
		config_sections(config), config_sections(config) == 1 ? "" : "s");
	for (size_t i = 0; i < config_sections(config); i++) {
		const struct config_section *section = config_section_at(config, i);

		(void)printf("  [%.*s %.*s]\n", TEXT_ARG(section->kind), TEXT_ARG(section->name));
	}
	return STATUS_GOOD;
}

static bool print_line(void *context, struct text json)
{
	(void)context;
	return fwrite(json.bytes, 1, json.len, stdout) == json.len && putchar('\n') != EOF;
}

static int dump(const struct arguments *arguments, const struct config *config)
{
	char *path = config_store_path(config, arguments->store);
	struct reader *reader = NULL;
	struct err err = ERR_INIT;
	bool good = reader_open(path, &reader, &err) &&
		reader_begin(reader, READER_NOW, 0, &err) &&
		facts_dump(reader, print_line, NULL, &err);

	if (!good)
		complain(err.text);
	if (reader)
		reader_close(reader);
	free(path);
	return good && fflush(stdout) == 0 ? STATUS_GOOD : STATUS_TROUBLE;
}

static int with_config(const struct arguments *arguments)
{
	char *path = config_find(arguments->config);
	struct config *config = NULL;
	struct err err = ERR_INIT;
	int status = STATUS_USAGE;

	if (!config_load(path, &config, &err)) {
		complain(err.text);
		free(path);
		return STATUS_USAGE;
	}
	switch (arguments->command) {
	case COMMAND_RUN:
		status = run(arguments, config);
		break;
	case COMMAND_CHECK:
		status = check_config(path, config);
		break;
	case COMMAND_DUMP:
		status = dump(arguments, config);
		break;
	case COMMAND_DOCTOR:
	case COMMAND_HELP:
	case COMMAND_VERSION:
		break;
	}
	config_free(config);
	free(path);
	return status;
}

int main(int count, char **words)
{
	struct arguments arguments = { .command = COMMAND_RUN };

	(void)umask(077);
	/* Not for people: a Kafka client in a process of its own, started by the collector. */
	if (count > 1 && strcmp(words[1], KAFKA_SWEEPER_WORD) == 0)
		return kafka_sweeper_main(KAFKA_SWEEPER_FD);
	if (!parse(count, words, &arguments))
		return STATUS_USAGE;
	switch (arguments.command) {
	case COMMAND_HELP:
		return fputs(help, stdout) >= 0 ? STATUS_GOOD : STATUS_TROUBLE;
	case COMMAND_VERSION:
		return puts("weir-collect " WEIR_VERSION) >= 0 ? STATUS_GOOD : STATUS_TROUBLE;
	case COMMAND_DOCTOR:
		return service_doctor(arguments.config, arguments.store, say_finding, NULL);
	case COMMAND_RUN:
	case COMMAND_CHECK:
	case COMMAND_DUMP:
		break;
	}
	return with_config(&arguments);
}
