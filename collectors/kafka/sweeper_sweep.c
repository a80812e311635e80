/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "collectors/kafka/sweeper_parts.h"
#include "store/fact.h"

static size_t count_groups(const struct sweeper *sweeper)
{
	size_t count = 0;

	for (size_t i = 0; i < sweeper->ngroups; i++)
		count += sweeper->groups[i].listed;
	return count;
}

static void send_end(struct sweeper *sweeper, bool good, int64_t began_ms)
{
	int64_t partitions = 0;
	size_t begun = wire_begin(&sweeper->out, WIRE_END);

	for (size_t i = 0; i < sweeper->ntopics; i++)
		partitions += sweeper->topics[i].nmarks;
	wire_u8(&sweeper->out, good);
	wire_u8(&sweeper->out, good && sweeper->groups_complete);
	wire_u8(&sweeper->out, sweeper->fault_final);
	wire_i64(&sweeper->out,
		good ? sweeper->ends_at_ms : sweeper->clock->wall_ms(sweeper->clock));
	wire_i64(&sweeper->out, sweeper_now(sweeper) - began_ms);
	wire_i64(&sweeper->out, good ? (int64_t)sweeper->brokers : FACT_UNKNOWN);
	wire_i64(&sweeper->out, good ? (int64_t)sweeper->brokers_down : FACT_UNKNOWN);
	wire_i64(&sweeper->out, good ? (int64_t)sweeper->ntopics : FACT_UNKNOWN);
	wire_i64(&sweeper->out, good ? partitions : FACT_UNKNOWN);
	wire_i64(&sweeper->out, good && !sweeper->groups_unsupported
			? (int64_t)count_groups(sweeper) : FACT_UNKNOWN);
	wire_i64(&sweeper->out, sweeper->unread);
	wire_text(&sweeper->out,
		sweeper->problem[0] ? text_of(sweeper->problem) : TEXT_NONE);
	(void)wire_end(&sweeper->out, begun); /* short */
	sweeper_send(sweeper);
}

/* A client with requests that nobody has answered for minutes is given up; its late answers too. */
static void replace_stuck(struct sweeper *sweeper)
{
	int64_t now = sweeper_now(sweeper);

	for (size_t i = 0; i < sweeper->ngroups; i++) {
		const struct group *group = &sweeper->groups[i];

		if (group->waiting > 0 && now - group->waiting_since_ms > STUCK_MS) {
			sweeper_log(sweeper, 2, "requests without an answer for %d s: a new client",
				STUCK_MS / 1000);
			client_close(sweeper);
			return;
		}
	}
}

/*
 * With a broker down each listing of groups costs its whole timeout, so the next is put off. But not
 * once the cluster answers whole again, or has a broker more: what waited is listed at the next sweep.
 */
static void list_when_well(struct sweeper *sweeper, bool good, size_t brokers, int64_t unread)
{
	if (!good || sweeper->brokers > brokers || (unread > 0 && sweeper->unread == 0))
		sweeper->list_failed_at_ms = 0;
}

/* Commits are read before ends, so that no reader is ever ahead of what it reads. */
void sweep_run(struct sweeper *sweeper)
{
	int64_t began_ms = sweeper_now(sweeper), unread = sweeper->unread;
	size_t brokers = sweeper->brokers;
	bool good;

	sweeper->sweep++;
	sweeper->unread = 0;
	sweeper->problem[0] = '\0';
	replace_stuck(sweeper);
	good = client_open(sweeper) && topics_load(sweeper) && groups_list(sweeper);
	if (good) {
		groups_describe(sweeper);
		commits_read(sweeper);
		marks_read(sweeper);
		topics_configs(sweeper);
		commits_send(sweeper);
		topics_send(sweeper);
		sampler_assign(sweeper);
	}
	list_when_well(sweeper, good, brokers, unread);
	send_end(sweeper, good, began_ms);
}
