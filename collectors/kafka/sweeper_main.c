/* SPDX-License-Identifier: Apache-2.0 */
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "collectors/kafka/sweeper.h"
#include "collectors/kafka/sweeper_parts.h"

enum { IDLE_MS = 250, IN_MAX_BYTES = 2 * WIRE_FRAME_MAX, OUT_MAX_BYTES = 2 * WIRE_FRAME_MAX };

static void say_hello(struct sweeper *sweeper)
{
	size_t begun = wire_begin(&sweeper->out, WIRE_HELLO);

	wire_u32(&sweeper->out, WIRE_VERSION);
	wire_text(&sweeper->out, text_of(rd_kafka_version_str()));
	(void)wire_end(&sweeper->out, begun); /* short */
	sweeper_send(sweeper);
}

static void obey(struct sweeper *sweeper, enum wire_kind kind, struct wire_in *body)
{
	bool planned = sweeper->plan.cluster.bytes != NULL;

	switch ((int)kind) {
	case WIRE_CONFIG:
		if (planned || !plan_take(&sweeper->plan, body))
			sweeper->ended = true;
		else if (sweeper->plan.doctor)
			doctor_run(sweeper);
		break;
	case WIRE_SWEEP:
		if (planned)
			sweep_run(sweeper);
		else
			sweeper->ended = true;
		break;
	case WIRE_PLACES:
		if (planned && !sweeper->sampler)
			sampler_open(sweeper, wire_take_text(body));
		break;
	default:
		sweeper->ended = true;
		break;
	}
}

int kafka_sweeper_main(int fd)
{
	struct sweeper sweeper = { .fd = fd, .clock = clock_system() };
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
#ifndef __SANITIZE_ADDRESS__ /* whose search for leaks is a debugger */
	(void)prctl(PR_SET_DUMPABLE, 0); /* secrets are in memory: no core file, no debugger */
#endif
	(void)sigaction(SIGPIPE, &ignore, NULL);
	(void)sigaction(SIGINT, &ignore, NULL); /* the end of the socket is what ends us */
	(void)sigaction(SIGTERM, &ignore, NULL);
	(void)sigaction(SIGHUP, &ignore, NULL);
	(void)mallopt(M_ARENA_MAX, 1); /* a thread a broker, and little to do for each */
	buf_init(&sweeper.in, IN_MAX_BYTES);
	buf_init(&sweeper.out, OUT_MAX_BYTES);
	say_hello(&sweeper);
	while (!sweeper.ended) {
		enum wire_kind kind;
		struct wire_in body;

		if (sweeper_order(&sweeper, sweeper.sampler ? 0 : IDLE_MS, &kind, &body))
			obey(&sweeper, kind, &body);
		else if (sweeper.sampler)
			sampler_run(&sweeper, IDLE_MS);
		sweeper_breathe(&sweeper);
	}
	sampler_close(&sweeper);
	client_close(&sweeper);
	groups_free(&sweeper);
	topics_free(sweeper.topics, sweeper.ntopics);
	plan_done(&sweeper.plan);
	buf_done(&sweeper.in);
	buf_done(&sweeper.out);
	return 0;
}
