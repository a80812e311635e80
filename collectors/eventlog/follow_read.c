/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "collectors/eventlog/follow_file.h"

enum {
	SLOT_BYTES = 1 << 20,
	SLOT_KEEP_BYTES = 8 << 20, /* a slot that grew past this for one record shrinks again */
	PACKED_BYTES = 1 << 16,
	QUIET_MS = 10000 /* a gzip file that ends early and is this old will not be finished */
};

void follow_slot_drop(struct follow_slot *slot)
{
	if (slot->inflating)
		(void)inflateEnd(&slot->stream); /* frees; nothing can be done about its opinion */
	slot->inflating = false;
	slot->owner = NULL;
	slot->from = 0;
	slot->to = 0;
	if (slot->room > SLOT_KEEP_BYTES) {
		FREE(&slot->bytes);
		slot->room = 0;
	}
}

void follow_slot_done(struct follow_slot *slot)
{
	follow_slot_drop(slot);
	FREE(&slot->bytes);
	FREE(&slot->packed);
	slot->room = 0;
}

void follow_file_renew(struct follow_file *file)
{
	file->offset = 0;
	file->line = 1;
	file->in_array = false;
	file->head_hash = 0;
	file->head_len = 0;
	file->compressed = false;
	file->settled_size = -1;
	file->settled_mtime_ns = -1;
	file->tail_hash = 0;
}

static ssize_t read_at(int fd, void *bytes, size_t len, int64_t at)
{
	ssize_t got;

	do
		got = pread(fd, bytes, len, (off_t)at);
	while (got < 0 && errno == EINTR);
	return got;
}

/* True while the file's head is the one its life began with; a longer head is then taken. */
static bool head_holds(struct follow_file *file)
{
	char head[FOLLOW_HEAD_MAX];
	ssize_t got = read_at(file->fd, head, sizeof head, 0);

	if (got < file->head_len)
		return false;
	if (file->head_len > 0 &&
		text_hash((struct text){ head, (size_t)file->head_len }) != file->head_hash)
		return false;
	if (got > file->head_len) {
		if (file->offset == 0)
			file->compressed = got >= 2 && memcmp(head, "\x1f\x8b", 2) == 0;
		file->head_len = got;
		file->head_hash = text_hash((struct text){ head, (size_t)got });
	}
	return true;
}

static uint64_t tail_hash(const struct follow_file *file, int64_t end)
{
	char tail[FOLLOW_TAIL_MAX];
	int64_t from = end > FOLLOW_TAIL_MAX ? end - FOLLOW_TAIL_MAX : 0;
	ssize_t got = read_at(file->fd, tail, (size_t)(end - from), from);

	return text_hash((struct text){ tail, got > 0 ? (size_t)got : 0 });
}

/*
 * A document that is written anew into the same file may begin as it did before. What was its end
 * tells: where a file only grew, that is still there.
 */
static bool tail_holds(const struct follow_file *file)
{
	return file->settled_size <= 0 || file->size < file->settled_size ||
		tail_hash(file, file->settled_size) == file->tail_hash;
}

static bool slot_take(struct follow *follow, struct follow_file *file)
{
	struct follow_slot *slot = &follow->slot;

	follow_slot_drop(slot);
	if (!slot->bytes) {
		slot->room = SLOT_BYTES;
		slot->bytes = mem_zero(1, slot->room + FOLLOW_PAD);
	}
	slot->owner = file;
	slot->at = file->offset;
	slot->disk_at = file->offset;
	slot->member_ended = false;
	slot->ended = false;
	slot->discard = 0;
	framer_init(&slot->framer, follow->options.max_record, file->in_array, file->line);
	if (!file->compressed)
		return true;
	if (!slot->packed)
		slot->packed = mem_alloc(PACKED_BYTES);
	memset(&slot->stream, 0, sizeof slot->stream);
	if (inflateInit2(&slot->stream, 15 + 16) != Z_OK)
		return false;
	slot->inflating = true;
	slot->disk_at = 0;
	slot->at = 0;
	slot->discard = file->offset;
	return true;
}

/* Space behind `to`: by moving, by growing while one record needs it. */
static size_t make_space(struct follow_slot *slot, size_t max_record)
{
	if (slot->from > 0) {
		memmove(slot->bytes, slot->bytes + slot->from, slot->to - slot->from);
		slot->to -= slot->from;
		slot->from = 0;
	}
	if (slot->to * 2 > slot->room && slot->room < max_record + SLOT_BYTES) {
		slot->room = slot->room < max_record ? slot->room * 2 : max_record + 2 * SLOT_BYTES;
		slot->bytes = mem_resize(slot->bytes, 1, slot->room + FOLLOW_PAD);
	}
	return slot->room - slot->to;
}

static void refuse(const struct follow_sink *sink, const struct follow_file *file,
	struct text bytes, int64_t line, int64_t offset, int64_t length, const char *reason)
{
	struct follow_record record = {
		.bytes = bytes,
		.path = file->path,
		.device = file->device,
		.inode = file->inode,
		.head_hash = file->head_hash,
		.head_len = file->head_len,
		.compressed = file->compressed,
		.line = line,
		.offset = offset,
		.refused = reason,
		.length = length,
	};

	sink->record(sink->context, &record);
}

enum fill { FILL_SOME, FILL_NONE, FILL_ENDED, FILL_DAMAGED, FILL_ERROR };

static enum fill fill_plain(struct follow_slot *slot, struct follow_file *file, size_t space)
{
	ssize_t got = read_at(file->fd, slot->bytes + slot->to, space, slot->disk_at);

	if (got < 0)
		return FILL_ERROR;
	slot->to += (size_t)got;
	slot->disk_at += got;
	return got > 0 ? FILL_SOME : FILL_NONE;
}

/* Compressed bytes into the stream; a further member of the file begins where one ended. */
static enum fill feed(struct follow_slot *slot, struct follow_file *file)
{
	if (slot->stream.avail_in == 0) {
		ssize_t got = read_at(file->fd, slot->packed, PACKED_BYTES, slot->disk_at);

		if (got < 0)
			return FILL_ERROR;
		if (got == 0)
			return slot->member_ended ? FILL_ENDED : FILL_NONE;
		slot->disk_at += got;
		slot->stream.next_in = slot->packed;
		slot->stream.avail_in = (uInt)got;
	}
	if (slot->member_ended) {
		if (*slot->stream.next_in != 0x1f) /* padding behind the last member */
			return FILL_ENDED;
		if (inflateReset(&slot->stream) != Z_OK)
			return FILL_DAMAGED;
		slot->member_ended = false;
	}
	return FILL_SOME;
}

static enum fill fill_packed(
	struct follow_slot *slot, struct follow_file *file, size_t space, int64_t deadline_ms,
	const struct clock *clock)
{
	for (;;) {
		enum fill fed = feed(slot, file);
		size_t got;
		int said;

		if (fed != FILL_SOME)
			return fed;
		slot->stream.next_out = (unsigned char *)slot->bytes + slot->to;
		slot->stream.avail_out = (uInt)space;
		said = inflate(&slot->stream, Z_NO_FLUSH);
		got = space - slot->stream.avail_out;
		if (said == Z_STREAM_END)
			slot->member_ended = true;
		else if (said != Z_OK && said != Z_BUF_ERROR)
			return FILL_DAMAGED;
		if ((int64_t)got <= slot->discard) { /* given already, before a restart */
			slot->discard -= (int64_t)got;
			slot->at += (int64_t)got;
			if (clock->mono_ms(clock) >= deadline_ms)
				return FILL_SOME;
			continue;
		}
		if (slot->discard > 0) {
			memmove(slot->bytes + slot->to, slot->bytes + slot->to + slot->discard,
				got - (size_t)slot->discard);
			got -= (size_t)slot->discard;
			slot->at += slot->discard;
			slot->discard = 0;
		}
		slot->to += got;
		return FILL_SOME;
	}
}

/* The record at the head of the window goes to the sink; the file's position moves behind it. */
static void deliver(struct follow *follow, struct follow_file *file, const struct framed *framed,
	bool is_long, const struct follow_sink *sink)
{
	struct follow_slot *slot = &follow->slot;
	char reason[64];
	struct follow_record record = {
		.bytes = framed->record,
		.path = file->path,
		.device = file->device,
		.inode = file->inode,
		.head_hash = file->head_hash,
		.head_len = file->head_len,
		.compressed = file->compressed,
		.line = framed->line,
		.offset = slot->at + (int64_t)framed->lead,
		.length = framed->length,
	};

	if (is_long) {
		(void)snprintf(reason, sizeof reason, "longer than %zu bytes (max_record)",
			follow->options.max_record);
		record.refused = reason;
		if (framed->length > (int64_t)framed->used) /* it began in windows before this one */
			record.offset = slot->at + (int64_t)framed->used - framed->length;
	}
	sink->record(sink->context, &record);
}

/* The file's kept position becomes the window's head. */
static void keep_position(struct follow *follow, struct follow_file *file)
{
	const struct follow_slot *slot = &follow->slot;

	if (file->offset == slot->at && file->line == slot->framer.line &&
		file->in_array == slot->framer.in_array)
		return;
	file->offset = slot->at;
	file->line = slot->framer.line;
	file->in_array = slot->framer.in_array;
	follow->moved = true;
}

/* All whole records in the window; false when the budget ended first. */
static bool take_records(struct follow *follow, struct follow_file *file, enum frame_end end,
	const struct follow_sink *sink, size_t *budget)
{
	struct follow_slot *slot = &follow->slot;

	while (*budget > 0) {
		struct text window = { slot->bytes + slot->from, slot->to - slot->from };
		struct framed framed;
		enum frame frame = frame_next(&slot->framer, window, end, &framed);

		if (frame != FRAME_MORE)
			deliver(follow, file, &framed, frame == FRAME_LONG, sink);
		slot->from += framed.used;
		slot->at += (int64_t)framed.used;
		*budget -= framed.used < *budget ? framed.used : *budget;
		if (!slot->framer.skipping && slot->discard == 0)
			keep_position(follow, file);
		if (frame == FRAME_MORE)
			return true;
	}
	return false;
}

/* What the disk says now, taken before reading so that what grows meanwhile is seen later. */
static bool look(struct follow *follow, struct follow_file *file, struct err *err)
{
	struct stat now;

	if (file->fd < 0) {
		file->fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		if (file->fd < 0)
			return err_errno(err, errno, "read %s", file->path);
	}
	if (fstat(file->fd, &now) != 0)
		return err_errno(err, errno, "look at %s", file->path);
	if ((int64_t)now.st_dev != file->device || (int64_t)now.st_ino != file->inode) {
		(void)close(file->fd); /* only read */
		file->fd = -1;
		follow->scan_due = true;
		return err_set(err, ERR_ABSENT, 0, "%s was replaced", file->path);
	}
	file->size = now.st_size;
	file->mtime_ns = follow_mtime_ns(&now);
	return true;
}

static void lost(struct follow *follow, struct follow_file *file)
{
	log_line(LOG_INFO, "eventlog", "%s: truncated or replaced; read from its begin", file->path);
	follow_slot_drop(&follow->slot);
	follow_file_renew(file);
	file->forced = true;
	follow->scan_due = true; /* a copy of what was cut may lie beside it */
	follow->moved = true;
}

static enum follow_read settle(struct follow *follow, struct follow_file *file)
{
	file->settled_size = file->size;
	file->settled_mtime_ns = file->mtime_ns;
	file->tail_hash = tail_hash(file, file->size);
	file->forced = false;
	follow->moved = true;
	return READ_END;
}

/* The bytes end for good: gzip's end, or a damaged place. */
static enum follow_read finish(struct follow *follow, struct follow_file *file,
	const struct follow_sink *sink, const char *damage, size_t *budget)
{
	struct follow_slot *slot = &follow->slot;

	if (!take_records(follow, file, FRAME_FINAL, sink, budget))
		return READ_MORE;
	if (damage)
		refuse(sink, file, TEXT(""), slot->framer.line, slot->at, FOLLOW_HEAD_MAX, damage);
	follow_slot_drop(slot);
	return settle(follow, file);
}

static enum follow_read at_end(struct follow *follow, struct follow_file *file,
	const struct follow_sink *sink, bool once, size_t *budget)
{
	const struct clock *clock = follow->options.clock;
	bool quiet = clock->wall_ms(clock) - file->mtime_ns / 1000000 > QUIET_MS;

	if (file->gone_ms != 0) /* it may come back: its half line is not given up */
		return settle(follow, file);
	if (file->compressed && (once || quiet))
		return finish(follow, file, sink, "the gzip file ends early", budget);
	if (file->compressed && file->size != 0) {
		file->forced = true; /* being written: look again until it is whole or quiet */
		return READ_END;
	}
	return settle(follow, file);
}

static enum follow_read open_file(struct follow *follow, struct follow_file *file)
{
	struct err err = ERR_INIT;

	if (!look(follow, file, &err)) {
		(void)snprintf(follow->problem, sizeof follow->problem, "%s", err.text);
		file->denied = true;
		return READ_END;
	}
	if ((!file->compressed && file->size < file->offset) || !head_holds(file) ||
		!tail_holds(file)) {
		lost(follow, file);
		return READ_LOST;
	}
	if (follow->slot.owner == file)
		return READ_MORE;
	if (slot_take(follow, file))
		return READ_MORE;
	file->denied = true;
	return READ_END;
}

enum follow_read follow_read(struct follow *follow, struct follow_file *file,
	const struct follow_sink *sink, size_t *budget, int64_t deadline_ms, bool once)
{
	const struct clock *clock = follow->options.clock;
	struct follow_slot *slot = &follow->slot;
	enum follow_read opened = open_file(follow, file);

	if (opened != READ_MORE)
		return opened;
	for (;;) {
		size_t space;
		enum fill filled;

		if (!take_records(follow, file, FRAME_OPEN, sink, budget))
			return READ_MORE;
		if (clock->mono_ms(clock) >= deadline_ms)
			return READ_MORE;
		space = make_space(slot, follow->options.max_record);
		filled = slot->inflating
			? fill_packed(slot, file, space, deadline_ms, clock)
			: fill_plain(slot, file, space);
		/* Bytes read behind a truncation are another life's: they are not framed. */
		if (filled == FILL_SOME && !head_holds(file)) {
			lost(follow, file);
			return READ_LOST;
		}
		switch (filled) {
		case FILL_SOME:
			break;
		case FILL_NONE:
			return at_end(follow, file, sink, once, budget);
		case FILL_ENDED:
			return finish(follow, file, sink, NULL, budget);
		case FILL_DAMAGED:
			return finish(follow, file, sink, "the gzip file is damaged here", budget);
		case FILL_ERROR:
			(void)snprintf(follow->problem, sizeof follow->problem, "read %s: %s",
				file->path, strerror(errno));
			file->denied = true;
			return READ_END;
		}
	}
}
