/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of an event-log table as JSON records, from vectors made by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "collectors/eventlog/row_json.h"

/* A root with one field of a kind, and its vector of one slot. */
struct row {
	struct parquet_node root, field;
	const struct parquet_node *fields[1];
	struct parquet_vector rows, value;
	const struct parquet_vector *values[1];
	int64_t number;
	double real;
	struct text string;
	uint8_t flag;
};

static void make(struct row *row, const char *name, enum parquet_kind kind)
{
	*row = (struct row){ 0 };
	row->fields[0] = &row->field;
	row->values[0] = &row->value;
	row->root = (struct parquet_node){
		.kind = PARQUET_STRUCT, .children = row->fields, .nchildren = 1 };
	row->field = (struct parquet_node){
		.name = text_of(name), .kind = kind, .index = 1, .parent = &row->root };
	row->rows = (struct parquet_vector){ .node = &row->root, .n = 1, .children = row->values };
	row->value = (struct parquet_vector){ .node = &row->field, .n = 1, .ints = &row->number,
		.reals = &row->real, .texts = &row->string, .bools = &row->flag };
}

static void expect(const struct row *row, const json_t *schema, struct text more, const char *json)
{
	struct text names[4] = { 0 };
	struct buf out;

	buf_init(&out, 1 << 16);
	row_json_names(&row->root, schema, names);
	assert_true(row_json(&out, &row->rows, 0, names, more));
	assert_string_equal(out.bytes, json);
	buf_done(&out);
}

static void expect_time(enum parquet_unit unit, int64_t value, const char *json)
{
	struct row row;

	make(&row, "t", PARQUET_TIMESTAMP);
	row.field.unit = unit;
	row.number = value;
	expect(&row, NULL, TEXT_NONE, json);
}

static void test_timestamps(void **state)
{
	(void)state;
	expect_time(PARQUET_MILLIS, 1772442000100, "{\"t\":\"2026-03-02T09:00:00.100Z\"}");
	expect_time(PARQUET_MICROS, 1772442000100000, "{\"t\":\"2026-03-02T09:00:00.100Z\"}");
	expect_time(PARQUET_MICROS, 1772442000100010, "{\"t\":\"2026-03-02T09:00:00.10001Z\"}");
	expect_time(PARQUET_NANOS, 1772442000000000001,
		"{\"t\":\"2026-03-02T09:00:00.000000001Z\"}");
	expect_time(PARQUET_MICROS, -1, "{\"t\":\"1969-12-31T23:59:59.999999Z\"}");
	expect_time(PARQUET_MICROS, -1000000, "{\"t\":\"1969-12-31T23:59:59.000Z\"}");
	expect_time(PARQUET_MILLIS, INT64_MAX, "{\"t\":9223372036854775807}");
	expect_time(PARQUET_MILLIS, INT64_MIN, "{\"t\":-9223372036854775808}");
}

static void test_scalars(void **state)
{
	struct row row;

	(void)state;
	make(&row, "n", PARQUET_INT);
	row.number = INT64_MIN;
	expect(&row, NULL, TEXT_NONE, "{\"n\":-9223372036854775808}");
	make(&row, "n", PARQUET_UINT);
	row.number = -1;
	expect(&row, NULL, TEXT_NONE, "{\"n\":18446744073709551615}");
	make(&row, "b", PARQUET_BOOL);
	row.flag = 1;
	expect(&row, NULL, TEXT_NONE, "{\"b\":true}");
	make(&row, "r", PARQUET_REAL);
	row.real = 0.5;
	expect(&row, NULL, TEXT_NONE, "{\"r\":0.5}");
	row.real = (double)NAN;
	expect(&row, NULL, TEXT_NONE, "{\"r\":null}");
	make(&row, "d", PARQUET_DATE);
	row.number = 20514;
	expect(&row, NULL, TEXT_NONE, "{\"d\":\"2026-03-02\"}");
	make(&row, "a\"b", PARQUET_STRING);
	row.string = TEXT("x\n\"\\\xff\xc3\xa9");
	expect(&row, NULL, TEXT_NONE, "{\"a\\u0022b\":\"x\\u000a\\u0022\\u005c\xef\xbf\xbd\xc3\xa9\"}");
}

static void test_absent_and_more(void **state)
{
	static const uint8_t none[1] = { 0 };
	struct row row;

	(void)state;
	make(&row, "n", PARQUET_INT);
	expect(&row, NULL, TEXT("\"p\":\"1\""), "{\"n\":0,\"p\":\"1\"}");
	row.value.present = none;
	expect(&row, NULL, TEXT_NONE, "{}");
	expect(&row, NULL, TEXT("\"p\":\"1\""), "{\"p\":\"1\"}");
}

static void test_nested(void **state)
{
	static const uint32_t starts[] = { 0, 2 };
	static const int64_t numbers[] = { 7, 8 };
	static const struct text words[] = { { "a", 1 }, { "b", 1 } };
	struct parquet_node first = { .name = TEXT("key"), .kind = PARQUET_STRING, .index = 2 };
	struct parquet_node second = { .name = TEXT("value"), .kind = PARQUET_INT, .index = 3 };
	const struct parquet_node *const nodes[] = { &first, &second };
	struct parquet_vector keys = { .node = &first, .n = 2, .texts = words, .ints = numbers };
	struct parquet_vector values = { .node = &second, .n = 2, .ints = numbers };
	const struct parquet_vector *const vectors[] = { &keys, &values };
	struct row row;

	(void)state;
	make(&row, "m", PARQUET_MAP);
	row.field.children = nodes;
	row.field.nchildren = 2;
	row.value.starts = starts;
	row.value.children = vectors;
	expect(&row, NULL, TEXT_NONE, "{\"m\":{\"a\":7,\"b\":8}}");
	first.kind = PARQUET_INT;
	expect(&row, NULL, TEXT_NONE, "{\"m\":{\"7\":7,\"8\":8}}");
	row.field.kind = PARQUET_LIST;
	row.field.nchildren = 1;
	expect(&row, NULL, TEXT_NONE, "{\"m\":[7,8]}");
}

static void test_column_mapping(void **state)
{
	json_t *schema = json_loads(
		"{\"type\":\"struct\",\"fields\":[{\"name\":\"shown\",\"type\":\"long\",\"metadata\":"
		"{\"delta.columnMapping.physicalName\":\"col-1\"}},{\"name\":\"col-2\",\"type\":\"long\"}]}",
		0, NULL);
	struct row row;

	(void)state;
	assert_non_null(schema);
	make(&row, "col-1", PARQUET_INT);
	expect(&row, schema, TEXT_NONE, "{\"shown\":0}");
	make(&row, "col-2", PARQUET_INT);
	expect(&row, schema, TEXT_NONE, "{\"col-2\":0}");
	make(&row, "shown", PARQUET_INT); /* a logical name that is no physical one: unknown */
	expect(&row, schema, TEXT_NONE, "{\"shown\":0}");
	json_decref(schema);
}

static void test_limit(void **state)
{
	struct text names[2] = { 0 };
	struct row row;
	struct buf out;

	(void)state;
	make(&row, "s", PARQUET_STRING);
	row.string = TEXT("longer than there is room");
	row_json_names(&row.root, NULL, names);
	buf_init(&out, 16);
	assert_false(row_json(&out, &row.rows, 0, names, TEXT_NONE));
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timestamps),
		cmocka_unit_test(test_scalars),
		cmocka_unit_test(test_absent_and_more),
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_column_mapping),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
