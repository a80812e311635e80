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
 * key and the nearest valid key. ~ and $HOME are expanded in paths.
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

struct config;

/* ops tables tell which sections and keys exist; NULL path: an empty configuration. */
bool config_load(const char *path, struct config **config_out, struct err *err);
bool config_parse(struct text bytes, const char *path, struct config **config_out, struct err *err);
void config_free(struct config *config);
size_t config_sections(const struct config *config);
const struct config_section *config_section_at(const struct config *config, size_t index);
/* The [weir] section: store, log, keep_*, theme ...; always there, with defaults. */
const struct config_section *config_main(const struct config *config);
/* Values by key name; the key must be in the section's table (assert). Defaults applied. */
struct text config_text(const struct config_section *section, const char *key);
int64_t config_integer(const struct config_section *section, const char *key); /* ms for DURATION */
bool config_boolean(const struct config_section *section, const char *key);
extern const struct config_key config_main_keys[];

#endif
