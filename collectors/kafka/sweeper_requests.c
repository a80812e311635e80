/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/mem.h"
#include "collectors/kafka/sweeper_parts.h"

enum { POLL_MS = 200 };

struct request *request_new(struct sweeper *sweeper, uint32_t group)
{
	struct request *request = NEW(struct request);

	request->sweep = sweeper->sweep;
	request->group = group;
	request->next = sweeper->requests;
	if (request->next)
		request->next->before = request;
	sweeper->requests = request;
	sweeper->outstanding++;
	return request;
}

static void request_free(struct sweeper *sweeper, struct request *request)
{
	if (request->next)
		request->next->before = request->before;
	if (request->before)
		request->before->next = request->next;
	else
		sweeper->requests = request->next;
	sweeper->outstanding--;
	free(request);
}

void requests_forget(struct sweeper *sweeper)
{
	while (sweeper->requests)
		request_free(sweeper, sweeper->requests);
	for (size_t i = 0; i < sweeper->ngroups; i++)
		sweeper->groups[i].waiting = 0;
}

static void handle(struct sweeper *sweeper, rd_kafka_event_t *event)
{
	struct request *request = rd_kafka_event_opaque(event);

	if (!request)
		return;
	switch (rd_kafka_event_type(event)) {
	case RD_KAFKA_EVENT_LISTCONSUMERGROUPOFFSETS_RESULT:
		sweeper->groups[request->group].waiting--;
		if (request->sweep == sweeper->sweep)
			commits_take(sweeper, request, event);
		break;
	case RD_KAFKA_EVENT_LISTCONSUMERGROUPS_RESULT:
		groups_take_list(sweeper, event);
		break;
	case RD_KAFKA_EVENT_DESCRIBECONSUMERGROUPS_RESULT:
		groups_take_descriptions(sweeper, event);
		break;
	default:
		break;
	}
	request_free(sweeper, request);
}

bool requests_wait(struct sweeper *sweeper, int ms, rd_kafka_event_type_t until)
{
	int64_t deadline = sweeper_now(sweeper) + ms;

	while (sweeper->outstanding > 0 && !sweeper->ended) {
		int64_t left = deadline - sweeper_now(sweeper);
		rd_kafka_event_t *event;
		bool hit;

		if (left < 0)
			left = 0;
		event = rd_kafka_queue_poll(
			sweeper->answers, (int)(left < POLL_MS ? left : POLL_MS));
		hit = event && rd_kafka_event_type(event) == until;
		if (event) {
			handle(sweeper, event);
			rd_kafka_event_destroy(event);
		}
		sweeper_breathe(sweeper);
		if (hit)
			return true;
		if (!event && left == 0)
			return false;
	}
	return false;
}
