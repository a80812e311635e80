/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_SERVICE_H
#define COLLECTORS_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "collectors/config.h"

/*
 * All configured sources at work into one store: a thread a source, each restarted by itself when
 * it fails, health as facts. Calls from one thread; nothing here prints or ends the process.
 */
struct service;

/* Opens (creates) the store and takes its writer lock; no source runs yet. config is borrowed. */
bool service_open(const struct config *config, const char *store_path, const struct clock *clock,
	struct service **service_out, struct err *err);
/* once: every source ends by itself when everything that is there was read. */
void service_start(struct service *service, bool once);
/* Why the store takes nothing any more; the service should end. */
bool service_broken(struct service *service, struct err *err);
/* Waits for sources started with once; all is committed then. */
bool service_finish(struct service *service, struct err *err);
/* Asks every source to stop and waits; within a second. */
void service_stop(struct service *service);
void service_close(struct service *service); /* stopped; NULL is allowed */

struct service_report { /* of one source, after service_finish */
	const char *name; /* "eventlog fire" */
	int64_t facts_read, facts_new, undecodable, read_bytes, elapsed_ms;
	const char *trouble; /* why it stopped early, or what to look at; NULL = nothing */
	bool failed;
};
size_t service_sources(const struct service *service);
struct service_report service_report(struct service *service, size_t index);

/*
 * Examines configuration, store and every source, without writing. where: what the line is about;
 * all is clean text. 0: all is well; 1: a source needs mending; 2: configuration or store do.
 */
int service_doctor(const char *config_given, const char *store_given,
	void (*say)(void *context, bool good, const char *where, const char *line), void *context);

#endif
