/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/config_value.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum { SECRET_MAX_BYTES = 8192, PATH_MAX_BYTES = 4096 };

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit duration_units[] = {
	{ "ms", 1 },
	{ "s", 1000 },
	{ "m", 60000 },
	{ "h", 3600000 },
	{ "d", 86400000 },
	{ "w", 604800000 },
};

static const struct unit byte_units[] = {
	{ "b", 1 },
	{ "k", 1 << 10 },
	{ "kib", 1 << 10 },
	{ "m", 1 << 20 },
	{ "mib", 1 << 20 },
	{ "g", 1 << 30 },
	{ "gib", 1 << 30 },
};

/* Digits, then one of the units, a blank between them allowed; a bare number only if it is 0. */
static bool read_measured(
	struct text text, const struct unit *units, size_t nunits, int64_t *value_out)
{
	size_t digits = 0;
	int64_t number;
	struct text word;

	while (digits < text.len && text.bytes[digits] >= '0' && text.bytes[digits] <= '9')
		digits++;
	if (!text_to_i64(text_sub(text, 0, digits), &number))
		return false;
	word = text_trim(text_sub(text, digits, text.len));
	for (size_t i = 0; i < nunits; i++) {
		if (word.len != strlen(units[i].name) ||
			strncasecmp(word.bytes, units[i].name, word.len) != 0)
			continue;
		if (number > INT64_MAX / units[i].factor)
			return false;
		*value_out = number * units[i].factor;
		return true;
	}
	*value_out = 0;
	return word.len == 0 && number == 0;
}

static bool read_integer(const struct config_key *key, struct config_value *value, struct err *err)
{
	bool bytes = key->unit && strcmp(key->unit, "bytes") == 0;

	if (text_to_i64(value->text, &value->number))
		return true;
	if (bytes && read_measured(value->text, byte_units, ARRAY_LEN(byte_units), &value->number))
		return true;
	return err_set(err, ERR_CONFIG, 0, "expected a whole number%s%s, not \"%.*s\"",
		key->unit ? " of " : "", key->unit ? key->unit : "",
		(int)(value->text.len < 40 ? value->text.len : 40), value->text.bytes);
}

static bool read_boolean(struct config_value *value, struct err *err)
{
	static const char *const words[] = { "no", "yes", "false", "true", "off", "on", "0", "1" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (text_is(value->text, words[i])) {
			value->number = (int64_t)(i % 2);
			return true;
		}
	}
	return err_set(err, ERR_CONFIG, 0, "expected yes or no, not \"%.*s\"",
		(int)(value->text.len < 40 ? value->text.len : 40), value->text.bytes);
}

static bool read_choice(const struct config_key *key, struct config_value *value, struct err *err)
{
	struct text rest = text_of(key->choices);
	struct text choice;

	while (text_split(&rest, ' ', &choice)) {
		if (text_eq(choice, value->text))
			return true;
	}
	return err_set(err, ERR_CONFIG, 0, "expected one of: %s; not \"%.*s\"", key->choices,
		(int)(value->text.len < 40 ? value->text.len : 40), value->text.bytes);
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* $NAME or ${NAME} at the head of rest, which begins behind the $. */
static bool add_variable(struct buf *out, struct text rest, size_t *used_out, struct err *err)
{
	bool braced = rest.len > 0 && rest.bytes[0] == '{';
	size_t from = braced ? 1 : 0;
	size_t to = from;
	char name[128];
	const char *value;

	while (to < rest.len && is_name(rest.bytes[to]))
		to++;
	*used_out = to + (braced ? 1 : 0);
	if (to == from || to - from >= sizeof name ||
		(braced && (to >= rest.len || rest.bytes[to] != '}')))
		return err_set(err, ERR_CONFIG, 0, "a $ is followed by NAME or {NAME}");
	memcpy(name, rest.bytes + from, to - from);
	name[to - from] = '\0';
	value = getenv(name);
	if (!value)
		return err_set(err, ERR_CONFIG, 0, "the environment has no %s", name);
	(void)buf_add_str(out, value); /* fullness is asked at the end */
	return true;
}

static bool expand(struct buf *out, const char *directory, struct text path, struct err *err)
{
	size_t at = 0;

	if (path.len == 0)
		return true; /* an empty path means none */
	if (text_starts(path, TEXT("file://")))
		path = text_sub(path, 7, path.len);
	if (path.len == 0)
		return err_set(err, ERR_CONFIG, 0, "file:// is followed by a path");
	if (path.bytes[0] == '~' && (path.len == 1 || path.bytes[1] == '/')) {
		const char *home = getenv("HOME");

		if (!home)
			return err_set(err, ERR_CONFIG, 0, "the environment has no HOME for ~");
		(void)buf_add_str(out, home);
		at = 1;
	} else if (path.bytes[0] != '/' && path.bytes[0] != '$') {
		(void)buf_addf(out, "%s/", directory);
	}
	while (at < path.len) {
		size_t used = 0;

		if (path.bytes[at] != '$') {
			(void)buf_add_char(out, path.bytes[at++]);
			continue;
		}
		if (!add_variable(out, text_sub(path, at + 1, path.len), &used, err))
			return false;
		at += 1 + used;
	}
	return out->full ? err_set(err, ERR_CONFIG, 0, "the path is too long") : true;
}

static bool read_path(struct arena *arena, const char *directory, struct config_value *value,
	struct err *err)
{
	struct buf out;
	bool good;

	if (memchr(value->text.bytes, '\n', value->text.len))
		return err_set(err, ERR_CONFIG, 0, "expected one path in one line");
	buf_init(&out, PATH_MAX_BYTES - 1);
	good = expand(&out, directory, value->text, err);
	if (good)
		value->text = arena_text(arena, buf_text(&out));
	buf_done(&out);
	return good;
}

/* The value itself is never put into an error. */
static bool read_secret(struct arena *arena, const char *directory, struct config_value *value,
	struct err *err)
{
	struct config_value file = { .text = text_sub(value->text, 5, value->text.len) };
	struct buf bytes;
	struct text rest;
	struct text line;
	const char *found;
	bool good;

	if (value->text.len == 0)
		return true;
	if (text_starts(value->text, TEXT("env:"))) {
		found = getenv(arena_text(arena, text_sub(value->text, 4, value->text.len)).bytes);
		if (!found)
			return err_set(err, ERR_CONFIG, 0, "the environment has no such variable");
		value->text = arena_text(arena, text_of(found));
		return true;
	}
	if (!text_starts(value->text, TEXT("file:")))
		return err_set(err, ERR_CONFIG, 0,
			"a secret is not written here: use env:NAME or file:PATH");
	buf_init(&bytes, SECRET_MAX_BYTES);
	good = read_path(arena, directory, &file, err) &&
		config_read_file(file.text.bytes, &bytes, err);
	if (good) {
		rest = buf_text(&bytes);
		line = TEXT("");
		(void)text_split(&rest, '\n', &line);
		value->text = arena_text(arena, text_trim(line));
	}
	explicit_bzero(bytes.bytes, bytes.len);
	buf_done(&bytes);
	return good;
}

bool config_value_read(struct arena *arena, const char *directory, const struct config_key *key,
	struct config_value *value, struct err *err)
{
	if (key->secret)
		return read_secret(arena, directory, value, err);
	switch (key->type) {
	case CONFIG_TEXT:
	case CONFIG_PATTERNS:
		return true;
	case CONFIG_PATH:
		return read_path(arena, directory, value, err);
	case CONFIG_INTEGER:
		return read_integer(key, value, err);
	case CONFIG_BOOLEAN:
		return read_boolean(value, err);
	case CONFIG_CHOICE:
		return read_choice(key, value, err);
	case CONFIG_DURATION:
		if (read_measured(value->text, duration_units, ARRAY_LEN(duration_units),
			    &value->number))
			return true;
		break;
	}
	return err_set(err, ERR_CONFIG, 0, "expected a time such as 500ms, 10s, 5m, 2h or 1d");
}

bool config_read_file(const char *path, struct buf *bytes, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool good = true;

	if (fd < 0)
		return err_errno(err, errno, "read %s", path);
	while (good) {
		char chunk[16384];
		ssize_t got = read(fd, chunk, sizeof chunk);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			good = err_errno(err, errno, "read %s", path);
		if (got <= 0)
			break;
		if (!buf_add_bytes(bytes, chunk, (size_t)got))
			good = err_set(err, ERR_LIMIT, 0, "read %s: larger than %zu bytes", path,
				bytes->max);
	}
	(void)close(fd); /* only read */
	return good;
}
