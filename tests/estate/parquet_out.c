/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/estate/parquet_out.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "tests/estate/thrift_out.h"

enum { FILE_MAX_BYTES = 64 << 20 };
static int physical(enum parquet_type type)
{
	return type == PARQUET_STRING ? P_BYTE_ARRAY : type == PARQUET_DOUBLE ? P_DOUBLE : P_INT64;
}

static void add_value(struct buf *buf, enum parquet_type type, const struct parquet_cell *cell)
{
	uint64_t bits;

	switch (type) {
	case PARQUET_STRING:
		thrift_little_endian(buf, strlen(cell->text), 4);
		(void)buf_add_str(buf, cell->text);
		break;
	case PARQUET_DOUBLE:
		memcpy(&bits, &cell->real, sizeof bits);
		thrift_little_endian(buf, bits, 8);
		break;
	case PARQUET_LONG:
	case PARQUET_TIMESTAMP:
		thrift_little_endian(buf, (uint64_t)cell->number, 8);
		break;
	}
}

/* Definition levels, one bit wide, as RLE runs: (count << 1), then the level in a byte. */
struct levels {
	struct buf runs;
	int64_t count;
	bool present;
};

static void level_flush(struct levels *levels)
{
	if (levels->count == 0)
		return;
	thrift_varint(&levels->runs, (uint64_t)levels->count << 1);
	(void)buf_add_char(&levels->runs, levels->present);
	levels->count = 0;
}

static void level_add(struct levels *levels, bool present)
{
	if (levels->present != present)
		level_flush(levels);
	levels->present = present;
	levels->count++;
}

static void add_page(struct buf *file, int64_t rows, const struct levels *levels,
	const struct buf *values)
{
	int64_t size = 4 + (int64_t)levels->runs.len + (int64_t)values->len;
	int last = 0;
	int inner = 0;

	thrift_number(file, &last, 1, T_I32, 0);
	thrift_number(file, &last, 2, T_I32, size);
	thrift_number(file, &last, 3, T_I32, size);
	thrift_field(file, &last, 5, T_STRUCT);
	thrift_number(file, &inner, 1, T_I32, rows);
	thrift_number(file, &inner, 2, T_I32, E_PLAIN);
	thrift_number(file, &inner, 3, T_I32, E_RLE);
	thrift_number(file, &inner, 4, T_I32, E_RLE);
	thrift_end(file);
	thrift_end(file);
	thrift_little_endian(file, levels->runs.len, 4);
	(void)buf_add(file, buf_text(&levels->runs));
	(void)buf_add(file, buf_text(values));
}

static void add_schema(struct buf *footer, const struct parquet_column *columns, size_t ncolumns)
{
	int last = 0;

	thrift_list(footer, ncolumns + 1, T_STRUCT);
	thrift_field(footer, &last, 4, T_BINARY);
	thrift_string(footer, "schema");
	thrift_number(footer, &last, 5, T_I32, (int64_t)ncolumns);
	thrift_end(footer);
	for (size_t i = 0; i < ncolumns; i++) {
		last = 0;
		thrift_number(footer, &last, 1, T_I32, physical(columns[i].type));
		thrift_number(footer, &last, 3, T_I32, 1); /* OPTIONAL */
		thrift_field(footer, &last, 4, T_BINARY);
		thrift_string(footer, columns[i].name);
		if (columns[i].type == PARQUET_STRING)
			thrift_number(footer, &last, 6, T_I32, C_UTF8);
		if (columns[i].type == PARQUET_TIMESTAMP)
			thrift_number(footer, &last, 6, T_I32, C_TIMESTAMP_MICROS);
		thrift_end(footer);
	}
}

static void add_chunk(struct buf *footer, const struct parquet_column *column, int64_t rows,
	int64_t offset, int64_t bytes)
{
	int last = 0;
	int inner = 0;

	thrift_number(footer, &last, 2, T_I64, offset);
	thrift_field(footer, &last, 3, T_STRUCT);
	thrift_number(footer, &inner, 1, T_I32, physical(column->type));
	thrift_field(footer, &inner, 2, T_LIST);
	thrift_list(footer, 2, T_I32);
	thrift_zigzag(footer, E_PLAIN);
	thrift_zigzag(footer, E_RLE);
	thrift_field(footer, &inner, 3, T_LIST);
	thrift_list(footer, 1, T_BINARY);
	thrift_string(footer, column->name);
	thrift_number(footer, &inner, 4, T_I32, 0);
	thrift_number(footer, &inner, 5, T_I64, rows);
	thrift_number(footer, &inner, 6, T_I64, bytes);
	thrift_number(footer, &inner, 7, T_I64, bytes);
	thrift_number(footer, &inner, 9, T_I64, offset);
	thrift_end(footer);
	thrift_end(footer);
}

static bool write_file(const char *path, const struct buf *bytes)
{
	FILE *file = fopen(path, "wbe");
	bool good;

	if (!file)
		return false;
	good = fwrite(bytes->bytes, 1, bytes->len, file) == bytes->len;
	return fclose(file) == 0 && good;
}

bool parquet_write(const char *path, const struct parquet_column *columns, size_t ncolumns,
	const int64_t (*ranges)[2], size_t n, parquet_row *row, void *context,
	struct parquet_done *done_out)
{
	struct buf values[PARQUET_COLUMNS_MAX];
	struct levels levels[PARQUET_COLUMNS_MAX];
	struct parquet_cell cells[PARQUET_COLUMNS_MAX];
	struct buf file;
	struct buf footer;
	int64_t offsets[PARQUET_COLUMNS_MAX + 1];
	int64_t rows = 0;
	int last = 0;
	int group = 0;
	bool good;

	*done_out = (struct parquet_done){ 0 };
	for (size_t i = 0; i < ncolumns; i++) {
		buf_init(&values[i], FILE_MAX_BYTES);
		levels[i] = (struct levels){ .present = true };
		buf_init(&levels[i].runs, FILE_MAX_BYTES);
	}
	for (size_t range = 0; range < n; range++) {
		for (int64_t at = 0; at < ranges[range][1]; at++) {
			memset(cells, 0, sizeof cells);
			row(context, ranges[range][0] + at, cells);
			rows++;
			for (size_t i = 0; i < ncolumns; i++) {
				level_add(&levels[i], !cells[i].null);
				if (cells[i].null)
					done_out->nulls[i]++;
				else
					add_value(&values[i], columns[i].type, &cells[i]);
			}
		}
	}
	buf_init(&file, FILE_MAX_BYTES);
	buf_init(&footer, FILE_MAX_BYTES);
	(void)buf_add_str(&file, "PAR1");
	for (size_t i = 0; i < ncolumns; i++) {
		level_flush(&levels[i]);
		offsets[i] = (int64_t)file.len;
		add_page(&file, rows, &levels[i], &values[i]);
		buf_done(&values[i]);
		buf_done(&levels[i].runs);
	}
	offsets[ncolumns] = (int64_t)file.len;
	thrift_number(&footer, &last, 1, T_I32, 1);
	thrift_field(&footer, &last, 2, T_LIST);
	add_schema(&footer, columns, ncolumns);
	thrift_number(&footer, &last, 3, T_I64, rows);
	thrift_field(&footer, &last, 4, T_LIST);
	thrift_list(&footer, 1, T_STRUCT);
	thrift_field(&footer, &group, 1, T_LIST);
	thrift_list(&footer, ncolumns, T_STRUCT);
	for (size_t i = 0; i < ncolumns; i++)
		add_chunk(&footer, &columns[i], rows, offsets[i], offsets[i + 1] - offsets[i]);
	thrift_number(&footer, &group, 2, T_I64, offsets[ncolumns] - 4);
	thrift_number(&footer, &group, 3, T_I64, rows);
	thrift_end(&footer);
	thrift_field(&footer, &last, 6, T_BINARY);
	thrift_string(&footer, "weir-estate");
	thrift_end(&footer);
	(void)buf_add(&file, buf_text(&footer));
	thrift_little_endian(&file, footer.len, 4);
	(void)buf_add_str(&file, "PAR1");
	good = !file.full && write_file(path, &file);
	done_out->bytes = (int64_t)file.len;
	buf_done(&footer);
	buf_done(&file);
	return good;
}
