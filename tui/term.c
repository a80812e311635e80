/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/term.h"

#include <errno.h>
#include <langinfo.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "tui/action.h"
#include "tui/theme.h"

/* Last: <term.h> has macros named lines, columns and the like. */
#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <term.h>

enum { UNDO_MAX = 512, COPY_MAX = 64 * 1024, CODE_PASTE_BEGIN = 0x7000, CODE_PASTE_END = 0x7001 };

/* What the crash handler uses is plain memory, written before the handler is installed. */
static struct {
	SCREEN *screen;
	bool is_entered, has_modern_modes, has_extended_colors;
	bool utf8;
	bool mouse;
	enum depth depth;
	bool has_eight; /* only: the bright ones are bold */
	int paste_begin, paste_end; /* curses key codes */
	struct termios saved;
	char undo[UNDO_MAX];
	size_t undo_len;
	attr_t attrs[2][ROLE_COUNT]; /* [selected][role] */
	int pairs[2][ROLE_COUNT];
	cchar_t *row;
	int row_cols;
	bool is_lazy[CANVAS_MAX_ROWS]; /* rows of the last paint */
} term;

static const int crash_signals[] = { SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL };

static void write_all(const char *bytes, size_t len)
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
	write_all(term.undo, term.undo_len);
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
		undo_add("\033[?1000l\033[?1006l\033[?2004l");
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

static void modes_on(void)
{
	if (term.has_modern_modes)
		write_all("\033[?2004h", 8);
	if (term.mouse)
		mousemask(BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
}

static void modes_off(void)
{
	mousemask(0, NULL);
	if (term.has_modern_modes)
		write_all("\033[?2004l", 8);
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
	set_escdelay(25);
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
	FREE(&term.row);
	term.row_cols = 0;
}

void term_suspend(void)
{
	modes_off();
	endwin();
	/* The handler of SIGTSTP is the loop's; the shell must see a stop by the default action. */
	struct sigaction stop = { .sa_handler = SIG_DFL }, before;
	sigset_t set, old;
	sigaction(SIGTSTP, &stop, &before);
	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &set, &old);
	raise(SIGTSTP);
	sigprocmask(SIG_SETMASK, &old, NULL);
	sigaction(SIGTSTP, &before, NULL);
	modes_on();
	term_resize();
	clearok(curscr, TRUE);
	refresh();
}

int term_fd(void)
{
	return STDIN_FILENO;
}

void term_set_mouse(bool on)
{
	term.mouse = on;
	mousemask(on ? BUTTON4_PRESSED | BUTTON5_PRESSED : 0, NULL);
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
}

void term_redraw(void)
{
	clearok(curscr, TRUE);
}

/* ---- colors ---- */

static attr_t attrs_of(unsigned attrs)
{
	attr_t out = A_NORMAL;

	if (attrs & ATTR_BOLD)
		out |= A_BOLD;
	if (attrs & ATTR_DIM)
		out |= A_DIM;
	if (attrs & ATTR_ITALIC)
		out |= A_ITALIC;
	if (attrs & ATTR_UNDERLINE)
		out |= A_UNDERLINE;
	if (attrs & ATTR_REVERSE)
		out |= A_REVERSE;
	return out;
}

/* The number curses knows it by; -1 = the terminal's own. */
static int color_number(struct color color)
{
	switch (term.depth) {
	case DEPTH_TRUE:
		return color.rgb;
	case DEPTH_256:
		return color.c256;
	case DEPTH_16:
		return term.has_eight && color.c16 >= 8 ? color.c16 - 8 : color.c16;
	case DEPTH_MONO:
		break;
	}
	return -1;
}

static void role_prepare(const struct theme *theme, enum role role, bool selected)
{
	struct style style = theme_style(theme, role, selected, term.depth);
	int fg = color_number(style.fg), bg = color_number(style.bg), pair = 0;

	term.attrs[selected][role] = attrs_of(style.attrs);
	if (term.depth == DEPTH_16 && term.has_eight && style.fg.c16 >= 8)
		term.attrs[selected][role] |= A_BOLD;
	if (term.depth != DEPTH_MONO) {
		pair = 1 + (int)role + (selected ? ROLE_COUNT : 0);
		if (pair >= COLOR_PAIRS || init_extended_pair(pair, fg, bg) != OK)
			pair = 0;
	}
	term.pairs[selected][role] = pair;
}

void term_set_theme(const struct theme *theme)
{
	for (int role = 0; role < ROLE_COUNT; role++) {
		role_prepare(theme, (enum role)role, false);
		role_prepare(theme, (enum role)role, true);
	}
	if (term.is_entered)
		clearok(curscr, TRUE);
}

/* ---- painting ---- */

/*
 * One cell's characters for curses. A character whose width the C library sees differently than
 * base/utf8 would shift the rest of the row, so it is replaced; so is what the locale lacks.
 */
static void cell_chars(const struct cell *cell, int cells, wchar_t out[CCHARW_MAX + 1])
{
	struct text text = { cell->bytes, cell->len };
	size_t n = 0, at = 0;
	while (at < text.len && n < CCHARW_MAX) {
		uint32_t code = utf8_next(text, at, &at);
		out[n++] = (wchar_t)code;
	}
	out[n] = 0;
	if (n == 0 || out[0] < 0x20)
		out[0] = ' ', out[1] = 0;
	else if (!term.utf8 && out[0] > 0x7e)
		out[0] = '?', out[1] = 0;
	else if (term.utf8 && out[0] > 0x7e && wcwidth(out[0]) != cells)
		out[0] = 0xfffd, out[1] = 0;
	if (!term.utf8)
		out[1] = 0;
}

static void cell_set(cchar_t *out, const wchar_t *chars, const struct cell *cell, bool running)
{
	enum role role = cell->role < ROLE_COUNT ? (enum role)cell->role : ROLE_TEXT;
	bool selected = cell->selected && !(running && cell->lazy);
	int pair = term.pairs[selected][role];
	setcchar(out, chars, term.attrs[selected][role], (short)pair, &pair);
}

static int row_build(const struct cell *cells, int cols, bool running)
{
	int n = 0;
	for (int col = 0; col < cols; col++) {
		wchar_t chars[CCHARW_MAX + 1];
		bool wide = col + 1 < cols && cells[col].len > 0 && cells[col + 1].len == 0;
		if (cells[col].len == 0) {
			cell_set(&term.row[n++], L" ", &cells[col], running);
			continue;
		}
		cell_chars(&cells[col], wide ? 2 : 1, chars);
		cell_set(&term.row[n++], chars, &cells[col], running);
		if (!wide)
			continue;
		/* curses counts the two cells itself, unless the character was replaced. */
		if (!term.utf8 || wcwidth(chars[0]) != 2)
			cell_set(&term.row[n++], L" ", &cells[col], running);
		col++;
	}
	return n;
}

/* A row that belongs to a detail pane, and did at the last paint. */
static bool may_lag(int row, const struct cell *cells)
{
	bool was_lazy = term.is_lazy[row];

	term.is_lazy[row] = cells[0].lazy;
	return was_lazy && cells[0].lazy;
}

void term_paint(const struct canvas *canvas, bool running)
{
	int rows = canvas->rows < LINES ? canvas->rows : LINES;
	int cols = canvas->cols < COLS ? canvas->cols : COLS;
	if (term.row_cols < canvas->cols) {
		term.row = mem_resize(term.row, (size_t)canvas->cols + 1, sizeof(*term.row));
		term.row_cols = canvas->cols;
	}
	for (int row = 0; row < rows; row++) {
		const struct cell *cells = canvas->cells + (size_t)row * (size_t)canvas->cols;
		int n;

		if (may_lag(row, cells) && running)
			continue;
		n = row_build(cells, cols, running);
		mvadd_wchnstr(row, 0, term.row, n);
	}
	if (canvas->cursor_row >= 0 && canvas->cursor_row < rows && canvas->cursor_col < cols) {
		curs_set(1);
		move(canvas->cursor_row, canvas->cursor_col);
	} else {
		curs_set(0);
	}
	wnoutrefresh(stdscr);
	doupdate();
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
	if (code == term.paste_begin)
		return KEY_PASTE_BEGIN_;
	if (code == term.paste_end)
		return KEY_PASTE_END_;
	if (code >= KEY_F(1) && code <= KEY_F(12))
		return KEY_F_ + (code - KEY_F0);
	if (code == KEY_MOUSE && getmouse(&mouse) == OK)
		return mouse.bstate & BUTTON4_PRESSED ? KEY_UP_ : KEY_DOWN_;
	for (size_t i = 0; i < ARRAY_LEN(key_codes); i++)
		if (key_codes[i].curses == code)
			return key_codes[i].key;
	return -1; /* a key nobody uses */
}

int term_key(void)
{
	wint_t wide;
	for (;;) {
		int status = get_wch(&wide);
		if (status == ERR)
			return KEY_NONE_;
		if (status == KEY_CODE_YES) {
			int key = special_key((int)wide);
			if (key >= 0)
				return key;
			continue;
		}
		if (wide == 0x7f || wide == 8)
			return KEY_BS_;
		return wide == '\n' ? '\r' : (int)wide;
	}
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
	write_all(buf.bytes, buf.len);
	buf_done(&buf);
	return true;
}
