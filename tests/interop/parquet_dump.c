/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The values of Parquet files as JSON lines: {"file"}, one array of columns a row, {"rows"} or
 * {"error"}. Structs are arrays of values, maps arrays of pairs; times and timestamps are in
 * nanoseconds, decimals strings, bytes that are no UTF-8 "x:" and hexadecimal. Options: --schema
 * tells the tree instead, --quiet reads everything and says only how it ended, --memory BYTES.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "collectors/delta/parquet/parquet.h"

static void put_string(struct buf *out, struct text text, bool is_bytes)
{
	if (is_bytes || !utf8_is_valid(text)) {
		(void)buf_add_str(out, "\"x:");
		for (size_t i = 0; i < text.len; i++)
			(void)buf_addf(out, "%02x", (unsigned)(uint8_t)text.bytes[i]);
		(void)buf_add_char(out, '"');
		return;
	}
	(void)buf_add_char(out, '"');
	for (size_t i = 0; i < text.len; i++) {
		char byte = text.bytes[i];

		if ((unsigned char)byte < 0x20)
			(void)buf_addf(out, "\\u%04x", (unsigned)byte);
		else if (byte == '"' || byte == '\\')
			(void)buf_addf(out, "\\%c", byte);
		else
			(void)buf_add_char(out, byte);
	}
	(void)buf_add_char(out, '"');
}

static void put_real(struct buf *out, double value)
{
	if (isnan(value))
		(void)buf_add_str(out, "NaN");
	else if (isinf(value))
		(void)buf_add_str(out, value < 0 ? "-Infinity" : "Infinity");
	else
		(void)buf_addf(out, "%.17g", value);
}

static void put_wide(struct buf *out, struct parquet_i128 wide)
{
	uint64_t high = (uint64_t)wide.high;
	uint64_t low = wide.low;
	char digits[44];
	size_t at = sizeof digits;
	bool is_negative = wide.high < 0;

	if (is_negative) {
		low = ~low + 1;
		high = ~high + (low == 0);
	}
	do {
		uint64_t rest = 0;

		/* Long division by ten, 32 bits a step. */
		for (int shift = 96; shift >= 0; shift -= 32) {
			uint64_t *part = shift >= 64 ? &high : &low;
			unsigned by = (unsigned)shift % 64;
			uint64_t digit = rest << 32 | (*part >> by & UINT32_MAX);

			*part = (*part & ~((uint64_t)UINT32_MAX << by)) | digit / 10 << by;
			rest = digit % 10;
		}
		digits[--at] = (char)('0' + rest);
	} while (high || low);
	if (is_negative)
		digits[--at] = '-';
	(void)buf_addf(out, "\"%.*s\"", (int)(sizeof digits - at), digits + at);
}

static void put_nanos(struct buf *out, int64_t value, enum parquet_unit unit)
{
	(void)buf_addf(out, "%" PRId64, value);
	if (value != 0 && unit != PARQUET_NANOS)
		(void)buf_add_str(out, unit == PARQUET_MILLIS ? "000000" : "000");
}

static void put_value(struct buf *out, const struct parquet_vector *vector, size_t i)
{
	const struct parquet_node *node = vector->node;

	if (!parquet_has(vector, i)) {
		(void)buf_add_str(out, "null");
		return;
	}
	switch (node->kind) {
	case PARQUET_STRUCT:
		(void)buf_add_char(out, '[');
		for (size_t k = 0; k < node->nchildren; k++) {
			(void)buf_add_str(out, k > 0 ? "," : "");
			if (vector->children[k])
				put_value(out, vector->children[k], i);
			else
				(void)buf_add_str(out, "null");
		}
		(void)buf_add_char(out, ']');
		break;
	case PARQUET_LIST:
	case PARQUET_MAP:
		(void)buf_add_char(out, '[');
		for (size_t k = parquet_first(vector, i); k < parquet_end(vector, i); k++) {
			(void)buf_add_str(out, k > parquet_first(vector, i) ? "," : "");
			if (node->kind == PARQUET_MAP)
				(void)buf_add_char(out, '[');
			put_value(out, vector->children[0], k);
			if (node->kind == PARQUET_MAP && node->nchildren > 1) {
				(void)buf_add_char(out, ',');
				put_value(out, vector->children[1], k);
			}
			if (node->kind == PARQUET_MAP)
				(void)buf_add_char(out, ']');
		}
		(void)buf_add_char(out, ']');
		break;
	case PARQUET_BOOL:
		(void)buf_add_str(out, vector->bools[i] ? "true" : "false");
		break;
	case PARQUET_UINT:
		(void)buf_addf(out, "%" PRIu64, (uint64_t)vector->ints[i]);
		break;
	case PARQUET_INT:
	case PARQUET_DATE:
		(void)buf_addf(out, "%" PRId64, vector->ints[i]);
		break;
	case PARQUET_DECIMAL:
		put_wide(out, vector->wides ? vector->wides[i]
				: (struct parquet_i128){ (uint64_t)vector->ints[i],
					  vector->ints[i] < 0 ? -1 : 0 });
		break;
	case PARQUET_REAL:
		put_real(out, vector->reals[i]);
		break;
	case PARQUET_TIME:
	case PARQUET_TIMESTAMP:
		put_nanos(out, vector->ints[i], node->unit);
		break;
	case PARQUET_STRING:
		put_string(out, vector->texts[i], false);
		break;
	case PARQUET_BYTES:
	case PARQUET_UUID:
		put_string(out, vector->texts[i], true);
		break;
	}
}

static void put_schema(struct buf *out, const struct parquet_node *node)
{
	static const char *const kinds[] = { "struct", "list", "map", "bool", "int", "uint", "real",
		"decimal", "date", "time", "timestamp", "string", "bytes", "uuid" };

	(void)buf_add_str(out, "{\"name\":");
	put_string(out, node->name, false);
	(void)buf_addf(out, ",\"kind\":\"%s\",\"optional\":%s", kinds[node->kind],
		node->is_optional ? "true" : "false");
	if (node->field_id >= 0)
		(void)buf_addf(out, ",\"field_id\":%ld", (long)node->field_id);
	if (node->kind == PARQUET_DECIMAL)
		(void)buf_addf(out, ",\"precision\":%ld,\"scale\":%ld", (long)node->precision,
			(long)node->scale);
	if (node->kind == PARQUET_TIMESTAMP)
		(void)buf_addf(out, ",\"utc\":%s", node->is_utc ? "true" : "false");
	if (node->nchildren > 0)
		(void)buf_add_str(out, ",\"children\":[");
	for (size_t i = 0; i < node->nchildren; i++) {
		(void)buf_add_str(out, i > 0 ? "," : "");
		put_schema(out, node->children[i]);
	}
	(void)buf_add_str(out, node->nchildren > 0 ? "]}" : "}");
}

struct options {
	bool schema, quiet;
	size_t memory;
};

static bool dump_rows(struct parquet *file, const struct options *options, struct buf *line,
	struct err *err)
{
	struct parquet_reader *reader = parquet_reader_new(file, NULL, 0, options->memory);
	const struct parquet_vector *rows = NULL;
	bool good;

	while ((good = parquet_reader_next(reader, &rows, err)) && rows) {
		for (size_t i = 0; i < rows->n; i++) {
			buf_reset(line);
			put_value(line, rows, i);
			if (!options->quiet)
				(void)puts(line->bytes);
		}
	}
	if (good)
		(void)printf("{\"rows\":%" PRId64 ",\"peak\":%zu}\n", parquet_rows(file),
			parquet_reader_peak(reader));
	parquet_reader_free(reader);
	return good;
}

static bool dump(const char *path, const struct options *options)
{
	struct err err = ERR_INIT;
	struct parquet *file = parquet_open_path(path, &err);
	struct buf line;
	bool good = file != NULL;

	buf_init(&line, SIZE_MAX / 2);
	put_string(&line, text_of(path), false);
	(void)printf("{\"file\":%s}\n", line.bytes);
	buf_reset(&line);
	if (good && options->schema) {
		put_schema(&line, parquet_schema(file));
		(void)puts(line.bytes);
	} else if (good) {
		good = dump_rows(file, options, &line, &err);
	}
	if (!good) {
		buf_reset(&line);
		put_string(&line, text_of(err.text), false);
		(void)printf("{\"error\":%s,\"kind\":\"%s\"}\n", line.bytes, err_kind_name(err.kind));
	}
	buf_done(&line);
	parquet_close(file);
	return good;
}

int main(int argc, char **argv)
{
	struct options options = { false, false, 0 };
	bool good = true;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--schema") == 0)
			options.schema = true;
		else if (strcmp(argv[i], "--quiet") == 0)
			options.quiet = true;
		else if (strcmp(argv[i], "--memory") == 0 && i + 1 < argc)
			options.memory = (size_t)strtoull(argv[++i], NULL, 10);
		else
			good = dump(argv[i], &options) && good;
	}
	return good ? 0 : 1;
}
