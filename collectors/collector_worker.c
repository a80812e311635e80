/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/collector_worker.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

enum {
	STEP_MS = 250,        /* how long one step may take */
	STEP_ONCE_MS = 2000,  /* the same when nobody waits for what it brings */
	PUT_MS = 200,         /* how long one try waits for room in the store */
	LAST_PUT_MS = 500,    /* the same for a batch that is ready when the service stops */
	GATHER_MS = 100,      /* after idling: so that lines which come one by one share a commit */
	WAIT_MAX_MS = 10000,  /* health is looked at in between */
	BACK_OFF_MS = 1000,
	BACK_OFF_MAX_MS = 60000,
	RESTART_AFTER = 5, /* failures in a row until the collector starts anew from its cursor */
	ONCE_TRIES = 3
};

static int64_t mono(const struct worker *worker)
{
	return worker->shared->clock->mono_ms(worker->shared->clock);
}

static bool stopping(const struct worker *worker)
{
	return atomic_load(&worker->shared->stopping) || atomic_load(&worker->shared->broken);
}

/* Sleeps until the time is over, wake_fd (-1 = none) is readable, or the service stops. */
static void sleep_ms(const struct worker *worker, int64_t ms, int wake_fd)
{
	struct pollfd fds[] = {
		{ .fd = worker->shared->stop_fd, .events = POLLIN },
		{ .fd = wake_fd, .events = POLLIN },
	};

	(void)poll(fds, ARRAY_LEN(fds), (int)ms); /* an interruption only wakes early */
}

static void end_collector(struct worker *worker)
{
	if (!worker->self)
		return;
	worker->ops->stop(worker->self);
	FREE(&worker->self);
}

/* While the service stops, what a step has not finished is not worth waiting for. */
static bool go_on(struct progress *progress)
{
	return !stopping(progress->context);
}

static bool begin_collector(struct worker *worker, struct err *err)
{
	struct arena arena = { 0 };
	struct text cursor = TEXT_NONE;
	void *self;

	if (!store_cursor(worker->shared->store, text_of(worker->name), &arena, &cursor, err)) {
		arena_free(&arena);
		return false;
	}
	self = mem_zero(1, worker->ops->state_size);
	if (worker->ops->start(self, worker->config, cursor, err)) {
		worker->self = self;
		self = NULL;
	}
	free(self);
	arena_free(&arena);
	return worker->self != NULL;
}

static void count(struct worker *worker)
{
	const struct fact_batch *batch = worker->batch;

	worker->facts_read += (int64_t)batch->nevents;
	worker->undecodable += batch->undecodable;
	worker->read_bytes += batch->read_bytes;
	for (size_t i = 0; i < batch->nfacts; i++) {
		enum fact_kind kind = batch->facts[i].kind;

		worker->facts_read += kind != FACT_HEALTH && kind != FACT_UNDECODABLE;
	}
}

/*
 * The batch goes to the writer, waiting for room as long as it takes: that is the back-pressure.
 * A batch that is lost when the service stops is read again, for its cursor is lost with it.
 */
static bool put(struct worker *worker)
{
	struct fact_batch *batch = worker->batch;
	int64_t give_up = INT64_MAX;

	if (batch->nevents == 0 && batch->nfacts == 0 && !batch->cursor.bytes) {
		if (worker->more && !batch->more)
			store_settle(worker->shared->store);
		worker->more = batch->more;
		return true;
	}
	worker->more = batch->more;
	batch->source = arena_text(&batch->arena, text_of(worker->name));
	count(worker);
	for (;;) {
		struct err err = ERR_INIT;

		if (store_put(worker->shared->store, &worker->batch, mono(worker) + PUT_MS, &err))
			return true;
		if (err.kind != ERR_LIMIT) {
			worker->err = err;
			log_line(LOG_ERROR, worker->name, "%s", err.text);
			atomic_store(&worker->shared->broken, true);
			return false;
		}
		if (stopping(worker) && give_up == INT64_MAX)
			give_up = mono(worker) + LAST_PUT_MS;
		if (mono(worker) >= give_up)
			return false;
	}
}

/* Doubling with a quarter of chance either way, so that sources do not come back in step. */
static int64_t back_off(struct worker *worker)
{
	int64_t ms = BACK_OFF_MS;

	for (int i = 1; i < worker->failures && ms < BACK_OFF_MAX_MS; i++)
		ms *= 2;
	if (ms > BACK_OFF_MAX_MS)
		ms = BACK_OFF_MAX_MS;
	worker->random ^= worker->random << 13;
	worker->random ^= worker->random >> 7;
	worker->random ^= worker->random << 17;
	return ms - ms / 4 + (int64_t)(worker->random % (uint64_t)(ms / 2));
}

/* Says what went wrong and waits; false when this source is to end. */
static bool after_failure(struct worker *worker, const struct err *err)
{
	worker->err = *err;
	worker->failures++;
	worker_judge(worker, err);
	worker_tell_health(worker, false);
	if (!put(worker))
		return false;
	if (worker->shared->once && worker->failures >= ONCE_TRIES)
		return false;
	if (worker->failures % RESTART_AFTER == 0)
		end_collector(worker);
	if (worker->shared->once)
		sleep_ms(worker, GATHER_MS, -1);
	else
		sleep_ms(worker, back_off(worker), -1);
	return true;
}

static void after_idle(struct worker *worker)
{
	int64_t ms = worker->ops->poll_ms(worker->self);
	int fd = worker->ops->wake_fd ? worker->ops->wake_fd(worker->self) : -1;

	sleep_ms(worker, GATHER_MS, -1);
	if (!stopping(worker))
		sleep_ms(worker, ms < WAIT_MAX_MS ? ms : WAIT_MAX_MS, fd);
}

/* One step and what follows from it; false when this source is to end. */
static bool work(struct worker *worker)
{
	struct err err = ERR_INIT;
	struct step_context context = {
		.batch = worker->batch,
		.clock = worker->shared->clock,
		.deadline_ms = mono(worker) + (worker->shared->once ? STEP_ONCE_MS : STEP_MS),
		.once = worker->shared->once,
		.progress = &worker->progress,
	};
	enum step said;

	if (!worker->self && !begin_collector(worker, &err))
		return after_failure(worker, &err);
	said = worker->ops->step(worker->self, &context, &err);
	worker->batch->more = said == STEP_MORE;
	worker_note_news(worker);
	if (said == STEP_FAILED)
		return after_failure(worker, &err);
	worker->failures = 0;
	worker->caught_up = worker->caught_up || said == STEP_IDLE;
	worker_judge(worker, NULL);
	worker_tell_health(worker, worker->shared->once && said == STEP_IDLE);
	if (!put(worker))
		return false;
	if (said == STEP_MORE)
		return true;
	if (worker->shared->once)
		return false;
	after_idle(worker);
	return true;
}

void *worker_run(void *context)
{
	struct worker *worker = context;

	worker->batch = fact_batch_new();
	worker->random = text_hash(text_of(worker->name)) | 1;
	worker->started_ms = mono(worker);
	worker->progress = (struct progress){ .go_on = go_on, .context = worker };
	while (!stopping(worker) && work(worker))
		continue;
	end_collector(worker);
	fact_batch_free(worker->batch);
	worker->batch = NULL;
	worker->ended_ms = mono(worker);
	return NULL;
}
