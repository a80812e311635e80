/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_KAFKA_JAAS_H
#define COLLECTORS_KAFKA_JAAS_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/text.h"

/*
 * Java's way of saying who logs in, as far as other clients can use it:
 *     org.apache.kafka.common.security.plain.PlainLoginModule required username="x" password="y";
 * Texts lie in the arena. Pure.
 */
enum jaas_kind { JAAS_UNKNOWN, JAAS_LOGIN, JAAS_OAUTH, JAAS_KERBEROS };

struct jaas {
	bool plain; /* else SCRAM */
	struct text username, password;
};

enum jaas_kind jaas_parse(struct arena *arena, struct text value, struct jaas *out);

#endif
