/* SPDX-License-Identifier: Apache-2.0 */
/* The console in a real terminal: what only a terminal can show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/pty/lib_pty.h"

static char folder[] = "/tmp/weir-pty.XXXXXX";
static char weir[1024], config[1024], home[1024];

/* A name that would set a title, write the clipboard, move the cursor and turn the text round. */
#define HOSTILE "evil\\u001b]0;owned\\u0007\\u001b]52;c;b3duZWQ=\\u0007\\u001b[2J\\u202elive"

#define CURSOR "\xe2\x96\xb8"

static void write_text(const char *name, const char *text)
{
	char path[2048];
	FILE *file;

	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
	const char *build = getenv("B") ? getenv("B") : "build/release";
	char command[4096];
	char text[4096];

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(weir, sizeof weir, "%s/weir", build);
	(void)snprintf(config, sizeof config, "%s/weir.ini", folder);
	(void)snprintf(home, sizeof home, "HOME=%s", folder);
	(void)snprintf(text, sizeof text,
		"[weir]\nstore = %s/weir.db\n[eventlog test]\npath = %s/log\n", folder, folder);
	write_text("weir.ini", text);
	(void)snprintf(command, sizeof command,
		"mkdir %s/log && %s/weir-estate --dir %s/estate --hours 3 >/dev/null && cp "
		"%s/estate/eventlog/*.ndjson %s/log/",
		folder, build, folder, folder, folder);
	assert_int_equal(system(command), 0);
	write_text("log/hostile.ndjson",
		"{\"id\":\"15e29b11-48bb-11ef-b1cf-9649472ee14a\",\"origin\":{\"pipeline_id\":\"h-1\","
		"\"pipeline_name\":\"" HOSTILE "\",\"update_id\":\"u-1\",\"flow_name\":\"" HOSTILE
		"\"},\"timestamp\":\"2026-03-02T09:00:00.100Z\",\"message\":\"" HOSTILE
		"\",\"level\":\"ERROR\",\"details\":{\"flow_progress\":{\"status\":\"FAILED\"}},"
		"\"event_type\":\"flow_progress\"}\n");
	(void)snprintf(command, sizeof command, "%s/weir-collect --once --config %s >/dev/null", build,
		config);
	assert_int_equal(system(command), 0);
	return 0;
}

static int tear_down(void **state)
{
	char command[1024];

	(void)state;
	(void)snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

/* The store alone: no collector is started beside it. */
static struct pty *start_in(int rows, int cols, const char *term, const char *more)
{
	char store[1200];
	const char *argv[] = { weir, "--store", store, NULL };
	const char *env[] = { home, more ? more : "WEIR_TEST=1", NULL };
	struct pty_options options = { .rows = rows, .cols = cols, .term = term, .env = env,
		.argv = argv };

	(void)snprintf(store, sizeof store, "%s/weir.db", folder);
	return pty_start(&options);
}

static struct pty *start(void)
{
	return start_in(24, 80, NULL, NULL);
}

static void leave(struct pty *pty)
{
	int status;

	pty_send(pty, "q");
	status = pty_wait(pty);
	assert_true(status >= 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_false(pty_is_alternate(pty));
	pty_end(pty);
}

static void starts_on_the_estate(void **state)
{
	struct pty *pty = start();

	(void)state;
	assert_true(pty_shows(pty, "fire_reporting"));
	assert_true(pty_shows(pty, "claims"));
	assert_true(pty_is_alternate(pty));
	leave(pty);
}

static void every_screen_opens_by_its_key(void **state)
{
	static const struct {
		const char *key, *shows;
	} screens[] = { { "2", "STARTED" }, { "3", "following" }, { "5", "QUARANTINE" },
		{ "0", "eventlog test" }, { "1", "LAST 20 UPDATES" },
		{ "?", "Keys of this screen" } };
	struct pty *pty = start();

	(void)state;
	assert_true(pty_shows(pty, "fire_reporting"));
	for (size_t i = 0; i < ARRAY_LEN(screens); i++) {
		pty_send(pty, screens[i].key);
		assert_true(pty_shows(pty, screens[i].shows));
	}
	pty_send(pty, "\033");
	assert_true(pty_frames(pty, 1));
	leave(pty);
}

static void resizes(void **state)
{
	static const int sizes[][2] = { { 36, 120 }, { 60, 200 }, { 5, 20 }, { 1, 1 }, { 24, 80 } };
	struct pty *pty = start();

	(void)state;
	assert_true(pty_shows(pty, "fire_reporting"));
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		pty_resize(pty, sizes[i][0], sizes[i][1]);
		assert_true(pty_frames(pty, 1));
	}
	assert_true(pty_shows(pty, "fire_reporting"));
	leave(pty);
}

static void suspends_and_comes_back(void **state)
{
	struct pty *pty = start();

	(void)state;
	assert_true(pty_shows(pty, "fire_reporting"));
	pty_send(pty, "\032");
	assert_true(pty_stopped(pty));
	assert_true(pty_frames(pty, 0));
	assert_false(pty_is_alternate(pty));
	pty_signal(pty, SIGCONT);
	assert_true(pty_frames(pty, 1));
	assert_true(pty_shows(pty, "fire_reporting"));
	assert_true(pty_is_alternate(pty));
	leave(pty);
}

/* kill -STOP, then fg: nobody could put the terminal right before, and a shell has been at it. */
static void comes_back_from_a_stop_it_did_not_see(void **state)
{
	struct pty *pty = start();
	size_t before;

	(void)state;
	assert_true(pty_shows(pty, "fire_reporting"));
	pty_signal(pty, SIGSTOP);
	assert_true(pty_stopped(pty));
	pty_cook(pty);
	before = pty_bytes(pty).len;
	pty_signal(pty, SIGCONT);
	assert_true(pty_frames(pty, 1));
	assert_true(pty_rests(pty));
	/* All is drawn again, and a paste is told as one again. */
	assert_true(pty_shows(pty, "fire_reporting"));
	assert_true(text_contains(text_sub(pty_bytes(pty), before, SIZE_MAX), TEXT("fire_reporting")));
	assert_true(text_contains(text_sub(pty_bytes(pty), before, SIZE_MAX), TEXT("\033[?2004h")));
	assert_true(pty_is_alternate(pty));
	leave(pty); /* by a key, without Enter */
}

static void ends_on_sigterm(void **state)
{
	struct pty *pty = start();

	(void)state;
	assert_true(pty_shows(pty, "fire_reporting"));
	pty_signal(pty, SIGTERM);
	assert_true(pty_wait(pty) >= 0);
	assert_false(pty_is_alternate(pty));
	pty_end(pty);
}

static void a_crash_restores_the_terminal(void **state)
{
	static const int crashes[] = { SIGABRT, SIGSEGV, SIGBUS };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(crashes); i++) {
		struct pty *pty = start();
		struct text bytes;
		int status;

		assert_true(pty_shows(pty, "fire_reporting"));
		pty_signal(pty, crashes[i]);
		status = pty_wait(pty);
		assert_true(status >= 0);
		assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) != 0);
		assert_false(pty_is_alternate(pty));
		/* Bracketed paste is off again: the last word about it is "off". */
		bytes = pty_bytes(pty);
		if (text_contains(bytes, TEXT("\033[?2004h"))) {
			const char *last = NULL;

			for (size_t at = 0; at + 8 <= bytes.len; at++) {
				if (memcmp(bytes.bytes + at, "\033[?2004", 7) == 0)
					last = bytes.bytes + at;
			}
			assert_non_null(last);
			assert_int_equal(last[7], 'l');
		}
		pty_end(pty);
	}
}

static void no_color_is_honored(void **state)
{
	struct pty *pty = start_in(24, 80, NULL, "NO_COLOR=1");

	(void)state;
	assert_true(pty_shows(pty, "fire_reporting"));
	assert_false(pty_has_color(pty));
	leave(pty);
	pty = start();
	assert_true(pty_shows(pty, "fire_reporting"));
	assert_true(pty_has_color(pty));
	leave(pty);
}

static void works_on_a_vt100(void **state)
{
	struct pty *pty = start_in(24, 80, "vt100", NULL);

	(void)state;
	assert_true(pty_shows(pty, "fire_reporting"));
	assert_true(pty_shows(pty, "failed"));
	assert_false(pty_has_color(pty));
	pty_send(pty, "q");
	assert_true(pty_wait(pty) >= 0);
	pty_end(pty);
}

static void says_what_to_do_on_a_dumb_terminal(void **state)
{
	struct pty *pty = start_in(24, 80, "dumb", NULL);
	int status = pty_wait(pty);

	(void)state;
	assert_true(status >= 0);
	assert_true(WIFEXITED(status));
	assert_int_not_equal(WEXITSTATUS(status), 0);
	assert_true(text_contains(pty_bytes(pty), TEXT("--print")));
	pty_end(pty);
}

static void a_paste_is_text_not_keys(void **state)
{
	struct pty *pty = start();

	(void)state;
	assert_true(pty_shows(pty, "fire_reporting"));
	/* As keys this would quit; as a paste outside a prompt it does nothing. */
	pty_send(pty, "\033[200~q\nq\n\033[201~");
	pty_send(pty, "/");
	pty_send(pty, "\033[200~clai\nms\033[201~");
	assert_true(pty_shows(pty, "clai ms"));
	pty_send(pty, "\033");
	assert_true(pty_shows(pty, "fire_reporting"));
	leave(pty);
}

/* PgUp, which a vt100 has not, and Ctrl with an arrow, and what comes in two pieces. */
static void sequences_of_no_key_do_nothing(void **state)
{
	struct pty *pty = start_in(24, 80, "vt100", NULL);

	(void)state;
	assert_true(pty_shows(pty, "fire_reporting"));
	pty_send(pty, "/");
	pty_send(pty, "\033[5~\033[1;5C\033[57399;1u\033O5D");
	pty_send(pty, "cl");
	assert_true(pty_shows(pty, "/cl"));
	assert_true(pty_shows_not(pty, "fire_reporting"));
	pty_send(pty, "\033");
	assert_true(pty_shows(pty, "fire_reporting"));
	/* As keys these were the screens 5 and 3. */
	pty_send(pty, "\033[5~\033[3;5~2");
	assert_true(pty_shows(pty, "STARTED"));
	assert_false(text_contains(pty_bytes(pty), TEXT("QUARANTINE")));
	pty_send(pty, "q");
	assert_true(pty_wait(pty) >= 0);
	pty_end(pty);
}

/* Packets end where they like. */
static void what_comes_in_pieces_is_whole(void **state)
{
	struct pty *pty = start();

	(void)state;
	assert_true(pty_shows(pty, "fire_reporting"));
	pty_send(pty, "/");
	assert_true(pty_frames(pty, 1));
	pty_send(pty, "caf\xc3");
	assert_true(pty_shows(pty, "/caf"));
	pty_send(pty, "\xa9 x");
	assert_true(pty_shows(pty, "/caf\xc3\xa9 x"));
	/* A half that stays one takes nothing with it. */
	pty_send(pty, "\xc3yz");
	assert_true(pty_shows(pty, "/caf\xc3\xa9 xyz"));
	pty_send(pty, "\025");
	/* The Esc of the paste's end alone is not the end, and what is behind it not text. */
	pty_send(pty, "\033[200~pas\033[31mt\033ed\033");
	assert_true(pty_shows(pty, "/pasted"));
	pty_send(pty, "[20");
	assert_true(pty_frames(pty, 0));
	pty_send(pty, "1~!");
	assert_true(pty_shows(pty, "/pasted!"));
	pty_send(pty, "\033");
	assert_true(pty_shows(pty, "fire_reporting"));
	leave(pty);
}

/* Two pipelines that write a dataset of one name: each has a row, and the cursor stays on its own. */
static void rows_of_one_name_are_two(void **state)
{
	static const char *const pipelines[] = { "north", "south" };
	char command[2600], text[2600], store[1200];
	const char *argv[] = { weir, "--store", store, "quality", NULL };
	const char *env[] = { home, NULL };
	struct pty_options options = { .rows = 24, .cols = 160, .env = env, .argv = argv };
	const char *build = getenv("B") ? getenv("B") : "build/release";
	struct pty *pty;

	(void)state;
	(void)snprintf(store, sizeof store, "%s/twins.db", folder);
	(void)snprintf(command, sizeof command, "mkdir %s/twins", folder);
	assert_int_equal(system(command), 0);
	for (size_t i = 0; i < ARRAY_LEN(pipelines); i++) {
		(void)snprintf(text, sizeof text,
			"{\"id\":\"%s\",\"timestamp\":\"2026-03-02T09:00:00Z\",\"origin\":{\"pipeline_id\":"
			"\"id-%s\",\"pipeline_name\":\"%s\",\"update_id\":\"u-%s\",\"flow_name\":\"orders\","
			"\"dataset_name\":\"orders\"},\"level\":\"INFO\",\"event_type\":\"flow_progress\","
			"\"message\":\"m\",\"details\":{\"flow_progress\":{\"status\":\"COMPLETED\",\"metrics\":"
			"{\"num_output_rows\":90},\"data_quality\":{\"dropped_records\":%d,\"expectations\":"
			"[{\"name\":\"rule_of_%s\",\"dataset\":\"orders\",\"passed_records\":90,"
			"\"failed_records\":10}]}}}}\n",
			pipelines[i], pipelines[i], pipelines[i], pipelines[i], i ? 10 : 20, pipelines[i]);
		(void)snprintf(command, sizeof command, "twins/%s.json", pipelines[i]);
		write_text(command, text);
	}
	(void)snprintf(text, sizeof text, "[weir]\nstore = %s\n[eventlog twins]\npath = %s/twins\n", store,
		folder);
	write_text("twins.ini", text);
	(void)snprintf(command, sizeof command, "%s/weir-collect --once --config %s/twins.ini >/dev/null",
		build, folder);
	assert_int_equal(system(command), 0);
	pty = pty_start(&options);
	assert_true(pty_shows(pty, "rule_of_north"));
	assert_true(pty_shows_line(pty, CURSOR, "north"));
	pty_send(pty, "j");
	assert_true(pty_shows_line(pty, CURSOR, "south"));
	pty_send(pty, "r");
	assert_true(pty_frames(pty, 1));
	assert_true(pty_shows_line(pty, CURSOR, "south"));
	pty_send(pty, "\r");
	assert_true(pty_shows(pty, "rule_of_south"));
	assert_true(pty_shows_not(pty, "rule_of_north"));
	leave(pty);
}

static void a_configured_f13_is_a_key(void **state)
{
	char store[1200], keys[1200];
	const char *argv[] = { weir, "--store", store, "--config", keys, NULL };
	const char *env[] = { home, NULL };
	struct pty_options options = { .rows = 24, .cols = 80, .env = env, .argv = argv };
	struct pty *pty;

	(void)state;
	(void)snprintf(store, sizeof store, "%s/weir.db", folder);
	(void)snprintf(keys, sizeof keys, "%s/keys.ini", folder);
	write_text("keys.ini", "[keys]\nquality = <F13>\n");
	pty = pty_start(&options);
	assert_true(pty_shows(pty, "fire_reporting"));
	pty_send(pty, "\033[1;2P");
	assert_true(pty_shows(pty, "QUARANTINE"));
	leave(pty);
}

static void prints_as_wide_as_the_terminal(void **state)
{
	char store[1200];
	const char *argv[] = { weir, "sources", "--print", "--store", store, NULL };
	const char *env[] = { home, NULL };
	struct pty_options options = { .rows = 24, .cols = 132, .env = env, .argv = argv };
	struct pty *pty;
	struct buf screen;

	(void)state;
	(void)snprintf(store, sizeof store, "%s/weir.db", folder);
	(void)unsetenv("COLUMNS");
	pty = pty_start(&options);
	assert_int_equal(pty_wait(pty), 0);
	buf_init(&screen, 1 << 20);
	pty_screen(pty, &screen);
	/* The head line ends at the right edge. */
	assert_ptr_equal(strchr(screen.bytes, '\n'), screen.bytes + 132);
	buf_done(&screen);
	pty_end(pty);
}

/* The key of an event is no pipeline: the next error is that of all of them. */
static void an_event_by_its_key_leads_to_others(void **state)
{
	char command[2600], key[64] = "", store[1200];
	const char *argv[] = { weir, "--store", store, "event", key, NULL };
	const char *env[] = { home, NULL };
	struct pty_options options = { .rows = 36, .cols = 120, .env = env, .argv = argv };
	struct pty *pty;
	FILE *pipe;

	(void)state;
	(void)snprintf(store, sizeof store, "%s/weir.db", folder);
	(void)snprintf(command, sizeof command,
		"%s events h-1 --json --store %s | sed -n 's/.*\"key\":\\([0-9]*\\).*/\\1/p' | head -1", weir,
		store);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	assert_non_null(fgets(key, sizeof key, pipe));
	assert_int_equal(pclose(pipe), 0);
	key[strcspn(key, "\n")] = '\0';
	pty = pty_start(&options);
	assert_true(pty_shows(pty, "15e29b11"));
	pty_send(pty, "e");
	assert_true(pty_shows_not(pty, "15e29b11"));
	leave(pty);
}

static void filters_as_typed(void **state)
{
	struct pty *pty = start();

	(void)state;
	assert_true(pty_shows(pty, "fire_reporting"));
	pty_send(pty, "/claims\r");
	assert_true(pty_shows_not(pty, "fire_reporting"));
	assert_true(pty_shows(pty, "claims"));
	pty_send(pty, "\033");
	assert_true(pty_shows(pty, "fire_reporting"));
	leave(pty);
}

static void what_was_typed_is_there_the_next_time(void **state)
{
	struct pty *pty = start();

	(void)state;
	assert_true(pty_shows(pty, "fire_reporting"));
	pty_send(pty, "/claims of yesterday\r");
	assert_true(pty_shows_not(pty, "fire_reporting"));
	leave(pty);
	pty = start();
	assert_true(pty_shows(pty, "fire_reporting"));
	pty_send(pty, "/\033OA");
	assert_true(pty_shows(pty, "claims of yesterday"));
	pty_send(pty, "\007");
	leave(pty);
}

static int count(struct text bytes, struct text of)
{
	int n = 0;

	for (size_t at = 0; at + of.len <= bytes.len; at++)
		n += memcmp(bytes.bytes + at, of.bytes, of.len) == 0;
	return n;
}

static void frames_come_at_once_where_the_terminal_says_so(void **state)
{
	struct text on = TEXT("\033[?2026h"), off = TEXT("\033[?2026l");
	struct pty *pty = start();

	(void)state;
	assert_true(pty_shows(pty, "fire_reporting"));
	assert_int_equal(count(pty_bytes(pty), TEXT("\033[?2026$p")), 1);
	pty_send(pty, "2");
	assert_true(pty_shows(pty, "STARTED"));
	/* This terminal said that it knows nothing of it. */
	assert_int_equal(count(pty_bytes(pty), on), 0);
	pty_send(pty, "\033[?2026;2$y");
	pty_send(pty, "1");
	assert_true(pty_shows(pty, "LAST 20 UPDATES"));
	pty_send(pty, "q");
	assert_true(pty_wait(pty) >= 0); /* only then is the last frame here for certain */
	assert_true(count(pty_bytes(pty), on) > 0);
	assert_int_equal(count(pty_bytes(pty), on), count(pty_bytes(pty), off));
	pty_end(pty);
	/* GNU screen is not asked, nor is what is not known to be modern. */
	pty = start_in(24, 80, "vt100", NULL);
	assert_true(pty_shows(pty, "fire_reporting"));
	assert_int_equal(count(pty_bytes(pty), TEXT("\033[?2026")), 0);
	pty_send(pty, "q");
	assert_true(pty_wait(pty) >= 0);
	pty_end(pty);
}

/* The number of the first row that holds the text, -1 if none does. */
static int row_of(struct pty *pty, const char *text)
{
	struct buf screen;
	struct text rest, line;
	int row = 0, found = -1;

	buf_init(&screen, 1 << 20);
	pty_screen(pty, &screen);
	rest = buf_text(&screen);
	for (; found < 0 && text_split(&rest, '\n', &line); row++)
		found = text_contains(line, text_of(text)) ? row : -1;
	buf_done(&screen);
	return found;
}

static void click(struct pty *pty, int row, int col)
{
	char bytes[64];

	(void)snprintf(bytes, sizeof bytes, "\033[<0;%d;%dM\033[<0;%d;%dm", col + 1, row + 1, col + 1,
		row + 1);
	pty_send(pty, bytes);
}

static void the_mouse_points_only_when_it_may(void **state)
{
	struct pty *pty = start();
	int row;

	(void)state;
	assert_true(pty_shows_line(pty, CURSOR, " claims "));
	assert_true(pty_shows(pty, " retail "));
	assert_int_equal(count(pty_bytes(pty), TEXT("\033[?1006")), 0);
	row = row_of(pty, " retail ");
	assert_true(row > 2);
	pty_send(pty, ":set mouse on\r");
	click(pty, row, 30);
	assert_true(pty_shows_line(pty, CURSOR, " retail "));
	click(pty, 1, 20);
	assert_true(pty_shows(pty, "PIPELINE\xe2\x86\x91"));
	click(pty, 1, 20);
	assert_true(pty_shows(pty, "PIPELINE\xe2\x86\x93"));
	/* By name, descending: retail, pos, hinge, fire, ... The wheel goes three rows. */
	pty_send(pty, "g");
	assert_true(pty_shows_line(pty, CURSOR, " retail "));
	pty_send(pty, "\033[<65;5;5M");
	assert_true(pty_shows_line(pty, CURSOR, " fire_reporting "));
	pty_send(pty, "\033[<64;5;5M");
	assert_true(pty_shows_line(pty, CURSOR, " retail "));
	pty_send(pty, "q");
	assert_true(pty_wait(pty) >= 0);
	assert_int_equal(count(pty_bytes(pty), TEXT("\033[?1006;1000h")), 1);
	assert_int_equal(count(pty_bytes(pty), TEXT("\033[?1006;1000l")), 1);
	pty_end(pty);
}

static void hostile_names_stay_text(void **state)
{
	static const char *const keys[] = { "1", "2", "3", "0", "3" };
	struct pty *pty = start_in(36, 120, NULL, NULL);

	(void)state;
	assert_true(pty_shows(pty, "evil"));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		pty_send(pty, keys[i]);
		assert_true(pty_frames(pty, 1));
	}
	assert_string_equal(pty_title(pty), "");
	assert_false(text_contains(pty_bytes(pty), TEXT("\033]52")));
	assert_false(text_contains(pty_bytes(pty), TEXT("\xe2\x80\xae")));
	leave(pty);
}

static void a_hang_up_ends_it(void **state)
{
	struct pty *pty = start();

	(void)state;
	assert_true(pty_shows(pty, "fire_reporting"));
	pty_hang_up(pty);
	assert_true(pty_wait(pty) >= 0);
	pty_end(pty);
}

static void starts_and_stops_a_collector(void **state)
{
	const char *argv[] = { weir, "--config", config, NULL };
	const char *env[] = { home, NULL };
	struct pty_options options = { .rows = 24, .cols = 80, .env = env, .argv = argv };
	struct pty *pty = pty_start(&options);
	char command[2200];

	(void)state;
	assert_true(pty_shows(pty, "fire_reporting"));
	/* What is appended to the log appears by itself. */
	(void)snprintf(command, sizeof command,
		"sed -e 's/h-1/h-2/; s/15e29b11/15e29b12/; s/evil/freshly/g' "
		"-e \"s/2026-03-02T09:00:00/$(date -u +%%Y-%%m-%%dT%%H:%%M:%%S)/\" %s/log/hostile.ndjson "
		">>%s/log/late.ndjson",
		folder, folder);
	assert_int_equal(system(command), 0);
	pty_send(pty, "3");
	assert_true(pty_shows(pty, "freshly"));
	leave(pty);
	/* The collector it started has gone with it. */
	(void)snprintf(command, sizeof command, "! pgrep -f '[w]eir-collect.*%s' >/dev/null", folder);
	for (int tries = 600; tries > 0 && system(command) != 0; tries--)
		(void)usleep(100000);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_on_the_estate),
		cmocka_unit_test(every_screen_opens_by_its_key),
		cmocka_unit_test(resizes),
		cmocka_unit_test(suspends_and_comes_back),
		cmocka_unit_test(comes_back_from_a_stop_it_did_not_see),
		cmocka_unit_test(ends_on_sigterm),
		cmocka_unit_test(a_crash_restores_the_terminal),
		cmocka_unit_test(no_color_is_honored),
		cmocka_unit_test(works_on_a_vt100),
		cmocka_unit_test(says_what_to_do_on_a_dumb_terminal),
		cmocka_unit_test(a_paste_is_text_not_keys),
		cmocka_unit_test(sequences_of_no_key_do_nothing),
		cmocka_unit_test(what_comes_in_pieces_is_whole),
		cmocka_unit_test(rows_of_one_name_are_two),
		cmocka_unit_test(a_configured_f13_is_a_key),
		cmocka_unit_test(prints_as_wide_as_the_terminal),
		cmocka_unit_test(an_event_by_its_key_leads_to_others),
		cmocka_unit_test(filters_as_typed),
		cmocka_unit_test(what_was_typed_is_there_the_next_time),
		cmocka_unit_test(frames_come_at_once_where_the_terminal_says_so),
		cmocka_unit_test(the_mouse_points_only_when_it_may),
		cmocka_unit_test(hostile_names_stay_text),
		cmocka_unit_test(a_hang_up_ends_it),
		cmocka_unit_test(starts_and_stops_a_collector),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
