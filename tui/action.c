/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/action.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

enum { ACTION_KEYS_MAX = 8, KEY_NAME_MAX = 16, F_KEYS = 24 };

static const struct action_info infos[] = {
	[ACT_NONE] = { "", "", GROUP_GENERAL, 0, "" },
/* The flags column names no prefix, so that the list stays a table. */
#define VIEW    ACTION_VIEW
#define SUBJECT ACTION_SUBJECT
#define WRITES  ACTION_WRITES
#define X(id, name, help, group, flags, keys) [ACT_##id] = { name, help, GROUP_##group, flags, keys },
#include "tui/actions.def"
#undef X
#undef VIEW
#undef SUBJECT
#undef WRITES
};
_Static_assert(ARRAY_LEN(infos) == ACT_COUNT, "a row for each action");

struct bindings {
	int keys[ACT_COUNT][ACTION_KEYS_MAX]; /* ends at the first 0 */
	char labels[ACT_COUNT][KEY_NAME_MAX];
	bool is_configured[ACT_COUNT];
};

const struct action_info *action_info(enum action action)
{
	return &infos[action];
}

const char *action_group_name(enum action_group group)
{
	static const char *const names[] = {
		[GROUP_GENERAL] = "General",
		[GROUP_SCREENS] = "Screens",
		[GROUP_MOVE] = "Moving",
		[GROUP_LOOK] = "Looking closer",
		[GROUP_FIND] = "Finding and sorting",
		[GROUP_TIME] = "Time",
		[GROUP_OUT] = "Taking out",
	};
	_Static_assert(ARRAY_LEN(names) == GROUP_COUNT, "a name for each group");

	return names[group];
}

enum action action_by_name(struct text name)
{
	for (enum action action = ACT_NONE + 1; action < ACT_COUNT; action++) {
		if (text_is(name, infos[action].name))
			return action;
	}
	return ACT_NONE;
}

/* Spelling in configuration, and how people see it in footer and help. */
static const struct key_name {
	const char *name, *label;
	int key;
} key_names[] = {
	{ "Enter", "Enter", '\r' },
	{ "Esc", "Esc", 27 },
	{ "Tab", "Tab", '\t' },
	{ "S-Tab", "S-Tab", KEY_STAB_ },
	{ "Space", "Space", ' ' },
	{ "Up", "Up", KEY_UP_ },
	{ "Down", "Down", KEY_DOWN_ },
	{ "Left", "Left", KEY_LEFT_ },
	{ "Right", "Right", KEY_RIGHT_ },
	{ "Home", "Home", KEY_HOME_ },
	{ "End", "End", KEY_END_ },
	{ "PgUp", "PgUp", KEY_PGUP_ },
	{ "PgDn", "PgDn", KEY_PGDN_ },
	{ "BS", "BS", KEY_BS_ },
	{ "Del", "Del", KEY_DEL_ },
	{ "lt", "<", '<' },
	{ "gt", ">", '>' },
	{ "Comma", ",", ',' },
};

/* What terminals cannot tell apart is one key. */
static int normal(int key)
{
	if (key == '\n')
		return '\r';
	if (key == 8 || key == 127)
		return KEY_BS_;
	return key;
}

static bool equal_fold(struct text a, struct text b)
{
	return a.len == b.len && text_contains_fold(a, b);
}

static bool unknown_key(struct text name, struct err *err)
{
	const char *names[ARRAY_LEN(key_names)];
	const char *near;
	struct buf shown;

	for (size_t i = 0; i < ARRAY_LEN(key_names); i++)
		names[i] = key_names[i].name;
	near = text_nearest(name, names, ARRAY_LEN(names));
	buf_init(&shown, 40);
	(void)utf8_clean(&shown, name, UTF8_ONE_LINE); /* cut = long enough to be recognized */
	if (near)
		(void)err_set(err, ERR_CONFIG, 0, "unknown key <%s>; did you mean <%s>?", shown.bytes,
			near);
	else
		(void)err_set(err, ERR_CONFIG, 0,
			"unknown key <%s>; keys are written x <C-x> <Enter> <F5>", shown.bytes);
	buf_done(&shown);
	return false;
}

/* The name between < and >. */
static bool key_by_name(struct text name, int *key_out, struct err *err)
{
	struct text number = text_sub(name, 1, name.len);
	int64_t f;

	for (size_t i = 0; i < ARRAY_LEN(key_names); i++) {
		if (equal_fold(name, text_of(key_names[i].name))) {
			*key_out = key_names[i].key;
			return true;
		}
	}
	if (name.len == 3 && (name.bytes[0] == 'C' || name.bytes[0] == 'c') && name.bytes[1] == '-') {
		unsigned char c = (unsigned char)name.bytes[2];

		if (c >= 'a' && c <= 'z')
			c = (unsigned char)(c - 'a' + 'A');
		if (c > '@' && c <= '_') {
			*key_out = normal(c & 0x1f);
			return true;
		}
	}
	if (name.len > 1 && (name.bytes[0] == 'F' || name.bytes[0] == 'f') &&
		text_to_i64(number, &f) && f >= 1 && f <= F_KEYS) {
		*key_out = KEY_F_ + (int)f;
		return true;
	}
	return unknown_key(name, err);
}

bool key_parse(struct text *rest, int *key_out, struct err *err)
{
	size_t next;
	uint32_t code;

	if (rest->len == 0)
		return err_set(err, ERR_CONFIG, 0, "a key is missing");
	if (rest->bytes[0] == '<') {
		struct text behind = text_sub(*rest, 1, rest->len);
		const char *end = behind.len ? memchr(behind.bytes, '>', behind.len) : NULL;
		struct text name;

		if (!end)
			return err_set(err, ERR_CONFIG, 0,
				"a key begins with < and has no >; the key < itself is <lt>");
		name = text_sub(behind, 0, (size_t)(end - behind.bytes));
		if (!key_by_name(name, key_out, err))
			return false;
		*rest = text_sub(behind, name.len + 1, behind.len);
		return true;
	}
	code = utf8_next(*rest, 0, &next);
	if (!utf8_is_clean(text_sub(*rest, 0, next)))
		return err_set(err, ERR_CONFIG, 0, "a key is not a character that can be typed");
	*key_out = (int)code;
	*rest = text_sub(*rest, next, rest->len);
	return true;
}

void key_label(int key, char *out, size_t room)
{
	char bytes[4];
	size_t n;

	key = normal(key);
	for (size_t i = 0; i < ARRAY_LEN(key_names); i++) {
		if (key_names[i].key == key) {
			(void)snprintf(out, room, "%s", key_names[i].label);
			return;
		}
	}
	if (key > KEY_F_ && key <= KEY_F_ + F_KEYS) {
		(void)snprintf(out, room, "F%d", key - KEY_F_);
		return;
	}
	if (key < ' ') {
		(void)snprintf(out, room, "^%c", (key & 0x1f) + '@');
		return;
	}
	n = key < KEY_BASE ? utf8_encode((uint32_t)key, bytes) : 0;
	(void)snprintf(out, room, "%.*s", (int)n, bytes);
}

static void remove_key(struct bindings *bindings, enum action action, int key)
{
	int *keys = bindings->keys[action];
	size_t to = 0;

	for (size_t i = 0; i < ACTION_KEYS_MAX; i++) {
		if (keys[i] != key)
			keys[to++] = keys[i];
	}
	for (; to < ACTION_KEYS_MAX; to++)
		keys[to] = 0;
}

static void relabel(struct bindings *bindings)
{
	for (enum action action = ACT_NONE; action < ACT_COUNT; action++) {
		bindings->labels[action][0] = '\0';
		if (bindings->keys[action][0])
			key_label(bindings->keys[action][0], bindings->labels[action], KEY_NAME_MAX);
	}
}

static bool contains(const int *keys, size_t n, int key)
{
	for (size_t i = 0; i < n; i++) {
		if (keys[i] == key)
			return true;
	}
	return false;
}

/* Cuts the blanks before the next key off and, where people write one, the comma. */
static bool next_key(struct text *rest)
{
	struct text trimmed = text_trim(*rest);
	bool parted = trimmed.bytes != rest->bytes;

	if (trimmed.len > 0 && trimmed.bytes[0] == ',') {
		trimmed = text_trim(text_sub(trimmed, 1, trimmed.len));
		parted = true;
	}
	*rest = trimmed;
	return parted;
}

/* "x <C-r>, <F5>" as codes. */
static bool keys_parse(enum action action, struct text keys, int parsed[ACTION_KEYS_MAX],
	size_t *n_out, struct err *err)
{
	struct text rest = text_trim(keys);
	size_t n = 0;

	while (rest.len > 0) {
		if (n == ACTION_KEYS_MAX)
			return err_set(err, ERR_CONFIG, 0, "%s has more than %d keys", infos[action].name,
				ACTION_KEYS_MAX);
		if (rest.bytes[0] == ',')
			return err_set(err, ERR_CONFIG, 0,
				"keys of %s: a key is missing before a comma; the comma itself is <Comma>",
				infos[action].name);
		if (!key_parse(&rest, &parsed[n], err))
			return err_wrap(err, "keys of %s", infos[action].name);
		parsed[n] = normal(parsed[n]);
		if (rest.len > 0 && !next_key(&rest))
			return err_set(err, ERR_CONFIG, 0,
				"keys of %s: a comma or blank is missing between two keys",
				infos[action].name);
		n += !contains(parsed, n, parsed[n]);
	}
	*n_out = n;
	return true;
}

bool bindings_set(struct bindings *bindings, enum action action, struct text keys, struct err *err)
{
	int parsed[ACTION_KEYS_MAX] = { 0 };
	size_t n;

	if (!keys_parse(action, keys, parsed, &n, err))
		return false;
	memset(bindings->keys[action], 0, sizeof bindings->keys[action]);
	for (size_t i = 0; i < n; i++) {
		for (enum action other = ACT_NONE; other < ACT_COUNT; other++)
			remove_key(bindings, other, parsed[i]);
		for (size_t at = 0; at < ACTION_KEYS_MAX; at++) {
			if (bindings->keys[action][at] == 0) {
				bindings->keys[action][at] = parsed[i];
				break;
			}
		}
	}
	relabel(bindings);
	return true;
}

static bool unknown_action(struct text name, struct err *err)
{
	const char *names[ACT_COUNT];
	const char *near;
	struct buf shown;

	for (enum action action = ACT_NONE + 1; action < ACT_COUNT; action++)
		names[action - 1] = infos[action].name;
	near = text_nearest(name, names, ACT_COUNT - 1);
	buf_init(&shown, 60);
	(void)utf8_clean(&shown, name, UTF8_ONE_LINE); /* cut = long enough to be recognized */
	if (near)
		(void)err_set(err, ERR_CONFIG, 0, "unknown action \"%s\" in [keys]; did you mean \"%s\"?",
			shown.bytes, near);
	else
		(void)err_set(err, ERR_CONFIG, 0,
			"unknown action \"%s\" in [keys]; weir --dump keys lists them", shown.bytes);
	buf_done(&shown);
	return false;
}

bool bindings_configure(struct bindings *bindings, struct text name, struct text keys,
	struct err *err)
{
	enum action action = action_by_name(name);
	int parsed[ACTION_KEYS_MAX] = { 0 };
	size_t n;

	if (action == ACT_NONE)
		return unknown_action(name, err);
	if (!keys_parse(action, keys, parsed, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		enum action other = bindings_find(bindings, parsed[i]);
		char label[KEY_NAME_MAX];

		if (other == ACT_NONE || other == action || !bindings->is_configured[other])
			continue;
		key_label(parsed[i], label, sizeof label);
		return err_set(err, ERR_CONFIG, 0, "keys of %s: %s is given to %s already",
			infos[action].name, label, infos[other].name);
	}
	bindings->is_configured[action] = true;
	return bindings_set(bindings, action, keys, err);
}

struct bindings *bindings_new(void)
{
	struct bindings *bindings = NEW(struct bindings);
	struct err err = ERR_INIT;

	for (enum action action = ACT_NONE + 1; action < ACT_COUNT; action++)
		(void)bindings_set(bindings, action, text_of(infos[action].keys), &err); /* a test holds it */
	return bindings;
}

void bindings_free(struct bindings *bindings)
{
	free(bindings);
}

enum action bindings_find(const struct bindings *bindings, int key)
{
	key = normal(key);
	if (key <= 0)
		return ACT_NONE;
	for (enum action action = ACT_NONE + 1; action < ACT_COUNT; action++) {
		for (size_t i = 0; i < ACTION_KEYS_MAX && bindings->keys[action][i]; i++) {
			if (bindings->keys[action][i] == key)
				return action;
		}
	}
	return ACT_NONE;
}

const char *bindings_key(const struct bindings *bindings, enum action action)
{
	return bindings->labels[action];
}

void bindings_keys(const struct bindings *bindings, enum action action, char *out, size_t room)
{
	size_t len = 0;

	if (room == 0)
		return;
	out[0] = '\0';
	for (size_t i = 0; i < ACTION_KEYS_MAX && bindings->keys[action][i]; i++) {
		char name[KEY_NAME_MAX];
		int n;

		key_label(bindings->keys[action][i], name, sizeof name);
		n = snprintf(out + len, room - len, "%s%s", i ? " " : "", name);
		if (n < 0 || (size_t)n >= room - len) {
			out[len] = '\0'; /* a key is shown whole or not at all */
			return;
		}
		len += (size_t)n;
	}
}
