/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/mem.h"
#include "collectors/delta/deletion.h"

enum {
	MAGIC_PORTABLE = 1681511377,
	COOKIE_PLAIN = 12346,
	COOKIE_RUNS = 12347,
	OFFSETS_FROM = 4, /* containers from which a set with runs has offsets too */
	ARRAY_MAX = 4096, /* values from which a container is a bitmap */
	BITMAP_BYTES = 8192,
	CONTAINERS_MAX = 1 << 16,
	UUID_CHARS = 20 /* sixteen bytes in Z85 */
};

/* 65,536 rows, as an array, a bitmap or runs of 16-bit numbers in the set's own bytes. */
struct container {
	uint64_t high; /* row >> 16; ascending */
	enum container_kind { CONTAINER_ARRAY, CONTAINER_BITMAP, CONTAINER_RUNS } kind;
	uint32_t count; /* of values or runs */
	const uint8_t *at;
};

struct deletion {
	uint8_t *bytes;
	struct container *containers;
	size_t ncontainers;
	int64_t nrows;
};

/* What is being parsed. */
struct cursor {
	const uint8_t *start, *at, *end;
	const char *name;
	struct err *err;
};

static uint16_t le16(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t le32(const uint8_t *at)
{
	return (uint32_t)le16(at) | (uint32_t)le16(at + 2) << 16;
}

static uint32_t be32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static bool fail(const struct cursor *cursor, const char *what)
{
	return err_set(cursor->err, ERR_FORMAT, 0, "%s: deletion vector, byte %zu: %s", cursor->name,
		(size_t)(cursor->at - cursor->start), what);
}

static bool has(const struct cursor *cursor, size_t len, const char *what)
{
	return len <= (size_t)(cursor->end - cursor->at) || fail(cursor, what);
}

/* Values of a container ascend, so that they can be searched; their number is the header's. */
static bool check_container(struct cursor *cursor, struct container *container, uint32_t count)
{
	uint32_t rows = 0;
	int32_t last = -1;

	switch (container->kind) {
	case CONTAINER_ARRAY:
		for (uint32_t i = 0; i < container->count; i++) {
			int32_t value = le16(container->at + 2 * i);

			if (value <= last)
				return fail(cursor, "values do not ascend");
			last = value;
		}
		rows = container->count;
		break;
	case CONTAINER_BITMAP:
		for (size_t i = 0; i < BITMAP_BYTES; i++)
			rows += (uint32_t)__builtin_popcount(container->at[i]);
		break;
	case CONTAINER_RUNS:
		for (uint32_t i = 0; i < container->count; i++) {
			int32_t first = le16(container->at + 4 * i);
			int32_t more = le16(container->at + 4 * i + 2);

			if (first <= last || first + more > UINT16_MAX)
				return fail(cursor, "runs do not ascend");
			last = first + more;
			rows += (uint32_t)more + 1;
		}
		break;
	}
	return rows == count || fail(cursor, "not as many values as are announced");
}

static bool parse_container(struct cursor *cursor, struct container *container, uint32_t count,
	bool is_runs)
{
	size_t len = 2 * (size_t)count;

	container->kind = CONTAINER_ARRAY;
	container->count = count;
	if (is_runs) {
		if (!has(cursor, 2, "ends in runs"))
			return false;
		container->kind = CONTAINER_RUNS;
		container->count = le16(cursor->at);
		cursor->at += 2;
		len = 4 * (size_t)container->count;
	} else if (count > ARRAY_MAX) {
		container->kind = CONTAINER_BITMAP;
		len = BITMAP_BYTES;
	}
	if (!has(cursor, len, "ends in a container"))
		return false;
	container->at = cursor->at;
	if (!check_container(cursor, container, count))
		return false;
	cursor->at += len;
	return true;
}

/* One 32-bit bitmap; high: the upper 32 bits of its rows. */
static bool parse_bitmap(struct deletion *deletion, struct cursor *cursor, uint32_t high)
{
	uint32_t cookie;
	uint32_t n;
	const uint8_t *runs = NULL;
	const uint8_t *keys;
	int32_t last = -1;

	if (!has(cursor, 4, "ends in a bitmap"))
		return false;
	cookie = le32(cursor->at);
	cursor->at += 4;
	if ((cookie & UINT16_MAX) == COOKIE_RUNS) {
		n = (cookie >> 16) + 1;
		if (!has(cursor, (n + 7) / 8, "ends in a bitmap"))
			return false;
		runs = cursor->at;
		cursor->at += (n + 7) / 8;
	} else if (cookie == COOKIE_PLAIN) {
		if (!has(cursor, 4, "ends in a bitmap"))
			return false;
		n = le32(cursor->at);
		cursor->at += 4;
	} else {
		return fail(cursor, "no roaring bitmap");
	}
	if (n > CONTAINERS_MAX || !has(cursor, 4 * (size_t)n, "ends in a bitmap's keys"))
		return n <= CONTAINERS_MAX ? false : fail(cursor, "more containers than there can be");
	keys = cursor->at;
	cursor->at += 4 * (size_t)n;
	if (!runs || n >= OFFSETS_FROM) {
		if (!has(cursor, 4 * (size_t)n, "ends in a bitmap's offsets"))
			return false;
		cursor->at += 4 * (size_t)n;
	}
	deletion->containers = mem_resize(deletion->containers, deletion->ncontainers + n + 1,
		sizeof *deletion->containers);
	for (uint32_t i = 0; i < n; i++) {
		struct container *container = &deletion->containers[deletion->ncontainers];
		int32_t key = le16(keys + 4 * (size_t)i);
		uint32_t count = (uint32_t)le16(keys + 4 * (size_t)i + 2) + 1;

		if (key <= last)
			return fail(cursor, "keys do not ascend");
		last = key;
		container->high = (uint64_t)high << 16 | (uint64_t)key;
		if (!parse_container(cursor, container, count, runs && runs[i / 8] >> i % 8 & 1))
			return false;
		deletion->ncontainers++;
		deletion->nrows += count;
	}
	return true;
}

static bool parse(struct deletion *deletion, struct cursor *cursor)
{
	uint64_t n;
	int64_t last = -1;

	if (!has(cursor, 12, "too short"))
		return false;
	if (le32(cursor->at) != MAGIC_PORTABLE)
		return fail(cursor, "not of the known form");
	n = (uint64_t)le32(cursor->at + 4) | (uint64_t)le32(cursor->at + 8) << 32;
	cursor->at += 12;
	/* A bitmap takes twelve bytes at least: its key, its cookie, its number of containers. */
	if (n > (uint64_t)(cursor->end - cursor->at) / 8)
		return fail(cursor, "more bitmaps than there can be");
	for (uint64_t i = 0; i < n; i++) {
		uint32_t high;

		if (!has(cursor, 4, "ends before a bitmap"))
			return false;
		high = le32(cursor->at);
		if ((int64_t)high <= last || high > INT32_MAX)
			return fail(cursor, "bitmaps do not ascend");
		last = high;
		cursor->at += 4;
		if (!parse_bitmap(deletion, cursor, high))
			return false;
	}
	return true;
}

static struct deletion *parse_owned(uint8_t *bytes, size_t len, const char *name, struct err *err)
{
	struct deletion *deletion = NEW(struct deletion);
	struct cursor cursor = { bytes, bytes, bytes + len, name, err };

	deletion->bytes = bytes;
	if (parse(deletion, &cursor))
		return deletion;
	deletion_free(deletion);
	return NULL;
}

struct deletion *deletion_parse(struct text bytes, const char *name, struct err *err)
{
	uint8_t *copy;

	if (bytes.len > DELETION_BYTES_MAX) {
		(void)err_set(err, ERR_LIMIT, 0, "%s: a deletion vector of %zu bytes", name, bytes.len);
		return NULL;
	}
	copy = mem_alloc(bytes.len + 1);
	if (bytes.len > 0)
		memcpy(copy, bytes.bytes, bytes.len);
	return parse_owned(copy, bytes.len, name, err);
}

void deletion_free(struct deletion *deletion)
{
	if (!deletion)
		return;
	free(deletion->containers);
	free(deletion->bytes);
	free(deletion);
}

/* ZeroMQ's Base-85: five characters for four bytes. to: room for len / 5 * 4. */
static bool z85(struct text text, uint8_t *to)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     ".-:+=^!/*?&<>()[]{}@%$#";

	if (text.len % 5 != 0)
		return false;
	for (size_t i = 0; i < text.len; i += 5, to += 4) {
		uint64_t value = 0;

		for (size_t k = 0; k < 5; k++) {
			const char *digit = text.bytes[i + k] ? strchr(digits, text.bytes[i + k]) : NULL;

			if (!digit)
				return false;
			value = value * 85 + (uint64_t)(digit - digits);
		}
		if (value > UINT32_MAX)
			return false;
		for (size_t k = 0; k < 4; k++)
			to[k] = (uint8_t)(value >> (24 - 8 * k));
	}
	return true;
}

static bool relative_path(struct text name, const char *table_dir, struct buf *out, struct err *err)
{
	struct text uuid = text_sub(name, name.len - UUID_CHARS, UUID_CHARS);
	struct text prefix = text_sub(name, 0, name.len - UUID_CHARS);
	uint8_t bytes[16];
	bool good;

	if (!z85(uuid, bytes))
		return err_set(err, ERR_FORMAT, 0, "%s: a deletion vector's name cannot be read", table_dir);
	good = buf_addf(out, "%s/", table_dir);
	if (prefix.len > 0)
		good = buf_add(out, prefix) && buf_add_char(out, '/') && good;
	good = buf_add_str(out, "deletion_vector_") && good;
	for (size_t i = 0; i < sizeof bytes; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			(void)buf_add_char(out, '-');
		(void)buf_addf(out, "%02x", bytes[i]);
	}
	good = buf_add_str(out, ".bin") && good;
	return good || err_set(err, ERR_LIMIT, 0, "%s: a deletion vector's path is too long", table_dir);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A path that is a URI: percent signs decoded, file: and an empty host dropped. */
static bool absolute_path(struct text uri, struct buf *out, struct err *err)
{
	struct text path = uri;

	if (text_starts(path, TEXT("file:")))
		path = text_sub(path, 5, path.len);
	if (text_starts(path, TEXT("//")))
		path = text_sub(path, 2, path.len);
	if (!text_starts(path, TEXT("/")))
		return err_set(err, ERR_UNSUPPORTED, 0, "a deletion vector in another storage: %.*s",
			TEXT_ARG(text_sub(uri, 0, 60)));
	for (size_t i = 0; i < path.len; i++) {
		char c = path.bytes[i];

		if (c == '%' && i + 2 < path.len && hex_digit(path.bytes[i + 1]) >= 0 &&
			hex_digit(path.bytes[i + 2]) >= 0) {
			c = (char)(hex_digit(path.bytes[i + 1]) * 16 + hex_digit(path.bytes[i + 2]));
			i += 2;
		}
		if (!buf_add_char(out, c))
			return err_set(err, ERR_LIMIT, 0, "a deletion vector's path is too long");
	}
	return true;
}

bool deletion_path(const struct deletion_descriptor *descriptor, const char *table_dir,
	struct buf *out, struct err *err)
{
	if (text_is(descriptor->storage_type, "i"))
		return err_set(err, ERR_ABSENT, 0, "%s: an inline deletion vector has no file", table_dir);
	if (text_is(descriptor->storage_type, "u") && descriptor->path_or_inline.len >= UUID_CHARS)
		return relative_path(descriptor->path_or_inline, table_dir, out, err);
	if (text_is(descriptor->storage_type, "p"))
		return absolute_path(descriptor->path_or_inline, out, err);
	return err_set(err, ERR_FORMAT, 0, "%s: a deletion vector of no known kind", table_dir);
}

static uint8_t *read_inline(const struct deletion_descriptor *descriptor, const char *name,
	struct err *err)
{
	struct text text = descriptor->path_or_inline;
	uint8_t *bytes = mem_alloc(text.len / 5 * 4 + 1);

	if (z85(text, bytes) && (uint64_t)descriptor->size_bytes <= text.len / 5 * 4)
		return bytes;
	free(bytes);
	(void)err_set(err, ERR_FORMAT, 0, "%s: an inline deletion vector cannot be read", name);
	return NULL;
}

static bool read_at(int fd, const char *path, int64_t offset, void *to, size_t len, struct err *err)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pread(fd, (char *)to + done, len - done, offset + (int64_t)done);

		if (n == 0)
			return err_set(err, ERR_FORMAT, 0, "%s: offset %lld: the file ends within a "
				"deletion vector", path, (long long)offset + (long long)done);
		if (n < 0 && errno != EINTR)
			return err_errno(err, errno, "%s", path);
		done += n > 0 ? (size_t)n : 0;
	}
	return true;
}

/* Size, set, checksum at the offset. */
static bool read_framed(int fd, const char *path, const struct deletion_descriptor *descriptor,
	uint8_t *bytes, struct err *err)
{
	int64_t offset = descriptor->offset >= 0 ? descriptor->offset : 1;
	size_t len = (size_t)descriptor->size_bytes;
	uint8_t word[4];

	if (offset > INT64_MAX - DELETION_BYTES_MAX - 8)
		return err_set(err, ERR_FORMAT, 0, "%s: a deletion vector lies beyond the file", path);
	if (!read_at(fd, path, 0, word, 1, err))
		return false;
	if (word[0] != 1)
		return err_set(err, ERR_UNSUPPORTED, 0, "%s: offset 0: deletion vectors of version %u",
			path, word[0]);
	if (!read_at(fd, path, offset, word, 4, err))
		return false;
	if (be32(word) != len)
		return err_set(err, ERR_FORMAT, 0, "%s: offset %lld: a deletion vector of %lu bytes where "
			"the log says %zu", path, (long long)offset, (unsigned long)be32(word), len);
	if (!read_at(fd, path, offset + 4, bytes, len, err) ||
		!read_at(fd, path, offset + 4 + (int64_t)len, word, 4, err))
		return false;
	if (be32(word) != crc32(crc32(0, NULL, 0), bytes, (uInt)len))
		return err_set(err, ERR_FORMAT, 0, "%s: offset %lld: a deletion vector's checksum is wrong",
			path, (long long)offset);
	return true;
}

static uint8_t *read_file(const struct deletion_descriptor *descriptor, const char *path,
	struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	off_t size;
	uint8_t *bytes;

	if (fd < 0) {
		(void)err_errno(err, errno, "%s", path);
		return NULL;
	}
	size = lseek(fd, 0, SEEK_END);
	/* No more is allocated than the file has. */
	if (size < descriptor->size_bytes) {
		(void)err_set(err, ERR_FORMAT, 0, "%s: a deletion vector larger than its file", path);
		(void)close(fd);
		return NULL;
	}
	bytes = mem_alloc((size_t)descriptor->size_bytes + 1);
	if (!read_framed(fd, path, descriptor, bytes, err))
		FREE(&bytes);
	(void)close(fd);
	return bytes;
}

struct deletion *deletion_read(const struct deletion_descriptor *descriptor, const char *table_dir,
	struct err *err)
{
	struct deletion *deletion;
	struct buf path;
	uint8_t *bytes = NULL;

	if (descriptor->size_bytes < 0 || descriptor->size_bytes > DELETION_BYTES_MAX) {
		(void)err_set(err, ERR_LIMIT, 0, "%s: a deletion vector of %lld bytes", table_dir,
			(long long)descriptor->size_bytes);
		return NULL;
	}
	buf_init(&path, 1 << 16);
	if (text_is(descriptor->storage_type, "i")) {
		(void)buf_add_str(&path, table_dir);
		bytes = read_inline(descriptor, table_dir, err);
	} else if (deletion_path(descriptor, table_dir, &path, err)) {
		bytes = read_file(descriptor, path.bytes, err);
	}
	deletion = bytes ? parse_owned(bytes, (size_t)descriptor->size_bytes, path.bytes, err) : NULL;
	if (deletion && descriptor->cardinality >= 0 && deletion->nrows != descriptor->cardinality) {
		(void)err_set(err, ERR_FORMAT, 0, "%s: a deletion vector of %lld rows where the log says "
			"%lld", path.bytes, (long long)deletion->nrows, (long long)descriptor->cardinality);
		deletion_free(deletion);
		deletion = NULL;
	}
	buf_done(&path);
	return deletion;
}

int64_t deletion_rows(const struct deletion *deletion)
{
	return deletion ? deletion->nrows : 0;
}

/* The first container at or after this one's number. */
static size_t find_container(const struct deletion *deletion, uint64_t high)
{
	size_t low = 0;
	size_t end = deletion->ncontainers;

	while (low < end) {
		size_t middle = low + (end - low) / 2;

		if (deletion->containers[middle].high < high)
			low = middle + 1;
		else
			end = middle;
	}
	return low;
}

/* Marks what the container has of [from, to] at marks[value - from]. */
static void mark_container(const struct container *container, uint32_t from, uint32_t to,
	uint8_t *marks)
{
	switch (container->kind) {
	case CONTAINER_ARRAY:
		for (uint32_t i = 0; i < container->count; i++) {
			uint32_t value = le16(container->at + 2 * (size_t)i);

			if (value >= from && value <= to)
				marks[value - from] = 1;
		}
		break;
	case CONTAINER_BITMAP:
		for (uint32_t value = from; value <= to; value++)
			marks[value - from] = container->at[value / 8] >> value % 8 & 1;
		break;
	case CONTAINER_RUNS:
		for (uint32_t i = 0; i < container->count; i++) {
			uint32_t first = le16(container->at + 4 * (size_t)i);
			uint32_t last = first + le16(container->at + 4 * (size_t)i + 2);

			first = first > from ? first : from;
			last = last < to ? last : to;
			if (first <= last)
				memset(marks + (first - from), 1, last - first + 1);
		}
		break;
	}
}

size_t deletion_mark(const struct deletion *deletion, int64_t first, size_t n, uint8_t *marks)
{
	uint64_t from = (uint64_t)first;
	uint64_t end = from + n;
	size_t count = 0;

	if (n == 0)
		return 0;
	memset(marks, 0, n);
	if (!deletion || first < 0)
		return 0;
	for (size_t i = find_container(deletion, from >> 16); i < deletion->ncontainers; i++) {
		const struct container *container = &deletion->containers[i];
		uint64_t base = container->high << 16;
		uint64_t low = base > from ? base : from;
		uint64_t high = base + UINT16_MAX < end - 1 ? base + UINT16_MAX : end - 1;

		if (base >= end)
			break;
		mark_container(container, (uint32_t)(low - base), (uint32_t)(high - base),
			marks + (low - from));
	}
	for (size_t i = 0; i < n; i++)
		count += marks[i];
	return count;
}

bool deletion_has(const struct deletion *deletion, int64_t row)
{
	uint8_t mark;

	return deletion_mark(deletion, row, 1, &mark) > 0;
}
