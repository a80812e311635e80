/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "collectors/config.h"

/* Any bytes as a configuration: values can be asked for, or the error is clean text with a place. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = mem_alloc(size ? size : 1);
	struct config *config = NULL;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < size; i++)
		copy[i] = (char)data[i];
	if (config_parse((struct text){ copy, size }, "weir.ini", &config, &err)) {
		for (size_t i = 0; i < config_sections(config); i++) {
			const struct config_section *section = config_section_at(config, i);

			for (size_t k = 0; section->keys[k].name; k++) {
				if (!config_text(section, section->keys[k].name).bytes)
					abort();
			}
		}
		config_free(config);
	} else if (!text_starts(text_of(err.text), TEXT("weir.ini:")) ||
		(sizeof err.text - 1 > text_of(err.text).len && !utf8_is_clean(text_of(err.text)))) {
		abort();
	}
	free(copy);
	return 0;
}
