/* SPDX-License-Identifier: Apache-2.0 */
#include "store/message.h"

#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
		(unsigned char)c >= 0x80;
}

/* A character that makes the digits beside it part of a name, a hash or a decimal fraction. */
static bool is_bound(char c)
{
	return is_word(c) || c == '.';
}

/* Length of a number to leave out that begins at `at`, a digit, or 0. */
static size_t number_at(struct text message, size_t at)
{
	size_t end = at;

	if (at > 0 && is_bound(message.bytes[at - 1]))
		return 0;
	while (end < message.len && is_digit(message.bytes[end]))
		end++;
	if (end - at > 18 || (end - at > 1 && message.bytes[at] == '0'))
		return 0;
	if (end < message.len && is_bound(message.bytes[end])) {
		/* a full stop at the end of a sentence is no decimal point */
		if (message.bytes[end] != '.' ||
			(end + 1 < message.len && message.bytes[end + 1] != ' '))
			return 0;
	}
	return end - at;
}

/* Where the name stands next, as words of its own; message.len when nowhere. */
static size_t name_at(struct text message, size_t from, struct text name)
{
	if (name.len < MESSAGE_NAME_MIN)
		return message.len;
	while (from + name.len <= message.len) {
		const char *found = memchr(message.bytes + from, name.bytes[0],
			message.len - name.len - from + 1);
		size_t at, end;

		if (!found)
			break;
		at = (size_t)(found - message.bytes);
		end = at + name.len;
		if (memcmp(found, name.bytes, name.len) == 0 &&
			(at == 0 || !is_word(message.bytes[at - 1])) &&
			(end == message.len || !is_word(message.bytes[end])))
			return at;
		from = at + 1;
	}
	return message.len;
}

struct packing {
	char *out; /* where the next byte goes; there is room */
	struct text message;
	int64_t *numbers;
	size_t n;
};

static void put_bytes(struct packing *packing, const char *bytes, size_t len)
{
	memcpy(packing->out, bytes, len);
	packing->out += len;
}

/* Bytes that are not simply kept. */
static const bool special[256] = { [MESSAGE_NUMBER] = true, [MESSAGE_FLOW] = true,
	[MESSAGE_DATASET] = true, [MESSAGE_ESCAPE] = true, ['0'] = true, ['1'] = true, ['2'] = true,
	['3'] = true, ['4'] = true, ['5'] = true, ['6'] = true, ['7'] = true, ['8'] = true,
	['9'] = true };

/* Whether one of the eight bytes may be special: a digit, or below MESSAGE_PLAIN. */
static bool may_be_special(const char *bytes)
{
	static const uint64_t ones = 0x0101010101010101u;
	uint64_t word, digits;

	memcpy(&word, bytes, sizeof word);
	digits = (word ^ ones * 0x30) & ones * 0xf0; /* zero where the byte is 0x30 to 0x3f */
	digits = (digits - ones) & ~digits;
	return ((digits | (word - ones * 0x05)) & ones * 0x80) != 0;
}

/* What stands between names: numbers go. */
static void pack_between(struct packing *packing, size_t from, size_t end)
{
	struct text message = packing->message;
	size_t kept = from;

	for (size_t at = from; at < end; at++) {
		char c;
		size_t len;

		while (end - at > 8 && !may_be_special(message.bytes + at))
			at += 8;
		c = message.bytes[at];
		if (!special[(unsigned char)c])
			continue;
		if ((unsigned char)c < MESSAGE_PLAIN && c != '\0') {
			put_bytes(packing, message.bytes + kept, at - kept);
			*packing->out++ = MESSAGE_ESCAPE;
			kept = at;
			continue;
		}
		if (!is_digit(c) || packing->n == MESSAGE_NUMBERS_MAX)
			continue;
		len = number_at(message, at);
		if (len == 0)
			continue;
		/* 18 digits fit */
		(void)text_to_i64(text_sub(message, at, len), &packing->numbers[packing->n++]);
		put_bytes(packing, message.bytes + kept, at - kept);
		*packing->out++ = MESSAGE_NUMBER;
		at += len - 1;
		kept = at + 1;
	}
	if (end > kept)
		put_bytes(packing, message.bytes + kept, end - kept);
}

size_t message_pack(char *template_out, size_t *len_out, struct text message,
	const struct message_names *names, int64_t numbers[MESSAGE_NUMBERS_MAX])
{
	struct packing packing = { template_out, message, numbers, 0 };
	struct text flow = names->flow, dataset = names->dataset;
	size_t at_flow, at_dataset, from = 0;

	if (text_eq(flow, dataset))
		dataset = TEXT_NONE;
	at_flow = name_at(message, 0, flow);
	at_dataset = name_at(message, 0, dataset);
	while (at_flow < message.len || at_dataset < message.len) {
		bool is_flow = at_flow < at_dataset ||
			(at_flow == at_dataset && flow.len > dataset.len);
		size_t at = is_flow ? at_flow : at_dataset;

		pack_between(&packing, from, at);
		*packing.out++ = is_flow ? MESSAGE_FLOW : MESSAGE_DATASET;
		from = at + (is_flow ? flow.len : dataset.len);
		if (at_flow < from)
			at_flow = name_at(message, from, flow);
		if (at_dataset < from)
			at_dataset = name_at(message, from, dataset);
	}
	pack_between(&packing, from, message.len);
	*len_out = (size_t)(packing.out - template_out);
	return packing.n;
}

struct text message_unpack(struct arena *arena, struct text template,
	const struct message_names *names, const int64_t *numbers, size_t nnumbers)
{
	struct buf buf;
	struct text message;
	size_t n = 0, marks = 0;

	for (size_t i = 0; i < template.len; i++)
		marks += (unsigned char)template.bytes[i] < MESSAGE_PLAIN;
	if (marks == 0)
		return arena_text(arena, template);
	buf_init(&buf, template.len + marks * (20 + names->flow.len + names->dataset.len));
	for (size_t i = 0; i < template.len; i++) {
		char c = template.bytes[i];

		if (c == MESSAGE_NUMBER && n < nnumbers)
			buf_addf(&buf, "%lld", (long long)numbers[n++]);
		else if (c == MESSAGE_FLOW)
			buf_add(&buf, names->flow);
		else if (c == MESSAGE_DATASET)
			buf_add(&buf, names->dataset);
		else if (c == MESSAGE_ESCAPE && i + 1 < template.len)
			buf_add_char(&buf, template.bytes[++i]);
		else
			buf_add_char(&buf, c);
	}
	message = arena_text(arena, buf_text(&buf));
	buf_done(&buf);
	return message;
}
