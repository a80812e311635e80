/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/term.h"

#include <errno.h>
#include <langinfo.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "tui/action.h"
#include "tui/theme.h"

#include "tui/term_state.h"
/* Last: it has macros named lines, columns and the like. */
#include <term.h>

/* Codes for sequences that curses has none for. */
enum { COPY_MAX = 64 * 1024, CODE_PASTE_BEGIN = 0x7000, CODE_PASTE_END = 0x7001,
	CODE_SYNC = 0x7010 /* + what the terminal says of it */ };

/* A lone Esc is told from the head of a sequence by time; an answer over a slow line takes longer. */
enum { ESC_MS = 25, ESC_ASKED_MS = 400 };

struct term_state term;

static const int crash_signals[] = { SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL };

void term_write(const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(STDOUT_FILENO, bytes, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		bytes += n;
		len -= (size_t)n;
	}
}

/* Async-signal-safe. */
static void restore_by_hand(void)
{
	if (!term.is_entered)
		return;
	term_write(term.undo, term.undo_len);
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &term.saved);
}

static void on_crash(int number)
{
	restore_by_hand();
	signal(number, SIG_DFL);
	raise(number);
}

static void undo_add(const char *sequence)
{
	if (!sequence || sequence == (char *)-1)
		return;
	while (*sequence && term.undo_len < UNDO_MAX) {
		/* Padding such as $<5> is an order to tputs, not to the terminal. */
		if (sequence[0] == '$' && sequence[1] == '<') {
			const char *end = strchr(sequence, '>');
			if (end) {
				sequence = end + 1;
				continue;
			}
		}
		term.undo[term.undo_len++] = *sequence++;
	}
}

/* Terminals of today understand bracketed paste and OSC 52 even where terminfo does not say so. */
static bool is_modern(void)
{
	static const char *const heads[] = { "xterm", "screen", "tmux", "rxvt", "alacritty", "kitty",
		"foot", "wezterm", "ghostty", "st-", "vte", "gnome", "konsole", "contour" };
	const char *name = getenv("TERM");
	for (size_t i = 0; name && i < ARRAY_LEN(heads); i++)
		if (strncmp(name, heads[i], strlen(heads[i])) == 0)
			return true;
	return false;
}

static void undo_prepare(void)
{
	term.undo_len = 0;
	undo_add(tigetstr("sgr0"));
	undo_add(tigetstr("op"));
	undo_add(tigetstr("rmkx"));
	undo_add(tigetstr("cnorm"));
	if (term.has_modern_modes)
		undo_add("\033[?1000l\033[?1006l\033[?2004l\033[?2026l");
	undo_add(tigetstr("rmcup"));
	undo_add("\r\n");
}

static void crash_install(void)
{
	struct sigaction action = { .sa_handler = on_crash, .sa_flags = (int)SA_RESETHAND };
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < ARRAY_LEN(crash_signals); i++)
		sigaction(crash_signals[i], &action, NULL);
	mem_set_out_of_memory(restore_by_hand);
}

static void crash_remove(void)
{
	for (size_t i = 0; i < ARRAY_LEN(crash_signals); i++)
		signal(crash_signals[i], SIG_DFL);
	mem_set_out_of_memory(NULL);
}

bool term_is_utf8(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static enum depth find_depth(bool no_color)
{
	if (no_color || !has_colors())
		return DEPTH_MONO;
	start_color();
	use_default_colors();
	term.has_eight = COLORS < 16;
	if (tigetflag("RGB") > 0 && COLORS > 256)
		return DEPTH_TRUE;
	return COLORS >= 256 ? DEPTH_256 : DEPTH_16;
}

static void mouse_on(bool on)
{
	mousemask(on ? BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED : 0, NULL);
}

static void modes_on(void)
{
	if (term.has_modern_modes)
		term_write("\033[?2004h", 8);
	if (term.mouse)
		mouse_on(true);
}

/*
 * Whether the terminal can show a frame in one go (mode 2026) is asked, never guessed: names and
 * environment are wrong over ssh. The answer comes as a key. GNU screen under its own name is left
 * alone.
 */
static void ask_for_sync(void)
{
	const char *name = getenv("TERM");
	bool good = term.has_modern_modes;

	if (name && strncmp(name, "screen", 6) == 0 && !getenv("TMUX"))
		return;
	for (int answer = 0; good && answer <= 4; answer++) {
		char sequence[24];

		(void)snprintf(sequence, sizeof sequence, "\033[?2026;%d$y", answer);
		good = define_key(sequence, CODE_SYNC + answer) == OK;
	}
	if (!good)
		return;
	set_escdelay(ESC_ASKED_MS);
	term_write("\033[?2026$p", 9);
}

static void modes_off(void)
{
	mousemask(0, NULL);
	if (term.has_modern_modes)
		term_write("\033[?2004l", 8);
}

static int paste_code(const char *sequence, int fallback)
{
	int code = key_defined(sequence);
	if (code > 0)
		return code;
	return define_key(sequence, fallback) == OK ? fallback : -1;
}

static void input_prepare(void)
{
	raw();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(ESC_MS);
	mouseinterval(0); /* a press is a press: nothing waits for a second one */
	leaveok(stdscr, FALSE);
	idlok(stdscr, TRUE);
	/* Else curses looks for keys after every row, each time with a write of its own, and leaves
	 * frames half done. */
	typeahead(-1);
	term.paste_begin = paste_code("\033[200~", CODE_PASTE_BEGIN);
	term.paste_end = paste_code("\033[201~", CODE_PASTE_END);
}

bool term_enter(const struct term_options *options, struct err *err)
{
	bool places_cursor;
	int status;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return err_set(err, ERR_USAGE, 0,
			"the console needs a terminal; use weir VIEW --print, --json or --csv");
	if (setupterm(NULL, STDOUT_FILENO, &status) != OK)
		return err_set(err, ERR_USAGE, 0, "the terminal \"%.40s\" is not known; set TERM, or use "
			"weir VIEW --print", getenv("TERM") ? getenv("TERM") : "");
	places_cursor = tigetstr("cup") != NULL;
	(void)del_curterm(cur_term);
	if (!places_cursor)
		return err_set(err, ERR_USAGE, 0, "the terminal \"%.40s\" cannot place a cursor; set TERM, "
			"or use weir VIEW --print", getenv("TERM") ? getenv("TERM") : "");
	tcgetattr(STDIN_FILENO, &term.saved);
	term.utf8 = term_is_utf8();
	term.screen = newterm(NULL, stdout, stdin);
	if (!term.screen)
		return err_set(err, ERR_USAGE, 0, "the terminal \"%.40s\" is not usable; use weir VIEW --print",
			getenv("TERM"));
	term.has_modern_modes = is_modern();
	term.mouse = options->mouse;
	undo_prepare();
	term.is_entered = true;
	crash_install();
	term.depth = find_depth(options->no_color);
	input_prepare();
	modes_on();
	ask_for_sync();
	return true;
}

void term_leave(void)
{
	if (!term.is_entered)
		return;
	modes_off();
	endwin();
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &term.saved);
	term.is_entered = false;
	crash_remove();
	delscreen(term.screen);
	term.screen = NULL;
	term_paint_done();
	term.has_sync = false;
}

static void take_back(void)
{
	modes_on();
	term_resize();
	term_forget();
	clearok(curscr, TRUE);
	refresh();
}

void term_suspend(void)
{
	modes_off();
	endwin();
	/* The handler of SIGTSTP is the loop's; the shell must see a stop by the default action. */
	struct sigaction stop = { .sa_handler = SIG_DFL }, before;
	struct sigaction ignore = { .sa_handler = SIG_IGN }, before_continue;
	sigset_t set, old;
	sigaction(SIGTSTP, &stop, &before);
	/* It wakes us all the same; what term_resume is for is done here. */
	sigaction(SIGCONT, &ignore, &before_continue);
	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &set, &old);
	raise(SIGTSTP);
	sigprocmask(SIG_SETMASK, &old, NULL);
	sigaction(SIGTSTP, &before, NULL);
	sigaction(SIGCONT, &before_continue, NULL);
	take_back();
}

void term_resume(void)
{
	/* curses thinks that all is as it was: only what it left it takes back whole. */
	modes_off();
	endwin();
	take_back();
}

int term_fd(void)
{
	return STDIN_FILENO;
}

void term_set_mouse(bool on)
{
	term.mouse = on;
	mouse_on(on);
}

void term_size(int *rows_out, int *cols_out)
{
	*rows_out = LINES;
	*cols_out = COLS;
}

void term_resize(void)
{
	struct winsize size;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0)
		return;
	resizeterm(size.ws_row, size.ws_col);
	term_forget();
}

void term_redraw(void)
{
	clearok(curscr, TRUE);
}

/* ---- keys ---- */

static const struct {
	int curses, key;
} key_codes[] = {
	{ KEY_UP, KEY_UP_ }, { KEY_DOWN, KEY_DOWN_ }, { KEY_LEFT, KEY_LEFT_ },
	{ KEY_RIGHT, KEY_RIGHT_ }, { KEY_HOME, KEY_HOME_ }, { KEY_END, KEY_END_ },
	{ KEY_FIND, KEY_HOME_ }, { KEY_SELECT, KEY_END_ }, { KEY_PPAGE, KEY_PGUP_ },
	{ KEY_NPAGE, KEY_PGDN_ }, { KEY_BACKSPACE, KEY_BS_ }, { KEY_DC, KEY_DEL_ },
	{ KEY_BTAB, KEY_STAB_ }, { KEY_ENTER, '\r' }, { KEY_RESIZE, KEY_RESIZE_ },
};

static int special_key(int code)
{
	MEVENT mouse;
	if (code == term.paste_begin || code == term.paste_end) {
		term.is_pasting = code == term.paste_begin;
		term.end_seen = 0;
		return term.is_pasting ? KEY_PASTE_BEGIN_ : KEY_PASTE_END_;
	}
	if (code >= KEY_F(1) && code <= KEY_F(24))
		return KEY_F_ + (code - KEY_F0);
	if (code >= CODE_SYNC && code <= CODE_SYNC + 4) {
		/* 1: on, 2: off; 0 and 4: there is no such thing. */
		term.has_sync = code == CODE_SYNC + 1 || code == CODE_SYNC + 2;
		set_escdelay(ESC_MS);
		return -1;
	}
	if (code == KEY_MOUSE && getmouse(&mouse) == OK) {
		term.mouse_row = mouse.y;
		term.mouse_col = mouse.x;
		if (mouse.bstate & BUTTON4_PRESSED)
			return KEY_WHEEL_UP_;
		if (mouse.bstate & BUTTON5_PRESSED)
			return KEY_WHEEL_DOWN_;
		return mouse.bstate & BUTTON1_PRESSED ? KEY_CLICK_ : -1;
	}
	for (size_t i = 0; i < ARRAY_LEN(key_codes); i++)
		if (key_codes[i].curses == code)
			return key_codes[i].key;
	return -1; /* a key nobody uses */
}

enum { BYTE_MAX = 0xff, ESC = 27 };

/* A byte, a key's code above all bytes, or ERR: none is waiting. */
static int next_code(void)
{
	int code = term.pushed_back;

	term.pushed_back = 0;
	return code ? code : getch();
}

/*
 * Behind an Esc: whether a sequence follows that is no key of this terminal, as Ctrl with an arrow is
 * on some. Its bytes are no keys either: [1;5C would go to the screens 1 and 5.
 */
static bool is_sequence(void)
{
	int code = next_code();

	if (code == '[' || code == 'O')
		return true;
	term.pushed_back = code == ERR ? 0 : code;
	return false;
}

/* Whether the code is one more of such a sequence, which may come in pieces. */
static bool is_inside_sequence(int code)
{
	if (!term.in_sequence)
		return false;
	term.in_sequence = code >= ' ' && code < '@';
	return code >= ' ' && code < 0x7f;
}

static const char end_of_paste[] = "\033[201~";

/*
 * Whether a code goes on with the end of a paste. Where that comes in pieces curses takes it for Esc
 * and text; missed, no key would ever be one again.
 */
static bool goes_on_with_end(int code)
{
	if (!term.is_pasting)
		return false;
	if (code == ESC || (term.end_seen > 0 && code == end_of_paste[term.end_seen])) {
		term.end_seen = code == ESC ? 1 : term.end_seen + 1;
		return true;
	}
	term.in_sequence = term.in_sequence || term.end_seen > 1;
	term.end_seen = 0;
	return false;
}

/* One byte more of a character, which may come in pieces; -1 while it is not whole, or is none. */
static int typed(int code)
{
	char byte = (char)code;
	bool is_first = mbsinit(&term.partial);
	wchar_t wide;
	size_t n = mbrtowc(&wide, &byte, 1, &term.partial);

	if (n == (size_t)-1) {
		memset(&term.partial, 0, sizeof term.partial);
		/* A half that stays one is dropped; what follows it is a key. */
		return is_first ? -1 : typed(code);
	}
	if (n == (size_t)-2)
		return -1;
	if (wide == 0x7f || wide == 8)
		return KEY_BS_;
	return wide == '\n' ? '\r' : (int)wide;
}

/* By bytes and not by get_wch, which loses a character that is not there whole. */
static int read_key(void)
{
	int code;

	while ((code = next_code()) != ERR) {
		int key;

		if (goes_on_with_end(code)) {
			if (term.end_seen < (int)sizeof end_of_paste - 1)
				continue;
			code = term.paste_end;
		}
		if (is_inside_sequence(code))
			continue;
		if (code == ESC && is_sequence()) {
			term.in_sequence = true;
			continue;
		}
		key = code > BYTE_MAX ? special_key(code) : typed(code);
		if (key >= 0)
			return key;
	}
	return KEY_NONE_;
}

int term_key(void)
{
	int key = read_key();

	/* Somebody types: a terminal that has not answered by now will not, and Esc is Esc again. */
	if (key != KEY_NONE_)
		set_escdelay(ESC_MS);
	return key;
}

void term_clicked(int *row_out, int *col_out)
{
	*row_out = term.mouse_row;
	*col_out = term.mouse_col;
}

/* ---- clipboard ---- */

bool term_copy(struct text clean)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	struct buf buf;
	if (!term.is_entered || !term.has_modern_modes || clean.len > COPY_MAX ||
		!utf8_is_clean(clean))
		return false;
	buf_init(&buf, 2 * COPY_MAX);
	buf_add_str(&buf, "\033]52;c;");
	for (size_t i = 0; i < clean.len; i += 3) {
		unsigned n = 0;
		for (size_t j = 0; j < 3; j++)
			n = n << 8 | (i + j < clean.len ? (unsigned char)clean.bytes[i + j] : 0u);
		for (size_t j = 0; j < 4; j++)
			buf_add_char(&buf, i + j > clean.len ? '=' : digits[n >> (18 - 6 * j) & 63]);
	}
	buf_add_char(&buf, '\a');
	term_write(buf.bytes, buf.len);
	buf_done(&buf);
	return true;
}
