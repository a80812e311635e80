/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "collectors/collector.h"
#include "collectors/service.h"
#include "store/reader.h"
#include "store/store.h"

/* What every finding passes through: cleaned, counted, told. */
struct round {
	void (*say)(void *context, bool good, const char *where, const char *line);
	void *context;
	const char *where;
	size_t bad;
};

static void tell(void *context, bool good, const char *line)
{
	struct round *round = context;
	struct buf where;
	struct buf clean;

	buf_init(&where, 4096);
	buf_init(&clean, 4096);
	(void)utf8_clean(&where, text_of(round->where), UTF8_ONE_LINE); /* cut is fine */
	(void)utf8_clean(&clean, text_of(line), UTF8_ONE_LINE);
	round->bad += good ? 0 : 1;
	round->say(round->context, good, where.bytes, clean.bytes);
	buf_done(&where);
	buf_done(&clean);
}

static void tellf(struct round *round, bool good, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void tellf(struct round *round, bool good, const char *fmt, ...)
{
	struct buf line;
	va_list args;

	buf_init(&line, 4096);
	va_start(args, fmt);
	(void)buf_vaddf(&line, fmt, args); /* cut is fine */
	va_end(args);
	tell(round, good, line.bytes);
	buf_done(&line);
}

/* The nearest directory above that is there: may a store be made in it? */
static void examine_place(struct round *round, const char *path)
{
	char *above = strdup(path);
	char *slash;

	while (above && (slash = strrchr(above, '/')) != NULL) {
		slash[slash == above ? 1 : 0] = '\0';
		if (access(above, F_OK) == 0 || slash == above)
			break;
	}
	if (!above || !strchr(path, '/') || access(above, W_OK) == 0)
		tellf(round, true, "%s: not there yet; the collector makes it", path);
	else
		tellf(round, false, "%s: not there, and %s cannot be written: %s; give the right, or "
			"set store in [weir]", path, above, strerror(errno));
	free(above);
}

/* A store grows by gigabytes; its log alone by as much as readers make it wait. */
static bool examine_disk(struct round *round, const char *path)
{
	enum { LEAST_MB = 256 };
	struct statvfs disk;
	int64_t free_mb;

	if (statvfs(path, &disk) != 0)
		return true;
	free_mb = (int64_t)((double)disk.f_bavail * (double)disk.f_frsize / 1e6);
	if (free_mb >= LEAST_MB)
		return true;
	tellf(round, false, "%s: %lld MB are free on its disk; free some space, or set store in [weir] to"
		" a place with more", path, (long long)free_mb);
	return false;
}

static void examine_store(struct round *round, const char *path)
{
	struct reader *reader;
	struct err err = ERR_INIT;
	int pid;

	round->where = "store";
	if (access(path, F_OK) != 0) {
		examine_place(round, path);
		return;
	}
	if (!reader_open(path, &reader, &err)) {
		tellf(round, false, "%s; %s", err.text, err_advice(err.kind));
		return;
	}
	reader_close(reader);
	if (!examine_disk(round, path))
		return;
	pid = store_writer_pid(path);
	if (pid > 0)
		tellf(round, true, "%s: can be read; process %d collects into it", path, pid);
	else if (access(path, W_OK) == 0)
		tellf(round, true, "%s: can be read and written; nobody collects into it now", path);
	else
		tellf(round, false, "%s: can be read, but not written: %s", path, strerror(errno));
}

static void examine_sources(struct round *round, const struct config *config)
{
	struct buf name;

	buf_init(&name, 512);
	for (size_t i = 0; i < config_sections(config); i++) {
		const struct config_section *section = config_section_at(config, i);

		buf_reset(&name);
		(void)buf_addf(
			&name, "%.*s %.*s", TEXT_ARG(section->kind), TEXT_ARG(section->name));
		round->where = name.bytes;
		if (!config_boolean(section, "enabled")) {
			tell(round, true, "left alone: enabled = no");
			continue;
		}
		for (size_t k = 0; collector_kinds[k]; k++) {
			if (text_is(section->kind, collector_kinds[k]->kind))
				collector_kinds[k]->doctor(section, tell, round);
		}
	}
	buf_done(&name);
}

int service_doctor(const char *config_given, const char *store_given,
	void (*say)(void *context, bool good, const char *where, const char *line), void *context)
{
	struct round round = { .say = say, .context = context, .where = "configuration" };
	char *path = config_find(config_given);
	char *store_path;
	struct config *config;
	struct err err = ERR_INIT;
	size_t before;

	if (!config_load(path, &config, &err)) {
		tellf(&round, false, "%s", err.text);
		free(path);
		return 2;
	}
	if (!path)
		tell(&round, false, "there is none: write ~/.config/weir/weir.ini with a section such as "
				    "[eventlog NAME] and path = FILE");
	else if (config_sections(config) == 0)
		tellf(&round, false, "%s: no source in it; add [eventlog NAME] with path = FILE, or "
			"[delta NAME] with root = DIRECTORY", path);
	else
		tellf(&round, true, "%s: %zu source%s", path, config_sections(config),
			config_sections(config) == 1 ? "" : "s");
	store_path = config_store_path(config, store_given);
	examine_store(&round, store_path);
	before = round.bad;
	examine_sources(&round, config);
	free(store_path);
	free(path);
	config_free(config);
	if (before > 0)
		return 2;
	return round.bad > 0 ? 1 : 0;
}
