/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_COLLECTOR_H
#define COLLECTORS_COLLECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/progress.h"
#include "collectors/config.h"
#include "store/fact.h"

/*
 * A collector kind: a table of functions, one instance a configured source, one worker thread an
 * instance. step does a bounded piece of work into the batch it is given; the framework puts the
 * batch to the store, sleeps between steps, writes health, restarts with back-off after a failure.
 */
enum step {
	STEP_IDLE, /* nothing more for now: wait for wake or the poll interval */
	STEP_MORE, /* call again at once */
	STEP_FAILED /* err says why; back off, then step again (state is kept) */
};

struct step_context {
	struct fact_batch *batch;   /* empty at entry; facts and cursor go in */
	const struct clock *clock;
	int64_t deadline_ms;        /* monotonic; return soon after */
	bool once;                  /* --once: read what is there, do not wait for half-written ends */
	struct progress *progress;  /* stops work when the service stops; lives until ops.stop */
};

/* How a collector sees itself, for its source's health. Buffers are the framework's. */
struct collector_status {
	enum health_state state; /* HEALTH_OK at entry */
	struct buf text;         /* what, why, what to do; need not be clean */
	struct buf detail;       /* what is being read now: a path */
	int64_t behind;          /* bytes or versions not read yet; FACT_UNKNOWN at entry */
	int64_t news_at_ms;      /* newest change of what is read, wall; TIME_UNKNOWN at entry */
};

struct collector_ops {
	const char *kind;  /* section word: "eventlog" */
	const char *about; /* one sentence for help, man page and doctor */
	const struct config_key *keys; /* ends with name NULL */
	size_t state_size; /* zeroed; given as self */
	/* cursor: as committed last, NONE the first time. */
	bool (*start)(void *self, const struct config_section *config, struct text cursor,
		struct err *err);
	enum step (*step)(void *self, struct step_context *context, struct err *err);
	/* A descriptor that becomes readable when there may be work (inotify), or -1: poll only. */
	int (*wake_fd)(void *self);
	int64_t (*poll_ms)(void *self); /* longest sleep between steps */
	/* Tries everything once without reading facts: one line a finding through say. */
	void (*doctor)(const struct config_section *config,
		void (*say)(void *context, bool good, const char *line), void *context);
	/* Worker's thread, between steps; may be NULL. */
	void (*status)(void *self, struct collector_status *out);
	void (*stop)(void *self); /* after the last step (not if start failed); frees all */
};

extern const struct collector_ops eventlog_collector; /* collectors/eventlog */
extern const struct collector_ops delta_collector;    /* collectors/delta */
extern const struct collector_ops checkpoint_collector; /* collectors/checkpoint */
extern const struct collector_ops kafka_collector;    /* collectors/kafka */
/* These need libraries that only weir-collect links; the console knows their words (keys, about). */
extern const struct collector_ops connect_collector; /* collectors/connect */
extern const struct collector_ops connect_words;
/* All kinds, NULL-terminated. */
extern const struct collector_ops *const collector_kinds[];

#endif
