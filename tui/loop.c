/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "tui/action.h"

/* Keys handled between two frames, so that a flood of input cannot keep the screen from changing. */
enum { KEYS_A_FRAME = 64 };

static int signal_pipe[2] = { -1, -1 };

static const struct {
	int number;
	enum loop_signal meaning;
} signals[] = {
	{ SIGWINCH, LOOP_RESIZE }, { SIGTSTP, LOOP_STOP }, { SIGCONT, LOOP_CONTINUE },
	{ SIGCHLD, LOOP_CHILD },   { SIGTERM, LOOP_LEAVE }, { SIGHUP, LOOP_LEAVE },
	{ SIGINT, LOOP_LEAVE },    { SIGQUIT, LOOP_LEAVE },
};

static void on_signal(int number)
{
	int before = errno;
	unsigned char byte = (unsigned char)number;

	/* A full pipe already wakes the loop; the byte may be lost. */
	(void)!write(signal_pipe[1], &byte, 1);
	errno = before;
}

static bool signals_begin(struct err *err)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	if (pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) != 0)
		return err_errno(err, errno, "make a pipe for signals");
	sigfillset(&action.sa_mask);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		sigaction(signals[i].number, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	return true;
}

static void signals_end(void)
{
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		signal(signals[i].number, SIG_DFL);
	(void)close(signal_pipe[0]);
	(void)close(signal_pipe[1]);
}

/* False when one of them says to leave. */
static bool signals_take(const struct loop_ops *ops, void *self)
{
	unsigned char bytes[64];
	ssize_t n = read(signal_pipe[0], bytes, sizeof bytes);
	bool stay = true;

	for (ssize_t i = 0; i < n; i++) {
		for (size_t j = 0; j < ARRAY_LEN(signals); j++) {
			if (signals[j].number != bytes[i])
				continue;
			if (signals[j].meaning == LOOP_LEAVE)
				stay = false;
			ops->signal(self, signals[j].meaning);
		}
	}
	return stay;
}

/* False on a hang-up: readable without end, and nothing there. */
static bool keys_take(int tty, const struct loop_ops *ops, void *self, short events)
{
	int waiting = 0, taken = 0;

	if (events & (POLLHUP | POLLERR | POLLNVAL))
		return false;
	if ((events & POLLIN) && (ioctl(tty, FIONREAD, &waiting) != 0 || waiting == 0))
		return false;
	while (taken < KEYS_A_FRAME) {
		int key = ops->key(self);

		if (key == KEY_NONE_)
			break;
		if (key == KEY_HANGUP_)
			return false;
		ops->press(self, key);
		taken++;
		if (ops->is_over(self))
			break;
	}
	return true;
}

bool loop_run(int tty, const struct loop_ops *ops, void *self, struct err *err)
{
	bool stay = true;

	if (!signals_begin(err))
		return false;
	while (stay) {
		struct pollfd fds[2] = { { tty, POLLIN, 0 }, { signal_pipe[0], POLLIN, 0 } };

		if (ops->is_over(self))
			break;
		ops->draw(self);
		if (poll(fds, 2, ops->timeout_ms(self)) < 0 && errno != EINTR) {
			signals_end();
			return err_errno(err, errno, "wait for keys");
		}
		if (fds[1].revents)
			stay = signals_take(ops, self);
		/* Keys may wait inside curses, which reads ahead: ask even when the tty is silent. */
		if (stay)
			stay = keys_take(tty, ops, self, fds[0].revents);
		if (stay && !ops->is_over(self))
			ops->tick(self);
	}
	signals_end();
	return true;
}
