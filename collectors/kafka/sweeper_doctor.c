/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "collectors/kafka/sweeper_parts.h"
#include "store/fact.h"

static void say(struct sweeper *sweeper, bool good, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void say(struct sweeper *sweeper, bool good, const char *fmt, ...)
{
	char text[600];
	size_t begun = wire_begin(&sweeper->out, WIRE_FINDING);
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof text, fmt, args); /* cut is fine */
	va_end(args);
	wire_u8(&sweeper->out, good);
	wire_text(&sweeper->out, text_of(text));
	(void)wire_end(&sweeper->out, begun); /* short */
	sweeper_send(sweeper);
}

/* The command that gives a right, with the account's name where it is known. */
static const char *grant(const struct sweeper *sweeper, const char *operation, const char *on,
	char text[200])
{
	struct text name = properties_get(&sweeper->plan.properties, "sasl.username");

	(void)snprintf(text, 200, "kafka-acls --add --allow-principal User:%.*s --operation %s %s",
		name.len > 0 ? (int)(name.len < 60 ? name.len : 60) : 4,
		name.len > 0 ? name.bytes : "NAME", operation, on);
	return text;
}

static bool try_connection(struct sweeper *sweeper)
{
	int64_t partitions = 0;
	char right[200];

	if (!client_open(sweeper) || !topics_load(sweeper)) {
		say(sweeper, false, "%s; %s", sweeper->problem, sweeper->fault_final
				? "check user, password and certificates in properties or librdkafka"
				: "check brokers, the network and security.protocol");
		return false;
	}
	for (size_t i = 0; i < sweeper->ntopics; i++)
		partitions += sweeper->topics[i].nmarks;
	if (sweeper->ntopics == 0) {
		say(sweeper, false, "connected, but no topic can be seen: there is none, topics leaves all "
			"out, or the account needs: %s", grant(sweeper, "Describe", "--topic '*'", right));
		return true;
	}
	say(sweeper, true, "connected: %zu broker%s, %zu topic%s with %" PRId64 " partitions",
		sweeper->brokers, sweeper->brokers == 1 ? "" : "s", sweeper->ntopics,
		sweeper->ntopics == 1 ? "" : "s", partitions);
	return true;
}

static void try_marks(struct sweeper *sweeper)
{
	if (sweeper->ntopics == 0)
		return;
	sweeper->problem[0] = '\0';
	sweeper->unread = 0;
	marks_read(sweeper);
	if (sweeper->unread > 0)
		say(sweeper, false, "%" PRId64 " partitions' ends could not be read: %s",
			sweeper->unread, sweeper->problem);
	else
		say(sweeper, true, "begins and ends of all partitions can be read");
}

static void try_groups(struct sweeper *sweeper)
{
	char right[200];
	char other[200];
	size_t read = 0;

	sweeper->problem[0] = '\0';
	sweeper->unread = 0;
	(void)groups_list(sweeper);
	if (sweeper->groups_unsupported) {
		say(sweeper, false, "these brokers do not list groups: name them in groups");
		return;
	}
	if (!sweeper->groups_complete) {
		say(sweeper, false, "%s", sweeper->problem);
		return;
	}
	if (sweeper->ngroups == 0) {
		say(sweeper, false, "no group can be seen: there is none, groups leaves all out, or the "
			"account needs: %s", grant(sweeper, "Describe", "--group '*'", right));
		return;
	}
	groups_describe(sweeper);
	commits_read(sweeper);
	for (size_t i = 0; i < sweeper->ngroups; i++)
		read += sweeper->groups[i].asked && !sweeper->groups[i].failed;
	if (read < sweeper->ngroups)
		say(sweeper, false, "%zu of %zu groups: commits cannot be read: %s; the account needs: %s, "
			"and %s", sweeper->ngroups - read, sweeper->ngroups, sweeper->problem,
			grant(sweeper, "Describe", "--group '*'", right),
			grant(sweeper, "Describe", "--topic '*'", other));
	else
		say(sweeper, true, "commits of %zu group%s can be read", read, read == 1 ? "" : "s");
}

static void try_configs(struct sweeper *sweeper)
{
	char right[200];
	size_t unknown = 0;

	if (sweeper->ntopics == 0)
		return;
	topics_configs(sweeper);
	for (size_t i = 0; i < sweeper->ntopics; i++)
		unknown += sweeper->topics[i].retention_ms == FACT_UNKNOWN;
	if (unknown > 0)
		say(sweeper, false, "retention of %zu topic%s cannot be read, so time to loss is less "
			"exact; the account needs: %s", unknown, unknown == 1 ? "" : "s",
			grant(sweeper, "DescribeConfigs", "--topic '*'", right));
	else
		say(sweeper, true, "retention of all topics can be read");
}

void doctor_run(struct sweeper *sweeper)
{
	sweeper->sweep++;
	if (try_connection(sweeper)) {
		try_marks(sweeper);
		try_groups(sweeper);
		try_configs(sweeper);
	}
	(void)wire_end(&sweeper->out, wire_begin(&sweeper->out, WIRE_BYE));
	sweeper_send(sweeper);
}
