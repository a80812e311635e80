/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "collectors/kafka/sweeper_parts.h"
#include "store/fact.h"

enum { PASSES = 3, AGAIN_MS = 200, WHOLE_AGAIN_SWEEPS = 20, NAMED_TRIES = 3 };

/* Which request comes next: group by group, so that a coordinator is looked up once. */
struct walk {
	size_t group;
	size_t topic; /* of the group's, or (by name) of all */
	int32_t partition;
	bool again; /* only those that are to be asked once more */
};

static bool is_sliced(const struct sweeper *sweeper, const struct group *group)
{
	if (group->named || sweeper->fetch_old)
		return true;
	/* Now and then all is asked for: what else has it commits in? */
	return group->last_count > WHOLE_MAX &&
		sweeper->sweep - group->whole_sweep < WHOLE_AGAIN_SWEEPS;
}

static const struct topic *topic_at(
	const struct sweeper *sweeper, const struct group *group, size_t at, bool *end_out)
{
	bool by_name = group->named || sweeper->fetch_old;

	*end_out = at >= (by_name ? sweeper->ntopics : group->ntopics);
	if (*end_out)
		return NULL;
	return by_name ? &sweeper->topics[at] : topics_find(sweeper, group->topics[at]);
}

/* The next slice of a group's partitions; NULL when it is through. */
static rd_kafka_topic_partition_list_t *next_slice(
	const struct sweeper *sweeper, const struct group *group, struct walk *walk)
{
	rd_kafka_topic_partition_list_t *list = NULL;

	for (;;) {
		bool end;
		const struct topic *topic = topic_at(sweeper, group, walk->topic, &end);

		if (end)
			return list;
		for (; topic && walk->partition < topic->nmarks; walk->partition++) {
			if (list && list->cnt == COMMIT_SLICE)
				return list;
			if (!list)
				list = rd_kafka_topic_partition_list_new(COMMIT_SLICE);
			rd_kafka_topic_partition_list_add(list, topic->name, walk->partition);
		}
		walk->topic++;
		walk->partition = 0;
	}
}

static void send_request(
	struct sweeper *sweeper, size_t index, const rd_kafka_topic_partition_list_t *list)
{
	struct group *group = &sweeper->groups[index];
	struct request *request = request_new(sweeper, (uint32_t)index);
	rd_kafka_AdminOptions_t *options = client_options(
		sweeper, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, REQUEST_TIMEOUT_MS, request);
	rd_kafka_ListConsumerGroupOffsets_t *one =
		rd_kafka_ListConsumerGroupOffsets_new(group->name, list);

	request->whole = list == NULL;
	if (group->waiting++ == 0)
		group->waiting_since_ms = sweeper_now(sweeper);
	rd_kafka_ListConsumerGroupOffsets(sweeper->client, &one, 1, options, sweeper->answers);
	rd_kafka_ListConsumerGroupOffsets_destroy(one);
	rd_kafka_AdminOptions_destroy(options);
}

static bool begin_group(struct sweeper *sweeper, struct walk *walk)
{
	struct group *group = &sweeper->groups[walk->group];

	walk->topic = 0;
	walk->partition = 0;
	if (!group->listed || (walk->again && !group->retry))
		return false;
	if (group->waiting > 0) { /* of a sweep before: one question is enough */
		group->failed = true;
		return false;
	}
	group->retry = false;
	group->failed = false;
	group->asked = true;
	group->ncommits = 0;
	group->whole = !is_sliced(sweeper, group);
	return true;
}

/* Sends the next request there is; false when all are sent. */
static bool send_next(struct sweeper *sweeper, struct walk *walk, bool *begun)
{
	for (; walk->group < sweeper->ngroups; walk->group++, *begun = false) {
		struct group *group = &sweeper->groups[walk->group];
		rd_kafka_topic_partition_list_t *list;

		if (!*begun && !begin_group(sweeper, walk))
			continue;
		*begun = true;
		if (group->whole) {
			send_request(sweeper, walk->group++, NULL);
			*begun = false;
			return true;
		}
		list = next_slice(sweeper, group, walk);
		if (!list)
			continue;
		send_request(sweeper, walk->group, list);
		rd_kafka_topic_partition_list_destroy(list);
		return true;
	}
	return false;
}

static void run_pass(struct sweeper *sweeper, bool again, int64_t deadline)
{
	struct walk walk = { .again = again };
	size_t late = sweeper->outstanding; /* of sweeps before: they do not take the window */
	bool begun = false;
	bool more = true;

	while (!sweeper->ended && (more || sweeper->outstanding > late)) {
		int64_t left = deadline - sweeper_now(sweeper);

		if (left <= 0)
			return;
		while (more && sweeper->outstanding < late + WINDOW)
			more = send_next(sweeper, &walk, &begun);
		if (sweeper->outstanding > late)
			(void)requests_wait(sweeper, (int)left,
				RD_KAFKA_EVENT_LISTCONSUMERGROUPOFFSETS_RESULT);
		if (sweeper->outstanding < late)
			late = sweeper->outstanding;
	}
}

static bool want_again(struct sweeper *sweeper)
{
	size_t tries = 0;
	bool any = false;

	for (size_t i = 0; i < sweeper->ngroups; i++) {
		struct group *group = &sweeper->groups[i];

		/* C5: nothing at all may mean an old broker; a few groups tell. */
		if (group->asked && group->whole && !group->failed && group->waiting == 0 &&
			group->ncommits == 0 && !sweeper->fetch_new && !group->named &&
			tries < NAMED_TRIES) {
			tries++;
			group->named = true;
			group->retry = true;
		}
		any = any || group->retry;
	}
	return any;
}

void commits_read(struct sweeper *sweeper)
{
	int64_t deadline = sweeper_now(sweeper) + sweeper->plan.answer_ms;

	for (size_t i = 0; i < sweeper->ngroups; i++) {
		struct group *group = &sweeper->groups[i];

		group->asked = group->failed = group->retry = group->named = false;
		group->ncommits = 0;
	}
	run_pass(sweeper, false, deadline);
	for (int pass = 1; pass < PASSES && !sweeper->ended && want_again(sweeper); pass++) {
		client_poll(sweeper, AGAIN_MS);
		run_pass(sweeper, true, deadline);
	}
	for (size_t i = 0; i < sweeper->ngroups; i++) {
		struct group *group = &sweeper->groups[i];

		if (group->listed && (group->waiting > 0 || !group->asked)) {
			group->failed = true;
			sweeper_problem(sweeper, "group %s: no answer about its commits", group->name);
		}
		sweeper->unread += group->listed && group->failed;
	}
}

static bool may_do_better(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR_NOT_COORDINATOR ||
		code == RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS ||
		code == RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE ||
		code == RD_KAFKA_RESP_ERR__TRANSPORT;
}

static void fail_group(struct sweeper *sweeper, struct group *group, rd_kafka_resp_err_t code)
{
	group->failed = true;
	group->retry = group->retry || may_do_better(code);
	if (!group->retry && code != RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND)
		sweeper_problem(sweeper, "group %s: %s%s", group->name, rd_kafka_err2str(code),
			client_advice(code));
}

static void add_commit(struct group *group, struct commit commit)
{
	if (group->ncommits == group->commits_room) {
		group->commits_room = group->commits_room ? 2 * group->commits_room : 64;
		group->commits =
			mem_resize(group->commits, group->commits_room, sizeof *group->commits);
	}
	group->commits[group->ncommits++] = commit;
}

static void take_list(struct sweeper *sweeper, struct group *group,
	const rd_kafka_topic_partition_list_t *list, size_t *known_out)
{
	const struct topic *topic = NULL;

	for (int i = 0; i < list->cnt; i++) {
		const rd_kafka_topic_partition_t *from = &list->elems[i];
		bool bad = from->err != RD_KAFKA_RESP_ERR_NO_ERROR;

		if (!topic || strcmp(topic->name, from->topic) != 0)
			topic = topics_find(sweeper, from->topic);
		if (!topic || from->partition < 0 || from->partition >= topic->nmarks)
			continue; /* deleted, or not wanted */
		if (bad && from->err != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
			fail_group(sweeper, group, from->err);
		if (bad || from->offset < 0)
			continue; /* no commit: not zero, nothing */
		add_commit(group, (struct commit){
			.topic = (uint32_t)(topic - sweeper->topics),
			.partition = from->partition,
			.offset = from->offset,
		});
		(*known_out)++;
	}
}

void commits_take(struct sweeper *sweeper, const struct request *request, rd_kafka_event_t *event)
{
	struct group *group = &sweeper->groups[request->group];
	const rd_kafka_ListConsumerGroupOffsets_result_t *result =
		rd_kafka_event_ListConsumerGroupOffsets_result(event);
	rd_kafka_resp_err_t code = rd_kafka_event_error(event);
	const rd_kafka_group_result_t **groups;
	const rd_kafka_topic_partition_list_t *list;
	size_t count = 0;
	size_t known = 0;

	if (code != RD_KAFKA_RESP_ERR_NO_ERROR || !result) {
		fail_group(sweeper, group, code);
		return;
	}
	groups = rd_kafka_ListConsumerGroupOffsets_result_groups(result, &count);
	if (count != 1)
		return;
	if (rd_kafka_group_result_error(groups[0])) {
		fail_group(sweeper, group,
			rd_kafka_error_code(rd_kafka_group_result_error(groups[0])));
		return;
	}
	list = rd_kafka_group_result_partitions(groups[0]);
	if (!list)
		return;
	take_list(sweeper, group, list, &known);
	if (request->whole) {
		group->last_count = list->cnt;
		group->whole_sweep = sweeper->sweep;
		sweeper->fetch_new = sweeper->fetch_new || list->cnt > 0;
	} else if (group->named && known > 0 && !sweeper->fetch_new) {
		sweeper->fetch_old = true;
	}
}

static int by_place(const void *a, const void *b)
{
	const struct commit *one = a;
	const struct commit *other = b;

	if (one->topic != other->topic)
		return one->topic < other->topic ? -1 : 1;
	if (one->partition != other->partition)
		return one->partition < other->partition ? -1 : 1;
	if (one->offset != other->offset) /* a known one first */
		return one->offset > other->offset ? -1 : 1;
	return 0;
}

/* What was there at the last look and was not read now: unknown, not gone. */
static void add_missing(struct sweeper *sweeper, struct group *group)
{
	for (size_t i = 0; group->failed && i < group->ntopics; i++) {
		const struct topic *topic = topics_find(sweeper, group->topics[i]);

		for (int32_t p = 0; topic && p < topic->nmarks; p++)
			add_commit(group, (struct commit){
				.topic = (uint32_t)(topic - sweeper->topics),
				.partition = p,
				.offset = FACT_UNKNOWN,
			});
	}
	for (size_t i = 0; i < group->nassigned &&
		sweeper->described_generation == sweeper->topics_generation; i++) {
		const struct commit *assigned = &group->assigned[i];

		/* A topic made anew since they were told may have fewer partitions. */
		if (assigned->partition >= 0 &&
			assigned->partition < sweeper->topics[assigned->topic].nmarks)
			add_commit(group, *assigned);
	}
}

static void remember_topics(struct sweeper *sweeper, struct group *group)
{
	size_t count = 0;

	if (group->failed)
		return;
	for (size_t i = 0; i < group->ntopics; i++)
		free(group->topics[i]);
	for (size_t i = 0; i < group->ncommits; i++)
		count += i == 0 || group->commits[i].topic != group->commits[i - 1].topic;
	free(group->topics);
	group->topics = NEW_ARRAY(char *, count + 1);
	group->ntopics = 0;
	for (size_t i = 0; i < group->ncommits; i++) {
		if (i == 0 || group->commits[i].topic != group->commits[i - 1].topic)
			group->topics[group->ntopics++] =
				mem_strdup(sweeper->topics[group->commits[i].topic].name);
	}
}

static void send_topic(struct sweeper *sweeper, const struct group *group, size_t from, size_t to)
{
	struct topic *topic = &sweeper->topics[group->commits[from].topic];
	size_t begun = wire_begin(&sweeper->out, WIRE_POSITION);
	size_t at;
	uint32_t count = 0;

	wire_text(&sweeper->out, text_of(group->name));
	wire_text(&sweeper->out, text_of(topic->name));
	for (size_t i = from; i < to; i++)
		count += i == from || group->commits[i].partition != group->commits[i - 1].partition;
	wire_u32(&sweeper->out, count);
	for (at = from; at < to; at++) {
		const struct commit *commit = &group->commits[at];
		const struct mark *mark = &topic->marks[commit->partition];

		if (at > from && commit->partition == commit[-1].partition)
			continue;
		wire_u32(&sweeper->out, (uint32_t)commit->partition);
		wire_i64(&sweeper->out, commit->offset);
		/* Retention may take what this reader has not read: look closely from now on. */
		if (commit->offset != FACT_UNKNOWN && mark->low != FACT_UNKNOWN &&
			mark->high != FACT_UNKNOWN && commit->offset < mark->high &&
			commit->offset - mark->low <= (mark->high - mark->low) / 4)
			topic->marks[commit->partition].near = true;
	}
	if (!wire_end(&sweeper->out, begun))
		sweeper->unread++;
}

void commits_send(struct sweeper *sweeper)
{
	for (size_t i = 0; i < sweeper->ngroups; i++) {
		struct group *group = &sweeper->groups[i];
		size_t begun;
		size_t from = 0;

		if (!group->listed)
			continue;
		add_missing(sweeper, group);
		if (group->ncommits > 0)
			qsort(group->commits, group->ncommits, sizeof *group->commits, by_place);
		remember_topics(sweeper, group);
		begun = wire_begin(&sweeper->out, WIRE_GROUP);
		wire_text(&sweeper->out, text_of(group->name));
		wire_text(&sweeper->out, text_of(group->state));
		wire_i64(&sweeper->out, group->members);
		wire_u8(&sweeper->out, group->failed);
		(void)wire_end(&sweeper->out, begun); /* short */
		for (size_t at = 1; at <= group->ncommits; at++) {
			if (at < group->ncommits &&
				group->commits[at].topic == group->commits[from].topic)
				continue;
			send_topic(sweeper, group, from, at);
			from = at;
		}
		if (sweeper->out.len > WIRE_FRAME_MAX / 16)
			sweeper_send(sweeper);
	}
}
