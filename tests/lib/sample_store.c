/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "store/store.h"
#include "tests/lib/sample.h"

#define HOUR_MS INT64_C(3600000)

bool sample_store(const char *path, struct err *err)
{
	struct clock clock = clock_fixed(SAMPLE_NOW_MS);
	struct store_options options = { .path = path, .clock = &clock };
	struct fact_batch *batch = fact_batch_new();
	struct store *store = NULL;
	bool ok = store_open(&options, &store, err);

	/* A fixed clock never passes a deadline beyond its own moment. */
	for (int part = 0; ok && part < SAMPLE_PART_COUNT; part++) {
		sample_fill(batch, (enum sample_part)part);
		ok = store_put(store, &batch, SAMPLE_NOW_MS + HOUR_MS, err);
	}
	ok = ok && store_flush(store, SAMPLE_NOW_MS + HOUR_MS, err);
	store_close(store);
	fact_batch_free(batch);
	return ok;
}
