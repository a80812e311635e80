/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/connect/connect.h"

#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "store/redact.h"

enum { NAME_MAX_BYTES = 1024, TOPICS_MAX_BYTES = 4096 };

static struct text string_of(const json_t *value)
{
	return (struct text){ json_string_value(value), json_string_length(value) };
}

static struct text clean_copy(struct arena *arena, struct text dirty, size_t max)
{
	struct text copy;
	struct buf clean;

	if (!dirty.bytes)
		return TEXT_NONE;
	buf_init(&clean, max);
	(void)utf8_clean(&clean, dirty, UTF8_ONE_LINE);
	copy = arena_text(arena, buf_text(&clean));
	buf_done(&clean);
	return copy;
}

static enum connector_state state_of(struct text word)
{
	static const enum connector_state states[] = { CONNECTOR_RUNNING, CONNECTOR_UNASSIGNED,
		CONNECTOR_RESTARTING, CONNECTOR_PAUSED, CONNECTOR_STOPPED, CONNECTOR_FAILED };

	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		if (text_is(word, connector_state_name(states[i])))
			return states[i];
	}
	return CONNECTOR_UNKNOWN;
}

/* ---- secrets in traces ---- */

static bool is_word_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '-';
}

static bool names_secret(struct text word)
{
	static const char *const parts[] = { "password", "passwd", "pwd", "secret", "token", "jaas",
		"credential", "authorization", "apikey", "api.key", "access.key", "access_key", "accesskey",
		"private.key", "sharedaccess" };

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		if (text_contains_fold(word, text_of(parts[i])))
			return true;
	}
	return false;
}

/* How an Authorization header's value begins: its secret is behind a blank. */
static size_t scheme_len(struct text text)
{
	static const char *const schemes[] = { "basic ", "bearer ", "token " };

	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		size_t len = strlen(schemes[i]);

		if (text.len > len && strncasecmp(text.bytes, schemes[i], len) == 0)
			return len;
	}
	return 0;
}

/* The value behind "password=" or "password: ": to its quote's end, or to the next delimiter. */
static size_t value_end(struct text text, size_t at)
{
	char quote = at < text.len ? text.bytes[at] : '\0';

	if (quote == '"' || quote == '\'') {
		for (at++; at < text.len && text.bytes[at] != quote; at++)
			at += text.bytes[at] == '\\' && at + 1 < text.len;
		return at < text.len ? at + 1 : at;
	}
	at += scheme_len(text_sub(text, at, text.len));
	while (at < text.len && !strchr(" \t\r\n,;&)]}\"'", text.bytes[at]))
		at++;
	return at;
}

/* Where "://user:password@" holds its password; 0 = it is none. */
static size_t credentials_end(struct text text, size_t at)
{
	size_t from = at;

	while (at < text.len && !strchr(" \t\r\n/?#\"'", text.bytes[at]) && at - from < 512)
		at++;
	while (at > from && text.bytes[at - 1] != '@')
		at--;
	return at > from && memchr(text.bytes + from, ':', at - from) ? at - 1 : 0;
}

void connect_blot(struct buf *out, struct text text)
{
	size_t at = 0;

	while (at < text.len) {
		size_t from = at;
		size_t end;

		while (at < text.len && is_word_byte(text.bytes[at]))
			at++;
		if (at == from) {
			(void)buf_add_char(out, text.bytes[at++]);
			if (at >= 3 && memcmp(text.bytes + at - 3, "://", 3) == 0 &&
				(end = credentials_end(text, at)) > 0) {
				(void)buf_add_str(out, "***");
				at = end;
			}
			continue;
		}
		(void)buf_add(out, text_sub(text, from, at - from));
		if (!names_secret(text_sub(text, from, at - from)))
			continue;
		for (from = at; at < text.len && strchr(" \t\"'", text.bytes[at]); at++)
			continue;
		if (at >= text.len || (text.bytes[at] != '=' && text.bytes[at] != ':')) {
			at = from;
			continue;
		}
		for (at++; at < text.len && strchr(" \t", text.bytes[at]); at++)
			continue;
		(void)buf_add(out, text_sub(text, from, at - from));
		end = value_end(text, at);
		if (end > at)
			(void)buf_add_str(out, "***");
		at = end;
	}
}

/* Its first lines, without row data and secrets, clean. */
static struct text trace_of(struct arena *arena, const json_t *value)
{
	struct text rest = text_sub(string_of(value), 0, (size_t)CONNECT_TRACE_MAX * 8);
	struct text line;
	struct text trace = TEXT_NONE;
	struct buf head;
	struct buf redacted;
	struct buf blotted;
	struct buf clean;

	if (rest.len == 0)
		return TEXT_NONE;
	buf_init(&head, 1 << 16);
	buf_init(&redacted, 1 << 17);
	buf_init(&blotted, 1 << 18);
	buf_init(&clean, CONNECT_TRACE_MAX);
	for (int i = 0; i < CONNECT_TRACE_LINES && text_split(&rest, '\n', &line); i++) {
		(void)buf_add_str(&head, i > 0 ? "\n" : "");
		(void)buf_add(&head, line);
	}
	(void)redact_message(&redacted, buf_text(&head));
	connect_blot(&blotted, buf_text(&redacted));
	(void)utf8_clean(&clean, buf_text(&blotted), UTF8_KEEP_LINES); /* cut is fine */
	trace = arena_text(arena, buf_text(&clean));
	buf_done(&head);
	buf_done(&redacted);
	buf_done(&blotted);
	buf_done(&clean);
	return trace;
}

/* ---- connectors ---- */

static void worse(struct fact_connector *connector, enum connector_state state)
{
	if (state > connector->worst)
		connector->worst = state;
}

static void take_tasks(struct arena *arena, const json_t *tasks, struct fact_connector *connector)
{
	for (size_t i = 0; i < json_array_size(tasks); i++) {
		const json_t *task = json_array_get(tasks, i);
		enum connector_state state = state_of(string_of(json_object_get(task, "state")));

		connector->tasks++;
		worse(connector, state);
		if (state != CONNECTOR_FAILED)
			continue;
		if (connector->tasks_failed++ == 0) {
			connector->trace = trace_of(arena, json_object_get(task, "trace"));
			connector->worker = clean_copy(arena,
				string_of(json_object_get(task, "worker_id")), NAME_MAX_BYTES);
		}
	}
	/* Nothing runs although it is said to: not assigned yet, or misconfigured. */
	if (connector->tasks == 0 && connector->state == CONNECTOR_RUNNING)
		worse(connector, CONNECTOR_UNASSIGNED);
}

static void take_config(struct arena *arena, const json_t *config, struct text name,
	struct fact_connector *connector)
{
	struct text topics = string_of(json_object_get(config, "topics"));
	struct text group = string_of(json_object_get(config, "consumer.override.group.id"));

	if (topics.len == 0)
		topics = string_of(json_object_get(config, "topics.regex"));
	if (topics.len > 0)
		connector->topics = clean_copy(arena, topics, TOPICS_MAX_BYTES);
	if (!connector->sink)
		return;
	if (group.len > 0)
		connector->group = clean_copy(arena, group, NAME_MAX_BYTES);
	else
		connector->group = clean_copy(arena,
			text_of(arena_printf(arena, "connect-%.*s", TEXT_ARG(name))), NAME_MAX_BYTES);
}

static void take_connector(struct fact_batch *batch, struct text connect, struct text name,
	const json_t *value, int64_t now_ms)
{
	const json_t *status = json_object_get(value, "status");
	const json_t *info = json_object_get(value, "info");
	const json_t *own = json_object_get(status, "connector");
	const json_t *type = json_object_get(status, "type");
	struct fact_connector *connector =
		&fact_batch_fact(batch, FACT_CONNECTOR, now_ms)->u.connector;

	if (!json_is_string(type))
		type = json_object_get(info, "type");
	connector->connect = arena_text(&batch->arena, connect);
	connector->connector = clean_copy(&batch->arena, name, NAME_MAX_BYTES);
	connector->sink = text_is(string_of(type), "sink");
	connector->state = state_of(string_of(json_object_get(own, "state")));
	connector->worst = connector->state;
	take_tasks(&batch->arena, json_object_get(status, "tasks"), connector);
	if (!connector->trace.bytes)
		connector->trace = trace_of(&batch->arena, json_object_get(own, "trace"));
	if (!connector->worker.bytes)
		connector->worker = clean_copy(&batch->arena,
			string_of(json_object_get(own, "worker_id")), NAME_MAX_BYTES);
	take_config(&batch->arena, json_object_get(info, "config"), name, connector);
}

bool connect_decode(struct fact_batch *batch, struct text connect, struct text reply,
	int64_t now_ms, json_t **names_out, struct err *err)
{
	json_error_t error;
	json_t *connectors = json_loadb(reply.bytes, reply.len, JSON_ALLOW_NUL, &error);
	json_t *names;
	const char *name;
	json_t *value;

	if (!json_is_object(connectors)) {
		json_decref(connectors);
		return err_set(err, ERR_FORMAT, 0, "the reply is no list of connectors%s",
			reply.len == 0 ? ": it is empty" : "");
	}
	names = json_array();
	json_object_foreach(connectors, name, value)
	{
		(void)json_array_append_new(names, json_string(name));
		if (json_is_object(value))
			take_connector(batch, connect, text_of(name), value, now_ms);
		else
			fact_batch_undecodable(batch, now_ms,
				text_of(arena_printf(&batch->arena, "connector %s", name)),
				TEXT("a connector that is no object"), TEXT_NONE);
	}
	json_decref(connectors);
	*names_out = names;
	return true;
}

void connect_tell_gone(
	struct fact_batch *batch, struct text connect, struct text name, int64_t now_ms)
{
	struct fact_connector *connector =
		&fact_batch_fact(batch, FACT_CONNECTOR, now_ms)->u.connector;

	connector->connect = arena_text(&batch->arena, connect);
	connector->connector = clean_copy(&batch->arena, name, NAME_MAX_BYTES);
	connector->gone = true;
}

/* {"error_code":409,"message":"..."} */
static void add_message(struct buf *out, struct text reply)
{
	json_t *value = json_loadb(reply.bytes, reply.len, JSON_ALLOW_NUL, NULL);
	struct text message = string_of(json_object_get(value, "message"));

	if (message.len > 0) {
		(void)buf_add_str(out, ": ");
		connect_blot(out, text_sub(message, 0, 400));
	}
	json_decref(value);
}

void connect_explain(int status, struct text reply, struct err *err)
{
	enum err_kind kind = ERR_NET;
	struct buf words;

	buf_init(&words, sizeof err->text);
	(void)buf_addf(&words, "it answers %d", status);
	if (status == 401 || status == 403) {
		kind = ERR_AUTH;
		(void)buf_add_str(&words, ": check user and password, or token");
	} else if (status == 404) {
		kind = ERR_ABSENT;
		(void)buf_add_str(&words, ": no Connect REST API at this url");
	} else if (status == 409) {
		(void)buf_add_str(&words, ": a rebalance is under way");
	} else if (status >= 300 && status < 400) {
		(void)buf_add_str(&words, ": a redirect, which is not followed; give its target as url");
	} else {
		add_message(&words, reply);
	}
	(void)err_set(err, kind, status, "%s", words.bytes);
	buf_done(&words);
}

char *connect_address(struct text url)
{
	struct buf address;

	while (url.len > 0 && url.bytes[url.len - 1] == '/')
		url.len--;
	buf_init(&address, 1 << 16);
	(void)buf_add(&address, url);
	if (!text_ends(url, TEXT("/connectors")))
		(void)buf_add_str(&address, "/connectors");
	(void)buf_add_str(&address, "?expand=status&expand=info");
	return buf_take(&address);
}
