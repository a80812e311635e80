/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/readers.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "collectors/eventlog/decode.h"
#include "tests/lib/facts.h"

enum { DUMP_MAX = 256 << 20 };

enum readers_verdict readers_compare(struct text record, struct buf *why)
{
	static const struct eventlog_options options = { .raw = EVENTLOG_RAW_ALL, .now_ms = 1 };
	static const struct eventlog_place place = { .line = 1, .segment = 1, .offset = 7 };
	struct fact_batch *scanned = fact_batch_new();
	struct fact_batch *plain = fact_batch_new();
	struct fact_batch *parsed = fact_batch_new();
	struct text reason = TEXT_NONE;
	enum readers_verdict verdict;
	struct buf a;
	struct buf b;
	struct buf c;
	/* a copy of its own: looking too far is seen */
	char *copy = mem_zero(record.len + EVENTLOG_PAD, 1);
	bool scans = eventlog_scan_event(scanned,
		(struct text){ memcpy(copy, record.len ? record.bytes : "", record.len), record.len },
		true, &place, &options);
	bool plainly = eventlog_scan_event(plain, record, false, &place, &options);
	bool parses = eventlog_parse_event(parsed, record, &place, &options, &reason);

	buf_init(&a, DUMP_MAX);
	buf_init(&b, DUMP_MAX);
	buf_init(&c, DUMP_MAX);
	for (size_t i = 0; i < scanned->nevents; i++)
		facts_dump_event_whole(&a, scanned, &scanned->events[i]);
	for (size_t i = 0; i < plain->nevents; i++)
		facts_dump_event_whole(&c, plain, &plain->events[i]);
	for (size_t i = 0; i < parsed->nevents; i++)
		facts_dump_event_whole(&b, parsed, &parsed->events[i]);
	facts_dump_positions(&a, scanned);
	facts_dump_positions(&b, parsed);
	facts_dump_positions(&c, plain);
	if (scanned->nevents != (scans ? 1 : 0) || parsed->nevents != (parses ? 1 : 0) ||
		(!scans && scanned->nfacts > 0) || (!parses && parsed->nfacts > 0))
		verdict = READERS_DIFFER; /* a reader that fails must leave nothing */
	else if (plainly != scans || !text_eq(buf_text(&a), buf_text(&c)))
		verdict = READERS_DIFFER; /* whatever the processor can do */
	else if (!scans)
		verdict = parses ? READERS_FALLBACK : READERS_REFUSE;
	else
		verdict = text_eq(buf_text(&a), buf_text(&b)) ? READERS_AGREE : READERS_DIFFER;
	if (verdict == READERS_DIFFER && why) {
		(void)buf_add_str(why, "the scanner read:\n");
		(void)buf_add(why, buf_text(&a));
		(void)buf_addf(why, "the general reader (%.*s):\n", TEXT_ARG(reason));
		(void)buf_add(why, buf_text(&b));
	}
	buf_done(&a);
	buf_done(&b);
	buf_done(&c);
	fact_batch_free(scanned);
	fact_batch_free(plain);
	free(copy);
	fact_batch_free(parsed);
	return verdict;
}
