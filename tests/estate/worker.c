/* SPDX-License-Identifier: Apache-2.0 */
/* Kafka Connect's REST interface, as far as it is asked: one reply to every GET. */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/estate/broker.h"

struct worker {
	const char *reply;
	int listener, port;
	pthread_t thread;
	_Atomic bool stopping;
};

static void serve(const struct worker *worker, int client)
{
	char request[4096];
	char head[200];
	int len;
	struct pollfd ready = { .fd = client, .events = POLLIN };

	if (poll(&ready, 1, 1000) != 1 || recv(client, request, sizeof request, 0) <= 0)
		return;
	len = snprintf(head, sizeof head,
		"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
		"Connection: close\r\n\r\n", strlen(worker->reply));
	(void)send(client, head, (size_t)len, MSG_NOSIGNAL);
	(void)send(client, worker->reply, strlen(worker->reply), MSG_NOSIGNAL);
}

static void *run(void *context)
{
	struct worker *worker = context;

	while (!atomic_load(&worker->stopping)) {
		struct pollfd ready = { .fd = worker->listener, .events = POLLIN };
		int client;

		if (poll(&ready, 1, 100) != 1)
			continue;
		client = accept4(worker->listener, NULL, NULL, SOCK_CLOEXEC);
		if (client < 0)
			continue;
		serve(worker, client);
		(void)close(client);
	}
	return NULL;
}

struct worker *worker_open(const char *reply)
{
	struct worker *worker = NEW(struct worker);

	worker->reply = reply;
	worker->listener = listen_on_loopback(&worker->port);
	if (worker->listener >= 0 && pthread_create(&worker->thread, NULL, run, worker) == 0)
		return worker;
	if (worker->listener >= 0)
		(void)close(worker->listener);
	free(worker);
	return NULL;
}

int worker_port(const struct worker *worker)
{
	return worker->port;
}

void worker_close(struct worker *worker)
{
	if (!worker)
		return;
	atomic_store(&worker->stopping, true);
	(void)pthread_join(worker->thread, NULL);
	(void)close(worker->listener);
	free(worker);
}
