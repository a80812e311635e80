/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the Delta library says of tables, as JSON lines: one object a PATH, in the form of
 * `weir history PATH --json`, with every further fact under "more". For interop tests and by hand.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "collectors/delta/delta.h"

static json_t *text_json(struct text text)
{
	json_t *json = text.bytes ? json_stringn_nocheck(text.bytes, text.len) : json_null();

	return json ? json : json_null();
}

static json_t *object_json(struct text text)
{
	json_t *json = text.bytes ? json_loadb(text.bytes, text.len, JSON_ALLOW_NUL, NULL) : NULL;

	return json ? json : json_null();
}

static json_t *number_json(int64_t number)
{
	return number == FACT_UNKNOWN ? json_null() : json_integer(number);
}

static json_t *version_json(const struct fact_version *v)
{
	json_t *blind = v->is_blind_append < 0 ? json_null() : json_boolean(v->is_blind_append);
	json_t *more = json_pack("{so so so so so so so so so so so so so so sb sb so so}",
		"table_id", text_json(v->table_id), "commit_info_ms",
		number_json(v->commit_info_ms), "user_id", text_json(v->user_id), "update_id",
		text_json(v->update_id), "pipeline_id", text_json(v->pipeline_id), "epoch_id",
		text_json(v->epoch_id), "files_added", number_json(v->files_added),
		"files_removed", number_json(v->files_removed), "bytes_added",
		number_json(v->bytes_added), "bytes_removed", number_json(v->bytes_removed),
		"rows_added", number_json(v->rows_added), "rows_removed",
		number_json(v->rows_removed), "dv_added", number_json(v->dv_added), "changes",
		object_json(v->changes), "data_change", v->data_change, "in_commit_timestamp",
		v->in_commit_timestamp, "problem", text_json(v->problem), "isolation_level",
		text_json(v->isolation_level));

	return json_pack("{sI sI so so so so so so so so}", "version", (json_int_t)v->version,
		"timestamp_ms", (json_int_t)v->timestamp_ms, "operation", text_json(v->operation),
		"operation_parameters", object_json(v->parameters), "operation_metrics",
		object_json(v->metrics), "user_name", text_json(v->user_name), "engine",
		text_json(v->engine), "read_version", number_json(v->read_version),
		"is_blind_append", blind, "more", more);
}

static bool dump(const char *path)
{
	struct fact_batch *batch = fact_batch_new();
	struct err err = ERR_INIT;
	json_t *versions = json_array();
	json_t *undecodable = json_array();
	struct text table = TEXT_NONE;
	bool done = delta_read_table(path, NULL, batch, &err);
	json_t *root;

	for (size_t i = 0; i < batch->nfacts; i++) {
		const struct fact *fact = &batch->facts[i];

		if (fact->kind == FACT_VERSION) {
			table = fact->u.version.table;
			(void)json_array_insert_new(versions, 0, version_json(&fact->u.version));
		} else if (fact->kind == FACT_UNDECODABLE) {
			(void)json_array_append_new(undecodable,
				json_pack("{so so}", "place", text_json(fact->u.undecodable.place),
					"reason", text_json(fact->u.undecodable.reason)));
		}
	}
	root = json_pack("{so ss so so so}", "table", text_json(table), "path", path, "versions",
		versions, "undecodable", undecodable, "error",
		done ? json_null() : json_string(err.text));
	(void)json_dumpf(root, stdout, JSON_COMPACT);
	(void)putchar('\n');
	json_decref(root);
	fact_batch_free(batch);
	return done;
}

int main(int argc, char **argv)
{
	bool good = true;

	for (int i = 1; i < argc; i++)
		good = dump(argv[i]) && good;
	return good ? 0 : 1;
}
