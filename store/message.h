/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_MESSAGE_H
#define STORE_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/text.h"

/*
 * Messages that differ only in what their event says anyway share a template: a mark stands where
 * the name of its flow or dataset stood, and for each run of digits that stands alone (no letter,
 * digit, dot or underscore beside it, no leading zero, at most 18 digits). Marks are control
 * characters, which clean text never holds; where a text does hold one, MESSAGE_ESCAPE precedes it.
 * Pure; any thread.
 */
enum { MESSAGE_NUMBER = 1, MESSAGE_FLOW, MESSAGE_DATASET, MESSAGE_ESCAPE, MESSAGE_PLAIN };
enum { MESSAGE_NUMBERS_MAX = 32, MESSAGE_NAME_MIN = 3 /* shorter names stand in other words */ };

struct message_names { /* of the event; NONE where it has none */
	struct text flow, dataset;
};

/*
 * Writes the template, which takes at most twice the message's bytes; returns how many numbers went
 * into numbers[0..max).
 */
size_t message_pack(char *template_out, size_t *len_out, struct text message,
	const struct message_names *names, int64_t numbers[MESSAGE_NUMBERS_MAX]);
/* The message again, in the arena, with the names and numbers it was packed with. */
struct text message_unpack(struct arena *arena, struct text template,
	const struct message_names *names, const int64_t *numbers, size_t nnumbers);

#endif
