/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "collectors/collector.h"
#include "collectors/kafka/sweeper.h"

/*
 * sweep CONFIG [STEPS-MS]: runs the first [kafka NAME] of a configuration and prints its facts, a line
 * each, as it tells them: one sweep, or for STEPS-MS milliseconds, or until SIGTERM, as the service
 * would. For tests.
 */
static const struct collector_ops *const kinds[] = { &kafka_collector, NULL };

static void number(int64_t value)
{
	if (value == FACT_UNKNOWN)
		(void)fputs(" -", stdout);
	else
		(void)printf(" %" PRId64, value);
}

static void print_fact(const struct fact *fact)
{
	const struct fact_position *position = &fact->u.position;
	const struct fact_marks *marks = &fact->u.marks;
	const struct fact_topic_table *row = &fact->u.topic_table;

	switch ((int)fact->kind) {
	case FACT_SWEEP:
		(void)printf("sweep %.*s took", TEXT_ARG(fact->u.sweep.cluster));
		number(fact->u.sweep.took_ms);
		number(fact->u.sweep.brokers);
		number(fact->u.sweep.brokers_down);
		number(fact->u.sweep.topics);
		number(fact->u.sweep.partitions);
		number(fact->u.sweep.groups);
		number(fact->u.sweep.unread);
		(void)printf(" %.*s\n", TEXT_ARG(fact->u.sweep.problem));
		break;
	case FACT_MARKS:
		if (marks->gone)
			(void)printf("gone %.*s\n", TEXT_ARG(marks->topic));
		for (size_t i = 0; i < marks->nmarks; i++) {
			(void)printf("mark %.*s %d leader %d", TEXT_ARG(marks->topic),
				marks->marks[i].partition, marks->marks[i].leader);
			number(marks->marks[i].low);
			number(marks->marks[i].high);
			number(marks->retention_ms);
			number(marks->retention_bytes);
			(void)printf(" %d\n", marks->compacted);
		}
		break;
	case FACT_POSITION:
		if (position->gone)
			(void)printf("gone %.*s %.*s\n", TEXT_ARG(position->reader),
				TEXT_ARG(position->topic));
		for (size_t i = 0; i < position->nplaces; i++) {
			(void)printf("position %.*s %.*s %d", TEXT_ARG(position->reader),
				TEXT_ARG(position->topic), position->places[i].partition);
			number(position->places[i].processed);
			number(position->members);
			(void)printf(" %.*s\n", TEXT_ARG(position->state));
		}
		break;
	case FACT_TOPIC_TABLE:
		(void)printf("table %.*s %.*s %" PRId64, TEXT_ARG(row->topic),
			row->table.bytes ? (int)row->table.len : 1, row->table.bytes ? row->table.bytes : "-",
			fact->happened_at_ms);
		number(row->counted);
		number(row->sampled);
		number(row->seen);
		number(row->creates);
		number(row->updates);
		number(row->deletes);
		number(row->reads);
		number(row->tombstones);
		number(row->delays);
		(void)putchar('\n');
		break;
	default:
		break;
	}
}

static void print_batch(struct fact_batch *batch)
{
	for (size_t i = 0; i < batch->nfacts; i++)
		print_fact(&batch->facts[i]);
	(void)fflush(stdout);
}

static volatile sig_atomic_t told_to_end;

static void on_term(int number)
{
	(void)number;
	told_to_end = 1;
}

int main(int count, char **words)
{
	const struct clock *clock = clock_system();
	struct config *config = NULL;
	struct err err = ERR_INIT;
	struct fact_batch *batch;
	int64_t end;
	void *self;
	bool once = count < 3;
	int status = 0;

	if (count > 1 && strcmp(words[1], KAFKA_SWEEPER_WORD) == 0)
		return kafka_sweeper_main(KAFKA_SWEEPER_FD);
	if (count < 2)
		return 2;
	log_to_stderr();
	struct buf bytes;
	FILE *file = fopen(words[1], "r");
	char chunk[65536];

	buf_init(&bytes, 1 << 20);
	while (file) {
		size_t got = fread(chunk, 1, sizeof chunk, file);

		if (got == 0)
			break;
		(void)buf_add_bytes(&bytes, chunk, got);
	}
	if (!file || fclose(file) != 0 || !config_parse_kinds(buf_text(&bytes), words[1], kinds, &config, &err)) {
		(void)fprintf(stderr, "%s\n", err.text);
		return 2;
	}
	self = calloc(1, kafka_collector.state_size);
	if (!kafka_collector.start(self, config_section_at(config, 0), TEXT_NONE, &err)) {
		(void)fprintf(stderr, "%s\n", err.text);
		return 2;
	}
	batch = fact_batch_new();
	end = clock->mono_ms(clock) + (once ? 60000 : strtol(words[2], NULL, 10));
	(void)signal(SIGTERM, on_term);
	while (!told_to_end && clock->mono_ms(clock) < end) {
		struct step_context context = {
			.batch = batch,
			.clock = clock,
			.deadline_ms = clock->mono_ms(clock) + 250,
			.once = once,
		};
		struct pollfd fd;
		enum step said = kafka_collector.step(self, &context, &err);

		print_batch(batch);
		fact_batch_reset(batch);
		if (said == STEP_FAILED) {
			(void)fprintf(stderr, "%s\n", err.text);
			status = 1;
		}
		if (once && said != STEP_MORE)
			break;
		fd = (struct pollfd){ .fd = kafka_collector.wake_fd(self), .events = POLLIN };
		(void)poll(&fd, 1, (int)kafka_collector.poll_ms(self));
	}
	kafka_collector.stop(self);
	free(self);
	fact_batch_free(batch);
	config_free(config);
	buf_done(&bytes);
	return status;
}
