/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/prompt.h"

#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "tui/action.h"

static const char *const leads[PROMPT_KIND_COUNT] = {
	[PROMPT_NONE] = "", [PROMPT_FILTER] = "/", [PROMPT_COMMAND] = ":",
	[PROMPT_AS_OF] = "as of: ", [PROMPT_WRITE] = "write to: ",
};

enum { CTRL_A = 1, CTRL_B = 2, CTRL_C = 3, CTRL_E = 5, CTRL_F = 6, CTRL_G = 7, TAB = 9, CTRL_K = 11,
	ENTER = 13, CTRL_U = 21, CTRL_W = 23, ESC = 27 };

struct text prompt_text(const struct prompt *prompt)
{
	return (struct text){ prompt->bytes, prompt->len };
}

static void prompt_set(struct prompt *prompt, struct text text)
{
	size_t len = text.len < PROMPT_MAX ? text.len : PROMPT_MAX - 1;

	while (len < text.len && len > 0 && ((unsigned char)text.bytes[len] & 0xc0) == 0x80)
		len--;
	if (len > 0)
		memmove(prompt->bytes, text.bytes, len);
	prompt->len = prompt->at = len;
}

void prompt_open(struct prompt *prompt, enum prompt_kind kind, struct text start)
{
	prompt->kind = kind;
	prompt->browsing = prompt->nhistory[kind];
	prompt->complete_len = 0;
	prompt->completed = 0;
	prompt_set(prompt, start);
}

void prompt_close(struct prompt *prompt)
{
	prompt->kind = PROMPT_NONE;
	prompt->len = prompt->at = 0;
}

void prompt_done(struct prompt *prompt)
{
	for (size_t kind = 0; kind < PROMPT_KIND_COUNT; kind++)
		for (size_t i = 0; i < prompt->nhistory[kind]; i++)
			FREE(&prompt->history[kind][i]);
}

void prompt_remember(struct prompt *prompt, enum prompt_kind kind, struct text text)
{
	char **lines = prompt->history[kind];
	size_t *n = &prompt->nhistory[kind];
	char *line;

	if (text.len == 0 || text.len >= PROMPT_MAX)
		return;
	if (*n > 0 && text_eq(text_of(lines[*n - 1]), text))
		return;
	line = text_dup(text);
	if (*n == PROMPT_HISTORY) {
		free(lines[0]);
		memmove(lines, lines + 1, (PROMPT_HISTORY - 1) * sizeof *lines);
		(*n)--;
	}
	lines[(*n)++] = line;
}

static enum prompt_result history_move(struct prompt *prompt, bool back)
{
	size_t n = prompt->nhistory[prompt->kind];

	if (back ? prompt->browsing == 0 : prompt->browsing >= n)
		return PROMPT_MOVED;
	if (prompt->browsing == n) {
		memcpy(prompt->draft, prompt->bytes, prompt->len);
		prompt->draft_len = prompt->len;
	}
	prompt->browsing = back ? prompt->browsing - 1 : prompt->browsing + 1;
	prompt_set(prompt, prompt->browsing < n
				   ? text_of(prompt->history[prompt->kind][prompt->browsing])
				   : (struct text){ prompt->draft, prompt->draft_len });
	return PROMPT_CHANGED;
}

static size_t cluster_before(const struct prompt *prompt, size_t at)
{
	size_t from = 0, next = 0;
	int cells;

	while (next < at) {
		from = next;
		next = utf8_cluster(prompt_text(prompt), from, &cells);
	}
	return from;
}

static void cut(struct prompt *prompt, size_t from, size_t to)
{
	memmove(prompt->bytes + from, prompt->bytes + to, prompt->len - to);
	prompt->len -= to - from;
	prompt->at = from;
}

static bool insert(struct prompt *prompt, struct text text)
{
	if (prompt->len + text.len >= PROMPT_MAX)
		return false;
	memmove(prompt->bytes + prompt->at + text.len, prompt->bytes + prompt->at,
		prompt->len - prompt->at);
	memcpy(prompt->bytes + prompt->at, text.bytes, text.len);
	prompt->len += text.len;
	prompt->at += text.len;
	return true;
}

static enum prompt_result type(struct prompt *prompt, int key)
{
	char bytes[4];
	struct text typed;
	struct buf clean;

	if (key < 0x20 || key == 0x7f || key >= KEY_BASE)
		return PROMPT_IGNORED;
	typed = (struct text){ bytes, utf8_encode((uint32_t)key, bytes) };
	/* A combining mark is clean behind its base only: the line decides, not the key alone. */
	if (!insert(prompt, typed))
		return PROMPT_IGNORED; /* a long paste must not filter anew for each of its bytes */
	if (utf8_is_clean(prompt_text(prompt)))
		return PROMPT_CHANGED;
	cut(prompt, prompt->at - typed.len, prompt->at);
	buf_init(&clean, 16);
	(void)utf8_clean(&clean, typed, UTF8_ONE_LINE); /* one code point: fits */
	(void)insert(prompt, buf_text(&clean));
	buf_done(&clean);
	return PROMPT_CHANGED;
}

static enum prompt_result complete(struct prompt *prompt)
{
	struct text head = { prompt->bytes,
		prompt->complete_len ? prompt->complete_len : prompt->at };
	char line[PROMPT_MAX];
	size_t from = 0;
	struct text word;

	/* Within the line what is behind the cursor would be lost. */
	if (!prompt->candidate || prompt->at < prompt->len)
		return PROMPT_MOVED;
	if (!prompt->complete_len)
		prompt->completed = 0;
	/* Candidates are for what was typed; the line meanwhile holds the candidate before. */
	memcpy(line, prompt->bytes, head.len);
	head.bytes = line;
	word = prompt->candidate(prompt->context, head, &from, prompt->completed);
	if (!word.bytes && prompt->completed > 0) {
		prompt->completed = 0;
		word = prompt->candidate(prompt->context, head, &from, 0);
	}
	if (!word.bytes)
		return PROMPT_MOVED;
	prompt->at = prompt->len = head.len;
	if (from == head.len || text_starts(word, text_sub(head, from, head.len))) {
		(void)insert(prompt, text_sub(word, head.len - from, word.len));
	} else {
		prompt->at = prompt->len = from;
		(void)insert(prompt, word);
	}
	prompt->complete_len = head.len;
	prompt->completed++;
	return PROMPT_CHANGED;
}

static enum prompt_result edit(struct prompt *prompt, int key)
{
	size_t from = prompt->at;
	int cells;

	switch (key) {
	case KEY_LEFT_:
	case CTRL_B:
		prompt->at = cluster_before(prompt, prompt->at);
		return PROMPT_MOVED;
	case KEY_RIGHT_:
	case CTRL_F:
		if (prompt->at < prompt->len)
			prompt->at = utf8_cluster(prompt_text(prompt), prompt->at, &cells);
		return PROMPT_MOVED;
	case KEY_HOME_:
	case CTRL_A:
		prompt->at = 0;
		return PROMPT_MOVED;
	case KEY_END_:
	case CTRL_E:
		prompt->at = prompt->len;
		return PROMPT_MOVED;
	case KEY_BS_:
		if (prompt->len == 0)
			return PROMPT_CANCELED;
		cut(prompt, cluster_before(prompt, prompt->at), prompt->at);
		return PROMPT_CHANGED;
	case KEY_DEL_:
		if (prompt->at < prompt->len)
			cut(prompt, from, utf8_cluster(prompt_text(prompt), from, &cells));
		return PROMPT_CHANGED;
	case CTRL_U:
		cut(prompt, 0, prompt->at);
		return PROMPT_CHANGED;
	case CTRL_K:
		prompt->len = prompt->at;
		return PROMPT_CHANGED;
	case CTRL_W:
		while (from > 0 && prompt->bytes[from - 1] == ' ')
			from--;
		while (from > 0 && prompt->bytes[from - 1] != ' ')
			from--;
		cut(prompt, from, prompt->at);
		return PROMPT_CHANGED;
	case KEY_UP_:
		return history_move(prompt, true);
	case KEY_DOWN_:
		return history_move(prompt, false);
	default:
		return type(prompt, key);
	}
}

enum prompt_result prompt_key(struct prompt *prompt, int key)
{
	if (key == KEY_PASTE_BEGIN_ || key == KEY_PASTE_END_) {
		prompt->pasting = key == KEY_PASTE_BEGIN_;
		return PROMPT_MOVED;
	}
	if (prompt->pasting)
		return type(prompt, key == ENTER || key == TAB ? ' ' : key);
	if (key == TAB)
		return complete(prompt);
	prompt->complete_len = 0;
	if (key == ENTER) {
		prompt_remember(prompt, prompt->kind, prompt_text(prompt));
		return PROMPT_DONE;
	}
	if (key == ESC || key == CTRL_C || key == CTRL_G)
		return PROMPT_CANCELED;
	return edit(prompt, key);
}

void prompt_draw(const struct prompt *prompt, struct canvas *canvas, int row)
{
	int lead = canvas_put(canvas, row, 0, canvas->cols, ROLE_PROMPT, text_of(leads[prompt->kind]));
	int width = canvas->cols - lead;
	struct text before = { prompt->bytes, prompt->at };
	size_t used = utf8_width(before);

	if (width <= 0)
		return;
	/* Of a line longer than the row, the part before the cursor is what matters. */
	if (used >= (size_t)width) {
		struct text tail = utf8_tail(before, (size_t)width - 1, &used);

		canvas_put(canvas, row, lead, width, ROLE_PROMPT, tail);
	} else {
		canvas_put(canvas, row, lead, width, ROLE_PROMPT, prompt_text(prompt));
	}
	canvas_cursor(canvas, row, lead + (int)used);
}
