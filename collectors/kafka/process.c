/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/kafka/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "base/utf8.h"
#include "collectors/kafka/sweeper.h"
#include "collectors/kafka/wire.h"

enum { READ_BYTES = 256 << 10, IN_MAX_BYTES = 4 * WIRE_FRAME_MAX, SAYS_MAX_BYTES = 4096,
	SEND_S = 2, GRACE_MS = 300 };

extern char **environ;

void process_init(struct process *child)
{
	*child = (struct process){ .fd = -1, .says_fd = -1 };
	buf_init(&child->in, IN_MAX_BYTES);
	buf_init(&child->says, SAYS_MAX_BYTES);
}

/*
 * This very program. The thread sanitizer knows nothing of the threads that librdkafka makes and
 * dies of them: under it, and only then, another build of the program is used.
 */
static const char *program_path(void)
{
#ifdef __SANITIZE_THREAD__
	const char *other = getenv("WEIR_SWEEPER_PROGRAM");

	if (other)
		return other;
#endif
	return "/proc/self/exe";
}

static int spawn(pid_t *pid, int socket_fd, int says_fd)
{
	char program[] = "weir-collect";
	char word[] = KAFKA_SWEEPER_WORD;
	char *argv[] = { program, word, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	sigset_t all;
	int code;

	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	(void)posix_spawnattr_init(&attributes);
	(void)posix_spawnattr_setsigmask(&attributes, &none);
	(void)posix_spawnattr_setsigdefault(&attributes, &all);
	(void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	(void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	(void)posix_spawn_file_actions_adddup2(&actions, says_fd, STDERR_FILENO);
	(void)posix_spawn_file_actions_adddup2(&actions, socket_fd, KAFKA_SWEEPER_FD);
	code = posix_spawn(pid, program_path(), &actions, &attributes, argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)posix_spawnattr_destroy(&attributes);
	return code;
}

bool process_start(struct process *child, struct err *err)
{
	struct timeval patience = { .tv_sec = SEND_S };
	int ends[2];
	int says[2];
	int code;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return err_errno(err, errno, "talk to a Kafka client");
	if (pipe2(says, O_CLOEXEC | O_NONBLOCK) != 0) {
		(void)close(ends[0]);
		(void)close(ends[1]);
		return err_errno(err, errno, "talk to a Kafka client");
	}
	code = spawn(&child->pid, ends[1], says[1]);
	(void)close(ends[1]);
	(void)close(says[1]);
	if (code != 0) {
		(void)close(ends[0]);
		(void)close(says[0]);
		child->pid = 0;
		return err_errno(err, code, "start a Kafka client");
	}
	(void)setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	child->fd = ends[0];
	child->says_fd = says[0];
	buf_reset(&child->in);
	buf_reset(&child->says);
	return true;
}

bool process_send(struct process *child, const struct buf *bytes, struct err *err)
{
	size_t sent = 0;

	while (sent < bytes->len) {
		ssize_t took = send(child->fd, bytes->bytes + sent, bytes->len - sent, MSG_NOSIGNAL);

		if (took < 0 && errno == EINTR)
			continue;
		if (took < 0)
			return err_errno(err, errno, "tell the Kafka client");
		sent += (size_t)took;
	}
	return true;
}

/* The newest of what it says is kept: an assertion comes last. */
static void read_says(struct process *child)
{
	char chunk[1024];
	ssize_t got;

	while ((got = read(child->says_fd, chunk, sizeof chunk)) > 0) {
		if (child->says.len + (size_t)got > SAYS_MAX_BYTES)
			buf_reset(&child->says);
		(void)buf_add_bytes(&child->says, chunk, (size_t)got);
	}
}

bool process_read(struct process *child, bool *heard_out)
{
	read_says(child);
	for (;;) {
		char *room = buf_reserve(&child->in, READ_BYTES);
		ssize_t got;

		if (!room)
			return true; /* frames are cut first */
		got = recv(child->fd, room, READ_BYTES, MSG_DONTWAIT);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK;
		if (got == 0)
			return false;
		*heard_out = true;
		child->in.len += (size_t)got;
	}
}

static bool reap(struct process *child, int *status)
{
	pid_t pid;

	do
		pid = waitpid(child->pid, status, WNOHANG);
	while (pid < 0 && errno == EINTR);
	return pid != 0;
}

static void describe(struct process *child, int status, char *why, size_t size)
{
	struct text rest;
	struct text line;
	struct text last = TEXT("");
	struct buf clean;

	read_says(child);
	rest = buf_text(&child->says);
	while (text_split(&rest, '\n', &line)) {
		if (text_trim(line).len > 0)
			last = text_trim(line);
	}
	buf_init(&clean, 160);
	(void)utf8_clean(&clean, last, UTF8_ONE_LINE); /* cut is fine */
	if (WIFSIGNALED(status))
		(void)snprintf(why, size, "signal %d (%s)%s%s", WTERMSIG(status),
			strsignal(WTERMSIG(status)), clean.len > 0 ? ": " : "", clean.bytes);
	else
		(void)snprintf(why, size, "exit status %d%s%s", WEXITSTATUS(status),
			clean.len > 0 ? ": " : "", clean.bytes);
	buf_done(&clean);
}

void process_end(struct process *child, char *why, size_t size)
{
	int status = 0;
	bool gone = false;

	if (child->pid == 0)
		return;
	(void)close(child->fd); /* it ends by itself now, if it can */
	for (int waited = 0; waited < GRACE_MS && !gone; waited += 10) {
		gone = reap(child, &status);
		if (!gone)
			(void)poll(NULL, 0, 10);
	}
	if (!gone) {
		(void)kill(child->pid, SIGKILL);
		while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
			continue;
	}
	describe(child, status, why, size);
	(void)close(child->says_fd);
	child->pid = 0;
	child->fd = child->says_fd = -1;
}

void process_done(struct process *child)
{
	buf_done(&child->in);
	buf_done(&child->says);
}
