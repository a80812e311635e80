/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "collectors/kafka/properties.h"

/* A file of properties: whatever it says, names and notes are clean, and no secret is in a note. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct properties properties = { 0 };
	struct err err = ERR_INIT;
	char *copy = malloc(size ? size : 1);

	memcpy(copy, data, size);
	if (!properties_parse(&properties, (struct text){ copy, size },
		    size > 0 && data[0] == '#' ? PROPERTIES_INLINE : PROPERTIES_FILE, "/nonexistent", &err) &&
		err.text[0] == '\0')
		abort();
	if (properties.count > PROPERTIES_MAX || properties.nnotes > PROPERTY_NOTES_MAX)
		abort();
	for (size_t i = 0; i < properties.count; i++) {
		const struct property *property = &properties.list[i];

		if (!property->name.bytes || !property->value.bytes || !utf8_is_clean(property->name) ||
			strlen(property->value.bytes) != property->value.len)
			abort();
	}
	for (size_t i = 0; i < properties.nnotes; i++) {
		if (!utf8_is_clean(properties.notes[i].text))
			abort();
	}
	properties_done(&properties);
	free(copy);
	return 0;
}
