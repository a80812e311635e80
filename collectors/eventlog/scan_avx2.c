/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/eventlog/scan.h"

#ifdef SCAN_AVX2
#include "collectors/eventlog/scan_walk.h"

bool scan_line_avx2(struct text line, struct pick *pick, struct scan_memory *memory)
{
	return scan_line(line, pick, memory);
}
#else
typedef int scan_avx2_unused; /* no file is empty in ISO C */
#endif
