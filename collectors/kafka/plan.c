/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/kafka/plan.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { PATTERN_MAX_BYTES = 512, ANSWER_MIN_MS = 2000, ANSWER_MAX_MS = 10000 };

const struct config_key plan_keys[] = {
	{ .name = "brokers", .type = CONFIG_TEXT, .fallback = "",
		.help = "HOST:PORT of some brokers of the cluster, with commas between." },
	{ .name = "properties", .type = CONFIG_PATH, .fallback = "",
		.help = "A file of client properties: what kcat -F takes, or Java's client.properties." },
	{ .name = "librdkafka", .type = CONFIG_TEXT, .fallback = "",
		.help = "Client properties, one an indented line: security.protocol = SASL_SSL; secrets "
			"as env:NAME or file:PATH. They override the file's." },
	{ .name = "token_command", .type = CONFIG_TEXT, .fallback = "",
		.help = "For OAUTHBEARER: a command that prints a token, or JSON with access_token and "
			"expires_in." },
	{ .name = "groups", .type = CONFIG_PATTERNS, .fallback = "",
		.help = "Shell patterns of consumer groups; !PATTERN leaves out; default all." },
	{ .name = "topics", .type = CONFIG_PATTERNS, .fallback = "",
		.help = "Shell patterns of topics; !PATTERN leaves out; default all but Kafka's own." },
	{ .name = "every", .type = CONFIG_DURATION, .unit = "ms", .fallback = "15s",
		.help = "Time between sweeps over the cluster." },
	{ .name = "tables", .type = CONFIG_PATTERNS, .fallback = "",
		.help = "Shell patterns of topics that carry many tables (Debezium): their records are "
			"counted by table; keys and values are not kept." },
	{ .name = "tables_bytes", .type = CONFIG_INTEGER, .unit = "bytes a second",
		.fallback = "4000000",
		.help = "Most that is read of those topics; what is beyond is sampled, and said so." },
	{ .name = "patience", .type = CONFIG_DURATION, .unit = "ms", .fallback = "45s",
		.help = "A Kafka client that says nothing for this long is ended and started again." },
	{ .name = "silent_after", .type = CONFIG_DURATION, .unit = "ms", .fallback = "0",
		.help = "With no news for this long the source is shown as silent; 0 = never." },
	{ .name = NULL },
};

static bool needs_token(const struct properties *properties)
{
	struct text mechanism = properties_get(properties, "sasl.mechanisms");

	return mechanism.bytes && text_contains_fold(mechanism, TEXT("OAUTHBEARER"));
}

bool plan_read(struct plan *plan, const struct config_section *config, struct err *err)
{
	struct arena *arena = &plan->properties.arena;
	struct text file = config_text(config, "properties");
	struct text brokers = config_text(config, "brokers");
	struct text inline_text = config_text(config, "librdkafka");
	struct text own;

	plan->cluster = arena_text(arena, config->name);
	plan->groups = arena_text(arena, config_text(config, "groups"));
	plan->topics = arena_text(arena, config_text(config, "topics"));
	plan->tables = arena_text(arena, config_text(config, "tables"));
	plan->token_command = arena_text(arena, config_text(config, "token_command"));
	plan->sample_bytes = config_integer(config, "tables_bytes");
	if (plan->sample_bytes < 10000)
		return err_set(err, ERR_CONFIG, 0, "tables_bytes is at least 10000");
	if (config_integer(config, "every") < 1000)
		return err_set(err, ERR_CONFIG, 0, "every is at least 1s");
	plan->answer_ms = config_integer(config, "every");
	if (plan->answer_ms < ANSWER_MIN_MS)
		plan->answer_ms = ANSWER_MIN_MS;
	if (plan->answer_ms > ANSWER_MAX_MS)
		plan->answer_ms = ANSWER_MAX_MS;
	if (file.len > 0 && !properties_load(&plan->properties, file.bytes, err))
		return false;
	if (!properties_parse(&plan->properties, inline_text, PROPERTIES_INLINE, ".", err))
		return err_wrap(err, "librdkafka");
	if (brokers.len > 0)
		properties_set(&plan->properties, "bootstrap.servers", brokers);
	if (!properties_get(&plan->properties, "bootstrap.servers").bytes)
		return err_set(err, ERR_CONFIG, 0,
			"no broker is named: give brokers = HOST:PORT, or bootstrap.servers in properties");
	if (needs_token(&plan->properties) && plan->token_command.len == 0 &&
		!properties_get(&plan->properties, "enable.sasl.oauthbearer.unsecure.jwt").bytes)
		return err_set(err, ERR_CONFIG, 0,
			"OAUTHBEARER needs token_command, a command that prints a token");
	own = properties_get(&plan->properties, "group.id");
	plan->group_id = own.bytes ? own : TEXT("weir-monitor");
	plan->read_committed =
		text_is(properties_get(&plan->properties, "isolation.level"), "read_committed");
	return true;
}

void plan_done(struct plan *plan)
{
	properties_done(&plan->properties);
	memset(plan, 0, sizeof *plan);
}

bool plan_put(const struct plan *plan, struct buf *out)
{
	size_t begun = wire_begin(out, WIRE_CONFIG);

	wire_u32(out, WIRE_VERSION);
	wire_text(out, plan->cluster);
	wire_text(out, plan->groups);
	wire_text(out, plan->topics);
	wire_text(out, plan->tables);
	wire_text(out, plan->token_command);
	wire_text(out, plan->group_id);
	wire_i64(out, plan->answer_ms);
	wire_i64(out, plan->sample_bytes);
	wire_u8(out, plan->read_committed);
	wire_u8(out, plan->doctor);
	wire_u32(out, (uint32_t)plan->properties.count);
	for (size_t i = 0; i < plan->properties.count; i++) {
		wire_text(out, plan->properties.list[i].name);
		wire_text(out, plan->properties.list[i].value);
		wire_u32(out, (uint32_t)plan->properties.list[i].line);
	}
	return wire_end(out, begun);
}

bool plan_take(struct plan *plan, struct wire_in *in)
{
	struct properties *properties = &plan->properties;
	struct arena *arena = &properties->arena;
	size_t count;

	if (wire_take_u32(in) != WIRE_VERSION)
		return false;
	plan->cluster = arena_text(arena, wire_take_text(in));
	plan->groups = arena_text(arena, wire_take_text(in));
	plan->topics = arena_text(arena, wire_take_text(in));
	plan->tables = arena_text(arena, wire_take_text(in));
	plan->token_command = arena_text(arena, wire_take_text(in));
	plan->group_id = arena_text(arena, wire_take_text(in));
	plan->answer_ms = wire_take_i64(in);
	plan->sample_bytes = wire_take_i64(in);
	plan->read_committed = wire_take_u8(in) != 0;
	plan->doctor = wire_take_u8(in) != 0;
	count = wire_take_count(in, 12);
	if (count > PROPERTIES_MAX)
		return false;
	properties->list = ARENA_ARRAY(arena, struct property, count + 1);
	for (size_t i = 0; i < count; i++) {
		struct property *property = &properties->list[properties->count++];

		property->name = arena_text(arena, wire_take_text(in));
		property->value = arena_text(arena, wire_take_text(in));
		property->line = (int)wire_take_u32(in);
		property->secret = property_is_secret(property->name);
		if (!property->name.bytes || !property->value.bytes)
			return false;
	}
	return !in->bad && plan->cluster.bytes && plan->group_id.bytes;
}

static bool next_pattern(struct text *rest, char pattern[PATTERN_MAX_BYTES])
{
	size_t len = 0;

	while (rest->len > 0 && strchr(" \t\r\n,", rest->bytes[0]))
		*rest = text_sub(*rest, 1, rest->len);
	while (len < rest->len && !strchr(" \t\r\n,", rest->bytes[len]))
		len++;
	if (len == 0)
		return false;
	if (len >= PATTERN_MAX_BYTES)
		len = PATTERN_MAX_BYTES - 1;
	memcpy(pattern, rest->bytes, len);
	pattern[len] = '\0';
	*rest = text_sub(*rest, len, rest->len);
	return true;
}

bool patterns_match(struct text patterns, const char *name)
{
	char pattern[PATTERN_MAX_BYTES];
	bool asked = false;
	bool hit = false;

	while (next_pattern(&patterns, pattern)) {
		if (pattern[0] == '!') {
			if (fnmatch(pattern + 1, name, 0) == 0)
				return false;
			continue;
		}
		asked = true;
		hit = hit || fnmatch(pattern, name, 0) == 0;
	}
	return hit || !asked;
}
