/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/mem.h"
#include "collectors/delta/parquet/parts.h"

struct footer {
	struct parquet *file;
	struct thrift thrift;
	struct err *err;
	int64_t nrows;
	uint64_t nvalues; /* of all chunks so far */
	bool has_schema;
};

/* Offset in the file of what is read next. */
static long long place(const struct footer *footer)
{
	return footer->file->data_end + (footer->thrift.at - footer->thrift.start);
}

static bool fail(const struct footer *footer, enum err_kind kind, const char *what)
{
	return err_set(footer->err, kind, 0, "%s: offset %lld: footer: %s", footer->file->name,
		place(footer), what);
}

/* {1: UTC, 2: {unit}} of times and timestamps. */
static void parse_time(struct thrift *thrift, struct parquet_element *element)
{
	struct thrift_field field;
	struct thrift_field unit;
	int last = 0;

	while ((field = thrift_field(thrift, &last)).type != THRIFT_STOP) {
		int inner = 0;

		if (field.id == 1) {
			element->is_utc = thrift_bool(thrift, field);
		} else if (field.id == 2 && thrift_want(thrift, field, THRIFT_STRUCT)) {
			while ((unit = thrift_field(thrift, &inner)).type != THRIFT_STOP) {
				if (unit.id >= 1 && unit.id <= 3)
					element->unit = (enum parquet_unit)(unit.id - 1);
				thrift_skip(thrift, unit);
			}
		} else {
			thrift_skip(thrift, field);
		}
	}
}

/* Two numbers or a number and a flag: of decimals and integers. */
static void parse_pair(struct thrift *thrift, struct parquet_element *element)
{
	struct thrift_field field;
	int last = 0;

	while ((field = thrift_field(thrift, &last)).type != THRIFT_STOP) {
		if (element->logical == LOGICAL_DECIMAL && field.id == 1)
			element->scale = (int32_t)thrift_int(thrift, field);
		else if (element->logical == LOGICAL_DECIMAL && field.id == 2)
			element->precision = (int32_t)thrift_int(thrift, field);
		else if (element->logical == LOGICAL_INTEGER && field.id == 1)
			element->bits = (int32_t)thrift_int(thrift, field);
		else if (element->logical == LOGICAL_INTEGER && field.id == 2)
			element->is_signed = thrift_bool(thrift, field);
		else
			thrift_skip(thrift, field);
	}
}

static void parse_logical(struct thrift *thrift, struct parquet_element *element)
{
	struct thrift_field field;
	int last = 0;

	while ((field = thrift_field(thrift, &last)).type != THRIFT_STOP) {
		bool is_struct = field.type == THRIFT_STRUCT;

		if (field.id >= LOGICAL_STRING && field.id <= LOGICAL_FLOAT16 && is_struct)
			element->logical = (enum parquet_logical)field.id;
		if (is_struct && (field.id == LOGICAL_TIME || field.id == LOGICAL_TIMESTAMP))
			parse_time(thrift, element);
		else if (is_struct && (field.id == LOGICAL_DECIMAL || field.id == LOGICAL_INTEGER))
			parse_pair(thrift, element);
		else
			thrift_skip(thrift, field);
	}
}

static void parse_element(struct thrift *thrift, struct parquet_element *element)
{
	struct thrift_field field;
	int last = 0;

	*element = (struct parquet_element){ .field_id = -1, .name = TEXT("") };
	while ((field = thrift_field(thrift, &last)).type != THRIFT_STOP) {
		switch (field.id) {
		case 1:
			element->type = (int32_t)thrift_int(thrift, field);
			element->has_type = true;
			break;
		case 2: element->width = (int32_t)thrift_int(thrift, field); break;
		case 3: element->repetition = (int32_t)thrift_int(thrift, field); break;
		case 4: element->name = thrift_text(thrift, field); break;
		case 5: element->nchildren = (int32_t)thrift_int(thrift, field); break;
		case 6:
			element->converted = (int32_t)thrift_int(thrift, field);
			element->has_converted = true;
			break;
		case 7: element->scale = (int32_t)thrift_int(thrift, field); break;
		case 8: element->precision = (int32_t)thrift_int(thrift, field); break;
		case 9: element->field_id = (int32_t)thrift_int(thrift, field); break;
		case 10:
			if (thrift_want(thrift, field, THRIFT_STRUCT))
				parse_logical(thrift, element);
			break;
		default: thrift_skip(thrift, field);
		}
	}
	if (!element->name.bytes || element->nchildren < 0 || element->repetition < 0 ||
		element->repetition > 2)
		thrift->bad = true;
}

static bool parse_schema(struct footer *footer, struct thrift_field field)
{
	size_t count = thrift_list(&footer->thrift, field, THRIFT_STRUCT);
	struct parquet_element *elements;
	bool good;

	if (footer->has_schema)
		return fail(footer, ERR_FORMAT, "two schemas");
	if (count > PARQUET_NODES_MAX)
		return fail(footer, ERR_LIMIT, "more schema elements than are accepted");
	elements = NEW_ARRAY(struct parquet_element, count + 1);
	for (size_t i = 0; i < count && !footer->thrift.bad; i++) {
		parse_element(&footer->thrift, &elements[i]);
		/* A group cannot have more children than there are elements: bounds the tree. */
		if (elements[i].nchildren > 0 && (size_t)elements[i].nchildren >= count - i)
			footer->thrift.bad = true;
	}
	good = !footer->thrift.bad ? parquet_schema_build(footer->file, elements, count, footer->err)
				   : fail(footer, ERR_FORMAT, "damaged schema");
	free(elements);
	footer->has_schema = good;
	return good;
}

static void parse_column(struct thrift *thrift, struct parquet_chunk *chunk, int32_t *type_out)
{
	struct thrift_field field;
	int64_t data = -1;
	int64_t dictionary = -1;
	int last = 0;

	while ((field = thrift_field(thrift, &last)).type != THRIFT_STOP) {
		switch (field.id) {
		case 1: *type_out = (int32_t)thrift_int(thrift, field); break;
		case 4: chunk->codec = (int32_t)thrift_int(thrift, field); break;
		case 5: chunk->nvalues = thrift_int(thrift, field); break;
		case 6: chunk->raw_bytes = thrift_int(thrift, field); break;
		case 7: chunk->bytes = thrift_int(thrift, field); break;
		case 9: data = thrift_int(thrift, field); break;
		case 11: dictionary = thrift_int(thrift, field); break;
		default: thrift_skip(thrift, field);
		}
	}
	/* Some writers say 0 for "no dictionary". */
	chunk->start = dictionary > 0 && dictionary < data ? dictionary : data;
}

static bool parse_chunk(struct footer *footer, struct parquet_chunk *chunk,
	const struct parquet_leaf *leaf)
{
	struct thrift *thrift = &footer->thrift;
	struct thrift_field field;
	int32_t type = -1;
	int last = 0;

	while ((field = thrift_field(thrift, &last)).type != THRIFT_STOP) {
		if (field.id == 1)
			chunk->is_elsewhere = thrift_text(thrift, field).len > 0;
		else if (field.id == 3 && thrift_want(thrift, field, THRIFT_STRUCT))
			parse_column(thrift, chunk, &type);
		else
			thrift_skip(thrift, field);
		if (field.id == 8 || field.id == 9)
			chunk->is_encrypted = true;
	}
	if (thrift->bad)
		return fail(footer, ERR_FORMAT, "damaged column chunk");
	if (type != (int32_t)leaf->node->physical && !chunk->is_encrypted)
		return err_set(footer->err, ERR_FORMAT, 0,
			"%s: offset %lld: footer: column %s: chunk and schema differ in type",
			footer->file->name, place(footer), leaf->path);
	/* Runs make many values of few bytes: what reading costs has a bound all the same. */
	footer->nvalues += chunk->nvalues > 0 ? (uint64_t)chunk->nvalues : 0;
	if (chunk->nvalues > INT64_MAX / PARQUET_CHUNKS_MAX ||
		footer->nvalues / PARQUET_VALUES_A_BYTE > (uint64_t)footer->file->size)
		return fail(footer, ERR_LIMIT, "more values than a file of this size can hold");
	return true;
}

static bool parse_group(struct footer *footer, size_t i)
{
	struct thrift *thrift = &footer->thrift;
	struct parquet *file = footer->file;
	struct thrift_field field;
	bool has_columns = false;
	int last = 0;

	while ((field = thrift_field(thrift, &last)).type != THRIFT_STOP) {
		if (field.id == 1) {
			if (thrift_list(thrift, field, THRIFT_STRUCT) != file->nleaves || has_columns)
				return fail(footer, ERR_FORMAT, "a row group has not the schema's columns");
			has_columns = true;
			for (size_t c = 0; c < file->nleaves; c++)
				if (!parse_chunk(footer, &file->chunks[i * file->nleaves + c],
					    &file->leaves[c]))
					return false;
		} else if (field.id == 3) {
			file->groups[i].nrows = thrift_int(thrift, field);
		} else {
			thrift_skip(thrift, field);
		}
	}
	if (thrift->bad || !has_columns || file->groups[i].nrows < 0)
		return fail(footer, ERR_FORMAT, "damaged row group");
	file->groups[i].first_row = file->nrows;
	if (__builtin_add_overflow(file->nrows, file->groups[i].nrows, &file->nrows) ||
		file->nrows / PARQUET_VALUES_A_BYTE > file->size)
		return fail(footer, ERR_LIMIT, "more rows than a file of this size can hold");
	return true;
}

static bool parse_groups(struct footer *footer, struct thrift_field field)
{
	struct parquet *file = footer->file;
	size_t count = thrift_list(&footer->thrift, field, THRIFT_STRUCT);

	if (!footer->has_schema || file->groups)
		return fail(footer, ERR_FORMAT, "row groups not where they belong");
	if (count > PARQUET_CHUNKS_MAX / (file->nleaves + 1))
		return fail(footer, ERR_LIMIT, "more column chunks than are accepted");
	file->groups = NEW_ARRAY(struct parquet_group, count + 1);
	file->chunks = NEW_ARRAY(struct parquet_chunk, count * file->nleaves + 1);
	for (size_t i = 0; i < count; i++, file->ngroups++)
		if (!parse_group(footer, i))
			return false;
	return true;
}

static void parse_pairs(struct footer *footer, struct thrift_field field)
{
	struct thrift *thrift = &footer->thrift;
	struct parquet *file = footer->file;
	size_t count = thrift_list(thrift, field, THRIFT_STRUCT);

	if (file->pairs || count > PARQUET_NODES_MAX) {
		thrift->bad = true;
		return;
	}
	file->pairs = NEW_ARRAY(struct parquet_pair, count + 1);
	for (; file->npairs < count && !thrift->bad; file->npairs++) {
		struct parquet_pair *pair = &file->pairs[file->npairs];
		struct thrift_field inner;
		int last = 0;

		while ((inner = thrift_field(thrift, &last)).type != THRIFT_STOP) {
			if (inner.id == 1)
				pair->key = thrift_text(thrift, inner);
			else if (inner.id == 2)
				pair->value = thrift_text(thrift, inner);
			else
				thrift_skip(thrift, inner);
		}
	}
}

bool parquet_footer_parse(struct parquet *file, struct err *err)
{
	struct footer footer = {
		.file = file,
		.thrift = { file->footer, file->footer, file->footer + file->footer_len, false },
		.err = err,
		.nrows = -1,
	};
	struct thrift *thrift = &footer.thrift;
	struct thrift_field field;
	int last = 0;

	while ((field = thrift_field(thrift, &last)).type != THRIFT_STOP) {
		if (field.id == 2) {
			if (!parse_schema(&footer, field))
				return false;
		} else if (field.id == 3) {
			footer.nrows = thrift_int(thrift, field);
		} else if (field.id == 4) {
			if (!parse_groups(&footer, field))
				return false;
		} else if (field.id == 5) {
			parse_pairs(&footer, field);
		} else if (field.id == 6) {
			file->writer = thrift_text(thrift, field);
		} else {
			thrift_skip(thrift, field);
		}
	}
	if (thrift->bad || !footer.has_schema)
		return fail(&footer, ERR_FORMAT, "damaged");
	if (footer.nrows != file->nrows)
		return fail(&footer, ERR_FORMAT, "the row groups' rows are not the file's");
	return true;
}
