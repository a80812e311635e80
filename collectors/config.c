/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/config.h"

#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "collectors/collector.h"
#include "collectors/config_value.h"

enum { FILE_MAX_BYTES = 1 << 20, SECTIONS_MAX = 4096, KEYS_MAX = 64, NAME_MAX_BYTES = 128,
	PAIRS_MAX = 256 };

struct config {
	struct arena arena;
	char *directory; /* relative paths start here */
	struct config_section main;
	struct config_section **sections;
	size_t nsections;
	struct config_pair *pairs; /* of [keys] */
	size_t npairs;
};

struct parser {
	struct config *config;
	const struct collector_ops *const *kinds;
	const char *path;
	int line;
	struct config_section *section; /* where keys go now; NULL before the first and in [keys] */
	bool in_keys;
	struct config_value *value;     /* what an indented line goes on */
	struct err *err;
};

static bool fault(struct parser *parser, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Foreign words are in it: the text is cleaned as a whole. */
static bool fault(struct parser *parser, int line, const char *fmt, ...)
{
	char text[512];
	struct buf clean;
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof text, fmt, args); /* cut is fine */
	va_end(args);
	buf_init(&clean, sizeof text);
	(void)utf8_clean(&clean, text_of(text), UTF8_ONE_LINE);
	(void)err_set(parser->err, ERR_CONFIG, 0, "%s:%d: %s", parser->path, line, clean.bytes);
	buf_done(&clean);
	return false;
}

static size_t count_keys(const struct config_key *keys)
{
	size_t n = 0;

	while (keys[n].name)
		n++;
	return n;
}

static const struct config_key *find_key(
	const struct config_key *keys, struct text name, size_t *index_out)
{
	for (size_t i = 0; keys[i].name; i++) {
		if (text_is(name, keys[i].name)) {
			*index_out = i;
			return &keys[i];
		}
	}
	return NULL;
}

/* The kind's keys and behind them the common ones it does not have itself. */
static const struct config_key *merge_keys(struct arena *arena, const struct config_key *keys)
{
	size_t nown = count_keys(keys);
	size_t n = nown;
	size_t ignored;
	struct config_key *all =
		ARENA_ARRAY(arena, struct config_key, nown + count_keys(config_source_keys) + 1);

	memcpy(all, keys, nown * sizeof *all);
	for (size_t i = 0; config_source_keys[i].name; i++) {
		if (!find_key(keys, text_of(config_source_keys[i].name), &ignored))
			all[n++] = config_source_keys[i];
	}
	assert(n <= KEYS_MAX);
	return all;
}

static void section_init(
	struct config *config, struct config_section *section, const struct config_key *keys)
{
	section->keys = keys;
	section->values = ARENA_ARRAY(&config->arena, struct config_value, count_keys(keys) + 1);
}

static const struct collector_ops *find_kind(
	const struct collector_ops *const *kinds, struct text word)
{
	for (size_t i = 0; kinds[i]; i++) {
		if (text_is(word, kinds[i]->kind))
			return kinds[i];
	}
	return NULL;
}

static bool unknown_kind(struct parser *parser, struct text word)
{
	const char *names[KEYS_MAX];
	size_t n = 0;
	const char *near;

	names[n++] = "weir";
	names[n++] = "keys";
	for (size_t i = 0; parser->kinds[i] && n < KEYS_MAX; i++)
		names[n++] = parser->kinds[i]->kind;
	near = text_nearest(word, names, n);
	return fault(parser, parser->line, "unknown section [%.60s]; %s%s%s", word.bytes,
		near ? "did you mean [" : "sections are [weir] and [eventlog NAME]",
		near ? near : "", near ? "]" : "");
}

static bool open_section(struct parser *parser, struct text line)
{
	struct config *config = parser->config;
	struct text inner = text_trim(text_sub(line, 1, line.len - 2));
	struct text name = inner;
	struct text kind;
	const struct collector_ops *ops;
	struct config_section *section;

	parser->value = NULL;
	parser->in_keys = false;
	if (line.bytes[line.len - 1] != ']')
		return fault(parser, parser->line, "a section ends with ]");
	if (!text_split(&name, ' ', &kind))
		return fault(parser, parser->line, "a section has a kind and a name: [eventlog NAME]");
	kind = arena_text(&config->arena, kind);
	name = text_trim(name);
	if (text_is(kind, "weir")) {
		if (name.len > 0)
			return fault(parser, parser->line, "[weir] has no name");
		parser->section = &config->main;
		config->main.line = parser->line;
		return true;
	}
	if (text_is(kind, "keys")) {
		if (name.len > 0)
			return fault(parser, parser->line, "[keys] has no name");
		parser->section = NULL;
		parser->in_keys = true;
		return true;
	}
	ops = find_kind(parser->kinds, kind);
	if (!ops)
		return unknown_kind(parser, kind);
	if (name.len == 0)
		return fault(parser, parser->line, "a source needs a name: [%s NAME]", ops->kind);
	if (name.len > NAME_MAX_BYTES || !utf8_is_clean(name))
		return fault(parser, parser->line,
			"a name is printable text of at most %d bytes", NAME_MAX_BYTES);
	for (size_t i = 0; i < config->nsections; i++) {
		section = config->sections[i];
		if (text_eq(section->kind, kind) && text_eq(section->name, name))
			return fault(parser, parser->line, "[%s %.*s] is already in line %d",
				ops->kind, TEXT_ARG(name), section->line);
	}
	if (config->nsections == SECTIONS_MAX)
		return fault(parser, parser->line, "more than %d sections", SECTIONS_MAX);
	section = ARENA_NEW(&config->arena, struct config_section);
	section->kind = kind;
	section->name = arena_text(&config->arena, name);
	section->line = parser->line;
	section_init(config, section, merge_keys(&config->arena, ops->keys));
	config->sections =
		mem_resize(config->sections, config->nsections + 1, sizeof *config->sections);
	config->sections[config->nsections++] = section;
	parser->section = section;
	return true;
}

static bool unknown_key(struct parser *parser, struct text name)
{
	const char *names[KEYS_MAX];
	struct buf list;
	size_t n = 0;
	size_t shown = 0;
	const char *near;

	/* "password: secret==" has = in its secret: only what may be a name is repeated. */
	while (shown < name.len && shown < 60 &&
		(isalnum((unsigned char)name.bytes[shown]) || strchr("._-", name.bytes[shown])))
		shown++;
	buf_init(&list, 120);
	for (; n < KEYS_MAX && parser->section->keys[n].name; n++) {
		names[n] = parser->section->keys[n].name;
		(void)buf_addf(&list, "%s%s", n > 0 ? ", " : "", names[n]); /* cut is fine */
	}
	near = text_nearest(name, names, n);
	(void)fault(parser, parser->line, "unknown key \"%.*s\" in [%.*s]; %s%s%s",
		(int)shown, name.bytes, TEXT_ARG(parser->section->kind),
		near ? "did you mean \"" : "keys are ", near ? near : list.bytes,
		near ? "\"?" : "");
	buf_done(&list);
	return false;
}

static bool take_key_pair(struct parser *parser, struct text name, struct text value)
{
	struct config *config = parser->config;

	for (size_t i = 0; i < config->npairs; i++) {
		if (text_eq(config->pairs[i].name, name))
			return fault(parser, parser->line, "%.*s: is already in line %d",
				(int)(name.len < 60 ? name.len : 60), name.bytes, config->pairs[i].line);
	}
	if (config->npairs == PAIRS_MAX)
		return fault(parser, parser->line, "more than %d keys", PAIRS_MAX);
	config->pairs = mem_resize(config->pairs, config->npairs + 1, sizeof *config->pairs);
	config->pairs[config->npairs++] = (struct config_pair){
		.name = arena_text(&config->arena, name),
		.value = arena_text(&config->arena, value.bytes ? value : TEXT("")),
		.line = parser->line,
	};
	return true;
}

static bool take_pair(struct parser *parser, struct text line)
{
	struct text value = line;
	struct text name;
	const struct config_key *key;
	size_t index = 0;

	parser->value = NULL;
	if (!memchr(line.bytes, '=', line.len))
		return fault(parser, parser->line, "expected key = value or [section]");
	(void)text_split(&value, '=', &name);
	name = text_trim(name);
	if (parser->in_keys)
		return take_key_pair(parser, name, text_trim(value));
	if (!parser->section)
		return fault(parser, parser->line, "a key stands before the first [section]");
	key = find_key(parser->section->keys, name, &index);
	if (!key)
		return unknown_key(parser, name);
	parser->value = &parser->section->values[index];
	if (parser->value->line != 0)
		return fault(parser, parser->line, "%s: is already in line %d", key->name,
			parser->value->line);
	parser->value->line = parser->line;
	value = text_trim(value);
	parser->value->text = arena_text(&parser->config->arena, value.bytes ? value : TEXT(""));
	return true;
}

/* People indent whole sections, as git does: a line with a known key before = is no value. */
static bool begins_pair(const struct parser *parser, struct text line)
{
	struct text name;
	size_t ignored;

	if (!parser->section || !memchr(line.bytes, '=', line.len))
		return false;
	(void)text_split(&line, '=', &name);
	return find_key(parser->section->keys, text_trim(name), &ignored) != NULL;
}

static bool take_line(struct parser *parser, struct text raw)
{
	struct text line = text_trim(raw);
	bool indented = raw.len > 0 && (raw.bytes[0] == ' ' || raw.bytes[0] == '\t');
	struct text *text;

	if (memchr(raw.bytes, '\0', raw.len))
		return fault(parser, parser->line, "a NUL byte: this is not a text file");
	if (line.len == 0 || line.bytes[0] == '#' || line.bytes[0] == ';')
		return true;
	if (!indented || !parser->value || begins_pair(parser, line))
		return line.bytes[0] == '[' ? open_section(parser, line) : take_pair(parser, line);
	text = &parser->value->text;
	*text = text_of(arena_printf(&parser->config->arena, "%.*s%s%.*s", TEXT_ARG(*text),
		text->len > 0 ? "\n" : "", TEXT_ARG(line)));
	return true;
}

/* Reads what was written, or the default, as the key's type. */
static bool settle(struct parser *parser, struct config_section *section)
{
	for (size_t i = 0; section->keys[i].name; i++) {
		const struct config_key *key = &section->keys[i];
		struct config_value *value = &section->values[i];
		struct err why = ERR_INIT;

		if (value->line == 0) {
			if (!key->fallback)
				return fault(parser, section->line, "[%.*s %.*s] needs the key \"%s\": %s",
					TEXT_ARG(section->kind), TEXT_ARG(section->name), key->name,
					key->help);
			value->text = text_of(key->fallback);
		}
		if (!config_value_read(
			    &parser->config->arena, parser->config->directory, key, value, &why))
			return fault(parser, value->line, "%s: %s", key->name, why.text);
	}
	return true;
}

static bool parse_all(struct parser *parser, struct text bytes)
{
	struct text line;

	if (text_starts(bytes, TEXT("\xef\xbb\xbf")))
		bytes = text_sub(bytes, 3, bytes.len);
	while (text_split(&bytes, '\n', &line)) {
		parser->line++;
		if (!take_line(parser, line))
			return false;
	}
	for (size_t i = 0; i < parser->config->nsections; i++) {
		if (!settle(parser, parser->config->sections[i]))
			return false;
	}
	return settle(parser, &parser->config->main);
}

static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *directory = mem_strdup(slash ? path : ".");

	if (slash)
		directory[slash == path ? 1 : slash - path] = '\0';
	return directory;
}

bool config_parse_kinds(struct text bytes, const char *path,
	const struct collector_ops *const *kinds, struct config **config_out, struct err *err)
{
	struct config *config = NEW(struct config);
	struct parser parser = {
		.config = config,
		.kinds = kinds,
		.path = path,
		.err = err,
	};

	config->directory = directory_of(path);
	config->main.kind = TEXT("weir");
	config->main.name = TEXT("");
	section_init(config, &config->main, config_main_keys);
	if (!parse_all(&parser, bytes)) {
		config_free(config);
		return false;
	}
	*config_out = config;
	return true;
}

bool config_parse(struct text bytes, const char *path, struct config **config_out, struct err *err)
{
	return config_parse_kinds(bytes, path, collector_kinds, config_out, err);
}

bool config_load(const char *path, struct config **config_out, struct err *err)
{
	struct buf bytes;
	bool good;

	if (!path)
		return config_parse(TEXT(""), "(none)", config_out, err);
	buf_init(&bytes, FILE_MAX_BYTES);
	good = config_read_file(path, &bytes, err) &&
		config_parse(buf_text(&bytes), path, config_out, err);
	buf_done(&bytes);
	return good;
}

void config_free(struct config *config)
{
	if (!config)
		return;
	arena_free(&config->arena);
	free(config->sections);
	free(config->pairs);
	free(config->directory);
	free(config);
}

size_t config_sections(const struct config *config)
{
	return config->nsections;
}

const struct config_section *config_section_at(const struct config *config, size_t index)
{
	return config->sections[index];
}

size_t config_pairs(const struct config *config)
{
	return config->npairs;
}

const struct config_pair *config_pair_at(const struct config *config, size_t index)
{
	return &config->pairs[index];
}

const struct config_section *config_main(const struct config *config)
{
	return &config->main;
}

static const struct config_value *value_of(const struct config_section *section, const char *key)
{
	size_t index = 0;
	const struct config_key *found = find_key(section->keys, text_of(key), &index);

	assert(found);
	(void)found;
	return &section->values[index];
}

struct text config_text(const struct config_section *section, const char *key)
{
	return value_of(section, key)->text;
}

char *config_copy(const struct config_section *section, const char *key)
{
	return text_dup(config_text(section, key));
}

int64_t config_integer(const struct config_section *section, const char *key)
{
	return value_of(section, key)->number;
}

bool config_boolean(const struct config_section *section, const char *key)
{
	return value_of(section, key)->number != 0;
}
