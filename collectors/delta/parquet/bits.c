/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "collectors/delta/parquet/parts.h"

/* Parquet is little-endian; so is every machine Weir is built for, and the compiler sees it. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "bits are read as the machine has them");

static uint64_t load64(const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof word);
	return word;
}

unsigned bits_width(unsigned max)
{
	unsigned width = 0;

	for (; max > 0; max >>= 1)
		width++;
	return width;
}

void hybrid_init(struct hybrid *hybrid, const uint8_t *at, const uint8_t *end, unsigned width)
{
	*hybrid = (struct hybrid){ .at = at, .end = end, .width = width };
}

/* Begins the next run or groups; false at the end of the bytes. */
static bool next_run(struct hybrid *h)
{
	struct thrift thrift = { h->at, h->at, h->end, false };
	uint64_t head;
	uint64_t bytes;

	if (h->at == h->end) {
		/* No bits at all say zero as often as one likes. */
		h->repeated = h->width == 0 ? UINT32_MAX : 0;
		h->value = 0;
		return h->width == 0;
	}
	head = thrift_varint(&thrift);
	h->at = thrift.at;
	if (thrift.bad)
		return false;
	if (!(head & 1)) {
		bytes = (h->width + 7) / 8;
		if (bytes > (uint64_t)(h->end - h->at)) {
			h->at = h->end;
			return false;
		}
		h->repeated = head >> 1;
		h->value = (uint32_t)(load64(h->at) & ((UINT64_C(1) << 8 * bytes) - 1));
		h->at += bytes;
		/* A value that does not fit its bits is damage and would not be a truth value. */
		if ((uint64_t)h->value >> h->width != 0)
			h->repeated = 0;
		return h->repeated > 0 || head == 0;
	}
	head >>= 1;
	bytes = (uint64_t)(h->end - h->at);
	/* The last groups may lack the bytes of values that nobody asks for. */
	if (h->width > 0 && head > bytes / h->width) {
		h->packed = bytes * 8 / h->width;
	} else {
		bytes = head * h->width;
		h->packed = head > UINT32_MAX ? UINT32_MAX : head * 8;
	}
	h->bits = h->at;
	h->bit = 0;
	h->at += bytes;
	return true;
}

size_t hybrid_bytes(struct hybrid *h, uint8_t *to, size_t n)
{
	const uint64_t mask = (UINT64_C(1) << h->width) - 1;
	size_t done = 0;

	while (done < n) {
		size_t some = n - done;

		if (h->repeated > 0) {
			some = some < h->repeated ? some : (size_t)h->repeated;
			memset(to + done, (int)(uint8_t)h->value, some);
			h->repeated -= some;
		} else if (h->packed > 0) {
			some = some < h->packed ? some : (size_t)h->packed;
			for (size_t i = 0; i < some; i++, h->bit += h->width)
				to[done + i] = (uint8_t)(load64(h->bits + h->bit / 8) >> h->bit % 8 & mask);
			h->packed -= some;
		} else {
			some = 0;
			if (!next_run(h))
				break;
		}
		done += some;
	}
	return done;
}

/* Eight values a time share the check of the loop; any width to 32. */
static void unpack_words(const uint8_t *bits, uint64_t bit, unsigned width, uint32_t *to, size_t n)
{
	const uint64_t mask = (UINT64_C(1) << width) - 1;

	for (size_t i = 0; i < n; i++, bit += width)
		to[i] = (uint32_t)(load64(bits + bit / 8) >> bit % 8 & mask);
}

size_t hybrid_words(struct hybrid *h, uint32_t *to, size_t n)
{
	size_t done = 0;

	while (done < n) {
		size_t some = n - done;

		if (h->repeated > 0) {
			some = some < h->repeated ? some : (size_t)h->repeated;
			for (size_t i = 0; i < some; i++)
				to[done + i] = h->value;
			h->repeated -= some;
		} else if (h->packed > 0) {
			some = some < h->packed ? some : (size_t)h->packed;
			unpack_words(h->bits, h->bit, h->width, to + done, some);
			h->bit += (uint64_t)some * h->width;
			h->packed -= some;
		} else {
			some = 0;
			if (!next_run(h))
				break;
		}
		done += some;
	}
	return done;
}

bool bits_old_levels(const uint8_t *from, size_t len, unsigned width, uint8_t *to, size_t n)
{
	uint64_t bit = 0;

	if (width > 8 || n > len * 8 / (width ? width : 1))
		return false;
	for (size_t i = 0; i < n; i++) {
		unsigned value = 0;

		for (unsigned k = 0; k < width; k++, bit++)
			value = value << 1 | ((unsigned)from[bit / 8] >> (7 - bit % 8) & 1U);
		to[i] = (uint8_t)value;
	}
	return true;
}

const char *delta_ints_head(struct delta_ints *ints, const uint8_t *at, const uint8_t *end)
{
	struct thrift thrift = { at, at, end, false };
	uint64_t block = thrift_varint(&thrift);
	uint64_t miniblocks = thrift_varint(&thrift);

	ints->count = thrift_varint(&thrift);
	ints->value = (uint64_t)thrift_zigzag(&thrift);
	ints->at = thrift.at;
	ints->end = end;
	if (thrift.bad)
		return "delta-packed integers end in their head";
	if (block == 0 || block > 1 << 20 || miniblocks == 0 || miniblocks > block ||
		block % miniblocks != 0 || block / miniblocks % 8 != 0)
		return "delta-packed integers have impossible blocks";
	ints->block = (uint32_t)block;
	ints->miniblocks = (uint32_t)miniblocks;
	return NULL;
}

/* Bits [bit, bit + width) for any width to 64. */
static uint64_t bits_at(const uint8_t *bits, uint64_t bit, unsigned width)
{
	const uint8_t *at = bits + bit / 8;
	unsigned shift = bit % 8;
	uint64_t word = load64(at) >> shift;

	if (shift + width > 64)
		word |= (uint64_t)at[8] << (64 - shift);
	return width == 64 ? word : word & ((UINT64_C(1) << width) - 1);
}

const char *delta_ints_all(struct delta_ints *ints, int64_t *to)
{
	const uint64_t each = ints->block / ints->miniblocks;
	uint64_t done = 0;

	if (ints->count == 0)
		return NULL;
	to[done++] = (int64_t)ints->value;
	while (done < ints->count) {
		struct thrift thrift = { ints->at, ints->at, ints->end, false };
		uint64_t least = (uint64_t)thrift_zigzag(&thrift);
		const uint8_t *widths = thrift.at;

		if (thrift.bad || ints->miniblocks > (uint64_t)(ints->end - thrift.at))
			return "delta-packed integers end too early";
		ints->at = widths + ints->miniblocks;
		for (uint32_t m = 0; m < ints->miniblocks && done < ints->count; m++) {
			uint64_t some = ints->count - done < each ? ints->count - done : each;
			uint64_t whole = each * widths[m] / 8;
			uint64_t there = (uint64_t)(ints->end - ints->at);

			if (widths[m] > 64 || (some * widths[m] + 7) / 8 > there)
				return "delta-packed integers end too early";
			for (uint64_t i = 0; i < some; i++) {
				ints->value += least + bits_at(ints->at, i * widths[m], widths[m]);
				to[done++] = (int64_t)ints->value;
			}
			ints->at += whole < there ? whole : there;
		}
	}
	return NULL;
}
