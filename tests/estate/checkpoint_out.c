/* SPDX-License-Identifier: Apache-2.0 */
/* A classic checkpoint: one Parquet file with a row an action, nested as the protocol has it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/estate/tables.h"
#include "tests/estate/thrift_out.h"

enum { FILE_MAX_BYTES = 64 << 20, NODES_MAX = 48, LEAVES_MAX = 32 };
enum { REQUIRED, OPTIONAL, REPEATED };
enum { NONE = -1 };

static const struct node {
	const char *name;
	int repetition, type, converted; /* type NONE: a group */
	int children;
} nodes[] = {
	{ "protocol", OPTIONAL, NONE, NONE, 2 },
	{ "minReaderVersion", OPTIONAL, P_INT32, NONE, 0 },
	{ "minWriterVersion", OPTIONAL, P_INT32, NONE, 0 },
	{ "metaData", OPTIONAL, NONE, NONE, 6 },
	{ "id", OPTIONAL, P_BYTE_ARRAY, C_UTF8, 0 },
	{ "format", OPTIONAL, NONE, NONE, 2 },
	{ "provider", OPTIONAL, P_BYTE_ARRAY, C_UTF8, 0 },
	{ "options", OPTIONAL, NONE, C_MAP, 1 },
	{ "key_value", REPEATED, NONE, NONE, 2 },
	{ "key", REQUIRED, P_BYTE_ARRAY, C_UTF8, 0 },
	{ "value", OPTIONAL, P_BYTE_ARRAY, C_UTF8, 0 },
	{ "schemaString", OPTIONAL, P_BYTE_ARRAY, C_UTF8, 0 },
	{ "partitionColumns", OPTIONAL, NONE, C_LIST, 1 },
	{ "list", REPEATED, NONE, NONE, 1 },
	{ "element", OPTIONAL, P_BYTE_ARRAY, C_UTF8, 0 },
	{ "configuration", OPTIONAL, NONE, C_MAP, 1 },
	{ "key_value", REPEATED, NONE, NONE, 2 },
	{ "key", REQUIRED, P_BYTE_ARRAY, C_UTF8, 0 },
	{ "value", OPTIONAL, P_BYTE_ARRAY, C_UTF8, 0 },
	{ "createdTime", OPTIONAL, P_INT64, NONE, 0 },
	{ "add", OPTIONAL, NONE, NONE, 6 },
	{ "path", OPTIONAL, P_BYTE_ARRAY, C_UTF8, 0 },
	{ "partitionValues", OPTIONAL, NONE, C_MAP, 1 },
	{ "key_value", REPEATED, NONE, NONE, 2 },
	{ "key", REQUIRED, P_BYTE_ARRAY, C_UTF8, 0 },
	{ "value", OPTIONAL, P_BYTE_ARRAY, C_UTF8, 0 },
	{ "size", OPTIONAL, P_INT64, NONE, 0 },
	{ "modificationTime", OPTIONAL, P_INT64, NONE, 0 },
	{ "dataChange", OPTIONAL, P_BOOLEAN, NONE, 0 },
	{ "stats", OPTIONAL, P_BYTE_ARRAY, C_UTF8, 0 },
	{ "remove", OPTIONAL, NONE, NONE, 4 },
	{ "path", OPTIONAL, P_BYTE_ARRAY, C_UTF8, 0 },
	{ "deletionTimestamp", OPTIONAL, P_INT64, NONE, 0 },
	{ "dataChange", OPTIONAL, P_BOOLEAN, NONE, 0 },
	{ "size", OPTIONAL, P_INT64, NONE, 0 },
};

struct runs { /* levels as RLE runs: (count << 1), then the level in a byte */
	struct buf bytes;
	int64_t count;
	int level;
};

struct leaf {
	const struct node *node;
	const struct node *path[8];
	size_t depth;
	int most_defined, most_repeated;
	struct runs defined, repeated;
	struct buf values;
	int64_t n; /* of levels */
	int64_t offset, bytes;
	size_t bits; /* of booleans */
};

struct writer {
	struct leaf leaves[LEAVES_MAX];
	size_t n;
	bool touched[LEAVES_MAX]; /* in this row */
};

static void run_flush(struct runs *runs)
{
	if (runs->count == 0)
		return;
	thrift_varint(&runs->bytes, (uint64_t)runs->count << 1);
	(void)buf_add_char(&runs->bytes, (char)runs->level);
	runs->count = 0;
}

static void run_add(struct runs *runs, int level)
{
	if (runs->level != level)
		run_flush(runs);
	runs->level = level;
	runs->count++;
}

/* Walks the nodes, depth first; gives the node behind the subtree. */
static size_t find_leaves(struct writer *writer, size_t at, const struct node **path, size_t depth)
{
	const struct node *node = &nodes[at];
	size_t next = at + 1;

	path[depth] = node;
	for (int i = 0; i < node->children; i++)
		next = find_leaves(writer, next, path, depth + 1);
	if (node->children == 0) {
		struct leaf *leaf = &writer->leaves[writer->n++];

		leaf->node = node;
		leaf->depth = depth + 1;
		for (size_t i = 0; i <= depth; i++) {
			leaf->path[i] = path[i];
			leaf->most_defined += path[i]->repetition != REQUIRED;
			leaf->most_repeated += path[i]->repetition == REPEATED;
		}
		buf_init(&leaf->defined.bytes, FILE_MAX_BYTES);
		buf_init(&leaf->repeated.bytes, FILE_MAX_BYTES);
		buf_init(&leaf->values, FILE_MAX_BYTES);
	}
	return next;
}

/* "add.size" */
static struct leaf *leaf_of(struct writer *writer, const char *dotted)
{
	for (size_t i = 0; i < writer->n; i++) {
		struct buf name;
		bool same;

		buf_init(&name, 256);
		for (size_t k = 0; k < writer->leaves[i].depth; k++)
			(void)buf_addf(&name, "%s%s", k ? "." : "", writer->leaves[i].path[k]->name);
		same = strcmp(name.bytes, dotted) == 0;
		buf_done(&name);
		if (same) {
			writer->touched[i] = true;
			return &writer->leaves[i];
		}
	}
	abort(); /* a name misspelled below */
}

static void put_levels(struct leaf *leaf, int repeated, int defined)
{
	run_add(&leaf->repeated, repeated);
	run_add(&leaf->defined, defined);
	leaf->n++;
}

static void put_number(struct writer *writer, const char *name, int64_t value)
{
	struct leaf *leaf = leaf_of(writer, name);

	put_levels(leaf, 0, leaf->most_defined);
	if (leaf->node->type == P_BOOLEAN) {
		if (leaf->bits % 8 == 0)
			(void)buf_add_char(&leaf->values, 0);
		leaf->values.bytes[leaf->bits / 8] |= (char)(value << (leaf->bits % 8));
		leaf->bits++;
	} else {
		thrift_little_endian(&leaf->values, (uint64_t)value, leaf->node->type == P_INT32 ? 4 : 8);
	}
}

static void put_nth(struct writer *writer, const char *name, const char *text, bool first)
{
	struct leaf *leaf = leaf_of(writer, name);

	put_levels(leaf, first ? 0 : 1, leaf->most_defined);
	thrift_little_endian(&leaf->values, strlen(text), 4);
	(void)buf_add_str(&leaf->values, text);
}

static void put_text(struct writer *writer, const char *name, const char *text)
{
	put_nth(writer, name, text, true);
}

/* A map or list that is there and empty. */
static void put_empty(struct writer *writer, const char *name, int defined)
{
	put_levels(leaf_of(writer, name), 0, defined);
}

/* What the row did not name is not there. */
static void end_row(struct writer *writer)
{
	for (size_t i = 0; i < writer->n; i++) {
		if (!writer->touched[i])
			put_levels(&writer->leaves[i], 0, 0);
		writer->touched[i] = false;
	}
}

static void put_metadata(struct writer *writer, const struct table *table)
{
	const char *pairs[4][2];
	size_t n = table_properties(table, pairs);
	struct buf schema;
	char id[24];

	put_number(writer, "protocol.minReaderVersion", 1);
	put_number(writer, "protocol.minWriterVersion", 2);
	end_row(writer);
	(void)snprintf(id, sizeof id, "%016llx", (unsigned long long)text_hash(text_of(table->name)));
	buf_init(&schema, 1 << 20);
	table_schema(&schema, table, false);
	put_text(writer, "metaData.id", id);
	put_text(writer, "metaData.format.provider", "parquet");
	put_empty(writer, "metaData.format.options.key_value.key", 3);
	put_empty(writer, "metaData.format.options.key_value.value", 3);
	put_text(writer, "metaData.schemaString", schema.bytes);
	put_empty(writer, "metaData.partitionColumns.list.element", 2);
	for (size_t i = 0; i < n; i++) {
		put_nth(writer, "metaData.configuration.key_value.key", pairs[i][0], i == 0);
		put_nth(writer, "metaData.configuration.key_value.value", pairs[i][1], i == 0);
	}
	put_number(writer, "metaData.createdTime", table->created_ms);
	end_row(writer);
	buf_done(&schema);
}

static int64_t put_files(struct writer *writer, const struct table *table, int64_t when_ms)
{
	int64_t rows = 0;
	char stats[64];

	for (size_t i = 0; i < table->nfiles; i++) {
		const struct data_file *file = &table->files[i];

		put_text(writer, "add.path", file->name);
		put_empty(writer, "add.partitionValues.key_value.key", 2);
		put_empty(writer, "add.partitionValues.key_value.value", 2);
		put_number(writer, "add.size", file->bytes);
		put_number(writer, "add.modificationTime", when_ms);
		put_number(writer, "add.dataChange", 0);
		(void)snprintf(stats, sizeof stats, "{\"numRecords\":%lld}", (long long)file->rows);
		put_text(writer, "add.stats", stats);
		end_row(writer);
		rows++;
	}
	for (size_t i = 0; i < table->ntombstones; i++) {
		const struct tombstone *tombstone = &table->tombstones[i];

		/* What retention has let go of is not handed down. */
		if (table->is_vacuumed && tombstone->deleted_ms < when_ms - FILE_RETENTION_MS)
			continue;
		put_text(writer, "remove.path", tombstone->name);
		put_number(writer, "remove.deletionTimestamp", tombstone->deleted_ms);
		put_number(writer, "remove.dataChange", 0);
		put_number(writer, "remove.size", tombstone->bytes);
		end_row(writer);
		rows++;
	}
	return rows;
}

/* ---- the file ---- */

static void add_runs(struct buf *page, struct runs *runs)
{
	run_flush(runs);
	thrift_little_endian(page, runs->bytes.len, 4);
	(void)buf_add(page, buf_text(&runs->bytes));
}

static void add_page(struct buf *file, struct leaf *leaf)
{
	struct buf page;
	int last = 0;
	int inner = 0;

	buf_init(&page, FILE_MAX_BYTES);
	if (leaf->most_repeated > 0)
		add_runs(&page, &leaf->repeated);
	add_runs(&page, &leaf->defined);
	(void)buf_add(&page, buf_text(&leaf->values));
	leaf->offset = (int64_t)file->len;
	thrift_number(file, &last, 1, T_I32, 0);
	thrift_number(file, &last, 2, T_I32, (int64_t)page.len);
	thrift_number(file, &last, 3, T_I32, (int64_t)page.len);
	thrift_field(file, &last, 5, T_STRUCT);
	thrift_number(file, &inner, 1, T_I32, leaf->n);
	thrift_number(file, &inner, 2, T_I32, E_PLAIN);
	thrift_number(file, &inner, 3, T_I32, E_RLE);
	thrift_number(file, &inner, 4, T_I32, E_RLE);
	thrift_end(file);
	thrift_end(file);
	(void)buf_add(file, buf_text(&page));
	leaf->bytes = (int64_t)file->len - leaf->offset;
	buf_done(&page);
}

static void add_schema(struct buf *footer)
{
	int last = 0;

	thrift_list(footer, ARRAY_LEN(nodes) + 1, T_STRUCT);
	thrift_field(footer, &last, 4, T_BINARY);
	thrift_string(footer, "spark_schema");
	thrift_number(footer, &last, 5, T_I32, 4);
	thrift_end(footer);
	for (size_t i = 0; i < ARRAY_LEN(nodes); i++) {
		const struct node *node = &nodes[i];

		last = 0;
		if (node->type != NONE)
			thrift_number(footer, &last, 1, T_I32, node->type);
		thrift_number(footer, &last, 3, T_I32, node->repetition);
		thrift_field(footer, &last, 4, T_BINARY);
		thrift_string(footer, node->name);
		if (node->children > 0)
			thrift_number(footer, &last, 5, T_I32, node->children);
		if (node->converted != NONE)
			thrift_number(footer, &last, 6, T_I32, node->converted);
		thrift_end(footer);
	}
}

static void add_chunk(struct buf *footer, const struct leaf *leaf)
{
	int last = 0;
	int inner = 0;

	thrift_number(footer, &last, 2, T_I64, leaf->offset);
	thrift_field(footer, &last, 3, T_STRUCT);
	thrift_number(footer, &inner, 1, T_I32, leaf->node->type);
	thrift_field(footer, &inner, 2, T_LIST);
	thrift_list(footer, 2, T_I32);
	thrift_zigzag(footer, E_PLAIN);
	thrift_zigzag(footer, E_RLE);
	thrift_field(footer, &inner, 3, T_LIST);
	thrift_list(footer, leaf->depth, T_BINARY);
	for (size_t i = 0; i < leaf->depth; i++)
		thrift_string(footer, leaf->path[i]->name);
	thrift_number(footer, &inner, 4, T_I32, 0);
	thrift_number(footer, &inner, 5, T_I64, leaf->n);
	thrift_number(footer, &inner, 6, T_I64, leaf->bytes);
	thrift_number(footer, &inner, 7, T_I64, leaf->bytes);
	thrift_number(footer, &inner, 9, T_I64, leaf->offset);
	thrift_end(footer);
	thrift_end(footer);
}

static void add_footer(struct buf *file, const struct writer *writer, int64_t rows)
{
	struct buf footer;
	int64_t bytes = (int64_t)file->len - 4;
	int last = 0;
	int group = 0;

	buf_init(&footer, FILE_MAX_BYTES);
	thrift_number(&footer, &last, 1, T_I32, 1);
	thrift_field(&footer, &last, 2, T_LIST);
	add_schema(&footer);
	thrift_number(&footer, &last, 3, T_I64, rows);
	thrift_field(&footer, &last, 4, T_LIST);
	thrift_list(&footer, 1, T_STRUCT);
	thrift_field(&footer, &group, 1, T_LIST);
	thrift_list(&footer, writer->n, T_STRUCT);
	for (size_t i = 0; i < writer->n; i++)
		add_chunk(&footer, &writer->leaves[i]);
	thrift_number(&footer, &group, 2, T_I64, bytes);
	thrift_number(&footer, &group, 3, T_I64, rows);
	thrift_end(&footer);
	thrift_field(&footer, &last, 6, T_BINARY);
	thrift_string(&footer, "weir-estate");
	thrift_end(&footer);
	(void)buf_add(file, buf_text(&footer));
	thrift_little_endian(file, footer.len, 4);
	(void)buf_add_str(file, "PAR1");
	buf_done(&footer);
}

/* Aside, then renamed: it is there whole or not at all. */
static bool put_file(const char *folder, const char *name, struct text bytes)
{
	char path[4096];
	char aside[4096];
	FILE *file;
	bool good;

	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	(void)snprintf(aside, sizeof aside, "%s/.%s.tmp", folder, name);
	file = fopen(aside, "wbe");
	if (!file)
		return false;
	good = fwrite(bytes.bytes, 1, bytes.len, file) == bytes.len;
	return fclose(file) == 0 && good && rename(aside, path) == 0;
}

bool checkpoint_write(const struct estate *estate, const struct table *table, int64_t when_ms)
{
	struct writer *writer = NEW(struct writer);
	const struct node *path[8];
	int64_t version = table->version - 1;
	int64_t rows;
	char folder[4096];
	char name[80];
	struct buf file;
	bool good;

	for (size_t at = 0; at < ARRAY_LEN(nodes);)
		at = find_leaves(writer, at, path, 0);
	put_metadata(writer, table);
	rows = 2 + put_files(writer, table, when_ms);
	buf_init(&file, FILE_MAX_BYTES);
	(void)buf_add_str(&file, "PAR1");
	for (size_t i = 0; i < writer->n; i++)
		add_page(&file, &writer->leaves[i]);
	add_footer(&file, writer, rows);
	(void)snprintf(folder, sizeof folder, "%s/tables/%s/_delta_log", estate->dir, table->name);
	(void)snprintf(name, sizeof name, "%020lld.checkpoint.parquet", (long long)version);
	good = put_file(folder, name, buf_text(&file));
	buf_reset(&file);
	(void)buf_addf(&file, "{\"version\":%lld,\"size\":%lld}", (long long)version, (long long)rows);
	good = good && put_file(folder, "_last_checkpoint", buf_text(&file));
	buf_done(&file);
	for (size_t i = 0; i < writer->n; i++) {
		buf_done(&writer->leaves[i].values);
		buf_done(&writer->leaves[i].defined.bytes);
		buf_done(&writer->leaves[i].repeated.bytes);
	}
	free(writer);
	return good;
}
