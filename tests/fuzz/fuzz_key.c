/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "tui/action.h"

/* Key spellings: every one read has a label, is found again, and errors can be printed. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_keys(struct text rest)
{
	while (rest.len > 0) {
		struct err err = ERR_INIT;
		size_t before = rest.len;
		char label[16];
		int key = 0;

		if (!key_parse(&rest, &key, &err)) {
			must(err.kind == ERR_CONFIG && utf8_is_clean(text_of(err.text)));
			must(rest.len == before);
			return;
		}
		must(rest.len < before && key > 0);
		key_label(key, label, sizeof label);
		must(*label && utf8_is_clean(text_of(label)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text keys = { (const char *)data, size };
	struct bindings *bindings = bindings_new();
	struct err err = ERR_INIT;
	char shown[64];

	check_keys(keys);
	if (bindings_set(bindings, ACT_REFRESH, keys, &err)) {
		bindings_keys(bindings, ACT_REFRESH, shown, sizeof shown);
		must(utf8_is_clean(text_of(shown)));
	} else {
		must(utf8_is_clean(text_of(err.text)));
		must(bindings_find(bindings, 'r') == ACT_REFRESH);
	}
	bindings_free(bindings);
	return 0;
}
