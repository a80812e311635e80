/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/collector.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "collectors/collector_worker.h"
#include "collectors/service.h"

enum { FINISH_MS = 3600000 /* --once: the writer has as long as it needs, but not forever */ };

struct service {
	struct worker_shared shared;
	struct worker *workers;
	size_t nworkers;
};

static const struct collector_ops *ops_of(const struct config_section *section)
{
	for (size_t i = 0; collector_kinds[i]; i++) {
		if (text_is(section->kind, collector_kinds[i]->kind))
			return collector_kinds[i];
	}
	return NULL;
}

static void worker_init(
	struct service *service, struct worker *worker, const struct config_section *section)
{
	struct buf name;

	buf_init(&name, 512);
	(void)buf_addf(&name, "%.*s %.*s", TEXT_ARG(section->kind), TEXT_ARG(section->name));
	worker->shared = &service->shared;
	worker->ops = ops_of(section);
	assert(worker->ops);
	worker->config = section;
	worker->name = buf_take(&name);
	worker->news_at_ms = TIME_UNKNOWN;
	worker->behind = FACT_UNKNOWN;
	buf_init(&worker->text, 1024);
	buf_init(&worker->detail, 1024);
}

static void keep_days(const struct config_section *main, int64_t days[FACT_KIND_COUNT])
{
	static const char *const keys[FACT_KIND_COUNT] = {
		[FACT_EVENT] = "keep_events",
		[FACT_VERSION] = "keep_versions",
		[FACT_HEALTH] = "keep_health",
		[FACT_UNDECODABLE] = "keep_undecodable",
		[FACT_EDGE] = "keep_edges",
		[FACT_SWEEP] = "keep_lag",
		[FACT_MARKS] = "keep_lag",
		[FACT_POSITION] = "keep_lag",
		[FACT_TOPIC_TABLE] = "keep_lag",
		[FACT_CONNECTOR] = "keep_lag",
		[FACT_TABLE] = "keep_versions",
		[FACT_STANDING] = "keep_versions",
	};

	for (size_t i = 0; i < FACT_KIND_COUNT; i++)
		days[i] = keys[i] ? config_integer(main, keys[i]) : 0;
}

bool service_open(const struct config *config, const char *store_path, const struct clock *clock,
	struct service **service_out, struct err *err)
{
	struct service *service;
	struct store *store;
	struct store_options options = {
		.path = store_path,
		.clock = clock,
		.full_sync = config_boolean(config_main(config), "full_sync"),
		.visible_ms = config_integer(config_main(config), "visible_within"),
		.whole_lag_ms = config_integer(config_main(config), "whole_lag"),
	};

	keep_days(config_main(config), options.keep_days);
	if (!config_make_parents(store_path, err) || !store_open(&options, &store, err))
		return false;
	service = NEW(struct service);
	service->shared.store = store;
	service->shared.clock = clock;
	atomic_init(&service->shared.stopping, false);
	atomic_init(&service->shared.broken, false);
	service->shared.stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	service->workers = NEW_ARRAY(struct worker, config_sections(config) + 1);
	for (size_t i = 0; i < config_sections(config); i++) {
		const struct config_section *section = config_section_at(config, i);

		if (config_boolean(section, "enabled"))
			worker_init(service, &service->workers[service->nworkers++], section);
	}
	*service_out = service;
	return true;
}

void service_start(struct service *service, bool once)
{
	service->shared.once = once;
	for (size_t i = 0; i < service->nworkers; i++) {
		struct worker *worker = &service->workers[i];
		int code = pthread_create(&worker->thread, NULL, worker_run, worker);

		worker->running = code == 0;
		if (code != 0) {
			(void)err_errno(&worker->err, code, "start a thread");
			worker->failures = 1;
			log_line(LOG_ERROR, worker->name, "%s", worker->err.text);
		}
	}
}

static void join_all(struct service *service)
{
	for (size_t i = 0; i < service->nworkers; i++) {
		if (service->workers[i].running)
			(void)pthread_join(service->workers[i].thread, NULL);
		service->workers[i].running = false;
	}
}

bool service_broken(struct service *service, struct err *err)
{
	return atomic_load(&service->shared.broken) &&
		!err_set(err, ERR_STORE, 0, "the store takes nothing any more; see the log");
}

bool service_finish(struct service *service, struct err *err)
{
	const struct clock *clock = service->shared.clock;

	join_all(service);
	for (size_t i = 0; i < service->nworkers; i++) {
		if (atomic_load(&service->shared.broken) &&
			service->workers[i].err.kind != ERR_NONE) {
			*err = service->workers[i].err;
			return false;
		}
	}
	return store_flush(service->shared.store, clock->mono_ms(clock) + FINISH_MS, err);
}

void service_stop(struct service *service)
{
	uint64_t one = 1;
	ssize_t ignored;

	atomic_store(&service->shared.stopping, true);
	ignored = write(service->shared.stop_fd, &one, sizeof one);
	(void)ignored; /* cannot be full: it is written once */
	join_all(service);
}

void service_close(struct service *service)
{
	if (!service)
		return;
	for (size_t i = 0; i < service->nworkers; i++) {
		free(service->workers[i].name);
		buf_done(&service->workers[i].text);
		buf_done(&service->workers[i].detail);
	}
	store_close(service->shared.store);
	(void)close(service->shared.stop_fd); /* nothing to lose */
	free(service->workers);
	free(service);
}

size_t service_sources(const struct service *service)
{
	return service->nworkers;
}

struct service_report service_report(struct service *service, size_t index)
{
	const struct worker *worker = &service->workers[index];
	struct store_totals totals = { 0 };
	int64_t others;
	struct service_report report = {
		.name = worker->name,
		.facts_read = worker->facts_read,
		.undecodable = worker->undecodable,
		.read_bytes = worker->read_bytes,
		.elapsed_ms = worker->ended_ms - worker->started_ms,
		.failed = worker->failures > 0,
	};

	store_totals(service->shared.store, text_of(worker->name), &totals);
	others = totals.facts_new - worker->healths - worker->undecodable;
	report.facts_new = totals.events_new + (others > 0 ? others : 0);
	if (report.failed)
		report.trouble = worker->err.text;
	else if (worker->state != HEALTH_OK && worker->state != HEALTH_SILENT)
		report.trouble = worker->text.bytes;
	return report;
}
