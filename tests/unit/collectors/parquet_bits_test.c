/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "collectors/delta/parquet/parts.h"

/* What is written here bit by bit must come back, at every width and cut into every piece. */

enum { COUNT = 1000, ROOM = 1 << 16 };

struct out {
	uint8_t bytes[ROOM];
	size_t bit;
};

static uint64_t step(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void put_bits(struct out *out, uint64_t value, unsigned width)
{
	for (unsigned i = 0; i < width; i++, out->bit++) {
		uint8_t bit = (uint8_t)((value >> i & 1) << out->bit % 8);

		assert_true(out->bit / 8 < ROOM - PARQUET_SLACK);
		out->bytes[out->bit / 8] = (uint8_t)(out->bytes[out->bit / 8] | bit);
	}
}

static void put_varint(struct out *out, uint64_t value)
{
	out->bit = (out->bit + 7) / 8 * 8;
	for (; value >= 0x80; value >>= 7)
		put_bits(out, (value & 0x7f) | 0x80, 8);
	put_bits(out, value, 8);
}

static uint64_t mask(unsigned width)
{
	return width == 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1;
}

/* Runs and groups in turn; the last group is filled up with zeros. */
static void write_hybrid(struct out *out, const uint32_t *values, size_t n, unsigned width)
{
	for (size_t i = 0; i < n;) {
		size_t run = 1;

		while (i + run < n && values[i + run] == values[i])
			run++;
		if (run >= 8) {
			put_varint(out, run << 1);
			put_bits(out, values[i], (width + 7) / 8 * 8);
			i += run;
			continue;
		}
		run = n - i < 16 ? n - i : 16;
		put_varint(out, (run + 7) / 8 << 1 | 1);
		for (size_t k = 0; k < (run + 7) / 8 * 8; k++)
			put_bits(out, k < run ? values[i + k] : 0, width);
		i += run;
	}
}

static void make_values(uint32_t *values, size_t n, unsigned width, uint64_t *seed)
{
	for (size_t i = 0; i < n; i++)
		values[i] = i % 97 > 60 && i > 0 ? values[i - 1] : (uint32_t)(step(seed) & mask(width));
}

static void hybrids_of_every_width_come_back(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (unsigned width = 0; width <= 32; width++) {
		static const size_t pieces[] = { 1, 7, 64, COUNT };
		uint32_t values[COUNT];
		uint32_t words[COUNT];
		uint8_t bytes[COUNT];
		struct out *out = NEW(struct out);

		make_values(values, COUNT, width, &seed);
		write_hybrid(out, values, COUNT, width);
		for (size_t p = 0; p < ARRAY_LEN(pieces); p++) {
			struct hybrid hybrid;

			hybrid_init(&hybrid, out->bytes, out->bytes + (out->bit + 7) / 8, width);
			for (size_t i = 0; i < COUNT; i += pieces[p]) {
				size_t n = COUNT - i < pieces[p] ? COUNT - i : pieces[p];

				assert_int_equal(hybrid_words(&hybrid, words + i, n), n);
			}
			assert_memory_equal(words, values, sizeof values);
			if (width > 8)
				continue;
			hybrid_init(&hybrid, out->bytes, out->bytes + (out->bit + 7) / 8, width);
			for (size_t i = 0; i < COUNT; i += pieces[p]) {
				size_t n = COUNT - i < pieces[p] ? COUNT - i : pieces[p];

				assert_int_equal(hybrid_bytes(&hybrid, bytes + i, n), n);
			}
			for (size_t i = 0; i < COUNT; i++)
				assert_int_equal(bytes[i], values[i]);
		}
		free(out);
	}
}

static void hybrids_end_where_their_bytes_end(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		unsigned width;
		size_t want;
	} cases[] = {
		{ "\x08\x01", 2, 1, 4 },         /* a run of four */
		{ "\x08", 1, 1, 0 },             /* its value is missing */
		{ "\x08\x02", 2, 1, 0 },         /* its value does not fit one bit */
		{ "\x03\x55", 2, 1, 8 },         /* a group of eight */
		{ "\x05\x55", 2, 1, 8 },         /* two groups, one of them there */
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11, 1, 0 }, /* no number */
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x55", 11, 1, 8 }, /* many, eight there */
		{ "\0\0\x08\1", 4, 1, 4 },       /* an empty run before */
		{ "", 0, 1, 0 },
		{ "", 0, 0, 100 },               /* no bits say zero for ever */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t bytes[32] = { 0 };
		uint8_t to[100];
		struct hybrid hybrid;

		memcpy(bytes, cases[i].bytes, cases[i].len);
		hybrid_init(&hybrid, bytes, bytes + cases[i].len, cases[i].width);
		if (hybrid_bytes(&hybrid, to, sizeof to) != cases[i].want)
			fail_msg("case %zu", i);
	}
}

static void old_levels_are_most_significant_first(void **state)
{
	static const uint8_t bytes[] = { 0x05, 0x39, 0x77 };
	uint8_t levels[8];

	(void)state;
	/* The format's own example: 0 to 7 in three bits each. */
	assert_true(bits_old_levels(bytes, sizeof bytes, 3, levels, 8));
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(levels[i], i);
	assert_false(bits_old_levels(bytes, sizeof bytes - 1, 3, levels, 8));
}

/* DELTA_BINARY_PACKED of blocks of 128 in four; min deltas and widths as a writer chooses them. */
static void write_delta(struct out *out, const int64_t *values, size_t n)
{
	put_varint(out, 128);
	put_varint(out, 4);
	put_varint(out, n);
	put_varint(out, (uint64_t)values[0] << 1 ^ (uint64_t)(values[0] >> 63));
	for (size_t at = 1; at < n; at += 128) {
		size_t some = n - at < 128 ? n - at : 128;
		uint64_t deltas[128] = { 0 };
		int64_t least = INT64_MAX;
		unsigned widths[4] = { 0 };

		for (size_t i = 0; i < some; i++) {
			deltas[i] = (uint64_t)values[at + i] - (uint64_t)values[at + i - 1];
			least = (int64_t)deltas[i] < least ? (int64_t)deltas[i] : least;
		}
		put_varint(out, (uint64_t)least << 1 ^ (uint64_t)(least >> 63));
		for (size_t i = 0; i < some; i++) {
			deltas[i] -= (uint64_t)least;
			while (widths[i / 32] < 64 && deltas[i] > mask(widths[i / 32]))
				widths[i / 32]++;
		}
		for (size_t m = 0; m < 4; m++)
			put_bits(out, widths[m], 8);
		for (size_t i = 0; i < (some + 31) / 32 * 32; i++)
			put_bits(out, i < some ? deltas[i] : 0, widths[i / 32]);
	}
}

static void deltas_of_every_width_come_back(void **state)
{
	uint64_t seed = 3;

	(void)state;
	for (unsigned width = 0; width <= 64; width++) {
		for (size_t n = 1; n <= COUNT; n = n * 3 + 1) {
			struct out *out = NEW(struct out);
			struct delta_ints ints;
			int64_t values[COUNT];
			int64_t back[COUNT];

			for (size_t i = 0; i < n; i++)
				values[i] = (int64_t)(step(&seed) & mask(width));
			write_delta(out, values, n);
			assert_null(delta_ints_head(&ints, out->bytes, out->bytes + (out->bit + 7) / 8));
			assert_int_equal(ints.count, n);
			assert_null(delta_ints_all(&ints, back));
			assert_memory_equal(back, values, n * sizeof *values);
			assert_ptr_equal(ints.at, out->bytes + (out->bit + 7) / 8);
			/* One byte less is seen, unless only zeros filled it. */
			assert_null(delta_ints_head(&ints, out->bytes, out->bytes + (out->bit + 7) / 8));
			ints.end = out->bytes + out->bit / 8 / 2;
			if (n > 100 && width > 0)
				assert_non_null(delta_ints_all(&ints, back));
			free(out);
		}
	}
}

/* How long elements of an unknown type are, nobody knows. */
static void unknown_thrift_types_are_damage(void **state)
{
	static const struct {
		enum thrift_type type;
		uint8_t bytes[5];
	} damaged[] = {
		{ THRIFT_LIST, { 0x1d, 0, 0, 0, 0 } },
		{ THRIFT_SET, { 0x1f, 0, 0, 0, 0 } },
		{ THRIFT_MAP, { 1, 0x8d, 1, 'k', 0 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(damaged); i++) {
		const uint8_t *at = damaged[i].bytes;
		struct thrift thrift = { at, at, at + sizeof damaged[i].bytes, false };

		thrift_skip(&thrift, (struct thrift_field){ .id = 1, .type = (int)damaged[i].type });
		assert_true(thrift.bad);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hybrids_of_every_width_come_back),
		cmocka_unit_test(hybrids_end_where_their_bytes_end),
		cmocka_unit_test(old_levels_are_most_significant_first),
		cmocka_unit_test(deltas_of_every_width_come_back),
		cmocka_unit_test(unknown_thrift_types_are_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
