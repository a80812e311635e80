/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/mem.h"
#include "tests/lib/parquet_walk.h"

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void mix(uint64_t *hash, uint64_t value)
{
	*hash = (*hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	*hash ^= *hash >> 29;
}

static void walk_slot(const struct parquet_vector *vector, size_t i, uint64_t *hash)
{
	uint64_t bits;

	switch (vector->node->in) {
	case PARQUET_IN_BOOLS:
		require(vector->bools[i] <= 1);
		mix(hash, vector->bools[i]);
		break;
	case PARQUET_IN_INTS:
		mix(hash, (uint64_t)vector->ints[i]);
		break;
	case PARQUET_IN_REALS:
		memcpy(&bits, &vector->reals[i], sizeof bits);
		mix(hash, bits);
		break;
	case PARQUET_IN_WIDES:
		mix(hash, vector->wides[i].low);
		mix(hash, (uint64_t)vector->wides[i].high);
		break;
	case PARQUET_IN_TEXTS:
		mix(hash, vector->texts[i].bytes ? text_hash(vector->texts[i]) : 0);
		break;
	case PARQUET_IN_NONE:
		break;
	}
}

static void walk_vector(const struct parquet_vector *vector, uint64_t *hash)
{
	const struct parquet_node *node = vector->node;

	for (size_t i = 0; i < vector->n; i++) {
		require(!vector->present || vector->present[i] <= 1);
		mix(hash, parquet_has(vector, i));
		walk_slot(vector, i, hash);
		if (!parquet_has(vector, i) && vector->texts)
			require(!vector->texts[i].bytes);
		if (vector->starts)
			require(vector->starts[i] <= vector->starts[i + 1]);
	}
	for (size_t i = 0; i < node->nchildren; i++) {
		const struct parquet_vector *child = vector->children[i];

		if (!child)
			continue;
		require(child->node == node->children[i]);
		require(child->n == (vector->starts ? vector->starts[vector->n] : vector->n));
		walk_vector(child, hash);
	}
}

void parquet_walk(struct parquet *file, size_t memory_max, size_t batches_max,
	struct parquet_walked *out)
{
	struct parquet_reader *reader = parquet_reader_new(file, NULL, 0, memory_max);
	const struct parquet_vector *rows = NULL;
	bool good = true;

	*out = (struct parquet_walked){ .err = ERR_INIT };
	for (size_t i = 0; i < batches_max; i++) {
		good = parquet_reader_next(reader, &rows, &out->err);
		if (!good || !rows)
			break;
		out->rows += (int64_t)rows->n;
		walk_vector(rows, &out->hash);
	}
	out->is_whole = good && !rows;
	require(!out->is_whole || out->rows == parquet_rows(file));
	require(good || out->err.kind != ERR_NONE);
	out->peak = parquet_reader_peak(reader);
	require(!memory_max || out->peak <= memory_max);
	parquet_reader_free(reader);
}

void parquet_walk_bytes(const void *bytes, size_t size, size_t memory_max, size_t batches_max,
	struct parquet_walked *out)
{
	struct err err = ERR_INIT;
	struct parquet *file = parquet_open_bytes(bytes, size, "bytes", &err);

	*out = (struct parquet_walked){ .err = err };
	require(file || err.kind != ERR_NONE);
	if (file)
		parquet_walk(file, memory_max, batches_max, out);
	parquet_close(file);
}

static void put_varint(struct buf *buf, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		(void)buf_add_char(buf, (char)(value | 0x80));
	(void)buf_add_char(buf, (char)value);
}

/* A field whose number is `step` more than the one before; type 5 = i32, 6 = i64. */
static void put_number(struct buf *buf, int step, int type, int64_t value)
{
	(void)buf_add_char(buf, (char)(step << 4 | type));
	put_varint(buf, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

static void put_element(struct buf *buf, int type, int width, int repetition, int nchildren,
	int converted)
{
	int last = 0;

	if (type >= 0) {
		put_number(buf, 1, 5, type);
		put_number(buf, 1, 5, width);
		last = 2;
	}
	put_number(buf, 3 - last, 5, repetition);
	(void)buf_add_char(buf, 1 << 4 | 8);
	put_varint(buf, 1);
	(void)buf_add_char(buf, 'c');
	last = 4;
	if (nchildren > 0) {
		put_number(buf, 1, 5, nchildren);
		last = 5;
	}
	if (converted >= 0) {
		put_number(buf, 6 - last, 5, converted);
		last = 6;
	}
	if (converted == 5) {
		put_number(buf, 1, 5, 2);
		put_number(buf, 1, 5, width > 8 ? 30 : 9);
	}
	(void)buf_add_char(buf, 0);
}

static void end_file(struct buf *out, size_t footer_at)
{
	uint32_t len = (uint32_t)(out->len - footer_at);

	(void)buf_add_bytes(out, &len, 4);
	(void)buf_add_str(out, "PAR1");
}

void parquet_wrap_chunk(const uint8_t *data, size_t size, struct buf *out)
{
	static const int converted[] = { -1, 0, 5, 6, 9, 10, 13, 14 };
	uint8_t shape[PARQUET_SHAPE_BYTES] = { 0 };
	size_t head = size < sizeof shape ? size : sizeof shape;
	int64_t nrows;
	int64_t nlevels;
	int nesting;
	size_t at;

	memcpy(shape, data, head);
	nesting = shape[1] % 5;
	/* Counts in two bytes each, and how far to shift them. */
	nrows = (int64_t)(shape[4] | shape[5] << 8) << shape[8] % 40;
	nlevels = (int64_t)(shape[6] | shape[7] << 8) << shape[8] % 40;
	(void)buf_add_str(out, "PAR1");
	(void)buf_add_bytes(out, data + head, size - head);
	at = out->len;
	/* Lists are groups in groups; 0 and 1 a bare column, 2 to 4 as many levels of lists. */
	put_number(out, 1, 5, 1);
	(void)buf_add_char(out, 1 << 4 | 9);
	(void)buf_add_char(out, (char)((nesting < 2 ? 2 : 2 + 2 * (nesting - 1)) << 4 | 12));
	put_element(out, -1, 0, 0, 1, -1);
	for (int i = 1; i < nesting; i++) {
		put_element(out, -1, 0, 1, 1, 3);
		put_element(out, -1, 0, 2, 1, -1);
	}
	put_element(out, shape[0] % 8, shape[9], nesting == 0 ? 0 : 1, 0,
		converted[shape[3] % ARRAY_LEN(converted)]);
	put_number(out, 1, 6, nrows);
	(void)buf_add_char(out, 1 << 4 | 9);
	(void)buf_add_char(out, 1 << 4 | 12);
	(void)buf_add_char(out, 1 << 4 | 9); /* columns */
	(void)buf_add_char(out, 1 << 4 | 12);
	(void)buf_add_char(out, 3 << 4 | 12); /* its metadata */
	put_number(out, 1, 5, shape[0] % 8);
	put_number(out, 3, 5, shape[2] % 9);
	put_number(out, 1, 6, nlevels);
	put_number(out, 2, 6, (int64_t)(size - head));
	put_number(out, 2, 6, 4);
	(void)buf_add_char(out, 0);
	(void)buf_add_char(out, 0);
	put_number(out, 2, 6, nrows);
	(void)buf_add_char(out, 0);
	(void)buf_add_char(out, 0);
	end_file(out, at);
}

void parquet_wrap_footer(const uint8_t *data, size_t size, struct buf *out)
{
	(void)buf_add_str(out, "PAR1");
	(void)buf_add_fill(out, 0, 64);
	(void)buf_add_bytes(out, data, size);
	end_file(out, 68);
}
