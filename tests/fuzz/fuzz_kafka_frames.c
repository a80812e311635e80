/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "collectors/kafka/intake.h"
#include "collectors/kafka/plan.h"

/* What a dying sweeper may send: facts or a refusal, names clean, nothing beyond the bytes read. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct fact_batch *batch)
{
	for (size_t i = 0; i < batch->nfacts; i++) {
		const struct fact *fact = &batch->facts[i];
		struct text name = fact->kind == FACT_MARKS ? fact->u.marks.topic
			: fact->kind == FACT_POSITION ? fact->u.position.topic : TEXT("");

		if (!name.bytes || !utf8_is_clean(name))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size ? size : 1);
	struct text frames = { copy, size };
	struct text rest = frames;
	struct intake *intake = intake_new(TEXT("c"));
	struct fact_batch *batch = fact_batch_new();
	struct intake_sweep sweep = { 0 };
	struct plan plan = { 0 };
	enum wire_kind kind;
	struct wire_in in;

	memcpy(copy, data, size);
	if (intake_take(intake, frames, batch, &sweep))
		check(batch);
	fact_batch_reset(batch);
	while (wire_cut(&rest, &kind, &in) == WIRE_CUT) {
		struct wire_in again = in;

		(void)intake_table(intake, &again, batch);
		again = in;
		(void)plan_take(&plan, &again);
		plan_done(&plan);
	}
	intake_load(intake, frames);
	fact_batch_free(batch);
	intake_free(intake);
	free(copy);
	return 0;
}
