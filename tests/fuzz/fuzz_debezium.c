/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "collectors/kafka/debezium.h"
#include "collectors/kafka/tally.h"

/* The first line is a key, the rest a value; a change has a table, and counting it counts one. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int64_t counted;

static void add(void *context, const struct tally_row *row)
{
	(void)context;
	counted += row->counted;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Own memory: a byte looked at behind the end is found. */
	char *copy = malloc(size + 1);
	struct text rest = { copy, size };
	struct text key = TEXT("");
	struct debezium event;
	struct buf table;
	struct tally *tally = tally_new(add, NULL);
	struct tally_record record = { .at_ms = 600000 };

	memcpy(copy, data, size);
	copy = realloc(copy, size ? size : 1);
	rest.bytes = copy;
	(void)text_split(&rest, '\n', &key);
	buf_init(&table, 256);
	debezium_read(rest, &event, &table);
	if (event.kind == DEBEZIUM_CHANGE && event.op == 0 && table.len > 256)
		abort();
	if (event.kind != DEBEZIUM_CHANGE && table.len > 0)
		abort();
	counted = 0;
	(void)tally_topic(tally, "t", 1);
	(void)tally_begin(tally, 0, 0, 0, true, 0, 0, 0);
	record.key = key;
	record.value = rest;
	tally_count(tally, 0, &record, 600000);
	tally_tell(tally, 600000, true);
	if (counted != 1)
		abort();
	buf_reset(&table);
	tally_left_off(tally, &table);
	tally_resume(tally, rest);
	tally_tell(tally, 600000, true);
	tally_free(tally);
	buf_done(&table);
	free(copy);
	return 0;
}
