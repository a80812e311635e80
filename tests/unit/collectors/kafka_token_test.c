/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "collectors/kafka/sweeper_parts.h"

/* token_command as the sweeper runs it: what it gets, what is told of it, and when it is ended. */

struct bench {
	struct sweeper sweeper;
	int collector; /* the other end of its socket */
	rd_kafka_t *client;
};

static void open_bench(struct bench *bench, const char *command)
{
	static const char *const own[] = { "group.id", "weir-monitor", NULL };
	struct properties *properties;
	char why[256] = "";
	int ends[2];

	*bench = (struct bench){ .sweeper = { .clock = clock_system() } };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	bench->sweeper.fd = ends[1];
	bench->collector = ends[0];
	buf_init(&bench->sweeper.out, 2 * WIRE_FRAME_MAX);
	properties = &bench->sweeper.plan.properties;
	properties_set(properties, "bootstrap.servers", TEXT("127.0.0.1:1"));
	properties_set(properties, "security.protocol", TEXT("SASL_PLAINTEXT"));
	properties_set(properties, "sasl.mechanisms", TEXT("OAUTHBEARER"));
	bench->sweeper.plan.token_command = arena_text(&properties->arena, text_of(command));
	bench->client = client_new(&bench->sweeper, own, why, sizeof why);
	assert_string_equal(why, "");
	assert_non_null(bench->client);
}

static void close_bench(struct bench *bench)
{
	rd_kafka_destroy_flags(bench->client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
	plan_done(&bench->sweeper.plan);
	buf_done(&bench->sweeper.out);
	(void)close(bench->sweeper.fd);
	if (bench->collector >= 0)
		(void)close(bench->collector);
}

/* What the library was told went wrong; "" = it took the token. */
static const char *refresh(struct bench *bench, int64_t *took_ms)
{
	int64_t began = sweeper_now(&bench->sweeper);

	token_refresh(bench->client, NULL, &bench->sweeper);
	*took_ms = sweeper_now(&bench->sweeper) - began;
	/* Another refresh may be due in here: it says the same. The broker is not there at all. */
	bench->sweeper.plan.token_command = TEXT("exit 77");
	for (int i = 0; i < 20 && !strstr(bench->sweeper.fault, "token"); i++)
		(void)rd_kafka_poll(bench->client, 10);
	return strstr(bench->sweeper.fault, "token") ? bench->sweeper.fault : "";
}

static void test_what_is_told(void **state)
{
	static const struct {
		const char *command, *told;
	} cases[] = {
		{ "echo s3cret; exit 3", "token_command: it ended with status 3" },
		{ "echo s3cret >&2; kill -9 $$", "token_command: it ended by signal 9" },
		{ "/nonexistent/s3cret", "token_command: it ended with status 127" },
		{ "true", "token_command printed no token" },
		{ "echo '{\"s3cret\": 1}'", "token_command printed no token" },
		{ "echo '{s3cret'", "token_command printed no token" },
		{ "printf 's3cret\\001'", "is not accepted" },
		{ "head -c 70000 /dev/zero | tr '\\0' s", "it took over 10 s or printed too much" },
		/* sub and an exp of 2001 */
		{ "echo e30.eyJzdWIiOiJ4IiwiZXhwIjoxMDAwMDAwMDAwfQ.s3cret", "has expired already" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bench bench;
		int64_t took_ms;
		const char *told;

		open_bench(&bench, cases[i].command);
		told = refresh(&bench, &took_ms);
		if (!strstr(told, cases[i].told))
			fail_msg("%s: \"%s\"", cases[i].command, told);
		assert_null(strstr(told, "s3cret"));
		assert_true(took_ms < 5000);
		close_bench(&bench);
	}
}

/* Not the end of the world, and no overflow: they live as long as one that says nothing. */
static void test_times_beyond_all(void **state)
{
	static const char *const commands[] = {
		"echo '{\"access_token\":\"t\",\"expires_in\":9223372036854775807}'",
		"echo e30.eyJzdWIiOiJ4IiwiZXhwIjo5MjIzMzcyMDM2ODU0Nzc1ODA3fQ.x",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		struct bench bench;

		open_bench(&bench, commands[i]);
		token_refresh(bench.client, NULL, &bench.sweeper);
		assert_null(strstr(bench.sweeper.fault, "token"));
		close_bench(&bench);
	}
}

/* What it finds: no descriptor of ours, signals as they are by default, a group of its own. */
static void test_what_it_gets(void **state)
{
	char path[] = "/tmp/weir-token-XXXXXX";
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction before[2];
	int seen = mkstemp(path);
	struct bench bench;
	char command[512];
	char said[512] = "";
	int64_t took_ms;
	int extra;

	(void)state;
	assert_true(seen >= 0);
	extra = open("/dev/null", O_RDONLY);
	/* As in the sweeper's main. */
	(void)sigaction(SIGPIPE, &ignore, &before[0]);
	(void)sigaction(SIGTERM, &ignore, &before[1]);
	(void)snprintf(command, sizeof command,
		"(grep -E '^Sig(Blk|Ign)' /proc/self/status | tr -d '\\n\\t'; ls /proc/$$/fd | tr '\\n' ' ';"
		" [ \"$(cut -d' ' -f5 /proc/$$/stat)\" = $$ ] && echo own) >%s; exit 9", path);
	open_bench(&bench, command);
	(void)refresh(&bench, &took_ms);
	assert_true(pread(seen, said, sizeof said - 1, 0) > 0);
	assert_non_null(strstr(said, "SigBlk:0000000000000000"));
	assert_non_null(strstr(said, "SigIgn:"));
	assert_int_equal(strtoull(strstr(said, "SigIgn:") + 7, NULL, 16) & 0x7fffffff, 0);
	assert_non_null(strstr(said, "0 1 2 own"));
	close_bench(&bench);
	(void)sigaction(SIGPIPE, &before[0], NULL);
	(void)sigaction(SIGTERM, &before[1], NULL);
	(void)close(extra);
	(void)close(seen);
	(void)unlink(path);
}

/* Killed is not gone yet: what the shell started dies in its own time. */
static bool is_left(void)
{
	for (int i = 0; i < 200; i++) {
		if (system("pgrep -f '^sleep 30.517[1]' >/dev/null") != 0)
			return false;
		(void)usleep(10000);
	}
	return true;
}

/*
 * One that hangs, with its output closed or what it started still there, is ended with all of it, at
 * once when the collector goes; until then the collector hears that we live.
 */
static void test_it_is_ended(void **state)
{
	static const char *const commands[] = {
		"exec >&-; sleep 30.5171",
		"sleep 30.5171 | cat",
		"sleep 30.5171 & sleep 30.5171",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		struct bench bench;
		int64_t took_ms;
		char heard[64];
		pid_t helper;

		open_bench(&bench, commands[i]);
		fcntl(bench.collector, F_SETFL, O_NONBLOCK);
		helper = fork();
		assert_true(helper >= 0);
		if (helper == 0) { /* the collector: goes after 1.5 s */
			(void)usleep(1500000);
			(void)shutdown(bench.collector, SHUT_WR);
			_exit(0);
		}
		(void)refresh(&bench, &took_ms);
		assert_true(took_ms >= 1000 && took_ms < 4000);
		assert_true(read(bench.collector, heard, sizeof heard) >= WIRE_HEAD);
		assert_int_equal(heard[4], WIRE_BEAT);
		(void)kill(helper, SIGKILL);
		close_bench(&bench);
		assert_false(is_left());
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_told),
		cmocka_unit_test(test_times_beyond_all),
		cmocka_unit_test(test_what_it_gets),
		cmocka_unit_test(test_it_is_ended),
	};
#ifdef __SANITIZE_THREAD__ /* which does not survive the library's threads in its own process */
	(void)puts("kafka_token_test: not under the thread sanitizer");
	return 0;
#endif
	return cmocka_run_group_tests(tests, NULL, NULL);
}
