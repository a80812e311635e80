/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_KAFKA_PROCESS_H
#define COLLECTORS_KAFKA_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * A sweeper process seen from the collector: started, read without waiting, ended and understood.
 * One thread.
 */
struct process {
	pid_t pid;   /* 0 = none */
	int fd;      /* its socket, non-blocking for reads */
	int says_fd; /* its standard error: what a library says before it aborts */
	struct buf in;
	struct buf says; /* the last words, bounded */
};

void process_init(struct process *child);
/* Runs this very program with KAFKA_SWEEPER_WORD. */
bool process_start(struct process *child, struct err *err);
/* The whole of bytes, within two seconds. */
bool process_send(struct process *child, const struct buf *bytes, struct err *err);
/* What is there goes behind child->in; false when it has ended (what came before is still there). */
bool process_read(struct process *child, bool *heard_out);
/* Ends it (at once unless it already has) and says how it ended: "signal 6 (Aborted): ...". */
void process_end(struct process *child, char *why, size_t size);
void process_done(struct process *child); /* ended; frees */

#endif
