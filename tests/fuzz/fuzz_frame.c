/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "collectors/eventlog/frame.h"

/*
 * Any bytes in pieces of any size: every call makes progress or asks for more, records lie in what
 * was given, and all bytes are used up at the end. The first byte of the input chooses the pieces.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

/* Frames as far as the bytes reach; the offset of what is not used yet. */
static size_t frame_all(struct framer *framer, struct text bytes, enum frame_end end)
{
	size_t at = 0;

	for (;;) {
		struct text window = text_sub(bytes, at, bytes.len);
		char *copy = mem_alloc(window.len + 1);
		struct framed framed;
		enum frame frame;

		memcpy(copy, window.bytes, window.len);
		frame = frame_next(framer, (struct text){ copy, window.len }, end, &framed);
		check(framed.used <= window.len);
		check(frame != FRAME_RECORD ||
			(framed.record.len > 0 && framed.record.len <= framer->max_record &&
				framed.record.bytes == copy + framed.lead &&
				framed.lead + framed.record.len <= framed.used));
		check(frame != FRAME_LONG ||
			(framed.record.len > 0 && framed.length >= (int64_t)framed.record.len));
		free(copy);
		at += framed.used;
		if (frame == FRAME_MORE)
			return at;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct framer framer;
	char *kept;
	size_t from = 0;
	size_t step;

	if (size < 2)
		return 0;
	step = (size_t)(data[0] & 0x7f) + 1;
	framer_init(&framer, data[0] & 0x80 ? 100 : 1 << 20, false, 1);
	kept = mem_alloc(size);
	memcpy(kept, data + 1, size - 1);
	for (size_t to = step; to < size - 1; to += step)
		from += frame_all(&framer, (struct text){ kept + from, to - from }, FRAME_OPEN);
	from += frame_all(&framer, (struct text){ kept + from, size - 1 - from }, FRAME_FINAL);
	check(from == size - 1);
	free(kept);
	return 0;
}
