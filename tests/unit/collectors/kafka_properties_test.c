/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "collectors/kafka/plan.h"
#include "collectors/kafka/properties.h"

#define PLAIN "org.apache.kafka.common.security.plain.PlainLoginModule"
#define SCRAM "org.apache.kafka.common.security.scram.ScramLoginModule"

/* wants: "name=value" by name, "-name" for one that must not be there; note: part of one. */
static const struct {
	const char *name, *text;
	const char *wants[5];
	const char *note;
	bool wrong;
} cases[] = {
	{ "kcat's file", "# comment\nbootstrap.servers=a:9092,b:9092\nsecurity.protocol=SASL_SSL\n",
		{ "bootstrap.servers=a:9092,b:9092", "security.protocol=SASL_SSL" }, NULL, false },
	{ "blanks around =", "  bootstrap.servers =  a:9092 \t\r\n", { "bootstrap.servers=a:9092" }, NULL, false },
	{ "kcat's dump name", "metadata.broker.list=a:1\n", { "bootstrap.servers=a:1" }, NULL, false },
	{ "byte order mark", "\xef\xbb\xbf" "client.id=x\n", { "client.id=x" }, NULL, false },
	{ "other comments", "! a\n; b\n#c\nclient.id=x\n", { "client.id=x" }, NULL, false },
	{ "a line goes on", "client.id=a\\\n  b\\\n\tc\n", { "client.id=abc" }, NULL, false },
	{ "escapes", "client.id=a\\=b\\:c\\\\d\n", { "client.id=a=b:c\\d" }, NULL, false },
	{ "= in a value", "client.id=a=b\n", { "client.id=a=b" }, NULL, false },
	{ "the last wins", "client.id=a\nclient.id=b\n", { "client.id=b" }, NULL, false },
	{ "PLAIN", "sasl.jaas.config=" PLAIN " required username=\"u\" password=\"p w\";\n",
		{ "sasl.username=u", "sasl.password=p w", "sasl.mechanisms=PLAIN", "-sasl.jaas.config" },
		NULL, false },
	{ "SCRAM over lines", "sasl.mechanism=SCRAM-SHA-256\nsasl.jaas.config=" SCRAM
			      " required \\\n  username='u' \\\n  password=\"a\\\"b\";\n",
		{ "sasl.username=u", "sasl.password=a\"b", "sasl.mechanisms=SCRAM-SHA-256" }, NULL, false },
	{ "SCRAM without mechanism", "sasl.jaas.config=" SCRAM " required username=u password=p;\n",
		{ "sasl.mechanisms=SCRAM-SHA-512", "sasl.username=u" }, NULL, false },
	{ "OAuth in jaas", "sasl.jaas.config=org.apache.kafka.common.security.oauthbearer."
			   "OAuthBearerLoginModule required clientId=\"i\" clientSecret=\"s3\";\n",
		{ "-sasl.jaas.config", "-sasl.username" }, "token_command", true },
	{ "a module nobody knows", "sasl.jaas.config=com.example.Login required password=s3;\n",
		{ "-sasl.password" }, "not a login module that is known", true },
	{ "a cloud's file", "bootstrap.servers=pkc.example:9092\nsecurity.protocol=SASL_SSL\nsasl.jaas.config="
		PLAIN " required username='K' password='S';\nsasl.mechanism=PLAIN\n"
		"client.dns.lookup=use_all_dns_ips\nsession.timeout.ms=45000\nacks=all\n"
		"schema.registry.url=https://x\nbasic.auth.credentials.source=USER_INFO\n",
		{ "sasl.password=S", "session.timeout.ms=45000", "-client.dns.lookup",
			"-schema.registry.url" }, "only Java clients have it", false },
	{ "no host name check", "ssl.endpoint.identification.algorithm=\n",
		{ "ssl.endpoint.identification.algorithm=none" }, NULL, false },
	{ "PEM trust", "ssl.truststore.location=/x/ca.store\nssl.truststore.type=PEM\n",
		{ "ssl.ca.location=/x/ca.store", "-ssl.truststore.location" }, NULL, false },
	{ "PEM by name", "ssl.truststore.location=/x/ca.pem\n", { "ssl.ca.location=/x/ca.pem" }, NULL, false },
	{ "JKS trust", "ssl.truststore.location=/x/trust.jks\nssl.truststore.password=s3\n",
		{ "-ssl.ca.location", "-ssl.truststore.password" }, "keytool -exportcert", true },
	{ "PKCS12 key", "ssl.keystore.location=/x/k.p12\nssl.keystore.password=s3\n",
		{ "ssl.keystore.location=/x/k.p12", "ssl.keystore.password=s3" }, NULL, false },
	{ "PEM key", "ssl.keystore.type=PEM\nssl.keystore.location=/x/k\n",
		{ "ssl.certificate.location=/x/k", "ssl.key.location=/x/k", "-ssl.keystore.location" }, NULL,
		false },
	{ "JKS key", "ssl.keystore.location=/x/k.jks\n", { "-ssl.keystore.location" }, "PKCS12", true },
	{ "the owner's own", "group.id=app\nenable.auto.commit=true\nisolation.level=read_committed\n"
			     "plugin.library.paths=/evil.so\ntopic.acks=1\n",
		{ "-group.id", "-enable.auto.commit", "-isolation.level", "-plugin.library.paths",
			"-topic.acks" }, NULL, false },
	{ "environment", "client.id=${WEIR_TEST_ID}\nsasl.password=${env:WEIR_TEST_ID}-x\n",
		{ "client.id=from-env", "sasl.password=from-env-x" }, NULL, false },
	{ "env:", "sasl.password=env:WEIR_TEST_ID\nclient.id=env:WEIR_TEST_ID\n",
		{ "sasl.password=from-env", "client.id=env:WEIR_TEST_ID" }, NULL, false },
	{ "no =", "client.id=x\nnonsense\n", { "client.id=x" }, "expected name = value", true },
	{ "no name", "=x\nclient.id=x\n", { "client.id=x" }, "no property's name", true },
	{ "Java's colon", "bootstrap.servers: a:9092\nsasl.password: s3==\nclient.id : x=y\n",
		{ "bootstrap.servers=a:9092", "sasl.password=s3==", "client.id=x=y" }, NULL, false },
	{ "a secret before the =", "sasl.password s3==\nclient.id=x\n",
		{ "client.id=x", "-sasl.password s3" }, "no property's name before the =", true },
	{ "JAAS behind a blank", "sasl.jaas.config " PLAIN " required password=s3 username=u;\nclient.id=x\n",
		{ "client.id=x" }, "no property's name before the =", true },
	{ "OIDC", "sasl.oauthbearer.token.endpoint.url=https://x\n",
		{ "-sasl.oauthbearer.token.endpoint.url" }, "token_command", false },
};

static void check_want(const char *name, const struct properties *properties, const char *want)
{
	char key[128];
	const char *equals = strchr(want, '=');
	struct text value;

	if (want[0] == '-') {
		if (properties_get(properties, want + 1).bytes)
			fail_msg("%s: %s is there", name, want + 1);
		return;
	}
	(void)snprintf(key, sizeof key, "%.*s", (int)(equals - want), want);
	value = properties_get(properties, key);
	if (!text_is(value, equals + 1))
		fail_msg("%s: %s is \"%.*s\", not \"%s\"", name, key, TEXT_ARG(value), equals + 1);
}

static void test_files(void **state)
{
	(void)state;
	assert_int_equal(setenv("WEIR_TEST_ID", "from-env", 1), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct properties properties = { 0 };
		struct err err = ERR_INIT;
		bool found = cases[i].note == NULL && properties.nnotes == 0;

		if (!properties_parse(&properties, text_of(cases[i].text), PROPERTIES_FILE, "/", &err))
			fail_msg("%s: %s", cases[i].name, err.text);
		for (size_t k = 0; k < ARRAY_LEN(cases[i].wants) && cases[i].wants[k]; k++)
			check_want(cases[i].name, &properties, cases[i].wants[k]);
		for (size_t k = 0; k < properties.nnotes; k++) {
			const struct property_note *note = &properties.notes[k];

			assert_true(note->line > 0);
			if (text_contains(note->text, TEXT("s3")))
				fail_msg("%s: a note tells a secret", cases[i].name);
			if (cases[i].note && strstr(note->text.bytes, cases[i].note) &&
				note->wrong == cases[i].wrong)
				found = true;
		}
		if (!found || (!cases[i].note && properties.nnotes > 0))
			fail_msg("%s: notes are not as wanted", cases[i].name);
		properties_done(&properties);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *text;
		enum properties_from from;
		const char *why;
	} refused[] = {
		{ "sasl.password = hunter2\n", PROPERTIES_INLINE, "a secret is not written here" },
		{ "sasl.jaas.config = " PLAIN " required username=u password=hunter2;\n",
			PROPERTIES_INLINE, "a secret is not written here" },
		{ "client.id=${WEIR_TEST_NOT_THERE}\n", PROPERTIES_FILE, "no such variable" },
		{ "client.id=${}\n", PROPERTIES_FILE, "needs the name" },
		{ "sasl.password=file:/nonexistent/hunter2\n", PROPERTIES_FILE, "cannot be read" },
		{ "sasl.password=file:/dev/null\n", PROPERTIES_FILE, "nothing in its first line" },
		{ "sasl.password=env:WEIR_TEST_NOT_THERE\n", PROPERTIES_INLINE, "no such variable" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct properties properties = { 0 };
		struct err err = ERR_INIT;

		assert_false(properties_parse(&properties, text_of(refused[i].text), refused[i].from, "/",
			&err));
		if (!strstr(err.text, refused[i].why) || strstr(err.text, "hunter2"))
			fail_msg("case %zu: %s", i, err.text);
		assert_non_null(strstr(err.text, "line 1"));
		properties_done(&properties);
	}
}

static void test_long_line(void **state)
{
	struct properties properties = { 0 };
	struct err err = ERR_INIT;
	struct buf text;

	(void)state;
	buf_init(&text, 1 << 20);
	(void)buf_add_str(&text, "ssl.ca.pem=");
	(void)buf_add_fill(&text, 'x', 100000);
	assert_true(properties_parse(&properties, buf_text(&text), PROPERTIES_FILE, "/", &err));
	assert_int_equal(properties_get(&properties, "ssl.ca.pem").len, 100000);
	properties_done(&properties);
	(void)buf_add_fill(&text, 'x', 300000);
	assert_false(properties_parse(&properties, buf_text(&text), PROPERTIES_FILE, "/", &err));
	assert_non_null(strstr(err.text, "too long"));
	properties_done(&properties);
	buf_done(&text);
}

static void test_file_secrets(void **state)
{
	char directory[] = "/tmp/weir-properties-XXXXXX";
	char path[64];
	char secret[64];
	struct properties properties = { 0 };
	struct err err = ERR_INIT;
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(directory));
	(void)snprintf(path, sizeof path, "%s/client.properties", directory);
	(void)snprintf(secret, sizeof secret, "%s/secret", directory);
	file = fopen(secret, "w");
	assert_non_null(file);
	(void)fputs("hunter2 \nmore\n", file);
	assert_int_equal(fclose(file), 0);
	file = fopen(path, "w");
	assert_non_null(file);
	(void)fputs("sasl.password = file:secret\n", file);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, 0644), 0);
	assert_true(properties_load(&properties, path, &err));
	assert_true(text_is(properties_get(&properties, "sasl.password"), "hunter2"));
	assert_int_equal(properties.nnotes, 0); /* nothing secret stands in it */
	properties_done(&properties);
	file = fopen(path, "w");
	assert_non_null(file);
	(void)fputs("sasl.password = hunter2\n", file);
	assert_int_equal(fclose(file), 0);
	assert_true(properties_load(&properties, path, &err));
	assert_int_equal(properties.nnotes, 1);
	assert_non_null(strstr(properties.notes[0].text.bytes, "chmod 600"));
	properties_done(&properties);
	assert_int_equal(chmod(path, 0600), 0);
	assert_true(properties_load(&properties, path, &err));
	assert_int_equal(properties.nnotes, 0);
	properties_done(&properties);
	assert_int_equal(unlink(path) | unlink(secret) | rmdir(directory), 0);
}

static void test_patterns(void **state)
{
	static const struct {
		const char *patterns, *name;
		bool match;
	} tries[] = {
		{ "", "a", true }, { "a", "a", true }, { "a", "b", false }, { "a*, c", "abc", true },
		{ "a*\nc", "c", true }, { "!a", "a", false }, { "!a", "b", true }, { "a* !ab", "ab", false },
		{ "a* !ab", "ac", true }, { " , ", "a", true }, { "cdc.[0-9]*", "cdc.7x", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
		if (patterns_match(text_of(tries[i].patterns), tries[i].name) != tries[i].match)
			fail_msg("\"%s\" on \"%s\"", tries[i].patterns, tries[i].name);
	}
}

static void test_plan_frame(void **state)
{
	struct plan plan = { .cluster = TEXT("c"), .groups = TEXT("g*"), .topics = TEXT(""),
		.tables = TEXT("t"), .token_command = TEXT("x y"), .group_id = TEXT("m"),
		.answer_ms = 2500, .sample_bytes = 5, .read_committed = true };
	struct plan other = { 0 };
	struct buf out;
	struct text rest;
	enum wire_kind kind;
	struct wire_in in;

	(void)state;
	properties_set(&plan.properties, "sasl.password", TEXT("p"));
	buf_init(&out, 1 << 20);
	assert_true(plan_put(&plan, &out));
	rest = buf_text(&out);
	assert_int_equal(wire_cut(&rest, &kind, &in), WIRE_CUT);
	assert_int_equal(kind, WIRE_CONFIG);
	assert_true(plan_take(&other, &in));
	assert_true(text_is(other.groups, "g*") && text_is(other.token_command, "x y"));
	assert_int_equal(other.answer_ms, 2500);
	assert_true(other.read_committed);
	assert_true(text_is(properties_get(&other.properties, "sasl.password"), "p"));
	assert_true(other.properties.list[0].secret);
	plan_done(&plan);
	plan_done(&other);
	/* Cut anywhere, it is refused rather than half taken. */
	for (size_t len = WIRE_HEAD; len < out.len; len++) {
		struct wire_in cut = { (unsigned char *)out.bytes + WIRE_HEAD,
			(unsigned char *)out.bytes + len, false };

		assert_false(plan_take(&other, &cut));
		plan_done(&other);
	}
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_file_secrets),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_plan_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
