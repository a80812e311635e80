/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_ACTION_H
#define TUI_ACTION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/text.h"

/*
 * What keys mean. The rows of actions.def are the only list of actions; the footer, help, command
 * completion and man page walk it. Views get actions, never key codes.
 */
enum action {
	ACT_NONE,
#define X(id, name, help, group, flags, keys) ACT_##id,
#include "tui/actions.def"
#undef X
	ACT_COUNT
};

enum action_group { GROUP_GENERAL, GROUP_SCREENS, GROUP_MOVE, GROUP_LOOK, GROUP_FIND, GROUP_TIME,
	GROUP_OUT, GROUP_COUNT };

enum action_flags {
	ACTION_VIEW = 1,    /* opens a screen of the same name */
	ACTION_SUBJECT = 2, /* needs a selected row */
	ACTION_WRITES = 4   /* changes the world: armed and confirmed */
};

/* What a handler answers; the app does the work. */
enum reply {
	REPLY_IGNORED, /* not mine */
	REPLY_DONE,    /* draw again */
	REPLY_STALE,   /* load, then draw */
	REPLY_CLOSE    /* leave this screen */
};

struct action_info {
	const char *name, *help;
	enum action_group group;
	unsigned flags;
	const char *keys; /* defaults */
};

const struct action_info *action_info(enum action action);
const char *action_group_name(enum action_group group);
enum action action_by_name(struct text name); /* ACT_NONE if none */

/*
 * Keys are code points, or KEY_* above them. bindings_set reads "x <C-r>, <F5>" for one action; what
 * was bound to those keys before is unbound. Bindings belong to the app.
 */
enum { KEY_BASE = 0x200000 };
enum key_special { KEY_NONE_ = KEY_BASE, KEY_UP_, KEY_DOWN_, KEY_LEFT_, KEY_RIGHT_, KEY_HOME_,
	KEY_END_, KEY_PGUP_, KEY_PGDN_, KEY_BS_, KEY_DEL_, KEY_STAB_, KEY_RESIZE_, KEY_HANGUP_,
	KEY_PASTE_BEGIN_, KEY_PASTE_END_, KEY_WHEEL_UP_, KEY_WHEEL_DOWN_, KEY_CLICK_,
	KEY_F_ = KEY_BASE + 0x100 /* + n */ };

struct bindings;
struct bindings *bindings_new(void); /* the defaults */
void bindings_free(struct bindings *bindings);
bool bindings_set(struct bindings *bindings, enum action action, struct text keys, struct err *err);
/*
 * One line of the configuration's [keys]: no two lines may give the same key away. ERR_CONFIG names
 * what is nearest.
 */
bool bindings_configure(struct bindings *bindings, struct text name, struct text keys,
	struct err *err);
enum action bindings_find(const struct bindings *bindings, int key);
/* First key of an action as people write it: "Enter", "^L", "?"; "" when unbound. */
const char *bindings_key(const struct bindings *bindings, enum action action);
/* All its keys, joined by blanks, into out. */
void bindings_keys(const struct bindings *bindings, enum action action, char *out, size_t room);
/* "<Enter>" -> key code; advances *rest. For key scripts and configuration. */
bool key_parse(struct text *rest, int *key_out, struct err *err);
/* A key as people write it, terminated; "" for what has no name. 16 bytes are enough. */
void key_label(int key, char *out, size_t room);

#endif
