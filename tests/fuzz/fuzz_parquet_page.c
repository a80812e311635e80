/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/parquet_walk.h"

/*
 * The pages of one column, in a file that is good otherwise: so that changed bytes meet levels and
 * values and not the footer. The first bytes choose the column.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct parquet_walked walked;
	struct buf file;

	buf_init(&file, SIZE_MAX / 2);
	parquet_wrap_chunk(data, size, &file);
	parquet_walk_bytes(file.bytes, file.len, 32 << 20, 8, &walked);
	buf_done(&file);
	return 0;
}
