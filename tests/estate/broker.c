/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/estate/broker.h"

#include <arpa/inet.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

enum { LINKS_MAX = 64, GROUPS_MAX = 16, PENDING_MAX = 256, FRAME_MAX_BYTES = 64 << 20 };

/* Keys of Kafka's protocol. */
enum { API_METADATA = 3, API_FIND_COORDINATOR = 10, API_DESCRIBE_GROUPS = 15, API_LIST_GROUPS = 16,
	API_VERSIONS = 18, API_DESCRIBE_CONFIGS = 32 };

struct pending {
	uint32_t correlation;
	int api, version;
};

struct link { /* one client, and its connection to the mock */
	int client, server;
	struct buf from_client, from_server;
	struct pending pending[PENDING_MAX]; /* a ring: answers come in the order of requests */
	size_t first, npending;
};

struct group {
	char name[80];
	_Atomic int members;
};

struct broker {
	rd_kafka_t *client; /* whose mock cluster it is */
	int listener, port, mock_port;
	char inside[64];
	pthread_t thread;
	_Atomic bool stopping;
	struct link *links[LINKS_MAX];
	struct group groups[GROUPS_MAX];
	_Atomic size_t ngroups;
};

int listen_on_loopback(int *port_out)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 64) != 0 ||
		getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
		(void)close(fd);
		return -1;
	}
	*port_out = ntohs(address.sin_port);
	return fd;
}

/* ---- the protocol's primitives ---- */

static void put(struct buf *out, uint64_t value, int bytes)
{
	for (int i = bytes - 1; i >= 0; i--)
		(void)buf_add_char(out, (char)(value >> (8 * i)));
}

static void put_text(struct buf *out, struct text text)
{
	put(out, text.len, 2);
	(void)buf_add(out, text);
}

static void put_compact(struct buf *out, const char *text)
{
	put(out, strlen(text) + 1, 1); /* short: one byte of length */
	(void)buf_add_str(out, text);
}

static uint32_t get(const char *bytes, int n)
{
	uint32_t value = 0;

	for (int i = 0; i < n; i++)
		value = value << 8 | (unsigned char)bytes[i];
	return value;
}

struct in {
	const char *at, *end;
};

static uint32_t take(struct in *in, int bytes)
{
	uint32_t value = in->end - in->at >= bytes ? get(in->at, bytes) : 0;

	in->at += in->end - in->at >= bytes ? bytes : in->end - in->at;
	return value;
}

static struct text take_text(struct in *in)
{
	int16_t len = (int16_t)take(in, 2);
	struct text text = { in->at, len > 0 ? (size_t)len : 0 };

	if ((size_t)(in->end - in->at) < text.len)
		text.len = (size_t)(in->end - in->at);
	in->at += text.len;
	return text;
}

static const char *state_of(int members)
{
	return members > 0 ? "Stable" : "Empty";
}

/* ---- what the mock cannot answer ---- */

static void list_groups(struct broker *broker, int version, struct buf *out)
{
	size_t n = atomic_load(&broker->ngroups);

	if (version >= 3)
		put(out, 0, 1); /* tags of the header */
	if (version >= 1)
		put(out, 0, 4);
	put(out, 0, 2);
	put(out, version >= 3 ? n + 1 : n, version >= 3 ? 1 : 4);
	for (size_t i = 0; i < n; i++) {
		if (version >= 3) {
			put_compact(out, broker->groups[i].name);
			put_compact(out, "consumer");
			if (version >= 4)
				put_compact(out, state_of(atomic_load(&broker->groups[i].members)));
			put(out, 0, 1);
		} else {
			put_text(out, text_of(broker->groups[i].name));
			put_text(out, TEXT("consumer"));
		}
	}
	if (version >= 3)
		put(out, 0, 1);
}

static int members_of(struct broker *broker, struct text name)
{
	for (size_t i = 0; i < atomic_load(&broker->ngroups); i++) {
		if (text_is(name, broker->groups[i].name))
			return atomic_load(&broker->groups[i].members);
	}
	return -1;
}

static void describe_groups(struct broker *broker, int version, struct in *in, struct buf *out)
{
	uint32_t n = take(in, 4);

	if (version >= 1)
		put(out, 0, 4);
	put(out, n, 4);
	for (uint32_t i = 0; i < n && in->at < in->end; i++) {
		struct text name = take_text(in);
		int members = members_of(broker, name);

		put(out, 0, 2);
		put_text(out, name);
		put_text(out, members < 0 ? TEXT("Dead") : text_of(state_of(members)));
		put_text(out, TEXT("consumer"));
		put_text(out, members > 0 ? TEXT("range") : TEXT(""));
		put(out, members > 0 ? (uint64_t)members : 0, 4);
		for (int k = 0; k < members; k++) {
			put_text(out, TEXT("member"));
			if (version >= 4)
				put(out, 0xffff, 2);
			put_text(out, TEXT("estate"));
			put_text(out, TEXT("/127.0.0.1"));
			put(out, 0, 4);
			put(out, 0, 4);
		}
		if (version >= 3)
			put(out, 0, 4);
	}
}

static void config(struct buf *out, int version, const char *name, const char *value)
{
	put_text(out, text_of(name));
	put_text(out, text_of(value));
	put(out, 0, 1);                    /* read only */
	put(out, version >= 1 ? 5 : 1, 1); /* the default */
	put(out, 0, 1);                    /* sensitive */
	if (version >= 1)
		put(out, 0, 4); /* synonyms */
}

static void describe_configs(int version, struct in *in, struct buf *out)
{
	uint32_t n = take(in, 4);
	char bytes[24];

	(void)snprintf(bytes, sizeof bytes, "%d", BROKER_RETENTION_BYTES);
	put(out, 0, 4);
	put(out, n, 4);
	for (uint32_t i = 0; i < n && in->at < in->end; i++) {
		uint32_t type = take(in, 1);
		struct text name = take_text(in);
		int32_t names = (int32_t)take(in, 4);

		for (int32_t k = 0; k < names && in->at < in->end; k++)
			(void)take_text(in);
		put(out, 0, 2);
		put(out, 0xffff, 2);
		put(out, type, 1);
		put_text(out, name);
		put(out, 3, 4);
		config(out, version, "retention.ms", "-1");
		config(out, version, "retention.bytes", bytes);
		config(out, version, "cleanup.policy", "delete");
	}
}

static bool send_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

static bool answer(struct broker *broker, struct link *link, int api, const char *frame, size_t len)
{
	struct in in = { frame + 12, frame + len };
	int version = (int)get(frame + 6, 2);
	struct buf out;
	bool good;

	buf_init(&out, FRAME_MAX_BYTES);
	put(&out, 0, 4); /* its size, when it is known */
	(void)buf_add_bytes(&out, frame + 8, 4);
	(void)take_text(&in); /* client id */
	if (api == API_LIST_GROUPS)
		list_groups(broker, version, &out);
	else if (api == API_DESCRIBE_GROUPS)
		describe_groups(broker, version, &in, &out);
	else
		describe_configs(version, &in, &out);
	for (int i = 0; i < 4; i++)
		out.bytes[i] = (char)((out.len - 4) >> (24 - 8 * i));
	good = send_all(link->client, out.bytes, out.len);
	buf_done(&out);
	return good;
}

/* ---- what the mock answers, as the front's ---- */

/* "127.0.0.1" with the mock's port behind it becomes the front's: of the same length. */
static void move_ports(const struct broker *broker, char *frame, size_t len)
{
	static const char host[] = "\0\x09" "127.0.0.1";
	size_t room = sizeof host - 1;

	for (size_t at = 8; at + room + 4 <= len; at++) {
		if (memcmp(frame + at, host, room) != 0 ||
			get(frame + at + room, 4) != (uint32_t)broker->mock_port)
			continue;
		for (int i = 0; i < 4; i++)
			frame[at + room + (size_t)i] =
				(char)((uint32_t)broker->port >> (24 - 8 * i));
	}
}

/* The mock names no controller, and some requests go to none other: broker 1 is it. */
static void name_controller(char *frame, size_t len, int version)
{
	struct in in = { frame + 8, frame + len };
	uint32_t brokers;

	if (version < 1 || version > 2)
		return;
	brokers = take(&in, 4);
	for (uint32_t i = 0; i < brokers && in.at < in.end; i++) {
		(void)take(&in, 4);
		(void)take_text(&in);
		(void)take(&in, 4);
		(void)take_text(&in);
	}
	if (version >= 2)
		(void)take_text(&in);
	if (in.end - in.at >= 4)
		memcpy(frame + (in.at - frame), "\0\0\0\1", 4);
}

/* The list of what can be asked gets what the front answers. */
static bool send_versions(struct link *link, const char *frame, size_t len)
{
	static const int more[][3] = { { API_DESCRIBE_GROUPS, 0, 4 }, { API_LIST_GROUPS, 0, 4 },
		{ API_DESCRIBE_CONFIGS, 0, 1 } };
	struct buf out;
	uint32_t n;
	bool good;

	if (len < 14)
		return false;
	n = get(frame + 10, 4);
	buf_init(&out, FRAME_MAX_BYTES);
	put(&out, len - 4 + ARRAY_LEN(more) * 6, 4);
	(void)buf_add_bytes(&out, frame + 4, 6);
	put(&out, n + ARRAY_LEN(more), 4);
	for (size_t i = 0; i < ARRAY_LEN(more); i++) {
		for (int k = 0; k < 3; k++)
			put(&out, (uint64_t)more[i][k], 2);
	}
	(void)buf_add_bytes(&out, frame + 14, len - 14);
	good = send_all(link->client, out.bytes, out.len);
	buf_done(&out);
	return good;
}

static bool take_request(struct broker *broker, struct link *link, char *frame, size_t len)
{
	int api = len >= 14 ? (int)get(frame + 4, 2) : -1;

	if (api < 0)
		return false;
	if (api == API_LIST_GROUPS || api == API_DESCRIBE_GROUPS || api == API_DESCRIBE_CONFIGS)
		return answer(broker, link, api, frame, len);
	if (link->npending == PENDING_MAX)
		return false;
	link->pending[(link->first + link->npending++) % PENDING_MAX] =
		(struct pending){ get(frame + 8, 4), api, (int)get(frame + 6, 2) };
	return send_all(link->server, frame, len);
}

static bool take_answer(struct broker *broker, struct link *link, char *frame, size_t len)
{
	int api = -1;
	int version = 0;

	/* A request without an answer (produce without acknowledgment) is passed over. */
	while (link->npending > 0 && api < 0 && len >= 8) {
		const struct pending *pending = &link->pending[link->first];

		if (pending->correlation == get(frame + 4, 4))
			api = pending->api;
		version = pending->version;
		link->first = (link->first + 1) % PENDING_MAX;
		link->npending--;
	}
	if (api == API_VERSIONS)
		return send_versions(link, frame, len);
	if (api == API_METADATA || api == API_FIND_COORDINATOR)
		move_ports(broker, frame, len);
	if (api == API_METADATA)
		name_controller(frame, len, version);
	return send_all(link->client, frame, len);
}

/* Reads what is there and hands on every whole frame. */
static bool move_frames(struct broker *broker, struct link *link, bool is_client)
{
	struct buf *buf = is_client ? &link->from_client : &link->from_server;
	char *room = buf_reserve(buf, 1 << 16);
	ssize_t n = room ? recv(is_client ? link->client : link->server, room, 1 << 16, 0) : 0;
	size_t at = 0;

	if (n <= 0)
		return false;
	buf->len += (size_t)n;
	while (buf->len - at >= 4) {
		size_t len = (size_t)get(buf->bytes + at, 4) + 4;

		if (len > FRAME_MAX_BYTES)
			return false;
		if (buf->len - at < len)
			break;
		if (!(is_client ? take_request : take_answer)(broker, link, buf->bytes + at, len))
			return false;
		at += len;
	}
	memmove(buf->bytes, buf->bytes + at, buf->len - at);
	buf_cut(buf, buf->len - at);
	return true;
}

static void close_link(struct broker *broker, size_t place)
{
	struct link *link = broker->links[place];

	(void)close(link->client);
	(void)close(link->server);
	buf_done(&link->from_client);
	buf_done(&link->from_server);
	FREE(&broker->links[place]);
}

static void open_link(struct broker *broker)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)broker->mock_port) };
	int client = accept4(broker->listener, NULL, NULL, SOCK_CLOEXEC);
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int one = 1;
	size_t place = 0;

	while (place < LINKS_MAX && broker->links[place])
		place++;
	if (client < 0 || server < 0 || place == LINKS_MAX ||
		connect(server, (struct sockaddr *)&address, sizeof address) != 0) {
		if (client >= 0)
			(void)close(client);
		if (server >= 0)
			(void)close(server);
		return;
	}
	(void)setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	(void)setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	broker->links[place] = NEW(struct link);
	broker->links[place]->client = client;
	broker->links[place]->server = server;
	buf_init(&broker->links[place]->from_client, FRAME_MAX_BYTES);
	buf_init(&broker->links[place]->from_server, FRAME_MAX_BYTES);
}

static void *run_front(void *context)
{
	struct broker *broker = context;

	while (!atomic_load(&broker->stopping)) {
		struct pollfd fds[LINKS_MAX * 2 + 1];
		size_t places[LINKS_MAX * 2 + 1];
		nfds_t n = 1;

		fds[0] = (struct pollfd){ .fd = broker->listener, .events = POLLIN };
		for (size_t i = 0; i < LINKS_MAX; i++) {
			if (!broker->links[i])
				continue;
			places[n] = i;
			fds[n++] = (struct pollfd){ .fd = broker->links[i]->client, .events = POLLIN };
			places[n] = i;
			fds[n++] = (struct pollfd){ .fd = broker->links[i]->server, .events = POLLIN };
		}
		if (poll(fds, n, 100) <= 0)
			continue;
		for (nfds_t i = 1; i < n; i++) {
			struct link *link = broker->links[places[i]];

			if (link && fds[i].revents &&
				!move_frames(broker, link, fds[i].fd == link->client))
				close_link(broker, places[i]);
		}
		if (fds[0].revents)
			open_link(broker);
	}
	for (size_t i = 0; i < LINKS_MAX; i++) {
		if (broker->links[i])
			close_link(broker, i);
	}
	return NULL;
}

/* ---- the mock ---- */

/* The mock's thread wakes at requests only: without any, making a topic takes a second. */
static void *keep_awake(void *context)
{
	struct broker *broker = context;
	char words[200];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_t *client;

	(void)rd_kafka_conf_set(conf, "bootstrap.servers", broker->inside, words, sizeof words);
	client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, words, sizeof words);
	while (client && !atomic_load(&broker->stopping)) {
		const struct rd_kafka_metadata *metadata = NULL;

		if (rd_kafka_metadata(client, 0, NULL, &metadata, 100) == RD_KAFKA_RESP_ERR_NO_ERROR)
			rd_kafka_metadata_destroy(metadata);
	}
	if (client)
		rd_kafka_destroy(client);
	return NULL;
}

static bool open_mock(struct broker *broker, const struct broker_topic *topics, size_t n)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_mock_cluster_t *mock;
	const char *colon;
	char words[200];
	bool good = true;

	(void)rd_kafka_conf_set(conf, "test.mock.num.brokers", "1", words, sizeof words);
	rd_kafka_conf_set_log_cb(conf, NULL);
	broker->client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, words, sizeof words);
	mock = broker->client ? rd_kafka_handle_mock_cluster(broker->client) : NULL;
	if (!mock)
		return false;
	(void)snprintf(broker->inside, sizeof broker->inside, "%s",
		rd_kafka_mock_cluster_bootstraps(mock));
	colon = strrchr(broker->inside, ':');
	broker->mock_port = colon ? atoi(colon + 1) : 0;
	if (pthread_create(&broker->thread, NULL, keep_awake, broker) != 0)
		return false;
	for (size_t i = 0; i < n; i++)
		good = good && rd_kafka_mock_topic_create(mock, topics[i].name,
				       topics[i].partitions, 1) == RD_KAFKA_RESP_ERR_NO_ERROR;
	atomic_store(&broker->stopping, true);
	(void)pthread_join(broker->thread, NULL);
	atomic_store(&broker->stopping, false);
	return good && broker->mock_port > 0;
}

struct broker *broker_open(const struct broker_topic *topics, size_t n)
{
	struct broker *broker = NEW(struct broker);

	broker->listener = listen_on_loopback(&broker->port);
	if (broker->listener >= 0 && open_mock(broker, topics, n) &&
		pthread_create(&broker->thread, NULL, run_front, broker) == 0)
		return broker;
	if (broker->client)
		rd_kafka_destroy(broker->client);
	if (broker->listener >= 0)
		(void)close(broker->listener);
	free(broker);
	return NULL;
}

const char *broker_inside(const struct broker *broker)
{
	return broker->inside;
}

int broker_port(const struct broker *broker)
{
	return broker->port;
}

void broker_group(struct broker *broker, const char *group, int members)
{
	size_t n = atomic_load(&broker->ngroups);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(broker->groups[i].name, group) == 0) {
			atomic_store(&broker->groups[i].members, members);
			return;
		}
	}
	if (n == GROUPS_MAX)
		return;
	(void)snprintf(broker->groups[n].name, sizeof broker->groups[n].name, "%s", group);
	atomic_store(&broker->groups[n].members, members);
	atomic_store(&broker->ngroups, n + 1);
}

void broker_close(struct broker *broker)
{
	if (!broker)
		return;
	atomic_store(&broker->stopping, true);
	(void)pthread_join(broker->thread, NULL);
	(void)close(broker->listener);
	rd_kafka_destroy(broker->client);
	free(broker);
}
