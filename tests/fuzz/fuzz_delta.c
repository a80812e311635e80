/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "collectors/delta/parts.h"

/*
 * A commit of a Delta log, whole with the fast reader of lines and in pieces without it: both ways
 * must say the same. Then its metaData and
 * protocol against an empty table's and against their own. The first byte chooses the pieces.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void feed(struct delta_commit *commit, struct fact_batch *batch, struct text bytes,
	size_t step, bool fast)
{
	delta_commit_begin(commit, batch, "0.json", 1);
	if (!fast)
		commit->lines.line_taken = NULL;
	for (size_t at = 0; at < bytes.len; at += step)
		delta_commit_feed(commit, text_sub(bytes, at, step));
	delta_commit_end(commit);
}

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void compare(const struct delta_commit *a, const struct delta_commit *b)
{
#define AT(member) offsetof(struct fact_version, member)
	static const size_t texts[] = { AT(operation), AT(user_id), AT(user_name), AT(engine),
		AT(isolation_level), AT(user_metadata), AT(cluster_id), AT(parameters), AT(metrics),
		AT(job), AT(notebook), AT(update_id), AT(pipeline_id), AT(epoch_id) };
#undef AT
	const struct fact_version *v = &a->version;
	const struct fact_version *w = &b->version;

	require(a->nactions == b->nactions && a->nbroken == b->nbroken && a->torn == b->torn);
	require(a->batch->nfacts == b->batch->nfacts);
	require(a->batch->undecodable == b->batch->undecodable);
	require(a->in_commit_ms == b->in_commit_ms && v->commit_info_ms == w->commit_info_ms);
	require(v->files_added == w->files_added && v->files_removed == w->files_removed);
	require(v->bytes_added == w->bytes_added && v->bytes_removed == w->bytes_removed);
	require(v->rows_added == w->rows_added && v->rows_removed == w->rows_removed);
	require(v->dv_added == w->dv_added && v->data_change == w->data_change);
	require(v->read_version == w->read_version && v->is_blind_append == w->is_blind_append);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const struct text *one = (const void *)((const char *)v + texts[i]);
		const struct text *other = (const void *)((const char *)w + texts[i]);

		require(text_eq(*one, *other) && !one->bytes == !other->bytes);
	}
	require(text_eq(buf_text(&a->problem), buf_text(&b->problem)));
	/* What is unknown is so by name, and no sum is below nothing. */
	require(v->rows_added == FACT_UNKNOWN || v->rows_added >= 0);
	require(v->bytes_removed == FACT_UNKNOWN || v->bytes_removed >= 0);
	for (size_t i = 0; i < a->batch->nfacts; i++)
		require(text_eq(a->batch->facts[i].u.undecodable.place,
			b->batch->facts[i].u.undecodable.place));
}

/* Sentences are JSON and clean. */
static void describe(const struct delta_commit *commit)
{
	struct arena arena = { 0 };
	json_t *none = json_object();
	struct text texts[3] = {
		delta_changes(&arena, none, commit->metadata, none, commit->protocol, false),
		delta_changes(&arena, commit->metadata, none, commit->protocol, none, false),
		delta_changes(&arena, NULL, commit->metadata, NULL, commit->protocol, true),
	};

	for (size_t i = 0; i < 3; i++) {
		json_t *array = texts[i].bytes ? json_loadb(texts[i].bytes, texts[i].len, 0, NULL)
					       : json_array();
		const json_t *sentence;
		size_t k;

		require(json_is_array(array));
		json_array_foreach(array, k, sentence)
			require(utf8_is_clean((struct text){ json_string_value(sentence),
				json_string_length(sentence) }));
		json_decref(array);
	}
	require(!delta_changes(&arena, commit->metadata, commit->metadata, commit->protocol,
		commit->protocol, false).bytes);
	json_decref(none);
	arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fact_batch *batches[2] = { fact_batch_new(), fact_batch_new() };
	char *copy = mem_alloc(size ? size : 1);
	struct text bytes = { copy, size };
	struct delta_commit whole;
	struct delta_commit pieces;

	if (size > 0)
		memcpy(copy, data, size);
	(void)delta_file_of(text_sub(bytes, 0, 100));
	feed(&whole, batches[0], bytes, SIZE_MAX / 2, true);
	feed(&pieces, batches[1], bytes, size > 0 && data[0] % 2 ? 1 : size / 3 + 1, false);
	compare(&whole, &pieces);
	describe(&whole);
	delta_commit_done(&whole);
	delta_commit_done(&pieces);
	fact_batch_free(batches[0]);
	fact_batch_free(batches[1]);
	free(copy);
	return 0;
}
