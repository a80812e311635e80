/* SPDX-License-Identifier: Apache-2.0 */
#include "store/raw_pack.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <zdict.h>
#include <zstd.h>

#include "base/mem.h"

enum {
	LEVEL = 1,
	DICT_BYTES_MIN = 512, /* less repeats too little to be worth a look-up */
	DICT_BYTES_MAX = 64 << 10,
	DICT_TABLES_MAX = 4 << 10, /* statistics before the content */
	PACKED_BYTES_MAX = 4 << 20,
	PREPARE_EVENTS_MIN = 64 /* the writer does fewer before another thread's context is set up */
};

struct dict {
	int64_t id;
	ZSTD_CDict *prepared;
};

struct raw_packer {
	sqlite3 *db;
	sqlite3_stmt *add, *dict_add;
	ZSTD_CCtx *context;
	/*
	 * By type, NULL = none yet; the writer sets each once. One that is not committed yet may be used:
	 * when its transaction fails nothing is stored any more (writer.broken).
	 */
	_Atomic(struct dict *) dicts[EVENT_TYPE_COUNT];
	struct buf buf;
};

static bool set_dict(struct raw_packer *packer, size_t type, int64_t id, struct text json,
	struct err *err)
{
	struct dict *dict = NEW(struct dict);

	dict->id = id;
	dict->prepared = ZSTD_createCDict(json.bytes, json.len, LEVEL);
	if (!dict->prepared) {
		free(dict);
		return err_set(err, ERR_STORE, 0, "prepare a dictionary of %zu bytes", json.len);
	}
	atomic_store_explicit(&packer->dicts[type], dict, memory_order_release);
	return true;
}

static const struct dict *dict_of(const struct raw_packer *packer, enum event_type type)
{
	return atomic_load_explicit(&packer->dicts[type], memory_order_acquire);
}

static bool load_dicts(struct raw_packer *packer, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	bool row, ok = sql_prepare(packer->db, "SELECT id, type, v FROM raw_dict", &stmt, err);

	while (ok) {
		int64_t type;

		ok = sql_step(stmt, &row, err);
		if (!ok || !row)
			break;
		type = sqlite3_column_int64(stmt, 1);
		if (type >= 0 && type < EVENT_TYPE_COUNT && !dict_of(packer, (enum event_type)type))
			ok = set_dict(packer, (size_t)type, sqlite3_column_int64(stmt, 0),
				sql_text(stmt, 2), err);
	}
	sqlite3_finalize(stmt);
	return ok;
}

bool raw_packer_open(sqlite3 *db, struct raw_packer **packer_out, struct err *err)
{
	struct raw_packer *packer = NEW(struct raw_packer);
	bool ok;

	packer->db = db;
	buf_init(&packer->buf, PACKED_BYTES_MAX);
	packer->context = ZSTD_createCCtx();
	ok = packer->context || err_set(err, ERR_STORE, 0, "prepare compression: no memory");
	ok = ok &&
		sql_prepare(db, "INSERT OR REPLACE INTO raw (k, dict, z) VALUES (?1, ?2, ?3)",
			&packer->add, err) &&
		sql_prepare(db, "INSERT INTO raw_dict (type, v) VALUES (?1, ?2)",
			&packer->dict_add, err) &&
		load_dicts(packer, err);
	if (!ok) {
		raw_packer_close(packer);
		return false;
	}
	*packer_out = packer;
	return true;
}

void raw_packer_close(struct raw_packer *packer)
{
	if (!packer)
		return;
	sqlite3_finalize(packer->add);
	sqlite3_finalize(packer->dict_add);
	for (size_t i = 0; i < ARRAY_LEN(packer->dicts); i++) {
		struct dict *dict = atomic_load(&packer->dicts[i]);

		if (dict)
			ZSTD_freeCDict(dict->prepared);
		free(dict);
	}
	ZSTD_freeCCtx(packer->context);
	buf_done(&packer->buf);
	free(packer);
}

bool raw_packer_lacks(const struct raw_packer *packer, enum event_type type, struct text json)
{
	return !dict_of(packer, type) && json.len >= DICT_BYTES_MIN && json.len <= DICT_BYTES_MAX;
}

/*
 * The first sample is the content, so that it takes a few bytes itself; with others beside it their
 * statistics go before, which saves every event a table of its own.
 */
bool raw_packer_learn(struct raw_packer *packer, enum event_type type, const struct text *samples,
	size_t n, struct err *err)
{
	size_t sizes[RAW_SAMPLES_MAX], len = 0, room = samples[0].len + DICT_TABLES_MAX;
	ZDICT_params_t params = { .compressionLevel = LEVEL, .dictID = (unsigned)type + 1 };
	struct text dict = samples[0];
	struct buf all, made;
	bool ok;

	buf_init(&all, SIZE_MAX);
	buf_init(&made, SIZE_MAX);
	for (size_t i = 0; i < n; i++) {
		sizes[i] = samples[i].len;
		buf_add(&all, samples[i]);
	}
	if (n > 1)
		len = ZDICT_finalizeDictionary(buf_reserve(&made, room), room, dict.bytes, dict.len,
			all.bytes, sizes, (unsigned)n, params);
	if (len > 0 && !ZDICT_isError(len)) /* else the content alone will do */
		dict = (struct text){ made.bytes, len };
	sqlite3_bind_int(packer->dict_add, 1, (int)type);
	sql_bind_blob(packer->dict_add, 2, dict);
	ok = sql_run(packer->dict_add, err) &&
		set_dict(packer, type, sqlite3_last_insert_rowid(packer->db), dict, err);
	buf_done(&all);
	buf_done(&made);
	return ok;
}

/* dict may be NULL; the result is in buf. */
static bool compress(ZSTD_CCtx *context, const struct dict *dict, struct text json, struct buf *buf,
	struct text *packed_out, struct err *err)
{
	size_t room = ZSTD_compressBound(json.len), len;
	char *at;

	buf_reset(buf);
	at = buf_reserve(buf, room);
	if (!at)
		return err_set(err, ERR_STORE, 0, "store raw JSON: %zu bytes are too many", json.len);
	if (dict)
		len = ZSTD_compress_usingCDict(context, at, room, json.bytes, json.len, dict->prepared);
	else
		len = ZSTD_compressCCtx(context, at, room, json.bytes, json.len, LEVEL);
	if (ZSTD_isError(len))
		return err_set(
			err, ERR_STORE, 0, "store raw JSON: compress: %s", ZSTD_getErrorName(len));
	*packed_out = (struct text){ at, len };
	return true;
}

bool raw_packer_put(struct raw_packer *packer, int64_t k, const struct fact_event *event,
	struct err *err)
{
	const struct dict *dict = dict_of(packer, event->type);
	int64_t id = event->raw_dict;
	struct text packed = event->raw;

	if (id == 0) {
		if (!compress(packer->context, dict, event->raw, &packer->buf, &packed, err))
			return false;
		id = dict ? dict->id : 0;
	}
	sqlite3_bind_int64(packer->add, 1, k);
	sql_bind_id(packer->add, 2, id);
	sql_bind_blob(packer->add, 3, packed);
	return sql_run(packer->add, err);
}

void raw_packer_prepare(struct raw_packer *packer, struct fact_batch *batch)
{
	ZSTD_CCtx *context = NULL;
	struct buf buf;

	if (batch->nevents < PREPARE_EVENTS_MIN)
		return;
	buf_init(&buf, PACKED_BYTES_MAX);
	for (size_t i = 0; i < batch->nevents; i++) {
		struct fact_event *event = &batch->events[i];
		const struct dict *dict = dict_of(packer, event->type);
		struct text packed;
		struct err err = ERR_INIT;

		if (!event->raw.bytes || event->raw_dict != 0 || !dict)
			continue;
		if (!context)
			context = ZSTD_createCCtx();
		/* what does not succeed here the writer tries, and tells */
		if (!context || !compress(context, dict, event->raw, &buf, &packed, &err))
			break;
		event->raw = arena_text(&batch->arena, packed);
		event->raw_dict = dict->id;
	}
	ZSTD_freeCCtx(context);
	buf_done(&buf);
}

bool raw_decompress(struct text z, struct text dict, struct arena *arena, struct text *json_out)
{
	unsigned long long size = ZSTD_getFrameContentSize(z.bytes, z.len);
	ZSTD_DCtx *context;
	char *bytes;
	size_t len;

	/* redaction may make raw JSON a little longer than what the decoder caps */
	if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR ||
		size > 2ULL * FACT_RAW_MAX)
		return false;
	context = ZSTD_createDCtx();
	if (!context)
		return false;
	bytes = arena_alloc(arena, (size_t)size + 1);
	len = ZSTD_decompress_usingDict(
		context, bytes, (size_t)size, z.bytes, z.len, dict.bytes, dict.len);
	ZSTD_freeDCtx(context);
	if (ZSTD_isError(len))
		return false;
	*json_out = (struct text){ bytes, len };
	return true;
}
