/* SPDX-License-Identifier: Apache-2.0 */
/* Files written here byte by byte: what is legal and no writer at hand writes, and what is hostile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "collectors/delta/parquet/parquet.h"

enum { I32 = 5, I64 = 6, BINARY = 8, LIST = 9, STRUCT = 12, TRUE = 1, FALSE = 2 };
enum { REQUIRED, OPTIONAL, REPEATED };
enum { GROUP = -1, NONE = -1, CONVERTED_MAP = 1 };
enum { PLAIN, PLAIN_DICTIONARY = 2, RLE = 3, RLE_DICTIONARY = 8 };

/* ---- Thrift's compact protocol, written ---- */

static void put_varint(struct buf *out, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		assert_true(buf_add_char(out, (char)(value | 0x80)));
	assert_true(buf_add_char(out, (char)value));
}

static void put_head(struct buf *out, int *last, int id, int type)
{
	assert_true(buf_add_char(out, (char)((id - *last) << 4 | type)));
	*last = id;
}

static void put_int(struct buf *out, int *last, int id, int type, int64_t value)
{
	put_head(out, last, id, type);
	put_varint(out, (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0));
}

static void put_text(struct buf *out, int *last, int id, struct text text)
{
	put_head(out, last, id, BINARY);
	put_varint(out, text.len);
	assert_true(buf_add(out, text));
}

static void put_list(struct buf *out, int *last, int id, int type, size_t n)
{
	put_head(out, last, id, LIST);
	assert_true(n < 15);
	assert_true(buf_add_char(out, (char)(n << 4 | (size_t)type)));
}

static void put_stop(struct buf *out)
{
	assert_true(buf_add_char(out, 0));
}

/* ---- a file of one row group ---- */

struct element {
	struct text name;
	int type, repetition, nchildren, converted;
};

struct chunk {
	int type;
	int64_t nvalues, start, end; /* in the file */
};

struct file {
	struct buf bytes;
	const struct element *elements;
	size_t nelements;
	struct chunk chunks[8];
	size_t nchunks;
	int64_t nrows;
};

static void begin(struct file *file, const struct element *elements, size_t nelements,
	int64_t nrows)
{
	*file = (struct file){ .elements = elements, .nelements = nelements, .nrows = nrows };
	buf_init(&file->bytes, 1 << 20);
	assert_true(buf_add_str(&file->bytes, "PAR1"));
}

static void begin_chunk(struct file *file, int type, int64_t nvalues)
{
	file->chunks[file->nchunks++] = (struct chunk){
		.type = type,
		.nvalues = nvalues,
		.start = (int64_t)file->bytes.len,
		.end = (int64_t)file->bytes.len,
	};
}

/* A page, not compressed: dictionaries are pages of encoding PLAIN_DICTIONARY. */
static void add_page(struct file *file, int encoding, int64_t nvalues, struct text body)
{
	bool dictionary = encoding == PLAIN_DICTIONARY;
	struct buf *out = &file->bytes;
	int last = 0;
	int inner = 0;

	put_int(out, &last, 1, I32, dictionary ? 2 : 0);
	put_int(out, &last, 2, I32, (int64_t)body.len);
	put_int(out, &last, 3, I32, (int64_t)body.len);
	put_head(out, &last, dictionary ? 7 : 5, STRUCT);
	put_int(out, &inner, 1, I32, nvalues);
	put_int(out, &inner, 2, I32, encoding);
	if (!dictionary) {
		put_int(out, &inner, 3, I32, RLE);
		put_int(out, &inner, 4, I32, RLE);
	}
	put_stop(out);
	put_stop(out);
	assert_true(buf_add(out, body));
	file->chunks[file->nchunks - 1].end = (int64_t)out->len;
}

/* Version 2: levels before the values, which may be compressed or not. */
static void add_page_v2(struct file *file, int encoding, int64_t nvalues, size_t levels,
	bool is_compressed, struct text body)
{
	struct buf *out = &file->bytes;
	int last = 0;
	int inner = 0;

	put_int(out, &last, 1, I32, 3);
	put_int(out, &last, 2, I32, (int64_t)body.len);
	put_int(out, &last, 3, I32, (int64_t)body.len);
	put_head(out, &last, 8, STRUCT);
	put_int(out, &inner, 1, I32, nvalues);
	put_int(out, &inner, 2, I32, 0);
	put_int(out, &inner, 3, I32, nvalues);
	put_int(out, &inner, 4, I32, encoding);
	put_int(out, &inner, 5, I32, (int64_t)levels);
	put_int(out, &inner, 6, I32, 0);
	put_head(out, &inner, 7, is_compressed ? TRUE : FALSE);
	put_stop(out);
	put_stop(out);
	assert_true(buf_add(out, body));
	file->chunks[file->nchunks - 1].end = (int64_t)out->len;
}

static void put_element(struct buf *out, const struct element *element)
{
	int last = 0;

	if (element->type != GROUP)
		put_int(out, &last, 1, I32, element->type);
	put_int(out, &last, 3, I32, element->repetition);
	put_text(out, &last, 4, element->name);
	if (element->type == GROUP)
		put_int(out, &last, 5, I32, element->nchildren);
	if (element->converted != NONE)
		put_int(out, &last, 6, I32, element->converted);
	put_stop(out);
}

static void put_chunk(struct buf *out, const struct chunk *chunk, int codec)
{
	int last = 0;
	int inner = 0;

	put_int(out, &last, 2, I64, chunk->start);
	put_head(out, &last, 3, STRUCT);
	put_int(out, &inner, 1, I32, chunk->type);
	put_int(out, &inner, 4, I32, codec);
	put_int(out, &inner, 5, I64, chunk->nvalues);
	put_int(out, &inner, 6, I64, chunk->end - chunk->start);
	put_int(out, &inner, 7, I64, chunk->end - chunk->start);
	put_int(out, &inner, 9, I64, chunk->start); /* where a dictionary page may be, too */
	put_stop(out);
	put_stop(out);
}

/* Writes the footer and opens it; NULL: err is set. The file's bytes stay until buf_done. */
static struct parquet *finish(struct file *file, int codec, struct err *err)
{
	struct buf *out = &file->bytes;
	size_t start = out->len;
	uint32_t len;
	int last = 0;
	int group = 0;

	put_int(out, &last, 1, I32, 1);
	put_list(out, &last, 2, STRUCT, file->nelements);
	for (size_t i = 0; i < file->nelements; i++)
		put_element(out, &file->elements[i]);
	put_int(out, &last, 3, I64, file->nrows);
	put_list(out, &last, 4, STRUCT, 1);
	put_list(out, &group, 1, STRUCT, file->nchunks);
	for (size_t i = 0; i < file->nchunks; i++)
		put_chunk(out, &file->chunks[i], codec);
	put_int(out, &group, 3, I64, file->nrows);
	put_stop(out);
	put_stop(out);
	len = (uint32_t)(out->len - start);
	assert_true(buf_add_bytes(out, (const char *)&len, 4));
	assert_true(buf_add_str(out, "PAR1"));
	return parquet_open_bytes(out->bytes, out->len, "made.parquet", err);
}

static struct parquet *finish_good(struct file *file)
{
	struct err err = ERR_INIT;
	struct parquet *parquet = finish(file, 0, &err);

	if (!parquet)
		fail_msg("%s", err.text);
	return parquet;
}

#define BYTES(literal) ((struct text){ literal, sizeof literal - 1 })
#define ROOT(n) { BYTES("root"), GROUP, REQUIRED, n, NONE }

static const struct parquet_vector *rows_of(struct parquet_reader *reader)
{
	const struct parquet_vector *rows = NULL;
	struct err err = ERR_INIT;

	if (!parquet_reader_next(reader, &rows, &err))
		fail_msg("%s", err.text);
	assert_non_null(rows);
	return rows;
}

/* ---- pages ---- */

static void test_pages_without_values(void **unused)
{
	const struct element elements[] = { ROOT(1),
		{ BYTES("n"), PARQUET_INT32, REQUIRED, 0, NONE } };
	const struct parquet_vector *rows;
	struct parquet_reader *reader;
	struct parquet *parquet;
	struct file file;

	(void)unused;
	begin(&file, elements, 2, 3);
	begin_chunk(&file, PARQUET_INT32, 3);
	add_page(&file, PLAIN_DICTIONARY, 2, BYTES("\7\0\0\0\11\0\0\0"));
	add_page(&file, RLE_DICTIONARY, 0, BYTES("\1"));     /* the width, no index */
	add_page(&file, RLE_DICTIONARY, 2, BYTES("\1\4\1")); /* twice the second */
	add_page(&file, PLAIN, 0, BYTES(""));
	add_page(&file, PLAIN, 1, BYTES("\5\0\0\0")); /* the writer gave up its dictionary */
	parquet = finish_good(&file);
	reader = parquet_reader_new(parquet, NULL, 0, 0);
	rows = parquet_vector_find(rows_of(reader), "n");
	assert_int_equal(rows->n, 3);
	assert_int_equal(parquet_int(rows, 0, -1), 9);
	assert_int_equal(parquet_int(rows, 1, -1), 9);
	assert_int_equal(parquet_int(rows, 2, -1), 5);
	parquet_reader_free(reader);
	parquet_close(parquet);
	buf_done(&file.bytes);
}

static void test_bare_values_in_a_packed_chunk(void **unused)
{
	const struct element elements[] = { ROOT(1),
		{ BYTES("n"), PARQUET_INT32, OPTIONAL, 0, NONE } };
	const struct parquet_vector *rows;
	struct parquet_reader *reader;
	struct parquet *parquet;
	struct file file;
	struct err err = ERR_INIT;

	(void)unused;
	begin(&file, elements, 2, 4);
	begin_chunk(&file, PARQUET_INT32, 4);
	/* A run of levels that goes on behind the page's two. */
	add_page_v2(&file, PLAIN, 2, 2, false, BYTES("\x20\1" "\1\0\0\0\2\0\0\0"));
	add_page_v2(&file, PLAIN, 2, 2, true, BYTES("\4\0")); /* nulls only: nothing to unpack */
	parquet = finish(&file, 6, &err);
	if (!parquet)
		fail_msg("%s", err.text);
	reader = parquet_reader_new(parquet, NULL, 0, 0);
	rows = parquet_vector_find(rows_of(reader), "n");
	assert_int_equal(rows->n, 4);
	assert_int_equal(parquet_int(rows, 0, -1), 1);
	assert_int_equal(parquet_int(rows, 1, -1), 2);
	assert_false(parquet_has(rows, 2));
	assert_false(parquet_has(rows, 3));
	parquet_reader_free(reader);
	parquet_close(parquet);
	buf_done(&file.bytes);
}

/* ---- schemas ---- */

static void test_map_whose_key_may_be_absent(void **unused)
{
	const struct element elements[] = { ROOT(1),
		{ BYTES("m"), GROUP, OPTIONAL, 1, CONVERTED_MAP },
		{ BYTES("key_value"), GROUP, REPEATED, 2, NONE },
		{ BYTES("key"), PARQUET_BYTE_ARRAY, OPTIONAL, 0, NONE },
		{ BYTES("value"), PARQUET_BYTE_ARRAY, OPTIONAL, 0, NONE } };
	const struct parquet_vector *map;
	const struct parquet_vector *rows;
	struct parquet_reader *reader;
	struct parquet *parquet;
	struct file file;

	(void)unused;
	begin(&file, elements, 5, 2);
	for (int i = 0; i < 2; i++) {
		begin_chunk(&file, PARQUET_BYTE_ARRAY, 3);
		/* Rows {a: ?} with two entries, and none: levels 0 1 0, 3 3 1. */
		add_page(&file, PLAIN, 3, i == 0
			? BYTES("\2\0\0\0\3\2" "\4\0\0\0\4\3\2\1" "\1\0\0\0a\1\0\0\0b")
			: BYTES("\2\0\0\0\3\2" "\4\0\0\0\4\3\2\1" "\1\0\0\0x\1\0\0\0y"));
	}
	parquet = finish_good(&file);
	reader = parquet_reader_new(parquet, NULL, 0, 0);
	rows = rows_of(reader);
	map = parquet_vector_find(rows, "m");
	assert_int_equal(map->node->kind, PARQUET_MAP);
	assert_int_equal(parquet_end(map, 0) - parquet_first(map, 0), 2);
	assert_int_equal(parquet_end(map, 1) - parquet_first(map, 1), 0);
	assert_true(parquet_has(map, 1));
	assert_true(text_is(parquet_text(parquet_vector_find(rows, "m.key"), 1), "b"));
	assert_true(text_is(parquet_text(parquet_vector_find(rows, "m.value"), 0), "x"));
	parquet_reader_free(reader);
	parquet_close(parquet);
	buf_done(&file.bytes);
}

static void test_name_with_a_nul(void **unused)
{
	static const char nul_and_more[4096] = "add";
	const struct element elements[] = { ROOT(1),
		{ { nul_and_more, sizeof nul_and_more }, PARQUET_INT32, OPTIONAL, 0, NONE } };
	char path[4] = "add";
	struct parquet *parquet;
	struct file file;

	(void)unused;
	begin(&file, elements, 2, 0);
	begin_chunk(&file, PARQUET_INT32, 0);
	parquet = finish_good(&file);
	/* A sanitizer sees it where the name is looked for behind the path's end. */
	assert_null(parquet_node_find(parquet_schema(parquet), path));
	parquet_close(parquet);
	buf_done(&file.bytes);
}

static void test_damage_tells_its_place(void **unused)
{
	const struct element elements[] = { ROOT(1),
		{ BYTES("n"), PARQUET_INT32, REQUIRED, 0, NONE } };
	struct err err = ERR_INIT;
	struct file file;

	(void)unused;
	begin(&file, elements, 2, 0);
	begin_chunk(&file, PARQUET_INT64, 0);
	assert_null(finish(&file, 0, &err));
	assert_int_equal(err.kind, ERR_FORMAT);
	assert_non_null(strstr(err.text, "made.parquet: offset "));
	assert_non_null(strstr(err.text, "footer: column n: chunk and schema differ in type"));
	buf_done(&file.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages_without_values),
		cmocka_unit_test(test_bare_values_in_a_packed_chunk),
		cmocka_unit_test(test_map_whose_key_may_be_absent),
		cmocka_unit_test(test_name_with_a_nul),
		cmocka_unit_test(test_damage_tells_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
