/* SPDX-License-Identifier: Apache-2.0 */
#ifdef SCAN_AVX2
#include "collectors/eventlog/lex.h"

#define EIGHT(c)  (c), (c), (c), (c), (c), (c), (c), (c)
#define BLOCK(c)  { EIGHT(c), EIGHT(c), EIGHT(c), EIGHT(c) }

/* Apart from what uses it, so that no compiler knows what is in it. */
const struct lex_blocks lex_blocks = { BLOCK('"'), BLOCK('\\'), BLOCK(0x1f) };
#else
typedef int scan_blocks_unused; /* no file is empty in ISO C */
#endif
