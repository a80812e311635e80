/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "collectors/kafka/sweeper_parts.h"

enum { TOKEN_MAX_BYTES = 64 << 10, COMMAND_MS = 10000, REAP_MS = 10, WHY_BYTES = 80,
	DEFAULT_LIFE_MS = 300000 };

extern char **environ;

struct command {
	struct sweeper *sweeper;
	pid_t pid;
	int fd; /* what it prints */
	int64_t deadline_ms;
};

/*
 * A group of its own, so that what it starts ends with it; signals as a program expects them, though
 * we ignore some; no descriptor of ours. What it says on standard error may hold anything: nowhere.
 */
static int spawn(pid_t *pid, const char *line, int out_fd)
{
	char shell[] = "/bin/sh";
	char option[] = "-c";
	char *argv[] = { shell, option, (char *)line, NULL };
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
	(void)posix_spawnattr_setpgroup(&attributes, 0);
	(void)posix_spawnattr_setflags(&attributes,
		POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	(void)posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
	(void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	(void)posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
	code = posix_spawn(pid, shell, &actions, &attributes, argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)posix_spawnattr_destroy(&attributes);
	return code;
}

/* Waits a moment for fd (-1 = for nothing); the collector hears that we live, or has gone: false. */
static bool wait_on(const struct command *command, int fd)
{
	struct sweeper *sweeper = command->sweeper;
	struct pollfd fds[] = {
		{ .fd = sweeper->fd, .events = POLLRDHUP },
		{ .fd = fd, .events = POLLIN },
	};

	(void)poll(fds, ARRAY_LEN(fds), fd < 0 ? REAP_MS : BEAT_MS);
	if (fds[0].revents & (POLLHUP | POLLRDHUP | POLLERR))
		return false;
	sweeper_beat(sweeper);
	return !sweeper->ended && sweeper_now(sweeper) < command->deadline_ms;
}

static bool read_output(const struct command *command, struct buf *out)
{
	for (;;) {
		char chunk[4096];
		ssize_t got;

		if (!wait_on(command, command->fd))
			return false;
		got = read(command->fd, chunk, sizeof chunk);
		if (got < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (got <= 0)
			return got == 0;
		got = buf_add_bytes(out, chunk, (size_t)got) ? got : -1;
		explicit_bzero(chunk, sizeof chunk);
		if (got < 0)
			return false;
	}
}

/* It closed its output: it is done, or about to be. False: it goes on and on. */
static bool reap(const struct command *command, int *status)
{
	for (;;) {
		pid_t pid = waitpid(command->pid, status, WNOHANG);

		if (pid != 0 && !(pid < 0 && errno == EINTR))
			return pid > 0;
		if (!wait_on(command, -1))
			return false;
	}
}

/* The command's output; why says what went wrong, without the output. */
static bool run_command(struct sweeper *sweeper, struct buf *out, char why[WHY_BYTES])
{
	struct command command = {
		.sweeper = sweeper,
		.deadline_ms = sweeper_now(sweeper) + COMMAND_MS,
	};
	int ends[2];
	int code;
	int status = 0;
	bool good;

	(void)snprintf(why, WHY_BYTES, "it could not be run");
	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK); /* ours alone: programs that print do not ask */
	code = spawn(&command.pid, sweeper->plan.token_command.bytes, ends[1]);
	(void)close(ends[1]);
	command.fd = ends[0];
	good = code == 0 && read_output(&command, out) && reap(&command, &status);
	(void)close(ends[0]);
	if (code != 0)
		return false;
	if (!good) {
		(void)snprintf(why, WHY_BYTES, "it took over %d s or printed too much",
			COMMAND_MS / 1000);
		(void)kill(-command.pid, SIGKILL);
		while (waitpid(command.pid, &status, 0) < 0 && errno == EINTR)
			continue;
		return false;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	if (WIFEXITED(status))
		(void)snprintf(why, WHY_BYTES, "it ended with status %d", WEXITSTATUS(status));
	else
		(void)snprintf(why, WHY_BYTES, "it ended by signal %d", WTERMSIG(status));
	return false;
}

/* Seconds as milliseconds; 0 where there are none, or more than time goes on for. */
static int64_t seconds_of(const json_t *object, const char *key)
{
	int64_t seconds = json_integer_value(json_object_get(object, key));

	return seconds > 0 && seconds < INT64_MAX / 4000 ? seconds * 1000 : 0;
}

/* base64url, as far as it goes. */
static size_t decode_base64url(const char *from, size_t len, char *out, size_t room)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint32_t bits = 0;
	int held = 0;
	size_t n = 0;

	for (size_t i = 0; i < len && n < room; i++) {
		const char *digit = from[i] ? strchr(digits, from[i]) : NULL;

		if (!digit)
			break;
		bits = bits << 6 | (uint32_t)(digit - digits);
		held += 6;
		if (held >= 8) {
			held -= 8;
			out[n++] = (char)(unsigned char)(bits >> held);
		}
	}
	return n;
}

/* Until when, and whose, as far as a JWT tells; others live five minutes. */
static void examine_jwt(const char *token, int64_t *expiry_ms, char *principal, size_t size)
{
	const char *first = strchr(token, '.');
	const char *second = first ? strchr(first + 1, '.') : NULL;
	char claims[8192];
	json_t *json;

	if (!second)
		return;
	json = json_loadb(claims,
		decode_base64url(first + 1, (size_t)(second - first) - 1, claims, sizeof claims), 0,
		NULL);
	if (!json)
		return;
	if (seconds_of(json, "exp") > 0)
		*expiry_ms = seconds_of(json, "exp");
	if (json_is_string(json_object_get(json, "sub")))
		(void)snprintf(principal, size, "%s",
			json_string_value(json_object_get(json, "sub")));
	json_decref(json);
}

/* Why the client cannot use it; NULL when it does. */
static const char *give(rd_kafka_t *client, const char *word, int64_t expiry_ms, int64_t now,
	const char *principal)
{
	char why[256]; /* may quote the token: not told */

	if (expiry_ms <= now)
		return "the token that token_command printed has expired already";
	if (rd_kafka_oauthbearer_set_token(client, word, expiry_ms, principal, NULL, 0, why,
		    sizeof why) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return "the token that token_command printed is not accepted";
	return NULL;
}

/* JSON with access_token, or a first line that is the token. */
static void use_output(struct sweeper *sweeper, rd_kafka_t *client, struct buf *out)
{
	int64_t now = sweeper->clock->wall_ms(sweeper->clock);
	int64_t expiry_ms = now + DEFAULT_LIFE_MS;
	char principal[128] = "weir";
	char line[TOKEN_MAX_BYTES + 1] = "";
	struct text rest = text_trim(buf_text(out));
	struct text first = TEXT("");
	json_t *json = NULL;
	const char *word = line;
	const char *why = "token_command printed no token";

	if (text_starts(rest, TEXT("{"))) {
		json = json_loadb(rest.bytes, rest.len, 0, NULL);
		word = json_string_value(json_object_get(json, "access_token"));
	} else if (text_split(&rest, '\n', &first)) {
		(void)snprintf(line, sizeof line, "%.*s", TEXT_ARG(text_trim(first)));
	}
	if (word && word[0] != '\0') {
		examine_jwt(word, &expiry_ms, principal, sizeof principal);
		if (seconds_of(json, "expires_in") > 0)
			expiry_ms = now + seconds_of(json, "expires_in");
		why = give(client, word, expiry_ms, now, principal);
	}
	if (why)
		(void)rd_kafka_oauthbearer_set_token_failure(client, why);
	json_decref(json);
	explicit_bzero(line, sizeof line);
}

void token_refresh(rd_kafka_t *client, const char *config, void *opaque)
{
	struct sweeper *sweeper = opaque;
	char why[WHY_BYTES];
	char text[160];
	struct buf out;

	(void)config;
	buf_init(&out, TOKEN_MAX_BYTES);
	if (run_command(sweeper, &out, why)) {
		use_output(sweeper, client, &out);
	} else {
		(void)snprintf(text, sizeof text, "token_command: %s", why);
		(void)rd_kafka_oauthbearer_set_token_failure(client, text);
	}
	explicit_bzero(out.bytes, out.len);
	buf_done(&out);
}
