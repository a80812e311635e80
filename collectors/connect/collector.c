/* SPDX-License-Identifier: Apache-2.0 */
/* The source kind "connect": asks a Kafka Connect worker now and then. */
#include "collectors/collector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "collectors/connect/connect.h"
#include "collectors/http.h"

enum { POLL_LEAST_MS = 1000, TIMEOUT_LEAST_MS = 100, SLICE_MS = 50 };

struct source {
	const struct config_section *config;
	char *address;
	struct http *http; /* the request under way; NULL = none */
	int64_t asked_ms;  /* monotonic; INT64_MIN = never */
	json_t *names;     /* of the connectors told last */
	char trouble[sizeof(((struct err *)0)->text)];
	size_t failed;
};

/* NUL-terminated already: texts of the configuration are. */
static struct http_get request_of(const struct config_section *config, const char *address)
{
	int64_t timeout_ms = config_integer(config, "timeout");

	return (struct http_get){
		.url = address,
		.user = config_text(config, "user").bytes,
		.password = config_text(config, "password").bytes,
		.token = config_text(config, "token").bytes,
		.ca = config_text(config, "ca").bytes,
		/* 0 would be without end to libcurl */
		.timeout_ms = timeout_ms < TIMEOUT_LEAST_MS ? TIMEOUT_LEAST_MS : timeout_ms,
		.max_bytes = CONNECT_REPLY_MAX,
	};
}

static bool connect_start(
	void *self, const struct config_section *config, struct text cursor, struct err *err)
{
	struct source *source = self;

	/* It is shown as it is: nothing in it may be a secret, nor stand where the query goes. */
	if (strpbrk(config_text(config, "url").bytes, "?#"))
		return err_set(err, ERR_CONFIG, 0, "url ends before ? and #");
	source->address = connect_address(config_text(config, "url"));
	if (!http_url_check(source->address, err)) {
		FREE(&source->address);
		return false;
	}
	source->config = config;
	source->asked_ms = INT64_MIN;
	source->names = cursor.len > 0 ? json_loadb(cursor.bytes, cursor.len, 0, NULL) : NULL;
	if (!json_is_array(source->names)) {
		json_decref(source->names);
		source->names = json_array();
	}
	return true;
}

static bool holds(const json_t *names, const json_t *name)
{
	for (size_t i = 0; i < json_array_size(names); i++) {
		if (json_equal(json_array_get(names, i), name))
			return true;
	}
	return false;
}

/* Those told last that are not there now are gone; the cursor holds those that are. */
static void replace_names(
	struct source *source, struct fact_batch *batch, json_t *names, int64_t now_ms)
{
	bool same = json_array_size(names) == json_array_size(source->names);
	char *dump;

	for (size_t i = 0; i < json_array_size(source->names); i++) {
		const json_t *name = json_array_get(source->names, i);

		if (holds(names, name))
			continue;
		same = false;
		connect_tell_gone(batch, source->config->name, text_of(json_string_value(name)),
			now_ms);
	}
	json_decref(source->names);
	source->names = names;
	if (same)
		return;
	dump = json_dumps(names, JSON_COMPACT);
	batch->cursor = arena_text(&batch->arena, text_of(dump));
	free(dump);
}

static bool take_reply(struct source *source, struct step_context *context, struct err *err)
{
	struct fact_batch *batch = context->batch;
	int64_t now_ms = context->clock->wall_ms(context->clock);
	struct text body = http_body(source->http);
	json_t *names = NULL;

	if (http_status(source->http) != 200) {
		connect_explain(http_status(source->http), body, err);
		return false;
	}
	batch->read_bytes += (int64_t)body.len;
	if (!connect_decode(batch, source->config->name, body, now_ms, &names, err))
		return false;
	source->failed = 0;
	for (size_t i = 0; i < batch->nfacts; i++)
		source->failed += batch->facts[i].kind == FACT_CONNECTOR &&
				  batch->facts[i].u.connector.worst == CONNECTOR_FAILED;
	batch->read_records += (int64_t)json_array_size(names);
	replace_names(source, batch, names, now_ms);
	return true;
}

static enum step connect_step(void *self, struct step_context *context, struct err *err)
{
	struct source *source = self;
	struct http_get get = request_of(source->config, source->address);
	int64_t mono_ms = context->clock->mono_ms(context->clock);
	enum http_said said = HTTP_BUSY;
	bool good;

	if (!source->http) {
		int64_t poll_ms = config_integer(source->config, "poll");

		if (source->asked_ms != INT64_MIN && mono_ms - source->asked_ms <
			(poll_ms < POLL_LEAST_MS ? POLL_LEAST_MS : poll_ms) && !context->once)
			return STEP_IDLE;
		source->asked_ms = mono_ms;
		if (!http_start(&get, &source->http, err))
			return STEP_FAILED;
	}
	/* Once: there is no other step to wait in; the request has its own end. */
	while (said == HTTP_BUSY && (context->once || mono_ms < context->deadline_ms)) {
		said = http_wait(source->http, SLICE_MS, err);
		mono_ms = context->clock->mono_ms(context->clock);
	}
	if (said == HTTP_BUSY)
		return STEP_MORE;
	good = said == HTTP_DONE && take_reply(source, context, err);
	http_free(source->http);
	source->http = NULL;
	/* What was known stays known; the source says that it is old. */
	(void)snprintf(source->trouble, sizeof source->trouble, "%s", good ? "" : err->text);
	return !good && context->once ? STEP_FAILED : STEP_IDLE;
}

static int64_t connect_poll_ms(void *self)
{
	return config_integer(((struct source *)self)->config, "poll");
}

static void connect_status(void *self, struct collector_status *out)
{
	const struct source *source = self;
	size_t n = json_array_size(source->names);

	(void)buf_add_str(&out->detail, source->address);
	if (source->trouble[0] != '\0') {
		out->state = HEALTH_DEGRADED;
		(void)buf_add_str(&out->text, source->trouble);
		return;
	}
	(void)buf_addf(&out->text, "%zu connector%s", n, n == 1 ? "" : "s");
	if (source->failed > 0)
		(void)buf_addf(&out->text, ", %zu of them with a failed task", source->failed);
}

static void connect_stop(void *self)
{
	struct source *source = self;

	http_free(source->http);
	source->http = NULL;
	FREE(&source->address);
	json_decref(source->names);
	source->names = NULL;
}

static void connect_doctor(const struct config_section *config,
	void (*say)(void *context, bool good, const char *line), void *context)
{
	struct step_context once = { .clock = clock_system(), .once = true };
	struct source source = { 0 };
	struct err err = ERR_INIT;
	struct buf line;
	enum step said;

	if (!connect_start(&source, config, TEXT_NONE, &err)) {
		say(context, false, err.text);
		return;
	}
	once.batch = fact_batch_new();
	do {
		once.deadline_ms = once.clock->mono_ms(once.clock) + 1000;
		said = connect_step(&source, &once, &err);
	} while (said == STEP_MORE);
	buf_init(&line, 1024);
	if (said == STEP_FAILED)
		(void)buf_addf(&line, "%s: %s", source.address, err.text);
	else
		(void)buf_addf(&line, "%zu connectors, %zu of them with a failed task",
			json_array_size(source.names), source.failed);
	say(context, said != STEP_FAILED, line.bytes);
	buf_done(&line);
	fact_batch_free(once.batch);
	connect_stop(&source);
}

const struct collector_ops connect_collector = {
	.kind = "connect",
	.about = connect_about,
	.keys = connect_keys,
	.state_size = sizeof(struct source),
	.start = connect_start,
	.step = connect_step,
	.poll_ms = connect_poll_ms,
	.doctor = connect_doctor,
	.status = connect_status,
	.stop = connect_stop,
};
