/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "tests/lib/parquet_walk.h"

/* A footer alone: Thrift, schema, what is found in it by name. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count(const struct parquet_node *node)
{
	size_t n = 1;

	for (size_t i = 0; i < node->nchildren; i++) {
		if (node->children[i]->parent != node)
			abort();
		n += count(node->children[i]);
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct parquet_walked walked;
	struct err err = ERR_INIT;
	struct parquet *file;
	struct buf bytes;

	buf_init(&bytes, SIZE_MAX / 2);
	parquet_wrap_footer(data, size, &bytes);
	file = parquet_open_bytes(bytes.bytes, bytes.len, "footer", &err);
	if (file) {
		if (count(parquet_schema(file)) != parquet_nodes(file))
			abort();
		(void)parquet_node_find(parquet_schema(file), "add.partitionValues.key");
		(void)parquet_node_by_id(parquet_schema(file), 1);
		(void)parquet_metadata(file, "delta");
		parquet_walk(file, 8 << 20, 4, &walked);
	}
	parquet_close(file);
	buf_done(&bytes);
	return 0;
}
