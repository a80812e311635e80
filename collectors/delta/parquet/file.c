/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "collectors/delta/parquet/parts.h"

enum { MAGIC = 4, TAIL = 8 };    /* "PAR1"; footer's length and "PAR1" */
enum { NAME_SHOWN = 120 };       /* bytes of a name that leave a message room to say what is wrong */

bool parquet_read_at(struct parquet *file, int64_t offset, void *to, size_t len, struct err *err)
{
	size_t done = 0;

	file->bytes_read += (int64_t)len;
	if (file->bytes) {
		memcpy(to, file->bytes + offset, len);
		return true;
	}
	while (done < len) {
		ssize_t n = pread(file->fd, (char *)to + done, len - done, offset + (int64_t)done);

		if (n > 0)
			done += (size_t)n;
		else if (n == 0)
			return err_set(err, ERR_FORMAT, 0, "%s: offset %lld: the file ends before what "
				"its footer places here", file->name, (long long)offset + (long long)done);
		else if (errno != EINTR)
			return err_errno(err, errno, "%s: reading at offset %lld", file->name,
				(long long)offset + (long long)done);
	}
	return true;
}

static bool read_footer(struct parquet *file, struct err *err)
{
	uint8_t tail[TAIL];
	uint8_t head[MAGIC];
	uint32_t len;

	if (file->size < MAGIC + TAIL)
		return err_set(err, ERR_FORMAT, 0, "%s: %lld bytes are too few for a Parquet file",
			file->name, (long long)file->size);
	if (!parquet_read_at(file, 0, head, MAGIC, err) ||
		!parquet_read_at(file, file->size - TAIL, tail, TAIL, err))
		return false;
	if (memcmp(tail + 4, "PARE", MAGIC) == 0)
		return err_set(err, ERR_UNSUPPORTED, 0, "%s: the footer is encrypted", file->name);
	if (memcmp(tail + 4, "PAR1", MAGIC) != 0 || memcmp(head, "PAR1", MAGIC) != 0)
		return err_set(err, ERR_FORMAT, 0, "%s: offset %lld: no Parquet file, or cut short",
			file->name, (long long)file->size - MAGIC);
	len = (uint32_t)tail[0] | (uint32_t)tail[1] << 8 | (uint32_t)tail[2] << 16 |
		(uint32_t)tail[3] << 24;
	file->data_end = file->size - TAIL - (int64_t)len;
	if (file->data_end < MAGIC)
		return err_set(err, ERR_FORMAT, 0, "%s: offset %lld: a footer of %lu bytes does not fit",
			file->name, (long long)file->size - TAIL, (unsigned long)len);
	if (len > PARQUET_FOOTER_MAX)
		return err_set(err, ERR_LIMIT, 0, "%s: a footer of %lu bytes is larger than accepted",
			file->name, (unsigned long)len);
	file->footer = mem_alloc(len + 1);
	file->footer_len = len;
	return parquet_read_at(file, file->data_end, file->footer, len, err) &&
		parquet_footer_parse(file, err);
}

static struct parquet *open_file(const struct parquet *from, const char *name, struct err *err)
{
	struct parquet *file = NEW(struct parquet);
	size_t len;

	*file = *from;
	len = strlen(name);
	file->name = mem_strdup(len > NAME_SHOWN ? name + len - NAME_SHOWN : name);
	if (read_footer(file, err))
		return file;
	parquet_close(file);
	return NULL;
}

static struct parquet *open_fd(int fd, bool owns, const char *name, struct err *err)
{
	struct stat status;

	if (fstat(fd, &status) != 0) {
		(void)err_errno(err, errno, "%s", name);
	} else if (!S_ISREG(status.st_mode)) {
		(void)err_set(err, ERR_FORMAT, 0, "%s: no regular file", name);
	} else {
		struct parquet from = { .fd = fd, .owns_fd = owns, .size = status.st_size };

		return open_file(&from, name, err);
	}
	if (owns)
		(void)close(fd);
	return NULL;
}

struct parquet *parquet_open_path(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) {
		(void)err_errno(err, errno, "%s", path);
		return NULL;
	}
	return open_fd(fd, true, path, err);
}

struct parquet *parquet_open_fd(int fd, const char *name, struct err *err)
{
	return open_fd(fd, false, name, err);
}

struct parquet *parquet_open_bytes(const void *bytes, size_t size, const char *name,
	struct err *err)
{
	struct parquet from = { .fd = -1, .bytes = bytes, .size = (int64_t)size };

	return open_file(&from, name, err);
}

void parquet_close(struct parquet *file)
{
	if (!file)
		return;
	if (file->owns_fd)
		(void)close(file->fd);
	arena_free(&file->arena);
	free(file->footer);
	free(file->leaves);
	free(file->groups);
	free(file->chunks);
	free(file->pairs);
	free(file->name);
	free(file);
}

const struct parquet_node *parquet_schema(const struct parquet *file)
{
	return file->root;
}

int64_t parquet_rows(const struct parquet *file)
{
	return file->nrows;
}

size_t parquet_row_groups(const struct parquet *file)
{
	return file->ngroups;
}

size_t parquet_nodes(const struct parquet *file)
{
	return file->nnodes;
}

struct text parquet_writer(const struct parquet *file)
{
	return file->writer;
}

struct text parquet_metadata(const struct parquet *file, const char *key)
{
	for (size_t i = 0; i < file->npairs; i++)
		if (text_is(file->pairs[i].key, key))
			return file->pairs[i].value;
	return TEXT_NONE;
}

int64_t parquet_bytes_read(const struct parquet *file)
{
	return file->bytes_read;
}
