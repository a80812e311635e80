/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/mem.h"
#include "collectors/delta/parquet/parts.h"

enum {
	BATCH_LEVELS = 1 << 18, /* of a column in a batch, on average at most */
	BATCH_BYTES = 32 << 20  /* of all columns in a batch, on average at most */
};

/* A node's vector and what it is made in. */
struct made {
	struct parquet_vector vector;
	struct room present, starts;
	const struct parquet_vector **children;
	int32_t owner; /* the column from which presence and entries come; -1: not chosen */
	size_t entries; /* of lists and maps */
};

struct parquet_reader {
	struct parquet *file;
	struct parquet_memory memory;
	struct parquet_codec_state codec_state;
	struct column *columns; /* the chosen leaves */
	size_t ncolumns;
	struct made *made; /* by node index */
	size_t group;      /* at hand or next */
	int64_t row;       /* next within it */
	size_t batch_rows;
	bool begun, failed;
};

/* Marks the leaves at and beneath a node. */
static void choose(const struct parquet *file, const struct parquet_node *node, bool *chosen)
{
	for (size_t i = 0; i < file->nleaves; i++) {
		const struct parquet_node *up = file->leaves[i].node;

		while (up && up != node)
			up = up->parent;
		if (up)
			chosen[i] = true;
	}
}

/* The vectors on the way to a chosen leaf: the first leaf beneath makes them. */
static void plan_leaf(struct parquet_reader *reader, struct column *column)
{
	const struct parquet_node *below = NULL;

	for (const struct parquet_node *node = column->node; node; node = node->parent) {
		struct made *made = &reader->made[node->index];

		if (made->owner < 0) {
			made->owner = node->parent ? (int32_t)(column - reader->columns) : 0;
			made->vector.node = node;
			made->children = NEW_ARRAY(const struct parquet_vector *, node->nchildren + 1);
			made->vector.children = made->children;
		}
		if (below)
			made->children[below->place] = &reader->made[below->index].vector;
		below = node;
	}
}

static struct parquet_reader *new_reader(struct parquet *file, const bool *chosen,
	size_t memory_max)
{
	struct parquet_reader *reader = NEW(struct parquet_reader);
	struct made *root;

	reader->file = file;
	reader->memory.max = memory_max ? memory_max : PARQUET_MEMORY_MAX;
	reader->columns = NEW_ARRAY(struct column, file->nleaves + 1);
	reader->made = NEW_ARRAY(struct made, file->nnodes);
	for (size_t i = 0; i < file->nnodes; i++)
		reader->made[i].owner = -1;
	for (size_t i = 0; i < file->nleaves; i++) {
		const struct parquet_node *node = file->leaves[i].node;
		struct column *column = &reader->columns[reader->ncolumns];

		if (!chosen[i])
			continue;
		reader->ncolumns++;
		*column = (struct column){
			.file = file,
			.memory = &reader->memory,
			.codec_state = &reader->codec_state,
			.leaf = &file->leaves[i],
			.node = node,
			.def_width = bits_width((unsigned)node->def_present),
			.rep_width = bits_width((unsigned)node->max_rep),
		};
		plan_leaf(reader, column);
	}
	/* The root counts rows even when no column was chosen. */
	root = &reader->made[0];
	if (root->owner < 0) {
		root->owner = 0;
		root->vector.node = file->root;
		root->children = NEW_ARRAY(const struct parquet_vector *, file->root->nchildren + 1);
		root->vector.children = root->children;
	}
	return reader;
}

struct parquet_reader *parquet_reader_of_nodes(struct parquet *file,
	const struct parquet_node *const *nodes, size_t nnodes, size_t memory_max)
{
	bool *chosen = NEW_ARRAY(bool, file->nleaves + 1);
	struct parquet_reader *reader;

	for (size_t i = 0; i < nnodes; i++)
		if (nodes[i])
			choose(file, nodes[i], chosen);
	reader = new_reader(file, chosen, memory_max);
	free(chosen);
	return reader;
}

struct parquet_reader *parquet_reader_new(struct parquet *file, const char *const *paths,
	size_t npaths, size_t memory_max)
{
	const struct parquet_node *root = file->root;
	const struct parquet_node **nodes;
	struct parquet_reader *reader;

	if (!paths)
		return parquet_reader_of_nodes(file, &root, 1, memory_max);
	nodes = NEW_ARRAY(const struct parquet_node *, npaths + 1);
	for (size_t i = 0; i < npaths; i++)
		nodes[i] = parquet_node_find(root, paths[i]);
	reader = parquet_reader_of_nodes(file, nodes, npaths, memory_max);
	free(nodes);
	return reader;
}

void parquet_reader_free(struct parquet_reader *reader)
{
	if (!reader)
		return;
	for (size_t i = 0; i < reader->ncolumns; i++)
		column_done(&reader->columns[i]);
	for (size_t i = 0; i < reader->file->nnodes; i++) {
		free(reader->made[i].present.at);
		free(reader->made[i].starts.at);
		free(reader->made[i].children);
	}
	parquet_codec_done(&reader->codec_state);
	free(reader->columns);
	free(reader->made);
	free(reader);
}

void parquet_reader_seek(struct parquet_reader *reader, size_t row_group)
{
	reader->group = row_group;
	reader->row = 0;
	reader->begun = false;
	reader->failed = false;
}

/* Few rows a batch where rows are large, by what the footer says of this group. */
static size_t rows_of_batch(const struct parquet_reader *reader, const struct parquet_chunk *chunks,
	int64_t nrows)
{
	int64_t levels = 0;
	int64_t bytes = 0;
	int64_t rows = PARQUET_BATCH_ROWS;

	for (size_t i = 0; i < reader->ncolumns; i++) {
		const struct parquet_chunk *chunk = &chunks[reader->columns[i].node->column];

		if (chunk->nvalues > levels)
			levels = chunk->nvalues;
		if (chunk->raw_bytes > 0 && __builtin_add_overflow(bytes, chunk->raw_bytes, &bytes))
			bytes = INT64_MAX;
	}
	if (levels / nrows > BATCH_LEVELS / PARQUET_BATCH_ROWS)
		rows = BATCH_LEVELS / (levels / nrows);
	if (bytes / nrows > BATCH_BYTES / PARQUET_BATCH_ROWS && BATCH_BYTES / (bytes / nrows) < rows)
		rows = BATCH_BYTES / (bytes / nrows);
	return rows > 0 ? (size_t)rows : 1;
}

static bool begin_group(struct parquet_reader *reader, struct err *err)
{
	const struct parquet *file = reader->file;
	const struct parquet_chunk *chunks = &file->chunks[reader->group * file->nleaves];
	int64_t nrows = file->groups[reader->group].nrows;

	reader->batch_rows = rows_of_batch(reader, chunks, nrows);
	for (size_t i = 0; i < reader->ncolumns; i++)
		if (!column_begin(&reader->columns[i], &chunks[reader->columns[i].node->column], nrows,
			    err))
			return false;
	reader->row = 0;
	reader->begun = true;
	return true;
}

/* Where slots of a node begin: at levels that repeat no deeper and are defined as far. */
struct context {
	uint8_t rep, def;
};

/* Presence of what is not there in a whole batch. */
static const uint8_t nowhere[PARQUET_BATCH_ROWS];

static bool mark_present(struct column *column, struct made *made,
	struct context context, size_t n, struct err *err)
{
	const uint8_t need = (uint8_t)made->vector.node->def_present;
	const uint8_t *defs = column->batch_defs.at;
	const uint8_t *reps = column->batch_reps.at;
	uint8_t *present;
	size_t slot = 0;

	made->vector.n = n;
	made->vector.present = NULL;
	/* What the list above already asks for needs no marks of its own. */
	if (need <= context.def || column->def_low >= need)
		return true;
	if (column->def_high < need && n <= sizeof nowhere) {
		made->vector.present = nowhere;
		return true;
	}
	if (!column_grow(column, &made->present, n, err))
		return false;
	present = made->present.at;
	made->vector.present = present;
	if (column->rep_width == 0) {
		for (size_t i = 0; i < n; i++)
			present[i] = defs[i] >= need;
		return true;
	}
	for (size_t i = 0; i < column->nlevels; i++)
		if (reps[i] <= context.rep && defs[i] >= context.def)
			present[slot++] = defs[i] >= need;
	return true;
}

static bool mark_entries(struct column *column, struct made *made, struct context context,
	struct err *err)
{
	const struct parquet_node *node = made->vector.node;
	const uint8_t rep = (uint8_t)node->rep_entry;
	const uint8_t def = (uint8_t)node->def_entry;
	const uint8_t *defs = column->batch_defs.at;
	const uint8_t *reps = column->batch_reps.at;
	uint32_t *starts;
	uint32_t count = 0;
	size_t slot = 0;

	if (column->nlevels >= UINT32_MAX)
		return column_fail(column, ERR_LIMIT, err, "more entries in a batch than are accepted");
	if (!column_grow(column, &made->starts, (made->vector.n + 1) * sizeof *starts, err))
		return false;
	starts = made->starts.at;
	for (size_t i = 0; i < column->nlevels; i++) {
		if (reps[i] <= context.rep && defs[i] >= context.def)
			starts[slot++] = count;
		count += reps[i] <= rep && defs[i] >= def;
	}
	starts[slot] = count;
	made->vector.starts = starts;
	made->entries = count;
	return true;
}

static size_t count_slots(const struct column *column, struct context context)
{
	const uint8_t *defs = column->batch_defs.at;
	const uint8_t *reps = column->batch_reps.at;
	size_t count = 0;

	for (size_t i = 0; i < column->nlevels; i++)
		count += reps[i] <= context.rep && defs[i] >= context.def;
	return count;
}

/* Values to the slots where they are present, from the last to the first, in place. */
#define SPREAD(type)                                                                               \
	do {                                                                                       \
		type *values = column->batch_values.at;                                            \
		for (size_t i = n; i-- > 0;) {                                                     \
			if (present[i])                                                            \
				values[i] = values[--left];                                        \
			else                                                                       \
				memset(&values[i], 0, sizeof(type));                               \
		}                                                                                  \
	} while (0)

static bool place_values(struct column *column, struct made *made, struct err *err)
{
	struct parquet_vector *vector = &made->vector;
	const uint8_t *present = vector->present;
	size_t left = column->nvalues;
	size_t n = vector->n;

	if (!column_grow(column, &column->batch_values, n * values_size(column->node->in), err))
		return false;
	if (present && left == 0) {
		memset(column->batch_values.at, 0, n * values_size(column->node->in));
	} else if (present) {
		switch (column->node->in) {
		case PARQUET_IN_BOOLS: SPREAD(uint8_t); break;
		case PARQUET_IN_INTS:
		case PARQUET_IN_REALS: SPREAD(uint64_t); break;
		case PARQUET_IN_WIDES: SPREAD(struct parquet_i128); break;
		case PARQUET_IN_TEXTS: SPREAD(struct text); break;
		case PARQUET_IN_NONE: break;
		}
	}
	vector->bools = column->node->in == PARQUET_IN_BOOLS ? column->batch_values.at : NULL;
	vector->ints = column->node->in == PARQUET_IN_INTS ? column->batch_values.at : NULL;
	vector->reals = column->node->in == PARQUET_IN_REALS ? column->batch_values.at : NULL;
	vector->wides = column->node->in == PARQUET_IN_WIDES ? column->batch_values.at : NULL;
	vector->texts = column->node->in == PARQUET_IN_TEXTS ? column->batch_values.at : NULL;
	return true;
}

/* Makes the vectors that this column owns and checks that it fits into the others. */
static bool assemble(struct parquet_reader *reader, size_t at, size_t nrows, struct err *err)
{
	struct column *column = &reader->columns[at];
	const struct parquet_node *way[2 * PARQUET_DEPTH_MAX + 8] = { NULL };
	struct context context = { 0, 0 };
	size_t slots = nrows;
	size_t depth = 0;

	for (const struct parquet_node *node = column->node; node->parent; node = node->parent)
		way[depth++] = node;
	while (depth-- > 0) {
		const struct parquet_node *node = way[depth];
		struct made *made = &reader->made[node->index];
		bool is_owner = made->owner == (int32_t)at;
		bool has_entries = node->kind == PARQUET_LIST || node->kind == PARQUET_MAP;

		if (is_owner && !mark_present(column, made, context, slots, err))
			return false;
		if (!has_entries)
			continue;
		if (is_owner && !mark_entries(column, made, context, err))
			return false;
		context = (struct context){ (uint8_t)node->rep_entry, (uint8_t)node->def_entry };
		if (!is_owner && count_slots(column, context) != made->entries)
			return column_fail(column, ERR_FORMAT, err,
				"a list has not as many entries as in the columns beside it");
		slots = made->entries;
	}
	return place_values(column, &reader->made[column->node->index], err);
}

bool parquet_reader_next(struct parquet_reader *reader, const struct parquet_vector **rows_out,
	struct err *err)
{
	const struct parquet *file = reader->file;
	struct parquet_vector *root = &reader->made[0].vector;
	int64_t left;

	while (reader->group < file->ngroups &&
		reader->row == file->groups[reader->group].nrows)
		parquet_reader_seek(reader, reader->group + 1);
	if (reader->group >= file->ngroups) {
		*rows_out = NULL;
		return true;
	}
	if (reader->failed)
		return err_set(err, ERR_FORMAT, 0, "%s: row group %zu could not be read", file->name,
			reader->group);
	reader->failed = true;
	if (!reader->begun && !begin_group(reader, err))
		return false;
	left = file->groups[reader->group].nrows - reader->row;
	root->n = left < (int64_t)reader->batch_rows ? (size_t)left : reader->batch_rows;
	for (size_t i = 0; i < reader->ncolumns; i++)
		if (!column_read(&reader->columns[i], root->n, err) ||
			!assemble(reader, i, root->n, err))
			return false;
	root->row_group = reader->group;
	root->first_row = file->groups[reader->group].first_row + reader->row;
	reader->row += (int64_t)root->n;
	reader->failed = false;
	*rows_out = root;
	return true;
}

size_t parquet_reader_peak(const struct parquet_reader *reader)
{
	return reader->memory.peak;
}

const struct parquet_vector *parquet_vector_of(const struct parquet_reader *reader,
	const struct parquet_node *node)
{
	const struct made *made = node ? &reader->made[node->index] : NULL;

	return made && made->owner >= 0 ? &made->vector : NULL;
}

const struct parquet_vector *parquet_vector_find(const struct parquet_vector *from,
	const char *path)
{
	const struct parquet_node *node = from ? parquet_node_find(from->node, path) : NULL;

	/* Down again the way that led there. */
	while (from && node && from->node != node) {
		const struct parquet_node *below = node;

		while (below->parent != from->node)
			below = below->parent;
		from = from->children[below->place];
	}
	return node ? from : NULL;
}

bool parquet_has(const struct parquet_vector *vector, size_t i)
{
	return vector && i < vector->n && (!vector->present || vector->present[i]);
}

struct text parquet_text(const struct parquet_vector *vector, size_t i)
{
	return vector && vector->texts && i < vector->n ? vector->texts[i] : TEXT_NONE;
}

int64_t parquet_int(const struct parquet_vector *vector, size_t i, int64_t absent)
{
	if (!parquet_has(vector, i))
		return absent;
	if (vector->bools)
		return vector->bools[i];
	return vector->ints ? vector->ints[i] : absent;
}

double parquet_real(const struct parquet_vector *vector, size_t i, double absent)
{
	return parquet_has(vector, i) && vector->reals ? vector->reals[i] : absent;
}

size_t parquet_first(const struct parquet_vector *vector, size_t i)
{
	return vector && vector->starts && i < vector->n ? vector->starts[i] : 0;
}

size_t parquet_end(const struct parquet_vector *vector, size_t i)
{
	return vector && vector->starts && i < vector->n ? vector->starts[i + 1] : 0;
}
