/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/kafka/properties.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "collectors/config_value.h"
#include "collectors/kafka/jaas.h"

enum { FILE_MAX_BYTES = 1 << 20, VALUE_MAX_BYTES = 256 << 10, SECRET_MAX_BYTES = 64 << 10,
	NAME_MAX_BYTES = 120 };

struct parser {
	struct properties *to;
	enum properties_from from;
	const char *directory;
	int line; /* where the pair that is being read began */
	struct err *err;
	bool failed;
	/* Java's stores say their kind in another line than their place */
	struct text trust_type, trust_place, key_type, key_place;
	int trust_line, key_line;
};

static void note(struct parser *parser, int line, bool wrong, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void note(struct parser *parser, int line, bool wrong, const char *fmt, ...)
{
	struct properties *to = parser->to;
	char text[400];
	struct buf clean;
	va_list args;

	if (to->nnotes == PROPERTY_NOTES_MAX)
		return;
	if (!to->notes)
		to->notes = ARENA_ARRAY(&to->arena, struct property_note, PROPERTY_NOTES_MAX);
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof text, fmt, args); /* cut is fine */
	va_end(args);
	buf_init(&clean, sizeof text);
	(void)utf8_clean(&clean, text_of(text), UTF8_ONE_LINE);
	to->notes[to->nnotes++] = (struct property_note){
		.line = line,
		.wrong = wrong,
		.text = arena_text(&to->arena, buf_text(&clean)),
	};
	buf_done(&clean);
}

static bool fail(struct parser *parser, const char *name, const char *why)
{
	if (!parser->failed)
		(void)err_set(parser->err, ERR_CONFIG, 0, "line %d: %.60s: %s", parser->line, name, why);
	parser->failed = true;
	return false;
}

bool property_is_secret(struct text name)
{
	static const char *const words[] = { "password", "passwd", "secret", "jaas", "token", "ssl.key.pem",
		"ssl.keystore.key", "private", "oauthbearer.config", "user.info", "credential" };

	if (text_is(name, "sasl.oauthbearer.token.endpoint.url") ||
		text_is(name, "basic.auth.credentials.source"))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (text_contains_fold(name, text_of(words[i])))
			return true;
	}
	return false;
}

static struct property *find(const struct properties *properties, struct text name)
{
	for (size_t i = 0; i < properties->count; i++) {
		if (text_eq(properties->list[i].name, name))
			return &properties->list[i];
	}
	return NULL;
}

static bool set(struct properties *to, struct text name, struct text value, int line, bool secret)
{
	struct property *property = find(to, name);

	if (!to->list)
		to->list = ARENA_ARRAY(&to->arena, struct property, PROPERTIES_MAX);
	if (!property && to->count == PROPERTIES_MAX)
		return false;
	if (!property) {
		property = &to->list[to->count++];
		property->name = arena_text(&to->arena, name);
	}
	property->value = arena_text(&to->arena, value);
	property->line = line;
	property->secret = secret;
	return true;
}

void properties_set(struct properties *properties, const char *name, struct text value)
{
	(void)set(properties, text_of(name), value, 0, property_is_secret(text_of(name)));
}

struct text properties_get(const struct properties *properties, const char *name)
{
	const struct property *property = find(properties, text_of(name));

	return property ? property->value : TEXT_NONE;
}

static void put(struct parser *parser, const char *name, struct text value, bool secret)
{
	if (!set(parser->to, text_of(name), value, parser->line, secret))
		(void)fail(parser, name, "there are too many properties");
}

/* Only Java has these; they say nothing that Weir needs. */
static bool only_java(struct text name)
{
	static const char *const names[] = { "client.dns.lookup", "key.deserializer",
		"value.deserializer", "key.serializer", "value.serializer", "ssl.truststore.password",
		"ssl.protocol", "ssl.provider", "ssl.enabled.protocols", "ssl.secure.random.implementation",
		"ssl.trustmanager.algorithm", "ssl.keymanager.algorithm", "default.api.timeout.ms",
		"sasl.login.callback.handler.class", "sasl.client.callback.handler.class",
		"sasl.login.class", "interceptor.classes", "security.providers",
		"connections.max.idle.ms.override", "exclude.internal.topics", "max.poll.records",
		"partition.assignment.strategy.class", "metric.reporters", "auto.include.jmx.reporter" };

	if (text_starts(name, TEXT("schema.registry.")) || text_starts(name, TEXT("basic.auth.")) ||
		text_starts(name, TEXT("bearer.auth.")) || text_starts(name, TEXT("confluent.")))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (text_is(name, names[i]))
			return true;
	}
	return false;
}

/* The reader's own business: Weir never joins a group, and decides these itself. */
static bool of_the_owner(struct text name)
{
	static const char *const names[] = { "group.id", "group.instance.id", "enable.auto.commit",
		"auto.commit.interval.ms", "enable.auto.offset.store", "isolation.level",
		"auto.offset.reset", "statistics.interval.ms", "allow.auto.create.topics",
		"transactional.id", "plugin.library.paths", "enable.partition.eof", "log.queue",
		"log_level", "debug", "test.mock.num.brokers", "ssl.engine.location" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (text_is(name, names[i]))
			return true;
	}
	return text_starts(name, TEXT("topic."));
}

static void take_jaas(struct parser *parser, struct text value)
{
	struct jaas jaas;

	switch (jaas_parse(&parser->to->arena, value, &jaas)) {
	case JAAS_LOGIN:
		put(parser, "sasl.username", jaas.username, false);
		put(parser, "sasl.password", jaas.password, true);
		if (!properties_get(parser->to, "sasl.mechanisms").bytes)
			put(parser, "sasl.mechanisms", jaas.plain ? TEXT("PLAIN") : TEXT("SCRAM-SHA-512"),
				false);
		return;
	case JAAS_OAUTH:
		note(parser, parser->line, true, "sasl.jaas.config: OAuth tokens are not fetched here; give "
			"token_command, which prints one");
		return;
	case JAAS_KERBEROS:
		note(parser, parser->line, false, "sasl.jaas.config: Kerberos takes sasl.kerberos.keytab and "
			"sasl.kerberos.principal");
		return;
	case JAAS_UNKNOWN:
		break;
	}
	note(parser, parser->line, true, "sasl.jaas.config: not a login module that is known; "
		"PlainLoginModule and ScramLoginModule are: give sasl.username and sasl.password");
}

static bool ends_any(struct text value, const char *const *endings)
{
	for (; *endings; endings++) {
		if (text_ends(value, text_of(*endings)))
			return true;
	}
	return false;
}

/* Java's trust and key stores: PEM and PKCS12 can be read, JKS is Java's alone. */
static void settle_stores(struct parser *parser)
{
	static const char *const pem[] = { ".pem", ".crt", ".cer", NULL };
	static const char *const p12[] = { ".p12", ".pfx", NULL };
	struct text place = parser->trust_place;

	parser->line = parser->trust_line;
	if (place.bytes && (text_is(parser->trust_type, "PEM") || ends_any(place, pem)))
		put(parser, "ssl.ca.location", place, false);
	else if (place.bytes)
		note(parser, parser->line, true, "ssl.truststore.location: a Java store is not read here; "
			"export the certificates: keytool -exportcert -rfc -keystore STORE -alias NAME, and "
			"give them as ssl.ca.location");
	place = parser->key_place;
	parser->line = parser->key_line;
	if (place.bytes && (text_is(parser->key_type, "PEM") || ends_any(place, pem))) {
		put(parser, "ssl.certificate.location", place, false);
		put(parser, "ssl.key.location", place, false);
	} else if (place.bytes && (text_is(parser->key_type, "PKCS12") || ends_any(place, p12))) {
		put(parser, "ssl.keystore.location", place, false);
	} else if (place.bytes) {
		note(parser, parser->line, true, "ssl.keystore.location: a Java store is not read here; "
			"convert it: keytool -importkeystore -srckeystore STORE -destkeystore STORE.p12 "
			"-deststoretype PKCS12");
	}
}

/* True when the pair was one of Java's and is dealt with. */
static bool take_store(struct parser *parser, struct text name, struct text value)
{
	struct arena *arena = &parser->to->arena;

	if (text_is(name, "ssl.truststore.location")) {
		parser->trust_place = arena_text(arena, value);
		parser->trust_line = parser->line;
	} else if (text_is(name, "ssl.truststore.type")) {
		parser->trust_type = arena_text(arena, value);
	} else if (text_is(name, "ssl.keystore.location")) {
		parser->key_place = arena_text(arena, value);
		parser->key_line = parser->line;
	} else if (text_is(name, "ssl.keystore.type")) {
		parser->key_type = arena_text(arena, value);
	} else if (text_is(name, "ssl.truststore.certificates")) {
		put(parser, "ssl.ca.pem", value, false);
	} else if (text_is(name, "ssl.keystore.certificate.chain")) {
		put(parser, "ssl.certificate.pem", value, false);
	} else if (text_is(name, "ssl.keystore.key")) {
		put(parser, "ssl.key.pem", value, true);
	} else {
		return false;
	}
	return true;
}

static void take_named(struct parser *parser, struct text name, struct text value)
{
	if (text_is(name, "sasl.jaas.config")) {
		if (value.len > 0)
			take_jaas(parser, value);
	} else if (take_store(parser, name, value)) {
		return;
	} else if (text_is(name, "ssl.endpoint.identification.algorithm") && value.len == 0) {
		put(parser, "ssl.endpoint.identification.algorithm", TEXT("none"), false);
	} else if (text_is(name, "metadata.broker.list")) {
		put(parser, "bootstrap.servers", value, false);
	} else if (text_is(name, "sasl.mechanism")) {
		put(parser, "sasl.mechanisms", value, false);
	} else if (only_java(name)) {
		note(parser, parser->line, false, "%.*s: only Java clients have it; left out",
			TEXT_ARG(text_sub(name, 0, 80)));
	} else if (of_the_owner(name) && parser->from == PROPERTIES_FILE) {
		return; /* of the program this file was written for; nothing to tell */
	} else if (text_starts(name, TEXT("sasl.oauthbearer.")) &&
		!text_is(name, "sasl.oauthbearer.config")) {
		note(parser, parser->line, false, "%.*s: tokens are not fetched here; token_command prints one",
			TEXT_ARG(text_sub(name, 0, 80)));
	} else if (value.len > 0) {
		if (!set(parser->to, name, value, parser->line, property_is_secret(name)))
			(void)fail(parser, "properties", "there are too many");
	}
}

/* ${NAME} and ${env:NAME}; what is no such thing stays as it is. */
static bool expand(struct parser *parser, const char *name, struct text value, struct buf *out)
{
	while (value.len > 0) {
		const char *close;
		char variable[128];
		const char *found;
		struct text inner;

		if (!text_starts(value, TEXT("${")) ||
			!(close = memchr(value.bytes, '}', value.len))) {
			(void)buf_add_char(out, value.bytes[0]);
			value = text_sub(value, 1, value.len);
			continue;
		}
		inner = text_sub(value, 2, (size_t)(close - value.bytes) - 2);
		if (text_starts(inner, TEXT("env:")))
			inner = text_sub(inner, 4, inner.len);
		if (inner.len == 0 || inner.len >= sizeof variable)
			return fail(parser, name, "${...} needs the name of an environment variable");
		memcpy(variable, inner.bytes, inner.len);
		variable[inner.len] = '\0';
		found = getenv(variable);
		if (!found)
			return fail(parser, name, "the environment has no such variable");
		(void)buf_add_str(out, found);
		value = text_sub(value, (size_t)(close - value.bytes) + 1, value.len);
	}
	return true;
}

/* env:NAME and file:PATH, for secrets: the value itself never stands in the text. */
static bool refer(struct parser *parser, const char *name, struct text value, struct buf *out)
{
	struct err ignored = ERR_INIT;
	struct buf bytes;
	struct text rest;
	struct text line = TEXT("");
	char path[4096];
	bool good;

	if (text_starts(value, TEXT("env:"))) {
		char variable[140];

		(void)snprintf(variable, sizeof variable, "${%.*s}", TEXT_ARG(text_sub(value, 4, 128)));
		return expand(parser, name, text_of(variable), out);
	}
	value = text_sub(value, 5, value.len);
	if (value.len == 0 || value.len + strlen(parser->directory) + 2 > sizeof path)
		return fail(parser, name, "file: needs a path");
	(void)snprintf(path, sizeof path, "%s%s%.*s", value.bytes[0] == '/' ? "" : parser->directory,
		value.bytes[0] == '/' ? "" : "/", TEXT_ARG(value));
	buf_init(&bytes, SECRET_MAX_BYTES);
	good = config_read_file(path, &bytes, &ignored);
	rest = buf_text(&bytes);
	if (good && text_split(&rest, '\n', &line))
		(void)buf_add(out, text_trim(line));
	explicit_bzero(bytes.bytes, bytes.len);
	buf_done(&bytes);
	if (!good)
		return fail(parser, name, "the file it names cannot be read");
	return out->len > 0 || fail(parser, name, "the file it names has nothing in its first line");
}

static bool is_reference(struct text value)
{
	return text_starts(value, TEXT("env:")) || text_starts(value, TEXT("file:")) ||
		(text_starts(value, TEXT("${")) && value.bytes[value.len - 1] == '}');
}

static bool take_pair(struct parser *parser, struct text name, struct text value)
{
	bool secret = property_is_secret(name);
	struct buf full;
	char shown[NAME_MAX_BYTES + 1];
	bool good;

	(void)snprintf(shown, sizeof shown, "%.*s", TEXT_ARG(name));
	if (secret && value.len > 0 && !is_reference(value)) {
		if (parser->from == PROPERTIES_INLINE)
			return fail(parser, shown,
				"a secret is not written here: use env:NAME, file:PATH or a properties file");
		parser->to->has_secret = true;
	}
	buf_init(&full, VALUE_MAX_BYTES);
	good = secret && (text_starts(value, TEXT("env:")) || text_starts(value, TEXT("file:")))
		? refer(parser, shown, value, &full)
		: expand(parser, shown, value, &full);
	if (good && full.full)
		good = fail(parser, shown, "the value is too long");
	if (good && memchr(full.bytes, '\0', full.len))
		good = fail(parser, shown, "a NUL byte");
	if (good)
		take_named(parser, name, buf_text(&full));
	explicit_bzero(full.bytes, full.len);
	buf_done(&full);
	return good && !parser->failed;
}

/* \: \= \# \! and \\ as in Java and kcat; a backslash before anything else stays. */
static void unescape(struct buf *out, struct text raw)
{
	for (size_t i = 0; i < raw.len; i++) {
		if (raw.bytes[i] == '\\' && i + 1 < raw.len && strchr(":=#!\\", raw.bytes[i + 1]))
			i++;
		(void)buf_add_char(out, raw.bytes[i]);
	}
}

static bool is_name(struct text name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (!isalnum((unsigned char)name.bytes[i]) && !strchr("._-", name.bytes[i]))
			return false;
	}
	return name.len > 0 && name.len <= NAME_MAX_BYTES;
}

static bool take_logical(struct parser *parser, struct text line)
{
	size_t at = 0;
	struct buf name;
	struct buf value;
	bool good;

	line = text_trim(line);
	while (at < line.len && line.bytes[at] != '=' && line.bytes[at] != ':')
		at += line.bytes[at] == '\\' ? 2 : 1;
	if (at >= line.len) {
		note(parser, parser->line, true, "expected name = value; left out");
		return true;
	}
	buf_init(&name, NAME_MAX_BYTES + 1);
	buf_init(&value, VALUE_MAX_BYTES);
	unescape(&name, text_trim(text_sub(line, 0, at)));
	unescape(&value, text_trim(text_sub(line, at + 1, line.len)));
	if (!is_name(buf_text(&name))) {
		/* What stands there may be a secret behind a blank: it is not repeated. */
		note(parser, parser->line, true, "no property's name before the =; left out");
		good = true;
	} else {
		good = take_pair(parser, buf_text(&name), buf_text(&value));
	}
	explicit_bzero(value.bytes, value.len);
	buf_done(&name);
	buf_done(&value);
	return good;
}

static bool goes_on(struct text line)
{
	size_t slashes = 0;

	while (slashes < line.len && line.bytes[line.len - 1 - slashes] == '\\')
		slashes++;
	return slashes % 2 == 1;
}

static bool parse_lines(struct parser *parser, struct text rest)
{
	struct buf logical;
	struct text line;
	int number = 0;
	bool open = false;
	bool good = true;

	buf_init(&logical, VALUE_MAX_BYTES);
	while (good && text_split(&rest, '\n', &line)) {
		struct text trimmed;

		number++;
		if (line.len > 0 && line.bytes[line.len - 1] == '\r')
			line.len--;
		trimmed = text_trim(line);
		if (!open && (trimmed.len == 0 || trimmed.bytes[0] == '#' || trimmed.bytes[0] == '!' ||
				     trimmed.bytes[0] == ';'))
			continue;
		if (!open) {
			parser->line = number;
			buf_reset(&logical);
		}
		open = goes_on(line);
		(void)buf_add(&logical, open ? text_sub(trimmed, 0, trimmed.len - 1) : trimmed);
		if (logical.full)
			good = fail(parser, "?", "the line is too long");
		else if (!open)
			good = take_logical(parser, buf_text(&logical));
	}
	if (good && open)
		good = take_logical(parser, buf_text(&logical));
	explicit_bzero(logical.bytes, logical.len);
	buf_done(&logical);
	return good;
}

bool properties_parse(struct properties *properties, struct text bytes, enum properties_from from,
	const char *directory, struct err *err)
{
	struct parser parser = {
		.to = properties,
		.from = from,
		.directory = directory,
		.err = err,
	};

	if (text_starts(bytes, TEXT("\xef\xbb\xbf")))
		bytes = text_sub(bytes, 3, bytes.len);
	if (bytes.len > 0 && memchr(bytes.bytes, '\0', bytes.len))
		return err_set(err, ERR_CONFIG, 0, "a NUL byte: this is not a text file");
	if (!parse_lines(&parser, bytes))
		return false;
	settle_stores(&parser);
	return !parser.failed;
}

bool properties_load(struct properties *properties, const char *path, struct err *err)
{
	struct parser parser = { .to = properties };
	struct stat status;
	const char *slash = strrchr(path, '/');
	char *directory = mem_strdup(slash ? path : ".");
	struct buf bytes;
	bool good;

	if (slash)
		directory[slash == path ? 1 : slash - path] = '\0';
	buf_init(&bytes, FILE_MAX_BYTES);
	good = config_read_file(path, &bytes, err) &&
		(properties_parse(properties, buf_text(&bytes), PROPERTIES_FILE, directory, err) ||
			err_wrap(err, "%s", path));
	if (good && properties->has_secret && stat(path, &status) == 0 &&
		(status.st_mode & (S_IRGRP | S_IROTH)) != 0)
		note(&parser, 0, false, "others may read the secrets in %s: chmod 600", path);
	explicit_bzero(bytes.bytes, bytes.len);
	buf_done(&bytes);
	free(directory);
	return good;
}

void properties_done(struct properties *properties)
{
	for (size_t i = 0; i < properties->count; i++) {
		struct property *property = &properties->list[i];

		if (property->secret && property->value.len > 0)
			explicit_bzero((char *)property->value.bytes, property->value.len);
	}
	arena_free(&properties->arena);
	memset(properties, 0, sizeof *properties);
}
