/* SPDX-License-Identifier: Apache-2.0 */
#include "store/writer.h"

#include "base/mem.h"

static bool put_version(struct writer *writer, const struct writer_source *source,
	const struct fact *fact, struct err *err)
{
	const struct fact_version *v = &fact->u.version;
	const struct text texts[] = { v->table_id, v->operation, v->user_id, v->user_name, v->engine,
		v->isolation_level, v->user_metadata, v->parameters, v->metrics, v->job,
		v->notebook, v->cluster_id, v->update_id, v->pipeline_id, v->epoch_id, v->changes,
		v->problem };
	const int64_t numbers[] = { v->version, writer->n, source->id, fact->happened_at_ms,
		v->timestamp_ms, v->commit_info_ms, v->in_commit_timestamp, v->read_version,
		v->is_blind_append < 0 ? FACT_UNKNOWN : v->is_blind_append, v->files_added,
		v->files_removed, v->bytes_added, v->bytes_removed, v->rows_added, v->rows_removed,
		v->dv_added, v->data_change };
	sqlite3_stmt *add = writer->version_add;
	int64_t table;
	int at = 1;

	if (!v->path.bytes)
		return err_set(err, ERR_STORE, 0, "store version: the fact names no table");
	if (!writer_table(writer, source, v->path, v->table, &table, err))
		return false;
	sqlite3_bind_int64(add, at++, table);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		sql_bind_int(add, at++, numbers[i]);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		sql_bind_text(add, at++, texts[i]);
	return sql_run(add, err);
}

static bool put_health(struct writer *writer, const struct writer_source *source,
	const struct fact *fact, struct err *err)
{
	const struct fact_health *health = &fact->u.health;
	sqlite3_stmt *add = writer->health_add;

	sqlite3_bind_int64(add, 1, source->id);
	sqlite3_bind_int64(add, 2, fact->happened_at_ms);
	sqlite3_bind_int64(add, 3, writer->n);
	sqlite3_bind_int(add, 4, (int)health->state);
	sql_bind_text(add, 5, health->text);
	sql_bind_text(add, 6, health->detail);
	sql_bind_int(add, 7, health->behind);
	return sql_run(add, err);
}

static bool put_undecodable(struct writer *writer, const struct writer_source *source,
	const struct fact *fact, struct err *err)
{
	const struct fact_undecodable *bad = &fact->u.undecodable;
	sqlite3_stmt *add = writer->undecodable_add;

	sqlite3_bind_int64(add, 1, source->id);
	sql_bind_text(add, 2, bad->place.bytes ? bad->place : TEXT(""));
	sqlite3_bind_int64(add, 3, writer->n);
	sql_bind_int(add, 4, fact->happened_at_ms);
	sql_bind_text(add, 5, bad->reason);
	sql_bind_blob(add, 6, bad->bytes);
	sql_bind_int(add, 7, bad->length);
	return sql_run(add, err);
}

bool writer_facts(struct writer *writer, struct writer_source *source,
	const struct fact_batch *batch, int64_t *new_out, struct err *err)
{
	int64_t added = 0;
	bool lag = false;

	for (size_t i = 0; i < batch->nfacts; i++) {
		const struct fact *fact = &batch->facts[i];
		bool ok = true, is_new;

		switch (fact->kind) {
		case FACT_VERSION:
			ok = put_version(writer, source, fact, err);
			break;
		case FACT_HEALTH:
			ok = put_health(writer, source, fact, err);
			break;
		case FACT_UNDECODABLE:
			ok = put_undecodable(writer, source, fact, err);
			break;
		case FACT_SWEEP:
		case FACT_MARKS:
		case FACT_POSITION:
		case FACT_TOPIC_TABLE:
		case FACT_CONNECTOR:
			if (!lag_writer_fact(writer, source, fact, &is_new, err))
				return false;
			if (fact->happened_at_ms > source->last_at)
				source->last_at = fact->happened_at_ms;
			added += is_new;
			lag = true;
			source->facts_batch = writer->n;
			continue;
		case FACT_TABLE:
		case FACT_STANDING:
			if (!writer_table_fact(writer, source, fact, &is_new, err))
				return false;
			added += is_new;
			if (is_new)
				source->facts_batch = writer->n;
			continue;
		case FACT_EVENT: /* those stand in batch->events */
		case FACT_EDGE:  /* made from flow definitions */
		case FACT_KIND_COUNT:
			continue;
		}
		if (!ok)
			return false;
		if (sqlite3_changes(writer->db) == 0)
			continue; /* known already */
		if (fact->kind == FACT_HEALTH)
			continue; /* about the source, not from it: not counted */
		added++;
		if (fact->kind == FACT_VERSION && fact->happened_at_ms > source->last_at)
			source->last_at = fact->happened_at_ms;
		source->facts_batch = writer->n;
	}
	*new_out = added;
	return !lag || lag_writer_end(writer, source, err);
}
