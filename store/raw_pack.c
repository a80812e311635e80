/* SPDX-License-Identifier: Apache-2.0 */
#include "store/raw_pack.h"

#include <string.h>
#include <zdict.h>
#include <zstd.h>

#include "base/mem.h"

enum {
	LEVEL = 1,
	DICT_BYTES_MIN = 512, /* less repeats too little to be worth a look-up */
	DICT_BYTES_MAX = 64 << 10,
	DICT_TABLES_MAX = 4 << 10, /* statistics before the content */
	PACKED_BYTES_MAX = 4 << 20
};

struct dict {
	int64_t id; /* 0 = none yet */
	ZSTD_CDict *prepared;
};

struct raw_packer {
	sqlite3 *db;
	sqlite3_stmt *add, *dict_add;
	ZSTD_CCtx *context;
	struct dict dicts[EVENT_TYPE_COUNT];
	struct buf buf;
};

static bool prepare_dict(struct dict *dict, int64_t id, struct text json, struct err *err)
{
	dict->prepared = ZSTD_createCDict(json.bytes, json.len, LEVEL);
	if (!dict->prepared)
		return err_set(err, ERR_STORE, 0, "prepare a dictionary of %zu bytes", json.len);
	dict->id = id;
	return true;
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
		if (type >= 0 && type < EVENT_TYPE_COUNT && packer->dicts[type].id == 0)
			ok = prepare_dict(&packer->dicts[type], sqlite3_column_int64(stmt, 0),
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
	for (size_t i = 0; i < ARRAY_LEN(packer->dicts); i++)
		ZSTD_freeCDict(packer->dicts[i].prepared);
	ZSTD_freeCCtx(packer->context);
	buf_done(&packer->buf);
	free(packer);
}

bool raw_packer_lacks(const struct raw_packer *packer, enum event_type type, struct text json)
{
	return packer->dicts[type].id == 0 && json.len >= DICT_BYTES_MIN && json.len <= DICT_BYTES_MAX;
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
		prepare_dict(&packer->dicts[type], sqlite3_last_insert_rowid(packer->db), dict, err);
	buf_done(&all);
	buf_done(&made);
	return ok;
}

bool raw_packer_put(struct raw_packer *packer, int64_t k, enum event_type type, struct text json,
	struct err *err)
{
	struct dict *dict = &packer->dicts[type];
	size_t room = ZSTD_compressBound(json.len), len;
	char *at;

	buf_reset(&packer->buf);
	at = buf_reserve(&packer->buf, room);
	if (!at)
		return err_set(err, ERR_STORE, 0, "store raw JSON: %zu bytes are too many", json.len);
	if (dict->prepared)
		len = ZSTD_compress_usingCDict(
			packer->context, at, room, json.bytes, json.len, dict->prepared);
	else
		len = ZSTD_compressCCtx(packer->context, at, room, json.bytes, json.len, LEVEL);
	if (ZSTD_isError(len))
		return err_set(
			err, ERR_STORE, 0, "store raw JSON: compress: %s", ZSTD_getErrorName(len));
	sqlite3_bind_int64(packer->add, 1, k);
	sql_bind_id(packer->add, 2, dict->id);
	sql_bind_blob(packer->add, 3, (struct text){ at, len });
	return sql_run(packer->add, err);
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
