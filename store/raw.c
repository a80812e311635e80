/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/mem.h"
#include "store/reader_internal.h"
#include "store/redact.h"

/*
 * The raw JSON of one event. Warnings, errors and definitions are in the store; the rest is read by
 * pointer out of its log, if that is still there, is still the same file, and still says this event
 * at this place. Whatever is not so is "gone", never an error and never another event's text.
 */
enum { HEAD_MAX = 256, SIBLINGS_MAX = 2000, WITHOUT_LENGTH = 1 << 16 };

struct segment {
	struct text path;
	int64_t device, inode;
	uint64_t head_hash;
	int64_t head_len;
	bool compressed;
};

struct log {
	int fd;
	gzFile gz; /* owns fd when set */
};

static void log_close(struct log *log)
{
	if (log->gz)
		(void)gzclose_r(log->gz);
	else if (log->fd >= 0)
		(void)close(log->fd);
	*log = (struct log){ .fd = -1 };
}

/* Reads up to len bytes at offset of the (decompressed) stream; what it got, or -1. */
static ssize_t log_read(struct log *log, int64_t offset, char *bytes, size_t len)
{
	size_t got = 0;

	if (log->gz) {
		int n;

		if (gzseek(log->gz, offset, SEEK_SET) != offset)
			return -1;
		n = gzread(log->gz, bytes, (unsigned)len);
		return n;
	}
	while (got < len) {
		ssize_t n = pread(log->fd, bytes + got, len - got, offset + (int64_t)got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

/* The same life of the same file: device and inode, and what it begins with. */
static bool log_open(const char *path, const struct segment *segment, struct log *log)
{
	char head[HEAD_MAX];
	struct stat st;
	size_t len = (size_t)segment->head_len;

	log->gz = NULL;
	log->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (log->fd < 0)
		return false;
	if (fstat(log->fd, &st) != 0 || !S_ISREG(st.st_mode) ||
		(int64_t)st.st_dev != segment->device || (int64_t)st.st_ino != segment->inode ||
		segment->head_len < 0 || len > sizeof head)
		goto other;
	if (segment->compressed) {
		log->gz = gzdopen(log->fd, "rb");
		if (!log->gz)
			goto other;
	}
	/* of a compressed log either form of its head may have been hashed */
	if (log_read(log, 0, head, len) == (ssize_t)len &&
		text_hash((struct text){ head, len }) == segment->head_hash)
		return true;
	if (segment->compressed && pread(log->fd, head, len, 0) == (ssize_t)len &&
		text_hash((struct text){ head, len }) == segment->head_hash)
		return gzrewind(log->gz) == 0;
other:
	log_close(log);
	return false;
}

/* A rotated log keeps its inode under a new name in the same folder. */
static bool log_find(const struct segment *segment, struct log *log, struct buf *path_out)
{
	struct buf folder;
	const char *slash;
	struct dirent *entry;
	DIR *dir;
	bool found = false;

	buf_reset(path_out);
	buf_add(path_out, segment->path);
	if (log_open(path_out->bytes, segment, log))
		return true;
	slash = strrchr(path_out->bytes, '/');
	if (!slash)
		return false;
	buf_init(&folder, 1 << 16);
	buf_add_bytes(&folder, path_out->bytes, (size_t)(slash - path_out->bytes) + 1);
	dir = opendir(folder.bytes);
	for (int n = 0; dir && !found && n < SIBLINGS_MAX && (entry = readdir(dir)) != NULL; n++) {
		if ((int64_t)entry->d_ino != segment->inode)
			continue;
		buf_reset(path_out);
		buf_addf(path_out, "%s%s", folder.bytes, entry->d_name);
		found = log_open(path_out->bytes, segment, log);
	}
	if (dir)
		(void)closedir(dir);
	buf_done(&folder);
	return found;
}

/* How long the JSON value at the start of bytes is; 0: it does not end here or is none. */
static size_t value_length(struct text bytes)
{
	size_t depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < bytes.len; i++) {
		char c = bytes.bytes[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			depth++;
		} else if (c == '}' || c == ']') {
			if (depth == 0)
				return 0;
			depth--;
		}
		if (!in_string && depth == 0 && (c == '"' || c == '}' || c == ']'))
			return i + 1;
	}
	return 0;
}

static bool holds_id(struct text json, const struct stored_event *event)
{
	static const char digits[] = "0123456789abcdef";
	char id[37];
	size_t at = 0;

	if (event->id_is_hash)
		return !event->id_text.bytes || event->id_text.len == 0 ||
			text_contains(json, event->id_text);
	for (size_t i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			id[at++] = '-';
		id[at++] = digits[event->id[i] >> 4];
		id[at++] = digits[event->id[i] & 15];
	}
	return text_contains_fold(json, (struct text){ id, at });
}

static bool read_value(
	struct log *log, const struct stored_event *event, struct arena *arena, struct text *out)
{
	size_t len = event->length > 0 && event->length <= FACT_RAW_MAX ? (size_t)event->length
									: WITHOUT_LENGTH;
	char *bytes = arena_alloc(arena, len + 1);
	ssize_t got;
	struct text value;
	size_t length;

	if (event->length > FACT_RAW_MAX || event->offset < 0)
		return false;
	got = log_read(log, event->offset, bytes, len);
	if (got <= 0)
		return false;
	value = text_trim((struct text){ bytes, (size_t)got });
	if (value.len == 0 || !strchr("{[\"", value.bytes[0]))
		return false;
	length = value_length(value);
	if (length == 0)
		return false;
	value.len = length;
	if (!holds_id(value, event))
		return false;
	*out = value;
	return true;
}

static bool load_segment(
	struct reader *reader, struct arena *arena, int64_t id, struct segment *out, bool *there_out,
	struct err *err)
{
	sqlite3_stmt *stmt;

	if (!reader_query(reader, Q_SEGMENT, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, id);
	if (!sql_step(stmt, there_out, err))
		return false;
	if (!*there_out)
		return true;
	*out = (struct segment){
		.path = sql_text_copy(stmt, 0, arena),
		.device = sqlite3_column_int64(stmt, 1),
		.inode = sqlite3_column_int64(stmt, 2),
		.head_hash = (uint64_t)sqlite3_column_int64(stmt, 3),
		.head_len = sqlite3_column_int64(stmt, 4),
		.compressed = sqlite3_column_int(stmt, 5) != 0,
	};
	sqlite3_reset(stmt);
	return true;
}

static bool from_store(
	struct reader *reader, struct arena *arena, int64_t k, struct raw_event *out, struct err *err)
{
	sqlite3_stmt *stmt;
	bool row, ok = true;

	if (!reader_query(reader, Q_RAW, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, k);
	if (!sql_step(stmt, &row, err))
		return false;
	if (row) {
		ok = raw_decompress(sql_text(stmt, 0), sql_text(stmt, 1), arena, &out->json) ||
			err_set(err, ERR_STORE, 0, "read the raw JSON of event %lld: it is damaged",
				(long long)k);
		out->place = RAW_STORE;
		out->where = TEXT("in the store");
	}
	sqlite3_reset(stmt);
	return ok;
}

static bool from_log(struct reader *reader, struct arena *arena, const struct stored_event *event,
	struct raw_event *out, struct err *err)
{
	struct segment segment = { 0 };
	struct log log = { .fd = -1 };
	struct buf path, redacted;
	struct text json;
	bool there = false;

	if (event->segment == 0 || event->length == FACT_UNKNOWN)
		return true;
	if (!load_segment(reader, arena, event->segment, &segment, &there, err))
		return false;
	if (!there)
		return true;
	out->place = RAW_GONE;
	out->where = text_of(arena_printf(arena, "%.*s at byte %lld", TEXT_ARG(segment.path),
		(long long)event->offset));
	buf_init(&path, 1 << 16);
	if (log_find(&segment, &log, &path)) {
		if (read_value(&log, event, arena, &json)) {
			buf_init(&redacted, 2 * FACT_RAW_MAX);
			(void)redact_json(&redacted, json);
			out->json = arena_text(arena, buf_text(&redacted));
			out->place = RAW_LOG;
			out->where = text_of(arena_printf(arena, "%s at byte %lld", path.bytes,
				(long long)event->offset));
			buf_done(&redacted);
		}
		log_close(&log);
	}
	buf_done(&path);
	return true;
}

bool event_raw(
	struct reader *reader, struct arena *arena, int64_t k, struct raw_event *out, struct err *err)
{
	struct raw_event raw = { .json = TEXT_NONE, .place = RAW_NEVER, .where = TEXT_NONE };
	struct stored_event event;
	sqlite3_stmt *stmt;
	bool row, ok;

	if (!reader_query(reader, Q_EVENT, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, k);
	sqlite3_bind_int64(stmt, 2, reader->n);
	if (!sql_step(stmt, &row, err))
		return false;
	if (!row)
		return err_set(err, ERR_ABSENT, 0, "no event %lld in the store", (long long)k);
	ok = event_of_row(stmt, arena, &event, err);
	sqlite3_reset(stmt);
	if (!ok || !from_store(reader, arena, k, &raw, err))
		return false;
	if (raw.place == RAW_NEVER && !from_log(reader, arena, &event, &raw, err))
		return false;
	*out = raw;
	return true;
}
