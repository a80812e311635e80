/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "tests/lib/parquet_walk.h"

/* A whole Parquet file; then again with less memory, which may only fail or tell the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct parquet_walked whole;
	struct parquet_walked narrow;

	parquet_walk_bytes(data, size, 32 << 20, 8, &whole);
	if (!whole.is_whole || whole.rows == 0)
		return 0;
	parquet_walk_bytes(data, size, whole.peak / 2 + 1, 8, &narrow);
	if (narrow.is_whole && narrow.hash != whole.hash)
		abort();
	if (!narrow.is_whole && narrow.err.kind != ERR_LIMIT)
		abort();
	return 0;
}
