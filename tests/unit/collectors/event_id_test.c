/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "collectors/eventlog/decode.h"

/* What the decoder makes of an event with this id. */
static struct fact_event decode(struct fact_batch *batch, const char *id)
{
	static const struct eventlog_options options = { .raw = EVENTLOG_RAW_NONE };
	static const struct eventlog_place place = { .line = 1 };
	char line[256];

	fact_batch_reset(batch);
	(void)snprintf(line, sizeof line, "{\"id\":\"%s\",\"timestamp\":\"2026-03-02T09:00:00.123Z\","
		"\"event_type\":\"user_action\"}", id);
	assert_true(eventlog_scan_event(batch, text_of(line), false, &place, &options));
	return batch->events[0];
}

static void every_digit_counts(void **state)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	static const size_t pairs[16] = { 0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34 };
	struct fact_batch *batch = fact_batch_new();

	(void)state;
	for (size_t byte = 0; byte < ARRAY_LEN(pairs); byte++) {
		for (size_t d = 0; d < 2 * (sizeof digits - 1); d++) {
			char id[] = "00000000-0000-0000-0000-000000000000";
			size_t digit = d / 2, value = digit < 16 ? digit : digit - 6;
			struct fact_event event;

			id[pairs[byte] + d % 2] = digits[digit];
			event = decode(batch, id);
			assert_false(event.id_is_hash);
			for (size_t i = 0; i < sizeof event.id; i++)
				assert_int_equal(event.id[i],
					i != byte ? 0 : d % 2 ? value : value << 4);
		}
	}
	fact_batch_free(batch);
}

static void what_is_no_uuid_is_hashed(void **state)
{
	static const char *const ids[] = { "", "7", "00000000-0000-0000-0000-00000000000",
		"00000000-0000-0000-0000-0000000000000", "00000000+0000-0000-0000-000000000000" };
	struct fact_batch *batch = fact_batch_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		assert_true(decode(batch, ids[i]).id_is_hash);
	for (int c = 0x20; c < 0x80; c++) {
		char id[] = "00000000-0000-0000-0000-000000000000";

		if (strchr("0123456789abcdefABCDEF\"\\", c))
			continue;
		for (size_t at = 0; at < sizeof id - 1; at++) {
			char before = id[at];

			if (before == '-')
				continue;
			id[at] = (char)c;
			assert_true(decode(batch, id).id_is_hash);
			id[at] = before;
		}
	}
	/* two bytes of one letter, so that the length is right */
	assert_true(decode(batch, "00000000-0000-0000-0000-0000000000\xc3\xa9").id_is_hash);
	fact_batch_free(batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_digit_counts),
		cmocka_unit_test(what_is_no_uuid_is_hashed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
