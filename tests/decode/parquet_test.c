/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "tests/lib/parquet_walk.h"

#define SEEDS "tests/fuzz/seeds/parquet/"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

static struct parquet *open_seed(const char *path)
{
	struct err err = ERR_INIT;
	struct parquet *file = parquet_open_path(path, &err);

	if (!file)
		fail_msg("%s", err.text);
	return file;
}

static const struct parquet_vector *next(struct parquet_reader *reader)
{
	struct err err = ERR_INIT;
	const struct parquet_vector *rows = NULL;

	if (!parquet_reader_next(reader, &rows, &err))
		fail_msg("%s", err.text);
	return rows;
}

static void only_chosen_columns_are_read(void **state)
{
	static const char *const all[] = { "i64" };
	struct parquet *file = open_seed(SEEDS "ints");
	int64_t footer = parquet_bytes_read(file);
	struct parquet_reader *reader = parquet_reader_new(file, all, 1, 0);
	const struct parquet_vector *rows = next(reader);
	int64_t one = parquet_bytes_read(file) - footer;

	(void)state;
	assert_int_equal(rows->n, 24);
	assert_non_null(parquet_vector_find(rows, "i64"));
	assert_null(parquet_vector_find(rows, "i32"));
	assert_null(next(reader));
	parquet_reader_free(reader);
	reader = parquet_reader_new(file, NULL, 0, 0);
	assert_non_null(next(reader));
	assert_true(one > 0 && parquet_bytes_read(file) - footer - one > 3 * one);
	parquet_reader_free(reader);
	parquet_close(file);
}

/* What a file has not is absent everywhere, and rows are counted all the same. */
static void missing_columns_are_absent(void **state)
{
	static const char *const want[] = { "i64", "add.path", "" };
	struct parquet *file = open_seed(SEEDS "ints");
	struct parquet_reader *reader = parquet_reader_new(file, want, 2, 0);
	const struct parquet_vector *rows = next(reader);
	const struct parquet_vector *path = parquet_vector_find(rows, "add.path");

	(void)state;
	assert_null(path);
	assert_false(parquet_has(path, 0));
	assert_null(parquet_text(path, 0).bytes);
	assert_int_equal(parquet_int(path, 0, -7), -7);
	assert_int_equal(parquet_end(path, 0) - parquet_first(path, 0), 0);
	assert_false(parquet_has(parquet_vector_find(rows, "i64"), rows->n));
	parquet_reader_free(reader);
	reader = parquet_reader_new(file, want + 1, 1, 0);
	assert_int_equal(next(reader)->n, 24);
	assert_null(next(reader));
	parquet_reader_free(reader);
	parquet_close(file);
}

static void nested_fields_are_found_by_name(void **state)
{
	struct parquet *file = open_seed(SEEDS "error");
	const struct parquet_node *root = parquet_schema(file);
	const struct parquet_node *stack = parquet_node_find(root, "error.exceptions.element.stack");
	const struct parquet_node *line;

	(void)state;
	assert_non_null(stack);
	assert_int_equal(stack->kind, PARQUET_LIST);
	line = parquet_node_find(stack, "any.line_number");
	assert_non_null(line);
	assert_int_equal(line->max_rep, 2);
	assert_int_equal(line->def_present, 8);
	assert_ptr_equal(line, parquet_node_find(root, "error.exceptions.item.stack.array.line_number"));
	assert_null(parquet_node_find(root, "error.exceptions.element.stac"));
	assert_null(parquet_node_find(root, "error.exceptions.element.stack.element.line_number.x"));
	parquet_close(file);
	file = open_seed(SEEDS "maps");
	root = parquet_schema(file);
	assert_int_equal(parquet_node_find(root, "map")->kind, PARQUET_MAP);
	assert_int_equal(parquet_node_find(root, "map.key")->kind, PARQUET_STRING);
	assert_ptr_equal(parquet_node_find(root, "map_of_points.value.tags.element")->parent->parent,
		parquet_node_find(root, "map_of_points.value"));
	parquet_close(file);
}

/* Entries lie between first and end, those of all rows one after the other. */
static void lists_and_maps_are_walked(void **state)
{
	static const char *const want[] = { "map" };
	struct parquet *file = open_seed(SEEDS "maps");
	struct parquet_reader *reader = parquet_reader_new(file, want, 1, 0);
	const struct parquet_vector *rows = next(reader);
	const struct parquet_vector *map = parquet_vector_find(rows, "map");
	const struct parquet_vector *key = parquet_vector_find(map, "key");
	const struct parquet_vector *value = parquet_vector_of(reader,
		parquet_node_find(parquet_schema(file), "map.value"));
	size_t at = 0;
	size_t absent = 0;

	(void)state;
	assert_non_null(key);
	assert_ptr_equal(value, map->children[1]);
	assert_null(parquet_vector_find(rows, "map_of_points"));
	for (size_t i = 0; i < rows->n; i++) {
		assert_int_equal(parquet_first(map, i), at);
		absent += !parquet_has(map, i);
		if (!parquet_has(map, i))
			assert_int_equal(parquet_end(map, i), at);
		for (size_t k = at; k < parquet_end(map, i); k++) {
			struct text name = parquet_text(key, k);

			assert_true(name.len == 2 && name.bytes[0] == 'k');
			assert_int_equal(name.bytes[1], '0' + (int)(k - at));
		}
		at = parquet_end(map, i);
	}
	assert_int_equal(at, key->n);
	assert_int_equal(at, value->n);
	assert_true(absent > 0 && at > 0);
	parquet_reader_free(reader);
	parquet_close(file);
}

static void row_groups_follow_and_are_sought(void **state)
{
	struct parquet *file = open_seed(SEEDS "pages");
	struct parquet_reader *reader = parquet_reader_new(file, NULL, 0, 0);
	const struct parquet_vector *rows;
	struct text last;
	char *copy;

	(void)state;
	assert_int_equal(parquet_row_groups(file), 2);
	assert_int_equal(parquet_rows(file), 60);
	rows = next(reader);
	assert_int_equal(rows->first_row, 0);
	rows = next(reader);
	assert_int_equal(rows->first_row, 30);
	assert_int_equal(rows->row_group, 1);
	last = parquet_text(parquet_vector_find(rows, "string"), 29);
	copy = mem_alloc(last.len + 1);
	memcpy(copy, last.bytes, last.len);
	assert_null(next(reader));
	assert_null(next(reader));
	parquet_reader_seek(reader, 1);
	rows = next(reader);
	assert_int_equal(rows->first_row, 30);
	assert_true(text_eq(parquet_text(parquet_vector_find(rows, "string"), 29),
		(struct text){ copy, last.len }));
	free(copy);
	parquet_reader_free(reader);
	parquet_close(file);
}

static void memory_is_bounded(void **state)
{
	struct parquet *file = open_seed(SEEDS "texts");
	struct parquet_walked walked;

	(void)state;
	parquet_walk(file, 1000, 100, &walked);
	assert_false(walked.is_whole);
	assert_int_equal(walked.err.kind, ERR_LIMIT);
	assert_non_null(strstr(walked.err.text, "texts: offset "));
	parquet_walk(file, 0, 100, &walked);
	assert_true(walked.is_whole);
	parquet_close(file);
}

/* A page header of version 1: what follows are levels and values. raw: bytes when unpacked. */
static void add_page(struct buf *data, int values, int encoding, int levels, const char *bytes, int len,
	int raw)
{
	(void)buf_addf(data, "%c%c%c%c%c%c", 0x15, 0, 0x15, 2 * raw, 0x15, 2 * len);
	(void)buf_addf(data, "%c%c%c%c%c%c%c%c%c%c%c", 0x2c, 0x15, 2 * values, 0x15, 2 * encoding, 0x15,
		2 * levels, 0x15, 2 * levels, 0, 0);
	(void)buf_add_bytes(data, bytes, (size_t)len);
}

/* Old forms that writers of the test's files do not make: the rows' numbers are told. */
static void old_forms_are_read(void **state)
{
	static const struct {
		const char *name;
		uint8_t shape[PARQUET_SHAPE_BYTES];
		int values, levels, len, raw;
		const char *bytes;
		int64_t want[3]; /* -1: null */
	} old[] = {
		/* 0, 1, 1 as bits, the most significant first; then two values. */
		{ "bit-packed levels", { 1, 1, 0, 0, 3, 0, 3, 0, 0, 0 }, 3, 4, 9, 9,
			"\x60\7\0\0\0\11\0\0\0", { -1, 7, 9 } },
		{ "lz4 as Hadoop frames it", { 1, 0, 5, 0, 3, 0, 3, 0, 0, 0 }, 3, 3, 30, 12,
			"\0\0\0\10\0\0\0\11\x80\5\0\0\0\6\0\0\0\0\0\0\4\0\0\0\5\x40\7\0\0\0",
			{ 5, 6, 7 } },
		{ "lz4 without frames", { 1, 0, 5, 0, 3, 0, 3, 0, 0, 0 }, 3, 3, 13, 12,
			"\xc0\5\0\0\0\6\0\0\0\7\0\0\0", { 5, 6, 7 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(old); i++) {
		struct err err = ERR_INIT;
		struct parquet *file;
		struct parquet_reader *reader;
		const struct parquet_vector *column;
		struct buf data;
		struct buf bytes;

		buf_init(&data, 1000);
		buf_init(&bytes, 2000);
		(void)buf_add_bytes(&data, old[i].shape, PARQUET_SHAPE_BYTES);
		add_page(&data, old[i].values, 0, old[i].levels, old[i].bytes, old[i].len, old[i].raw);
		parquet_wrap_chunk((const uint8_t *)data.bytes, data.len, &bytes);
		file = parquet_open_bytes(bytes.bytes, bytes.len, old[i].name, &err);
		if (!file)
			fail_msg("%s", err.text);
		reader = parquet_reader_new(file, NULL, 0, 0);
		column = parquet_vector_find(next(reader), "c");
		for (size_t k = 0; k < 3; k++)
			assert_int_equal(parquet_int(column, k, -1), old[i].want[k]);
		parquet_reader_free(reader);
		parquet_close(file);
		buf_done(&data);
		buf_done(&bytes);
	}
}

static const struct {
	const char *name;
	uint8_t shape[PARQUET_SHAPE_BYTES]; /* type, nesting, codec, converted, rows, levels, -, width */
	int values, encoding, len;
	const char *bytes, *why; /* NULL: it is read */
	enum err_kind kind;
} cases[] = {
	{ "plain", { 1, 0, 0, 0, 2, 0, 2, 0, 0, 0 }, 2, 0, 8, "\1\0\0\0\2\0\0\0", NULL, ERR_NONE },
	{ "short", { 1, 0, 0, 0, 2, 0, 2, 0, 0, 0 }, 2, 0, 7, "\1\0\0\0\2\0\0\0", "values end too early",
		ERR_FORMAT },
	{ "text", { 6, 0, 0, 1, 1, 0, 1, 0, 0, 0 }, 1, 0, 6, "\2\0\0\0ab", NULL, ERR_NONE },
	{ "text beyond", { 6, 0, 0, 1, 1, 0, 1, 0, 0, 0 }, 1, 0, 6, "\3\0\0\0ab", "values end too early",
		ERR_FORMAT },
	{ "text huge", { 6, 0, 0, 1, 1, 0, 1, 0, 0, 0 }, 1, 0, 6, "\377\377\377\377ab",
		"values end too early", ERR_FORMAT },
	{ "no dictionary", { 1, 0, 0, 0, 1, 0, 1, 0, 0, 0 }, 1, 8, 3, "\1\2\0",
		"indices without a dictionary", ERR_FORMAT },
	{ "encoding", { 1, 0, 0, 0, 1, 0, 1, 0, 0, 0 }, 1, 12, 4, "\1\0\0\0", "values of encoding 12",
		ERR_UNSUPPORTED },
	{ "brotli", { 1, 0, 4, 0, 1, 0, 1, 0, 0, 0 }, 1, 0, 4, "\1\0\0\0", "brotli", ERR_UNSUPPORTED },
	{ "no snappy", { 1, 0, 1, 0, 1, 0, 1, 0, 0, 0 }, 1, 0, 4, "\377\377\377\377", "damaged",
		ERR_FORMAT },
	{ "too many values", { 1, 0, 0, 0, 1, 0, 1, 0, 0, 0 }, 2, 0, 8, "\1\0\0\0\2\0\0\0",
		"more values than its chunk", ERR_FORMAT },
	{ "too few pages", { 1, 0, 0, 0, 2, 0, 2, 0, 0, 0 }, 1, 0, 4, "\1\0\0\0", "ends before its rows",
		ERR_FORMAT },
	{ "counts differ", { 1, 0, 0, 0, 2, 0, 3, 0, 0, 0 }, 2, 0, 8, "\1\0\0\0\2\0\0\0",
		"3 values for 2 rows", ERR_FORMAT },
	{ "null", { 1, 1, 0, 0, 2, 0, 2, 0, 0, 0 }, 2, 0, 10, "\2\0\0\0\3\2\7\0\0\0", NULL, ERR_NONE },
	{ "levels beyond", { 1, 1, 0, 0, 2, 0, 2, 0, 0, 0 }, 2, 0, 10, "\40\0\0\0\3\2\7\0\0\0",
		"levels longer than their page", ERR_FORMAT },
	{ "levels short", { 1, 1, 0, 0, 2, 0, 2, 0, 0, 0 }, 2, 0, 10, "\2\0\0\0\2\1\7\0\0\0",
		"levels end too early", ERR_FORMAT },
	{ "within a row", { 1, 2, 0, 0, 1, 0, 1, 0, 0, 0 }, 1, 0, 16,
		"\2\0\0\0\2\1\2\0\0\0\2\3\7\0\0\0", "begins within a row", ERR_FORMAT },
	{ "one entry", { 1, 2, 0, 0, 1, 0, 1, 0, 0, 0 }, 1, 0, 16,
		"\2\0\0\0\2\0\2\0\0\0\2\3\7\0\0\0", NULL, ERR_NONE },
};

static void messages_name_file_offset_and_column(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct parquet_walked walked;
		struct buf data;
		struct buf file;

		buf_init(&data, 1000);
		buf_init(&file, 2000);
		(void)buf_add_bytes(&data, cases[i].shape, PARQUET_SHAPE_BYTES);
		add_page(&data, cases[i].values, cases[i].encoding, 3, cases[i].bytes, cases[i].len,
			cases[i].len);
		parquet_wrap_chunk((const uint8_t *)data.bytes, data.len, &file);
		parquet_walk_bytes(file.bytes, file.len, 1 << 20, 100, &walked);
		if (walked.is_whole != !cases[i].why)
			fail_msg("%s: %s", cases[i].name, walked.err.text);
		if (cases[i].why && (!strstr(walked.err.text, cases[i].why) ||
			!strstr(walked.err.text, "bytes: offset 4: column c") ||
			walked.err.kind != cases[i].kind))
			fail_msg("%s: \"%s\" of kind %s", cases[i].name, walked.err.text,
				err_kind_name(walked.err.kind));
		buf_done(&data);
		buf_done(&file);
	}
}

/* What a few bytes claim costs no more than what they are: refused before anything is allocated. */
static void claims_are_checked_first(void **state)
{
	static const uint8_t shape[PARQUET_SHAPE_BYTES] = { 6, 4, 0, 1, 1, 0, 0xff, 0xff, 0, 0 };
	struct parquet_walked walked;
	struct buf data;
	struct buf file;

	(void)state;
	buf_init(&data, 1000);
	buf_init(&file, 2000);
	(void)buf_add_bytes(&data, shape, sizeof shape);
	/* An uncompressed page of 200 MB in 20 bytes. */
	(void)buf_add(&data, TEXT("\x15\0\x15\x80\x88\xde\xbe\1\x15\x08\x2c\x15\2\x15\0\x15\6\x15\6\0\0"
				   "abcd"));
	parquet_wrap_chunk((const uint8_t *)data.bytes, data.len, &file);
	parquet_walk_bytes(file.bytes, file.len, 1 << 20, 100, &walked);
	assert_false(walked.is_whole);
	assert_int_equal(walked.err.kind, ERR_LIMIT);
	assert_true(walked.peak < 1 << 16);
	/* Rows by the billion in as few. */
	data.bytes[8] = 30;
	buf_reset(&file);
	parquet_wrap_chunk((const uint8_t *)data.bytes, data.len, &file);
	parquet_walk_bytes(file.bytes, file.len, 1 << 20, 100, &walked);
	assert_int_equal(walked.err.kind, ERR_LIMIT);
	assert_non_null(strstr(walked.err.text, "than a file of this size can hold"));
	buf_done(&data);
	buf_done(&file);
}

static uint8_t *slurp(const char *path, size_t *size_out)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes;
	long size;

	if (!file || fseek(file, 0, SEEK_END) != 0)
		fail_msg("%s", path);
	size = ftell(file);
	rewind(file);
	bytes = mem_alloc((size_t)size + 1);
	*size_out = fread(bytes, 1, (size_t)size, file);
	(void)fclose(file);
	return bytes;
}

/* Every bit of a chunk with checksums, turned over: an error, or the same values. */
static void checksums_find_every_bit(void **state)
{
	size_t size;
	uint8_t *bytes = slurp(SEEDS "crc", &size);
	uint32_t footer;
	struct parquet_walked good;
	size_t refused = 0;

	(void)state;
	memcpy(&footer, bytes + size - 8, 4);
	parquet_walk_bytes(bytes, size, 1 << 20, 100, &good);
	assert_true(good.is_whole);
	for (size_t bit = 32; bit < 8 * (size - 8 - footer); bit++) {
		struct parquet_walked walked;

		bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ 1 << bit % 8);
		parquet_walk_bytes(bytes, size, 1 << 20, 100, &walked);
		bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ 1 << bit % 8);
		if (walked.is_whole && walked.hash != good.hash)
			fail_msg("bit %zu changes values unseen", bit);
		refused += !walked.is_whole;
	}
	assert_true(refused > 4 * (size - 8 - footer));
	free(bytes);
}

static uint64_t step(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *seed >> 24;
}

/* Cuts and turned bits at seeded places; returns how many were read whole all the same. */
static size_t damage(const char *path, uint64_t *seed, size_t *tried)
{
	size_t size;
	uint8_t *bytes = slurp(path, &size);
	struct parquet_walked walked;
	size_t whole = 0;

	for (size_t i = 0; i < 8 && size > 0; i++) {
		size_t len = step(seed) % size;
		/* Of exactly the size, so that a sanitizer sees a read past the end. */
		uint8_t *copy = mem_alloc(len ? len : 1);

		memcpy(copy, bytes, len);
		parquet_walk_bytes(copy, len, 16 << 20, 64, &walked);
		assert_false(walked.is_whole && len > 0);
		free(copy);
	}
	for (size_t i = 0; i < 32 && size > 0; i++) {
		size_t at = i % 2 ? size - 1 - step(seed) % (size < 4000 ? size : 4000) : step(seed) % size;
		uint8_t was = bytes[at];

		bytes[at] = (uint8_t)(i % 3 ? was ^ 1U << step(seed) % 8 : step(seed));
		parquet_walk_bytes(bytes, size, 16 << 20, 64, &walked);
		bytes[at] = was;
		whole += walked.is_whole;
	}
	*tried += 40;
	free(bytes);
	return whole;
}

static void damage_never_harms(void **state)
{
	const char *corpus = getenv("CORPUS");
	char pattern[4096];
	uint64_t seed = 20;
	size_t tried = 0;
	size_t whole = 0;
	struct rusage usage;
	glob_t files;

	(void)state;
	(void)alarm(300); /* a hang ends the test */
	(void)snprintf(pattern, sizeof pattern, "%s/delta/tables/*/_delta_log/*.parquet",
		corpus ? corpus : "../shared/data");
	assert_int_equal(glob(SEEDS "*", 0, NULL, &files), 0);
	if (glob(pattern, GLOB_APPEND, NULL, &files) != 0)
		(void)printf("no corpus: damage is tried on seeds only\n");
	for (size_t i = 0; i < files.gl_pathc; i++)
		whole += damage(files.gl_pathv[i], &seed, &tried);
	(void)alarm(0);
	(void)printf("%zu damaged files of %zu, %zu of them read to the end\n", tried, files.gl_pathc,
		whole);
	globfree(&files);
	assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
	if (!SANITIZED && usage.ru_maxrss > 128 << 10)
		fail_msg("%ld KiB were used", usage.ru_maxrss);
}

/* A file cut after it was opened, as when someone writes it anew. */
static void a_file_that_shrinks_is_an_error(void **state)
{
	char path[] = "/tmp/weir-parquet.XXXXXX";
	size_t size;
	uint8_t *bytes = slurp(SEEDS "pages", &size);
	int fd = mkstemp(path);
	struct err err = ERR_INIT;
	struct parquet *file;
	struct parquet_walked walked;

	(void)state;
	assert_true(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
	file = parquet_open_fd(fd, "shrinks", &err);
	assert_non_null(file);
	assert_int_equal(ftruncate(fd, 100), 0);
	parquet_walk(file, 0, 100, &walked);
	assert_false(walked.is_whole);
	assert_non_null(strstr(walked.err.text, "shrinks: offset 100: the file ends before"));
	parquet_close(file);
	(void)close(fd);
	(void)unlink(path);
	free(bytes);
	assert_null(parquet_open_path(path, &err));
	assert_int_equal(err.kind, ERR_ABSENT);
	assert_null(parquet_open_path("/tmp", &err));
	assert_null(parquet_open_bytes("PAR1PAR1", 8, "short", &err));
	assert_int_equal(err.kind, ERR_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_chosen_columns_are_read),
		cmocka_unit_test(missing_columns_are_absent),
		cmocka_unit_test(nested_fields_are_found_by_name),
		cmocka_unit_test(lists_and_maps_are_walked),
		cmocka_unit_test(row_groups_follow_and_are_sought),
		cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(old_forms_are_read),
		cmocka_unit_test(messages_name_file_offset_and_column),
		cmocka_unit_test(claims_are_checked_first),
		cmocka_unit_test(checksums_find_every_bit),
		cmocka_unit_test(damage_never_harms),
		cmocka_unit_test(a_file_that_shrinks_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
