/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/pty/lib_pty.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <vterm.h>

#include "base/mem.h"
#include "base/utf8.h"

/* Nobody waits so long but in vain; a loaded box with sanitizers may need a good part of it. */
enum { WAIT_MS = 60000, QUIET_MS = 50, FRAME_FD = 9, BYTES_MAX = 16 << 20 };

struct pty {
	VTerm *vterm;
	VTermScreen *screen;
	int master;
	int frames; /* read end of the frame pipe */
	int frame_count, frame_mark; /* mark: when something was last done to the program */
	char frame_kind; /* of the newest: '~' = parts of it lag behind */
	pid_t pid;    /* the program's */
	pid_t parent; /* ours; ends as the program did */
	int status;
	bool ended, alternate;
	int rows, cols;
	struct buf bytes;
	char title[256];
};

static long now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int on_prop(VTermProp prop, VTermValue *value, void *user)
{
	struct pty *pty = user;

	if (prop == VTERM_PROP_ALTSCREEN)
		pty->alternate = value->boolean != 0;
	if (prop == VTERM_PROP_TITLE)
		(void)snprintf(pty->title, sizeof pty->title, "set");
	return 1;
}

static const VTermScreenCallbacks callbacks = { .settermprop = on_prop };

/*
 * The program gets a parent in its session but outside its group, as a shell is: SIGTSTP is without
 * effect in a group that nobody could wake again. The parent ends as its child does.
 */
static void be_shell(int pid_fd)
{
	pid_t pid;
	int status;

	signal(SIGTTOU, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	pid = fork();
	if (pid == 0) {
		(void)setpgid(0, 0);
		(void)tcsetpgrp(STDIN_FILENO, getpid());
		signal(SIGTTOU, SIG_DFL);
		signal(SIGHUP, SIG_DFL);
		return;
	}
	(void)setpgid(pid, pid);
	(void)tcsetpgrp(STDIN_FILENO, pid);
	if (write(pid_fd, &pid, sizeof pid) != (ssize_t)sizeof pid)
		_exit(127);
	/* The terminal is the program's alone: its last close must be a hang-up. */
	for (int fd = 0; fd < 64; fd++)
		(void)close(fd);
	while (waitpid(pid, &status, 0) != pid)
		continue;
	if (WIFSIGNALED(status)) {
		signal(WTERMSIG(status), SIG_DFL);
		(void)raise(WTERMSIG(status));
	}
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 127);
}

static void child(const struct pty_options *options, int frame_fd, int pid_fd)
{
	char number[16];

	be_shell(pid_fd);

	(void)dup2(frame_fd, FRAME_FD);
	for (int fd = 3; fd < 64; fd++) {
		if (fd != FRAME_FD)
			(void)close(fd);
	}
	(void)snprintf(number, sizeof number, "%d", FRAME_FD);
	(void)setenv("WEIR_FRAME_FD", number, 1);
	(void)setenv("TERM", options->term ? options->term : "xterm-256color", 1);
	(void)setenv("LC_ALL", "C.UTF-8", 1);
	(void)setenv("TZ", "UTC", 1);
	(void)unsetenv("NO_COLOR");
	(void)unsetenv("COLORTERM");
	for (size_t i = 0; options->env && options->env[i]; i++)
		(void)putenv(mem_strdup(options->env[i]));
	(void)execv(options->argv[0], (char *const *)(uintptr_t)options->argv);
	(void)fprintf(stderr, "exec %s: %s\n", options->argv[0], strerror(errno));
	_exit(127);
}

struct pty *pty_start(const struct pty_options *options)
{
	struct winsize size = { .ws_row = (unsigned short)options->rows,
		.ws_col = (unsigned short)options->cols };
	struct pty *pty = NEW(struct pty);
	int ends[2], pids[2];

	if (pipe(ends) != 0 || pipe(pids) != 0)
		abort();
	pty->rows = options->rows;
	pty->cols = options->cols;
	buf_init(&pty->bytes, BYTES_MAX);
	pty->parent = forkpty(&pty->master, NULL, NULL, &size);
	if (pty->parent < 0)
		abort();
	if (pty->parent == 0)
		child(options, ends[1], pids[1]);
	(void)close(ends[1]);
	(void)close(pids[1]);
	if (read(pids[0], &pty->pid, sizeof pty->pid) != (ssize_t)sizeof pty->pid)
		abort();
	(void)close(pids[0]);
	pty->frames = ends[0];
	(void)fcntl(pty->frames, F_SETFL, O_NONBLOCK);
	(void)fcntl(pty->master, F_SETFL, O_NONBLOCK);
	pty->vterm = vterm_new(options->rows, options->cols);
	vterm_set_utf8(pty->vterm, 1);
	pty->screen = vterm_obtain_screen(pty->vterm);
	vterm_screen_set_callbacks(pty->screen, &callbacks, pty);
	vterm_screen_enable_altscreen(pty->screen, 1);
	vterm_screen_reset(pty->screen, 1);
	return pty;
}

/* Frames first: what is on its way to the screen was written before its frame was told. */
static void take_output(struct pty *pty)
{
	char bytes[8192];
	ssize_t n;

	while ((n = read(pty->frames, bytes, sizeof bytes)) > 0) {
		pty->frame_count += (int)n;
		pty->frame_kind = bytes[n - 1];
	}
	while (pty->master >= 0 && (n = read(pty->master, bytes, sizeof bytes)) > 0) {
		(void)buf_add_bytes(&pty->bytes, bytes, (size_t)n);
		(void)vterm_input_write(pty->vterm, bytes, (size_t)n);
	}
	/* What the terminal answers to questions (size, attributes) goes back to the program. */
	for (;;) {
		size_t out = vterm_output_read(pty->vterm, bytes, sizeof bytes);
		ssize_t ignored;

		if (out == 0 || pty->master < 0)
			break;
		ignored = write(pty->master, bytes, out);
		(void)ignored;
	}
}

static void settle(struct pty *pty, long until)
{
	struct pollfd fds[2] = { { pty->master, POLLIN, 0 }, { pty->frames, POLLIN, 0 } };
	long left = until - now_ms();

	(void)poll(fds, 2, left > 20 ? 20 : left > 0 ? (int)left : 0);
	take_output(pty);
}

/* The kernel may still be carrying bytes over: until it has had none for a while. */
static void drain(struct pty *pty, long until)
{
	struct pollfd quiet = { pty->master, POLLIN, 0 };

	take_output(pty);
	while (pty->master >= 0 && now_ms() < until && poll(&quiet, 1, QUIET_MS) > 0 &&
		(quiet.revents & POLLIN))
		take_output(pty);
}

void pty_screen(struct pty *pty, struct buf *out)
{
	buf_reset(out);
	for (int row = 0; row < pty->rows; row++) {
		char line[4096];
		VTermRect rect = { row, row + 1, 0, pty->cols };
		size_t n = vterm_screen_get_text(pty->screen, line, sizeof line, rect);

		while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\0'))
			n--;
		(void)buf_add_bytes(out, line, n);
		(void)buf_add_char(out, '\n');
	}
}

static bool wait_text(struct pty *pty, const char *text, bool there)
{
	long until = now_ms() + WAIT_MS;
	struct buf screen;
	bool good = false;

	buf_init(&screen, 1 << 20);
	while (!good && now_ms() < until) {
		settle(pty, until);
		pty_screen(pty, &screen);
		good = (strstr(screen.bytes, text) != NULL) == there;
	}
	if (!good)
		(void)printf("waited in vain until %s\"%s\"; the screen is:\n%s", there ? "" : "no ",
			text, screen.bytes);
	buf_done(&screen);
	return good;
}

bool pty_shows(struct pty *pty, const char *text)
{
	return wait_text(pty, text, true);
}

bool pty_shows_not(struct pty *pty, const char *text)
{
	return wait_text(pty, text, false);
}

bool pty_shows_line(struct pty *pty, const char *begin, const char *text)
{
	long until = now_ms() + WAIT_MS;
	struct buf screen;
	bool good = false;

	buf_init(&screen, 1 << 20);
	while (!good && now_ms() < until) {
		struct text rest, line;

		settle(pty, until);
		pty_screen(pty, &screen);
		rest = buf_text(&screen);
		while (!good && text_split(&rest, '\n', &line))
			good = text_starts(line, text_of(begin)) && text_contains(line, text_of(text));
	}
	if (!good)
		(void)printf("waited in vain for a line of \"%s\" and \"%s\"; the screen is:\n%s", begin,
			text, screen.bytes);
	buf_done(&screen);
	return good;
}

/* What comes from here on is an answer to what is done next. */
static void mark(struct pty *pty)
{
	take_output(pty);
	pty->frame_mark = pty->frame_count;
}

bool pty_frames(struct pty *pty, int n)
{
	long until = now_ms() + WAIT_MS;
	int target = pty->frame_mark + n;

	take_output(pty);
	while (pty->frame_count < target && now_ms() < until)
		settle(pty, until);
	pty->frame_mark = target;
	return pty->frame_count >= target;
}

bool pty_rests(struct pty *pty)
{
	long until = now_ms() + WAIT_MS;

	do
		settle(pty, until);
	while (pty->frame_kind != '.' && now_ms() < until);
	drain(pty, until);
	return pty->frame_kind == '.';
}

static void cell_look(const VTermScreenCell *cell, struct buf *out)
{
	char bytes[8];

	for (int i = 0; i < VTERM_MAX_CHARS_PER_CELL && cell->chars[i]; i++)
		(void)buf_add_bytes(out, bytes, utf8_encode(cell->chars[i], bytes));
	if (!cell->chars[0])
		(void)buf_add_char(out, ' '); /* erased is blank */
	(void)buf_addf(out, "{%d%d%d%d", cell->attrs.bold, cell->attrs.underline, cell->attrs.italic,
		cell->attrs.reverse);
	if (!VTERM_COLOR_IS_DEFAULT_FG(&cell->fg) && cell->chars[0] && cell->chars[0] != ' ')
		(void)buf_addf(out, " %d", cell->fg.indexed.idx);
	if (!VTERM_COLOR_IS_DEFAULT_BG(&cell->bg))
		(void)buf_addf(out, " on %d", cell->bg.indexed.idx);
	(void)buf_add_char(out, '}');
}

void pty_look(struct pty *pty, struct buf *out)
{
	buf_reset(out);
	for (int row = 0; row < pty->rows; row++) {
		for (int col = 0; col < pty->cols; col++) {
			VTermPos pos = { row, col };
			VTermScreenCell cell;

			if (vterm_screen_get_cell(pty->screen, pos, &cell))
				cell_look(&cell, out);
		}
		(void)buf_add_char(out, '\n');
	}
}

void pty_send(struct pty *pty, const char *bytes)
{
	size_t left = strlen(bytes);

	mark(pty);
	while (left > 0) {
		ssize_t n = write(pty->master, bytes, left);

		if (n > 0) {
			bytes += n;
			left -= (size_t)n;
		} else {
			settle(pty, now_ms() + 20);
		}
	}
}

void pty_resize(struct pty *pty, int rows, int cols)
{
	struct winsize size = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols };

	mark(pty);
	pty->rows = rows;
	pty->cols = cols;
	vterm_set_size(pty->vterm, rows, cols);
	(void)ioctl(pty->master, TIOCSWINSZ, &size);
}

pid_t pty_pid(const struct pty *pty)
{
	return pty->pid;
}

void pty_signal(struct pty *pty, int number)
{
	mark(pty);
	(void)kill(pty->pid, number);
}

/* The letter of /proc: T is stopped. */
static bool is_stopped(pid_t pid)
{
	char path[64], line[512];
	const char *end;
	FILE *file;
	bool stopped = false;

	(void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (fgets(line, sizeof line, file)) {
		end = strrchr(line, ')');
		stopped = end && end[1] == ' ' && end[2] == 'T';
	}
	(void)fclose(file);
	return stopped;
}

bool pty_stopped(struct pty *pty)
{
	long until = now_ms() + WAIT_MS;

	while (now_ms() < until) {
		settle(pty, until);
		if (is_stopped(pty->pid)) {
			drain(pty, until);
			return true;
		}
	}
	return false;
}

void pty_cook(struct pty *pty)
{
	struct termios cooked;

	if (tcgetattr(pty->master, &cooked) != 0)
		abort();
	cooked.c_lflag |= (tcflag_t)(ICANON | ECHO | ISIG);
	cooked.c_iflag |= (tcflag_t)ICRNL;
	if (tcsetattr(pty->master, TCSANOW, &cooked) != 0)
		abort();
}

int pty_wait(struct pty *pty)
{
	long until = now_ms() + WAIT_MS;

	while (!pty->ended && now_ms() < until) {
		settle(pty, until);
		if (waitpid(pty->parent, &pty->status, WNOHANG) == pty->parent)
			pty->ended = true;
	}
	drain(pty, until);
	return pty->ended ? pty->status : -1;
}

struct text pty_bytes(const struct pty *pty)
{
	return buf_text(&pty->bytes);
}

bool pty_has_color(struct pty *pty)
{
	for (int row = 0; row < pty->rows; row++) {
		for (int col = 0; col < pty->cols; col++) {
			VTermPos pos = { row, col };
			VTermScreenCell cell;

			if (vterm_screen_get_cell(pty->screen, pos, &cell) &&
				(!VTERM_COLOR_IS_DEFAULT_FG(&cell.fg) ||
					!VTERM_COLOR_IS_DEFAULT_BG(&cell.bg)))
				return true;
		}
	}
	return false;
}

bool pty_is_alternate(const struct pty *pty)
{
	return pty->alternate;
}

const char *pty_title(const struct pty *pty)
{
	return pty->title;
}

void pty_hang_up(struct pty *pty)
{
	take_output(pty);
	(void)close(pty->master);
	pty->master = -1;
}

void pty_end(struct pty *pty)
{
	if (!pty->ended) {
		(void)kill(pty->pid, SIGKILL);
		(void)waitpid(pty->parent, NULL, 0);
	}
	if (pty->master >= 0)
		(void)close(pty->master);
	(void)close(pty->frames);
	vterm_free(pty->vterm);
	buf_done(&pty->bytes);
	free(pty);
}
