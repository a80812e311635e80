/* SPDX-License-Identifier: Apache-2.0 */
#include <netdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "collectors/collector.h"
#include "collectors/connect/connect.h"
#include "collectors/http.h"

/* What a Connect worker answers, and what is made of it. */

static void add_text(struct buf *out, const char *name, struct text text)
{
	if (text.bytes)
		(void)buf_addf(out, " %s=%.*s", name, TEXT_ARG(text));
}

/* One line a connector. */
static bool decode(const char *reply, struct buf *said, struct err *err)
{
	struct fact_batch *batch = fact_batch_new();
	json_t *names = NULL;
	bool good = connect_decode(batch, TEXT("main"), text_of(reply), 1, &names, err);

	buf_init(said, 1 << 16);
	for (size_t i = 0; i < batch->nfacts; i++) {
		const struct fact_connector *connector = &batch->facts[i].u.connector;

		if (batch->facts[i].kind == FACT_UNDECODABLE) {
			(void)buf_addf(said, "undecodable %.*s\n",
				TEXT_ARG(batch->facts[i].u.undecodable.place));
			assert_int_equal(batch->facts[i].u.undecodable.bytes.len, 0);
			continue;
		}
		assert_true(text_is(connector->connect, "main"));
		(void)buf_addf(said, "%.*s %s %s worst %s tasks %lld/%lld",
			TEXT_ARG(connector->connector), connector->sink ? "sink" : "source",
			connector_state_name(connector->state),
			connector_state_name(connector->worst), (long long)connector->tasks_failed,
			(long long)connector->tasks);
		add_text(said, "worker", connector->worker);
		add_text(said, "group", connector->group);
		add_text(said, "topics", connector->topics);
		add_text(said, "trace", connector->trace);
		(void)buf_add_char(said, '\n');
	}
	json_decref(names);
	fact_batch_free(batch);
	return good;
}

#define STATUS(type, state, tasks)                                                                 \
	"\"status\":{\"name\":\"x\",\"connector\":{\"state\":\"" state                             \
	"\",\"worker_id\":\"w1:8083\"},\"tasks\":" tasks ",\"type\":\"" type "\"}"
#define INFO(config) "\"info\":{\"name\":\"x\",\"config\":{" config "},\"tasks\":[]}"
#define TASK(id, state) "{\"id\":" #id ",\"state\":\"" state "\",\"worker_id\":\"w2:8083\"}"

static const struct {
	const char *name, *reply, *says;
} cases[] = {
	{ "no connector", "{}", "" },
	{ "a sink that runs",
		"{\"s3\":{" STATUS("sink", "RUNNING", "[" TASK(0, "RUNNING") "," TASK(1, "RUNNING") "]") ","
		INFO("\"topics\":\"a,b\",\"aws.secret.access.key\":\"hidden\"") "}}",
		"s3 sink RUNNING worst RUNNING tasks 0/2 worker=w1:8083 group=connect-s3 topics=a,b\n" },
	{ "its tasks failed, and it says that it runs",
		"{\"s3\":{" STATUS("sink", "RUNNING",
			"[" TASK(0, "RUNNING") ",{\"id\":1,\"state\":\"FAILED\",\"worker_id\":\"w3\","
			"\"trace\":\"E: Null valued records\\n\\tat a\\n\\tat b\"}]") ","
		INFO("\"topics.regex\":\"cdc.*\",\"consumer.override.group.id\":\"own\"") "}}",
		"s3 sink RUNNING worst FAILED tasks 1/2 worker=w3 group=own topics=cdc.* "
		"trace=E: Null valued records\n at a\n at b\n" },
	{ "a source has no group",
		"{\"pg\":{" STATUS("source", "PAUSED", "[" TASK(0, "PAUSED") "]") "," INFO("") "}}",
		"pg source PAUSED worst PAUSED tasks 0/1 worker=w1:8083\n" },
	{ "it runs without a task",
		"{\"pg\":{" STATUS("source", "RUNNING", "[]") "," INFO("") "}}",
		"pg source RUNNING worst UNASSIGNED tasks 0/0 worker=w1:8083\n" },
	{ "stopped on purpose", "{\"pg\":{" STATUS("source", "STOPPED", "[]") "}}",
		"pg source STOPPED worst STOPPED tasks 0/0 worker=w1:8083\n" },
	{ "the connector itself failed",
		"{\"pg\":{\"status\":{\"connector\":{\"state\":\"FAILED\",\"worker_id\":\"w\",\"trace\":"
		"\"E\"},\"tasks\":[],\"type\":\"source\"}}}",
		"pg source FAILED worst FAILED tasks 0/0 worker=w trace=E\n" },
	{ "a state of tomorrow",
		"{\"pg\":{" STATUS("source", "DREAMING", "[" TASK(0, "RUNNING") "]") "}}",
		"pg source  worst RUNNING tasks 0/1 worker=w1:8083\n" },
	{ "one that makes no sense does not cost the others",
		"{\"a\":7,\"b\":{}}", "undecodable connector a\nb source  worst  tasks 0/0\n" },
	{ "a name from elsewhere", "{\"a\\u001b[2J\":{}}", "a\u241b[2J source  worst  tasks 0/0\n" },
	{ "shapes that no worker has",
		"{\"a\":{\"status\":[],\"info\":{\"config\":[],\"type\":\"sink\"}},"
		"\"b\":{\"status\":{\"tasks\":{},\"connector\":\"RUNNING\"}}}",
		"a sink  worst  tasks 0/0 group=connect-a\nb source  worst  tasks 0/0\n" },
};

static void test_replies(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_INIT;
		struct buf said;

		if (!decode(cases[i].reply, &said, &err))
			fail_msg("%s: %s", cases[i].name, err.text);
		if (strcmp(said.bytes, cases[i].says) != 0)
			fail_msg("%s: says\n%swanted\n%s", cases[i].name, said.bytes, cases[i].says);
		if (strstr(said.bytes, "hidden"))
			fail_msg("%s: a secret", cases[i].name);
		buf_done(&said);
	}
}

static void test_no_replies(void **state)
{
	static const char *const replies[] = { "", "null", "[]", "{\"a\":", "<html>busy</html>", "\"{}\"" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
		struct err err = ERR_INIT;
		struct buf said;

		assert_false(decode(replies[i], &said, &err));
		assert_int_equal(err.kind, ERR_FORMAT);
		assert_string_equal(said.bytes, "");
		buf_done(&said);
	}
}

static void test_blot(void **state)
{
	static const char *const pairs[][2] = {
		{ "nothing to hide", "nothing to hide" },
		{ "password=hunter2 next", "password=*** next" },
		{ "connection.password = hunter2, b=1", "connection.password = ***, b=1" },
		{ "\"sasl.jaas.config\": \"X required password='p';\" rest",
			"\"sasl.jaas.config\": *** rest" },
		{ "jdbc:postgresql://db/x?user=u&password=p&ssl=1",
			"jdbc:postgresql://db/x?user=u&password=***&ssl=1" },
		{ "at https://user:pa55@host:8083/x", "at https://***@host:8083/x" },
		{ "at https://host:8083/x", "at https://host:8083/x" },
		{ "AWS_SECRET_ACCESS_KEY: abc", "AWS_SECRET_ACCESS_KEY: ***" },
		{ "the token expired", "the token expired" },
		{ "token=", "token=" },
		{ "password=\"a\\\"b\" rest", "password=*** rest" },
		{ "{\"password\":\"a\\\\\",\"b\":1}", "{\"password\":***,\"b\":1}" },
		{ "password=\"cut\\", "password=***" },
		{ "Authorization: Bearer e30.e30.x rest", "Authorization: *** rest" },
		{ "headers {Authorization=basic dTpw}", "headers {Authorization=***}" },
		{ "authorization: Bearer", "authorization: ***" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		struct buf out;

		buf_init(&out, 1 << 16);
		connect_blot(&out, text_of(pairs[i][0]));
		assert_string_equal(out.bytes, pairs[i][1]);
		buf_done(&out);
	}
}

/* A trace is kept by its head. */
static void test_long_trace(void **state)
{
	struct err err = ERR_INIT;
	struct buf reply;
	struct buf said;

	(void)state;
	buf_init(&reply, 1 << 22);
	(void)buf_add_str(&reply, "{\"x\":{\"status\":{\"tasks\":[{\"state\":\"FAILED\",\"trace\":\"");
	for (int i = 0; i < 50000; i++)
		(void)buf_add_str(&reply, i % 10 == 9 ? "\\n" : "at some.place ");
	(void)buf_add_str(&reply, "\"}]}}}");
	assert_true(decode(reply.bytes, &said, &err));
	assert_true(said.len > CONNECT_TRACE_MAX && said.len < CONNECT_TRACE_MAX + 100);
	buf_done(&said);
	buf_done(&reply);
}

static void test_words(void **state)
{
	static const struct {
		int status;
		const char *reply, *says;
	} words[] = {
		{ 409, "", "it answers 409: a rebalance is under way" },
		{ 404, "x", "it answers 404: no Connect REST API at this url" },
		{ 401, "", "it answers 401: check user and password, or token" },
		{ 302, "", "it answers 302: a redirect, which is not followed; give its target as url" },
		{ 500, "{\"error_code\":500,\"message\":\"Timed out, password=x\"}",
			"it answers 500: Timed out, password=***" },
		{ 502, "<html>", "it answers 502" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		struct err err = ERR_INIT;

		connect_explain(words[i].status, text_of(words[i].reply), &err);
		assert_string_equal(err.text, words[i].says);
	}
}

static void test_addresses(void **state)
{
	static const char *const pairs[][2] = {
		{ "http://h:8083", "http://h:8083/connectors?expand=status&expand=info" },
		{ "http://h:8083/", "http://h:8083/connectors?expand=status&expand=info" },
		{ "https://h/api/connectors", "https://h/api/connectors?expand=status&expand=info" },
	};
	static const char *const refused[] = { "", "h:8083", "file:///etc/passwd", "http://",
		"http://u:p@h", "https://u@h/x", "HTTP://h" };
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		char *address = connect_address(text_of(pairs[i][0]));

		assert_string_equal(address, pairs[i][1]);
		assert_true(http_url_check(address, &err));
		free(address);
	}
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		assert_false(http_url_check(refused[i], &err));
	assert_true(http_url_check("http://h/x@y", &err));
}

/* What stands behind ? would be shown with the address, and swallow the path. */
static void test_url_without_query(void **state)
{
	static const struct collector_ops *const kinds[] = { &connect_collector, NULL };
	static const char *const texts[] = { "[connect a]\nurl = http://h:8083?token=hunter2\n",
		"[connect a]\nurl = http://h:8083/#hunter2\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		void *self = mem_zero(1, connect_collector.state_size);
		struct config *config;
		struct err err = ERR_INIT;

		assert_true(config_parse_kinds(text_of(texts[i]), "w.ini", kinds, &config, &err));
		assert_false(connect_collector.start(self, config_section_at(config, 0), TEXT_NONE, &err));
		assert_string_equal(err.text, "url ends before ? and #");
		config_free(config);
		free(self);
	}
}

/* libcurl's own thread asks: a name server that does not answer. */
int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
	struct addrinfo **out)
{
	(void)host, (void)service, (void)hints, (void)out;
	(void)usleep(2500000);
	return EAI_AGAIN;
}

/* A source can be stopped at any time, also while a name is looked up. */
static void test_stops_at_once(void **state)
{
	const struct http_get get = { .url = "http://nobody.invalid/", .timeout_ms = 60000, .max_bytes = 1000 };
	const struct clock *clock = clock_system();
	int64_t began = clock->mono_ms(clock);
	struct err err = ERR_INIT;
	struct http *http;

	(void)state;
	assert_true(http_start(&get, &http, &err));
	for (int i = 0; i < 4; i++)
		assert_int_equal(http_wait(http, 50, &err), HTTP_BUSY);
	assert_true(clock->mono_ms(clock) - began < 1000);
	http_free(http);
	assert_true(clock->mono_ms(clock) - began < 1000);
	(void)usleep(2500000); /* its thread ends before the program does */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_no_replies),
		cmocka_unit_test(test_blot),
		cmocka_unit_test(test_long_trace),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_url_without_query),
		cmocka_unit_test(test_stops_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
