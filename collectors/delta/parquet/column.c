/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "collectors/delta/parquet/parts.h"

/* A block used again would hide from a sanitizer what is read behind a shorter page. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BLOCKS_ARE_WATCHED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define BLOCKS_ARE_WATCHED 1
#endif
#ifndef BLOCKS_ARE_WATCHED
#define BLOCKS_ARE_WATCHED 0
#endif

bool memory_take(struct parquet_memory *memory, size_t bytes)
{
	if (bytes > memory->max - memory->held)
		return false;
	memory->held += bytes;
	if (memory->held > memory->peak)
		memory->peak = memory->held;
	return true;
}

void memory_give(struct parquet_memory *memory, size_t bytes)
{
	memory->held -= bytes;
}

bool column_fail(const struct column *column, enum err_kind kind, struct err *err, const char *fmt,
	...)
{
	char what[120];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(what, sizeof what, fmt, args);
	va_end(args);
	return err_set(err, kind, 0, "%s: offset %lld: column %s: %s", column->file->name,
		(long long)column->page_at, column->leaf->path, what);
}

static bool too_much(const struct column *column, size_t bytes, struct err *err)
{
	return column_fail(column, ERR_LIMIT, err, "%zu bytes more than the %zu held of %zu", bytes,
		column->memory->held, column->memory->max);
}

bool column_grow(struct column *column, struct room *room, size_t bytes, struct err *err)
{
	size_t want = room->bytes * 2;

	if (bytes <= room->bytes)
		return true;
	if (bytes > column->memory->max)
		return too_much(column, bytes, err);
	/* Doubling is a courtesy; what is needed is not. */
	if (want < bytes || want - room->bytes > column->memory->max - column->memory->held)
		want = bytes;
	if (!memory_take(column->memory, want - room->bytes))
		return too_much(column, want - room->bytes, err);
	room->at = mem_resize(room->at, want + PARQUET_SLACK, 1);
	room->bytes = want;
	return true;
}

static void free_room(struct column *column, struct room *room)
{
	memory_give(column->memory, room->bytes);
	FREE(&room->at);
	room->bytes = 0;
}

static void free_block(struct column *column, struct block *block)
{
	if (!block)
		return;
	memory_give(column->memory, block->room + sizeof *block);
	free(block);
}

struct block *column_block(struct column *column, size_t len, struct err *err)
{
	struct block *block = column->spare;

	column->spare = NULL;
	/* A much larger one would be memory held for nothing. */
	if (block && (BLOCKS_ARE_WATCHED || block->room < len || block->room / 4 > len)) {
		free_block(column, block);
		block = NULL;
	}
	if (!block) {
		if (!memory_take(column->memory, len + sizeof *block)) {
			(void)too_much(column, len, err);
			return NULL;
		}
		block = mem_alloc(sizeof *block + len + PARQUET_SLACK);
		block->room = len;
		block->bytes = (uint8_t *)(block + 1);
	}
	block->next = column->blocks;
	block->len = len;
	memset(block->bytes + len, 0, PARQUET_SLACK);
	column->blocks = block;
	column->page_blocks++;
	return block;
}

static void free_blocks(struct column *column, struct block *block)
{
	while (block) {
		struct block *next = block->next;

		free_block(column, column->spare);
		column->spare = block;
		block = next;
	}
}

void column_drop_blocks(struct column *column)
{
	free_blocks(column, column->blocks);
	column->blocks = NULL;
	column->page_blocks = 0;
}

/* Those of pages before the one at hand. */
static void drop_older_blocks(struct column *column)
{
	struct block **link = &column->blocks;

	if (column->page_levels == 0)
		column->page_blocks = 0;
	for (size_t i = 0; i < column->page_blocks; i++)
		link = &(*link)->next;
	free_blocks(column, *link);
	*link = NULL;
}

static void drop_dictionary(struct column *column)
{
	free_blocks(column, column->dictionary_bytes);
	column->dictionary_bytes = NULL;
	column->ndictionary = 0;
	column->has_dictionary = false;
}

bool column_begin(struct column *column, const struct parquet_chunk *chunk, int64_t nrows,
	struct err *err)
{
	const char *refusal = parquet_codec_refusal(chunk->codec);

	column_drop_blocks(column);
	drop_dictionary(column);
	column->chunk = chunk;
	column->page_at = chunk->start;
	column->page_levels = 0;
	column->nlevels = 0;
	column->nvalues = 0;
	column->ahead_len = 0;
	column->levels_ahead = chunk->nvalues;
	if (chunk->is_encrypted)
		return column_fail(column, ERR_UNSUPPORTED, err, "encryption is not supported");
	if (chunk->is_elsewhere)
		return column_fail(column, ERR_UNSUPPORTED, err,
			"chunks in another file are not supported");
	if (refusal)
		return column_fail(column, ERR_UNSUPPORTED, err, "%s is not supported", refusal);
	if (chunk->start < 4 || chunk->bytes < 0 || chunk->bytes > column->file->data_end ||
		chunk->start > column->file->data_end - chunk->bytes)
		return column_fail(column, ERR_FORMAT, err, "a chunk of %lld bytes does not fit",
			(long long)chunk->bytes);
	/* Every row has a level, an empty list's too; lists may have more. */
	if (column->rep_width > 0 ? chunk->nvalues < nrows : chunk->nvalues != nrows)
		return column_fail(column, ERR_FORMAT, err, "%lld values for %lld rows",
			(long long)chunk->nvalues, (long long)nrows);
	column->at = chunk->start;
	column->end = chunk->start + chunk->bytes;
	return true;
}

static void note_range(struct column *column, const uint8_t *defs, size_t n)
{
	uint8_t low = column->def_low;
	uint8_t high = column->def_high;

	for (size_t i = 0; i < n; i++) {
		low = defs[i] < low ? defs[i] : low;
		high = defs[i] > high ? defs[i] : high;
	}
	column->def_low = low;
	column->def_high = high;
}

static size_t count_level(const uint8_t *levels, size_t n, uint8_t level)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += levels[i] == level;
	return count;
}

/* The values of the n levels that were just added to the batch. */
static bool take_values(struct column *column, size_t n, struct err *err)
{
	const uint8_t max = (uint8_t)column->node->def_present;
	const uint8_t *defs = column->batch_defs.at;
	size_t count = n;

	if (max > 0) {
		defs += column->nlevels;
		note_range(column, defs, n);
		if (column->def_high > max)
			return column_fail(column, ERR_FORMAT, err, "a definition level above the highest");
		if (column->def_high < max)
			count = 0;
		else if (column->def_low < max)
			count = count_level(defs, n, max);
	}
	column->nlevels += n;
	/* Room for the levels, so that values can be moved to their slots in place. */
	if (!column_grow(column, &column->batch_values,
		    column->nlevels * values_size(column->node->in), err))
		return false;
	return count == 0 || values_read(column, count, err);
}

/* Levels of a page that were decoded ahead: up to the end of the last row that is wanted. */
static size_t levels_of_rows(struct column *column, size_t *rows_left)
{
	const uint8_t *reps = (const uint8_t *)column->page_reps.at + column->page_level;
	size_t left = *rows_left;
	size_t i = 0;

	for (; i < column->page_levels; i++) {
		if (reps[i] != 0)
			continue;
		if (left == 0)
			break;
		left--;
	}
	*rows_left = left;
	return i;
}

static bool add_ahead(struct column *column, size_t n, struct err *err)
{
	const uint8_t max = (uint8_t)column->node->max_rep;
	const uint8_t *reps = (const uint8_t *)column->page_reps.at + column->page_level;

	if (!column_grow(column, &column->batch_defs, column->nlevels + n, err) ||
		!column_grow(column, &column->batch_reps, column->nlevels + n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (reps[i] > max)
			return column_fail(column, ERR_FORMAT, err, "a repetition level above the highest");
	if (n > 0 && column->nlevels == 0 && reps[0] != 0)
		return column_fail(column, ERR_FORMAT, err, "a page begins within a row that is not there");
	memcpy((uint8_t *)column->batch_reps.at + column->nlevels, reps, n);
	if (column->def_width > 0)
		memcpy((uint8_t *)column->batch_defs.at + column->nlevels,
			(const uint8_t *)column->page_defs.at + column->page_level, n);
	column->page_level += n;
	return true;
}

static bool add_flat(struct column *column, size_t n, struct err *err)
{
	if (column->def_width == 0)
		return true;
	if (!column_grow(column, &column->batch_defs, column->nlevels + n, err))
		return false;
	if (hybrid_bytes(&column->defs, (uint8_t *)column->batch_defs.at + column->nlevels, n) != n)
		return column_fail(column, ERR_FORMAT, err, "levels end too early");
	return true;
}

bool column_read(struct column *column, size_t nrows, struct err *err)
{
	size_t rows_left = nrows;

	column->nlevels = 0;
	column->nvalues = 0;
	column->def_low = UINT8_MAX;
	column->def_high = 0;
	drop_older_blocks(column);
	for (;;) {
		size_t n;

		if (column->page_levels == 0) {
			/* A row may go on in the next page, if there is one. */
			if (rows_left == 0 && (column->rep_width == 0 || column->levels_ahead == 0))
				return true;
			if (!page_next(column, err))
				return false;
		}
		if (column->is_ahead) {
			n = levels_of_rows(column, &rows_left);
			if (n == 0)
				return true;
			if (!add_ahead(column, n, err))
				return false;
		} else {
			n = rows_left < column->page_levels ? rows_left : column->page_levels;
			if (n == 0)
				return true;
			rows_left -= n;
			if (!add_flat(column, n, err))
				return false;
		}
		column->page_levels -= n;
		if (!take_values(column, n, err))
			return false;
	}
}

void column_done(struct column *column)
{
	struct room *rooms[] = { &column->window, &column->dictionary, &column->page_defs,
		&column->page_reps, &column->ready, &column->batch_defs, &column->batch_reps,
		&column->batch_values };

	column_drop_blocks(column);
	drop_dictionary(column);
	free_block(column, column->spare);
	column->spare = NULL;
	for (size_t i = 0; i < ARRAY_LEN(rooms); i++)
		free_room(column, rooms[i]);
}
