/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "collectors/delta/deletion.h"

/* A deletion vector's bytes: what is marked is as many rows as it says and each of them is in it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t marks[1 << 18];
	struct err err = ERR_INIT;
	struct text bytes = { (const char *)data, size };
	struct deletion *deletion = deletion_parse(bytes, "set", &err);
	struct deletion_descriptor descriptor = {
		.storage_type = TEXT("i"),
		.path_or_inline = bytes,
		.size_bytes = (int64_t)(size / 5 * 4),
		.cardinality = -1,
	};
	size_t count;

	deletion_free(deletion_read(&descriptor, "/t", &err));
	descriptor.storage_type = TEXT("u");
	if (size < 4000) {
		struct buf path;

		buf_init(&path, 8000);
		(void)deletion_path(&descriptor, "/t", &path, &err);
		descriptor.storage_type = TEXT("p");
		(void)deletion_path(&descriptor, "/t", &path, &err);
		buf_done(&path);
	}
	if (!deletion) {
		if (err.kind == ERR_NONE)
			abort();
		return 0;
	}
	count = deletion_mark(deletion, 0, sizeof marks, marks);
	if ((int64_t)count > deletion_rows(deletion))
		abort();
	for (size_t i = 0; i < sizeof marks; i += 97)
		if (deletion_has(deletion, (int64_t)i) != (marks[i] == 1))
			abort();
	deletion_free(deletion);
	return 0;
}
