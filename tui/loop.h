/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_LOOP_H
#define TUI_LOOP_H

#include <stdbool.h>

#include "base/err.h"

/*
 * The console's sleep: poll() on the terminal, on signals turned into bytes of a pipe, and on the
 * next timer. Whoever runs it answers through the table. UI thread; one a process, because signals
 * are the process's.
 */
enum loop_signal { LOOP_RESIZE, LOOP_STOP, LOOP_CONTINUE, LOOP_CHILD, LOOP_LEAVE };

struct loop_ops {
	int (*key)(void *self);              /* next key or KEY_NONE_; KEY_HANGUP_ ends */
	void (*press)(void *self, int key);
	void (*signal)(void *self, enum loop_signal signal);
	void (*tick)(void *self);            /* after every wake: data, timers */
	void (*draw)(void *self);            /* before every sleep; draws if anything changed */
	int (*timeout_ms)(void *self);       /* longest sleep; -1 = until something happens */
	bool (*is_over)(void *self);
};

/* Runs until is_over, a leaving signal or a hang-up. tty: the descriptor keys come from. */
bool loop_run(int tty, const struct loop_ops *ops, void *self, struct err *err);

#endif
