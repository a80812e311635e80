/* SPDX-License-Identifier: Apache-2.0 */
/* Where reading begins again after a restart, as text and back. */
#include "collectors/kafka/tally_parts.h"

#include <inttypes.h>
#include <string.h>

/* The first record of an open minute; where there is none, what comes next. */
static int64_t restart_of(const struct topic *topic, const struct part *part)
{
	int64_t offset = part->next;

	for (size_t k = 0; k < TALLY_OPEN_MAX && topic->open != INT64_MIN; k++) {
		if (part->first_minute[k] >= topic->open && part->first[k] < offset)
			offset = part->first[k];
	}
	return offset;
}

void tally_left_off(const struct tally *tally, struct buf *out)
{
	for (size_t i = 0; i < tally->ntopics; i++) {
		const struct topic *topic = &tally->topics[i];

		(void)buf_addf(out, "%s %" PRId64, topic->name,
			topic->open == INT64_MIN ? INT64_C(-1) : topic->open);
		for (int32_t p = 0; p < topic->nparts; p++) {
			if (topic->parts[p].begun)
				(void)buf_addf(out, " %" PRId32 ":%" PRId64, p,
					restart_of(topic, &topic->parts[p]));
		}
		(void)buf_add_char(out, '\n');
	}
}

static void resume_topic(struct tally *tally, struct text line)
{
	struct text word;
	char name[NAME_MAX_BYTES];
	int64_t open;
	size_t at;

	if (!text_split(&line, ' ', &word) || word.len == 0 || word.len >= sizeof name)
		return;
	memcpy(name, word.bytes, word.len);
	name[word.len] = '\0';
	if (!text_split(&line, ' ', &word) || !text_to_i64(word, &open))
		return;
	at = tally_topic(tally, name, 0);
	/* Rows before it are told for good. */
	if (open >= 0 && open < INT64_MAX / MINUTE_MS - TALLY_OPEN_MAX)
		tally->topics[at].open = open;
	while (text_split(&line, ' ', &word)) {
		struct text offset = word;
		struct text number;
		int64_t partition;
		int64_t value;

		if (!text_split(&offset, ':', &number) || !text_to_i64(number, &partition) ||
			!text_to_i64(offset, &value) || partition < 0 ||
			partition >= TALLY_PARTITIONS_MAX || value < 0)
			continue;
		(void)tally_topic(tally, name, (int32_t)partition + 1);
		tally->topics[at].parts[partition].resume = value;
	}
}

void tally_resume(struct tally *tally, struct text text)
{
	struct text line;

	while (text_split(&text, '\n', &line)) {
		if (tally->ntopics < 4096)
			resume_topic(tally, line);
	}
}
