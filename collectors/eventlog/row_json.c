/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "collectors/delta/parts.h"
#include "collectors/eventlog/row_json.h"

static const char physical_name[] = "delta.columnMapping.physicalName";

static const json_t *fields_of(const json_t *type)
{
	return json_object_get(type, "fields");
}

/* The schema's field that a file's field holds: by physical name, or by name where none is set. */
static const json_t *field_of(const json_t *type, struct text name)
{
	size_t i;
	const json_t *field;

	json_array_foreach(fields_of(type), i, field) {
		const json_t *physical =
			json_object_get(json_object_get(field, "metadata"), physical_name);
		const json_t *known = physical ? physical : json_object_get(field, "name");

		if (json_is_string(known) && text_is(name, json_string_value(known)))
			return field;
	}
	return NULL;
}

void row_json_names(const struct parquet_node *node, const json_t *type, struct text *names)
{
	for (size_t i = 0; i < node->nchildren; i++) {
		const struct parquet_node *child = node->children[i];
		const json_t *below = NULL;

		names[child->index] = child->name;
		if (node->kind == PARQUET_LIST) {
			below = json_object_get(type, "elementType");
		} else if (node->kind == PARQUET_MAP) {
			below = json_object_get(type, i == 0 ? "keyType" : "valueType");
		} else {
			const json_t *field = field_of(type, child->name);
			const char *name = json_string_value(json_object_get(field, "name"));

			below = json_object_get(field, "type");
			if (name)
				names[child->index] = text_of(name);
		}
		row_json_names(child, below, names);
	}
}

static void put_timestamp(struct buf *out, int64_t value, enum parquet_unit unit)
{
	static const int64_t of_second[] = {
		[PARQUET_MILLIS] = 1000, [PARQUET_MICROS] = 1000000, [PARQUET_NANOS] = 1000000000 };
	static const int digits_of[] = {
		[PARQUET_MILLIS] = 3, [PARQUET_MICROS] = 6, [PARQUET_NANOS] = 9 };
	int digits = digits_of[unit];
	int64_t fraction = value % of_second[unit];
	int64_t seconds = value / of_second[unit] - (fraction < 0);
	struct civil civil;

	if (fraction < 0)
		fraction += of_second[unit];
	/* What no calendar has is still a number that the decoder can complain about. */
	if (seconds < -INT64_C(62135596800) || seconds > INT64_C(253402300799)) {
		(void)buf_addf(out, "%" PRId64, value);
		return;
	}
	civil = time_civil_utc(seconds * 1000);
	for (; digits > 3 && fraction % 10 == 0; digits--)
		fraction /= 10;
	(void)buf_addf(out, "\"%04d-%02d-%02dT%02d:%02d:%02d.%0*" PRId64 "Z\"", civil.year,
		civil.month, civil.day, civil.hour, civil.minute, civil.second, digits, fraction);
}

static void put_date(struct buf *out, int64_t days)
{
	struct civil civil;

	if (days < -719162 || days > 2932896) {
		(void)buf_addf(out, "%" PRId64, days);
		return;
	}
	civil = time_civil_utc(days * 86400000);
	(void)buf_addf(out, "\"%04d-%02d-%02d\"", civil.year, civil.month, civil.day);
}

static void put_real(struct buf *out, double value)
{
	if (isfinite(value))
		(void)buf_addf(out, "%.17g", value);
	else
		(void)buf_add_str(out, "null");
}

/* No column of an event log is a decimal: near enough for one that somebody added. */
static void put_decimal(struct buf *out, const struct parquet_vector *vector, size_t i)
{
	double value = vector->wides
		? (double)vector->wides[i].high * 0x1p64 + (double)vector->wides[i].low
		: (double)vector->ints[i];

	if (!vector->wides && vector->node->scale == 0)
		(void)buf_addf(out, "%" PRId64, vector->ints[i]);
	else
		put_real(out, value / pow(10, vector->node->scale));
}

static void put_value(struct buf *out, const struct parquet_vector *vector, size_t i,
	const struct text *names);

/* Members of a struct that are there; more behind them. */
static void put_struct(struct buf *out, const struct parquet_vector *vector, size_t i,
	const struct text *names, struct text more)
{
	bool any = false;

	(void)buf_add_char(out, '{');
	for (size_t k = 0; k < vector->node->nchildren; k++) {
		const struct parquet_vector *child = vector->children[k];

		if (!child || !parquet_has(child, i))
			continue;
		if (any)
			(void)buf_add_char(out, ',');
		any = true;
		delta_json_add_text(out, names[child->node->index]);
		(void)buf_add_char(out, ':');
		put_value(out, child, i, names);
	}
	if (any && more.len > 0)
		(void)buf_add_char(out, ',');
	(void)buf_add(out, more);
	(void)buf_add_char(out, '}');
}

static void put_key(struct buf *out, const struct parquet_vector *keys, size_t k,
	const struct text *names)
{
	size_t from = out->len;
	struct buf quoted;

	put_value(out, keys, k, names);
	if (out->len > from && out->bytes[from] == '"')
		return;
	/* A key that is a number or something nested: its JSON is its name. */
	buf_init(&quoted, out->max);
	delta_json_add_text(&quoted, (struct text){ out->bytes + from, out->len - from });
	buf_cut(out, from);
	(void)buf_add(out, buf_text(&quoted));
	buf_done(&quoted);
}

static void put_entries(struct buf *out, const struct parquet_vector *vector, size_t i,
	const struct text *names)
{
	bool is_map = vector->node->kind == PARQUET_MAP;
	size_t first = parquet_first(vector, i);
	size_t end = parquet_end(vector, i);

	(void)buf_add_char(out, is_map ? '{' : '[');
	for (size_t k = first; k < end && !out->full; k++) {
		if (k > first)
			(void)buf_add_char(out, ',');
		if (is_map) {
			put_key(out, vector->children[0], k, names);
			(void)buf_add_char(out, ':');
		}
		if (!is_map)
			put_value(out, vector->children[0], k, names);
		else if (vector->node->nchildren > 1)
			put_value(out, vector->children[1], k, names);
		else
			(void)buf_add_str(out, "null");
	}
	(void)buf_add_char(out, is_map ? '}' : ']');
}

static void put_value(struct buf *out, const struct parquet_vector *vector, size_t i,
	const struct text *names)
{
	if (!vector || !parquet_has(vector, i)) {
		(void)buf_add_str(out, "null");
		return;
	}
	switch (vector->node->kind) {
	case PARQUET_STRUCT:
		put_struct(out, vector, i, names, TEXT_NONE);
		break;
	case PARQUET_LIST:
	case PARQUET_MAP:
		put_entries(out, vector, i, names);
		break;
	case PARQUET_BOOL:
		(void)buf_add_str(out, vector->bools[i] ? "true" : "false");
		break;
	case PARQUET_UINT:
		(void)buf_addf(out, "%" PRIu64, (uint64_t)vector->ints[i]);
		break;
	case PARQUET_INT:
	case PARQUET_TIME:
		(void)buf_addf(out, "%" PRId64, vector->ints[i]);
		break;
	case PARQUET_REAL:
		put_real(out, vector->reals[i]);
		break;
	case PARQUET_DECIMAL:
		put_decimal(out, vector, i);
		break;
	case PARQUET_DATE:
		put_date(out, vector->ints[i]);
		break;
	case PARQUET_TIMESTAMP:
		put_timestamp(out, vector->ints[i], vector->node->unit);
		break;
	case PARQUET_STRING:
	case PARQUET_BYTES:
	case PARQUET_UUID:
		delta_json_add_text(out, vector->texts[i]);
		break;
	}
}

bool row_json(struct buf *out, const struct parquet_vector *rows, size_t i,
	const struct text *names, struct text more)
{
	put_struct(out, rows, i, names, more);
	return !out->full;
}
