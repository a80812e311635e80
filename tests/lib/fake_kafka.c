/* SPDX-License-Identifier: Apache-2.0 */
/* The cluster's process: its listeners and connections. */
#include "tests/lib/fake_kafka.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "tests/lib/fake_kafka_answers.h"

enum { CONNECTIONS_MAX = 128, IN_MAX = 32 << 20 };

struct connection {
	int fd, broker;
	struct buf in;
};

static bool send_all(int fd, const struct buf *out)
{
	size_t sent = 0;

	while (sent < out->len) {
		ssize_t took = send(fd, out->bytes + sent, out->len - sent, MSG_NOSIGNAL);

		if (took < 0 && errno == EINTR)
			continue;
		if (took <= 0)
			return false;
		sent += (size_t)took;
	}
	return true;
}

/* Handles what is complete; false when the connection ended. */
static bool serve(struct fake_kafka *fake, struct connection *connection, struct buf *out)
{
	char *room = buf_reserve(&connection->in, 65536);
	ssize_t got = read(connection->fd, room, 65536);
	size_t used = 0;

	if (got <= 0)
		return false;
	connection->in.len += (size_t)got;
	while (connection->in.len - used >= 4) {
		const unsigned char *bytes = (const unsigned char *)connection->in.bytes + used;
		struct take head = { bytes, bytes + 4 };
		size_t len = (size_t)take_int(&head, 4);
		struct take body = { bytes + 4, bytes + 4 + len };

		if (connection->in.len - used < 4 + len)
			break;
		used += 4 + len;
		buf_reset(out);
		if (fake_kafka_answer(fake, connection->broker, &body, out) && !send_all(connection->fd, out))
			return false;
	}
	memmove(connection->in.bytes, connection->in.bytes + used, connection->in.len - used);
	buf_cut(&connection->in, connection->in.len - used);
	return true;
}

static void hang_up(struct connection *connection)
{
	(void)close(connection->fd);
	buf_done(&connection->in);
	connection->fd = -1;
}

static void run(struct fake_kafka *fake, const int *listeners)
{
	static struct connection connections[CONNECTIONS_MAX];
	struct pollfd fds[FAKE_BROKERS_MAX + CONNECTIONS_MAX];
	struct buf out;

	buf_init(&out, FAKE_ANSWER_MAX);
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		connections[i].fd = -1;
	for (;;) {
		int down = atomic_load(&fake->down);

		for (int b = 0; b < fake->brokers; b++)
			fds[b] = (struct pollfd){ .fd = listeners[b], .events = POLLIN };
		for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
			if (connections[i].fd >= 0 && (down & 1 << connections[i].broker))
				hang_up(&connections[i]);
			fds[fake->brokers + (int)i] =
				(struct pollfd){ .fd = connections[i].fd, .events = POLLIN };
		}
		atomic_store(&fake->down_now, down);
		(void)poll(fds, (nfds_t)fake->brokers + CONNECTIONS_MAX, 50);
		for (int b = 0; b < fake->brokers; b++) {
			int fd = fds[b].revents & POLLIN ? accept(listeners[b], NULL, NULL) : -1;
			size_t at = 0;

			while (at < CONNECTIONS_MAX && connections[at].fd >= 0)
				at++;
			if (fd >= 0 && (at == CONNECTIONS_MAX || (down & 1 << b))) {
				(void)close(fd);
			} else if (fd >= 0) {
				int one = 1;

				(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
				connections[at].fd = fd;
				connections[at].broker = b;
				buf_init(&connections[at].in, IN_MAX);
			}
		}
		for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
			if (connections[i].fd >= 0 && connections[i].fd == fds[fake->brokers + (int)i].fd &&
				fds[fake->brokers + (int)i].revents && !serve(fake, &connections[i], &out))
				hang_up(&connections[i]);
		}
	}
}

struct fake_kafka *fake_kafka_new(void)
{
	struct fake_kafka *fake = mmap(NULL, sizeof *fake, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert(fake != MAP_FAILED);
	memset(fake, 0, sizeof *fake);
	fake->offset_fetch_max = 7;
	return fake;
}

void fake_kafka_start(struct fake_kafka *fake)
{
	int listeners[FAKE_BROKERS_MAX];
	pid_t pid;

	for (int b = 0; b < fake->brokers; b++) {
		struct sockaddr_in address = { .sin_family = AF_INET,
			.sin_addr = { htonl(INADDR_LOOPBACK) } };
		socklen_t len = sizeof address;
		int good;

		listeners[b] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		good = bind(listeners[b], (struct sockaddr *)&address, sizeof address) == 0 &&
			listen(listeners[b], 64) == 0 &&
			getsockname(listeners[b], (struct sockaddr *)&address, &len) == 0;
		assert(good);
		(void)good;
		fake->ports[b] = ntohs(address.sin_port);
	}
	pid = fork();
	assert(pid >= 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		run(fake, listeners);
	}
	fake->pid = pid; /* not before: the memory is shared */
	for (int b = 0; b < fake->brokers; b++)
		(void)close(listeners[b]);
}

void fake_kafka_down(struct fake_kafka *fake, int brokers)
{
	const struct timespec moment = { .tv_nsec = 1000000 };
	int tries = 0;

	atomic_store(&fake->down, brokers);
	while (atomic_load(&fake->down_now) != brokers && tries++ < 60000)
		(void)nanosleep(&moment, NULL);
	assert(atomic_load(&fake->down_now) == brokers);
}

void fake_kafka_stop(struct fake_kafka *fake)
{
	if (fake->pid > 0) {
		(void)kill(fake->pid, SIGKILL);
		(void)waitpid(fake->pid, NULL, 0);
	}
	(void)munmap(fake, sizeof *fake);
}
