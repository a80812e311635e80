/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "collectors/connect/connect.h"

/* Any bytes as a Connect worker's reply, as the text of a failure, and as an error's body. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void check(const struct fact_connector *connector)
{
	require(connector->worst >= connector->state);
	require(connector->tasks >= connector->tasks_failed && connector->tasks_failed >= 0);
	require(connector->tasks_failed == 0 || connector->worst == CONNECTOR_FAILED);
	require(connector->sink == (connector->group.len > 0));
	require(utf8_is_clean(connector->connector) && utf8_is_clean(connector->topics));
	require(connector->trace.len <= CONNECT_TRACE_MAX && utf8_is_valid(connector->trace));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fact_batch *batch = fact_batch_new();
	struct err err = ERR_INIT;
	json_t *names = NULL;
	char *copy = mem_alloc(size ? size : 1);
	struct text bytes = { copy, size };
	struct buf out;

	if (size > 0)
		memcpy(copy, data, size);
	if (connect_decode(batch, TEXT("main"), bytes, 1, &names, &err))
		require(json_array_size(names) == batch->nfacts);
	else
		require(batch->nfacts == 0 && err.kind == ERR_FORMAT);
	for (size_t i = 0; i < batch->nfacts; i++) {
		if (batch->facts[i].kind == FACT_CONNECTOR)
			check(&batch->facts[i].u.connector);
	}
	connect_explain(500, bytes, &err);
	buf_init(&out, 1 << 22);
	connect_blot(&out, bytes);
	require(out.len <= size * 3 + 3);
	buf_done(&out);
	json_decref(names);
	fact_batch_free(batch);
	free(copy);
	return 0;
}
