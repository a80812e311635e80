/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_CONFIG_H
#define COLLECTORS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

/*
 * The INI file: [kind name] sections of key = value; # and ; begin comment lines; a value may go
 * on in indented lines. Keys are known from tables; an unknown one is an error naming file, line,
 * key and the nearest valid key. In paths ~, $NAME and ${NAME} are expanded, a relative path starts
 * at the configuration file's directory, and file: URLs are plain paths. A secret is never written
 * out: its value is env:NAME or file:PATH.
 */
enum config_type { CONFIG_TEXT, CONFIG_PATH, CONFIG_INTEGER, CONFIG_BOOLEAN, CONFIG_DURATION,
	CONFIG_CHOICE, CONFIG_PATTERNS };

struct config_key {
	const char *name;
	enum config_type type;
	const char *unit;     /* "ms", "bytes", or NULL */
	const char *fallback; /* default as it would be written; NULL = must be given */
	const char *choices;  /* CONFIG_CHOICE: "warnings all none" */
	bool secret;          /* value never shown */
	const char *help;     /* one sentence */
};

struct config_section {
	struct text kind, name;
	int line;
	const struct config_key *keys; /* of its kind */
	struct config_value *values;   /* one per key, in the table's order */
};

/* One value; which member holds it follows from the key's type. */
struct config_value {
	struct text text;  /* as written, continued lines joined by newlines; PATH: expanded */
	int64_t number;    /* INTEGER; DURATION in ms; BOOLEAN 0 or 1 */
	int line;          /* 0 = the default */
};

struct config;
struct collector_ops;

/* ops tables tell which sections and keys exist; NULL path: an empty configuration. */
bool config_load(const char *path, struct config **config_out, struct err *err);
bool config_parse(struct text bytes, const char *path, struct config **config_out, struct err *err);
/* The same with other kinds than those of this program: for tests. kinds ends with NULL. */
bool config_parse_kinds(struct text bytes, const char *path,
	const struct collector_ops *const *kinds, struct config **config_out, struct err *err);
void config_free(struct config *config); /* NULL is allowed */
size_t config_sections(const struct config *config);
const struct config_section *config_section_at(const struct config *config, size_t index);
/* The [weir] section: store, log, keep_*, theme ...; always there, with defaults. */
const struct config_section *config_main(const struct config *config);
/*
 * What [keys] says, as written: action = keys. The console knows the actions, so it judges them; a
 * collector reads the same file and passes over them.
 */
struct config_pair {
	struct text name, value;
	int line;
};
size_t config_pairs(const struct config *config);
const struct config_pair *config_pair_at(const struct config *config, size_t index);
/* Values by key name; the key must be in the section's table (assert). Defaults applied. */
struct text config_text(const struct config_section *section, const char *key);
char *config_copy(const struct config_section *section, const char *key); /* malloc'ed */
int64_t config_integer(const struct config_section *section, const char *key); /* ms for DURATION */
bool config_boolean(const struct config_section *section, const char *key);
extern const struct config_key config_main_keys[];   /* ends with name NULL */
/* What every source may say beside its kind's keys, unless the kind has a key of that name. */
extern const struct config_key config_source_keys[]; /* ends with name NULL */

/*
 * Where things are. `given` is what the command line said (NULL = nothing). Caller frees.
 * config_find: --config, else $XDG_CONFIG_HOME/weir/weir.ini, else /etc/weir/weir.ini; NULL when
 * nothing is given and neither is there. config_store_path: --store, else the configuration's
 * store, else $XDG_STATE_HOME/weir/weir.db. config_log_path: the configuration's log, else
 * weir-collect.log in the same directory as weir.db's default.
 */
char *config_find(const char *given);
char *config_store_path(const struct config *config, const char *given);
char *config_log_path(const struct config *config);
/* Makes the directories above a file, mode 0700 where they are missing. */
bool config_make_parents(const char *path, struct err *err);

#endif
