/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "collectors/eventlog/decode.h"
#include "tests/lib/readers.h"

/*
 * Both readers of event logs on every input: the scanner may stand back, but must not say what
 * jansson does not. Then the whole decoder, for the containers around events. The input is copied
 * to its exact length, so that the address sanitizer sees every byte read behind it.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare(struct text record)
{
	struct buf why;

	buf_init(&why, 1 << 20);
	if (readers_compare(record, &why) == READERS_DIFFER) {
		(void)fprintf(stderr, "readers differ on %.*s\n%s\n", TEXT_ARG(record), why.bytes);
		abort();
	}
	buf_done(&why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct eventlog_options options = { .now_ms = 1 };
	static const struct eventlog_place place = { .line = 1 };
	char *copy = mem_alloc(size ? size : 1);
	struct text record = { copy, size };
	struct text rest = record;
	struct text line;
	struct fact_batch *batch = fact_batch_new();

	for (size_t i = 0; i < size; i++)
		copy[i] = (char)data[i];
	compare(record);
	while (text_contains(record, TEXT("\n")) && text_split(&rest, '\n', &line))
		compare(line);
	(void)eventlog_decode(batch, record, false, &place, &options);
	for (size_t i = 0; i < batch->nevents; i++) {
		if (batch->events[i].length < 0 || batch->events[i].length > (int64_t)size)
			abort();
	}
	fact_batch_free(batch);
	free(copy);
	return 0;
}
