/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_KAFKA_PROPERTIES_H
#define COLLECTORS_KAFKA_PROPERTIES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"

/*
 * Client properties as people already have them: the file that `kcat -F` takes, Java's
 * client.properties, the file a cloud offers for download. Read into librdkafka's own names. What
 * only Java knows is left out, what cannot be done here says what to do instead. Values of secrets
 * never enter a note or an error. Pure but for env and file references; any thread.
 *
 * A line: key = value, or key: value as Java has it too, both trimmed; # or ! begin a comment; a line
 * that ends in a backslash goes on; \: and \= stand for : and =. ${NAME} in a value is the
 * environment's; a value file:PATH or env:NAME of a secret is that file's first line or that variable.
 */
struct property {
	struct text name, value; /* terminated; value may be a secret */
	int line;
	bool secret;
};

struct property_note {
	int line;   /* 0 = of the whole */
	bool wrong; /* it will not work like this; else only left out or worth knowing */
	struct text text;
};

enum { PROPERTIES_MAX = 512, PROPERTY_NOTES_MAX = 64 };

struct properties {
	struct arena arena; /* zero-initialize */
	struct property *list;
	size_t count;
	struct property_note *notes;
	size_t nnotes;
	bool has_secret; /* written in the text itself, not referred to */
};

enum properties_from {
	PROPERTIES_FILE,  /* secrets may stand in it */
	PROPERTIES_INLINE /* Weir's own configuration: secrets only by reference */
};

/*
 * Adds what the bytes say; a name that is there already is replaced, so later calls override.
 * directory: where relative file: paths start. False with err only for what makes the whole useless
 * (no text, too much, a secret written inline or a reference to nothing).
 */
bool properties_parse(struct properties *properties, struct text bytes, enum properties_from from,
	const char *directory, struct err *err);
/* Reads a file; adds a note when others may read a secret in it. */
bool properties_load(struct properties *properties, const char *path, struct err *err);
/* Sets one, over what there is. */
void properties_set(struct properties *properties, const char *name, struct text value);
struct text properties_get(const struct properties *properties, const char *name); /* or NONE */
bool property_is_secret(struct text name);
void properties_done(struct properties *properties); /* overwrites the values, frees */

#endif
