/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/eventlog/scan.h"

#include "collectors/eventlog/scan_walk.h"

/* The same code twice: for any processor of the architecture, and for one that has more. */
static scan_line_function best(bool padded)
{
	(void)padded;
#ifdef SCAN_AVX2
	if (padded && __builtin_cpu_supports("avx2"))
		return scan_line_avx2;
#endif
	return scan_line;
}

static bool scan_event(scan_line_function function, struct fact_batch *batch, struct text line,
	const struct eventlog_place *place, const struct eventlog_options *options)
{
	struct scan_memory memory;
	struct pick pick;
	struct text reason;
	bool done;

	memory.spill = (struct arena){ 0 };
	line = text_trim(line);
	done = function(line, &pick, &memory) &&
	       pick_to_event(batch, &pick, line, place, options, &reason);
	arena_free(&memory.spill);
	return done;
}

bool eventlog_scan_event(struct fact_batch *batch, struct text line, bool padded,
	const struct eventlog_place *place, const struct eventlog_options *options)
{
	return scan_event(best(padded), batch, line, place, options);
}

bool eventlog_scan_only(struct text line)
{
	struct scan_memory memory;
	struct pick pick;
	bool done;

	memory.spill = (struct arena){ 0 };
	done = best(true)(text_trim(line), &pick, &memory);
	arena_free(&memory.spill);
	return done;
}
