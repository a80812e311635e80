/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/log.h"
#include "base/utf8.h"
#include "collectors/collector_worker.h"

enum { TELL_EVERY_MS = 60000, TEXT_MAX_BYTES = 1024 };

void worker_note_news(struct worker *worker)
{
	const struct clock *clock = worker->shared->clock;
	const struct fact_batch *batch = worker->batch;
	int64_t now = clock->wall_ms(clock);
	int64_t newest = TIME_UNKNOWN;

	for (size_t i = 0; i < batch->nevents; i++) {
		if (batch->events[i].happened_at_ms > newest)
			newest = batch->events[i].happened_at_ms;
	}
	for (size_t i = 0; i < batch->nfacts; i++) {
		enum fact_kind kind = batch->facts[i].kind;

		if (kind != FACT_HEALTH && kind != FACT_UNDECODABLE &&
			batch->facts[i].happened_at_ms > newest)
			newest = batch->facts[i].happened_at_ms;
	}
	if (newest == TIME_UNKNOWN)
		return;
	/* What was there before we came is as old as it says; what comes while we look is new. */
	if (worker->caught_up || newest > now)
		newest = now;
	if (newest > worker->news_at_ms)
		worker->news_at_ms = newest;
}

/* A source that is well but has not said anything for long. */
static void judge_silence(
	struct worker *worker, const struct collector_status *status, struct buf *text)
{
	const struct clock *clock = worker->shared->clock;
	int64_t limit_ms = config_integer(worker->config, "silent_after");
	int64_t news = worker->news_at_ms != TIME_UNKNOWN ? worker->news_at_ms : status->news_at_ms;

	if (limit_ms <= 0 || news == TIME_UNKNOWN || status->state != HEALTH_OK ||
		!worker->caught_up || clock->wall_ms(clock) - news <= limit_ms)
		return;
	worker->state = HEALTH_SILENT;
	buf_reset(text);
	(void)buf_add_str(text, "no news since ");
	time_format_utc(text, news);
	(void)buf_add_str(text, "; is its writer running?");
}

/* Takes the words over; true when they, or the state, are others than before. */
static bool replace(struct buf *kept, const struct buf *words)
{
	struct buf clean;
	bool changed;

	buf_init(&clean, TEXT_MAX_BYTES);
	(void)utf8_clean(&clean, buf_text(words), UTF8_ONE_LINE); /* cut is fine */
	changed = !text_eq(buf_text(kept), buf_text(&clean));
	if (changed) {
		buf_reset(kept);
		(void)buf_add(kept, buf_text(&clean));
	}
	buf_done(&clean);
	return changed;
}

void worker_judge(struct worker *worker, const struct err *failure)
{
	enum health_state before = worker->state;
	struct collector_status status = {
		.state = HEALTH_OK,
		.behind = FACT_UNKNOWN,
		.news_at_ms = TIME_UNKNOWN,
	};

	buf_init(&status.text, TEXT_MAX_BYTES);
	buf_init(&status.detail, TEXT_MAX_BYTES);
	if (worker->self && worker->ops->status)
		worker->ops->status(worker->self, &status);
	worker->state = status.state;
	worker->behind = status.behind;
	if (failure) {
		const char *advice = err_advice(failure->kind);

		worker->state = HEALTH_FAILED;
		buf_reset(&status.text);
		(void)buf_addf(&status.text, "%s%s%s", failure->text, advice[0] ? "; " : "", advice);
	} else {
		judge_silence(worker, &status, &status.text);
	}
	if (replace(&worker->text, &status.text) || before != worker->state) {
		worker->told = false;
		log_line(worker->state >= HEALTH_DEGRADED ? LOG_WARN : LOG_INFO, worker->name,
			"%s: %s", health_state_name(worker->state), worker->text.bytes);
	}
	(void)replace(&worker->detail, &status.detail);
	buf_done(&status.text);
	buf_done(&status.detail);
}

void worker_tell_health(struct worker *worker, bool forced)
{
	const struct clock *clock = worker->shared->clock;
	struct fact_batch *batch = worker->batch;
	int64_t now = clock->mono_ms(clock);
	struct fact *fact;

	if (!forced && worker->told && now - worker->told_at_ms < TELL_EVERY_MS)
		return;
	fact = fact_batch_fact(batch, FACT_HEALTH, clock->wall_ms(clock));
	fact->u.health = (struct fact_health){
		.state = worker->state,
		.text = arena_text(&batch->arena, buf_text(&worker->text)),
		.detail = arena_text(&batch->arena, buf_text(&worker->detail)),
		.behind = worker->behind,
	};
	worker->told = true;
	worker->told_at_ms = now;
	worker->healths++;
}
