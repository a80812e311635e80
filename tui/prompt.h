/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_PROMPT_H
#define TUI_PROMPT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "tui/canvas.h"

/*
 * One line of typing, with history and completion. Holds clean text only. Keys are those of
 * action.h; an open prompt takes all of them, so nothing typed or pasted becomes an action.
 */
enum { PROMPT_MAX = 512, PROMPT_HISTORY = 50 };

enum prompt_kind { PROMPT_NONE, PROMPT_FILTER, PROMPT_COMMAND, PROMPT_AS_OF, PROMPT_WRITE,
	PROMPT_KIND_COUNT };

enum prompt_result { PROMPT_IGNORED, PROMPT_MOVED, PROMPT_CHANGED, PROMPT_DONE, PROMPT_CANCELED };

struct prompt {
	enum prompt_kind kind; /* PROMPT_NONE = closed */
	char bytes[PROMPT_MAX];
	size_t len, at; /* at: the cursor, a byte offset on a cluster border */
	bool pasting;
	char *history[PROMPT_KIND_COUNT][PROMPT_HISTORY]; /* oldest first */
	size_t nhistory[PROMPT_KIND_COUNT], browsing;     /* browsing: nhistory = the line being typed */
	char draft[PROMPT_MAX]; /* that line, while another is looked at */
	size_t draft_len;
	size_t completed; /* which candidate the last Tab put in; resets when anything else happens */
	size_t complete_from, complete_len;
	void *context;
	/* The n-th candidate for the word that begins at from, given the head of the line; NONE = no more. */
	struct text (*candidate)(void *context, struct text line, size_t *from_out, size_t n);
};

void prompt_open(struct prompt *prompt, enum prompt_kind kind, struct text start);
void prompt_close(struct prompt *prompt);
void prompt_done(struct prompt *prompt); /* frees the history */
/* An entry of the history, newer than all there are; the same twice running is one. */
void prompt_remember(struct prompt *prompt, enum prompt_kind kind, struct text text);
struct text prompt_text(const struct prompt *prompt); /* borrowed until the next key */
enum prompt_result prompt_key(struct prompt *prompt, int key);
void prompt_draw(const struct prompt *prompt, struct canvas *canvas, int row);

#endif
