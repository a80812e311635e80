/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "collectors/kafka/sweeper_parts.h"
#include "store/fact.h"

enum { DESCRIBE_AT_ONCE = 100, DESCRIBE_ALWAYS_MAX = 20, GROUPS_MAX = 50000,
	LIST_AGAIN_MS = 30000 };

/* Spark makes a group for every query run and never commits in it; ours is no reader either. */
bool groups_hidden(const struct sweeper *sweeper, const char *name)
{
	return strncmp(name, "spark-kafka-source-", 19) == 0 ||
		strncmp(name, "spark-kafka-relation-", 21) == 0 ||
		text_is(sweeper->plan.group_id, name) || !patterns_match(sweeper->plan.groups, name);
}

/* Where the group's place + 1 is, or 0 for it: there is always a free slot. */
static uint32_t *slot_of(struct sweeper *sweeper, const char *name)
{
	size_t mask = sweeper->group_slots_room - 1;
	size_t at = (size_t)(text_hash_fast(text_of(name)) & mask);

	while (sweeper->group_slots[at] != 0 &&
		strcmp(sweeper->groups[sweeper->group_slots[at] - 1].name, name) != 0)
		at = (at + 1) & mask;
	return &sweeper->group_slots[at];
}

/* Anew, when places changed or room gets short. */
static void index_groups(struct sweeper *sweeper)
{
	while (sweeper->group_slots_room < 2 * (sweeper->ngroups + 1))
		sweeper->group_slots_room = sweeper->group_slots_room ? 2 * sweeper->group_slots_room : 64;
	free(sweeper->group_slots);
	sweeper->group_slots = NEW_ARRAY(uint32_t, sweeper->group_slots_room);
	for (size_t i = 0; i < sweeper->ngroups; i++)
		*slot_of(sweeper, sweeper->groups[i].name) = (uint32_t)i + 1;
}

static struct group *find(struct sweeper *sweeper, const char *name)
{
	uint32_t place = sweeper->ngroups > 0 ? *slot_of(sweeper, name) : 0;

	return place > 0 ? &sweeper->groups[place - 1] : NULL;
}

static struct group *add(struct sweeper *sweeper, const char *name)
{
	struct group *group;

	if (sweeper->ngroups == GROUPS_MAX)
		return NULL;
	if (sweeper->ngroups == sweeper->groups_room) {
		sweeper->groups_room = sweeper->groups_room ? 2 * sweeper->groups_room : 64;
		sweeper->groups = mem_resize(
			sweeper->groups, sweeper->groups_room, sizeof *sweeper->groups);
	}
	group = &sweeper->groups[sweeper->ngroups++];
	*group = (struct group){
		.name = mem_strdup(name),
		.members = FACT_UNKNOWN,
		.last_count = -1,
	};
	if (sweeper->group_slots_room < 2 * (sweeper->ngroups + 1))
		index_groups(sweeper);
	else
		*slot_of(sweeper, name) = (uint32_t)sweeper->ngroups;
	return group;
}

static void free_one(struct group *group)
{
	for (size_t i = 0; i < group->ntopics; i++)
		free(group->topics[i]);
	free(group->topics);
	free(group->assigned);
	free(group->commits);
	free(group->name);
}

void groups_free(struct sweeper *sweeper)
{
	for (size_t i = 0; i < sweeper->ngroups; i++)
		free_one(&sweeper->groups[i]);
	FREE(&sweeper->groups);
	FREE(&sweeper->group_slots);
	sweeper->ngroups = sweeper->groups_room = sweeper->group_slots_room = 0;
}

/* Requests know their group by its place: only while none is under way may places change. */
static void drop_unlisted(struct sweeper *sweeper)
{
	size_t kept = 0;

	if (sweeper->outstanding > 0)
		return;
	for (size_t i = 0; i < sweeper->ngroups; i++) {
		if (sweeper->groups[i].listed)
			sweeper->groups[kept++] = sweeper->groups[i];
		else
			free_one(&sweeper->groups[i]);
	}
	if (kept == sweeper->ngroups)
		return;
	sweeper->ngroups = kept;
	index_groups(sweeper);
}

/* Groups named without a wildcard can be asked for where they cannot be listed. */
static void add_named(struct sweeper *sweeper)
{
	struct text rest = sweeper->plan.groups;
	char name[256];

	for (size_t at = 0; at < rest.len;) {
		size_t len = 0;

		while (at + len < rest.len && !strchr(" \t\r\n,", rest.bytes[at + len]))
			len++;
		if (len > 0 && len < sizeof name) {
			struct group *group;

			memcpy(name, rest.bytes + at, len);
			name[len] = '\0';
			if (!strpbrk(name, "*?[!")) {
				group = find(sweeper, name);
				group = group ? group : add(sweeper, name);
				if (group)
					group->listed = true;
			}
		}
		at += len + 1;
	}
}

static bool is_live(rd_kafka_consumer_group_state_t state)
{
	return state == RD_KAFKA_CONSUMER_GROUP_STATE_STABLE ||
		state == RD_KAFKA_CONSUMER_GROUP_STATE_PREPARING_REBALANCE ||
		state == RD_KAFKA_CONSUMER_GROUP_STATE_COMPLETING_REBALANCE;
}

static void take_listing(struct sweeper *sweeper, const rd_kafka_ConsumerGroupListing_t *listing)
{
	const char *name = rd_kafka_ConsumerGroupListing_group_id(listing);
	rd_kafka_consumer_group_state_t state = rd_kafka_ConsumerGroupListing_state(listing);
	struct group *group;

	if (groups_hidden(sweeper, name))
		return;
	group = find(sweeper, name);
	group = group ? group : add(sweeper, name);
	if (!group) {
		sweeper_problem(sweeper, "more than %d groups: the rest is not read; narrow groups",
			GROUPS_MAX);
		return;
	}
	group->listed = true;
	/* Brokers before 2.6 do not tell states here; describing does. */
	group->live = is_live(state) || state == RD_KAFKA_CONSUMER_GROUP_STATE_UNKNOWN;
	group->state = state == RD_KAFKA_CONSUMER_GROUP_STATE_UNKNOWN
		? NULL
		: rd_kafka_consumer_group_state_name(state);
	if (!group->live)
		group->members = state == RD_KAFKA_CONSUMER_GROUP_STATE_EMPTY ? 0 : FACT_UNKNOWN;
	if (!group->live)
		group->nassigned = 0;
}

static void take_list_error(struct sweeper *sweeper, const rd_kafka_error_t *error)
{
	rd_kafka_resp_err_t code = rd_kafka_error_code(error);

	if (code == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE) {
		sweeper->groups_unsupported = true;
		return;
	}
	if (code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TRANSPORT)
		sweeper->brokers_down++;
	sweeper_problem(sweeper, "list groups: %s%s", rd_kafka_err2str(code), client_advice(code));
}

void groups_take_list(struct sweeper *sweeper, rd_kafka_event_t *event)
{
	const rd_kafka_ListConsumerGroups_result_t *result =
		rd_kafka_event_ListConsumerGroups_result(event);
	const rd_kafka_ConsumerGroupListing_t **valid;
	const rd_kafka_error_t **errors;
	size_t nvalid = 0;
	size_t nerrors = 0;

	if (!result || rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR) {
		sweeper_problem(sweeper, "list groups: %s", rd_kafka_err2str(rd_kafka_event_error(event)));
		return;
	}
	valid = rd_kafka_ListConsumerGroups_result_valid(result, &nvalid);
	errors = rd_kafka_ListConsumerGroups_result_errors(result, &nerrors);
	for (size_t i = 0; nerrors == 0 && i < sweeper->ngroups; i++)
		sweeper->groups[i].listed = false;
	for (size_t i = 0; i < nvalid; i++)
		take_listing(sweeper, valid[i]);
	for (size_t i = 0; i < nerrors; i++)
		take_list_error(sweeper, errors[i]);
	sweeper->groups_complete = nerrors == 0;
}

bool groups_list(struct sweeper *sweeper)
{
	int64_t now = sweeper_now(sweeper);
	rd_kafka_AdminOptions_t *options;

	sweeper->groups_complete = false;
	if (sweeper->groups_unsupported) {
		add_named(sweeper);
		return true;
	}
	/* With a broker down each listing costs its whole timeout: what is known is used in between. */
	if (sweeper->list_failed_at_ms != 0 && now - sweeper->list_failed_at_ms < LIST_AGAIN_MS) {
		sweeper_problem(sweeper, "a broker did not list its groups; asked again soon");
		return true;
	}
	sweeper->brokers_down = 0;
	options = client_options(sweeper, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS, LIST_TIMEOUT_MS,
		request_new(sweeper, 0));
	rd_kafka_ListConsumerGroups(sweeper->client, options, sweeper->answers);
	rd_kafka_AdminOptions_destroy(options);
	if (!requests_wait(sweeper, LIST_TIMEOUT_MS + 2000, RD_KAFKA_EVENT_LISTCONSUMERGROUPS_RESULT))
		sweeper_problem(sweeper, "list groups: no answer");
	sweeper->list_failed_at_ms = sweeper->groups_complete || sweeper->groups_unsupported ? 0 : now;
	if (sweeper->groups_unsupported)
		add_named(sweeper);
	drop_unlisted(sweeper);
	return true;
}

static void assign(struct sweeper *sweeper, struct group *group,
	const rd_kafka_topic_partition_list_t *list)
{
	const struct topic *topic = NULL;

	group->assigned = mem_resize(group->assigned, group->nassigned + (size_t)list->cnt + 1,
		sizeof *group->assigned);
	for (int i = 0; i < list->cnt; i++) {
		const rd_kafka_topic_partition_t *from = &list->elems[i];

		if (!topic || strcmp(topic->name, from->topic) != 0)
			topic = topics_find(sweeper, from->topic);
		if (!topic)
			continue;
		group->assigned[group->nassigned++] = (struct commit){
			.topic = (uint32_t)(topic - sweeper->topics),
			.partition = from->partition,
			.offset = FACT_UNKNOWN,
		};
	}
}

static void take_description(
	struct sweeper *sweeper, const rd_kafka_ConsumerGroupDescription_t *from)
{
	struct group *group = find(sweeper, rd_kafka_ConsumerGroupDescription_group_id(from));
	const rd_kafka_error_t *error = rd_kafka_ConsumerGroupDescription_error(from);
	rd_kafka_consumer_group_state_t state = rd_kafka_ConsumerGroupDescription_state(from);

	if (!group)
		return;
	group->nassigned = 0;
	group->members = FACT_UNKNOWN;
	if (error && rd_kafka_error_code(error) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return;
	/* The new group protocol's groups are "Dead" to this question, whatever the listing said. */
	if (state == RD_KAFKA_CONSUMER_GROUP_STATE_DEAD && group->state)
		return;
	if (!group->state)
		group->state = rd_kafka_consumer_group_state_name(state);
	group->members = (int64_t)rd_kafka_ConsumerGroupDescription_member_count(from);
	for (size_t i = 0; i < (size_t)group->members; i++) {
		const rd_kafka_MemberAssignment_t *assignment = rd_kafka_MemberDescription_assignment(
			rd_kafka_ConsumerGroupDescription_member(from, i));
		const rd_kafka_topic_partition_list_t *list =
			assignment ? rd_kafka_MemberAssignment_partitions(assignment) : NULL;

		if (list)
			assign(sweeper, group, list);
	}
}

void groups_take_descriptions(struct sweeper *sweeper, rd_kafka_event_t *event)
{
	const rd_kafka_DescribeConsumerGroups_result_t *result =
		rd_kafka_event_DescribeConsumerGroups_result(event);
	const rd_kafka_ConsumerGroupDescription_t **groups;
	size_t count = 0;

	if (!result || rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return;
	groups = rd_kafka_DescribeConsumerGroups_result_groups(result, &count);
	for (size_t i = 0; i < count; i++)
		take_description(sweeper, groups[i]);
}

static void ask_descriptions(struct sweeper *sweeper, const char **names, size_t count)
{
	rd_kafka_AdminOptions_t *options = client_options(sweeper,
		RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, REQUEST_TIMEOUT_MS, request_new(sweeper, 0));

	rd_kafka_DescribeConsumerGroups(sweeper->client, names, count, options, sweeper->answers);
	rd_kafka_AdminOptions_destroy(options);
}

/* C3: never where listing was refused. Dead and empty groups have no members to tell of. */
void groups_describe(struct sweeper *sweeper)
{
	const char *names[DESCRIBE_AT_ONCE];
	size_t count = 0;
	size_t asked = 0;
	int64_t now = sweeper_now(sweeper);

	if (sweeper->groups_unsupported)
		return;
	if (sweeper->ngroups > DESCRIBE_ALWAYS_MAX && sweeper->described_at_ms != 0 &&
		sweeper->described_generation == sweeper->topics_generation &&
		now - sweeper->described_at_ms < DESCRIBE_EVERY_MS)
		return;
	sweeper->described_at_ms = now;
	sweeper->described_generation = sweeper->topics_generation;
	for (size_t i = 0; i < sweeper->ngroups; i++) {
		if (sweeper->groups[i].listed && sweeper->groups[i].live)
			names[count++] = sweeper->groups[i].name;
		if (count == DESCRIBE_AT_ONCE || (i + 1 == sweeper->ngroups && count > 0)) {
			ask_descriptions(sweeper, names, count);
			count = 0;
			asked++;
		}
	}
	while (asked-- > 0 && requests_wait(sweeper, (int)sweeper->plan.answer_ms / 2,
				      RD_KAFKA_EVENT_DESCRIBECONSUMERGROUPS_RESULT))
		continue;
}
