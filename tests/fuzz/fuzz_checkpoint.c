/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "collectors/checkpoint/batch.h"

/* Any bytes as each file of a checkpoint: what comes out holds what its header promises. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void check(const struct offset *offset)
{
	require((offset->n > 0) == (offset->kind == OFFSET_KAFKA || offset->kind == OFFSET_DELTA ||
					   offset->kind == OFFSET_FILES));
	for (size_t i = 0; i < offset->n; i++) {
		require(offset->places[i].topic.len > 0 && offset->places[i].partition >= 0);
		require(offset->kind != OFFSET_KAFKA || offset->places[i].next >= 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fact_position like = { .reader = TEXT("r"), .cluster = TEXT("c") };
	struct fact_batch *facts = fact_batch_new();
	struct checkpoint_batch batch = { 0 };
	struct reached reached = { 0 };
	struct arena arena = { 0 };
	const char *reason = NULL;
	char *copy = mem_alloc(size ? size : 1);
	struct text bytes = { copy, size };
	struct offset initial;
	size_t places = 0;

	if (size > 0)
		memcpy(copy, data, size);
	if (checkpoint_batch_of(&arena, bytes, &batch, &reason) == CHECKPOINT_WHOLE)
		require(batch.n > 0);
	else
		require(reason && batch.n == 0);
	for (size_t i = 0; i < batch.n; i++) {
		check(&batch.sources[i]);
		reached_add(&reached, &batch.sources[i], i % 2 ? NULL : &batch.sources[0]);
	}
	reached_tell(&reached, facts, 1, &like, FACT_UNKNOWN);
	for (size_t i = 0; i < facts->nfacts; i++) {
		const struct fact_position *position = &facts->facts[i].u.position;

		require(position->nplaces > 0 && utf8_is_clean(position->topic));
		places += position->nplaces;
		for (size_t k = 1; k < position->nplaces; k++)
			require(position->places[k - 1].partition < position->places[k].partition);
	}
	require(places == reached.n);
	initial = checkpoint_initial_of(&arena, bytes);
	check(&initial);
	(void)checkpoint_query_of(&arena, bytes);
	require(checkpoint_number_of(bytes) >= -1);
	reached_done(&reached);
	fact_batch_free(facts);
	arena_free(&arena);
	free(copy);
	return 0;
}
