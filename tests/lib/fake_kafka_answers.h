/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_FAKE_KAFKA_ANSWERS_H
#define TESTS_LIB_FAKE_KAFKA_ANSWERS_H

#include "tests/lib/fake_kafka.h"
#include "tests/lib/fake_kafka_wire.h"

enum { FAKE_ANSWER_MAX = 64 << 20 };

/* Reads a request behind its length, appends a whole frame; false when it is not to be sent. */
bool fake_kafka_answer(struct fake_kafka *fake, int broker, struct take *in, struct buf *out);

#endif
