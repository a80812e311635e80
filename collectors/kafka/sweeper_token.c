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

#include "collectors/kafka/sweeper_parts.h"

enum { TOKEN_MAX_BYTES = 64 << 10, COMMAND_MS = 10000, DEFAULT_LIFE_MS = 300000 };

extern char **environ;

static bool read_output(struct sweeper *sweeper, int fd, struct buf *out)
{
	int64_t deadline = sweeper_now(sweeper) + COMMAND_MS;

	for (;;) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		int64_t left = deadline - sweeper_now(sweeper);
		char chunk[4096];
		ssize_t got;

		if (left <= 0 || poll(&ready, 1, (int)left) == 0)
			return false;
		got = read(fd, chunk, sizeof chunk);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got == 0;
		if (!buf_add_bytes(out, chunk, (size_t)got))
			return false;
	}
}

/* The command's first line of output, or its JSON; why says what went wrong, without the output. */
static bool run_command(struct sweeper *sweeper, struct buf *out, const char **why_out)
{
	char shell[] = "/bin/sh";
	char option[] = "-c";
	char *argv[] = { shell, option, (char *)sweeper->plan.token_command.bytes, NULL };
	posix_spawn_file_actions_t actions;
	int ends[2];
	pid_t pid;
	int code;
	int status = 0;
	bool good;

	*why_out = "it could not be run";
	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	(void)posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	code = posix_spawn(&pid, shell, &actions, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)close(ends[1]);
	if (code != 0) {
		(void)close(ends[0]);
		return false;
	}
	good = read_output(sweeper, ends[0], out);
	(void)close(ends[0]);
	*why_out = "it took too long or printed too much";
	if (!good)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (good && (!WIFEXITED(status) || WEXITSTATUS(status) != 0)) {
		*why_out = "it ended with an error";
		return false;
	}
	return good;
}

static int64_t text_number(json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
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
static void examine_jwt(struct sweeper *sweeper, const char *token, int64_t *expiry_ms, char *principal,
	size_t size)
{
	const char *first = strchr(token, '.');
	const char *second = first ? strchr(first + 1, '.') : NULL;
	char claims[8192];
	json_t *json;

	(void)sweeper;
	if (!second)
		return;
	json = json_loadb(claims,
		decode_base64url(first + 1, (size_t)(second - first) - 1, claims, sizeof claims), 0,
		NULL);
	if (!json)
		return;
	if (text_number(json, "exp") > 0)
		*expiry_ms = text_number(json, "exp") * 1000;
	if (json_is_string(json_object_get(json, "sub")))
		(void)snprintf(principal, size, "%s",
			json_string_value(json_object_get(json, "sub")));
	json_decref(json);
}

static void use_output(struct sweeper *sweeper, rd_kafka_t *client, struct buf *out)
{
	int64_t now = sweeper->clock->wall_ms(sweeper->clock);
	int64_t expiry_ms = now + DEFAULT_LIFE_MS;
	char principal[128] = "weir";
	char why[256];
	struct text token = text_trim(buf_text(out));
	json_t *json = token.len > 0 && token.bytes[0] == '{'
		? json_loadb(token.bytes, token.len, 0, NULL) : NULL;
	const char *word = json_string_value(json_object_get(json, "access_token"));
	struct text rest = token;
	char line[TOKEN_MAX_BYTES + 1];

	if (!word && !json && text_split(&rest, '\n', &token)) {
		(void)snprintf(line, sizeof line, "%.*s", TEXT_ARG(text_trim(token)));
		word = line;
	}
	if (word && word[0] != '\0') {
		examine_jwt(sweeper, word, &expiry_ms, principal, sizeof principal);
		if (text_number(json, "expires_in") > 0)
			expiry_ms = now + text_number(json, "expires_in") * 1000;
		if (rd_kafka_oauthbearer_set_token(client, word, expiry_ms, principal, NULL, 0, why,
			    sizeof why) != RD_KAFKA_RESP_ERR_NO_ERROR)
			(void)rd_kafka_oauthbearer_set_token_failure(
				client, "the token that token_command printed is not accepted");
	} else {
		(void)rd_kafka_oauthbearer_set_token_failure(client, "token_command printed no token");
	}
	json_decref(json);
	memset(line, 0, sizeof line);
}

void token_refresh(rd_kafka_t *client, const char *config, void *opaque)
{
	struct sweeper *sweeper = opaque;
	const char *why = "";
	char text[160];
	struct buf out;

	(void)config;
	buf_init(&out, TOKEN_MAX_BYTES);
	if (run_command(sweeper, &out, &why)) {
		use_output(sweeper, client, &out);
	} else {
		(void)snprintf(text, sizeof text, "token_command: %s", why);
		(void)rd_kafka_oauthbearer_set_token_failure(client, text);
	}
	memset(out.bytes, 0, out.len);
	buf_done(&out);
}
