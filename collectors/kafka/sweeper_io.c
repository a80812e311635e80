/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/utf8.h"
#include "collectors/kafka/sweeper_parts.h"

enum { READ_BYTES = 65536 };

int64_t sweeper_now(const struct sweeper *sweeper)
{
	return sweeper->clock->mono_ms(sweeper->clock);
}

void sweeper_send(struct sweeper *sweeper)
{
	size_t sent = 0;

	while (sent < sweeper->out.len && !sweeper->ended) {
		ssize_t took = send(sweeper->fd, sweeper->out.bytes + sent, sweeper->out.len - sent,
			MSG_NOSIGNAL);

		if (took < 0 && errno == EINTR)
			continue;
		if (took < 0)
			sweeper->ended = true;
		else
			sent += (size_t)took;
	}
	buf_reset(&sweeper->out);
	sweeper->beat_at_ms = sweeper_now(sweeper);
}

static void clean_into(char *out, size_t size, const char *fmt, va_list args)
	__attribute__((format(printf, 3, 0)));

static void clean_into(char *out, size_t size, const char *fmt, va_list args)
{
	char text[512];
	struct buf clean;

	(void)vsnprintf(text, sizeof text, fmt, args); /* cut is fine */
	buf_init(&clean, size - 1);
	(void)utf8_clean(&clean, text_of(text), UTF8_ONE_LINE);
	(void)snprintf(out, size, "%s", clean.bytes);
	buf_done(&clean);
}

void sweeper_log(struct sweeper *sweeper, int level, const char *fmt, ...)
{
	char text[400];
	size_t begun;
	va_list args;

	va_start(args, fmt);
	clean_into(text, sizeof text, fmt, args);
	va_end(args);
	begun = wire_begin(&sweeper->out, WIRE_LOG);
	wire_u8(&sweeper->out, (uint8_t)level);
	wire_text(&sweeper->out, text_of(text));
	(void)wire_end(&sweeper->out, begun); /* short */
}

void sweeper_problem(struct sweeper *sweeper, const char *fmt, ...)
{
	va_list args;

	if (sweeper->problem[0] != '\0')
		return;
	va_start(args, fmt);
	clean_into(sweeper->problem, sizeof sweeper->problem, fmt, args);
	va_end(args);
}

void sweeper_beat(struct sweeper *sweeper)
{
	if (sweeper_now(sweeper) - sweeper->beat_at_ms < BEAT_MS)
		return;
	(void)wire_end(&sweeper->out, wire_begin(&sweeper->out, WIRE_BEAT));
	sweeper_send(sweeper);
}

void sweeper_breathe(struct sweeper *sweeper)
{
	client_poll(sweeper, 0);
	sampler_run(sweeper, 0);
	sweeper_beat(sweeper);
}

/* The bytes of the order before this one go; its body was lent until now. */
static void drop_used(struct sweeper *sweeper)
{
	size_t left = sweeper->in.len - sweeper->in_used;

	if (sweeper->in_used == 0)
		return;
	memmove(sweeper->in.bytes, sweeper->in.bytes + sweeper->in_used, left);
	buf_cut(&sweeper->in, left);
	sweeper->in_used = 0;
}

bool sweeper_order(struct sweeper *sweeper, int64_t ms, enum wire_kind *kind_out,
	struct wire_in *body_out)
{
	drop_used(sweeper);
	while (!sweeper->ended) {
		struct pollfd fd = { .fd = sweeper->fd, .events = POLLIN };
		struct text rest = buf_text(&sweeper->in);
		enum wire_cut cut = wire_cut(&rest, kind_out, body_out);
		ssize_t got;
		char *room;

		if (cut == WIRE_CUT) {
			sweeper->in_used = sweeper->in.len - rest.len;
			return true;
		}
		if (cut == WIRE_MORE && poll(&fd, 1, (int)ms) <= 0)
			return false;
		room = cut == WIRE_MORE ? buf_reserve(&sweeper->in, READ_BYTES) : NULL;
		got = room ? read(sweeper->fd, room, READ_BYTES) : 0;
		if (got < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (got <= 0)
			sweeper->ended = true;
		else
			sweeper->in.len += (size_t)got;
		ms = 0;
	}
	return false;
}
