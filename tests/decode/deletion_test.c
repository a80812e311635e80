/* SPDX-License-Identifier: Apache-2.0 */
#include <glob.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "base/mem.h"
#include "collectors/delta/deletion.h"

static void put(struct buf *buf, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		(void)buf_add_char(buf, (char)(value >> 8 * i));
}

static void begin(struct buf *set, uint64_t nbitmaps)
{
	buf_init(set, 1 << 20);
	put(set, 1681511377, 4);
	put(set, nbitmaps, 8);
}

/* An array, a bitmap of every second row and runs, in rows 0.., 65,536.. and 131,072.. */
static void one_of_each(struct buf *set, uint32_t high)
{
	put(set, high, 4);
	put(set, 12347 | 2 << 16, 4);
	put(set, 4, 1); /* the third is runs */
	put(set, 0, 2), put(set, 3 - 1, 2);
	put(set, 1, 2), put(set, 32768 - 1, 2);
	put(set, 2, 2), put(set, 300 - 1, 2);
	put(set, 5, 2), put(set, 7, 2), put(set, 65535, 2);
	for (size_t i = 0; i < 8192; i++)
		put(set, 0x55, 1);
	put(set, 2, 2);
	put(set, 10, 2), put(set, 100 - 1, 2);
	put(set, 1000, 2), put(set, 200 - 1, 2);
}

static bool in_set(int64_t row)
{
	int64_t low = row & 0x3ffff;

	if (low < 65536)
		return low == 5 || low == 7 || low == 65535;
	if (low < 131072)
		return low % 2 == 0;
	low -= 131072;
	return (low >= 10 && low < 110) || (low >= 1000 && low < 1200);
}

static void every_container_marks_its_rows(void **state)
{
	struct err err = ERR_INIT;
	struct deletion *deletion;
	struct buf set;
	uint8_t marks[5000];

	(void)state;
	begin(&set, 2);
	one_of_each(&set, 0);
	one_of_each(&set, 3);
	deletion = deletion_parse(buf_text(&set), "set", &err);
	assert_non_null(deletion);
	assert_int_equal(deletion_rows(deletion), 2 * (3 + 32768 + 300));
	for (int64_t bitmap = 0; bitmap <= 3; bitmap += 3) {
		for (int64_t first = 0; first < 200000; first += 4999) {
			int64_t base = (bitmap << 32) + first;
			size_t want = 0;
			size_t got = deletion_mark(deletion, base, sizeof marks, marks);

			for (size_t i = 0; i < sizeof marks; i++) {
				assert_int_equal(marks[i], in_set(first + (int64_t)i));
				want += in_set(first + (int64_t)i);
			}
			assert_int_equal(got, want);
			assert_int_equal(deletion_has(deletion, base), in_set(first));
		}
	}
	assert_false(deletion_has(deletion, INT64_C(1) << 32));
	assert_false(deletion_has(deletion, -1));
	assert_int_equal(deletion_mark(NULL, 0, 10, marks), 0);
	deletion_free(deletion);
	buf_done(&set);
}

/* Cut anywhere, or with any byte other than it was: never a crash, and a cut is always seen. */
static void damage_is_seen(void **state)
{
	struct err err = ERR_INIT;
	struct buf set;
	struct text text;

	(void)state;
	begin(&set, 1);
	put(&set, 0, 4);
	put(&set, 12347 | 1 << 16, 4);
	put(&set, 2, 1);
	put(&set, 0, 2), put(&set, 1, 2);
	put(&set, 1, 2), put(&set, 9, 2);
	put(&set, 5, 2), put(&set, 7, 2);
	put(&set, 1, 2), put(&set, 3, 2), put(&set, 9, 2);
	text = buf_text(&set);
	for (size_t len = 0; len < text.len; len++) {
		struct deletion *deletion = deletion_parse(text_sub(text, 0, len), "set", &err);

		assert_null(deletion);
		assert_int_equal(err.kind, ERR_FORMAT);
	}
	for (size_t bit = 0; bit < 8 * text.len; bit++) {
		set.bytes[bit / 8] = (char)(set.bytes[bit / 8] ^ 1 << bit % 8);
		deletion_free(deletion_parse(text, "set", &err));
		set.bytes[bit / 8] = (char)(set.bytes[bit / 8] ^ 1 << bit % 8);
	}
	buf_done(&set);
}

static void inline_sets_are_read(void **state)
{
	struct deletion_descriptor descriptor = {
		.storage_type = TEXT("i"),
		.path_or_inline = TEXT("^Bg9^0rr910000000000iXQKl0rr91000315c8Xg000f5"),
		.offset = -1,
		.size_bytes = 36,
		.cardinality = 2,
	};
	struct err err = ERR_INIT;
	struct deletion *deletion = deletion_read(&descriptor, "/nowhere", &err);

	(void)state;
	if (!deletion)
		fail_msg("%s", err.text);
	for (int64_t row = 0; row < 10; row++)
		assert_int_equal(deletion_has(deletion, row), row == 0 || row == 5);
	deletion_free(deletion);
	descriptor.cardinality = 5;
	assert_null(deletion_read(&descriptor, "/nowhere", &err));
	assert_non_null(strstr(err.text, "2 rows where the log says 5"));
	/* No Z85: a character that is no digit, digits of more than 32 bits, a part of a group. */
	descriptor.cardinality = -1;
	descriptor.path_or_inline = TEXT("^Bg9^0rr910000000000iXQKl0rr91000315c8Xg000f\"");
	assert_null(deletion_read(&descriptor, "/nowhere", &err));
	descriptor.path_or_inline = TEXT("^Bg9^0rr910000000000iXQKl0rr91000315c8Xg##093");
	assert_null(deletion_read(&descriptor, "/nowhere", &err));
	descriptor.path_or_inline = TEXT("^Bg9^0rr910000000000iXQKl0rr91000315c8Xg000");
	assert_null(deletion_read(&descriptor, "/nowhere", &err));
	/* The protocol's example is in a form of its own that Spark does not read either. */
	descriptor.path_or_inline = TEXT("wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L");
	descriptor.size_bytes = 40;
	assert_null(deletion_read(&descriptor, "/nowhere", &err));
	assert_non_null(strstr(err.text, "not of the known form"));
}

static void paths_are_as_the_protocol_has_them(void **state)
{
	struct deletion_descriptor descriptor = { .storage_type = TEXT("u") };
	struct err err = ERR_INIT;
	struct buf path;

	(void)state;
	buf_init(&path, 1000);
	descriptor.path_or_inline = TEXT("ab^-aqEH.-t@S}K{vb[*k^");
	assert_true(deletion_path(&descriptor, "/t", &path, &err));
	assert_string_equal(path.bytes,
		"/t/ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin");
	buf_reset(&path);
	descriptor = (struct deletion_descriptor){ TEXT("p"), TEXT("file:///a%20b/c.bin"), 0, 0, 0 };
	assert_true(deletion_path(&descriptor, "/t", &path, &err));
	assert_string_equal(path.bytes, "/a b/c.bin");
	descriptor.path_or_inline = TEXT("s3://bucket/c.bin");
	assert_false(deletion_path(&descriptor, "/t", &path, &err));
	assert_int_equal(err.kind, ERR_UNSUPPORTED);
	buf_done(&path);
}

/* A file with the set behind its version byte; breaks one byte of it at a time. */
static void files_are_checked(void **state)
{
	char dir[] = "/tmp/weir-deletion.XXXXXX";
	struct deletion_descriptor descriptor = {
		.storage_type = TEXT("u"),
		.path_or_inline = TEXT("^-aqEH.-t@S}K{vb[*k^"),
		.offset = 1,
		.cardinality = 2,
	};
	struct err err = ERR_INIT;
	struct deletion *deletion;
	struct buf set;
	struct buf file;
	struct buf path;
	uint32_t crc;

	(void)state;
	assert_non_null(mkdtemp(dir));
	begin(&set, 1);
	put(&set, 0, 4), put(&set, 12346, 4), put(&set, 1, 4);
	put(&set, 0, 2), put(&set, 1, 2), put(&set, 0, 4);
	put(&set, 5, 2), put(&set, 7, 2);
	descriptor.size_bytes = (int64_t)set.len;
	buf_init(&file, 1000);
	put(&file, 1, 1);
	put(&file, __builtin_bswap32((uint32_t)set.len), 4);
	(void)buf_add(&file, buf_text(&set));
	crc = (uint32_t)crc32(0, (const Bytef *)set.bytes, (uInt)set.len);
	put(&file, __builtin_bswap32(crc), 4);
	buf_init(&path, 1000);
	assert_true(deletion_path(&descriptor, dir, &path, &err));
	assert_null(deletion_read(&descriptor, dir, &err));
	assert_int_equal(err.kind, ERR_ABSENT);
	for (size_t i = 0; i <= file.len; i++) {
		FILE *out = fopen(path.bytes, "wb");

		assert_non_null(out);
		if (i < file.len)
			file.bytes[i] = (char)(file.bytes[i] ^ 0x10);
		assert_int_equal(fwrite(file.bytes, 1, file.len, out), file.len);
		assert_int_equal(fclose(out), 0);
		deletion = deletion_read(&descriptor, dir, &err);
		if (i < file.len) {
			file.bytes[i] = (char)(file.bytes[i] ^ 0x10);
			assert_null(deletion);
			assert_non_null(strstr(err.text, ".bin: offset"));
		} else {
			assert_non_null(deletion);
			assert_true(deletion_has(deletion, 7));
		}
		deletion_free(deletion);
	}
	(void)unlink(path.bytes);
	(void)rmdir(dir);
	buf_done(&set);
	buf_done(&file);
	buf_done(&path);
}

static struct text json_text(const json_t *value)
{
	return json_is_string(value)
		? (struct text){ json_string_value(value), json_string_length(value) }
		: TEXT_NONE;
}

static int64_t json_number(const json_t *value)
{
	return json_is_integer(value) ? json_integer_value(value) : -1;
}

/* One descriptor of the corpus: its set, if the file is there; 1 when it was read. */
static size_t read_described(const json_t *json, const char *table)
{
	struct deletion_descriptor descriptor = {
		.storage_type = json_text(json_object_get(json, "storageType")),
		.path_or_inline = json_text(json_object_get(json, "pathOrInlineDv")),
		.offset = json_number(json_object_get(json, "offset")),
		.size_bytes = json_number(json_object_get(json, "sizeInBytes")),
		.cardinality = json_number(json_object_get(json, "cardinality")),
	};
	struct err err = ERR_INIT;
	struct deletion *deletion = deletion_read(&descriptor, table, &err);
	int64_t last = json_number(json_object_get(json, "maxRowIndex"));

	if (!deletion) {
		/* One table's maker wrote digits that make more than 32 bits. */
		if (err.kind != ERR_ABSENT && err.kind != ERR_UNSUPPORTED &&
			!text_contains(descriptor.path_or_inline, TEXT("##093")))
			fail_msg("%s: %s", table, err.text);
		return 0;
	}
	if (last >= 0)
		assert_true(deletion_has(deletion, last) && !deletion_has(deletion, last + 1));
	deletion_free(deletion);
	return 1;
}

static void sets_of_real_tables_are_read(void **state)
{
	const char *corpus = getenv("CORPUS");
	char pattern[4096];
	glob_t commits;
	size_t nread = 0;

	(void)state;
	(void)snprintf(pattern, sizeof pattern, "%s/delta/tables/*/_delta_log/*.json",
		corpus ? corpus : "../shared/data");
	if (glob(pattern, 0, NULL, &commits) != 0) {
		(void)printf("no corpus: deletion vectors of real tables are not tested\n");
		skip();
	}
	for (size_t i = 0; i < commits.gl_pathc; i++) {
		FILE *file = fopen(commits.gl_pathv[i], "rb");
		char *line = NULL;
		size_t room = 0;
		char *table = mem_strdup(commits.gl_pathv[i]);

		*strstr(table, "/_delta_log/") = '\0';
		while (file && getline(&line, &room, file) > 0) {
			static const char *const actions[] = { "add", "remove" };
			json_t *root = json_loads(line, 0, NULL);

			for (size_t a = 0; a < ARRAY_LEN(actions); a++) {
				const json_t *found = json_object_get(
					json_object_get(root, actions[a]), "deletionVector");

				if (json_is_object(found))
					nread += read_described(found, table);
			}
			json_decref(root);
		}
		free(line);
		free(table);
		if (file)
			(void)fclose(file);
	}
	globfree(&commits);
	(void)printf("%zu deletion vectors of real tables read\n", nread);
	assert_true(nread > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_container_marks_its_rows),
		cmocka_unit_test(damage_is_seen),
		cmocka_unit_test(inline_sets_are_read),
		cmocka_unit_test(paths_are_as_the_protocol_has_them),
		cmocka_unit_test(files_are_checked),
		cmocka_unit_test(sets_of_real_tables_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
