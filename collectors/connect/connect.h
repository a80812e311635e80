/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_CONNECT_CONNECT_H
#define COLLECTORS_CONNECT_CONNECT_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "collectors/config.h"
#include "store/fact.h"

/*
 * Kafka Connect's REST reply to GET /connectors?expand=status&expand=info. Pure. Of a connector's
 * configuration only its topics and its consumer group are looked at: everything else in it may be
 * a secret.
 */
enum { CONNECT_REPLY_MAX = 32 << 20, CONNECT_TRACE_MAX = 1000, CONNECT_TRACE_LINES = 8 };

/* The keys and the sentence of [connect NAME], for programs that cannot fetch. */
extern const struct config_key connect_keys[];
extern const char connect_about[];

/*
 * One FACT_CONNECTOR each into the batch; a connector that makes no sense becomes undecodable,
 * without its bytes. names_out: a new array of the names of all that are there; the caller owns it.
 * False: the reply is no object; nothing was added.
 */
bool connect_decode(struct fact_batch *batch, struct text connect, struct text reply,
	int64_t now_ms, json_t **names_out, struct err *err);
/* A connector that was there and is not any more. */
void connect_tell_gone(
	struct fact_batch *batch, struct text connect, struct text name, int64_t now_ms);
/* What a status other than 200 means, in words: into err. */
void connect_explain(int status, struct text reply, struct err *err);
/* The address asked: url with /connectors?expand=status&expand=info; caller frees. */
char *connect_address(struct text url);
/* Appends text with what looks like a secret (password=..., ://user:pass@) blotted out. */
void connect_blot(struct buf *out, struct text text);

#endif
